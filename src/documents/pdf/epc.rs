//! The QR code of the European Payments Council (EPC069-12, version 002), from which a banking app fills in a SEPA credit
//! transfer.

use qrcode::{Color, EcLevel, QrCode};
use rust_decimal::Decimal;

use crate::areas::takes_sepa;
use crate::{Document, DocumentKind};

/// The least and the most that it may ask for: 0.01 and 999,999,999.99.
const LEAST: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
const MOST: Decimal = Decimal::from_parts(1_215_752_191, 23, 0, false, 2);

/// The longest text that the code may carry, in bytes.
const LONGEST: usize = 331;

/// The text of the code; none where it is not defined: it is for an invoice in EUR of which something is due, to an account
/// within SEPA.
pub(super) fn payload(document: &Document) -> Option<String> {
    if document.kind != DocumentKind::Invoice || document.currency != "EUR" {
        return None;
    }
    let due = document.totals.due;
    if due < LEAST || due > MOST {
        return None;
    }
    let due = due.normalize();
    if due.scale() > 2 {
        return None;
    }
    let bank = document.bank.as_ref()?;
    let iban = compact(&bank.iban);
    if !is_iban(&iban) || !takes_sepa(&iban) {
        return None;
    }
    let bic = bank.bic.as_deref().map(compact).unwrap_or_default();
    let holder = bank.holder.as_deref().unwrap_or(&document.seller.name);
    let name = field(holder, 70);
    let remittance = field(&document.number, 140);
    if name.is_empty() || remittance != document.number.trim() {
        return None;
    }
    let payload = format!(
        "BCD\n002\n1\nSCT\n{bic}\n{name}\n{iban}\nEUR{due:.2}\n\n\n{remittance}",
        bic = if is_bic(&bic) { bic.as_str() } else { "" },
    );
    (payload.len() <= LONGEST).then_some(payload)
}

/// The code as rows of dark and light squares; none where it is not defined.
pub(super) fn squares(document: &Document) -> Option<Vec<Vec<bool>>> {
    let code = QrCode::with_error_correction_level(payload(document)?, EcLevel::M).ok()?;
    let dark: Vec<bool> = code
        .to_colors()
        .into_iter()
        .map(|colour| colour == Color::Dark)
        .collect();
    Some(dark.chunks(code.width()).map(<[bool]>::to_vec).collect())
}

/// A text on one line, at most so many characters long.
fn field(text: &str, longest: usize) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let cut: String = line.join(" ").chars().take(longest).collect();
    cut.trim_end().to_owned()
}

/// Without blanks and in capitals.
fn compact(text: &str) -> String {
    text.split_whitespace()
        .collect::<String>()
        .to_ascii_uppercase()
}

/// Whether it is an international bank account number (ISO 13616): its form, and its two check digits.
pub(super) fn is_iban(text: &str) -> bool {
    let text = compact(text);
    let bytes = text.as_bytes();
    if !(15..=34).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let (head, account) = bytes.split_at(4);
    if !matches!(head, [a, b, c, d]
        if a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit())
    {
        return false;
    }
    // ISO 7064 mod 97-10: letters count from 10, and the head goes to the end.
    let remainder = account.iter().chain(head).fold(0_u32, |sum, byte| {
        let value = char::from(*byte).to_digit(36).unwrap_or_default();
        (sum * if value > 9 { 100 } else { 10 } + value) % 97
    });
    remainder == 1
}

fn is_bic(text: &str) -> bool {
    matches!(text.len(), 8 | 11) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::super::tests::samples::{decimal, invoice};
    use super::*;

    fn payment() -> Document {
        let mut invoice = invoice();
        invoice.number = "Urgency fund".to_owned();
        invoice.seller.name = "Red Cross of Belgium".to_owned();
        invoice.totals.due = decimal("1.00");
        let bank = invoice.bank.as_mut().unwrap();
        bank.iban = "BE72 0000 0000 1616".to_owned();
        bank.bic = Some("BPOTBEB1".to_owned());
        invoice
    }

    #[test]
    fn the_code_of_a_transfer_is_that_of_the_guidelines() {
        assert_eq!(
            payload(&payment()).as_deref(),
            Some(
                "BCD\n002\n1\nSCT\nBPOTBEB1\nRed Cross of Belgium\nBE72000000001616\nEUR1.00\n\n\nUrgency fund"
            )
        );
    }

    #[test]
    fn an_amount_has_two_digits_and_no_separators() {
        for (due, written) in [
            ("0.01", "EUR0.01"),
            ("12345.5", "EUR12345.50"),
            ("999999999.99", "EUR999999999.99"),
        ] {
            let mut document = payment();
            document.totals.due = decimal(due);
            let payload = payload(&document).unwrap();
            assert_eq!(payload.lines().nth(7), Some(written));
        }
    }

    #[test]
    fn a_holder_and_a_missing_bic_are_respected_and_a_long_name_is_cut() {
        let mut document = payment();
        let bank = document.bank.as_mut().unwrap();
        bank.bic = None;
        bank.holder = Some("Ä".repeat(80));
        let payload = payload(&document).unwrap();
        assert_eq!(payload.lines().nth(4), Some(""));
        assert_eq!(payload.lines().nth(5), Some("Ä".repeat(70).as_str()));
    }

    #[test]
    fn where_the_code_is_not_defined_there_is_none() {
        type Change = fn(&mut Document);
        let changes: [Change; 10] = [
            |document| document.currency = "CHF".to_owned(),
            |document| document.kind = DocumentKind::CreditNote,
            |document| document.kind = DocumentKind::Quotation,
            |document| document.bank = None,
            |document| document.totals.due = decimal("0"),
            |document| document.totals.due = decimal("-5"),
            |document| document.totals.due = decimal("1000000000.00"),
            |document| document.number = "1".repeat(141),
            // One digit is wrong.
            |document| document.bank.as_mut().unwrap().iban = "BE72000000001617".to_owned(),
            // An account number of the right form, outside of SEPA.
            |document| document.bank.as_mut().unwrap().iban = "AE070331234567890123456".to_owned(),
        ];
        assert!(squares(&payment()).is_some());
        assert!(is_iban("AE070331234567890123456"));
        for (number, change) in changes.into_iter().enumerate() {
            let mut document = payment();
            change(&mut document);
            assert_eq!(payload(&document), None, "change {number}");
        }
    }

    #[test]
    fn the_squares_are_those_of_a_code_of_at_most_version_13() {
        let squares = squares(&payment()).unwrap();
        assert!(squares.len() <= 69);
        assert!(squares.iter().all(|row| row.len() == squares.len()));
        // The dark frame of the finder in a corner.
        assert!(squares[0][..7].iter().all(|dark| *dark) && !squares[0][7]);
    }
}
