//! `bill_time`

use std::collections::BTreeMap;

use bureau_billing::{LineGiven, MOST_LINES, buyer, lines_given, price, rounded};
use bureau_companies::Company;
use bureau_invoicing::{CREATE_INVOICES, Invoice, InvoiceView, view};
use bureau_kernel::permission::READ_TEAMS;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::money::{Amount, Currency};
use chrono::{Datelike as _, Days, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entry::TimeEntry;
use crate::hours::{shown_hours, worth};
use crate::list_time_entries::projects_for;
use bureau_projects::Project;
use bureau_projects::Task;

/// Which time to bill, and how.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct BillTime {
    project: Option<Id<Project>>,
    /// Or all projects of a client
    company: Option<Id<Company>>,
    /// Last day; default today
    until: Option<When>,
    /// A line for each
    group_by: Option<GroupBy>,
    /// Percent
    tax_rate: Option<Amount>,
    /// Instead, such as reverse charge
    tax_category: Option<ShortText<40>>,
}

/// What has a line of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum GroupBy {
    #[default]
    Task,
    Person,
    Day,
    Week,
    Project,
}

/// The draft, and what it bills.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Billed {
    #[serde(flatten)]
    invoice: InvoiceView,
    /// How many entries are on it.
    time_entries: usize,
    /// Their hours, as billed.
    billed_hours: String,
}

/// Entries that are billed at once.
const MOST_ENTRIES: usize = 1_000;

impl Tool for BillTime {
    // What it adds is an invoice, and that time is on it follows.
    const SPEC: Spec = Spec::adds("bill_time", CREATE_INVOICES)
        .covers(&[
            Covers::read::<TimeEntry>(),
            Covers::update::<TimeEntry>(),
            Covers::read::<Project>(),
            Covers::read::<Task>(),
        ])
        .title("Bill time")
        .about("Draft an invoice of a project's or client's unbilled billable time; once.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Bill Acme the time on the garden up to the end of January",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Gardens"}"#,
                keep: &[("acme", "/data/id")],
            },
            Step {
                tool: "create_project",
                arguments: r#"{"name": "Garden", "company": "{acme}"}"#,
                keep: &[("garden", "/data/id")],
            },
            Step {
                tool: "create_task",
                arguments: r#"{"project": "{garden}", "title": "Hedge"}"#,
                keep: &[("hedge", "/data/id")],
            },
            Step {
                tool: "create_time_entry",
                arguments: r#"{"task": "{hedge}", "worked_on": "2026-01-12", "hours": "1:40", "hourly_rate": "80"}"#,
                keep: &[],
            },
            Step {
                tool: "create_time_entry",
                arguments: r#"{"task": "{hedge}", "worked_on": "2026-01-13", "hours": "0:50", "hourly_rate": "80"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"project": "{garden}", "until": "2026-01-31", "tax_rate": "19"}"#,
        expect: &[
            ("/data/status", r#""draft""#),
            ("/data/company/name", r#""Acme Gardens""#),
            ("/data/lines/0/quantity", r#""2.5""#),
            ("/data/net_total", r#""200.00""#),
            ("/data/time_entries", "2"),
        ],
    }];
    type Output = Billed;

    async fn call(self, cx: &mut Cx) -> Result<Billed> {
        let until = match &self.until {
            Some(when) => cx.date("until", when)?,
            None => cx.today(),
        };
        let (projects, company) = self.for_whom(cx).await?;
        let entries = unbilled(cx, &projects, until).await?;
        let currency = one_currency(&entries)?;
        check_rates(&entries)?;
        let groups = grouped(cx, &entries, self.group_by.unwrap_or_default()).await?;
        if groups.len() > MOST_LINES {
            let message = format!(
                "That would be {} lines, and {MOST_LINES} are possible.",
                groups.len()
            );
            return Err(Error::invalid("group_by", message)
                .hint("Group by something larger, or until an earlier day."));
        }
        let (mut lines, mut origins) = (Vec::new(), Vec::new());
        for ((label, _, rate), entries) in &groups {
            let line = line(label, *rate, entries, currency, self.tax_rate)?;
            lines.push(line.in_category(self.tax_category.clone()));
            origins.push(origin(entries)?);
        }
        let lines = lines_given(cx, lines, currency).await;
        // The caller gave no lines.
        let lines = lines.map_err(|error| {
            let is_category = error
                .field_name()
                .is_some_and(|field| field.ends_with("tax_category"));
            error.field(if is_category {
                "tax_category"
            } else {
                "tax_rate"
            })
        })?;
        let mut invoice = Invoice::empty();
        invoice.company = Some(company);
        let customer = buyer(cx, invoice.company, None).await?.name;
        invoice.customer = Managed(ShortText::new(&customer).ok());
        invoice.currency = currency;
        invoice.owner = Some(cx.caller().member);
        let days = || entries.iter().map(|entry| *entry.worked_on);
        (invoice.service_from, invoice.service_to) = (days().min(), days().max());
        let with_origin = lines.into_iter().zip(&origins).map(|(mut line, origin)| {
            line.origin = Some(origin.clone());
            line
        });
        invoice.lines = Managed(Json(with_origin.collect()));
        let invoice = cx.insert(invoice, Attributes::new()).await?;
        for (entries, origin) in groups.values().zip(origins) {
            for entry in entries {
                let mut edit = cx.edit(entry.id).await?;
                edit.invoice = Managed(Some(invoice.id));
                edit.billed_line = Managed(Some(origin.clone()));
                edit.save(cx).await?;
            }
        }
        let seconds = entries.iter().map(|entry| *entry.billable_seconds).sum();
        Ok(Billed {
            invoice: view(cx, invoice).await?,
            time_entries: entries.len(),
            billed_hours: shown_hours(seconds).to_string(),
        })
    }
}

impl BillTime {
    /// The projects whose time is billed, and the client who gets the invoice.
    async fn for_whom(&self, cx: &mut Cx) -> Result<(Vec<Id<Project>>, Id<Company>)> {
        match (self.project, self.company) {
            (Some(project), asked) => {
                let found = cx.get(project).await?;
                let company = asked.or(found.company).ok_or_else(|| {
                    Error::conflict("The project is for no client.")
                        .field("company")
                        .hint("Name the company that pays, or set it with update_project.")
                })?;
                Ok((vec![project], company))
            }
            (None, Some(company)) => Ok((projects_for(cx, company).await?, company)),
            (None, None) => Err(Error::invalid("project", "Whose time is to be billed?")
                .hint("Name a project, or a company for all of its projects.")),
        }
    }
}

/// The time of these projects that can be billed, oldest first. Nobody else bills or changes it until the call ends.
async fn unbilled(
    cx: &mut Cx,
    projects: &[Id<Project>],
    until: NaiveDate,
) -> Result<Vec<Saved<TimeEntry>>> {
    let mut statement = sql("SELECT id")
        .from_live::<TimeEntry>(cx)
        .sql(" AND invoice IS NULL AND billable_seconds > 0 AND worked_on <= ")
        .value(until)
        .sql(" AND project IN (NULL");
    for project in projects {
        statement = statement.sql(", ").value(*project);
    }
    let most = i64::try_from(MOST_ENTRIES).unwrap_or(i64::MAX);
    let statement = statement
        .sql(") ORDER BY worked_on, id LIMIT ")
        .value(most + 1);
    let rows = statement.rows(cx.tx()).await?;
    if rows.len() > MOST_ENTRIES {
        let message = format!("More than {MOST_ENTRIES} entries are not billed.");
        return Err(Error::invalid("until", message).hint("Bill them up to an earlier day first."));
    }
    let ids = rows.iter().map(|row| row.get("id"));
    let ids: Vec<Id<TimeEntry>> = ids.collect::<Result<_>>()?;
    let mut found = cx.find_all(&ids).await?;
    let found = ids.iter().filter_map(|id| found.remove(&id.raw()));
    // Somebody may have billed or changed it while this call waited for it.
    let still = |entry: &Saved<TimeEntry>| {
        entry.archived_at.is_none() && entry.invoice.is_none() && *entry.billable_seconds > 0
    };
    let entries: Vec<Saved<TimeEntry>> = found.filter(still).collect();
    if entries.is_empty() {
        let message = format!("There is no billable time up to {until} that is not billed.");
        return Err(Error::conflict(message)
            .field("until")
            .hint("list_time_entries shows which time is billable, and on which invoice it is."));
    }
    Ok(entries)
}

/// The currency of all that is billed.
fn one_currency(entries: &[Saved<TimeEntry>]) -> Result<Currency> {
    let mut currencies: Vec<&str> = entries.iter().map(|entry| entry.currency.code()).collect();
    currencies.sort_unstable();
    currencies.dedup();
    match (entries.first(), currencies.as_slice()) {
        (Some(first), [_]) => Ok(*first.currency),
        (_, several) => {
            let message = format!("This time is billed in {}.", several.join(" and "));
            Err(Error::conflict(message)
                .field("project")
                .hint("Bill project by project."))
        }
    }
}

/// Refuses time that has no rate.
fn check_rates(entries: &[Saved<TimeEntry>]) -> Result<()> {
    let unpriced: Vec<String> = entries
        .iter()
        .filter(|entry| entry.hourly_rate.is_none())
        .map(|entry| entry.id.to_string())
        .collect();
    if unpriced.is_empty() {
        return Ok(());
    }
    let message = format!("{} of these entries have no hourly rate.", unpriced.len());
    let some: Vec<String> = unpriced.into_iter().take(20).collect();
    Err(Error::conflict(message)
        .field("hourly_rate")
        .detail("existing", some)
        .hint("Give them hourly_rate with update_time_entry, or billable: false."))
}

/// Entries that have a line together: what that says, what tells it from others that say the same, and the rate.
type Groups<'a> = BTreeMap<(String, i64, Amount), Vec<&'a Saved<TimeEntry>>>;

async fn grouped<'a>(
    cx: &mut Cx,
    entries: &'a [Saved<TimeEntry>],
    by: GroupBy,
) -> Result<Groups<'a>> {
    let mut labels: BTreeMap<i64, String> = BTreeMap::new();
    match by {
        GroupBy::Task | GroupBy::Project => {
            let projects = entries
                .iter()
                .map(|entry| **entry.project)
                .collect::<Vec<_>>();
            for (id, project) in cx.find_all(&projects).await? {
                let number = project.number.as_deref().unwrap_or_default();
                labels.insert(id, format!("{number} {}", &*project.name));
            }
            let tasks = entries.iter().filter_map(|entry| entry.task);
            let tasks: Vec<Id<Task>> = tasks.filter(|_| by == GroupBy::Task).collect();
            for (id, task) in cx.find_all(&tasks).await? {
                let code = task.code.as_deref().unwrap_or_default();
                labels.insert(id, format!("{code} {}", &*task.title));
            }
        }
        GroupBy::Person => {
            if !cx.caller().may(READ_TEAMS) {
                let permission = READ_TEAMS.name();
                let message = format!(
                    "Naming people on lines takes the permission {permission}, which you do not have."
                );
                return Err(Error::new(Code::Forbidden, message)
                    .field("group_by")
                    .detail("permission", permission)
                    .hint("Group by task, day, week or project."));
            }
            let members = entries.iter().map(|entry| *entry.member);
            let members = members.collect::<Vec<_>>();
            let names = cx.names(members.iter().copied()).await?;
            for id in members {
                let name = names.of(id).name;
                labels.insert(id.raw(), name.unwrap_or_else(|| id.to_string()));
            }
        }
        GroupBy::Day | GroupBy::Week => {}
    }
    let mut groups = Groups::new();
    for entry in entries {
        let day = *entry.worked_on;
        let id = match by {
            GroupBy::Task => entry.task.map_or(entry.project.raw(), Id::raw),
            GroupBy::Project => entry.project.raw(),
            GroupBy::Person => entry.member.raw(),
            GroupBy::Day | GroupBy::Week => 0,
        };
        let label = match by {
            GroupBy::Day => day.to_string(),
            GroupBy::Week => {
                let since = u64::from(day.weekday().num_days_from_monday());
                let first = day.checked_sub_days(Days::new(since)).unwrap_or(day);
                let last = first.checked_add_days(Days::new(6)).unwrap_or(day);
                format!("{first} – {last}")
            }
            _ => labels.get(&id).cloned().unwrap_or_default(),
        };
        let rate = entry.hourly_rate.unwrap_or_default();
        groups.entry((label, id, rate)).or_default().push(entry);
    }
    Ok(groups)
}

/// The line for some entries of one rate. It comes to exactly what they do: where four digits of hours would not, it is one of that
/// amount, and says the hours.
fn line(
    label: &str,
    rate: Amount,
    entries: &[&Saved<TimeEntry>],
    currency: Currency,
    tax_rate: Option<Amount>,
) -> Result<LineGiven> {
    let seconds: i64 = entries.iter().map(|entry| *entry.billable_seconds).sum();
    let amount = rounded(worth(seconds, rate)?, currency);
    let hours = shown_hours(seconds);
    let by_hours = hours.checked_mul(rate.decimal());
    let is_exact = by_hours.is_some_and(|product| rounded(product, currency) == amount);
    let description = |text: &str| LongText::new(text).map_err(Error::internal);
    Ok(match is_exact {
        true => LineGiven::of(
            description(label)?,
            Amount::from_decimal(hours).map_err(Error::internal)?,
            ShortText::new("h").ok(),
            rate,
            tax_rate,
        ),
        false => LineGiven::of(
            description(&format!("{label}\n{hours} h × {}", price(rate, currency)))?,
            Amount::from_raw(10_000),
            None,
            Amount::from_decimal(amount).map_err(Error::internal)?,
            tax_rate,
        ),
    })
}

/// What tells the line of some entries from all others: the first of them, and how many they are.
fn origin(entries: &[&Saved<TimeEntry>]) -> Result<ShortText<60>> {
    let first = entries
        .iter()
        .map(|entry| entry.id)
        .min_by_key(|id| id.raw());
    let first = first.ok_or_else(|| Error::internal("a line of no entries"))?;
    ShortText::new(&format!("{first} {}", entries.len())).map_err(Error::internal)
}

/// How many entries a line has, by its [`origin`]; none for one of another module.
pub(crate) fn entries_of(origin: &str) -> Option<i64> {
    let (first, count) = origin.split_once(' ')?;
    first.parse::<Id<TimeEntry>>().ok()?;
    count.parse().ok()
}
