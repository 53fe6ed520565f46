//! The rules of expenses: what they start with, what is wrong with them, what stands once they are paid, lists.

use bureau_kernel::caller::Caller;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::MODULES;

/// An expense that is well, with what is said of it.
fn said(more: &Value) -> Value {
    let mut arguments = json!({ "description": "Taxi", "category": "travel", "amount": "35.70", "currency": "EUR" });
    let more = more.as_object().cloned().unwrap();
    arguments.as_object_mut().unwrap().extend(more);
    arguments
}

async fn create(app: &TestApp, owner: &Caller, more: Value) -> Value {
    app.data(owner, "create_expense", said(&more)).await
}

fn change_of(expense: &Value, more: &Value) -> Value {
    let mut arguments = more.clone();
    arguments["expense"] = expense["id"].clone();
    arguments
}

/// The descriptions in a list, in its order.
async fn described(app: &TestApp, caller: &Caller, filters: Value) -> Vec<String> {
    let found = app.data(caller, "list_expenses", filters).await;
    let found = found.as_array().unwrap().iter();
    found
        .map(|row| row["description"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expense_is_of_today_the_callers_and_pending_unless_something_else_is_said() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let workspace = app.data(&owner, "get_workspace", json!({})).await;
        let least = json!({ "description": "Pens", "category": "office", "amount": "3" });
        let expense = app.data(&owner, "create_expense", least).await;
        assert_eq!(expense["spent_on"], workspace["today"], "on {engine:?}");
        assert_eq!(expense["currency"], workspace["currency"]);
        assert_eq!(expense["owner"]["id"], json!(owner.member));
        assert_eq!(
            (&expense["status"], &expense["billable"]),
            (&json!("pending"), &json!(false))
        );
        for (currency, amount, shown) in [
            ("EUR", "35.7", "35.70"),
            ("JPY", "1200", "1200"),
            ("KWD", "1.25", "1.250"),
        ] {
            let more = json!({ "currency": currency, "amount": amount, "tax_amount": "0" });
            let expense = create(&app, &owner, more).await;
            assert_eq!(expense["amount"], shown, "{currency} on {engine:?}");
        }
        let company = json!({ "name": "Harbour Estates" });
        let company = app.data(&owner, "create_company", company).await;
        let more = json!({ "company": company["id"], "spent_on": "2026-01-05", "status": "paid", "notes": "January" });
        let rent = create(&app, &owner, more).await;
        assert_eq!(rent["company"]["name"], "Harbour Estates");
        assert_eq!(
            (&rent["spent_on"], &rent["status"]),
            (&json!("2026-01-05"), &json!("paid"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_expense_is_said_of_its_field() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let expense = create(&app, &owner, json!({})).await;
        let today: NaiveDate = expense["spent_on"].as_str().unwrap().parse().unwrap();
        let tomorrow = today.checked_add_days(Days::new(1)).unwrap();
        for (wrong, field) in [
            (json!({ "category": "x".repeat(51) }), "category"),
            (json!({ "amount": "0" }), "amount"),
            (json!({ "amount": "1.005" }), "amount"),
            (json!({ "amount": "1.5", "currency": "JPY" }), "amount"),
            (json!({ "amount": "ten" }), "amount"),
            (
                json!({ "amount": "10", "tax_amount": "10.01" }),
                "tax_amount",
            ),
            (json!({ "tax_amount": "-1" }), "tax_amount"),
            (json!({ "tax_amount": "0.001" }), "tax_amount"),
            (json!({ "currency": "EURO" }), "currency"),
            (json!({ "spent_on": tomorrow }), "spent_on"),
            (json!({ "spent_on": "2026-02-30" }), "spent_on"),
            (json!({ "status": "done" }), "status"),
            (json!({ "method": "shells" }), "method"),
            (json!({ "billable": "perhaps" }), "billable"),
        ] {
            let created = app.error(&owner, "create_expense", said(&wrong)).await;
            let change = change_of(&expense, &wrong);
            let changed = app.error(&owner, "update_expense", change).await;
            for error in [created, changed] {
                let found = (error.code(), error.field_name());
                assert_eq!(
                    found,
                    (Code::Validation, Some(field)),
                    "{wrong} on {engine:?}"
                );
            }
        }
        for field in ["description", "category", "amount"] {
            let mut least = said(&json!({}));
            least.as_object_mut().unwrap().shift_remove(field);
            let error = app.error(&owner, "create_expense", least).await;
            assert_eq!(error.field_name(), Some(field), "on {engine:?}");
        }
        let clear = change_of(&expense, &json!({ "clear": ["amount"] }));
        let error = app.error(&owner, "update_expense", clear).await;
        assert_eq!(error.field_name(), Some("amount"));
        let gone = json!({ "company": "cmp_0000000000000" });
        let error = app.error(&owner, "create_expense", said(&gone)).await;
        assert_eq!(error.field_name(), Some("company"), "{error:?}");
        let all = app.data(&owner, "list_expenses", json!({})).await;
        assert_eq!(all, json!([expense]), "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_books_for_a_paid_expense_stands_until_it_is_opened_again() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let expense = create(&app, &owner, json!({ "tax_amount": "5.70" })).await;
        // As long as it is not paid all of it changes, also in the call that pays it.
        let pay = json!({ "amount": "40", "spent_on": "2026-01-05", "status": "paid" });
        let paid = app
            .ok(&owner, "update_expense", change_of(&expense, &pay))
            .await;
        for (change, field) in [
            (json!({ "amount": "41" }), "amount"),
            (json!({ "currency": "USD" }), "currency"),
            (json!({ "tax_amount": "1" }), "tax_amount"),
            (json!({ "clear": ["tax_amount"] }), "tax_amount"),
            (
                json!({ "spent_on": "2026-01-06", "notes": "Late" }),
                "spent_on",
            ),
        ] {
            let arguments = change_of(&expense, &change);
            let error = app.error(&owner, "update_expense", arguments).await;
            let found = (error.code(), error.field_name());
            assert_eq!(
                found,
                (Code::Conflict, Some(field)),
                "{change} on {engine:?}"
            );
            assert!(error.hint_text().unwrap().contains("approved"), "{error:?}");
        }
        let all = app.data(&owner, "list_expenses", json!({})).await;
        assert_eq!(all, json!([paid["data"]]), "nothing of it was written");
        // What is said about it does change, and the same amount is no change.
        let note = json!({ "notes": "Receipt is in the blue box", "reference": "R-1", "vendor": "Taxi Ltd", "amount": "40.00" });
        let noted = app
            .data(&owner, "update_expense", change_of(&expense, &note))
            .await;
        assert_eq!(noted["reference"], "R-1", "on {engine:?}");
        for (step, amount) in [
            (json!({ "status": "approved" }), "40.00"),
            (json!({ "amount": "41" }), "41.00"),
            (json!({ "status": "paid" }), "41.00"),
        ] {
            let stepped = app
                .data(&owner, "update_expense", change_of(&expense, &step))
                .await;
            assert_eq!(stepped["amount"], amount, "{step} on {engine:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paying_an_expense_is_taken_back_with_all_that_the_call_changed() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let expense = create(&app, &owner, json!({})).await;
        let pay = change_of(&expense, &json!({ "amount": "40", "status": "paid" }));
        let paid = app.ok(&owner, "update_expense", pay).await;
        let undo = json!({ "change": paid["change"] });
        app.ok(&owner, "undo_change", undo).await;
        let all = app.data(&owner, "list_expenses", json!({})).await;
        assert_eq!(
            (&all[0]["amount"], &all[0]["status"]),
            (&json!("35.70"), &json!("pending")),
            "on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expenses_are_listed_by_what_people_ask_for() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = json!({ "name": "Rail Ltd" });
        let company = app.data(&owner, "create_company", company).await["id"].clone();
        let other = app.data(&owner, "list_team_members", json!({})).await;
        let me = other[0]["id"].clone();
        for more in [
            json!({ "description": "Train", "category": "Travel", "amount": "88", "spent_on": "2026-03-10", "company": company,
                    "status": "approved", "billable": true }),
            json!({ "description": "Hotel", "category": "travel", "amount": "240", "spent_on": "2026-03-11", "vendor": "Seaview" }),
            json!({ "description": "Editor", "category": "Software", "amount": "12.50", "currency": "USD",
                    "spent_on": "2026-02-01", "status": "paid", "notes": "Renews each year" }),
            json!({ "description": "Desk", "category": "office", "amount": "410", "spent_on": "2026-04-02" }),
        ] {
            create(&app, &owner, more).await;
        }
        for (filters, expected) in [
            (json!({}), vec!["Desk", "Hotel", "Train", "Editor"]),
            (json!({ "category": "TRAVEL" }), vec!["Hotel", "Train"]),
            (json!({ "status": "paid" }), vec!["Editor"]),
            (json!({ "company": company }), vec!["Train"]),
            (
                json!({ "owner": me }),
                vec!["Desk", "Hotel", "Train", "Editor"],
            ),
            (json!({ "currency": "USD" }), vec!["Editor"]),
            (json!({ "billable": true }), vec!["Train"]),
            (
                json!({ "billable": false, "category": "travel" }),
                vec!["Hotel"],
            ),
            (
                json!({ "spent_after": "2026-03-10", "spent_before": "2026-03-31" }),
                vec!["Hotel", "Train"],
            ),
            (
                json!({ "spent_before": "2026-03-10", "sort": "spent_on" }),
                vec!["Editor", "Train"],
            ),
            (
                json!({ "min_amount": "240", "sort": "amount" }),
                vec!["Hotel", "Desk"],
            ),
            (
                json!({ "sort": "category", "limit": 2 }),
                vec!["Desk", "Editor"],
            ),
            (
                json!({ "sort": "created_at", "descending": true, "limit": 1 }),
                vec!["Desk"],
            ),
            (json!({ "query": "seavew" }), vec!["Hotel"]),
            (json!({ "query": "renews", "currency": "EUR" }), vec![]),
            (
                json!({ "query": "travel", "billable": true }),
                vec!["Train"],
            ),
        ] {
            let found = described(&app, &owner, filters.clone()).await;
            assert_eq!(found, expected, "{filters} on {engine:?}");
        }
        let sorted = json!({ "query": "travel", "sort": "amount" });
        assert!(!described(&app, &owner, sorted).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workspaces_share_no_expense() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let (ours, theirs) = (app.tenant("ours").await, app.tenant("theirs").await);
        let mine = create(&app, &ours, json!({ "description": "Ours" })).await;
        create(&app, &theirs, json!({ "description": "Theirs" })).await;
        assert_eq!(
            described(&app, &theirs, json!({})).await,
            ["Theirs"],
            "on {engine:?}"
        );
        let query = json!({ "query": "ours" });
        assert!(
            described(&app, &theirs, query).await.is_empty(),
            "on {engine:?}"
        );
        let steal = change_of(&mine, &json!({ "amount": "1" }));
        let error = app.error(&theirs, "update_expense", steal).await;
        assert_eq!(error.code(), Code::NotFound);
        let foreign = json!({ "owner": mine["owner"]["id"] });
        let error = app.error(&theirs, "create_expense", said(&foreign)).await;
        assert_eq!(error.field_name(), Some("owner"), "on {engine:?}");
    }
}
