//! Walkers on a network.

use super::race::Race;
use super::walk::{Graph, PACKED_EDGES, PACKED_ROUNDS, unpacked};
use super::walkers::Process;
use crate::backend::cpu::instruction_sets::Kernels;
use crate::backend::cpu::record::{Record, tally_length};
use crate::maths::{LANES, Lanes, Real};
use crate::plan::{Column, DWELL_UNITS, JumpColumn, Network, Plan};

/// Edges up to which counts are made edge by edge.
const FEW_EDGES: usize = 16;
/// States up to which times are added up state by state.
const FEW_STATES: usize = 6;

/// Sums (or counts) of some members of a list; the last belongs to all others.
struct Sums<T> {
    /// For every member the place of its sum, or that of the others.
    places: Vec<u32>,
    /// For every entry of the list its sum.
    slots: Vec<u32>,
    values: Vec<[T; LANES]>,
}

impl<T: Copy + Default + Into<f64>> Sums<T> {
    /// Sums of the `wanted` ones among so many members; `member` gives the member of every entry of a list.
    fn new(members: usize, wanted: &[u16], member: impl Iterator<Item = Option<usize>>) -> Self {
        let others = wanted.len() as u32;
        let place = |member: usize| wanted.iter().position(|&w| usize::from(w) == member).map_or(others, |place| place as u32);
        let places: Vec<u32> = (0..members).map(place).collect();
        let slots = member.map(|member| member.map_or(others, |member| places[member])).collect();
        Self { places, slots, values: vec![[T::default(); LANES]; wanted.len() + 1] }
    }

    /// Whether there is nothing to add up.
    fn is_empty(&self) -> bool {
        self.values.len() == 1
    }

    /// Every entry of the list that is added up, and its sum.
    fn each(&mut self, mut add: impl FnMut(u32, &mut [T; LANES])) {
        for (entry, &place) in self.slots.iter().enumerate() {
            // The last one is that of the others.
            if place as usize + 1 < self.values.len() {
                add(entry as u32, &mut self.values[place as usize]);
            }
        }
    }

    fn clear(&mut self, lane: usize) {
        self.values.iter_mut().for_each(|sum| sum[lane] = T::default());
    }

    /// The place of the sum of a member that is wanted.
    fn place(&self, member: u16) -> Option<usize> {
        self.places.get(usize::from(member)).map(|&place| place as usize).filter(|place| place + 1 < self.values.len())
    }

    fn value(&self, member: u16, lane: usize) -> f64 {
        self.place(member).map_or(f64::NAN, |place| self.values[place][lane].into())
    }
}

/// Jumps and dwell times summed over trajectories, in integers.
struct Tallies {
    length: usize,
    block: u64,
    first_block: u64,
    /// As in [`crate::backend::Batch`], then one more block for lanes that are not measured.
    sums: Vec<u64>,
    base: [usize; LANES],
    /// Time of the last event of a lane, in units.
    since: [u64; LANES],
}

/// Channels and entries of a table over edges, where these are not 0.
fn weights(table: &[f64], channel: &[u32]) -> Vec<(u16, f64)> {
    channel.iter().map(|channel| *channel as u16).zip(table.iter().copied()).filter(|(_, entry)| *entry != 0.0).collect()
}

/// A lane block of walkers.
pub(super) struct Walking<'a, R: Real> {
    network: &'a Network,
    graph: &'a Graph<R>,
    kernels: Kernels<R>,
    state: [u32; LANES],
    /// Mean time until a lane leaves its state.
    pause: Lanes<R>,
    edge: [u32; LANES],
    start: [f64; LANES],
    fired: Sums<u32>,
    /// Where there are few edges: what has been counted since the last of [`PACKED_ROUNDS`], four bits an edge.
    packed: [u32; LANES],
    /// What was counted before the counts last started from 0, if they ever did: they have 32 bits.
    fired_before: Vec<[f64; LANES]>,
    rounds: u32,
    dwell: Sums<f64>,
    /// Tables that need a sum of their own: where edges are not all counted.
    tables: Vec<(u16, Vec<f64>, Lanes<f64>)>,
    /// For every table what an edge of a channel adds, where that is something: its sum follows from counts.
    weights: Vec<Vec<(u16, f64)>>,
    activity: Option<Lanes<f64>>,
    integral: Option<Lanes<f64>>,
    tallies: Option<Tallies>,
}

impl<'a, R: Real> Walking<'a, R> {
    /// A block for trajectories `first..first + count`.
    pub(super) fn new(plan: &Plan, network: &'a Network, graph: &'a Graph<R>, kernels: Kernels<R>, (first, count): (u64, usize)) -> Self {
        let columns = || plan.columns.iter().chain(&plan.series);
        let wanted = |pick: fn(&Column) -> Option<u16>| {
            let mut list: Vec<u16> = columns().filter_map(pick).collect();
            list.sort_unstable();
            list.dedup();
            list
        };
        let has = |column: Column| columns().any(|&c| c == column).then_some(Lanes::ZERO);
        let channels = network.channel.iter().map(|&channel| Some(channel as usize)).chain([None]);
        let fired = wanted(|column| if let Column::Jump(JumpColumn::Fired(c)) = column { Some(*c) } else { None });
        let dwell = wanted(|column| if let Column::Jump(JumpColumn::Dwell(s)) = column { Some(*s) } else { None });
        let tables = wanted(|column| if let Column::Jump(JumpColumn::TableSum(k)) = column { Some(*k) } else { None });
        let table = |k: u16| (k, network.tables[k as usize].iter().copied().chain([0.0]).collect(), Lanes::ZERO);
        let tallies = network.tallies.then(|| {
            let first_block = first / plan.block;
            let blocks = (first + count as u64).div_ceil(plan.block) - first_block;
            let sums = vec![0; (blocks as usize + 1) * tally_length(plan)];
            Tallies { length: tally_length(plan), block: plan.block, first_block, sums, base: [0; LANES], since: [0; LANES] }
        });
        Self {
            network,
            graph,
            kernels,
            state: [0; LANES],
            pause: Lanes::ZERO,
            edge: [0; LANES],
            start: [0.0; LANES],
            fired_before: Vec::new(),
            rounds: 0,
            packed: [0; LANES],
            fired: Sums::new(network.channels, &fired, channels),
            dwell: Sums::new(network.states.len(), &dwell, (0..network.states.len()).map(Some)),
            tables: if network.tallies { tables.into_iter().map(table).collect() } else { Vec::new() },
            weights: network.tables.iter().map(|table| weights(table, &network.channel)).collect(),
            activity: has(Column::Jump(JumpColumn::Activity)),
            integral: has(Column::Jump(JumpColumn::Integral(0))),
            tallies,
        }
    }

    /// Counts the edges walked: edge by edge where there are few, else lane by lane.
    fn count_edges(&mut self) {
        if self.fired.is_empty() {
            return;
        }
        self.rounds += 1;
        if self.rounds == u32::MAX {
            self.put_by();
        }
        match self.fired.slots.len() - 1 {
            0..=PACKED_EDGES => self.count_packed(),
            few if few <= FEW_EDGES => self.fired.each(|edge, count| self.kernels.count_edge(edge, &self.edge, count)),
            _ => self.kernels.count_edges(&self.fired.slots, &self.edge, &mut self.fired.values),
        }
    }

    /// All edges at once; now and then what these counts hold goes to its sums.
    fn count_packed(&mut self) {
        self.kernels.count_packed(&self.edge, &mut self.packed);
        if self.rounds.is_multiple_of(PACKED_ROUNDS) {
            self.fired.each(|edge, count| self.kernels.unpack(edge, &self.packed, count));
            self.packed = [0; LANES];
        }
    }

    /// Adds the counts to those before, so that they cannot overflow.
    fn put_by(&mut self) {
        // What is packed is far from full: there it is counted by the remainder.
        self.rounds %= PACKED_ROUNDS;
        self.fired_before.resize(self.fired.values.len(), [0.0; LANES]);
        for (before, counts) in self.fired_before.iter_mut().zip(&mut self.fired.values) {
            for (before, count) in before.iter_mut().zip(counts) {
                *before += f64::from(std::mem::take(count));
            }
        }
    }

    /// How often a trajectory took a channel.
    fn fired(&self, channel: u16, lane: usize) -> f64 {
        let Some(place) = self.fired.place(channel) else { return f64::NAN };
        f64::from(self.fired.values[place][lane]) + self.fired_before.get(place).map_or(0.0, |before| before[lane])
    }

    /// Adds the time in each state.
    fn stay(&mut self, elapsed: &Lanes<R>) {
        if self.dwell.is_empty() {
            return;
        }
        let members = self.dwell.slots.len();
        // Where all states have sums they are in the order of these.
        if members <= FEW_STATES && self.dwell.values.len() == members + 1 {
            self.kernels.add_dwells(&self.state, elapsed, &mut self.dwell.values[..members]);
        } else {
            self.kernels.add_dwell(&self.dwell.slots, &self.state, elapsed, &mut self.dwell.values);
        }
    }

    /// A sum over the edges walked.
    fn table_sum(&self, table: u16, lane: usize) -> f64 {
        if let Some((_, _, sum)) = self.tables.iter().find(|kept| kept.0 == table) {
            return sum.0[lane];
        }
        let Some(weights) = self.weights.get(table as usize) else { return f64::NAN };
        weights.iter().map(|&(channel, weight)| weight * self.fired(channel, lane)).sum()
    }

    /// Time in the states before the events of this round, and the jumps that these are.
    fn tally(&mut self, race: &Race<R>, before: &[u32; LANES]) {
        let Some(tallies) = &mut self.tallies else { return };
        let scale = DWELL_UNITS / self.network.clock.length;
        for (lane, &before) in before.iter().enumerate() {
            if race.event.0[lane] == R::ZERO {
                continue;
            }
            let units = (race.offset.0[lane].to_f64() * scale) as u64;
            let now = race.segment.0[lane].to_f64() as u64 * DWELL_UNITS as u64 + units.min(DWELL_UNITS as u64);
            let base = tallies.base[lane];
            tallies.sums[base + self.network.channel[self.edge[lane] as usize] as usize] += 1;
            tallies.sums[base + self.network.channels + before as usize] += now.saturating_sub(tallies.since[lane]);
            tallies.since[lane] = now.max(tallies.since[lane]);
        }
    }
}

impl<R: Real> Process<R> for Walking<'_, R> {
    fn place(&mut self, lane: usize, state: &[f64], race: &mut Race<R>) {
        // A state that is none has no rate: the trajectory is given up.
        self.pause.0[lane] = self.graph.pause(state[0]);
        let lost = self.pause.0[lane].is_nan();
        race.total.0[lane] = if lost { R::NAN } else { R::ONE };
        self.state[lane] = if lost { 0 } else { state[0] as u32 };
        if let Some(tallies) = &mut self.tallies {
            tallies.base[lane] = tallies.sums.len() - tallies.length;
            tallies.since[lane] = 0;
        }
    }

    fn start(&mut self, lane: usize, trajectory: u64, _race: &Race<R>) {
        self.start[lane] = f64::from(self.state[lane]);
        self.fired.clear(lane);
        self.packed[lane] = 0;
        self.fired_before.iter_mut().for_each(|count| count[lane] = 0.0);
        self.dwell.clear(lane);
        let tables = self.tables.iter_mut().map(|(_, _, sum)| sum);
        for sum in tables.chain(&mut self.activity).chain(&mut self.integral) {
            sum.0[lane] = 0.0;
        }
        if let Some(tallies) = &mut self.tallies {
            tallies.base[lane] = (trajectory / tallies.block - tallies.first_block) as usize * tallies.length;
            tallies.since[lane] = 0;
        }
    }

    fn draw(&self, wait: &[u32; LANES], _choice: &[u32; LANES], race: &mut Race<R>) {
        self.kernels.draw_times(wait, &self.pause, &mut race.hazard);
    }

    fn rates(&mut self, _race: &mut Race<R>) {}

    fn happen(&mut self, race: &mut Race<R>, choice: &[u32; LANES]) {
        self.stay(&race.elapsed);
        if let Some(sum) = &mut self.integral {
            self.kernels.integrate(&Lanes(self.state.map(R::from_u32)), &race.elapsed, sum);
        }
        let before = self.tallies.is_some().then_some(self.state);
        self.kernels.walk(self.graph, choice, &race.event, &mut self.state, &mut self.edge, &mut self.pause);
        self.count_edges();
        for (_, table, sum) in &mut self.tables {
            self.kernels.add_table(table, &self.edge, sum);
        }
        if let Some(sum) = &mut self.activity {
            self.kernels.add_where(&race.event, &race.event, sum);
        }
        if let Some(before) = before {
            self.tally(race, &before);
        }
    }

    fn enter(&mut self, _lane: usize, _segment: R) {}

    fn next_special(&self, _segment: u64) -> Option<u64> {
        None
    }

    fn intervene(&mut self, _lane: usize, _segment: u64) {}

    fn show(&mut self, lane: usize) {
        let packed = std::mem::take(&mut self.packed[lane]);
        if packed == 0 {
            return;
        }
        self.fired.each(|edge, count| count[lane] += unpacked(edge, packed));
    }

    fn value(&self, column: Column, lane: usize, rest: R) -> f64 {
        let sum = |sum: &Option<Lanes<f64>>| sum.as_ref().map_or(f64::NAN, |sum| sum.0[lane]);
        match column {
            Column::Initial(_) => self.start[lane],
            Column::Position(_) => f64::from(self.state[lane]),
            Column::Jump(JumpColumn::Fired(channel)) => self.fired(channel, lane),
            Column::Jump(JumpColumn::Activity) => sum(&self.activity),
            Column::Jump(JumpColumn::Integral(_)) => sum(&self.integral) + (R::from_u32(self.state[lane]) * rest).to_f64(),
            Column::Jump(JumpColumn::Dwell(state)) => self.dwell.value(state, lane) + if self.state[lane] == u32::from(state) { rest.to_f64() } else { 0.0 },
            Column::Jump(JumpColumn::TableSum(table)) => self.table_sum(table, lane),
            _ => f64::NAN,
        }
    }

    fn derive(&mut self, _save: usize, _counts: &[Lanes<R>]) -> Vec<Lanes<f64>> {
        Vec::new()
    }

    fn finish(&mut self, lane: usize) {
        if let Some(tallies) = &mut self.tallies {
            let end = self.network.clock.segments * DWELL_UNITS as u64;
            tallies.sums[tallies.base[lane] + self.network.channels + self.state[lane] as usize] += end.saturating_sub(tallies.since[lane]);
        }
    }

    fn close(&mut self, record: &mut Record) {
        if let Some(tallies) = &self.tallies {
            record.tallies.iter_mut().zip(&tallies.sums).for_each(|(all, part)| *all += part);
        }
    }
}
