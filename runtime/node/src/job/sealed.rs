//! `replays/`: what each round of a job summed before noise, as an HMAC under the audit key, with the state that its guests were given.
//!
//! Neither the sums nor an unkeyed digest of them is written. A round's state is what was released before it, so it is noised; it is
//! kept because noise is not: nobody could give the guests the same numbers again. The file begins with 32 random bytes, so that its
//! SHA-256, which the ledger keeps with the job's end, tells nothing of it to anyone.

use crate::audit::mac;
use crate::error::NodeError;
use crate::files;
use crate::home::Home;
use hmac::Mac;
use serde::{Deserialize, Serialize};
use trocar_filter::{Held, Members, Sums};
use trocar_terms::{Digest, JobId};

/// The rounds of one job as they are summed.
#[derive(Debug)]
pub(crate) struct Seals {
    key: [u8; 32],
    job: JobId,
    rounds: Vec<Round>,
}

/// What is kept of a job.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    /// 32 random bytes in hex: they hide the rest behind the file's digest.
    opening: String,
    /// The engine that ran it, with its settings.
    engine: String,
    /// The first to the last that was summed.
    pub(super) rounds: Vec<Round>,
}

/// What is kept of one round.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Round {
    /// What its guests were given, as the bits of each number: NaN is one of them.
    state: Vec<u64>,
    /// HMAC-SHA-256 in hex.
    tag: String,
}

impl Seals {
    pub(crate) fn of(home: &Home, job: JobId) -> Result<Self, NodeError> {
        Ok(Self { key: home.audit_key()?, job, rounds: Vec::new() })
    }

    /// Seals a round more.
    pub(crate) fn add(&mut self, state: &[f64], sums: &Summed) {
        let state: Vec<u64> = state.iter().map(|number| number.to_bits()).collect();
        let tag = hex::encode(self.mac(self.rounds.len(), &state, sums).finalize().into_bytes());
        self.rounds.push(Round { state, tag });
    }

    /// Whether a round summed again gives what was sealed; `number` is 0 for the first.
    pub(super) fn fits(&self, number: usize, kept: &Round, sums: &Summed) -> bool {
        let tag = hex::decode(&kept.tag).unwrap_or_default();
        self.mac(number, &kept.state, sums).verify_slice(&tag).is_ok()
    }

    /// Writes what is kept, and gives the digest that the ledger names it by.
    pub(crate) fn keep(self, home: &Home, opening: [u8; 32], engine: String) -> Result<Digest, NodeError> {
        let opening = hex::encode(opening);
        let bytes = serde_json::to_vec(&Sealed { opening, engine, rounds: self.rounds })?;
        files::private_dir(&home.replays_path())?;
        files::write_durably(&home.replay_path(&self.job), &bytes)?;
        Ok(Digest::of(&bytes))
    }

    fn mac(&self, number: usize, state: &[u64], sums: &Summed) -> hmac::Hmac<sha2::Sha256> {
        let state: Vec<u8> = state.iter().flat_map(|bits| bits.to_be_bytes()).collect();
        let (job, number) = (self.job.to_string(), (number as u64).to_be_bytes());
        let Summed(sums) = sums;
        mac(&self.key, &[b"replay", job.as_bytes(), &number, &state, sums])
    }
}

impl Sealed {
    /// What was kept of a job, if it is what the ledger names.
    pub(super) fn read(home: &Home, job: &JobId, named: Digest) -> Option<Self> {
        let bytes = files::read(&home.replay_path(job)).ok()?;
        if Digest::of(&bytes) == named { serde_json::from_slice(&bytes).ok() } else { None }
    }

    pub(super) fn is_of(&self, engine: &str) -> bool {
        self.engine == engine
    }
}

impl Round {
    pub(super) fn state(&self) -> Vec<f64> {
        self.state.iter().map(|bits| f64::from_bits(*bits)).collect()
    }
}

/// The digest of what a held job keeps for a replay; `None` where it is gone: then the job ends without one.
pub(crate) fn sealed(home: &Home, job: &JobId) -> Option<Digest> {
    files::read(&home.replay_path(job)).ok().map(|bytes| Digest::of(&bytes))
}

/// Canonical bytes of sums before noise, or of exact ones with their evidence: patients' data, which nothing but an HMAC reads.
pub(crate) struct Summed(Vec<u8>);

impl From<&Sums> for Summed {
    fn from(sums: &Sums) -> Self {
        Self(sums.bytes())
    }
}

impl Summed {
    /// Of an exact result as it is held.
    pub(crate) fn held(held: &Held, members: &Members) -> Result<Self, NodeError> {
        Ok(Self(serde_json::to_vec(&(held, members))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trocar_terms::{FixedClock, Timestamp};

    const JOB: JobId = JobId::from_bytes([1; 16]);

    fn home(folder: &tempfile::TempDir) -> Home {
        let clock = FixedClock(Timestamp::from_seconds(0));
        Home::create(folder.path(), &"n".parse().unwrap(), &clock).unwrap()
    }

    fn summed(byte: u8) -> Summed {
        Summed(vec![byte; 24])
    }

    #[test]
    fn a_round_fits_its_own_sums_state_place_and_job_alone() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        let mut seals = Seals::of(&home, JOB).unwrap();
        seals.add(&[], &summed(1));
        seals.add(&[0.1, f64::NAN], &summed(2));
        let named = seals.keep(&home, [7; 32], trocar_worker::engine_id()).unwrap();
        let kept = Sealed::read(&home, &JOB, named).unwrap();
        let [first, second] = kept.rounds.as_slice() else { panic!("{} rounds", kept.rounds.len()) };
        let seals = Seals::of(&home, JOB).unwrap();
        assert!(seals.fits(0, first, &summed(1)) && seals.fits(1, second, &summed(2)));
        assert_eq!(second.state().iter().map(|n| n.to_bits()).collect::<Vec<_>>(), second.state);
        assert!(second.state()[1].is_nan());
        assert!(!seals.fits(0, first, &summed(2)), "other sums fit");
        assert!(!seals.fits(1, first, &summed(1)), "another round fits");
        let other = Round { state: vec![1], tag: first.tag.clone() };
        assert!(!seals.fits(0, &other, &summed(1)), "another state fits");
        let elsewhere = Seals::of(&home, JobId::from_bytes([2; 16])).unwrap();
        assert!(!elsewhere.fits(0, first, &summed(1)), "another job fits");
    }

    #[test]
    fn what_is_kept_shows_no_sum_and_its_digest_hides_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        let kept = |opening: u8| {
            let mut seals = Seals::of(&home, JOB).unwrap();
            seals.add(&[], &summed(1));
            let named = seals.keep(&home, [opening; 32], trocar_worker::engine_id()).unwrap();
            (named, files::read(&home.replay_path(&JOB)).unwrap())
        };
        let ((one, bytes), (other, _)) = (kept(0xa1), kept(0xb2));
        assert_ne!(one, other, "the same sums are told by the same digest");
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains(&hex::encode([1; 24])) && !text.contains(&Digest::of(&[1; 24]).hex()));
    }

    #[test]
    fn a_changed_or_missing_file_and_another_engine_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        let named = Seals::of(&home, JOB).unwrap().keep(&home, [7; 32], trocar_worker::engine_id()).unwrap();
        let kept = Sealed::read(&home, &JOB, named).unwrap();
        assert!(kept.is_of(&trocar_worker::engine_id()) && !kept.is_of("wasmtime 1.0.0"));
        assert!(Sealed::read(&home, &JOB, Digest::of(b"")).is_none());
        assert_eq!(sealed(&home, &JOB), Some(named));
        std::fs::remove_file(home.replay_path(&JOB)).unwrap();
        assert!(Sealed::read(&home, &JOB, named).is_none() && sealed(&home, &JOB).is_none());
    }
}
