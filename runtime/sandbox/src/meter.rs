use wasmtime::{ResourceLimiter, StoreContextMut, Trap};

/// What a guest has left of memory. Every refusal is a trap: a guest that could see the refusal could react to it,
/// and what it sees must not depend on the machine.
#[derive(Debug)]
pub(crate) struct Meter {
    bytes: usize,
    entries: usize,
}

/// The guest asked for more memory than its manifest allows.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("out of memory")]
pub(crate) struct OutOfMemory;

/// Table entries over all tables; script runtimes need some ten thousand.
const TABLE_ENTRIES: usize = 200_000;

impl Meter {
    /// `mib` MiB over all memories of the guest.
    pub(crate) fn new(mib: u32) -> Self {
        let bytes = (mib as usize).saturating_mul(1 << 20);
        Self { bytes, entries: TABLE_ENTRIES }
    }
}

fn take(left: &mut usize, current: usize, desired: usize) -> wasmtime::Result<bool> {
    *left = left.checked_sub(desired.saturating_sub(current)).ok_or(OutOfMemory)?;
    Ok(true)
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        take(&mut self.bytes, current, desired)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        Err(OutOfMemory.into())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        take(&mut self.entries, current, desired)
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        Err(OutOfMemory.into())
    }

    // Script guests are made of some thirty core instances; one guest needs no more than this.
    fn instances(&self) -> usize {
        100
    }

    fn tables(&self) -> usize {
        100
    }

    fn memories(&self) -> usize {
        10
    }
}

/// Fuel for one host call, whatever it does: 158 ns were measured for a call, and a unit is 1 ns at most.
const CALL: u64 = 5_000;

/// Fuel for each byte handed over: reading and calibrating pixels that are not compressed was measured at 0.4 to 0.9 ns a
/// byte, lowering them at 0.1 ns. What decoders and parsers take comes on top, by the volume's own word.
const BYTE: u64 = 8;

/// Takes the price of a host call that hands over `bytes` bytes, in either direction.
pub(crate) fn charge<T>(store: &mut StoreContextMut<'_, T>, bytes: u64) -> wasmtime::Result<()> {
    spend(store, BYTE.saturating_mul(bytes).saturating_add(CALL))
}

/// Takes the price of other work of the host.
pub(crate) fn spend<T>(store: &mut StoreContextMut<'_, T>, price: u64) -> wasmtime::Result<()> {
    let left = store.get_fuel()?;
    store.set_fuel(left.saturating_sub(price))?;
    if left < price { Err(Trap::OutOfFuel.into()) } else { Ok(()) }
}
