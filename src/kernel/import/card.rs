//! Cards of people (vCard 2.1 to 4.0, RFC 6350), as telephones and address books write them: each becomes a row with the columns
//! that a contact has.

use super::{Row, escaped};

/// What stands in a card, by the field that it becomes.
const COLUMNS: [&str; 12] = [
    "name",
    "first_name",
    "last_name",
    "title",
    "company",
    "emails",
    "phones",
    "location",
    "city",
    "country",
    "links",
    "tags",
];
/// The column of notes, behind those.
const NOTES: &str = "summary";

/// The columns and rows of a file of cards.
pub(super) fn cards(text: &str) -> (Vec<String>, Vec<Row>) {
    let mut rows = Vec::new();
    let mut open: Option<(u64, Card)> = None;
    for (line, content) in unfolded(text) {
        let Some(property) = Property::of(&content) else {
            continue;
        };
        let is_of_card = property.value.trim().eq_ignore_ascii_case("vcard");
        match property.name.as_str() {
            "BEGIN" if is_of_card => {
                if let Some((begun, card)) = open.replace((line, Card::default())) {
                    rows.push(card.row(begun, false));
                }
            }
            "END" if is_of_card => {
                if let Some((begun, card)) = open.take() {
                    rows.push(card.row(begun, true));
                }
            }
            _ => {
                if let Some((_, card)) = &mut open {
                    card.take(&property);
                }
            }
        }
    }
    if let Some((begun, card)) = open {
        rows.push(card.row(begun, false));
    }
    let columns = COLUMNS.iter().chain([&NOTES]);
    (columns.map(|name| (*name).to_owned()).collect(), rows)
}

/// The lines of a file, each with its number: what is continued on the next line is put together.
fn unfolded(text: &str) -> Vec<(u64, String)> {
    let mut lines: Vec<(u64, String)> = Vec::new();
    // The old form goes on behind an equals sign at the end of a line.
    let mut goes_on = false;
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim_end_matches('\r');
        let is_folded = line.starts_with([' ', '\t']);
        match lines.last_mut() {
            Some((_, last)) if goes_on => {
                last.pop();
                last.push_str(line.trim_start());
            }
            Some((_, last)) if is_folded => last.push_str(line.get(1..).unwrap_or_default()),
            _ => lines.push((number, line.to_owned())),
        }
        goes_on = lines
            .last()
            .is_some_and(|(_, last)| last.ends_with('=') && is_quoted_printable(last));
    }
    lines
}

fn is_quoted_printable(line: &str) -> bool {
    let head = line.split_once(':').map_or(line, |(head, _)| head);
    head.to_ascii_uppercase().contains("QUOTED-PRINTABLE")
}

/// `item1.TEL;TYPE=CELL:+49 30 1`.
struct Property {
    name: String,
    /// What is said about its value, in capitals: `TYPE=CELL`, or `CELL` alone.
    said: Vec<String>,
    value: String,
}

impl Property {
    fn of(line: &str) -> Option<Self> {
        // A colon in quotation marks is a part of a parameter.
        let mut quoted = false;
        let colon = line.char_indices().find(|(_, sign)| {
            quoted ^= *sign == '"';
            *sign == ':' && !quoted
        });
        let (at, _) = colon?;
        let (head, value) = (line.get(..at)?, line.get(at + 1..)?);
        let mut parts = head.split(';').map(|part| part.trim().to_ascii_uppercase());
        let name = parts.next()?;
        let name = name
            .rsplit_once('.')
            .map_or(name.as_str(), |(_, name)| name);
        let value = if is_quoted_printable(line) {
            printable(value)
        } else {
            value.to_owned()
        };
        Some(Self {
            name: name.to_owned(),
            said: parts.collect(),
            value,
        })
    }

    /// Its value as a person reads it.
    fn text(&self) -> String {
        unescaped(self.value.trim())
    }

    /// The parts of a value that has several, in their order.
    fn parts(&self) -> Vec<String> {
        split(&self.value, ';')
    }

    /// What kind of address or number it is.
    fn kind(&self, is_number: bool) -> Option<&'static str> {
        let says = |kind: &str| {
            let mut said = self.said.iter();
            said.any(|said| {
                let said = said.strip_prefix("TYPE=").unwrap_or(said);
                said.split(',').any(|one| one.trim_matches('"') == kind)
            })
        };
        if is_number && says("CELL") {
            Some("mobile")
        } else if says("WORK") {
            Some("work")
        } else if says("HOME") {
            Some("personal")
        } else {
            None
        }
    }
}

/// Bytes that are written as `=C3=A9`.
fn printable(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let pair = (ahead.next(), ahead.next());
        let read = match pair {
            (Some(high), Some(low)) if byte == b'=' => {
                let digits = [high, low];
                let digits = std::str::from_utf8(&digits).ok();
                digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())
            }
            _ => None,
        };
        if let Some(read) = read {
            bytes.push(read);
            rest = ahead;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The parts between signs that no backslash stands before.
fn split(value: &str, sign: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for character in value.chars() {
        if character == sign && !escaped {
            parts.push(String::new());
            continue;
        }
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
        escaped = character == '\\' && !escaped;
    }
    let parts = parts.iter().map(|part| unescaped(part.trim()));
    parts.collect()
}

fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    text
}

/// What is known of one person.
#[derive(Default)]
struct Card {
    cells: [String; COLUMNS.len()],
    notes: String,
    role: String,
}

impl Card {
    /// The cell of a column.
    fn cell(&mut self, column: &str) -> Option<&mut String> {
        let place = COLUMNS.iter().position(|name| *name == column)?;
        self.cells.get_mut(place)
    }

    /// Says it where nothing is said.
    fn say(&mut self, column: &str, text: &str) {
        if let Some(cell) = self.cell(column).filter(|cell| cell.is_empty()) {
            text.trim().clone_into(cell);
        }
    }

    /// Adds an item to a list, each on a line of its own.
    fn add(&mut self, column: &str, kind: Option<&str>, text: &str) {
        let text = text.trim();
        if let Some(cell) = self.cell(column).filter(|_| !text.is_empty()) {
            if let Some(kind) = kind {
                cell.push_str(kind);
                cell.push_str(": ");
            }
            cell.push_str(&text.replace(['\r', '\n'], " "));
            cell.push('\n');
        }
    }

    fn take(&mut self, property: &Property) {
        let text = property.text();
        match property.name.as_str() {
            "FN" => self.say("name", &text),
            "N" => {
                let parts = property.parts();
                let mut parts = parts.iter();
                let last = parts.next().map_or("", String::as_str);
                let first = parts.next().map_or("", String::as_str);
                self.say("last_name", last);
                self.say("first_name", first);
            }
            "TITLE" => self.say("title", &text),
            "ROLE" => self.role = text,
            "ORG" => {
                let parts = property.parts();
                self.say("company", parts.first().map_or("", String::as_str));
            }
            "EMAIL" => {
                let address = text.strip_prefix("mailto:").unwrap_or(&text);
                self.add("emails", property.kind(false), address);
            }
            "TEL" => {
                let number = text.strip_prefix("tel:").unwrap_or(&text);
                self.add("phones", property.kind(true), number);
            }
            "ADR" => {
                // Box, addition, street, town, region, postal code, country.
                let parts = property.parts();
                let part = |place: usize| parts.get(place).map_or("", String::as_str).trim();
                let town = format!("{} {}", part(5), part(3));
                let whole = [part(2), town.trim(), part(4)];
                let whole: Vec<&str> = whole.into_iter().filter(|one| !one.is_empty()).collect();
                self.say("location", &whole.join(", ").replace('\n', ", "));
                self.say("city", part(3));
                self.say("country", part(6));
            }
            "URL" => self.add("links", None, &text),
            "CATEGORIES" => {
                for tag in split(&property.value, ',') {
                    self.add("tags", None, &tag);
                }
            }
            "NOTE" => {
                let apart = if self.notes.is_empty() { "" } else { "\n" };
                self.notes.push_str(apart);
                self.notes.push_str(&text);
            }
            _ => {}
        }
    }

    fn row(mut self, line: u64, is_closed: bool) -> Row {
        let role = std::mem::take(&mut self.role);
        self.say("title", &role);
        // What stands before a formula in a table is a part of the text here.
        let cells = self.cells.iter().chain([&self.notes]);
        let cells = cells.map(|cell| escaped(cell).into_owned()).collect();
        let wrong = (!is_closed).then(|| "The card is cut off: END:VCARD is missing.".to_owned());
        Row { line, cells, wrong }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Vec<(String, String)> {
        let (headers, rows) = cards(text);
        let row = rows.into_iter().next().unwrap();
        let cells = headers.into_iter().zip(row.cells);
        cells.filter(|(_, cell)| !cell.is_empty()).collect()
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        let all = all.iter();
        all.map(|(name, cell)| ((*name).to_owned(), (*cell).to_owned()))
            .collect()
    }

    #[test]
    fn a_card_of_a_telephone_becomes_a_row() {
        let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Lovelace;Ada;;;\r\nFN:Ada Lovelace\r\nORG:Acme\\, Inc.;Sales;\r\n\
                    TITLE:Analyst\r\nitem1.EMAIL;type=INTERNET;type=pref:ada@example.com\r\nEMAIL;type=HOME:a@home.example\r\n\
                    TEL;type=CELL;type=VOICE:+49 170 1\r\nTEL;TYPE=\"work,voice\":+49 30 2\r\n\
                    ADR;type=WORK:;;Main St 1;Berlin;;10115;Germany\r\nNOTE:One\\nlong\r\n  line\\; really\r\n\
                    URL:https://a.example/?x=1,2\r\nCATEGORIES:VIP,fair\r\nPHOTO;ENCODING=b:AAAA\r\n BBBB\r\nEND:VCARD\r\n";
        let expected = pairs(&[
            ("name", "Ada Lovelace"),
            ("first_name", "Ada"),
            ("last_name", "Lovelace"),
            ("title", "Analyst"),
            ("company", "Acme, Inc."),
            ("emails", "ada@example.com\npersonal: a@home.example\n"),
            ("phones", "mobile: +49 170 1\nwork: +49 30 2\n"),
            ("location", "Main St 1, 10115 Berlin"),
            ("city", "Berlin"),
            ("country", "Germany"),
            ("links", "https://a.example/?x=1,2\n"),
            ("tags", "VIP\nfair\n"),
            ("summary", "One\nlong line; really"),
        ]);
        assert_eq!(one(card), expected);
    }

    #[test]
    fn old_and_new_forms_are_read_as_well() {
        let old = "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=\n=C3=B6rg\n\
                   TEL;CELL:0170 1\nEND:VCARD\n";
        let expected = pairs(&[
            ("first_name", "Jörg"),
            ("last_name", "Müller"),
            ("phones", "mobile: 0170 1\n"),
        ]);
        assert_eq!(one(old), expected);
        let new = "begin:vcard\nversion:4.0\nfn:Ada\ntel;value=uri;type=\"cell\":tel:+49-170-1\nrole:Owner\nend:vcard\n";
        let expected = pairs(&[
            ("name", "Ada"),
            ("title", "Owner"),
            ("phones", "mobile: +49-170-1\n"),
        ]);
        assert_eq!(one(new), expected);
    }

    #[test]
    fn each_card_knows_its_line_and_whether_it_is_whole() {
        let text =
            "BEGIN:VCARD\nFN:A\nEND:VCARD\n\nBEGIN:VCARD\nFN:B\nBEGIN:VCARD\nFN:C\nEND:VCARD\n";
        let (_, rows) = cards(text);
        let seen = rows.iter().map(|row| (row.line, row.wrong.is_some()));
        assert_eq!(
            seen.collect::<Vec<_>>(),
            [(1, false), (5, true), (7, false)]
        );
    }
}
