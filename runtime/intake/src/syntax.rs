//! The closed lists: what is let in is what the imaging crate reads.

/// How the elements of a data set are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    ImplicitLittle,
    ExplicitLittle,
    ExplicitBig,
    /// Explicit VR little endian, deflated (PS3.5 annex A.5).
    Deflated,
}

/// Transfer syntaxes (PS3.5 section 10, PS3.6 annex A) other than those of [`PLAIN`]: all explicit VR little endian.
const ENCAPSULATED: &[&str] = &[
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.92",
    "1.2.840.10008.1.2.4.93",
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.4.111",
    "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
];

const PLAIN: &[(&str, Encoding)] = &[
    ("1.2.840.10008.1.2", Encoding::ImplicitLittle),
    ("1.2.840.10008.1.2.1", Encoding::ExplicitLittle),
    ("1.2.840.10008.1.2.1.99", Encoding::Deflated),
    ("1.2.840.10008.1.2.2", Encoding::ExplicitBig),
];

/// How a transfer syntax writes elements; `None` where it is not read.
pub(crate) fn encoding(transfer_syntax: &str) -> Option<Encoding> {
    let plain = PLAIN.iter().find(|(uid, _)| *uid == transfer_syntax).map(|(_, encoding)| *encoding);
    plain.or_else(|| ENCAPSULATED.contains(&transfer_syntax).then_some(Encoding::ExplicitLittle))
}

/// Every transfer syntax that is let in.
pub(crate) fn transfer_syntaxes() -> impl Iterator<Item = &'static str> {
    PLAIN.iter().map(|(uid, _)| *uid).chain(ENCAPSULATED.iter().copied())
}

/// What storage SOP classes begin with (PS3.4 section B.5).
const STORAGE: &str = "1.2.840.10008.5.1.4.1.1.";

/// Images, segmentations, parametric maps, RT structure sets and doses: the rest of [`STORAGE`], no video, report or waveform.
const CLASSES: &[&str] = &[
    "1", "1.1", "1.1.1", "1.2", "1.2.1", "2", "2.1", "2.2", "3", "3.1", "4", "4.1", "4.3", "4.4", "5", "6",
    "6.1", "6.2", "7", "7.1", "7.2", "7.3", "7.4", "12.1", "12.1.1", "12.2", "12.2.1", "13.1.1", "13.1.2",
    "13.1.3", "20", "30", "66.4", "66.7", "128", "128.1", "130", "481.1", "481.2", "481.3",
];

/// Verification, which a C-ECHO asks for.
pub(crate) const VERIFICATION: &str = "1.2.840.10008.1.1";

/// Whether objects of this SOP class are let in.
pub(crate) fn is_storage(sop_class: &str) -> bool {
    sop_class.strip_prefix(STORAGE).is_some_and(|rest| CLASSES.contains(&rest))
}

/// Every SOP class that is let in.
pub(crate) fn storage_classes() -> impl Iterator<Item = String> {
    CLASSES.iter().map(|rest| format!("{STORAGE}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_segmentations_are_let_in_and_reports_and_video_are_not() {
        for rest in ["2", "4.1", "128", "66.4", "481.3"] {
            assert!(is_storage(&format!("{STORAGE}{rest}")), "{rest}");
        }
        for rest in ["88.11", "77.1.1.1", "9.1.1", "104.1", "", "481.5"] {
            assert!(!is_storage(&format!("{STORAGE}{rest}")), "{rest}");
        }
        assert_eq!(encoding("1.2.840.10008.1.2.4.90"), Some(Encoding::ExplicitLittle));
        assert_eq!(encoding("1.2.840.10008.1.2.4.100"), None);
    }
}
