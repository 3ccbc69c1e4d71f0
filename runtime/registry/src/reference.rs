use crate::error::RegistryError;
use std::fmt;
use std::str::FromStr;
use trocar_terms::Digest;

/// More than any reference needs.
const MOST: usize = 512;
/// The distribution specification's pattern of a tag: 128 characters.
const MOST_TAG: usize = 128;

/// Where an artefact lies: `HOST[:PORT]/REPOSITORY:TAG` or `HOST[:PORT]/REPOSITORY@sha256:HEX`. There is no registry and no tag
/// that stands for a name left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The registry, with its port where it is not the usual one.
    pub host: String,
    /// The repository.
    pub repository: String,
    /// Which artefact of it.
    pub place: Place,
}

/// How an artefact is named in its repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// By a name that may be given to another one tomorrow.
    Tag(String),
    /// By its manifest's digest.
    Digest(Digest),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => fmt::Display::fmt(digest, f),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let between = if matches!(self.place, Place::Tag(_)) { ':' } else { '@' };
        write!(f, "{}/{}{between}{}", self.host, self.repository, self.place)
    }
}

impl FromStr for Reference {
    type Err = RegistryError;
    fn from_str(text: &str) -> Result<Self, RegistryError> {
        let bad = || RegistryError::Reference;
        let (host, rest) = text.split_once('/').filter(|_| text.len() <= MOST).ok_or_else(bad)?;
        let (repository, place) = match rest.split_once('@') {
            Some((repository, digest)) => (repository, Place::Digest(digest.parse().map_err(|_| bad())?)),
            None => {
                let (repository, tag) = rest.rsplit_once(':').ok_or_else(bad)?;
                (repository, Place::Tag(tag.to_owned()))
            }
        };
        let tag = |place: &Place| !matches!(place, Place::Tag(tag) if !is_tag(tag));
        let whole = is_host(host) && is_repository(repository) && tag(&place);
        if !whole {
            return Err(bad());
        }
        Ok(Self { host: host.to_owned(), repository: repository.to_owned(), place })
    }
}

/// A host and not the first part of a repository: it has a dot or a port, or is this machine.
fn is_host(host: &str) -> bool {
    let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    let named = host == "localhost" || host.contains(['.', ':']);
    named && host.bytes().all(letters) && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
}

/// The distribution specification: parts of lower-case letters and digits, within a part joined by `.`, `_`, `__` or dashes.
fn is_repository(name: &str) -> bool {
    name.len() <= 255 && name.split('/').all(is_part)
}

fn is_part(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let between = |c: char| matches!(c, '.' | '_' | '-');
    let ends = part.starts_with(plain) && part.ends_with(plain);
    let joins = part.split(plain).filter(|join| !join.is_empty());
    let mut joins = joins.map(|join| matches!(join, "." | "_" | "__") || join.bytes().all(|b| b == b'-'));
    ends && part.chars().all(|c| plain(c) || between(c)) && joins.all(|fits| fits)
}

fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= MOST_TAG && tag.starts_with(word) && tag.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_they_are_written() {
        let digest = Digest::of(b"");
        let at = format!("registry.hospital.example/imaging/pet-suv@{digest}");
        for text in [
            "localhost:5000/pet-suv:1.0.0",
            "127.0.0.1:5000/a/b_c/d__e/f-g/h--i:v1",
            "[::1]:5000/a:1",
            "registry.hospital.example/imaging/pet.suv:LATEST_2-x",
            &at,
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_reference_that_leaves_something_out_or_leads_elsewhere_is_refused() {
        let long = format!("localhost/{}:1", "a".repeat(256));
        let tag = format!("localhost/a:{}", "t".repeat(129));
        for text in [
            "",
            "pet-suv",
            "pet-suv:1",
            "imaging/pet-suv:1",
            "localhost/pet-suv",
            "localhost/pet-suv:",
            "localhost/:1",
            "localhost/../v2/x:1",
            "localhost/a/../b:1",
            "localhost/a//b:1",
            "localhost/A:1",
            "localhost/a___b:1",
            "localhost/a:..",
            "localhost/a:x/y",
            "localhost/a:1?x=1",
            "localhost/a@sha256:00",
            "localhost/a@sha512:00",
            "user@host.example/a:1",
            "http://localhost/a:1",
            "host.example:80@evil.example/a:1",
            &long,
            &tag,
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text:?} was read as a reference");
        }
    }
}
