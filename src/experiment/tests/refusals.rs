//! Every refusal, by its place and text.

use super::*;

/// A part of the sound text, what takes its place, and the problems that follow: `line:column message | label | help`.
///
/// Where a problem ends in `…`, the rest of the text belongs to the parser of formulas.
type Case = (&'static str, &'static str, &'static [&'static str]);

/// Keys, sections and units.
const KEYS: &[Case] = &[
    (
        r#"friction = "gamma""#,
        "frictoin = 1",
        &[
            "7:1 unknown key `frictoin` in [model] | expected `kind`, `coordinates`, `potential`, `force`, `friction`, `temperature`, `interpretation`, `parity` or `x` | did you mean `friction`?",
        ],
    ),
    (
        "[ensemble]",
        "[ensembel]",
        &[
            "22:2 unknown key `ensembel` in the experiment | expected `title`, `sentence`, `source`, `units`, `model`, `parameters`, `protocol`, `initial`, `ensemble`, `measure` or `exact` | did you mean `ensemble`?",
        ],
    ),
    (
        r#"title = "Trap""#,
        r#"titel = "Trap""#,
        &[
            "1:1 unknown key `titel` in the experiment | expected `title`, `sentence`, `source`, `units`, `model`, `parameters`, `protocol`, `initial`, `ensemble`, `measure` or `exact` | did you mean `title`?",
        ],
    ),
    (r#"title = "Trap""#, "title = 3", &["1:9 `title` must be a string | found an integer | -"]),
    ("duration = 2.0\n", "", &["15:2 missing key `duration` in [protocol] | expected `duration = …`, the length of the run in time | -"]),
    ("dt = 0.01\n", "", &["22:2 missing key `dt` in [ensemble] | expected `dt = …`, the length of a step in time | -"]),
    ("trajectories = 1000\n", "", &["22:2 missing key `trajectories` in [ensemble] | expected `trajectories = …`, how many | -"]),
    (
        "distribution = \"equilibrium\"\n",
        "",
        &[
            "19:2 missing key `distribution` in [initial] | expected `distribution = …`, one of `equilibrium`, `steady-state`, `periodic`, `point`, `gaussian`, `uniform` or `table` | -",
        ],
    ),
    (
        "temperature = 1.0\n",
        "",
        &["3:2 missing key `temperature` in [model] | expected `temperature = …`, a number, a formula, or one for each coordinate | -"],
    ),
    (
        "potential = \"k/2 * (x - lambda)^2\"\n",
        "",
        &["3:2 missing key `potential` in [model] | expected `potential = …`, a formula of the coordinates, or a `force` | -"],
    ),
    ("kind = \"overdamped\"\n", "", &[r#"3:2 missing key `kind` in [model] | expected `kind = …`, here `"overdamped"` | -"#]),
    (
        "[measure]",
        "[units]\nsystem = \"si\"\n[measure]",
        &[
            "27:10 SI units are not yet in this version | expected `reduced` | give energies in units of a k_B T of your choice, and lengths and times in units of your own; k_B = 1",
        ],
    ),
    ("[measure]", "[units]\nsystem = \"cgs\"\n[measure]", &["27:10 unknown system of units `cgs` | expected `reduced` | -"]),
];

/// Kinds of models.
const KINDS: &[Case] = &[
    (
        r#""overdamped""#,
        r#""overdampd""#,
        &[
            "4:8 unknown kind of model `overdampd` | expected `overdamped`, `underdamped`, `network`, `reactions` or `energy-exchange` | did you mean `overdamped`?",
        ],
    ),
    (r#""overdamped""#, "1", &["4:8 `kind` must be a string | found an integer | -"]),
];

/// Coordinates and their ranges.
const COORDINATES: &[Case] = &[
    (r#"["x"]"#, r#""x""#, &[r#"5:15 `coordinates` must be a list of names, as in `["x"]` | found a string | -"#]),
    (r#"["x"]"#, "[]", &["5:15 a model has 1 to 64 coordinates | found 0 | -"]),
    (r#"["x"]"#, r#"["x", "x"]"#, &["5:21 `x` cannot be the name of a coordinate | a coordinate has this name already | -"]),
    (r#"["x"]"#, r#"["x", "sin"]"#, &["5:21 `sin` cannot be the name of a coordinate | this name is reserved in formulas | -"]),
    (r#"["x"]"#, r#"["x", "x-y"]"#, &["5:21 `x-y` cannot be the name of a coordinate | expected a letter, then letters, digits and `_` | -"]),
    (r#"["x"]"#, r#"["x", "friction"]"#, &["5:21 `friction` cannot be the name of a coordinate | it is a key of [model] | -"]),
    (r#"["x"]"#, r#"["k"]"#, &["5:16 `k` cannot be the name of a coordinate | a parameter has this name already | -"]),
    (r#"["x"]"#, "{ x = { periodic = [1, 0] } }", &["5:34 `periodic` must be a range with lower < upper | this is 1 to 0 | -"]),
    (r#"["x"]"#, "{ x = { periodic = [0, 1], walls = [0, 1] } }", &["5:50 coordinate `x` cannot be periodic and have walls |  | -"]),
    (r#"["x"]"#, "{ x = { perodic = [0, 1] } }", &["5:23 unknown key `perodic` in coordinate `x` | expected `periodic` or `walls` | did you mean `periodic`?"]),
    (r#"["x"]"#, "{ x = { walls = [0] } }", &["5:31 `walls` must be a list `[lower, upper]` | this has 1 entries | -"]),
    (
        r#"["x"]"#,
        r#"{ x = { periodic = [0, "2*pi"] } }"#,
        &[
            "6:13 `potential` is not periodic in `x` | this is 15.079414 at one point and 103.355839 a period of 6.283185 further on | put a constant tilt into `force`, or change the range of `x`",
        ],
    ),
    (
        "potential =",
        "force = \"sin(x/2)\"\nx = { periodic = [0, \"2*pi\"] }\n# ",
        &[
            "6:9 `force` is not periodic in `x` | this is 0.932032 at one point and -0.932032 a period of 6.283185 further on | change the formula, or the range of `x`",
            "22:16 a model with a `force` has no equilibrium |  | use `steady-state`, or put the force into the potential if it has one",
        ],
    ),
    (
        r#"["x"]"#,
        "{ x = {} }\nx = { walls = [0, 1] }",
        &["6:1 unknown key `x` in [model] | expected `kind`, `coordinates`, `potential`, `force`, `friction`, `temperature`, `interpretation` or `parity` | -"],
    ),
    ("dt = 0.01", "dt = 0.01\nintegrator = \"weak-taylor\"", &["accepted"]),
];

/// Formulas.
const FORMULAS: &[Case] = &[
    ("k/2 * (x", "k/2 * (y", &["6:21 in the formula of `potential`: …"]),
    ("k/2 * (x", "kk/2 * (x", &["6:14 in the formula of `potential`: …"]),
    ("k/2 * (x", "k/2 * ((x", &["6:20 in the formula of `potential`: …"]),
    (
        "(x - lambda)",
        "(x - v*t)",
        &[
            r#"6:27 `potential` cannot read the time `t` |  | write the time dependence as a protocol variable, as in `[protocol]` `lambda = "v*t"`, and read `lambda` here"#,
        ],
    ),
    (r#""k/2 * (x - lambda)^2""#, "\"k/2 * (\\u0078 - y)^2\"", &["6:13 in the formula of `potential`: …"]),
    (r#""k/2 * (x - lambda)^2""#, "'''k/2\n * (x - y)^2'''", &["7:9 in the formula of `potential`: …"]),
    (r#""k/2 * (x - lambda)^2""#, "true", &["6:13 `potential` must be a number or a formula | found a boolean | -"]),
];

/// Friction and temperature.
const BATHS: &[Case] = &[
    (
        r#"friction = "gamma""#,
        r#"friction = "gamma*x""#,
        &[
            r#"7:12 `friction` depends on a coordinate: the noise is multiplicative, and `interpretation` must say how it is read | add `interpretation = "ito" | "stratonovich" | "anti-ito"` to [model] | "ito": noise read at the start of a step (small-mass limit where the temperature depends on place); "stratonovich": in its middle; "anti-ito": at its end (small-mass limit where only the friction depends on place: keeps Boltzmann's law)"#,
        ],
    ),
    (
        r#"friction = "gamma""#,
        r#"friction = "lambda-1""#,
        &["7:12 `friction` must be above 0 | this falls to -1.000000 | overdamped motion is force divided by friction"],
    ),
    (
        r#"friction = "gamma""#,
        r#"friction = "gamma*t""#,
        &[
            r#"7:19 `friction` cannot read the time `t` |  | write the time dependence as a protocol variable, as in `[protocol]` `lambda = "v*t"`, and read `lambda` here"#,
        ],
    ),
    (r#"friction = "gamma""#, "friction = 0", &["7:12 `friction` must be above 0 | this is 0 | overdamped motion is force divided by friction"]),
    (r#"friction = "gamma""#, "friction = [1, 2]", &["7:12 `friction` has the wrong number of entries | expected 1, one for each coordinate, found 2 | -"]),
    (
        r#"friction = "gamma""#,
        "friction = { y = 1 }",
        &["7:12 `friction` is missing for `x` | expected a value for every coordinate | -", "7:14 unknown key `y` in `friction` | expected `x` | -"],
    ),
    ("temperature = 1.0", "temperature = 0", &["8:15 `temperature` must be above 0 | this is 0 | without noise there is no entropy production to measure"]),
    (
        "temperature = 1.0",
        r#"temperature = "-k""#,
        &["8:15 `temperature` must be above 0 | this is -2 | without noise there is no entropy production to measure"],
    ),
    ("temperature = 1.0", "temperature = inf", &["8:15 `temperature` must be a finite number |  | -"]),
];

/// Parameters and names.
const PARAMETERS: &[Case] = &[
    ("k = 2.0", "k = nan", &["11:5 parameter `k` must be a finite number |  | -"]),
    ("k = 2.0", r#"k = "1/0""#, &["11:5 parameter `k` must be a finite number | this is inf | -"]),
    ("k = 2.0", r#"k = "gamma""#, &["11:6 in the formula of parameter `k`: …"]),
    ("k = 2.0", "k = [1]", &["11:5 parameter `k` must be a number or a formula | found a list | -"]),
    (
        "k = 2.0",
        "pi = 3",
        &[
            "6:14 in the formula of `potential`: …",
            "11:1 `pi` cannot be the name of a parameter | this name is reserved in formulas | -",
            "12:10 in the formula of parameter `gamma`: …",
        ],
    ),
    ("k = 2.0", "t = 3\nk = 2", &["11:1 `t` cannot be the name of a parameter | this name is reserved in formulas | -"]),
    ("k = 2.0", "k = 2\n\"2k\" = 4", &["12:1 `2k` cannot be the name of a parameter | expected a letter, then letters, digits and `_` | -"]),
    ("k = 2.0", "k = 2\nx = 4", &["5:16 `x` cannot be the name of a coordinate | a parameter has this name already | -"]),
    ("k = 2.0", "k = 2\nk = 4", &["12:1 not valid TOML: duplicate key |  | -"]),
    (r#"lambda = "v*t""#, "lambda = 0\nk = \"t\"", &["18:1 `k` cannot be the name of a protocol variable | a parameter has this name already | -"]),
    (r#"lambda = "v*t""#, "lambda = 0\nx = \"t\"", &["18:1 `x` cannot be the name of a protocol variable | a coordinate has this name already | -"]),
];

/// Steps, saves and trajectories.
const SCHEDULE: &[Case] = &[
    ("duration = 2.0", "duration = -1", &["16:12 `duration` must be above 0 | this is -1 | -"]),
    ("dt = 0.01", "dt = 0", &["24:6 `dt` must be above 0 | this is 0 | -"]),
    (
        "dt = 0.01",
        "dt = 0.03",
        &[r#"24:6 `dt` does not divide the time between saves 0.1 | this is 0.03 | the nearest that does is 0.03333333333333 = "0.1/3""#],
    ),
    ("dt = 0.01", "dt = 1e-13", &["24:6 `dt` is too small for the duration | this makes 2.000e13 steps, at most 2^40 are possible | -"]),
    ("every = 0.1", "every = 0.3", &[r#"27:9 `every` does not divide the duration 2 | this is 0.3 | the nearest that does is 0.2857142857143 = "2/7""#]),
    ("every = 0.1", "every = 3", &["27:9 `every` does not divide the duration 2 | this is 3 | the nearest that does is 2"]),
    ("trajectories = 1000", "trajectories = 0", &["23:16 `trajectories` must be an integer of at least 1 | this is 0 | -"]),
    (
        "trajectories = 1000",
        "trajectories = 1e30",
        &["23:16 `trajectories` must be an integer of at most 9007199254740992 | this is 1000000000000000000000000000000 | -"],
    ),
    ("trajectories = 1000", "trajectories = 1.5", &["23:16 `trajectories` must be an integer of at least 1 | this is 1.5 | -"]),
    ("trajectories = 1000", r#"trajectories = "many""#, &["23:16 `trajectories` must be an integer | found a string | -"]),
    ("dt = 0.01", "dt = 0.01\nseed = -1", &["25:8 `seed` must be an integer of at least 0 | this is -1 | -"]),
    ("dt = 0.01", "dt = 0.01\nprecision = \"f16\"", &["25:13 unknown precision `f16` | expected `f64` or `f32` | -"]),
    ("dt = 0.01", "dt = 0.01\nprecision = 32", &["25:13 precision must be one of `f64` or `f32` | found an integer | -"]),
    (
        "dt = 0.01",
        "dt = 0.01\nintegrator = \"huen\"",
        &[
            "25:14 unknown integrator `huen` | expected `auto`, `euler-maruyama`, `heun`, `weak-taylor`, `exact-linear`, `baoab`, `obabo` or `gjf` | did you mean `heun`?",
        ],
    ),
];

/// Initial laws.
const INITIAL: &[Case] = &[
    (
        r#""equilibrium""#,
        r#""equilibrum""#,
        &[
            "20:16 unknown distribution `equilibrum` | expected `equilibrium`, `steady-state`, `periodic`, `point`, `gaussian`, `uniform` or `table` | did you mean `equilibrium`?",
        ],
    ),
    (r#""equilibrium""#, r#""point""#, &["20:16 missing key `at` in the distribution `point` | expected `at = …`, a number for each coordinate | -"]),
    (r#""equilibrium""#, "\"point\"\nat = [1, 2]", &["21:6 `at` has the wrong number of entries | expected 1, one for each coordinate, found 2 | -"]),
    (r#""equilibrium""#, "\"point\"\nat = 0\nmean = 0", &["22:1 `mean` is not a key of the distribution `point` | expected `at` | -"]),
    (r#""equilibrium""#, "\"equilibrium\"\nburn_in = -1", &["21:11 `burn_in` must be above 0 | this is -1 | -"]),
    (
        r#""equilibrium""#,
        "\"gaussian\"\nmean = 0",
        &["20:16 missing key `deviation` in the distribution `gaussian` | expected `deviation = …`, a number above 0 for each coordinate | -"],
    ),
    (r#""equilibrium""#, "\"gaussian\"\nmean = 0\ndeviation = 0", &["22:13 `deviation` must be above 0 | this is 0 | -"]),
    (r#""equilibrium""#, "\"gaussian\"\nmean = 0\ncovariance = -1", &["22:14 `covariance` must be symmetric and positive definite |  | -"]),
    (r#""equilibrium""#, "\"gaussian\"\nmean = 0\ndeviation = 1\ncovariance = 1", &["23:14 a Gaussian has either `deviation` or `covariance` |  | -"]),
    (
        r#""equilibrium""#,
        r#""uniform""#,
        &["20:16 missing key `range` in the distribution `uniform` | expected `range = [lower, upper]`, or one for each coordinate | -"],
    ),
    (r#""equilibrium""#, "\"uniform\"\nrange = [1, 0]", &["21:9 `range` must be a range with lower < upper | this is 1 to 0 | -"]),
    (r#""equilibrium""#, "\"uniform\"\nrange = [0, 1]\nlower = 0", &["22:9 `uniform` has either `range`, or `lower` and `upper` |  | -"]),
    (r#""equilibrium""#, "\"table\"\ntable = []", &["21:9 `table` has no pairs | expected `[[x, p], …]` | -"]),
    (
        r#""equilibrium""#,
        "\"table\"\ntable = [[0, 1], [1, 1], [3, 1]]",
        &["21:18 `table` must have evenly spaced x, in increasing order | expected x = 1.5 | -"],
    ),
    (
        r#""equilibrium""#,
        "\"table\"\ntable = [[0, 1], [1, -1]]",
        &["21:9 `table` is not a density: value 1 of a density is -1: every value must be finite and not negative |  | -"],
    ),
    (
        "potential =",
        "force = 1\npotential =",
        &["21:16 a model with a `force` has no equilibrium |  | use `steady-state`, or put the force into the potential if it has one"],
    ),
];

/// Measurements and exact formulas.
const MEASURE: &[Case] = &[
    (
        r#"["first_law"]"#,
        r#"["first_lwa"]"#,
        &[
            "28:13 unknown theorem `first_lwa` | expected `jarzynski`, `crooks`, `integral_total`, `first_law`, `detailed_total`, `steady_balance`, `detailed_balance`, `tur`, `integral_housekeeping`, `integral_nonadiabatic`, `hatano_sasa`, `gallavotti_cohen` or `conservation` | did you mean `first_law`?",
        ],
    ),
    (r#"["first_law"]"#, r#"["first_law", "first_law"]"#, &["28:26 theorem `first_law` is listed twice |  | -"]),
    (r#"["first_law"]"#, r#""first_law""#, &[r#"28:12 `theorems` must be a list of names, as in `["first_law"]` | found a string | -"#]),
    (
        "every = 0.1",
        "every = 0.1\ngrid = [0, 1]",
        &["28:8 `grid` must be a table | expected `{ x = [lower, upper, bins] }` with names of coordinates as keys | -"],
    ),
    ("every = 0.1", "every = 0.1\ngrid = { y = [0, 1] }", &["28:10 unknown key `y` in `grid` | expected `x` | -"]),
    ("every = 0.1", "every = 0.1\ngrid = { x = [0, 1, 0] }", &["28:21 the number of bins must be an integer of at least 1 | this is 0 | -"]),
    ("every = 0.1", "every = 0.1\ngrid = { x = [0, 1, 1e6] }", &["28:21 too many bins | at most 65536 are possible | -"]),
    ("every = 0.1", "every = 0.1\ngrid = { x = [1, 1] }", &["28:14 a grid must be a range with lower < upper | this is 1 to 1 | -"]),
    ("every = 0.1", "every = 0.1\ntrajectories = 1", &["28:16 `trajectories` must be `true` or `false` | found an integer | -"]),
    (r#"work = "v^2 * t""#, r#"work = "v^2 * x""#, &["31:15 `work` cannot depend on the coordinate `x` |  | use formulas of `t` and parameters"]),
    (r#"work = "v^2 * t""#, r#"work = "log(-t)""#, &["31:8 `work` must be finite at the end | this is NaN | -"]),
    (
        r#"work = "v^2 * t""#,
        "work = 0\nwork.variance = 1",
        &[r#"32:1 not valid TOML: cannot extend value of type integer with a dotted key |  | put a name with a dot into quotes, as in `"work.variance" = …`"#],
    ),
];

/// Syntax.
const TOML: &[Case] = &[
    ("k = 2.0", "k = ", &["11:5 not valid TOML: string values must be quoted, expected literal string |  | -"]),
    ("[measure]", "[measure", &["26:9 not valid TOML: unclosed table, expected `]` |  | -"]),
];

#[test]
fn refusals_say_where_and_what() {
    for cases in [KEYS, KINDS, COORDINATES, FORMULAS, BATHS, PARAMETERS, SCHEDULE, INITIAL, MEASURE, TOML] {
        for (from, to, expected) in cases {
            let found = summaries(&changed(from, to));
            let same = |(found, expected): (&String, &&str)| match expected.strip_suffix('…') {
                Some(beginning) => found.starts_with(beginning),
                None => found == expected,
            };
            let all = found.len() == expected.len() && found.iter().zip(*expected).all(same);
            assert!(all, "{from:?} replaced by {to:?}\nexpected {expected:#?}\nfound {found:#?}");
        }
    }
}

#[test]
fn an_unknown_name_in_a_formula_comes_with_the_nearest_one() {
    let error = load(&changed("x - lambda", "x - lambd")).err();
    let help = error.as_ref().and_then(|error| error.problems().first()?.help.clone());
    assert_eq!(help.as_deref(), Some("did you mean `lambda`?"));
}

#[test]
fn a_parameter_below_its_reader_is_pointed_out() {
    let error = load(&changed("k = 2.0", "k = \"gamma\"")).err();
    let help = error.as_ref().and_then(|error| error.problems().first()?.help.clone());
    assert_eq!(help.as_deref(), Some("`gamma` is defined further down; a parameter may read earlier ones"));
}

#[test]
fn the_rendered_text_shows_the_line() {
    let text = changed("dt = 0.01", "dt = 0.03 # seconds");
    let expected = "\
error: `dt` does not divide the time between saves 0.1
  --> trap.toml:24:6
   |
24 | dt = 0.03 # seconds
   |      ^^^^ this is 0.03
   |
   = help: the nearest that does is 0.03333333333333 = \"0.1/3\"";
    assert_eq!(refusal(&text), expected);
    let coloured = load(&text).err().map(|error| error.coloured()).unwrap_or_default();
    assert!(coloured.contains("\u{1b}[") && coloured.contains("does not divide"));
}

#[test]
fn all_problems_are_shown_in_the_order_of_the_text() {
    let text = changed("temperature = 1.0", "temperature = -1.0").replace("k = 2.0", "k = true").replace("dt = 0.01", "dt = -0.01");
    let shown = refusal(&text);
    let lines: Vec<&str> = shown.lines().filter(|line| line.starts_with("error")).collect();
    let expected = ["error: `temperature` must be above 0", "error: parameter `k` must be a number or a formula", "error: `dt` must be above 0"];
    assert_eq!(lines, expected);
}

#[test]
fn overrides_are_blamed_where_they_are_at_fault() {
    let override_of_dt = "\
error: `dt` does not divide the time between saves 0.1
 --> --set:1:13
  |
1 | ensemble.dt=0.03
  |             ^^^^ this is 0.03
  |
  = help: the nearest that does is 0.03333333333333 = \"0.1/3\"";
    let error = load_with(SOUND, &[("v", "2"), ("ensemble.dt", "0.03")]).err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some(override_of_dt));
    for (key, value, expected) in [
        ("v", "nan", "1:3 parameter `v` must be a finite number |  | -"),
        ("v", "[1]", "1:3 parameter `v` must be a number or a formula | found a list | -"),
        ("w", "1", "1:1 `w` is neither a parameter nor a key |  | [parameters] has `k`, `gamma` and `v`"),
        ("gama", "1", "1:1 `gama` is neither a parameter nor a key |  | did you mean `gamma`?"),
        ("dt", "0.1", "1:1 `dt` is neither a parameter nor a key |  | did you mean `ensemble.dt`?"),
        ("parameters.kk", "1", "1:1 no `kk` in [parameters] |  | [parameters] has `k`, `gamma` and `v`"),
        ("protocol.lamda", "1", "1:1 no `lamda` in [protocol] |  | did you mean `protocol.lambda`?"),
        ("exact.heat", "1", "1:1 no `heat` in [exact] |  | [exact] has `work`"),
        (
            "model.frictio",
            "1",
            "1:1 unknown key `frictio` in [model] | expected `kind`, `coordinates`, `potential`, `force`, `friction`, `temperature`, `interpretation`, `parity` or `x` | did you mean `friction`?",
        ),
        ("ensemble.dt.x", "1", "1:1 `dt` is not a table, so it has no keys of its own |  | -"),
        ("a b", "1", "1:1 `a b` is not a key path |  | write `--set name=value` or `--set section.key=value`"),
        ("ensemble.precision", "f16", "1:20 unknown precision `f16` | expected `f64` or `f32` | -"),
        (
            "model.friction",
            "gamma*x",
            r#"1:16 `friction` depends on a coordinate: the noise is multiplicative, and `interpretation` must say how it is read | add `interpretation = "ito" | "stratonovich" | "anti-ito"` to [model] | "ito": noise read at the start of a step (small-mass limit where the temperature depends on place); "stratonovich": in its middle; "anti-ito": at its end (small-mass limit where only the friction depends on place: keeps Boltzmann's law)"#,
        ),
    ] {
        let error = load_with(SOUND, &[(key, value)]).err();
        let found: Vec<String> = error.iter().flat_map(ExperimentError::problems).map(summary).collect();
        assert_eq!(found, [expected], "--set {key}={value}");
        assert!(error.iter().flat_map(ExperimentError::problems).all(|problem| problem.file == "--set"));
    }
}

#[test]
fn starts_and_grids_stay_inside_the_range() {
    let ring = changed("[\"x\"]", "{ x = { periodic = [0, \"2*pi\"] } }").replace("k/2 * (x - lambda)^2", "k * cos(x - lambda)");
    assert!(load(&ring).is_ok());
    for (from, to, expected) in [
        ("\"equilibrium\"", "\"point\"\nat = 7", "21:6 the start lies outside the range of `x` | expected within 0 and 6.283185307179586 | -"),
        ("\"equilibrium\"", "\"uniform\"\nrange = [-1, 1]", "21:9 the start lies outside the range of `x` | expected within 0 and 6.283185307179586 | -"),
        (
            "\"equilibrium\"",
            "\"table\"\ntable = [[0, 1], [7, 1]]",
            "21:9 the start lies outside the range of `x` | expected within 0 and 6.283185307179586 | -",
        ),
        (
            "\"equilibrium\"",
            "\"gaussian\"\nmean = 0\ndeviation = 1",
            "20:16 a Gaussian needs coordinates without walls and periods | its tails lie outside the range | use `uniform`, `table` or `point`",
        ),
        (
            "every = 0.1",
            "every = 0.1\ngrid = { x = [0, 7] }",
            "28:14 the grid lies outside the range of its coordinate | expected within 0 and 6.283185307179586 | -",
        ),
        ("cos(x - lambda)", "cos(x*lambda)", "6:13 `potential` is not periodic in `x`"),
    ] {
        assert!(ring.contains(from), "{from}");
        let found = summaries(&ring.replacen(from, to, 1));
        assert!(found.len() == 1 && found[0].starts_with(expected), "{to}: {found:#?}");
    }
}
