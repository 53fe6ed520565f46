//! What people call a record.

/// What people call a record instead of giving its identifier.
#[derive(Debug, Clone, Copy)]
pub struct Called {
    pub(crate) by: &'static [CalledBy],
    /// The tool that finds such records.
    pub found_with: &'static str,
    /// It is the name of what it belongs to.
    pub(crate) is_borrowed: bool,
}

/// Where it is looked up.
#[derive(Debug, Clone, Copy)]
pub enum CalledBy {
    /// Among the index keys of this name.
    Key(&'static str),
    /// In this column, which has an index and holds its name folded.
    Column(&'static str),
    /// The same with the name of a person, whose family name stands first there; where the column says something else than the
    /// name, among the index keys `name`.
    FamilyFirst(&'static str),
    /// Among the index keys of this name, which hold names of firms without their legal form: one that is given with another
    /// form is another firm.
    Firm(&'static str),
}

impl Called {
    /// Nothing: it is named by its identifier only.
    pub const NOTHING: Self = Self {
        by: &[],
        found_with: "",
        is_borrowed: false,
    };

    /// It is looked up like this, the surest first: what is found there is meant, and nothing that is found later.
    #[must_use]
    pub const fn by(by: &'static [CalledBy], found_with: &'static str) -> Self {
        Self {
            by,
            found_with,
            is_borrowed: false,
        }
    }

    /// What it is called is the name of what it belongs to, as an application's is its candidate's: where a record of any kind may
    /// be meant, that one is.
    #[must_use]
    pub const fn borrowed(self) -> Self {
        Self {
            is_borrowed: true,
            ..self
        }
    }

    /// Whether people call it anything.
    #[must_use]
    pub const fn is_something(&self) -> bool {
        !self.by.is_empty()
    }
}
