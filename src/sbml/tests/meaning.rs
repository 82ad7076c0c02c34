//! Names, volumes, rules, initial values, reactions and events.

use super::{bad, good, math, model, reaction, says, species};

const X: &str = "<ci>X</ci>";

fn parameter(id: &str, value: &str) -> String {
    format!("<parameter id=\"{id}\" value=\"{value}\" constant=\"false\"/>\n")
}

fn rule(variable: &str, formula: &str) -> String {
    format!("<assignmentRule variable=\"{variable}\">{}</assignmentRule>\n", math(formula))
}

fn times(a: &str, b: &str) -> String {
    format!("<apply><times/>{a}{b}</apply>")
}

/// A model of species, parameters, rules and one decay of `X`.
fn with(all_species: &str, parameters: &str, rules: &str, law: &str) -> String {
    let mut lists = vec![("Species", all_species.to_owned())];
    lists.extend(
        [("Parameters", parameters), ("Rules", rules)].into_iter().filter(|(_, items)| !items.is_empty()).map(|(name, items)| (name, items.to_owned())),
    );
    lists.push(("Reactions", reaction("R", &["X"], &[], law)));
    model(&lists.iter().map(|(name, items)| (*name, items.as_str())).collect::<Vec<_>>())
}

#[test]
fn a_species_is_a_concentration_unless_it_says_otherwise() {
    let concentration = species("X", "hasOnlySubstanceUnits=\"false\" initialConcentration=\"3.5\"");
    let text = good(&with(&concentration, "", "", X)).text;
    says(&text, "propensity = \"X/V\"");
    says(&text, "species = { X = 7 }");
    says(&text, "V = 2  # size of the compartment");
    let amount = good(&with(&species("X", "initialConcentration=\"3.5\""), "", "", X)).text;
    says(&amount, "propensity = \"X\"");
    says(&amount, "species = { X = 7 }");
    assert!(amount.contains("# V = 2 is in no formula"), "{amount}");
}

#[test]
fn a_compartment_without_size_is_one_and_says_so() {
    let xml = with(&species("X", "hasOnlySubstanceUnits=\"false\""), "", "", X).replace(" size=\"2\"", "");
    let imported = good(&xml);
    says(&imported.text, "V = 1  # size of the compartment");
    assert_eq!(imported.warnings, ["compartment `V` has no size; 1 is taken"]);
    says(&imported.text, "# Note: compartment `V` has no size; 1 is taken.");
    assert_eq!(good(&xml.replace("hasOnlySubstanceUnits=\"false\"", "hasOnlySubstanceUnits=\"true\"")).warnings, Vec::<String>::new());
    assert!(bad(&xml.replace("spatialDimensions=\"3\"", "spatialDimensions=\"0\"")).message.contains("its compartment has no size"));
}

#[test]
fn counts_are_whole() {
    let start = |more: &str| with(&species("X", more), "", "", X);
    says(&good(&start("initialConcentration=\"0.15\"").replace("size=\"2\"", "size=\"20\"")).text, "species = { X = 3 }");
    for (more, words) in [
        ("initialAmount=\"1.5\"", "starts with 1.5 items"),
        ("initialAmount=\"-1\"", "starts with -1 items"),
        ("initialAmount=\"1e300\"", "starts with 1000"),
        ("initialConcentration=\"0.3\"", "starts with 0.6 items"),
        ("initialAmount=\"1\" initialConcentration=\"1\"", "an initial amount and an initial concentration"),
        ("initialAmount=\"many\"", "is not a finite number"),
        ("initialAmount=\"NaN\"", "has no initial amount"),
    ] {
        assert!(bad(&start(more)).message.contains(words), "{more}: {}", bad(&start(more)));
    }
}

#[test]
fn initial_assignments_are_worked_out() {
    let assign = |symbol: &str, formula: &str| format!("<initialAssignment symbol=\"{symbol}\">{}</initialAssignment>", math(formula));
    let xml = |assignments: &str| {
        let parameters = parameter("a", "4") + &parameter("b", "0");
        let lists = [("Species", species("X", "")), ("Parameters", parameters), ("InitialAssignments", assignments.to_owned())];
        let lists: Vec<(&str, &str)> = lists.iter().map(|(name, items)| (*name, items.as_str())).collect();
        model(&[&lists[..], &[("Reactions", &reaction("R", &["X"], &[], &times("<ci>b</ci>", X)))]].concat())
    };
    let text = good(&xml(&(assign("X", "<ci>b</ci>") + &assign("b", &times("<ci>a</ci>", "<ci>V</ci>"))))).text;
    says(&text, "species = { X = 8 }");
    says(&text, "b = 8");
    assert!(bad(&xml(&(assign("X", "<ci>b</ci>") + &assign("b", X)))).message.contains("depends on itself: `b` → `X` → `b`"));
    assert!(bad(&xml(&assign("R", "<cn>1</cn>"))).message.contains("sets `R`, which is no species"));
    assert!(bad(&xml(&(assign("a", "<cn>1</cn>") + &assign("a", "<cn>1</cn>")))).message.contains("two initial assignments"));
    assert!(bad(&xml(&assign("b", "<apply><divide/><cn>1</cn><cn>0</cn></apply>"))).message.contains("is inf at the start"));
}

#[test]
fn assignment_rules_become_observables_and_are_put_in() {
    let law = times("<ci>total</ci>", "<ci>Y</ci>");
    let rules = rule("total", "<apply><plus/><ci>Y</ci><ci>k</ci></apply>") + &rule("Y", &times("<cn>2</cn>", X));
    let concentration = species("Y", "hasOnlySubstanceUnits=\"false\" boundaryCondition=\"true\"");
    let text = good(&with(&(species("X", "") + &concentration), &(parameter("k", "3") + &parameter("total", "0")), &rules, &law)).text;
    says(&text, "propensity = \"(2*X + k)*(2*X)\"");
    says(&text, "Y = \"2*X*V\"");
    says(&text, "total = \"2*X + k\"");
    says(&text, "species = { X = 10 }");
    let circle = rule("a", "<ci>b</ci>") + &rule("b", "<ci>a</ci>");
    let xml = with(&species("X", ""), &(parameter("a", "1") + &parameter("b", "1")), &circle, X);
    assert!(bad(&xml).message.contains("depends on itself"));
    assert!(bad(&with(&species("X", ""), "", &rule("X", "<cn>1</cn>"), "<cn>1</cn>")).message.contains("is given by a rule or constant"));
    assert!(bad(&with(&species("X", ""), "", &rule("V", "<cn>1</cn>"), "<cn>1</cn>")).message.contains("changes the size of a compartment"));
}

#[test]
fn rate_rules_are_refused_unless_nothing_moves() {
    let rate = |formula: &str| format!("<rateRule variable=\"k\">{}</rateRule>", math(formula));
    let xml = |formula: &str| with(&species("X", ""), &parameter("k", "3"), &rate(formula), &times("<ci>k</ci>", X));
    let error = bad(&xml("<cn>1</cn>"));
    assert_eq!(error.message, "<rateRule variable=\"k\"> is not supported");
    says(&good(&xml("<cn>0</cn>")).text, "k = 3");
}

#[test]
fn functions_are_put_in() {
    let function = |id: &str, variables: &[&str], body: &str| {
        let variables: String = variables.iter().map(|variable| format!("<bvar><ci>{variable}</ci></bvar>")).collect();
        format!("<functionDefinition id=\"{id}\">{}</functionDefinition>", math(&format!("<lambda>{variables}{body}</lambda>")))
    };
    let call = |name: &str, arguments: &str| format!("<apply><ci>{name}</ci>{arguments}</apply>");
    let xml = |functions: &str, law: &str| {
        model(&[("FunctionDefinitions", functions), ("Species", &species("X", "")), ("Reactions", &reaction("R", &["X"], &[], law))])
    };
    let square = function("square", &["x"], &times("<ci>x</ci>", "<ci>x</ci>"));
    let mixed = function("mixed", &["X", "y"], &format!("<apply><minus/><ci>y</ci>{}</apply>", call("square", "<ci>X</ci>")));
    let text = good(&xml(&(square.clone() + &mixed), &call("mixed", "<cn>3</cn><ci>X</ci>"))).text;
    says(&text, "propensity = \"X - 3*3\"");
    for (functions, law, words) in [
        (square.clone(), call("square", ""), "called with 0 arguments and has 1"),
        (function("f", &[], "<ci>X</ci>"), call("f", ""), "`X` is no argument of the function"),
        (function("f", &["x"], &call("f", "<ci>x</ci>")), call("f", "<cn>1</cn>"), "a function calls itself"),
        (function("f", &["x"], "<ci>x</ci><ci>x</ci>"), call("f", "<cn>1</cn>"), "besides arguments and one formula"),
        (square, "<ci>square</ci>".to_owned(), "stands where a value is wanted"),
    ] {
        let error = bad(&xml(&functions, &law));
        assert!(error.message.contains(words), "{error}");
    }
}

#[test]
fn local_parameters_stay_apart() {
    let local = |value: &str| format!("<listOfLocalParameters><localParameter id=\"k\" value=\"{value}\"/></listOfLocalParameters></kineticLaw>");
    let one = |id: &str, value: &str| reaction(id, &["X"], &[], &times("<ci>k</ci>", X)).replace("</kineticLaw>", &local(value));
    let reactions = one("A", "1") + &one("B", "2") + &reaction("C", &["X"], &[], &times("<ci>k</ci>", X));
    let parameters = parameter("k", "3") + &parameter("k_A", "4");
    let text = good(&model(&[("Species", &species("X", "")), ("Parameters", &parameters), ("Reactions", &reactions)])).text;
    for line in ["propensity = \"k_A_*X\"", "propensity = \"k_B*X\"", "propensity = \"k*X\"", "k = 3", "k_A_ = 1  # of reaction A", "k_B = 2  # of reaction B"]
    {
        says(&text, line);
    }
    let twice = one("A", "1").replace("</listOfLocalParameters>", "<localParameter id=\"k\" value=\"1\"/></listOfLocalParameters>");
    assert!(bad(&model(&[("Species", &species("X", "")), ("Reactions", &twice)])).message.contains("a local parameter of `A` twice"));
}

#[test]
fn names_that_ness_means_otherwise_are_changed() {
    let parameters = parameter("e", "1") + &parameter("t", "2") + &parameter("min", "3") + &parameter("e_", "4");
    let law = format!("<apply><times/><ci>e</ci><ci>t</ci><ci>min</ci><ci>e_</ci>{}</apply>", "<ci>pi</ci>");
    let imported = good(&model(&[("Species", &species("pi", "")), ("Parameters", &parameters), ("Reactions", &reaction("R", &["pi"], &[], &law))]));
    for line in ["propensity = \"e__*t_*min_*e_*pi_\"", "species = { pi_ = 10 }", "equation = \"pi_ -> 0\"", "e_ = 4", "e__ = 1"] {
        says(&imported.text, line);
    }
    says(&imported.text, "# `t` is called `t_` here: ness means something else by it.");
}

#[test]
fn boundary_and_constant_species_are_held() {
    let held = species("S", "boundaryCondition=\"true\" initialAmount=\"5\"") + &species("C", "constant=\"true\" boundaryCondition=\"true\"");
    let reactions = reaction("R", &["S"], &["X", "C"], &times("<ci>C</ci>", "<ci>S</ci>"));
    let text = good(&model(&[("Species", &(species("X", "") + &held)), ("Reactions", &reactions)])).text;
    for line in
        ["chemostatted = [\"S\", \"C\"]", "species = { X = 10, S = 5, C = 10 }", "equation = \"S -> X + C\"", "propensity = \"C*S\"", "S = \"S\"", "C = \"C\""]
    {
        says(&text, line);
    }
    let constant = species("X", "") + &species("C", "constant=\"true\"");
    assert!(bad(&model(&[("Species", &constant), ("Reactions", &reaction("R", &["X"], &["C"], X))])).message.contains("rule or constant"));
    let nothing = [("Species", species("S", "boundaryCondition=\"true\"")), ("Reactions", reaction("R", &["S"], &[], "<cn>1</cn>"))];
    assert!(bad(&model(&[("Species", &nothing[0].1), ("Reactions", &nothing[1].1)])).message.contains("no species of the model can change"));
}

#[test]
fn stoichiometries_add_up() {
    let twice =
        reaction("R", &["X", "Y", "X"], &["Y"], &times(X, "<ci>Y</ci>")).replace("species=\"Y\" stoichiometry=\"1\"", "species=\"Y\" stoichiometry=\"3\"");
    let both = species("X", "") + &species("Y", "");
    says(&good(&model(&[("Species", &both), ("Reactions", &twice)])).text, "equation = \"2 X + 3 Y -> 3 Y\"");
    for wrong in ["1.5", "-1", "1e9"] {
        let xml = model(&[("Species", &both), ("Reactions", &twice.replace("\"3\"", &format!("\"{wrong}\"")))]);
        assert!(bad(&xml).message.contains("has the stoichiometry"), "{wrong}");
    }
    let absent = model(&[("Species", &both), ("Reactions", &twice.replace(" stoichiometry=\"3\"", ""))]);
    assert!(bad(&absent).message.contains("has no stoichiometry"));
}

#[test]
fn laws_that_are_no_propensities_are_told() {
    let both = species("X", "") + &species("Y", "initialAmount=\"0\"");
    let net = "<apply><minus/><ci>X</ci><ci>Y</ci></apply>";
    let xml = |law: &str, reversible: bool| {
        let one = reaction("R", &["X"], &["Y"], law);
        model(&[("Species", &both), ("Reactions", &if reversible { one.replace("reversible=\"false\"", "reversible=\"true\"") } else { one })])
    };
    assert!(bad(&xml(net, true)).help.contains("split it into two reactions"));
    assert!(good(&xml(net, false)).warnings.iter().any(|warning| warning.contains("can be negative")));
    assert!(good(&xml(X, true)).warnings.iter().any(|warning| warning.contains("forwards only")));
    assert!(good(&xml("<cn>1</cn>", false)).warnings.iter().any(|warning| warning.contains("reactants are used up")));
    assert_eq!(good(&xml(X, false)).warnings, Vec::<String>::new());
    let pairs = "<apply><times/><ci>X</ci><apply><minus/><ci>X</ci><cn>1</cn></apply></apply>";
    let two = xml(pairs, true).replace("species=\"X\" stoichiometry=\"1\"", "species=\"X\" stoichiometry=\"2\"");
    assert_eq!(good(&two).warnings.len(), 1, "{:?}", good(&two).warnings);
}

/// A model with species `X`, `Y` and events.
fn events(all: &str) -> String {
    let both = species("X", "") + &species("Y", "hasOnlySubstanceUnits=\"false\"");
    let parameters = parameter("k", "3") + &parameter("T", "25");
    let list = [("Species", both), ("Parameters", parameters), ("Reactions", reaction("R", &["X"], &["Y"], X)), ("Events", all.to_owned())];
    model(&list.iter().map(|(name, items)| (*name, items.as_str())).collect::<Vec<_>>())
}

const TIME: &str = "<csymbol encoding=\"text\" definitionURL=\"http://www.sbml.org/sbml/symbols/time\">t</csymbol>";

#[test]
fn rates_may_read_time() {
    let both = species("X", "") + &species("time", "hasOnlySubstanceUnits=\"true\"");
    let law = format!("<apply><times/>{X}{TIME}</apply>");
    let imported = good(&model(&[("Species", &both), ("Reactions", &reaction("R", &["X"], &["time"], &law))]));
    for line in ["propensity = \"X*time_\"", "time_ = \"t\""] {
        says(&imported.text, line);
    }
}

fn compare(relation: &str, left: &str, right: &str) -> String {
    format!("<apply><{relation}/>{left}{right}</apply>")
}

fn event(id: &str, trigger: &str, more: &str, set: &[(&str, &str)]) -> String {
    let set: String = set.iter().map(|(variable, value)| format!("<eventAssignment variable=\"{variable}\">{}</eventAssignment>", math(value))).collect();
    let trigger = format!("<trigger initialValue=\"true\" persistent=\"true\">{}</trigger>", math(trigger));
    format!("<event id=\"{id}\" useValuesFromTriggerTime=\"true\">{trigger}{more}<listOfEventAssignments>{set}</listOfEventAssignments></event>\n")
}

#[test]
fn events_at_times_and_on_conditions() {
    let two = event("a", &compare("leq", "<ci>T</ci>", TIME), "", &[("X", "<cn>50</cn>"), ("Y", "<cn>4</cn>")])
        + &event("b", &compare("gt", "<ci>Y</ci>", "<cn>8</cn>"), "", &[("X", &compare("plus", X, "<cn>1</cn>"))]);
    let imported = good(&events(&two));
    for line in ["name = \"a\"", "at = 25", "set = { X = 50, Y = 8 }", "when = \"Y/V > 8\"", "set = { X = \"X + 1\" }"] {
        says(&imported.text, line);
    }
    assert_eq!(imported.warnings, Vec::<String>::new());
    let rounded = event("a", &compare("gt", X, "<cn>8</cn>"), "", &[("Y", X)]);
    assert_eq!(good(&events(&rounded)).warnings, ["event `a` sets `Y` by a formula; its value is rounded to a whole number"]);
    let zero = "<delay>".to_owned() + &math("<cn>0</cn>") + "</delay>";
    says(&good(&events(&event("a", &compare("gt", X, "<cn>8</cn>"), &zero, &[("X", "<cn>0</cn>")]))).text, "when = \"X > 8\"");
}

#[test]
fn events_that_mean_more_are_refused() {
    let set: &[(&str, &str)] = &[("X", "<cn>1</cn>")];
    let later = compare("geq", TIME, "<cn>5</cn>");
    let state = compare("gt", X, "<cn>20</cn>");
    let part = |name: &str, formula: &str| format!("<{name}>{}</{name}>", math(formula));
    let one = |trigger: &str| event("a", trigger, "", set);
    let not_initial = one(&compare("lt", X, "<cn>20</cn>")).replace("initialValue=\"true\"", "initialValue=\"false\"");
    let two_states = event("a", &state, "", set) + &event("b", &state, "", set).replace("persistent=\"true\"", "persistent=\"false\"");
    for (all, words) in [
        (event("a", &later, &part("delay", "<cn>1</cn>"), set), "has a delay"),
        (event("a", &later, &part("delay", X), set), "has a delay"),
        (event("a", &later, &part("priority", "<cn>1</cn>"), set) + &event("b", &state, "", set), "has a priority"),
        (one(&compare("lt", TIME, "<cn>5</cn>")), "no plain comparison of time"),
        (one(&compare("eq", TIME, "<cn>5</cn>")), "no plain comparison of time"),
        (one(&compare("and", &later, &state)), "depends on time and on species"),
        (one(&compare("gt", "<ci>k</ci>", "<cn>1</cn>")), "neither on time nor on species"),
        (one(&compare("geq", TIME, "<cn>0</cn>")), "true from the start on"),
        (not_initial, "true at the start"),
        (two_states, "not persistent"),
        (one(&later) + &event("b", &later, "", &[("X", "<cn>2</cn>")]), "happen at the same time"),
        (one(&later) + &event("b", &later, "", &[("Y", X)]), "happen at the same time"),
        (event("a", &later, "", &[("k", "<cn>2</cn>")]), "sets a parameter or a compartment"),
        (event("a", &later, "", &[("nobody", "<cn>2</cn>")]), "sets `nobody`, which is no species"),
        (event("a", &later, "", &[("X", "<cn>2.5</cn>")]), "sets 2.5 items"),
        (event("a", &later, "", &[("X", "<cn>-1</cn>")]), "sets -1 items"),
        (event("a", &later, "", &[("X", TIME)]), "reads time"),
        (event("a", &later, "", &[("X", "<cn>1</cn>"), ("X", "<cn>1</cn>")]), "a second time"),
        (event("a", &later, "", &[]), "sets nothing"),
    ] {
        let error = bad(&events(&all));
        assert!(error.message.contains(words), "`{words}` expected: {error}");
    }
}

#[test]
fn a_boundary_species_that_an_event_sets_is_a_count_outside_equations() {
    let both = species("X", "") + &species("S", "boundaryCondition=\"true\"");
    let reset = event("a", &compare("geq", TIME, "<cn>5</cn>"), "", &[("S", "<cn>1</cn>")]);
    let reactions = reaction("R", &["S"], &["X"], "<ci>S</ci>");
    let text = good(&model(&[("Species", &both), ("Reactions", &reactions), ("Events", &reset)])).text;
    says(&text, "equation = \"0 -> X\"");
    says(&text, "species = { X = 10, S = 10 }");
    assert!(!text.contains("chemostatted"), "{text}");
}
