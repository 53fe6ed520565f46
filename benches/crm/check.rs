//! Whether rows that were written past the record layer are like those that it writes.

use bureau_activities::{ACTIVITIES, Activity};
use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Data, Record};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::app::BenchApp;
use crate::common::rows::Rows;

/// The module of the one tool.
pub(crate) const MODULE: Module = Module {
    name: "benches",
    about: "Writes records as they are for benches",
    on_by_default: true,
    tools: &[tool::<PutRecord>],
    records: &[],
    ..Module::EMPTY
};

#[derive(Deserialize, JsonSchema)]
struct PutRecord {
    entity: ShortText<40>,
    record: Attributes,
}

impl Tool for PutRecord {
    const SPEC: Spec = Spec::adds("put_record", ACTIVITIES.create).about("Write a record.");
    const EXAMPLES: &'static [Example] = &[];
    type Output = String;

    async fn call(self, cx: &mut Cx) -> Result<String> {
        async fn put<R: Record>(cx: &mut Cx, record: Attributes) -> Result<String> {
            let record: R =
                serde_json::from_value(Data::Object(record)).map_err(Error::internal)?;
            Ok(cx.insert(record, Attributes::new()).await?.id.to_string())
        }
        match &*self.entity {
            "company" => put::<Company>(cx, self.record).await,
            "contact" => put::<Contact>(cx, self.record).await,
            "deal" => put::<Deal>(cx, self.record).await,
            _ => put::<Activity>(cx, self.record).await,
        }
    }
}

/// Writes some of the firm's records again, through the record layer, and holds the rows against each other.
pub(crate) async fn check(app: &BenchApp, rows: &mut Rows) {
    for number in [0, 1, 7, 300, 1_999] {
        for (entity, id, record) in app.firm.records(number) {
            let put = json!({ "entity": entity, "record": record });
            let answer = app.call("put_record", put).await;
            let text = answer["data"].as_str().unwrap();
            let (_, again) = bureau_kernel::types::id::decode(text).unwrap();
            let (one, other) = (
                seen(rows, entity, id).await,
                seen(rows, entity, again).await,
            );
            assert_eq!(one, other, "{entity} {number}");
        }
    }
    let store = &app.dispatcher.app().store;
    let audit = bureau_kernel::store::log::verify(store).await.unwrap();
    assert_eq!(audit.broken, None);
    assert!(audit.rows >= i64::try_from(app.firm.sizes.entries).unwrap());
}

/// What stands in the database of a record, but for identifiers and moments of the row.
async fn seen(rows: &mut Rows, entity: &str, id: i64) -> Vec<(String, String)> {
    let mut seen = rows.columns(entity, id).await;
    seen.retain(|(name, _)| !["id", "created_at", "updated_at"].contains(&name.as_str()));
    seen.extend(rows.terms(entity, id).await);
    seen
}
