//! Documents to draw.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::{
    AllowanceOrCharge, BankAccount, Document, DocumentKind, Line, Party, Tax, TaxCategory,
    TaxSubtotal, Totals,
};

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

pub(crate) fn tax(category: TaxCategory, rate: &str) -> Tax {
    Tax {
        category,
        rate: decimal(rate),
        reason: None,
        reason_code: None,
    }
}

pub(crate) fn line(name: &str, quantity: &str, unit: &str, price: &str, net: &str) -> Line {
    Line {
        name: name.to_owned(),
        description: None,
        sku: None,
        quantity: decimal(quantity),
        unit: unit.to_owned(),
        unit_code: "C62".to_owned(),
        unit_price: decimal(price),
        discount: Decimal::ZERO,
        discount_percent: None,
        net: decimal(net),
        tax: tax(TaxCategory::Standard, "19"),
    }
}

pub(crate) fn seller() -> Party {
    Party {
        name: "Lindner & Söhne Werkstätten GmbH".to_owned(),
        contact: Some("Katrin Lindner".to_owned()),
        street: Some("Ackerstraße 14".to_owned()),
        postal_code: Some("10115".to_owned()),
        city: Some("Berlin".to_owned()),
        country: Some("DE".to_owned()),
        vat_id: Some("DE123456789".to_owned()),
        registration: Some("HRB 12345 B".to_owned()),
        email: Some("rechnung@lindner.example".to_owned()),
        phone: Some("+49 30 1234567".to_owned()),
        website: Some("lindner.example".to_owned()),
        ..Party::default()
    }
}

/// An invoice with two lines of 1,000.00 in all and 19 % tax.
pub(crate) fn invoice() -> Document {
    let mut first = line("Oak table, oiled", "2", "pc", "400.00", "800.00");
    first.sku = Some("T-OAK-180".to_owned());
    first.description = Some("180 × 90 cm, legs of black steel".to_owned());
    Document {
        kind: DocumentKind::Invoice,
        number: "2026-0042".to_owned(),
        version: None,
        language: "en".to_owned(),
        issued_on: date(2026, 11, 20),
        due_on: Some(date(2026, 12, 4)),
        delivered_on: Some(date(2026, 11, 18)),
        period: None,
        currency: "EUR".to_owned(),
        digits: 2,
        seller: seller(),
        buyer: Party {
            name: "Café Morgenrot".to_owned(),
            contact: Some("Ms Adela Novák".to_owned()),
            street: Some("Kastanienallee 85".to_owned()),
            postal_code: Some("10435".to_owned()),
            city: Some("Berlin".to_owned()),
            country: Some("DE".to_owned()),
            ..Party::default()
        },
        buyer_reference: Some("PO-7781".to_owned()),
        about: None,
        lines: vec![
            first,
            line("Assembly on site", "4", "hour", "50.00", "200.00"),
        ],
        allowances_and_charges: Vec::new(),
        taxes: vec![TaxSubtotal {
            tax: tax(TaxCategory::Standard, "19"),
            taxable: decimal("1000.00"),
            amount: decimal("190.00"),
        }],
        totals: totals("1000.00", "190.00", "1190.00"),
        terms: Some("Payable within 14 days without deduction.".to_owned()),
        bank: Some(BankAccount {
            holder: None,
            iban: "DE02120300000000202051".to_owned(),
            bic: Some("BYLADEM1001".to_owned()),
            bank: Some("Deutsche Kreditbank".to_owned()),
        }),
        introduction: None,
        note: Some("Thank you for your order.".to_owned()),
        footer: Some(
            "Lindner & Söhne Werkstätten GmbH · Managing director: Katrin Lindner · Amtsgericht \
             Charlottenburg, HRB 12345 B"
                .to_owned(),
        ),
        logo: None,
        is_draft: false,
        home_tax: None,
    }
}

/// Totals without discounts and payments.
pub(crate) fn totals(net: &str, tax: &str, gross: &str) -> Totals {
    Totals {
        lines: decimal(net),
        allowances: Decimal::ZERO,
        charges: Decimal::ZERO,
        net: decimal(net),
        tax: decimal(tax),
        gross: decimal(gross),
        paid: Decimal::ZERO,
        due: decimal(gross),
    }
}

/// The same invoice with so many lines of 1.00 each.
pub(crate) fn with_lines(count: usize) -> Document {
    let net = Decimal::new(i64::try_from(count).unwrap() * 100, 2);
    let tax = net * decimal("0.19");
    let mut invoice = invoice();
    invoice.lines = (1..=count)
        .map(|number| {
            let mut line = line(
                &format!("Support ticket {number}: analysis and repair"),
                "1",
                "pc",
                "1.00",
                "1.00",
            );
            line.description = Some("As agreed by telephone, parts included".to_owned());
            line
        })
        .collect();
    invoice.totals = totals(&net.to_string(), &tax.to_string(), &(net + tax).to_string());
    invoice.taxes[0].taxable = net;
    invoice.taxes[0].amount = tax;
    invoice
}

/// In German, with everything that an invoice can have.
pub(crate) fn everything() -> Document {
    let mut invoice = invoice();
    invoice.language = "de".to_owned();
    invoice.introduction = Some(
        "Sehr geehrte Frau Novák,\n\nfür die folgenden Lieferungen und Leistungen erlauben wir uns zu berechnen:"
            .to_owned(),
    );
    let mut book = line("Fachbuch „Holz und Öl“", "12", "Stück", "9.3458", "112.15");
    book.tax = tax(TaxCategory::Standard, "7");
    let mut table = line("Eichentisch, geölt", "3", "Stück", "1400.00", "3780.00");
    table.sku = Some("T-EICHE-180".to_owned());
    table.description = Some("180 × 90 cm, Gestell aus schwarzem Stahl, mit einer Schublade und Kabeldurchlass. Lieferung frei Bordsteinkante.".to_owned());
    table.discount = decimal("420.00");
    table.discount_percent = Some(decimal("10"));
    let mut insurance = line("Transportversicherung", "1", "Pauschale", "80", "80.00");
    insurance.tax = Tax {
        reason: Some("Versicherungsleistung nach § 4 Nr. 10 UStG".to_owned()),
        reason_code: Some("VATEX-EU-132".to_owned()),
        ..tax(TaxCategory::Exempt, "0")
    };
    invoice.lines = vec![
        table,
        line("Montage vor Ort", "7.5", "Stunden", "68.00", "510.00"),
        book,
        insurance.clone(),
    ];
    invoice.allowances_and_charges = vec![
        AllowanceOrCharge {
            is_charge: false,
            amount: decimal("128.70"),
            percent: Some(decimal("3")),
            reason: "Treuerabatt".to_owned(),
            tax: tax(TaxCategory::Standard, "19"),
        },
        AllowanceOrCharge {
            is_charge: true,
            amount: decimal("45.00"),
            percent: None,
            reason: "Lieferung".to_owned(),
            tax: tax(TaxCategory::Standard, "19"),
        },
    ];
    invoice.taxes = vec![
        TaxSubtotal {
            tax: tax(TaxCategory::Standard, "19"),
            taxable: decimal("4206.30"),
            amount: decimal("799.20"),
        },
        TaxSubtotal {
            tax: tax(TaxCategory::Standard, "7"),
            taxable: decimal("112.15"),
            amount: decimal("7.85"),
        },
        TaxSubtotal {
            tax: insurance.tax,
            taxable: decimal("80.00"),
            amount: decimal("0.00"),
        },
    ];
    invoice.totals = Totals {
        lines: decimal("4482.15"),
        allowances: decimal("128.70"),
        charges: decimal("45.00"),
        net: decimal("4398.45"),
        tax: decimal("807.05"),
        gross: decimal("5205.50"),
        paid: decimal("1000.00"),
        due: decimal("4205.50"),
    };
    invoice.terms = Some("Zahlbar innerhalb von 14 Tagen ohne Abzug. Bei Zahlung innerhalb von 7 Tagen gewähren wir 2 % Skonto.".to_owned());
    invoice.note = Some("Vielen Dank für Ihren Auftrag.".to_owned());
    invoice
}
