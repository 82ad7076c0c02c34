//! Ctrl-C and termination: the run stops, what is complete is written, and the exit code says how it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

/// Remembers the signal that arrived.
#[derive(Clone)]
pub(super) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Listens from now on. A second signal ends the program at once.
    pub(super) fn listen() -> std::io::Result<Self> {
        let received = Arc::new(AtomicUsize::new(0));
        let armed = Arc::new(std::sync::atomic::AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&armed))?;
            signal_hook::flag::register(signal, Arc::clone(&armed))?;
            signal_hook::flag::register_usize(signal, Arc::clone(&received), signal as usize)?;
        }
        Ok(Self(received))
    }

    /// Whether to stop.
    pub(super) fn arrived(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// The exit code of an interrupted program: 128 + signal.
    pub(super) fn code(&self) -> Option<u8> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            signal => u8::try_from(128 + signal).ok(),
        }
    }
}
