//! Bringing data in and taking it out: jobs, many records at once, files.

use bureau_contacts::Contact;
use bureau_kernel::context::Cx;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::pipeline::Settings;
use bureau_kernel::record::{Attributes, Columns as _};
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
