//! How far a run is, on standard error.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::numbers::{duration, with_prefix};

/// Time between two lines where no bar can be drawn.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Reports trajectory-steps done: as a bar on a terminal, as a line now and then elsewhere, or not at all.
pub(super) struct Progress {
    total: u64,
    done: u64,
    started: Instant,
    note: String,
    unit: &'static str,
    view: View,
}

enum View {
    Quiet,
    Bar(ProgressBar),
    Lines(Clock),
}

/// Decides when the next line is due.
struct Clock {
    next: Duration,
}

impl Clock {
    fn due(&mut self, elapsed: Duration) -> bool {
        let due = elapsed >= self.next;
        if due {
            self.next = elapsed + LINE_EVERY;
        }
        due
    }
}

impl Progress {
    /// Starts the clock of a run of `total` trajectory-steps, or events.
    pub(super) fn new(total: u64, unit: &'static str, quiet: bool) -> Self {
        let view = if quiet {
            View::Quiet
        } else if stderr().is_terminal() {
            View::Bar(bar(total, unit))
        } else {
            View::Lines(Clock { next: LINE_EVERY })
        };
        Self { total, done: 0, started: Instant::now(), note: String::new(), unit, view }
    }

    /// So many trajectory-steps more are done.
    pub(super) fn advance(&mut self, steps: u64) {
        self.done += steps;
        let elapsed = self.started.elapsed();
        match &mut self.view {
            View::Quiet => {}
            View::Bar(bar) => bar.inc(steps),
            View::Lines(clock) => {
                if clock.due(elapsed) {
                    eprintln!("{}", line(self.done, self.total, self.unit, elapsed, &self.note));
                }
            }
        }
    }

    /// What to say beside the progress: a running estimate.
    pub(super) fn note(&mut self, note: String) {
        if let View::Bar(bar) = &self.view {
            bar.set_message(note.clone());
        }
        self.note = note;
    }

    /// Clears the bar. What was found is for the table to say.
    pub(super) fn finish(self) {
        if let View::Bar(bar) = &self.view {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: u64, unit: &'static str) -> ProgressBar {
    let rate = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // Writing into the bar's own text cannot fail.
        let _ = write!(out, "{} {unit}/s", with_prefix(state.per_sec()));
    };
    let left = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{} left", duration(state.eta().as_secs_f64()));
    };
    let template = "{bar:24} {percent:>3} %  {rate}  {left}  {wide_msg}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(total).with_style(style.progress_chars("█▉▊▋▌▍▎▏ ").with_key("rate", rate).with_key("left", left));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// One line of a log: ` 25 %  1.25 G steps/s  30 s left  entropy production 1.23 ± 0.02`.
fn line(done: u64, total: u64, unit: &str, elapsed: Duration, note: &str) -> String {
    let fraction = done as f64 / (total as f64).max(1.0);
    let rate = done as f64 / elapsed.as_secs_f64();
    let left = total.saturating_sub(done) as f64 / rate;
    let text = format!("{:3.0} %  {} {unit}/s  {} left  {note}", 100.0 * fraction, with_prefix(rate), duration(left));
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_how_long() {
        let text = line(25_000_000_000, 100_000_000_000, "steps", Duration::from_secs(20), "entropy production 1.23 ± 0.02");
        assert_eq!(text, " 25 %  1.25 G steps/s  1 min 00 s left  entropy production 1.23 ± 0.02");
        assert_eq!(line(0, 0, "steps", Duration::from_secs(1), ""), "  0 %  0.00 steps/s  unknown left");
    }

    #[test]
    fn lines_come_every_ten_seconds() {
        let mut clock = Clock { next: LINE_EVERY };
        let due: Vec<bool> = [0, 9, 10, 11, 19, 20, 45, 50, 55].map(|second| clock.due(Duration::from_secs(second))).to_vec();
        assert_eq!(due, [false, false, true, false, false, true, true, false, true]);
    }

    #[test]
    fn a_quiet_run_counts_and_says_nothing() {
        let mut progress = Progress::new(100, "steps", true);
        progress.advance(40);
        progress.note("entropy production".into());
        assert!(matches!(progress.view, View::Quiet));
        assert_eq!(progress.done, 40);
        progress.finish();
    }

    #[test]
    fn the_template_of_the_bar_is_understood() {
        let bar = bar(10, "events");
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        bar.inc(4);
        assert_eq!((bar.position(), bar.length()), (4, Some(10)));
        assert!(ProgressStyle::with_template("{bar:24} {percent:>3} %  {rate}  {left}  {wide_msg}").is_ok());
    }
}
