//! The systems, and the numbers they must hit.
//!
//! References come from closed forms and from calculations by methods that share nothing with this program (k_B = γ = m = 1 unless said);
//! they are given to seven digits.

use super::controls::{Control, Spoil};
use crate::backend::Batch;
use crate::plan::{Column, Plan};
use crate::random::Stream;

/// A system of the acceptance table.
pub struct System {
    /// What it is called in the table.
    pub name: &'static str,
    /// The model it is made of.
    pub model: &'static str,
    /// What is changed of the model.
    pub changes: &'static [(&'static str, &'static str)],
    /// Trajectories of the full table.
    pub trajectories: u64,
    /// Trajectories of the quick one.
    pub quick: u64,
    /// Estimates, and what they must be.
    pub reference: &'static [(&'static str, f64)],
    /// Defects that must be caught.
    pub controls: &'static [Control],
}

/// Every system.
pub static SYSTEMS: &[System] = &[
    System {
        name: "dragged bead, t = 1",
        model: "dragged-bead",
        changes: &[("protocol.duration", "1"), ("ensemble.dt", "0.02")],
        trajectories: 20_000_000,
        quick: 400_000,
        reference: &[("work", 0.367_879_4), ("work.variance", 0.735_758_9), ("delta_F", 0.0)],
        controls: &[
            Control { name: "bath 3 % too hot", spoil: Spoil::Changes(&[("T", "1.03")]), caught_by: "work.variance" },
            Control { name: "work of the wrong sign", spoil: Spoil::Batch(flip_work), caught_by: "first_law" },
            Control { name: "heat by Itô instead of Stratonovich", spoil: Spoil::Batch(ito_heat), caught_by: "first_law" },
            Control { name: "path ledger of the wrong sign", spoil: Spoil::Batch(flip_ledger), caught_by: "integral_total" },
        ],
    },
    System {
        name: "dragged bead, t = 5",
        model: "dragged-bead",
        changes: &[("protocol.duration", "5"), ("ensemble.dt", "0.05")],
        trajectories: 10_000_000,
        quick: 200_000,
        reference: &[("work", 4.006_737_9), ("work.variance", 8.013_475_9)],
        controls: &[Control { name: "friction 3 % too high", spoil: Spoil::Changes(&[("gamma", "1.03")]), caught_by: "work" }],
    },
    System {
        name: "dragged bead, steady",
        model: "dragged-bead-steady",
        changes: &[("protocol.duration", "1"), ("ensemble.dt", "0.02")],
        trajectories: 20_000_000,
        quick: 400_000,
        reference: &[("work", 1.0), ("heat.variance", 2.864_664_7), ("entropy_total.variance", 2.0), ("entropy_production_rate", 1.0)],
        controls: &[],
    },
    System {
        name: "breathing trap, k 1 to 2",
        model: "breathing-trap",
        changes: &[("ensemble.dt", "0.02"), ("measure.every", "0.1")],
        trajectories: 20_000_000,
        quick: 400_000,
        reference: &[("work", 0.412_465_8), ("work.variance", 0.178_628_8), ("delta_F", 0.346_573_6)],
        controls: &[Control { name: "reversed protocol not reversed", spoil: Spoil::Plan(not_reversed), caught_by: "crooks" }],
    },
    System {
        name: "breathing trap, k 2 to 1",
        model: "breathing-trap",
        changes: &[("k0", "2"), ("k1", "1"), ("ensemble.dt", "0.02"), ("measure.every", "0.1")],
        trajectories: 20_000_000,
        quick: 400_000,
        reference: &[("work", -0.297_269_9), ("work.variance", 0.074_901_1), ("delta_F", -0.346_573_6)],
        controls: &[],
    },
    System {
        name: "driven ring",
        model: "driven-ring",
        changes: &[("f", "2"), ("protocol.duration", "0.5"), ("ensemble.dt", "0.0025"), ("measure.every", "0.1")],
        trajectories: 20_000_000,
        quick: 200_000,
        reference: &[("velocity.x", 1.253_046_4), ("entropy_production_rate", 2.506_092_7)],
        controls: &[
            Control { name: "friction 3 % too high", spoil: Spoil::Changes(&[("gamma", "1.03")]), caught_by: "velocity.x" },
            Control { name: "medium entropy alone", spoil: Spoil::Average("entropy_medium"), caught_by: "integral theorem" },
        ],
    },
    System {
        name: "resting ring",
        model: "resting-ring",
        changes: &[("protocol.duration", "1"), ("ensemble.dt", "0.005"), ("measure.every", "0.25")],
        trajectories: 10_000_000,
        quick: 200_000,
        reference: &[("velocity.x", 0.0), ("heat", 0.0)],
        controls: &[Control { name: "one trajectory in fifty goes round once more", spoil: Spoil::Batch(extra_turns), caught_by: "detailed_balance" }],
    },
    System {
        name: "triangle, closed",
        model: "triangle-closed",
        changes: &[("protocol.duration", "1"), ("measure.every", "0.5")],
        trajectories: 10_000_000,
        quick: 400_000,
        reference: &[("flux.A-B", 0.0), ("flux.B-C", 0.0)],
        controls: &[],
    },
    System {
        name: "triangle, open",
        model: "triangle-open",
        changes: &[],
        trajectories: 10_000_000,
        quick: 400_000,
        reference: &[
            ("occupancy.A", 0.312_5),
            ("occupancy.B", 0.215_277_8),
            ("occupancy.C", 0.472_222_2),
            ("flux.A-B", 0.409_722_2),
            ("affinity.B-C", 4.094_344_6),
            ("entropy_production_rate", 1.677_544_0),
        ],
        controls: &[
            Control { name: "a rate 3 % too high", spoil: Spoil::Changes(&[("a", "2.06")]), caught_by: "occupancy.A" },
            Control { name: "events counted one in fifty twice", spoil: Spoil::Batch(extra_events), caught_by: "conservation" },
        ],
    },
    System {
        name: "triangle, uniform rates 3 and 1",
        model: "triangle-open",
        changes: &[("a", "3"), ("b", "1"), ("c", "3"), ("d", "1"), ("g", "3"), ("f", "1")],
        trajectories: 10_000_000,
        quick: 400_000,
        reference: &[("flux.A-B", 0.666_666_7), ("affinity.B-C", 3.295_836_9), ("entropy_production_rate", 2.197_224_6)],
        controls: &[],
    },
    System {
        name: "triangle, rates on a ramp",
        model: "triangle-ramp",
        changes: &[],
        trajectories: 10_000_000,
        quick: 400_000,
        reference: &[
            ("entropy_total", 0.771_739_9),
            ("entropy_housekeeping", 0.580_904_4),
            ("entropy_nonadiabatic", 0.190_835_5),
            ("hatano_sasa", 0.235_456_6),
            ("entropy_system", -0.040_217_2),
        ],
        controls: &[],
    },
    System {
        name: "Schlögl model, V = 25",
        model: "schlogl",
        changes: &[],
        trajectories: 4_000_000,
        quick: 200_000,
        reference: &[("mean.X", 2.631_275_8), ("variance.X", 26.357_855_3), ("entropy_production_rate", 6.166_312_0)],
        controls: &[Control { name: "both reactions lumped into one", spoil: Spoil::Experiment(LUMPED_SCHLOGL), caught_by: "entropy_production_rate" }],
    },
    System {
        name: "metal rod, 4 cells",
        model: "metal-rod",
        changes: &[("protocol.duration", "20"), ("measure.every", "5")],
        trajectories: 10_000_000,
        quick: 100_000,
        reference: &[
            ("energy.1", 1.8),
            ("energy.4", 1.2),
            ("flux", 0.1),
            ("heat_rate.cold", 0.1),
            ("entropy_production_rate", 0.05),
            ("covariance.1.4", 0.006_089_97),
        ],
        controls: &[
            Control { name: "hot bath 3 % too hot", spoil: Spoil::Changes(&[("T_H", "2.06")]), caught_by: "energy.1" },
            Control { name: "energy lost inside the rod", spoil: Spoil::Batch(leak), caught_by: "conservation" },
        ],
    },
    System {
        name: "triangle of chemicals, A held",
        model: "triangle-chemostat",
        changes: &[],
        trajectories: 4_000_000,
        quick: 200_000,
        reference: &[("mean.B", 34.444_444_4), ("variance.C", 75.555_555_6), ("flux.C-A", 65.555_555_6), ("entropy_production_rate", 268.407_03)],
        controls: &[],
    },
    System {
        name: "exclusion process, 10 sites",
        model: "tasep",
        changes: &[],
        trajectories: 1_000_000,
        quick: 20_000,
        reference: &[("flux.in", 0.285_714_3)],
        controls: &[],
    },
];

/// The Schlögl model as a birth-death process with one channel up and one down: same counts, no entropy production.
const LUMPED_SCHLOGL: &str = r#"
[model]
kind = "reactions"
species = { X = 2 }
reactions = [{ name = "lumped", equation = "<-> X", propensity = "3*X*(X - 1)/25 + 0.25*25", reverse_propensity = "0.6*X*(X - 1)*(X - 2)/625 + 2.95*X" }]
[protocol]
duration = 0.1
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 1
[measure]
every = 0.1
"#;

fn each(plan: &Plan, batch: &mut Batch, wanted: impl Fn(&Column) -> bool, change: impl Fn(u64, &mut f64)) {
    let first = batch.first;
    for (_, values) in plan.columns.iter().zip(&mut batch.columns).filter(|(column, _)| wanted(column)) {
        (first..).zip(values).for_each(|(trajectory, value)| change(trajectory, value));
    }
}

fn flip_work(plan: &Plan, batch: &mut Batch) {
    each(plan, batch, |column| *column == Column::Work, |_, work| *work = -*work);
}

fn flip_ledger(plan: &Plan, batch: &mut Batch) {
    each(plan, batch, |column| *column == Column::EntropyPath, |_, entropy| *entropy = -*entropy);
}

/// The sum `F(x) dx` lacks `½ F' (dx)²`, on average `−(k T/γ) t`, here `−t`.
fn ito_heat(plan: &Plan, batch: &mut Batch) {
    let time = plan.schedule.steps as f64 * plan.schedule.dt;
    each(plan, batch, |column| matches!(column, Column::Heat(_)), |_, heat| *heat += time);
}

fn not_reversed(plan: &mut Plan, forward: &Plan) {
    if plan.stream == Stream::Reverse {
        plan.uniforms = forward.uniforms.clone();
    }
}

fn extra_turns(plan: &Plan, batch: &mut Batch) {
    each(plan, batch, |column| matches!(column, Column::Winding(_)), |trajectory, turns| *turns += f64::from(u8::from(trajectory % 50 == 0)));
}

fn leak(plan: &Plan, batch: &mut Batch) {
    use crate::plan::JumpColumn;
    each(plan, batch, |column| *column == Column::Jump(JumpColumn::Crossed(2)), |_, crossed| *crossed *= 1.001);
}

fn extra_events(plan: &Plan, batch: &mut Batch) {
    use crate::plan::JumpColumn;
    each(plan, batch, |column| *column == Column::Jump(JumpColumn::Fired(0)), |trajectory, fired| *fired += f64::from(u8::from(trajectory % 50 == 0)));
}
