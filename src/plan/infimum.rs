//! The total entropy production along a path of a steady state, and how low it ever is.
//!
//! With the affinity `A_i = ν_i/D_i` of the local mean velocity `ν = j/p` of the steady state, `dΔs_tot = Σ_i A_i ∘ dx_i`: its variance grows by `2 Σ_i D_i A_i² dt`, twice its
//! mean. Between the ends of a step it is a Brownian bridge, whose infimum is drawn.

use serde::Serialize;

use crate::expression::{Function, Graph, Node, Symbol};

/// The affinity of a steady state as numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Affinity {
    /// `A = constant + matrix·x`, of linear forces.
    Linear {
        /// Length `d`.
        constant: Vec<f64>,
        /// Row-major `d × d`.
        matrix: Vec<f64>,
    },
    /// `A = sign·exp(Σ_k cosine_k cos kθ + sine_k sin kθ)` on a ring, `θ = 2π (x − lower)/period`.
    Ring {
        /// Lower end of the period.
        lower: f64,
        /// Its length.
        period: f64,
        /// The direction of the current, 1 or −1.
        sign: f64,
        /// From `k = 0` on.
        cosine: Vec<f64>,
        /// As long; the first is 0.
        sine: Vec<f64>,
    },
}

/// Where a step finds the affinity.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Infimum {
    /// For every coordinate the output of [`super::Overdamped::force`] that is its affinity.
    pub affinity: Vec<u16>,
}

impl Affinity {
    /// The formulas, one a coordinate.
    pub(super) fn formulas(&self, graph: &mut Graph) -> Vec<Node> {
        match self {
            Affinity::Linear { constant, matrix } => {
                let d = constant.len();
                (0..d).map(|i| affine(graph, constant[i], &matrix[i * d..(i + 1) * d])).collect()
            }
            Affinity::Ring { lower, period, sign, cosine, sine } => vec![on_ring(graph, (*lower, *period, *sign), cosine, sine)],
        }
    }

    /// The one value of an affinity that is the same everywhere.
    pub fn uniform(&self) -> Option<f64> {
        match self {
            Affinity::Ring { sign, cosine, .. } if cosine.len() == 1 => Some(sign * cosine[0].exp()),
            Affinity::Ring { .. } | Affinity::Linear { .. } => None,
        }
    }
}

fn affine(graph: &mut Graph, constant: f64, row: &[f64]) -> Node {
    let mut sum = graph.constant(constant);
    for (j, factor) in row.iter().enumerate() {
        let (factor, x) = (graph.constant(*factor), graph.symbol(Symbol::Coordinate(j as u16)));
        let term = graph.mul(factor, x);
        sum = graph.add(sum, term);
    }
    sum
}

/// By the recurrence `cos (k+1)θ = 2 cos θ cos kθ − cos (k−1)θ`, and the same of sines.
fn on_ring(graph: &mut Graph, (lower, period, sign): (f64, f64, f64), cosine: &[f64], sine: &[f64]) -> Node {
    let (x, lower, scale) = (graph.symbol(Symbol::Coordinate(0)), graph.constant(lower), graph.constant(std::f64::consts::TAU / period));
    let from = graph.sub(x, lower);
    let angle = graph.mul(from, scale);
    let (c, s) = (graph.call(Function::Cos, &[angle]), graph.call(Function::Sin, &[angle]));
    let twice = graph.add(c, c);
    let (mut now, mut before) = ((c, s), (graph.constant(1.0), graph.constant(0.0)));
    let mut sum = graph.constant(cosine[0]);
    for (a, b) in cosine.iter().zip(sine).skip(1) {
        for (factor, wave) in [(a, now.0), (b, now.1)] {
            let factor = graph.constant(*factor);
            let term = graph.mul(factor, wave);
            sum = graph.add(sum, term);
        }
        let (next_c, next_s) = (graph.mul(twice, now.0), graph.mul(twice, now.1));
        let next = (graph.sub(next_c, before.0), graph.sub(next_s, before.1));
        (before, now) = (now, next);
    }
    let size = graph.call(Function::Exp, &[sum]);
    let sign = graph.constant(sign);
    graph.mul(sign, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(affinity: &Affinity, x: &[f64]) -> Vec<f64> {
        let mut graph = Graph::new();
        let nodes = affinity.formulas(&mut graph);
        let environment = |symbol: Symbol| if let Symbol::Coordinate(i) = symbol { x[usize::from(i)] } else { f64::NAN };
        nodes.into_iter().map(|node| graph.evaluate(node, &environment)).collect()
    }

    #[test]
    fn the_formulas_are_the_sums() {
        let linear = Affinity::Linear { constant: vec![0.5, -1.0], matrix: vec![1.0, 2.0, -3.0, 0.0] };
        assert_eq!(value(&linear, &[0.25, -2.0]), [0.5 + 0.25 - 4.0, -1.0 - 0.75]);
        let (cosine, sine) = (vec![0.3, -0.5, 0.0, 0.2], vec![0.0, 0.25, 0.125, -0.1]);
        let ring = Affinity::Ring { lower: -1.0, period: 3.0, sign: -1.0, cosine: cosine.clone(), sine: sine.clone() };
        for x in [-1.0, 0.2, 1.7] {
            let angle = |k: usize| k as f64 * std::f64::consts::TAU * (x + 1.0) / 3.0;
            let expected = -(0..4).map(|k| cosine[k] * angle(k).cos() + sine[k] * angle(k).sin()).sum::<f64>().exp();
            assert!((value(&ring, &[x])[0] - expected).abs() <= 1e-13, "{x}");
        }
        assert_eq!((ring.uniform(), linear.uniform()), (None, None));
        let even = Affinity::Ring { lower: 0.0, period: 1.0, sign: -1.0, cosine: vec![0.0], sine: vec![0.0] };
        assert_eq!((even.uniform(), value(&even, &[0.4])), (Some(-1.0), vec![-1.0]));
    }
}
