//! Draws the initial state of a trajectory, the same on every backend.

use super::{InitialState, Plan};
use crate::random::Draws;

/// Writes the initial state of a trajectory into `state` (length `d`).
pub fn initial_state(plan: &Plan, trajectory: u64, state: &mut [f64]) {
    draw(&plan.initial, &mut Draws::new(plan.seed, plan.stream.initial(), trajectory), state);
}

fn draw(law: &InitialState, draws: &mut Draws, state: &mut [f64]) {
    match law {
        InitialState::Point(point) => state.copy_from_slice(point),
        InitialState::Gaussian { mean, factor } => {
            let d = state.len();
            state.copy_from_slice(mean);
            for j in 0..d {
                let z = draws.normal();
                for i in j..d {
                    state[i] += factor[i * d + j] * z;
                }
            }
        }
        InitialState::Uniform { lower, upper } => {
            for (i, value) in state.iter_mut().enumerate() {
                *value = lower[i] + (upper[i] - lower[i]) * draws.uniform();
            }
        }
        InitialState::Density(density) => state[0] = density.quantile(draws.uniform()),
        InitialState::Surface(surface) => state.copy_from_slice(&surface.draw([draws.uniform(), draws.uniform(), draws.uniform()])),
        InitialState::Exponential { mean } => {
            for (value, mean) in state.iter_mut().zip(mean) {
                *value = -mean * draws.uniform().ln();
            }
        }
        InitialState::Discrete { points, cumulative } => {
            let u = draws.uniform();
            let point = cumulative.partition_point(|&c| c <= u).min(cumulative.len().saturating_sub(1));
            let d = state.len();
            state.copy_from_slice(&points[point * d..(point + 1) * d]);
        }
        InitialState::Thermal { positions, deviation } => {
            let (place, velocities) = state.split_at_mut(deviation.len());
            draw(positions, draws, place);
            velocities.iter_mut().zip(deviation).for_each(|(v, deviation)| *v = deviation * draws.normal());
        }
    }
}
