//! What is asked of a release, carried out: for foreign clients and for the service's own readers alike.
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::ingestion::v1::{CommitReleaseRequest, Release, ReleaseInfo};
use orewatch_runtime::{Class, Failure};

use crate::decide::{self, Decision, Mending};
use crate::evolve::{Book, Held};
use crate::fact::Fact;
use crate::gates::Asked;
use crate::reopened;
use crate::validate;
use crate::work::Keeper;

/// Opens a release.
pub(crate) async fn open(keeper: &Arc<Keeper>, release: Release) -> Result<ReleaseInfo, Failure> {
    let release = validate::release(release)?;
    let (id, stream) = (release.id.clone(), keeper.stream(&release.id)?);
    let decide = move |book: &Book| {
        let held = book.get(&release.id);
        let committed_once = held.is_some_and(|held| held.committed_position.is_some());
        decide::open(held.map(|held| &held.head), committed_once, &release)
    };
    keeper.carry_out(&stream, decide).await?;
    state(keeper, &id)
}

/// How often a refused release is opened anew before others are said to be in the way.
const ROUNDS: usize = 3;

/// Runs the gates over a release, and commits, holds or refuses it. A refused release that they admit now is opened anew, and
/// its rows are recorded again from the log.
pub(crate) async fn commit(
    keeper: &Arc<Keeper>,
    request: CommitReleaseRequest,
) -> Result<ReleaseInfo, Failure> {
    let (id, stream) = (request.release.clone(), keeper.stream(&request.release)?);
    for _ in 0..ROUNDS {
        if request.rows_read.is_none() {
            reopened::all(keeper, &id).await?;
        }
        let (request, judging) = (request.clone(), keeper.judging());
        let turn = keeper.turn_to_commit(&id).await;
        // What others have committed by now is what the gates compare with.
        keeper.up_to_date().await?;
        let decide =
            move |book: &Book| decide::commit(book, find(book, &request.release)?, &request, &judging);
        let decision = keeper.carry_out(&stream, decide).await?;
        drop(turn);
        let mut info = state(keeper, &id)?;
        match decision {
            Decision::Append(fact, _) if matches!(*fact, Fact::Opened(_)) => {
                reopened::all(keeper, &id).await?;
            }
            Decision::Repeat(report, reason) => {
                info.report = Some(*report);
                info.reason = reason;
                return Ok(info);
            }
            _ => return Ok(info),
        }
    }
    Err(contended())
}

/// Records mended rows; the number of rows that were recorded. A refused release is opened anew for it.
pub(crate) async fn repair(
    keeper: &Arc<Keeper>,
    id: &str,
    mending: Mending,
    asked: Asked,
) -> Result<ReleaseInfo, Failure> {
    let stream = keeper.stream(id)?;
    let given = Arc::new((mending, asked, id.to_owned()));
    for _ in 0..ROUNDS {
        reopened::all(keeper, id).await?;
        let (given, judging) = (Arc::clone(&given), keeper.judging());
        let decide = move |book: &Book| {
            let (mending, asked, id) = &*given;
            decide::repair(book, find(book, id)?, mending, asked, &judging)
        };
        match keeper.carry_out(&stream, decide).await? {
            Decision::Append(..) => {}
            _ => return state(keeper, id),
        }
    }
    Err(contended())
}

fn contended() -> Failure {
    Failure::new(Class::Unavailable, "contended", "others open and close the release again and again")
        .with_hint("try again in a while")
}

/// Withdraws a committed release, or abandons an open one.
pub(crate) async fn withdraw(
    keeper: &Arc<Keeper>,
    id: &str,
    reason: String,
    actor: String,
) -> Result<ReleaseInfo, Failure> {
    let stream = keeper.stream(id)?;
    let named = id.to_owned();
    let decide = move |book: &Book| decide::withdraw(&find(book, &named)?.head, &reason, &actor);
    keeper.carry_out(&stream, decide).await?;
    state(keeper, id)
}

/// What a release is now.
pub(crate) fn state(keeper: &Keeper, id: &str) -> Result<ReleaseInfo, Failure> {
    keeper.view(|book| find(book, id).map(info))
}

/// A release that has to be there.
pub(crate) fn find<'a>(book: &'a Book, id: &str) -> Result<&'a Held, Failure> {
    book.get(id).ok_or_else(|| unknown(id))
}

/// A release that is not there.
pub(crate) fn unknown(id: &str) -> Failure {
    Failure::new(Class::NotFound, "unknown-release", "there is no such release")
        .at("release", id)
        .with_hint("`orewatch releases` lists them")
}

/// A release for the outside.
pub(crate) fn info(held: &Held) -> ReleaseInfo {
    ReleaseInfo {
        release: Some((*held.head.release).clone()),
        state: held.head.state.into(),
        report: held.report.clone(),
        opened_at: Some(timestamp(held.opened_at)),
        closed_at: held.closed_at.map(timestamp),
        committed_position: held.committed_position,
        chunks: u32::try_from(held.head.observations.len()).unwrap_or(u32::MAX),
        reason: held.reason.clone(),
    }
}

/// A time for the outside.
pub(crate) fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    // Fractions of times before 1970 are negative in one notation and positive in the other.
    let nanos = time.subsec_nanosecond();
    let borrow = i64::from(nanos < 0);
    prost_types::Timestamp {
        seconds: time.as_second() - borrow,
        nanos: if nanos < 0 { nanos + 1_000_000_000 } else { nanos },
    }
}
