//! The demo firm's money: as much as it says, in step with its deals, and sound.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bureau::demo;
use bureau_kernel::store::Row;
use bureau_kernel::types::id::encode;
use chrono::{Datelike as _, Days, NaiveDate};
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::modules::contradictions;

use super::{Firm, list, text, today};

/// All that holds of it.
pub(super) async fn check(firm: &Firm) {
    check_counts(firm).await;
    check_quotations(firm).await;
    check_numbers(firm).await;
    check_sales(firm).await;
    check_settled(firm).await;
    check_taxes(firm).await;
    check_expenses(firm).await;
    check_plans(firm).await;
    let found = contradictions(&firm.dispatcher, &firm.owner).await;
    assert!(found.is_empty(), "{found:?}");
}

/// How many rows there are of each value of `what`.
async fn by(firm: &Firm, query: &'static str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for row in firm.rows(query).await {
        *found.entry(row.get("what").unwrap()).or_default() += 1;
    }
    found
}

fn optional(row: &Row, name: &str) -> Option<i64> {
    row.get(name).unwrap()
}

async fn check_counts(firm: &Firm) {
    let kinds = by(firm, "SELECT kind AS what FROM invoice").await;
    let billed = "SELECT tool AS what FROM change_log WHERE tool = 'bill_time' AND entity = 'invoice' AND action = 'create'";
    let billed = by(firm, billed).await["bill_time"];
    assert!(billed > 0, "no time was billed");
    assert_eq!(kinds["invoice"], demo::INVOICES + billed);
    assert_eq!(kinds["credit_note"], 6);
    let states = by(
        firm,
        "SELECT status AS what FROM invoice WHERE kind = 'invoice'",
    )
    .await;
    assert_eq!(states["draft"], demo::DRAFTS);
    assert_eq!(states["credited"], 2);
    assert!(
        states["paid"] > 300 && states["partly_paid"] >= 3,
        "{states:?}"
    );
    for (table, expected) in [
        ("SELECT COUNT(*) AS count FROM quotation", demo::QUOTATIONS),
        ("SELECT COUNT(*) AS count FROM expense", demo::EXPENSES),
        ("SELECT COUNT(*) AS count FROM product", demo::PRODUCTS),
        (
            "SELECT COUNT(*) AS count FROM recurring_invoice",
            demo::RECURRING,
        ),
    ] {
        assert_eq!(firm.count(table).await as usize, expected, "{table}");
    }
    let currencies = by(firm, "SELECT DISTINCT currency AS what FROM invoice").await;
    assert_eq!(currencies.len(), 4, "{currencies:?}");
}

/// Each offer is for a deal that got that far, says what the deal is worth, and went as the deal did.
async fn check_quotations(firm: &Firm) {
    let rows = firm
        .rows(
            "SELECT q.status, q.currency, q.net_total, q.company, q.contact, q.owner, q.revision, q.sent_on, q.valid_until, \
             d.status AS deal, d.currency AS deal_currency, d.amount, d.company AS deal_company, \
             d.contact AS deal_contact, d.owner AS deal_owner, d.closed_on, s.position \
             FROM quotation q JOIN deal d ON d.id = q.deal JOIN stage s ON s.id = d.stage",
        )
        .await;
    assert_eq!(rows.len(), demo::QUOTATIONS);
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    let (mut revised, mut ending) = (0, 0);
    for row in &rows {
        let same = |one: &str, other: &str| {
            assert_eq!(optional(row, one), optional(row, other), "{one}");
        };
        same("net_total", "amount");
        same("company", "deal_company");
        same("contact", "deal_contact");
        same("owner", "deal_owner");
        let (one, other): (String, String) = (
            row.get("currency").unwrap(),
            row.get("deal_currency").unwrap(),
        );
        assert_eq!(one, other);
        let (status, deal): (String, String) =
            (row.get("status").unwrap(), row.get("deal").unwrap());
        let fits: &[&str] = match deal.as_str() {
            "won" => &["accepted"],
            "lost" => &["declined"],
            "open" => &["draft", "sent"],
            other => panic!("an offer of a deal that is {other}"),
        };
        assert!(
            fits.contains(&status.as_str()),
            "{status}, and the deal {deal}"
        );
        assert!(deal != "open" || row.get::<i64>("position").unwrap() >= 2);
        let sent: Option<NaiveDate> = row.get("sent_on").unwrap();
        let valid: Option<NaiveDate> = row.get("valid_until").unwrap();
        let closed: Option<NaiveDate> = row.get("closed_on").unwrap();
        assert!(sent.is_none_or(|sent| sent < today()));
        if let (Some(sent), Some(valid)) = (sent, valid) {
            assert!(sent < valid && closed.is_none_or(|closed| sent < closed && closed <= valid));
        }
        revised += usize::from(row.get::<i64>("revision").unwrap() > 1);
        let soon = today() + Days::new(30);
        let ends = valid.is_some_and(|day| (today()..=soon).contains(&day));
        ending += usize::from(status == "sent" && ends);
        *states.entry(status).or_default() += 1;
    }
    assert!(states["accepted"] > 20 && states["declined"] > 10 && states["sent"] > 3);
    assert!(
        revised > 4 && ending > 0,
        "{revised} revised, {ending} ending"
    );
}

/// Numbers have no gap, and go in the order of the days.
async fn check_numbers(firm: &Firm) {
    for query in [
        "SELECT kind, period, serial, issue_date AS day FROM invoice WHERE number IS NOT NULL ORDER BY kind, period, serial",
        "SELECT 'quotation' AS kind, period, serial, NULL AS day FROM quotation WHERE number IS NOT NULL ORDER BY period, serial",
    ] {
        let mut last: (String, i64, i64, Option<NaiveDate>) = Default::default();
        for row in firm.rows(query).await {
            let kind: String = row.get("kind").unwrap();
            let (period, serial) = (row.get("period").unwrap(), row.get("serial").unwrap());
            let day: Option<NaiveDate> = if kind == "quotation" {
                None
            } else {
                row.get("day").unwrap()
            };
            let next = if (&last.0, last.1) == (&kind, period) {
                last.2 + 1
            } else {
                1
            };
            assert_eq!(serial, next, "{kind} {period}");
            if let Some(day) = day {
                assert!(next == 1 || last.3 <= Some(day), "{kind} {period} {serial}");
                assert!(day < today() && day.weekday().number_from_monday() < 6);
                assert_eq!(i64::from(day.year()), period);
            }
            last = (kind, period, serial, day);
        }
    }
}

/// What is invoiced of a deal is what was offered and won.
async fn check_sales(firm: &Firm) {
    let rows = firm
        .rows(
            "SELECT i.deal, i.net_total, i.currency, i.company, i.issue_date, d.status, d.amount, d.currency AS deal_currency, \
             d.company AS deal_company, d.closed_on FROM invoice i JOIN deal d ON d.id = i.deal WHERE i.kind = 'invoice'",
        )
        .await;
    let mut parts: HashMap<i64, (i64, i64, usize)> = HashMap::new();
    for row in &rows {
        assert_eq!(row.get::<String>("status").unwrap(), "won");
        assert_eq!(optional(row, "company"), optional(row, "deal_company"));
        let (one, other): (String, String) = (
            row.get("currency").unwrap(),
            row.get("deal_currency").unwrap(),
        );
        assert_eq!(one, other);
        let issued: NaiveDate = row.get("issue_date").unwrap();
        assert!(issued > row.get("closed_on").unwrap());
        let part = parts.entry(row.get("deal").unwrap()).or_default();
        part.0 += row.get::<i64>("net_total").unwrap();
        part.1 = row.get("amount").unwrap();
        part.2 += 1;
    }
    assert!(parts.len() > 60, "{} deals", parts.len());
    assert!(parts.values().all(|(net, amount, _)| net <= amount));
    let whole = parts.values().filter(|(net, amount, _)| net == amount);
    assert!(whole.count() + 12 > parts.len());
    assert!(parts.values().any(|(.., count)| *count > 1));
    let offers = firm
        .rows("SELECT id, net_total AS net, gross_total AS gross, currency AS offered, deal AS other, status FROM quotation")
        .await;
    let offers: HashMap<String, &Row> = offers
        .iter()
        .map(|offer| (encode("quo", offer.get("id").unwrap()), offer))
        .collect();
    let invoices = firm
        .rows("SELECT net_total, gross_total, currency, deal, source FROM invoice WHERE source IS NOT NULL")
        .await;
    let converted: Vec<(&Row, &Row)> = invoices
        .iter()
        .map(|invoice| (invoice, offers[&invoice.get::<String>("source").unwrap()]))
        .collect();
    assert!(converted.len() > 8, "{} converted", converted.len());
    for (invoice, offer) in &converted {
        for (one, other) in [
            ("net_total", "net"),
            ("gross_total", "gross"),
            ("deal", "other"),
        ] {
            assert_eq!(optional(invoice, one), optional(offer, other), "{one}");
        }
        let (one, other): (String, String) = (
            invoice.get("currency").unwrap(),
            offer.get("offered").unwrap(),
        );
        assert_eq!(
            (one, offer.get("status").unwrap()),
            (other, "accepted".to_owned())
        );
    }
}

/// Nothing is paid twice or in the future; some owe something, and not too many.
async fn check_settled(firm: &Firm) {
    let over = "SELECT COUNT(*) AS count FROM invoice WHERE gross_total < paid + credited OR paid < 0 OR credited < 0 \
                OR (status = 'draft' AND paid + credited <> 0) OR gross_total <= 0";
    assert_eq!(firm.count(over).await, 0);
    let mut methods = BTreeSet::new();
    let (mut reversals, mut refunds, mut several) = (0, 0, 0);
    for row in firm
        .rows("SELECT paid_on, method, direction, reverses, CAST(allocations AS TEXT) AS allocations FROM payment")
        .await
    {
        assert!(row.get::<NaiveDate>("paid_on").unwrap() < today());
        methods.extend(row.get::<Option<String>>("method").unwrap());
        let reverses = optional(&row, "reverses").is_some();
        reversals += usize::from(reverses);
        refunds += usize::from(!reverses && row.get::<String>("direction").unwrap() == "out");
        let parts: Value = serde_json::from_str(&row.get::<String>("allocations").unwrap()).unwrap();
        several += usize::from(parts.as_array().unwrap().len() > 1);
    }
    assert_eq!((reversals, refunds), (2, 1));
    assert!(several > 1 && methods.len() > 2, "{several} {methods:?}");
    let overdue = firm
        .ask(
            "list_invoices",
            json!({ "status": "overdue", "limit": 100 }),
        )
        .await;
    let overdue = list(&overdue);
    assert!(
        (5..45).contains(&overdue.len()),
        "{} overdue",
        overdue.len()
    );
    for invoice in overdue {
        let due: NaiveDate = text(invoice, "due_date").parse().unwrap();
        assert!(
            due < today() && text(invoice, "balance_due") != "0.00",
            "{invoice}"
        );
    }
}

/// Taxed as a firm in Berlin does; whoever owes the tax has a number; everybody has an address.
async fn check_taxes(firm: &Firm) {
    let rows = firm
        .rows("SELECT number, CAST(buyer AS TEXT) AS buyer, CAST(lines AS TEXT) AS lines FROM invoice WHERE number IS NOT NULL")
        .await;
    let mut samples: BTreeMap<String, String> = BTreeMap::new();
    let mut rates = BTreeSet::new();
    for row in &rows {
        let json = |name: &str| -> Value {
            serde_json::from_str(&row.get::<String>(name).unwrap()).unwrap()
        };
        let (number, buyer): (String, Value) = (row.get("number").unwrap(), json("buyer"));
        for field in ["name", "street", "postal_code", "city", "country"] {
            assert!(buyer[field].is_string(), "{number}: {field} of {buyer}");
        }
        for line in json("lines").as_array().unwrap() {
            let category = text(&line["tax"], "category").to_owned();
            let fits: &[&str] = match text(&buyer, "country") {
                "DE" => &["S"],
                "GB" | "US" | "CA" | "CH" | "JP" => &["G", "O"],
                _ => &["AE", "K"],
            };
            assert!(
                fits.contains(&category.as_str()),
                "{number}: {line} for {buyer}"
            );
            assert!(
                !["AE", "K"].contains(&category.as_str()) || buyer["vat_id"].is_string(),
                "{number}: {buyer}"
            );
            rates.insert((category.clone(), text(&line["tax"], "rate").to_owned()));
            samples.entry(category).or_insert(number.clone());
        }
    }
    assert_eq!(samples.len(), 5, "{samples:?}");
    assert_eq!(
        rates.iter().filter(|(category, _)| category == "S").count(),
        2,
        "{rates:?}"
    );
    for (category, number) in samples {
        let answer = firm
            .ask(
                "get_invoice",
                json!({ "invoice": number, "document": "pdf" }),
            )
            .await;
        let document = &answer["data"]["document"];
        let bytes = BASE64.decode(text(document, "content").as_bytes()).unwrap();
        assert!(
            bytes.starts_with(b"%PDF-") && bytes.len() > 10_000,
            "{category} {number}"
        );
    }
}

async fn check_expenses(firm: &Firm) {
    let states = by(firm, "SELECT status AS what FROM expense").await;
    assert_eq!(states.len(), 4, "{states:?}");
    assert!(states["paid"] > 400 && states["pending"] + states["approved"] > 5);
    assert!(by(firm, "SELECT category AS what FROM expense").await.len() > 9);
    assert_eq!(
        by(firm, "SELECT currency AS what FROM expense").await.len(),
        4
    );
    let members = "SELECT COUNT(DISTINCT owner) AS count FROM expense";
    assert_eq!(firm.count(members).await as usize, demo::MEMBERS.len());
    let wrong =
        "SELECT COUNT(*) AS count FROM expense WHERE tax_amount >= amount OR vendor IS NULL";
    assert_eq!(firm.count(wrong).await, 0);
    let late = firm.rows("SELECT MAX(spent_on) AS day FROM expense").await;
    assert!(late[0].get::<NaiveDate>("day").unwrap() < today());
    let bought = firm
        .rows("SELECT c.id, CAST(c.types AS TEXT) AS types FROM expense e JOIN company c ON c.id = e.company")
        .await;
    assert!(bought.len() > 20);
    for row in bought {
        assert!(row.get::<String>("types").unwrap().contains("supplier"));
    }
}

/// Plans go on from today; what they made before is there.
async fn check_plans(firm: &Firm) {
    for row in firm
        .rows("SELECT id, status, next_on, net_total, company FROM recurring_invoice")
        .await
    {
        assert_eq!(row.get::<String>("status").unwrap(), "active");
        let next: NaiveDate = row.get("next_on").unwrap();
        assert!(next + Days::new(5) > today());
    }
    let wrong = "SELECT COUNT(*) AS count FROM invoice i JOIN recurring_invoice r ON r.id = i.recurring \
                 WHERE i.net_total <> r.net_total OR i.company <> r.company OR i.currency <> r.currency OR i.service_to IS NULL";
    assert_eq!(firm.count(wrong).await, 0);
    let made = "SELECT COUNT(*) AS count FROM invoice WHERE recurring IS NOT NULL";
    assert!((70..160).contains(&firm.count(made).await));
}
