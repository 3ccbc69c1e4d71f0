//! The pixels of any image file as they are stored, whatever its modality: for a look at them, not for computing.

use crate::{
    Reason,
    codec::decode,
    codestream,
    dataset::parse,
    format::{self, Format},
    layout::Layout,
    syntax::Coding,
    values::Values,
    volume::gather,
    walk::{Wanted, walk},
};
use dicom_core::Tag;
use std::io::{Cursor, Read, Seek};

/// Bytes of all frames together.
const MAX_ARRAY: usize = 256 << 20;

/// The stored values of a file: frame by frame, row by row, pixel by pixel; YBR as RGB, palettes as their indices.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelArray {
    /// Number of frames.
    pub frames: u32,
    /// Rows of a frame.
    pub rows: u16,
    /// Columns of a frame.
    pub columns: u16,
    /// Samples of a pixel: 1 or 3.
    pub samples: u16,
    /// All samples.
    pub values: Values,
}

/// An image file whose header has been read, and whose frames are decoded when they are asked for.
pub struct PixelFile<R> {
    file: R,
    format: Format,
    layout: Layout,
    /// The whole data set, where the file deflates it.
    inflated: Option<Vec<u8>>,
}

// A file's contents stay out of logs.
impl<R> std::fmt::Debug for PixelFile<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PixelFile").field("frames", &self.format.frames).finish_non_exhaustive()
    }
}

impl<R: Read + Seek> PixelFile<R> {
    /// Reads the header of a file, and checks that its pixel data is wholly there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(mut file: R) -> Result<Self, Reason> {
        let walked = walk(&mut file, &OfPixels)?;
        let elements = parse(&walked.elements, walked.syntax)?;
        if walked.pixels.is_none() {
            return Err(Reason::NoPixels);
        }
        let format = Format::read(elements.data(), walked.element())?;
        let layout = Layout::new(&walked, &format)?;
        Ok(Self { file, format, layout, inflated: walked.inflated })
    }

    /// Number of frames.
    #[must_use]
    pub const fn frames(&self) -> u32 {
        self.format.frames
    }

    /// The values of one frame.
    ///
    /// # Errors
    /// [`Reason::Codestream`] where its bytes are not what the header says, [`Reason::TooLarge`] where there is no such
    /// frame.
    pub fn frame(&mut self, index: u32) -> Result<Values, Reason> {
        let index = index as usize;
        let runs = self.layout.frames.get(index).ok_or(Reason::TooLarge)?;
        let bytes = match &self.inflated {
            Some(data) => gather(&mut Cursor::new(&data[..]), runs),
            None => gather(&mut self.file, runs),
        };
        let bytes = bytes.ok_or(Reason::Unreadable)?;
        let coding = self.layout.syntax.coding;
        if coding != Coding::Native && !codestream::fits(coding, &self.format, &bytes) {
            return Err(Reason::Codestream);
        }
        decode(&self.layout, &self.format, index, bytes).ok_or(Reason::Codestream)
    }

    /// The values of all frames.
    ///
    /// # Errors
    /// What is wrong with one of them, or [`Reason::TooLarge`] where they are over 256 MiB together.
    pub fn array(&mut self) -> Result<PixelArray, Reason> {
        let Format { frames, rows, columns, colour, .. } = self.format;
        if self.format.bytes().saturating_mul(frames as usize) > MAX_ARRAY {
            return Err(Reason::TooLarge);
        }
        let mut values = self.frame(0)?;
        for index in 1..frames {
            values.append(self.frame(index)?).ok_or(Reason::Codestream)?;
        }
        Ok(PixelArray { frames, rows, columns, samples: colour.samples(), values })
    }
}

/// Decodes every frame of an image file of any modality.
///
/// # Errors
/// What is wrong with it.
pub fn pixel_array(file: impl Read + Seek) -> Result<PixelArray, Reason> {
    PixelFile::open(file)?.array()
}

/// The elements that say how pixels are written, whatever else the file holds.
struct OfPixels;

impl Wanted for OfPixels {
    fn wants(&self, tag: Tag) -> bool {
        format::TAGS.contains(&tag)
    }

    fn check(&self, _: Tag, _: &[u8]) -> Result<(), Reason> {
        Ok(())
    }
}
