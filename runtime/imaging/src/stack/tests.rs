use super::*;
use crate::acquisition::Acquisition;
use crate::{
    calibration::Unit,
    format::{Colour, Format},
    image::{Image, Look, Plane},
};
use std::sync::Arc;
use trocar_terms::{Grid, Modality};

fn image(z: f64) -> Image {
    let look = Look {
        modality: Modality::CT,
        unit: Unit::Hounsfield,
        format: Format {
            rows: 4,
            columns: 6,
            frames: 1,
            colour: Colour::Grey,
            planar: false,
            allocated: 16,
            bits: 12,
            below: 0,
            signed: false,
            float: false,
        },
        lut: None,
        frame_of_reference: "1.2".into(),
        plane: Plane {
            orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            spacing: [0.5, 0.75],
            thickness: Some(2.0),
        },
    };
    let (position, acquisition) = ([10.0, 20.0, z], Acquisition::default());
    let frame = Frame { position, slope: 1.0, intercept: -1024.0, acquisition };
    Image { look: Arc::new(look), frames: vec![frame] }
}

/// The one volume of some images, or the reason of the first file.
fn stack(images: &[&Image]) -> Result<Stack, Reason> {
    let Stacks { mut volumes, refused } = stacks(images);
    match refused.first() {
        Some((_, reason)) => Err(*reason),
        None => Ok(volumes.remove(0)),
    }
}

fn at(depths: &[f64]) -> Result<Stack, Reason> {
    let images: Vec<_> = depths.iter().map(|z| image(*z)).collect();
    stack(&images.iter().collect::<Vec<_>>())
}

#[test]
fn slices_are_sorted_along_the_normal_whatever_their_order() {
    let found = at(&[6.0, 0.0, 3.0]).unwrap();
    assert_eq!(found.slices.iter().map(|s| s.file).collect::<Vec<_>>(), [1, 2, 0]);
    assert_eq!(found.info.grid, Grid { columns: 6, rows: 4, slices: 3, spacing_mm: (0.75, 0.5, 3.0) });
}

#[test]
fn a_missing_slice_is_a_gap() {
    assert_eq!(at(&[0.0, 3.0, 9.0, 12.0]), Err(Reason::Gap));
}

#[test]
fn two_slices_at_one_place_are_duplicates() {
    assert_eq!(at(&[0.0, 3.0, 3.0, 6.0]), Err(Reason::Duplicate));
}

#[test]
fn uneven_slices_are_refused_and_rounded_positions_are_not() {
    assert_eq!(at(&[0.0, 3.0, 6.5, 9.0]), Err(Reason::Spacing));
    assert!(at(&[0.0, 3.3, 6.5, 9.8, 13.1]).is_ok());
}

#[test]
fn a_single_slice_takes_its_thickness() {
    assert!((at(&[5.0]).unwrap().info.grid.spacing_mm.2 - 2.0).abs() < 1e-12);
    let mut bare = image(0.0);
    bare.plane.thickness = None;
    assert_eq!(stack(&[&bare]), Err(Reason::NoThickness));
}

/// Slices 3 mm apart, each moved by so many mm along columns and rows.
fn shifted(shifts: &[[f64; 2]]) -> Result<Stack, Reason> {
    let depths = (0..).map(|n: u32| f64::from(n) * 3.0);
    let images: Vec<_> = shifts
        .iter()
        .zip(depths)
        .map(|([x, y], z)| {
            let mut image = image(z);
            image.frames[0].position = [10.0 + x, 20.0 + y, z];
            image
        })
        .collect();
    stack(&images.iter().collect::<Vec<_>>())
}

#[test]
fn a_tilted_gantry_gives_a_straight_grid_that_holds_every_slice() {
    // 1.2 mm a slice are 2.4 rows of 0.5 mm: over two steps 4.8, so five rows more.
    let found = shifted(&[[0.0, 0.0], [0.0, 1.2], [0.0, 2.4]]).unwrap();
    assert!(found.tilted && !found.info.integral);
    assert_eq!(found.info.grid, Grid { columns: 6, rows: 9, slices: 3, spacing_mm: (0.75, 0.5, 3.0) });
    assert_eq!(found.lattice.origin, [10.0, 20.0, 0.0]);
    let back = shifted(&[[0.0, 0.0], [0.0, -1.2], [0.0, -2.4]]).unwrap();
    assert_eq!((back.info.grid.rows, back.lattice.origin), (9, [10.0, 17.5, 0.0]));
}

#[test]
fn slices_that_move_unevenly_or_too_far_are_refused() {
    assert_eq!(shifted(&[[0.0, 0.0], [0.0, 2.0], [0.0, 2.4]]), Err(Reason::Sheared));
    assert_eq!(shifted(&[[0.0, 0.0], [0.0, 2.2], [0.0, 4.4]]), Err(Reason::Sheared));
}

/// Two phases of the same places, told apart by one number.
fn phases(tell: fn(&mut Acquisition, f64)) -> Vec<Image> {
    let phase = |n: f64| {
        [0.0, 3.0, 6.0].map(|z| {
            let mut image = image(z);
            tell(&mut image.frames[0].acquisition, n);
            image
        })
    };
    [phase(1.0), phase(2.0)].concat()
}

#[test]
fn acquisitions_at_the_same_places_become_volumes_of_their_own() {
    let tells: [fn(&mut Acquisition, f64); 5] = [
        |a, n| a.time = Some(n),
        |a, n| a.trigger = Some(n),
        |a, n| a.echo = Some(n),
        |a, n| a.b_value = Some(n),
        |a, n| a.number = Some(n),
    ];
    for tell in tells {
        let images = phases(tell);
        let Stacks { volumes, refused } = stacks(&images.iter().collect::<Vec<_>>());
        assert_eq!(refused, []);
        let files: Vec<Vec<usize>> =
            volumes.iter().map(|v| v.slices.iter().map(|s| s.file).collect()).collect();
        assert_eq!(files, [[0, 1, 2], [3, 4, 5]]);
    }
    let alike = phases(|_, _| {});
    assert_eq!(stack(&alike.iter().collect::<Vec<_>>()), Err(Reason::Duplicate));
}

#[test]
fn acquisitions_of_two_regions_become_two_volumes_and_of_one_region_one() {
    let region = |depths: [f64; 3], number: f64| {
        depths.map(|z| {
            let mut image = image(z);
            image.frames[0].acquisition.number = Some(number);
            image
        })
    };
    let count = |a: [f64; 3], b: [f64; 3]| {
        let images = [region(a, 1.0), region(b, 2.0)].concat();
        stacks(&images.iter().collect::<Vec<_>>()).volumes.len()
    };
    assert_eq!(count([0.0, 3.0, 6.0], [60.0, 63.0, 66.0]), 2);
    assert_eq!(count([0.0, 3.0, 6.0], [60.0, 65.0, 70.0]), 2);
    assert_eq!(count([0.0, 3.0, 6.0], [9.0, 12.0, 15.0]), 1);
}

#[test]
fn a_gap_is_not_mended_by_a_number_that_tells_every_slice_from_the_next() {
    let images: Vec<Image> = [(0.0, 1.0), (3.0, 2.0), (9.0, 3.0), (12.0, 4.0)]
        .map(|(z, number)| {
            let mut image = image(z);
            image.frames[0].acquisition.number = Some(number);
            image
        })
        .into();
    assert_eq!(stack(&images.iter().collect::<Vec<_>>()), Err(Reason::Gap));
}

#[test]
fn a_stray_image_is_left_out_and_the_volume_stays() {
    let mut images: Vec<_> = [0.0, 3.0, 6.0].map(image).to_vec();
    let mut scout = image(1.0);
    scout.plane.orientation = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];
    images.insert(1, scout);
    let Stacks { volumes, refused } = stacks(&images.iter().collect::<Vec<_>>());
    assert_eq!(refused, [(1, Reason::Orientation)]);
    assert_eq!(volumes[0].slices.iter().map(|s| s.file).collect::<Vec<_>>(), [0, 2, 3]);
}

#[test]
fn two_kinds_of_enough_slices_are_two_volumes() {
    let mut images: Vec<_> = [0.0, 3.0, 6.0].map(image).to_vec();
    images.extend([0.0, 5.0, 10.0].map(|z| {
        let mut image = image(z);
        image.plane.spacing = [1.0, 1.0];
        image
    }));
    let Stacks { volumes, refused } = stacks(&images.iter().collect::<Vec<_>>());
    assert_eq!((volumes.len(), refused.len()), (2, 0));
}

#[test]
fn mixed_orientation_size_and_kind_are_refused() {
    let a = image(0.0);
    let mut b = image(3.0);
    b.plane.orientation = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0];
    assert_eq!(stack(&[&a, &b]), Err(Reason::Orientation));
    let mut b = image(3.0);
    b.format.rows = 5;
    assert_eq!(stack(&[&a, &b]), Err(Reason::MixedSize));
    let mut b = image(3.0);
    b.plane.spacing[0] = 0.51;
    assert_eq!(stack(&[&a, &b]), Err(Reason::MixedSize));
    let mut b = image(3.0);
    b.frame_of_reference = "1.3".into();
    assert_eq!(stack(&[&a, &b]), Err(Reason::MixedKind));
}

#[test]
fn an_orientation_that_is_not_a_plane_is_refused() {
    let mut a = image(0.0);
    a.plane.orientation = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    assert_eq!(stack(&[&a]), Err(Reason::NoGeometry));
}

#[test]
fn a_geometry_that_is_not_finite_or_out_of_all_bounds_is_refused() {
    assert_eq!(at(&[-1.7e308, 1.7e308]), Err(Reason::NoGeometry));
    for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1.1e5, -1.1e5] {
        assert_eq!(at(&[0.0, bad]), Err(Reason::NoGeometry), "{bad}");
        let with = |change: fn(&mut Image, f64)| {
            let mut a = image(0.0);
            change(&mut a, bad);
            stack(&[&a])
        };
        assert_eq!(with(|a, v| a.plane.spacing[1] = v), Err(Reason::NoGeometry), "{bad}");
        assert_eq!(with(|a, v| a.plane.thickness = Some(v)), Err(Reason::NoGeometry), "{bad}");
        assert_eq!(with(|a, v| a.plane.orientation[2] = v), Err(Reason::NoGeometry), "{bad}");
    }
    for bad in [f64::NAN, f64::INFINITY, 1.1e30] {
        let mut a = image(0.0);
        a.frames[0].slope = bad;
        assert_eq!(stack(&[&a]), Err(Reason::NoRescale), "{bad}");
    }
}

#[test]
fn steps_longer_than_any_length_are_refused() {
    assert!(at(&[-5e4, 5e4]).is_ok());
    assert_eq!(at(&[-6e4, 6e4]), Err(Reason::NoGeometry));
}

#[test]
fn a_format_that_no_file_has_is_refused() {
    let with = |change: fn(&mut Format)| {
        let mut a = image(0.0);
        change(&mut a.format);
        stack(&[&a])
    };
    assert_eq!(with(|f| f.bits = 31), Err(Reason::PixelFormat));
    assert_eq!(with(|f| f.allocated = 24), Err(Reason::PixelFormat));
    assert_eq!(with(|f| f.frames = 2), Err(Reason::NoPixels));
    assert_eq!(with(|f| f.rows = 0), Err(Reason::NoPixels));
    assert_eq!(with(|f| (f.rows, f.columns) = (5000, 5000)), Err(Reason::TooLarge));
}

#[test]
fn a_volume_is_integral_only_if_no_storable_value_leaves_16_bits() {
    assert!(at(&[0.0]).unwrap().info.integral);
    let mut wide = image(0.0);
    wide.format.bits = 16;
    assert!(!stack(&[&wide]).unwrap().info.integral);
    let mut half = image(0.0);
    half.frames[0].slope = 0.5;
    assert!(!stack(&[&half]).unwrap().info.integral);
}

#[test]
fn a_slice_that_no_slab_can_hold_is_refused() {
    let mut wide = image(0.0);
    (wide.format.rows, wide.format.columns) = (1024, 1024);
    assert!(stack(&[&wide]).is_ok());
    wide.frames[0].slope = 0.5;
    assert_eq!(stack(&[&wide]), Err(Reason::TooLarge));
}
