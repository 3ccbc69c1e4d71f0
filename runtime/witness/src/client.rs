//! The side of a log: a witness in a folder or behind a URL is shown the newest checkpoint.

use crate::error::WitnessError;
use crate::state::{Answer, Witness};
use reqwest::StatusCode;
use std::time::Duration;
use trocar_terms::Timestamp;
use trocar_tlog::{AddCheckpoint, Checkpoint, MOST_BYTES, Note, NoteSignature, Tree, Verifier};

/// How long a witness may take.
const WAIT: Duration = Duration::from_secs(20);

/// A witness that can be asked.
#[derive(Debug)]
pub enum Client {
    /// A folder on another disk.
    Folder(Witness),
    /// A process elsewhere.
    Remote {
        /// Its submission prefix.
        url: String,
        /// The key that it must sign with.
        verifier: Verifier,
        /// The connections to it.
        http: reqwest::Client,
    },
}

impl Client {
    /// A witness behind a URL.
    ///
    /// # Errors
    /// `Unreachable` where no client can be made.
    pub fn remote(url: &str, verifier: Verifier) -> Result<Self, WitnessError> {
        let builder = reqwest::Client::builder().timeout(WAIT).redirect(reqwest::redirect::Policy::none());
        let http = builder.build().map_err(WitnessError::Unreachable)?;
        Ok(Self::Remote { url: url.trim_end_matches('/').to_owned(), verifier, http })
    }

    /// The key that it signs with.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        match self {
            Self::Folder(witness) => witness.verifier(),
            Self::Remote { verifier, .. } => verifier.clone(),
        }
    }

    async fn ask(&self, request: &AddCheckpoint, now: Timestamp) -> Result<Answer, WitnessError> {
        let body = request.to_string();
        match self {
            Self::Folder(witness) => witness.add(body.as_bytes(), now),
            Self::Remote { url, verifier, http } => {
                let sent = http.post(format!("{url}/add-checkpoint")).body(body).send();
                answer(sent.await.map_err(WitnessError::Unreachable)?, verifier).await
            }
        }
    }
}

/// Has a witness countersign the head of `tree`, which `note` is, and adds the signature to the note. `known` is the size that the
/// witness countersigned last, as far as the caller knows.
///
/// # Errors
/// `Rollback` and `OtherHistory` where the witness has seen what is not here; else why it could not be asked.
pub async fn countersign(
    client: &Client,
    tree: &Tree,
    mut note: Note,
    known: u64,
    now: Timestamp,
) -> Result<Note, WitnessError> {
    let size = Checkpoint::parse(note.text()).map_err(WitnessError::Signature)?.size;
    let mut old = known.min(size);
    // Once with what is known here, once with what the witness says; a second process may have come between.
    for _ in 0..4 {
        let proof = tree.consistency(old, size).ok_or(WitnessError::OtherHistory)?;
        let request = AddCheckpoint { old, proof, note: note.clone() };
        match client.ask(&request, now).await? {
            Answer::Cosigned(signature) => {
                note.add(signature);
                note.cosigned(&client.verifier()).map_err(WitnessError::Signature)?;
                return Ok(note);
            }
            Answer::Conflict { size: seen } if seen > size => return Err(WitnessError::Rollback),
            Answer::Conflict { size: seen } if seen == old => return Err(WitnessError::OtherHistory),
            Answer::Conflict { size: seen } => old = seen,
            Answer::Inconsistent => return Err(WitnessError::OtherHistory),
            Answer::Unknown | Answer::Untrusted => return Err(WitnessError::Unknown),
            Answer::Malformed => return Err(WitnessError::Answer),
        }
    }
    Err(WitnessError::Answer)
}

async fn answer(response: reqwest::Response, verifier: &Verifier) -> Result<Answer, WitnessError> {
    match response.status() {
        StatusCode::OK => cosigned(&text(response).await?, verifier),
        StatusCode::CONFLICT => {
            let size = text(response).await?.trim_end_matches('\n').parse();
            size.map(|size| Answer::Conflict { size }).map_err(|_| WitnessError::Answer)
        }
        StatusCode::BAD_REQUEST => Ok(Answer::Malformed),
        StatusCode::FORBIDDEN => Ok(Answer::Untrusted),
        StatusCode::NOT_FOUND => Ok(Answer::Unknown),
        StatusCode::UNPROCESSABLE_ENTITY => Ok(Answer::Inconsistent),
        _ => Err(WitnessError::Answer),
    }
}

/// The line by the key that is expected; others, which a witness may add, are not looked at.
fn cosigned(lines: &str, verifier: &Verifier) -> Result<Answer, WitnessError> {
    let all = NoteSignature::parse_lines(lines).map_err(|_| WitnessError::Answer)?;
    let ours = all.into_iter().find(|signature| signature.is_by(verifier));
    ours.map(Answer::Cosigned).ok_or(WitnessError::Answer)
}

/// A body that is not longer than a note may be.
async fn text(mut response: reqwest::Response) -> Result<String, WitnessError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(WitnessError::Unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST_BYTES {
            return Err(WitnessError::Answer);
        }
    }
    String::from_utf8(bytes).map_err(|_| WitnessError::Answer)
}
