//! Erases a tenant: destroys its keys, waits until no process has one of them in use, records it, and removes
//! the tenant's files.
//!
//! Whatever interrupts it, the same command goes on: destroying keys again changes nothing, and a tenant of
//! which something is left is recorded as erased once more.
use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use orewatch_contracts::ingestion::v1::{
    EraseTenantRequest, EraseTenantResponse, ObservationEventKind, TenantErased,
};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{EventLog, Filter, StreamName, history};
use orewatch_formats::ids;
use orewatch_runtime::Context;
use orewatch_store::keys::{FORGOTTEN_AFTER, TenantKeys};
use orewatch_store::sealed::sealed_with;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::archive::{Archive, ContentId, sealed_name};
use crate::connectors::Connectors;
use crate::decision::Decision;
use crate::evolve::{IngestionState, ReleaseRecord};
use crate::retention;
use crate::validate;
use crate::withheld::Withheld;
use crate::work::Repository;

/// Second token of the streams of tenants.
const ROOT_TOKEN: &str = "_tenants";

/// Erases tenants, one at a time.
#[derive(Debug)]
pub(crate) struct Eraser {
    pub(crate) context: Context,
    /// The log with its content as it is stored.
    pub(crate) stored: Arc<dyn EventLog>,
    pub(crate) repository: Arc<Repository>,
    pub(crate) archive: Arc<Archive>,
    pub(crate) connectors: Arc<Connectors>,
    pub(crate) keys: TenantKeys,
    pub(crate) running: Mutex<()>,
}

/// The releases of a tenant, as they are on the log.
#[derive(Debug, Default)]
struct OnLog {
    /// All of them.
    releases: Vec<String>,
    /// How many are not erased yet.
    visible: usize,
    /// Those with rows that are not sealed.
    readable: Vec<String>,
    /// Keys with which rows are sealed.
    keys: BTreeSet<Uuid>,
}

impl Eraser {
    /// Erases a tenant, for good.
    ///
    /// # Errors
    /// A tenant that has nothing, a service without a key file, and errors of the keys, the log and the
    /// archive.
    pub(crate) async fn erase(&self, request: EraseTenantRequest) -> Result<EraseTenantResponse, Failure> {
        check(&request)?;
        let _running = self.running.lock().await;
        self.repository.catch_up().await?;
        let tenant = request.tenant.clone();
        let found = self.look_at(&tenant).await?;
        let has_key = self.keys.current(&tenant).await?.is_some();
        let keys = self.keys.erase(&tenant, &found.keys, self.context.clock.now()).await?;
        if found.releases.is_empty() && keys.is_empty() {
            return Err(Failure::new(Class::NotFound, "unknown-tenant", "no release has this tenant")
                .at("tenant", &tenant)
                .with_hint("`orewatch releases --format csv` shows the tenant of each release"));
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let response = EraseTenantResponse {
            releases: count(found.visible),
            readable: found.readable,
            keys: count(keys.len()),
            ..EraseTenantResponse::default()
        };
        let contents = self.repository.view(|state| retention::tenant_contents(state, &tenant));
        let unchanged = found.visible == 0 && !has_key;
        if !unchanged {
            // Until then, another process may seal with a key that is destroyed, or show what it opened.
            tokio::time::sleep(FORGOTTEN_AFTER).await;
            self.record(request, &keys).await?;
        }
        let files = self.remove_files(&tenant, &contents, &keys).await?;
        tracing::info!(tenant, releases = response.releases, files, "a tenant is erased");
        Ok(EraseTenantResponse { files, unchanged: unchanged && files == 0, ..response })
    }

    /// Looks at the rows of a tenant's releases as they are stored.
    async fn look_at(&self, tenant: &str) -> Result<OnLog, Failure> {
        let is_own = |record: &&ReleaseRecord| record.head.release.tenant == tenant;
        let is_visible =
            |record: &&&ReleaseRecord| !matches!(record.head.withheld, Some(Withheld::Erased(_)));
        let (releases, visible) = self.repository.view(|state| {
            let own: Vec<&ReleaseRecord> = state.iter().filter(is_own).collect();
            let ids: Vec<String> = own.iter().map(|record| record.head.release.id.clone()).collect();
            (ids, own.iter().filter(is_visible).count())
        });
        let mut found = OnLog { releases, visible, ..OnLog::default() };
        for release in &found.releases {
            let stream = self.repository.stream(release)?;
            let mut events = history(&*self.stored, Filter::Under(stream), 0);
            let mut is_readable = false;
            while let Some(event) = events.try_next().await? {
                match sealed_with(&event)? {
                    Some(key) => {
                        found.keys.insert(key);
                    }
                    None => is_readable |= has_rows(&event.kind),
                }
            }
            if is_readable {
                found.readable.push(release.clone());
            }
        }
        Ok(found)
    }

    /// Records that the tenant is erased. When this returns, this service shows nothing of it any more.
    async fn record(&self, request: EraseTenantRequest, keys: &[Uuid]) -> Result<(), Failure> {
        let EraseTenantRequest { tenant, reason, actor } = request;
        let stream = StreamName::new(format!("{}.{ROOT_TOKEN}.{tenant}", self.stored.name()))
            .map_err(|error| Failure::internal(format!("the tenant has no stream: {error}")))?;
        let keys = keys.iter().map(Uuid::to_string).collect();
        let erased = TenantErased { tenant, keys, reason, actor };
        let decide = move |state: &IngestionState| {
            let attempt = state.erasures(&erased.tenant).saturating_add(1);
            Ok(Decision::append(erased.clone(), attempt))
        };
        self.repository.execute(&stream, decide).await.map(drop)
    }

    /// Removes the files of a tenant from the archive. Returns how many. What is not sealed stays if others
    /// need it.
    async fn remove_files(
        &self,
        tenant: &str,
        contents: &BTreeSet<ContentId>,
        keys: &[Uuid],
    ) -> Result<u32, Failure> {
        let mut others = self.repository.view(|state| retention::contents_of_others(state, tenant));
        others.extend(
            self.connectors
                .needed()
                .await?
                .iter()
                .filter_map(|sha256| ContentId::parse("sha256", sha256).ok()),
        );
        let mut removed = 0;
        for content in contents {
            let sealed = keys.iter().map(|key| sealed_name(*key, *content));
            let plain = Some(*content).filter(|content| !others.contains(content));
            for name in sealed.chain(plain) {
                if self.archive.has(name).await? && self.archive.remove(name, Timestamp::MAX).await? {
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

fn has_rows(kind: &str) -> bool {
    matches!(
        ObservationEventKind::from_name(kind),
        Some(ObservationEventKind::ObservationsRecorded | ObservationEventKind::RowsQuarantined)
    )
}

fn check(request: &EraseTenantRequest) -> Result<(), Failure> {
    let EraseTenantRequest { tenant, reason, actor } = request;
    if !ids::is_dataset(tenant) {
        return Err(Failure::new(Class::Invalid, "invalid-request", "this cannot name a tenant")
            .at("tenant", tenant)
            .with_hint("a tenant has up to 64 lower-case letters, digits and hyphens"));
    }
    if reason.trim().is_empty() {
        return Err(Failure::new(Class::Invalid, "missing-field", "to erase a tenant needs a reason")
            .at("reason", reason)
            .with_hint("give the reason for those who find the tenant erased"));
    }
    [("reason", reason), ("actor", actor)]
        .into_iter()
        .try_for_each(|(field, text)| validate::check_text(field, text))
}
