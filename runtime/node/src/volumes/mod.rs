//! Decoded volumes, kept under `cache/volumes/`, so that rounds and repeated jobs do not decode again.
//!
//! A volume is named by a keyed digest of the content that it was decoded from, and holds its voxels, then what they are,
//! under an HMAC. A link beside it names the volume by the files as the scan found them (path, size, time of change), so that
//! no job reads a file to look one up. The folder may be deleted at any time. Nothing that a job says or sees depends on it:
//! voxels cost a guest what decoding them would, and what is missing is decoded once the job is finished, in a process
//! without a guest, until the end that the job was scheduled for.

use crate::audit::mac;
use crate::error::NodeError;
use crate::files;
use crate::home::Home;
use crate::keys::random_bytes;
use hmac::Mac;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};
use trocar_terms::Digest;
use trocar_worker::{Decoded, FileEntry, Launcher, Subject, SubjectSeries, decoded_bytes};

/// Bytes on disk where `TROCAR_CACHE_GIB` says nothing else.
const BOUND_GIB: u64 = 4;

/// Version of the voxels: another reader may calibrate otherwise.
const READER: &str = concat!("volume 1 ", env!("CARGO_PKG_VERSION"));

/// The largest account of a volume that is believed: 20,000 slices of 66 bytes.
const MOST_ABOUT: u64 = 4 << 20;

/// The cache of one home.
#[derive(Debug, Clone)]
pub struct VolumeCache {
    folder: PathBuf,
    key: [u8; 32],
    bound: u64,
}

/// What follows the voxels in a file.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    name: String,
    digests: Vec<Digest>,
}

/// A volume that was found.
#[derive(Debug)]
struct Found {
    file: File,
    digests: Vec<Digest>,
}

/// For each series of a subject: the files that it is decoded from, where its voxels are worth keeping.
pub(crate) type Worth<'a> = [Option<Vec<&'a FileEntry>>];

impl VolumeCache {
    /// The cache of a home; `None` where the environment says `TROCAR_CACHE_GIB=0`.
    ///
    /// # Errors
    /// The folder cannot be made, or the variable is not a whole number.
    pub(crate) fn of(home: &Home) -> Result<Option<Self>, NodeError> {
        let gib = match std::env::var("TROCAR_CACHE_GIB") {
            Ok(text) => match text.parse::<u64>() {
                Ok(gib) => gib,
                Err(_) => return crate::error::ask("TROCAR_CACHE_GIB is not a whole number of GiB"),
            },
            Err(_) => BOUND_GIB,
        };
        let folder = home.cache_path("volumes");
        files::private_dir(&folder)?;
        let cache = Self { folder, key: home.audit_key()?, bound: gib.saturating_mul(1 << 30) };
        Ok((gib > 0).then_some(cache))
    }

    /// Adds to a patient the volumes that are there. Whether all that are worth keeping were.
    pub(crate) fn look(&self, subject: &mut Subject, files: &mut Vec<File>, worth: &Worth<'_>) -> bool {
        let mut whole = true;
        for (series, entries) in subject.series.iter_mut().zip(worth) {
            let Some(entries) = entries.as_ref().filter(|_| !series.files.is_empty()) else { continue };
            let linked = self.link(series, entries).and_then(|link| self.linked(&link));
            match linked.and_then(|name| self.find(&name, series)) {
                Some(Found { file, digests }) => {
                    let at = u32::try_from(files.len()).unwrap_or(u32::MAX);
                    files.push(file);
                    series.decoded = Some(Decoded { file: at, digests });
                }
                None => whole = false,
            }
        }
        whole
    }

    /// Decodes and keeps what a patient lacks, as far as there are time and room. What was used since `begun` stays.
    pub(crate) fn fill(
        &self,
        launcher: &Launcher,
        (subject, files, worth): (&Subject, &[File], &Worth<'_>),
        begun: SystemTime,
        end: Instant,
    ) -> bool {
        subject.series.iter().zip(worth).all(|(series, entries)| {
            let Some(entries) = entries.as_ref().filter(|_| !series.files.is_empty()) else { return true };
            Instant::now() < end && self.fill_one(launcher, (series, files, entries), begun, end).is_some()
        })
    }

    fn fill_one(
        &self,
        launcher: &Launcher,
        (series, files, entries): (&SubjectSeries, &[File], &[&FileEntry]),
        begun: SystemTime,
        end: Instant,
    ) -> Option<()> {
        let name = self.name(series, files).ok()?;
        if self.find(&name, series).is_none() {
            self.decode(launcher, &name, (series, files), begun, end)?;
        }
        let link = self.link(series, entries)?;
        let bytes = [name.as_bytes(), self.seal(&link, &name).finalize().into_bytes().as_slice()].concat();
        fs::write(self.folder.join(format!("{link}.link")), bytes).ok()
    }

    /// The name of a link: what the series is, and its files as the scan found them.
    fn link(&self, series: &SubjectSeries, entries: &[&FileEntry]) -> Option<String> {
        let what = serde_json::to_vec(&(&series.info, series.part, entries)).ok()?;
        Some(hex::encode(mac(&self.key, &[READER.as_bytes(), b"link", &what]).finalize().into_bytes()))
    }

    fn seal(&self, link: &str, name: &str) -> impl Mac + use<> {
        mac(&self.key, &[b"link to a volume", link.as_bytes(), name.as_bytes()])
    }

    /// The volume that a link names, where this node made the link.
    fn linked(&self, link: &str) -> Option<String> {
        let file = File::open(self.folder.join(format!("{link}.link"))).ok()?;
        let mut bytes = Vec::new();
        (&file).take(NAME.saturating_add(TAG)).read_to_end(&mut bytes).ok()?;
        let (name, tag) = bytes.split_at_checked(usize::try_from(NAME).ok()?)?;
        let name = std::str::from_utf8(name).ok()?;
        self.seal(link, name).verify_slice(tag).ok()?;
        let _ = file.set_modified(SystemTime::now());
        Some(name.to_owned())
    }

    /// The name of a volume: what the series is, and every byte that it is decoded from.
    fn name(&self, series: &SubjectSeries, files: &[File]) -> io::Result<String> {
        let what = serde_json::to_vec(&(&series.info, series.part))?;
        let mut content = Sha256::new();
        for at in &series.files {
            let file = files.get(*at as usize).ok_or(io::ErrorKind::NotFound)?;
            content.update(hash(file)?);
        }
        let parts: [&[u8]; 3] = [READER.as_bytes(), &what, &content.finalize()];
        Ok(hex::encode(mac(&self.key, &parts).finalize().into_bytes()))
    }

    /// Looks a volume up, and marks it as used.
    fn find(&self, name: &str, series: &SubjectSeries) -> Option<Found> {
        let voxels = decoded_bytes(&series.info)?;
        let mut file = File::options().read(true).open(self.path(name)).ok()?;
        let about = self.about(&mut file, name, voxels)?;
        // Best effort: where the time cannot be set, the volume only leaves earlier.
        let _ = file.set_modified(SystemTime::now());
        let whole = about.digests.len() == series.info.grid.slices as usize;
        whole.then_some(Found { file, digests: about.digests })
    }

    fn about(&self, file: &mut File, name: &str, voxels: u64) -> Option<About> {
        let length = file.metadata().ok()?.len().checked_sub(voxels)?.checked_sub(TAG)?;
        if length > MOST_ABOUT {
            return None;
        }
        file.seek(SeekFrom::Start(voxels)).ok()?;
        let mut rest = Vec::new();
        file.take(MOST_ABOUT.saturating_add(TAG)).read_to_end(&mut rest).ok()?;
        let (about, tag) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.mac(about, voxels).verify_slice(tag).ok()?;
        serde_json::from_slice(about).ok().filter(|about: &About| about.name == name)
    }

    fn mac(&self, about: &[u8], voxels: u64) -> impl Mac + use<> {
        mac(&self.key, &[b"decoded volume", &voxels.to_le_bytes(), about])
    }

    /// Decodes a series and keeps it, where that is done before `end` and there is room.
    fn decode(
        &self,
        launcher: &Launcher,
        name: &str,
        (series, files): (&SubjectSeries, &[File]),
        begun: SystemTime,
        end: Instant,
    ) -> Option<()> {
        let voxels = decoded_bytes(&series.info).filter(|bytes| *bytes <= self.bound / 4)?;
        if !self.make_room(voxels, begun).ok()? {
            return None;
        }
        let part = self.folder.join(format!("{}.part", hex::encode(random_bytes::<16>())));
        let written = self.write(launcher, (name, series, files), &part, end);
        let kept = written.and_then(|()| fs::rename(&part, self.path(name)).ok());
        // Gone already where it was kept.
        let _ = fs::remove_file(&part);
        kept
    }

    fn write(
        &self,
        launcher: &Launcher,
        (name, series, files): (&str, &SubjectSeries, &[File]),
        part: &Path,
        end: Instant,
    ) -> Option<()> {
        let mut out = files::create_private(part).ok()?;
        let (series, files) = alone(series, files)?;
        let digests = trocar_worker::decode(launcher, &series, &files, &out, end)?;
        let voxels = decoded_bytes(&series.info)?;
        // What the worker says of the length is not believed.
        if out.metadata().ok()?.len() != voxels {
            return None;
        }
        let about = serde_json::to_vec(&About { name: name.to_owned(), digests }).ok()?;
        out.seek(SeekFrom::End(0)).ok()?;
        out.write_all(&about).ok()?;
        out.write_all(&self.mac(&about, voxels).finalize().into_bytes()).ok()
    }

    /// Removes what was used longest ago, until `more` bytes fit within the bound; what was used since `begun` stays. Whether
    /// they fit now. Half-written files of a process that died go first.
    fn make_room(&self, more: u64, begun: SystemTime) -> io::Result<bool> {
        let mut all: Vec<(bool, SystemTime, PathBuf, u64)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let seen = entry.metadata()?;
            let part = entry.path().extension().is_some_and(|e| e == "part");
            all.push((!part || is_young(&seen), seen.modified()?, entry.path(), seen.len().max(BLOCK)));
        }
        all.sort();
        let mut total: u64 = all.iter().map(|(.., length)| *length).fold(more, u64::saturating_add);
        for (keep, used, path, length) in all {
            if keep && (total <= self.bound || used >= begun) {
                break;
            }
            fs::remove_file(path)?;
            total = total.saturating_sub(length);
        }
        Ok(total <= self.bound)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.volume"))
    }
}

/// A series with its own files alone, counted from 0.
fn alone(series: &SubjectSeries, files: &[File]) -> Option<(SubjectSeries, Vec<File>)> {
    let own = series.files.iter().map(|at| files.get(*at as usize)?.try_clone().ok());
    let own: Vec<File> = own.collect::<Option<_>>()?;
    let files = (0..u32::try_from(own.len()).ok()?).collect();
    Some((SubjectSeries { files, decoded: None, ..series.clone() }, own))
}

/// Characters of a volume's name.
const NAME: u64 = 64;
/// What even a small file takes on the disk.
const BLOCK: u64 = 4_096;
/// Bytes of an HMAC.
const TAG: u64 = 32;

/// A part that another process may still be writing: no patient's time box is longer than an hour.
fn is_young(seen: &fs::Metadata) -> bool {
    let age = seen.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    age.is_none_or(|age| age.as_secs() < 3_600)
}

/// Reads by position, since a worker shares the descriptor.
fn hash(file: &File) -> io::Result<[u8; 32]> {
    let (mut hash, mut at) = (Sha256::new(), 0_u64);
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file.read_at(&mut buffer, at)?;
        if read == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(buffer.get(..read).unwrap_or_default());
        at = at.saturating_add(read as u64);
    }
}

#[cfg(test)]
mod tests;
