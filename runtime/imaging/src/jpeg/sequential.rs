//! Baseline and extended sequential DCT with Huffman coding (ITU-T T.81 annex F).

use super::{Bits, Coded, Component, Header, Samples, Scan, Table, Tables, dct, upsample};

/// Where the coefficients of a block go, column by column, in the order that they are coded (figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 8, 1, 2, 9, 16, 24, 17, 10, 3, 4, 11, 18, 25, 32, 40, 33, 26, 19, 12, 5, 6, 13, 20, 27, 34, 41, 48,
    56, 49, 42, 35, 28, 21, 14, 7, 15, 22, 29, 36, 43, 50, 57, 58, 51, 44, 37, 30, 23, 31, 38, 45, 52, 59,
    60, 53, 46, 39, 47, 54, 61, 62, 55, 63,
];

/// The samples of one component, with those that fill its last blocks.
pub(super) struct Plane {
    pub(super) width: usize,
    /// In sixteenths, around zero.
    pub(super) samples: Vec<i32>,
}

impl Plane {
    fn new(component: &Component, (across, down): (usize, usize)) -> Self {
        let width = 8 * across * component.across;
        Self { width, samples: vec![0; width * 8 * down * component.down] }
    }

    fn put(&mut self, column: usize, row: usize, block: &[[i32; 8]; 8]) -> Option<()> {
        for (y, line) in block.iter().enumerate() {
            let start = (8 * row + y) * self.width + 8 * column;
            self.samples.get_mut(start..start + 8)?.copy_from_slice(line);
        }
        Some(())
    }
}

/// Decodes all scans of a frame.
pub(super) fn image(header: Header, mut tables: Tables, mut rest: &[u8]) -> Option<Samples> {
    if !matches!(header.bits, 8 | 12) {
        return None;
    }
    let (across, down) = header.units();
    let blocks: usize = header.components.iter().map(|c| across * down * c.across * c.down).sum();
    // A block takes a bit for each of two codes at least, so that less cannot fill the frame that the header asks for.
    if blocks / 4 > rest.len() {
        return None;
    }
    let mut planes: Vec<_> = header.components.iter().map(|c| Plane::new(c, (across, down))).collect();
    let mut done = vec![false; planes.len()];
    while done.contains(&false) {
        let scan = tables.next_scan(&mut rest, &header.components)?;
        if (scan.start, scan.end) != (0, 63) {
            return None;
        }
        for coded in &scan.coded {
            // A component is coded once.
            if std::mem::replace(done.get_mut(coded.component)?, true) {
                return None;
            }
        }
        rest = Walk::new(&header, &tables, &scan, rest)?.run(&mut planes)?;
    }
    Some(upsample::samples(&header, &planes))
}

/// One component of a scan in progress.
struct Turn<'a> {
    coded: &'a Coded,
    component: &'a Component,
    dc: &'a Table,
    ac: &'a Table,
    scale: [i32; 64],
    predicted: i32,
}

struct Walk<'a, 's> {
    header: &'a Header,
    turns: Vec<Turn<'a>>,
    bits: Bits<'s>,
    restart: usize,
}

impl<'a, 's> Walk<'a, 's> {
    fn new(header: &'a Header, tables: &'a Tables, scan: &'a Scan, rest: &'s [u8]) -> Option<Self> {
        let turn = |coded: &'a Coded| {
            let component = header.components.get(coded.component)?;
            let quantisation = tables.quantisation.get(component.quantisation)?.as_ref()?;
            Some(Turn {
                coded,
                component,
                dc: tables.dc.get(coded.dc)?.as_ref()?,
                ac: tables.ac.get(coded.ac)?.as_ref()?,
                scale: quantisation.map(i32::from),
                predicted: 0,
            })
        };
        let turns = scan.coded.iter().map(turn).collect::<Option<_>>()?;
        Some(Self { header, turns, bits: Bits::new(rest), restart: tables.restart })
    }

    fn run(mut self, planes: &mut [Plane]) -> Option<&'s [u8]> {
        let alone = self.turns.len() == 1;
        // A scan of one component has its own blocks and no more (section A.2.2).
        let (across, down) = match self.turns.first() {
            Some(turn) if alone => (turn.component.columns.div_ceil(8), turn.component.rows.div_ceil(8)),
            _ => self.header.units(),
        };
        for unit in 0..across * down {
            if self.restart > 0 && unit > 0 && unit % self.restart == 0 {
                self.bits.restart()?;
                self.turns.iter_mut().for_each(|turn| turn.predicted = 0);
            }
            let (x, y) = (unit % across, unit / across);
            for turn in &mut self.turns {
                let plane = planes.get_mut(turn.coded.component)?;
                let (h, v) = if alone { (1, 1) } else { (turn.component.across, turn.component.down) };
                for at in 0..h * v {
                    let block = turn.block(&mut self.bits)?;
                    plane.put(x * h + at % h, y * v + at / h, &block)?;
                }
            }
            if !self.bits.whole() {
                return None;
            }
        }
        Some(self.bits.after())
    }
}

impl Turn<'_> {
    /// Decodes one block (sections F.2.2.1 and F.2.2.2) and transforms it.
    fn block(&mut self, bits: &mut Bits<'_>) -> Option<[[i32; 8]; 8]> {
        let mut out = [0; 64];
        let size = u32::from(bits.symbol(self.dc)?);
        if size > 16 {
            return None;
        }
        self.predicted = self.predicted.wrapping_add(bits.signed(size));
        out[0] = self.predicted.wrapping_mul(self.scale[0]);
        let mut at = 1;
        while at < 64 {
            let symbol = bits.symbol(self.ac)?;
            let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 {
                if run < 15 {
                    break;
                }
                at += 16;
                continue;
            }
            at += run;
            let value = bits.signed(size);
            let place = usize::from(*ZIGZAG.get(at)?);
            out[place] = value.wrapping_mul(self.scale[at]);
            at += 1;
        }
        out.as_chunks::<8>().0.try_into().ok().map(dct::inverse)
    }
}
