//! The QR code of the European Payments Council (EPC069-12, version 002), from which a banking app fills in a SEPA credit
//! transfer.

use qrcode::{Color, EcLevel, QrCode};
use rust_decimal::Decimal;

use crate::{Document, DocumentKind};

/// The countries of SEPA, by the prefix of their account numbers.
const SEPA: [&str; 42] = [
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI",
    "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL",
    "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "VA",
];

/// The longest text that the code may carry, in bytes.
const LONGEST: usize = 331;

/// The text of the code; none where it is not defined: it is for an invoice in EUR of which something is due, to an account
/// within SEPA.
pub(super) fn payload(document: &Document) -> Option<String> {
    if document.kind != DocumentKind::Invoice || document.currency != "EUR" {
        return None;
    }
    let due = document.totals.due;
    if due < Decimal::new(1, 2) || due > Decimal::new(999_999_999_99, 2) {
        return None;
    }
    let due = due.normalize();
    if due.scale() > 2 {
        return None;
    }
    let bank = document.bank.as_ref()?;
    let iban = compact(&bank.iban);
    if !is_iban(&iban) || !SEPA.iter().any(|country| iban.starts_with(country)) {
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
