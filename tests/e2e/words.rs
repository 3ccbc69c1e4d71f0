//! What the command line says where something is amiss, once and with what to do, and the code it exits with.

use crate::world::{HELD, Said, World, binary, guest, manifest, root};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// The binary in plain words, in an empty folder, with no home in the environment but the given one.
fn plain(world: &World, home: &str, args: &[&str]) -> Said {
    let mut command = Command::new(binary());
    command.current_dir(world.folder.path()).env("TROCAR_HOME", home).env("HOME", world.folder.path());
    command.env("NO_COLOR", "1").args(args).output().unwrap().into()
}

fn text(path: &std::path::Path) -> String {
    path.display().to_string()
}

#[test]
fn check_gives_the_digest_that_pack_gives_and_none_without_the_component() {
    let world = World::new();
    let [m, c] = [manifest("ct-intensity"), guest("ct-intensity")].map(|p| text(&p));
    let output = text(&world.path("packed.trocar"));
    let packed = world.run(&["pack", "--manifest", &m, "--component", &c, "-o", &output]).exits(0).json();
    let checked = world.run(&["check", "--manifest", &m, "--component", &c]).exits(0).json();
    assert_eq!(checked["manifest"], packed["manifest"]);
    let alone = world.run(&["check", "--manifest", &m]).exits(0).json();
    assert!(alone["manifest"].is_null(), "a digest without the component: {alone}");
    assert!(plain(&world, "", &["check", "--manifest", &m]).exits(0).out.contains("pack decides"));
}

#[test]
fn a_file_that_is_no_archive_is_said_to_be_none_and_damage_is_said_once() {
    let world = World::new();
    let (none, bad) = (world.path("none"), world.path("bad"));
    std::fs::write(&none, "schema = 1").unwrap();
    let mut package = std::fs::read(world.pack("ct-intensity", &[])).unwrap();
    package[5] ^= 1;
    std::fs::write(&bad, package).unwrap();
    let (none, bad) = (text(&none), text(&bad));
    for (what, before, after) in [
        ("package", &["test"][..], &[][..]),
        ("package", &["submit"], &["--dataset", "liver"]),
        ("bundle", &["verify"], &[]),
    ] {
        let said = world.run(&[before, &[&none], after].concat()).exits(5);
        assert!(said.err.contains(&format!("this is not a Trocar {what}")), "{}", said.err);
        let said = world.run(&[before, &[&bad], after].concat()).exits(5);
        assert_eq!(said.err.matches("at byte 5").count(), 1, "not said once: {}", said.err);
        assert_eq!(said.err.matches("archive").count(), 1, "not said once: {}", said.err);
    }
}

#[test]
fn a_file_that_is_not_there_is_named_with_what_to_do() {
    let world = World::new();
    let m = text(&manifest("ct-intensity"));
    for (args, words) in [
        (&["check"][..], "--manifest FILE, and the component with --component FILE"),
        (&["test"], "--manifest FILE, and the component with --component FILE"),
        (&["pack", "-o", "a.trocar"], "--manifest FILE"),
        (&["check", "--manifest", &m, "--component", "gone.wasm"], "--component FILE"),
        (&["check", "--manifest", &m, "--policy", "gone.toml"], "--policy FILE"),
        (&["test", "gone.trocar"], "trocar pack"),
        (&["submit", "gone.trocar", "--dataset", "liver"], "trocar pack"),
        (&["verify", "gone.zip"], "trocar results get"),
    ] {
        let said = plain(&world, &text(&world.home()), args).exits(1);
        assert!(said.err.contains("no such file") && said.err.contains(words), "{args:?}: {}", said.err);
    }
}

#[test]
fn a_file_without_an_end_is_refused_at_once() {
    let world = World::new();
    let m = text(&manifest("ct-intensity"));
    world.run(&["verify", "/dev/zero"]).exits(5);
    world.run(&["submit", "/dev/zero", "--dataset", "liver"]).exits(5);
    world.run(&["check", "--manifest", &m, "--component", "/dev/zero"]).exits(3);
    let said = world.run(&["check", "--manifest", "/dev/zero"]).exits(1);
    assert!(said.err.contains("too large"), "{}", said.err);
}

#[test]
fn numbers_out_of_their_range_are_usage_errors() {
    let world = World::new();
    let digest = format!("sha256:{}", "0".repeat(64));
    let approve = ["node", "approve", &digest, "--dataset", "liver"];
    for (before, more) in [
        (&approve[..], ["--runs", "0"]),
        (&approve, ["--days", "0"]),
        (&approve, ["--days", "3651"]),
        (&["testkit", "cohort", "-o", "none", "--seed", "1"], ["--patients", "0"]),
        (&["test"], ["--patients", "0"]),
    ] {
        let said = world.run(&[before, &more].concat()).exits(2);
        assert!(said.err.contains(more[0]), "{more:?}: {}", said.err);
    }
}

#[test]
fn an_empty_home_variable_is_no_home_and_usage_does_not_ask_for_one() {
    let world = World::new();
    let said = plain(&world, "", &["node", "budget"]).exits(1);
    assert!(said.err.contains(".local/share/trocar"), "{}", said.err);
    let said = plain(&world, &text(&world.home()), &["submit"]).exits(2);
    assert!(!said.err.contains("--home"), "{}", said.err);
}

#[test]
fn check_refuses_what_a_template_policy_forbids() {
    let world = World::new();
    let policy = text(&root().join("manifests/policies/hospital.toml"));
    let (m, c) = (manifest("ct-intensity"), text(&guest("ct-intensity")));
    let check = |m: &str| world.run(&["check", "--manifest", m, "--component", &c, "--policy", &policy]);
    check(&text(&m)).exits(0);
    let whole = std::fs::read_to_string(&m).unwrap();
    let changed = text(&world.path("changed.toml"));
    for (from, to, code) in [
        ("columns = [\"age_years\"]", "columns = [\"age_years\", \"event\"]", "event"),
        ("\"DUO:0000006\"", "\"DUO:0000042\"", "DUO:0000042"),
        ("gate_rho = \"0.02\"", "gate_rho = \"0.2\"", "rho_job"),
    ] {
        assert!(whole.contains(from), "the manifest does not say {from:?}");
        std::fs::write(&changed, whole.replace(from, to)).unwrap();
        let said = check(&changed).exits(3);
        assert!(said.err.contains(code), "{}", said.err);
    }
}

#[test]
fn trust_without_a_key_says_which_option_to_give() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let submitted = world.submit(&package, "liver", &[]).exits(4);
    assert!(submitted.err.contains("waiting until"), "{}", submitted.err);
    let (bundle, _) = world.fetch(&submitted.json()["job"], 4);
    let said = world.run(&["verify", &text(&bundle), "--require-trust"]).exits(5);
    assert!(said.err.contains("give the node's public key with --key FILE"), "{}", said.err);
}

#[test]
fn budget_lists_what_each_project_spent() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    world.submit(&package, "liver", &[]).exits(4);
    let said = plain(&world, &text(&world.home()), &["node", "budget"]).exits(0);
    let line = said.out.lines().find(|l| l.starts_with("  project ")).expect("no project is listed");
    assert!(line.ends_with(" of 0.1"), "{line}");
}

#[test]
fn a_job_that_cannot_run_now_stays_accepted_and_resume_tells_what_it_finished() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let resume = |code: i32| world.run(&["node", "resume"]).exits(code);
    assert_eq!(resume(0).json(), serde_json::json!({"finished": 0, "stuck": []}));
    // A file where the folder of bundles was: no bundle can be kept.
    let (bundles, aside) = (world.home().join("bundles"), world.path("aside"));
    std::fs::rename(&bundles, &aside).unwrap();
    std::fs::write(&bundles, "").unwrap();
    let said = world.submit(&package, "liver", &[]).exits(1);
    assert!(said.err.contains("stays accepted: run `trocar node resume`: cannot"), "{}", said.err);
    let stuck = resume(1);
    let job = stuck.json()["stuck"][0].as_str().expect("the job is among the stuck").to_owned();
    assert!(stuck.err.contains(&job) && stuck.err.contains("cannot"), "{}", stuck.err);
    std::fs::remove_file(&bundles).unwrap();
    std::fs::rename(&aside, &bundles).unwrap();
    assert_eq!(resume(0).json(), serde_json::json!({"finished": 1, "stuck": []}));
    let said = world.run(&["status", &job, "--watch"]).exits(4);
    assert!(!said.err.contains("waiting"), "it waits for a job that is over: {}", said.err);
}

#[test]
fn watch_says_until_when_it_waits() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[HELD]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let job = world.submit(&package, "liver", &["--detach"]).exits(0).json();
    // Waits for the process that --detach left behind.
    world.run(&["node", "resume"]).exits(0);
    let mut watch = world.command(&["status", job["job"].as_str().unwrap(), "--watch"]);
    let mut child = watch.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(line.trim_end(), format!("accepted; waiting until {}", job["release_at"].as_str().unwrap()));
}

#[test]
fn what_the_filter_refuses_is_shown_at_its_line_of_the_manifest() {
    let world = World::new();
    let text_of = std::fs::read_to_string(manifest("ct-intensity")).unwrap();
    let loud = world.path("loud.toml");
    for (from, to, line) in [
        ("\nrho = \"0.02\"", "\nrho = \"100000000\"", "rho = \"100000000\""),
        ("gate_rho = \"0.02\"", "gate_rho = \"0.5\"", "gate_rho = \"0.5\""),
        ("gate_delta = \"1e-8\"", "gate_delta = \"1e-3\"", "gate_delta = \"1e-3\""),
    ] {
        assert!(text_of.contains(from), "the manifest does not say {from}");
        std::fs::write(&loud, text_of.replacen(from, to, 1)).unwrap();
        let said = plain(&world, "", &["check", "--manifest", &text(&loud)]).exits(3);
        assert!(said.err.contains(line) && said.err.contains(" here"), "no caret at {line}: {}", said.err);
        assert!(said.err.contains("ADM-05"), "no code: {}", said.err);
    }
}

#[test]
fn a_submission_that_only_this_policy_makes_overflow_is_shown_at_its_line_and_charges_nothing() {
    let world = World::new();
    let ct = world.cohort("ct", 3, "CT");
    world.dataset("ct", &ct, &[("size_bound = 500", "size_bound = 10000000")]).exits(0);
    let package = world.pack("ct-intensity", &[("grid_bits = 4", "grid_bits = 32")]);
    let before = std::fs::read_to_string(world.home().join("ledger.log")).unwrap();
    let said = world.submit(&package, "ct", &[]).exits(3);
    assert!(said.err.contains(" here") && said.err.contains("its sums could overflow"), "{}", said.err);
    let after = std::fs::read_to_string(world.home().join("ledger.log")).unwrap();
    let added = after.strip_prefix(&before).expect("the ledger only grows");
    assert!(added.contains("refused") && !added.contains("reserved"), "something was charged: {added}");
}
