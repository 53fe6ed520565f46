//! Orders of lists.

use crate::store::Kind;

/// An order that a list offers. Its column is never NULL and has an index that starts with the workspace.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Its name on the wire.
    pub name: &'static str,
    /// The column.
    pub column: &'static str,
    /// What stands in it.
    pub kind: Kind,
    /// A column on which a second index depends: of the records with one value of it, or with none, that index has this
    /// order too.
    pub within: Option<&'static str>,
}

impl Order {
    /// By the time of creation.
    pub const CREATED: Self = Self::new("created_at", "created_at", Kind::Time);
    /// By the time of the last change.
    pub const UPDATED: Self = Self::new("updated_at", "updated_at", Kind::Time);

    /// An order by this column.
    #[must_use]
    pub const fn new(name: &'static str, column: &'static str, kind: Kind) -> Self {
        Self {
            name,
            column,
            kind,
            within: None,
        }
    }

    /// The same, with an index that has this order among the records that are alike in that column.
    #[must_use]
    pub const fn within(self, column: &'static str) -> Self {
        Self {
            within: Some(column),
            ..self
        }
    }
}
