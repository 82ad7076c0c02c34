//! Heat between several baths.

use super::super::controls::{Control, Spoil};
use super::System;
use super::spoils::{leak, not_turned};

pub(super) static SYSTEMS: &[System] = &[
    System {
        name: "active bead, its propulsion a velocity",
        model: "active-bead",
        changes: &[("tau", "1.5"), ("D_u", "1")],
        trajectories: 10_000_000,
        quick: 200_000,
        reference: &[("entropy_production_rate", 0.9), ("heat_rate.x", 0.9), ("work", 0.9), ("circulation.x.u", -0.6)],
        controls: &[
            Control { name: "the propulsion taken for a force", spoil: Spoil::Changes(&[("model.parity.u", "even")]), caught_by: "entropy_production_rate" },
            Control { name: "reversed run not turned round at its start", spoil: Spoil::Plan(not_turned), caught_by: "detailed_total" },
        ],
    },
    System {
        name: "gyrator",
        model: "gyrator",
        changes: &[],
        trajectories: 2_000_000,
        quick: 40_000,
        reference: &[
            ("entropy_production_rate", 2.025),
            ("heat_rate.x", 2.25),
            ("circulation.x.y", -2.25),
            ("covariance.x.y", 1.833_333_3),
            ("end_position.x.variance", 1.416_666_7),
            ("end_position.y.variance", 5.916_666_7),
        ],
        controls: &[Control { name: "one bath a tenth too hot", spoil: Spoil::Changes(&[("Ty", "11")]), caught_by: "end_position.y.variance" }],
    },
    System {
        name: "gyrator of another stiffness",
        model: "gyrator",
        changes: &[("k", "1.5"), ("c", "0.5"), ("Tx", "2"), ("Ty", "0.5")],
        trajectories: 2_000_000,
        quick: 40_000,
        reference: &[
            ("entropy_production_rate", 0.187_5),
            ("heat_rate.x", -0.125),
            ("circulation.x.y", 0.25),
            ("covariance.x.y", 0.312_5),
            ("end_position.x.variance", 1.437_5),
            ("end_position.y.variance", 0.437_5),
        ],
        controls: &[],
    },
    // Hermite functions in both directions: the null vector of the Fokker–Planck operator, 66 of them a direction.
    System {
        name: "gyrator whose walls stiffen",
        model: "anharmonic-gyrator",
        changes: &[("measure.every", "0.1")],
        trajectories: 1_000_000,
        quick: 80_000,
        reference: &[
            ("entropy_production_rate", 0.464_990_1),
            ("heat_rate.x", 0.619_986_9),
            ("circulation.x.y", -0.619_986_9),
            ("covariance.x.y", 0.507_774_5),
            ("end_position.x.variance", 0.788_045_2),
            ("end_position.y.variance", 1.589_935_1),
        ],
        controls: &[Control { name: "one bath a tenth too hot", spoil: Spoil::Changes(&[("Ty", "4.4")]), caught_by: "end_position.y.variance" }],
    },
    System {
        name: "five beads between ten temperatures",
        model: "overdamped-chain",
        changes: &[("protocol.duration", "2"), ("measure.every", "1")],
        trajectories: 400_000,
        quick: 8_000,
        reference: &[("entropy_production_rate", 0.629_817_3)],
        controls: &[],
    },
    System {
        name: "harmonic chain of four",
        model: "harmonic-chain",
        changes: &[("measure.every", "5")],
        trajectories: 1_000_000,
        quick: 20_000,
        reference: &[("heat_rate.d", 0.190_476_2), ("heat_rate.a", -0.190_476_2)],
        controls: &[],
    },
    System {
        name: "two masses",
        model: "two-masses",
        changes: &[],
        trajectories: 4_000_000,
        quick: 200_000,
        reference: &[
            ("heat.dark", 0.560_896_6),
            ("heat.sunlit", -0.560_896_6),
            ("kinetic_temperature.sunlit", 1.745_802_1),
            ("kinetic_temperature.dark", 1.254_197_9),
        ],
        controls: &[Control { name: "sunlit side 3 % too hot", spoil: Spoil::Changes(&[("T_hot", "2.06")]), caught_by: "kinetic_temperature.sunlit" }],
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
        name: "metal rod, 8 cells renewed at the ends",
        model: "metal-rod",
        changes: &[("N", "8"), ("model.baths", "resample"), ("protocol.duration", "20"), ("measure.every", "10")],
        trajectories: 4_000_000,
        quick: 40_000,
        reference: &[("energy.1", 1.937_5), ("energy.8", 1.062_5), ("flux", 0.062_5), ("entropy_production_rate", 0.031_25), ("energy.variance", 19.498_033_5)],
        controls: &[],
    },
];
