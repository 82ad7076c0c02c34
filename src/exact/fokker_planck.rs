//! The Fokker–Planck equation of one coordinate, solved on a grid: densities, and mean work, heat and entropies, for
//! any protocol of potential and drive.
//!
//! The grid is a Markov chain between neighbouring nodes, with exponentially fitted rates, so that first and second law hold on it
//! to rounding. The protocol moves at fixed density, then the density moves under the landscape at the middle of the time
//! step (TR-BDF2, second order, L-stable: Bank et al., IEEE Trans. Electron Devices 32, 1992, 1985). Three runs — fine,
//! half the cells, half the time steps — extrapolate the rest away (Richardson); how far they do is the error given.

mod spread;

pub use super::landscape::Bath;
use super::landscape::{Grid, Landscape, Physics};
use super::tridiagonal::{Factored, add_generator, add_moment_generator};
use super::{ExactError, positive, range};
use crate::density::Density;
pub use spread::variances;

/// `τ/dt` of both stages of TR-BDF2: 1 − 1/√2.
pub(super) const IMPLICIT: f64 = 1.0 - std::f64::consts::FRAC_1_SQRT_2;
/// Weight of the first two stages in the mean over a step: √2/4; the third has [`IMPLICIT`].
pub(super) const EARLY: f64 = 0.5 * std::f64::consts::FRAC_1_SQRT_2;
/// Weight of the middle stage in the last one: (√2 + 1)/2; the first has the rest.
pub(super) const FORWARD: f64 = 0.5 * (std::f64::consts::SQRT_2 + 1.0);
/// Largest density at the ends of a truncated range, relative to the largest.
const NEGLIGIBLE: f64 = 1e-9;

/// What the ends of the range are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// One point: a ring.
    Periodic,
    /// Walls that reflect.
    Walls,
    /// Places that an open coordinate does not reach; an error if it does.
    Truncated,
}

/// Density at the start.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    /// Logarithm of a smooth density, up to a constant.
    LogDensity(&'a dyn Fn(f64) -> f64),
    /// Everything at one place.
    Point(f64),
    /// Constant between two places.
    Uniform(f64, f64),
}

/// A coordinate, its bath, its protocol, and what to compute.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// Lower end of the range.
    pub lower: f64,
    /// Upper end of the range.
    pub upper: f64,
    /// What the ends are.
    pub ends: Ends,
    /// Friction and temperature.
    pub bath: Bath<'a>,
    /// `U(x, t)`. Asked at the start, inside time steps and at the saves, never at other `breaks`: where it jumps at the start or at a
    /// save, its value at that time decides on which side of the jump the start or the save is.
    pub potential: &'a dyn Fn(f64, f64) -> f64,
    /// Non-conservative force `f(x, t)`, asked at the same times.
    pub drive: &'a dyn Fn(f64, f64) -> f64,
    /// Whether potential, drive or bath depend on time.
    pub moving: bool,
    /// Density at the start.
    pub initial: Start<'a>,
    /// Time of the start.
    pub start: f64,
    /// Times, ascending, none before the start, at which to look.
    pub saves: &'a [f64],
    /// Ascending times at which the protocol jumps or bends: time steps end there. Others than between start and last save are ignored.
    pub breaks: &'a [f64],
    /// Cells of the fine grid; even, at least 16.
    pub cells: usize,
    /// About how many time steps the finest run takes; every interval between saves and breaks has at least 2.
    pub time_steps: usize,
}

/// A computed number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Numeric {
    /// Extrapolated value.
    pub value: f64,
    /// How far it was extrapolated: a generous bound of its error.
    pub error: f64,
}

/// Means over the ensemble from the start to one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When.
    pub time: f64,
    /// Density of the coordinate.
    pub density: Density,
    /// `⟨X⟩`, `X` the displacement, not folded.
    pub displacement: Numeric,
    /// `⟨X²⟩ − ⟨X⟩²`.
    pub displacement_variance: Numeric,
    /// `⟨U⟩` now.
    pub energy: Numeric,
    /// `∫ ⟨∂U/∂t⟩ dt`, jumps included.
    pub protocol_work: Numeric,
    /// `∫ ⟨f ∘ dx⟩`.
    pub drive_work: Numeric,
    /// Heat given to the bath.
    pub heat: Numeric,
    /// Entropy given to the medium, `∫ (F/T − a ∂ ln D) ∘ dx`.
    pub entropy_medium: Numeric,
    /// Change of `−∫ p ln p`; NaN for a start at a point.
    pub entropy_system: Numeric,
    /// Housekeeping entropy.
    pub entropy_housekeeping: Numeric,
    /// Hatano and Sasa's `⟨Y⟩ = ∫ ⟨∂φ/∂t⟩ dt`, `φ = −ln p_ss`.
    pub hatano_sasa: Numeric,
}

impl Snapshot {
    /// Work done on the system, by the protocol and by the drive.
    pub fn work(&self) -> Numeric {
        self.protocol_work.plus(self.drive_work)
    }

    /// Medium and system.
    pub fn entropy_total(&self) -> Numeric {
        self.entropy_medium.plus(self.entropy_system)
    }
}

impl Numeric {
    /// A sum.
    pub fn plus(self, other: Self) -> Self {
        Self { value: self.value + other.value, error: self.error + other.error }
    }
}

/// Solves the problem; one snapshot a save.
pub fn evolve(problem: &Problem<'_>) -> Result<Vec<Snapshot>, ExactError> {
    let intervals = check(problem)?;
    let cells = problem.cells.div_ceil(2).max(8) * 2;
    let fine = run(problem, &intervals, cells, 2)?;
    let wide = run(problem, &intervals, cells / 2, 2)?;
    let slow = run(problem, &intervals, cells, 1)?;
    let snapshots = fine.into_iter().zip(wide).zip(slow);
    snapshots.map(|((fine, wide), slow)| snapshot(problem, fine, &wide.totals, &slow.totals)).collect()
}

/// A stretch of time without jumps inside, and what is at its end.
struct Interval {
    from: f64,
    to: f64,
    /// Time steps of the slow run; 0 for a save at the start, or one given twice.
    steps: usize,
    save: bool,
}

fn check(problem: &Problem<'_>) -> Result<Vec<Interval>, ExactError> {
    range(problem.lower, problem.upper)?;
    if let Bath::Uniform { friction, temperature } = problem.bath {
        positive("the friction", friction)?;
        positive("the temperature", temperature)?;
    }
    let mut previous = problem.start;
    for &time in problem.saves {
        if !(time.is_finite() && time >= previous) {
            return Err(ExactError::Times { time });
        }
        previous = time;
    }
    let (start, end) = (problem.start, previous);
    let mut stops: Vec<(f64, bool)> = problem.saves.iter().map(|&time| (time, true)).collect();
    let inner = problem.breaks.iter().filter(|time| **time > start && **time < end && !problem.saves.contains(time));
    stops.extend(inner.map(|&time| (time, false)));
    stops.sort_by(|a, b| a.0.total_cmp(&b.0));
    let equal = 1.0 / stops.len() as f64;
    let mut from = start;
    let interval = |(to, save): (f64, bool)| {
        // Half of the steps by length, half to every interval alike: a save soon after the start is there to see fast things.
        let share = 0.5 * ((to - from) / (end - start) + equal);
        let steps = if to > from { (share * problem.time_steps as f64 / 2.0).ceil().max(1.0) as usize } else { 0 };
        let interval = Interval { from, to, steps, save };
        from = to;
        interval
    };
    Ok(stops.into_iter().map(interval).collect())
}

/// Sums over time and ensemble. All are linear functionals of the density but the last two.
#[derive(Clone, Copy, Default)]
struct Totals {
    displacement: f64,
    protocol_work: f64,
    drive_work: f64,
    heat: f64,
    entropy_medium: f64,
    entropy_housekeeping: f64,
    hatano_sasa: f64,
    energy: f64,
    /// `⟨X²⟩` while summing, the variance when saved.
    spread: f64,
    entropy_system: f64,
}

/// What a run leaves at a save.
struct Saved {
    time: f64,
    /// Density at the nodes.
    values: Vec<f64>,
    totals: Totals,
}

fn snapshot(problem: &Problem<'_>, fine: Saved, wide: &Totals, slow: &Totals) -> Result<Snapshot, ExactError> {
    let numeric = |part: &dyn Fn(&Totals) -> f64| {
        let best = part(&fine.totals);
        let (space, time) = ((best - part(wide)) / 3.0, (best - part(slow)) / 3.0);
        Numeric { value: best + space + time, error: space.abs() + time.abs() + 1e-13 * best.abs() }
    };
    let medium = numeric(&|totals| totals.entropy_medium);
    Ok(Snapshot {
        time: fine.time,
        displacement: numeric(&|totals| totals.displacement),
        displacement_variance: numeric(&|totals| totals.spread),
        energy: numeric(&|totals| totals.energy),
        protocol_work: numeric(&|totals| totals.protocol_work),
        drive_work: numeric(&|totals| totals.drive_work),
        heat: match problem.bath {
            Bath::Uniform { temperature, .. } => Numeric { value: temperature * medium.value, error: temperature * medium.error },
            Bath::Varying { .. } => numeric(&|totals| totals.heat),
        },
        entropy_medium: medium,
        entropy_system: numeric(&|totals| totals.entropy_system),
        entropy_housekeeping: numeric(&|totals| totals.entropy_housekeeping),
        hatano_sasa: numeric(&|totals| totals.hatano_sasa),
        density: Density::new(problem.lower, problem.upper, fine.values)?,
    })
}

/// What moves along with the density, on the nodes of a grid.
trait Marching {
    /// The protocol moves, at fixed place.
    fn move_protocol(&mut self, from: &Landscape, to: &Landscape);
    /// One step of TR-BDF2.
    fn advance(&mut self, grid: &Grid, landscape: &Landscape, solver: &Factored, dt: f64);
}

/// Takes it through an interval, with `refine` time steps for each; `landscape` is the last one that it has seen.
fn march(
    problem: &Problem<'_>,
    (grid, physics): (&Grid, &Physics<'_>),
    (interval, refine): (&Interval, usize),
    landscape: &mut Landscape,
    what: &mut impl Marching,
) -> Result<(), ExactError> {
    let steps = interval.steps * refine;
    let dt = (interval.to - interval.from) / steps.max(1) as f64;
    let mut factored = None;
    for step in 0..steps {
        if problem.moving {
            let next = Landscape::new(grid, physics, interval.from + (step as f64 + 0.5) * dt)?;
            what.move_protocol(landscape, &next);
            *landscape = next;
            factored = None;
        }
        let solver = factored.get_or_insert_with(|| Factored::new(&landscape.up, &landscape.down, IMPLICIT * dt, grid.nodes.len()));
        what.advance(grid, landscape, solver, dt);
    }
    Ok(())
}

/// One run on one grid; `refine` time steps for each of an interval.
fn run(problem: &Problem<'_>, intervals: &[Interval], cells: usize, refine: usize) -> Result<Vec<Saved>, ExactError> {
    let grid = Grid::new(problem.lower, problem.upper, problem.ends == Ends::Periodic, cells);
    let physics = Physics { potential: problem.potential, drive: problem.drive, bath: problem.bath };
    let mut landscape = Landscape::new(&grid, &physics, problem.start)?;
    let mut state = State::new(&grid, &problem.initial)?;
    let entropy = match problem.initial {
        Start::Point(_) => f64::NAN,
        Start::Uniform(from, to) => (to - from).ln(),
        Start::LogDensity(_) => state.entropy(&grid),
    };
    let mut saved = Vec::with_capacity(problem.saves.len());
    for interval in intervals {
        march(problem, (&grid, &physics), (interval, refine), &mut landscape, &mut state)?;
        if problem.ends == Ends::Truncated {
            state.check_ends(&grid, interval.to)?;
        }
        if interval.save {
            // The protocol is taken to the save without disturbing the density: the next step takes it further.
            let mut look = state.clone();
            if problem.moving {
                let here = Landscape::new(&grid, &physics, interval.to)?;
                look.move_protocol(&landscape, &here);
                look.totals.energy = here.mean_potential(&look.masses);
            } else {
                look.totals.energy = landscape.mean_potential(&look.masses);
            }
            saved.push(look.save(&grid, interval.to, entropy));
        }
    }
    Ok(saved)
}

/// Density and displacement, on the nodes of a grid.
#[derive(Clone)]
struct State {
    /// Probability of every node.
    masses: Vec<f64>,
    /// Mean displacement of those at every node, times its probability.
    moments: Vec<f64>,
    totals: Totals,
    work: Work,
}

/// Room for the stages of a step.
#[derive(Clone)]
struct Work {
    middle: Vec<f64>,
    last: Vec<f64>,
    moment_middle: Vec<f64>,
    moment_last: Vec<f64>,
    source: Vec<f64>,
}

impl Marching for State {
    fn move_protocol(&mut self, from: &Landscape, to: &Landscape) {
        let change = |new: &[f64], old: &[f64]| self.masses.iter().zip(new.iter().zip(old)).map(|(mass, (new, old))| mass * (new - old)).sum::<f64>();
        self.totals.protocol_work += change(&to.potential, &from.potential);
        self.totals.hatano_sasa += change(&to.stationary, &from.stationary);
    }

    /// One step of TR-BDF2 for node masses `m` and displacement moments `g`: `dm/dt = L m`, `dg/dt = L g + S m`, where
    /// `S` counts a step up as `+h` and one down as `−h`.
    fn advance(&mut self, grid: &Grid, landscape: &Landscape, solver: &Factored, dt: f64) {
        let (up, down, tau) = (&landscape.up, &landscape.down, IMPLICIT * dt);
        let Work { middle, last, moment_middle, moment_last, source } = &mut self.work;
        middle.clone_from(&self.masses);
        add_generator(up, down, &self.masses, tau, middle);
        solver.solve([&mut *middle]);
        moment_middle.clone_from(&self.moments);
        blend(1.0, middle, 1.0, &self.masses, source);
        add_moment_generator(up, down, &self.moments, source, grid.spacing, tau, moment_middle);
        blend(FORWARD, middle, 1.0 - FORWARD, &self.masses, last);
        solver.solve([&mut *moment_middle, &mut *last]);
        blend(FORWARD, moment_middle, 1.0 - FORWARD, &self.moments, moment_last);
        source.fill(0.0);
        add_moment_generator(up, down, source, last, grid.spacing, tau, moment_last);
        solver.solve([&mut *moment_last]);
        average(&mut self.masses, middle, last);
        average(&mut self.moments, moment_middle, moment_last);
        // Old values have become means over the step; count what crossed the faces, then move on.
        self.totals.count(grid, landscape, &self.masses, &self.moments, dt);
        std::mem::swap(&mut self.masses, last);
        std::mem::swap(&mut self.moments, moment_last);
    }
}

impl State {
    fn new(grid: &Grid, start: &Start<'_>) -> Result<Self, ExactError> {
        let nodes = grid.nodes.len();
        let masses = initial_masses(grid, start)?;
        let zeros = || vec![0.0; nodes];
        let work = Work { middle: zeros(), last: zeros(), moment_middle: zeros(), moment_last: zeros(), source: zeros() };
        Ok(Self { masses, moments: zeros(), totals: Totals::default(), work })
    }

    fn entropy(&self, grid: &Grid) -> f64 {
        let pairs = self.masses.iter().zip(&grid.volumes);
        -pairs.map(|(mass, volume)| if *mass > 0.0 { mass * (mass / volume).ln() } else { 0.0 }).sum::<f64>()
    }

    fn check_ends(&self, grid: &Grid, time: f64) -> Result<(), ExactError> {
        let density = |i: usize| self.masses[i].abs() / grid.volumes[i];
        let largest = (0..self.masses.len()).map(density).fold(0.0, f64::max);
        let ends = density(0).max(density(self.masses.len() - 1));
        if ends <= NEGLIGIBLE * largest { Ok(()) } else { Err(ExactError::RangeTooNarrow { lower: grid.lower, upper: grid.upper, time }) }
    }

    fn save(mut self, grid: &Grid, time: f64, initial_entropy: f64) -> Saved {
        self.totals.entropy_system = self.entropy(grid) - initial_entropy;
        self.totals.spread -= self.totals.displacement.powi(2);
        let mut values: Vec<f64> = self.masses.iter().zip(&grid.volumes).map(|(mass, volume)| (mass / volume).max(0.0)).collect();
        if grid.periodic {
            values.push(values[0]);
        }
        Saved { time, values, totals: self.totals }
    }
}

impl Totals {
    /// Adds what crossed the faces during `dt`, from masses and moments averaged over it.
    fn count(&mut self, grid: &Grid, landscape: &Landscape, masses: &[f64], moments: &[f64], dt: f64) {
        let (mut net, mut traffic, mut moment, mut work, mut heat, mut medium, mut keeping) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        for face in 0..landscape.up.len() {
            let next = grid.after(face);
            let (up, down) = (landscape.up[face], landscape.down[face]);
            let (rising, falling) = (up * masses[face], down * masses[next]);
            let flow = rising - falling;
            net += flow;
            traffic += rising + falling;
            moment += up * moments[face] - down * moments[next];
            work += flow * landscape.drive_work[face];
            heat += flow * landscape.heat[face];
            medium += flow * landscape.ratio[face];
            keeping += landscape.housekeeping.get(face).map_or(0.0, |cost| flow * cost);
        }
        let step = grid.spacing;
        self.displacement += step * net * dt;
        self.spread += step * (step * traffic + 2.0 * moment) * dt;
        self.drive_work += work * dt;
        self.heat += heat * dt;
        self.entropy_medium += medium * dt;
        self.entropy_housekeeping += keeping * dt;
    }
}

/// `target = a x + b y`.
fn blend(a: f64, x: &[f64], b: f64, y: &[f64], target: &mut [f64]) {
    for (target, (x, y)) in target.iter_mut().zip(x.iter().zip(y)) {
        *target = a * x + b * y;
    }
}

/// Replaces the first stage of a step by the mean over the step.
fn average(first: &mut [f64], middle: &[f64], last: &[f64]) {
    for (first, (middle, last)) in first.iter_mut().zip(middle.iter().zip(last)) {
        *first = EARLY * (*first + middle) + IMPLICIT * last;
    }
}

/// Probabilities of the nodes: a smooth density by its values there, so that an equilibrium one stands still; a rough one
/// by its projection on hat functions, which keeps its mean.
pub(super) fn initial_masses(grid: &Grid, start: &Start<'_>) -> Result<Vec<f64>, ExactError> {
    let mut masses: Vec<f64> = match start {
        Start::LogDensity(logarithm) => {
            let values: Vec<f64> = grid.nodes.iter().map(|&x| logarithm(x)).collect();
            if let Some(i) = values.iter().position(|value| value.is_nan() || *value == f64::INFINITY) {
                return Err(ExactError::NotFinite { what: "density at the start", position: grid.nodes[i] });
            }
            let largest = values.iter().fold(f64::NEG_INFINITY, |largest, &value| largest.max(value));
            values.iter().zip(&grid.volumes).map(|(value, volume)| (value - largest).exp() * volume).collect()
        }
        Start::Point(x) => project(grid, &|place| hat((x - grid.lower) / grid.spacing - place)),
        Start::Uniform(from, to) => {
            let (from, to) = ((from - grid.lower) / grid.spacing, (to - grid.lower) / grid.spacing);
            project(grid, &|place| hat_below(to - place) - hat_below(from - place))
        }
    };
    let total: f64 = masses.iter().sum();
    if !(total.is_finite() && total > 0.0) {
        return Err(crate::density::DensityError::Total(total).into());
    }
    masses.iter_mut().for_each(|mass| *mass /= total);
    Ok(masses)
}

/// Weights of the nodes; on a ring also those of the same nodes a turn earlier and later.
pub(super) fn project(grid: &Grid, weight: &dyn Fn(f64) -> f64) -> Vec<f64> {
    let turn = grid.nodes.len() as f64;
    let turns: &[f64] = if grid.periodic { &[-turn, 0.0, turn] } else { &[0.0] };
    (0..grid.nodes.len()).map(|i| turns.iter().map(|turn| weight(i as f64 + turn)).sum()).collect()
}

/// Hat function: 1 at 0, 0 at ±1 and beyond.
fn hat(s: f64) -> f64 {
    (1.0 - s.abs()).max(0.0)
}

/// Integral of [`hat`] from −∞.
fn hat_below(s: f64) -> f64 {
    let s = s.clamp(-1.0, 1.0);
    if s < 0.0 { 0.5 * (1.0 + s).powi(2) } else { 1.0 - 0.5 * (1.0 - s).powi(2) }
}

#[cfg(test)]
mod tests;
