//! The upper part of the first page: logo, seller, the buyer's address where a window envelope (DIN 5008, form B) shows it, the
//! document's data, its title and its introduction.

use krilla::Data;
use krilla::image::Image;

use super::address;
use super::canvas::{INK, Mark, Place, Role, SOFT};
use super::sheet::{Align, BODY, MM, SMALL, STRONG, Sheet, height};
use super::text::Style;
use crate::{DocumentKind, Error, Logo, Party};

/// The box of the logo.
const LOGO_WIDTH: f32 = 80.0 * MM;
const LOGO_HEIGHT: f32 = 24.0 * MM;
/// One pixel of a small logo becomes at most so large, so that it is not blown up.
const LARGEST_PIXEL: f32 = 0.75;
/// A picture of more is not unpacked: it would take hundreds of megabytes.
const MOST_PIXELS: u64 = 16_000_000;
/// The column at the right: the seller, and the document's data.
const COLUMN: f32 = 65.0 * MM;
/// The window of the envelope: how wide, where the sender's line ends, and where the address begins.
const WINDOW: f32 = 80.0 * MM;
const SENDER_END: f32 = 61.5 * MM;
const ADDRESS: f32 = 63.5 * MM;
/// Where the document's data begin, and the title, at the earliest.
const DATA: f32 = 50.0 * MM;
const TITLE: f32 = 98.5 * MM;

/// Draws it. Leaves the sheet where the lines may begin.
pub(super) fn draw(sheet: &mut Sheet<'_, '_>) -> Result<(), Error> {
    let seller_end = seller(sheet)?;
    let data_end = data(sheet, seller_end);
    let address_end = buyer(sheet);
    sheet.y = TITLE.max(data_end + 8.0 * MM).max(address_end + 8.0 * MM);
    title(sheet);
    if let Some(text) = sheet.document.introduction.as_deref() {
        sheet.y += 4.0;
        sheet.paragraph(text, BODY);
    }
    sheet.y += 10.0;
    Ok(())
}

/// The logo, or the name in large letters, and beside it who the seller is. Answers where it ends.
fn seller(sheet: &mut Sheet<'_, '_>) -> Result<f32, Error> {
    let document = sheet.document;
    let top = sheet.y;
    let mut end = top;
    if let Some(logo) = &document.logo {
        end = end.max(self::logo(sheet, logo, top)?);
    } else {
        let style = |size| Style {
            size,
            bold: true,
            colour: INK,
        };
        let name = &document.seller.name;
        let room = sheet.width() - COLUMN - 6.0 * MM;
        let mut lines = sheet.setter.wrap(name, style(16.0), room);
        if lines.len() > 2 {
            lines = sheet.setter.wrap(name, style(11.0), room);
        }
        let part = sheet.canvas.part(Role::Paragraph);
        let edges = (sheet.left, sheet.right);
        end = sheet.column(Place::Part(part), lines, edges, Align::Start, top);
    }
    let edges = (sheet.right - COLUMN, sheet.right);
    let part = sheet.canvas.part(Role::Paragraph);
    let mut lines = Vec::new();
    if document.logo.is_some() {
        let style = Style {
            bold: true,
            colour: INK,
            ..SMALL
        };
        lines.extend(sheet.setter.wrap(&document.seller.name, style, COLUMN));
    }
    for text in about_seller(sheet, &document.seller) {
        lines.extend(sheet.setter.wrap(&text, SMALL, COLUMN));
    }
    Ok(end.max(sheet.column(Place::Part(part), lines, edges, Align::End, top)))
}

fn about_seller(sheet: &Sheet<'_, '_>, seller: &Party) -> Vec<String> {
    let labels = sheet.labels;
    let mut lines = address::lines(
        seller,
        sheet.document.buyer.country.as_deref(),
        labels.language,
    );
    let labelled = |label: &str, value: &Option<String>| {
        let value = value.as_deref()?;
        Some(format!("{label} {}", labels.apart(value)))
    };
    lines.extend(seller.contact.clone());
    lines.extend(labelled(labels.phone, &seller.phone));
    lines.extend(seller.email.clone());
    lines.extend(seller.website.clone());
    lines.extend(labelled(labels.vat_id, &seller.vat_id));
    lines.extend(labelled(labels.tax_number, &seller.tax_number));
    lines.extend(labelled(labels.registration, &seller.registration));
    lines
}

fn logo(sheet: &mut Sheet<'_, '_>, logo: &Logo, top: f32) -> Result<f32, Error> {
    let image = match logo {
        Logo::Png(bytes) => Image::from_png(Data::from(bytes.clone()), false),
        Logo::Jpeg(bytes) => Image::from_jpeg(Data::from(bytes.clone()), false),
    }
    .map_err(|error| {
        Error::Incomplete(format!(
            "The logo cannot be read: {error}. Give a PNG or JPEG file."
        ))
    })?;
    let (width, height) = image.size();
    if width == 0 || height == 0 || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Error::Incomplete(format!(
            "The logo has {width} × {height} pixels. Give one of at most 16 million."
        )));
    }
    let (width, height) = (width as f32, height as f32);
    let scale = (LOGO_WIDTH / width)
        .min(LOGO_HEIGHT / height)
        .min(LARGEST_PIXEL);
    let (width, height) = (width * scale, height * scale);
    let text = format!("{}: {}", sheet.labels.logo, sheet.document.seller.name);
    let part = sheet.canvas.part(Role::Figure(text));
    let x = sheet.left;
    sheet.canvas.mark(
        Place::Part(part),
        Mark::Picture {
            x,
            y: top,
            width,
            height,
            image,
        },
    );
    Ok(top + height)
}

/// The document's data: dates and references. Answers where they end.
fn data(sheet: &mut Sheet<'_, '_>, seller_end: f32) -> f32 {
    let mut y = DATA.max(seller_end + 5.0 * MM);
    let edges = (sheet.right - COLUMN, sheet.right);
    let rows = data_rows(sheet);
    let table = sheet.canvas.part(Role::Table);
    for (label, value, style) in rows {
        let row = sheet.canvas.part_of(table, Role::Row);
        let head = sheet.canvas.part_of(row, Role::RowHead);
        let cell = sheet.canvas.part_of(row, Role::Cell);
        let label = sheet.setter.wrap(label, SMALL, COLUMN * 0.5);
        let used = label.iter().map(|line| line.width).fold(0.0, f32::max);
        let value = sheet.setter.wrap(&value, style, COLUMN - used - 8.0);
        // Both on one baseline, though of different sizes.
        let down = BODY.ascent() - SMALL.ascent();
        let label_end = sheet.column(Place::Part(head), label, edges, Align::Start, y + down);
        let value_end = sheet.column(Place::Part(cell), value, edges, Align::End, y);
        y = label_end.max(value_end) + 1.0;
    }
    y
}

/// Label, value and how that looks. What somebody has to do is said first: how much they are to pay, and until when.
fn data_rows(sheet: &Sheet<'_, '_>) -> Vec<(&'static str, String, Style)> {
    let document = sheet.document;
    let labels = sheet.labels;
    let mut rows = Vec::new();
    let due = document.totals.due;
    if document.kind == DocumentKind::Invoice && due > rust_decimal::Decimal::ZERO {
        let numbers = labels.numbers;
        let due = numbers.money(due, document.digits, &document.currency);
        rows.push((labels.due, due, STRONG));
    }
    if let Some(date) = document.due_on {
        let label = match document.kind {
            DocumentKind::Quotation => labels.valid_until,
            DocumentKind::Invoice | DocumentKind::CreditNote => labels.due_on,
        };
        rows.push((label, labels.day(date), STRONG));
    }
    rows.extend(about(sheet));
    rows
}

/// The rest of the data.
fn about(sheet: &Sheet<'_, '_>) -> impl Iterator<Item = (&'static str, String, Style)> + use<> {
    let document = sheet.document;
    let labels = sheet.labels;
    let mut rows = vec![(labels.date, labels.day(document.issued_on))];
    if let Some(version) = document.version {
        rows.push((labels.version, version.to_string()));
    }
    if let Some(date) = document.delivered_on {
        rows.push((labels.delivered_on, labels.day(date)));
    }
    if let Some(period) = document.period {
        rows.push((labels.period, labels.period(period)));
    }
    if let Some(about) = &document.about {
        let label = match document.kind {
            DocumentKind::CreditNote => labels.about_invoice,
            DocumentKind::Invoice | DocumentKind::Quotation => labels.about,
        };
        rows.push((
            label,
            labels.pair(&about.number, labels.comma, &labels.day(about.issued_on)),
        ));
    }
    if let Some(reference) = &document.buyer_reference {
        rows.push((labels.reference, reference.clone()));
    }
    if let Some(vat_id) = &document.buyer.vat_id {
        rows.push((labels.buyer_vat_id, vat_id.clone()));
    }
    rows.into_iter().map(|(label, value)| (label, value, BODY))
}

/// The buyer's address below the sender's. Answers where it ends.
fn buyer(sheet: &mut Sheet<'_, '_>) -> f32 {
    let document = sheet.document;
    let edges = (sheet.left, sheet.left + WINDOW);
    let sender = Style {
        size: 6.5,
        bold: false,
        colour: SOFT,
    };
    let lines = sheet
        .setter
        .wrap(&address::sender(&document.seller), sender, WINDOW);
    let top = SENDER_END - height(&lines);
    // The same is said above, so whoever listens need not hear it again.
    sheet.column(Place::Head, lines, edges, Align::Start, top);

    let style = Style { size: 10.0, ..BODY };
    let buyer = &document.buyer;
    let mut texts = vec![buyer.name.clone()];
    texts.extend(
        buyer
            .contact
            .clone()
            .filter(|contact| *contact != buyer.name),
    );
    texts.extend(address::lines(
        buyer,
        document.seller.country.as_deref(),
        sheet.labels.language,
    ));
    let lines = texts
        .iter()
        .flat_map(|text| sheet.setter.wrap(text, style, WINDOW))
        .collect();
    let part = sheet.canvas.part(Role::Paragraph);
    sheet.column(Place::Part(part), lines, edges, Align::Start, ADDRESS)
}

fn title(sheet: &mut Sheet<'_, '_>) {
    let style = Style {
        size: 17.0,
        bold: true,
        colour: INK,
    };
    let text = super::title(sheet.document, sheet.labels);
    let part = sheet.canvas.part(Role::Title(text.clone()));
    let lines = sheet.setter.wrap(&text, style, sheet.width());
    sheet.need(height(&lines));
    let (edges, y) = ((sheet.left, sheet.right), sheet.y);
    sheet.y = sheet.column(Place::Part(part), lines, edges, Align::Start, y);
}
