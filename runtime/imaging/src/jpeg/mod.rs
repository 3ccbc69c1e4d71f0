//! JPEG: baseline and extended sequential DCT of 8 and 12 bits, and lossless (ITU-T T.81). Our own, since no decoder in
//! Rust reads 12 bits; it reads what DICOM's syntaxes .50, .51, .57 and .70 allow and refuses the rest (progressive,
//! hierarchical and arithmetic coding). Colours are left as they are stored.

mod bits;
mod dct;
mod frame;
mod lossless;
mod sequential;
mod upsample;

use bits::{Bits, Table};
use frame::{Component, Header};

/// The four destinations of quantisation and Huffman tables.
#[derive(Default)]
struct Tables {
    quantisation: [Option<[u16; 64]>; 4],
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    restart: usize,
}

/// Which component a scan codes, with which tables.
struct Coded {
    component: usize,
    dc: usize,
    ac: usize,
}

/// A scan header (ITU-T T.81 section B.2.3).
struct Scan {
    coded: Vec<Coded>,
    start: u8,
    end: u8,
    shift: u8,
}

/// The samples of a stream, interleaved by pixel.
pub(crate) enum Samples {
    /// At most 8 bits.
    Bytes(Vec<u8>),
    /// 9 to 16 bits.
    Words(Vec<u16>),
}

/// Decodes one image whose header the caller has held against its bounds; `None` where it breaks the standard or ends
/// early.
pub(crate) fn decode(stream: &[u8]) -> Option<Samples> {
    let mut tables = Tables::default();
    let mut rest = stream.strip_prefix(&[0xFF, 0xD8])?;
    loop {
        let (marker, body, after) = segment(rest)?;
        rest = after;
        match marker {
            0xC4 => tables.huffman(body)?,
            0xDB => tables.quantisation(body)?,
            0xDD => tables.restart = usize::from(u16::from_be_bytes(*body.first_chunk()?)),
            0xC0 | 0xC1 | 0xC3 => {
                let header = Header::read(body)?;
                let lossless = marker == 0xC3;
                return if lossless {
                    lossless::image(header, tables, rest)
                } else {
                    sequential::image(header, tables, rest)
                };
            }
            // Other frames, and scans or ends before a frame.
            0xC2 | 0xC5..=0xCF | 0xD0..=0xDA => return None,
            _ => {}
        }
    }
}

/// The next marker with its body, and what comes after.
fn segment(stream: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let mut rest = stream.strip_prefix(&[0xFF])?;
    // Any marker may be preceded by fill bytes (section B.1.1.2).
    while let Some(next) = rest.strip_prefix(&[0xFF]) {
        rest = next;
    }
    let (&marker, rest) = rest.split_first()?;
    if matches!(marker, 0xD0..=0xD9) {
        return Some((marker, &[], rest));
    }
    let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
    let (segment, after) = rest.split_at_checked(length)?;
    Some((marker, segment.get(2..)?, after))
}

impl Tables {
    fn huffman(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((&class, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let total = counts.iter().map(|c| usize::from(*c)).sum();
            let (values, rest) = rest.split_at_checked(total)?;
            let place = usize::from(class & 15);
            let tables = if class >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            *tables.get_mut(place)? = Some(Table::new(counts, values)?);
            body = rest;
        }
        Some(())
    }

    fn quantisation(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((&class, rest)) = body.split_first() {
            let mut table = [0; 64];
            let wide = class >> 4 != 0;
            let (values, rest) = rest.split_at_checked(if wide { 128 } else { 64 })?;
            for (place, at) in table.iter_mut().zip(0..) {
                *place = if wide {
                    u16::from_be_bytes(*values.get(2 * at..)?.first_chunk()?)
                } else {
                    u16::from(*values.get(at)?)
                };
            }
            *self.quantisation.get_mut(usize::from(class & 15))? = Some(table);
            body = rest;
        }
        Some(())
    }

    /// Reads segments up to a scan; `None` at the end of the image.
    fn next_scan(&mut self, rest: &mut &[u8], components: &[Component]) -> Option<Scan> {
        loop {
            let (marker, body, after) = segment(rest)?;
            *rest = after;
            match marker {
                0xC4 => self.huffman(body)?,
                0xDB => self.quantisation(body)?,
                0xDD => self.restart = usize::from(u16::from_be_bytes(*body.first_chunk()?)),
                0xDA => return Scan::read(body, components),
                0xC0..=0xC3 | 0xC5..=0xCF | 0xD9 => return None,
                _ => {}
            }
        }
    }
}

impl Scan {
    fn read(body: &[u8], components: &[Component]) -> Option<Self> {
        let (&count, rest) = body.split_first()?;
        let (pairs, rest) = rest.split_at_checked(2 * usize::from(count))?;
        let &[start, end, approximation] = rest.first_chunk()?;
        let coded = pairs.as_chunks::<2>().0.iter().map(|[id, tables]| {
            let component = components.iter().position(|c| c.id == *id)?;
            Some(Coded { component, dc: usize::from(tables >> 4), ac: usize::from(tables & 15) })
        });
        let coded = coded.collect::<Option<Vec<_>>>().filter(|c| !c.is_empty() && c.len() <= 4)?;
        Some(Self { coded, start, end, shift: approximation & 15 })
    }
}
