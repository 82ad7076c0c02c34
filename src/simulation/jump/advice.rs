//! What the user should know of a jump process before it runs.

use super::space::Space;
use crate::experiment::jump::{JumpChannel, JumpModel};

/// Most reactions that a sentence names.
const MOST_NAMED: usize = 4;

/// Sentences, each a warning.
pub(super) fn advice(model: &JumpModel, space: &Space) -> Vec<String> {
    let mut advice = Vec::new();
    let pairs = undoing(model);
    let paired = |channel: usize| pairs.iter().any(|&(first, second)| channel == first || channel == second);
    let one_way: Vec<&str> = model
        .channels
        .iter()
        .enumerate()
        .filter(|(index, channel)| channel.reverse.is_none() && !paired(*index))
        .map(|(_, channel)| channel.name.as_str())
        .collect();
    advice.extend(pairs.iter().take(MOST_NAMED).map(|&pair| two_ways(model, pair)));
    if pairs.len() > MOST_NAMED {
        advice.push(format!("{} more pairs of one-way reactions undo each other", pairs.len() - MOST_NAMED));
    }
    if !one_way.is_empty() {
        let shown = one_way.iter().take(MOST_NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let more = if one_way.len() > MOST_NAMED { format!(" and {} more", one_way.len() - MOST_NAMED) } else { String::new() };
        advice.push(format!("{shown}{more} go one way: the entropy production is infinite and is left out; give the reverse rate, however small, to have it"));
    }
    if !space.is_whole() {
        advice.push(format!(
            "the counts reach more than {0} states: exact values are those of the nearest {0}, given only where the rest has no weight",
            space.points.len()
        ));
    }
    advice
}

/// Pairs of one-way channels of which one makes what the other takes, and takes what it makes; each channel is in one pair at most.
fn undoing(model: &JumpModel) -> Vec<(usize, usize)> {
    let one_way: Vec<usize> = (0..model.channels.len()).filter(|&index| model.channels[index].reverse.is_none()).collect();
    let mut waiting: std::collections::HashMap<Ends, Vec<usize>> = std::collections::HashMap::new();
    let mut pairs = Vec::new();
    for index in one_way {
        let (from, to) = ends(&model.channels[index]);
        match waiting.get_mut(&(to.clone(), from.clone())).filter(|first| !first.is_empty()) {
            Some(first) => pairs.push((first.remove(0), index)),
            None => waiting.entry((from, to)).or_default().push(index),
        }
    }
    pairs
}

/// What a channel takes and what it makes, in an order that does not depend on how it was written.
type Ends = (Vec<(u32, u32)>, Vec<(u32, u32)>);

fn ends(channel: &JumpChannel) -> Ends {
    if let Some((from, to)) = channel.edge {
        return (vec![(from, 1)], vec![(to, 1)]);
    }
    let sorted = |side: &[(u16, u32)]| {
        let mut side: Vec<(u32, u32)> = side.iter().map(|&(species, count)| (u32::from(species), count)).collect();
        side.sort_unstable();
        side
    };
    (sorted(&channel.reactants), sorted(&channel.products))
}

/// How to write two one-way channels as one reaction that goes both ways.
fn two_ways(model: &JumpModel, (first, second): (usize, usize)) -> String {
    let (forward, backward) = (&model.channels[first], &model.channels[second]);
    let one = match (&model.states, forward.edge) {
        (Some(states), Some((from, to))) => {
            format!("one edge, `{{ from = \"{}\", to = \"{}\", forward = …, reverse = … }}`", states[from as usize], states[to as usize])
        }
        _ => {
            let key = |channel: &JumpChannel, plain, formula| if channel.constant.is_some() { plain } else { formula };
            let (up, down) = (key(forward, "forward", "propensity"), key(backward, "reverse", "reverse_propensity"));
            format!("one reaction, `{{ equation = \"{} <-> {}\", {up} = …, {down} = … }}`", side(model, &forward.reactants), side(model, &forward.products))
        }
    };
    format!(
        "`{}` and `{}` undo each other but are written as two that go one way, so the entropy production counts as infinite and is left out: write them as {one}",
        forward.name, backward.name
    )
}

fn side(model: &JumpModel, side: &[(u16, u32)]) -> String {
    let name = |species: u16| match usize::from(species).checked_sub(model.coordinates.len()) {
        Some(held) => &model.chemostats[held].name,
        None => &model.coordinates[usize::from(species)].name,
    };
    let term = |&(species, count): &(u16, u32)| if count == 1 { name(species).clone() } else { format!("{count} {}", name(species)) };
    if side.is_empty() { "0".to_owned() } else { side.iter().map(term).collect::<Vec<_>>().join(" + ") }
}
