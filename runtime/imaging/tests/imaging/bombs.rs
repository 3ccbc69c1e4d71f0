//! Small files that ask for much, and damaged streams of every decoder: a reason each, within bounds.

use crate::{
    arrays::{codestreams, decoded, encoded, made},
    made::read,
    raw::{EXPLICIT, Format, element, fragments, rle},
    rules,
};
use proptest::prelude::*;
use std::{io::Cursor, time::Instant};
use trocar_imaging::{Reason, pixel_array};

fn refused(bytes: &[u8]) -> Option<Reason> {
    pixel_array(Cursor::new(bytes)).err()
}

/// The file of some hundred bytes that makes dicom-rs ask for 17 GB.
#[test]
fn an_rle_frame_that_asks_for_gigabytes_is_refused() {
    let frame = rle(&[&[129, 1][..]; 12]);
    let huge =
        Format { syntax: "1.2.840.10008.1.2.5", colour: "RGB", ..Format::grey(EXPLICIT, 65_535, 65_535, 32) };
    let file = huge.file(&fragments(&[], &[&frame]));
    assert!(file.len() < 884);
    assert_eq!(refused(&file), Some(Reason::TooLarge));
    let large = Format { rows: 2_000, columns: 2_000, ..huge };
    assert_eq!(refused(&large.file(&fragments(&[], &[&frame]))), Some(Reason::Codestream));
}

#[test]
fn frames_that_are_declared_and_not_there_are_refused() {
    let many = Format { frames: 65_535, ..Format::grey(EXPLICIT, 1, 1, 8) };
    assert_eq!(
        refused(&many.file(&element((0x7FE0, 0x10), b"OB", &[0; 700], false))),
        Some(Reason::TooLarge)
    );
    let many = Format { frames: 19_999, ..many };
    assert_eq!(
        refused(&many.file(&element((0x7FE0, 0x10), b"OB", &[0; 700], false))),
        Some(Reason::Truncated)
    );
    let many = Format { syntax: "1.2.840.10008.1.2.5", ..many };
    assert_eq!(refused(&many.file(&fragments(&[], &[&rle(&[&[0, 1]])]))), Some(Reason::Truncated));
    let large =
        Format { frames: 300, syntax: "1.2.840.10008.1.2.5", ..Format::grey(EXPLICIT, 1_000, 1_000, 8) };
    let frame = rle(&[&[0, 1]]);
    assert_eq!(refused(&large.file(&fragments(&[], &vec![&frame[..]; 300]))), Some(Reason::TooLarge));
}

#[test]
fn sequences_nested_1_700_and_10_000_deep_are_refused() {
    for depth in [1_700, 10_000] {
        let open = b"\x40\0\x06\0SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff".repeat(depth);
        let close = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0".repeat(depth);
        assert_eq!(
            refused(&Format::grey(EXPLICIT, 1, 1, 8).file(&[open, close].concat())),
            Some(Reason::TooDeep)
        );
    }
}

#[test]
fn a_deflated_file_that_is_longer_than_its_contents_is_refused() {
    let plain = Format::grey(EXPLICIT, 1, 2, 8).file(&element((0x7FE0, 0x10), b"OB", &[1, 2], false));
    let meta = 132 + 8 + EXPLICIT.len() + 1;
    let body = &plain[meta..];
    let length = u16::try_from(body.len()).unwrap();
    let head = [vec![0; 128], b"DICM".to_vec(), element((2, 0x10), b"UI", b"1.2.840.10008.1.2.1.99", false)];
    let stored = [&[1], &length.to_le_bytes()[..], &(!length).to_le_bytes(), body].concat();
    let file = |empty: usize| [head.concat(), b"\0\0\0\xFF\xFF".repeat(empty), stored.clone()].concat();
    assert_eq!(refused(&file(0)), None);
    assert_eq!(refused(&file(13_000)), None);
    assert_eq!(refused(&file(14_000)), Some(Reason::Malformed));
    assert_eq!(refused(&[file(0), vec![0; 70_000]].concat()), Some(Reason::Malformed), "what lies behind it");
}

/// A JPEG 2000 frame of 64 x 64 pixels in precincts of 2 x 2, whose packets are all empty or not there.
fn empty_packets(layers: u16, body: &[u8]) -> Vec<u8> {
    let size = [64_u32, 64, 0, 0, 64, 64, 0, 0].into_iter().flat_map(u32::to_be_bytes);
    let mut stream = b"\xFF\x4F\xFF\x51\0\x29\0\0".to_vec();
    stream.extend(size.chain([0, 1, 7, 1, 1]));
    stream.extend(b"\xFF\x52\0\x0E\x01\0");
    stream.extend(layers.to_be_bytes());
    stream.extend(b"\0\x01\x04\x04\0\x01\x11\x11\xFF\x5C\0\x07\x40\x40\x48\x48\x50");
    stream.extend(b"\xFF\x90\0\x0A\0\0\0\0\0\0\0\x01\xFF\x93");
    stream.extend(body);
    stream.extend(b"\xFF\xD9");
    Format { syntax: "1.2.840.10008.1.2.4.90", ..Format::grey(EXPLICIT, 64, 64, 8) }
        .file(&fragments(&[], &[&stream]))
}

#[test]
fn packets_without_bytes_are_not_gone_through() {
    let start = Instant::now();
    for layers in [65_535, 257, 256, 8] {
        assert_eq!(refused(&empty_packets(layers, &[])), Some(Reason::Codestream), "{layers}");
    }
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
    // 1,024 and 256 precincts: what has a byte a packet is a picture.
    assert_eq!(refused(&empty_packets(1, &[0; 1_280])), None);
}

/// Bits, the lowest of a byte first.
fn packed(bits: &[(u32, usize)]) -> Vec<u8> {
    let bits: Vec<u8> = bits
        .iter()
        .flat_map(|(value, count)| (0..*count).map(move |i| u8::from(value >> i & 1 == 1)))
        .collect();
    bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |all, bit| all << 1 | bit)).collect()
}

/// A JPEG XL frame of this size that is not shown (ISO/IEC 18181-1 annex F): for reference only, modular, in one group of
/// a byte.
fn hidden(columns: u32, rows: u32) -> Vec<u8> {
    let size = |pixels: u32| if pixels < 256 { [(0, 2), (pixels, 8)] } else { [(1, 2), (pixels - 256, 11)] };
    // Not all by default; its type, its coding, no flags, no YCbCr, no upsampling, the size of groups; a size of its own.
    let start = [(0, 1), (2, 2), (1, 1), (0, 2), (0, 1), (0, 2), (3, 2), (1, 1)];
    // Where it is saved, and before colours are turned; no name, filters by default, no extensions; groups in order.
    let end = [(1, 2), (1, 1), (0, 2), (1, 1), (0, 2), (0, 1)];
    let head = packed(&[&start[..], &size(columns), &size(rows), &end].concat());
    [head, packed(&[(0, 2), (1, 10)]), vec![0]].concat()
}

#[test]
fn a_picture_with_many_frames_that_are_not_shown_is_refused() {
    let row = codestreams().into_iter().find(|row| row[0] == "jpeg-xl-grey").unwrap();
    let stream = decoded(&row[8]);
    let image = jxl_oxide::JxlImage::builder().read(&stream[..]).unwrap();
    let (head, shown) = stream.split_at(image.frame_offset(0).unwrap());
    let with = |hidden: &[u8]| {
        let mut other = row.clone();
        other[8] = encoded(&[head, hidden, shown].concat());
        refused(&made(&other))
    };
    assert_eq!(with(&[]), None);
    assert_eq!(with(&hidden(1, 1).repeat(3)), None);
    assert_eq!(with(&hidden(1, 1).repeat(4)), Some(Reason::Codestream));
    assert_eq!(with(&hidden(1, 1).repeat(500)), Some(Reason::Codestream));
    assert_eq!(with(&hidden(500, 500)), None);
    assert_eq!(with(&hidden(500, 500).repeat(2)), Some(Reason::Codestream));
}

/// An implicit VR element, which may be as long as it likes.
fn implicit((group, element): (u16, u16), value: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), element.to_le_bytes()].concat();
    let padded = value.len().next_multiple_of(2);
    bytes.extend(u32::try_from(padded).unwrap().to_le_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(8 + padded, b' ');
    bytes
}

#[test]
fn values_of_200_kb_are_not_read_again_for_each_of_20_000_frames() {
    let text = |tag, text: &str| implicit(tag, text.as_bytes());
    let short = |element, value: u16| implicit((0x28, element), &value.to_le_bytes());
    let list = "1.5\\".repeat(50_000);
    let number = format!("{}2", "0".repeat(200_000));
    let elements = [
        text((0x08, 0x60), "MR"),
        text((0x10, 0x20), "P1"),
        text((0x18, 0x50), &number),
        text((0x18, 0x86), &list),
        text((0x18, 0x88), "2.0"),
        text((0x18, 0x1060), &list),
        implicit((0x18, 0x9087), &2.0_f64.to_le_bytes().repeat(25_000)),
        text((0x20, 0x0D), "1.2"),
        text((0x20, 0x0E), "1.3"),
        text((0x20, 0x12), &number),
        text((0x20, 0x32), "0\\0\\0"),
        text((0x20, 0x37), "1\\0\\0\\0\\1\\0"),
        text((0x20, 0x100), &number),
        short(0x02, 1),
        text((0x28, 0x04), "MONOCHROME2"),
        text((0x28, 0x08), "20000"),
        short(0x10, 1),
        short(0x11, 1),
        text((0x28, 0x30), "1\\1"),
        short(0x100, 8),
        short(0x101, 8),
        short(0x102, 7),
        short(0x103, 0),
        implicit((0x5200, 0x9230), &b"\xFE\xFF\0\xE0\0\0\0\0".repeat(20_000)),
        implicit((0x7FE0, 0x10), &[0; 20_000]),
    ];
    let syntax = element((2, 0x10), b"UI", b"1.2.840.10008.1.2", false);
    let file = [vec![0; 128], b"DICM".to_vec(), syntax, elements.concat()].concat();
    let start = Instant::now();
    assert!(read(&file, &rules()).is_ok());
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
}

/// A stream whose header says the size of the file, with next to nothing behind it.
#[test]
fn a_stream_that_ends_early_is_refused_soon() {
    for row in codestreams() {
        let whole = made(&row);
        let pixels = whole.windows(8).rposition(|w| w == b"\xFE\xFF\0\xE0\0\0\0\0").unwrap() + 16;
        for kept in [0, 16, 80, 160, 400] {
            let stream = &whole[pixels..whole.len() - 8];
            let cut = &stream[..stream.len().min(kept)];
            let mut file = whole[..pixels - 16].to_vec();
            file.truncate(file.len() - 12);
            file.extend(fragments(&[], &[cut]));
            let start = Instant::now();
            let found = refused(&file);
            // JPEG 2000 and JPEG XL may be cut anywhere and be pictures still; ours must only end.
            let progressive = row[1].contains(".4.9") || row[1].contains(".4.20") || row[1].contains(".4.11");
            assert!(found.is_some() || progressive, "{} {kept}", row[0]);
            assert!(start.elapsed().as_secs() < 2, "{} {kept}", row[0]);
        }
    }
}

#[test]
fn a_stream_of_another_size_than_the_file_says_is_refused() {
    for row in codestreams() {
        for (column, value) in [(2, "41"), (3, "55")] {
            let mut other = row.clone();
            other[column] = value.to_owned();
            assert_eq!(refused(&made(&other)), Some(Reason::Codestream), "{}", row[0]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_stream_never_panics_or_hangs(which in 0_usize..64, at in any::<usize>(), bytes in proptest::collection::vec(any::<u8>(), 1..6)) {
        let rows = codestreams();
        let mut file = made(&rows[which % rows.len()]);
        let first = 400 + at % (file.len() - 406);
        file[first..first + bytes.len()].copy_from_slice(&bytes);
        let start = Instant::now();
        let _ = pixel_array(Cursor::new(&file));
        prop_assert!(start.elapsed().as_secs() < 2);
    }
}
