//! What a document must look like.

pub(super) mod samples;

use std::collections::BTreeSet;

use lopdf::{Dictionary, Object};

use super::*;
use crate::{AllowanceOrCharge, DocumentKind, Logo, Reference, Tax, TaxCategory, TaxSubtotal};
use samples::{date, decimal, everything, invoice, tax, totals, with_lines};

fn draw(document: &Document) -> lopdf::Document {
    let bytes = pdf(document, &Fonts::new(None)).unwrap();
    lopdf::Document::load_mem(&bytes).unwrap()
}

/// The text of each page without blanks.
fn pages(document: &Document) -> Vec<String> {
    let file = draw(document);
    file.get_pages()
        .keys()
        .map(|&page| file.extract_text(&[page]).unwrap())
        .map(|text| text.split_whitespace().collect())
        .collect()
}

#[track_caller]
fn assert_says(document: &Document, expected: &[&str]) {
    let text = pages(document).concat();
    for part in expected {
        let part: String = part.split_whitespace().collect();
        assert!(text.contains(&part), "{part} is not in {text}");
    }
}

#[track_caller]
fn assert_does_not_say(document: &Document, unexpected: &[&str]) {
    let text = pages(document).concat();
    for part in unexpected {
        let part: String = part.split_whitespace().collect();
        assert!(!text.contains(&part), "{part} is in {text}");
    }
}

#[test]
fn an_invoice_says_what_it_is_and_what_to_pay() {
    assert_says(
        &invoice(),
        &[
            "Invoice 2026-0042",
            "Lindner & Söhne Werkstätten GmbH · Ackerstraße 14 · 10115 Berlin",
            "VAT ID DE123456789",
            "Café Morgenrot",
            "Kastanienallee 85",
            "Date 20 November 2026",
            "Due date 4 December 2026",
            "Date of supply 18 November 2026",
            "Your reference PO-7781",
            "Oak table, oiled",
            "Item T-OAK-180",
            "2 pc 400.00 19% 800.00",
            "Net total 1,000.00",
            "VAT 19% on 1,000.00 190.00",
            "Total EUR 1,190.00",
            "Payable within 14 days without deduction.",
            "IBAN DE02 1203 0000 0000 2020 51",
            "BIC BYLADEM1001",
            "Scan to pay",
            "Thank you for your order.",
            "Managing director: Katrin Lindner",
            "Page 1 of 1",
        ],
    );
}

#[test]
fn discounts_rates_payments_and_reasons_are_shown() {
    assert_says(
        &everything(),
        &[
            "Sehr geehrte Frau Novák,",
            "3 Stück 1.400,00 10 % −420,00 19 % 3.780,00",
            "7,5 Stunden",
            "9,3458",
            "0 % E",
            "Zwischensumme 4.482,15",
            "Treuerabatt (3 %) −128,70",
            "Lieferung 45,00",
            "Nettobetrag 4.398,45",
            "USt. 19 % auf 4.206,30 799,20",
            "USt. 7 % auf 112,15 7,85",
            "Steuerfrei (E) auf 80,00 0,00",
            "Gesamtbetrag 5.205,50 EUR",
            "Bereits bezahlt −1.000,00",
            "Zu zahlen 4.205,50 EUR",
            "Steuerfrei: Versicherungsleistung nach § 4 Nr. 10 UStG",
        ],
    );
}

#[test]
fn reverse_charge_is_named_once_with_its_reason() {
    let mut invoice = invoice();
    let reason = Tax {
        reason: Some("Reverse charge, Article 196 of Directive 2006/112/EC".to_owned()),
        ..tax(TaxCategory::ReverseCharge, "0")
    };
    invoice.taxes[0].tax = reason.clone();
    invoice.taxes[0].amount = decimal("0");
    for line in &mut invoice.lines {
        line.tax = reason.clone();
    }
    invoice.totals = totals("1000.00", "0", "1000.00");
    assert_says(
        &invoice,
        &[
            "Reverse charge on 1,000.00 0.00",
            "Reverse charge, Article 196 of Directive 2006/112/EC",
        ],
    );
    assert_does_not_say(&invoice, &["Reverse charge: Reverse charge", "(AE)"]);
}

#[test]
fn each_language_has_its_words() {
    for (language, words) in [
        (
            "de",
            [
                "Rechnung 2026-0042",
                "Fällig am 04.12.2026",
                "Seite 1 von 1",
            ],
        ),
        (
            "fr",
            ["Facture 2026-0042", "Échéance 04/12/2026", "Page 1 sur 1"],
        ),
        (
            "es",
            [
                "Factura 2026-0042",
                "Vencimiento 04/12/2026",
                "Página 1 de 1",
            ],
        ),
        (
            "it",
            ["Fattura 2026-0042", "Scadenza 04/12/2026", "Pagina 1 di 1"],
        ),
        (
            "nl",
            [
                "Factuur 2026-0042",
                "Vervaldatum 04-12-2026",
                "Pagina 1 van 1",
            ],
        ),
        (
            "sw",
            [
                "Invoice 2026-0042",
                "Due date 4 December 2026",
                "Page 1 of 1",
            ],
        ),
    ] {
        let mut invoice = invoice();
        invoice.language = language.to_owned();
        assert_says(&invoice, &words);
    }
}

/// What is drawn on a page, in the order in which it is read: each stretch of text in one font, with its left end and its baseline.
fn stretches(document: &Document) -> Vec<(f32, f32, String)> {
    let file = draw(document);
    let page = file.get_pages()[&1];
    let fonts = file.get_page_fonts(page).unwrap();
    let content = file.get_and_decode_page_content(page).unwrap();
    let mut stretches = Vec::new();
    let (mut encoding, mut place, mut is_reversed) = (None, (0.0, 0.0), false);
    for operation in &content.operations {
        let operands = &operation.operands;
        match operation.operator.as_str() {
            "Tf" => {
                let font = fonts[operands[0].as_name().unwrap()];
                encoding = Some(font.get_font_encoding(&file).unwrap());
            }
            "Tm" => {
                let number = |index: usize| operands[index].as_float().unwrap();
                place = (number(4), number(5));
            }
            "BMC" => is_reversed = operands[0].as_name().unwrap() == b"ReversedChars",
            "EMC" => is_reversed = false,
            "Tj" | "TJ" => {
                let strings = operands[0].as_array().unwrap_or(operands).iter();
                let mut glyphs: Vec<String> = strings
                    .filter_map(|string| string.as_str().ok())
                    .flat_map(|codes| codes.chunks(2))
                    .map(|code| {
                        lopdf::Document::decode_text(encoding.as_ref().unwrap(), code).unwrap()
                    })
                    .collect();
                if is_reversed {
                    glyphs.reverse();
                }
                stretches.push((place.0, place.1, glyphs.concat()));
            }
            _ => {}
        }
    }
    assert!(stretches.len() > 20);
    stretches
}

/// The left end of the first stretch that has this text.
#[track_caller]
fn left(stretches: &[(f32, f32, String)], text: &str) -> f32 {
    let found = stretches.iter().find(|(.., said)| said.contains(text));
    found
        .unwrap_or_else(|| panic!("{text} is not in {stretches:?}"))
        .0
}

#[test]
fn arabic_and_hebrew_are_read_from_right_to_left_and_values_from_left_to_right() {
    for (language, words) in [
        (
            "ar",
            [
                "فاتورة 2026-0042",
                "تاريخ الاستحقاق 04/12/2026",
                "هاتف +49 30 1234567",
                "ألمانيا",
                "رمز الصنف T-OAK-180",
                "ضريبة القيمة المضافة 19% على 1,000.00",
                "الإجمالي شامل الضريبة EUR 1,190.00",
                "على 5.00",
                "Discount (3%) −30.00",
                "مرجع الدفع 2026-0042",
                "صفحة 1 من 1",
            ],
        ),
        (
            "he",
            [
                "חשבונית 2026-0042",
                "לתשלום עד 04.12.2026",
                "טלפון +49 30 1234567",
                "גרמניה",
                "מק״ט T-OAK-180",
                "מע״מ 19% על 1,000.00",
                "סה״כ כולל מס EUR 1,190.00",
                "על 5.00",
                "Discount (3%) −30.00",
                "אסמכתה לתשלום 2026-0042",
                "עמוד 1 מתוך 1",
            ],
        ),
    ] {
        let mut invoice = invoice();
        invoice.language = language.to_owned();
        invoice.buyer.country = Some("AE".to_owned());
        invoice.taxes.push(TaxSubtotal {
            tax: tax(TaxCategory::Exempt, "0"),
            taxable: decimal("5"),
            amount: decimal("0"),
        });
        invoice.allowances_and_charges = vec![AllowanceOrCharge {
            is_charge: false,
            amount: decimal("30"),
            percent: Some(decimal("3")),
            reason: "Discount".to_owned(),
            tax: tax(TaxCategory::Standard, "19"),
        }];
        let stretches = stretches(&invoice);
        let text: String = stretches.iter().map(|(.., text)| text.as_str()).collect();
        let text: String = text.split_whitespace().collect();
        let values = [
            "Oak table, oiled",
            "DE02 1203 0000 0000 2020 51",
            "BYLADEM1001",
            "Thank you for your order.",
        ];
        for part in words.iter().chain(&values) {
            let part: String = part.split_whitespace().collect();
            assert!(text.contains(&part), "{part} is not in {text}");
        }
    }
}

#[test]
fn a_page_from_right_to_left_is_mirrored_with_its_figures_digit_below_digit() {
    let english = stretches(&invoice());
    let mut document = invoice();
    document.language = "he".to_owned();
    let hebrew = stretches(&document);
    let fonts = Fonts::new(None);
    let setter = Typesetter::new(&fonts);
    let width = |text: &str, style| setter.line(text, style).width;
    let page = 210.0 * sheet::MM;
    // Text is as far from the right edge as it is from the left one in English: the address, the lines, the account.
    let address = text::Style {
        size: 10.0,
        ..sheet::BODY
    };
    for (text, style) in [
        ("Café Morgenrot", address),
        ("Kastanienallee 85", address),
        ("Thank you for your order.", sheet::BODY),
    ] {
        let right = page - left(&hebrew, text) - width(text, style);
        assert!(
            (left(&english, text) - right).abs() < 0.1,
            "{text}: {right}"
        );
    }
    // Columns go the other way.
    let columns = ["Assembly on site", "50.00", "200.00"];
    let columns = |page: &[(f32, f32, String)]| columns.map(|text| left(page, text));
    assert!(columns(&english).is_sorted());
    assert!(columns(&hebrew).is_sorted_by(|one, other| one > other));
    assert!(left(&english, "Page") > page / 2.0 && left(&hebrew, "עמוד") < page / 2.0);
    let end = |page: &[(f32, f32, String)], text| left(page, text) + width(text, sheet::BODY);
    // The taxable amount stands among words; the amounts themselves stand at the margin.
    for (page, margin) in [(&english, page * 0.75..page), (&hebrew, 0.0..page * 0.25)] {
        let amounts = ["1,000.00", "190.00"];
        let amounts = page
            .iter()
            .filter(|(x, _, text)| amounts.contains(&text.as_str()) && margin.contains(x));
        let ends: Vec<f32> = amounts
            .map(|(x, _, text)| x + width(text, sheet::BODY))
            .collect();
        let [net, tax] = ends[..] else {
            panic!("{ends:?}")
        };
        assert!((net - tax).abs() < 0.01, "{ends:?}");
        assert!((end(page, "800.00") - end(page, "200.00")).abs() < 0.01);
    }
}

#[test]
fn a_file_from_right_to_left_says_so_to_those_who_read_it_aloud() {
    for language in ["ar", "he", "de"] {
        let is_rtl = language != "de";
        let mut invoice = invoice();
        invoice.language = language.to_owned();
        let file = draw(&invoice);
        let catalog = file.catalog().unwrap();
        let said = catalog.get(b"Lang").unwrap().as_str().unwrap();
        assert_eq!(said, language.as_bytes());
        let preferences = catalog.get_deref(b"ViewerPreferences", &file).ok();
        let direction = preferences.and_then(|them| them.as_dict().unwrap().get(b"Direction").ok());
        let direction = direction.map(|direction| direction.as_name().unwrap());
        assert_eq!(direction, is_rtl.then_some(&b"R2L"[..]));
        let modes = file.objects.values().filter_map(|object| {
            let attributes = object.as_dict().ok()?.get(b"A").ok()?;
            let attributes = format!("{attributes:?}");
            attributes.contains("RlTb").then_some(())
        });
        assert_eq!(modes.count() > 5, is_rtl, "{language}");
    }
}

#[test]
fn an_address_abroad_ends_with_its_country_in_the_language_of_the_document() {
    let mut invoice = invoice();
    invoice.buyer.country = Some("AT".to_owned());
    for (language, seller, buyer) in [
        ("de", "DEUTSCHLAND", "ÖSTERREICH"),
        ("nl", "DUITSLAND", "OOSTENRIJK"),
        ("pl", "GERMANY", "AUSTRIA"),
    ] {
        invoice.language = language.to_owned();
        assert_says(&invoice, &[seller, buyer]);
    }
    invoice.buyer.country = Some("DE".to_owned());
    assert_does_not_say(&invoice, &["GERMANY"]);
}

#[test]
fn the_usual_reason_for_no_tax_is_said_once() {
    for (language, reason, category) in [
        ("de", "Von der Umsatzsteuer befreit", "Steuerfrei"),
        ("en", "Exempt from VAT", "Tax exempt"),
    ] {
        let mut invoice = invoice();
        invoice.language = language.to_owned();
        invoice.taxes[0].tax = Tax {
            reason: Some(reason.to_owned()),
            ..tax(TaxCategory::Exempt, "0")
        };
        assert_says(&invoice, &[reason]);
        assert_does_not_say(&invoice, &[&format!("{category}: {reason}")]);
    }
}

#[test]
fn amounts_have_the_digits_of_their_currency() {
    let mut yen = invoice();
    yen.currency = "JPY".to_owned();
    yen.digits = 0;
    assert_says(&yen, &["Total JPY 1,190", "2 pc 400 19% 800"]);
    assert_does_not_say(&yen, &["1,190.0", "Scan to pay"]);
    let mut dinar = invoice();
    dinar.currency = "KWD".to_owned();
    dinar.digits = 3;
    assert_says(&dinar, &["Total KWD 1,190.000", "2 pc 400.000 19% 800.000"]);
}

#[test]
fn a_credit_note_names_its_invoice_and_asks_for_no_payment() {
    let mut note = invoice();
    note.kind = DocumentKind::CreditNote;
    note.number = "C-0001".to_owned();
    note.about = Some(Reference {
        number: "2026-0042".to_owned(),
        issued_on: date(2026, 11, 20),
    });
    assert_says(
        &note,
        &[
            "Credit note C-0001",
            "For invoice 2026-0042, 20 November 2026",
            "Total credit EUR 1,190.00",
        ],
    );
    assert_does_not_say(&note, &["IBAN", "Scan to pay", "Amount due"]);
}

#[test]
fn a_quotation_says_how_long_it_holds_and_asks_for_no_payment() {
    let mut offer = invoice();
    offer.kind = DocumentKind::Quotation;
    offer.number = "Q-0007".to_owned();
    offer.version = Some(2);
    assert_says(
        &offer,
        &[
            "Quotation Q-0007",
            "Valid until 4 December 2026",
            "Version 2",
        ],
    );
    assert_does_not_say(&offer, &["IBAN", "Scan to pay", "Due date", "Amount due"]);
}

#[test]
fn a_paid_invoice_does_not_ask_to_be_paid_again() {
    let mut invoice = invoice();
    invoice.totals.paid = decimal("1190.00");
    invoice.totals.due = decimal("0.00");
    assert_says(&invoice, &["Paid −1,190.00", "Amount due EUR 0.00"]);
    assert_does_not_say(&invoice, &["IBAN", "Scan to pay"]);
}

#[test]
fn each_page_has_its_number_and_the_head_of_the_table_and_no_line_is_lost() {
    let pages = pages(&with_lines(1000));
    let count = pages.len();
    assert!((30..60).contains(&count), "{count} pages");
    for (index, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("Page{}of{count}", index + 1)));
        assert!(page.contains("DescriptionQuantityUnitpriceVATAmount"));
        assert!(page.contains("Invoice2026-0042"));
    }
    let text = pages.concat();
    for number in 1..=1000 {
        let line = format!("Supportticket{number}:analysisandrepair");
        assert_eq!(text.matches(&line).count(), 1, "{line}");
    }
    assert!(pages.last().unwrap().contains("TotalEUR1,190.00"));
}

#[test]
fn the_totals_never_stand_without_a_line() {
    for count in 1..45 {
        let pages = pages(&with_lines(count));
        let page = pages.iter().find(|page| page.contains("Nettotal")).unwrap();
        assert!(
            page.contains(&format!("Supportticket{count}:")),
            "{count} lines"
        );
    }
}

#[test]
fn a_line_longer_than_a_page_goes_on_on_the_next() {
    let mut invoice = invoice();
    let words: Vec<String> = (0..4000).map(|number| format!("word{number}")).collect();
    invoice.lines[0].description = Some(words.join(" "));
    invoice.lines[1].name = "x".repeat(5000);
    let pages = pages(&invoice);
    assert!(pages.len() > 3);
    let head = "DescriptionQuantityUnitpriceVATAmount";
    for page in pages.iter().filter(|page| page.contains("xxx")) {
        assert!(page.contains(head));
    }
    assert!(pages[1].contains("word") && pages[1].contains(head));
    // What is broken between two pages has the head and the foot of a page in between.
    let text = pages.concat();
    for word in words {
        assert!(text.contains(&word), "{word}");
    }
    assert!(text.matches('x').count() >= 5000);
}

#[test]
fn a_footer_too_long_for_each_page_is_said_once() {
    let mut invoice = with_lines(40);
    invoice.footer = Some("A long footer. ".repeat(200));
    let pages = pages(&invoice);
    assert!(pages.len() > 1);
    assert_eq!(pages.concat().matches("Alongfooter.").count(), 200);
}

#[test]
fn huge_amounts_stay_within_the_page() {
    let mut invoice = invoice();
    let huge = "79228162514264337593543950.335";
    for line in &mut invoice.lines {
        line.unit_price = decimal(huge);
        line.net = decimal(huge);
        line.discount = decimal(huge);
        line.quantity = decimal(huge);
    }
    invoice.totals = totals(huge, huge, huge);
    let file = draw(&invoice);
    assert_eq!(file.get_pages().len(), 1);
}

#[test]
fn names_in_any_script_are_drawn() {
    for name in [
        "Ελληνική Εταιρεία ΑΕ",
        "ООО «Ромашка»",
        "上海贸易有限公司",
        "株式会社山田製作所",
        "주식회사 한국",
        "شركة الخليج للأثاث (Gulf Co.) ذ.م.م",
        "חברה לדוגמה בע״מ 2026",
        "श्री क्षेत्र उद्योग",
    ] {
        let mut invoice = invoice();
        invoice.buyer.name = name.to_owned();
        invoice.seller.name = name.to_owned();
        invoice.lines[0].name = name.to_owned();
        let bytes = pdf(&invoice, &Fonts::new(None));
        assert!(bytes.is_ok(), "{name}: {:?}", bytes.err());
    }
    let mut greek = invoice();
    greek.buyer.name = "Ελληνική Εταιρεία".to_owned();
    assert_says(&greek, &["Ελληνική Εταιρεία"]);
    let mut chinese = invoice();
    chinese.buyer.name = "上海贸易有限公司".to_owned();
    assert_says(&chinese, &["上海贸易有限公司"]);
}

#[test]
fn characters_in_no_font_are_an_error_that_names_them() {
    let mut invoice = invoice();
    invoice.buyer.name = "A\u{378}".to_owned();
    invoice.note = Some("\u{379}\u{378}".to_owned());
    assert_eq!(
        pdf(&invoice, &Fonts::new(None)),
        Err(Error::NoFont {
            characters: "\u{378}\u{379}".to_owned()
        })
    );
}

#[test]
fn what_cannot_be_printed_is_told_beforehand_with_its_part() {
    let fonts = Fonts::new(None);
    assert_eq!(unprintable(&everything(), &fonts), None);
    type Change = fn(&mut Document);
    let changes: [(Part, Change); 9] = [
        (Part::Number, |d| d.number.push('\u{378}')),
        (Part::Seller, |d| d.footer = Some("a\u{378}".to_owned())),
        (Part::Seller, |d| d.seller.name.push('\u{378}')),
        (Part::Buyer, |d| d.buyer.city = Some("\u{378}".to_owned())),
        (Part::Reference, |d| {
            d.buyer_reference = Some("\u{378}".to_owned());
        }),
        (Part::Line(2), |d| {
            d.lines[1].description = Some("a\nb\u{378}".to_owned());
        }),
        (Part::Line(1), |d| d.lines[0].unit.push('\u{378}')),
        (Part::Introduction, |d| {
            d.introduction = Some("\u{378}".to_owned());
        }),
        (Part::Note, |d| d.note = Some("\u{378}".to_owned())),
    ];
    for (part, change) in changes {
        let mut document = everything();
        change(&mut document);
        let characters = "\u{378}".to_owned();
        assert_eq!(
            unprintable(&document, &fonts),
            Some((part, characters.clone()))
        );
        assert_eq!(
            pdf(&document, &fonts),
            Err(Error::NoFont { characters }),
            "{part:?}"
        );
    }
}

#[test]
fn fonts_are_asked_once_for_each_character() {
    let fonts = Fonts::new(None);
    let mut document = everything();
    let unasked_first = unasked(&document, &fonts);
    assert!(unasked_first.contains(&'a'));
    fonts.ask(&unasked_first);
    assert!(unasked(&document, &fonts).is_empty());
    document.note = Some("a\u{378}".to_owned());
    let rest: Vec<char> = unasked(&document, &fonts).into_iter().collect();
    assert_eq!(rest, ['\u{378}']);
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let document = everything();
    let one = pdf(&document, &Fonts::new(None)).unwrap();
    let other = pdf(&document, &Fonts::new(None)).unwrap();
    assert!(one == other);
}

#[test]
fn the_file_is_tagged_pdf_a_3_with_every_font_in_it() {
    let file = draw(&everything());
    let catalog = file.catalog().unwrap();
    let metadata = catalog.get(b"Metadata").unwrap().as_reference().unwrap();
    let metadata = file.get_object(metadata).unwrap().as_stream().unwrap();
    assert!(!metadata.dict.has(b"Filter"));
    let xmp = String::from_utf8(metadata.content.clone()).unwrap();
    assert!(xmp.contains("<pdfaid:part>3</pdfaid:part>"), "{xmp}");
    assert!(xmp.contains("<pdfaid:conformance>A</pdfaid:conformance>"));
    assert!(xmp.contains("2026-11-20T00:00:00"));
    assert!(xmp.contains("Rechnung 2026-0042 · Lindner &amp; Söhne"));
    assert!(catalog.has(b"OutputIntents"));
    assert!(catalog.has(b"StructTreeRoot"));
    assert_eq!(catalog.get(b"Lang").unwrap().as_str().unwrap(), b"de");
    let dictionaries: Vec<&Dictionary> = file
        .objects
        .values()
        .filter_map(|object| match object {
            Object::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        })
        .collect();
    let descriptors: Vec<_> = dictionaries
        .iter()
        .filter(|dictionary| dictionary.has_type(b"FontDescriptor"))
        .collect();
    assert!(descriptors.len() >= 2);
    for descriptor in descriptors {
        assert!(descriptor.has(b"FontFile2") || descriptor.has(b"FontFile3"));
    }
    let tags: BTreeSet<&[u8]> = dictionaries
        .iter()
        .filter(|dictionary| dictionary.has(b"P"))
        .filter_map(|dictionary| dictionary.get(b"S").ok()?.as_name().ok())
        .collect();
    for tag in [
        "H1", "P", "Table", "THead", "TBody", "TR", "TH", "TD", "Figure",
    ] {
        assert!(tags.contains(tag.as_bytes()), "{tag}");
    }
}

/// A grey picture of that size.
fn png(width: u8, height: u8) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8], data: &[u8]| {
        file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let body = [kind, data].concat();
        file.extend(&body);
        file.extend(crc(&body).to_be_bytes());
    };
    chunk(b"IHDR", &[0, 0, 0, width, 0, 0, 0, height, 8, 0, 0, 0, 0]);
    let pixels = vec![0; usize::from(height) * (1 + usize::from(width))];
    // Deflate without compression: one stored block.
    let length = u16::try_from(pixels.len()).unwrap();
    let mut data = vec![0x78, 1, 1];
    data.extend(length.to_le_bytes());
    data.extend((!length).to_le_bytes());
    data.extend(&pixels);
    let adler = (u32::from(length) % 65521) << 16 | 1;
    data.extend(adler.to_be_bytes());
    chunk(b"IDAT", &data);
    chunk(b"IEND", &[]);
    file
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |mut sum, byte| {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                sum >> 1 ^ 0xedb8_8320
            } else {
                sum >> 1
            };
        }
        sum
    })
}

#[test]
fn a_logo_is_drawn_in_the_file() {
    let mut invoice = invoice();
    invoice.logo = Some(Logo::Png(png(40, 20)));
    let file = draw(&invoice);
    let pictures = file.objects.values().filter(|object| {
        object.as_stream().is_ok_and(|stream| {
            stream
                .dict
                .get(b"Subtype")
                .is_ok_and(|kind| kind.as_name().is_ok_and(|name| name == b"Image"))
        })
    });
    assert_eq!(pictures.count(), 1);
    assert_says(
        &invoice,
        &["Lindner & Söhne Werkstätten GmbH Ackerstraße 14"],
    );
}

#[test]
fn a_logo_that_is_none_is_an_error_that_says_so() {
    for logo in [
        Logo::Png(b"no picture".to_vec()),
        Logo::Jpeg(Vec::new()),
        Logo::Png(png(40, 20)[..60].to_vec()),
    ] {
        let mut invoice = invoice();
        invoice.logo = Some(logo);
        let error = pdf(&invoice, &Fonts::new(None)).unwrap_err();
        assert!(
            matches!(&error, Error::Incomplete(text) if text.starts_with("The logo cannot be read")),
            "{error:?}"
        );
    }
}

#[test]
fn a_logo_too_large_to_unpack_is_refused() {
    let mut file = png(40, 20);
    // A width of 16 million, by its highest byte.
    file[17] = 0xf5;
    let sum = crc(&file[12..29]);
    file[29..33].copy_from_slice(&sum.to_be_bytes());
    let mut invoice = invoice();
    invoice.logo = Some(Logo::Png(file));
    let error = pdf(&invoice, &Fonts::new(None)).unwrap_err();
    assert!(error.to_string().contains("pixels"), "{error:?}");
}

#[test]
fn an_american_seller_gets_american_paper() {
    let width = |document: &Document| {
        let file = draw(document);
        let page = file.get_pages()[&1];
        let page = file.get_dictionary(page).unwrap();
        page.get(b"MediaBox").unwrap().as_array().unwrap()[2]
            .as_float()
            .unwrap()
    };
    let mut invoice = invoice();
    assert!((width(&invoice) - 595.28).abs() < 0.01);
    invoice.seller.country = Some("US".to_owned());
    assert!((width(&invoice) - 612.0).abs() < 0.01);
}

#[test]
fn a_document_without_lines_and_details_is_drawn() {
    let mut invoice = invoice();
    invoice.lines.clear();
    invoice.taxes.clear();
    invoice.allowances_and_charges = vec![AllowanceOrCharge {
        is_charge: true,
        amount: decimal("5"),
        percent: None,
        reason: String::new(),
        tax: tax(TaxCategory::Zero, "0"),
    }];
    invoice.seller = crate::Party::default();
    invoice.buyer = crate::Party::default();
    invoice.bank = None;
    invoice.terms = None;
    invoice.note = None;
    invoice.footer = None;
    assert_says(&invoice, &["Invoice 2026-0042", "Page 1 of 1"]);
}

#[cfg(feature = "einvoice")]
#[test]
fn the_file_takes_a_structured_invoice() {
    use en16931::profiles::En16931;
    use en16931::validation::profile::Validated;
    use en16931_formats::zugferd;

    let example = en16931::examples::for_profile(&en16931::profiles::EN16931).unwrap();
    let invoice = Validated::<En16931>::new(example).unwrap();
    let bytes = pdf(&everything(), &Fonts::new(None)).unwrap();
    let hybrid = zugferd::embed(&bytes, &invoice, &zugferd::EmbedOptions::default()).unwrap();
    // What was there stays as it was.
    assert!(hybrid.starts_with(&bytes));
}
