//! One frame's bytes to its stored values.

use crate::{
    codestream::Shape,
    image::Format,
    layout::Layout,
    rle,
    syntax::{Coding, Encoding, Syntax},
};
use dicom_encoding::adapters::{PixelDataObject, RawPixelData};
use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Samples of a frame, little endian, of 1 or 2 bytes each.
pub(crate) struct Samples {
    bytes: Vec<u8>,
    width: usize,
    bits: u16,
    signed: bool,
}

impl Samples {
    /// The stored values: the low bits of each sample, and no others (PS3.5 section 8.1.1).
    pub(crate) fn stored(&self) -> impl ExactSizeIterator<Item = i32> {
        let (bits, signed) = (u32::from(self.bits), self.signed);
        let shift = 32_u32.saturating_sub(bits);
        self.bytes.chunks_exact(self.width).map(move |b| {
            let raw = b.iter().rev().fold(0_u32, |raw, byte| raw << 8 | u32::from(*byte)) << shift;
            if signed { raw.cast_signed() >> shift } else { (raw >> shift).cast_signed() }
        })
    }
}

/// Decodes one frame; `None` where its bytes are not what its header says.
pub(crate) fn decode(layout: &Layout, format: &Format, frame: Vec<u8>) -> Option<Samples> {
    let (bytes, width) = match layout.syntax.coding {
        Coding::Native => (native(layout, format, frame), usize::from(format.width)),
        Coding::Rle => {
            let width = usize::from(format.width);
            (rle::decode(&frame, format.pixels(), width)?, width)
        }
        Coding::Jpeg | Coding::JpegLs | Coding::Jpeg2000 => compressed(layout.syntax, format, frame)?,
    };
    let whole = bytes.len() == format.pixels().checked_mul(width)?;
    whole.then_some(Samples { bytes, width, bits: format.bits, signed: format.signed })
}

fn native(layout: &Layout, format: &Format, mut frame: Vec<u8>) -> Vec<u8> {
    let swapped = format.width == 2 || layout.words;
    if layout.syntax.encoding == Encoding::ExplicitBig && swapped {
        frame.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse());
    }
    frame
}

/// Hands a frame to dicom-rs's codec after its own header has been held against the file's.
fn compressed(syntax: Syntax, format: &Format, frame: Vec<u8>) -> Option<(Vec<u8>, usize)> {
    let shape = Shape::read(syntax.coding, &frame).filter(|shape| shape.fits(format))?;
    // Decoders write one byte a sample where the codestream has at most 8 bits.
    let width = usize::from(shape.bits.div_ceil(8));
    let frame = Frame {
        uid: syntax.uid,
        format: *format,
        bits: shape.bits,
        allocated: shape.bits.div_ceil(8) * 8,
        bytes: frame,
    };
    let reader = syntax.codec()?.pixel_data_reader()?;
    let mut bytes = Vec::new();
    // Decoders have panicked on hostile frames: that costs this frame, not the process.
    let done = catch_unwind(AssertUnwindSafe(|| reader.decode_frame(&frame, 0, &mut bytes)));
    done.ok()?.ok()?;
    Some((bytes, width))
}

/// One compressed frame, as dicom-rs's codecs ask for it.
struct Frame {
    uid: &'static str,
    format: Format,
    bits: u16,
    allocated: u16,
    bytes: Vec<u8>,
}

impl PixelDataObject for Frame {
    fn transfer_syntax_uid(&self) -> &str {
        self.uid
    }
    fn rows(&self) -> Option<u16> {
        Some(self.format.rows)
    }
    fn cols(&self) -> Option<u16> {
        Some(self.format.columns)
    }
    fn samples_per_pixel(&self) -> Option<u16> {
        Some(1)
    }
    fn bits_allocated(&self) -> Option<u16> {
        Some(self.allocated)
    }
    fn bits_stored(&self) -> Option<u16> {
        Some(self.bits)
    }
    fn photometric_interpretation(&self) -> Option<&str> {
        Some("MONOCHROME2")
    }
    fn number_of_frames(&self) -> Option<u32> {
        Some(1)
    }
    fn number_of_fragments(&self) -> Option<u32> {
        Some(1)
    }
    fn fragment(&self, fragment: usize) -> Option<Cow<'_, [u8]>> {
        (fragment == 0).then_some(Cow::Borrowed(&self.bytes))
    }
    fn offset_table(&self) -> Option<Cow<'_, [u32]>> {
        Some(Cow::Borrowed(&[]))
    }
    fn raw_pixel_data(&self) -> Option<RawPixelData> {
        Some(RawPixelData { fragments: vec![self.bytes.clone()].into(), offset_table: Vec::new().into() })
    }
}
