//! The moves of applications from stage to stage. Each is kept: figures are made of them.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::Kind;
use chrono::NaiveDate;

use crate::CANDIDATES;
use crate::application::Application;
use crate::reason::LeavingReason;
use crate::stages::JobStage;

bureau_kernel::record! {
    /// That an application came to a stage.
    pub struct Move: "application_move", "mov", "move" {
        /// The application.
        pub application: Id<Application>,
        /// Where it stood before; nothing where it began.
        pub from_stage: Option<Id<JobStage>>,
        /// Where it came to.
        pub stage: Id<JobStage>,
        /// On which day.
        pub moved_on: NaiveDate,
        /// Why, where it ended.
        pub reason: Option<LeavingReason>,
        /// What was said of it.
        pub note: Option<ShortText<500>>,
    }
}

impl Record for Move {
    const ACCESS: Access = Access {
        read: CANDIDATES.read,
        create: CANDIDATES.update,
        update: CANDIDATES.update,
        delete: CANDIDATES.update,
    };

    fn label(&self) -> String {
        format!("Move on {}", self.moved_on)
    }
}

/// More moves than the applications of a page have.
const MOST: u32 = 5_000;

/// The moves of these applications, in their order.
///
/// # Errors
/// What the database says.
pub(crate) async fn moves_of(
    cx: &mut Cx,
    applications: &[Id<Application>],
) -> Result<Vec<Saved<Move>>> {
    const BY_APPLICATION: Order = Order::new("application", "application", Kind::Int);
    let moves = cx.list::<Move>().any_of("application", applications);
    let page = moves.page(BY_APPLICATION, false, Limit::of(MOST), None);
    Ok(page.await?.rows)
}
