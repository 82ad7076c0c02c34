//! Formulas between MathML and ness: a tree that is written as text and evaluated at the start.

use std::rc::Rc;

/// What a name in a formula stands for, by its place in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Symbol {
    /// Time.
    Time,
    /// The copy number of a species.
    Count(usize),
    /// A parameter or the size of a compartment.
    Constant(usize),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
}

/// The tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Number(f64),
    Symbol(Symbol),
    /// Terms from left to right, each with whether it is subtracted.
    Sum(Vec<(bool, Formula)>),
    /// Factors from left to right, each with whether it divides.
    Product(Vec<(bool, Formula)>),
    Negative(Formula),
    Power(Formula, Formula),
    Call(&'static str, Vec<Formula>),
    Compare(Relation, Formula, Formula),
    And(Vec<Formula>),
    Or(Vec<Formula>),
    Not(Formula),
    Select(Formula, Formula, Formula),
}

/// A formula; copies are cheap, and share what they hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Formula(Rc<Inner>);

#[derive(Debug, PartialEq)]
struct Inner {
    kind: Kind,
    size: usize,
    depth: usize,
}

/// Most numbers, names and operations of a formula once everything is put in.
const LARGEST: usize = 4000;
/// Deepest nesting; ness reads formulas up to 200 parentheses and operators deep, of which a level here takes two.
const DEEPEST: usize = 64;

impl Formula {
    /// A node; its limits are looked at by [`Formula::excess`].
    pub(super) fn new(kind: Kind) -> Self {
        let (mut size, mut depth) = (1_usize, 0);
        for part in parts(&kind) {
            size = size.saturating_add(part.0.size);
            depth = depth.max(part.0.depth);
        }
        Self(Rc::new(Inner { kind, size, depth: depth + 1 }))
    }

    pub(super) fn number(value: f64) -> Self {
        // No negative zero, which would be written with a sign.
        Self::new(Kind::Number(value + 0.0))
    }

    pub(super) fn symbol(symbol: Symbol) -> Self {
        Self::new(Kind::Symbol(symbol))
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// Terms from left to right, each with whether it is subtracted; a sum at the left goes on, which changes no rounding.
    pub(super) fn sum(terms: impl Iterator<Item = (bool, Formula)>) -> Self {
        let begun = |first: &Formula| if let Kind::Sum(terms) = first.kind() { Some(terms.clone()) } else { None };
        chain(terms, 0.0, begun, Kind::Sum)
    }

    /// Factors from left to right, each with whether it divides; a product at the left goes on.
    pub(super) fn product(factors: impl Iterator<Item = (bool, Formula)>) -> Self {
        let begun = |first: &Formula| if let Kind::Product(factors) = first.kind() { Some(factors.clone()) } else { None };
        chain(factors, 1.0, begun, Kind::Product)
    }

    /// `self - other`.
    pub(super) fn less(self, other: Formula) -> Self {
        Self::sum([(false, self), (true, other)].into_iter())
    }

    /// `self / other`.
    pub(super) fn over(self, other: Formula) -> Self {
        Self::product([(false, self), (true, other)].into_iter())
    }

    /// `self * other`.
    pub(super) fn times(self, other: Formula) -> Self {
        Self::product([(false, self), (false, other)].into_iter())
    }

    pub(super) fn negative(self) -> Self {
        match self.kind() {
            Kind::Number(value) => Self::number(-value),
            _ => Self::new(Kind::Negative(self)),
        }
    }

    pub(super) fn call(function: &'static str, argument: Formula) -> Self {
        Self::new(Kind::Call(function, vec![argument]))
    }

    /// What about the formula is too much, if anything.
    pub(super) fn excess(&self) -> Option<String> {
        match () {
            () if self.0.size > LARGEST => Some(format!("once functions and rules are put in, the formula has more than {LARGEST} parts")),
            () if self.0.depth > DEEPEST => Some(format!("once functions and rules are put in, the formula is nested more than {DEEPEST} deep")),
            () => None,
        }
    }

    /// Calls `see` with every symbol, as often as it occurs.
    pub(super) fn visit(&self, see: &mut dyn FnMut(Symbol)) {
        if let Kind::Symbol(symbol) = self.kind() {
            see(*symbol);
        }
        parts(self.kind()).for_each(|part| part.visit(see));
    }

    /// Whether a symbol that fits occurs.
    pub(super) fn reads(&self, fits: impl Fn(Symbol) -> bool) -> bool {
        let mut found = false;
        self.visit(&mut |symbol| found |= fits(symbol));
        found
    }

    /// The value where `value` gives that of every symbol; a comparison is 1 or 0.
    pub(super) fn evaluate(&self, value: &dyn Fn(Symbol) -> f64) -> f64 {
        let at = |formula: &Formula| formula.evaluate(value);
        let truth = |holds: bool| f64::from(u8::from(holds));
        match self.kind() {
            Kind::Number(number) => *number,
            Kind::Symbol(symbol) => value(*symbol),
            Kind::Sum(terms) => terms.iter().fold(0.0, |sum, (subtract, term)| if *subtract { sum - at(term) } else { sum + at(term) }),
            Kind::Product(factors) => factors.iter().fold(1.0, |product, (divide, factor)| if *divide { product / at(factor) } else { product * at(factor) }),
            Kind::Negative(inner) => -at(inner),
            Kind::Power(base, exponent) => at(base).powf(at(exponent)),
            Kind::Call(name, arguments) => {
                let argument = |which: usize| arguments.get(which).map_or(f64::NAN, at);
                crate::expression::Function::named(name).map_or(f64::NAN, |function| function.evaluate([argument(0), argument(1)]))
            }
            Kind::Compare(relation, left, right) => truth(relation.holds(at(left), at(right))),
            Kind::And(all) => truth(all.iter().all(|one| at(one) != 0.0)),
            Kind::Or(all) => truth(all.iter().any(|one| at(one) != 0.0)),
            Kind::Not(inner) => truth(at(inner) == 0.0),
            Kind::Select(condition, yes, no) => {
                if at(condition) != 0.0 {
                    at(yes)
                } else {
                    at(no)
                }
            }
        }
    }
}

/// What `Formula::sum` and `Formula::product` share; `begun` gives what the first one already holds.
fn chain(
    mut all: impl Iterator<Item = (bool, Formula)>,
    empty: f64,
    begun: impl Fn(&Formula) -> Option<Vec<(bool, Formula)>>,
    kind: impl Fn(Vec<(bool, Formula)>) -> Kind,
) -> Formula {
    let Some((_, first)) = all.next() else { return Formula::number(empty) };
    let mut whole = begun(&first).unwrap_or_else(|| vec![(false, first)]);
    whole.extend(all);
    match &whole[..] {
        [(_, only)] => only.clone(),
        _ => Formula::new(kind(whole)),
    }
}

fn parts(kind: &Kind) -> Box<dyn Iterator<Item = &Formula> + '_> {
    match kind {
        Kind::Number(_) | Kind::Symbol(_) => Box::new(std::iter::empty()),
        Kind::Sum(list) | Kind::Product(list) => Box::new(list.iter().map(|(_, part)| part)),
        Kind::Call(_, list) | Kind::And(list) | Kind::Or(list) => Box::new(list.iter()),
        Kind::Negative(one) | Kind::Not(one) => Box::new([one].into_iter()),
        Kind::Power(one, two) | Kind::Compare(_, one, two) => Box::new([one, two].into_iter()),
        Kind::Select(one, two, three) => Box::new([one, two, three].into_iter()),
    }
}

impl Relation {
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterEqual => left >= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
        }
    }

    /// The relation with its sides exchanged.
    pub(super) fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            same => same,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }
}

/// How tightly operators of ness bind; see `expression/parse.rs`.
mod binding {
    pub(super) const OR: u8 = 2;
    pub(super) const AND: u8 = 3;
    pub(super) const COMPARE: u8 = 4;
    pub(super) const SUM: u8 = 5;
    pub(super) const PRODUCT: u8 = 6;
    pub(super) const PREFIX: u8 = 7;
    pub(super) const POWER: u8 = 8;
    pub(super) const OPERAND: u8 = 9;
}

/// The formula in ness's language, symbols under the names that `name` gives.
pub(super) fn text(formula: &Formula, name: &dyn Fn(Symbol) -> String) -> String {
    write(formula, 0, name)
}

/// The formula in parentheses if it binds less tightly than `least`.
fn write(formula: &Formula, least: u8, name: &dyn Fn(Symbol) -> String) -> String {
    use binding::{AND, COMPARE, OPERAND, OR, POWER, PREFIX, PRODUCT, SUM};
    let side = |formula: &Formula, least: u8| write(formula, least, name);
    let joined = |all: &[Formula], sign: &str, own: u8| all.iter().map(|one| side(one, own + 1)).collect::<Vec<_>>().join(sign);
    let chain = |all: &[(bool, Formula)], signs: [&str; 2], own: u8| {
        let rest = |(inverse, one): &(bool, Formula)| format!("{}{}", signs[usize::from(*inverse)], side(one, own + 1));
        let first = all.first().map_or_else(String::new, |(_, one)| side(one, own));
        all.iter().skip(1).fold(first, |text, one| text + &rest(one))
    };
    let (text, binds) = match formula.kind() {
        Kind::Number(value) if *value < 0.0 => (number(*value), PREFIX),
        Kind::Number(value) => (number(*value), OPERAND),
        Kind::Symbol(symbol) => (name(*symbol), OPERAND),
        Kind::Sum(terms) => (chain(terms, [" + ", " - "], SUM), SUM),
        Kind::Product(factors) => (chain(factors, ["*", "/"], PRODUCT), PRODUCT),
        Kind::Negative(inner) => (format!("-{}", side(inner, POWER)), PREFIX),
        Kind::Power(base, exponent) => (format!("{}^{}", side(base, OPERAND), side(exponent, OPERAND)), POWER),
        Kind::Call(function, arguments) => {
            let arguments: Vec<String> = arguments.iter().map(|argument| side(argument, 0)).collect();
            (format!("{function}({})", arguments.join(", ")), OPERAND)
        }
        Kind::Compare(relation, left, right) => (format!("{} {} {}", side(left, SUM), relation.sign(), side(right, SUM)), COMPARE),
        Kind::And(all) => (joined(all, " && ", AND), AND),
        Kind::Or(all) => (joined(all, " || ", OR), OR),
        Kind::Not(inner) => (format!("!{}", side(inner, OPERAND)), PREFIX),
        Kind::Select(condition, yes, no) => (format!("if({}, {}, {})", side(condition, 0), side(yes, 0), side(no, 0)), OPERAND),
    };
    if binds < least { format!("({text})") } else { text }
}

/// A number as ness and TOML read it back to the same bits.
pub(super) fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.0}") } else { format!("{value:?}") }
}
