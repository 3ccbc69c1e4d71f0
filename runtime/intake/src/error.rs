use std::path::PathBuf;

/// Why nothing, or nothing more, comes in. The words name what the operator typed, and nothing that a server said.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The folder has files of another's.
    #[error(
        "{0} holds files that trocar did not put there: name a folder of its own below the dataset's with --into FOLDER"
    )]
    NotOurs(PathBuf),
    /// `--into` leads elsewhere.
    #[error("--into must name a folder below the dataset's, not through a link and without `..`")]
    Outside,
    /// Two at once.
    #[error("another pull or receive is filling {0}: let it end first")]
    Busy(PathBuf),
    /// The disk said no.
    #[error("cannot {what} {path}")]
    File {
        /// The verb.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
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
    /// A secret would cross the network in the clear.
    #[error("credentials are sent over https only: this URL is http")]
    PlainCredentials,
    /// Not a URL that is pulled from.
    #[error(
        "the URL is not one of http, https (DICOMweb), s3 or file (object store) without a password in it"
    )]
    Url,
    /// Not a QIDO-RS key.
    #[error(
        "--where takes KEY=VALUE, where KEY is a DICOM keyword or tag such as ModalitiesInStudy or 00080061"
    )]
    Filter,
    /// TLS, a certificate.
    #[error("the connection cannot be set up: check the certificate file and the system's certificates")]
    Tls,
    /// 401 or 403.
    #[error("the server refuses these credentials")]
    Unauthorised,
    /// 3xx.
    #[error("the server sends us elsewhere, and redirects are not followed: name the final URL")]
    Redirect,
    /// Not what QIDO-RS answers.
    #[error("the server does not answer as DICOMweb does: check the URL")]
    NotDicomWeb,
    /// The object store refuses.
    #[error("the object store cannot be listed: check the URL, its credentials and AWS_ENDPOINT")]
    Store,
    /// Time-outs, 5xx.
    #[error("the server does not answer; what came in before stays: run the same command again to go on")]
    Unavailable,
    /// No AE title.
    #[error("an AE title is 1 to 16 printable ASCII characters without a backslash, and not only spaces")]
    AeTitle,
    /// A host that has no address.
    #[error("a host after `@` in --allow has no address")]
    Host,
    /// An empty allow list.
    #[error("nobody may send: name at least one --allow AE_TITLE")]
    NobodyAllowed,
}

/// Names what was done to which file.
pub(crate) fn file(what: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> IntakeError {
    let path = path.to_owned();
    move |source| IntakeError::File { what, path, source }
}
