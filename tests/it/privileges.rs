//! What a call writes and what its answer discloses goes by the permissions of the caller for the kinds of records that are
//! written and shown, whichever tool does it: every tool with every argument that changes its effect, against every single
//! permission. A tool to come is covered by being there.

use std::collections::{BTreeMap, BTreeSet};

use bureau_kernel::admin::{self, NewKey, NewMember, RateInfo};
use bureau_kernel::caller::{Caller, Role};
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::export::{self, Kind};
use bureau_kernel::permission::Grants;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Wanted;
use bureau_kernel::registry::{Registry, Selection};
use bureau_kernel::store::log::Action;
use bureau_kernel::store::{Scope, sql};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::tool::Entry;
use bureau_kernel::types::id::{Entity as _, encode};
use serde_json::{Map, Value, json};

use crate::MODULES;
use crate::chosen::Chosen;
use crate::modules::parameters;

/// One record of each kind, linked with each other. Each has a text that stands in no other.
struct Scene {
    ids: BTreeMap<&'static str, String>,
}

/// Permissions that one more value of a parameter is tried with, beside those that it asks for.
const PICKED: usize = 8;

/// The text of the record of a kind.
fn canary(table: &str) -> String {
    format!("Qx{table}xQ")
}

/// The kinds of records that a scene has, by their tables.
const KINDS: [&str; 13] = [
    "company",
    "contact",
    "pipeline",
    "stage",
    "deal",
    "activity",
    "product",
    "quotation",
    "invoice",
    "recurring_invoice",
    "note",
    "project",
    "task",
];

impl Scene {
    /// The pipeline is made once: there is one of a name.
    async fn new(app: &TestApp, owner: &Caller, dispatcher: Option<&Self>) -> Self {
        let mut ids: BTreeMap<&'static str, String> = BTreeMap::new();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match dispatcher {
            Some(other) => {
                for kind in ["pipeline", "stage"] {
                    ids.insert(kind, other.ids[kind].clone());
                }
            }
            None => {
                let stages = json!([{ "name": canary("stage"), "probability": 20 }]);
                let new = json!({ "name": canary("pipeline"), "stages": stages });
                let made = app.data(owner, "create_pipeline", new).await;
                ids.insert("pipeline", text(&made["id"]));
                ids.insert("stage", text(&made["stages"][0]["id"]));
            }
        }
        let company = json!({ "name": canary("company"), "on_duplicate": "create" });
        let company = app.data(owner, "create_company", company).await;
        ids.insert("company", text(&company["id"]));
        let contact = json!({ "name": canary("contact"), "company_id": ids["company"], "company": "Elsewhere",
                              "emails": ["ada@canary.example"], "on_duplicate": "create" });
        let contact = app.data(owner, "create_contact", contact).await;
        ids.insert("contact", text(&contact["id"]));
        let links = json!({ "company": ids["company"], "contact": ids["contact"] });
        let with = |mut arguments: Value, more: &[(&str, &Value)]| {
            for (name, value) in links.as_object().unwrap() {
                arguments[name] = value.clone();
            }
            for (name, value) in more {
                arguments[*name] = (*value).clone();
            }
            arguments
        };
        let lines = json!([{ "description": "Work", "unit_price": "10", "tax_rate": "19" }]);
        let deal = json!({ "name": canary("deal"), "pipeline": ids["pipeline"] });
        let deal = app.data(owner, "create_deal", with(deal, &[])).await["id"].clone();
        ids.insert("deal", text(&deal));
        let day = json!("2031-01-31");
        for (kind, tool, arguments) in [
            (
                "activity",
                "create_activity",
                with(
                    json!({ "subject": canary("activity"), "type": "task" }),
                    &[("deal", &deal)],
                ),
            ),
            (
                "product",
                "create_product",
                json!({ "name": canary("product"), "unit_price": "1", "tax_rate": "19" }),
            ),
            (
                "quotation",
                "create_quotation",
                with(
                    json!({ "title": canary("quotation") }),
                    &[("lines", &lines), ("deal", &deal)],
                ),
            ),
            (
                "recurring_invoice",
                "create_recurring_invoice",
                with(
                    json!({ "name": canary("recurring_invoice"), "auto_issue": true }),
                    &[("lines", &lines), ("starts_on", &day)],
                ),
            ),
            (
                "invoice",
                "create_invoice",
                with(
                    json!({ "reference": canary("invoice") }),
                    &[("lines", &lines), ("deal", &deal)],
                ),
            ),
            (
                "note",
                "create_note",
                json!({ "about": deal, "text": canary("note") }),
            ),
        ] {
            let made = app.data(owner, tool, arguments).await;
            ids.insert(kind, text(&made["id"]));
        }
        let project = json!({ "name": canary("project"), "company": ids["company"] });
        let project = app.data(owner, "create_project", project).await["id"].clone();
        ids.insert("project", text(&project));
        let task = json!({ "title": canary("task"), "project": project });
        let task = app.data(owner, "create_task", task).await;
        ids.insert("task", text(&task["id"]));
        Self { ids }
    }

    /// What a parameter of this name may be given of the scene, in a tool about records of this kind.
    fn fitting(&self, parameter: &str) -> Option<&String> {
        let kind = match parameter {
            "parent" | "company_id" => "company",
            "reports_to" => "contact",
            "recurring" => "recurring_invoice",
            other => other,
        };
        self.ids.get(kind)
    }
}

/// A call, and what about it is special.
struct Variant<'a> {
    entry: &'a Entry,
    what: String,
    arguments: Map<String, Value>,
}

impl Variant<'_> {
    /// Whether it is a call that the owner can make.
    async fn works(&self, app: &TestApp, owner: &Caller) -> bool {
        let mut arguments = self.arguments.clone();
        arguments.insert("dry_run".into(), true.into());
        let name = self.entry.spec.name;
        let outcome = app.outcome(owner, name, Value::Object(arguments)).await;
        matches!(outcome, Outcome::Done(_))
    }

    /// The same with a record of a fresh scene, about which no example has said anything yet, where there is such a call.
    async fn of_a_draft(mut self, app: &TestApp, owner: &Caller, scene: &Scene) -> Option<Self> {
        let (parameter, _) = self.what.split_once(": ")?;
        let parameter = parameter.to_owned();
        let (_, kind) = self.entry.spec.name.split_once('_')?;
        self.arguments.get(kind)?;
        let fresh = Scene::new(app, owner, Some(scene)).await;
        let id = fresh.ids.get(kind)?.clone();
        self.arguments.retain(|name, _| *name == parameter);
        self.arguments.insert(kind.to_owned(), id.into());
        self.works(app, owner).await.then_some(self)
    }
}

/// How an example is changed into another call.
enum Twist {
    Nothing,
    Given(String, Value),
    /// A parameter is given the record of a fresh scene.
    OfScene(String),
    /// Another record takes over what a scene's record has.
    Heir,
    /// Scene's contacts go into another.
    Merge,
    /// A list of the scene's records.
    Several(String, &'static str),
}

fn twists(entry: &Entry) -> Vec<Twist> {
    let mut twists = vec![Twist::Nothing];
    let writes = !entry.spec.effect.reads_only();
    for (name, schema) in parameters(entry) {
        if ["confirm", "dry_run"].contains(&name.as_str()) {
            continue;
        }
        let choices = schema["enum"].as_array().filter(|_| writes);
        for choice in choices.into_iter().flatten() {
            twists.push(Twist::Given(name.clone(), choice.clone()));
        }
        if schema["type"] == "boolean" && writes {
            twists.push(Twist::Given(name.clone(), true.into()));
        }
        match name.as_str() {
            "reassign_to" => twists.push(Twist::Heir),
            "merge" => twists.push(Twist::Merge),
            "contacts" => twists.push(Twist::Several(name, "contact")),
            "deals" => twists.push(Twist::Several(name, "deal")),
            _ if schema["type"] == "string" => twists.push(Twist::OfScene(name)),
            _ => {}
        }
    }
    twists
}

/// The call that a twist makes, with records of its own; nothing where there is no such call.
async fn variant<'a>(
    app: &TestApp,
    owner: &Caller,
    scene: &Scene,
    entry: &'a Entry,
    twist: Twist,
) -> Option<Variant<'a>> {
    let name = entry.spec.name;
    if let Twist::OfScene(parameter) = &twist {
        scene.fitting(parameter)?;
    }
    let example = app.example_arguments(owner, name).await;
    let mut arguments = example.into_iter().next()?;
    let what = match twist {
        Twist::Nothing => String::new(),
        Twist::Given(parameter, value) => {
            let what = format!("{parameter}: {value}");
            arguments.insert(parameter, value);
            what
        }
        Twist::OfScene(parameter) => {
            let fresh = Scene::new(app, owner, Some(scene)).await;
            let id = fresh.fitting(&parameter)?.clone();
            arguments.insert(parameter.clone(), id.into());
            // What an offer or a plan says already is not said again.
            if ["quotation", "recurring"].contains(&parameter.as_str()) {
                arguments.retain(|name, _| *name == parameter);
            }
            format!("{parameter} of others")
        }
        Twist::Heir => {
            let fresh = Scene::new(app, owner, Some(scene)).await;
            let heir = Scene::new(app, owner, Some(scene)).await;
            let kind = name.strip_prefix("delete_").unwrap();
            arguments.insert(kind.to_owned(), fresh.ids[kind].clone().into());
            arguments.insert("reassign_to".into(), heir.ids[kind].clone().into());
            "reassign_to".into()
        }
        Twist::Merge => {
            let fresh = Scene::new(app, owner, Some(scene)).await;
            arguments.insert("merge".into(), json!([fresh.ids["contact"]]));
            "merge of what others refer to".into()
        }
        Twist::Several(parameter, kind) => {
            let fresh = Scene::new(app, owner, Some(scene)).await;
            arguments.insert(parameter.clone(), json!([fresh.ids[kind]]));
            format!("{parameter} of others")
        }
    };
    Some(Variant {
        entry,
        what,
        arguments,
    })
}

/// Rows of the change log as far as they count here.
async fn rows(app: &TestApp, change: &Value) -> BTreeSet<(String, &'static str)> {
    let change: Id<bureau_kernel::store::log::Change> = change.as_str().unwrap().parse().unwrap();
    let rows = app
        .rows(sql("SELECT DISTINCT entity, action FROM change_log WHERE call = ").value(change))
        .await;
    let operation = |action: Action| match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Archive | Action::Restore | Action::Purge | Action::Redact => "delete",
    };
    rows.iter()
        .map(|row| {
            let action: Action = row.get("action").unwrap();
            (row.get("entity").unwrap(), operation(action))
        })
        .collect()
}

/// The permissions that rows take of whoever called this tool.
fn needed(
    registry: &Registry,
    entry: &Entry,
    rows: &BTreeSet<(String, &'static str)>,
) -> BTreeSet<&'static str> {
    let mut needed = BTreeSet::new();
    for (table, operation) in rows {
        let Some(kind) = registry.records().record(table) else {
            // What the kernel itself keeps is arranged, by whoever may do that.
            needed.insert("manage_workspace");
            continue;
        };
        let access = kind.access();
        let operation = match *operation {
            "create" => Operation::Create,
            "update" => Operation::Update,
            _ => Operation::Delete,
        };
        // What other modules do about what was written follows from it.
        let written = rows.iter().map(|(table, _)| table.as_str());
        let reactions = written.flat_map(|table| registry.records().reactions_to(table));
        let follows = reactions.flat_map(|reaction| reaction.covers());
        let mut covers = entry.spec.covers.iter().chain(follows);
        let covered = covers.any(|covers| covers.table == table && covers.operation == operation);
        if !covered {
            needed.insert(access.to(operation).name());
        }
    }
    needed.remove(entry.spec.permission.name());
    needed
}

/// What of others' records stands in an answer though the permissions are not for it.
fn disclosed(registry: &Registry, entry: &Entry, held: &[&str], answer: &str) -> Option<String> {
    // Who sees the log of all changes sees what they were.
    if held.contains(&"read_audit_log") {
        return None;
    }
    KINDS.into_iter().find_map(|kind| {
        let read = registry.records().record(kind).unwrap().access().read;
        let covered = entry
            .spec
            .covers
            .iter()
            .any(|covers| covers.table == kind && covers.operation == Operation::Read);
        // An invoice and a quotation name their customer.
        let named_there = ["company", "contact"].contains(&kind)
            && (held.contains(&"read_invoices") || held.contains(&"read_quotations"));
        let may = held.contains(&read.name()) || covered || named_there;
        (!may && answer.contains(&canary(kind))).then(|| format!("a {kind} in {answer}"))
    })
}

/// The answer or the error, as the caller reads it.
fn wire(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(answer) => answer.to_string(),
        Outcome::Failed(error) => error.to_json().to_string(),
        Outcome::Ask { message, .. } => message.clone(),
    }
}

fn lacks(error: &Error) -> Option<&str> {
    assert_eq!(error.code(), Code::Forbidden, "{error:?}");
    error.detail_value("permission").and_then(Value::as_str)
}

/// The permissions that a dry run asks for, one after the other, beside those that are held.
async fn asked_for(
    app: &TestApp,
    owner: &Caller,
    variant: &Variant<'_>,
    every: &[&'static str],
) -> BTreeSet<&'static str> {
    let entry = variant.entry;
    let mut arguments = variant.arguments.clone();
    if !entry.spec.effect.reads_only() {
        arguments.insert("dry_run".into(), true.into());
    }
    let mut held = vec![entry.spec.permission.name()];
    let mut asked = BTreeSet::new();
    loop {
        let caller = app.limited(owner, &held);
        let given = Value::Object(arguments.clone());
        let Outcome::Failed(error) = app.outcome(&caller, entry.spec.name, given).await else {
            return asked;
        };
        let missing = lacks(&error).and_then(|lacks| every.iter().find(|name| **name == lacks));
        match missing {
            Some(missing) if asked.insert(*missing) => held.push(missing),
            _ => return asked,
        }
    }
}

/// Tries a call with its tool's permission and each other one, then with all but one, then makes it; what is wrong.
async fn try_all(
    app: &TestApp,
    owner: &Caller,
    every: &[&'static str],
    others: &[&'static str],
    variant: &Variant<'_>,
    thorough: bool,
) -> Vec<String> {
    let registry = app.dispatcher.registry();
    let entry = variant.entry;
    let (name, own) = (entry.spec.name, entry.spec.permission.name());
    let called = format!("{name} {}", variant.what);
    let mut findings = Vec::new();
    let mut arguments = variant.arguments.clone();
    if !entry.spec.effect.reads_only() {
        arguments.insert("dry_run".into(), true.into());
    }
    let mut call = async |held: &[&str]| {
        let caller = app.limited(owner, held);
        let outcome = app
            .outcome(&caller, name, Value::Object(arguments.clone()))
            .await;
        if let Some(found) = disclosed(registry, entry, held, &wire(&outcome)) {
            findings.push(format!("{called} with {held:?} discloses {found}"));
        }
        outcome
    };
    let mut done_with = Vec::new();
    for other in others.iter().copied() {
        match call(&[own, other]).await {
            Outcome::Done(_) => done_with.push(other),
            Outcome::Failed(error) => {
                lacks(&error);
            }
            Outcome::Ask { .. } => panic!("a dry run asks nobody"),
        }
    }
    if entry.spec.effect.reads_only() {
        return findings;
    }
    let mut refused_without = BTreeMap::new();
    if thorough {
        for other in others.iter().copied().filter(|other| *other != own) {
            let held: Vec<&str> = every
                .iter()
                .copied()
                .filter(|held| *held != other)
                .collect();
            if let Outcome::Failed(error) = call(&held).await {
                refused_without.insert(other, lacks(&error).map(str::to_owned));
            }
        }
    }
    let mut arguments = variant.arguments.clone();
    arguments.insert("confirm".into(), true.into());
    let answer = app.ok(owner, name, Value::Object(arguments)).await;
    let written = match answer.get("change") {
        Some(change) => rows(app, change).await,
        None => BTreeSet::new(),
    };
    let needed = needed(registry, entry, &written);
    for other in done_with {
        if needed.iter().any(|permission| *permission != other) {
            findings.push(format!(
                "{called} was done with {other} and takes {needed:?}"
            ));
        }
    }
    for permission in needed.iter().filter(|_| thorough) {
        let named = refused_without.get(permission).and_then(Option::as_deref);
        if named != Some(*permission) {
            findings.push(format!("{called} without {permission} answered {named:?}"));
        }
    }
    findings
}

/// Changes in a workspace of which each did something else than the others and than those that are known, newest first:
/// their identifiers and what they did.
async fn kinds_of_changes(
    app: &TestApp,
    owner: &Caller,
    known: &mut BTreeSet<String>,
) -> Vec<(String, String)> {
    let rows = app.rows(sql(
        "SELECT call, tool, entity, action FROM change_log WHERE undoes IS NULL AND workspace = ",
    )
    .value(owner.workspace.id)
    .sql(" AND tool <> 'bureau'")).await;
    let mut calls: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let text = |name| row.get::<String>(name).unwrap();
        let did = format!("{}: {} {}", text("tool"), text("action"), text("entity"));
        calls
            .entry(row.get("call").unwrap())
            .or_default()
            .insert(did);
    }
    let mut kinds = Vec::new();
    for (call, did) in calls.into_iter().rev() {
        let did = did.into_iter().collect::<Vec<_>>().join(", ");
        if known.insert(did.clone()) {
            kinds.push((encode(bureau_kernel::store::log::Change::PREFIX, call), did));
        }
    }
    kinds
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tool_writes_and_shows_what_the_permissions_are_for_and_nothing_else() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let thorough = engine == Engine::Sqlite;
        // Which permission is asked for what does not depend on the engine; what is looked up in order to ask it does. So
        // the second one is spared the combinations with permissions that write.
        let permissions = app.dispatcher.registry().permissions().into_iter();
        let every: Vec<&'static str> = permissions
            .filter(|name| thorough || name.starts_with("read_"))
            .collect();
        // What examples begin with is done once in a workspace: the first call of each tool is tried in the first one, the
        // second in the second.
        let mut workspaces: Vec<(Caller, Scene)> = Vec::new();
        let mut apart: Vec<(Caller, Scene)> = Vec::new();
        let (mut findings, mut tried) = (Vec::new(), BTreeSet::new());
        let mut chosen = Chosen::new();
        // For whoever may not read what a suggestion is about there is none to answer: `suggestions` looks at that.
        let entries = app.dispatcher.registry().entries();
        for entry in entries.filter(|entry| entry.spec.name != "acknowledge_suggestion") {
            for (place, twist) in twists(entry).into_iter().enumerate() {
                let is_another = match &twist {
                    Twist::Given(name, _) => !chosen.wholly(format!("{} {name}", entry.spec.name)),
                    _ => false,
                };
                // Examples of other tools name stages that a new default pipeline does not have.
                let stays_apart = matches!(&twist, Twist::Given(name, _) if name == "is_default");
                let (some, place, slug) = match stays_apart {
                    true => {
                        let place = apart.len();
                        (&mut apart, place, "apart")
                    }
                    false => (&mut workspaces, place, "workspace"),
                };
                while some.len() <= place {
                    let owner = app.tenant(&format!("{slug}-{}", some.len())).await;
                    let scene = Scene::new(&app, &owner, None).await;
                    some.push((owner, scene));
                }
                let (owner, scene) = &some[place];
                let Some(variant) = variant(&app, owner, scene, entry, twist).await else {
                    continue;
                };
                // What the owner cannot do is no call to try.
                let variant = if variant.works(&app, owner).await {
                    variant
                } else {
                    let Some(variant) = variant.of_a_draft(&app, owner, scene).await else {
                        continue;
                    };
                    variant
                };
                let what = format!("{} {}", entry.spec.name, variant.what);
                // One value of a parameter is tried with all permissions, and the others with those that they ask for and some
                // more, which a seed picks anew each time.
                let others = match is_another {
                    false => every.clone(),
                    true => {
                        let asked = asked_for(&app, owner, &variant, &every).await;
                        let (mut others, more): (Vec<_>, Vec<_>) =
                            every.iter().copied().partition(|name| asked.contains(name));
                        others.extend(chosen.pick(&what, PICKED, more));
                        others
                    }
                };
                tried.insert(what);
                findings.extend(try_all(&app, owner, &every, &others, &variant, thorough).await);
            }
        }
        let undo = app.dispatcher.registry().entry("undo_change").unwrap();
        let mut undone = 0;
        let mut known = BTreeSet::new();
        for (owner, _) in workspaces.iter().chain(&apart) {
            for (change, did) in kinds_of_changes(&app, owner, &mut known).await {
                let tries = json!({ "change": change, "dry_run": true });
                let outcome = app.outcome(owner, "undo_change", tries).await;
                if matches!(outcome, Outcome::Done(_)) {
                    let variant = Variant {
                        entry: undo,
                        what: format!("of {did}"),
                        arguments: Map::from_iter([("change".to_owned(), change.into())]),
                    };
                    findings.extend(try_all(&app, owner, &every, &every, &variant, thorough).await);
                    undone += 1;
                }
            }
        }
        assert!(
            findings.is_empty(),
            "on {engine:?}:\n{}",
            findings.join("\n")
        );
        for expected in [
            "create_contact on_duplicate: \"update\"",
            "create_contact on_duplicate: \"return\"",
            "create_company on_duplicate: \"update\"",
            "delete_company reassign_to",
            "delete_contact reassign_to",
            "delete_deal reassign_to",
            "delete_contact purge: true",
            "merge_contacts merge of what others refer to",
            "update_invoice discard: true",
            "update_quotation discard: true",
            "bulk_update_contacts contacts of others",
            "bulk_update_deals deals of others",
            "create_recurring_invoice auto_issue: true",
            "update_recurring_invoice recurring_invoice of others",
            "update_recurring_invoice auto_issue: true",
            "update_deal status: \"won\"",
            "get_deal deal of others",
            "create_deal company of others",
        ] {
            assert!(
                tried.contains(expected),
                "{expected} was not tried: {tried:#?}"
            );
        }
        assert!(undone > 15, "only {undone} kinds of changes were undone");
    }
}

/// Who calls with nothing but these permissions, as a member who is neither owner nor admin.
async fn clerk(app: &TestApp, permissions: &[&str]) -> Caller {
    let store = &app.dispatcher.app().store;
    let known = admin::list_members(store, "main").await.unwrap();
    if known.iter().all(|member| member.name != "Clerk") {
        let new = NewMember {
            name: "Clerk".into(),
            role: Role::Member,
            ..NewMember::default()
        };
        admin::add_member(store, "main", new).await.unwrap();
    }
    let permissions = permissions.iter().copied();
    let new = NewKey {
        name: "clerk's".into(),
        grants: Grants::parse(permissions, &app.dispatcher.registry().permissions()).unwrap(),
        workspaces: vec!["main".into()],
        member: Some("Clerk".into()),
        expires_at: None,
        confirm: None,
        calls_per_hour: None,
    };
    let (key, _) = admin::create_key(store, new).await.unwrap();
    app.dispatcher.authenticate(&key, None).await.unwrap()
}

/// A call that is refused for want of a permission; which one.
async fn forbidden(app: &TestApp, caller: &Caller, tool: &str, arguments: Value) -> String {
    let error = app.error(caller, tool, arguments).await;
    assert_eq!(error.code(), Code::Forbidden, "{tool}: {error:?}");
    let permission = error.detail_value("permission").and_then(Value::as_str);
    permission.unwrap_or_else(|| panic!("{error:?}")).to_owned()
}

/// How far the change log has come: the same where nothing was written.
async fn written(app: &TestApp) -> i64 {
    // Members and keys are made by the command line.
    let count = sql("SELECT COUNT(*) AS count FROM change_log WHERE tool <> 'bureau'");
    app.rows(count).await[0].get("count").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_is_answered_and_changed_by_whoever_may_read_and_change_it() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let ada =
            json!({ "name": "Ada King", "emails": ["ada@king.example"], "summary": "Secret" });
        let ada = app.data(&owner, "create_contact", ada).await["id"].clone();
        let king = json!({ "name": "King Ltd", "domain": "king.example", "summary": "Secret" });
        app.data(&owner, "create_company", king).await;
        let creates = clerk(&app, &["create_contacts", "create_companies"]).await;
        let before = written(&app).await;
        let contact = |choice: &str| json!({ "name": "Overwritten", "emails": ["ada@king.example"], "summary": "OWNED", "on_duplicate": choice });
        let company = |choice: &str| json!({ "name": "King Ltd", "summary": "OWNED", "on_duplicate": choice });
        for (tool, arguments, permission) in [
            ("create_contact", contact("update"), "update_contacts"),
            ("create_contact", contact("return"), "read_contacts"),
            ("create_company", company("update"), "update_companies"),
            ("create_company", company("return"), "read_companies"),
        ] {
            let named = forbidden(&app, &creates, tool, arguments).await;
            assert_eq!(named, permission, "{tool} on {engine:?}");
        }
        // That there is one is said, and nothing about it.
        let error = app
            .error(&creates, "create_contact", contact("error"))
            .await;
        assert_eq!(
            error.detail_value("existing").map(|one| &one["id"]),
            Some(&ada)
        );
        assert!(!error.to_json().to_string().contains("Secret"), "{error:?}");
        assert_eq!(written(&app).await, before, "{engine:?}");
        // With the permission it is done; what it is now is shown to whoever may read it.
        let updates = clerk(&app, &["create_contacts", "update_contacts"]).await;
        let done = app
            .data(&updates, "create_contact", contact("update"))
            .await;
        assert_eq!(done, json!({ "id": ada, "version": 2 }), "{engine:?}");
        let reads = clerk(&app, &["create_contacts", "read_contacts"]).await;
        let found = app.data(&reads, "create_contact", contact("return")).await;
        assert_eq!(found["summary"], "OWNED", "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_back_takes_what_doing_the_opposite_takes() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let undoes = clerk(&app, &["undo_changes"]).await;
        let change = |answer: &Value| json!({ "change": answer["change"], "confirm": true });
        let deal = app
            .ok(&owner, "create_deal", json!({ "name": "Big one" }))
            .await;
        let stages = json!({ "name": "Partners", "stages": [{ "name": "Talk" }] });
        let dispatcher = app.ok(&owner, "create_pipeline", stages).await;
        let company = json!({ "name": "Acme" });
        let company = app.data(&owner, "create_company", company).await["id"].clone();
        let gone = json!({ "name": "Gone" });
        let gone = app.data(&owner, "create_contact", gone).await["id"].clone();
        let deleted = json!({ "contact": gone, "confirm": true });
        let deleted = app.ok(&owner, "delete_contact", deleted).await;
        let changed = json!({ "company": company, "city": "Bonn" });
        let changed = app.ok(&owner, "update_company", changed).await;
        let before = written(&app).await;
        for (what, permission) in [
            (&deal, "delete_deals"),
            (&dispatcher, "delete_pipeline"),
            (&deleted, "delete_contacts"),
            (&changed, "update_companies"),
        ] {
            let named = forbidden(&app, &undoes, "undo_change", change(what)).await;
            assert_eq!(named, permission, "on {engine:?}");
            let skipping =
                json!({ "change": what["change"], "skip_conflicts": true, "confirm": true });
            let named = forbidden(&app, &undoes, "undo_change", skipping).await;
            assert_eq!(named, permission, "on {engine:?}");
        }
        assert_eq!(written(&app).await, before, "{engine:?}");
        let may = clerk(&app, &["undo_changes", "delete_deals", "update_companies"]).await;
        app.ok(&may, "undo_change", change(&deal)).await;
        // A request that leaves groups out leaves out to undo what was done in them.
        let only_history = may
            .clone()
            .narrow(Some(&["history".into()]), false)
            .unwrap();
        let error = app
            .error(&only_history, "undo_change", change(&changed))
            .await;
        assert_eq!(error.code(), Code::Forbidden, "{error:?}");
        assert_eq!(error.detail_value("kind"), Some(&json!("company")));
        let both = ["history".to_owned(), "companies".to_owned()];
        let both = may.narrow(Some(&both), false).unwrap();
        app.ok(&both, "undo_change", change(&changed)).await;
        let company = json!({ "company": company });
        let company = app.data(&owner, "get_company", company).await;
        assert_eq!(company.get("city"), None, "{engine:?}");
    }
}

/// A plan that issues for Acme from 2031 on: its identifier, and what it is changed with to bill more.
async fn issuing_plan(app: &TestApp, owner: &Caller) -> (Value, Value) {
    let company = json!({ "name": "Acme", "on_duplicate": "create" });
    let company = app.data(owner, "create_company", company).await["id"].clone();
    let lines =
        |price: &str| json!([{ "description": "Hosting", "unit_price": price, "tax_rate": "19" }]);
    let plan = json!({ "name": "Hosting", "company": company, "starts_on": "2031-01-31", "auto_issue": true, "lines": lines("10") });
    let plan = app.data(owner, "create_recurring_invoice", plan).await["id"].clone();
    (plan, lines("9999"))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_issue_changes_no_plan_that_issues_not_even_when_it_rests() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (plan, more) = issuing_plan(&app, &owner).await;
        let drafts = clerk(
            &app,
            &[
                "create_invoices",
                "read_invoices",
                "update_invoices",
                "delete_invoices",
                "undo_changes",
            ],
        )
        .await;
        let tool = "update_recurring_invoice";
        let change = |change: Value| {
            let mut arguments = change;
            arguments["recurring_invoice"] = plan.clone();
            arguments
        };
        for status in ["active", "paused", "ended"] {
            if status != "active" {
                // Anybody who may change it may stop it.
                app.ok(&drafts, tool, change(json!({ "status": status })))
                    .await;
            }
            for attempt in [
                json!({ "lines": more }),
                json!({ "discount": "10%" }),
                json!({ "starts_on": "2031-02-28" }),
                json!({ "status": "active", "lines": more }),
            ] {
                let named = forbidden(&app, &drafts, tool, change(attempt.clone())).await;
                assert_eq!(
                    named, "issue_invoices",
                    "{attempt} while {status} on {engine:?}"
                );
            }
        }
        let drafting = app
            .ok(&owner, tool, change(json!({ "auto_issue": false })))
            .await;
        let before = written(&app).await;
        // What it may not set it may not bring back either.
        let undo = json!({ "change": drafting["change"], "confirm": true });
        assert_eq!(
            forbidden(&app, &drafts, "undo_change", undo.clone()).await,
            "issue_invoices"
        );
        assert_eq!(written(&app).await, before);
        app.ok(&owner, "undo_change", undo).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_takes_the_deletion_and_the_change_of_whatever_it_moves() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = |name: &str| json!({ "name": name });
        let real = app
            .data(&owner, "create_contact", made("Real customer"))
            .await["id"]
            .clone();
        let lines = json!([{ "description": "Hosting", "unit_price": "10", "tax_rate": "19" }]);
        let plan = json!({ "name": "Hosting", "contact": real, "starts_on": "2031-01-31", "auto_issue": true, "lines": lines });
        app.ok(&owner, "create_recurring_invoice", plan).await;
        let draft = json!({ "contact": real, "lines": lines });
        let draft = app.data(&owner, "create_invoice", draft).await["id"].clone();
        let attacker = app.data(&owner, "create_contact", made("Attacker")).await["id"].clone();
        let merge = json!({ "keep": attacker, "merge": [real], "confirm": true });
        let before = written(&app).await;
        let mut held = vec!["create_contacts", "update_contacts"];
        for lacking in ["delete_contacts", "update_invoices", "issue_invoices"] {
            let caller = clerk(&app, &held).await;
            let named = forbidden(&app, &caller, "merge_contacts", merge.clone()).await;
            assert_eq!(named, lacking, "with {held:?} on {engine:?}");
            held.push(lacking);
        }
        assert_eq!(written(&app).await, before, "{engine:?}");
        let caller = clerk(&app, &held).await;
        let merged = app.data(&caller, "merge_contacts", merge).await;
        assert_eq!(
            merged,
            json!({ "id": attacker, "version": 1 }),
            "{engine:?}"
        );
        let draft = json!({ "invoice": draft });
        let draft = app.data(&owner, "get_invoice", draft).await;
        assert_eq!(draft["contact"]["id"], attacker, "{engine:?}");
        // The same of what passes to an heir.
        let (one, two) = (made("Old Ltd"), made("New Ltd"));
        let old = app.data(&owner, "create_company", one).await["id"].clone();
        let new = app.data(&owner, "create_company", two).await["id"].clone();
        let deal = json!({ "name": "Sale", "company": old });
        app.ok(&owner, "create_deal", deal).await;
        let delete = json!({ "company": old, "reassign_to": new, "confirm": true });
        let deletes = clerk(&app, &["delete_companies"]).await;
        assert_eq!(
            forbidden(&app, &deletes, "delete_company", delete.clone()).await,
            "update_deals"
        );
        let both = clerk(&app, &["delete_companies", "update_deals"]).await;
        let gone = app.data(&both, "delete_company", delete).await;
        assert_eq!(gone, json!({ "id": old, "restorable": true }), "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn discarding_a_draft_is_deleting_it() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let scene = Scene::new(&app, &owner, None).await;
        let updates = ["update_invoices", "update_quotations"];
        let caller = clerk(&app, &updates).await;
        for (tool, kind, permission) in [
            ("update_invoice", "invoice", "delete_invoices"),
            ("update_quotation", "quotation", "delete_quotations"),
        ] {
            let before = written(&app).await;
            let discard = json!({ kind: scene.ids[kind], "discard": true, "confirm": true });
            let named = forbidden(&app, &caller, tool, discard.clone()).await;
            assert_eq!(named, permission, "{engine:?}");
            assert_eq!(written(&app).await, before, "{engine:?}");
            let may = clerk(&app, &[updates[0], updates[1], permission]).await;
            let gone = app.data(&may, tool, discard).await;
            assert_eq!(
                gone,
                json!({ "id": scene.ids[kind], "version": 2 }),
                "{engine:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_names_are_shown_to_whoever_may_read_their_kind() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let scene = Scene::new(&app, &owner, None).await;
        let id = |kind: &str| scene.ids[kind].clone();
        // What writes and may not read hears that it was done.
        let writes = clerk(&app, &["create_deals", "update_deals", "update_contacts"]).await;
        let same = json!({ "contact": id("contact") });
        let same = app.data(&writes, "update_contact", same).await;
        assert_eq!(
            same,
            json!({ "id": id("contact"), "version": 1 }),
            "{engine:?}"
        );
        let deal = json!({ "name": "New", "company": id("company"), "contact": id("contact") });
        let deal = app.data(&writes, "create_deal", deal).await;
        let fields: Vec<&String> = deal.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["id", "version"], "{engine:?}");
        let stale = json!({ "deal": id("deal"), "summary": "x", "version": 7 });
        let error = app.error(&writes, "update_deal", stale.clone()).await;
        let now = json!({ "id": id("deal"), "version": 1 });
        assert_eq!(error.detail_value("current"), Some(&now), "{engine:?}");
        // What reads one kind hears the names of that kind, and where a deal stands.
        let reads = clerk(&app, &["read_deals", "update_deals"]).await;
        let deal = json!({ "deal": id("deal") });
        let deal = app.data(&reads, "get_deal", deal).await;
        assert_eq!(
            deal["company"],
            json!({ "id": id("company") }),
            "{engine:?}"
        );
        assert_eq!(deal["stage"]["name"], canary("stage"), "{engine:?}");
        let error = app.error(&reads, "update_deal", stale).await;
        let now = error.detail_value("current").unwrap();
        assert_eq!(now["name"], canary("deal"), "{engine:?}");
        // A link to a company does not tell its name.
        let people = clerk(&app, &["create_contacts", "read_contacts"]).await;
        let linked = json!({ "name": "Spy", "company_id": id("company") });
        let linked = app.data(&people, "create_contact", linked).await;
        assert_eq!(linked.get("company"), None, "{engine:?}");
        // How many of a kind refer to a record is for whoever may read that kind.
        let companies = clerk(&app, &["read_companies", "read_deals"]).await;
        let company = json!({ "company": id("company") });
        let company = app.data(&companies, "get_company", company).await;
        assert_eq!(company["linked"], json!({ "deal": 2 }), "{engine:?}");
        // What is taken out to a file says no more.
        let dispatcher = &app.dispatcher;
        let deals = dispatcher.registry().records().record("deal").unwrap();
        let part = dispatcher.app().read(&reads, async |cx: &mut Cx| {
            export::part(cx, Kind::of(deals), &Wanted::default(), i64::MIN, 1).await
        });
        let deal = part.await.unwrap().found.remove(0);
        assert_eq!(deal["company"], id("company"), "{engine:?}");
        for name in [
            "company_name",
            "contact_name",
            "stage_name",
            "created_by_name",
        ] {
            assert_eq!(deal.get(name), None, "{engine:?}");
        }
        // The question to a person says no more than the answer will.
        let deletes = clerk(&app, &["delete_contacts"]).await;
        let delete = json!({ "contact": linked["id"] });
        let error = app.error(&deletes, "delete_contact", delete).await;
        assert_eq!(error.code(), Code::ConfirmationRequired, "{error:?}");
        assert!(!error.to_json().to_string().contains("Spy"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_names_an_exchange_rate_by_its_workspace() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let rate = RateInfo {
            currency: "CHF".into(),
            day: "2026-01-05".parse().unwrap(),
            rate: "1.05".into(),
            source: "bank".into(),
        };
        let store = &app.dispatcher.app().store;
        admin::set_rate(store, "main", rate).await.unwrap();
        let wanted = json!({ "record_type": "exchange_rate" });
        let found = app.data(&owner, "get_audit_log", wanted).await;
        assert_eq!(
            found[0]["record"]["id"],
            owner.workspace.id.to_string(),
            "{engine:?}"
        );
    }
}

const MANAGE: Access = Access {
    read: Permission::new("read_tasks"),
    create: Permission::new("create_tasks"),
    update: Permission::new("update_tasks"),
    delete: Permission::new("delete_tasks"),
};

bureau_kernel::record! {
    /// What tasks belong to.
    pub struct Project: "site", "site", "project" {
        /// What it is called.
        pub name: ShortText<100>,
    }
}
bureau_kernel::record! {
    /// What cannot be without a project.
    pub struct Task: "chore", "chor", "task" {
        /// What it is called.
        pub name: ShortText<100>,
        /// Where it belongs.
        pub project: Id<Project>,
    }
}
bureau_kernel::record! {
    /// A kind whose prefix is the kernel's.
    pub struct Impostor: "impostor", "team", "impostor" {
        /// What it is called.
        pub name: ShortText<100>,
    }
}
bureau_kernel::record! {
    /// A kind that a viewer could change.
    pub struct Open: "open", "opn", "open" {
        /// What it is called.
        pub name: ShortText<100>,
    }
}

impl Record for Project {
    const ACCESS: Access = MANAGE;
    fn label(&self) -> String {
        self.name.to_string()
    }
}
impl Record for Task {
    const ACCESS: Access = MANAGE;
    fn label(&self) -> String {
        self.name.to_string()
    }
}
impl Record for Impostor {
    const ACCESS: Access = MANAGE;
    fn label(&self) -> String {
        self.name.to_string()
    }
}
impl Record for Open {
    const ACCESS: Access = Access {
        update: Permission::new("read_tasks"),
        ..MANAGE
    };
    fn label(&self) -> String {
        self.name.to_string()
    }
}

#[test]
fn a_module_cannot_take_what_is_the_kernels_nor_let_readers_write() {
    for (records, why) in [
        (vec![record::<Impostor>()], "its prefix team"),
        (vec![record::<Open>()], "read_"),
    ] {
        let module = Module {
            name: "extra",
            records: records.leak(),
            ..Module::EMPTY
        };
        let refused = Registry::new(&[module], &Selection::default())
            .err()
            .unwrap();
        assert!(format!("{refused:?}").contains(why), "{refused:?}");
    }
}

const TASKS: Module = Module {
    name: "tasks",
    records: &[record::<Project>(), record::<Task>()],
    ..Module::EMPTY
};

/// The tables of the tasks module, as a migration would make them.
async fn make_tables(app: &TestApp, engine: Engine) {
    let mut tx = app
        .dispatcher
        .app()
        .store
        .write(Scope::System)
        .await
        .unwrap();
    let statements = match engine {
        Engine::Sqlite => [
            "CREATE TABLE site (id INTEGER PRIMARY KEY, workspace INTEGER NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL,
             created_by INTEGER, updated_at INTEGER NOT NULL, archived_at INTEGER, attributes TEXT NOT NULL, name TEXT NOT NULL,
             UNIQUE (workspace, id)) STRICT",
            "CREATE TABLE chore (id INTEGER PRIMARY KEY, workspace INTEGER NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL,
             created_by INTEGER, updated_at INTEGER NOT NULL, archived_at INTEGER, attributes TEXT NOT NULL, name TEXT NOT NULL,
             project INTEGER NOT NULL, FOREIGN KEY (workspace, project) REFERENCES site (workspace, id)) STRICT",
            "SELECT 1 AS one",
        ],
        Engine::Postgres => [
            "CREATE TABLE site (id BIGINT PRIMARY KEY, workspace BIGINT NOT NULL, version BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL,
             created_by BIGINT, updated_at TIMESTAMPTZ NOT NULL, archived_at TIMESTAMPTZ, attributes JSONB NOT NULL, name TEXT NOT NULL,
             UNIQUE (workspace, id))",
            "CREATE TABLE chore (id BIGINT PRIMARY KEY, workspace BIGINT NOT NULL, version BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL,
             created_by BIGINT, updated_at TIMESTAMPTZ NOT NULL, archived_at TIMESTAMPTZ, attributes JSONB NOT NULL, name TEXT NOT NULL,
             project BIGINT NOT NULL, FOREIGN KEY (workspace, project) REFERENCES site (workspace, id))",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON site, chore TO bureau_app",
        ],
    };
    for statement in statements {
        sql(statement).run(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_cannot_be_without_is_not_erased() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &[TASKS]).await;
        make_tables(&app, engine).await;
        let owner = app.owner().await;
        let dispatcher = &app.dispatcher;
        let name = |text: &str| ShortText::new(text).unwrap();
        let batch = dispatcher.batch(&owner, "test").await.unwrap();
        let (project, task) = dispatcher
            .app()
            .run_in(&batch, async |cx: &mut Cx| {
                let project = Project {
                    name: name("House"),
                };
                let project = cx.insert(project, Attributes::new()).await?.id;
                let task = Task {
                    name: name("Paint"),
                    project,
                };
                let task = cx.insert(task, Attributes::new()).await?.id;
                cx.archive(task).await?;
                Ok((project, task))
            })
            .await
            .unwrap();
        let erase = async |cx: &mut Cx| cx.purge(project).await.map(drop);
        let before = written(&app).await;
        let error = dispatcher.app().run_in(&batch, erase).await.unwrap_err();
        assert_eq!(error.code(), Code::Conflict, "{engine:?}: {error:?}");
        assert!(error.message().contains(&task.to_string()), "{error:?}");
        assert_eq!(written(&app).await, before, "{engine:?}");
        let erase_both = async |cx: &mut Cx| {
            cx.purge(task).await?;
            cx.purge(project).await.map(drop)
        };
        dispatcher.app().run_in(&batch, erase_both).await.unwrap();
    }
}
