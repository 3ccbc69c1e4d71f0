//! DICOMweb (PS3.18): QIDO-RS finds studies and their SOP instances page by page, WADO-RS gives one object a request.
//!
//! The crate dicom-web holds a whole answer in memory and parses it in this process; hostile bytes are for the contained
//! worker, and an object is kept as the server wrote it. So the three requests that are needed are made here.

use crate::arrival::{Arrival, Expected, Form};
use crate::client::{Caller, Credentials, Failed};
use crate::error::IntakeError;
use crate::folder::Incoming;
use crate::multipart::{Body, OnePart, body_of};
use crate::refusal::Refusal;
use crate::report::{Kept, Report, Tally};
use crate::syntax;
use crate::uid::Uid;
use futures_util::{StreamExt, stream};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode, Url};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::Duration;

/// Studies, or SOP instances, asked for at once.
const PAGE: usize = 200;
/// A page of 200 rows has some 200 kB.
const MAX_PAGE: usize = 16 << 20;
/// Objects fetched at once: enough to hide a server's latency, few enough not to be a burden to it.
const AT_ONCE: usize = 4;
/// So many objects in a row that a server could not give mean that it is gone.
const GIVE_UP: u32 = 8;

const ANY_SYNTAX: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
const JSON: &str = "application/dicom+json";

/// What narrows the studies of a QIDO-RS search, written `KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    key: String,
    value: String,
}

/// Query parameters with a meaning of their own (PS3.18 section 8.3.4).
const RESERVED: [&str; 5] = ["limit", "offset", "includefield", "fuzzymatching", "accept"];

impl FromStr for Filter {
    type Err = IntakeError;
    fn from_str(text: &str) -> Result<Self, IntakeError> {
        let (key, value) = text.split_once('=').ok_or(IntakeError::Filter)?;
        let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        let free = !RESERVED.contains(&key.to_ascii_lowercase().as_str());
        let fits = (1..=64).contains(&key.len()) && (1..=1024).contains(&value.len());
        if plain && free && fits {
            Ok(Self { key: key.to_owned(), value: value.to_owned() })
        } else {
            Err(IntakeError::Filter)
        }
    }
}

/// A PACS and what is wanted of it.
#[derive(Debug, Clone)]
pub struct WebSource {
    /// The base URL of its DICOMweb services, such as `https://pacs/dicom-web`.
    pub url: Url,
    /// Who asks.
    pub credentials: Credentials,
    /// PEM file of the only certificates to trust; the system's where there is none.
    pub ca: Option<PathBuf>,
    /// What studies must match; ignored where studies are named.
    pub filters: Vec<Filter>,
    /// Studies by name; all that match the filters where there is none.
    pub studies: Vec<Uid>,
    /// The first pause before a request is tried again; it doubles.
    pub pause: Duration,
}

/// Pulls what is wanted and not there yet into the folder.
///
/// # Errors
/// Nothing, or nothing more, can be had of the server. What came in before stays, and is not fetched again.
pub async fn pull_web(source: &WebSource, incoming: &Arc<Incoming>) -> Result<Report, IntakeError> {
    check_url(&source.url)?;
    let caller = Caller::new(&source.url, &source.credentials, source.ca.as_deref(), source.pause)?;
    let pull = Pull {
        source,
        caller,
        incoming,
        tally: Tally::default(),
        failures: AtomicU32::new(0),
        is_ending: AtomicBool::new(false),
    };
    match pull.run().await {
        Ok(()) | Err(Stop::Full) => Ok(pull.tally.report()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

fn check_url(url: &Url) -> Result<(), IntakeError> {
    let fits = matches!(url.scheme(), "http" | "https") && url.has_host() && !url.cannot_be_a_base();
    // A password in a URL stands in the list of processes; a query would be lost.
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if fits && bare { Ok(()) } else { Err(IntakeError::Url) }
}

/// Why a pull ends before its end.
#[derive(Debug)]
enum Stop {
    /// A quota or the disk is full, which the report says.
    Full,
    Failed(IntakeError),
}

impl From<Failed> for Stop {
    fn from(failed: Failed) -> Self {
        Self::Failed(match failed {
            Failed::Again => IntakeError::Unavailable,
            Failed::Object(_) => IntakeError::NotDicomWeb,
            Failed::All(error) => error,
        })
    }
}

/// One SOP instance as QIDO-RS lists it.
#[derive(Debug, Clone)]
struct Listed {
    study: Uid,
    series: Uid,
    instance: Uid,
}

/// The elements of a row that are read (PS3.18 annex F.2); all others are passed over.
#[derive(Debug, Deserialize)]
struct Row {
    #[serde(rename = "0020000D")]
    study: Option<Element>,
    #[serde(rename = "0020000E")]
    series: Option<Element>,
    #[serde(rename = "00080018")]
    instance: Option<Element>,
    #[serde(rename = "00080016")]
    class: Option<Element>,
}

#[derive(Debug, Deserialize)]
struct Element {
    #[serde(rename = "Value", default)]
    values: Vec<serde_json::Value>,
}

/// The element's value where it is an UID.
fn uid(element: Option<&Element>) -> Option<Uid> {
    element?.values.first()?.as_str()?.parse().ok()
}

struct Pull<'a> {
    source: &'a WebSource,
    caller: Caller,
    incoming: &'a Arc<Incoming>,
    tally: Tally,
    /// Objects in a row that the server could not give.
    failures: AtomicU32,
    /// Set once the pull is to end: what has begun is finished and counted, nothing else is begun.
    is_ending: AtomicBool,
}

impl Pull<'_> {
    async fn run(&self) -> Result<(), Stop> {
        for study in &self.source.studies {
            self.study(study).await?;
        }
        if self.source.studies.is_empty() { self.search().await } else { Ok(()) }
    }

    /// Every study that matches, a page at a time.
    async fn search(&self) -> Result<(), Stop> {
        let (mut seen, mut offset) = (BTreeSet::new(), 0_usize);
        loop {
            let rows = self.page(&["studies"], offset, &self.source.filters).await?;
            let found: Vec<Uid> = rows.iter().filter_map(|row| uid(row.study.as_ref())).collect();
            let new: Vec<_> = found.into_iter().filter(|study| seen.insert(study.digest())).collect();
            for study in &new {
                self.study(study).await?;
            }
            // A server may give less than was asked for, or the same page for ever.
            if new.is_empty() {
                return Ok(());
            }
            offset = offset.saturating_add(rows.len());
            self.refuse_endless(seen.len())?;
        }
    }

    /// A server that never ends its list must not fill our memory: it names no more than the folder may hold.
    fn refuse_endless(&self, seen: usize) -> Result<(), Stop> {
        if seen as u64 <= self.incoming.quotas().objects {
            return Ok(());
        }
        self.tally.count(Err(Refusal::Quota));
        Err(Stop::Full)
    }

    async fn study(&self, study: &Uid) -> Result<(), Stop> {
        let (mut seen, mut offset) = (BTreeSet::new(), 0_usize);
        loop {
            let rows = self.page(&["studies", study.as_str(), "instances"], offset, &[]).await?;
            let fresh = rows.iter().filter(|row| {
                uid(row.instance.as_ref()).is_some_and(|instance| seen.insert(instance.digest()))
            });
            let fresh: Vec<&Row> = fresh.collect();
            if fresh.is_empty() {
                return Ok(());
            }
            let wanted: Vec<Listed> = fresh.iter().filter_map(|row| self.wanted(study, row)).collect();
            self.fetch_all(wanted).await?;
            offset = offset.saturating_add(rows.len());
            self.refuse_endless(seen.len())?;
        }
    }

    /// The object of a row, unless it is there or is not read; then it is counted here and not fetched.
    fn wanted(&self, study: &Uid, row: &Row) -> Option<Listed> {
        let instance = uid(row.instance.as_ref())?;
        let class = uid(row.class.as_ref());
        if self.incoming.has(&instance.digest().hex()) {
            self.tally.count(Ok(Kept::Already));
            return None;
        }
        if class.is_some_and(|class| !syntax::is_storage(class.as_str())) {
            self.tally.count(Err(Refusal::SopClass));
            return None;
        }
        let Some(series) = uid(row.series.as_ref()) else {
            self.tally.count(Err(Refusal::BadAnswer));
            return None;
        };
        Some(Listed { study: study.clone(), series, instance })
    }

    async fn fetch_all(&self, wanted: Vec<Listed>) -> Result<(), Stop> {
        let mut running = stream::iter(wanted).map(|listed| self.fetch(listed)).buffer_unordered(AT_ONCE);
        let mut ending = Ok(());
        while let Some(outcome) = running.next().await {
            if outcome.is_err() && ending.is_ok() {
                self.is_ending.store(true, SeqCst);
                ending = outcome;
            }
        }
        ending
    }

    async fn fetch(&self, listed: Listed) -> Result<(), Stop> {
        if self.is_ending.load(SeqCst) {
            return Ok(());
        }
        let url = self.url(&[
            "studies",
            listed.study.as_str(),
            "series",
            listed.series.as_str(),
            "instances",
            listed.instance.as_str(),
        ])?;
        let outcome = match self.caller.retry(async || self.object(&url, &listed.instance).await).await {
            Ok(kept) => Ok(kept),
            Err(Failed::Object(refusal)) => Err(refusal),
            Err(Failed::Again) => Err(Refusal::Unavailable),
            Err(Failed::All(error)) => return Err(Stop::Failed(error)),
        };
        self.tally.count(outcome);
        let gone = match outcome {
            Err(refusal) if refusal.stops() => return Err(Stop::Full),
            Err(Refusal::Unavailable) => self.failures.fetch_add(1, SeqCst).saturating_add(1),
            _ => {
                self.failures.store(0, SeqCst);
                0
            }
        };
        if gone >= GIVE_UP { Err(Stop::Failed(IntakeError::Unavailable)) } else { Ok(()) }
    }

    /// One attempt at one object; a body that breaks off may be whole the next time.
    async fn object(&self, url: &Url, instance: &Uid) -> Result<Kept, Failed> {
        let response = self.caller.get(url, ANY_SYNTAX).await?;
        let body = content_type(&response).and_then(body_of).ok_or(Failed::Object(Refusal::BadAnswer))?;
        let refused = Failed::Object;
        let (name, expected) = (instance.digest().hex(), Expected::Instance(instance.clone()));
        let arrival = Arrival::begin(self.incoming, name, Form::File, expected);
        let arrival = receive(response, body, arrival.map_err(refused)?).await?;
        arrival.keep().await.map_err(refused)
    }

    fn url(&self, path: &[&str]) -> Result<Url, Stop> {
        let mut url = self.source.url.clone();
        url.path_segments_mut().map_err(|()| Stop::Failed(IntakeError::Url))?.pop_if_empty().extend(path);
        Ok(url)
    }

    async fn page(&self, path: &[&str], offset: usize, filters: &[Filter]) -> Result<Vec<Row>, Stop> {
        let mut url = self.url(path)?;
        let mut query = url.query_pairs_mut();
        query.append_pair("limit", &PAGE.to_string()).append_pair("offset", &offset.to_string());
        for filter in filters {
            query.append_pair(&filter.key, &filter.value);
        }
        drop(query);
        Ok(self.caller.retry(async || self.rows(&url).await).await?)
    }

    async fn rows(&self, url: &Url) -> Result<Vec<Row>, Failed> {
        let mut response = self.caller.get(url, JSON).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(Vec::new());
        }
        let mut text = Vec::new();
        while let Some(bytes) = response.chunk().await.map_err(|_| Failed::Again)? {
            text.extend_from_slice(&bytes);
            if text.len() > MAX_PAGE {
                return Err(Failed::All(IntakeError::NotDicomWeb));
            }
        }
        serde_json::from_slice(&text).map_err(|_| Failed::All(IntakeError::NotDicomWeb))
    }
}

fn content_type(response: &Response) -> Option<&str> {
    response.headers().get(CONTENT_TYPE)?.to_str().ok()
}

/// Streams an answer into an arrival.
async fn receive(mut response: Response, body: Body, mut arrival: Arrival) -> Result<Arrival, Failed> {
    let mut parts = match body {
        Body::Plain => None,
        Body::Parts(delimiter) => Some(OnePart::new(delimiter)),
    };
    while let Some(bytes) = response.chunk().await.map_err(|_| Failed::Again)? {
        let mut write = |bytes: &[u8]| arrival.write(bytes);
        match &mut parts {
            None => write(&bytes),
            Some(parts) => parts.push(&bytes, &mut write),
        }
        .map_err(Failed::Object)?;
    }
    // A connection that was closed early looks like an end.
    if parts.is_some_and(|parts| parts.end().is_err()) { Err(Failed::Again) } else { Ok(arrival) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_keyword_or_tag_and_a_value() {
        assert!("ModalitiesInStudy=CT".parse::<Filter>().is_ok());
        assert!("00080061=CT\\PT".parse::<Filter>().is_ok());
        for bad in ["CT", "=CT", "limit=9", "Offset=3", "Patient Name=x", "a&b=c", "PatientID="] {
            assert!(matches!(bad.parse::<Filter>(), Err(IntakeError::Filter)), "{bad}");
        }
    }

    #[test]
    fn a_url_with_a_password_or_of_another_scheme_is_refused() {
        for bad in ["https://me:secret@pacs/", "ftp://pacs/", "file:///pacs", "https://pacs/?token=x"] {
            assert!(check_url(&Url::parse(bad).unwrap()).is_err(), "{bad}");
        }
        assert!(check_url(&Url::parse("https://pacs/dicom-web/").unwrap()).is_ok());
    }
}
