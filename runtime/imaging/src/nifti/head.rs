use crate::{
    Reason, cost,
    image::is_length,
    lattice::{Lattice, Point, dot},
    meta::grows,
    stack::{MAX_SLAB_BYTES, ORIENTATION_TOLERANCE},
};
use flate2::read::GzDecoder;
use std::io::{Read, Seek, SeekFrom};

/// Bytes of the header (nifti1.h: `sizeof_hdr`).
const SIZE: usize = 348;
/// Bytes of an image: what a compressed one may come to.
pub(super) const MAX_BYTES: u64 = 256 << 20;
/// No factor or place is meant to be larger.
const MAX_PLACE: f64 = 1e5;
const MAX_FACTOR: f64 = 1e30;
/// Bytes of a compressed image that its header is looked for in.
const PACKED_HEAD: u64 = 32 << 10;

/// How one voxel is stored (nifti1.h: `datatype`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    F64,
}

impl Kind {
    /// Complex numbers, colours and what is longer than eight bytes have no place in a volume.
    const fn find(datatype: i16) -> Option<Self> {
        Some(match datatype {
            2 => Self::U8,
            4 => Self::I16,
            8 => Self::I32,
            16 => Self::F32,
            64 => Self::F64,
            256 => Self::I8,
            512 => Self::U16,
            768 => Self::U32,
            _ => return None,
        })
    }

    pub(super) const fn width(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The smallest and largest stored value; `None` for reals.
    const fn range(self) -> Option<(f64, f64)> {
        Some(match self {
            Self::U8 => (0.0, 255.0),
            Self::I8 => (-128.0, 127.0),
            Self::U16 => (0.0, 65_535.0),
            Self::I16 => (-32_768.0, 32_767.0),
            Self::U32 => (0.0, 4_294_967_295.0),
            Self::I32 => (-2_147_483_648.0, 2_147_483_647.0),
            Self::F32 | Self::F64 => return None,
        })
    }
}

/// A NIfTI-1 header, as far as it is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Head {
    pub(super) kind: Kind,
    pub(super) big: bool,
    /// Bytes of the file where it is compressed.
    pub(super) packed: Option<u64>,
    pub(super) offset: u64,
    pub(super) slope: f64,
    pub(super) intercept: f64,
    pub(crate) lattice: Lattice,
}

/// Fields of the header at their places in nifti1.h.
struct Fields<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl Fields<'_> {
    fn at<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        let mut bytes: [u8; N] = self.bytes.get(at..at.checked_add(N)?)?.try_into().ok()?;
        if self.big {
            bytes.reverse();
        }
        Some(bytes)
    }

    fn short(&self, at: usize) -> Option<i16> {
        self.at(at).map(i16::from_le_bytes)
    }

    fn real(&self, at: usize) -> Option<f64> {
        self.at(at).map(f32::from_le_bytes).map(f64::from).filter(|v| v.is_finite())
    }

    fn reals<const N: usize>(&self, at: usize) -> Option<[f64; N]> {
        let mut values = [0.0; N];
        for (i, value) in values.iter_mut().enumerate() {
            *value = self.real(at + 4 * i)?;
        }
        Some(values)
    }
}

impl Head {
    /// Reads the header of an image, compressed by gzip or not.
    ///
    /// # Errors
    /// `Nifti` where it is not one that is taken, `NoGeometry` for axes that are not at right angles, `Truncated`.
    pub(crate) fn read(file: &mut (impl Read + Seek)) -> Result<Self, Reason> {
        let length = file.seek(SeekFrom::End(0)).map_err(|_| Reason::Unreadable)?;
        file.seek(SeekFrom::Start(0)).map_err(|_| Reason::Unreadable)?;
        let mut magic = [0; 2];
        let read = file.read_exact(&mut magic);
        read.map_err(|_| Reason::Nifti)?;
        file.seek(SeekFrom::Start(0)).map_err(|_| Reason::Unreadable)?;
        let packed = magic == [0x1F, 0x8B];
        let mut bytes = Vec::new();
        let wanted = SIZE as u64;
        let done = if packed {
            GzDecoder::new(file.take(PACKED_HEAD)).take(wanted).read_to_end(&mut bytes)
        } else {
            file.take(wanted).read_to_end(&mut bytes)
        };
        done.map_err(|_| Reason::Nifti)?;
        let head = Self::parse(&bytes, packed.then_some(length))?;
        let end = head.end().ok_or(Reason::TooLarge)?;
        match head.packed {
            Some(length) if grows(length, end) => Err(Reason::Nifti),
            None if end > length => Err(Reason::Truncated),
            _ => Ok(head),
        }
    }

    /// What reading the header again costs.
    pub(super) fn opening_cost(&self) -> u64 {
        self.packed.unwrap_or_default().min(PACKED_HEAD).saturating_mul(cost::PACKED_BYTE)
    }

    /// What inflating the whole image costs.
    pub(super) fn inflating_cost(&self) -> u64 {
        let Some(packed) = self.packed else { return 0 };
        let contents = self.end().unwrap_or_default().saturating_mul(cost::INFLATED_BYTE);
        contents.saturating_add(packed.saturating_mul(cost::PACKED_BYTE))
    }

    fn parse(bytes: &[u8], packed: Option<u64>) -> Result<Self, Reason> {
        let size = bytes.first_chunk::<4>().copied().ok_or(Reason::Nifti)?;
        let big = u32::from_be_bytes(size) as usize == SIZE;
        let is_one = big || u32::from_le_bytes(size) as usize == SIZE;
        // `n+1`: header and voxels in one file.
        if !is_one || bytes.get(344..SIZE) != Some(b"n+1\0") {
            return Err(Reason::Nifti);
        }
        Self::fields(&Fields { bytes, big }, packed)
    }

    fn fields(fields: &Fields<'_>, packed: Option<u64>) -> Result<Self, Reason> {
        let kind = fields.short(70).and_then(Kind::find).ok_or(Reason::PixelFormat)?;
        let stated = fields.short(72).and_then(|bits| usize::try_from(bits).ok());
        if stated != Some(kind.width() * 8) {
            return Err(Reason::Nifti);
        }
        let (slope, intercept) = scaling(fields).ok_or(Reason::NoRescale)?;
        let head = Self {
            kind,
            big: fields.big,
            packed,
            offset: offset(fields).ok_or(Reason::Nifti)?,
            slope,
            intercept,
            lattice: lattice(size(fields)?, axes(fields)?)?,
        };
        let width = if head.integral() { 2 } else { 4 };
        let slab = head.pixels().saturating_mul(width) <= MAX_SLAB_BYTES;
        let fits = slab && head.end().is_some_and(|end| end <= MAX_BYTES);
        if fits { Ok(head) } else { Err(Reason::TooLarge) }
    }

    /// Voxels of a slice.
    pub(super) fn pixels(&self) -> usize {
        let [columns, rows, _] = self.lattice.size;
        (columns as usize).saturating_mul(rows as usize)
    }

    /// Where the voxels end.
    pub(super) fn end(&self) -> Option<u64> {
        let voxels = (self.pixels() as u64).checked_mul(u64::from(self.lattice.size[2]))?;
        self.offset.checked_add(voxels.checked_mul(self.kind.width() as u64)?)
    }

    /// Whether every value that can be stored is a whole number of 16 bits, signed.
    pub(crate) fn integral(&self) -> bool {
        let whole = self.slope.fract() == 0.0 && self.intercept.fract() == 0.0;
        let fits = |stored: f64| (-32_768.0..=32_767.0).contains(&(self.slope * stored + self.intercept));
        whole && self.kind.range().is_some_and(|(low, high)| fits(low) && fits(high))
    }
}

/// A slope of 0 means that nothing is scaled; some writers put what is not a number there.
fn scaling(fields: &Fields<'_>) -> Option<(f64, f64)> {
    let Some(slope) = fields.real(112).filter(|slope| *slope != 0.0) else { return Some((1.0, 0.0)) };
    let intercept = fields.real(116)?;
    (slope.abs() <= MAX_FACTOR && intercept.abs() <= MAX_FACTOR).then_some((slope, intercept))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number within 256 MiB")]
fn offset(fields: &Fields<'_>) -> Option<u64> {
    let offset = fields.real(108)?;
    let meant = (SIZE as f64 + 4.0..=MAX_BYTES as f64).contains(&offset) && offset.fract() == 0.0;
    meant.then_some(offset as u64)
}

/// Three axes; a fourth and more only if they have one place.
fn size(fields: &Fields<'_>) -> Result<[u32; 3], Reason> {
    let dim = |i: usize| fields.short(40 + 2 * i).and_then(|n| u32::try_from(n).ok());
    let count = dim(0).filter(|n| (3..=7).contains(n)).ok_or(Reason::Nifti)?;
    let single = (4..=count as usize).all(|i| dim(i) == Some(1));
    let size = [dim(1), dim(2), dim(3)].map(|n| n.filter(|n| *n > 0));
    match size {
        [Some(x), Some(y), Some(z)] if single => Ok([x, y, z]),
        _ => Err(Reason::Nifti),
    }
}

/// Columns of the affine from voxel to patient, with its offset, in the header's own right, anterior, superior.
struct Axes {
    columns: [Point; 3],
    offset: Point,
}

/// The s-form where it is set, as nibabel and ITK's readers prefer it, or else the q-form.
fn axes(fields: &Fields<'_>) -> Result<Axes, Reason> {
    // Spatial units in the low three bits: 2 is mm, 0 says nothing and means mm in practice.
    let units = fields.bytes.get(123).map_or(7, |b| b & 7);
    if !matches!(units, 0 | 2) {
        return Err(Reason::NoGeometry);
    }
    let code = |at| fields.short(at).ok_or(Reason::Nifti);
    let axes = if code(254)? > 0 {
        s_form(fields)
    } else if code(252)? > 0 {
        q_form(fields)
    } else {
        None
    };
    axes.ok_or(Reason::NoGeometry)
}

fn s_form(fields: &Fields<'_>) -> Option<Axes> {
    let rows: [[f64; 4]; 3] = [fields.reals(280)?, fields.reals(296)?, fields.reals(312)?];
    let [[a, b, c, x], [d, e, f, y], [g, h, i, z]] = rows;
    Some(Axes { columns: [[a, d, g], [b, e, h], [c, f, i]], offset: [x, y, z] })
}

/// Method 2 of nifti1.h: a rotation from a unit quaternion, and `qfac` for the hand of the third axis.
fn q_form(fields: &Fields<'_>) -> Option<Axes> {
    let [b, c, d]: [f64; 3] = fields.reals(256)?;
    let [qfac, u, v, w]: [f64; 4] = fields.reals(76)?;
    let square = 1.0 - (b * b + c * c + d * d);
    // The three are stored in single precision, so that half a turn may come out slightly longer than 1.
    let a = if square < -1e-5 { return None } else { square.max(0.0).sqrt() };
    let hand = if qfac < 0.0 { -1.0 } else { 1.0 };
    let scale = |column: Point, by: f64| column.map(|x| x * by);
    let first = [a * a + b * b - c * c - d * d, 2.0 * (b * c + a * d), 2.0 * (b * d - a * c)];
    let second = [2.0 * (b * c - a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d + a * b)];
    let third = [2.0 * (b * d + a * c), 2.0 * (c * d - a * b), a * a + d * d - c * c - b * b];
    let columns = [scale(first, u), scale(second, v), scale(third, w * hand)];
    Some(Axes { columns, offset: fields.reals(268)? })
}

/// NIfTI's right and anterior are DICOM's minus left and minus posterior.
fn lattice(size: [u32; 3], axes: Axes) -> Result<Lattice, Reason> {
    let turn = |[x, y, z]: Point| [-x, -y, z];
    let columns = axes.columns.map(turn);
    let spacing = columns.map(|c| dot(c, c).sqrt());
    if !spacing.iter().all(|mm| is_length(*mm)) {
        return Err(Reason::NoGeometry);
    }
    let [x, y, z] = columns;
    let [u, v, w] = spacing;
    let directions = [x.map(|c| c / u), y.map(|c| c / v), z.map(|c| c / w)];
    let [i, j, k] = directions;
    let square = [dot(i, j), dot(i, k), dot(j, k)].iter().all(|d| d.abs() <= 2.0 * ORIENTATION_TOLERANCE);
    let origin = turn(axes.offset);
    let lattice = Lattice { size, origin, directions, spacing };
    let meant = origin.iter().all(|v| v.abs() <= MAX_PLACE) && lattice.is_grid();
    if square && meant { Ok(lattice) } else { Err(Reason::NoGeometry) }
}
