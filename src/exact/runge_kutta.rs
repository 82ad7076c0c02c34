//! Ordinary differential equations that are not stiff.

/// The derivative, of time and numbers, into the last.
pub(super) type Slope<'a> = dyn FnMut(f64, &[f64], &mut Vec<f64>) + 'a;

/// Lets `y` go from `start` to `end` of time, where `slope(t, y, out)` fills its derivative: Dormand and Prince's pair of orders 5 and 4 with adaptive steps,
/// whose local error in each of the first `judged` numbers stays below the tolerance.
pub(super) fn integrate(y: &mut Vec<f64>, (start, end): (f64, f64), slope: &mut Slope<'_>, judged: usize, tolerance: f64) {
    let (mut t, mut step) = (start, (end - start) / 64.0);
    let mut stages: Vec<Vec<f64>> = vec![Vec::new(); 7];
    let mut trial = y.clone();
    slope(t, y, &mut stages[0]);
    while t < end {
        step = step.min(end - t);
        for stage in 1..7 {
            trial.copy_from_slice(y);
            for (earlier, factor) in STAGES[stage].iter().enumerate().filter(|(_, factor)| **factor != 0.0) {
                trial.iter_mut().zip(&stages[earlier]).for_each(|(value, slope)| *value += step * factor * slope);
            }
            let (_, later) = stages.split_at_mut(stage);
            slope(t + NODES[stage] * step, &trial, &mut later[0]);
        }
        let error = (0..judged).map(|i| (0..7).map(|stage| ERROR[stage] * stages[stage][i]).sum::<f64>().abs()).fold(0.0, f64::max) * step;
        let scale = 0.9 * (tolerance / error.max(1e-300)).powf(0.2);
        if error <= tolerance || step <= 1e-14 * (end - start) {
            t = if end - t - step <= 1e-14 * (end - start) { end } else { t + step };
            std::mem::swap(y, &mut trial);
            stages.swap(0, 6);
        }
        step *= scale.clamp(0.2, 4.0);
    }
}

const NODES: [f64; 7] = [0.0, 0.2, 0.3, 0.8, 8.0 / 9.0, 1.0, 1.0];
const STAGES: [[f64; 6]; 7] = [
    [0.0; 6],
    [0.2, 0.0, 0.0, 0.0, 0.0, 0.0],
    [3.0 / 40.0, 9.0 / 40.0, 0.0, 0.0, 0.0, 0.0],
    [44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0, 0.0, 0.0, 0.0],
    [19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0, 0.0, 0.0],
    [9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0, 0.0],
    [35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];
const ERROR: [f64; 7] = [71.0 / 57600.0, 0.0, -71.0 / 16695.0, 71.0 / 1920.0, -17253.0 / 339_200.0, 22.0 / 525.0, -1.0 / 40.0];
