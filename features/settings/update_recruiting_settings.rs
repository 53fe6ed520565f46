//! `update_recruiting_settings`

use bureau_kernel::prelude::*;
use bureau_recruiting::{MANAGE_RECRUITING, Months, RecruitingSettings, arrange, count_due};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What changes; what is left out stays.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateRecruitingSettings {
    /// Anonymize so long after the end
    retention_months: Option<Months>,
    clear: Option<Vec<ClearField<RecruitingSettings>>>,
}

/// What is in force now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RecruitingSettingsView {
    /// The retention rule.
    settings: Map<String, Value>,
    /// How many candidates it takes now; list_candidates with anonymize_by names them.
    due_now: i64,
}

impl Tool for UpdateRecruitingSettings {
    const SPEC: Spec = Spec::changes("update_recruiting_settings", MANAGE_RECRUITING)
        .title("Update recruiting settings")
        .about("Set how long candidates are kept before they are anonymized by themselves.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Anonymize candidates six months after we turned them down",
        before: &[],
        arguments: r#"{"retention_months": 6, "confirm": true}"#,
        expect: &[
            ("/data/settings/retention_months", "6"),
            ("/data/due_now", "0"),
        ],
    }];
    type Output = RecruitingSettingsView;

    async fn call(self, cx: &mut Cx) -> Result<RecruitingSettingsView> {
        arrange(cx, self.retention_months, &self.clear.unwrap_or_default()).await?;
        let due_now = count_due(cx).await?;
        if due_now > 0 {
            // Nobody takes back what the rule does within a minute.
            cx.ask_about_all();
            cx.set_summary(format!(
                "make the scheduler anonymize {due_now} candidates for good at once, and others as they come due"
            ));
        }
        let mut settings = cx.settings().await?;
        let settings = match settings.remove("recruiting") {
            Some(Value::Object(own)) => own,
            _ => Map::new(),
        };
        Ok(RecruitingSettingsView { settings, due_now })
    }
}
