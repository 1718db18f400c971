//! Rules over the wire.
use orewatch_contracts::alerting::v1::{
    AlertFilter, GetAlertRequest, GetRuleRequest, ListAlertsRequest, ListRulesRequest, PutRuleRequest,
    SubscribeAlertsRequest,
};
use orewatch_contracts::{Class, Failure};

use crate::kit::{Desk, china_rule, pack_rule, shares};

#[tokio::test]
async fn rules_are_put_checked_listed_and_counted() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let put = service.put(pack_rule("g7-china", "g7-china-cobalt")).await;
    assert!(put.changed);
    assert_eq!(put.rule.as_ref().unwrap().revision, 1);
    assert_eq!(put.rule.unwrap().rule.unwrap().measure, "import-share/1");
    service.put(china_rule("mine", "hold: {periods: 1}")).await;

    let only_check =
        PutRuleRequest { rule: Some(china_rule("x", "")), validate_only: true, ..Default::default() };
    assert!(!service.client.put_rule(only_check).await.unwrap().into_inner().changed);

    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2024, 0.7)])).await;
    service.evaluated(position).await;
    let list = |pack: &str| ListRulesRequest { pack: pack.to_owned(), ..ListRulesRequest::default() };
    let all = service.client.list_rules(list("")).await.unwrap().into_inner().rules;
    let told: Vec<_> = all
        .iter()
        .map(|info| (info.rule.as_ref().unwrap().id.as_str(), info.firing, info.pending, info.subjects))
        .collect();
    assert_eq!(told, [("g7-china-cobalt", 1, 0, 1), ("mine", 0, 1, 1)]);
    assert_eq!(service.client.list_rules(list("g7-china")).await.unwrap().into_inner().rules.len(), 1);
    let get = GetRuleRequest { rule: "mine".to_owned() };
    assert_eq!(service.client.get_rule(get).await.unwrap().into_inner().rule, Some(all[1].clone()));
    service.stop().await;
}

#[tokio::test]
async fn errors_name_field_and_value() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let mut wrong = china_rule("r", "");
    wrong.select.as_mut().unwrap().materials = vec!["cobold".to_owned()];
    let request = PutRuleRequest { rule: Some(wrong), ..Default::default() };
    let failure = Failure::from(service.client.put_rule(request).await.unwrap_err());
    assert_eq!((failure.class, failure.code.as_str()), (Class::Invalid, "unknown-material"));
    assert_eq!((failure.field.as_str(), failure.value.as_str()), ("select.materials[0]", "cobold"));
    assert!(failure.hint.contains("cobalt"), "{failure}");

    let get = GetRuleRequest { rule: "nobody".to_owned() };
    let failure = Failure::from(service.client.get_rule(get).await.unwrap_err());
    assert_eq!((failure.class, failure.code.as_str()), (Class::NotFound, "unknown-rule"));
    for alert in ["no/such/alert", "a b", "", "../x"] {
        let request = GetAlertRequest { alert: alert.to_owned() };
        let failure = Failure::from(service.client.get_alert(request).await.unwrap_err());
        assert_eq!(failure.class, Class::NotFound, "{alert}");
    }
    for page_token in ["x", "a1", "1:r", "a-1:r"] {
        let request = ListAlertsRequest { page_token: page_token.to_owned(), ..Default::default() };
        let failure = Failure::from(service.client.list_alerts(request).await.unwrap_err());
        assert_eq!(failure.code, "invalid-token", "{page_token}");
    }
    for resume_token in ["x", "a", "a999", "7"] {
        let request = SubscribeAlertsRequest { resume_token: resume_token.to_owned(), ..Default::default() };
        let failure = Failure::from(service.client.subscribe_alerts(request).await.err().unwrap());
        assert_eq!(failure.code, "invalid-token", "{resume_token}");
    }
    let filter = Some(AlertFilter { consumers: vec!["GER".to_owned()], ..Default::default() });
    let failure = service.client.list_alerts(ListAlertsRequest { filter, ..Default::default() }).await;
    assert_eq!(Failure::from(failure.unwrap_err()).field, "filter.consumers[0]");
    let request = ListAlertsRequest { page_size: 1001, ..Default::default() };
    assert_eq!(
        Failure::from(service.client.list_alerts(request).await.unwrap_err()).code,
        "invalid-page-size"
    );
    service.stop().await;
}

#[tokio::test]
async fn each_alert_is_on_one_page() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let mut position = 0;
    for material in ["cobalt", "copper", "graphite", "lithium", "nickel"] {
        position = desk.publish(material, "a", shares("DEU", "refined", &[(2024, 0.7)])).await;
    }
    service.evaluated(position).await;
    let mut request = ListAlertsRequest { page_size: 2, ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = service.client.list_alerts(request.clone()).await.unwrap().into_inner();
        assert!(page.alerts.len() <= 2);
        found.extend(page.alerts.into_iter().map(|alert| alert.subject.unwrap().material));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(found, ["cobalt", "copper", "graphite", "lithium", "nickel"]);
    service.stop().await;
}
