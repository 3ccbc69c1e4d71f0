use serde::Serialize;

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $status:literal, $text:literal;)+) => {
        /// Why an object was not kept: a closed list of constant sentences, which never quote the object.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Refusal { $($(#[doc = $doc])+ #[serde(rename = $word)] $name,)+ }

        impl Refusal {
            /// Every refusal, for documentation and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its stable word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// One fixed sentence.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The status of a C-STORE response (PS3.4 table B.2-1, PS3.7 annex C).
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }
        }
    };
}

refusals! {
    /// Neither a preamble with DICM nor a file meta group.
    NotDicom = "not-dicom", 0xC000, "It is not a DICOM Part 10 file.";
    /// No SOP UIDs where they must be.
    Malformed = "malformed", 0xC000, "Its first elements break the rules of DICOM encoding.";
    /// Written in a way that is not read.
    TransferSyntax = "transfer-syntax", 0xC000, "Its transfer syntax is not one that is read.";
    /// No image, segmentation or structure set.
    SopClass = "sop-class", 0x0122, "Its SOP class is not one that is read.";
    /// Another object than was announced or asked for.
    OtherObject = "other-object", 0xA900, "Its SOP UIDs are not those that were announced.";
    /// Another object of the same SOP Instance UID is there.
    Duplicate = "duplicate", 0x0111, "Another object with its SOP Instance UID is there already.";
    /// Larger than one object may be.
    TooLarge = "too-large", 0xA700, "It is larger than one object may be.";
    /// The sender has sent as much as one association may.
    AssociationQuota = "association-quota", 0xA700, "Its association has brought as much as it may.";
    /// The folder has as much as it may have.
    Quota = "quota", 0xA700, "The folder holds as many objects or bytes as it may.";
    /// Too little free space.
    Disk = "disk", 0xA700, "The disk has no room left for it.";
    /// A folder to be pulled from has a symbolic link on the way to it.
    Link = "link", 0xC000, "It lies behind a symbolic link, which is not followed.";
    /// The server did not give it.
    Unavailable = "unavailable", 0xC000, "The server did not give it.";
    /// It changed, or its answer was no object.
    BadAnswer = "bad-answer", 0xC000, "The server's answer is not one object.";
}

impl Refusal {
    /// Whether asking again later may bring it: the pull is then not complete.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        matches!(
            self,
            Self::Unavailable | Self::BadAnswer | Self::Quota | Self::AssociationQuota | Self::Disk
        )
    }

    /// Whether every further object would be refused too.
    pub(crate) const fn stops(self) -> bool {
        matches!(self, Self::Quota | Self::Disk)
    }

    /// What a failed write means.
    pub(crate) fn of_io(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::FileTooLarge => Self::TooLarge,
            // Whatever keeps a file from being written, the disk did not take it.
            _ => Self::Disk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_refusal_has_a_word_and_a_status_that_is_no_success() {
        let words: BTreeSet<_> = Refusal::ALL.iter().map(|r| r.word()).collect();
        assert_eq!(words.len(), Refusal::ALL.len());
        for refusal in Refusal::ALL {
            assert!(
                refusal.status() != 0 && refusal.status() >> 12 != 0xB,
                "{refusal:?}: a warning is a success"
            );
        }
    }
}
