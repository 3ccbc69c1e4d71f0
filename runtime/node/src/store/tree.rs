//! What scans have read of one dataset's files. An interrupted scan goes on from here.

use super::{Dataset, ROWS, Store, text};
use crate::error::NodeError;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, QueryBuilder, Row, Sqlite};
use std::collections::{BTreeSet, HashMap};
use tokio::runtime::Handle;
use trocar_terms::Digest;
use trocar_worker::{Entry, FileEntry, Folder, Index, Kind, Read, Reason, Unread};

/// The rows of one dataset's files, open for a scan.
pub(crate) struct Tree {
    pub(super) id: i64,
    rows: SqliteConnection,
    runtime: Handle,
    /// Folders of earlier scans that this one has not met.
    known: HashMap<String, Known>,
    /// Paths of the folders that are there.
    pub(super) paths: HashMap<i64, String>,
    next: i64,
    /// Folders with files that are still to be kept.
    open: HashMap<i64, Open>,
    write: Write,
}

struct Known {
    id: i64,
    digest: Option<Vec<u8>>,
}

struct Open {
    digest: Digest,
    left: usize,
    /// A file could not be opened: the folder is looked at again by the next scan, whatever its listing says.
    again: bool,
}

/// Rows that the next transaction writes.
#[derive(Default)]
struct Write {
    folders: HashMap<i64, Option<Digest>>,
    gone: Vec<(i64, String)>,
    files: Vec<FileRow>,
    touched: BTreeSet<(String, String)>,
}

struct FileRow {
    folder: i64,
    name: String,
    size: i64,
    mtime_ns: i64,
    patient: Option<(String, String)>,
    header: Result<Vec<u8>, Reason>,
}

impl Store {
    /// Opens what was read of a dataset. Another folder, other rules or another reader, and nothing was.
    pub(crate) async fn tree(&self, dataset: &Dataset, reading: &Digest) -> Result<Tree, NodeError> {
        let mut rows = self.unsynced().await?;
        let id = tree_id(&mut rows, dataset, reading).await?;
        let mut known = HashMap::new();
        let folders = sqlx::query("select id, path, digest from folders where tree = ?").bind(id);
        for row in folders.fetch_all(&mut rows).await? {
            known.insert(row.try_get(1)?, Known { id: row.try_get(0)?, digest: row.try_get(2)? });
        }
        let next =
            sqlx::query_scalar("select coalesce(max(id), 0) + 1 from folders").fetch_one(&mut rows).await?;
        let (paths, open, write) = (HashMap::new(), HashMap::new(), Write::default());
        Ok(Tree { id, rows, runtime: Handle::current(), known, paths, next, open, write })
    }
}

async fn tree_id(rows: &mut SqliteConnection, dataset: &Dataset, reading: &Digest) -> Result<i64, NodeError> {
    let mut tx = rows.begin().await?;
    let (name, root, reading) = (dataset.id.to_string(), text(&dataset.path)?, reading.to_string());
    let old = sqlx::query("select id, root = ? and reading = ? from trees where dataset = ?");
    let old = old.bind(root).bind(&reading).bind(&name).fetch_optional(&mut *tx).await?;
    if let Some(old) = &old {
        let id: i64 = old.try_get(0)?;
        if old.try_get(1)? {
            return Ok(id);
        }
        for forget in [
            "insert or ignore into touched select tree, patient, issuer from files where tree = ? and patient is not null",
            "delete from files where tree = ?",
            "delete from folders where tree = ?",
        ] {
            sqlx::query(forget).bind(id).execute(&mut *tx).await?;
        }
    }
    let put = "insert into trees (dataset, root, reading) values (?, ?, ?)
        on conflict (dataset) do update set root = excluded.root, reading = excluded.reading returning id";
    let id = sqlx::query_scalar(put).bind(name).bind(root).bind(reading).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(id)
}

impl Index for Tree {
    type Error = NodeError;

    fn found(&mut self, folder: Folder) -> Result<Vec<Unread>, NodeError> {
        let known = self.known.remove(&folder.path);
        let id = known.as_ref().map_or(self.next, |known| known.id);
        self.paths.insert(id, folder.path.clone());
        match known {
            Some(Known { digest: Some(digest), .. }) if digest == folder.digest.as_bytes() => Ok(Vec::new()),
            Some(_) => {
                let old = self.runtime.clone().block_on(old_files(&mut self.rows, id))?;
                Ok(self.compare(id, folder, old))
            }
            None => {
                self.next = self.next.saturating_add(1);
                Ok(self.compare(id, folder, HashMap::new()))
            }
        }
    }

    fn keep(&mut self, read: Vec<Read>) -> Result<(), NodeError> {
        for read in read {
            self.take(read);
        }
        self.runtime.clone().block_on(self.flush())
    }
}

/// A row of an earlier scan.
struct Old {
    size: i64,
    mtime_ns: i64,
    patient: Option<(String, String)>,
    unreadable: bool,
    /// The process that read it died, perhaps of something else: it is read again.
    died: bool,
}

impl Old {
    /// Whether this is what the row says, and it need not be tried again.
    fn is(&self, entry: &Entry) -> bool {
        let same = self.size == entry.size.cast_signed() && self.mtime_ns == entry.mtime_ns;
        same && !self.died && self.unreadable != entry.regular
    }
}

/// NIfTI images whose sidecar has come, changed or gone: what was read of them was read of it too.
fn images_of_changed_sidecars(folder: &Folder, old: &HashMap<String, Old>) -> BTreeSet<String> {
    let changed = |name: &str| {
        folder.sidecar(name).is_some_and(|(sidecar, now)| match (now, old.get(&sidecar)) {
            (Some(now), Some(old)) => !old.is(now),
            (None, None) => false,
            (Some(_), None) | (None, Some(_)) => true,
        })
    };
    folder.entries.iter().map(|entry| entry.name.clone()).filter(|name| changed(name)).collect()
}

async fn old_files(rows: &mut SqliteConnection, folder: i64) -> Result<HashMap<String, Old>, NodeError> {
    let select = "select name, size, mtime_ns, patient, issuer, reason is 'unreadable', reason is 'died' from files where folder = ?";
    let mut files = HashMap::new();
    for row in sqlx::query(select).bind(folder).fetch_all(rows).await? {
        let patient: Option<String> = row.try_get(3)?;
        let old = Old {
            size: row.try_get(1)?,
            mtime_ns: row.try_get(2)?,
            patient: patient.zip(row.try_get(4)?),
            unreadable: row.try_get(5)?,
            died: row.try_get(6)?,
        };
        files.insert(row.try_get(0)?, old);
    }
    Ok(files)
}

impl Tree {
    /// Sorts a changed folder's entries into those that are as they were, those to be read, and those that are gone.
    fn compare(&mut self, id: i64, folder: Folder, mut old: HashMap<String, Old>) -> Vec<Unread> {
        let again = images_of_changed_sidecars(&folder, &old);
        let mut unread = Vec::with_capacity(folder.entries.len());
        for entry in &folder.entries {
            let old = old.remove(&entry.name);
            if !again.contains(&entry.name) && old.as_ref().is_some_and(|old| old.is(entry)) {
                continue;
            }
            self.write.touched.extend(old.and_then(|old| old.patient));
            let (size, mtime_ns) = (entry.size, entry.mtime_ns);
            if entry.regular {
                let file = FileEntry { path: folder.path_of(&entry.name), size, mtime_ns };
                unread.push(Unread { folder: id, file, kind: Kind::Dicom });
            } else {
                self.write.files.push(FileRow {
                    folder: id,
                    name: entry.name.clone(),
                    size: size.cast_signed(),
                    mtime_ns,
                    patient: None,
                    header: Err(Reason::Unreadable),
                });
            }
        }
        for (name, old) in old {
            self.write.touched.extend(old.patient);
            self.write.gone.push((id, name));
        }
        let whole = unread.is_empty().then_some(folder.digest);
        self.write.folders.insert(id, whole);
        if whole.is_none() {
            self.open.insert(id, Open { digest: folder.digest, left: unread.len(), again: false });
        }
        unread
    }

    fn take(&mut self, Read { unread, header }: Read) {
        let Unread { folder, file, kind: _ } = unread;
        let again = matches!(header, Err(Reason::Unreadable | Reason::Died));
        let name = file.path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let (size, mtime_ns) = (file.size.cast_signed(), file.mtime_ns);
        let (patient, header) = match header {
            Ok(read) => (Some((read.patient, read.issuer)), Ok(read.bytes)),
            Err(reason) => (None, Err(reason)),
        };
        if let Some(patient) = &patient
            && !self.write.touched.contains(patient)
        {
            self.write.touched.insert(patient.clone());
        }
        self.write.files.push(FileRow { folder, name, size, mtime_ns, patient, header });
        self.count(folder, again);
    }

    /// A folder is done when the last of its files is kept.
    fn count(&mut self, folder: i64, again: bool) {
        let Some(open) = self.open.get_mut(&folder) else { return };
        open.left = open.left.saturating_sub(1);
        open.again |= again;
        if open.left == 0 {
            let digest = (!open.again).then_some(open.digest);
            self.write.folders.insert(folder, digest);
            self.open.remove(&folder);
        }
    }

    /// Forgets the folders that the scan has not met, and writes what is left to write.
    pub(crate) async fn finish(&mut self) -> Result<(), NodeError> {
        let vanished: Vec<i64> = self.known.drain().map(|(_, known)| known.id).collect();
        for ids in vanished.chunks(ROWS) {
            let mut tx = self.rows.begin().await?;
            for forget in [
                "insert or ignore into touched select tree, patient, issuer from files where patient is not null and folder in (",
                "delete from files where folder in (",
                "delete from folders where id in (",
            ] {
                let mut query = QueryBuilder::<Sqlite>::new(forget);
                let mut list = query.separated(", ");
                for id in ids {
                    list.push_bind(*id);
                }
                query.push(")").build().execute(&mut *tx).await?;
            }
            tx.commit().await?;
        }
        self.flush().await
    }

    /// One transaction: files that were read and what they change are kept together or not at all.
    async fn flush(&mut self) -> Result<(), NodeError> {
        let write = std::mem::take(&mut self.write);
        if write.folders.is_empty() && write.files.is_empty() {
            return Ok(());
        }
        let mut tx = self.rows.begin().await?;
        let folders: Vec<_> = write.folders.into_iter().collect();
        for some in folders.chunks(ROWS) {
            put_folders(&mut tx, self.id, some, &self.paths).await?;
        }
        let touched: Vec<_> = write.touched.into_iter().collect();
        for some in touched.chunks(ROWS) {
            touch(&mut tx, self.id, some).await?;
        }
        for some in write.gone.chunks(ROWS) {
            remove_files(&mut tx, some).await?;
        }
        for some in write.files.chunks(ROWS) {
            put_files(&mut tx, self.id, some).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

async fn put_folders(
    rows: &mut SqliteConnection,
    tree: i64,
    folders: &[(i64, Option<Digest>)],
    paths: &HashMap<i64, String>,
) -> Result<(), NodeError> {
    let mut query = QueryBuilder::<Sqlite>::new("insert or replace into folders (id, tree, path, digest) ");
    query.push_values(folders, |mut row, (id, digest)| {
        let path = paths.get(id).map(String::as_str).unwrap_or_default();
        let digest = digest.map(|digest| digest.as_bytes().to_vec());
        row.push_bind(*id).push_bind(tree).push_bind(path).push_bind(digest);
    });
    query.build().execute(rows).await?;
    Ok(())
}

async fn touch(
    rows: &mut SqliteConnection,
    tree: i64,
    patients: &[(String, String)],
) -> Result<(), NodeError> {
    let mut query = QueryBuilder::<Sqlite>::new("insert or ignore into touched (tree, patient, issuer) ");
    query.push_values(patients, |mut row, (patient, issuer)| {
        row.push_bind(tree).push_bind(patient.as_str()).push_bind(issuer.as_str());
    });
    query.build().execute(rows).await?;
    Ok(())
}

async fn remove_files(rows: &mut SqliteConnection, files: &[(i64, String)]) -> Result<(), NodeError> {
    let mut query = QueryBuilder::<Sqlite>::new("delete from files where (folder, name) in (");
    query.push_values(files, |mut row, (folder, name)| {
        row.push_bind(*folder).push_bind(name.as_str());
    });
    query.push(")").build().execute(rows).await?;
    Ok(())
}

async fn put_files(rows: &mut SqliteConnection, tree: i64, files: &[FileRow]) -> Result<(), NodeError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "insert or replace into files (folder, name, tree, size, mtime_ns, patient, issuer, reason, header) ",
    );
    query.push_values(files, |mut row, file| {
        let (patient, issuer) = file.patient.as_ref().map(|(p, i)| (p.as_str(), i.as_str())).unzip();
        row.push_bind(file.folder).push_bind(file.name.as_str()).push_bind(tree);
        row.push_bind(file.size).push_bind(file.mtime_ns).push_bind(patient).push_bind(issuer);
        row.push_bind(file.header.as_ref().err().map(|reason| reason.word()));
        row.push_bind(file.header.as_ref().ok().map(Vec::as_slice));
    });
    query.build().execute(rows).await?;
    Ok(())
}
