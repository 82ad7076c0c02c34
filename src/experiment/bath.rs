//! `friction`, `temperature` and `interpretation`: the noise of Langevin dynamics.

use super::document::{Item, Table, Value};
use super::protocol::Protocol;
use super::read::{Reader, Reads};
use super::{OverdampedModel, Section};
use crate::coordinate::Boundary;
use crate::expression::{Node, Symbol};

/// Where in its step multiplicative noise reads the coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpretation {
    /// At the start of the step (Itô).
    Ito,
    /// In its middle (Stratonovich).
    Stratonovich,
    /// At its end (anti-Itô, isothermal, Hänggi–Klimontovich).
    AntiIto,
}

impl Interpretation {
    /// Names in files.
    pub(super) const CHOICES: &[(&str, Interpretation)] =
        &[("ito", Interpretation::Ito), ("stratonovich", Interpretation::Stratonovich), ("anti-ito", Interpretation::AntiIto)];

    /// `a` of `j = D [(F/T − a ∂ ln D) p − ∂p]`: 1, ½ or 0. The drift of the equivalent Itô equation is `F/γ + (1 − a) ∂D`.
    pub fn spurious_weight(self) -> f64 {
        match self {
            Interpretation::Ito => 1.0,
            Interpretation::Stratonovich => 0.5,
            Interpretation::AntiIto => 0.0,
        }
    }
}

/// What the three names mean, for messages.
const MEANINGS: &str = "\"ito\": noise read at the start of a step (small-mass limit where the temperature depends on place); \"stratonovich\": in its middle; \"anti-ito\": at its end (small-mass limit where only the friction depends on place: keeps Boltzmann's law)";

/// One positive formula of parameters, coordinates and protocol variables a coordinate.
pub(super) fn read_bath(reader: &mut Reader, section: &Section, key: &str) -> Option<Vec<Node>> {
    let what = format!("`{key}`");
    let item = reader.required(section.table, key, section.place, "[model]", "a number, a formula, or one for each coordinate")?;
    let items = reader.per_coordinate(item, &what)?;
    let shared = !matches!(item.value, Value::Table(_) | Value::List(_));
    let mut nodes = Vec::with_capacity(items.len());
    for item in items {
        let node = reader.formula(item, &what, Reads::State)?;
        let uniform = reader.graph.symbols(node).iter().all(|symbol| matches!(symbol, Symbol::Parameter(_)));
        if uniform
            && let Some(value) = reader.value_of(node, item, &what)
            && value <= 0.0
        {
            refuse(reader, item, key, format!("this is {value}"));
            return None;
        }
        nodes.push(node);
        if shared {
            return Some(vec![node; reader.coordinates.len()]);
        }
    }
    Some(nodes)
}

fn refuse(reader: &mut Reader, item: &Item, key: &str, label: String) {
    let why = match key {
        "temperature" => "without noise there is no entropy production to measure",
        _ => "overdamped motion is force divided by friction",
    };
    reader.problem(&item.place, format!("`{key}` must be above 0"), label).help(why);
}

/// The interpretation, which noise that depends on a coordinate needs and no other has. The outer `None` comes after a problem.
pub(super) fn read_interpretation(reader: &mut Reader, table: &Table, baths: &[Node]) -> Option<Option<Interpretation>> {
    let multiplicative = baths.iter().any(|node| reader.graph.depends_on(*node, &|symbol| matches!(symbol, Symbol::Coordinate(_))));
    match table.get("interpretation") {
        Some(item) => {
            let chosen = reader.choice(item, "interpretation", Interpretation::CHOICES)?;
            if !multiplicative {
                reader.note("`model.interpretation` changes nothing: neither friction nor temperature depends on a coordinate".to_owned());
            }
            Some(Some(chosen).filter(|_| multiplicative))
        }
        None if multiplicative => {
            let key = if table.get("interpretation").is_none() && depends(reader, table, "temperature", baths) { "temperature" } else { "friction" };
            let place = table.get(key).map_or_else(|| super::document::Place { source: 0, span: 0..0 }, |item| item.place.clone());
            let message = format!("`{key}` depends on a coordinate: the noise is multiplicative, and `interpretation` must say how it is read");
            reader.problem(&place, message, "add `interpretation = \"ito\" | \"stratonovich\" | \"anti-ito\"` to [model]").help(MEANINGS);
            None
        }
        None => Some(None),
    }
}

/// Whether it is this key that depends on a coordinate: frictions come first among the baths, then temperatures.
fn depends(reader: &Reader, table: &Table, key: &str, baths: &[Node]) -> bool {
    let half = baths.len() / 2;
    let nodes = if key == "temperature" { &baths[half..] } else { &baths[..half] };
    table.get(key).is_some() && nodes.iter().any(|node| reader.graph.depends_on(*node, &|symbol| matches!(symbol, Symbol::Coordinate(_))))
}

/// Refuses frictions and temperatures that are not above 0 somewhere in the range of the coordinates, at some moment of the protocol. What
/// reads an open coordinate is not judged: where it goes is not known yet.
pub(super) fn check_positive(reader: &mut Reader, table: &Table, model: &OverdampedModel, protocol: Option<&Protocol>) {
    const PLACES: usize = 64;
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let Some(protocol) = protocol.filter(|_| !reader.parameters_broken) else { return };
    let moments = protocol.samples(&reader.graph, &reader.parameters, 64);
    for (key, nodes) in [("friction", &model.friction), ("temperature", &model.temperature)] {
        let Some(item) = table.get(key) else { continue };
        let mut worst: Option<f64> = None;
        for node in nodes {
            let open = |symbol: Symbol| matches!(symbol, Symbol::Coordinate(i) if model.coordinates[usize::from(i)].boundary == Boundary::Open);
            if reader.graph.depends_on(*node, &open) {
                continue;
            }
            for place in 0..PLACES {
                let position = |j: usize| {
                    let (lower, upper) = model.coordinates[j].boundary.ends().unwrap_or((0.0, 0.0));
                    // Both ends, then places that fill the range evenly.
                    let fraction = match place {
                        0 => 0.0,
                        1 => 1.0,
                        _ => (place as f64 * GOLDEN + 0.37 * j as f64).fract(),
                    };
                    lower + (upper - lower) * fraction
                };
                let x: Vec<f64> = (0..model.coordinates.len()).map(position).collect();
                let values = moments.iter().map(|moment| reader.evaluate(*node, &x, moment, 0.0));
                let lowest = values.fold(f64::INFINITY, |low, value| if value.is_finite() { low.min(value) } else { f64::NEG_INFINITY });
                worst = Some(worst.map_or(lowest, |worst| worst.min(lowest)));
            }
        }
        match worst {
            Some(value) if value == f64::NEG_INFINITY => refuse(reader, item, key, "this is not finite somewhere".to_owned()),
            Some(value) if value <= 0.0 => refuse(reader, item, key, format!("this falls to {value:.6}")),
            _ => {}
        }
    }
}
