use crate::{
    made::{file, read, slice},
    rules, sent,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, io::Write};
use trocar_imaging::{Reason, Subject, SubjectSeries, group, open_patient};
use trocar_terms::Patient as _;

/// Where the data set begins: after preamble, `DICM` and the file meta group.
fn data_set(bytes: &[u8]) -> usize {
    let length = u32::from_le_bytes(bytes[140..144].try_into().unwrap());
    144 + length as usize
}

/// A good slice with these bytes before its data set.
fn with_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut bytes = file(&slice(0.0));
    let at = data_set(&bytes);
    bytes.splice(at..at, prefix.iter().copied());
    bytes
}

/// An element with a sequence of undefined length at `depth` levels, opened and closed.
fn nested(depth: usize) -> Vec<u8> {
    let open = b"\x08\0\x06\0SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff".repeat(depth);
    let close = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0".repeat(depth);
    [open, close].concat()
}

#[test]
fn sequences_nested_beyond_the_bound_are_refused_before_anything_recurses() {
    assert!(read(&with_prefix(&nested(32)), &rules()).is_ok());
    assert_eq!(read(&with_prefix(&nested(33)), &rules()), Err(Reason::TooDeep));
    assert_eq!(read(&with_prefix(&nested(100_000)), &rules()), Err(Reason::TooDeep));
}

#[test]
fn an_element_that_declares_more_than_the_file_holds_is_truncated() {
    let element = b"\x08\0\x05\0UC\0\0\xf0\xff\xff\xff";
    assert_eq!(read(&with_prefix(element), &rules()), Err(Reason::Truncated));
    let sequence = b"\x08\0\x06\0SQ\0\0\xf0\xff\xff\xff";
    assert_eq!(read(&with_prefix(sequence), &rules()), Err(Reason::Truncated));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = file(&slice(0.0));
    for end in 0..bytes.len() {
        let found = read(&bytes[..end], &rules());
        assert!(found.is_err(), "accepted when cut at {end} of {}", bytes.len());
    }
}

#[test]
fn a_file_without_the_length_of_its_meta_group_is_read() {
    let mut bytes = file(&slice(0.0));
    bytes.drain(132..144);
    assert_eq!(read(&bytes, &rules()), read(&file(&slice(0.0)), &rules()));
}

/// dicom-rs gives an unknown VR a length of 32 bits, and once asked for a gigabyte for this.
#[test]
fn a_wanted_element_of_an_unknown_vr_is_refused_before_it_is_parsed() {
    let mut bytes = file(&slice(0.0));
    let at = bytes.windows(6).position(|w| w == b"\x28\0\x04\0CS").unwrap();
    bytes[at + 5] = b'Q';
    assert_eq!(read(&bytes, &rules()), Err(Reason::Malformed));
}

#[test]
fn elements_out_of_order_are_refused() {
    let bytes = with_prefix(b"\x10\0\x20\0LO\x02\0P0");
    assert_eq!(read(&bytes, &rules()), Err(Reason::Malformed));
}

#[test]
fn an_empty_file_and_a_text_file_are_not_dicom() {
    assert_eq!(read(b"", &rules()), Err(Reason::NotDicom));
    assert_eq!(read(&b"patient_id,age\n".repeat(20), &rules()), Err(Reason::NotDicom));
}

#[test]
fn a_transfer_syntax_that_is_not_on_the_list_is_refused() {
    let mut bytes = file(&slice(0.0));
    let uid = b"1.2.840.10008.1.2.1\0";
    let at = bytes.windows(uid.len()).position(|w| w == uid).unwrap();
    bytes[at..at + uid.len()].copy_from_slice(b"1.2.840.10008.1.2.9\0");
    assert_eq!(read(&bytes, &rules()), Err(Reason::TransferSyntax));
}

/// Reads a file as scan and map do; whatever it holds, the answer is a value or a word.
fn survive(bytes: &[u8]) {
    let Ok(header) = read(bytes, &rules()) else { return };
    let Some(patient) = group(vec![(0, header)]).patients.pop() else {
        return;
    };
    let mut on_disk = tempfile::tempfile().unwrap();
    on_disk.write_all(bytes).unwrap();
    let record = &patient.series[0];
    let series = vec![SubjectSeries { files: vec![0], ..sent(record) }];
    let patient = open_patient(Subject { columns: BTreeMap::new(), series, masks: vec![] }, vec![on_disk]);
    if let Ok(volume) = patient.open(0) {
        let _ = (volume.read_f32(0, 1), volume.read_s16(0, 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_never_panics(at in 128_usize..700, bytes in proptest::collection::vec(any::<u8>(), 1..5)) {
        let mut file = file(&slice(0.0));
        for (place, byte) in file.iter_mut().skip(at).zip(bytes) {
            *place = byte;
        }
        survive(&file);
    }
}

/// A good slice whose syntax is this one and whose pixels are one fragment.
fn encapsulated(uid: &[u8; 20], fragment: &[u8]) -> Vec<u8> {
    let mut bytes = file(&slice(0.0));
    let explicit = b"1.2.840.10008.1.2.1\0";
    let at = bytes.windows(explicit.len()).position(|w| w == explicit).unwrap();
    bytes[at..at + 20].copy_from_slice(uid);
    let pixels = bytes.len() - 12 - 24;
    bytes.truncate(pixels);
    bytes.extend_from_slice(b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0\xE0");
    bytes.extend_from_slice(&u32::try_from(fragment.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(fragment);
    bytes.extend_from_slice(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    bytes
}

#[test]
fn a_compressed_frame_that_contradicts_the_header_is_refused_before_it_is_decoded() {
    let rle = b"1.2.840.10008.1.2.5\0";
    let mut segments = vec![0; 64];
    segments[0] = 2;
    assert!(read(&encapsulated(rle, &segments), &rules()).is_ok());
    segments[0] = 15;
    assert_eq!(read(&encapsulated(rle, &segments), &rules()), Err(Reason::Codestream));
}

#[test]
fn encapsulated_pixels_in_an_uncompressed_syntax_are_refused() {
    let bytes = encapsulated(b"1.2.840.10008.1.2.1\0", &[0; 64]);
    assert_eq!(read(&bytes, &rules()), Err(Reason::Malformed));
}

#[test]
fn pixels_whose_last_fragment_is_cut_are_refused() {
    let mut segments = vec![0; 64];
    segments[0] = 2;
    let bytes = encapsulated(b"1.2.840.10008.1.2.5\0", &segments);
    assert_eq!(read(&bytes[..bytes.len() - 8], &rules()), Err(Reason::Truncated));
    assert_eq!(read(&bytes[..bytes.len() - 20], &rules()), Err(Reason::Truncated));
}

/// Damages real compressed files, where there are some, in their last part: that is what decoders see.
#[test]
fn damaged_compressed_frames_never_panic_the_reader() {
    let Some(folder) = crate::real::folder("TROCAR_DATA", "target/data", "pydicom") else {
        return;
    };
    let names =
        ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "693_J2KI.dcm"];
    for name in names {
        let good = std::fs::read(folder.join(name)).unwrap();
        for step in 1..40 {
            let mut bad = good.clone();
            let at = good.len() - 1 - (step * 977) % (good.len() / 2);
            bad[at] ^= 0x55;
            survive(&bad);
        }
    }
}
