//! Underdamped dynamics against exact values, theorems at long steps, and planted defects.

mod common;

use common::{Sabotaged, assert_exact, assert_holds, assert_violated, batches, cpu, estimate, model, prepare, run, text};
use ness::backend::Batch;
use ness::backend::cpu::{Cpu, Precision, Tuning};
use ness::experiment::Source;
use ness::expression::Operand;
use ness::plan::{Column, Inertia, InitialState, Plan};
use ness::random::Stream;
use ness::simulation::Simulation;

const SPLITTINGS: [&str; 3] = ["baoab", "obabo", "gjf"];

fn exact(simulation: &Simulation, name: &str) -> f64 {
    simulation.exact_values().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("no exact `{name}`")).1
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} against {expected}");
}

#[test]
fn the_dragged_bead_has_the_numbers_of_the_literature() {
    for (duration, work) in [("1", 0.466_492_8), ("5", 5.087_942_4)] {
        let simulation = model("dragged-bead-underdamped", &[("protocol.duration", duration), ("measure.theorems", "[]")]);
        close(exact(&simulation, "work"), work, 2e-6);
        close(exact(&simulation, "work.variance"), 2.0 * work, 4e-6);
    }
    let other = [("gamma", "0.8"), ("k", "1.5"), ("v", "0.9"), ("ensemble.trajectories", "100000"), ("ensemble.dt", "0.05")];
    let simulation = model("dragged-bead-underdamped", &other);
    for (name, value) in [
        ("work", 0.545_228_655_085_917),
        ("work.variance", 1.090_457_310_171_83),
        ("heat", 0.040_659_748_139_25),
        ("heat.variance", 1.002_660_723_491_1),
        ("entropy_total.variance", 0.081_319_496_278_500_1),
        ("end_position.x", 0.173_726_757_030_798),
        ("end_velocity.x", 0.466_828_211_137_492),
    ] {
        close(exact(&simulation, name), value, 2e-6);
    }
    let outcome = run(&simulation, &cpu());
    for (name, visible) in
        [("work", 0.03), ("work.variance", 0.04), ("heat", 0.03), ("heat.variance", 0.06), ("entropy_total", 0.01), ("kinetic_temperature.x", 0.04)]
    {
        assert_exact(&outcome, name, visible);
    }
    for name in ["jarzynski", "crooks", "integral_total", "first_law"] {
        assert_holds(&outcome, name);
    }
}

const BREATHING: &str = r#"
[model]
kind = "underdamped"
coordinates = ["x"]
potential = "k/2 * x^2"
mass = 1
friction = 0.6
temperature = 1
[protocol]
duration = 1.2
k = { table = [[0, 1], [1.2, 3]] }
[initial]
distribution = "equilibrium"
[ensemble]
trajectories = 100_000
dt = 0.04
[measure]
every = 0.6
theorems = ["jarzynski", "crooks", "integral_total", "first_law"]
"#;

#[test]
fn the_breathing_trap_has_its_exact_work() {
    for integrator in ["auto", "baoab", "obabo", "gjf"] {
        let simulation = text(BREATHING, &[("ensemble.integrator", integrator)]);
        for (name, value) in [
            ("work", 0.848_705_820_219_111),
            ("work.variance", 1.140_554_544_886_71),
            ("delta_F", 0.549_306_144_334_055),
            ("heat", 0.172_978_904_806_504),
            ("entropy_total", 0.084_814_099_815_846_7),
            ("end_position.x.variance", 0.526_849_954_506_393),
        ] {
            close(exact(&simulation, name), value, 3e-6);
        }
        let outcome = run(&simulation, &cpu());
        for (name, visible) in [("work", 0.03), ("heat", 0.03), ("entropy_total", 0.02), ("end_position.x.variance", 0.03)] {
            assert_exact(&outcome, name, visible);
        }
        for name in ["jarzynski", "crooks", "integral_total", "first_law"] {
            assert_holds(&outcome, name);
        }
    }
}

/// A chain between fixed ends, as in PHYSICS §5.
fn chain(beads: usize) -> String {
    let names: Vec<String> = (1..=beads).map(|i| format!("x{i}")).collect();
    let mut bonds = vec!["x1^2".to_owned()];
    bonds.extend(names.windows(2).map(|pair| format!("({} - {})^2", pair[0], pair[1])));
    bonds.push(format!("x{beads}^2"));
    let at_ends = |end: f64, other: f64, inside: f64| {
        let value = |i: usize| {
            if i == 0 {
                end
            } else if i + 1 == beads {
                other
            } else {
                inside
            }
        };
        format!("[{}]", (0..beads).map(|i| value(i).to_string()).collect::<Vec<_>>().join(", "))
    };
    format!(
        r#"
[model]
kind = "underdamped"
coordinates = [{}]
potential = "({}) / 2"
mass = 1
friction = {}
temperature = {}
[protocol]
duration = 5.0
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 20_000
dt = 0.05
[measure]
every = 2.5
theorems = ["detailed_total", "integral_total", "steady_balance"]
"#,
        names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", "),
        bonds.join(" + "),
        at_ends(1.0, 1.0, 0.0),
        at_ends(2.0, 1.0, 1.0),
    )
}

#[test]
fn heat_through_a_chain_does_not_fall_with_its_length() {
    for (beads, flux) in [(2, 1.0 / 6.0), (4, 0.190_476_2), (8, 0.190_982_8)] {
        let simulation = text(&chain(beads), &[]);
        let (hot, cold) = ("heat_rate.x1".to_owned(), format!("heat_rate.x{beads}"));
        close(exact(&simulation, &hot), -flux, 1e-7);
        close(exact(&simulation, &cold), flux, 1e-7);
        let outcome = run(&simulation, &cpu());
        for name in [&hot, &cold] {
            assert_exact(&outcome, name, 0.06);
        }
        for name in ["detailed_total", "integral_total", "steady_balance"] {
            assert_holds(&outcome, name);
        }
    }
}

#[test]
fn two_free_masses_settle_to_the_flux_of_the_link() {
    let long = model("two-masses", &[("protocol.duration", "60"), ("measure.every", "60"), ("measure.theorems", "[]")]);
    let longer = model("two-masses", &[("protocol.duration", "80"), ("measure.every", "80"), ("measure.theorems", "[]")]);
    close((exact(&longer, "heat.dark") - exact(&long, "heat.dark")) / 20.0, 0.25, 1e-9);
    close(exact(&longer, "kinetic_temperature.sunlit"), 1.75, 1e-9);
    let outcome = run(&model("two-masses", &[("ensemble.trajectories", "100000")]), &cpu());
    for name in ["heat.sunlit", "heat.dark"] {
        assert_exact(&outcome, name, 0.06);
    }
    assert_holds(&outcome, "first_law");
}

#[test]
fn splittings_in_a_trap_have_their_known_bias() {
    // k = T = m = 1, h = 1/2: BAOAB and GJF keep ⟨x²⟩ = 1 and have ⟨v²⟩ = 1 − h²/4; OBABO keeps ⟨v²⟩ = 1 and has ⟨x²⟩ = 1/(1 − h²/4).
    let h: f64 = 0.5;
    let changed = [1.0 - h * h / 4.0, 1.0 / (1.0 - h * h / 4.0)];
    for (integrator, (x, v)) in SPLITTINGS.iter().zip([(1.0, changed[0]), (changed[1], 1.0), (1.0, changed[0])]) {
        let sets = [
            ("ensemble.integrator", *integrator),
            ("ensemble.dt", "0.5"),
            ("protocol.duration", "30"),
            ("protocol.lambda", "0"),
            ("measure.every", "30"),
            ("ensemble.trajectories", "100000"),
            ("measure.theorems", "[]"),
        ];
        let outcome = run(&model("dragged-bead-underdamped", &sets), &cpu());
        for (name, expected) in [("end_position.x.variance", x), ("end_velocity.x.variance", v)] {
            let found = estimate(&outcome, name);
            assert!(found.standard_error <= 0.06 / 6.0, "{found:?}");
            let z = (found.value - expected) / found.standard_error;
            assert!(z.abs() <= 5.0, "{integrator} {name}: {found:?} against {expected}, z = {z}");
        }
    }
}

/// A particle pushed over flat ground, from rest.
const FLAT: &str = r#"
[model]
kind = "underdamped"
coordinates = ["x"]
force = "0.5"
mass = 0.8
friction = 1.6
temperature = 0.7
[protocol]
duration = 20
[initial]
distribution = "point"
at = { x = 0 }
[ensemble]
trajectories = 100_000
dt = 1
[measure]
every = 20
theorems = ["first_law"]
"#;

#[test]
fn on_flat_ground_the_gjf_step_drifts_and_diffuses_as_it_must_at_any_step() {
    // With c = γ dt/2m = 1 a velocity is forgotten in one step of GJF: (1 − c)/(1 + c) = 0. From rest the bead then goes, in n steps, to
    // (n − ½) dt f/γ with the variance (2n − 3/2) T dt/γ: f/γ and 2T/γ a unit of time. BAOAB is c·coth(c) = 1.313 times too fast.
    let gjf = run(&text(FLAT, &[("ensemble.integrator", "gjf")]), &cpu());
    let baoab = run(&text(FLAT, &[("ensemble.integrator", "baoab")]), &cpu());
    for (name, expected) in [("end_position.x", 19.5 * 0.5 / 1.6), ("end_position.x.variance", 38.5 * 0.7 / 1.6)] {
        let found = estimate(&gjf, name);
        let z = (found.value - expected) / found.standard_error;
        assert!(z.abs() <= 4.0, "{name}: {found:?} against {expected}, z = {z}");
        let other = estimate(&baoab, name);
        assert!((other.value - expected) / other.standard_error > 20.0, "{name}: {other:?} must be seen to be too large");
    }
    assert_holds(&gjf, "first_law");
}

const RING: &str = r#"
[model]
kind = "underdamped"
coordinates = ["x"]
x = { periodic = [0, "2*pi"] }
potential = "V0*cos(x - lambda)"
force = "f"
mass = 0.7
friction = 0.9
temperature = 0.8
[parameters]
V0 = 1.0
f = 0.6
[protocol]
duration = 0.8
lambda = "t"
[initial]
distribution = "uniform"
[ensemble]
trajectories = 200_000
dt = 0.2
[measure]
every = 0.4
theorems = ["first_law"]
trajectories = true
"#;

/// `⟨exp(−Δs_path) p₁(x_τ, −v_τ)/p₀⟩` for a normalised p₁ that nobody was in: x as `(1 + ½ sin x)/2π`, v as a Gaussian of mean 0.3 and variance 0.9.
fn weight(simulation: &Simulation, backend: &dyn ness::backend::Backend) -> (f64, f64) {
    let outcome = run(simulation, backend);
    let column = |name: &str| &outcome.kept.iter().find(|(kept, _)| kept == name).unwrap_or_else(|| panic!("`{name}` was not kept")).1;
    let (v0, x1, v1, s) = (column("initial.v_x"), column("position.x"), column("position.v_x"), column("entropy_medium_path"));
    let normal = |v: f64, mean: f64, variance: f64| (-(v - mean) * (v - mean) / (2.0 * variance)).exp() / (std::f64::consts::TAU * variance).sqrt();
    let thermal = 0.8 / 0.7;
    let weights: Vec<f64> = (0..s.len()).map(|t| (-s[t]).exp() * (1.0 + 0.5 * x1[t].sin()) * normal(-v1[t], 0.3, 0.9) / normal(v0[t], 0.0, thermal)).collect();
    let n = weights.len() as f64;
    let mean = weights.iter().sum::<f64>() / n;
    (mean, (weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / n / n).sqrt())
}

#[test]
fn the_path_ledger_is_exact_at_a_step_of_one_fifth() {
    for integrator in SPLITTINGS {
        let simulation = text(RING, &[("ensemble.integrator", integrator)]);
        let (mean, error) = weight(&simulation, &cpu());
        assert!(error <= 0.03 / 6.0 && (mean - 1.0).abs() <= 4.0 * error, "{integrator}: {mean} ± {error}");
        // A ledger a fifth too large is seen.
        let weaker = |plan: &mut Plan| scale(plan, &inertia(plan).ledger.clone(), 1.2);
        let (mean, error) = weight(&simulation, &Sabotaged { inner: cpu(), plan: weaker, batch: |_: &Plan, _: &mut Batch| {} });
        assert!((mean - 1.0).abs() > 5.0 * error, "{integrator}: {mean} ± {error}");
    }
}

#[test]
fn work_theorems_hold_at_a_step_of_one_fifth_between_walls_and_on_a_ring() {
    let ring = RING.replace("force = \"f\"\n", "").replace("f = 0.6\n", "").replace("uniform", "equilibrium");
    let walls = ring.replace("periodic = [0, \"2*pi\"]", "walls = [0, 2]");
    for body in [ring, walls] {
        for integrator in SPLITTINGS {
            let sets = [("ensemble.integrator", integrator), ("measure.theorems", "['jarzynski', 'crooks', 'first_law']"), ("measure.trajectories", "false")];
            let outcome = run(&text(&body, &sets), &cpu());
            for name in ["jarzynski", "crooks", "first_law"] {
                assert_holds(&outcome, name);
            }
        }
    }
}

#[test]
fn the_driven_ring_has_its_exact_means() {
    let simulation = model("underdamped-ring", &[("ensemble.trajectories", "40000"), ("protocol.duration", "10"), ("measure.theorems", "['first_law']")]);
    close(exact(&simulation, "velocity.x"), 0.280_067_5, 1e-7);
    close(exact(&simulation, "kinetic_temperature.x"), 1.140_033_7, 1e-7);
    close(exact(&simulation, "entropy_production_rate"), 0.5 * 0.280_067_5, 1e-7);
    let outcome = run(&simulation, &cpu());
    for (name, visible) in
        [("velocity.x", 0.03), ("kinetic_temperature.x", 0.06), ("entropy_production_rate", 0.02), ("cosine.x", 0.03), ("end_velocity.x.variance", 0.06)]
    {
        assert_exact(&outcome, name, visible);
    }
    assert_holds(&outcome, "first_law");
}

/// The start is drawn from the law of place and velocity, and the end is held against it: in a steady state that brings no entropy on average.
#[test]
fn the_driven_ring_has_the_law_of_place_and_velocity() {
    let sets = [("ensemble.trajectories", "100000"), ("protocol.duration", "2"), ("f", "0.9"), ("gamma", "0.8"), ("m", "1.4")];
    let outcome = run(&model("underdamped-ring", &sets), &cpu());
    assert_exact(&outcome, "entropy_system", 0.025);
    assert_exact(&outcome, "entropy_total", 0.04);
    // Currents of place alone do not tell what is produced.
    assert!(outcome.estimates.iter().all(|estimate| estimate.name != "entropy_production_rate.field"));
    for name in ["first_law", "integral_total", "detailed_total"] {
        assert_holds(&outcome, name);
    }
}

#[test]
fn equilibrium_stays_equilibrium() {
    let still = RING.replace("force = \"f\"\n", "").replace("f = 0.6\n", "").replace("uniform", "equilibrium").replace("\"t\"", "0");
    let sets = [("ensemble.dt", "0.02"), ("ensemble.trajectories", "50000"), ("measure.theorems", "['detailed_balance', 'steady_balance', 'first_law']")];
    let outcome = run(&text(&still, &sets), &cpu());
    for (name, visible) in [("kinetic_temperature.x", 0.05), ("end_velocity.x.variance", 0.08), ("cosine.x", 0.02), ("heat", 0.04)] {
        assert_exact(&outcome, name, visible);
    }
    for name in ["detailed_balance", "steady_balance", "first_law"] {
        assert_holds(&outcome, name);
    }
}

fn inertia(plan: &Plan) -> &Inertia {
    plan.dynamics.overdamped().and_then(|dynamics| dynamics.inertia.as_ref()).expect("underdamped")
}

fn scale(plan: &mut Plan, operands: &[Operand], factor: f64) {
    for operand in operands {
        if let Operand::Constant(slot) = operand {
            plan.uniforms.constants[usize::from(*slot)] *= factor;
        }
    }
}

#[test]
fn planted_defects_are_caught() {
    let body = chain(2);
    let sets = [("ensemble.trajectories", "200000")];
    let honest = |_: &Plan, _: &mut Batch| {};
    // Baths three percent too hot.
    let hot = |plan: &mut Plan| scale(plan, &inertia(plan).noise.clone(), 1.03f64.sqrt());
    let outcome = run(&text(&body, &sets), &Sabotaged { inner: cpu(), plan: hot, batch: honest });
    assert!(outcome.violated().contains(&"kinetic_energy"), "{:?}", outcome.violated());
    // A reversed run that starts with the velocities of the end instead of their mirror image. Work of a bead that is dragged would not tell: by
    // reciprocity its entropy does not depend on them.
    let moving = text(BREATHING, &[("ensemble.trajectories", "400000"), ("measure.theorems", "['detailed_total']")]);
    assert_holds(&run(&moving, &cpu()), "detailed_total");
    let unturned = |plan: &mut Plan| {
        if let (Stream::Reverse, InitialState::Gaussian { factor, .. }) = (plan.stream, &mut plan.initial) {
            factor[2] = -factor[2];
        }
    };
    assert_violated(&run(&moving, &Sabotaged { inner: cpu(), plan: unturned, batch: honest }), "detailed_total");
    // Heat of the wrong sign.
    let bead =
        model("dragged-bead-underdamped", &[("ensemble.trajectories", "20000"), ("ensemble.integrator", "baoab"), ("measure.theorems", "['first_law']")]);
    assert_holds(&run(&bead, &cpu()), "first_law");
    let turn = |plan: &Plan, batch: &mut Batch| {
        let index = plan.columns.iter().position(|c| *c == Column::Heat(0)).expect("a heat");
        batch.columns[index].iter_mut().for_each(|q| *q = -*q);
    };
    assert_violated(&run(&bead, &Sabotaged { inner: cpu(), plan: |_: &mut Plan| {}, batch: turn }), "first_law");
}

/// Small plans of every kind.
fn plans() -> Vec<Plan> {
    let small = [("ensemble.trajectories", "333"), ("measure.theorems", "[]")];
    let ring = |integrator: &str| text(RING, &[("ensemble.integrator", integrator), small[0], ("measure.trajectories", "false")]).plan().clone();
    let walls = RING.replace("periodic = [0, \"2*pi\"]", "walls = [0, 2]");
    vec![
        ring("baoab"),
        ring("obabo"),
        ring("gjf"),
        text(&walls, &[small[0], ("ensemble.dt", "0.1")]).plan().clone(),
        text(BREATHING, &small).plan().clone(),
        text(&chain(4), &small).plan().clone(),
    ]
}

fn columns(plan: &Plan, precision: Precision, tuning: Tuning) -> Vec<Vec<f64>> {
    let parts = batches(plan, &Cpu::new(precision, tuning).expect("threads start"));
    (0..plan.columns.len()).map(|c| parts.iter().flat_map(|batch| batch.columns[c].iter().copied()).collect()).collect()
}

#[test]
fn threads_and_groups_change_no_bit_and_precision_only_digits() {
    for plan in plans() {
        let whole = columns(&plan, Precision::F64, Tuning::default());
        let cut = columns(&plan, Precision::F64, Tuning { threads: Some(1), group: 1, groups_per_thread: 1, instruction_set: None });
        assert_eq!(whole, cut);
        let single = columns(&plan, Precision::F32, Tuning::default());
        for (c, (exact, rounded)) in whole.iter().zip(&single).enumerate() {
            let worst = exact.iter().zip(rounded).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let folded = matches!(plan.columns[c], Column::Position(_) | Column::Winding(_)) && worst > 0.9;
            assert!(worst <= 1e-3 || folded, "{:?}: {worst}", plan.columns[c]);
        }
    }
}

#[test]
fn velocities_may_be_given_at_the_start() {
    let body = RING.replace("\"uniform\"", "\"point\"\nat = { x = 1, v_x = 2 }").replace("trajectories = true\n", "");
    assert!(matches!(&text(&body, &[]).plan().initial, InitialState::Point(at) if *at == [1.0, 2.0]));
    let body = RING.replace("\"uniform\"", "\"point\"\nat = 1").replace("trajectories = true\n", "");
    assert!(matches!(&text(&body, &[]).plan().initial, InitialState::Point(at) if *at == [1.0, 0.0]));
    let gaussian = chain(2).replace("\"steady-state\"", "\"gaussian\"\nmean = { x1 = 0, x2 = 1, v_x2 = 3 }\ndeviation = 1");
    let simulation = text(&gaussian, &[("measure.theorems", "[]")]);
    let InitialState::Gaussian { mean, factor } = &simulation.plan().initial else { panic!("a Gaussian") };
    assert_eq!(mean, &[0.0, 1.0, 0.0, 3.0]);
    close(factor[10], 2f64.sqrt(), 1e-15);
    close(factor[15], 1.0, 1e-15);
}

#[test]
fn what_does_not_apply_is_refused_with_the_reason() {
    let refused = |body: &str, pairs: &[(&str, &str)], reason: &str| {
        let error = prepare(&Source::Text { name: "test".to_owned(), text: body.to_owned() }, pairs).err().map(|error| error.to_string());
        let error = error.unwrap_or_else(|| panic!("not refused: {reason}"));
        assert!(error.contains(reason), "{error}");
    };
    let steady = chain(2);
    for theorem in ["tur", "integral_housekeeping", "integral_nonadiabatic", "hatano_sasa", "gallavotti_cohen"] {
        refused(&steady, &[("measure.theorems", &format!("['{theorem}']"))], "velocities are odd under time reversal");
    }
    refused(&steady, &[("ensemble.integrator", "heun")], "integrator `heun` is for models of kind `overdamped`");
    refused(&steady, &[("ensemble.integrator", "exact-linear")], "every coordinate in a bath of one temperature");
    refused(&steady.replace("mass = 1\n", ""), &[], "mass");
    refused(&steady.replace("mass = 1\n", "mass = 0\n"), &[], "`mass` must be above 0");
    refused(&steady.replace("friction = [1, 1]", "friction = [1, -1]"), &[], "`friction` must not be below 0");
    let bead = include_str!("../models/dragged-bead.toml");
    refused(bead, &[("ensemble.integrator", "baoab")], "integrator `baoab` is for models of kind `underdamped`");
    refused(&bead.replace("friction = \"gamma\"", "friction = \"gamma\"\nmass = 1"), &[], "mass");
    refused(&RING.replace("\"uniform\"", "\"point\"\nat = { v_x = 2 }"), &[], "`at` is missing for `x`");
}
