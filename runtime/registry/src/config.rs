//! `application/vnd.wasm.config.v0+json`: what the CNCF Wasm OCI layout says of a component.

use crate::error::RegistryError;
use serde::{Deserialize, Serialize};
use trocar_terms::Digest;
use wit_component::DecodedWasm;

/// The date of every entry of a canonical zip: the same package makes the same artefact.
const CREATED: &str = "1980-01-01T00:00:00Z";
/// The layout takes a GOOS value here, and this one for every component, whether it imports WASI or, as ours, not.
const COMPONENT: &str = "wasip2";
const ARCHITECTURE: &str = "wasm";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WasmConfig {
    created: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    architecture: String,
    os: String,
    layer_digests: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    component: Option<Component>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Component {
    exports: Vec<String>,
    imports: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

impl WasmConfig {
    /// Of a component; `author` is the key that signed its package.
    pub(crate) fn of(component: &[u8], author: String) -> Result<Self, RegistryError> {
        Ok(Self {
            created: CREATED.to_owned(),
            author: Some(author),
            architecture: ARCHITECTURE.to_owned(),
            os: COMPONENT.to_owned(),
            layer_digests: vec![Digest::of(component).to_string()],
            component: Some(world(component).ok_or(RegistryError::Component)?),
        })
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, RegistryError> {
        serde_json::to_vec(self).map_err(|_| RegistryError::Component)
    }

    /// Holds a configuration against the layer beside it.
    pub(crate) fn check(bytes: &[u8], layer: Digest) -> Result<(), RegistryError> {
        let config: Self = serde_json::from_slice(bytes)
            .map_err(|_| RegistryError::Layout("its configuration is not that of a Wasm artefact"))?;
        let component = config.architecture == ARCHITECTURE && config.os == COMPONENT;
        if !component || config.component.is_none() {
            return Err(RegistryError::Layout("it holds no component"));
        }
        if config.layer_digests == [layer.to_string()] {
            Ok(())
        } else {
            Err(RegistryError::Layout("its configuration names other layers"))
        }
    }
}

/// What a component imports and exports, in WIT's names.
fn world(component: &[u8]) -> Option<Component> {
    let DecodedWasm::Component(resolve, id) = wit_component::decode(component).ok()? else { return None };
    let world = resolve.worlds.get(id)?;
    let names = |items: Vec<_>| items.into_iter().map(|key| resolve.name_world_key(key)).collect();
    Some(Component {
        exports: names(world.exports.keys().collect()),
        imports: names(world.imports.keys().collect()),
        target: None,
    })
}
