//! Made-up messages for every method of the contracts: what a service must survive, whoever calls and whatever they say.
//!
//! Nothing here knows a method by its name: methods and the shape of what they take come from the descriptors, so that a method
//! that is added is called too. What makes messages worth a service's time are its own words: texts of answers are put into
//! later questions.
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prost_reflect::{DescriptorPool, MessageDescriptor};
use tonic::Code;

use crate::api::channel;
use crate::random::Random;

mod call;
mod health;
mod make;
mod words;

pub use health::{Health, quantile};
use words::Words;

/// A method of the contracts.
#[derive(Clone, Debug)]
pub struct Method {
    /// `/PACKAGE.SERVICE/METHOD`.
    pub path: String,
    takes: MessageDescriptor,
    gives: MessageDescriptor,
    takes_stream: bool,
    gives_stream: bool,
}

/// Every method of the contracts.
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
            takes: method.input(),
            gives: method.output(),
            takes_stream: method.is_client_streaming(),
            gives_stream: method.is_server_streaming(),
        })
        .collect()
}

/// How the calls of one method ended.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// Calls by code.
    pub codes: BTreeMap<&'static str, u64>,
    /// The longest call.
    pub slowest: Duration,
    /// What no caller may be told, with the message and the bytes that caused it, in hexadecimal; the first few.
    pub wrong: Vec<String>,
}

impl Ended {
    /// Most answers of [`wrong`](Self::wrong) that are kept.
    const KEPT: usize = 3;

    fn note(&mut self, code: Code, took: Duration, wrong: impl FnOnce() -> String) {
        *self.codes.entry(name(code)).or_default() += 1;
        self.slowest = self.slowest.max(took);
        if is_wrong(code) && self.wrong.len() < Self::KEPT {
            self.wrong.push(wrong());
        }
    }
}

/// What a caller is never told for what it sent: that the service is at fault, or nothing in time.
fn is_wrong(code: Code) -> bool {
    matches!(code, Code::Internal | Code::Unknown | Code::DataLoss | Code::DeadlineExceeded | Code::Aborted)
}

fn name(code: Code) -> &'static str {
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

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By path of the method.
    pub methods: BTreeMap<String, Ended>,
}

impl Report {
    /// Calls in all.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.methods.values().flat_map(|ended| ended.codes.values()).sum()
    }

    /// What no caller may be told, by method.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        let each = |(path, ended): (&String, &Ended)| {
            ended.wrong.iter().map(|wrong| format!("{path}: {wrong}")).collect::<Vec<_>>()
        };
        self.methods.iter().flat_map(each).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, ended) in &self.methods {
            let codes: Vec<_> = ended.codes.iter().map(|(code, count)| format!("{code} {count}")).collect();
            let slowest = ended.slowest.as_millis();
            writeln!(f, "{path:62} slowest {slowest:6} ms   {}", codes.join(", "))?;
        }
        Ok(())
    }
}

/// Calls every method with made-up messages for some time, from several callers at once.
///
/// # Panics
/// If a caller ends badly, which is a fault of this kit.
pub async fn call_all(address: &str, seed: u64, time: Duration, callers: u64) -> Report {
    let report = Arc::new(Mutex::new(Report::default()));
    let words = Arc::new(Words::default());
    let until = Instant::now() + time;
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (report, words) = (Arc::clone(&report), Arc::clone(&words));
            let (channel, random) = (channel(address), Random::new(seed.wrapping_add(caller)));
            tokio::spawn(call_until(channel, random, words, report, until))
        })
        .collect();
    for task in tasks {
        task.await.expect("a caller ends in order");
    }
    let report = report.lock().unwrap_or_else(PoisonError::into_inner);
    report.clone()
}

async fn call_until(
    channel: tonic::transport::Channel,
    mut random: Random,
    words: Arc<Words>,
    report: Arc<Mutex<Report>>,
    until: Instant,
) {
    let methods = methods();
    while Instant::now() < until {
        let Some(method) = random.pick(&methods) else { return };
        let messages = call::messages(&mut random, method, &words);
        let started = Instant::now();
        let (code, said) = call::call(channel.clone(), method, messages.clone(), &words).await;
        let wrong = || format!("{code:?} {said:?} for {}", hexadecimal(&messages));
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        report.methods.entry(method.path.clone()).or_default().note(code, started.elapsed(), wrong);
    }
}

fn hexadecimal(messages: &[Vec<u8>]) -> String {
    /// What is shown of a message: enough to send it again in nearly all cases.
    const SHOWN: usize = 4096;
    let one =
        |message: &Vec<u8>| message.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect::<String>();
    messages.iter().map(one).collect::<Vec<_>>().join(" then ")
}
