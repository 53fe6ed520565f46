//! What the process counts: one place for the names, their units and their buckets.

use std::time::Duration;

use bureau_kernel::store::REPLICA_READS;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Histogram, seconds, by `tool` and `code` (`OK`, `ASKED` or the error's code); the dispatcher records it.
pub const CALL_DURATION: &str = "bureau_call_duration_seconds";

/// Gauge: calls that are being worked on.
pub const CALLS_IN_FLIGHT: &str = "bureau_calls_in_flight";

/// Counter, by `reason`: HTTP requests turned away before they reached a tool.
pub const HTTP_REFUSED: &str = "bureau_http_refused_total";

/// From a point read (tens of microseconds) to the time limit of a request.
const BUCKETS_S: [f64; 14] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5,
    30.0,
];

/// How often samples are folded into their histograms. Until then each is held by itself, so this bounds the memory
/// of a server that nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Installs the process's recorder and returns the handle that `/metrics` renders. To be called within the runtime.
///
/// # Errors
///
/// When a recorder is installed already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(CALL_DURATION.to_owned()), &BUCKETS_S)?
        .install_recorder()?;
    metrics::describe_histogram!(
        CALL_DURATION,
        metrics::Unit::Seconds,
        "Time a call took, by tool and outcome."
    );
    metrics::describe_gauge!(CALLS_IN_FLIGHT, "Calls that are being worked on.");
    metrics::describe_counter!(HTTP_REFUSED, "HTTP requests turned away, by reason.");
    metrics::describe_counter!(
        REPLICA_READS,
        "Reads that replicas of the database answered."
    );
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(UPKEEP);
        loop {
            tick.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// Counts one call as in flight until it is dropped.
pub(crate) struct InFlight;

impl InFlight {
    pub(crate) fn enter() -> Self {
        metrics::gauge!(CALLS_IN_FLIGHT).increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!(CALLS_IN_FLIGHT).decrement(1.0);
    }
}
