//! What uses what: of two modules of the kernel at most one knows of the other, directly or through others, so that each can be
//! read, changed and taken out without what stands above it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which modules name which others, and in which file.
type Uses = BTreeMap<String, BTreeMap<String, String>>;

const KERNEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/kernel");

#[test]
fn no_two_modules_of_the_kernel_know_of_each_other() {
    let modules = declared(&fs::read_to_string(format!("{KERNEL}/lib.rs")).unwrap());
    assert!(modules.len() > 40, "{modules:?}");
    let mut uses = Uses::new();
    for module in &modules {
        let used = uses.entry(module.clone()).or_default();
        for (file, text) in sources(module) {
            for name in named(&text) {
                if name != *module && modules.contains(&name) {
                    used.insert(name, file.clone());
                }
            }
        }
    }
    // That something is found at all: these could not be without each other.
    assert!(uses["record"].contains_key("store"), "{uses:?}");
    assert!(uses["dispatch"].contains_key("registry"), "{uses:?}");
    if let Some(circle) = circle(&uses) {
        panic!("{}", circle.join("\n"));
    }
}

#[test]
fn a_circle_is_found_with_the_files_that_close_it() {
    let uses = |pairs: &[(&str, &str)]| {
        let mut uses = Uses::new();
        for (user, used) in pairs {
            uses.entry((*used).into()).or_default();
            let of_user = uses.entry((*user).into()).or_default();
            of_user.insert((*used).into(), format!("{user}.rs"));
        }
        uses
    };
    assert_eq!(circle(&uses(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    let found = circle(&uses(&[("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")])).unwrap();
    assert_eq!(
        found,
        ["a uses b (a.rs)", "b uses c (b.rs)", "c uses a (c.rs)"]
    );
    let text = "use crate::{a::B, c};\n// crate::not\n    crate::d::e();\n#[cfg(test)]\nmod tests { use crate::f; }";
    let found: Vec<String> = named(text).into_iter().collect();
    assert_eq!(found, ["a", "c", "d"]);
}

/// A test harness that holds nothing takes seconds to build, for each module; one that is left out where there is something to
/// run would be a test that cannot fail.
#[test]
fn a_module_leaves_out_the_harness_of_tests_exactly_where_it_has_none() {
    let features = concat!(env!("CARGO_MANIFEST_DIR"), "/features");
    let mut looked_at = 0;
    for module in fs::read_dir(features).unwrap() {
        let module = module.unwrap().path();
        let manifest = fs::read_to_string(module.join("Cargo.toml")).unwrap();
        let texts = files_of(&module);
        let has = |what: &[&str]| {
            let lines = texts.iter().flat_map(|(_, text)| text.lines());
            lines
                .map(str::trim_start)
                .any(|line| what.iter().any(|what| line.starts_with(what)))
        };
        let tests = has(&["#[test]", "#[tokio::test", "proptest!"]);
        let examples = has(&["/// ```", "//! ```"]);
        let leaves_out = |what: &str| {
            manifest
                .lines()
                .any(|line| line == format!("{what} = false"))
        };
        assert_eq!(leaves_out("test"), !tests, "{}", module.display());
        assert_eq!(leaves_out("doctest"), !examples, "{}", module.display());
        looked_at += 1;
    }
    assert!(looked_at > 10, "{looked_at}");
}

#[test]
fn no_module_says_by_hand_of_which_workspace_or_that_records_are_live() {
    let files = files_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("features"));
    for (path, text) in &files {
        for by_hand in ["archived_at IS", "WHERE workspace", "AND workspace"] {
            assert!(!text.contains(by_hand), "{}: {by_hand}", path.display());
        }
    }
    assert!(files.len() > 100, "{}", files.len());
}

/// The Rust files of a folder.
fn files_of(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files
}

/// The modules that a library declares, without those for tests.
fn declared(library: &str) -> BTreeSet<String> {
    let lines = library.lines();
    let names = lines.filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    names
        .filter(|name| !name.starts_with("testing"))
        .map(str::to_owned)
        .collect()
}

/// The files of a module, without its tests.
fn sources(module: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut open = vec![format!("{module}.rs"), module.to_owned()];
    while let Some(name) = open.pop() {
        let path = Path::new(KERNEL).join(&name);
        if path.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            open.extend(entries.map(|entry| {
                let entry = entry.unwrap().file_name();
                format!("{name}/{}", entry.to_str().unwrap())
            }));
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && path.is_file() {
            files.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    assert!(!files.is_empty(), "{module} has no file");
    files
}

/// The modules of its own crate that a file names, outside of comments and tests.
fn named(text: &str) -> BTreeSet<String> {
    let code = text.split("\nmod tests {").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let several = rest.strip_prefix('{').and_then(|list| list.split_once('}'));
        let paths = match several {
            Some((list, _)) => list.split(',').collect(),
            None => vec![rest],
        };
        for path in paths {
            let path = path.trim_start().chars();
            let is_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
            found.insert(path.take_while(is_name).collect());
        }
    }
    found
}

/// Some modules of which each uses the next, and the last the first.
fn circle(uses: &Uses) -> Option<Vec<String>> {
    // What uses nothing, and what only uses such, is in no circle.
    let mut left: BTreeSet<&String> = uses.keys().collect();
    loop {
        let before = left.len();
        let staying = left.iter().copied().filter(|module| {
            let mut used = uses[*module].keys();
            used.any(|used| left.contains(used))
        });
        left = staying.collect();
        if left.len() == before {
            break;
        }
    }
    let mut way: Vec<&String> = vec![left.first().copied()?];
    loop {
        let last = *way.last()?;
        let next = uses[last].keys().find(|used| left.contains(used))?;
        if let Some(start) = way.iter().position(|module| *module == next) {
            let way = way.split_off(start);
            let ends = way.iter().skip(1).copied().chain([next]);
            let steps = way.iter().zip(ends);
            return Some(
                steps
                    .map(|(user, used)| format!("{user} uses {used} ({})", uses[*user][used]))
                    .collect(),
            );
        }
        way.push(next);
    }
}
