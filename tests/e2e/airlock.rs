//! Reviewed code through the real binary: reviews, the airlock, an output checker's word, and differencing.

use crate::world::World;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A node whose dataset lets reviewed code of two reviewers in.
pub struct Hospital {
    pub world: World,
    pub package: PathBuf,
    digest: String,
}

const REVIEWED: (&str, &str) = ("class = \"any-code\"", "class = \"reviewed-code\"");
/// `pet-suv` has no parameters; this lets a researcher narrow its cohort.
pub const BY_AGE: [(&str, &str); 2] = [
    ("pixels = true", "pixels = true\ncolumns = [\"age_years\"]"),
    ("filterable = []", "filterable = [\"age_years\"]"),
];

impl Hospital {
    /// `patients` patients, and a package that was handed in and waits.
    fn new(patients: u32, guest: &str, change: &[(&str, &str)]) -> Self {
        let world = World::new();
        let modality = if guest == "pet-suv" { "PT" } else { "CT" };
        let folder = world.cohort("cohort", patients, modality);
        let keys = ["anna", "bert"].map(|name| key(&world, name));
        let reviewers = format!("reviewers = [\"{}\", \"{}\"]", keys[0], keys[1]);
        let classes = "classes = [\"any-code\", \"reviewed-code\"]";
        let diagnosis = "columns = [\n    { name = \"diagnosis\", type = \"category\", categories = [\"sarcoma\", \"carcinoma\", \"lymphoma\"] },";
        let policy = [
            ("classes = [\"any-code\"]", classes),
            ("reviewers = []", reviewers.as_str()),
            ("columns = [", diagnosis),
        ];
        world.dataset("liver", &folder, &policy).exits(0);
        let package = world.pack(guest, &[&[REVIEWED], change].concat());
        let refused = world.submit(&package, "liver", &[]).exits(3).json();
        assert_eq!(refused["code"], "APP-01", "{refused}");
        let digest = pending(&world);
        Self { world, package, digest }
    }

    /// As `new`, reviewed and approved.
    pub fn approved(patients: u32, guest: &str, change: &[(&str, &str)]) -> Self {
        let hospital = Self::new(patients, guest, change);
        hospital.review("anna").exits(0);
        hospital.review("bert").exits(0);
        hospital.approve("operator").exits(0);
        hospital
    }

    fn review(&self, as_: &str) -> crate::world::Said {
        self.world.run(&["node", "review", &self.digest, "--as", as_])
    }

    fn approve(&self, as_: &str) -> crate::world::Said {
        self.world.run(&["node", "approve", &self.digest, "--dataset", "liver", "--runs", "9", "--as", as_])
    }

    /// Hands the package in and returns the job, which waits.
    fn ask(&self, more: &[&str]) -> String {
        let job = self.world.submit(&self.package, "liver", more).exits(0).json();
        assert_eq!((&job["state"], &job["code"]), (&"accepted".into(), &"REL-03".into()));
        job["job"].as_str().unwrap().to_owned()
    }

    pub fn show(&self, job: &str) -> Value {
        self.world.run(&["node", "airlock", "show", job]).exits(0).json()
    }

    fn decide(&self, what: &str, job: &str) -> crate::world::Said {
        self.world.run(&["node", "airlock", what, job, "--as", "operator", "--why", "looked at each cell"])
    }

    fn results(&self, job: &str, code: i32) -> Value {
        self.world.fetch(&job.into(), code).1
    }
}

fn key(world: &World, name: &str) -> String {
    world.run(&["key", "new", name]).exits(0).json()["key"].as_str().unwrap().to_owned()
}

fn pending(world: &World) -> String {
    let pending = world.run(&["node", "pending"]).exits(0).json();
    assert_eq!(pending[0]["class"], "reviewed-code");
    pending[0]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn reviewed_code_takes_two_reviewers_who_are_named_and_did_not_write_it() {
    let hospital = Hospital::new(12, "lesion-volume", &[]);
    let refused = hospital.approve("operator").exits(3);
    assert!(refused.err.contains("2 reviewers") && refused.err.contains("0 signed"), "{}", refused.err);
    let stranger = hospital.review("operator").exits(1);
    assert!(stranger.err.contains("among `reviewers` in no"), "{}", stranger.err);
    hospital.review("anna").exits(0);
    let twice = hospital.review("anna").exits(1);
    assert!(twice.err.contains("already"), "{}", twice.err);
    hospital.approve("operator").exits(3);
    assert_eq!(hospital.review("bert").exits(0).json()["reviews"], 2);
    hospital.approve("operator").exits(0);
    // The policy's reviewers as they are now count: with another policy the approval is gone as well.
    let anna = hospital.world.run(&["key", "list"]).json();
    let anna = anna.as_array().unwrap().iter().find(|k| k["name"] == "anna").unwrap()["key"].clone();
    let carl = key(&hospital.world, "carl");
    hospital.world.change_policy("liver", &[(anna.as_str().unwrap(), carl.as_str())]);
    hospital.world.run(&["node", "scan", "liver"]).exits(0);
    assert_eq!(hospital.world.submit(&hospital.package, "liver", &[]).exits(3).json()["code"], "APP-01");
    assert!(hospital.approve("operator").exits(3).err.contains("1 signed"));
}

#[test]
fn an_exact_result_leaves_only_with_an_output_checkers_signed_word() {
    let hospital = Hospital::approved(70, "pet-suv", &[]);
    let job = hospital.ask(&[]);
    let world = &hospital.world;
    let out = world.path("early.zip").display().to_string();
    world.run(&["results", "get", &job, "-o", &out]).exits(1);
    assert!(!Path::new(&out).exists(), "a result left without a decision");
    // Nor does running on let it out.
    world.run(&["node", "resume"]).exits(0);
    let status = world.run(&["status", &job]).exits(0).json();
    assert_eq!(status["state"], "accepted");
    assert!(status["detail"].as_str().unwrap().contains("waits for an output checker"), "{status}");
    let waits = world.run(&["node", "airlock", "list"]).exits(0).json();
    assert_eq!((&waits[0]["job"], &waits[0]["state"]), (&job.as_str().into(), &"waits".into()));
    let shown = hospital.show(&job);
    assert_eq!((&shown["evidence"]["patients"], &shown["may_leave"]), (&70.into(), &true.into()), "{shown}");
    let mean = &shown["evidence"]["outputs"][0]["cells"][0];
    assert!(mean["n"].as_u64().unwrap() >= 10 && mean["top2_share"].as_f64().unwrap() < 0.9, "{mean}");

    // Not by the author, not without a reason, not by a key that is no operator's.
    for (as_, why) in [("author", "mine"), ("anna", "mine"), ("operator", "  ")] {
        world.run(&["node", "airlock", "release", &job, "--as", as_, "--why", why]).exits(1);
    }
    hospital.decide("release", &job).exits(0);
    hospital.decide("withhold", &job).exits(1);
    let results = hospital.results(&job, 0);
    assert_eq!((&results["class"], &results["status"]), (&"reviewed-code".into(), &"released".into()));
    assert_eq!(results["patients"], serde_json::json!({"value": 70, "shown": true}));
    assert!(results.get("rho").is_none() && results.get("epsilon_at_1e-6").is_none(), "{results}");
    let cells = results["outputs"][1]["value"].as_array().unwrap();
    assert!(cells.iter().filter_map(Value::as_f64).all(|v| v % 5.0 == 0.0), "{results}");
    assert_eq!(results["outputs"][0]["value"], mean["value"], "the mean is not the exact one");
    let spent = world.run(&["node", "budget"]).exits(0).json();
    assert_eq!(spent[0]["rho_year"], 0.0, "an exact result was charged");
    let replayed = world.run(&["replay", &world.path("bundle.zip").display().to_string()]).exits(0).json();
    assert_eq!((&replayed["job"], &replayed["matches"]), (&job.as_str().into(), &true.into()));

    // Every later any-code bundle of the dataset says so.
    let package = world.pack("pet-suv", &[]);
    world.approve(&package, "liver");
    let noised = world.submit(&package, "liver", &[]).exits(0).json();
    let (bundle, _) = world.fetch(&noised["job"], 0);
    let folder = world.path("unpacked").display().to_string();
    world.run(&["verify", &bundle.display().to_string(), "--unpack", &folder]).exits(0);
    let report = std::fs::read_dir(&folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path()
        .join("data/ro-crate-preview.html");
    assert!(std::fs::read_to_string(report).unwrap().contains("covers the releases of any-code alone"));
    assert_eq!(world.run(&["node", "dataset", "list"]).json()[0]["exact_releases"], 1);
}

#[test]
fn what_a_checker_keeps_and_what_a_rule_keeps_look_alike() {
    let hospital = Hospital::approved(30, "pet-suv", &BY_AGE);
    let kept = hospital.ask(&[]);
    hospital.decide("withhold", &kept).exits(0);
    // Nine patients or fewer: the rules let nothing out, and a person must say so all the same.
    let few = hospital.ask(&["--where", "age_years < 1"]);
    assert_eq!(hospital.show(&few)["may_leave"], false);
    let refused = hospital.decide("release", &few).exits(3);
    assert!(refused.err.contains("below k"), "{}", refused.err);
    assert_eq!(
        hospital.world.run(&["status", &few]).exits(0).json()["state"],
        "accepted",
        "a rule answered at once"
    );
    hospital.decide("withhold", &few).exits(0);
    let answers = [&kept, &few].map(|job| {
        let status = hospital.world.run(&["status", job]).exits(4).json();
        let mut results = hospital.results(job, 4);
        results["job"] = "the job".into();
        (status["state"].clone(), status["code"].clone(), results)
    });
    assert_eq!(answers[0], answers[1], "a rule's answer can be told from a checker's");
    assert_eq!((&answers[0].1, &answers[0].2["outputs"]), (&"REL-04".into(), &().into()));
    // The reason stays in the home: neither the ledger nor the bundle has its words.
    let ledger = std::fs::read_to_string(hospital.world.home().join("ledger.log")).unwrap();
    assert!(!ledger.contains("looked at each cell"));
    assert_eq!(hospital.show(&kept)["why"], "looked at each cell");
}

/// The ages of a cohort, sorted, of which one more year leaves out few patients.
fn ages(world: &World) -> Vec<u32> {
    let table = std::fs::read_to_string(world.path("cohort").join("clinical.csv")).unwrap();
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let at = lines.next().unwrap().iter().position(|name| *name == "age_years").unwrap();
    let mut ages: Vec<u32> = lines.map(|row| row[at].parse().unwrap()).collect();
    ages.sort_unstable();
    ages
}

/// The attack: a cohort with and without few patients.
#[test]
fn a_cohort_with_and_without_a_few_patients_is_never_released_twice_whichever_was_held_first() {
    let hospital = Hospital::approved(70, "pet-suv", &BY_AGE);
    let ages = ages(&hospital.world);
    // So that fewer than ten, and at least one, are younger.
    let edge = ages[1..10].iter().rev().find(|age| **age > ages[0]).copied().unwrap();
    let without = format!("age_years >= {edge}");
    let (all, fewer) = (hospital.ask(&[]), hospital.ask(&["--where", &without]));
    // Both wait, and each alone could leave: only their order decides.
    for job in [&all, &fewer] {
        assert_eq!(hospital.show(job)["may_leave"], true);
    }
    hospital.decide("release", &all).exits(0);
    let second = hospital.decide("release", &fewer).exits(3);
    assert!(second.err.contains("stand alone"), "{}", second.err);
    let shown = hospital.show(&fewer);
    let younger = ages.iter().filter(|age| **age < edge).count();
    assert_eq!(shown["small"][0]["patients"], younger, "{shown}");
    assert_eq!(
        (&shown["small"][0]["inside"], &shown["may_leave"]),
        (&false.into(), &false.into()),
        "{shown}"
    );
    hospital.decide("withhold", &fewer).exits(0);
    assert_eq!(hospital.results(&fewer, 4)["status"], "withheld");

    // Members of a released result that are gone or damaged stop every other exact release.
    let released = hospital.world.home().join("airlock/released");
    let file = std::fs::read_dir(&released).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&file).unwrap();
    let third = hospital.ask(&["--where", "age_years >= 60"]);
    std::fs::remove_file(&file).unwrap();
    hospital.decide("release", &third).exits(1);
    std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    assert!(hospital.decide("release", &third).exits(1).err.contains("damaged"));
    std::fs::write(&file, &bytes).unwrap();
    hospital.decide("withhold", &third).exits(0);
}

/// The attack: what a count and a histogram of the same patients leave between them. A parameter may have moved any of
/// their edges, so each is held against the other.
#[test]
fn cells_that_a_parameter_may_have_moved_are_refused_where_few_patients_lie_between_them() {
    let hospital = Hospital::approved(70, "lesion-volume", &[]);
    let job = hospital.ask(&["--param", "threshold=100"]);
    let shown = hospital.show(&job);
    let small = shown["small"].as_array().unwrap();
    assert!(small.iter().all(|a| a["inside"] == true && a["patients"].as_u64().unwrap() < 10), "{shown}");
    assert!(!small.is_empty() && small.iter().any(|a| a["number"].is_array()), "{shown}");
    hospital.decide("release", &job).exits(3);
    hospital.decide("withhold", &job).exits(0);
}

#[test]
fn two_operators_must_sign_where_the_policy_says_so_and_the_bundle_names_both() {
    let world = World::new();
    let folder = world.cohort("cohort", 70, "CT");
    let second = key(&world, "second");
    let keys = world.run(&["key", "list"]).json();
    let operator = keys.as_array().unwrap().iter().find(|k| k["name"] == "operator").unwrap()["key"].clone();
    let both = format!("operators = [\"{}\", \"{second}\"]", operator.as_str().unwrap());
    let one = format!("operators = [\"{}\"]", operator.as_str().unwrap());
    world.dataset("liver", &folder, &[(&one, &both), ("approvers = 1", "approvers = 2")]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.submit(&package, "liver", &[]).exits(3);
    let digest = world.run(&["node", "pending"]).json()[0]["digest"].as_str().unwrap().to_owned();
    let approve = |as_: &str| world.run(&["node", "approve", &digest, "--dataset", "liver", "--as", as_]);
    assert_eq!(approve("operator").exits(0).json()["signed"], 1);
    assert_eq!(
        world.submit(&package, "liver", &[]).exits(3).json()["code"],
        "APP-01",
        "one signature was enough"
    );
    assert_eq!(
        world.run(&["node", "pending"]).json()[0]["digest"],
        digest.as_str(),
        "it waits for the second"
    );
    approve("operator").exits(1);
    let signed = approve("second").exits(0).json();
    assert_eq!((&signed["signed"], &signed["needed"]), (&2.into(), &2.into()));
    let job = world.submit(&package, "liver", &[]).exits(0).json();
    let (bundle, _) = world.fetch(&job["job"], 0);
    let proved = world.run(&["verify", &bundle.display().to_string()]).exits(0).out;
    assert!(proved.contains(&second) && proved.contains("The operators"), "{proved}");
}

#[test]
fn an_author_sees_what_the_rules_would_do_before_anyone_reviews() {
    let world = World::new();
    let package = world.pack("lesion-volume", &[REVIEWED]).display().to_string();
    let rehearsal = world.run(&["test", &package, "--patients", "40", "--per-patient"]).exits(0).json();
    assert_eq!(
        (&rehearsal["class"], &rehearsal["evidence"]["patients"]),
        (&"reviewed-code".into(), &40.into())
    );
    let verdicts = rehearsal["evidence"]["outputs"][3]["cells"].as_array().unwrap();
    assert!(verdicts.len() == 6 && verdicts.iter().all(|c| c["verdict"].is_string()), "{rehearsal}");
    assert_eq!(rehearsal["per_patient"].as_array().unwrap().len(), 40);
    world.run(&["test", &package, "--patients", "9"]).exits(4);
}
