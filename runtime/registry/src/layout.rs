//! The manifests of the OCI image specification 1.1, as far as a package needs them.

use crate::error::RegistryError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trocar_terms::Digest;

/// An image manifest, which every artefact is.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// A list of manifests.
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The configuration of the CNCF Wasm OCI layout, version 0.
pub(crate) const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// Its one layer.
pub(crate) const WASM: &str = "application/wasm";
/// Image specification 1.1, guidance for an empty descriptor: two bytes, `{}`.
pub(crate) const EMPTY: &str = "application/vnd.oci.empty.v1+json";
pub(crate) const EMPTY_JSON: &[u8] = b"{}";
/// The referrer with manifest.toml and models, and the types of its layers.
pub(crate) const PACKAGE: &str = "application/vnd.trocar.package.v1";
pub(crate) const TOML: &str = "application/toml";
pub(crate) const MODEL: &str = "application/octet-stream";
/// The referrer with the author's signature, and its layer (DSSE 1.0, protocol.md: the media type of an envelope).
pub(crate) const SIGNATURE: &str = "application/vnd.dsse.envelope.v1+json";
/// A file's name in the package.
pub(crate) const TITLE: &str = "org.opencontainers.image.title";
/// The SHA-256 of the package file, on the artefact and on its referrers.
pub(crate) const WHOLE: &str = "trocar.package";

/// Names of the package's files.
pub(crate) const MANIFEST_FILE: &str = "manifest.toml";
pub(crate) const COMPONENT_FILE: &str = "algorithm.wasm";
pub(crate) const SIGNATURE_FILE: &str = "signatures.dsse.json";
pub(crate) const MODELS: &str = "models/";

/// What every registry must take (distribution specification, pushing manifests): none of ours comes near it.
pub(crate) const MOST_MANIFEST: u64 = 4 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Descriptor {
    pub(crate) fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }

    /// With the name of a package's file.
    pub(crate) fn titled(media_type: &str, title: &str, bytes: &[u8]) -> Self {
        let annotations = BTreeMap::from([(TITLE.to_owned(), title.to_owned())]);
        Self { annotations, ..Self::of(media_type, bytes) }
    }

    pub(crate) fn title(&self) -> Option<&str> {
        self.annotations.get(TITLE).map(String::as_str)
    }

    /// The package that a manifest says it belongs to.
    pub(crate) fn whole(annotations: &BTreeMap<String, String>) -> Option<Digest> {
        annotations.get(WHOLE)?.parse().ok()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    pub(crate) media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// The artefact: one layer, the component.
    pub(crate) fn artefact(config: Descriptor, component: &[u8], whole: Digest) -> Self {
        Self {
            schema_version: 2,
            media_type: MANIFEST.to_owned(),
            artifact_type: None,
            config,
            layers: vec![Descriptor::titled(WASM, COMPONENT_FILE, component)],
            subject: None,
            annotations: annotated(whole),
        }
    }

    /// What refers to it.
    pub(crate) fn referrer(kind: &str, layers: Vec<Descriptor>, subject: Descriptor, whole: Digest) -> Self {
        Self {
            schema_version: 2,
            media_type: MANIFEST.to_owned(),
            artifact_type: Some(kind.to_owned()),
            config: Descriptor::of(EMPTY, EMPTY_JSON),
            layers,
            subject: Some(subject),
            annotations: annotated(whole),
        }
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, RegistryError> {
        serde_json::to_vec(self).map_err(|_| RegistryError::Layout("its manifest cannot be written"))
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, RegistryError> {
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|_| RegistryError::Layout("its manifest is not an OCI image manifest"))?;
        if manifest.schema_version != 2 || manifest.media_type != MANIFEST {
            return Err(RegistryError::Layout("its manifest is not an OCI image manifest"));
        }
        Ok(manifest)
    }
}

fn annotated(whole: Digest) -> BTreeMap<String, String> {
    BTreeMap::from([(WHOLE.to_owned(), whole.to_string())])
}

/// A list of manifests. Those of another form, or under another digest than SHA-256, are not ours and pass through unread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    pub(crate) schema_version: u32,
    pub(crate) media_type: String,
    pub(crate) manifests: Vec<serde_json::Value>,
    #[serde(flatten)]
    more: serde_json::Map<String, serde_json::Value>,
}

impl Index {
    pub(crate) fn empty() -> Self {
        let more = serde_json::Map::new();
        Self { schema_version: 2, media_type: INDEX.to_owned(), manifests: Vec::new(), more }
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, RegistryError> {
        let index: Self = serde_json::from_slice(bytes)
            .map_err(|_| RegistryError::Layout("its list of referrers is not an OCI image index"))?;
        if index.schema_version != 2 || index.media_type != INDEX {
            return Err(RegistryError::Layout("its list of referrers is not an OCI image index"));
        }
        Ok(index)
    }

    /// The descriptors that can be ours.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = Descriptor> {
        self.manifests.iter().filter_map(|value| serde_json::from_value(value.clone()).ok())
    }

    /// Adds a descriptor where it is not yet.
    pub(crate) fn add(&mut self, descriptor: &Descriptor) -> Result<(), RegistryError> {
        if !self.descriptors().any(|known| known.digest == descriptor.digest) {
            let value = serde_json::to_value(descriptor)
                .map_err(|_| RegistryError::Layout("its list of referrers cannot be written"))?;
            self.manifests.push(value);
        }
        Ok(())
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, RegistryError> {
        serde_json::to_vec(self).map_err(|_| RegistryError::Layout("its list of referrers cannot be written"))
    }
}
