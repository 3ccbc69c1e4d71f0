use crate::{
    Reason,
    element::UNDEFINED,
    syntax::{Encoding, Syntax},
};
use dicom_core::{
    DataElement, Length, PrimitiveValue, Tag, VR,
    dictionary::{DataDictionary, DataDictionaryEntry},
    value::C,
};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::{InMemDicomObject, mem::InMemElement};

/// The wanted elements of a file, or one item of a sequence of it.
#[derive(Clone, Copy)]
pub(crate) struct Dataset<'a>(pub(crate) &'a InMemDicomObject);

/// Parses elements whose lengths and depth the walk has checked.
///
/// Plain ones, text of ASCII and 16-bit numbers, are taken as they stand, since a header of a slice has hardly any others;
/// dicom-rs parses the rest.
pub(crate) fn parse(elements: &[u8], syntax: Syntax) -> Result<InMemDicomObject, Reason> {
    let Some(Split { plain, rest }) = split(elements, syntax.encoding) else {
        return by_dicom_rs(elements, syntax);
    };
    if rest.is_empty() {
        return Ok(InMemDicomObject::from_element_iter(plain));
    }
    let mut object = by_dicom_rs(&rest, syntax)?;
    plain.into_iter().for_each(|element| drop(object.put(element)));
    Ok(object)
}

fn by_dicom_rs(elements: &[u8], syntax: Syntax) -> Result<InMemDicomObject, Reason> {
    InMemDicomObject::read_dataset_with_ts(elements, &syntax.elements()).map_err(|_| Reason::Malformed)
}

/// Elements of a header by who reads them.
struct Split {
    plain: Vec<InMemElement>,
    /// As the file writes them, with the character set that they are written in.
    rest: Vec<u8>,
}

/// `None` where it cannot be told where an element ends, or the encoding is a rare one.
fn split(mut elements: &[u8], encoding: Encoding) -> Option<Split> {
    if encoding == Encoding::ExplicitBig {
        return None;
    }
    let (mut plain, mut rest, mut character_set) = (Vec::with_capacity(48), Vec::new(), &[][..]);
    while !elements.is_empty() {
        let (tag, vr, head, length) = head(elements, encoding)?;
        let size = head.checked_add(length)?;
        let (whole, after) = elements.split_at_checked(size)?;
        elements = after;
        if tag == tags::SPECIFIC_CHARACTER_SET {
            character_set = whole;
        }
        match whole.get(head..).and_then(|value| plain_value(vr?, value)) {
            Some(value) => {
                let length = Length(u32::try_from(length).ok()?);
                plain.push(DataElement::new_with_len(tag, vr?, length, value));
            }
            None => {
                if rest.is_empty() {
                    rest.extend_from_slice(character_set);
                }
                rest.extend_from_slice(whole);
            }
        }
    }
    Some(Split { plain, rest })
}

/// Tag, VR, bytes of the head, bytes of the value.
fn head(bytes: &[u8], encoding: Encoding) -> Option<(Tag, Option<VR>, usize, usize)> {
    let [a, b, c, d, e, f, g, h] = *bytes.first_chunk::<8>()?;
    let tag = Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
    let (vr, head, length) = if encoding == Encoding::ImplicitLittle {
        let vr = StandardDataDictionary.by_tag(tag).map(|entry| entry.vr().relaxed());
        (vr, 8, u32::from_le_bytes([e, f, g, h]))
    } else if matches!([e, f], [b'O', _] | [b'S', b'Q' | b'V'] | [b'U', b'C' | b'N' | b'R' | b'T' | b'V']) {
        let (_, [i, j, k, l]) = bytes.first_chunk::<12>()?.split_last_chunk::<4>()?;
        (VR::from_binary([e, f]), 12, u32::from_le_bytes([*i, *j, *k, *l]))
    } else {
        (VR::from_binary([e, f]), 8, u32::from(u16::from_le_bytes([g, h])))
    };
    if length == UNDEFINED {
        return None;
    }
    Some((tag, vr, head, usize::try_from(length).ok()?))
}

/// As dicom-rs would read it: lists of text are split at the backslash, and keep their padding.
fn plain_value(vr: VR, bytes: &[u8]) -> Option<PrimitiveValue> {
    let plain = |byte: &u8| matches!(byte, 0 | b' '..=b'~');
    match vr {
        VR::AS | VR::CS | VR::DA | VR::DS | VR::IS | VR::LO | VR::SH | VR::TM | VR::UI => {}
        VR::US if bytes.len() == 2 => return Some(u16::from_le_bytes(*bytes.first_chunk::<2>()?).into()),
        _ => return None,
    }
    if bytes.is_empty() {
        return Some(PrimitiveValue::Empty);
    }
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.as_bytes().iter().all(plain))?;
    Some(PrimitiveValue::Strs(text.split('\\').map(str::to_owned).collect::<C<String>>()))
}

/// Bytes of a value that is read as a word, an id or a whole number. A header may hold more, and what is read once for each of
/// thousands of frames must not be.
const MAX_VALUE: usize = 4_096;

/// Bytes of one decimal number. DS has 16 at most.
const MAX_NUMBER: usize = 128;

/// What text over [`MAX_VALUE`] is read as: over every bound of an id or a label, and equal to no word. It is never absent:
/// an element that says nothing may be let through where one that says too much must not.
fn overlong() -> String {
    "?".repeat(MAX_VALUE + 1)
}

/// Whether a value has so many bytes at most, by the length that the walk has checked.
fn is_within(element: &InMemElement, bytes: usize) -> bool {
    element.header().len.get().and_then(|length| usize::try_from(length).ok()).is_some_and(|l| l <= bytes)
}

impl<'a> Dataset<'a> {
    fn get(self, tag: Tag) -> Option<&'a InMemElement> {
        self.0.get(tag)
    }

    pub(crate) fn has(self, tag: Tag) -> bool {
        self.get(tag).is_some()
    }

    /// Text without its padding; `None` where it is absent or empty. Where it is longer than any that is asked for, a text that
    /// equals none and is over every bound.
    pub(crate) fn text(self, tag: Tag) -> Option<String> {
        let element = self.get(tag)?;
        if is_within(element, MAX_VALUE) {
            return Self::whole_text(element);
        }
        element.value().primitive().map(|_| overlong())
    }

    fn whole_text(element: &InMemElement) -> Option<String> {
        let value = element.to_str().ok()?;
        let value = value.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// Whether a coded element has one value, and that is `word`.
    pub(crate) fn is(self, tag: Tag, word: &str) -> bool {
        self.text(tag).is_some_and(|text| text == word)
    }

    /// Whether one of a coded element's values is `word`, however many there are. Not for what is read once a frame.
    pub(crate) fn says(self, tag: Tag, word: &str) -> bool {
        self.get(tag)
            .and_then(Self::whole_text)
            .is_some_and(|text| text.split('\\').any(|v| v.trim() == word))
    }

    /// A 16-bit number (US, or an IS that fits).
    pub(crate) fn short(self, tag: Tag) -> Option<u16> {
        self.get(tag).filter(|element| is_within(element, MAX_VALUE))?.to_int().ok()
    }

    /// A whole number (IS).
    pub(crate) fn whole(self, tag: Tag) -> Option<u32> {
        self.get(tag).filter(|element| is_within(element, MAX_VALUE))?.to_int().ok()
    }

    /// One finite number; `None` where there are more.
    pub(crate) fn real(self, tag: Tag) -> Option<f64> {
        self.reals::<1>(tag).map(|[value]| value)
    }

    /// Exactly `N` finite numbers.
    pub(crate) fn reals<const N: usize>(self, tag: Tag) -> Option<[f64; N]> {
        let element = self.get(tag)?;
        // Before anything is converted: a list of another length may be a long one.
        let count = usize::try_from(element.value().multiplicity()).ok()?;
        if count != N || !is_within(element, N.saturating_mul(MAX_NUMBER)) {
            return None;
        }
        let values: [f64; N] = element.to_multi_float64().ok()?.try_into().ok()?;
        values.iter().all(|v| v.is_finite()).then_some(values)
    }

    /// All 16-bit numbers of an element, with or without a sign.
    pub(crate) fn words(self, tag: Tag) -> Option<Vec<u16>> {
        let values = self.get(tag)?.to_multi_int::<i32>().ok()?;
        let word = |v: i32| u16::try_from(v).ok().or_else(|| i16::try_from(v).ok().map(i16::cast_unsigned));
        values.into_iter().map(word).collect()
    }

    /// The items of a sequence; none where it is absent.
    pub(crate) fn items(self, tag: Tag) -> &'a [InMemDicomObject] {
        self.get(tag).and_then(|e| e.items()).unwrap_or_default()
    }

    /// The first item of a sequence.
    pub(crate) fn item(self, tag: Tag) -> Option<Dataset<'a>> {
        self.items(tag).first().map(Dataset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explicit(tag: Tag, vr: &str, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap();
        let mut bytes = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
        bytes.extend([vr.as_bytes(), &length.to_le_bytes(), value].concat());
        bytes
    }

    fn syntax() -> Syntax {
        Syntax::find("1.2.840.10008.1.2.1").unwrap()
    }

    #[test]
    fn plain_elements_are_what_dicom_rs_reads() {
        let elements = [
            explicit(tags::IMAGE_TYPE, "CS", b"ORIGINAL \\PRIMARY\\"),
            explicit(tags::STUDY_DATE, "DA", b"20200131"),
            explicit(tags::MANUFACTURER, "LO", b""),
            explicit(tags::PATIENT_AGE, "AS", b"061Y"),
            explicit(tags::SLICE_THICKNESS, "DS", b"2.50"),
            explicit(tags::SERIES_INSTANCE_UID, "UI", b"1.2.3\0"),
            explicit(tags::IMAGE_POSITION_PATIENT, "DS", b"-1.5\\2\\+3e1 "),
            explicit(tags::NUMBER_OF_FRAMES, "IS", b" 12 "),
            explicit(tags::ROWS, "US", &[7, 1]),
        ]
        .concat();
        let split = split(&elements, Encoding::ExplicitLittle).unwrap();
        assert!(split.rest.is_empty() && split.plain.len() == 9);
        assert_eq!(parse(&elements, syntax()).unwrap(), by_dicom_rs(&elements, syntax()).unwrap());
    }

    fn object(elements: impl IntoIterator<Item = (Tag, VR, PrimitiveValue)>) -> InMemDicomObject {
        InMemDicomObject::from_element_iter(
            elements.into_iter().map(|(tag, vr, value)| DataElement::new(tag, vr, value)),
        )
    }

    #[test]
    fn what_is_longer_than_any_value_is_no_number_and_no_word_but_never_absent() {
        let list = |word: &str, count: usize| PrimitiveValue::Strs(vec![word.to_owned(); count].into());
        let long = PrimitiveValue::from(format!("{}1", "0".repeat(MAX_VALUE)));
        let object = object([
            (tags::RESCALE_TYPE, VR::LO, list("HU", 3_000)),
            (tags::BURNED_IN_ANNOTATION, VR::CS, list("YES", 3_000)),
            (tags::TRIGGER_TIME, VR::DS, list("1.5", 50_000)),
            (tags::ECHO_NUMBERS, VR::IS, long.clone()),
            (tags::SLICE_THICKNESS, VR::DS, long),
            (tags::PIXEL_SPACING, VR::DS, list("0.5", 2)),
        ]);
        let data = Dataset(&object);
        assert!(data.text(tags::RESCALE_TYPE).is_some_and(|text| text.len() > MAX_VALUE && text != "HU"));
        assert!(!data.is(tags::BURNED_IN_ANNOTATION, "YES") && data.says(tags::BURNED_IN_ANNOTATION, "YES"));
        assert_eq!((data.real(tags::TRIGGER_TIME), data.real(tags::SLICE_THICKNESS)), (None, None));
        assert_eq!((data.whole(tags::ECHO_NUMBERS), data.short(tags::ECHO_NUMBERS)), (None, None));
        assert_eq!(data.reals(tags::PIXEL_SPACING), Some([0.5, 0.5]));
        assert_eq!(data.reals::<3>(tags::PIXEL_SPACING), None);
    }

    #[test]
    fn text_that_is_not_ascii_is_read_in_its_character_set() {
        let elements = [
            explicit(tags::SPECIFIC_CHARACTER_SET, "CS", b"ISO_IR 100"),
            explicit(tags::MODALITY, "CS", b"CT"),
            explicit(tags::PATIENT_ID, "LO", b"M\xFCller"),
            explicit(tags::ROWS, "US", &[7, 1]),
        ]
        .concat();
        let object = parse(&elements, syntax()).unwrap();
        let data = Dataset(&object);
        assert_eq!(data.text(tags::PATIENT_ID).as_deref(), Some("M\u{FC}ller"));
        assert_eq!((data.text(tags::MODALITY).as_deref(), data.short(tags::ROWS)), (Some("CT"), Some(263)));
    }
}
