//! What was spent.

use bureau_kernel::error::Code;
use bureau_kernel::testing::ENGINES;
use serde_json::json;

use super::{check_evidence, expected, groups, started};

#[tokio::test(flavor = "multi_thread")]
async fn expenses_are_summed_up_by_any_two_of_what_they_say() {
    for engine in ENGINES {
        let (app, owner, _) = started(engine, "2026-11-20T12:00:00Z").await;
        for (category, vendor, day, amount, status) in [
            ("Travel", Some("DB"), "2026-01-31", "100", "approved"),
            ("travel", Some("DB"), "2026-02-01", "50.50", "pending"),
            ("Travel", None, "2026-02-10", "-20", "paid"),
            ("Software", Some("Forge"), "2026-02-28", "9.99", "approved"),
            ("Software", Some("Forge"), "2026-03-01", "9.99", "approved"),
            ("Software", Some("Forge"), "2026-02-28", "1000", "rejected"),
            ("Rent", None, "2025-12-31", "700", "approved"),
        ] {
            let mut new = json!({
                "description": "Something", "category": category, "amount": amount, "currency": "EUR",
                "spent_on": day, "status": status,
            });
            if let Some(vendor) = vendor {
                new["vendor"] = vendor.into();
            }
            app.data(&owner, "create_expense", new).await;
        }
        let ask = |arguments| {
            let (app, owner) = (&app, &owner);
            async move { app.data(owner, "get_expense_summary", arguments).await }
        };
        let this_year = ask(json!({})).await;
        assert_eq!(this_year["from"], "2026-01-01");
        assert_eq!(this_year["to"], "2026-11-20");
        let spent = "invoicing.expenses";
        assert_eq!(
            groups(&this_year, spent, "base_amount"),
            expected(&[("travel", "130.50"), ("software", "19.98")]),
            "{engine:?}"
        );
        assert_eq!(check_evidence(&app, &owner, &this_year).await, 3);
        let two =
            ask(json!({"period": "january to march 2026", "group_by": ["month", "categories"]}))
                .await;
        assert_eq!(
            groups(&two, spent, "base_amount"),
            expected(&[
                ("2026-01 / travel", "100.00"),
                ("2026-02 / travel", "30.50"),
                ("2026-02 / software", "9.99"),
                ("2026-03 / software", "9.99"),
            ])
        );
        assert_eq!(check_evidence(&app, &owner, &two).await, 5);
        let vendors = ask(json!({"period": "last year", "group_by": "vendor"})).await;
        assert_eq!(groups(&vendors, spent, "n"), expected(&[("(none)", "1")]));
        let people = ask(json!({"group_by": ["employee"], "period": "all time"})).await;
        assert_eq!(
            groups(&people, spent, "base_amount"),
            expected(&[("Owner", "850.48")])
        );
        let mine = ask(json!({"owner": "me", "period": "2026-02"})).await;
        assert_eq!(mine["figures"][0]["base_amount"], "40.49");
        assert_eq!(check_evidence(&app, &owner, &mine).await, 3);
        // What cannot be asked says what can.
        for (arguments, field, hint) in [
            (
                json!({"group_by": ["project"]}),
                "group_by",
                "category, vendor",
            ),
            (json!({"group_by": ["month", "year"]}), "group_by", ""),
            (
                json!({"group_by": ["month", "category", "vendor"]}),
                "group_by",
                "several calls",
            ),
            (json!({"period": "soon"}), "period", ""),
            (
                json!({"period": "2026-03-01 to 2026-01-01"}),
                "period",
                "earlier day",
            ),
            (
                json!({"period": "all time", "group_by": ["month"]}),
                "period",
                "since",
            ),
            (
                json!({"period": "since 1950-01-01", "group_by": ["week"]}),
                "group_by",
                "longer parts",
            ),
        ] {
            let error = app
                .error(&owner, "get_expense_summary", arguments.clone())
                .await;
            assert_eq!(error.code(), Code::Validation, "{arguments}");
            assert_eq!(error.field_name(), Some(field), "{arguments}: {error}");
            assert!(
                error.hint_text().unwrap_or_default().contains(hint),
                "{arguments}: {error}"
            );
        }
        // The caller is told of no call that it may not make, and of no name that it may not read.
        let narrow = app.limited(&owner, &["read_expenses"]);
        let narrow = app
            .data(
                &narrow,
                "get_expense_summary",
                json!({"group_by": "company"}),
            )
            .await;
        assert_eq!(narrow["figures"][0]["evidence"]["tool"], "list_expenses");
        let other = app.tenant("other").await;
        let none = app
            .data(&other, "get_expense_summary", json!({"period": "all time"}))
            .await;
        assert_eq!(none["figures"][0]["n"], 0);
    }
}
