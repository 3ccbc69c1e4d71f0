//! The inverse DCT of one block (ITU-T T.81 section A.3.3), in single precision.

/// Half the cosines of k * pi / 16, for k from 1 to 7; the orthonormal transform of length 8.
const C: [f32; 8] = [
    0.353_553_39, 0.490_392_64, 0.461_939_77, 0.415_734_8, 0.353_553_39, 0.277_785_12, 0.191_341_72, 0.097_545_16,
];

/// Eight lanes at once, for the compiler to put in vector registers.
type Row = [f32; 8];

fn scaled(a: Row, by: f32) -> Row {
    a.map(|v| v * by)
}

fn add(a: Row, b: Row) -> Row {
    std::array::from_fn(|i| a[i] + b[i])
}

fn sub(a: Row, b: Row) -> Row {
    std::array::from_fn(|i| a[i] - b[i])
}

/// One pass over eight rows: each lane is transformed along the rows' index.
fn pass(x: &[Row; 8]) -> [Row; 8] {
    let (p, q) = (scaled(x[0], C[4]), scaled(x[4], C[4]));
    let (r, s) = (
        add(scaled(x[2], C[2]), scaled(x[6], C[6])),
        sub(scaled(x[2], C[6]), scaled(x[6], C[2])),
    );
    let (sum, difference) = (add(p, q), sub(p, q));
    let even = [add(sum, r), add(difference, s), sub(difference, s), sub(sum, r)];
    let odd = |a: f32, b: f32, c: f32, d: f32| {
        add(add(scaled(x[1], a), scaled(x[3], b)), add(scaled(x[5], c), scaled(x[7], d)))
    };
    let odd = [
        odd(C[1], C[3], C[5], C[7]),
        odd(C[3], -C[7], -C[1], -C[5]),
        odd(C[5], -C[1], C[7], C[3]),
        odd(C[7], -C[5], C[3], -C[1]),
    ];
    [
        add(even[0], odd[0]), add(even[1], odd[1]), add(even[2], odd[2]), add(even[3], odd[3]),
        sub(even[3], odd[3]), sub(even[2], odd[2]), sub(even[1], odd[1]), sub(even[0], odd[0]),
    ]
}

fn transposed(x: &[Row; 8]) -> [Row; 8] {
    std::array::from_fn(|i| std::array::from_fn(|j| x[j][i]))
}

/// Coefficients, row by row, to samples around zero.
pub(super) fn inverse(coefficients: &[Row; 8]) -> [Row; 8] {
    transposed(&pass(&transposed(&pass(coefficients))))
}
