//! A clock that a test sets forward or back while the process runs.
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::{Class, Failure};

use crate::{Clock, SystemClock};

/// Time after which the file is read again.
const MAX_AGE: Duration = Duration::from_millis(50);

/// The clock of the system and an offset in milliseconds, which a file holds. The file is read again and
/// again, so that the clock of a running process can jump: a variable of the environment could only shift it
/// from the start. An offset changes nothing but times, and whoever may set variables and write files of a
/// process may do more than that anyway. Each change is logged as a warning.
#[derive(Debug)]
pub struct ShiftedClock {
    path: PathBuf,
    known: Mutex<Known>,
}

/// The offset that was read last.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    offset: SignedDuration,
    /// `None`: nothing was read yet.
    read_at: Option<Instant>,
}

impl ShiftedClock {
    /// A clock with the offset that a file holds.
    ///
    /// # Errors
    /// [`Class::Invalid`] if the file cannot be read, or holds something else than a number. Later the last
    /// offset counts instead.
    pub fn new(path: PathBuf) -> Result<Self, Failure> {
        read_offset(&path).map_err(|reason| {
            Failure::new(Class::Invalid, "invalid-setting", format!("the clock has no offset: {reason}"))
                .at("file", path.display().to_string())
                .with_hint("write a number of milliseconds into the file, such as -90000")
        })?;
        Ok(Self { path, known: Mutex::default() })
    }

    fn offset(&self) -> SignedDuration {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.read_at.is_none_or(|read_at| read_at.elapsed() >= MAX_AGE) {
            known.read_at = Some(Instant::now());
            match read_offset(&self.path) {
                Ok(offset) if offset != known.offset => {
                    known.offset = offset;
                    tracing::warn!(milliseconds = offset.as_secs_f64() * 1e3, "a test has shifted the clock");
                }
                // A file that is being written counts as unchanged.
                Ok(_) | Err(_) => {}
            }
        }
        known.offset
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let offset = self.offset();
        let bound = if offset.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
        SystemClock.now().checked_add(offset).unwrap_or(bound)
    }
}

fn read_offset(path: &Path) -> Result<SignedDuration, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let milliseconds = text.trim().parse().map_err(|_| format!("{:?} is not a number", text.trim()))?;
    Ok(SignedDuration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_a_running_process_jumps_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("offset");
        assert!(ShiftedClock::new(path.clone()).is_err(), "there is no file");
        fs::write(&path, "soon").unwrap();
        assert!(ShiftedClock::new(path.clone()).is_err(), "it holds no number");
        fs::write(&path, "0").unwrap();
        let clock = ShiftedClock::new(path.clone()).unwrap();
        let seconds = || clock.now().duration_since(SystemClock.now()).as_secs();
        assert_eq!(seconds(), 0);
        for (written, expected) in
            [("3600000\n", 3599..=3600), ("soon", 3599..=3600), ("-3600000", -3600..=-3599)]
        {
            fs::write(&path, written).unwrap();
            std::thread::sleep(2 * MAX_AGE);
            assert!(expected.contains(&seconds()), "{written}: {}", seconds());
        }
        fs::write(&path, i64::MAX.to_string()).unwrap();
        std::thread::sleep(2 * MAX_AGE);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
