//! `get_ai_suggestions`

use std::collections::HashMap;

use bureau_kernel::prelude::*;
use bureau_kernel::suggestion::{Finding, MOST, SuggestionRule, Wanted};
use bureau_kernel::types::id::Entity as _;
use bureau_kernel::types::text::nearest;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::READ_KNOWLEDGE_BASE;
use crate::answer::{Answer, SuggestionAnswer, answers_about, name_of};

/// Which suggestions.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct GetAiSuggestions {
    /// Such as invoices_overdue
    rule: Option<Vec<ShortText<60>>>,
    /// Whose records; me for yours
    owner: Option<Id<Member>>,
    /// Those so answered instead
    answered: Option<Answer>,
    /// Default 10
    limit: Option<Limit>,
}

/// Suggestions, the highest score first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Suggestions {
    /// The moment of the records that they were computed from.
    as_of: Timestamp,
    suggestions: Vec<Suggestion>,
    /// So many more there are.
    more: usize,
    /// What was looked for, and how much of it was found that nobody has answered.
    rules: Vec<RuleFound>,
    /// Rules about records that you may not read, or whose tools are not on here.
    not_looked_for: Vec<&'static str>,
    /// Answers that still keep something away.
    answered: Answered,
}

/// What somebody might do.
#[derive(Debug, Serialize, JsonSchema)]
struct Suggestion {
    /// For acknowledge_suggestion.
    id: String,
    rule: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    action: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    about: NamedAny,
    /// The records that it stands on, where these are others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<NamedAny>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<NamedRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<Score>,
    /// The call that acts on it; none where you are not offered its tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<ShortText<500>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_by: Option<NamedRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_at: Option<Timestamp>,
}

/// Why it stands where it does.
#[derive(Debug, Serialize, JsonSchema)]
struct Score {
    /// Impact times urgency, out of 100.
    score: i64,
    /// How much depends on it, from 0 to 100.
    impact: i64,
    /// How soon it has to be done, from 0 to 100.
    urgency: i64,
}

/// A call of a tool.
#[derive(Debug, Serialize, JsonSchema)]
struct Call {
    tool: &'static str,
    arguments: Map<String, Value>,
}

/// What one rule found.
#[derive(Debug, Serialize, JsonSchema)]
struct RuleFound {
    rule: &'static str,
    when: &'static str,
    found: usize,
    /// It may be more: no further was looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<bool>,
}

/// How many answers.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Answered {
    acknowledged: usize,
    dismissed: usize,
}

/// Suggestions of one answer, where nothing else is said.
const USUAL: usize = 10;
/// Records named as evidence.
const MOST_EVIDENCE: usize = 20;

impl Tool for GetAiSuggestions {
    const SPEC: Spec = Spec::reads("get_ai_suggestions", READ_KNOWLEDGE_BASE)
        .title("Get AI suggestions")
        .about("What to do next, computed from the records: overdue, silent, expiring.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What should I do next?",
        before: &[
            Step {
                tool: "create_project",
                arguments: r#"{"name": "Move the office"}"#,
                keep: &[("project", "/data/id")],
            },
            Step {
                tool: "create_task",
                arguments: r#"{"project": "{project}", "title": "Order boxes", "due_on": "2026-01-02", "priority": "urgent"}"#,
                keep: &[("late", "/data/id")],
            },
        ],
        arguments: r#"{"limit": 3}"#,
        expect: &[("/data/suggestions/0/score/score", "100")],
    }];
    type Output = Suggestions;

    async fn call(self, cx: &mut Cx) -> Result<Suggestions> {
        let rules = cx.suggestion_rules()?;
        let chosen = chosen(cx, &rules, self.rule.as_deref())?;
        let limit = self.limit.map_or(USUAL, Limit::rows);
        let wanted = Wanted {
            owner: self.owner,
            subject: None,
        };
        let mut open: Vec<(&'static SuggestionRule, Finding)> = Vec::new();
        let mut answered: Vec<(&'static SuggestionRule, Finding, Saved<SuggestionAnswer>)> =
            Vec::new();
        let mut counts = Vec::new();
        for rule in chosen {
            let found = (rule.find)(cx, &wanted).await?;
            let is_all = found.len() < MOST;
            let subjects: Vec<AnyId> = found.iter().map(|one| one.subject.clone()).collect();
            let answers = answers_about(cx, &subjects).await?;
            let answers: HashMap<AnyId, Saved<SuggestionAnswer>> = answers
                .into_iter()
                .filter(|answer| **answer.rule == *rule.name)
                .map(|answer| (answer.about.0.0.clone(), answer))
                .collect();
            let before = open.len();
            for finding in found {
                let answer = answers.get(&finding.subject);
                match answer.filter(|answer| **answer.facts == *finding.facts) {
                    Some(answer) => answered.push((rule, finding, answer.clone())),
                    None => open.push((rule, finding)),
                }
            }
            counts.push(RuleFound {
                rule: rule.name,
                when: rule.about,
                found: open.len() - before,
                at_least: (!is_all).then_some(true),
            });
        }
        let count = |wanted: Answer| {
            let answers = answered.iter();
            answers
                .filter(|(_, _, answer)| answer.answer == wanted)
                .count()
        };
        let totals = Answered {
            acknowledged: count(Answer::Acknowledged),
            dismissed: count(Answer::Dismissed),
        };
        let mut shown: Vec<(
            &'static SuggestionRule,
            Finding,
            Option<Saved<SuggestionAnswer>>,
        )> = match self.answered {
            None => open
                .into_iter()
                .map(|(rule, finding)| (rule, finding, None))
                .collect(),
            Some(wanted) => answered
                .into_iter()
                .filter(|(_, _, answer)| answer.answer == wanted)
                .map(|(rule, finding, answer)| (rule, finding, Some(answer)))
                .collect(),
        };
        // Of two that weigh the same the older record comes first, so that the order stays.
        shown.sort_by_key(|(_, finding, _)| (-finding.score(), finding.subject.raw()));
        let more = shown.len().saturating_sub(limit);
        shown.truncate(limit);
        let mut suggestions = Vec::new();
        for (rule, finding, answer) in shown {
            suggestions.push(suggestion(cx, rule, finding, answer).await?);
        }
        let known: Vec<&str> = rules.iter().map(|rule| rule.name).collect();
        let mut not_looked_for = cx.names_of_suggestion_rules()?;
        not_looked_for.retain(|name| !known.contains(name));
        Ok(Suggestions {
            as_of: cx.now(),
            suggestions,
            more,
            rules: counts,
            not_looked_for,
            answered: totals,
        })
    }
}

/// The rules that are asked for, or all.
fn chosen(
    cx: &Cx,
    rules: &[&'static SuggestionRule],
    names: Option<&[ShortText<60>]>,
) -> Result<Vec<&'static SuggestionRule>> {
    let Some(names) = names.filter(|names| !names.is_empty()) else {
        return Ok(rules.to_vec());
    };
    let mut chosen: Vec<&'static SuggestionRule> = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let asked = name.trim().to_lowercase();
        let Some(rule) = rules.iter().find(|rule| rule.name == asked) else {
            let field = match names.len() {
                1 => "rule".to_owned(),
                _ => format!("rule[{place}]"),
            };
            let known = rules.iter().map(|rule| rule.name);
            let is_hidden = cx.names_of_suggestion_rules()?.contains(&asked.as_str());
            let message = match is_hidden {
                true => "This rule is about records that you may not read here.",
                false => "No rule is called so.",
            };
            let all: Vec<&str> = known.clone().collect();
            let hint = match nearest(&asked, known) {
                Some(near) if !is_hidden => format!("Did you mean {near}?"),
                _ => format!("There are: {}.", all.join(", ")),
            };
            return Err(Error::invalid(field, message).hint(hint));
        };
        if !chosen.iter().any(|known| known.name == rule.name) {
            chosen.push(rule);
        }
    }
    Ok(chosen)
}

async fn suggestion(
    cx: &mut Cx,
    rule: &'static SuggestionRule,
    finding: Finding,
    answer: Option<Saved<SuggestionAnswer>>,
) -> Result<Suggestion> {
    let author = answer.as_ref().and_then(|answer| answer.created_by);
    let owner = member(cx, finding.owner).await?;
    let author = member(cx, author).await?;
    let mut evidence = finding.evidence.clone();
    evidence.truncate(MOST_EVIDENCE);
    let ids: Vec<AnyId> = evidence.iter().chain([&finding.subject]).cloned().collect();
    let names = cx.any_names(ids).await?;
    let call = Call {
        tool: finding.call.tool,
        arguments: finding.call.arguments.clone(),
    };
    Ok(Suggestion {
        id: name_of(rule.name, &finding.subject),
        rule: rule.name.to_owned(),
        score: Some(Score {
            score: finding.score(),
            impact: finding.impact,
            urgency: finding.urgency,
        }),
        action: finding.action,
        reason: finding.reason,
        about: names.of(finding.subject),
        evidence: evidence.into_iter().map(|id| names.of(id)).collect(),
        owner,
        call: cx.is_offered(call.tool)?.then_some(call),
        answer: answer.as_ref().map(|answer| answer.answer),
        note: answer.as_ref().and_then(|answer| answer.note.clone()),
        answered_by: author,
        answered_at: answer.map(|answer| answer.updated_at),
    })
}

/// A member with the name.
async fn member(cx: &mut Cx, id: Option<Id<Member>>) -> Result<Option<NamedRecord>> {
    let Some(id) = id else {
        return Ok(None);
    };
    Ok(cx
        .named(&[(Member::TABLE, id.raw())])
        .await?
        .into_iter()
        .next())
}
