//! RLE Lossless (PS3.5 annex G). Our own: dicom-rs's panics on files that pydicom reads, and asks for what a hostile
//! header says.

use crate::format::Format;

/// The number of segments that a frame's header declares.
pub(crate) fn segments(frame: &[u8]) -> Option<usize> {
    frame.first_chunk().map(|count| u32::from_le_bytes(*count) as usize)
}

/// Whether a frame's header declares the segments that this format has.
pub(crate) fn fits(frame: &[u8], format: &Format) -> bool {
    let plain = format.allocated >= 8 && !format.float;
    plain && segments(frame) == Some(format.width() * usize::from(format.colour.samples()))
}

/// Decodes one frame to little endian samples, pixel by pixel; `None` where it does not give all of them.
pub(super) fn decode(frame: &[u8], format: &Format) -> Option<Vec<u8>> {
    let header: Vec<usize> =
        frame.get(..64)?.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b) as usize).collect();
    // A pair of bytes gives 128 at most, so that less cannot fill the frame that the header asks for.
    if !fits(frame, format) || format.bytes() / 64 > frame.len() {
        return None;
    }
    let (width, pixels) = (format.width(), format.pixels());
    let count = width * usize::from(format.colour.samples());
    let mut samples = vec![0; format.bytes()];
    for segment in 0..count {
        let start = *header.get(segment + 1)?;
        let end = if segment + 1 == count { frame.len() } else { *header.get(segment + 2)? };
        let bytes = unpack(frame.get(start..end).filter(|_| start >= 64)?, pixels)?;
        // Sample by sample, and of each the segment of its most significant bytes first.
        let place = segment / width * width + (width - 1 - segment % width);
        let places = samples.iter_mut().skip(place).step_by(count);
        places.zip(bytes).for_each(|(place, byte)| *place = byte);
    }
    Some(samples)
}

/// PackBits, up to `size` bytes and no more.
fn unpack(mut packed: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        let (&head, rest) = packed.split_first()?;
        packed = match head {
            0..=127 => {
                let (run, rest) = rest.split_at_checked(usize::from(head) + 1)?;
                bytes.extend_from_slice(run);
                rest
            }
            128 => rest,
            129..=255 => {
                let (&byte, rest) = rest.split_first()?;
                bytes.resize(bytes.len() + 257 - usize::from(head), byte);
                rest
            }
        };
    }
    bytes.truncate(size);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Colour;

    /// One row.
    fn format(columns: u16, allocated: u16, colour: Colour) -> Format {
        Format {
            rows: 1,
            columns,
            frames: 1,
            colour,
            planar: false,
            allocated,
            bits: allocated,
            below: 0,
            signed: false,
            float: false,
        }
    }

    fn grey(frame: &[u8], columns: u16, allocated: u16) -> Option<Vec<u8>> {
        decode(frame, &format(columns, allocated, Colour::Grey))
    }

    fn frame(segments: &[&[u8]]) -> Vec<u8> {
        let mut header = vec![u32::try_from(segments.len()).unwrap()];
        let mut at = 64;
        for segment in segments {
            header.push(at);
            at += u32::try_from(segment.len()).unwrap();
        }
        header.resize(16, 0);
        let mut frame: Vec<u8> = header.iter().flat_map(|v| v.to_le_bytes()).collect();
        segments.iter().for_each(|s| frame.extend_from_slice(s));
        frame
    }

    #[test]
    fn runs_and_literals_give_the_samples_high_byte_first() {
        let frame = frame(&[&[254, 1], &[1, 7, 8, 128, 0, 9]]);
        assert_eq!(grey(&frame, 3, 16).unwrap(), [7, 1, 8, 1, 9, 1]);
    }

    #[test]
    fn a_segment_that_gives_too_little_is_refused() {
        assert_eq!(grey(&frame(&[&[254, 1]]), 4, 8), None);
        assert_eq!(grey(&frame(&[&[5, 1]]), 4, 8), None);
    }

    #[test]
    fn a_header_that_points_outside_is_refused() {
        let mut bad = frame(&[&[254, 1]]);
        bad[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(grey(&bad, 3, 8), None);
        bad[4..8].copy_from_slice(&0_u32.to_le_bytes());
        assert_eq!(grey(&bad, 3, 8), None);
        assert_eq!(grey(&frame(&[&[254, 1]]), 3, 16), None);
        assert_eq!(grey(&[0; 63], 1, 8), None);
    }

    #[test]
    fn colours_of_16_bits_are_put_together_pixel_by_pixel() {
        let frame = frame(&[&[0, 1], &[0, 2], &[0, 3], &[0, 4], &[0, 5], &[0, 6]]);
        assert_eq!(decode(&frame, &format(1, 16, Colour::Rgb)).unwrap(), [2, 1, 4, 3, 6, 5]);
    }

    #[test]
    fn a_few_bytes_that_ask_for_a_huge_frame_are_refused() {
        let mut huge = format(60_000, 32, Colour::Grey);
        huge.rows = 60_000;
        assert_eq!(decode(&frame(&[&[129, 1], &[129, 1], &[129, 1], &[129, 1]]), &huge), None);
    }
}
