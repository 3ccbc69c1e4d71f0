//! What a compressed frame says of itself, read before a decoder is asked to believe it.

mod jpeg2000;

use crate::{codec::rle, format::Format, syntax::Coding};
use jxl_oxide::{AllocTracker, InitializeResult, JxlImage, JxlImageBuilder, JxlThreadPool, image::BitDepth};
use std::panic::catch_unwind;

/// Size and precision in a codestream's own header, and what else decides how its samples are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    pub(crate) components: u32,
    pub(crate) bits: u16,
    /// Whether samples have a sign (JPEG 2000).
    pub(crate) signed: bool,
    /// Whether components come one after another (JPEG-LS).
    pub(crate) planar: bool,
    /// Whether the components are called R, G and B.
    pub(crate) names_rgb: bool,
    /// Whether there is a JFIF header, which stands for YBR.
    pub(crate) jfif: bool,
    /// Packets that a decoder goes through, whether anything is in them or not (JPEG 2000).
    pub(crate) packets: u64,
}

impl Shape {
    /// What a frame of this coding says; `None` where it has no such header or is not compressed by a codestream.
    pub(crate) fn read(coding: Coding, frame: &[u8]) -> Option<Self> {
        match coding {
            Coding::Jpeg | Coding::JpegLs => jpeg(coding, frame),
            Coding::Jpeg2000 | Coding::HighThroughput => jpeg2000::shape(frame),
            Coding::JpegXl => jpeg_xl(frame),
            Coding::Native | Coding::Rle => None,
        }
    }

    /// Whether a decoder may be asked for this shape, and gives samples that the file's format can hold.
    pub(crate) fn fits(&self, format: &Format) -> bool {
        let size = (u32::from(format.rows), u32::from(format.columns), u32::from(format.colour.samples()));
        let same = (self.rows, self.columns, self.components) == size;
        same && !format.float && self.bits >= 1 && self.bits.div_ceil(8) * 8 <= format.allocated
    }
}

/// Whether the beginning of a compressed frame agrees with the file's format.
pub(crate) fn fits(coding: Coding, format: &Format, frame: &[u8]) -> bool {
    match coding {
        Coding::Native => true,
        Coding::Rle => rle::fits(frame, format),
        _ => Shape::read(coding, frame).is_some_and(|shape| shape.fits(format)),
    }
}

/// The headers of JPEG or JPEG-LS up to the first scan (ITU-T T.81 section B.2, T.87 section C.1).
fn jpeg(coding: Coding, frame: &[u8]) -> Option<Shape> {
    let mut rest = frame.strip_prefix(&[0xFF, 0xD8])?;
    let (mut shape, mut jfif) = (None, false);
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
        match (marker, coding) {
            // Sequential DCT and lossless; 0xF7 is JPEG-LS.
            (0xC0 | 0xC1 | 0xC3, Coding::Jpeg) | (0xF7, Coding::JpegLs) if shape.is_none() => {
                shape = Some(frame_header(body)?);
            }
            // Any other frame, but DHT, JPG and DAC, which share its range.
            (0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7 | 0xD9, _) => return None,
            (0xE0..=0xEF, _) => jfif |= body.starts_with(b"JFIF"),
            (0xDA, _) => return Some(Shape { jfif, planar: by_plane(coding, body)?, ..shape? }),
            _ => {}
        }
        rest = segment.get(length..)?;
    }
}

fn frame_header(body: &[u8]) -> Option<Shape> {
    let &[bits, r1, r0, c1, c0, components] = body.first_chunk()?;
    let ids: Vec<u8> = body.get(6..)?.chunks_exact(3).map(|c| c[0]).collect();
    Some(Shape {
        rows: u32::from(u16::from_be_bytes([r1, r0])),
        columns: u32::from(u16::from_be_bytes([c1, c0])),
        components: u32::from(components),
        bits: u16::from(bits),
        names_rgb: ids == b"RGB" || ids == b"rgb",
        ..Shape::default()
    })
}

/// The interleave mode of a JPEG-LS scan: 0 has one component a scan (ITU-T T.87 section C.2.3).
fn by_plane(coding: Coding, body: &[u8]) -> Option<bool> {
    if coding != Coding::JpegLs {
        return Some(false);
    }
    let components = usize::from(*body.first()?);
    body.get(2 * components + 2).map(|mode| *mode == 0)
}

/// The size and depth of a JPEG XL stream. Its header is written bit by bit, so its decoder reads it; a panic there costs
/// this frame, not the process.
fn jpeg_xl(frame: &[u8]) -> Option<Shape> {
    catch_unwind(|| jpeg_xl_header(frame)).ok()?
}

fn jpeg_xl_header(frame: &[u8]) -> Option<Shape> {
    let mut image = jpeg_xl_builder().build_uninit();
    image.feed_bytes(frame).ok()?;
    let InitializeResult::Initialized(image) = image.try_init().ok()? else { return None };
    let header = image.image_header();
    let depth = header.metadata.bit_depth;
    let whole = matches!(depth, BitDepth::IntegerSample { .. });
    let alone = header.metadata.animation.is_none() && header.metadata.orientation == 1;
    let components = if image.pixel_format().is_grayscale() { 1 } else { 3 };
    let bits = u16::try_from(depth.bits_per_sample()).ok()?;
    let shape = Shape { rows: image.height(), columns: image.width(), components, bits, ..Shape::default() };
    // Singles hold whole numbers of up to 24 bits.
    (whole && alone && bits <= 16).then_some(shape)
}

/// Memory that a JPEG XL frame may take: six times what the largest frame takes as single floats.
const JPEG_XL_MEMORY: usize = 384 << 20;

/// Without threads, and with bounded memory.
pub(crate) fn jpeg_xl_builder() -> JxlImageBuilder {
    let builder = JxlImage::builder().pool(JxlThreadPool::none());
    builder.alloc_tracker(AllocTracker::with_limit(JPEG_XL_MEMORY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_header_is_found_behind_other_segments() {
        let frame = [
            0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xFF, 0xC3, 0, 11, 12, 0, 5, 1, 0, 1, 1, 0x11, 0, 0xFF,
            0xDA, 0, 2,
        ];
        let shape = Shape { rows: 5, columns: 256, components: 1, bits: 12, ..Shape::default() };
        assert_eq!(jpeg(Coding::Jpeg, &frame), Some(shape));
        assert_eq!(jpeg(Coding::JpegLs, &frame), None);
    }

    #[test]
    fn a_codestream_that_ends_early_has_no_shape() {
        let frame = [
            0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC3, 0, 11, 12, 0, 5, 1, 0, 1, 1, 0x11, 0, 0xFF, 0xDA,
            0, 2,
        ];
        for end in 0..frame.len() {
            assert_eq!(jpeg(Coding::Jpeg, &frame[..end]), None, "{end}");
        }
        assert_eq!(jpeg(Coding::Jpeg, &[0xFF, 0xD8, 0xFF, 0xE0, 0, 0]), None);
    }
}
