//! One careful HTTP client: rustls, no redirects, time-outs, retries with a growing pause.

use crate::error::{IntakeError, file};
use crate::refusal::Refusal;
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Certificate, Client, Response, StatusCode, Url};
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// How often a request is tried.
const ATTEMPTS: u32 = 4;
const CONNECT: Duration = Duration::from_secs(10);
/// The longest silence of a server.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest answer: the largest object over a slow line.
const ANSWER: Duration = Duration::from_secs(3600);
/// Tokens are a few kilobytes at most.
const MAX_SECRET: u64 = 64 << 10;
/// A file of certificates.
const MAX_CERTIFICATES: u64 = 1 << 20;

/// Who we are to the server; always read from a file, since flags show in the list of processes. `Debug` hides it.
#[derive(Clone, Default)]
pub struct Credentials(Option<HeaderValue>);

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

impl Credentials {
    /// Nobody in particular.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// A bearer token (RFC 6750), the only text of the file.
    ///
    /// # Errors
    /// The file cannot be read, can be read by others, or holds no token.
    pub fn bearer(path: &Path) -> Result<Self, IntakeError> {
        let what = "one bearer token";
        let token = secret(path, what)?;
        if token.contains(char::is_whitespace) {
            return Err(IntakeError::NoSecret { path: path.to_owned(), what });
        }
        Self::header(path, &format!("Bearer {token}"), what)
    }

    /// Basic authentication (RFC 7617): the file's only line is `USER:PASSWORD`.
    ///
    /// # Errors
    /// The file cannot be read, can be read by others, or holds no such line.
    pub fn basic(path: &Path) -> Result<Self, IntakeError> {
        let what = "one line USER:PASSWORD";
        let pair = secret(path, what)?;
        if !pair.contains(':') || pair.contains(char::is_control) {
            return Err(IntakeError::NoSecret { path: path.to_owned(), what });
        }
        Self::header(path, &format!("Basic {}", BASE64.encode(pair)), what)
    }

    fn header(path: &Path, text: &str, what: &'static str) -> Result<Self, IntakeError> {
        let mut value =
            HeaderValue::from_str(text).map_err(|_| IntakeError::NoSecret { path: path.to_owned(), what })?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

fn secret(path: &Path, what: &'static str) -> Result<String, IntakeError> {
    let input = File::open(path).map_err(file("read", path))?;
    if input.metadata().map_err(file("read", path))?.mode() & 0o077 != 0 {
        return Err(IntakeError::Exposed(path.to_owned()));
    }
    let mut text = String::new();
    input.take(MAX_SECRET).read_to_string(&mut text).map_err(file("read", path))?;
    let text = text.trim_matches(['\r', '\n', ' ']);
    if text.is_empty() {
        Err(IntakeError::NoSecret { path: path.to_owned(), what })
    } else {
        Ok(text.to_owned())
    }
}

/// Whether the host is this machine: nothing that is sent there crosses a network.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// How one attempt failed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It may work in a moment.
    Again,
    /// This object will not come.
    Object(Refusal),
    /// Nothing will come.
    All(IntakeError),
}

/// What sends requests.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    client: Client,
    credentials: Credentials,
    pause: Duration,
}

impl Caller {
    /// Sets up a client for this base URL, trusting the system's certificates or, where `ca` is given, only those in it.
    pub(crate) fn new(
        base: &Url,
        credentials: &Credentials,
        ca: Option<&Path>,
        pause: Duration,
    ) -> Result<Self, IntakeError> {
        let is_plain = base.scheme() == "http";
        if is_plain && credentials.0.is_some() && !is_here(base) {
            return Err(IntakeError::PlainCredentials);
        }
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("trocar/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .timeout(ANSWER);
        if let Some(path) = ca {
            builder = builder.tls_certs_only(certificates(path)?);
        } else if is_plain {
            // A machine without certificates can still reach a PACS on its own network.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|_| IntakeError::Tls)?;
        Ok(Self { client, credentials: credentials.clone(), pause })
    }

    /// One GET; the status decides what follows.
    pub(crate) async fn get(&self, url: &Url, accept: &'static str) -> Result<Response, Failed> {
        let mut request = self.client.get(url.clone()).header(ACCEPT, accept);
        if let Some(credentials) = &self.credentials.0 {
            request = request.header(AUTHORIZATION, credentials.clone());
        }
        let response = request.send().await.map_err(|_| Failed::Again)?;
        match response.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failed::All(IntakeError::Unauthorised)),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err(Failed::Again),
            status if status.is_success() => Ok(response),
            status if status.is_redirection() => Err(Failed::All(IntakeError::Redirect)),
            status if status.is_server_error() => Err(Failed::Again),
            _ => Err(Failed::Object(Refusal::Unavailable)),
        }
    }

    /// Tries again, after a pause that doubles, while that may help.
    pub(crate) async fn retry<T>(
        &self,
        mut attempt: impl AsyncFnMut() -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let mut pause = self.pause;
        for _ in 1..ATTEMPTS {
            match attempt().await {
                Err(Failed::Again) => tokio::time::sleep(pause).await,
                other => return other,
            }
            pause = pause.saturating_mul(2);
        }
        attempt().await
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, IntakeError> {
    let mut pem = Vec::new();
    let input = File::open(path).map_err(file("read", path))?;
    input.take(MAX_CERTIFICATES).read_to_end(&mut pem).map_err(file("read", path))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(IntakeError::Tls),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_that_others_can_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let put = |text: &str, mode| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        put("token\n", 0o600);
        assert_eq!(Credentials::bearer(&path).unwrap().0.unwrap(), "Bearer token");
        assert!(matches!(Credentials::basic(&path), Err(IntakeError::NoSecret { .. })));
        put("me:secret", 0o640);
        assert!(matches!(Credentials::basic(&path), Err(IntakeError::Exposed(_))));
        put("me:sec\nret", 0o600);
        assert!(matches!(Credentials::basic(&path), Err(IntakeError::NoSecret { .. })));
        put("  \n", 0o600);
        assert!(matches!(Credentials::bearer(&path), Err(IntakeError::NoSecret { .. })));
        assert_eq!(format!("{:?}", Credentials::none()), "Credentials(..)");
    }

    #[test]
    fn credentials_do_not_cross_a_network_in_the_clear() {
        let me = Credentials(Some(HeaderValue::from_static("Bearer x")));
        let made = |url: &str| Caller::new(&Url::parse(url).unwrap(), &me, None, Duration::ZERO);
        for url in [
            "http://pacs/dicom-web",
            "http://10.0.0.1/",
            "http://localhost.example/",
            "http://[2001:db8::1]/",
        ] {
            assert!(matches!(made(url), Err(IntakeError::PlainCredentials)), "{url}");
        }
        for url in ["http://127.0.0.1:8042/dicom-web", "http://[::1]/", "http://localhost/"] {
            assert!(made(url).is_ok(), "{url}");
        }
    }
}
