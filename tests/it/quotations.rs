//! The rules of the quotations module: where one stands, versions, numbers, the way to an invoice, figures.

use std::collections::BTreeMap;

use bureau_kernel::admin::{RateInfo, set_rate};
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::dispatch::resources::Representation;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use chrono::{Datelike as _, Days, NaiveDate};
use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::MODULES;
use crate::modules::contradictions;
use crate::tamper::Raw;

/// An app with a customer.
struct Firm {
    app: TestApp,
    owner: Caller,
    company: String,
    raw: Raw,
    today: NaiveDate,
}

impl Firm {
    async fn new(engine: Engine) -> Self {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = json!({ "name": "Buyer Ltd", "country": "FR", "vat_id": "FR12345678901" });
        let company = app.data(&owner, "create_company", company).await["id"].clone();
        let stats = app.data(&owner, "get_quotation_stats", json!({})).await;
        Self {
            raw: Raw::new(&app.database).await,
            company: company.as_str().unwrap().to_owned(),
            today: stats["as_of"].as_str().unwrap().parse().unwrap(),
            app,
            owner,
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.app.data(&self.owner, tool, arguments).await
    }

    async fn error(&self, tool: &str, arguments: Value) -> Error {
        self.app.error(&self.owner, tool, arguments).await
    }

    /// A draft of one line, with more.
    async fn draft(&self, title: &str, more: Value) -> Value {
        let line = json!({ "description": "Work", "unit_price": "100", "tax_rate": "19" });
        let arguments =
            json!({ "title": title, "company": self.company, "currency": "EUR", "lines": [line] });
        self.call("create_quotation", merged(arguments, &more))
            .await
    }

    async fn send(&self, quotation: &Value) -> Value {
        let arguments = json!({ "quotation": quotation["id"], "confirm": true });
        self.call("send_quotation", arguments).await
    }

    async fn sent(&self, title: &str, more: Value) -> Value {
        let draft = self.draft(title, more).await;
        self.send(&draft).await
    }

    async fn decide(&self, quotation: &Value, status: &str) -> Value {
        let arguments = json!({ "quotation": quotation["id"], "status": status });
        self.call("update_quotation_status", arguments).await
    }

    async fn accepted(&self, title: &str, more: Value) -> Value {
        let sent = self.sent(title, more).await;
        self.decide(&sent, "accepted").await
    }

    async fn get(&self, quotation: &Value) -> Value {
        let arguments = json!({ "quotation": quotation["id"] });
        self.call("get_quotation", arguments).await
    }

    /// Makes it one that was sent on a day and held to another.
    async fn backdate(&mut self, title: &str, sent: NaiveDate, valid: NaiveDate) {
        let change = format!(
            "UPDATE quotation SET sent_on = '{sent}', valid_until = '{valid}', sort_valid = '{valid}' WHERE title = '{title}'"
        );
        self.raw.run(&change).await;
    }

    fn before(&self, days: u64) -> NaiveDate {
        self.today.checked_sub_days(Days::new(days)).unwrap()
    }

    async fn titles(&self, arguments: Value) -> Vec<String> {
        let rows = self.call("list_quotations", arguments).await;
        let rows = rows.as_array().cloned().unwrap_or_default();
        rows.iter()
            .map(|row| row["title"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn merged(mut arguments: Value, more: &Value) -> Value {
    let more = more.as_object().cloned().unwrap();
    arguments.as_object_mut().unwrap().extend(more);
    arguments
}

/// A quotation in each place where one can stand.
async fn one_of_each(firm: &mut Firm) -> BTreeMap<&'static str, Value> {
    let mut all = BTreeMap::new();
    all.insert("draft", firm.draft("draft", json!({})).await);
    all.insert("sent", firm.sent("sent", json!({})).await);
    let revised = firm.sent("revised", json!({})).await;
    let change = json!({ "quotation": revised["id"], "notes": "New" });
    all.insert("revised", firm.call("update_quotation", change).await);
    all.insert("accepted", firm.accepted("accepted", json!({})).await);
    let declined = firm.sent("declined", json!({})).await;
    all.insert("declined", firm.decide(&declined, "declined").await);
    let converted = firm.accepted("converted", json!({})).await;
    let convert = json!({ "quotation": converted["id"] });
    firm.call("convert_quotation", convert).await;
    all.insert("converted", converted);
    let (sent, valid) = (firm.before(40), firm.before(1));
    for title in ["late", "expired"] {
        all.insert(title, firm.sent(title, json!({})).await);
        firm.backdate(title, sent, valid).await;
    }
    // As the job leaves it, which has not come to the late one yet.
    let expire = "UPDATE quotation SET status = 'expired' WHERE title = 'expired'";
    firm.raw.run(expire).await;
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quotation_goes_from_draft_to_sent_to_its_end_and_no_other_way() {
    // What each call makes of each: status and revision, or the field that the conflict names.
    let conflict = |field: &str| json!([field]);
    let quotation = conflict("quotation");
    let table = [
        (
            "draft",
            [
                json!(["draft", 1]),
                json!(["draft", 1]),
                json!(["sent", 1]),
                quotation.clone(),
                quotation.clone(),
                quotation.clone(),
                json!(["draft", 1]),
            ],
        ),
        (
            "sent",
            [
                json!(["draft", 2]),
                json!(["sent", 1]),
                quotation.clone(),
                json!(["accepted", 1]),
                json!(["declined", 1]),
                quotation.clone(),
                conflict("discard"),
            ],
        ),
        (
            "revised",
            [
                json!(["draft", 2]),
                json!(["draft", 2]),
                json!(["sent", 2]),
                quotation.clone(),
                quotation.clone(),
                quotation.clone(),
                json!(["sent", 1]),
            ],
        ),
        (
            "accepted",
            [
                quotation.clone(),
                json!(["accepted", 1]),
                quotation.clone(),
                quotation.clone(),
                quotation.clone(),
                json!(["draft", null]),
                conflict("discard"),
            ],
        ),
        (
            "converted",
            [
                quotation.clone(),
                json!(["accepted", 1]),
                quotation.clone(),
                quotation.clone(),
                quotation.clone(),
                quotation.clone(),
                conflict("discard"),
            ],
        ),
        (
            "declined",
            [
                json!(["draft", 2]),
                json!(["declined", 1]),
                quotation.clone(),
                quotation.clone(),
                quotation.clone(),
                quotation.clone(),
                conflict("discard"),
            ],
        ),
        (
            "expired",
            [
                json!(["draft", 2]),
                json!(["expired", 1]),
                quotation.clone(),
                json!(["accepted", 1]),
                json!(["declined", 1]),
                quotation.clone(),
                conflict("discard"),
            ],
        ),
    ];
    for engine in ENGINES {
        let mut firm = Firm::new(engine).await;
        let all = one_of_each(&mut firm).await;
        let calls = [
            ("update_quotation", json!({ "reference": "PO 1" })),
            (
                "update_quotation",
                json!({ "owner": firm.owner.member.to_string() }),
            ),
            ("send_quotation", json!({})),
            ("update_quotation_status", json!({ "status": "accepted" })),
            ("update_quotation_status", json!({ "status": "declined" })),
            ("convert_quotation", json!({})),
            ("update_quotation", json!({ "discard": true })),
        ];
        // One whose day has passed is expired, whether or not that was noted.
        let late = ("late", table[6].1.clone());
        for (from, expected) in table.iter().cloned().chain([late]) {
            for ((tool, more), expected) in calls.iter().zip(expected) {
                let arguments = json!({ "quotation": all[from]["id"], "dry_run": true });
                let arguments = merged(arguments, more);
                let found = match firm.app.outcome(&firm.owner, tool, arguments).await {
                    Outcome::Done(answer) => {
                        let after = &answer["data"];
                        json!([after["status"], after["revision"]])
                    }
                    Outcome::Failed(error) => {
                        assert_eq!(error.code(), Code::Conflict, "{error:?}");
                        assert!(error.hint_text().is_some(), "{error:?}");
                        json!([error.field_name()])
                    }
                    other @ Outcome::Ask { .. } => panic!("{other:?}"),
                };
                assert_eq!(found, expected, "{from}: {tool} {more} on {engine:?}");
            }
        }
        for (title, before) in &all {
            let shown = match *title {
                "late" | "expired" => "expired",
                "converted" => "accepted",
                "revised" => "draft",
                same => same,
            };
            assert_eq!(firm.get(before).await["status"], shown, "{title}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_judges_by_the_day_and_not_by_what_was_noted() {
    for engine in ENGINES {
        let mut firm = Firm::new(engine).await;
        one_of_each(&mut firm).await;
        let week = firm.before(7).to_string();
        for (filter, titles) in [
            (json!({ "status": "sent" }), vec!["sent"]),
            (json!({ "status": "expired" }), vec!["expired", "late"]),
            (json!({ "status": "draft" }), vec!["draft", "revised"]),
            (
                json!({ "status": "accepted" }),
                vec!["accepted", "converted"],
            ),
            (
                json!({ "status": "accepted", "converted": false }),
                vec!["accepted"],
            ),
            (json!({ "converted": true }), vec!["converted"]),
            (json!({ "sent_before": week }), vec!["expired", "late"]),
            (
                json!({ "sent_after": week }),
                vec!["accepted", "converted", "declined", "sent"],
            ),
            (
                json!({ "query": "late", "status": "expired" }),
                vec!["late"],
            ),
            (json!({ "query": "late", "status": "sent" }), vec![]),
            (json!({ "query": "buyer", "status": "sent" }), vec!["sent"]),
            (
                json!({ "company": firm.company, "limit": 1, "sort": "title" }),
                vec!["accepted"],
            ),
        ] {
            let mut found = firm.titles(filter.clone()).await;
            found.sort();
            assert_eq!(found, titles, "{filter} on {engine:?}");
        }
        let by = |sort: &str, descending: bool| json!({ "sort": sort, "descending": descending });
        let found = firm.titles(by("title", true)).await;
        assert_eq!(found[0], "sent", "on {engine:?}");
        let found = firm.titles(by("valid_until", false)).await;
        assert_eq!(
            found[2], "sent",
            "what expires next stands before what has ended"
        );
        firm.draft("dear", json!({ "charge": "1" })).await;
        let found = firm.titles(by("total", true)).await;
        assert_eq!(found[0], "dear", "on {engine:?}");
        assert_eq!(firm.titles(json!({})).await[0], "dear", "newest first");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_was_sent_is_kept_and_its_number_stays() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let year = firm.today.year();
        let first = firm.draft("Roof", json!({})).await;
        assert_eq!(first.get("number"), None, "a draft has no number");
        let first = firm.send(&first).await;
        assert_eq!(first["number"], format!("Q-{year}-0001"));
        assert_eq!(first["sent_on"], firm.today.to_string());
        let until = firm.today.checked_add_days(Days::new(30)).unwrap();
        assert_eq!(first["valid_until"], until.to_string());
        let change = json!({ "quotation": first["id"], "title": "Roof and walls",
            "lines": [{ "description": "Roof", "unit_price": "200", "tax_rate": "19" }] });
        let done = firm.app.ok(&firm.owner, "update_quotation", change).await;
        let second = firm.get(&first).await;
        for (field, value) in [
            ("number", &first["number"]),
            ("status", &json!("draft")),
            ("revision", &json!(2)),
            ("valid_until", &first["valid_until"]),
            ("gross_total", &json!("238.00")),
            ("sent_on", &Value::Null),
            ("buyer", &Value::Null),
        ] {
            assert_eq!(&second[field], value, "{field} on {engine:?}");
        }
        let earlier = &second["earlier"][0];
        for field in [
            "title",
            "status",
            "revision",
            "sent_on",
            "valid_until",
            "lines",
            "currency",
            "net_total",
            "tax_total",
            "gross_total",
        ] {
            assert_eq!(earlier[field], first[field], "{field} on {engine:?}");
        }
        // The number of one that is being changed is taken, though it is not sent.
        let other = firm.sent("Other", json!({})).await;
        assert_eq!(other["number"], format!("Q-{year}-0002"), "on {engine:?}");
        // The change is taken back, and that is taken back.
        let undo = json!({ "change": done["change"] });
        let undone = firm.app.ok(&firm.owner, "undo_change", undo).await;
        let back = firm.get(&first).await;
        assert_eq!(
            (&back["status"], back.get("earlier")),
            (&json!("sent"), None),
            "on {engine:?}"
        );
        let redo = json!({ "change": undone["change"] });
        firm.call("undo_change", redo).await;
        let second = firm.send(&first).await;
        assert_eq!(
            (&second["number"], &second["revision"]),
            (&first["number"], &json!(2))
        );
        let change = json!({ "quotation": first["id"], "clear": ["valid_until"] });
        let third = firm.call("update_quotation", change).await;
        assert_eq!(third["revision"], 3);
        let third = firm.get(&first).await;
        assert_eq!(third["earlier"][1]["gross_total"], "238.00");
        assert_eq!(third["earlier"].as_array().unwrap().len(), 2);
        // What is dropped leaves what was sent as it was.
        let drop = json!({ "quotation": first["id"], "discard": true });
        let dropped = firm.call("update_quotation", drop).await;
        for field in [
            "status",
            "revision",
            "title",
            "valid_until",
            "lines",
            "buyer",
        ] {
            assert_eq!(dropped[field], second[field], "{field} on {engine:?}");
        }
        // By its number it is found too.
        let by_number = json!({ "quotation": first["number"].as_str().unwrap().to_lowercase() });
        let found = firm.call("get_quotation", by_number).await;
        assert_eq!(found["id"], first["id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_not_unsent_and_a_decision_is_taken_back() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let draft = firm.draft("Fence", json!({})).await;
        let send = json!({ "quotation": draft["id"], "confirm": true });
        let sent = firm.app.ok(&firm.owner, "send_quotation", send).await;
        let error = firm
            .error("undo_change", json!({ "change": sent["change"] }))
            .await;
        assert_eq!(error.code(), Code::Conflict, "on {engine:?}");
        let said = format!("{} {}", error.message(), error.hint_text().unwrap());
        assert!(said.contains("update_quotation"), "{said}");
        let before = firm.get(&draft).await;
        for status in ["declined", "accepted"] {
            let decide = json!({ "quotation": draft["id"], "status": status, "reason": "Said so" });
            let tool = "update_quotation_status";
            let decided = firm.app.ok(&firm.owner, tool, decide).await;
            assert_eq!(decided["data"]["decision"], "Said so");
            assert!(decided["data"]["decided_at"].is_string());
            firm.call("undo_change", json!({ "change": decided["change"] }))
                .await;
            let mut back = firm.get(&draft).await;
            for counted in ["version", "updated_at"] {
                back[counted] = before[counted].clone();
            }
            assert_eq!(back, before, "{status} on {engine:?}");
        }
        // What a contact is merged into takes its place in what was sent.
        let contact = |name: &str| json!({ "name": name, "on_duplicate": "create" });
        let loser = firm.call("create_contact", contact("Ada")).await;
        let winner = firm.call("create_contact", contact("Ada King")).await;
        let person = firm.sent("Merged", json!({ "contact": loser["id"] })).await;
        let merge = json!({ "keep": winner["id"], "merge": [loser["id"]] });
        firm.call("merge_contacts", merge).await;
        let now = firm.get(&person).await;
        assert_eq!(
            (&now["contact"]["id"], &now["buyer"]["contact"]),
            (&winner["id"], &json!("Ada")),
            "on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_does_not_hold_on_to_its_customer() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let gone = json!({ "company": firm.company, "confirm": true });
        let quotation = firm.sent("Open", json!({})).await;
        let error = firm.error("delete_company", gone.clone()).await;
        assert_eq!(error.code(), Code::Conflict, "on {engine:?}");
        let accepted = firm
            .app
            .ok(
                &firm.owner,
                "update_quotation_status",
                json!({ "quotation": quotation["id"], "status": "accepted" }),
            )
            .await;
        let error = firm.error("delete_company", gone.clone()).await;
        assert_eq!(error.code(), Code::Conflict, "on {engine:?}");
        firm.call("undo_change", json!({ "change": accepted["change"] }))
            .await;
        firm.decide(&quotation, "declined").await;
        firm.call("delete_company", gone).await;
        assert_eq!(firm.get(&quotation).await["customer"], "Buyer Ltd");
    }
}

/// Documents that are easily computed differently.
fn offers(firm: &Firm) -> Vec<Value> {
    let line = |price: &str, quantity: &str, rate: &str| json!({ "description": "Work\nand more", "unit": "hour", "unit_price": price, "quantity": quantity, "tax_rate": rate });
    vec![
        json!({ "lines": [line("33.33", "3", "19"), line("0.1234", "7.5", "7"), line("10", "1", "0")],
                "discount": "3.5%", "charge": "12.34", "reference": "PO 4711", "owner": firm.owner.member.to_string() }),
        json!({ "currency": "JPY", "lines": [line("333.5", "3", "10"), line("0.25", "3", "8")], "discount": "7", "charge": "3" }),
        json!({ "currency": "KWD", "lines": [line("1.2345", "3", "5"), { "description": "Off", "unit_price": "2", "discount": "33.333%", "tax_rate": "15" }],
                "discount": "0.001", "charge": "0.999" }),
        json!({ "lines": [{ "description": "Abroad", "unit_price": "99.99", "discount": "9.99", "tax_category": "reverse charge" }] }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_takes_over_all_that_was_accepted_exactly_and_once() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let deal = firm.call("create_deal", json!({ "name": "Sale" })).await;
        for (number, offer) in offers(&firm).into_iter().enumerate() {
            let offer = merged(offer, &json!({ "deal": deal["id"] }));
            let accepted = firm.accepted(&format!("Offer {number}"), offer).await;
            let convert = json!({ "quotation": accepted["id"] });
            let tool = "convert_quotation";
            let done = firm.app.ok(&firm.owner, tool, convert.clone()).await;
            let invoice = &done["data"];
            for field in [
                "customer",
                "company",
                "contact",
                "deal",
                "owner",
                "reference",
                "currency",
                "lines",
                "discount",
                "discount_total",
                "charge",
                "net_total",
                "tax_summary",
                "tax_total",
                "gross_total",
            ] {
                assert_eq!(invoice[field], accepted[field], "{field} on {engine:?}");
            }
            let now = firm.get(&accepted).await;
            assert_eq!(now["invoice"]["id"], invoice["id"], "on {engine:?}");
            // A second one is refused, by either way, and says which there is.
            let id = invoice["id"].as_str().unwrap();
            for tool in ["convert_quotation", "create_invoice"] {
                let error = firm.error(tool, convert.clone()).await;
                assert_eq!(
                    (error.code(), error.field_name()),
                    (Code::Conflict, Some("quotation"))
                );
                assert!(error.message().contains(id), "{error:?}");
            }
            // Without the invoice it is converted again: after an undo, and after the draft was discarded.
            let undo = json!({ "change": done["change"] });
            firm.call("undo_change", undo).await;
            assert_eq!(firm.get(&accepted).await.get("invoice"), None);
            let again = firm.call(tool, convert.clone()).await;
            let discard = json!({ "invoice": again["id"], "discard": true });
            firm.call("update_invoice", discard).await;
            let unconverted = firm.titles(json!({ "converted": false })).await;
            assert!(unconverted.contains(&format!("Offer {number}")));
            let last = firm.call(tool, convert).await;
            assert_eq!(last["gross_total"], accepted["gross_total"]);
        }
        assert_eq!(
            firm.call("get_deal", json!({ "deal": deal["id"] })).await["status"],
            "open"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_invoice_a_quotation_is_free_also_if_it_was_changed_since() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let accepted = firm.accepted("Changed", json!({})).await;
        let convert = json!({ "quotation": accepted["id"] });
        let done = firm
            .app
            .ok(&firm.owner, "convert_quotation", convert.clone());
        let change = done.await["change"].clone();
        let owner = json!({ "quotation": accepted["id"], "owner": firm.owner.member.to_string() });
        firm.call("update_quotation", owner).await;
        let undo = json!({ "change": change, "skip_conflicts": true });
        firm.call("undo_change", undo).await;
        let free = firm.titles(json!({ "converted": false })).await;
        assert_eq!(free, ["Changed"], "on {engine:?}");
        assert_eq!(firm.get(&accepted).await.get("invoice"), None);
        firm.call("convert_quotation", convert).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_was_credited_whole_frees_its_quotation() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let line =
            |what: &str| json!({ "description": what, "unit_price": "100", "tax_rate": "19" });
        let lines = json!({ "lines": [line("Plan"), line("Build")], "charge": "9.90" });
        let accepted = firm.accepted("Garden", lines).await;
        let convert = json!({ "quotation": accepted["id"] });
        let issued = async |document: &Value| {
            let issue = json!({ "invoice": document["id"], "confirm": true });
            firm.call("issue_invoice", issue).await
        };
        let free = async || firm.titles(json!({ "converted": false })).await;
        let first = firm.call("convert_quotation", convert.clone()).await;
        issued(&first).await;
        let pay = json!({ "invoice": first["id"], "amount": "50" });
        let paid = firm.call("record_payment", pay).await;
        // A part that is taken back leaves the rest billed; and a draft takes nothing back.
        let part = json!({ "invoice": first["id"], "lines": [{ "line": 1, "quantity": "1" }] });
        let part = firm.call("create_credit_note", part).await;
        issued(&part).await;
        let rest = firm.call("create_credit_note", json!({ "invoice": first["id"] }));
        let rest = rest.await;
        assert!(free().await.is_empty(), "{engine:?}");
        let refused = firm.error("convert_quotation", convert.clone()).await;
        assert!(
            refused.hint_text().unwrap().contains("credited whole"),
            "{refused:?}"
        );
        let credited = issued(&rest).await;
        assert_eq!(free().await, ["Garden"], "{engine:?}");
        assert_eq!(firm.get(&accepted).await.get("invoice"), None);
        // The one that replaces it is as the first was, and there is one again.
        let second = firm.call("convert_quotation", convert.clone()).await;
        assert_eq!(second["gross_total"], first["gross_total"]);
        assert_eq!(second["quotation"]["id"], accepted["id"]);
        let now = firm.get(&accepted).await;
        assert_eq!(now["invoice"]["id"], second["id"], "{engine:?}");
        firm.error("convert_quotation", convert.clone()).await;
        // The payment of the first one turns out to have failed after it was paid back: it is open again, and changes nothing here.
        firm.call("record_payment", json!({ "invoice": credited["id"] }))
            .await;
        firm.call("record_payment", json!({ "reverses": paid["id"] }))
            .await;
        let reopened = firm.call("get_invoice", json!({ "invoice": first["id"] }));
        assert_eq!(reopened.await["status"], "partly_paid", "{engine:?}");
        issued(&second).await;
        assert!(free().await.is_empty(), "{engine:?}");
        assert_eq!(firm.get(&accepted).await["invoice"]["id"], second["id"]);
        // And once it was taken back whole too, a third is made.
        let note = firm.call("create_credit_note", json!({ "invoice": second["id"] }));
        issued(&note.await).await;
        firm.call("convert_quotation", convert).await;
        assert!(free().await.is_empty(), "{engine:?}");
        let found = contradictions(&firm.app.dispatcher, &firm.owner).await;
        assert!(found.is_empty(), "{engine:?} {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_converted_stays_accepted() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let sent = firm.sent("Kept", json!({})).await;
        let accept = json!({ "quotation": sent["id"], "status": "accepted" });
        let tool = "update_quotation_status";
        let accepted = firm.app.ok(&firm.owner, tool, accept).await;
        let convert = json!({ "quotation": sent["id"] });
        firm.call("convert_quotation", convert).await;
        for skip in [false, true] {
            let undo = json!({ "change": accepted["change"], "skip_conflicts": skip });
            let error = firm.error("undo_change", undo).await;
            assert_eq!(error.code(), Code::Conflict, "on {engine:?}");
        }
        assert_eq!(firm.get(&sent).await["status"], "accepted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_who_convert_at_once_make_one_invoice() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let accepted = firm.accepted("Wanted", json!({})).await;
        let mut tasks = JoinSet::new();
        for turn in 0..16 {
            let tool = ["convert_quotation", "create_invoice"][turn % 2];
            let arguments = json!({ "quotation": accepted["id"] });
            let call = bureau_kernel::dispatch::Call {
                tool: tool.into(),
                arguments: arguments.as_object().cloned().unwrap(),
                ..Default::default()
            };
            let (dispatcher, owner) = (firm.app.dispatcher.clone(), firm.owner.clone());
            tasks.spawn(async move { dispatcher.call(owner, call).await });
        }
        let mut made = Vec::new();
        let mut refused = Vec::new();
        while let Some(outcome) = tasks.join_next().await {
            match outcome.unwrap() {
                Outcome::Done(answer) => made.push(answer["data"]["id"].clone()),
                Outcome::Failed(error) => refused.push(error),
                other @ Outcome::Ask { .. } => panic!("{other:?}"),
            }
        }
        assert_eq!((made.len(), refused.len()), (1, 15), "on {engine:?}");
        let id = made[0].as_str().unwrap();
        for error in refused {
            assert_eq!(error.code(), Code::Conflict, "on {engine:?}: {error:?}");
            assert!(error.message().contains(id), "on {engine:?}: {error:?}");
        }
        let invoices = firm.call("list_invoices", json!({})).await;
        assert_eq!(invoices.as_array().unwrap().len(), 1, "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_quotation_that_is_sent_at_once_has_a_number_of_its_own() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let mut tasks = JoinSet::new();
        for number in 0..16 {
            let draft = firm.draft(&format!("No. {number}"), json!({})).await;
            let arguments = json!({ "quotation": draft["id"], "confirm": true });
            let call = bureau_kernel::dispatch::Call {
                tool: "send_quotation".into(),
                arguments: arguments.as_object().cloned().unwrap(),
                ..Default::default()
            };
            let (dispatcher, owner) = (firm.app.dispatcher.clone(), firm.owner.clone());
            tasks.spawn(async move { dispatcher.call(owner, call).await });
        }
        let mut numbers = Vec::new();
        while let Some(outcome) = tasks.join_next().await {
            match outcome.unwrap() {
                Outcome::Done(answer) => {
                    numbers.push(answer["data"]["number"].as_str().unwrap().to_owned());
                }
                other => panic!("{other:?}"),
            }
        }
        numbers.sort();
        let year = firm.today.year();
        let expected: Vec<String> = (1..=16).map(|n| format!("Q-{year}-{n:04}")).collect();
        assert_eq!(numbers, expected, "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_and_nothing_is_written() {
    for engine in ENGINES {
        let mut firm = Firm::new(engine).await;
        let draft = firm.draft("Draft", json!({})).await;
        let sent = firm.sent("Sent", json!({})).await;
        let past = firm
            .draft("Past", json!({ "valid_until": firm.before(1).to_string() }))
            .await;
        let other = firm
            .call("create_company", json!({ "name": "Someone Else" }))
            .await;
        let line = json!({ "description": "Work", "unit_price": "1", "tax_rate": "19" });
        let (id, company) = (&draft["id"], &firm.company);
        let week = firm.before(7).to_string();
        let invalid = Code::Validation;
        let wrong = [
            (
                "create_quotation",
                json!({ "title": "A", "lines": [line] }),
                invalid,
                "company",
            ),
            (
                "create_quotation",
                json!({ "title": "A", "company": company, "lines": [] }),
                invalid,
                "lines",
            ),
            (
                "create_quotation",
                json!({ "company": company, "lines": [line] }),
                invalid,
                "title",
            ),
            (
                "create_quotation",
                json!({ "title": "A", "company": company }),
                invalid,
                "lines",
            ),
            (
                "create_quotation",
                json!({ "title": "A", "company": company, "lines": [line], "total": "1.20" }),
                invalid,
                "total",
            ),
            (
                "create_quotation",
                json!({ "title": "A", "company": company, "lines": [line], "currency": "JPY", "charge": "0.5" }),
                invalid,
                "charge",
            ),
            (
                "create_quotation",
                json!({ "title": "A", "company": company, "lines": [line], "discount": "2" }),
                invalid,
                "discount",
            ),
            (
                "create_quotation",
                json!({ "title": "A", "company": company, "lines": [line, { "description": "B" }] }),
                invalid,
                "lines[1].unit_price",
            ),
            (
                "create_quotation",
                json!({ "title": "A", "company": id, "lines": [line] }),
                invalid,
                "company",
            ),
            (
                "update_quotation",
                json!({ "quotation": id, "currency": "USD" }),
                invalid,
                "currency",
            ),
            (
                "update_quotation",
                json!({ "quotation": id, "clear": ["company"] }),
                invalid,
                "company",
            ),
            (
                "update_quotation",
                json!({ "quotation": sent["id"], "company": other["id"] }),
                Code::Conflict,
                "company",
            ),
            (
                "send_quotation",
                json!({ "quotation": past["id"], "confirm": true }),
                invalid,
                "valid_until",
            ),
            (
                "update_quotation_status",
                json!({ "quotation": sent["id"], "status": "sent" }),
                invalid,
                "status",
            ),
            (
                "update_quotation_status",
                json!({ "quotation": sent["id"], "status": "accepted", "decided_on": "tomorrow" }),
                invalid,
                "decided_on",
            ),
            (
                "update_quotation_status",
                json!({ "quotation": sent["id"], "status": "accepted", "decided_on": week }),
                invalid,
                "decided_on",
            ),
            (
                "get_quotation",
                json!({ "quotation": "Q-1999-0001" }),
                Code::NotFound,
                "quotation",
            ),
            (
                "get_quotation",
                json!({ "quotation": sent["id"], "document": "ubl" }),
                invalid,
                "document",
            ),
            (
                "list_quotations",
                json!({ "sort": "number" }),
                invalid,
                "sort",
            ),
            (
                "get_quotation_stats",
                json!({ "sent_after": "some day" }),
                invalid,
                "sent_after",
            ),
        ];
        let before = firm.call("list_quotations", json!({})).await;
        for (tool, arguments, code, field) in wrong {
            let error = firm.error(tool, arguments.clone()).await;
            assert_eq!(
                (error.code(), error.field_name()),
                (code, Some(field)),
                "{tool} {arguments} on {engine:?}: {error:?}"
            );
        }
        assert_eq!(firm.call("list_quotations", json!({})).await, before);
        // Without the seller's details nothing is sent.
        firm.raw.run("UPDATE seller SET street = NULL").await;
        let error = firm
            .error(
                "send_quotation",
                json!({ "quotation": id, "confirm": true }),
            )
            .await;
        assert_eq!(error.field_name(), Some("seller"), "on {engine:?}");
        assert!(error.message().contains("street"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_yes_counts_on_the_day_on_which_it_was_said() {
    for engine in ENGINES {
        let mut firm = Firm::new(engine).await;
        let sent = firm.sent("Slow", json!({})).await;
        let (day, valid) = (firm.before(20), firm.before(10));
        firm.backdate("Slow", day, valid).await;
        let said = firm.before(5);
        let accept = json!({ "quotation": sent["id"], "status": "accepted", "decided_on": said.to_string() });
        let accepted = firm.call("update_quotation_status", accept).await;
        assert_eq!(accepted["status"], "accepted", "on {engine:?}");
        let at = accepted["decided_at"].as_str().unwrap();
        assert!(at.starts_with(&said.to_string()), "{at}");
        let stats = firm.call("get_quotation_stats", json!({})).await;
        assert_eq!(stats["acceptance"]["median_days"], "15.0", "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quotation_that_was_sent_is_read_as_a_pdf() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let draft = firm.draft("Página", json!({})).await;
        assert_eq!(firm.get(&draft).await.get("resources"), None);
        firm.send(&draft).await;
        let sent = firm.get(&draft).await;
        let uri = sent["resources"][0].as_str().unwrap();
        let id = draft["id"].as_str().unwrap();
        assert_eq!(uri, format!("bureau://quotations/{id}/pdf"));
        let registry = firm.app.dispatcher.registry();
        let (resource, arguments) = registry.resource_for_caller(&firm.owner, uri).unwrap();
        let cancel = CancellationToken::new();
        let read = resource.read(&firm.app.dispatcher, firm.owner.clone(), arguments, cancel);
        let Representation::Blob { mime_type, base64 } = read.await.unwrap() else {
            panic!("{uri} is text");
        };
        assert_eq!(mime_type, "application/pdf");
        let bytes = BASE64.decode(base64.as_bytes()).unwrap();
        assert!(bytes.starts_with(b"%PDF-"), "on {engine:?}");
        let asked = json!({ "quotation": id, "document": "pdf" });
        let document = firm.call("get_quotation", asked).await["document"].clone();
        assert_eq!(
            document["name"],
            format!("{}.pdf", sent["number"].as_str().unwrap())
        );
    }
}

/// One quotation of the figures: what it is worth in units of 0.0001, when it was sent, and how it came out after how many
/// days.
struct Offer {
    currency: &'static str,
    net: i128,
    sent: Option<NaiveDate>,
    end: &'static str,
    days: u64,
    customer: usize,
}

/// What one unit is worth in euros, in units of 10⁻⁷; none is known for the yen.
const RATES: [(&str, i128); 3] = [("EUR", 10_000_000), ("KWD", 29_876_543), ("USD", 8_912_345)];

fn digits(currency: &str) -> u32 {
    match currency {
        "JPY" => 0,
        "KWD" => 3,
        _ => 2,
    }
}

/// Units of `10^-scale` as a decimal of so many digits, rounded half up.
fn decimal(units: i128, scale: u32, digits: u32) -> String {
    let step = 10_i128.pow(scale - digits);
    let rounded = (units * 2 + step) / (step * 2);
    if digits == 0 {
        return rounded.to_string();
    }
    let one = 10_i128.pow(digits);
    let width = digits as usize;
    format!("{}.{:0width$}", rounded / one, rounded % one)
}

fn in_base(offers: &[&Offer]) -> i128 {
    let worth = |offer: &&&Offer| {
        let rate = RATES.iter().find(|(code, _)| *code == offer.currency);
        rate.map_or(0, |(_, rate)| offer.net * rate)
    };
    offers.iter().map(|offer| worth(&offer)).sum()
}

fn values(offers: &[&Offer]) -> Value {
    let mut by_currency: BTreeMap<&str, (i64, i128)> = BTreeMap::new();
    for offer in offers {
        let entry = by_currency.entry(offer.currency).or_default();
        *entry = (entry.0 + 1, entry.1 + offer.net);
    }
    let values: Vec<Value> = by_currency
        .into_iter()
        .map(|(currency, (count, net))| {
            json!({ "currency": currency, "count": count, "amount": decimal(net, 4, digits(currency)) })
        })
        .collect();
    let mut found = json!({ "count": offers.len(), "values": values, "base_amount": decimal(in_base(offers), 11, 2) });
    if offers.is_empty() {
        // What is empty is left out.
        found.as_object_mut().unwrap().shift_remove("values");
    }
    found
}

fn outcome(offers: &[&Offer]) -> Value {
    let ended = |end: &str| -> Vec<&Offer> {
        let ended = offers.iter().filter(|offer| offer.end == end);
        ended.copied().collect()
    };
    let (accepted, declined, expired) = (ended("accepted"), ended("declined"), ended("expired"));
    let mut found =
        json!({ "accepted": accepted.len(), "declined": declined.len(), "expired": expired.len() });
    let share = |part: i128, whole: i128| {
        let tenths = (part * 2_000 + whole) / (whole * 2);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    let decided: Vec<&Offer> = [accepted.as_slice(), &declined, &expired].concat();
    if !decided.is_empty() {
        found["rate"] = share(accepted.len() as i128, decided.len() as i128).into();
    }
    if in_base(&decided) > 0 {
        found["rate_by_value"] = share(in_base(&accepted), in_base(&decided)).into();
    }
    found
}

async fn offer_all(firm: &mut Firm, customers: &[String]) -> Vec<Offer> {
    let prices = ["1234.56", "0.99", "78", "4321.1", "15.25"];
    let ends = [
        "accepted", "sent", "declined", "expired", "accepted", "late", "draft",
    ];
    let mut offers = Vec::new();
    for number in 0..28_usize {
        let currency = ["EUR", "USD", "KWD", "JPY", "EUR"][number % 5];
        let price = prices[number % 5];
        let price = if currency == "JPY" { "4321" } else { price };
        let title = format!("Offer {number}");
        let line = json!({ "description": "Work", "quantity": "3", "unit_price": price, "tax_rate": "19" });
        let end = ends[number % ends.len()];
        let more =
            json!({ "currency": currency, "company": customers[number % 3], "lines": [line] });
        let draft = firm.draft(&title, more).await;
        let net: String = draft["net_total"].as_str().unwrap().to_owned();
        let (whole, rest) = net.split_once('.').unwrap_or((&net, ""));
        let net = format!("{whole}{rest:0<4}").parse().unwrap();
        let days = (number as u64 * 7) % 25;
        // Sent long enough ago for a decision; each a few days before the one before it.
        let sent = firm.before(30 + number as u64 * 5);
        if end != "draft" {
            firm.send(&draft).await;
            let valid = match end {
                "expired" | "late" => firm.before(1),
                // Some of them soon, on the last of the days that count, and on the first that does not.
                _ => firm.today + Days::new([3, 14, 15][number % 3]),
            };
            firm.backdate(&title, sent, valid).await;
        }
        if end == "accepted" || end == "declined" {
            let decided_on = (sent + Days::new(days)).to_string();
            let decide =
                json!({ "quotation": draft["id"], "status": end, "decided_on": decided_on });
            firm.call("update_quotation_status", decide).await;
        }
        if end == "expired" {
            let expire = format!("UPDATE quotation SET status = 'expired' WHERE title = '{title}'");
            firm.raw.run(&expire).await;
        }
        offers.push(Offer {
            currency,
            net,
            sent: (end != "draft").then_some(sent),
            end: if end == "late" { "expired" } else { end },
            days,
            customer: number % 3,
        });
    }
    offers
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_quotations_one_by_one() {
    for engine in ENGINES {
        let mut firm = Firm::new(engine).await;
        let mut customers = vec![firm.company.clone()];
        for name in ["Second", "Third"] {
            let made = firm.call("create_company", json!({ "name": name })).await;
            customers.push(made["id"].as_str().unwrap().to_owned());
        }
        for (code, rate) in &RATES[1..] {
            let info = RateInfo {
                currency: (*code).into(),
                day: "2026-01-02".parse().unwrap(),
                rate: decimal(*rate, 7, 7),
                source: "test".into(),
            };
            let store = &firm.app.dispatcher.app().store;
            set_rate(store, "main", info).await.unwrap();
        }
        let offers = offer_all(&mut firm, &customers).await;
        let since = firm.before(100);
        for (arguments, after) in [
            (json!({ "by_customer": true }), None),
            (
                json!({ "by_customer": true, "sent_after": since.to_string() }),
                Some(since),
            ),
        ] {
            let stats = firm.call("get_quotation_stats", arguments).await;
            let offers: Vec<&Offer> = offers
                .iter()
                .filter(|offer| after.is_none_or(|after| offer.sent.is_some_and(|on| on >= after)))
                .collect();
            let those = |matches: &dyn Fn(&Offer) -> bool| -> Vec<&Offer> {
                let those = offers.iter().filter(|offer| matches(offer));
                those.copied().collect()
            };
            let of = format!("on {engine:?}, after {after:?}");
            for (index, status) in ["draft", "sent", "accepted", "declined", "expired"]
                .into_iter()
                .enumerate()
            {
                let expected = merged(
                    json!({ "status": status }),
                    &values(&those(&|offer| offer.end == status)),
                );
                assert_eq!(stats["by_status"][index], expected, "{of}");
            }
            let open = those(&|offer| offer.end == "sent");
            assert_eq!(stats["open"], values(&open), "{of}");
            let sent_only = those(&|offer| offer.sent.is_some());
            let mut expected = outcome(&sent_only);
            let mut days: Vec<u64> = sent_only
                .iter()
                .filter(|offer| ["accepted", "declined"].contains(&offer.end))
                .map(|offer| offer.days)
                .collect();
            days.sort_unstable();
            let middle = days[(days.len() - 1) / 2] + days[days.len() / 2];
            expected["median_days"] = format!("{}.{}", middle / 2, middle % 2 * 5).into();
            let sum = days.iter().sum::<u64>() as i128;
            let tenths = (sum * 20 + days.len() as i128) / (days.len() as i128 * 2);
            expected["mean_days"] = format!("{}.{}", tenths / 10, tenths % 10).into();
            assert_eq!(stats["acceptance"], expected, "{of}");
            let mut months: BTreeMap<String, Vec<&Offer>> = BTreeMap::new();
            for offer in &sent_only {
                let month = offer.sent.unwrap().format("%Y-%m").to_string();
                months.entry(month).or_default().push(offer);
            }
            let expected: Vec<Value> = months
                .iter()
                .map(|(period, offers)| {
                    let found = merged(json!({ "period": period }), &values(offers));
                    merged(found, &outcome(offers))
                })
                .collect();
            assert_eq!(stats["by_period"], json!(expected), "{of}");
            let mut expected: Vec<(i128, Value)> = Vec::new();
            for (index, name) in ["Buyer Ltd", "Second", "Third"].into_iter().enumerate() {
                let offers = those(&|offer| offer.sent.is_some() && offer.customer == index);
                let company = json!({ "id": customers[index], "name": name });
                let found = merged(json!({ "company": company }), &values(&offers));
                expected.push((-in_base(&offers), merged(found, &outcome(&offers))));
            }
            expected.sort_by_key(|(worth, _)| *worth);
            let expected: Vec<Value> = expected.into_iter().map(|(_, found)| found).collect();
            assert_eq!(stats["by_customer"], json!(expected), "{of}");
            let rates = stats["rates"].as_array().unwrap();
            let named: Vec<&Value> = rates.iter().map(|rate| &rate["currency"]).collect();
            assert_eq!(named, [&json!("KWD"), &json!("USD")], "{of}");
            assert!(
                rates
                    .iter()
                    .all(|rate| rate["day"] == "2026-01-02" && rate["source"] == "test")
            );
            assert_eq!(stats["without_rate"], json!(["JPY"]), "{of}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expires_soon_is_what_waits_and_holds_no_more_than_two_weeks() {
    for engine in ENGINES {
        let mut firm = Firm::new(engine).await;
        for (title, days) in [("Last", 0), ("Soon", 14), ("Later", 15)] {
            firm.sent(title, json!({})).await;
            let valid = firm.today + Days::new(days);
            firm.backdate(title, firm.before(3), valid).await;
        }
        firm.sent("Gone", json!({})).await;
        firm.backdate("Gone", firm.before(3), firm.before(1)).await;
        firm.accepted("Done", json!({})).await;
        firm.backdate("Done", firm.before(3), firm.today).await;
        let stats = firm.call("get_quotation_stats", json!({})).await;
        let two = json!({ "count": 2, "values": [{ "currency": "EUR", "count": 2, "amount": "200.00" }], "base_amount": "200.00" });
        assert_eq!(stats["expiring"], two, "on {engine:?}");
        assert_eq!(stats["open"]["count"], 3, "on {engine:?}");
        let own = json!({ "owner": firm.owner.member.to_string() });
        let stats = firm.call("get_quotation_stats", own).await;
        assert_eq!(stats["open"]["count"], 0, "none of them has an owner");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_customers_those_with_most_are_shown() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let mut customers = Vec::new();
        for number in 1..=60 {
            let company = json!({ "name": format!("Buyer {number}"), "on_duplicate": "create" });
            let company = firm.call("create_company", company).await["id"].clone();
            // A draft with which the smallest would be the greatest.
            for (title, price, sends) in [("Sent", number, true), ("Draft", 1_000 - number, false)]
            {
                let line = json!({ "description": "Work", "unit_price": price.to_string(), "tax_rate": "19" });
                let more = json!({ "currency": "EUR", "company": company, "lines": [line] });
                let draft = firm.draft(&format!("{title} {number}"), more).await;
                if sends {
                    firm.send(&draft).await;
                }
            }
            customers.push(company);
        }
        let stats = firm
            .call("get_quotation_stats", json!({ "by_customer": true }))
            .await;
        let shown = stats["by_customer"].as_array().unwrap().iter();
        let shown: Vec<(&Value, &Value)> = shown
            .map(|customer| (&customer["company"]["id"], &customer["values"][0]["amount"]))
            .collect();
        let amounts: Vec<Value> = (36..=60)
            .rev()
            .map(|price| json!(format!("{price}.00")))
            .collect();
        let expected: Vec<(&Value, &Value)> = customers.iter().rev().zip(&amounts).collect();
        assert_eq!(shown, expected, "on {engine:?}");
    }
}
