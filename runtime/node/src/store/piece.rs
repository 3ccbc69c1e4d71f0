//! What the index keeps of files, many in a row: those of one folder and one patient that were read at about the same time.
//!
//! A row a file would cost more than reading its header does.

use crate::error::NodeError;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use trocar_worker::{FileHeader, HeaderChain, Heard, Reason};

/// One file of a piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// In its folder.
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) mtime_ns: i64,
    /// Why it is not used.
    pub(super) reason: Option<Reason>,
}

/// Id and issuer of a patient.
pub(super) type Patient = (String, String);

/// Files of one folder, and of one patient or without a header.
pub(super) struct Piece {
    pub(super) folder: i64,
    pub(super) patient: Option<Arc<Patient>>,
    pub(super) files: Vec<Kept>,
    headers: Vec<u8>,
    chain: HeaderChain,
}

/// Bytes of headers after which another piece is begun.
const FULL: usize = 1 << 20;

impl Piece {
    pub(super) fn new(folder: i64, patient: Option<Arc<Patient>>) -> Self {
        Self { folder, patient, files: Vec::new(), headers: Vec::new(), chain: HeaderChain::default() }
    }

    /// Appends a file; one with a header is the patient's.
    pub(super) fn push(&mut self, file: Kept, header: Option<&FileHeader>) -> Result<(), NodeError> {
        if let Some(header) = header {
            let headers = std::mem::take(&mut self.headers);
            let told = self.chain.tell(header);
            self.headers = postcard::to_extend(&told, headers).map_err(|_| NodeError::Index)?;
        }
        self.files.push(file);
        Ok(())
    }

    pub(super) fn row(&self) -> Result<Row<'_>, NodeError> {
        let headers = self.patient.is_some().then_some(self.headers.as_slice());
        Ok(Row { files: files_to_bytes(&self.files)?, refused: refused(&self.files), headers })
    }
}

/// A piece as the index writes it.
pub(super) struct Row<'a> {
    pub(super) files: Vec<u8>,
    /// How many of its files are not used.
    pub(super) refused: i64,
    pub(super) headers: Option<&'a [u8]>,
}

pub(super) fn refused(files: &[Kept]) -> i64 {
    i64::try_from(files.iter().filter(|file| file.reason.is_some()).count()).unwrap_or(i64::MAX)
}

pub(super) fn files_to_bytes(files: &[Kept]) -> Result<Vec<u8>, NodeError> {
    postcard::to_stdvec(files).map_err(|_| NodeError::Index)
}

pub(super) fn files_of(bytes: &[u8]) -> Result<Vec<Kept>, NodeError> {
    postcard::from_bytes(bytes).map_err(|_| NodeError::Index)
}

/// The headers of a piece's files, in their order.
pub(super) fn headers_of(mut bytes: &[u8], files: usize) -> Result<Vec<FileHeader>, NodeError> {
    let (mut chain, mut headers) = (HeaderChain::default(), Vec::new());
    for _ in 0..files {
        let (heard, rest) = postcard::take_from_bytes::<Heard>(bytes).map_err(|_| NodeError::Index)?;
        headers.push(chain.hear(heard).ok_or(NodeError::Index)?);
        bytes = rest;
    }
    if bytes.is_empty() { Ok(headers) } else { Err(NodeError::Index) }
}

/// Pieces that the next transaction writes.
#[derive(Default)]
pub(super) struct Pieces {
    all: Vec<Piece>,
    /// The newest piece of each folder and patient, by its place.
    newest: HashMap<(i64, Option<Arc<Patient>>), usize>,
}

impl Pieces {
    pub(super) fn all(&self) -> &[Piece] {
        &self.all
    }

    /// Adds a file to the newest piece that it belongs to; whose it is.
    pub(super) fn push(
        &mut self,
        folder: i64,
        file: Kept,
        header: Option<&FileHeader>,
    ) -> Result<Option<Arc<Patient>>, NodeError> {
        let whose = header.map(FileHeader::patient);
        // Most files come after one of the same series.
        let after = self.all.last_mut().filter(|last| last.folder == folder && last.is_of(whose));
        if let Some(last) = after.filter(|last| last.headers.len() < FULL) {
            last.push(file, header)?;
            return Ok(last.patient.clone());
        }
        let patient = whose.map(|(patient, issuer)| Arc::new((patient.to_owned(), issuer.to_owned())));
        let next = self.all.len();
        let place = *self.newest.entry((folder, patient.clone())).or_insert(next);
        match self.all.get_mut(place).filter(|piece| piece.headers.len() < FULL) {
            Some(piece) => piece.push(file, header)?,
            None => {
                self.newest.insert((folder, patient.clone()), next);
                let mut piece = Piece::new(folder, patient.clone());
                piece.push(file, header)?;
                self.all.push(piece);
            }
        }
        Ok(patient)
    }
}

impl Piece {
    fn is_of(&self, whose: Option<(&str, &str)>) -> bool {
        self.patient.as_deref().map(|(patient, issuer)| (patient.as_str(), issuer.as_str())) == whose
    }
}
