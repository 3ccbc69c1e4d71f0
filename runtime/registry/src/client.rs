//! One careful HTTP client of one repository (OCI distribution specification 1.1): rustls, no redirects, time-outs, bounded
//! answers, and credentials that only the registry itself, or a host that the caller named, ever sees.

use crate::error::RegistryError;
use crate::layout::{Descriptor, INDEX, MANIFEST, MOST_MANIFEST};
use crate::login::{Login, sensitive};
use crate::reference::Reference;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
};
use reqwest::header::{LINK, WWW_AUTHENTICATE};
use reqwest::{Certificate, Client, Method, Response, StatusCode, Url};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trocar_terms::Digest;

const CONNECT: Duration = Duration::from_secs(10);
/// The longest answer: the largest package over a slow line.
const ANSWER: Duration = Duration::from_secs(3600);
/// A file of certificates.
const MAX_CERTIFICATES: u64 = 1 << 20;
/// The answer of a token service.
const MAX_TOKEN: u64 = 64 << 10;

/// How a registry is spoken to.
#[derive(Debug, Clone)]
pub struct Options {
    /// Plain HTTP also to another machine, and then nobody in particular.
    pub insecure: bool,
    /// PEM file of the only certificates to trust; the system's by default. This machine is spoken to in TLS only with it.
    pub ca: Option<PathBuf>,
    /// Who we are.
    pub login: Option<Login>,
    /// Hosts that the registry may send us to, by https, for blobs and tokens.
    pub via: Vec<String>,
    /// The longest silence of a server.
    pub silence: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { insecure: false, ca: None, login: None, via: Vec::new(), silence: Duration::from_secs(60) }
    }
}

/// A repository of a registry.
#[derive(Debug)]
pub struct Registry {
    client: Client,
    base: Url,
    repository: String,
    login: Option<Login>,
    via: Vec<String>,
    authorization: Option<HeaderValue>,
}

/// One request.
struct Call<'a> {
    method: Method,
    url: Url,
    accept: &'static str,
    body: Option<(&'static str, &'a [u8])>,
}

impl Registry {
    /// Sets up a client; asks nothing yet.
    ///
    /// # Errors
    /// The certificates cannot be used, or a secret would cross a network in the clear.
    pub fn of(reference: &Reference, options: Options) -> Result<Self, RegistryError> {
        let https = Url::parse(&format!("https://{}/v2/", reference.host));
        let mut base = https.map_err(|_| RegistryError::Reference)?;
        let is_plain = options.insecure || (is_here(&base) && options.ca.is_none());
        if is_plain {
            base = Url::parse(&format!("http://{}/v2/", reference.host))
                .map_err(|_| RegistryError::Reference)?;
            if options.login.is_some() && !is_here(&base) {
                return Err(RegistryError::PlainCredentials);
            }
        }
        let client = client(&base, &options)?;
        let Options { login, via, .. } = options;
        let repository = reference.repository.clone();
        Ok(Self { client, base, repository, login, via, authorization: None })
    }

    fn url(&self, path: &str) -> Result<Url, RegistryError> {
        Url::parse(&format!("{}{}/{path}", self.base, self.repository)).map_err(|_| RegistryError::Reference)
    }

    /// The manifest or index of this media type at a tag or digest; `None` where there is none.
    pub(crate) async fn manifest(
        &mut self,
        place: &str,
        media_type: &'static str,
    ) -> Result<Option<Vec<u8>>, RegistryError> {
        let what = "a manifest";
        let url = self.url(&format!("manifests/{place}"))?;
        let response = self.send(&get(url, media_type)).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = done(response, what)?;
        is_of(&response, media_type)?;
        let told = header(response.headers(), "docker-content-digest").map(str::to_owned);
        let bytes = bounded(response, MOST_MANIFEST, what).await?;
        let same = |told: &str| !told.starts_with("sha256:") || *told == Digest::of(&bytes).to_string();
        if told.is_none_or(|told| same(&told)) { Ok(Some(bytes)) } else { Err(RegistryError::Digest(what)) }
    }

    /// The list of what refers to a manifest, from the referrers API or, where the registry has none, from the tag that stands in
    /// for it (distribution specification, referrers tag schema).
    pub(crate) async fn referrers(&mut self, of: Digest) -> Result<Option<Vec<u8>>, RegistryError> {
        let what = "its list of referrers";
        let url = self.url(&format!("referrers/{of}"))?;
        let response = self.send(&get(url, INDEX)).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return self.manifest(&fallback(of), INDEX).await;
        }
        let response = done(response, what)?;
        is_of(&response, INDEX)?;
        // More pages than one: nobody has so many signatures.
        if response.headers().contains_key(LINK) {
            return Err(RegistryError::TooLarge(what));
        }
        bounded(response, MOST_MANIFEST, what).await.map(Some)
    }

    /// A blob, no longer than declared and with the digest asked for.
    pub(crate) async fn blob(
        &mut self,
        blob: &Descriptor,
        what: &'static str,
    ) -> Result<Vec<u8>, RegistryError> {
        let url = self.url(&format!("blobs/{}", blob.digest))?;
        let mut response = self.send(&get(url, "*/*")).await?;
        if response.status().is_redirection() {
            let next = self.elsewhere(&response)?;
            let accept = self.client.get(next).header(ACCEPT, "*/*");
            response = accept.send().await.map_err(|_| RegistryError::Unreachable)?;
        }
        let bytes = bounded(done(response, what)?, blob.size, what).await?;
        let whole = bytes.len() as u64 == blob.size && Digest::of(&bytes) == blob.digest;
        if whole { Ok(bytes) } else { Err(RegistryError::Digest(what)) }
    }

    /// Puts a blob where it is not yet.
    pub(crate) async fn put_blob(&mut self, bytes: &[u8], what: &'static str) -> Result<(), RegistryError> {
        let digest = Digest::of(bytes);
        let url = self.url(&format!("blobs/{digest}"))?;
        let head = Call { method: Method::HEAD, ..get(url, "*/*") };
        if self.send(&head).await?.status() == StatusCode::OK {
            return Ok(());
        }
        let url = self.url("blobs/uploads/")?;
        let begin = Call { method: Method::POST, body: Some(("", &[])), ..get(url, "*/*") };
        let response = done(self.send(&begin).await?, what)?;
        let mut url = self.location(&response).ok_or(RegistryError::Unreachable)?;
        if !self.is_own(&url) {
            return Err(RegistryError::Elsewhere);
        }
        url.query_pairs_mut().append_pair("digest", &digest.to_string());
        let body = Some(("application/octet-stream", bytes));
        let put = Call { method: Method::PUT, body, ..get(url, "*/*") };
        done(self.send(&put).await?, what).map(drop)
    }

    /// Puts a manifest at a tag or digest; whether the registry says that it lists it for this subject.
    pub(crate) async fn put_manifest(
        &mut self,
        place: &str,
        media_type: &'static str,
        bytes: &[u8],
        subject: Option<Digest>,
    ) -> Result<bool, RegistryError> {
        let url = self.url(&format!("manifests/{place}"))?;
        let body = Some((media_type, bytes));
        let put = Call { method: Method::PUT, body, ..get(url, "*/*") };
        let response = done(self.send(&put).await?, "a manifest")?;
        let listed = header(response.headers(), "oci-subject").map(str::to_owned);
        Ok(listed.is_some() && listed == subject.map(|digest| digest.to_string()))
    }

    /// Sends a request; where the registry wants to know who we are, once more with that.
    async fn send(&mut self, call: &Call<'_>) -> Result<Response, RegistryError> {
        let response = self.once(call).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return refused(response);
        }
        self.authorise(&response).await?;
        refused(self.once(call).await?)
    }

    async fn once(&self, call: &Call<'_>) -> Result<Response, RegistryError> {
        let mut request = self.client.request(call.method.clone(), call.url.clone());
        request = request.header(ACCEPT, call.accept);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        if let Some((media_type, bytes)) = call.body {
            if media_type.is_empty() {
                request = request.header(CONTENT_LENGTH, 0);
            } else {
                request = request.header(CONTENT_TYPE, media_type).body(bytes.to_vec());
            }
        }
        request.send().await.map_err(|_| RegistryError::Unreachable)
    }

    /// Answers a challenge (RFC 9110, WWW-Authenticate; the token flow of the distribution project).
    async fn authorise(&mut self, response: &Response) -> Result<(), RegistryError> {
        let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let challenge = Challenge::parse(challenge.unwrap_or_default());
        let header = match (challenge, &self.login) {
            (Challenge::Basic, Some(login)) if login.is_basic => login.header.clone(),
            (Challenge::Bearer(_), Some(login)) if !login.is_basic => login.header.clone(),
            (Challenge::Bearer(fields), login) => self.token(&fields, login.as_ref()).await?,
            (Challenge::Basic | Challenge::Other, _) => return Err(RegistryError::Unauthorised),
        };
        self.authorization = Some(header);
        Ok(())
    }

    async fn token(
        &self,
        fields: &[(String, String)],
        login: Option<&Login>,
    ) -> Result<HeaderValue, RegistryError> {
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let realm = field("realm").and_then(|realm| Url::parse(realm).ok());
        let mut url = realm.ok_or(RegistryError::Unauthorised)?;
        if !self.is_own(&url) && !self.is_named(&url) {
            return Err(RegistryError::Elsewhere);
        }
        for name in ["service", "scope"] {
            if let Some(value) = field(name) {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        let mut request = self.client.get(url);
        if let Some(login) = login {
            request = request.header(AUTHORIZATION, login.header.clone());
        }
        let response = request.send().await.map_err(|_| RegistryError::Unreachable)?;
        if !response.status().is_success() {
            return Err(RegistryError::Unauthorised);
        }
        let bytes = bounded(response, MAX_TOKEN, "the answer of its token service").await?;
        let token: Token = serde_json::from_slice(&bytes).map_err(|_| RegistryError::Unauthorised)?;
        let token = token.token.or(token.access_token).unwrap_or_default();
        let header = sensitive(&format!("Bearer {token}")).filter(|_| !token.is_empty());
        header.ok_or(RegistryError::Unauthorised)
    }

    /// Where a redirect leads, if the caller named that host; without our credentials.
    fn elsewhere(&self, response: &Response) -> Result<Url, RegistryError> {
        let url = self.location(response).filter(|url| self.is_named(url));
        url.ok_or(RegistryError::Elsewhere)
    }

    fn location(&self, response: &Response) -> Option<Url> {
        let location = response.headers().get(LOCATION)?.to_str().ok()?;
        response.url().join(location).ok()
    }

    /// Same scheme, host and port.
    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin() && has_no_user(url)
    }

    fn is_named(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        url.scheme() == "https" && has_no_user(url) && self.via.iter().any(|via| via == host)
    }
}

/// The tag that stands in for the referrers API.
pub(crate) fn fallback(of: Digest) -> String {
    format!("sha256-{}", of.hex())
}

fn has_no_user(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}

const fn get(url: Url, accept: &'static str) -> Call<'static> {
    Call { method: Method::GET, url, accept, body: None }
}

fn refused(response: Response) -> Result<Response, RegistryError> {
    match response.status() {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(RegistryError::Unauthorised),
        _ => Ok(response),
    }
}

fn done(response: Response, what: &'static str) -> Result<Response, RegistryError> {
    match response.status() {
        status if status.is_success() => Ok(response),
        status if status.is_redirection() => Err(RegistryError::Elsewhere),
        StatusCode::NOT_FOUND => Err(RegistryError::NotFound),
        status => Err(RegistryError::Status { what, status: status.as_u16() }),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The media type is the one that was asked for; what a manifest says of itself is held against it later.
fn is_of(response: &Response, media_type: &str) -> Result<(), RegistryError> {
    let told = header(response.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
    let told = told.split(';').next().unwrap_or_default().trim();
    if told == media_type {
        return Ok(());
    }
    Err(RegistryError::Layout(match media_type {
        INDEX => "its list of referrers has another media type",
        MANIFEST => "its manifest has another media type",
        _ => "it has another media type",
    }))
}

/// The whole answer, if it is no longer than `most`: memory grows with what comes, not with what is declared.
async fn bounded(mut response: Response, most: u64, what: &'static str) -> Result<Vec<u8>, RegistryError> {
    let too_large = || RegistryError::TooLarge(what);
    if response.content_length().is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| RegistryError::Unreachable)? {
        if (bytes.len() as u64).saturating_add(chunk.len() as u64) > most {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Whether the host is this machine: nothing that is sent there crosses a network.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn client(base: &Url, options: &Options) -> Result<Client, RegistryError> {
    let mut builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("trocar/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(options.silence)
        .timeout(ANSWER);
    if is_here(base) {
        builder = builder.no_proxy();
    }
    if let Some(path) = &options.ca {
        builder = builder.tls_certs_only(certificates(path)?);
    } else if base.scheme() == "http" && options.via.is_empty() {
        // A machine without certificates can still reach a registry of its own.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|_| RegistryError::Tls)
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, RegistryError> {
    let failed = |source| RegistryError::File { path: path.to_owned(), source };
    let mut pem = Vec::new();
    File::open(path).map_err(failed)?.take(MAX_CERTIFICATES).read_to_end(&mut pem).map_err(failed)?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(RegistryError::Tls),
    }
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

/// How a registry wants to be told who we are.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    /// The fields of the challenge: realm, service, scope.
    Bearer(Vec<(String, String)>),
    Other,
}

impl Challenge {
    fn parse(text: &str) -> Self {
        let (scheme, fields) = text.split_once(' ').unwrap_or((text, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "basic" => Self::Basic,
            "bearer" => Self::Bearer(quoted(fields)),
            _ => Self::Other,
        }
    }
}

/// `KEY="VALUE"`, with commas between; a value may hold commas, and none of ours holds a quote.
fn quoted(text: &str) -> Vec<(String, String)> {
    let mut rest = text;
    let mut fields = Vec::new();
    while let Some((key, after)) = rest.split_once("=\"") {
        let Some((value, next)) = after.split_once('"') else { break };
        fields.push((key.trim_matches([' ', ',']).to_ascii_lowercase(), value.to_owned()));
        rest = next;
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(reference: &str, insecure: bool, login: bool) -> Result<String, RegistryError> {
        let login = Login::of_user(Some("me"), Some("x")).filter(|_| login);
        let options = Options { insecure, login, ..Options::default() };
        Ok(Registry::of(&reference.parse().unwrap(), options)?.base.to_string())
    }

    #[test]
    fn http_is_spoken_to_this_machine_alone_unless_asked_for() {
        assert_eq!(made("127.0.0.1:5000/a:1", false, true).unwrap(), "http://127.0.0.1:5000/v2/");
        assert_eq!(made("[::1]:5000/a:1", false, true).unwrap(), "http://[::1]:5000/v2/");
        assert_eq!(made("localhost/a:1", false, true).unwrap(), "http://localhost/v2/");
        assert_eq!(made("localhost.example/a:1", false, true).unwrap(), "https://localhost.example/v2/");
        assert_eq!(made("10.0.0.1:5000/a:1", false, true).unwrap(), "https://10.0.0.1:5000/v2/");
        assert_eq!(made("10.0.0.1:5000/a:1", true, false).unwrap(), "http://10.0.0.1:5000/v2/");
    }

    #[test]
    fn credentials_do_not_cross_a_network_in_the_clear() {
        for reference in ["10.0.0.1:5000/a:1", "registry.example/a:1", "[2001:db8::1]:5000/a:1"] {
            assert!(matches!(made(reference, true, true), Err(RegistryError::PlainCredentials)));
        }
    }

    #[test]
    fn another_host_is_gone_to_only_where_it_was_named_and_by_https() {
        let via = vec!["cdn.example".to_owned()];
        let options = Options { via, ..Options::default() };
        let registry = Registry::of(&"r.example/a:1".parse().unwrap(), options).unwrap();
        let named = |url: &str| registry.is_named(&Url::parse(url).unwrap());
        assert!(named("https://cdn.example/blob?x=1") && named("https://cdn.example:8443/blob"));
        for url in ["http://cdn.example/", "https://r.example/", "https://cdn.example.evil.example/"] {
            assert!(!named(url), "{url}");
        }
        assert!(!named("https://me:x@cdn.example/"));
        let own = |url: &str| registry.is_own(&Url::parse(url).unwrap());
        assert!(own("https://r.example/v2/x") && own("https://r.example:443/"));
        for url in ["http://r.example/", "https://r.example:444/", "https://x@r.example/"] {
            assert!(!own(url), "{url}");
        }
    }

    #[test]
    fn a_challenge_is_read_field_by_field() {
        let text =
            r#"Bearer realm="https://a.example/token",service="r.example", Scope="repository:a:pull,push""#;
        let Challenge::Bearer(fields) = Challenge::parse(text) else { panic!("no bearer") };
        assert_eq!(fields[0], ("realm".into(), "https://a.example/token".into()));
        assert_eq!(fields[2], ("scope".into(), "repository:a:pull,push".into()));
        assert_eq!(Challenge::parse("Basic realm=\"x\""), Challenge::Basic);
        assert_eq!(Challenge::parse("Negotiate"), Challenge::Other);
        assert_eq!(Challenge::parse("Bearer realm=\"unended"), Challenge::Bearer(vec![]));
    }
}
