//! The headers of JPEG 2000 (ITU-T T.800 annex A), as far as they say what a decoder will do.

use super::Shape;

/// Layers of quality: encoders write a few dozen at most.
const MAX_LAYERS: u64 = 256;
/// Packets of a frame: 4096 x 4096 pixels in precincts of 128 x 128 have 1,400 a component and layer.
const MAX_PACKETS: u64 = 1 << 20;
const MAX_TILES: u64 = 65_535;

const SOT: u8 = 0x90;
const SOD: u8 = 0x93;
const COD: u8 = 0x52;
const COC: u8 = 0x53;
const SOC_SIZ: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];

/// Components of one depth, not subsampled, in as many packets as are gone through in reasonable time.
pub(super) fn shape(frame: &[u8]) -> Option<Shape> {
    let rest = unboxed(frame)?.strip_prefix(&SOC_SIZ)?;
    let (size, rest) = segment(rest)?;
    let shape = siz(size)?;
    let (coding, parts) = main_header(rest)?;
    if !tile_parts(parts, coding) {
        return None;
    }
    let packets = Style::read(coding)?.packets(axes(size)?)?.checked_mul(u64::from(shape.components))?;
    (packets <= MAX_PACKETS).then_some(Shape { packets, ..shape })
}

/// The codestream: the frame itself, or what the box `jp2c` of a JP2 file holds (ITU-T T.800 annex I), which some
/// devices write though DICOM does not ask for it.
fn unboxed(frame: &[u8]) -> Option<&[u8]> {
    let mut rest = frame;
    if rest.starts_with(&SOC_SIZ) {
        return Some(rest);
    }
    loop {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        // A length of 0 or 1 belongs to the last box or a huge one, and both only to `jp2c`.
        let (head, body) = rest.split_at_checked(8)?;
        rest = match (head.get(4..)?, length) {
            (b"jp2c", 1) => return body.get(8..),
            (b"jp2c", _) => return Some(body),
            (_, 8..) => rest.get(length..)?,
            (_, 0..8) => return None,
        };
    }
}

/// What a segment holds behind its length, and what comes after it.
fn segment(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
    let (segment, rest) = rest.split_at_checked(length)?;
    Some((segment.get(2..)?, rest))
}

/// A 32-bit number of SIZ (section A.5.1): Rsiz, then eight of them, then the number of components.
fn word(size: &[u8], index: usize) -> Option<u32> {
    size.get(2 + 4 * index..).and_then(|b| b.first_chunk()).map(|b| u32::from_be_bytes(*b))
}

fn siz(size: &[u8]) -> Option<Shape> {
    let components = u16::from_be_bytes(*size.get(34..)?.first_chunk()?);
    let list = size.get(36..36 + 3 * usize::from(components))?.as_chunks::<3>().0;
    let &[depth, across, down] = list.first()?;
    let word = |index| word(size, index);
    let (columns, rows) = (word(0)?.checked_sub(word(2)?)?, word(1)?.checked_sub(word(3)?)?);
    let alike = list.iter().all(|c| *c == [depth, across, down]);
    let plain = across == 1 && down == 1 && alike;
    let (bits, components) = (u16::from(depth & 0x7F) + 1, u32::from(components));
    plain.then_some(Shape { rows, columns, components, bits, signed: depth & 0x80 != 0, ..Shape::default() })
}

/// One direction of the reference grid: from where to where the image reaches, and where tiles begin and how long each is.
#[derive(Debug, Clone, Copy)]
struct Axis {
    from: u64,
    to: u64,
    origin: u64,
    tile: u64,
}

/// Across and down.
fn axes(size: &[u8]) -> Option<[Axis; 2]> {
    let axis = |i: usize| {
        let word = |index| word(size, index).map(u64::from);
        let (to, from, tile, origin) = (word(i)?, word(2 + i)?, word(4 + i)?, word(6 + i)?);
        (tile > 0 && origin <= from).then_some(Axis { from, to, origin, tile })
    };
    Some([axis(0)?, axis(1)?])
}

impl Axis {
    fn tiles(&self) -> u64 {
        self.to.saturating_sub(self.origin).div_ceil(self.tile)
    }

    /// Precincts of all tiles together in this direction (section B.6), where the resolution is that of `2^-halved` and
    /// precincts are `2^power` long.
    fn precincts(&self, halved: u32, power: u32) -> u64 {
        let of = |tile: u64| {
            let start = self.origin.saturating_add(tile.saturating_mul(self.tile));
            let end = start.saturating_add(self.tile).min(self.to);
            let (start, end) = (start.max(self.from).div_ceil(1 << halved), end.div_ceil(1 << halved));
            if start < end { end.div_ceil(1 << power) - (start >> power) } else { 0 }
        };
        (0..self.tiles()).map(of).fold(0, u64::saturating_add)
    }
}

/// What COD says (section A.6.1) of every tile and component.
struct Style<'a> {
    layers: u64,
    levels: u32,
    /// A byte a resolution; none where precincts are as large as can be.
    precincts: Option<&'a [u8]>,
}

impl<'a> Style<'a> {
    fn read(coding: &'a [u8]) -> Option<Self> {
        let &[style, _order, high, low, _transform, levels] = coding.first_chunk()?;
        let precincts = if style & 1 == 1 { Some(coding.get(10..)?) } else { None };
        let layers = u64::from(u16::from_be_bytes([high, low]));
        let meant = (1..=MAX_LAYERS).contains(&layers) && levels <= 32;
        meant.then_some(Self { layers, levels: u32::from(levels), precincts })
    }

    /// Packets of a component: one a layer, resolution and precinct.
    fn packets(&self, [across, down]: [Axis; 2]) -> Option<u64> {
        let tiles = across.tiles().checked_mul(down.tiles()).filter(|tiles| *tiles <= MAX_TILES)?;
        // Every tile has every resolution, so that this bounds the work below as well.
        if tiles.saturating_mul(u64::from(self.levels) + 1) > MAX_PACKETS {
            return None;
        }
        let mut all = 0_u64;
        for level in 0..=self.levels {
            let size = match self.precincts {
                Some(sizes) => *sizes.get(level as usize)?,
                None => 0xFF,
            };
            let halved = self.levels - level;
            let columns = across.precincts(halved, u32::from(size & 0xF));
            let rows = down.precincts(halved, u32::from(size >> 4));
            all = all.saturating_add(columns.saturating_mul(rows));
        }
        all.checked_mul(self.layers)
    }
}

/// What the one COD of the main header holds, and the first tile-part. Another order of
/// packets (POC) would be other work, and in a segment that the decoder does not know it looks for one that it
/// knows: neither is taken.
fn main_header(mut rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut coding = None;
    loop {
        let (marker, behind) = marker(rest)?;
        match marker {
            SOT => return Some((coding?, rest)),
            // CAP, TLM, PLM, CPF, QCD, QCC, RGN, PPM, CRG, COM, and MCT, MCC, MCO and CBD of part 2.
            COD
            | COC
            | 0x50
            | 0x55
            | 0x57
            | 0x59
            | 0x5C..=0x5E
            | 0x60
            | 0x63
            | 0x64
            | 0x74
            | 0x75
            | 0x77
            | 0x78 => {}
            _ => return None,
        }
        let (body, after) = segment(behind)?;
        if marker == COC && !is_harmless(body, coding?) || marker == COD && coding.replace(body).is_some() {
            return None;
        }
        rest = after;
    }
}

/// Whether what COC (section A.6.2) says of a component makes no more packets of it than COD does: some writers repeat
/// COD for each.
fn is_harmless(style: &[u8], coding: &[u8]) -> bool {
    match (style, coding.get(5)) {
        ([_, own, levels, ..], Some(most)) => own & 1 == 0 && levels <= most,
        _ => false,
    }
}

fn marker(rest: &[u8]) -> Option<(u8, &[u8])> {
    match rest.split_first_chunk()? {
        ([0xFF, marker], behind) => Some((*marker, behind)),
        _ => None,
    }
}

/// Whether no tile has more packets than the main header says. Where the stream ends, so does what a decoder reads.
fn tile_parts(mut rest: &[u8], coding: &[u8]) -> bool {
    while let Some((SOT, behind)) = marker(rest) {
        let Some(([10, _, _, a, b, c, d, _, _], body)) = behind.split_first().and_then(|(zero, behind)| {
            let (part, body) = behind.split_first_chunk::<9>()?;
            (*zero == 0).then_some((*part, body))
        }) else {
            return behind.len() < 10;
        };
        let Some(head) = tile_header(body, coding) else { return false };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        // Zero stands for the rest of the stream; what is cut off within its header ends there.
        let Some(head) = head.filter(|_| length > 0) else { return true };
        if length < 12 + head {
            return false;
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    true
}

/// Bytes of the segments of a tile-part up to its data, or that they do not end; `None` where one is not taken.
fn tile_header(body: &[u8], coding: &[u8]) -> Option<Option<usize>> {
    let mut rest = body;
    loop {
        let Some((marker, behind)) = rest.split_first_chunk() else { return Some(None) };
        match marker {
            [0xFF, SOD] => return Some(Some(body.len() - behind.len())),
            // PLT, QCD, QCC, RGN, PPT, COM, and MCT, MCC and MCO of part 2.
            [0xFF, COC | 0x58 | 0x5C..=0x5E | 0x61 | 0x64 | 0x74 | 0x75 | 0x77] => {}
            _ => return None,
        }
        match segment(behind) {
            Some((style, _)) if *marker == [0xFF, COC] && !is_harmless(style, coding) => return None,
            Some((_, after)) => rest = after,
            None => return Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SOC and SIZ for one component of 12 bits, 256 columns and 5 rows, in tiles of this size.
    fn siz(across: u32, down: u32) -> Vec<u8> {
        let words = [256, 5, 0, 0, across, down, 0, 0];
        let words = words.iter().flat_map(|w: &u32| w.to_be_bytes());
        [0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0].into_iter().chain(words).chain([0, 1, 11, 1, 1]).collect()
    }

    /// COD with five levels.
    fn cod(layers: u16, precincts: &[u8]) -> Vec<u8> {
        let [high, low] = layers.to_be_bytes();
        let length = 12 + u8::try_from(precincts.len()).unwrap();
        let style = u8::from(!precincts.is_empty());
        [&[0xFF, COD, 0, length, style, 0, high, low, 0, 5, 4, 4, 0, 1], precincts].concat()
    }

    /// A tile-part with these segments in its header and nothing behind it.
    fn part(segments: &[u8]) -> Vec<u8> {
        let length = u8::try_from(14 + segments.len()).unwrap();
        [&[0xFF, SOT, 0, 10, 0, 0, 0, 0, 0, length, 0, 1], segments, &[0xFF, SOD]].concat()
    }

    fn stream() -> Vec<u8> {
        [siz(256, 5), cod(1, &[]), part(&[])].concat()
    }

    fn of(stream: &[u8]) -> Option<Shape> {
        let shape = Shape { rows: 5, columns: 256, components: 1, bits: 12, packets: 6, ..Shape::default() };
        let found = super::shape(stream);
        assert!(found.is_none() || found == Some(shape), "{found:?}");
        found
    }

    fn packets(layers: u16, precincts: &[u8], tile: (u32, u32)) -> Option<u64> {
        let stream = [siz(tile.0, tile.1), cod(layers, precincts), part(&[])].concat();
        super::shape(&stream).map(|shape| shape.packets)
    }

    #[test]
    fn a_codestream_is_found_with_and_without_boxes() {
        assert!(of(&stream()).is_some());
        let boxed = [b"\0\0\0\x0CjP  \r\n\x87\n\0\0\0\0jp2c".to_vec(), stream()].concat();
        assert!(of(&boxed).is_some());
    }

    #[test]
    fn a_codestream_hidden_in_another_box_is_not_the_one_that_is_read() {
        let length = u8::try_from(8 + stream().len()).unwrap();
        let hidden = [vec![0, 0, 0, length], b"xml ".to_vec(), stream(), b"\0\0\0\0jp2c".to_vec()].concat();
        assert_eq!(of(&hidden), None);
        assert_eq!(of(b"\0\0\0\0xml \xFF\x4F"), None);
    }

    /// Such a box's length is SOC and SIZ, and a reader of boxes goes by its type.
    #[test]
    fn a_box_whose_length_looks_like_a_codestream_is_none() {
        let signature = b"\0\0\0\x0CjP  \r\n\x87\n".to_vec();
        let inner = [&siz(128, 5)[..], &cod(1, &[0x11; 6]), &part(&[])].concat();
        let looks = [&signature, &b"\xFF\x4F\xFF\x51jp2c"[..], &inner].concat();
        assert_eq!(super::shape(&looks), super::shape(&inner));
        assert!(super::shape(&inner).is_some_and(|shape| shape.packets > 6));
        let other = [&signature, &stream()[..]].concat();
        assert_eq!(of(&other), None);
    }

    #[test]
    fn a_subsampled_or_shredded_codestream_is_refused() {
        let mut subsampled = stream();
        subsampled[43] = 2;
        assert_eq!(of(&subsampled), None);
        let mut shredded = stream();
        shredded[24..32].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1]);
        shredded[8..12].copy_from_slice(&[0, 1, 0, 0]);
        assert_eq!(of(&shredded), None);
    }

    #[test]
    fn a_stream_cut_before_its_data_has_no_shape_and_one_cut_behind_has() {
        let (whole, main) = (stream(), siz(256, 5).len() + cod(1, &[]).len() + 2);
        (0..main).for_each(|end| assert_eq!(of(&whole[..end]), None, "{end}"));
        (main..=whole.len()).for_each(|end| assert!(of(&whole[..end]).is_some(), "{end}"));
    }

    #[test]
    fn packets_are_counted_by_layer_resolution_precinct_and_tile() {
        assert_eq!(packets(3, &[], (256, 5)), Some(18));
        assert_eq!(packets(1, &[], (128, 5)), Some(12));
        // 128 x 3 precincts of 2 x 2 in full size, then 64 x 2, 32 x 1, 16 x 1, 8 x 1 and 4 x 1.
        assert_eq!(packets(1, &[0x11; 6], (256, 5)), Some(384 + 128 + 32 + 16 + 8 + 4));
        assert_eq!(packets(256, &[0x11; 6], (256, 5)), Some(256 * 572));
    }

    #[test]
    fn more_packets_or_layers_than_any_encoder_writes_are_refused() {
        assert_eq!(packets(257, &[], (256, 5)), None);
        assert_eq!(packets(65_535, &[], (256, 5)), None);
        assert_eq!(packets(0, &[], (256, 5)), None);
        assert_eq!(packets(256, &[0x00; 6], (256, 5)), Some(256 * (1280 + 384 + 128 + 32 + 16 + 8)));
        let mut large = [siz(256, 64), cod(256, &[0x00; 6]), part(&[])].concat();
        large[15] = 64;
        assert_eq!(super::shape(&large), None);
        assert_eq!(packets(1, &[0x11; 5], (256, 5)), None);
        assert_eq!(packets(1, &[], (0, 5)), None);
    }

    #[test]
    fn more_work_for_a_component_or_a_tile_another_order_or_an_unknown_segment_is_refused() {
        let coc = [0xFF, COC, 0, 9, 0, 0, 6, 4, 4, 0, 1];
        let small = [0xFF, COC, 0, 15, 0, 1, 5, 4, 4, 0, 1, 0, 0, 0, 0, 0, 0];
        let same = [0xFF, COC, 0, 9, 0, 0, 5, 4, 4, 0, 1];
        let poc = [0xFF, 0x5F, 0, 9, 0, 0, 0, 1, 6, 1, 0];
        let unknown = [0xFF, 0x30, 0, 4, 1, 2];
        let comment = [0xFF, 0x64, 0, 4, 0, 1];
        let other = cod(65_535, &[]);
        for bad in [&coc[..], &small, &poc, &unknown, &other] {
            let main = [&siz(256, 5)[..], &cod(1, &[]), bad, &part(&[])].concat();
            assert_eq!(of(&main), None, "{bad:?}");
            let first = [&siz(256, 5)[..], &cod(1, &[]), &part(bad)].concat();
            assert_eq!(of(&first), None, "{bad:?}");
            let second = [&stream()[..], &part(bad)].concat();
            assert_eq!(of(&second), None, "{bad:?}");
        }
        let commented = [&siz(256, 5)[..], &comment, &cod(1, &[]), &part(&comment), &part(&[])].concat();
        assert!(of(&commented).is_some());
        let repeated = [&siz(256, 5)[..], &cod(1, &[]), &same, &part(&same), &part(&[])].concat();
        assert!(of(&repeated).is_some());
        let mut short = stream();
        let length = short.len() - 5;
        short[length] = 13;
        assert_eq!(of(&short), None, "a tile-part shorter than its header");
    }
}
