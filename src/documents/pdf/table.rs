//! The table of the lines. Its columns are as wide as what stands in them; the description gets the rest.

use super::canvas::{INK, Part, Place, RULE, Role, SOFT, WASH};
use super::labels::Labels;
use super::sheet::{Align, BODY, SMALL, STRONG, Sheet, height};
use super::text::{Line as TextLine, Style};
use crate::{Document, Line, Tax, TaxCategory};

/// Between two columns, and above and below the text of a row.
const GAP: f32 = 9.0;
const PADDING: f32 = 4.5;
/// The most that a column of numbers takes: what is longer is broken.
const WIDEST: f32 = 105.0;
/// The least that is left for the description.
const NARROWEST: f32 = 110.0;

const HEADING: Style = Style {
    size: 8.0,
    bold: true,
    colour: INK,
};

/// A column.
struct Column<'f> {
    heading: &'static str,
    align: Align,
    /// What stands in it, line by line; nothing where it is the description, which is set when its width is known.
    cells: Vec<Vec<TextLine<'f>>>,
    edges: (f32, f32),
}

/// A cell of a row, with the lines that are still to be drawn.
struct Cell<'f> {
    part: Part,
    align: Align,
    edges: (f32, f32),
    rest: std::vec::IntoIter<TextLine<'f>>,
}

/// Draws the table. Its last row stays with the next thing, of the height `keep`.
pub(super) fn draw(sheet: &mut Sheet<'_, '_>, keep: f32) {
    let document = sheet.document;
    let table = sheet.canvas.part(Role::Table);
    let mut columns = columns(sheet);
    place(sheet, &mut columns);

    let tall = heading_height(sheet, &columns);
    let fresh = sheet.whole() - tall;
    sheet.need(tall + 4.0 * BODY.leading());
    let head = sheet.canvas.part_of(table, Role::TableHead);
    let row = sheet.canvas.part_of(head, Role::Row);
    heading(sheet, &columns, Some(row));
    let body = sheet.canvas.part_of(table, Role::TableBody);
    for (index, line) in document.lines.iter().enumerate() {
        let row = sheet.canvas.part_of(body, Role::Row);
        let cells: Vec<Cell<'_>> = columns
            .iter_mut()
            .map(|column| {
                let lines = match column.cells.get_mut(index) {
                    Some(lines) => std::mem::take(lines),
                    None => description(sheet, line, column.edges.1 - column.edges.0),
                };
                Cell {
                    part: sheet.canvas.part_of(row, Role::Cell),
                    align: column.align,
                    edges: column.edges,
                    rest: lines.into_iter(),
                }
            })
            .collect();
        let tall = cells
            .iter()
            .map(|cell| height(cell.rest.as_slice()))
            .fold(0.0, f32::max)
            + 2.0 * PADDING;
        let last = index + 1 == document.lines.len();
        let room = sheet.room();
        let stays = !last || tall + keep <= room || tall + keep > fresh;
        // A row longer than a page is broken, but not right below its beginning.
        let fits = tall <= room || (tall > fresh && room > 4.0 * BODY.leading());
        if !(stays && fits) {
            sheet.turn();
            heading(sheet, &columns, None);
        }
        draw_row(sheet, &columns, cells);
        let (left, width, y) = (sheet.left, sheet.width(), sheet.y);
        sheet.bar(left, y, width, 0.5, RULE);
        sheet.y += 0.5;
    }
}

/// Draws a row, on as many pages as it needs.
fn draw_row<'f>(sheet: &mut Sheet<'_, 'f>, columns: &[Column<'f>], mut cells: Vec<Cell<'f>>) {
    loop {
        let top = sheet.y + PADDING;
        let mut end = top;
        for cell in &mut cells {
            let mut y = top;
            while let Some(next) = cell.rest.as_slice().first() {
                // At least one line of each goes onto each page, so that this ends.
                let leading = next.style.leading();
                if y > top && y + leading + PADDING > sheet.bottom {
                    break;
                }
                if let Some(line) = cell.rest.next() {
                    sheet.put(Place::Part(cell.part), line, cell.edges, cell.align, y);
                }
                y += leading;
            }
            end = end.max(y);
        }
        sheet.y = end + PADDING;
        if cells.iter().all(|cell| cell.rest.as_slice().is_empty()) {
            return;
        }
        sheet.turn();
        heading(sheet, columns, None);
    }
}

/// The columns with what stands in them.
fn columns<'f>(sheet: &Sheet<'_, 'f>) -> Vec<Column<'f>> {
    let (document, labels) = (sheet.document, sheet.labels);
    let numbers = labels.numbers;
    let digits = document.digits;
    let set =
        |heading: &'static str, align: Align, cell: &dyn Fn(&Line) -> Vec<(String, Style)>| {
            let cells = document
                .lines
                .iter()
                .map(|line| {
                    cell(line)
                        .iter()
                        .map(|(text, style)| sheet.setter.line(text, *style))
                        .collect()
                })
                .collect();
            Column {
                heading,
                align,
                cells,
                edges: (0.0, 0.0),
            }
        };
    let position = Column {
        heading: labels.position,
        align: Align::Start,
        cells: (1..=document.lines.len())
            .map(|number| vec![sheet.setter.line(&number.to_string(), faint(BODY))])
            .collect(),
        edges: (0.0, 0.0),
    };
    let item = Column {
        heading: labels.item,
        align: Align::Start,
        cells: Vec::new(),
        edges: (0.0, 0.0),
    };
    let mut columns = vec![
        position,
        item,
        set(labels.quantity, Align::Figures, &|line| {
            let quantity = numbers.decimal(line.quantity, 0);
            vec![(format!("{quantity} {}", line.unit).trim().to_owned(), BODY)]
        }),
        set(labels.unit_price, Align::Figures, &|line| {
            vec![(numbers.decimal(line.unit_price, digits), BODY)]
        }),
    ];
    if document.lines.iter().any(|line| !line.discount.is_zero()) {
        columns.push(set(labels.discount, Align::Figures, &|line| {
            if line.discount.is_zero() {
                return vec![("–".to_owned(), faint(BODY))];
            }
            let amount = numbers.decimal(-line.discount, digits);
            match line.discount_percent {
                Some(percent) => vec![(numbers.percent(percent), BODY), (amount, SMALL)],
                None => vec![(amount, BODY)],
            }
        }));
    }
    columns.push(set(tax_name(document, labels), Align::Figures, &|line| {
        vec![(rate(document, labels, &line.tax), BODY)]
    }));
    columns.push(set(labels.net, Align::Figures, &|line| {
        vec![(numbers.decimal(line.net, digits), BODY)]
    }));
    columns
}

/// What the tax is called.
pub(super) fn tax_name(document: &Document, labels: &Labels) -> &'static str {
    if document.seller.vat_id.is_some() {
        labels.vat
    } else {
        labels.tax
    }
}

/// The rate of a tax; with the code of its category where several make the rate alone ambiguous.
fn rate(document: &Document, labels: &Labels, tax: &Tax) -> String {
    let rate = labels.numbers.percent(tax.rate);
    if tax.category == TaxCategory::Standard || document.taxes.len() < 2 {
        rate
    } else {
        format!("{rate} {}", tax.category.code())
    }
}

/// Gives each column its place from margin to margin, and breaks what is too long for it.
fn place(sheet: &Sheet<'_, '_>, columns: &mut [Column<'_>]) {
    let mut widths: Vec<f32> = columns
        .iter()
        .map(|column| {
            let heading = sheet.setter.line(column.heading, HEADING).width;
            let natural = column
                .cells
                .iter()
                .flatten()
                .map(|line| line.width)
                .fold(heading, f32::max);
            natural.min(WIDEST)
        })
        .collect();
    let gaps = GAP * columns.len().saturating_sub(1) as f32;
    let others: f32 = columns
        .iter()
        .zip(&widths)
        .filter(|(column, _)| !column.cells.is_empty())
        .map(|(_, width)| width)
        .sum();
    let rest = sheet.width() - gaps - others;
    // Where nearly nothing is left, the numbers give way.
    let shrink = if rest < NARROWEST {
        (sheet.width() - gaps - NARROWEST) / others
    } else {
        1.0
    };
    let mut x = sheet.left;
    for (column, width) in columns.iter_mut().zip(&mut widths) {
        *width = if column.cells.is_empty() {
            rest.max(NARROWEST)
        } else {
            *width * shrink
        };
        column.edges = (x, x + *width);
        x += *width + GAP;
    }
}

/// What a line is: its name, and smaller its number and description.
fn description<'f>(sheet: &Sheet<'_, 'f>, line: &Line, width: f32) -> Vec<TextLine<'f>> {
    let mut lines = sheet.setter.wrap(&line.name, BODY, width);
    if let Some(sku) = &line.sku {
        let text = format!("{} {}", sheet.labels.sku, sheet.labels.apart(sku));
        lines.extend(sheet.setter.wrap(&text, SMALL, width));
    }
    if let Some(text) = &line.description {
        lines.extend(sheet.setter.wrap(text, SMALL, width));
    }
    lines
}

fn heading_lines<'f>(sheet: &Sheet<'_, 'f>, column: &Column<'_>) -> Vec<TextLine<'f>> {
    let width = column.edges.1 - column.edges.0;
    sheet.setter.wrap(column.heading, HEADING, width + 0.1)
}

fn heading_height(sheet: &Sheet<'_, '_>, columns: &[Column<'_>]) -> f32 {
    columns
        .iter()
        .map(|column| height(&heading_lines(sheet, column)))
        .fold(0.0, f32::max)
        + 2.0 * PADDING
}

/// The head of the table: once as a part of it, on later pages for the eye only.
fn heading(sheet: &mut Sheet<'_, '_>, columns: &[Column<'_>], row: Option<Part>) {
    let tall = heading_height(sheet, columns);
    let (left, width, top) = (sheet.left, sheet.width(), sheet.y);
    sheet.bar(left - 3.0, top, width + 6.0, tall, WASH);
    for column in columns {
        let place = row.map_or(Place::Head, |row| {
            Place::Part(sheet.canvas.part_of(row, Role::ColumnHead))
        });
        let lines = heading_lines(sheet, column);
        sheet.column(place, lines, column.edges, column.align, top + PADDING);
    }
    sheet.y = top + tall;
}

fn faint(style: Style) -> Style {
    Style {
        colour: SOFT,
        ..style
    }
}

/// The style of a total.
pub(super) const TOTAL: Style = Style {
    size: 10.5,
    ..STRONG
};
