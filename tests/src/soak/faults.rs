//! Faults as they happen to the system.
use std::time::Duration;

use orewatch_testkit::{Direction, FaultProxy};

use super::plan::{Fault, Kind};
use super::run::Run;
use super::world::World;

/// Delay of each piece on a slow connection to a NATS server.
const SLOW: Duration = Duration::from_millis(20);

/// Delay of each piece on the way to a slow receiver and back. Together they are less than its timeout.
const VERY_SLOW: Duration = Duration::from_millis(300);

/// A fault that happened. Times count from the start of the load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incident {
    pub(super) fault: Fault,
    pub(super) begin: Duration,
    /// When everything was as it should be again: the network, and the process that was started anew.
    pub(super) end: Duration,
}

/// Lets faults happen, one after the other. Blocks the thread until the last one has ended.
pub(super) fn carry_out(
    world: &mut World,
    faults: &[Fault],
    run: &Run,
    said: &mut dyn FnMut(&str),
) -> Vec<Incident> {
    let mut incidents = Vec::new();
    for fault in faults {
        run.block_until(fault.begin);
        let begin = run.now();
        world.begin(fault);
        run.block_until(begin + fault.length);
        world.end(fault);
        let end = run.now();
        said(&format!("{:>6.1} s: {fault}, {:.1} s", begin.as_secs_f64(), (end - begin).as_secs_f64()));
        incidents.push(Incident { fault: *fault, begin, end });
    }
    incidents
}

impl World {
    fn begin(&mut self, fault: &Fault) {
        let target = fault.target;
        match fault.kind {
            Kind::KillService => self.process(target).kill(),
            Kind::PauseService => self.process(target).signal("STOP"),
            Kind::CutService => self.process(target).links.iter().for_each(FaultProxy::refuse),
            Kind::FillDiskOfService => self.process(target).limit_files("1"),
            Kind::JumpClock => self.process(target).shift_clock(fault.jump),
            Kind::KillServer => self.cluster.kill(target),
            Kind::PauseServer => self.cluster.pause(target),
            Kind::CutServer => self.ways_of(target).for_each(|(way, _)| way.refuse()),
            Kind::MuteServer => self.ways_of(target).for_each(|(way, leaving)| way.hold(leaving)),
            Kind::DeafenServer => {
                self.ways_of(target).for_each(|(way, leaving)| way.hold(opposite(leaving)));
            }
            Kind::SlowServer => self.ways_of(target).for_each(|(way, _)| way.delay(SLOW)),
            Kind::FillDiskOfServer => self.cluster.disk().expect("it has a small disk").fill(),
            Kind::SlowReceiver => self.hook.delay(VERY_SLOW),
            Kind::StopReceiver => self.hook.refuse(),
        }
    }

    fn end(&mut self, fault: &Fault) {
        let target = fault.target;
        match fault.kind {
            Kind::KillService => self.process(target).start(),
            Kind::PauseService => self.process(target).signal("CONT"),
            Kind::CutService => self.process(target).links.iter().for_each(FaultProxy::heal),
            Kind::FillDiskOfService => self.process(target).limit_files("unlimited"),
            Kind::JumpClock => self.process(target).shift_clock(0),
            Kind::KillServer => self.cluster.restart(target),
            Kind::PauseServer => self.cluster.resume(target),
            Kind::CutServer | Kind::MuteServer | Kind::DeafenServer | Kind::SlowServer => {
                self.ways_of(target).for_each(|(way, _)| way.heal());
            }
            Kind::FillDiskOfServer => {
                self.cluster.disk().expect("it has a small disk").free();
                // A server that could not write does not try again.
                self.cluster.restart(target);
            }
            Kind::SlowReceiver | Kind::StopReceiver => self.hook.heal(),
        }
    }

    /// All ways between a NATS server and others, each with the direction in which bytes leave the server.
    fn ways_of(&self, server: usize) -> impl Iterator<Item = (&FaultProxy, Direction)> {
        let clients = self.links_of(server).map(|link| (link, Direction::FromTarget));
        self.cluster.routes_of(server).chain(clients)
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::ToTarget => Direction::FromTarget,
        Direction::FromTarget => Direction::ToTarget,
    }
}
