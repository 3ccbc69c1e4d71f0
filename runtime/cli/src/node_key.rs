//! `trocar node key`: the key that signs bundles, and those before it.

use crate::args::NodeKey as Verb;
use crate::failure::Failure;
use crate::out::{Out, say, table};
use serde_json::json;
use trocar_node::{Node, NodeKey};
use trocar_terms::Timestamp;

pub(crate) fn run(out: Out, node: &Node, verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::List => list(out, &node.node_keys()?)?,
        Verb::Rotate => {
            let said = node.rotate_key()?;
            let row = json!({"old": said.old, "new": said.new, "keyid": said.new.keyid(), "at": said.at});
            out.result(&row, || format!("{}\ntakes over at {} from\n{}", said.new, said.at, said.old))?;
            say(
                "Publish it with `trocar node key export DIR`: who trusts the old key can then trust the new one.",
            );
        }
        Verb::Revoke { keyid, since } => {
            let said = node.revoke_key(keyid, *since)?;
            let row = json!({"revoked": said.key, "keyid": said.key.keyid(), "at": said.at});
            out.result(&row, || format!("{}\nis not to be believed from {} on", said.key, said.at))?;
            say(
                "Publish it with `trocar node key export DIR`: whoever has not got it believes the key still.",
            );
        }
        Verb::Export { folder } => {
            let rows = node.export_keys(folder)?;
            out.result(&json!({"folder": folder, "keys": rows}), || format!("{}", folder.display()))?;
        }
    }
    Ok(())
}

fn list(out: Out, rows: &[NodeKey]) -> Result<(), Failure> {
    let time = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
    let words = |row: &NodeKey| {
        let (state, standing) = (if row.current { "signs now" } else { "" }, row.standing);
        let until = standing.revoked.map_or_else(|| time(standing.until), |at| format!("revoked from {at}"));
        vec![row.keyid.clone(), row.key.to_string(), time(standing.since), until, state.to_owned()]
    };
    out.result(&rows, || table(&["key id", "key", "from", "until", ""], rows.iter().map(words)))?;
    Ok(())
}
