//! What stands on each page: the foot with its page number, and from the second page on what document it is.

use super::canvas::{Mark, Place, RULE, SOFT};
use super::sheet::{FOOT, MM, SMALL, Sheet, height};
use super::text::{Line, Style};

const FOOTER: Style = Style {
    size: 7.0,
    bold: false,
    colour: SOFT,
};
/// A longer footer would take too much of each page.
const LINES: usize = 6;
/// What the page number takes of the footer's width.
const NUMBER: f32 = 30.0 * MM;
const HEAD: f32 = 12.0 * MM;

/// The footer, and keeps its room free on each page; none where it is missing or too long.
pub(super) fn footer<'f>(sheet: &mut Sheet<'_, 'f>) -> Option<Vec<Line<'f>>> {
    let lines = sheet
        .document
        .footer
        .as_deref()
        .map(|text| sheet.setter.wrap(text, FOOTER, sheet.width() - NUMBER))
        .filter(|lines| lines.len() <= LINES);
    let tall = lines.as_deref().map_or(0.0, height).max(FOOTER.leading());
    sheet.bottom = sheet.height - FOOT - tall - 5.0 * MM;
    lines
}

/// Draws it on each page, now that their number is known.
pub(super) fn draw<'f>(sheet: &mut Sheet<'_, 'f>, footer: Option<&[Line<'f>]>) {
    let pages = sheet.canvas.pages();
    let (labels, document) = (sheet.labels, sheet.document);
    let tall = footer.map_or(0.0, height).max(FOOTER.leading());
    let top = sheet.height - FOOT - tall;
    let head = sheet.setter.wrap(
        &format!(
            "{} · {}",
            super::title(document, labels),
            labels.apart(&document.seller.name)
        ),
        SMALL,
        sheet.width() - NUMBER,
    );
    let date = sheet.setter.line(&labels.day(document.issued_on), SMALL);
    for page in 0..pages {
        rule(sheet, page, Place::Foot, top - 2.0 * MM);
        if let Some(lines) = footer {
            let mut y = top;
            for line in lines {
                text(sheet, page, Place::Foot, line.clone(), sheet.left, y);
                y += line.style.leading();
            }
        }
        let number = format!("{} {} {} {pages}", labels.page, page + 1, labels.of_pages);
        let number = sheet.setter.line(&number, FOOTER);
        let x = sheet.right - number.width;
        text(sheet, page, Place::Foot, number, x, top);
        if page > 0 {
            if let Some(line) = head.first() {
                text(sheet, page, Place::Head, line.clone(), sheet.left, HEAD);
            }
            let x = sheet.right - date.width;
            text(sheet, page, Place::Head, date.clone(), x, HEAD);
            rule(sheet, page, Place::Head, HEAD + SMALL.leading() + 1.5 * MM);
        }
    }
}

fn text<'f>(sheet: &mut Sheet<'_, 'f>, page: usize, place: Place, line: Line<'f>, x: f32, y: f32) {
    let y = y + line.style.ascent();
    sheet.canvas.mark_on(page, place, Mark::Text { x, y, line });
}

fn rule(sheet: &mut Sheet<'_, '_>, page: usize, place: Place, y: f32) {
    let (x, width) = (sheet.left, sheet.width());
    sheet.canvas.mark_on(
        page,
        place,
        Mark::Bar {
            x,
            y,
            width,
            height: 0.5,
            colour: RULE,
        },
    );
}
