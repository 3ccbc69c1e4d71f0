use super::*;
use crate::bindings::exports::trocar::kernels::statistics::{Bins, EvenBins, Region};
use trocar_guest::Grid;

const GRID: Grid = Grid { columns: 3, rows: 2, slices: 2, spacing_mm: (1.0, 1.0, 1.0) };
const VOXELS: [i16; 12] = [-1000, -20, 0, 10, 10, 60, 300, 40, -1000, 5, 5, 3071];
const MARKS: [u8; 12] = [0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1];

fn select(region: Option<Region>, at_least: Option<f64>, below: Option<f64>) -> Selected {
    Selected::new(&Selection { region, at_least, below }, &GRID).unwrap()
}

/// Of whole numbers and of the same as reals, which must agree.
fn both(selected: &Selected, marks: Option<&[u8]>, bins: Option<&Edges>) -> Distribution {
    let new = || Survey {
        selected: selected.clone(),
        bins,
        census: None,
        reals: Reals::new(bins),
        marks: Vec::new(),
    };
    let (mut whole, mut real, at) = (new(), new(), Slices { first: 0, count: 2 });
    whole.whole(at, &VOXELS, marks);
    real.real(at, &VOXELS.map(f32::from), marks);
    let (a, b) = (whole.finish(), real.finish());
    assert_eq!(a.counts, b.counts);
    let parts =
        |d: &Distribution| [d.summary.sum, d.summary.mean, d.summary.sd, d.summary.min, d.summary.max];
    for (x, y) in parts(&a).into_iter().zip(parts(&b)) {
        assert!((x - y).abs() <= 1e-12 * y.abs().max(1.0) || x.is_nan() && y.is_nan(), "{x} is not {y}");
    }
    assert_eq!(a.summary.voxels, b.summary.voxels);
    a
}

#[test]
fn limits_mask_and_region_hold_together() {
    let body = both(&select(None, Some(-300.0), None), None, None).summary;
    assert_eq!((body.voxels, body.min, body.max, body.sum), (10, -20.0, 3071.0, 3481.0));
    let soft = both(&select(None, Some(-300.0), Some(300.0)), Some(&MARKS), None).summary;
    assert_eq!((soft.voxels, soft.sum, soft.mean), (5, 35.0, 7.0));
    assert!((soft.sd - 376.0_f64.sqrt()).abs() < 1e-12, "{}", soft.sd);
    let corner = Some(Region { first: (0, 1, 0), size: (2, 1, 2) });
    let corner = both(&select(corner, None, None), Some(&MARKS), None).summary;
    assert_eq!((corner.voxels, corner.min, corner.max), (2, 5.0, 10.0));
}

#[test]
fn bins_count_the_selected_voxels_and_the_summary_those_beside_the_bins_too() {
    let even = Edges::new(&Bins::Even(EvenBins { low: 0.0, high: 100.0, count: 2 })).unwrap();
    let all = both(&select(None, Some(-300.0), None), None, Some(&even));
    assert_eq!((all.counts, all.summary.voxels), (vec![6, 1], 10));
    let listed = Edges::new(&Bins::Edges(vec![-1000.0, 0.0, 10.0])).unwrap();
    assert_eq!(both(&select(None, None, None), Some(&MARKS), Some(&listed)).counts, [1, 2]);
}

#[test]
fn of_no_voxel_nothing_is_known() {
    let none = both(&select(None, Some(1e9), None), None, None).summary;
    assert_eq!((none.voxels, none.sum), (0, 0.0));
    assert!([none.mean, none.sd, none.min, none.max].iter().all(|x| x.is_nan()));
}
