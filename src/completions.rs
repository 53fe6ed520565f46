//! What a client offers while its person writes the argument of a prompt, or picks one of the records that a resource's template stands
//! for: names where words are read, identifiers where an address is made.
//!
//! Each is answered by the list that anybody may ask for, called as the one who asks: what it does not show is not completed.

use std::sync::Arc;

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Call, Dispatcher, Outcome};
use bureau_kernel::error::{Code, Error, Result};
use rmcp::model::{ArgumentInfo, CompletionInfo, Reference};
use serde_json::{Map, Value};

use crate::prompts::PROMPTS;

/// What can be listed by its name.
struct Listed {
    /// What a template's variable and a prompt's argument call one.
    noun: &'static str,
    /// The tool that lists them.
    tool: &'static str,
    /// Where a row says what it is called.
    name: &'static str,
    /// Whether the tool takes `query`; what it answers otherwise is looked through here.
    searches: bool,
}

const LISTS: &[Listed] = &[
    listed("activity", "list_activities", "subject"),
    listed("candidate", "list_candidates", "name"),
    listed("company", "search_companies", "name"),
    listed("contact", "search_contacts", "name"),
    listed("deal", "list_deals", "name"),
    listed("document", "list_knowledge_base", "title"),
    listed("expense", "list_expenses", "description"),
    listed("file", "list_files", "name"),
    listed("invoice", "list_invoices", "number"),
    listed("job", "list_jobs", "title"),
    listed("member", "list_team_members", "name"),
    listed("note", "search_notes", "text"),
    listed("product", "list_products", "name"),
    listed("project", "list_projects", "name"),
    listed("quotation", "list_quotations", "number"),
    Listed {
        searches: false,
        ..listed("stage", "list_pipeline_stages", "name")
    },
    listed("task", "list_tasks", "title"),
    Listed {
        searches: false,
        ..listed("team", "list_teams", "name")
    },
    listed("ticket", "list_tickets", "subject"),
];

const fn listed(noun: &'static str, tool: &'static str, name: &'static str) -> Listed {
    Listed {
        noun,
        tool,
        name,
        searches: true,
    }
}

/// Values of one answer.
const MOST: usize = 20;
/// The longest text that is completed, in characters.
const MAX_TEXT: usize = 200;

/// What may stand for an argument that begins like this.
///
/// # Errors
/// [`Code::Validation`] for a prompt or template that there is not for this caller, or an argument that it does not take.
pub async fn complete(
    dispatcher: &Arc<Dispatcher>,
    caller: &Caller,
    reference: &Reference,
    argument: &ArgumentInfo,
) -> Result<CompletionInfo> {
    let text = argument.value.trim();
    let text: String = text.chars().take(MAX_TEXT).collect();
    let mut values = Vec::new();
    match reference {
        Reference::Prompt(prompt) => {
            let has = |tool: &str| {
                dispatcher
                    .visible(caller)
                    .any(|entry| entry.spec.name == tool)
            };
            let mut prompts = PROMPTS.iter();
            let prompt = prompts.find(|known| known.name == prompt.name && known.is_offered(has));
            let prompt =
                prompt.ok_or_else(|| Error::invalid("ref", "There is no such prompt here."))?;
            let mut arguments = prompt.arguments.iter();
            let known = arguments.find(|known| known.name == argument.name);
            let known = known
                .ok_or_else(|| Error::invalid("argument", "The prompt has no such argument."))?;
            for noun in known.names {
                values.extend(
                    rows(dispatcher, caller, noun, &text)
                        .await?
                        .into_iter()
                        .map(|row| row.name),
                );
            }
        }
        Reference::Resource(resource) => {
            let resources = dispatcher.registry().visible_resources(caller);
            let mut templates = resources.filter(|known| known.is_template());
            let template = templates.find(|known| known.uri == resource.uri);
            let template =
                template.ok_or_else(|| Error::invalid("ref", "There is no such template here."))?;
            if !template.variables().any(|name| name == argument.name) {
                return Err(Error::invalid(
                    "argument",
                    "The template has no such variable.",
                ));
            }
            values.extend(
                rows(dispatcher, caller, &argument.name, &text)
                    .await?
                    .into_iter()
                    .map(|row| row.id),
            );
        }
        _ => {
            return Err(Error::invalid(
                "ref",
                "ref is a prompt or a resource's template.",
            ));
        }
    }
    values.retain(|value| !value.is_empty());
    values.dedup();
    let more = values.len() > MOST;
    values.truncate(MOST);
    let mut completion = CompletionInfo::new(values).map_err(Error::internal)?;
    completion.has_more = Some(more);
    Ok(completion)
}

/// A row of a list.
struct Row {
    id: String,
    name: String,
}

/// The records of a kind whose text matches, as far as the caller may list them; none of a kind that is not listed by name.
async fn rows(
    dispatcher: &Arc<Dispatcher>,
    caller: &Caller,
    noun: &str,
    text: &str,
) -> Result<Vec<Row>> {
    let Some(list) = LISTS.iter().find(|list| list.noun == noun) else {
        return Ok(Vec::new());
    };
    if !dispatcher
        .visible(caller)
        .any(|entry| entry.spec.name == list.tool)
    {
        return Ok(Vec::new());
    }
    let mut arguments = Map::new();
    if list.searches {
        arguments.insert("limit".into(), (MOST + 1).into());
        if !text.is_empty() {
            arguments.insert("query".into(), text.into());
        }
    }
    let call = Call {
        tool: list.tool.to_owned(),
        arguments,
        ..Call::default()
    };
    let answer = match dispatcher.call(caller.clone(), call).await {
        Outcome::Done(answer) => answer,
        // What nobody can look for so completes to nothing: no word, or nothing but signs.
        Outcome::Failed(error) if error.code() == Code::Validation => return Ok(Vec::new()),
        Outcome::Failed(error) => return Err(error),
        Outcome::Ask { .. } => return Err(Error::internal("a list asks for a confirmation")),
    };
    let mut found = Vec::new();
    gather(
        answer.get("data").unwrap_or(&Value::Null),
        list.name,
        &mut found,
    );
    let wanted = text.to_lowercase();
    found.retain(|row: &Row| list.searches || row.name.to_lowercase().contains(&wanted));
    Ok(found)
}

/// The rows of an answer: a list of them, or a few lists beside each other.
fn gather(data: &Value, name: &str, found: &mut Vec<Row>) {
    match data {
        Value::Array(rows) => {
            for row in rows {
                let text = |field: &str| row.get(field).and_then(Value::as_str).map(str::to_owned);
                match (text("id"), text(name)) {
                    (Some(id), name) => found.push(Row {
                        id,
                        name: name.unwrap_or_default(),
                    }),
                    _ => gather(row, name, found),
                }
            }
        }
        Value::Object(fields) => {
            for value in fields.values() {
                gather(value, name, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_of_a_record_and_every_argument_of_a_name_is_completed_by_a_tool_that_is_there()
     {
        let registry = crate::boot::whole_registry().unwrap();
        for list in LISTS {
            let entry = registry.entry(list.tool).unwrap();
            assert!(entry.spec.effect.reads_only(), "{}", list.tool);
        }
        let is_listed = |noun: &str| LISTS.iter().any(|list| list.noun == noun);
        for resource in registry.resources() {
            let mut variables = resource.variables();
            let (first, more) = (variables.next(), variables.next());
            // What is taken out by a filter has several, and no record.
            if let (Some(noun), None) = (first, more) {
                assert!(is_listed(noun), "{}", resource.uri);
            }
        }
        for prompt in PROMPTS {
            for argument in prompt.arguments {
                assert!(
                    argument.names.iter().all(|noun| is_listed(noun)),
                    "{}",
                    prompt.name
                );
            }
        }
    }
}
