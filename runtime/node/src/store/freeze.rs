//! From rows of files to a snapshot: touched patients are grouped again, all others are in it as they were.

use super::piece::{files_to_bytes, refused};
use super::snapshot::{Indexed, commit, each_record};
use super::touched::{Changed, Touched, each_touched, touch_all};
use super::{ROWS, Store, Tree, parsed, text};
use crate::error::NodeError;
use crate::keys::random_bytes;
use crate::scan::Contents;
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Row, Sqlite, Transaction};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use trocar_terms::{Digest, Name, SnapshotId};
use trocar_worker::PatientRecord;

/// What a snapshot is made of besides the files.
pub(crate) struct Freeze<'a> {
    pub(crate) dataset: &'a Name,
    /// The folder.
    pub(crate) root: &'a Path,
    /// The policy's digest.
    pub(crate) policy: Digest,
    /// Digest of all that a record depends on besides the files: rules, clinical table. With others, all records are made again.
    pub(crate) inputs: Digest,
}

/// A snapshot that is written but not yet kept.
pub(crate) struct Frozen<'a> {
    tx: Transaction<'a, Sqlite>,
    tree: i64,
    number: i64,
    last: Option<Last>,
}

/// The snapshot that a scan ends with.
pub(crate) struct Kept {
    /// Whether it was there before.
    pub(crate) unchanged: bool,
    pub(crate) id: SnapshotId,
    /// Merkle root over its records.
    pub(crate) merkle: Digest,
    pub(crate) contents: Contents,
}

/// The newest snapshot so far.
struct Last {
    id: String,
    policy: String,
    root: String,
    inputs: String,
    merkle: String,
}

impl Store {
    /// Groups the touched patients again. `index` gives a record its pseudonym and its row of the clinical table.
    ///
    /// Nothing of it is kept before [`Frozen::keep`].
    pub(crate) async fn freeze(
        &self,
        tree: &Tree,
        freeze: &Freeze<'_>,
        index: &dyn Indexing,
    ) -> Result<Frozen<'_>, NodeError> {
        let mut rows = self.unsynced().await?;
        let last = last(&mut rows, freeze.dataset).await?;
        if last.as_ref().is_none_or(|last| last.inputs != freeze.inputs.to_string()) {
            touch_all(&mut rows, tree.id).await?;
        }
        let mut tx = self.pool.begin().await?;
        let next = "select coalesce(max(number), 0) + 1 from snapshots";
        let number: i64 = sqlx::query_scalar(next).fetch_one(&mut *tx).await?;
        let mut frozen = Frozen { tx, tree: tree.id, number, last };
        let mut chunk = Vec::with_capacity(ROWS);
        each_touched(&mut rows, tree, async |touched| {
            chunk.push(made(touched, index)?);
            if chunk.len() < ROWS {
                return Ok(());
            }
            frozen.put(&std::mem::take(&mut chunk)).await
        })
        .await?;
        frozen.put(&chunk).await?;
        let done = sqlx::query("delete from touched where tree = ?").bind(tree.id);
        done.execute(&mut *frozen.tx).await?;
        Ok(frozen)
    }
}

/// What a record gets from the node.
pub(crate) trait Indexing: Sync {
    /// The keyed pseudonym of an id and its issuer.
    fn pseudonym(&self, patient: &str, issuer: &str) -> String;
    /// Her row of the clinical table.
    fn columns(&self, record: &PatientRecord) -> BTreeMap<String, trocar_terms::Value>;
}

/// A touched patient after grouping.
struct Made {
    pseudonym: String,
    patient: String,
    /// Digest and bytes of her record; `None` where she has no usable series.
    record: Option<(Digest, Vec<u8>)>,
    changed: Vec<Changed>,
}

fn made(touched: Touched, index: &dyn Indexing) -> Result<Made, NodeError> {
    let pseudonym = index.pseudonym(&touched.patient, &touched.issuer);
    let patient = touched.patient.clone();
    let regrouped = touched.regroup();
    let files = regrouped.files;
    let record = regrouped.record.map(|record| {
        let columns = index.columns(&record);
        Indexed { pseudonym: pseudonym.clone(), record, columns, files }
    });
    let bytes =
        record.map(|record| postcard::to_stdvec(&record).map_err(|_| NodeError::Index)).transpose()?;
    let record = bytes.map(|bytes| (Digest::of(&bytes), bytes));
    Ok(Made { pseudonym, patient, record, changed: regrouped.changed })
}

async fn last(rows: &mut SqliteConnection, dataset: &Name) -> Result<Option<Last>, NodeError> {
    let select = "select s.id, s.policy, s.root, s.inputs, s.merkle from snapshots s
        join datasets d on d.snapshot = s.id where d.name = ?";
    let row = sqlx::query(select).bind(dataset.as_str()).fetch_optional(rows).await?;
    let last = |row: &sqlx::sqlite::SqliteRow| -> Result<Last, NodeError> {
        let [id, policy, root, inputs, merkle] =
            [0, 1, 2, 3, 4].map(|column| row.try_get::<String, _>(column));
        Ok(Last { id: id?, policy: policy?, root: root?, inputs: inputs?, merkle: merkle? })
    };
    row.as_ref().map(last).transpose()
}

impl Frozen<'_> {
    async fn put(&mut self, made: &[Made]) -> Result<(), NodeError> {
        if made.is_empty() {
            return Ok(());
        }
        let before = self.members(made).await?;
        let digest = |m: &Made| m.record.as_ref().map(|(digest, _)| *digest);
        let changed: Vec<&Made> =
            made.iter().filter(|m| before.get(&m.pseudonym).copied() != digest(m)).collect();
        let left: Vec<&str> =
            changed.iter().map(|m| m.pseudonym.as_str()).filter(|p| before.contains_key(*p)).collect();
        self.leave(&left).await?;
        self.join(&changed).await?;
        for piece in made.iter().flat_map(|m| &m.changed) {
            let update = sqlx::query("update pieces set refused = ?, files = ? where id = ?");
            let update =
                update.bind(refused(&piece.files)).bind(files_to_bytes(&piece.files)?).bind(piece.id);
            update.execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// Records of these patients in the snapshot before, whether or not the dataset still shows it.
    async fn members(&mut self, made: &[Made]) -> Result<HashMap<String, Digest>, NodeError> {
        let mut members = HashMap::new();
        let mut query = QueryBuilder::<Sqlite>::new("select pseudonym, digest from members where tree = ");
        query.push_bind(self.tree).push(" and until is null and pseudonym in (");
        let mut list = query.separated(", ");
        for m in made {
            list.push_bind(m.pseudonym.as_str());
        }
        for row in query.push(")").build().fetch_all(&mut *self.tx).await? {
            let bytes: Vec<u8> = row.try_get(1)?;
            let digest = Digest::from_bytes(bytes.try_into().map_err(|_| NodeError::Index)?);
            members.insert(row.try_get(0)?, digest);
        }
        Ok(members)
    }

    async fn leave(&mut self, pseudonyms: &[&str]) -> Result<(), NodeError> {
        if pseudonyms.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::<Sqlite>::new("update members set until = ");
        query.push_bind(self.number).push(" where tree = ").push_bind(self.tree);
        query.push(" and until is null and pseudonym in (");
        let mut list = query.separated(", ");
        for pseudonym in pseudonyms {
            list.push_bind(*pseudonym);
        }
        query.push(")").build().execute(&mut *self.tx).await?;
        Ok(())
    }

    async fn join(&mut self, made: &[&Made]) -> Result<(), NodeError> {
        let new = || made.iter().filter_map(|m| Some((m, m.record.as_ref()?)));
        if new().next().is_none() {
            return Ok(());
        }
        let mut records = QueryBuilder::<Sqlite>::new("insert or ignore into records (digest, record) ");
        records.push_values(new(), |mut row, (_, (digest, bytes))| {
            row.push_bind(digest.as_bytes().to_vec()).push_bind(bytes.as_slice());
        });
        records.build().execute(&mut *self.tx).await?;
        let mut members =
            QueryBuilder::<Sqlite>::new("insert into members (tree, pseudonym, since, digest, patient) ");
        members.push_values(new(), |mut row, (m, (digest, _))| {
            row.push_bind(self.tree).push_bind(m.pseudonym.as_str()).push_bind(self.number);
            row.push_bind(digest.as_bytes().to_vec()).push_bind(m.patient.as_str());
        });
        members.build().execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Whether two patients have the same id, under two issuers.
    pub(crate) async fn has_ids_of_two_issuers(&mut self) -> Result<bool, NodeError> {
        let twice = "select 1 from members where tree = ? and until is null group by patient having count(*) > 1 limit 1";
        Ok(sqlx::query(twice).bind(self.tree).fetch_optional(&mut *self.tx).await?.is_some())
    }

    /// Whether one patient id comes with an issuer and without one: two patients, or one counted twice.
    pub(crate) async fn has_ids_with_and_without_issuer(&mut self) -> Result<bool, NodeError> {
        let both = "select 1 from pieces where tree = ? and patient is not null group by patient
            having min(issuer) = '' and max(issuer) <> '' limit 1";
        Ok(sqlx::query(both).bind(self.tree).fetch_optional(&mut *self.tx).await?.is_some())
    }

    /// The pseudonyms of all its patients.
    pub(crate) async fn pseudonyms(&mut self) -> Result<Vec<String>, NodeError> {
        let select = "select pseudonym from members where tree = ? and until is null order by pseudonym";
        Ok(sqlx::query_scalar(select).bind(self.tree).fetch_all(&mut *self.tx).await?)
    }

    /// Keeps it and makes it the dataset's newest snapshot; where it is the same as the last one, that one stays.
    pub(crate) async fn keep(mut self, freeze: &Freeze<'_>) -> Result<Kept, NodeError> {
        let (tree, number, mut contents) = (self.tree, self.number, Contents::default());
        let root = each_record(&mut self.tx, tree, number, |_, record| contents.count(&record)).await?;
        let same = self.last.take().filter(|last| last.is(freeze, &root));
        let (unchanged, id) = match same {
            Some(last) => (true, last.id),
            None => (false, self.insert(freeze, &root, &serde_json::to_string(&contents)?).await?),
        };
        self.tx.commit().await?;
        Ok(Kept { unchanged, id: parsed(&id)?, merkle: root, contents })
    }

    async fn insert(
        &mut self,
        freeze: &Freeze<'_>,
        root: &Digest,
        summary: &str,
    ) -> Result<String, NodeError> {
        let id = SnapshotId::from_bytes(random_bytes()).to_string();
        let opening: [u8; 32] = random_bytes();
        let insert = "insert into snapshots (number, id, tree, policy, root, inputs, merkle, commitment, opening, summary)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(insert)
            .bind(self.number)
            .bind(&id)
            .bind(self.tree)
            .bind(freeze.policy.to_string())
            .bind(text(freeze.root)?)
            .bind(freeze.inputs.to_string())
            .bind(root.to_string())
            .bind(commit(&opening, root).to_string())
            .bind(hex::encode(opening))
            .bind(summary)
            .execute(&mut *self.tx)
            .await?;
        let newest = sqlx::query("update datasets set snapshot = ? where name = ?");
        newest.bind(&id).bind(freeze.dataset.as_str()).execute(&mut *self.tx).await?;
        Ok(id)
    }
}

impl Last {
    fn is(&self, freeze: &Freeze<'_>, merkle: &Digest) -> bool {
        let theirs = [&self.policy, &self.inputs, &self.merkle];
        let ours = [freeze.policy, freeze.inputs, *merkle].map(|digest| digest.to_string());
        theirs.into_iter().eq(&ours) && Path::new(&self.root) == freeze.root
    }
}

impl Store {
    /// The newest snapshot, where nothing was touched since and it was made of the same.
    pub(crate) async fn standing(&self, tree: &Tree, freeze: &Freeze<'_>) -> Result<Option<Kept>, NodeError> {
        let select = "select s.id, s.merkle, s.summary from snapshots s join datasets d on d.snapshot = s.id
            where d.name = ? and s.tree = ? and s.policy = ? and s.inputs = ? and s.root = ?
            and not exists (select 1 from touched where tree = s.tree)";
        let found = sqlx::query(select)
            .bind(freeze.dataset.as_str())
            .bind(tree.id)
            .bind(freeze.policy.to_string())
            .bind(freeze.inputs.to_string())
            .bind(text(freeze.root)?);
        let Some(row) = found.fetch_optional(&self.pool).await? else { return Ok(None) };
        let (id, merkle) = (parsed(row.try_get(0)?)?, parsed(row.try_get(1)?)?);
        let contents = serde_json::from_str(row.try_get(2)?)?;
        Ok(Some(Kept { unchanged: true, id, merkle, contents }))
    }
}
