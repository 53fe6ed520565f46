//! `create_offer`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::OFFERS;
use crate::application::Application;
use crate::offer::Offer;
use crate::offering::{note_beyond, running};
use crate::stages::StageKind;

/// A new offer.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["application", "pay"]))]
pub(crate) struct CreateOffer {
    #[serde(flatten)]
    fields: Patch<Offer>,
}

impl Tool for CreateOffer {
    const SPEC: Spec = Spec::adds("create_offer", OFFERS.create)
        .covers(&[Covers::read::<Application>()])
        .title("Create offer")
        .about("Draft an offer to a candidate: pay, start, expiry.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Offer William 52,000 euros from March on",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Editor"}"#,
                keep: &[("editor", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "William de Worde", "job": "{editor}"}"#,
                keep: &[("william", "/data/applications/0/id")],
            },
        ],
        arguments: r#"{"application": "{william}", "pay": "52000", "currency": "EUR", "start_on": "2027-03-01"}"#,
        expect: &[
            ("/data/status", r#""draft""#),
            ("/data/pay", r#""52000.00""#),
            ("/data/pay_per", r#""year""#),
            ("/data/revision", "1"),
            ("/data/application/name", r#""William de Worde""#),
        ],
    }];
    type Output = View<Offer>;

    async fn call(self, cx: &mut Cx) -> Result<View<Offer>> {
        let offer = self.fields.record(cx.local_time())?;
        let application = cx.get(offer.application).await?;
        cx.hold("application", application.id).await?;
        if !matches!(
            *application.status,
            StageKind::InProgress | StageKind::Offer
        ) {
            let status = bureau_kernel::store::enum_name(&*application.status);
            let message = format!("This candidate is {status}.");
            return Err(Error::conflict(message)
                .field("application")
                .hint("Move the application back with update_application_status first."));
        }
        let workspace = cx.workspace().id;
        cx.tx()
            .serialize(&format!("offers of {workspace} {}", application.id))
            .await?;
        if let Some(other) = running(cx, application.id).await? {
            let message = format!("There is an offer for this application: {}.", other.id);
            return Err(Error::conflict(message)
                .field("application")
                .hint("Change that one with update_offer: it makes a new version."));
        }
        let saved = cx.insert(offer, self.fields.attributes()?).await?;
        note_beyond(cx, application.job).await?;
        cx.view(saved).await
    }
}
