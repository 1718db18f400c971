//! Trace context: from a call to the events that it causes, and from an event to the work that it causes.
use std::collections::HashMap;

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::codegen::http::{HeaderMap, Request};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The W3C header, also the key in an event.
const TRACEPARENT: &str = "traceparent";

/// The W3C `traceparent` of the current span, for the events that are appended inside of it. Absent outside of a span and
/// in a process without telemetry.
#[must_use]
pub fn traceparent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Links a worker's span to what caused the event it works on. A link, not a parent: one piece of work may have many
/// causes, and may come long after them.
pub fn link(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent else { return };
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let cause = TraceContextPropagator::new().extract(&carrier);
    if cause.span().span_context().is_valid() {
        span.add_link(cause.span().span_context().clone());
    }
}

/// The span of one call, a child of the caller's.
pub(crate) fn call(request: &Request<()>) -> Span {
    let span = tracing::info_span!("call", method = request.uri().path());
    let caller = TraceContextPropagator::new().extract(&Headers(request.headers()));
    if caller.span().span_context().is_valid() {
        // Fails without a telemetry layer, where there is nothing to be a child of.
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
