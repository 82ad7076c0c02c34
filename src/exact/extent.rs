//! Where open coordinates have weight in their steady state.
//!
//! First the deterministic motion is followed to its ends from far and near, and widened by what thermal motion adds there; then the stationary law on a
//! coarse grid is widened where it has weight at the ends, and cut where it has none.

use super::ExactError;
use super::fokker_planck::Ends;
use super::mesh::{Axis, Forces, Mesh};

/// Density at the ends, relative to the largest, that counts as none; and that beyond which a range is cut.
const NONE: f64 = 1e-13;
const NEVER: f64 = 1e-17;
/// Cells of the coarse grid.
const CELLS: usize = 48;
/// Grids before a model counts as not confined.
const MOST_GRIDS: usize = 40;
/// Part of a range that is added at an end, and part of the way to the centre that is taken away.
const MORE: f64 = 0.2;
const LESS: f64 = 0.4;
/// Distances from the origin from which the deterministic motion starts.
const STARTS: [f64; 6] = [1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4];
/// Steps of the deterministic motion; of the last of them the places count, as it may go round for ever.
const STEPS: usize = 400;
const LAST: usize = 100;

/// Ranges of all coordinates: bounded ones as they are, open ones (given as `None`) where the stationary law has weight.
///
/// # Errors
/// [`ExactError::NotConfining`] where no range is wide enough; those of [`Mesh::new`].
pub fn extent(bounded: &[Option<Axis>], forces: &Forces<'_>) -> Result<Vec<Axis>, ExactError> {
    let (mut axes, centre) = first_guess(bounded, forces)?;
    if bounded.iter().all(Option::is_some) {
        return Ok(axes);
    }
    for _ in 0..MOST_GRIDS {
        let Some(law) = coarse(&axes, forces)? else {
            // Forces so strong that nothing comes back from some place: the range is far too wide.
            axes.iter_mut().zip(&centre).filter(|(axis, _)| axis.ends == Ends::Truncated).for_each(|(axis, centre)| {
                (axis.lower, axis.upper) = (axis.lower + LESS * (centre - axis.lower), axis.upper - LESS * (axis.upper - centre));
            });
            continue;
        };
        let fits: Vec<bool> = axes.iter_mut().zip(&law).map(|(axis, marginal)| axis.ends != Ends::Truncated || fit(axis, marginal)).collect();
        if fits.iter().all(|fits| *fits) {
            return Ok(axes);
        }
    }
    Err(ExactError::NotConfining)
}

/// Marginal densities of all coordinates, at the nodes; `None` where nothing leads back.
fn coarse(axes: &[Axis], forces: &Forces<'_>) -> Result<Option<Vec<Vec<f64>>>, ExactError> {
    let mesh = Mesh::new(axes, forces, CELLS)?;
    match mesh.stationary() {
        Ok(law) if law.iter().all(|p| p.is_finite()) => Ok(Some((0..axes.len()).map(|axis| mesh.marginal(axis, &law)).collect())),
        Ok(_) | Err(ExactError::Reducible { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Widens or cuts a range; true where neither was needed.
fn fit(axis: &mut Axis, marginal: &[f64]) -> bool {
    let largest = marginal.iter().fold(0.0f64, |largest, p| largest.max(*p));
    let (length, last) = (axis.upper - axis.lower, marginal.len() - 1);
    let step = length / last as f64;
    let weighty = |p: &f64| *p > NEVER * largest;
    // One node beyond the last that has any weight stays.
    let low = marginal.iter().position(weighty).unwrap_or(0).saturating_sub(1);
    let high = (marginal.iter().rposition(weighty).unwrap_or(last) + 1).min(last);
    let (short_below, short_above) = (marginal[0] > NONE * largest, marginal[last] > NONE * largest);
    let (lower, upper) = (axis.lower, axis.upper);
    if short_below || short_above {
        axis.lower -= if short_below { MORE * length } else { 0.0 };
        axis.upper += if short_above { MORE * length } else { 0.0 };
        return false;
    }
    if low > 1 || last - high > 1 {
        (axis.lower, axis.upper) = (lower + low as f64 * step, upper - (last - high) as f64 * step);
        return false;
    }
    true
}

/// Where the deterministic motion ends, and thermal motion around it; and one such end.
fn first_guess(bounded: &[Option<Axis>], forces: &Forces<'_>) -> Result<(Vec<Axis>, Vec<f64>), ExactError> {
    let d = bounded.len();
    let middle: Vec<f64> = bounded.iter().map(|axis| axis.map_or(0.0, |axis| 0.5 * (axis.lower + axis.upper))).collect();
    let mut seen: Vec<(f64, f64)> = vec![(f64::INFINITY, f64::NEG_INFINITY); d];
    let mut centre = None;
    let directions: Vec<Vec<f64>> = match d {
        1 => vec![vec![-1.0], vec![1.0]],
        _ => (0..8).map(|k| (std::f64::consts::TAU * (f64::from(k) + 0.3) / 8.0).sin_cos()).map(|(y, x)| vec![x, y]).collect(),
    };
    for distance in STARTS {
        for direction in &directions {
            let place = |i: usize| middle[i] + bounded[i].map_or(distance, |axis| 0.4 * (axis.upper - axis.lower)) * direction[i];
            for visited in motion(bounded, forces, (0..d).map(place).collect()) {
                // What starts near has come to its end.
                let _ = centre.get_or_insert_with(|| visited.clone());
                for (i, (low, high)) in seen.iter_mut().enumerate() {
                    let width = thermal_width(forces, &visited, i);
                    (*low, *high) = (low.min(visited[i] - 6.0 * width), high.max(visited[i] + 6.0 * width));
                }
            }
        }
    }
    let range = |(i, axis): (usize, &Option<Axis>)| match axis {
        Some(axis) => Ok(*axis),
        None if seen[i].0.is_finite() && seen[i].1 > seen[i].0 && seen[i].1.is_finite() => {
            Ok(Axis { lower: seen[i].0, upper: seen[i].1, ends: Ends::Truncated })
        }
        None => Err(ExactError::NotConfining),
    };
    Ok((bounded.iter().enumerate().map(range).collect::<Result<_, _>>()?, centre.unwrap_or(middle)))
}

/// Deterministic velocity.
fn velocity(forces: &Forces<'_>, x: &[f64]) -> Vec<f64> {
    (0..x.len()).map(|i| (forces.diffusion)(i, x) * (forces.thermodynamic)(i, x)).collect()
}

/// The places that the deterministic motion visits in the end; none where it runs away.
fn motion(bounded: &[Option<Axis>], forces: &Forces<'_>, mut x: Vec<f64>) -> Vec<Vec<f64>> {
    let size = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let mut visited = Vec::new();
    for step in 0..STEPS {
        let (here, away) = (velocity(forces, &x), size(&x));
        let speed = size(&here);
        if !(speed > 0.0 && speed.is_finite()) {
            break;
        }
        // No step longer than a tenth of the way to the origin, nor than the force stays what it is.
        let probe = 1e-6 * away;
        let ahead: Vec<f64> = x.iter().zip(&here).map(|(x, v)| x + probe * v / speed).collect();
        let change: Vec<f64> = velocity(forces, &ahead).iter().zip(&here).map(|(a, b)| a - b).collect();
        let stiffness = size(&change) / probe;
        let dt = (0.1 * away / speed).min(if stiffness > 0.0 { 0.3 / stiffness } else { f64::INFINITY });
        for (i, (x, v)) in x.iter_mut().zip(&here).enumerate() {
            *x += dt * v;
            if let Some(axis) = bounded[i] {
                *x = if axis.ends == Ends::Periodic {
                    axis.lower + (*x - axis.lower).rem_euclid(axis.upper - axis.lower)
                } else {
                    x.clamp(axis.lower, axis.upper)
                };
            }
        }
        if step + LAST >= STEPS {
            visited.push(x.clone());
        }
    }
    visited.retain(|x| x.iter().all(|x| x.is_finite() && x.abs() < 1e6));
    if visited.is_empty() && x.iter().all(|x| x.is_finite()) { vec![x] } else { visited }
}

/// How far thermal motion goes along a coordinate: to where the change of the force has done the work `2 T`.
fn thermal_width(forces: &Forces<'_>, x: &[f64], axis: usize) -> f64 {
    let here = (forces.thermodynamic)(axis, x);
    let mut away = x.to_vec();
    (0..80)
        .map(|k| 1e-12 * 2f64.powi(k))
        .find(|width| {
            away[axis] = x[axis] + width;
            ((forces.thermodynamic)(axis, &away) - here).abs() * width >= 2.0
        })
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(potential: &dyn Fn(&[f64]) -> f64, force: &dyn Fn(usize, &[f64]) -> f64, temperature: f64) -> Result<Vec<Axis>, ExactError> {
        let bath = |_: usize, _: &[f64]| temperature;
        let thermodynamic = |i: usize, x: &[f64]| force(i, x) / temperature;
        extent(&[None, None], &Forces { potential, temperature: &bath, diffusion: &bath, thermodynamic: &thermodynamic, ..Forces::UNIT })
    }

    /// Every end lies where `U − U_min` is between these.
    fn assert_ends(axes: &[Axis], centre: [f64; 2], height: impl Fn([f64; 2]) -> f64) {
        for (axis, range) in axes.iter().enumerate() {
            for end in [range.lower, range.upper] {
                let mut place = centre;
                place[axis] = end;
                assert!((25.0..140.0).contains(&height(place)), "{axis}: {range:?} {}", height(place));
            }
        }
    }

    #[test]
    fn traps_of_any_place_and_width_are_found() {
        for (centre, stiffness, temperature) in [([0.0, 0.0], 1.0, 1.0), ([30.0, -2e-3], 1e6, 4.0), ([-1e-3, 5e-4], 1e4, 1e-9), ([0.0, 700.0], 1e-6, 2.0)] {
            let potential = |x: &[f64]| 0.5 * stiffness * ((x[0] - centre[0]).powi(2) + 4.0 * (x[1] - centre[1]).powi(2));
            let force = |i: usize, x: &[f64]| -stiffness * [1.0, 4.0][i] * (x[i] - centre[i]);
            let axes = of(&potential, &force, temperature).expect("confined");
            assert_ends(&axes, centre, |x| potential(&x) / temperature);
        }
    }

    #[test]
    fn both_wells_are_found() {
        let potential = |x: &[f64]| 2.0 * (x[0] * x[0] - 9.0).powi(2) / 9.0 + 0.5 * x[1] * x[1];
        let force = |i: usize, x: &[f64]| if i == 0 { -8.0 / 9.0 * x[0] * (x[0] * x[0] - 9.0) } else { -x[1] };
        let axes = of(&potential, &force, 0.5).expect("confined");
        assert_ends(&axes, [3.0, 0.0], |x| potential(&x) / 0.5);
        assert!(axes[0].lower < -3.0 && axes[0].upper > 3.0);
    }

    #[test]
    fn a_place_that_far_motion_does_not_reach_in_time_is_found() {
        // A turning force in a trap that stiffens along x: from far away the motion creeps along y.
        let force = |i: usize, x: &[f64]| if i == 0 { 1.5 - x[0] - x[0].powi(3) - 1.5 * x[1] } else { 1.5 * x[0] - x[1] };
        let axes = of(&|x| 0.5 * (x[0] - 1.5).powi(2) + 0.5 * x[1] * x[1] + 0.25 * x[0].powi(4), &force, 1.0).expect("confined");
        assert!(axes.iter().all(|axis| axis.lower < -2.0 && axis.upper > 2.0 && axis.upper - axis.lower < 30.0), "{axes:?}");
    }

    #[test]
    fn what_runs_away_is_refused() {
        let slope = of(&|x| x[0] + x[1] * x[1], &|i, x| if i == 0 { -1.0 } else { -2.0 * x[1] }, 1.0);
        assert!(matches!(slope, Err(ExactError::NotConfining)), "{slope:?}");
        assert!(of(&|_| 0.0, &|_, _| 0.0, 1.0).is_err());
    }
}
