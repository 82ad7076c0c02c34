//! Reactions by energies: rates from local detailed balance, and the free energy of a state.
//!
//! # Convention
//!
//! A state `n` is a set of many arrangements of molecules, so what its books call energy is its free energy
//! `G(n) = Σ_i [(ε_i − T ln V) n_i + T ln n_i!] + U(n)` (Schmiedl & Seifert, J. Chem. Phys. 126, 044101 (2007); Rao & Esposito, J. Chem. Phys. 149,
//! 245101 (2018)): `ε_i` is the standard free energy of a molecule of species `i` (`energies`, at one molecule a unit of volume), `ln n_i!` counts
//! that molecules are alike, `V` is the volume and `U` what `energy` adds, interactions for one. `exp(−G/T)` is the weight of equilibrium: products of
//! Poisson numbers of mean `V exp(−ε_i/T)` without `U`, under the conservation laws.
//!
//! A reaction given by `rate` `k` goes forward with mass action at `k exp((f − ΔE)/(2T))` and back at `k exp(−(f − ΔE)/(2T))`, `T` the temperature of its bath,
//! `f` its `drive`, `ΔE = Σ_i ν_i ε_i + U(n + ν) − U(n)` over all species, held ones too: half of the difference in either direction, as for networks.
//! Falling factorials and powers of the volume then supply the rest, so that on every channel
//!
//! `heat = T ln[w(n)/w'(n')] = −[G(n') − G(n)] + f + Σ_X T ln[c!/(c − s)! · (c − p)!/c!] − Σ_X (p − s)(ε_X − T ln V)`.
//!
//! The sums over chemostats `X` (`c` molecules, `s` taken, `p` made) are the chemical potential of what the outside world puts in less that of what it
//! takes out: work. They are part of [`JumpChannel::drive`](super::JumpChannel), so the first law closes.
//!
//! `T ln n!` belongs to the bath of the reaction. Where baths of different temperature change the same species there is no one `G`, unless
//! that species never has more than one molecule (`0! = 1! = 1`): the books are then checked state by state before the run, and refused where they do not close.

use super::reactions::mass_action;
use super::read::{state_formula, with_chemostats};
use super::{JumpChannel, JumpModel};
use crate::experiment::document::{Item, Place, Table};
use crate::experiment::read::{Reader, Reads};
use crate::expression::{Function, Node, Symbol};

/// What the file says of energies.
pub(super) struct Energies {
    /// Standard free energy of every species, chemostats behind the others.
    species: Option<Vec<Node>>,
    /// `U`.
    interaction: Option<Node>,
    volume: Node,
    /// True once a reaction was given by `rate`.
    used: bool,
}

/// Reactants or products: species and how many.
type Side = [(u16, u32)];
/// Propensity, and the factor of mass action where it is no more than that.
type Rate = (Node, Option<Node>);

/// Reads `energies` and `energy`.
pub(super) fn read(reader: &mut Reader, table: &Table, volume: Node, model: &JumpModel) -> Option<Energies> {
    let interaction = match table.get("energy") {
        Some(item) => Some(state_formula(reader, item, "`energy`", model)?),
        None => None,
    };
    let species = match table.get("energies") {
        Some(item) => Some(of_species(reader, item, model)?),
        None => None,
    };
    Some(Energies { species, interaction, volume, used: false })
}

/// `energies = { A = 0, B = "e" }`, all species.
fn of_species(reader: &mut Reader, item: &Item, model: &JumpModel) -> Option<Vec<Node>> {
    if model.baths.is_empty() {
        reader.problem(
            &item.place,
            "`energies` of species need a temperature: the free energy of a state holds T ln n!",
            "expected `temperature = …` in [model]",
        );
        return None;
    }
    let given = reader.table(item, "`energies`")?;
    let names = reader.coordinates.clone();
    reader.check_keys(given, "`energies`", &names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut energies = Vec::with_capacity(names.len());
    for name in &names {
        let Some(energy) = given.get(name) else {
            reader.problem(&item.place, format!("the energy of species `{name}` is missing"), "expected one for every species, held ones too");
            return None;
        };
        let node = reader.formula(energy, &format!("the energy of `{name}`"), Reads::State)?;
        let help = "what molecules do to one another is `energy`, a formula of all counts, beside `energies`";
        no_counts(reader, node, energy, &format!("the energy of `{name}`"), help)?;
        energies.push(node);
    }
    Some(energies)
}

/// Refuses a formula of counts.
pub(super) fn no_counts(reader: &mut Reader, node: Node, item: &Item, what: &str, help: &str) -> Option<()> {
    if reader.graph.depends_on(node, &|symbol| matches!(symbol, Symbol::Coordinate(_))) {
        reader.problem(&item.place, format!("{what} cannot depend on counts"), "").help(help);
        return None;
    }
    Some(())
}

impl Energies {
    /// Both directions of a reaction that has `rate` alone.
    pub(super) fn directions(
        &mut self,
        reader: &mut Reader,
        item: &Item,
        [reactants, products]: [&Side; 2],
        (bath, drive): (Option<usize>, Option<Node>),
        model: &JumpModel,
    ) -> Option<[Rate; 2]> {
        let Some(bath) = bath.filter(|_| self.species.is_some() || self.interaction.is_some()) else {
            reader.problem(
                &item.place,
                "`rate` alone needs energies and a bath",
                "expected `forward` and `reverse`, or `energies` and `temperature` (or `baths`, and `bath` here) in [model]",
            );
            return None;
        };
        self.used = true;
        let rate = reader.formula(item, "`rate`", Reads::State)?;
        let d = model.coordinates.len() as u16;
        if reader.graph.depends_on(rate, &|symbol| matches!(symbol, Symbol::Coordinate(i) if i < d)) {
            reader.problem(&item.place, "`rate` cannot depend on counts: mass action supplies them", "").help("for an interaction use `energy`");
            return None;
        }
        let rate = with_chemostats(reader, rate, model);
        let change = changes(reactants, products, usize::from(d) + model.chemostats.len());
        let doubled = {
            let two = reader.graph.constant(2.0);
            reader.graph.mul(two, model.baths[bath].1)
        };
        let mut push = drive.unwrap_or_else(|| reader.graph.constant(0.0));
        for (energy, &change) in self.species.iter().flatten().zip(&change) {
            push = plus(reader, push, -f64::from(change), *energy);
        }
        let exponent = reader.graph.div(push, doubled);
        let opposite = reader.graph.neg(exponent);
        let mut direction = |exponent: Node, side: &Side, change: Vec<i32>| {
            let up = reader.graph.call(Function::Exp, &[exponent]);
            let k = reader.graph.mul(rate, up);
            let plain = mass_action(reader, k, side, self.volume, model);
            self.interacting(reader, plain, side, &change[..usize::from(d)], doubled)
        };
        let back = change.iter().map(|change| -change).collect();
        Some([direction(exponent, reactants, change), direction(opposite, products, back)])
    }

    /// Mass action times `exp(−[U(n + ν) − U(n)]/(2T))`, 0 where reactants are missing (`U` need not be defined below 0).
    fn interacting(&self, reader: &mut Reader, plain: Rate, side: &Side, change: &[i32], doubled: Node) -> Rate {
        let graph = &mut reader.graph;
        let reads = |symbol| matches!(symbol, Symbol::Coordinate(i) if change.get(usize::from(i)).is_some_and(|change| *change != 0));
        let Some(energy) = self.interaction.filter(|&energy| graph.depends_on(energy, &reads)) else { return plain };
        let counts: Vec<Node> = (0..change.len() as u16).map(|i| graph.symbol(Symbol::Coordinate(i))).collect();
        let moved: Vec<Node> = counts
            .iter()
            .zip(change)
            .map(|(&count, &change)| {
                let change = graph.constant(f64::from(change));
                graph.add(count, change)
            })
            .collect();
        let after = graph.substitute(energy, &|symbol| match symbol {
            Symbol::Coordinate(i) => moved.get(usize::from(i)).copied(),
            _ => None,
        });
        let fall = graph.sub(energy, after);
        let exponent = graph.div(fall, doubled);
        let factor = graph.call(Function::Exp, &[exponent]);
        let mut propensity = graph.mul(plain.0, factor);
        let zero = graph.constant(0.0);
        for &(species, taken) in side.iter().filter(|(species, _)| usize::from(*species) < change.len()) {
            let taken = graph.constant(f64::from(taken));
            let lacks = graph.less(counts[usize::from(species)], taken);
            propensity = graph.select(lacks, zero, propensity);
        }
        (propensity, None)
    }

    /// Once all reactions are there: the energy of a state, and what chemostats do.
    pub(super) fn complete(self, reader: &mut Reader, place: &Place, model: &mut JumpModel) -> Option<()> {
        if self.species.is_none() && !self.used {
            model.energy = self.interaction.map(|energy| vec![energy]);
            return Some(());
        }
        if let Some(channel) = model.channels.iter().find(|channel| channel.bath.is_none()) {
            let message = format!("`{}` names no bath, but energies are declared and there are several", channel.name);
            reader.problem(place, message, "expected `bath = …` in every reaction");
            return None;
        }
        let mixing: Vec<Node> = (0..model.coordinates.len()).map(|i| temperature(model, i)).collect();
        let logarithm = reader.graph.call(Function::Log, &[self.volume]);
        let mut energy = self.interaction.unwrap_or_else(|| reader.graph.constant(0.0));
        for (i, &temperature) in mixing.iter().enumerate() {
            let graph = &mut reader.graph;
            let room = graph.mul(temperature, logarithm);
            let standard = self.species.as_ref().map_or_else(|| graph.constant(0.0), |energies| energies[i]);
            let (count, each) = (graph.symbol(Symbol::Coordinate(i as u16)), graph.sub(standard, room));
            let share = graph.mul(each, count);
            energy = graph.add(energy, share);
        }
        for index in 0..model.channels.len() {
            if model.channels[index].reverse.is_none_or(|reverse| reverse > index) {
                self.feed(reader, place, index, logarithm, model)?;
            }
        }
        model.energy = Some(vec![energy]);
        model.mixing = Some(mixing);
        Some(())
    }

    /// Adds the chemical work of chemostats to the drive of a channel, and takes it from its reverse.
    fn feed(&self, reader: &mut Reader, place: &Place, index: usize, logarithm: Node, model: &mut JumpModel) -> Option<()> {
        let channel = &model.channels[index];
        let d = model.coordinates.len();
        let change = changes(&channel.reactants, &channel.products, d + model.chemostats.len());
        let Some(temperature) = channel.bath.map(|bath| model.baths[bath].1) else { return Some(()) };
        let mut work = channel.drive;
        for (number, chemostat) in model.chemostats.iter().enumerate() {
            let of = |side: &Side| side.iter().find(|(species, _)| usize::from(*species) == d + number).map_or(0, |(_, count)| *count);
            let (taken, made) = (of(&channel.reactants), of(&channel.products));
            if taken == 0 && made == 0 {
                continue;
            }
            if !(reader.evaluate(chemostat.count, &[], &[], 0.0) >= f64::from(taken.max(made))) && !reader.parameters_broken {
                let message =
                    format!("`{}` takes or makes more of `{}` than is held, so that its chemical potential is not finite", channel.name, chemostat.name);
                reader.problem(place, message, format!("expected at least {} in `species`, or no `energies`", taken.max(made)));
                return None;
            }
            let graph = &mut reader.graph;
            let (up, down) = (falling(graph, chemostat.count, taken), falling(graph, chemostat.count, made));
            let ratio = graph.div(up, down);
            let crowd = graph.call(Function::Log, &[ratio]);
            let change = f64::from(change[d + number]);
            let scale = graph.constant(change);
            let room = graph.mul(scale, logarithm);
            let mixed = graph.add(crowd, room);
            let mixed = graph.mul(temperature, mixed);
            let sum = work.map_or(mixed, |work| graph.add(work, mixed));
            let standard = self.species.as_ref().map(|energies| energies[d + number]);
            work = Some(standard.map_or(sum, |energy| plus(reader, sum, -change, energy)));
        }
        let back = work.map(|work| reader.graph.neg(work));
        if let Some(reverse) = model.channels[index].reverse {
            model.channels[reverse].drive = back;
        }
        model.channels[index].drive = work;
        Some(())
    }
}

/// `sum + factor·node`.
fn plus(reader: &mut Reader, sum: Node, factor: f64, node: Node) -> Node {
    let factor = reader.graph.constant(factor);
    let part = reader.graph.mul(factor, node);
    reader.graph.add(sum, part)
}

/// `c!/(c − s)!`.
fn falling(graph: &mut crate::expression::Graph, count: Node, taken: u32) -> Node {
    let mut product = graph.constant(1.0);
    for k in 0..taken {
        let k = graph.constant(f64::from(k));
        let factor = graph.sub(count, k);
        product = graph.mul(product, factor);
    }
    product
}

/// What a reaction adds to every species.
fn changes(reactants: &Side, products: &Side, species: usize) -> Vec<i32> {
    let count = |side: &Side, i: usize| side.iter().filter(|(species, _)| usize::from(*species) == i).map(|(_, count)| *count as i32).sum::<i32>();
    (0..species).map(|i| count(products, i) - count(reactants, i)).collect()
}

/// The temperature of the first bath that changes a species.
fn temperature(model: &JumpModel, species: usize) -> Node {
    let is_changed = |channel: &&JumpChannel| changes(&channel.reactants, &channel.products, species + 1)[species] != 0;
    let bath = model.channels.iter().find(is_changed).and_then(|channel| channel.bath);
    model.baths[bath.unwrap_or(0)].1
}
