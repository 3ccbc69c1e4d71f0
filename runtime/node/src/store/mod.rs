//! The index in SQLite: datasets, what scans have read of their files, and snapshots of their patients that never change.
//!
//! Files' rows can be read again from the files, so they are written without waiting for the disk; snapshots are synced.
//! Job state is not stored here: it is read off the ledger, which is the truth.

mod freeze;
mod piece;
mod schema;
mod snapshot;
mod touched;
mod tree;

pub(crate) use freeze::{Freeze, Frozen, Indexing, Kept};
pub use snapshot::Indexed;
pub(crate) use snapshot::Snapshot;
pub(crate) use tree::Tree;

use crate::error::{NodeError, ask};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Row};
use std::path::{Path, PathBuf};
use trocar_terms::{DatasetId, Name, SnapshotId};

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

/// The open index.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
    options: SqliteConnectOptions,
}

/// KiB that SQLite may hold of the index in memory, a connection.
const CACHE: &str = "-32768";
/// Pages of the write-ahead log that are written back at once.
const CHECKPOINT: &str = "1000";
/// Bytes of a page of a new index: rows of headers are long, and fewer pages are written.
const PAGE: u32 = 16 << 10;
/// Rows that one statement writes.
const ROWS: usize = 400;

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
            .busy_timeout(std::time::Duration::from_secs(30))
            .page_size(PAGE)
            .row_buffer_size(ROWS)
            .pragma("cache_size", CACHE)
            .pragma("wal_autocheckpoint", CHECKPOINT);
        // SQLite gives its side files the mode of this one.
        crate::files::private_file(path)?;
        let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options.clone()).await?;
        schema::prepare(&pool).await?;
        Ok(Self { pool, options })
    }

    /// A connection for rows that a crash may take back.
    async fn unsynced(&self) -> Result<SqliteConnection, NodeError> {
        Ok(self.options.clone().synchronous(SqliteSynchronous::Normal).connect().await?)
    }

    /// Moves what was written from the log into the index, so that no later process has to read it there.
    pub(crate) async fn checkpoint(&self) -> Result<(), NodeError> {
        sqlx::query("pragma wal_checkpoint(truncate)").execute(&self.pool).await?;
        Ok(())
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

/// Path below the dataset's folder.
fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { [folder, "/", name].concat() }
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
