//! Protocol tables: values in the middle of steps, and jumps at the start, inside and at the end.

use super::*;

fn table(lambda: &str) -> Vec<f64> {
    // Four steps of length 0.25.
    let text = changed("lambda = \"v*t\"", &format!("lambda = {lambda}"))
        .replacen("duration = 2.0", "duration = 1.0", 1)
        .replacen("dt = 0.01", "dt = 0.25", 1)
        .replacen("every = 0.1", "every = 0.25", 1);
    let experiment = load(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(experiment.steps, 4);
    let mut tables = experiment.protocol.table(&experiment.graph, &experiment.parameters, experiment.ensemble.dt, experiment.steps);
    assert_eq!(tables.len(), 1);
    tables.remove(0)
}

#[test]
fn entries_are_middles_of_steps_between_the_outer_limits() {
    for (lambda, expected) in [
        ("3", [3.0, 3.0, 3.0, 3.0, 3.0, 3.0]),
        ("\"3*v\"", [3.0, 3.0, 3.0, 3.0, 3.0, 3.0]),
        ("\"2*k*t\"", [0.0, 0.5, 1.5, 2.5, 3.5, 4.0]),
        ("{ expression = \"2*k*t\", start = -1 }", [-1.0, 0.5, 1.5, 2.5, 3.5, 4.0]),
        ("{ expression = \"2*k*t\", start = -1, end = \"5*v\" }", [-1.0, 0.5, 1.5, 2.5, 3.5, 5.0]),
        ("{ table = [[0, 0], [1, 4]] }", [0.0, 0.5, 1.5, 2.5, 3.5, 4.0]),
        ("{ table = [[0, 0], [0.125, 0], [\"v\", \"7*v\"]] }", [0.0, 0.0, 2.0, 4.0, 6.0, 7.0]),
        ("{ table = [[0, -1], [0, 0], [1, 4], [1, 9]] }", [-1.0, 0.5, 1.5, 2.5, 3.5, 9.0]),
        ("{ table = [[0, 0], [0.5, 2], [0.5, 5], [1, 7]] }", [0.0, 0.5, 1.5, 5.5, 6.5, 7.0]),
        ("{ table = [[0, 0], [2, 8]] }", [0.0, 0.5, 1.5, 2.5, 3.5, 4.0]),
        ("{ steps = [[0, 1]] }", [1.0; 6]),
        ("{ steps = [[0, 1], [0.5, 2]] }", [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]),
        ("{ steps = [[0, 0], [0, 1], [0.5, 2], [1, 3]] }", [0.0, 1.0, 1.0, 2.0, 2.0, 3.0]),
        ("{ steps = [[0, 1], [0.25, 2]], period = 0.5 }", [1.0, 1.0, 2.0, 1.0, 2.0, 1.0]),
        ("{ steps = [[0, 1], [0.5, 2]], period = 0.75 }", [1.0, 1.0, 1.0, 2.0, 1.0, 1.0]),
        ("{ table = [[0, 0], [0.5, 2]], period = 0.5 }", [0.0, 0.5, 1.5, 0.5, 1.5, 0.0]),
    ] {
        assert_eq!(table(lambda), expected, "{lambda}");
    }
}

#[test]
fn jumps_on_the_grid_survive_rounding() {
    // 0.3 is not a multiple of 0.1 in binary.
    let text = changed("lambda = \"v*t\"", "lambda = { steps = [[0, 0], [0.3, 1], [0.7, 2]] }").replacen("duration = 2.0", "duration = 1", 1).replacen(
        "dt = 0.01",
        "dt = 0.1",
        1,
    );
    let experiment = load(&text).unwrap_or_else(|error| panic!("{error}"));
    let table = experiment.protocol.table(&experiment.graph, &experiment.parameters, 0.1, 10);
    assert_eq!(table[0], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
}

#[test]
fn bad_paths_are_refused() {
    for (lambda, expected) in [
        ("{ table = [] }", "17:20 `lambda` has no points | expected `[[t, value], …]` | -"),
        ("{ table = [[0.5, 1], [2, 1]] }", "17:21 the points of `lambda` must start at t = 0 | this is at t = 0.5 | -"),
        ("{ table = [[0, 1], [1, 1]] }", "17:29 the table of `lambda` must cover the whole duration 2 | the last point is at t = 1 | -"),
        ("{ table = [[0, 1], [1, 1], [0.5, 2]] }", "17:37 the points of `lambda` must be in the order of time | this is before t = 1 | -"),
        ("{ table = [[0, 1], [0, 2], [0, 3], [2, 3]] }", "17:37 `lambda` has three points at t = 0 | two points at one time are a jump | -"),
        (
            "{ table = [[0, 1], [0.505, 1], [0.505, 2], [2, 3]] }",
            "17:41 `lambda` jumps between two steps, at t = 0.505 | the nearest steps end at t = 0.5 and t = 0.51 | move the jump, or change `dt`",
        ),
        ("{ table = [[0, 1, 2]] }", "17:21 an entry of `lambda` must be a pair `[t, value]` | this has 3 entries | -"),
        (
            "{ steps = [[0, 1], [0.333, 2]] }",
            "17:29 `lambda` jumps between two steps, at t = 0.333 | the nearest steps end at t = 0.33 and t = 0.34 | move the jump, or change `dt`",
        ),
        ("{ steps = [[0, 1], [1, 2], [1, 3]] }", "17:37 `lambda` has two values from t = 1 on | only the start may have two entries | -"),
        ("{ steps = [[0, 1], [1, 2]], end = 3 }", "17:44 `lambda` has its jumps in its points | `start` and `end` go with `expression` | -"),
        ("{ steps = [[0, 1]], table = [[0, 1]] }", "17:10 protocol variable `lambda` needs one of `expression`, `table` and `steps` |  | -"),
        (
            "{ expresion = \"t\" }",
            "17:12 unknown key `expresion` in protocol variable `lambda` | expected `expression`, `start`, `end`, `table`, `steps` or `period` | did you mean `expression`?",
        ),
        (
            "[[0, 1]]",
            "17:10 `lambda` must be a number, a formula of `t`, or a table | found a list | write `{ table = [[t, value], …] }` or `{ steps = [[t, value], …] }`",
        ),
        ("true", "17:10 `lambda` must be a number or a formula | found a boolean | -"),
        ("\"1/(t - 1)\"", "17:10 `lambda` must be finite over the whole duration | this is inf at t = 1 | -"),
        ("\"v*x\"", "17:13 `lambda` cannot depend on the coordinate `x` |  | use formulas of `t` and parameters"),
        ("\"1\"\nmu = \"lambda\"", "18:7 `mu` cannot depend on the protocol variable `lambda` |  | use formulas of `t` and parameters"),
    ] {
        let found = summaries(&changed("lambda = \"v*t\"", &format!("lambda = {lambda}")));
        assert!(found.iter().any(|problem| problem == expected), "{lambda}\nexpected {expected}\nfound {found:#?}");
    }
}

fn pieces(lambda: &str) -> Vec<(f64, f64, bool)> {
    let text = changed("lambda = \"v*t\"", &format!("lambda = {lambda}"));
    let experiment = load(&text).unwrap_or_else(|error| panic!("{error}"));
    experiment.pieces(2.0).into_iter().map(|piece| (piece.start, piece.end, piece.moves)).collect()
}

#[test]
fn a_protocol_is_cut_where_it_jumps_or_bends() {
    assert_eq!(pieces("3"), [(0.0, 2.0, false)]);
    assert_eq!(pieces("\"t^2\""), [(0.0, 2.0, true)]);
    assert_eq!(pieces("{ steps = [[0, 1], [0.5, 2]] }"), [(0.0, 0.5, false), (0.5, 2.0, false)]);
    assert_eq!(pieces("{ table = [[0, 0], [0.5, 2], [2, 2]] }"), [(0.0, 0.5, true), (0.5, 2.0, false)]);
    for (lambda, places, moves) in [
        ("\"min(t, 0.7)\"", &[0.7][..], &[true, false][..]),
        ("\"abs(t - 0.3) + 2*(t >= 1.1)\"", &[0.3, 1.1], &[true, true, true]),
        ("\"floor(2*t + 0.5)\"", &[0.25, 0.75, 1.25, 1.75], &[false; 5]),
        ("\"sign(sin(pi*t))\"", &[1.0], &[false, false]),
    ] {
        let found = pieces(lambda);
        let inner: Vec<f64> = found[1..].iter().map(|piece| piece.0).collect();
        assert!(inner.len() == places.len() && inner.iter().zip(places).all(|(found, place)| (found - place).abs() <= 1e-12), "{lambda}: {inner:?}");
        assert!(found.windows(2).all(|pair| pair[0].1 == pair[1].0) && found.iter().map(|piece| piece.2).eq(moves.iter().copied()), "{lambda}: {found:?}");
    }
}

#[test]
fn what_goes_to_and_fro_is_cut_into_pieces_of_few_turns_that_share_no_rhythm() {
    let found = pieces("\"sin(2*pi*32*t)\"");
    let turns = |piece: &(f64, f64, bool)| 64.0 * (piece.1 - piece.0) * 2.0 / 2.0;
    assert!(found.len() > 16 && found.iter().all(|piece| turns(piece) <= 12.0), "{found:?}");
    // The middles of any number of even steps of a piece are no zeros of the sine, all of them.
    for (start, end, _) in found {
        for steps in [1, 2, 4, 8] {
            let middle = |k: i32| start + (end - start) * (f64::from(k) + 0.5) / f64::from(steps);
            assert!((0..steps).any(|k| (64.0 * std::f64::consts::PI * middle(k)).sin().abs() > 1e-3));
        }
    }
}
