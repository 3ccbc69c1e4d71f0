//! The operator's report of a scan, and clinical tables as hospitals have them.

use crate::world::World;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The report of a scan: the scan's own row, and what was written.
fn report(world: &World, name: &str, format: &str, more: &[&str]) -> (serde_json::Value, PathBuf) {
    let args = [&["node", "scan", name, "--report", format], more].concat();
    let said = world.run(&args).exits(0);
    let row = said.json()[0].clone();
    let path = PathBuf::from(row["report"].as_str().expect("the path is in the result"));
    assert!(
        said.err.contains(&path.display().to_string()) && said.err.contains("must not leave"),
        "{}",
        said.err
    );
    (row, path)
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A cohort whose first patient has no row, with a row of someone without images, and two bad files.
fn damaged(world: &World) -> PathBuf {
    let folder = world.cohort("cohort", 6, "CT");
    let table = std::fs::read_to_string(folder.join("clinical.csv")).unwrap();
    let mut lines: Vec<String> = table.lines().map(str::to_owned).collect();
    lines.remove(1);
    lines.push("nobody,200,X,sarcoma,10,1".to_owned());
    std::fs::write(folder.join("clinical.csv"), lines.join("\n") + "\n").unwrap();
    std::fs::write(folder.join("dicom/notes.txt"), "no image").unwrap();
    std::fs::write(folder.join("dicom/empty.dcm"), "").unwrap();
    folder
}

#[test]
fn the_report_counts_what_is_there_what_is_missing_and_what_was_refused() {
    let world = World::new();
    let scanned = world.dataset("liver", &damaged(&world), &[]).exits(0).json();
    let (row, path) = report(&world, "liver", "json", &[]);
    let facts = json(&path);
    let totals = &facts["totals"];
    assert_eq!((&totals["patients"], &totals["series"]), (&6.into(), &6.into()));
    assert_eq!(facts["modalities"]["stated"]["CT"], 6);
    assert_eq!(totals["files_seen"], row["files"]);
    let refused = facts["refused"].as_array().unwrap();
    let files: u64 = refused.iter().map(|r| r["files"].as_u64().unwrap()).sum();
    let quarantined = scanned[0]["quarantined"].as_array().unwrap();
    assert_eq!((files, &totals["files_refused"]), (quarantined.len() as u64, &quarantined.len().into()));
    for group in refused {
        let same = quarantined.iter().filter(|q| q["reason"] == group["reason"]).count();
        assert_eq!(group["files"], same, "{group}");
        assert!(!group["sentence"].as_str().unwrap().is_empty());
    }
    let used = totals["files_used"].as_u64().unwrap();
    assert_eq!(used + files, totals["files_seen"].as_u64().unwrap());
    let table = &facts["clinical"];
    assert_eq!((&table["rows"], &table["patients_without_row"]), (&6.into(), &1.into()));
    assert_eq!(table["rows_without_images"], 1);
    let age = table["columns"].as_array().unwrap().iter().find(|c| c["name"] == "age_years").unwrap();
    assert_eq!((&age["admitted"], &age["missing"]["out-of-range"]), (&5.into(), &1.into()));
    let ages: u64 =
        facts["age_years"]["bins"].as_array().unwrap().iter().map(|b| b["count"].as_u64().unwrap()).sum();
    assert_eq!(ages + facts["age_years"]["not_stated"].as_u64().unwrap(), 6);
}

#[test]
fn the_page_stands_alone_is_private_and_shows_pictures() {
    let world = World::new();
    world.dataset("liver", &damaged(&world), &[]).exits(0);
    let (_, path) = report(&world, "liver", "html", &[]);
    assert!(path.starts_with(world.home().join("reports")), "{}", path.display());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    let page = std::fs::read_to_string(&path).unwrap();
    for absent in ["<script", "http://", "https://", "src=\"/", "url(", "onload", "@import"] {
        assert!(!page.contains(absent), "the page has {absent}");
    }
    assert!(page.contains("default-src 'none'") && page.contains("must not leave the node"));
    assert!(page.contains("notes.txt") && page.contains("not-dicom"));
    assert_eq!(page.matches("data:image/png;base64,").count(), 6, "one picture a series, up to 24");
    let own = world.path("mine.html");
    let (_, path) = report(&world, "liver", "html", &["-o", &own.display().to_string()]);
    assert_eq!((path, std::fs::metadata(&own).unwrap().permissions().mode() & 0o777), (own, 0o600));
}

#[test]
fn what_a_file_says_is_text_on_the_page_and_never_markup() {
    let world = World::new();
    let folder = world.cohort("cohort", 1, "CT");
    let evil = "<script>x()</";
    let mut changed = 0;
    for file in std::fs::read_dir(folder.join("dicom"))
        .unwrap()
        .flat_map(|d| std::fs::read_dir(d.unwrap().path()).unwrap())
    {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        // Manufacturer (0008,0070), LO: the same length, other letters.
        let at =
            bytes.windows(6).position(|w| w == [0x08, 0x00, 0x70, 0x00, b'L', b'O']).expect("a manufacturer");
        let length = usize::from(u16::from_le_bytes([bytes[at + 6], bytes[at + 7]]));
        let text: Vec<u8> = evil.bytes().chain(std::iter::repeat(b' ')).take(length).collect();
        bytes[at + 8..at + 8 + length].copy_from_slice(&text);
        std::fs::write(&path, bytes).unwrap();
        changed += 1;
    }
    assert!(changed > 0);
    std::fs::write(folder.join("dicom/<img src=x>.dcm"), "no image").unwrap();
    world.dataset("liver", &folder, &[]).exits(0);
    let (_, path) = report(&world, "liver", "html", &[]);
    let page = std::fs::read_to_string(path).unwrap();
    assert!(!page.contains("<script") && !page.contains("<img src=x"), "a text became markup");
    assert!(page.contains("&#60;scri") && page.contains("&#60;img src=x&#62;"), "the texts are not there");
}

#[test]
fn a_report_of_all_datasets_cannot_go_to_one_file() {
    let world = World::new();
    world.run(&["node", "scan", "--report", "html", "-o", "x.html"]).exits(2);
    world.run(&["node", "scan", "liver", "-o", "x.html"]).exits(2);
}

#[test]
fn a_dataset_without_a_policy_gets_one_that_knows_the_columns_of_its_table() {
    let world = World::new();
    let folder = world.cohort("cohort", 3, "CT");
    let table = std::fs::read_to_string(folder.join("clinical.csv")).unwrap();
    let head = "patient_id,age_years,sex,diagnosis,survival_days,event";
    assert!(table.starts_with(head));
    let table = table.replacen(head, "Patient ID,AgeAtDiagnosis,Gender,diagnosis,survival_days,event", 1);
    std::fs::write(folder.join("clinical.csv"), table).unwrap();
    let scanned = world.dataset("liver", &folder, &[]).exits(0).json();
    assert_eq!(scanned[0]["clinical_rows"], 3);
    let (_, path) = report(&world, "liver", "json", &[]);
    let columns = json(&path)["clinical"]["columns"].clone();
    let names: Vec<_> =
        columns.as_array().unwrap().iter().map(|c| (&c["name"], &c["source"], &c["admitted"])).collect();
    assert_eq!(names[0], (&"sex".into(), &"Gender".into(), &3.into()));
    assert_eq!(names[1], (&"age_at_diagnosis_years".into(), &"AgeAtDiagnosis".into(), &3.into()));
    let policy = std::fs::read_to_string(world.home().join("policy/liver.toml")).unwrap();
    assert!(
        policy.contains("key = \"Patient ID\"") && policy.contains("# { name = \"survival_days\""),
        "{policy}"
    );
}
