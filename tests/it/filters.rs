//! What lists are asked for beside a text, and what stands in their rows: whatever the module.

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::Code;
use bureau_kernel::option::CallOption;
use bureau_kernel::store::sql;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::types::id::decode;
use serde_json::{Map, Value, json};

use crate::MODULES;

/// The identifiers of a list's rows.
async fn found(app: &TestApp, caller: &Caller, tool: &str, arguments: Value) -> Vec<Value> {
    let rows = app.data(caller, tool, arguments).await;
    let rows = rows.as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| row["id"].clone()).collect()
}

async fn made(app: &TestApp, caller: &Caller, tool: &str, arguments: Value) -> Value {
    app.data(caller, tool, arguments).await["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_text_is_no_filter_whatever_reads() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let owner = app.owner().await;
    let mut tried = 0;
    for entry in app.dispatcher.registry().entries() {
        if !entry.spec.effect.reads_only() {
            continue;
        }
        let tool = entry.spec.name;
        let schema = &entry.wire().input_schema;
        let required = schema.get("required").and_then(Value::as_array);
        let required = required.cloned().unwrap_or_default();
        let example = app.example_arguments(&owner, tool).await.swap_remove(0);
        for (name, parameter) in schema["properties"].as_object().unwrap() {
            let mut without = example.clone();
            without.shift_remove(name);
            let mut empty = without.clone();
            let is_list = parameter["type"] == "array";
            empty.insert(name.clone(), if is_list { json!("") } else { json!(" ") });
            if required.iter().any(|known| known == name) {
                let error = app.error(&owner, tool, Value::Object(empty)).await;
                let said = (error.code(), error.field_name(), error.message());
                let wanted = format!("{name} is required.");
                assert_eq!(said, (Code::Validation, Some(&**name), &*wanted), "{tool}");
                continue;
            }
            let without = app.outcome(&owner, tool, Value::Object(without)).await;
            let empty = app.outcome(&owner, tool, Value::Object(empty)).await;
            match (without, empty) {
                (Outcome::Done(mut without), Outcome::Done(mut empty)) => {
                    for answer in [&mut without, &mut empty] {
                        if let Some(data) = answer["data"].as_object_mut() {
                            data.shift_remove("as_of");
                        }
                    }
                    assert_eq!(empty["data"], without["data"], "{tool} {name}");
                }
                (Outcome::Failed(without), Outcome::Failed(empty)) => {
                    assert_eq!(empty.to_json(), without.to_json(), "{tool} {name}");
                }
                (_, empty) => panic!("{tool} {name}: {empty:?}"),
            }
            tried += 1;
        }
    }
    assert!(tried > 150, "{tried}");
}

/// What a client sends that has to fill in every parameter of a tool: nothing, in the type that it has.
fn filled_in(schema: &Value, given: &mut Map<String, Value>) {
    for (name, parameter) in schema["properties"].as_object().into_iter().flatten() {
        let nothing = match parameter["type"].as_str() {
            Some("string") if parameter.get("enum").is_none() => json!(""),
            Some("array") => json!([]),
            Some("object") => json!({}),
            Some("integer") if ["limit", "version"].contains(&name.as_str()) => json!(0),
            Some("boolean") if CallOption::is_name(name) => json!(false),
            _ => Value::Null,
        };
        let given = given.entry(name.clone()).or_insert(nothing);
        let items = given.as_array_mut().into_iter().flatten();
        for item in items.filter_map(Value::as_object_mut) {
            filled_in(&parameter["items"], item);
        }
    }
}

async fn what_says_nothing_is_left_out(engine: Engine) {
    let app = TestApp::new(engine, MODULES).await;
    for entry in app.dispatcher.registry().entries() {
        let tool = entry.spec.name;
        let caller = app.tenant(&tool.replace('_', "-")).await;
        for example in app.example_arguments(&caller, tool).await {
            let mut filled = example.clone();
            let schema = Value::Object((*entry.wire().input_schema).clone());
            filled_in(&schema, &mut filled);
            // First so, and kept out of what comes after it.
            filled.insert("dry_run".into(), true.into());
            let tried = app.outcome(&caller, tool, Value::Object(filled)).await;
            let outcome = app.outcome(&caller, tool, Value::Object(example)).await;
            match (tried, outcome) {
                (Outcome::Done(tried), Outcome::Done(done)) => {
                    let (tried, done) = (&tried["data"], &done["data"]);
                    let fields = |data: &Value| {
                        let record = data.as_object().into_iter().flatten();
                        record.map(|(name, _)| name.clone()).collect::<Vec<_>>()
                    };
                    assert_eq!(fields(tried), fields(done), "{tool}: {tried} {done}");
                }
                // Whether it asks is looked at when it is meant.
                (Outcome::Done(_), Outcome::Failed(error)) => {
                    assert_eq!(
                        error.code(),
                        Code::ConfirmationRequired,
                        "{tool}: {error:?}"
                    );
                }
                (tried, _) => panic!("{tool}: {tried:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_fills_in_every_parameter_is_understood() {
    for engine in ENGINES {
        what_says_nothing_is_left_out(engine).await;
    }
}

/// A version that nobody has seen is refused as such, by every tool that says that it takes one.
#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_declares_version_looks_at_it() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let mut tried = 0;
    for entry in app.dispatcher.registry().entries() {
        let tool = entry.spec.name;
        if entry.wire().input_schema["properties"]
            .get("version")
            .is_none()
        {
            continue;
        }
        let caller = app.tenant(&tool.replace('_', "-")).await;
        for mut example in app.example_arguments(&caller, tool).await {
            example.insert("version".into(), 10_000.into());
            let error = app.error(&caller, tool, Value::Object(example)).await;
            assert_eq!(error.code(), Code::Conflict, "{tool}: {error:?}");
            tried += 1;
        }
    }
    assert!(tried > 10, "{tried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_deals_takes_several_statuses_the_days_of_closing_and_what_rots() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let deal = async |more: Value| {
            let mut deal = json!({ "name": "Roof" });
            let more = more.as_object().cloned().unwrap();
            deal.as_object_mut().unwrap().extend(more);
            made(&app, &owner, "create_deal", deal).await
        };
        let open = deal(json!({})).await;
        let won = deal(json!({ "status": "won", "closed_on": "2026-03-10" })).await;
        let lost = json!({ "status": "lost", "lost_reason": "Price", "closed_on": "2026-03-20" });
        let lost = deal(lost).await;
        deal(json!({ "status": "unqualified", "closed_on": "2026-03-15" })).await;
        let list = async |arguments: Value| found(&app, &owner, "list_deals", arguments).await;
        let both = json!(["won", "lost"]);
        for (arguments, wanted) in [
            (json!({ "status": both }), vec![&lost, &won]),
            (json!({ "status": both, "sort": "name" }), vec![&won, &lost]),
            (json!({ "status": ["won"] }), vec![&won]),
            (json!({ "status": "won" }), vec![&won]),
            (
                json!({ "status": both, "closed_after": "2026-03-11" }),
                vec![&lost],
            ),
            (
                json!({ "status": both, "closed_before": "2026-03-19" }),
                vec![&won],
            ),
            (
                json!({ "closed_after": "2026-03-20", "closed_before": "2026-03-20" }),
                vec![&lost],
            ),
            (
                json!({ "status": [], "closed_before": "2026-03-10" }),
                vec![&won],
            ),
            (json!({ "rotting": true }), vec![]),
        ] {
            let found = list(arguments.clone()).await;
            assert_eq!(
                found.iter().collect::<Vec<_>>(),
                wanted,
                "{arguments} on {engine:?}"
            );
        }
        // A search knows as many.
        let mut searched = list(json!({ "query": "roof", "status": ["won", "lost"] })).await;
        searched.sort_by_key(Value::to_string);
        assert_eq!(searched, [won.clone(), lost.clone()], "{engine:?}");
        let error = json!({ "status": ["won", "shut"] });
        let error = app.error(&owner, "list_deals", error).await;
        assert_eq!(error.field_name(), Some("status[1]"), "{error:?}");
        let turned = json!({ "closed_after": "2026-03-20", "closed_before": "2026-03-01" });
        let error = app.error(&owner, "list_deals", turned).await;
        assert_eq!(error.code(), Code::Validation, "{error:?}");
        // A month in its stage is more than it allows, for open deals.
        let since = bureau_kernel::types::time::now() - chrono::Duration::days(31);
        let moved = bureau_kernel::store::sql("UPDATE deal SET stage_since = ").value(since);
        app.run(moved).await;
        assert_eq!(
            list(json!({ "rotting": true })).await,
            std::slice::from_ref(&open)
        );
        assert_eq!(
            list(json!({ "rotting": true, "query": "roof" })).await,
            [open]
        );
        assert!(
            list(json!({ "rotting": true, "owner": "me" }))
                .await
                .is_empty()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_listed_between_any_two_days() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let lines = json!([{ "description": "Work", "unit_price": "10.1234", "tax_rate": "19" }]);
        let address =
            json!({ "name": "Acme", "street": "1 Main St", "city": "Berlin", "country": "DE" });
        made(&app, &owner, "create_company", address).await;
        let invoice = async |due: &str| {
            let draft =
                json!({ "company": "Acme", "currency": "EUR", "due_date": due, "lines": lines });
            let draft = made(&app, &owner, "create_invoice", draft).await;
            app.ok(
                &owner,
                "issue_invoice",
                json!({ "invoice": draft, "confirm": true }),
            )
            .await;
            draft
        };
        let (soon, late) = (invoice("2098-01-31").await, invoice("2099-01-31").await);
        let list = async |arguments: Value| found(&app, &owner, "list_invoices", arguments).await;
        assert_eq!(
            list(json!({ "due_after": "2098-06-01" })).await,
            std::slice::from_ref(&late)
        );
        assert_eq!(
            list(json!({ "due_before": "2098-06-01" })).await,
            std::slice::from_ref(&soon)
        );
        assert_eq!(
            list(json!({ "due_after": "2099-02-01" })).await,
            [] as [Value; 0]
        );
        // What is paid is due no more.
        app.ok(&owner, "record_payment", json!({ "invoice": soon }))
            .await;
        assert_eq!(list(json!({ "due_after": "2098-01-01" })).await, [late]);

        let offer = json!({ "title": "Roof", "company": "Acme", "valid_until": "2098-01-31", "lines": lines });
        let offer = made(&app, &owner, "create_quotation", offer).await;
        let valid = json!({ "valid_after": "2098-01-01", "valid_before": "2098-01-31" });
        let offers = async || found(&app, &owner, "list_quotations", valid.clone()).await;
        assert!(offers().await.is_empty(), "a draft holds for nobody");
        app.ok(
            &owner,
            "send_quotation",
            json!({ "quotation": offer, "confirm": true }),
        )
        .await;
        assert_eq!(offers().await, [offer], "{engine:?}");

        let plan = json!({ "name": "Support", "company": "Acme", "starts_on": "2098-01-31", "lines": lines });
        let plan = made(&app, &owner, "create_recurring_invoice", plan).await;
        let next = json!({ "next_after": "2098-01-31", "next_before": "2098-01-31" });
        let plans = async || found(&app, &owner, "list_recurring_invoices", next.clone()).await;
        assert_eq!(plans().await, std::slice::from_ref(&plan));
        let pause = json!({ "recurring_invoice": plan, "status": "paused" });
        app.ok(&owner, "update_recurring_invoice", pause).await;
        assert!(plans().await.is_empty(), "what rests has no next day");

        // A price keeps its digits, and a percentage is no money.
        let product =
            json!({ "name": "Yen", "currency": "JPY", "unit_price": "10.1234", "tax_rate": "7.7" });
        app.ok(&owner, "create_product", product).await;
        let rows = app
            .data(&owner, "list_products", json!({ "currency": "JPY" }))
            .await;
        let shown = (&rows[0]["unit_price"], &rows[0]["tax_rate"]);
        assert_eq!(shown, (&json!("10.1234"), &json!("7.7")), "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_refers_to_is_named_for_whoever_may_read_it() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let me = json!({ "id": owner.member, "name": "Owner" });
        let acme =
            json!({ "name": "Acme", "street": "1 Main St", "city": "Berlin", "country": "DE" });
        let acme = made(&app, &owner, "create_company", acme).await;
        let named = json!({ "id": acme, "name": "Acme" });
        let daughter = json!({ "name": "Daughter", "parent": acme, "owner": "me" });
        let daughter = app.data(&owner, "create_company", daughter).await;
        assert_eq!((&daughter["parent"], &daughter["owner"]), (&named, &me));
        let ada = json!({ "name": "Ada", "company_id": acme });
        let ada = app.data(&owner, "create_contact", ada).await;
        let read = app
            .data(&owner, "get_contact", json!({ "contact": ada["id"] }))
            .await;
        for contact in [&ada, &read] {
            let found = (&contact["company_id"], &contact["created_by"]);
            assert_eq!(found, (&named, &me), "{engine:?}");
        }
        let lines = json!([{ "description": "Work", "unit_price": "100", "tax_rate": "19" }]);
        let draft = json!({ "company": acme, "lines": lines });
        let draft = made(&app, &owner, "create_invoice", draft).await;
        app.ok(
            &owner,
            "issue_invoice",
            json!({ "invoice": draft, "confirm": true }),
        )
        .await;
        let paid = json!({ "invoice": draft, "amount": "9" });
        let paid = app.data(&owner, "record_payment", paid).await;
        let invoice = &paid["allocations"][0]["invoice"];
        assert_eq!(invoice["id"], draft);
        assert!(
            invoice["name"].as_str().unwrap().starts_with("INV-"),
            "{paid}"
        );
        assert_eq!(paid["invoices"][0]["company"], named);
        let back = app
            .data(&owner, "record_payment", json!({ "reverses": paid["id"] }))
            .await;
        assert_eq!(back["reverses"]["id"], paid["id"]);
        assert!(
            back["reverses"]["name"].as_str().unwrap().starts_with("9"),
            "{back}"
        );
        // The log says of what it tells, and by whom.
        let wanted = json!({ "record": acme });
        for tool in ["list_changes", "get_audit_log"] {
            let rows = app.data(&owner, tool, wanted.clone()).await;
            assert_eq!(rows[0]["record"], named, "{tool} on {engine:?}");
        }
        let changes = app.data(&owner, "list_changes", wanted.clone()).await;
        assert_eq!(changes[0]["member"], me);
        let details = json!({ "record": daughter["id"], "details": true });
        let changes = json!({ "record": daughter["id"] });
        for (tool, wanted) in [("list_changes", &changes), ("get_audit_log", &details)] {
            let rows = app.data(&owner, tool, wanted.clone()).await;
            let after = &rows[0]["after"];
            assert_eq!((&after["parent"], &after["owner"]), (&named, &me), "{tool}");
            let narrow = app.limited(&owner, &["read_contacts", "read_audit_log"]);
            let rows = app.data(&narrow, tool, wanted.clone()).await;
            assert_eq!(rows[0]["after"]["parent"], json!({ "id": acme }), "{tool}");
        }

        // A narrow key is shown the identifiers alone.
        let bare = json!({ "id": acme });
        let narrow = app.limited(
            &owner,
            &["read_contacts", "read_invoices", "read_audit_log"],
        );
        let read = app
            .data(&narrow, "get_contact", json!({ "contact": ada["id"] }))
            .await;
        assert_eq!(read["company_id"], bare);
        assert_eq!(read["created_by"], json!({ "id": owner.member }));
        let rows = app.data(&narrow, "list_invoices", json!({})).await;
        assert_eq!(rows[0]["company"], bare, "{engine:?}");
        for tool in ["list_changes", "get_audit_log"] {
            let rows = app.data(&narrow, tool, wanted.clone()).await;
            assert_eq!(rows[0]["record"], bare, "{tool} on {engine:?}");
        }
    }
}

/// Makes copies of a contact past all tools, called by numbers from the one after this.
async fn copied(app: &TestApp, contact: &Value, copies: i64, after: i64) {
    const COPIES: &str =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ";
    let (_, id) = decode(contact.as_str().unwrap()).unwrap();
    let contacts = sql(COPIES)
        .value(copies)
        .sql(
            ") INSERT INTO contact (workspace, id, version, created_at, updated_at, attributes, name, sort_name,
                                    emails, phones, links, types, tags, score)
             SELECT workspace, id + i, version, created_at, updated_at, attributes, name, CAST(i + ",
        )
        .value(after)
        .sql(" AS TEXT), emails, phones, links, types, tags, score FROM contact, n WHERE id = ")
        .value(id);
    app.run(contacts).await;
    let keys = sql(COPIES)
        .value(copies)
        .sql(
            ") INSERT INTO record_key (workspace, entity, field, value, record)
             SELECT workspace, entity, field, value, record + i FROM record_key, n WHERE field = 'tag' AND record = ",
        )
        .value(id);
    app.run(keys).await;
}

/// So many have the tag that they are not gathered at once, and so many others come before them that not all of these are
/// passed over.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_all_at_the_far_end_of_an_order_is_found_like_what_is_near() {
    const FIRST: i64 = 100_000;
    const OLD: i64 = 3_200;
    const YOUNG: i64 = 11_000;
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (name, tags, copies, after) in [
            ("Old", json!(["old", "all"]), OLD, FIRST),
            ("Young", json!(["all"]), YOUNG, FIRST + OLD),
        ] {
            let arguments = json!({"name": name, "tags": tags});
            let made = made(&app, &owner, "create_contact", arguments).await;
            copied(&app, &made, copies, after).await;
        }
        let names = async |tag: &str, descending: bool| {
            let mut names = Vec::new();
            let mut cursor = Value::Null;
            for _ in 0..3 {
                let page = json!({
                    "tags": [tag], "sort": "name", "descending": descending, "limit": 2, "cursor": cursor,
                });
                let answer = app.ok(&owner, "search_contacts", page).await;
                for row in answer["data"].as_array().unwrap() {
                    let (_, id) = decode(row["id"].as_str().unwrap()).unwrap();
                    let name = sql("SELECT sort_name FROM contact WHERE id = ").value(id);
                    let name: String = app.rows(name).await[0].get("sort_name").unwrap();
                    names.push(name);
                }
                cursor = answer["page"]["next"].clone();
            }
            names
        };
        let six = |step: fn(i64, i64) -> i64, from: i64| -> Vec<String> {
            (0..6).map(|place| step(from, place).to_string()).collect()
        };
        // Words come after numbers.
        let down = |words: &[&str], from: i64| -> Vec<String> {
            let words = words.iter().map(ToString::to_string);
            words
                .chain(six(|from, place| from - place, from))
                .take(6)
                .collect()
        };
        let up = six(|from, place| from + place, FIRST + 1);
        assert_eq!(
            names("old", true).await,
            down(&["old"], FIRST + OLD),
            "on {engine:?}"
        );
        let last = FIRST + OLD + YOUNG;
        assert_eq!(
            names("all", true).await,
            down(&["young", "old"], last),
            "on {engine:?}"
        );
        assert_eq!(names("old", false).await, up, "on {engine:?}");
        assert_eq!(names("all", false).await, up, "on {engine:?}");
    }
}
