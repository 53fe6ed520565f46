//! Completions: names where words are read, identifiers where an address is made, and nothing that its caller may not list.

use std::sync::Arc;

use bureau::server::{Credential, Server};
use bureau_kernel::testing::{ENGINES, TestApp};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::MODULES;
use crate::campaign::indexed;
use crate::stdio::{opening, server, session};

fn ask(reference: &Value, argument: &str, value: &str) -> (&'static str, Value) {
    let params = json!({ "ref": reference, "argument": { "name": argument, "value": value } });
    ("completion/complete", params)
}

fn prompt(name: &str) -> Value {
    json!({ "type": "ref/prompt", "name": name })
}

fn template(uri: &str) -> Value {
    json!({ "type": "ref/resource", "uri": uri })
}

async fn answers(server: Server, asked: Vec<(&'static str, Value)>) -> Vec<Value> {
    let mut requests = vec![opening("2025-11-25")];
    requests.extend(asked);
    let mut answers = session(server, &requests).await;
    let opened = answers.remove(0);
    assert!(
        opened["result"]["capabilities"]["completions"].is_object(),
        "{opened}"
    );
    answers
}

fn values(answer: &Value) -> Vec<&str> {
    let values = answer["result"]["completion"]["values"].as_array();
    let values = values.unwrap_or_else(|| panic!("{answer}")).iter();
    values.map(|value| value.as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_identifiers_are_completed_as_far_as_the_caller_may_list_them() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let data = async |tool: &str, arguments: Value| app.data(&owner, tool, arguments).await;
        let roof = data("create_deal", json!({ "name": "Roof of the hall" })).await;
        data("create_deal", json!({ "name": "Cellar" })).await;
        data("create_contact", json!({ "name": "Rosa Parks" })).await;
        data("create_company", json!({ "name": "Rossmann" })).await;
        data("create_job", json!({ "title": "Roofer" })).await;
        let handbook = json!({ "title": "Handbook", "text": "Come in time." });
        let handbook = data("create_document", handbook).await;
        // Whoever did not write it finds it when it is in the index.
        indexed(&app.dispatcher).await;
        let deals = template("bureau://deals/{deal}");
        let asked = vec![
            ask(&deals, "deal", "Roo"),
            ask(&deals, "deal", ""),
            ask(&deals, "deal", "no such deal"),
            ask(&prompt("prepare_meeting"), "with", "ros"),
            ask(&prompt("hiring_review"), "job", "roof"),
            ask(&prompt("what_next"), "owner", ""),
            // Words, and no record's name.
            ask(&prompt("month_end"), "month", "last"),
            ask(
                &template("bureau://documents/{document}"),
                "document",
                "handb",
            ),
        ];
        let said = answers(server(&app), asked.clone()).await;
        assert_eq!(values(&said[0]), [roof["id"].as_str().unwrap()]);
        assert_eq!(values(&said[1]).len(), 2);
        assert!(values(&said[2]).is_empty());
        assert_eq!(values(&said[3]), ["Rosa Parks", "Rossmann"]);
        assert_eq!(values(&said[4]), ["Roofer"]);
        assert_eq!(values(&said[5]).len(), 1, "{}", said[5]);
        assert!(values(&said[6]).is_empty());
        assert_eq!(values(&said[7]), [handbook["id"].as_str().unwrap()]);

        // What is not there, or not the caller's, is refused or completes to nothing.
        let wrong = vec![
            ask(&prompt("nonsense"), "day", ""),
            ask(&prompt("prepare_meeting"), "whom", ""),
            ask(&template("bureau://nothing/{deal}"), "deal", ""),
            ask(&deals, "contact", ""),
        ];
        for answer in answers(server(&app), wrong).await {
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
        }
        let (key, _) = app
            .key(&["read_contacts", "read_companies", "read_activities"])
            .await;
        let few = Server::new(Arc::clone(&app.dispatcher), "Test.")
            .with_credential(Credential::Key(SecretString::from(key)), None);
        let said = answers(few, asked).await;
        assert_eq!(
            said[0]["error"]["code"], -32602,
            "it may not read deals: {}",
            said[0]
        );
        assert_eq!(values(&said[3]), ["Rosa Parks", "Rossmann"]);
        assert_eq!(said[4]["error"]["code"], -32602, "{}", said[4]);
        let other = app.tenant("other").await;
        let there = server(&app).with_credential(Credential::Operator, Some("other".into()));
        drop(other);
        let said = answers(there, vec![ask(&deals, "deal", "")]).await;
        assert!(values(&said[0]).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_a_screen_of_values_and_it_says_that_there_are_more() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let owner = app.owner().await;
    for number in 0..25 {
        app.data(
            &owner,
            "create_deal",
            json!({ "name": format!("Deal {number}") }),
        )
        .await;
    }
    let asked = vec![ask(&template("bureau://deals/{deal}"), "deal", "deal")];
    let said = answers(server(&app), asked).await;
    assert_eq!(values(&said[0]).len(), 20);
    assert_eq!(said[0]["result"]["completion"]["hasMore"], true);
}
