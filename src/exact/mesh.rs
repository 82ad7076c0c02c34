//! Overdamped Langevin dynamics of one or two coordinates on a grid, as a Markov chain between neighbouring nodes.
//!
//! `γ_i dx_i = F_i dt + sqrt(2 γ_i T_i) dW_i` becomes a chain by exponentially fitted fluxes (D. Scharfetter and H. Gummel, IEEE Trans. Electron Devices 16,
//! 64 (1969)) along every coordinate: the log-ratio of the two rates of an edge, less that of the lengths of its nodes, is the entropy that the medium gains
//! on it, Boltzmann's law at the nodes stands still to rounding, and all that a network has, a [`Chain`] of nodes has: stationary law, currents, cumulants,
//! generating functions. Everything errs with the square of the spacing; [`super::refinement`] extrapolates that away.

use super::chain::Chain;
use super::fokker_planck::{Ends, Start, initial_masses, project};
use super::landscape::{Grid, bernoulli};
use super::{ExactError, positive, range};

/// Range of one coordinate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// What the ends are.
    pub ends: Ends,
}

/// Forces and baths as functions of place, at fixed values of the protocol.
#[derive(Clone, Copy)]
pub struct Forces<'a> {
    /// Potential `U(x)`.
    pub potential: &'a dyn Fn(&[f64]) -> f64,
    /// Non-conservative force on a coordinate, `f_i(x)`.
    pub drive: &'a dyn Fn(usize, &[f64]) -> f64,
    /// Temperature of the bath of a coordinate, `T_i(x)`.
    pub temperature: &'a dyn Fn(usize, &[f64]) -> f64,
    /// Diffusion coefficient of a coordinate, `D_i(x) = T_i/γ_i`.
    pub diffusion: &'a dyn Fn(usize, &[f64]) -> f64,
    /// Thermodynamic force on a coordinate, `F_i/T_i − a ∂_i ln D_i`.
    pub thermodynamic: &'a dyn Fn(usize, &[f64]) -> f64,
    /// `a` of the current `D [(F/T − a ∂ ln D) p − ∂p]`: Itô 1, Stratonovich ½, anti-Itô 0.
    pub spurious: f64,
    /// Temperature of Boltzmann's law where it stands still, so that no stationary law has to be solved for: one at all places, and nothing drives.
    pub boltzmann: Option<f64>,
}

#[cfg(test)]
impl Forces<'static> {
    /// Nothing but noise of temperature and friction 1.
    pub(crate) const UNIT: Self = Self {
        potential: &|_| 0.0,
        drive: &|_, _| 0.0,
        temperature: &|_, _| 1.0,
        diffusion: &|_, _| 1.0,
        thermodynamic: &|_, _| 0.0,
        spurious: 0.0,
        boltzmann: None,
    };
}

/// What a step from a node to its upper neighbour does.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Coordinate that moves.
    pub axis: usize,
    /// Entropy given to the medium: `∫ (F/T − a ∂ ln D) dx`.
    pub entropy: f64,
    /// Heat given to the bath: `∫ F dx`.
    pub heat: f64,
    /// Work of the drive.
    pub work: f64,
}

/// The dynamics on a grid.
pub struct Mesh {
    /// Nodes, and transitions between them: number `2 k` goes up edge `k`, `2 k + 1` down again.
    pub chain: Chain,
    /// Rates of the transitions.
    pub rates: Vec<f64>,
    /// What the edges mean.
    pub edges: Vec<Edge>,
    /// Length or area that belongs to every node.
    pub volumes: Vec<f64>,
    /// Potential at the nodes.
    pub potential: Vec<f64>,
    /// Temperature of Boltzmann's law, where it stands still.
    boltzmann: Option<f64>,
    grids: Vec<Grid>,
}

/// Something that has a mean in a steady state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// `⟨U⟩`.
    Energy,
    /// `⟨U²⟩ − ⟨U⟩²`.
    EnergyVariance,
    /// Work of the drives per time.
    WorkRate,
    /// Entropy given to the medium per time.
    EntropyRate,
    /// Heat given to the bath of a coordinate per time.
    HeatRate(usize),
    /// Mean velocity of a coordinate.
    Velocity(usize),
    /// `½⟨x∘dy − y∘dx⟩` per time.
    Circulation,
    /// Mean of a coordinate.
    Mean(usize),
    /// Mean cosine of the phase of a periodic coordinate, `2π x` over its period.
    Cosine(usize),
    /// Mean sine of that phase.
    Sine(usize),
    /// Variance, or covariance, of coordinates.
    Covariance(usize, usize),
}

impl Mesh {
    /// A mesh of so many cells along every axis, one or two of them.
    ///
    /// # Errors
    /// When a range is empty, or a formula has no finite value (a bath: no positive one) at a node or between two.
    pub fn new(axes: &[Axis], forces: &Forces<'_>, cells: usize) -> Result<Self, ExactError> {
        let mut grids = Vec::with_capacity(axes.len());
        for axis in axes {
            range(axis.lower, axis.upper)?;
            grids.push(Grid::new(axis.lower, axis.upper, axis.ends == Ends::Periodic, cells.max(4)));
        }
        let nodes: usize = grids.iter().map(|grid| grid.nodes.len()).product();
        let mut mesh = Self {
            chain: Chain::default(),
            rates: Vec::new(),
            edges: Vec::new(),
            volumes: Vec::new(),
            potential: Vec::new(),
            boltzmann: forces.boltzmann,
            grids,
        };
        for node in 0..nodes {
            let (place, volume) = (mesh.place(node), (0..axes.len()).map(|axis| mesh.length(axis, node)).product());
            mesh.potential.push(finite("potential", &place, (forces.potential)(&place))?);
            mesh.volumes.push(volume);
        }
        let (mut from, mut to) = (Vec::new(), Vec::new());
        for axis in 0..axes.len() {
            for low in 0..nodes {
                let Some(high) = mesh.above(axis, low) else { continue };
                let (edge, [up, down]) = mesh.edge(forces, axis, low, high)?;
                from.extend([low as u32, high as u32]);
                to.extend([high as u32, low as u32]);
                mesh.rates.extend([up / mesh.length(axis, low), down / mesh.length(axis, high)]);
                mesh.edges.push(edge);
            }
        }
        mesh.chain = Chain::new(nodes, from, to);
        Ok(mesh)
    }

    /// Number of coordinates.
    pub fn dimension(&self) -> usize {
        self.grids.len()
    }

    fn stride(&self, axis: usize) -> usize {
        self.grids[axis + 1..].iter().map(|grid| grid.nodes.len()).product()
    }

    /// Where a node lies along an axis, counted from 0.
    fn index(&self, axis: usize, node: usize) -> usize {
        node / self.stride(axis) % self.grids[axis].nodes.len()
    }

    /// Coordinates of a node.
    pub fn place(&self, node: usize) -> Vec<f64> {
        (0..self.dimension()).map(|axis| self.grids[axis].nodes[self.index(axis, node)]).collect()
    }

    /// Length along an axis that belongs to a node.
    fn length(&self, axis: usize, node: usize) -> f64 {
        self.grids[axis].volumes[self.index(axis, node)]
    }

    /// Length of the edges along an axis.
    pub fn spacing(&self, axis: usize) -> f64 {
        self.grids[axis].spacing
    }

    /// Density of one coordinate at its nodes in a law of all nodes.
    pub fn marginal(&self, axis: usize, law: &[f64]) -> Vec<f64> {
        let grid = &self.grids[axis];
        let mut density = vec![0.0; grid.nodes.len()];
        law.iter().enumerate().for_each(|(node, p)| density[self.index(axis, node)] += p);
        density.iter_mut().zip(&grid.volumes).for_each(|(density, length)| *density /= length);
        density
    }

    /// Probabilities of the nodes for a constant density between ends, by hat functions, so that its mean is kept.
    ///
    /// # Errors
    /// When nothing of it lies inside.
    pub fn uniform(&self, ends: [(f64, f64); 2]) -> Result<Vec<f64>, ExactError> {
        let along = self.grids.iter().zip(ends).map(|(grid, (from, to))| initial_masses(grid, &Start::Uniform(from, to)));
        let along: Vec<Vec<f64>> = along.collect::<Result<_, _>>()?;
        Ok((0..self.volumes.len()).map(|node| along.iter().enumerate().map(|(axis, masses)| masses[self.index(axis, node)]).product()).collect())
    }

    /// Probabilities of the nodes for a start at one place: parabolic B-splines, which keep its mean and give it a variance of ¼ of the square of the
    /// spacing wherever it lies, so that grids may be extrapolated; hat functions in the last cell before an end.
    ///
    /// # Errors
    /// When it lies outside.
    pub fn point(&self, place: [f64; 2]) -> Result<Vec<f64>, ExactError> {
        let along = self.grids.iter().zip(place).map(|(grid, x)| {
            let at = (x - grid.lower) / grid.spacing;
            let cells = grid.faces() as f64;
            if grid.periodic || (1.0..=cells - 1.0).contains(&at) { Ok(project(grid, &|node| bell(at - node))) } else { initial_masses(grid, &Start::Point(x)) }
        });
        let along: Vec<Vec<f64>> = along.collect::<Result<_, _>>()?;
        Ok((0..self.volumes.len()).map(|node| along.iter().enumerate().map(|(axis, masses)| masses[self.index(axis, node)]).product()).collect())
    }

    /// `ln p` at the nodes in a law of them.
    pub fn logarithms(&self, law: &[f64]) -> Vec<f64> {
        law.iter().zip(&self.volumes).map(|(p, volume)| (p / volume).max(1e-300).ln()).collect()
    }

    /// `−∫ p ln p` of a law of the nodes.
    pub fn entropy(&self, law: &[f64]) -> f64 {
        -law.iter().zip(&self.volumes).map(|(p, volume)| if *p > 0.0 { p * (p / volume).ln() } else { 0.0 }).sum::<f64>()
    }

    /// The upper neighbour of a node.
    fn above(&self, axis: usize, node: usize) -> Option<usize> {
        let (grid, index) = (&self.grids[axis], self.index(axis, node));
        (index < grid.faces()).then(|| node - index * self.stride(axis) + grid.after(index) * self.stride(axis))
    }

    /// What an edge means, and flow up and down it from unit densities at its ends, per area.
    fn edge(&self, forces: &Forces<'_>, axis: usize, low: usize, high: usize) -> Result<(Edge, [f64; 2]), ExactError> {
        let spacing = self.spacing(axis);
        let (below, above) = (self.place(low), self.place(high));
        let mut middle = below.clone();
        middle[axis] += 0.5 * spacing;
        let mean = |what: &'static str, function: &dyn Fn(usize, &[f64]) -> f64| -> Result<f64, ExactError> {
            let [a, b, c] = [&below, &middle, &above].map(|place| finite(what, place, function(axis, place)));
            Ok((a? + 4.0 * b? + c?) / 6.0)
        };
        let work = spacing * mean("drive", forces.drive)?;
        let heat = self.potential[low] - self.potential[high] + work;
        let coldness = mean("temperature", &|axis, place| 1.0 / (forces.temperature)(axis, place))?;
        let diffusion = positive("the diffusion coefficient", (forces.diffusion)(axis, &middle))?;
        let uneven = if forces.spurious == 0.0 { 0.0 } else { forces.spurious * ((forces.diffusion)(axis, &below) / (forces.diffusion)(axis, &above)).ln() };
        let entropy = finite("force", &middle, heat * positive("1/temperature", coldness)? + uneven)?;
        Ok((Edge { axis, entropy, heat, work }, bernoulli(entropy).map(|weight| weight * diffusion / spacing)))
    }

    /// Stationary probabilities of the nodes: Boltzmann's, where that law stands still, as it does in the rates to rounding.
    ///
    /// # Errors
    /// As [`Chain::stationary`].
    pub fn stationary(&self) -> Result<Vec<f64>, ExactError> {
        let Some(temperature) = self.boltzmann else { return self.chain.stationary(&self.rates) };
        let lowest = self.potential.iter().fold(f64::INFINITY, |lowest, value| lowest.min(*value));
        let weight = |(potential, volume): (&f64, &f64)| volume * ((lowest - potential) / temperature).exp();
        let mut law: Vec<f64> = self.potential.iter().zip(&self.volumes).map(weight).collect();
        let total: f64 = law.iter().sum();
        law.iter_mut().for_each(|p| *p /= total);
        Ok(law)
    }

    /// Net flow up every edge in a law of the nodes.
    pub fn flows(&self, law: &[f64]) -> Vec<f64> {
        self.chain.fluxes(&self.rates, law).chunks(2).map(|pair| pair[0] - pair[1]).collect()
    }

    /// `⟨Δs_med⟩` weights of the transitions.
    pub fn entropies(&self) -> Vec<f64> {
        self.edges.iter().flat_map(|edge| [edge.entropy, -edge.entropy]).collect()
    }

    /// Displacement weights of the transitions along an axis.
    pub fn displacements(&self, axis: usize) -> Vec<f64> {
        let step = |edge: &Edge| if edge.axis == axis { self.spacing(axis) } else { 0.0 };
        self.edges.iter().flat_map(|edge| [step(edge), -step(edge)]).collect()
    }

    /// Means in a law of the nodes.
    pub fn means(&self, law: &[f64]) -> Vec<(Quantity, f64)> {
        let (d, flows) = (self.dimension(), self.flows(law));
        let over_edges = |weight: &dyn Fn(usize) -> f64| -> f64 { flows.iter().enumerate().map(|(k, flow)| flow * weight(k)).sum() };
        let along = |axis: usize, of: fn(&Edge) -> f64| over_edges(&|k| if self.edges[k].axis == axis { of(&self.edges[k]) } else { 0.0 });
        let places: Vec<Vec<f64>> = (0..law.len()).map(|node| self.place(node)).collect();
        let over_nodes = |value: &dyn Fn(usize) -> f64| -> f64 { law.iter().enumerate().map(|(node, p)| p * value(node)).sum() };
        let energy = over_nodes(&|node| self.potential[node]);
        let mut means = vec![
            (Quantity::Energy, energy),
            (Quantity::EnergyVariance, over_nodes(&|node| (self.potential[node] - energy).powi(2))),
            (Quantity::WorkRate, over_edges(&|k| self.edges[k].work)),
            (Quantity::EntropyRate, over_edges(&|k| self.edges[k].entropy)),
        ];
        let centre: Vec<f64> = (0..d).map(|axis| over_nodes(&|node| places[node][axis])).collect();
        for axis in 0..d {
            means.push((Quantity::HeatRate(axis), along(axis, |edge| edge.heat)));
            means.push((Quantity::Velocity(axis), self.spacing(axis) * along(axis, |_| 1.0)));
            means.push((Quantity::Mean(axis), centre[axis]));
            let phase = |node: usize| std::f64::consts::TAU * places[node][axis] / (self.grids[axis].upper - self.grids[axis].lower);
            means.push((Quantity::Cosine(axis), over_nodes(&|node| phase(node).cos())));
            means.push((Quantity::Sine(axis), over_nodes(&|node| phase(node).sin())));
            for other in axis..d {
                means
                    .push((Quantity::Covariance(axis, other), over_nodes(&|node| (places[node][axis] - centre[axis]) * (places[node][other] - centre[other]))));
            }
        }
        if d == 2 {
            let area = |k: usize| {
                let (axis, place) = (self.edges[k].axis, &places[self.chain.from[2 * k] as usize]);
                0.5 * self.spacing(axis) * if axis == 1 { place[0] } else { -place[1] }
            };
            means.push((Quantity::Circulation, over_edges(&area)));
        }
        means
    }
}

/// The parabolic B-spline.
fn bell(s: f64) -> f64 {
    match s.abs() {
        s if s < 0.5 => 0.75 - s * s,
        s if s < 1.5 => 0.5 * (1.5 - s).powi(2),
        _ => 0.0,
    }
}

fn finite(what: &'static str, place: &[f64], value: f64) -> Result<f64, ExactError> {
    // The first coordinate stands for the place.
    if value.is_finite() { Ok(value) } else { Err(ExactError::NotFinite { what, position: place[0] }) }
}

#[cfg(test)]
mod tests;
