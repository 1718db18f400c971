//! Finds circular imports between files of a crate. A file and the files in its folder belong together, so
//! that imports between them do not count.
use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;

use super::source::Source;

/// The files of a crate by their modules, such as `decide::plan`.
type Modules<'a> = BTreeMap<Vec<String>, &'a Source>;

/// Finds groups of files that import each other in a circle. Returns the number of files of each group.
pub(super) fn find_circles(sources: &[Source]) -> BTreeMap<String, usize> {
    let mut crates = BTreeMap::<&str, Modules<'_>>::new();
    for source in sources.iter().filter(|source| source.is_shipped()) {
        if let Some((name, module)) = module_of(&source.path) {
            crates.entry(name).or_default().insert(module, source);
        }
    }
    crates.values().flat_map(circles_of_crate).collect()
}

/// The crate and the module of a file.
fn module_of(path: &str) -> Option<(&str, Vec<String>)> {
    let (name, file) = path.strip_prefix("crates/")?.split_once("/src/")?;
    let mut module: Vec<String> = file.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    Some((name, module))
}

fn circles_of_crate(modules: &Modules<'_>) -> Vec<(String, usize)> {
    let uses: BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> =
        modules.iter().map(|(module, source)| (module, imports(module, source, modules))).collect();
    let reached: BTreeMap<_, _> = uses.keys().map(|from| (*from, reachable(from, &uses))).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (from, to) in &reached {
        let circle: BTreeSet<_> = to.iter().filter(|other| reached[*other].contains(from)).copied().collect();
        if circle.len() > 1 && seen.insert(circle.clone()) {
            let names: Vec<&str> = circle.iter().map(|module| modules[*module].path.as_str()).collect();
            found.push((names.join(" "), circle.len()));
        }
    }
    found
}

/// All modules that a module imports, directly or through others.
fn reachable<'a>(
    from: &'a Vec<String>,
    uses: &BTreeMap<&'a Vec<String>, BTreeSet<&'a Vec<String>>>,
) -> BTreeSet<&'a Vec<String>> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        next.extend(uses[module].iter().filter(|other| reached.insert(**other)));
    }
    reached
}

/// The modules that a file imports, except its parents and children.
fn imports<'a>(module: &[String], source: &Source, modules: &'a Modules<'_>) -> BTreeSet<&'a Vec<String>> {
    let mut uses = ImportedPaths { module, paths: Vec::new() };
    uses.visit_file(&source.syntax);
    let file_module = |path: &Vec<String>| {
        (0..=path.len())
            .rev()
            .find_map(|length| modules.get_key_value(&path[..length]))
            .map(|(module, _)| module)
    };
    let related = |other: &[String]| other.starts_with(module) || module.starts_with(other);
    uses.paths.iter().filter_map(file_module).filter(|other| !related(other)).collect()
}

/// Collects the paths of the same crate that a file names.
struct ImportedPaths<'a> {
    module: &'a [String],
    paths: Vec<Vec<String>>,
}

impl ImportedPaths<'_> {
    fn add(&mut self, path: &[String]) {
        let (first, rest) = match path.split_first() {
            Some((first, rest)) if first == "crate" => (Vec::new(), rest),
            Some((first, _)) if first == "super" => {
                let supers = path.iter().take_while(|part| *part == "super").count();
                let length = self.module.len().saturating_sub(supers);
                (self.module[..length].to_vec(), &path[supers..])
            }
            Some((first, rest)) if first == "self" => (self.module.to_vec(), rest),
            _ => return,
        };
        self.paths.push(first.into_iter().chain(rest.iter().cloned()).collect());
    }

    fn add_tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.add(&with(&name.ident)),
            syn::UseTree::Rename(name) => self.add(&with(&name.ident)),
            syn::UseTree::Glob(_) => self.add(before),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(before, tree)),
        }
    }
}

impl<'a> Visit<'a> for ImportedPaths<'_> {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if parts.len() > 1 {
            self.add(&parts);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        // Imports of unit tests do not count.
        let is_test = item.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"));
        if !is_test {
            syn::visit::visit_item_mod(self, item);
        }
    }
}
