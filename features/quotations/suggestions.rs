//! What quotations ask for.

use bureau_invoicing::{Invoice, READ_INVOICES};
use bureau_kernel::prelude::*;
use bureau_kernel::store::Sql;
use bureau_kernel::suggestion::{
    Finding, SuggestedCall, SuggestionRule, Wanted, days, days_since, impact_in, urgency_before,
    urgency_since,
};
use chrono::Days;
use futures::FutureExt as _;
use serde_json::json;

use crate::QUOTATIONS;
use crate::quotation::Quotation;

/// The module's rules.
pub(crate) const RULES: &[SuggestionRule] = &[
    SuggestionRule {
        name: "quotations_expiring",
        about: "A quotation that was sent runs out within seven days",
        reads: &[QUOTATIONS.read],
        find: |cx, wanted| expiring(cx, wanted).boxed(),
    },
    SuggestionRule {
        name: "quotations_to_invoice",
        about: "A quotation was accepted, and neither it nor its deal has an invoice",
        reads: &[QUOTATIONS.read, READ_INVOICES],
        find: |cx, wanted| to_invoice(cx, wanted).boxed(),
    },
];

/// Days before it runs out from which on somebody should ask about it.
const SOON: u64 = 7;

async fn expiring(cx: &mut Cx, wanted: &Wanted) -> Result<Vec<Finding>> {
    let today = cx.today();
    let until = today.checked_add_days(Days::new(SOON)).unwrap_or(today);
    let only = |statement: Sql, _: &Cx| {
        statement
            .sql(" AND status = 'sent' AND valid_until >= ")
            .value(today)
            .sql(" AND valid_until <= ")
            .value(until)
    };
    let quotations = wanted.records::<Quotation>(cx, "owner", only, "valid_until");
    let quotations = quotations.await?;
    let mut rates = cx.rates(Some(today), today).await?;
    let mut findings = Vec::new();
    for quotation in quotations {
        let Some(valid) = quotation.valid_until else {
            continue;
        };
        let left = (valid - today).num_days();
        let when = match left {
            0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            left => format!("in {}", days(left)),
        };
        let name = called(&quotation);
        let ask = json!({
            "type": "call", "subject": format!("Ask about quotation {name}"), "due_at": today,
        });
        findings.push(Finding {
            subject: quotation.id.into(),
            owner: quotation.owner,
            action: format!("Ask about quotation {name} before it runs out"),
            reason: format!(
                "It was sent, nobody has decided on it, and it runs out {when}, on {valid}."
            ),
            evidence: Vec::new(),
            impact: impact_in(
                cx,
                &mut rates,
                Some(*quotation.gross_total),
                quotation.currency,
            )?,
            urgency: urgency_before(left, i64::try_from(SOON).unwrap_or(i64::MAX)),
            facts: format!("{valid} {}", *quotation.revision),
            call: SuggestedCall::of("create_activity", ask)
                .and("deal", quotation.deal)
                .and("contact", quotation.contact)
                .and("company", quotation.company),
        });
    }
    Ok(findings)
}

async fn to_invoice(cx: &mut Cx, wanted: &Wanted) -> Result<Vec<Finding>> {
    let only = |statement: Sql, cx: &Cx| {
        statement
            .sql(" AND status = 'accepted' AND converted_at IS NULL AND decided_at IS NOT NULL")
            // What was invoiced by hand names the deal.
            .sql(" AND (deal IS NULL OR deal NOT IN (SELECT deal")
            .from_live::<Invoice>(cx)
            .sql(" AND deal IS NOT NULL AND kind = 'invoice' AND cancelled = ")
            .value(false)
            .sql("))")
    };
    let quotations = wanted.records::<Quotation>(cx, "owner", only, "decided_at");
    let quotations = quotations.await?;
    let today = cx.today();
    let mut rates = cx.rates(Some(today), today).await?;
    let mut findings = Vec::new();
    for quotation in quotations {
        let Some(decided) = *quotation.decided_at else {
            continue;
        };
        let since = days_since(cx, decided);
        findings.push(Finding {
            subject: quotation.id.into(),
            owner: quotation.owner,
            action: format!("Draft the invoice for quotation {}", called(&quotation)),
            reason: match since {
                0 => "It was accepted today, and no invoice was made of it.".to_owned(),
                since => format!(
                    "It was accepted {} ago, and no invoice was made of it.",
                    days(since)
                ),
            },
            evidence: Vec::new(),
            impact: impact_in(
                cx,
                &mut rates,
                Some(*quotation.gross_total),
                quotation.currency,
            )?,
            urgency: urgency_since(since),
            facts: decided.to_string(),
            call: SuggestedCall::of("convert_quotation", json!({ "quotation": quotation.id })),
        });
    }
    Ok(findings)
}

/// Its number, or its title before it has one.
fn called(quotation: &Quotation) -> String {
    let number = quotation.number.as_ref().map(ToString::to_string);
    number.unwrap_or_else(|| quotation.title.to_string())
}
