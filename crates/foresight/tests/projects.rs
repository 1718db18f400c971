//! Projects: what is certain adds up, draws are the same wherever they are made, and curves are in order.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed assumption fails the test"
)]

use std::collections::BTreeMap;
use std::thread;

use orewatch_catalog::{Basis, Stage};
use orewatch_foresight::{
    BadDemand, BadSupplyPlan, Curve, Delay, DemandKind, DemandRow, Hazards, MAX_DRAWS, Offtake, Project,
    ProjectStatus, Prospects, SupplyFigure, SupplyOutlook, SupplyPlan, SupplySetup, demand_path,
    reference_moves,
};
use orewatch_measures::TargetLine;
use proptest::prelude::*;

fn project(id: &str, economy: &str, capacity_kt: f64, window: (f64, f64), status: ProjectStatus) -> Project {
    Project {
        id: id.to_owned(),
        economy: economy.to_owned(),
        material: "rare-earths".to_owned(),
        stage: Stage::Refined,
        capacity_kt,
        basis: Basis::RareEarthOxide,
        start_from: window.0,
        start_to: window.1,
        status,
        owners: vec![economy.to_owned()],
        offtakes: vec![Offtake { economy: "JPN".to_owned(), share: 0.5 }],
        source: "made up for a test".to_owned(),
        announced: None,
    }
}

/// What a setup refers to.
struct Table {
    today: Vec<(String, f64)>,
    projects: Vec<Project>,
    own: BTreeMap<String, f64>,
}

impl Table {
    fn new(projects: Vec<Project>) -> Self {
        let today = [("CHN", 80.0), ("MYS", 10.0)].map(|(economy, kt)| (economy.to_owned(), kt)).to_vec();
        Self { today, projects, own: BTreeMap::new() }
    }

    fn setup(&self, prospects: Prospects) -> SupplySetup<'_> {
        SupplySetup {
            material: "rare-earths",
            stage: Stage::Refined,
            basis: Basis::RareEarthOxide,
            as_of: 2025,
            years: 2025..2042,
            today: &self.today,
            projects: &self.projects,
            prospects,
            own: &self.own,
            delay: Delay::NONE,
            ramp_years: 2.0,
            utilisation: 1.0,
            seed: 2026,
        }
    }
}

fn some_projects() -> Vec<Project> {
    use ProjectStatus::{Announced, Cancelled, Committed, Feasibility, Operating, Suspended};
    vec![
        project("kalgoorlie", "AUS", 9.0, (2026.0, 2026.0), Committed),
        project("eneabba", "AUS", 4.5, (2027.0, 2028.0), Committed),
        project("caremag", "FRA", 3.0, (2027.0, 2030.0), Announced),
        project("saskatoon", "CAN", 1.5, (2028.0, 2028.0), Feasibility),
        project("running", "MYS", 5.0, (2020.0, 2020.0), Operating),
        project("stopped", "USA", 5.0, (2027.0, 2027.0), Suspended),
        project("given-up", "USA", 5.0, (2027.0, 2027.0), Cancelled),
    ]
}

fn hazards() -> Prospects {
    Prospects::Hazards(Hazards::new(0.041, 0.33).unwrap())
}

/// All draws of a plan.
fn draws(plan: &SupplyPlan, draws: std::ops::Range<u32>) -> Vec<Vec<f64>> {
    let mut all = Vec::new();
    plan.run(draws, |_, table| all.push(table.to_vec()));
    all
}

fn supply(plan: &SupplyPlan, table: &[f64], economy: &str, year: i16) -> f64 {
    let years = plan.years().count();
    let place = plan.economies().iter().position(|code| code == economy).unwrap();
    table[place * years + usize::try_from(year - 2025).unwrap()]
}

fn ramp(year: f64, start: f64) -> f64 {
    ((year - start) / 2.0).clamp(0.0, 1.0)
}

#[test]
fn with_everything_certain_supply_is_the_sum() {
    let mut table = Table::new(some_projects());
    // Without windows nothing is left to chance.
    table.projects.iter_mut().for_each(|project| project.start_to = project.start_from);
    let plan = SupplyPlan::new(&table.setup(Prospects::Fixed(1.0)), Curve::Expected).unwrap();
    for drawn in draws(&plan, 0..50) {
        for year in 2025..2042_i16 {
            let of = |economy| supply(&plan, &drawn, economy, year);
            let at = f64::from(year);
            let australia = 9.0 * ramp(at, 2026.0) + 4.5 * ramp(at, 2027.0);
            assert!((of("AUS") - australia).abs() < 1e-9, "{year}: {}", of("AUS"));
            assert!((of("FRA") - 3.0 * ramp(at, 2027.0)).abs() < 1e-9);
            assert!((of("CAN") - 1.5 * ramp(at, 2028.0)).abs() < 1e-9);
            assert!((of("CHN") - 80.0).abs() < 1e-9 && (of("MYS") - 10.0).abs() < 1e-9);
            assert!(of("USA").abs() < 1e-9, "what has stopped or was given up adds nothing");
        }
    }
}

#[test]
fn with_nothing_built_supply_stays_what_it_is() {
    let table = Table::new(some_projects());
    for prospects in [Prospects::Fixed(0.0), Prospects::Hazards(Hazards::new(0.0, 0.0).unwrap())] {
        let plan = SupplyPlan::new(&table.setup(prospects), Curve::Expected).unwrap();
        for drawn in draws(&plan, 0..50) {
            let total: f64 = drawn.iter().sum();
            assert!((total - 90.0 * 17.0).abs() < 1e-9, "{total}");
        }
    }
}

#[test]
fn draws_are_the_same_on_any_number_of_threads() {
    let table = Table::new(some_projects());
    let mut setup = table.setup(hazards());
    setup.delay = Delay { share: 0.6, least: 0.5, most: 3.0 };
    let plan = SupplyPlan::new(&setup, Curve::Expected).unwrap();
    let alone = draws(&plan, 0..1_000);
    for threads in [1_u32, 2, 8] {
        let size = 1_000 / threads;
        let plan = &plan;
        let parts = thread::scope(|scope| {
            let spawn = |place| scope.spawn(move || draws(plan, place * size..(place + 1) * size));
            let handles: Vec<_> = (0..threads).map(spawn).collect();
            handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(alone == parts, "{threads} threads give other bits");
    }
}

#[test]
fn a_project_that_is_added_moves_only_its_own_draws() {
    let before = Table::new(some_projects());
    let mut after = Table::new(some_projects());
    after.projects.insert(1, project("added", "ZAF", 7.0, (2026.0, 2031.0), ProjectStatus::Permitted));
    let plans =
        [&before, &after].map(|table| SupplyPlan::new(&table.setup(hazards()), Curve::Expected).unwrap());
    let [old, new] = [&plans[0], &plans[1]].map(|plan| draws(plan, 0..500));
    let mut differ = 0;
    for (old, new) in old.iter().zip(&new) {
        for economy in plans[0].economies() {
            for year in 2025..2042 {
                let [a, b] = [supply(&plans[0], old, economy, year), supply(&plans[1], new, economy, year)];
                assert_eq!(a.to_bits(), b.to_bits(), "{economy} in {year}");
            }
        }
        differ += usize::from(supply(&plans[1], new, "ZAF", 2041) > 0.0);
    }
    assert!(differ > 50 && differ < 450, "{differ}: the added project is built in some draws");
}

#[test]
fn hazards_decide_when_projects_are_built() {
    let hazards = Hazards::new(0.041, 0.33).unwrap();
    let share = |committed: bool, status| {
        let mut table = Table::new(vec![project("one", "AUS", 1.0, (2020.0, 2020.0), status)]);
        table.today.clear();
        let mut setup = table.setup(Prospects::Hazards(hazards));
        setup.ramp_years = 0.5;
        let plan = SupplyPlan::new(&setup, Curve::Expected).unwrap();
        let built =
            draws(&plan, 0..20_000).iter().filter(|drawn| supply(&plan, drawn, "AUS", 2031) > 0.5).count();
        (f64::from(u32::try_from(built).unwrap()) / 20_000.0, hazards.built_within(committed, 5)[5])
    };
    for (committed, status) in [(true, ProjectStatus::Committed), (false, ProjectStatus::Feasibility)] {
        // Built by the end of 2030, at full output in 2031.
        let (drawn, expected) = share(committed, status);
        assert!((drawn - expected).abs() < 0.015, "{status}: {drawn} {expected}");
    }
    let [commit, complete] = reference_moves();
    assert!((commit.yearly() - 14.0 / 348.0).abs() < 1e-12 && (complete.yearly() - 1.0 / 3.0).abs() < 1e-12);
    assert!(commit.source.contains("https://") && commit.to == "committed");
    assert!(Hazards::reference().built_within(true, 5)[5] > 0.85);
    assert!(Hazards::new(0.1, 1.5).unwrap_err().to_string().contains("from 0 to 1"));
}

/// The one line of an answer: history is elsewhere, this is what tonnes say.
#[test]
fn an_outlook_of_supply_has_curves_in_order_and_names_what_moves_it() {
    let table = Table::new(some_projects());
    let setup = table.setup(hazards());
    let target = TargetLine { at: 0.84, at_most: true };
    let figure = SupplyFigure::Share { economy: "CHN" };
    let outlooks = Curve::ALL.map(|curve| {
        let plan = SupplyPlan::new(&setup, curve).unwrap();
        SupplyOutlook::new(&plan, 4_000, &figure, &target, 2030).unwrap()
    });
    let in_2030 = outlooks.each_ref().map(|outlook| outlook.years[5].probability);
    assert!(in_2030[0] <= in_2030[1] && in_2030[1] <= in_2030[2], "{in_2030:?}");
    assert!((in_2030[2] - 1.0).abs() < 1e-9, "all that is announced is enough");
    assert!(outlooks[1].never < outlooks[0].never + 1e-9);
    let strongest = &outlooks[1].drivers[0];
    assert!(strongest.project == "kalgoorlie" && strongest.effect > 0.3, "{:?}", outlooks[1].drivers);
    assert!(strongest.running > 0.5 && outlooks[1].drivers.len() <= 5);
    let today = outlooks[1].years[0].distribution.median();
    assert!((today - 80.0 / 90.0).abs() < 1e-9, "nothing is built in the first year");

    let demand = [40.0; 17];
    let floor = SupplyFigure::Floor { economy: "CHN", demand: &demand, claims: 2.0 };
    let plan = SupplyPlan::new(&setup, Curve::Announced).unwrap();
    let outlook = SupplyOutlook::new(&plan, 100, &floor, &target, 2041).unwrap();
    // 10 t today and 18 t of projects, less 2 t that others take, for a demand of 40.
    assert!((outlook.years[16].distribution.median() - (1.0 - 26.0 / 40.0)).abs() < 1e-9);
    assert_eq!(SupplyOutlook::new(&plan, 100, &floor, &target, 2050), None, "the year is not in the plan");
    let short = SupplyFigure::Floor { economy: "CHN", demand: &demand[..3], claims: 0.0 };
    assert_eq!(SupplyOutlook::new(&plan, 100, &short, &target, 2041), None);
    assert_eq!(SupplyOutlook::new(&plan, 0, &floor, &target, 2041), None);
    assert_eq!(MAX_DRAWS, 1_000_000);
}

#[test]
fn own_probabilities_replace_the_prospects() {
    let mut table = Table::new(some_projects());
    table.own = BTreeMap::from([("caremag".to_owned(), 1.0), ("kalgoorlie".to_owned(), 0.0)]);
    let plan = SupplyPlan::new(&table.setup(hazards()), Curve::Expected).unwrap();
    for drawn in draws(&plan, 0..100) {
        assert!((supply(&plan, &drawn, "FRA", 2032) - 3.0).abs() < 1e-9);
        assert!(supply(&plan, &drawn, "AUS", 2041) <= 4.5 + 1e-9);
    }
    assert_eq!(plan.projects().collect::<Vec<_>>(), ["caremag", "eneabba", "kalgoorlie", "saskatoon"]);
}

#[test]
fn bad_projects_are_refused_by_name() {
    let refuse = |change: fn(&mut Project)| {
        let mut table = Table::new(some_projects());
        change(&mut table.projects[2]);
        SupplyPlan::new(&table.setup(hazards()), Curve::Expected).unwrap_err().to_string()
    };
    let cases: [(fn(&mut Project), &str); 9] = [
        (|project| project.capacity_kt = 0.0, "project caremag: capacity is 0: give its yearly output"),
        (|project| project.capacity_kt = f64::NAN, "project caremag: capacity is NaN"),
        (|project| project.start_to = 2026.0, "the latest start 2026 is before the earliest 2027"),
        (|project| project.start_from = 20270.0, "give years from 1900 to 2100"),
        (|project| project.basis = Basis::Content, "capacity is in content, supply in rare-earth-oxide"),
        (|project| project.offtakes[0].share = 1.5, "1.5 of the output is promised to JPN"),
        (|project| project.source.clear(), "no source is given"),
        (|project| project.id = "saskatoon".to_owned(), "project saskatoon: it occurs twice"),
        (|project| project.stage = Stage::Mined, "it is rare-earths mined"),
    ];
    for (change, expected) in cases {
        let error = refuse(change);
        assert!(error.contains(expected), "{error}");
    }
    let two = |project: &mut Project| {
        project.offtakes = ["JPN", "DEU"].map(|e| Offtake { economy: e.to_owned(), share: 0.7 }).to_vec();
    };
    assert!(refuse(two).contains("may add up to 1 at most"));
    assert!("maybe".parse::<ProjectStatus>().unwrap_err().to_string().contains("unknown status `maybe`"));
    for status in ProjectStatus::ALL {
        assert_eq!(status.as_str().parse(), Ok(status));
    }
}

#[test]
fn bad_parameters_are_refused() {
    let table = Table::new(some_projects());
    let refuse = |change: fn(&mut SupplySetup<'_>)| {
        let mut setup = table.setup(hazards());
        change(&mut setup);
        SupplyPlan::new(&setup, Curve::Expected).unwrap_err()
    };
    assert!(matches!(refuse(|setup| setup.years = 2030..2030), BadSupplyPlan::Years { .. }));
    assert!(matches!(refuse(|setup| setup.years = 2025..2200), BadSupplyPlan::Years { .. }));
    assert!(matches!(refuse(|setup| setup.as_of = 2030), BadSupplyPlan::Years { .. }));
    assert!(matches!(refuse(|setup| setup.utilisation = 1.2), BadSupplyPlan::Parameter { .. }));
    assert!(matches!(refuse(|setup| setup.ramp_years = 0.0), BadSupplyPlan::Parameter { .. }));
    assert!(matches!(
        refuse(|setup| setup.prospects = Prospects::Fixed(-0.1)),
        BadSupplyPlan::Parameter { .. }
    ));
    let late = |setup: &mut SupplySetup<'_>| setup.delay = Delay { share: 0.5, least: 3.0, most: 1.0 };
    assert!(matches!(refuse(late), BadSupplyPlan::Parameter { .. }));
}

#[test]
fn demand_is_interpolated_and_never_continued() {
    let row = |year, scenario: &str, quantity_kt, kind| DemandRow {
        year,
        consumer: "WLD".to_owned(),
        material: "rare-earths".to_owned(),
        stage: Stage::Refined,
        scenario: scenario.to_owned(),
        quantity_kt,
        basis: Basis::Content,
        kind,
    };
    let mut rows = vec![
        row(2024, "", 90.0, DemandKind::Observed),
        row(2030, "steps", 120.0, DemandKind::Projected),
        row(2030, "nze", 150.0, DemandKind::Projected),
    ];
    assert_eq!(demand_path(&rows, "steps", 2024..=2027), Ok(vec![90.0, 95.0, 100.0, 105.0]));
    assert_eq!(demand_path(&rows, "steps", 2030..=2031), Err(BadDemand::Year { year: 2031 }));
    let unknown = demand_path(&rows, "aps", 2024..=2025).unwrap_err().to_string();
    assert!(unknown.contains("unknown scenario `aps`") && unknown.contains("nze, steps"), "{unknown}");
    rows[2].scenario = "steps".to_owned();
    rows[2].basis = Basis::RareEarthOxide;
    assert!(matches!(demand_path(&rows, "steps", 2024..=2025), Err(BadDemand::Bases { .. })));
    rows[2].basis = Basis::Content;
    rows[2].quantity_kt = -1.0;
    assert!(matches!(demand_path(&rows, "steps", 2024..=2025), Err(BadDemand::Quantity { .. })));
}

fn any_projects() -> impl Strategy<Value = Vec<Project>> {
    let status = prop_oneof![
        Just(ProjectStatus::Committed),
        Just(ProjectStatus::Announced),
        Just(ProjectStatus::Feasibility),
        Just(ProjectStatus::Suspended),
    ];
    let one = (0.1..50.0, 2015.0..2045.0, 0.0..8.0, status, 0_usize..3);
    prop::collection::vec(one, 0..12).prop_map(|all| {
        let project =
            |(place, (capacity, from, window, status, economy)): (usize, (f64, f64, f64, _, usize))| {
                let economy = ["AUS", "CHN", "USA"][economy];
                project(&format!("p{place}"), economy, capacity, (from, from + window), status)
            };
        all.into_iter().enumerate().map(project).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// In every draw there is at least as much supply the more is believed.
    #[test]
    fn supply_rises_with_belief(
        projects in any_projects(), p in 0.0..=1.0, more in 0.0..=1.0, share in 0.0..=1.0, most in 0.0..5.0,
    ) {
        let table = Table::new(projects);
        let plans = |prospects, curve| {
            let delay = Delay { share, least: 0.0, most };
            SupplyPlan::new(&SupplySetup { delay, ..table.setup(prospects) }, curve).unwrap()
        };
        let [low, high] = [f64::min(p, more), f64::max(p, more)].map(Prospects::Fixed);
        let order = [
            plans(low, Curve::Committed),
            plans(low, Curve::Expected),
            plans(high, Curve::Expected),
            plans(high, Curve::Announced),
        ]
        .map(|plan| draws(&plan, 0..40));
        for pair in order.windows(2) {
            for (less, more) in pair[0].iter().flatten().zip(pair[1].iter().flatten()) {
                prop_assert!(less <= &(more + 1e-9), "{} {}", less, more);
            }
        }
    }

    /// The curve of a draw is that of its projects, each by the formula.
    #[test]
    fn curves_follow_the_formula(projects in any_projects(), ramp_years in 0.2..5.0) {
        let mut table = Table::new(projects);
        table.projects.iter_mut().for_each(|project| project.start_to = project.start_from);
        let setup = SupplySetup { ramp_years, ..table.setup(Prospects::Fixed(1.0)) };
        let plan = SupplyPlan::new(&setup, Curve::Announced).unwrap();
        let drawn = &draws(&plan, 3..4)[0];
        for economy in ["AUS", "USA"].into_iter().filter(|code| plan.economies().iter().any(|e| e == code)) {
            for year in 2025..2042_i16 {
                let own = table.projects.iter().filter(|project| project.economy == economy);
                let expected: f64 = own
                    .filter(|project| project.status.may_add())
                    .map(|project| {
                        let part = (f64::from(year) - project.start_from) / ramp_years;
                        project.capacity_kt * part.clamp(0.0, 1.0)
                    })
                    .sum();
                let ours = supply(&plan, drawn, economy, year);
                // Times are rounded to ticks of 2^-16 years.
                prop_assert!((ours - expected).abs() < 0.02 * (1.0 + expected), "{} {}", ours, expected);
            }
        }
    }
}
