//! What stands after the totals: the terms, where to pay, and the note.

use super::canvas::{Mark, Place, RULE, Role};
use super::epc;
use super::format::grouped;
use super::sheet::{Align, BODY, MM, SMALL, STRONG, Sheet, height as lines_height};
use super::text::Line;
use crate::{BankAccount, DocumentKind};

/// Between two blocks.
const BETWEEN: f32 = 14.0;
/// The side of the QR code without its margin, and that margin in squares.
const CODE: f32 = 27.0 * MM;
const QUIET: f32 = 4.0;

/// Draws it. A footer that is too long for the foot of a page is said here.
pub(super) fn draw(sheet: &mut Sheet<'_, '_>, footer: Option<&str>) {
    let document = sheet.document;
    if let Some(terms) = &document.terms {
        sheet.skip(BETWEEN);
        // The heading stays with the first lines.
        sheet.need(3.0 * BODY.leading());
        sheet.paragraph(sheet.labels.terms, STRONG);
        sheet.paragraph(terms, BODY);
    }
    if let Some(bank) = account(sheet) {
        Payment::new(sheet, bank).draw(sheet);
    }
    if let Some(note) = &document.note {
        sheet.skip(BETWEEN);
        sheet.paragraph(note, BODY);
    }
    if let Some(footer) = footer {
        sheet.skip(BETWEEN);
        sheet.paragraph(footer, SMALL);
    }
}

/// Whether the document says where to pay.
fn account<'a>(sheet: &Sheet<'a, '_>) -> Option<&'a BankAccount> {
    let document = sheet.document;
    let is_to_pay = document.kind == DocumentKind::Invoice
        // Nobody is to pay by a draft.
        && !document.is_draft
        && document.totals.due > rust_decimal::Decimal::ZERO;
    document.bank.as_ref().filter(|_| is_to_pay)
}

/// How high the terms and the account are, which belong on the page of the totals: alone on one they say little.
pub(super) fn height(sheet: &Sheet<'_, '_>) -> f32 {
    let terms = sheet.document.terms.as_ref().map_or(0.0, |terms| {
        let lines = sheet.setter.wrap(terms, BODY, sheet.width());
        BETWEEN + STRONG.leading() + lines_height(&lines)
    });
    let account = account(sheet).map_or(0.0, |bank| BETWEEN + Payment::new(sheet, bank).tall);
    terms + account
}

/// Where to pay: the account, and the code from which a banking app reads it. Stays on one page.
struct Payment<'f> {
    heading: Line<'f>,
    rows: Vec<(Vec<Line<'f>>, Vec<Line<'f>>)>,
    code: Option<Vec<Vec<bool>>>,
    caption: Line<'f>,
    edges: (f32, f32),
    /// How high it is.
    tall: f32,
}

impl<'f> Payment<'f> {
    fn new(sheet: &Sheet<'_, 'f>, bank: &BankAccount) -> Self {
        let code = epc::squares(sheet.document);
        let caption = sheet.setter.line(sheet.labels.scan, SMALL);
        let code_width = if code.is_some() { CODE + 8.0 * MM } else { 0.0 };
        let edges = (sheet.left, sheet.right - code_width);
        let rows = rows(sheet, bank, edges.1 - edges.0);
        let heading = sheet.setter.line(sheet.labels.payment, STRONG);
        let heights = rows.iter();
        let heights =
            heights.map(|(label, value)| lines_height(label).max(lines_height(value)) + 1.5);
        let text_height = heading.style.leading() + 3.0 + heights.sum::<f32>();
        let code_height = if code.is_some() {
            CODE + 4.0 + caption.style.leading()
        } else {
            0.0
        };
        let tall = text_height.max(code_height) + 14.0;
        Self {
            heading,
            rows,
            code,
            caption,
            edges,
            tall,
        }
    }

    fn draw(self, sheet: &mut Sheet<'_, 'f>) {
        let Self {
            heading,
            rows,
            code,
            caption,
            edges,
            tall,
        } = self;
        sheet.skip(BETWEEN);
        sheet.need(tall);
        let (left, width, start) = (sheet.left, sheet.width(), sheet.y);
        if !sheet.is_fresh() {
            sheet.bar(left, start, width, 0.5, RULE);
        }
        let top = start + 10.0;
        let part = sheet.canvas.part(Role::Paragraph);
        let leading = heading.style.leading();
        sheet.put(Place::Part(part), heading, edges, Align::Start, top);
        let labels_width = rows
            .iter()
            .flat_map(|(label, _)| label)
            .map(|line| line.width)
            .fold(0.0, f32::max);
        let table = sheet.canvas.part(Role::Table);
        let mut y = top + leading + 3.0;
        for (label, value) in rows {
            let row = sheet.canvas.part_of(table, Role::Row);
            let head = sheet.canvas.part_of(row, Role::RowHead);
            let cell = sheet.canvas.part_of(row, Role::Cell);
            let down = BODY.ascent() - SMALL.ascent();
            let label_end = sheet.column(Place::Part(head), label, edges, Align::Start, y + down);
            let values = (edges.0 + labels_width + 12.0, edges.1);
            let value_end = sheet.column(Place::Part(cell), value, values, Align::Start, y);
            y = label_end.max(value_end) + 1.5;
        }
        if let Some(rows) = code {
            let side = CODE / (rows.len() as f32);
            let x = sheet.right - CODE - QUIET * side * 0.5;
            let text = format!("{} (EPC QR)", sheet.labels.scan);
            let figure = sheet.canvas.part(Role::Figure(text));
            sheet.canvas.mark(
                Place::Part(figure),
                Mark::Squares {
                    x,
                    y: top,
                    side,
                    rows,
                },
            );
            let part = sheet.canvas.part(Role::Paragraph);
            let middle = x + CODE / 2.0;
            let left = (middle - caption.width / 2.0).min(sheet.right - caption.width);
            let edges = (left, sheet.right);
            sheet.put(
                Place::Part(part),
                caption,
                edges,
                Align::Start,
                top + CODE + 4.0,
            );
        }
        sheet.y = start + tall;
    }
}

/// The rows: label and value.
fn rows<'f>(
    sheet: &Sheet<'_, 'f>,
    bank: &BankAccount,
    width: f32,
) -> Vec<(Vec<Line<'f>>, Vec<Line<'f>>)> {
    let (document, labels) = (sheet.document, sheet.labels);
    let mut rows = Vec::new();
    let holder = bank.holder.as_deref().unwrap_or(&document.seller.name);
    rows.push((labels.holder, holder.to_owned(), BODY));
    // Not each account in the world has an IBAN.
    if epc::is_iban(&bank.iban) {
        rows.push(("IBAN", grouped(&bank.iban), STRONG));
    } else {
        rows.push((labels.account, bank.iban.clone(), STRONG));
    }
    if let Some(bic) = &bank.bic {
        rows.push(("BIC", bic.clone(), BODY));
    }
    if let Some(name) = &bank.bank {
        rows.push((labels.bank, name.clone(), BODY));
    }
    // How much and until when stands at the top.
    rows.push((labels.payment_reference, document.number.clone(), BODY));
    rows.into_iter()
        .map(|(label, value, style)| {
            (
                sheet.setter.wrap(label, SMALL, width * 0.4),
                sheet.setter.wrap(&value, style, width * 0.6),
            )
        })
        .collect()
}
