//! From the words a device wrote to a [`Batch`].

use super::layout::{Layout, Sizes, field_row};
use super::plane;
use crate::backend::{Batch, TileMoments};
use crate::plan::{Column, JumpColumn, Plan, TILE};

/// The words of a chunk of `count` trajectories from `first` on, as a batch. `words` are the returned slots of the state, the moments and the counts.
pub(super) fn batch(plan: &Plan, layout: &Layout, sizes: &Sizes, first: u64, count: usize, words: &[u32]) -> Batch {
    let (state, rest) = words.split_at(sizes.returned as usize);
    let (moments, counts) = rest.split_at(sizes.moments as usize);
    let stride = sizes.stride as usize;
    let slot = |slot: usize| &state[slot * stride..slot * stride + count];
    let (counts_by_field, windings, block_counts) = fields(plan, sizes, first, count, counts);
    let touched = ((first + count as u64).div_ceil(plan.block) - first / plan.block) as usize;
    let tallies = counts[sizes.tallies_at as usize..].chunks_exact(2).take(touched * plan.tallies());
    let tiles = count.div_ceil(TILE);
    Batch {
        first,
        count,
        columns: plan.columns.iter().map(|&column| column_values(layout, column, count, &slot)).collect(),
        series: moments.chunks_exact(3).take(tiles * plan.schedule.saves() * plan.series.len()).map(tile).collect(),
        counts: counts_by_field,
        windings,
        block_counts,
        tallies: tallies.map(|pair| u64::from(pair[1]) << 32 | u64::from(pair[0])).collect(),
        plane: plan.plane.as_ref().map_or_else(Vec::new, |grid| plane::read(plan, grid, first, count, &counts[sizes.tallies_at as usize..])),
    }
}

fn tile(words: &[u32]) -> TileMoments {
    let [count, mean, m2] = [0, 1, 2].map(|i| f64::from(f32::from_bits(words[i])));
    TileMoments { count, mean, m2 }
}

fn column_values<'a>(layout: &Layout, column: Column, count: usize, slot: &impl Fn(usize) -> &'a [u32]) -> Vec<f64> {
    let float = |bits: &u32| f64::from(f32::from_bits(*bits));
    match column {
        Column::Position(i) => slot(i as usize).iter().map(float).collect(),
        Column::Initial(i) => match layout.initial[i as usize] {
            Some(initial) => slot(initial).iter().map(float).collect(),
            None => unreachable!("an initial value that is a column has a slot"),
        },
        Column::Winding(i) => match layout.windings[i as usize] {
            Some(winding) => slot(winding).iter().map(|bits| f64::from(bits.cast_signed())).collect(),
            None => vec![0.0; count],
        },
        Column::Work
        | Column::Heat(_)
        | Column::EntropyMedium
        | Column::EntropyPath
        | Column::HeatPath
        | Column::Surprise
        | Column::EntropySoFar
        | Column::Infimum
        | Column::Circulation(..) => match layout.sum(column) {
            Some(sum) => {
                let parts = [0, 1, 2].map(|part| slot(layout.first_sum + 3 * sum + part));
                (0..count).map(|t| float(&parts[1][t]) + float(&parts[2][t]) + float(&parts[0][t])).collect()
            }
            None => unreachable!("a path sum that is a column has slots"),
        },
        Column::Jump(JumpColumn::Fired(channel)) if layout.sum(column).is_none() => {
            slot(layout.fired + usize::from(channel)).iter().map(|events| f64::from(*events)).collect()
        }
        Column::Jump(JumpColumn::Activity) => match layout.activity {
            Some(activity) => slot(activity).iter().map(|events| f64::from(*events)).collect(),
            None => (0..count).map(|t| (0..layout.channels).map(|channel| f64::from(slot(layout.fired + channel)[t])).sum()).collect(),
        },
        Column::Jump(_) => match layout.sum(column) {
            Some(sum) => {
                let parts = [0, 1, 2].map(|part| slot(layout.first_sum + 3 * sum + part));
                (0..count).map(|t| float(&parts[1][t]) + float(&parts[2][t]) + float(&parts[0][t])).collect()
            }
            None => vec![f64::NAN; count],
        },
    }
}

type FieldCounts = (Vec<Vec<u64>>, Vec<Vec<i64>>, Vec<Vec<u64>>);

/// Counts, sums of winding numbers and block counts of every field.
fn fields(plan: &Plan, sizes: &Sizes, first: u64, count: usize, words: &[u32]) -> FieldCounts {
    let (saves, row, number) = (plan.schedule.saves(), field_row(plan), plan.fields.len());
    let (counts, rest) = words.split_at(sizes.blocks_at as usize);
    let (blocks, turns) = rest.split_at((sizes.windings_at - sizes.blocks_at) as usize);
    let touched = ((first + count as u64).div_ceil(plan.block) - first / plan.block) as usize;
    let mut all: FieldCounts = (Vec::new(), Vec::new(), Vec::new());
    let mut entry = 0;
    for (index, field) in plan.fields.iter().enumerate() {
        let bins = field.bins as usize + 2;
        let part = |table: &[u32], rows: usize| table.chunks_exact(row).take(rows).flat_map(|r| &r[entry..entry + bins]).map(|&n| u64::from(n)).collect();
        all.0.push(part(counts, saves));
        let pair = |save: usize| &turns[2 * (save * number + index)..][..2];
        all.1.push((0..saves).map(|save| (u64::from(pair(save)[1]) << 32 | u64::from(pair(save)[0])).cast_signed()).collect());
        all.2.push(part(blocks, touched));
        entry += bins;
    }
    all
}
