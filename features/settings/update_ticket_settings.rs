//! `update_ticket_settings`

use bureau_kernel::prelude::*;
use bureau_tickets::{
    CalendarGiven, HoldReason, MANAGE_TICKETS, PolicyGiven, TicketSettings, TicketStatus,
    WordsGiven, set_calendar, set_policy, set_words,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wrong::Wrong;

/// What changes; what is left out stays.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateTicketSettings {
    calendars: Option<Vec<CalendarGiven>>,
    policies: Option<Vec<PolicyGiven>>,
    /// All of them; so the next two
    categories: Option<Vec<ShortText<60>>>,
    products: Option<Vec<ShortText<60>>>,
    hold_reasons: Option<Vec<HoldReason>>,
    /// Statuses that stop the clocks
    pausing: Option<Vec<TicketStatus>>,
    /// Lists to empty
    clear: Option<Vec<ClearField<TicketSettings>>>,
}

/// What is in force now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TicketSettingsView {
    /// Calendars, policies in the order in which they are tried, words.
    settings: Map<String, Value>,
}

impl Tool for UpdateTicketSettings {
    const SPEC: Spec = Spec::changes("update_ticket_settings", MANAGE_TICKETS)
        .title("Update ticket settings")
        .about("Set business hours, holidays, SLA policies, categories and hold reasons.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "We are there from 8 to 6 in Berlin, with an hour for lunch, and not on New Year's Day",
            before: &[],
            arguments: r#"{"calendars": [{"name": "Business hours", "time_zone": "Europe/Berlin", "hours": ["mon-fri 08:00-12:00 13:00-18:00"], "holidays": ["2027-01-01"]}]}"#,
            expect: &[
                ("/data/settings/calendars/0/time_zone", r#""Europe/Berlin""#),
                ("/data/settings/calendars/0/holidays", r#"["2027-01-01"]"#),
            ],
        },
        Example {
            title: "Urgent tickets are answered within an hour and solved within four working hours",
            before: &[],
            arguments: r#"{"policies": [{"name": "Urgent", "priorities": ["urgent"], "calendar": "Business hours", "first_response_minutes": 60, "next_response_minutes": 60, "resolution_minutes": 240}]}"#,
            expect: &[
                ("/data/settings/policies/0/name", r#""Urgent""#),
                ("/data/settings/policies/0/calendar", r#""Business hours""#),
                ("/data/settings/policies/1/is_default", "true"),
            ],
        },
    ];
    type Output = TicketSettingsView;

    async fn call(self, cx: &mut Cx) -> Result<TicketSettingsView> {
        let mut wrong = Wrong::default();
        for (index, calendar) in self.calendars.into_iter().flatten().enumerate() {
            let set = set_calendar(cx, calendar).await;
            wrong.keep(&format!("calendars[{index}]"), set)?;
        }
        for (index, policy) in self.policies.into_iter().flatten().enumerate() {
            let set = set_policy(cx, policy).await;
            wrong.keep(&format!("policies[{index}]"), set)?;
        }
        let words = WordsGiven {
            categories: self.categories,
            products: self.products,
            hold_reasons: self.hold_reasons,
            pausing: self.pausing,
        };
        let set = set_words(cx, words, &self.clear.unwrap_or_default()).await;
        wrong.keep("", set)?;
        wrong.end()?;
        let mut settings = cx.settings().await?;
        let own = match settings.remove("tickets") {
            Some(Value::Object(own)) => own,
            _ => Map::new(),
        };
        Ok(TicketSettingsView { settings: own })
    }
}
