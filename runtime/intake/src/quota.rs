/// How much may come in. Everything is stated: there is no default that means "no limit".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Objects in the folder, those that were there before included.
    pub objects: u64,
    /// Bytes in the folder, those that were there before included.
    pub bytes: u64,
    /// Bytes of one object.
    pub object_bytes: u64,
    /// Bytes that one C-STORE association may bring.
    pub association_bytes: u64,
    /// Bytes that must stay free on the disk.
    pub free_bytes: u64,
}
