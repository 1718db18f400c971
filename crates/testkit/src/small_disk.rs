//! A file system of limited size, which a test fills and frees.
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Mounts, says so, and waits until the test ends. Arguments: size in KiB, folder.
const MOUNT: &str = "mount -t tmpfs -o \"size=$1k\" tmpfs \"$2\" && echo mounted && exec cat";

/// Leaves as much room as a file system needs to be looked at. Argument: folder.
const FILL: &str = "used=$(df -k --output=used \"$1\" | tail -n 1) && \
                    mount -o \"remount,size=$((used + 128))k\" \"$1\"";

/// Gives the room back. Arguments: folder, size in KiB.
const FREE: &str = "mount -o \"remount,size=$2k\" \"$1\"";

/// A file system in memory, in a mount namespace of its own: only processes that are started by
/// [`enter`](Self::enter) see it, and it goes with the test, however that ends. It needs `unshare` and
/// `nsenter`, and a system that lets users make namespaces.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
    /// Keeps the namespace. Ends when its input does.
    holder: Child,
    /// Size in KiB.
    size: u64,
}

impl SmallDisk {
    /// Makes a file system of so many KiB.
    ///
    /// # Errors
    /// What the system says if it does not permit that.
    pub fn mount(kib: u64) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary directory can be made");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"]);
        command.arg(kib.to_string()).arg(folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut holder = command.spawn().map_err(|error| format!("unshare does not start: {error}"))?;
        let output = holder.stdout.take().expect("its output is piped");
        let mut line = String::new();
        // It ends without a line if the mount fails.
        let _read = BufReader::new(output).read_line(&mut line);
        if line.trim() == "mounted" {
            return Ok(Self { folder, holder, size: kib });
        }
        let mut reason = String::new();
        let _read = holder.stderr.take().expect("its errors are piped").read_to_string(&mut reason);
        holder.wait().expect("it has ended");
        Err(format!("no file system can be mounted: {}", reason.trim()))
    }

    /// Where processes that enter it see it.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What goes in front of a command so that it sees the file system.
    #[must_use]
    pub fn enter(&self) -> Vec<String> {
        let holder = self.holder.id().to_string();
        let words = ["nsenter", "--target", &holder, "--user", "--preserve-credentials", "--mount", "--"];
        words.map(str::to_owned).to_vec()
    }

    /// Takes all room away: what is there stays, and nothing more fits.
    pub fn fill(&self) {
        self.run(FILL);
    }

    /// Gives the room back.
    pub fn free(&self) {
        self.run(FREE);
    }

    fn run(&self, script: &str) {
        let enter = self.enter();
        let (program, arguments) = enter.split_first().expect("there is a command");
        let mut command = Command::new(program);
        command.args(arguments).args(["sh", "-c", script, "sh"]);
        command.arg(self.path()).arg(self.size.to_string());
        let output = command.output().expect("nsenter starts");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It fails only if it has ended already.
        let _killed = self.holder.kill();
        let _status = self.holder.wait();
    }
}
