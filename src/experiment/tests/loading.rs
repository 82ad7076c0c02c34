//! What is accepted, and what it becomes.

use super::*;
use crate::coordinate::Boundary;

fn sound(overrides: &[(&str, &str)]) -> Experiment {
    load_with(SOUND, overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn value(experiment: &Experiment, name: &str) -> f64 {
    experiment.parameters.iter().find(|parameter| parameter.name == name).map_or(f64::NAN, |parameter| parameter.value)
}

fn overdamped(experiment: &Experiment) -> &OverdampedModel {
    let Model::Overdamped(model) = &experiment.model else { panic!("Langevin") };
    model
}

/// A formula of parameters and time, evaluated.
fn evaluated(experiment: &Experiment, node: Node, time: f64) -> f64 {
    use crate::expression::Symbol;
    experiment.graph.evaluate(node, &|symbol| match symbol {
        Symbol::Parameter(index) => experiment.parameters[index as usize].value,
        Symbol::Time => time,
        _ => f64::NAN,
    })
}

#[test]
fn the_sound_experiment_is_read_whole() {
    let experiment = sound(&[]);
    assert_eq!((experiment.name.as_str(), experiment.title.as_str()), ("trap.toml", "Trap"));
    assert_eq!((experiment.steps, experiment.save_every), (200, 10));
    assert_eq!(experiment.protocol.duration, 2.0);
    assert_eq!(value(&experiment, "gamma"), 0.5);
    assert_eq!(experiment.measure, Measure { every: 0.1, theorems: vec!["first_law".to_owned()], grids: Vec::new(), plane: None, trajectories: false });
    let expected = Ensemble { trajectories: 1000, dt: 0.01, seed: 1, precision: Precision::F64, integrator: IntegratorChoice::Auto, refine: false };
    assert_eq!(experiment.ensemble, expected);
    assert!(matches!(experiment.initial, Initial { law: InitialLaw::Equilibrium, burn_in: None }));
    assert_eq!(experiment.exact.len(), 1);
    assert_eq!(experiment.exact[0].text, "v^2 * t");
    assert_eq!(experiment.warnings, [""; 0]);
    assert_eq!(experiment.text, SOUND);
    let model = overdamped(&experiment);
    assert_eq!(model.coordinates.len(), 1);
    assert_eq!(model.coordinates[0].boundary, Boundary::Open);
    assert_eq!(evaluated(&experiment, model.friction[0], 0.0), 0.5);
}

#[test]
fn every_model_loads_again_from_its_own_text() {
    let entries = catalog();
    assert!(entries.len() >= 20, "{}", entries.len());
    for entry in entries {
        assert!(!entry.title.is_empty() && !entry.source.is_empty() && entry.sentence.ends_with('.'), "{}", entry.name);
        let first = Experiment::load(&Source::named(entry.name), &[], THEOREMS).unwrap_or_else(|error| panic!("{}:\n{error}", entry.name));
        let second = load(&first.text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(first.name, entry.name);
        assert_eq!(first.warnings, [""; 0], "{}", entry.name);
        assert_eq!((first.steps, first.save_every, &first.parameters), (second.steps, second.save_every, &second.parameters));
    }
}

#[test]
fn exact_formulas_of_the_dragged_beads_hit_the_known_numbers() {
    const OTHER: &[(&str, &str)] = &[("k", "5"), ("gamma", "2"), ("T", "0.5"), ("v", "0.8")];
    // Independent values of the dragged trap at k = T = v = gamma = 1, and at k = 5, gamma = 2, T = 0.5, v = 0.8.
    for (model, overrides, time, name, expected) in [
        ("dragged-bead", &[][..], 1.0, "work", 0.367_879_441_171_442),
        ("dragged-bead", &[], 1.0, "work.variance", 0.735_758_882_342_885),
        ("dragged-bead", &[], 1.0, "heat", 0.168_091_240_724_578),
        ("dragged-bead", &[], 0.25, "entropy_total", 0.004_336_236_286_493_02),
        ("dragged-bead", &[], 1.0, "entropy_total.variance", 0.336_182_481_449_157),
        ("dragged-bead-steady", &[], 0.25, "work", 0.25),
        ("dragged-bead-steady", &[], 0.25, "work.variance", 0.057_601_566_142_809_7),
        ("dragged-bead-steady", &[], 0.25, "heat.variance", 0.893_469_340_287_367),
        ("dragged-bead-steady", &[], 0.5, "heat.variance", 1.632_120_558_828_56),
        ("dragged-bead-steady", &[], 0.5, "entropy_total.variance", 1.0),
        ("dragged-bead", OTHER, 0.4, "work", 0.188354273879779),
        ("dragged-bead", OTHER, 0.4, "work.variance", 0.188354273879779),
        ("dragged-bead", OTHER, 0.4, "heat", 0.0860627152509841),
        ("dragged-bead", OTHER, 0.4, "entropy_total", 0.172125430501968),
        ("dragged-bead-steady", OTHER, 0.4, "heat.variance", 0.728166179190847),
        ("dragged-bead-steady", OTHER, 0.4, "entropy_total", 1.024),
    ] {
        let overrides: Vec<(String, String)> = overrides.iter().map(|(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned())).collect();
        let experiment = Experiment::load(&Source::named(model), &overrides, THEOREMS).unwrap_or_else(|error| panic!("{error}"));
        let node = experiment.exact.iter().find(|formula| formula.name == name).map(|formula| formula.node);
        let found = node.map_or(f64::NAN, |node| evaluated(&experiment, node, time));
        assert!((found - expected).abs() <= 1e-12 * expected.abs().max(0.1), "{model} {name} at {time}: {found} for {expected}");
    }
}

#[test]
fn overrides_take_parameters_and_paths_and_the_last_wins() {
    let experiment = sound(&[
        ("v", "2"),
        ("k", "8"),
        ("v", "3*k"),
        ("protocol.duration", "4"),
        ("ensemble.precision", "f32"),
        ("ensemble.seed", "7"),
        ("measure.trajectories", "true"),
    ]);
    assert_eq!(value(&experiment, "v"), 24.0);
    assert_eq!(value(&experiment, "gamma"), 2.0, "formulas follow");
    assert_eq!((experiment.protocol.duration, experiment.steps), (4.0, 400));
    assert_eq!((experiment.ensemble.precision, experiment.ensemble.seed), (Precision::F32, 7));
    assert!(experiment.measure.trajectories);
    let again = load(&experiment.text).unwrap_or_else(|error| panic!("{error}\n{}", experiment.text));
    assert_eq!(again.parameters, experiment.parameters);
    assert_eq!(again.ensemble, experiment.ensemble);
    assert_eq!(again.measure, experiment.measure);
}

#[test]
fn overrides_may_replace_whole_tables_and_add_sections() {
    let text = SOUND.split("[measure]").next().unwrap_or_default();
    let overrides = [
        ("model.x", "{ walls = [-4, 4] }"),
        ("initial", "{ distribution = \"uniform\" }"),
        ("measure.every", "0.5"),
        ("measure.grid.x", "[-1, 1]"),
        ("protocol.lambda", "{ steps = [[0, 0], [1, 1]] }"),
        ("title", "Walled"),
        ("model.friction", "2"),
    ];
    let experiment = load_with(text, &overrides).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(experiment.title, "Walled");
    assert_eq!(experiment.save_every, 50);
    assert_eq!(experiment.measure.grids, [FieldGrid { coordinate: 0, lower: -1.0, upper: 1.0, bins: 64 }]);
    assert!(matches!(&experiment.initial.law, InitialLaw::Uniform { lower, upper } if lower == &[-4.0] && upper == &[4.0]));
    assert_eq!(experiment.warnings, ["parameter `gamma` is in no formula", "parameter `v` is in no formula"]);
    let again = load(&experiment.text).unwrap_or_else(|error| panic!("{error}\n{}", experiment.text));
    assert_eq!(again.measure, experiment.measure);
    assert_eq!(overdamped(&again).coordinates[0].boundary, Boundary::Walls { lower: -4.0, upper: 4.0 });
}

#[test]
fn an_override_keeps_the_comment_behind_the_old_value() {
    let text = changed("k = 2.0", "k = 2.0  # stiffness");
    let experiment = load_with(&text, &[("k", "3")]).unwrap_or_else(|error| panic!("{error}"));
    assert!(experiment.text.contains("k = 3  # stiffness\n"), "{}", experiment.text);
}

const TWO: &str = r#"
[model]
kind = "overdamped"
coordinates = { x = {}, y = { periodic = ["-pi", "pi"] } }
potential = "x^2/2 + cos(y)"
force = { y = "f * cos(x)" }
friction = [1, "2*f"]
temperature = { y = 2, x = 1 }
[parameters]
f = 0.5
[protocol]
duration = 1
[initial]
INITIAL
[ensemble]
trajectories = 1e3
dt = 0.125
"#;

fn two(initial: &str) -> String {
    TWO.replace("INITIAL", initial)
}

#[test]
fn two_coordinates_take_values_in_lists_and_tables() {
    let experiment = load(&two("distribution = \"steady-state\"\nburn_in = 3")).unwrap_or_else(|error| panic!("{error}"));
    let model = overdamped(&experiment);
    assert_eq!(model.coordinates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(model.coordinates[1].boundary, Boundary::Periodic { lower: -std::f64::consts::PI, upper: std::f64::consts::PI });
    assert_eq!(model.drives.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    assert_eq!(model.friction.iter().map(|node| evaluated(&experiment, *node, 0.0)).collect::<Vec<_>>(), [1.0, 1.0]);
    assert_eq!(model.temperature.iter().map(|node| evaluated(&experiment, *node, 0.0)).collect::<Vec<_>>(), [1.0, 2.0]);
    assert_eq!((experiment.title.as_str(), experiment.steps, experiment.save_every), ("trap.toml", 8, 1));
    assert!(matches!(experiment.initial, Initial { law: InitialLaw::SteadyState, burn_in: Some(3.0) }));
    assert_eq!(experiment.ensemble.trajectories, 1000);
}

#[test]
fn a_force_that_is_zero_leaves_the_equilibrium() {
    let driven = changed("friction =", "force = \"k - 2\"\nfriction =");
    assert!(load(&driven).is_ok());
    assert!(load_with(&driven, &[("k", "3")]).is_err());
}

#[test]
fn exact_names_may_be_quoted_or_nested() {
    let text = changed("work = \"v^2 * t\"", "\"work.variance\" = 1\nvelocity.x = \"v\"\nheat = \"t\"");
    let experiment = load(&text).unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<(&str, &str)> = experiment.exact.iter().map(|formula| (formula.name.as_str(), formula.text.as_str())).collect();
    assert_eq!(names, [("work.variance", "1"), ("velocity.x", "v"), ("heat", "t")]);
}

#[test]
fn initial_laws_are_read() {
    let law = |initial: &str| load(&two(initial)).unwrap_or_else(|error| panic!("{error}")).initial.law;
    assert!(matches!(law("distribution = \"point\"\nat = { y = 1, x = \"2*f\" }"), InitialLaw::Point(at) if at == [1.0, 1.0]));
    assert!(
        matches!(law("distribution = \"uniform\"\nlower = [0, 0]\nupper = 1"), InitialLaw::Uniform { lower, upper } if lower == [0.0, 0.0] && upper == [1.0, 1.0])
    );
    assert!(
        matches!(law("distribution = \"uniform\"\nrange = { x = [0, 1], y = [1, 2] }"), InitialLaw::Uniform { lower, upper } if lower == [0.0, 1.0] && upper == [1.0, 2.0])
    );
    let open = |initial: &str| {
        let text = two(initial).replace("y = { periodic = [\"-pi\", \"pi\"] }", "y = {}");
        load(&text).unwrap_or_else(|error| panic!("{error}")).initial.law
    };
    assert!(
        matches!(open("distribution = \"gaussian\"\nmean = 0\ndeviation = [2, 3]"), InitialLaw::Gaussian { mean, covariance } if mean == [0.0, 0.0] && covariance == [4.0, 0.0, 0.0, 9.0])
    );
    assert!(
        matches!(open("distribution = \"gaussian\"\nmean = [0, 1]\ncovariance = [[2, 1], [1, \"2*f\"]]"), InitialLaw::Gaussian { covariance, .. } if covariance == [2.0, 1.0, 1.0, 1.0])
    );
    let tabulated = changed("distribution = \"equilibrium\"", "distribution = \"table\"\ntable = [[-1, 0], [0, 2], [1, 0]]");
    let experiment = load(&tabulated).unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(experiment.initial.law, InitialLaw::Table(density) if density.pdf(0.0) == 1.0));
}

#[test]
fn sources_are_files_models_and_texts() {
    assert_eq!(Source::named("driven-ring"), Source::Model("driven-ring".to_owned()));
    assert_eq!(Source::named("./driven-ring"), Source::File("./driven-ring".into()));
    assert_eq!(Source::named("mine.toml"), Source::File("mine.toml".into()));
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, SOUND).unwrap_or_else(|error| panic!("{error}"));
    let experiment = Experiment::load(&Source::File(path.clone()), &[], THEOREMS).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(experiment.name, "mine");

    let refused = |source: &Source| Experiment::load(source, &[], THEOREMS).err().map_or_else(|| "accepted".to_owned(), |error| error.to_string());
    let shown = folder.path().display().to_string();
    assert_eq!(refused(&Source::named(&shown)), format!("error: cannot read {shown}: it is a directory\nhelp: give the path of a TOML file"));
    std::fs::write(&path, b"title = 1\n\xff").unwrap_or_else(|error| panic!("{error}"));
    let shown = path.display();
    assert_eq!(refused(&Source::File(path.clone())), format!("error: cannot read {shown}: line 2 is not UTF-8 text\nhelp: give a TOML file, saved as UTF-8"));
    assert_eq!(
        refused(&Source::named("no/such.toml")),
        "error: cannot read no/such.toml: there is no such file\nhelp: check the path, or take a model from `ness models`"
    );
    assert_eq!(
        refused(&Source::named("driven-rnig")),
        "error: `driven-rnig` is neither a file nor a model of this program\nhelp: did you mean `driven-ring`? `ness models` lists the models"
    );
    assert_eq!(
        refused(&Source::named("quantum-dot")),
        "error: `quantum-dot` is neither a file nor a model of this program\nhelp: `ness models` lists the models"
    );
}
