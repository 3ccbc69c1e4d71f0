//! Snapshots as jobs read them: who is in one, and one patient's record.

use super::piece::files_of;
use super::{Store, Tree, below, parsed};
use crate::error::NodeError;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use std::collections::BTreeMap;
use std::path::PathBuf;
use trocar_terms::{Digest, SnapshotId, Value};
use trocar_tlog::Merkle;
use trocar_worker::{FileEntry, PatientRecord};

/// One patient of a snapshot: what the cohort is decided on and the worker is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Indexed {
    /// HMAC under the audit key of her id: finds the same patient in another dataset, says nothing outside.
    pub pseudonym: String,
    /// Her series.
    pub record: PatientRecord,
    /// Her row of the clinical table.
    pub columns: BTreeMap<String, Value>,
    /// Her files, which the record's series name by their place here.
    pub files: Vec<FileEntry>,
}

/// A frozen state of a dataset. Its patients are read from the index one by one.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// Its random id.
    pub(crate) id: SnapshotId,
    /// Digest of the policy that it was scanned under.
    pub(crate) policy: Digest,
    /// The folder that it was scanned from.
    pub(crate) root: PathBuf,
    /// Hiding commitment to its contents: the only digest of it that leaves the node.
    pub(crate) commitment: Digest,
    /// The 32 random bytes that open the commitment.
    opening: [u8; 32],
    number: i64,
    tree: i64,
}

/// A hiding commitment: without the 32 random bytes nobody can test a guess at the contents.
pub(super) fn commit(opening: &[u8; 32], root: &Digest) -> Digest {
    Digest::of(&[&opening[..], root.as_bytes()].concat())
}

impl Store {
    /// Finds a snapshot.
    ///
    /// # Errors
    /// It is not there or cannot be read.
    pub(crate) async fn snapshot(&self, id: SnapshotId) -> Result<Snapshot, NodeError> {
        let select = "select number, tree, policy, root, commitment, opening from snapshots where id = ?";
        let row = sqlx::query(select).bind(id.to_string()).fetch_optional(&self.pool).await?;
        let row = row.ok_or(NodeError::Lost("its snapshot"))?;
        let opening = hex::decode(row.try_get::<&str, _>(5)?).map_err(|_| NodeError::Index)?;
        Ok(Snapshot {
            id,
            policy: parsed(row.try_get(2)?)?,
            root: PathBuf::from(row.try_get::<String, _>(3)?),
            commitment: parsed(row.try_get(4)?)?,
            opening: opening.try_into().map_err(|_| NodeError::Index)?,
            number: row.try_get(0)?,
            tree: row.try_get(1)?,
        })
    }

    /// Shows each patient of a snapshot, in order of pseudonym, and holds them all against its commitment.
    ///
    /// # Errors
    /// The index cannot be read, or is not what the snapshot was: then what was shown may not be used.
    pub(crate) async fn each_member(
        &self,
        snapshot: &Snapshot,
        see: impl FnMut(Digest, Indexed),
    ) -> Result<(), NodeError> {
        let mut rows = self.pool.acquire().await?;
        let root = each_record(&mut rows, snapshot.tree, snapshot.number, see).await?;
        let same = commit(&snapshot.opening, &root) == snapshot.commitment;
        if same { Ok(()) } else { Err(NodeError::Lost("its snapshot")) }
    }

    /// One patient's record.
    ///
    /// # Errors
    /// It is not there, or not the one of this digest.
    pub(crate) async fn record(&self, digest: &Digest) -> Result<Indexed, NodeError> {
        let select = sqlx::query("select record from records where digest = ?");
        let row = select.bind(digest.as_bytes().to_vec()).fetch_one(&self.pool).await?;
        record_of(digest, row.try_get(0)?)
    }

    /// The refused files of a dataset's newest scan, in order of path, with the reasons' words.
    ///
    /// # Errors
    /// The index cannot be read.
    pub(crate) async fn refused(&self, tree: &Tree) -> Result<Vec<(String, String)>, NodeError> {
        let select = "select d.path, p.files from pieces p join folders d on d.id = p.folder where p.tree = ? and p.refused > 0";
        let mut refused = Vec::new();
        for row in sqlx::query(select).bind(tree.id).fetch_all(&self.pool).await? {
            let folder: &str = row.try_get(0)?;
            for file in files_of(row.try_get(1)?)? {
                refused
                    .extend(file.reason.map(|reason| (below(folder, &file.name), reason.word().to_owned())));
            }
        }
        refused.sort_unstable();
        Ok(refused)
    }
}

const MEMBERS: &str = "from members m join records r on r.digest = m.digest
    where m.tree = ? and m.since <= ? and (m.until is null or m.until > ?) order by m.pseudonym";

/// Shows each record that is a member of snapshot `number`; the Merkle root over their digests.
pub(super) async fn each_record(
    rows: &mut SqliteConnection,
    tree: i64,
    number: i64,
    mut see: impl FnMut(Digest, Indexed),
) -> Result<Digest, NodeError> {
    let mut merkle = Merkle::default();
    let select = sqlx::query(AssertSqlSafe(format!("select m.digest, r.record {MEMBERS}")));
    let mut members = select.bind(tree).bind(number).bind(number).fetch(rows);
    while let Some(row) = members.try_next().await? {
        let digest = digest_of(&row)?;
        merkle.push(digest.as_bytes());
        see(digest, record_of(&digest, row.try_get(1)?)?);
    }
    Ok(merkle.root())
}

fn digest_of(row: &SqliteRow) -> Result<Digest, NodeError> {
    let bytes: &[u8] = row.try_get(0)?;
    Ok(Digest::from_bytes(bytes.try_into().map_err(|_| NodeError::Index)?))
}

fn record_of(digest: &Digest, bytes: &[u8]) -> Result<Indexed, NodeError> {
    if Digest::of(bytes) != *digest {
        return Err(NodeError::Index);
    }
    postcard::from_bytes(bytes).map_err(|_| NodeError::Index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_cannot_be_tried_without_its_opening() {
        let root = Digest::of(b"the root of a dataset of one patient");
        assert_ne!(commit(&[1; 32], &root), commit(&[2; 32], &root), "the opening hides nothing");
        assert_ne!(commit(&[1; 32], &root), Digest::of(root.as_bytes()));
    }
}
