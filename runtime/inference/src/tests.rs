#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]

use crate::{InferError, Library, Model, ModelError, Runtime, Tensor};
use trocar_testkit::onnx::{
    Attribute, FLOAT, Graph, INT64, Message, Numbers, meshnet, model, node, tensor, unet,
};

fn load(bytes: &[u8]) -> Result<Model, ModelError> {
    Model::load(bytes, &Runtime::Embedded)
}

fn refused(bytes: &[u8]) -> ModelError {
    load(bytes).expect_err("was loaded")
}

/// `y = x * w + 1` over four numbers, which each wrong model differs from in one way.
fn graph() -> Graph {
    Graph::new("g").floats("w", &[4], &[2.0, 3.0, 4.0, 5.0]).floats("one", &[1], &[1.0])
}

fn nodes(graph: Graph) -> Graph {
    graph.node("Mul", &["x", "w"], &["m"], &[]).node("Add", &["m", "one"], &["y"], &[])
}

fn ends(graph: Graph) -> Graph {
    graph.input("x", FLOAT, &[0, 4]).output("y", FLOAT, &[0, 4])
}

fn good() -> Vec<u8> {
    ends(nodes(graph())).model(17)
}

fn vector(shape: &[u32], data: &[f32]) -> Tensor {
    Tensor { shape: shape.to_vec(), data: data.to_vec() }
}

#[test]
fn a_model_computes_and_an_open_batch_is_of_one() {
    let model = load(&good()).unwrap();
    let y = model.infer(vec![vector(&[1, 4], &[1.0, 2.0, 3.0, 4.0])]).unwrap();
    assert_eq!(y, [vector(&[1, 4], &[3.0, 7.0, 13.0, 21.0])]);
    let facts = model.facts();
    assert_eq!((facts.operators, facts.parameters), (2, 5));
    assert_eq!((facts.inputs[0].name.as_str(), facts.outputs[0].shape.as_slice()), ("x", &[1, 4][..]));
}

#[test]
fn not_a_number_passes_through_to_the_guest() {
    let y =
        load(&good()).unwrap().infer(vec![vector(&[1, 4], &[f32::NAN, 0.0, f32::INFINITY, 0.0])]).unwrap();
    assert!(y[0].data[0].is_nan() && y[0].data[2].is_infinite());
}

#[test]
fn tensors_of_another_number_shape_or_length_are_refused() {
    let model = load(&good()).unwrap();
    for inputs in [
        vec![],
        vec![vector(&[4], &[0.0; 4])],
        vec![vector(&[4, 1], &[0.0; 4])],
        vec![vector(&[1, 4], &[0.0; 3])],
        vec![vector(&[1, 5], &[0.0; 5])],
        vec![vector(&[1, 4], &[0.0; 4]), vector(&[1, 4], &[0.0; 4])],
        vec![vector(&[u32::MAX, u32::MAX, u32::MAX], &[0.0; 4])],
    ] {
        assert_eq!(model.infer(inputs), Err(InferError::Shape));
    }
}

#[test]
fn operators_that_are_not_run_are_refused_by_name() {
    let with = |operator: &str| ends(graph().node(operator, &["x"], &["y"], &[])).model(17);
    for operator in ["NonZero", "NonMaxSuppression", "Unique", "Loop", "Scan", "If", "Compress"] {
        assert_eq!(refused(&with(operator)), ModelError::DataDependent(operator.into()));
    }
    for operator in ["RandomNormal", "Multinomial", "Bernoulli"] {
        assert_eq!(refused(&with(operator)), ModelError::Random(operator.into()));
    }
    for operator in ["LSTM", "StringNormalizer", "", "relu"] {
        assert!(matches!(refused(&with(operator)), ModelError::Operator(_)), "{operator}");
    }
}

#[test]
fn a_custom_domain_is_refused() {
    let node = node("Relu", &["x"], &["y"], &[]).bytes(7, b"com.example");
    let refusal = refused(&ends(graph().part(1, &node)).model(17));
    assert_eq!(refusal, ModelError::Domain { operator: "Relu".into(), domain: "com.example".into() });
}

#[test]
fn a_graph_in_an_attribute_is_refused() {
    let inner = Attribute::Graph(graph().message());
    let bytes = ends(graph().node("Relu", &["x"], &["y"], &[("body", inner)])).model(17);
    assert_eq!(refused(&bytes), ModelError::DataDependent("Relu".into()));
}

#[test]
fn graphs_nested_without_an_end_are_refused_before_anything_follows_them() {
    let mut inner = graph().message();
    for _ in 0..2_000 {
        let node = node("Relu", &["x"], &["y"], &[("body", Attribute::Graph(inner))]);
        inner = Graph::new("g").part(1, &node).message();
    }
    assert_eq!(refused(&model(&inner, 17)), ModelError::DataDependent("Relu".into()));
    // Types nest too: a sequence of a sequence of a sequence.
    let mut kind = Message::new().message(1, &Message::new().number(1, FLOAT));
    for _ in 0..2_000 {
        kind = Message::new().message(4, &Message::new().message(1, &kind));
    }
    let value = Message::new().bytes(1, b"x").message(2, &kind);
    assert_eq!(refused(&nodes(graph()).part(11, &value).model(17)), ModelError::Type("x".into()));
    assert_eq!(refused(&ends(nodes(graph())).part(13, &value).model(17)), ModelError::Type("x".into()));
}

#[test]
fn data_outside_the_file_are_refused() {
    let entry = Message::new().bytes(1, b"location").bytes(2, b"/etc/passwd");
    for constant in [
        tensor("w", FLOAT, &[4]).message(13, &entry).number(14, 1),
        tensor("w", FLOAT, &[4]).bytes(9, &[0; 16]).number(14, 1),
        tensor("w", FLOAT, &[4]).bytes(9, &[0; 16]).message(13, &entry),
    ] {
        let graph = Graph::new("g").part(5, &constant).floats("one", &[1], &[1.0]);
        assert_eq!(refused(&ends(nodes(graph)).model(17)), ModelError::ExternalData("w".into()));
    }
}

#[test]
fn a_constant_that_declares_more_or_less_than_it_has_is_refused() {
    let wrong = [
        tensor("w", FLOAT, &[5]).bytes(9, &[0; 16]),
        tensor("w", FLOAT, &[3]).bytes(9, &[0; 16]),
        tensor("w", FLOAT, &[4]).bytes(9, &[0; 15]),
        tensor("w", FLOAT, &[4]),
        tensor("w", FLOAT, &[1 << 40]).bytes(9, &[0; 16]),
        tensor("w", FLOAT, &[4]).bytes(4, &[0; 12]),
        tensor("w", FLOAT, &[4]).bytes(9, &[0; 16]).bytes(4, &[0; 16]),
        tensor("w", FLOAT, &[4]).bytes(7, &[0; 4]),
    ];
    for constant in wrong {
        let graph = Graph::new("g").part(5, &constant).floats("one", &[1], &[1.0]);
        assert_eq!(refused(&ends(nodes(graph)).model(17)), ModelError::Size("w".into()));
    }
    for dims in [&[i64::MAX, i64::MAX][..], &[-4]] {
        let constant = tensor("w", FLOAT, dims).bytes(9, &[0; 16]);
        let graph = Graph::new("g").part(5, &constant).floats("one", &[1], &[1.0]);
        assert_eq!(refused(&ends(nodes(graph)).model(17)), ModelError::TooLarge("w".into()));
    }
}

#[test]
fn a_constant_in_the_field_of_its_type_is_read_too() {
    let packed: Vec<u8> = [2.0_f32, 3.0, 4.0, 5.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let graph =
        Graph::new("g").part(5, &tensor("w", FLOAT, &[4]).bytes(4, &packed)).floats("one", &[1], &[1.0]);
    let model = load(&ends(nodes(graph)).model(17)).unwrap();
    assert_eq!(model.infer(vec![vector(&[1, 4], &[1.0; 4])]).unwrap()[0].data, [3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn inputs_and_outputs_of_another_type_are_refused() {
    let input = nodes(graph()).input("x", INT64, &[1, 4]).output("y", FLOAT, &[1, 4]);
    assert_eq!(refused(&input.model(17)), ModelError::Type("x".into()));
    let declared = nodes(graph()).input("x", FLOAT, &[1, 4]).output("y", INT64, &[1, 4]);
    assert_eq!(refused(&declared.model(17)), ModelError::Type("y".into()));
    // Declared as f32, and it is not: the graph itself is followed.
    let shape = graph().node("Shape", &["x"], &["y"], &[]);
    assert_eq!(refused(&ends(shape).model(17)), ModelError::Type("y".into()));
    let double =
        Graph::new("g").part(5, &tensor("w", 11, &[4]).bytes(9, &[0; 32])).floats("one", &[1], &[1.0]);
    assert!(load(&ends(nodes(double)).model(17)).is_err());
    let text = Graph::new("g").part(5, &tensor("w", 8, &[4])).floats("one", &[1], &[1.0]);
    assert_eq!(refused(&ends(nodes(text)).model(17)), ModelError::Type("w".into()));
}

#[test]
fn a_dimension_that_is_not_bound_is_refused_unless_it_is_the_batch() {
    let open = nodes(graph()).input("x", FLOAT, &[1, 0]).output("y", FLOAT, &[1, 0]);
    assert_eq!(refused(&open.model(17)), ModelError::Unbound("x".into()));
    let large = nodes(graph()).input("x", FLOAT, &[1 << 20, 1 << 20]).output("y", FLOAT, &[1, 4]);
    assert_eq!(refused(&large.model(17)), ModelError::TooLarge("x".into()));
    let many = nodes(graph()).input("x", FLOAT, &[1; 9]).output("y", FLOAT, &[1, 4]);
    assert_eq!(refused(&many.model(17)), ModelError::TooLarge("x".into()));
}

#[test]
fn cycles_and_names_that_nothing_gives_are_refused() {
    let cycle = graph().node("Mul", &["x", "b"], &["a"], &[]).node("Add", &["a", "one"], &["b"], &[]);
    let cycle = cycle.node("Add", &["b", "w"], &["y"], &[]);
    assert_eq!(refused(&ends(cycle).model(17)), ModelError::Order("b".into()));
    let own = graph().node("Mul", &["y", "w"], &["y"], &[]);
    assert_eq!(refused(&ends(own).model(17)), ModelError::Order("y".into()));
    let absent = nodes(graph()).input("x", FLOAT, &[1, 4]).output("z", FLOAT, &[1, 4]);
    assert_eq!(refused(&absent.model(17)), ModelError::Order("z".into()));
    let twice = nodes(graph()).node("Relu", &["x"], &["m"], &[]);
    assert_eq!(refused(&ends(twice).model(17)), ModelError::Twice("m".into()));
    let none = graph().node("Mul", &["x", "w"], &[], &[]);
    assert!(matches!(refused(&ends(none).model(17)), ModelError::Malformed(_)));
}

#[test]
fn a_tensor_within_that_is_too_large_is_refused_before_it_is_made() {
    // Two thin vectors whose product is a matrix of 4 TiB.
    let thin = Graph::new("g").ints("rows", &[2], &[1 << 20, 1]).ints("columns", &[2], &[1, 1 << 20]);
    let thin =
        thin.node("Reshape", &["x", "rows"], &["r"], &[]).node("Reshape", &["x", "columns"], &["c"], &[]);
    let thin = thin.node("MatMul", &["r", "c"], &["y"], &[]);
    let bytes = thin.input("x", FLOAT, &[1, 1 << 20]).output("y", FLOAT, &[1, 4]).model(17);
    assert!(matches!(refused(&bytes), ModelError::TooLarge(_)));
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let wrong = Graph::new("g").floats("w", &[3], &[0.0; 3]).floats("one", &[1], &[1.0]);
    let refusal = refused(&ends(nodes(wrong)).model(17));
    assert!(matches!(refusal, ModelError::Runtime(_) | ModelError::Unbound(_)), "{refusal}");
}

#[test]
fn other_operator_sets_are_refused() {
    for set in [0, 8, 21, i64::MIN] {
        assert_eq!(refused(&ends(nodes(graph())).model(set)), ModelError::OperatorSet(set));
    }
}

#[test]
fn bytes_cut_anywhere_or_changed_anywhere_never_end_in_more_than_an_error() {
    let bytes = good();
    for end in 0..bytes.len() {
        assert!(load(&bytes[..end]).is_err(), "cut at {end}");
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x15;
        // Some changes make another good model.
        let _ = load(&changed);
    }
    assert!(load(&[0xff; 64]).is_err() && load(b"").is_err());
}

#[test]
fn too_many_parts_are_refused() {
    let mut many = graph();
    for _ in 0..20_001 {
        many = many.part(1, &node("Relu", &["x"], &["y"], &[]));
    }
    assert_eq!(refused(&ends(many).model(17)), ModelError::TooMany("nodes"));
    let set = Message::new().number(2, 17);
    let mut bytes = Message::new().message(7, &ends(nodes(graph())).message()).message(8, &set);
    for _ in 0..20_001 {
        bytes = bytes.bytes(14, b"");
    }
    assert_eq!(refused(&bytes.into_bytes()), ModelError::TooMany("properties"));
}

#[test]
fn the_price_counts_the_multiply_adds_of_every_layer() {
    let facts = load(&meshnet(8, 1)).unwrap().facts().clone();
    // Voxels x (1 -> 5, four times 5 -> 5, all of 27 taps, then 5 -> 3).
    assert_eq!(facts.multiply_adds / 512, 5 * 27 + 4 * 25 * 27 + 15);
    assert!(facts.fuel > 4 * facts.multiply_adds);
    let facts = load(&unet(16, 4, 1)).unwrap().facts().clone();
    let (mut sum, mut from) = (0, 1);
    for level in 0..4 {
        let (to, pixels) = (4 << level, (16 >> level) * (16 >> level));
        // Two convolutions, and a pool over four pixels each.
        sum += pixels * 9 * (from * to + to * to) + pixels * to;
        from = to;
    }
    sum += 9 * (from * 64 + 64 * 64);
    from = 64;
    for level in (0..4).rev() {
        let (to, pixels) = (4 << level, (16 >> level) * (16 >> level));
        // A transposed convolution of 2 x 2, then both halves together.
        sum += pixels * from * to + pixels * 9 * (2 * to * to + to * to);
        from = to;
    }
    sum += 256 * 2 * 4;
    assert_eq!(facts.multiply_adds, sum);
}

/// The table that tests/oracles/meshnet.py made with onnxruntime: `name count mean sum-of-squares first last`, by output.
fn expected() -> Vec<(String, Vec<f64>)> {
    let text = std::fs::read_to_string("../../tests/oracles/meshnet.tsv").unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut cells = line.split('\t');
        let name = cells.next().unwrap().to_owned();
        (name, cells.map(|cell| cell.parse().unwrap()).collect())
    });
    rows.collect()
}

fn sums(data: &[f32], classes: usize) -> Vec<f64> {
    let size = data.len() / classes;
    let mut all: Vec<f64> = vec![0.0; classes];
    for at in 0..size {
        let best = (0..classes).rev().max_by(|a, b| data[a * size + at].total_cmp(&data[b * size + at]));
        all[best.unwrap()] += 1.0;
    }
    all.push(data.iter().map(|x| f64::from(*x)).sum::<f64>() / data.len() as f64);
    all.push(data.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>());
    all
}

#[test]
fn class_volumes_and_moments_of_both_nets_equal_onnxruntimes() {
    equal_onnxruntimes(&Runtime::Embedded);
}

/// Where the wheel that the oracles use is there, or the one that is named.
#[test]
fn the_installed_library_computes_the_same_and_says_its_version() {
    let wheel = std::fs::read_dir("../../target/venv/lib").into_iter().flatten().flatten();
    let wheel = wheel.map(|python| python.path().join("site-packages/onnxruntime/capi"));
    let wheel = wheel.flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    let mut wheel =
        wheel.map(|file| file.path()).filter(|file| file.to_string_lossy().contains("libonnxruntime.so"));
    let named = std::env::var_os("TROCAR_ONNXRUNTIME").map(std::path::PathBuf::from);
    let Some(path) = named.or_else(|| wheel.next()) else { return };
    let library = Library::open(&std::fs::File::open(path).unwrap()).unwrap();
    assert_eq!(library.name(), "onnxruntime 1.32.0");
    equal_onnxruntimes(&Runtime::Installed(library));
}

fn equal_onnxruntimes(runtime: &Runtime) {
    for ((name, theirs), (bytes, side, axes, classes)) in
        expected().into_iter().zip([(meshnet(24, 1), 24_usize, 3, 3), (unet(64, 32, 1), 64, 2, 2)])
    {
        let model = Model::load(&bytes, runtime).unwrap();
        let input = Numbers(2).take(side.pow(axes)).collect();
        let shape = model.facts().inputs[0].shape.clone();
        let outputs = model.infer(vec![Tensor { shape, data: input }]).unwrap();
        let ours = sums(&outputs[0].data, classes);
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (at, (a, b)) in ours.iter().zip(&theirs).enumerate() {
            let bound = if at < classes { 0.0 } else { 1e-5 * b.abs().max(1e-3) };
            assert!((a - b).abs() <= bound, "{name}: {ours:?} is not {theirs:?}");
        }
    }
}
