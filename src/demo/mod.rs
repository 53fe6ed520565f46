//! A made-up firm to try Bureau with: two years of history up to the day before it is shown. The same seed and day give
//! the same firm.
//!
//! It is filled by the tools themselves: what happened is planned as a list of calls, each by a member at its moment, and
//! made in one transaction. A start that is cut off leaves nothing of it behind, and the next one begins anew.
//!
//! Companies and addresses are under `.example`, which belongs to nobody; numbers are of the ranges that the regulators
//! of the United Kingdom, Germany, France, Sweden and North America keep free for fiction.

mod calendar;
mod care;
mod chance;
mod companies;
mod delivery;
mod fill;
mod firm;
mod hiring;
mod hours;
mod money;
mod people;
mod places;
mod sales;
mod script;
mod service;
mod texts;

use bureau_kernel::admin::{
    self, MemberChange, NewKey, NewMember, NewTeam, NewWorkspace, RateInfo,
};
use bureau_kernel::caller::{ApiKey, Role};
use bureau_kernel::dispatch::{Dispatcher, Settings};
use bureau_kernel::error::{Code, Error, Result};
use bureau_kernel::permission::Grants;
use bureau_kernel::store::Store;
use bureau_kernel::types::id::Id;
use bureau_kernel::types::time::now;
use chrono::{Datelike as _, Duration, NaiveDate};

use crate::boot;
use calendar::{Calendar, ZONE};
use chance::Chance;
use script::{Event, Script};

pub use firm::contacts;

/// The seed of the firm that `bureau serve --demo` shows.
pub const SEED: u64 = 2026;
/// Its name.
pub const FIRM: &str = "Harbour & Vale";
/// How many contacts it has.
pub const CONTACTS: usize = 500;
/// How many of them are there for the second time.
pub const DUPLICATES: usize = 6;
/// How many companies it knows.
pub const COMPANIES: usize = companies::COMPANIES.len();
/// How many deals it has, open and closed.
pub const DEALS: usize = 300;
/// How many activities it has, done and to be done.
pub const ACTIVITIES: usize = 2_000;
/// How many products and services it sells.
pub const PRODUCTS: usize = money::ARTICLES.len();
/// How many offers it made.
pub const QUOTATIONS: usize = 60;
/// How many invoices it wrote; its credit notes come on top.
pub const INVOICES: usize = 400;
/// How many of them are not issued yet.
pub const DRAFTS: usize = 4;
/// How many plans make invoices by themselves.
pub const RECURRING: usize = money::PLANS.len();
/// How many things it spent money on.
pub const EXPENSES: usize = 500;
/// How many tickets its customers opened.
pub const TICKETS: usize = 800;
/// How many projects it has, done and under way.
pub const PROJECTS: usize = 12;
/// How many tasks these have.
pub const TASKS: usize = 400;
/// How often its people noted what they worked.
pub const TIME_ENTRIES: usize = 3_000;
/// How many would like to work there, or wanted to.
pub const CANDIDATES: usize = 150;
/// Its workspace.
pub const SLUG: &str = "demo";
/// How long a demo key works, in days.
const KEY_DAYS: i64 = 90;

/// Who works there: name, address, title, role. The first one owns the workspace.
pub const MEMBERS: [(&str, &str, &str, Role); 5] = [
    (
        "Alex Morgan",
        "alex@harbour-vale.example",
        "Managing Director",
        Role::Owner,
    ),
    (
        "Sofia Lindgren",
        "sofia@harbour-vale.example",
        "Head of Sales",
        Role::Admin,
    ),
    (
        "Jonas Weber",
        "jonas@harbour-vale.example",
        "Account Executive",
        Role::Member,
    ),
    (
        "Priya Nair",
        "priya@harbour-vale.example",
        "Account Executive",
        Role::Member,
    ),
    (
        "Mateo Rossi",
        "mateo@harbour-vale.example",
        "Customer Success Manager",
        Role::Member,
    ),
];

/// The teams: name, what they do, who is in them; the first one leads.
const TEAMS: [(&str, &str, &[usize]); 2] = [
    ("New Business", "Wins new customers.", &[1, 2, 3]),
    ("Key Accounts", "Looks after those we have.", &[4, 0]),
];

/// Makes the demo firm of today in an empty database, if it is not there yet, and makes a key for it.
///
/// # Errors
/// [`Code::Conflict`] for a database that holds something else: nothing is mixed into real data.
pub async fn prepare(store: &Store, seed: u64) -> Result<String> {
    let today = now().with_timezone(&ZONE).date_naive();
    prepare_for(store, seed, today).await
}

/// The same as it is on a day: nothing has happened on that day or later.
///
/// # Errors
/// As [`prepare`].
pub async fn prepare_for(store: &Store, seed: u64, today: NaiveDate) -> Result<String> {
    let workspaces = admin::list_workspaces(store).await?;
    if workspaces.is_empty() {
        let (owner, ..) = MEMBERS[0];
        let new = NewWorkspace {
            slug: SLUG.into(),
            name: FIRM.into(),
            time_zone: ZONE.name().into(),
            currency: "EUR".into(),
            country: Some("DE".into()),
            owner: owner.into(),
        };
        admin::create_workspace(store, new).await?;
    } else if !workspaces
        .iter()
        .any(|workspace| workspace.slug == SLUG && workspace.name == FIRM)
    {
        return Err(Error::new(
            Code::Conflict,
            "This database is not empty, and the demo firm is not mixed into it.",
        )
        .hint("Leave the demo out, or name a new file with --database."));
    }
    boot::provision(store).await?;
    // The first key is made when all else is there.
    if admin::list_keys(store).await?.is_empty() {
        staff(store).await?;
        rates(store, seed, today).await?;
        let dispatcher = Dispatcher::new(
            store.clone(),
            boot::whole_registry()?,
            None,
            Settings::default(),
        )?;
        money::note_seller(&dispatcher).await?;
        fill::fill(&dispatcher, plan(seed, today)).await?;
    }
    let new = NewKey {
        name: format!("demo {}", now().format("%Y-%m-%d %H:%M:%S")),
        grants: Grants::Everything,
        workspaces: vec![SLUG.into()],
        member: None,
        expires_at: Some(now() + Duration::days(KEY_DAYS)),
        confirm: None,
        calls_per_hour: None,
    };
    let (key, made) = admin::create_key(store, new).await?;
    revoke_unused(store, made.id).await?;
    Ok(key)
}

/// Revokes the keys of earlier starts that nobody ever used: each start makes one, because none can be shown again.
async fn revoke_unused(store: &Store, made: Id<ApiKey>) -> Result<()> {
    for key in admin::list_keys(store).await? {
        let is_ours = key.name.starts_with("demo ") && key.workspaces == [SLUG];
        let is_unused = key.last_used_at.is_none() && key.revoked_at.is_none();
        if is_ours && is_unused && key.id < made {
            admin::revoke_key(store, &key.id.to_string()).await?;
        }
    }
    Ok(())
}

/// All that happened, in the order of time.
fn plan(seed: u64, today: NaiveDate) -> Vec<Event> {
    let calendar = Calendar::new(today);
    let mut script = Script::default();
    let firm = firm::plan(seed, &calendar, &mut script);
    let sales = sales::plan(seed, &calendar, &mut script, &firm);
    money::plan(seed, &calendar, &mut script, &firm, &sales);
    care::plan(seed, &calendar, &mut script, &firm);
    service::plan(seed, &calendar, &mut script, &firm);
    hiring::plan(seed, &calendar, &mut script);
    let work = delivery::plan(seed, &calendar, &mut script, &firm, &sales);
    hours::plan(seed, &calendar, &mut script, &firm, &work);
    script.in_order()
}

/// The members and teams, as far as they are not there yet.
async fn staff(store: &Store) -> Result<()> {
    let there = admin::list_members(store, SLUG).await?;
    for (name, email, title, role) in MEMBERS {
        match there.iter().find(|member| member.name == name) {
            None => {
                let new = NewMember {
                    name: name.into(),
                    email: Some(email.into()),
                    title: Some(title.into()),
                    role,
                };
                admin::add_member(store, SLUG, new).await?;
            }
            Some(member) if member.email.is_none() => {
                let change = MemberChange {
                    email: Some(email.into()),
                    title: Some(title.into()),
                    ..MemberChange::default()
                };
                admin::update_member(store, SLUG, name, change).await?;
            }
            Some(_) => {}
        }
    }
    let there = admin::list_teams(store, SLUG).await?;
    for (name, about, people) in TEAMS {
        let mut names = people.iter().filter_map(|place| MEMBERS.get(*place));
        if !there.iter().any(|team| team.name == name) {
            let new = NewTeam {
                name: name.into(),
                about: Some(about.into()),
                lead: names.next().map(|(lead, ..)| (*lead).to_owned()),
            };
            admin::create_team(store, SLUG, new).await?;
        }
        for (member, ..) in names {
            admin::put_member(store, SLUG, name, member).await?;
        }
    }
    Ok(())
}

/// Rates of each month, which wander a little: what one unit is worth in euros, in units of 10⁻⁴.
async fn rates(store: &Store, seed: u64, today: NaiveDate) -> Result<()> {
    const MONTHS: i32 = 24;
    let mut chance = Chance::of(seed, 5);
    for (currency, start) in [("GBP", 11_800), ("USD", 9_100), ("CHF", 10_500)] {
        let mut rate: i64 = start;
        for back in (0..=MONTHS).rev() {
            let month = today.year() * 12 + today.month0() as i32 - back;
            let month0 = month.rem_euclid(12) as u32;
            let day = NaiveDate::from_ymd_opt(month.div_euclid(12), month0 + 1, 1);
            rate += chance.range(-90, 90) + (start - rate) / 4;
            let new = RateInfo {
                currency: currency.into(),
                day: day.unwrap_or(today),
                rate: format!("{}.{:04}", rate / 10_000, rate % 10_000),
                source: "made up for the demo".into(),
            };
            admin::set_rate(store, SLUG, new).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::script::MARK;
    use super::*;
    use bureau_kernel::types::phone::e164;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Seeds and days, among them ends of weeks and years.
    fn firms() -> Vec<(u64, NaiveDate)> {
        let days = [
            "2026-11-20",
            "2026-11-22",
            "2027-01-02",
            "2027-03-01",
            "2028-02-29",
        ];
        let seeds = [SEED, 1, 7, u64::MAX];
        let pairs = seeds
            .iter()
            .flat_map(|seed| days.map(|text| (*seed, day(text))));
        pairs.collect()
    }

    #[test]
    fn every_company_is_in_a_city_that_we_know() {
        for (name, domain, _, city, employees) in companies::COMPANIES {
            assert!(
                places::of(city).is_some() && employees > 0,
                "{name} in {city}"
            );
            assert!(
                domain
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-'),
                "{domain}"
            );
        }
        let domains: HashSet<&str> = companies::COMPANIES.iter().map(|row| row.1).collect();
        assert_eq!(domains.len(), COMPANIES);
    }

    #[test]
    fn the_same_seed_and_day_give_the_same_history_and_others_another_one() {
        let one = plan(SEED, day("2026-11-20"));
        assert_eq!(one, plan(SEED, day("2026-11-20")));
        assert_ne!(one, plan(SEED + 1, day("2026-11-20")));
        assert_ne!(one, plan(SEED, day("2026-11-21")));
    }

    #[test]
    fn every_firm_has_as_much_as_it_says_and_wins_about_a_third() {
        for (seed, day) in firms() {
            let events = plan(seed, day);
            let count = |tool: &str| events.iter().filter(|event| event.tool == tool).count();
            assert_eq!(count("create_company"), COMPANIES, "{seed} {day}");
            assert_eq!(count("create_contact"), CONTACTS, "{seed} {day}");
            assert_eq!(count("create_deal"), DEALS, "{seed} {day}");
            let planned = events
                .iter()
                .filter(|event| event.follow_up.is_some())
                .count();
            assert_eq!(
                count("create_activity") + planned,
                ACTIVITIES,
                "{seed} {day}"
            );
            for (tool, expected) in [
                ("create_product", PRODUCTS),
                ("create_quotation", QUOTATIONS),
                ("create_recurring_invoice", RECURRING),
                ("create_expense", EXPENSES),
                ("create_ticket", TICKETS),
                ("create_project", PROJECTS),
                ("create_task", TASKS),
                ("create_candidate", CANDIDATES),
                ("create_time_entry", TIME_ENTRIES),
            ] {
                assert_eq!(count(tool), expected, "{seed} {day} {tool}");
            }
            let invoices = count("create_invoice") + count("convert_quotation");
            assert_eq!(invoices, INVOICES, "{seed} {day}");
            let notes = count("create_credit_note");
            let billed = count("bill_time");
            assert!(billed > 0, "{seed} {day}: no time was billed");
            assert_eq!(
                count("issue_invoice"),
                INVOICES - DRAFTS + notes + billed,
                "{seed} {day}"
            );
            assert!(
                (5..=6).contains(&notes),
                "{seed} {day}: {notes} credit notes"
            );
            assert!(count("convert_quotation") > 8, "{seed} {day}");
            assert!(
                count("send_quotation") > QUOTATIONS,
                "{seed} {day}: second versions"
            );
            let ended = |status: &str| {
                let has = |event: &&Event| {
                    event.tool == "update_deal"
                        && event.arguments.get("status") == Some(&status.into())
                };
                events.iter().filter(has).count()
            };
            let (won, lost) = (ended("won"), ended("lost"));
            let rate = 100 * won / (won + lost);
            assert!(
                (30..=41).contains(&rate),
                "{seed} {day}: {won} won, {lost} lost"
            );
            let open = DEALS - won - lost - ended("unqualified");
            assert!((28..=95).contains(&open), "{seed} {day}: {open} open");
        }
    }

    #[test]
    fn nothing_is_used_before_it_is_there_and_nothing_happens_on_the_day_itself() {
        for (seed, day) in firms() {
            let events = plan(seed, day);
            let calendar = Calendar::new(day);
            let mut there: HashSet<String> = (0..MEMBERS.len())
                .map(|place| script::reference("member", place))
                .collect();
            assert_eq!(events[0].tool, "create_company");
            assert!(
                !events[0].arguments.contains_key("on_duplicate"),
                "it guards the rest"
            );
            let mut before = events[0].at;
            for event in events {
                assert!(
                    before <= event.at && event.at < calendar.end(),
                    "{seed} {day} {event:?}"
                );
                before = event.at;
                for (field, value) in &event.arguments {
                    for text in texts_in(value) {
                        let refers = text.starts_with(MARK);
                        assert!(!refers || there.contains(text), "{seed} {day} {event:?}");
                        let marked = ["email", "emails"].contains(&field.as_str());
                        assert!(
                            marked || !text.contains(['@', '%', '#']),
                            "{seed} {day} {event:?}"
                        );
                    }
                }
                there.extend(event.makes);
                there.extend(event.follow_up);
            }
        }
    }

    /// All texts in a value, however deep.
    fn texts_in(value: &serde_json::Value) -> Vec<&str> {
        use serde_json::Value;
        match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().flat_map(texts_in).collect(),
            Value::Object(fields) => fields.values().flat_map(texts_in).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_vat_id_is_had_by_companies_of_the_eu_and_by_no_two_of_them() {
        let ids = || {
            companies::COMPANIES
                .iter()
                .enumerate()
                .map(|(number, row)| {
                    let country = places::of(row.3).unwrap().country;
                    (country, places::vat_id(country, Some(number)))
                })
        };
        for (country, id) in ids() {
            let outside = ["GB", "US", "CA", "CH", "JP"].contains(&country);
            assert_eq!(id.is_none(), outside, "{country}");
            let prefix = if country == "GR" { "EL" } else { country };
            assert!(id.is_none_or(|id| id.starts_with(prefix) && id.contains("900")));
        }
        let known: Vec<String> = ids().filter_map(|(_, id)| id).collect();
        let once: HashSet<&String> = known.iter().collect();
        assert_eq!(once.len(), known.len());
    }

    #[test]
    fn the_firm_works_on_working_days_only() {
        let days: BTreeMap<NaiveDate, usize> = plan(SEED, day("2026-11-20"))
            .iter()
            // Customers write when they like.
            .filter(|event| !event.tool.contains("ticket"))
            .map(|event| event.at.with_timezone(&ZONE))
            .inspect(|at| {
                let time = at.time().to_string();
                assert!(("08:00:00".."23:00:00").contains(&time.as_str()), "{at}");
            })
            .fold(BTreeMap::new(), |mut days, at| {
                *days.entry(at.date_naive()).or_default() += 1;
                days
            });
        assert!(days.keys().all(|day| calendar::is_workday(*day)));
        assert!(days.len() > 480, "{} days", days.len());
    }

    #[test]
    fn no_two_people_share_an_address_or_a_number_and_none_of_them_is_real() {
        let contacts = contacts(SEED, CONTACTS);
        assert_eq!(contacts.len(), CONTACTS);
        let all = |list: &str, field: &str| -> Vec<String> {
            let given = contacts.iter().filter_map(|contact| contact.get(list));
            given
                .map(|entries| entries[0][field].as_str().unwrap().to_owned())
                .collect()
        };
        let (addresses, numbers) = (all("emails", "email"), all("phones", "phone"));
        for list in [&addresses, &numbers] {
            let once: HashSet<&String> = list.iter().collect();
            assert!(list.len() > CONTACTS / 2 && once.len() == list.len());
        }
        for address in addresses {
            assert!(
                address.is_ascii() && address.ends_with(".example"),
                "{address}"
            );
        }
        for number in numbers {
            assert_eq!(e164(&number, None).as_ref(), Some(&number));
        }
    }
}
