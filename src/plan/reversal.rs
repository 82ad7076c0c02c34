//! What a plan needs besides forces where something is odd under time reversal.
//!
//! The drift of `x` has a part that keeps its sign in a film run backwards and one that does not: with `F̂_i(x) = ε_i F_i(εx; ελ)`, the irreversible force is
//! `½(F + F̂)` and the reversible one `½(F − F̂)`. A reversible drift carries the coordinate along like a flow; heat is what the irreversible force does to
//! the motion relative to it, `dQ_i = F_irr,i ∘ (dx_i − F_rev,i dt/γ_i)` (Speck, Mehl & Seifert, Phys. Rev. Lett. 100, 178302, 2008; Spinney & Ford, Phys.
//! Rev. E 85, 051113, 2012). Work is what closes the first law: `dW_i = (f_i − F_rev,i) ∘ dx_i − F_irr,i F_rev,i dt/γ_i`.

use serde::Serialize;

use super::compile::Compiler;
use crate::expression::{Node, Symbol};

/// Outputs of [`super::Overdamped::force`] for a model with odd variables; length `d` each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reversal {
    /// `F̂_i`: what moves a step taken back.
    pub back: Vec<u16>,
    /// `F_irr,i`, which gives heat.
    pub irreversible: Vec<u16>,
    /// `F_irr,i F_rev,i dt/γ_i`: what moving along with the reversible drift takes off the heat of a step; `None` where nothing does.
    pub flow: Vec<Option<u16>>,
    /// The same over `T_i`, where the medium's entropy is summed.
    pub medium_flow: Vec<Option<u16>>,
}

/// What changes for the forces of a model with odd variables.
pub(super) struct Parts {
    /// Drives that do work: without their reversible part.
    pub(super) drives: Vec<Option<Node>>,
    pub(super) reversal: Reversal,
}

impl Compiler<'_> {
    /// Appends what odd variables need to the outputs, of which the first `d` are the forces.
    pub(super) fn reversal(&mut self, drives: &[Option<Node>], summed: bool, outputs: &mut Vec<Node>) -> Option<Parts> {
        let parity = &self.model.parity;
        if parity.odd.is_empty() {
            return None;
        }
        let d = drives.len();
        // Protocol variables that do not move are numbers by now: their sign is turned in the formulas of the file.
        let turned = |compiler: &mut Self, i: usize| {
            let force = crate::experiment::total_force(&mut compiler.graph, compiler.model.potential, compiler.model.drives[i], i as u16);
            let back = parity.turned_back(&mut compiler.graph, force, i);
            compiler.settled(back)
        };
        let mut parts =
            Parts { drives: Vec::new(), reversal: Reversal { back: Vec::new(), irreversible: Vec::new(), flow: Vec::new(), medium_flow: Vec::new() } };
        for i in 0..d {
            let (force, back) = (outputs[i], turned(self, i));
            let (friction, temperature) = (self.settled(self.model.friction[i]), self.settled(self.model.temperature[i]));
            let graph = &mut self.graph;
            let (half, dt) = (graph.constant(0.5), graph.symbol(Symbol::TimeStep));
            let sum = graph.add(force, back);
            let difference = graph.sub(force, back);
            let moves = graph.as_constant(difference) != Some(0.0);
            let irreversible = if moves { graph.mul(half, sum) } else { force };
            let reversible = graph.mul(half, difference);
            let mobility = graph.div(dt, friction);
            let product = graph.mul(irreversible, reversible);
            let flow = graph.mul(mobility, product);
            let over_temperature = graph.div(flow, temperature);
            let drive = match drives[i] {
                Some(drive) => Some(graph.sub(drive, reversible)),
                None => moves.then(|| graph.neg(reversible)),
            };
            let mut append = |node: Node| {
                outputs.push(node);
                outputs.len() as u16 - 1
            };
            parts.reversal.back.push(append(back));
            parts.reversal.irreversible.push(if moves { append(irreversible) } else { i as u16 });
            parts.reversal.flow.push(moves.then(|| append(flow)));
            parts.reversal.medium_flow.push((moves && summed).then(|| append(over_temperature)));
            parts.drives.push(drive);
        }
        Some(parts)
    }
}
