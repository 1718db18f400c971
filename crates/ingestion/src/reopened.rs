//! Records the rows of a refused release again, from the log: nobody needs their files for that.
use std::sync::Arc;

use futures_util::StreamExt as _;
use orewatch_contracts::ingestion::v1::ReleaseState;
use orewatch_eventlog::Position;
use orewatch_runtime::Failure;

use crate::commands::find;
use crate::decide::{self, Decision};
use crate::evolve::{Book, Held};
use crate::fact::{Chunk, Fact};
use crate::record::Recording;
use crate::work::{Keeper, decoded};

/// Records again what a release that was opened anew held before. What is there already is recognised, so that whatever
/// interrupts it, it goes on where it stopped; a release that lacks nothing is left as it is.
pub(crate) async fn all(keeper: &Arc<Keeper>, id: &str) -> Result<(), Failure> {
    let stream = keeper.stream(id)?;
    keeper.current(&stream).await?;
    let lacks = |held: &Held| -> Vec<Position> {
        let open = held.head.state == ReleaseState::Open && held.trail.len() < held.before.len();
        if open { held.before.clone() } else { Vec::new() }
    };
    let positions = keeper.view(|book| book.get(id).map(lacks)).unwrap_or_default();
    let mut events = std::pin::pin!(keeper.events(&stream, &positions));
    let mut recording = Recording::begin(keeper, id).await?;
    while let Some(event) = events.next().await {
        let event = event?;
        match decoded(&event)? {
            Fact::Recorded(chunk) => {
                recording.again(Chunk::rows(chunk.chunk, event.data)).await?;
            }
            Fact::Quarantined(chunk) => {
                recording.again(Chunk::rejections(&chunk)).await?;
            }
            Fact::Repaired(repaired, _) => {
                let named = id.to_owned();
                let decide = move |book: &Book| -> Result<Decision, Failure> {
                    Ok(decide::repeated(find(book, &named)?, &repaired))
                };
                keeper.carry_out(&stream, decide).await?;
                recording = Recording::begin(keeper, id).await?;
            }
            _ => {}
        }
    }
    keeper.current(&stream).await?;
    Ok(())
}
