//! Patients whose files a scan has touched, one after the other, with what is known of their files.

use super::below;
use super::piece::{Kept, files_of, headers_of};
use super::tree::Tree;
use crate::error::NodeError;
use futures_util::TryStreamExt;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use trocar_worker::{FileEntry, FileHeader, PatientRecord, Reason, group, pair};

/// One patient and her files with a header; without any, she is gone.
pub(super) struct Touched {
    pub(super) patient: String,
    pub(super) issuer: String,
    pieces: Vec<Held>,
}

/// A piece of her files.
struct Held {
    id: i64,
    /// Path of its folder.
    folder: String,
    files: Vec<Kept>,
    headers: Vec<FileHeader>,
}

/// What grouping has made of a patient.
pub(super) struct Regrouped {
    pub(super) record: Option<PatientRecord>,
    /// The files that the record names by their place.
    pub(super) files: Vec<FileEntry>,
    /// Pieces in which a file's reason has changed.
    pub(super) changed: Vec<Changed>,
}

/// A piece whose files have other reasons than the index says.
pub(super) struct Changed {
    pub(super) id: i64,
    pub(super) files: Vec<Kept>,
}

impl Touched {
    /// Sorts her files into series.
    pub(super) fn regroup(mut self) -> Regrouped {
        let mut all = Vec::new();
        for (piece, held) in self.pieces.iter_mut().enumerate() {
            let headers = std::mem::take(&mut held.headers);
            for (place, (file, header)) in held.files.iter().zip(headers).enumerate() {
                let path = below(&held.folder, &file.name).into();
                let entry = FileEntry { path, size: file.size, mtime_ns: file.mtime_ns };
                all.push((entry, header, (piece, place)));
            }
        }
        all.sort_unstable_by(|(a, ..), (b, ..)| a.path.cmp(&b.path));
        let (mut good, mut files, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (index, (entry, header, place)) in (0_u32..).zip(all) {
            good.push((index, header));
            files.push(entry);
            places.push(place);
        }
        pair(&files, &mut good);
        let grouped = group(good);
        let mut refused: Vec<Option<Reason>> = vec![None; files.len()];
        for (index, reason) in grouped.refused {
            if let Some(slot) = refused.get_mut(index as usize) {
                *slot = Some(reason);
            }
        }
        let changed = self.changed(places.into_iter().zip(refused));
        Regrouped { record: grouped.patients.into_iter().next(), files, changed }
    }

    /// Writes each file's reason down, by piece and place in it.
    fn changed(self, reasons: impl Iterator<Item = ((usize, usize), Option<Reason>)>) -> Vec<Changed> {
        let mut pieces: Vec<(bool, Held)> = self.pieces.into_iter().map(|piece| (false, piece)).collect();
        for ((piece, place), reason) in reasons {
            let Some((changed, held)) = pieces.get_mut(piece) else { continue };
            let Some(file) = held.files.get_mut(place).filter(|file| file.reason != reason) else { continue };
            file.reason = reason;
            *changed = true;
        }
        let changed = pieces.into_iter().filter_map(|(changed, held)| changed.then_some(held));
        changed.map(|Held { id, files, .. }| Changed { id, files }).collect()
    }
}

/// Counts each of a dataset's patients as touched.
pub(super) async fn touch_all(rows: &mut SqliteConnection, tree: i64) -> Result<(), NodeError> {
    let all = "insert or ignore into touched select tree, patient, issuer from pieces where tree = ? and patient is not null";
    sqlx::query(all).bind(tree).execute(rows).await?;
    Ok(())
}

const SELECT: &str = "
select t.patient, t.issuer, p.id, p.folder, p.files, p.headers from touched t
left join pieces p on p.tree = t.tree and p.patient = t.patient and p.issuer = t.issuer
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
            let next = Touched { patient: patient.to_owned(), issuer: issuer.to_owned(), pieces: Vec::new() };
            if let Some(whole) = current.replace(next) {
                take(whole).await?;
            }
        }
        if let (Some(held), Some(current)) = (held(&row, tree)?, &mut current) {
            current.pieces.push(held);
        }
    }
    match current {
        Some(last) => take(last).await,
        None => Ok(()),
    }
}

fn held(row: &SqliteRow, tree: &Tree) -> Result<Option<Held>, NodeError> {
    let Some(id) = row.try_get::<Option<i64>, _>(2)? else { return Ok(None) };
    let folder = tree.paths.get(&row.try_get(3)?).ok_or(NodeError::Index)?.clone();
    let files = files_of(row.try_get(4)?)?;
    let headers = headers_of(row.try_get(5)?, files.len())?;
    Ok(Some(Held { id, folder, files, headers }))
}
