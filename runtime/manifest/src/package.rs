use crate::archive::{self, ArchiveError};
use crate::dsse::{self, DsseError, Envelope};
use crate::keys::{PublicKey, SecretKey};
use crate::statement::{self, Statement};
use crate::{Manifest, ManifestError, with_component};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trocar_terms::Digest;

const PREDICATE: &str = "urn:trocar:package:v1";
const MANIFEST: &str = "manifest.toml";
const COMPONENT: &str = "algorithm.wasm";
const SIGNATURES: &str = "signatures.dsse.json";
const MODELS: &str = "models/";
const ENDING: &str = ".onnx";

/// A verified package: its author signed exactly these bytes. Only [`Package::open`] makes one.
///
/// The file is a canonical zip of `manifest.toml`, `algorithm.wasm`, `models/` and `signatures.dsse.json`; the author's
/// public key stands in the signed statement.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Package {
    /// `manifest.toml` as it stands in the package.
    pub manifest_text: String,
    /// The same, parsed.
    pub manifest: Manifest,
    /// `algorithm.wasm`, whose digest the manifest names.
    pub component: Vec<u8>,
    /// The models by name.
    pub models: BTreeMap<String, Vec<u8>>,
    /// Who signed. Whether that is someone to trust is the policy's question.
    pub author: PublicKey,
    /// The author's signature, for the bundle.
    pub signature: Envelope,
    digest: Digest,
}

/// Why bytes are not a package, or cannot become one. Display says what its source does not.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// Not a canonical archive.
    #[error("{}", if *.0 == ArchiveError::NotZip { "this is not a Trocar package" } else { "the package is damaged" })]
    Archive(#[from] ArchiveError),
    /// Its manifest is wrong.
    #[error("the manifest of the package is refused")]
    Manifest(#[from] ManifestError),
    /// A file is missing or not expected.
    #[error("the package {0}")]
    Files(String),
    /// The component or a model is not the one that the manifest names.
    #[error("{file} has digest {found}, the manifest names {expected}")]
    Digest {
        /// Which file.
        file: String,
        /// Its digest.
        found: Digest,
        /// What the manifest says.
        expected: String,
    },
    /// The author's signature does not verify.
    #[error("the package is not as its author signed it")]
    Signature(#[from] DsseError),
    /// What the author signed is not this package.
    #[error("what the author signed is not this package: {0}")]
    Statement(String),
}

/// What the author signs beside the digests of the files.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    author: PublicKey,
    manifest: Digest,
    component: Digest,
    models: Vec<Digest>,
}

impl Package {
    /// Writes the digest of `component` into the manifest and signs both.
    ///
    /// # Errors
    /// `Manifest`, or `Files` and `Digest` where `models` are not those of the manifest.
    pub fn pack(
        manifest_toml: &str,
        component: &[u8],
        models: &BTreeMap<String, Vec<u8>>,
        key: &SecretKey,
    ) -> Result<Vec<u8>, PackageError> {
        let text = with_component(MANIFEST, manifest_toml, Digest::of(component))?;
        let manifest = Manifest::parse(MANIFEST, &text)?;
        check_models(&manifest, models)?;
        let payload = signed(&manifest, &text, component, key.public())?;
        let envelope = dsse::sign(statement::PAYLOAD_TYPE, &payload, key);
        let mut files = BTreeMap::from([
            (MANIFEST.to_owned(), text.into_bytes()),
            (COMPONENT.to_owned(), component.to_vec()),
            (SIGNATURES.to_owned(), envelope.to_json()?),
        ]);
        files.extend(models.iter().map(|(name, bytes)| (model_path(name), bytes.clone())));
        Ok(archive::write(&files)?)
    }

    /// Reads a package and verifies all of it: archive, manifest, digests, signature.
    ///
    /// # Errors
    /// `PackageError` names what is off, and where.
    pub fn open(bytes: &[u8]) -> Result<Self, PackageError> {
        let mut files = archive::read(bytes)?;
        let manifest_text = String::from_utf8(take(&mut files, MANIFEST)?)
            .map_err(|_| PackageError::Files(format!("has a {MANIFEST} that is not UTF-8")))?;
        let manifest = Manifest::parse(MANIFEST, &manifest_text)?;
        let component = take(&mut files, COMPONENT)?;
        check_digest(COMPONENT, &component, manifest.component)?;
        let signatures = take(&mut files, SIGNATURES)?;
        let models = models(files)?;
        check_models(&manifest, &models)?;
        let (author, signature) = verify(&signatures, &manifest, &manifest_text, &component)?;
        let digest = Digest::of(bytes);
        Ok(Self { manifest_text, manifest, component, models, author, signature, digest })
    }

    /// Digest of the file.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Digest of the component.
    #[must_use]
    pub fn component_digest(&self) -> Digest {
        Digest::of(&self.component)
    }
}

fn take(files: &mut BTreeMap<String, Vec<u8>>, name: &str) -> Result<Vec<u8>, PackageError> {
    files.remove(name).ok_or_else(|| PackageError::Files(format!("has no {name}")))
}

/// Where a model stands in a package, and in the statement that its author signs.
#[must_use]
pub fn model_path(name: &str) -> String {
    format!("{MODELS}{name}{ENDING}")
}

/// What is left of the files must be models.
fn models(files: BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, Vec<u8>>, PackageError> {
    let named = |(name, bytes): (String, Vec<u8>)| match name
        .strip_prefix(MODELS)
        .and_then(|n| n.strip_suffix(ENDING))
    {
        Some(model) => Ok((model.to_owned(), bytes)),
        None => Err(PackageError::Files(format!("holds {name}, which no package has"))),
    };
    files.into_iter().map(named).collect()
}

fn check_models(manifest: &Manifest, models: &BTreeMap<String, Vec<u8>>) -> Result<(), PackageError> {
    let named = |name: &str| manifest.models.iter().any(|m| m.name.as_str() == name);
    if let Some(name) = models.keys().find(|name| !named(name)) {
        return Err(PackageError::Files(format!("holds the model {name}, which its manifest does not name")));
    }
    for model in &manifest.models {
        let name = model.name.as_str();
        let bytes = models.get(name).ok_or_else(|| PackageError::Files(format!("lacks the model {name}")))?;
        check_digest(&model_path(name), bytes, Some(model.digest))?;
    }
    Ok(())
}

fn check_digest(file: &str, bytes: &[u8], expected: Option<Digest>) -> Result<(), PackageError> {
    let found = Digest::of(bytes);
    if expected == Some(found) {
        return Ok(());
    }
    let expected = expected.map_or_else(|| "none".to_owned(), |d| d.to_string());
    Err(PackageError::Digest { file: file.to_owned(), found, expected })
}

/// The bytes that the author signs: the digests of the files, and of the manifest's canonical form.
fn signed(
    manifest: &Manifest,
    text: &str,
    component: &[u8],
    author: PublicKey,
) -> Result<Vec<u8>, PackageError> {
    let component = Digest::of(component);
    let models: Vec<Digest> = manifest.models.iter().map(|m| m.digest).collect();
    let mut subject =
        vec![(MANIFEST.to_owned(), Digest::of(text.as_bytes())), (COMPONENT.to_owned(), component)];
    subject.extend(manifest.models.iter().map(|m| (model_path(m.name.as_str()), m.digest)));
    let predicate = Predicate { author, manifest: manifest.digest(), component, models };
    let statement = Statement::new(subject, PREDICATE, predicate);
    statement.bytes().map_err(|e| PackageError::Statement(e.to_string()))
}

/// The author named in the statement must have signed it, and it must be the statement over these very files.
fn verify(
    signatures: &[u8],
    manifest: &Manifest,
    text: &str,
    component: &[u8],
) -> Result<(PublicKey, Envelope), PackageError> {
    let envelope = Envelope::from_json(signatures)?;
    let payload = envelope.unverified_payload(statement::PAYLOAD_TYPE)?;
    let predicate: Predicate = statement::predicate(&payload, PREDICATE).map_err(PackageError::Statement)?;
    let author = predicate.author;
    dsse::verify(&envelope, statement::PAYLOAD_TYPE, &[author])?;
    if payload != signed(manifest, text, component, author)? {
        return Err(PackageError::Statement("the digests in the statement are others".into()));
    }
    if envelope.signatures.len() != 1 || envelope.to_json()? != signatures {
        return Err(PackageError::Files(format!("has a {SIGNATURES} that is not in its canonical form")));
    }
    Ok((author, envelope))
}
