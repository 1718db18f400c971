//! Lines of the log as JSON, with the identifiers of the trace that they belong to.
use std::fmt;
use std::sync::{Arc, OnceLock};

use opentelemetry::trace::TraceContextExt as _;
use tracing::dispatcher::WeakDispatch;
use tracing::{Dispatch, Event, Subscriber};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::trace::Cause;

/// Finds the trace of a span. As a layer it learns where spans are kept. Clones share that.
#[derive(Clone, Debug, Default)]
pub(crate) struct TraceFinder(Arc<OnceLock<WeakDispatch>>);

impl<S: Subscriber> Layer<S> for TraceFinder {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        // The first one stays: a process has one log.
        let _first = self.0.set(dispatch.downgrade());
    }
}

/// Adds `trace_id`, `span_id` and `correlation_id` to each line that another format writes. The correlation
/// id is the trace id of the call that first caused the work.
pub(crate) struct TracedLines<F> {
    pub(crate) format: F,
    pub(crate) finder: TraceFinder,
}

impl<S, N, F> FormatEvent<S, N> for TracedLines<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.format.format_event(context, Writer::new(&mut line), event)?;
        match (line.strip_prefix('{'), self.finder.identifiers(context)) {
            (Some(rest), Some(identifiers)) => write!(writer, "{{{identifiers},{rest}"),
            _ => writer.write_str(&line),
        }
    }
}

impl TraceFinder {
    /// The identifiers of the current span, as fields of a JSON object. `None`: there is no span.
    fn identifiers<S, N>(&self, context: &FmtContext<'_, S, N>) -> Option<String>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        N: for<'a> FormatFields<'a> + 'static,
    {
        let span = context.lookup_current()?;
        let cause = span.scope().find_map(|span| span.extensions().get::<Cause>().cloned());
        let dispatch = self.0.get()?.upgrade()?;
        let known = get_otel_context(&span.id(), &dispatch)?;
        let own = known.span().span_context().clone();
        if !own.is_valid() {
            return None;
        }
        let (trace, id) = (own.trace_id(), own.span_id());
        let correlation = cause.map_or(trace, |Cause(cause)| cause.trace_id());
        Some(format!("\"trace_id\":\"{trace}\",\"span_id\":\"{id}\",\"correlation_id\":\"{correlation}\""))
    }
}
