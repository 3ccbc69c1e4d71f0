//! Models of a package: run by the host in the patient's worker, approved by digest, named in the bundle, refused by name.

use crate::world::{Said, World, guest, manifest, root};
use serde_json::Value;
use std::path::{Path, PathBuf};
use trocar_terms::Digest;
use trocar_testkit::onnx::{FLOAT, Graph, Numbers, meshnet};

const SIDE: u32 = 24;

/// A NIfTI-1 image of reals with voxels of 1 mm.
fn nifti(side: u32, voxels: impl Iterator<Item = f32>) -> Vec<u8> {
    let mut bytes = vec![0; 352];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    let side = u8::try_from(side).unwrap();
    put(0, &348_i32.to_le_bytes());
    put(40, &[3, 0, side, 0, side, 0, side, 0]);
    // float32, 32 bits.
    put(70, &[16, 0, 32, 0]);
    put(108, &352_f32.to_le_bytes());
    put(254, &[1, 0]);
    for at in [80, 84, 88, 280, 300, 320] {
        put(at, &1_f32.to_le_bytes());
    }
    put(344, b"n+1\0");
    bytes.extend(voxels.flat_map(f32::to_le_bytes));
    bytes
}

/// A patient with one MR image, the input of tests/oracles/meshnet.py.
fn patient(folder: &Path, number: u32) {
    std::fs::create_dir_all(folder).unwrap();
    let text =
        |tag: &str, vr: &str, value: &str| format!("\"{tag}\":{{\"vr\":\"{vr}\",\"Value\":[\"{value}\"]}}");
    let all = [
        text("00080060", "CS", "MR"),
        text("00100020", "LO", &format!("P{number}")),
        text("00120062", "CS", "YES"),
        text("0020000D", "UI", &format!("2.25.1{number}")),
        text("0020000E", "UI", &format!("2.25.2{number}")),
        text("00200052", "UI", &format!("2.25.3{number}")),
    ];
    let voxels = Numbers(2).take((SIDE as usize).pow(3));
    std::fs::write(folder.join(format!("p{number}.nii")), nifti(SIDE, voxels)).unwrap();
    std::fs::write(folder.join(format!("p{number}.json")), format!("{{{}}}", all.join(","))).unwrap();
}

fn model(world: &World, name: &str, bytes: &[u8]) -> String {
    let path = world.path(name);
    std::fs::write(&path, bytes).unwrap();
    format!("brain={}", path.display())
}

/// Packs the guest with a model, under its manifest with the edge of this net.
fn pack(world: &World, model: &str) -> (PathBuf, Said) {
    let text = std::fs::read_to_string(manifest("brain-volumes")).unwrap();
    let text = text.replace("default = 64", &format!("default = {SIDE}"));
    let text = text.replace("gate_rho = \"0.02\"", "gate_rho = \"0.05\"");
    let (manifest, package) = (world.path("brain.toml"), world.path("brain.trocar"));
    std::fs::write(&manifest, text).unwrap();
    let [m, c, p] = [&manifest, &guest("brain-volumes"), &package].map(|p| p.display().to_string());
    let said = world.run(&["pack", "--manifest", &m, "--component", &c, "--model", model, "-o", &p]);
    (package, said)
}

/// Volumes of grey and white matter in mL by onnxruntime, over the input as the guest scales it.
fn expected() -> [f64; 2] {
    let text = std::fs::read_to_string(root().join("tests/oracles/meshnet.tsv")).unwrap();
    let row = text.lines().find_map(|line| line.strip_prefix("scaled\t")).expect("the row of the guest");
    let cells: Vec<f64> = row.split('\t').map(|cell| cell.parse().unwrap()).collect();
    [cells[1] * 0.001, cells[2] * 0.001]
}

fn rehearsed(world: &World, package: &Path, data: &Path) -> Vec<[f64; 2]> {
    let [p, d] = [package, data].map(|p| p.display().to_string());
    let result = world.run(&["test", &p, "--data", &d, "--exact", "--per-patient"]).json();
    let number =
        |row: &Value, at: usize| row["contribution"][at][0].as_f64().unwrap_or_else(|| panic!("{row}"));
    result["per_patient"].as_array().unwrap().iter().map(|row| [number(row, 0), number(row, 1)]).collect()
}

#[test]
fn class_volumes_through_the_guest_equal_onnxruntimes() {
    let world = World::new();
    let data = world.path("data");
    patient(&data, 1);
    let (package, packed) = pack(&world, &model(&world, "brain.onnx", &meshnet(SIDE.into(), 1)));
    packed.exits(0);
    let volumes = rehearsed(&world, &package, &data);
    let [[grey, white]] = volumes[..] else { panic!("{volumes:?}") };
    let [a, b] = expected();
    assert!((grey - a).abs() < 1e-12 && (white - b).abs() < 1e-12, "{volumes:?} is not {a} {b}");
}

/// Sixty patients: a gate of rho 0.05 then opens for any purpose of a test.
fn cohort(world: &World) -> PathBuf {
    let data = world.path("many");
    (10..70).for_each(|number| patient(&data, number));
    data
}

const GATE: (&str, &str) = ("models = false", "models = true");

#[test]
fn a_model_is_granted_shown_approved_by_its_digest_and_its_runtime_stands_in_the_bundle() {
    let world = World::new();
    let bytes = meshnet(SIDE.into(), 1);
    world.dataset("brains", &cohort(&world), &[]).exits(0);
    let (package, packed) = pack(&world, &model(&world, "brain.onnx", &bytes));
    packed.exits(0);
    let refused = world.submit(&package, "brains", &[]).exits(3).json();
    assert_eq!(refused["code"], "ADM-02", "{refused}");
    world.change_policy("brains", &[GATE]);
    world.run(&["node", "scan", "brains"]).exits(0);
    world.approve(&package, "brains");
    let digest = Digest::of(&bytes).to_string();
    let shown = world.run(&["node", "show", &manifest_of(&world)]).exits(0).json();
    assert_eq!(shown["models"][0]["digest"], digest.as_str(), "{shown}");
    assert_eq!(shown["models"][0]["facts"]["operators"], 12);
    let job = world.submit(&package, "brains", &[]).exits(0).json();
    let (bundle, results) = world.fetch(&job["job"], 0);
    let grey = &results["outputs"][0];
    let (value, sd) = (grey["value"].as_f64().unwrap(), grey["sd"].as_f64().unwrap());
    assert!((value - expected()[0]).abs() < 6.0 * sd, "released {value} with sd {sd}");
    let text = String::from_utf8_lossy(&std::fs::read(bundle).unwrap()).into_owned();
    assert!(text.contains("tract-onnx 0.23.9") && text.contains(digest.trim_start_matches("sha256:")));
}

/// The digest of the one package that was answered.
fn manifest_of(world: &World) -> String {
    let audit = world.run(&["node", "audit"]).exits(0).out;
    let at = audit.find("\"manifest\"").expect("an approval") + "\"manifest\"".len();
    let start = at + audit[at..].find("sha256:").unwrap();
    audit[start..start + 71].to_owned()
}

#[test]
fn a_model_that_is_not_run_is_refused_by_name_before_anyone_approves_it() {
    let world = World::new();
    let graph = Graph::new("g").node("NonZero", &["x"], &["y"], &[]);
    let bytes = graph.input("x", FLOAT, &[1, 4]).output("y", FLOAT, &[1, 4]).model(17);
    let (_, packed) = pack(&world, &model(&world, "wrong.onnx", &bytes));
    let said = packed.exits(3).err;
    assert!(said.contains("the model brain: the shape of what NonZero gives depends on the data"), "{said}");
    // Whoever packs without the command gets as far as the node.
    let text = std::fs::read_to_string(world.path("brain.toml")).unwrap();
    let digests = [("brain".to_owned(), Digest::of(&bytes))].into();
    let text = trocar_manifest::with_models("m", &text, &digests).unwrap();
    let component = component(&world);
    let models = [("brain".to_owned(), bytes)].into();
    let key = trocar_manifest::keys::SecretKey::generate(&mut trocar_node::system_random());
    let path = world.path("forced.trocar");
    std::fs::write(&path, trocar_manifest::Package::pack(&text, &component, &models, &key).unwrap()).unwrap();
    world.dataset("brains", &cohort(&world), &[GATE]).exits(0);
    let refused = world.submit(&path, "brains", &[]).exits(3).json();
    assert_eq!(refused["code"], "ADM-10", "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("NonZero"), "{refused}");
}

/// The guest as a component, out of a package.
fn component(world: &World) -> Vec<u8> {
    let (package, packed) = pack(world, &model(world, "good.onnx", &meshnet(SIDE.into(), 1)));
    packed.exits(0);
    trocar_manifest::Package::open(&std::fs::read(package).unwrap()).unwrap().component
}

/// onnxruntime's own library, out of the wheel that the oracles use; `None`, said on one line, where it is not.
pub fn library() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("TROCAR_ONNXRUNTIME") {
        return Some(named.into());
    }
    let venv = root().join("target/venv/lib");
    let pythons = std::fs::read_dir(&venv).into_iter().flatten().flatten();
    let capi = pythons.map(|python| python.path().join("site-packages/onnxruntime/capi"));
    let files = capi.flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    let found = files.map(|file| file.path()).find(|path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("libonnxruntime.so"))
    });
    if found.is_none() {
        println!("skipped: no onnxruntime in {}", venv.display());
    }
    found
}

#[test]
fn the_operators_onnxruntime_computes_where_the_policy_names_it_and_nothing_runs_where_it_is_another_file() {
    let Some(library) = library() else { return };
    let world = World::new();
    let digest = Digest::of(&std::fs::read(&library).unwrap());
    let table = |digest: Digest| {
        let path = library.display();
        format!(
            "[inference]\nruntime = \"onnxruntime\"\nlibrary = \"{path}\"\ndigest = \"{digest}\"\n\n[grantable]"
        )
    };
    let wrong = table(Digest::of(b"another"));
    world.dataset("brains", &cohort(&world), &[GATE, ("[grantable]", &wrong)]).exits(0);
    let (package, packed) = pack(&world, &model(&world, "brain.onnx", &meshnet(SIDE.into(), 1)));
    packed.exits(0);
    let refused = world.submit(&package, "brains", &[]).exits(3).json();
    assert_eq!(refused["code"], "ADM-10", "{refused}");
    world.change_policy("brains", &[(&wrong, &table(digest))]);
    world.run(&["node", "scan", "brains"]).exits(0);
    world.approve(&package, "brains");
    let job = world.submit(&package, "brains", &[]).exits(0).json();
    let (bundle, results) = world.fetch(&job["job"], 0);
    let white = &results["outputs"][1];
    let (value, sd) = (white["value"].as_f64().unwrap(), white["sd"].as_f64().unwrap());
    assert!((value - expected()[1]).abs() < 6.0 * sd, "released {value} with sd {sd}");
    let text = String::from_utf8_lossy(&std::fs::read(bundle).unwrap()).into_owned();
    assert!(text.contains("onnxruntime 1.32.0"), "the bundle does not name the runtime");
}
