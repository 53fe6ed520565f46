//! How records of a kind are taken out: what stands in a table of them beside their columns, and what of these does not.

use crate::store::Target;

/// What a record says of its exports, beside its columns. What is spelt out, and its parts, it makes itself
/// ([`Record::spelt`](super::Record::spelt), [`Record::parts`](super::Record::parts)).
#[derive(Debug, Clone, Copy)]
pub struct Exported {
    /// The column with the day by which they are asked for: of issue, of payment.
    pub day: Option<&'static str>,
    /// The statuses that `open` stands for, where it is none itself.
    pub open: &'static [&'static str],
    /// Columns that tables leave out, because they hold what only programs read.
    pub inner: &'static [&'static str],
    /// Columns that say in words or figures what others hold, or what follows from them.
    pub spelt: &'static [&'static str],
    /// Those of them that are decimal numbers.
    pub figures: &'static [(&'static str, Figures)],
    /// What one consists of, where each of these can be a row of a table of its own.
    pub parts: Option<Parts>,
}

/// What a decimal number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figures {
    /// Money, in the record's currency.
    Money,
    /// Something else: a quantity, a rate.
    Other,
}

impl Exported {
    /// Its columns and nothing else.
    pub const PLAIN: Self = Self {
        day: None,
        open: &[],
        inner: &[],
        spelt: &[],
        figures: &[],
        parts: None,
    };
}

/// What a record consists of, as rows.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    /// What they are called: `lines` makes `invoice lines`.
    pub name: &'static str,
    /// The columns of the record that stand in each of these rows.
    pub of: &'static [&'static str],
    /// Their own.
    pub columns: &'static [&'static str],
    /// Those of their own that are decimal numbers.
    pub figures: &'static [(&'static str, Figures)],
    /// Those of their own that refer to records.
    pub references: &'static [(&'static str, Target)],
}
