//! The fields of the index and how a document fills them.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use tantivy::schema::{FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{TantivyDocument, Term};

use super::{Doc, Error, Readers, RecordKey};
use super::{passages, text};

/// Name of the column that holds a record's id.
pub(super) const ID: &str = "id";
/// Name of the column that holds a record's kind.
pub(super) const KIND: &str = "kind";

/// What an index holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collection {
    /// Records, each whole.
    Records,
    /// The passages of those that have some.
    Passages,
}

/// The fields, by what they hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    /// `workspace/kind:id`, by which a document is replaced.
    key: Field,
    kind: Field,
    id: Field,
    /// `workspace/kind`, so that one term keeps tenants and tables apart.
    scope: Field,
    pub(super) title: Field,
    pub(super) text: Field,
    /// First one to three characters of each title word: a short prefix is one term instead of thousands.
    pub(super) title_start: Field,
    pub(super) text_start: Field,
    /// Overlapping pieces of numbers, with positions.
    pub(super) number: Field,
    pub(super) filter: Field,
    /// The scope of a document whose record could not be read.
    pub(super) unread: Field,
    /// What a passage has beside.
    pub(super) passages: Option<passages::Fields>,
}

fn words(option: IndexRecordOption, norms: bool) -> TextOptions {
    // Terms are made by `text` and joined with spaces, so that the index only splits.
    TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(option)
            .set_fieldnorms(norms),
    )
}

/// Words with what is needed to weigh them by their frequency.
pub(super) fn exact_words(option: IndexRecordOption) -> TextOptions {
    words(option, true)
}

fn exact() -> TextOptions {
    TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false),
    )
}

/// The schema and its fields.
pub(super) fn schema(collection: Collection) -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let fields = Fields {
        key: builder.add_text_field("key", exact()),
        kind: builder.add_text_field(KIND, TextOptions::default().set_fast("raw")),
        id: builder.add_i64_field(ID, FAST),
        scope: builder.add_text_field("scope", exact()),
        title: builder.add_text_field("title", words(IndexRecordOption::WithFreqs, true)),
        text: builder.add_text_field("text", words(IndexRecordOption::WithFreqs, true)),
        title_start: builder.add_text_field("title_start", words(IndexRecordOption::Basic, false)),
        text_start: builder.add_text_field("text_start", words(IndexRecordOption::Basic, false)),
        number: builder.add_text_field(
            "number",
            words(IndexRecordOption::WithFreqsAndPositions, false),
        ),
        filter: builder.add_text_field("filter", exact()),
        unread: builder.add_text_field("unread", exact()),
        passages: (collection == Collection::Passages)
            .then(|| passages::Fields::add_to(&mut builder)),
    };
    (builder.build(), fields)
}

/// A name that changes with the schema, the terms and the index format.
pub(super) fn fingerprint(schema: &Schema) -> Result<String, Error> {
    let mut hash = Sha256::new();
    hash.update(serde_json::to_vec(schema).map_err(|e| Error::Damaged(e.to_string()))?);
    hash.update(text::VERSION.to_le_bytes());
    hash.update(tantivy::version().to_string());
    Ok(hex::encode(hash.finalize()).chars().take(12).collect())
}

impl Fields {
    /// The term that stands for one record.
    pub(super) fn key(&self, record: RecordKey) -> Term {
        Term::from_field_text(self.key, &key(record))
    }

    /// The fields and terms of all records of one kind in one workspace that these may read.
    pub(super) fn scopes(
        &self,
        workspace: i64,
        kind: &str,
        readers: &Readers,
    ) -> Vec<(Field, String)> {
        let scope = format!("{workspace}/{kind}");
        let mut scopes: Vec<String> = match readers {
            Readers::Everybody => vec![of_all_teams(&scope)],
            Readers::Teams(teams) => teams.iter().map(|team| of_team(&scope, *team)).collect(),
        };
        scopes.push(scope);
        scopes
            .into_iter()
            .map(|scope| (self.scope, scope))
            .collect()
    }

    /// The field and term of those of them that could not be read.
    pub(super) fn unread(&self, workspace: i64, kind: &str) -> (Field, String) {
        (self.unread, format!("{workspace}/{kind}"))
    }

    /// What is stored for a record: itself, or its passages.
    pub(super) fn documents(&self, doc: &Doc) -> Vec<TantivyDocument> {
        match &self.passages {
            Some(passages) if !doc.unread => {
                let mut documents = passages.documents(doc);
                for document in &mut documents {
                    self.add_place(document, doc);
                }
                documents
            }
            _ => vec![self.document(doc)],
        }
    }

    /// Says whose it is and who finds it.
    fn add_place(&self, out: &mut TantivyDocument, doc: &Doc) {
        out.add_text(self.key, key(doc.key()));
        out.add_text(self.kind, doc.kind);
        out.add_i64(self.id, doc.id);
        for scope in scopes_of(doc) {
            out.add_text(self.scope, scope);
        }
        for filter in &doc.filters {
            out.add_text(self.filter, filter);
        }
    }

    fn document(&self, doc: &Doc) -> TantivyDocument {
        let mut out = TantivyDocument::default();
        self.add_place(&mut out, doc);
        add_words(
            &mut out,
            self.title,
            self.title_start,
            std::iter::once(&doc.title),
        );
        add_words(&mut out, self.text, self.text_start, doc.text.iter());
        for number in &doc.numbers {
            let mut joined = String::new();
            text::grams(&text::digits(number), &mut |gram| push(&mut joined, gram));
            if !joined.is_empty() {
                out.add_text(self.number, joined);
            }
        }
        if doc.unread {
            let (field, scope) = self.unread(doc.workspace, doc.kind);
            out.add_text(field, scope);
        }
        out
    }
}

/// The scopes in which a document stands: that of its kind, unless it is for a team.
fn scopes_of(doc: &Doc) -> Vec<String> {
    let scope = format!("{}/{}", doc.workspace, doc.kind);
    match doc.readers {
        None => vec![scope],
        Some(team) => vec![of_all_teams(&scope), of_team(&scope, team)],
    }
}

/// The scope of what is for some team.
fn of_all_teams(scope: &str) -> String {
    format!("{scope}@")
}

/// The scope of what is for this team.
fn of_team(scope: &str, team: i64) -> String {
    format!("{scope}@{team}")
}

/// The workspace and kind of a scope.
pub(super) fn of_scope(scope: &str) -> Option<(i64, &str)> {
    let (workspace, kind) = scope.split_once('/')?;
    Some((workspace.parse().ok()?, kind))
}

fn key((workspace, kind, id): RecordKey) -> String {
    format!("{workspace}/{kind}:{id}")
}

pub(super) fn push(joined: &mut String, term: &str) {
    if !joined.is_empty() {
        joined.push(' ');
    }
    joined.push_str(term);
}

fn add_words<'a>(
    out: &mut TantivyDocument,
    field: Field,
    start_field: Field,
    values: impl Iterator<Item = &'a String>,
) {
    let mut joined = String::new();
    let mut starts = BTreeSet::new();
    for value in values {
        text::index_terms(value, &mut |term| {
            push(&mut joined, term);
            if !text::is_ideographic(term) {
                for chars in 1..=text::START_CHARS {
                    let start = text::start(term, chars);
                    if !starts.contains(start) {
                        starts.insert(start.to_owned());
                    }
                }
            }
        });
    }
    if !joined.is_empty() {
        out.add_text(field, joined);
    }
    let joined: Vec<&str> = starts.iter().map(String::as_str).collect();
    if !joined.is_empty() {
        out.add_text(start_field, joined.join(" "));
    }
}
