//! The sentences of the report: constants, and what the researcher and the policy wrote.

use crate::content::{Content, Request};
use crate::figures::Figure;
use crate::{number::short, units};
use trocar_manifest::Capabilities;
use trocar_terms::{Axis, Class, Kind, Output};

pub(super) fn lead(content: &Content<'_>, withheld: bool) -> String {
    let (dataset, author) = (&content.asked.request.dataset, content.asked.manifest.name.as_str());
    if withheld {
        return format!(
            "The algorithm {author} ran inside the node that holds the dataset {dataset}. The group of patients it was \
             asked about is too small, or so near to it that the noise left it open, and the node kept the result."
        );
    }
    format!(
        "The algorithm {author} ran inside the node that holds the dataset {dataset}. No image and no record left the \
         node: only the sums below did, with noise that protects each patient."
    )
}

pub(super) fn outputs(count: usize) -> String {
    if count == 1 { "one declared answer".to_owned() } else { format!("{count} declared answers") }
}

pub(super) fn cohort(where_: &str) -> String {
    if where_.is_empty() { "all patients of the dataset".to_owned() } else { where_.to_owned() }
}

/// What the manifest was granted, in one sentence.
pub(super) fn sees(capabilities: &Capabilities) -> String {
    let modalities: Vec<_> = capabilities.modalities.iter().map(|m| m.code().to_owned()).collect();
    let columns: Vec<_> = capabilities.columns.iter().map(ToString::to_string).collect();
    let listed = |what: &str, all: &[String]| (!all.is_empty()).then(|| format!("{what} {}", all.join(", ")));
    let pixels = if capabilities.pixels { "the voxels of" } else { "that there are series of" };
    let parts = [
        listed(pixels, &modalities),
        listed("the segmentations", &capabilities.masks),
        listed("the image attributes", &capabilities.attributes),
        listed("the clinical columns", &columns),
    ];
    let seen: Vec<_> = parts.into_iter().flatten().collect();
    let seen =
        if seen.is_empty() { "nothing but that the patient exists".to_owned() } else { seen.join("; ") };
    format!("{seen}. Never a name, an identifier or a date.")
}

pub(super) fn purposes(codes: &[impl ToString]) -> String {
    codes.iter().map(|code| purpose(&code.to_string())).collect::<Vec<_>>().join(", ")
}

/// The labels of the GA4GH Data Use Ontology.
fn purpose(code: &str) -> String {
    let label = match code {
        "DUO:0000042" => "general research use",
        "DUO:0000006" => "health, medical or biomedical research",
        "DUO:0000007" => "disease specific research",
        "DUO:0000011" => "population origins or ancestry research",
        "DUO:0000015" => "no general methods research",
        "DUO:0000018" => "not for profit, non commercial use only",
        "DUO:0000046" => "non commercial use only",
        _ => return code.to_owned(),
    };
    format!("{label} ({code})")
}

pub(super) fn class(class: Class) -> &'static str {
    match class {
        Class::AnyCode => {
            "whoever wrote the algorithm, clipping and noise protect the patients on the whole path; nobody had to trust \
             its code"
        }
        Class::ReviewedCode => {
            "two reviewers of the node signed the code, and an output checker released the result"
        }
    }
}

/// What one number of the output means.
pub(super) fn meaning(output: &Output) -> String {
    let unit = units::sign(&output.unit);
    let space = if unit.is_empty() { "" } else { " " };
    match &output.kind {
        Kind::Count => "a count of patients".to_owned(),
        Kind::Sum(b) => {
            format!("a sum over patients of values {} to {}{space}{unit}", short(b.lower), short(b.upper))
        }
        Kind::Mean(b) => {
            format!("a mean over patients of values {} to {}{space}{unit}", short(b.lower), short(b.upper))
        }
        Kind::Variance(b) => {
            format!("a variance over patients of values {} to {}", short(b.lower), short(b.upper))
        }
        Kind::Quantiles { probabilities, .. } => {
            let all: Vec<String> = probabilities.iter().map(|p| short(*p)).collect();
            format!("the values below which {} of the patients lie{space}{unit}", all.join(", "))
        }
        Kind::Moments { variables } => {
            let names: Vec<&str> = variables.iter().map(|v| v.name.as_str()).collect();
            format!("sums of {} and of their products, each scaled to \u{2212}1 to 1", names.join(", "))
        }
        Kind::Histogram { edges, .. } => {
            let bins = edges.len().saturating_sub(1);
            let in_unit = if unit.is_empty() { String::new() } else { format!(" in {unit}") };
            format!("how many patients fall into each of {bins} bins{in_unit}")
        }
        Kind::Table { axes, .. } => format!("how many patients there are by {}", by(axes)),
        Kind::Vector { length, .. } => format!("a vector of {length} sums{space}{unit}"),
    }
}

fn by(axes: &[Axis]) -> String {
    let name = |axis: &Axis| match axis {
        Axis::Categories { name, .. } | Axis::Edges { name, .. } => name.to_string(),
    };
    axes.iter().map(name).collect::<Vec<_>>().join(" and ")
}

/// What to know when looking at the plot.
pub(super) fn note(figure: &Figure<'_>, most: usize) -> String {
    if figure.cells.is_empty() {
        return String::new();
    }
    match &figure.output.kind {
        Kind::Mean(b) => {
            let (low, high) = (short(b.lower), short(b.upper));
            format!(
                "Each patient's value was first held between {low} and {high}. The bar is the interval of the noise."
            )
        }
        Kind::Sum(b) | Kind::Variance(b) => {
            format!("Each patient's value was first held between {} and {}.", short(b.lower), short(b.upper))
        }
        Kind::Quantiles { edges, .. } => {
            let bins = edges.len().saturating_sub(1);
            format!("Read off {bins} noisy bins: each value is an upper edge of a bin, each interval holds whole bins.")
        }
        Kind::Moments { .. } => {
            "A patient who lacks one of the variables counts in none. Read with the statistics that are derived from them."
                .to_owned()
        }
        Kind::Count => "Each patient counts at most once.".to_owned(),
        Kind::Vector { clip, .. } if figure.cells.len() > most => {
            format!(
                "Each patient's vector was first shortened to length {}. The plot shows the first {most}.",
                short(*clip)
            )
        }
        Kind::Vector { clip, .. } => {
            format!("Each patient's vector was first shortened to length {}.", short(*clip))
        }
        Kind::Histogram { .. } | Kind::Table { .. } if figure.cells.len() > most => {
            format!("The plot shows the first {most} cells.")
        }
        Kind::Histogram { .. } | Kind::Table { .. } => {
            "Each interval holds by itself: among many cells, about one in twenty misses.".to_owned()
        }
    }
}

pub(super) fn caption(figure: &Figure<'_>, rows: usize) -> String {
    let words = match &figure.output.kind {
        Kind::Histogram { .. } | Kind::Table { .. } => "noisy number of patients",
        Kind::Variance(_) | Kind::Quantiles { .. } => "from noisy sums over patients",
        Kind::Count | Kind::Sum(_) | Kind::Mean(_) | Kind::Moments { .. } | Kind::Vector { .. } => {
            "noisy sums over patients"
        }
    };
    let all = figure.cells.len();
    if all <= rows {
        words.to_owned()
    } else {
        format!("{words}, the first {rows} of {all}; results.csv has all")
    }
}

pub(super) fn column(kind: &Kind) -> &'static str {
    match kind {
        Kind::Histogram { .. } => "Bin",
        Kind::Vector { .. } => "Coordinate",
        Kind::Quantiles { .. } => "Probability",
        Kind::Moments { .. } => "Sum of",
        Kind::Count | Kind::Sum(_) | Kind::Mean(_) | Kind::Variance(_) | Kind::Table { .. } => "Cell",
    }
}

/// Section 4: each a claim that a reader might make and that this bundle does not carry.
pub(super) fn limits(conditions: &[String]) -> Vec<(&'static str, String)> {
    let fixed = [
        ("Not the exact numbers.", "Noise was added on purpose, and the number of patients is noisy too."),
        (
            "Not how sure medicine can be.",
            "The intervals are about the added noise alone. They are not confidence intervals for other patients: sampling, \
             selection, scanners and measurement error come on top.",
        ),
        (
            "Not who is missing.",
            "Files that could not be read were left out. A patient on whom the algorithm failed is in the number of \
             patients and adds nothing else. How many there were is not told, since that could point to a person.",
        ),
        ("Not values outside the declared range.", "They were pulled to its ends, which can shift a mean."),
        (
            "Not that a blanked cell is empty.",
            "Blanked means that its noisy count is below the smallest cell that the dataset's policy shows.",
        ),
        (
            "Not that the algorithm is right.",
            "The bundle proves which component ran and what it was allowed to see, not that it measures what its name says.",
        ),
        (
            "Not that the node is honest.",
            "The signature proves which node says this. Whoever rules the node's machine could have made it say something else.",
        ),
    ];
    let told = conditions.iter().map(|c| ("The node adds:", format!("{}.", c.trim_end_matches('.'))));
    fixed.into_iter().map(|(claim, why)| (claim, why.to_owned())).chain(told).collect()
}

pub(super) fn provenance(request: &Request) -> Vec<(&'static str, String)> {
    vec![
        ("Job", request.job.to_string()),
        ("Dataset", format!("{} ({})", request.dataset, request.dataset_id)),
        ("Snapshot, by random id", request.snapshot.to_string()),
        ("Commitment to it", request.commitment.to_string()),
        ("Component", request.component.to_string()),
        ("Manifest", request.manifest.to_string()),
        ("Package", request.package.to_string()),
        ("Author of the package", request.author.to_string()),
        ("Policy", request.policy.to_string()),
        ("Approval", request.approval.to_string()),
        ("Approved by", request.approver.to_string()),
        ("Engine", request.engine.clone()),
        ("Head of the node's ledger", request.ledger_head.to_string()),
        ("Admitted at", request.admitted_at.to_string()),
        ("Available from", request.release_at.to_string()),
    ]
}
