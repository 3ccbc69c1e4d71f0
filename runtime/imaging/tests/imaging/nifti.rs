//! NIfTI images with their sidecars, against nibabel (tests/oracles/nifti.py made the table), and bad ones.

use crate::{
    patient::{Bytes, Opened, open},
    real::folder,
    rules,
};
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use std::{
    io::{Cursor, Write},
    path::{Path, PathBuf},
};
use trocar_imaging::{Reason, read_header_nifti};
use trocar_terms::{Digest, Fault, Patient as _};

fn element(tag: &str, vr: &str, value: &str) -> String {
    format!("\"{tag}\":{{\"vr\":\"{vr}\",\"Value\":[{value}]}}")
}

fn sidecar(modality: &str, series: &str, more: &[String]) -> String {
    let text = |tag: &str, vr: &str, value: &str| element(tag, vr, &format!("\"{value}\""));
    let mut all = vec![
        text("00080060", "CS", modality),
        text("00100020", "LO", "P1"),
        text("00120062", "CS", "YES"),
        text("0020000D", "UI", "2.25.1"),
        text("0020000E", "UI", series),
        text("00200052", "UI", "2.25.7"),
    ];
    all.extend_from_slice(more);
    format!("{{{}}}", all.join(","))
}

fn volume() -> String {
    sidecar("MR", "2.25.2", &[])
}

fn labels() -> String {
    let segment = |n: u32, label: &str| {
        format!(
            "{{{},{}}}",
            element("00620004", "US", &n.to_string()),
            element("00620005", "LO", &format!("\"{label}\""))
        )
    };
    let segments = element("00620002", "SQ", &format!("{},{}", segment(1, "GTV"), segment(2, "Organ")));
    let drawn = element("00081115", "SQ", &format!("{{{}}}", element("0020000E", "UI", "\"2.25.2\"")));
    sidecar("SEG", "2.25.3", &[segments, drawn])
}

struct Row(Vec<String>);

impl Row {
    fn reals(&self, from: usize) -> [f64; 3] {
        [0, 1, 2].map(|i| self.0[from + i].parse().unwrap())
    }
}

fn table() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles/nifti.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| Row(line.split('\t').map(str::to_owned).collect())).collect()
}

/// Holds one image against nibabel's row of it.
fn hold(row: &Row, path: &PathBuf) {
    let opened = open(&[Bytes::Nifti(std::fs::read(path).unwrap(), volume())]);
    assert_eq!(opened.refused, [], "{}", row.0[0]);
    let volume = opened.patient.open(0).unwrap_or_else(|e| panic!("{}: {e}", row.0[0]));
    let grid = volume.grid();
    assert_eq!([grid.columns, grid.rows, grid.slices].map(f64::from), row.reals(1), "{}", row.0[0]);
    let (x, y, z) = grid.spacing_mm;
    for (ours, theirs) in [x, y, z].into_iter().zip(row.reals(4)) {
        assert!((ours - theirs).abs() <= 1e-6, "{}: {ours} {theirs}", row.0[0]);
    }
    let bytes: Vec<u8> = (0..grid.slices)
        .flat_map(|slice| {
            volume.read_f32(slice, 1).unwrap().iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(Digest::of(&bytes).to_string().trim_start_matches("sha256:"), row.0[11], "{}", row.0[0]);
    if volume.integral() {
        let whole: Vec<u8> = (0..grid.slices)
            .flat_map(|slice| {
                volume
                    .read_s16(slice, 1)
                    .unwrap()
                    .iter()
                    .flat_map(|v| f32::from(*v).to_le_bytes())
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(whole, bytes);
    }
}

#[test]
fn every_kind_of_image_has_the_voxels_that_nibabel_reads() {
    let Some(folder) = folder("TROCAR_DATA", "target/data", "nifti") else { return };
    let made = table().into_iter().filter(|row| !row.0[0].contains('/'));
    assert_eq!(made.map(|row| hold(&row, &folder.join(&row.0[0]))).count(), 19);
}

#[test]
fn the_ibsi_phantom_and_a_real_t1_volume_have_the_voxels_that_nibabel_reads() {
    let Some(folder) = folder("TROCAR_TEST_DATA", "../shared/data", "ibsi1") else { return };
    let shared = table().into_iter().filter(|row| row.0[0].contains('/'));
    assert_eq!(shared.map(|row| hold(&row, &folder.join("..").join(&row.0[0]))).count(), 3);
}

#[test]
fn the_ibsi_mask_has_the_74_voxels_of_the_digital_phantoms_region() {
    let Some(folder) = folder("TROCAR_TEST_DATA", "../shared/data", "ibsi1") else { return };
    let image = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let opened = open(&[
        Bytes::Nifti(image("phantom.nii.gz"), volume()),
        Bytes::Nifti(image("mask.nii.gz"), labels()),
    ]);
    assert_eq!(opened.refused, []);
    let mask = opened.mask(0, "GTV").unwrap();
    let phantom = opened.patient.open(0).unwrap_or_else(|e| panic!("{e}"));
    let values: Vec<i16> = (0..4).flat_map(|slice| phantom.read_s16(slice, 1).unwrap().to_vec()).collect();
    let inside: Vec<f64> =
        values.iter().zip(&mask).filter(|(_, m)| **m == 1).map(|(v, _)| f64::from(*v)).collect();
    let mean = inside.iter().sum::<f64>() / inside.len() as f64;
    // IBSI 1, digital phantom: 74 voxels, statistical mean 2.15, maximum 6 (ibsi_1_dig_phantom.csv: stat_mean, stat_max).
    assert_eq!(inside.len(), 74);
    assert!((mean - 2.148_648_648_648_649).abs() < 1e-12, "{mean}");
    assert!(inside.iter().all(|v| (1.0..=6.0).contains(v)));
    assert_eq!(opened.mask(0, "Organ").map(|m| m.contains(&1)), Ok(false));
}

/// A plain image of 3 x 2 x 2 voxels of 8 bits, with the identity as its s-form.
fn image() -> Vec<u8> {
    let mut bytes = vec![0; 352];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &348_i32.to_le_bytes());
    for (i, n) in [3_i16, 3, 2, 2, 1, 1, 1, 1].into_iter().enumerate() {
        put(40 + 2 * i, &n.to_le_bytes());
    }
    put(70, &2_i16.to_le_bytes());
    put(72, &8_i16.to_le_bytes());
    put(108, &352_f32.to_le_bytes());
    put(123, &[2]);
    put(254, &1_i16.to_le_bytes());
    for row in 0..3 {
        put(280 + 16 * row + 4 * row, &1_f32.to_le_bytes());
    }
    put(344, b"n+1\0");
    bytes.extend(0..12_u8);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn said(image: &[u8], sidecar: &str) -> Option<Reason> {
    read_header_nifti(&mut Cursor::new(image), &mut sidecar.as_bytes(), &rules()).err()
}

fn with(at: usize, value: &[u8]) -> Option<Reason> {
    let mut bytes = image();
    bytes[at..at + value.len()].copy_from_slice(value);
    said(&bytes, &volume())
}

#[test]
fn an_image_whose_header_is_not_one_is_refused() {
    assert_eq!(said(&image(), &volume()), None);
    assert_eq!(said(b"", &volume()), Some(Reason::Nifti));
    assert_eq!(said(&image()[..300], &volume()), Some(Reason::Nifti));
    assert_eq!(said(&image()[..360], &volume()), Some(Reason::Truncated));
    assert_eq!(with(344, b"ni1\0"), Some(Reason::Nifti), "header and voxels in two files");
    assert_eq!(with(344, b"n+2\0"), Some(Reason::Nifti));
    assert_eq!(with(0, &540_i32.to_le_bytes()), Some(Reason::Nifti), "NIfTI-2");
    for dims in
        [[0_i16, 3, 2, 2], [2, 3, 2, 2], [9, 3, 2, 2], [3, 0, 2, 2], [3, -3, 2, 2], [3, 3, 2, i16::MIN]]
    {
        let bytes: Vec<u8> = dims.iter().flat_map(|n| n.to_le_bytes()).collect();
        assert_eq!(with(40, &bytes), Some(Reason::Nifti), "{dims:?}");
    }
    assert_eq!(with(40, &[4, 0, 3, 0, 2, 0, 2, 0, 2, 0]), Some(Reason::Nifti), "two points in time");
    assert_eq!(with(42, &i16::MAX.to_le_bytes()), Some(Reason::Truncated));
    assert_eq!(with(42, &[0xFF, 0x7F, 0xFF, 0x7F, 0xFF, 0x7F]), Some(Reason::TooLarge));
    assert_eq!(with(70, &128_i16.to_le_bytes()), Some(Reason::PixelFormat), "colour");
    assert_eq!(with(72, &16_i16.to_le_bytes()), Some(Reason::Nifti), "bits that are not the type's");
    for offset in [0.0, f32::NAN, f32::INFINITY, -352.0, 352.5, 1e30] {
        assert_eq!(with(108, &offset.to_le_bytes()), Some(Reason::Nifti), "{offset}");
    }
}

#[test]
fn an_image_whose_axes_are_none_is_refused() {
    for (at, value) in [(280, 0.0), (280, f32::NAN), (280, 1e9), (284, 0.5), (292, f32::INFINITY), (292, 1e9)]
    {
        assert_eq!(with(at, &value.to_le_bytes()), Some(Reason::NoGeometry), "{at} {value}");
    }
    assert_eq!(with(254, &[0, 0]), Some(Reason::NoGeometry), "neither s-form nor q-form");
    assert_eq!(with(123, &[3]), Some(Reason::NoGeometry), "micrometres");
    assert_eq!(
        with(112, &[0, 0, 0x80, 0x3F, 0, 0, 0xC0, 0x7F]),
        Some(Reason::NoRescale),
        "an intercept of NaN"
    );
}

#[test]
fn a_sidecar_that_says_too_little_or_too_much_is_refused() {
    assert_eq!(said(&image(), "{}"), Some(Reason::Modality));
    assert_eq!(said(&image(), "nonsense"), Some(Reason::Sidecar));
    assert_eq!(said(&image(), &"[".repeat(100_000)), Some(Reason::Sidecar));
    assert_eq!(said(&image(), &volume().replace("P1", "")), Some(Reason::NoPatientId));
    assert_eq!(said(&image(), &volume().replace("2.25.2", "")), Some(Reason::NoUid));
    assert_eq!(said(&image(), &sidecar("PT", "2.25.2", &[])), Some(Reason::Unit));
    let uptake = |kind: &str| {
        sidecar(
            "PT",
            "2.25.2",
            &[element("00541001", "CS", "\"GML\""), element("00541006", "CS", &format!("\"{kind}\""))],
        )
    };
    assert_eq!(said(&image(), &uptake("BW")), None);
    assert_eq!(said(&image(), &uptake("LBM")), Some(Reason::Unit));
    assert_eq!(said(&image(), &sidecar("XA", "2.25.2", &[])), Some(Reason::Modality));
    assert_eq!(said(&image(), &sidecar("SEG", "2.25.2", &[])), Some(Reason::NoSegments));
    let mut strict = rules();
    strict.deidentification.require = true;
    let read =
        |text: String| read_header_nifti(&mut Cursor::new(image()), &mut text.as_bytes(), &strict).err();
    assert_eq!(read(volume()), None);
    assert_eq!(read(volume().replace("YES", "NO")), Some(Reason::NotDeidentified));
}

#[test]
fn a_compressed_image_that_holds_less_than_it_declares_is_not_opened_and_one_that_holds_more_is_not_inflated_further()
 {
    let open_one = |bytes: Vec<u8>| {
        let opened = open(&[Bytes::Nifti(bytes, volume())]);
        let volume = opened.patient.open(0)?;
        assert!(volume.slab_cost(0, 1) > 0);
        volume.read_s16(0, 2).map(|v| v.to_vec())
    };
    assert_eq!(open_one(gzip(&image())), Ok((0..12).collect()));
    assert_eq!(open_one(gzip(&image()[..360])), Err(Fault::Unsupported));
    let mut bomb = image();
    bomb.resize(4 << 20, 0);
    assert_eq!(open_one(gzip(&bomb)), Ok((0..12).collect()));
    bomb.resize(64 << 20, 0);
    assert_eq!(said(&gzip(&bomb), &volume()), Some(Reason::Nifti));
    let mut broken = gzip(&image());
    let end = broken.len() - 12;
    broken.truncate(end);
    assert!(said(&broken, &volume()).is_some() || open_one(broken) == Err(Fault::Unsupported));
}

/// A gzip member of these blocks, whose check at its end does not hold: nobody comes that far.
fn blocks(blocks: &[u8]) -> Vec<u8> {
    [b"\x1F\x8B\x08\0\0\0\0\0\0\xFF", blocks].concat()
}

/// A stored block (RFC 1951 section 3.2.4), not the last.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    [&[0], &length.to_le_bytes()[..], &(!length).to_le_bytes(), bytes].concat()
}

#[test]
fn a_compressed_image_that_is_longer_than_its_contents_is_refused() {
    let (head, voxels) = (stored(&image()[..352]), stored(&image()[352..]));
    let packed = |empty: usize| blocks(&[&head[..], &stored(&[]).repeat(empty), &voxels].concat());
    assert_eq!(said(&packed(13_000), &volume()), None);
    assert_eq!(said(&packed(13_200), &volume()), Some(Reason::Nifti));
    let late = blocks(&[stored(&[]).repeat(13_000), head.clone(), voxels.clone()].concat());
    assert_eq!(said(&late, &volume()), Some(Reason::Nifti), "a header behind 65,000 bytes of nothing");
}

#[test]
fn what_is_inflated_is_paid_for_by_the_bytes_that_go_in() {
    let price = |bytes: Vec<u8>| {
        let opened = open(&[Bytes::Nifti(bytes, volume())]);
        let volume = opened.patient.open(0).unwrap_or_else(|e| panic!("{e}"));
        (volume.opening_cost(), volume.slab_cost(0, 1))
    };
    let (head, voxels) = (stored(&image()[..352]), stored(&image()[352..]));
    let packed = |empty: usize| blocks(&[&head[..], &stored(&[]).repeat(empty), &voxels].concat());
    let (short, long) = (packed(1_000), packed(11_000));
    let (opening, slab) = price(short);
    assert!(opening >= 400 * 5_000 && slab >= 400 * 5_000);
    assert!(price(long).1 >= slab + 400 * 50_000);
    assert_eq!(price(image()).0, 0);
}

#[test]
fn a_labelled_image_of_narrow_slices_that_take_more_words_than_voxels_is_not_mapped() {
    let narrow = |slices: i16| {
        let mut bytes = image();
        let dims = [3_i16, 1, i16::MAX, slices].into_iter().flat_map(i16::to_le_bytes).collect::<Vec<_>>();
        bytes[40..48].copy_from_slice(&dims);
        bytes.resize(352 + 32_767 * usize::try_from(slices).unwrap(), 0);
        let opened = open(&[Bytes::Nifti(image(), volume()), Bytes::Nifti(gzip(&bytes), labels())]);
        assert_eq!(opened.refused, []);
        opened.mask(0, "GTV").map(|mask| mask.len())
    };
    assert_eq!(narrow(256), Ok(12));
    assert_eq!(narrow(257), Err(Fault::Unsupported));
}

#[test]
fn a_voxel_that_is_not_a_number_is_not_handed_on() {
    let mut bytes = image();
    bytes[70..74].copy_from_slice(&[16, 0, 32, 0]);
    bytes.truncate(352);
    bytes.extend((0..12_u8).flat_map(|i| if i == 11 { f32::NAN } else { f32::from(i) }.to_le_bytes()));
    let opened: Opened = open(&[Bytes::Nifti(bytes, volume())]);
    let volume = opened.patient.open(0).unwrap_or_else(|e| panic!("{e}"));
    assert!(volume.read_f32(0, 1).is_ok());
    assert_eq!(volume.read_f32(1, 1).err(), Some(Fault::Unsupported));
    assert_eq!(volume.read_f32(1, 2).err(), Some(Fault::OutOfRange));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_image_never_panics(
        at in 0_usize..364, bytes in proptest::collection::vec(any::<u8>(), 1..5), cut in any::<bool>(), pack in any::<bool>()
    ) {
        let mut file = image();
        if cut {
            file.truncate(at);
        } else {
            file.iter_mut().skip(at).zip(&bytes).for_each(|(place, byte)| *place = *byte);
        }
        let file = if pack { gzip(&file) } else { file };
        for text in [sidecar("MR", "2.25.5", &[]), labels()] {
            let files = [Bytes::Nifti(image(), volume()), Bytes::Nifti(file.clone(), text)];
            let opened = open(&files);
            for series in 0..u32::try_from(opened.record.series.len()).unwrap() {
                let _ = opened.patient.open(series).map(|v| (v.read_f32(0, 1), v.read_s16(0, 1)));
                let _ = opened.patient.open_mask(series, "GTV").map(|m| m.read(0, 1));
            }
        }
    }
}
