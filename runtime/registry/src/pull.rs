//! Registry -> package. Nothing of what comes is believed before the package made of it has the digest that the artefact states and
//! its author's signature holds.

use crate::client::Registry;
use crate::config::WasmConfig;
use crate::error::RegistryError;
use crate::layout::{
    COMPONENT_FILE, Descriptor, EMPTY, Index, MANIFEST, MANIFEST_FILE, MODEL, MODELS, Manifest, PACKAGE,
    SIGNATURE, SIGNATURE_FILE, TOML, WASM, WASM_CONFIG,
};
use crate::reference::{Place, Reference};
use std::collections::BTreeMap;
use trocar_manifest::{Package, archive};
use trocar_terms::Digest;

/// A manifest's text, a signature, a configuration: more than any needs.
const MOST_TEXT: u64 = 1 << 20;
/// A package of more files than this is not pulled.
const MOST_FILES: usize = 256;

/// A package that was pulled and verified.
#[derive(Debug)]
pub struct Pulled {
    /// The package file, byte for byte as it was pushed.
    pub bytes: Vec<u8>,
    /// The same, opened: digests and the author's signature hold.
    pub package: Package,
    /// The artefact's digest: a reference by it is this package for ever.
    pub artefact: Digest,
    /// The digest of its one layer: the component's, which approvals name.
    pub layer: Digest,
}

/// Fetches the package of an artefact.
///
/// # Errors
/// `RegistryError`; `is_unverified` where what came is not what it should be.
pub async fn pull(registry: &mut Registry, reference: &Reference) -> Result<Pulled, RegistryError> {
    let (bytes, artefact) = artefact(registry, &reference.place).await?;
    let manifest = Manifest::parse(&bytes)?;
    let whole = Descriptor::whole(&manifest.annotations);
    let whole = whole.ok_or(RegistryError::Layout("it states no package"))?;
    let layer = only_layer(&manifest)?;
    let index = registry.referrers(artefact).await?;
    let index = index.as_deref().map_or_else(|| Ok(Index::empty()), Index::parse)?;
    let subject = Descriptor { digest: artefact, ..Descriptor::of(MANIFEST, &bytes) };
    let mut parts = Parts { registry, left: archive::MAX_BYTES as u64, files: BTreeMap::new() };
    let signature = parts.referrer(&index, (SIGNATURE, whole), &subject).await?;
    let rest = parts.referrer(&index, (PACKAGE, whole), &subject).await?;
    parts.signature(&signature).await?;
    parts.rest(&rest).await?;
    parts.component(&manifest, &layer).await?;
    let files = parts.files;
    assembled(&files, whole, artefact, layer.digest)
}

/// The manifest, resolved once: from here on everything is asked for by digest.
async fn artefact(registry: &mut Registry, place: &Place) -> Result<(Vec<u8>, Digest), RegistryError> {
    let bytes = registry.manifest(&place.to_string(), MANIFEST).await?;
    let bytes = bytes.ok_or(RegistryError::NotFound)?;
    let digest = Digest::of(&bytes);
    match place {
        Place::Digest(asked) if *asked != digest => Err(RegistryError::Digest("a manifest")),
        Place::Digest(_) | Place::Tag(_) => Ok((bytes, digest)),
    }
}

/// The CNCF layout has one layer, and it is a component.
fn only_layer(manifest: &Manifest) -> Result<Descriptor, RegistryError> {
    if manifest.config.media_type != WASM_CONFIG {
        return Err(RegistryError::Layout("its configuration is not that of a Wasm artefact"));
    }
    match manifest.layers.as_slice() {
        [layer] if layer.media_type == WASM => Ok(layer.clone()),
        _ => Err(RegistryError::Layout("it has not one layer application/wasm")),
    }
}

fn assembled(
    files: &BTreeMap<String, Vec<u8>>,
    whole: Digest,
    artefact: Digest,
    layer: Digest,
) -> Result<Pulled, RegistryError> {
    let bytes =
        archive::write(files).map_err(|e| RegistryError::Package(trocar_manifest::PackageError::from(e)))?;
    if Digest::of(&bytes) != whole {
        return Err(RegistryError::OtherPackage);
    }
    let package = Package::open(&bytes)?;
    if package.component_digest() != layer {
        return Err(RegistryError::OtherPackage);
    }
    Ok(Pulled { bytes, package, artefact, layer })
}

/// The files of the package as they come, within what a package may have in all.
struct Parts<'a> {
    registry: &'a mut Registry,
    left: u64,
    files: BTreeMap<String, Vec<u8>>,
}

impl Parts<'_> {
    /// The one manifest of this kind that refers to the artefact and says that it belongs to this package. Others, such as another
    /// tool's signatures, are left alone.
    async fn referrer(
        &mut self,
        index: &Index,
        (kind, whole): (&'static str, Digest),
        subject: &Descriptor,
    ) -> Result<Manifest, RegistryError> {
        let of_kind = |d: &Descriptor| d.media_type == MANIFEST && d.artifact_type.as_deref() == Some(kind);
        let ours = |d: &Descriptor| of_kind(d) && Descriptor::whole(&d.annotations) == Some(whole);
        let mut found = index.descriptors().filter(ours);
        // A list may name one manifest twice; two manifests are an ambiguity, and nobody resolves it by guessing.
        let first = found.next();
        let second = found.find(|d| Some(d.digest) != first.as_ref().map(|one| one.digest));
        let descriptor = match (first, second) {
            (Some(one), None) => one,
            (None, _) => return Err(RegistryError::Referrers(missing(kind))),
            (Some(_), Some(_)) => return Err(RegistryError::Referrers("several packages or signatures")),
        };
        let what = "a manifest";
        let bytes = self.registry.manifest(&descriptor.digest.to_string(), MANIFEST).await?;
        let bytes = bytes.ok_or_else(|| RegistryError::Referrers(missing(kind)))?;
        if Digest::of(&bytes) != descriptor.digest || bytes.len() as u64 != descriptor.size {
            return Err(RegistryError::Digest(what));
        }
        let manifest = Manifest::parse(&bytes)?;
        let refers = manifest.subject.as_ref().is_some_and(|s| {
            (s.digest, s.size, s.media_type.as_str()) == (subject.digest, subject.size, MANIFEST)
        });
        let is_kind = manifest.artifact_type.as_deref() == Some(kind) && manifest.config.media_type == EMPTY;
        if refers && is_kind { Ok(manifest) } else { Err(RegistryError::OtherPackage) }
    }

    async fn signature(&mut self, manifest: &Manifest) -> Result<(), RegistryError> {
        match manifest.layers.as_slice() {
            [layer] if layer.media_type == SIGNATURE && layer.title() == Some(SIGNATURE_FILE) => {
                self.text(layer, SIGNATURE_FILE, "the author's signature").await
            }
            _ => Err(RegistryError::Layout("its signature is not one file")),
        }
    }

    /// manifest.toml and the models.
    async fn rest(&mut self, manifest: &Manifest) -> Result<(), RegistryError> {
        if manifest.layers.len() > MOST_FILES {
            return Err(RegistryError::TooLarge("its list of files"));
        }
        for layer in &manifest.layers {
            let title = layer.title().unwrap_or_default();
            match layer.media_type.as_str() {
                TOML if title == MANIFEST_FILE => self.text(layer, title, "its manifest.toml").await?,
                MODEL if title.starts_with(MODELS) => self.fetch(layer, title, "a model").await?,
                _ => return Err(RegistryError::Layout("it holds a file that no package has")),
            }
        }
        Ok(())
    }

    async fn component(&mut self, manifest: &Manifest, layer: &Descriptor) -> Result<(), RegistryError> {
        let what = "its configuration";
        if manifest.config.size > MOST_TEXT {
            return Err(RegistryError::TooLarge(what));
        }
        let config = self.registry.blob(&manifest.config, what).await?;
        WasmConfig::check(&config, layer.digest)?;
        self.fetch(layer, COMPONENT_FILE, "the component").await
    }

    async fn text(&mut self, blob: &Descriptor, file: &str, what: &'static str) -> Result<(), RegistryError> {
        if blob.size > MOST_TEXT {
            return Err(RegistryError::TooLarge(what));
        }
        self.fetch(blob, file, what).await
    }

    /// One file, if all of them together are no larger than a package may be. Its name is checked before anything is asked for.
    async fn fetch(
        &mut self,
        blob: &Descriptor,
        file: &str,
        what: &'static str,
    ) -> Result<(), RegistryError> {
        let named = BTreeMap::from([(file.to_owned(), Vec::new())]);
        if archive::write(&named).is_err() || self.files.contains_key(file) {
            return Err(RegistryError::Layout("it holds a file that no package has"));
        }
        self.left = self.left.checked_sub(blob.size).ok_or(RegistryError::TooLarge(what))?;
        let bytes = self.registry.blob(blob, what).await?;
        self.files.insert(file.to_owned(), bytes);
        Ok(())
    }
}

fn missing(kind: &str) -> &'static str {
    if kind == SIGNATURE { "no signature" } else { "no manifest.toml" }
}
