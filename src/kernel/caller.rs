//! Who calls: on whose behalf, in which workspace, with which rights and limits.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::permission::{Grants, Permission, only_reads};
use crate::types::id::{Entity, Id};
use crate::types::money::Currency;

/// The firm or department whose data is kept apart from all others.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Its identifier.
    pub id: Id<Workspace>,
    /// Its short name in addresses and headers.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Where "today" is judged.
    pub time_zone: Tz,
    /// The currency that sums are shown in.
    pub currency: Currency,
    /// ISO 3166-1 alpha-2: where a phone number without a country belongs.
    pub country: Option<String>,
}

impl Entity for Workspace {
    const PREFIX: &'static str = "wsp";
    const NOUN: &'static str = "workspace";
    const TABLE: &'static str = "workspace";
}

/// A person who works in a workspace.
#[derive(Debug)]
pub struct Member;

impl Entity for Member {
    const PREFIX: &'static str = "mem";
    const NOUN: &'static str = "member";
    const TABLE: &'static str = "member";
}

/// Members who work together.
#[derive(Debug)]
pub struct Team;

impl Entity for Team {
    const PREFIX: &'static str = "team";
    const NOUN: &'static str = "team";
    const TABLE: &'static str = "team";
}

/// What a member may do at most, whatever their keys say.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads the work, not who did what.
    Viewer,
    /// Does the work.
    #[default]
    Member,
    /// Arranges the workspace too.
    Admin,
    /// Answers for it: each workspace keeps one.
    Owner,
}
crate::text_column!(Role);

impl Role {
    /// Whether a member of this role may do what the permission names.
    #[must_use]
    pub fn allows(self, permission: Permission) -> bool {
        self.allows_name(permission.name())
    }

    /// The same for a permission by its name.
    #[must_use]
    pub fn allows_name(self, permission: &str) -> bool {
        const OVERSIGHT: [&str; 2] = ["read_audit_log", "approve_changes"];
        match self {
            Self::Owner | Self::Admin => true,
            Self::Member => !permission.starts_with("manage_") && !OVERSIGHT.contains(&permission),
            Self::Viewer => only_reads(permission) && !OVERSIGHT.contains(&permission),
        }
    }
}

/// A key that a program shows.
#[derive(Debug)]
pub struct ApiKey;

impl Entity for ApiKey {
    const PREFIX: &'static str = "key";
    const NOUN: &'static str = "API key";
    const TABLE: &'static str = "api_key";
}

/// Which calls need a person's word before they run.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmPolicy {
    /// None.
    Never,
    /// Those that remove or send.
    #[default]
    Destructive,
    /// Every write.
    Writes,
}
crate::text_column!(ConfirmPolicy);

/// A caller, made anew for each call.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Where it works.
    pub workspace: Arc<Workspace>,
    /// On whose behalf.
    pub member: Id<Member>,
    /// What that member may do at most.
    pub role: Role,
    /// With which key; none for the operator who started the process beside the data.
    pub key: Option<Id<ApiKey>>,
    /// The program, as it names itself. For the change log only: nothing is decided by it.
    pub client: Option<String>,
    /// Where it reaches this server over HTTP: a scheme, a host and where it is not the usual one a port. For addresses that are
    /// given to it.
    pub origin: Option<Arc<str>>,
    /// Whether it is the scheduler, which acts with the owner's rights and is not the owner.
    pub(crate) is_scheduler: bool,
    pub(crate) grants: Grants,
    pub(crate) read_only: bool,
    pub(crate) features: Option<BTreeSet<String>>,
    pub(crate) confirm: Option<ConfirmPolicy>,
    pub(crate) calls_per_hour: Option<u32>,
    /// Whether whoever calls could as well have chosen another workspace.
    pub(crate) has_others: bool,
}

impl Caller {
    /// Takes away what the request itself forgoes. A request can narrow what its key and the server allow, never
    /// widen it.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) when the list of features is there and names none.
    pub fn narrow(mut self, features: Option<&[String]>, read_only: bool) -> Result<Self> {
        self.read_only |= read_only;
        if let Some(names) = features {
            let names: BTreeSet<String> = names
                .iter()
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect();
            if names.is_empty() {
                return Err(Error::invalid(
                    "X-Bureau-Features",
                    "Name at least one feature, or leave the header out.",
                ));
            }
            self.features = Some(match self.features {
                Some(already) => already.intersection(&names).cloned().collect(),
                None => names,
            });
        }
        Ok(self)
    }

    /// Whether it may do what the permission names: what its key grants and its member's role allows.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.role.allows(permission) && self.grants.allow(permission)
    }

    /// Whether it may write anything at all: no viewer may, nor a key whose permissions only read.
    #[must_use]
    pub fn may_write(&self) -> bool {
        let writes = match &self.grants {
            Grants::Everything => true,
            Grants::Named(names) => names.iter().any(|name| !only_reads(name)),
        };
        writes && !matches!(self.role, Role::Viewer)
    }

    /// Whether the request has not forgone this group of tools.
    pub(crate) fn has_group(&self, name: &str) -> bool {
        let features = self.features.as_ref();
        features.is_none_or(|features| features.contains(name))
    }

    /// Whose own act its calls are: nobody's for what is done by itself.
    #[must_use]
    pub fn person(&self) -> Option<Id<Member>> {
        (!self.is_scheduler).then_some(self.member)
    }

    /// What stands for this caller in limits, receipts and confirmations: its key, else its member.
    #[must_use]
    pub fn actor(&self) -> i64 {
        self.key.map_or_else(|| self.member.raw(), Id::raw)
    }
}
