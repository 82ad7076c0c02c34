//! Laws of a jump process at the saves.

use super::super::courses::{Courses, Marginal};
use super::known::{LEAK, MOST_EVENTS, inside, stretches};
use super::question::Question;
use crate::thermodynamics::theorems::Start;

/// Transitions times events up to which laws are followed from save to save.
const MOST_WORK: f64 = 2e9;

/// Marginal laws and mean counts at the saves; nothing where the law is not known, or rates move all the time.
pub(super) fn courses(question: &Question, times: &[f64]) -> Courses {
    let mut courses = Courses::default();
    let Some(laws) = marginals(question, times) else { return courses };
    if question.model.states.is_none() {
        let mean = |law: &Vec<f64>| law.iter().enumerate().map(|(count, p)| count as f64 * p).sum::<f64>();
        for (name, laws) in question.names.species.iter().zip(&laws) {
            courses.means.insert(format!("mean.{name}"), laws.iter().map(mean).collect());
        }
    }
    courses.laws = laws.into_iter().map(|laws| laws.into_iter().map(Marginal::Counts).collect()).collect();
    courses
}

/// Probabilities of the counts of every coordinate, `[coordinate][save]`; of a network, of its states.
fn marginals(question: &Question, times: &[f64]) -> Option<Vec<Vec<Vec<f64>>>> {
    let mut law = question.opening.law.clone().filter(|_| question.model.interventions.is_empty())?;
    let (space, moves) = (question.space, question.clocked.moves);
    let dimension = space.points.first().map_or(0, Vec::len);
    let most: Vec<usize> = (0..dimension).map(|i| space.points.iter().map(|point| point[i] as usize).max().unwrap_or(0)).collect();
    let of = |law: &[f64], i: usize| {
        let mut marginal = vec![0.0; most[i] + 1];
        space.points.iter().zip(law).for_each(|(point, p)| marginal[point[i] as usize] += p);
        marginal
    };
    if !moves && question.opening.kind != Start::Other {
        return Some((0..dimension).map(|i| vec![of(&law, i); times.len()]).collect());
    }
    let stretches = stretches(space, moves);
    let events: f64 = stretches.iter().map(|stretch| space.fastest(inside(stretch.piece, stretch.piece.0)) * (stretch.piece.1 - stretch.piece.0)).sum();
    if stretches.iter().any(|stretch| !stretch.steady) || events > MOST_EVENTS || events * space.chain.from.len() as f64 > MOST_WORK {
        return None;
    }
    let (mut laws, mut leak, mut now) = (vec![Vec::new(); dimension], 0.0, 0.0f64);
    for &save in times {
        for stretch in &stretches {
            let (start, end) = (stretch.piece.0.max(now), stretch.piece.1.min(save));
            if end > start {
                let middle = inside(stretch.piece, 0.5 * (start + end));
                let spent = space.chain.propagate(&mut law, &space.rates_at(middle), end - start);
                leak += space.leak(&spent, middle);
            }
        }
        if !(leak <= LEAK) {
            return None;
        }
        now = save;
        laws.iter_mut().enumerate().for_each(|(i, laws)| laws.push(of(&law, i)));
    }
    Some(laws)
}
