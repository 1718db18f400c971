//! One page of rules.
use std::ops::Bound;

use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{ListRulesRequest, ListRulesResponse, RuleInfo};
use orewatch_contracts::page::{Page, PageSize};
use orewatch_rules::tenant::tenant_of;
use orewatch_runtime::Identity;
use prost::Message as _;

use super::info::rule_info;
use crate::service_state::RulesView;
use crate::token;

const RULE_PAGE: PageSize = PageSize::bounded_by_bytes(1000, "rules");

/// The rules that a caller may see, after those of the page before.
pub(super) fn list_rules(
    view: &RulesView,
    who: &Identity,
    request: &ListRulesRequest,
) -> Result<ListRulesResponse, Failure> {
    let ListRulesRequest { pack, page_size, page_token } = request;
    let size = RULE_PAGE.resolve(*page_size)?;
    let after = match token::parse_rule_page_token(page_token)? {
        Some(last) => Bound::Excluded(last),
        None => Bound::Unbounded,
    };
    let seen = view.rules().current_rules_from(after).filter(|(_, rule)| who.may_read(tenant_of(&rule.id)));
    let wanted = seen.filter(|(_, rule)| pack.is_empty() || rule.pack == *pack);
    let infos = wanted.map(|(revision, rule)| rule_info(view, revision, rule));
    let page = Page::collect(infos, size, |info| info.encoded_len());
    let last_id =
        |last: &RuleInfo| last.rule.as_ref().map(|rule| token::rule_page_token(&rule.id)).unwrap_or_default();
    let next_page_token = page.next_token(last_id);
    Ok(ListRulesResponse { rules: page.items, next_page_token, stale: None })
}
