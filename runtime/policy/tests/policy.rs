//! Policies and decisions against files and rows. `UPDATE=1` writes what is compared.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops with a panic; clippy excuses #[test] functions alone, not what they share"
)]

#[path = "../../manifest/tests/golden/mod.rs"]
mod golden;

use golden::{golden, shown};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use trocar_manifest::Manifest;
use trocar_manifest::keys::{PublicKey, SecretKey};
use trocar_policy::{Admitted, Decision, Isolation, Layer, Policy, Request, decide, with_operator};
use trocar_terms::{Code, Modality, RhoUnits, Value};

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(manifests().join(path)).unwrap()
}

fn key(seed: u64) -> PublicKey {
    SecretKey::generate(&mut ChaCha20Rng::seed_from_u64(seed)).public()
}

fn policy(changes: &[(&str, &str)]) -> Policy {
    let text = changed(read("policies/hospital.toml"), changes);
    Policy::parse("policy.toml", &text).unwrap()
}

fn manifest(changes: &[(&str, &str)]) -> Manifest {
    let text = changed(read("valid/mean.toml"), changes);
    Manifest::parse("manifest.toml", &text).unwrap()
}

fn changed(mut text: String, changes: &[(&str, &str)]) -> String {
    for (from, to) in changes {
        assert!(text.contains(from), "{from:?} is not in\n{text}");
        text = text.replace(from, to);
    }
    text
}

fn ask(policy: &Policy, manifest: &Manifest, where_: Option<&str>) -> Decision {
    decide(policy, manifest, &Request { component_author: key(1), parameters: &BTreeMap::new(), where_ })
}

fn admitted(decision: Decision) -> Admitted {
    match decision {
        Decision::Admit(admitted) => admitted,
        Decision::Deny { code, detail } => panic!("{code}: {detail}"),
    }
}

#[track_caller]
fn denied(decision: Decision, expected: Code, words: &str) {
    let Decision::Deny { code, detail } = decision else { panic!("it was admitted") };
    assert_eq!(code, expected, "{detail}");
    assert!(detail.contains(words), "{detail:?} does not say {words:?}");
}

#[test]
fn the_example_policies_are_in_order() {
    for name in ["hospital.toml", "demo.toml"] {
        let text = read(&format!("policies/{name}"));
        let policy = Policy::parse(name, &text).unwrap_or_else(|e| panic!("{}", shown(&e)));
        assert_eq!(policy.text(), text);
    }
    let demo = Policy::parse("demo.toml", &read("policies/demo.toml")).unwrap();
    assert_eq!((demo.slot_minutes(), demo.deidentification().require), (0, false));
}

#[test]
fn every_invalid_policy_is_refused_with_place_and_help() {
    let files = std::fs::read_dir(manifests().join("policies/invalid")).unwrap();
    let mut files: Vec<PathBuf> = files.map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "toml"));
    assert!(files.len() >= 20);
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let error = Policy::parse(name, &text).expect_err(name);
        golden(&path.with_extension("err"), &shown(&error));
        assert!(!error.problem().help.is_empty(), "{name} says not what to write instead");
    }
}

#[test]
fn containment_and_isolation_are_what_the_file_says() {
    let strict = policy(&[]);
    assert_eq!(strict.containment(), [Layer::Seccomp, Layer::Landlock]);
    assert_eq!(strict.isolation(), Isolation::ProcessPerPatient);
    let without = policy(&[(r#"containment = ["seccomp", "landlock"]"#, r#"containment = ["seccomp"]"#)]);
    assert_eq!(without.containment(), [Layer::Seccomp]);
    let shared = policy(&[(r#"isolation = "process-per-patient""#, r#"isolation = "shared-worker""#)]);
    assert_eq!(shared.isolation(), Isolation::SharedWorker);
    // What is not said has no place in the digest, and what is said has.
    assert!(strict.digest() != without.digest() && strict.digest() != shared.digest());
}

#[test]
fn the_committed_schema_is_the_one_of_the_code() {
    let schema = serde_json::to_string_pretty(&trocar_policy::schema()).unwrap();
    golden(&manifests().join("policy.schema.json"), &format!("{schema}\n"));
}

#[test]
fn a_policy_without_any_one_of_its_keys_is_refused() {
    let text = read("policies/hospital.toml");
    let keys: Vec<&str> = text.lines().filter(|l| l.contains(" = ") && !l.starts_with([' ', '#'])).collect();
    assert!(keys.len() >= 28, "{} keys were found", keys.len());
    for line in keys {
        let key = line.split(' ').next().unwrap();
        // The last list spans lines; as a comment on each it is gone whole.
        let end = if line.ends_with("[") { "\n]" } else { "\n" };
        let from = text.find(line).unwrap();
        let to = from + text[from..].find(end).unwrap() + end.len();
        let without = [&text[..from], &text[to..]].concat();
        let error = Policy::parse("policy.toml", &without).expect_err(key);
        assert_eq!(error.to_string(), format!("missing field `{key}`"));
    }
}

#[test]
fn the_complete_policy_names_operator_and_bound() {
    let policy = Policy::parse("complete", &Policy::complete(&key(7), 1200)).unwrap();
    assert_eq!((policy.operators(), policy.size_bound()), ([key(7)].as_slice(), 1200));
    let demo = Policy::parse("demo", &Policy::demo(&key(7), 300)).unwrap();
    assert_eq!((demo.operators(), demo.size_bound()), ([key(7)].as_slice(), 300));
}

#[test]
fn an_operator_is_written_only_where_there_is_none() {
    let text = read("policies/hospital.toml");
    let once = with_operator("policy.toml", &text, &key(7)).unwrap();
    assert_eq!(Policy::parse("policy.toml", &once).unwrap().operators(), [key(7)]);
    assert_eq!(with_operator("policy.toml", &once, &key(8)).unwrap(), once);
}

#[test]
fn a_change_of_words_alone_keeps_the_digest_and_any_other_changes_it() {
    let text = read("policies/hospital.toml");
    let digest = |text: &str| Policy::parse("policy.toml", text).unwrap().digest();
    assert_eq!(digest(&text), digest(&text.replace("# How.", "# How, and why.")));
    for (from, to) in [("k = 10", "k = 11"), ("masks = false", "masks = true"), ("max = 120", "max = 119")] {
        assert_ne!(digest(&text), digest(&text.replace(from, to)), "{from} -> {to}");
    }
}

#[test]
fn a_project_has_its_share_of_the_year() {
    let fifth = policy(&[]).project_rho_year();
    assert_eq!(fifth, RhoUnits::floor(&"0.1".parse().unwrap()));
    let tenth = policy(&[("project_share = \"0.2\"", "project_share = \"0.1\"")]).project_rho_year();
    assert_eq!(tenth, RhoUnits::floor(&"0.05".parse().unwrap()));
}

#[test]
fn what_the_policy_allows_is_admitted_with_its_rules() {
    let admitted = admitted(ask(&policy(&[]), &manifest(&[]), None));
    assert_eq!(admitted.where_, "age_years >= 18 and modality = \"CT\"");
    assert_eq!(admitted.modalities, [Modality::CT]);
    let columns: Vec<&str> = admitted.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(columns, ["age_years", "sex"]);
}

#[test]
fn a_researchers_condition_narrows_the_cohort() {
    let decision = ask(&policy(&[]), &manifest(&[]), Some("sex = \"F\" or age_years < 30"));
    let expected = "(age_years < 30 or sex = \"F\") and age_years >= 18 and modality = \"CT\"";
    assert_eq!(admitted(decision).where_, expected);
}

#[test]
fn a_class_that_the_policy_does_not_list_is_denied() {
    let reviewed = manifest(&[("any-code", "reviewed-code")]);
    denied(ask(&policy(&[]), &reviewed, None), Code::ClassForbidden, "reviewed-code");
}

#[test]
fn an_author_who_is_not_listed_is_denied_and_a_listed_one_is_not() {
    let keys = |k: PublicKey| policy(&[("authors = [\"any\"]", &format!("authors = [\"{k}\"]"))]);
    denied(ask(&keys(key(2)), &manifest(&[]), None), Code::AuthorForbidden, &key(1).to_string());
    admitted(ask(&keys(key(1)), &manifest(&[]), None));
}

#[test]
fn one_purpose_that_is_not_allowed_is_enough_to_be_denied() {
    let two = manifest(&[("[\"DUO:0000006\"]", "[\"DUO:0000006\", \"DUO:0000042\"]")]);
    denied(ask(&policy(&[]), &two, None), Code::PurposeForbidden, "DUO:0000042");
}

#[test]
fn what_is_not_grantable_is_denied_by_name() {
    let refused = |p: &[(&str, &str)], m: &[(&str, &str)], words: &str| {
        denied(ask(&policy(p), &manifest(m), None), Code::NotGrantable, words);
    };
    refused(&[("[\"CT\", \"MR\", \"PT\"]", "[\"MR\"]")], &[], "modality \"CT\"");
    refused(&[("pixels = true", "pixels = false")], &[], "pixels");
    refused(&[], &[("pixels = true", "pixels = true\nmasks = [\"GTV\"]")], "mask \"GTV\"");
    refused(
        &[],
        &[("pixels = true", "pixels = true\nattributes = [\"InstitutionName\"]")],
        "\"InstitutionName\"",
    );
    refused(&[("\"sex\"", "\"stage\"")], &[], "column \"sex\"; the policy grants age_years, stage");
}

#[test]
fn a_job_that_costs_more_than_one_may_is_denied_and_one_that_costs_as_much_is_not() {
    let rho =
        |r: &str| manifest(&[("grid_bits = 4\nrho = \"0.02\"", &format!("grid_bits = 4\nrho = \"{r}\""))]);
    admitted(ask(&policy(&[]), &rho("0.08"), None));
    denied(ask(&policy(&[]), &rho("0.080000000000001"), None), Code::JobBudget, "rho_job = 0.1");
    let delta = manifest(&[("1e-8", "6e-7")]);
    denied(ask(&policy(&[]), &delta, None), Code::GateDeltaBudget, "0.0000006");
}

#[test]
fn parameters_are_resolved_and_a_wrong_one_is_denied() {
    let text = read("valid/parameters.toml");
    let manifest = Manifest::parse("manifest.toml", &text).unwrap();
    let decide = |given: &[(&str, &str)]| {
        let parameters = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        decide(
            &policy(&[]),
            &manifest,
            &Request { component_author: key(1), parameters: &parameters, where_: None },
        )
    };
    assert_eq!(admitted(decide(&[("bins", "16")])).parameters["bins"], Value::Integer(16));
    denied(decide(&[("bins", "17")]), Code::ParameterRefused, "8 to 64 in steps of 8");
    denied(decide(&[("bin", "16")]), Code::ParameterRefused, "did you mean \"bins\"?");
}

#[test]
fn a_condition_that_is_not_allowed_is_denied() {
    let refused = |where_: &str, words: &str| {
        denied(ask(&policy(&[]), &manifest(&[]), Some(where_)), Code::CohortRefused, words);
    };
    refused("PatientID = \"1\"", "\"PatientID\"; the manifest lets it use age_years, sex");
    refused("modality = \"CT\"", "\"modality\"");
    refused("age_years >", "character 11");
    refused("sex = \"X\"", "sex cannot be compared with \"X\"");
    refused("sex in (\"F\", 1)", "sex cannot be compared with 1");
    refused("age_years = \"old\"", "age_years cannot be compared with \"old\"");
    refused("", "expected a name");
}

#[test]
fn a_manifests_own_cohort_is_held_against_the_policys_types() {
    let text = manifest(&[("age_years >= 18", "age_years = \"adult\"")]);
    denied(ask(&policy(&[]), &text, None), Code::CohortRefused, "age_years cannot be compared");
}

#[test]
fn the_optional_keys_of_a_column_are_read() {
    let policy = policy(&[
        ("[grantable]", "[clinical]\nkey = \"subject\"\nindex_date = \"diagnosed\"\n\n[grantable]"),
        (
            "categories = [\"F\", \"M\"] }",
            "categories = [\"F\", \"M\"], source = \"Gender\", missing = [\"\", \"NA\"], map = { male = \"M\" } }",
        ),
    ]);
    let table = policy.table();
    assert_eq!((table.key.as_str(), table.index_date.as_deref()), ("subject", Some("diagnosed")));
    let sex = &table.columns[1];
    assert_eq!((sex.name.as_str(), sex.source()), ("sex", "Gender"));
    assert_eq!(sex.admit("male", None), Ok(Value::Text("M".into())));
    assert!(sex.admit("NA", None).is_err());
}

#[test]
fn a_policy_that_says_nothing_of_its_table_keeps_its_digest() {
    let plain = policy(&[]);
    let same = policy(&[("[grantable]", "[clinical]\nkey = \"patient_id\"\n\n[grantable]")]);
    assert_eq!(plain.digest(), same.digest());
    assert!(!String::from_utf8_lossy(plain.canonical()).contains("clinical"));
    let other = policy(&[("[grantable]", "[clinical]\nkey = \"subject\"\n\n[grantable]")]);
    assert_ne!(plain.digest(), other.digest());
}

#[test]
fn a_policy_for_a_table_grants_the_columns_that_have_a_common_name() {
    let head =
        ["Subject-ID", "Gender", "AgeAtDiagnosis", "DiagnosisDate", "dateOfLastContact", "Diagnosis", "ward"];
    let text = Policy::for_table(&key(1), 300, &head.map(str::to_owned));
    let policy = Policy::parse("policy.toml", &text).unwrap_or_else(|e| panic!("{}\n{text}", shown(&e)));
    let table = policy.table();
    let granted: Vec<_> = table.columns.iter().map(|c| (c.name.as_str(), c.source())).collect();
    assert_eq!(granted, [("sex", "Gender"), ("age_at_diagnosis_years", "AgeAtDiagnosis")],);
    assert_eq!((table.key.as_str(), table.index_date.as_deref()), ("Subject-ID", Some("DiagnosisDate")));
    assert!(text.contains("# { name = \"diagnosis\", source = \"Diagnosis\""), "{text}");
    let uncommented =
        text.replace("# { name = \"days_to_last_contact\"", "{ name = \"days_to_last_contact\"");
    let policy = Policy::parse("policy.toml", &uncommented).unwrap_or_else(|e| panic!("{}", shown(&e)));
    assert_eq!(policy.columns()[2].source(), "dateOfLastContact");
}

#[test]
fn a_table_with_no_common_name_gets_a_policy_that_can_be_used() {
    for head in [vec![], vec!["patient_id".to_owned(), "ward".to_owned()], vec!["subject".to_owned()]] {
        let text = Policy::for_table(&key(1), 300, &head);
        Policy::parse("policy.toml", &text).unwrap_or_else(|e| panic!("{}\n{text}", shown(&e)));
    }
}

#[test]
fn a_witness_is_a_folder_or_a_url_with_its_key() {
    use trocar_policy::Witness;
    let with = |witness: &str| policy(&[("witness = \"none\"", &format!("witness = {witness:?}"))]);
    assert_eq!(policy(&[]).witness(), None);
    assert_eq!(with("/mnt/other").witness(), Some(&Witness::Folder("/mnt/other".into())));
    let remote = Witness::Remote { url: "https://w.example/".into(), key: "w+00000000+BA==".into() };
    assert_eq!(with("https://w.example/#w+00000000+BA==").witness(), Some(&remote));
    assert_ne!(with("/mnt/other").digest(), policy(&[]).digest(), "approvals do not bind the witness");
}

#[test]
fn the_runtime_of_models_is_the_embedded_one_or_a_library_by_its_digest() {
    let digest = trocar_terms::Digest::of(b"library");
    let with = |words: &str| policy(&[("[grantable]", &format!("[inference]\n{words}\n\n[grantable]"))]);
    assert_eq!(policy(&[]).inference(), None);
    assert_eq!(with("runtime = \"tract\"").digest(), policy(&[]).digest(), "the default has another digest");
    let words = format!("runtime = \"onnxruntime\"\nlibrary = \"/opt/o.so\"\ndigest = \"{digest}\"");
    let installed = with(&words);
    let runtime = installed.inference().unwrap();
    assert_eq!((runtime.library.as_str(), runtime.digest), ("/opt/o.so", digest));
    assert_ne!(installed.digest(), policy(&[]).digest(), "approvals do not bind the runtime");
}

#[test]
fn a_model_is_granted_or_denied_by_name() {
    let model = "[[models]]\nname = \"brain\"\nformat = \"onnx\"\ndigest = \"sha256:";
    let model = format!("{model}{}\"\n\n[privacy]", "ab".repeat(32));
    let manifest = manifest(&[("[privacy]", &model)]);
    denied(
        ask(&policy(&[]), &manifest, None),
        Code::NotGrantable,
        "model \"brain\"; the policy grants no models",
    );
    admitted(ask(&policy(&[("models = false", "models = true")]), &manifest, None));
}

#[test]
fn a_count_is_over_what_the_policy_grants() {
    let policy = policy(&[]);
    assert!(trocar_policy::countable(&policy, "modality = \"CT\"").is_ok());
    for bad in ["patient_id = \"a\"", "modality = \"XX\"", "modality =", "nothing > 3"] {
        let (code, _) = trocar_policy::countable(&policy, bad).unwrap_err();
        assert_eq!(code, Code::CohortRefused, "{bad:?} can be counted");
    }
}

const TWO: &str = "[\"ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\", \"ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c\"]";

#[test]
fn reviewed_code_with_two_reviewers_may_run_and_costs_no_budget() {
    let (reviewers, classes) = (format!("reviewers = {TWO}"), "classes = [\"any-code\", \"reviewed-code\"]");
    let both = policy(&[("reviewers = []", &reviewers), ("classes = [\"any-code\"]", classes)]);
    assert_eq!(both.reviewers().len(), 2);
    let dear = [("any-code", "reviewed-code"), ("rho = \"0.02\"", "rho = \"0.2\"")];
    admitted(ask(&both, &manifest(&dear), None));
    denied(ask(&both, &manifest(&dear[1..]), None), Code::JobBudget, "rho_job");
}

#[test]
fn a_dataset_of_a_rare_disease_may_have_five_with_a_reason_and_a_second_approver() {
    let operators = format!("operators = {TWO}");
    let rare = policy(&[
        ("k = 10 ", "k_reason = \"sarcomas of this site are seen twice a year here\"\nk = 5 "),
        ("approvers = 1", "approvers = 2"),
        ("operators = []", &operators),
    ]);
    assert_eq!((rare.k(), rare.approvers(), rare.k_reason().is_some()), (5, 2, true));
    assert_ne!(rare.digest(), policy(&[]).digest());
}
