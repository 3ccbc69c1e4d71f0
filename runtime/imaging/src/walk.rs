//! The structural reader: walks a file's elements with every length and depth checked before dicom-rs sees a byte.
//!
//! Only the elements that are wanted are copied and handed on, so that nothing else of a hostile file is parsed.

use crate::{
    Reason, cost,
    element::{Head, UNDEFINED},
    meta::{file_meta, inflate},
    source::{Buffer, Source},
    syntax::{Encoding, Syntax},
};
use dicom_core::Tag;
use std::io::{Cursor, Read, Seek};

/// Sequences of real files nest less than half as deep; dicom-rs recurses once a level.
pub(crate) const MAX_DEPTH: u32 = 32;
/// Bytes of wanted elements: 20,000 frames with functional groups fit.
pub(crate) const MAX_HEADER: usize = 64 << 20;
/// Elements and items of a file: dicom-rs needs some 200 bytes for each that it is given.
const MAX_ELEMENTS: u32 = 2_000_000;
/// Bytes of one wanted value: a lookup table of 65,536 entries of 16 bits fits.
const MAX_VALUE: u32 = 256 << 10;
/// Values in lists of text: 20,000 frames with positions, orientations and spacings of their own fit.
const MAX_LISTED: usize = 2_000_000;
/// Fragments of encapsulated pixel data.
const MAX_FRAGMENTS: usize = 200_000;

const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
const PADDING: Tag = Tag(0xFFFC, 0xFFFC);
const EXTENDED_OFFSETS: Tag = Tag(0x7FE0, 0x0001);

/// Where the pixel data lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pixels {
    /// In one run.
    Native { offset: u64, length: u64, element: Element },
    /// In fragments `(offset, length)`; `table` is the basic offset table or, where that is empty, the extended one,
    /// and `start` the place that its offsets count from.
    Fragments { table: Vec<u64>, start: u64, items: Vec<(u64, u32)> },
}

/// Which element holds the pixels, and how it writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    /// Pixel Data that says OB, or anything but OW.
    Bytes,
    /// Pixel Data that says OW, or does not say.
    Words,
    /// Float Pixel Data.
    Single,
    /// Double Float Pixel Data.
    Double,
}

impl Element {
    /// Of a tag; `None` where it holds no pixels.
    fn of(head: &Head) -> Option<Self> {
        match (head.tag, head.vr) {
            (Tag(0x7FE0, 0x0008), _) => Some(Self::Single),
            (Tag(0x7FE0, 0x0009), _) => Some(Self::Double),
            (Tag(0x7FE0, 0x0010), None | Some([b'O', b'W'])) => Some(Self::Words),
            (Tag(0x7FE0, 0x0010), Some(_)) => Some(Self::Bytes),
            _ => None,
        }
    }

    pub(crate) const fn is_float(self) -> bool {
        matches!(self, Self::Single | Self::Double)
    }
}

/// What a walk found.
pub(crate) struct Walked {
    pub(crate) syntax: Syntax,
    /// The wanted elements.
    pub(crate) elements: Copied,
    pub(crate) pixels: Option<Pixels>,
    /// Whether there is an element of an odd group anywhere before the pixel data.
    pub(crate) private: bool,
    /// Elements, items and fragments that were walked over.
    pub(crate) heads: u32,
    /// The whole data set, where the file deflates it: offsets then count in here.
    pub(crate) inflated: Option<Vec<u8>>,
    /// Bytes that it was deflated to.
    pub(crate) packed: u64,
}

/// Elements as the file writes them, one after the other.
#[derive(Default)]
pub(crate) struct Copied {
    pub(crate) bytes: Vec<u8>,
    /// Where each lies in `bytes`, in order of tag.
    pub(crate) spots: Vec<Spot>,
}

/// One copied element: its head from `start`, its value from `value`, both to `end`.
pub(crate) struct Spot {
    pub(crate) tag: Tag,
    pub(crate) vr: Option<[u8; 2]>,
    pub(crate) start: usize,
    pub(crate) value: usize,
    pub(crate) end: usize,
    /// Its length is undefined: a delimiter is the end of it.
    pub(crate) delimited: bool,
}

impl Walked {
    /// The element that holds the pixels, where they are not in fragments.
    pub(crate) fn element(&self) -> Option<Element> {
        match self.pixels.as_ref()? {
            Pixels::Native { element, .. } => Some(*element),
            Pixels::Fragments { .. } => None,
        }
    }

    /// What the walk and the parser after it have done.
    pub(crate) fn cost(&self) -> u64 {
        let inflated = self.inflated.as_ref().map_or(0, Vec::len) as u64;
        u64::from(self.heads)
            .saturating_mul(cost::HEAD)
            .saturating_add((self.elements.bytes.len() as u64).saturating_mul(cost::HEADER_BYTE))
            .saturating_add(inflated.saturating_mul(cost::INFLATED_BYTE))
            .saturating_add(self.packed.saturating_mul(cost::PACKED_BYTE))
    }
}

/// Which top-level elements to copy, and whether to go on once one of them has been copied.
pub(crate) trait Wanted {
    /// Whether to copy this element.
    fn wants(&self, tag: Tag) -> bool;
    /// Looks at the value of a copied element of defined length.
    ///
    /// # Errors
    /// The reason to stop early.
    fn check(&self, tag: Tag, value: &[u8]) -> Result<(), Reason>;
    /// The longest value that is copied, in bytes. dicom-rs makes a string of each number in a list, so that a longer one
    /// would take 25 times as much.
    fn longest(&self) -> u32 {
        MAX_VALUE
    }
    /// Whether nothing from this top-level element on is asked for.
    fn stops_before(&self, _: Tag) -> bool {
        false
    }
}

/// Walks a file up to its pixel data.
pub(crate) fn walk(file: impl Read + Seek, wanted: &impl Wanted) -> Result<Walked, Reason> {
    walk_with(file, wanted, &mut Buffer::default(), Copied::default())
}

/// As [`walk`], with what it is read into, and room for what is copied.
pub(crate) fn walk_with(
    file: impl Read + Seek,
    wanted: &impl Wanted,
    buffer: &mut Buffer,
    room: Copied,
) -> Result<Walked, Reason> {
    let Copied { bytes, mut spots } = room;
    spots.clear();
    let mut source = Source::with(file, MAX_HEADER, buffer, bytes)?;
    let mut syntax = file_meta(&mut source)?;
    if !syntax.deflated {
        syntax.encoding = found(&mut source, syntax.encoding)?;
        return Walk::new(source, syntax, wanted, spots).run();
    }
    let (data, packed) = inflate(&mut source)?;
    let inner = Source::new(Cursor::new(&data), MAX_HEADER, buffer)?;
    let mut walked = Walk::new(inner, syntax, wanted, spots).run()?;
    (walked.inflated, walked.packed) = (Some(data), packed);
    Ok(walked)
}

/// How the first element is written, whatever the transfer syntax says: some writers state one VR encoding and use
/// the other, and pydicom and dcmtk read such files. Nobody confuses the byte order.
fn found<R: Read + Seek>(source: &mut Source<'_, R>, stated: Encoding) -> Result<Encoding, Reason> {
    if stated == Encoding::ExplicitBig || source.left() < 6 {
        return Ok(stated);
    }
    let explicit = source.peek::<6>()?.iter().skip(4).all(u8::is_ascii_uppercase);
    Ok(if explicit { Encoding::ExplicitLittle } else { Encoding::ImplicitLittle })
}

/// A walk in progress.
struct Walk<'a, 'b, R, W> {
    source: Source<'b, R>,
    syntax: Syntax,
    wanted: &'a W,
    elements: u32,
    /// Values of lists that were copied.
    listed: usize,
    private: bool,
    spots: Vec<Spot>,
    /// The Extended Offset Table.
    extended: Vec<u64>,
}

impl<'a, 'b, R: Read + Seek, W: Wanted> Walk<'a, 'b, R, W> {
    const fn new(source: Source<'b, R>, syntax: Syntax, wanted: &'a W, spots: Vec<Spot>) -> Self {
        let extended = Vec::new();
        Self { source, syntax, wanted, elements: 0, listed: 0, private: false, spots, extended }
    }

    fn run(mut self) -> Result<Walked, Reason> {
        let pixels = self.top()?;
        let bytes = self.source.take_copy();
        let Self { syntax, private, elements: heads, spots, .. } = self;
        let elements = Copied { bytes, spots };
        Ok(Walked { syntax, elements, pixels, private, heads, inflated: None, packed: 0 })
    }

    fn top(&mut self) -> Result<Option<Pixels>, Reason> {
        let mut last = None;
        while self.source.left() > 0 {
            let head = self.head(self.syntax.encoding)?;
            if head.tag == PADDING || self.wanted.stops_before(head.tag) {
                break;
            }
            if last.is_some_and(|last| last >= head.tag) || head.tag.0 == 0xFFFE {
                return Err(Reason::Malformed);
            }
            last = Some(head.tag);
            if let Some(element) = Element::of(&head) {
                return self.pixels(&head, element).map(Some);
            }
            if head.tag == EXTENDED_OFFSETS {
                self.extended = self.offsets(head.length, u64::from_le_bytes)?;
                continue;
            }
            self.top_element(&head)?;
        }
        Ok(None)
    }

    fn top_element(&mut self, head: &Head) -> Result<(), Reason> {
        if !self.wanted.wants(head.tag) {
            return self.value(head, self.syntax.encoding, 0);
        }
        if !head.is_known() {
            return Err(Reason::Malformed);
        }
        let start = self.source.mark();
        self.source.push(head.bytes())?;
        self.source.set_copying(true);
        let mark = self.source.mark();
        self.value(head, self.syntax.encoding, 0)?;
        self.source.set_copying(false);
        let (end, delimited) = (self.source.mark(), head.length == UNDEFINED);
        self.spots.push(Spot { tag: head.tag, vr: head.vr, start, value: mark, end, delimited });
        self.wanted.check(head.tag, self.source.copied_since(mark))
    }

    fn head(&mut self, encoding: Encoding) -> Result<Head, Reason> {
        self.elements = self.elements.saturating_add(1);
        if self.elements > MAX_ELEMENTS {
            return Err(Reason::TooLarge);
        }
        let head = Head::read(&mut self.source, encoding)?;
        self.private |= head.tag.0 % 2 == 1;
        // What is copied is parsed again, and both must find the same.
        if self.source.is_copying() && !head.is_known() { Err(Reason::Malformed) } else { Ok(head) }
    }

    fn value(&mut self, head: &Head, encoding: Encoding, depth: u32) -> Result<(), Reason> {
        if !head.is_sequence() {
            return self.plain(head);
        }
        // PS3.5 section 6.2.2: what is under UN of undefined length is implicit VR little endian.
        let encoding = if head.vr == Some(*b"UN") { Encoding::ImplicitLittle } else { encoding };
        let known = matches!(&head.vr, None | Some([b'S', b'Q'] | [b'U', b'N']));
        if !known {
            return Err(Reason::Malformed);
        }
        self.sequence(head.length, encoding, depth.saturating_add(1))
    }

    fn plain(&mut self, head: &Head) -> Result<(), Reason> {
        let mark = self.source.mark();
        let there = u64::from(head.length) <= self.source.left();
        if there && self.source.is_copying() && head.length > self.wanted.longest() {
            return Err(Reason::TooLarge);
        }
        self.source.skip(u64::from(head.length))?;
        if self.wanted.longest() == MAX_VALUE {
            // Each is a string of its own once it is parsed.
            let listed = self.source.copied_since(mark).iter().filter(|byte| **byte == b'\\').count();
            self.listed = self.listed.saturating_add(listed);
        }
        if self.listed > MAX_LISTED { Err(Reason::TooLarge) } else { Ok(()) }
    }

    fn sequence(&mut self, length: u32, encoding: Encoding, depth: u32) -> Result<(), Reason> {
        if depth > MAX_DEPTH {
            return Err(Reason::TooDeep);
        }
        let end = self.end_of(length)?;
        while end.is_none_or(|end| self.source.at() < end) {
            let head = self.head(encoding)?;
            match head.tag {
                ITEM => self.item(head.length, encoding, depth)?,
                SEQUENCE_END if end.is_none() => return Ok(()),
                _ => return Err(Reason::Malformed),
            }
        }
        self.ends_at(end)
    }

    fn item(&mut self, length: u32, encoding: Encoding, depth: u32) -> Result<(), Reason> {
        let end = self.end_of(length)?;
        while end.is_none_or(|end| self.source.at() < end) {
            let head = self.head(encoding)?;
            if head.tag == ITEM_END && end.is_none() {
                return Ok(());
            }
            if head.tag.0 == 0xFFFE {
                return Err(Reason::Malformed);
            }
            self.value(&head, encoding, depth)?;
        }
        self.ends_at(end)
    }

    /// Where a value of this length ends; `None` for one with a delimiter.
    fn end_of(&self, length: u32) -> Result<Option<u64>, Reason> {
        if length == UNDEFINED {
            return Ok(None);
        }
        if u64::from(length) > self.source.left() {
            return Err(Reason::Truncated);
        }
        Ok(Some(self.source.at().saturating_add(u64::from(length))))
    }

    fn ends_at(&self, end: Option<u64>) -> Result<(), Reason> {
        if end.is_none_or(|end| self.source.at() == end) { Ok(()) } else { Err(Reason::Malformed) }
    }

    fn pixels(&mut self, head: &Head, element: Element) -> Result<Pixels, Reason> {
        if head.length != UNDEFINED {
            let offset = self.source.at();
            self.source.learn();
            self.source.skip(u64::from(head.length))?;
            return Ok(Pixels::Native { offset, length: u64::from(head.length), element });
        }
        if element.is_float() {
            return Err(Reason::Malformed);
        }
        let item = self.head(self.syntax.encoding)?;
        if item.tag != ITEM {
            return Err(Reason::Malformed);
        }
        let basic = self.offsets(item.length, |b| u64::from(u32::from_le_bytes(b)))?;
        let start = self.source.at();
        let items = self.fragments()?;
        let table = if basic.is_empty() { std::mem::take(&mut self.extended) } else { basic };
        Ok(Pixels::Fragments { table, start, items })
    }

    /// A table of offsets of `N` bytes each (PS3.5 annex A.4).
    fn offsets<const N: usize>(&mut self, length: u32, read: fn([u8; N]) -> u64) -> Result<Vec<u64>, Reason> {
        let length = length as usize;
        if !length.is_multiple_of(N) {
            return Err(Reason::Malformed);
        }
        if length / N > MAX_FRAGMENTS {
            return Err(Reason::TooLarge);
        }
        let bytes = self.source.bytes(length as u64)?;
        Ok(bytes.as_chunks::<N>().0.iter().map(|b| read(*b)).collect())
    }

    fn fragments(&mut self) -> Result<Vec<(u64, u32)>, Reason> {
        let mut items = Vec::new();
        loop {
            let head = self.head(self.syntax.encoding)?;
            match head.tag {
                SEQUENCE_END => return Ok(items),
                ITEM if head.length == UNDEFINED => return Err(Reason::Malformed),
                ITEM if items.len() >= MAX_FRAGMENTS => return Err(Reason::TooLarge),
                ITEM => items.push((self.source.at(), head.length)),
                _ => return Err(Reason::Malformed),
            }
            self.source.skip(u64::from(head.length))?;
        }
    }
}
