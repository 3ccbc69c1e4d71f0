use std::path::PathBuf;
use trocar_manifest::PackageError;

/// Why nothing was pushed or pulled. The words name what the caller typed, and nothing that a registry said.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Not a reference.
    #[error(
        "a reference is HOST[:PORT]/REPOSITORY:TAG or HOST[:PORT]/REPOSITORY@sha256:DIGEST, with nothing left out"
    )]
    Reference,
    /// A push needs a name.
    #[error("a package is pushed to a tag, such as :1.0.0, not to a digest")]
    PushToDigest,
    /// The tag names another artefact.
    #[error(
        "this tag names another artefact already: choose a new tag, or give it to this package with --replace"
    )]
    TagTaken,
    /// A secret would cross a network in the clear.
    #[error("credentials are sent over https only, and --insecure asks for http")]
    PlainCredentials,
    /// A file with a secret that others can read.
    #[error("{0} can be read by others: `chmod 600` it, then try again")]
    Exposed(PathBuf),
    /// No secret in it.
    #[error("{path} does not hold {what}")]
    NoSecret {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// A helper program would have to be run.
    #[error(
        "{0} keeps this registry's credentials in a helper program, which is not run: give them with --basic-file or --token-file"
    )]
    Helper(PathBuf),
    /// The disk said no.
    #[error("cannot read {path}")]
    File {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// TLS, a certificate.
    #[error("the connection cannot be set up: check the certificate file and the system's certificates")]
    Tls,
    /// No answer, or one that broke off.
    #[error("the registry does not answer, or its answer broke off: nothing was written; try again")]
    Unreachable,
    /// 401, 403.
    #[error("the registry refuses these credentials, or wants some: see --basic-file and --token-file")]
    Unauthorised,
    /// 3xx, an upload's place, a token's realm.
    #[error("the registry sends us to another host: if you trust that host, name it with --via HOST")]
    Elsewhere,
    /// 404.
    #[error("the registry has no such artefact: check repository and tag")]
    NotFound,
    /// Any other status.
    #[error("the registry answers {what} with status {status}")]
    Status {
        /// What was asked.
        what: &'static str,
        /// The answer.
        status: u16,
    },
    /// More than allowed, or than declared.
    #[error("{0} is larger than allowed, or than the registry declared")]
    TooLarge(&'static str),
    /// Other bytes.
    #[error(
        "{0} has another digest or length than was asked for: the registry, or something before it, changed it"
    )]
    Digest(&'static str),
    /// Of another type.
    #[error("this is not a Trocar package in the Wasm OCI layout: {0}")]
    Layout(&'static str),
    /// No referrer, or several.
    #[error("the registry holds {0} for this artefact: push the package again")]
    Referrers(&'static str),
    /// A package that is not the one of the artefact.
    #[error("the registry holds parts of another package for this artefact")]
    OtherPackage,
    /// The package itself.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The component cannot be read for its imports and exports.
    #[error("the component of this package cannot be read")]
    Component,
}

impl RegistryError {
    /// Whether what came is not what it should be, rather than not there.
    #[must_use]
    pub const fn is_unverified(&self) -> bool {
        matches!(
            self,
            Self::TooLarge(_)
                | Self::Digest(_)
                | Self::Layout(_)
                | Self::Referrers(_)
                | Self::OtherPackage
                | Self::Package(_)
        )
    }
}
