//! Where a caller is, who it is there, and what it may do.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::caller::{ApiKey, Member, Role};
use crate::error::Result;
use crate::permission::Permission;
use crate::record::Cx;
use crate::registry::Registry;
use crate::store::sql;
use crate::types::id::Id;

/// What a caller finds itself in.
#[derive(Debug, Clone)]
pub struct WhoAmI {
    /// The day that it is in the workspace.
    pub today: NaiveDate,
    /// On whose behalf the call is made.
    pub member: (Id<Member>, String),
    /// What that member may do at most.
    pub role: Role,
    /// The key, if it is made with one.
    pub key: Option<(Id<ApiKey>, String)>,
    /// The permissions that the caller holds here.
    pub permissions: Vec<&'static str>,
    /// It may write nothing, whatever its permissions say.
    pub read_only: bool,
    /// The groups of which it may see a tool.
    pub groups: Vec<&'static str>,
    /// How many live records of each kind that it may read there are, in these groups.
    pub records: Vec<(&'static str, i64)>,
}

impl Cx {
    /// Where the caller is, who it is there, and what it may do.
    ///
    /// # Errors
    /// What the database says.
    pub async fn whoami(&mut self) -> Result<WhoAmI> {
        let registry = Registry::of(self)?;
        let time = self.local_time();
        let caller = self.caller();
        let (role, read_only) = (
            caller.role,
            caller.read_only || self.app.store.is_read_only(),
        );
        let permissions = registry.permissions().into_iter();
        let permissions = permissions
            .filter(|name| caller.may(Permission::new(name)))
            .collect();
        let groups: BTreeSet<&'static str> = registry
            .visible(caller, read_only)
            .map(|entry| entry.module)
            .collect();
        let (member, key) = (caller.member, caller.key);
        let member = self.member_names([member]).await?.with_name(member);
        let key_names = self.key_names(key).await?;
        let key = key.map(|id| key_names.with_name(id));
        let mut records = Vec::new();
        for module in registry.modules() {
            if groups.contains(module.name) {
                for record in module.records {
                    if self.may_read(record.table()) {
                        records.push((record.table(), self.live(record.table()).await?));
                    }
                }
            }
        }
        Ok(WhoAmI {
            today: time.now.with_timezone(&time.zone).date_naive(),
            member,
            role,
            key,
            permissions,
            read_only,
            groups: groups.into_iter().collect(),
            records,
        })
    }

    async fn live(&mut self, table: &'static str) -> Result<i64> {
        sql("SELECT COUNT(*) AS live FROM ")
            .sql(table)
            .sql(" WHERE archived_at IS NULL AND workspace = ")
            .value(self.workspace().id)
            .one("live", &mut self.tx)
            .await
    }
}
