//! Trace context: carried from a call to the events that it causes, and from an event to the work that it
//! causes.
use std::collections::HashMap;

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::codegen::http::{HeaderMap, Request};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Name of the W3C header.
const TRACEPARENT: &str = "traceparent";

/// The W3C `traceparent` of the current span, for events that are appended in it. `None` outside of a span
/// and in a process without telemetry.
#[must_use]
pub fn traceparent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Links the span of some work to what caused the event that it works on. It is a link and not a parent,
/// because work may have many causes and may come long after them.
pub fn link_to_cause(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent else { return };
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let cause = TraceContextPropagator::new().extract(&carrier);
    if cause.span().span_context().is_valid() {
        span.add_link(cause.span().span_context().clone());
    }
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
