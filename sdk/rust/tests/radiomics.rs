//! Radiomic features against the benchmarks of the IBSI reference manual (tests/oracles/ibsi_phantom.tsv) and against pyradiomics
//! (tests/oracles/pyradiomics.py made the table).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "the helpers of a test may panic as the test itself may"
)]

use std::path::PathBuf;
use trocar_guest::kernels::Shape;
use trocar_guest::kernels::radiomics::{
    Bins, FirstOrder, Gather, Glcm, Intensities, Levels, SizeMatrix, first_order, glcm, glrlm, glszm,
    intensities,
};

const CASES: [&str; 5] = ["brain1", "brain2", "breast1", "lung1", "lung2"];

/// A block of voxels and the marks of a region in it.
struct Region {
    voxels: Vec<f32>,
    inside: Vec<u8>,
    shape: Shape,
}

/// The digital phantom: 0 stands for a voxel that is not in its region.
fn phantom() -> Region {
    let voxels: Vec<f32> = [
        [1_u8, 4, 4, 1, 1, 1, 4, 6, 1, 1, 4, 1, 6, 4, 1, 4, 4, 6, 4, 1],
        [1, 4, 4, 1, 1, 1, 1, 6, 1, 1, 0, 1, 3, 1, 1, 4, 4, 6, 1, 1],
        [1, 4, 4, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 6, 1, 1],
        [1, 4, 4, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 6, 1, 1],
    ]
    .as_flattened()
    .iter()
    .map(|v| f32::from(*v))
    .collect();
    let inside = voxels.iter().map(|v| u8::from(*v > 0.0)).collect();
    Region { voxels, inside, shape: Shape::new(5, 4, 4) }
}

/// As `waves` in tests/oracles/pyradiomics.py.
fn waves() -> Region {
    let (mut voxels, mut inside) = (Vec::new(), Vec::new());
    for (z, y, x) in (0..1320).map(|i| (i / 132, i / 12 % 11, i % 12)) {
        let value: i32 =
            (x * 37 + y * 91 + z * 53 + x * y * 7 + y * z * 11 + x * x * z % 17 * 13) % 401 - 150;
        let within = (2 * x - 11_i32).pow(2) + (2 * y - 10_i32).pow(2) + (2 * z - 9_i32).pow(2) <= 110;
        voxels.push(value as f32);
        inside.push(u8::from(within && (x * y + z) % 7 != 0));
    }
    Region { voxels, inside, shape: Shape::new(12, 11, 10) }
}

/// One of pyradiomics' own, as tests/oracles/radiomics_cases.py unpacked it; `None`, said on one line, where that is not here.
fn case(name: &str) -> Option<Region> {
    let data = std::env::var_os("TROCAR_DATA").map(PathBuf::from);
    let data = data.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/data"));
    let file = data.join("radiomics").join(format!("{name}.voxels"));
    let Ok(bytes) = std::fs::read(&file) else {
        println!("skipped: {} is not here", file.display());
        return None;
    };
    let end = bytes.iter().position(|b| *b == b'\n').unwrap();
    let sides: Vec<usize> =
        std::str::from_utf8(&bytes[..end]).unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
    let shape = Shape::new(sides[0], sides[1], sides[2]);
    let (reals, inside) = bytes[end + 1..].split_at(4 * shape.voxels().unwrap());
    let voxels = reals.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    Some(Region { voxels, inside: inside.to_vec(), shape })
}

/// All figures by class and name. The bins of width 1 and 25 are aligned as pyradiomics does it.
fn figures(region: &Region, width: f64) -> Vec<(String, &'static str, f64)> {
    let mut all = Vec::new();
    let mut add = |class: String, names: &'static [&'static str], numbers: Vec<f64>| {
        all.extend(names.iter().zip(numbers).map(|(name, number)| (class.clone(), *name, number)));
    };
    add("first".into(), FirstOrder::NAMES, first_order(&region.voxels, &region.inside).unwrap().numbers());
    for (name, bins) in [("width", Bins::Aligned { width }), ("number", Bins::Number(16))] {
        let levels = Levels::new(&region.voxels, &region.inside, region.shape, bins).unwrap();
        add(format!("histogram {name}"), Intensities::NAMES, intensities(&levels).numbers());
        for (how, gather) in [("average", Gather::Average), ("merge", Gather::Merge)] {
            add(format!("glcm {name} {how}"), Glcm::NAMES, glcm(&levels, gather).unwrap().numbers());
            add(format!("glrlm {name} {how}"), SizeMatrix::NAMES, glrlm(&levels, gather).unwrap().numbers());
        }
        add(format!("glszm {name}"), SizeMatrix::NAMES, glszm(&levels).unwrap().numbers());
    }
    all
}

fn find(all: &[(String, &'static str, f64)], class: &str, name: &str) -> f64 {
    let found = all.iter().find(|(c, n, _)| c == class && *n == name);
    found.unwrap_or_else(|| panic!("no {class} {name}")).2
}

fn lines(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

/// Holds a case's figures against a column of pyradiomics' table; how many there were.
fn held(name: &str, region: &Region, width: f64, column: usize) -> usize {
    let ours = figures(region, width);
    let table = lines(include_str!("../../../tests/oracles/radiomics.tsv"));
    let mut count = 0;
    for row in table.filter(|row| row[0] == name && !row[column].is_empty()) {
        // In its baseline, pyradiomics added 2000 to each voxel before it squared them.
        if column == 4 && ["energy", "root_mean_square"].contains(&row[2]) {
            continue;
        }
        let (found, want) = (find(&ours, row[1], row[2]), row[column].parse::<f64>().unwrap());
        let off = (found - want).abs() / want.abs().max(1e-9);
        assert!(off <= 1e-6, "{name}, {}, {}: {found} is not {want}", row[1], row[2]);
        count += 1;
    }
    count
}

#[test]
fn every_figure_of_the_digital_phantom_is_the_ibsi_s_to_its_three_digits() {
    let ours = figures(&phantom(), 1.0);
    let mut count = 0;
    for row in lines(include_str!("../../../tests/oracles/ibsi_phantom.tsv")) {
        let (found, want) = (find(&ours, row[0], row[1]), row[2].parse::<f64>().unwrap());
        let half = 0.5 * 10_f64.powf(want.abs().log10().floor() - 2.0);
        // A five behind the third digit may have been rounded either way.
        assert!((found - want).abs() <= half * (1.0 + 1e-9), "{} {}: {found} is not {want}", row[0], row[1]);
        count += 1;
    }
    assert_eq!(count, 18 + 5 + 2 * 25 + 2 * 16 + 16);
}

#[test]
fn a_width_from_a_stated_minimum_gives_the_phantom_the_same_levels() {
    let Region { voxels, inside, shape } = phantom();
    let told = Levels::new(&voxels, &inside, shape, Bins::Width { width: 1.0, from: 1.0 }).unwrap();
    let number = Levels::new(&voxels, &inside, shape, Bins::Number(6)).unwrap();
    let aligned = Levels::new(&voxels, &inside, shape, Bins::Aligned { width: 1.0 }).unwrap();
    assert!(told == aligned && told.count() == 6 && told.voxels() == 74);
    assert_eq!(number.count(), 6);
}

#[test]
fn figures_of_made_up_voxels_equal_those_of_pyradiomics() {
    assert_eq!(held("phantom", &phantom(), 1.0, 3), 15 + 2 + 2 * 23 + 2 * 16 + 16);
    assert_eq!(held("waves", &waves(), 25.0, 3), 15 + 2 * (2 + 2 * 23 + 2 * 16 + 16));
}

#[test]
fn figures_of_pyradiomics_own_five_cases_equal_its_own_and_its_baseline_table() {
    for name in CASES {
        let Some(region) = case(name) else { return };
        assert_eq!(held(name, &region, 25.0, 3), 15 + 2 * (2 + 2 * 23 + 2 * 16 + 16));
        assert!(held(name, &region, 25.0, 4) >= 13 + 2 + 20 + 16 + 16, "{name} has its baseline");
    }
}
