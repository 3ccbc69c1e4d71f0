//! Patients whose files a scan has touched, one after the other, with what is known of their files.

use super::tree::Tree;
use crate::error::NodeError;
use futures_util::TryStreamExt;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::path::PathBuf;
use trocar_worker::{FileEntry, FileHeader, PatientRecord, Reason, group, header_of, pair};

/// One patient and her files with a header; without any, she is gone.
pub(super) struct Touched {
    pub(super) patient: String,
    pub(super) issuer: String,
    files: Vec<Held>,
}

/// A file with a header.
struct Held {
    folder: i64,
    name: String,
    entry: FileEntry,
    header: FileHeader,
    reason: Option<String>,
}

/// What grouping has made of a patient.
pub(super) struct Regrouped {
    pub(super) record: Option<PatientRecord>,
    /// The files that the record names by their place.
    pub(super) files: Vec<FileEntry>,
    /// Files whose reason has changed: `(folder, name, reason)`.
    pub(super) reasons: Vec<(i64, String, Option<Reason>)>,
}

impl Touched {
    /// Sorts her files into series.
    pub(super) fn regroup(mut self) -> Regrouped {
        self.files.sort_unstable_by(|a, b| a.entry.path.cmp(&b.entry.path));
        let (mut good, mut files, mut before) = (Vec::new(), Vec::new(), Vec::new());
        for (index, held) in (0_u32..).zip(self.files) {
            good.push((index, held.header));
            files.push(held.entry);
            before.push((held.folder, held.name, held.reason));
        }
        pair(&files, &mut good);
        let grouped = group(good);
        let mut refused: Vec<Option<Reason>> = vec![None; files.len()];
        for (index, reason) in grouped.refused {
            if let Some(slot) = refused.get_mut(index as usize) {
                *slot = Some(reason);
            }
        }
        let changed = before.into_iter().zip(refused).filter_map(|((folder, name, old), new)| {
            (old.as_deref() != new.map(Reason::word)).then_some((folder, name, new))
        });
        let reasons = changed.collect();
        Regrouped { record: grouped.patients.into_iter().next(), files, reasons }
    }
}

/// Counts each of a dataset's patients as touched.
pub(super) async fn touch_all(rows: &mut SqliteConnection, tree: i64) -> Result<(), NodeError> {
    let all = "insert or ignore into touched select tree, patient, issuer from files where tree = ? and patient is not null";
    sqlx::query(all).bind(tree).execute(rows).await?;
    Ok(())
}

const SELECT: &str = "
select t.patient, t.issuer, f.folder, f.name, f.size, f.mtime_ns, f.reason, f.header from touched t
left join files f on f.tree = t.tree and f.patient = t.patient and f.issuer = t.issuer
where t.tree = ? order by t.patient, t.issuer";

/// Hands over each touched patient, one in memory at a time. `rows` is a connection of its own.
pub(super) async fn each_touched<F>(
    rows: &mut SqliteConnection,
    tree: &Tree,
    mut take: F,
) -> Result<(), NodeError>
where
    F: AsyncFnMut(Touched) -> Result<(), NodeError>,
{
    let mut current: Option<Touched> = None;
    let mut found = sqlx::query(SELECT).bind(tree.id).fetch(rows);
    while let Some(row) = found.try_next().await? {
        let (patient, issuer): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        if current.as_ref().is_none_or(|t| t.patient != patient || t.issuer != issuer) {
            let next = Touched { patient: patient.to_owned(), issuer: issuer.to_owned(), files: Vec::new() };
            if let Some(whole) = current.replace(next) {
                take(whole).await?;
            }
        }
        if let (Some(held), Some(current)) = (held(&row, tree)?, &mut current) {
            current.files.push(held);
        }
    }
    match current {
        Some(last) => take(last).await,
        None => Ok(()),
    }
}

fn held(row: &SqliteRow, tree: &Tree) -> Result<Option<Held>, NodeError> {
    let (Some(folder), Some(header)) =
        (row.try_get::<Option<i64>, _>(2)?, row.try_get::<Option<&[u8]>, _>(7)?)
    else {
        return Ok(None);
    };
    let name: String = row.try_get(3)?;
    let path = match tree.paths.get(&folder).ok_or(NodeError::Index)?.as_str() {
        "" => PathBuf::from(&name),
        folder => PathBuf::from([folder, "/", &name].concat()),
    };
    let (size, mtime_ns) = (row.try_get::<i64, _>(4)?.cast_unsigned(), row.try_get(5)?);
    let entry = FileEntry { path, size, mtime_ns };
    let header = header_of(header).ok_or(NodeError::Index)?;
    Ok(Some(Held { folder, name, entry, header, reason: row.try_get(6)? }))
}
