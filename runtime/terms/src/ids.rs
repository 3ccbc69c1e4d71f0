use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The text is not an id of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IdError(&'static str);

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes 16 random bytes; the caller draws them from the operating system.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let bytes = hex::decode(text).map_err(|_| IdError("an id is 32 hex digits"))?;
                bytes.try_into().map(Self).map_err(|_| IdError("an id is 32 hex digits"))
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

random_id!(
    /// One run of one algorithm on one dataset.
    JobId
);
random_id!(
    /// A dataset, by random id: says nothing of its contents.
    DatasetId
);
random_id!(
    /// A frozen view of a dataset's index, by random id: says nothing of its contents.
    SnapshotId
);

/// A name in kebab-case or snake_case: 1 to 64 of `a-z 0-9 - _`, a letter first. Safe as a file name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for Name {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if first && text.len() <= 64 && text.bytes().all(letters) {
            return Ok(Self(text.to_owned()));
        }
        Err(IdError("a name is 1 to 64 of a-z, 0-9, - and _, and begins with a letter"))
    }
}

impl TryFrom<String> for Name {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_a_folder_are_refused() {
        for bad in ["", ".", "..", "a/b", "A", "1a", "a b", "é", &"a".repeat(65)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?} was accepted as a name");
        }
        assert_eq!("pet-suv_2".parse::<Name>().unwrap().as_str(), "pet-suv_2");
    }

    #[test]
    fn ids_are_read_as_they_are_written() {
        let id = JobId::from_bytes([7; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("07".parse::<JobId>().is_err());
    }
}
