//! `acknowledge_suggestion`

use bureau_kernel::prelude::*;
use bureau_kernel::record::Attributes;
use bureau_kernel::suggestion::{Finding, SuggestionRule, Wanted};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::READ_KNOWLEDGE_BASE;
use crate::answer::{Answer, SuggestionAnswer, answers_about, parts_of};

/// What is answered to a suggestion.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct AcknowledgeSuggestion {
    /// Its id
    suggestion: ShortText<120>,
    /// Default acknowledged
    answer: Option<Answer>,
    /// Why
    note: Option<ShortText<500>>,
}

impl Tool for AcknowledgeSuggestion {
    const SPEC: Spec = Spec::changes("acknowledge_suggestion", READ_KNOWLEDGE_BASE)
        .for_readers()
        .covers(&[
            Covers::create::<SuggestionAnswer>(),
            Covers::update::<SuggestionAnswer>(),
        ])
        .title("Acknowledge suggestion")
        .about("Say that a suggestion is taken up, or dismiss it until its facts change.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Leave that task be: we keep the old boxes",
        before: &[
            Step {
                tool: "create_project",
                arguments: r#"{"name": "Clear the cellar"}"#,
                keep: &[("project", "/data/id")],
            },
            Step {
                tool: "create_task",
                arguments: r#"{"project": "{project}", "title": "Order boxes", "due_on": "2026-01-02", "priority": "urgent"}"#,
                keep: &[("late", "/data/id")],
            },
        ],
        arguments: r#"{"suggestion": "tasks_overdue:{late}", "answer": "dismissed", "note": "We keep it"}"#,
        expect: &[
            ("/data/about/id", r#""{late}""#),
            ("/data/answer", r#""dismissed""#),
        ],
    }];
    type Output = View<SuggestionAnswer>;

    async fn call(self, cx: &mut Cx) -> Result<View<SuggestionAnswer>> {
        let (rule, finding) = meant(cx, &self.suggestion).await?;
        let workspace = cx.workspace().id;
        let lock = format!("suggestion {workspace} {} {}", rule.name, finding.subject);
        cx.tx().serialize(&lock).await?;
        let facts = ShortText::new(&finding.facts).map_err(Error::internal)?;
        let answer = self.answer.unwrap_or_default();
        let known = answers_about(cx, std::slice::from_ref(&finding.subject)).await?;
        let known = known.into_iter();
        let mut known = known.filter(|known| **known.rule == *rule.name);
        let saved = match known.next() {
            Some(known) => {
                let mut edit = cx.edit(known.id).await?;
                edit.answer = answer;
                edit.note = self.note;
                edit.facts = Managed(facts);
                edit.save(cx).await?
            }
            None => {
                let answer = SuggestionAnswer {
                    rule: Managed(ShortText::new(rule.name).map_err(Error::internal)?),
                    about: Managed(Parent(finding.subject)),
                    answer,
                    note: self.note,
                    facts: Managed(facts),
                };
                cx.insert(answer, Attributes::new()).await?
            }
        };
        cx.view(saved).await
    }
}

/// The suggestion of this name as it stands now.
///
/// # Errors
/// [`Code::Validation`] for what is no name of one, [`Code::NotFound`] for one that does not hold now; both name `suggestion`.
async fn meant(cx: &mut Cx, name: &str) -> Result<(&'static SuggestionRule, Finding)> {
    let hint = "get_ai_suggestions answers the ids of those that hold now.";
    let Some((rule, about)) = parts_of(name) else {
        let message = "This is no id of a suggestion: such as activities_due:act_….";
        return Err(Error::invalid("suggestion", message).hint(hint));
    };
    let rules = cx.suggestion_rules()?;
    let missing = || {
        let message =
            "There is no such suggestion now: it was acted on, or its facts have changed.";
        let error = Error::new(Code::NotFound, message);
        error.field("suggestion").hint(hint)
    };
    let known = rules.into_iter().find(|known| known.name == rule);
    let rule = known.ok_or_else(missing)?;
    let wanted = Wanted {
        owner: None,
        subject: Some(about.clone()),
    };
    let found = (rule.find)(cx, &wanted).await?;
    let mut found = found.into_iter();
    let finding = found.find(|finding| finding.subject == about);
    Ok((rule, finding.ok_or_else(missing)?))
}
