//! From stored values to values in a unit.

use crate::{made::slice, synthetic::read_one};
use trocar_imaging::Reason;
use trocar_testkit::dicom::DataSet;

/// A CT slice without a rescale, with stored values 0, 1, 2 ...
fn bare() -> DataSet {
    let mut data = slice(0.0);
    data.text((0x0028, 0x1052), *b"DS", "").text((0x0028, 0x1053), *b"DS", "");
    data.pixels(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    data
}

/// Without the elements at all.
fn without(data: &DataSet, tags: &[[u8; 4]]) -> Vec<u8> {
    let mut bytes = data.file(crate::made::CT, "2.25.9");
    for tag in tags {
        let at = bytes.windows(4).position(|w| w == tag).unwrap();
        let length = usize::from(u16::from_le_bytes([bytes[at + 6], bytes[at + 7]]));
        bytes.drain(at..at + 8 + length);
    }
    bytes
}

const SLOPE_AND_INTERCEPT: [[u8; 4]; 2] = [[0x28, 0, 0x52, 0x10], [0x28, 0, 0x53, 0x10]];

fn voxels(bytes: &[u8]) -> Result<(String, Vec<f32>), Reason> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("one.dcm");
    std::fs::write(&path, bytes).unwrap();
    let (mut series, refused) = crate::series_of(&[path]);
    match refused.first() {
        Some((_, reason)) => Err(*reason),
        None => {
            let (info, voxels) = series.remove(0);
            Ok((info.unit, voxels))
        }
    }
}

/// A modality LUT of three entries, 65, 66 and 70, from stored value 2 on.
fn lut(kind: &str) -> DataSet {
    let mut item = DataSet::new();
    item.text((0x0028, 0x3002), *b"US", "\x03\0\x02\0\x10\0").text((0x0028, 0x3004), *b"LO", kind);
    item.text((0x0028, 0x3006), *b"US", "A\0B\0F\0");
    let mut data = bare();
    data.sequence((0x0028, 0x3000), &[item]);
    data
}

#[test]
fn a_modality_lut_to_hu_is_the_calibration_and_its_ends_hold_beyond_it() {
    let (unit, values) = voxels(&without(&lut("HU"), &SLOPE_AND_INTERCEPT)).unwrap();
    assert_eq!(unit, "[hnsf'U]");
    assert_eq!(values, [65.0, 65.0, 65.0, 66.0, 70.0, 70.0, 70.0, 70.0, 70.0, 70.0, 70.0, 70.0]);
}

#[test]
fn a_modality_lut_to_another_unit_or_beside_a_rescale_is_refused() {
    assert_eq!(voxels(&without(&lut("OD"), &SLOPE_AND_INTERCEPT)), Err(Reason::Unit));
    let mut both = lut("HU");
    both.decimals((0x0028, 0x1053), &[1.0]);
    assert_eq!(read_one(&both).1, [Reason::NoRescale]);
}

/// A real-world value mapping with slope 2 and intercept 2.
fn mapping(code: &str) -> DataSet {
    let (mut unit, mut item) = (DataSet::new(), DataSet::new());
    unit.text((0x0008, 0x0100), *b"SH", code);
    item.sequence((0x0040, 0x08EA), &[unit]);
    item.text((0x0040, 0x9224), *b"FD", "\0\0\0\0\0\0\0@").text((0x0040, 0x9225), *b"FD", "\0\0\0\0\0\0\0@");
    item
}

#[test]
fn a_real_world_value_mapping_gives_unit_and_values_where_nothing_else_does() {
    let mut data = bare();
    data.sequence((0x0040, 0x9096), &[mapping("[hnsf'U]")]);
    let (unit, values) = voxels(&without(&data, &SLOPE_AND_INTERCEPT)).unwrap();
    assert_eq!((unit.as_str(), values[3]), ("[hnsf'U]", 8.0));
    data.text((0x0008, 0x0060), *b"CS", "PT").sequence((0x0040, 0x9096), &[mapping("g/ml{SUVbw}")]);
    let (unit, values) = voxels(&without(&data, &SLOPE_AND_INTERCEPT)).unwrap();
    assert_eq!((unit.as_str(), values[3]), ("g/mL", 8.0));
    data.sequence((0x0040, 0x9096), &[mapping("mm2/s")]);
    assert_eq!(voxels(&without(&data, &SLOPE_AND_INTERCEPT)), Err(Reason::Unit));
}

/// A PET slice in Bq/mL with all that SUV takes: 70 kg, 350 MBq of F-18 one half-life before the series.
fn pet() -> DataSet {
    let mut drug = DataSet::new();
    drug.text((0x0018, 0x1072), *b"TM", "100000").decimals((0x0018, 0x1074), &[350e6]);
    drug.decimals((0x0018, 0x1075), &[6586.0]);
    let mut data = slice(0.0);
    data.text((0x0008, 0x0060), *b"CS", "PT").text((0x0054, 0x1001), *b"CS", "BQML");
    data.text((0x0008, 0x0021), *b"DA", "20200102").text((0x0008, 0x0031), *b"TM", "114946");
    data.text((0x0008, 0x0022), *b"DA", "20200102").text((0x0008, 0x0032), *b"TM", "115000.5");
    data.text((0x0028, 0x0051), *b"CS", "NORM\\ATTN\\DECY").text((0x0054, 0x1102), *b"CS", "START");
    data.decimals((0x0010, 0x1030), &[70.0]).sequence((0x0054, 0x0016), &[drug]);
    data.decimals((0x0028, 0x1052), &[0.0]).decimals((0x0028, 0x1053), &[2.0]);
    data
}

/// Unit and the second voxel, whose stored value is 100.
fn of(data: &DataSet) -> (String, f32) {
    let (series, refused) = read_one(data);
    assert_eq!(refused, []);
    (series[0].0.unit.clone(), series[0].1[1])
}

#[test]
fn activity_becomes_suv_by_body_weight_with_the_dose_that_was_left() {
    // 200 Bq/mL, 70,000 g, and half of 350 MBq.
    assert_eq!(of(&pet()), ("g/mL".to_owned(), 200.0 * 70_000.0 / 175e6));
    let mut admin = pet();
    admin.text((0x0054, 0x1102), *b"CS", "ADMIN");
    assert_eq!(of(&admin), ("g/mL".to_owned(), 200.0 * 70_000.0 / 350e6));
}

#[test]
fn an_uptake_by_anything_but_body_weight_is_refused() {
    let mut uptake = pet();
    uptake.text((0x0054, 0x1001), *b"CS", "GML");
    assert_eq!(of(&uptake), ("g/mL".to_owned(), 200.0));
    for (kind, taken) in [("BW", true), ("BSA", false), ("LBM", false), ("LBMJANMA", false), ("IBW", false)] {
        uptake.text((0x0054, 0x1006), *b"CS", kind);
        let (series, refused) = read_one(&uptake);
        assert_eq!((series.len() == 1, refused.first() == Some(&Reason::Unit)), (taken, !taken), "{kind}");
    }
}

type Change<'a> = &'a dyn Fn(&mut DataSet);

#[test]
fn activity_stays_activity_where_anything_that_suv_takes_is_missing_or_not_plausible() {
    let changes: &[(&str, Change<'_>)] = &[
        ("no weight", &|d| drop(d.text((0x0010, 0x1030), *b"DS", "").encoded())),
        ("grams", &|d| drop(d.decimals((0x0010, 0x1030), &[70_000.0]).encoded())),
        ("not corrected", &|d| drop(d.text((0x0028, 0x0051), *b"CS", "NORM\\ATTN").encoded())),
        ("no decay", &|d| drop(d.text((0x0054, 0x1102), *b"CS", "NONE").encoded())),
        ("injected later", &|d| drop(d.text((0x0008, 0x0031), *b"TM", "095959").encoded())),
        ("derived later", &|d| drop(d.text((0x0008, 0x0031), *b"TM", "120000").encoded())),
        ("no date", &|d| drop(d.text((0x0008, 0x0021), *b"DA", "").encoded())),
        ("no drug", &|d| drop(d.sequence((0x0054, 0x0016), &[]).encoded())),
    ];
    for (name, change) in changes {
        let mut data = pet();
        change(&mut data);
        assert_eq!(of(&data), ("Bq/mL".to_owned(), 200.0), "{name}");
    }
}

/// A slice whose samples have 32 bits: low words first.
fn wide(samples: [u32; 12]) -> DataSet {
    let mut data = slice(0.0);
    data.short((0x0028, 0x0100), 32).short((0x0028, 0x0101), 32).short((0x0028, 0x0102), 31);
    let halves = samples.iter().flat_map(|v| v.to_le_bytes());
    let halves: Vec<u8> = halves.collect();
    data.pixels(&halves.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect::<Vec<_>>());
    data
}

#[test]
fn a_volume_of_32_bit_samples_is_read_in_single_precision() {
    let (series, refused) = read_one(&wide([70_000; 12]));
    assert_eq!(refused, []);
    assert!(!series[0].0.integral);
    assert_eq!(series[0].1, [70_000.0 - 1024.0; 12]);
}

#[test]
fn a_volume_of_floats_is_rescaled_like_any_other() {
    let mut bytes = wide([1.5_f32.to_bits(); 12]).file(crate::made::CT, "2.25.9");
    let at = bytes.windows(6).position(|w| w == b"\xE0\x7F\x10\0OW").unwrap();
    bytes[at + 2..at + 6].copy_from_slice(b"\x08\0OF");
    assert_eq!(voxels(&bytes).unwrap(), ("[hnsf'U]".to_owned(), vec![1.5 - 1024.0; 12]));
}
