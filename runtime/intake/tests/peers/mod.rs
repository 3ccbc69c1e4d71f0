//! Peers that are not ours: Debian's Orthanc and dcmtk, started and stopped by the test that needs them.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use trocar_intake::{Incoming, Quotas};

/// Whether a program is here; said on one line where not. A build server that has apt has installed it (`cargo xtask test`).
pub(crate) fn has(program: &str) -> bool {
    let found = |name: &str| {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).chain(["/usr/sbin".into()]).any(|folder| folder.join(name).is_file())
    };
    if found(program) {
        return true;
    }
    let on_ci = std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
    assert!(!(on_ci && found("apt-get")), "{program} is not here, and on a build server it must be");
    println!("skipped: {program} is not here (Debian: dcmtk, orthanc, orthanc-dicomweb)");
    false
}

/// Quotas that nothing here reaches.
pub(crate) const AMPLE: Quotas = Quotas {
    objects: 100_000,
    bytes: 1 << 40,
    object_bytes: 1 << 30,
    association_bytes: 1 << 40,
    free_bytes: 0,
};

pub(crate) fn incoming(folder: &Path, quotas: Quotas) -> Arc<Incoming> {
    Arc::new(Incoming::open(folder, None, quotas).unwrap())
}

pub(crate) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub(crate) const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// A small image as explicit VR little endian.
pub(crate) fn data_set(class: &str, study: &str, instance: &str) -> Vec<u8> {
    let modality = if class == CT { "CT" } else { "MR" };
    let mut set = Vec::new();
    for (group, element, vr, value) in [
        (0x0008, 0x0016, "UI", class),
        (0x0008, 0x0018, "UI", instance),
        (0x0008, 0x0060, "CS", modality),
        (0x0010, 0x0010, "PN", "Nobody^Is"),
        (0x0010, 0x0020, "LO", "P1"),
        (0x0020, 0x000D, "UI", study),
        (0x0020, 0x000E, "UI", &format!("{study}.1")),
        (0x0020, 0x0013, "IS", "1"),
    ] {
        put(&mut set, (group, element), vr, value.as_bytes());
    }
    for (element, value) in
        [(2, 1), (0x10, 16), (0x11, 16), (0x0100, 16), (0x0101, 12), (0x0102, 11), (0x0103, 0)]
    {
        if element == 0x10 {
            put(&mut set, (0x0028, 0x0004), "CS", b"MONOCHROME2");
        }
        put(&mut set, (0x0028, element), "US", &u16::to_le_bytes(value));
    }
    let pixels: Vec<u8> = instance.bytes().cycle().take(512).collect();
    set.extend(b"\xE0\x7F\x10\0OW\0\0\0\x02\0\0");
    set.extend(pixels);
    set
}

pub(crate) fn put(set: &mut Vec<u8>, (group, element): (u16, u16), vr: &str, value: &[u8]) {
    let pad = if vr == "UI" { 0 } else { b' ' };
    let mut value = value.to_vec();
    value.resize(value.len().next_multiple_of(2), pad);
    set.extend(group.to_le_bytes());
    set.extend(element.to_le_bytes());
    set.extend(vr.bytes());
    set.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
    set.extend(value);
}

/// The same as a file.
pub(crate) fn file(class: &str, study: &str, instance: &str) -> Vec<u8> {
    let mut group = Vec::new();
    put(&mut group, (2, 2), "UI", class.as_bytes());
    put(&mut group, (2, 3), "UI", instance.as_bytes());
    put(&mut group, (2, 0x10), "UI", EXPLICIT.as_bytes());
    let mut file = vec![0; 128];
    file.extend(b"DICM\x02\0\0\0UL\x04\0");
    file.extend(u32::try_from(group.len()).unwrap().to_le_bytes());
    [file, group, data_set(class, study, instance)].concat()
}

/// What follows the meta group, by its group length.
pub(crate) fn data_of(file: &[u8]) -> &[u8] {
    assert_eq!(&file[128..132], b"DICM");
    let length = u32::from_le_bytes(file[140..144].try_into().unwrap()) as usize;
    &file[144 + length..]
}

/// Every object in an incoming folder.
pub(crate) fn objects(folder: &Path) -> Vec<PathBuf> {
    let shards = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = shards.flat_map(|shard| fs::read_dir(shard).unwrap()).map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

/// Where the object of an UID lands.
pub(crate) fn place(folder: &Path, instance: &str) -> PathBuf {
    let hex = trocar_terms::Digest::of(instance.as_bytes()).hex();
    folder.join(&hex[..2]).join(format!("{hex}.dcm"))
}

/// The real files of pydicom, where they were fetched.
pub(crate) fn pydicom() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/data");
    let folder = std::env::var_os("TROCAR_DATA").map_or(default, PathBuf::from).join("pydicom");
    if !folder.is_dir() {
        println!("skipped: no real DICOM files in {} (cargo xtask data)", folder.display());
        return None;
    }
    Some(folder)
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A program that ends with the test.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Debian's Orthanc with its DICOMweb plugin, in a folder of its own.
pub(crate) struct Orthanc {
    pub(crate) port: u16,
    pub(crate) folder: tempfile::TempDir,
    _process: Running,
}

impl Orthanc {
    /// Starts one with more lines of configuration, and waits until it listens.
    pub(crate) fn start(more: &str) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        Self::start_in(port, folder, more)
    }

    pub(crate) fn start_in(port: u16, folder: tempfile::TempDir, more: &str) -> Self {
        let shown = folder.path().display();
        let text = format!(
            r#"{{"Name": "TEST", "StorageDirectory": "{shown}/db", "IndexDirectory": "{shown}/db", "HttpPort": {port},
            "DicomServerEnabled": false, "RemoteAccessAllowed": false, "HttpServerEnabled": true,
            "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
            "DicomWeb": {{"Enable": true, "Root": "/dicom-web/"}} {more}}}"#
        );
        let configuration = folder.path().join("orthanc.json");
        fs::write(&configuration, text).unwrap();
        let process = Running::start(Command::new("/usr/sbin/Orthanc").arg(&configuration));
        wait_for(port);
        Self { port, folder, _process: process }
    }

    /// Stores a file as it is, over its own REST interface.
    pub(crate) fn upload(&self, file: &[u8]) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "POST /instances HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            file.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(file).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "Orthanc did not take the file: {answer}");
    }

    pub(crate) fn url(&self) -> trocar_intake::Url {
        format!("http://127.0.0.1:{}/dicom-web", self.port).parse().unwrap()
    }
}

/// Waits until something listens.
pub(crate) fn wait_for(port: u16) {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing listens on port {port}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs one of dcmtk's programs to its end.
pub(crate) fn dcmtk(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// All that a program said.
pub(crate) fn words(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].concat().iter().map(|b| char::from(*b)).collect()
}
