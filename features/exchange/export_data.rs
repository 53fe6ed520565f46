//! `export_data`

use std::io;

use bureau_kernel::export::{self, Kind, PART, Sheet};
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Read, Wanted};
use bureau_kernel::registry::Registry;
use bureau_kernel::types::text::nearest;
use bureau_kernel::types::time::DayEdge;
use data_encoding::BASE64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EXPORT_DATA, demand};

/// What to take out.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ExportData {
    /// contacts, deals, invoices, payments …
    kind: ShortText<60>,
    /// Default csv
    format: Option<Format>,
    /// Such as open, paid
    status: Option<Vec<ShortText<200>>>,
    /// Issued, paid, sent or spent
    dated_after: Option<When>,
    dated_before: Option<When>,
    changed_since: Option<When>,
    /// Deleted ones too
    include_archived: Option<bool>,
}

/// What it is written as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Format {
    /// A table.
    #[default]
    Csv,
    /// A list of objects.
    Json,
    /// An Excel workbook.
    Xlsx,
}

/// What was taken out.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Exported {
    kind: String,
    /// How many, the header of a table apart.
    rows: u64,
    /// Whether it is all that was asked for.
    complete: bool,
    /// Records that are left out, because their rows in the database are damaged.
    unreadable: Vec<String>,
    document: Document,
}

/// The file. A short one of text stands in `content`; every one is read under `uri`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Document {
    name: String,
    mime_type: &'static str,
    uri: String,
    content: String,
}

/// Bytes of a file up to which it stands in the answer.
const SHORT: usize = 16 * 1024;
/// Bytes that one export has at most: it is made in memory, and nobody waits longer for an answer.
const MOST: usize = 16 * 1024 * 1024;

const CSV: &str = "text/csv; charset=utf-8";
const JSON: &str = "application/json";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// An export in each of its formats. Whatever was asked for stands in the URI, so that it is read again with it.
pub(crate) const RESOURCES: &[Resource] = &[
    Resource {
        uri: "bureau://exports/{kind}/csv/{status}/{dated_after}/{dated_before}/{changed_since}/{include_archived}",
        name: "export_csv",
        title: "Export as CSV",
        about: "Records as a table by the filters of export_data; a hyphen says none.",
        mime_type: CSV,
        tool: "export_data",
        arguments: &[("format", "csv")],
        contents: Contents::Text(SHORT),
    },
    Resource {
        uri: "bureau://exports/{kind}/json/{status}/{dated_after}/{dated_before}/{changed_since}/{include_archived}",
        name: "export_json",
        title: "Export as JSON",
        about: "Records as JSON by the filters of export_data; a hyphen says none.",
        mime_type: JSON,
        tool: "export_data",
        arguments: &[("format", "json")],
        contents: Contents::Text(SHORT),
    },
    Resource {
        uri: "bureau://exports/{kind}/xlsx/{status}/{dated_after}/{dated_before}/{changed_since}/{include_archived}",
        name: "export_xlsx",
        title: "Export as Excel workbook",
        about: "Records as a workbook by the filters of export_data; a hyphen says none.",
        mime_type: XLSX,
        tool: "export_data",
        arguments: &[("format", "xlsx")],
        contents: Contents::Document,
    },
];

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
        }
    }

    const fn mime_type(self) -> &'static str {
        match self {
            Self::Csv => CSV,
            Self::Json => JSON,
            Self::Xlsx => XLSX,
        }
    }

    fn resource(self) -> Option<&'static Resource> {
        let is_it = |resource: &&Resource| resource.arguments.contains(&("format", self.name()));
        RESOURCES.iter().find(is_it)
    }
}

impl From<Format> for export::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Json => Self::Json,
            Format::Xlsx => Self::Xlsx,
        }
    }
}

impl Tool for ExportData {
    const SPEC: Spec = Spec::reads("export_data", EXPORT_DATA)
        .title("Export data")
        .about("Take records out as a table; kind invoice_lines has a row for each line.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Give me our companies as a table",
        before: &[Step {
            tool: "import_data",
            arguments: r#"{"kind": "companies", "text": "Name,City\nWayfarer,Berlin\nTidewater,Paris\n"}"#,
            keep: &[],
        }],
        arguments: r#"{"kind": "companies"}"#,
        expect: &[
            ("/data/kind", r#""companies""#),
            ("/data/complete", "true"),
            ("/data/document/name", r#""companies.csv""#),
        ],
    }];
    type Output = Exported;

    async fn call(self, cx: &mut Cx) -> Result<Exported> {
        let kind = self.kind(cx)?;
        let wanted = self.wanted(cx, kind)?;
        let format = self.format.unwrap_or_default();
        let uri = self.uri(kind, format, &wanted)?;
        let mut out = Vec::new();
        let columns = export::columns(cx, kind, &wanted).await?;
        let sheet = Sheet::begin(format.into(), columns, &mut out);
        let mut sheet = sheet.map_err(unwritten)?;
        let (mut after, mut unreadable) = (i64::MIN, Vec::new());
        loop {
            let part = export::part(cx, kind, &wanted, after, PART).await?;
            let Read {
                found,
                unreadable: damaged,
                last,
            } = part;
            sheet.add(&found, &mut out).map_err(unwritten)?;
            if out.len() + sheet.waiting > MOST {
                return Err(too_large(kind));
            }
            for error in &damaged {
                cx.notice(Notice::unreadable(error));
                let id = error.detail_value("record").and_then(|id| id.as_str());
                unreadable.extend(id.map(str::to_owned));
            }
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        let rows = sheet.rows;
        let content = if format == Format::Xlsx {
            // A workbook is packed.
            let packed = cx.compute(move || sheet.end(&mut out).map(|()| BASE64.encode(&out)));
            packed.await?.map_err(unwritten)?
        } else {
            sheet.end(&mut out).map_err(unwritten)?;
            String::from_utf8(out).map_err(Error::internal)?
        };
        Ok(Exported {
            kind: kind.name(),
            rows,
            complete: unreadable.is_empty(),
            unreadable,
            document: Document {
                name: format!("{}.{}", kind.name(), format.name()),
                mime_type: format.mime_type(),
                uri,
                content,
            },
        })
    }
}

impl ExportData {
    /// What is asked for, of what the caller is offered and may read.
    fn kind(&self, cx: &Cx) -> Result<Kind> {
        let registry = Registry::of(cx)?;
        let is_known = |kind: &Kind| {
            let record = kind.record;
            cx.caller().may(record.access().read) && registry.offers(cx.caller(), record)
        };
        if let Some(kind) = export::find(registry.records(), &self.kind) {
            demand(cx, &registry, kind.record, [kind.record.access().read])?;
            return Ok(kind);
        }
        let kinds = export::kinds(registry.records());
        let names: Vec<String> = kinds
            .iter()
            .filter(|kind| is_known(kind))
            .map(Kind::name)
            .collect();
        let message = "Nothing is called so that you could export.";
        let error = Error::invalid("kind", message);
        Err(
            match nearest(&self.kind, names.iter().map(String::as_str)) {
                Some(name) => error.hint(format!("Did you mean {name}?")),
                None => error.hint(format!("There are: {}.", names.join(", "))),
            },
        )
    }

    /// Which of them.
    fn wanted(&self, cx: &mut Cx, kind: Kind) -> Result<Wanted> {
        let mut statuses = Vec::new();
        // In a URI several stand in one text.
        let said = self
            .status
            .iter()
            .flatten()
            .flat_map(|said| said.split(','));
        for said in said {
            statuses.extend(kind.record.statuses(said, cx.local_time())?);
        }
        let (from, until) = cx.dates(
            ("dated_after", self.dated_after.as_ref()),
            ("dated_before", self.dated_before.as_ref()),
        )?;
        let since = self.changed_since.as_ref();
        let since = since.map(|when| cx.moment("changed_since", when, DayEdge::Start));
        kind.check(Wanted {
            since: since.transpose()?,
            archived: self.include_archived.unwrap_or(false),
            statuses,
            from,
            until,
            parts: false,
        })
    }

    /// The resource that it is: with days and moments, not with words that mean others tomorrow.
    fn uri(&self, kind: Kind, format: Format, wanted: &Wanted) -> Result<String> {
        let mut values = vec![("kind", kind.name())];
        let mut say = |name, value: Option<String>| values.extend(value.map(|value| (name, value)));
        let statuses = wanted.statuses.join(",");
        say("status", Some(statuses).filter(|all| !all.is_empty()));
        say("dated_after", wanted.from.map(|day| day.to_string()));
        say("dated_before", wanted.until.map(|day| day.to_string()));
        say(
            "changed_since",
            wanted.since.map(|moment| moment.to_rfc3339()),
        );
        say(
            "include_archived",
            wanted.archived.then(|| "true".to_owned()),
        );
        let resource = format.resource();
        let resource = resource.ok_or_else(|| Error::internal("a format without a resource"))?;
        Ok(resource.uri_with(&values))
    }
}

fn unwritten(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::InvalidData {
        return Error::invalid("format", format!("{error}."));
    }
    Error::internal(error)
}

fn too_large(kind: Kind) -> Error {
    let message = format!("{} are more than {} MiB.", kind.name(), MOST >> 20);
    Error::invalid("kind", message).hint(
        "Ask for a part of them (dated_after, changed_since, status), or let the operator run bureau export.",
    )
}
