//! `list_team_members`

use bureau_kernel::admin::{self, MemberInfo, MembersWanted, TeamName};
use bureau_kernel::caller::{Role, Team};
use bureau_kernel::prelude::*;
use bureau_kernel::types::text::folded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::READ_TEAMS;

/// The order of the list.
const ORDER: &str = "member";
/// Members that are read at once where some of them are passed over.
const PASSED_OVER: usize = 200;

/// Which members to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListTeamMembers {
    team: Option<Id<Team>>,
    #[schemars(with = "Option<String>")]
    role: Option<Role>,
    query: Option<ShortText<200>>,
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
    /// Whether the text stands in what is known of the member.
    fn matches(&self, member: &MemberInfo) -> bool {
        let texts = [
            Some(&member.name),
            member.email.as_ref(),
            member.title.as_ref(),
        ];
        let matches = |query: &ShortText<200>| {
            let mut texts = texts.into_iter().flatten();
            texts.any(|text| folded(text).contains(&folded(query)))
        };
        self.query.as_ref().is_none_or(matches)
    }
}

impl Tool for ListTeamMembers {
    const SPEC: Spec = Spec::reads("list_team_members", READ_TEAMS)
        .title("List team members")
        .about("List the members of a team or all, with roles and teams.");
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
        let most = crate::one_more(self.limit);
        let mut wanted = MembersWanted {
            after: crate::after(self.cursor.as_ref(), ORDER)?,
            role: self.role,
            team: self.team,
        };
        let mut members: Vec<MemberInfo> = Vec::new();
        // Folded text is compared here, and so those who do not match are passed over.
        let at_once = if self.query.is_some() {
            most.max(PASSED_OVER)
        } else {
            most
        };
        while members.len() < most {
            let part = admin::next_members(cx.tx(), workspace, wanted, at_once).await?;
            wanted.after = part.last().map(|member| member.id.raw());
            let is_last = part.len() < at_once;
            members.extend(part.into_iter().filter(|member| self.matches(member)));
            if is_last {
                break;
            }
        }
        let page = crate::page_by_id(members, ORDER, self.limit, |member| member.id.raw());
        Ok(cx.page(page.map(MemberRow::from)))
    }
}
