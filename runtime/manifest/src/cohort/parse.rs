//! The grammar, by recursive descent.
//!
//! ```text
//! or     = and { "or" and }
//! and    = factor { "and" factor }
//! factor = "not" factor | "(" or ")" | name test
//! test   = sign literal | "in" "(" literal { "," literal } ")" | "between" literal "and" literal
//! ```

use super::token::{Token, tokens};
use super::{Condition, Expr, Literal, Op, Test};
use crate::text::Problem;
use std::ops::Range;

/// Longer texts and deeper brackets are refused before they cost anything.
const MAX_BYTES: usize = 4096;
const MAX_DEPTH: usize = 32;
const KEYWORDS: [&str; 5] = ["and", "or", "not", "in", "between"];
pub(super) const SHAPE: &str = "write conditions such as `age_years >= 18`, `sex in (\"F\", \"M\")` or \
                     `age_years between 18 and 75`, joined by `and`, `or`, `not` and ( )";

/// Parses a whole text; the spans of a problem count from its first byte.
pub(crate) fn expression(text: &str) -> Result<Expr, Problem> {
    if text.len() > MAX_BYTES {
        return Err(Problem::new(
            0..text.len(),
            "the cohort expression is too long",
            "write at most 4096 bytes",
        ));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, end: text.len(), depth: 0 };
    let expr = parser.or()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.unexpected("the end, `and` or `or`")),
    }
}

struct Parser {
    tokens: Vec<(Token, Range<usize>)>,
    next: usize,
    end: usize,
    depth: usize,
}

impl Parser {
    fn or(&mut self) -> Result<Expr, Problem> {
        let mut all = vec![self.and()?];
        while self.take_word("or") {
            all.push(self.and()?);
        }
        Ok(single(all, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, Problem> {
        let mut all = vec![self.factor()?];
        while self.take_word("and") {
            all.push(self.factor()?);
        }
        Ok(single(all, Expr::And))
    }

    fn factor(&mut self) -> Result<Expr, Problem> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(Problem::new(
                self.here(),
                "brackets are nested too deeply",
                "nest at most 32 of ( and not",
            ));
        }
        let expr = if self.take_word("not") {
            Expr::Not(Box::new(self.factor()?))
        } else if self.take(&Token::Open) {
            let inner = self.or()?;
            self.expect(&Token::Close, "`)`")?;
            inner
        } else {
            Expr::Test(self.test()?)
        };
        self.depth = self.depth.saturating_sub(1);
        Ok(expr)
    }

    fn test(&mut self) -> Result<Test, Problem> {
        let Some(Token::Word(name)) = self.peek().cloned() else {
            return Err(self.unexpected("a name"));
        };
        if KEYWORDS.contains(&name.as_str()) {
            return Err(self.unexpected("a name"));
        }
        self.next = self.next.saturating_add(1);
        let condition = match self.peek().cloned() {
            Some(Token::Sign(op)) => self.compare(op)?,
            Some(Token::Word(word)) if word == "in" => self.list()?,
            Some(Token::Word(word)) if word == "between" => self.between()?,
            _ => return Err(self.unexpected("= != < <= > >= `in` or `between`")),
        };
        Ok(Test { name, condition })
    }

    fn compare(&mut self, op: Op) -> Result<Condition, Problem> {
        let sign = self.here();
        self.next = self.next.saturating_add(1);
        let literal = self.literal()?;
        if matches!(literal, Literal::Text(_)) && !matches!(op, Op::Equal | Op::Unequal) {
            let help = "text has no order: compare it with `=`, `!=` or `in (..)`";
            return Err(Problem::new(sign, format!("`{op}` does not compare text"), help));
        }
        Ok(Condition::Compare(op, literal))
    }

    fn list(&mut self) -> Result<Condition, Problem> {
        self.next = self.next.saturating_add(1);
        self.expect(&Token::Open, "`(`")?;
        let mut list = vec![self.literal()?];
        while self.take(&Token::Comma) {
            list.push(self.literal()?);
        }
        self.expect(&Token::Close, "`,` or `)`")?;
        Ok(Condition::In(list))
    }

    fn between(&mut self) -> Result<Condition, Problem> {
        self.next = self.next.saturating_add(1);
        let low = self.number()?;
        if !self.take_word("and") {
            return Err(self.unexpected("`and` and the upper end"));
        }
        let from = self.here().start;
        let high = self.number()?;
        if low.side().order(&high.side()).is_none_or(std::cmp::Ordering::is_gt) {
            let help = "write the smaller number first: `between 18 and 75`";
            return Err(Problem::new(from..self.behind(), "no number lies between these two", help));
        }
        Ok(Condition::Between(low, high))
    }

    fn number(&mut self) -> Result<Literal, Problem> {
        match self.peek() {
            Some(Token::Literal(Literal::Integer(_) | Literal::Real(_))) => self.literal(),
            _ => Err(self.unexpected("a number")),
        }
    }

    fn literal(&mut self) -> Result<Literal, Problem> {
        match self.peek().cloned() {
            Some(Token::Literal(literal)) => {
                self.next = self.next.saturating_add(1);
                Ok(literal)
            }
            Some(Token::Word(word)) => {
                let help = format!("write text in double quotes: \"{word}\"");
                Err(Problem::new(self.here(), format!("`{word}` is a name, not a value"), help))
            }
            _ => Err(self.unexpected("a number or a text in double quotes")),
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    fn here(&self) -> Range<usize> {
        self.tokens.get(self.next).map_or(self.end..self.end, |(_, span)| span.clone())
    }

    /// Where the last token that was taken ends.
    fn behind(&self) -> usize {
        self.tokens.get(self.next.saturating_sub(1)).map_or(self.end, |(_, span)| span.end)
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.next = self.next.saturating_add(usize::from(found));
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.take(&Token::Word(word.to_owned()))
    }

    fn expect(&mut self, token: &Token, wanted: &str) -> Result<(), Problem> {
        if self.take(token) { Ok(()) } else { Err(self.unexpected(wanted)) }
    }

    fn unexpected(&self, wanted: &str) -> Problem {
        let lower = match self.peek() {
            Some(Token::Word(word)) => {
                KEYWORDS.into_iter().find(|k| word != k && word.eq_ignore_ascii_case(k))
            }
            _ => None,
        };
        let help =
            lower.map_or_else(|| SHAPE.to_owned(), |k| format!("keywords are lower case: write `{k}`"));
        let found = if self.peek().is_some() { "something else" } else { "the end" };
        Problem::new(self.here(), format!("expected {wanted}, found {found}"), help)
    }
}

fn single(mut all: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match all.pop() {
        Some(only) if all.is_empty() => only,
        last => join(all.into_iter().chain(last).collect()),
    }
}
