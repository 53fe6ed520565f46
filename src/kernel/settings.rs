//! What is arranged in a workspace, put together: each part as the module that owns it shows it.

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::admin;
use crate::error::Result;
use crate::permission::Permission;
use crate::record::Cx;

/// A part of what is arranged in a workspace. A module lists its own among what it provides.
pub struct Setting {
    /// What it is called, in one word or two joined by `_`.
    pub name: &'static str,
    /// What a caller must hold to see it.
    pub read: Permission,
    /// Shows it as it is in force.
    pub show: for<'a> fn(&'a mut Cx) -> BoxFuture<'a, Result<Value>>,
}

impl Cx {
    /// What is arranged in the workspace as far as the caller may see it, by the names of its parts.
    ///
    /// # Errors
    /// What the database says.
    pub async fn settings(&mut self) -> Result<Map<String, Value>> {
        let mut settings = Map::new();
        let parts: Vec<&'static Setting> = self.provided().collect();
        for part in parts {
            if self.caller().may(part.read) {
                settings.insert(part.name.to_owned(), (part.show)(self).await?);
            }
        }
        let attributes = admin::defined_attributes(self).await?;
        let attributes = attributes.into_iter().map(|one| {
            json!({ "record_type": one.entity, "name": one.name, "type": one.kind, "about": one.about })
        });
        settings.insert("attributes".into(), attributes.collect());
        Ok(settings)
    }
}
