//! Statistics that are made of noised blocks.

use crate::*;
use trocar_filter::{At, Figures};

pub(crate) fn derived(name: &str, from: &str, kind: DerivedKind) -> Derived {
    Derived { name: name.parse().unwrap(), from: from.parse().unwrap(), kind }
}

pub(crate) fn categories(name: &str, list: &[&str]) -> Axis {
    let categories = list.iter().map(|c| (*c).to_owned()).collect();
    Axis::Categories { name: name.parse().unwrap(), categories }
}

pub(crate) fn edges(name: &str, edges: &[f64]) -> Axis {
    Axis::Edges { name: name.parse().unwrap(), edges: edges.into() }
}

pub(crate) fn cells(axes: Vec<Axis>) -> Kind {
    Kind::Table { axes, cells_per_patient: 1 }
}

/// A job of one output and one statistic of it.
pub(crate) struct Job {
    pub(crate) plan: Plan,
    pub(crate) patients: Vec<Vec<f64>>,
}

impl Job {
    /// `patients`: what each returns; for a table the number of her cell alone.
    pub(crate) fn new(
        kind: Kind,
        rho: &str,
        statistic: Option<DerivedKind>,
        patients: Vec<Vec<f64>>,
    ) -> Self {
        let length = kind.length();
        let one_hot = matches!(kind, Kind::Table { .. });
        let outputs = [output("x", rho, kind)];
        let derived: Vec<Derived> = statistic.into_iter().map(|kind| derived("d", "x", kind)).collect();
        let admission = Admission { derived: &derived, n_pub: 100_000, ..admission(&outputs) };
        let hot = |cell: Vec<f64>| (0..length).map(|i| f64::from(u8::from(i as f64 == cell[0]))).collect();
        let patients = if one_hot { patients.into_iter().map(hot).collect() } else { patients };
        Self { plan: Plan::admit(&admission).unwrap(), patients }
    }

    fn contributions(&self) -> Vec<Untrusted<Contribution>> {
        self.patients.iter().map(|p| Untrusted::new(Contribution(vec![p.clone()]))).collect()
    }

    pub(crate) fn exact(&self) -> Figures {
        rehearse(&self.plan, self.contributions(), &mut Silent::default(), true).figures.unwrap()
    }

    pub(crate) fn noisy(&self, noise: &mut dyn NoiseSource) -> Figures {
        rehearse(&self.plan, self.contributions(), noise, true).figures.unwrap()
    }
}

/// Each number under the name of its part, its group and its place.
pub(crate) fn named(figures: &Figures) -> BTreeMap<String, Number> {
    let outputs = figures.outputs.iter().flat_map(|f| {
        f.numbers.iter().enumerate().map(|(i, n)| (format!("{} {i}", f.name), *n)).collect::<Vec<_>>()
    });
    let parts = figures.derived.iter().flat_map(|d| &d.parts);
    let numbers = parts.flat_map(|part| {
        let place = |i: usize| match &part.at {
            At::One => String::new(),
            At::Numbers(at) => at[i].to_string(),
            At::Words(at) => at[i].clone(),
        };
        let group = part.group.clone().unwrap_or_default();
        let named = |(i, n): (usize, &Number)| (format!("{} {group} {}", part.name, place(i)), *n);
        part.numbers.iter().enumerate().map(named).collect::<Vec<_>>()
    });
    outputs.chain(numbers).collect()
}
