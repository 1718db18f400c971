//! Revisions of published figures: what the next edition of a dataset says of figures that an earlier one
//! gave.
//!
//! Editions are the visible releases of a dataset, in the order in which they became known. Releases with a
//! stated scope are extracts and no editions. A figure counts once, from the first edition that has it to the
//! next: figures of output by economy, and imports by importer and product code, so that a release with fewer
//! codes or reporters is not taken for a revision.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{DatasetKind, OTHER, Period, Stage, WORLD};
use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1 as wired;
use orewatch_contracts::exposure::v1::{DatasetRevision, Exposure, RevisionSize};
use orewatch_measures::{Firmness, RevisionBand, Weight, revision};
use orewatch_runtime::Stop;

use crate::book::{
    Book, Cell, DatasetId, EconomyId, Knowledge, Market, ReleaseContent, Reporter, StoredFlows,
};
use crate::request::material_id;
use crate::snapshot::unknown_dataset;
use crate::wire;

/// Upper bound on the revisions that a band lists.
const MAX_LARGEST: usize = 5;

/// Which bands are wanted. An empty set matches everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct WantedBands<'w> {
    pub(crate) datasets: BTreeSet<&'w str>,
    pub(crate) materials: BTreeSet<&'static str>,
    /// `None`: all stages.
    pub(crate) stage: Option<Stage>,
    /// Whether bands of totals of the world are wanted too.
    pub(crate) with_world: bool,
}

/// The revisions of the figures of one dataset about one material and stage.
#[derive(Clone, Debug)]
pub(crate) struct Band<'a> {
    dataset: &'a str,
    topic: Topic,
    by: Weight,
    /// Whether it is about totals of the world.
    is_world: bool,
    band: RevisionBand,
    /// The largest revisions, largest first.
    largest: Vec<Revised<'a>>,
}

/// Material and stage.
pub(crate) type Topic = (&'static str, Stage);

/// Whose figure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    World,
    Economy(EconomyId),
    /// The residual of a source.
    Others,
}

impl<'w> WantedBands<'w> {
    /// Reads a request.
    ///
    /// # Errors
    /// A dataset without any release, an unknown material.
    pub(crate) fn parse(book: &Book, request: &'w wired::ListRevisionsRequest) -> Result<Self, Failure> {
        let dataset = |name: &'w String| match book.dataset(name) {
            Some(_) => Ok(name.as_str()),
            None => Err(unknown_dataset(book, name, "datasets")),
        };
        Ok(Self {
            datasets: request.datasets.iter().map(dataset).collect::<Result<_, _>>()?,
            materials: request.materials.iter().map(|id| material_id(id)).collect::<Result<_, _>>()?,
            stage: None,
            with_world: true,
        })
    }
}

impl Whose {
    fn code(self) -> &'static str {
        match self {
            Self::World => WORLD,
            Self::Economy(economy) => economy.code(),
            Self::Others => OTHER,
        }
    }
}

/// What a figure is about within its market: whose it is, the list that its code follows (the revision of the
/// Harmonized System), and the code; for output the basis of its weights in place of the code.
type FigureId<'a> = (Whose, &'a str, &'a str);

/// Figures of one edition. `None`: some part of it is not known.
type EditionFigures<'a> = BTreeMap<FigureId<'a>, Option<f64>>;

/// A figure that two editions have.
#[derive(Clone, Copy, Debug)]
struct Revised<'a> {
    period: Period,
    whose: Whose,
    code: &'a str,
    revision: f64,
    old: (f64, &'a ReleaseContent),
    new: (f64, &'a ReleaseContent),
}

/// Bands of all datasets that have several editions, sorted by dataset, material, stage and weight, those of
/// the figures of economies before those of the world.
///
/// # Errors
/// The request was stopped.
pub(crate) fn bands<'a>(
    book: &'a Book,
    at: Knowledge,
    wanted: &WantedBands<'_>,
    stop: &Stop,
) -> Result<Vec<Band<'a>>, Failure> {
    let mut all = Vec::new();
    for (dataset, editions) in editions(book, at, wanted) {
        let kind = Some(book.dataset_kind(dataset, at));
        for (topic, markets) in revised_markets(&editions, wanted) {
            let mut found = BTreeMap::<(Weight, bool), Vec<Revised<'a>>>::new();
            for market in markets {
                stop.check()?;
                add_market(&mut found, &editions, market, kind.filter(|_| wanted.with_world));
            }
            let dataset = book.dataset_name(dataset);
            all.extend(found.into_iter().filter_map(|(key, found)| Band::new(dataset, topic, key, found)));
        }
    }
    all.sort_by(|a, b| a.key().cmp(&b.key()));
    Ok(all)
}

/// The editions of each dataset that has several, the oldest first.
fn editions<'a>(
    book: &'a Book,
    at: Knowledge,
    wanted: &WantedBands<'_>,
) -> BTreeMap<DatasetId, Vec<&'a ReleaseContent>> {
    let mut editions = BTreeMap::<_, Vec<_>>::new();
    for release in book.releases().iter().filter(|release| release.is_visible(at)) {
        let content = release.content_at(at);
        let is_wanted = wanted.datasets.is_empty() || wanted.datasets.contains(&*content.release.dataset);
        if is_wanted && content.release.scope.is_none() {
            editions.entry(release.dataset).or_default().push(content);
        }
    }
    editions.retain(|_, editions| editions.len() > 1);
    editions
}

/// Markets of which several editions have rows, by material and stage.
fn revised_markets(
    editions: &[&ReleaseContent],
    wanted: &WantedBands<'_>,
) -> BTreeMap<Topic, BTreeSet<Market>> {
    let (mut seen, mut revised) = (BTreeSet::new(), BTreeMap::<_, BTreeSet<_>>::new());
    let is_wanted = |market: &&Market| {
        (wanted.materials.is_empty() || wanted.materials.contains(market.material))
            && wanted.stage.is_none_or(|stage| stage == market.stage)
    };
    for content in editions {
        let own: BTreeSet<_> = content.flows.keys().chain(content.output.keys()).filter(is_wanted).collect();
        for market in own.into_iter().copied() {
            if !seen.insert(market) {
                revised.entry((market.material, market.stage)).or_default().insert(market);
            }
        }
    }
    revised
}

/// Adds the revisions of a market, by weight; `true`: of totals of the world. `kind` decides which totals
/// there are; `None`: none is wanted.
fn add_market<'a>(
    found: &mut BTreeMap<(Weight, bool), Vec<Revised<'a>>>,
    editions: &[&'a ReleaseContent],
    market: Market,
    kind: Option<DatasetKind>,
) {
    let has_output_total = kind.is_some_and(|kind| kind != DatasetKind::Supplement);
    let (mut by_quantity, mut by_value, mut output) = (Vec::new(), Vec::new(), Vec::new());
    for content in editions {
        if let Some(figures) = output_figures(content, market, has_output_total) {
            output.push((*content, figures));
        }
        if let Some(stored) = content.flows.market(&market) {
            // What economies declare has no total: another release is about other economies.
            let [quantity, value] = import_figures(content, stored, kind == Some(DatasetKind::Reconciled));
            by_quantity.push((*content, quantity));
            by_value.push((*content, value));
        }
    }
    let all = [(Weight::Quantity, output), (Weight::Quantity, by_quantity), (Weight::Value, by_value)];
    for (by, figures) in all {
        for revised in revisions(market.period, figures) {
            found.entry((by, revised.whose == Whose::World)).or_default().push(revised);
        }
    }
}

/// The revision of each figure from the first edition that has it to the next. Editions are given the oldest
/// first.
fn revisions<'a>(
    period: Period,
    editions: Vec<(&'a ReleaseContent, EditionFigures<'a>)>,
) -> Vec<Revised<'a>> {
    let mut first = BTreeMap::<FigureId<'a>, (f64, &'a ReleaseContent)>::new();
    let (mut settled, mut all) = (BTreeSet::new(), Vec::new());
    for (content, figures) in editions {
        for (id, figure) in figures {
            let Some(new) = figure.filter(|_| !settled.contains(&id)) else { continue };
            let Some(old) = first.get(&id).copied() else {
                first.insert(id, (new, content));
                continue;
            };
            settled.insert(id);
            let (whose, _, code) = id;
            all.extend(revision(old.0, new).map(|revision| Revised {
                period,
                whose,
                code,
                revision,
                old,
                new: (new, content),
            }));
        }
    }
    all
}

/// Adds a part to the figure of an edition. With an unknown part it is unknown.
fn add<'a>(figures: &mut EditionFigures<'a>, id: FigureId<'a>, part: Cell) {
    let sum = figures.entry(id).or_insert(Some(0.0));
    *sum = sum.zip(part.known()).map(|(sum, part)| sum + part);
}

/// The output of a market in an edition, by economy, and if wanted that of the world. `None`: it has none.
fn output_figures(content: &ReleaseContent, market: Market, with_total: bool) -> Option<EditionFigures<'_>> {
    let mut figures = EditionFigures::new();
    for row in content.output.rows(&market)? {
        let basis = content.text(row.product);
        let whose = row.economy.map_or(Whose::Others, Whose::Economy);
        add(&mut figures, (whose, "", basis), row.quantity);
        if with_total {
            add(&mut figures, (Whose::World, "", basis), row.quantity);
        }
    }
    Some(figures)
}

/// The imports of a market in an edition, by importer and product code, and if wanted those of the world: by
/// quantity and by value. What only exporters report is left out.
fn import_figures<'a>(
    content: &'a ReleaseContent,
    stored: &StoredFlows,
    with_total: bool,
) -> [EditionFigures<'a>; 2] {
    let mut figures = [EditionFigures::new(), EditionFigures::new()];
    let list = content.release.hs_revision.as_str();
    let mut add_row = |importer: EconomyId, product: u16, cells: [Cell; 2]| {
        let code = content.text(product);
        for (figures, cell) in figures.iter_mut().zip(cells) {
            add(figures, (Whose::Economy(importer), list, code), cell);
            if with_total {
                add(figures, (Whose::World, list, code), cell);
            }
        }
    };
    for row in stored.rows().iter().filter(|row| row.reporter != Reporter::Exporter) {
        add_row(row.importer, row.product, [row.quantity, row.value]);
    }
    for row in stored.residuals().iter().filter(|row| row.is_import && row.reporter != Reporter::Exporter) {
        add_row(row.economy, row.product, [row.quantity, row.value]);
    }
    figures
}

impl<'a> Band<'a> {
    /// `None`: there are no revisions.
    fn new(
        dataset: &'a str,
        topic: Topic,
        (by, is_world): (Weight, bool),
        mut found: Vec<Revised<'a>>,
    ) -> Option<Self> {
        let revisions = found.iter().map(|revised| revised.revision).collect();
        let band = RevisionBand::from_revisions(revisions)?;
        let id = |revised: &Revised<'a>| (revised.period, revised.whose, revised.code);
        found.sort_by(|a, b| b.revision.total_cmp(&a.revision).then_with(|| id(a).cmp(&id(b))));
        found.truncate(MAX_LARGEST);
        Some(Self { dataset, topic, by, is_world, band, largest: found })
    }

    fn key(&self) -> (&'a str, Topic, Weight, bool) {
        (self.dataset, self.topic, self.by, self.is_world)
    }

    /// The message of the band.
    pub(crate) fn message(&self) -> wired::RevisionBand {
        let (material, stage) = self.topic;
        let is_trade = self.largest.iter().any(|revised| revised.new.1.flows.keys().next().is_some());
        wired::RevisionBand {
            dataset: self.dataset.to_owned(),
            material: material.to_owned(),
            stage: stage.to_string(),
            economy: if self.is_world { WORLD.to_owned() } else { String::new() },
            figures: u32::try_from(self.band.figures).unwrap_or(u32::MAX),
            median: Some(self.band.median),
            p90: Some(self.band.p90),
            firmness: firmness(self.band.firmness()).into(),
            by: wire::weight(self.by).into(),
            largest: self.largest.iter().map(|revised| revised.message(is_trade)).collect(),
        }
    }
}

impl Revised<'_> {
    fn message(&self, is_trade: bool) -> wired::FigureRevision {
        wired::FigureRevision {
            period: self.period.to_string(),
            economy: self.whose.code().to_owned(),
            product: if is_trade { self.code.to_owned() } else { String::new() },
            old: self.old.0,
            new: self.new.0,
            old_release: self.old.1.release.id.clone(),
            new_release: self.new.1.release.id.clone(),
        }
    }
}

/// The message of a firmness.
fn firmness(firmness: Firmness) -> wired::Firmness {
    match firmness {
        Firmness::Firm => wired::Firmness::Firm,
        Firmness::Soft => wired::Firmness::Soft,
        Firmness::Weak => wired::Firmness::Weak,
    }
}

/// How firm the published figures of one material and stage are, by dataset. Bands are computed once for each
/// dataset, when they are needed.
pub(crate) struct KnownFirmness<'a> {
    book: &'a Book,
    at: Knowledge,
    topic: Topic,
    stop: &'a Stop,
    known: BTreeMap<String, Vec<(Weight, RevisionBand)>>,
}

impl<'a> KnownFirmness<'a> {
    pub(crate) fn new(book: &'a Book, at: Knowledge, topic: Topic, stop: &'a Stop) -> Self {
        Self { book, at, topic, stop, known: BTreeMap::new() }
    }

    /// Adds to an exposure how firm the figures of its datasets are: those of the least firm one.
    ///
    /// # Errors
    /// The request was stopped.
    pub(crate) fn add_to(&mut self, exposure: Exposure, by: Weight) -> Result<Exposure, Failure> {
        let mut least: Option<RevisionBand> = None;
        for dataset in &exposure.datasets {
            let found = self.band(dataset, by)?;
            let is_less = |band: &RevisionBand| least.is_none_or(|least| least.median < band.median);
            least = found.filter(is_less).or(least);
        }
        let Some(band) = least else { return Ok(exposure) };
        Ok(Exposure {
            firmness: firmness(band.firmness()).into(),
            revision: Some(band.median),
            revision_p90: Some(band.p90),
            ..exposure
        })
    }

    /// The band of a dataset by a weight; of output, which has tonnes only, by quantity. `None`: there is
    /// none.
    fn band(&mut self, dataset: &str, by: Weight) -> Result<Option<RevisionBand>, Failure> {
        if !self.known.contains_key(dataset) {
            let found = bands_of_economies(self.book, self.at, dataset, self.topic, self.stop)?;
            self.known.insert(dataset.to_owned(), found);
        }
        let known = self.known.get(dataset).into_iter().flatten();
        let of = |wanted: Weight| known.clone().find(|(by, _)| *by == wanted).map(|(_, band)| *band);
        Ok(of(by).or_else(|| of(Weight::Quantity)))
    }
}

/// The bands of the figures of economies of one dataset about a material and stage, by weight.
fn bands_of_economies(
    book: &Book,
    at: Knowledge,
    dataset: &str,
    (material, stage): Topic,
    stop: &Stop,
) -> Result<Vec<(Weight, RevisionBand)>, Failure> {
    let wanted = WantedBands {
        datasets: BTreeSet::from([dataset]),
        materials: BTreeSet::from([material]),
        stage: Some(stage),
        with_world: false,
    };
    let found = bands(book, at, &wanted, stop)?.into_iter();
    Ok(found.map(|band| (band.by, band.band)).collect())
}

/// How much the figures of one dataset about one material and stage were revised so far.
#[derive(Debug, Default)]
pub(crate) struct DatasetBands {
    /// Number of editions with such figures.
    editions: u32,
    /// Bands of the figures of economies, by weight.
    bands: Vec<(Weight, RevisionBand)>,
}

impl DatasetBands {
    pub(crate) fn new(book: &Book, at: Knowledge, dataset: DatasetId, topic: Topic) -> Self {
        let own =
            book.releases().iter().filter(|release| release.dataset == dataset && release.is_visible(at));
        let contents = own.map(|release| release.content_at(at));
        let editions = contents.filter(|content| content.release.scope.is_none() && content.has_topic(topic));
        let editions = u32::try_from(editions.count()).unwrap_or(u32::MAX);
        if editions < 2 {
            return Self { editions, bands: Vec::new() };
        }
        let name = book.dataset_name(dataset);
        // It never stops, so that it cannot fail.
        let bands = bands_of_economies(book, at, name, topic, &Stop::never()).unwrap_or_default();
        Self { editions, bands }
    }

    /// The message of the dataset, which does not say yet for what it answers.
    pub(crate) fn message(&self, dataset: &str) -> DatasetRevision {
        let size = |wanted: Weight| {
            let band = self.bands.iter().find(|(by, _)| *by == wanted);
            band.map(|(_, band)| RevisionSize { median: band.median, p90: band.p90 })
        };
        DatasetRevision {
            dataset: dataset.to_owned(),
            editions: self.editions,
            by_quantity: size(Weight::Quantity),
            by_value: size(Weight::Value),
            ..DatasetRevision::default()
        }
    }
}
