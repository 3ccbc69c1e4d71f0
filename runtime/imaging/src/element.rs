use crate::{Reason, source::Source, syntax::Encoding};
use dicom_core::{
    Tag, VR,
    dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr},
};
use dicom_dictionary_std::StandardDataDictionary;
use std::io::{Read, Seek};

/// The length of a value that ends with a delimiter.
pub(crate) const UNDEFINED: u32 = u32::MAX;

/// A short text value: ASCII, without its padding.
pub(crate) fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned()
}

/// The head of an element or item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) tag: Tag,
    pub(crate) vr: Option<[u8; 2]>,
    pub(crate) length: u32,
    bytes: [u8; 12],
    size: usize,
}

impl Head {
    pub(crate) fn read<R: Read + Seek>(
        source: &mut Source<'_, R>,
        encoding: Encoding,
    ) -> Result<Self, Reason> {
        match encoding {
            Encoding::ImplicitLittle => {
                let b = source.take::<8>()?;
                Ok(Self::short(b, tag_of(b, false), None, u32::from_le_bytes([b[4], b[5], b[6], b[7]])))
            }
            Encoding::ExplicitLittle => Self::explicit(source, false),
            Encoding::ExplicitBig => Self::explicit(source, true),
        }
    }

    pub(crate) fn explicit<R: Read + Seek>(source: &mut Source<'_, R>, big: bool) -> Result<Self, Reason> {
        let b = source.take::<8>()?;
        let tag = tag_of(b, big);
        if tag.0 == 0xFFFE {
            return Ok(Self::short(b, tag, None, u32_of([b[4], b[5], b[6], b[7]], big)));
        }
        let vr = [b[4], b[5]];
        if !vr.iter().all(u8::is_ascii_uppercase) {
            return Err(Reason::Malformed);
        }
        if !is_long(vr) {
            return Ok(Self::short(b, tag, Some(vr), u32::from(u16_of([b[6], b[7]], big))));
        }
        let l = source.take::<4>()?;
        let bytes = [b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], l[0], l[1], l[2], l[3]];
        Ok(Self { tag, vr: Some(vr), length: u32_of(l, big), bytes, size: 12 })
    }

    fn short(b: [u8; 8], tag: Tag, vr: Option<[u8; 2]>, length: u32) -> Self {
        let bytes = [b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], 0, 0, 0, 0];
        Self { tag, vr, length, bytes, size: 8 }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.size).unwrap_or_default()
    }

    /// Whether the standard has this VR. What another one's length looks like is anybody's guess, and dicom-rs guesses
    /// other than pydicom does.
    pub(crate) fn is_known(&self) -> bool {
        self.vr.is_none_or(is_of_the_standard)
    }

    /// Whether the value is a list of items.
    pub(crate) fn is_sequence(&self) -> bool {
        match self.vr {
            Some(vr) => &vr == b"SQ" || self.length == UNDEFINED,
            None => self.length == UNDEFINED || vr_of(self.tag) == Some(VR::SQ),
        }
    }
}

fn tag_of(b: [u8; 8], big: bool) -> Tag {
    Tag(u16_of([b[0], b[1]], big), u16_of([b[2], b[3]], big))
}

const fn u16_of(b: [u8; 2], big: bool) -> u16 {
    if big { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) }
}

const fn u32_of(b: [u8; 4], big: bool) -> u32 {
    if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
}

/// PS3.5 section 6.2.
const fn is_of_the_standard(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"AE"
            | b"AS"
            | b"AT"
            | b"CS"
            | b"DA"
            | b"DS"
            | b"DT"
            | b"FD"
            | b"FL"
            | b"IS"
            | b"LO"
            | b"LT"
            | b"OB"
            | b"OD"
            | b"OF"
            | b"OL"
            | b"OV"
            | b"OW"
            | b"PN"
            | b"SH"
            | b"SL"
            | b"SQ"
            | b"SS"
            | b"ST"
            | b"SV"
            | b"TM"
            | b"UC"
            | b"UI"
            | b"UL"
            | b"UN"
            | b"UR"
            | b"US"
            | b"UT"
            | b"UV"
    )
}

/// PS3.5 table 7.1-1: these have two reserved bytes and a 32-bit length.
fn is_long(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV"
    )
}

fn vr_of(tag: Tag) -> Option<VR> {
    match StandardDataDictionary.by_tag(tag)?.vr() {
        VirtualVr::Exact(vr) => Some(vr),
        _ => None,
    }
}
