//! Whom the firm looks for: jobs, who applied, how far each came, and who was hired.

use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::Timestamp;
use chrono::{Days, Duration, NaiveDate};
use serde_json::{Value, json};

use super::CANDIDATES;
use super::calendar::{Calendar, ZONE, appointment, office_hour, workday_from};
use super::chance::Chance;
use super::people::Register;
use super::script::{Event, Script, reference};

/// A job: title, department, openings, days of the history after which it opened, how many applied, how many of them were
/// hired, yearly pay in euros, who leads the work.
struct Job {
    title: &'static str,
    department: &'static str,
    openings: i64,
    opened: u64,
    applied: usize,
    hired: usize,
    pay: i64,
    manager: usize,
}

const JOBS: [Job; 6] = [
    Job {
        title: "Account Executive",
        department: "Sales",
        openings: 1,
        opened: 150,
        applied: 24,
        hired: 1,
        pay: 58_000,
        manager: 1,
    },
    Job {
        title: "Software Engineer",
        department: "Development",
        openings: 2,
        opened: 260,
        applied: 38,
        hired: 2,
        pay: 66_000,
        manager: 0,
    },
    Job {
        title: "Support Specialist",
        department: "Customer Success",
        openings: 1,
        opened: 420,
        applied: 26,
        hired: 1,
        pay: 44_000,
        manager: 4,
    },
    Job {
        title: "Office Manager",
        department: "Administration",
        openings: 1,
        opened: 500,
        applied: 18,
        hired: 0,
        pay: 42_000,
        manager: 0,
    },
    Job {
        title: "Field Technician",
        department: "Customer Success",
        openings: 2,
        opened: 686,
        applied: 22,
        hired: 1,
        pay: 47_000,
        manager: 4,
    },
    Job {
        title: "Product Manager",
        department: "Development",
        openings: 1,
        opened: 700,
        applied: 16,
        hired: 0,
        pay: 72_000,
        manager: 0,
    },
];

const SOURCES: [(&str, u64); 5] = [
    ("Job board", 45),
    ("Website", 22),
    ("Referral", 15),
    ("LinkedIn", 13),
    ("Agency", 5),
];
const EMPLOYERS: [&str; 8] = [
    "Nordwerk Systeme",
    "Blueline Logistics",
    "Kanzlei Roth",
    "Studio Fernweh",
    "Talhof Energie",
    "Meridian Freight",
    "Gold & Partner",
    "freelance",
];
const NOTES: [&str; 5] = [
    "Asked the right questions about our customers.",
    "Knows the tools, has not worked with a team of our size yet.",
    "Clear and quick; would like to start soon.",
    "Good answers to the case, less so to the questions after it.",
    "Would need a while for the trade.",
];
const ATTRIBUTES: [&str; 3] = ["Craft", "Communication", "Working with others"];

/// How an application ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Hired,
    /// The offer is declined.
    Declines,
    /// After how many stages, and why.
    Rejected(usize, &'static str),
    Withdraws(usize, &'static str),
}

/// Writes them down.
pub(super) fn plan(seed: u64, calendar: &Calendar, script: &mut Script) {
    let chance = &mut Chance::of(seed, 11);
    let mut names = Register::default();
    let mut number = 0;
    for (place, job) in JOBS.iter().enumerate() {
        let day = workday_from(calendar.first() + Days::new(job.opened));
        let at = office_hour(chance, day);
        let this = reference("job", place);
        let arguments = json!({
            "title": job.title,
            "department": job.department,
            "location": "Berlin",
            "employment": "full time",
            "openings": job.openings,
            "hiring_manager": reference("member", job.manager),
            "recruiter": reference("member", 1),
        });
        script.add(Event::new(at, 1, "create_job", arguments).makes(this.clone()));
        let mut last = at;
        for nth in 0..job.applied {
            // One of the first is hired; in the last quarter nobody is offered anything.
            let fate = match nth {
                nth if (4..4 + job.hired).contains(&nth) => Fate::Hired,
                3 if job.hired > 0 => Fate::Declines,
                _ => fate(chance),
            };
            let day = day + Days::new(2 + nth as u64 * 3 / 2);
            let applied = office_hour(chance, workday_from(day));
            if applied >= calendar.end() {
                continue;
            }
            let candidate = candidate(chance, script, &mut names, number, applied);
            number += 1;
            let application = (number, candidate, job, &*this);
            last = last.max(course(chance, calendar, script, application, applied, fate));
        }
        let closes = calendar.later(chance, last, 4);
        // Where nobody was found in months, the search rests.
        let is_old = job.opened < 600;
        let status = match job.hired as i64 == job.openings {
            true => "closed",
            false => "on_hold",
        };
        if (status == "closed" || is_old) && closes < calendar.end() {
            let change = json!({ "job": this, "status": status });
            script.add(Event::new(closes, 1, "update_job", change));
        }
    }
    // Some ask without a job in sight.
    while number < CANDIDATES {
        let day = calendar.busy_day(chance, calendar.first() + Days::new(60), calendar.today);
        let at = office_hour(chance, day);
        candidate(chance, script, &mut names, number, at);
        number += 1;
    }
}

/// Writes down somebody who would like to work here.
fn candidate(
    chance: &mut Chance,
    script: &mut Script,
    names: &mut Register,
    number: usize,
    at: Timestamp,
) -> String {
    let person = names.person(chance, "DE");
    let local = |name: &str| -> String {
        let plain = folded(name).replace('ß', "ss");
        plain.chars().filter(char::is_ascii_alphanumeric).collect()
    };
    let email = format!(
        "{}.{}{number}@mail.example",
        local(&person.first),
        local(&person.last)
    );
    let place = chance.weighted(SOURCES.iter().map(|(_, weight)| *weight));
    let source = SOURCES.get(place).map_or("Website", |(name, _)| name);
    let referrer = (source == "Referral").then(|| reference("member", chance.place(5)));
    let arguments = json!({
        "name": format!("{} {}", person.first, person.last),
        "email": email,
        "employer": chance.percent(80).then(|| chance.pick(&EMPLOYERS)),
        "location": "Berlin",
        "source": source,
        "referrer": referrer,
        "owner": reference("member", 1),
        "on_duplicate": "create",
    });
    let this = reference("candidate", number);
    script.add(Event::new(at, 1, "create_candidate", arguments).makes(this.clone()));
    this
}

fn fate(chance: &mut Chance) -> Fate {
    let stage = chance.weighted([50, 32, 18].into_iter());
    match chance.percent(78) {
        true => {
            let why: &[&str] = match stage {
                0 => &["lacks_experience", "lacks_skills", "too_expensive"],
                1 => &["lacks_experience", "lacks_skills", "other_chosen"],
                _ => &["other_chosen", "lacks_skills"],
            };
            Fate::Rejected(stage, chance.pick(why))
        }
        false => {
            let why = ["took_other_job", "no_answer", "lost_interest", "location"];
            Fate::Withdraws(stage, chance.pick(&why))
        }
    }
}

/// What became of an application until the end of history, and when its last step was.
fn course(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    (number, candidate, job, job_id): (usize, String, &Job, &str),
    applied: Timestamp,
    fate: Fate,
) -> Timestamp {
    let this = reference("application", number);
    let apply = json!({ "candidate": candidate, "job": job_id });
    let at = applied + Duration::minutes(5);
    script.add(Event::new(at, 1, "create_application", apply).makes(this.clone()));
    let mut at = at;
    let mut next = |chance: &mut Chance, low: i64, high: i64| {
        let days = chance.range(low, high);
        let then = calendar.later(chance, at, days);
        at = then.max(at);
        (then < calendar.end()).then_some(then)
    };
    let step = |script: &mut Script, at: Timestamp, by: usize, arguments: Value| {
        let event = Event::new(at, by, "update_application_status", arguments);
        script.add(event.with("application", this.clone()));
    };
    let stages = ["Screening", "Interview"];
    let ends = match fate {
        Fate::Hired | Fate::Declines => stages.len(),
        Fate::Rejected(stages, _) | Fate::Withdraws(stages, _) => stages,
    };
    let mut last = applied;
    for stage in stages.into_iter().take(ends) {
        let Some(then) = next(chance, 1, 9) else {
            return last;
        };
        step(script, then, 1, json!({ "stage": stage }));
        last = then;
    }
    if ends == stages.len() {
        let Some(day) = next(chance, 2, 10) else {
            return last;
        };
        let day = day.with_timezone(&ZONE).date_naive();
        let Some(talked) = talk(chance, calendar, script, &this, job, (last, day)) else {
            return last;
        };
        last = talked;
        let Some(then) = next(chance, 2, 6) else {
            return last;
        };
        last = then.max(last + Duration::minutes(30));
    }
    match fate {
        Fate::Rejected(_, reason) => {
            let Some(then) = next(chance, 1, 12) else {
                return last;
            };
            step(
                script,
                then,
                1,
                json!({ "status": "rejected", "reason": reason }),
            );
            then
        }
        Fate::Withdraws(_, reason) => {
            let Some(then) = next(chance, 3, 14) else {
                return last;
            };
            step(
                script,
                then,
                1,
                json!({ "status": "withdrawn", "reason": reason }),
            );
            then
        }
        Fate::Hired | Fate::Declines => {
            let begun = last;
            step(script, begun, 1, json!({ "stage": "Offer" }));
            let offer = reference("offer", number);
            let starts = (begun + Duration::days(60))
                .with_timezone(&ZONE)
                .date_naive();
            let pay = job.pay + chance.range(-3, 4) * 1_000;
            let made = json!({
                "application": this,
                "pay": pay.to_string(),
                "currency": "EUR",
                "pay_per": "year",
                "start_on": starts,
                "expires_on": (begun + Duration::days(30)).with_timezone(&ZONE).date_naive(),
            });
            let at = begun + Duration::minutes(20);
            script.add(Event::new(at, 1, "create_offer", made).makes(offer.clone()));
            let statuses = match fate {
                Fate::Hired => ["approved", "sent", "accepted"],
                _ => ["approved", "sent", "declined"],
            };
            let mut last = at;
            for (status, days) in statuses.into_iter().zip([1, 1, 6]) {
                let then = calendar.later(chance, last, days);
                if then >= calendar.end() {
                    return last;
                }
                let by = if status == "approved" { 0 } else { 1 };
                let reason = (status == "declined").then_some("Has an offer nearer to home.");
                let change = json!({ "offer": offer, "status": status, "reason": reason });
                script.add(Event::new(then, by, "update_offer", change));
                last = then;
            }
            if fate == Fate::Declines {
                last += Duration::minutes(15);
                let left = json!({ "status": "withdrawn", "reason": "declined_offer" });
                step(script, last, 1, left);
            }
            last
        }
    }
}

/// An interview of two on a day, and what they write afterwards; when the second has written it.
fn talk(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    application: &str,
    job: &Job,
    (planned, day): (Timestamp, NaiveDate),
) -> Option<Timestamp> {
    let other = if job.manager == 1 { 2 } else { 1 };
    let at = appointment(chance, day);
    let planned = planned + Duration::minutes(10);
    let at = if at > planned {
        at
    } else {
        planned + Duration::minutes(30)
    };
    let interview = json!({
        "application": application,
        "interviewers": [reference("member", job.manager), reference("member", other)],
        "starts_at": at.to_rfc3339(),
    });
    script.add(Event::new(planned, 1, "create_interview", interview));
    let mut written = at + Duration::minutes(60);
    for by in [job.manager, other] {
        written += Duration::minutes(chance.range(5, 180));
        if written >= calendar.end() {
            return None;
        }
        let place = chance.weighted([6, 20, 30, 34, 10].into_iter());
        let ratings = ["strong_no", "no", "mixed", "yes", "strong_yes"];
        let overall = ratings.get(place).copied().unwrap_or("mixed");
        let each = ATTRIBUTES.map(|attribute| {
            let near = place.saturating_add(chance.place(2)).min(4);
            json!({ "attribute": attribute, "rating": ratings.get(near) })
        });
        let card = json!({
            "application": application,
            "overall": overall,
            "ratings": each,
            "notes": chance.percent(60).then(|| chance.pick(&NOTES)),
        });
        script.add(Event::new(written, by, "create_scorecard", card));
    }
    Some(written)
}
