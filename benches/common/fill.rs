//! Fills an app quickly and honestly: a tool of the benches' own writes a thousand contacts in one call, through the
//! pipeline and the record layer like every other. Only the check for duplicates is left out.

use bureau_contacts::{CONTACTS, Contact};
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Call, Dispatcher, Outcome};
use bureau_kernel::prelude::*;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::people;

const BATCH: u64 = 1_000;

/// The module of the one tool.
pub(crate) const MODULE: Module = Module {
    name: "benches",
    about: "Fills an app for benches",
    on_by_default: true,
    tools: &[tool::<FillContacts>],
    records: &[],
    ..Module::EMPTY
};

#[derive(Deserialize, JsonSchema)]
struct FillContacts {
    first: u64,
    count: u64,
}

impl Tool for FillContacts {
    const SPEC: Spec =
        Spec::adds("fill_contacts", CONTACTS.create).about("Write made-up contacts.");
    const EXAMPLES: &'static [Example] = &[];
    type Output = u64;

    async fn call(self, cx: &mut Cx) -> Result<u64> {
        for number in self.first..self.first + self.count {
            let contact: Contact =
                serde_json::from_value(people::person(number).record()).map_err(Error::internal)?;
            cx.insert(contact, Attributes::new()).await?;
        }
        Ok(self.count)
    }
}

/// Writes the people of these numbers.
pub(crate) async fn fill(
    dispatcher: &Arc<Dispatcher>,
    caller: &Caller,
    people: std::ops::Range<u64>,
) {
    let mut first = people.start;
    while first < people.end {
        let count = BATCH.min(people.end - first);
        let arguments = json!({ "first": first, "count": count });
        let call = Call {
            tool: "fill_contacts".into(),
            arguments: arguments.as_object().cloned().unwrap_or_default(),
            ..Call::default()
        };
        match dispatcher.call(caller.clone(), call).await {
            Outcome::Done(_) => {}
            other => panic!("{other:?}"),
        }
        first += count;
    }
}
