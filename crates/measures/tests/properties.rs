//! What holds of every market.
#![allow(missing_docs, reason = "tests speak through their names")]

use orewatch_measures::{Amount, Estimate, Measure, Reliance, Sourcing, Status, methods};
use proptest::prelude::*;

/// Relative room for rounding.
const EPSILON: f64 = 1e-9;

/// An amount, and where between its bounds the truth lies, 0 to 1.
fn amount() -> impl Strategy<Value = (Amount, f64)> {
    let size = prop_oneof![Just(0.0), 0.001..10.0, 10.0..1e6];
    let kind = prop_oneof![
        4 => size.clone().prop_map(Amount::known),
        2 => (size.clone(), 0.0..1e3).prop_map(|(low, more)| Amount::between(low, low + more)),
        1 => Just(Amount::withheld()),
        1 => (size.clone(), size).prop_map(|(a, b)| Amount::known(a) + Amount::between(0.0, b)),
    ];
    (kind, 0.0..=1.0)
}

fn truth((amount, at): (Amount, f64)) -> f64 {
    let high = if amount.high().is_finite() { amount.high() } else { amount.low() + 1e4 };
    amount.low() + at * (high - amount.low())
}

fn encloses(estimate: &Estimate, truth: f64) -> bool {
    let room = EPSILON * truth.abs().max(1.0);
    estimate.low.is_none_or(|low| low <= truth + room)
        && estimate.high.is_none_or(|high| truth <= high + room)
}

/// Shares of the completed market: those of the suppliers, and those of the residual's parts.
fn completed(suppliers: &[f64], residual: &[f64]) -> Option<(Vec<f64>, Vec<f64>)> {
    let sum: f64 = suppliers.iter().chain(residual).sum();
    let share = |all: &[f64]| all.iter().map(|a| a / sum).collect();
    (sum > 0.0).then(|| (share(suppliers), share(residual)))
}

proptest! {
    #[test]
    fn bounds_enclose_every_completion(
        amounts in prop::collection::vec(amount(), 1..8),
        residual in prop_oneof![Just((Amount::known(0.0), 0.5)), amount()],
        parts in 1_usize..6,
    ) {
        let market =
            Sourcing::new(amounts.iter().enumerate().map(|(key, (amount, _))| (key, *amount)), residual.0);
        let truths: Vec<_> = amounts.iter().map(|amount| truth(*amount)).collect();
        let count = f64::from(u32::try_from(parts).unwrap());
        let rest = vec![truth(residual) / count; parts];
        prop_assume!(completed(&truths, &rest).is_some());
        let (shares, rest) = completed(&truths, &rest).unwrap();

        for (key, share) in shares.iter().enumerate() {
            prop_assert!(
                encloses(&market.share(key), *share),
                "share {key}: {share} {:?}",
                market.share(key)
            );
        }
        let hhi = 10_000.0 * shares.iter().chain(&rest).map(|s| s * s).sum::<f64>();
        prop_assert!(encloses(&market.hhi(), hhi), "hhi {hhi} {:?}", market.hhi());
        prop_assert!(encloses(&market.effective_suppliers(), 10_000.0 / hhi));
        let mut ranked: Vec<_> = shares.iter().chain(&rest).copied().collect();
        ranked.sort_by(|a, b| b.total_cmp(a));
        prop_assert!(encloses(&market.top::<1>().0, ranked[0]));
        let three: f64 = ranked.iter().take(3).sum();
        prop_assert!(encloses(&market.top::<3>().0, three), "top {three} {:?}", market.top::<3>());
        prop_assert!(encloses(&market.share(99), rest[0]));
    }

    #[test]
    fn a_value_lies_between_its_bounds(
        amounts in prop::collection::vec(amount(), 1..8),
        residual in amount(),
    ) {
        let market =
            Sourcing::new(amounts.iter().enumerate().map(|(key, (amount, _))| (key, *amount)), residual.0);
        let all = market.shares().map(|(_, share)| share);
        for estimate in
            all.chain([market.hhi(), market.effective_suppliers(), market.top::<1>().0, market.top::<3>().0])
        {
            if let Some(value) = estimate.value {
                prop_assert!(encloses(&estimate, value), "{estimate:?}");
            }
            prop_assert_eq!(estimate.status == Status::Known, estimate.reason.is_empty());
            prop_assert!(estimate.coverage.is_none_or(|coverage| (0.0..=1.0).contains(&coverage)));
        }
    }

    #[test]
    fn known_markets_are_known_through_and_through(amounts in prop::collection::vec(0.0..1e6_f64, 1..12)) {
        prop_assume!(amounts.iter().sum::<f64>() > 0.0);
        let market = Sourcing::new(amounts.iter().map(|a| Amount::known(*a)).enumerate(), Amount::known(0.0));
        let sum: f64 = market.shares().map(|(_, share)| share.value.unwrap()).sum();
        prop_assert!((sum - 1.0).abs() < EPSILON);
        let hhi = market.hhi();
        let count = f64::from(u32::try_from(amounts.len()).unwrap());
        prop_assert_eq!((hhi.status, hhi.low, hhi.high), (Status::Known, hhi.value, hhi.value));
        prop_assert!(
            (10_000.0 / count * (1.0 - EPSILON)..=10_000.0 * (1.0 + EPSILON)).contains(&hhi.value.unwrap())
        );
        prop_assert!(market.top::<1>().0.value <= market.top::<3>().0.value);
    }

    #[test]
    fn scale_does_not_matter(
        amounts in prop::collection::vec(amount(), 1..8),
        residual in amount(),
        power in -8_i32..8,
    ) {
        // A power of two scales without rounding: the figures agree to the bit.
        let scale = 2.0_f64.powi(power);
        let scaled = |amount: Amount| match amount.status() {
            Status::Known => Amount::known(amount.low() * scale),
            Status::Withheld => amount,
            _ => Amount::between(amount.low() * scale, amount.high() * scale),
        };
        let plain = |amount: Amount| match amount.status() {
            Status::Partial => Amount::between(amount.low(), amount.high()),
            _ => amount,
        };
        let build = |of: &dyn Fn(Amount) -> Amount| {
            Sourcing::new(amounts.iter().map(|(amount, _)| of(*amount)).enumerate(), of(residual.0))
        };
        let (one, other) = (build(&plain), build(&scaled));
        prop_assert_eq!(one.hhi(), other.hhi());
        prop_assert_eq!(one.top::<3>(), other.top::<3>());
        prop_assert_eq!(one.share(0), other.share(0));
    }

    #[test]
    fn order_does_not_matter(
        amounts in prop::collection::vec(amount(), 1..8).prop_shuffle(),
        residual in amount(),
        turn in 0_usize..8,
    ) {
        let rows: Vec<_> = amounts.iter().map(|(amount, _)| *amount).enumerate().collect();
        let mut turned = rows.clone();
        turned.rotate_left(turn % rows.len());
        prop_assert_eq!(Sourcing::new(rows, residual.0), Sourcing::new(turned, residual.0));
    }

    #[test]
    fn reliance_encloses_every_completion(
        production in amount(),
        imports in amount(),
        exports in amount(),
        stocks in -10.0..10.0_f64,
    ) {
        let reliance = Reliance {
            production: production.0,
            secondary: None,
            imports: imports.0,
            exports: exports.0,
            stock_decrease: Some(Estimate::known(stocks)),
        };
        let net = truth(imports) - truth(exports) + stocks;
        let estimate = reliance.estimate();
        let consumption = truth(production) + net;
        if net > 0.0 {
            prop_assert!(encloses(&estimate, net / consumption), "{} {estimate:?}", net / consumption);
        } else if net < 0.0 {
            prop_assert!(encloses(&estimate, 0.0), "{estimate:?}");
        }
        if let Some(value) = estimate.value {
            prop_assert!((0.0..=1.0).contains(&value));
        }
    }
}

#[test]
fn the_catalogue_names_every_measure_once() {
    for method in methods() {
        assert_eq!(method.measure.method(), method);
        assert_eq!(method.name.parse(), Ok(method.measure));
        assert_eq!(method.id.parse(), Ok(method.measure));
        assert!(method.id.starts_with(&format!("{}/", method.name)));
    }
    let mut neighbours = methods().zip(methods().skip(1));
    assert!(neighbours.all(|(a, b)| a.measure < b.measure && a.name < b.name));
    let error = "import-shares".parse::<Measure>().unwrap_err();
    assert_eq!(error.to_string(), "unknown measure `import-shares`: did you mean import-share?");
    assert_eq!(
        "import-share/9".parse::<Measure>().unwrap_err().suggestion.as_deref(),
        Some("import-share/1")
    );
}
