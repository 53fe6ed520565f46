//! What modules do when records of others are written: in order, in the same call, with its fate.

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::caller::Caller;
use bureau_kernel::error::Code;
use bureau_kernel::prelude::*;
use bureau_kernel::registry::{Registry, Selection};
use bureau_kernel::store::log::Action;
use bureau_kernel::store::sql;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::json;

const ALL: &[Action] = &[
    Action::Create,
    Action::Update,
    Action::Archive,
    Action::Restore,
    Action::Purge,
];

/// Writes a contact about what happened to each company that is called an echo.
struct Echo<const NAME: char>;

impl<const NAME: char> Reaction for Echo<NAME> {
    type To = Company;
    const ON: &'static [Action] = ALL;
    const COVERS: &'static [Covers] = &[Covers::create::<Contact>(), Covers::update::<Contact>()];

    async fn react(cx: &mut Cx, to: Transition<'_, Company>) -> Result<()> {
        let version = |saved: Option<&Saved<Company>>| saved.map_or(0, |saved| saved.version);
        let versions = (version(to.before), version(to.after));
        let Some(company) = to.after.or(to.before) else {
            return Ok(());
        };
        if company.name.starts_with("Echo") {
            let name = format!("{NAME} {:?} {versions:?}", to.action);
            let contact = cx.insert(named(&name), Attributes::new()).await?.id;
            // The version that a call came with is not that of what a reaction changes.
            let mut edit = cx.edit(contact).await?;
            edit.city = ShortText::new("Here").ok();
            edit.save(cx).await?;
        }
        Ok(())
    }
}

/// The same without saying what follows.
struct Uncovered;

impl Reaction for Uncovered {
    type To = Company;
    const ON: &'static [Action] = &[Action::Create];

    async fn react(cx: &mut Cx, to: Transition<'_, Company>) -> Result<()> {
        if to.after.is_some_and(|company| &*company.name == "Bare") {
            cx.insert(named("Bare"), Attributes::new()).await?;
        }
        Ok(())
    }
}

/// Stands in the way of a company, after it has written something itself.
struct Refuse;

impl Reaction for Refuse {
    type To = Company;
    const ON: &'static [Action] = &[Action::Create];
    const COVERS: &'static [Covers] = &[Covers::create::<Contact>()];

    async fn react(cx: &mut Cx, to: Transition<'_, Company>) -> Result<()> {
        if to.after.is_some_and(|company| &*company.name == "Refused") {
            cx.insert(named("Before it was refused"), Attributes::new())
                .await?;
            return Err(Error::conflict("Not this one.").field("name"));
        }
        Ok(())
    }
}

/// Follows each contact that counts with the one below it.
struct Count;

impl Reaction for Count {
    type To = Contact;
    const ON: &'static [Action] = &[Action::Create];

    async fn react(cx: &mut Cx, to: Transition<'_, Contact>) -> Result<()> {
        let name = to.after.and_then(|contact| contact.first_name.as_deref());
        let count = name.and_then(|name| name.strip_prefix("Count ")?.parse::<u32>().ok());
        if let Some(below) = count.and_then(|count| count.checked_sub(1)) {
            cx.insert(named(&format!("Count {below}")), Attributes::new())
                .await?;
        }
        Ok(())
    }
}

const FIRST: Module = Module {
    name: "first",
    uses: &[&bureau_companies::MODULE, &bureau_contacts::MODULE],
    reacts: &[
        reaction::<Echo<'A'>>(),
        reaction::<Uncovered>(),
        reaction::<Refuse>(),
        reaction::<Count>(),
    ],
    ..Module::EMPTY
};
const SECOND: Module = Module {
    name: "second",
    uses: &[&FIRST],
    reacts: &[reaction::<Echo<'B'>>()],
    ..Module::EMPTY
};
/// The second one comes first in the list: it uses the other.
const MODULES: &[Module] = &[
    SECOND,
    bureau_companies::MODULE,
    bureau_contacts::MODULE,
    bureau_history::MODULE,
];

fn named(name: &str) -> Contact {
    let mut contact = Contact::empty();
    contact.first_name = ShortText::new(name).ok();
    contact
}

/// What stands in a table, live: the names, oldest first.
async fn live(app: &TestApp, table: &'static str, column: &'static str) -> Vec<String> {
    let statement = sql("SELECT ").sql(column).sql(" AS name FROM ").sql(table);
    let rows = app
        .rows(statement.sql(" WHERE archived_at IS NULL ORDER BY id"))
        .await;
    rows.iter().map(|row| row.get("name").unwrap()).collect()
}

async fn contacts(app: &TestApp) -> Vec<String> {
    live(app, "contact", "first_name").await
}

async fn create(app: &TestApp, caller: &Caller, name: &str) -> serde_json::Value {
    app.ok(caller, "create_company", json!({ "name": name }))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_writing_is_reacted_to_in_the_order_of_the_modules() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        create(&app, &owner, "Quiet").await;
        let made = create(&app, &owner, "Echo").await;
        let company = &made["data"]["id"];
        let rename = json!({ "company": company, "name": "Echo & Co", "version": 1 });
        app.ok(&owner, "update_company", rename.clone()).await;
        let nothing = json!({ "company": company, "name": "Echo & Co" });
        app.ok(&owner, "update_company", nothing).await;
        let gone = app
            .ok(&owner, "delete_company", json!({ "company": company }))
            .await;
        let undo = json!({ "change": gone["change"] });
        app.ok(&owner, "undo_change", undo).await;
        let purge = json!({ "company": company, "purge": true });
        app.ok(&owner, "delete_company", purge).await;
        let expected = [
            "Create (0, 1)",
            "Update (1, 2)",
            "Archive (2, 3)",
            "Restore (3, 4)",
            "Purge (4, 0)",
        ];
        let both = |what: &&str| [format!("A {what}"), format!("B {what}")];
        // What deleting had set off was taken back with it.
        let taken_back = |name: &String| !name.contains("Archive");
        let expected: Vec<String> = expected.iter().flat_map(both).filter(taken_back).collect();
        assert_eq!(contacts(&app).await, expected, "on {engine:?}");

        // Many at once, in the order of the records and then of the modules.
        let batch = app.dispatcher.batch(&owner, "test").await.unwrap();
        let before = contacts(&app).await.len();
        let all = app.dispatcher.app().run_in(&batch, async |cx| {
            let many = ["Echo 1", "Quiet 2", "Echo 3"].map(|name| {
                let mut company = Company::empty();
                company.name = ShortText::new(name).unwrap();
                (company, Attributes::new())
            });
            let saved = cx.insert_all(many.into()).await?;
            let ids: Vec<Id<Company>> = saved.iter().map(|saved| saved.id).collect();
            let mut edits = cx.edit_all(&ids).await?;
            edits.truncate(2);
            for edit in &mut edits {
                edit.city = ShortText::new("Berlin").ok();
            }
            cx.save_all(edits).await
        });
        all.await.unwrap();
        assert_eq!(
            contacts(&app).await[before..],
            [
                "A Create (0, 1)",
                "B Create (0, 1)",
                "A Create (0, 1)",
                "B Create (0, 1)",
                "A Update (1, 2)",
                "B Update (1, 2)",
            ],
            "on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reaction_wrote_goes_with_the_call() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        // One that refuses takes all of it along.
        let refused = json!({ "name": "Refused" });
        let error = app.error(&owner, "create_company", refused).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("name"))
        );
        assert_eq!(contacts(&app).await, [""; 0], "on {engine:?}");
        assert_eq!(live(&app, "company", "name").await, [""; 0]);
        // A trial keeps nothing of it.
        let trial = json!({ "name": "Echo", "dry_run": true });
        app.ok(&owner, "create_company", trial).await;
        assert_eq!(contacts(&app).await, [""; 0], "on {engine:?}");
        // An undo takes back what it wrote, and reactions run to what the undo did once it is done.
        let made = create(&app, &owner, "Echo").await;
        let undo = json!({ "change": made["change"] });
        let undone = app.ok(&owner, "undo_change", undo).await;
        assert_eq!(undone["data"]["count"], 3, "on {engine:?}");
        let left = ["A Archive (1, 2)", "B Archive (1, 2)"];
        assert_eq!(contacts(&app).await, left, "on {engine:?}");
        // And an undo of that is one as well.
        let undo = json!({ "change": undone["change"] });
        app.ok(&owner, "undo_change", undo).await;
        let names = contacts(&app).await;
        let (of_making, of_restoring) = names.split_at(2);
        assert_eq!(of_making, ["A Create (0, 1)", "B Create (0, 1)"]);
        assert_eq!(of_restoring, ["A Restore (2, 3)", "B Restore (2, 3)"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_needs_no_permission_for_what_it_says_that_it_does() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let (_, caller) = app.key(&["create_companies"]).await;
        create(&app, &caller, "Echo").await;
        assert_eq!(contacts(&app).await.len(), 2, "on {engine:?}");
        let bare = json!({ "name": "Bare" });
        let error = app.error(&caller, "create_company", bare).await;
        assert_eq!(error.code(), Code::Forbidden, "on {engine:?}");
        assert_eq!(
            error.detail_value("permission"),
            Some(&json!("create_contacts"))
        );
        assert_eq!(live(&app, "company", "name").await, ["Echo"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_that_set_off_each_other_without_end_are_stopped() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let deep = json!({ "first_name": "Count 7" });
        app.ok(&owner, "create_contact", deep).await;
        assert_eq!(contacts(&app).await.len(), 8, "on {engine:?}");
        let deeper = json!({ "first_name": "Count 8", "on_duplicate": "create" });
        let error = app.error(&owner, "create_contact", deeper).await;
        assert_eq!(error.code(), Code::Internal, "on {engine:?}");
        assert!(error.message().contains("8 deep"), "{error:?}");
        assert_eq!(contacts(&app).await.len(), 8, "on {engine:?}");
    }
}

#[test]
fn a_reaction_to_records_that_its_module_does_not_know_is_refused() {
    const LOST: Module = Module {
        name: "lost",
        uses: &[&bureau_companies::MODULE],
        reacts: &[reaction::<Echo<'C'>>()],
        ..Module::EMPTY
    };
    let made = Registry::new(&[LOST], &Selection::default());
    let error = made.err().unwrap();
    assert!(format!("{error:?}").contains("about contact"), "{error:?}");
}
