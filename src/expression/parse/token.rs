//! The words of a formula.

use std::ops::Range;

use super::ExpressionError;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Name,
    Plus,
    Minus,
    Star,
    Slash,
    Caret,
    Open,
    Close,
    Comma,
    Question,
    Colon,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    And,
    Or,
    Not,
    End,
}

/// A token and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token {
    pub(super) fn span(self) -> Range<usize> {
        self.start..self.end
    }
}

/// Symbols; of two that fit the longer comes first.
const SYMBOLS: [(&str, Kind); 19] = [
    ("<=", Kind::LessEqual),
    (">=", Kind::GreaterEqual),
    ("==", Kind::Equal),
    ("!=", Kind::NotEqual),
    ("&&", Kind::And),
    ("||", Kind::Or),
    ("<", Kind::Less),
    (">", Kind::Greater),
    ("!", Kind::Not),
    ("+", Kind::Plus),
    ("-", Kind::Minus),
    ("*", Kind::Star),
    ("/", Kind::Slash),
    ("^", Kind::Caret),
    ("(", Kind::Open),
    (")", Kind::Close),
    (",", Kind::Comma),
    ("?", Kind::Question),
    (":", Kind::Colon),
];

/// All tokens of a text, then [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ExpressionError> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let rest = &text[start..];
        let (kind, length) = if first.is_whitespace() {
            start += first.len_utf8();
            continue;
        } else if first.is_ascii_digit() || first == '.' {
            (Kind::Number, number_length(rest))
        } else if first.is_alphabetic() || first == '_' {
            (Kind::Name, rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len()))
        } else if rest.starts_with("**") {
            return Err(ExpressionError::new(start..start + 2, "`**` is not an operator here; powers are written `x^2`"));
        } else if let Some((symbol, kind)) = SYMBOLS.iter().find(|(symbol, _)| rest.starts_with(symbol)) {
            (*kind, symbol.len())
        } else {
            return Err(unknown_character(first, start));
        };
        tokens.push(Token { kind, start, end: start + length });
        start += length;
    }
    tokens.push(Token { kind: Kind::End, start: text.len(), end: text.len() });
    Ok(tokens)
}

/// Bytes of the number a text starts with: digits, points and underscores, with a signed exponent. Whether it is well formed is seen later.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let body = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_')).count();
    let mut length = body(0);
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = body(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

fn unknown_character(character: char, start: usize) -> ExpressionError {
    let span = start..start + character.len_utf8();
    let advice = match character {
        '=' => "to compare write `==`",
        '&' => "write `&&`",
        '|' => "write `||`, or `abs(x)`",
        '[' | ']' | '{' | '}' => "group with `(` and `)`",
        '×' | '·' => "to multiply write `*`",
        '−' => "write a plain `-`",
        ';' => "a formula is one expression",
        _ => "formulas are made of numbers, names, + - * / ^, comparisons and parentheses",
    };
    ExpressionError::new(span, format!("`{}` has no meaning here; {advice}", character.escape_debug()))
}
