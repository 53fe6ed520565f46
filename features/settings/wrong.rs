//! What is wrong with single parts of a call, so that all of it is told at once.

use bureau_kernel::prelude::*;

/// What is wrong with single parts.
#[derive(Default)]
pub(crate) struct Wrong(Vec<Error>);

impl Wrong {
    /// Keeps what is wrong with one part of the call; whatever else went wrong ends it.
    ///
    /// # Errors
    /// Whatever is no mistake of the caller's, with its place.
    pub(crate) fn keep<T>(&mut self, place: &str, done: Result<T>) -> Result<Option<T>> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error) if error.code() == Code::Validation => {
                self.0.push(error.inside(place));
                Ok(None)
            }
            // What is to be removed and is not there is named by the whole of what was said of it.
            Err(error) if error.code() == Code::NotFound || error.field_name().is_some() => {
                Err(error.inside(place))
            }
            Err(error) => Err(error),
        }
    }

    /// Ends the call where something was wrong.
    ///
    /// # Errors
    /// All that was kept.
    pub(crate) fn end(self) -> Result<()> {
        Error::all(self.0).map_or(Ok(()), Err)
    }
}
