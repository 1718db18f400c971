//! Finds the location of a field in a YAML text, so that an error about a value can name its line.
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// Upper bound on the nesting of a text.
const MAX_DEPTH: usize = 48;

/// Parser options. They limit the nesting to what the stack permits.
pub(super) fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! { budget: serde_saphyr::budget! { max_depth: MAX_DEPTH } }
}

/// Shape of a YAML text: lists and maps, without scalars.
enum Tree {
    Leaf,
    List(Vec<Spanned<Tree>>),
    Map(Vec<(String, Spanned<Tree>)>),
}

/// Location of a field such as `rules[2].select.consumers[0]`, or of its innermost part that exists. A key
/// also stands for its plural: `consumer` for `consumers`.
pub(crate) fn locate(text: &str, field: &str) -> Option<Location> {
    let root = shape(text)?;
    let mut node = &root;
    for step in field.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
        match node.value.child(step) {
            Some(child) => node = child,
            None => break,
        }
    }
    Some(node.referenced)
}

/// Line and column of the character `at` (from 0) of a scalar, whatever the style of the scalar.
pub(super) fn character_at(text: &str, location: Location, mut at: usize) -> Option<(usize, usize)> {
    let line = usize::try_from(location.line()).ok()?.checked_sub(1)?;
    let column = usize::try_from(location.column()).ok()?.checked_sub(1)?;
    let mut lines = text.lines().enumerate().skip(line);
    let (_, first) = lines.next()?;
    let rest: String = first.chars().skip(column).collect();
    let indent_of = |line: &str| line.chars().take_while(|character| *character == ' ').count();
    let is_block = rest.starts_with(['|', '>']);
    // In a block scalar the first line sets the indentation of all lines. In other styles the indentation of
    // further lines does not count at all.
    let mut indent = None;
    if !is_block {
        let quote = usize::from(rest.starts_with(['\'', '"']));
        let length = rest.chars().count();
        if at + quote < length || text.lines().count() <= line + 1 {
            return Some((line + 1, column + quote + at + 1));
        }
        at = (at + quote).checked_sub(length + 1)?;
    }
    for (number, line) in lines {
        let skipped = if is_block { *indent.get_or_insert_with(|| indent_of(line)) } else { indent_of(line) };
        let length = line.chars().count().saturating_sub(skipped);
        if at <= length {
            return Some((number + 1, skipped + at + 1));
        }
        at -= length + 1;
    }
    None
}

/// Whether the text is a mapping with a top-level key.
pub fn has_key(text: &str, key: &str) -> bool {
    let root = shape(text).map(|root| root.value);
    matches!(root, Some(Tree::Map(entries)) if entries.iter().any(|(name, _)| name == key))
}

fn shape(text: &str) -> Option<Spanned<Tree>> {
    let mut options = yaml_options();
    options.non_finite_float_policy = serde_saphyr::NonFiniteFloatPolicy::AsString;
    serde_saphyr::from_str_with_options(text, options).ok()
}

impl Tree {
    fn child(&self, step: &str) -> Option<&Spanned<Tree>> {
        match self {
            Self::Leaf => None,
            Self::List(items) => items.get(step.parse::<usize>().ok()?),
            Self::Map(entries) => {
                let named = |key: &str| key == step || step.strip_suffix('s') == Some(key);
                entries.iter().find(|(key, _)| named(key)).map(|(_, child)| child)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shape)
    }
}

struct Shape;

/// Methods of a visitor for which every scalar is a leaf.
macro_rules! leaves {
    ($($visit:ident: $scalar:ty),*) => {
        $(fn $visit<E>(self, _: $scalar) -> Result<Tree, E> {
            Ok(Tree::Leaf)
        })*
    };
}

impl<'de> Visitor<'de> for Shape {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    leaves!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Tree::Leaf)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}
