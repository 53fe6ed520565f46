//! Where a test's random choices come from.

/// A number that stands in the environment.
pub(crate) fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The seed of a test: what `name` says in the environment, else the seed of the whole run (`scripts/test` takes it from the
/// commit, so that what passed once is not red for another choice), else a new one.
pub(crate) fn seed(name: &str) -> u64 {
    from_environment(name)
        .or_else(|| from_environment("BUREAU_SEED"))
        .unwrap_or_else(|| u64::from(rand::random::<u32>()))
}
