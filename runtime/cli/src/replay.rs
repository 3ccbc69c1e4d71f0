//! `trocar replay`: the operator holds a bundle against the patients that it came from.

use crate::failure::{Exit, Failure};
use crate::input::{Input, read_bounded};
use crate::node::open;
use crate::out::{Out, say};
use serde_json::json;
use std::path::Path;
use trocar_node::{ReplayError, Replayed, counted};

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Node(error) => error.into(),
            ReplayError::TakenBack => Self::plain(Exit::Refused, error),
            error if error.is_unverified() => Self::plain(Exit::Unverified, error),
            error => Self::plain(Exit::Failed, error),
        }
    }
}

pub(crate) async fn replay(out: Out, home: &Path, bundle: &Path) -> Result<Exit, Failure> {
    let bytes = read_bounded(bundle, Input::Bundle)?;
    let node = open(home).await?;
    let Replayed { job, matches, rounds } = node.replay(&bytes, &mut out.progress("patients")).await?;
    let row = json!({"job": job, "matches": matches, "rounds": rounds, "released": false, "charged": false});
    let summed = counted(rounds, "round");
    out.result(&row, || match matches {
        true => format!("job {job}: the sums before noise are those that this node recorded ({summed})"),
        false => format!("job {job}: the sums before noise are NOT those that this node recorded ({summed})"),
    })?;
    if !matches {
        say(
            "A file was changed without another size or time, or a patient's time ran out in one of the two runs.",
        );
    }
    say("Nothing was released, charged or written.");
    Ok(if matches { Exit::Done } else { Exit::Unverified })
}
