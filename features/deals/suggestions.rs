//! What open deals ask for.

use bureau_kernel::prelude::*;
use bureau_kernel::suggestion::{
    Finding, SuggestedCall, SuggestionRule, Wanted, days, days_from, impact_in, urgency_since,
};
use futures::FutureExt as _;
use serde_json::json;

use crate::DEALS;
use crate::deal::Deal;

/// The module's rules.
pub(crate) const RULES: &[SuggestionRule] = &[SuggestionRule {
    name: "deals_past_close",
    about: "An open deal was expected to close before today",
    reads: &[DEALS.read],
    find: |cx, wanted| past_close(cx, wanted).boxed(),
}];

async fn past_close(cx: &mut Cx, wanted: &Wanted) -> Result<Vec<Finding>> {
    let only = |statement: bureau_kernel::store::Sql, cx: &Cx| {
        let open = statement.sql(" AND status = 'open' AND expected_close < ");
        open.value(cx.today())
    };
    let deals = wanted.records::<Deal>(cx, "owner", only, "expected_close");
    let deals = deals.await?;
    let today = cx.today();
    let mut rates = cx.rates(Some(today), today).await?;
    let mut findings = Vec::new();
    for deal in deals {
        let Some(expected) = deal.expected_close else {
            continue;
        };
        let late = days_from(cx, expected);
        findings.push(Finding {
            subject: deal.id.into(),
            owner: deal.owner,
            action: format!("Ask when {} will be decided, or close it", deal.name),
            reason: format!(
                "It is open and was expected to close on {expected}, {} ago.",
                days(late)
            ),
            evidence: Vec::new(),
            impact: impact_in(cx, &mut rates, deal.amount, deal.currency)?,
            urgency: urgency_since(late),
            facts: expected.to_string(),
            call: SuggestedCall::of(
                "create_activity",
                json!({
                    "type": "call",
                    "subject": "Ask when it will be decided",
                    "deal": deal.id,
                    "due_at": today,
                }),
            ),
        });
    }
    Ok(findings)
}
