//! What a compressed frame says of itself, read before a decoder is asked to believe it.

/// Size and precision in a codestream's own header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    pub(crate) components: u32,
    pub(crate) bits: u16,
}

/// The frame header of JPEG or JPEG-LS (ITU-T T.81 section B.2, T.87 section C.1).
pub(crate) fn jpeg(frame: &[u8]) -> Option<Shape> {
    let mut rest = frame.strip_prefix(&[0xFF, 0xD8])?;
    loop {
        let marker = *rest.strip_prefix(&[0xFF])?.first()?;
        if marker == 0xFF {
            // Any marker may be preceded by fill bytes.
            rest = rest.get(1..)?;
            continue;
        }
        let segment = rest.get(2..)?;
        let length = usize::from(u16::from_be_bytes(*segment.first_chunk()?));
        let body = segment.get(2..length)?;
        match marker {
            // Every SOF but DHT, JPG and DAC, which share its range; 0xF7 is JPEG-LS.
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7 => return frame_header(body),
            // Scan before frame, or the end.
            0xDA | 0xD9 => return None,
            _ => rest = segment.get(length..)?,
        }
    }
}

fn frame_header(body: &[u8]) -> Option<Shape> {
    let &[bits, r1, r0, c1, c0, components] = body.first_chunk()?;
    Some(Shape {
        rows: u32::from(u16::from_be_bytes([r1, r0])),
        columns: u32::from(u16::from_be_bytes([c1, c0])),
        components: u32::from(components),
        bits: u16::from(bits),
    })
}

/// The SIZ segment of JPEG 2000 (ITU-T T.800 section A.5.1): one component, not subsampled, at most 65,535 tiles.
pub(crate) fn jpeg2000(frame: &[u8]) -> Option<Shape> {
    // A JP2 file wraps the codestream in boxes; SOC and SIZ begin it.
    let start = frame.windows(4).position(|w| w == [0xFF, 0x4F, 0xFF, 0x51])?;
    let size = frame.get(start.checked_add(4)?..)?;
    // Lsiz and Rsiz, then eight 32-bit numbers, then the number of components.
    let word = |i: usize| {
        size.get(4 + 4 * i..8 + 4 * i)
            .and_then(|b| b.first_chunk())
            .map(|b| u32::from_be_bytes(*b))
    };
    let components = u32::from(u16::from_be_bytes(*size.get(36..)?.first_chunk()?));
    let &[depth, across, down] = size.get(38..)?.first_chunk()?;
    let (columns, rows) = (word(0)?.checked_sub(word(2)?)?, word(1)?.checked_sub(word(3)?)?);
    let tiles = u64::from(word(0)?.div_ceil(word(4)?.max(1))) * u64::from(word(1)?.div_ceil(word(5)?.max(1)));
    let plain = across == 1 && down == 1 && tiles <= 65_535;
    plain.then_some(Shape {
        rows,
        columns,
        components,
        bits: u16::from(depth & 0x7F) + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_header_is_found_behind_other_segments() {
        let frame = [
            0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xFF, 0xC3, 0, 11, 12, 0, 5, 1, 0, 1, 1, 0x11, 0,
        ];
        assert_eq!(
            jpeg(&frame),
            Some(Shape {
                rows: 5,
                columns: 256,
                components: 1,
                bits: 12
            })
        );
    }

    #[test]
    fn a_codestream_that_ends_early_has_no_shape() {
        let frame = [
            0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC3, 0, 11, 12, 0, 5, 1, 0, 1, 1, 0x11, 0,
        ];
        for end in 0..frame.len() {
            assert_eq!(jpeg(&frame[..end]), None, "{end}");
        }
        assert_eq!(jpeg(&[0xFF, 0xD8, 0xFF, 0xE0, 0, 0]), None);
        assert_eq!(jpeg2000(&[0xFF, 0x4F, 0xFF, 0x51, 0, 41]), None);
    }
}
