//! `get_workspace`

use std::collections::BTreeMap;

use bureau_kernel::caller::{ApiKey, Role};
use bureau_kernel::prelude::*;
use bureau_kernel::whoami::WhoAmI;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::READ_WORKSPACE;

/// What is shown beside what is always shown.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetWorkspace {
    /// Also seller, IBAN, taxes, number series
    settings: Option<bool>,
}

/// Where the caller is, and who it is there.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WorkspaceView {
    id: Id<Workspace>,
    name: String,
    slug: String,
    time_zone: String,
    currency: String,
    country: Option<String>,
    /// The day that it is in its time zone.
    today: String,
    me: Me,
    /// Groups of tools that you may use.
    groups: Vec<&'static str>,
    /// Live records by kind.
    records: BTreeMap<&'static str, i64>,
    /// What is arranged: who sells and what is missing before an invoice can be issued, taxes, series, attributes.
    settings: Option<Map<String, Value>>,
}

/// Who the caller is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Me {
    member: Id<Member>,
    name: String,
    role: Role,
    key: Option<Id<ApiKey>>,
    key_name: Option<String>,
    read_only: bool,
    permissions: Vec<&'static str>,
}

impl Tool for GetWorkspace {
    const SPEC: Spec = Spec::reads("get_workspace", READ_WORKSPACE)
        .title("Get workspace")
        .core()
        .about("Get name, time zone, currency, today, record counts, and what you may do.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Where am I, and what may I do here?",
            before: &[],
            arguments: "{}",
            expect: &[
                ("/data/slug", r#""main""#),
                ("/data/me/role", r#""owner""#),
                ("/data/me/read_only", "false"),
            ],
        },
        Example {
            title: "Which IBAN is on my invoices, and what is missing to issue one?",
            before: &[],
            arguments: r#"{"settings": true}"#,
            expect: &[("/data/slug", r#""main""#)],
        },
    ];
    type Output = WorkspaceView;

    async fn call(self, cx: &mut Cx) -> Result<WorkspaceView> {
        let WhoAmI {
            today,
            member,
            role,
            key,
            permissions,
            read_only,
            groups,
            records,
        } = cx.whoami().await?;
        let (key, key_name) = key.unzip();
        let settings = match self.settings {
            Some(true) => Some(cx.settings().await?),
            _ => None,
        };
        let workspace = cx.workspace();
        Ok(WorkspaceView {
            id: workspace.id,
            name: workspace.name.clone(),
            slug: workspace.slug.clone(),
            time_zone: workspace.time_zone.name().to_owned(),
            currency: workspace.currency.to_string(),
            country: workspace.country.clone(),
            today: today.to_string(),
            me: Me {
                member: member.0,
                name: member.1,
                role,
                key,
                key_name,
                read_only,
                permissions,
            },
            groups,
            records: records.into_iter().collect(),
            settings,
        })
    }
}
