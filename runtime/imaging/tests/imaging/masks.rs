//! Segmentations: real ones, those of highdicom, and bad ones.

use crate::{
    files_under,
    made::{read, slice},
    patient::{Bytes, Opened, open, open_paths},
    real::folder,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, path::PathBuf, process::Command};
use trocar_imaging::{MaskKind, Reason};
use trocar_terms::{Fault, Patient as _};
use trocar_testkit::dicom::{DataSet, Tag};

const SEG: &str = "1.2.840.10008.5.1.4.1.1.66.4";
const RTSTRUCT: &str = "1.2.840.10008.5.1.4.1.1.481.3";

/// Rows of a table of tests/oracles by their columns.
fn table(name: &str) -> Vec<BTreeMap<String, String>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let head = lines.next().unwrap();
    lines.map(|row| head.iter().cloned().zip(row).collect()).collect()
}

#[test]
fn segmentations_of_highdicom_are_the_masks_that_highdicom_and_simpleitk_see() {
    let Some(folder) = folder("TROCAR_DATA", "target/data", "segmentations") else { return };
    let mut ct = Vec::new();
    files_under(&folder.join("ct"), &mut ct);
    for row in table("segmentations.tsv") {
        let paths: Vec<PathBuf> = ct.iter().cloned().chain([folder.join(&row["file"])]).collect();
        let opened = open_paths(&paths);
        assert_eq!(opened.refused, [], "{}", row["file"]);
        let (voxels, digest) = opened.digest(0, &row["label"]);
        let expected = (row["voxels"].clone(), row["sha256"].clone());
        let found = (voxels.to_string(), digest.trim_start_matches("sha256:").to_owned());
        assert_eq!(found, expected, "{} {}", row["file"], row["label"]);
    }
}

#[test]
fn segments_have_their_codes_and_lie_on_the_series_they_name() {
    let Some(folder) = folder("TROCAR_DATA", "target/data", "segmentations") else { return };
    let mut paths = Vec::new();
    files_under(&folder.join("ct"), &mut paths);
    paths.push(folder.join("binary.dcm"));
    let opened = open_paths(&paths);
    let [mask] = opened.record.masks.as_slice() else { panic!("not one mask") };
    assert_eq!(mask.kind, MaskKind::Segmentation);
    let named: Vec<_> = mask.segments.iter().map(|s| (s.number, s.label.as_str())).collect();
    assert_eq!(named, [(1, "Liver"), (2, "Spleen"), (3, "Lesion")]);
    let code = mask.segments[0].property.clone().unwrap();
    assert_eq!(
        (code.scheme.as_str(), code.value.as_str(), code.meaning.as_str()),
        ("SCT", "10200004", "Liver")
    );
    assert!(mask.segments.iter().all(|s| s.series == [0] && s.drawn_on == [0]));
}

/// Unpacks an archive of real patients.
fn unpacked(archive: &str) -> Option<tempfile::TempDir> {
    let archive = folder("TROCAR_TEST_DATA", "../shared/data", archive)?;
    let dir = tempfile::tempdir().unwrap();
    let status =
        Command::new("tar").arg("-C").arg(dir.path()).arg("--zstd").arg("-xf").arg(&archive).status();
    assert!(status.unwrap().success(), "tar could not unpack {}", archive.display());
    Some(dir)
}

#[test]
fn each_contour_of_five_real_patients_has_the_oracles_voxels_on_the_series_it_was_drawn_on() {
    let Some(dir) = unpacked("sts/sts5_ct_mr_pet_rtstruct.tar.zst") else { return };
    let rows = table("sts5_tumour.tsv");
    let patients: std::collections::BTreeSet<&String> = rows.iter().map(|row| &row["patient"]).collect();
    for patient in patients {
        let mut paths = Vec::new();
        files_under(&dir.path().join(patient), &mut paths);
        let opened = open_paths(&paths);
        assert_eq!((opened.refused.as_slice(), opened.record.masks.len()), (&[][..], 3), "{patient}");
        for row in rows.iter().filter(|row| &row["patient"] == patient) {
            let (voxels, _) = opened.digest(opened.series(&row["modality"]), &row["label"]);
            assert_eq!(voxels.to_string(), row["voxels"], "{patient} {}", row["label"]);
        }
        assert_eq!(opened.mask(0, "GTV_Mass").err(), Some(Fault::Absent));
    }
}

fn common(modality: &str, uid: &str) -> DataSet {
    let mut data = DataSet::new();
    data.text((0x0008, 0x0060), *b"CS", modality).text((0x0010, 0x0020), *b"LO", "P1");
    data.text((0x0012, 0x0062), *b"CS", "YES");
    data.text((0x0020, 0x000D), *b"UI", "2.25.1").text((0x0020, 0x000E), *b"UI", uid);
    data
}

/// The end of a chain of changes.
const fn done(_: &mut DataSet) {}

fn set(build: impl Fn(&mut DataSet)) -> DataSet {
    let mut data = DataSet::new();
    build(&mut data);
    data
}

/// Three CT slices of 4 columns and 3 rows, 2 mm apart, with a frame of reference.
fn ct() -> Vec<Bytes> {
    [0.0, 2.0, 4.0]
        .map(|z| {
            let mut image = slice(z);
            image.text((0x0020, 0x0052), *b"UI", "2.25.7");
            Bytes::Dicom(image.file(crate::made::CT, "2.25.3"))
        })
        .into()
}

const SEGMENTS: Tag = (0x0062, 0x0002);
const FRAMES: Tag = (0x5200, 0x9230);

/// A frame of a segment at a height.
fn frame(segment: u16, z: f64) -> DataSet {
    set(|data| {
        data.sequence((0x0020, 0x9113), &[set(|d| done(d.decimals((0x0020, 0x0032), &[0.0, 0.0, z])))]);
        data.sequence((0x0062, 0x000A), &[set(|d| done(d.short((0x0062, 0x000B), segment)))]);
    })
}

/// A binary segmentation with two frames on the slices of [`ct`]: two pixels in the first, one in the second.
fn seg() -> DataSet {
    let mut data = common("SEG", "2.25.8");
    data.text((0x0020, 0x0052), *b"UI", "2.25.7").text((0x0062, 0x0001), *b"CS", "BINARY");
    data.sequence(
        SEGMENTS,
        &[set(|d| done(d.short((0x0062, 0x0004), 1).text((0x0062, 0x0005), *b"LO", "GTV")))],
    );
    data.short((0x0028, 0x0002), 1).text((0x0028, 0x0004), *b"CS", "MONOCHROME2");
    data.text((0x0028, 0x0008), *b"IS", "2").short((0x0028, 0x0010), 3).short((0x0028, 0x0011), 4);
    data.short((0x0028, 0x0100), 1)
        .short((0x0028, 0x0101), 1)
        .short((0x0028, 0x0102), 0)
        .short((0x0028, 0x0103), 0);
    data.sequence(
        (0x5200, 0x9229),
        &[set(|d| {
            d.sequence(
                (0x0020, 0x9116),
                &[set(|d| done(d.decimals((0x0020, 0x0037), &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0])))],
            );
            d.sequence(
                (0x0028, 0x9110),
                &[set(|d| {
                    d.decimals((0x0028, 0x0030), &[0.5, 0.75]).decimals((0x0018, 0x0050), &[2.0]);
                })],
            );
        })],
    );
    data.sequence(FRAMES, &[frame(1, 0.0), frame(1, 4.0)]);
    // Twelve bits a frame, from the lowest: pixels 0 and 5 of the first, 11 of the second.
    data.pixels(&[0b0000_0000_0010_0001, 0b0000_0000_1000_0000]);
    data
}

fn with_ct(object: &DataSet, class: &str) -> Opened {
    let mut files = ct();
    files.push(Bytes::Dicom(object.file(class, "2.25.9")));
    open(&files)
}

fn gtv(object: &DataSet, class: &str) -> Result<Vec<u8>, Fault> {
    with_ct(object, class).mask(0, "GTV")
}

fn marked(mask: &[u8]) -> Vec<usize> {
    mask.iter().enumerate().filter(|(_, v)| **v == 1).map(|(i, _)| i).collect()
}

#[test]
fn packed_bits_of_frames_that_begin_within_a_byte_are_the_pixels_of_their_slices() {
    assert_eq!(marked(&gtv(&seg(), SEG).unwrap()), [0, 5, 2 * 12 + 11]);
    let opened = with_ct(&seg(), SEG);
    let known = opened.patient.open_mask_cost(0, "GTV");
    assert!(known > 0 && opened.patient.open_mask_cost(0, "other") == 0);
    assert!(opened.patient.open_mask(0, "GTV").unwrap_or_else(|e| panic!("{e}")).opening_cost() > 0);
    assert_eq!(opened.mask(0, "gtv"), Err(Fault::Absent));
    assert_eq!(opened.mask_fault(1), Fault::OutOfRange);
}

impl Opened {
    fn mask_fault(&self, series: u32) -> Fault {
        self.patient.open_mask(series, "GTV").err().unwrap()
    }
}

type Change = Box<dyn Fn(&mut DataSet)>;

/// What is said of a segmentation after a change: at the scan, or else when it is opened.
fn changed(change: impl Fn(&mut DataSet)) -> Result<Result<Vec<usize>, Fault>, Reason> {
    let mut data = seg();
    change(&mut data);
    let opened = with_ct(&data, SEG);
    match opened.refused.as_slice() {
        [] => Ok(opened.mask(0, "GTV").map(|mask| marked(&mask))),
        refused => Err(refused[0].1),
    }
}

#[test]
fn a_segmentation_whose_frames_or_segments_are_not_there_is_refused() {
    let cases: [(&str, Change, Reason); 9] = [
        (
            "frames beyond the pixels",
            Box::new(|d| done(d.text((0x0028, 0x0008), *b"IS", "9"))),
            Reason::Truncated,
        ),
        (
            "frames without end",
            Box::new(|d| done(d.text((0x0028, 0x0008), *b"IS", "65535"))),
            Reason::TooLarge,
        ),
        ("no frame", Box::new(|d| done(d.text((0x0028, 0x0008), *b"IS", "0"))), Reason::NoPixels),
        ("no row", Box::new(|d| done(d.short((0x0028, 0x0010), 0))), Reason::NoPixels),
        ("no type", Box::new(|d| done(d.text((0x0062, 0x0001), *b"CS", "SURFACE"))), Reason::SegmentType),
        ("no segment", Box::new(|d| done(d.sequence(SEGMENTS, &[]))), Reason::NoSegments),
        (
            "no label",
            Box::new(|d| done(d.sequence(SEGMENTS, &[set(|d| done(d.short((0x0062, 0x0004), 1)))]))),
            Reason::NoSegments,
        ),
        (
            "a long label",
            Box::new(|d| {
                let segment = set(|d| {
                    done(d.short((0x0062, 0x0004), 1).text((0x0062, 0x0005), *b"LO", &"x".repeat(300)))
                });
                d.sequence(SEGMENTS, &[segment]);
            }),
            Reason::TooLarge,
        ),
        (
            "another frame of reference",
            Box::new(|d| done(d.text((0x0020, 0x0052), *b"UI", "2.25.6"))),
            Reason::NoReference,
        ),
    ];
    for (name, change, reason) in cases {
        assert_eq!(changed(change), Err(reason), "{name}");
    }
}

#[test]
fn a_segmentation_whose_frames_contradict_each_other_is_not_opened() {
    let frames = |frames: &'static [(u16, f64)]| {
        move |d: &mut DataSet| {
            done(d.sequence(FRAMES, &frames.iter().map(|(s, z)| frame(*s, *z)).collect::<Vec<_>>()))
        }
    };
    let refused = Ok(Err(Fault::Unsupported));
    assert_eq!(changed(frames(&[(1, 0.0)])), refused, "fewer items than frames");
    assert_eq!(changed(frames(&[(1, 0.0), (1, 0.001)])), refused, "two frames at one place");
    assert_eq!(changed(frames(&[(1, 0.0), (1, f64::INFINITY)])), refused, "a frame nowhere");
    assert_eq!(
        changed(frames(&[(1, 0.0), (9, 4.0)])),
        Ok(Ok(vec![0, 5])),
        "a segment out of range is of no label"
    );
    assert_eq!(changed(frames(&[(9, 0.0), (9, 4.0)])), Ok(Ok(vec![])), "a segment in no frame is empty");
    assert_eq!(changed(|d| done(d.short((0x0028, 0x0103), 1))), refused, "signed bits");
    assert_eq!(changed(|d| done(d.sequence((0x5200, 0x9229), &[]))), refused, "no orientation");
}

#[test]
fn a_segmentation_of_narrow_frames_that_take_more_words_than_pixels_is_not_opened() {
    let narrow = |frames: u16| {
        move |d: &mut DataSet| {
            let groups: Vec<DataSet> = (0..frames).map(|i| frame(1, 2.0 * f64::from(i))).collect();
            d.text((0x0028, 0x0008), *b"IS", &frames.to_string()).sequence(FRAMES, &groups);
            d.short((0x0028, 0x0010), u16::MAX).short((0x0028, 0x0011), 1);
            d.pixels(&vec![0; 4_096 * usize::from(frames)]);
        }
    };
    assert_eq!(changed(narrow(128)), Ok(Ok(vec![])));
    assert_eq!(changed(narrow(129)), Ok(Err(Fault::Unsupported)));
}

fn triangle(z: f64) -> Vec<f64> {
    vec![-0.1, -0.1, z, 2.4, -0.1, z, -0.1, 1.2, z]
}

fn contour(kind: &str, numbers: &str) -> DataSet {
    set(|d| done(d.text((0x3006, 0x0042), *b"CS", kind).text((0x3006, 0x0050), *b"DS", numbers)))
}

fn written(numbers: &[f64]) -> String {
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join("\\")
}

/// A structure set with one region that has these contours.
fn structures(contours: &[DataSet]) -> DataSet {
    let mut data = common("RTSTRUCT", "2.25.10");
    let region = set(|d| {
        d.text((0x3006, 0x0022), *b"IS", "3").text((0x3006, 0x0024), *b"UI", "2.25.7");
        d.text((0x3006, 0x0026), *b"LO", "GTV");
    });
    data.sequence((0x3006, 0x0020), &[region]);
    let drawn = set(|d| done(d.sequence((0x3006, 0x0040), contours).text((0x3006, 0x0084), *b"IS", "3")));
    data.sequence((0x3006, 0x0039), &[drawn]);
    data
}

#[test]
fn a_contour_marks_the_voxels_whose_centres_it_holds() {
    let found = gtv(&structures(&[contour("CLOSED_PLANAR", &written(&triangle(2.0)))]), RTSTRUCT).unwrap();
    // Columns are 0.75 mm apart and rows 0.5 mm: under the line from (2.4, -0.1) to (-0.1, 1.2).
    assert_eq!(marked(&found), [12, 13, 14, 16, 17, 20]);
}

#[test]
fn contours_that_are_no_closed_planar_triplets_of_places_are_not_opened() {
    for bad in [
        "",
        "0\\0",
        "0\\0\\2\\1",
        "0\\0\\NaN\\1\\0\\2\\1\\1\\2",
        "0\\0\\2\\inf\\0\\2\\1\\1\\2",
        "0\\0\\2\\1e300\\0\\2\\1\\1\\2",
    ] {
        let found = gtv(&structures(&[contour("CLOSED_PLANAR", bad)]), RTSTRUCT);
        assert_eq!(found, Err(Fault::Unsupported), "{bad:?}");
    }
    for kind in ["POINT", "OPEN_PLANAR", "OPEN_NONPLANAR", ""] {
        let found = gtv(&structures(&[contour(kind, &written(&triangle(2.0)))]), RTSTRUCT);
        assert_eq!(found, Err(Fault::Unsupported), "{kind}");
    }
    let tilted = "0\\0\\0\\2\\0\\2\\0\\1\\4";
    assert_eq!(gtv(&structures(&[contour("CLOSED_PLANAR", tilted)]), RTSTRUCT), Err(Fault::Unsupported));
}

#[test]
fn a_contour_that_crosses_itself_is_filled_even_odd() {
    let bow = "-0.1\\-0.1\\2\\2.4\\1.1\\2\\2.4\\-0.1\\2\\-0.1\\1.1\\2";
    let found = gtv(&structures(&[contour("CLOSED_PLANAR", bow)]), RTSTRUCT).unwrap();
    assert_eq!(marked(&found), [12, 15, 16, 17, 18, 19, 20, 23]);
}

#[test]
fn ten_million_points_are_refused_before_they_are_all_kept() {
    let many = vec!["1\\1\\2"; 10_900].join("\\");
    let contours: Vec<DataSet> = (0..920).map(|_| contour("CLOSED_PLANAR", &many)).collect();
    assert_eq!(gtv(&structures(&contours), RTSTRUCT), Err(Fault::Unsupported));
}

#[test]
fn a_structure_sets_header_is_read_without_its_contours_and_a_broken_one_is_still_a_header() {
    let whole = structures(&[contour("CLOSED_PLANAR", &written(&triangle(2.0)))]).file(RTSTRUCT, "2.25.9");
    let mark = [0x06, 0x30, 0x39, 0x00];
    let at = whole.windows(4).position(|w| w == mark).unwrap();
    let cut = &whole[..at + 20];
    assert!(read(cut, &crate::rules()).is_ok(), "contours were read");
    let mut files = ct();
    files.push(Bytes::Dicom(cut.to_vec()));
    assert_eq!(open(&files).mask(0, "GTV"), Err(Fault::Unsupported));
    let strict = trocar_imaging::ScanRules {
        deidentification: trocar_terms::Deidentification {
            require: true,
            private_groups: trocar_terms::PrivateGroups::Refuse,
        },
        ..crate::rules()
    };
    assert_eq!(read(cut, &strict), Err(Reason::Truncated), "private groups were not looked for in contours");
}

#[test]
fn the_gate_of_deidentification_holds_for_segmentations_and_that_of_modalities_does_not() {
    let mut rules = crate::rules();
    rules.deidentification.require = true;
    rules.modalities.clear();
    let file = |data: &DataSet| data.file(SEG, "2.25.9");
    assert!(read(&file(&seg()), &rules).is_ok());
    let mut bare = seg();
    bare.text((0x0012, 0x0062), *b"CS", "NO");
    assert_eq!(read(&file(&bare), &rules), Err(Reason::NotDeidentified));
    let mut burned = seg();
    burned.text((0x0028, 0x0301), *b"CS", "YES");
    assert_eq!(read(&file(&burned), &rules), Err(Reason::BurnedIn));
}

#[test]
fn segments_of_one_label_are_united_and_those_drawn_on_the_series_come_first() {
    let named = |series: &str, pixels: [u16; 2]| {
        let mut data = seg();
        data.sequence((0x0008, 0x1115), &[set(|d| done(d.text((0x0020, 0x000E), *b"UI", series)))]);
        data.pixels(&pixels);
        Bytes::Dicom(data.file(SEG, "2.25.9"))
    };
    let with = |masks: [Bytes; 2]| {
        marked(&open(&ct().into_iter().chain(masks).collect::<Vec<_>>()).mask(0, "GTV").unwrap())
    };
    assert_eq!(with([named("2.25.77", [1, 0]), named("2.25.78", [2, 0])]), [0, 1]);
    assert_eq!(with([named("2.25.2", [1, 0]), named("2.25.78", [2, 0])]), [0]);
}

/// Reads a damaged file as scan and map do; whatever it holds, the answer is a value or a word.
fn survive(bytes: &[u8]) {
    let mut files = ct();
    files.push(Bytes::Dicom(bytes.to_vec()));
    let opened = open(&files);
    let _ = (opened.patient.open_mask_cost(0, "GTV"), opened.mask(0, "GTV"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_segmentation_or_structure_set_never_panics(
        at in any::<proptest::sample::Index>(), bytes in proptest::collection::vec(any::<u8>(), 1..5), cut in any::<bool>()
    ) {
        let drawn = structures(&[contour("CLOSED_PLANAR", &written(&triangle(2.0)))]);
        for whole in [seg().file(SEG, "2.25.9"), drawn.file(RTSTRUCT, "2.25.9")] {
            let at = 132 + at.index(whole.len() - 132);
            let mut file = whole;
            if cut {
                file.truncate(at);
            } else {
                file.iter_mut().skip(at).zip(&bytes).for_each(|(place, byte)| *place = *byte);
            }
            survive(&file);
        }
    }
}
