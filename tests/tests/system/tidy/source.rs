//! The source files of the repository, parsed once for all checks.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use orewatch_tests::tools::root;
use syn::visit::{self, Visit};

use super::Excesses;

/// Folders with source files.
const FOLDERS: [&str; 4] = ["crates", "tests", "benches", "fuzz"];

/// One source file.
pub(super) struct Source {
    /// Path from the root of the repository.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) syntax: syn::File,
}

/// Reads all source files, by path.
pub(super) fn read_sources() -> Vec<Source> {
    let mut paths = Vec::new();
    FOLDERS.iter().for_each(|folder| collect(&root().join(folder), &mut paths));
    paths.sort();
    let read = |path: String| {
        let text = fs::read_to_string(root().join(&path)).expect("a source is text");
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        Source { path, text, syntax }
    };
    paths.into_iter().map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("a folder can be listed").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let path = path.strip_prefix(root()).expect("it is of the repository");
            paths.push(path.to_str().expect("names are UTF-8").to_owned());
        }
    }
}

impl Source {
    pub(super) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// Whether the file ships, and is not part of a test, a benchmark or an example.
    pub(super) fn is_shipped(&self) -> bool {
        let mut folders = self.path.split('/');
        folders.next() == Some("crates")
            && folders.next().is_some_and(|name| name != "testkit")
            && folders.next() == Some("src")
    }

    /// The functions, each with its number of lines.
    pub(super) fn functions(&self) -> impl Iterator<Item = (String, usize)> {
        let mut functions = Functions::default();
        functions.visit_file(&self.syntax);
        functions.0.into_iter()
    }

    /// Names of public items.
    pub(super) fn public_items(&self) -> impl Iterator<Item = String> {
        let mut items = PublicItems::default();
        items.visit_file(&self.syntax);
        items.0.into_iter()
    }

    /// The words of the code, without comments.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let code = self.text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let words =
            code.flat_map(|line| line.split(|letter: char| !letter.is_alphanumeric() && letter != '_'));
        words.filter(|word| !word.is_empty())
    }
}

#[derive(Default)]
struct Functions(Vec<(String, usize)>);

impl Functions {
    fn add(&mut self, name: &syn::Ident, block: &syn::Block) {
        let braces = block.brace_token.span;
        let (first, last) = (braces.open().start().line, braces.close().end().line);
        self.0.push((name.to_string(), last - first + 1));
    }
}

impl<'a> Visit<'a> for Functions {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.add(&item.sig.ident, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.add(&item.sig.ident, &item.block);
        visit::visit_impl_item_fn(self, item);
    }
}

#[derive(Default)]
struct PublicItems(Vec<String>);

impl PublicItems {
    fn add(&mut self, visibility: &syn::Visibility, name: &syn::Ident) {
        if matches!(visibility, syn::Visibility::Public(_)) {
            self.0.push(name.to_string());
        }
    }
}

impl<'a> Visit<'a> for PublicItems {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.add(&item.vis, &item.sig.ident);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.add(&item.vis, &item.sig.ident);
    }

    fn visit_item_struct(&mut self, item: &'a syn::ItemStruct) {
        self.add(&item.vis, &item.ident);
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        self.add(&item.vis, &item.ident);
    }

    fn visit_item_const(&mut self, item: &'a syn::ItemConst) {
        self.add(&item.vis, &item.ident);
    }

    fn visit_item_type(&mut self, item: &'a syn::ItemType) {
        self.add(&item.vis, &item.ident);
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        self.add(&item.vis, &item.ident);
    }
}

/// Writes the current values as the ratchet.
///
/// # Panics
/// If a value would go up.
pub(super) fn write_ratchet(ratchet: &Excesses, current: &Excesses) {
    for (check, over) in current {
        let before = ratchet.get(check);
        let grown = over
            .iter()
            .filter(|(name, is)| before.and_then(|ratchet| ratchet.get(*name)).is_some_and(|may| *is > may));
        let grown: BTreeMap<_, _> = grown.collect();
        assert!(before.is_none() || grown.is_empty(), "{check} became worse: {grown:?}");
    }
    let head = "# What exceeds a limit of tests/tests/system/tidy. Values only go down; update with\n\
                # `UPDATE_SNAPSHOT=1 cargo test --workspace --test system tidy`.\n\n";
    let filled: Excesses =
        current.iter().filter(|(_, over)| !over.is_empty()).map(|(k, v)| (k.clone(), v.clone())).collect();
    let text = toml::to_string(&filled).expect("it is TOML");
    fs::write(root().join("tests/tidy.toml"), format!("{head}{text}")).expect("the ratchet can be written");
}
