//! Lists the attack guests, so that one without a module of its name in e2e/attacks does not compile.

use std::fmt::Write;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=guests");
    let mut names: Vec<String> = std::fs::read_dir("guests")
        .expect("tests/guests is there")
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_prefix("attack_")?.to_owned()))
        .collect();
    names.sort();
    let mut text =
        String::from("/// Every attack guest, by the module that tests it.\nconst GUESTS: &[&str] = &[");
    for name in &names {
        write!(text, "{name}::GUEST, ").expect("a string grows");
    }
    text.push_str("];\n");
    let out = std::env::var("OUT_DIR").expect("cargo says where");
    std::fs::write(Path::new(&out).join("attack_guests.rs"), text).expect("the list can be written");
}
