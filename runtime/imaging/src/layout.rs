use crate::{
    Reason,
    codec::swapped,
    format::Format,
    syntax::{Coding, Syntax},
    walk::{Element, Pixels, Walked},
};

/// Where the bytes of each frame lie: in the file, or in the data set that it deflates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) syntax: Syntax,
    /// 8-bit pixels in 16-bit words, which matters when the words are big endian.
    pub(crate) words: bool,
    /// Runs `(offset, length)` of each frame.
    pub(crate) frames: Vec<Vec<(u64, u32)>>,
}

impl Layout {
    /// Finds every frame, and refuses a file where one is missing.
    pub(crate) fn new(walked: &Walked, format: &Format) -> Result<Self, Reason> {
        let syntax = walked.syntax;
        match (walked.pixels.as_ref().ok_or(Reason::NoPixels)?, syntax.coding) {
            (Pixels::Native { offset, length, element }, Coding::Native) => {
                let mut layout = Self { syntax, words: *element == Element::Words, frames: Vec::new() };
                layout.frames = layout.native(*offset, *length, format)?;
                Ok(layout)
            }
            (Pixels::Fragments { table, start, items }, coding) if coding != Coding::Native => {
                let frames = encapsulated(table, *start, items, format.frames)?;
                bounded(&frames, format)?;
                Ok(Self { syntax, words: false, frames })
            }
            _ => Err(Reason::Malformed),
        }
    }

    /// Frames follow one another without padding, down to the bit (PS3.5 section 8.1.1).
    fn native(&self, offset: u64, length: u64, format: &Format) -> Result<Vec<Vec<(u64, u32)>>, Reason> {
        let size = format.native_bits();
        let end = |frame: u32| u64::from(frame).saturating_mul(size).div_ceil(8);
        if end(format.frames) > length {
            return Err(Reason::Truncated);
        }
        let unit = self.unit(format) as u64;
        let run = |frame: u32| {
            let start = u64::from(frame).saturating_mul(size) / 8 / unit * unit;
            // The last byte of a word may be padding that is not there.
            let end = end(frame.saturating_add(1)).next_multiple_of(unit).min(length);
            let size = u32::try_from(end.saturating_sub(start)).map_err(|_| Reason::TooLarge)?;
            Ok(vec![(offset.saturating_add(start), size)])
        };
        (0..format.frames).map(run).collect()
    }

    /// Bytes that are turned round together.
    pub(crate) fn unit(&self, format: &Format) -> usize {
        swapped(self.syntax.encoding, self.words, format)
    }

    /// Bits of frame `index`'s run before the frame's own.
    pub(crate) fn lead(&self, format: &Format, index: usize) -> usize {
        let bits = (index as u64).saturating_mul(format.native_bits());
        usize::try_from(bits % (8 * self.unit(format) as u64)).unwrap_or_default()
    }
}

/// One fragment a frame, all fragments for one frame, or as the basic offset table says (PS3.5 annex A.4).
fn encapsulated(
    table: &[u64],
    start: u64,
    items: &[(u64, u32)],
    frames: u32,
) -> Result<Vec<Vec<(u64, u32)>>, Reason> {
    if items.len() < frames as usize {
        return Err(Reason::Truncated);
    }
    if frames == 1 {
        return Ok(vec![items.to_vec()]);
    }
    if items.len() == frames as usize {
        return Ok(items.iter().map(|item| vec![*item]).collect());
    }
    by_table(table, start, items, frames)
}

/// Bytes that the smallest frame may take beyond its pixels: tables, comments and profiles of colour.
const MAX_BESIDE_PIXELS: u64 = 1 << 20;

/// No coding makes a frame several times as large as its pixels, and a frame is read into memory whole.
fn bounded(frames: &[Vec<(u64, u32)>], format: &Format) -> Result<(), Reason> {
    let most = (format.bytes() as u64).saturating_mul(4).saturating_add(MAX_BESIDE_PIXELS);
    let size = |runs: &[(u64, u32)]| runs.iter().map(|run| u64::from(run.1)).fold(0, u64::saturating_add);
    if frames.iter().all(|runs| size(runs) <= most) { Ok(()) } else { Err(Reason::TooLarge) }
}

fn by_table(
    table: &[u64],
    start: u64,
    items: &[(u64, u32)],
    frames: u32,
) -> Result<Vec<Vec<(u64, u32)>>, Reason> {
    if table.len() != frames as usize || table.first() != Some(&0) {
        return Err(Reason::Malformed);
    }
    let mut found: Vec<Vec<(u64, u32)>> = Vec::new();
    for item in items {
        // An offset points at the item's own 8-byte head.
        let head = item.0.saturating_sub(8).saturating_sub(start);
        if table.get(found.len()).is_some_and(|next| *next == head) {
            found.push(Vec::new());
        }
        found.last_mut().ok_or(Reason::Malformed)?.push(*item);
    }
    if found.len() == frames as usize { Ok(found) } else { Err(Reason::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Colour;

    #[test]
    fn fragments_are_sorted_into_frames_by_the_offset_table() {
        let items = [(108, 10), (126, 10), (144, 10)];
        let frames = encapsulated(&[0, 36], 100, &items, 2).unwrap();
        assert_eq!(frames, vec![vec![(108, 10), (126, 10)], vec![(144, 10)]]);
    }

    #[test]
    fn an_offset_table_that_points_between_fragments_is_refused() {
        let items = [(108, 10), (126, 10), (144, 10)];
        assert_eq!(encapsulated(&[0, 35], 100, &items, 2), Err(Reason::Malformed));
        assert_eq!(encapsulated(&[], 100, &items, 2), Err(Reason::Malformed));
        assert_eq!(encapsulated(&[], 100, &items, 4), Err(Reason::Truncated));
    }
    #[test]
    fn a_compressed_frame_of_many_times_its_pixels_is_refused() {
        let format = Format {
            rows: 512,
            columns: 512,
            frames: 1,
            colour: Colour::Grey,
            planar: false,
            allocated: 16,
            bits: 16,
            below: 0,
            signed: false,
            float: false,
        };
        let most = (4 << 19) + (1 << 20);
        assert_eq!(bounded(&[vec![(8, most - 9), (most.into(), 9)]], &format), Ok(()));
        assert_eq!(bounded(&[vec![(8, most - 9), (most.into(), 10)]], &format), Err(Reason::TooLarge));
        assert_eq!(bounded(&[vec![(8, 1)], vec![(9, u32::MAX); 250]], &format), Err(Reason::TooLarge));
    }
}
