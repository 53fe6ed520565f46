//! What the owner of the firm may ask for in figures, each computed a second time from the rows.

use std::collections::BTreeMap;

use bureau_kernel::prelude::Json;
use bureau_tickets::Handover;
use serde_json::{Value, json};

use super::{Firm, suggested};

pub(super) async fn check(firm: &Firm) {
    check_support(firm).await;
    check_sales(firm).await;
    check_money(firm).await;
}

async fn ask(firm: &Firm, tool: &str, arguments: Value) -> Value {
    firm.ask(tool, arguments).await["data"].take()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

/// How many rows the measure at this place is of.
fn n(answer: &Value, place: usize) -> i64 {
    answer["figures"][place]["n"].as_i64().unwrap()
}

async fn check_support(firm: &Firm) {
    suggested("Which agent hands over most tickets?");
    let asked = json!({"period": "all time", "measures": ["handovers"], "group_by": ["agent"]});
    let answer = ask(firm, "get_support_metrics", asked).await;
    let mut handovers: BTreeMap<String, i64> = BTreeMap::new();
    for row in firm.rows("SELECT handovers FROM ticket").await {
        let given: Json<Vec<Handover>> = row.get("handovers").unwrap();
        for handover in given.0 {
            let from = handover
                .from
                .map_or_else(|| "(none)".to_owned(), |id| id.to_string());
            *handovers.entry(from).or_default() += 1;
        }
    }
    assert_eq!(n(&answer, 0), handovers.values().sum::<i64>());
    let mut last = i64::MAX;
    for group in list(&answer["figures"][0]["groups"]) {
        let agent = &group["key"]["assignee"];
        let id = agent["id"].as_str().or(agent.as_str()).unwrap();
        let count = group["n"].as_i64().unwrap();
        assert_eq!(Some(&count), handovers.get(id), "{id}");
        assert!(count <= last, "the most first");
        last = count;
    }
    suggested("How long do tickets take by country and priority?");
    let asked = json!({"period": "all time", "measures": ["handle time"], "group_by": ["country", "priority"]});
    let answer = ask(firm, "get_support_metrics", asked).await;
    let solved = firm
        .count("SELECT COUNT(*) AS count FROM ticket WHERE archived_at IS NULL AND merged_into IS NULL AND resolution_minutes IS NOT NULL")
        .await;
    assert!(solved > 100);
    assert_eq!(n(&answer, 0), solved);
    let groups = list(&answer["figures"][0]["groups"]).iter();
    assert_eq!(
        groups
            .map(|group| group["n"].as_i64().unwrap())
            .sum::<i64>(),
        solved
    );
}

async fn check_sales(firm: &Firm) {
    suggested("Where do deals get stuck, and how fast do we sell?");
    let asked = json!({"period": "all time"});
    let answer = ask(firm, "get_pipeline_analytics", asked).await;
    let mut still = 0;
    for stage in list(&answer["stages"]) {
        let number = |name: &str| stage[name].as_i64().unwrap();
        let parts = ["advanced", "lost", "moved_back", "still_there"].map(number);
        assert_eq!(number("entered"), parts.iter().sum::<i64>(), "{stage}");
        still += number("still_there");
    }
    let open = firm
        .count("SELECT COUNT(*) AS count FROM deal WHERE archived_at IS NULL AND status = 'open'")
        .await;
    assert_eq!(still, open, "what is still there is open");
    assert!(answer["bottleneck"]["stage"]["name"].is_string());
    assert!(answer["velocity"]["per_day"].is_string(), "{answer}");

    suggested(
        "What will we sell in the next three months, and how right was the forecast of three months ago?",
    );
    let answer = ask(
        firm,
        "get_sales_forecast",
        json!({"period": "next three months"}),
    )
    .await;
    assert_eq!(answer["total"]["count"], open);
    let then = ask(
        firm,
        "get_sales_forecast",
        json!({"as_of": "-3m", "period": "last 3 months"}),
    )
    .await;
    let of_months = list(&then["months"]).iter();
    let judged = of_months.filter(|month| month["since"]["won"].as_i64().unwrap() > 0);
    assert!(judged.count() > 0, "{then}");
}

async fn check_money(firm: &Firm) {
    suggested("What do customers owe us, and for how long?");
    let answer = ask(firm, "get_invoice_aging", json!({})).await;
    let open = firm
        .count("SELECT COUNT(*) AS count FROM invoice WHERE archived_at IS NULL AND kind = 'invoice' AND status IN ('issued', 'partly_paid')")
        .await;
    assert_eq!(answer["total"]["count"], open);
    let buckets = list(&answer["buckets"]).iter();
    assert_eq!(
        buckets.map(|one| one["n"].as_i64().unwrap()).sum::<i64>(),
        open
    );
    let past = ask(firm, "get_invoice_aging", json!({"as_of": "-60d"})).await;
    assert!(past["total"]["count"].as_i64().unwrap() > 0);

    suggested("What did we spend by category this year?");
    let answer = ask(
        firm,
        "get_expense_summary",
        json!({"period": "this year", "group_by": "category"}),
    )
    .await;
    let bound = |name: &str| answer[name].as_str().unwrap().to_owned();
    let (from, to) = (bound("from"), bound("to"));
    let mut count = 0;
    for row in firm
        .rows("SELECT spent_on FROM expense WHERE archived_at IS NULL AND status <> 'rejected'")
        .await
    {
        let day: chrono::NaiveDate = row.get("spent_on").unwrap();
        count += i64::from((from.as_str()..=to.as_str()).contains(&day.to_string().as_str()));
    }
    assert_eq!(n(&answer, 0), count);

    suggested("How did revenue grow this year, and what recurs each month?");
    let answer = ask(firm, "get_revenue_metrics", json!({"period": "all time"})).await;
    let issued = firm
        .count(
            "SELECT COUNT(*) AS count FROM invoice WHERE archived_at IS NULL AND status <> 'draft'",
        )
        .await;
    assert_eq!(n(&answer, 0), issued);
    let payments = firm
        .count("SELECT COUNT(*) AS count FROM payment WHERE archived_at IS NULL")
        .await;
    assert_eq!(n(&answer, 1), payments);
    let year = ask(
        firm,
        "get_revenue_metrics",
        json!({"period": "year to date"}),
    )
    .await;
    assert_ne!(year["mrr"]["end"], "0.00", "{}", year["mrr"]);
}
