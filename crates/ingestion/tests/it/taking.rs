//! Files as the parsers take them, without a service.
use bytes::Bytes;
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{Rejection, TradeColumns, observations_recorded::Columns};
use orewatch_formats::Codes;
use orewatch_formats::{Input, Limits, Metadata, Plan, SourceError, Totals, plan, read};

/// The result of reading files.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) plan: Plan,
    pub(crate) totals: Totals,
    pub(crate) trade: Vec<TradeColumns>,
    pub(crate) rejections: Vec<Rejection>,
}

impl Taken {
    /// Flows as `period exporter importer code value quantity reporter`, in their order; `-` stands for what
    /// is missing.
    pub(crate) fn flows(&self) -> Vec<String> {
        self.placed().into_iter().map(|(_, _, flow)| flow).collect()
    }

    /// The lines of the flows.
    pub(crate) fn lines(&self) -> Vec<i64> {
        self.placed().into_iter().map(|(_, line, _)| line).collect()
    }

    /// Flows with their files and lines.
    fn placed(&self) -> Vec<(u32, i64, String)> {
        let mut flows = Vec::new();
        for columns in &self.trade {
            let mut line = 0;
            for row in 0..columns.exporter.len() {
                let index = |list: &[u32]| list.get(row).copied().unwrap_or(0) as usize;
                let figure = |plain: &[f64], scaled: &[u64], digits: u32, statuses: &[i32]| {
                    let known = statuses.get(row).is_none_or(|status| *status == i32::from(Status::Known));
                    let number = match plain {
                        [] => format!("{}e-{digits}", scaled[row]).parse().unwrap(),
                        plain => plain[row],
                    };
                    if known { number.to_string() } else { "-".to_owned() }
                };
                let reporter = columns.reporter.get(row).copied().unwrap_or_default();
                line += columns.line_step[row];
                let (value_status, quantity_status) = (&columns.value_status, &columns.quantity_status);
                let flow = format!(
                    "{} {} {} {} {} {} {}",
                    columns.periods[index(&columns.period)],
                    columns.economies[index(&columns.exporter)],
                    columns.economies[index(&columns.importer)],
                    columns.products[index(&columns.product)].code,
                    figure(&columns.value, &columns.value_scaled, columns.value_digits, value_status),
                    figure(
                        &columns.quantity,
                        &columns.quantity_scaled,
                        columns.quantity_digits,
                        quantity_status
                    ),
                    ["-", "importer", "exporter"][usize::try_from(reporter).unwrap()],
                );
                flows.push((columns.file.get(row).copied().unwrap_or(0), line, flow));
            }
        }
        // Chunks hold the rows of one market: in the files they may be apart.
        flows.sort_by_key(|(file, line, _)| (*file, *line));
        flows
    }

    /// Rejections as `line column value code`.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let reason = |of: &Rejection| format!("{} {} {} {}", of.line, of.column, of.value, of.code);
        self.rejections.iter().map(reason).collect()
    }
}

pub(crate) fn memory(name: &str, content: impl AsRef<[u8]>) -> Input {
    Input::Memory { name: name.to_owned(), bytes: Bytes::copy_from_slice(content.as_ref()) }
}

/// Plans and reads files that make one release.
pub(crate) fn take(inputs: Vec<Input>, given: &Metadata, limits: Limits) -> Result<Taken, SourceError> {
    let mut plans = plan(inputs, given, &Codes::default(), limits, &mut |_| {})?;
    assert_eq!(plans.len(), 1, "the files hold one table");
    let plan = plans.remove(0);
    let (mut trade, mut rejections) = (Vec::new(), Vec::new());
    let totals = read(&plan, &mut |rows, _| {
        match rows {
            Rows::Observations(chunk) => match chunk.columns {
                Some(Columns::Trade(columns)) => trade.push(columns),
                other => panic!("{other:?}"),
            },
            Rows::Quarantine(chunk) => rejections.extend(chunk.rejections),
            #[allow(unreachable_patterns, reason = "what else may be recorded is not looked at here")]
            _ => {}
        }
        Ok::<_, SourceError>(())
    })?;
    Ok(Taken { plan, totals, trade, rejections })
}

/// Takes one file as it is.
pub(crate) fn take_one(name: &str, content: impl AsRef<[u8]>) -> Result<Taken, SourceError> {
    take(vec![memory(name, content)], &Metadata::default(), Limits::default())
}
