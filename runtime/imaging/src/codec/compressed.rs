//! Frames of a codestream, once its own header has been held against the file's.

use super::whole;
use crate::{
    codestream::{Shape, jpeg_xl_builder},
    format::Format,
    jpeg,
    syntax::Coding,
    values::Values,
};
use jxl_oxide::JxlImage;

/// Decodes a frame whose shape is known; `None` where it is not the file's, or not whole.
pub(super) fn frame(coding: Coding, format: &Format, shape: &Shape, frame: &[u8]) -> Option<Values> {
    if !shape.fits(format) {
        return None;
    }
    match coding {
        Coding::Native | Coding::Rle => None,
        Coding::Jpeg => jpeg(format, frame),
        Coding::JpegLs => jpeg_ls(format, shape, frame),
        Coding::Jpeg2000 | Coding::HighThroughput => jpeg2000(format, shape, frame),
        Coding::JpegXl => jpeg_xl(format, shape, frame),
    }
}

fn jpeg(format: &Format, frame: &[u8]) -> Option<Values> {
    Some(match (jpeg::decode(frame)?, format.allocated) {
        // Already as the file stores them, but for the bits that are not a value's.
        (jpeg::Samples::Bytes(samples), 8) => whole::stored(samples, format),
        (jpeg::Samples::Bytes(samples), _) => narrow(samples.iter().map(|v| i32::from(*v)), format),
        (jpeg::Samples::Words(samples), _) => narrow(samples.iter().map(|v| i32::from(*v)), format),
    })
}

fn narrow(samples: impl Iterator<Item = i32>, format: &Format) -> Values {
    let (bits, mask) = (u32::from(format.bits), u32::MAX >> 32_u16.saturating_sub(format.bits).min(31));
    whole::narrowed(samples.map(|v| v & mask.cast_signed()), format, bits)
}

#[cfg(not(feature = "jpeg-ls"))]
const fn jpeg_ls(_: &Format, _: &Shape, _: &[u8]) -> Option<Values> {
    None
}

#[cfg(feature = "jpeg-ls")]
fn jpeg_ls(format: &Format, shape: &Shape, frame: &[u8]) -> Option<Values> {
    // CharLS makes something of a stream that is cut off: one that is whole has its end, and padding after it.
    frame.get(frame.len().saturating_sub(8)..)?.windows(2).find(|pair| *pair == [0xFF, 0xD9])?;
    let bytes = charls::CharLS::default().decode(frame).ok()?;
    let wide = shape.bits > 8;
    if bytes.len() != format.samples() << u32::from(wide) {
        return None;
    }
    let values = if shape.bits.div_ceil(8) * 8 == format.allocated {
        let bits = if format.signed { shape.bits } else { format.allocated };
        whole::stored(bytes, &Format { bits, below: 0, ..*format })
    } else {
        // Only bytes can be in something wider.
        whole::narrowed(bytes.iter().map(|b| i32::from(*b)), format, u32::from(shape.bits))
    };
    Some(if shape.planar { values.by_pixel(usize::from(format.colour.samples())) } else { values })
}

/// Packets that the price of a frame has in it, whatever its length.
const MAX_EMPTY_PACKETS: u64 = 1 << 13;

fn jpeg2000(format: &Format, shape: &Shape, frame: &[u8]) -> Option<Values> {
    // A packet takes a byte at least, and is priced by the bytes that there are: eight of them have one in their price.
    if shape.packets > MAX_EMPTY_PACKETS.saturating_add(frame.len() as u64 / 8) {
        return None;
    }
    let image = jpeg2k::Image::from_bytes(frame).ok()?;
    let components = image.components();
    let whole = components.len() == usize::from(format.colour.samples())
        && components.iter().all(|c| c.data().len() == format.pixels());
    if !whole {
        return None;
    }
    // A stream that has signs has extended them already.
    let bits = if shape.signed { 32 } else { u32::from(shape.bits) };
    match components {
        [grey] => Some(whole::narrowed(grey.data().iter().copied(), format, bits)),
        [red, green, blue] => {
            let pixels = red.data().iter().zip(green.data()).zip(blue.data());
            Some(whole::narrowed(pixels.flat_map(|((r, g), b)| [*r, *g, *b]), format, bits))
        }
        _ => None,
    }
}

/// Frames of a still picture, those that are not shown included: patches, a picture of an eighth of its size, and itself.
const MAX_FRAMES: usize = 4;

/// Whether all frames that may be decoded for the one that is shown are within what it costs: as large as four together.
fn few_frames(image: &JxlImage, pixels: u64) -> bool {
    let count = image.num_loaded_frames();
    let sizes = (0..count.min(MAX_FRAMES)).filter_map(|index| image.frame(index)).map(|frame| frame.header());
    let size = sizes.map(|head| u64::from(head.width).saturating_mul(u64::from(head.height)));
    let most = pixels.max(1 << 16).saturating_mul(MAX_FRAMES as u64);
    count <= MAX_FRAMES && size.fold(0, u64::saturating_add) <= most
}

fn jpeg_xl(format: &Format, shape: &Shape, frame: &[u8]) -> Option<Values> {
    let image = jpeg_xl_builder().read(frame).ok()?;
    if !few_frames(&image, format.pixels() as u64) {
        return None;
    }
    let render = image.render_frame(0).ok()?;
    let mut stream = render.stream_no_alpha();
    let mut samples = vec![0_f32; format.samples()];
    if stream.write_to_buffer(&mut samples) != samples.len() {
        return None;
    }
    let most = f64::from(u32::MAX >> 32_u16.saturating_sub(shape.bits).min(31));
    #[allow(clippy::cast_possible_truncation, reason = "within the bits of a sample")]
    let whole = |v: f32| (f64::from(v) * most).round().clamp(0.0, most) as i32;
    Some(whole::narrowed(samples.into_iter().map(whole), format, u32::from(shape.bits)))
}
