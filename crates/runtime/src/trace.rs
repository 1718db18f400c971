//! Trace context: carried from a call to the events that it causes, and from an event to the work that it
//! causes.
//!
//! A call is a trace. What follows from its events comes later and may have many causes, so it is a trace of
//! its own that is linked to that of the call. An event carries the context of the call that first caused it,
//! however many services were in between: from an upload to a notification, every trace links to the upload,
//! and the identifier of its trace is the *correlation id* of all their log lines.
use std::collections::HashMap;

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::codegen::http::{HeaderMap, Request};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan;

/// Name of the W3C header.
const TRACEPARENT: &str = "traceparent";

/// Upper bound on the causes that a span links to.
const MAX_LINKS: usize = 16;

/// The first cause of some work, kept with its span.
#[derive(Clone, Debug)]
pub(crate) struct Cause(pub(crate) SpanContext);

/// The W3C `traceparent` for events that are appended in the current span: that of the first cause of the
/// work, or of the span itself. `None` outside of a span and in a process without telemetry.
#[must_use]
pub fn traceparent() -> Option<String> {
    let current = Span::current();
    let context = current.context();
    let context = match cause_of(&current) {
        Some(Cause(cause)) => context.with_remote_span_context(cause),
        None => context,
    };
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Links the span of some work to what caused the event that it works on. It is a link and not a parent,
/// because work may have many causes and may come long after them.
pub fn link_to_cause(span: &Span, traceparent: Option<&str>) {
    link_to_causes(span, traceparent);
}

/// Links the span of some work to its causes, up to 16 of them. The first one is what its events carry on.
pub fn link_to_causes<'a>(span: &Span, causes: impl IntoIterator<Item = &'a str>) {
    let mut linked: Vec<SpanContext> = Vec::new();
    for cause in causes.into_iter().filter_map(parse) {
        if linked.len() < MAX_LINKS && !linked.contains(&cause) {
            span.add_link(cause.clone());
            linked.push(cause);
        }
    }
    if let Some(first) = linked.into_iter().next() {
        keep_cause(span, Cause(first));
    }
}

/// Reads a `traceparent`. `None`: it is none.
fn parse(traceparent: &str) -> Option<SpanContext> {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    let cause = context.span().span_context().clone();
    cause.is_valid().then_some(cause)
}

/// Keeps the first cause with a span.
fn keep_cause(span: &Span, cause: Cause) {
    span.with_subscriber(|(id, dispatch)| {
        let registry = dispatch.downcast_ref::<Registry>();
        if let Some(span) = registry.and_then(|registry| registry.span(id)) {
            span.extensions_mut().replace(cause);
        }
    });
}

/// The first cause of a span: its own, or that of the innermost span around it that has one.
fn cause_of(span: &Span) -> Option<Cause> {
    let found = span.with_subscriber(|(id, dispatch)| {
        let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
        span.scope().find_map(|span| span.extensions().get::<Cause>().cloned())
    });
    found.flatten()
}

/// Makes the span of a call, a child of the caller's span.
pub(crate) fn call_span(request: &Request<()>) -> Span {
    let span = tracing::info_span!("call", method = request.uri().path());
    let caller = TraceContextPropagator::new().extract(&Headers(request.headers()));
    if caller.span().span_context().is_valid() {
        // Fails without a telemetry layer, where there are no parents.
        let _without_telemetry = span.set_parent(caller);
    }
    span
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(tonic::codegen::http::HeaderName::as_str).collect()
    }
}
