//! Telling how far long work is.

/// Whom long work tells how far it is.
pub trait Watch: Send + Sync {
    /// The next part begins. `total` counts what it consists of, where that is known.
    fn begin(&self, what: &'static str, total: Option<u64>);
    /// So much more of it is done.
    fn advance(&self, by: u64);
}

/// Nobody.
impl Watch for () {
    fn begin(&self, _: &'static str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
}
