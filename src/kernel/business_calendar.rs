//! The calendars of a workspace: when the firm is there. Tickets are answered in their hours, and projects count their days.

use std::collections::BTreeSet;

use chrono::{NaiveDate, Weekday};
use chrono_tz::Tz;

use crate::calendar::{Calendar, Hours, WorkDays};
use crate::caller::Workspace;
use crate::error::{Error, Result};
use crate::permission::{Access, Permission};
use crate::record::{Attributes, Columns as _, Cx, Order, Record, Saved};
use crate::registry::Module;
use crate::store::Json;
use crate::types::page::Limit;
use crate::types::text::ShortText;

crate::record! {
    /// When the firm is there for its customers.
    pub struct BusinessCalendar: "business_calendar", "cal", "calendar" {
        /// Its name.
        pub name: ShortText<60> => [label, key],
        /// Its time zone, where that is not the workspace's.
        pub time_zone: Option<ShortText<64>> = "IANA name",
        /// Its hours, a line for some days of the week.
        pub hours: Json<Vec<ShortText<200>>> = "Such as mon-fri 09:00-12:00 13:00-17:00",
        /// The days on which nobody is there.
        pub holidays: Json<Vec<NaiveDate>> = "All of them",
    }
}

/// Calendars are known wherever a module that uses this one is. They are arranged with the tickets, after which their permissions
/// are named.
pub const MODULE: Module = Module {
    name: "calendars",
    about: "When the firm is there",
    records: crate::records![BusinessCalendar],
    ..Module::EMPTY
};

const READ: Permission = Permission::new("read_tickets");
const MANAGE: Permission = Permission::new("manage_tickets");

impl Record for BusinessCalendar {
    const ACCESS: Access = Access {
        read: READ,
        create: MANAGE,
        update: MANAGE,
        delete: MANAGE,
    };

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        self.holidays.sort_unstable();
        self.holidays.dedup();
        self.calendar(workspace).map(drop)
    }
}

impl BusinessCalendar {
    /// As working time is counted by it.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) naming what cannot be read, and for a calendar that is never open.
    pub fn calendar(&self, workspace: &Workspace) -> Result<Calendar> {
        let zone = match self.time_zone.as_deref() {
            None => workspace.time_zone,
            Some(name) => name.parse::<Tz>().map_err(|_| {
                Error::invalid("time_zone", "time_zone is no time zone.")
                    .hint("Write an IANA name such as Europe/Berlin.")
            })?,
        };
        let mut week: [Vec<Hours>; 7] = Default::default();
        for (index, line) in self.hours.iter().enumerate() {
            let field = format!("hours[{index}]");
            let (days, hours) = read_line(line).map_err(|wrong| {
                let message = format!("{field} {wrong}.");
                Error::invalid(&field, message)
                    .hint("Write days and hours: mon-fri 09:00-12:00 13:00-17:00")
            })?;
            for day in days {
                let index = day.num_days_from_monday() as usize;
                if let Some(of_day) = week.get_mut(index) {
                    of_day.extend(&hours);
                }
            }
        }
        let holidays: BTreeSet<NaiveDate> = self.holidays.iter().copied().collect();
        Calendar::new(zone, week, holidays)
            .map_err(|wrong| Error::invalid("hours", format!("The calendar {wrong}.")))
    }
}

/// Reads days of the week and hours: `mon-fri 09:00-17:00`, `sat, sun 10:00-14:00`, `daily 00:00-24:00`.
fn read_line(line: &str) -> std::result::Result<(Vec<Weekday>, Vec<Hours>), String> {
    let line = line.to_lowercase().replace(',', " ");
    let (mut days, mut hours) = (Vec::new(), Vec::new());
    for word in line.split_whitespace() {
        if word.starts_with(|first: char| first.is_ascii_digit()) {
            hours.push(word.parse().map_err(|wrong| format!("{wrong}"))?);
            continue;
        }
        days.extend(read_days(word).ok_or("names no days of the week")?);
    }
    match (days.is_empty(), hours.is_empty()) {
        (true, _) => Err("names no days of the week".to_owned()),
        (_, true) => Err("says no hours".to_owned()),
        _ => Ok((days, hours)),
    }
}

fn read_days(word: &str) -> Option<Vec<Weekday>> {
    let named = |name: &str| name.parse::<Weekday>().ok();
    if word == "daily" {
        return read_days("mon-sun");
    }
    let (first, last) = match word.split_once(['-', '–']) {
        Some((first, last)) => (named(first)?, named(last)?),
        None => (named(word)?, named(word)?),
    };
    let mut days = vec![first];
    let mut day = first;
    while day != last {
        day = day.succ();
        days.push(day);
    }
    Some(days)
}

/// The calendars of the workspace, oldest first.
///
/// # Errors
/// What the database says.
pub async fn calendars(cx: &mut Cx) -> Result<Vec<Saved<BusinessCalendar>>> {
    let list = cx.list::<BusinessCalendar>();
    let page = list.page(Order::CREATED, false, Limit::of(MOST_CALENDARS), None);
    Ok(page.await?.rows)
}

/// The days that are worked by the first calendar of the workspace, from Monday to Friday where it has none.
///
/// # Errors
/// What the database says.
pub async fn work_days(cx: &mut Cx) -> Result<WorkDays> {
    let list = cx.list::<BusinessCalendar>();
    let page = list.page(Order::CREATED, false, Limit::of(1), None).await?;
    let first = page.rows.first();
    let calendar = first.and_then(|first| first.calendar(cx.workspace()).ok());
    Ok(calendar.map_or_else(WorkDays::default, |calendar| calendar.work_days()))
}

/// So many calendars a workspace has at most.
pub const MOST_CALENDARS: u32 = 50;

/// The one of this name.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) with those that there are.
pub fn called<'a>(
    all: &'a [Saved<BusinessCalendar>],
    name: &str,
) -> Result<&'a Saved<BusinessCalendar>> {
    crate::resolve::one_of(all, name)
}

/// The calendar that a new workspace starts with: its own time zone, Monday to Friday from nine to five.
pub async fn provision(cx: &mut Cx) -> Result<Saved<BusinessCalendar>> {
    let mut calendar = BusinessCalendar::empty();
    calendar.name = ShortText::new("Business hours").map_err(Error::internal)?;
    let hours = ShortText::new("mon-fri 09:00-17:00").map_err(Error::internal)?;
    calendar.hours = Json(vec![hours]);
    cx.insert(calendar, Attributes::new()).await
}

#[cfg(test)]
mod tests {
    use super::{read_days, read_line};

    #[test]
    fn days_and_hours_are_read_as_people_write_them() {
        for (line, days, hours) in [
            ("mon-fri 09:00-17:00", 5, 1),
            ("Monday-Friday 09:00-12:00, 13:00-17:00", 5, 2),
            ("sat, sun 10:00-14:00", 2, 1),
            ("fri-mon 22:00-06:00", 4, 1),
            ("daily 00:00-24:00", 7, 1),
        ] {
            let (found, times) = read_line(line).unwrap();
            assert_eq!((found.len(), times.len()), (days, hours), "{line}");
        }
        for line in [
            "",
            "mon",
            "09:00-17:00",
            "someday 09:00-17:00",
            "mon 9-5",
            "mon-xyz 09:00-10:00",
        ] {
            assert!(read_line(line).is_err(), "{line}");
        }
        assert_eq!(read_days("sun-sun").unwrap().len(), 1);
    }
}
