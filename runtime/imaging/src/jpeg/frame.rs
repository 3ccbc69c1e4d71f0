//! Frame headers (ITU-T T.81 section B.2.2).

/// One component of a frame.
pub(super) struct Component {
    pub(super) id: u8,
    /// Sampling factors.
    pub(super) across: usize,
    pub(super) down: usize,
    pub(super) quantisation: usize,
    /// Samples of its own, without padding.
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// A frame header whose numbers are in their bounds.
pub(super) struct Header {
    pub(super) bits: u32,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) components: Vec<Component>,
    /// The largest sampling factors.
    pub(super) across: usize,
    pub(super) down: usize,
}

impl Header {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let &[bits, r1, r0, c1, c0, count] = body.first_chunk()?;
        let rows = usize::from(u16::from_be_bytes([r1, r0]));
        let columns = usize::from(u16::from_be_bytes([c1, c0]));
        let list = body.get(6..6 + 3 * usize::from(count))?.as_chunks::<3>().0;
        let factor = |f: fn(&[u8; 3]) -> u8| list.iter().map(f).max().map(usize::from);
        let (across, down) = (factor(|c| c[1] >> 4)?, factor(|c| c[1] & 15)?);
        let component = |&[id, factors, table]: &[u8; 3]| {
            let (h, v) = (usize::from(factors >> 4), usize::from(factors & 15));
            Component {
                id,
                across: h,
                down: v,
                quantisation: usize::from(table),
                columns: (columns * h).div_ceil(across.max(1)),
                rows: (rows * v).div_ceil(down.max(1)),
            }
        };
        let components: Vec<_> = list.iter().map(component).collect();
        // Whole steps only: T.81 allows two samples for three pixels, and no writer of DICOM makes them.
        let step = |most: usize, own: usize| (1..=4).contains(&own) && most.is_multiple_of(own);
        let sane = components.iter().all(|c| step(across, c.across) && step(down, c.down));
        let taken = rows > 0 && columns > 0 && sane && matches!(components.len(), 1..=4);
        taken.then_some(Self { bits: u32::from(bits), rows, columns, components, across, down })
    }

    /// MCUs of an interleaved scan, across and down.
    pub(super) fn units(&self) -> (usize, usize) {
        (self.columns.div_ceil(8 * self.across), self.rows.div_ceil(8 * self.down))
    }
}
