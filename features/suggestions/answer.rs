//! What somebody answered to a suggestion.

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::SUGGESTIONS;

bureau_kernel::record! {
    /// An answer to a suggestion. It keeps the suggestion away until the facts change that it stands on.
    pub struct SuggestionAnswer: "suggestion_answer", "sga", "answer to a suggestion" {
        /// The rule that made the suggestion.
        pub rule: Managed<ShortText<60>>,
        /// The record that it is about.
        pub about: Managed<Parent<AnyId>>,
        /// What was answered.
        pub answer: Answer,
        /// Why.
        pub note: Option<ShortText<500>>,
        /// On what the suggestion stood.
        pub facts: Managed<ShortText<200>> => [hidden],
    }
}

/// What can be answered to a suggestion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Answer {
    /// Somebody does it.
    #[default]
    Acknowledged,
    /// Nobody will.
    Dismissed,
}
bureau_kernel::text_column!(Answer);

impl Record for SuggestionAnswer {
    const ACCESS: Access = SUGGESTIONS;

    fn label(&self) -> String {
        format!("{} of {}", *self.rule, self.about.prefix())
    }
}

/// Tools answer its columns and nothing beside them.
impl Presented for SuggestionAnswer {
    type Extra = Nothing;
}

/// What a suggestion is called: its rule and the record that it is about.
pub(crate) fn name_of(rule: &str, about: &AnyId) -> String {
    format!("{rule}:{about}")
}

/// The rule and the record of a suggestion that is called so.
pub(crate) fn parts_of(name: &str) -> Option<(&str, AnyId)> {
    let (rule, about) = name.trim().split_once(':')?;
    Some((rule.trim(), about.parse().ok()?))
}

/// The answers that were given about these records, by rule and record.
///
/// # Errors
/// What the database says.
pub(crate) async fn answers_about(
    cx: &mut Cx,
    about: &[AnyId],
) -> Result<Vec<Saved<SuggestionAnswer>>> {
    use bureau_kernel::store::sql;
    let mut answers = Vec::new();
    for about in about.chunks(200) {
        let mut statement = sql("SELECT id").from_live::<SuggestionAnswer>(cx);
        for (place, about) in about.iter().enumerate() {
            let before = if place == 0 { " AND about IN (" } else { ", " };
            statement = statement.sql(before).value(about.clone());
        }
        for row in statement.sql(")").rows(cx.tx()).await? {
            answers.push(cx.get::<SuggestionAnswer>(row.get("id")?).await?);
        }
    }
    Ok(answers)
}
