//! Random small models that together use everything a plan of a jump process may ask for.

use ness::plan::{Column, FieldGrid, JumpColumn, Plan, Surprise};
use ness::random::{Draws, Purpose};

use crate::models::{ChannelText, Model};

/// Kinds of rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Steady,
    Rows,
    Moving,
}

/// A random model and what it is.
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) plan: Plan,
}

/// Models of all kinds, with and without interventions, relaxation and a small allowance of events.
pub(crate) fn samples(trajectories: u64) -> Vec<Sample> {
    let mut samples = Vec::new();
    for number in 0..36u64 {
        let kind = [Kind::Steady, Kind::Rows, Kind::Moving][number as usize % 3];
        let model = reactions(number, kind);
        let name = format!("reactions {number}, {kind:?}, {} channels", model.channels.len());
        samples.push(Sample { name, plan: model.plan(trajectories) });
    }
    for number in 0..8u64 {
        samples.push(Sample { name: format!("network {number}"), plan: network(number, trajectories) });
    }
    samples
}

fn pick(draws: &mut Draws, below: usize) -> usize {
    (draws.uniform() * below as f64) as usize
}

/// Births, deaths and conversions with their reverses, in random order.
fn reactions(number: u64, kind: Kind) -> Model {
    let mut draws = Draws::new(number, Purpose::Initial, 17);
    let d = 1 + pick(&mut draws, 3);
    let factor = match kind {
        Kind::Steady => "",
        Kind::Rows => "*(1 + 0.5*lambda)",
        Kind::Moving => "*(1 + 0.5*sin(3*(begin + offset)))",
    };
    let mut channels: Vec<ChannelText> = Vec::new();
    let mut pair = |forward: (String, Vec<(u16, i32)>), backward: (String, Vec<(u16, i32)>)| {
        let place = channels.len() as u16;
        channels.push((format!("({}){factor}", forward.0), forward.1, Some(place + 1)));
        channels.push((format!("({}){factor}", backward.0), backward.1, Some(place)));
    };
    for i in 0..d {
        let (birth, death) = (1.0 + 4.0 * draws.uniform(), 0.5 + draws.uniform());
        pair((format!("{birth}"), vec![(i as u16, 1)]), (format!("{death}*n{i}"), vec![(i as u16, -1)]));
    }
    for _ in 0..pick(&mut draws, if number % 5 == 4 { 40 } else { 4 }) {
        let (a, b) = (pick(&mut draws, d), pick(&mut draws, d));
        let rate = 0.2 * draws.uniform();
        if a == b {
            pair((format!("{rate}*n{a}*(n{a} - 1)/2"), vec![(a as u16, -2)]), (format!("{rate}"), vec![(a as u16, 2)]));
        } else {
            pair((format!("{rate}*n{a}"), vec![(a as u16, -1), (b as u16, 1)]), (format!("{rate}*n{b}"), vec![(a as u16, 1), (b as u16, -1)]));
        }
    }
    let sum = channels.iter().map(|channel| channel.0.replace(factor, "")).collect::<Vec<_>>().join(" + ");
    let mut model = Model { initial: vec![3.0; d], channels, duration: 4.0, saves: 9, ..Model::default() };
    model.segments = [1, 7, 24][pick(&mut draws, 3)];
    model.lambda = f64::sin;
    model.bound = (kind == Kind::Moving).then(|| format!("1.5*({sum})"));
    model.relaxation_steps = [0, 3][pick(&mut draws, 2)];
    model.most_events = if number % 7 == 6 { 61 + number } else { 1 << 40 };
    measure(&mut model, number, &mut draws);
    model
}

/// Everything that may be asked for.
fn measure(model: &mut Model, number: u64, draws: &mut Draws) {
    let (d, channels) = (model.initial.len() as u16, model.channels.len());
    model.energy = Some("0.3*n0 + 0.01*n0^2 + 0.1*lambda*n0 + 0.05*offset*n0".to_owned());
    if model.bound.is_none() && number.is_multiple_of(2) {
        model.energy = Some("0.3*n0 + 0.01*n0^2".to_owned());
    }
    model.derived = vec!["n0^2 + offset + lambda".to_owned(), "2".to_owned()];
    let second: Vec<bool> = (0..channels).map(|channel| (channel / 2) % 2 == 0).collect();
    model.log_ratios = vec![vec![true; channels], second];
    let (lower, extent) = (vec![0; d.into()], vec![30; d.into()]);
    let states = 30usize.pow(d.into());
    let steady = number.is_multiple_of(4);
    let sides = if steady { 2 } else { 2 * model.segments as usize };
    model.surprise = Some(Surprise { lower, extent, values: (0..sides * states).map(|_| draws.uniform()).collect(), steady });
    if number % 3 == 1 || number.is_multiple_of(4) {
        let segment = model.segments / 2;
        model.interventions.push((Ok(segment), vec![(0, "n0 + 4.4".to_owned())]));
        model.interventions.push((Ok(segment), vec![(0, "1.5*n0".to_owned()), (d - 1, "n0 - 20".to_owned())]));
    }
    if number % 4 == 2 || number % 8 == 4 {
        model.interventions.push((Err("n0 >= 9".to_owned()), vec![(0, "2".to_owned())]));
        model.interventions.push((Err("n0 == 2".to_owned()), vec![(0, "n0 + 1".to_owned())]));
    }
    let jumps = [JumpColumn::Activity, JumpColumn::LogRatio(0), JumpColumn::LogRatio(1), JumpColumn::Excess, JumpColumn::EnergyJump];
    let counts = (0..d).flat_map(|i| [Column::Initial(i), Column::Position(i), Column::Jump(JumpColumn::Integral(i))]);
    let fired = (0..channels as u16).map(|channel| Column::Jump(JumpColumn::Fired(channel)));
    model.columns = counts.chain(jumps.map(Column::Jump)).chain(fired).collect();
    let derived = [0, 1].map(|k| Column::Jump(JumpColumn::Derived(k)));
    model.series = model.columns.iter().copied().filter(|column| !matches!(column, Column::Initial(_))).chain(derived).collect();
    model.fields = vec![FieldGrid { coordinate: d - 1, lower: -0.5, upper: 11.5, bins: 12 }];
}

/// A random graph with forward and backward edges, one state to stay in for ever in some.
fn network(number: u64, trajectories: u64) -> Plan {
    let mut draws = Draws::new(number, Purpose::Initial, 18);
    let states = [2, 3, 4, 5, 9, 40, 300, 300][number as usize];
    let mut edges = Vec::new();
    for from in 0..states as u32 {
        for _ in 0..1 + pick(&mut draws, 6) {
            let to = pick(&mut draws, states) as u32;
            if to != from && !(number % 3 == 2 && from == 1) {
                edges.push((from, to, 0.1 + 3.0 * draws.uniform()));
            }
        }
    }
    let jumps = [JumpColumn::Activity, JumpColumn::TableSum(0), JumpColumn::Dwell(0), JumpColumn::Dwell(1), JumpColumn::Integral(0)];
    let fired = (0..edges.len().min(5) as u16).map(JumpColumn::Fired);
    let columns: Vec<Column> = [Column::Initial(0), Column::Position(0)].into_iter().chain(jumps.into_iter().chain(fired).map(Column::Jump)).collect();
    let model = Model {
        initial: vec![0.0],
        duration: 8.0,
        segments: [1, 5][number as usize % 2],
        saves: 5,
        series: columns[1..].to_vec(),
        columns,
        fields: vec![FieldGrid { coordinate: 0, lower: -0.5, upper: 3.5, bins: 4 }],
        relaxation_steps: [0, 2][number as usize / 4],
        most_events: if number == 3 { 20 } else { 1 << 40 },
        ..Model::default()
    };
    model.network(states, &edges, true, trajectories)
}
