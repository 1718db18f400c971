//! Parsers: given these bytes, they give these columns.
use std::collections::BTreeMap;

use bytes::Bytes;
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::TradeColumns;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_formats::Codes;
use orewatch_formats::{Input, Limits, Metadata, SourceError, Totals, plan, read};
use proptest::prelude::*;

fn input(name: &str, content: &[u8]) -> Input {
    Input::Memory { name: name.to_owned(), bytes: Bytes::copy_from_slice(content) }
}

fn parse(name: &str, content: &[u8]) -> Result<(Totals, Vec<Rows>), SourceError> {
    let plans = plan(
        vec![input(name, content)],
        &Metadata::default(),
        &Codes::default(),
        Limits::default(),
        &mut |_| {},
    )?;
    let [plan] = &plans[..] else { panic!("{plans:?}") };
    let mut pieces = Vec::new();
    let totals = read(plan, &mut |piece, _| {
        pieces.push(piece);
        Ok::<_, SourceError>(())
    })?;
    Ok((totals, pieces))
}

const NAME: &str = "BACI_HS92_Y2022_V202401b.csv";

#[test]
fn baci_rows_become_columns() {
    let (totals, pieces) = parse(
        NAME,
        b"t,i,j,k,v,q\n2018,100,300,250410,   1.82,     \
          0.09\n2018,490,842,250410,5,NA\n2018,100,300,010121,1,1\n",
    )
    .unwrap();
    assert_eq!(
        totals,
        Totals {
            read: 3,
            recorded: 2,
            out_of_scope: 1,
            rejected: BTreeMap::new(),
            declared: None,
            notes: Vec::new()
        }
    );
    let [Rows::Observations(chunk)] = &pieces[..] else { panic!("{pieces:?}") };
    let Some(Columns::Trade(trade)) = &chunk.columns else { panic!("{chunk:?}") };
    assert_eq!(trade.economies, ["BGR", "TWN", "GRC", "USA"]);
    assert_eq!((&trade.exporter[..], &trade.importer[..]), (&[0, 1][..], &[2, 3][..]));
    assert_eq!(trade.products[0].material, "graphite");
    assert_eq!((&trade.value_scaled[..], trade.value_digits), (&[182, 500][..], 2));
    assert_eq!((&trade.quantity_scaled[..], trade.quantity_digits), (&[9, 0][..], 2));
    assert_eq!((trade.quantity_status.len(), trade.value_status.len()), (2, 0));
    assert_eq!((trade.period.len(), trade.product.len()), (0, 0), "there is one of each");
    assert_eq!(trade.line_step, [2, 1]);
}

/// A code may stand for goods of no material, and a purity may not be known.
#[test]
fn concordances_become_columns() {
    let rows = "acme,A-1,graphite,mined,0.65,,flakes\nacme,A-2,,,,,\nCN2024,81129289,gallium,refined,,yes,\n\
                CN2024,8112928,gallium,refined,,,\nacme,A-1,cobalt,mined,,,\nacme,A-3,cobalt,,,,\nacme,A-4,\
                cobalt,mined,65,,\n";
    let content = format!(
        "# dataset: acme-codes\n# vintage: 1\nnomenclature,code,material,stage,purity,proxy,note\n{rows}"
    );
    let (totals, pieces) = parse("codes.csv", content.as_bytes()).unwrap();
    let expected = ["duplicate-key", "invalid-product", "invalid-purity", "missing-field"];
    assert_eq!(totals.rejected.keys().collect::<Vec<_>>(), expected, "{pieces:?}");
    let Rows::Observations(chunk) = &pieces[0] else { panic!("{pieces:?}") };
    let Some(Columns::Concordance(columns)) = &chunk.columns else { panic!("{chunk:?}") };
    assert_eq!(columns.nomenclatures, ["acme", "CN2024"]);
    assert_eq!(columns.code, ["A-1", "A-2", "81129289"]);
    let assigned = |row: usize| &columns.assignments[columns.assignment[row] as usize];
    assert_eq!([0, 1, 2].map(|row| assigned(row).material.as_str()), ["graphite", "", "gallium"]);
    assert_eq!((columns.purity[0], columns.purity[1].is_nan()), (0.65, true));
    assert_eq!((&columns.proxy[..], &*columns.note[0]), (&[false, false, true][..], "flakes"));
    assert_eq!(columns.line, [4, 5, 6]);
}

/// Missing keeps its name, units are converted to tonnes, and bases to the one that the catalogue keeps.
#[test]
fn output_becomes_columns() {
    let rows = "2023,COD,cobalt,mined,1.5,kt,content,\n2023,CHN,cobalt,mined,W,t,content,true\n\
                2023-05,OTHER,lithium,mined,NA,t,content,\n2023,AUS,lithium,mined,5323,t,LCE,\n";
    let content = format!(
        "# dataset: d\n# vintage: v\nperiod,economy,material,stage,quantity,unit,basis,estimated\n{rows}"
    );
    let (totals, pieces) = parse("p.csv", content.as_bytes()).unwrap();
    assert_eq!(totals.recorded, 4, "{pieces:?}");
    let [Rows::Observations(chunk)] = &pieces[..] else { panic!("{pieces:?}") };
    let Some(Columns::Production(output)) = &chunk.columns else { panic!("{chunk:?}") };
    assert!((output.quantity[0] - 1500.0).abs() < 1e-9);
    assert!((output.quantity[3] - 1000.0).abs() < 1e-9, "{}", output.quantity[3]);
    let statuses: Vec<_> = output.status().collect();
    assert_eq!(statuses, [Status::Known, Status::Withheld, Status::Unavailable, Status::Known]);
    assert!(output.quantity[1].is_nan() && output.quantity[2].is_nan());
    assert_eq!(output.estimated, [false, true, false, false]);
    assert_eq!((&*output.periods[1], &*output.economies[2]), ("2023-05", "OTHER"));
    assert!(output.series.iter().all(|series| series.unit == "t" && series.basis == "content"));
}

#[test]
fn governance_becomes_columns() {
    let content = "# dataset: d\n# vintage: v\nindicator,economy,period,value\nrule-of-law,NAM,2023,-0.25\n";
    let (_, pieces) = parse("g.csv", content.as_bytes()).unwrap();
    let [Rows::Observations(chunk)] = &pieces[..] else { panic!("{pieces:?}") };
    let Some(Columns::Governance(governance)) = &chunk.columns else { panic!("{chunk:?}") };
    assert_eq!((&*governance.economies[0], governance.value[0]), ("NAM", -0.25), "columns come in any order");
}

const PARAMETERS: &str =
    "# dataset: d\n# vintage: v\nperiod,parameter,value,economy,partner,material,stage,item\n";
const RESTRICTIONS: &str =
    "# dataset: d\n# vintage: v\nfrom,until,economy,material,stage,kind,evaluation,product,partners\n";
const WORDS: [&str; 20] = [
    "",
    "2016",
    "2016-01-01",
    "2020-12-31",
    "eol-rir",
    "trade-parameter",
    "supply-used",
    "COD",
    "EU27",
    "USA EU27",
    "WLD",
    "cobalt",
    "mined",
    "refined",
    "quota",
    "red",
    "0.5",
    "NA",
    "260500",
    "GSonly",
];

const ECONOMIES: [&str; 5] = ["CHN", "DEU", "NAM", "TWN", "USA"];
const PRODUCTS: [&str; 3] = ["250410", "280530", "010121"];

/// A flow as text: year, exporter, importer, product, value, quantity.
fn flow() -> impl Strategy<Value = (u16, usize, usize, usize, String, String)> {
    let figure = prop_oneof![Just("NA".to_owned()), Just("W".to_owned()), "[0-9]{1,9}(\\.[0-9]{1,3})?"];
    (1990_u16..2030, 0..5_usize, 0..5_usize, 0..3_usize, figure.clone(), figure)
}

/// What a figure's text means.
fn meaning(text: &str) -> (Option<f64>, Status) {
    match text {
        "NA" => (None, Status::Unavailable),
        "W" => (None, Status::Withheld),
        number => (Some(number.parse().unwrap()), Status::Known),
    }
}

/// A row of columns, read by the words of the contract.
#[derive(Debug, PartialEq)]
struct Flow {
    names: [String; 4],
    figures: [(Option<f64>, Status); 2],
}

impl Flow {
    fn of(trade: &TradeColumns, row: usize) -> Self {
        let at = |column: &[u32]| usize::try_from(column.get(row).copied().unwrap_or(0)).unwrap();
        let figure = |plain: &[f64], scaled: &[u64], digits: u32, statuses: &[i32]| {
            let status = statuses.get(row).map_or(Status::Known, |status| Status::try_from(*status).unwrap());
            let number = match scaled {
                [] => plain[row],
                scaled => format!("{}e-{digits}", scaled[row]).parse().unwrap(),
            };
            (Some(number).filter(|_| status == Status::Known), status)
        };
        let (value_digits, quantity_digits) = (trade.value_digits, trade.quantity_digits);
        Self {
            names: [
                trade.periods[at(&trade.period)].clone(),
                trade.economies[at(&trade.exporter)].clone(),
                trade.economies[at(&trade.importer)].clone(),
                trade.products[at(&trade.product)].code.clone(),
            ],
            figures: [
                figure(&trade.value, &trade.value_scaled, value_digits, &trade.value_status),
                figure(&trade.quantity, &trade.quantity_scaled, quantity_digits, &trade.quantity_status),
            ],
        }
    }
}

proptest! {
    /// Whatever is recorded says what the file says, and what is not recorded has a reason.
    #[test]
    fn columns_say_what_the_rows_say(flows in prop::collection::vec(flow(), 1..60)) {
        let rows: Vec<_> = flows
            .iter()
            .map(|(year, from, to, product, value, quantity)| {
                let (from, to, product) = (ECONOMIES[*from], ECONOMIES[*to], PRODUCTS[*product]);
                format!("{year},{from},{to},{product},{value},{quantity}")
            })
            .collect();
        let content = crate::harness::trade("v", &rows.iter().map(String::as_str).collect::<Vec<_>>());
        let (totals, pieces) = parse("t.csv", content.as_bytes()).unwrap();

        let mut keys = std::collections::BTreeSet::new();
        let kept = |(year, from, to, product, ..): &&(u16, usize, usize, usize, String, String)| {
            from != to && *product < 2 && keys.insert((*year, *from, *to, *product))
        };
        let expected: Vec<_> = flows.iter().filter(kept).collect();
        prop_assert_eq!(totals.recorded, u64::try_from(expected.len()).unwrap());
        let mut recorded = BTreeMap::new();
        for piece in &pieces {
            let Rows::Observations(chunk) = piece else { continue };
            let Some(Columns::Trade(trade)) = &chunk.columns else { continue };
            let mut line = 0;
            for (row, step) in trade.line_step.iter().enumerate() {
                line += step;
                prop_assert!(recorded.insert(line, Flow::of(trade, row)).is_none());
            }
        }
        // The first line of the file that is a row.
        for (line, (year, from, to, product, value, quantity)) in (5..).zip(&flows) {
            let expected = expected.iter().any(|row| std::ptr::eq(*row, &flows[usize::try_from(line - 5)
                .unwrap()]));
            let names = [year.to_string(), ECONOMIES[*from].to_owned(), ECONOMIES[*to].to_owned(),
                PRODUCTS[*product].to_owned()];
            let flow = Flow { names, figures: [meaning(value), meaning(quantity)] };
            prop_assert_eq!(recorded.get(&line), expected.then_some(&flow));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(content in prop::collection::vec(any::<u8>(), 0..400)) {
        let _outcome = parse(NAME, &content);
        let _outcome = parse(NAME, &[b"t,i,j,k,v,q\n", &content[..]].concat());
        let _outcome = parse("p.csv", &[b"# dataset: d\n", &content[..]].concat());
        let _outcome = parse(NAME, &[b"\x1f\x8b", &content[..]].concat());
        for header in [PARAMETERS, RESTRICTIONS] {
            let _outcome = parse("p.csv", &[header.as_bytes(), &content[..]].concat());
        }
    }

    /// Rows of words that mean something, in any order: each is recorded, out of scope or quarantined with a
    /// reason.
    #[test]
    fn no_row_of_policy_is_lost(rows in prop::collection::vec(prop::collection::vec(0..WORDS.len(),
        6..10), 1..40)) {
        for header in [PARAMETERS, RESTRICTIONS] {
            let row = |row: &Vec<usize>| row.iter().map(|word| WORDS[*word]).collect::<Vec<_>>().join(",");
            let rows: Vec<_> = rows.iter().map(row).collect();
            let (totals, pieces) = parse("p.csv", format!("{header}{}\n", rows.join("\n")).as_bytes())
                .unwrap();
            prop_assert_eq!(totals.read, totals.recorded + totals.out_of_scope + totals.rejected_rows());
            prop_assert_eq!(totals.read, u64::try_from(rows.len()).unwrap());
            let listed: usize = pieces
                .iter()
                .map(|piece| if let Rows::Quarantine(chunk) = piece { chunk.rejections.len() } else { 0 })
                .sum();
            prop_assert_eq!(u64::try_from(listed).unwrap(), totals.rejected_rows());
        }
    }

    #[test]
    fn no_row_is_lost(rows in prop::collection::vec("[0-9NAW,.\" \
                                                     -]{0,12}(,(2018|842|156|490|250410|1\\.5|\
                                                     NA)){0,6}", 1..40)) {
        let content = format!("t,i,j,k,v,q\n2018,842,156,250410,1,1\n{}\n", rows.join("\n"));
        let (totals, pieces) = parse(NAME, content.as_bytes()).unwrap();
        prop_assert_eq!(totals.read, totals.recorded + totals.out_of_scope + totals.rejected_rows());
        let listed: usize = pieces
            .iter()
            .map(|piece| match piece {
                Rows::Quarantine(chunk) => chunk.rejections.len(),
                Rows::Observations(_) => 0,
            })
            .sum();
        prop_assert_eq!(u64::try_from(listed).unwrap(), totals.rejected_rows());
    }
}
