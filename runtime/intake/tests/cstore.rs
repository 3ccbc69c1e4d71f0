//! C-STORE from dcmtk's storescu, and from peers that misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "the helpers of a test may panic as the test itself may"
)]

mod peers;
mod raw;

use peers::{AMPLE, CT, EXPLICIT, data_of, data_set, dcmtk, file, has, incoming, objects, place, words};
use raw::{Peer, command};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use trocar_intake::{Peers, Quotas, ReceiveOptions, Refusal, Report, Until, receive};

/// A receiver on a port of the system's choice.
struct Station {
    port: u16,
    folder: tempfile::TempDir,
    stop: oneshot::Sender<()>,
    done: JoinHandle<Report>,
}

fn options() -> ReceiveOptions {
    ReceiveOptions {
        title: "TROCAR".parse().unwrap(),
        peers: Peers::new(vec!["SCANNER@127.0.0.1".parse().unwrap()]).unwrap(),
        associations: 4,
        silence: Duration::from_secs(20),
        until: Until::Stopped,
    }
}

impl Station {
    async fn start(options: ReceiveOptions, quotas: Quotas) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), options, quotas).await
    }

    async fn start_in(folder: tempfile::TempDir, options: ReceiveOptions, quotas: Quotas) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, incoming) = (listener.local_addr().unwrap().port(), incoming(folder.path(), quotas));
        let (stop, stopped) = oneshot::channel();
        let done = tokio::spawn(receive(listener, options, incoming, async {
            let _ = stopped.await;
        }));
        Self { port, folder, stop, done }
    }

    /// Stops it; nothing half received may stay.
    async fn end(self) -> (Report, tempfile::TempDir) {
        let _ = self.stop.send(());
        let report = self.done.await.unwrap();
        let partial = fs::read_dir(self.folder.path().join(".trocar-incoming")).unwrap().count();
        assert_eq!(partial, 0, "a partial file stays");
        (report, self.folder)
    }

    /// Runs one of dcmtk's programs against it, off the async threads.
    async fn dcmtk(&self, program: &'static str, options: &[&str], files: &[&Path]) -> (bool, String) {
        let mut all: Vec<String> = options.iter().map(ToString::to_string).collect();
        all.extend(["127.0.0.1".to_owned(), self.port.to_string()]);
        all.extend(files.iter().map(|path| path.display().to_string()));
        let run = move || dcmtk(program, &all.iter().map(String::as_str).collect::<Vec<_>>());
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        (output.status.success(), words(&output))
    }

    async fn store(&self, more: &[&str], files: &[&Path]) -> (bool, String) {
        let known = ["-v", "-aet", "SCANNER", "-aec", "TROCAR", "-to", "20"];
        self.dcmtk("storescu", &[&known[..], more].concat(), files).await
    }
}

/// Files of one study in a folder.
fn written(folder: &Path, count: usize) -> Vec<std::path::PathBuf> {
    let path = |i: usize| folder.join(format!("{i}.dcm"));
    (0..count).for_each(|i| fs::write(path(i), file(CT, "1.2.3", &format!("1.2.3.{i}"))).unwrap());
    (0..count).map(path).collect()
}

fn refs(paths: &[std::path::PathBuf]) -> Vec<&Path> {
    paths.iter().map(std::path::PathBuf::as_path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_storescu_sends_is_kept_as_it_was_sent_and_twice_is_once() {
    if !has("storescu") {
        return;
    }
    let (station, sent) = (Station::start(options(), AMPLE).await, tempfile::tempdir().unwrap());
    let files = written(sent.path(), 5);
    let (is_ok, said) = station.store(&[], &refs(&files)).await;
    assert!(is_ok, "{said}");
    let (is_ok, said) = station.store(&[], &refs(&files[..2])).await;
    assert!(is_ok, "{said}");
    // The same UID with other contents.
    let mut other = file(CT, "1.2.3", "1.2.3.0");
    *other.last_mut().unwrap() ^= 1;
    fs::write(&files[0], other).unwrap();
    let (is_ok, said) = station.store(&[], &refs(&files[..1])).await;
    assert!(!is_ok && said.contains("0x111"), "{said}");
    let (report, folder) = station.end().await;
    assert_eq!((report.received, report.already_there), (5, 2));
    assert_eq!(report.refused, [(Refusal::Duplicate, 1)].into());
    for i in 0..5 {
        let uid = format!("1.2.3.{i}");
        let kept = fs::read(place(folder.path(), &uid)).unwrap();
        assert!(data_of(&kept) == data_set(CT, "1.2.3", &uid), "the data set of {uid} changed on its way");
        assert!(kept.windows(EXPLICIT.len()).any(|w| w == EXPLICIT.as_bytes()));
    }
    if has("dcmdump") {
        // Another implementation reads the file meta group that we wrote.
        let output = dcmtk(
            "dcmdump",
            &["+P", "MediaStorageSOPInstanceUID", &place(folder.path(), "1.2.3.4").display().to_string()],
        );
        assert!(output.status.success() && words(&output).contains("[1.2.3.4]"), "{}", words(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_and_other_encodings_of_real_files_are_taken() {
    let Some(real) = peers::pydicom() else { return };
    if !has("storescu") {
        return;
    }
    let station = Station::start(options(), AMPLE).await;
    let rows = [
        ("-xv", "MR_small_jp2klossless.dcm", "1.2.840.10008.1.2.4.90"),
        ("-xw", "JPEG2000.dcm", "1.2.840.10008.1.2.4.91"),
        ("-xr", "SC_rgb_rle.dcm", "1.2.840.10008.1.2.5"),
        ("-xu", "JPEGLSNearLossless_16.dcm", "1.2.840.10008.1.2.4.81"),
        ("-xy", "SC_rgb_small_odd_jpeg.dcm", "1.2.840.10008.1.2.4.50"),
        ("-xb", "SC_rgb_small_odd_big_endian.dcm", "1.2.840.10008.1.2.2"),
        ("-xi", "rtdose.dcm", "1.2.840.10008.1.2\0"),
        // storescu may inflate what it sends: either is explicit VR little endian.
        ("-xd", "image_dfl.dcm", "1.2.840.10008.1.2.1"),
        ("-xe", "CT_small.dcm", "1.2.840.10008.1.2.1\0"),
    ];
    for (propose, name, _) in rows {
        let (is_ok, said) = station.store(&[propose], &[&real.join(name)]).await;
        assert!(is_ok, "{name}: {said}");
    }
    let (report, folder) = station.end().await;
    assert_eq!((report.received, report.refusals()), (rows.len() as u64, 0));
    let kept: Vec<_> = objects(folder.path()).iter().map(|path| fs::read(path).unwrap()).collect();
    for (_, name, syntax) in rows {
        let original = fs::read(real.join(name)).unwrap();
        // storescu may write the elements anew; the pixel data it does not.
        let middle = &original[original.len() / 2..][..180];
        let same = |kept: &&Vec<u8>| kept.windows(180).any(|window| window == middle);
        let says =
            |kept: &&Vec<u8>| kept[..512].windows(syntax.len()).any(|window| window == syntax.as_bytes());
        let is_packed = name == "image_dfl.dcm";
        assert!(
            kept.iter().any(|k| says(&k) && (is_packed || same(&k))),
            "{name} is not there as {syntax:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_wrong_numbers_are_rejected_with_the_reason_and_echo_is_answered() {
    if !has("storescu") || !has("echoscu") {
        return;
    }
    let (station, sent) = (Station::start(options(), AMPLE).await, tempfile::tempdir().unwrap());
    let files = written(sent.path(), 1);
    let call = async |calling, called| {
        let said = station.dcmtk("storescu", &["-v", "-aet", calling, "-aec", called], &refs(&files)).await;
        assert!(!said.0, "{}", said.1);
        said.1
    };
    let said = call("STRANGER", "TROCAR").await;
    assert!(said.contains("Calling AE Title Not Recognized"), "{said}");
    let said = call("SCANNER", "ANOTHER").await;
    assert!(said.contains("Called AE Title Not Recognized"), "{said}");
    let (is_ok, said) = station.dcmtk("echoscu", &["-v", "-aet", "SCANNER", "-aec", "TROCAR"], &[]).await;
    assert!(is_ok, "{said}");
    let (report, _folder) = station.end().await;
    assert_eq!(report, Report::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_of_the_folder_and_of_the_association_answer_out_of_resources() {
    if !has("storescu") {
        return;
    }
    for (quotas, refusal, kept) in [
        (Quotas { objects: 2, ..AMPLE }, Refusal::Quota, 2),
        (Quotas { bytes: 1200, ..AMPLE }, Refusal::Quota, 1),
        (Quotas { association_bytes: 1600, ..AMPLE }, Refusal::AssociationQuota, 2),
        (Quotas { object_bytes: 600, ..AMPLE }, Refusal::TooLarge, 0),
        (Quotas { free_bytes: u64::MAX, ..AMPLE }, Refusal::Disk, 0),
    ] {
        let (station, sent) = (Station::start(options(), quotas).await, tempfile::tempdir().unwrap());
        let files = written(sent.path(), 4);
        let (is_ok, said) = station.store(&[], &refs(&files)).await;
        assert!(!is_ok && said.contains("OutOfResources"), "{quotas:?}: {said}");
        // What is there already takes no more of a quota of objects.
        let again = &refs(&files)[..usize::try_from(kept).unwrap()];
        if quotas.objects == kept {
            let (is_ok, said) = station.store(&[], again).await;
            assert!(is_ok, "{said}");
        }
        let (report, folder) = station.end().await;
        assert_eq!(report.received, kept, "{quotas:?}: {report:?}");
        assert_eq!(report.refused.keys().collect::<Vec<_>>(), [&refusal], "{quotas:?}");
        assert_eq!(objects(folder.path()).len() as u64, kept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_answers_out_of_resources_and_leaves_no_half_file() {
    if !has("storescu") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mount =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(folder.path()).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        println!("skipped: a small disk cannot be mounted here");
        return;
    }
    let path = folder.path().to_owned();
    let sent = tempfile::tempdir().unwrap();
    let large = sent.path().join("large.dcm");
    let mut big = file(CT, "1.2.3", "1.2.3.0");
    big.truncate(big.len() - 524);
    big.extend(b"\xE0\x7F\x10\0OW\0\0\0\0\x04\0");
    big.extend(vec![1; 256 << 10]);
    fs::write(&large, big).unwrap();
    let station = Station::start_in(folder, options(), AMPLE).await;
    let (is_ok, said) = station.store(&[], &[&large]).await;
    let (report, folder) = station.end().await;
    let left = objects(folder.path()).len();
    let _ = Command::new("umount").arg(&path).status();
    assert!(!is_ok && said.contains("OutOfResources"), "{said}");
    assert_eq!((report.received, left), (0, 0));
    assert_eq!(report.refused, [(Refusal::Disk, 1)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_send_at_once_and_one_too_many_is_told_so() {
    if !has("storescu") {
        return;
    }
    let (station, sent) = (
        Station::start(ReceiveOptions { associations: 2, ..options() }, AMPLE).await,
        tempfile::tempdir().unwrap(),
    );
    let files = written(sent.path(), 40);
    let (left, right) = (refs(&files[..20]), refs(&files[20..]));
    let (left, right) = tokio::join!(station.store(&[], &left), station.store(&[], &right));
    assert!(left.0 && right.0, "{}{}", left.1, right.1);
    // Two that stay fill both seats.
    let port = station.port;
    let held = tokio::task::spawn_blocking(move || [Peer::associate(port, CT), Peer::associate(port, CT)]);
    let held = held.await.unwrap();
    let (is_ok, said) = station.store(&[], &refs(&files[..1])).await;
    assert!(!is_ok && said.contains("Local Limit Exceeded"), "{said}");
    drop(held);
    let (report, _folder) = station.end().await;
    assert_eq!(report.received, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_set_that_is_not_what_its_command_says_is_refused() {
    let station = Station::start(options(), AMPLE).await;
    let port = station.port;
    let statuses = tokio::task::spawn_blocking(move || {
        let mut peer = Peer::associate(port, CT);
        let set = data_set(CT, "1.2.3", "1.2.3.1");
        [
            peer.store(CT, "1.2.3.9", &set),
            peer.store(CT, "1.2.3.1", &data_set(peers::MR, "1.2.3", "1.2.3.1")),
            peer.store(peers::MR, "1.2.3.1", &set),
            peer.store(CT, "1.2.3.1", b"no data set at all"),
            peer.store(CT, "1.2.3.1", b""),
            peer.store(CT, "1.2.3.1", &set),
        ]
    });
    assert_eq!(statuses.await.unwrap(), [0xA900, 0xA900, 0x0122, 0xC000, 0xC000, 0]);
    let (report, folder) = station.end().await;
    assert_eq!(report.received, 1);
    assert_eq!(objects(folder.path()), [place(folder.path(), "1.2.3.1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_goes_half_way_or_a_receiver_that_stops_leaves_nothing() {
    let station = Station::start(options(), AMPLE).await;
    let port = station.port;
    let half = move || {
        let mut peer = Peer::associate(port, CT);
        peer.send(true, true, command(CT, "1.2.3.1"));
        peer.send(false, false, data_set(CT, "1.2.3", "1.2.3.1"));
        peer
    };
    let gone = tokio::task::spawn_blocking(half).await.unwrap();
    drop(gone);
    let stays = tokio::task::spawn_blocking(half).await.unwrap();
    let begun = Instant::now();
    let (report, folder) = station.end().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "it waits for a peer that says nothing");
    assert_eq!((report.received, objects(folder.path()).len()), (0, 0));
    let told = tokio::task::spawn_blocking(move || stays.next_pdu_type()).await.unwrap();
    assert_eq!(told, Some(7), "the peer is told by an A-ABORT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_ends_after_the_first_association_or_a_silence() {
    for until in [Until::First, Until::Idle(Duration::from_millis(300))] {
        let station = Station::start(ReceiveOptions { until, ..options() }, AMPLE).await;
        let port = station.port;
        let status = tokio::task::spawn_blocking(move || {
            Peer::associate(port, CT).store(CT, "1.2.3.1", &data_set(CT, "1.2.3", "1.2.3.1"))
        });
        assert_eq!(status.await.unwrap(), 0);
        assert_eq!(station.done.await.unwrap().received, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_peer_is_let_go() {
    let (silence, until) = (Duration::from_millis(300), Until::Idle(Duration::from_millis(100)));
    let station = Station::start(ReceiveOptions { silence, until, ..options() }, AMPLE).await;
    let silent = std::net::TcpStream::connect(("127.0.0.1", station.port)).unwrap();
    assert_eq!(station.done.await.unwrap(), Report::default());
    drop(silent);
}

/// The most memory that this process ever had, in kB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_truncation_and_length_bombs_stop_nothing_and_take_no_memory() {
    let station =
        Station::start(ReceiveOptions { silence: Duration::from_secs(2), ..options() }, AMPLE).await;
    let (port, before) = (station.port, peak());
    let status = tokio::task::spawn_blocking(move || {
        raw::hostile(port);
        let mut peer = Peer::associate(port, CT);
        peer.store(CT, "1.2.3.1", &data_set(CT, "1.2.3", "1.2.3.1"))
    });
    assert_eq!(status.await.unwrap(), 0, "an honest peer is not served after them");
    let grown = peak() - before;
    assert!(grown < 64 << 10, "hostile peers took {grown} kB");
    let (report, _folder) = station.end().await;
    assert_eq!((report.received, report.refused), (1, BTreeMap::new()));
}
