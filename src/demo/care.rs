//! What is done with people beside any deal, until there are as many activities as there are to be.

use chrono::{Days, Duration};
use serde_json::json;

use super::ACTIVITIES;
use super::calendar::{Calendar, office_hour};
use super::chance::Chance;
use super::firm::{Contact, Firm};
use super::sales::{due, minutes, written};
use super::script::{Event, Script, reference};
use super::texts::{BODIES, CARE, PLANNED};

/// How many are still to be done.
const STILL_TO_DO: usize = 46;

/// Writes them down.
pub(super) fn plan(seed: u64, calendar: &Calendar, script: &mut Script, firm: &Firm) {
    let chance = &mut Chance::of(seed, 4);
    for _ in 0..STILL_TO_DO {
        let recent = calendar.today - Days::new(40);
        let day = calendar.busy_day(chance, recent, calendar.today);
        let at = office_hour(chance, day);
        let Some((number, contact)) = somebody(chance, firm, |contact| contact.created < at) else {
            continue;
        };
        let (kind, subject) = chance.pick(&PLANNED);
        let arguments = json!({
            "type": kind,
            "subject": subject.replace('%', &contact.called),
            "minutes": minutes(chance, kind),
            "due_at": written(due(chance, calendar, at, 30)),
            "contact": reference("contact", number),
        });
        let key = script.activity();
        script.add(Event::new(at, contact.owner, "create_activity", arguments).makes(key));
    }
    while script.activities() < ACTIVITIES {
        let day = calendar.busy_day(chance, calendar.first() + Days::new(6), calendar.today);
        let at = office_hour(chance, day);
        let known = |contact: &Contact| contact.created + Duration::days(1) < at;
        let Some((number, contact)) = somebody(chance, firm, known) else {
            continue;
        };
        let Some((kind, subject, outcomes)) = CARE.get(chance.place(CARE.len())).copied() else {
            continue;
        };
        let arguments = json!({
            "type": kind,
            "subject": subject.replace('%', &contact.called),
            "body": matches!(kind, "note" | "meeting").then(|| chance.pick(&BODIES)),
            "minutes": minutes(chance, kind),
            "outcome": (!outcomes.is_empty()).then(|| chance.pick(outcomes)),
            "done": true,
            "contact": reference("contact", number),
        });
        let key = script.activity();
        script.add(Event::new(at, contact.owner, "create_activity", arguments).makes(key));
    }
}

/// Somebody who is known at the time.
pub(super) fn somebody<'a>(
    chance: &mut Chance,
    firm: &'a Firm,
    known: impl Fn(&Contact) -> bool,
) -> Option<(usize, &'a Contact)> {
    const TRIES: usize = 60;
    (0..TRIES).find_map(|_| {
        let number = chance.place(firm.contacts.len());
        let contact = firm.contacts.get(number).filter(|contact| known(contact));
        contact.map(|contact| (number, contact))
    })
}
