//! Work on blocks by several threads, with results in the order of the blocks.
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::SourceError;
use super::blocks::{Block, Blocks};
use super::out::Halt;

/// Most threads that work beside the one that reads and the one that takes.
const MOST_WORKERS: usize = 4;

type Asked = Result<Block, SourceError>;
type Answer<T> = Result<(Block, T), SourceError>;

/// Hands each block with what `work` makes of it to `take`, in order: the results are the same with any number of threads.
/// A few blocks are under way at a time.
///
/// # Errors
/// [`Halt`] of what cannot be read, after what was read before it, and that of `take`.
pub(super) fn in_order<T: Send>(
    first: Block,
    mut blocks: Blocks<'_>,
    work: fn(&str) -> T,
    take: &mut dyn FnMut(Block, T) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
    thread::scope(|scope| {
        let (mut asking, mut answers): (Vec<SyncSender<Asked>>, Vec<Receiver<Answer<T>>>) =
            Default::default();
        for _ in 0..workers {
            let (ask, asked) = sync_channel::<Asked>(1);
            let (answer, answered) = sync_channel(1);
            scope.spawn(move || {
                let done = |block: Block| {
                    let made = work(&block.text);
                    (block, made)
                };
                // Nobody takes more after an error of `take`.
                asked.into_iter().try_for_each(|block| answer.send(block.map(done)))
            });
            asking.push(ask);
            answers.push(answered);
        }
        scope.spawn(move || {
            let rest = std::iter::from_fn(|| blocks.next().transpose());
            let all = std::iter::once(Ok(first)).chain(rest);
            asking.iter().cycle().zip(all).try_for_each(|(ask, block)| ask.send(block))
        });
        for answered in answers.iter().cycle() {
            let Ok(answer) = answered.recv() else { break };
            let (block, made) = answer?;
            take(block, made)?;
        }
        Ok(())
    })
}
