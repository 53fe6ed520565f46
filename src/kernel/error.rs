//! The one error that a call can end with.
//!
//! What the caller reads and what the log reads are two messages: [`Error::message`] goes out, the
//! [`source`](std::error::Error::source) stays in. Bad input is [`Code::Validation`] with the field's path; a
//! thing that the caller may not see is [`Code::NotFound`], never [`Code::Forbidden`]; a fault of ours is
//! [`Code::Internal`], whose message names nothing but the call.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};

/// The result of everything in the kernel and in the modules.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Stable, machine-readable kinds of failure. Clients branch on them, so a code never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The input is wrong; `field` says where.
    Validation,
    /// The call removes or sends and was not confirmed.
    ConfirmationRequired,
    /// No credential, or one that is wrong, expired or revoked.
    Unauthorized,
    /// The credential does not allow this.
    Forbidden,
    /// The server or the caller is read-only.
    ReadOnly,
    /// No such thing, as far as this caller can see.
    NotFound,
    /// Duplicate, stale version, or a reused idempotency key.
    Conflict,
    /// Too many calls; `retry_after_s` says when to come back.
    RateLimited,
    /// The work was given up: the caller went away, or a time limit was reached.
    Cancelled,
    /// The storage cannot take the write now (disk full, server gone).
    Unavailable,
    /// The record's row holds what Bureau never writes: the file was damaged, or changed by hand.
    Unreadable,
    /// A fault of Bureau.
    Internal,
}

impl Code {
    /// The code as it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Validation => "VALIDATION_ERROR",
            Self::ConfirmationRequired => "CONFIRMATION_REQUIRED",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden => "FORBIDDEN",
            Self::ReadOnly => "READ_ONLY",
            Self::NotFound => "RESOURCE_NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::RateLimited => "RATE_LIMITED",
            Self::Cancelled => "CANCELLED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unreadable => "RECORD_UNREADABLE",
            Self::Internal => "INTERNAL_ERROR",
        }
    }

    /// The HTTP status that says the same.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Validation | Self::ConfirmationRequired => 400,
            Self::Unauthorized => 401,
            Self::Forbidden | Self::ReadOnly => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::RateLimited => 429,
            Self::Cancelled => 499,
            Self::Unavailable => 503,
            Self::Unreadable | Self::Internal => 500,
        }
    }
}

/// A failure that says what went wrong, where, and what to do next.
pub struct Error(Box<Inner>);

struct Inner {
    code: Code,
    message: String,
    field: Option<String>,
    hint: Option<String>,
    retry_after_s: Option<u64>,
    clash: bool,
    preparation: Option<Preparation>,
    details: Map<String, Value>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What to do where nobody knows whether something was written.
pub(crate) const UNKNOWN: &str = "Look for it before you try again. With the same idempotency_key, if it had one, it is not done twice.";

/// The detail of an error that says what else is wrong.
const ALSO: &str = "also_wrong";

/// Work that is to be done before a call begins anew.
pub(crate) type Preparation = Arc<dyn Fn() + Send + Sync>;

impl Error {
    /// An error of `code` with the message that the caller reads.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            field: None,
            hint: None,
            retry_after_s: None,
            clash: false,
            preparation: None,
            details: Map::new(),
            cause: None,
        }))
    }

    /// Wrong input in `field` (a path such as `emails[0].email`).
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Code::Validation, message).field(field)
    }

    /// Nothing of this kind with this id in the caller's workspace.
    pub fn not_found(noun: &str, id: impl fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("No {noun} {id} here."))
    }

    /// The same in other words.
    #[must_use]
    pub(crate) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// A clash with what is already there.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Code::Conflict, message)
    }

    /// A fault of ours: the caller learns nothing but that it happened, the log gets the cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(
            Code::Internal,
            "Something went wrong inside Bureau; nothing was written.",
        )
        .cause(cause)
    }

    /// A fault of ours in the middle of a write: the caller learns that nobody knows what became of it.
    pub fn outcome_unknown(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(
            Code::Internal,
            "Something went wrong inside Bureau, and whether this was written is not known.",
        )
        .hint(UNKNOWN)
        .detail("written", "unknown")
        .cause(cause)
    }

    /// A record whose row cannot be read, for this cause.
    pub fn unreadable(
        noun: &str,
        id: impl fmt::Display,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(
            Code::Unreadable,
            format!("The {noun} {id} cannot be read: its row in the database is damaged."),
        )
        .hint("Other records are not affected. `bureau doctor` says more; a backup from before the damage has it whole.")
        .detail("record", id.to_string())
        .cause(cause)
    }

    /// The first of several errors, with the others in it, so that they are mended at once; none of none.
    #[must_use]
    pub fn all(errors: Vec<Self>) -> Option<Self> {
        /// Who reads more mends these first.
        const MOST: usize = 10;
        let mut errors = errors.into_iter();
        let mut first = errors.next()?;
        let known = first.0.details.shift_remove(ALSO);
        let mut also: Vec<Value> = known
            .and_then(|known| known.as_array().cloned())
            .unwrap_or_default();
        for mut error in errors {
            let within = error.0.details.shift_remove(ALSO);
            also.push(error.in_short());
            also.extend(
                within
                    .and_then(|within| within.as_array().cloned())
                    .unwrap_or_default(),
            );
        }
        also.truncate(MOST);
        Some(match also.is_empty() {
            true => first,
            false => first.detail(ALSO, also),
        })
    }

    /// The field, the message and the hint.
    fn in_short(&self) -> Value {
        let mut short = Map::new();
        let texts = [("field", &self.0.field), ("hint", &self.0.hint)];
        short.insert("message".into(), self.0.message.as_str().into());
        for (name, text) in texts {
            if let Some(text) = text {
                short.insert(name.into(), text.as_str().into());
            }
        }
        Value::Object(short)
    }

    /// Names the parameter that is wrong and the record with which it is, where it is about one of many: `[7].owner` is about
    /// `owner`, with `contacts[7]`.
    #[must_use]
    pub fn within(self, list: &str) -> Self {
        let place = self.field_name().unwrap_or_default().to_owned();
        let Some((index, field)) = place
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
        else {
            return self;
        };
        let record = format!("{list}[{index}]");
        match field.trim_start_matches('.') {
            "" => self.field(record),
            field => self.field(field).detail("record", record),
        }
    }

    /// Says in which parameter that holds others this is: `iban` is `seller.iban` there, and so is whatever else is wrong in it.
    #[must_use]
    pub fn inside(mut self, place: &str) -> Self {
        let whole = |field: Option<&str>| match field.unwrap_or_default() {
            "" => place.to_owned(),
            field => format!("{place}.{field}"),
        };
        if place.is_empty() {
            return self;
        }
        let also = self.0.details.get_mut(ALSO).and_then(Value::as_array_mut);
        for other in also.into_iter().flatten().filter_map(Value::as_object_mut) {
            let field = whole(other.get("field").and_then(Value::as_str));
            other.insert("field".into(), field.into());
        }
        let field = whole(self.field_name());
        self.field(field)
    }

    /// Names the field that is wrong.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Marks that two transactions met: the same work done again is likely to succeed.
    #[must_use]
    pub(crate) fn clash(mut self) -> Self {
        self.0.clash = true;
        self
    }

    /// Whether two transactions met, and nothing else is wrong.
    pub(crate) fn is_clash(&self) -> bool {
        self.0.clash
    }

    /// Stops a call that can go on when this work is done: it is rolled back and begins anew then.
    pub(crate) fn unprepared(work: impl Fn() + Send + Sync + 'static) -> Self {
        let message = "This could not be prepared in time; nothing was written. Try again.";
        let mut error = Self::new(Code::Unavailable, message).retry_after(1);
        error.0.preparation = Some(Arc::new(work));
        error
    }

    /// The work of [`Error::unprepared`].
    pub(crate) fn preparation(&self) -> Option<Preparation> {
        self.0.preparation.clone()
    }

    /// Adds data that helps to go on, such as the record as it is now.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// The stable kind.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The message for the caller.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The field that is wrong, where one is.
    #[must_use]
    pub fn field_name(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// What to do next, where known.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Seconds to wait before the next try, where that helps.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u64> {
        self.0.retry_after_s
    }

    /// One value that was added with [`Error::detail`].
    #[must_use]
    pub fn detail_value(&self, name: &str) -> Option<&Value> {
        self.0.details.get(name)
    }

    /// The wire form: `{"error": {"code", "message", "status", …}}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = Map::new();
        body.insert("code".into(), self.0.code.as_str().into());
        body.insert("message".into(), self.0.message.as_str().into());
        body.insert("status".into(), self.0.code.status().into());
        if let Some(field) = &self.0.field {
            body.insert("field".into(), field.as_str().into());
        }
        if let Some(hint) = &self.0.hint {
            body.insert("hint".into(), hint.as_str().into());
        }
        if let Some(seconds) = self.0.retry_after_s {
            body.insert("retry_after_s".into(), seconds.into());
        }
        for (name, value) in &self.0.details {
            body.insert(name.clone(), value.clone());
        }
        json!({ "error": body })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(hint) = &self.0.hint {
            write!(f, " {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.message)?;
        if let Some(field) = &self.0.field {
            write!(f, " (field {field})")?;
        }
        if let Some(cause) = &self.0.cause {
            write!(f, " [{cause}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}
