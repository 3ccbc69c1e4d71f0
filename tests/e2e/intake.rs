//! The ways in, through the binary: what it says, where it writes, how it ends.

use crate::world::{Said, World, binary};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A node with an empty dataset folder, and a synthetic cohort elsewhere.
fn world() -> (World, PathBuf, PathBuf) {
    let world = World::new();
    let (cohort, folder) = (world.cohort("cohort", 12, "CT"), world.path("liver"));
    fs::create_dir(&folder).unwrap();
    let path = folder.display().to_string();
    world.run(&["node", "dataset", "add", "liver", &path]).exits(0);
    (world, cohort, folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { found.extend(files(&entry)) } else { found.push(entry) }
    }
    found
}

fn dicom(folder: &Path) -> Vec<PathBuf> {
    files(folder).into_iter().filter(|path| path.extension().is_some_and(|e| e == "dcm")).collect()
}

#[test]
fn a_folder_is_pulled_by_its_url_then_scanned() {
    let (world, cohort, folder) = world();
    let url = format!("file://{}", cohort.display());
    let said = world.run(&["node", "pull", "liver", "--store", &url]).exits(0);
    let count = dicom(&cohort).len();
    assert_eq!(said.json()["received"], count);
    assert!(said.err.contains("trocar node scan liver"), "no word of what to do next: {}", said.err);
    assert_eq!(dicom(&folder).len(), count);
    let again = world.run(&["node", "pull", "liver", "--store", &url]).exits(0).json();
    assert_eq!((&again["received"], &again["already_there"]), (&0.into(), &count.into()));
    let scanned = world.run(&["node", "scan", "liver"]).exits(0).json();
    assert_eq!(scanned[0]["patients"], 12, "{scanned}");
}

#[test]
fn an_operator_s_own_folder_is_written_to_only_below_a_name_of_its_own() {
    let (world, cohort, _) = world();
    let (path, url) = (cohort.display().to_string(), format!("file://{}", cohort.display()));
    world.run(&["node", "dataset", "add", "own", &path]).exits(0);
    let before = files(&cohort).len();
    let said = world.run(&["node", "pull", "own", "--store", &url]).exits(1);
    assert!(said.err.contains("--into FOLDER"), "{}", said.err);
    assert_eq!(files(&cohort).len(), before, "something was written");
    let other = world.cohort("other", 3, "CT");
    let url = format!("file://{}", other.display());
    let count = dicom(&other).len();
    let said = world.run(&["node", "pull", "own", "--store", &url, "--into", "in"]).exits(0).json();
    assert_eq!(said["received"], count);
    assert_eq!(files(&cohort).len(), before + count);
    world.run(&["node", "pull", "own", "--store", &url, "--into", "../out"]).exits(1);
}

#[test]
fn what_is_not_a_way_in_is_a_usage_error_or_said_in_one_line() {
    let (world, _, _) = world();
    let pull = ["node", "pull", "liver"];
    for (more, code, word) in [
        (&[][..], 2, "--dicomweb"),
        (&["--dicomweb", "http://127.0.0.1:9", "--store", "file:///tmp"], 2, "cannot be used with"),
        (&["--dicomweb", "nonsense"], 2, "relative URL"),
        (&["--dicomweb", "http://127.0.0.1:9", "--study", "1.2/3"], 2, "digits and dots"),
        (&["--dicomweb", "http://127.0.0.1:9", "--where", "limit=3"], 2, "KEY=VALUE"),
        (&["--dicomweb", "http://me:pw@127.0.0.1:9"], 1, "password"),
        (&["--store", "ftp://x/y"], 1, "s3 or file"),
        (&["--store", "file:///no/such/folder"], 1, "cannot be listed"),
        (&["--dicomweb", "http://127.0.0.1:9", "--max-bytes", "1GB"], 2, "KiB"),
    ] {
        let said = world.run(&[&pull[..], more].concat()).exits(code);
        assert!(said.err.contains(word), "{more:?}: {}", said.err);
        assert!(!said.err.contains(":pw@"), "a password is repeated: {}", said.err);
    }
    let said = world.run(&["node", "receive", "liver", "--listen", "127.0.0.1:0"]).exits(2);
    assert!(said.err.contains("--allow"), "{}", said.err);
    let said = world.run(&["node", "receive", "nowhere", "--allow", "A", "--listen", "127.0.0.1:0"]).exits(1);
    assert!(said.err.contains("there is no dataset nowhere"), "{}", said.err);
}

/// A receiver in a process of its own.
struct Receiver {
    child: Child,
    words: BufReader<std::process::ChildStderr>,
    port: String,
}

impl Receiver {
    fn start(world: &World, more: &[&str]) -> Self {
        let fixed = ["node", "receive", "liver", "--listen", "127.0.0.1:0", "--allow", "SCANNER"];
        let mut command = world.command(&[&fixed[..], more].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut words = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        words.read_line(&mut line).unwrap();
        let port = line.split([':', ' ']).nth(3).unwrap_or_else(|| panic!("no port in {line:?}")).to_owned();
        Self { child, words, port }
    }

    /// Waits for its end.
    fn ends(mut self) -> Said {
        let (mut out, mut err) = (String::new(), String::new());
        self.words.read_to_string(&mut err).unwrap();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        Said { code: self.child.wait().unwrap().code().unwrap_or(-1), out, err }
    }

    /// A signal to this process alone.
    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

#[test]
fn a_receiver_ends_cleanly_on_a_signal_and_nobody_shares_its_folder() {
    let (world, cohort, _) = world();
    for signal in ["-TERM", "-INT"] {
        let receiver = Receiver::start(&world, &[]);
        let url = format!("file://{}", cohort.display());
        let said = world.run(&["node", "pull", "liver", "--store", &url]).exits(1);
        assert!(said.err.contains("another pull or receive"), "{}", said.err);
        receiver.signal(signal);
        let said = receiver.ends().exits(0);
        assert_eq!(said.json()["received"], 0);
    }
}

#[test]
fn storescu_fills_a_dataset_and_a_scan_finds_its_patients() {
    if Command::new("storescu").arg("--version").output().is_err() {
        println!("skipped: storescu is not here (Debian: dcmtk)");
        return;
    }
    let (world, cohort, folder) = world();
    let receiver = Receiver::start(&world, &["--once"]);
    let sent = Command::new("storescu")
        .args(["-aet", "SCANNER", "-aec", "TROCAR", "+sd", "+r", "+sp", "*.dcm", "127.0.0.1", &receiver.port])
        .arg(&cohort)
        .output()
        .unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let said = receiver.ends().exits(0);
    assert_eq!(said.json()["received"], dicom(&cohort).len());
    assert!(said.err.contains("trocar node scan liver"), "{}", said.err);
    assert_eq!(dicom(&folder).len(), dicom(&cohort).len());
    let scanned = world.run(&["node", "scan", "liver"]).exits(0).json();
    assert_eq!(scanned[0]["patients"], 12, "{scanned}");
}

/// As much of S3 as a pull needs: ListObjectsV2, two keys a page, and GetObject with If-Match.
struct Bucket(String);

impl Bucket {
    fn start(objects: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is no failure of the bucket's.
                let _ = answer(&stream, &objects);
            }
        });
        Self(address)
    }
}

fn answer(mut stream: &TcpStream, objects: &BTreeMap<String, Vec<u8>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let Some(Ok(first)) = lines.next() else { return Ok(()) };
    let signed = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
    let signed =
        signed.filter(|line| line.to_lowercase().starts_with("authorization: aws4-hmac-sha256")).count();
    let target = first.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let key = path.trim_start_matches("/images").trim_start_matches('/');
    let (status, tag, body) = match objects.get(key) {
        _ if signed != 1 => (403, String::new(), Vec::new()),
        Some(bytes) => (200, tag(bytes), bytes.clone()),
        None if query.contains("list-type=2") => (200, String::new(), list(query, objects).into_bytes()),
        None => (404, String::new(), Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\nETag: {tag}\r\nLast-Modified: Tue, 24 Nov 2026 06:00:00 GMT\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

fn tag(bytes: &[u8]) -> String {
    let digest = trocar_terms::Digest::of(bytes).hex();
    format!("\"{}\"", &digest[..32])
}

fn list(query: &str, objects: &BTreeMap<String, Vec<u8>>) -> String {
    let from = query.split('&').find_map(|pair| pair.strip_prefix("continuation-token="));
    let from: usize = from.map_or(0, |text| text.parse().unwrap());
    let inside: Vec<_> = objects.iter().filter(|(key, _)| key.starts_with("sarcoma/")).collect();
    let row = |(key, bytes): &(&String, &Vec<u8>)| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-11-24T06:00:00.000Z</LastModified><ETag>{}</ETag>\
             <Size>{}</Size></Contents>",
            tag(bytes),
            bytes.len()
        )
    };
    let rows: String = inside.iter().skip(from).take(2).map(row).collect();
    let more = if from + 2 < inside.len() {
        format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{}</NextContinuationToken>", from + 2)
    } else {
        "<IsTruncated>false</IsTruncated>".to_owned()
    };
    format!("<?xml version=\"1.0\"?><ListBucketResult>{more}{rows}</ListBucketResult>")
}

#[test]
fn an_s3_shaped_store_is_pulled_page_by_page_below_its_prefix_and_once() {
    let (world, cohort, folder) = world();
    let images: Vec<_> = dicom(&cohort).into_iter().take(5).map(|path| fs::read(path).unwrap()).collect();
    let mut objects: BTreeMap<_, _> =
        images.iter().enumerate().map(|(i, bytes)| (format!("sarcoma/{i}.dcm"), bytes.clone())).collect();
    objects.insert("sarcoma/notes.txt".to_owned(), b"no image".to_vec());
    objects.insert("other/1.dcm".to_owned(), b"outside the prefix".to_vec());
    let bucket = Bucket::start(objects);
    let pull = || {
        let mut command = Command::new(binary());
        command.env("TROCAR_HOME", world.home()).env("AWS_ENDPOINT", &bucket.0).env("AWS_ALLOW_HTTP", "true");
        command
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "eu");
        let args = ["--json", "node", "pull", "liver", "--store", "s3://images/sarcoma"];
        Said::from(command.args(args).output().unwrap())
    };
    let said = pull().exits(0).json();
    assert_eq!((&said["received"], &said["refused"]["not-dicom"]), (&5.into(), &1.into()), "{said}");
    let mut kept: Vec<_> = dicom(&folder).iter().map(|path| fs::read(path).unwrap()).collect();
    let mut sent = images;
    kept.sort();
    sent.sort();
    assert!(kept == sent, "an object changed on its way");
    let said = pull().exits(0).json();
    assert_eq!((&said["received"], &said["already_there"]), (&0.into(), &5.into()), "{said}");
}
