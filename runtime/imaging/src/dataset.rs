use crate::{Reason, syntax::Syntax};
use dicom_core::Tag;
use dicom_object::{InMemDicomObject, mem::InMemElement};

/// The wanted elements of a file, or one item of a sequence of it.
#[derive(Clone, Copy)]
pub(crate) struct Dataset<'a>(pub(crate) &'a InMemDicomObject);

/// Lets dicom-rs parse elements whose lengths and depth the walk has checked.
pub(crate) fn parse(elements: &[u8], syntax: Syntax) -> Result<InMemDicomObject, Reason> {
    InMemDicomObject::read_dataset_with_ts(elements, &syntax.elements()).map_err(|_| Reason::Malformed)
}

impl<'a> Dataset<'a> {
    fn get(self, tag: Tag) -> Option<&'a InMemElement> {
        self.0.get(tag)
    }

    pub(crate) fn has(self, tag: Tag) -> bool {
        self.get(tag).is_some()
    }

    /// Text without its padding; `None` where it is absent or empty.
    pub(crate) fn text(self, tag: Tag) -> Option<String> {
        let value = self.get(tag)?.to_str().ok()?;
        let value = value.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// Whether a coded element has one value, and that is `word`.
    pub(crate) fn is(self, tag: Tag, word: &str) -> bool {
        self.text(tag).is_some_and(|text| text == word)
    }

    /// Whether one of a coded element's values is `word`.
    pub(crate) fn says(self, tag: Tag, word: &str) -> bool {
        self.text(tag).is_some_and(|text| text.split('\\').any(|v| v.trim() == word))
    }

    /// A 16-bit number (US, or an IS that fits).
    pub(crate) fn short(self, tag: Tag) -> Option<u16> {
        self.get(tag)?.to_int().ok()
    }

    /// A whole number (IS).
    pub(crate) fn whole(self, tag: Tag) -> Option<u32> {
        self.get(tag)?.to_int().ok()
    }

    /// One finite number; `None` where there are more.
    pub(crate) fn real(self, tag: Tag) -> Option<f64> {
        self.reals::<1>(tag).map(|[value]| value)
    }

    /// Exactly `N` finite numbers.
    pub(crate) fn reals<const N: usize>(self, tag: Tag) -> Option<[f64; N]> {
        let values: [f64; N] = self.get(tag)?.to_multi_float64().ok()?.try_into().ok()?;
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
