//! The text of an expression, and its one normal text.

use super::{Condition, Expr, Literal, Op, Test};
use serde::{Serialize, Serializer};
use std::fmt;

impl Expr {
    pub(super) fn normal(&self) -> Self {
        match self {
            Self::Or(all) => joined(
                all,
                |e| {
                    if let Self::Or(inner) = e { Ok(inner) } else { Err(e) }
                },
                Self::Or,
            ),
            Self::And(all) => joined(
                all,
                |e| {
                    if let Self::And(inner) = e { Ok(inner) } else { Err(e) }
                },
                Self::And,
            ),
            Self::Not(inner) => match inner.normal() {
                Self::Not(twice) => *twice,
                other @ (Self::Or(_) | Self::And(_) | Self::Test(_)) => Self::Not(Box::new(other)),
            },
            Self::Test(test) => {
                Self::Test(Test { name: test.name.clone(), condition: test.condition.normal() })
            }
        }
    }
}

/// Operands of one connective: nested ones taken in, sorted by their text, each once.
fn joined(
    all: &[Expr],
    inner: impl Fn(Expr) -> Result<Vec<Expr>, Expr>,
    outer: impl Fn(Vec<Expr>) -> Expr,
) -> Expr {
    let flat = all.iter().flat_map(|e| inner(e.normal()).unwrap_or_else(|e| vec![e]));
    let mut flat: Vec<(String, Expr)> = flat.map(|e| (e.to_string(), e)).collect();
    flat.sort_by(|a, b| a.0.cmp(&b.0));
    flat.dedup_by(|a, b| a.0 == b.0);
    let mut operands: Vec<Expr> = flat.into_iter().map(|(_, e)| e).collect();
    match operands.pop() {
        Some(only) if operands.is_empty() => only,
        last => outer(operands.into_iter().chain(last).collect()),
    }
}

impl Condition {
    fn normal(&self) -> Self {
        match self {
            Self::Compare(op, literal) => Self::Compare(*op, literal.normal()),
            Self::Between(low, high) => Self::Between(low.normal(), high.normal()),
            Self::In(list) => {
                let mut list: Vec<Literal> = list.iter().map(Literal::normal).collect();
                list.sort_by_key(ToString::to_string);
                list.dedup();
                match list.as_slice() {
                    [only] => Self::Compare(Op::Equal, only.clone()),
                    _ => Self::In(list),
                }
            }
        }
    }
}

impl Literal {
    /// A real that is a whole number is written as one.
    fn normal(&self) -> Self {
        match self {
            Self::Real(x) => x.to_string().parse().map_or(Self::Real(*x), Self::Integer),
            Self::Integer(_) | Self::Text(_) => self.clone(),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(all) => separated(f, all, " or ", |_| false),
            Self::And(all) => separated(f, all, " and ", |e| matches!(e, Self::Or(_) | Self::And(_))),
            Self::Not(inner) => {
                f.write_str("not ")?;
                bracketed(f, inner, matches!(**inner, Self::Or(_) | Self::And(_)))
            }
            Self::Test(test) => fmt::Display::fmt(test, f),
        }
    }
}

fn separated(f: &mut fmt::Formatter<'_>, all: &[Expr], sign: &str, wrap: fn(&Expr) -> bool) -> fmt::Result {
    for (i, expr) in all.iter().enumerate() {
        if i > 0 {
            f.write_str(sign)?;
        }
        bracketed(f, expr, wrap(expr))?;
    }
    Ok(())
}

fn bracketed(f: &mut fmt::Formatter<'_>, expr: &Expr, wrap: bool) -> fmt::Result {
    if wrap { write!(f, "({expr})") } else { fmt::Display::fmt(expr, f) }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.condition {
            Condition::Compare(op, literal) => write!(f, "{name} {op} {literal}"),
            Condition::Between(low, high) => write!(f, "{name} between {low} and {high}"),
            Condition::In(list) => {
                let list: Vec<String> = list.iter().map(ToString::to_string).collect();
                write!(f, "{name} in ({})", list.join(", "))
            }
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = Self::SIGNS.iter().find(|(_, op)| op == self).map_or("=", |(sign, _)| sign);
        f.write_str(sign)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(i) => write!(f, "{i}"),
            // With a point, so that a real beyond the whole numbers is read back as a real.
            Self::Real(x) if x.to_string().contains('.') => write!(f, "{x}"),
            Self::Real(x) => write!(f, "{x}.0"),
            Self::Text(t) => write!(f, "\"{}\"", t.replace('\\', "\\\\").replace('"', "\\\"")),
        }
    }
}

impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.normal())
    }
}
