//! A frozen landscape: potential and drive on a grid, as a Markov generator between neighbouring nodes.
//!
//! Exponentially fitted fluxes (Scharfetter & Gummel, IEEE Trans. Electron Devices 16, 64, 1969): the Boltzmann law at the
//! nodes is stationary to rounding, and the log-ratio of forward and backward rate is the entropy given to the medium.

use super::ExactError;
use super::ring::periodic_logarithms;

/// Nodes of a coordinate. On a ring every node has a cell of its own; on a line the end nodes have half of one.
pub(super) struct Grid {
    pub(super) lower: f64,
    pub(super) upper: f64,
    pub(super) periodic: bool,
    pub(super) spacing: f64,
    pub(super) nodes: Vec<f64>,
    /// Length that belongs to every node.
    pub(super) volumes: Vec<f64>,
}

impl Grid {
    pub(super) fn new(lower: f64, upper: f64, periodic: bool, cells: usize) -> Self {
        let spacing = (upper - lower) / cells as f64;
        let count = if periodic { cells } else { cells + 1 };
        let nodes = (0..count).map(|i| lower + (upper - lower) * (i as f64 / cells as f64)).collect();
        let volumes = (0..count).map(|i| if !periodic && (i == 0 || i == cells) { 0.5 * spacing } else { spacing }).collect();
        Self { lower, upper, periodic, spacing, nodes, volumes }
    }

    /// Faces between neighbouring nodes.
    pub(super) fn faces(&self) -> usize {
        if self.periodic { self.nodes.len() } else { self.nodes.len() - 1 }
    }

    /// The node after a face.
    pub(super) fn after(&self, face: usize) -> usize {
        if face + 1 == self.nodes.len() { 0 } else { face + 1 }
    }
}

/// Potential, drive and bath of a coordinate, at any time.
pub(super) struct Physics<'a> {
    pub(super) potential: &'a dyn Fn(f64, f64) -> f64,
    pub(super) drive: &'a dyn Fn(f64, f64) -> f64,
    pub(super) bath: Bath<'a>,
}

/// Friction and temperature of a coordinate.
#[derive(Clone, Copy)]
pub enum Bath<'a> {
    /// The same at all places and times.
    Uniform {
        /// Friction `γ`.
        friction: f64,
        /// Temperature `T`.
        temperature: f64,
    },
    /// Of place and time.
    Varying {
        /// `T(x, t)`.
        temperature: &'a dyn Fn(f64, f64) -> f64,
        /// `D(x, t) = T/γ`.
        diffusion: &'a dyn Fn(f64, f64) -> f64,
        /// `a` of the current `D [(F/T − a ∂ ln D) p − ∂p]`: Itô 1, Stratonovich ½, anti-Itô 0.
        spurious: f64,
    },
}

/// A bath on a grid at one moment.
struct Noise {
    /// `1/T`, averaged over each face.
    coldness: Vec<f64>,
    /// Diffusion coefficient at each face.
    diffusion: Vec<f64>,
    /// `−a Δ ln D` over each face, upwards.
    spurious: Vec<f64>,
}

impl Bath<'_> {
    fn on(&self, grid: &Grid, middles: &[f64], time: f64) -> Result<Option<Noise>, ExactError> {
        let Self::Varying { temperature, diffusion, spurious } = self else { return Ok(None) };
        let positive_at = |places: &[f64], what, function: &dyn Fn(f64, f64) -> f64| {
            let values = sample(places, what, &|x| function(x, time))?;
            values.into_iter().map(|value| super::positive(what, value)).collect::<Result<Vec<f64>, ExactError>>()
        };
        let (at_nodes, between) = (positive_at(&grid.nodes, "the temperature", temperature)?, positive_at(middles, "the temperature", temperature)?);
        let (nodes, faces) = (positive_at(&grid.nodes, "the diffusion coefficient", diffusion)?, positive_at(middles, "the diffusion coefficient", diffusion)?);
        let coldness = (0..grid.faces()).map(|face| (1.0 / at_nodes[face] + 4.0 / between[face] + 1.0 / at_nodes[grid.after(face)]) / 6.0).collect();
        let spurious = (0..grid.faces()).map(|face| spurious * (nodes[face] / nodes[grid.after(face)]).ln()).collect();
        Ok(Some(Noise { coldness, diffusion: faces, spurious }))
    }
}

/// The landscape at one moment.
pub(super) struct Landscape {
    /// Potential at the nodes.
    pub(super) potential: Vec<f64>,
    /// Work of the drive over each face, upwards.
    pub(super) drive_work: Vec<f64>,
    /// Heat given to the bath over each face, upwards: `−ΔU + drive work`.
    pub(super) heat: Vec<f64>,
    /// Entropy given to the medium over each face, upwards: `heat/T − a Δ ln D`.
    pub(super) ratio: Vec<f64>,
    /// Rate over each face upwards.
    pub(super) up: Vec<f64>,
    /// Rate over each face downwards.
    pub(super) down: Vec<f64>,
    /// `φ = −ln p_ss` at the nodes.
    pub(super) stationary: Vec<f64>,
    /// Housekeeping entropy over each face, upwards; empty where there is none.
    pub(super) housekeeping: Vec<f64>,
}

impl Landscape {
    pub(super) fn new(grid: &Grid, physics: &Physics<'_>, time: f64) -> Result<Self, ExactError> {
        let potential = sample(&grid.nodes, "potential", &|x| (physics.potential)(x, time))?;
        let drive = sample(&grid.nodes, "drive", &|x| (physics.drive)(x, time))?;
        let middles: Vec<f64> = grid.nodes[..grid.faces()].iter().map(|x| x + 0.5 * grid.spacing).collect();
        let between = sample(&middles, "drive", &|x| (physics.drive)(x, time))?;
        let noise = physics.bath.on(grid, &middles, time)?;
        let faces = grid.faces();
        let mut heat = Vec::with_capacity(faces);
        let (mut drive_work, mut ratio) = (Vec::with_capacity(faces), Vec::with_capacity(faces));
        let (mut up, mut down) = (Vec::with_capacity(faces), Vec::with_capacity(faces));
        for face in 0..faces {
            let next = grid.after(face);
            let work = (drive[face] + 4.0 * between[face] + drive[next]) * grid.spacing / 6.0;
            let given = potential[face] - potential[next] + work;
            let (gain, rate) = match (&noise, physics.bath) {
                (Some(noise), _) => (given * noise.coldness[face] + noise.spurious[face], noise.diffusion[face] / grid.spacing),
                (None, Bath::Uniform { friction, temperature }) => (given / temperature, temperature / friction / grid.spacing),
                (None, Bath::Varying { .. }) => unreachable!("a bath that varies was put on the grid"),
            };
            heat.push(given);
            let [with, against] = bernoulli(gain);
            drive_work.push(work);
            ratio.push(gain);
            up.push(rate * with / grid.volumes[face]);
            down.push(rate * against / grid.volumes[next]);
        }
        let mut landscape = Self { potential, drive_work, heat, ratio, up, down, stationary: Vec::new(), housekeeping: Vec::new() };
        landscape.find_stationary(grid)?;
        Ok(landscape)
    }

    /// The stationary law of the generator, and with it what housekeeping costs.
    fn find_stationary(&mut self, grid: &Grid) -> Result<(), ExactError> {
        let mut logarithms = if grid.periodic {
            // p_i = exp(−r_i) p_{i+1} + j/up_i, node masses being p times one length.
            let sources: Vec<f64> = self.up.iter().map(|rate| 1.0 / rate).collect();
            let decays: Vec<f64> = self.down.iter().zip(&sources).map(|(down, source)| down * source).collect();
            let solution = periodic_logarithms(&self.ratio, &decays, &sources)?;
            if solution.direction != 0.0 {
                let faces = self.ratio.iter().zip(solution.logarithms.windows(2));
                self.housekeeping = faces.map(|(ratio, ends)| ratio + ends[0] - ends[1]).collect();
            }
            solution.logarithms
        } else {
            let mut logarithm = 0.0;
            let sums = self.ratio.iter().map(|ratio| {
                logarithm += ratio;
                logarithm
            });
            std::iter::once(0.0).chain(sums).collect()
        };
        logarithms.truncate(grid.nodes.len());
        let largest = logarithms.iter().fold(f64::NEG_INFINITY, |largest, &value| largest.max(value));
        let total: f64 = logarithms.iter().zip(&grid.volumes).map(|(value, volume)| (value - largest).exp() * volume).sum();
        let normal = largest + total.ln();
        self.stationary = logarithms.iter().map(|value| normal - value).collect();
        Ok(())
    }

    /// Mean over node masses of the potential.
    pub(super) fn mean_potential(&self, masses: &[f64]) -> f64 {
        masses.iter().zip(&self.potential).map(|(mass, u)| mass * u).sum()
    }
}

/// `[B(−z), B(z)]`, `B(z) = z/(eᶻ − 1)`: the weights of upwind and downwind density in a fitted flux.
pub(super) fn bernoulli(z: f64) -> [f64; 2] {
    let size = z.abs();
    let small = if size < 0.1 {
        let square = size * size;
        1.0 - 0.5 * size + square / 12.0 * (1.0 - square / 60.0 * (1.0 - square / 42.0 * (1.0 - square / 40.0)))
    } else {
        size / size.exp_m1()
    };
    if z >= 0.0 { [small + size, small] } else { [small, small + size] }
}

fn sample(places: &[f64], what: &'static str, function: &dyn Fn(f64) -> f64) -> Result<Vec<f64>, ExactError> {
    let values: Vec<f64> = places.iter().map(|&x| function(x)).collect();
    match values.iter().position(|value| !value.is_finite()) {
        Some(i) => Err(ExactError::NotFinite { what, position: places[i] }),
        None => Ok(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_the_fitted_flux() {
        for z in [-800.0, -3.0, -0.100_001, -0.099_999, -1e-5, 0.0, 1e-9, 0.05, 0.099_999, 0.100_001, 2.0, 300.0] {
            let [with, against] = bernoulli(z);
            assert!((with - against - z).abs() <= 1e-15 * (1.0 + z.abs()) && with >= 0.0 && against >= 0.0, "{z}");
            assert!(z.abs() > 600.0 || ((with / against).ln() - z).abs() <= 1e-13 * (1.0 + z.abs()), "{z}");
        }
    }

    #[test]
    fn the_stationary_law_stands_still() {
        let potential = |x: f64, _: f64| 2.0 * x.cos();
        for (periodic, force) in [(true, 0.0), (true, 1.3), (true, -1.3), (false, 0.7)] {
            let grid = Grid::new(0.0, std::f64::consts::TAU, periodic, 64);
            let drive = move |_: f64, _: f64| force;
            let bath = Bath::Uniform { friction: 0.4, temperature: 0.8 };
            let landscape = Landscape::new(&grid, &Physics { potential: &potential, drive: &drive, bath }, 0.0).unwrap();
            let masses: Vec<f64> = landscape.stationary.iter().zip(&grid.volumes).map(|(phi, volume)| (-phi).exp() * volume).collect();
            assert!((masses.iter().sum::<f64>() - 1.0).abs() <= 1e-13);
            let mut change = vec![0.0; masses.len()];
            super::super::tridiagonal::add_generator(&landscape.up, &landscape.down, &masses, 1.0, &mut change);
            assert!(change.iter().all(|value| value.abs() <= 1e-11), "{periodic} {force}");
            assert_eq!(landscape.housekeeping.is_empty(), !periodic || force == 0.0);
        }
    }
}
