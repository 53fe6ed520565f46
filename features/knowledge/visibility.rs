//! Who reads a document: what its folder says, or else what is said of it.

use bureau_kernel::caller::Team;
use bureau_kernel::prelude::*;
use bureau_kernel::store::log::Action;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::folder::{Arranged, deciding, hold_folders};

/// Who reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Whoever reads the knowledge base, and it may be passed on to others.
    Public,
    /// Whoever reads the knowledge base.
    #[default]
    Internal,
    /// The members of one team, owners and admins.
    Team,
}
bureau_kernel::text_column!(Visibility);

/// Who reads it, and the team where it is for one.
pub(crate) type Readers = (Visibility, Option<Id<Team>>);

/// What a caller means by these two; none where it says nothing.
///
/// # Errors
/// [`Code::Validation`] where they contradict each other, and for a team that the caller is not in: it would lose sight of what it
/// gives away.
pub(crate) async fn meant(
    cx: &mut Cx,
    visibility: Option<Visibility>,
    team: Option<Id<Team>>,
) -> Result<Option<Readers>> {
    let team = match (visibility, team) {
        (None, None) => return Ok(None),
        (Some(Visibility::Team), None) => {
            let message = "visibility is team, and no team is named.";
            return Err(Error::invalid("team", message).hint("Name the team; list_teams has them."));
        }
        (Some(visibility @ (Visibility::Public | Visibility::Internal)), team) => {
            if team.is_some() {
                let message = "What is for one team has the visibility team.";
                return Err(
                    Error::invalid("visibility", message).hint("Leave visibility or team out.")
                );
            }
            return Ok(Some((visibility, None)));
        }
        (None | Some(Visibility::Team), Some(team)) => team,
    };
    cx.hold("team", team).await?;
    if !cx.reads_for(team).await? {
        let message = "You are not in that team, and would not see it any more.";
        return Err(Error::invalid("team", message).hint("A member of it or an admin can do this."));
    }
    Ok(Some((Visibility::Team, Some(team))))
}

/// Sets who reads a document, before it is written: its folder decides where something is arranged of it.
///
/// # Errors
/// [`Code::Validation`] where the caller says something else than the folder; [`Code::Forbidden`] for a folder of a team that the
/// caller is not in.
pub(crate) async fn settle(
    cx: &mut Cx,
    document: &mut Document,
    said: Option<Readers>,
) -> Result<()> {
    hold_folders(cx).await?;
    let decided = match document.folder.clone() {
        Some(folder) => deciding(cx, &folder).await?,
        None => None,
    };
    let (visibility, team) = match (decided, said) {
        (
            Some(Arranged {
                team: Some(team), ..
            }),
            _,
        ) if !cx.reads_for(team).await? => {
            let message = "This folder is for a team that you are not in.";
            return Err(Error::new(Code::Forbidden, message)
                .field("folder")
                .hint("Choose another folder."));
        }
        (Some(folder), Some(said)) if said != (folder.visibility, folder.team) => {
            let message = format!(
                "The folder {} decides who reads what is in it.",
                folder.path
            );
            return Err(Error::invalid("visibility", message)
                .hint("Leave visibility out, choose another folder, or change that one with update_folder."));
        }
        (Some(folder), _) => (folder.visibility, folder.team),
        (None, Some(said)) => said,
        (None, None) => return Ok(()),
    };
    document.visibility = Managed(visibility);
    document.team = Managed(team);
    Ok(())
}

/// Whatever brings a document into a folder, an import or an undo too, what the folder says holds of it.
pub(crate) struct KeepWithFolder;

impl Reaction for KeepWithFolder {
    type To = Document;
    const ON: &'static [Action] = &[Action::Create, Action::Update, Action::Restore];
    const COVERS: &'static [Covers] = &[Covers::update::<Document>()];

    async fn react(cx: &mut Cx, to: Transition<'_, Document>) -> Result<()> {
        let Some(after) = to.after.filter(|after| after.archived_at.is_none()) else {
            return Ok(());
        };
        let Some(folder) = after.folder.clone() else {
            return Ok(());
        };
        let Some(decided) = deciding(cx, &folder).await? else {
            return Ok(());
        };
        let readers = (Managed(decided.visibility), Managed(decided.team));
        if (after.visibility, after.team) == readers {
            return Ok(());
        }
        let mut edit = cx.edit(after.id).await?;
        (edit.visibility, edit.team) = readers;
        edit.save(cx).await?;
        Ok(())
    }
}
