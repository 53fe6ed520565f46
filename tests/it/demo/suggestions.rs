//! What is suggested to the demo firm: each suggestion is true, and none is missing.

use serde_json::{Value, json};

use super::work::count_of;
use super::{Firm, suggested, today};

pub(super) async fn check(firm: &Firm) {
    suggested("What should I do next, and why?");
    let day = |days: i64| (today() + chrono::Duration::days(days)).to_string();
    let now = chrono::Utc::now();
    let all = firm
        .ask("get_ai_suggestions", json!({ "limit": 100 }))
        .await;
    let all = all["data"]["suggestions"].as_array().unwrap();
    assert!(!all.is_empty());
    // By lists that know nothing of suggestions.
    for (rule, tool, filter) in [
        (
            "deals_past_close",
            "list_deals",
            json!({ "status": "open", "close_before": day(-1) }),
        ),
        (
            "activities_due",
            "list_activities",
            json!({ "status": "pending", "due_before": day(0) }),
        ),
        (
            "tasks_overdue",
            "list_tasks",
            json!({ "status": "overdue" }),
        ),
        (
            "quotations_expiring",
            "list_quotations",
            json!({ "status": "sent", "valid_after": day(0), "valid_before": day(7) }),
        ),
        (
            "tickets_near_breach",
            "list_tickets",
            json!({ "status": "open", "next_breach_before": (now + chrono::Duration::hours(24)).to_rfc3339() }),
        ),
    ] {
        let found = of(firm, rule).await;
        assert_eq!(
            found.len() as i64,
            count_of(firm, tool, filter).await,
            "{rule}"
        );
    }
    // A reminder for each customer, and each overdue invoice in one of them.
    suggested("Whom do I have to remind of invoices that are overdue, and of how much?");
    let reminders = of(firm, "invoices_overdue").await;
    let mut invoices = Vec::new();
    for reminder in &reminders {
        for invoice in reminder["evidence"].as_array().unwrap() {
            let id = invoice["id"].as_str().unwrap();
            let invoice = firm.ask("get_invoice", json!({ "invoice": id })).await;
            assert_eq!(invoice["data"]["status"], "overdue", "{invoice}");
            assert_eq!(invoice["data"]["company"]["id"], reminder["about"]["id"]);
            invoices.push(id.to_owned());
        }
    }
    let before = invoices.len();
    invoices.sort_unstable();
    invoices.dedup();
    assert_eq!(invoices.len(), before, "nobody is reminded twice");
    let overdue = count_of(firm, "list_invoices", json!({ "status": "overdue" })).await;
    assert_eq!(before as i64, overdue);
    suggested("Which customers has nobody talked to for three months?");
    for customer in of(firm, "silent_customers").await {
        let done = json!({ "company": customer["about"]["id"], "done_after": day(-89), "type": ["call", "email", "meeting"] });
        assert_eq!(
            count_of(firm, "list_activities", done).await,
            0,
            "{customer}"
        );
    }
    for bill in of(firm, "quotations_to_invoice").await {
        let deal = firm
            .ask("get_quotation", json!({ "quotation": bill["about"]["id"] }))
            .await;
        let deal = deal["data"]["deal"]["id"].clone();
        assert_eq!(
            count_of(firm, "list_invoices", json!({ "deal": deal })).await,
            0,
            "{bill}"
        );
    }
    // What is proposed can be called as it stands there.
    for one in all {
        let tool = one["call"]["tool"].as_str().unwrap();
        let mut arguments = one["call"]["arguments"].clone();
        if !tool.starts_with("get_") {
            arguments["dry_run"] = true.into();
        }
        firm.ask(tool, arguments).await;
    }
}

async fn of(firm: &Firm, rule: &str) -> Vec<Value> {
    let asked = json!({ "rule": rule, "limit": 100 });
    let answer = firm.ask("get_ai_suggestions", asked).await;
    let found = answer["data"]["suggestions"].as_array();
    found.cloned().unwrap_or_default()
}
