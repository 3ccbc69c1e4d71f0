//! The whole path of one job, and everything that may stop it.

use crate::world::{HELD, World, guest};

#[test]
fn an_approved_algorithm_runs_on_every_patient_and_its_bundle_verifies() {
    let world = World::new();
    let folder = world.cohort("cohort", 70, "CT");
    let scan = world.dataset("liver", &folder, &[]).exits(0).json();
    assert_eq!(
        (&scan[0]["patients"], &scan[0]["series"]["CT"]),
        (&70.into(), &70.into()),
        "the scan missed patients"
    );
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let job = world.submit(&package, "liver", &[]).exits(0).json();
    assert_eq!((&job["state"], &job["code"]), (&"released".into(), &"REL-01".into()));
    let (_, results) = world.fetch(&job["job"], 0);
    assert_eq!(results["status"], "released");
    let mean = results["outputs"][0]["value"].as_f64().unwrap();
    let (low, high) =
        (results["outputs"][0]["low95"].as_f64().unwrap(), results["outputs"][0]["high95"].as_f64().unwrap());
    assert!(low < mean && mean < high, "the interval does not hold the value");
    let patients = results["patients"]["value"].as_f64().unwrap();
    assert!(
        (patients - 70.0).abs() < 6.0 * results["patients"]["sd"].as_f64().unwrap(),
        "the noisy n is {patients}"
    );
    let spent = world.run(&["node", "budget"]).exits(0).json()[0]["rho_year"].as_f64().unwrap();
    let stated: f64 = results["rho"].as_str().unwrap().parse().unwrap();
    assert!((spent - stated).abs() < 1e-5, "the ledger says {spent}, the bundle {stated}");
}

#[test]
fn the_same_question_twice_is_one_draw_and_one_charge() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 70, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let first = world.submit(&package, "liver", &[]).exits(0).json();
    let spent = world.run(&["node", "budget"]).json();
    let second = world.submit(&package, "liver", &[]).exits(0).json();
    assert_eq!(first["job"], second["job"], "a repeated submission drew new noise");
    assert_eq!(world.run(&["node", "budget"]).json(), spent, "a repeated submission was charged");
}

#[test]
fn another_where_is_another_question_with_a_draw_and_a_charge_of_its_own() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 120, "CT"), &[]).exits(0);
    // A project may spend 0.1 a year: both fit.
    let package = world.pack("ct-intensity", &[("rho = \"0.02\"", "rho = \"0.01\"")]);
    world.approve(&package, "liver");
    let spent = || world.run(&["node", "budget"]).exits(0).json()[0]["rho_year"].as_f64().unwrap();
    let first = world.submit(&package, "liver", &[]).exits(0).json();
    let once = spent();
    let second = world.submit(&package, "liver", &["--where", "age_years >= 0"]).exits(0).json();
    assert_ne!(first["job"], second["job"], "a narrower cohort was answered from the wider one's release");
    assert!((spent() - 2.0 * once).abs() < 1e-9, "two questions cost {}, one {once}", spent());
}

#[test]
fn a_patient_with_several_series_is_one_patient() {
    let world = World::new();
    let scan = world.dataset("both", &world.cohort("cohort", 60, "CT,PT"), &[]).exits(0).json();
    assert_eq!((&scan[0]["patients"], &scan[0]["series"]["PT"]), (&60.into(), &60.into()));
    let package = world.pack("volume-stats", &[]);
    world.approve(&package, "both");
    let job = world.submit(&package, "both", &[]).exits(0).json();
    let (_, results) = world.fetch(&job["job"], 0);
    let patients = results["patients"]["value"].as_f64().unwrap();
    // The noise has a standard deviation of 5: six of them are far from the 120 series.
    assert!((patients - 60.0).abs() < 30.0, "60 patients with two series each count as {patients}");
}

#[test]
fn cohorts_of_nine_of_one_and_of_none_are_withheld_with_the_same_answer() {
    let mut answers = Vec::new();
    for patients in [9, 1, 0] {
        let world = World::new();
        let folder = world.path("cohort");
        std::fs::create_dir(&folder).unwrap();
        if patients > 0 {
            world.cohort("cohort", patients, "CT");
        } else {
            std::fs::write(folder.join("note.txt"), "no images yet").unwrap();
        }
        world.dataset("small", &folder, &[]).exits(0);
        let package = world.pack("ct-intensity", &[]);
        world.approve(&package, "small");
        let said = world.submit(&package, "small", &[]).exits(4);
        let mut job = said.json();
        let [id, at] = ["job", "release_at"].map(|field| job[field].as_str().unwrap().to_owned());
        let words = said.err.replace(&id, "the job").replace(&at, "its time");
        assert_eq!(job["code"], "REL-02");
        let (bundle, results) = world.fetch(&job["job"], 4);
        assert_eq!(
            (&results["status"], &results["outputs"], &results["patients"]),
            (&"withheld".into(), &().into(), &().into())
        );
        job["job"] = "the job".into();
        job["release_at"] = "its time".into();
        answers.push((
            job,
            words,
            std::fs::metadata(bundle).unwrap().len(),
            world.run(&["node", "budget"]).json()[0]["rho_year"].clone(),
        ));
    }
    assert!(answers.iter().all(|a| *a == answers[0]), "0, 1 and 9 patients can be told apart: {answers:#?}");
}

#[test]
fn until_release_at_a_finished_job_looks_like_any_other_and_then_as_fixed_at_admission() {
    let mut seen = Vec::new();
    for patients in [70, 1] {
        let world = World::new();
        world.dataset("liver", &world.cohort("cohort", patients, "CT"), &[HELD]).exits(0);
        let package = world.pack("ct-intensity", &[]);
        world.approve(&package, "liver");
        let job = world.submit(&package, "liver", &["--detach"]).exits(0).json();
        let id = job["job"].as_str().unwrap().to_owned();
        // Waits for the process that --detach left behind, or does its work.
        world.run(&["node", "resume"]).exits(0);
        let ledger = std::fs::read_to_string(world.home().join("ledger.log")).unwrap();
        assert!(ledger.contains("\"finished\""), "the job did not run");
        let status = world.run(&["status", &id]).exits(0).json();
        assert_eq!(status, job, "the status changed before release_at");
        let out = world.path("early.zip").display().to_string();
        let early = world.run(&["results", "get", &id, "-o", &out]).exits(1);
        assert!(early.err.contains("release_at") && !world.path("early.zip").exists(), "{}", early.err);
        let release_at: trocar_terms::Timestamp = status["release_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(release_at.seconds() % 900, 0, "{release_at} is not at the end of a slot");
        assert_eq!(status["state"], "accepted");
        // A withheld job gives its blocks back; until release_at the budget must not say so.
        seen.push(world.run(&["node", "budget"]).exits(0).json()[0]["rho_year"].clone());
    }
    assert_eq!(seen[0], seen[1], "the budget tells a released job from a withheld one before release_at");
}

#[test]
fn a_component_with_an_import_outside_its_grant_is_refused_by_name() {
    let world = World::new();
    let wat = r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func (result u64))))))"#;
    let (component, package) = (world.path("clock.wasm"), world.path("clock.trocar"));
    std::fs::write(&component, wat::parse_str(wat).unwrap()).unwrap();
    let [m, c, p] =
        [&crate::world::manifest("ct-intensity"), &component, &package].map(|p| p.display().to_string());
    let said = world.run(&["pack", "--manifest", &m, "--component", &c, "-o", &p]).exits(3);
    assert!(said.err.contains("wasi:clocks/wall-clock@0.2.0"), "the import is not named: {}", said.err);

    // An adversary packs without asking `trocar pack`.
    let (bytes, text) = (std::fs::read(&component).unwrap(), std::fs::read_to_string(&m).unwrap());
    let pem = std::fs::read_to_string(world.home().join("keys/author.pem")).unwrap();
    let key = trocar_manifest::keys::SecretKey::from_pem(&pem).unwrap();
    std::fs::write(
        &package,
        trocar_manifest::Package::pack(&text, &bytes, &Default::default(), &key).unwrap(),
    )
    .unwrap();
    let folder = world.cohort("cohort", 2, "CT");
    world.dataset("liver", &folder, &[]).exits(0);
    // Were a patient read, the job would be withheld with exit 4.
    let said = world.submit(&package, "liver", &[]).exits(3);
    assert_eq!(said.json()["code"], "ADM-06");
    assert!(said.err.contains("wasi:clocks/wall-clock@0.2.0"), "the import is not named: {}", said.err);
}

#[test]
fn a_manifest_that_asks_for_a_forbidden_attribute_is_refused_by_name() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[]).exits(0);
    let package =
        world.pack("ct-intensity", &[("pixels = true", "pixels = true\nattributes = [\"InstitutionName\"]")]);
    let said = world.submit(&package, "liver", &[]).exits(3);
    assert_eq!(said.json()["code"], "ADM-02");
    assert!(said.err.contains("InstitutionName"), "the attribute is not named: {}", said.err);
}

#[test]
fn an_approval_ends_with_revocation_and_with_another_policy() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    world.change_policy("liver", &[("k = 10", "k = 11")]);
    assert_eq!(
        world.submit(&package, "liver", &[]).exits(3).json()["code"],
        "APP-01",
        "the policy is not bound"
    );
    world.change_policy("liver", &[("k = 11", "k = 10")]);
    let digest = world.run(&["check", "--manifest", &world.path("ct-intensity.toml").display().to_string()]);
    drop(digest);
    let pending = world.run(&["node", "pending"]).exits(0).json();
    let digest = pending[0]["digest"].as_str().unwrap().to_owned();
    world.run(&["node", "revoke", &digest, "--dataset", "liver"]).exits(0);
    assert_eq!(
        world.submit(&package, "liver", &[]).exits(3).json()["code"],
        "APP-01",
        "a revoked approval holds"
    );
    world.run(&["node", "reject", &digest, "--dataset", "liver"]).exits(0);
    assert_eq!(
        world.submit(&package, "liver", &[]).exits(3).json()["code"],
        "APP-03",
        "a rejection is not said"
    );
}

#[test]
fn a_where_over_a_name_that_is_not_filterable_is_refused() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    for bad in ["PatientID = \"1\"", "survival_days > 3", "age_years >", "1 = 1 or"] {
        let said = world.submit(&package, "liver", &["--where", bad]).exits(3);
        assert_eq!(said.json()["code"], "ADM-08", "--where {bad:?} was not refused");
    }
}

#[test]
fn budgets_end_before_they_are_passed_first_the_project_s_then_the_year_s() {
    let world = World::new();
    let year = [("rho_year = \"0.5\"", "rho_year = \"0.35\"")];
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &year).exits(0);
    let package = world.pack("ct-intensity", &[]);
    let projects: Vec<String> = (0..20).map(|n| format!("p{n}")).collect();
    world.approve_for(&package, "liver", &projects.iter().map(String::as_str).collect::<Vec<_>>());
    let ask = |project: &str, age: usize| {
        let where_ = format!("age_years >= {age}");
        let said = world.submit(&package, "liver", &["--where", &where_, "--project", project]);
        said.json()["code"].as_str().unwrap().to_owned()
    };
    // Reserved first: about 0.06 a job, of which a closed gate gives all but its own 0.02 back. A project has a fifth of 0.35.
    assert_eq!([ask("p0", 40), ask("p0", 41)], ["REL-02", "BUD-04"], "project p0 passed its share");
    assert_eq!(ask("made-up", 42), "APP-01", "a name that no operator approved has a share of its own");
    let codes: Vec<String> = (1..20).map(|n| ask(&projects[n], 50 + n)).collect();
    assert!(codes.contains(&"BUD-02".into()), "the year's budget stopped nothing: {codes:?}");
    let spent = world.run(&["node", "budget"]).json()[0]["rho_year"].as_f64().unwrap();
    assert!(spent > 0.2 && spent <= 0.35, "rho {spent} was spent of 0.35");
}

#[test]
fn a_guest_in_a_package_is_what_the_manifest_names() {
    let world = World::new();
    let package = world.pack("ct-intensity", &[]);
    let opened = trocar_manifest::Package::open(&std::fs::read(package).unwrap()).unwrap();
    assert_eq!(Some(opened.component_digest()), opened.manifest.component);
    assert!(guest("ct-intensity").is_file());
}
