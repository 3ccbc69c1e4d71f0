//! `trocar node budget`: what is left, as bars, and what each job took.

use crate::failure::Failure;
use crate::out::{Out, table};
use trocar_node::{Budget, JobCost, Node};

/// Characters of a bar.
const WIDTH: usize = 30;
/// Jobs that are listed of a dataset; `--json` has all.
const JOBS: usize = 20;

pub(crate) async fn budget(out: Out, node: &Node) -> Result<(), Failure> {
    let all = node.budgets().await?;
    out.result(&all, || match all.is_empty() {
        true => "no dataset yet: see `trocar node dataset add`".to_owned(),
        false => all.iter().map(picture).collect::<Vec<_>>().join("\n\n"),
    })?;
    Ok(())
}

fn picture(b: &Budget) -> String {
    let mut lines = vec![title(b)];
    let (year, lifetime) = (b.rho_year_cap.to_f64(), b.rho_lifetime_cap.to_f64());
    lines.push(bar("jobs, 365 days", b.rho_year, year));
    lines.push(bar("jobs, ever", b.rho_lifetime, lifetime));
    lines.push(bar("counts, 365 days", b.counts_rho_year, b.counts_rho_year_cap.to_f64()));
    lines.push(bar("delta of gates", b.delta_year * 1e6, b.delta_year_cap.to_f64() * 1e6) + " e-6");
    for project in &b.projects {
        lines.push(bar(&format!("project {}", project.project), project.rho_year, project.rho_year_cap));
    }
    lines.push(format!(
        "  epsilon of the year's jobs at delta 1e-6: {:.2}; {} questions counted",
        b.epsilon_year, b.counts
    ));
    if !b.jobs.is_empty() {
        lines.push(jobs(&b.jobs));
    }
    lines.join("\n")
}

fn title(b: &Budget) -> String {
    let pool: Vec<String> = b.pool.iter().map(ToString::to_string).collect();
    match pool.is_empty() {
        true => b.dataset.to_string(),
        false => format!("{}, in one pool with {} (patients in common)", b.dataset, pool.join(", ")),
    }
}

/// What is spent is drawn; anything above nothing is one character at least.
fn bar(what: &str, spent: f64, cap: f64) -> String {
    let share = if cap > 0.0 { (spent / cap).clamp(0.0, 1.0) } else { 1.0 };
    let full = (0..WIDTH).filter(|at| share * WIDTH as f64 > *at as f64).count();
    let drawn = "#".repeat(full) + &".".repeat(WIDTH - full);
    // A share is cut down to the ledger's grid: 0.1 is there as 0.09999999999.
    let cap = (cap * 1e9).round() / 1e9;
    format!("  {what:<22} [{drawn}] {spent:.4} of {cap}")
}

fn jobs(all: &[JobCost]) -> String {
    let row = |j: &JobCost| {
        let back = if j.returned > 0.0 { format!("{:.4}", j.returned) } else { String::new() };
        let at: String = j.reserved_at.to_string().chars().take(16).collect();
        vec![
            at,
            j.job.to_string(),
            j.project.clone(),
            format!("{:.4}", j.rho),
            back,
            j.code.code().to_owned(),
        ]
    };
    let newest = all.iter().rev().take(JOBS).map(row);
    let head = ["reserved", "job", "project", "rho", "given back", "code"];
    let more = all.len().saturating_sub(JOBS);
    let rest = if more > 0 { format!("\n  and {more} earlier jobs: see --json") } else { String::new() };
    format!("{}{rest}", table(&head, newest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_what_is_spent() {
        let drawn = |spent, cap| bar("x", spent, cap).matches('#').count();
        assert_eq!((drawn(0.0, 0.5), drawn(0.25, 0.5), drawn(0.5, 0.5)), (0, WIDTH / 2, WIDTH));
        assert_eq!((drawn(1e-9, 0.5), drawn(0.7, 0.5), drawn(0.0, 0.0)), (1, WIDTH, WIDTH));
    }
}
