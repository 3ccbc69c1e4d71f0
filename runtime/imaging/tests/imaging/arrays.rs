//! Pixel arrays against those of pydicom with pylibjpeg (tests/oracles/arrays.py and codestreams.py made the tables).

use crate::{
    files_under,
    raw::{Format, fragments},
    real::{folder, project},
};
use std::{collections::BTreeMap, fs::File, io::Cursor, path::Path};
use trocar_imaging::{PixelArray, Values, pixel_array};
use trocar_terms::Digest;

/// Lines of a table of tests/oracles, in columns.
fn rows(name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(project().join("tests/oracles").join(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// Type, shape as numpy says it, and digest.
fn described(array: &PixelArray) -> String {
    let kind = match array.values {
        Values::U8(_) => "uint8",
        Values::I8(_) => "int8",
        Values::U16(_) => "uint16",
        Values::I16(_) => "int16",
        Values::U32(_) => "uint32",
        Values::I32(_) => "int32",
        Values::F32(_) => "float32",
        Values::F64(_) => "float64",
    };
    let (frames, samples) = (array.frames.to_string(), array.samples.to_string());
    let mut shape = vec![array.rows.to_string(), array.columns.to_string()];
    if array.frames > 1 {
        shape.insert(0, frames);
    }
    if array.samples > 1 {
        shape.push(samples);
    }
    format!("{kind}\t{}\t{}", shape.join("x"), Digest::of(&array.values.to_le_bytes()))
}

/// What is not as the tables say, a line a file.
fn wrong(folder: &Path, arrays: &str, refused: &str) -> Vec<String> {
    let expected: BTreeMap<String, String> =
        rows(arrays).into_iter().map(|r| (r[0].clone(), r[6..].join("\t"))).collect();
    let refused: BTreeMap<String, String> =
        rows(refused).into_iter().map(|r| (r[0].clone(), r[1].clone())).collect();
    let mut paths = Vec::new();
    files_under(folder, &mut paths);
    let names = paths.iter().map(|path| path.strip_prefix(folder).unwrap().display().to_string());
    let found = names.zip(&paths).map(|(name, path)| {
        let found = match pixel_array(File::open(path).unwrap()) {
            Ok(array) => described(&array),
            Err(reason) => reason.word().to_owned(),
        };
        let as_said = Some(&found) == refused.get(&name).or_else(|| expected.get(&name));
        (!as_said).then(|| format!("{name}\t{found}"))
    });
    found.flatten().collect()
}

#[test]
fn every_pydicom_file_has_the_array_that_pydicom_reads_or_its_stated_reason() {
    let Some(folder) = folder("TROCAR_DATA", "target/data", "pydicom") else {
        return;
    };
    let wrong = wrong(&folder, "arrays_pydicom.tsv", "arrays_refused.tsv");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn at_most_8_files_that_pydicom_reads_are_refused() {
    let read: Vec<_> = rows("arrays_pydicom.tsv").into_iter().map(|row| row[0].clone()).collect();
    let refused = rows("arrays_refused.tsv").into_iter().filter(|row| read.contains(&row[0])).count();
    assert!(read.len() > 80 && refused <= 8, "{refused} of {}", read.len());
}

#[test]
fn a_slice_in_nine_transfer_syntaxes_has_the_arrays_that_pydicom_reads() {
    let Some(folder) = folder("TROCAR_TEST_DATA", "../shared/data", "ct512") else {
        return;
    };
    let mut wrong = wrong(&folder, "arrays_ct512.tsv", "arrays_refused.tsv");
    wrong.retain(|line| cfg!(feature = "jpeg-ls") || !line.starts_with("JLS"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The bytes of a base64 column.
pub(crate) fn decoded(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|c| *c != b'=').map(digit).collect();
    let groups = digits
        .chunks(4)
        .map(|group| (group.iter().fold(0_u32, |all, d| all << 6 | u32::from(*d)), group.len()));
    groups.flat_map(|(all, n)| (all << (6 * (4 - n))).to_be_bytes()[1..n].to_vec()).collect()
}

/// Bytes as a base64 column, to be read by [`decoded`].
pub(crate) fn encoded(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let all =
            group.iter().fold(0_usize, |all, byte| all << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        let digits = (0..=group.len()).map(move |i| char::from(DIGITS[all >> (18 - 6 * i) & 63]));
        digits.collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// The file of a row of codestreams.tsv.
pub(crate) fn made(row: &[String]) -> Vec<u8> {
    let number = |i: usize| row[i].parse::<u16>().unwrap();
    let format = Format {
        syntax: Box::leak(row[1].clone().into_boxed_str()),
        colour: if number(4) == 3 { "RGB" } else { "MONOCHROME2" },
        planar: 0,
        frames: 1,
        rows: number(2),
        columns: number(3),
        allocated: number(5),
        stored: number(6),
        high: number(6) - 1,
        signed: number(7) == 1,
    };
    format.file(&fragments(&[], &[&decoded(&row[8])]))
}

pub(crate) fn codestreams() -> Vec<Vec<String>> {
    let all = rows("codestreams.tsv").into_iter();
    all.filter(|row| cfg!(feature = "jpeg-ls") || !row[0].starts_with("jpeg-ls")).collect()
}

#[test]
fn streams_of_other_encoders_give_their_pictures() {
    for row in codestreams() {
        let array = pixel_array(Cursor::new(made(&row))).unwrap_or_else(|e| panic!("{}: {e}", row[0]));
        let bytes = array.values.to_le_bytes();
        let off = match row[9].strip_prefix("within1:") {
            Some(values) => decoded(values).iter().zip(&bytes).map(|(a, b)| a.abs_diff(*b)).max().unwrap(),
            None => u8::from(Digest::of(&bytes).to_string() != row[9]) * 255,
        };
        assert!(off <= 1, "{} is off by {off}", row[0]);
    }
}
