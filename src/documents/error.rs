//! Why a document cannot be made.

/// Why a document cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Something is missing or not allowed in the form that was asked for. Says which part of the document, and what to do.
    #[error("{0}")]
    Incomplete(String),
    /// Some characters are in no font that is at hand.
    #[error("No font here has {characters}. Install one, or put it into the fonts folder.")]
    NoFont {
        /// The characters, at most ten.
        characters: String,
    },
    /// A library failed where it should not have.
    #[error("{0}")]
    Internal(String),
}
