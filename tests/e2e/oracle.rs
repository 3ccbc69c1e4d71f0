//! Author mode without noise, against pydicom and numpy (oracles/stats.py made the tables).

use crate::world::{World, guest, manifest, pydicom, real_pet, root, shared};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Voxels, mean, sd, min, max of each row of a table.
fn expected(table: &str) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(root().join("tests/oracles").join(table)).unwrap();
    let mut lines = text.lines().filter(|l| !l.starts_with('#')).map(|l| l.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let at = |name: &str| head.iter().position(|h| *h == name).unwrap();
    let columns = ["voxels", "mean", "sd", "min", "max"].map(at);
    lines.map(|row| columns.iter().map(|c| row[*c].parse().unwrap()).collect()).collect()
}

fn measured(folder: &Path) -> Vec<Vec<f64>> {
    let world = World { folder: tempfile::tempdir().unwrap() };
    let [m, c, d] =
        [&manifest("volume-stats"), &guest("volume-stats"), folder].map(|p| p.display().to_string());
    let args = ["test", "--manifest", &m, "--component", &c, "--data", &d, "--exact", "--per-patient"];
    let result = world.run(&args);
    let rows = result.json()["per_patient"].as_array().unwrap().clone();
    let number = |x: &Value| x.as_f64().unwrap();
    let row = |r: &Value| r["contribution"][0].as_array().map(|v| v.iter().map(number).collect::<Vec<f64>>());
    rows.iter().map(|r| row(r).unwrap_or_else(|| panic!("a patient failed: {r}"))).collect()
}

#[track_caller]
fn equal(mut ours: Vec<Vec<f64>>, mut theirs: Vec<Vec<f64>>) {
    ours.sort_by(|a, b| a.partial_cmp(b).unwrap());
    theirs.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(ours.len(), theirs.len(), "another number of patients");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        for (a, b) in ours.iter().zip(theirs) {
            assert!((a - b).abs() <= 1e-9 * b.abs(), "{ours:?} is not {theirs:?}");
        }
    }
}

#[test]
fn statistics_of_the_51_real_pet_volumes_equal_pydicom_and_numpy() {
    let folder = tempfile::tempdir().unwrap();
    let Some(data) = real_pet(folder.path()) else { return };
    equal(measured(&data), expected("sts51_pet.tsv"));
}

#[test]
fn statistics_of_the_real_ct_files_equal_pydicom_and_numpy() {
    let Some(files) = pydicom() else { return };
    equal(measured(&files), expected("pydicom_ct.tsv"));
}

/// A table's rows by patient.
fn by_patient(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let row = |cells: Vec<String>| (cells[0].clone(), head.iter().cloned().zip(cells).collect());
    lines.map(row).collect()
}

/// Mean SUV and volume in ml of the tumour of each patient, through a guest in author mode.
fn tumours(data: &Path) -> BTreeMap<String, [f64; 2]> {
    let world = World { folder: tempfile::tempdir().unwrap() };
    let [m, c, d] = [&manifest("pet-tumour"), &guest("pet-tumour"), data].map(|p| p.display().to_string());
    let args = ["test", "--manifest", &m, "--component", &c, "--data", &d, "--exact", "--per-patient"];
    let result = world.run(&args).exits(0).json();
    let number =
        |row: &Value, at: usize| row["contribution"][at][0].as_f64().unwrap_or_else(|| panic!("{row}"));
    let rows = result["per_patient"].as_array().unwrap().iter();
    rows.map(|r| (r["patient"].as_str().unwrap().to_owned(), [number(r, 0), number(r, 1)])).collect()
}

#[test]
fn tumours_of_51_real_patients_have_the_voxels_and_the_mean_of_the_oracle_and_of_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let Some(data) = real_pet(folder.path()) else { return };
    let ours = tumours(&data);
    let text = |path: &Path| std::fs::read_to_string(path).unwrap();
    let oracle = by_patient(&text(&root().join("tests/oracles/sts51_tumour.tsv")));
    let reference = by_patient(&text(&shared().join("sts/sts51_pet_reference.tsv")));
    assert_eq!(ours.len(), 51);
    let (mut pooled, mut all, mut volumes) = (0.0, 0.0, Vec::new());
    for (patient, [mean, volume]) in &ours {
        let cell = |of: &BTreeMap<String, BTreeMap<String, String>>, name: &str| {
            of[patient][name].parse::<f64>().unwrap()
        };
        let voxels = (volume / cell(&oracle, "voxel_ml")).round();
        assert_eq!(voxels, cell(&oracle, "voxels"), "{patient}: other voxels than the oracle's");
        let off = (mean - cell(&oracle, "mean")).abs() / mean;
        assert!(off <= 1e-12, "{patient}: another mean than the oracle's: {mean}");
        // MIRP's masks: the same voxels for every patient, and six digits of the rest.
        assert_eq!(voxels, cell(&reference, "mask_voxels"), "{patient}: other voxels than MIRP's");
        assert!(
            (mean / cell(&reference, "suv_mean") - 1.0).abs() < 1e-5,
            "{patient}: another mean than MIRP's"
        );
        assert!(
            (volume / cell(&reference, "volume_ml") - 1.0).abs() < 1e-5,
            "{patient}: another volume than MIRP's"
        );
        (pooled, all) = (pooled + mean * voxels, all + voxels);
        volumes.push(*volume);
    }
    volumes.sort_by(f64::total_cmp);
    let means: f64 = ours.values().map(|[mean, _]| mean).sum();
    let close = |a: f64, b: f64, name: &str| assert!((a - b).abs() <= 5e-7, "{name}: {a}");
    assert_eq!(all, 299_787.0);
    close(means / 51.0, 3.960_381, "the mean of means");
    close(pooled / all, 3.383_302, "the pooled mean");
    assert!((volumes[25] - 353.07).abs() < 0.005, "the median volume: {}", volumes[25]);
}

#[test]
fn the_tumours_mean_suv_is_released_where_the_policy_grants_segmentations_and_refused_where_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let Some(data) = real_pet(folder.path()) else { return };
    let world = World::new();
    world.dataset("sarcoma", &data, &[]).exits(0);
    // Three outputs of 0.02 leave 0.04 of a job's 0.1 for the gate, which 51 patients then open.
    let package = world.pack("pet-tumour", &[("gate_rho = \"0.02\"", "gate_rho = \"0.035\"")]);
    let refused = world.submit(&package, "sarcoma", &[]).exits(3).json();
    assert_eq!(refused["code"], "ADM-02", "{refused}");
    world.change_policy("sarcoma", &[("masks = false", "masks = true")]);
    world.run(&["node", "scan", "sarcoma"]).exits(0);
    world.approve(&package, "sarcoma");
    let job = world.submit(&package, "sarcoma", &[]).exits(0).json();
    let (_, results) = world.fetch(&job["job"], 0);
    let suv = &results["outputs"][0];
    let (value, sd) = (suv["value"].as_f64().unwrap(), suv["sd"].as_f64().unwrap());
    assert!((value - 3.960_381).abs() < 6.0 * sd, "released {value} with sd {sd}");
}

#[test]
fn the_mean_suv_of_51_real_patients_is_released_with_its_interval() {
    let folder = tempfile::tempdir().unwrap();
    let Some(data) = real_pet(folder.path()) else { return };
    let means: Vec<f64> = expected("sts51_pet.tsv").iter().map(|r| r[1]).collect();
    let truth = means.iter().sum::<f64>() / means.len() as f64;
    let world = World::new();
    let scan = world.dataset("sarcoma", &data, &[]).exits(0).json();
    assert_eq!(scan[0]["patients"], 51);
    // 51 patients open the gate with about 98 % at rho 0.02; at 0.05 always, for any purpose of a test.
    let package = world.pack("pet-suv", &[("gate_rho = \"0.02\"", "gate_rho = \"0.05\"")]);
    world.approve(&package, "sarcoma");
    let job = world.submit(&package, "sarcoma", &[]).exits(0).json();
    let (_, results) = world.fetch(&job["job"], 0);
    let suv = &results["outputs"][0];
    let (value, sd) = (suv["value"].as_f64().unwrap(), suv["sd"].as_f64().unwrap());
    assert!((value - truth).abs() < 6.0 * sd, "released {value} with sd {sd}, but the mean is {truth}");
    assert!(suv["low95"].as_f64().unwrap() < value && value < suv["high95"].as_f64().unwrap());
}

#[test]
fn lesions_of_a_cohort_have_the_radiomic_features_of_pyradiomics() {
    let world = World { folder: tempfile::tempdir().unwrap() };
    let out = world.path("cohort").display().to_string();
    let cohort = ["testkit", "cohort", "-o", &out, "--patients", "12", "--seed", "11", "--masks", "seg"];
    world.run(&cohort).exits(0);
    let [m, c] = [manifest("radiomics"), guest("radiomics")].map(|p| p.display().to_string());
    let args = ["test", "--manifest", &m, "--component", &c, "--data", &out, "--exact", "--per-patient"];
    let result = world.run(&args).exits(0).json();
    let ours = result["per_patient"].as_array().unwrap();
    let table = std::fs::read_to_string(root().join("tests/oracles/lesions.tsv")).unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().filter(|l| !l.starts_with('#')).map(|l| l.split('\t').collect()).collect();
    assert_eq!((ours.len(), rows.len()), (12, 12));
    for row in &rows {
        let patient = ours.iter().find(|p| p["patient"] == row[0]).unwrap();
        for output in 0..7 {
            let (found, want) = (patient["contribution"][output][0].as_f64(), row.get(output + 1));
            let want = want.map(|text| text.parse::<f64>().unwrap());
            let close = |(a, b): (f64, f64)| (a - b).abs() <= 1e-6 * b.abs();
            let equal = found.zip(want).map_or(found.is_none() && want.is_none(), close);
            assert!(equal, "{}, output {output}: {found:?} is not {want:?}", row[0]);
        }
    }
}

#[test]
fn each_example_gives_its_stated_figures_on_its_seeded_cohort_without_noise() {
    for name in ["ct-intensity", "lesion-volume", "pet-suv"] {
        let stated = root().join("guest-examples").join(name).join("figures.json");
        let stated: Value = serde_json::from_str(&std::fs::read_to_string(stated).unwrap()).unwrap();
        let world = World { folder: tempfile::tempdir().unwrap() };
        let [m, c] = [manifest(name), guest(name)].map(|p| p.display().to_string());
        let [n, s] = [&stated["cohort"]["patients"], &stated["cohort"]["seed"]].map(|v| v.to_string());
        let args = ["test", "--manifest", &m, "--component", &c, "--patients", &n, "--seed", &s, "--exact"];
        let result = world.run(&args).exits(0).json();
        let mut seen = serde_json::Map::new();
        for output in result["figures"]["outputs"].as_array().unwrap() {
            seen.insert(output["name"].as_str().unwrap().to_owned(), output["value"].clone());
        }
        assert_eq!(Value::Object(seen), stated["outputs"], "the figures of {name} are not the stated ones");
    }
}

#[test]
fn lesion_volumes_and_intensities_are_those_that_the_cohort_was_written_with() {
    let world = World { folder: tempfile::tempdir().unwrap() };
    let folder = world.path("cohort");
    let out = folder.display().to_string();
    world.run(&["testkit", "cohort", "-o", &out, "--patients", "40", "--seed", "11"]).exits(0);
    let truth = std::fs::read_to_string(folder.join("truth.csv")).unwrap();
    let head: Vec<&str> = truth.lines().next().unwrap().split(',').collect();
    let column = |name: &str| -> Vec<f64> {
        let at = head.iter().position(|h| *h == name).unwrap();
        truth.lines().skip(1).map(|l| l.split(',').nth(at).unwrap().parse().unwrap()).collect()
    };
    let released = |name: &str| -> Value {
        let [m, c] = [manifest(name), guest(name)].map(|p| p.display().to_string());
        let clinical = folder.join("clinical.csv").display().to_string();
        let data = ["--data", &out, "--clinical", &clinical, "--exact"];
        world.run(&[&["test", "--manifest", &m, "--component", &c][..], &data].concat()).exits(0).json()
    };
    let value = |result: &Value, at: usize| result["figures"]["outputs"][at]["value"].as_f64().unwrap();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;

    let volumes: Vec<f64> = column("lesion_ml").into_iter().filter(|v| *v > 0.0).collect();
    let lesions = released("lesion-volume");
    assert_eq!(value(&lesions, 0), volumes.len() as f64, "another number of patients with a lesion");
    assert!((value(&lesions, 1) - mean(&volumes)).abs() < 1.0 / 16.0, "another mean volume");
    let intensity = value(&released("ct-intensity"), 0);
    // Each patient's mean is rounded to the grid of 1/16 HU.
    assert!(
        (intensity - mean(&column("body_mean"))).abs() < 1.0 / 16.0,
        "another mean intensity: {intensity}"
    );
}
