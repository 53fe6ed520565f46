//! What an e-invoice says of a document, read back by the library's own reader, and why a document is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/samples/documents.rs"]
#[allow(dead_code)]
mod documents;

use bureau_documents::{
    AllowanceOrCharge, BankAccount, Document, DocumentKind, Error, Tax, TaxCategory, einvoice,
};
use documents::{dec, invoice, line, rate, standard};
use en16931::Invoice;
use en16931::invoice::{PaymentMeans, VatBreakdown};
use en16931_formats::{Read, Syntax, read};
use proptest::collection::vec;
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use rust_decimal::Decimal;

/// The document in a syntax and back; nothing may be left unread.
fn back(document: &Document, syntax: Syntax) -> Invoice {
    let xml = match syntax {
        Syntax::Ubl => einvoice::ubl(document),
        _ => einvoice::cii(document),
    };
    let Read {
        invoice, entries, ..
    } = read(&xml.unwrap()).unwrap();
    assert_eq!(entries, []);
    invoice
}

/// The document in both syntaxes and back, which say the same.
fn both(document: &Document) -> Invoice {
    let (ubl, cii) = (back(document, Syntax::Ubl), back(document, Syntax::Cii));
    assert_eq!(ubl, cii);
    ubl
}

/// What the document is refused with, the same in every form.
fn refused(document: &Document) -> String {
    let errors = [
        einvoice::ubl(document).unwrap_err(),
        einvoice::cii(document).unwrap_err(),
        einvoice::facturx(document, b"").unwrap_err(),
    ];
    assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
    match &errors[0] {
        Error::Incomplete(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

/// Takes something away from a document, or spoils it.
type Change = fn(&mut Document);

/// The plain invoice, changed.
fn plain_with(change: impl FnOnce(&mut Document)) -> Document {
    let mut document = documents::plain();
    change(&mut document);
    document
}

/// The plain invoice taxed in another way.
fn taxed(tax: Tax) -> Document {
    invoice(vec![line("Consulting", dec("10"), dec("95.00"), tax)])
}

fn totals(invoice: &Invoice) -> [String; 5] {
    let totals = &invoice.totals;
    [
        totals.line_total,
        totals.taxable_total,
        totals.vat_total.unwrap(),
        totals.gross_total,
        totals.due,
    ]
    .map(|amount| amount.to_string())
}

fn notes(invoice: &Invoice) -> Vec<&str> {
    invoice
        .notes
        .iter()
        .filter_map(|note| note.note.as_deref())
        .collect()
}

/// Category, rate, taxable amount, tax, reason, code.
fn taxes(invoice: &Invoice) -> Vec<String> {
    let words = |subtotal: &VatBreakdown| {
        format!(
            "{} {} {} {} {:?} {:?}",
            subtotal.category,
            subtotal.rate.unwrap(),
            subtotal.taxable_amount,
            subtotal.tax_amount,
            subtotal.exemption_reason.as_deref().unwrap_or_default(),
            subtotal
                .exemption_reason_code
                .as_ref()
                .map_or("", |code| code.as_str()),
        )
    };
    invoice.vat_breakdown.iter().map(words).collect()
}

#[test]
fn every_part_of_a_plain_invoice_has_its_place() {
    let read = both(&documents::plain());
    assert_eq!(
        read.specification_id.as_deref(),
        Some("urn:cen.eu:en16931:2017")
    );
    assert_eq!(read.business_process, None);
    assert_eq!(read.number.as_deref(), Some("INV-2026-0042"));
    assert_eq!(read.type_code.as_ref().unwrap().as_str(), "380");
    assert_eq!(read.issue_date.unwrap().to_string(), "2026-11-20");
    assert_eq!(read.due_date.unwrap().to_string(), "2026-12-20");
    assert_eq!(read.buyer_reference.as_deref(), Some("04011000-12345-67"));
    assert_eq!(
        read.payment_terms.as_deref(),
        Some("Payable within 30 days")
    );
    assert_eq!(notes(&read), ["For our work in November.\nThank you."]);
    let period = read.invoicing_period.unwrap();
    assert_eq!(period.start.unwrap().to_string(), "2026-11-01");
    assert_eq!(period.end.unwrap().to_string(), "2026-11-18");
    let delivery = read.delivery.unwrap();
    assert_eq!(delivery.date.unwrap().to_string(), "2026-11-18");
    assert_eq!(delivery.address, None);

    let seller = &read.seller;
    assert_eq!(seller.name.as_deref(), Some("Quill & Anchor GmbH"));
    assert_eq!(seller.vat_identifier.as_deref(), Some("DE123456789"));
    assert_eq!(
        seller.legal_registration.as_ref().unwrap().content(),
        "HRB 98765"
    );
    assert_eq!(seller.identifiers, []);
    assert_eq!(
        seller.electronic_address.as_ref().unwrap().to_string(),
        "EM:billing@quill-anchor.example"
    );
    assert_eq!(seller.contact.name.as_deref(), Some("Mara Feld"));
    assert_eq!(
        seller.additional_legal_information.as_deref(),
        Some("Amtsgericht Hamburg, HRB 98765")
    );
    assert_eq!(seller.contact.phone.as_deref(), Some("+49 40 5550100"));
    let address = &read.buyer.address;
    assert_eq!(address.line1.as_deref(), Some("Kaistrasse 101"));
    assert_eq!(address.post_code.as_deref(), Some("24103"));
    assert_eq!(address.city.as_deref(), Some("Kiel"));
    assert_eq!(address.country.as_ref().unwrap().as_str(), "DE");
    let abroad = both(&documents::export());
    assert_eq!(abroad.buyer.address.subdivision.as_deref(), Some("ME"));
    assert_eq!(abroad.currency.unwrap().as_str(), "USD");

    let payment = read.payment.unwrap();
    assert_eq!(payment.means_code.as_ref().unwrap().as_str(), "58");
    assert_eq!(
        payment.remittance_information.as_deref(),
        Some("INV-2026-0042")
    );
    let Some(PaymentMeans::CreditTransfer(accounts)) = payment.means else {
        panic!("no credit transfer")
    };
    assert_eq!(
        accounts[0].account_identifier.as_deref(),
        Some("DE02120300000000202051")
    );
    assert_eq!(
        accounts[0].provider_identifier.as_deref(),
        Some("BYLADEM1001")
    );

    let first = &read.lines[0];
    assert_eq!(first.id, "1");
    assert_eq!(first.item.name.as_deref(), Some("Consulting"));
    assert_eq!(first.item.description.as_deref(), Some("As agreed"));
    assert_eq!(first.item.seller_identifier.as_deref(), Some("Q-100"));
    assert_eq!(first.unit_code.as_str(), "HUR");
}

#[test]
fn the_worked_cases_keep_their_amounts() {
    let cases = [
        (
            documents::mixed_rates(),
            ["1547.30", "1547.30", "259.92", "1807.22", "1807.22"],
            vec![
                "S 19 1280.00 243.20 \"\" \"\"",
                "S 7 238.80 16.72 \"\" \"\"",
                "Z 0 28.50 0.00 \"\" \"\"",
            ],
        ),
        (
            documents::discount_and_charge(),
            ["873.00", "815.70", "140.85", "956.55", "956.55"],
            vec!["S 19 697.97 132.61 \"\" \"\"", "S 7 117.73 8.24 \"\" \"\""],
        ),
        (
            documents::four_decimals(),
            ["398.30", "398.30", "75.68", "473.98", "473.98"],
            vec!["S 19 398.30 75.68 \"\" \"\""],
        ),
        (
            documents::partly_paid(),
            ["950.00", "950.00", "180.50", "1130.50", "730.50"],
            vec!["S 19 950.00 180.50 \"\" \"\""],
        ),
        (
            documents::reverse_charge(),
            ["950.00", "950.00", "0.00", "950.00", "950.00"],
            vec!["AE 0 950.00 0.00 \"Reverse charge: the recipient is liable for the tax\" \"\""],
        ),
        (
            documents::intra_community(),
            ["747.00", "747.00", "0.00", "747.00", "747.00"],
            vec!["K 0 747.00 0.00 \"\" \"VATEX-EU-IC\""],
        ),
        (
            documents::export(),
            ["747.00", "747.00", "0.00", "747.00", "747.00"],
            vec!["G 0 747.00 0.00 \"\" \"VATEX-EU-G\""],
        ),
        (
            documents::exempt(),
            ["384.50", "384.50", "4.66", "389.16", "389.16"],
            vec![
                "E 0 360.00 0.00 \"Exempt: article 132 (1) (i) of directive 2006/112/EC\" \"VATEX-EU-132-1I\"",
                "S 19 24.50 4.66 \"\" \"\"",
            ],
        ),
        (
            documents::out_of_scope(),
            ["500.00", "500.00", "0.00", "500.00", "500.00"],
            vec!["O 0 500.00 0.00 \"Compensation, not subject to VAT\" \"\""],
        ),
        (
            documents::yen(),
            ["9944.00", "9944.00", "969.00", "10913.00", "10913.00"],
            vec![
                "S 10 8645.00 865.00 \"\" \"\"",
                "S 8 1299.00 104.00 \"\" \"\"",
            ],
        ),
        (
            documents::credit_note(),
            ["190.00", "190.00", "36.10", "226.10", "226.10"],
            vec!["S 19 190.00 36.10 \"\" \"\""],
        ),
    ];
    for (document, wanted, wanted_taxes) in cases {
        for syntax in [Syntax::Ubl, Syntax::Cii] {
            let read = back(&document, syntax);
            assert_eq!(totals(&read), wanted, "{} {syntax}", document.number);
            assert_eq!(taxes(&read), wanted_taxes);
        }
    }
}

#[test]
fn every_sample_is_the_same_in_both_syntaxes() {
    for (name, document) in documents::all() {
        let (mut ubl, mut cii) = (back(&document, Syntax::Ubl), back(&document, Syntax::Cii));
        // A credit note in UBL has no place for it.
        if document.kind == DocumentKind::CreditNote {
            assert_eq!(ubl.due_date.take(), None, "{name}");
            assert!(cii.due_date.take().is_some(), "{name}");
        }
        assert_eq!(ubl, cii, "{name}");
        assert_eq!(ubl.lines.len(), document.lines.len(), "{name}");
    }
}

/// A line with up to four digits in quantity and price, some of them below zero, and a discount of up to half of it.
fn any_line() -> impl Strategy<Value = bureau_documents::Line> {
    let taxes = prop_oneof![
        Just(standard()),
        Just(rate(TaxCategory::Standard, dec("5.5"))),
        Just(rate(TaxCategory::Zero, dec("0"))),
        Just(Tax {
            reason: Some("Exempt".to_owned()),
            ..rate(TaxCategory::Exempt, dec("0"))
        }),
    ];
    let numbers = (
        -9_999_999i64..=9_999_999,
        -9_999_999i64..=9_999_999,
        0..=50i64,
    );
    (numbers, taxes).prop_map(|((quantity, price, percent), tax)| {
        let mut line = line(
            "Anything",
            Decimal::new(quantity, 4),
            Decimal::new(price, 4),
            tax,
        );
        line.discount_percent = (percent > 0).then(|| Decimal::from(percent));
        line
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_computed_invoice_keeps_its_amounts(lines in vec(any_line(), 1..8), is_yen in any::<bool>(), paid in 0..=100i64) {
        let mut document = documents::plain();
        if is_yen {
            document.currency = "JPY".to_owned();
            document.digits = 0;
        }
        document.lines = lines;
        for line in &mut document.lines {
            let whole = line.quantity * line.unit_price;
            let share = line.discount_percent.unwrap_or_default() / dec("100");
            line.discount = (whole * share).round_dp(document.digits);
        }
        document.totals.paid = Decimal::from(paid);
        let document = documents::computed(document);
        let read = both(&document);
        let wanted = &document.totals;
        prop_assert_eq!(
            totals(&read),
            [wanted.lines, wanted.net, wanted.tax, wanted.gross, wanted.due]
                .map(|amount| format!("{amount:.2}"))
        );
        for (line, read) in document.lines.iter().zip(&read.lines) {
            prop_assert_eq!(
                line.quantity * line.unit_price,
                read.quantity.into_decimal() * read.price.net_price.into_decimal()
            );
            prop_assert!(!read.price.net_price.is_negative());
            prop_assert_eq!(line.net, read.net_amount.into_decimal());
        }
    }
}

#[test]
fn an_invoice_lacks_only_names_of_a_network_to_be_one_of_peppol_or_xrechnung() {
    for (name, document) in documents::all() {
        for profile in [
            &en16931::profiles::PEPPOL_BIS_3,
            &en16931::profiles::XRECHNUNG,
        ] {
            let mut read = back(&document, Syntax::Cii);
            read.specification_id = Some(profile.specification_id.to_owned());
            let report = profile.validate(&read);
            let lacking = report.fatal().filter(|finding| {
                // The process, the kind of address, and an address where the buyer has none.
                !matches!(
                    finding.rule.as_str(),
                    "PEPPOL-EN16931-R001" | "PEPPOL-EN16931-CL008" | "PEPPOL-EN16931-R010"
                )
            });
            assert_eq!(lacking.count(), 0, "{name}: {report}");
        }
    }
}

#[test]
fn quantities_and_prices_keep_four_digits_and_a_price_is_never_negative() {
    let read = both(&documents::four_decimals());
    assert_eq!(read.lines[0].quantity.to_string(), "1234.5678");
    assert_eq!(read.lines[0].price.net_price.to_string(), "0.3127");

    let read = both(&documents::negative_price());
    assert_eq!(read.lines[1].quantity.to_string(), "-1");
    assert_eq!(read.lines[1].price.net_price.to_string(), "120");
    assert_eq!(read.lines[1].net_amount.to_string(), "-120.00");
}

#[test]
fn discounts_say_what_they_are_of() {
    let read = both(&documents::line_discounts());
    let percent = &read.lines[0].allowances[0];
    assert_eq!(percent.amount.to_string(), "125.00");
    assert_eq!(percent.percentage.unwrap().to_string(), "12.5");
    assert_eq!(percent.base_amount.unwrap().to_string(), "999.99");
    assert_eq!(percent.reason_code.as_ref().unwrap().as_str(), "95");
    let fixed = &read.lines[1].allowances[0];
    assert_eq!(fixed.amount.to_string(), "50.00");
    assert_eq!((fixed.percentage, fixed.base_amount), (None, None));

    let read = both(&documents::discount_and_charge());
    let words = |amount: Option<en16931::InvoiceAmount>| amount.unwrap().to_string();
    assert_eq!(words(read.totals.allowance_total), "87.30");
    assert_eq!(words(read.totals.charge_total), "30.00");
    assert_eq!(read.allowances.len(), 2);
    assert_eq!(words(read.allowances[1].base_amount), "126.00");
    assert_eq!(read.allowances[1].vat.rate.unwrap().to_string(), "7");
    assert_eq!(read.charges[0].reason.as_deref(), Some("Delivery"));
}

#[test]
fn a_credit_note_names_the_invoice_that_it_takes_back() {
    let document = documents::credit_note();
    let xml = String::from_utf8(einvoice::ubl(&document).unwrap()).unwrap();
    assert!(xml.contains("<CreditNote "), "{xml}");
    let read = back(&document, Syntax::Cii);
    assert_eq!(read.type_code.as_ref().unwrap().as_str(), "381");
    let about = &read.preceding_invoices[0];
    assert_eq!(about.reference.as_str(), "INV-2026-0042");
    assert_eq!(about.issue_date.unwrap().to_string(), "2026-10-01");
}

#[test]
fn what_is_not_subject_to_vat_names_no_party_by_it() {
    let read = both(&documents::out_of_scope());
    assert_eq!(read.seller.vat_identifier, None);
    assert_eq!(read.buyer.vat_identifier, None);
    assert_eq!(read.lines[0].vat.rate, None);
}

#[test]
fn a_supply_to_another_member_state_goes_to_the_buyer() {
    let read = both(&documents::intra_community());
    let address = read.delivery.unwrap().address.unwrap();
    assert_eq!(address.country.unwrap().as_str(), "ES");
    assert_eq!(address.city.as_deref(), Some("Santander"));
}

#[test]
fn a_seller_with_only_a_tax_number_is_known_by_it() {
    let read = both(&documents::small_seller());
    assert_eq!(
        read.seller.tax_registration.as_deref(),
        Some("143/216/50317")
    );
    assert_eq!(read.seller.identifiers[0].content(), "143/216/50317");
}

#[test]
fn a_reason_at_a_rate_of_zero_becomes_a_note() {
    let read = both(&documents::zero_rated());
    assert_eq!(
        notes(&read),
        ["For our work in November.\nThank you.\nZero rate for solar panels"]
    );
    assert!(!read.vat_breakdown[0].has_exemption_reason());
}

#[test]
fn an_account_outside_of_sepa_or_the_euro_is_paid_by_a_plain_transfer() {
    let means = |document: &Document| {
        let payment = both(document).payment.unwrap();
        payment.means_code.unwrap().as_str().to_owned()
    };
    assert_eq!(means(&documents::plain()), "58");
    assert_eq!(means(&documents::export()), "30");
    let turkish = plain_with(|document| {
        document.bank = Some(BankAccount {
            holder: None,
            iban: "TR33 0006 1005 1978 6457 8413 26".to_owned(),
            bic: None,
            bank: None,
        });
    });
    assert_eq!(means(&turkish), "30");
    let none = plain_with(|document| document.bank = None);
    assert_eq!(both(&none).payment, None);
}

#[test]
fn texts_of_any_script_survive_and_what_xml_cannot_hold_is_left_out() {
    let read = both(&documents::any_script());
    assert_eq!(read.buyer.name.as_deref(), Some("Ελαιώνες <Κρήτη> & Σία"));
    assert_eq!(read.buyer.vat_identifier.as_deref(), Some("EL123456783"));
    assert_eq!(
        read.lines[0].item.name.as_deref(),
        Some("翻訳 \"العربية\" – наём")
    );
}

#[test]
fn blank_texts_are_not_there() {
    let document = plain_with(|document| {
        document.buyer_reference = Some(" ".to_owned());
        document.buyer.email = Some(String::new());
        document.note = Some("\n".to_owned());
    });
    let read = both(&document);
    assert_eq!(read.buyer_reference, None);
    assert_eq!(read.buyer.electronic_address, None);
    assert_eq!(notes(&read), ["For our work in November."]);
}

#[test]
fn a_quotation_and_a_currency_of_three_digits_have_no_e_invoice() {
    let quotation = plain_with(|document| document.kind = DocumentKind::Quotation);
    assert_eq!(
        refused(&quotation),
        "A quotation has no e-invoice. Make an invoice from it first."
    );
    let dinar = plain_with(|document| {
        document.currency = "KWD".to_owned();
        document.digits = 3;
    });
    assert_eq!(
        refused(&dinar),
        "Amounts in KWD have 3 digits after the point, and an e-invoice holds two. Send this document as a PDF (BR-DEC-*)."
    );
}

#[test]
fn what_is_missing_is_said_in_plain_words() {
    let missing: [(Change, &str); 18] = [
        (
            |document| document.number.clear(),
            "The document has no number. Issue it first (BR-02).",
        ),
        (
            |document| document.buyer.name.clear(),
            "The buyer has no name. Set it (BR-07).",
        ),
        (
            |document| document.buyer.country = None,
            "The buyer has no country. Set it in the buyer's address (BR-11).",
        ),
        (
            |document| document.seller.country = Some("Germany".to_owned()),
            "The seller's country \"Germany\" is none of ISO 3166-1. Set it as two letters, such as FR (BR-CL-14).",
        ),
        (
            |document| document.buyer.vat_id = Some("987654321".to_owned()),
            "The buyer's VAT identifier \"987654321\" does not start with the two letters of a country. Correct it (BR-CO-09).",
        ),
        (
            |document| document.seller.vat_id = None,
            "The seller has neither a VAT identifier nor a tax number, and a rate above zero asks for one. Set it (BR-S-02).",
        ),
        (
            |document| document.currency = "EURO".to_owned(),
            "\"EURO\" is no currency that an e-invoice can be in. Use one of ISO 4217 (BR-CL-04).",
        ),
        (
            |document| {
                document.due_on = None;
                document.terms = None;
            },
            "It is not said when to pay. Set a due date or terms of payment (BR-CO-25).",
        ),
        (
            |document| document.period = document.period.map(|(start, end)| (end, start)),
            "The period ends before it starts. Correct its days (BR-29).",
        ),
        (
            |document| document.lines[0].unit_code = "hour".to_owned(),
            "Line 1 has the unit code \"hour\", which is none of UN/ECE recommendations 20 and 21. Set one, such as C62 for a piece or HUR for an hour (BR-CL-23).",
        ),
        (
            |document| document.lines[0].name.clear(),
            "Line 1 does not say what it is. Set its description (BR-25).",
        ),
        (
            |document| document.bank.as_mut().unwrap().iban.clear(),
            "The bank account has no number. Set its IBAN, or take the account away (BR-50).",
        ),
        (
            |document| {
                document.about = Some(bureau_documents::Reference {
                    number: String::new(),
                    issued_on: document.issued_on,
                });
            },
            "The document that this one is about has no number. Name the invoice that it takes back (BR-55).",
        ),
        (
            |document| document.totals.gross += dec("1"),
            "The total with tax should be 1130.50 and is 1131.50. Compute the document again (BR-CO-15). \
             The amount to be paid should be 1131.50 and is 1130.50. Compute the document again (BR-CO-16).",
        ),
        (
            |document| document.lines[0].net = dec("949.995"),
            "The amount 949.995 has more than two digits after the point. Round it first (BR-DEC-*).",
        ),
        (
            |document| {
                // Within what the rules of the standard let pass, but not what 19 % of 950.00 is.
                document.taxes[0].amount = dec("180.51");
                document.totals.tax = dec("180.51");
                document.totals.gross = dec("1130.51");
                document.totals.due = dec("1130.51");
            },
            "The tax of category S at 19 % is 180.51 on the document, but 180.50 by its lines. Compute the document again.",
        ),
        (
            |document| document.lines[0].tax.rate = dec("0"),
            "The taxable amount of category S should be 0.00 and is 950.00. Compute the document again (BR-S-08). \
             The rate of line 1 does not fit its tax category S, which is for a rate above zero. Correct the tax rate (BR-S-05).",
        ),
        (
            |document| document.taxes[0].tax.category = TaxCategory::Zero,
            "The tax of category S is on a line, but not among the taxes. Compute the document again (BR-S-01). \
             The taxable amount of category Z should be 0.00 and is 950.00. Compute the document again (BR-Z-08). \
             The tax of category Z should be 0.00 and is 180.50. Compute the document again (BR-Z-09).",
        ),
    ];
    for (change, wanted) in missing {
        assert_eq!(refused(&plain_with(change)), wanted);
    }
}

#[test]
fn a_rate_that_is_missing_from_the_taxes_is_found() {
    let mut document = documents::mixed_rates();
    let reduced = document.taxes.remove(1);
    document.totals.tax -= reduced.amount;
    document.totals.gross -= reduced.amount;
    document.totals.due -= reduced.amount;
    assert_eq!(
        refused(&document),
        "The taxable amount of category S at 7 % is 0.00 on the document, but 238.80 by its lines. Compute the document again."
    );
}

#[test]
fn each_tax_category_asks_for_what_it_needs() {
    let mut buyer_unknown = documents::reverse_charge();
    buyer_unknown.buyer.vat_id = None;
    assert_eq!(
        refused(&buyer_unknown),
        "The buyer has no VAT identifier, which reverse charge asks for. Set it (BR-AE-02)."
    );

    let mut undelivered = documents::intra_community();
    undelivered.delivered_on = None;
    undelivered.period = None;
    assert_eq!(
        refused(&undelivered),
        "A supply to another member state has to say when it was delivered. Set the day of delivery or the period (BR-IC-11)."
    );

    let mut nowhere = documents::intra_community();
    nowhere.buyer.country = None;
    assert_eq!(
        refused(&nowhere),
        "The buyer has no country. Set it in the buyer's address (BR-11)."
    );

    let mut seller_unknown = documents::export();
    seller_unknown.seller.vat_id = None;
    assert_eq!(
        refused(&seller_unknown),
        "The seller has no VAT identifier, which an export asks for. Set it (BR-G-02)."
    );

    assert_eq!(
        refused(&taxed(rate(TaxCategory::Exempt, dec("0")))),
        "It is not said why there is no tax on an exemption (category E). Set the reason of the tax rate, in words or as a code of the VATEX list (BR-E-10)."
    );

    let unknown = Tax {
        reason_code: Some("VATEX-XX".to_owned()),
        ..rate(TaxCategory::Exempt, dec("0"))
    };
    assert_eq!(
        refused(&taxed(unknown)),
        "The reason for category E at 0 % has the code \"VATEX-XX\", which is none of the VATEX list. Correct it or take it away (BR-CL-22)."
    );

    let two_reasons = invoice(
        ["Teaching", "Insurance"]
            .map(|reason| {
                let tax = Tax {
                    reason: Some(reason.to_owned()),
                    ..rate(TaxCategory::Exempt, dec("0"))
                };
                line(reason, dec("1"), dec("100.00"), tax)
            })
            .to_vec(),
    );
    assert!(
        refused(&two_reasons).starts_with(
            "An e-invoice has one sum for an exemption (category E), with one reason."
        ),
        "{}",
        refused(&two_reasons)
    );

    let mut unregistered = documents::out_of_scope();
    unregistered.seller.registration = None;
    assert_eq!(
        refused(&unregistered),
        "An invoice that is not subject to VAT may not name the seller by a VAT identifier. Set the seller's entry in a register or its tax number (BR-CO-26)."
    );

    let mixed = invoice(vec![
        line("Consulting", dec("1"), dec("95.00"), standard()),
        documents::out_of_scope().lines.remove(0),
    ]);
    assert!(
        refused(&mixed)
            .contains("What is not subject to VAT cannot share an e-invoice with anything else."),
        "{}",
        refused(&mixed)
    );
}

#[test]
fn a_charge_needs_a_reason_and_a_discount_is_one() {
    let with = |is_charge| {
        let mut document = documents::plain();
        document.allowances_and_charges = vec![AllowanceOrCharge {
            is_charge,
            amount: dec("10.00"),
            percent: None,
            reason: String::new(),
            tax: standard(),
        }];
        documents::computed(document)
    };
    assert_eq!(
        refused(&with(true)),
        "Charge 1 on the document does not say what it is for. Set its reason (BR-38)."
    );
    let read = both(&with(false));
    assert_eq!(
        read.allowances[0].reason_code.as_ref().unwrap().as_str(),
        "95"
    );
}

#[test]
fn of_many_objections_the_first_are_told() {
    let document = invoice(
        (0..1000)
            .map(|_| {
                let mut line = line("Consulting", dec("1"), dec("95.00"), standard());
                line.unit_code.clear();
                line
            })
            .collect(),
    );
    let text = refused(&document);
    assert!(text.starts_with("Line 1 has the unit code"), "{text}");
    assert!(
        text.contains("Line 5 has") && !text.contains("Line 6 has"),
        "{text}"
    );
    assert!(text.ends_with(" There are 995 more."), "{text}");
}

#[test]
fn a_page_that_is_no_pdf_a_takes_no_e_invoice() {
    let error = einvoice::facturx(&documents::plain(), b"%PDF-1.7\n%%EOF\n").unwrap_err();
    assert!(matches!(error, Error::Internal(_)), "{error:?}");
}

#[cfg(feature = "pdf")]
#[test]
fn factur_x_is_the_page_with_the_cii_behind_it_and_always_the_same() {
    let document = documents::plain();
    let page = bureau_documents::pdf(&document, &bureau_documents::Fonts::new(None)).unwrap();
    let hybrid = einvoice::facturx(&document, &page).unwrap();
    assert!(hybrid.starts_with(&page));
    assert_eq!(hybrid, einvoice::facturx(&document, &page).unwrap());

    let read = read(&hybrid).unwrap();
    let inside = read.pdf.unwrap();
    assert_eq!(inside.filename, "factur-x.xml");
    assert_eq!(inside.xml, einvoice::cii(&document).unwrap());
    assert!(inside.divergence.is_empty(), "{:?}", inside.divergence);
    assert_eq!(read.invoice, both(&document));

    let twice = einvoice::facturx(&document, &hybrid).unwrap_err();
    assert!(matches!(twice, Error::Internal(_)), "{twice:?}");
}
