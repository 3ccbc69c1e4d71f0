use super::*;
use crate::contract::{idle_component, with_kernels};

fn idle(world: &str) -> Vec<u8> {
    let (resolve, world) = with_kernels(world).unwrap();
    idle_component(&resolve, world, true).unwrap()
}

fn imports(component: &[u8]) -> Vec<String> {
    Part::read(component).unwrap().imports.into_iter().map(|import| import.name).collect()
}

#[test]
fn what_comes_out_imports_the_contract_alone_and_exports_the_algorithm_alone() {
    let guest = idle("script");
    assert!(imports(&guest).iter().any(|name| name == "trocar:kernels/statistics@0.1.0"));
    let whole = compose(&guest, &idle("kernels")).unwrap();
    let found = imports(&whole);
    assert!(found.iter().any(|name| name == "trocar:guest/imaging@0.1.1"), "{found:?}");
    assert!(
        found.iter().all(|name| !name.contains("trocar:kernels") && !name.contains("model")),
        "{found:?}"
    );
    let exports: Vec<_> = Part::read(&whole).unwrap().exports.into_iter().map(|export| export.name).collect();
    assert_eq!(exports, ["map-patient"]);
}

#[test]
fn the_interface_model_is_imported_where_the_guest_does() {
    let whole = compose(&idle("script-with-models"), &idle("kernels")).unwrap();
    assert!(imports(&whole).contains(&"trocar:guest/model@0.1.1".to_owned()));
}

#[test]
fn a_guest_that_calls_no_kernel_is_composed_too_and_can_be_composed_again() {
    let (resolve, _) = with_kernels("script").unwrap();
    let package = resolve.packages.iter().find(|(_, p)| p.name.name == "guest").unwrap().0;
    let world = resolve.select_world(&[package], Some("algorithm")).unwrap();
    let once = compose(&idle_component(&resolve, world, false).unwrap(), &idle("kernels")).unwrap();
    let twice = compose(&once, &idle("kernels")).unwrap();
    assert_eq!(imports(&once), imports(&twice));
}

#[test]
fn the_same_parts_give_the_same_bytes() {
    let (guest, kernels) = (idle("script"), idle("kernels"));
    assert_eq!(compose(&guest, &kernels).unwrap(), compose(&guest, &kernels).unwrap());
}

#[test]
fn a_guest_that_imports_what_there_is_not_is_refused_by_name() {
    let guest = wat::parse_str(
        r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance))
          (core module $m (func (export "f"))) (core instance $i (instantiate $m))
          (func $f (canon lift (core func $i "f"))) (export "map-patient" (func $f)))"#,
    )
    .unwrap();
    let refused = compose(&guest, &idle("kernels")).unwrap_err().to_string();
    assert!(refused.contains("wasi:clocks/wall-clock@0.2.0"), "{refused}");
}

#[test]
fn what_is_no_component_or_no_algorithm_is_refused() {
    let kernels = idle("kernels");
    assert!(matches!(compose(&kernels, &kernels), Err(ComposeError::NoExport)));
    assert!(matches!(compose(b"no", &kernels), Err(ComposeError::Invalid(_))));
    assert!(matches!(compose(b"\0asm\x01\0\0\0", &kernels), Err(ComposeError::Invalid(_))));
    assert!(matches!(compose(&idle("script"), &idle("script")), Err(ComposeError::Unknown(_))));
    assert!(matches!(component(b"\0asm\x01\0\0\0\xff".to_vec()), Err(ComposeError::Invalid(_))));
}

#[test]
fn the_bindings_in_c_name_the_contract_and_the_kernels() {
    for name in ["map_patient", "method_patient_open", "kernels_statistics_describe", "guest_model_infer"] {
        assert!(HEADER.contains(name), "{name}");
    }
    assert!(SOURCE.contains("#include \"trocar.h\""));
}
