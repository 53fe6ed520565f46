//! `update_folder`

use bureau_kernel::caller::Team;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::KNOWLEDGE;
use crate::document::Document;
use crate::folder::{Folder, deciding, hold_folders, levels, of_this, plain_path};
use crate::visibility::{Visibility, meant, settle};

/// Documents that one call moves or gives other readers.
const MOST: usize = 5_000;

/// What changes in a folder.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdateFolder {
    folder: ShortText<200>,
    visibility: Option<Visibility>,
    /// Only its members read it
    team: Option<Id<Team>>,
    /// New path
    rename_to: Option<ShortText<200>>,
}

/// What a folder is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FolderChanged {
    folder: String,
    visibility: Visibility,
    /// Whose members alone read what is in it.
    team: Option<NamedRecord>,
    /// How many documents changed with it.
    documents: usize,
}

impl Tool for UpdateFolder {
    const SPEC: Spec = Spec::changes("update_folder", KNOWLEDGE.update)
        .covers(&[Covers::create::<Folder>(), Covers::delete::<Folder>()])
        .title("Update folder")
        .about("Say who reads what is in a folder, or rename or move it with its documents.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Whatever is in Help may be passed on",
            before: &[Step {
                tool: "create_document",
                arguments: r#"{"title": "First steps", "folder": "Help", "text": "Press the green button."}"#,
                keep: &[("steps", "/data/id")],
            }],
            arguments: r#"{"folder": "Help", "visibility": "public"}"#,
            expect: &[
                ("/data/visibility", r#""public""#),
                ("/data/documents", "1"),
            ],
        },
        Example {
            title: "Call it Guides",
            before: &[],
            arguments: r#"{"folder": "help", "rename_to": "Guides"}"#,
            expect: &[
                ("/data/folder", r#""Guides""#),
                ("/data/visibility", r#""public""#),
                ("/data/documents", "1"),
            ],
        },
    ];
    type Output = FolderChanged;

    async fn call(self, cx: &mut Cx) -> Result<FolderChanged> {
        hold_folders(cx).await?;
        let Some(path) = plain_path("folder", &self.folder)? else {
            return Err(Error::invalid("folder", "folder names no folder."));
        };
        let new_path = match &self.rename_to {
            Some(to) => plain_path("rename_to", to)?
                .ok_or_else(|| Error::invalid("rename_to", "rename_to names no folder."))?,
            None => path.clone(),
        };
        let said = meant(cx, self.visibility, self.team).await?;
        if said.is_none() && self.rename_to.is_none() {
            return Err(
                Error::invalid("visibility", "Nothing is said that is to change.")
                    .hint("Give visibility, team or rename_to."),
            );
        }
        let inside = folded_path(&path);
        if new_path != path && folded_path(&new_path).starts_with(&format!("{inside}/")) {
            return Err(Error::invalid(
                "rename_to",
                "A folder does not go into itself.",
            ));
        }
        refuse_of_others(cx, "folder", &path).await?;
        refuse_of_others(cx, "rename_to", &new_path).await?;
        let documents = documents_in(cx, &inside).await?;
        let arranged = folders_in(cx, &inside).await?;
        refuse_hidden(cx, &documents, &arranged).await?;
        if documents.is_empty() && arranged.is_empty() && said.is_none() {
            return Err(Error::not_found("folder", &path)
                .field("folder")
                .hint("list_knowledge_base has the folders in page.totals."));
        }
        move_folders(cx, arranged, &path, &new_path).await?;
        if let Some((visibility, team)) = said {
            match of_this(cx, &new_path).await? {
                Some(known) => {
                    let mut edit = cx.edit(known.id).await?;
                    (edit.visibility, edit.team) = (Managed(visibility), Managed(team));
                    edit.save(cx).await?;
                }
                None => {
                    let folder = Folder {
                        path: new_path.clone(),
                        visibility: Managed(visibility),
                        team: Managed(team),
                    };
                    cx.insert(folder, Default::default()).await?;
                }
            }
        }
        let mut changed = 0;
        for mut edit in cx.edit_all(&documents).await? {
            if let Some(folder) = edit.folder.clone() {
                edit.folder = Some(moved(&folder, &path, &new_path)?);
            }
            settle(cx, &mut edit, None).await?;
            let before = edit.before().version;
            let saved = edit.save(cx).await?;
            changed += usize::from(saved.version != before);
        }
        let decided = deciding(cx, &new_path).await?;
        let (visibility, team) = decided.map_or((Visibility::Internal, None), |decided| {
            (decided.visibility, decided.team)
        });
        let team = match team {
            Some(team) => cx.named(&[("team", team.raw())]).await?.pop(),
            None => None,
        };
        Ok(FolderChanged {
            folder: new_path.to_string(),
            visibility,
            team,
            documents: changed,
        })
    }
}

fn folded_path(path: &str) -> String {
    levels(path).pop().unwrap_or_default()
}

/// Refuses to change what the caller does not see.
async fn refuse_hidden(
    cx: &mut Cx,
    documents: &[Id<Document>],
    folders: &[Id<Folder>],
) -> Result<()> {
    let sees_all = cx.find_all(documents).await?.len() == documents.len()
        && cx.find_all(folders).await?.len() == folders.len();
    if sees_all {
        return Ok(());
    }
    let message = "Some of what is in this folder is for a team that you are not in.";
    Err(Error::new(Code::Forbidden, message)
        .field("folder")
        .hint("An admin or a member of that team can do this."))
}

/// Where something lies when the folder is called otherwise.
fn moved(path: &str, from: &str, to: &str) -> Result<ShortText<200>> {
    let names = path.split('/').skip(from.split('/').count());
    let all: Vec<&str> = to.split('/').chain(names).collect();
    let path = plain_path("rename_to", &all.join("/"))?;
    path.ok_or_else(|| Error::invalid("rename_to", "rename_to names no folder."))
}

/// Refuses a folder of a team that the caller is not in.
async fn refuse_of_others(cx: &mut Cx, field: &str, path: &str) -> Result<()> {
    if let Some(decided) = deciding(cx, path).await?
        && let Some(team) = decided.team
        && !cx.reads_for(team).await?
    {
        let message = "This folder is for a team that you are not in.";
        return Err(Error::new(Code::Forbidden, message).field(field));
    }
    Ok(())
}

/// The live documents in a folder and within it, whoever sees them: what is arranged holds of all.
async fn documents_in(cx: &mut Cx, inside: &str) -> Result<Vec<Id<Document>>> {
    let documents = cx
        .with_index_key::<Document>("folder", inside, MOST + 1)
        .await?;
    if documents.len() > MOST {
        let message = format!(
            "There are more than {MOST} documents in this folder, too many for one change."
        );
        return Err(
            Error::invalid("folder", message).hint("Change the folders within it one by one.")
        );
    }
    Ok(documents)
}

/// What is arranged of the folder and of those within it.
async fn folders_in(cx: &mut Cx, inside: &str) -> Result<Vec<Id<Folder>>> {
    let rows = sql("SELECT id, path")
        .from_live::<Folder>(cx)
        .rows(cx.tx())
        .await?;
    let mut found = Vec::new();
    for row in &rows {
        let path: String = row.get("path")?;
        if levels(&path).iter().any(|level| level == inside) {
            found.push(row.get("id")?);
        }
    }
    Ok(found)
}

/// Brings what is arranged along.
async fn move_folders(cx: &mut Cx, folders: Vec<Id<Folder>>, from: &str, to: &str) -> Result<()> {
    if from == to {
        return Ok(());
    }
    for mut edit in cx.edit_all(&folders).await? {
        let path = moved(&edit.path, from, to)?;
        if let Some(there) = of_this(cx, &path).await?
            && there.id != edit.before().id
        {
            let message = format!(
                "Something else is arranged of the folder {} already.",
                there.path
            );
            return Err(Error::conflict(message)
                .field("rename_to")
                .hint("Give that folder the same visibility first, or choose another name."));
        }
        edit.path = path;
        edit.save(cx).await?;
    }
    Ok(())
}
