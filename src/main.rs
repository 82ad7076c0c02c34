//! The command `ness`. See the library for the tour.

use std::process::ExitCode;

fn main() -> ExitCode {
    ness::cli::main()
}
