//! Why an application ends without a hire.

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stages::StageKind;

/// Why an application ends without a hire: the firm's reasons first, then the candidate's.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LeavingReason {
    /// They cannot do what the job takes.
    LacksSkills,
    /// They have not done it long enough.
    LacksExperience,
    /// Somebody else fits better.
    OtherChosen,
    /// They ask for more than the job pays.
    TooExpensive,
    /// A test or reference spoke against them.
    FailedCheck,
    /// Nobody is sought any more.
    JobClosed,
    /// They work elsewhere now.
    TookOtherJob,
    /// They did not take what was offered.
    DeclinedOffer,
    /// The job pays less than they ask for.
    PayTooLow,
    /// It is too far away.
    Location,
    /// They do not answer.
    NoAnswer,
    /// They want it no longer.
    LostInterest,
    #[default]
    /// None of these.
    Other,
}
bureau_kernel::text_column!(LeavingReason);

impl LeavingReason {
    /// All of them.
    const ALL: [Self; 13] = [
        Self::LacksSkills,
        Self::LacksExperience,
        Self::OtherChosen,
        Self::TooExpensive,
        Self::FailedCheck,
        Self::JobClosed,
        Self::TookOtherJob,
        Self::DeclinedOffer,
        Self::PayTooLow,
        Self::Location,
        Self::NoAnswer,
        Self::LostInterest,
        Self::Other,
    ];

    /// Whether it is a reason to end like this.
    const fn fits(self, kind: StageKind) -> bool {
        match self {
            Self::Other => kind.is_exit(),
            Self::LacksSkills
            | Self::LacksExperience
            | Self::OtherChosen
            | Self::TooExpensive
            | Self::FailedCheck
            | Self::JobClosed => matches!(kind, StageKind::Rejected),
            Self::TookOtherJob
            | Self::DeclinedOffer
            | Self::PayTooLow
            | Self::Location
            | Self::NoAnswer
            | Self::LostInterest => matches!(kind, StageKind::Withdrawn),
        }
    }

    /// Refuses to end without a reason of the matching kind, or to go on with one.
    ///
    /// # Errors
    /// [`Code::Validation`] naming `reason` or `note`, with the reasons that fit.
    pub(crate) fn check(given: Option<Self>, note: Option<&str>, kind: StageKind) -> Result<()> {
        let name = bureau_kernel::store::enum_name(&kind);
        if !kind.is_exit() {
            return match given {
                None => Ok(()),
                Some(_) => {
                    let message = format!("A candidate who is {name} has no reason for leaving.");
                    Err(Error::invalid("reason", message).hint("Leave reason out."))
                }
            };
        }
        let fitting = Self::ALL.into_iter().filter(|reason| reason.fits(kind));
        let fitting: Vec<String> = fitting
            .map(|reason| bureau_kernel::store::enum_name(&reason))
            .collect();
        let hint = format!("For {name} there are: {}.", fitting.join(", "));
        match given {
            None => {
                let message = format!("To be {name} takes a reason.");
                Err(Error::invalid("reason", message).hint(hint))
            }
            Some(reason) if !reason.fits(kind) => {
                let message = format!("That is no reason to be {name}.");
                Err(Error::invalid("reason", message).hint(hint))
            }
            Some(Self::Other) if note.is_none() => {
                let message = "The reason other takes a note that says it.";
                Err(Error::invalid("note", message).hint(hint))
            }
            Some(_) => Ok(()),
        }
    }
}
