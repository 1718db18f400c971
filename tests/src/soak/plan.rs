//! Which fault happens when: a pure function of a seed.
use std::fmt;
use std::time::Duration;

use orewatch_testkit::{NatsCluster, SERVERS};

use crate::random::Random;

/// Number of processes of the services.
pub const PROCESSES: usize = 6;

/// Time without a fault at the start.
const WARM_UP: Duration = Duration::from_secs(10);

/// Time from the beginning of one fault to that of the next.
const SLOT: Duration = Duration::from_secs(16);

/// Shortest time of a fault, and how much longer it may be, in milliseconds. After the longest one, more than
/// ten seconds are left to recover. A receiver that is dead for longer gets some messages minutes later: the
/// second retry of a message is after five minutes.
const SHORTEST: u64 = 2_000;
const LONGER: u64 = 2_500;

/// Latest beginning within a slot, in milliseconds.
const LATEST: u64 = 1_000;

/// Smallest jump of a clock, and how much larger it may be, in milliseconds. What a process recorded during a
/// jump is in the future for the others, and messages of a group wait until then.
const SMALLEST_JUMP: u64 = 30_000;
const LARGER: u64 = 60_000;

/// What happens to a part of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A process of a service is killed, and started again.
    KillService,
    /// A process of a service is stopped in its tracks, and goes on.
    PauseService,
    /// A process of a service cannot reach any NATS server.
    CutService,
    /// No file of a process of a service can grow.
    FillDiskOfService,
    /// The clock of a process of a service jumps, and jumps back.
    JumpClock,
    /// A NATS server is killed, and started again.
    KillServer,
    /// A NATS server is stopped in its tracks, and goes on.
    PauseServer,
    /// Nothing goes between a NATS server and all others.
    CutServer,
    /// What a NATS server says reaches nobody.
    MuteServer,
    /// What others say does not reach a NATS server.
    DeafenServer,
    /// All connections of a NATS server are slow.
    SlowServer,
    /// The disk of a NATS server is full. Room is made, and the server is restarted.
    FillDiskOfServer,
    /// The receiver of messages answers slowly.
    SlowReceiver,
    /// The receiver of messages takes no connection.
    StopReceiver,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::KillService,
        Self::PauseService,
        Self::CutService,
        Self::FillDiskOfService,
        Self::JumpClock,
        Self::KillServer,
        Self::PauseServer,
        Self::CutServer,
        Self::MuteServer,
        Self::DeafenServer,
        Self::SlowServer,
        Self::FillDiskOfServer,
        Self::SlowReceiver,
        Self::StopReceiver,
    ];

    /// Name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::KillService => "kill-service",
            Self::PauseService => "pause-service",
            Self::CutService => "cut-service",
            Self::FillDiskOfService => "fill-disk-of-service",
            Self::JumpClock => "jump-clock",
            Self::KillServer => "kill-server",
            Self::PauseServer => "pause-server",
            Self::CutServer => "cut-server",
            Self::MuteServer => "mute-server",
            Self::DeafenServer => "deafen-server",
            Self::SlowServer => "slow-server",
            Self::FillDiskOfServer => "fill-disk-of-server",
            Self::SlowReceiver => "slow-receiver",
            Self::StopReceiver => "stop-receiver",
        }
    }

    /// The kind with a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Chooses what it happens to.
    fn target(self, random: &mut Random) -> usize {
        match self {
            Self::KillService
            | Self::PauseService
            | Self::CutService
            | Self::FillDiskOfService
            | Self::JumpClock => random.index(PROCESSES),
            Self::KillServer
            | Self::PauseServer
            | Self::CutServer
            | Self::MuteServer
            | Self::DeafenServer
            | Self::SlowServer => random.index(SERVERS),
            Self::FillDiskOfServer => NatsCluster::SMALL,
            Self::SlowReceiver | Self::StopReceiver => 0,
        }
    }
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub kind: Kind,
    /// What it happens to: number of a process of the services, or of a NATS server.
    pub target: usize,
    /// When, from the start of the load.
    pub begin: Duration,
    /// For how long.
    pub length: Duration,
    /// How far a clock jumps, in milliseconds.
    pub jump: i64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.target)?;
        if self.kind == Kind::JumpClock {
            write!(f, " by {} s", self.jump / 1_000)?;
        }
        Ok(())
    }
}

/// The faults of a load of this duration. All kinds come once, in an order that follows from the seed, before
/// one comes again.
#[must_use]
pub fn plan(seed: u64, duration: Duration, without: &[Kind]) -> Vec<Fault> {
    let mut random = Random::new(seed);
    let (mut faults, mut bag) = (Vec::new(), Vec::new());
    let mut slot = WARM_UP;
    while slot + SLOT <= duration {
        if bag.is_empty() {
            bag = Kind::ALL.into_iter().filter(|kind| !without.contains(kind)).collect();
        }
        if bag.is_empty() {
            return faults;
        }
        let kind = bag.swap_remove(random.index(bag.len()));
        let length = Duration::from_millis(SHORTEST + random.below(LONGER));
        let begin = slot + Duration::from_millis(random.below(LATEST));
        let size = i64::try_from(SMALLEST_JUMP + random.below(LARGER)).unwrap_or_default();
        let jump = if random.below(2) == 0 { size } else { -size };
        faults.push(Fault { kind, target: kind.target(&mut random), begin, length, jump });
        slot += SLOT;
    }
    faults
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const TEN_MINUTES: Duration = Duration::from_secs(600);

    #[test]
    fn a_plan_follows_from_its_seed() {
        assert_eq!(plan(7, TEN_MINUTES, &[]), plan(7, TEN_MINUTES, &[]));
        assert_ne!(plan(7, TEN_MINUTES, &[]), plan(8, TEN_MINUTES, &[]));
        assert_eq!(plan(7, WARM_UP, &[]), [], "there is no time for a fault");
        assert_eq!(plan(7, TEN_MINUTES, &Kind::ALL), [], "there is no fault");
    }

    #[test]
    fn ten_minutes_have_all_kinds_of_faults_twice() {
        for seed in 0..100 {
            let faults = plan(seed, TEN_MINUTES, &[]);
            for kind in Kind::ALL {
                let count = faults.iter().filter(|fault| fault.kind == kind).count();
                assert!(count >= 2, "seed {seed}: {} comes {count} times", kind.name());
            }
            let targets: BTreeSet<_> = faults.iter().map(|fault| fault.target).collect();
            assert!(targets.iter().all(|target| *target < PROCESSES), "{targets:?}");
        }
    }

    #[test]
    fn after_each_fault_there_are_ten_seconds_to_recover() {
        let recovery = Duration::from_secs(10);
        for seed in 0..100 {
            let faults = plan(seed, TEN_MINUTES, &[]);
            assert!(faults.first().is_some_and(|fault| fault.begin >= WARM_UP));
            for (fault, next) in faults.iter().zip(faults.iter().skip(1)) {
                assert!(fault.begin + fault.length + recovery <= next.begin, "{fault:?}, {next:?}");
            }
            let last = faults.last().expect("a fault");
            assert!(last.begin + last.length + recovery <= TEN_MINUTES, "{last:?}");
        }
    }

    #[test]
    fn kinds_can_be_left_out_by_their_names() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert!(plan(7, TEN_MINUTES, &[kind]).iter().all(|fault| fault.kind != kind));
        }
        assert_eq!(Kind::from_name("flood"), None);
    }
}
