//! Decoded volumes, kept under `cache/volumes/`, so that rounds and repeated jobs do not decode again.
//!
//! A file is named by a keyed digest of the content that it was decoded from, and holds its voxels, then what they are,
//! under an HMAC. The folder may be deleted at any time. Nothing that a job says or sees depends on it: voxels cost a
//! guest what decoding them would, and a volume is decoded for keeping in a process without a guest, in what is left of
//! the patient's time box once she is mapped.

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
use trocar_worker::{Decoded, Launcher, Subject, SubjectSeries, decoded_bytes};

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

/// A series that is worth keeping and is not there yet, with descriptors of its own.
#[derive(Debug)]
pub(crate) struct Lacking {
    name: String,
    series: SubjectSeries,
    files: Vec<File>,
}

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

    /// Adds to a patient the volumes that are there, and gives those that are not. `compressed` says of each of her
    /// series whether it is worth keeping.
    pub(crate) fn look(
        &self,
        subject: &mut Subject,
        files: &mut Vec<File>,
        compressed: &[bool],
    ) -> Vec<Lacking> {
        let mut lacking = Vec::new();
        for (series, compressed) in subject.series.iter_mut().zip(compressed) {
            if !compressed || series.files.is_empty() {
                continue;
            }
            let Ok(name) = self.name(series, files) else { continue };
            match self.find(&name, series) {
                Some(Found { file, digests }) => {
                    let at = u32::try_from(files.len()).unwrap_or(u32::MAX);
                    files.push(file);
                    series.decoded = Some(Decoded { file: at, digests });
                }
                None => lacking.extend(lacks(name, series, files)),
            }
        }
        lacking
    }

    /// Keeps what a patient lacks, as far as there is time.
    pub(crate) fn fill_all(&self, launcher: &Launcher, lacking: &[Lacking], end: Instant) {
        for Lacking { name, series, files } in lacking {
            if Instant::now() >= end || !self.fill(launcher, name, series, files, end) {
                return;
            }
        }
    }

    /// The name of a series: what it is and every byte that it is decoded from.
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

    /// Decodes a series and keeps it, where that is done before `end` and there is room. Whether it was kept.
    fn fill(
        &self,
        launcher: &Launcher,
        name: &str,
        series: &SubjectSeries,
        files: &[File],
        end: Instant,
    ) -> bool {
        let Some(voxels) = decoded_bytes(&series.info).filter(|bytes| *bytes <= self.bound / 4) else {
            return false;
        };
        let part = self.folder.join(format!("{}.part", hex::encode(random_bytes::<16>())));
        let kept = self.make_room(voxels).is_ok()
            && self
                .write(launcher, (name, series, files), &part, end)
                .is_some_and(|()| fs::rename(&part, self.path(name)).is_ok());
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
        let digests = trocar_worker::decode(launcher, series, files, &out, end)?;
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

    /// Removes what was used longest ago, until `more` bytes fit within the bound. Half-written files of a process that
    /// died go first.
    fn make_room(&self, more: u64) -> io::Result<()> {
        let mut all: Vec<(bool, SystemTime, PathBuf, u64)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let seen = entry.metadata()?;
            let whole = entry.path().extension().is_some_and(|e| e == "volume");
            all.push((whole || is_young(&seen), seen.modified()?, entry.path(), seen.len()));
        }
        all.sort();
        let mut total: u64 = all.iter().map(|(.., length)| *length).fold(more, u64::saturating_add);
        for (keep, _, path, length) in all {
            if keep && total <= self.bound {
                break;
            }
            fs::remove_file(path)?;
            total = total.saturating_sub(length);
        }
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.volume"))
    }
}

/// `None` where the node has no descriptor left for it.
fn lacks(name: String, series: &SubjectSeries, files: &[File]) -> Option<Lacking> {
    let own = series.files.iter().map(|at| files.get(*at as usize)?.try_clone().ok());
    let own: Vec<File> = own.collect::<Option<_>>()?;
    let places = (0..u32::try_from(own.len()).ok()?).collect();
    Some(Lacking { name, series: SubjectSeries { files: places, ..series.clone() }, files: own })
}

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
