//! What is issued stays as it was issued; what looks like a slip is asked about before it is final; who owes what is found.

use bureau_kernel::admin::{self, RateInfo};
use bureau_kernel::caller::Caller;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::MODULES;
use crate::cli::Home;
use crate::seller::PNG;

/// A firm with one customer whose address is known.
struct Firm {
    app: TestApp,
    owner: Caller,
    company: Value,
    today: NaiveDate,
}

fn merged(mut arguments: Value, more: &Value) -> Value {
    let more = more.as_object().cloned().unwrap();
    arguments.as_object_mut().unwrap().extend(more);
    arguments
}

impl Firm {
    async fn new(engine: Engine) -> Self {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = json!({
            "name": "Alpha GmbH", "street": "Kai 1", "postal_code": "20457", "city": "Hamburg", "country": "DE",
            "email": "books@alpha.example",
        });
        let company = app.data(&owner, "create_company", company).await["id"].take();
        let today = chrono::Utc::now().date_naive();
        Self {
            app,
            owner,
            company,
            today,
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.app.data(&self.owner, tool, arguments).await
    }

    async fn error(&self, tool: &str, arguments: Value) -> Error {
        self.app.error(&self.owner, tool, arguments).await
    }

    async fn draft(&self, more: Value) -> Value {
        let draft = json!({
            "company": self.company, "currency": "EUR", "terms": "net 14",
            "lines": [{"description": "Work", "quantity": "2", "unit_price": "100", "tax_rate": "19"}],
        });
        self.call("create_invoice", merged(draft, &more)).await
    }

    async fn issue(&self, draft: &Value, more: Value) -> Value {
        let issue = json!({"invoice": draft["id"], "confirm": true});
        self.call("issue_invoice", merged(issue, &more)).await
    }

    async fn issued(&self, more: Value) -> Value {
        let draft = self.draft(more).await;
        self.issue(&draft, json!({})).await
    }

    async fn refused(&self, draft: &Value, more: Value) -> Error {
        let issue = json!({"invoice": draft["id"], "confirm": true});
        self.error("issue_invoice", merged(issue, &more)).await
    }

    async fn document(&self, invoice: &Value, form: &str) -> String {
        let read = json!({"invoice": invoice["id"], "document": form});
        let read = self.call("get_invoice", read).await;
        read["document"]["content"].as_str().unwrap().to_owned()
    }

    async fn company(&self, more: Value) -> Value {
        let company = merged(json!({"name": "Other", "on_duplicate": "create"}), &more);
        self.call("create_company", company).await["id"].take()
    }

    async fn listed(&self, filter: Value) -> Vec<Value> {
        let rows = self.call("list_invoices", filter).await;
        let rows = rows.as_array().cloned().unwrap();
        rows.into_iter().map(|row| row["id"].clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_issued_keeps_its_page_and_its_e_invoice_whatever_comes_of_it() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let invoice = firm.issued(json!({})).await;
        let forms = ["pdf", "ubl", "cii", "facturx"];
        let mut first = Vec::new();
        for form in forms {
            first.push(firm.document(&invoice, form).await);
        }
        assert!(first[1].contains("<cbc:PayableAmount currencyID=\"EUR\">238.00<"));
        let pay = json!({"invoice": invoice["id"], "amount": "50"});
        firm.call("record_payment", pay).await;
        let later = firm.today + Days::new(60);
        let change = json!({"invoice": invoice["id"], "due_date": later});
        let changed = firm.call("update_invoice", change).await;
        assert_eq!(changed["due_date"], later.to_string());
        let note = json!({"invoice": invoice["id"], "lines": [{"line": 1, "quantity": "1"}]});
        let note = firm.call("create_credit_note", note).await;
        let note = firm.issue(&note, json!({})).await;
        let renamed = json!({"company": firm.company, "name": "Omega GmbH", "city": "Kiel"});
        firm.call("update_company", renamed).await;
        for (form, first) in forms.iter().zip(&first) {
            let now = firm.document(&invoice, form).await;
            assert!(now == *first, "{form} changed on {engine:?}");
        }
        // Credit that was set off is no money, and the note says of which invoice it is.
        let ubl = firm.document(&note, "ubl").await;
        assert!(!ubl.contains("PrepaidAmount"), "{ubl}");
        assert!(ubl.contains(invoice["number"].as_str().unwrap()));
        assert!(ubl.contains("Alpha GmbH") && !ubl.contains("Omega"));
    }
}

#[test]
fn what_is_issued_keeps_its_logo() {
    let home = Home::new();
    let noted = "workspace seller --street=Kai --city=Hamburg --country=DE --vat-id=DE123456789";
    home.say(noted).done();
    let logo = home.file("one.png", PNG);
    home.say(&format!("workspace seller --logo {logo}")).done();
    let company =
        json!({"name": "Acme", "street": "High Street 1", "city": "Leeds", "country": "GB"});
    let company = home.call("create_company", &company, &[]).json();
    let draft = json!({
        "company": company["data"]["id"], "currency": "EUR",
        "lines": [{"description": "Work", "unit_price": "100", "tax_rate": "19"}],
    });
    let draft = home.call("create_invoice", &draft, &[]).json();
    let id = draft["data"]["id"].clone();
    let issue = json!({"invoice": id, "confirm": true});
    home.call("issue_invoice", &issue, &[]).json();
    let page = || {
        let read = json!({"invoice": id, "document": "pdf"});
        let read = home.call("get_invoice", &read, &[]).json();
        read["data"]["document"]["content"].clone()
    };
    let first = page();
    home.say("workspace seller --clear logo").done();
    assert!(page() == first, "without a logo");
    let change = home
        .say(&format!("workspace seller --logo {logo} --json"))
        .json();
    home.say(&format!("undo {}", change["change"].as_str().unwrap()))
        .json();
    assert!(page() == first, "with one that was taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_kept_with_what_is_issued_and_says_the_tax_at_home() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let note = async |days_ago: u64, rate: &str| {
            let rate = RateInfo {
                currency: "USD".into(),
                day: firm.today - Days::new(days_ago),
                rate: rate.into(),
                source: "ECB".into(),
            };
            let store = &firm.app.dispatcher.app().store;
            admin::set_rate(store, "main", rate).await.unwrap();
        };
        note(20, "0.90").await;
        let day = firm.today - Days::new(5);
        let invoice = firm
            .issued(json!({"currency": "USD", "issue_date": day}))
            .await;
        let ubl = firm.document(&invoice, "ubl").await;
        assert!(
            ubl.contains("<cbc:TaxCurrencyCode>EUR<")
                && ubl.contains("<cbc:TaxAmount currencyID=\"EUR\">34.20<"),
            "{ubl}"
        );
        // A rate that is noted afterwards for a day before it was issued.
        note(6, "0.50").await;
        let stats = firm.call("get_invoice_stats", json!({})).await;
        assert_eq!(stats["totals"]["base_net"], "180.00", "{engine:?}");
        assert_eq!(stats["rates"][0]["rate"], "0.9", "{engine:?}");
        assert!(firm.document(&invoice, "ubl").await == ubl);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_of_an_e_invoice_is_said_before_it_is_final() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        // Somebody of whom no country is known: the draft says so, and it can be put right.
        let nowhere = firm.company(json!({"name": "Nowhere"})).await;
        let draft = firm.draft(json!({"company": nowhere})).await;
        let said = draft["obstacles"][0].as_str().unwrap();
        assert!(said.contains("no country"), "{said}");
        let known = json!({"company": nowhere, "country": "DE", "city": "Kiel", "street": "Kai 2"});
        firm.call("update_company", known).await;
        let read = json!({"invoice": draft["id"]});
        let read = firm.call("get_invoice", read).await;
        assert_eq!(read.get("obstacles"), None, "{read}");
        // Within the EU it is refused while it can be put right, unless it is meant.
        let paris = json!({"name": "Paris SARL", "city": "Paris", "country": "FR", "vat_id": "FR40303265045"});
        let paris = firm.company(paris).await;
        let goods = json!([{"description": "Machine", "unit_price": "900", "tax_category": "intra-community"}]);
        let draft = firm.draft(json!({"company": paris, "lines": goods})).await;
        let error = firm.refused(&draft, json!({})).await;
        assert_eq!(error.code(), Code::Validation);
        assert!(error.message().contains("BR-IC-11"), "{error:?}");
        assert!(error.hint_text().unwrap().contains("anyway"), "{error:?}");
        let delivered = json!({"invoice": draft["id"], "delivered_on": firm.today});
        firm.call("update_invoice", delivered).await;
        let issued = firm.issue(&draft, json!({})).await;
        firm.document(&issued, "facturx").await;
        let note = json!({"invoice": issued["id"]});
        let note = firm.call("create_credit_note", note).await;
        let note = firm.issue(&note, json!({})).await;
        firm.document(&note, "ubl").await;
        // A number of another kind than a VAT id is in nobody's way.
        let states =
            json!({"name": "US Inc", "city": "Boston", "country": "US", "vat_id": "12-3456789"});
        let states = firm.company(states).await;
        let issued = firm.issued(json!({"company": states})).await;
        firm.document(&issued, "ubl").await;
        // The page of a draft can be looked at; it is no e-invoice.
        let draft = firm.draft(json!({})).await;
        assert!(!firm.document(&draft, "pdf").await.is_empty());
        let read = json!({"invoice": draft["id"], "document": "ubl"});
        let error = firm.error("get_invoice", read).await;
        assert_eq!(error.field_name(), Some("document"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_without_tax_that_is_none_is_refused_unless_it_is_meant() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let home =
            json!({"name": "Home", "city": "Kiel", "country": "DE", "vat_id": "DE999999999"});
        let home = firm.company(home).await;
        let states =
            json!({"name": "States", "city": "Boston", "country": "US", "vat_id": "US123"});
        let states = firm.company(states).await;
        let own =
            json!({"name": "Own id", "city": "Lyon", "country": "FR", "vat_id": "DE999999999"});
        let own = firm.company(own).await;
        for (company, category, is_wrong) in [
            (&home, "intra-community", true),
            (&states, "intra-community", true),
            (&own, "intra-community", true),
            (&home, "export", true),
            (&states, "export", false),
            // What a country's own law turns round.
            (&home, "reverse charge", false),
        ] {
            let lines =
                json!([{"description": "Goods", "unit_price": "10", "tax_category": category}]);
            let draft = json!({"company": company, "lines": lines, "delivered_on": firm.today});
            let draft = firm.draft(draft).await;
            let case = format!("{category} to {company} on {engine:?}");
            if is_wrong {
                assert!(draft.get("obstacles").is_some(), "{case}");
                let error = firm.refused(&draft, json!({})).await;
                let found = (error.code(), error.field_name());
                assert_eq!(found, (Code::Validation, Some("lines")), "{case}");
                firm.issue(&draft, json!({"anyway": true})).await;
            } else {
                firm.issue(&draft, json!({})).await;
            }
        }
    }
}

#[test]
fn a_rate_that_the_workspace_does_not_have_is_refused_once_it_has_some() {
    let home = Home::new();
    home.say("workspace seller --country=DE").done();
    let company = home.call("create_company", &json!({"name": "Acme"}), &[]);
    let company = company.json()["data"]["id"].take();
    for (rate, said) in [("17.3", "19%"), ("0", "tax_category")] {
        let draft = json!({
            "company": company, "currency": "EUR",
            "lines": [{"description": "Work", "unit_price": "100", "tax_rate": rate}],
        });
        let end = home.call("create_invoice", &draft, &[]);
        let all = format!("{}{}", end.out, end.err);
        assert!(
            all.contains("lines[0].tax_rate") && all.contains(said),
            "{all}"
        );
    }
    let line = json!([{"description": "Bread", "unit_price": "1", "tax_category": "zero"}]);
    let draft = json!({"company": company, "currency": "EUR", "lines": line});
    home.call("create_invoice", &draft, &[]).json();
    let spent = json!({"description": "Taxi", "category": "travel", "amount": "23.80", "tax_amount": "3.80", "currency": "EUR"});
    home.call("create_expense", &spent, &[]).json();
    let taxes = home.call("get_tax_summary", &json!({}), &[]).json();
    assert_eq!(
        taxes["data"]["input"]["by_rate"][0]["rate"], "19",
        "{taxes}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_note_goes_to_whom_the_invoice_went_whatever_became_of_them() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let invoice = firm.issued(json!({})).await;
        let heir = firm
            .company(json!({"name": "Beta AG", "country": "AT"}))
            .await;
        let delete = json!({"company": firm.company, "reassign_to": heir, "confirm": true});
        firm.call("delete_company", delete).await;
        let note = json!({"invoice": invoice["id"], "lines": [{"line": 1, "quantity": "1"}]});
        let note = firm.call("create_credit_note", note).await;
        let note = firm.issue(&note, json!({})).await;
        assert_eq!(note["buyer"]["name"], "Alpha GmbH", "{engine:?}");
        assert_eq!(note["buyer"], invoice["buyer"], "{engine:?}");
        // And of one that was paid, whose customer was deleted since.
        let gone = firm.company(json!({"name": "Gone", "country": "DE"})).await;
        let invoice = firm.issued(json!({"company": gone})).await;
        firm.call("record_payment", json!({"invoice": invoice["id"]}))
            .await;
        let delete = json!({"company": gone, "confirm": true});
        firm.call("delete_company", delete).await;
        let note = json!({"invoice": invoice["id"]});
        let note = firm.call("create_credit_note", note).await;
        let reason = json!({"invoice": note["id"], "notes": "Given back"});
        firm.call("update_invoice", reason).await;
        let note = firm.issue(&note, json!({})).await;
        assert_eq!(note["buyer"]["name"], "Gone", "{engine:?}");
        assert_eq!(note["balance_due"], "238.00", "{engine:?}");
        firm.document(&note, "pdf").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_quotation_is_billed_once_and_whole() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let offer = json!({
            "title": "Garden", "company": firm.company, "currency": "EUR", "charge": "5",
            "lines": [
                {"description": "Hedge", "unit_price": "10", "tax_rate": "19"},
                {"description": "Pond", "unit_price": "90", "tax_rate": "19"},
            ],
        });
        let offer = firm.call("create_quotation", offer).await;
        let send = json!({"quotation": offer["id"], "confirm": true});
        firm.call("send_quotation", send).await;
        let accept = json!({"quotation": offer["id"], "status": "accepted"});
        firm.call("update_quotation_status", accept).await;
        // A part of it would leave the rest unseen.
        let part = json!({"quotation": offer["id"], "lines": [{"description": "Hedge", "unit_price": "10", "tax_rate": "19"}]});
        let error = firm.error("create_invoice", part).await;
        assert_eq!(error.field_name(), Some("lines"), "{error:?}");
        let convert = json!({"quotation": offer["id"]});
        let done = firm
            .app
            .ok(&firm.owner, "convert_quotation", convert.clone())
            .await;
        let invoice = firm.issue(&done["data"], json!({})).await;
        let undo = json!({"change": done["change"], "skip_conflicts": true});
        firm.app.outcome(&firm.owner, "undo_change", undo).await;
        let unbilled = json!({"converted": false, "status": "accepted"});
        let unbilled = firm.call("list_quotations", unbilled).await;
        assert_eq!(unbilled, json!([]), "{engine:?}");
        let error = firm.error("convert_quotation", convert.clone()).await;
        assert_eq!(error.code(), Code::Conflict, "{error:?}");
        // Once it is credited whole, it is billed anew.
        let note = firm
            .call("create_credit_note", json!({"invoice": invoice["id"]}))
            .await;
        firm.issue(&note, json!({})).await;
        let again = firm.call("convert_quotation", convert).await;
        assert_eq!(again["gross_total"], invoice["gross_total"], "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_money_twice_is_asked_about() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let invoice = firm.issued(json!({})).await;
        let pay = json!({"invoice": invoice["id"], "amount": "50", "reference": "TX-1"});
        let first = firm.call("record_payment", pay.clone()).await;
        let error = firm.error("record_payment", pay.clone()).await;
        assert_eq!(error.code(), Code::Conflict, "{error:?}");
        let existing = error.detail_value("existing").unwrap();
        assert_eq!(existing["id"], first["id"], "{error:?}");
        let meant = merged(pay.clone(), &json!({"anyway": true}));
        let second = firm.call("record_payment", meant).await;
        assert_eq!(second["looks_like"]["id"], first["id"]);
        // What was taken back is recorded again as it is.
        for payment in [&first, &second] {
            firm.call("record_payment", json!({"reverses": payment["id"]}))
                .await;
        }
        let again = firm.call("record_payment", pay).await;
        assert_eq!(again.get("looks_like"), None, "{again}");
        let taxi = json!({"description": "Taxi", "category": "travel", "amount": "18", "currency": "EUR", "vendor": "Cabs", "reference": "R-1"});
        let noted = firm.call("create_expense", taxi.clone()).await;
        let error = firm.error("create_expense", taxi.clone()).await;
        let existing = error.detail_value("existing").unwrap();
        assert_eq!(existing["id"], noted["id"], "{error:?}");
        let other = merged(taxi.clone(), &json!({"reference": "R-2"}));
        firm.call("create_expense", other).await;
        let meant = merged(taxi, &json!({"anyway": true}));
        firm.call("create_expense", meant).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_more_likely_a_slip_is_asked_about() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let long_ago = firm.today - Days::new(400);
        let draft = firm.draft(json!({})).await;
        let error = firm.refused(&draft, json!({"issue_date": long_ago})).await;
        let found = (error.code(), error.field_name());
        assert_eq!(found, (Code::Validation, Some("issue_date")), "{error:?}");
        let invoice = firm.issue(&draft, json!({})).await;
        // A year that has ended: its numbers may have been reported.
        let late = firm.draft(json!({})).await;
        let meant = json!({"issue_date": long_ago, "anyway": true});
        let old = firm.issue(&late, meant).await;
        assert_eq!(old["issue_date"], long_ago.to_string());
        let early = json!({"invoice": invoice["id"], "paid_on": long_ago});
        let error = firm.error("record_payment", early.clone()).await;
        assert_eq!(error.field_name(), Some("paid_on"), "{error:?}");
        let meant = merged(early, &json!({"anyway": true}));
        firm.call("record_payment", meant).await;
    }
}

#[test]
fn nothing_is_dated_in_books_that_are_closed() {
    let home = Home::new();
    let noted = "workspace seller --street=Kai --city=Hamburg --country=DE --vat-id=DE123456789";
    home.say(noted).done();
    let company = json!({"name": "Acme", "street": "Kai 1", "city": "Kiel", "country": "DE"});
    let company = home.call("create_company", &company, &[]).json();
    let draft = json!({
        "company": company["data"]["id"], "currency": "EUR",
        "lines": [{"description": "Work", "unit_price": "100", "tax_rate": "19"}],
    });
    let made = home.call("create_invoice", &draft, &[]).json();
    let today = chrono::Utc::now().date_naive();
    let day = today - Days::new(3);
    let say = |day: NaiveDate| {
        home.say(&format!("workspace seller --closed-until {day}"))
            .done()
    };
    say(day);
    let issue = |day: NaiveDate| {
        let issue = json!({"invoice": made["data"]["id"], "issue_date": day, "confirm": true});
        home.call("issue_invoice", &issue, &[])
    };
    let closed = issue(day);
    assert!(closed.err.contains("closed"), "{}", closed.err);
    issue(today - Days::new(1)).json();
    let pay = json!({"invoice": made["data"]["id"], "paid_on": day});
    let closed = home.call("record_payment", &pay, &[]);
    assert!(closed.err.contains("closed"), "{}", closed.err);
    let spent = json!({"description": "Taxi", "category": "travel", "amount": "18", "currency": "EUR", "spent_on": day});
    let closed = home.call("create_expense", &spent, &[]);
    assert!(closed.err.contains("closed"), "{}", closed.err);
    home.say("workspace seller --clear closed-until").done();
    home.call("create_expense", &spent, &[]).json();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_is_issued_that_changes_which_is_not_on_its_page() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let invoice = firm.issued(json!({})).await;
        let change = |more: Value| merged(json!({"invoice": invoice["id"]}), &more);
        let deal = json!({"name": "Sale", "company": firm.company});
        let deal = firm.call("create_deal", deal).await;
        let owner = change(json!({"owner": "me", "deal": deal["id"]}));
        let changed = firm.call("update_invoice", owner).await;
        assert_eq!(changed["deal"]["id"], deal["id"], "{changed}");
        for (more, field) in [
            (json!({"notes": "Thanks"}), None),
            (json!({"reference": "PO 1"}), None),
            (json!({"discount": "5%"}), None),
            (json!({"clear": ["due_date"]}), Some("due_date")),
            (
                json!({"lines": [{"description": "x", "unit_price": "1", "tax_rate": "19"}]}),
                Some("lines"),
            ),
        ] {
            let error = firm.error("update_invoice", change(more.clone())).await;
            assert_eq!(error.code(), Code::Conflict, "{more}: {error:?}");
            assert!(field.is_none() || error.field_name() == field, "{error:?}");
            assert!(!error.message().contains("deleted"), "{error:?}");
            assert!(error.hint_text().unwrap().contains("due_date"), "{error:?}");
        }
        // A rest that is waited for no longer, and then is after all.
        let pay = json!({"invoice": invoice["id"], "amount": "237.50"});
        firm.call("record_payment", pay).await;
        let lost = firm
            .call("update_invoice", change(json!({"write_off": true})))
            .await;
        assert_eq!(
            (
                &lost["status"],
                &lost["balance_due"],
                &lost["amount_written_off"]
            ),
            (&json!("written_off"), &json!("0.00"), &json!("0.50"))
        );
        let again = firm
            .error("update_invoice", change(json!({"write_off": true})))
            .await;
        assert_eq!(again.field_name(), Some("write_off"));
        let stats = firm.call("get_invoice_stats", json!({})).await;
        assert_eq!(stats["totals"]["values"][0]["outstanding"], "0.00");
        assert_eq!(
            crate::modules::contradictions(&firm.app.dispatcher, &firm.owner).await,
            []
        );
        let back = firm
            .call("update_invoice", change(json!({"write_off": false})))
            .await;
        assert_eq!(
            (&back["status"], &back["balance_due"]),
            (&json!("partly_paid"), &json!("0.50"))
        );
        // What is written off is credited before anything is owed to the customer.
        firm.call("update_invoice", change(json!({"write_off": true})))
            .await;
        let note = json!({"invoice": invoice["id"], "lines": [{"line": 1, "quantity": "0.0021"}]});
        let note = firm.call("create_credit_note", note).await;
        let note = firm.issue(&note, json!({})).await;
        assert_eq!(note["balance_due"], "0.00", "{note}");
        let now = firm
            .call("get_invoice", json!({"invoice": invoice["id"]}))
            .await;
        assert_eq!(now["amount_written_off"], "0.25", "{now}");
        assert_eq!(
            crate::modules::contradictions(&firm.app.dispatcher, &firm.owner).await,
            []
        );
        let draft = firm.draft(json!({})).await;
        let discard = json!({"invoice": draft["id"], "discard": true, "confirm": true});
        let gone = firm.call("update_invoice", discard).await;
        assert_eq!(gone["discarded"], true, "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_owes_what_is_found_in_one_call() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let priced = |price: &str, days: u64| {
            json!({
                "issue_date": firm.today - Days::new(days),
                "lines": [{"description": "Work", "unit_price": price, "tax_rate": "19"}],
            })
        };
        let big = firm.issued(priced("900", 30)).await;
        let paid = firm.issued(priced("5000", 20)).await;
        firm.call("record_payment", json!({"invoice": paid["id"]}))
            .await;
        let partly = firm.issued(priced("100", 5)).await;
        let pay = json!({"invoice": partly["id"], "amount": "1"});
        firm.call("record_payment", pay).await;
        let small = firm.issued(priced("10", 4)).await;
        let draft = firm.draft(json!({})).await;
        let ids = |invoices: &[&Value]| -> Vec<Value> {
            invoices
                .iter()
                .map(|invoice| invoice["id"].clone())
                .collect()
        };
        let by_balance = json!({"status": "open", "sort": "balance", "descending": true});
        assert_eq!(
            firm.listed(by_balance).await,
            ids(&[&big, &partly, &small]),
            "{engine:?}"
        );
        for (status, found) in [
            (json!("overdue"), ids(&[&big])),
            (json!(["issued", "partly_paid"]), ids(&[&small, &partly])),
            (
                json!(["overdue", "paid", "draft"]),
                ids(&[&draft, &paid, &big]),
            ),
            (json!([]), ids(&[&draft, &small, &partly, &paid, &big])),
        ] {
            let found_now = firm.listed(json!({"status": status})).await;
            assert_eq!(found_now, found, "{status} on {engine:?}");
        }
        let searched = json!({"status": ["paid", "open"], "query": "Alpha"});
        assert_eq!(firm.listed(searched).await.len(), 4, "{engine:?}");
        let rows = firm
            .call("list_invoices", json!({"status": "overdue"}))
            .await;
        assert_eq!(rows[0]["days_overdue"], 16, "{rows}");
        assert_eq!(rows[0]["email"], "books@alpha.example", "{rows}");
        // Another customer buys less and owes more.
        let slow = firm.company(json!({"name": "Slow", "country": "DE"})).await;
        let draft = firm
            .draft(merged(priced("2000", 1), &json!({"company": slow})))
            .await;
        firm.issue(&draft, json!({})).await;
        let stats = firm
            .call("get_invoice_stats", json!({"customers_by": "balance"}))
            .await;
        assert_eq!(stats["customers_by"], "balance", "{stats}");
        assert_eq!(stats["by_customer"][0]["name"], "Slow", "{stats}");
        assert_eq!(stats["customers"], 2, "{stats}");
        let stats = firm.call("get_invoice_stats", json!({})).await;
        assert_eq!(stats["by_customer"][0]["name"], "Alpha GmbH", "{stats}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_that_were_erased_are_told_apart_in_the_figures() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        for name in ["First", "Second"] {
            let company = firm.company(json!({"name": name, "country": "DE"})).await;
            let invoice = firm.issued(json!({"company": company})).await;
            firm.call("record_payment", json!({"invoice": invoice["id"]}))
                .await;
            let purge = json!({"company": company, "purge": true, "confirm": true});
            firm.call("delete_company", purge).await;
        }
        let stats = firm.call("get_invoice_stats", json!({})).await;
        let customers = stats["by_customer"].as_array().unwrap();
        let mut names: Vec<&str> = customers
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["First", "Second"], "{engine:?}");
        assert!(
            customers.iter().all(|one| one.get("id").is_none()),
            "{stats}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_listed_by_what_people_ask() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let day = |ago: u64| firm.today - Days::new(ago);
        let invoice = firm.issued(json!({"issue_date": day(40)})).await;
        let other = firm.issued(json!({"issue_date": day(39)})).await;
        let pay = async |invoice: &Value, more: Value| {
            let pay = merged(json!({"invoice": invoice["id"]}), &more);
            firm.call("record_payment", pay).await["id"].take()
        };
        let early = json!({"amount": "50", "paid_on": day(30), "reference": "Transfer 4711", "method": "card"});
        let early = pay(&invoice, early).await;
        let late = pay(&invoice, json!({"amount": "20", "paid_on": day(2)})).await;
        let both = json!({"allocations": [{"invoice": invoice["id"], "amount": "1"}, {"invoice": other["id"], "amount": "2"}], "paid_on": day(1)});
        let both = firm.call("record_payment", both).await["id"].take();
        let listed = async |filter: Value| -> Vec<Value> {
            let rows = firm.call("list_payments", filter).await;
            rows.as_array()
                .unwrap()
                .iter()
                .map(|row| row["id"].clone())
                .collect()
        };
        assert_eq!(
            listed(json!({})).await,
            [both.clone(), late.clone(), early.clone()]
        );
        let month = json!({"paid_after": day(31), "paid_before": day(29)});
        assert_eq!(
            listed(month).await,
            std::slice::from_ref(&early),
            "{engine:?}"
        );
        assert_eq!(
            listed(json!({"invoice": other["number"]})).await,
            std::slice::from_ref(&both)
        );
        assert_eq!(
            listed(json!({"min_amount": "50"})).await,
            std::slice::from_ref(&early)
        );
        assert_eq!(
            listed(json!({"method": "card"})).await,
            std::slice::from_ref(&early)
        );
        assert_eq!(
            listed(json!({"query": "4711"})).await,
            [early],
            "{engine:?}"
        );
        assert_eq!(listed(json!({"direction": "out"})).await, [] as [Value; 0]);
        let rows = firm
            .call("list_payments", json!({"invoice": other["id"]}))
            .await;
        assert_eq!(rows[0]["paid_for"][1]["name"], other["number"], "{rows}");
        assert_eq!(rows[0]["paid_for"][1]["amount"], "2.00", "{rows}");
        let by_hand = listed(json!({"method": ["card", "cash"]})).await;
        assert_eq!(by_hand.len(), 1, "{engine:?}");
        // Money that went back is not counted as if it were there.
        let back = json!({"reverses": both, "paid_on": day(0)});
        let back = firm.call("record_payment", back).await["id"].take();
        let came = json!({"invoice": other["id"], "direction": "in"});
        let came = firm.call("list_payments", came).await;
        assert_eq!(came[0]["reversed_by"]["id"], back, "{engine:?} {came}");
        assert_eq!(came[0]["reversed_by"]["paid_on"], json!(day(0)), "{came}");
        let others = firm.call("list_payments", json!({"direction": "in"})).await;
        assert!(others[1].get("reversed_by").is_none(), "{others}");
        let stranger = firm.app.tenant("other").await;
        let none = firm.app.data(&stranger, "list_payments", json!({})).await;
        assert_eq!(none, json!([]), "{engine:?}");
        let error = firm
            .error("list_payments", json!({"paid_after": "someday"}))
            .await;
        assert_eq!(error.field_name(), Some("paid_after"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_taxes_of_a_period_are_those_of_its_documents_and_expenses() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let day = |ago: u64| firm.today - Days::new(ago);
        let rate = RateInfo {
            currency: "USD".into(),
            day: day(60),
            rate: "0.90".into(),
            source: "ECB".into(),
        };
        let store = &firm.app.dispatcher.app().store;
        admin::set_rate(store, "main", rate).await.unwrap();
        let line = |price: &str, tax: &str| json!({"description": "Work", "unit_price": price, "tax_rate": tax});
        // Before the period, and after it.
        firm.issued(json!({"issue_date": day(41)})).await;
        let mixed = json!({
            "issue_date": day(40), "lines": [line("100.10", "19"), line("50", "7")], "charge": "9.90",
        });
        let mixed = firm.issued(mixed).await;
        let dollars =
            json!({"issue_date": day(35), "currency": "USD", "lines": [line("200", "19")]});
        firm.issued(dollars).await;
        // The books go on in order, so what takes a part back is issued after it, and within.
        let credit = json!({"invoice": mixed["id"], "lines": [{"line": 2, "quantity": "1"}]});
        let credit = firm.call("create_credit_note", credit).await;
        let credit = firm.issue(&credit, json!({"issue_date": day(31)})).await;
        firm.draft(json!({"issue_date": day(35)})).await;
        firm.issued(json!({"issue_date": day(30)})).await;
        let spent = async |ago: u64, more: Value| {
            let expense = json!({"description": "Spent", "category": "office", "currency": "EUR", "spent_on": day(ago)});
            firm.call("create_expense", merged(expense, &more)).await
        };
        spent(40, json!({"amount": "119", "tax_amount": "19"})).await;
        spent(31, json!({"amount": "-11.90", "tax_amount": "-1.90"})).await;
        spent(35, json!({"amount": "12", "status": "approved"})).await;
        spent(
            35,
            json!({"amount": "1190", "tax_amount": "190", "status": "rejected"}),
        )
        .await;
        spent(41, json!({"amount": "119", "tax_amount": "19"})).await;
        spent(30, json!({"amount": "119", "tax_amount": "19"})).await;

        let period = json!({"since": day(40), "until": day(31)});
        let report = firm.call("get_tax_summary", period.clone()).await;
        // By hand and in cents, from the totals of the documents themselves.
        let cents = |amount: &Value| -> i64 {
            let digits = amount.as_str().unwrap().replace('.', "");
            digits.parse().unwrap()
        };
        let tax = |document: &Value, rate: &str, what: &str| {
            let taxes = document["tax_summary"].as_array().unwrap();
            let one = taxes.iter().find(|tax| tax["rate"] == rate).unwrap();
            cents(&one[what])
        };
        let of = |rate: &str, what: &str| {
            let output = report["output"].as_array().unwrap();
            let one = output.iter().find(|tax| tax["rate"] == rate).unwrap();
            let mut values = one["values"].as_array().unwrap().iter();
            cents(&values.find(|value| value["currency"] == "EUR").unwrap()[what])
        };
        for what in ["taxable", "tax"] {
            assert_eq!(
                of("19", what),
                tax(&mixed, "19", what),
                "{engine:?} {report}"
            );
            let rest = tax(&mixed, "7", what) - tax(&credit, "7", what);
            assert_eq!(of("7", what), rest, "{engine:?} {report}");
        }
        let sum = of("19", "tax") + of("7", "tax") + 34_20;
        assert_eq!(cents(&report["output_tax"]), sum, "{report}");
        let input = &report["input"];
        assert_eq!(input["tax"], "17.10", "{engine:?} {report}");
        assert_eq!(input["without_tax"], 1, "{report}");
        assert_eq!(input["pending"], 2, "{report}");
        assert_eq!(input["by_rate"][0]["base_net"], "90.00", "{report}");
        assert_eq!(cents(&report["to_pay"]), sum - 17_10, "{report}");
        assert_eq!(report["rates"][0]["rate"], "0.9", "{report}");

        let (_, caller) = firm.app.key(&["read_invoices"]).await;
        let report = firm
            .app
            .data(&caller, "get_tax_summary", period.clone())
            .await;
        assert_eq!(cents(&report["output_tax"]), sum, "{report}");
        assert!(
            report.get("input").is_none() && report.get("to_pay").is_none(),
            "{report}"
        );
        let stranger = firm.app.tenant("other").await;
        let nothing = firm.app.data(&stranger, "get_tax_summary", period).await;
        assert_eq!(
            (&nothing["output_tax"], &nothing["to_pay"]),
            (&json!("0.00"), &json!("0.00"))
        );
        let turned = json!({"since": day(1), "until": day(2)});
        let error = firm.error("get_tax_summary", turned).await;
        assert_eq!(error.field_name(), Some("until"), "{error:?}");
        // Without a word it is the quarter that runs.
        let this = firm.call("get_tax_summary", json!({})).await;
        let first: NaiveDate = this["since"].as_str().unwrap().parse().unwrap();
        let last: NaiveDate = this["until"].as_str().unwrap().parse().unwrap();
        assert!(first <= firm.today && firm.today <= last, "{this}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expense_is_read_given_back_and_deleted() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let bought = json!({"description": "Printer", "category": "office", "amount": "119", "tax_amount": "19", "currency": "EUR", "notes": "For the shop"});
        let bought = firm.call("create_expense", bought).await;
        let read = firm
            .call("get_expense", json!({"expense": bought["id"]}))
            .await;
        assert_eq!(read["notes"], "For the shop");
        let back = json!({"description": "Printer given back", "category": "office", "amount": "-119", "tax_amount": "-19", "currency": "EUR"});
        let back = firm.call("create_expense", back).await;
        assert_eq!(back["amount"], "-119.00", "{engine:?}");
        let delete = json!({"expense": bought["id"], "confirm": true});
        let gone = firm.app.ok(&firm.owner, "delete_expense", delete).await;
        let error = firm
            .error("get_expense", json!({"expense": bought["id"]}))
            .await;
        assert_eq!(error.code(), Code::NotFound, "{error:?}");
        firm.call("undo_change", json!({"change": gone["change"]}))
            .await;
        firm.call("get_expense", json!({"expense": bought["id"]}))
            .await;
        let stranger = firm.app.tenant("other").await;
        for tool in ["get_expense", "delete_expense"] {
            let one = json!({"expense": bought["id"], "confirm": true});
            let one = if tool == "get_expense" {
                json!({"expense": bought["id"]})
            } else {
                one
            };
            let error = firm.app.error(&stranger, tool, one).await;
            assert_eq!(error.code(), Code::NotFound, "{error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_read_with_lines_that_can_be_given_back() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let product = json!({"name": "Care", "sku": "CARE", "unit": "month", "unit_price": "480", "currency": "EUR", "tax_rate": "19"});
        let product = firm.call("create_product", product).await;
        let plan = json!({"name": "Care plan", "company": firm.company, "currency": "EUR", "interval": "quarter", "starts_on": "2099-01-31", "lines": [{"product": product["id"], "quantity": "2"}]});
        let plan = firm.call("create_recurring_invoice", plan).await;
        assert_eq!(plan["monthly_net"], "320.00", "{plan}");
        let read = firm
            .call(
                "get_recurring_invoice",
                json!({"recurring_invoice": "Care plan"}),
            )
            .await;
        let line = &read["lines"][0];
        assert_eq!(
            (&line["product"], &line["unit_price"], &line["tax_rate"]),
            (&product["id"], &json!("480.00"), &json!("19"))
        );
        let stranger = firm.app.tenant("other").await;
        let other = json!({"recurring_invoice": plan["id"]});
        let error = firm
            .app
            .error(&stranger, "get_recurring_invoice", other)
            .await;
        assert_eq!(error.code(), Code::NotFound, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_has_its_own_language_order_number_and_words() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let error = json!({"language": "zh", "company": firm.company, "lines": [{"description": "x", "unit_price": "1", "tax_rate": "19"}]});
        let error = firm.error("create_invoice", error).await;
        assert_eq!(error.field_name(), Some("language"), "{error:?}");
        let lines = json!([{"description": "Kurs", "unit_price": "100", "tax_category": "exempt"}]);
        let german =
            json!({"language": "de", "lines": lines, "charge": "5", "reference": "PO 4711"});
        let german = firm.issued(german).await;
        let ubl = firm.document(&german, "ubl").await;
        assert!(ubl.contains("Von der Umsatzsteuer befreit"), "{ubl}");
        assert!(ubl.contains("Zuschlag"), "{ubl}");
        assert!(
            ubl.contains("<cac:OrderReference>") && !ubl.contains("BuyerReference"),
            "{ubl}"
        );
        let english = json!({"lines": lines, "charge": "5", "charge_for": "Shipping", "reference": "04011000-12345-67"});
        let english = firm.issued(english).await;
        let ubl = firm.document(&english, "ubl").await;
        assert!(
            ubl.contains("Exempt from VAT") && ubl.contains("Shipping"),
            "{ubl}"
        );
        assert!(
            ubl.contains("<cbc:BuyerReference>04011000-12345-67<"),
            "{ubl}"
        );
        let offer =
            json!({"title": "Kurs", "company": firm.company, "language": "xx", "lines": lines});
        let error = firm.error("create_quotation", offer).await;
        assert_eq!(error.field_name(), Some("language"), "{error:?}");
    }
    let home = Home::new();
    let end = home.say("workspace seller --language zh");
    assert!(
        end.err.contains("en, de, fr, es, it, nl, ar, he"),
        "{}",
        end.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_in_arabic_or_hebrew_is_issued_and_its_page_says_so() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let abroad = json!({"name": "المنار", "city": "دبي", "country": "الإمارات العربية المتحدة", "on_duplicate": "create"});
        let abroad = firm.call("create_company", abroad).await;
        assert_eq!(abroad["country"], "AE");
        let lines =
            json!([{"description": "Oak table", "unit_price": "100", "tax_category": "exempt"}]);
        for (language, words) in [
            (
                "ar",
                [
                    "فاتورة",
                    "خصم",
                    "معفى من ضريبة القيمة المضافة",
                    "مهلة الدفع",
                ],
            ),
            ("he", ["חשבונית", "הנחה", "פטור ממע״מ", "לתשלום בתוך"]),
        ] {
            let more = json!({"language": language, "company": abroad["id"], "lines": lines, "discount": "10%"});
            let invoice = firm.issued(more).await;
            let ubl = firm.document(&invoice, "ubl").await;
            assert!(ubl.contains(words[1]) && ubl.contains(words[2]), "{ubl}");
            let page = firm.document(&invoice, "pdf").await;
            let page = data_encoding::BASE64.decode(page.as_bytes()).unwrap();
            let page = lopdf::Document::load_mem(&page).unwrap();
            let said = page.catalog().unwrap().get(b"Lang").unwrap();
            assert_eq!(said.as_str().unwrap(), language.as_bytes());
            let text = page.extract_text(&[1]).unwrap();
            let text: String = text.split_whitespace().collect();
            // Word by word, as a file has them: each from its last letter, which stands at the left, to its first.
            for word in words.iter().flat_map(|words| words.split_whitespace()) {
                let word: String = word.chars().rev().collect();
                assert!(text.contains(&word), "{word} is not in {text}");
            }
            assert!(text.contains(invoice["number"].as_str().unwrap()), "{text}");
            assert!(
                text.contains("Oaktable") && text.contains("EUR90.00"),
                "{text}"
            );
        }
    }
}

#[test]
fn the_books_are_taken_out_by_what_they_are() {
    let home = Home::new();
    let noted = "workspace seller --street=Kai --city=Hamburg --country=DE --vat-id=DE123456789";
    home.say(noted).done();
    let company = json!({"name": "Acme", "street": "Kai 1", "city": "Kiel", "country": "DE"});
    let company = home.call("create_company", &company, &[]).json();
    let company = &company["data"]["id"];
    let lines = json!([{"description": "Work", "unit_price": "100", "tax_rate": "19"}]);
    let draft = json!({"company": company, "currency": "EUR", "lines": lines});
    let draft = home.call("create_invoice", &draft, &[]).json();
    let id = &draft["data"]["id"];
    home.call(
        "issue_invoice",
        &json!({"invoice": id, "confirm": true}),
        &[],
    )
    .json();
    home.call(
        "record_payment",
        &json!({"invoice": id, "reference": "TX-1"}),
        &[],
    )
    .json();
    let product = json!({"name": "Care", "unit_price": "9", "currency": "EUR"});
    home.call("create_product", &product, &[]).json();
    let expense =
        json!({"description": "Taxi", "category": "travel", "amount": "18", "currency": "EUR"});
    home.call("create_expense", &expense, &[]).json();
    let offer = json!({"title": "Garden", "company": company, "currency": "EUR", "lines": lines});
    home.call("create_quotation", &offer, &[]).json();
    let plan = json!({"name": "Plan", "company": company, "currency": "EUR", "starts_on": "2099-01-01", "lines": lines});
    home.call("create_recurring_invoice", &plan, &[]).json();
    for (what, holds) in [
        ("invoices", "INV-"),
        ("invoice-lines", ",Work,"),
        ("payments", "TX-1"),
        ("products", "Care"),
        ("expenses", "Taxi"),
        ("quotations", "Garden"),
        ("recurring-invoices", "Plan"),
    ] {
        let out = home.say(&format!("export {what}")).done();
        assert!(
            out.lines().count() >= 2 && out.contains(holds),
            "{what}: {out}"
        );
    }
}
