//! Reads what an address asks for: the parameters of a listing become the request of its method.
//!
//! Every parameter is checked before anything is asked, and all that are wrong are reported together, each
//! with its name, its value and what to write instead.
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use orewatch_catalog::closest;
use orewatch_contracts::common::v1::AsAt;
use orewatch_contracts::common::v1::as_at::At;
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_query::files::Heading;
use orewatch_query::{as_at, names};
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage as _, Value};
use url::form_urlencoded;

use crate::contract::{Form, Knowledge, Listing, Parameter};
use crate::message::{Contracts, field, set, text_map, texts, words};
use crate::refused::Refused;

/// Parameters of every file, and of pages.
pub(crate) const FIELDS: &str = "fields";
pub(crate) const EXCEL: &str = "excel";
pub(crate) const OWN_USE: &str = "own-use";
pub(crate) const PAGE_SIZE: &str = "page-size";
pub(crate) const PAGE_TOKEN: &str = "page-token";
const AS_AT: &str = "as-at";

/// Upper bound on the parameters of an address.
const MAX_PARAMETERS: usize = 1_000;

/// Full name of the message that a point of knowledge is.
const AS_AT_MESSAGE: &str = "orewatch.common.v1.AsAt";

/// Full name of the message that a time is.
const TIME_MESSAGE: &str = "google.protobuf.Timestamp";

/// What an address asks for.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The request of the method.
    pub(crate) request: DynamicMessage,
    /// The point of knowledge, if one is named.
    pub(crate) as_at: Option<AsAt>,
    /// Entries of a page. `None`: as many as usual, and in files all.
    pub(crate) page_size: Option<u32>,
    /// Token of the page. Empty: the first.
    pub(crate) page_token: String,
    /// Places of the columns of files. `None`: all.
    pub(crate) columns: Option<Vec<usize>>,
    /// CSV is for Excel.
    pub(crate) is_for_excel: bool,
    /// Whoever asks keeps the data.
    pub(crate) is_own_use: bool,
    /// Names and texts of the parameters as they were given.
    given: Vec<(String, String)>,
}

/// The pairs of a query, in their order.
///
/// # Errors
/// More than [`MAX_PARAMETERS`].
fn pairs(query: &str) -> Result<Vec<(String, String)>, Failure> {
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    let pairs: Vec<(String, String)> = pairs.take(MAX_PARAMETERS + 1).collect();
    if pairs.len() > MAX_PARAMETERS {
        let message = format!("the address has more than {MAX_PARAMETERS} parameters");
        return Err(Failure::new(Class::Invalid, "too-many", message)
            .with_hint("write several values of a parameter with commas between them"));
    }
    Ok(pairs)
}

impl Question {
    /// Reads the query of an address.
    ///
    /// # Errors
    /// Every parameter that is unknown or wrong.
    pub(crate) fn read(
        contracts: &Contracts,
        listing: &Listing,
        headings: &[Heading],
        query: &str,
    ) -> Result<Self, Refused> {
        let mut question = Self {
            request: contracts.request(listing.method)?,
            as_at: None,
            page_size: None,
            page_token: String::new(),
            columns: None,
            is_for_excel: false,
            is_own_use: false,
            given: pairs(query)?,
        };
        let mut wrong: Vec<Failure> = question.unknown_names(listing);
        let read = [
            question.read_page(listing),
            question.read_file_options(headings),
            question.read_parameters(contracts, listing),
        ];
        wrong.extend(read.into_iter().flatten());
        match Refused::all(wrong) {
            Some(refused) => Err(refused),
            None => Ok(question),
        }
    }

    /// Names that the listing does not have.
    fn unknown_names(&self, listing: &Listing) -> Vec<Failure> {
        let known = names_of(listing);
        let unknown = self.given.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        unknown.map(|(name, value)| unknown_parameter(listing, &known, name, value)).collect()
    }

    /// The texts that were given for a name.
    fn texts_of(&self, name: &str) -> Vec<String> {
        let given = self.given.iter().filter(|(given, _)| given == name);
        given.map(|(_, text)| text.clone()).collect()
    }

    /// The only text of a name.
    fn only(&self, name: &str) -> Result<Option<String>, Failure> {
        let mut texts = self.texts_of(name).into_iter();
        match (texts.next(), texts.next()) {
            (text, None) => Ok(text),
            (_, Some(second)) => {
                Err(Failure::new(Class::Invalid, "too-many", format!("{name} is given twice"))
                    .at(name, second)
                    .with_hint("give it once"))
            }
        }
    }

    fn read_page(&mut self, listing: &Listing) -> Vec<Failure> {
        if !listing.is_paged {
            return Vec::new();
        }
        let size = self.only(PAGE_SIZE).and_then(|text| text.map(|text| count(PAGE_SIZE, &text)).transpose());
        let token = self.only(PAGE_TOKEN);
        let mut wrong = Vec::new();
        match size {
            Ok(size) => self.page_size = size,
            Err(failure) => wrong.push(failure),
        }
        match token {
            Ok(token) => self.page_token = token.unwrap_or_default(),
            Err(failure) => wrong.push(failure),
        }
        let page = [
            ("page_size", Value::U32(self.page_size.unwrap_or_default())),
            ("page_token", Value::String(self.page_token.clone())),
        ];
        wrong.extend(page.into_iter().filter_map(|(name, value)| set(&mut self.request, name, value).err()));
        wrong
    }

    fn read_file_options(&mut self, headings: &[Heading]) -> Vec<Failure> {
        let mut wrong = Vec::new();
        for name in [EXCEL, OWN_USE] {
            let flag = self.only(name).and_then(|text| text.map_or(Ok(false), |text| flag(name, &text)));
            match (flag, name) {
                (Ok(flag), EXCEL) => self.is_for_excel = flag,
                (Ok(flag), _) => self.is_own_use = flag,
                (Err(failure), _) => wrong.push(failure),
            }
        }
        let wanted: Vec<String> = split(&self.texts_of(FIELDS));
        let known: Vec<&str> = headings.iter().map(|heading| heading.name).collect();
        let mut places = Vec::new();
        for name in &wanted {
            match known.iter().position(|known| known == name) {
                Some(place) => places.push(place),
                None => wrong.push(unknown_word(FIELDS, name, &known)),
            }
        }
        if !wanted.is_empty() {
            self.columns = Some(places);
        }
        wrong
    }

    fn read_parameters(&mut self, contracts: &Contracts, listing: &Listing) -> Vec<Failure> {
        let mut wrong = Vec::new();
        for parameter in listing.parameters {
            let texts = self.texts_of(parameter.name);
            if texts.is_empty() {
                continue;
            }
            let read = self.value(contracts, parameter, &texts);
            let taken = read.and_then(|value| match value {
                Some(value) => set(&mut self.request, parameter.field, value),
                None => Ok(()),
            });
            wrong.extend(taken.err().map(|failure| named(failure, parameter.name, &texts)));
        }
        wrong
    }

    /// The value of a parameter. `None`: it says nothing.
    fn value(
        &mut self,
        contracts: &Contracts,
        parameter: &Parameter,
        given: &[String],
    ) -> Result<Option<Value>, Failure> {
        let name = parameter.name;
        if !parameter.form.is_list() && parameter.form != Form::Labels {
            self.only(name)?;
        }
        let list = split(given);
        let first = given.first().cloned().unwrap_or_default();
        let descriptor = || {
            let found = field(&self.request.descriptor(), parameter.field);
            found.ok_or_else(|| Failure::internal(format!("there is no field {}", parameter.field)))
        };
        let value = match parameter.form {
            Form::Consumers => texts(names::consumers(&list)?),
            Form::Suppliers => texts(names::suppliers(&list)?),
            Form::Materials => texts(names::materials(&list)?),
            Form::Stages => texts(names::stages(&list)?),
            Form::Measures => texts(names::measures(&list)?),
            Form::Texts => texts(list),
            Form::Consumer => Value::String(names::consumer(&first)?),
            Form::Supplier => Value::String(names::supplier(&first)?),
            Form::Material => Value::String(names::material(&first)?),
            Form::Stage => Value::String(names::stage(&first)?),
            Form::Measure => Value::String(names::measure(&first)?),
            Form::Text => Value::String(first),
            Form::Periods => Value::String(list.join(",")),
            Form::Words => Value::List(enumeration(name, &descriptor()?, &list)?),
            Form::Word => match enumeration(name, &descriptor()?, &[first])?.pop() {
                Some(value) => value,
                None => return Ok(None),
            },
            Form::Flag => Value::Bool(flag(name, &first)?),
            Form::Number => Value::U32(count(name, &first)?),
            Form::Numbers => {
                let numbers: Result<Vec<u32>, Failure> = list.iter().map(|text| count(name, text)).collect();
                Value::List(numbers?.into_iter().map(Value::U32).collect())
            }
            Form::Time => contracts.value(TIME_MESSAGE, timestamp(time(name, &first)?).encode_to_vec())?,
            Form::AsAt => {
                self.as_at = as_at::parse_named(name, Some(first.as_str()))?;
                let Some(point) = &self.as_at else { return Ok(None) };
                contracts.value(AS_AT_MESSAGE, point.encode_to_vec())?
            }
            Form::Labels => text_map(labels(name, given)?),
        };
        Ok(Some(value))
    }

    /// Sets the point of knowledge of the request.
    ///
    /// # Errors
    /// None but a defect.
    pub(crate) fn pin(&mut self, contracts: &Contracts, point: AsAt) -> Result<(), Failure> {
        let value = contracts.value(AS_AT_MESSAGE, point.encode_to_vec())?;
        self.as_at = Some(point);
        set(&mut self.request, "as_at", value)
    }

    /// The point of knowledge as an address names it. Empty without one.
    pub(crate) fn as_at_text(&self) -> String {
        match self.as_at.as_ref().and_then(|point| point.at.as_ref()) {
            None => String::new(),
            Some(At::Position(position)) => format!("@{position}"),
            Some(At::Release(release)) => release.clone(),
            Some(At::Time(time)) => {
                let instant = orewatch_contracts::time::instant(time);
                instant.map(|instant| instant.to_string()).unwrap_or_default()
            }
        }
    }

    /// The query of an address that asks for the same at the same point of knowledge, for another page if a
    /// token is given.
    pub(crate) fn query(&self, page_token: Option<&str>) -> String {
        let as_at = self.as_at_text();
        let kept = self
            .given
            .iter()
            .filter(|(name, _)| name != AS_AT && !(page_token.is_some() && name == PAGE_TOKEN));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept);
        if !as_at.is_empty() {
            query.append_pair(AS_AT, &as_at);
        }
        if let Some(token) = page_token {
            query.append_pair(PAGE_TOKEN, token);
        }
        query.finish()
    }
}

/// The parameters that a listing has.
pub(crate) fn names_of(listing: &Listing) -> Vec<&'static str> {
    let own = listing.parameters.iter().map(|parameter| parameter.name);
    let page = if listing.is_paged { [PAGE_SIZE, PAGE_TOKEN].as_slice() } else { &[] };
    let licence = if listing.name == "rows" { [OWN_USE].as_slice() } else { &[] };
    own.chain(page.iter().copied()).chain(licence.iter().copied()).chain([FIELDS, EXCEL]).collect()
}

fn unknown_parameter(listing: &Listing, known: &[&str], name: &str, value: &str) -> Failure {
    if name == AS_AT && listing.knowledge == Knowledge::Present {
        let message = format!("{} are listed as they are now, and not as at an earlier time", listing.name);
        return Failure::new(Class::Invalid, "unexpected-field", message)
            .at(name, value)
            .with_hint("leave it out; exposures, rows, targets and claims have it");
    }
    let hint = match closest(&name.replace('_', "-"), known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("use one of {}", known.join(", ")),
    };
    Failure::new(Class::Invalid, "unknown-field", format!("{} have no parameter {name:?}", listing.name))
        .at(name, value)
        .with_hint(hint)
}

/// The items of lists that are separated by commas, without empty ones.
fn split(texts: &[String]) -> Vec<String> {
    let items = texts.iter().flat_map(|text| text.split(','));
    items.map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// A failure that names the parameter, if it names nothing that can be found in the address.
fn named(failure: Failure, name: &str, texts: &[String]) -> Failure {
    if failure.field == name {
        return failure;
    }
    let value = if failure.value.is_empty() { texts.join(",") } else { failure.value.clone() };
    failure.at(name, value)
}

fn unknown_word(name: &str, value: &str, known: &[&str]) -> Failure {
    let hint = match closest(value, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("use one of {}", known.join(", ")),
    };
    Failure::new(Class::Invalid, "unknown-word", format!("{name} has no value {value:?}"))
        .at(name, value)
        .with_hint(hint)
}

/// The values of an enumeration for words.
fn enumeration(name: &str, field: &FieldDescriptor, given: &[String]) -> Result<Vec<Value>, Failure> {
    let known = words(field);
    let number = |text: &String| {
        let wanted = text.trim().to_lowercase().replace('_', "-");
        let found = known.iter().find(|(word, _)| *word == wanted).map(|(_, number)| *number);
        found.map(Value::EnumNumber).ok_or_else(|| {
            let words: Vec<&str> = known.iter().map(|(word, _)| word.as_str()).collect();
            unknown_word(name, text, &words)
        })
    };
    given.iter().map(number).collect()
}

/// True or false. A name without a text is true.
pub(crate) fn flag(name: &str, text: &str) -> Result<bool, Failure> {
    match text {
        "" | "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        other => Err(unknown_word(name, other, &["true", "false"])),
    }
}

fn count(name: &str, text: &str) -> Result<u32, Failure> {
    text.trim().parse().map_err(|_| {
        Failure::new(Class::Invalid, "invalid-count", format!("{name} is not a whole number"))
            .at(name, text)
            .with_hint(format!("write a whole number from 0 to {}", u32::MAX))
    })
}

/// An instant, or the beginning of a day in UTC.
fn time(name: &str, text: &str) -> Result<Timestamp, Failure> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let day = text.parse::<Date>().ok().filter(|_| text.contains('-'));
    let begin = day.and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok());
    begin.ok_or_else(|| {
        Failure::new(Class::Invalid, "invalid-time", format!("{name} is not a time"))
            .at(name, text)
            .with_hint("write a time such as 2026-01-31T12:00:00Z, or a day")
    })
}

fn labels(name: &str, given: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Failure::new(Class::Invalid, "invalid-request", format!("{name} is not KEY=VALUE"))
            .at(name, text)
            .with_hint("write the key of the label, =, and its value, such as team=desk")),
    };
    given.iter().map(pair).collect()
}

/// A failure of a service, with the name of the parameter in the place of that of the field.
pub(crate) fn in_terms_of(listing: &Listing, failure: Failure) -> Failure {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let by_field = |parameter: &&Parameter| {
        parameter.field == failure.field || last(parameter.field) == last(&failure.field)
    };
    let own = listing.parameters.iter().find(by_field).map(|parameter| parameter.name);
    let name = own.or(match failure.field.as_str() {
        "page_size" => Some(PAGE_SIZE),
        "page_token" => Some(PAGE_TOKEN),
        _ => None,
    });
    match name.filter(|_| !failure.field.is_empty()) {
        Some(name) => {
            let value = failure.value.clone();
            failure.at(name, value)
        }
        None => failure,
    }
}

#[cfg(test)]
mod tests;
