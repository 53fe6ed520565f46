//! Progress of long work, on stderr and only where a person watches: a script sees nothing of it.

use std::borrow::Cow;

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
