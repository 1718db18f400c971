//! The differences between two points in knowledge time, put together from those who hold the materials: the
//! largest first, whoever holds them.

use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};

use orewatch_catalog::{Consumer, materials};
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::{
    CompareVintagesRequest, CompareVintagesResponse, ExposureFilter, VintageChange,
};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Position;
use orewatch_measures::{Measure, Weight};
use prost::Message as _;
use tonic::Status;

use super::call::Call;
use crate::book::{EconomyId, Market};
use crate::figures::FigureKey;
use crate::grpc::pinned::MOVED;
use crate::query::MAX_PAGE_BYTES;
use crate::request::material_id;
use crate::snapshot::Snapshot;
use crate::vintages::{MAX_LISTED, MAX_PAGE_SIZE, TOLERANCE, VintageRequest, scaled};

/// The differences of the materials of one replica, largest first, as far as they were asked for.
struct Branch {
    question: CompareVintagesRequest,
    materials: BTreeSet<&'static str>,
    waiting: VecDeque<VintageChange>,
    /// Token of the next page. Empty: there is none.
    next: String,
}

/// The materials whose figures a request compares, and the position as of which. `None`: it is about
/// projections, which every replica has.
///
/// # Errors
/// As [`VintageRequest::new`].
pub(crate) fn materials_of_request(
    known: &Snapshot,
    request: &CompareVintagesRequest,
) -> Result<Option<(BTreeSet<&'static str>, Position)>, Failure> {
    let wanted = VintageRequest::new(known, request)?;
    let ids = materials().iter().map(|material| material.id);
    let selected = ids.filter(|id| wanted.selection.material(id)).collect();
    Ok(wanted.book.scenario().is_none().then_some((selected, wanted.position)))
}

/// A page of the differences.
///
/// # Errors
/// Those of the replicas.
pub(crate) async fn compare(
    call: &Call,
    known: &Snapshot,
    request: &CompareVintagesRequest,
    materials: BTreeSet<&'static str>,
) -> Result<CompareVintagesResponse, Status> {
    let wanted = VintageRequest::new(known, request)?;
    let question = |materials: &BTreeSet<&'static str>| {
        let filter = request.filter.clone().unwrap_or_default();
        let materials = materials.iter().map(|material| (*material).to_owned()).collect();
        CompareVintagesRequest {
            filter: Some(ExposureFilter { materials, ..filter }),
            page_size: MAX_PAGE_SIZE,
            page_token: String::new(),
            ..request.clone()
        }
    };
    // What concerns releases does not depend on who holds what. Its differences are those of this replica,
    // and are asked for again like those of the others.
    let own = call.ask_own(CompareVintagesRequest { page_size: 1, ..request.clone() }).await?;
    let parts = call.ask_all(materials, question).await?;
    let total = parts.iter().map(|(_, answer)| answer.changes_total).sum();
    let stale = parts.iter().find_map(|(_, answer)| answer.stale.clone()).or(own.stale);
    let mut branches: Vec<_> = parts
        .into_iter()
        .map(|(materials, answer)| Branch {
            question: question(&materials),
            materials,
            waiting: answer.changes.into(),
            next: answer.next_page_token,
        })
        .collect();
    for _ in 0..wanted.offset {
        take_largest(call, &mut branches).await?;
    }
    let (mut changes, mut bytes) = (Vec::new(), 0_usize);
    while changes.len() < wanted.page_size {
        let Some(size) = size_of_largest(call, &mut branches).await? else { break };
        bytes = bytes.saturating_add(size);
        if bytes > MAX_PAGE_BYTES && !changes.is_empty() {
            break;
        }
        changes.extend(take_largest(call, &mut branches).await?);
    }
    let next = wanted.offset.saturating_add(changes.len());
    let is_more = u64::try_from(next).is_ok_and(|next| next < total) && next < MAX_LISTED;
    Ok(CompareVintagesResponse {
        changes,
        next_page_token: if is_more { wanted.token(next) } else { String::new() },
        notes: own.notes,
        changes_total: total,
        releases: own.releases,
        removed_releases: own.removed_releases,
        stale,
        erased: own.erased,
    })
}

/// Takes the largest difference that is left. `None`: there is none.
async fn take_largest(call: &Call, branches: &mut [Branch]) -> Result<Option<VintageChange>, Status> {
    let Some(index) = largest(call, branches).await? else { return Ok(None) };
    Ok(branches.get_mut(index).and_then(|branch| branch.waiting.pop_front()))
}

/// Size of the largest difference that is left as a message, in bytes. `None`: there is none.
async fn size_of_largest(call: &Call, branches: &mut [Branch]) -> Result<Option<usize>, Status> {
    let Some(index) = largest(call, branches).await? else { return Ok(None) };
    Ok(branches.get(index).and_then(|branch| branch.waiting.front()).map(|change| change.encoded_len()))
}

/// Index of the branch with the largest difference that is left. Asks for more where none waits.
async fn largest(call: &Call, branches: &mut [Branch]) -> Result<Option<usize>, Status> {
    for branch in branches.iter_mut() {
        if !branch.waiting.is_empty() || branch.next.is_empty() {
            continue;
        }
        let page_token = std::mem::take(&mut branch.next);
        let question = CompareVintagesRequest { page_token, ..branch.question.clone() };
        // From the same replica as before or from another one: the answer is the same.
        let parts = call.ask_all(branch.materials.clone(), |_| question.clone()).await?;
        let is_whole = parts.len() == 1;
        let Some((_, answer)) = parts.into_iter().next().filter(|_| is_whole) else {
            let message = "materials were handed over while they were compared";
            return Err(Failure::new(Class::Unavailable, MOVED, message).with_hint("try again").into());
        };
        (branch.waiting, branch.next) = (answer.changes.into(), answer.next_page_token);
    }
    let first =
        branches.iter().enumerate().filter_map(|(index, branch)| Some((index, branch.waiting.front()?)));
    let best = first.min_by(|(_, a), (_, b)| compare_changes(a, b));
    Ok(best.map(|(index, _)| index))
}

/// The order of differences that were computed by several replicas: that of a single process.
fn compare_changes(one: &VintageChange, other: &VintageChange) -> Ordering {
    let size = |change: &VintageChange| {
        let exposure = change.exposure.as_ref()?;
        let measure = exposure.subject.as_ref()?.measure.parse::<Measure>().ok()?;
        let (old, new) = (change.old.as_ref()?.value?, exposure.estimate.as_ref()?.value?);
        Some(scaled(measure, old, new)).filter(|size| *size > TOLERANCE)
    };
    let size = |change| size(change).unwrap_or(f64::NEG_INFINITY);
    size(other).total_cmp(&size(one)).then_with(|| order_of_query(one).cmp(&order_of_query(other)))
}

/// What exposures are ordered by in queries, but for their values.
fn order_of_query(change: &VintageChange) -> Option<(Market, FigureKey)> {
    let exposure = change.exposure.as_ref()?;
    let subject = exposure.subject.as_ref()?;
    let by = if subject.by() == By::Value { Weight::Value } else { Weight::Quantity };
    let supplier = Some(subject.supplier.as_str()).filter(|code| !code.is_empty());
    let market = Market {
        material: material_id(&subject.material).ok()?,
        stage: subject.stage.parse().ok()?,
        period: exposure.period.parse().ok()?,
    };
    let key = FigureKey {
        measure: subject.measure.parse().ok()?,
        by,
        consumer: subject.consumer.parse::<Consumer>().ok()?.code(),
        supplier: supplier.and_then(EconomyId::from_code),
    };
    Some((market, key))
}
