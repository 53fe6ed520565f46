//! The rules of products: article numbers, taxes that agree, what is out of sale, lists.

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

/// A product that is well, with what is said of it.
fn said(more: &Value) -> Value {
    let mut arguments = json!({ "name": "Consulting", "unit_price": "120", "currency": "EUR" });
    let more = more.as_object().cloned().unwrap();
    arguments.as_object_mut().unwrap().extend(more);
    arguments
}

async fn create(app: &TestApp, owner: &Caller, more: Value) -> Value {
    app.data(owner, "create_product", said(&more)).await
}

/// A draft for somebody with these lines, as it is asked for.
async fn draft(app: &TestApp, owner: &Caller, lines: Value) -> Value {
    let company = json!({ "name": "Acme", "on_duplicate": "return" });
    let company = app.data(owner, "create_company", company).await;
    json!({ "company": company["id"], "currency": "EUR", "lines": lines })
}

/// The names in a list, in its order.
async fn names(app: &TestApp, caller: &Caller, filters: Value) -> Vec<String> {
    let found = app.data(caller, "list_products", filters).await;
    let found = found.as_array().unwrap().iter();
    found
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_has_its_workspaces_currency_and_its_prices_digits() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let base = json!({ "name": "Plain", "unit_price": "0" });
        let plain = app.data(&owner, "create_product", base).await;
        let workspace = app.data(&owner, "get_workspace", json!({})).await;
        assert_eq!(plain["currency"], workspace["currency"], "on {engine:?}");
        assert_eq!(
            (&plain["type"], &plain["active"]),
            (&json!("service"), &json!(true))
        );
        for (currency, price, shown) in [
            ("EUR", "120", "120.00"),
            ("EUR", "0.0125", "0.0125"),
            ("JPY", "1500.00", "1500"),
            ("KWD", "1.5", "1.500"),
        ] {
            let more = json!({ "currency": currency, "unit_price": price });
            let product = create(&app, &owner, more).await;
            assert_eq!(
                product["unit_price"], shown,
                "{price} {currency} on {engine:?}"
            );
            let read = json!({ "product": product["id"] });
            assert_eq!(app.data(&owner, "get_product", read).await, product);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_product_is_said_of_its_field() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let product = create(&app, &owner, json!({ "tax_category": "exempt" })).await;
        for (wrong, field) in [
            (json!({ "unit_price": null }), "unit_price"),
            (json!({ "unit_price": "-1" }), "unit_price"),
            (json!({ "unit_price": "1.00001" }), "unit_price"),
            (json!({ "currency": "EURO" }), "currency"),
            (json!({ "type": "software" }), "type"),
            (json!({ "billing_interval": "daily" }), "billing_interval"),
            (json!({ "tax_rate": "-1" }), "tax_rate"),
            (json!({ "tax_rate": "100.5" }), "tax_rate"),
            (json!({ "tax_category": "exemt" }), "tax_category"),
            (
                json!({ "tax_category": "exempt", "tax_rate": "19" }),
                "tax_rate",
            ),
            (json!({ "sku": "x".repeat(65) }), "sku"),
            (json!({ "colour": "red" }), "colour"),
        ] {
            let error = app.error(&owner, "create_product", said(&wrong)).await;
            let found = (error.code(), error.field_name());
            assert_eq!(
                found,
                (Code::Validation, Some(field)),
                "{wrong} on {engine:?}"
            );
            if wrong["unit_price"].is_null() && field == "unit_price" {
                continue;
            }
            let mut change = wrong.clone();
            change["product"] = product["id"].clone();
            let error = app.error(&owner, "update_product", change).await;
            let found = (error.code(), error.field_name());
            assert_eq!(
                found,
                (Code::Validation, Some(field)),
                "{wrong} on {engine:?}"
            );
        }
        let read = json!({ "product": product["id"] });
        assert_eq!(app.data(&owner, "get_product", read).await, product);
        assert_eq!(names(&app, &owner, json!({})).await, ["Consulting"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_rate_and_category_the_one_given_last_counts() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let both = json!({ "tax_category": "Exempt", "tax_rate": "0" });
        let product = create(&app, &owner, both).await;
        let tax = |product: &Value| (product["tax_rate"].clone(), product["tax_category"].clone());
        assert_eq!(tax(&product), (json!("0"), json!("Exempt")));
        let id = &product["id"];
        for (change, rate, category) in [
            (json!({ "tax_rate": "19" }), json!("19"), Value::Null),
            (json!({ "name": "Advice" }), json!("19"), Value::Null),
            (json!({ "tax_category": "AE" }), Value::Null, json!("AE")),
            (
                json!({ "clear": ["tax_category"] }),
                Value::Null,
                Value::Null,
            ),
        ] {
            let mut arguments = change.clone();
            arguments["product"] = id.clone();
            let changed = app.data(&owner, "update_product", arguments).await;
            assert_eq!(tax(&changed), (rate, category), "{change} on {engine:?}");
        }
        // A line takes what its product says.
        let exempt = json!({ "product": id, "tax_category": "exempt" });
        app.ok(&owner, "update_product", exempt).await;
        let lines = json!([{ "product": id, "quantity": "2" }]);
        let invoice = draft(&app, &owner, lines).await;
        let invoice = app.data(&owner, "create_invoice", invoice).await;
        assert_eq!(invoice["lines"][0]["tax_category"], "E", "on {engine:?}");
        assert_eq!(invoice["gross_total"], "240.00");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_products_never_have_one_sku() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = said(&json!({ "sku": "Köln-1" }));
        let made = app.ok(&owner, "create_product", made).await;
        let first = made["data"].clone();
        let second = create(&app, &owner, json!({ "name": "Other", "sku": "B-2" })).await;
        let taken = json!({ "sku": "koln-1" });
        let mut change = taken.clone();
        change["product"] = second["id"].clone();
        for error in [
            app.error(&owner, "create_product", said(&taken)).await,
            app.error(&owner, "update_product", change).await,
        ] {
            let found = (error.code(), error.field_name());
            assert_eq!(found, (Code::Conflict, Some("sku")), "on {engine:?}");
            assert_eq!(
                error.detail_value("existing").map(|one| &one["id"]),
                Some(&first["id"])
            );
        }
        let own = json!({ "product": first["id"], "sku": "KÖLN-1", "name": "Same" });
        app.ok(&owner, "update_product", own).await;
        let read = app.data(&owner, "get_product", json!({ "product": "Koln-1" }));
        assert_eq!(read.await["id"], first["id"], "on {engine:?}");
        let free = json!({ "product": first["id"], "clear": ["sku"] });
        let freed = app.ok(&owner, "update_product", free).await;
        create(&app, &owner, json!({ "name": "Heir", "sku": "KÖLN-1" })).await;
        // What an undo would bring back is taken meanwhile.
        let undo = json!({ "change": freed["change"] });
        let error = app.error(&owner, "undo_change", undo).await;
        assert_eq!(error.code(), Code::Conflict, "{error:?} on {engine:?}");
        let gone = app
            .error(&owner, "get_product", json!({ "product": "Z-9" }))
            .await;
        let found = (gone.code(), gone.field_name());
        assert_eq!(found, (Code::NotFound, Some("product")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_calls_at_once_one_gets_the_sku() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let calls = (0..16).map(|number| {
            let sku = if number % 2 == 0 { "ART-1" } else { "art-1" };
            let arguments = said(&json!({ "sku": sku, "name": format!("N{number}") }));
            app.outcome(&owner, "create_product", arguments)
        });
        let outcomes = futures::future::join_all(calls).await;
        let mut done = 0;
        for outcome in outcomes {
            match outcome {
                Outcome::Done(_) => done += 1,
                Outcome::Failed(error) => {
                    let found = (error.code(), error.field_name());
                    assert_eq!(
                        found,
                        (Code::Conflict, Some("sku")),
                        "{error:?} on {engine:?}"
                    );
                }
                Outcome::Ask { .. } => panic!("a creation asks nobody"),
            }
        }
        assert_eq!(done, 1, "on {engine:?}");
        assert_eq!(names(&app, &owner, json!({})).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_sale_is_in_no_new_line_and_stays_in_old_ones() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let product = create(&app, &owner, json!({ "tax_rate": "19" })).await;
        let id = &product["id"];
        let travel = json!({ "description": "Travel", "unit_price": "10", "tax_rate": "19" });
        let draft = draft(&app, &owner, json!([travel, { "product": id }])).await;
        let invoice = app.data(&owner, "create_invoice", draft.clone()).await;
        let retire = json!({ "product": id, "active": false });
        let retired = app.data(&owner, "update_product", retire).await;
        assert_eq!(retired["active"], false);
        let error = app.error(&owner, "create_invoice", draft.clone()).await;
        let found = (error.code(), error.field_name());
        assert_eq!(
            found,
            (Code::Conflict, Some("lines[1].product")),
            "on {engine:?}"
        );
        assert!(
            error.hint_text().unwrap().contains("update_product"),
            "{error:?}"
        );
        let noted = json!({ "invoice": invoice["id"], "notes": "Thank you" });
        let noted = app.data(&owner, "update_invoice", noted).await;
        assert_eq!(noted["lines"], invoice["lines"], "on {engine:?}");
        let back = json!({ "product": id, "clear": ["active"] });
        app.ok(&owner, "update_product", back).await;
        app.ok(&owner, "create_invoice", draft).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn products_are_listed_by_kind_currency_and_whether_they_are_sold() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (name, sku, kind, price, currency, active) in [
            ("Anvil", "A-1", "goods", "300", "EUR", true),
            ("bellows", "B-1", "goods", "80", "EUR", true),
            ("Coal", "C-1", "goods", "1000", "JPY", true),
            ("Design", "D-1", "service", "95", "EUR", true),
            ("Éclair", "E-1", "goods", "3", "EUR", false),
        ] {
            let more = json!({ "name": name, "sku": sku, "type": kind, "unit_price": price, "currency": currency,
                               "active": active, "description": format!("About {name} of the forge") });
            create(&app, &owner, more).await;
        }
        for (filters, expected) in [
            (json!({}), vec!["Anvil", "bellows", "Coal", "Design"]),
            (json!({ "active": false }), vec!["Éclair"]),
            (json!({ "type": "service" }), vec!["Design"]),
            (json!({ "currency": "JPY" }), vec!["Coal"]),
            (
                json!({ "type": "goods", "currency": "EUR", "sort": "price" }),
                vec!["bellows", "Anvil"],
            ),
            (
                json!({ "sort": "price", "descending": true, "limit": 2 }),
                vec!["Coal", "Anvil"],
            ),
            (
                json!({ "sort": "created_at", "descending": true }),
                vec!["Design", "Coal", "bellows", "Anvil"],
            ),
            (json!({ "query": "B-1" }), vec!["bellows"]),
            (json!({ "query": "eclair" }), vec![]),
            (
                json!({ "query": "eclair", "active": false }),
                vec!["Éclair"],
            ),
            (json!({ "query": "forge", "currency": "JPY" }), vec!["Coal"]),
            (json!({ "query": "anvil", "type": "service" }), vec![]),
        ] {
            let found = names(&app, &owner, filters.clone()).await;
            assert_eq!(found, expected, "{filters} on {engine:?}");
        }
        let mut walked = Vec::new();
        let mut arguments = json!({ "limit": 1 });
        loop {
            let answer = app.ok(&owner, "list_products", arguments).await;
            walked.push(answer["data"][0]["name"].as_str().unwrap().to_owned());
            match answer["page"]["next"].as_str() {
                Some(next) => arguments = json!({ "limit": 1, "cursor": next }),
                None => break,
            }
        }
        assert_eq!(
            walked,
            ["Anvil", "bellows", "Coal", "Design"],
            "on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workspaces_share_no_product_and_no_sku() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let (ours, theirs) = (app.tenant("ours").await, app.tenant("theirs").await);
        let sku = json!({ "sku": "SAME-1" });
        let mine = create(&app, &ours, sku.clone()).await;
        let other = create(&app, &theirs, sku).await;
        for (caller, own, foreign) in [(&ours, &mine, &other), (&theirs, &other, &mine)] {
            let by_sku = app.data(caller, "get_product", json!({ "product": "same-1" }));
            assert_eq!(by_sku.await["id"], own["id"], "on {engine:?}");
            assert_eq!(names(&app, caller, json!({})).await.len(), 1);
            let steal = json!({ "product": foreign["id"], "unit_price": "1" });
            for (tool, arguments, field) in [
                ("get_product", json!({ "product": foreign["id"] }), None),
                ("update_product", steal, None),
                (
                    "create_invoice",
                    json!({ "lines": [{ "product": foreign["id"] }] }),
                    Some("lines[0].product"),
                ),
            ] {
                let error = app.error(caller, tool, arguments).await;
                assert_eq!(error.code(), Code::NotFound, "{tool} on {engine:?}");
                if field.is_some() {
                    assert_eq!(error.field_name(), field);
                }
            }
        }
    }
}
