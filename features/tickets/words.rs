//! The workspace's own words for tickets, and which statuses stop the clocks.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::types::text::{folded, nearest, quoted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ARRANGED;
use crate::status::TicketStatus;

/// A word of a list.
pub type Word = ShortText<60>;

bureau_kernel::record! {
    /// What is arranged for the tickets of a workspace.
    pub struct TicketSettings: "ticket_settings", "tset", "ticket settings" {
        /// The categories; any word does where there is none.
        pub categories: Json<Vec<ShortText<60>>> = "All of them, in their order",
        /// The products; any word does where there is none.
        pub products: Json<Vec<ShortText<60>>>,
        /// Why tickets are on hold.
        pub hold_reasons: Json<Vec<HoldReason>>,
        /// The statuses in which the clocks of the next response and the resolution stand still.
        pub pausing: Json<Vec<TicketStatus>> = "Statuses that stop the clocks",
        /// Counts the changes of policies and calendars.
        pub generation: Managed<i64>,
    }
}

/// Why a ticket is on hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct HoldReason {
    pub(crate) name: ShortText<60>,
    /// Default: as on_hold does
    pub(crate) pauses: Option<bool>,
}

/// So many words a list has at most.
const MOST_WORDS: usize = 200;

impl Record for TicketSettings {
    const ACCESS: Access = ARRANGED;

    fn label(&self) -> String {
        "Ticket settings".to_owned()
    }

    fn check(&mut self, _: &Workspace) -> Result<()> {
        check_words("categories", &self.categories)?;
        check_words("products", &self.products)?;
        let reasons: Vec<Word> = self
            .hold_reasons
            .iter()
            .map(|one| one.name.clone())
            .collect();
        check_words("hold_reasons", &reasons)?;
        let stops = [TicketStatus::Pending, TicketStatus::OnHold];
        if self.pausing.iter().any(|status| !stops.contains(status)) {
            let message = "Only pending and on_hold can stop the clocks.";
            return Err(Error::invalid("pausing", message)
                .hint("Name pending, on_hold, or both; what is solved has no clocks."));
        }
        self.pausing.sort_unstable();
        self.pausing.dedup();
        Ok(())
    }
}

fn check_words(field: &str, words: &[Word]) -> Result<()> {
    if words.len() > MOST_WORDS {
        let message = format!("{field} has {} words; at most {MOST_WORDS}.", words.len());
        return Err(Error::invalid(field, message));
    }
    for (index, word) in words.iter().enumerate() {
        let mut before = words.iter().take(index);
        if before.any(|other| folded(other) == folded(word)) {
            let field = format!("{field}[{index}]");
            return Err(Error::invalid(&field, format!("{field} is there twice.")));
        }
    }
    Ok(())
}

impl TicketSettings {
    /// Whether the clocks stand still in a status that has this reason.
    #[must_use]
    pub fn pauses(&self, status: TicketStatus, reason: Option<&str>) -> bool {
        let own = reason.and_then(|reason| {
            let mut reasons = self.hold_reasons.iter();
            let known = reasons.find(|one| folded(&one.name) == folded(reason))?;
            known.pauses
        });
        match status {
            TicketStatus::OnHold => own.unwrap_or(self.pausing.contains(&status)),
            _ => self.pausing.contains(&status),
        }
    }

    /// A category as the workspace writes it.
    ///
    /// # Errors
    /// [`Code::Validation`] with the nearest, or all of them.
    pub(crate) fn category(&self, word: &Word) -> Result<Word> {
        as_listed("category", word, &self.categories)
    }

    /// A product as the workspace writes it.
    ///
    /// # Errors
    /// As [`TicketSettings::category`].
    pub(crate) fn product(&self, word: &Word) -> Result<Word> {
        as_listed("product", word, &self.products)
    }

    /// A reason as the workspace writes it.
    ///
    /// # Errors
    /// As [`TicketSettings::category`].
    pub(crate) fn hold_reason(&self, word: &Word) -> Result<Word> {
        let known: Vec<Word> = self
            .hold_reasons
            .iter()
            .map(|one| one.name.clone())
            .collect();
        as_listed("hold_reason", word, &known)
    }
}

fn as_listed(field: &str, word: &Word, known: &[Word]) -> Result<Word> {
    if known.is_empty() {
        return Ok(word.clone());
    }
    if let Some(listed) = known.iter().find(|one| folded(one) == folded(word)) {
        return Ok(listed.clone());
    }
    // What was given may come from outside, and is not repeated.
    let message = format!("This is no {} of this workspace.", field.replace('_', " "));
    let error = Error::invalid(field, message);
    Err(match nearest(word, known.iter().map(|one| &**one)) {
        Some(near) => error.hint(format!("Did you mean {}?", quoted(near))),
        None => {
            let named: Vec<String> = known.iter().take(20).map(|one| quoted(one)).collect();
            error.hint(format!("There are: {}.", named.join(", ")))
        }
    })
}

/// What is arranged.
///
/// # Errors
/// What the database says; [`Code::Internal`] where the workspace was not provisioned.
pub(crate) async fn settings(cx: &mut Cx) -> Result<Saved<TicketSettings>> {
    let settings = settings_if_any(cx).await?;
    settings.ok_or_else(|| Error::internal("the workspace has no ticket settings"))
}

/// The same; none where the workspace was not provisioned.
///
/// # Errors
/// What the database says.
pub(crate) async fn settings_if_any(cx: &mut Cx) -> Result<Option<Saved<TicketSettings>>> {
    // Listed and not got: a call that writes a ticket does not lock it for all others.
    let list = cx.list::<TicketSettings>();
    let page = list.page(Order::CREATED, false, Limit::of(1), None).await?;
    Ok(page.rows.into_iter().next())
}

/// What a new workspace starts with.
pub(crate) async fn provision(cx: &mut Cx) -> Result<()> {
    let word = |text: &str| Word::new(text).map_err(Error::internal);
    let mut settings = TicketSettings::empty();
    for category in ["Question", "Problem", "Request", "Complaint"] {
        settings.categories.push(word(category)?);
    }
    for reason in [
        "Waiting for supplier",
        "Waiting for a repair",
        "Scheduled for later",
    ] {
        settings.hold_reasons.push(HoldReason {
            name: word(reason)?,
            pauses: None,
        });
    }
    settings.pausing = Json(vec![TicketStatus::Pending, TicketStatus::OnHold]);
    cx.insert(settings, Attributes::new()).await.map(drop)
}
