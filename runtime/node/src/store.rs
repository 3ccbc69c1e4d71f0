//! The index in SQLite: datasets, and for each scan a snapshot of files and patients that never changes again.
//!
//! Job state is not stored here: it is read off the ledger, which is the truth.

use crate::error::{NodeError, ask};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Row, Sqlite, Transaction};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use trocar_terms::{DatasetId, Digest, Name, SnapshotId, Value};
use trocar_worker::{FileEntry, PatientRecord};

const SCHEMA: &str = "
create table if not exists datasets (
    name text primary key, id text not null, path text not null, clinical text, snapshot text);
create table if not exists snapshots (
    id text primary key, dataset text not null, policy text not null, root text not null, commitment text not null, opening text not null);
create table if not exists files (
    snapshot text not null, number integer not null, path text not null, size integer not null,
    mtime_ns integer not null, primary key (snapshot, number)) without rowid;
create table if not exists patients (
    snapshot text not null, number integer not null, pseudonym text not null, record text not null,
    columns text not null, primary key (snapshot, number)) without rowid;
create table if not exists quarantine (
    snapshot text not null, path text not null, reason text not null);
";

/// A dataset as the operator added it.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Its name on this node.
    pub name: Name,
    /// Its random id.
    pub id: DatasetId,
    /// The folder.
    pub path: PathBuf,
    /// The clinical table.
    pub clinical: Option<PathBuf>,
    /// The newest snapshot; none before the first scan.
    pub snapshot: Option<SnapshotId>,
}

/// One patient of a snapshot: what the cohort is decided on and the worker is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Indexed {
    /// HMAC under the audit key of her id: finds the same patient in another dataset, says nothing outside.
    pub pseudonym: String,
    /// Her series.
    pub record: PatientRecord,
    /// Her row of the clinical table.
    pub columns: BTreeMap<String, Value>,
}

/// All of a snapshot that a job needs.
#[derive(Debug)]
pub struct Snapshot {
    /// Its random id.
    pub id: SnapshotId,
    /// Digest of the policy that it was scanned under.
    pub policy: Digest,
    /// The folder that it was scanned from.
    pub root: PathBuf,
    /// Hiding commitment to its contents: the only digest of it that leaves the node.
    pub commitment: Digest,
    /// The patients.
    pub patients: Vec<Indexed>,
    /// The files, by number.
    pub files: Vec<FileEntry>,
}

/// What a scan found, ready to be kept.
#[derive(Debug)]
pub struct Scanned {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The 32 random bytes that open the commitment.
    pub opening: String,
    /// Files that were refused, with the reason's word.
    pub quarantined: Vec<(String, String)>,
}

/// The open index.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the index, and makes it where it does not exist.
    ///
    /// # Errors
    /// The file is not an index or the disk refuses.
    pub async fn open(path: &Path) -> Result<Self, NodeError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(std::time::Duration::from_secs(30));
        // SQLite gives its side files the mode of this one.
        crate::files::private_file(path)?;
        let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        Ok(Self { pool })
    }

    /// Keeps a dataset, or corrects folder and table of the one with this name; with others, it must be scanned again.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn put(&self, dataset: &Dataset) -> Result<(), NodeError> {
        let correct = "insert into datasets (name, id, path, clinical) values (?, ?, ?, ?)
            on conflict (name) do update set id = excluded.id, path = excluded.path, clinical = excluded.clinical,
            snapshot = case when path is excluded.path and clinical is excluded.clinical then snapshot end";
        sqlx::query(correct)
            .bind(dataset.name.as_str())
            .bind(dataset.id.to_string())
            .bind(text(&dataset.path)?)
            .bind(dataset.clinical.as_deref().map(text).transpose()?)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// All datasets, by name.
    ///
    /// # Errors
    /// The index cannot be read.
    pub async fn datasets(&self) -> Result<Vec<Dataset>, NodeError> {
        let rows = sqlx::query("select name, id, path, clinical, snapshot from datasets order by name")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(dataset_of).collect()
    }

    /// One dataset.
    ///
    /// # Errors
    /// There is none of that name; the text lists those that exist.
    pub async fn dataset(&self, name: &Name) -> Result<Dataset, NodeError> {
        match self.datasets().await?.into_iter().find(|d| d.name == *name) {
            Some(dataset) => Ok(dataset),
            None => ask(format!("there is no dataset {name}: see `trocar node dataset list`")),
        }
    }

    /// Keeps what a scan found and makes it the dataset's newest snapshot, all in one transaction.
    ///
    /// # Errors
    /// The disk refuses; then the old snapshot stands.
    pub async fn keep(&self, dataset: &Name, scanned: &Scanned) -> Result<(), NodeError> {
        let mut tx = self.pool.begin().await?;
        let id = scanned.snapshot.id.to_string();
        sqlx::query(
            "insert into snapshots (id, dataset, policy, root, commitment, opening) values (?, ?, ?, ?, ?, ?)",
        )
        .bind(&id)
        .bind(dataset.as_str())
        .bind(scanned.snapshot.policy.to_string())
        .bind(text(&scanned.snapshot.root)?)
        .bind(scanned.snapshot.commitment.to_string())
        .bind(&scanned.opening)
        .execute(&mut *tx)
        .await?;
        keep_files(&mut tx, &id, &scanned.snapshot.files).await?;
        keep_patients(&mut tx, &id, &scanned.snapshot.patients).await?;
        keep_quarantine(&mut tx, &id, &scanned.quarantined).await?;
        sqlx::query("update datasets set snapshot = ? where name = ?")
            .bind(&id)
            .bind(dataset.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// It is not there or cannot be read.
    pub async fn snapshot(&self, id: SnapshotId) -> Result<Snapshot, NodeError> {
        let head = sqlx::query("select commitment, policy, root from snapshots where id = ?")
            .bind(id.to_string())
            .fetch_one(&self.pool)
            .await?;
        let (commitment, policy) = (parsed(head.try_get(0)?)?, parsed(head.try_get(1)?)?);
        Ok(Snapshot {
            id,
            policy,
            root: PathBuf::from(head.try_get::<String, _>(2)?),
            commitment,
            patients: self.patients(id).await?,
            files: self.files(id).await?,
        })
    }

    async fn patients(&self, id: SnapshotId) -> Result<Vec<Indexed>, NodeError> {
        let rows =
            sqlx::query("select pseudonym, record, columns from patients where snapshot = ? order by number")
                .bind(id.to_string())
                .fetch_all(&self.pool)
                .await?;
        rows.iter()
            .map(|r| {
                let (record, columns): (&str, &str) = (r.try_get(1)?, r.try_get(2)?);
                Ok(Indexed {
                    pseudonym: r.try_get(0)?,
                    record: serde_json::from_str(record)?,
                    columns: serde_json::from_str(columns)?,
                })
            })
            .collect()
    }

    async fn files(&self, id: SnapshotId) -> Result<Vec<FileEntry>, NodeError> {
        let rows = sqlx::query("select path, size, mtime_ns from files where snapshot = ? order by number")
            .bind(id.to_string())
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|r| {
                let path: &str = r.try_get(0)?;
                let size: i64 = r.try_get(1)?;
                Ok(FileEntry { path: path.into(), size: size.cast_unsigned(), mtime_ns: r.try_get(2)? })
            })
            .collect()
    }

    /// The refused files of a snapshot with their reasons.
    ///
    /// # Errors
    /// The index cannot be read.
    pub async fn quarantined(&self, id: SnapshotId) -> Result<Vec<(String, String)>, NodeError> {
        let rows = sqlx::query("select path, reason from quarantine where snapshot = ? order by path")
            .bind(id.to_string())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|r| Ok((r.try_get(0)?, r.try_get(1)?))).collect()
    }
}

async fn keep_files(
    tx: &mut Transaction<'_, Sqlite>,
    id: &str,
    files: &[FileEntry],
) -> Result<(), NodeError> {
    for (number, entry) in (0_i64..).zip(files) {
        sqlx::query("insert into files (snapshot, number, path, size, mtime_ns) values (?, ?, ?, ?, ?)")
            .bind(id)
            .bind(number)
            .bind(text(&entry.path)?)
            .bind(entry.size.cast_signed())
            .bind(entry.mtime_ns)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn keep_patients(
    tx: &mut Transaction<'_, Sqlite>,
    id: &str,
    patients: &[Indexed],
) -> Result<(), NodeError> {
    for (number, patient) in (0_i64..).zip(patients) {
        sqlx::query(
            "insert into patients (snapshot, number, pseudonym, record, columns) values (?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(number)
        .bind(&patient.pseudonym)
        .bind(serde_json::to_string(&patient.record)?)
        .bind(serde_json::to_string(&patient.columns)?)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn keep_quarantine(
    tx: &mut Transaction<'_, Sqlite>,
    id: &str,
    files: &[(String, String)],
) -> Result<(), NodeError> {
    for (path, reason) in files {
        sqlx::query("insert into quarantine (snapshot, path, reason) values (?, ?, ?)")
            .bind(id)
            .bind(path)
            .bind(reason)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

fn dataset_of(row: &sqlx::sqlite::SqliteRow) -> Result<Dataset, NodeError> {
    Ok(Dataset {
        name: parsed(row.try_get(0)?)?,
        id: parsed(row.try_get(1)?)?,
        path: PathBuf::from(row.try_get::<String, _>(2)?),
        clinical: row.try_get::<Option<String>, _>(3)?.map(PathBuf::from),
        snapshot: row.try_get::<Option<&str>, _>(4)?.map(parsed).transpose()?,
    })
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, NodeError> {
    text.parse().map_err(|_| NodeError::Index)
}

fn text(path: &Path) -> Result<&str, NodeError> {
    match path.to_str() {
        Some(text) => Ok(text),
        None => ask(format!("the path {} is not valid UTF-8: rename it", path.display())),
    }
}
