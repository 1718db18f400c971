//! Remembers what was found in files when they were stored, so that they need not be read again for it.
use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use orewatch_formats::content::ContentId;
use orewatch_formats::findings::Findings;

use super::usage::Usage;

/// Upper bound on remembered files.
const MAX_REMEMBERED_FILES: usize = 1_024;

/// Smallest file that is remembered, in bytes. The modification time of a file is too coarse to tell a
/// rewrite at once, and reading a small file again costs nothing.
const MIN_REMEMBERED_BYTES: u64 = 4 << 20;

/// What was found in stored files, valid while they are unchanged, and how the archive is used. Clones share
/// it.
#[derive(Clone, Debug, Default)]
pub struct ArchiveCache {
    found: Arc<Mutex<VecDeque<Remembered>>>,
    /// How full the archive is, and which files were used lately.
    pub(super) usage: Usage,
}

#[derive(Debug)]
struct Remembered {
    findings: Findings,
    size: u64,
    changed: SystemTime,
}

impl ArchiveCache {
    /// Remembers what was found in a file.
    pub(super) fn remember(&self, path: &Path, findings: Findings) {
        let Some((size, changed)) = size_and_mtime(path).filter(|(size, _)| *size >= MIN_REMEMBERED_BYTES)
        else {
            return;
        };
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| known.findings.content != findings.content);
        all.push_back(Remembered { findings, size, changed });
        if all.len() > MAX_REMEMBERED_FILES {
            all.pop_front();
        }
    }

    /// What was found in a content, if its file is unchanged.
    pub(super) fn recall(&self, content: &ContentId, path: &Path) -> Option<Findings> {
        let now = size_and_mtime(path)?;
        let all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.iter().find(|known| known.findings.content == *content)?;
        (now == (known.size, known.changed)).then_some(known.findings)
    }
}

/// Size and modification time of a file.
fn size_and_mtime(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}
