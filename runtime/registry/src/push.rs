//! Package -> registry. The tag is given last: whoever finds it finds the whole package.

use crate::client::{Registry, fallback};
use crate::config::WasmConfig;
use crate::error::RegistryError;
use crate::layout::{
    Descriptor, EMPTY_JSON, INDEX, Index, MANIFEST, MANIFEST_FILE, MODEL, MODELS, Manifest, PACKAGE,
    SIGNATURE, SIGNATURE_FILE, TOML, WASM_CONFIG,
};
use crate::reference::{Place, Reference};
use trocar_manifest::{Package, PackageError};
use trocar_terms::Digest;

/// What was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// The artefact's digest: a reference by it is this package for ever.
    pub artefact: Digest,
    /// The digest of its one layer: the component's, which approvals name.
    pub layer: Digest,
    /// The digest of the package file.
    pub package: Digest,
    /// How the registry lists manifest and signature.
    pub referrers: Referrers,
}

/// How a registry lists what refers to an artefact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Referrers {
    /// It keeps the list itself (distribution specification 1.1).
    Api,
    /// We keep it, under a tag (the specification's referrers tag schema, for older registries).
    Tag,
}

impl Referrers {
    /// In one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Tag => "tag",
        }
    }
}

/// Pushes a package that verifies to a tag. Pushed again it changes nothing: the same package makes the same artefact.
///
/// # Errors
/// The package is damaged or its signature does not hold, the tag names another artefact and `replace` is false, or the registry
/// refuses.
pub async fn push(
    registry: &mut Registry,
    reference: &Reference,
    bytes: &[u8],
    replace: bool,
) -> Result<Pushed, RegistryError> {
    let Place::Tag(tag) = &reference.place else { return Err(RegistryError::PushToDigest) };
    let package = Package::open(bytes)?;
    let config = WasmConfig::of(&package.component, package.author.to_string())?.bytes()?;
    let whole = package.digest();
    let artefact = Manifest::artefact(Descriptor::of(WASM_CONFIG, &config), &package.component, whole);
    let artefact = artefact.bytes()?;
    let digest = Digest::of(&artefact);
    free(registry, tag, digest, replace).await?;
    registry.put_blob(&package.component, "the component").await?;
    registry.put_blob(&config, "its configuration").await?;
    registry.put_manifest(&digest.to_string(), MANIFEST, &artefact, None).await?;
    let subject = Descriptor::of(MANIFEST, &artefact);
    let referrers = refer(registry, &package, &subject).await?;
    registry.put_manifest(tag, MANIFEST, &artefact, None).await?;
    Ok(Pushed { artefact: digest, layer: package.component_digest(), package: whole, referrers })
}

/// A tag that means another artefact tomorrow misleads whoever wrote it down.
async fn free(registry: &mut Registry, tag: &str, own: Digest, replace: bool) -> Result<(), RegistryError> {
    if replace {
        return Ok(());
    }
    let there = match registry.manifest(tag, MANIFEST).await {
        // An image of another kind.
        Err(RegistryError::Layout(_)) => return Err(RegistryError::TagTaken),
        other => other?,
    };
    if there.is_none_or(|bytes| Digest::of(&bytes) == own) { Ok(()) } else { Err(RegistryError::TagTaken) }
}

/// Pushes manifest.toml with the models, and the signature.
async fn refer(
    registry: &mut Registry,
    package: &Package,
    subject: &Descriptor,
) -> Result<Referrers, RegistryError> {
    registry.put_blob(EMPTY_JSON, "its configuration").await?;
    let mut files = vec![(TOML, MANIFEST_FILE.to_owned(), package.manifest_text.as_bytes())];
    files.extend(
        package.models.iter().map(|(name, bytes)| (MODEL, format!("{MODELS}{name}"), bytes.as_slice())),
    );
    let signature = package.signature.to_json().map_err(PackageError::from)?;
    let signed = [(SIGNATURE, SIGNATURE_FILE.to_owned(), signature.as_slice())];
    let whole = package.digest();
    let mut list = Vec::new();
    let mut listed = true;
    for (kind, files) in [(PACKAGE, files.as_slice()), (SIGNATURE, &signed)] {
        let (descriptor, known) = referrer(registry, (kind, whole), files, subject).await?;
        listed &= known;
        list.push(descriptor);
    }
    if listed {
        return Ok(Referrers::Api);
    }
    keep_list(registry, subject.digest, &list).await.map(|()| Referrers::Tag)
}

/// One referrer; its descriptor as a list shows it, and whether the registry lists it.
async fn referrer(
    registry: &mut Registry,
    (kind, whole): (&'static str, Digest),
    files: &[(&'static str, String, &[u8])],
    subject: &Descriptor,
) -> Result<(Descriptor, bool), RegistryError> {
    let mut layers = Vec::new();
    for (media_type, title, bytes) in files {
        registry.put_blob(bytes, "a file of the package").await?;
        layers.push(Descriptor::titled(media_type, title, bytes));
    }
    let manifest = Manifest::referrer(kind, layers, subject.clone(), whole);
    let bytes = manifest.bytes()?;
    let descriptor = Descriptor {
        artifact_type: Some(kind.to_owned()),
        annotations: manifest.annotations,
        ..Descriptor::of(MANIFEST, &bytes)
    };
    let place = descriptor.digest.to_string();
    let known = registry.put_manifest(&place, MANIFEST, &bytes, Some(subject.digest)).await?;
    Ok((descriptor, known))
}

/// The list under its tag. What others have put into it stays.
async fn keep_list(
    registry: &mut Registry,
    subject: Digest,
    list: &[Descriptor],
) -> Result<(), RegistryError> {
    let tag = fallback(subject);
    let there = registry.manifest(&tag, INDEX).await?;
    let mut index = there.as_deref().map_or_else(|| Ok(Index::empty()), Index::parse)?;
    list.iter().try_for_each(|descriptor| index.add(descriptor))?;
    let bytes = index.bytes()?;
    if there.as_deref() != Some(&bytes) {
        registry.put_manifest(&tag, INDEX, &bytes, None).await?;
    }
    Ok(())
}
