//! One trajectory at a time, in f64, written from the text of `ness::plan::jump` and nothing else: what every kernel must reproduce.

use ness::expression::Program;
use ness::maths::negative_log_uniform;
use ness::plan::{Column, Dynamics, JumpColumn, MOST_ROUNDS, Network, Plan, Reactions, Surprise, Trigger, initial_state};
use ness::random::{self, Purpose};

/// What a trajectory shows: a row of the plan's series (and counts) at every save, then its columns. Rows are missing after it was given up.
pub(crate) struct Path {
    pub(crate) saves: Vec<Vec<f64>>,
    pub(crate) counts: Vec<Vec<f64>>,
    pub(crate) columns: Vec<f64>,
    pub(crate) events: u64,
}

/// Runs one trajectory of a plan.
pub(crate) fn path(plan: &Plan, trajectory: u64) -> Path {
    match &plan.dynamics {
        Dynamics::Reactions(reactions) => Walker::new(plan, Some(reactions), None, trajectory).run(),
        Dynamics::Network(network) => Walker::new(plan, None, Some(network), trajectory).run(),
        Dynamics::Exchange(_) | Dynamics::Overdamped(_) => unreachable!("the tests make no such plan"),
    }
}

/// Given up.
struct GivenUp;

struct Walker<'a> {
    plan: &'a Plan,
    reactions: Option<&'a Reactions>,
    network: Option<&'a Network>,
    trajectory: u64,
    segments: u64,
    length: f64,
    most_events: u64,
    purpose: Purpose,
    measuring: bool,
    counts: Vec<f64>,
    initial: Vec<f64>,
    segment: u64,
    offset: f64,
    candidate: u64,
    known: Vec<bool>,
    events: u64,
    /// Sums up to the last event.
    integrals: Vec<f64>,
    dwell: Vec<f64>,
    fired: Vec<f64>,
    log_ratios: Vec<f64>,
    tables: Vec<f64>,
    energy: f64,
    excess: f64,
    path: Path,
}

impl<'a> Walker<'a> {
    fn new(plan: &'a Plan, reactions: Option<&'a Reactions>, network: Option<&'a Network>, trajectory: u64) -> Self {
        let (clock, most_events) = reactions.map(|r| (r.clock, r.most_events)).or(network.map(|n| (n.clock, n.most_events))).expect("one of the two kinds");
        let channels = reactions.map_or_else(|| network.map_or(0, |n| n.channels), |r| r.channels.len());
        Self {
            plan,
            reactions,
            network,
            trajectory,
            segments: clock.segments,
            length: clock.length,
            most_events,
            purpose: plan.stream.event(),
            measuring: true,
            counts: vec![0.0; plan.coordinates.len()],
            initial: Vec::new(),
            segment: 0,
            offset: 0.0,
            candidate: 0,
            known: vec![true; reactions.map_or(0, |r| r.interventions.len())],
            events: 0,
            integrals: vec![0.0; plan.coordinates.len()],
            dwell: vec![0.0; network.map_or(0, |n| n.states.len())],
            fired: vec![0.0; channels],
            log_ratios: vec![0.0; reactions.map_or(0, |r| r.log_ratios.len())],
            tables: vec![0.0; network.map_or(0, |n| n.tables.len())],
            energy: 0.0,
            excess: 0.0,
            path: Path { saves: Vec::new(), counts: Vec::new(), columns: Vec::new(), events: 0 },
        }
    }

    fn run(mut self) -> Path {
        initial_state(self.plan, self.trajectory, &mut self.counts);
        let done = self.relax().and_then(|()| self.measure());
        if done.is_err() {
            self.path.columns = vec![f64::NAN; self.plan.columns.len()];
        }
        self.path.events = self.events;
        self.path
    }

    fn relax(&mut self) -> Result<(), GivenUp> {
        if self.plan.relaxation_steps > 0 {
            self.measuring = false;
            self.purpose = self.plan.stream.relaxation_event();
            let end = self.time(self.plan.relaxation_steps);
            self.advance(&[end], u64::MAX)?;
        }
        (self.segment, self.offset, self.candidate, self.events) = (0, 0.0, 0, 0);
        (self.measuring, self.purpose) = (true, self.plan.stream.event());
        for sums in [&mut self.integrals, &mut self.dwell, &mut self.fired, &mut self.log_ratios, &mut self.tables] {
            sums.fill(0.0);
        }
        (self.energy, self.excess) = (0.0, 0.0);
        self.initial = self.counts.clone();
        Ok(())
    }

    fn measure(&mut self) -> Result<(), GivenUp> {
        let stops: Vec<_> = (0..self.plan.schedule.saves() as u64).map(|s| self.time(s * self.plan.schedule.save_every)).collect();
        if self.reactions.is_some() {
            self.look()?;
        }
        self.intervene()?;
        self.advance(&stops, self.segments)
    }

    fn time(&self, step: u64) -> (u64, f64) {
        let (s, k) = (u128::from(self.segments) * u128::from(step), u128::from(self.plan.schedule.steps));
        ((s / k) as u64, (s % k) as f64 / k as f64 * self.length)
    }

    /// Goes through events until the last stop.
    fn advance(&mut self, stops: &[(u64, f64)], last_segment: u64) -> Result<(), GivenUp> {
        let moving = self.reactions.is_some_and(|r| r.bound.is_some());
        let rows = self.reactions.is_some_and(Reactions::has_rows);
        let mut stops = stops.iter().peekable();
        loop {
            if self.candidate >= self.most_events {
                return Err(GivenUp);
            }
            let words = random::philox(random::counter(self.purpose, self.trajectory, 0, self.candidate / 2), random::key(self.plan.seed));
            let half = 2 * (self.candidate % 2) as usize;
            let (mut hazard, choice) = (negative_log_uniform::<f64, false>(words[half]), words[half + 1]);
            self.candidate += 1;
            loop {
                let rate = if moving { self.bound()? } else { self.total(&self.propensities())? };
                let reached = self.offset + hazard / rate;
                // Where rates may change: the next segment, or the next intervention, or the end.
                let barrier = if rows { self.segment + 1 } else { self.next_intervention(last_segment) };
                let end = if barrier == u64::MAX { f64::INFINITY } else { (barrier - self.segment) as f64 * self.length };
                while let Some(&&(segment, offset)) = stops.peek() {
                    let stop = (segment as f64 - self.segment as f64) * self.length + offset;
                    let over = self.measuring && self.segment == self.segments;
                    if !over && (reached < stop || stop >= end) {
                        break;
                    }
                    self.save(stop - self.offset);
                    stops.next();
                }
                if stops.peek().is_none() {
                    return Ok(());
                }
                if reached < end {
                    self.candidate_at(reached, rate, choice, moving)?;
                    break;
                }
                self.pass(end - self.offset);
                hazard = (hazard - rate * (end - self.offset)).max(0.0);
                (self.segment, self.offset) = (barrier, 0.0);
                if self.measuring {
                    self.intervene()?;
                }
            }
        }
    }

    fn next_intervention(&self, last: u64) -> u64 {
        let triggers = self.reactions.into_iter().flat_map(|r| &r.interventions).map(|i| &i.trigger);
        let segments = triggers.filter_map(|t| if let Trigger::Segment(s) = t { Some(*s) } else { None });
        segments.filter(|&s| s > self.segment && self.measuring && s < self.segments).min().unwrap_or(last)
    }

    fn candidate_at(&mut self, reached: f64, rate: f64, word: u32, moving: bool) -> Result<(), GivenUp> {
        self.pass(reached - self.offset);
        let forward = (reached / self.length).floor();
        self.segment += forward as u64;
        self.offset = (reached - forward * self.length).max(0.0);
        if let Some(network) = self.network {
            self.walk(network, word);
            return Ok(());
        }
        let choice = ((f64::from(word) + 0.5) * (-32f64).exp2()).min(1.0 - f64::EPSILON / 2.0);
        let propensities = self.propensities();
        if moving {
            let total = self.total(&propensities)?;
            if total - rate > f64::EPSILON.sqrt() * total {
                return Err(GivenUp);
            }
            if choice * rate >= total {
                return Ok(());
            }
        }
        let mut sum = 0.0;
        let fired = propensities.iter().position(|w| {
            sum += w.max(0.0);
            sum > choice * rate
        });
        self.fire(fired.expect("some channel is chosen"), &propensities)
    }

    fn fire(&mut self, channel: usize, before: &[f64]) -> Result<(), GivenUp> {
        let reactions = self.reactions.expect("reactions");
        assert!(before[channel] > 0.0, "a channel of rate 0 fired");
        let energy = |walker: &Self| reactions.energy.as_ref().map_or(0.0, |program| walker.evaluate(program)[0]);
        let surprise = |walker: &Self| reactions.surprise.as_ref().map_or(0.0, |table| walker.surprise(table));
        let (energy_before, surprise_before) = (energy(self), surprise(self));
        for &(i, change) in &reactions.channels[channel].change {
            self.counts[i as usize] += f64::from(change);
            assert!(self.counts[i as usize] >= 0.0, "a count went below 0");
        }
        self.events += 1;
        self.fired[channel] += 1.0;
        let after = self.propensities();
        let ratio = reactions.channels[channel].reverse.map_or(f64::INFINITY, |reverse| (before[channel] / after[reverse as usize].max(0.0)).ln());
        for (sum, set) in self.log_ratios.iter_mut().zip(&reactions.log_ratios) {
            *sum += if set[channel] { ratio } else { 0.0 };
        }
        self.energy += energy(self) - energy_before;
        self.excess += surprise_before - surprise(self);
        if self.measuring { self.look() } else { Ok(()) }
    }

    fn walk(&mut self, network: &Network, word: u32) {
        let alias = network.alias();
        let edges = network.edges(self.counts[0] as usize);
        let product = u64::from(word) * edges.len() as u64;
        let slot = edges.start + (product >> 32) as usize;
        let edge = if (product as u32) < alias.keep[slot] { slot } else { alias.other[slot] as usize };
        self.counts[0] = f64::from(network.target[edge]);
        self.events += 1;
        self.fired[network.channel[edge] as usize] += 1.0;
        for (sum, table) in self.tables.iter_mut().zip(&network.tables) {
            *sum += table[edge];
        }
    }

    fn pass(&mut self, elapsed: f64) {
        for (sum, count) in self.integrals.iter_mut().zip(&self.counts) {
            *sum += count * elapsed;
        }
        if self.network.is_some() {
            self.dwell[self.counts[0] as usize] += elapsed;
        }
    }

    fn row(&self) -> &[f64] {
        let uniforms = &self.plan.uniforms;
        if self.measuring { uniforms.row(self.segment.min(self.segments - 1)) } else { &uniforms.resting }
    }

    fn evaluate(&self, program: &Program) -> Vec<f64> {
        let offset = if self.measuring { self.offset } else { 0.0 };
        let coordinates: Vec<f64> = self.counts.iter().copied().chain([offset]).collect();
        program.evaluate(&coordinates, &self.plan.uniforms.constants, self.row())
    }

    fn propensities(&self) -> Vec<f64> {
        match (self.reactions, self.network) {
            (Some(reactions), _) => self.evaluate(&reactions.propensities),
            (None, Some(network)) => vec![network.exit(self.counts[0] as usize)],
            (None, None) => unreachable!("one of the two kinds"),
        }
    }

    fn total(&self, propensities: &[f64]) -> Result<f64, GivenUp> {
        let total: f64 = propensities.iter().map(|w| w.max(0.0)).sum();
        let negative: f64 = propensities.iter().map(|w| w.min(0.0)).sum();
        let finite = propensities.iter().all(|w| w.is_finite());
        if finite && -negative <= f64::EPSILON.sqrt() * (total + 1.0 / self.length) { Ok(total) } else { Err(GivenUp) }
    }

    fn bound(&self) -> Result<f64, GivenUp> {
        let program = self.reactions.and_then(|r| r.bound.as_ref()).expect("a bound");
        let bound = self.evaluate(program)[0];
        if bound >= 0.0 { Ok(bound) } else { Err(GivenUp) }
    }

    fn surprise(&self, table: &Surprise) -> f64 {
        let mut state = 0;
        for ((&count, &lower), &extent) in self.counts.iter().zip(&table.lower).zip(&table.extent) {
            if count < f64::from(lower) || count >= f64::from(lower + extent) {
                return f64::NAN;
            }
            state = state * extent as usize + count as usize - lower as usize;
        }
        let states: usize = table.extent.iter().map(|&extent| extent as usize).product();
        let segment = if table.steady { 0 } else { self.segment as usize };
        let side = |side: usize| table.values[(2 * segment + side) * states + state];
        side(0) + (side(1) - side(0)) * self.offset / self.length
    }

    /// Interventions at the start of the present segment.
    fn intervene(&mut self) -> Result<(), GivenUp> {
        let Some(reactions) = self.reactions else { return Ok(()) };
        let mut any = false;
        for (k, intervention) in reactions.interventions.iter().enumerate() {
            if matches!(intervention.trigger, Trigger::Segment(s) if s == self.segment && s < self.segments) {
                self.assign(k);
                any = true;
            }
        }
        if any { self.look() } else { Ok(()) }
    }

    fn assign(&mut self, k: usize) {
        let intervention = &self.reactions.expect("reactions").interventions[k];
        let values = self.evaluate(&intervention.values);
        for (&target, value) in intervention.targets.iter().zip(values) {
            self.counts[target as usize] = (value + 0.5).floor().max(0.0);
        }
    }

    fn look(&mut self) -> Result<(), GivenUp> {
        let reactions = self.reactions.expect("reactions");
        for _ in 0..MOST_ROUNDS {
            let mut turned = Vec::new();
            for (k, intervention) in reactions.interventions.iter().enumerate() {
                if let Trigger::Condition(program) = &intervention.trigger {
                    let now = self.evaluate(program)[0] != 0.0;
                    if now && !self.known[k] {
                        turned.push(k);
                    }
                    self.known[k] = now;
                }
            }
            if turned.is_empty() {
                return Ok(());
            }
            turned.into_iter().for_each(|k| self.assign(k));
        }
        Err(GivenUp)
    }

    fn save(&mut self, rest: f64) {
        if !self.measuring {
            return;
        }
        let derived = self.derived(self.path.saves.len() as u64);
        let row = self.plan.series.iter().map(|&column| self.value(column, rest, &derived)).collect();
        self.path.saves.push(row);
        self.path.counts.push(self.counts.clone());
        self.path.columns = self.plan.columns.iter().map(|&column| self.value(column, rest, &derived)).collect();
    }

    fn derived(&self, save: u64) -> Vec<f64> {
        let Some(program) = self.reactions.and_then(|r| r.derived.as_ref()) else { return Vec::new() };
        let (segment, offset) = self.time(save * self.plan.schedule.save_every);
        let (segment, offset) = if segment == self.segments { (segment - 1, self.length) } else { (segment, offset) };
        let coordinates: Vec<f64> = self.counts.iter().copied().chain([offset]).collect();
        program.evaluate(&coordinates, &self.plan.uniforms.constants, self.plan.uniforms.row(segment))
    }

    fn value(&self, column: Column, rest: f64, derived: &[f64]) -> f64 {
        let Column::Jump(column) = column else {
            return match column {
                Column::Initial(i) => self.initial[i as usize],
                Column::Position(i) => self.counts[i as usize],
                _ => f64::NAN,
            };
        };
        match column {
            JumpColumn::Integral(i) => self.integrals[i as usize] + self.counts[i as usize] * rest,
            JumpColumn::Fired(channel) => self.fired[channel as usize],
            JumpColumn::Activity => self.events as f64,
            JumpColumn::Dwell(state) => self.dwell[state as usize] + if self.counts[0] == f64::from(state) { rest } else { 0.0 },
            JumpColumn::LogRatio(k) => self.log_ratios[k as usize],
            JumpColumn::Excess => self.excess,
            JumpColumn::EnergyJump => self.energy,
            JumpColumn::TableSum(k) => self.tables[k as usize],
            JumpColumn::Derived(k) => derived[k as usize],
            JumpColumn::Crossed(_) => unreachable!("these are no rods"),
        }
    }
}
