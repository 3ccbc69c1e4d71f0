//! One frame's bytes to its stored values.

mod colour;
mod compressed;
mod native;
pub(crate) mod rle;
mod whole;

pub(crate) use native::swapped;

use crate::{
    codestream::Shape,
    format::{Colour, Format},
    layout::Layout,
    syntax::Coding,
    values::Values,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Decodes frame `index` of a file from the bytes that its layout names; `None` where they are not what the header
/// says. Colours come as RGB, pixel by pixel.
pub(crate) fn decode(layout: &Layout, format: &Format, index: usize, frame: Vec<u8>) -> Option<Values> {
    // Decoders have panicked on hostile frames: that costs this frame, not the process.
    catch_unwind(AssertUnwindSafe(|| frame_of(layout, format, index, frame))).ok()?
}

fn frame_of(layout: &Layout, format: &Format, index: usize, frame: Vec<u8>) -> Option<Values> {
    let coding = layout.syntax.coding;
    let shape = Shape::read(coding, &frame);
    let values = match coding {
        Coding::Native => native::frame(layout, format, index, frame)?,
        Coding::Rle => whole::stored(rle::decode(&frame, format)?, format),
        _ => compressed::frame(coding, format, shape.as_ref()?, &frame)?,
    };
    if values.len() != format.samples() {
        return None;
    }
    match (colour(coding, format.colour, shape.as_ref()), values) {
        (Colour::Ybr | Colour::Ybr422, Values::U8(samples)) => Some(Values::U8(colour::rgb(samples))),
        (Colour::Ybr | Colour::Ybr422, _) => None,
        (_, values) => Some(values),
    }
}

/// What the decoded samples stand for: the header's word, but for JPEG streams that name other components. The rules
/// are pydicom's.
fn colour(coding: Coding, stated: Colour, shape: Option<&Shape>) -> Colour {
    match (coding, shape) {
        (Coding::Jpeg | Coding::JpegLs, Some(shape)) if stated.samples() == 3 => match stated {
            _ if shape.names_rgb => Colour::Rgb,
            Colour::Rgb | Colour::Transformed if shape.jfif => Colour::Ybr,
            other => other,
        },
        // Its decoder gives the colours that are shown.
        (Coding::JpegXl, _) if stated.samples() == 3 => Colour::Rgb,
        _ => stated,
    }
}
