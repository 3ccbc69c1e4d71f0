//! Stored values in the type that the file gives them.

/// Samples, each of the type that the file stores.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Unsigned, 8 bits.
    U8(Vec<u8>),
    /// Signed, 8 bits.
    I8(Vec<i8>),
    /// Unsigned, 16 bits.
    U16(Vec<u16>),
    /// Signed, 16 bits.
    I16(Vec<i16>),
    /// Unsigned, 32 bits.
    U32(Vec<u32>),
    /// Signed, 32 bits.
    I32(Vec<i32>),
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
}

/// The same expression for the vector of every type.
macro_rules! each {
    ($values:expr, $v:ident => $do:expr) => {
        match $values {
            Values::U8($v) => $do,
            Values::I8($v) => $do,
            Values::U16($v) => $do,
            Values::I16($v) => $do,
            Values::U32($v) => $do,
            Values::I32($v) => $do,
            Values::F32($v) => $do,
            Values::F64($v) => $do,
        }
    };
}

impl Values {
    /// Number of samples.
    #[must_use]
    pub const fn len(&self) -> usize {
        each!(self, v => v.len())
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All samples, little endian.
    #[must_use]
    pub fn to_le_bytes(&self) -> Vec<u8> {
        each!(self, v => v.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    /// All samples in double precision, which holds each exactly.
    #[must_use]
    pub fn to_f64(&self) -> Vec<f64> {
        self.mapped(|v| v)
    }

    /// Each sample through a function of doubles.
    #[allow(clippy::useless_conversion, reason = "doubles are one of the types")]
    pub(crate) fn mapped<T>(&self, f: impl Fn(f64) -> T) -> Vec<T> {
        each!(self, v => v.iter().map(|x| f(f64::from(*x))).collect())
    }

    /// Each sample through a function of doubles, into memory of exactly as many; `None` where it is not.
    #[allow(clippy::useless_conversion, reason = "doubles are one of the types")]
    pub(crate) fn map_into<T>(&self, into: &mut [T], f: impl Fn(f64) -> T) -> Option<()> {
        if into.len() != self.len() {
            return None;
        }
        each!(self, v => into.iter_mut().zip(v).for_each(|(to, x)| *to = f(f64::from(*x))));
        Some(())
    }

    /// Appends samples of the same type; `None` where it is another.
    pub(crate) fn append(&mut self, more: Self) -> Option<()> {
        match (self, more) {
            (Self::U8(a), Self::U8(b)) => a.extend_from_slice(&b),
            (Self::I8(a), Self::I8(b)) => a.extend_from_slice(&b),
            (Self::U16(a), Self::U16(b)) => a.extend_from_slice(&b),
            (Self::I16(a), Self::I16(b)) => a.extend_from_slice(&b),
            (Self::U32(a), Self::U32(b)) => a.extend_from_slice(&b),
            (Self::I32(a), Self::I32(b)) => a.extend_from_slice(&b),
            (Self::F32(a), Self::F32(b)) => a.extend_from_slice(&b),
            (Self::F64(a), Self::F64(b)) => a.extend_from_slice(&b),
            _ => return None,
        }
        Some(())
    }

    /// Colour by plane to colour by pixel, of `count` samples a pixel.
    pub(crate) fn by_pixel(self, count: usize) -> Self {
        fn turned<T: Copy>(planes: &[T], count: usize) -> Vec<T> {
            let size = (planes.len() / count).max(1);
            (0..size).flat_map(|i| planes.iter().skip(i).step_by(size).take(count).copied()).collect()
        }
        match self {
            Self::U8(v) => Self::U8(turned(&v, count)),
            Self::I8(v) => Self::I8(turned(&v, count)),
            Self::U16(v) => Self::U16(turned(&v, count)),
            Self::I16(v) => Self::I16(turned(&v, count)),
            Self::U32(v) => Self::U32(turned(&v, count)),
            Self::I32(v) => Self::I32(turned(&v, count)),
            Self::F32(v) => Self::F32(turned(&v, count)),
            Self::F64(v) => Self::F64(turned(&v, count)),
        }
    }
}
