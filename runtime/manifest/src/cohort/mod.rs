//! Cohort expressions: which patients a job is about.
//!
//! `modality = "PT" and (age_years between 18 and 75 or not sex in ("F"))`. Three truth values: a missing value makes a
//! comparison unknown, `not` leaves it unknown, and a patient whose condition is unknown is not in the cohort.

mod parse;
mod token;
mod write;

use crate::text::TextError;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use trocar_terms::Value;

pub(crate) use parse::expression;

/// A condition on one patient's record.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// One of them holds.
    Or(Vec<Self>),
    /// All of them hold.
    And(Vec<Self>),
    /// It does not hold, and is known not to.
    Not(Box<Self>),
    /// A condition on one name.
    Test(Test),
}

/// A condition on the values of one name: it holds if any of them satisfies it.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// A column, an attribute or `modality`.
    pub name: String,
    /// The condition.
    pub condition: Condition,
}

/// What a value is held against.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// `= != < <= > >=`; text knows the first two alone.
    Compare(Op, Literal),
    /// One of a list.
    In(Vec<Literal>),
    /// Both ends included.
    Between(Literal, Literal),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Real(f64),
    /// A string.
    Text(String),
}

/// One patient as a cohort expression sees her.
pub trait Record {
    /// All values of `name`: one for a column, one a series for `modality` or an attribute. None: unknown.
    fn values(&self, name: &str) -> Vec<Value>;
}

impl Expr {
    /// Parses `text`; `file_name` is for the error alone.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and what to write instead.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, TextError> {
        expression(text).map_err(|problem| problem.within(file_name, text))
    }

    /// Every condition on a name, in the order of the text.
    #[must_use]
    pub fn tests(&self) -> Vec<&Test> {
        match self {
            Self::Or(all) | Self::And(all) => all.iter().flat_map(Self::tests).collect(),
            Self::Not(inner) => inner.tests(),
            Self::Test(test) => vec![test],
        }
    }

    /// Every name that it reads.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        self.tests().into_iter().map(|t| t.name.clone()).collect()
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::And(vec![self, other])
    }

    /// One text for all spellings that differ in order, repetition, brackets and ways to write a number alone.
    #[must_use]
    pub fn normalised(&self) -> String {
        self.normal().to_string()
    }

    /// Whether `record` is in the cohort: the condition is known to hold.
    #[must_use]
    pub fn matches(&self, record: &dyn Record) -> bool {
        self.truth(record) == Some(true)
    }

    /// Kleene's three values; `None` is unknown.
    fn truth(&self, record: &dyn Record) -> Option<bool> {
        match self {
            Self::Or(all) => any(all.iter().map(|e| e.truth(record))),
            Self::And(all) => any(all.iter().map(|e| e.truth(record).map(|t| !t))).map(|t| !t),
            Self::Not(inner) => inner.truth(record).map(|t| !t),
            Self::Test(test) => test.truth(&record.values(&test.name)),
        }
    }
}

/// True if one is, else unknown if one is, else false.
fn any(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut unknown = false;
    for truth in truths {
        match truth {
            Some(true) => return Some(true),
            Some(false) => {}
            None => unknown = true,
        }
    }
    if unknown { None } else { Some(false) }
}

impl Test {
    fn truth(&self, values: &[Value]) -> Option<bool> {
        if values.is_empty() { None } else { any(values.iter().map(|v| self.condition.holds(v))) }
    }
}

impl Condition {
    /// The constants in it.
    #[must_use]
    pub fn literals(&self) -> Vec<&Literal> {
        match self {
            Self::Compare(_, literal) => vec![literal],
            Self::In(list) => list.iter().collect(),
            Self::Between(low, high) => vec![low, high],
        }
    }

    fn holds(&self, value: &Value) -> Option<bool> {
        match self {
            Self::Compare(op, literal) => order(value, literal).map(|o| op.accepts(o)),
            Self::In(list) => any(list.iter().map(|l| order(value, l).map(Ordering::is_eq))),
            Self::Between(low, high) => Some(order(value, low)?.is_ge() && order(value, high)?.is_le()),
        }
    }
}

impl Op {
    /// Every comparison with its sign; longer signs first.
    const SIGNS: [(&'static str, Self); 6] = [
        ("!=", Self::Unequal),
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

enum Side<'a> {
    Whole(i64),
    Real(f64),
    Text(&'a str),
}

/// How a value stands to a constant; `None` where the value is missing or of another type.
fn order(value: &Value, literal: &Literal) -> Option<Ordering> {
    let value = match value {
        Value::Integer(i) => Side::Whole(*i),
        Value::Days(d) => Side::Whole(i64::from(*d)),
        Value::Real(x) => Side::Real(*x),
        Value::Text(t) => Side::Text(t),
        Value::Missing => return None,
    };
    value.order(&literal.side())
}

impl Literal {
    fn side(&self) -> Side<'_> {
        match self {
            Self::Integer(i) => Side::Whole(*i),
            Self::Real(x) => Side::Real(*x),
            Self::Text(t) => Side::Text(t),
        }
    }
}

impl Side<'_> {
    #[allow(
        clippy::cast_precision_loss,
        reason = "beyond 2^53 a whole number is compared as its nearest real"
    )]
    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(b)),
            (Self::Whole(a), Self::Real(b)) => (*a as f64).partial_cmp(b),
            (Self::Real(a), Self::Whole(b)) => a.partial_cmp(&(*b as f64)),
            (Self::Real(a), Self::Real(b)) => a.partial_cmp(b),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Text(_), Self::Whole(_) | Self::Real(_))
            | (Self::Whole(_) | Self::Real(_), Self::Text(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests;
