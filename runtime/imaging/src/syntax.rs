use dicom_encoding::transfer_syntax::{TransferSyntax, TransferSyntaxIndex};
use dicom_transfer_syntax_registry::{TransferSyntaxRegistry, entries};

/// How the elements of a data set are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    ImplicitLittle,
    ExplicitLittle,
    ExplicitBig,
}

/// How the pixels of a frame are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Native,
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
}

/// A transfer syntax that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax {
    pub(crate) uid: &'static str,
    pub(crate) encoding: Encoding,
    pub(crate) coding: Coding,
    pub(crate) deflated: bool,
    /// The largest Bits Stored that the decoder takes.
    pub(crate) max_bits: u16,
}

const fn encapsulated(uid: &'static str, coding: Coding, max_bits: u16) -> Syntax {
    Syntax { uid, encoding: Encoding::ExplicitLittle, coding, deflated: false, max_bits }
}

const fn native(uid: &'static str, encoding: Encoding, deflated: bool) -> Syntax {
    Syntax { uid, encoding, coding: Coding::Native, deflated, max_bits: 16 }
}

/// The closed list (PS3.5 section 10). JPEG extended is read up to 8 bits: no 12-bit decoder is chosen yet.
const SYNTAXES: &[Syntax] = &[
    native("1.2.840.10008.1.2", Encoding::ImplicitLittle, false),
    native("1.2.840.10008.1.2.1", Encoding::ExplicitLittle, false),
    native("1.2.840.10008.1.2.1.99", Encoding::ExplicitLittle, true),
    native("1.2.840.10008.1.2.2", Encoding::ExplicitBig, false),
    encapsulated("1.2.840.10008.1.2.5", Coding::Rle, 16),
    encapsulated("1.2.840.10008.1.2.4.50", Coding::Jpeg, 8),
    encapsulated("1.2.840.10008.1.2.4.51", Coding::Jpeg, 8),
    encapsulated("1.2.840.10008.1.2.4.57", Coding::Jpeg, 16),
    encapsulated("1.2.840.10008.1.2.4.70", Coding::Jpeg, 16),
    encapsulated("1.2.840.10008.1.2.4.80", Coding::JpegLs, 16),
    encapsulated("1.2.840.10008.1.2.4.81", Coding::JpegLs, 16),
    encapsulated("1.2.840.10008.1.2.4.90", Coding::Jpeg2000, 16),
    encapsulated("1.2.840.10008.1.2.4.91", Coding::Jpeg2000, 16),
];

impl Syntax {
    /// The syntax of this UID; `None` where it is not read, as JPEG-LS in a build without it.
    pub(crate) fn find(uid: &str) -> Option<Self> {
        let known = SYNTAXES.iter().find(|s| s.uid == uid).copied();
        known.filter(|s| cfg!(feature = "jpeg-ls") || s.coding != Coding::JpegLs)
    }

    /// dicom-rs's reader of this encoding; deflation and encapsulation are dealt with before it is called.
    pub(crate) fn elements(self) -> TransferSyntax {
        match self.encoding {
            Encoding::ImplicitLittle => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
            Encoding::ExplicitLittle => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
            Encoding::ExplicitBig => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
        }
    }

    /// dicom-rs's entry for the codec of a frame.
    pub(crate) fn codec(self) -> Option<&'static TransferSyntax> {
        TransferSyntaxRegistry.get(self.uid)
    }
}
