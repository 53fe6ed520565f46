//! The offers: of deals that got that far.

use std::collections::HashMap;

use chrono::{Days, Duration, NaiveDate};
use serde_json::json;

use crate::demo::QUOTATIONS;
use crate::demo::calendar::{Calendar, workday_from};
use crate::demo::chance::Chance;
use crate::demo::firm::Firm;
use crate::demo::sales::{Fate, NEGOTIATION, PROPOSAL, Sale, day_of};
use crate::demo::script::{Event, Script, reference};

use super::content::Content;
use super::texts::{ACCEPTED, INTRODUCTIONS, OFFER_NOTES};

/// How many are of open deals and of lost ones at most; the others are of deals that were won.
const OPEN: usize = 18;
const LOST: usize = 17;

/// What a customer accepted, by the number of the deal.
pub(super) type Offers = HashMap<usize, (String, Content)>;

/// Writes them down.
pub(super) fn plan(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    firm: &Firm,
    sales: &[Sale],
) -> Offers {
    let mut offers = Offers::new();
    for (number, sale) in chosen(chance, sales).into_iter().enumerate() {
        let quotation = reference("quotation", number);
        let content = write(chance, calendar, script, firm, sale, &quotation);
        if let Some(content) = content.filter(|_| sale.won().is_some()) {
            offers.insert(sale.number, (quotation, content));
        }
    }
    offers
}

/// The deals for which there is an offer on record, in the order of their start.
fn chosen<'a>(chance: &mut Chance, sales: &'a [Sale]) -> Vec<&'a Sale> {
    let mut there: Vec<&Sale> = sales
        .iter()
        .filter(|sale| sale.stay(PROPOSAL).is_some())
        .collect();
    chance.shuffle(&mut there);
    let (open, closed): (Vec<&Sale>, Vec<&Sale>) =
        there.into_iter().partition(|sale| sale.closed.is_none());
    let (won, lost): (Vec<&Sale>, Vec<&Sale>) =
        closed.into_iter().partition(|sale| sale.won().is_some());
    let (most_lost, more_lost) = lost.split_at(LOST.min(lost.len()));
    let first = open.into_iter().take(OPEN).chain(most_lost.iter().copied());
    let all = first.chain(won).chain(more_lost.iter().copied());
    let mut all: Vec<&Sale> = all.take(QUOTATIONS).collect();
    all.sort_by_key(|sale| sale.number);
    all
}

/// Writes one down, and answers with what it says in the end.
fn write(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    firm: &Firm,
    sale: &Sale,
    quotation: &str,
) -> Option<Content> {
    let stay = sale.stay(PROPOSAL)?;
    let company = firm.companies.get(sale.company)?;
    let content = Content::of(chance, sale, sale.asked);
    let drafted = stay.from + Duration::minutes(chance.range(12, 50));
    let days = chance.range(1, 4);
    let sent = calendar.later(chance, drafted, days);
    let name = sale.product.called(sale.count);
    let arguments = json!({
        "title": name,
        "company": reference("company", sale.company),
        "contact": reference("contact", sale.contact),
        "deal": reference("deal", sale.number),
        "owner": reference("member", sale.owner),
        "currency": sale.currency,
        "valid_until": valid_until(chance, calendar, sale, day_of(sent)),
        "introduction": chance.pick(&INTRODUCTIONS),
        "notes": chance.percent(60).then(|| chance.pick(&OFFER_NOTES)),
        "discount": content.discount(),
        "lines": content.lines(company.country),
    });
    script.add(
        Event::new(drafted, sale.owner, "create_quotation", arguments).makes(quotation.to_owned()),
    );
    let send = |script: &mut Script, at| {
        if at < calendar.end() {
            let arguments = json!({ "quotation": quotation });
            script.add(Event::new(at, sale.owner, "send_quotation", arguments));
        }
    };
    send(script, sent);
    let bargained = sale.stay(NEGOTIATION).filter(|_| sale.amount != sale.asked);
    let last = match bargained {
        Some(stay) => {
            let second = content.lowered(sale.amount);
            let revised = stay.from + Duration::minutes(chance.range(6, 24));
            let days = chance.range(0, 2);
            let sent = calendar.later(chance, revised, days);
            let arguments = json!({
                "quotation": quotation,
                "discount": second.discount(),
                "valid_until": valid_until(chance, calendar, sale, day_of(sent)),
            });
            script.add(Event::new(
                revised,
                sale.owner,
                "update_quotation",
                arguments,
            ));
            send(script, sent);
            second
        }
        None => content,
    };
    let closed = sale.closed?;
    let (status, word) = match sale.reason {
        None => ("accepted", chance.pick(&ACCEPTED)),
        Some(reason) => ("declined", reason),
    };
    let arguments = json!({ "quotation": quotation, "status": status, "reason": word });
    let at = closed - Duration::minutes(chance.range(5, 25));
    script.add(Event::new(
        at,
        sale.owner,
        "update_quotation_status",
        arguments,
    ));
    Some(last)
}

/// Until when an offer of this day holds: thirty days, and where it is decided or still talked about, beyond that.
fn valid_until(
    chance: &mut Chance,
    calendar: &Calendar,
    sale: &Sale,
    sent: NaiveDate,
) -> NaiveDate {
    let usual = sent + Days::new(30);
    let more = Duration::days(chance.range(1, 26));
    let decided = match (sale.closed, sale.fate) {
        (Some(closed), _) => day_of(closed) + more,
        (None, Fate::Stalls(_)) => usual,
        (None, _) => calendar.today + more,
    };
    workday_from(usual.max(decided))
}
