//! Documents of a made-up firm, one for each thing that an e-invoice has to get right.

use bureau_documents::{
    AllowanceOrCharge, BankAccount, Document, DocumentKind, Line, Party, Reference, Tax,
    TaxCategory, TaxSubtotal, Totals,
};
use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

/// Every sample by its name.
pub(crate) fn all() -> Vec<(&'static str, Document)> {
    vec![
        ("plain", plain()),
        ("mixed-rates", mixed_rates()),
        ("discount-and-charge", discount_and_charge()),
        ("line-discounts", line_discounts()),
        ("four-decimals", four_decimals()),
        ("negative-price", negative_price()),
        ("partly-paid", partly_paid()),
        ("reverse-charge", reverse_charge()),
        ("intra-community", intra_community()),
        ("export", export()),
        ("exempt", exempt()),
        ("small-seller", small_seller()),
        ("zero-rated", zero_rated()),
        ("out-of-scope", out_of_scope()),
        ("credit-note", credit_note()),
        ("yen", yen()),
        ("any-script", any_script()),
        ("arabic", arabic()),
        ("hebrew", hebrew()),
        ("thousand-lines", thousand_lines()),
    ]
}

/// A number as it is written.
pub(crate) fn dec(text: &str) -> Decimal {
    text.parse().expect("a number")
}

pub(crate) fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a day")
}

/// One line at one rate, with everything that an invoice can say.
pub(crate) fn plain() -> Document {
    invoice(vec![line(
        "Consulting",
        dec("10"),
        dec("95.00"),
        standard(),
    )])
}

/// Two rates and a rate of zero.
pub(crate) fn mixed_rates() -> Document {
    invoice(vec![
        line("Workshop", dec("2"), dec("640.00"), standard()),
        line(
            "Handbook",
            dec("12"),
            dec("19.90"),
            rate(TaxCategory::Standard, dec("7")),
        ),
        line(
            "Postage stamp",
            dec("30"),
            dec("0.95"),
            rate(TaxCategory::Zero, dec("0")),
        ),
    ])
}

/// Ten percent off the whole, and a charge for the delivery, both spread over two rates.
pub(crate) fn discount_and_charge() -> Document {
    let reduced = rate(TaxCategory::Standard, dec("7"));
    let mut document = invoice(vec![
        line("Desk", dec("3"), dec("249.00"), standard()),
        line("Catalogue", dec("4"), dec("31.50"), reduced.clone()),
    ]);
    let part = |is_charge, amount, percent, reason: &str, tax: &Tax| AllowanceOrCharge {
        is_charge,
        amount,
        percent,
        reason: reason.to_owned(),
        tax: tax.clone(),
    };
    document.allowances_and_charges = vec![
        part(
            false,
            dec("74.70"),
            Some(dec("10")),
            "Autumn discount",
            &standard(),
        ),
        part(
            false,
            dec("12.60"),
            Some(dec("10")),
            "Autumn discount",
            &reduced,
        ),
        part(true, dec("25.67"), None, "Delivery", &standard()),
        part(true, dec("4.33"), None, "Delivery", &reduced),
    ];
    computed(document)
}

/// A discount in percent on one line, an amount off another.
pub(crate) fn line_discounts() -> Document {
    let mut document = plain();
    let mut percent = line("Training", dec("3"), dec("333.33"), standard());
    percent.discount = dec("125.00");
    percent.discount_percent = Some(dec("12.5"));
    let mut fixed = line("Licence", dec("1"), dec("1200.00"), standard());
    fixed.discount = dec("50.00");
    document.lines = vec![percent, fixed];
    computed(document)
}

/// Quantities and prices of four digits.
pub(crate) fn four_decimals() -> Document {
    invoice(vec![
        line("Electricity", dec("1234.5678"), dec("0.3127"), standard()),
        line(
            "Paper, by the sheet",
            dec("2500"),
            dec("0.0049"),
            standard(),
        ),
    ])
}

/// A rebate as a line of its own, with a price below zero.
pub(crate) fn negative_price() -> Document {
    invoice(vec![
        line("Consulting", dec("10"), dec("95.00"), standard()),
        line("Rebate for last year", dec("1"), dec("-120.00"), standard()),
    ])
}

pub(crate) fn partly_paid() -> Document {
    let mut document = plain();
    document.totals.paid = dec("400.00");
    computed(document)
}

/// The buyer in another member state owes the tax on a service.
pub(crate) fn reverse_charge() -> Document {
    let tax = Tax {
        reason: Some("Reverse charge: the recipient is liable for the tax".to_owned()),
        ..rate(TaxCategory::ReverseCharge, dec("0"))
    };
    let mut document = invoice(vec![line("Consulting", dec("10"), dec("95.00"), tax)]);
    document.buyer = spanish();
    document
}

/// Goods to another member state, with the code of the reason only.
pub(crate) fn intra_community() -> Document {
    let tax = Tax {
        reason_code: Some("VATEX-EU-IC".to_owned()),
        ..rate(TaxCategory::IntraCommunity, dec("0"))
    };
    let mut document = invoice(vec![line("Desk", dec("3"), dec("249.00"), tax)]);
    document.buyer = spanish();
    document
}

/// Goods to a country outside of the EU, with no reason but the category.
pub(crate) fn export() -> Document {
    let tax = rate(TaxCategory::Export, dec("0"));
    let mut document = invoice(vec![line("Desk", dec("3"), dec("249.00"), tax)]);
    document.currency = "USD".to_owned();
    document.buyer = Party {
        name: "Harbor Supply Inc.".to_owned(),
        street: Some("12 Wharf Street".to_owned()),
        postal_code: Some("04101".to_owned()),
        city: Some("Portland".to_owned()),
        region: Some("ME".to_owned()),
        country: Some("US".to_owned()),
        ..Party::default()
    };
    document
}

/// An exempt service beside a taxed one.
pub(crate) fn exempt() -> Document {
    let tax = Tax {
        reason: Some("Exempt: article 132 (1) (i) of directive 2006/112/EC".to_owned()),
        reason_code: Some("VATEX-EU-132-1I".to_owned()),
        ..rate(TaxCategory::Exempt, dec("0"))
    };
    invoice(vec![
        line("Language course", dec("8"), dec("45.00"), tax),
        line("Course book", dec("1"), dec("24.50"), standard()),
    ])
}

/// A small business that has only a tax number and takes no tax.
pub(crate) fn small_seller() -> Document {
    let tax = Tax {
        reason: Some("No VAT, as the seller is a small business".to_owned()),
        ..rate(TaxCategory::Exempt, dec("0"))
    };
    let mut document = invoice(vec![line("Portrait", dec("1"), dec("380.00"), tax)]);
    document.seller.vat_id = None;
    document.seller.registration = None;
    document.seller.tax_number = Some("143/216/50317".to_owned());
    document
}

/// A rate of zero, with a reason for which the standard has no place but a note.
pub(crate) fn zero_rated() -> Document {
    let tax = Tax {
        reason: Some("Zero rate for solar panels".to_owned()),
        ..rate(TaxCategory::Zero, dec("0"))
    };
    invoice(vec![line("Solar panel", dec("14"), dec("189.00"), tax)])
}

/// Not subject to the tax, between two parties that have VAT identifiers.
pub(crate) fn out_of_scope() -> Document {
    let tax = Tax {
        reason: Some("Compensation, not subject to VAT".to_owned()),
        ..rate(TaxCategory::OutOfScope, dec("0"))
    };
    invoice(vec![line("Compensation", dec("1"), dec("500.00"), tax)])
}

/// Takes a part of an invoice back.
pub(crate) fn credit_note() -> Document {
    let mut document = invoice(vec![line("Consulting", dec("2"), dec("95.00"), standard())]);
    document.kind = DocumentKind::CreditNote;
    document.number = "CN-2026-0007".to_owned();
    document.about = Some(Reference {
        number: "INV-2026-0042".to_owned(),
        issued_on: day(2026, 10, 1),
    });
    document
}

/// A currency without digits after the point, whose tax is rounded to the yen.
pub(crate) fn yen() -> Document {
    let mut document = invoice(vec![
        line(
            "Translation",
            dec("7"),
            dec("1235"),
            rate(TaxCategory::Standard, dec("10")),
        ),
        line(
            "Tea",
            dec("3"),
            dec("433"),
            rate(TaxCategory::Standard, dec("8")),
        ),
    ]);
    document.currency = "JPY".to_owned();
    document.digits = 0;
    document.bank = Some(BankAccount {
        holder: None,
        iban: "0123456".to_owned(),
        bic: Some("EXAMJPJT".to_owned()),
        bank: Some("Example Bank".to_owned()),
    });
    computed(document)
}

/// Names in other scripts, and what XML has to escape.
pub(crate) fn any_script() -> Document {
    let mut document = plain();
    document.buyer.name = "Ελαιώνες <Κρήτη> & Σία".to_owned();
    document.buyer.country = Some("GR".to_owned());
    document.buyer.vat_id = Some("EL 123 456 783".to_owned());
    document.lines = vec![line(
        "翻訳 \"العربية\" – наём\u{7}",
        dec("1"),
        dec("80.00"),
        standard(),
    )];
    computed(document)
}

/// In Arabic, whose page is mirrored, from Riyadh to Amman, with names, numbers and an address in Latin letters among it.
pub(crate) fn arabic() -> Document {
    let mut screen = line(
        "شاشة Dell U2723QE (27 بوصة)",
        dec("12"),
        dec("1649.50"),
        rate(TaxCategory::Standard, dec("5")),
    );
    screen.description = Some("مع كابل USB-C وضمان ثلاث سنوات".to_owned());
    screen.sku = Some("DELL-27-4K".to_owned());
    screen.unit = "قطعة".to_owned();
    screen.unit_code = "H87".to_owned();
    let mut training = line(
        "تدريب في الموقع",
        dec("2.5"),
        dec("900"),
        rate(TaxCategory::Standard, dec("5")),
    );
    training.description = None;
    training.sku = None;
    training.unit = "يوم".to_owned();
    training.unit_code = "DAY".to_owned();
    training.discount = dec("225");
    training.discount_percent = Some(dec("10"));
    let mut licence = line(
        "Licence, one year (Business Premium).",
        dec("3"),
        dec("80"),
        Tax {
            reason: Some("معفى من ضريبة القيمة المضافة".to_owned()),
            ..rate(TaxCategory::Exempt, dec("0"))
        },
    );
    licence.description = Some("Including support, 24/7.".to_owned());
    let mut document = invoice(vec![screen, training, licence]);
    document.language = "ar".to_owned();
    document.currency = "SAR".to_owned();
    document.seller = Party {
        name: "شركة الخليج للتقنية ذ.م.م".to_owned(),
        contact: Some("ليلى حداد".to_owned()),
        street: Some("طريق الملك فهد 101".to_owned()),
        postal_code: Some("12271".to_owned()),
        city: Some("الرياض".to_owned()),
        country: Some("SA".to_owned()),
        vat_id: Some("SA300400500600003".to_owned()),
        registration: Some("CR-1010123456".to_owned()),
        email: Some("billing@gulf-tech.example".to_owned()),
        phone: Some("+966 11 555 0100".to_owned()),
        website: Some("gulf-tech.example".to_owned()),
        ..Party::default()
    };
    document.buyer = Party {
        name: "مكتبة المنار (Al Manar Books)".to_owned(),
        contact: Some("سامي الخطيب".to_owned()),
        street: Some("شارع الرينبو 14".to_owned()),
        postal_code: Some("11118".to_owned()),
        city: Some("عمّان".to_owned()),
        country: Some("JO".to_owned()),
        ..Party::default()
    };
    document.about = Some(Reference {
        number: "2026-0017".to_owned(),
        issued_on: day(2026, 10, 1),
    });
    document.bank = Some(BankAccount {
        holder: None,
        iban: "SA0380000000608010167519".to_owned(),
        bic: Some("EXAMSARI".to_owned()),
        bank: Some("بنك المثال".to_owned()),
    });
    document.totals.paid = dec("5000");
    document.terms = Some("مهلة الدفع بالأيام: 30".to_owned());
    document.introduction = Some("عن أعمالنا في شهر نوفمبر (المرحلة 2 من 3):".to_owned());
    document.note = Some("شكرًا لثقتكم. للاستفسار: billing@gulf-tech.example.".to_owned());
    document.footer = Some(
        "شركة الخليج للتقنية ذ.م.م · السجل التجاري CR-1010123456 · gulf-tech.example".to_owned(),
    );
    computed(document)
}

/// In Hebrew, to a customer in Israel, in euros and so with a payment code.
pub(crate) fn hebrew() -> Document {
    let tax = Tax {
        reason: Some("היפוך חיוב".to_owned()),
        reason_code: Some("VATEX-EU-AE".to_owned()),
        ..rate(TaxCategory::ReverseCharge, dec("0"))
    };
    let mut desk = line(
        "שולחן עץ אלון Oak-180, משומן",
        dec("3"),
        dec("1249.00"),
        tax.clone(),
    );
    desk.description = Some("180 × 90 ס״מ, רגלי פלדה; כולל הרכבה (עד קומה 4).".to_owned());
    desk.unit = "יח׳".to_owned();
    desk.unit_code = "H87".to_owned();
    let mut advice = line("Consulting", dec("10"), dec("95.00"), tax.clone());
    advice.unit = "שעות".to_owned();
    let mut document = invoice(vec![desk, advice]);
    document.language = "he".to_owned();
    document.buyer = Party {
        name: "רהיטי הכרמל בע״מ".to_owned(),
        contact: Some("נועה לוי".to_owned()),
        street: Some("שדרות הנשיא 120".to_owned()),
        postal_code: Some("3463401".to_owned()),
        city: Some("חיפה".to_owned()),
        country: Some("IL".to_owned()),
        vat_id: Some("IL514000001".to_owned()),
        ..Party::default()
    };
    document.terms = Some("לתשלום בתוך 30 ימים".to_owned());
    document.introduction = Some("עבור עבודתנו בנובמבר 2026 (שלב 2 מתוך 3):".to_owned());
    document.note = Some("תודה על הזמנתכם! לשאלות: billing@quill-anchor.example.".to_owned());
    document.allowances_and_charges = vec![AllowanceOrCharge {
        is_charge: false,
        amount: dec("117.43"),
        percent: Some(dec("2.5")),
        reason: "הנחה".to_owned(),
        tax,
    }];
    computed(document)
}

pub(crate) fn thousand_lines() -> Document {
    invoice(
        (1..=1000)
            .map(|number| {
                let tax = match number % 3 {
                    0 => rate(TaxCategory::Standard, dec("7")),
                    _ => standard(),
                };
                line(
                    &format!("Part {number}"),
                    Decimal::from(number % 17 + 1),
                    Decimal::new(i64::from(number) * 37, 2),
                    tax,
                )
            })
            .collect(),
    )
}

/// An invoice of these lines, computed.
pub(crate) fn invoice(lines: Vec<Line>) -> Document {
    computed(Document {
        kind: DocumentKind::Invoice,
        number: "INV-2026-0042".to_owned(),
        version: None,
        language: "en".to_owned(),
        issued_on: day(2026, 11, 20),
        due_on: Some(day(2026, 12, 20)),
        delivered_on: Some(day(2026, 11, 18)),
        period: Some((day(2026, 11, 1), day(2026, 11, 18))),
        currency: "EUR".to_owned(),
        digits: 2,
        seller: Party {
            name: "Quill & Anchor GmbH".to_owned(),
            contact: Some("Mara Feld".to_owned()),
            street: Some("Speicherstrasse 8".to_owned()),
            postal_code: Some("20457".to_owned()),
            city: Some("Hamburg".to_owned()),
            country: Some("DE".to_owned()),
            vat_id: Some("DE123456789".to_owned()),
            registration: Some("HRB 98765".to_owned()),
            email: Some("billing@quill-anchor.example".to_owned()),
            phone: Some("+49 40 5550100".to_owned()),
            ..Party::default()
        },
        buyer: Party {
            name: "Nordwind Reederei AG".to_owned(),
            contact: Some("Jon Petersen".to_owned()),
            street: Some("Kaistrasse 101".to_owned()),
            postal_code: Some("24103".to_owned()),
            city: Some("Kiel".to_owned()),
            country: Some("DE".to_owned()),
            vat_id: Some("DE987654321".to_owned()),
            email: Some("rechnung@nordwind.example".to_owned()),
            ..Party::default()
        },
        buyer_reference: Some("04011000-12345-67".to_owned()),
        about: None,
        lines,
        allowances_and_charges: Vec::new(),
        taxes: Vec::new(),
        totals: Totals {
            lines: Decimal::ZERO,
            allowances: Decimal::ZERO,
            charges: Decimal::ZERO,
            net: Decimal::ZERO,
            tax: Decimal::ZERO,
            gross: Decimal::ZERO,
            paid: Decimal::ZERO,
            due: Decimal::ZERO,
        },
        terms: Some("Payable within 30 days".to_owned()),
        bank: Some(BankAccount {
            holder: Some("Quill & Anchor GmbH".to_owned()),
            iban: "DE02120300000000202051".to_owned(),
            bic: Some("BYLADEM1001".to_owned()),
            bank: Some("Example Bank".to_owned()),
        }),
        introduction: Some("For our work in November.".to_owned()),
        note: Some("Thank you.".to_owned()),
        footer: Some("Amtsgericht Hamburg, HRB 98765".to_owned()),
        logo: None,
        is_draft: false,
        home_tax: None,
    })
}

pub(crate) fn line(name: &str, quantity: Decimal, unit_price: Decimal, tax: Tax) -> Line {
    Line {
        name: name.to_owned(),
        description: Some("As agreed".to_owned()),
        sku: Some("Q-100".to_owned()),
        quantity,
        unit: "hour".to_owned(),
        unit_code: "HUR".to_owned(),
        unit_price,
        discount: Decimal::ZERO,
        discount_percent: None,
        net: Decimal::ZERO,
        tax,
    }
}

pub(crate) fn standard() -> Tax {
    rate(TaxCategory::Standard, dec("19"))
}

pub(crate) fn rate(category: TaxCategory, rate: Decimal) -> Tax {
    Tax {
        category,
        rate,
        reason: None,
        reason_code: None,
    }
}

fn spanish() -> Party {
    Party {
        name: "Puerto Norte S.L.".to_owned(),
        street: Some("Calle del Mar 3".to_owned()),
        postal_code: Some("39001".to_owned()),
        city: Some("Santander".to_owned()),
        country: Some("ES".to_owned()),
        vat_id: Some("ESB12345674".to_owned()),
        ..Party::default()
    }
}

/// The document with its amounts, from its lines, discounts, charges and what is paid.
pub(crate) fn computed(mut document: Document) -> Document {
    let digits = document.digits;
    let round = |value: Decimal| {
        value.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)
    };
    document.taxes = Vec::new();
    let taxes = &mut document.taxes;
    let mut add = |tax: &Tax, amount: Decimal| match taxes
        .iter_mut()
        .find(|subtotal: &&mut TaxSubtotal| subtotal.tax == *tax)
    {
        Some(subtotal) => subtotal.taxable += amount,
        None => taxes.push(TaxSubtotal {
            tax: tax.clone(),
            taxable: amount,
            amount: Decimal::ZERO,
        }),
    };
    let mut totals = Totals {
        lines: Decimal::ZERO,
        allowances: Decimal::ZERO,
        charges: Decimal::ZERO,
        ..document.totals
    };
    for line in &mut document.lines {
        line.net = round(line.quantity * line.unit_price) - line.discount;
        totals.lines += line.net;
        add(&line.tax, line.net);
    }
    for part in &document.allowances_and_charges {
        if part.is_charge {
            totals.charges += part.amount;
            add(&part.tax, part.amount);
        } else {
            totals.allowances += part.amount;
            add(&part.tax, -part.amount);
        }
    }
    for subtotal in &mut document.taxes {
        subtotal.amount = round(subtotal.taxable * subtotal.tax.rate / dec("100"));
    }
    totals.net = totals.lines - totals.allowances + totals.charges;
    totals.tax = document.taxes.iter().map(|subtotal| subtotal.amount).sum();
    totals.gross = totals.net + totals.tax;
    totals.due = totals.gross - totals.paid;
    document.totals = totals;
    document
}
