//! `get_user`

use bureau_kernel::admin::{self, MemberInfo};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::READ_TEAMS;

/// Whom to show.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetUser {
    /// Member id, address or name, or me
    user: ShortText<200>,
}

impl Tool for GetUser {
    const SPEC: Spec = Spec::reads("get_user", READ_TEAMS)
        .title("Get user")
        .about("Get a member's profile, role and teams.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Who am I here, and what is my role?",
        before: &[],
        arguments: r#"{"user": "me"}"#,
        expect: &[("/data/name", r#""Owner""#), ("/data/role", r#""owner""#)],
    }];
    type Output = MemberInfo;

    async fn call(self, cx: &mut Cx) -> Result<MemberInfo> {
        let workspace = cx.workspace().id;
        let me = cx.caller().member.to_string();
        let who = if self.user.eq_ignore_ascii_case("me") {
            me.as_str()
        } else {
            &*self.user
        };
        let members = admin::members(cx.tx(), workspace).await?;
        let found = admin::find_member(&members, who).map_err(|error| {
            if error.code() != Code::NotFound {
                return error.field("user");
            }
            // What was sent is not sent back.
            let unknown = Error::new(Code::NotFound, "There is no such member here.");
            unknown
                .field("user")
                .hint(error.hint_text().unwrap_or("list_team_members names them."))
        })?;
        Ok(found.clone())
    }
}
