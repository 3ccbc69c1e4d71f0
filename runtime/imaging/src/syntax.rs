use dicom_encoding::transfer_syntax::TransferSyntax;
use dicom_transfer_syntax_registry::entries;

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
    /// High-throughput JPEG 2000 (ITU-T T.814).
    HighThroughput,
    JpegXl,
}

/// A transfer syntax that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax {
    pub(crate) uid: &'static str,
    pub(crate) encoding: Encoding,
    pub(crate) coding: Coding,
    pub(crate) deflated: bool,
}

const fn encapsulated(uid: &'static str, coding: Coding) -> Syntax {
    Syntax { uid, encoding: Encoding::ExplicitLittle, coding, deflated: false }
}

const fn native(uid: &'static str, encoding: Encoding, deflated: bool) -> Syntax {
    Syntax { uid, encoding, coding: Coding::Native, deflated }
}

/// The closed list (PS3.5 section 10). The codestream's own header says how many bits it has. Of JPEG 2000 part 2, what
/// has no transform between components is read: that is part 1.
const SYNTAXES: &[Syntax] = &[
    native("1.2.840.10008.1.2", Encoding::ImplicitLittle, false),
    native("1.2.840.10008.1.2.1", Encoding::ExplicitLittle, false),
    native("1.2.840.10008.1.2.1.99", Encoding::ExplicitLittle, true),
    native("1.2.840.10008.1.2.2", Encoding::ExplicitBig, false),
    encapsulated("1.2.840.10008.1.2.5", Coding::Rle),
    encapsulated("1.2.840.10008.1.2.4.50", Coding::Jpeg),
    encapsulated("1.2.840.10008.1.2.4.51", Coding::Jpeg),
    encapsulated("1.2.840.10008.1.2.4.57", Coding::Jpeg),
    encapsulated("1.2.840.10008.1.2.4.70", Coding::Jpeg),
    encapsulated("1.2.840.10008.1.2.4.80", Coding::JpegLs),
    encapsulated("1.2.840.10008.1.2.4.81", Coding::JpegLs),
    encapsulated("1.2.840.10008.1.2.4.90", Coding::Jpeg2000),
    encapsulated("1.2.840.10008.1.2.4.91", Coding::Jpeg2000),
    encapsulated("1.2.840.10008.1.2.4.92", Coding::Jpeg2000),
    encapsulated("1.2.840.10008.1.2.4.93", Coding::Jpeg2000),
    encapsulated("1.2.840.10008.1.2.4.110", Coding::JpegXl),
    encapsulated("1.2.840.10008.1.2.4.111", Coding::JpegXl),
    encapsulated("1.2.840.10008.1.2.4.112", Coding::JpegXl),
    encapsulated("1.2.840.10008.1.2.4.201", Coding::HighThroughput),
    encapsulated("1.2.840.10008.1.2.4.202", Coding::HighThroughput),
    encapsulated("1.2.840.10008.1.2.4.203", Coding::HighThroughput),
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
}
