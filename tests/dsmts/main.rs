//! The stochastic test suite of SBML: its models as both levels write them, their exact moments, and the rule by which a sample passes.

mod direct;
mod judge;
mod models;
mod simulator;

/// Numbers of all cases, as `001-01`.
fn cases() -> Vec<String> {
    let of = |series: &str, last: u32| (1..=last).map(|variant| format!("{series}-{variant:02}")).collect::<Vec<_>>();
    [of("001", 19), of("002", 10), of("003", 7), of("004", 3)].concat()
}
