//! Reads formulas: tokens with byte spans, then precedence climbing that builds nodes directly.
//!
//! From loosest to tightest: `a ? b : c` · `||` · `&&` · comparisons (not chained) · `+ -` · `* /` · prefix `- + !` · `^` (to the right).
//! So `-x^2` is `-(x^2)`, `2^-x` is allowed and `A / -B * C` is `(A / (-B)) * C`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::functions::{CONSTANTS, FUNCTIONS, Function};
use super::graph::{Graph, Node, Symbol};
use token::{Kind, Token, tokens};

mod token;

/// Deepest nesting of parentheses, signs, powers and conditions.
const DEEPEST: usize = 200;
/// How many names an error lists at most.
const LISTED: usize = 12;
/// The conditional written as a call.
const CONDITIONAL: &str = "if";

/// Why a text is no formula, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// Bytes of the text that are at fault.
    pub span: Range<usize>,
    /// What is wrong and what was expected.
    pub message: String,
    /// The nearest valid name, if one is near.
    pub suggestion: Option<String>,
}

impl ExpressionError {
    /// An error without a suggestion.
    fn new(span: Range<usize>, message: impl Into<String>) -> ExpressionError {
        ExpressionError { span, message: message.into(), suggestion: None }
    }
}

/// The names a formula may use, and what they stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    names: BTreeMap<String, Symbol>,
}

impl Scope {
    /// No names.
    pub fn new() -> Scope {
        Scope::default()
    }

    /// This scope and one more name.
    pub fn with(mut self, name: impl Into<String>, symbol: Symbol) -> Scope {
        self.insert(name, symbol);
        self
    }

    /// Adds a name; gives back what it stood for before.
    pub fn insert(&mut self, name: impl Into<String>, symbol: Symbol) -> Option<Symbol> {
        self.names.insert(name.into(), symbol)
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<Symbol> {
        self.names.get(name).copied()
    }

    /// All names, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Symbol)> {
        self.names.iter().map(|(name, &symbol)| (name.as_str(), symbol))
    }
}

/// Whether a name belongs to the language: a function, a constant or `if`.
pub fn is_reserved(name: &str) -> bool {
    name == CONDITIONAL || Function::named(name).is_some() || CONSTANTS.iter().any(|&(constant, _)| constant == name)
}

impl Graph {
    /// Reads a formula whose names are those of `scope`, the constants and the functions.
    ///
    /// # Errors
    /// An [`ExpressionError`] with the place, what was expected and the nearest valid name.
    pub fn parse(&mut self, text: &str, scope: &Scope) -> Result<Node, ExpressionError> {
        let tokens = tokens(text)?;
        let mut parser = Parser { graph: self, scope, text, tokens: &tokens, next: 0, depth: 0 };
        if parser.peek().kind == Kind::End {
            return Err(ExpressionError::new(0..text.len(), "the formula is empty; a number, a name or a function was expected"));
        }
        let node = parser.expression(0)?;
        match parser.peek().kind {
            Kind::End => Ok(node),
            _ => Err(parser.trailing()),
        }
    }
}

/// An operator between two operands.
#[derive(Clone, Copy, PartialEq)]
enum Infix {
    Conditional,
    Or,
    And,
    Compare,
    Sum,
    Product,
    Power,
}

/// How tightly the operand of a sign binds: tighter than `*`, looser than `^`.
const PREFIX: u8 = 7;

/// Operator and binding of a token, if it stands between operands.
fn infix(kind: Kind) -> Option<(Infix, u8)> {
    Some(match kind {
        Kind::Question => (Infix::Conditional, 1),
        Kind::Or => (Infix::Or, 2),
        Kind::And => (Infix::And, 3),
        Kind::Less | Kind::LessEqual | Kind::Greater | Kind::GreaterEqual | Kind::Equal | Kind::NotEqual => (Infix::Compare, 4),
        Kind::Plus | Kind::Minus => (Infix::Sum, 5),
        Kind::Star | Kind::Slash => (Infix::Product, 6),
        Kind::Caret => (Infix::Power, 8),
        _ => return None,
    })
}

struct Parser<'a> {
    graph: &'a mut Graph,
    scope: &'a Scope,
    text: &'a str,
    /// Never empty: the last one is [`Kind::End`].
    tokens: &'a [Token],
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Token {
        self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn advance(&mut self) -> Token {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn slice(&self, token: Token) -> &str {
        &self.text[token.span()]
    }

    /// An expression whose operators bind at least as tightly as `least`.
    fn expression(&mut self, least: u8) -> Result<Node, ExpressionError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(ExpressionError::new(self.peek().span(), format!("the formula is nested more than {DEEPEST} deep; split it")));
        }
        let mut left = self.operand()?;
        while let Some((operator, binding)) = infix(self.peek().kind)
            && binding >= least
        {
            let token = self.advance();
            left = self.combine(left, operator, binding, token)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// Reads the right side of an operator and builds the node.
    fn combine(&mut self, left: Node, operator: Infix, binding: u8, token: Token) -> Result<Node, ExpressionError> {
        if operator == Infix::Conditional {
            let yes = self.expression(1)?;
            self.expect(Kind::Colon, token, "a `?` needs its `:`, as in `x > 0 ? a : b`")?;
            let no = self.expression(1)?;
            return Ok(self.graph.select(left, yes, no));
        }
        let right = self.expression(if operator == Infix::Power { PREFIX } else { binding + 1 })?;
        if operator == Infix::Compare && matches!(infix(self.peek().kind), Some((Infix::Compare, _))) {
            return Err(ExpressionError::new(self.peek().span(), "comparisons cannot be chained; write `a < b && b < c`"));
        }
        let graph = &mut *self.graph;
        Ok(match token.kind {
            Kind::Or => {
                let (one, right) = (graph.constant(1.0), graph.truth(right));
                graph.select(left, one, right)
            }
            Kind::And => {
                let (zero, right) = (graph.constant(0.0), graph.truth(right));
                graph.select(left, right, zero)
            }
            Kind::Less => graph.less(left, right),
            Kind::LessEqual => graph.less_equal(left, right),
            Kind::Greater => graph.less(right, left),
            Kind::GreaterEqual => graph.less_equal(right, left),
            Kind::Equal => graph.equal(left, right),
            Kind::NotEqual => graph.not_equal(left, right),
            Kind::Plus => graph.add(left, right),
            Kind::Minus => graph.sub(left, right),
            Kind::Star => graph.mul(left, right),
            Kind::Slash => graph.div(left, right),
            _ => graph.pow(left, right),
        })
    }

    /// A number, a name, a call, something in parentheses, or one of these with a sign.
    fn operand(&mut self) -> Result<Node, ExpressionError> {
        let token = self.advance();
        match token.kind {
            Kind::Number => self.number(token),
            Kind::Name => self.name(token),
            Kind::Open => {
                let inner = self.expression(0)?;
                self.expect(Kind::Close, token, "this parenthesis is never closed; expected `)`")?;
                Ok(inner)
            }
            Kind::Plus => self.expression(PREFIX),
            Kind::Minus => {
                let operand = self.expression(PREFIX)?;
                Ok(self.graph.neg(operand))
            }
            Kind::Not => {
                let operand = self.expression(PREFIX)?;
                let (zero, one) = (self.graph.constant(0.0), self.graph.constant(1.0));
                Ok(self.graph.select(operand, zero, one))
            }
            Kind::End => Err(ExpressionError::new(token.span(), "the formula ends too early; a number, a name or `(` was expected")),
            _ => {
                let message = format!("`{}` is misplaced; a number, a name or `(` was expected", self.slice(token));
                Err(ExpressionError::new(token.span(), message))
            }
        }
    }

    /// Takes a token of that kind; otherwise says what `opening` lacks.
    fn expect(&mut self, kind: Kind, opening: Token, message: &str) -> Result<(), ExpressionError> {
        let found = self.advance();
        if found.kind == kind {
            return Ok(());
        }
        if found.kind == Kind::End {
            return Err(ExpressionError::new(opening.span(), message));
        }
        Err(ExpressionError::new(found.span(), format!("`{}` is misplaced; {message}", self.slice(found))))
    }

    fn number(&mut self, token: Token) -> Result<Node, ExpressionError> {
        let digits = self.slice(token).replace('_', "");
        match digits.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(self.graph.constant(value)),
            Ok(_) => Err(ExpressionError::new(token.span(), "this number is too large; the largest is about 1.8e308")),
            Err(_) => Err(ExpressionError::new(token.span(), format!("`{}` is not a number; write 2.5, .5, 1e-3 or 1_000", self.slice(token)))),
        }
    }

    /// A symbol, a constant, or a call.
    fn name(&mut self, token: Token) -> Result<Node, ExpressionError> {
        let name = self.slice(token);
        let called = self.peek().kind == Kind::Open;
        let symbol = self.scope.get(name);
        let constant = CONSTANTS.iter().find(|(constant, _)| *constant == name);
        if name == CONDITIONAL && called {
            let [condition, yes, no] = self.arguments(token, CONDITIONAL, 3)?[..] else {
                return Err(self.wrong_arity(token, CONDITIONAL, 3, 0));
            };
            return Ok(self.graph.select(condition, yes, no));
        }
        match (symbol, constant, Function::named(name)) {
            (Some(_), ..) | (_, Some(_), _) if called => {
                let message = format!("`{name}` is a number, not a function; to multiply write `{name} * (`");
                Err(ExpressionError::new(token.span(), message))
            }
            (Some(symbol), ..) => Ok(self.graph.symbol(symbol)),
            (None, Some(&(_, value)), _) => Ok(self.graph.constant(value)),
            (None, None, Some(function)) if called => {
                let arguments = self.arguments(token, function.name(), function.arity())?;
                Ok(self.graph.call(function, &arguments))
            }
            (None, None, Some(function)) => {
                let dots = ["x", "x, y"][function.arity() - 1];
                Err(ExpressionError::new(token.span(), format!("`{name}` is a function; write `{name}({dots})`")))
            }
            (None, None, None) if called => Err(self.unknown_function(token)),
            (None, None, None) => Err(self.unknown_name(token)),
        }
    }

    /// The arguments of a call, exactly `arity` of them.
    fn arguments(&mut self, name: Token, called: &str, arity: usize) -> Result<Vec<Node>, ExpressionError> {
        let open = self.advance();
        let mut arguments = Vec::new();
        if self.peek().kind == Kind::Close {
            self.advance();
            return Err(self.wrong_arity(name, called, arity, 0));
        }
        loop {
            arguments.push(self.expression(0)?);
            if self.peek().kind != Kind::Comma {
                break;
            }
            self.advance();
        }
        self.expect(Kind::Close, open, "this parenthesis is never closed; expected `,` or `)`")?;
        if arguments.len() == arity { Ok(arguments) } else { Err(self.wrong_arity(name, called, arity, arguments.len())) }
    }

    fn wrong_arity(&self, name: Token, called: &str, arity: usize, found: usize) -> ExpressionError {
        let end = self.tokens[self.next.saturating_sub(1)].end;
        let plural = if arity == 1 { "" } else { "s" };
        ExpressionError::new(name.start..end, format!("`{called}` takes {arity} argument{plural}, here are {found}"))
    }

    fn trailing(&self) -> ExpressionError {
        let token = self.peek();
        let text = self.slice(token);
        let message = match token.kind {
            Kind::Close => "this `)` closes nothing; remove it or add `(`".to_owned(),
            Kind::Number | Kind::Name | Kind::Open => format!("an operator is missing before `{text}`; to multiply write `*`"),
            _ => format!("`{text}` is misplaced; an operator or the end of the formula was expected"),
        };
        ExpressionError::new(token.span(), message)
    }

    fn unknown_function(&self, token: Token) -> ExpressionError {
        let name = self.slice(token);
        let functions: Vec<&str> = FUNCTIONS.iter().map(|function| function.name()).chain([CONDITIONAL]).collect();
        let message = format!("there is no function `{name}`; there are {}", functions.join(", "));
        ExpressionError { span: token.span(), message, suggestion: nearest(name, functions.into_iter()) }
    }

    fn unknown_name(&self, token: Token) -> ExpressionError {
        let name = self.slice(token);
        let names: Vec<&str> = self.scope.iter().map(|(name, _)| name).chain(CONSTANTS.iter().map(|&(name, _)| name)).collect();
        let mut message = format!("unknown name `{name}`");
        if names.len() <= LISTED {
            message += &format!("; available here: {}", names.join(", "));
        }
        ExpressionError { span: token.span(), message, suggestion: nearest(name, names.into_iter()) }
    }
}

/// Functions under names they have elsewhere.
const SYNONYMS: [(&str, &str); 5] = [("ln", "log"), ("sgn", "sign"), ("arcsin", "asin"), ("arccos", "acos"), ("arctan", "atan")];

/// The candidate most like a name, if it is like it at all.
fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let lower = name.to_lowercase();
    let likeness = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        // Edits decide; of equals, the one with the longer common beginning.
        let synonym = f64::from(SYNONYMS.contains(&(lower.as_str(), candidate.as_str())));
        synonym + strsim::normalized_damerau_levenshtein(&lower, &candidate) + 0.01 * strsim::jaro_winkler(&lower, &candidate)
    };
    let best = candidates.map(|candidate| (likeness(candidate), candidate)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= 0.5).then(|| best.1.to_owned())
}

#[cfg(test)]
mod tests;
