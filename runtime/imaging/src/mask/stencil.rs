/// One slice of a mask: a bit a pixel, row by row, each row in words of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stencil {
    columns: usize,
    rows: usize,
    words: Vec<u64>,
}

impl Stencil {
    /// A slice without a voxel in it. The caller has bounded its size.
    pub(crate) fn new(columns: u32, rows: u32) -> Self {
        let (columns, rows) = (columns as usize, rows as usize);
        Self { columns, rows, words: vec![0; columns.div_ceil(64).saturating_mul(rows)] }
    }

    /// Bits that the slices of a mask take, rows rounded up to words: 64 times the pixels where there is one column.
    pub(crate) fn bits(columns: u32, rows: u32, slices: u64) -> u64 {
        u64::from(columns).next_multiple_of(64).saturating_mul(u64::from(rows)).saturating_mul(slices)
    }

    pub(crate) const fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    fn place(&self, column: usize, row: usize) -> (usize, u64) {
        (row * self.columns.div_ceil(64) + column / 64, 1 << (column % 64))
    }

    /// Whether a pixel is in; one outside is not.
    pub(crate) fn get(&self, column: usize, row: usize) -> bool {
        let (word, bit) = self.place(column, row);
        column < self.columns && self.words.get(word).is_some_and(|w| w & bit != 0)
    }

    /// Takes a pixel in.
    pub(crate) fn set(&mut self, column: usize, row: usize) {
        self.change(column, row, |word, bit| *word |= bit);
    }

    /// Turns a pixel over.
    pub(crate) fn flip(&mut self, column: usize, row: usize) {
        self.change(column, row, |word, bit| *word ^= bit);
    }

    fn change(&mut self, column: usize, row: usize, change: impl Fn(&mut u64, u64)) {
        let (word, bit) = self.place(column, row);
        if column < self.columns
            && let Some(word) = self.words.get_mut(word)
        {
            change(word, bit);
        }
    }

    /// Makes each pixel the parity of those up to it in its row: a row of crossings becomes a row of spans.
    pub(crate) fn parity(&mut self) {
        let (columns, across) = (self.columns, self.columns.div_ceil(64).max(1));
        for row in self.words.chunks_exact_mut(across) {
            let mut carry = 0;
            for word in row.iter_mut() {
                for shift in [1, 2, 4, 8, 16, 32] {
                    *word ^= *word << shift;
                }
                *word ^= carry;
                carry = 0_u64.wrapping_sub(*word >> 63);
            }
            if let Some(last) = row.last_mut().filter(|_| columns % 64 > 0) {
                *last &= (1 << (columns % 64)) - 1;
            }
        }
    }

    /// Takes in what another slice of the same size has.
    pub(crate) fn unite(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, more)| *word |= more);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// 0 or 1 a pixel, row by row.
    pub(crate) fn bytes_into(&self, into: &mut [u8]) {
        let across = self.columns.div_ceil(64).max(1);
        let rows = into.chunks_exact_mut(self.columns.max(1));
        for (row, words) in rows.zip(self.words.chunks_exact(across)) {
            for (pixels, word) in row.chunks_mut(64).zip(words) {
                (0_u32..).zip(pixels).for_each(|(at, pixel)| *pixel = u8::from(word >> at & 1 == 1));
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> impl Iterator<Item = u8> {
        let mut all = vec![0; self.columns * self.rows];
        self.bytes_into(&mut all);
        all.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossings_become_spans_over_the_ends_of_words() {
        let mut stencil = Stencil::new(130, 2);
        for column in [60, 129] {
            stencil.flip(column, 1);
        }
        stencil.parity();
        let found: Vec<u8> = stencil.bytes().collect();
        let expected = |i: usize| u8::from((130 + 60..130 + 129).contains(&i));
        assert!(found.iter().enumerate().all(|(i, v)| *v == expected(i)));
    }

    #[test]
    fn a_span_that_is_not_closed_ends_with_its_row() {
        let mut stencil = Stencil::new(70, 2);
        stencil.flip(65, 0);
        stencil.parity();
        assert_eq!(stencil.bytes().filter(|v| *v == 1).count(), 5);
        assert!(!stencil.get(70, 0) && !stencil.get(0, 1));
    }

    #[test]
    fn a_pixel_outside_is_neither_set_nor_read() {
        let mut stencil = Stencil::new(3, 2);
        stencil.set(3, 0);
        stencil.set(0, 2);
        assert!(stencil.is_empty() && !stencil.get(3, 0) && !stencil.get(9, 9));
    }

    #[test]
    fn a_slice_takes_the_bits_that_are_said() {
        for (columns, rows) in [(1, 9), (64, 2), (65, 3), (130, 1)] {
            let words = Stencil::new(columns, rows).words.len() as u64;
            assert_eq!(Stencil::bits(columns, rows, 5), 5 * 64 * words);
        }
        assert_eq!(Stencil::bits(u32::MAX, u32::MAX, u64::MAX), u64::MAX);
    }
}
