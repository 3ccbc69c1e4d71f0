use crate::{
    Reason,
    element::{Head, UNDEFINED, text},
    source::Source,
    syntax::Syntax,
};
use flate2::{Decompress, FlushDecompress, Status};
use std::io::{Read, Seek};

/// A deflated data set is held in memory.
const MAX_INFLATED: u64 = 192 << 20;

/// Bytes by which a deflated stream may be longer than what comes out of it: honest ones grow by five bytes in every
/// 65,535 at most, and blocks that give nothing take time.
pub(crate) const MAX_GROWTH: u64 = 64 << 10;

/// Bytes that go in before growth is looked at again.
const STEP: usize = 16 << 10;

/// Inflates the rest of a file (PS3.5 annex A.5), and gives the number of bytes that it took.
pub(crate) fn inflate<R: Read + Seek>(source: &mut Source<'_, R>) -> Result<(Vec<u8>, u64), Reason> {
    let left = source.left();
    if left > MAX_INFLATED {
        return Err(Reason::TooLarge);
    }
    let data = inflated(&source.bytes(left)?)?;
    if grows(left, data.len() as u64) { Err(Reason::Malformed) } else { Ok((data, left)) }
}

/// Whether so many packed bytes are more than an honest stream of these contents has.
pub(crate) const fn grows(packed: u64, contents: u64) -> bool {
    packed > contents.saturating_add(MAX_GROWTH)
}

fn inflated(packed: &[u8]) -> Result<Vec<u8>, Reason> {
    let (mut inflate, mut data) = (Decompress::new(false), Vec::new());
    loop {
        let (taken, given) = (inflate.total_in(), inflate.total_out());
        let rest = usize::try_from(taken).ok().and_then(|at| packed.get(at..)).unwrap_or_default();
        let step = rest.get(..STEP).unwrap_or(rest);
        data.reserve(STEP);
        let status = inflate.decompress_vec(step, &mut data, FlushDecompress::None);
        let status = status.map_err(|_| Reason::Truncated)?;
        if inflate.total_out() > MAX_INFLATED {
            return Err(Reason::TooLarge);
        }
        if grows(inflate.total_in(), inflate.total_out()) {
            return Err(Reason::Malformed);
        }
        if status == Status::StreamEnd {
            return Ok(data);
        }
        if (taken, given) == (inflate.total_in(), inflate.total_out()) {
            return Err(Reason::Truncated);
        }
    }
}

/// Reads preamble and group 0002, with or without its group length, and finds the transfer syntax.
pub(crate) fn file_meta<R: Read + Seek>(source: &mut Source<'_, R>) -> Result<Syntax, Reason> {
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
    fn goes_on<R: Read + Seek>(&self, source: &mut Source<'_, R>) -> bool {
        match self.end {
            Some(end) => source.at() < end,
            None => source.peek_group() == Some(0x0002),
        }
    }

    fn element<R: Read + Seek>(&mut self, source: &mut Source<'_, R>) -> Result<(), Reason> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::DeflateEncoder};
    use std::io::Write;

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut out = DeflateEncoder::new(Vec::new(), Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn a_stream_gives_what_went_into_it_and_one_that_is_cut_gives_nothing() {
        let noise: Vec<u8> = (0..300_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for bytes in [&noise[..], &[0; 500_000], &[]] {
            let packed = deflated(bytes);
            assert_eq!(inflated(&packed).unwrap(), bytes);
            assert_eq!(inflated(&packed[..packed.len() - 1]), Err(Reason::Truncated));
        }
        assert_eq!(inflated(&[0xFF; 9]), Err(Reason::Truncated));
    }

    /// Blocks of type 0 and length 0, of which only the last byte of many says that it is the last.
    #[test]
    fn a_stream_of_blocks_that_give_nothing_is_refused_before_it_ends() {
        let empty = b"\0\0\0\xFF\xFF";
        assert_eq!(inflated(&[&empty.repeat(13_000)[..], &deflated(b"x")].concat()).unwrap(), b"x");
        assert_eq!(inflated(&empty.repeat(1 << 20)), Err(Reason::Malformed));
    }
}
