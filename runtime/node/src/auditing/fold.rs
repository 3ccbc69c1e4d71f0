//! The ledger read a second time, from the bytes of its file, by code that shares nothing with the ledger's own: the chain is
//! recomputed, and what was spent is added up from zero before each reservation.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use trocar_terms::{Digest, Timestamp};

const YEAR: i64 = 365 * 86_400;

/// One record, as far as budgets go.
pub(super) struct Line {
    pub(super) time: i64,
    pub(super) event: Value,
}

/// The records of a ledger file, or the first line (counted from 1) that is not as it must be.
pub(super) fn chain(file: &[u8]) -> Result<Vec<Line>, usize> {
    let text = std::str::from_utf8(file).map_err(|_| 1_usize)?;
    let (mut lines, mut previous, mut last) = (Vec::new(), format!("sha256:{}", "0".repeat(64)), i64::MIN);
    for (at, line) in text.split_terminator('\n').enumerate() {
        let number = at.saturating_add(1);
        let (body, digest) = line.rsplit_once(",\"digest\":\"").ok_or(number)?;
        let digest = digest.strip_suffix("\"}").ok_or(number)?;
        let body = format!("{body}}}");
        let record: Value = serde_json::from_str(&body).map_err(|_| number)?;
        let time = field(&record, "time").and_then(Value::as_str).and_then(|t| t.parse::<Timestamp>().ok());
        let time = time.map(Timestamp::seconds).ok_or(number)?;
        let holds = Digest::of(body.as_bytes()).to_string() == digest
            && field(&record, "seq").and_then(Value::as_u64) == u64::try_from(at).ok()
            && field(&record, "previous").and_then(Value::as_str) == Some(&previous)
            && time >= last;
        if !holds {
            return Err(number);
        }
        (previous, last) = (digest.to_owned(), time);
        lines.push(Line { time, event: field(&record, "event").cloned().unwrap_or_default() });
    }
    if text.ends_with('\n') { Ok(lines) } else { Err(lines.len()) }
}

/// What a pool has spent at one moment, in the ledger's units.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sums {
    pub(super) year: u128,
    pub(super) lifetime: u128,
    pub(super) delta_year: u128,
    pub(super) counts_year: u128,
    projects: BTreeMap<String, u128>,
}

/// The budgets as they stand after some records.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    pools: Vec<BTreeSet<String>>,
    limits: BTreeMap<String, Value>,
    spends: Vec<Spend>,
}

#[derive(Debug)]
struct Spend {
    job: String,
    dataset: String,
    project: String,
    time: i64,
    rho: u128,
    delta: u128,
    count: bool,
    returned: Option<(u128, i64)>,
}

impl Budgets {
    /// Takes in the next record; what rule a reservation breaks, if any.
    pub(super) fn take(&mut self, line: &Line) -> Result<(), &'static str> {
        match text(&line.event, "type") {
            "dataset-added" => self.pools.push([text(&line.event, "dataset").to_owned()].into()),
            "limited" => {
                let limits = field(&line.event, "limits").cloned().unwrap_or_default();
                self.limits.insert(text(&line.event, "dataset").to_owned(), limits);
            }
            "pooled" => self.merge(&line.event),
            "returned" => self.give_back(&line.event),
            "reserved" => return self.spend(line, false),
            "counted" => return self.spend(line, true),
            _ => {}
        }
        Ok(())
    }

    fn merge(&mut self, event: &Value) {
        let named = field(event, "datasets").and_then(Value::as_array).into_iter().flatten();
        let named: BTreeSet<&str> = named.filter_map(Value::as_str).collect();
        let touches = |pool: &BTreeSet<String>| pool.iter().any(|dataset| named.contains(dataset.as_str()));
        let (met, mut rest): (Vec<_>, Vec<_>) = self.pools.drain(..).partition(touches);
        rest.push(met.into_iter().flatten().collect());
        self.pools = rest;
    }

    fn give_back(&mut self, event: &Value) {
        let from = text(event, "from").parse::<Timestamp>().map_or(i64::MAX, Timestamp::seconds);
        let back = Some((number(event, "rho"), from));
        self.spends.iter_mut().filter(|s| s.job == text(event, "job")).for_each(|s| s.returned = back);
    }

    fn spend(&mut self, line: &Line, count: bool) -> Result<(), &'static str> {
        let none = Value::Null;
        let charge = field(&line.event, "charge").unwrap_or(&none);
        let blocks = number(charge, "gate_rho").saturating_add(number(charge, "block_rho"));
        let spend = Spend {
            job: text(&line.event, "job").to_owned(),
            dataset: text(&line.event, "dataset").to_owned(),
            project: text(&line.event, "project").to_owned(),
            time: line.time,
            rho: if count { number(&line.event, "rho") } else { blocks },
            delta: number(charge, "delta"),
            count,
            returned: None,
        };
        let (dataset, project) = (spend.dataset.clone(), spend.project.clone());
        self.spends.push(spend);
        self.within(&dataset, &project, line.time, count)
    }

    fn within(&self, dataset: &str, project: &str, now: i64, count: bool) -> Result<(), &'static str> {
        let sums = self.spent(dataset, now);
        let mine = sums.projects.get(project).copied().unwrap_or_default();
        let rules = [
            (sums.counts_year, "counts_year", count, "counts cost more than a year allows"),
            (sums.year, "year", !count, "jobs cost more than a year allows"),
            (sums.lifetime, "lifetime", !count, "jobs cost more than a lifetime allows"),
            (mine, "project_share_of_year", !count, "a project costs more than its share"),
            (sums.delta_year, "gate_delta_year", !count, "gates cost more delta than a year allows"),
        ];
        let broken = |(sum, cap, applies, _): &(u128, &str, bool, &str)| {
            *applies && self.cap(dataset, cap).is_none_or(|cap| *sum > cap)
        };
        rules.iter().find(|rule| broken(rule)).map_or(Ok(()), |(.., words)| Err(*words))
    }

    /// The strictest of a cap in a dataset's pool; `None` where none was recorded.
    fn cap(&self, dataset: &str, name: &str) -> Option<u128> {
        self.pool(dataset).into_iter().filter_map(|d| self.limits.get(d)).map(|l| number(l, name)).min()
    }

    fn pool<'a>(&'a self, dataset: &'a str) -> BTreeSet<&'a str> {
        let pool = self.pools.iter().find(|pool| pool.contains(dataset)).into_iter().flatten();
        pool.map(String::as_str).chain([dataset]).collect()
    }

    /// What the pool of a dataset has spent by `now`.
    pub(super) fn spent(&self, dataset: &str, now: i64) -> Sums {
        let (pool, mut sums) = (self.pool(dataset), Sums::default());
        for spend in self.spends.iter().filter(|spend| pool.contains(spend.dataset.as_str())) {
            let back = spend.returned.filter(|(_, from)| now >= *from).map_or(0, |(rho, _)| rho);
            let (rho, recent) = (spend.rho.saturating_sub(back), spend.time >= now.saturating_sub(YEAR));
            let add = |sum: &mut u128, more: u128| *sum = sum.saturating_add(more);
            match (spend.count, recent) {
                (true, true) => add(&mut sums.counts_year, rho),
                (true, false) => {}
                (false, recent) => {
                    add(&mut sums.lifetime, rho);
                    if recent {
                        add(&mut sums.year, rho);
                        add(&mut sums.delta_year, spend.delta);
                        add(sums.projects.entry(spend.project.clone()).or_default(), rho);
                    }
                }
            }
        }
        sums
    }
}

fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.get(name)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    field(value, name).and_then(Value::as_str).unwrap_or_default()
}

/// A number that is not there is larger than any cap.
fn number(value: &Value, name: &str) -> u128 {
    field(value, name).and_then(Value::as_u64).map_or(u128::MAX, u128::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(time: i64, event: Value) -> Line {
        Line { time, event }
    }

    fn reserved(time: i64, dataset: &str, rho: u64) -> Line {
        let charge = json!({"gate_rho": 0, "block_rho": rho, "delta": 1});
        line(
            time,
            json!({"type": "reserved", "job": time.to_string(), "dataset": dataset, "project": "p", "charge": charge}),
        )
    }

    fn budgets() -> Budgets {
        let mut budgets = Budgets::default();
        for dataset in ["a", "b"] {
            budgets.take(&line(0, json!({"type": "dataset-added", "dataset": dataset}))).unwrap();
        }
        let limits = json!({"year": 20, "lifetime": 50, "project_share_of_year": 20, "gate_delta_year": 9, "counts_year": 3});
        budgets.take(&line(0, json!({"type": "limited", "dataset": "a", "limits": limits}))).unwrap();
        budgets
    }

    #[test]
    fn a_reservation_over_a_cap_is_found() {
        let mut budgets = budgets();
        assert!(budgets.take(&reserved(1, "a", 20)).is_ok());
        assert!(budgets.take(&reserved(2, "a", 1)).is_err());
        let mut later = self::budgets();
        assert!(later.take(&reserved(1, "a", 20)).is_ok());
        assert!(later.take(&reserved(2 + YEAR, "a", 20)).is_ok(), "a year does not roll");
        assert!(later.take(&reserved(3 + 2 * YEAR, "a", 20)).is_err(), "a lifetime rolls");
    }

    #[test]
    fn a_dataset_whose_limits_nobody_recorded_may_spend_nothing_alone_and_shares_its_pools() {
        assert!(budgets().take(&reserved(1, "b", 1)).is_err());
        let mut pooled = budgets();
        pooled.take(&line(1, json!({"type": "pooled", "datasets": ["a", "b"]}))).unwrap();
        assert!(pooled.take(&reserved(1, "b", 15)).is_ok());
        assert!(pooled.take(&reserved(2, "a", 6)).is_err());
    }

    #[test]
    fn what_came_back_counts_from_its_time_on() {
        let mut budgets = budgets();
        budgets.take(&reserved(1, "a", 20)).unwrap();
        let from = Timestamp::from_seconds(100).to_string();
        budgets.take(&line(2, json!({"type": "returned", "job": "1", "rho": 19, "from": from}))).unwrap();
        assert_eq!((budgets.spent("a", 99).year, budgets.spent("a", 100).year), (20, 1));
    }

    #[test]
    fn a_number_that_is_not_there_is_over_every_cap() {
        let event = json!({"type": "counted", "dataset": "a"});
        assert!(budgets().take(&line(1, event)).is_err());
    }
}
