//! The rules of the house, read from the pages that state them: ARCHITECTURE.md for who may import whom and who alone
//! owns a library, SECURITY.md for the tests that back its claims. A page that no longer tells the truth fails here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace root is two up")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// The cells of each row of the first table under `heading`, head and rule line left out.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let text = read(page);
    let after =
        text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{page} has no '{heading}'")).1;
    let rows: Vec<Vec<String>> = after
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert!(rows.len() > 2, "{page}: the table under '{heading}' is empty");
    rows.into_iter().skip(2).collect()
}

/// Everything between backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

struct Crate {
    folder: String,
    dependencies: BTreeSet<String>,
}

/// Every crate of the workspace with its `[dependencies]` (not the dev ones: those never reach a product).
fn crates() -> Vec<Crate> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("crates")).expect("crates/ exists") {
        let folder = entry.expect("a readable entry").file_name().into_string().expect("plain folder names");
        let manifest: toml::Table = read(&format!("crates/{folder}/Cargo.toml"))
            .parse()
            .unwrap_or_else(|why| panic!("{folder}: {why}"));
        let mut dependencies = BTreeSet::new();
        for table in ["dependencies", "build-dependencies"] {
            let names = manifest.get(table).and_then(toml::Value::as_table);
            dependencies.extend(names.into_iter().flat_map(|names| names.keys().cloned()));
        }
        for per_target in
            manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(|t| t.values())
        {
            let names = per_target.get("dependencies").and_then(toml::Value::as_table);
            dependencies.extend(names.into_iter().flat_map(|names| names.keys().cloned()));
        }
        found.push(Crate { folder, dependencies });
    }
    found
}

/// The floors of the table: crate -> (floor, the crates of ours that it may import).
fn floors() -> BTreeMap<String, (u32, BTreeSet<String>)> {
    let rows = table("ARCHITECTURE.md", "## Floors");
    let names: BTreeSet<String> = rows.iter().flat_map(|row| quoted(&row[1])).collect();
    let mut floors = BTreeMap::new();
    for row in &rows {
        let floor = row[0].parse().unwrap_or_else(|_| panic!("'{}' is no floor", row[0]));
        let name = quoted(&row[1]).into_iter().next().expect("a crate per row");
        let may = if row[3] == "all" { names.clone() } else { quoted(&row[3]) };
        assert!(may.is_subset(&names), "{name} may import what is not in the table: {may:?}");
        floors.insert(name, (floor, may));
    }
    floors
}

#[test]
fn every_crate_stands_in_the_table_and_imports_only_what_it_may() {
    let floors = floors();
    let crates = crates();
    let built: BTreeSet<&str> = crates.iter().map(|it| it.folder.as_str()).collect();
    let listed: BTreeSet<&str> = floors.keys().map(String::as_str).collect();
    assert_eq!(built, listed, "crates/ on the left, the table of ARCHITECTURE.md on the right");
    let mut wrong = Vec::new();
    for it in &crates {
        let (floor, may) = &floors[&it.folder];
        for import in it.dependencies.iter().filter(|name| floors.contains_key(*name)) {
            if !may.contains(import) {
                wrong.push(format!("{} must not import {import}", it.folder));
            }
            if floors[import].0 >= *floor {
                wrong.push(format!(
                    "{} (floor {floor}) imports {import} (floor {})",
                    it.folder, floors[import].0
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn heavy_libraries_have_the_owners_of_the_table() {
    let crates = crates();
    let mut wrong = Vec::new();
    for row in table("ARCHITECTURE.md", "### Owners of libraries") {
        let owners = quoted(&row[1]);
        for library in quoted(&row[0]) {
            let mut users = BTreeSet::new();
            for it in &crates {
                let uses = if library.contains("::") {
                    sources(&it.folder, "src").iter().any(|(_, text)| text.contains(&library))
                } else {
                    it.dependencies.contains(&library)
                };
                if uses {
                    users.insert(it.folder.clone());
                }
            }
            if users != owners {
                wrong.push(format!("{library}: used by {users:?}, the table says {owners:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Path and text of each Rust file below `part` (src or tests) of a crate; a part that is not there has none.
fn sources(folder: &str, part: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join("crates").join(folder).join(part)];
    open.retain(|it| it.exists());
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|why| panic!("{}: {why}", next.display())) {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn the_ground_floors_have_no_std() {
    for (name, (floor, _)) in floors() {
        if floor <= 1 {
            let lib = read(&format!("crates/{name}/src/lib.rs"));
            assert!(
                lib.contains("#![no_std]"),
                "{name} is on floor {floor}, where there is no I/O and no clock"
            );
        }
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let workspace: toml::Table = read("Cargo.toml").parse().expect("TOML");
    assert_eq!(workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for it in crates() {
        let manifest: toml::Table = read(&format!("crates/{}/Cargo.toml", it.folder)).parse().expect("TOML");
        let taken =
            manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
        assert_eq!(taken, Some(true), "{}", it.folder);
    }
}

#[test]
fn every_crate_says_what_it_is_for_and_what_it_never_does() {
    let mut wrong = Vec::new();
    for it in crates() {
        let top = if it.folder == "portcullis" { "main" } else { "lib" };
        let text = read(&format!("crates/{}/src/{top}.rs", it.folder));
        let heads: Vec<&str> = text.lines().take(12).collect();
        for word in ["Purpose", "Owns", "Trusts", "Never"] {
            if !heads.iter().any(|line| line.starts_with("//!") && line.contains(word)) {
                wrong.push(format!("crates/{}/src/{top}.rs does not say '{word}'", it.folder));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_pages_name_only_files_that_exist() {
    let tops = ["crates/", "bench/", "docs/", "scripts/", "fuzz/", "tests/", ".ci/"];
    let mut gone = Vec::new();
    for page in ["ARCHITECTURE.md", "README.md", "SECURITY.md", "CHANGELOG.md"] {
        for name in quoted_lines(&read(page)) {
            let plain = !name.contains([' ', '*', '<', '{']);
            if plain && tops.iter().any(|top| name.starts_with(top)) && !root().join(&name).exists() {
                gone.push(format!("{page} names {name}"));
            }
        }
    }
    assert!(gone.is_empty(), "{gone:#?}");
}

/// Backtick quotes line by line, so that a fenced block does not turn the quotes inside out.
fn quoted_lines(text: &str) -> BTreeSet<String> {
    text.lines().filter(|line| !line.trim_start().starts_with("```")).flat_map(quoted).collect()
}

#[test]
fn every_fuzz_target_has_seeds() {
    let targets = fs::read_dir(root().join("fuzz/fuzz_targets")).expect("fuzz targets");
    for target in targets {
        let target = target.expect("a readable entry").path();
        let name = target.file_stem().expect("a file").to_string_lossy().into_owned();
        let seeds = fs::read_dir(root().join("fuzz/seeds").join(&name));
        assert!(seeds.is_ok_and(|mut seeds| seeds.next().is_some()), "fuzz/seeds/{name} is empty or missing");
    }
}

#[test]
fn every_test_that_security_md_names_exists() {
    let mut tests = BTreeSet::new();
    for it in crates() {
        for part in ["src", "tests"] {
            for (_, text) in sources(&it.folder, part) {
                tests.extend(functions(&text));
            }
        }
    }
    // A story is a test by the name of its file.
    let scripts = root().join("crates/portcullis/tests/stories/scripts");
    for script in fs::read_dir(scripts).expect("the stories") {
        let script = script.expect("a readable entry").path();
        tests.insert(script.file_stem().expect("a file").to_string_lossy().into_owned());
    }
    let page = read("SECURITY.md");
    let claims = page.split_once("\n## Attackers\n").expect("SECURITY.md has a chapter 'Attackers'").1;
    let named: BTreeSet<String> =
        quoted_lines(claims).into_iter().filter(|name| name.contains('_') && is_identifier(name)).collect();
    assert!(named.len() > 10, "SECURITY.md backs its claims with tests: {named:?}");
    let gone: Vec<&String> = named.difference(&tests).collect();
    assert!(gone.is_empty(), "SECURITY.md names tests that do not exist: {gone:#?}");
}

fn is_identifier(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The names of the functions in `text` that stand under a `#[test]` of any kind, or inside `proptest!`.
fn functions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        }
        let rest = line.strip_prefix("async ").unwrap_or(line);
        if let Some(rest) = rest.strip_prefix("fn ") {
            if marked {
                found.push(rest.split(['(', '<']).next().unwrap_or_default().to_owned());
            }
            marked = false;
        }
    }
    found
}
