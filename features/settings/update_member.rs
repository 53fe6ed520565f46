//! `update_member`

use bureau_kernel::admin::{
    self, Authority, MemberChange, MemberInfo, NewMember, TeamName, find_member, member_added,
    member_put, member_removed, member_restored, member_taken, member_updated,
};
use bureau_kernel::caller::{Role, Team};
use bureau_kernel::prelude::*;
use bureau_kernel::registry::Registry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::MANAGE_WORKSPACE;

/// Whom to add or change, and how; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdateMember {
    /// Name, e-mail or id; none: a new one
    member: Option<ShortText<200>>,
    name: Option<ShortText<100>>,
    email: Option<Email>,
    title: Option<ShortText<150>>,
    role: Option<Role>,
    /// Join this team
    team: Option<Id<Team>>,
    leave_team: Option<Id<Team>>,
    /// false takes access away, true restores
    active: Option<bool>,
    /// Who takes over their records
    hand_over_to: Option<Id<Member>>,
    clear: Option<Vec<Emptied>>,
}

/// What can be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Emptied {
    Email,
    Title,
}

/// A member as they are now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MemberView {
    id: Id<Member>,
    name: String,
    email: Option<String>,
    title: Option<String>,
    role: Role,
    teams: Vec<TeamName>,
    /// Whether they may do anything here.
    active: bool,
    /// How many records passed to somebody else.
    handed_over: Option<usize>,
    /// How they get in.
    access: Option<String>,
}

impl Tool for UpdateMember {
    const SPEC: Spec = Spec::changes("update_member", MANAGE_WORKSPACE)
        .title("Update member")
        .about("Add a person, change name, role or team, deactivate or restore. No keys.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Grace starts on Monday; she only has to look things up",
            before: &[],
            arguments: r#"{"name": "Grace Hopper", "email": "grace@settings.example", "role": "viewer", "confirm": true}"#,
            expect: &[
                ("/data/name", r#""Grace Hopper""#),
                ("/data/role", r#""viewer""#),
                ("/data/active", "true"),
            ],
        },
        Example {
            title: "She is one of the team by now",
            before: &[Step {
                tool: "update_member",
                arguments: r#"{"name": "Mary Kenneth", "email": "mary@settings.example", "confirm": true}"#,
                keep: &[("mary", "/data/id")],
            }],
            arguments: r#"{"member": "{mary}", "title": "Head of sales", "role": "admin", "confirm": true}"#,
            expect: &[
                ("/data/role", r#""admin""#),
                ("/data/title", r#""Head of sales""#),
            ],
        },
        Example {
            title: "Joan leaves us; Betty takes over what was hers",
            before: &[
                Step {
                    tool: "update_member",
                    arguments: r#"{"name": "Joan Clarke", "email": "joan@settings.example", "confirm": true}"#,
                    keep: &[("joan", "/data/id")],
                },
                Step {
                    tool: "update_member",
                    arguments: r#"{"name": "Betty Holberton", "email": "betty@settings.example", "confirm": true}"#,
                    keep: &[("betty", "/data/id")],
                },
            ],
            arguments: r#"{"member": "{joan}", "active": false, "hand_over_to": "{betty}", "confirm": true}"#,
            expect: &[("/data/id", r#""{joan}""#), ("/data/active", "false")],
        },
    ];
    type Output = MemberView;

    async fn call(self, cx: &mut Cx) -> Result<MemberView> {
        let permissions = Registry::of(cx)?.permissions();
        let caller = cx.caller().clone();
        let authority = Authority::Caller(&caller, &permissions);
        if self.hand_over_to.is_some() && self.active != Some(false) {
            let message = "Somebody takes over from who is deactivated.";
            return Err(Error::invalid("hand_over_to", message).hint("Give active: false too."));
        }
        let view = match &self.member {
            None => self.add(cx, authority).await?,
            Some(who) => self.change(cx, who, authority).await?,
        };
        cx.ask_about_all();
        Ok(view)
    }
}

impl UpdateMember {
    async fn add(&self, cx: &mut Cx, authority: Authority<'_>) -> Result<MemberView> {
        let Some(name) = &self.name else {
            return Err(Error::invalid("name", "Who is added needs a name.")
                .hint("To change somebody who is here, say who as member."));
        };
        if self.active == Some(false) || self.leave_team.is_some() {
            let field = if self.leave_team.is_some() {
                "leave_team"
            } else {
                "active"
            };
            return Err(Error::invalid(field, "This is of somebody who is here.")
                .hint("Say who as member, or leave it out."));
        }
        let new = NewMember {
            name: name.to_string(),
            email: self.email.as_ref().map(ToString::to_string),
            title: self.title.as_deref().map(str::to_owned),
            role: self.role.unwrap_or_default(),
        };
        let member = member_added(cx, &new, authority).await?;
        self.teams(cx, member.id).await?;
        shown(cx, member, true).await
    }

    async fn change(&self, cx: &mut Cx, who: &str, authority: Authority<'_>) -> Result<MemberView> {
        let workspace = cx.workspace().id;
        let me = cx.caller().member.to_string();
        let who = if who.eq_ignore_ascii_case("me") {
            me.as_str()
        } else {
            who
        };
        let live = admin::members(cx.tx(), workspace).await?;
        let (mut member, is_back) = match find_member(&live, who) {
            Ok(member) => (member.clone(), false),
            Err(missing) if missing.code() == Code::NotFound => {
                let removed = admin::removed_members(cx.tx(), workspace).await?;
                let Ok(gone) = find_member(&removed, who) else {
                    return Err(missing);
                };
                if self.active != Some(true) {
                    let message = format!("{} is deactivated.", gone.name);
                    return Err(Error::conflict(message)
                        .field("member")
                        .hint("active: true restores them."));
                }
                let id = gone.id.to_string();
                (member_restored(cx, &id, authority).await?, true)
            }
            Err(error) => return Err(error),
        };
        let id = member.id.to_string();
        cx.note_resolved("member", member.id, &member.name);
        let cleared = |what| self.clear.iter().flatten().any(|one| *one == what);
        let text = |given: Option<String>, what| given.or_else(|| cleared(what).then(String::new));
        let change = MemberChange {
            name: self.name.as_deref().map(str::to_owned),
            email: text(self.email.as_ref().map(ToString::to_string), Emptied::Email),
            title: text(self.title.as_deref().map(str::to_owned), Emptied::Title),
            role: self.role,
        };
        member = member_updated(cx, &id, &change, authority).await?;
        self.teams(cx, member.id).await?;
        if self.active != Some(false) {
            return shown(cx, member, is_back).await;
        }
        let heir = self.hand_over_to.map(|heir| heir.to_string());
        let removed = member_removed(cx, &id, heir.as_deref(), authority).await;
        let removed = removed.map_err(|error| match error.field_name() {
            Some("reassign_to") => error.field("hand_over_to"),
            _ => error,
        })?;
        let gone = "Their keys open nothing any more. active: true restores them.";
        Ok(MemberView {
            active: false,
            teams: Vec::new(),
            handed_over: Some(removed.reassigned).filter(|count| *count > 0),
            ..MemberView::of(removed.member, Some(gone))
        })
    }

    /// Puts a member into a team, and takes them out of one.
    async fn teams(&self, cx: &mut Cx, member: Id<Member>) -> Result<()> {
        if let Some(team) = self.team {
            member_put(cx, team, member).await?;
        }
        if let Some(team) = self.leave_team {
            let workspace = cx.workspace().id;
            let live = admin::members(cx.tx(), workspace).await?;
            let now = live.iter().find(|one| one.id == member);
            // Who is in no such team is as they shall be.
            if now.is_some_and(|now| now.teams.iter().any(|one| one.id == team)) {
                member_taken(cx, team, member).await?;
            }
        }
        Ok(())
    }
}

impl MemberView {
    fn of(member: MemberInfo, access: Option<&str>) -> Self {
        Self {
            id: member.id,
            name: member.name,
            email: member.email,
            title: member.title,
            role: member.role,
            teams: member.teams,
            active: true,
            handed_over: None,
            access: access.map(str::to_owned),
        }
    }
}

/// A member who is live, as they stand by now.
async fn shown(cx: &mut Cx, member: MemberInfo, is_new: bool) -> Result<MemberView> {
    const ACCESS: &str = "Keys are no matter of tools. At the terminal, where they have none: bureau key create NAME --member WHO";
    let workspace = cx.workspace().id;
    let live = admin::members(cx.tx(), workspace).await?;
    let now = live.into_iter().find(|one| one.id == member.id);
    Ok(MemberView::of(
        now.unwrap_or(member),
        is_new.then_some(ACCESS),
    ))
}
