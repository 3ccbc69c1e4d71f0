use crate::dsse::{self, DsseError, Envelope};
use crate::keys::{PublicKey, SecretKey};
use crate::statement::{self, Statement};
use serde::{Deserialize, Serialize};
use trocar_terms::{Class, DatasetId, Decimal, Digest, Timestamp};

const PREDICATE: &str = "urn:trocar:approval:v1";

/// What a node operator allows: exactly this, for this dataset, this often, until then. Nothing runs outside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The dataset, by its random id.
    pub dataset: DatasetId,
    /// `Manifest::digest`.
    pub manifest: Digest,
    /// Digest of the component.
    pub component: Digest,
    /// Digests of the models, in the manifest's order.
    pub models: Vec<Digest>,
    /// The assurance class.
    pub class: Class,
    /// Digest of the policy under which it was given.
    pub policy: Digest,
    /// `any`, or the key of the one researcher or project that may run it.
    pub project: String,
    /// How many jobs.
    pub runs: u32,
    /// The largest rho of one job.
    pub rho_max: Decimal,
    /// In the operator's words.
    pub conditions: Vec<String>,
    /// When it was given.
    pub approved_at: Timestamp,
    /// From when on it allows nothing.
    pub expires: Timestamp,
}

/// Why an approval is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// The envelope does not verify.
    #[error("the approval is not as its operator signed it")]
    Signature(#[from] DsseError),
    /// What was signed is no approval.
    #[error("what was signed is not an approval: {0}")]
    Statement(String),
}

impl Approval {
    /// Signs it as an in-toto Statement v1 in a DSSE envelope.
    ///
    /// # Errors
    /// `ApprovalError::Statement` where it has no canonical form, which the types of its fields exclude.
    pub fn sign(&self, key: &SecretKey) -> Result<Envelope, ApprovalError> {
        let payload = self.statement().bytes().map_err(|e| ApprovalError::Statement(e.to_string()))?;
        Ok(dsse::sign(statement::PAYLOAD_TYPE, &payload, key))
    }

    fn statement(&self) -> Statement<Self> {
        let mut subject =
            vec![("manifest".to_owned(), self.manifest), ("component".to_owned(), self.component)];
        subject.extend(self.models.iter().enumerate().map(|(i, m)| (format!("model-{i}"), *m)));
        Statement::new(subject, PREDICATE, self.clone())
    }
}

/// Adds another operator's signature to an approval, word for word the same.
///
/// # Errors
/// `Statement` where the envelope holds something else, or `key` has signed it already.
pub fn countersign_approval(envelope: &Envelope, key: &SecretKey) -> Result<Envelope, ApprovalError> {
    let signed = dsse::countersign(envelope, statement::PAYLOAD_TYPE, key)?;
    let (_, signers) = verify_approval(&signed, &[key.public()])?;
    let twice = signers.len() != 1 || envelope.signatures.iter().any(|s| s.keyid == key.public().keyid());
    if twice { Err(ApprovalError::Statement("this key has signed it already".into())) } else { Ok(signed) }
}

/// Reads an approval that at least one of `operators` signed; all of them who did, each once, in their order.
///
/// # Errors
/// `Signature` where none did, `Statement` where they signed something else.
pub fn verify_approval(
    envelope: &Envelope,
    operators: &[PublicKey],
) -> Result<(Approval, Vec<PublicKey>), ApprovalError> {
    let verified = dsse::verify(envelope, statement::PAYLOAD_TYPE, operators)?;
    let approval: Approval =
        statement::predicate(&verified.payload, PREDICATE).map_err(ApprovalError::Statement)?;
    // Subjects repeat the predicate for tools that know in-toto alone; the two must say the same.
    match approval.statement().bytes() {
        Ok(again) if again == verified.payload => Ok((approval, verified.signers)),
        Ok(_) | Err(_) => Err(ApprovalError::Statement("it is not in its canonical form".into())),
    }
}
