//! Interviews, and the scorecard that each interviewer writes afterwards.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::application::Application;
use crate::{CANDIDATES, SCORECARDS};

bureau_kernel::record! {
    /// That a member talks with a candidate.
    pub struct Interview: "interview", "int", "interview" {
        /// About which application.
        pub application: Id<Application>,
        /// Who asks.
        pub interviewer: Id<Member>,
        /// When.
        pub starts_at: Timestamp,
    }
}

bureau_kernel::record! {
    /// What an interviewer thinks of a candidate.
    pub struct Scorecard: "scorecard", "scr", "scorecard" {
        /// About which application.
        pub application: Id<Application>,
        /// After which interview.
        pub interview: Managed<Id<Interview>> => [row],
        /// Who thinks so.
        pub author: Managed<Id<Member>> => [row],
        /// All in all.
        pub overall: Rating => [row],
        /// One by one.
        pub ratings: Json<Vec<AttributeRating>> => [row],
        /// What else there is to say.
        pub notes: Option<LongText<5000>> => [row],
    }
}

/// How well a candidate does.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rating {
    /// Not at all.
    StrongNo,
    /// Not well enough.
    No,
    #[default]
    /// Well in some ways and not in others.
    Mixed,
    /// Well.
    Yes,
    /// Better than most.
    StrongYes,
}
bureau_kernel::text_column!(Rating);

/// How well a candidate does in one respect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AttributeRating {
    /// In what.
    pub attribute: ShortText<100>,
    /// How well.
    pub rating: Rating,
}

impl Record for Interview {
    const ACCESS: Access = Access {
        read: CANDIDATES.read,
        create: CANDIDATES.update,
        update: CANDIDATES.update,
        delete: CANDIDATES.update,
    };

    fn label(&self) -> String {
        format!("Interview on {}", self.starts_at.date_naive())
    }
}

impl Record for Scorecard {
    const ACCESS: Access = SCORECARDS;

    fn label(&self) -> String {
        "Scorecard".to_owned()
    }

    fn check(&mut self, _: &Workspace) -> Result<()> {
        for (index, rated) in self.ratings.iter().enumerate() {
            let mut before = self.ratings.iter().take(index);
            if before.any(|other| folded(&other.attribute) == folded(&rated.attribute)) {
                let message = format!("{:?} is rated twice.", &*rated.attribute);
                return Err(Error::invalid(
                    format!("ratings[{index}].attribute"),
                    message,
                ));
            }
        }
        Ok(())
    }
}

/// Tools answer its columns and nothing beside them.
impl Presented for Scorecard {
    type Extra = Nothing;
    const ROW: &'static [&'static str] = &["created_at"];
}

/// More interviews than the applications of a page have.
const MOST: u32 = 2_000;

/// The interviews about these applications, oldest first.
///
/// # Errors
/// What the database says.
pub(crate) async fn interviews_of(
    cx: &mut Cx,
    applications: &[Id<Application>],
) -> Result<Vec<Saved<Interview>>> {
    let interviews = cx.list::<Interview>().any_of("application", applications);
    let page = interviews.page(Order::CREATED, false, Limit::of(MOST), None);
    Ok(page.await?.rows)
}

/// The scorecards about these applications, oldest first, whoever may read them.
///
/// # Errors
/// What the database says.
pub(crate) async fn scorecards_of(
    cx: &mut Cx,
    applications: &[Id<Application>],
) -> Result<Vec<Saved<Scorecard>>> {
    let scorecards = cx.list::<Scorecard>().any_of("application", applications);
    let page = scorecards.page(Order::CREATED, false, Limit::of(MOST), None);
    Ok(page.await?.rows)
}
