//! `trocar witness`: a folder that remembers, and the process that asks it.

use crate::args::Witness as Args;
use crate::failure::{Exit, Failure};
use crate::out::{Out, say};
use crate::outside::outside;
use anyhow::Context;
use serde_json::json;
use tokio::net::TcpListener;
use trocar_node::{Keys, witness_name};
use trocar_tlog::Verifier;
use trocar_witness::Witness;

pub(crate) async fn run(out: Out, args: &Args) -> Result<Exit, Failure> {
    let (keys, logs) = (Keys::of(&args.state), logs(args)?);
    // A second key in the folder would leave open which one signs.
    let names: Vec<_> = keys.list()?.into_iter().map(|(name, _)| name).collect();
    match names.as_slice() {
        [] => drop(keys.create(&args.key)?),
        [name] if *name == args.key => {}
        [name, ..] => return Err(plain(format!("the witness's key is named {name}: say --key {name}"))),
    }
    let witness = Witness::open(&args.state, witness_name(&args.key)?, keys.get(&args.key)?, logs)
        .map_err(|e| Failure::plain(Exit::Failed, e))?;
    let key = witness.verifier().to_string();
    let Some(address) = args.listen else {
        let folder = args.state.canonicalize().context("cannot find the folder")?;
        let policy = format!("witness = \"{}\"", folder.display());
        out.result(&json!({"key": key, "policy": policy}), || policy.clone())?;
        say("Write this line into the policies of datasets whose ledger this folder shall witness.");
        return Ok(Exit::Done);
    };
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr().context("cannot listen")?;
    let policy = format!("witness = \"http://{address}/#{key}\"");
    out.result(&json!({"listen": address, "key": key, "policy": policy}), || policy.clone())?;
    say("It answers until it is stopped. Write this line into the policies of the datasets.");
    trocar_witness::serve(listener, witness, (outside().clock)()).await.context("the witness stopped")?;
    Ok(Exit::Done)
}

fn logs(args: &Args) -> Result<Vec<Verifier>, Failure> {
    let log = |text: &String| {
        text.parse::<Verifier>()
            .map_err(|_| plain(format!("{text} is not a log's key: see `trocar node audit --key`")))
    };
    args.logs.iter().map(log).collect()
}

fn plain(words: String) -> Failure {
    Failure::Plain(Exit::Usage, anyhow::Error::msg(words))
}
