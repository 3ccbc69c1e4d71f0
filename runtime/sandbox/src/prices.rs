//! What each operator of a guest costs, in units of fuel. One unit stands for 1 ns at most, whatever the guest does.
//!
//! The price of an operator is the longest that it was seen to take, and not what it takes in a decent program: a load that
//! misses every cache of a busy machine takes 150 ns and more, and a guest that does nothing else must come to the
//! end of its fuel before it comes to the end of its time. A guest that could be ended by time could be ended because of what
//! the worker of another patient does to the caches, and then one patient would change what others contribute.
//! `cargo xtask bench sandbox` measures guests that try. Bulk operations pay by the byte or entry on top.

use wasmtime::{OperatorCost, VariableOperatorCost};

/// From a place that no cache holds, and that the tables of pages have to be walked for: in 32 MiB that took 125 to 150 ns on
/// a busy machine of 2026, in 256 MiB and more 200 to 330 ns, for which there is twice the time (terms/src/limits.rs).
const LOAD: u8 = 160;
/// Two such loads, or work of the engine.
const MOST: u8 = 255;
/// Nobody waits for one, but each takes a line of the cache.
const STORE: u8 = 16;
/// One that was not foreseen.
const BRANCH: u8 = 16;
/// With the checks of stack and fuel, into code that no cache holds.
const CALL: u8 = 32;
/// Whole numbers; on older processors than ours.
const DIVISION: u8 = 32;
/// Divisions and roots of reals.
const ROOT: u8 = 16;
/// Whose result is there some cycles later.
const LATENCY: u8 = 4;
/// What becomes several instructions.
const SEVERAL: u8 = 8;
/// A call into the engine.
const ENGINE: u8 = 64;

/// The table of an engine: a base, and groups of operators with one price each.
macro_rules! table {
    ($($price:expr => $($operator:ident)+;)+) => {
        OperatorCost { $($($operator: $price,)+)+ variable: SIZES, ..OperatorCost::new() }
    };
}

/// What work costs whose size the guest says while it runs.
const SIZES: VariableOperatorCost = {
    let mut sizes = VariableOperatorCost::new();
    sizes.memory_copy_per_byte = 1;
    sizes.memory_fill_per_byte = 1;
    sizes.memory_init_per_byte = 1;
    sizes.memory_grow_per_page = 255;
    sizes.table_copy_per_element = 8;
    sizes.table_fill_per_element = 8;
    sizes.table_init_per_element = 64;
    sizes.table_grow_per_element = 64;
    sizes
};

/// Prices of all operators that are not 1, and those of no price at all (`nop`, `drop`, `block`, `end` ...) that wasmtime has.
pub(crate) const PRICES: OperatorCost = table! {
    LOAD => I32Load I64Load F32Load F64Load I32Load8S I32Load8U I32Load16S I32Load16U I64Load8S I64Load8U I64Load16S
        I64Load16U I64Load32S I64Load32U V128Load V128Load8x8S V128Load8x8U V128Load16x4S V128Load16x4U V128Load32x2S
        V128Load32x2U V128Load8Splat V128Load16Splat V128Load32Splat V128Load64Splat V128Load32Zero V128Load64Zero
        V128Load8Lane V128Load16Lane V128Load32Lane V128Load64Lane;
    MOST => TableGet CallIndirect MemoryGrow TableGrow MemoryFill;
    STORE => I32Store I64Store F32Store F64Store I32Store8 I32Store16 I64Store8 I64Store16 I64Store32 V128Store
        V128Store8Lane V128Store16Lane V128Store32Lane V128Store64Lane TableSet;
    BRANCH => If BrIf BrTable;
    CALL => Call;
    DIVISION => I32DivS I32DivU I32RemS I32RemU I64DivS I64DivU I64RemS I64RemU;
    ROOT => F32Div F64Div F32Sqrt F64Sqrt F32x4Div F64x2Div F32x4Sqrt F64x2Sqrt;
    LATENCY => GlobalGet GlobalSet I32Mul I64Mul F32Add F32Sub F32Mul F64Add F64Sub F64Mul F32x4Add F32x4Sub F32x4Mul F64x2Add F64x2Sub F64x2Mul
        I32x4Mul I16x8Mul I32x4DotI16x8S;
    SEVERAL => F32Min F32Max F64Min F64Max F32Ceil F32Floor F32Trunc F32Nearest
        F64Ceil F64Floor F64Trunc F64Nearest
        I32TruncF32S I32TruncF32U I32TruncF64S I32TruncF64U I64TruncF32S I64TruncF32U I64TruncF64S I64TruncF64U
        I32TruncSatF32S I32TruncSatF32U I32TruncSatF64S I32TruncSatF64U I64TruncSatF32S I64TruncSatF32U
        I64TruncSatF64S I64TruncSatF64U F32ConvertI64U F64ConvertI64U
        I8x16Shl I8x16ShrS I8x16ShrU I64x2ShrS I8x16Popcnt I64x2Mul I8x16Swizzle I16x8Q15MulrSatS
        F32x4Min F32x4Max F64x2Min F64x2Max F32x4Ceil F32x4Floor F32x4Trunc F32x4Nearest F64x2Ceil F64x2Floor F64x2Trunc
        F64x2Nearest I32x4TruncSatF32x4S I32x4TruncSatF32x4U I32x4TruncSatF64x2SZero I32x4TruncSatF64x2UZero
        F32x4ConvertI32x4U F64x2ConvertLowI32x4U I16x8ExtAddPairwiseI8x16S I16x8ExtAddPairwiseI8x16U
        I32x4ExtAddPairwiseI16x8S I32x4ExtAddPairwiseI16x8U I64x2ExtMulLowI32x4S I64x2ExtMulHighI32x4S
        I64x2ExtMulLowI32x4U I64x2ExtMulHighI32x4U;
    ENGINE => MemoryCopy MemoryInit DataDrop TableFill TableCopy TableInit ElemDrop RefFunc;
};
