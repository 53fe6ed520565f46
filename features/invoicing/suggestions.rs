//! What open invoices ask for.

use std::collections::BTreeMap;

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::suggestion::{
    Finding, MOST, SuggestedCall, SuggestionRule, Wanted, days, days_from, digest, impact_of,
    urgency_since,
};
use bureau_kernel::types::money::{Amount, Money};
use futures::FutureExt as _;
use rust_decimal::Decimal;
use serde_json::json;

use crate::READ_INVOICES;
use crate::invoice::Invoice;

/// The module's rules.
pub(crate) const RULES: &[SuggestionRule] = &[SuggestionRule {
    name: "invoices_overdue",
    about: "A customer has invoices that are overdue: one reminder for all of them",
    reads: &[READ_INVOICES],
    find: |cx, wanted| overdue(cx, wanted).boxed(),
}];

/// Overdue invoices that are looked at, the oldest first.
const MOST_INVOICES: i64 = 1_000;

async fn overdue(cx: &mut Cx, wanted: &Wanted) -> Result<Vec<Finding>> {
    let today = cx.today();
    let mut statement = sql("SELECT id")
        .from_live::<Invoice>(cx)
        .sql(" AND kind = 'invoice' AND status IN ('issued', 'partly_paid') AND sort_due < ")
        .value(today);
    if let Some(owner) = wanted.owner {
        statement = statement.sql(" AND owner = ").value(owner);
    }
    if let Some(subject) = &wanted.subject {
        statement = if subject.of::<Company>().is_some() {
            wanted.about::<Company>(statement, "company")
        } else if subject.of::<Contact>().is_some() {
            wanted.about::<Contact>(statement, "contact")
        } else {
            wanted.about::<Invoice>(statement, "id")
        };
    }
    let rows = statement.sql(" ORDER BY sort_due, id LIMIT ");
    let rows = rows.value(MOST_INVOICES).rows(cx.tx()).await?;
    // In the order of their oldest invoice.
    let mut customers: Vec<(AnyId, Vec<Saved<Invoice>>)> = Vec::new();
    for row in rows {
        let Ok(Some(invoice)) = cx.find::<Invoice>(row.get("id")?).await else {
            continue;
        };
        let whose = whose(&invoice);
        match customers
            .iter_mut()
            .find(|(customer, _)| *customer == whose)
        {
            Some((_, invoices)) => invoices.push(invoice),
            None => customers.push((whose, vec![invoice])),
        }
    }
    customers.truncate(MOST);
    let mut rates = cx.rates(Some(today), today).await?;
    let mut findings = Vec::new();
    for (customer, invoices) in customers {
        let Some(oldest) = invoices.first() else {
            continue;
        };
        let Some(due) = oldest.due_date else {
            continue;
        };
        let mut worth = Some(Decimal::ZERO);
        let mut sums: BTreeMap<&str, Money> = BTreeMap::new();
        for invoice in &invoices {
            let balance = invoice.balance();
            let known = rates.worth(invoice.currency, today).of(balance.decimal())?;
            worth = worth
                .zip(known)
                .and_then(|(sum, more)| sum.checked_add(more));
            let sum = sums.entry(invoice.currency.code()).or_insert(Money {
                amount: Amount::from_raw(0),
                currency: invoice.currency,
            });
            sum.amount = Amount::from_raw(sum.amount.raw().saturating_add(balance.raw()));
        }
        let owed = sums.iter().map(|(code, sum)| format!("{sum} {code}"));
        let owed: Vec<String> = owed.collect();
        let (count, late) = (invoices.len(), days_from(cx, due));
        let name = match &oldest.customer.as_ref() {
            Some(name) => name.to_string(),
            None => "the customer".to_owned(),
        };
        let number = oldest.number.as_ref().map(ToString::to_string);
        let what = match count {
            1 => format!("invoice {}", number.clone().unwrap_or_default()),
            count => format!("{count} invoices"),
        };
        let remind = json!({
            "type": "email", "subject": format!("Remind of {what}"), "due_at": today,
        });
        findings.push(Finding {
            owner: oldest.owner,
            action: format!("Remind {name} of {what}"),
            reason: match count {
                1 => format!("{} is overdue for {}.", owed.join(" and "), days(late)),
                count => format!(
                    "{} of {count} invoices is overdue, the oldest, {}, for {}.",
                    owed.join(" and "),
                    number.unwrap_or_default(),
                    days(late)
                ),
            },
            impact: impact_of(worth),
            urgency: urgency_since(late),
            facts: digest(
                invoices
                    .iter()
                    .map(|invoice| format!("{} {}", invoice.id, invoice.balance().raw())),
            ),
            evidence: invoices.iter().map(|invoice| invoice.id.into()).collect(),
            subject: customer,
            call: SuggestedCall::of("create_activity", remind)
                .and("company", oldest.company)
                .and("contact", oldest.contact),
        });
    }
    Ok(findings)
}

/// Who is reminded: the firm, or else the person, or whoever stands on the invoice.
fn whose(invoice: &Saved<Invoice>) -> AnyId {
    match (invoice.company, invoice.contact) {
        (Some(company), _) => company.into(),
        (None, Some(contact)) => contact.into(),
        (None, None) => invoice.id.into(),
    }
}
