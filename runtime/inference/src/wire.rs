//! The protobuf wire format (protobuf.dev, "Encoding"), read in place: a message is an iterator over its fields, and nothing
//! is allocated for what a length merely declares.

use crate::ModelError;

/// One field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed32(&'a [u8]),
    Fixed64(&'a [u8]),
}

/// The fields of one message, in order.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

/// Bits of a varint, and those of one byte of it.
const VARINT: u32 = 64;
const SEVEN: u32 = 7;

fn broken(what: &'static str) -> ModelError {
    ModelError::Malformed(what)
}

/// A number of at most ten bytes, seven bits each.
pub(crate) fn varint(rest: &mut &[u8]) -> Result<u64, ModelError> {
    let mut number = 0_u64;
    for shift in (0..VARINT).step_by(SEVEN as usize) {
        let Some((byte, left)) = rest.split_first() else { break };
        *rest = left;
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(broken("a number without an end"))
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], ModelError> {
        let length = usize::try_from(length).map_err(|_| broken("a length beyond its end"))?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(broken("a length beyond its end"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(u64, Value<'a>), ModelError> {
        let tag = varint(&mut self.0)?;
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut self.0)?),
            1 => Value::Fixed64(self.take(8)?),
            2 => {
                let length = varint(&mut self.0)?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(self.take(4)?),
            _ => return Err(broken("an unknown kind of field")),
        };
        Ok((tag >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), ModelError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            // Nothing after a broken field means anything.
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Value<'a> {
    /// A message, or text.
    pub(crate) fn bytes(self) -> Result<&'a [u8], ModelError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) | Self::Fixed32(_) | Self::Fixed64(_) => {
                Err(broken("a number where a message is"))
            }
        }
    }

    pub(crate) fn text(self) -> Result<&'a str, ModelError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| broken("a name that is not UTF-8"))
    }

    pub(crate) fn number(self) -> Result<u64, ModelError> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Bytes(_) | Self::Fixed32(_) | Self::Fixed64(_) => {
                Err(broken("a message where a number is"))
            }
        }
    }

    /// Whole numbers, one by one or packed.
    pub(crate) fn numbers(self, into: &mut Vec<i64>, most: usize) -> Result<(), ModelError> {
        let mut rest = match self {
            Self::Number(number) => {
                into.push(number.cast_signed());
                &[]
            }
            Self::Bytes(packed) => packed,
            Self::Fixed32(_) | Self::Fixed64(_) => return Err(broken("another kind of number")),
        };
        while !rest.is_empty() && into.len() <= most {
            into.push(varint(&mut rest)?.cast_signed());
        }
        if into.len() > most { Err(ModelError::TooMany("dimensions")) } else { Ok(()) }
    }

    /// How many values of `size` bytes (varints for 0) a repeated field holds, packed or not.
    pub(crate) fn count(self, size: usize) -> Result<u64, ModelError> {
        match self {
            Self::Bytes(packed) if size == 0 => {
                let ends = packed.iter().filter(|byte| **byte & 0x80 == 0).count();
                if packed.last().is_some_and(|byte| byte & 0x80 != 0) {
                    return Err(broken("a number without an end"));
                }
                Ok(ends as u64)
            }
            Self::Bytes(packed) => match packed.len().checked_rem(size) {
                Some(0) => Ok(packed.len().checked_div(size).unwrap_or(0) as u64),
                Some(_) | None => Err(broken("packed numbers of another size")),
            },
            Self::Number(_) | Self::Fixed32(_) | Self::Fixed64(_) => Ok(1),
        }
    }
}
