//! Generates a file in the format of BACI. Economies are real; product codes and flows are generated, and the
//! same for the same number of rows. The codes are in no catalogue: a separate concordance assigns materials
//! to them.
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use orewatch_tests::random::Random;

use crate::tables::{YEARS, economies, products};

/// An index below `len`. Small ones are much more frequent, because few economies do most of the trade.
fn skewed(random: &mut Random, len: usize) -> usize {
    let part = u128::from(random.number() >> 32);
    let cube = part * part * part;
    u128::try_from(len).ok().and_then(|len| usize::try_from((cube * len) >> 96).ok()).unwrap_or_default()
}

/// A number spread over some orders of magnitude around 1.
fn magnitude(random: &mut Random) -> f64 {
    (6.0 * (random.unit() + random.unit() + random.unit() - 1.5)).exp()
}

/// Writes `rows` rows, sorted like BACI by year, exporter, importer and product. One quantity in fifty is
/// unknown.
pub(crate) fn write(path: &Path, rows: usize) {
    // Some economies have several numbers: one of them is used.
    let living = economies().into_iter().filter(|(_, economy)| economy.until.is_none());
    let by_economy: BTreeMap<_, u16> = living.map(|(number, economy)| (economy.iso3, number)).collect();
    let numbers: Vec<u16> = by_economy.into_values().collect();
    let products = products();
    let years: Vec<i16> = YEARS.collect();
    let cells = products.len() * years.len();
    let mut file = BufWriter::new(File::create(path).expect("the file can be made"));
    writeln!(file, "t,i,j,k,v,q").expect("the file can be written");
    let mut random = Random::new(20_260_101);
    for (at, year) in years.iter().enumerate() {
        let mut flows = BTreeMap::new();
        for (index, (code, _)) in products.iter().enumerate() {
            let cell = at * products.len() + index;
            let wanted = rows * (cell + 1) / cells - rows * cell / cells;
            let target = flows.len() + wanted;
            while flows.len() < target {
                let (from, to) = (skewed(&mut random, numbers.len()), skewed(&mut random, numbers.len()));
                let pair = numbers.get(from).zip(numbers.get(to)).filter(|(from, to)| from != to);
                if let Some((from, to)) = pair {
                    flows.entry((*from, *to, code.as_str())).or_insert_with(|| flow(&mut random));
                }
            }
        }
        for ((from, to, code), (value, quantity)) in flows {
            writeln!(file, "{year},{from},{to},{code},{value:.3},{quantity}")
                .expect("the file can be written");
        }
    }
    file.flush().expect("the file can be written");
}

/// Value in thousands of dollars, and tonnes as BACI writes them.
fn flow(random: &mut Random) -> (f64, String) {
    let value = 0.001 + 40.0 * magnitude(random);
    let quantity = 0.001 + value * magnitude(random) / 3.0;
    (value, if random.unit() < 0.02 { "NA".to_owned() } else { format!("{quantity:.3}") })
}
