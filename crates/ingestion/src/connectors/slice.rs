//! A rectangular query to Comtrade, and its halves.

/// A rectangle of trade statistics: every combination of the entries of its sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Years or months, `2024` or `202403`.
    pub periods: Vec<String>,
    /// Reporters, by Comtrade's numbers.
    pub reporters: Vec<String>,
    /// Product codes.
    pub products: Vec<String>,
    /// Flows, such as `M` and `X`.
    pub flows: Vec<String>,
    /// Partners, by Comtrade's numbers. Empty: all, and the world.
    pub partners: Vec<String>,
}

impl Slice {
    /// The two halves of a slice, along the first side with several entries: periods, reporters, products,
    /// flows, partners. Together they are the slice, without overlap. `partners` are all partners, used once
    /// nothing else can be halved. `None`: the slice is a single cell.
    pub fn halves(&self, partners: &[String]) -> Option<[Self; 2]> {
        let sides: [fn(&mut Self) -> &mut Vec<String>; 5] = [
            |slice| &mut slice.periods,
            |slice| &mut slice.reporters,
            |slice| &mut slice.products,
            |slice| &mut slice.flows,
            |slice| &mut slice.partners,
        ];
        let mut first = self.clone();
        for side in sides {
            let mut second = first.clone();
            let middle = side(&mut first).len().div_ceil(2);
            if side(&mut first).len() > 1 {
                let rest = side(&mut first).split_off(middle);
                *side(&mut second) = rest;
                return Some([first, second]);
            }
        }
        if !self.partners.is_empty() || partners.len() < 2 {
            return None;
        }
        Self { partners: partners.to_vec(), ..self.clone() }.halves(&[])
    }
}
