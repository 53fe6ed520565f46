//! Ready-made requests that a client offers to its person by name: `prepare my day`, `month end`.
//!
//! A prompt is steps, each of which names the tools that it takes. Whoever has not got them all is not told of the step, and
//! whoever has not got the first step's is not offered the prompt: so a prompt never asks for what is off here.

use bureau_kernel::error::{Error, Result};
use serde_json::{Map, Value};

/// A request with its steps.
#[derive(Debug)]
pub struct Prompt {
    /// Its name, unique.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What comes of it, in one sentence.
    pub about: &'static str,
    /// What it is told. All of it may be left out.
    pub arguments: &'static [Argument],
    /// What is asked for, one after the other.
    pub steps: &'static [Step],
}

/// What a prompt is told.
#[derive(Debug)]
pub struct Argument {
    /// Its name; `{name}` in the steps stands for its value.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
    /// What counts where nothing is said.
    pub default: &'static str,
    /// The kinds of records of which it may be the name.
    pub names: &'static [&'static str],
}

/// A part of a prompt.
#[derive(Debug)]
pub struct Step {
    /// The tools that it takes.
    pub tools: &'static [&'static str],
    /// What is asked for.
    pub text: &'static str,
}

/// The longest value of an argument, in characters.
const MAX_VALUE: usize = 2_000;

/// All prompts.
pub const PROMPTS: &[Prompt] = &[
    Prompt {
        name: "prepare_day",
        title: "Prepare my day",
        about: "What is due, what is late and what can be won, for you and one day.",
        arguments: &[Argument {
            name: "day",
            about: "Which day; today unless said",
            default: "today",
            names: &[],
        }],
        steps: &[
            Step {
                tools: &["list_activities"],
                text: "Prepare my day ({day}). List my activities that are pending and due by the end of that day, and those that are overdue (list_activities with assignee me).",
            },
            Step {
                tools: &["list_deals"],
                text: "List my open deals whose expected closing day is past or within the next seven days (list_deals with owner me).",
            },
            Step {
                tools: &["list_quotations"],
                text: "List offers that are sent and run out within the next seven days (list_quotations).",
            },
            Step {
                tools: &["list_activities"],
                text: "Then give me one short plan for the day, the most valuable first, with names, and for each what I need to know. Change nothing.",
            },
        ],
    },
    Prompt {
        name: "log_meeting",
        title: "Log a meeting",
        about: "Writes down what came of a meeting or call, with its follow-up.",
        arguments: &[Argument {
            name: "notes",
            about: "Who you met and what came of it",
            default: "(ask me for them first)",
            names: &[],
        }],
        steps: &[
            Step {
                tools: &["create_activity", "search_contacts"],
                text: "Log this meeting. My notes: {notes}\nFind the people in it (search_contacts); ask me where several are meant. Log it once as done (create_activity), with what came of it as its outcome, and plan what was agreed as the next activity with its day.",
            },
            Step {
                tools: &["update_contact"],
                text: "Put new numbers, addresses and titles from my notes into the contacts (update_contact).",
            },
            Step {
                tools: &["update_deal", "list_deals"],
                text: "Where it moves a deal, show me what you would change before you do it (update_deal with dry_run).",
            },
        ],
    },
    Prompt {
        name: "review_pipeline",
        title: "Review the pipeline",
        about: "Where the sales stand, which deals are stuck, and what to do about them.",
        arguments: &[Argument {
            name: "owner",
            about: "Whose deals; everybody's unless said",
            default: "everybody",
            names: &["member"],
        }],
        steps: &[
            Step {
                tools: &["get_pipeline_summary", "list_deals"],
                text: "Review the pipeline of {owner}. Show what each stage holds (get_pipeline_summary), then the open deals past their expected closing day and those that rest too long in their stage (list_deals).",
            },
            Step {
                tools: &["list_activities"],
                text: "For the largest of these, say what was done last and what is planned (list_activities); name those with nothing planned.",
            },
            Step {
                tools: &["list_deals"],
                text: "End with at most five proposals, each with the deal and the reason. Change nothing before I agree.",
            },
        ],
    },
    Prompt {
        name: "dunning",
        title: "Remind of what is overdue",
        about: "Overdue invoices, oldest first, with a reminder drafted for each customer.",
        arguments: &[Argument {
            name: "days",
            about: "Overdue by at least so many days",
            default: "1",
            names: &[],
        }],
        steps: &[
            Step {
                tools: &["list_invoices"],
                text: "List the invoices that are overdue by at least {days} days, the oldest due day first (list_invoices with status overdue; go on with page.next until all are there). Sum up what each customer owes, each currency by itself.",
            },
            Step {
                tools: &["get_invoice"],
                text: "For each of these invoices read what was paid and credited (get_invoice), so that nobody is reminded of what is settled.",
            },
            Step {
                tools: &["list_invoices"],
                text: "Draft one friendly reminder for each customer, with numbers, due days and balances, in the customer's language. Bureau mails nothing: I send them myself.",
            },
            Step {
                tools: &["create_activity"],
                text: "When I have sent them, log each as an email to that customer and plan a follow-up in seven days (create_activity).",
            },
        ],
    },
    Prompt {
        name: "month_end",
        title: "Close the month",
        about: "What has to be issued, approved and chased before a month is closed, and its figures.",
        arguments: &[Argument {
            name: "month",
            about: "Which month; the last one unless said",
            default: "last month",
            names: &[],
        }],
        steps: &[
            Step {
                tools: &["list_invoices", "get_invoice_stats"],
                text: "Prepare the end of the month ({month}). List the drafts of invoices that belong into it (list_invoices with status draft), and say what each still lacks.",
            },
            Step {
                tools: &["list_quotations"],
                text: "List accepted offers that are not invoiced yet (list_quotations with status accepted and converted false).",
            },
            Step {
                tools: &["list_recurring_invoices"],
                text: "List the recurring invoices whose next day lies in that month (list_recurring_invoices).",
            },
            Step {
                tools: &["list_expenses"],
                text: "List the expenses of the month that are pending (list_expenses), with their sum in each currency.",
            },
            Step {
                tools: &["get_invoice_stats"],
                text: "Then give the figures of the month: invoiced, paid, open and overdue (get_invoice_stats with issued_after and issued_before), beside those of the month before.",
            },
            Step {
                tools: &["issue_invoice"],
                text: "End with a list of what I should decide. Issue nothing before I name the invoices: what is issued is final.",
            },
        ],
    },
    Prompt {
        name: "tidy_contacts",
        title: "Tidy up the contacts",
        about: "Finds contacts that are there twice and merges those that you agree to.",
        arguments: &[],
        steps: &[
            Step {
                tools: &["find_duplicate_contacts", "merge_contacts"],
                text: "Find contacts that are there twice (find_duplicate_contacts). Show each pair side by side and say which one should stay. Merge those that I agree to (merge_contacts), no others.",
            },
            Step {
                tools: &["undo_change"],
                text: "Keep the change ids that merging answers, so that I can have any of it back (undo_change).",
            },
        ],
    },
    Prompt {
        name: "what_next",
        title: "What should I do next?",
        about: "What the records suggest, the most pressing first, with the reason for each.",
        arguments: &[Argument {
            name: "owner",
            about: "Whose; yours unless said",
            default: "me",
            names: &["member"],
        }],
        steps: &[
            Step {
                tools: &["get_ai_suggestions"],
                text: "Ask what should be done next by {owner} (get_ai_suggestions with owner {owner}; without an owner where that finds nothing). Show each with its reason and what it rests on, the highest score first, and leave out none that you were given.",
            },
            Step {
                tools: &["acknowledge_suggestion"],
                text: "Do what I agree to, with the call that the suggestion names. What I take up or turn down, say so (acknowledge_suggestion with answer acknowledged or dismissed).",
            },
        ],
    },
    Prompt {
        name: "weekly_review",
        title: "Review the week",
        about: "What was done, won, invoiced and solved in a week, and what is late after it.",
        arguments: &[Argument {
            name: "week",
            about: "Which week; the last seven days unless said",
            default: "the last seven days",
            names: &[],
        }],
        steps: &[
            Step {
                tools: &["list_activities"],
                text: "Review the week ({week}); say from which day to which that is. List what was done in it (list_activities with status done, done_after and done_before), by person, and what was due and is not done.",
            },
            Step {
                tools: &["list_deals"],
                text: "List the deals that were won and lost in it (list_deals with status won, then lost, with closed_after and closed_before), with amounts, and for the lost ones the reasons.",
            },
            Step {
                tools: &["list_invoices", "list_payments"],
                text: "Say what was invoiced (list_invoices with issued_after and issued_before) and what was paid (list_payments with paid_after and paid_before), each currency by itself.",
            },
            Step {
                tools: &["list_tickets"],
                text: "Say how many tickets were opened and solved in it (list_tickets with count_only), and which open ones have missed a target.",
            },
            Step {
                tools: &["list_tasks"],
                text: "List the tasks that were completed (list_tasks with completed_after and completed_before) and those that are overdue, by project.",
            },
            Step {
                tools: &["list_activities"],
                text: "End with three lines: what went well, what is late, and what I should decide. Change nothing.",
            },
        ],
    },
    Prompt {
        name: "prepare_meeting",
        title: "Prepare a meeting",
        about: "Who they are, what was last said, and what is open with them, on one page.",
        arguments: &[Argument {
            name: "with",
            about: "The person or firm that you meet",
            default: "(ask me with whom first)",
            names: &["contact", "company"],
        }],
        steps: &[
            Step {
                tools: &["search_contacts"],
                text: "Prepare my meeting with {with}. Find the person (search_contacts); ask me where several are meant.",
            },
            Step {
                tools: &["search_companies"],
                text: "Find the firm as well (search_companies), with who else there we know.",
            },
            Step {
                tools: &["list_activities"],
                text: "Say what was last done with them and what came of it, and what is planned (list_activities by company or contact, the newest first).",
            },
            Step {
                tools: &["list_deals"],
                text: "List the open deals with them, and the last that were won or lost (list_deals).",
            },
            Step {
                tools: &["list_quotations"],
                text: "List the offers that they have and have not decided on (list_quotations with status sent).",
            },
            Step {
                tools: &["list_invoices"],
                text: "Say what they owe, and what of it is overdue (list_invoices with status open, then overdue).",
            },
            Step {
                tools: &["list_tickets"],
                text: "List their open tickets (list_tickets).",
            },
            Step {
                tools: &["list_notes"],
                text: "Read the notes on them (list_notes).",
            },
            Step {
                tools: &["search_contacts"],
                text: "Put it on one page: whom I meet, how it stands, what they will ask, and what I should ask. Change nothing.",
            },
        ],
    },
    Prompt {
        name: "triage_tickets",
        title: "Triage tickets",
        about: "Open tickets that nobody has taken or that miss their targets next, with a proposal for each.",
        arguments: &[Argument {
            name: "team",
            about: "Whose tickets; all unless said",
            default: "all teams",
            names: &["team"],
        }],
        steps: &[
            Step {
                tools: &["list_tickets", "get_ticket"],
                text: "Triage the tickets of {team}. List the open ones in the order in which they miss their targets (list_tickets with status open), and of those first the ones that nobody has taken. Read each of the first ten (get_ticket).",
            },
            Step {
                tools: &["search_knowledge_base"],
                text: "Look up whether our documents answer it (search_knowledge_base), and name the document.",
            },
            Step {
                tools: &["list_team_members"],
                text: "For each propose a priority, a category, and who should take it (list_team_members), with the reason in a few words.",
            },
            Step {
                tools: &["update_ticket"],
                text: "Show the proposals as a table first. Change what I agree to (update_ticket), no others.",
            },
            Step {
                tools: &["create_ticket_message"],
                text: "Draft answers where I ask for them (create_ticket_message with type draft); send nothing.",
            },
        ],
    },
    Prompt {
        name: "hiring_review",
        title: "Review the hiring",
        about: "Where each open job stands, who waits for us, and how long it takes.",
        arguments: &[Argument {
            name: "job",
            about: "Which job; all open ones unless said",
            default: "all open jobs",
            names: &["job"],
        }],
        steps: &[
            Step {
                tools: &["list_jobs", "list_candidates"],
                text: "Review the hiring for {job}. List the jobs (list_jobs with status open) and for each the candidates by stage (list_candidates).",
            },
            Step {
                tools: &["list_candidates"],
                text: "Name those who have waited in their stage for more than seven days (list_candidates with min_days_in_stage), the longest first, and whose turn it is.",
            },
            Step {
                tools: &["get_recruiting_metrics"],
                text: "Give the funnel, the time to hire and the sources (get_recruiting_metrics), and say where most are lost.",
            },
            Step {
                tools: &["list_jobs"],
                text: "End with what I should decide, for each candidate who waits. Reject nobody and move nobody before I say so.",
            },
        ],
    },
];

impl Prompt {
    /// Whether it is offered where these tools are.
    #[must_use]
    pub fn is_offered(&self, has: impl Fn(&str) -> bool) -> bool {
        let first = self.steps.first();
        first.is_some_and(|step| step.tools.iter().all(|tool| has(tool)))
    }

    /// What a person would say, with these arguments, where these tools are.
    ///
    /// # Errors
    /// [`Code::Validation`](bureau_kernel::error::Code::Validation) naming an argument that it does not take, or is no text of
    /// a sensible length.
    pub fn text(&self, has: impl Fn(&str) -> bool, given: &Map<String, Value>) -> Result<String> {
        let is_known = |name: &&String| self.arguments.iter().any(|known| known.name == **name);
        if let Some(unknown) = given.keys().find(|name| !is_known(name)) {
            let known: Vec<&str> = self.arguments.iter().map(|known| known.name).collect();
            let name: String = unknown.chars().take(64).collect();
            let error = Error::invalid(&name, format!("{} takes no {name:?}.", self.name));
            return Err(match known.as_slice() {
                [] => error.hint("It takes no arguments."),
                known => error.hint(format!("It takes: {}.", known.join(", "))),
            });
        }
        let steps = self.steps.iter();
        let steps = steps.filter(|step| step.tools.iter().all(|tool| has(tool)));
        let mut text = steps.map(|step| step.text).collect::<Vec<_>>().join("\n\n");
        for argument in self.arguments {
            let value = match given.get(argument.name) {
                None | Some(Value::Null) => argument.default,
                Some(Value::String(value)) if value.trim().is_empty() => argument.default,
                Some(Value::String(value)) if value.chars().count() <= MAX_VALUE => value.trim(),
                Some(_) => {
                    let message = format!(
                        "{} is text of at most {MAX_VALUE} characters.",
                        argument.name
                    );
                    return Err(Error::invalid(argument.name, message));
                }
            };
            text = text.replace(&format!("{{{}}}", argument.name), value);
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn prompts_name_tools_that_are_there_and_arguments_that_they_take() {
        let registry = crate::boot::whole_registry().unwrap();
        let mut names = BTreeSet::new();
        for prompt in PROMPTS {
            assert!(names.insert(prompt.name), "{}", prompt.name);
            assert!(prompt.is_offered(|tool| registry.entry(tool).is_some()));
            for step in prompt.steps {
                for tool in step.tools {
                    assert!(registry.entry(tool).is_some(), "{}: {tool}", prompt.name);
                }
            }
            let whole = prompt.text(|_| true, &Map::new()).unwrap();
            assert!(!whole.contains(['{', '}']), "{}: {whole}", prompt.name);
            for argument in prompt.arguments {
                let given = Map::from_iter([(argument.name.to_owned(), json!("Zanzibar"))]);
                let text = prompt.text(|_| true, &given).unwrap();
                assert!(text.contains("Zanzibar"), "{}: {text}", prompt.name);
            }
        }
    }

    #[test]
    fn a_prompt_asks_for_nothing_that_is_off() {
        let day = PROMPTS
            .iter()
            .find(|prompt| prompt.name == "prepare_day")
            .unwrap();
        assert!(!day.is_offered(|tool| tool == "list_deals"));
        let only = |tool: &str| tool == "list_activities";
        assert!(day.is_offered(only));
        let text = day.text(only, &Map::new()).unwrap();
        assert!(
            !text.contains("list_deals") && text.contains("assignee me"),
            "{text}"
        );
        let unknown = Map::from_iter([("date".to_owned(), json!("today"))]);
        let error = day.text(only, &unknown).unwrap_err();
        assert!(error.hint_text().unwrap_or_default().contains("day"));
        let long = Map::from_iter([("day".to_owned(), json!("x".repeat(3_000)))]);
        assert_eq!(day.text(only, &long).unwrap_err().field_name(), Some("day"));
    }
}
