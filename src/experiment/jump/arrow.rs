//! Reaction equations: `2 A + B <-> C`.

use std::ops::Range;

/// One species of a side, how many of it, and where it stands in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    pub(super) species: String,
    pub(super) count: u32,
    pub(super) span: Range<usize>,
}

/// A parsed equation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Equation {
    pub(super) reactants: Vec<Term>,
    pub(super) products: Vec<Term>,
    pub(super) reversible: bool,
}

/// What is wrong, and where.
pub(super) type Fault = (Range<usize>, String, String);

/// Largest number of molecules of a species in a side.
const MOST: u32 = 100;

/// Parses an equation. An empty side, or `0`, is the outside world.
pub(super) fn parse(text: &str) -> Result<Equation, Fault> {
    let arrows: Vec<(usize, &str)> = ["<->", "->"].iter().filter_map(|arrow| text.find(arrow).map(|at| (at, *arrow))).collect();
    let Some(&(at, arrow)) = arrows.first() else {
        return Err((0..text.len(), "a reaction needs an arrow".to_owned(), "expected `A + B -> C` or `A + B <-> C`".to_owned()));
    };
    let after = at + arrow.len();
    if let Some(second) = text[after..].find("->") {
        let place = after + second;
        return Err((place..place + 2, "a reaction has one arrow".to_owned(), "write a reaction for each step".to_owned()));
    }
    if text[..at].trim().is_empty() && text[after..].trim().is_empty() {
        return Err((0..text.len(), "nothing is on either side of the arrow".to_owned(), "expected a species on one side at least, as in `0 -> A`".to_owned()));
    }
    Ok(Equation { reactants: side(text, 0..at)?, products: side(text, after..text.len())?, reversible: arrow == "<->" })
}

fn side(text: &str, range: Range<usize>) -> Result<Vec<Term>, Fault> {
    let whole = text[range.clone()].trim();
    if whole.is_empty() || whole == "0" || whole == "∅" {
        return Ok(Vec::new());
    }
    let mut terms: Vec<Term> = Vec::new();
    let mut start = range.start;
    for part in text[range].split('+') {
        let span = trimmed(text, start..start + part.len());
        start += part.len() + 1;
        let term = term(text, span)?;
        match terms.iter_mut().find(|known| known.species == term.species) {
            Some(known) => known.count += term.count,
            None => terms.push(term),
        }
    }
    Ok(terms)
}

fn term(text: &str, span: Range<usize>) -> Result<Term, Fault> {
    let words = &text[span.clone()];
    // A number with a point is read whole, so as to be refused by its name.
    let digits = words.len() - words.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (number, rest) = words.split_at(digits);
    let name = rest.trim_start_matches(|c: char| c == '*' || c.is_whitespace());
    let count = if number.is_empty() { Some(1) } else { number.parse::<u32>().ok().filter(|count| (1..=MOST).contains(count)) };
    let Some(count) = count else {
        return Err((span, format!("`{number}` is not a number of molecules"), format!("expected 1 to {MOST}")));
    };
    if name.is_empty() || name.split_whitespace().count() != 1 {
        return Err((span, "a term of a reaction is a number and a species".to_owned(), "expected as in `2 A`".to_owned()));
    }
    let end = span.end;
    Ok(Term { species: name.to_owned(), count, span: end - name.len()..end })
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(terms: &[Term]) -> Vec<(String, u32)> {
        terms.iter().map(|term| (term.species.clone(), term.count)).collect()
    }

    #[test]
    fn sides_and_arrows() {
        let equation = parse("2 A + B <-> C + A").expect("an equation");
        assert!(equation.reversible);
        assert_eq!(shown(&equation.reactants), [("A".to_owned(), 2), ("B".to_owned(), 1)]);
        assert_eq!(shown(&equation.products), [("C".to_owned(), 1), ("A".to_owned(), 1)]);
        assert_eq!(equation.reactants[1].span, 6..7);
        for text in ["-> A", "0 -> A", "∅ -> A"] {
            let equation = parse(text).expect("an equation");
            assert!(equation.reactants.is_empty() && !equation.reversible, "{text}");
        }
        assert_eq!(shown(&parse("A + A -> 3*B").expect("an equation").reactants), [("A".to_owned(), 2)]);
    }

    #[test]
    fn what_is_no_equation_is_refused_at_its_place() {
        for (text, place, word) in [
            ("A + B", 0..5, "arrow"),
            ("A -> B -> C", 7..9, "one arrow"),
            ("A + -> B", 4..4, "a number and a species"),
            ("0A -> B", 0..2, "number"),
            ("0.5 A -> B", 0..5, "`0.5`"),
            (" <-> ", 0..5, "nothing"),
        ] {
            let (span, message, _) = parse(text).expect_err(text);
            assert!(span == place && message.contains(word), "{text}: {span:?} {message}");
        }
    }
}
