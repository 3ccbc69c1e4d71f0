//! `POST /add-checkpoint` (C2SP tlog-witness), and nothing else.

use crate::state::{Answer, Witness};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use std::sync::Arc;
use tokio::net::TcpListener;
use trocar_terms::Clock;
use trocar_tlog::MOST_BYTES;

/// Answers until the process ends.
///
/// # Errors
/// The listener fails.
pub async fn serve(listener: TcpListener, witness: Witness, clock: Box<dyn Clock>) -> std::io::Result<()> {
    let shared = Arc::new(Shared { witness, clock });
    let router = Router::new()
        .route("/add-checkpoint", post(add))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(shared);
    axum::serve(listener, router).await
}

struct Shared {
    witness: Witness,
    clock: Box<dyn Clock>,
}

/// Disks are waited for on a thread of their own.
async fn add(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let asked = tokio::task::spawn_blocking(move || shared.witness.add(&body, shared.clock.now()));
    match asked.await {
        Ok(Ok(answer)) => response(answer),
        // The words stay here: whoever asks learns that it failed.
        Ok(Err(_)) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn response(answer: Answer) -> Response {
    match answer {
        Answer::Cosigned(signature) => signature.to_string().into_response(),
        Answer::Conflict { size } => {
            (StatusCode::CONFLICT, [(CONTENT_TYPE, "text/x.tlog.size")], format!("{size}\n")).into_response()
        }
        Answer::Malformed => StatusCode::BAD_REQUEST.into_response(),
        Answer::Untrusted => StatusCode::FORBIDDEN.into_response(),
        Answer::Unknown => StatusCode::NOT_FOUND.into_response(),
        Answer::Inconsistent => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}
