//! From MathML to a [`Formula`]: names get their meaning and functions are put in while reading.

use std::cell::Cell;

use super::SbmlError;
use super::element::{Element, MATHML, attributes};
use super::formula::{Formula, Kind, Relation, Symbol};

/// What names in formulas mean.
pub(super) trait Names<'a> {
    /// The meaning of an identifier that is no argument of a function.
    fn meaning(&self, name: &str, at: Element<'a>) -> Result<Formula, SbmlError>;
    /// The `<lambda>` of a function, by name.
    fn function(&self, name: &str) -> Option<Element<'a>>;
}

/// Deepest nesting of elements and calls that is followed.
const DEEPEST: usize = 200;
/// Most elements that are read for one model, those of functions once a call.
const MOST_WORK: usize = 1_000_000;
/// Avogadro's number as SBML Level 3 fixes it.
const AVOGADRO: f64 = 6.022_141_79e23;

const OPERATORS: &str = "supported are plus, minus, times, divide, power, root, exp, ln, log, abs, floor, ceiling, min, max, the trigonometric and hyperbolic \
     functions sin … tanh, arcsin, arccos, arctan, comparisons, and, or, xor, not, implies, piecewise, and functions defined in the model";

/// Functions that go by another or the same name in ness.
const FUNCTIONS: [(&str, &str); 13] = [
    ("exp", "exp"),
    ("ln", "log"),
    ("abs", "abs"),
    ("floor", "floor"),
    ("sin", "sin"),
    ("cos", "cos"),
    ("tan", "tan"),
    ("sinh", "sinh"),
    ("cosh", "cosh"),
    ("tanh", "tanh"),
    ("arcsin", "asin"),
    ("arccos", "acos"),
    ("arctan", "atan"),
];
/// Functions that are one over another.
const RECIPROCALS: [(&str, &str); 6] = [("sec", "cos"), ("csc", "sin"), ("cot", "tan"), ("sech", "cosh"), ("csch", "sinh"), ("coth", "tanh")];
const RELATIONS: [(&str, Relation); 6] = [
    ("lt", Relation::Less),
    ("leq", Relation::LessEqual),
    ("gt", Relation::Greater),
    ("geq", Relation::GreaterEqual),
    ("eq", Relation::Equal),
    ("neq", Relation::NotEqual),
];

/// Arguments of the function whose body is being read.
type Arguments<'b> = [(&'b str, Formula)];

/// Reads formulas of one model.
pub(super) struct Reader<'n, 'a> {
    names: &'n dyn Names<'a>,
    work: &'n Cell<usize>,
}

/// The elements among the children.
fn elements<'a>(element: Element<'a>) -> Vec<Element<'a>> {
    element.children().filter(Element::is_element).collect()
}

fn name<'a>(element: Element<'a>) -> &'a str {
    element.tag_name().name()
}

/// Text of an element, without blanks around it.
fn word<'a>(element: Element<'a>) -> &'a str {
    element.text().unwrap_or_default().trim()
}

/// A formula that ness can read.
fn checked(formula: Formula, at: Element<'_>) -> Result<Formula, SbmlError> {
    match formula.excess() {
        Some(excess) => Err(SbmlError::at(at, excess, "split the law, or define fewer rules in terms of rules")),
        None => Ok(formula),
    }
}

impl<'n, 'a> Reader<'n, 'a> {
    /// A reader; `work` counts what was read.
    pub(super) fn new(names: &'n dyn Names<'a>, work: &'n Cell<usize>) -> Self {
        Self { names, work }
    }

    /// The formula of a `<math>` element.
    pub(super) fn formula(&self, math: Element<'a>) -> Result<Formula, SbmlError> {
        match elements(math)[..] {
            [only] => self.read(only, None, 0),
            _ => Err(SbmlError::at(math, "<math> does not hold exactly one formula", "put one <apply>, <cn>, <ci>, … into it")),
        }
    }

    /// `bound` is there inside the body of a function.
    fn read(&self, element: Element<'a>, bound: Option<&Arguments<'_>>, depth: usize) -> Result<Formula, SbmlError> {
        self.work.set(self.work.get() + 1);
        if depth > DEEPEST || self.work.get() > MOST_WORK {
            let message = format!("the formula is nested more than {DEEPEST} deep, a function calls itself, or the formulas are too long altogether");
            return Err(SbmlError::at(element, message, "split the formula; functions may only call others"));
        }
        if element.tag_name().namespace() != Some(MATHML) {
            return Err(SbmlError::at(element, format!("<{}> is not MathML", name(element)), format!("formulas are in the namespace {MATHML}")));
        }
        let formula = match name(element) {
            "cn" => Formula::number(constant(element)?),
            "ci" => self.identifier(element, bound)?,
            "csymbol" => symbol(element)?,
            "apply" => self.apply(element, bound, depth)?,
            "piecewise" => self.piecewise(element, bound, depth)?,
            "true" => Formula::number(1.0),
            "false" => Formula::number(0.0),
            "pi" => Formula::number(std::f64::consts::PI),
            "exponentiale" => Formula::number(std::f64::consts::E),
            "semantics" => match elements(element).first() {
                Some(inner) => self.read(*inner, bound, depth + 1)?,
                None => return Err(SbmlError::at(element, "<semantics> is empty", "put a formula into it")),
            },
            other => return Err(SbmlError::at(element, format!("<{other}> is not supported in formulas"), OPERATORS)),
        };
        checked(formula, element)
    }

    fn identifier(&self, element: Element<'a>, bound: Option<&Arguments<'_>>) -> Result<Formula, SbmlError> {
        let id = word(element);
        match bound {
            None => self.names.meaning(id, element),
            Some(arguments) => arguments.iter().find(|(argument, _)| *argument == id).map(|(_, value)| value.clone()).ok_or_else(|| {
                let message = format!("`{}` is no argument of the function", id.escape_debug());
                SbmlError::at(element, message, "the body of a function may read its arguments only; pass the value as one more argument")
            }),
        }
    }

    fn apply(&self, element: Element<'a>, bound: Option<&Arguments<'_>>, depth: usize) -> Result<Formula, SbmlError> {
        let parts = elements(element);
        let Some((operator, operands)) = parts.split_first() else {
            return Err(SbmlError::at(element, "<apply> is empty", OPERATORS));
        };
        let qualifier = |wanted: &str| operands.iter().find(|part| name(**part) == wanted).copied();
        let inner = |part: &Element<'a>| self.read(*part, bound, depth + 1);
        let plain = operands.iter().filter(|part| !["degree", "logbase"].contains(&name(**part)));
        let arguments = plain.map(inner).collect::<Result<Vec<Formula>, SbmlError>>()?;
        let qualified = |wanted: &str, default: f64| match qualifier(wanted).map(|part| (part, elements(part))) {
            None => Ok(Formula::number(default)),
            Some((_, held)) if held.len() == 1 => inner(&held[0]),
            Some((part, _)) => Err(SbmlError::at(part, format!("<{wanted}> does not hold exactly one formula"), "put one formula into it")),
        };
        if let Some(extra) = qualifier("degree").filter(|_| name(*operator) != "root").or(qualifier("logbase").filter(|_| name(*operator) != "log")) {
            return Err(SbmlError::at(
                extra,
                format!("<{}> has no meaning for <{}>", name(extra), name(*operator)),
                "<root> takes <degree>, <log> takes <logbase>",
            ));
        }
        match name(*operator) {
            "ci" => self.called(*operator, arguments, depth),
            "root" => one(*operator, arguments).and_then(|radicand| Ok(root(radicand, qualified("degree", 2.0)?))),
            "log" => {
                let base = qualified("logbase", 10.0)?;
                let logarithm = |argument| Formula::call("log", argument);
                Ok(logarithm(one(*operator, arguments)?).over(logarithm(base)))
            }
            _ => operation(*operator, arguments),
        }
    }

    /// A function of the model, its body read with the arguments in place.
    fn called(&self, operator: Element<'a>, given: Vec<Formula>, depth: usize) -> Result<Formula, SbmlError> {
        let called = word(operator);
        let Some(lambda) = self.names.function(called) else {
            let message = format!("`{}` is no function of the model", called.escape_debug());
            return Err(SbmlError::at(operator, message, "define it in <listOfFunctionDefinitions>; to multiply use <times/>"));
        };
        let parts = elements(lambda);
        let Some((body, variables)) = parts.split_last() else {
            return Err(SbmlError::at(lambda, "<lambda> is empty", "give its arguments and its formula"));
        };
        let wanted: Vec<&str> = variables.iter().filter(|part| name(**part) == "bvar").filter_map(|part| elements(*part).first().map(|ci| word(*ci))).collect();
        if wanted.len() != variables.len() {
            return Err(SbmlError::at(
                lambda,
                "<lambda> holds something besides arguments and one formula",
                "write <bvar><ci>x</ci></bvar> for every argument",
            ));
        }
        if wanted.len() != given.len() {
            let message = format!("`{called}` is called with {} arguments and has {}", given.len(), wanted.len());
            return Err(SbmlError::at(operator, message, "give one value for every <bvar>"));
        }
        let bound: Vec<(&str, Formula)> = wanted.into_iter().zip(given).collect();
        self.read(*body, Some(&bound), depth + 1)
    }

    fn piecewise(&self, element: Element<'a>, bound: Option<&Arguments<'_>>, depth: usize) -> Result<Formula, SbmlError> {
        let wrong =
            |at: Element<'a>, message: &str| SbmlError::at(at, message, "write <piece> value, condition </piece> … and one <otherwise> value </otherwise>");
        let mut pieces = elements(element);
        let otherwise = match pieces.pop().map(|last| (name(last), elements(last))) {
            Some(("otherwise", value)) if value.len() == 1 => self.read(value[0], bound, depth + 1)?,
            _ => return Err(wrong(element, "<piecewise> has no <otherwise> at its end: it would be undefined where no piece holds")),
        };
        pieces.into_iter().rev().try_fold(otherwise, |rest, piece| match (name(piece), &elements(piece)[..]) {
            ("piece", [value, condition]) => {
                let (condition, value) = (self.read(*condition, bound, depth + 1)?, self.read(*value, bound, depth + 1)?);
                checked(Formula::new(Kind::Select(condition, value, rest)), piece)
            }
            _ => Err(wrong(piece, "a piece of <piecewise> is not a value and a condition")),
        })
    }
}

/// A number: real, integer, e-notation or rational.
fn constant(element: Element<'_>) -> Result<f64, SbmlError> {
    attributes(element, &["type", "base", "units"])?;
    let texts: Vec<&str> = element.children().filter_map(|child| child.text()).map(str::trim).filter(|text| !text.is_empty()).collect();
    let wrong = || {
        let shown = texts.join(" … ");
        SbmlError::at(
            element,
            format!("`{}` is not a number of its type", shown.escape_debug()),
            "supported are real, integer, e-notation and rational, base 10",
        )
    };
    if element.attribute("base").is_some_and(|base| base.trim() != "10") || element.children().any(|child| child.is_element() && name(child) != "sep") {
        return Err(wrong());
    }
    let parse = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite());
    let whole = |text: &str| parse(text).filter(|value| value.fract() == 0.0);
    let value = match (element.attribute("type").unwrap_or("real"), &texts[..]) {
        ("real", [one]) => parse(one),
        ("integer", [one]) => whole(one),
        // Read as one literal, so that it is rounded once.
        ("e-notation", [mantissa, exponent]) => parse(mantissa).and(whole(exponent)).and_then(|exponent| parse(&format!("{mantissa}e{exponent:.0}"))),
        ("rational", [top, bottom]) => whole(top).zip(whole(bottom)).map(|(top, bottom)| top / bottom).filter(|value| value.is_finite()),
        _ => None,
    };
    value.ok_or_else(wrong)
}

/// Time or Avogadro's number.
fn symbol(element: Element<'_>) -> Result<Formula, SbmlError> {
    match element.attribute("definitionURL").map(str::trim).unwrap_or_default() {
        "http://www.sbml.org/sbml/symbols/time" => Ok(Formula::symbol(Symbol::Time)),
        "http://www.sbml.org/sbml/symbols/avogadro" => Ok(Formula::number(AVOGADRO)),
        other => {
            let shown = other.rsplit('/').next().unwrap_or_default().escape_debug();
            Err(SbmlError::at(element, format!("the symbol `{shown}` is not supported"), "supported symbols are time and avogadro"))
        }
    }
}

/// The only argument.
fn one(operator: Element<'_>, mut arguments: Vec<Formula>) -> Result<Formula, SbmlError> {
    let found = arguments.len();
    match arguments.pop() {
        Some(only) if found == 1 => Ok(only),
        _ => Err(wrong_count(operator, "1 argument", found)),
    }
}

fn two(operator: Element<'_>, arguments: Vec<Formula>) -> Result<(Formula, Formula), SbmlError> {
    <[Formula; 2]>::try_from(arguments).map(|[a, b]| (a, b)).map_err(|all| wrong_count(operator, "2 arguments", all.len()))
}

fn wrong_count(operator: Element<'_>, wanted: &str, found: usize) -> SbmlError {
    SbmlError::at(operator, format!("<{}> is applied to {found} arguments", name(operator)), format!("it takes {wanted}"))
}

fn root(radicand: Formula, degree: Formula) -> Formula {
    match degree.kind() {
        Kind::Number(2.0) => Formula::call("sqrt", radicand),
        _ => Formula::new(Kind::Power(radicand, Formula::number(1.0).over(degree))),
    }
}

/// An operation with nothing but arguments.
fn operation(operator: Element<'_>, arguments: Vec<Formula>) -> Result<Formula, SbmlError> {
    let called = name(operator);
    if let Some((_, function)) = FUNCTIONS.iter().find(|(mathml, _)| *mathml == called) {
        return Ok(Formula::call(function, one(operator, arguments)?));
    }
    if let Some((_, function)) = RECIPROCALS.iter().find(|(mathml, _)| *mathml == called) {
        return Ok(Formula::number(1.0).over(Formula::call(function, one(operator, arguments)?)));
    }
    if let Some((_, relation)) = RELATIONS.iter().find(|(mathml, _)| *mathml == called) {
        return compared(operator, *relation, &arguments);
    }
    let negation = |formula| Formula::new(Kind::Not(formula));
    Ok(match called {
        "plus" => Formula::sum(arguments.into_iter().map(|term| (false, term))),
        "times" => Formula::product(arguments.into_iter().map(|factor| (false, factor))),
        "minus" if arguments.len() == 1 => one(operator, arguments)?.negative(),
        "minus" => two(operator, arguments).map(|(a, b)| a.less(b))?,
        "divide" => two(operator, arguments).map(|(a, b)| a.over(b))?,
        "power" => two(operator, arguments).map(|(a, b)| Formula::new(Kind::Power(a, b)))?,
        "ceiling" => Formula::call("floor", one(operator, arguments)?.negative()).negative(),
        "min" | "max" => {
            let function = if called == "min" { "min" } else { "max" };
            folded(operator, arguments, |a, b| Kind::Call(function, vec![a, b]))?.ok_or_else(|| wrong_count(operator, "at least 1 argument", 0))?
        }
        "and" if arguments.is_empty() => Formula::number(1.0),
        "or" | "xor" if arguments.is_empty() => Formula::number(0.0),
        "and" => Formula::new(Kind::And(arguments)),
        "or" => Formula::new(Kind::Or(arguments)),
        "xor" => {
            let truths = arguments.into_iter().map(|formula| negation(negation(formula))).collect();
            folded(operator, truths, |a, b| Kind::Compare(Relation::NotEqual, a, b))?.unwrap_or_else(|| Formula::number(0.0))
        }
        "not" => negation(one(operator, arguments)?),
        "implies" => two(operator, arguments).map(|(a, b)| Formula::new(Kind::Or(vec![negation(a), b])))?,
        "csymbol" => {
            let url = operator.attribute("definitionURL").unwrap_or_default();
            let shown = url.rsplit('/').next().unwrap_or_default().escape_debug();
            return Err(SbmlError::at(operator, format!("the function `{shown}` of SBML is not supported"), OPERATORS));
        }
        other => return Err(SbmlError::at(operator, format!("<{other}> is not supported in formulas"), OPERATORS)),
    })
}

/// An operation of two, applied from left to right.
fn folded(operator: Element<'_>, arguments: Vec<Formula>, pair: impl Fn(Formula, Formula) -> Kind) -> Result<Option<Formula>, SbmlError> {
    let mut rest = arguments.into_iter();
    let Some(first) = rest.next() else { return Ok(None) };
    rest.try_fold(first, |sofar, next| checked(Formula::new(pair(sofar, next)), operator)).map(Some)
}

/// `a < b`, or `a < b < c` as `a < b && b < c`.
fn compared(operator: Element<'_>, relation: Relation, arguments: &[Formula]) -> Result<Formula, SbmlError> {
    let pairs: Vec<Formula> = arguments.windows(2).map(|pair| Formula::new(Kind::Compare(relation, pair[0].clone(), pair[1].clone()))).collect();
    match (&pairs[..], relation) {
        ([], _) => Err(wrong_count(operator, "2 arguments", arguments.len())),
        ([only], _) => Ok(only.clone()),
        (_, Relation::NotEqual) => Err(wrong_count(operator, "2 arguments", arguments.len())),
        _ => Ok(Formula::new(Kind::And(pairs))),
    }
}
