//! Bringing data in and taking it out: jobs, many records at once, files.

use bureau_contacts::Contact;
use bureau_kernel::changes::verify;
use bureau_kernel::context::Cx;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::pipeline::Settings;
use bureau_kernel::record::{Attributes, Columns as _};
use bureau_kernel::store::{Scope, sql};
use bureau_kernel::testing::{ENGINES, House};
use bureau_kernel::types::text::Line;
use serde_json::json;

use crate::MODULES;

fn contact(name: &str) -> Contact {
    Contact {
        name: Line::new(name).unwrap(),
        ..Contact::empty()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_a_job_are_one_change_at_its_moment_and_one_undo() {
    for engine in ENGINES {
        let house = House::new(engine, MODULES).await;
        let owner = house.owner().await;
        let then = "2025-03-01T12:00:00Z".parse().unwrap();
        let job = house.pipeline.job(&owner, "import_contacts").await.unwrap();
        let job = job.at(then);
        for name in ["Ada", "Grace"] {
            let part = async |cx: &mut Cx| cx.insert(contact(name), Attributes::new()).await;
            house.pipeline.work(&job, part).await.unwrap();
        }
        let changes = house.ok(&owner, "list_changes", json!({})).await;
        let of_job: Vec<_> = changes["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["change"] == json!(job.change()))
            .collect();
        assert_eq!(of_job.len(), 2, "{changes}");
        assert_eq!(of_job[0]["tool"], "import_contacts");
        assert_eq!(of_job[0]["at"], json!(then));
        let undone = house
            .ok(&owner, "undo_change", json!({ "change": job.change() }))
            .await;
        assert_eq!(undone["data"]["records"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_fails_leaves_nothing_and_what_is_read_only_does_no_work() {
    for engine in ENGINES {
        let house = House::new(engine, MODULES).await;
        let owner = house.owner().await;
        let job = house.pipeline.job(&owner, "import_contacts").await.unwrap();
        let failed = house
            .pipeline
            .work(&job, async |cx: &mut Cx| {
                cx.insert(contact("Ada"), Attributes::new()).await?;
                Err::<(), _>(Error::conflict("No."))
            })
            .await;
        assert_eq!(failed.unwrap_err().code(), Code::Conflict);
        let found = house.ok(&owner, "search_contacts", json!({})).await;
        assert_eq!(found["data"], json!([]), "{engine:?}");
        let settings = Settings {
            read_only: true,
            ..Settings::default()
        };
        let closed = House::at(
            house.database.clone(),
            house.folder.clone(),
            MODULES,
            settings,
        )
        .await;
        let refused = closed.pipeline.job(&owner, "import_contacts").await;
        assert_eq!(refused.unwrap_err().code(), Code::ReadOnly);
    }
}

/// Every row of a table of the workspace that tells what the record layer keeps, without times.
async fn kept(house: &House, of: &str) -> Vec<String> {
    let mut tx = house
        .pipeline
        .house()
        .store
        .read(Scope::System)
        .await
        .unwrap();
    let rows = sql("SELECT entity, field, value FROM lookup WHERE entity = ")
        .value(of.to_owned())
        .sql(" ORDER BY entity, field, value, record")
        .rows(&mut tx)
        .await
        .unwrap();
    tx.rollback().await;
    rows.iter()
        .map(|row| {
            let text = |name| row.get::<String>(name).unwrap();
            format!("{} {} {}", text("entity"), text("field"), text("value"))
        })
        .collect()
}

fn person(number: usize) -> Contact {
    serde_json::from_value(json!({
        "name": format!("Person {number}"), "company": format!("Firm {}", number % 7), "score": 0,
        "emails": [{ "email": format!("p{number}@bulk.example") }], "phones": [], "links": [], "types": [],
        "tags": ["bulk", format!("t{}", number % 3)],
    }))
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_records_at_once_leave_what_one_by_one_leaves() {
    for engine in ENGINES {
        let (one, many) = (
            House::new(engine, MODULES).await,
            House::new(engine, MODULES).await,
        );
        let people: Vec<Contact> = (0..203).map(person).collect();
        let job = one.pipeline.job(&one.owner().await, "test").await.unwrap();
        let each = async |cx: &mut Cx| {
            let mut ids = Vec::new();
            for person in people.clone() {
                ids.push(cx.insert(person, Attributes::new()).await?.id);
            }
            for id in &ids {
                let mut edit = cx.edit(*id).await?;
                edit.city = Some(Line::new("Berlin").unwrap());
                edit.tags.0.clear();
                edit.save(cx).await?;
            }
            Ok(())
        };
        one.pipeline.work(&job, each).await.unwrap();
        let job = many
            .pipeline
            .job(&many.owner().await, "test")
            .await
            .unwrap();
        let at_once = async |cx: &mut Cx| {
            let all = people.iter().map(|p| (p.clone(), Attributes::new()));
            let saved = cx.insert_all(all.collect()).await?;
            let ids: Vec<_> = saved.iter().map(|saved| saved.id).collect();
            assert_eq!(cx.get_all(&ids).await?, saved);
            let mut edits = cx.edit_all(&ids).await?;
            for edit in &mut edits {
                edit.city = Some(Line::new("Berlin").unwrap());
                edit.tags.0.clear();
            }
            let saved = cx.save_all(edits).await?;
            assert_eq!(cx.get_all(&ids).await?, saved);
            Ok(())
        };
        many.pipeline.work(&job, at_once).await.unwrap();
        assert_eq!(kept(&one, "contact").await, kept(&many, "contact").await);
        assert_eq!(logged(&one).await, logged(&many).await, "{engine:?}");
        let audit = verify(&many.pipeline.house().store).await.unwrap();
        assert_eq!(audit.broken, None);
        let page = json!({ "query": "person 17", "city": "berlin", "limit": 1 });
        let found = many.ok(&many.owner().await, "search_contacts", page).await;
        assert_eq!(found["data"][0]["name"], "Person 17", "{engine:?}");
    }
}

/// What the change log says, without identifiers and times.
async fn logged(house: &House) -> Vec<String> {
    let owner = house.owner().await;
    house
        .ok(&owner, "list_changes", json!({ "limit": 1 }))
        .await;
    let mut tx = house
        .pipeline
        .house()
        .store
        .read(Scope::System)
        .await
        .unwrap();
    let rows =
        sql("SELECT entity, action, tool, version, before, after FROM change_log ORDER BY id")
            .rows(&mut tx)
            .await
            .unwrap();
    tx.rollback().await;
    rows.iter()
        .map(|row| {
            let text = |name| row.get::<Option<String>>(name).unwrap().unwrap_or_default();
            let version: i64 = row.get("version").unwrap();
            ["entity", "action", "tool", "before", "after"]
                .map(text)
                .join(" ")
                + &format!(" {version}")
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_of_many_names_what_stands_in_the_way_and_takes_the_rest_back() {
    for engine in ENGINES {
        let house = House::new(engine, MODULES).await;
        let owner = house.owner().await;
        let job = house.pipeline.job(&owner, "test").await.unwrap();
        let made = async |cx: &mut Cx| {
            let all = (0..700).map(|number| (person(number), Attributes::new()));
            cx.insert_all(all.collect()).await
        };
        let saved = house.pipeline.work(&job, made).await.unwrap();
        let id = |number: usize| saved[number].id.to_string();
        // One is changed since, another one is depended on by one that is not of this change.
        let change = json!({ "contact": id(3), "city": "Rome" });
        house.ok(&owner, "update_contact", change).await;
        let other = json!({ "name": "Other", "reports_to": id(650) });
        house.ok(&owner, "create_contact", other).await;
        let change = json!({ "change": job.change() });
        let refused = house.error(&owner, "undo_change", change).await;
        let conflicts = refused.detail_value("conflicts").unwrap();
        let of = |number| json!(id(number));
        assert_eq!(
            (&conflicts[0]["record"], &conflicts[1]["record"]),
            (&of(650), &of(3)),
            "{conflicts}"
        );
        let skipping = json!({ "change": job.change(), "skip_conflicts": true });
        let undone = house.ok(&owner, "undo_change", skipping).await;
        assert_eq!(undone["data"]["count"], 698);
        assert_eq!(undone["data"]["records"].as_array().unwrap().len(), 500);
        let left = house
            .ok(&owner, "search_contacts", json!({ "limit": 10 }))
            .await;
        assert_eq!(left["data"].as_array().unwrap().len(), 3, "{left}");
        // The undo is a change like any other.
        let again = json!({ "change": undone["change"] });
        house.ok(&owner, "undo_change", again).await;
        assert_eq!(
            kept(&house, "contact")
                .await
                .iter()
                .filter(|term| term.contains(" email "))
                .count(),
            700
        );
        assert_eq!(
            verify(&house.pipeline.house().store).await.unwrap().broken,
            None
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_refers_to_each_other_in_one_change_goes_with_it() {
    for engine in ENGINES {
        let house = House::new(engine, MODULES).await;
        let owner = house.owner().await;
        let job = house.pipeline.job(&owner, "test").await.unwrap();
        let made = async |cx: &mut Cx| {
            let head = cx.insert_all(vec![(person(0), Attributes::new())]).await?;
            let staff = (1..20).map(|number| {
                let mut person = person(number);
                person.reports_to = Some(head[0].id);
                (person, Attributes::new())
            });
            cx.insert_all(staff.collect()).await
        };
        let staff = house.pipeline.work(&job, made).await.unwrap();
        let change = json!({ "contact": staff[4].id, "city": "Rome" });
        house.ok(&owner, "update_contact", change).await;
        let skipping = json!({ "change": job.change(), "skip_conflicts": true });
        let undone = house.ok(&owner, "undo_change", skipping).await;
        assert_eq!(
            undone["data"]["count"], 18,
            "the head stays for the one that stays"
        );
        let reason = &undone["data"]["skipped"][1]["reason"];
        assert!(
            reason.as_str().unwrap().contains(&staff[4].id.to_string()),
            "{undone}"
        );
    }
}
