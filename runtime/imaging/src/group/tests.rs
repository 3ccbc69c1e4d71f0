use super::*;
use crate::{
    acquisition::Acquisition,
    calibration::Unit,
    format::{Colour, Format},
    image::{Frame, Look, Plane},
};
use std::time::Instant;
use trocar_terms::Modality;

/// An MR image of a pixel a frame, with the frames at these depths and times.
fn image(spacing: f64, frames: impl Iterator<Item = (f64, f64)>) -> Image {
    let frame = |(depth, time)| Frame {
        position: [0.0, 0.0, depth],
        slope: 1.0,
        intercept: 0.0,
        acquisition: Acquisition { time: Some(time), ..Acquisition::default() },
    };
    let frames: Vec<Frame> = frames.map(frame).collect();
    let count = u32::try_from(frames.len()).unwrap();
    let (colour, planar, allocated, bits, below) = (Colour::Grey, false, 16, 12, 0);
    let (rows, columns, signed, float) = (1, 1, false, false);
    let orientation = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let look = Look {
        modality: Modality::MR,
        unit: Unit::Stored,
        format: Format {
            rows,
            columns,
            frames: count,
            colour,
            planar,
            allocated,
            bits,
            below,
            signed,
            float,
        },
        lut: None,
        frame_of_reference: "1.2".into(),
        plane: Plane { orientation, spacing: [spacing; 2], thickness: Some(1.0) },
    };
    Image { look: Arc::new(look), frames }
}

fn file(index: u32, image: Image) -> File {
    let shared = Shared {
        patient_id: "P".into(),
        issuer: String::new(),
        study_uid: "1".into(),
        series_uid: "2".into(),
        compressed: false,
        attributes: BTreeMap::new(),
        facts: Facts::default(),
    };
    let (shared, sop_uid, content) = (Arc::new(shared), format!("3.{index}"), Content::Image(image));
    let header = FileHeader { shared, sop_uid, sidecar: None, content };
    (index, header)
}

fn frames(depths: std::ops::Range<u32>, times: u32) -> impl Iterator<Item = (f64, f64)> {
    (0..times).flat_map(move |time| depths.clone().map(move |depth| (f64::from(depth), f64::from(time))))
}

#[test]
fn a_file_of_a_thousand_volumes_is_grouped_soon() {
    let one = file(0, image(1.0, frames(0..12, 1_000)));
    // Beside a file of another kind no volume has all files of the series.
    let other = file(1, image(2.0, frames(0..12, 1)));
    for files in [vec![one.clone()], vec![one, other]] {
        let (start, count) = (Instant::now(), 999 + files.len());
        let grouped = group(files);
        assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
        let series = &grouped.patients[0].series;
        assert_eq!((series.len(), grouped.refused.len()), (count, 0));
        let parts: BTreeSet<_> = series.iter().map(|s| (s.files.clone(), s.part)).collect();
        assert_eq!(parts.len(), count, "each is another part of its files");
    }
}

#[test]
fn a_volume_of_several_files_is_the_part_that_a_worker_finds_in_them_alone() {
    // The upper halves come first; the third file is of another kind.
    let images = [image(1.0, frames(3..6, 4)), image(1.0, frames(0..3, 4)), image(3.0, frames(0..4, 1))];
    let all: Vec<&Image> = images.iter().collect();
    let volumes = stacks(&all).volumes;
    let orders: Vec<_> = volumes.iter().map(file_order).collect();
    assert_eq!(orders, [vec![1, 0], vec![1, 0], vec![1, 0], vec![1, 0], vec![2]]);
    assert_eq!(parts(&all, &volumes, &orders).unwrap(), [0, 1, 2, 3, 0].map(Some));
    let again = stacks(&[all[1], all[0]]).volumes;
    for (part, volume) in again.iter().enumerate() {
        let frames = |stack: &Stack| stack.slices.iter().map(|slice| slice.frame).collect::<Vec<_>>();
        assert_eq!(frames(volume), frames(&volumes[part]));
    }
}

#[test]
fn a_series_that_would_be_arranged_too_often_is_refused() {
    let large = image(1.0, frames(0..20_000, 1));
    let images = vec![&large; 10];
    let orders: Vec<Vec<usize>> =
        (0..60).map(|n| (0..9).map(|at| (at + n % 10 + n / 10) % 10).chain([n]).collect()).collect();
    assert_eq!(parts(&images, &[], &orders), None);
    assert!(parts(&images, &[], &[(0..10).collect()]).is_some(), "all files are not arranged again");
}
