//! RLE Lossless (PS3.5 annex G). Our own: dicom-rs's panics on files that pydicom reads, and asks for what a hostile
//! header says.

/// The number of segments that a frame's header declares.
pub(crate) fn segments(frame: &[u8]) -> Option<usize> {
    frame.first_chunk().map(|count| u32::from_le_bytes(*count) as usize)
}

/// Decodes one frame to little endian samples of `width` bytes; `None` where it does not give `pixels` of them.
pub(crate) fn decode(frame: &[u8], pixels: usize, width: usize) -> Option<Vec<u8>> {
    let header: Vec<usize> =
        frame.get(..64)?.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b) as usize).collect();
    if header.first() != Some(&width) {
        return None;
    }
    let mut samples = vec![0; pixels.checked_mul(width)?];
    for plane in 0..width {
        let start = *header.get(plane + 1)?;
        let last = plane + 1 == width;
        let end = if last { frame.len() } else { *header.get(plane + 2)? };
        let bytes = unpack(frame.get(start..end).filter(|_| start >= 64)?, pixels)?;
        // The first segment holds the most significant bytes.
        let places = samples.iter_mut().skip(width - 1 - plane).step_by(width);
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
        assert_eq!(decode(&frame, 3, 2).unwrap(), [7, 1, 8, 1, 9, 1]);
    }

    #[test]
    fn a_segment_that_gives_too_little_is_refused() {
        assert_eq!(decode(&frame(&[&[254, 1]]), 4, 1), None);
        assert_eq!(decode(&frame(&[&[5, 1]]), 4, 1), None);
    }

    #[test]
    fn a_header_that_points_outside_is_refused() {
        let mut bad = frame(&[&[254, 1]]);
        bad[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(decode(&bad, 3, 1), None);
        bad[4..8].copy_from_slice(&0_u32.to_le_bytes());
        assert_eq!(decode(&bad, 3, 1), None);
        assert_eq!(decode(&frame(&[&[254, 1]]), 3, 2), None);
        assert_eq!(decode(&[0; 63], 1, 1), None);
    }
}
