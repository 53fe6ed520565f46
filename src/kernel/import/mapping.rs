//! Which column of a table is which field.

use crate::error::Error;
use crate::record::Defined;
use crate::types::text::{folded, nearest, quoted};

use super::{Field, Reads};

/// What a column of a table becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This field.
    Field(usize),
    /// Another way to find what this field refers to, should its own cell not lead there.
    Instead(usize),
    /// What kind of address or number the column at this place holds.
    Label(usize),
    /// A custom attribute, with the kind of its values.
    Attribute(String, String),
    /// Nothing.
    Ignored,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// Its header.
    pub header: String,
    /// What it becomes.
    pub target: Target,
}

/// What the columns of a table become, in their order.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) fields: Vec<Field>,
    /// The columns.
    pub columns: Vec<Mapped>,
}

/// Why columns and fields do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmapped {
    /// Something was said about a column that is not there.
    Header {
        /// What it was called.
        header: String,
        /// The headers that there are.
        known: Vec<String>,
    },
    /// A column was said to be a field that is not there.
    Field {
        /// What it was called.
        field: String,
        /// The fields and attributes that there are.
        known: Vec<String>,
    },
    /// Two columns are the same field.
    Twice {
        /// The field.
        field: &'static str,
        /// The two headers.
        headers: Vec<String>,
    },
    /// No column is any field.
    Nothing {
        /// The headers.
        headers: Vec<String>,
        /// The fields that there are.
        known: Vec<&'static str>,
    },
}

impl Unmapped {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Header { header, known } => {
                let names = known.iter().map(String::as_str);
                match nearest(header, names) {
                    Some(known) => format!("Did you mean {}?", quoted(known)),
                    None => format!("There are: {}.", known.join(", ")),
                }
            }
            Self::Field { field, known } => {
                let names = known.iter().map(String::as_str);
                match nearest(field, names) {
                    Some(known) => format!("Did you mean {known}?"),
                    None => format!("There are: {}.", known.join(", ")),
                }
            }
            Self::Twice { .. } => {
                "Leave one out with --map \"Header=\" (a tool's mapping).".to_owned()
            }
            Self::Nothing { known, .. } => format!(
                "Say which is which with --map \"Header=field\" (a tool's mapping). Fields: {}.",
                known.join(", ")
            ),
        }
    }

    /// The error of who gave the headers: it shows them.
    #[must_use]
    pub fn error(&self) -> Error {
        let message = match self {
            Self::Header { header, .. } => format!("No column is called {}.", quoted(header)),
            Self::Field { field, .. } => format!("There is no field {}.", quoted(field)),
            Self::Twice { field, headers } => {
                let headers: Vec<String> = headers.iter().map(|header| quoted(header)).collect();
                format!("Two columns are {field}: {}.", headers.join(" and "))
            }
            Self::Nothing { headers, .. } => format!(
                "No column is a field that is known. The headers are: {}.",
                headers.join(", ")
            ),
        };
        Error::invalid("mapping", message).hint(self.hint())
    }
}

/// A header without what people write differently: case, accents, spaces, dashes and other signs.
pub(super) fn plain(text: &str) -> String {
    folded(text)
        .replace('ß', "ss")
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect()
}

impl Mapping {
    /// Maps headers by what they are called, after what is said about some of them: `(header, field)`, with an empty
    /// field for one that is to be ignored.
    ///
    /// # Errors
    /// Why columns and fields do not go together.
    pub(crate) fn of(
        fields: Vec<Field>,
        attributes: &Defined,
        headers: &[String],
        overrides: &[(String, String)],
    ) -> Result<Self, Unmapped> {
        let mut columns: Vec<Mapped> = headers
            .iter()
            .map(|header| Mapped {
                header: header.clone(),
                target: known(&fields, attributes, header),
            })
            .collect();
        let mut decided = vec![false; columns.len()];
        for (header, field) in overrides {
            let found = columns
                .iter_mut()
                .zip(&mut decided)
                .find(|(column, _)| plain(&column.header) == plain(header));
            let Some((column, decided)) = found else {
                return Err(Unmapped::Header {
                    header: header.clone(),
                    known: headers.to_vec(),
                });
            };
            column.target = named(&fields, attributes, field)?;
            *decided = true;
        }
        for place in 0..columns.len() {
            label(&mut columns, place);
        }
        // What was said goes before what was guessed, and the field's own name before another word for it.
        for index in 0..fields.len() {
            refuse_twice(&fields, index, &mut columns, &decided)?;
        }
        let mapping = Self { fields, columns };
        let is_field = |column: &Mapped| matches!(column.target, Target::Field(_));
        if !mapping.columns.iter().any(is_field) {
            return Err(Unmapped::Nothing {
                headers: headers.to_vec(),
                known: mapping.fields.iter().map(|field| field.name).collect(),
            });
        }
        Ok(mapping)
    }

    /// What a column becomes, in words; `None` for one that is ignored.
    #[must_use]
    pub fn describe(&self, column: &Mapped) -> Option<String> {
        let name = |index: usize| self.fields.get(index).map(|field| field.name.to_owned());
        match &column.target {
            Target::Field(index) => name(*index),
            Target::Instead(index) => name(*index).map(|name| format!("{name}, by name")),
            Target::Attribute(name, kind) => Some(format!("attribute {name} ({kind})")),
            Target::Label(place) => {
                let of = self.columns.get(*place).map(|of| of.header.as_str());
                Some(format!("kind of {}", of.unwrap_or_default()))
            }
            Target::Ignored => None,
        }
    }

    /// The place of the column that says what kind the one at this place is of.
    pub(super) fn label_of(&self, place: usize) -> Option<usize> {
        let labels = |column: &Mapped| column.target == Target::Label(place);
        self.columns.iter().position(labels)
    }

    /// Whether a column refers to records of this table.
    pub(super) fn refers_to(&self, table: &str) -> bool {
        self.columns.iter().any(|column| match column.target {
            Target::Field(index) => self
                .fields
                .get(index)
                .is_some_and(|field| matches!(field.reads, Reads::Record(to) if to == table)),
            _ => false,
        })
    }
}

/// What a header is known as.
fn known(fields: &[Field], attributes: &Defined, header: &str) -> Target {
    let whole = plain(header);
    let header = plain(without_kind(header));
    // Whole first: it may be called so.
    let is = |name: &str| [&whole, &header].contains(&&plain(name));
    let by_name = fields.iter().position(|field| is(field.name));
    let found = by_name.or_else(|| {
        let by_alias = |field: &Field| field.aliases.iter().any(|alias| is(alias));
        fields.iter().position(by_alias)
    });
    if let Some(index) = found {
        return Target::Field(index);
    }
    // As an export has it: the name beside the identifier.
    let beside = |field: &Field| {
        matches!(field.reads, Reads::Record(_) | Reads::Aside)
            && [plain(field.name) + "name", plain(field.name) + "email"].contains(&header)
    };
    if let Some(index) = fields.iter().position(beside) {
        return Target::Instead(index);
    }
    let attribute = attributes
        .iter()
        .find(|(name, _)| is(name) || format!("attributes{}", plain(name)) == header);
    match attribute {
        Some((name, kind)) => Target::Attribute(name.clone(), kind.clone()),
        None => Target::Ignored,
    }
}

/// A header without the kind of record that some programs put before it: `Deal - Title`.
fn without_kind(header: &str) -> &str {
    const KINDS: &[&str] = &[
        "person",
        "contact",
        "organization",
        "organisation",
        "company",
        "deal",
        "lead",
    ];
    match header.split_once(" - ") {
        Some((kind, rest)) if KINDS.contains(&folded(kind).as_str()) => rest,
        _ => header,
    }
}

/// Makes a column the label of the one of the same name with `Value` for `Label`, as address books write it.
fn label(columns: &mut [Mapped], place: usize) {
    let Some(header) = columns.get(place).map(|column| plain(&column.header)) else {
        return;
    };
    let Some(of) = header.strip_suffix("label").or(header.strip_suffix("type")) else {
        return;
    };
    let value = format!("{of}value");
    let is_value = |column: &Mapped| {
        plain(&column.header) == value && matches!(column.target, Target::Field(_))
    };
    let of = columns.iter().position(is_value);
    if let (Some(of), Some(column)) = (of, columns.get_mut(place))
        && column.target == Target::Ignored
    {
        column.target = Target::Label(of);
    }
}

/// The field or attribute that is called so.
fn named(fields: &[Field], attributes: &Defined, name: &str) -> Result<Target, Unmapped> {
    if name.trim().is_empty() {
        return Ok(Target::Ignored);
    }
    match known(fields, attributes, name) {
        Target::Ignored => {
            let fields = fields.iter().map(|field| field.name.to_owned());
            Err(Unmapped::Field {
                field: name.to_owned(),
                known: fields.chain(attributes.keys().cloned()).collect(),
            })
        }
        target => Ok(target),
    }
}

fn refuse_twice(
    fields: &[Field],
    index: usize,
    columns: &mut [Mapped],
    decided: &[bool],
) -> Result<(), Unmapped> {
    let Some(field) = fields.get(index).filter(|field| !field.joins()) else {
        return Ok(());
    };
    let mut these: Vec<(bool, u8, usize)> = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.target == Target::Field(index))
        .map(|(place, column)| {
            let said = decided.get(place).copied().unwrap_or(false);
            // A header that a program gives it goes before the field's own name, and that before any other.
            let header = plain(&column.header);
            let surest = field.surest.is_some_and(|surest| plain(surest) == header);
            let rank = match header == plain(field.name) {
                _ if surest => 0,
                true => 1,
                false => 2,
            };
            (said, rank, place)
        })
        .collect();
    these.sort_by_key(|(said, rank, _)| (!said, *rank));
    let clear = |a: &(bool, u8, usize), b: &(bool, u8, usize)| (a.0, a.1) != (b.0, b.1);
    let refers = matches!(field.reads, Reads::Record(_) | Reads::Aside);
    if let [first, second, ..] = these.as_slice()
        && !refers
        && !clear(first, second)
    {
        let headers = [first, second]
            .into_iter()
            .filter_map(|(.., place)| columns.get(*place))
            .map(|column| column.header.clone());
        return Err(Unmapped::Twice {
            field: field.name,
            headers: headers.collect(),
        });
    }
    for (.., place) in these.into_iter().skip(1) {
        if let Some(column) = columns.get_mut(place) {
            // Two columns that refer to one thing help each other.
            column.target = if refers {
                Target::Instead(index)
            } else {
                Target::Ignored
            };
        }
    }
    Ok(())
}
