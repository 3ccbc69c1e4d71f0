//! One line of the file: `{"seq":..,"time":..,"previous":..,"event":{..},"digest":..}`.
//!
//! `digest` is the SHA-256 of the line without it; `previous` is the digest of the line before.

use crate::event::Event;
use serde::{Deserialize, Serialize};
use trocar_terms::{Digest, Timestamp};

/// One record, as it stands in the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Record {
    /// Its place: 0, 1, 2 ...
    pub seq: u64,
    /// Ledger time: never before the record before it.
    pub time: Timestamp,
    /// Digest of the record before.
    pub previous: Digest,
    /// What happened.
    pub event: Event,
    /// Digest of this record.
    pub digest: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<E> {
    seq: u64,
    time: Timestamp,
    previous: Digest,
    event: E,
}

const DIGEST: &[u8] = b",\"digest\":\"";
const END: &[u8] = b"\"}";
/// `sha256:` and 64 hex digits.
const DIGEST_LENGTH: usize = 71;

impl Record {
    /// What the first record names as the one before it.
    pub(crate) fn before_the_first() -> Digest {
        Digest::from_bytes([0; 32])
    }

    /// Makes the record that follows `previous`, and its line, newline included.
    pub(crate) fn write(
        seq: u64,
        time: Timestamp,
        previous: Digest,
        event: Event,
    ) -> Result<(Self, Vec<u8>), serde_json::Error> {
        let body = serde_json::to_vec(&Body { seq, time, previous, event: &event })?;
        let digest = Digest::of(&body);
        let open = body.strip_suffix(b"}").unwrap_or(&body);
        let line = [open, DIGEST, digest.to_string().as_bytes(), END, b"\n"].concat();
        Ok((Self { seq, time, previous, event, digest }, line))
    }

    /// Reads a line without its newline; `None` unless every byte is as it was written. Its place is not checked here.
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        let rest = line.strip_suffix(END)?;
        let (rest, digest) = rest.split_at_checked(rest.len().checked_sub(DIGEST_LENGTH)?)?;
        let body = [rest.strip_suffix(DIGEST)?, b"}"].concat();
        let digest: Digest = std::str::from_utf8(digest).ok()?.parse().ok()?;
        if digest != Digest::of(&body) {
            return None;
        }
        let Body { seq, time, previous, event } = serde_json::from_slice(&body).ok()?;
        Some(Self { seq, time, previous, event, digest })
    }
}
