//! Algorithm packages as OCI artefacts: pushed to a registry, pulled back byte for byte.
//!
//! ```text
//! tag -> artefact manifest            config application/vnd.wasm.config.v0+json (CNCF Wasm OCI layout)
//!          one layer application/wasm: the component
//!          annotation trocar.package: the SHA-256 of the package file
//!   ^ subject
//!   +-- referrer application/vnd.trocar.package.v1           manifest.toml and the models
//!   +-- referrer application/vnd.dsse.envelope.v1+json       the author's signature
//! ```
//! The annotation makes the artefact's digest stand for the whole package: whoever pins it pins every byte. What a registry
//! answers is hostile until the package made of it has that digest and its author's signature holds.
//!
//! **Boundary**: it knows no home, key or patient; it writes no file. **Invariant**: nothing is held in memory beyond the size that
//! was declared and allowed, no redirect is followed but to a host that the caller named, no secret crosses a network in the clear.

mod client;
mod config;
mod error;
mod layout;
mod login;
mod pull;
mod push;
mod reference;

pub use client::{Options, Registry};
pub use error::RegistryError;
pub use login::{Login, docker_path};
pub use pull::{Pulled, pull};
pub use push::{Pushed, Referrers, push};
pub use reference::{Place, Reference};
