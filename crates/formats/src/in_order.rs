//! Works on blocks with several threads and returns the results in the order of the blocks.
//!
//! Block n goes to thread n modulo the number of threads, through channels that hold one block each; results
//! are taken in the same rotation. So they come in order without a queue that could grow, and are the same
//! with any number of threads.
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::SourceError;
use super::blocks::{Block, Blocks};
use super::sink::Halt;

/// Upper bound on the threads that work, beside the one that reads and the one that takes results.
const MAX_WORKERS: usize = 4;

type Task = Result<Block, SourceError>;
type TaskResult<T> = Result<(Block, T), SourceError>;

/// Hands each block and what `work` makes of it to `take`, in order. A few blocks are in progress at a time.
///
/// # Errors
/// [`Halt`] for a block that cannot be read, after the blocks before it were taken; those of `take`.
pub(super) fn map_in_order<T: Send>(
    first: Block,
    mut blocks: Blocks<'_>,
    work: fn(&str) -> T,
    take: &mut dyn FnMut(Block, T) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    thread::scope(|scope| {
        let (mut inboxes, mut outboxes): (Vec<SyncSender<Task>>, Vec<Receiver<TaskResult<T>>>) =
            Default::default();
        for _ in 0..workers {
            let (inbox, tasks) = sync_channel::<Task>(1);
            let (results, outbox) = sync_channel(1);
            scope.spawn(move || {
                let done = |block: Block| {
                    let made = work(&block.text);
                    (block, made)
                };
                // Sending fails once `take` has failed: the thread ends.
                tasks.into_iter().try_for_each(|block| results.send(block.map(done)))
            });
            inboxes.push(inbox);
            outboxes.push(outbox);
        }
        scope.spawn(move || {
            let rest = std::iter::from_fn(|| blocks.next().transpose());
            let all = std::iter::once(Ok(first)).chain(rest);
            inboxes.iter().cycle().zip(all).try_for_each(|(inbox, block)| inbox.send(block))
        });
        for outbox in outboxes.iter().cycle() {
            let Ok(result) = outbox.recv() else { break };
            let (block, made) = result?;
            take(block, made)?;
        }
        Ok(())
    })
}
