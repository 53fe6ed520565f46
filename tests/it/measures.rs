//! What modules can be asked for in figures: each measure is what its evidence lists, whole, in parts and within a period.

use std::collections::BTreeMap;

use bureau_kernel::caller::Caller;
use bureau_kernel::measures::{Dimension, Measure, Question};
use bureau_kernel::record::Cx;
use bureau_kernel::store::sql;
use bureau_kernel::testing::{ENGINES, TestApp};
use chrono::{Days, NaiveDate};
use serde_json::{Map, Value, json};

use crate::MODULES;

/// How many rows each group of an answer is of.
type Groups = BTreeMap<Vec<Option<String>>, i64>;

async fn ask(
    app: &TestApp,
    caller: &Caller,
    measure: &'static Measure,
    asked: &Question,
) -> Groups {
    let found = app.dispatcher.app().read(caller, async |cx: &mut Cx| {
        let today = cx.today();
        let mut rates = cx.rates(None, today).await?;
        cx.measure(measure.id, asked, &mut rates).await
    });
    let groups = found.await.unwrap().into_iter();
    groups
        .map(|group| (group.key, group.figure.rows()))
        .collect()
}

/// How many rows a list has, read to its end.
async fn listed(app: &TestApp, caller: &Caller, tool: &str, arguments: Map<String, Value>) -> i64 {
    let mut arguments = Value::Object(arguments);
    arguments["limit"] = 7.into();
    let mut count = 0;
    loop {
        let answer = app.ok(caller, tool, arguments.clone()).await;
        count += answer["data"].as_array().unwrap().len() as i64;
        match answer.pointer("/page/next") {
            Some(next) => arguments["cursor"] = next.clone(),
            None => return count,
        }
    }
}

/// Records of all kinds that are measured, some of them one person's.
async fn firm(app: &TestApp, owner: &Caller) {
    let today = owner.workspace_today();
    let deals = [
        json!({"amount": "1000", "expected_close": today - Days::new(3)}),
        json!({"amount": "10.10", "currency": "USD", "stage": "Proposal"}),
        json!({"amount": "5", "currency": "JPY", "stage": "Negotiation", "expected_close": today + Days::new(9)}),
        json!({"probability": 35}),
        json!({"status": "won", "amount": "77"}),
        json!({"status": "won", "amount": "78", "currency": "USD"}),
        json!({"status": "lost", "lost_reason": "Price", "amount": "79"}),
        json!({"status": "won", "amount": "80", "closed_on": today - Days::new(40)}),
        json!({"status": "unqualified", "amount": "81"}),
    ];
    let due = |days: i64| today + chrono::Duration::days(days);
    let activities = [
        json!({"type": "task", "due_at": due(-4)}),
        json!({"type": "call", "due_at": due(0)}),
        json!({"type": "call", "due_at": due(2)}),
        json!({"type": "meeting", "due_at": due(12)}),
        json!({"type": "task"}),
        json!({"type": "call", "done": true}),
        json!({"type": "email", "done": true}),
    ];
    let tickets = [
        json!({"priority": "urgent", "category": "problem", "channel": "phone"}),
        json!({"opened_at": "-40d", "product": "Box"}),
        json!({"opened_at": "-40d", "status": "solved"}),
        json!({"status": "closed"}),
        json!({"message": "Help!"}),
    ];
    let tasks = [
        json!({"due_on": due(-4), "priority": "high"}),
        json!({"due_on": due(0)}),
        json!({"due_on": due(-4), "status": "completed"}),
        json!({"status": "cancelled"}),
        json!({"status": "started"}),
    ];
    for name in ["Bridge", "Tunnel"] {
        app.data(owner, "create_project", json!({"name": name}))
            .await;
    }
    let over = json!({"name": "Road", "status": "completed"});
    app.data(owner, "create_project", over).await;
    for job in ["Engineer", "Clerk"] {
        app.data(owner, "create_job", json!({"title": job, "openings": 9}))
            .await;
    }
    for mine in [false, true] {
        let whose = |name: &str, mut arguments: Value| {
            if mine {
                arguments[name] = "me".into();
            }
            arguments
        };
        for number in 0..4 {
            let name =
                json!({"name": format!("Somebody {number} {mine}"), "on_duplicate": "create"});
            app.data(owner, "create_contact", whose("owner", name.clone()))
                .await;
            app.data(owner, "create_company", whose("owner", name))
                .await;
        }
        for (number, deal) in deals.iter().enumerate() {
            let mut deal = whose("owner", deal.clone());
            deal["name"] = format!("Deal {number} {mine}").into();
            app.data(owner, "create_deal", deal).await;
        }
        for (number, activity) in activities.iter().enumerate() {
            let mut activity = whose("assignee", activity.clone());
            activity["subject"] = format!("Activity {number} {mine}").into();
            app.data(owner, "create_activity", activity).await;
        }
        for (number, ticket) in tickets.iter().enumerate() {
            let mut ticket = whose("assignee", ticket.clone());
            ticket["subject"] = format!("Ticket {number} {mine}").into();
            let ticket = app.data(owner, "create_ticket", ticket).await["id"].clone();
            if number % 2 == 0 {
                let reply = json!({"ticket": ticket, "type": "reply", "body": "Yes."});
                app.data(owner, "create_ticket_message", reply).await;
            }
            if number > 1 {
                let rated = json!({"ticket": ticket, "satisfaction": number});
                app.data(owner, "update_ticket", rated).await;
            }
        }
        for (number, task) in tasks.iter().enumerate() {
            let mut task = whose("assignee", task.clone());
            task["title"] = format!("Task {number} {mine}").into();
            task["project"] = ["Bridge", "Tunnel"][number % 2].into();
            app.data(owner, "create_task", task).await;
        }
    }
    for mine in [false, true] {
        for (number, course) in APPLICATIONS.iter().enumerate() {
            let (applied, decided, status, reason) = *course;
            let source = ["Fair", "fair", "Web"][number % 3];
            let mut new = json!({ "name": format!("Candidate {number} {mine}"), "source": source });
            if mine {
                new["referrer"] = "me".into();
            }
            let candidate = app.data(owner, "create_candidate", new).await["id"].clone();
            let job = ["Engineer", "Clerk"][number % 2];
            let new = json!({"candidate": candidate, "job": job, "applied_on": applied});
            let made = app.data(owner, "create_application", new).await["id"].clone();
            if let Some(status) = status {
                let mut step = json!({"application": made, "status": status, "moved_on": decided});
                if let Some(reason) = reason {
                    step["reason"] = reason.into();
                }
                app.data(owner, "update_application_status", step).await;
            }
        }
    }
    let client = json!({"name": "Client of hours"});
    let client = app.data(owner, "create_company", client).await;
    let pier = json!({"name": "Pier", "company": client["id"]});
    let pier = app.data(owner, "create_project", pier).await;
    for (days, hours, project) in [(0, "1", "Pier"), (3, "2:20", "Pier"), (5, "3", "Tunnel")] {
        let time = json!({"project": project, "hours": hours, "hourly_rate": "90", "worked_on": today - Days::new(days)});
        app.data(owner, "create_time_entry", time).await;
    }
    let bill = json!({"project": pier["id"], "until": today - Days::new(1), "tax_rate": "0"});
    app.data(owner, "bill_time", bill).await;
    app.data(owner, "create_time_entry", json!({"project": "Pier"}))
        .await;
    money(app, owner, &client).await;
    // One of each stands in its stage for too long, the other has some days left.
    for (name, days) in [("Deal 1", 22), ("Deal 2", 13)] {
        let since = bureau_kernel::types::time::now() - chrono::Duration::days(days);
        let moved = sql("UPDATE deal SET stage_since = ").value(since);
        let moved = moved.sql(" WHERE name LIKE ").value(format!("{name} %"));
        assert_eq!(app.run(moved).await, 2);
    }
    // What is deleted is not measured.
    let gone = json!({"name": "Gone", "amount": "1000000"});
    let gone = app.data(owner, "create_deal", gone).await;
    let delete = json!({"deal": gone["id"], "confirm": true});
    app.data(owner, "delete_deal", delete).await;
}

/// Expenses, invoices, a credit note and payments, some of them one person's.
async fn money(app: &TestApp, owner: &Caller, client: &Value) {
    let today = owner.workspace_today();
    for mine in [false, true] {
        for (number, (category, days, status)) in [
            ("Travel", 0, "pending"),
            ("travel", 40, "approved"),
            ("Rent", 40, "rejected"),
            ("Software", 3, "paid"),
        ]
        .into_iter()
        .enumerate()
        {
            let (currency, vendor) = [("EUR", "Shop"), ("USD", "Other shop")][number % 2];
            let mut new = json!({
                "description": format!("Expense {number} {mine}"), "category": category, "amount": "-7.50",
                "currency": currency, "spent_on": today - Days::new(days), "status": status,
                "vendor": vendor, "company": client["id"],
            });
            if mine {
                new["owner"] = "me".into();
            }
            app.data(owner, "create_expense", new).await;
        }
    }
    // Numbers go in the order of days.
    for (currency, days, pays, credits) in [
        ("EUR", 40, true, false),
        ("USD", 35, false, true),
        ("USD", 0, true, false),
        ("EUR", 0, false, false),
    ] {
        for mine in [false, true] {
            let mut draft = json!({
                "company": client["id"], "currency": currency, "issue_date": today - Days::new(days),
                "lines": [{"description": "Work", "quantity": "2", "unit_price": "50", "tax_rate": "0"}],
            });
            if mine {
                draft["owner"] = "me".into();
            }
            let invoice = app.data(owner, "create_invoice", draft).await["id"].clone();
            let issue = json!({"invoice": invoice, "confirm": true});
            app.data(owner, "issue_invoice", issue).await;
            if pays {
                let part = json!({"invoice": invoice, "amount": "10", "method": "card"});
                let part = app.data(owner, "record_payment", part).await;
                if mine {
                    app.data(owner, "record_payment", json!({"reverses": part["id"]}))
                        .await;
                }
                app.data(owner, "record_payment", json!({"invoice": invoice}))
                    .await;
            }
            if credits {
                let note = json!({"invoice": invoice, "lines": [{"line": 1, "quantity": "1"}]});
                let note = app.data(owner, "create_credit_note", note).await;
                let issue = json!({"invoice": note["id"], "confirm": true});
                app.data(owner, "issue_invoice", issue).await;
            }
        }
    }
}

/// When somebody applied, and what became of that when, and why.
type Course = (
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
);

/// What no tool lists: neither waits between messages nor handovers are rows of a list, and no list tells deals that were noted when
/// they were won, or plans that go on.
const WITHOUT_A_LIST: [&str; 4] = [
    "deals.sales_cycle",
    "invoicing.mrr",
    "tickets.handovers",
    "tickets.next_response_time",
];

const APPLICATIONS: [Course; 7] = [
    ("-60d", "-40d", Some("hired"), None),
    ("-60d", "today", Some("hired"), None),
    ("-50d", "-40d", Some("rejected"), Some("lacks_skills")),
    ("-50d", "today", Some("rejected"), Some("other_chosen")),
    ("-3d", "today", Some("withdrawn"), Some("location")),
    ("today", "today", None, None),
    ("-9d", "today", Some("offer"), None),
];

trait Today {
    fn workspace_today(&self) -> NaiveDate;
}

impl Today for Caller {
    fn workspace_today(&self) -> NaiveDate {
        let zone = self.workspace.time_zone;
        chrono::Utc::now().with_timezone(&zone).date_naive()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_measure_is_what_its_evidence_lists() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        firm(&app, &owner).await;
        let other = app.tenant("other").await;
        let today = owner.workspace_today();
        let periods = [
            (None, None),
            (Some(today), Some(today)),
            (Some(today + Days::new(1)), Some(today + Days::new(7))),
            (Some(today), None),
            (None, Some(today - Days::new(1))),
        ];
        let (mut shown, mut seen) = (0, 0);
        for measure in app.dispatcher.registry().measures() {
            for (from, to) in periods {
                for whose in [None, Some(owner.member)] {
                    // Payments are nobody's.
                    let nobodys = measure.evidence.is_some_and(|one| one.owner.is_none());
                    if nobodys && whose.is_some() {
                        continue;
                    }
                    let whole = Question {
                        from,
                        to,
                        owner: whose,
                        ..Question::default()
                    };
                    let all = ask(&app, &owner, measure, &whole).await;
                    let of = format!("{} of {whole:?} on {engine:?}", measure.id);
                    assert_eq!(all.len(), 1, "{of}");
                    let all = all[&vec![]];
                    seen += i64::from(all > 0);
                    for by in measure.dimensions.iter().map(Dimension::name) {
                        let parts = Question {
                            by: vec![by],
                            ..whole.clone()
                        };
                        let groups = ask(&app, &owner, measure, &parts).await;
                        assert_eq!(groups.values().sum::<i64>(), all, "{of} by {by}");
                        for (key, rows) in groups {
                            if let [Some(value)] = key.as_slice() {
                                let filters = vec![(by, value.clone())];
                                let filtered = Question {
                                    filters,
                                    ..whole.clone()
                                };
                                let filtered = ask(&app, &owner, measure, &filtered).await;
                                assert_eq!(filtered[&vec![]], rows, "{of} by {by}");
                            }
                            if let Some((tool, arguments)) = measure.evidence(&parts, &key) {
                                let listed = listed(&app, &owner, tool, arguments).await;
                                assert_eq!(listed, rows, "{of} by {by}, {key:?}");
                            }
                        }
                    }
                    // There is a list of everything that is shown in figures.
                    if !WITHOUT_A_LIST.contains(&measure.id) {
                        let (tool, arguments) = measure.evidence(&whole, &[]).expect(&of);
                        let listed = listed(&app, &owner, tool, arguments.clone()).await;
                        assert_eq!(listed, all, "{of}: {tool} {arguments:?}");
                        shown += 1;
                    }
                    let elsewhere = Question {
                        owner: None,
                        ..whole
                    };
                    let elsewhere = ask(&app, &other, measure, &elsewhere).await;
                    assert_eq!(elsewhere[&vec![]], 0, "{of} in another firm");
                }
            }
        }
        assert!(shown > 100 && seen > 60, "{shown} lists, {seen} figures");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_measure_that_nobody_has_is_refused_with_those_that_there_are() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let registry = app.dispatcher.registry();
    let error = registry.measure("deals.wan").unwrap_err();
    assert_eq!(error.hint_text(), Some("Did you mean deals.won?"));
    let error = registry.measure("something else altogether").unwrap_err();
    assert!(error.hint_text().unwrap().contains("deals.open, "));
}
