//! What lists are asked for beside a text, and what stands in their rows: whatever the module.

use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_text_is_no_filter_whatever_reads() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let owner = app.owner().await;
    let mut tried = 0;
    for entry in app.dispatcher.registry().entries() {
        if !entry.spec.effect.reads_only() {
            continue;
        }
        let tool = entry.spec.name;
        let schema = &entry.wire().input_schema;
        let required = schema.get("required").and_then(Value::as_array);
        let required = required.cloned().unwrap_or_default();
        let example = app.example_arguments(&owner, tool).await.swap_remove(0);
        for (name, parameter) in schema["properties"].as_object().unwrap() {
            let mut without = example.clone();
            without.shift_remove(name);
            let mut empty = without.clone();
            let is_list = parameter["type"] == "array";
            empty.insert(name.clone(), if is_list { json!("") } else { json!(" ") });
            if required.iter().any(|known| known == name) {
                let error = app.error(&owner, tool, Value::Object(empty)).await;
                let said = (error.code(), error.field_name(), error.message());
                let wanted = format!("{name} is required.");
                assert_eq!(said, (Code::Validation, Some(&**name), &*wanted), "{tool}");
                continue;
            }
            let without = app.outcome(&owner, tool, Value::Object(without)).await;
            let empty = app.outcome(&owner, tool, Value::Object(empty)).await;
            match (without, empty) {
                (Outcome::Done(mut without), Outcome::Done(mut empty)) => {
                    for answer in [&mut without, &mut empty] {
                        if let Some(data) = answer["data"].as_object_mut() {
                            data.shift_remove("as_of");
                        }
                    }
                    assert_eq!(empty["data"], without["data"], "{tool} {name}");
                }
                (Outcome::Failed(without), Outcome::Failed(empty)) => {
                    assert_eq!(empty.to_json(), without.to_json(), "{tool} {name}");
                }
                (_, empty) => panic!("{tool} {name}: {empty:?}"),
            }
            tried += 1;
        }
    }
    assert!(tried > 150, "{tried}");
    // Whoever writes is told what to do instead.
    let error = json!({ "name": "Ada", "city": "" });
    let error = app.error(&owner, "create_contact", error).await;
    assert!(error.message().contains("leave the field out"), "{error:?}");
}
