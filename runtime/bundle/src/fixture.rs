//! Jobs for the tests: a real package, a real approval, and numbers from the real filter with a seeded generator.

use crate::{Airlock, Asked, Content, Decided, Logged, Request, ReviewedContent};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use serde_json::json;
use std::collections::BTreeMap;
use trocar_filter::{
    Admission, Contribution, ExactAdmission, ExactPlan, ExactReleased, ExactSums, Outcome, Plan, Refinement,
    Sums, Untrusted, release,
};
use trocar_manifest::dsse::Envelope;
use trocar_manifest::keys::SecretKey;
use trocar_manifest::{Approval, Decision, Manifest, Package, Review, Verdict};
use trocar_terms::{Class, DatasetId, Digest, JobId, Kind, SnapshotId, Timestamp, Value, Variable};
use trocar_tlog::{Checkpoint, KeyKind, KeyName, LogProof, Note, Tree, Verifier};

const HEAD: &str = r#"
schema = 1
name = "pet-suv"
version = "0.1.0"
title = "Mean SUV and volume of the tumour"
license = "Apache-2.0"
purpose = ["DUO:0000006"]
class = "any-code"

[limits]
fuel = 2_500_000_000
memory_mib = 256
seconds = 20

[capabilities]
modalities = ["PT"]
pixels = true
attributes = ["Manufacturer"]
columns = ["age_years", "sex"]

[cohort]
where = 'modality = "PT" and age_years >= 18'
filterable = ["sex", "age_years"]

[[parameters]]
name = "threshold"
type = "real"
min = 0.0
max = 10.0
step = 0.5
default = 2.5

[privacy]
gate_rho = "0.02"
gate_delta = "1e-8"
rounds = 1
"#;

/// One output, the smallest bundle.
pub(crate) const COUNT: &str = "
[[outputs]]
name = \"tumours\"
kind = \"count\"
unit = \"1\"
rho = \"0.02\"
";

/// One of each kind.
pub(crate) const ALL: &str = r#"
[[outputs]]
name = "suv_mean"
kind = "mean"
unit = "g/mL"
lower = 0.0
upper = 20.0
grid_bits = 10
rho = "0.02"

[[outputs]]
name = "volume"
kind = "histogram"
unit = "mL"
edges = [0, 10, 50, 100, 500, 5000]
rho = "0.02"

[[outputs]]
name = "by_sex_and_age"
kind = "table"
unit = "1"
axes = [{ name = "sex", categories = ["F", "M"] }, { name = "age", edges = [0, 50, 70, 120] }]
rho = "0.02"

[[outputs]]
name = "tumours"
kind = "count"
unit = "1"
rho = "0.02"

[[outputs]]
name = "total_volume"
kind = "sum"
unit = "mL"
lower = 0.0
upper = 512.0
grid_bits = 4
rho = "0.02"

[[outputs]]
name = "profile"
kind = "vector"
unit = "1"
length = 24
clip = 4.0
grid_bits = 10
rho = "0.02"
"#;

/// The other kinds, and each derived statistic.
pub(crate) const DERIVED: &str = r#"
[[outputs]]
name = "suv_spread"
kind = "variance"
unit = "g2/mL2"
lower = 0.0
upper = 20.0
grid_bits = 10
rho = "0.05"

[[outputs]]
name = "suv_quantiles"
kind = "quantiles"
unit = "g/mL"
edges = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 20]
probabilities = [0.1, 0.25, 0.5, 0.75, 0.9]
rho = "0.05"

[[outputs]]
name = "risk"
kind = "moments"
unit = "1"
variables = [
    { name = "age", unit = "a", lower = 0, upper = 120 },
    { name = "volume", unit = "mL", lower = 0, upper = 500 },
    { name = "suv", unit = "g/mL", lower = 0, upper = 20 },
]
rho = "0.2"

[[outputs]]
name = "scores"
kind = "table"
unit = "1"
axes = [{ name = "score", edges = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0] }, { name = "label", categories = ["benign", "malignant"] }]
rho = "0.05"

[[outputs]]
name = "readings"
kind = "table"
unit = "1"
axes = [{ name = "truth", categories = ["benign", "malignant"] }, { name = "read", categories = ["benign", "malignant"] }]
rho = "0.05"

[[outputs]]
name = "times"
kind = "table"
unit = "1"
axes = [{ name = "sex", categories = ["F", "M"] }, { name = "days", edges = [0, 90, 180, 365, 730, 1095] }, { name = "status", categories = ["died", "censored"] }]
rho = "0.1"

[[outputs]]
name = "newton"
kind = "vector"
unit = "1"
length = 5
clip = 2.0
grid_bits = 12
rho = "0.1"

[[derived]]
name = "odds"
kind = "logistic"
from = "newton"
predictors = ["age"]
l2 = 0.5

[[derived]]
name = "auc"
kind = "roc"
from = "scores"

[[derived]]
name = "honesty"
kind = "calibration"
from = "scores"

[[derived]]
name = "agreement"
kind = "confusion"
from = "readings"

[[derived]]
name = "curves"
kind = "survival"
from = "times"

[[derived]]
name = "together"
kind = "covariance"
from = "risk"

[[derived]]
name = "fit"
kind = "linear"
from = "risk"
outcome = "suv"
"#;

/// A job that was asked, allowed and admitted.
pub(crate) struct Job {
    pub(crate) text: String,
    pub(crate) manifest: Manifest,
    pub(crate) package: Envelope,
    pub(crate) approval: Envelope,
    pub(crate) request: Request,
    pub(crate) logged: Logged,
}

pub(crate) fn key(seed: u64) -> SecretKey {
    SecretKey::generate(&mut ChaCha20Rng::seed_from_u64(seed))
}

/// The node's key.
pub(crate) fn node() -> SecretKey {
    key(1)
}

pub(crate) fn job(outputs: &str) -> Job {
    job_of(&format!("{HEAD}{outputs}"))
}

/// The same question of the same algorithm, asked again.
pub(crate) fn another(outputs: &str) -> Job {
    let mut job = job(outputs);
    job.request.job = JobId::from_bytes([0xb8; 16]);
    job.logged = logged(&mut job.request);
    job
}

pub(crate) fn job_of(manifest: &str) -> Job {
    let bytes = Package::pack(manifest, b"component", &BTreeMap::new(), &key(2)).unwrap();
    let package = Package::open(&bytes).unwrap();
    let approval = approval(&package).sign(&key(3)).unwrap();
    let mut request = request(&package, &approval);
    let logged = logged(&mut request);
    let Package { manifest_text, manifest, signature, .. } = package;
    Job { text: manifest_text, manifest, package: signature, approval, request, logged }
}

pub(crate) fn approval(package: &Package) -> Approval {
    Approval {
        dataset: DatasetId::from_bytes([2; 16]),
        manifest: package.manifest.digest(),
        component: package.component_digest(),
        models: vec![],
        class: Class::AnyCode,
        policy: Digest::of(b"policy"),
        project: "any".into(),
        runs: 10,
        rho_max: "2".parse().unwrap(),
        permit: None,
        conditions: vec![],
        approved_at: "2026-11-01T09:00:00Z".parse().unwrap(),
        expires: "2027-11-01T09:00:00Z".parse().unwrap(),
    }
}

fn request(package: &Package, approval: &Envelope) -> Request {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    Request {
        job: JobId::from_bytes([0xa7; 16]),
        dataset: "sarcoma-pet".parse().unwrap(),
        dataset_id: DatasetId::from_bytes([2; 16]),
        class: Class::AnyCode,
        snapshot: SnapshotId::from_bytes([3; 16]),
        commitment: Digest::of(b"32 random bytes"),
        admitted_at: at("2026-11-23T10:15:00Z"),
        release_at: at("2026-11-23T10:30:00Z"),
        manifest: package.manifest.digest(),
        component: package.component_digest(),
        package: package.digest(),
        author: package.author,
        policy: Digest::of(b"policy"),
        approval: Digest::of(&approval.to_json().unwrap()),
        approver: key(3).public(),
        co_approvers: vec![],
        airlock: None,
        parameters: BTreeMap::from([("threshold".to_owned(), Value::Real(2.5))]),
        where_: package.manifest.cohort.where_.normalised(),
        trocar_version: "0.1.0".into(),
        engine: "wasmtime 48.0.8".into(),
        node_name: "Example University Hospital".into(),
        ledger_head: Digest::of(b"head"),
        log: String::new(),
        conditions: vec!["Rollback of the ledger is not detected: this node has no witness.".into()],
    }
}

/// Puts the job's reservation into a log of five lines and names its head in the request.
fn logged(request: &mut Request) -> Logged {
    let entry = json!({
        "time": request.admitted_at, "type": "reserved", "job": request.job, "dataset": request.dataset_id,
        "manifest": request.manifest, "snapshot": request.snapshot, "commitment": request.commitment,
        "release_at": request.release_at, "record": "00",
    });
    let entry = serde_json::to_vec(&entry).unwrap();
    let lines: Vec<Vec<u8>> = (0..4_u8).map(|i| vec![i]).chain([entry.clone()]).collect();
    let tree = Tree::over(lines.iter().map(Vec::as_slice));
    let name: KeyName = "trocar/fixture".parse().unwrap();
    let root = tree.root(5).unwrap();
    let head = Checkpoint { origin: name.clone(), size: 5, root }.to_string();
    let note = Note::sign(&head, &name, &key(7)).unwrap();
    request.ledger_head = Digest::from_bytes(root);
    request.log = Verifier { name, kind: KeyKind::Log, key: key(7).public() }.to_string();
    Logged { entry, proof: LogProof::of(&tree, 4, note).unwrap() }
}

impl Job {
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked {
            request: &self.request,
            manifest_text: &self.text,
            manifest: &self.manifest,
            package: &self.package,
            approval: &self.approval,
            logged: &self.logged,
        }
    }

    pub(crate) fn content<'a>(&'a self, outcome: &'a Outcome) -> Content<'a> {
        Content { outcome, asked: self.asked() }
    }

    /// The filter's answer for `patients` patients.
    pub(crate) fn outcome(&self, patients: u32, seed: u64) -> Outcome {
        let plan = Plan::admit(&Admission {
            outputs: &self.manifest.outputs,
            derived: &self.manifest.derived,
            gate_rho: self.manifest.privacy.gate_rho,
            gate_delta: self.manifest.privacy.gate_delta,
            rounds: self.manifest.privacy.rounds,
            k: 10,
            n_pub: 500,
        })
        .unwrap();
        let mut sums = Sums::new(&plan);
        (0..patients).for_each(|i| sums.add(Untrusted::new(Contribution(self.patient(i)))));
        release(sums, &mut ChaCha20Rng::seed_from_u64(seed))
    }

    /// A made-up patient: small numbers that differ from one to the next.
    fn patient(&self, i: u32) -> Vec<Vec<f64>> {
        self.manifest.outputs.iter().map(|o| numbers(&o.kind, i)).collect()
    }
}

fn numbers(kind: &Kind, i: u32) -> Vec<f64> {
    let one_of =
        |n: usize, which: u32| (0..n).map(|c| f64::from(u8::from(c == which as usize % n))).collect();
    match kind {
        Kind::Count => vec![f64::from(!i.is_multiple_of(3))],
        Kind::Sum(_) => vec![f64::from(20 + i % 60)],
        Kind::Mean(_) | Kind::Variance(_) | Kind::Quantiles { .. } => vec![2.0 + f64::from(i % 8) * 0.75],
        // Most fall into the first bins, few into the last.
        Kind::Histogram { edges, .. } => one_of(edges.len() - 1, [0, 0, 1, 1, 1, 1, 2, 2, 3][i as usize % 9]),
        // The second of the last two categories becomes more likely from place to place.
        Kind::Table { .. } if kind.length() > 6 => {
            let places = u32::try_from(kind.length() / 2).unwrap();
            let place = i % places;
            one_of(kind.length(), 2 * place + u32::from((i * 7) / 3 % places < place))
        }
        Kind::Table { .. } => one_of(kind.length(), [0, 1, 1, 2, 3, 4, 4, 5][i as usize % 8]),
        Kind::Moments { variables } => {
            let value = |(v, c): (&Variable, u32)| {
                v.lower + (v.upper - v.lower) * f64::from((i * (c + 1)) % 17) / 16.0
            };
            variables.iter().zip(0..).map(value).collect()
        }
        // The gradient and the upper triangle of the negative Hessian of a log likelihood, as logistic regression reads them.
        Kind::Vector { length: 5, .. } => {
            let x = f64::from(i % 9) / 4.0 - 1.0;
            let residual = f64::from(u8::from(i % 7 < 3 + i % 2)) - 0.5;
            vec![residual, residual * x + 0.1, 0.25, 0.25 * x, 0.25 * x * x]
        }
        Kind::Vector { length, .. } => (0..*length).map(|c| (f64::from(c) / 4.0).sin()).collect(),
    }
}

/// A decided job of reviewed code.
pub(crate) struct ReviewedJob {
    pub(crate) job: Job,
    pub(crate) reviews: Vec<Envelope>,
    pub(crate) decided: Decided,
}

/// `patients` patients, and what the output checker, key 6, says of them.
pub(crate) fn reviewed(outputs: &str, patients: u32, verdict: Verdict) -> ReviewedJob {
    let text = format!("{HEAD}{outputs}").replace("any-code", "reviewed-code");
    let bytes = Package::pack(&text, b"component", &BTreeMap::new(), &key(2)).unwrap();
    let package = Package::open(&bytes).unwrap();
    let approval = Approval { class: Class::ReviewedCode, ..approval(&package) }.sign(&key(3)).unwrap();
    let airlock = Airlock { reviewers: vec![key(4).public(), key(5).public()], checker: key(6).public() };
    let asked = request(&package, &approval);
    let mut request = Request { class: Class::ReviewedCode, airlock: Some(airlock), ..asked };
    let logged = logged(&mut request);
    let review = Review {
        manifest: request.manifest,
        component: request.component,
        models: vec![],
        reviewed_at: Timestamp::from_seconds(1_790_000_000),
    };
    let reviews = [4, 5].map(|seed| review.sign(&key(seed)).unwrap()).to_vec();
    let envelope = decision(&request, verdict).sign(&key(6)).unwrap();
    let Package { manifest_text: text, manifest, signature: package, .. } = package;
    let job = Job { text, manifest, package, approval, request, logged };
    let checkers = [key(6).public()];
    let decided = match verdict {
        Verdict::Release => Decided::release(exact(&job, patients), &envelope, &checkers).unwrap(),
        Verdict::Withhold => Decided::withhold(&envelope, &checkers).unwrap(),
    };
    ReviewedJob { job, reviews, decided }
}

pub(crate) fn decision(request: &Request, verdict: Verdict) -> Decision {
    Decision {
        job: request.job,
        dataset: request.dataset_id,
        manifest: request.manifest,
        component: request.component,
        verdict,
        reason: Digest::of(b"32 random bytes and a text"),
        decided_at: "2026-11-23T11:02:03Z".parse().unwrap(),
    }
}

/// What the rules leave of `patients` patients.
pub(crate) fn exact(job: &Job, patients: u32) -> ExactReleased {
    let (outputs, derived) = (&job.manifest.outputs, &job.manifest.derived);
    let admission = ExactAdmission { outputs, derived, k: 10, n_pub: 500, parametrised: false };
    let mut sums = ExactSums::new(&ExactPlan::admit(&admission).unwrap());
    for i in 0..patients {
        sums.add(u128::from(i).to_be_bytes(), Untrusted::new(Contribution(job.patient(i))));
    }
    let (held, members) = sums.hold(job.request.job);
    held.released(Refinement::default().check(&members).unwrap()).unwrap()
}

impl ReviewedJob {
    pub(crate) fn content(&self) -> ReviewedContent<'_> {
        ReviewedContent { decided: &self.decided, asked: self.job.asked(), reviews: &self.reviews }
    }
}
