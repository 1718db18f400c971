//! Calls every method of the contracts with random messages, and records how the calls end.
//!
//! [`call_all`] knows no method by name: methods and the types of their requests come from the descriptors,
//! so that a new method is called without a change here. Random text alone would be refused at the first
//! check. Therefore texts of responses are used in later requests, and some of those get further.
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prost_reflect::{DescriptorPool, MessageDescriptor};
use tonic::Code;
use tonic::transport::Channel;

use crate::api::channel;
use crate::random::Random;

mod call;
mod health;
mod message;
mod words;

pub use health::{HealthTimes, HealthWatch};
use words::Words;

/// A method of the contracts.
#[derive(Clone, Debug)]
pub struct Method {
    /// `/PACKAGE.SERVICE/METHOD`.
    pub path: String,
    request: MessageDescriptor,
    response: MessageDescriptor,
    is_client_streaming: bool,
    is_server_streaming: bool,
}

/// Lists every method of the contracts.
///
/// # Panics
/// If the descriptors cannot be read.
#[must_use]
pub fn methods() -> Vec<Method> {
    let pool = DescriptorPool::decode(orewatch_contracts::DESCRIPTORS).expect("the descriptors are whole");
    let services: Vec<_> = pool.services().collect();
    services
        .iter()
        .flat_map(|service| service.methods().map(|method| (service.full_name().to_owned(), method)))
        .map(|(service, method)| Method {
            path: format!("/{service}/{}", method.name()),
            request: method.input(),
            response: method.output(),
            is_client_streaming: method.is_client_streaming(),
            is_server_streaming: method.is_server_streaming(),
        })
        .collect()
}

/// How long [`call_all`] calls, from how many callers, and how long one call may take.
#[derive(Clone, Copy, Debug)]
pub struct CallPlan {
    /// Seed of the random messages.
    pub seed: u64,
    /// Callers that run at the same time, each with one call at a time.
    pub callers: u64,
    /// Calls go on for at least this long. They end as soon as every method has been called, at the latest
    /// after this time or [`MAX_EXTENDED_TIME`], whichever is longer.
    pub time: Duration,
    /// A call without a complete response after this time counts as a fault of the service.
    pub patience: Duration,
}

/// How long calls go on, counted from the first one, for methods that have not been called.
pub const MAX_EXTENDED_TIME: Duration = Duration::from_secs(120);

/// How the calls of one method ended.
#[derive(Clone, Debug, Default)]
pub struct MethodOutcome {
    /// Number of calls by status code.
    pub codes: BTreeMap<&'static str, u64>,
    /// Duration of the slowest call.
    pub slowest: Duration,
    /// The first few calls that ended with a fault of the service: status, message, and the request in
    /// hexadecimal.
    pub faults: Vec<String>,
}

impl MethodOutcome {
    /// How many [`faults`](Self::faults) are kept.
    const MAX_FAULTS: usize = 3;

    fn record(&mut self, code: Code, took: Duration, fault: impl FnOnce() -> String) {
        *self.codes.entry(code_name(code)).or_default() += 1;
        self.slowest = self.slowest.max(took);
        if is_fault(code) && self.faults.len() < Self::MAX_FAULTS {
            self.faults.push(fault());
        }
    }
}

/// Whether a code blames the service. No request may cause one of these.
fn is_fault(code: Code) -> bool {
    matches!(code, Code::Internal | Code::Unknown | Code::DataLoss | Code::DeadlineExceeded | Code::Aborted)
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::InvalidArgument => "invalid",
        Code::NotFound => "not found",
        Code::FailedPrecondition => "precondition",
        Code::AlreadyExists => "exists",
        Code::OutOfRange => "out of range",
        Code::ResourceExhausted => "exhausted",
        Code::PermissionDenied => "refused",
        Code::Unimplemented => "unimplemented",
        Code::Unavailable => "unavailable",
        Code::DeadlineExceeded => "SILENT",
        _ => "WRONG",
    }
}

/// How all calls ended. Its `Display` form is a table with one line per method.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Outcomes by path of the method.
    pub methods: BTreeMap<String, MethodOutcome>,
}

impl Report {
    /// Total number of calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.methods.values().flat_map(|outcome| outcome.codes.values()).sum()
    }

    /// Every recorded fault, with the path of its method.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let with_path = |(path, outcome): (&String, &MethodOutcome)| {
            outcome.faults.iter().map(|fault| format!("{path}: {fault}")).collect::<Vec<_>>()
        };
        self.methods.iter().flat_map(with_path).collect()
    }

    /// Paths of the methods that were never called.
    #[must_use]
    pub fn uncalled(&self) -> Vec<String> {
        let paths = methods().into_iter().map(|method| method.path);
        paths.filter(|path| !self.methods.contains_key(path)).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, outcome) in &self.methods {
            let codes: Vec<_> = outcome.codes.iter().map(|(code, count)| format!("{code} {count}")).collect();
            let slowest = outcome.slowest.as_millis();
            writeln!(f, "{path:62} slowest {slowest:6} ms   {}", codes.join(", "))?;
        }
        Ok(())
    }
}

/// Calls methods with random messages as [`CallPlan`] says.
///
/// # Panics
/// If a caller panics, which is a fault of this kit.
pub async fn call_all(address: &str, plan: CallPlan) -> Report {
    let shared = Arc::new(Calls {
        plan,
        started: Instant::now(),
        methods: methods(),
        words: Words::default(),
        report: Mutex::default(),
    });
    let callers: Vec<_> = (0..plan.callers)
        .map(|number| {
            let random = Random::new(plan.seed.wrapping_add(number));
            let (channel, shared) = (channel(address), Arc::clone(&shared));
            tokio::spawn(async move { shared.run_caller(channel, random).await })
        })
        .collect();
    for caller in callers {
        caller.await.expect("a caller ends without a panic");
    }
    shared.report().clone()
}

/// What the callers of one [`call_all`] share.
struct Calls {
    plan: CallPlan,
    started: Instant,
    methods: Vec<Method>,
    words: Words,
    report: Mutex<Report>,
}

impl Calls {
    async fn run_caller(&self, channel: Channel, mut random: Random) {
        while let Some(method) = self.next_method(&mut random) {
            let messages = call::random_messages(&mut random, method, &self.words);
            let started = Instant::now();
            let (code, message) =
                call::call(channel.clone(), method, messages.clone(), &self.words, self.plan.patience).await;
            let fault = || format!("{code:?} {message:?} for {}", hexadecimal(&messages));
            let mut report = self.report();
            report.methods.entry(method.path.clone()).or_default().record(code, started.elapsed(), fault);
        }
    }

    /// Picks the method to call next, or `None` when calls have gone on for long enough.
    ///
    /// While the planned time lasts, every method is as likely as any other. A slow machine may not get to
    /// all of them: afterwards only those are picked that have not been called.
    fn next_method(&self, random: &mut Random) -> Option<&Method> {
        let elapsed = self.started.elapsed();
        if elapsed < self.plan.time {
            return random.pick(&self.methods);
        }
        if elapsed >= MAX_EXTENDED_TIME {
            return None;
        }
        let report = self.report();
        let is_uncalled = |method: &&Method| !report.methods.contains_key(&method.path);
        let uncalled: Vec<_> = self.methods.iter().filter(is_uncalled).collect();
        random.pick(&uncalled).copied()
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Formats messages so that a call can be repeated.
fn hexadecimal(messages: &[Vec<u8>]) -> String {
    /// Bytes of each message that are shown: nearly all messages are shorter.
    const MAX_BYTES: usize = 4096;
    let as_hexadecimal = |message: &Vec<u8>| {
        message.iter().take(MAX_BYTES).map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    messages.iter().map(as_hexadecimal).collect::<Vec<_>>().join(" then ")
}
