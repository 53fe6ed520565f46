//! Cells as people write them.

use std::borrow::Cow;

use chrono::{NaiveDate, NaiveDateTime};
use rust_decimal::Decimal;
use serde_json::{Map, Value as Data};

use super::formula::unescaped;
use super::mapping::plain;
use super::{Draft, Field, Link, Plan, Reads, Row, Target, Wrong};
use crate::types::text::quoted;

/// Characters that a cell may have: more than any field takes, and less than what would only cost memory.
const MAX_CELL: usize = 100_000;

/// What spreadsheets show in place of a result.
const ERRORS: &[&str] = &[
    "#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!",
];

/// Reads a row. What is wrong with it is noted in it.
pub(super) fn read(plan: &Plan, row: &Row) -> Draft {
    let mut draft = Draft {
        wrong: row.wrong.clone().map(|reason| Wrong {
            field: None,
            reason,
        }),
        ..Draft::default()
    };
    if draft.wrong.is_some() {
        return draft;
    }
    for (place, (column, cell)) in plan.mapping.columns.iter().zip(&row.cells).enumerate() {
        // A line break at the end of a list says that its items stand on lines.
        let whole = unescaped(cell.trim_matches(' '));
        let whole = whole.as_ref();
        let text = whole.trim();
        if text.is_empty() {
            continue;
        }
        if ERRORS.contains(&text) && plan.mapping.describe(column).is_some() {
            // Nobody wrote it: a formula has no result.
            let header = quoted(&column.header);
            let warning = format!("{header} is {text}, the error of a formula; it stays empty.");
            draft.warnings.push(warning);
            continue;
        }
        let read = if text.chars().nth(MAX_CELL).is_some() {
            Err(format!("has more than {MAX_CELL} characters"))
        } else {
            match &column.target {
                Target::Ignored | Target::Label(_) => Ok(()),
                Target::Field(index) => match plan.mapping.fields.get(*index) {
                    Some(field) if field.joins() => {
                        let label = plan.mapping.label_of(place);
                        let label = label.and_then(|label| row.cells.get(label));
                        items(field, whole, label.map(String::as_str), &mut draft);
                        Ok(())
                    }
                    Some(field) => read_field(plan, field, text, &mut draft),
                    None => Ok(()),
                },
                Target::Instead(index) => {
                    if let Some(field) = plan.mapping.fields.get(*index) {
                        link(&mut draft, field, text);
                    }
                    Ok(())
                }
                Target::Attribute(name, kind) => attribute(plan, kind, text).map(|value| {
                    draft.attributes.insert(name.clone(), value);
                }),
            }
        };
        if let Err(wrong) = read {
            let reason = format!("{} {wrong}.", quoted(&column.header));
            draft.refuse(Wrong::of(&column.header, reason));
        }
    }
    draft
}

fn read_field(plan: &Plan, field: &Field, text: &str, draft: &mut Draft) -> Result<(), String> {
    let text = &*match field.is_moment {
        true => moment(plan, text),
        false => Cow::Borrowed(text),
    };
    let mut set = |value: Data| {
        draft.fields.insert(field.column.to_owned(), value);
    };
    match field.reads {
        Reads::Text => set(text.into()),
        Reads::Number => set(whole(plan, text)?.into()),
        Reads::Amount => set(decimal(plan, text)?.into()),
        Reads::Percent => set(percent(plan, text)?.into()),
        Reads::Day => set(day(plan, text)?.into()),
        Reads::List | Reads::Entries { .. } => items(field, text, None, draft),
        Reads::Record(_) | Reads::Aside => link(draft, field, text),
    }
    Ok(())
}

/// Adds the parts of a cell to a list.
fn items(field: &Field, text: &str, label: Option<&str>, draft: &mut Draft) {
    let all = draft
        .fields
        .entry(field.column.to_owned())
        .or_insert_with(|| Data::Array(Vec::new()));
    if let Data::Array(all) = all {
        all.extend(list(text).map(|text| match field.reads {
            Reads::Entries { key, kind } => entry(key, label.and_then(kind_of).or(kind), text),
            _ => text.into(),
        }));
    }
}

/// The field's own cell comes before what stands in another column for it.
fn link(draft: &mut Draft, field: &Field, text: &str) {
    let Reads::Record(table) = field.reads else {
        let texts = draft.aside.entry(field.name).or_default();
        texts.push(text.to_owned());
        return;
    };
    let known = draft
        .links
        .iter_mut()
        .find(|link| link.column == field.column);
    match known {
        Some(link) => link.texts.push(text.to_owned()),
        None => draft.links.push(Link {
            column: field.column,
            table,
            texts: vec![text.to_owned()],
        }),
    }
}

/// The parts of a cell that holds several.
fn list(text: &str) -> impl Iterator<Item = &str> {
    // The first stands between several values in exports of address books.
    let separator = [" ::: ", "\n", ";", ","]
        .into_iter()
        .find(|separator| text.contains(*separator))
        .unwrap_or("\n");
    text.split(separator)
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// The kind of address or number that a label beside it names, as other programs call it.
fn kind_of(label: &str) -> Option<&'static str> {
    match plain(label).as_str() {
        "work" | "business" | "office" | "arbeit" | "geschaftlich" => Some("work"),
        "home" | "personal" | "private" | "privat" => Some("personal"),
        "mobile" | "cell" | "mobil" | "handy" | "iphone" => Some("mobile"),
        "other" | "weitere" | "andere" => Some("other"),
        _ => None,
    }
}

/// `work: ada@example.com` or the address alone.
fn entry(key: &str, kind: Option<&str>, text: &str) -> Data {
    let typed = text.split_once(':').filter(|(kind, rest)| {
        !kind.is_empty() && kind.chars().all(char::is_alphabetic) && !rest.trim().is_empty()
    });
    let mut entry = Map::new();
    let (kind, text) = match typed {
        Some((kind, rest)) => (Some(kind), rest.trim()),
        None => (kind, text),
    };
    entry.insert(key.to_owned(), text.into());
    if let Some(kind) = kind {
        entry.insert("type".into(), kind.to_lowercase().into());
    }
    Data::Object(entry)
}

fn attribute(plan: &Plan, kind: &str, text: &str) -> Result<Data, String> {
    Ok(match kind {
        "number" => {
            let number = match text.strip_suffix('%') {
                Some(figures) => hundredth(plan, figures)?,
                None => decimal(plan, text)?,
            };
            serde_json::from_str(&number).map_err(|_| not_a_number(plan))?
        }
        "bool" => match text.to_lowercase().as_str() {
            "true" | "yes" | "y" | "1" | "x" => true.into(),
            "false" | "no" | "n" | "0" => false.into(),
            _ => return Err("is neither yes nor no".into()),
        },
        "date" => day(plan, text)?.into(),
        "list" => match serde_json::from_str(text) {
            Ok(Data::Array(items)) => Data::Array(items),
            _ => list(text).map(Data::from).collect(),
        },
        "object" => serde_json::from_str(text).map_err(|_| "is not a JSON object")?,
        _ => text.into(),
    })
}

fn whole(plan: &Plan, text: &str) -> Result<i64, String> {
    let number = decimal(plan, text)?;
    let (whole, decimals) = number.split_once('.').unwrap_or((&number, ""));
    match whole.parse() {
        Ok(number) if decimals.chars().all(|c| c == '0') => Ok(number),
        _ => Err("is not a whole number".into()),
    }
}

/// What so many percent are of one.
fn hundredth(plan: &Plan, figures: &str) -> Result<String, String> {
    let number: Decimal = decimal(plan, figures)?
        .parse()
        .map_err(|_| not_a_number(plan))?;
    let share = number.checked_div(Decimal::ONE_HUNDRED);
    let share = share.ok_or_else(|| not_a_number(plan))?;
    Ok(share.normalize().to_string())
}

/// A share in percent, rounded; what is written with decimals and lies between 0 and 1 is a part of one.
fn percent(plan: &Plan, text: &str) -> Result<i64, String> {
    let figures = text.trim_end_matches('%').trim();
    let number = decimal(plan, figures)?;
    let share: f64 = number.parse().map_err(|_| not_a_number(plan))?;
    let is_part = number.contains('.') && share <= 1.0 && figures.len() == text.len();
    Ok(if is_part { share * 100.0 } else { share }.round() as i64)
}

fn not_a_number(plan: &Plan) -> String {
    let example = if plan.decimal == ',' {
        "1.234,50"
    } else {
        "1,234.50"
    };
    let other = if plan.decimal == ',' { '.' } else { ',' };
    format!("is not a number such as {example} (decimal {other} reads the other way)")
}

/// A number as it is written in figures, without grouping, with a point.
fn decimal(plan: &Plan, text: &str) -> Result<String, String> {
    let group = if plan.decimal == ',' { '.' } else { ',' };
    let figures: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !"€$£¥'’\u{202f}".contains(*c))
        .collect();
    let (sign, figures) = match figures.strip_prefix(['-', '−']) {
        Some(rest) => ("-", rest),
        None => ("", figures.strip_prefix('+').unwrap_or(&figures)),
    };
    let (whole, decimals) = figures.split_once(plan.decimal).unwrap_or((figures, ""));
    let all_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let mut groups = whole.split(group);
    let first = groups.next().unwrap_or_default();
    let grouped: Vec<&str> = groups.collect();
    // A group has three figures: 1,5 is not 15.
    let well_grouped = grouped
        .iter()
        .all(|group| group.len() == 3 && all_digits(group))
        && (grouped.is_empty() || (1..=3).contains(&first.len()));
    let something = !first.is_empty() || !decimals.is_empty();
    if !(something && well_grouped && all_digits(first) && all_digits(decimals)) {
        return Err(not_a_number(plan));
    }
    let mut number = format!("{sign}{first}{}", grouped.concat());
    if first.is_empty() {
        number.push('0');
    }
    if !decimals.is_empty() {
        number.push('.');
        number.push_str(decimals);
    }
    Ok(number)
}

/// A day and what stands behind it.
fn day_and_rest<'a>(plan: &Plan, text: &'a str) -> chrono::ParseResult<(NaiveDate, &'a str)> {
    // With a T before the time of day it is a moment of ISO 8601, as a workbook's are, however days are written.
    let is_iso = text.as_bytes().get(10) == Some(&b'T');
    let iso = is_iso.then(|| NaiveDate::parse_and_remainder(text, "%Y-%m-%d").ok());
    match iso.flatten() {
        Some(read) => Ok(read),
        None => NaiveDate::parse_and_remainder(text, &plan.days),
    }
}

/// A day or a moment, with its day as a call takes it; as it stands where it is said in another way, such as in words.
fn moment<'a>(plan: &Plan, text: &'a str) -> Cow<'a, str> {
    // Where the form of days has the time of day in it too.
    if let Ok(moment) = NaiveDateTime::parse_from_str(text, &plan.days) {
        return Cow::Owned(moment.format("%Y-%m-%dT%H:%M:%S").to_string());
    }
    match day_and_rest(plan, text) {
        Ok((day, rest)) => Cow::Owned(format!("{day}{rest}")),
        Err(_) => Cow::Borrowed(text),
    }
}

fn day(plan: &Plan, text: &str) -> Result<String, String> {
    // A time of day that stands behind it is left out.
    let (date, rest) = day_and_rest(plan, text).map_err(|_| {
        format!(
            "is not a date as {} (see date_format)",
            shown_days(&plan.days)
        )
    })?;
    if !rest.is_empty() && !rest.starts_with([' ', 'T']) {
        return Err("has more than a date in it".into());
    }
    Ok(date.to_string())
}

/// How days are written, from the letters that people know (`DD.MM.YYYY`) or chrono's (`%d.%m.%Y`).
#[must_use]
pub fn day_format(text: &str) -> String {
    if text.contains('%') {
        return text.to_owned();
    }
    text.replace("YYYY", "%Y")
        .replace("YY", "%y")
        .replace("MM", "%m")
        .replace("DD", "%d")
}

fn shown_days(days: &str) -> String {
    days.replace("%Y", "YYYY")
        .replace("%y", "YY")
        .replace("%m", "MM")
        .replace("%d", "DD")
}
