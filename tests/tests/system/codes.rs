//! Every error code in the sources is in the register, and every code of the register is used in the sources.
//!
//! The sources are read as text. A literal or a constant is a code where an error is created: as an argument
//! of `Failure::new` and similar constructors, of a function or closure with a parameter `code`, in a pair
//! with a class, or in a `let` that binds `code`. Literals with a prefix or suffix of codes count everywhere.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use orewatch_contracts::codes;
use orewatch_contracts::common::v1::Blame;
use orewatch_tests::tools::{read, root};

/// Constructors of errors, with the position of the code among their arguments.
const CONSTRUCTORS: [(&str, usize); 6] = [
    ("Failure::new", 1),
    ("SourceError::new", 0),
    ("Reject::new", 0),
    ("ContentError::new", 0),
    ("misfit", 0),
    ("warning", 0),
];

/// Prefixes and suffixes that only codes have.
const PREFIXES: [&str; 10] = [
    "unknown-",
    "invalid-",
    "missing-",
    "unexpected-",
    "unsupported-",
    "duplicate-",
    "mixed-",
    "damaged-",
    "truncated-",
    "too-",
];
const SUFFIXES: [&str; 3] = ["-mismatch", "-too-large", "-too-long"];

/// Literals with such a prefix that are no codes: the name of a gate.
const EXCEPTIONS: [&str; 2] = ["mixed-bases", "unknown-codes"];

/// A source file without its comments and unit tests.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn package(&self) -> &str {
        self.path.split('/').nth(1).expect("a crate")
    }
}

/// A use of a code in a source file.
#[derive(Clone, Debug)]
struct CodeUse {
    code: String,
    /// Who has to act, if the source says so next to the code.
    blame: Option<Blame>,
    path: String,
}

/// A function or closure with a parameter `code`.
#[derive(Clone, Copy, Debug)]
struct CodeFunction {
    /// Position of the parameter.
    position: usize,
    blame: Option<Blame>,
}

fn files(folder: &Path, suffixes: &[&str], into: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.is_dir() {
            if !["target", "tests", ".git", "recorded"].contains(&name.as_str()) {
                files(&path, suffixes, into);
            }
        } else if suffixes.iter().any(|suffix| name.ends_with(suffix)) {
            let path = path.strip_prefix(root()).expect("a path below the root");
            into.push(path.to_str().expect("a path in UTF-8").to_owned());
        }
    }
}

/// Reads the source files of what ships, except the register itself.
fn shipped_sources() -> Vec<Source> {
    let mut paths = Vec::new();
    files(&root().join("crates"), &[".rs"], &mut paths);
    paths.retain(|path| {
        path.contains("/src/") && !path.ends_with("/tests.rs") && !path.contains("contracts/src/codes/")
    });
    paths.sort();
    let source = |path: String| {
        let text = read(&path);
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        Source { text: lines.collect::<Vec<_>>().join("\n"), path }
    };
    paths.into_iter().map(source).collect()
}

fn is_code(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.split('-').all(is_word)
}

/// The code in a literal.
fn literal_code(argument: &str) -> Option<&str> {
    argument.strip_prefix('"')?.strip_suffix('"').filter(|text| is_code(text))
}

/// Finds the commas and semicolons outside of brackets and literals, up to and including the closing bracket.
/// Returns each with its byte position.
fn outer_marks(text: &str) -> Vec<(usize, u8)> {
    let (mut found, mut depth, mut in_text, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            // The character literal `'"'` does not start a string.
            b'"' if !in_text && text[..at].ends_with('\'') && text[at + 1..].starts_with('\'') => {}
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth > 0 => depth -= 1,
            b')' | b']' | b'}' => {
                found.push((at, byte));
                return found;
            }
            b',' | b';' if depth == 0 => found.push((at, byte)),
            _ => {}
        }
    }
    found
}

/// Splits the arguments up to the closing bracket, and returns them with the text after it.
fn arguments(text: &str) -> (Vec<&str>, &str) {
    let (mut found, mut begin) = (Vec::new(), 0);
    for (at, _) in outer_marks(text) {
        found.push(text[begin..at].trim());
        begin = at + 1;
    }
    // There may be a trailing comma.
    if found.last().is_some_and(|last| last.is_empty()) {
        found.pop();
    }
    (found, &text[begin..])
}

/// The first statement of a text, up to its semicolon.
fn statement(text: &str) -> &str {
    let end = outer_marks(text).into_iter().find(|(_, mark)| *mark == b';').map(|(at, _)| at);
    &text[..end.unwrap_or(text.len())]
}

/// Finds every call of a name. Returns the arguments of each, and the text after it.
fn calls<'a>(text: &'a str, name: &str) -> Vec<(Vec<&'a str>, &'a str)> {
    let call = format!("{name}(");
    let is_name = |at: usize| {
        let before = text[..at].bytes().next_back().unwrap_or(b' ');
        !(before.is_ascii_alphanumeric() || before == b'_' || before == b'.')
    };
    let starts = text.match_indices(&call).filter(|(at, _)| is_name(*at));
    starts.map(|(at, _)| arguments(&text[at + call.len()..])).collect()
}

/// Who has to act, by the first class that a text names.
fn blame_of_class(text: &str) -> Option<Blame> {
    let (_, class) = text.split_once("Class::")?;
    let class = class.split(|letter: char| !letter.is_ascii_alphanumeric()).next()?;
    Some(match class {
        "Invalid" | "NotFound" | "Refused" => Blame::User,
        "Unavailable" | "Exhausted" | "Damaged" => Blame::External,
        "Internal" => Blame::Internal,
        _ => return None,
    })
}

/// Who has to act on an error in a file: the class in a following call of `with_class`, otherwise the user.
fn blame_of_content_error(mut after: &str) -> Option<Blame> {
    while let Some(call) = after.trim_start().strip_prefix('.') {
        let (name, rest) = call.split_once('(')?;
        let (given, remaining) = arguments(rest);
        if name == "with_class" {
            return blame_of_class(given.first()?);
        }
        after = remaining;
    }
    Some(Blame::User)
}

/// Values of constants, by crate and name.
fn constants(sources: &[Source]) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    for source in sources {
        for (at, _) in source.text.match_indices("const ") {
            let Some((name, rest)) = source.text[at + 6..].split_once(": &str = ") else { continue };
            let value = rest.split(';').next().unwrap_or_default();
            if let Some(code) = literal_code(value).filter(|_| !name.contains(char::is_whitespace)) {
                found.insert((source.package().to_owned(), name.to_owned()), code.to_owned());
            }
        }
    }
    found
}

/// Analyses a function or closure with these parameters and this body. `None` if it has no parameter `code`.
fn code_function(parameters: &[&str], body: &str) -> Option<CodeFunction> {
    let is_code = |parameter: &str| parameter.split(':').next().unwrap_or_default().trim() == "code";
    let is_argument = |parameter: &&&str| !parameter.trim_start_matches(['&', ' ']).ends_with("self");
    let position = parameters.iter().filter(is_argument).position(|parameter| is_code(parameter))?;
    let created = calls(body, "Failure::new").into_iter().next();
    let content = ["SourceError::new(code", "Reject::new(code", "ContentError::new(code"];
    let first = body.find("Failure::new(").unwrap_or(usize::MAX);
    let is_content = content.iter().filter_map(|call| body.find(call)).any(|at| at < first);
    let blame = if is_content {
        Some(Blame::User)
    } else {
        created
            .filter(|(given, _)| given.get(1) == Some(&"code"))
            .and_then(|(given, _)| blame_of_class(given[0]))
    };
    Some(CodeFunction { position, blame })
}

/// Finds the functions of a file, by name. `None` for those without a parameter `code`.
fn functions(text: &str) -> BTreeMap<&str, Option<CodeFunction>> {
    let mut found = BTreeMap::new();
    for (at, _) in text.match_indices("fn ") {
        let Some((name, rest)) = text[at + 3..].split_once('(') else { continue };
        let name = name.split('<').next().unwrap_or_default();
        if is_identifier(name) {
            let (parameters, body) = arguments(rest);
            found.insert(name, code_function(&parameters, body));
        }
    }
    found
}

/// Finds the closures of a file, by name. If a name is bound several times, the first closure with a
/// parameter `code` counts.
fn closures(text: &str) -> BTreeMap<&str, Option<CodeFunction>> {
    let mut found = BTreeMap::new();
    for (at, _) in text.match_indices("let ") {
        let Some((name, rest)) = text[at + 4..].split_once(" =") else { continue };
        let rest = rest.trim_start();
        let Some(rest) = rest.strip_prefix("move ").unwrap_or(rest).strip_prefix('|') else { continue };
        let Some((parameters, body)) = rest.split_once('|') else { continue };
        if is_identifier(name) {
            let found: &mut Option<CodeFunction> = found.entry(name).or_default();
            *found = found.or(code_function(&parameters.split(',').collect::<Vec<_>>(), body));
        }
    }
    found
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Finds the codes in one source file. `crate_functions` has the functions with a parameter `code`, by crate
/// and name.
fn code_uses_in(
    source: &Source,
    crate_functions: &BTreeMap<(String, String), CodeFunction>,
    constants: &BTreeMap<(String, String), String>,
) -> Vec<CodeUse> {
    let text = &source.text;
    let mut found = Vec::new();
    let mut add = |argument: &str, blame: Option<Blame>| {
        let name = argument.rsplit("::").next().unwrap_or_default();
        // A constant is defined in the same crate or in contracts, which all crates use.
        let constant =
            |package: &str| constants.get(&(package.to_owned(), name.to_owned())).map(String::as_str);
        let code =
            literal_code(argument).or_else(|| constant(source.package())).or_else(|| constant("contracts"));
        if let Some(code) = code {
            found.push(CodeUse { code: code.to_owned(), blame, path: source.path.clone() });
        }
    };
    for (name, position) in CONSTRUCTORS {
        for (given, after) in calls(text, name) {
            let Some(code) = given.get(position) else { continue };
            let blame = if position == 1 { blame_of_class(given[0]) } else { blame_of_content_error(after) };
            add(code, blame);
        }
    }
    for (given, _) in calls(text, "Self::new") {
        match given[..] {
            [class, code, ..] if class.starts_with("Class::") || class == "class" => {
                add(code, blame_of_class(class));
            }
            [code, ..] => add(code, None),
            [] => {}
        }
    }
    let local = closures(text);
    let file = functions(text);
    let inherited = crate_functions.iter().filter(|((package, name), _)| {
        package == source.package() && !local.contains_key(name.as_str()) && !file.contains_key(name.as_str())
    });
    let own = local.iter().chain(&file).filter_map(|(name, function)| Some((*name, (*function)?)));
    for (name, function) in own.chain(inherited.map(|((_, name), function)| (name.as_str(), *function))) {
        for (given, after) in calls(text, name) {
            let Some(code) = given.get(function.position) else { continue };
            let class = given.iter().find(|argument| argument.starts_with("Class::"));
            let chained = blame_of_content_error(after).filter(|blame| *blame != Blame::User);
            add(code, class.and_then(|class| blame_of_class(class)).or(chained).or(function.blame));
        }
    }
    for (at, _) in text.match_indices("(Class::") {
        if let [class, code] = arguments(&text[at + 1..]).0[..] {
            add(code, blame_of_class(class));
        }
    }
    for (at, _) in text.match_indices("code: \"") {
        add(text[at + 6..].split([',', ' ', '.', '\n']).next().unwrap_or_default(), None);
    }
    chosen_codes(text).into_iter().for_each(|word| add(&format!("\"{word}\""), None));
    found
}

/// Finds literals that `if` or `match` binds to a name `code`, and literals that have the form of codes.
fn chosen_codes(text: &str) -> Vec<&str> {
    let bound = ["let code = if ", "let code = match ", "let (code, "];
    let starts = bound.iter().flat_map(|bound| text.match_indices(bound));
    let bound = starts.flat_map(|(at, _)| quoted(statement(&text[at..])));
    bound.chain(quoted(text).filter(|word| has_code_affix(word))).collect()
}

/// Finds the literals of a text that may be codes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').filter(|word| is_code(word))
}

fn has_code_affix(word: &str) -> bool {
    let has_affix = PREFIXES.iter().any(|prefix| word.starts_with(prefix))
        || SUFFIXES.iter().any(|suffix| word.ends_with(suffix));
    has_affix && !EXCEPTIONS.contains(&word)
}

/// Codes of the errors of the catalogue: `unknown-` followed by the kind of the code.
fn catalog_codes(sources: &[Source]) -> Vec<CodeUse> {
    let catalogue = sources.iter().find(|source| source.path == "crates/catalog/src/code.rs");
    let catalogue = catalogue.expect("the error of the catalogue");
    let (_, words) = catalogue.text.split_once("fn as_str").expect("the names of kinds");
    let words = words.split("fn ").next().unwrap_or_default();
    let words = words.split('"').skip(1).step_by(2);
    let code = |word: &str| format!("unknown-{}", word.to_lowercase().replace(' ', "-"));
    words.map(|word| CodeUse { code: code(word), blame: None, path: catalogue.path.clone() }).collect()
}

/// Finds all uses of codes in what ships.
fn code_uses() -> Vec<CodeUse> {
    let sources = shipped_sources();
    assert!(sources.len() > 300, "the sources were not found");
    let constants = constants(&sources);
    let mut crate_functions = BTreeMap::new();
    for source in &sources {
        for (name, function) in functions(&source.text) {
            if let Some(function) = function {
                crate_functions.insert((source.package().to_owned(), name.to_owned()), function);
            }
        }
    }
    let mut all = catalog_codes(&sources);
    all.extend(sources.iter().flat_map(|source| code_uses_in(source, &crate_functions, &constants)));
    all
}

#[test]
fn every_code_in_the_sources_is_in_the_register() {
    let unregistered: BTreeSet<_> = code_uses()
        .into_iter()
        .filter(|used| codes::entries().all(|entry| entry.code != used.code))
        .map(|used| match codes::current(&used.code) {
            current if current != used.code => format!("{} is {current} now: {}", used.code, used.path),
            _ => format!("{} is in no entry of crates/contracts/src/codes: {}", used.code, used.path),
        })
        .collect();
    assert!(unregistered.is_empty(), "{unregistered:#?}");
}

#[test]
fn every_code_of_the_register_is_used_or_retired() {
    let used: BTreeSet<String> = code_uses().into_iter().map(|used| used.code).collect();
    let unused = codes::entries().filter(|entry| !used.contains(entry.code) && !entry.retired);
    assert_eq!(unused.map(|entry| entry.code).collect::<Vec<_>>(), [""; 0]);
    let revived = codes::entries().filter(|entry| used.contains(entry.code) && entry.retired);
    assert_eq!(revived.map(|entry| entry.code).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn the_register_and_the_sources_agree_on_who_has_to_act() {
    let (mut compared, mut wrong) = (BTreeSet::new(), BTreeSet::new());
    for CodeUse { code, blame, path } in code_uses() {
        let (Some(entry), Some(blame)) = (codes::find(&code), blame) else { continue };
        if entry.blame != blame {
            wrong.insert(format!("{code}: {:?} in the register, {blame:?} in {path}", entry.blame));
        }
        compared.insert(code);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared.len() > 200, "only {} codes were found next to a class", compared.len());
}

/// Old codes are only in the register and in recorded logs, not in code or documentation.
#[test]
fn no_code_or_page_uses_an_old_code() {
    let mut paths = Vec::new();
    for folder in ["clients", "crates", "deploy", "docs", "proto", "scripts"] {
        files(&root().join(folder), &[".rs", ".md", ".proto", ".py", ".yaml", ".sh", ".toml"], &mut paths);
    }
    paths.extend(["README.md", "ARCHITECTURE.md"].map(str::to_owned));
    paths.retain(|path| {
        !path.contains("contracts/src/codes/") && path != "docs/errors.md" && !path.ends_with("tests.rs")
    });
    let mut old = BTreeSet::new();
    for path in paths {
        let text = read(&path);
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for word in text.split(['"', '`']).filter(|word| word.contains('-') && is_code(word)) {
            if codes::current(word) != word {
                old.insert(format!("{path}: {word} is {} now", codes::current(word)));
            }
        }
    }
    assert!(old.is_empty(), "{old:#?}");
}

#[test]
fn codes_are_found_wherever_an_error_is_created() {
    let text = r#"
        const GONE: &str = "gone";
        fn wrong(&self, code: &str) -> Failure { Failure::new(Class::Refused, code, "a (b") }
        let bad = |code, what| SourceError::new(code, what).at("x");
        Failure::new(Class::Damaged, "one", format!("{}, {}", 1, 2));
        wrong("two"); bad("three", 1).with_class(Class::Internal);
        Failure::new(Class::Invalid, GONE, "");
        let code = if is_late { "four" } else { "five" };
        let pair = (Class::Unavailable, "six");
        Rejection { code: "seven".to_owned() };
        Err(SourceError::new("eight", 0).with_hint("a").with_class(Class::Unavailable));
        let (code, message) =
            match any { true => { let c = '"'; ("nine", "a; (c") }, false => ("ten", "b c") };
        ("invalid-x", "y");
    "#;
    let source = Source { path: "crates/x/src/lib.rs".to_owned(), text: text.to_owned() };
    let constants = constants(std::slice::from_ref(&source));
    let found = code_uses_in(&source, &BTreeMap::new(), &constants);
    let blames: BTreeMap<_, _> = found.iter().map(|used| (used.code.as_str(), used.blame)).collect();
    let expected = [
        ("eight", Some(Blame::External)),
        ("five", None),
        ("four", None),
        ("gone", Some(Blame::User)),
        ("invalid-x", None),
        ("nine", None),
        ("one", Some(Blame::External)),
        ("seven", None),
        ("six", Some(Blame::External)),
        ("ten", None),
        ("three", Some(Blame::Internal)),
        ("two", Some(Blame::User)),
    ];
    assert_eq!(blames, BTreeMap::from(expected));
}
