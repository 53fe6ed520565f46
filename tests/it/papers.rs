//! The papers that go with the program are true: the bill of materials, and what docs/reliability.md says of tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_bill_of_materials_names_every_locked_package_with_its_checksum_and_licence() {
    let made = Command::new(root().join("scripts/sbom")).output().unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    let bill: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(
        (bill["bomFormat"].as_str(), bill["specVersion"].as_str()),
        (Some("CycloneDX"), Some("1.6"))
    );
    let own = &bill["metadata"]["component"];
    assert_eq!(
        (own["name"].as_str(), own["type"].as_str()),
        (Some("bureau"), Some("application"))
    );
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut found = BTreeMap::from([(text(&own["bom-ref"]), None)]);
    for component in bill["components"].as_array().unwrap() {
        let name = text(&component["bom-ref"]);
        assert_eq!(component["purl"], component["bom-ref"]);
        assert!(
            component["licenses"][0]["expression"].is_string(),
            "{name} has no licence"
        );
        let checksum = component["hashes"][0]["content"].as_str();
        let twice = found.insert(name.clone(), checksum.map(str::to_owned));
        assert!(twice.is_none(), "{name} is there twice");
    }

    let lock: toml::Table = read("Cargo.lock").parse().unwrap();
    let locked: BTreeMap<String, Option<String>> = lock["package"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let of = |name: &str| package.get(name).map(|value| value.as_str().unwrap());
            let name = format!(
                "pkg:cargo/{}@{}",
                of("name").unwrap(),
                of("version").unwrap()
            );
            (name, of("checksum").map(str::to_owned))
        })
        .collect();
    assert_eq!(found, locked);

    let dependencies = bill["dependencies"].as_array().unwrap();
    let named: BTreeSet<String> = dependencies.iter().map(|one| text(&one["ref"])).collect();
    assert!(
        named.iter().eq(locked.keys()),
        "each says what it depends on"
    );
    for used in dependencies
        .iter()
        .flat_map(|one| one["dependsOn"].as_array().unwrap())
    {
        assert!(named.contains(used.as_str().unwrap()), "{used}");
    }
}

/// The names of all functions that are tests, or make some.
fn tests() -> BTreeSet<String> {
    fn walk(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, names);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let mut is_test = false;
                for line in text.lines().map(str::trim) {
                    if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                        is_test = true;
                    } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
                        names.extend(rest.split('(').next().map(str::to_owned));
                        is_test = false;
                    }
                }
            }
        }
    }
    let mut names = BTreeSet::new();
    for folder in ["src", "features", "tests"] {
        walk(&root().join(folder), &mut names);
    }
    names
}

#[test]
fn every_test_that_the_page_on_reliability_names_is_there() {
    let page = read("docs/reliability.md");
    let tests = tests();
    let (mut rows, mut named) = (BTreeSet::new(), 0);
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, number, _, _, shown, figure, _] = cells[..] else {
            continue;
        };
        let Ok(number) = number.parse::<u32>() else {
            continue;
        };
        assert!(rows.insert(number), "line {number} is there twice");
        let mut some = 0;
        for name in shown.split('`').skip(1).step_by(2) {
            some += 1;
            if name.contains('/') {
                assert!(root().join(name).exists(), "line {number} names {name}");
            } else {
                let name = name.rsplit("::").next().unwrap();
                assert!(tests.contains(name), "line {number} names {name}");
            }
        }
        named += some;
        // What has no test is not there, and the page says so.
        assert_eq!(some == 0, figure.contains("not built"), "line {number}");
    }
    assert!(rows.iter().copied().eq(1..=31), "{rows:?}");
    assert!(named > 60, "{named}");
}
