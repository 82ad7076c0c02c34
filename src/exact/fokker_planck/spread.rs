//! Variances of sums along the way of one coordinate: work, heat and entropies.
//!
//! A sum `S` gains `c` where the coordinate crosses a face upwards, loses it where it comes back, and gains `δ` where the protocol moves at fixed
//! place. With `p` the masses of the nodes, `g_i = ⟨S; i⟩` obeys `ġ = L g + S p`, and `⟨S²⟩` grows by `Σ c² traffic + 2 c (flow of g)`, at a move by
//! `Σ 2 δ g + δ² p`, `g` then by `δ p`. What depends on the ends alone is put on `g` at the start and taken off at the end.

use super::{Ends, ExactError, FORWARD, IMPLICIT, Interval, Marching, Numeric, Problem, Start, average, blend, check, initial_masses, march};
use crate::exact::landscape::{Grid, Landscape, Physics};
use crate::exact::tridiagonal::{Factored, add_generator, add_weighted};

/// What is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    /// Work of protocol and drive.
    Work,
    /// Heat given to the bath.
    Heat,
    /// Change of the potential energy.
    EnergyChange,
    /// Entropy given to the medium.
    Medium,
    /// Change of `−ln p`.
    System,
    /// Medium and system.
    Total,
    /// Housekeeping entropy.
    Housekeeping,
    /// Medium entropy beyond housekeeping.
    Excess,
    /// System and excess.
    Nonadiabatic,
    /// Hatano and Sasa's `Y`.
    Moves,
}

/// All sums, with their names among the estimates.
const SUMS: [(Sum, &str); 10] = [
    (Sum::Work, "work"),
    (Sum::Heat, "heat"),
    (Sum::EnergyChange, "energy_change"),
    (Sum::Medium, "entropy_medium"),
    (Sum::System, "entropy_system"),
    (Sum::Total, "entropy_total"),
    (Sum::Housekeeping, "entropy_housekeeping"),
    (Sum::Excess, "entropy_excess"),
    (Sum::Nonadiabatic, "entropy_nonadiabatic"),
    (Sum::Moves, "hatano_sasa"),
];

impl Sum {
    /// Whether `−ln p` at both ends is part of it.
    fn has_ends(self) -> bool {
        matches!(self, Self::System | Self::Total | Self::Nonadiabatic)
    }

    /// What a face adds, upwards.
    fn over(self, landscape: &Landscape, face: usize) -> f64 {
        let keeping = || landscape.housekeeping.get(face).copied().unwrap_or(0.0);
        match self {
            Self::Work => landscape.drive_work[face],
            Self::Heat => landscape.heat[face],
            Self::Medium | Self::Total => landscape.ratio[face],
            Self::Housekeeping => keeping(),
            Self::Excess | Self::Nonadiabatic => landscape.ratio[face] - keeping(),
            Self::EnergyChange | Self::System | Self::Moves => 0.0,
        }
    }

    /// What a move of the protocol adds at a node.
    fn moved(self, from: &Landscape, to: &Landscape, node: usize) -> f64 {
        match self {
            Self::Work => to.potential[node] - from.potential[node],
            Self::Moves => to.stationary[node] - from.stationary[node],
            _ => 0.0,
        }
    }
}

/// A sum on its way.
struct Followed {
    sum: Sum,
    moments: Vec<f64>,
    square: f64,
    weights: Vec<f64>,
    middle: Vec<f64>,
    last: Vec<f64>,
}

/// Variances from the start to the last save of what the problem defines, by the names of the estimates: those at the end of a run. What does not
/// fluctuate is left out.
pub fn variances(problem: &Problem<'_>) -> Result<Vec<(&'static str, Numeric)>, ExactError> {
    let Some(&end) = problem.saves.last() else { return Ok(Vec::new()) };
    let problem = &Problem { saves: &[end], ..*problem };
    let intervals = check(problem)?;
    let cells = problem.cells.div_ceil(2).max(8) * 2;
    let runs = [(cells, 2), (cells / 2, 2), (cells, 1)].map(|(cells, refine)| run(problem, &intervals, cells, refine));
    let [fine, wide, slow] = runs;
    let triples = fine?.into_iter().zip(wide?).zip(slow?).map(|(((sum, best), (_, wide)), (_, slow))| {
        let (space, time) = ((best - wide) / 3.0, (best - slow) / 3.0);
        (sum, Numeric { value: best + space + time, error: space.abs() + time.abs() + 1e-12 * best.abs() })
    });
    let found: Vec<(Sum, Numeric)> = triples.collect();
    let of = |sum: Sum| found.iter().find(|(other, _)| *other == sum).map(|(_, numeric)| *numeric);
    Ok(SUMS.iter().filter_map(|&(sum, name)| Some((name, of(sum)?))).filter(|(_, numeric)| numeric.value > 1e-12).collect())
}

/// The sums that are worth following.
fn followed(problem: &Problem<'_>, grid: &Grid, masses: &[f64], first: &Landscape) -> Vec<Followed> {
    let entropies = !matches!(problem.initial, Start::Point(_));
    let start = |sum: Sum, i: usize| match (sum, problem.initial) {
        (Sum::EnergyChange, _) => -first.potential[i],
        (_, Start::Uniform(from, to)) if sum.has_ends() => -(to - from).ln(),
        _ if sum.has_ends() => (masses[i] / grid.volumes[i]).ln(),
        _ => 0.0,
    };
    let made = |sum: Sum| {
        let values: Vec<(f64, f64)> = masses.iter().enumerate().map(|(i, &mass)| if mass > 0.0 { (mass, start(sum, i)) } else { (0.0, 0.0) }).collect();
        let zeros = || vec![0.0; masses.len()];
        Followed {
            sum,
            moments: values.iter().map(|(mass, value)| mass * value).collect(),
            square: values.iter().map(|(mass, value)| mass * value * value).sum(),
            weights: vec![0.0; grid.faces()],
            middle: zeros(),
            last: zeros(),
        }
    };
    SUMS.iter().map(|(sum, _)| *sum).filter(|sum| entropies || !sum.has_ends()).map(made).collect()
}

/// Variances on one grid; `refine` time steps for each of an interval.
fn run(problem: &Problem<'_>, intervals: &[Interval], cells: usize, refine: usize) -> Result<Vec<(Sum, f64)>, ExactError> {
    let grid = &Grid::new(problem.lower, problem.upper, problem.ends == Ends::Periodic, cells);
    let physics = Physics { potential: problem.potential, drive: problem.drive, bath: problem.bath };
    let mut landscape = Landscape::new(grid, &physics, problem.start)?;
    let masses = initial_masses(grid, &problem.initial)?;
    let mut all = followed(problem, grid, &masses, &landscape);
    all.iter_mut().for_each(|followed| followed.weigh(&landscape));
    let zeros = || vec![0.0; masses.len()];
    let mut spread = Spread { middle: zeros(), last: zeros(), source: zeros(), all, masses };
    for interval in intervals {
        march(problem, (grid, &physics), (interval, refine), &mut landscape, &mut spread)?;
    }
    if problem.moving {
        let here = Landscape::new(grid, &physics, problem.saves.last().copied().unwrap_or(problem.start))?;
        spread.kick(&landscape, &here);
        landscape = here;
    }
    Ok(spread.all.iter().map(|followed| (followed.sum, followed.variance(grid, &landscape, &spread.masses))).collect())
}

impl Followed {
    fn weigh(&mut self, landscape: &Landscape) {
        let sum = self.sum;
        self.weights.iter_mut().enumerate().for_each(|(face, weight)| *weight = sum.over(landscape, face));
    }

    /// The protocol moves.
    fn kick(&mut self, from: &Landscape, to: &Landscape, masses: &[f64]) {
        if !matches!(self.sum, Sum::Work | Sum::Moves) {
            return;
        }
        for (i, (moment, mass)) in self.moments.iter_mut().zip(masses).enumerate() {
            let change = self.sum.moved(from, to, i);
            self.square += change * (2.0 * *moment + change * mass);
            *moment += change * mass;
        }
    }

    /// Adds to the mean square what crossed the faces, from masses and moments averaged over the step.
    fn count(&mut self, grid_faces: &Landscape, masses: &[f64], dt: f64) {
        let (up, down) = (&grid_faces.up, &grid_faces.down);
        let mut more = 0.0;
        for (face, &c) in self.weights.iter().enumerate() {
            let next = if face + 1 == masses.len() { 0 } else { face + 1 };
            let traffic = up[face] * masses[face] + down[face] * masses[next];
            more += c * (c * traffic + 2.0 * (up[face] * self.moments[face] - down[face] * self.moments[next]));
        }
        self.square += more * dt;
    }

    fn variance(&self, grid: &Grid, landscape: &Landscape, masses: &[f64]) -> f64 {
        let (mut mean, mut square) = (0.0, self.square);
        for (i, (&moment, &mass)) in self.moments.iter().zip(masses).enumerate() {
            let end = match self.sum {
                Sum::EnergyChange => landscape.potential[i],
                sum if sum.has_ends() && mass > 0.0 => -(mass / grid.volumes[i]).ln(),
                _ => 0.0,
            };
            mean += moment + end * mass;
            square += end * (2.0 * moment + end * mass);
        }
        square - mean * mean
    }
}

/// The masses, all sums over them, and room for the stages of a step.
struct Spread {
    masses: Vec<f64>,
    all: Vec<Followed>,
    middle: Vec<f64>,
    last: Vec<f64>,
    source: Vec<f64>,
}

impl Spread {
    fn kick(&mut self, from: &Landscape, to: &Landscape) {
        self.all.iter_mut().for_each(|followed| followed.kick(from, to, &self.masses));
    }
}

impl Marching for Spread {
    fn move_protocol(&mut self, from: &Landscape, to: &Landscape) {
        self.kick(from, to);
        self.all.iter_mut().for_each(|followed| followed.weigh(to));
    }

    fn advance(&mut self, _grid: &Grid, landscape: &Landscape, solver: &Factored, dt: f64) {
        let (up, down, tau) = (&landscape.up, &landscape.down, IMPLICIT * dt);
        let Self { masses, all, middle, last, source } = self;
        middle.clone_from(masses);
        add_generator(up, down, masses, tau, middle);
        solver.solve([&mut *middle]);
        blend(FORWARD, middle, 1.0 - FORWARD, masses, last);
        solver.solve([&mut *last]);
        blend(1.0, middle, 1.0, masses, source);
        for Followed { moments, weights, middle, last: moment_last, .. } in all.iter_mut() {
            middle.clone_from(moments);
            add_weighted((up, down, weights), moments, source, tau, middle);
            solver.solve([&mut *middle]);
            blend(FORWARD, middle, 1.0 - FORWARD, moments, moment_last);
            add_weighted((up, down, weights), &[], last, tau, moment_last);
            solver.solve([&mut *moment_last]);
            average(moments, middle, moment_last);
        }
        average(masses, middle, last);
        for followed in all.iter_mut() {
            followed.count(landscape, masses, dt);
            std::mem::swap(&mut followed.moments, &mut followed.last);
        }
        std::mem::swap(masses, last);
    }
}
