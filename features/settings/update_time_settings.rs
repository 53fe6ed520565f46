//! `update_time_settings`

use bureau_kernel::prelude::*;
use bureau_time::{
    BudgetGiven, CostGiven, MANAGE_TIME, RateGiven, TimeSettings, TimeSettingsGiven, set_time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What changes; what is left out stays.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateTimeSettings {
    /// The most specific holds
    rates: Option<Vec<RateGiven>>,
    /// What an hour costs the firm
    cost_rates: Option<Vec<CostGiven>>,
    budgets: Option<Vec<BudgetGiven>>,
    clear: Option<Vec<ClearField<TimeSettings>>>,
    #[serde(flatten)]
    fields: Patch<TimeSettings>,
}

/// What is in force now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TimeSettingsView {
    /// Closing, rounding, rates.
    settings: Map<String, Value>,
}

impl Tool for UpdateTimeSettings {
    const SPEC: Spec = Spec::changes("update_time_settings", MANAGE_TIME)
        .title("Update time settings")
        .about("Set hourly rates, costs, budgets, rounding of billed time, when months close.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "An hour is 95 euros and costs us 40; the tower may take 100 hours a month and not one more; bill full quarters",
            before: &[Step {
                tool: "create_project",
                arguments: r#"{"name": "Tower"}"#,
                keep: &[("tower", "/data/id")],
            }],
            arguments: r#"{"rates": [{"hourly_rate": "95", "currency": "EUR"}], "cost_rates": [{"hourly_cost": "40"}],
                "budgets": [{"project": "{tower}", "hours": "100", "per": "month", "cap": true}], "rounding": "up", "rounding_minutes": 15}"#,
            expect: &[
                ("/data/settings/rates/0/hourly_rate", r#""95.00""#),
                ("/data/settings/cost_rates/0/hourly_cost", r#""40.00""#),
                ("/data/settings/budgets/0/project/name", r#""Tower""#),
                ("/data/settings/budgets/0/hours", r#""100""#),
                ("/data/settings/rounding", r#""up""#),
            ],
        },
        Example {
            title: "From next year on it is 110 euros, and months close for time five days after their end",
            before: &[],
            arguments: r#"{"rates": [{"hourly_rate": "110", "currency": "EUR", "valid_from": "2027-01-01"}], "close_after_days": 5}"#,
            expect: &[
                ("/data/settings/rates/1/valid_from", r#""2027-01-01""#),
                ("/data/settings/close_after_days", "5"),
            ],
        },
    ];
    type Output = TimeSettingsView;

    async fn call(self, cx: &mut Cx) -> Result<TimeSettingsView> {
        let given = TimeSettingsGiven {
            rates: self.rates.unwrap_or_default(),
            cost_rates: self.cost_rates.unwrap_or_default(),
            budgets: self.budgets.unwrap_or_default(),
            clear: self.clear.unwrap_or_default(),
            fields: self.fields,
        };
        set_time(cx, given).await?;
        let mut settings = cx.settings().await?;
        let own = match settings.remove("time") {
            Some(Value::Object(own)) => own,
            _ => Map::new(),
        };
        Ok(TimeSettingsView { settings: own })
    }
}
