//! DSSE 1.0.2 envelopes, signed and verified.
//!
//! Stricter than the specification where it leaves a choice: a key id must be there and name the key exactly, base64 is
//! the standard alphabet with padding, unknown fields are refused. So an envelope has one spelling.

use crate::keys::{PublicKey, SecretKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// More signatures than any package or approval needs; the bound keeps hostile envelopes cheap.
const MAX_SIGNATURES: usize = 64;

/// A payload with its type and its signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The payload in base64.
    pub payload: String,
    /// What the payload is.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// One or more.
    pub signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// `PublicKey::keyid` of the signer.
    pub keyid: String,
    /// The signature in base64.
    pub sig: String,
}

/// What a verified envelope says and who says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The payload, decoded.
    pub payload: Vec<u8>,
    /// The trusted keys whose signature verifies: one or more, in the order they were given.
    pub signers: Vec<PublicKey>,
}

/// Why an envelope is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DsseError {
    /// Not the JSON of an envelope.
    #[error("not a DSSE envelope: {0}")]
    Json(String),
    /// The payload is of another type.
    #[error("the envelope holds {found:?}, not {expected:?}")]
    Type {
        /// What was asked for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The payload or a signature is not base64.
    #[error("the {0} of the envelope is not base64 in the standard alphabet with padding")]
    Base64(&'static str),
    /// None, or more than 64.
    #[error("an envelope has 1 to 64 signatures, this one has {0}")]
    Signatures(usize),
    /// A signature that names a trusted key does not verify.
    #[error("the signature of {0} does not verify: payload, type or signature were changed")]
    Invalid(PublicKey),
    /// No trusted key signed.
    #[error("none of the trusted keys signed this envelope")]
    Untrusted,
}

/// DSSE's pre-authentication encoding: what is signed.
///
/// `"DSSEv1" SP LEN(type) SP type SP LEN(payload) SP payload`, lengths in decimal bytes.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Puts `payload` into an envelope signed by `key`.
#[must_use]
pub fn sign(payload_type: &str, payload: &[u8], key: &SecretKey) -> Envelope {
    let sig = STANDARD.encode(key.sign(&pae(payload_type, payload)));
    Envelope {
        payload: STANDARD.encode(payload),
        payload_type: payload_type.to_owned(),
        signatures: vec![Signature { keyid: key.public().keyid(), sig }],
    }
}

/// Adds `key`'s signature over the same payload.
///
/// # Errors
/// `DsseError` where the envelope is of another type, damaged, or full.
pub fn countersign(envelope: &Envelope, payload_type: &str, key: &SecretKey) -> Result<Envelope, DsseError> {
    if envelope.signatures.len() >= MAX_SIGNATURES {
        return Err(DsseError::Signatures(envelope.signatures.len()));
    }
    let payload = envelope.unverified_payload(payload_type)?;
    let mut signed = envelope.clone();
    signed.signatures.extend(sign(payload_type, &payload, key).signatures);
    Ok(signed)
}

/// Takes the payload out if at least one `trusted` key signed it.
///
/// # Errors
/// `DsseError`; a signature that names a trusted key and does not verify is an error even beside a good one.
pub fn verify(envelope: &Envelope, payload_type: &str, trusted: &[PublicKey]) -> Result<Verified, DsseError> {
    let payload = envelope.unverified_payload(payload_type)?;
    if envelope.signatures.is_empty() || envelope.signatures.len() > MAX_SIGNATURES {
        return Err(DsseError::Signatures(envelope.signatures.len()));
    }
    let message = pae(payload_type, &payload);
    let mut signers = Vec::new();
    for key in trusted {
        if signed_by(envelope, key, &message)? && !signers.contains(key) {
            signers.push(*key);
        }
    }
    if signers.is_empty() { Err(DsseError::Untrusted) } else { Ok(Verified { payload, signers }) }
}

fn signed_by(envelope: &Envelope, key: &PublicKey, message: &[u8]) -> Result<bool, DsseError> {
    let keyid = key.keyid();
    let mut found = false;
    for signature in envelope.signatures.iter().filter(|s| s.keyid == keyid) {
        let sig = STANDARD.decode(&signature.sig).map_err(|_| DsseError::Base64("signature"))?;
        if !key.verifies(message, &sig) {
            return Err(DsseError::Invalid(*key));
        }
        found = true;
    }
    Ok(found)
}

impl Envelope {
    /// Reads an envelope's JSON.
    ///
    /// # Errors
    /// `DsseError::Json`.
    pub fn from_json(bytes: &[u8]) -> Result<Self, DsseError> {
        serde_json::from_slice(bytes).map_err(|e| DsseError::Json(e.to_string()))
    }

    /// Writes the envelope's one canonical JSON (RFC 8785).
    ///
    /// # Errors
    /// `DsseError::Json`, which strings do not give.
    pub fn to_json(&self) -> Result<Vec<u8>, DsseError> {
        crate::canonical::json(self).map_err(|e| DsseError::Json(e.to_string()))
    }

    /// The payload before any signature is checked: only to find out which key to check it with.
    ///
    /// # Errors
    /// `DsseError::Type` or `DsseError::Base64`.
    pub fn unverified_payload(&self, payload_type: &str) -> Result<Vec<u8>, DsseError> {
        if self.payload_type != payload_type {
            let found = self.payload_type.clone();
            return Err(DsseError::Type { expected: payload_type.to_owned(), found });
        }
        STANDARD.decode(&self.payload).map_err(|_| DsseError::Base64("payload"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    const TYPE: &str = "application/vnd.in-toto+json";

    fn key(seed: u64) -> SecretKey {
        SecretKey::generate(&mut ChaCha20Rng::seed_from_u64(seed))
    }

    #[test]
    fn the_encoding_is_the_one_of_the_specification() {
        let expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(pae("http://example.com/HelloWorld", b"hello world"), expected);
        assert_eq!(pae("\u{e9}", b""), "DSSEv1 2 \u{e9} 0 ".as_bytes(), "lengths are bytes");
    }

    #[test]
    fn what_a_trusted_key_signed_is_read_back() {
        let envelope = sign(TYPE, b"{}", &key(1));
        let read = Envelope::from_json(&envelope.to_json().unwrap()).unwrap();
        let verified = verify(&read, TYPE, &[key(2).public(), key(1).public()]).unwrap();
        assert_eq!(verified, Verified { payload: b"{}".to_vec(), signers: vec![key(1).public()] });
    }

    #[test]
    fn a_key_that_is_not_trusted_gives_nothing() {
        assert_eq!(verify(&sign(TYPE, b"{}", &key(1)), TYPE, &[key(2).public()]), Err(DsseError::Untrusted));
        assert_eq!(verify(&sign(TYPE, b"{}", &key(1)), TYPE, &[]), Err(DsseError::Untrusted));
    }

    #[test]
    fn a_key_id_that_does_not_name_the_signer_exactly_gives_nothing() {
        let mut envelope = sign(TYPE, b"{}", &key(1));
        envelope.signatures[0].keyid.make_ascii_uppercase();
        assert_eq!(verify(&envelope, TYPE, &[key(1).public()]), Err(DsseError::Untrusted));
    }

    #[test]
    fn a_changed_payload_type_or_signature_is_refused() {
        let good = sign(TYPE, b"{}", &key(1));
        let trusted = [key(1).public()];
        let payload = Envelope { payload: STANDARD.encode(b"[]"), ..good.clone() };
        assert_eq!(verify(&payload, TYPE, &trusted), Err(DsseError::Invalid(trusted[0])));
        assert!(matches!(verify(&good, "text/plain", &trusted), Err(DsseError::Type { .. })));
        let retyped = Envelope { payload_type: "text/plain".into(), ..good.clone() };
        assert_eq!(verify(&retyped, "text/plain", &trusted), Err(DsseError::Invalid(trusted[0])));
        let mut short = good.clone();
        short.signatures[0].sig = STANDARD.encode([0; 63]);
        assert_eq!(verify(&short, TYPE, &trusted), Err(DsseError::Invalid(trusted[0])));
        let none = Envelope { signatures: vec![], ..good };
        assert_eq!(verify(&none, TYPE, &trusted), Err(DsseError::Signatures(0)));
    }

    #[test]
    fn a_second_spelling_of_base64_or_json_is_refused() {
        let good = sign(TYPE, b"\xfb\xff", &key(1));
        let trusted = [key(1).public()];
        for payload in ["-_8=", "+/8", "+/9=", " +/8="] {
            let other = Envelope { payload: payload.into(), ..good.clone() };
            assert_eq!(verify(&other, TYPE, &trusted), Err(DsseError::Base64("payload")), "{payload:?}");
        }
        let json = String::from_utf8(good.to_json().unwrap()).unwrap();
        let extra = json.replacen('{', "{\"extra\":1,", 1);
        assert!(Envelope::from_json(extra.as_bytes()).is_err(), "an unknown field was accepted");
    }
}
