//! What a package asks for and what was released, in plain words.

use crate::author::check_model_of;
use crate::failure::Failure;
use crate::out::{Out, table};
use serde_json::json;
use trocar_filter::{At, DerivedFigure, Figure, Figures, Number, Part};
use trocar_manifest::{Manifest, Package};
use trocar_terms::{Axis, Class, Kind, Output};
use trocar_worker::{ModelFacts, Port};

/// `reviews`: who has signed its code so far.
pub(crate) fn show(out: Out, package: &Package, reviews: &[String]) -> Result<(), Failure> {
    let canonical: serde_json::Value =
        serde_json::from_slice(package.manifest.canonical()).map_err(anyhow::Error::from)?;
    let mut row = json!({"digest": package.manifest.digest(), "package": package.digest(), "author": package.author,
        "component": package.component_digest(), "component_bytes": package.component.len(), "manifest": canonical});
    let models: Vec<_> = package.models.iter().map(|(name, bytes)| (name, check_model_of(bytes))).collect();
    if !models.is_empty() {
        row["models"] = models_row(package, &models);
    }
    if package.manifest.class == Class::ReviewedCode {
        row["reviewed_by"] = json!(reviews);
    }
    out.result(&row, || words(package, reviews, &models))?;
    Ok(())
}

/// A model as the embedded runtime sees it, or why it would be refused.
type Seen<'a> = (&'a String, Result<ModelFacts, String>);

fn models_row(package: &Package, models: &[Seen<'_>]) -> serde_json::Value {
    let row = |(name, seen): &Seen<'_>| {
        let digest = package.manifest.models.iter().find(|m| m.name.as_str() == *name).map(|m| m.digest);
        match seen {
            Ok(facts) => json!({"name": name, "digest": digest, "facts": facts}),
            Err(why) => json!({"name": name, "digest": digest, "refused": why}),
        }
    };
    models.iter().map(row).collect()
}

/// What a model is, for whoever approves its digest.
fn model_words(package: &Package, (name, seen): &Seen<'_>) -> Vec<String> {
    let digest = package.manifest.models.iter().find(|m| m.name.as_str() == *name);
    let digest = digest.map_or_else(String::new, |m| m.digest.to_string());
    let facts = match seen {
        Ok(facts) => facts,
        Err(why) => return vec![format!("  runs the model    {name}: {digest}; it would be refused: {why}")],
    };
    let ports = |ports: &[Port]| {
        let port = |p: &Port| {
            let dims: Vec<String> = p.shape.iter().map(ToString::to_string).collect();
            format!("{} of {}", p.name, dims.join(" x "))
        };
        listed(ports.iter().map(port))
    };
    vec![
        format!("  runs the model    {name}: {digest} ({} bytes)", facts.bytes),
        format!(
            "                    {} operators, {} parameters, {} multiply-adds and {} fuel a run",
            facts.operators, facts.parameters, facts.multiply_adds, facts.fuel
        ),
        format!("                    from {} to {}", ports(&facts.inputs), ports(&facts.outputs)),
    ]
}

fn words(package: &Package, reviews: &[String], models: &[Seen<'_>]) -> String {
    let m = &package.manifest;
    let mut lines = vec![
        format!("{} {}: {}", m.name, m.version, m.title),
        format!("  written by        {}", package.author),
        format!("  component         {} ({} bytes)", package.component_digest(), package.component.len()),
        format!("  assurance class   {}", m.class.word()),
        format!("  purposes          {}", m.purpose.join(", ")),
        format!("  looks at          {}", looks_at(m)),
        format!("  cohort            {}", m.cohort.where_.normalised()),
        format!("  may be narrowed   {}", listed(m.cohort.filterable.iter())),
        format!(
            "  for each patient  {} s, {} MiB, {} fuel at most",
            m.limits.seconds(),
            m.limits.memory_mib(),
            m.limits.fuel()
        ),
    ];
    lines.extend(models.iter().flat_map(|model| model_words(package, model)));
    lines.extend(guard_words(m, reviews));
    lines.extend(m.outputs.iter().map(|output| output_words(output, m.class)));
    lines.extend(m.derived.iter().map(|d| {
        format!(
            "  derives           {}: {} from the {} numbers of {}, for no rho",
            d.name,
            d.kind.word(),
            if m.class == Class::AnyCode { "noisy" } else { "exact" },
            d.from
        )
    }));
    lines.push("Nothing else leaves the node: no image, no voxel, no row of a table, no log.".to_owned());
    lines.join("\n")
}

/// What stands between the patients and whoever asks: noise, or rules and people.
fn guard_words(m: &Manifest, reviews: &[String]) -> Vec<String> {
    let gate =
        || format!("  cohort gate       costs rho {} and delta {}", m.privacy.gate_rho, m.privacy.gate_delta);
    match m.class {
        Class::AnyCode => [gate()].into_iter().chain(rounds_words(m)).collect(),
        Class::ReviewedCode => vec![
            format!(
                "  reviews           {} of 2, by {}",
                reviews.len(),
                if reviews.is_empty() { "nobody".to_owned() } else { listed(reviews) }
            ),
            "  costs             no rho: its results are exact, and no statement about rho covers them"
                .to_owned(),
            "  leaves            only by the rules of disclosure control and an output checker's signed word"
                .to_owned(),
        ],
    }
}

/// One line where there is more than one round.
fn rounds_words(m: &Manifest) -> Option<String> {
    let (rounds, one) = (m.privacy.rounds, m.round_rho());
    let words = || {
        format!(
            "  rounds            {rounds} at rho {one:.4} each; guests see the noised result of the one before"
        )
    };
    (rounds > 1).then(words)
}

fn looks_at(m: &Manifest) -> String {
    let c = &m.capabilities;
    let modalities = listed(c.modalities.iter().map(|x| x.code()));
    let what = if c.pixels { "voxels" } else { "no voxels, only the geometry" };
    let mut text = format!("{what} of {modalities}");
    for (word, names) in [
        ("segmentations", listed(&c.masks)),
        ("attributes", listed(&c.attributes)),
        ("columns", listed(&c.columns)),
    ] {
        if names != "nothing" {
            text.push_str(&format!("; {word} {names}"));
        }
    }
    text
}

fn output_words(o: &Output, class: Class) -> String {
    let shape = match &o.kind {
        Kind::Count => "a number of patients".to_owned(),
        Kind::Sum(b) => format!("a sum over patients of a value from {} to {} {}", b.lower, b.upper, o.unit),
        Kind::Mean(b) => {
            format!("a mean over patients of a value from {} to {} {}", b.lower, b.upper, o.unit)
        }
        Kind::Variance(b) => {
            format!("a variance over patients of a value from {} to {} {}", b.lower, b.upper, o.unit)
        }
        Kind::Quantiles { edges, probabilities } => {
            let bins = edges.len().saturating_sub(1);
            format!("{} quantiles read off {bins} bins in {}", probabilities.len(), o.unit)
        }
        Kind::Moments { variables } => {
            format!("sums and products of {}", listed(variables.iter().map(|v| &v.name)))
        }
        Kind::Histogram { edges, .. } => {
            format!("a histogram of {} bins in {}", edges.len().saturating_sub(1), o.unit)
        }
        Kind::Table { axes, .. } => {
            format!("a table of {}", axes.iter().map(axis_words).collect::<Vec<_>>().join(" by "))
        }
        Kind::Vector { length, clip, .. } => {
            format!("a sum of {length} numbers, each patient's at most {clip} long")
        }
    };
    let how = match class {
        Class::AnyCode => format!("with noise, for rho {}", o.rho),
        Class::ReviewedCode => "exact".to_owned(),
    };
    format!("  releases          {}: {shape}, {how}", o.name)
}

fn axis_words(axis: &Axis) -> String {
    match axis {
        Axis::Categories { name, categories } => format!("{name} ({} categories)", categories.len()),
        Axis::Edges { name, edges } => format!("{name} ({} bins)", edges.len().saturating_sub(1)),
    }
}

fn listed<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|n| n.to_string()).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// Figures as a table: one row a number.
pub(crate) fn figures(figures: &Figures) -> String {
    let rows = figures.outputs.iter().flat_map(|f| f.numbers.iter().enumerate().map(|(at, n)| row(f, at, n)));
    let head = ["output", "value", "sd of the noise", "95 % interval", "unit"];
    let derived = figures.derived.iter().flat_map(derived_rows);
    let cohort = format!("patients: {} (sd {})", figures.patients.value, figures.patients.sd);
    let rounds = match figures.rounds {
        1 => String::new(),
        n => format!(", after {n} rounds"),
    };
    format!("{cohort}{rounds}\n{}", table(&head, rows.chain(derived)))
}

fn derived_rows(figure: &DerivedFigure) -> Vec<Vec<String>> {
    let numbers =
        figure.parts.iter().flat_map(|part| part.numbers.iter().enumerate().map(move |n| (part, n)));
    let named = |(part, (at, n)): (&Part, (usize, &Number))| {
        let place = match &part.at {
            At::One => None,
            At::Numbers(all) => all.get(at).map(f64::to_string),
            At::Words(all) => all.get(at).cloned(),
        };
        let words = [Some(part.name.replace('_', " ")), part.group.clone(), place];
        let label = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
        number_row(format!("{}: {label}", figure.derived.name), n, "unknown", String::new())
    };
    numbers.map(named).collect()
}

fn row(figure: &Figure, at: usize, n: &Number) -> Vec<String> {
    let name = match &figure.kind {
        Kind::Histogram { edges, .. } => match (edges.get(at), edges.get(at.saturating_add(1))) {
            (Some(from), Some(to)) => format!("{} [{from}, {to})", figure.name),
            _ => figure.name.to_string(),
        },
        Kind::Quantiles { probabilities, .. } => match probabilities.get(at) {
            Some(p) => format!("{} {p}", figure.name),
            None => figure.name.to_string(),
        },
        Kind::Table { .. } | Kind::Moments { .. } | Kind::Vector { .. } => format!("{}[{at}]", figure.name),
        Kind::Count | Kind::Sum(_) | Kind::Mean(_) | Kind::Variance(_) => figure.name.to_string(),
    };
    number_row(name, n, "too few", unit(&figure.kind, &figure.unit))
}

/// The unit of an output's numbers: a histogram's own unit is that of its edges, and the unit 1 is none.
pub(crate) fn unit(kind: &Kind, unit: &str) -> String {
    match (kind, unit) {
        (Kind::Count | Kind::Histogram { .. } | Kind::Table { .. }, _) => "patients".to_owned(),
        (_, "1") => String::new(),
        (_, unit) => unit.to_owned(),
    }
}

fn number_row(name: String, n: &Number, hidden: &str, unit: String) -> Vec<String> {
    let number = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| format!("{x:.4}"));
    let interval = format!("{} to {}", number(n.display_low95), number(n.display_high95));
    let value = if n.shown { number(n.value) } else { hidden.to_owned() };
    vec![name, value, number(n.sd), interval, unit]
}
