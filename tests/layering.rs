//! Who may import whom. The table below is the law of the house (ARCHITECTURE.md): a crate that is not in it, or an
//! import that is not in its row, fails here with a sentence.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use toml::Table;

/// Each crate of the workspace and the workspace crates that it may use. Downwards only.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("trocar-terms", &[]),
    ("trocar-manifest", &["trocar-terms"]),
    ("trocar-policy", &["trocar-terms", "trocar-manifest"]),
    ("trocar-imaging", &["trocar-terms"]),
    ("trocar-intake", &["trocar-terms"]),
    ("trocar-registry", &["trocar-terms", "trocar-manifest"]),
    ("trocar-filter", &["trocar-terms"]),
    ("trocar-inference", &["trocar-terms"]),
    ("trocar-sandbox", &["trocar-terms", "trocar-filter", "trocar-inference"]),
    (
        "trocar-worker",
        &["trocar-terms", "trocar-filter", "trocar-imaging", "trocar-inference", "trocar-sandbox"],
    ),
    ("trocar-ledger", &["trocar-terms"]),
    ("trocar-tlog", &["trocar-terms", "trocar-manifest"]),
    ("trocar-witness", &["trocar-terms", "trocar-manifest", "trocar-tlog"]),
    ("trocar-bundle", &["trocar-terms", "trocar-manifest", "trocar-filter", "trocar-tlog"]),
    (
        "trocar-node",
        &[
            "trocar-terms",
            "trocar-manifest",
            "trocar-policy",
            "trocar-filter",
            "trocar-ledger",
            "trocar-tlog",
            "trocar-witness",
            "trocar-bundle",
            "trocar-worker",
        ],
    ),
    ("trocar-testkit", &["trocar-terms", "trocar-filter"]),
    (
        "trocar",
        &[
            "trocar-terms",
            "trocar-manifest",
            "trocar-policy",
            "trocar-filter",
            "trocar-bundle",
            "trocar-worker",
            "trocar-tlog",
            "trocar-witness",
            "trocar-node",
            "trocar-intake",
            "trocar-registry",
            "trocar-testkit",
        ],
    ),
    ("trocar-guest-macros", &[]),
    ("trocar-guest", &["trocar-guest-macros"]),
    ("trocar-kernels", &["trocar-guest"]),
    ("trocar-compose", &[]),
    ("brain-volumes", &["trocar-guest"]),
    ("ct-intensity", &["trocar-guest"]),
    ("event-logistic", &["trocar-guest"]),
    ("lesion-volume", &["trocar-guest"]),
    ("pet-suv", &["trocar-guest"]),
    ("pet-tumour", &["trocar-guest"]),
    ("radiomics", &["trocar-guest"]),
    ("survival-by-age", &["trocar-guest"]),
    ("bench_kernels", &["trocar-guest"]),
    ("volume-stats", &["trocar-guest"]),
    ("attack_calls", &["trocar-guest"]),
    ("attack_endless", &["trocar-guest"]),
    ("attack_low_bit", &["trocar-guest"]),
    ("attack_memory", &["trocar-guest"]),
    ("attack_nan", &["trocar-guest"]),
    ("attack_one_hot", &["trocar-guest"]),
    ("attack_order", &["trocar-guest"]),
    ("attack_padding", &["trocar-guest"]),
    ("attack_poison", &["trocar-guest"]),
    ("attack_rounds", &["trocar-guest"]),
    ("attack_shape", &["trocar-guest"]),
    ("attack_trap", &["trocar-guest"]),
    ("attack_words", &["trocar-guest"]),
    ("trocar-native", &["trocar-terms", "trocar-worker"]),
    ("xtask", &[]),
];

/// Tests may use anything; nothing may use them.
const TESTS: &str = "trocar-tests";

/// A crate's own tests may use, beyond its row, the writer of synthetic cohorts.
const DEV_EXTRA: &[&str] = &["trocar-testkit"];

/// What only these crates may name, tests included. A trailing star stands for any ending. The first row that fits counts.
const ONLY: &[(&str, &[&str])] = &[
    ("wasmtime*", &["trocar-sandbox"]),
    ("tract-*", &["trocar-inference"]),
    ("ort", &["trocar-inference"]),
    ("dicom-ul", &["trocar-intake"]),
    ("dicom-*", &["trocar-imaging", "trocar-intake"]),
    ("object_store", &["trocar-intake"]),
    ("reqwest", &["trocar-intake", "trocar-registry", "trocar-witness"]),
    ("axum", &["trocar-witness"]),
    ("prio", &["trocar-filter"]),
    ("ed25519-dalek", &["trocar-manifest"]),
    ("sqlx", &["trocar-node"]),
    ("landlock", &["trocar-worker"]),
    ("seccompiler", &["trocar-worker"]),
    ("trocar-native", &["trocar-tests"]),
];

/// Who decodes images opens no connection.
const NO_NETWORK: &[&str] = &["trocar-imaging", "trocar-inference", "trocar-sandbox", "trocar-worker"];
const NETWORK: &[&str] =
    &["trocar-intake", "dicom-ul", "dicom-web", "reqwest", "hyper", "object_store", "tokio", "rustls"];

/// Crates that take values and give values: no async, clock, I/O or logging.
const PURE: &[&str] = &["trocar-terms", "trocar-manifest", "trocar-policy", "trocar-filter", "trocar-tlog"];
const IMPURE: &[&str] = &["tokio", "sqlx", "rustix", "walkdir", "tempfile", "tracing", "log", "getrandom"];

/// Crates that promise 1 of DESIGN.md rests on; their source denies what could stop or wrap silently.
const TRUSTED: &[&str] = &[
    "trocar-terms",
    "trocar-manifest",
    "trocar-policy",
    "trocar-filter",
    "trocar-ledger",
    "trocar-tlog",
    "trocar-sandbox",
    "trocar-node",
];
const TRUSTED_LINTS: &[&str] =
    &["indexing_slicing", "arithmetic_side_effects", "wildcard_enum_match_arm", "float_cmp"];

/// Crates that may have one `unsafe` line, and for which reason: `forbid` could not be lifted for that line.
const UNSAFE: &[(&str, &str)] = &[
    ("trocar-sandbox", "loads machine code that the node made and authenticated"),
    ("trocar-worker", "forks a single-threaded zygote"),
    ("trocar-native", "makes the system calls of an attacker, in tests alone"),
    ("trocar-kernels", "exports of a component, which its bindings generate"),
];

fn metadata() -> Metadata {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("Cargo.toml");
    MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap()
}

fn name(package: &Package) -> &str {
    package.name.as_str()
}

/// Names of the direct dependencies of these kinds.
fn imports<'a>(package: &'a Package, kinds: &[DependencyKind]) -> BTreeSet<&'a str> {
    let used = package.dependencies.iter().filter(|dependency| kinds.contains(&dependency.kind));
    used.map(|dependency| dependency.name.as_str()).collect()
}

fn shipped(package: &Package) -> BTreeSet<&str> {
    imports(package, &[DependencyKind::Normal, DependencyKind::Build])
}

fn table(package: &Package) -> Table {
    fs::read_to_string(&package.manifest_path).unwrap().parse().unwrap()
}

fn row(name: &str) -> Option<&'static [&'static str]> {
    MAY_IMPORT.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, row)| *row)
}

fn none(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn every_crate_has_a_row_and_every_row_a_crate() {
    let metadata = metadata();
    let crates: BTreeSet<_> = metadata.packages.iter().map(name).filter(|name| *name != TESTS).collect();
    let rows: BTreeSet<_> = MAY_IMPORT.iter().map(|(name, _)| *name).collect();
    let missing = crates.difference(&rows).map(|name| format!("{name} has no row in tests/layering.rs"));
    let gone =
        rows.difference(&crates).map(|name| format!("{name} has a row in tests/layering.rs but is no crate"));
    none(&missing.chain(gone).collect::<Vec<_>>());
}

#[test]
fn no_crate_imports_a_workspace_crate_outside_its_row() {
    let metadata = metadata();
    let ours: BTreeSet<_> = metadata.packages.iter().map(name).collect();
    let mut broken = Vec::new();
    for package in metadata.packages.iter().filter(|package| name(package) != TESTS) {
        let allowed = row(name(package)).unwrap_or_default();
        let ship = shipped(package).into_iter().filter(|used| !allowed.contains(used));
        let dev = imports(package, &[DependencyKind::Development]).into_iter();
        let dev = dev.filter(|used| !allowed.contains(used) && !DEV_EXTRA.contains(used));
        for used in ship.chain(dev).filter(|used| ours.contains(used)) {
            broken.push(format!("{} must not import {used}: it is not in its row", name(package)));
        }
    }
    none(&broken);
}

#[test]
fn the_table_has_no_way_back_up() {
    let position = |name: &str| MAY_IMPORT.iter().position(|(row, _)| *row == name);
    let mut broken = Vec::new();
    for (user, row) in MAY_IMPORT {
        for used in row.iter().filter(|used| position(used) >= position(user)) {
            broken.push(format!("the row of {user} names {used}, which stands below it"));
        }
    }
    none(&broken);
}

/// `--exact` of the author's rehearsal lives in testkit: what is not linked cannot be called.
#[test]
fn the_node_does_not_reach_the_source_without_noise() {
    let metadata = metadata();
    let uses: BTreeMap<_, _> =
        metadata.packages.iter().map(|package| (name(package), shipped(package))).collect();
    let (mut reached, mut open) = (BTreeSet::new(), vec!["trocar-node"]);
    while let Some(next) = open.pop() {
        for used in uses.get(next).into_iter().flatten().filter(|used| uses.contains_key(*used)) {
            if reached.insert(*used) {
                open.push(used);
            }
        }
    }
    assert!(!reached.contains("trocar-testkit"), "trocar-node reaches trocar-testkit through {reached:?}");
}

/// What tests compare byte by byte is drawn by `tests/src/bin/trocar-seeded.rs`, which no crate can link: nothing that is
/// shipped names its variables, seeds a generator or gives a node another one than the entry of the program did.
#[test]
fn nothing_of_the_product_knows_the_seed_or_the_clock_of_the_tests() {
    let runtime = metadata().workspace_root.join("runtime");
    let mut broken = Vec::new();
    for (folder, words) in [
        ("", &["TROCAR_TEST_SEED", "TROCAR_TEST_CLOCK"][..]),
        ("node/src", &["from_seed", "seed_from_u64", "from_rng", "ChaCha", "with_random("]),
        ("cli/src", &["from_seed", "seed_from_u64", "from_rng", "ChaCha", "with_random("]),
    ] {
        let mut files = Vec::new();
        sources(runtime.join(folder).as_std_path(), &mut files);
        for (file, word) in files.iter().flat_map(|file| words.iter().map(move |word| (file, word))) {
            let text = fs::read_to_string(file).unwrap();
            let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
            if shipped.contains(word)
                && !TAKES_RANDOMNESS.iter().any(|(path, fits)| file.ends_with(path) && fits == word)
            {
                broken.push(format!("{} must not say {word}", file.display()));
            }
        }
    }
    none(&broken);
    let entry = fs::read_to_string(runtime.join("cli/src/bin/trocar.rs")).unwrap();
    assert!(
        entry.contains("trocar::main(trocar::Outside::SYSTEM)"),
        "the product does not start with the system's"
    );
}

/// Where the program's source of randomness is handed on, and where it is taken.
const TAKES_RANDOMNESS: &[(&str, &str)] =
    &[("cli/src/node.rs", "with_random("), ("node/src/node.rs", "with_random(")];

fn sources(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn each_border_library_is_named_by_its_owners_alone() {
    let metadata = metadata();
    let mut broken = Vec::new();
    for package in &metadata.packages {
        for used in package.dependencies.iter().map(|dependency| dependency.name.as_str()) {
            let owners = ONLY.iter().find(|(pattern, _)| fits(pattern, used)).map(|(_, owners)| *owners);
            if owners.is_some_and(|owners| !owners.contains(&name(package))) {
                let owners = owners.unwrap_or_default().join(" and ");
                broken.push(format!("{} must not name {used}: only {owners} may", name(package)));
            }
        }
    }
    none(&broken);
}

#[test]
fn the_crates_that_decode_images_have_no_network() {
    let metadata = metadata();
    let mut broken = Vec::new();
    for package in metadata.packages.iter().filter(|package| NO_NETWORK.contains(&name(package))) {
        for used in shipped(package).into_iter().filter(|used| NETWORK.contains(used)) {
            broken.push(format!("{} decodes images, so it must not import {used}", name(package)));
        }
    }
    none(&broken);
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

#[test]
fn the_pure_crates_import_nothing_that_waits_reads_or_logs() {
    let metadata = metadata();
    let mut broken = Vec::new();
    for package in metadata.packages.iter().filter(|package| PURE.contains(&name(package))) {
        for used in shipped(package).into_iter().filter(|used| IMPURE.contains(used)) {
            broken.push(format!(
                "{} takes values and gives values, so it must not import {used}",
                name(package)
            ));
        }
    }
    none(&broken);
}

#[test]
fn every_dependency_is_declared_once_in_the_workspace() {
    let mut broken = Vec::new();
    for package in &metadata().packages {
        for (section, dependencies) in dependency_tables(&table(package)) {
            for (used, line) in dependencies {
                let from_workspace = line.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                if !from_workspace {
                    broken.push(format!("{}: [{section}] {used} must say `workspace = true`", name(package)));
                }
            }
        }
    }
    none(&broken);
}

/// Also those of one target alone.
fn dependency_tables(manifest: &Table) -> Vec<(String, Table)> {
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let targets = targets.filter_map(|(_, target)| target.as_table());
    let mut found = Vec::new();
    for table in std::iter::once(manifest).chain(targets) {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            if let Some(dependencies) = table.get(section).and_then(toml::Value::as_table) {
                found.push((section.to_owned(), dependencies.clone()));
            }
        }
    }
    found
}

#[test]
fn every_declared_dependency_is_used() {
    let metadata = metadata();
    let root =
        fs::read_to_string(metadata.workspace_root.join("Cargo.toml")).unwrap().parse::<Table>().unwrap();
    let all = [DependencyKind::Normal, DependencyKind::Development, DependencyKind::Build];
    let used: BTreeSet<_> = metadata.packages.iter().flat_map(|package| imports(package, &all)).collect();
    let declared = root["workspace"]["dependencies"].as_table().unwrap();
    let idle = declared.keys().filter(|name| !used.contains(name.as_str()));
    none(&idle.map(|name| format!("Cargo.toml declares {name}, which no crate uses")).collect::<Vec<_>>());
}

#[test]
fn every_crate_takes_the_workspace_lints() {
    let metadata = metadata();
    let root =
        fs::read_to_string(metadata.workspace_root.join("Cargo.toml")).unwrap().parse::<Table>().unwrap();
    let mut broken = Vec::new();
    for package in metadata.packages.iter().filter(|package| name(package) != TESTS) {
        let lints = table(package).get("lints").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        let takes = lints.get("workspace").and_then(toml::Value::as_bool) == Some(true);
        let excepted = UNSAFE.iter().any(|(excepted, _)| *excepted == name(package));
        if excepted && !takes {
            broken.extend(own_lints(name(package), &lints, root["workspace"]["lints"].as_table().unwrap()));
        } else if !takes {
            broken.push(format!("{} must say `[lints] workspace = true`", name(package)));
        }
    }
    none(&broken);
}

/// A crate with its own table repeats every lint of the workspace; only `unsafe_code` may be `deny`, not `forbid`.
fn own_lints(name: &str, own: &Table, workspace: &Table) -> Vec<String> {
    let mut broken = Vec::new();
    for (tool, lints) in workspace {
        for (lint, level) in lints.as_table().unwrap() {
            let found = own.get(tool).and_then(|lints| lints.get(lint));
            let excepted = lint == "unsafe_code" && found.and_then(toml::Value::as_str) == Some("deny");
            if found != Some(level) && !excepted {
                broken.push(format!(
                    "{name} has its own [lints], where {tool} {lint} must be as in the workspace"
                ));
            }
        }
    }
    broken
}

#[test]
fn the_tests_crate_forbids_unsafe_code_too() {
    let metadata = metadata();
    let tests = metadata.packages.iter().find(|package| name(package) == TESTS).unwrap();
    let level = table(tests).get("lints").and_then(|lints| lints.get("rust")?.get("unsafe_code").cloned());
    assert_eq!(level.and_then(|level| level.as_str().map(str::to_owned)), Some("forbid".to_owned()));
}

#[test]
fn the_trusted_crates_deny_what_could_stop_or_wrap() {
    let mut broken = Vec::new();
    for package in metadata().packages.iter().filter(|package| TRUSTED.contains(&name(package))) {
        let library = package.manifest_path.parent().unwrap().join("src/lib.rs");
        let text = fs::read_to_string(&library).unwrap();
        let denied =
            text.split("#![deny(").skip(1).filter_map(|rest| rest.split(")]").next()).collect::<String>();
        for lint in TRUSTED_LINTS.iter().filter(|lint| !denied.contains(*lint)) {
            broken.push(format!("{library} must deny clippy::{lint}: the crate is trusted"));
        }
    }
    none(&broken);
}

/// Elsewhere the compiler forbids it; these two could otherwise grow.
#[test]
fn the_crates_that_may_be_unsafe_are_so_in_one_line() {
    let metadata = metadata();
    let mut broken = Vec::new();
    for (excepted, reason) in UNSAFE {
        let package = metadata.packages.iter().find(|package| name(package) == *excepted).unwrap();
        let found = unsafe_lines(package.manifest_path.parent().unwrap().join("src").as_std_path());
        if found > 1 {
            broken.push(format!("{excepted} has {found} `unsafe` lines; one is allowed: it {reason}"));
        }
    }
    none(&broken);
}

/// Lines of code that open an unsafe block, item or attribute.
fn unsafe_lines(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { unsafe_lines(&path) } else { unsafe_lines_of(&path) }).sum()
}

fn unsafe_lines_of(file: &Path) -> usize {
    let text = fs::read_to_string(file).unwrap();
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.filter(|line| ["unsafe {", "unsafe fn", "unsafe impl"].iter().any(|form| line.contains(form)))
        .count()
}
