//! Probability laws of a state that are known in closed or numerical form.

use crate::density::Density;
use crate::exact::linear::Gaussian;
use crate::plan::InitialState;
use crate::surface::Surface;

/// A normalised law of all coordinates.
#[derive(Clone, Debug)]
pub enum Law {
    /// A Gaussian of all coordinates.
    Gaussian(Gaussian),
    /// A tabulated density of one coordinate.
    Density(Density),
    /// A tabulated density of two coordinates.
    Surface(Surface),
    /// Independent and uniform between the ends.
    Uniform {
        /// Lower ends.
        lower: Vec<f64>,
        /// Upper ends.
        upper: Vec<f64>,
    },
    /// A law of the coordinates, and thermal velocities independent of them.
    Thermal {
        /// Law of the coordinates.
        positions: Box<Law>,
        /// Standard deviation of every velocity.
        deviation: Vec<f64>,
    },
}

impl Law {
    /// `ln p(x)`; −∞ where the law has no weight.
    pub fn ln_pdf(&self, x: &[f64]) -> f64 {
        match self {
            Law::Gaussian(gaussian) => gaussian.ln_pdf(x),
            Law::Density(density) => density.ln_pdf(x[0]),
            Law::Surface(surface) => surface.ln_pdf([x[0], x[1]]),
            Law::Uniform { lower, upper } => {
                let inside = x.iter().zip(lower.iter().zip(upper)).all(|(x, (l, u))| (l..=u).contains(&x));
                if inside { -lower.iter().zip(upper).map(|(l, u)| (u - l).ln()).sum::<f64>() } else { f64::NEG_INFINITY }
            }
            Law::Thermal { positions, deviation } => {
                let (place, velocities) = x.split_at(x.len() - deviation.len());
                let maxwell = |(v, sd): (&f64, &f64)| -0.5 * (v / sd).powi(2) - sd.ln() - 0.5 * std::f64::consts::TAU.ln();
                positions.ln_pdf(place) + velocities.iter().zip(deviation).map(maxwell).sum::<f64>()
            }
        }
    }

    /// The law of the state with the numbers that are odd under time reversal turned round.
    pub fn reversed(&self, odd: &dyn Fn(usize) -> bool) -> Self {
        match self {
            Law::Gaussian(law) => Law::Gaussian(law.flipped(odd)),
            Law::Uniform { lower, upper } => {
                let turned = |this: &[f64], other: &[f64]| (0..this.len()).map(|i| if odd(i) { -other[i] } else { this[i] }).collect();
                Law::Uniform { lower: turned(lower, upper), upper: turned(upper, lower) }
            }
            Law::Surface(surface) => Law::Surface(if odd(0) || odd(1) { surface.mirrored([odd(0), odd(1)]) } else { surface.clone() }),
            Law::Density(density) if odd(0) => Law::Density(density.mirrored()),
            // Thermal velocities have no preferred sign.
            Law::Density(_) | Law::Thermal { .. } => self.clone(),
        }
    }

    /// What the plan draws initial states from.
    pub fn initial_state(&self) -> InitialState {
        match self {
            Law::Gaussian(gaussian) => {
                let factor = gaussian.noise_factor();
                let d = factor.nrows();
                InitialState::Gaussian { mean: gaussian.mean().as_slice().to_vec(), factor: (0..d * d).map(|k| factor[(k / d, k % d)]).collect() }
            }
            Law::Density(density) => InitialState::Density(density.clone()),
            Law::Surface(surface) => InitialState::Surface(surface.clone()),
            Law::Uniform { lower, upper } => InitialState::Uniform { lower: lower.clone(), upper: upper.clone() },
            Law::Thermal { positions, deviation } => InitialState::Thermal { positions: Box::new(positions.initial_state()), deviation: deviation.clone() },
        }
    }

    /// The law of one coordinate as a table over a range: itself where it is a table of that range already.
    pub fn tabulated(&self, lower: f64, upper: f64, cells: usize) -> Option<Density> {
        match self {
            Law::Thermal { positions, .. } => positions.tabulated(lower, upper, cells),
            Law::Surface(_) => None,
            Law::Density(density) if density.lower() == lower && density.upper() == upper => Some(density.clone()),
            law => {
                let node = |i: usize| law.ln_pdf(&[lower + (upper - lower) * i as f64 / cells as f64]);
                let logarithms: Vec<f64> = (0..=cells).map(node).collect();
                Density::from_logarithms(lower, upper, &logarithms).ok()
            }
        }
    }
}
