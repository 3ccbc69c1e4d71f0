//! A package to push, and two registries to push it to: Debian's, and one of our own that can misbehave.
#![allow(dead_code, reason = "each test file uses some of it")]

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use trocar_manifest::Package;
use trocar_manifest::keys::SecretKey;
use trocar_registry::{Options, Reference, Registry};
use trocar_terms::Digest;

/// A component of two imports and one export.
const COMPONENT: &str = r#"(component
    (import "trocar:guest/log@0.1.1" (instance))
    (instance $map)
    (export "trocar:guest/map@0.1.1" (instance $map)))"#;

/// A signed package; another `version` is another package with the same component.
pub(crate) fn package(version: &str) -> Vec<u8> {
    let text = include_str!("../../../../guest-examples/ct-intensity/manifest.toml");
    assert!(text.contains("version = \"0.1.0\""));
    let text = text.replace("version = \"0.1.0\"", &format!("version = \"{version}\""));
    let key = SecretKey::generate(&mut ChaCha20Rng::seed_from_u64(1));
    Package::pack(&text, &wat::parse_str(COMPONENT).unwrap(), &BTreeMap::new(), &key).unwrap()
}

pub(crate) fn reference(host: &str, place: &str) -> Reference {
    format!("{host}/imaging/ct-intensity{place}").parse().unwrap()
}

pub(crate) fn open(reference: &Reference) -> Registry {
    let options = Options { silence: Duration::from_millis(1500), ..Options::default() };
    Registry::of(reference, options).unwrap()
}

/// Debian's docker-registry, on a port of its own choice and in a folder that is removed.
pub(crate) struct Debian {
    process: Child,
    pub(crate) host: String,
    _folder: tempfile::TempDir,
}

const BINARY: &str = "/usr/bin/docker-registry";

/// `me` with the password `secret`, as htpasswd writes it (bcrypt).
pub(crate) const HTPASSWD: &str = "me:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n";

impl Debian {
    /// `None`, said on one line, where it is not here. A build server that has apt has installed it (`cargo xtask test`).
    pub(crate) fn start(auth: bool) -> Option<Self> {
        if !Path::new(BINARY).is_file() {
            let on_ci = std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
            let has_apt = Path::new("/usr/bin/apt-get").is_file();
            assert!(!(on_ci && has_apt), "{BINARY} is not here, and on a build server it must be");
            println!("skipped: {BINARY} is not here (Debian: docker-registry)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (store, users) = (folder.path().join("store"), folder.path().join("htpasswd"));
        fs::write(&users, HTPASSWD).unwrap();
        let auth = if auth {
            format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", users.display())
        } else {
            String::new()
        };
        let config = format!(
            "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:0\n{auth}",
            store.display()
        );
        let path = folder.path().join("config.yml");
        fs::write(&path, config).unwrap();
        let mut process = Command::new(BINARY)
            .arg("serve")
            .arg(&path)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let host = listening(process.stderr.take().unwrap());
        Some(Self { process, host, _folder: folder })
    }
}

/// It says where it listens; the rest of its words is read away, so that it never waits for us.
fn listening(words: impl Read + Send + 'static) -> String {
    let (found, host) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(words).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("listening on ") {
                let end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':')));
                let _ = found.send(rest[..end.unwrap_or(rest.len())].to_owned());
            }
        }
    });
    host.recv_timeout(Duration::from_secs(30)).expect("docker-registry listens")
}

impl Drop for Debian {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What our own registry answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    /// With its length told.
    Told,
    /// The body again and again, without a length, until nobody reads.
    Never,
    /// After the body the connection is kept, and nothing comes.
    Silent,
    /// Half of what was told.
    Half,
}

impl Answer {
    pub(crate) fn new(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type", media_type.to_owned())];
        Self { status, headers, body: body.into(), end: End::Told }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn ending(self, end: End) -> Self {
        Self { end, ..self }
    }
}

/// A registry in this process. It keeps what is put, and answers as it is told.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) host: String,
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Default)]
struct Shelf {
    kept: HashMap<String, (String, Vec<u8>)>,
    /// What a GET of this path is answered, whatever is kept.
    told: HashMap<String, Answer>,
    /// Lists by subject, where it has the referrers API.
    lists: Option<HashMap<String, Vec<serde_json::Value>>>,
    seen: Vec<String>,
    uploads: Option<String>,
}

const AT: &str = "/v2/imaging/ct-intensity/";

impl Fake {
    /// With or without the referrers API.
    pub(crate) fn start(api: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let shelf = Shelf { lists: api.then(HashMap::new), ..Shelf::default() };
        let fake = Self { host, shelf: Arc::new(Mutex::new(shelf)) };
        let serving = fake.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let fake = serving.clone();
                std::thread::spawn(move || fake.serve(stream));
            }
        });
        fake
    }

    /// From now on, what a GET below the repository is answered.
    pub(crate) fn tell(&self, path: &str, answer: Answer) {
        self.shelf.lock().unwrap().told.insert(format!("{AT}{path}"), answer);
    }

    /// What is kept at a path below the repository.
    pub(crate) fn kept(&self, path: &str) -> Vec<u8> {
        self.shelf.lock().unwrap().kept[&format!("{AT}{path}")].1.clone()
    }

    pub(crate) fn untell(&self, path: &str) {
        self.shelf.lock().unwrap().told.remove(&format!("{AT}{path}"));
    }

    pub(crate) fn told(&self, path: &str) -> Option<Vec<u8>> {
        Some(self.shelf.lock().unwrap().told.get(&format!("{AT}{path}"))?.body.clone())
    }

    /// Where uploads are sent.
    pub(crate) fn tell_uploads(&self, url: &str) {
        self.shelf.lock().unwrap().uploads = Some(url.to_owned());
    }

    /// What it lists for a subject.
    pub(crate) fn list(&self, subject: &str) -> Vec<serde_json::Value> {
        self.shelf.lock().unwrap().lists.as_ref().unwrap()[subject].clone()
    }

    /// Keeps another index in place of one.
    pub(crate) fn put_index(&self, path: &str, index: &serde_json::Value) {
        let kept = ("application/vnd.oci.image.index.v1+json".to_owned(), index.to_string().into_bytes());
        self.shelf.lock().unwrap().kept.insert(format!("{AT}{path}"), kept);
    }

    /// Every request so far, with what it said of who we are.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shelf.lock().unwrap().seen.clone()
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split(' ').map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        let (mut length, mut media_type, mut who) = (0, String::new(), String::new());
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().ok()?,
                "content-type" => media_type = value.to_owned(),
                "authorization" => who = value.to_owned(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let answer = {
            let mut shelf = self.shelf.lock().unwrap();
            shelf.seen.push(format!("{method} {path} {who}"));
            shelf.answer(&method, &path, &media_type, body)
        };
        write(&mut stream, &method, &answer)
    }
}

impl Shelf {
    fn answer(&mut self, method: &str, path: &str, media_type: &str, body: Vec<u8>) -> Answer {
        if let Some(answer) = self.told.get(path).filter(|_| method == "GET") {
            return answer.clone();
        }
        match method {
            "GET" | "HEAD" => self.get(path),
            "POST" => {
                let own = format!("{AT}blobs/uploads/1?state=x");
                Answer::new(202, "", "").with("Location", self.uploads.clone().unwrap_or(own))
            }
            _ => self.put(path, media_type, body),
        }
    }

    fn get(&self, path: &str) -> Answer {
        let list = path.strip_prefix(&format!("{AT}referrers/")).zip(self.lists.as_ref());
        if let Some((subject, lists)) = list {
            let manifests = lists.get(subject).cloned().unwrap_or_default();
            let index = serde_json::json!({"schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests});
            return Answer::new(200, "application/vnd.oci.image.index.v1+json", index.to_string());
        }
        match self.kept.get(path) {
            Some((media_type, body)) => Answer::new(200, media_type, body.clone()),
            None => Answer::new(404, "text/plain", "404 page not found"),
        }
    }

    fn put(&mut self, path: &str, media_type: &str, body: Vec<u8>) -> Answer {
        let digest = Digest::of(&body).to_string();
        let Some((upload, query)) = path.split_once('?') else {
            let subject = self.list(media_type, &body);
            self.kept.insert(path.to_owned(), (media_type.to_owned(), body.clone()));
            self.kept.insert(format!("{AT}manifests/{digest}"), (media_type.to_owned(), body));
            let answer = Answer::new(201, "", "");
            return match subject {
                Some(subject) => answer.with("OCI-Subject", subject),
                None => answer,
            };
        };
        assert_eq!(upload, format!("{AT}blobs/uploads/1"));
        assert_eq!(query, format!("state=x&digest={}", digest.replace(':', "%3A")));
        self.kept.insert(format!("{AT}blobs/{digest}"), ("application/octet-stream".into(), body));
        Answer::new(201, "", "")
    }

    /// Lists a manifest with its subject, as the referrers API does.
    fn list(&mut self, media_type: &str, body: &[u8]) -> Option<String> {
        let lists = self.lists.as_mut()?;
        let manifest: serde_json::Value = serde_json::from_slice(body).ok()?;
        let subject = manifest["subject"]["digest"].as_str()?.to_owned();
        let descriptor = serde_json::json!({"mediaType": media_type, "digest": Digest::of(body).to_string(),
            "size": body.len(), "artifactType": manifest["artifactType"], "annotations": manifest["annotations"]});
        let list = lists.entry(subject.clone()).or_default();
        if !list.contains(&descriptor) {
            list.push(descriptor);
        }
        Some(subject)
    }
}

fn write(stream: &mut TcpStream, method: &str, answer: &Answer) -> Option<()> {
    let mut head = format!("HTTP/1.1 {} Answer\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if answer.end != End::Never {
        head.push_str(&format!("Content-Length: {}\r\n", answer.body.len()));
    }
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(b"\r\n").ok()?;
    if method == "HEAD" {
        return Some(());
    }
    match answer.end {
        End::Told => stream.write_all(&answer.body).ok()?,
        End::Half | End::Silent => stream.write_all(&answer.body[..answer.body.len() / 2]).ok()?,
        End::Never => loop {
            stream.write_all(&answer.body).ok()?;
        },
    }
    if answer.end == End::Silent {
        std::thread::sleep(Duration::from_secs(6));
    }
    Some(())
}
