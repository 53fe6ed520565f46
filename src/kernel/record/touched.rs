//! What counts as having been in touch with somebody.

/// What of a kind of record counts as having been in touch with what it refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// The column with the moment.
    pub at: &'static str,
    /// Which of them count: an SQL condition on the record's own columns.
    pub counts: &'static str,
}
