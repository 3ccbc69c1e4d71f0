//! The kernels against numpy, scipy and ITK (tests/oracles/kernels.py made the table).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "the helpers of a test may panic as the test itself may"
)]

use std::collections::BTreeMap;
use trocar_guest::kernels::{
    Edge, EvenBins, Histogram, Kernel, Lattice, Neighbours, Separable, Shape, Sizes, Statistics, label,
    resample,
};

const SHAPE: Shape = Shape::new(17, 13, 9);
const EDGES: [(&str, Edge); 3] =
    [("nearest", Edge::Nearest), ("reflect", Edge::Reflect), ("zero", Edge::Zero)];

fn places() -> impl Iterator<Item = (i32, i32, i32)> {
    (0..17 * 13 * 9).map(|i| (i % 17, i / 17 % 13, i / (17 * 13)))
}

fn whole() -> Vec<i16> {
    let value = |(x, y, z): (i32, i32, i32)| {
        (x * 131 + y * 57 + z * 211 + x * y * z * 5 + x * x % 7 * 90) % 997 - 400
    };
    places().map(|place| i16::try_from(value(place)).unwrap()).collect()
}

fn real() -> Vec<f32> {
    whole().into_iter().map(f32::from).collect()
}

fn inside() -> Vec<u8> {
    places().map(|(x, y, z)| u8::from((x * 3 + y * 5 + z * 7) % 4 != 0)).collect()
}

fn speckle() -> Vec<u8> {
    places().map(|(x, y, z)| u8::from((x * x * 5 + y * y * 3 + z * 11 + x * y * 7) % 10 < 3)).collect()
}

/// The oracle's rows of one kind, by index or name.
fn oracle(what: &str) -> BTreeMap<&'static str, f64> {
    let table =
        include_str!("../../../tests/oracles/kernels.tsv").lines().filter(|line| !line.starts_with('#'));
    let rows = table.map(|line| line.split('\t').collect::<Vec<_>>()).filter(|row| row[0] == what);
    rows.map(|row| (row[1], row[2].parse().unwrap())).collect()
}

/// Holds the sampled voxels of a volume, whose greatest is about `scale`, to single precision.
#[track_caller]
fn equal(what: &str, ours: &[f32], scale: f64) {
    let theirs = oracle(what);
    assert!(theirs.len() > 50, "{what}: {} samples", theirs.len());
    for (at, want) in theirs {
        let found = f64::from(ours[at.parse::<usize>().unwrap()]);
        assert!((found - want).abs() <= 2e-6 * scale, "{what}, voxel {at}: {found} is not {want}");
    }
}

fn statistics(what: &str, all: &Statistics, histogram: &Histogram) {
    let theirs = oracle(what);
    let ours =
        [all.count() as f64, all.mean().unwrap(), all.sd().unwrap(), all.min().unwrap(), all.max().unwrap()];
    for (name, found) in ["count", "mean", "sd", "min", "max"].into_iter().zip(ours) {
        assert!((found - theirs[name]).abs() <= 1e-12 * found.abs(), "{what}, {name}: {found}");
    }
    let counts = oracle(&format!("{what} histogram"));
    assert_eq!(counts.len(), 32);
    for (bin, want) in counts {
        assert_eq!(histogram.counts()[bin.parse::<usize>().unwrap()] as f64, want, "{what}, bin {bin}");
    }
}

#[test]
fn statistics_and_histogram_equal_numpy_s_whatever_the_type_and_the_slabs() {
    let bins = EvenBins::new(-400.0, 600.0, 32).unwrap();
    for step in [17 * 13, 1000, 17 * 13 * 9] {
        let (mut a, mut b) = (Statistics::new(), Statistics::new());
        let (mut c, mut d) = (Histogram::new(bins.clone()), Histogram::new(bins.clone()));
        whole().chunks(step).for_each(|slab| {
            a.add(slab);
            c.add(slab);
        });
        real().chunks(step).for_each(|slab| {
            b.add(slab);
            d.add(slab);
        });
        statistics("whole", &a, &c);
        statistics("whole", &b, &d);
    }
}

#[test]
fn masked_statistics_and_histogram_equal_numpy_s() {
    let bins = EvenBins::new(-400.0, 600.0, 32).unwrap();
    let (mut a, mut b) = (Statistics::new(), Statistics::new());
    let (mut c, mut d) = (Histogram::new(bins.clone()), Histogram::new(bins));
    a.add_inside(&whole(), &inside());
    b.add_inside(&real(), &inside());
    c.add_inside(&whole(), &inside());
    d.add_inside(&real(), &inside());
    statistics("inside", &a, &c);
    statistics("inside", &b, &d);
}

#[test]
fn filters_equal_scipy_s_at_every_kind_of_edge() {
    for (name, edge) in EDGES {
        let gaussian = Separable::gaussian([1.2, 0.8, 1.5], edge).unwrap().apply(&real(), SHAPE).unwrap();
        equal(&format!("gaussian {name}"), &gaussian, 600.0);
        let mean = Separable::mean([3, 2, 1], edge).unwrap().apply(&real(), SHAPE).unwrap();
        equal(&format!("mean {name}"), &mean, 600.0);
    }
}

#[test]
fn convolutions_equal_scipy_s_at_every_kind_of_edge() {
    let plane = [1.0, -2.0, 3.0, 4.0, 5.0, -6.0, -7.0, 8.0, 9.0].map(|w| w / 8.0);
    let volume: Vec<f32> = (0_u16..45).map(|i| (f32::from(i * 7 % 11) - 4.0) / 16.0).collect();
    for (name, edge) in EDGES {
        let found = Kernel::new(&plane, Shape::new(3, 3, 1), edge).unwrap().apply(&real(), SHAPE).unwrap();
        equal(&format!("plane {name}"), &found, 3000.0);
        let found = Kernel::new(&volume, Shape::new(5, 3, 3), edge).unwrap().apply(&real(), SHAPE).unwrap();
        equal(&format!("volume {name}"), &found, 3000.0);
    }
}

#[test]
fn resampling_equals_itk_s() {
    let from = Lattice { shape: SHAPE, spacing: [0.8, 1.1, 3.0] };
    let to = Lattice { shape: Shape::new(21, 10, 25), spacing: [0.61, 1.3, 1.1] };
    equal("linear", &resample::linear(&real(), &from, &to, -7.0).unwrap(), 600.0);
    equal("nearest", &resample::nearest(&real(), &from, &to, -7.0).unwrap(), 600.0);
}

#[test]
fn components_equal_scipy_s_label_by_label() {
    let kinds =
        [("faces", Neighbours::Faces), ("edges", Neighbours::Edges), ("corners", Neighbours::Corners)];
    for (name, neighbours) in kinds {
        let found = label(&speckle(), SHAPE, neighbours).unwrap();
        let mut theirs = oracle(&format!("components {name}"));
        assert_eq!(Some(found.sizes.len() as f64), theirs.remove("count"), "{name}");
        for (at, size) in theirs {
            assert_eq!(found.sizes[at.parse::<usize>().unwrap()] as f64, size, "{name}, component {at}");
        }
        let labels: Vec<f32> = found.labels.iter().map(|l| *l as f32).collect();
        equal(&format!("labels {name}"), &labels, 1.0);
        let mut sizes = Sizes::new(17, 13, neighbours, usize::MAX).unwrap();
        speckle().chunks(17 * 13).for_each(|slice| sizes.add(slice).unwrap());
        let mut sorted = found.sizes;
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(sizes.finish().largest, sorted, "{name}, slice by slice");
    }
}
