//! `update_offer`

use bureau_kernel::prelude::*;
use bureau_kernel::store::enum_name;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::OFFERS;
use crate::application::Application;
use crate::moves::Move;
use crate::offer::{Offer, OfferStatus};
use crate::offering::note_beyond;
use crate::openings::Opening;
use crate::placing::{Destination, place};
use crate::stages::{JobStage, StageKind};
use crate::vacancy::Vacancy;

/// What changes in an offer.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateOffer {
    offer: Id<Offer>,
    clear: Option<Vec<ClearField<Offer>>>,
    status: Option<OfferStatus>,
    /// The candidate's words
    reason: Option<ShortText<500>>,
    /// Default today
    on: Option<When>,
    #[serde(flatten)]
    fields: Patch<Offer>,
}

impl Tool for UpdateOffer {
    const SPEC: Spec = Spec::changes("update_offer", OFFERS.update)
        // Who accepts is hired, and fills an opening.
        .covers(&[
            Covers::read::<Application>(),
            Covers::read::<Vacancy>(),
            Covers::read::<JobStage>(),
            Covers::update::<Application>(),
            Covers::create::<Move>(),
            Covers::update::<Opening>(),
        ])
        .title("Update offer")
        .about("Approve an offer, note it sent, accepted or declined, or make a new version.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "The offer to Otto is fine",
            before: &[
                Step {
                    tool: "create_job",
                    arguments: r#"{"title": "Iconographer"}"#,
                    keep: &[("job", "/data/id")],
                },
                Step {
                    tool: "create_candidate",
                    arguments: r#"{"name": "Otto Chriek", "job": "{job}"}"#,
                    keep: &[("otto", "/data/applications/0/id")],
                },
                Step {
                    tool: "create_offer",
                    arguments: r#"{"application": "{otto}", "pay": "3100", "currency": "EUR", "pay_per": "month"}"#,
                    keep: &[("offer", "/data/id")],
                },
            ],
            arguments: r#"{"offer": "{offer}", "status": "approved"}"#,
            expect: &[("/data/status", r#""approved""#)],
        },
        Example {
            title: "He has it",
            before: &[],
            arguments: r#"{"offer": "{offer}", "status": "sent", "confirm": true}"#,
            expect: &[("/data/status", r#""sent""#)],
        },
        Example {
            title: "He wants 3,300: make a new version",
            before: &[],
            arguments: r#"{"offer": "{offer}", "pay": "3300"}"#,
            expect: &[
                ("/data/status", r#""draft""#),
                ("/data/revision", "2"),
                ("/data/earlier/0/status", r#""sent""#),
            ],
        },
    ];
    type Output = View<Offer>;

    async fn call(self, cx: &mut Cx) -> Result<View<Offer>> {
        let mut edit = cx.edit(self.offer).await?;
        let before = edit.before().record.clone();
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        if edit.application != before.application {
            let message = "An offer stays with its application.";
            return Err(Error::conflict(message)
                .field("application")
                .hint("Make another one with create_offer."));
        }
        if edit.terms() != before.terms() {
            if *before.status == OfferStatus::Accepted {
                return Err(
                    Error::conflict("This offer was accepted, so it stays as it is.")
                        .field("offer")
                        .hint("Take the acceptance back with undo_change first."),
                );
            }
            if *before.status != OfferStatus::Draft {
                edit.revise(&before);
            }
        }
        let on = day_of(cx, self.on.as_ref(), self.status, &edit)?;
        if self.reason.is_some() && !self.status.is_some_and(OfferStatus::is_decided) {
            let message = "reason is what the candidate said.";
            return Err(Error::invalid("reason", message).hint("Say status: accepted or declined."));
        }
        if let Some(status) = self.status.filter(|status| *status != *edit.status) {
            check_step(&edit, status, on)?;
            edit.status = Managed(status);
            match status {
                OfferStatus::Sent => edit.sent_on = Managed(Some(on)),
                OfferStatus::Accepted | OfferStatus::Declined => {
                    edit.decided_on = Managed(Some(on));
                    edit.decision = Managed(self.reason);
                }
                OfferStatus::Draft | OfferStatus::Approved => {}
            }
        }
        let accepts =
            *edit.status == OfferStatus::Accepted && *before.status != OfferStatus::Accepted;
        let saved = edit.save(cx).await?;
        if accepts {
            accept(cx, &saved, on).await?;
        } else if *saved.status != OfferStatus::Declined {
            let application = cx.get(saved.application).await?;
            note_beyond(cx, application.job).await?;
        }
        cx.view(saved).await
    }
}

/// Hires who accepted.
async fn accept(cx: &mut Cx, offer: &Offer, on: NaiveDate) -> Result<()> {
    let edit = cx.edit(offer.application).await?;
    if *edit.status == StageKind::Hired {
        return Ok(());
    }
    if edit.status.is_exit() {
        let message = "This application has ended.";
        return Err(Error::conflict(message)
            .field("status")
            .hint("Move it back with update_application_status first."));
    }
    let to = Destination {
        status: Some(StageKind::Hired),
        accepted_on: Some(on),
        ..Destination::default()
    };
    place(cx, edit, to).await.map(drop)
}

/// Refuses a step that skips another, or comes too late.
fn check_step(offer: &Offer, to: OfferStatus, on: NaiveDate) -> Result<()> {
    use OfferStatus::{Accepted, Approved, Declined, Draft, Sent};
    let from = *offer.status;
    let (is_right, hint) = match (from, to) {
        (Draft, Approved) | (Approved, Sent | Draft) | (Sent, Accepted | Declined) => (true, ""),
        (Draft, _) => (false, "Approve it first."),
        (Approved, _) => (false, "Note that it was sent first."),
        (Sent, _) => (false, "Change its terms to make a new version."),
        (Accepted, _) => (false, "Take that back with undo_change."),
        (Declined, _) => (
            false,
            "Change its terms to make a new version, or make another offer.",
        ),
    };
    if !is_right {
        let (from, to) = (enum_name(&from), enum_name(&to));
        let message = format!("An offer that is {from} does not become {to}.");
        return Err(Error::conflict(message).field("status").hint(hint));
    }
    match offer.expires_on {
        Some(last) if matches!(to, Sent | Accepted) && on > last => {
            let message = format!("This offer expired on {last}.");
            Err(Error::conflict(message)
                .field("status")
                .hint("Say another expires_on: that makes a new version to approve and send."))
        }
        _ => Ok(()),
    }
}

/// The day of a step: not to come, and not before it was sent.
fn day_of(
    cx: &mut Cx,
    when: Option<&When>,
    status: Option<OfferStatus>,
    offer: &Offer,
) -> Result<NaiveDate> {
    let today = cx.today();
    let Some(when) = when else { return Ok(today) };
    if matches!(
        status,
        None | Some(OfferStatus::Draft | OfferStatus::Approved)
    ) {
        let message = "on is the day when it was sent, accepted or declined.";
        return Err(Error::invalid("on", message).hint("Say status with it, or leave it out."));
    }
    let day = cx.date("on", when)?;
    if day > today {
        let message = format!("on is {day}, which is still to come.");
        return Err(Error::invalid("on", message));
    }
    match *offer.sent_on {
        Some(sent) if day < sent => {
            let message = format!("on is {day}, before it was sent on {sent}.");
            Err(Error::invalid("on", message))
        }
        _ => Ok(day),
    }
}
