//! Jump processes whose rates come from energies: equilibrium, heat and work beside values worked out by hand; work theorems, held and broken.

mod common;

use common::{Sabotaged, assert_holds, assert_violated, cpu, estimate, model, prepare, run, text};
use ness::backend::Batch;
use ness::experiment::Source;
use ness::plan::{Column, JumpColumn, Plan};
use ness::random::Stream;
use ness::simulation::{Outcome, Simulation};

fn known(simulation: &Simulation, name: &str) -> f64 {
    simulation.exact_values().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("`{name}` is not known exactly")).1
}

/// Fails unless every estimate with an exact value is within five standard errors of it, and there are enough of them.
fn all_agree(outcome: &Outcome, least: usize) {
    let compared: Vec<_> = outcome.estimates.iter().filter(|e| e.exact.is_some()).collect();
    for e in &compared {
        assert!(e.z.is_some_and(|z| z.abs() <= 5.0), "{}: {} ± {} against {:?}", e.name, e.value, e.standard_error, e.exact);
    }
    assert!(compared.len() >= least, "{} compared", compared.len());
}

fn sabotaged(simulation: &Simulation, plan: impl Fn(&mut Plan), batch: impl Fn(&Plan, &mut Batch) + Sync) -> Outcome {
    run(simulation, &Sabotaged { inner: cpu(), plan, batch })
}

fn column<'a>(plan: &Plan, batch: &'a mut Batch, wanted: Column) -> &'a mut Vec<f64> {
    let index = plan.columns.iter().position(|c| *c == wanted).expect("the column is there");
    &mut batch.columns[index]
}

fn refused(text: &str, pairs: &[(&str, &str)]) -> String {
    match prepare(&Source::Text { name: "test".to_owned(), text: text.to_owned() }, pairs) {
        Ok(_) => panic!("{pairs:?} was accepted"),
        Err(error) => error.to_string(),
    }
}

fn factorial(n: f64) -> f64 {
    (1..=n as u32).map(f64::from).product()
}

const CLOSED: &str = r#"
[model]
kind = "reactions"
species = { A = 7, B = 5, AB = 0, C = 1 }
temperature = "T"
volume = "V"
energies = { A = 0.2, B = -0.3, AB = -1.1, C = 0.4 }
reactions = [
  { equation = "A + B <-> AB", rate = 0.8 },
  { equation = "2 A <-> A + C", rate = 0.5 },
]
[parameters]
T = 0.7
V = 3
[protocol]
duration = 0.5
[initial]
distribution = "equilibrium"
[ensemble]
trajectories = 50_000
[measure]
trajectories = true
theorems = ["first_law", "detailed_balance", "conservation"]
"#;

#[test]
fn equilibrium_is_a_product_of_poisson_numbers_under_the_conservation_laws() {
    let simulation = text(CLOSED, &[]);
    // Conserved: A + AB + C = 8 and B + AB = 5. One A at least stays with C, for the second reaction needs one.
    let (t, v) = (0.7f64, 3.0f64);
    let (mut sum, mut mean) = (0.0, [0.0; 2]);
    for bound in 0..=5 {
        for c in 0..=(8 - bound) {
            let counts = [f64::from(8 - bound - c), f64::from(5 - bound), f64::from(bound), f64::from(c)];
            if counts[0] == 0.0 && bound == 0 {
                continue;
            }
            let weight: f64 = counts.iter().zip([0.2, -0.3, -1.1, 0.4]).map(|(n, energy)| (v * (-energy / t).exp()).powf(*n) / factorial(*n)).product();
            sum += weight;
            mean[0] += weight * counts[0];
            mean[1] += weight * counts[2];
        }
    }
    assert!((known(&simulation, "mean.A") - mean[0] / sum).abs() <= 1e-10, "{} {}", known(&simulation, "mean.A"), mean[0] / sum);
    assert!((known(&simulation, "mean.AB") - mean[1] / sum).abs() <= 1e-10);
    for name in ["work", "heat", "energy_change", "entropy_medium"] {
        assert!(known(&simulation, name).abs() <= 1e-9, "{name}");
    }
    let outcome = run(&simulation, &cpu());
    all_agree(&outcome, 20);
    for name in ["first_law", "detailed_balance", "conservation"] {
        assert_holds(&outcome, name);
    }
}

#[test]
fn books_close_only_with_the_logarithms_of_the_factorials() {
    let outcome = run(&text(CLOSED, &[("ensemble.trajectories", "500"), ("initial.distribution", "point"), ("measure.theorems", "['first_law']")]), &cpu());
    let kept = |name: &str| &outcome.kept.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name}")).1;
    let (mut with, mut without) = (0.0f64, 0.0f64);
    for trajectory in 0..500 {
        let side = |end: &str| ["A", "B", "AB", "C"].map(|species| kept(&format!("{end}.{species}"))[trajectory]);
        let linear = |n: [f64; 4]| n.iter().zip([0.2, -0.3, -1.1, 0.4]).map(|(n, energy)| n * (energy - 0.7 * 3f64.ln())).sum::<f64>();
        let logs = |n: [f64; 4]| n.iter().map(|n| 0.7 * factorial(*n).ln()).sum::<f64>();
        let (before, after) = (side("initial"), side("position"));
        let residual = linear(after) - linear(before) - kept("work")[trajectory] + kept("heat")[trajectory];
        without = without.max(residual.abs());
        with = with.max((residual + logs(after) - logs(before)).abs());
    }
    assert!(with <= 1e-12 && without > 1.0, "{with} {without}");
}

const OPEN: &str = r#"
[model]
kind = "reactions"
species = { A = 2, B = 0, X = 6 }
chemostatted = ["X"]
temperature = 1.3
volume = 2
energies = { A = 0.5, B = -0.2, X = 0.1 }
reactions = [
  { equation = "X <-> A", rate = 1.0 },
  { equation = "2 A <-> A + B", rate = 0.6 },
]
[protocol]
duration = 0.5
[initial]
distribution = "equilibrium"
[ensemble]
trajectories = 50_000
[measure]
theorems = ["first_law", "integral_total"]
"#;

#[test]
fn a_chemostat_sets_the_means_of_free_poisson_numbers() {
    let simulation = text(OPEN, &[]);
    // One reservoir alone is equilibrium: ⟨n_i⟩ = X exp((ε_X − ε_i)/T), whatever the volume.
    for (name, energy) in [("A", 0.5f64), ("B", -0.2)] {
        let mean = 6.0 * ((0.1 - energy) / 1.3f64).exp();
        assert!((known(&simulation, &format!("mean.{name}")) - mean).abs() <= 1e-6 * mean, "{name}");
        assert!((known(&simulation, &format!("variance.{name}")) - mean).abs() <= 1e-5 * mean, "{name}");
    }
    let outcome = run(&simulation, &cpu());
    all_agree(&outcome, 15);
    assert_holds(&outcome, "first_law");
    assert_holds(&outcome, "integral_total");
    // The outside world does work here, so the start is not Boltzmann's law of the energies alone.
    let reason = refused(OPEN, &[("measure.theorems", "['jarzynski']")]);
    assert!(reason.contains("chemostats do work") && reason.contains("Boltzmann"), "{reason}");
}

#[test]
fn an_enzyme_between_two_baths_keeps_its_books_channel_by_channel() {
    let simulation = model("two-bath-enzyme", &[("ensemble.trajectories", "100000")]);
    // Two states: rates up and down by the hot and by the cold bath, five molecules of S and of P.
    let (gap, rich, hot, cold) = (1.0f64, 0.5f64, 2.0f64, 0.5f64);
    let up = [5.0 * (-gap / (2.0 * hot)).exp(), 5.0 * (-(gap - rich) / (2.0 * cold)).exp()];
    let down = [(gap / (2.0 * hot)).exp(), ((gap - rich) / (2.0 * cold)).exp()];
    let bound = (up[0] + up[1]) / (up[0] + up[1] + down[0] + down[1]);
    let flux = up[0] * (1.0 - bound) - down[0] * bound;
    let heat = [hot * (up[0] / down[0]).ln() * flux, -cold * (up[1] / down[1]).ln() * flux];
    assert!(flux > 0.0, "heat does not turn the enzyme: {flux}");
    for (name, value) in [
        ("mean.ES", bound),
        ("flux.turn", flux),
        ("heat.hot", heat[0]),
        ("heat.cold", heat[1]),
        ("work", heat[0] + heat[1]),
        // Chemical work: S at T_hot ln 5 goes in, P at rich + T_cold ln 5 comes out.
        ("work", flux * (hot * 5f64.ln() - rich - cold * 5f64.ln())),
        ("energy_change", 0.0),
        ("entropy_production_rate", flux * (gap / cold - gap / hot - rich / cold)),
    ] {
        assert!((known(&simulation, name) - value).abs() <= 1e-9, "{name}: {} {value}", known(&simulation, name));
    }
    let outcome = run(&simulation, &cpu());
    all_agree(&outcome, 20);
    for name in ["first_law", "detailed_total", "steady_balance", "tur"] {
        assert_holds(&outcome, name);
    }
    let forget = |plan: &Plan, batch: &mut Batch| column(plan, batch, Column::Jump(JumpColumn::LogRatio(1))).iter_mut().for_each(|s| *s *= 1.03);
    assert_violated(&sabotaged(&simulation, |_| {}, forget), "first_law");
    // Two enzymes would count T ln n! at two temperatures.
    let two = prepare(&Source::Model("two-bath-enzyme".to_owned()), &[("model.species.E", "2")]).err().expect("refused").to_string();
    assert!(two.contains("different temperature") && two.contains("ln n!"), "{two}");
    assert!(prepare(&Source::Model("two-bath-enzyme".to_owned()), &[("model.species.E", "2"), ("T_hot", "0.5")]).is_ok());
}

#[test]
fn a_tightened_bond_obeys_the_work_theorems() {
    let simulation = model("tightened-bond", &[("ensemble.trajectories", "30000")]);
    let sum = |bond: f64| {
        (0..=4).map(f64::from).map(|n| (-bond * n).exp() * 5f64.powf(10.0 - n) / (factorial(6.0 - n) * factorial(4.0 - n) * factorial(n))).sum::<f64>()
    };
    let difference = -(sum(-2.0) / sum(-0.5)).ln();
    assert!((known(&simulation, "delta_F") - difference).abs() <= 1e-11, "{} {difference}", known(&simulation, "delta_F"));
    let outcome = run(&simulation, &cpu());
    all_agree(&outcome, 15);
    for name in ["jarzynski", "crooks", "first_law"] {
        assert_holds(&outcome, name);
    }
    assert!(estimate(&outcome, "delta_F").z.is_some_and(|z| z.abs() <= 5.0));
    let halve = |plan: &Plan, batch: &mut Batch| column(plan, batch, Column::Jump(JumpColumn::EnergyJump)).iter_mut().for_each(|e| *e *= 0.5);
    let outcome = sabotaged(&simulation, |_| {}, halve);
    assert_violated(&outcome, "first_law");
    assert_violated(&outcome, "jarzynski");
}

const STEPS: &str = r#"
[model]
kind = "network"
states = ["A", "B", "C"]
energies = { A = 0, B = "l", C = -0.5 }
temperature = 0.7
edges = [
  { from = "A", to = "B", rate = 1.0, drive = "f" },
  { from = "B", to = "C", rate = "2 + l" },
  { from = "C", to = "A", rate = 0.5 },
]
[protocol]
duration = 1
l = { steps = [[0, 0], [0.25, 1], [0.75, -0.6]] }
f = { steps = [[0, 0], [0, 0.8]] }
[initial]
distribution = "equilibrium"
[ensemble]
trajectories = 100_000
[measure]
theorems = ["jarzynski", "crooks", "first_law"]
"#;

#[test]
fn a_network_that_is_switched_and_driven_obeys_the_work_theorems() {
    let simulation = text(STEPS, &[]);
    let t = 0.7f64;
    let sum = |l: f64| 1.0 + (-l / t).exp() + (0.5 / t).exp();
    assert!((known(&simulation, "delta_F") + t * (sum(-0.6) / sum(0.0)).ln()).abs() <= 1e-12);
    let outcome = run(&simulation, &cpu());
    assert!(estimate(&outcome, "work.variance").exact.is_some());
    all_agree(&outcome, 25);
    for name in ["jarzynski", "crooks", "first_law"] {
        assert_holds(&outcome, name);
    }
}

#[test]
fn a_protocol_of_jumps_that_is_not_reversed_is_caught() {
    let simulation = text(STEPS, &[("measure.theorems", "['crooks']")]);
    assert_holds(&run(&simulation, &cpu()), "crooks");
    let forward = simulation.plan().uniforms.clone();
    let spoil = |plan: &mut Plan| {
        if plan.stream == Stream::Reverse {
            plan.uniforms = forward.clone();
        }
    };
    assert_violated(&sabotaged(&simulation, spoil, |_, _| {}), "crooks");
}

#[test]
fn work_theorems_are_refused_where_they_say_nothing() {
    let steady = refused(STEPS, &[("protocol.f", "0.8"), ("initial.distribution", "steady-state")]);
    assert!(steady.contains("jarzynski") && steady.contains("not the equilibrium of the declared energies"), "{steady}");
    let bare = STEPS.replace("  { from = \"C\", to = \"A\", rate = 0.5 },\n", "").replace("rate = 1.0, drive = \"f\"", "forward = 1, reverse = 1");
    assert!(refused(&bare, &[]).contains("do not fit"), "{}", refused(&bare, &[]));
    let moving = refused(STEPS, &[("protocol.f", "{ steps = [[0, 0], [0.5, 0.8]] }")]);
    assert!(moving.contains("the drive of `A-B` moves"), "{moving}");
    let two = STEPS.replace("temperature = 0.7", "baths = { hot = 0.9, cold = 0.7 }").replace("rate = 1.0,", "rate = 1.0, bath = \"hot\",");
    let two = two.replace("\"2 + l\"", "\"2 + l\", bath = \"cold\"").replace("rate = 0.5", "rate = 0.5, bath = \"cold\"");
    let several = refused(&two, &[("initial.distribution", "steady-state")]);
    assert!(several.contains("one temperature"), "{several}");
    let no_energies = prepare(&Source::Model("association".to_owned()), &[("measure.theorems", "['jarzynski']")]).err().expect("refused").to_string();
    assert!(no_energies.contains("energies"), "{no_energies}");
    let both = refused(STEPS, &[("measure.theorems", "['crooks', 'detailed_total']")]);
    assert!(both.contains("one of them at a time"), "{both}");
}

#[test]
fn two_one_way_reactions_that_undo_each_other_are_named() {
    let warnings = |reactions: &str| {
        let model = format!("[model]\nkind = \"reactions\"\nspecies = {{ A = 3, B = 0 }}\nreactions = [{reactions}]\n");
        text(&format!("{model}[protocol]\nduration = 1\n[ensemble]\ntrajectories = 10\n"), &[]).warnings.join("\n")
    };
    let pair = warnings("{ name = \"go\", equation = \"2 A -> B\", forward = 1 }, { equation = \"B -> A + A\", propensity = \"B\" }");
    for words in ["`go` and `B -> A + A`", "equation = \"2 A <-> B\", forward = …, reverse_propensity = …"] {
        assert!(pair.contains(words), "{pair}");
    }
    assert!(!pair.contains("go one way: the entropy"), "{pair}");
    let other = warnings("{ equation = \"A -> 2 A\", forward = 1 }, { equation = \"A -> 0\", forward = 1 }");
    assert!(other.contains("go one way: the entropy") && !other.contains("undo"), "{other}");
    let edges = "[model]\nkind = \"network\"\nstates = [\"A\", \"B\"]\nedges = [[\"A\", \"B\", 1], [\"B\", \"A\", 2]]\n";
    let network = text(&format!("{edges}[protocol]\nduration = 1\n[initial]\ndistribution = \"uniform\"\n[ensemble]\ntrajectories = 10\n"), &[]);
    assert!(network.warnings.iter().any(|warning| warning.contains("one edge, `{ from = \"A\", to = \"B\"")), "{:?}", network.warnings);
}

#[test]
fn an_sbml_event_at_the_end_of_the_run_is_imported_and_runs() {
    let xml = r#"<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"><model id="m" substanceUnits="item">
<listOfCompartments><compartment id="V" size="1" constant="true"/></listOfCompartments>
<listOfSpecies><species id="X" compartment="V" hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false" initialAmount="10"/></listOfSpecies>
<listOfReactions><reaction id="R" reversible="false" fast="false"><listOfReactants><speciesReference species="X" stoichiometry="1" constant="true"/></listOfReactants>
<kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><ci>X</ci></math></kineticLaw></reaction></listOfReactions>
<listOfEvents><event id="late" useValuesFromTriggerTime="true"><trigger initialValue="true" persistent="true"><math xmlns="http://www.w3.org/1998/Math/MathML">
<apply><geq/><csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/time">t</csymbol><cn>5</cn></apply></math></trigger>
<listOfEventAssignments><eventAssignment variable="X"><math xmlns="http://www.w3.org/1998/Math/MathML"><cn>50</cn></math></eventAssignment></listOfEventAssignments></event></listOfEvents>
</model></sbml>"#;
    for (duration, happens) in [(4.0, false), (5.0, false), (6.0, true)] {
        let options = ness::sbml::Options { duration, every: 1.0, trajectories: 10, seed: 1 };
        let imported = ness::sbml::import(xml, "m.xml", &options).expect("it imports");
        let simulation = text(&imported.text, &[]);
        let told = simulation.warnings.iter().any(|warning| warning.contains("event `late`") && warning.contains("does not happen"));
        assert_eq!(told, !happens, "{duration}: {:?}", simulation.warnings);
        let outcome = run(&simulation, &cpu());
        assert!((estimate(&outcome, "mean.X").value > 5.0) == happens, "{duration}");
    }
}
