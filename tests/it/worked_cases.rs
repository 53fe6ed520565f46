//! Worked cases of invoices and credit notes, each figure known beforehand to its last digit.
//!
//! The figures of the table were computed by hand. Beside that each case is computed once more here, in whole numbers and
//! without anything of the app, so that a slip of the hand and one of the program would both be seen.

use bureau_kernel::caller::Caller;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

/// What an invoice is asked for, and what it comes to.
struct Case {
    name: &'static str,
    /// What `create_invoice` is given beside the customer.
    arguments: Value,
    /// The lines' nets.
    nets: &'static [&'static str],
    /// Category, rate, what is taxed, tax.
    taxes: &'static [[&'static str; 4]],
    /// Net, tax, gross.
    totals: [&'static str; 3],
}

/// A line: quantity, price, discount (or none), tax (a percentage, or the name of a category).
fn line([quantity, price, discount, tax]: [&str; 4]) -> Value {
    let mut line = json!({ "description": "Worked", "quantity": quantity, "unit_price": price });
    if !discount.is_empty() {
        line["discount"] = discount.into();
    }
    let is_rate = tax.starts_with(|c: char| c.is_ascii_digit());
    line[if is_rate { "tax_rate" } else { "tax_category" }] = tax.into();
    line
}

/// The arguments of an invoice in this currency with these lines, and a discount and a charge where they are not empty.
fn invoice(currency: &str, lines: &[[&str; 4]], discount: &str, charge: &str) -> Value {
    let lines: Vec<Value> = lines.iter().copied().map(line).collect();
    let mut invoice = json!({ "currency": currency, "delivered_on": "2026-11-02", "lines": lines });
    for (name, value) in [("discount", discount), ("charge", charge)] {
        if !value.is_empty() {
            invoice[name] = value.into();
        }
    }
    invoice
}

fn cases() -> Vec<Case> {
    let plain = |name, currency, lines: &[[&str; 4]], nets, taxes, totals| Case {
        name,
        arguments: invoice(currency, lines, "", ""),
        nets,
        taxes,
        totals,
    };
    let whole =
        |name, currency, lines: &[[&str; 4]], (discount, charge), nets, taxes, totals| Case {
            name,
            arguments: invoice(currency, lines, discount, charge),
            nets,
            taxes,
            totals,
        };
    let halves = [["1", "0.005", "", "19"]; 3];
    let thirds = [["1", "0.33", "", "19"]; 3];
    let thousand = [["1", "0.335", "", "19"]; 1000];
    vec![
        plain(
            "half a cent of a line is rounded up",
            "EUR",
            &halves,
            &["0.01", "0.01", "0.01"],
            &[["S", "19", "0.03", "0.01"]],
            ["0.03", "0.01", "0.04"],
        ),
        plain(
            "tax is rounded once for a rate and not for each line",
            "EUR",
            &thirds,
            &["0.33", "0.33", "0.33"],
            &[["S", "19", "0.99", "0.19"]],
            ["0.99", "0.19", "1.18"],
        ),
        plain(
            "half a cent of tax is rounded up",
            "EUR",
            &[
                ["1", "0.10", "", "5"],
                ["1", "0.50", "", "1"],
                ["1", "0.49", "", "3"],
            ],
            &["0.10", "0.50", "0.49"],
            &[
                ["S", "5", "0.10", "0.01"],
                ["S", "1", "0.50", "0.01"],
                ["S", "3", "0.49", "0.01"],
            ],
            ["1.09", "0.03", "1.12"],
        ),
        plain(
            "just less than half a cent is rounded down",
            "EUR",
            &[["1", "0.0049", "", "19"], ["1", "10.0249", "", "19"]],
            &["0.00", "10.02"],
            &[["S", "19", "10.02", "1.90"]],
            ["10.02", "1.90", "11.92"],
        ),
        plain(
            "several rates",
            "EUR",
            &[
                ["10", "120", "10%", "19"],
                ["1", "49.99", "", "7"],
                ["1", "12", "", "zero"],
            ],
            &["1080.00", "49.99", "12.00"],
            &[
                ["S", "19", "1080.00", "205.20"],
                ["S", "7", "49.99", "3.50"],
                ["Z", "0", "12.00", "0.00"],
            ],
            ["1141.99", "208.70", "1350.69"],
        ),
        plain(
            "rates with parts of a percent",
            "CHF",
            &[
                ["1", "123.45", "", "8.1"],
                ["1", "10.01", "", "5.5"],
                ["1", "77.77", "", "2.6"],
            ],
            &["123.45", "10.01", "77.77"],
            &[
                ["S", "8.1", "123.45", "10.00"],
                ["S", "5.5", "10.01", "0.55"],
                ["S", "2.6", "77.77", "2.02"],
            ],
            ["211.23", "12.57", "223.80"],
        ),
        plain(
            "discounts on lines, in percent and as amounts",
            "EUR",
            &[["3", "19.99", "12.5%", "20"], ["2", "10.50", "5.00", "20"]],
            &["52.47", "16.00"],
            &[["S", "20", "68.47", "13.69"]],
            ["68.47", "13.69", "82.16"],
        ),
        plain(
            "a discount is rounded by itself",
            "EUR",
            &[["3", "0.335", "50%", "0"]],
            &["0.51"],
            &[["Z", "0", "0.51", "0.00"]],
            ["0.51", "0.00", "0.51"],
        ),
        whole(
            "an amount off the whole goes to the largest remainder",
            "EUR",
            &[
                ["1", "33.33", "", "19"],
                ["1", "33.33", "", "7"],
                ["1", "33.34", "", "zero"],
            ],
            ("10.00", ""),
            &["33.33", "33.33", "33.34"],
            &[
                ["S", "19", "30.00", "5.70"],
                ["S", "7", "30.00", "2.10"],
                ["Z", "0", "30.00", "0.00"],
            ],
            ["90.00", "7.80", "97.80"],
        ),
        whole(
            "a share off the whole",
            "EUR",
            &[["1", "66.66", "", "19"], ["1", "33.33", "", "7"]],
            ("10%", ""),
            &["66.66", "33.33"],
            &[["S", "19", "59.99", "11.40"], ["S", "7", "30.00", "2.10"]],
            ["89.99", "13.50", "103.49"],
        ),
        whole(
            "of equal remainders the first goes first",
            "EUR",
            &[
                ["1", "10", "", "19"],
                ["1", "40", "", "7"],
                ["1", "10", "", "zero"],
            ],
            ("0.10", ""),
            &["10.00", "40.00", "10.00"],
            &[
                ["S", "19", "9.98", "1.90"],
                ["S", "7", "39.93", "2.80"],
                ["Z", "0", "9.99", "0.00"],
            ],
            ["59.90", "4.70", "64.60"],
        ),
        whole(
            "a charge on the whole",
            "EUR",
            &[["1", "100", "", "19"], ["1", "50", "", "7"]],
            ("", "4.99"),
            &["100.00", "50.00"],
            &[["S", "19", "103.33", "19.63"], ["S", "7", "51.66", "3.62"]],
            ["154.99", "23.25", "178.24"],
        ),
        whole(
            "a discount and a charge on the whole",
            "EUR",
            &[["1", "200", "", "19"], ["1", "100", "", "7"]],
            ("10%", "9"),
            &["200.00", "100.00"],
            &[["S", "19", "186.00", "35.34"], ["S", "7", "93.00", "6.51"]],
            ["279.00", "41.85", "320.85"],
        ),
        whole(
            "a cent off three rates",
            "EUR",
            &[
                ["1", "1", "", "19"],
                ["1", "1", "", "7"],
                ["1", "1", "", "zero"],
            ],
            ("0.01", ""),
            &["1.00", "1.00", "1.00"],
            &[
                ["S", "19", "0.99", "0.19"],
                ["S", "7", "1.00", "0.07"],
                ["Z", "0", "1.00", "0.00"],
            ],
            ["2.99", "0.26", "3.25"],
        ),
        plain(
            "reverse charge",
            "EUR",
            &[["8", "125", "", "reverse charge"]],
            &["1000.00"],
            &[["AE", "0", "1000.00", "0.00"]],
            ["1000.00", "0.00", "1000.00"],
        ),
        plain(
            "exempt",
            "EUR",
            &[["1", "500", "", "exempt"]],
            &["500.00"],
            &[["E", "0", "500.00", "0.00"]],
            ["500.00", "0.00", "500.00"],
        ),
        plain(
            "exempt beside taxed",
            "EUR",
            &[["1", "100", "", "exempt"], ["1", "100", "", "19"]],
            &["100.00", "100.00"],
            &[["E", "0", "100.00", "0.00"], ["S", "19", "100.00", "19.00"]],
            ["200.00", "19.00", "219.00"],
        ),
        plain(
            "intra-community supply",
            "EUR",
            &[["2", "4500", "", "intra-community"]],
            &["9000.00"],
            &[["K", "0", "9000.00", "0.00"]],
            ["9000.00", "0.00", "9000.00"],
        ),
        plain(
            "export",
            "EUR",
            &[["1", "1234.56", "", "export"]],
            &["1234.56"],
            &[["G", "0", "1234.56", "0.00"]],
            ["1234.56", "0.00", "1234.56"],
        ),
        plain(
            "out of scope, alone",
            "EUR",
            &[["1", "250", "", "out of scope"]],
            &["250.00"],
            &[["O", "0", "250.00", "0.00"]],
            ["250.00", "0.00", "250.00"],
        ),
        plain(
            "yen have no digits",
            "JPY",
            &[["3", "333.5", "", "10"]],
            &["1001"],
            &[["S", "10", "1001", "100"]],
            ["1001", "100", "1101"],
        ),
        whole(
            "yen off the whole",
            "JPY",
            &[["1", "1001", "", "10"], ["1", "500", "", "8"]],
            ("5%", ""),
            &["1001", "500"],
            &[["S", "10", "951", "95"], ["S", "8", "475", "38"]],
            ["1426", "133", "1559"],
        ),
        plain(
            "dinars have three digits",
            "KWD",
            &[["3", "1.2345", "", "5"], ["1", "0.0005", "", "5"]],
            &["3.704", "0.001"],
            &[["S", "5", "3.705", "0.185"]],
            ["3.705", "0.185", "3.890"],
        ),
        plain(
            "prices and quantities with four digits",
            "EUR",
            &[
                ["0.3333", "12.3456", "", "19"],
                ["1000.0001", "0.0001", "", "19"],
            ],
            &["4.11", "0.10"],
            &[["S", "19", "4.21", "0.80"]],
            ["4.21", "0.80", "5.01"],
        ),
        plain(
            "quantities below zero",
            "EUR",
            &[["10", "15", "", "19"], ["-2", "15", "", "19"]],
            &["150.00", "-30.00"],
            &[["S", "19", "120.00", "22.80"]],
            ["120.00", "22.80", "142.80"],
        ),
        plain(
            "half a cent below zero is rounded away from zero",
            "EUR",
            &[["1", "1", "", "19"], ["-1", "0.005", "", "19"]],
            &["1.00", "-0.01"],
            &[["S", "19", "0.99", "0.19"]],
            ["0.99", "0.19", "1.18"],
        ),
        plain(
            "discounts on what is below zero",
            "EUR",
            &[
                ["10", "10", "", "19"],
                ["-2", "10", "1.00", "19"],
                ["-2", "10", "10%", "19"],
            ],
            &["100.00", "-19.00", "-18.00"],
            &[["S", "19", "63.00", "11.97"]],
            ["63.00", "11.97", "74.97"],
        ),
        plain(
            "a rate of which nothing but a return is left",
            "EUR",
            &[["1", "100", "", "19"], ["-1", "50", "", "7"]],
            &["100.00", "-50.00"],
            &[
                ["S", "19", "100.00", "19.00"],
                ["S", "7", "-50.00", "-3.50"],
            ],
            ["50.00", "15.50", "65.50"],
        ),
        plain(
            "a thousand lines",
            "EUR",
            &thousand,
            &["0.34"; 1000],
            &[["S", "19", "340.00", "64.60"]],
            ["340.00", "64.60", "404.60"],
        ),
        plain(
            "for free",
            "EUR",
            &[["1", "0", "", "19"], ["1", "99.99", "100%", "19"]],
            &["0.00", "0.00"],
            &[["S", "19", "0.00", "0.00"]],
            ["0.00", "0.00", "0.00"],
        ),
        whole(
            "all of it off",
            "EUR",
            &[["1", "99.99", "", "19"], ["1", "0.01", "", "7"]],
            ("100%", ""),
            &["99.99", "0.01"],
            &[["S", "19", "0.00", "0.00"], ["S", "7", "0.00", "0.00"]],
            ["0.00", "0.00", "0.00"],
        ),
        plain(
            "the largest amount",
            "EUR",
            &[["1", "756302521008.40", "", "19"]],
            &["756302521008.40"],
            &[["S", "19", "756302521008.40", "143697478991.60"]],
            ["756302521008.40", "143697478991.60", "900000000000.00"],
        ),
        whole(
            "the largest amounts, a cent off",
            "EUR",
            &[
                ["1", "449999999999.99", "", "exempt"],
                ["1", "450000000000", "", "zero"],
            ],
            ("0.01", ""),
            &["449999999999.99", "450000000000.00"],
            &[
                ["E", "0", "449999999999.99", "0.00"],
                ["Z", "0", "449999999999.99", "0.00"],
            ],
            ["899999999999.98", "0.00", "899999999999.98"],
        ),
    ]
}

/// A decimal number in units of 10⁻⁴.
pub(crate) fn raw(text: &str) -> i128 {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    sign * format!("{whole}{part:0<4}").parse::<i128>().unwrap()
}

/// A quotient, a half rounded away from zero.
fn divided(dividend: i128, divisor: i128) -> i128 {
    let rounded = (2 * dividend.abs() + divisor) / (2 * divisor);
    dividend.signum() * rounded
}

/// Units of a currency's last digit as they are written.
pub(crate) fn written(units: i128, digits: u32) -> String {
    let one = 10_i128.pow(digits);
    let sign = if units < 0 { "-" } else { "" };
    let (whole, part) = (units.abs() / one, units.abs() % one);
    match digits as usize {
        0 => format!("{sign}{whole}"),
        digits => format!("{sign}{whole}.{part:0digits$}"),
    }
}

pub(crate) struct Figures {
    nets: Vec<String>,
    taxes: Vec<[String; 4]>,
    /// Net, tax, gross.
    pub(crate) totals: [String; 3],
}

/// What an invoice comes to by EN 16931, in whole units of its currency's last digit; nothing where a discount is more than
/// what it is taken off, or the whole is below zero.
pub(crate) fn figures(arguments: &Value) -> Option<Figures> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let digits = match &*text(&arguments["currency"]) {
        "JPY" => 0,
        "KWD" => 3,
        _ => 2,
    };
    let one = 10_i128.pow(digits);
    // What a discount comes to on a dividend over a divisor, which is below zero where the sign is.
    let off = |discount: &str, sign: i128, dividend: i128, divisor: i128| {
        if let Some(percent) = discount.strip_suffix('%') {
            return Some(divided(dividend * raw(percent), divisor * 1_000_000));
        }
        let amount = if discount.is_empty() {
            0
        } else {
            raw(discount) * one / 10_000
        };
        (amount <= divided(dividend, divisor).abs()).then_some(sign * amount)
    };
    let mut nets = Vec::new();
    let mut rates: Vec<(String, i128, i128)> = Vec::new();
    for line in arguments["lines"].as_array().unwrap() {
        let quantity = raw(&text(&line["quantity"]));
        let price = quantity * raw(&text(&line["unit_price"])) * one;
        let discount = text(&line["discount"]);
        let discount = off(&discount, quantity.signum(), price, 100_000_000)?;
        let net = divided(price, 100_000_000) - discount;
        let (category, rate) = match &*text(&line["tax_category"]) {
            "" => match raw(&text(&line["tax_rate"])) {
                0 => ("Z", 0),
                rate => ("S", rate),
            },
            "zero" => ("Z", 0),
            "exempt" => ("E", 0),
            "reverse charge" => ("AE", 0),
            "intra-community" => ("K", 0),
            "export" => ("G", 0),
            "out of scope" => ("O", 0),
            other => panic!("{other}"),
        };
        nets.push(net);
        match rates
            .iter_mut()
            .find(|known| (&*known.0, known.1) == (category, rate))
        {
            Some(known) => known.2 += net,
            None => rates.push((category.to_owned(), rate, net)),
        }
    }
    let sum: i128 = nets.iter().sum();
    let shares = |whole: i128| {
        let weights: Vec<i128> = rates.iter().map(|rate| rate.2.max(0)).collect();
        let all: i128 = weights.iter().sum::<i128>().max(1);
        let mut shares: Vec<i128> = weights.iter().map(|weight| whole * weight / all).collect();
        if weights.iter().all(|weight| *weight == 0) {
            // Where all is free, the first of them carries it.
            shares[0] = whole;
        }
        let mut order: Vec<usize> = (0..rates.len()).collect();
        order.sort_by_key(|index| -(whole * weights[*index] % all));
        let left = whole - shares.iter().sum::<i128>();
        for index in order.into_iter().take(usize::try_from(left).unwrap()) {
            shares[index] += 1;
        }
        assert_eq!(shares.iter().sum::<i128>(), whole);
        shares
    };
    let discount = off(&text(&arguments["discount"]), 1, sum, 1)?.max(0);
    if discount > sum.max(0) {
        return None;
    }
    let discounts = shares(discount);
    let charge = text(&arguments["charge"]);
    let charges = shares(if charge.is_empty() {
        0
    } else {
        raw(&charge) * one / 10_000
    });
    let mut taxes = Vec::new();
    let (mut net, mut tax) = (0, 0);
    for (index, (category, rate, lines)) in rates.iter().enumerate() {
        let taxable = lines - discounts[index] + charges[index];
        let due = divided(taxable * rate, 1_000_000);
        net += taxable;
        tax += due;
        let rate = written(*rate, 4);
        let rate = rate.trim_end_matches('0').trim_end_matches('.').to_owned();
        let (taxable, due) = (written(taxable, digits), written(due, digits));
        taxes.push([category.clone(), rate, taxable, due]);
    }
    (net + tax >= 0).then(|| Figures {
        nets: nets.iter().map(|net| written(*net, digits)).collect(),
        taxes,
        totals: [net, tax, net + tax].map(|total| written(total, digits)),
    })
}

/// The same of what a tool answers.
fn answered(invoice: &Value) -> Figures {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = |list: &Value| list.as_array().unwrap().clone();
    Figures {
        nets: all(&invoice["lines"])
            .iter()
            .map(|line| text(&line["net_total"]))
            .collect(),
        taxes: all(&invoice["tax_summary"])
            .iter()
            .map(|tax| ["category", "rate", "taxable", "tax"].map(|name| text(&tax[name])))
            .collect(),
        totals: ["net_total", "tax_total", "gross_total"].map(|name| text(&invoice[name])),
    }
}

fn assert_figures(found: &Figures, case: &Case, whose: &str) {
    let name = case.name;
    assert_eq!(found.nets, case.nets, "{name}: nets, {whose}");
    assert_eq!(found.taxes, case.taxes, "{name}: taxes, {whose}");
    assert_eq!(found.totals, case.totals, "{name}: totals, {whose}");
}

/// A customer of whom everything is known.
async fn customer(app: &TestApp, owner: &Caller) -> Value {
    let company = json!({
        "name": "Worked Cases SARL", "street": "1 Rue du Test", "postal_code": "75001", "city": "Paris", "country": "FR",
        "vat_id": "FR12345678901", "email": "accounts@worked.example",
    });
    app.data(owner, "create_company", company).await["id"].take()
}

async fn drafted(app: &TestApp, owner: &Caller, company: &Value, mut arguments: Value) -> Value {
    arguments["company"] = company.clone();
    app.data(owner, "create_invoice", arguments).await
}

async fn issued(app: &TestApp, owner: &Caller, draft: &Value) -> Value {
    // Some cases are taxed as no sale to this customer would be.
    let arguments = json!({ "invoice": draft["id"], "confirm": true, "anyway": true });
    app.data(owner, "issue_invoice", arguments).await
}

async fn invoiced(app: &TestApp, owner: &Caller, company: &Value, arguments: Value) -> Value {
    let draft = drafted(app, owner, company, arguments).await;
    issued(app, owner, &draft).await
}

#[test]
fn worked_cases_are_right_by_hand_and_by_whole_numbers() {
    for case in cases() {
        let figures = figures(&case.arguments).expect(case.name);
        assert_figures(&figures, &case, "by whole numbers");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn worked_cases_come_to_their_known_results_and_become_e_invoices() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = customer(&app, &owner).await;
        for case in cases() {
            let mut arguments = case.arguments.clone();
            arguments["total"] = case.totals[2].into();
            let draft = drafted(&app, &owner, &company, arguments).await;
            assert_figures(&answered(&draft), &case, &format!("drafted on {engine:?}"));
            let invoice = issued(&app, &owner, &draft).await;
            assert_figures(&answered(&invoice), &case, &format!("issued on {engine:?}"));
            assert_eq!(invoice["balance_due"], case.totals[2], "{}", case.name);
            let is_free = raw(case.totals[2]) == 0;
            let status = if is_free { "paid" } else { "issued" };
            assert_eq!(invoice["status"], status, "{}", case.name);
            // EN 16931 knows amounts of two digits only.
            if case.arguments["currency"] == "KWD" {
                continue;
            }
            let read = json!({ "invoice": invoice["id"], "document": "ubl" });
            let read = app.data(&owner, "get_invoice", read).await;
            assert_figures(&answered(&read), &case, &format!("read on {engine:?}"));
            let ubl = read["document"]["content"].as_str().unwrap();
            let payable = ubl.split("PayableAmount").nth(1).unwrap();
            let payable = payable.split(['>', '<']).nth(1).unwrap();
            assert_eq!(raw(payable), raw(case.totals[2]), "{}", case.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_to_too_much_or_too_little_is_refused() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = customer(&app, &owner).await;
        for (field, lines, discount, charge) in [
            ("lines", vec![["1", "756302521008.41", "", "19"]], "", ""),
            ("lines", vec![["1", "900000000000", "", "0"]; 2], "", ""),
            (
                "lines[0].quantity",
                vec![["900000000000", "900000000000", "", "0"]],
                "",
                "",
            ),
            (
                "lines",
                vec![["1", "10", "", "19"], ["-1", "10.01", "", "19"]],
                "",
                "",
            ),
            (
                "lines[0].discount",
                vec![["1", "10", "10.01", "19"]],
                "",
                "",
            ),
            (
                "lines[0].discount",
                vec![["1", "10", "0.001", "19"]],
                "",
                "",
            ),
            ("lines[0].quantity", vec![["0", "10", "", "19"]], "", ""),
            ("lines[0].unit_price", vec![["1", "-10", "", "19"]], "", ""),
            ("discount", vec![["1", "10", "", "19"]], "10.01", ""),
            ("discount", vec![["1", "10", "", "19"]], "0.001", ""),
            ("charge", vec![["1", "10", "", "19"]], "", "-1"),
            ("charge", vec![["1", "10", "", "19"]], "", "0.001"),
        ] {
            let mut arguments = invoice("EUR", &lines, discount, charge);
            arguments["company"] = company.clone();
            let error = app.error(&owner, "create_invoice", arguments).await;
            assert_eq!(error.code(), Code::Validation, "{lines:?}: {error:?}");
            assert_eq!(error.field_name(), Some(field), "{lines:?}: {error:?}");
        }
        let mut arguments = invoice("EUR", &[["3", "0.335", "", "19"]], "", "");
        arguments["company"] = company.clone();
        arguments["total"] = "1.19".into();
        let error = app.error(&owner, "create_invoice", arguments).await;
        assert_eq!(error.field_name(), Some("total"), "{error:?}");
        let none = app.ok(&owner, "list_invoices", json!({})).await;
        assert_eq!(none["data"], json!([]), "a refused invoice was written");
    }
}

/// What is credited, and the net, tax and gross of that credit note.
type Credited = (Value, [&'static str; 3]);

/// Credits lines of an invoice (all that is left where there are none), issues the note, and answers it.
async fn credited(app: &TestApp, owner: &Caller, invoice: &Value, lines: Value) -> Value {
    let mut arguments = json!({ "invoice": invoice["id"] });
    if !lines.is_null() {
        arguments["lines"] = lines;
    }
    let draft = app.data(owner, "create_credit_note", arguments).await;
    let note = issued(app, owner, &draft).await;
    for total in ["net_total", "tax_total", "gross_total"] {
        assert_eq!(note[total], draft[total], "issuing changed the {total}");
    }
    let read = json!({ "invoice": note["id"], "document": "ubl" });
    if note["currency"] != "KWD" {
        app.ok(owner, "get_invoice", read).await;
    }
    note
}

async fn read(app: &TestApp, owner: &Caller, invoice: &Value) -> Value {
    let read = json!({ "invoice": invoice["id"] });
    app.data(owner, "get_invoice", read).await
}

fn assert_fields(record: &Value, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(record[*name], *value, "{name} of {record:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_is_partly_paid_is_credited_whole_and_the_rest_goes_back() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = customer(&app, &owner).await;
        let sold = invoice("EUR", &[["10", "100", "", "19"]], "", "");
        let sold = invoiced(&app, &owner, &company, sold).await;
        let pay = json!({ "invoice": sold["id"], "amount": "500" });
        let paid = app.data(&owner, "record_payment", pay).await;
        let note = credited(&app, &owner, &sold, Value::Null).await;
        assert_fields(
            &note,
            &[
                ("net_total", "1000.00"),
                ("tax_total", "190.00"),
                ("gross_total", "1190.00"),
                ("amount_credited", "690.00"),
                ("balance_due", "500.00"),
                ("status", "partly_paid"),
            ],
        );
        let now = read(&app, &owner, &sold).await;
        assert_fields(
            &now,
            &[
                ("amount_paid", "500.00"),
                ("amount_credited", "690.00"),
                ("balance_due", "0.00"),
                ("status", "credited"),
            ],
        );
        let again = app
            .error(
                &owner,
                "create_credit_note",
                json!({ "invoice": sold["id"] }),
            )
            .await;
        assert_eq!(again.code(), Code::Conflict);
        let more = json!({ "invoice": note["id"], "amount": "500.01" });
        let more = app.error(&owner, "record_payment", more).await;
        assert_eq!(more.field_name(), Some("amount"));
        let back = app
            .data(&owner, "record_payment", json!({ "invoice": note["id"] }))
            .await;
        assert_fields(&back, &[("direction", "out"), ("amount", "500.00")]);
        assert_fields(
            &read(&app, &owner, &note).await,
            &[("balance_due", "0.00"), ("status", "paid")],
        );
        // The payment turns out to have failed after all: what was paid back is owed again.
        app.ok(&owner, "record_payment", json!({ "reverses": paid["id"] }))
            .await;
        let now = read(&app, &owner, &sold).await;
        assert_fields(
            &now,
            &[
                ("amount_paid", "0.00"),
                ("amount_credited", "690.00"),
                ("balance_due", "500.00"),
                ("status", "partly_paid"),
            ],
        );
        // And the refund too: then nobody owes anything.
        app.ok(&owner, "record_payment", json!({ "reverses": back["id"] }))
            .await;
        let now = read(&app, &owner, &sold).await;
        assert_fields(
            &now,
            &[
                ("amount_credited", "1190.00"),
                ("balance_due", "0.00"),
                ("status", "credited"),
            ],
        );
        let note = read(&app, &owner, &note).await;
        assert_fields(
            &note,
            &[
                ("amount_credited", "1190.00"),
                ("balance_due", "0.00"),
                ("status", "paid"),
            ],
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_an_invoice_that_are_credited_come_to_exactly_the_whole() {
    let one = |line: u32, quantity: &str| json!([{ "line": line, "quantity": quantity }]);
    // The invoice, and what is credited of it one after the other: net, tax and gross of each note.
    let tables: Vec<(Value, [&str; 3], Vec<Credited>)> = vec![
        (
            invoice("EUR", &[["3", "0.335", "", "19"]], "", ""),
            ["1.01", "0.19", "1.20"],
            vec![
                (one(1, "1"), ["0.34", "0.06", "0.40"]),
                (one(1, "1"), ["0.33", "0.07", "0.40"]),
                (one(1, "1"), ["0.34", "0.06", "0.40"]),
            ],
        ),
        (
            invoice("EUR", &[["3", "0.333", "", "19"]], "", ""),
            ["1.00", "0.19", "1.19"],
            vec![
                (one(1, "1"), ["0.33", "0.06", "0.39"]),
                (one(1, "1"), ["0.34", "0.07", "0.41"]),
                (Value::Null, ["0.33", "0.06", "0.39"]),
            ],
        ),
        (
            invoice("EUR", &[["1", "0.33", "", "19"]; 3], "", ""),
            ["0.99", "0.19", "1.18"],
            vec![
                (one(2, "1"), ["0.33", "0.06", "0.39"]),
                (one(1, "1"), ["0.33", "0.07", "0.40"]),
                (one(3, "1"), ["0.33", "0.06", "0.39"]),
            ],
        ),
        (
            invoice(
                "EUR",
                &[["1", "10", "", "19"], ["1", "20", "", "7"]],
                "1.00",
                "3.00",
            ),
            ["32.00", "3.52", "35.52"],
            vec![
                (one(1, "1"), ["10.67", "2.03", "12.70"]),
                (Value::Null, ["21.33", "1.49", "22.82"]),
            ],
        ),
        (
            // A third of what the line came to is 10.00, of 1.00 off it is 0.33, and of two thirds 0.67.
            invoice("EUR", &[["3", "11.11", "3.33", "20"]], "1.00", ""),
            ["29.00", "5.80", "34.80"],
            vec![
                (one(1, "1"), ["9.67", "1.93", "11.60"]),
                (one(1, "1"), ["9.66", "1.94", "11.60"]),
                (one(1, "1"), ["9.67", "1.93", "11.60"]),
            ],
        ),
        (
            invoice("JPY", &[["3", "333.5", "", "10"]], "", ""),
            ["1001", "100", "1101"],
            vec![
                (one(1, "1"), ["334", "33", "367"]),
                (one(1, "1"), ["333", "34", "367"]),
                (Value::Null, ["334", "33", "367"]),
            ],
        ),
        (
            invoice("KWD", &[["7", "0.1235", "", "5"]], "", ""),
            ["0.865", "0.043", "0.908"],
            vec![
                (one(1, "3"), ["0.371", "0.019", "0.390"]),
                (one(1, "3"), ["0.370", "0.018", "0.388"]),
                (one(1, "1"), ["0.124", "0.006", "0.130"]),
            ],
        ),
        (
            // A return on the invoice goes back with the rest, and takes none of the discount with it.
            invoice(
                "EUR",
                &[["1", "100", "", "19"], ["-1", "50", "", "19"]],
                "10.00",
                "",
            ),
            ["40.00", "7.60", "47.60"],
            vec![(Value::Null, ["40.00", "7.60", "47.60"])],
        ),
        (
            invoice(
                "EUR",
                &[["0.5", "33.3333", "10%", "19"], ["1", "5", "", "exempt"]],
                "5%",
                "",
            ),
            ["19.00", "2.71", "21.71"],
            vec![
                (one(1, "0.25"), ["7.12", "1.35", "8.47"]),
                (one(2, "1"), ["4.75", "0.00", "4.75"]),
                (Value::Null, ["7.13", "1.36", "8.49"]),
            ],
        ),
    ];
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = customer(&app, &owner).await;
        for (arguments, totals, notes) in &tables {
            let sold = invoiced(&app, &owner, &company, arguments.clone()).await;
            assert_eq!(answered(&sold).totals, *totals, "{arguments}");
            for (place, (lines, totals)) in notes.iter().enumerate() {
                let note = credited(&app, &owner, &sold, lines.clone()).await;
                assert_eq!(
                    answered(&note).totals,
                    *totals,
                    "note {place} of {arguments}"
                );
            }
            let now = read(&app, &owner, &sold).await;
            assert_fields(
                &now,
                &[
                    ("status", "credited"),
                    ("amount_credited", totals[2]),
                    ("balance_due", now["amount_paid"].as_str().unwrap()),
                ],
            );
            let more = json!({ "invoice": sold["id"] });
            let more = app.error(&owner, "create_credit_note", more).await;
            assert_eq!(more.code(), Code::Conflict, "{more:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_of_credit_notes_take_back_no_line_twice() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = customer(&app, &owner).await;
        let sold = invoice(
            "EUR",
            &[["1", "100", "", "19"], ["1", "100", "", "19"]],
            "",
            "",
        );
        let sold = invoiced(&app, &owner, &company, sold).await;
        let first = json!({ "invoice": sold["id"], "lines": [{ "line": 1 }] });
        let note = app.data(&owner, "create_credit_note", first.clone()).await;
        let twin = app.data(&owner, "create_credit_note", first).await;
        issued(&app, &owner, &note).await;
        let issue = json!({ "invoice": twin["id"], "confirm": true });
        let error = app.error(&owner, "issue_invoice", issue).await;
        assert_eq!(error.code(), Code::Conflict, "{error:?}");
        // What a credit note takes back, and from whom, follows from its invoice.
        let other = app
            .data(&owner, "create_company", json!({ "name": "Somebody else" }))
            .await;
        for (field, value) in [
            ("company", other["id"].clone()),
            ("discount", json!("1%")),
            ("charge", json!("1")),
            ("currency", json!("USD")),
        ] {
            let change = json!({ "invoice": twin["id"], field: value });
            let error = app.error(&owner, "update_invoice", change).await;
            assert_eq!(error.field_name(), Some(field), "{error:?}");
        }
        // No credit note is older than its invoice.
        let rest = app
            .data(
                &owner,
                "create_credit_note",
                json!({ "invoice": sold["id"] }),
            )
            .await;
        let early = json!({ "invoice": rest["id"], "issue_date": "yesterday", "confirm": true });
        let error = app.error(&owner, "issue_invoice", early).await;
        assert_eq!(error.field_name(), Some("issue_date"), "{error:?}");
        let rest = issued(&app, &owner, &rest).await;
        assert_fields(&rest, &[("gross_total", "119.00")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_payment_settles_several_invoices_and_its_sum_is_what_was_said() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = customer(&app, &owner).await;
        let mut invoices = Vec::new();
        for price in ["100", "50.50", "0.01"] {
            let sold = invoice("EUR", &[["1", price, "", "0"]], "", "");
            invoices.push(invoiced(&app, &owner, &company, sold).await);
        }
        let part = |index: usize| json!({ "invoice": invoices[index]["id"] });
        let some = json!({ "invoice": invoices[0]["id"], "amount": "30" });
        // The parts without an amount come to their balances, and so the sum is not what was said.
        let wrong = json!({ "amount": "100", "allocations": [some, part(1), part(2)] });
        let error = app.error(&owner, "record_payment", wrong).await;
        assert_eq!(error.field_name(), Some("amount"), "{error:?}");
        let pay = json!({ "amount": "80.51", "allocations": [part(2), some, part(1)] });
        let paid = app.data(&owner, "record_payment", pay).await;
        assert_eq!(paid["amount"], "80.51");
        for (index, balance, status) in [
            (0, "70.00", "partly_paid"),
            (1, "0.00", "paid"),
            (2, "0.00", "paid"),
        ] {
            let now = read(&app, &owner, &invoices[index]).await;
            assert_fields(&now, &[("balance_due", balance), ("status", status)]);
        }
        // Credited in between, and then the payment is reversed: what was credited stays credited.
        let note = credited(&app, &owner, &invoices[1], Value::Null).await;
        assert_fields(
            &note,
            &[("balance_due", "50.50"), ("amount_credited", "0.00")],
        );
        app.ok(&owner, "record_payment", json!({ "reverses": paid["id"] }))
            .await;
        for (index, balance, status) in [
            (0, "100.00", "issued"),
            (1, "0.00", "credited"),
            (2, "0.01", "issued"),
        ] {
            let now = read(&app, &owner, &invoices[index]).await;
            assert_fields(
                &now,
                &[
                    ("balance_due", balance),
                    ("status", status),
                    ("amount_paid", "0.00"),
                ],
            );
        }
        assert_fields(
            &read(&app, &owner, &note).await,
            &[("balance_due", "0.00"), ("status", "paid")],
        );
        let twice = app
            .error(&owner, "record_payment", json!({ "reverses": paid["id"] }))
            .await;
        assert_eq!(twice.code(), Code::Conflict, "{twice:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_issued_or_paid_is_not_undone_nor_a_part_of_it() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = customer(&app, &owner).await;
        let sold = invoice("EUR", &[["1", "100", "", "0"]], "", "");
        let draft = drafted(&app, &owner, &company, sold).await;
        let mut changes = Vec::new();
        for (tool, arguments) in [
            (
                "issue_invoice",
                json!({ "invoice": draft["id"], "confirm": true }),
            ),
            (
                "record_payment",
                json!({ "invoice": draft["id"], "amount": "50" }),
            ),
        ] {
            changes.push(app.ok(&owner, tool, arguments).await["change"].take());
        }
        let credit = json!({ "invoice": draft["id"], "lines": [{ "line": 1, "quantity": "0.8" }] });
        let note = app.data(&owner, "create_credit_note", credit).await;
        // 50.00 of it are set off and 30.00 go back: the note was changed since it was issued, its invoice was not.
        for (tool, arguments) in [
            (
                "issue_invoice",
                json!({ "invoice": note["id"], "confirm": true }),
            ),
            ("record_payment", json!({ "invoice": note["id"] })),
        ] {
            changes.push(app.ok(&owner, tool, arguments).await["change"].take());
        }
        let before = (
            read(&app, &owner, &draft).await,
            read(&app, &owner, &note).await,
        );
        for change in &changes {
            for skip in [false, true] {
                let undo = json!({ "change": change, "skip_conflicts": skip });
                let error = app.error(&owner, "undo_change", undo).await;
                assert_eq!(error.code(), Code::Conflict, "{error:?}");
                let now = (
                    read(&app, &owner, &draft).await,
                    read(&app, &owner, &note).await,
                );
                assert_eq!(now, before, "on {engine:?} after {error:?}");
            }
        }
    }
}
