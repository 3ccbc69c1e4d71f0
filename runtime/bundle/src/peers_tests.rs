//! Bundles of every kind and outcome, written down for programs that are not ours, and read by those that are here.

use crate::fixture::{self, ALL, DERIVED, job, node, reviewed};
use crate::{write, write_reviewed};
use std::path::{Path, PathBuf};
use std::process::Command;
use trocar_filter::Outcome;
use trocar_manifest::Verdict;

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tmp");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// One bundle a kind of outcome, by the ends of their names.
fn bundles() -> [(&'static str, Vec<u8>); 4] {
    let all = [ALL, DERIVED].concat();
    let noised = job(&all);
    assert!(matches!(noised.outcome(480, 1), Outcome::Released(_)));
    let bundle = |patients| write(&noised.content(&noised.outcome(patients, 1)), &node()).unwrap();
    // Moments, and what is derived, are not released exactly.
    let asked = all.split("[[derived]]").next().unwrap().split("[[outputs]]");
    let outputs =
        asked.filter(|output| !output.contains("\"moments\"")).collect::<Vec<_>>().join("[[outputs]]");
    let exact = |patients, verdict| {
        write_reviewed(&reviewed(&outputs, patients, verdict).content(), &node()).unwrap()
    };
    [
        ("", bundle(480)),
        ("-withheld", bundle(9)),
        ("-exact", exact(200, Verdict::Release)),
        ("-exact-kept", exact(200, Verdict::Withhold)),
    ]
}

/// For tests/oracles/crate_check.py, verify_bundle.py and results_check.py, and for looking at.
fn examples() -> Vec<PathBuf> {
    let folder = folder();
    std::fs::write(folder.join("example-node.pub"), fixture::node().public().to_pem().unwrap()).unwrap();
    let written = |(end, bytes): (&str, Vec<u8>)| {
        let path = folder.join(format!("example-bundle{end}.zip"));
        std::fs::write(&path, bytes).unwrap();
        path
    };
    bundles().map(written).to_vec()
}

#[test]
fn example_bundles_are_written_and_other_programs_read_their_results() {
    let paths = examples();
    let python = std::env::var_os("TROCAR_PYTHON").unwrap_or_else(|| "python3".into());
    let there = Command::new(&python).args(["-c", "import altair, jsonschema, pandas, pyarrow"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        println!("skipped: no Python with altair, jsonschema, pandas and pyarrow (TROCAR_PYTHON names one)");
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracles/results_check.py");
    let said = Command::new(python).arg(script).args(&paths).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{out}\n{err}");
    assert_eq!(out.matches(": valid, ").count(), paths.len(), "{out}");
}
