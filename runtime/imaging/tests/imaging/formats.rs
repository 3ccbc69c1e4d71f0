//! Ways to write samples, each in a file of a few pixels.

use crate::raw::{BIG, EXPLICIT, Format, element, fragments, rle};
use std::io::Cursor;
use trocar_imaging::{PixelFile, Reason, Values, pixel_array};

fn read(format: Format, pixels: &[u8]) -> Result<Values, Reason> {
    pixel_array(Cursor::new(format.file(pixels))).map(|array| array.values)
}

fn words(values: &[u8]) -> Vec<u8> {
    element((0x7FE0, 0x10), b"OW", values, false)
}

fn bytes(values: &[u8]) -> Vec<u8> {
    element((0x7FE0, 0x10), b"OB", values, false)
}

#[test]
fn bits_above_and_below_a_value_are_not_part_of_it() {
    let format = Format { stored: 12, high: 13, ..Format::grey(EXPLICIT, 1, 2, 16) };
    let pixels = words(&[0b0000_0111, 0b1100_0000, 0xFF, 0xFF]);
    assert_eq!(read(format, &pixels), Ok(Values::U16(vec![1, 0xFFF])));
    assert_eq!(read(Format { signed: true, ..format }, &pixels), Ok(Values::I16(vec![1, -1])));
    assert_eq!(read(Format { high: 16, ..format }, &pixels), Err(Reason::PixelFormat));
    assert_eq!(read(Format { high: 10, ..format }, &pixels), Err(Reason::PixelFormat));
}

#[test]
fn single_bits_follow_one_another_from_frame_to_frame() {
    let format = Format { frames: 3, ..Format::grey(EXPLICIT, 1, 3, 1) };
    let expected = Values::U8(vec![1, 0, 1, 0, 1, 1, 1, 0, 1]);
    assert_eq!(read(format, &bytes(&[0b0111_0101, 0b1])), Ok(expected));
    assert_eq!(read(Format { frames: 6, ..format }, &bytes(&[0b0111_0101, 0b1])), Err(Reason::Truncated));
}

#[test]
fn bytes_in_big_endian_words_are_turned_also_where_a_frame_ends_within_a_word() {
    let format = Format { frames: 2, ..Format::grey(BIG, 1, 3, 8) };
    let pixels = element((0x7FE0, 0x10), b"OW", &[2, 1, 4, 3, 6, 5], true);
    assert_eq!(read(format, &pixels), Ok(Values::U8(vec![1, 2, 3, 4, 5, 6])));
    let pixels = element((0x7FE0, 0x10), b"OB", &[1, 2, 3, 4, 5, 6], true);
    assert_eq!(read(format, &pixels), Ok(Values::U8(vec![1, 2, 3, 4, 5, 6])));
}

#[test]
fn colour_by_plane_comes_out_by_pixel() {
    let format = Format { colour: "RGB", planar: 1, ..Format::grey(EXPLICIT, 1, 2, 8) };
    assert_eq!(read(format, &bytes(&[1, 2, 3, 4, 5, 6])), Ok(Values::U8(vec![1, 3, 5, 2, 4, 6])));
    assert_eq!(
        read(Format { planar: 0, ..format }, &bytes(&[1, 2, 3, 4, 5, 6])),
        Ok(Values::U8(vec![1, 2, 3, 4, 5, 6]))
    );
}

#[test]
fn two_pixels_of_one_colour_are_told_apart() {
    let format = Format { colour: "YBR_FULL_422", ..Format::grey(EXPLICIT, 1, 2, 8) };
    assert_eq!(read(format, &bytes(&[10, 20, 128, 128])), Ok(Values::U8(vec![10, 10, 10, 20, 20, 20])));
    assert_eq!(read(Format { columns: 3, ..format }, &bytes(&[0; 8])), Err(Reason::PixelFormat));
}

#[test]
fn a_palette_gives_its_indices_and_an_unknown_colour_nothing() {
    let format = Format { colour: "PALETTE COLOR", ..Format::grey(EXPLICIT, 1, 2, 8) };
    assert_eq!(read(format, &bytes(&[7, 9])), Ok(Values::U8(vec![7, 9])));
    assert_eq!(read(Format { colour: "HSV", ..format }, &bytes(&[7, 9])), Err(Reason::PixelFormat));
}

#[test]
fn floats_are_read_in_single_and_double_precision() {
    let values = [1.5_f32, -2.25];
    let single: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let format = Format::grey(EXPLICIT, 1, 2, 32);
    let pixels = element((0x7FE0, 8), b"OF", &single, false);
    assert_eq!(read(format, &pixels), Ok(Values::F32(values.to_vec())));
    let double: Vec<u8> = values.iter().flat_map(|v| f64::from(*v).to_be_bytes()).collect();
    let pixels = element((0x7FE0, 9), b"OD", &double, true);
    let format = Format { syntax: BIG, ..Format::grey(BIG, 1, 2, 64) };
    assert_eq!(read(format, &pixels), Ok(Values::F64(vec![1.5, -2.25])));
    assert_eq!(read(Format::grey(EXPLICIT, 1, 1, 64), &bytes(&[0; 8])), Err(Reason::PixelFormat));
}

#[test]
fn numbers_of_32_bits_keep_their_sign() {
    let format = Format { signed: true, ..Format::grey(EXPLICIT, 1, 1, 32) };
    assert_eq!(read(format, &words(&(-70_000_i32).to_le_bytes())), Ok(Values::I32(vec![-70_000])));
    let rle_format = Format { syntax: "1.2.840.10008.1.2.5", ..format };
    let [a, b, c, d] = (-70_000_i32).to_be_bytes();
    let frame = rle(&[&[0, a], &[0, b], &[0, c], &[0, d]]);
    assert_eq!(read(rle_format, &fragments(&[], &[&frame])), Ok(Values::I32(vec![-70_000])));
}

#[test]
fn an_odd_number_of_bytes_needs_no_padding_and_a_missing_one_is_truncated() {
    let format = Format::grey(EXPLICIT, 1, 3, 8);
    let whole = format.file(b"\xE0\x7F\x10\0OB\0\0\x03\0\0\0\x01\x02\x03");
    assert_eq!(pixel_array(Cursor::new(whole)).unwrap().values, Values::U8(vec![1, 2, 3]));
    assert_eq!(read(format, &bytes(&[1, 2])), Err(Reason::Truncated));
}

#[test]
fn an_extended_offset_table_finds_frames_of_several_fragments() {
    let format = Format { syntax: "1.2.840.10008.1.2.5", frames: 2, ..Format::grey(EXPLICIT, 1, 1, 8) };
    let (first, second) = (rle(&[&[0, 5]]), rle(&[&[0, 6]]));
    let (head, tail) = first.split_at(32);
    let offsets: Vec<u8> = [0_u64, 8 + 32 + 8 + 34].iter().flat_map(|v| v.to_le_bytes()).collect();
    let lengths: Vec<u8> = [66_u64, 66].iter().flat_map(|v| v.to_le_bytes()).collect();
    let table = [
        element((0x7FE0, 1), b"OV", &offsets, false),
        element((0x7FE0, 2), b"OV", &lengths, false),
        fragments(&[], &[head, tail, &second]),
    ];
    assert_eq!(read(format, &table.concat()), Ok(Values::U8(vec![5, 6])));
    assert_eq!(read(format, &fragments(&[], &[head, tail, &second])), Err(Reason::Malformed));
}

#[test]
fn elements_of_the_other_vr_encoding_than_the_syntax_says_are_read() {
    let mut file = Format::grey(EXPLICIT, 1, 2, 8).file(&bytes(&[3, 4]));
    let at = file.windows(19).position(|w| w == EXPLICIT.as_bytes()).unwrap();
    // Implicit VR by its UID, explicit by its elements.
    file.splice(at + 17..at + 19, *b"\0\0");
    let values = pixel_array(Cursor::new(file)).map(|array| array.values);
    assert_eq!(values, Ok(Values::U8(vec![3, 4])));
}

#[test]
fn a_frame_beyond_the_last_is_refused() {
    let format = Format { frames: 3, ..Format::grey(EXPLICIT, 2, 4, 8) };
    let file = format.file(&bytes(&[0; 24]));
    let mut open = PixelFile::open(Cursor::new(&file)).unwrap();
    assert!(open.frame(2).is_ok());
    assert_eq!(open.frame(3), Err(Reason::TooLarge));
}
