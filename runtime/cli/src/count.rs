//! `trocar count`: how many patients a condition has, with noise.

use crate::args::Count;
use crate::failure::{Exit, Failure};
use crate::node::open;
use crate::out::{Out, say, table};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use trocar_node::{CountAnswer, CountRequest, Node, Refusal};

pub(crate) async fn count(out: Out, home: &Path, args: &Count) -> Result<Exit, Failure> {
    let node = open(home).await?;
    let questions = if args.margins { node.margins(&args.dataset)? } else { vec![args.where_.clone()] };
    let mut answers = Vec::new();
    for where_ in questions {
        let request = CountRequest { dataset: args.dataset.clone(), where_ };
        match node.count(&request).await? {
            Ok(answer) => answers.push(answer),
            Err(refusal) => {
                show(out, &node, answers, args.margins).await?;
                return refused(out, &refusal, args.margins);
            }
        }
    }
    show(out, &node, answers, args.margins).await?;
    Ok(Exit::Done)
}

/// The words of a refusal come from policy and question alone.
fn refused(out: Out, refusal: &Refusal, partly: bool) -> Result<Exit, Failure> {
    let row = json!({"state": "refused", "code": refusal.code, "detail": refusal.detail});
    if partly {
        say(&refusal.code.to_string());
    } else {
        out.result(&row, || refusal.code.to_string())?;
    }
    say(&refusal.detail);
    Ok(Exit::Refused)
}

/// Not before each answer's time, which was fixed before any record was looked at.
async fn show(out: Out, node: &Node, answers: Vec<CountAnswer>, list: bool) -> Result<(), Failure> {
    let Some(last) = answers.iter().map(|answer| answer.answer_at).max() else { return Ok(()) };
    {
        let _turning = out.spinner("the answer shows at its fixed time");
        while node.now() < last {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    let words = || {
        table(&["condition", "patients", "sd of the noise", "95 % interval", "paid"], answers.iter().map(row))
    };
    match answers.as_slice() {
        [one] if !list => out.result(one, words)?,
        all => out.result(&all, words)?,
    }
    Ok(())
}

fn row(answer: &CountAnswer) -> Vec<String> {
    let number = |name: &str| answer.patients[name].as_f64().unwrap_or_default();
    let shown = answer.patients["shown"].as_bool() == Some(true);
    let value = if shown { format!("{:.0}", number("value")) } else { "too few".to_owned() };
    let paid = if answer.cached { "before".to_owned() } else { format!("rho {:.4}", answer.rho) };
    let interval = format!("{:.0} to {:.0}", number("low95").max(0.0), number("high95").max(0.0));
    vec![answer.where_.clone(), value, format!("{:.1}", number("sd")), interval, paid]
}
