//! `list_team_members`

use bureau_kernel::admin::{self, MemberInfo, TeamName};
use bureau_kernel::caller::{Role, Team};
use bureau_kernel::prelude::*;
use bureau_kernel::types::text::folded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::READ_TEAMS;

/// The order of the list.
const ORDER: &str = "member";

/// Which members to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListTeamMembers {
    team: Option<Id<Team>>,
    #[schemars(with = "Option<String>")]
    role: Option<Role>,
    query: Option<Line<200>>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// A member in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MemberRow {
    id: Id<Member>,
    name: String,
    email: Option<String>,
    title: Option<String>,
    role: Role,
    teams: Vec<TeamName>,
}

impl From<MemberInfo> for MemberRow {
    fn from(member: MemberInfo) -> Self {
        Self {
            id: member.id,
            name: member.name,
            email: member.email,
            title: member.title,
            role: member.role,
            teams: member.teams,
        }
    }
}

impl ListTeamMembers {
    fn wants(&self, member: &MemberInfo) -> bool {
        let in_team = |team: &Id<Team>| member.teams.iter().any(|known| known.id == *team);
        let texts = [
            Some(&member.name),
            member.email.as_ref(),
            member.title.as_ref(),
        ];
        let matches = |query: &Line<200>| {
            let mut texts = texts.into_iter().flatten();
            texts.any(|text| folded(text).contains(&folded(query)))
        };
        self.team.as_ref().is_none_or(in_team)
            && self.role.is_none_or(|role| member.role == role)
            && self.query.as_ref().is_none_or(matches)
    }
}

impl Tool for ListTeamMembers {
    const SPEC: Spec = Spec::reads("list_team_members", READ_TEAMS)
        .title("List team members")
        .about("List members, their roles and teams.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Who owns this workspace?",
        before: &[],
        arguments: r#"{"role": "owner"}"#,
        expect: &[
            ("/data/0/name", r#""Owner""#),
            ("/data/0/role", r#""owner""#),
        ],
    }];
    type Output = Vec<MemberRow>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<MemberRow>> {
        let workspace = cx.workspace().id;
        let mut members = admin::members(cx.tx(), workspace).await?;
        members.retain(|member| self.wants(member));
        let page = crate::page_by_id(members, ORDER, self.limit, self.cursor.as_ref(), |member| {
            member.id.raw()
        })?;
        Ok(cx.page(page.map(MemberRow::from)))
    }
}
