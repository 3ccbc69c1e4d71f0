//! The contours of one region of an RTSTRUCT, read off the copied bytes of its ROI Contour Sequence.
//!
//! dicom-rs would make a string of each number; a structure set has millions. The walk before has checked every length
//! and depth, and this reader checks them again.

use crate::{
    Reason,
    element::{Head, UNDEFINED, text},
    lattice::Point,
    source::{Buffer, Source},
    syntax::Encoding,
    walk::MAX_DEPTH,
};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use std::io::Cursor;

/// Contours of one region.
const MAX_CONTOURS: usize = 100_000;
/// Points of one region.
const MAX_POINTS: usize = 4_000_000;
/// Characters of one number. DS has at most 16.
const MAX_NUMBER: usize = 64;

const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

/// One closed planar contour.
pub(crate) type Contour = Vec<Point>;

/// Reads the contours of region `number` from the elements that a walk copied.
pub(crate) fn read(elements: &[u8], encoding: Encoding, number: u32) -> Result<Vec<Contour>, Reason> {
    let mut buffer = Buffer::default();
    let mut reader = Reader { source: Source::new(Cursor::new(elements), 0, &mut buffer)?, points: 0 };
    let mut found = None;
    while reader.source.left() > 0 {
        let head = Head::read(&mut reader.source, encoding)?;
        if head.tag != tags::ROI_CONTOUR_SEQUENCE {
            reader.pass(&head, encoding, 0)?;
            continue;
        }
        reader.items(head.length, encoding, &mut |reader, end| {
            let region = reader.region(encoding, end)?;
            if region.number == Some(number) {
                // Two items for one region would be two answers.
                let again = found.replace(region.contours?).is_some();
                return if again { Err(Reason::Malformed) } else { Ok(()) };
            }
            reader.points = 0;
            Ok(())
        })?;
    }
    Ok(found.unwrap_or_default())
}

struct Reader<'a> {
    source: Source<'a, Cursor<&'a [u8]>>,
    /// Points of the region that is being read.
    points: usize,
}

/// What one item of the ROI Contour Sequence has; its number comes after its contours.
struct Region {
    number: Option<u32>,
    contours: Result<Vec<Contour>, Reason>,
}

type End = Option<u64>;

impl Reader<'_> {
    fn end_of(&self, length: u32) -> Result<End, Reason> {
        if length == UNDEFINED {
            return Ok(None);
        }
        let fits = u64::from(length) <= self.source.left();
        if fits {
            Ok(Some(self.source.at().saturating_add(u64::from(length))))
        } else {
            Err(Reason::Truncated)
        }
    }

    /// Calls `each` at the start of every item of a sequence; it must read the item to its end.
    fn items(
        &mut self,
        length: u32,
        encoding: Encoding,
        each: &mut dyn FnMut(&mut Self, End) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        let end = self.end_of(length)?;
        while end.is_none_or(|end| self.source.at() < end) {
            let head = Head::read(&mut self.source, encoding)?;
            match head.tag {
                ITEM => {
                    let item = self.end_of(head.length)?;
                    each(self, item)?;
                }
                SEQUENCE_END if end.is_none() => return Ok(()),
                _ => return Err(Reason::Malformed),
            }
        }
        Ok(())
    }

    /// The next element of an item; `None` at the item's end.
    fn next(&mut self, encoding: Encoding, end: End) -> Result<Option<Head>, Reason> {
        if end.is_some_and(|end| self.source.at() >= end) {
            return Ok(None);
        }
        let head = Head::read(&mut self.source, encoding)?;
        match head.tag {
            ITEM_END if end.is_none() => Ok(None),
            tag if tag.0 == 0xFFFE => Err(Reason::Malformed),
            _ => Ok(Some(head)),
        }
    }

    /// Passes over an element, whatever is in it.
    fn pass(&mut self, head: &Head, encoding: Encoding, depth: u32) -> Result<(), Reason> {
        if !head.is_sequence() || head.length != UNDEFINED {
            return self.source.skip(u64::from(head.length));
        }
        if depth >= MAX_DEPTH {
            return Err(Reason::TooDeep);
        }
        // PS3.5 section 6.2.2: what is under UN of undefined length is implicit VR little endian.
        let inner = if head.vr == Some(*b"UN") { Encoding::ImplicitLittle } else { encoding };
        self.items(head.length, inner, &mut |reader, end| {
            while let Some(head) = reader.next(inner, end)? {
                reader.pass(&head, inner, depth + 1)?;
            }
            Ok(())
        })
    }

    fn region(&mut self, encoding: Encoding, end: End) -> Result<Region, Reason> {
        let mut region = Region { number: None, contours: Ok(Vec::new()) };
        while let Some(head) = self.next(encoding, end)? {
            match head.tag {
                tags::CONTOUR_SEQUENCE => {
                    self.items(head.length, encoding, &mut |reader, end| {
                        reader.contour(encoding, end, &mut region)
                    })?;
                }
                tags::REFERENCED_ROI_NUMBER => region.number = self.short_text(&head)?.parse().ok(),
                _ => self.pass(&head, encoding, 0)?,
            }
        }
        Ok(region)
    }

    /// What is wrong with one region's contours is not said of another's.
    fn contour(&mut self, encoding: Encoding, end: End, region: &mut Region) -> Result<(), Reason> {
        let (mut closed, mut points) = (false, Err(Reason::NoGeometry));
        while let Some(head) = self.next(encoding, end)? {
            match head.tag {
                tags::CONTOUR_GEOMETRIC_TYPE => {
                    closed = matches!(self.short_text(&head)?.as_str(), "CLOSED_PLANAR" | "CLOSEDPLANAR_XOR");
                }
                tags::CONTOUR_DATA if !head.is_sequence() => {
                    let bytes = self.source.bytes(u64::from(head.length))?;
                    points = parse(&bytes, MAX_POINTS.saturating_sub(self.points));
                }
                _ => self.pass(&head, encoding, 0)?,
            }
        }
        // Points and open lines have no inside.
        let points = if closed { points } else { Err(Reason::SegmentType) };
        self.points = self.points.saturating_add(points.as_ref().map_or(0, Vec::len));
        region.take(points);
        Ok(())
    }

    fn short_text(&mut self, head: &Head) -> Result<String, Reason> {
        if head.is_sequence() || head.length as usize > MAX_NUMBER {
            return Err(Reason::Malformed);
        }
        Ok(text(&self.source.bytes(u64::from(head.length))?))
    }
}

impl Region {
    fn take(&mut self, points: Result<Contour, Reason>) {
        let Ok(contours) = &mut self.contours else { return };
        match points {
            Ok(points) if contours.len() < MAX_CONTOURS => contours.push(points),
            Ok(_) => self.contours = Err(Reason::TooLarge),
            Err(reason) => self.contours = Err(reason),
        }
    }
}

/// Triplets of finite numbers, separated by backslashes.
fn parse(bytes: &[u8], room: usize) -> Result<Contour, Reason> {
    let mut numbers = bytes.split(|b| *b == b'\\').map(number);
    let mut points = Vec::new();
    while let Some(x) = numbers.next() {
        let (y, z) = (numbers.next(), numbers.next());
        if points.len() >= room {
            return Err(Reason::TooLarge);
        }
        points.push([x?, y.ok_or(Reason::NoGeometry)??, z.ok_or(Reason::NoGeometry)??]);
    }
    Ok(points)
}

/// No place in a patient is meant to be more than a hundred metres off; NaN is no place.
fn number(text: &[u8]) -> Result<f64, Reason> {
    let text = text.trim_ascii();
    let text = text.strip_suffix(b"\0").unwrap_or(text).trim_ascii();
    let text = if text.len() <= MAX_NUMBER { std::str::from_utf8(text).ok() } else { None };
    let value = text.and_then(|text| text.parse::<f64>().ok()).filter(|v| v.abs() <= 1e5);
    value.ok_or(Reason::NoGeometry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triplets_of_finite_numbers_are_points_and_nothing_else_is() {
        assert_eq!(parse(b"1\\-2.5\\3e1 ", 9), Ok(vec![[1.0, -2.5, 30.0]]));
        assert_eq!(parse(b"1\\2\\3\\4\\5\\6\0", 9).map(|p| p.len()), Ok(2));
        for bad in ["", "1\\2", "1\\2\\3\\4", "1\\2\\NaN", "inf\\2\\3", "1\\2\\1e9", "1\\\\3", "one\\2\\3"] {
            assert_eq!(parse(bad.as_bytes(), 9), Err(Reason::NoGeometry), "{bad:?}");
        }
        let long = format!("0.{}\\2\\3", "0".repeat(100));
        assert_eq!(parse(long.as_bytes(), 9), Err(Reason::NoGeometry));
        assert_eq!(parse(b"1\\2\\3\\4\\5\\6", 1), Err(Reason::TooLarge));
    }
}
