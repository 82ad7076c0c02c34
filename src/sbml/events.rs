//! Events: assignments to copy numbers at a time or when a condition becomes true.

use super::SbmlError;
use super::element::{Element, attributes, children, list, tag, truth};
use super::formula::{Formula, Kind, Relation, Symbol};
use super::meaning::{Meaning, whole};
use super::model::{Owner, math};

/// An event.
pub(super) struct Event<'a> {
    element: Element<'a>,
    /// Its identifier, or `event` and its number.
    pub(super) name: String,
    pub(super) trigger: Trigger,
    /// Species and their new counts.
    pub(super) set: Vec<(usize, Formula)>,
}

/// When an event happens.
pub(super) enum Trigger {
    /// At a time after the start.
    At(f64),
    /// When a condition on copy numbers becomes true.
    When(Formula),
}

const TRIGGERS: &str = "supported are conditions on species, and `time >= constant` or `time > constant`";

fn is_count(symbol: Symbol) -> bool {
    matches!(symbol, Symbol::Count(_))
}

fn is_time(symbol: Symbol) -> bool {
    symbol == Symbol::Time
}

/// Reads all events; what the user should know of them goes to `warnings`.
pub(super) fn read<'a>(meaning: &Meaning<'_, 'a>, warnings: &mut Vec<String>) -> Result<Vec<Event<'a>>, SbmlError> {
    let elements = &meaning.model.events;
    let events = elements.iter().enumerate().map(|(index, element)| event(*element, index, meaning, warnings)).collect::<Result<Vec<_>, SbmlError>>()?;
    for (index, event) in events.iter().enumerate() {
        check_company(event, &events[..index], events.len())?;
    }
    let conditions = events.iter().filter(|event| matches!(event.trigger, Trigger::When(_))).count();
    if conditions > 1 {
        warnings.push(format!("where several of the {conditions} events with conditions turn true at once, they happen in the order of the file"));
    }
    Ok(events)
}

fn event<'a>(element: Element<'a>, index: usize, meaning: &Meaning<'_, 'a>, warnings: &mut Vec<String>) -> Result<Event<'a>, SbmlError> {
    attributes(element, &["useValuesFromTriggerTime"])?;
    let parts = children(element, &["trigger", "delay", "priority", "listOfEventAssignments"])?;
    let name = element.attribute("id").map_or_else(|| format!("event {}", index + 1), str::to_owned);
    let part = |wanted: &str| parts.iter().find(|part| part.tag_name().name() == wanted).copied();
    if let Some(delay) = part("delay") {
        let formula = meaning.formula(math(delay, &[])?, None)?;
        if formula.reads(|symbol| is_count(symbol) || is_time(symbol)) || meaning.at_start(&formula, delay)? != 0.0 {
            return Err(SbmlError::at(delay, format!("{} has a delay", tag(element)), "events without delay are supported"));
        }
    }
    let Some(trigger) = part("trigger") else {
        return Err(SbmlError::at(element, format!("{} has no trigger", tag(element)), TRIGGERS));
    };
    let mut set: Vec<(usize, Formula)> = Vec::new();
    for assignment in list(&parts, "listOfEventAssignments", "eventAssignment")? {
        let (target, value) = assigned(assignment, meaning)?;
        if set.iter().any(|(known, _)| *known == target) {
            return Err(SbmlError::at(
                assignment,
                format!("{} sets the species a second time", tag(assignment)),
                "one assignment for every species is supported",
            ));
        }
        if !is_whole(&value) {
            warnings.push(format!("event `{name}` sets `{}` by a formula; its value is rounded to a whole number", meaning.model.species[target].id));
        }
        set.push((target, value));
    }
    if set.is_empty() {
        return Err(SbmlError::at(element, format!("{} sets nothing", tag(element)), "give it an <eventAssignment>, or remove it"));
    }
    Ok(Event { element, name, trigger: read_trigger(trigger, meaning)?, set })
}

fn read_trigger<'a>(trigger: Element<'a>, meaning: &Meaning<'_, 'a>) -> Result<Trigger, SbmlError> {
    attributes(trigger, &["initialValue", "persistent"])?;
    let formula = meaning.formula(math(trigger, &[])?, None)?;
    let refused = |what: &str| Err(SbmlError::at(trigger, what, TRIGGERS));
    let found = match (formula.reads(is_time), formula.reads(is_count)) {
        (false, false) => return refused("the trigger depends neither on time nor on species, so it never turns true"),
        (true, true) => return refused("the trigger depends on time and on species"),
        (false, true) => Trigger::When(formula.clone()),
        (true, false) => match after(&formula) {
            Some(bound) => Trigger::At(meaning.at_start(bound, trigger)?),
            None => return refused("the trigger is no plain comparison of time with a constant that turns true"),
        },
    };
    if matches!(found, Trigger::At(time) if time <= 0.0) {
        let help = "events after the start are supported; put what happens at the start into initial amounts";
        return Err(SbmlError::at(trigger, "the trigger is true from the start on", help));
    }
    // Level 2 and the value `true` mean that a trigger that holds at the start does not fire there, as in ness.
    if !truth(trigger, "initialValue", true)? && meaning.at_start(&formula, trigger)? != 0.0 {
        let help = "with initialValue=\"false\" it would happen at the start; put what happens there into initial amounts";
        return Err(SbmlError::at(trigger, "the trigger is true at the start", help));
    }
    Ok(found)
}

/// The constant `c` of `time > c` or `time >= c`, however it is written.
fn after(formula: &Formula) -> Option<&Formula> {
    let Kind::Compare(relation, left, right) = formula.kind() else { return None };
    let time = |side: &Formula| *side.kind() == Kind::Symbol(Symbol::Time);
    let (relation, bound) = if time(left) { (*relation, right) } else { (relation.mirrored(), left) };
    let plain = (time(left) || time(right)) && !bound.reads(is_time);
    (plain && matches!(relation, Relation::Greater | Relation::GreaterEqual)).then_some(bound)
}

/// The species that an assignment sets, and its new count.
fn assigned<'a>(assignment: Element<'a>, meaning: &Meaning<'_, 'a>) -> Result<(usize, Formula), SbmlError> {
    attributes(assignment, &["variable"])?;
    let variable = meaning.model.variable(assignment, "variable")?;
    let Some(Owner::Species(index)) = meaning.model.owners.get(variable).copied() else {
        let message = format!("{} sets a parameter or a compartment", tag(assignment));
        return Err(SbmlError::at(
            assignment,
            message,
            "events that set copy numbers of species are supported; a value that is switched in time can be a protocol variable of ness",
        ));
    };
    if meaning.model.species[index].constant || meaning.model.rules.contains_key(variable) {
        return Err(SbmlError::at(assignment, format!("{} sets a species that is constant or has a rule", tag(assignment)), "let events set other species"));
    }
    let math = math(assignment, &[])?;
    let value = meaning.as_count(index, meaning.formula(math, None)?)?;
    if value.reads(is_time) {
        return Err(SbmlError::at(assignment, format!("{} reads time", tag(assignment)), "values may depend on species and parameters"));
    }
    if value.reads(is_count) {
        return Ok((index, value));
    }
    let count = meaning.at_start(&value, math)?;
    match whole(count) {
        Some(count) => Ok((index, Formula::number(count))),
        None => Err(SbmlError::at(math, format!("{} sets {count} items", tag(assignment)), "copy numbers are whole and not negative")),
    }
}

/// Whether a formula of counts is a whole number wherever it is evaluated.
fn is_whole(formula: &Formula) -> bool {
    match formula.kind() {
        Kind::Number(value) => value.fract() == 0.0,
        Kind::Symbol(symbol) => is_count(*symbol),
        Kind::Sum(terms) => terms.iter().all(|(_, term)| is_whole(term)),
        Kind::Product(factors) => factors.iter().all(|(divides, factor)| !divides && is_whole(factor)),
        Kind::Negative(inner) => is_whole(inner),
        Kind::Call(function, arguments) => *function == "floor" || (["abs", "min", "max"].contains(function) && arguments.iter().all(is_whole)),
        Kind::Select(_, yes, no) => is_whole(yes) && is_whole(no),
        Kind::Compare(..) | Kind::And(_) | Kind::Or(_) | Kind::Not(_) => true,
        Kind::Power(..) => false,
    }
}

/// Refuses what only matters where events meet, if this one can meet another.
fn check_company(event: &Event<'_>, before: &[Event<'_>], events: usize) -> Result<(), SbmlError> {
    let parts = || event.element.children().filter(Element::is_element);
    let conditional = matches!(event.trigger, Trigger::When(_));
    if let Some(priority) = parts().find(|part| part.tag_name().name() == "priority").filter(|_| events > 1) {
        return Err(SbmlError::at(
            priority,
            format!("{} has a priority", tag(event.element)),
            "events that happen at once do so in the order of the file; remove the priority",
        ));
    }
    for trigger in parts().filter(|part| part.tag_name().name() == "trigger") {
        if conditional && events > 1 && !truth(trigger, "persistent", true)? {
            return Err(SbmlError::at(
                trigger,
                "the trigger is not persistent",
                "a trigger that has turned true makes its event happen; set persistent=\"true\"",
            ));
        }
    }
    for other in before {
        let (Trigger::At(here), Trigger::At(there)) = (&event.trigger, &other.trigger) else { continue };
        let reads = |one: &Event<'_>, two: &Event<'_>| {
            one.set.iter().any(|(_, value)| value.reads(|symbol| two.set.iter().any(|(target, _)| symbol == Symbol::Count(*target))))
        };
        let both_set = event.set.iter().any(|(target, _)| other.set.iter().any(|(known, _)| known == target));
        if here == there && (both_set || reads(event, other) || reads(other, event)) {
            let message = format!("{} and `{}` happen at the same time and touch the same species", tag(event.element), other.name);
            return Err(SbmlError::at(event.element, message, "their order is not defined; make one event of them"));
        }
    }
    Ok(())
}
