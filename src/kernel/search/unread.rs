//! The records that are in the index without their text, because their rows could not be read: what a search says it lacks.

use tantivy::columnar::ColumnValues as _;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet as _, TERMINATED, Term};

use super::rank::View;
use super::schema::{self, ID};

/// So many are named at most.
const MOST: usize = 100;

/// Those of these kinds in a workspace.
pub(super) fn of_kinds(
    view: &View,
    workspace: i64,
    kinds: &[&'static str],
) -> tantivy::Result<Vec<(&'static str, i64)>> {
    let mut found = Vec::new();
    for kind in kinds {
        let (field, scope) = view.fields.unread(workspace, kind);
        let ids = ids(view, &Term::from_field_text(field, &scope))?;
        found.extend(ids.into_iter().map(|id| (*kind, id)));
    }
    found.truncate(MOST);
    Ok(found)
}

/// Those of all workspaces: each with its workspace and the name of its kind.
pub(super) fn all(view: &View) -> tantivy::Result<Vec<(i64, String, i64)>> {
    let mut found = Vec::new();
    for scope in scopes(view)? {
        let Some((workspace, kind)) = schema::of_scope(&scope) else {
            continue;
        };
        let term = Term::from_field_text(view.fields.unread, &scope);
        let ids = ids(view, &term)?;
        found.extend(ids.into_iter().map(|id| (workspace, kind.to_owned(), id)));
    }
    found.truncate(MOST);
    Ok(found)
}

fn scopes(view: &View) -> tantivy::Result<Vec<String>> {
    let mut scopes = Vec::new();
    for reader in view.searcher.segment_readers() {
        let inverted = reader.inverted_index(view.fields.unread)?;
        let mut terms = inverted.terms().stream()?;
        while let Some((term, _)) = terms.next() {
            scopes.extend(std::str::from_utf8(term).map(str::to_owned));
        }
    }
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}

fn ids(view: &View, term: &Term) -> tantivy::Result<Vec<i64>> {
    let mut found = Vec::new();
    for reader in view.searcher.segment_readers() {
        let inverted = reader.inverted_index(view.fields.unread)?;
        let Some(mut documents) = inverted.read_postings(term, IndexRecordOption::Basic)? else {
            continue;
        };
        let ids = reader.fast_fields().i64(ID)?.first_or_default_col(0);
        while documents.doc() != TERMINATED && found.len() < MOST {
            if !reader.is_deleted(documents.doc()) {
                found.push(ids.get_val(documents.doc()));
            }
            documents.advance();
        }
    }
    Ok(found)
}
