//! `trocar push` and `trocar pull` as their users meet them, on Debian's docker-registry.

use crate::world::{World, binary};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const REGISTRY: &str = "/usr/bin/docker-registry";

/// Debian's registry on a port of its own choice.
struct Registry {
    process: Child,
    host: String,
}

impl Registry {
    /// `None`, said on one line, where it is not here. A build server that has apt has installed it (`cargo xtask test`).
    fn start(world: &World) -> Option<Self> {
        if !Path::new(REGISTRY).is_file() {
            let on_ci = std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
            assert!(!(on_ci && Path::new("/usr/bin/apt-get").is_file()), "{REGISTRY} must be here");
            println!("skipped: {REGISTRY} is not here (Debian: docker-registry)");
            return None;
        }
        let (config, store) = (world.path("registry.yml"), world.path("store"));
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:0\n",
            store.display()
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new(REGISTRY);
        command.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let host = listening(process.stderr.take().unwrap());
        Some(Self { process, host })
    }
}

fn listening(words: impl Read + Send + 'static) -> String {
    let (found, host) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(words).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("listening on ") {
                let end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':')));
                let _ = found.send(rest[..end.unwrap_or(rest.len())].to_owned());
            }
        }
    });
    host.recv_timeout(Duration::from_secs(30)).expect("docker-registry listens")
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn author() -> (World, PathBuf) {
    let world = World::new();
    let package = world.pack("ct-intensity", &[]);
    (world, package)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_package_goes_through_a_registry_to_a_node_that_shows_the_layer_to_approve() {
    let (world, package) = author();
    let Some(registry) = Registry::start(&world) else { return };
    let tag = format!("{}/imaging/ct-intensity:0.1.0", registry.host);
    let pushed = world.run(&["push", &text(&package), &tag]).exits(0).json();
    assert_eq!(pushed["referrers"], "tag", "{pushed}");
    let pinned = pushed["reference"].as_str().unwrap();
    for reference in [tag.as_str(), pinned] {
        let back = world.path("back.trocar");
        let pulled = world.run(&["pull", reference, "-o", &text(&back)]).exits(0).json();
        assert!(fs::read(&back).unwrap() == fs::read(&package).unwrap(), "the package came back changed");
        assert_eq!((&pulled["layer"], &pulled["digest"]), (&pushed["layer"], &pushed["package"]));
        fs::remove_file(back).unwrap();
    }
    let back = world.path("pulled.trocar");
    world.run(&["pull", pinned, "-o", &text(&back)]).exits(0);
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[]).exits(0);
    world.submit(&back, "liver", &[]).exits(3);
    let waits = world.run(&["node", "pending"]).exits(0).json();
    assert_eq!(waits[0]["component"], pushed["layer"]);
    let shown = world.run(&["node", "show", waits[0]["digest"].as_str().unwrap()]).exits(0).json();
    assert_eq!(shown["component"], pushed["layer"]);
    oracle(&registry, &world, &pushed);
}

/// Another tool's client pulls the one layer, and finds the component.
fn oracle(registry: &Registry, world: &World, pushed: &Value) {
    let Some(python) = std::env::var_os("TROCAR_PYTHON") else {
        println!("skipped: TROCAR_PYTHON names no interpreter with oras");
        return;
    };
    let script = crate::world::root().join("tests/oracles/oci.py");
    let reference = format!("{}/imaging/ct-intensity:0.1.0", registry.host);
    let out = Command::new(python).arg(script).arg(reference).arg(world.path("oras")).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let seen: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(seen["layer"], pushed["layer"], "{seen}");
    assert_eq!(seen["manifest"], pushed["artefact"], "{seen}");
    assert_eq!(seen["files"], serde_json::json!(["algorithm.wasm"]), "{seen}");
    let config = &seen["config"];
    assert_eq!((&config["architecture"], &config["os"]), (&"wasm".into(), &"wasip2".into()));
    assert_eq!(config["layerDigests"], serde_json::json!([pushed["layer"]]));
    assert_eq!(config["component"]["exports"], serde_json::json!(["map-patient"]), "{config}");
}

#[test]
fn what_cannot_be_pushed_or_pulled_says_why_and_leaves_no_file() {
    let (world, package) = author();
    let name = text(&package);
    for reference in ["ct-intensity:1", "localhost:5000/a", "localhost/../a:1", "http://localhost/a:1"] {
        let said = world.run(&["push", &name, reference]).exits(2);
        assert!(said.err.contains("HOST[:PORT]/REPOSITORY:TAG"), "{}", said.err);
    }
    let digest = format!("localhost:9/a@sha256:{}", "0".repeat(64));
    assert!(world.run(&["push", &name, &digest]).exits(2).err.contains("pushed to a tag"));
    // Port 9 of this machine (discard): nobody answers.
    assert!(world.run(&["push", &name, "127.0.0.1:9/a:1"]).exits(1).err.contains("does not answer"));
    let manifest = text(&crate::world::manifest("ct-intensity"));
    assert!(world.run(&["push", &manifest, "127.0.0.1:9/a:1"]).exits(5).err.contains("not a Trocar package"));
    let Some(registry) = Registry::start(&world) else { return };
    let tag = format!("{}/a:1", registry.host);
    let out = world.path("none.trocar");
    let before = listed(&world);
    assert!(world.run(&["pull", &tag, "-o", &text(&out)]).exits(1).err.contains("no such artefact"));
    world.run(&["push", &name, &tag]).exits(0);
    let other = world.pack("ct-intensity", &[("version = \"0.1.0\"", "version = \"0.2.0\"")]);
    let said = world.run(&["push", &text(&other), &tag]).exits(3);
    assert!(said.err.contains("names another artefact already") && said.err.contains("--replace"));
    // The stored blob of the layer is changed: Debian's registry then serves it so, and what came before stays.
    fs::write(&out, b"old").unwrap();
    let layer = largest(&world.path("store"));
    let mut bytes = fs::read(&layer).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&layer, bytes).unwrap();
    let said = world.run(&["pull", &tag, "-o", &text(&out)]).exits(5);
    assert!(said.err.contains("another digest") && said.out.is_empty(), "{said:?}");
    assert_eq!(fs::read(&out).unwrap(), b"old");
    fs::remove_file(&out).unwrap();
    let mut after = listed(&world);
    after.retain(|name| before.contains(name) || name.contains("part") || name.starts_with(".tmp"));
    assert_eq!(after, before, "a part was left behind");
}

/// Names in the world's folder.
fn listed(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn largest(folder: &Path) -> PathBuf {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { open.push(path) } else { all.push(path) }
        }
    }
    all.into_iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
}

/// What `docker login` kept is used for its host, and by nobody who listens elsewhere.
#[test]
fn credentials_come_from_files_and_the_environment_and_not_from_flags() {
    let (world, package) = author();
    let docker = world.path("docker");
    fs::create_dir(&docker).unwrap();
    let (listener, host) = asks_for_password();
    let kept = docker.join("config.json");
    fs::write(&kept, format!(r#"{{"auths": {{"{host}": {{"auth": "bWU6a2VwdA=="}}}}}}"#)).unwrap();
    private(&kept);
    let file = world.path("login");
    fs::write(&file, "me:filed\n").unwrap();
    private(&file);
    let reference = format!("{host}/a:1");
    let push = |more: &[&str], environment: &[(&str, &str)]| {
        let mut command = Command::new(binary());
        command.args(["push", &text(&package), &reference]).args(more);
        command.env("DOCKER_CONFIG", &docker).envs(environment.iter().copied());
        let said = command.output().unwrap();
        assert!(!said.status.success());
        String::from_utf8(said.stderr).unwrap()
    };
    let environment = [("TROCAR_REGISTRY_USER", "me"), ("TROCAR_REGISTRY_PASSWORD", "environs")];
    let words =
        [push(&[], &[]), push(&[], &environment), push(&["--basic-file", &text(&file)], &environment)];
    for said in &words {
        assert!(said.contains("refuses these credentials"), "{said}");
        assert!(!["kept", "filed", "environs"].iter().any(|word| said.contains(word)), "{said}");
    }
    let sent: Vec<String> = listener.try_iter().filter(|who| !who.is_empty()).collect();
    assert_eq!(sent, ["Basic bWU6a2VwdA==", "Basic bWU6ZW52aXJvbnM=", "Basic bWU6ZmlsZWQ="]);
    let refused = push(&["--basic-file", &text(&file), "--insecure"], &[]);
    assert!(refused.contains("refuses these credentials"), "this machine is no network: {refused}");
    let elsewhere = world.run(&[
        "push",
        &text(&package),
        "registry.invalid/a:1",
        "--insecure",
        "--basic-file",
        &text(&file),
    ]);
    assert!(elsewhere.exits(1).err.contains("credentials are sent over https only"));
    let flag = world.run(&["push", &text(&package), &reference, "--password", "x"]).exits(2);
    assert!(flag.err.contains("unexpected argument"), "{}", flag.err);
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Answers 401 to everyone, and tells who each said to be.
fn asks_for_password() -> (mpsc::Receiver<String>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut who = String::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
                    break;
                }
                if line.to_ascii_lowercase().starts_with("authorization: ") {
                    who = line.split_once(": ").unwrap().1.trim().to_owned();
                }
            }
            let _ = tell.send(who);
            let mut stream = stream;
            let _ = stream.write_all(
                b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
    });
    (told, host)
}
