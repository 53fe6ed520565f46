//! What a document costs to draw: `cargo bench -p bureau-documents --features pdf`.

#![allow(clippy::unwrap_used)]

use bureau_documents::{
    BankAccount, Document, DocumentKind, Fonts, Line, Party, Tax, TaxCategory, TaxSubtotal, Totals,
    pdf,
};
use chrono::NaiveDate;
use criterion::{Criterion, criterion_group, criterion_main};
use rust_decimal::Decimal;
use std::hint::black_box;

fn documents(c: &mut Criterion) {
    let fonts = Fonts::new(None);
    c.bench_function("documents/fonts", |b| {
        b.iter(|| black_box(Fonts::new(None)));
    });
    for (name, lines) in [("10 lines", 10), ("1,000 lines", 1000)] {
        let document = invoice(lines);
        c.bench_function(&format!("documents/pdf of {name}"), |b| {
            b.iter(|| black_box(pdf(&document, &fonts).unwrap()));
        });
    }
}

/// An invoice of so many lines of 10.00 each, with its QR code.
fn invoice(lines: i64) -> Document {
    let tax = Tax {
        category: TaxCategory::Standard,
        rate: Decimal::from(20),
        reason: None,
        reason_code: None,
    };
    let net = Decimal::from(10 * lines);
    let vat = Decimal::from(2 * lines);
    let party = |name: &str, city: &str| Party {
        name: name.to_owned(),
        street: Some("Rue de la Gare 12".to_owned()),
        postal_code: Some("75010".to_owned()),
        city: Some(city.to_owned()),
        country: Some("FR".to_owned()),
        vat_id: Some("FR32123456789".to_owned()),
        ..Party::default()
    };
    Document {
        kind: DocumentKind::Invoice,
        number: "2026-0042".to_owned(),
        version: None,
        language: "fr".to_owned(),
        issued_on: NaiveDate::default(),
        due_on: Some(NaiveDate::default()),
        delivered_on: None,
        period: None,
        currency: "EUR".to_owned(),
        digits: 2,
        seller: party("Ébénisterie Moreau SARL", "Paris"),
        buyer: party("Café de l’Étoile", "Paris"),
        buyer_reference: None,
        about: None,
        lines: (1..=lines)
            .map(|number| Line {
                name: format!("Réparation n° {number}"),
                description: Some("Chaise en chêne, dossier et assise".to_owned()),
                sku: None,
                quantity: Decimal::ONE,
                unit: "pièce".to_owned(),
                unit_code: "C62".to_owned(),
                unit_price: Decimal::TEN,
                discount: Decimal::ZERO,
                discount_percent: None,
                net: Decimal::TEN,
                tax: tax.clone(),
            })
            .collect(),
        allowances_and_charges: Vec::new(),
        taxes: vec![TaxSubtotal {
            tax,
            taxable: net,
            amount: vat,
        }],
        totals: Totals {
            lines: net,
            allowances: Decimal::ZERO,
            charges: Decimal::ZERO,
            net,
            tax: vat,
            gross: net + vat,
            paid: Decimal::ZERO,
            due: net + vat,
        },
        terms: Some("Payable à réception.".to_owned()),
        bank: Some(BankAccount {
            holder: None,
            iban: "FR7630006000011234567890189".to_owned(),
            bic: None,
            bank: None,
        }),
        introduction: None,
        note: None,
        footer: None,
        logo: None,
        is_draft: false,
        home_tax: None,
    }
}

criterion_group!(benches, documents);
criterion_main!(benches);
