//! Folders: a document says in which it lies, and a folder of which something is arranged has a record.

use bureau_kernel::caller::Team;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::text::folded;

use crate::KNOWLEDGE;
use crate::visibility::Visibility;

bureau_kernel::record! {
    /// Who reads what lies in a folder, and in those within it.
    pub struct Folder: "document_folder", "fold", "folder" {
        /// Names with slashes between them.
        pub path: ShortText<200> => [label, sort_by("sort_path"), row],
        /// Who reads what is in it.
        pub visibility: Managed<Visibility> => [row],
        /// The team whose members alone do.
        pub team: Managed<Option<Id<Team>>> => [row],
    }
}

impl Record for Folder {
    const ACCESS: Access = KNOWLEDGE;
    const READERS: Option<&'static str> = Some("team");

    fn check(&mut self, _: &Workspace) -> Result<()> {
        if let Some(path) = plain_path("folder", &self.path)? {
            self.path = path;
        }
        Ok(())
    }
}

impl Presented for Folder {
    type Extra = Nothing;
}

/// How deep folders go.
const DEEPEST: usize = 10;

/// A path without spaces round its names, and without slashes at its ends; none where no name is left.
///
/// # Errors
/// [`Code::Validation`] for one that goes deeper than ten folders.
pub(crate) fn plain_path(field: &str, path: &str) -> Result<Option<ShortText<200>>> {
    let path = path.trim_matches(|c: char| c == '/' || c.is_whitespace());
    let names: Vec<&str> = path.split('/').map(str::trim).collect();
    if names.len() > DEEPEST {
        let message = format!(
            "{field} has {} folders; at most {DEEPEST} go into each other.",
            names.len()
        );
        return Err(Error::invalid(field, message));
    }
    if path.is_empty() {
        return Ok(None);
    }
    let path = ShortText::new(&names.join("/"));
    path.map(Some)
        .map_err(|wrong| Error::invalid(field, format!("{field} {wrong}.")))
}

/// The folder and those in which it lies, from the outside, folded.
pub(crate) fn levels(path: &str) -> Vec<String> {
    let mut levels: Vec<String> = Vec::new();
    for name in path.split('/') {
        let name = folded(name);
        levels.push(match levels.last() {
            Some(above) => format!("{above}/{name}"),
            None => name,
        });
    }
    levels
}

/// What is arranged of a folder.
#[derive(Debug)]
pub(crate) struct Arranged {
    pub(crate) id: Id<Folder>,
    pub(crate) path: String,
    pub(crate) visibility: Visibility,
    pub(crate) team: Option<Id<Team>>,
}

/// What is arranged of these folders, by their folded paths: whoever asks, since it decides who reads.
async fn arranged(cx: &mut Cx, paths: &[String]) -> Result<Vec<Arranged>> {
    let mut statement = sql("SELECT id, path, visibility, team")
        .from_live::<Folder>(cx)
        .sql(" AND sort_path IN (");
    for (nth, path) in paths.iter().enumerate() {
        let joint = if nth == 0 { "" } else { ", " };
        statement = statement.sql(joint).value(path.clone());
    }
    statement = statement.sql(")");
    let rows = statement.rows(cx.tx()).await?;
    let read = rows.iter().map(|row| {
        Ok(Arranged {
            id: row.get("id")?,
            path: row.get("path")?,
            visibility: row.get("visibility")?,
            team: row.get("team")?,
        })
    });
    read.collect()
}

/// What decides who reads in a folder: what is arranged of it, or else of the nearest one in which it lies.
pub(crate) async fn deciding(cx: &mut Cx, folder: &str) -> Result<Option<Arranged>> {
    let arranged = arranged(cx, &levels(folder)).await?;
    Ok(arranged
        .into_iter()
        .max_by_key(|one| one.path.matches('/').count()))
}

/// What is arranged of this very folder.
pub(crate) async fn of_this(cx: &mut Cx, folder: &str) -> Result<Option<Arranged>> {
    let path = levels(folder).pop().into_iter().collect::<Vec<_>>();
    Ok(arranged(cx, &path).await?.pop())
}

/// Keeps others from arranging folders, and from putting documents into them, until the call is done.
pub(crate) async fn hold_folders(cx: &mut Cx) -> Result<()> {
    let what = format!("folders of documents {}", cx.workspace().id);
    cx.tx().serialize_each(&[what]).await
}
