//! What reviewers and output checkers sign, for the class `reviewed-code` (PRIVACY.md sections 1 and 6).

use crate::dsse::{self, DsseError, Envelope};
use crate::keys::{PublicKey, SecretKey};
use crate::statement::{self, Statement};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use trocar_terms::{DatasetId, Digest, JobId, Timestamp};

/// One person has read the code of this component and holds that it may answer exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// `Manifest::digest`.
    pub manifest: Digest,
    /// Digest of the component.
    pub component: Digest,
    /// Digests of the models, in the manifest's order.
    pub models: Vec<Digest>,
    /// When it was given.
    pub reviewed_at: Timestamp,
}

/// What an output checker does with a held result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It leaves.
    Release,
    /// It does not.
    Withhold,
}

/// One output checker's word on one held result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The job.
    pub job: JobId,
    /// The dataset, by its random id.
    pub dataset: DatasetId,
    /// `Manifest::digest`.
    pub manifest: Digest,
    /// Digest of the component.
    pub component: Digest,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Hiding commitment to the reason: SHA-256 over 32 random bytes and its text. The text may speak of patients, so it
    /// stays with the node's operator.
    pub reason: Digest,
    /// When.
    pub decided_at: Timestamp,
}

/// Why a signed statement is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignedError {
    /// The envelope does not verify.
    #[error("the statement is not as it was signed")]
    Signature(#[from] DsseError),
    /// What was signed is something else.
    #[error("what was signed is another statement: {0}")]
    Statement(String),
}

/// What can be signed as a statement of its own type.
trait Predicate: Serialize + DeserializeOwned + Clone {
    const TYPE: &'static str;
    fn subject(&self) -> Vec<(String, Digest)>;
}

impl Predicate for Review {
    const TYPE: &'static str = "urn:trocar:review:v1";

    fn subject(&self) -> Vec<(String, Digest)> {
        let mut subject = ran(self.manifest, self.component);
        subject.extend(self.models.iter().enumerate().map(|(i, m)| (format!("model-{i}"), *m)));
        subject
    }
}

impl Predicate for Decision {
    const TYPE: &'static str = "urn:trocar:output-decision:v1";

    fn subject(&self) -> Vec<(String, Digest)> {
        ran(self.manifest, self.component)
    }
}

fn ran(manifest: Digest, component: Digest) -> Vec<(String, Digest)> {
    vec![("manifest".to_owned(), manifest), ("component".to_owned(), component)]
}

fn statement<P: Predicate>(said: &P) -> Statement<P> {
    Statement::new(said.subject(), P::TYPE, said.clone())
}

fn sign<P: Predicate>(said: &P, key: &SecretKey) -> Result<Envelope, SignedError> {
    let payload = statement(said).bytes().map_err(|e| SignedError::Statement(e.to_string()))?;
    Ok(dsse::sign(statement::PAYLOAD_TYPE, &payload, key))
}

/// Of several trusted signatures the first counts: each of these statements is one person's.
fn verify<P: Predicate>(envelope: &Envelope, trusted: &[PublicKey]) -> Result<(P, PublicKey), SignedError> {
    let verified = dsse::verify(envelope, statement::PAYLOAD_TYPE, trusted)?;
    let signer = verified.signers.first().copied().ok_or(DsseError::Untrusted)?;
    let said: P = statement::predicate(&verified.payload, P::TYPE).map_err(SignedError::Statement)?;
    match statement(&said).bytes() {
        Ok(again) if again == verified.payload => Ok((said, signer)),
        Ok(_) | Err(_) => Err(SignedError::Statement("it is not in its canonical form".into())),
    }
}

impl Review {
    /// Signs it as an in-toto Statement v1 in a DSSE envelope.
    ///
    /// # Errors
    /// `SignedError::Statement` where it has no canonical form, which the types of its fields exclude.
    pub fn sign(&self, key: &SecretKey) -> Result<Envelope, SignedError> {
        sign(self, key)
    }
}

impl Decision {
    /// Signs it as an in-toto Statement v1 in a DSSE envelope.
    ///
    /// # Errors
    /// `SignedError::Statement` where it has no canonical form, which the types of its fields exclude.
    pub fn sign(&self, key: &SecretKey) -> Result<Envelope, SignedError> {
        sign(self, key)
    }
}

/// Reads a review that one of `reviewers` signed.
///
/// # Errors
/// `Signature` where none did, `Statement` where they signed something else.
pub fn verify_review(
    envelope: &Envelope,
    reviewers: &[PublicKey],
) -> Result<(Review, PublicKey), SignedError> {
    verify(envelope, reviewers)
}

/// Reads a decision that one of `checkers` signed.
///
/// # Errors
/// `Signature` where none did, `Statement` where they signed something else.
pub fn verify_decision(
    envelope: &Envelope,
    checkers: &[PublicKey],
) -> Result<(Decision, PublicKey), SignedError> {
    verify(envelope, checkers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    fn key(seed: u64) -> SecretKey {
        SecretKey::generate(&mut ChaCha20Rng::seed_from_u64(seed))
    }

    fn review() -> Review {
        let digest = Digest::of(b"x");
        Review {
            manifest: digest,
            component: digest,
            models: vec![digest],
            reviewed_at: Timestamp::from_seconds(7),
        }
    }

    fn decision(verdict: Verdict) -> Decision {
        let digest = Digest::of(b"x");
        Decision {
            job: JobId::from_bytes([1; 16]),
            dataset: DatasetId::from_bytes([2; 16]),
            manifest: digest,
            component: digest,
            verdict,
            reason: digest,
            decided_at: Timestamp::from_seconds(7),
        }
    }

    #[test]
    fn a_review_is_read_back_with_the_key_that_signed_it_and_under_no_other() {
        let envelope = review().sign(&key(1)).unwrap();
        assert_eq!(
            verify_review(&envelope, &[key(2).public(), key(1).public()]),
            Ok((review(), key(1).public()))
        );
        assert_eq!(
            verify_review(&envelope, &[key(2).public()]),
            Err(SignedError::Signature(DsseError::Untrusted))
        );
    }

    #[test]
    fn one_kind_of_statement_is_never_taken_for_another() {
        let trusted = [key(1).public()];
        let reviewed = review().sign(&key(1)).unwrap();
        let decided = decision(Verdict::Release).sign(&key(1)).unwrap();
        assert!(matches!(verify_decision(&reviewed, &trusted), Err(SignedError::Statement(_))));
        assert!(matches!(verify_review(&decided, &trusted), Err(SignedError::Statement(_))));
        assert!(crate::verify_approval(&decided, &trusted).is_err());
    }

    #[test]
    fn a_decision_to_withhold_cannot_be_made_one_to_release() {
        let withheld = decision(Verdict::Withhold).sign(&key(1)).unwrap();
        let released = decision(Verdict::Release).sign(&key(2)).unwrap();
        let mixed = Envelope { payload: released.payload, ..withheld };
        assert!(verify_decision(&mixed, &[key(1).public()]).is_err());
    }
}
