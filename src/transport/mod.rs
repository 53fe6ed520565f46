//! How clients reach the server: pipes, HTTP, or a bridge from the one to the other. All end when [`stop_signal`] fires,
//! after the calls under way.

pub mod bridge;
pub mod budget;
pub mod http;
pub mod metrics;
pub mod stdio;

use tokio_util::sync::CancellationToken;

/// The longest message that a client may send over either transport, in bytes (4 MiB).
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// A token that is cancelled when the process is told to end, by SIGTERM or Ctrl-C.
///
/// # Errors
///
/// When the operating system refuses the signal handlers.
pub fn stop_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let fired = stop.clone();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            fired.cancel();
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            fired.cancel();
        }
    });
    Ok(stop)
}
