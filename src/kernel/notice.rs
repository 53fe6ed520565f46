//! What an answer says beside its data: that it is not all there is, or not the newest.

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::Error;

/// One thing that whoever reads an answer has to know about it. On the wire they stand in `notices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Notice {
    code: NoticeCode,
    message: String,
    /// The record that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
}

/// Stable, machine-readable kinds of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum NoticeCode {
    /// More match than were looked through.
    Truncated,
    /// The caller's own last write may be missing.
    Stale,
    /// A record is left out, because it cannot be read.
    RecordUnreadable,
    /// None has all of the searched words; those that have most of them are answered.
    SomeWords,
    /// No record has the value that was asked for.
    Unused,
    /// Something went with what was changed, and does not come back with it.
    Dropped,
    /// What was written is right, and may come to something that is refused.
    Warning,
    /// A record does not have the searched words itself: something that belongs to it has, such as a note.
    FoundByPart,
}

impl Notice {
    /// More match than were looked through, and so the answer is not complete.
    #[must_use]
    pub fn truncated(message: impl Into<String>) -> Self {
        Self::new(NoticeCode::Truncated, message)
    }

    /// The caller's own last write may be missing.
    #[must_use]
    pub fn stale(message: impl Into<String>) -> Self {
        Self::new(NoticeCode::Stale, message)
    }

    /// Something went with what was changed, and does not come back when that is taken back.
    #[must_use]
    pub fn dropped(message: impl Into<String>) -> Self {
        Self::new(NoticeCode::Dropped, message)
    }

    /// What was written is right, and may come to something that is refused.
    #[must_use]
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(NoticeCode::Warning, message)
    }

    /// A record is left out for this error, made with [`Error::unreadable`].
    #[must_use]
    pub fn unreadable(error: &Error) -> Self {
        let record = error.detail_value("record");
        Self {
            record: record.and_then(|id| id.as_str()).map(str::to_owned),
            ..Self::new(NoticeCode::RecordUnreadable, error.message())
        }
    }

    /// A record was found by what belongs to it: its identifier, what the part is called, and the part's identifier.
    pub(crate) fn found_by_part(record: String, noun: &str, part: &str) -> Self {
        let message = format!("{record} was found by its {noun} {part}.");
        Self {
            record: Some(record),
            ..Self::new(NoticeCode::FoundByPart, message)
        }
    }

    /// No record has a value that was asked for.
    pub(crate) fn unused(message: impl Into<String>) -> Self {
        Self::new(NoticeCode::Unused, message)
    }

    /// No such record has all of the words that were searched for.
    #[must_use]
    pub fn some_words(message: impl Into<String>) -> Self {
        Self::new(NoticeCode::SomeWords, message)
    }

    fn new(code: NoticeCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            record: None,
        }
    }
}
