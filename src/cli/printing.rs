//! Standard output, where results go.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write, stdout};

/// Writes to standard output. A reader that has seen enough, as `head`, is no failure; anything else that keeps results from being seen ends the program.
pub(super) fn write_out(text: Arguments<'_>) {
    let mut out = stdout().lock();
    match out.write_fmt(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("error: cannot write to standard output: {error}");
            std::process::exit(i32::from(super::FAILED));
        }
        _ => {}
    }
}

/// As `print!`, by [`write_out`].
macro_rules! put {
    ($($argument:tt)*) => { crate::cli::printing::write_out(format_args!($($argument)*)) };
}

/// As `println!`, by [`write_out`].
macro_rules! put_line {
    ($($argument:tt)*) => { crate::cli::printing::write_out(format_args!("{}\n", format_args!($($argument)*))) };
}

pub(super) use {put, put_line};
