//! `get_user`

use bureau_kernel::admin::{self, MemberInfo};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::READ_TEAMS;

/// Whom to show.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetUser {
    /// A member, or me
    user: Id<Member>,
}

impl Tool for GetUser {
    const SPEC: Spec = Spec::reads("get_user", READ_TEAMS)
        .title("Get user")
        .about("Get a member's profile (or me), role and teams.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Who am I here, and what is my role?",
        before: &[],
        arguments: r#"{"user": "me"}"#,
        expect: &[("/data/name", r#""Owner""#), ("/data/role", r#""owner""#)],
    }];
    type Output = MemberInfo;

    async fn call(self, cx: &mut Cx) -> Result<MemberInfo> {
        let workspace = cx.workspace().id;
        let members = admin::members(cx.tx(), workspace).await?;
        let mut members = members.into_iter();
        members
            .find(|member| member.id == self.user)
            .ok_or_else(|| Error::not_found("member", self.user).field("user"))
    }
}
