//! What a step adds to path sums besides forces times displacements, on the device, against the native path.

use ness::experiment::{Experiment, Source};
use ness::plan::Plan;
use ness::simulation::Simulation;

use crate::underdamped::{agrees, plan};

/// Every number of a form moves, and so does an odd field.
const MOVING: &str = r#"
[model]
kind = "overdamped"
coordinates = ["x", "y"]
potential = "k/2*(x - a)^2 + y^2 - c*(x - a)*y"
force = { x = "0.5*y - B*y", y = "B*x" }
friction = { x = 1.0, y = 1.5 }
temperature = { x = 1.0, y = "T" }
parity = { B = "odd" }
[protocol]
duration = 2.0
k = "2 + 2*t"
c = "1 - t/4"
a = "1 + t"
B = "1 + t"
T = "3 + t"
[initial]
distribution = "steady-state"
[ensemble]
trajectories = 200
dt = 0.05
[measure]
every = 0.5
"#;

fn of_text(text: &str) -> Plan {
    let experiment = Experiment::load(&Source::Text { name: "moving".to_owned(), text: text.to_owned() }, &[], &[]).expect("the text is valid");
    Simulation::prepare(experiment).expect("the experiment is ready").plan().clone()
}

#[test]
fn forms_agree_with_the_native_path() {
    agrees(&plan("active-bead", &[("ensemble.dt", "0.05"), ("measure.every", "0.1")]));
    agrees(&plan("gyrator", &[("measure.every", "0.1")]));
    agrees(&plan("overdamped-chain", &[("protocol.duration", "2"), ("measure.every", "1")]));
    agrees(&of_text(MOVING));
}

#[test]
fn euler_steps_with_odd_variables_agree_too() {
    agrees(&plan("active-bead", &[("ensemble.dt", "0.05"), ("measure.every", "0.1"), ("ensemble.integrator", "euler-maruyama")]));
    agrees(&of_text(&MOVING.replace("dt = 0.05", "dt = 0.05\nintegrator = \"euler-maruyama\"")));
}
