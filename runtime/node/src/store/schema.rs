//! The tables, and how an index of an earlier version becomes one of this: what can be scanned again is thrown away.

use crate::error::{NodeError, ask};
use sqlx::sqlite::SqlitePool;

/// Counts up with the tables.
const VERSION: i64 = 3;

const SCHEMA: &str = "
create table if not exists datasets (
    name text primary key, id text not null, path text not null, clinical text, snapshot text);

-- What a scan has read: one tree a dataset, with what it was read by; folders with the digest of their listing once all of their
-- files are read; files with their headers, or the reason why there is none or why it is not used, in pieces: those of a folder and a
-- patient (or without one) that were read together.
create table if not exists trees (
    id integer primary key, dataset text not null unique, root text not null, reading text not null);
create table if not exists folders (
    id integer primary key, tree integer not null, path text not null, digest blob);
create table if not exists pieces (
    id integer primary key, folder integer not null, tree integer not null, patient text, issuer text, refused integer not null,
    files blob not null, headers blob);
create index if not exists pieces_of_folder on pieces (folder);
create index if not exists pieces_of_patient on pieces (tree, patient, issuer) where patient is not null;
create index if not exists pieces_refused on pieces (tree) where refused > 0;
-- Patients with a file that was added, changed or removed since the newest snapshot.
create table if not exists touched (
    tree integer not null, patient text not null, issuer text not null,
    primary key (tree, patient, issuer)) without rowid;

-- Snapshots never change: a patient's record is kept once under its digest, and is a member of the snapshots numbered from
-- `since` to before `until`.
create table if not exists records (digest blob not null unique, record blob not null);
create table if not exists members (
    tree integer not null, pseudonym text not null, since integer not null, until integer, digest blob not null,
    patient text not null, primary key (tree, pseudonym, since)) without rowid;
-- A patient is in a snapshot once.
create unique index if not exists members_now on members (tree, pseudonym) where until is null;
create table if not exists snapshots (
    number integer primary key, id text not null unique, tree integer not null, policy text not null, root text not null,
    inputs text not null, merkle text not null, commitment text not null, opening text not null, summary text not null);
";

/// Tables of version 1, whose snapshots held every file of every scan.
const FORGET: &str = "
drop table if exists snapshots; drop table if exists files; drop table if exists patients; drop table if exists quarantine;
create table if not exists datasets (
    name text primary key, id text not null, path text not null, clinical text, snapshot text);
update datasets set snapshot = null;
";

/// Version 2 had a row a file. The files are read again; whoever is not there any more leaves the next snapshot.
const READ_AGAIN: &str = "
insert or ignore into touched select distinct tree, patient, issuer from files where patient is not null;
drop table files;
delete from folders;
";

pub(super) async fn prepare(pool: &SqlitePool) -> Result<(), NodeError> {
    // Held from the first look on: of two processes that open a new index at once, one prepares it.
    let mut tx = pool.begin_with("begin immediate").await?;
    let version: i64 = sqlx::query_scalar("pragma user_version").fetch_one(&mut *tx).await?;
    if version > VERSION {
        return ask("index.db was written by a later version of Trocar: use that one");
    }
    if version < VERSION {
        let older = if version < 2 { FORGET } else { READ_AGAIN };
        sqlx::raw_sql(older).execute(&mut *tx).await?;
        sqlx::raw_sql(SCHEMA).execute(&mut *tx).await?;
        sqlx::raw_sql("pragma user_version = 3").execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::sqlite::SqlitePoolOptions;

    const SECOND: &str = "
    create table datasets (name text primary key, id text not null, path text not null, clinical text, snapshot text);
    create table folders (id integer primary key, tree integer not null, path text not null, digest blob);
    create table files (
        folder integer not null, name text not null, tree integer not null, size integer not null, mtime_ns integer not null,
        patient text, issuer text, reason text, header blob, primary key (folder, name)) without rowid;
    create table touched (
        tree integer not null, patient text not null, issuer text not null, primary key (tree, patient, issuer)) without rowid;
    insert into datasets values ('d', '1', '/d', null, 'standing');
    insert into folders values (1, 7, 'a', x'00');
    insert into files values (1, 'x', 7, 1, 1, 'P1', '', null, x'00'), (1, 'y', 7, 1, 1, 'P1', '', null, x'00'),
        (1, 'z', 7, 1, 1, null, null, 'malformed', null);
    pragma user_version = 2;
    ";

    async fn moved() -> Result<(String, i64, i64, String), NodeError> {
        // One connection: each would have a memory of its own.
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
        sqlx::raw_sql(SECOND).execute(&pool).await?;
        prepare(&pool).await?;
        prepare(&pool).await?;
        let touched = sqlx::query_scalar("select group_concat(tree || ':' || patient) from touched");
        let left = "select (select count(*) from folders) + (select count(*) from pieces)
            + (select count(*) from sqlite_schema where name = 'files')";
        Ok((
            touched.fetch_one(&pool).await?,
            sqlx::query_scalar(left).fetch_one(&pool).await?,
            sqlx::query_scalar("pragma user_version").fetch_one(&pool).await?,
            sqlx::query_scalar("select snapshot from datasets").fetch_one(&pool).await?,
        ))
    }

    #[test]
    fn an_index_with_a_row_a_file_is_read_again_and_keeps_its_snapshots() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let moved = runtime.block_on(moved()).unwrap();
        assert_eq!(moved, ("7:P1".to_owned(), 0, VERSION, "standing".to_owned()));
    }
}
