//! A node's keys over the years: which key took over from which, and which is not to be believed any more.
//!
//! A succession is signed by the old key and by the new one, so neither can claim the other. A revocation is signed by the
//! key itself or by one that came after it. Whoever trusts one key of such a chain can trust the others, each for its time.
//!
//! What no statement can do: a stolen key can sign a time before its theft. The head of the node's log, which others keep,
//! is what stands against that.

use crate::dsse::{self, DsseError, Envelope};
use crate::keys::{PublicKey, SecretKey};
use crate::statement::{self, Statement};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use trocar_terms::{Digest, Timestamp};

const SUCCESSION: &str = "urn:trocar:key-succession:v1";
const REVOCATION: &str = "urn:trocar:key-revocation:v1";
/// More than one rotation a month for a century; the bound keeps hostile folders cheap.
const MOST: usize = 2_000;

/// From `at` on, `new` signs in place of `old`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Succession {
    /// Who signed before.
    pub old: PublicKey,
    /// Who signs from then on.
    pub new: PublicKey,
    /// When.
    pub at: Timestamp,
}

/// What `key` signed at `at` or later is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Which key.
    pub key: PublicKey,
    /// Since when.
    pub at: Timestamp,
}

/// Why a history is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// An envelope does not verify.
    #[error("a statement about keys is not as it was signed")]
    Signature(#[from] DsseError),
    /// Something else was signed.
    #[error("what was signed is no statement about keys: {0}")]
    Statement(String),
    /// Two statements contradict each other, or an earlier one.
    #[error("the history of {0} contradicts itself: {1}")]
    Contradiction(PublicKey, &'static str),
    /// Too many statements.
    #[error("a history has at most {MOST} statements")]
    TooMany,
}

/// For which time a key may be believed, beside that it is trusted at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Standing {
    /// It took over then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Another took over then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Nothing that it signed then or later counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

/// All that is known of some chains of keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyHistory {
    /// By the old key.
    successions: BTreeMap<PublicKey, Succession>,
    revocations: BTreeMap<PublicKey, Timestamp>,
}

impl Succession {
    /// Signs with both keys.
    ///
    /// # Errors
    /// `Statement` where the keys are not those that it names.
    pub fn sign(&self, old: &SecretKey, new: &SecretKey) -> Result<Envelope, HistoryError> {
        if (old.public(), new.public()) != (self.old, self.new) {
            return Err(HistoryError::Statement("other keys than it names".into()));
        }
        let first = signed(&self.subject(), SUCCESSION, self, old)?;
        Ok(dsse::countersign(&first, statement::PAYLOAD_TYPE, new)?)
    }

    fn subject(&self) -> Vec<(String, Digest)> {
        vec![subject("old", &self.old), subject("new", &self.new)]
    }
}

impl Revocation {
    /// Signs with the key itself or one that came after it; which of the two is asked when it is read.
    ///
    /// # Errors
    /// `Statement` where it has no canonical form, which the types of its fields exclude.
    pub fn sign(&self, by: &SecretKey) -> Result<Envelope, HistoryError> {
        signed(&self.subject(), REVOCATION, self, by)
    }

    fn subject(&self) -> Vec<(String, Digest)> {
        vec![subject("key", &self.key)]
    }
}

/// The digest of a key's SPKI is its key id.
fn subject(name: &str, key: &PublicKey) -> (String, Digest) {
    (name.to_owned(), Digest::of(&key.spki_der()))
}

fn bytes<P: Serialize + Clone>(
    subject: &[(String, Digest)],
    kind: &str,
    said: &P,
) -> Result<Vec<u8>, HistoryError> {
    let statement = Statement::new(subject.to_vec(), kind, said.clone());
    statement.bytes().map_err(|e| HistoryError::Statement(e.to_string()))
}

fn signed<P: Serialize + Clone>(
    subject: &[(String, Digest)],
    kind: &str,
    said: &P,
    key: &SecretKey,
) -> Result<Envelope, HistoryError> {
    Ok(dsse::sign(statement::PAYLOAD_TYPE, &bytes(subject, kind, said)?, key))
}

fn read<P: DeserializeOwned>(payload: &[u8], kind: &str) -> Result<P, HistoryError> {
    statement::predicate(payload, kind).map_err(HistoryError::Statement)
}

impl KeyHistory {
    /// Reads statements in any order.
    ///
    /// # Errors
    /// One is not signed as it must be, or they contradict each other: then none of them is believed.
    pub fn read(envelopes: &[Envelope]) -> Result<Self, HistoryError> {
        if envelopes.len() > MOST {
            return Err(HistoryError::TooMany);
        }
        let mut history = Self::default();
        let mut revocations = Vec::new();
        for envelope in envelopes {
            let payload = envelope.unverified_payload(statement::PAYLOAD_TYPE)?;
            match read::<Succession>(&payload, SUCCESSION) {
                Ok(said) => history.take(said, envelope, &payload)?,
                Err(_) => revocations.push((read::<Revocation>(&payload, REVOCATION)?, envelope, payload)),
            }
        }
        history.check_chains()?;
        for (said, envelope, payload) in revocations {
            history.take_revocation(&said, envelope, &payload)?;
        }
        Ok(history)
    }

    fn take(&mut self, said: Succession, envelope: &Envelope, payload: &[u8]) -> Result<(), HistoryError> {
        if bytes(&said.subject(), SUCCESSION, &said)? != payload {
            return Err(HistoryError::Statement("it is not in its canonical form".into()));
        }
        // Each alone: `verify` is content with one of several.
        for key in [said.old, said.new] {
            dsse::verify(envelope, statement::PAYLOAD_TYPE, &[key])?;
        }
        let old = said.old;
        match self.successions.insert(old, said.clone()) {
            Some(other) if other != said => {
                Err(HistoryError::Contradiction(old, "two keys took over from it"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// One predecessor at most, no circle, and each key took over after the one before.
    fn check_chains(&self) -> Result<(), HistoryError> {
        let mut taken = BTreeMap::new();
        for said in self.successions.values() {
            if said.old == said.new || taken.insert(said.new, said.at).is_some() {
                return Err(HistoryError::Contradiction(said.new, "it took over twice"));
            }
        }
        // Times grow along a chain, so that a chain cannot close to a circle.
        let late = |said: &&Succession| taken.get(&said.old).is_some_and(|began| *began >= said.at);
        match self.successions.values().find(late) {
            Some(said) => Err(HistoryError::Contradiction(said.old, "its successor took over before it did")),
            None => Ok(()),
        }
    }

    fn take_revocation(
        &mut self,
        said: &Revocation,
        envelope: &Envelope,
        payload: &[u8],
    ) -> Result<(), HistoryError> {
        if bytes(&said.subject(), REVOCATION, said)? != payload {
            return Err(HistoryError::Statement("it is not in its canonical form".into()));
        }
        let may: Vec<PublicKey> = self.from(said.key).collect();
        match dsse::verify(envelope, statement::PAYLOAD_TYPE, &may) {
            Err(DsseError::Untrusted) => {
                return Err(HistoryError::Statement("no key that may revoke it signed".into()));
            }
            other => drop(other?),
        }
        // The earliest counts: a later one cannot take back what an earlier one said.
        let at = self.revocations.get(&said.key).map_or(said.at, |earlier| said.at.min(*earlier));
        self.revocations.insert(said.key, at);
        Ok(())
    }

    /// The key and all that came after it.
    fn from(&self, key: PublicKey) -> impl Iterator<Item = PublicKey> + '_ {
        std::iter::successors(Some(key), |key| self.successions.get(key).map(|said| said.new))
    }

    /// The key and those to which it, and each after it, could hand over: not what was revoked by then, for that may have
    /// been a thief's hand.
    fn trusted_from(&self, key: PublicKey) -> impl Iterator<Item = PublicKey> + '_ {
        let handed = |said: &&Succession| self.revocations.get(&said.old).is_none_or(|at| *at > said.at);
        std::iter::successors(Some(key), move |key| {
            self.successions.get(key).filter(handed).map(|said| said.new)
        })
    }

    /// Where `key` stands, if it is one of `pinned` or in one chain with one of them.
    #[must_use]
    pub fn standing(&self, pinned: &[PublicKey], key: &PublicKey) -> Option<Standing> {
        let after = |one: &PublicKey| self.trusted_from(*one).any(|k| k == *key);
        let before = |one: &PublicKey| self.from(*key).any(|k| k == *one);
        pinned.iter().any(|one| after(one) || before(one)).then(|| self.of(key))
    }

    /// What is known of a key, trusted or not.
    #[must_use]
    pub fn of(&self, key: &PublicKey) -> Standing {
        Standing {
            since: self.successions.values().find(|said| said.new == *key).map(|said| said.at),
            until: self.successions.get(key).map(|said| said.at),
            revoked: self.revocations.get(key).copied(),
        }
    }

    /// Every key that a statement names, once, in no order of time.
    pub fn keys(&self) -> impl Iterator<Item = PublicKey> + '_ {
        let named = self.successions.values().flat_map(|said| [said.old, said.new]);
        let all: std::collections::BTreeSet<PublicKey> =
            named.chain(self.revocations.keys().copied()).collect();
        all.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    fn key(seed: u64) -> SecretKey {
        SecretKey::generate(&mut ChaCha20Rng::seed_from_u64(seed))
    }

    fn public(seed: u64) -> PublicKey {
        key(seed).public()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn succession(old: u64, new: u64, seconds: i64) -> Envelope {
        let said = Succession { old: public(old), new: public(new), at: at(seconds) };
        said.sign(&key(old), &key(new)).unwrap()
    }

    fn revocation(of: u64, by: u64, seconds: i64) -> Envelope {
        Revocation { key: public(of), at: at(seconds) }.sign(&key(by)).unwrap()
    }

    /// Key 1 until 100, key 2 until 200, then key 3.
    fn chain() -> Vec<Envelope> {
        vec![succession(2, 3, 200), succession(1, 2, 100)]
    }

    #[test]
    fn whoever_trusts_one_key_of_a_chain_trusts_all_each_for_its_time() {
        let history = KeyHistory::read(&chain()).unwrap();
        for pinned in 1..=3 {
            let middle = history.standing(&[public(pinned)], &public(2)).unwrap();
            assert_eq!(middle, Standing { since: Some(at(100)), until: Some(at(200)), revoked: None });
            assert!(history.standing(&[public(pinned)], &public(9)).is_none(), "a stranger is trusted");
        }
        assert_eq!(history.standing(&[public(9)], &public(9)), Some(Standing::default()));
        assert_eq!(history.standing(&[], &public(2)), None);
        assert_eq!(history.keys().count(), 3);
    }

    #[test]
    fn neither_key_alone_makes_a_succession() {
        let said = Succession { old: public(1), new: public(2), at: at(5) };
        for (alone, other) in [(1, 2), (2, 1)] {
            let mut envelope = said.sign(&key(1), &key(2)).unwrap();
            envelope.signatures.retain(|s| s.keyid == public(alone).keyid());
            assert!(KeyHistory::read(&[envelope]).is_err(), "key {other} did not sign");
        }
        assert!(said.sign(&key(2), &key(1)).is_err());
    }

    #[test]
    fn forks_joins_circles_and_times_out_of_order_are_no_history() {
        for bad in [
            vec![succession(1, 2, 100), succession(1, 3, 100)],
            vec![succession(1, 3, 100), succession(2, 3, 150)],
            vec![succession(1, 2, 100), succession(2, 1, 200)],
            vec![succession(1, 2, 100), succession(2, 3, 100)],
            vec![succession(1, 1, 100)],
        ] {
            assert!(matches!(KeyHistory::read(&bad), Err(HistoryError::Contradiction(..))), "{bad:?}");
        }
        let twice = [succession(1, 2, 100), succession(1, 2, 100)];
        assert!(KeyHistory::read(&twice).is_ok(), "the same statement twice");
    }

    #[test]
    fn a_key_and_its_successors_may_revoke_it_and_nobody_else() {
        for by in 2..=3 {
            let all = [chain(), vec![revocation(2, by, 150)]].concat();
            assert_eq!(KeyHistory::read(&all).unwrap().of(&public(2)).revoked, Some(at(150)));
        }
        for by in [1, 9] {
            let all = [chain(), vec![revocation(2, by, 150)]].concat();
            assert!(KeyHistory::read(&all).is_err(), "key {by} revoked key 2");
        }
    }

    #[test]
    fn the_earliest_revocation_counts() {
        for times in [[150, 120], [120, 150]] {
            let all = [chain(), times.map(|at| revocation(1, 2, at)).to_vec()].concat();
            assert_eq!(KeyHistory::read(&all).unwrap().of(&public(1)).revoked, Some(at(120)));
        }
    }

    #[test]
    fn a_key_that_was_revoked_before_it_handed_over_vouches_for_nobody() {
        let history = KeyHistory::read(&[chain(), vec![revocation(1, 2, 90)]].concat()).unwrap();
        assert!(history.standing(&[public(1)], &public(2)).is_none(), "a thief's successor is trusted");
        let old = history.standing(&[public(3)], &public(1)).unwrap();
        assert_eq!((old.until, old.revoked), (Some(at(100)), Some(at(90))));
    }

    #[test]
    fn other_statements_changed_ones_and_too_many_are_refused() {
        let other = dsse::sign(statement::PAYLOAD_TYPE, b"{}", &key(1));
        assert!(matches!(KeyHistory::read(&[other]), Err(HistoryError::Statement(_))));
        let mut moved = succession(1, 2, 100);
        moved.payload = succession(1, 2, 101).payload;
        assert!(matches!(KeyHistory::read(&[moved]), Err(HistoryError::Signature(_))));
        assert_eq!(KeyHistory::read(&vec![succession(1, 2, 5); MOST + 1]), Err(HistoryError::TooMany));
    }
}
