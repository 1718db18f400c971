//! A file like BACI's: the product codes and economies are real, the flows are made, the same for the same row count.
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use crate::tables::{YEARS, economies, products};

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In `[0, 1)`.
    fn unit(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or_default();
        f64::from(bits) / 4_294_967_296.0
    }

    /// An index below `len`, small ones far more often: few economies do most of the trade.
    fn skewed(&mut self, len: usize) -> usize {
        let random = u128::from(self.next() >> 32);
        let cube = random * random * random;
        u128::try_from(len).ok().and_then(|len| usize::try_from((cube * len) >> 96).ok()).unwrap_or_default()
    }

    /// Spread over some orders of magnitude around 1.
    fn magnitude(&mut self) -> f64 {
        (6.0 * (self.unit() + self.unit() + self.unit() - 1.5)).exp()
    }
}

/// Writes `rows` rows, sorted as BACI is: by year, exporter, importer, product. One quantity in fifty is not known.
pub(crate) fn write(path: &Path, rows: usize) {
    let mut economies = economies();
    economies.dedup_by_key(|(_, economy)| economy.iso3);
    economies.retain(|(_, economy)| economy.until.is_none());
    let numbers: Vec<u16> = economies.iter().map(|(number, _)| *number).collect();
    let products = products();
    let years: Vec<i16> = YEARS.collect();
    let cells = products.len() * years.len();
    let mut file = BufWriter::new(File::create(path).expect("the file can be made"));
    writeln!(file, "t,i,j,k,v,q").expect("the file can be written");
    let mut random = Random(20_260_101);
    for (at, year) in years.iter().enumerate() {
        let mut flows = BTreeMap::new();
        for (index, product) in products.iter().enumerate() {
            let cell = at * products.len() + index;
            let wanted = rows * (cell + 1) / cells - rows * cell / cells;
            let target = flows.len() + wanted;
            while flows.len() < target {
                let (from, to) = (random.skewed(numbers.len()), random.skewed(numbers.len()));
                let pair = numbers.get(from).zip(numbers.get(to)).filter(|(from, to)| from != to);
                if let Some((from, to)) = pair {
                    flows.entry((*from, *to, product.code)).or_insert_with(|| flow(&mut random));
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
    let value = 0.001 + 40.0 * random.magnitude();
    let quantity = 0.001 + value * random.magnitude() / 3.0;
    (value, if random.unit() < 0.02 { "NA".to_owned() } else { format!("{quantity:.3}") })
}
