//! Calls that create, change and end silences.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{
    AlertEvent, EndSilenceRequest, EndSilenceResponse, PutSilenceRequest, PutSilenceResponse, Silence,
    SilenceInfo,
};
use orewatch_rules::facts::silence_stream;
use orewatch_rules::tenant::{Scope, identifier_of, tenant_of};
use orewatch_runtime::Identity;
use uuid::Uuid;

use super::{NotificationService, decide, missing};
use crate::blocking::compute_answer;
use crate::notify::info::{check_tenant, count, count_firing_within, silence_info, words};
use crate::notify::muting::MutingState;
use crate::notify::silence::SilenceRecord;
use crate::service_state::{RulesView, StateCopy};

impl NotificationService {
    pub(super) async fn put_silence(
        &self,
        who: &Identity,
        request: PutSilenceRequest,
    ) -> Result<PutSilenceResponse, Failure> {
        let mut silence =
            request.silence.ok_or_else(|| missing("silence", "the request holds no silence"))?;
        let new = identifier_of(&request.tenant, &Uuid::now_v7().to_string());
        let id = if silence.id.is_empty() { new.clone() } else { silence.id.clone() };
        check_tenant(&request.tenant, &id)?;
        let own = Scope::Only(tenant_of(&id).into());
        who.check_change(tenant_of(&id))?;
        silence.author = who.actor(silence.author);
        let (state, now) = (self.state_copy().await?, self.context.clock.now());
        if request.validate_only {
            return compute_answer(move || {
                let put = decide::put_silence(&state.notify, &silence, &new, now)?;
                let warnings = unknown_words(&state.view, &own, &silence);
                let would = SilenceRecord::from_log(put.silence.unwrap_or_default(), put.revision, 0);
                let alerts = count(MutingState::count_matched(&would, state.notify.alerts()));
                let info = SilenceInfo { alerts, ..silence_info(&would, now) };
                let firing = count_firing_within(&state.notify, &own);
                Ok(PutSilenceResponse { silence: Some(info), warnings, firing })
            })
            .await;
        }
        let (view, wanted, scope) = (state.view, silence.clone(), own.clone());
        let warnings = compute_answer(move || Ok(unknown_words(&view, &scope, &wanted))).await?;
        let wanted = id.clone();
        let decide = move |state: &StateCopy, now| {
            let put = decide::put_silence(&state.notify, &silence, &new, now)?;
            let before = state.notify.silences().get(wanted.as_str()).map_or(0, |silence| silence.position);
            Ok(Some((AlertEvent::SilencePut(put), before)))
        };
        self.change(&id, silence_stream, decide).await?;
        let (state, now) = (self.state_copy().await?, self.context.clock.now());
        compute_answer(move || {
            let silence = Some(silence_info(decide::find_silence(&state.notify, &id)?, now));
            Ok(PutSilenceResponse { silence, warnings, firing: count_firing_within(&state.notify, &own) })
        })
        .await
    }

    pub(super) async fn end_silence(
        &self,
        who: &Identity,
        request: EndSilenceRequest,
    ) -> Result<EndSilenceResponse, Failure> {
        let EndSilenceRequest { silence: id, actor } = request;
        who.check_change(tenant_of(&id))?;
        let actor = who.actor(actor);
        let wanted = id.clone();
        let decide = move |state: &StateCopy, now| {
            let ended = decide::end_silence(&state.notify, &wanted, &actor, now)?;
            let before = decide::find_silence(&state.notify, &wanted)?.position;
            Ok(ended.map(|ended| (AlertEvent::SilenceEnded(ended), before)))
        };
        self.change(&id, silence_stream, decide).await?;
        let service = self.service.borrow();
        let silence = decide::find_silence(&service.notify, &id)?;
        Ok(EndSilenceResponse { silence: Some(silence_info(silence, self.context.clock.now())) })
    }
}

/// Warnings about values in the filter of a silence that no rule in a scope has.
fn unknown_words(view: &RulesView, scope: &Scope, silence: &Silence) -> Vec<String> {
    words(view, scope).unknown(&silence.filter.clone().unwrap_or_default())
}
