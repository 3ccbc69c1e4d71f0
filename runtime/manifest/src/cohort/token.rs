//! The words, signs and constants of a cohort expression.

use super::parse::SHAPE;
use super::{Literal, Op};
use crate::text::Problem;
use std::ops::Range;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Literal(Literal),
    Sign(Op),
    Open,
    Close,
    Comma,
}

/// Every token with its place.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, Problem> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        let start = at.saturating_add(rest.len().saturating_sub(trimmed.len()));
        if trimmed.is_empty() {
            return Ok(found);
        }
        let (token, length) = token(trimmed).map_err(|(length, message, help)| {
            Problem::new(start..start.saturating_add(length), message, help)
        })?;
        at = start.saturating_add(length);
        found.push((token, start..at));
    }
}

type Fault = (usize, String, String);

/// The first token of `rest` and its length.
fn token(rest: &str) -> Result<(Token, usize), Fault> {
    let single = [("(", Token::Open), (")", Token::Close), (",", Token::Comma)];
    if let Some((sign, token)) = single.into_iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Ok((token, sign.len()));
    }
    if let Some((wrong, right)) = foreign(rest) {
        return Err((wrong.len(), format!("`{wrong}` is not used here"), format!("write `{right}`")));
    }
    if let Some((sign, op)) = Op::SIGNS.into_iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Ok((Token::Sign(op), sign.len()));
    }
    let word = run(rest, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+'));
    match rest.chars().next() {
        Some('"') => string(rest),
        Some(c) if c.is_ascii_alphabetic() => {
            name(run(rest, |c| c.is_ascii_alphanumeric() || "_-".contains(c)))
        }
        Some(c) if c.is_ascii_digit() || c == '-' => number(word),
        other => {
            let length = other.map_or(0, char::len_utf8);
            Err((length, "this character means nothing here".into(), SHAPE.into()))
        }
    }
}

/// Signs of other languages and what to write for them.
fn foreign(rest: &str) -> Option<(&'static str, &'static str)> {
    let signs =
        [("==", "="), ("<>", "!="), ("&&", "and"), ("||", "or"), ("=<", "<="), ("=>", ">="), ("'", "\"")];
    signs.into_iter().find(|(wrong, _)| rest.starts_with(wrong))
}

fn run(rest: &str, part: impl Fn(char) -> bool) -> &str {
    let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
    rest.get(..length).unwrap_or(rest)
}

fn name(word: &str) -> Result<(Token, usize), Fault> {
    if word.len() > 64 {
        return Err((word.len(), "this name is too long".into(), "a name has at most 64 characters".into()));
    }
    Ok((Token::Word(word.to_owned()), word.len()))
}

fn number(word: &str) -> Result<(Token, usize), Fault> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    if let Ok(whole) = word.parse::<i64>() {
        return Ok((Token::Literal(Literal::Integer(whole)), word.len()));
    }
    // A plain decimal alone: Rust would also read 1., .5, inf and nan.
    let plain = digits.split_once('.').is_some_and(|(a, b)| {
        [a, b].iter().all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()))
    });
    match word.parse::<f64>() {
        Ok(real) if plain && real.is_finite() => Ok((Token::Literal(Literal::Real(real)), word.len())),
        _ => Err((word.len().max(1), format!("`{word}` is not a number"), "write 18, -3 or 2.5".into())),
    }
}

fn string(rest: &str) -> Result<(Token, usize), Fault> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((Token::Literal(Literal::Text(text)), at.saturating_add(1))),
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                _ => return Err((at, "unknown escape".into(), "after \\ write \\ or \"".into())),
            },
            c => text.push(c),
        }
    }
    Err((rest.len(), "this text has no end".into(), "close it with a double quote".into()))
}
