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
    /// Under which permit to use the data, and for whom, where the operator names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permit: Option<Permit>,
    /// In the operator's words.
    pub conditions: Vec<String>,
    /// When it was given.
    pub approved_at: Timestamp,
    /// From when on it allows nothing.
    pub expires: Timestamp,
}

/// What the data are used under (Five Safes: safe project, safe people). Each text is one line of at most 200 letters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// The permit's number or address at the body that gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// That body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_by: Option<String>,
    /// Who may ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// For which organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
}

impl Permit {
    /// Whether each text is a line that may be shown.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let plain = |text: &String| {
            let length = text.chars().count();
            (1..=MOST_LETTERS).contains(&length) && !text.chars().any(char::is_control) && text.trim() == text
        };
        [&self.id, &self.issued_by, &self.person, &self.organisation].into_iter().flatten().all(plain)
    }

    /// Nothing where nothing is named.
    #[must_use]
    pub fn named(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

const MOST_LETTERS: usize = 200;

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
    if approval.permit.as_ref().is_some_and(|permit| !permit.is_plain()) {
        return Err(ApprovalError::Statement(
            "a text of its permit is empty, too long or of several lines".into(),
        ));
    }
    // Subjects repeat the predicate for tools that know in-toto alone; the two must say the same.
    match approval.statement().bytes() {
        Ok(again) if again == verified.payload => Ok((approval, verified.signers)),
        Ok(_) | Err(_) => Err(ApprovalError::Statement("it is not in its canonical form".into())),
    }
}
