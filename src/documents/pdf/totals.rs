//! The totals below the lines, with each tax by its rate, and why no tax is due where none is.

use super::canvas::{INK, Place, Role, WASH};
use super::sheet::{Align, BODY, MM, SMALL, Sheet, height};
use super::table::{TOTAL, tax_name};
use super::text::{Line, Style};
use crate::{AllowanceOrCharge, DocumentKind, TaxCategory, usual_reason};

const WIDTH: f32 = 86.0 * MM;
const PADDING: f32 = 2.5;
const ABOVE: f32 = 8.0;

/// The totals, ready to be drawn.
pub(super) struct Totals<'f> {
    rows: Vec<Row<'f>>,
}

struct Row<'f> {
    label: Vec<Line<'f>>,
    amount: Line<'f>,
    strong: bool,
}

impl<'f> Totals<'f> {
    /// Sets them.
    pub(super) fn new(sheet: &Sheet<'_, 'f>) -> Self {
        Self {
            rows: texts(sheet)
                .into_iter()
                .map(|(label, amount, strong)| {
                    let style = if strong { TOTAL } else { BODY };
                    let amount = sheet.setter.line(&amount, style);
                    let room = (WIDTH - amount.width - 18.0).max(WIDTH * 0.3);
                    Row {
                        label: sheet.setter.wrap(&label, style, room),
                        amount,
                        strong,
                    }
                })
                .collect(),
        }
    }

    /// How high they are with the room above them.
    pub(super) fn height(&self) -> f32 {
        self.rows.iter().map(Row::height).sum::<f32>() + ABOVE
    }

    /// Draws them at the right margin.
    pub(super) fn draw(self, sheet: &mut Sheet<'_, 'f>) {
        sheet.skip(ABOVE);
        let table = sheet.canvas.part(Role::Table);
        let (left, right) = (sheet.right - WIDTH, sheet.right);
        let widths = self.rows.iter().map(|row| row.amount.width);
        let amounts = (right - widths.fold(0.0, f32::max), right);
        for row in self.rows {
            let tall = row.height();
            sheet.need(tall);
            let top = sheet.y;
            if row.strong {
                sheet.bar(left, top, WIDTH + 3.0, tall, WASH);
                sheet.bar(left, top, WIDTH + 3.0, 0.8, INK);
            }
            let padding = row.padding();
            let part = sheet.canvas.part_of(table, Role::Row);
            let head = sheet.canvas.part_of(part, Role::RowHead);
            let cell = sheet.canvas.part_of(part, Role::Cell);
            let edges = (left + 6.0, right);
            let y = top + padding;
            sheet.column(Place::Part(head), row.label, edges, Align::Start, y);
            sheet.put(Place::Part(cell), row.amount, amounts, Align::Figures, y);
            sheet.y = top + tall;
        }
    }
}

impl Row<'_> {
    fn padding(&self) -> f32 {
        if self.strong { 4.0 } else { PADDING }
    }

    fn height(&self) -> f32 {
        height(&self.label).max(self.amount.style.leading()) + 2.0 * self.padding()
    }
}

/// Each row: its label, its amount, and whether it stands out.
fn texts(sheet: &Sheet<'_, '_>) -> Vec<(String, String, bool)> {
    let (document, labels) = (sheet.document, sheet.labels);
    let numbers = labels.numbers;
    let amount = |value| numbers.decimal(value, document.digits);
    let money = |value| numbers.money(value, document.digits, &document.currency);
    let totals = &document.totals;
    let mut rows = Vec::new();
    if !document.allowances_and_charges.is_empty() {
        rows.push((labels.subtotal.to_owned(), amount(totals.lines), false));
    }
    // One row for what is one to the reader, though each tax has its share of it.
    let mut items: Vec<AllowanceOrCharge> = Vec::new();
    for share in &document.allowances_and_charges {
        let is_same = |item: &&mut AllowanceOrCharge| {
            (item.is_charge, item.percent, &item.reason)
                == (share.is_charge, share.percent, &share.reason)
        };
        match items.iter_mut().find(is_same) {
            Some(item) => item.amount += share.amount,
            None => items.push(share.clone()),
        }
    }
    for item in items {
        let mut label = item.reason.clone();
        if let Some(percent) = item.percent {
            label = labels.pair(&label, "", &format!("({})", numbers.percent(percent)));
        }
        let value = if item.is_charge {
            item.amount
        } else {
            -item.amount
        };
        rows.push((label, amount(value), false));
    }
    rows.push((labels.net_total.to_owned(), amount(totals.net), false));
    let ambiguous = document.taxes.len() > 1;
    for tax in &document.taxes {
        let name = match labels.category(tax.tax.category) {
            None => format!(
                "{} {}",
                tax_name(document, labels),
                numbers.percent(tax.tax.rate)
            ),
            Some(name) if ambiguous => format!("{name} ({})", tax.tax.category.code()),
            Some(name) => name.to_owned(),
        };
        rows.push((
            format!("{name} {} {}", labels.tax_of, amount(tax.taxable)),
            amount(tax.amount),
            false,
        ));
    }
    if let Some(tax) = &document.home_tax {
        let rate = labels.apart(&format!(
            "1 {} = {} {}",
            document.currency,
            numbers.decimal(tax.rate, tax.rate.normalize().scale().max(2)),
            tax.currency
        ));
        rows.push((
            format!(
                "{} {} {} ({rate})",
                tax_name(document, labels),
                labels.tax_in,
                tax.currency
            ),
            numbers.decimal(tax.amount, tax.digits),
            false,
        ));
    }
    let total = match document.kind {
        DocumentKind::CreditNote => labels.total_credit,
        DocumentKind::Invoice | DocumentKind::Quotation => labels.total,
    };
    rows.push((total.to_owned(), money(totals.gross), true));
    if document.kind != DocumentKind::Quotation
        && (!totals.paid.is_zero() || totals.due != totals.gross)
    {
        if !totals.paid.is_zero() {
            rows.push((labels.paid.to_owned(), amount(-totals.paid), false));
        }
        rows.push((labels.due.to_owned(), money(totals.due), true));
    }
    rows
}

/// Draws why no tax is due, once for each reason.
pub(super) fn reasons(sheet: &mut Sheet<'_, '_>) {
    let labels = sheet.labels;
    let mut said: Vec<String> = Vec::new();
    for subtotal in &sheet.document.taxes {
        let tax = &subtotal.tax;
        if tax.category == TaxCategory::Standard {
            continue;
        }
        let Some(reason) = tax.reason.as_deref().map(str::trim) else {
            continue;
        };
        let text = match labels.category(tax.category) {
            // What a seller says in its own words is told with the category, which the usual words name already.
            Some(name)
                if usual_reason(tax.category, labels.language) != Some(reason)
                    && !reason.to_lowercase().contains(&name.to_lowercase()) =>
            {
                format!("{name}: {}", labels.apart(reason))
            }
            _ => reason.to_owned(),
        };
        if !reason.is_empty() && !said.contains(&text) {
            said.push(text);
        }
    }
    if said.is_empty() {
        return;
    }
    sheet.skip(12.0);
    for text in said {
        sheet.paragraph(
            &text,
            Style {
                colour: INK,
                ..SMALL
            },
        );
    }
}
