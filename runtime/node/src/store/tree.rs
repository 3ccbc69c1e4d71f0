//! What scans have read of one dataset's files. An interrupted scan goes on from here.

use super::piece::{Kept, Patient, Piece, Pieces, files_of, headers_of};
use super::{Dataset, ROWS, Store, text};
use crate::error::NodeError;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, QueryBuilder, Row, Sqlite};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
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
    /// Files that pieces lose, since they have changed or are gone.
    lost: BTreeMap<i64, BTreeSet<String>>,
    pieces: Pieces,
    touched: HashSet<Arc<Patient>>,
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
            "insert or ignore into touched select tree, patient, issuer from pieces where tree = ? and patient is not null",
            "delete from pieces where tree = ?",
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
                self.compare(id, folder, old)
            }
            None => {
                self.next = self.next.saturating_add(1);
                self.compare(id, folder, HashMap::new())
            }
        }
    }

    fn keep(&mut self, read: Vec<Read>) -> Result<(), NodeError> {
        for read in read {
            self.take(read)?;
        }
        self.runtime.clone().block_on(self.flush())
    }
}

/// A file of an earlier scan.
struct Old {
    piece: i64,
    patient: Option<Arc<Patient>>,
    file: Kept,
}

impl Old {
    /// Whether this is what the index says, and it need not be tried again.
    fn is(&self, entry: &Entry) -> bool {
        let same = self.file.size == entry.size && self.file.mtime_ns == entry.mtime_ns;
        // The process that read it may have died of something else.
        let died = self.file.reason == Some(Reason::Died);
        let unreadable = self.file.reason == Some(Reason::Unreadable);
        same && !died && unreadable != entry.regular
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
    folder.entries.iter().filter(|entry| changed(&entry.name)).map(|entry| entry.name.clone()).collect()
}

async fn old_files(rows: &mut SqliteConnection, folder: i64) -> Result<HashMap<String, Old>, NodeError> {
    let select = "select id, patient, issuer, files from pieces where folder = ?";
    let mut files = HashMap::new();
    for row in sqlx::query(select).bind(folder).fetch_all(rows).await? {
        let (piece, patient): (i64, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
        let patient: Option<Arc<Patient>> = patient.zip(row.try_get(2)?).map(Arc::new);
        for file in files_of(row.try_get(3)?)? {
            files.insert(file.name.clone(), Old { piece, patient: patient.clone(), file });
        }
    }
    Ok(files)
}

impl Tree {
    /// Sorts a changed folder's entries into those that are as they were, those to be read, and those that are gone.
    fn compare(
        &mut self,
        id: i64,
        folder: Folder,
        mut old: HashMap<String, Old>,
    ) -> Result<Vec<Unread>, NodeError> {
        let again = images_of_changed_sidecars(&folder, &old);
        let mut unread = Vec::with_capacity(folder.entries.len());
        for entry in &folder.entries {
            let old = old.remove(&entry.name);
            if !again.contains(&entry.name) && old.as_ref().is_some_and(|old| old.is(entry)) {
                continue;
            }
            self.lose(old);
            let (size, mtime_ns) = (entry.size, entry.mtime_ns);
            if entry.regular {
                let file = FileEntry { path: folder.path_of(&entry.name), size, mtime_ns };
                unread.push(Unread { folder: id, file, kind: Kind::Dicom });
            } else {
                let reason = Some(Reason::Unreadable);
                self.write.pieces.push(
                    id,
                    Kept { name: entry.name.clone(), size, mtime_ns, reason },
                    None,
                )?;
            }
        }
        self.lose(old.into_values());
        let whole = unread.is_empty().then_some(folder.digest);
        self.write.folders.insert(id, whole);
        if whole.is_none() {
            self.open.insert(id, Open { digest: folder.digest, left: unread.len(), again: false });
        }
        Ok(unread)
    }

    /// What these files said does not hold any more.
    fn lose(&mut self, old: impl IntoIterator<Item = Old>) {
        for Old { piece, patient, file } in old {
            self.write.touched.extend(patient);
            self.write.lost.entry(piece).or_default().insert(file.name);
        }
    }

    fn take(&mut self, Read { unread, header }: Read) -> Result<(), NodeError> {
        let Unread { folder, file, kind: _ } = unread;
        let again = matches!(header, Err(Reason::Unreadable | Reason::Died));
        let name = file.path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let (size, mtime_ns, reason) = (file.size, file.mtime_ns, header.as_ref().err().copied());
        let kept = Kept { name, size, mtime_ns, reason };
        let patient = self.write.pieces.push(folder, kept, header.as_ref().ok())?;
        self.write.touched.extend(patient);
        self.count(folder, again);
        Ok(())
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
                "insert or ignore into touched select tree, patient, issuer from pieces where patient is not null and folder in (",
                "delete from pieces where folder in (",
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
        if write.folders.is_empty() && write.pieces.all().is_empty() {
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
        for (piece, names) in &write.lost {
            lessen(&mut tx, *piece, names).await?;
        }
        for some in write.pieces.all().chunks(ROWS) {
            put_pieces(&mut tx, self.id, some).await?;
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

async fn touch(rows: &mut SqliteConnection, tree: i64, patients: &[Arc<Patient>]) -> Result<(), NodeError> {
    let mut query = QueryBuilder::<Sqlite>::new("insert or ignore into touched (tree, patient, issuer) ");
    query.push_values(patients, |mut row, patient| {
        row.push_bind(tree).push_bind(patient.0.as_str()).push_bind(patient.1.as_str());
    });
    query.build().execute(rows).await?;
    Ok(())
}

/// Takes files out of a piece.
async fn lessen(rows: &mut SqliteConnection, piece: i64, names: &BTreeSet<String>) -> Result<(), NodeError> {
    let select = sqlx::query("select folder, patient, issuer, files, headers from pieces where id = ?");
    let row = select.bind(piece).fetch_one(&mut *rows).await?;
    let patient: Option<String> = row.try_get(1)?;
    let patient: Option<Arc<Patient>> = patient.zip(row.try_get(2)?).map(Arc::new);
    let files = files_of(row.try_get(3)?)?;
    let headers = match row.try_get::<Option<&[u8]>, _>(4)? {
        Some(bytes) => headers_of(bytes, files.len())?.into_iter().map(Some).collect(),
        None => vec![None; files.len()],
    };
    let mut rest = Piece::new(row.try_get(0)?, patient);
    for (file, header) in files.into_iter().zip(headers).filter(|(file, _)| !names.contains(&file.name)) {
        rest.push(file, header.as_ref())?;
    }
    if rest.files.is_empty() {
        sqlx::query("delete from pieces where id = ?").bind(piece).execute(rows).await?;
        return Ok(());
    }
    let row = rest.row()?;
    let update = sqlx::query("update pieces set refused = ?, files = ?, headers = ? where id = ?");
    update.bind(row.refused).bind(row.files).bind(row.headers).bind(piece).execute(rows).await?;
    Ok(())
}

async fn put_pieces(rows: &mut SqliteConnection, tree: i64, pieces: &[Piece]) -> Result<(), NodeError> {
    let written = pieces.iter().map(|piece| Ok((piece, piece.row()?)));
    let written: Vec<_> = written.collect::<Result<_, NodeError>>()?;
    let mut query = QueryBuilder::<Sqlite>::new(
        "insert into pieces (folder, tree, patient, issuer, refused, files, headers) ",
    );
    query.push_values(written, |mut values, (piece, row)| {
        let (patient, issuer) = piece.patient.as_ref().map(|p| (p.0.as_str(), p.1.as_str())).unzip();
        values.push_bind(piece.folder).push_bind(tree).push_bind(patient).push_bind(issuer);
        values.push_bind(row.refused).push_bind(row.files).push_bind(row.headers);
    });
    query.build().execute(rows).await?;
    Ok(())
}
