use crate::dicom::Encoding;

/// A transfer syntax that the testkit writes (PS3.5 section 10 and annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// Implicit VR little endian.
    ImplicitLittle,
    /// Explicit VR little endian.
    ExplicitLittle,
    /// Explicit VR big endian, retired and still in archives.
    ExplicitBig,
    /// Deflated explicit VR little endian.
    Deflated,
    /// RLE lossless.
    Rle,
    /// JPEG lossless, first-order prediction (process 14, selection value 1).
    JpegLossless,
}

impl Syntax {
    /// Every syntax, in the order of their names.
    pub const ALL: &'static [Self] = &[
        Self::ImplicitLittle,
        Self::ExplicitLittle,
        Self::ExplicitBig,
        Self::Deflated,
        Self::Rle,
        Self::JpegLossless,
    ];

    /// Its UID.
    #[must_use]
    pub const fn uid(self) -> &'static str {
        match self {
            Self::ImplicitLittle => "1.2.840.10008.1.2",
            Self::ExplicitLittle => "1.2.840.10008.1.2.1",
            Self::ExplicitBig => "1.2.840.10008.1.2.2",
            Self::Deflated => "1.2.840.10008.1.2.1.99",
            Self::Rle => "1.2.840.10008.1.2.5",
            Self::JpegLossless => "1.2.840.10008.1.2.4.70",
        }
    }

    /// Its name on the command line and in `series.csv`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ImplicitLittle => "implicit-little",
            Self::ExplicitLittle => "explicit-little",
            Self::ExplicitBig => "explicit-big",
            Self::Deflated => "deflated",
            Self::Rle => "rle",
            Self::JpegLossless => "jpeg-lossless",
        }
    }

    /// Whether frames are compressed one by one.
    #[must_use]
    pub const fn is_encapsulated(self) -> bool {
        matches!(self, Self::Rle | Self::JpegLossless)
    }

    /// The uncompressed syntax for what this one cannot hold, such as packed bits.
    pub(crate) const fn native(self) -> Self {
        if self.is_encapsulated() { Self::ExplicitLittle } else { self }
    }

    pub(crate) const fn encoding(self) -> Encoding {
        // Both ways of ending a sequence are common; the rarer syntaxes show the second one.
        let explicit = !matches!(self, Self::ImplicitLittle);
        Encoding { explicit, big: matches!(self, Self::ExplicitBig), delimited: self.delimits() }
    }

    const fn delimits(self) -> bool {
        matches!(self, Self::ImplicitLittle | Self::Rle | Self::Deflated)
    }
}
