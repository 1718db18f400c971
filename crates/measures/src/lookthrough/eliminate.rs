//! Elimination inside one part: economies that rest on each other.
//!
//! Rows are eliminated from the last to the first. What a row takes from an eliminated one it takes from that one's
//! suppliers instead, in proportion. The pivot of a row is not `1 - (what comes back to itself)` but the sum of what it takes
//! from elsewhere (Grassmann, Taksar, Heyman 1985, Operations Research 33): nothing is ever subtracted, so every share
//! keeps its relative precision, none is negative, and a part that hardly anything enters is as well solved as any other.
//! A pivot is zero only where nothing enters at all: a circle of re-exports without a producer, which has no origin.

/// Rows of a part, normalised: what a row takes from the rows before it, as parts of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Elimination {
    size: usize,
    /// Row by row, `size` entries each, of which row `k` uses the first `k`.
    upper: Vec<f64>,
    /// Part of each row that comes from outside of the part, and from its own output.
    outside: Vec<f64>,
    /// The row that is being eliminated.
    row: Vec<f64>,
    /// Rows from this one on are eliminated link by link, those before it four at a time.
    dense: usize,
}

/// Links that are kept while a row is eliminated: their row in the part, and their weight.
pub(super) type Links = Vec<(u32, f64)>;

impl Elimination {
    pub(super) fn begin(&mut self, size: usize) {
        self.size = size;
        self.dense = 0;
        self.upper.clear();
        self.upper.resize(size * size, 0.0);
        self.outside.clear();
        self.outside.resize(size, 0.0);
        self.row.clear();
        self.row.resize(size, 0.0);
    }

    /// Where to put what row `k` takes from the rows of the part.
    pub(super) fn row(&mut self) -> &mut [f64] {
        self.row.fill(0.0);
        &mut self.row
    }

    /// Eliminates from row `k`, which was put into [`Self::row`], all rows after it. `outside` is what it takes from
    /// elsewhere. Gives one over its pivot, 0 if the pivot is zero; `lower` receives what it took from the rows after it,
    /// `upper` what parts it takes from the rows before it.
    pub(super) fn eliminate(&mut self, k: usize, outside: f64, lower: &mut Links, upper: &mut Links) -> f64 {
        let mut outside = outside;
        let dense = self.dense.max(k + 1);
        for from in (dense..self.size).rev() {
            outside += self.one(from, lower);
        }
        let mut from = self.dense;
        while from > k + 4 {
            outside += self.four(from, lower);
            from -= 4;
        }
        for from in (k + 1..from).rev() {
            outside += self.one(from, lower);
        }
        self.finish(k, outside, upper)
    }

    /// Takes one row out of the current one. Gives what comes from outside instead.
    fn one(&mut self, from: usize, lower: &mut Links) -> f64 {
        let (before, rest) = self.row.split_at_mut_checked(from).unwrap_or_default();
        let Some(weight) = rest.first().copied().filter(|weight| *weight > 0.0) else { return 0.0 };
        let upper = part(&self.upper, self.size, from);
        for (entry, link) in before.iter_mut().zip(upper) {
            *entry += weight * link;
        }
        lower.push((number(from), weight));
        weight * self.outside.get(from).copied().unwrap_or(0.0)
    }

    /// Takes the four rows before `end` out of the current one.
    fn four(&mut self, end: usize, lower: &mut Links) -> f64 {
        let [a, b, c, d] =
            [end - 1, end - 2, end - 3, end - 4].map(|from| part(&self.upper, self.size, from));
        let Some((before, [x3, x2, x1, x0])) =
            self.row.get_mut(..end).and_then(<[f64]>::split_last_chunk_mut::<4>)
        else {
            return 0.0;
        };
        let at = |row: &[f64], column: usize| row.get(column).copied().unwrap_or(0.0);
        *x1 += *x0 * at(a, end - 2);
        *x2 += *x0 * at(a, end - 3) + *x1 * at(b, end - 3);
        *x3 += *x0 * at(a, end - 4) + *x1 * at(b, end - 4) + *x2 * at(c, end - 4);
        let weights = [*x0, *x1, *x2, *x3];
        let [w0, w1, w2, w3] = weights;
        if w0 + w1 + w2 + w3 <= 0.0 {
            return 0.0;
        }
        for ((((entry, a), b), c), d) in before.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *entry += (w0 * a + w1 * b) + (w2 * c + w3 * d);
        }
        let mut outside = 0.0;
        for (weight, from) in weights.into_iter().zip((0..end).rev()) {
            if weight > 0.0 {
                lower.push((number(from), weight));
                outside += weight * self.outside.get(from).copied().unwrap_or(0.0);
            }
        }
        outside
    }

    /// Divides the row by its pivot and keeps it.
    fn finish(&mut self, k: usize, outside: f64, upper: &mut Links) -> f64 {
        let row = self.row.get(..k).unwrap_or_default();
        let pivot = outside + sum(row);
        let over = if pivot > 0.0 { 1.0 / pivot } else { 0.0 };
        let kept = self.upper.get_mut(k * self.size..k * self.size + k).unwrap_or_default();
        let mut links = 0;
        for ((column, entry), kept) in (0..).zip(row).zip(kept) {
            *kept = entry * over;
            if *kept > 0.0 {
                links += 1;
                upper.push((column, *kept));
            }
        }
        if let Some(kept) = self.outside.get_mut(k) {
            *kept = outside * over;
        }
        if self.dense == 0 && links * 3 > k {
            self.dense = k + 1;
        }
        over
    }
}

/// The first `row` entries of a row.
fn part(upper: &[f64], size: usize, row: usize) -> &[f64] {
    upper.get(row * size..row * size + row).unwrap_or_default()
}

/// The sum over four interleaved ones, so that additions need not wait for each other.
fn sum(values: &[f64]) -> f64 {
    let (fours, rest) = values.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for four in fours {
        for (sum, value) in sums.iter_mut().zip(four) {
            *sum += value;
        }
    }
    let [a, b, c, d] = sums;
    (a + b) + (c + d) + rest.iter().sum::<f64>()
}

fn number(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}
