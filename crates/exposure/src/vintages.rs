//! Comparison of vintages: the exposures that differ between two points in knowledge time.
//!
//! Both points are books of their own, without what was recorded later. As after a commit, only figures that
//! depend on something that differs are computed; the differences are then sorted by size, and those of the
//! asked page become messages.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::CauseKind;
use orewatch_contracts::exposure::v1::{
    CompareVintagesRequest, CompareVintagesResponse, Exposure, ExposureFilter, ReleaseNote, VintageChange,
};
use orewatch_contracts::ingestion::v1::PublisherNote;
use orewatch_eventlog::Position;
use orewatch_measures::{Estimate, Measure, Status, Weight};
use orewatch_runtime::Stop;
use prost::Message as _;
use uuid::Uuid;

use crate::accounts::Size;
use crate::book::{Book, CommittedRelease, EconomyId, Knowledge, Market, RecordedAt, ReleaseContent};
use crate::dependents::{Affected, Families, dependents};
use crate::erased::erased_releases;
use crate::evolve::BookRevision;
use crate::figures::{Family, Figure, FigureFilter, FigureKey, Figures, figures_of};
use crate::grounds::Grounds;
use crate::page_token::{PageToken, limit};
use crate::query::{Cursor, MAX_PAGE_BYTES, exposure};
use crate::request::{Selection, knowledge};
use crate::scope::ScopeCache;
use crate::snapshot::Snapshot;
use crate::wire;

/// Differences in a page: upper bound, and default.
pub(crate) const MAX_PAGE_SIZE: u32 = 10_000;
const DEFAULT_PAGE_SIZE: u32 = 1000;

/// Upper bound on the differences that can be paged through.
pub(crate) const MAX_LISTED: usize = 100_000;

/// Upper bound on the notes of publishers in an answer.
const MAX_NOTES: usize = 1000;

/// Difference up to which two numbers count as equal, in the scale of [`scaled_difference`].
pub(crate) const TOLERANCE: f64 = 1e-9;

const GONE: &str = "the exposure does not exist at the later time";

/// What a request asks for.
pub(crate) struct VintageRequest {
    pub(crate) selection: Selection,
    /// Maximum number of differences.
    pub(crate) page_size: usize,
    /// Number of differences on earlier pages.
    pub(crate) offset: usize,
    /// The book as the request reads it.
    pub(crate) book: Arc<Book>,
    from: Knowledge,
    to: Knowledge,
    /// What its page tokens belong to.
    binding: Uuid,
    /// Position of the observations log as of which all pages are.
    pub(crate) position: Position,
}

impl VintageRequest {
    /// Checks a request.
    ///
    /// # Errors
    /// A filter, page size, reading or knowledge time that makes no sense; a token of another request.
    pub(crate) fn new(known: &Snapshot, request: &CompareVintagesRequest) -> Result<Self, Failure> {
        let selection = selection(request.filter.clone().unwrap_or_default())?;
        let page_size = limit(request.page_size, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, "page_size")?;
        let binding = binding(request);
        let token = PageToken::parse(&request.page_token, binding)?;
        let book = known.read(request.reading.as_ref())?;
        // Later pages see what the first page saw, whatever was committed since.
        let position = token.map_or(known.position, |token| token.position);
        let to = knowledge(&book, position, request.to.as_ref())?;
        let to = Knowledge { position: to.position.min(position), ..to };
        let from = match &request.from {
            Some(from) => knowledge(&book, position, Some(from))?,
            None => just_before(&book, to),
        };
        let offset = token.map_or(0, |token| token.cursor.offset);
        Ok(Self { selection, page_size, offset, book, from, to, binding, position })
    }

    /// The token of a page that begins after so many differences.
    pub(crate) fn token(&self, offset: usize) -> String {
        let cursor = Cursor { part: 0, offset };
        PageToken { binding: self.binding, position: self.position, cursor }.text()
    }
}

/// Answers a request.
///
/// # Errors
/// A request that cannot be read; the request was stopped.
pub(crate) fn compare_vintages(
    known: &Snapshot,
    request: &CompareVintagesRequest,
    stop: &Stop,
) -> Result<CompareVintagesResponse, Failure> {
    let wanted = VintageRequest::new(known, request)?;
    let VintageRequest { selection, page_size, offset, book, from, to, .. } = &wanted;
    let compared = Vintages::new(book, *from, *to);
    let largest = compared.differences(selection, offset.saturating_add(*page_size).min(MAX_LISTED), stop)?;
    let (changes, next) = compared.page(&largest, *offset, *page_size, stop)?;
    Ok(CompareVintagesResponse {
        changes,
        next_page_token: next.map(|next| wanted.token(next)).unwrap_or_default(),
        notes: compared.notes(selection),
        changes_total: largest.total,
        releases: compared.ids(|release| release.old.is_none()),
        removed_releases: compared.ids(|release| release.new.is_none()),
        stale: None,
        erased: erased_releases(book, *to),
    })
}

/// The selection of a filter, in which no period means every period.
fn selection(mut filter: ExposureFilter) -> Result<Selection, Failure> {
    if filter.as_of.trim().is_empty() {
        "all".clone_into(&mut filter.as_of);
    }
    Selection::parse(&filter)
}

/// Digest of the request that a page token belongs to.
fn binding(request: &CompareVintagesRequest) -> Uuid {
    let first = CompareVintagesRequest { page_token: String::new(), page_size: 0, ..request.clone() };
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &first.encode_to_vec())
}

/// The knowledge time just before the last change of the book that another one includes.
fn just_before(book: &Book, to: Knowledge) -> Knowledge {
    let last = book.last_change(to).map_or(0, |change| change.position.saturating_sub(1));
    Knowledge { position: last, ..to }
}

/// A release that is not the same at both times. `None`: it is not visible.
struct ChangedRelease<'a> {
    id: &'a str,
    old: Option<&'a Arc<ReleaseContent>>,
    new: Option<&'a Arc<ReleaseContent>>,
}

impl<'a> ChangedRelease<'a> {
    /// `None`: it is the same.
    fn compare(release: &'a CommittedRelease, from: Knowledge, to: Knowledge) -> Option<Self> {
        let (old, new) = (release.visible_content(from), release.visible_content(to));
        let is_same = match (old, new) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (old, new) => old.is_none() && new.is_none(),
        };
        (!is_same).then(|| Self { id: release.id(), old, new })
    }
}

/// A book at two points in knowledge time.
struct Vintages<'a> {
    old: Arc<Book>,
    new: Arc<Book>,
    to: Knowledge,
    releases: Vec<ChangedRelease<'a>>,
}

impl<'a> Vintages<'a> {
    fn new(book: &'a Book, from: Knowledge, to: Knowledge) -> Self {
        let releases = book.releases().iter();
        let releases = releases.filter_map(|release| ChangedRelease::compare(release, from, to)).collect();
        Self { old: Arc::new(book.known_at(from)), new: Arc::new(book.known_at(to)), to, releases }
    }

    fn ids(&self, is_wanted: impl Fn(&ChangedRelease<'a>) -> bool) -> Vec<String> {
        let wanted = self.releases.iter().filter(|release| is_wanted(release));
        wanted.map(|release| release.id.to_owned()).collect()
    }

    /// What publishers say in the releases that are visible at one of the times only.
    fn notes(&self, selection: &Selection) -> Vec<ReleaseNote> {
        let one_sided = self.releases.iter().filter(|release| release.old.is_none() || release.new.is_none());
        let contents = one_sided.filter_map(|release| release.new.or(release.old));
        let notes = contents.flat_map(|content| content.notes.iter().map(move |note| (content, note)));
        let wanted =
            notes.filter(|(_, note)| selection.subject_of_note(&note.material, &note.stage, &note.period));
        let message = |(content, note): (&Arc<ReleaseContent>, &PublisherNote)| ReleaseNote {
            release: content.release.id.clone(),
            note: Some(note.clone()),
        };
        wanted.map(message).take(MAX_NOTES).collect()
    }

    /// The markets whose figures may differ, with the families concerned.
    fn dependents(&self, stop: &Stop) -> Result<BTreeMap<Market, Families>, Failure> {
        let mut revisions: Vec<_> =
            self.releases.iter().filter_map(|release| self.revision(release)).collect();
        if self.old.policy_revised() != self.new.policy_revised() {
            revisions.push(self.book_revision(Arc::default(), CauseKind::SourceChanged));
        }
        let mut all = BTreeMap::<Market, Families>::new();
        for revision in revisions {
            stop.check()?;
            for (market, families) in dependents(&revision) {
                let known = all.entry(market).or_default();
                families.into_iter().for_each(|(family, affected)| add_family(known, family, affected));
            }
        }
        Ok(all)
    }

    fn revision(&self, release: &ChangedRelease<'_>) -> Option<BookRevision> {
        let content = release.new.or(release.old)?;
        Some(self.book_revision(Arc::clone(content), CauseKind::ReleaseRestated))
    }

    fn book_revision(&self, content: Arc<ReleaseContent>, kind: CauseKind) -> BookRevision {
        BookRevision {
            old: Arc::clone(&self.old),
            new: Arc::clone(&self.new),
            content,
            replaced: None,
            kind,
            moment: RecordedAt { position: self.to.position, time: jiff::Timestamp::UNIX_EPOCH },
            traceparent: None,
        }
    }

    /// The largest differences of a selection, and the number of all.
    fn differences(&self, selection: &Selection, max: usize, stop: &Stop) -> Result<Largest, Failure> {
        let caches = [&self.old, &self.new].map(|book| ScopeCache::new(book, Knowledge::NOW));
        let mut largest = Largest::new(max);
        for (market, families) in self.dependents(stop)? {
            if !selection.material_and_stage(&market) || !selection.period(market.period) {
                continue;
            }
            let scopes = caches.each_ref().map(|cache| cache.scope(market));
            for (family, affected) in families {
                let is_wanted = |measure: &Measure| selection.measure(*measure);
                if !family.measures().iter().any(is_wanted) {
                    continue;
                }
                let wanted = Wanted { affected: &affected, selection, stop };
                let figures = scopes.each_ref().map(|scope| figures_of(&[family], scope, &wanted));
                stop.check()?;
                differences(market, figures).into_iter().for_each(|difference| largest.push(difference));
            }
        }
        largest.sort();
        Ok(largest)
    }

    /// The messages of a page, and the offset of the next page. `None`: this is the last one.
    fn page(
        &self,
        largest: &Largest,
        offset: usize,
        max: usize,
        stop: &Stop,
    ) -> Result<(Vec<VintageChange>, Option<usize>), Failure> {
        let caches = [&self.old, &self.new].map(|book| ScopeCache::new(book, Knowledge::NOW));
        let mut by_market = BTreeMap::<Market, Vec<(usize, &Difference)>>::new();
        for (index, difference) in largest.kept.iter().enumerate().skip(offset).take(max) {
            by_market.entry(difference.market).or_default().push((index, difference));
        }
        let mut changes = BTreeMap::new();
        for (market, differences) in by_market {
            stop.check()?;
            let scopes = caches.each_ref().map(|cache| cache.scope(market));
            let mut grounds = scopes.each_ref().map(Grounds::new);
            let messages = differences.into_iter().map(|(index, found)| (index, found.message(&mut grounds)));
            changes.extend(messages);
        }
        let (mut page, mut bytes) = (Vec::new(), 0_usize);
        for (_, change) in changes {
            bytes = bytes.saturating_add(change.encoded_len());
            if bytes > MAX_PAGE_BYTES && !page.is_empty() {
                break;
            }
            page.push(change);
        }
        let next = offset.saturating_add(page.len());
        let is_more = u64::try_from(next).is_ok_and(|next| next < largest.total);
        Ok((page, (is_more && next < MAX_LISTED).then_some(next)))
    }
}

/// Adds the consumers concerned of a family.
fn add_family(known: &mut Families, family: &'static dyn Family, affected: Affected) {
    match known.iter_mut().find(|(other, _)| other.measures() == family.measures()) {
        Some((_, others)) => {
            *others = match (&*others, affected) {
                (Affected::Consumers(one), Affected::Consumers(other)) => {
                    Affected::Consumers(Arc::new(one.union(&other).copied().collect()))
                }
                _ => Affected::Everyone,
            };
        }
        None => known.push((family, affected)),
    }
}

/// Figures that are wanted and may differ.
struct Wanted<'a> {
    affected: &'a Affected,
    selection: &'a Selection,
    /// Once it is set, nothing is wanted any more, so that a running computation ends soon.
    stop: &'a Stop,
}

impl FigureFilter for Wanted<'_> {
    fn consumer(&self, code: &str) -> bool {
        !self.stop.is_set() && self.affected.consumer(code) && self.selection.consumer(code)
    }
    fn measure(&self, measure: Measure) -> bool {
        !self.stop.is_set() && self.selection.measure(measure)
    }
    fn weight(&self, by: Weight) -> bool {
        self.selection.weight(by)
    }
    fn supplier(&self, supplier: Option<EconomyId>) -> bool {
        self.selection.supplier(supplier)
    }
}

/// An exposure that differs.
struct Difference {
    market: Market,
    key: FigureKey,
    old: Option<Figure>,
    new: Option<Figure>,
    /// How much the best estimates differ, see [`scaled_difference`]. `None`: one is missing, or they do not.
    size: Option<f64>,
    /// The releases of both, by identifier.
    releases: [Rc<[String]>; 2],
}

/// The figures of a market that differ, of those of an earlier and a later time, both sorted by key.
fn differences(market: Market, [old, new]: [Figures<'_>; 2]) -> Vec<Difference> {
    let ids = [&old, &new].map(|figures| {
        let ids = |contents: &Vec<&ReleaseContent>| -> Rc<[String]> {
            contents.iter().map(|content| content.release.id.clone()).collect()
        };
        figures
            .releases
            .iter()
            .map(|(measure, contents)| (*measure, ids(contents)))
            .collect::<BTreeMap<_, _>>()
    });
    let mut both = BTreeMap::<FigureKey, [Option<Figure>; 2]>::new();
    for figure in old.all {
        both.entry(figure.key).or_default()[0] = Some(figure);
    }
    for figure in new.all {
        both.entry(figure.key).or_default()[1] = Some(figure);
    }
    let differing = both.into_iter().filter_map(|(key, [old, new])| {
        let estimates = [&old, &new].map(|figure| figure.map(|figure| figure.estimate));
        let names = |figure: &Option<Figure>| figure.map(|figure| figure.names);
        if !differ(key.measure, estimates) && names(&old) == names(&new) {
            return None;
        }
        let releases = ids.each_ref().map(|ids| ids.get(&key.measure).cloned().unwrap_or_default());
        Some(Difference { market, key, old, new, size: scaled_difference(key.measure, estimates), releases })
    });
    differing.collect()
}

/// Whether two estimates of a measure differ by more than rounding in their computation explains.
fn differ(measure: Measure, estimates: [Option<Estimate>; 2]) -> bool {
    let [Some(old), Some(new)] = estimates else { return true };
    let number = |old: Option<f64>, new: Option<f64>| match (old, new) {
        (Some(old), Some(new)) => scaled(measure, old, new) > TOLERANCE,
        (old, new) => old.is_some() != new.is_some(),
    };
    old.status != new.status
        || number(old.value, new.value)
        || number(old.low, new.low)
        || number(old.high, new.high)
        || number(old.coverage, new.coverage)
}

/// How much the best estimates differ. `None`: one is missing, or they do not differ.
fn scaled_difference(measure: Measure, [old, new]: [Option<Estimate>; 2]) -> Option<f64> {
    let size = scaled(measure, old?.value?, new?.value?);
    (size > TOLERANCE).then_some(size)
}

/// A difference on a scale on which measures can be compared: shares as they are, HHI as a part of 10,000,
/// other units as a part of the larger figure.
pub(crate) fn scaled(measure: Measure, old: f64, new: f64) -> f64 {
    let difference = (new - old).abs();
    match measure.method().unit {
        "share" => difference,
        "hhi" => difference / 10_000.0,
        _ if difference > 0.0 => difference / old.abs().max(new.abs()),
        _ => 0.0,
    }
}

/// The largest differences that were found so far.
struct Largest {
    max: usize,
    kept: Vec<Difference>,
    /// Number of all, also of those that were dropped.
    total: u64,
}

impl Largest {
    fn new(max: usize) -> Self {
        Self { max, kept: Vec::new(), total: 0 }
    }

    fn push(&mut self, difference: Difference) {
        self.total = self.total.saturating_add(1);
        self.kept.push(difference);
        if self.kept.len() > self.max.saturating_mul(2) {
            self.sort();
        }
    }

    fn sort(&mut self) {
        self.kept.sort_by(Difference::order);
        self.kept.truncate(self.max);
    }
}

impl Difference {
    /// The larger first; those without a size last, in the order of queries.
    fn order(&self, other: &Self) -> Ordering {
        let size = |difference: &Self| difference.size.unwrap_or(f64::NEG_INFINITY);
        let by_size = size(other).total_cmp(&size(self));
        by_size.then_with(|| (self.market, self.key).cmp(&(other.market, other.key)))
    }

    fn message(&self, [old, new]: &mut [Grounds<'_, '_>; 2]) -> VintageChange {
        let [old_releases, new_releases] = &self.releases;
        let gone = || Estimate::missing(Status::NotApplicable, GONE);
        let figure = self.new.unwrap_or_else(|| Figure {
            key: self.key,
            estimate: gone(),
            names: [None; 3],
            spread: None,
            size: Size::default(),
        });
        let described = |figure: &Figure, releases: &Rc<[String]>| Exposure {
            releases: releases.to_vec(),
            ..exposure(&self.market, figure, &[])
        };
        let grounded = |grounds: &mut Grounds<'_, '_>, figure: &Figure, releases: &Rc<[String]>| {
            grounds.add_to(described(figure, releases), figure)
        };
        let before = self.old.map(|figure| grounded(old, &figure, old_releases));
        let difference = self.old.and_then(|old| Some(figure.estimate.value? - old.estimate.value?));
        VintageChange {
            exposure: Some(match self.new {
                Some(figure) => grounded(new, &figure, new_releases),
                None => described(&figure, new_releases),
            }),
            old: self.old.map(|old| wire::estimate(&old.estimate)),
            old_releases: before.map(|before| before.releases).unwrap_or_default(),
            difference,
        }
    }
}
