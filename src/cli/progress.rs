//! Progress of long work, on stderr and only where a person watches: a script sees nothing of it.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use bureau_kernel::watch::Watch;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that is gone when the work is.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Begins. `total` counts what the work consists of; without it only what is done is shown.
    pub(super) fn begin(what: &'static str, total: Option<u64>) -> Self {
        // Draws nothing when stderr is no terminal.
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        let template = if total.is_some() {
            "{msg} {wide_bar} {human_pos}/{human_len} {eta}"
        } else {
            "{msg} {human_pos} {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(Cow::Borrowed(what));
        Self(bar)
    }

    /// So much more is done.
    pub(super) fn advance(&self, by: u64) {
        self.0.inc(by);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The bars of work that has several parts, one after the other.
#[derive(Default)]
pub(super) struct Steps(Mutex<Option<Progress>>);

impl Steps {
    /// Takes the bar away until the next part begins.
    pub(super) fn pause(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Watch for Steps {
    fn begin(&self, what: &'static str, total: Option<u64>) {
        self.pause();
        let bar = Progress::begin(what, total);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    fn advance(&self, by: u64) {
        if let Some(bar) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.advance(by);
        }
    }
}
