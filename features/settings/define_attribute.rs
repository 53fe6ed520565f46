//! `define_attribute`

use bureau_kernel::admin::{AttributeDefinition, attribute_defined, attribute_removed};
use bureau_kernel::prelude::*;
use bureau_kernel::store::enum_name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::MANAGE_WORKSPACE;

/// Which attribute to define, change or remove.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DefineAttribute {
    /// Such as contact or deal
    record_type: ShortText<60>,
    name: ShortText<60>,
    /// Default text
    #[serde(rename = "type")]
    kind: Option<Kind>,
    /// What it means
    about: Option<LongText<500>>,
    remove: Option<bool>,
}

/// What its values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Text,
    Number,
    Bool,
    Date,
    List,
    Object,
}

/// An attribute as it is defined.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AttributeView {
    record_type: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    about: Option<String>,
    /// It is defined no more.
    removed: Option<bool>,
}

impl AttributeView {
    fn of(definition: AttributeDefinition, is_removed: bool) -> Self {
        Self {
            record_type: definition.entity,
            name: definition.name,
            kind: definition.kind,
            about: definition.about,
            removed: is_removed.then_some(true),
        }
    }
}

impl Tool for DefineAttribute {
    const SPEC: Spec = Spec::changes("define_attribute", MANAGE_WORKSPACE)
        .title("Define attribute")
        .about("Define, reword or remove a custom attribute of a kind of record.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[Example {
        title: "We want to note every company's customer number",
        before: &[],
        arguments: r#"{"record_type": "company", "name": "customer_number", "type": "number", "about": "As in the old ledger", "confirm": true}"#,
        expect: &[
            ("/data/record_type", r#""company""#),
            ("/data/type", r#""number""#),
        ],
    }];
    type Output = AttributeView;

    async fn call(self, cx: &mut Cx) -> Result<AttributeView> {
        let is_removed = self.remove == Some(true);
        let definition = if is_removed {
            let removed = attribute_removed(cx, &self.record_type, &self.name).await;
            removed.map_err(|error| match error.code() {
                Code::NotFound => error.field("remove"),
                _ => error,
            })?
        } else {
            let kind = self.kind.map(|kind| enum_name(&kind));
            let about = self.about.as_deref().map(str::to_owned);
            attribute_defined(cx, (&self.record_type, &self.name), kind, about).await?
        };
        cx.ask_about_all();
        Ok(AttributeView::of(definition, is_removed))
    }
}
