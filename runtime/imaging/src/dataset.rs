use crate::{
    Reason,
    syntax::{Encoding, Syntax},
    walk::{Copied, Spot},
};
use dicom_core::{
    Tag, VR,
    dictionary::{DataDictionary, DataDictionaryEntry},
};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::{InMemDicomObject, mem::InMemElement};
use std::{borrow::Cow, str::FromStr};

/// The wanted elements of a file, or one item of a sequence of it.
#[derive(Clone, Copy)]
pub(crate) enum Dataset<'a> {
    /// Of a file.
    File(&'a Elements<'a>),
    /// Of an item, or of a sidecar.
    Object(&'a InMemDicomObject),
}

/// The wanted elements of a file.
pub(crate) struct Elements<'a> {
    /// Text of ASCII and 16-bit numbers, in order of tag.
    plain: Vec<(Tag, Plain<'a>)>,
    /// All others.
    rest: Option<InMemDicomObject>,
}

impl Elements<'_> {
    pub(crate) const fn data(&self) -> Dataset<'_> {
        Dataset::File(self)
    }
}

/// Takes elements whose lengths and depth the walk has checked.
///
/// Plain ones, text of ASCII and 16-bit numbers, are taken as they stand, since a header of a slice has hardly any others;
/// dicom-rs parses the rest.
pub(crate) fn parse(copied: &Copied, syntax: Syntax) -> Result<Elements<'_>, Reason> {
    let bytes = &copied.bytes;
    if syntax.encoding == Encoding::ExplicitBig {
        return Ok(Elements { plain: Vec::new(), rest: Some(by_dicom_rs(bytes, syntax)?) });
    }
    let (mut plain, mut rest, mut character_set) =
        (Vec::with_capacity(copied.spots.len()), Vec::new(), &[][..]);
    for spot in &copied.spots {
        let whole = bytes.get(spot.start..spot.end).ok_or(Reason::Malformed)?;
        if spot.tag == tags::SPECIFIC_CHARACTER_SET {
            character_set = whole;
        }
        match bytes.get(spot.value..spot.end).and_then(|value| Plain::of(spot, value)) {
            Some(value) => plain.push((spot.tag, value)),
            None => {
                if rest.is_empty() {
                    rest.extend_from_slice(character_set);
                }
                rest.extend_from_slice(whole);
            }
        }
    }
    let rest = (!rest.is_empty()).then(|| by_dicom_rs(&rest, syntax)).transpose()?;
    Ok(Elements { plain, rest })
}

/// Some of the elements, where all of those are plain and little endian.
pub(crate) fn plain_of<'a>(copied: &'a Copied, tags: &[Tag]) -> Option<Elements<'a>> {
    let mut plain = Vec::with_capacity(tags.len());
    for spot in copied.spots.iter().filter(|spot| tags.contains(&spot.tag)) {
        plain.push((spot.tag, Plain::of(spot, copied.bytes.get(spot.value..spot.end)?)?));
    }
    Some(Elements { plain, rest: None })
}

fn by_dicom_rs(elements: &[u8], syntax: Syntax) -> Result<InMemDicomObject, Reason> {
    InMemDicomObject::read_dataset_with_ts(elements, &syntax.elements()).map_err(|_| Reason::Malformed)
}

/// A value that is taken as it stands, which must be what dicom-rs makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plain<'a> {
    /// ASCII without control characters but for padding; a list is split at the backslash.
    Text(&'a str),
    Word(u16),
}

impl<'a> Plain<'a> {
    fn of(spot: &Spot, bytes: &'a [u8]) -> Option<Self> {
        // A value with a delimiter is a list of items.
        if spot.delimited {
            return None;
        }
        let vr = match spot.vr {
            Some(vr) => VR::from_binary(vr),
            None => StandardDataDictionary.by_tag(spot.tag).map(|entry| entry.vr().relaxed()),
        };
        match vr? {
            VR::AS | VR::CS | VR::DA | VR::DS | VR::IS | VR::LO | VR::SH | VR::TM | VR::UI => {}
            VR::US => {
                return <[u8; 2]>::try_from(bytes).ok().map(|word| Self::Word(u16::from_le_bytes(word)));
            }
            _ => return None,
        }
        // Without a branch a byte: most values are short, and all bytes of nearly all are plain.
        let plain = bytes.iter().fold(true, |plain, byte| plain & matches!(byte, 0 | b' '..=b'~'));
        std::str::from_utf8(bytes).ok().filter(|_| plain).map(Self::Text)
    }

    fn text(self) -> Cow<'a, str> {
        let padding = [' ', '\0'];
        match self {
            Self::Word(word) => Cow::Owned(word.to_string()),
            Self::Text(text) if text.contains('\\') => {
                // As dicom-rs has it: each value of a list loses its padding.
                let values: Vec<&str> =
                    text.split('\\').map(|value| value.trim_end_matches(padding)).collect();
                Cow::Owned(values.join("\\").trim_matches(padding).to_owned())
            }
            Self::Text(text) => Cow::Borrowed(text.trim_matches(padding)),
        }
    }

    /// The first value as a whole number.
    fn whole<T: FromStr + From<u16>>(self) -> Option<T> {
        match self {
            Self::Word(word) => Some(word.into()),
            Self::Text(text) => text.split('\\').next()?.trim_matches([' ', '\0']).parse().ok(),
        }
    }

    /// Exactly `N` numbers, none of which is written in more bytes than any is.
    fn reals<const N: usize>(self) -> Option<[f64; N]> {
        let mut reals = [0.0; N];
        let mut slots = reals.iter_mut();
        match self {
            Self::Word(word) => *slots.next()? = f64::from(word),
            Self::Text("") => {}
            Self::Text(text) if text.len() > N.saturating_mul(MAX_NUMBER) => return None,
            Self::Text(text) => {
                for value in text.split('\\') {
                    *slots.next()? = value.trim_matches([' ', '\0']).parse().ok()?;
                }
            }
        }
        slots.next().is_none().then_some(reals)
    }

    fn words(self) -> Option<Vec<i32>> {
        match self {
            Self::Word(word) => Some(vec![word.into()]),
            Self::Text("") => Some(Vec::new()),
            Self::Text(text) => {
                text.split('\\').map(|value| value.trim_matches([' ', '\0']).parse().ok()).collect()
            }
        }
    }

    const fn is_within(self, bytes: usize) -> bool {
        match self {
            Self::Word(_) => true,
            Self::Text(text) => text.len() <= bytes,
        }
    }
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

/// One element, by whoever has read it.
#[derive(Clone, Copy)]
enum Found<'a> {
    Plain(Plain<'a>),
    Parsed(&'a InMemElement),
}

impl<'a> Found<'a> {
    fn is_within(self, bytes: usize) -> bool {
        match self {
            Self::Plain(plain) => plain.is_within(bytes),
            Self::Parsed(element) => is_within(element, bytes),
        }
    }

    /// Without padding; `None` where nothing is left, or it is no text.
    fn whole_text(self) -> Option<Cow<'a, str>> {
        let text = match self {
            Self::Plain(plain) => plain.text(),
            Self::Parsed(element) => match element.to_str().ok()? {
                Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(is_padding)),
                Cow::Owned(text) => Cow::Owned(text.trim_matches(is_padding).to_owned()),
            },
        };
        (!text.is_empty()).then_some(text)
    }

    fn is_primitive(self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Parsed(element) => element.value().primitive().is_some(),
        }
    }
}

fn is_padding(c: char) -> bool {
    c == '\0' || c.is_whitespace()
}

impl<'a> Dataset<'a> {
    fn get(self, tag: Tag) -> Option<Found<'a>> {
        let elements = match self {
            Self::File(elements) => elements,
            Self::Object(object) => return object.get(tag).map(Found::Parsed),
        };
        match elements.plain.binary_search_by_key(&tag, |(tag, _)| *tag) {
            Ok(at) => elements.plain.get(at).map(|(_, value)| Found::Plain(*value)),
            Err(_) => elements.rest.as_ref()?.get(tag).map(Found::Parsed),
        }
    }

    pub(crate) fn has(self, tag: Tag) -> bool {
        self.get(tag).is_some()
    }

    /// Text without its padding; `None` where it is absent or empty. Where it is longer than any that is asked for, a text that
    /// equals none and is over every bound.
    pub(crate) fn text(self, tag: Tag) -> Option<Cow<'a, str>> {
        let found = self.get(tag)?;
        if found.is_within(MAX_VALUE) {
            return found.whole_text();
        }
        found.is_primitive().then(|| Cow::Owned(overlong()))
    }

    /// As [`text`](Self::text), to keep.
    pub(crate) fn own(self, tag: Tag) -> Option<String> {
        self.text(tag).map(Cow::into_owned)
    }

    /// Whether a coded element has one value, and that is `word`.
    pub(crate) fn is(self, tag: Tag, word: &str) -> bool {
        self.text(tag).is_some_and(|text| text == word)
    }

    /// Whether one of a coded element's values is `word`, however many there are. Not for what is read once a frame.
    pub(crate) fn says(self, tag: Tag, word: &str) -> bool {
        self.get(tag)
            .and_then(Found::whole_text)
            .is_some_and(|text| text.split('\\').any(|v| v.trim() == word))
    }

    /// A 16-bit number (US, or an IS that fits).
    pub(crate) fn short(self, tag: Tag) -> Option<u16> {
        match self.get(tag).filter(|found| found.is_within(MAX_VALUE))? {
            Found::Plain(plain) => plain.whole(),
            Found::Parsed(element) => element.to_int().ok(),
        }
    }

    /// A whole number (IS).
    pub(crate) fn whole(self, tag: Tag) -> Option<u32> {
        match self.get(tag).filter(|found| found.is_within(MAX_VALUE))? {
            Found::Plain(plain) => plain.whole(),
            Found::Parsed(element) => element.to_int().ok(),
        }
    }

    /// One finite number; `None` where there are more.
    pub(crate) fn real(self, tag: Tag) -> Option<f64> {
        self.reals::<1>(tag).map(|[value]| value)
    }

    /// Exactly `N` finite numbers.
    pub(crate) fn reals<const N: usize>(self, tag: Tag) -> Option<[f64; N]> {
        let values = match self.get(tag)? {
            Found::Plain(plain) => plain.reals()?,
            Found::Parsed(element) => parsed_reals(element)?,
        };
        values.iter().all(|v| v.is_finite()).then_some(values)
    }

    /// All 16-bit numbers of an element, with or without a sign.
    pub(crate) fn words(self, tag: Tag) -> Option<Vec<u16>> {
        let values = match self.get(tag)? {
            Found::Plain(plain) => plain.words()?,
            Found::Parsed(element) => element.to_multi_int::<i32>().ok()?,
        };
        let word = |v: i32| u16::try_from(v).ok().or_else(|| i16::try_from(v).ok().map(i16::cast_unsigned));
        values.into_iter().map(word).collect()
    }

    /// The items of a sequence; none where it is absent.
    pub(crate) fn items(self, tag: Tag) -> &'a [InMemDicomObject] {
        match self.get(tag) {
            Some(Found::Parsed(element)) => element.items().unwrap_or_default(),
            Some(Found::Plain(_)) | None => &[],
        }
    }

    /// The first item of a sequence.
    pub(crate) fn item(self, tag: Tag) -> Option<Dataset<'a>> {
        self.items(tag).first().map(Dataset::Object)
    }
}

fn parsed_reals<const N: usize>(element: &InMemElement) -> Option<[f64; N]> {
    // Before anything is converted: a list of another length may be a long one.
    let count = usize::try_from(element.value().multiplicity()).ok()?;
    if count != N || !is_within(element, N.saturating_mul(MAX_NUMBER)) {
        return None;
    }
    element.to_multi_float64().ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_core::{DataElement, PrimitiveValue};

    fn explicit(tag: Tag, vr: &str, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap();
        let mut bytes = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
        bytes.extend([vr.as_bytes(), &length.to_le_bytes(), value].concat());
        bytes
    }

    fn syntax() -> Syntax {
        Syntax::find("1.2.840.10008.1.2.1").unwrap()
    }

    fn copied(elements: &[(Tag, &str, &[u8])]) -> Copied {
        let mut copied = Copied::default();
        for (tag, vr, value) in elements {
            let start = copied.bytes.len();
            copied.bytes.extend(explicit(*tag, vr, value));
            let (end, vr) = (copied.bytes.len(), vr.as_bytes().try_into().ok());
            copied.spots.push(Spot { tag: *tag, vr, start, value: start + 8, end, delimited: false });
        }
        copied
    }

    /// Every way of asking, of every element.
    fn asked(data: Dataset<'_>, tag: Tag) -> impl PartialEq + std::fmt::Debug {
        let (text, words) = (data.own(tag), data.words(tag));
        let numbers = (data.short(tag), data.whole(tag), data.real(tag));
        let lists = (data.reals::<2>(tag), data.reals::<3>(tag));
        let said = ["AXIAL", "PRIMARY", ""].map(|word| (data.is(tag, word), data.says(tag, word)));
        ((text, words, numbers), lists, said, data.has(tag), data.items(tag).len())
    }

    #[test]
    fn plain_elements_are_what_dicom_rs_reads() {
        let elements: [(Tag, &str, &[u8]); 14] = [
            (tags::IMAGE_TYPE, "CS", b"ORIGINAL \\PRIMARY\\"),
            (tags::SOP_INSTANCE_UID, "UI", b"1.2.3\0"),
            (tags::STUDY_DATE, "DA", b"20200131"),
            (tags::MANUFACTURER, "LO", b""),
            (tags::PATIENT_ID, "LO", b" \0"),
            (tags::PATIENT_AGE, "AS", b"061Y"),
            (tags::SLICE_THICKNESS, "DS", b"2.50"),
            (tags::KVP, "DS", b"inf "),
            (tags::ACQUISITION_NUMBER, "IS", b" 70000"),
            (tags::IMAGE_POSITION_PATIENT, "DS", b"-1.5\\2\\+3e1 "),
            (tags::FRAME_OF_REFERENCE_UID, "UI", b"\\ \\AXIAL"),
            (tags::NUMBER_OF_FRAMES, "IS", b" 12 "),
            (tags::ROWS, "US", &[7, 1]),
            (tags::PIXEL_SPACING, "DS", b"0.5\\.7"),
        ];
        let copied = copied(&elements);
        let ours = parse(&copied, syntax()).unwrap();
        assert!(ours.rest.is_none() && ours.plain.len() == elements.len());
        let theirs = by_dicom_rs(&copied.bytes, syntax()).unwrap();
        for (tag, ..) in elements {
            assert_eq!(asked(ours.data(), tag), asked(Dataset::Object(&theirs), tag), "{tag}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_what_dicom_rs_reads(value in "[ -~\\\\0]{0,40}", vr in 0_usize..9, number in "[-+0-9.eE\\\\ ]{0,12}") {
            let vr = ["AS", "CS", "DA", "DS", "IS", "LO", "SH", "TM", "UI"][vr];
            for value in [value, number] {
                let even = if value.len() % 2 == 1 { format!("{value} ") } else { value };
                let copied = copied(&[(tags::IMAGE_TYPE, vr, even.as_bytes())]);
                let ours = parse(&copied, syntax()).unwrap();
                assert!(ours.rest.is_none());
                let theirs = by_dicom_rs(&copied.bytes, syntax()).unwrap();
                let both = [ours.data(), Dataset::Object(&theirs)].map(|data| asked(data, tags::IMAGE_TYPE));
                assert_eq!(both[0], both[1], "{vr} {even:?}");
            }
        }
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
        let data = Dataset::Object(&object);
        assert!(data.text(tags::RESCALE_TYPE).is_some_and(|text| text.len() > MAX_VALUE && text != "HU"));
        assert!(!data.is(tags::BURNED_IN_ANNOTATION, "YES") && data.says(tags::BURNED_IN_ANNOTATION, "YES"));
        assert_eq!((data.real(tags::TRIGGER_TIME), data.real(tags::SLICE_THICKNESS)), (None, None));
        assert_eq!((data.whole(tags::ECHO_NUMBERS), data.short(tags::ECHO_NUMBERS)), (None, None));
        assert_eq!(data.reals(tags::PIXEL_SPACING), Some([0.5, 0.5]));
        assert_eq!(data.reals::<3>(tags::PIXEL_SPACING), None);
    }

    #[test]
    fn text_that_is_not_ascii_is_read_in_its_character_set() {
        let copied = copied(&[
            (tags::SPECIFIC_CHARACTER_SET, "CS", b"ISO_IR 100"),
            (tags::MODALITY, "CS", b"CT"),
            (tags::PATIENT_ID, "LO", b"M\xFCller"),
            (tags::ROWS, "US", &[7, 1]),
        ]);
        let elements = parse(&copied, syntax()).unwrap();
        let data = elements.data();
        assert_eq!(data.text(tags::PATIENT_ID).as_deref(), Some("M\u{FC}ller"));
        assert_eq!((data.text(tags::MODALITY).as_deref(), data.short(tags::ROWS)), (Some("CT"), Some(263)));
    }
}
