//! `list_teams`

use bureau_kernel::admin::{self, MemberName, TeamInfo};
use bureau_kernel::caller::Team;
use bureau_kernel::prelude::*;
use bureau_kernel::references::Names;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::READ_TEAMS;

/// The order of the list.
const ORDER: &str = "team";

/// Which teams to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListTeams {
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// A team in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TeamRow {
    id: Id<Team>,
    name: String,
    about: Option<String>,
    lead: Option<Named<Member>>,
    members: Vec<MemberName>,
}

impl TeamRow {
    fn of(team: TeamInfo, leads: &Names<Member>) -> Self {
        Self {
            id: team.id,
            name: team.name,
            about: team.about,
            lead: team.lead.map(|id| leads.of(id)),
            members: team.members,
        }
    }
}

impl Tool for ListTeams {
    const SPEC: Spec = Spec::reads("list_teams", READ_TEAMS)
        .title("List teams")
        .about("List the teams, who is in each and who leads it.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Which teams do we have?",
        before: &[],
        arguments: r#"{"limit": 10}"#,
        expect: &[("/data", "[]")],
    }];
    type Output = Vec<TeamRow>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<TeamRow>> {
        let workspace = cx.workspace().id;
        let after = crate::after(self.cursor.as_ref(), ORDER)?;
        let most = crate::one_more(self.limit);
        let teams = admin::next_teams(cx.tx(), workspace, after, most).await?;
        let page = crate::page_by_id(teams, ORDER, self.limit, |team| team.id.raw());
        let leads = page.rows.iter().filter_map(|team| team.lead);
        let leads = cx.names(leads.collect::<Vec<_>>()).await?;
        Ok(cx.page(page.map(|team| TeamRow::of(team, &leads))))
    }
}
