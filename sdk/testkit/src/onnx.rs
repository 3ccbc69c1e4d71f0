//! Writes small ONNX models: nets of random weights that follow from a seed, and models that are wrong in one way.
//!
//! Field numbers are those of onnx.proto (IR version 8), the encoding that of protobuf.dev, "Encoding".

/// A number of seven bits a byte.
fn varint(mut number: u64, into: &mut Vec<u8>) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return into.push(low & 0x7f);
        }
        into.push(low | 0x80);
    }
}

/// A message under construction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message(Vec<u8>);

impl Message {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A whole number.
    #[must_use]
    pub fn number(mut self, field: u64, number: i64) -> Self {
        varint(field << 3, &mut self.0);
        varint(number.cast_unsigned(), &mut self.0);
        self
    }

    /// Text, bytes, or packed numbers.
    #[must_use]
    pub fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        varint(field << 3 | 2, &mut self.0);
        varint(bytes.len() as u64, &mut self.0);
        self.0.extend_from_slice(bytes);
        self
    }

    /// A message in this one.
    #[must_use]
    pub fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    /// A float.
    #[must_use]
    pub fn float(mut self, field: u64, value: f32) -> Self {
        varint(field << 3 | 5, &mut self.0);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Its encoding.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// A value of an attribute of a node.
#[derive(Debug, Clone)]
pub enum Attribute<'a> {
    /// A whole number.
    Int(i64),
    /// Whole numbers.
    Ints(&'a [i64]),
    /// A float.
    Float(f32),
    /// Text.
    Text(&'a str),
    /// A graph.
    Graph(Message),
}

impl Attribute<'_> {
    fn named(&self, name: &str) -> Message {
        let message = Message::new().bytes(1, name.as_bytes());
        match self {
            Self::Float(value) => message.float(2, *value).number(20, 1),
            Self::Int(value) => message.number(3, *value).number(20, 2),
            Self::Text(text) => message.bytes(4, text.as_bytes()).number(20, 3),
            Self::Graph(graph) => message.message(6, graph).number(20, 5),
            Self::Ints(values) => values.iter().fold(message, |m, v| m.number(8, *v)).number(20, 7),
        }
    }
}

/// `TensorProto.DataType`: f32 and i64.
pub const FLOAT: i64 = 1;
/// Whole numbers of 64 bits.
pub const INT64: i64 = 7;

/// A graph under construction; each method gives one part more.
#[derive(Debug, Clone, Default)]
pub struct Graph(Message);

impl Graph {
    /// An empty one, with a name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Message::new().bytes(2, name.as_bytes()))
    }

    /// Any part, by its field.
    #[must_use]
    pub fn part(self, field: u64, part: &Message) -> Self {
        Self(self.0.message(field, part))
    }

    /// An input; a dimension of 0 is an open one.
    #[must_use]
    pub fn input(self, name: &str, kind: i64, shape: &[i64]) -> Self {
        self.part(11, &declared(name, kind, shape))
    }

    /// An output, likewise.
    #[must_use]
    pub fn output(self, name: &str, kind: i64, shape: &[i64]) -> Self {
        self.part(12, &declared(name, kind, shape))
    }

    /// A constant of f32.
    #[must_use]
    pub fn floats(self, name: &str, shape: &[i64], values: &[f32]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.part(5, &tensor(name, FLOAT, shape).bytes(9, &raw))
    }

    /// A constant of whole numbers.
    #[must_use]
    pub fn ints(self, name: &str, shape: &[i64], values: &[i64]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.part(5, &tensor(name, INT64, shape).bytes(9, &raw))
    }

    /// A node of the standard domain.
    #[must_use]
    pub fn node(
        self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) -> Self {
        self.part(1, &node(operator, inputs, outputs, attributes))
    }

    /// The graph as a message.
    #[must_use]
    pub fn message(self) -> Message {
        self.0
    }

    /// A model of this graph, with this version of the standard operators.
    #[must_use]
    pub fn model(self, operators: i64) -> Vec<u8> {
        model(&self.0, operators)
    }
}

/// A model of a graph.
#[must_use]
pub fn model(graph: &Message, operators: i64) -> Vec<u8> {
    let set = Message::new().bytes(1, b"").number(2, operators);
    Message::new().number(1, 8).message(7, graph).message(8, &set).into_bytes()
}

/// A tensor without its data.
#[must_use]
pub fn tensor(name: &str, kind: i64, shape: &[i64]) -> Message {
    shape.iter().fold(Message::new(), |m, dim| m.number(1, *dim)).number(2, kind).bytes(8, name.as_bytes())
}

/// A node.
#[must_use]
pub fn node(
    operator: &str,
    inputs: &[&str],
    outputs: &[&str],
    attributes: &[(&str, Attribute<'_>)],
) -> Message {
    let mut node = Message::new();
    node = inputs.iter().fold(node, |node, name| node.bytes(1, name.as_bytes()));
    node = outputs.iter().fold(node, |node, name| node.bytes(2, name.as_bytes()));
    node = node.bytes(4, operator.as_bytes());
    attributes.iter().fold(node, |node, (name, value)| node.message(5, &value.named(name)))
}

fn declared(name: &str, kind: i64, shape: &[i64]) -> Message {
    let dims = shape.iter().fold(Message::new(), |dims, dim| {
        let one = if *dim == 0 { Message::new().bytes(2, b"n") } else { Message::new().number(1, *dim) };
        dims.message(1, &one)
    });
    let kind = Message::new().number(1, kind).message(2, &dims);
    Message::new().bytes(1, name.as_bytes()).message(2, &Message::new().message(1, &kind))
}

/// Numbers between -1 and 1 that follow from a seed: splitmix64 (Steele, Lea, Flood 2014), its upper 24 bits.
#[derive(Debug, Clone)]
pub struct Numbers(pub u64);

impl Iterator for Numbers {
    type Item = f32;

    fn next(&mut self) -> Option<f32> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bits = (z ^ (z >> 31)) >> 40;
        Some(bits as f32 / 8_388_608.0 - 1.0)
    }
}

/// A net under construction: every layer takes what the last one gave.
struct Net {
    graph: Graph,
    numbers: Numbers,
    layers: usize,
    last: String,
}

impl Net {
    fn new(name: &str, seed: u64, shape: &[i64]) -> Self {
        let graph = Graph::new(name).input("input", FLOAT, shape);
        Self { graph, numbers: Numbers(seed), layers: 0, last: "input".to_owned() }
    }

    /// Weights that keep the size of what goes through (He et al. 2015).
    fn weights(&mut self, name: &str, shape: &[i64], into: i64) {
        let scale = (3.0 / into as f32).sqrt();
        let count = usize::try_from(shape.iter().product::<i64>()).unwrap_or_default();
        let values: Vec<f32> = self.numbers.by_ref().take(count).map(|x| x * scale).collect();
        self.graph = std::mem::take(&mut self.graph).floats(name, shape, &values);
    }

    fn add(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute<'_>)]) -> String {
        self.layers += 1;
        let output = format!("t{}", self.layers);
        let all: Vec<&str> = std::iter::once(self.last.as_str()).chain(inputs.iter().copied()).collect();
        self.graph = std::mem::take(&mut self.graph).node(operator, &all, &[&output], attributes);
        self.last.clone_from(&output);
        output
    }

    /// A convolution that keeps the grid, of `dims` dimensions.
    fn conv(&mut self, (from, to): (i64, i64), (dims, kernel, dilation): (usize, i64, i64)) {
        let (weights, bias) = (format!("w{}", self.layers), format!("b{}", self.layers));
        let shape: Vec<i64> = [to, from].into_iter().chain(vec![kernel; dims]).collect();
        self.weights(&weights, &shape, from * (0..dims).map(|_| kernel).product::<i64>());
        self.weights(&bias, &[to], 100);
        let (kernels, dilations) = (vec![kernel; dims], vec![dilation; dims]);
        let pads = vec![dilation * (kernel - 1) / 2; 2 * dims];
        let attributes = [
            ("kernel_shape", Attribute::Ints(&kernels)),
            ("dilations", Attribute::Ints(&dilations)),
            ("pads", Attribute::Ints(&pads)),
        ];
        self.add("Conv", &[&weights, &bias], &attributes);
    }

    fn model(self, output: &str, shape: &[i64]) -> Vec<u8> {
        let graph = self.graph.node("Identity", &[&self.last], &[output], &[]);
        graph.output(output, FLOAT, shape).model(17)
    }
}

/// A net of the kind of MeshNet (Fedorov et al. 2017): 3-D convolutions of growing dilation over one volume of `side` voxels an
/// edge, three classes.
#[must_use]
pub fn meshnet(side: i64, seed: u64) -> Vec<u8> {
    let mut net = Net::new("meshnet", seed, &[0, 1, side, side, side]);
    let mut from = 1;
    for dilation in [1, 2, 4, 2, 1] {
        net.conv((from, 5), (3, 3, dilation));
        net.add("Elu", &[], &[("alpha", Attribute::Float(1.0))]);
        from = 5;
    }
    net.conv((5, 3), (3, 1, 1));
    net.model("classes", &[0, 3, side, side, side])
}

/// A U-Net (Ronneberger et al. 2015) over one image of `side` pixels an edge, with `channels` in its first layer, four levels and
/// two classes.
#[must_use]
pub fn unet(side: i64, channels: i64, seed: u64) -> Vec<u8> {
    let mut net = Net::new("unet", seed, &[1, 1, side, side]);
    let (mut from, mut kept) = (1, Vec::new());
    for level in 0..4 {
        let to = channels << level;
        pair(&mut net, from, to);
        kept.push((net.last.clone(), to));
        net.add(
            "MaxPool",
            &[],
            &[("kernel_shape", Attribute::Ints(&[2, 2])), ("strides", Attribute::Ints(&[2, 2]))],
        );
        from = to;
    }
    pair(&mut net, from, channels << 4);
    from = channels << 4;
    while let Some((skip, to)) = kept.pop() {
        let weights = format!("w{}", net.layers);
        net.weights(&weights, &[from, to, 2, 2], from);
        net.add(
            "ConvTranspose",
            &[&weights],
            &[("kernel_shape", Attribute::Ints(&[2, 2])), ("strides", Attribute::Ints(&[2, 2]))],
        );
        net.add("Concat", &[&skip], &[("axis", Attribute::Int(1))]);
        pair(&mut net, 2 * to, to);
        from = to;
    }
    net.conv((from, 2), (2, 1, 1));
    net.model("logits", &[1, 2, side, side])
}

fn pair(net: &mut Net, from: i64, to: i64) {
    for from in [from, to] {
        net.conv((from, to), (2, 3, 1));
        net.add("Relu", &[], &[]);
    }
}
