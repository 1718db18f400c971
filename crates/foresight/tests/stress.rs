//! Stress: the published toy of the cascade, and what is conserved.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed assumption fails the test"
)]

use std::time::Instant;

use orewatch_catalog::{Stage, material};
use orewatch_foresight::{
    BadStressScenario, CascadeStart, Cut, LIBRARY_MONTHS, LIBRARY_SHARES, RankedLoss, StageMarket,
    StressChain, StressResponse, StressScenario, TradeLink, cascade, months_of_cover, rank_losses,
    recent_controls, scenario_library,
};
use proptest::prelude::*;

fn link(from: usize, to: usize, tonnes: f64) -> TradeLink {
    TradeLink { from, to, tonnes, frozen: false }
}

fn is_near(ours: &[f64], expected: &[f64]) -> bool {
    ours.len() == expected.len() && ours.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12)
}

/// Marchand and others 2016: A makes 100 and B 10; A sells 60 to B and 20 to C, B sells 15 to C; A loses 50.
#[test]
fn the_published_toy_is_exact() {
    let links = [link(0, 1, 60.0), link(0, 2, 20.0), link(1, 2, 15.0)];
    let toy = |absorbed: f64| {
        cascade(&CascadeStart {
            output: &[100.0, 10.0, 0.0],
            stocks: &[5.0, 0.0, 2.0],
            links: &links,
            losses: &[50.0, 0.0, 0.0],
            absorbed,
            closed: &[],
        })
    };
    let whole = toy(0.0);
    assert!(is_near(&whole.from_stocks, &[5.0, 0.0, 2.0]), "{whole:?}");
    assert!(is_near(&whole.short, &[0.0, 18.75, 24.25]), "{whole:?}");
    let half = toy(0.5);
    assert!(is_near(&half.from_stocks, &[5.0, 0.0, 2.0]), "{half:?}");
    assert!(is_near(&half.short, &[22.5, 8.4375, 12.0625]), "{half:?}");
    assert_eq!((whole.steps, half.steps), (3, 3));
    assert_eq!((whole.left, half.left), (0.0, 0.0));
}

const RESPONSE: StressResponse = StressResponse { absorbed: 0.0, stocks: true, spare: true };

/// Two stages of three economies: CHN mines and refines most, AUS mines, JPN only uses.
fn chain() -> StressChain {
    let stage = |stage, output: [f64; 3], flows: &[(usize, usize, f64)]| StageMarket {
        stage,
        output: output.to_vec(),
        stocks: vec![0.0; 3],
        spare: vec![0.0; 3],
        flows: flows.to_vec(),
        substitutable: 0.0,
    };
    StressChain {
        material: "rare-earths".to_owned(),
        economies: ["AUS", "CHN", "JPN"].map(str::to_owned).to_vec(),
        stages: vec![
            stage(Stage::Mined, [40.0, 60.0, 0.0], &[(0, 1, 40.0)]),
            stage(Stage::Refined, [0.0, 90.0, 0.0], &[(1, 2, 30.0)]),
        ],
    }
}

fn scenario(cuts: Vec<Cut>, share: f64, months: f64) -> StressScenario {
    StressScenario {
        id: "test".to_owned(),
        material: "rare-earths".to_owned(),
        cuts,
        share,
        months,
        probability: None,
    }
}

fn exports(stage: Stage, economy: &str) -> Cut {
    Cut::Exports { stage, economy: economy.to_owned() }
}

#[test]
fn a_control_on_exports_leaves_users_abroad_short_and_the_exporter_with_the_rest() {
    let control = scenario(vec![exports(Stage::Refined, "CHN")], 0.5, 6.0);
    let outcomes = chain().apply(&control, &RESPONSE).unwrap();
    let refined = &outcomes[1];
    // Half of 30 t a year, for half a year.
    assert!((refined.lost - 7.5).abs() < 1e-9 && (refined.idle - 7.5).abs() < 1e-9);
    let japan = refined.economies[2];
    assert!((japan.short - 7.5).abs() < 1e-9 && (japan.short_share().unwrap() - 0.5).abs() < 1e-9);
    assert!(refined.economies[1].short.abs() < 1e-9);
    assert!(outcomes[0].lost.abs() < 1e-9, "the mines are not touched");
}

#[test]
fn a_loss_of_ore_is_passed_on_to_what_is_made_of_it() {
    // China's refineries use 100 t of ore, of which 40 t come from Australia.
    let stop = scenario(vec![exports(Stage::Mined, "AUS")], 1.0, 12.0);
    let outcomes = chain().apply(&stop, &RESPONSE).unwrap();
    let (mined, refined) = (&outcomes[0], &outcomes[1]);
    assert!((mined.economies[1].short_share().unwrap() - 0.4).abs() < 1e-9);
    assert!((refined.lost - 36.0).abs() < 1e-9, "40 % of the output of 90 t");
    assert!((refined.economies[1].short + refined.economies[2].short - 36.0).abs() < 1e-9);
    // It cuts its exports before its own use, as the model says.
    assert!((refined.economies[2].short - 30.0).abs() < 1e-9, "{refined:?}");
}

#[test]
fn stocks_spare_capacity_and_substitutes_come_in_this_order() {
    let mut chain = chain();
    let refined = &mut chain.stages[1];
    refined.stocks[2] = 10.0;
    refined.spare[0] = 8.0;
    refined.spare[1] = 100.0;
    refined.substitutable = 0.1;
    let stop = scenario(vec![exports(Stage::Refined, "CHN")], 1.0, 12.0);
    let japan = chain.apply(&stop, &RESPONSE).unwrap()[1].economies[2];
    // 30 t are lost: 10 come from stocks, 8 from Australia's spare capacity (China may not export its own),
    // and 3 are replaced.
    let parts = [japan.from_stocks, japan.from_spare, japan.substituted, japan.short];
    assert!(is_near(&parts, &[10.0, 8.0, 3.0, 9.0]), "{japan:?}");
    let bare = StressResponse { absorbed: 0.0, stocks: false, spare: false };
    let japan = chain.apply(&stop, &bare).unwrap()[1].economies[2];
    assert!(is_near(&[japan.substituted, japan.short, japan.lost()], &[3.0, 27.0, 30.0]), "{japan:?}");
}

#[test]
fn invalid_scenarios_are_refused_by_name() {
    let china = || vec![exports(Stage::Refined, "CHN")];
    let apply = |scenario: &StressScenario| chain().apply(scenario, &RESPONSE).unwrap_err();
    for wrong in [
        scenario(china(), 0.0, 6.0),
        scenario(china(), 1.5, 6.0),
        scenario(china(), 0.5, 0.0),
        scenario(china(), 0.5, f64::NAN),
        StressScenario { probability: Some(1.2), ..scenario(china(), 0.5, 6.0) },
    ] {
        assert!(matches!(apply(&wrong), BadStressScenario::Number { .. }), "{wrong:?}");
    }
    assert!(matches!(apply(&scenario(vec![], 0.5, 6.0)), BadStressScenario::Nothing { .. }));
    let unknown = apply(&scenario(vec![exports(Stage::Refined, "ZZZ")], 0.5, 6.0));
    assert_eq!(unknown.to_string(), "scenario test: no figures of ZZZ are held for this material");
    let stage = apply(&scenario(vec![Cut::Trade { stage: Stage::Manufactured }], 0.5, 6.0));
    assert!(stage.to_string().contains("manufactured"));
    assert_eq!(months_of_cover(10.0, 60.0), Some(2.0));
}

#[test]
fn the_controls_of_the_last_years_are_cases_with_sources() {
    assert_eq!(recent_controls().len(), 4);
    for control in recent_controls() {
        assert!(control.materials.iter().all(|id| material(id).is_ok()), "{}", control.id);
        assert!(control.source.contains("https://") && control.in_force.len() == 10, "{}", control.id);
        assert!(control.economy == "CHN" && !control.title.is_empty());
    }
}

#[test]
fn losses_are_ranked_with_and_without_probabilities() {
    let loss =
        |scenario: &str, loss, probability| RankedLoss { scenario: scenario.to_owned(), loss, probability };
    let ranking = rank_losses(vec![
        loss("rare", 9.0, Some(0.01)),
        loss("often", 2.0, Some(0.5)),
        loss("unknown", 5.0, None),
    ]);
    let names = |losses: &[RankedLoss]| losses.iter().map(|loss| loss.scenario.clone()).collect::<Vec<_>>();
    assert_eq!(names(&ranking.conditional), ["rare", "unknown", "often"]);
    assert_eq!(names(&ranking.weighted), ["often", "rare"]);
    assert!((ranking.weighted_sum - 1.09).abs() < 1e-12);
}

/// A world of many economies, each selling to some others.
fn world(material: &str, seed: usize, economies: usize) -> StressChain {
    let number = |place: usize| f64::from(u32::try_from((place * 7919 + seed * 104_729) % 1000).unwrap());
    let stage = |stage, shift: usize| {
        let mut flows = Vec::new();
        for from in 0..economies {
            for step in 1..=25 {
                let to = (from + step * 7 + shift) % economies;
                flows.push((from, to, number(from * 31 + step + shift) / 40.0));
            }
        }
        StageMarket {
            stage,
            output: (0..economies).map(|place| 700.0 + number(place + shift)).collect(),
            stocks: (0..economies).map(|place| number(place) / 10.0).collect(),
            spare: (0..economies).map(|place| number(place + 3) / 20.0).collect(),
            flows,
            substitutable: 0.05,
        }
    };
    StressChain {
        material: material.to_owned(),
        economies: (0..economies).map(|place| format!("E{place:02}")).collect(),
        stages: vec![stage(Stage::Mined, 0), stage(Stage::Refined, 3)],
    }
}

/// 1,320 scenarios over all consumers take well below 5 s; the limit has room for slow machines.
#[test]
fn the_library_has_over_a_thousand_scenarios_and_is_applied_in_seconds() {
    let chains: Vec<StressChain> = (0..11).map(|place| world(&format!("m{place}"), place, 200)).collect();
    let library = scenario_library(&chains);
    assert_eq!(library.len(), 11 * 2 * 5 * 2 * LIBRARY_SHARES.len() * LIBRARY_MONTHS.len());
    assert!(library.len() >= 1_200);
    let begun = Instant::now();
    for scenario in &library {
        let chain = chains.iter().find(|chain| chain.material == scenario.material).unwrap();
        let outcomes = chain.apply(scenario, &RESPONSE).unwrap();
        assert_conserved(&outcomes);
    }
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    let ids: std::collections::BTreeSet<_> = library.iter().map(|scenario| &scenario.id).collect();
    assert_eq!(ids.len(), library.len(), "every scenario has an identifier of its own");
}

fn assert_conserved(outcomes: &[orewatch_foresight::StageOutcome]) {
    for outcome in outcomes {
        let answered: f64 = outcome.economies.iter().map(|economy| economy.lost()).sum();
        assert!(
            (answered - outcome.lost).abs() <= 1e-6 * (1.0 + outcome.lost),
            "{answered} {}",
            outcome.lost
        );
        for economy in &outcome.economies {
            let parts = [economy.from_stocks, economy.from_spare, economy.substituted, economy.short];
            assert!(parts.iter().all(|part| *part >= -1e-9), "{economy:?}");
        }
    }
}

/// Output, stocks and losses by economy, and flows that no economy exports more of than it has.
fn network() -> impl Strategy<Value = (Vec<f64>, Vec<f64>, Vec<f64>, Vec<TradeLink>)> {
    (2_usize..7).prop_flat_map(|count| {
        let amounts = || prop::collection::vec(0.0..100.0, count);
        let parts = prop::collection::vec(0.0..1.0, count);
        let flows = prop::collection::vec(prop_oneof![Just(0.0), 0.0..1.0], count * count);
        (amounts(), amounts(), parts, flows).prop_map(move |(output, stocks, parts, flows)| {
            let losses: Vec<f64> = output.iter().zip(parts).map(|(output, part)| output * part).collect();
            let share = f64::from(u32::try_from(count).unwrap());
            let links = flows.iter().enumerate().map(|(place, part)| {
                let (from, to) = (place / count, place % count);
                link(from, to, part * output[from] / share)
            });
            let links = links.filter(|link| link.from != link.to).collect();
            (output, stocks, losses, links)
        })
    })
}

proptest! {
    /// What stocks and use lose is what was lost, in all and for each economy.
    #[test]
    fn nothing_is_lost_on_the_way((output, stocks, losses, links) in network(), absorbed in 0.0..=1.0) {
        let start = CascadeStart {
            output: &output, stocks: &stocks, links: &links, losses: &losses, absorbed, closed: &[],
        };
        let outcome = cascade(&start);
        let total: f64 = losses.iter().sum();
        let answered: f64 = outcome.from_stocks.iter().chain(&outcome.short).sum();
        prop_assert!((answered - total).abs() <= 1e-6 * (1.0 + total), "{} {}", answered, total);
        for place in 0..output.len() {
            let trade: f64 = links.iter().zip(&outcome.changes).map(|(link, change)| {
                if link.to == place { *change } else if link.from == place { -change } else { 0.0 }
            }).sum();
            let answered = outcome.from_stocks[place] + outcome.short[place];
            let room = 1e-6 * (1.0 + total) + outcome.left;
            prop_assert!((losses[place] - trade - answered).abs() <= room, "{} {:?}", place, outcome);
            prop_assert!(outcome.from_stocks[place] <= stocks[place] + 1e-9 && outcome.short[place] >= -1e-9);
        }
        for (link, change) in links.iter().zip(&outcome.changes) {
            prop_assert!(link.tonnes + change >= -1e-6, "a flow cannot be negative");
        }
    }

    #[test]
    fn every_tonne_of_a_scenario_is_accounted_for(
        share in 0.01..=1.0, months in 1.0..24.0, absorbed in 0.0..=1.0, place in 0_usize..20, kind in 0..4,
        seed in 0_usize..50,
    ) {
        let chain = world("m", seed, 20);
        let economy = format!("E{place:02}");
        let cut = match kind {
            0 => exports(Stage::Mined, &economy),
            1 => Cut::Output { stage: Stage::Mined, economy },
            2 => Cut::Route { stage: Stage::Refined, from: economy, to: "E07".to_owned() },
            _ => Cut::Trade { stage: Stage::Refined },
        };
        let response = StressResponse { absorbed, ..RESPONSE };
        let outcomes = chain.apply(&scenario(vec![cut], share, months), &response).unwrap();
        assert_conserved(&outcomes);
    }

    /// A deeper cut never leaves less short in all.
    #[test]
    fn a_deeper_cut_is_no_better(share in 0.05..0.5, place in 0_usize..20, seed in 0_usize..50) {
        let chain = world("m", seed, 20);
        let short = |share: f64| -> f64 {
            let cut = Cut::Output { stage: Stage::Refined, economy: format!("E{place:02}") };
            let outcomes = chain.apply(&scenario(vec![cut], share, 12.0), &RESPONSE).unwrap();
            outcomes[1].economies.iter().map(|economy| economy.short).sum()
        };
        prop_assert!(short(2.0 * share) >= short(share) - 1e-6);
    }
}
