//! Laws of a jump process at the saves.

use super::super::courses::{Courses, Marginal};
use super::known::{LEAK, MOST_EVENTS, inside, stretches};
use super::question::Question;
use crate::thermodynamics::theorems::Start;

/// Transitions times events up to which laws are followed from save to save.
const MOST_WORK: f64 = 2e9;
/// Most states times saves of which entropy rates are given.
const MOST_RATES: usize = 1 << 20;

/// Marginal laws and mean counts at the saves; nothing where the law is not known, or rates move all the time.
pub(super) fn courses(question: &Question, times: &[f64]) -> Courses {
    let mut courses = Courses { rates: rates(question, times).unwrap_or_default(), ..Courses::default() };
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

/// Entropy per time that every state of a network pays on average, by its moves: of the medium, and of that housekeeping and excess, `[save][state]`. Where
/// rates jump they are those after it. `None` of other models, and where something goes one way.
fn rates(question: &Question, times: &[f64]) -> Option<Vec<(String, Vec<Vec<f64>>)>> {
    let space = question.space;
    let states = question.model.states.as_ref().filter(|_| question.model.interventions.is_empty())?.len();
    if states * times.len() > MOST_RATES {
        return None;
    }
    let reverse: Vec<usize> = space.reverse.iter().copied().collect::<Option<_>>()?;
    let pieces = space.pieces();
    let mut surprise = vec![0.0; states];
    let (mut medium, mut housekeeping) = (Vec::new(), Vec::new());
    for &time in times {
        let piece = *pieces.iter().find(|(_, end)| time < *end).or(pieces.last())?;
        let rates = space.rates_at(inside(piece, time));
        let sum = |paid: &dyn Fn(usize, usize, usize) -> f64| {
            let mut sums = vec![0.0; states];
            for (k, (from, to)) in space.chain.from.iter().zip(&space.chain.to).enumerate().filter(|(k, _)| rates[*k] > 0.0) {
                sums[*from as usize] += rates[k] * paid(k, *from as usize, *to as usize);
            }
            sums
        };
        medium.push(sum(&|k, _, _| (rates[k] / rates[reverse[k]]).ln()));
        if let Some(along) = question.along {
            along.at(piece, time, &mut surprise);
            housekeeping.push(sum(&|k, from, to| (rates[k] / rates[reverse[k]]).ln() + surprise[to] - surprise[from]));
        }
    }
    let less = |a: &Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>();
    let excess: Vec<Vec<f64>> = medium.iter().zip(&housekeeping).map(|(medium, housekeeping)| less(medium, housekeeping)).collect();
    let mut all = vec![("medium", medium)];
    if question.along.is_some() {
        all.extend([("housekeeping", housekeeping), ("excess", excess)]);
    }
    let is_finite = |rows: &[Vec<f64>]| rows.iter().flatten().all(|rate| rate.is_finite());
    Some(all.into_iter().filter(|(_, rows)| is_finite(rows)).map(|(name, rows)| (format!("entropy_rate.{name}"), rows)).collect())
}
