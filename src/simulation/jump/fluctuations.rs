//! Exact variances of currents and entropies, over the run and per time in a steady state.

use super::super::answers::{Answers, Values};
use super::along::Along;
use super::known::{Flows, Stretch, fall, inside, know, log_ratio, stationary, stretches};
use super::question::Question;
use crate::exact::counting::{Counting, Tilted};
use crate::exact::cumulants::{Cumulants, long_time};
use crate::exact::refinement::{Limit, settle};
use crate::exact::relaxation::relaxation_rate;

/// Most work, transitions times events times sums, that variances are worth; where it is less than all of them need, the first ones are taken.
const MOST_WORK: f64 = 3e8;

/// How many times longer it takes where the limit of short steps is wanted.
const LEVELS: f64 = 10.0;

/// Most weights of all fluxes together; where there are more, only the entropy has a variance rate.
const MOST_WEIGHTS: usize = 20_000_000;

/// Weights of all transitions at given rates, and `φ = −ln p_ss` at them, NaN where that is not known.
type Weigh<'a> = Box<dyn Fn(&[f64], &[f64]) -> Vec<f64> + 'a>;

/// Lets a time pass at rates and weights.
type Evolve<'a> = dyn FnMut(&[f64], &[f64], f64) + 'a;

/// A mean below this part of the terms that cancel in it is that of rounding: there is no uncertainty product in equilibrium.
const NET: f64 = 1e-10;

/// A variance of an entropy below this, in nats², is that of rounding, or of polynomials.
const NOTHING: f64 = 1e-14;

/// The least error that is stated, relative to the value.
const ROUNDED: f64 = 1e-14;

/// An exponential average that fluctuates less does not fluctuate.
const CERTAIN: f64 = 1e-9;

/// A sum over the way: its name, the weights of all transitions at given rates, and whether it is divided by the duration.
struct Sum<'a> {
    name: String,
    weights: Weigh<'a>,
    /// What every state adds per time.
    worth: Option<Vec<f64>>,
    per_time: bool,
    /// What the ends add.
    ends: Ends,
}

impl<'a> Sum<'a> {
    fn of(name: impl Into<String>, weights: Weigh<'a>, ends: Ends) -> Self {
        Self { name: name.into(), weights, worth: None, per_time: false, ends }
    }
}

/// What the ends of a trajectory add to a sum.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Nothing.
    Nothing,
    /// `Δs_sys`: the change of `−ln p`.
    System,
    /// The change of `−ln p_ss`.
    Stationary,
    /// Of work less the free energy difference, in units of kT: the change of `−ln` of Boltzmann's law.
    Equilibrium,
    /// The change of energy.
    Energy,
}

/// `(W − ΔF)/T`.
const DISSIPATED: &str = "dissipated work";

/// Sums whose exponential average is 1, and the theorems that say so.
const INTEGRAL: [(&str, &str); 5] = [
    (DISSIPATED, "jarzynski"),
    ("entropy_total", "integral_total"),
    ("entropy_housekeeping", "integral_housekeeping"),
    ("entropy_nonadiabatic", "integral_nonadiabatic"),
    ("hatano_sasa", "hatano_sasa"),
];

/// Whether every transition that happens has a weight.
fn is_known(rates: &[f64], weights: &[f64]) -> bool {
    rates.iter().zip(weights).all(|(rate, weight)| *rate == 0.0 || weight.is_finite())
}

fn counting_source(error: f64) -> String {
    if error > 0.0 { format!("moments of what is counted, ±{error:.0e} of the value") } else { "moments of what is counted, to rounding".to_owned() }
}

impl Question<'_> {
    /// Variances over the run, and variance rates in a steady state.
    pub(super) fn fluctuations(&self, first: &[f64], flows: &Flows, answers: &mut Answers) {
        let sums = self.sums();
        let stretches = stretches(self.space, self.clocked.moves);
        let moves = stretches.iter().any(|stretch| !stretch.steady);
        let events = |stretch: &Stretch| self.space.fastest(inside(stretch.piece, stretch.piece.0)) * (stretch.piece.1 - stretch.piece.0);
        let levels = if moves { LEVELS } else { 1.0 };
        let work_of_one = levels * stretches.iter().map(events).sum::<f64>().max(100.0) * self.space.channel.len() as f64;
        let affordable = ((MOST_WORK / work_of_one) as usize).min(sums.len());
        self.over_the_run(&sums[..affordable], &stretches, (first, flows), answers);
        if !self.clocked.moves {
            self.per_time(&sums, &mut answers.values);
        }
    }

    /// `ln` of Boltzmann's law at the start (0) or the end (1).
    fn equilibrium(&self, end: usize, state: usize) -> f64 {
        self.balance.equilibria.as_ref().map_or(f64::NAN, |ends| ends[end].law[state].ln())
    }

    fn over_the_run(&self, sums: &[Sum], stretches: &[Stretch], (first, flows): (&[f64], &Flows), answers: &mut Answers) {
        let moves = stretches.iter().any(|stretch| !stretch.steady);
        // A jump at the very start or end belongs to the run, and to no piece.
        let ends = [0.0, self.experiment.protocol.duration].map(|time| self.space.stationary(&self.space.rates_at(time)));
        let energy_at = |time: f64| self.space.points.iter().map(|point| self.space.energy(point, time).unwrap_or(f64::NAN)).collect::<Vec<_>>();
        let energies = [0.0, self.experiment.protocol.duration].map(energy_at);
        let along = self.along.filter(|_| flows.excess.is_some());
        for sum in sums {
            let stationary = |law: &Option<Vec<f64>>, i: usize| law.as_ref().map_or(f64::NAN, |law| law[i].ln());
            let at_first = |i: usize| match sum.ends {
                Ends::Nothing => 0.0,
                Ends::System => first[i].ln(),
                Ends::Equilibrium => self.equilibrium(0, i),
                Ends::Stationary => stationary(&ends[0], i),
                Ends::Energy => -energies[0][i],
            };
            let at_last = |i: usize| match sum.ends {
                Ends::Nothing => 0.0,
                Ends::System => flows.last[i].ln(),
                Ends::Equilibrium => self.equilibrium(1, i),
                Ends::Stationary => stationary(&ends[1], i),
                Ends::Energy => -energies[1][i],
            };
            let theorem = INTEGRAL.iter().find(|(name, _)| *name == sum.name).map(|(_, theorem)| *theorem);
            let variance = |steps: usize| {
                let mut counting = Counting::start(&self.space.chain, first, at_first);
                self.pass(sum, along, (stretches, steps), &mut |rates, weights, length| counting.evolve(rates, weights, sum.worth.as_deref(), length))?;
                counting.end(at_last).map(|(_, variance)| vec![variance])
            };
            let second = |steps: usize| {
                let mut squares = Tilted::start(&self.space.chain, first, 2.0, at_first);
                self.pass(sum, along, (stretches, steps), &mut |rates, weights, length| squares.evolve(rates, weights, length))?;
                Some(vec![squares.end(at_last)]).filter(|second| second[0].is_finite())
            };
            let settled = |rule: &dyn Fn(usize) -> Option<Vec<f64>>| {
                if moves { settle(&[1], &mut |steps| rule(steps)) } else { rule(1).map(|values| Limit { errors: vec![0.0; values.len()], values, error: 0.0 }) }
            };
            if let Some(theorem) = theorem
                && let Some(second) = settled(&second).map(|second| second.values[0]).filter(|second| *second > 1.0 + CERTAIN)
            {
                answers.exponential_variances.insert(theorem.to_owned(), second - 1.0);
            }
            let (name, scale) = match sum.name.as_str() {
                DISSIPATED => ("work", self.temperatures()[0]),
                name if sum.per_time => (name, 1.0 / self.experiment.protocol.duration),
                name => (name, 1.0),
            };
            if let Some(found) = settled(&variance).filter(|found| sum.per_time || found.values[0] > NOTHING) {
                know(&mut answers.values, format!("{name}.variance"), found.values[0] * scale * scale, &counting_source(found.error));
            }
        }
    }

    /// Lets all stretches of a run pass, step by step: `evolve` takes rates, weights and a length. `None` where weights are not known.
    fn pass(&self, sum: &Sum, along: Option<&Along>, (stretches, steps): (&[Stretch], usize), evolve: &mut Evolve) -> Option<()> {
        let mut phi = vec![f64::NAN; self.space.chain.states];
        for stretch in stretches {
            for (time, length) in stretch.steps(steps) {
                let rates = self.space.rates_at(inside(stretch.piece, time));
                if let Some(along) = along {
                    along.at(stretch.piece, time, &mut phi);
                }
                let weights = (sum.weights)(&rates, &phi);
                if !is_known(&rates, &weights) {
                    return None;
                }
                evolve(&rates, &weights, length);
            }
        }
        Some(())
    }

    /// `variance_rate.X` of fluxes and of the entropy, and the uncertainty products of fluxes.
    fn per_time(&self, sums: &[Sum], values: &mut Values) {
        let (rates, Some(law)) = (self.space.rates_at(0.0), stationary(self.space, 0.0)) else { return };
        if let Some(rate) = relaxation_rate(&self.space.chain, &rates, &law) {
            know(values, "relaxation_rate", rate, "Arnoldi iteration on the generator, ±1e-11 of the value");
        }
        let few = sums.iter().filter(|sum| sum.name.starts_with("flux.")).count() * rates.len() <= MOST_WEIGHTS;
        let wanted: Vec<&Sum> = sums.iter().filter(|sum| (few && sum.name.starts_with("flux.")) || sum.name == "entropy_medium").collect();
        let phi: Vec<f64> = law.iter().map(|p| -p.ln()).collect();
        let weights: Vec<Vec<f64>> = wanted.iter().map(|sum| (sum.weights)(&rates, &phi)).collect();
        if weights.iter().flatten().any(|weight| !weight.is_finite()) {
            return;
        }
        let Some(found) = long_time(&self.space.chain, &rates, &law, &weights) else { return };
        let production = wanted.iter().zip(&found).find(|(sum, _)| sum.name == "entropy_medium").map(|(_, found)| found.mean);
        for (sum, &Cumulants { mean, variance, third, size, error }) in wanted.iter().zip(&found) {
            let source = format!("perturbed generator, ±{:.0e} of the value", error.max(ROUNDED));
            know(values, format!("variance_rate.{}", sum.name), variance, &source);
            know(values, format!("third_cumulant_rate.{}", sum.name), third, &source);
            if let Some(production) = production.filter(|_| mean.abs() > NET * size) {
                know(values, format!("tur_product.{}", sum.name), variance * production / (mean * mean), &source);
            }
        }
    }

    /// Everything whose variance is wanted, what matters most first.
    fn sums(&self) -> Vec<Sum<'_>> {
        let mut sums = self.entropies();
        sums.extend(self.energies());
        sums.extend(self.counts());
        sums.extend(self.times());
        sums
    }

    fn is_reversible(&self) -> bool {
        self.model.channels.iter().all(|channel| channel.reverse.is_some())
    }

    fn nothing(&self) -> Weigh<'_> {
        let transitions = self.space.channel.len();
        Box::new(move |_, _| vec![0.0; transitions])
    }

    fn entropies(&self) -> Vec<Sum<'_>> {
        let (space, transitions) = (self.space, self.space.channel.len());
        let mut sums = vec![Sum::of("entropy_system", self.nothing(), Ends::System)];
        if !self.is_reversible() {
            return sums;
        }
        let medium =
            move |rates: &[f64], _: &[f64]| -> Vec<f64> { (0..transitions).map(|k| if rates[k] > 0.0 { log_ratio(space, rates, k) } else { 0.0 }).collect() };
        let excess = move |rates: &[f64], phi: &[f64]| -> Vec<f64> {
            (0..transitions)
                .map(|k| {
                    if phi[0].is_nan() {
                        f64::NAN
                    } else if rates[k] > 0.0 {
                        fall(space, phi, k)
                    } else {
                        0.0
                    }
                })
                .collect()
        };
        let keeping = move |rates: &[f64], phi: &[f64]| medium(rates, phi).iter().zip(excess(rates, phi)).map(|(all, excess)| all - excess).collect();
        sums.push(Sum::of("entropy_medium", Box::new(medium), Ends::Nothing));
        if self.balance.equilibria.is_ok() {
            sums.push(Sum::of(DISSIPATED, Box::new(medium), Ends::Equilibrium));
        }
        sums.push(Sum::of("entropy_total", Box::new(medium), Ends::System));
        sums.push(Sum::of("entropy_excess", Box::new(excess), Ends::Nothing));
        sums.push(Sum::of("entropy_nonadiabatic", Box::new(excess), Ends::System));
        sums.push(Sum::of("hatano_sasa", Box::new(excess), Ends::Stationary));
        sums.push(Sum::of("entropy_housekeeping", Box::new(keeping), Ends::Nothing));
        sums
    }

    /// Heat of every bath, energy change, and work where the books close on every channel.
    fn energies(&self) -> Vec<Sum<'_>> {
        let mut sums = Vec::new();
        if self.model.energy.is_some() {
            sums.push(Sum::of("energy_change", self.nothing(), Ends::Energy));
        }
        if !self.is_reversible() || self.model.baths.is_empty() {
            return sums;
        }
        let baths: Vec<usize> = (0..self.model.baths.len()).collect();
        sums.push(Sum::of("heat", self.heat(&baths), Ends::Nothing));
        if baths.len() > 1 {
            sums.extend(baths.iter().map(|&bath| Sum::of(format!("heat.{}", self.model.baths[bath].0), self.heat(&[bath]), Ends::Nothing)));
        }
        // In equilibrium the work is known from its theorem.
        if self.balance.fits == Some(Ok(())) && self.balance.equilibria.is_err() {
            sums.push(Sum::of("work", self.heat(&baths), Ends::Energy));
        }
        sums
    }

    /// What every transition gives to some of the baths.
    fn heat(&self, baths: &[usize]) -> Weigh<'_> {
        let (space, temperatures) = (self.space, self.temperatures());
        let of_channel: Vec<f64> =
            self.model.channels.iter().map(|channel| channel.bath.filter(|bath| baths.contains(bath)).map_or(0.0, |bath| temperatures[bath])).collect();
        Box::new(move |rates, _| {
            let of = |(k, &channel): (usize, &usize)| {
                if rates[k] > 0.0 && of_channel[channel] != 0.0 { of_channel[channel] * log_ratio(space, rates, k) } else { 0.0 }
            };
            space.channel.iter().enumerate().map(of).collect()
        })
    }

    /// Events: of all channels, of every reaction, around every cycle.
    fn counts(&self) -> Vec<Sum<'_>> {
        let space = self.space;
        let counted = move |of_channel: Vec<f64>| -> Weigh<'_> { Box::new(move |_, _| space.channel.iter().map(|&channel| of_channel[channel]).collect()) };
        let channels = self.model.channels.len();
        let mut sums = vec![Sum::of("activity", counted(vec![1.0; channels]), Ends::Nothing)];
        let mut push = |name: String, weights: Vec<f64>| sums.push(Sum { per_time: true, ..Sum::of(name, counted(weights), Ends::Nothing) });
        for (name, reaction) in &self.circuit.reactions {
            for (kind, sign) in [("flux", -1.0), ("traffic", 1.0)] {
                let mut weights = vec![0.0; channels];
                weights[reaction.forward] = 1.0;
                if let Some(back) = reaction.backward {
                    weights[back] = sign;
                }
                push(format!("{kind}.{name}"), weights);
            }
        }
        for cycle in &self.circuit.cycles {
            let mut weights = vec![0.0; channels];
            for &(reaction, weight) in &cycle.current {
                let (_, reaction) = &self.circuit.reactions[reaction];
                weights[reaction.forward] += weight;
                reaction.backward.into_iter().for_each(|back| weights[back] -= weight);
            }
            push(format!("current.{}", cycle.name), weights);
        }
        sums
    }

    /// Shares of the time in the states of a network, and averages of counts over time.
    fn times(&self) -> Vec<Sum<'_>> {
        let time = |name: String, worth: Vec<f64>| Sum { worth: Some(worth), per_time: true, ..Sum::of(name, self.nothing(), Ends::Nothing) };
        let states = self.space.chain.states;
        if states.saturating_mul(self.names.states.len()) > MOST_WEIGHTS {
            return Vec::new();
        }
        let share = |(state, name): (usize, &String)| time(format!("occupancy.{name}"), (0..states).map(|i| f64::from(i == state)).collect());
        let average = |(i, name): (usize, &String)| time(format!("time_average.{name}"), self.space.points.iter().map(|point| point[i]).collect());
        self.names.states.iter().enumerate().map(share).chain(self.names.species.iter().enumerate().map(average)).collect()
    }
}
