//! Cycles and conservation laws, found from the stoichiometry.

use super::circuit::{ConservationLaw, Loop};
use super::reactions;
use super::space::Space;
use crate::exact::cycles;
use crate::experiment::jump::{JumpChannel, JumpModel};
use crate::thermodynamics::observables::Reaction;

/// The fundamental cycles of a model whose reactions all go both ways.
pub(super) fn loops(model: &JumpModel, space: &Space) -> Vec<Loop> {
    let reactions = reactions(model);
    if reactions.iter().any(|reaction| reaction.backward.is_none()) {
        return Vec::new();
    }
    match &model.states {
        Some(states) => of_graph(model, space, &reactions, states.len()),
        None => of_reactions(model, space, &reactions),
    }
}

fn of_graph(model: &JumpModel, space: &Space, reactions: &[Reaction], states: usize) -> Vec<Loop> {
    let Some(edges) = reactions.iter().map(|reaction| model.channels[reaction.forward].edge).collect::<Option<Vec<_>>>() else { return Vec::new() };
    let rate = |channel: usize| space.evaluate(model.channels[channel].propensity, &[0.0], 0.0);
    let ratio = |edge: usize| reactions[edge].backward.map_or(f64::INFINITY, |back| (rate(reactions[edge].forward) / rate(back)).ln());
    let of = |cycle: &cycles::Cycle| {
        let chord = cycle.edges[0].0;
        Loop { name: model.channels[reactions[chord].forward].name.clone(), current: vec![(chord, 1.0)], affinity: cycle.sum(ratio), conversion: None }
    };
    cycles::fundamental(states, &edges).iter().map(of).collect()
}

/// Null vectors of the stoichiometric matrix: first emergent cycles, which turn chemostats into one another, then those that change nothing outside.
/// Only mass action has an affinity that does not depend on the counts.
///
/// Cycles that change nothing outside are the null space of the whole matrix; its free columns are some of those of the matrix of what is inside,
/// and the others give the emergent cycles. A free column is in no other cycle, but for those of the emergent ones, which may be in closed ones too.
fn of_reactions(model: &JumpModel, space: &Space, reactions: &[Reaction]) -> Vec<Loop> {
    let d = model.coordinates.len();
    let forward: Vec<&JumpChannel> = reactions.iter().map(|reaction| &model.channels[reaction.forward]).collect();
    let rows: Vec<Vec<i64>> = (0..d + model.chemostats.len()).map(|species| forward.iter().map(|channel| change(channel, species)).collect()).collect();
    let closed = cycles::null_space(&rows, reactions.len()).unwrap_or_default();
    let is_closed = |chord: usize| closed.iter().any(|(other, _)| *other == chord);
    let emergent: Vec<_> = cycles::null_space(&rows[..d], reactions.len()).unwrap_or_default().into_iter().filter(|(chord, _)| !is_closed(*chord)).collect();
    let constant = |channel: usize| model.channels[channel].constant.map(|node| space.evaluate(node, &[], 0.0));
    let ratio = |reaction: &Reaction| Some((constant(reaction.forward)? / constant(reaction.backward?)?).ln());
    let of = |(chord, rounds): &(usize, Vec<i64>)| {
        let taking_part = reactions.iter().zip(rounds).filter(|(_, times)| **times != 0);
        let affinity = taking_part.map(|(reaction, &times)| Some(times as f64 * ratio(reaction)?)).sum::<Option<f64>>()?;
        let share = 1.0 / rounds[*chord] as f64;
        let of_others = closed.iter().filter(|(other, _)| other != chord).map(|(other, more)| (*other, -share * more[*chord] as f64 / more[*other] as f64));
        let current = std::iter::once((*chord, share)).chain(of_others).filter(|(_, weight)| *weight != 0.0).collect();
        let turned = rows[d..].iter().map(|row| row.iter().zip(rounds).map(|(change, times)| change * times).sum());
        Some(Loop { name: forward[*chord].name.clone(), current, affinity, conversion: conversion(model, turned.collect()) })
    };
    emergent.iter().chain(&closed).filter_map(of).collect()
}

/// What chemostats lose and gain, in words.
fn conversion(model: &JumpModel, turned: Vec<i64>) -> Option<String> {
    let names = |sign: i64| weighted(turned.iter().map(|&change| (sign * change).max(0)).zip(model.chemostats.iter().map(|c| c.name.as_str())));
    match (names(-1), names(1)) {
        (taken, made) if taken.is_empty() && made.is_empty() => None,
        (taken, made) if taken.is_empty() => Some(format!("nothing into {made}")),
        (taken, made) if made.is_empty() => Some(format!("{taken} into nothing")),
        (taken, made) => Some(format!("{taken} into {made}")),
    }
}

/// What the reactions conserve, chemostats included: those that reach a chemostat are broken by it.
///
/// Species come before chemostats, so the laws that end before the first chemostat are all that hold inside.
pub(super) fn laws(model: &JumpModel) -> Vec<ConservationLaw> {
    if model.states.is_some() {
        return Vec::new();
    }
    let d = model.coordinates.len();
    let species: Vec<&str> = model.coordinates.iter().map(|c| c.name.as_str()).chain(model.chemostats.iter().map(|c| c.name.as_str())).collect();
    let channels: Vec<&JumpChannel> = reactions(model).iter().map(|reaction| &model.channels[reaction.forward]).collect();
    let rows: Vec<Vec<i64>> = channels.iter().map(|channel| (0..species.len()).map(|i| change(channel, i)).collect()).collect();
    let mut found = cycles::null_space(&rows, species.len()).unwrap_or_default();
    for k in 0..found.len() {
        make_positive(k, d, &mut found);
    }
    let law = |(last, sum): (usize, Vec<i64>)| ConservationLaw { sum: weighted(sum.into_iter().zip(species.iter().copied())), broken: last >= d };
    found.into_iter().map(law).collect()
}

/// Adds other laws to a law until no weight is below 0, where they can do that: a sum of molecules is easier to read than a difference.
/// A law inside (ending before species `d`) stays inside.
fn make_positive(k: usize, d: usize, laws: &mut [(usize, Vec<i64>)]) {
    for _ in 0..laws.len() {
        let Some(place) = laws[k].1.iter().position(|&weight| weight < 0) else { return };
        let helps = |other: &usize| {
            let (last, sum) = &laws[*other];
            *other != k && (*last < d || laws[k].0 >= d) && sum[place] > 0 && sum.iter().all(|&weight| weight >= 0)
        };
        let Some(other) = (0..laws.len()).find(helps) else { return };
        let (short, weight) = (-laws[k].1[place], laws[other].1[place]);
        let times = (short + weight - 1) / weight;
        let add = laws[other].1.clone();
        laws[k].1.iter_mut().zip(add).for_each(|(sum, more)| *sum += times * more);
    }
}

/// What a channel adds to a species, or to a chemostat behind them.
fn change(channel: &JumpChannel, species: usize) -> i64 {
    let count = |of: &[(u16, u32)]| of.iter().filter(|(i, _)| usize::from(*i) == species).map(|(_, count)| i64::from(*count)).sum::<i64>();
    count(&channel.products) - count(&channel.reactants)
}

/// `2 A + B - C`.
fn weighted<'a>(terms: impl Iterator<Item = (i64, &'a str)>) -> String {
    let mut text = String::new();
    for (weight, name) in terms.filter(|(weight, _)| *weight != 0) {
        text.push_str(match (text.is_empty(), weight > 0) {
            (true, true) => "",
            (true, false) => "-",
            (false, true) => " + ",
            (false, false) => " - ",
        });
        if weight.abs() != 1 {
            text.push_str(&format!("{} ", weight.abs()));
        }
        text.push_str(name);
    }
    text
}
