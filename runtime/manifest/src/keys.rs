//! Ed25519 keys of authors, operators and nodes, in the PEM forms that OpenSSL reads and writes.

use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes,
    PublicKeyBytes, spki::der::pem::LineEnding,
};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The text is not a key of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not `ed25519:` and 64 lower-case hex digits of a point of full order.
    #[error("a public key is written ed25519: followed by the 64 lower-case hex digits of a valid key")]
    Text,
    /// Not the PEM of an Ed25519 public key.
    #[error("not a PEM file of an Ed25519 public key (it begins with -----BEGIN PUBLIC KEY-----)")]
    PublicPem,
    /// Not the PEM of an Ed25519 secret key.
    #[error("not a PEM file of an Ed25519 secret key (it begins with -----BEGIN PRIVATE KEY-----)")]
    SecretPem,
}

/// A signing key. `Debug` shows its public half alone; the memory is cleared when it goes.
///
/// Absent on purpose: `Clone`, `Display` and `Serialize`.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// Draws a new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(SigningKey::generate(rng))
    }

    /// The key that others may know.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Reads a PKCS#8 PEM.
    ///
    /// # Errors
    /// `KeyError::SecretPem`.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(pem).map(Self).map_err(|_| KeyError::SecretPem)
    }

    /// Writes a PKCS#8 PEM, cleared from memory when it goes.
    ///
    /// # Errors
    /// `KeyError::SecretPem`, which no key that exists gives.
    pub fn to_pem(&self) -> Result<zeroize::Zeroizing<String>, KeyError> {
        // Version 1, without the public half: OpenSSL before 3.0 does not read version 2.
        let bytes = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        bytes.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::SecretPem)
    }

    /// The 64 bytes of the signature over `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}

/// A verifying key, written `ed25519:<64 hex digits>`. Every constructor checks that it is a point of full order: a key
/// of small order verifies signatures that nobody made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The DSSE key id: hex SHA-256 of the SPKI DER, as securesystemslib and others compute it.
    #[must_use]
    pub fn keyid(&self) -> String {
        trocar_terms::Digest::of(&self.spki_der()).hex()
    }

    /// The 32 bytes of RFC 8032.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 32] {
        self.0
    }

    /// Takes the 32 bytes of RFC 8032; `None` where they are no point of full order.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak()).map(|key| Self(key.to_bytes()))
    }

    /// SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn spki_der(&self) -> Vec<u8> {
        // RFC 8410 section 10.1: every Ed25519 SPKI is these twelve bytes and the key.
        let prefix = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        [prefix, self.0.as_slice()].concat()
    }

    /// Reads an SPKI PEM.
    ///
    /// # Errors
    /// `KeyError::PublicPem`.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_public_key_pem(pem).map_err(|_| KeyError::PublicPem)?;
        if key.is_weak() { Err(KeyError::PublicPem) } else { Ok(Self(key.to_bytes())) }
    }

    /// Writes an SPKI PEM.
    ///
    /// # Errors
    /// `KeyError::PublicPem`, which no key that exists gives.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        PublicKeyBytes(self.0).to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::PublicPem)
    }

    /// Whether `signature` is this key's over `message`; the strict rule, so that no second signature fits.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let (Ok(bytes), Ok(key)) = (<[u8; 64]>::try_from(signature), VerifyingKey::from_bytes(&self.0))
        else {
            return false;
        };
        key.verify_strict(message, &Signature::from_bytes(&bytes)).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digits = text.strip_prefix("ed25519:").ok_or(KeyError::Text)?;
        if digits.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(KeyError::Text);
        }
        let bytes: Vec<u8> = hex::decode(digits).map_err(|_| KeyError::Text)?;
        let key = VerifyingKey::try_from(bytes.as_slice()).map_err(|_| KeyError::Text)?;
        if key.is_weak() { Err(KeyError::Text) } else { Ok(Self(key.to_bytes())) }
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    fn key(seed: u64) -> SecretKey {
        SecretKey::generate(&mut ChaCha20Rng::seed_from_u64(seed))
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        let secret = key(1);
        let public = secret.public();
        assert_eq!(SecretKey::from_pem(&secret.to_pem().unwrap()).unwrap().public(), public);
        assert_eq!(PublicKey::from_pem(&public.to_pem().unwrap()), Ok(public));
        assert_eq!(public.to_string().parse(), Ok(public));
    }

    #[test]
    fn a_secret_key_does_not_show_itself() {
        let secret = key(2);
        let shown = format!("{secret:?}");
        assert!(!shown.contains(&hex::encode(secret.0.to_bytes())), "the secret half is in {shown}");
    }

    #[test]
    fn the_first_vector_of_rfc_8032_verifies() {
        let public: PublicKey =
            "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".parse().unwrap();
        let signature = hex::decode(concat!(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac",
            "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ))
        .unwrap();
        assert!(public.verifies(b"", &signature));
        assert!(!public.verifies(b"x", &signature) && !public.verifies(b"", &signature[1..]));
    }

    #[test]
    fn other_spellings_of_a_key_and_keys_of_small_order_are_refused() {
        let upper = key(3).public().to_string().replace(['a', 'b'], "A");
        let weak = format!("ed25519:01{}", "00".repeat(31));
        for bad in ["", "ed25519:", "ed25519:00", &upper, &weak, "rsa:00"] {
            assert_eq!(bad.parse::<PublicKey>(), Err(KeyError::Text), "{bad:?} was read as a key");
        }
        assert_eq!(PublicKey::from_pem("no pem"), Err(KeyError::PublicPem));
        assert!(SecretKey::from_pem(&key(3).public().to_pem().unwrap()).is_err());
    }
}
