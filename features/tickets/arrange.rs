//! What a workspace's owner arranges for tickets: calendars, policies, words; and how it is shown.

use bureau_kernel::business_calendar::{self, BusinessCalendar, MOST_CALENDARS, calendars};
use bureau_kernel::prelude::*;
use bureau_kernel::resolve::one_of;
use bureau_kernel::settings::Setting;
use bureau_kernel::types::text::folded;
use chrono::NaiveDate;
use futures::FutureExt as _;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::TICKETS;
use crate::desk::Desk;
use crate::policy::{MOST_POLICIES, SlaPolicy, policies};
use crate::words::{HoldReason, TicketSettings, Word, settings};

/// A calendar by its name: a new one, or what changes in one.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CalendarGiven {
    name: ShortText<60>,
    /// IANA name; default the workspace's
    time_zone: Option<ShortText<64>>,
    /// mon-fri 09:00-12:00 13:00-17:00
    hours: Option<Vec<ShortText<200>>>,
    /// All of them
    holidays: Option<Vec<NaiveDate>>,
    remove: Option<bool>,
}

/// A policy by its name: a new one, or what changes in one.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["name"]))]
pub struct PolicyGiven {
    /// Name of a calendar
    calendar: Option<ShortText<60>>,
    clear: Option<Vec<ClearField<SlaPolicy>>>,
    remove: Option<bool>,
    #[serde(flatten)]
    fields: Patch<SlaPolicy>,
}

/// The words of a workspace; what is left out stays.
#[derive(Debug, Default)]
pub struct WordsGiven {
    /// The categories.
    pub categories: Option<Vec<Word>>,
    /// The products.
    pub products: Option<Vec<Word>>,
    /// Why tickets are on hold.
    pub hold_reasons: Option<Vec<HoldReason>>,
    /// The statuses that stop the clocks.
    pub pausing: Option<Vec<crate::status::TicketStatus>>,
}

/// Sets words, and empties lists of them.
///
/// # Errors
/// [`Code::Validation`] naming the list.
pub async fn set_words(
    cx: &mut Cx,
    given: WordsGiven,
    clear: &[ClearField<TicketSettings>],
) -> Result<()> {
    let id = settings(cx).await?.id;
    let mut edit = cx.edit(id).await?;
    edit.clear_fields(clear);
    if let Some(categories) = given.categories {
        edit.categories = Json(categories);
    }
    if let Some(products) = given.products {
        edit.products = Json(products);
    }
    if let Some(reasons) = given.hold_reasons {
        edit.hold_reasons = Json(reasons);
    }
    if let Some(pausing) = given.pausing {
        edit.pausing = Json(pausing);
    }
    edit.save(cx).await.map(drop)
}

/// Makes, changes or removes a calendar. Open tickets are set anew by it.
///
/// # Errors
/// [`Code::Validation`] naming what is wrong with it; [`Code::NotFound`] for one that is to be removed and is not there;
/// [`Code::Conflict`] where policies count by it.
pub async fn set_calendar(cx: &mut Cx, given: CalendarGiven) -> Result<()> {
    let all = calendars(cx).await?;
    if given.remove == Some(true) {
        let known =
            business_calendar::called(&all, &given.name).map_err(|error| error.field("remove"))?;
        return cx.archive(known.id).await.map(drop);
    }
    let mut known = all.iter();
    let known = known.find(|one| folded(&one.name) == folded(&given.name));
    let mut calendar = match known {
        Some(known) => known.record.clone(),
        None => BusinessCalendar::empty(),
    };
    calendar.name = given.name;
    calendar.time_zone = given.time_zone.or(calendar.time_zone);
    calendar.hours = given.hours.map_or(calendar.hours, Json);
    calendar.holidays = given.holidays.map_or(calendar.holidays, Json);
    match known {
        None if all.len() >= MOST_CALENDARS as usize => {
            let message = format!("A workspace has at most {MOST_CALENDARS} calendars.");
            return Err(Error::invalid("name", message).hint("Remove one first."));
        }
        None => drop(cx.insert(calendar, Attributes::new()).await?),
        Some(known) => {
            let mut edit = cx.edit(known.id).await?;
            *edit = calendar;
            edit.save(cx).await?;
        }
    }
    note_change(cx).await
}

/// Makes, changes or removes a policy. Open tickets are set anew by it; what is done keeps what it had.
///
/// # Errors
/// [`Code::Validation`] naming what is wrong with it; [`Code::NotFound`] for one that is to be removed and is not there, and for
/// a calendar that is not; [`Code::Conflict`] for the default one.
pub async fn set_policy(cx: &mut Cx, given: PolicyGiven) -> Result<()> {
    let wanted = given.fields.record(cx.local_time())?;
    let all = policies(cx).await?;
    if given.remove == Some(true) {
        let known = one_of(&all, &wanted.name).map_err(|error| error.field("remove"))?;
        if *known.is_default {
            let message = "The default policy cannot be removed.";
            return Err(Error::conflict(message)
                .field("name")
                .hint("Give it other targets, or empty them with clear."));
        }
        cx.archive(known.id).await?;
        return note_change(cx).await;
    }
    let hours = calendars(cx).await?;
    let calendar = match given.calendar.as_deref() {
        Some(name) => {
            let found = business_calendar::called(&hours, name);
            Some(found.map_err(|error| error.field("calendar"))?.id)
        }
        None => None,
    };
    let mut known = all.iter();
    let known = known.find(|one| folded(&one.name) == folded(&wanted.name));
    match known {
        None if all.len() >= MOST_POLICIES as usize => {
            let message = format!("A workspace has at most {MOST_POLICIES} policies.");
            return Err(Error::invalid("name", message).hint("Remove one first."));
        }
        None => {
            let mut policy = wanted;
            // Where nothing is said, by the calendar of the default policy.
            let usual = all.iter().find(|one| *one.is_default);
            let usual = usual.map(|one| *one.calendar);
            let calendar = calendar.or(usual).ok_or_else(|| {
                Error::invalid("calendar", "A policy counts by a calendar.")
                    .hint("Name one of calendars.")
            })?;
            policy.calendar = Managed(calendar);
            cx.insert(policy, given.fields.attributes()?).await?;
        }
        Some(known) => {
            let mut edit = cx.edit(known.id).await?;
            edit.clear_fields(given.clear.as_deref().unwrap_or_default());
            edit.apply(cx, &given.fields).await?;
            edit.calendar = Managed(calendar.unwrap_or(*edit.calendar));
            edit.save(cx).await?;
        }
    }
    note_change(cx).await
}

/// Notes that the clocks of open tickets are to be set anew.
async fn note_change(cx: &mut Cx) -> Result<()> {
    let id = settings(cx).await?.id;
    let mut edit = cx.edit(id).await?;
    edit.generation = Managed(*edit.generation + 1);
    edit.save(cx).await.map(drop)
}

/// How tickets are arranged.
pub(crate) static ARRANGEMENTS: Setting = Setting {
    name: "tickets",
    read: TICKETS.read,
    show: |cx| show(cx).boxed(),
};

async fn show(cx: &mut Cx) -> Result<Value> {
    let desk = Desk::of(cx).await?;
    let companies = desk.policies.iter().filter_map(|policy| policy.company);
    let companies = cx.names(companies.collect::<Vec<_>>()).await?;
    let teams = desk.policies.iter().filter_map(|policy| policy.team);
    let teams = cx.names(teams.collect::<Vec<_>>()).await?;
    let calendars = desk.calendars.iter().map(|calendar| {
        json!({
            "name": calendar.name,
            "time_zone": calendar.time_zone,
            "hours": calendar.hours,
            "holidays": calendar.holidays,
        })
    });
    let policies = desk.policies.iter().map(|policy| {
        let mut hours = desk.calendars.iter();
        let hours = hours.find(|calendar| calendar.id == *policy.calendar);
        json!({
            "name": policy.name,
            "is_default": policy.is_default,
            "position": policy.position,
            "disabled": policy.disabled,
            "company": policy.company.map(|id| companies.of(id)),
            "team": policy.team.map(|id| teams.of(id)),
            "priorities": policy.priorities,
            "tags": policy.tags,
            "categories": policy.categories,
            "channels": policy.channels,
            "calendar": hours.map(|calendar| &calendar.name),
            "first_response_minutes": policy.first_response_minutes,
            "next_response_minutes": policy.next_response_minutes,
            "resolution_minutes": policy.resolution_minutes,
            "warn_percent": policy.warns_at(),
            "attributes": Some(&policy.attributes).filter(|given| !given.is_empty()),
        })
    });
    Ok(json!({
        "calendars": calendars.collect::<Vec<_>>(),
        "policies": policies.collect::<Vec<_>>(),
        "categories": desk.settings.categories,
        "products": desk.settings.products,
        "hold_reasons": desk.settings.hold_reasons,
        "pausing": desk.settings.pausing,
    }))
}
