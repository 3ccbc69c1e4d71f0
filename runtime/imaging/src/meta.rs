use crate::{
    Reason,
    element::{Head, UNDEFINED, text},
    source::Source,
    syntax::Syntax,
};
use flate2::read::DeflateDecoder;
use std::io::{Read, Seek};

/// A deflated data set is held in memory.
const MAX_INFLATED: u64 = 192 << 20;

/// Inflates the rest of a file (PS3.5 annex A.5).
pub(crate) fn inflate<R: Read + Seek>(source: &mut Source<R>) -> Result<Vec<u8>, Reason> {
    let left = source.left();
    if left > MAX_INFLATED {
        return Err(Reason::TooLarge);
    }
    let packed = source.bytes(left)?;
    let mut data = Vec::new();
    let taken = DeflateDecoder::new(&packed[..]).take(MAX_INFLATED + 1).read_to_end(&mut data);
    taken.map_err(|_| Reason::Truncated)?;
    if data.len() as u64 > MAX_INFLATED { Err(Reason::TooLarge) } else { Ok(data) }
}

/// Reads preamble and group 0002, with or without its group length, and finds the transfer syntax.
pub(crate) fn file_meta<R: Read + Seek>(source: &mut Source<R>) -> Result<Syntax, Reason> {
    if source.left() < 132 {
        return Err(Reason::NotDicom);
    }
    source.skip(128)?;
    if &source.take::<4>()? != b"DICM" {
        return Err(Reason::NotDicom);
    }
    let mut meta = Meta::default();
    while meta.goes_on(source) {
        meta.element(source)?;
    }
    meta.syntax.ok_or(Reason::TransferSyntax)
}

/// Group 0002 as far as it has been read.
#[derive(Default)]
struct Meta {
    /// Where the group ends, once its length has been read.
    end: Option<u64>,
    syntax: Option<Syntax>,
}

impl Meta {
    /// Without a group length, the group ends where another begins.
    fn goes_on<R: Read + Seek>(&self, source: &mut Source<R>) -> bool {
        match self.end {
            Some(end) => source.at() < end,
            None => source.peek_group() == Some(0x0002),
        }
    }

    fn element<R: Read + Seek>(&mut self, source: &mut Source<R>) -> Result<(), Reason> {
        let element = Head::explicit(source, false)?;
        if element.tag.0 != 0x0002 || element.length == UNDEFINED {
            return Err(Reason::Malformed);
        }
        match element.tag.1 {
            0x0000 => {
                let length = u32::from_le_bytes(source.take::<4>()?);
                self.end = Some(source.at().saturating_add(u64::from(length)));
                Ok(())
            }
            0x0010 if element.length <= 64 => {
                let value = source.bytes(u64::from(element.length))?;
                self.syntax = Some(Syntax::find(&text(&value)).ok_or(Reason::TransferSyntax)?);
                Ok(())
            }
            _ => source.skip(u64::from(element.length)),
        }
    }
}
