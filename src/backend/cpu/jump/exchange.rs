//! Rods of cells that exchange energy; see the text of the module of [`crate::plan::Exchange`].

use super::race::{Race, Streams};
use super::walkers::Process;
use crate::backend::cpu::instruction_sets::Kernels;
use crate::backend::cpu::record::Record;
use crate::experiment::exchange::Contact;
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{Column, Exchange, JumpColumn, Plan};

/// The choice of bonds, and what the ends do.
pub(in crate::backend::cpu) struct Rod {
    /// For every slot the bond it keeps part of 2³² for, that part, and the bond it stands for otherwise.
    slots: Vec<(u32, u32, u32)>,
    /// The last bond.
    last: u32,
    resample: bool,
}

impl Rod {
    fn of(exchange: &Exchange) -> Self {
        let (bonds, alias) = exchange.choices();
        let slots = bonds.iter().zip(alias.keep).zip(alias.other).map(|((&bond, keep), other)| (bond, keep, bonds[other as usize])).collect();
        Self { slots, last: exchange.cells() as u32, resample: exchange.contact == Contact::Resample }
    }

    #[inline(always)]
    fn bond(&self, word: u32) -> u32 {
        let product = u64::from(word) * self.slots.len() as u64;
        let (bond, keep, other) = self.slots[(product >> 32) as usize];
        if (product as u32) < keep { bond } else { other }
    }
}

/// What a round of events draws: bonds, shares and fresh energies in units of the temperature.
pub(in crate::backend::cpu) struct Split<R> {
    pub(in crate::backend::cpu) share: Lanes<R>,
    pub(in crate::backend::cpu) fresh: Lanes<R>,
}

/// The words that split energies, of the candidates that [`super::race::event_words`] drew last.
#[inline(always)]
#[expect(clippy::extra_unused_type_parameters, reason = "every kernel has the same parameters")]
pub(in crate::backend::cpu) fn split_words<R: Real, const FMA: bool>(streams: &Streams, words: &mut [[u32; LANES]; 4]) {
    const LANE: u64 = 1 << 16;
    let [w0, w1, w2, w3] = words;
    let rounds = streams.rounds;
    for l in 0..LANES {
        let (trajectory, index) = (streams.trajectory[l], (streams.candidate[l].wrapping_sub(2)) >> 1);
        let one = u64::from(streams.head[l]) | LANE | ((index >> 32) & 0xFFFF);
        let w = rounds.words([index, one, trajectory, trajectory >> 32]);
        (w0[l], w1[l], w2[l], w3[l]) = (w[0], w[1], w[2], w[3]);
    }
}

/// What events change, lane by lane: energies with one place more at each end for those of the baths, what has crossed each bond, medium entropy.
pub(in crate::backend::cpu) struct Energies<R> {
    cells: Vec<Lanes<R>>,
    crossed: Vec<Lanes<f64>>,
    medium: Option<Lanes<f64>>,
}

/// One event in every lane that has one.
#[inline(always)]
pub(in crate::backend::cpu) fn exchange<R: Real, const FMA: bool>(
    rod: &Rod,
    choice: &[u32; LANES],
    split: &Split<R>,
    event: &Lanes<R>,
    temperature: &[Lanes<R>; 2],
    energies: &mut Energies<R>,
) {
    let last = rod.last as usize;
    for l in 0..LANES {
        energies.cells[0].0[l] = temperature[0].0[l] * split.fresh.0[l];
        energies.cells[last + 1].0[l] = temperature[1].0[l] * split.fresh.0[l];
    }
    for l in (0..LANES).filter(|&l| event.0[l] != R::ZERO) {
        let bond = rod.bond(choice[l]) as usize;
        let (left, right) = (energies.cells[bond].0[l], energies.cells[bond + 1].0[l]);
        let both = left + right;
        let swaps = rod.resample & ((bond == 0) | (bond == last));
        let share = split.share.0[l] * both;
        let new_left = if swaps { right } else { share };
        let new_right = if swaps { left } else { both - share };
        energies.cells[bond].0[l] = new_left;
        energies.cells[bond + 1].0[l] = new_right;
        // By the cell's side of the bond, so that what the baths give is what the rod gets to the last bit.
        let crossed = if bond == last { left - new_left } else { new_right - right };
        energies.crossed[bond].0[l] += crossed.to_f64();
        if let Some(medium) = &mut energies.medium {
            let gained = if bond == 0 { -crossed / temperature[0].0[l] } else { crossed / temperature[1].0[l] };
            medium.0[l] += if (bond == 0) | (bond == last) { gained.to_f64() } else { 0.0 };
        }
    }
}

/// A lane block of rods.
pub(super) struct Exchanging<'a, R: Real> {
    plan: &'a Plan,
    exchange: &'a Exchange,
    kernels: Kernels<R>,
    rod: Rod,
    total: R,
    start: Vec<[f64; LANES]>,
    energies: Energies<R>,
    integrals: Option<Vec<Lanes<f64>>>,
    activity: Lanes<f64>,
    /// Whether a lane is past its relaxation.
    measuring: [bool; LANES],
    resting: [R; 2],
    temperature: [Lanes<R>; 2],
    words: [[u32; LANES]; 4],
    half: usize,
    split: Split<R>,
}

impl<'a, R: Real> Exchanging<'a, R> {
    pub(super) fn new(plan: &'a Plan, exchange: &'a Exchange, kernels: Kernels<R>) -> Self {
        let cells = exchange.cells();
        let wanted = |pick: fn(&Column) -> bool| plan.columns.iter().chain(&plan.series).any(pick);
        let resting = [0, 2].map(|k| R::from_f64(plan.uniforms.resting[k]));
        Self {
            plan,
            exchange,
            kernels,
            rod: Rod::of(exchange),
            total: R::from_f64(exchange.total()),
            start: vec![[0.0; LANES]; cells],
            energies: Energies {
                cells: vec![Lanes::ZERO; cells + 2],
                crossed: vec![Lanes::ZERO; cells + 1],
                medium: wanted(|column| matches!(column, Column::Jump(JumpColumn::LogRatio(_)))).then_some(Lanes::ZERO),
            },
            integrals: wanted(|column| matches!(column, Column::Jump(JumpColumn::Integral(_)))).then(|| vec![Lanes::ZERO; cells]),
            activity: Lanes::ZERO,
            measuring: [false; LANES],
            resting,
            temperature: resting.map(|t| Lanes([t; LANES])),
            words: [[0; LANES]; 4],
            half: 0,
            split: Split { share: Lanes::ZERO, fresh: Lanes::ZERO },
        }
    }

    /// Temperatures of the baths at the events of this round.
    fn look_up(&mut self, race: &Race<R>) {
        let length = R::from_f64(self.exchange.clock.length);
        for l in 0..LANES {
            if !self.measuring[l] {
                (self.temperature[0].0[l], self.temperature[1].0[l]) = (self.resting[0], self.resting[1]);
                continue;
            }
            let segment = (race.segment.0[l].to_f64() as u64).min(self.exchange.clock.segments - 1);
            let row = self.plan.uniforms.row(segment);
            let fraction = race.offset.0[l] / length;
            let between = |k: usize| R::from_f64(row[k]) + (R::from_f64(row[k + 1]) - R::from_f64(row[k])) * fraction;
            (self.temperature[0].0[l], self.temperature[1].0[l]) = (between(0), between(2));
        }
    }
}

impl<R: Real> Process<R> for Exchanging<'_, R> {
    fn place(&mut self, lane: usize, state: &[f64], race: &mut Race<R>) {
        for (cell, &energy) in self.energies.cells[1..].iter_mut().zip(state) {
            cell.0[lane] = R::from_f64(energy);
        }
        self.measuring[lane] = false;
        // An energy that is none: the trajectory is given up.
        race.total.0[lane] = if state.iter().all(|energy| *energy >= 0.0) { self.total } else { R::NAN };
    }

    fn start(&mut self, lane: usize, _trajectory: u64, _race: &Race<R>) {
        for (start, cell) in self.start.iter_mut().zip(&self.energies.cells[1..]) {
            start[lane] = cell.0[lane].to_f64();
        }
        let sums = self.energies.crossed.iter_mut().chain(&mut self.energies.medium).chain(self.integrals.iter_mut().flatten());
        sums.chain([&mut self.activity]).for_each(|sum| sum.0[lane] = 0.0);
        self.measuring[lane] = true;
    }

    fn more_words(&mut self, streams: &Streams) {
        self.kernels.split_words(streams, &mut self.words);
        self.half = 0;
    }

    fn draw(&self, wait: &[u32; LANES], _choice: &[u32; LANES], race: &mut Race<R>) {
        self.kernels.draw_hazards(wait, &mut race.hazard);
    }

    fn rates(&mut self, _race: &mut Race<R>) {}

    fn happen(&mut self, race: &mut Race<R>, choice: &[u32; LANES]) {
        self.kernels.draw_choices(&self.words[2 * self.half], &mut self.split.share);
        self.kernels.draw_hazards(&self.words[2 * self.half + 1], &mut self.split.fresh);
        self.half = 1 - self.half;
        for (sum, cell) in self.integrals.iter_mut().flatten().zip(&self.energies.cells[1..]) {
            self.kernels.integrate(cell, &race.elapsed, sum);
        }
        if !self.exchange.steady {
            self.look_up(race);
        }
        self.kernels.exchange(&self.rod, choice, &self.split, &race.event, &self.temperature, &mut self.energies);
        self.kernels.add_where(&race.event, &race.event, &mut self.activity);
    }

    fn enter(&mut self, _lane: usize, _segment: R) {}

    fn next_special(&self, _segment: u64) -> Option<u64> {
        None
    }

    fn intervene(&mut self, _lane: usize, _segment: u64) {}

    fn value(&self, column: Column, lane: usize, rest: R) -> f64 {
        let energy = |i: u16| self.energies.cells[usize::from(i) + 1].0[lane];
        match column {
            Column::Initial(i) => self.start[usize::from(i)][lane],
            Column::Position(i) => energy(i).to_f64(),
            Column::Jump(JumpColumn::Integral(i)) => {
                self.integrals.as_ref().map_or(f64::NAN, |sums| sums[usize::from(i)].0[lane] + (energy(i) * rest).to_f64())
            }
            Column::Jump(JumpColumn::Crossed(bond)) => self.energies.crossed[usize::from(bond)].0[lane],
            Column::Jump(JumpColumn::Activity) => self.activity.0[lane],
            Column::Jump(JumpColumn::LogRatio(0)) => self.energies.medium.map_or(f64::NAN, |sum| sum.0[lane]),
            _ => f64::NAN,
        }
    }

    fn derive(&mut self, _save: usize, _counts: &[Lanes<R>]) -> Vec<Lanes<f64>> {
        Vec::new()
    }

    fn finish(&mut self, _lane: usize) {}

    fn close(&mut self, _record: &mut Record) {}
}
