//! Lossless coding with Huffman codes (ITU-T T.81 annex H).

use super::{Bits, Header, Samples, Scan, Table, Tables};

/// Decodes the one scan of a lossless frame, or one scan a component.
pub(super) fn image(header: Header, mut tables: Tables, mut rest: &[u8]) -> Option<Samples> {
    let plain = header.components.iter().all(|c| (c.across, c.down) == (header.across, header.down));
    if !plain || !(2..=16).contains(&header.bits) {
        return None;
    }
    let count = header.components.len();
    // A sample takes a bit at least.
    if header.rows * header.columns * count / 8 > rest.len() {
        return None;
    }
    let mut samples = vec![0_u16; header.rows * header.columns * count];
    let mut done = vec![false; count];
    while done.contains(&false) {
        let scan = tables.next_scan(&mut rest, &header.components)?;
        for coded in &scan.coded {
            if std::mem::replace(done.get_mut(coded.component)?, true) {
                return None;
            }
        }
        rest = Walk::new(&header, &tables, &scan, rest)?.run(&mut samples)?;
    }
    Some(if header.bits > 8 { Samples::Words(samples) } else { Samples::Bytes(bytes(&samples)) })
}

#[allow(clippy::cast_possible_truncation, reason = "samples of at most 8 bits")]
fn bytes(samples: &[u16]) -> Vec<u8> {
    samples.iter().map(|v| *v as u8).collect()
}

struct Walk<'a, 's> {
    header: &'a Header,
    /// Place of each component in a pixel, with its table.
    turns: Vec<(usize, &'a Table)>,
    bits: Bits<'s>,
    predictor: u8,
    shift: u32,
    /// Lines between restarts; 0 where there are none.
    restart: usize,
}

impl<'a, 's> Walk<'a, 's> {
    fn new(header: &'a Header, tables: &'a Tables, scan: &Scan, rest: &'s [u8]) -> Option<Self> {
        let turns = scan.coded.iter().map(|c| Some((c.component, tables.dc.get(c.dc)?.as_ref()?)));
        let turns = turns.collect::<Option<_>>()?;
        let shift = u32::from(scan.shift);
        // Section H.1.1: an interval is a whole number of lines.
        let lines = tables.restart.is_multiple_of(header.columns);
        let sane = (1..=7).contains(&scan.start) && shift < header.bits && lines;
        let restart = tables.restart / header.columns;
        sane.then_some(Self { header, turns, bits: Bits::new(rest), predictor: scan.start, shift, restart })
    }

    fn run(mut self, samples: &mut [u16]) -> Option<&'s [u8]> {
        let stride = self.header.columns * self.header.components.len();
        for y in 0..self.header.rows {
            let fresh = self.restart > 0 && y.is_multiple_of(self.restart);
            if fresh && y > 0 {
                self.bits.restart()?;
            }
            let (before, now) = samples.split_at_mut(y * stride);
            let above = if y == 0 || fresh { None } else { before.get((y - 1) * stride..) };
            self.line(above, now.get_mut(..stride)?)?;
            if !self.bits.whole() {
                return None;
            }
        }
        Some(self.bits.after())
    }

    /// One line of all components of the scan. Section H.1.2.1: the first line is predicted from the left, the first
    /// sample of another from above, and the very first from half the range.
    fn line(&mut self, above: Option<&[u16]>, now: &mut [u16]) -> Option<()> {
        let count = self.header.components.len();
        let half = 1_u16 << (self.header.bits - self.shift - 1);
        for turn in 0..self.turns.len() {
            let (place, _) = *self.turns.get(turn)?;
            let up = above.map_or(half << self.shift, |above| above[place]);
            let value = self.value(turn, up >> self.shift)?;
            now[place] = value << self.shift;
        }
        for x in 1..self.header.columns {
            for turn in 0..self.turns.len() {
                let (place, _) = *self.turns.get(turn)?;
                let at = x * count + place;
                let left = now[at - count] >> self.shift;
                let predicted = above.map_or(left, |above| {
                    self.predict(left, above[at] >> self.shift, above[at - count] >> self.shift)
                });
                now[at] = self.value(turn, predicted)? << self.shift;
            }
        }
        Some(())
    }

    /// The predictors of table H.1, from left, above and above left.
    #[inline]
    fn predict(&self, a: u16, b: u16, c: u16) -> u16 {
        let (l, u, d) = (i32::from(a), i32::from(b), i32::from(c));
        let value = match self.predictor {
            1 => l,
            2 => u,
            3 => d,
            4 => l + u - d,
            5 => l + ((u - d) >> 1),
            6 => u + ((l - d) >> 1),
            _ => (l + u) >> 1,
        };
        low(value)
    }

    /// The next sample, modulo 2^16 (section H.1.2.1); 16 bits of difference are 32768 without any more bits.
    #[inline]
    fn value(&mut self, turn: usize, predicted: u16) -> Option<u16> {
        let size = u32::from(self.bits.symbol(self.turns.get(turn)?.1)?);
        let difference = match size {
            0..=15 => self.bits.signed(size),
            16 => 32_768,
            _ => return None,
        };
        Some(predicted.wrapping_add(low(difference)))
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "arithmetic modulo 2^16")]
const fn low(value: i32) -> u16 {
    value as u16
}
