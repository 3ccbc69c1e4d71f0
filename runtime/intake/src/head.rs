//! Finds the SOP UIDs among the first elements of a data set, within the bytes that are given, and parses nothing else.

use crate::{refusal::Refusal, syntax::Encoding, uid::Uid};
use flate2::read::DeflateDecoder;
use std::io::Read;

/// The SOP UIDs stand among the first elements, since elements are sorted by tag: this many bytes reach them.
pub(crate) const HEAD: usize = 64 << 10;

const UNDEFINED: u32 = u32::MAX;
const SOP_CLASS: (u16, u16) = (0x0008, 0x0016);
const SOP_INSTANCE: (u16, u16) = (0x0008, 0x0018);
const ITEM: (u16, u16) = (0xFFFE, 0xE000);
const ITEM_END: (u16, u16) = (0xFFFE, 0xE00D);
const SEQUENCE_END: (u16, u16) = (0xFFFE, 0xE0DD);

/// What an object says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) sop_class: Uid,
    pub(crate) sop_instance: Uid,
}

/// Reads the SOP UIDs off the beginning of a data set.
pub(crate) fn identity(head: &[u8], encoding: Encoding) -> Result<Identity, Refusal> {
    if encoding != Encoding::Deflated {
        return find(Elements { bytes: head, at: 0, encoding });
    }
    let inflated = inflate(head);
    find(Elements { bytes: &inflated, at: 0, encoding: Encoding::ExplicitLittle })
}

/// As much as the head gives: it may stop in the middle of the stream, and must not grow beyond a head.
fn inflate(head: &[u8]) -> Vec<u8> {
    let mut inflated = Vec::new();
    // An error at the end of the head is no error: what was inflated before it is there.
    let _ = DeflateDecoder::new(head).take(HEAD as u64).read_to_end(&mut inflated);
    inflated
}

fn find(mut elements: Elements<'_>) -> Result<Identity, Refusal> {
    let (mut sop_class, mut last) = (None, None);
    loop {
        let element = elements.next().ok_or(Refusal::Malformed)?;
        if last.is_some_and(|last| last >= element.tag) || element.tag > SOP_INSTANCE {
            return Err(Refusal::Malformed);
        }
        last = Some(element.tag);
        match element.tag {
            SOP_CLASS => sop_class = Uid::of_value(elements.value(&element).ok_or(Refusal::Malformed)?),
            SOP_INSTANCE => {
                let sop_instance = elements.value(&element).and_then(Uid::of_value);
                return Ok(Identity {
                    sop_class: sop_class.ok_or(Refusal::Malformed)?,
                    sop_instance: sop_instance.ok_or(Refusal::Malformed)?,
                });
            }
            _ => elements.skip(&element).ok_or(Refusal::Malformed)?,
        }
    }
}

/// The head of an element.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element {
    pub(crate) tag: (u16, u16),
    vr: [u8; 2],
    pub(crate) length: u32,
}

/// A cursor that ends, and never stops with a panic, where the bytes do.
pub(crate) struct Elements<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
    pub(crate) encoding: Encoding,
}

impl<'a> Elements<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn short(&mut self) -> Option<u16> {
        let bytes = self.take(2)?.try_into().ok()?;
        Some(if self.is_big() { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn long(&mut self) -> Option<u32> {
        let bytes = self.take(4)?.try_into().ok()?;
        Some(if self.is_big() { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn is_big(&self) -> bool {
        self.encoding == Encoding::ExplicitBig
    }

    /// The next head; `None` where the bytes end or break the encoding.
    pub(crate) fn next(&mut self) -> Option<Element> {
        let tag = (self.short()?, self.short()?);
        if self.encoding == Encoding::ImplicitLittle || tag.0 == 0xFFFE {
            return Some(Element { tag, vr: *b"  ", length: self.long()? });
        }
        let vr: [u8; 2] = self.take(2)?.try_into().ok()?;
        if !vr.iter().all(u8::is_ascii_uppercase) {
            return None;
        }
        if !is_long(vr) {
            return Some(Element { tag, vr, length: u32::from(self.short()?) });
        }
        self.take(2)?;
        Some(Element { tag, vr, length: self.long()? })
    }

    pub(crate) fn value(&mut self, element: &Element) -> Option<&'a [u8]> {
        if element.length == UNDEFINED { None } else { self.take(usize::try_from(element.length).ok()?) }
    }

    /// Passes over a value. One of undefined length is followed to its delimiter by a counter, not by recursion.
    pub(crate) fn skip(&mut self, element: &Element) -> Option<()> {
        if element.length != UNDEFINED {
            return self.value(element).map(drop);
        }
        let outside = self.encoding;
        // PS3.5 section 6.2.2: what is under UN of undefined length is implicit VR little endian.
        if &element.vr == b"UN" {
            self.encoding = Encoding::ImplicitLittle;
        }
        let mut open = 1_usize;
        while open > 0 {
            let inner = self.next()?;
            match inner.tag {
                ITEM_END | SEQUENCE_END => open = open.checked_sub(1)?,
                // An item of defined length is passed over whole, one without is gone into.
                ITEM if inner.length == UNDEFINED => open = open.checked_add(1)?,
                _ if inner.length == UNDEFINED => open = open.checked_add(1)?,
                _ => self.value(&inner).map(drop)?,
            }
        }
        self.encoding = outside;
        Some(())
    }
}

/// PS3.5 table 7.1-1: these have two reserved bytes and a 32-bit length.
fn is_long(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    /// A language code sequence of undefined length stands before the UIDs, as PS3.3 allows.
    fn explicit() -> Vec<u8> {
        let mut bytes = b"\x08\0\x05\0CS\x0A\0ISO_IR 100".to_vec();
        bytes.extend(b"\x08\0\x06\0SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF");
        bytes.extend(b"\x08\0\0\x01SH\x02\0en\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0");
        bytes.extend(b"\x08\0\x16\0UI\x04\0" as &[u8]);
        bytes.extend(b"1.2\0");
        bytes.extend(b"\x08\0\x18\0UI\x06\x001.2.3\0");
        bytes
    }

    fn of(class: &str, instance: &str) -> Identity {
        Identity { sop_class: class.parse().unwrap(), sop_instance: instance.parse().unwrap() }
    }

    #[test]
    fn the_uids_are_found_in_every_encoding() {
        assert_eq!(identity(&explicit(), Encoding::ExplicitLittle), Ok(of("1.2", "1.2.3")));
        let implicit = b"\x08\0\x16\0\x04\0\0\x001.2\0\x08\0\x18\0\x06\0\0\x001.2.3\0";
        assert_eq!(identity(implicit, Encoding::ImplicitLittle), Ok(of("1.2", "1.2.3")));
        let big = b"\0\x08\0\x16UI\0\x041.2\0\0\x08\0\x18UI\0\x061.2.3\0";
        assert_eq!(identity(big, Encoding::ExplicitBig), Ok(of("1.2", "1.2.3")));
        let mut deflater = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        deflater.write_all(&explicit()).unwrap();
        deflater.write_all(&vec![7; 1 << 20]).unwrap();
        let deflated = deflater.finish().unwrap();
        assert_eq!(identity(&deflated, Encoding::Deflated), Ok(of("1.2", "1.2.3")));
        assert_eq!(identity(&deflated[..400], Encoding::Deflated), Ok(of("1.2", "1.2.3")));
    }

    #[test]
    fn a_head_cut_anywhere_is_malformed() {
        let whole = explicit();
        for length in 0..whole.len() {
            assert_eq!(
                identity(&whole[..length], Encoding::ExplicitLittle),
                Err(Refusal::Malformed),
                "{length}"
            );
        }
    }

    #[test]
    fn uids_out_of_order_or_under_other_tags_are_not_believed() {
        let twice =
            b"\x08\0\x16\0\x04\0\0\x001.2\0\x08\0\x16\0\x04\0\0\x001.3\0\x08\0\x18\0\x04\0\0\x001.2\0";
        assert_eq!(identity(twice, Encoding::ImplicitLittle), Err(Refusal::Malformed));
        let no_class = b"\x08\0\x18\0\x06\0\0\x001.2.3\0";
        assert_eq!(identity(no_class, Encoding::ImplicitLittle), Err(Refusal::Malformed));
    }

    #[test]
    fn a_bomb_of_nested_sequences_ends_with_the_head() {
        let nest = b"\x08\0\x06\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF".repeat(HEAD / 16);
        assert_eq!(identity(&nest, Encoding::ImplicitLittle), Err(Refusal::Malformed));
    }

    proptest! {
        #[test]
        fn no_bytes_stop_the_scan(bytes in proptest::collection::vec(any::<u8>(), 0..2000), kind in 0_usize..4) {
            let kinds = [Encoding::ImplicitLittle, Encoding::ExplicitLittle, Encoding::ExplicitBig, Encoding::Deflated];
            let _ = identity(&bytes, kinds[kind]);
        }
    }
}
