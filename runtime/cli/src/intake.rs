//! The ways in: `trocar node pull` and `trocar node receive`.

use crate::failure::{Exit, Failure};
use crate::out::{Out, say};
use clap::{ArgGroup, Args, value_parser};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use trocar_intake::{
    AeTitle, Credentials, Filter, Incoming, IntakeError, Peer, Peers, Quotas, ReceiveOptions, Report, Uid,
    Until, WebSource, pull_store, pull_web,
};
use trocar_node::Node;
use trocar_terms::Name;

/// The first pause before a request is tried again.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(crate) struct Landing {
    /// A folder of its own below the dataset's, where objects land; the dataset's own folder by default, which must then be
    /// empty at first.
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// Objects that the folder may hold.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    max_objects: u64,
    /// Bytes that the folder may hold, such as 500GiB.
    #[arg(long, value_name = "BYTES", default_value = "1TiB")]
    max_bytes: Bytes,
    /// Bytes of one object.
    #[arg(long, value_name = "BYTES", default_value = "4GiB")]
    max_object_bytes: Bytes,
    /// Bytes that stay free on the disk.
    #[arg(long, value_name = "BYTES", default_value = "1GiB")]
    min_free: Bytes,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("from").required(true))]
pub(crate) struct Pull {
    /// The dataset.
    name: Name,
    /// The base URL of a PACS's DICOMweb services (QIDO-RS and WADO-RS).
    #[arg(long, value_name = "URL", group = "from")]
    dicomweb: Option<trocar_intake::Url>,
    /// An object store: s3://BUCKET/PREFIX (AWS_ACCESS_KEY_ID, AWS_ENDPOINT and the like are read from the environment) or
    /// file:///FOLDER.
    #[arg(long, value_name = "URL", group = "from")]
    store: Option<trocar_intake::Url>,
    /// What studies must match, such as ModalitiesInStudy=CT or StudyDate=20200101-20201231; all of them.
    #[arg(long = "where", value_name = "KEY=VALUE", conflicts_with_all = ["store", "studies"])]
    filters: Vec<Filter>,
    /// A study by its UID.
    #[arg(long = "study", value_name = "UID", conflicts_with = "store")]
    studies: Vec<Uid>,
    /// A file that only you can read, with a bearer token.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["store", "basic_file"])]
    token_file: Option<PathBuf>,
    /// A file that only you can read, with one line USER:PASSWORD.
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    basic_file: Option<PathBuf>,
    /// PEM file of the only certificates to trust; the system's by default.
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    landing: Landing,
}

#[derive(Debug, Args)]
pub(crate) struct Receive {
    /// The dataset.
    name: Name,
    /// Address and port to listen on; port 0 lets the system choose.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:11112")]
    listen: std::net::SocketAddr,
    /// Our own AE title, which a peer must call.
    #[arg(long, value_name = "AE_TITLE", default_value = "TROCAR")]
    ae: AeTitle,
    /// Who may send: a calling AE title, and the host that it must come from.
    #[arg(long, value_name = "AE_TITLE[@HOST]", required = true)]
    allow: Vec<Peer>,
    /// Associations at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = value_parser!(u16).range(1..=1024))]
    max_associations: u16,
    /// Bytes that one association may bring.
    #[arg(long, value_name = "BYTES", default_value = "100GiB")]
    max_association_bytes: Bytes,
    /// The longest silence of a peer.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// End after the first association.
    #[arg(long, conflicts_with = "idle")]
    once: bool,
    /// End when no association was open for this long.
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..=31_536_000))]
    idle: Option<u64>,
    #[command(flatten)]
    landing: Landing,
}

/// A number of bytes, with or without KiB, MiB, GiB or TiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes(u64);

const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

impl FromStr for Bytes {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unit = UNITS.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size)));
        let (digits, size) = unit.unwrap_or((text, 1));
        let count = digits.trim_end().parse::<u64>().ok().and_then(|count| count.checked_mul(size));
        count.map(Self).ok_or("bytes are written as a whole number with or without KiB, MiB, GiB or TiB")
    }
}

impl From<IntakeError> for Failure {
    fn from(error: IntakeError) -> Self {
        Self::plain(Exit::Failed, error)
    }
}

async fn open(
    node: &Node,
    name: &Name,
    landing: &Landing,
    association_bytes: u64,
) -> Result<Arc<Incoming>, Failure> {
    let dataset = node.store().dataset(name).await?;
    let quotas = Quotas {
        objects: landing.max_objects,
        bytes: landing.max_bytes.0,
        object_bytes: landing.max_object_bytes.0,
        association_bytes,
        free_bytes: landing.min_free.0,
    };
    Ok(Arc::new(Incoming::open(&dataset.path, landing.into.as_deref(), quotas)?))
}

/// Fetches what is not there yet; exit 1 where something that was asked for could not be had.
pub(crate) async fn pull(out: Out, node: &Node, args: &Pull) -> Result<Exit, Failure> {
    let incoming = open(node, &args.name, &args.landing, u64::MAX).await?;
    let spinner = out.spinner("fetching");
    let report = match (&args.dicomweb, &args.store) {
        (Some(url), _) => pull_web(&web_source(url, args)?, &incoming).await?,
        (None, Some(url)) => pull_store(url, &incoming).await?,
        (None, None) => return Err(Failure::plain(Exit::Usage, IntakeError::Url)),
    };
    drop(spinner);
    show(out, &args.name, &report)?;
    if report.is_complete() {
        return Ok(Exit::Done);
    }
    say("Not everything could be had: see the reasons, then run the same command again to go on.");
    Ok(Exit::Failed)
}

fn web_source(url: &trocar_intake::Url, args: &Pull) -> Result<WebSource, Failure> {
    let credentials = match (&args.token_file, &args.basic_file) {
        (Some(path), _) => Credentials::bearer(path)?,
        (None, Some(path)) => Credentials::basic(path)?,
        (None, None) => Credentials::none(),
    };
    Ok(WebSource {
        url: url.clone(),
        credentials,
        ca: args.ca.clone(),
        filters: args.filters.clone(),
        studies: args.studies.clone(),
        pause: PAUSE,
    })
}

/// Receives until a signal, or until the first association or a silence has ended.
pub(crate) async fn receive(out: Out, node: &Node, args: Receive) -> Result<Exit, Failure> {
    let incoming = open(node, &args.name, &args.landing, args.max_association_bytes.0).await?;
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.map_err(|e| {
        Failure::plain(
            Exit::Failed,
            anyhow::Error::new(e).context(format!("cannot listen on {}", args.listen)),
        )
    })?;
    let address = listener.local_addr().map_err(|e| Failure::plain(Exit::Failed, e))?;
    let until = match args.idle {
        Some(seconds) => Until::Idle(Duration::from_secs(seconds)),
        None if args.once => Until::First,
        None => Until::Stopped,
    };
    let options = ReceiveOptions {
        title: args.ae,
        peers: Peers::new(args.allow)?,
        associations: usize::from(args.max_associations),
        silence: Duration::from_secs(args.timeout),
        until,
    };
    let stop = stopped()?;
    say(&format!("Listening on {address} as {}.", options.title.as_str()));
    if !address.ip().is_loopback() {
        say("C-STORE is not encrypted: let only the modalities' own network reach this port.");
    }
    let report = trocar_intake::receive(listener, options, incoming, stop).await;
    show(out, &args.name, &report)?;
    Ok(Exit::Done)
}

/// Ends with SIGINT or SIGTERM. The handlers are set before anyone is told that we listen.
fn stopped() -> Result<impl Future<Output = ()>, Failure> {
    let set = |kind| signal(kind).map_err(|e| Failure::plain(Exit::Failed, e));
    let (mut interrupt, mut terminate) = (set(SignalKind::interrupt())?, set(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn show(out: Out, name: &Name, report: &Report) -> Result<(), Failure> {
    out.result(&row(name, report), || words(report))?;
    if report.received > 0 {
        say(&format!("Next: `trocar node scan {name}` reads what came in."));
    }
    Ok(())
}

fn row(name: &Name, report: &Report) -> Value {
    json!({"dataset": name, "received": report.received, "already_there": report.already_there,
        "refused": report.refused, "bytes": report.bytes})
}

fn words(report: &Report) -> String {
    let mut words = format!(
        "{} received ({} bytes), {} already there, {} refused",
        report.received,
        report.bytes,
        report.already_there,
        report.refusals()
    );
    for (refusal, count) in &report.refused {
        words.push_str(&format!("\n  {:<18} {count:>7}  {}", refusal.word(), refusal.text()));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_whole_and_bounded() {
        assert_eq!("0".parse(), Ok(Bytes(0)));
        assert_eq!("2GiB".parse(), Ok(Bytes(2 << 30)));
        assert_eq!("2 KiB".parse(), Ok(Bytes(2048)));
        for bad in ["", "GiB", "-1", "1.5GiB", "1GB", "99999999TiB"] {
            assert!(bad.parse::<Bytes>().is_err(), "{bad}");
        }
    }
}
