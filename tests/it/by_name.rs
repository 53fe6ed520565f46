//! Records by what people call them: for every tool and every parameter that means a record, what holds of a name, a number, an
//! article number or an address. A tool to come is covered by being there.

use std::collections::{BTreeMap, BTreeSet};

use bureau_kernel::admin::{self, NewMember, NewTeam};
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Call, Outcome};
use bureau_kernel::error::{Code, Error};
use bureau_kernel::permission::Operation;
use bureau_kernel::permission::READ_TEAMS;
use bureau_kernel::store::sql;
use bureau_kernel::testing::{ENGINES, TestApp};
use bureau_kernel::tool::Entry;
use bureau_kernel::types::id::decode;
use serde_json::{Map, Value, json};

use crate::MODULES;

/// Kinds of records that people call nothing that tells them apart: their identifiers only are taken.
const NAMELESS: [&str; 10] = [
    "activity",
    // By the name of its candidate.
    "application",
    "change_log",
    "expense",
    "file",
    "note",
    "offer",
    "payment",
    "ticket_message",
    "time_entry",
];
/// What stands where a record of any kind may be meant.
const ANY: &str = "*";
/// What the kernel itself keeps, and no record is about.
const KERNEL: [&str; 2] = ["member", "team"];
/// Parameters for records that have no number yet.
const NUMBERLESS: [&str; 1] = ["issue_invoice.invoice"];
/// Kinds of records of which several may be called alike.
const TWINS: [&str; 10] = [
    "candidate",
    "company",
    "contact",
    "deal",
    "document",
    "product",
    "project",
    "quotation",
    "recurring_invoice",
    "task",
];
const HOW_MANY_TWINS: usize = 7;

/// One record of each kind that people call something, by its table.
struct Scene {
    ids: BTreeMap<&'static str, String>,
    accepted: String,
}

impl Scene {
    async fn new(app: &TestApp, owner: &Caller, mark: &str) -> Self {
        let mut ids = BTreeMap::new();
        let lines = json!([{ "description": "Work", "unit_price": "10", "tax_rate": "19" }]);
        let stages = json!([{ "name": "First", "probability": 20 }]);
        let address = format!("{}@scene.example", mark.to_lowercase());
        for (table, tool, arguments) in [
            (
                "pipeline",
                "create_pipeline",
                json!({ "name": format!("{mark} ways"), "stages": stages }),
            ),
            (
                "company",
                "create_company",
                json!({ "name": format!("{mark} Works"), "street": "1 Main St", "city": "Berlin", "country": "DE" }),
            ),
            (
                "contact",
                "create_contact",
                json!({ "first_name": "Sam", "last_name": format!("van {mark}"), "emails": [address] }),
            ),
            (
                "product",
                "create_product",
                json!({ "name": format!("{mark} licence"), "sku": format!("{mark}-7"), "unit_price": "1", "tax_rate": "19" }),
            ),
            (
                "deal",
                "create_deal",
                json!({ "name": format!("{mark} sale") }),
            ),
            (
                "document",
                "create_document",
                json!({ "title": format!("{mark} handbook"), "text": "Text" }),
            ),
            (
                "project",
                "create_project",
                json!({ "name": format!("{mark} relaunch") }),
            ),
            (
                "task",
                "create_task",
                json!({ "project": format!("{mark} relaunch"), "title": format!("{mark} draft") }),
            ),
            (
                "vacancy",
                "create_job",
                json!({ "title": format!("{mark} job") }),
            ),
            (
                "candidate",
                "create_candidate",
                json!({ "name": format!("{mark} person") }),
            ),
            (
                "recurring_invoice",
                "create_recurring_invoice",
                json!({ "name": format!("{mark} plan"), "company": format!("{mark} Works"), "starts_on": "2199-01-31", "lines": lines }),
            ),
            (
                "quotation",
                "create_quotation",
                json!({ "title": format!("{mark} offer"), "company": format!("{mark} Works"), "lines": lines }),
            ),
            (
                "invoice",
                "create_invoice",
                json!({ "company": format!("{mark} Works"), "lines": lines }),
            ),
            (
                "ticket",
                "create_ticket",
                json!({ "subject": format!("{mark} request") }),
            ),
        ] {
            let made = app.data(owner, tool, arguments).await;
            ids.insert(table, made["id"].as_str().unwrap().to_owned());
        }
        let issue = json!({ "invoice": ids["invoice"] });
        app.ok(owner, "issue_invoice", issue).await;
        // One that was accepted, for what is made of such.
        let offer = json!({ "title": format!("{mark} order"), "company": format!("{mark} Works"), "lines": lines });
        let offer = app.data(owner, "create_quotation", offer).await["id"].clone();
        app.ok(owner, "send_quotation", json!({ "quotation": offer }))
            .await;
        let accept = json!({ "quotation": offer, "status": "accepted" });
        app.ok(owner, "update_quotation_status", accept).await;
        let accepted = offer.as_str().unwrap().to_owned();
        let (store, slug) = (&app.dispatcher.app().store, &owner.workspace.slug);
        let member = NewMember {
            name: format!("Mia {mark}"),
            email: Some(format!("mia.{}@scene.example", mark.to_lowercase())),
            ..NewMember::default()
        };
        let member = admin::add_member(store, slug, member).await.unwrap();
        ids.insert("member", member.id.to_string());
        let team = NewTeam {
            name: format!("{mark} crew"),
            ..NewTeam::default()
        };
        let team = admin::create_team(store, slug, team).await.unwrap();
        ids.insert("team", team.id.to_string());
        Self { ids, accepted }
    }

    /// Records of one name, of each kind of which there may be several.
    async fn twins(app: &TestApp, owner: &Caller) {
        let lines = json!([{ "description": "Work", "unit_price": "10", "tax_rate": "19" }]);
        for table in TWINS {
            let name = format!("Twin {table}");
            for _ in 0..HOW_MANY_TWINS {
                let arguments = match table {
                    "company" | "contact" => json!({ "name": name, "on_duplicate": "create" }),
                    "document" => json!({ "title": name, "text": "Text" }),
                    "product" => json!({ "name": name, "unit_price": "1" }),
                    "quotation" => {
                        json!({ "title": name, "company": "Scene Works", "lines": lines })
                    }
                    "task" => json!({ "title": name, "project": "Scene relaunch" }),
                    "recurring_invoice" => {
                        json!({ "name": name, "starts_on": "2199-01-31", "lines": lines, "company": "Scene Works" })
                    }
                    _ => json!({ "name": name }),
                };
                app.data(owner, &format!("create_{table}"), arguments).await;
            }
        }
    }
}

/// What people call a record, if anything.
async fn called(app: &TestApp, table: &str, id: &str) -> Option<String> {
    let (_, raw) = decode(id)?;
    let statement = match table {
        "company" => "SELECT name AS called FROM company WHERE id = ",
        "contact" => "SELECT name AS called FROM contact WHERE id = ",
        "deal" => "SELECT name AS called FROM deal WHERE id = ",
        "document" => "SELECT title AS called FROM document WHERE id = ",
        "invoice" => "SELECT number AS called FROM invoice WHERE id = ",
        "member" => "SELECT name AS called FROM member WHERE id = ",
        "pipeline" => "SELECT name AS called FROM pipeline WHERE id = ",
        "product" => "SELECT name AS called FROM product WHERE id = ",
        "project" => "SELECT name AS called FROM project WHERE id = ",
        "quotation" => "SELECT title AS called FROM quotation WHERE id = ",
        "recurring_invoice" => "SELECT name AS called FROM recurring_invoice WHERE id = ",
        "ticket" => "SELECT number AS called FROM ticket WHERE id = ",
        "task" => "SELECT title AS called FROM task WHERE id = ",
        "candidate" => "SELECT name AS called FROM candidate WHERE id = ",
        "vacancy" => "SELECT title AS called FROM vacancy WHERE id = ",
        "team" => "SELECT name AS called FROM team WHERE id = ",
        other => panic!("what are records of {other} called?"),
    };
    let rows = app.rows(sql(statement).value(raw)).await;
    rows.first()?.get("called").unwrap()
}

/// What stands at a path; of a list its first element.
fn at<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| match &**step {
        "[]" => value.get(0),
        name => value.get(name),
    })
}

fn set(value: &mut Value, path: &[String], new: Value) {
    match path.split_first() {
        None => *value = new,
        Some((step, rest)) if step == "[]" => {
            if !value.is_array() {
                *value = json!([null]);
            }
            let items = value.as_array_mut().unwrap();
            items.truncate(1);
            set(&mut items[0], rest, new);
        }
        Some((step, rest)) => {
            if !value.is_object() {
                *value = json!({});
            }
            set(&mut value[step], rest, new);
        }
    }
}

/// What was answered, without when.
fn timeless(answer: &Value) -> Value {
    let mut data = answer["data"].clone();
    if let Some(fields) = data.as_object_mut() {
        fields.shift_remove("as_of");
    }
    data
}

/// The path as errors and `resolved` say it.
fn shown(path: &[String]) -> String {
    let mut shown = String::new();
    for step in path {
        match &**step {
            "[]" => shown.push_str("[0]"),
            name if shown.is_empty() => shown.push_str(name),
            name => shown.push_str(&format!(".{name}")),
        }
    }
    shown
}

/// A call that works with the identifier of a record in one parameter.
struct Tried<'a> {
    entry: &'a Entry,
    path: Vec<String>,
    table: String,
    id: String,
    name: String,
    arguments: Value,
    /// The parameter takes records of any kind.
    is_any: bool,
}

impl Tried<'_> {
    fn what(&self) -> String {
        format!("{}.{}", self.entry.spec.name, shown(&self.path))
    }

    /// The call with something else in that parameter, tried and not kept.
    async fn with(&self, app: &TestApp, caller: &Caller, given: &str) -> Outcome {
        let mut arguments = self.arguments.clone();
        set(&mut arguments, &self.path, given.into());
        app.outcome(caller, self.entry.spec.name, arguments).await
    }

    async fn done(&self, app: &TestApp, caller: &Caller, given: &str) -> Value {
        match self.with(app, caller, given).await {
            Outcome::Done(answer) => answer,
            other => panic!("{} with {given:?}: {other:?}", self.what()),
        }
    }

    async fn refused(&self, app: &TestApp, caller: &Caller, given: &str) -> Error {
        match self.with(app, caller, given).await {
            Outcome::Failed(error) => {
                assert_eq!(error.field_name(), Some(&*shown(&self.path)), "{error:?}");
                error
            }
            other => panic!("{} takes {given:?}: {other:?}", self.what()),
        }
    }

    /// Whether the caller of a tool that has nothing but its own permission may know of such records.
    fn may_read(&self, app: &TestApp) -> bool {
        let record = app.dispatcher.registry().records().record(&self.table);
        let read = record.map_or(READ_TEAMS, |record| record.access().read);
        let mut covers = self.entry.spec.covers.iter();
        self.entry.spec.permission == read
            || covers
                .any(|covers| covers.table == self.table && covers.operation == Operation::Read)
    }
}

/// Whether no call is without this parameter.
fn is_required(entry: &Entry, path: &[String]) -> bool {
    let required = entry.wire().input_schema.get("required");
    let mut required = required.and_then(Value::as_array).into_iter().flatten();
    required.any(|name| [name.as_str().unwrap()] == *path)
}

/// A call for each parameter that means a record which people call something; and the parameters for which there is none.
async fn tries<'a>(
    app: &'a TestApp,
    owner: &Caller,
    scene: &Scene,
) -> (Vec<Tried<'a>>, BTreeSet<String>) {
    let (mut all, mut without) = (Vec::new(), BTreeSet::new());
    // What all examples begin with comes first: one may make another record of the name that one before it has made.
    let mut entries = Vec::new();
    for entry in app.dispatcher.registry().entries() {
        let mut examples: Vec<Value> = Vec::new();
        for mut example in app.example_arguments(owner, entry.spec.name).await {
            example.insert("dry_run".into(), true.into());
            examples.push(Value::Object(example));
        }
        entries.push((entry, examples));
    }
    for (entry, examples) in entries {
        // Where any record may be meant, one of each kind that people call something.
        let parameters = entry.record_parameters().into_iter();
        let parameters = parameters.flat_map(|(path, table)| {
            let is_any = table == ANY;
            let records = scene.ids.keys().filter(|kind| !KERNEL.contains(kind));
            let kinds: Vec<String> = match is_any {
                true => records.map(|kind| (*kind).to_owned()).collect(),
                false => vec![table],
            };
            let of_kind = move |table| (path.clone(), table, is_any);
            kinds.into_iter().map(of_kind)
        });
        let parameters: Vec<(Vec<String>, String, bool)> = parameters.collect();
        for (path, table, is_any) in parameters.clone() {
            if NAMELESS.contains(&&*table) {
                continue;
            }
            let mut found = None;
            let given = examples.iter().filter_map(|example| {
                let id = at(example, &path)?.as_str()?;
                decode(id).map(|_| (example.clone(), id.to_owned()))
            });
            let mut of_scene = vec![&scene.ids[&*table]];
            of_scene.extend((table == "quotation").then_some(&scene.accepted));
            // A call about a record of the scene, where there is one.
            let mut about = json!({ "dry_run": true });
            for (path, table, _) in &parameters {
                if is_required(entry, path) && !NAMELESS.contains(&&**table) {
                    set(&mut about, path, scene.ids[&**table].as_str().into());
                }
            }
            let put = examples.iter().chain([&about]).flat_map(|example| {
                of_scene.iter().map(|id| {
                    let mut arguments = example.clone();
                    set(&mut arguments, &path, id.as_str().into());
                    (arguments, (*id).clone())
                })
            });
            let candidates: Vec<(Value, String)> = given.chain(put).collect();
            for (arguments, id) in candidates {
                let Some(name) = called(app, &table, &id).await else {
                    continue;
                };
                let tried = Tried {
                    entry,
                    path: path.clone(),
                    table: table.clone(),
                    id,
                    name,
                    arguments,
                    is_any,
                };
                let by_id = tried.with(app, owner, &tried.id).await;
                // Of what examples make there may be several of a name.
                let by_name = tried.with(app, owner, &tried.name).await;
                let several = matches!(&by_name, Outcome::Failed(error) if error.detail_value("candidates").is_some());
                if matches!(by_id, Outcome::Done(_)) && !several {
                    found = Some(tried);
                    break;
                }
            }
            match found {
                Some(tried) => all.push(tried),
                None => {
                    without.insert(format!("{}.{}", entry.spec.name, shown(&path)));
                }
            }
        }
    }
    (all, without)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_that_means_a_record_takes_what_people_call_it() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let scene = Scene::new(&app, &owner, "Scene").await;
        let elsewhere = app.tenant("elsewhere").await;
        let foreign = Scene::new(&app, &elsewhere, "Foreign").await;
        Scene::twins(&app, &owner).await;
        let (tried, without) = tries(&app, &owner, &scene).await;
        assert_eq!(without, NUMBERLESS.map(str::to_owned).into(), "{engine:?}");
        let known: BTreeSet<&str> = tried.iter().map(|tried| &*tried.table).collect();
        assert_eq!(known.len(), scene.ids.len(), "{known:?}");
        for tried in &tried {
            let (what, field) = (tried.what(), shown(&tried.path));
            let reads = tried.entry.spec.effect.reads_only();
            let by_id = tried.done(&app, &owner, &tried.id).await;
            assert_eq!(
                by_id.pointer("/resolved").and_then(|all| all.get(&field)),
                None,
                "{what}"
            );

            // As a person writes it.
            let spelled = format!(" {} ", tried.name.to_uppercase().replace(' ', "  "));
            let by_name = tried.done(&app, &owner, &spelled).await;
            let resolved = &by_name["resolved"][&field];
            assert_eq!(resolved["id"], *tried.id, "{what}");
            assert!(resolved["name"].is_string(), "{what}: {resolved}");
            if reads {
                assert_eq!(timeless(&by_name), timeless(&by_id), "{what}");
            }

            // Nobody, here.
            let unknown = tried.refused(&app, &owner, "Nobody at all Xyzzy").await;
            assert_eq!(unknown.code(), Code::NotFound, "{what}");
            let said = unknown.to_json().to_string();
            let record = app.dispatcher.registry().records().record(&tried.table);
            let finder = record.map(|record| record.called().found_with);
            let finder = finder.filter(|_| !tried.is_any);
            let nobody_finds = if tried.is_any { "its id" } else { "list_team" };
            assert!(
                said.contains(finder.unwrap_or(nobody_finds)),
                "{what}: {said}"
            );
            assert!(
                !said.contains("Xyzzy"),
                "{what} says again what was sent: {said}"
            );

            // Nobody here, but somebody elsewhere.
            let theirs = called(&app, &tried.table, &foreign.ids[&*tried.table])
                .await
                .unwrap();
            // Whose numbers each workspace counts by itself.
            if !["invoice", "ticket"].contains(&&*tried.table) {
                let error = tried.refused(&app, &owner, &theirs).await;
                assert_eq!(error.code(), Code::NotFound, "{what}");
                let said = error.to_json().to_string();
                assert!(
                    !said.contains(&foreign.ids[&*tried.table]),
                    "{what}: {said}"
                );
                assert!(!said.contains("Foreign"), "{what}: {said}");
            }

            // Several.
            if TWINS.contains(&&*tried.table) {
                let error = tried
                    .refused(&app, &owner, &format!("twin {}", tried.table))
                    .await;
                assert_eq!(error.code(), Code::Validation, "{what}");
                assert!(
                    error.message().contains("7 are called so"),
                    "{what}: {error:?}"
                );
                assert!(error.message().contains("and 2 more"), "{what}: {error:?}");
                let listed = error
                    .detail_value("candidates")
                    .unwrap()
                    .as_array()
                    .unwrap();
                assert_eq!(listed.len(), 5, "{what}");
                for one in listed {
                    let name = called(&app, &tried.table, one["id"].as_str().unwrap()).await;
                    assert_eq!(name, Some(format!("Twin {}", tried.table)), "{what}");
                }
            }

            // What has the form of another kind's identifier is not looked up.
            let other = if tried.table == "company" {
                "contact"
            } else {
                "company"
            };
            if !tried.is_any {
                let error = tried.refused(&app, &owner, &scene.ids[other]).await;
                assert_eq!(error.code(), Code::Validation, "{what}");
                assert!(
                    error.message().contains("another kind"),
                    "{what}: {error:?}"
                );
            }

            // A caller who may not read such records learns nothing of them.
            let narrow = app.limited(&owner, &[tried.entry.spec.permission.name()]);
            if !tried.may_read(&app) {
                let there = tried.refused(&app, &narrow, &tried.name).await;
                assert_eq!(there.code(), Code::Validation, "{what}");
                let wants_id = if tried.is_any { " no id " } else { " id:" };
                assert!(there.message().contains(wants_id), "{what}: {there:?}");
                let twins = tried
                    .refused(&app, &narrow, &format!("twin {}", tried.table))
                    .await;
                let nobody = tried.refused(&app, &narrow, "Nobody at all").await;
                assert_eq!(there.to_json(), nobody.to_json(), "{what}");
                assert_eq!(there.to_json(), twins.to_json(), "{what}");
            }
        }
        let tables: Vec<&str> = tried.iter().map(|tried| &*tried.table).collect();
        println!("{engine:?}: {} parameters of {tables:?}", tables.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn me_is_a_member_wherever_one_is_meant() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let scene = Scene::new(&app, &owner, "Scene").await;
        let (tried, _) = tries(&app, &owner, &scene).await;
        let members = tried.iter().filter(|tried| tried.table == "member");
        let mut count = 0;
        for tried in members {
            let what = tried.what();
            let field = shown(&tried.path);
            let own = owner.member.to_string();
            let answer = tried.done(&app, &owner, "me").await;
            assert_eq!(
                answer["resolved"][&field],
                json!({ "id": own, "name": "Owner" }),
                "{what}"
            );
            // Who they are themselves is known to everybody, what others are called is not.
            let narrow = app.limited(&owner, &[tried.entry.spec.permission.name()]);
            let (by_id, by_me) = (
                tried.with(&app, &narrow, &own).await,
                tried.with(&app, &narrow, "ME").await,
            );
            match (by_id, by_me) {
                (Outcome::Done(_), Outcome::Done(answer)) => {
                    assert_eq!(answer["resolved"][&field]["id"], *own, "{what}");
                    let named = answer["resolved"][&field]["name"].is_string();
                    assert_eq!(named, tried.may_read(&app), "{what}");
                }
                (Outcome::Failed(by_id), Outcome::Failed(by_me)) => {
                    assert_eq!(by_me.to_json(), by_id.to_json(), "{what}");
                }
                (by_id, by_me) => panic!("{what}: {by_id:?} and {by_me:?}"),
            }
            count += 1;
        }
        assert!(count > 20, "{count}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_for_a_record_has_other_names() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let owner = app.owner().await;
    let scene = Scene::new(&app, &owner, "Scene").await;
    let (tried, _) = tries(&app, &owner, &scene).await;
    let (mut by_id, mut by_noun) = (0, 0);
    for tried in tried {
        let (name, list) = match tried.path.as_slice() {
            [name] => (name, false),
            [name, items] if items == "[]" => (name, true),
            _ => continue,
        };
        let what = tried.what();
        let properties = &tried.entry.wire().input_schema["properties"];
        let other = match list {
            true => format!("{}_ids", name.trim_end_matches('s')),
            false => format!("{name}_id"),
        };
        let required = tried.entry.wire().input_schema.get("required");
        let required = required
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let about = tried.entry.record_parameters();
        let about = about.iter().filter(|(_, table)| table != ANY);
        let about: BTreeSet<&String> = about.map(|(path, _)| &path[0]).collect();
        let mut subjects = required
            .iter()
            .filter(|name| about.iter().any(|known| *known == *name));
        let is_subject = subjects.clone().count() == 1 && subjects.next().unwrap() == name;
        let names = [Some(other), (is_subject && !list).then(|| "id".to_owned())];
        for other in names.into_iter().flatten() {
            if properties.get(&other).is_some() || (list && !name.ends_with('s')) {
                continue;
            }
            let mut arguments = tried.arguments.as_object().cloned().unwrap();
            let value = arguments.shift_remove(name).unwrap();
            arguments.insert(other.clone(), value.clone());
            let outcome = app.outcome(
                &owner,
                tried.entry.spec.name,
                Value::Object(arguments.clone()),
            );
            assert!(
                matches!(outcome.await, Outcome::Done(_)),
                "{what} as {other}"
            );
            arguments.insert(name.clone(), value);
            let error = app
                .error(&owner, tried.entry.spec.name, Value::Object(arguments))
                .await;
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::Validation, Some(&**name)),
                "{what}"
            );
            if other == "id" {
                by_id += 1;
            } else {
                by_noun += 1;
            }
        }
    }
    assert!(by_id > 20 && by_noun > 60, "{by_id} {by_noun}");
    // Inside of a list, too; and what a tool has of that name stays what it is.
    let lines = json!([{ "product_id": "Scene-7" }]);
    let draft = json!({ "company_id": "Scene Works", "lines": lines });
    let answer = app.ok(&owner, "create_invoice", draft).await;
    assert_eq!(
        answer["resolved"]["lines[0].product"]["id"],
        *scene.ids["product"]
    );
    let contact = json!({ "name": "Ann", "company_id": "Scene Works", "company": "Elsewhere" });
    let contact = app.data(&owner, "create_contact", contact).await;
    assert_eq!(contact["company_id"]["id"], *scene.ids["company"]);
    assert_eq!(contact["company"], "Elsewhere");
    let error = app
        .error(&owner, "list_deals", json!({ "id": scene.ids["deal"] }))
        .await;
    assert_eq!(
        error.code(),
        Code::Validation,
        "a list is about no record: {error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_employer_is_given_by_name_or_by_id() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let acme = app
            .data(&owner, "create_company", json!({ "name": "Acme" }))
            .await["id"]
            .clone();
        for (company, name, id) in [
            (json!("ACME"), "ACME", acme.clone()),
            (acme.clone(), "Acme", acme.clone()),
            (json!("Nobody's"), "Nobody's", Value::Null),
        ] {
            let new = json!({ "name": "Ann", "company": company, "on_duplicate": "create" });
            let contact = app.data(&owner, "create_contact", new).await;
            assert_eq!(contact["company"], name);
            assert_eq!(
                contact["company_id"].get("id").cloned().unwrap_or_default(),
                id
            );
        }
        // Whoever may not read companies does not come to their names.
        let narrow = app.limited(&owner, &["create_contacts", "read_contacts"]);
        let contact = app
            .data(
                &narrow,
                "create_contact",
                json!({ "name": "Bob", "company": acme }),
            )
            .await;
        assert_eq!(contact["company_id"]["id"], acme);
        assert_eq!(contact.get("company"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_by_the_shown_name_wherever_the_family_name_begins_and_by_address() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (given, calls) in [
            (
                json!({ "first_name": "Ludwig", "last_name": "van Beethoven" }),
                vec!["ludwig van beethoven"],
            ),
            (
                json!({ "name": "Dr. Ada King", "first_name": "Ada", "last_name": "King", "emails": ["ada@engine.example"] }),
                vec!["dr. ada king", "ADA@engine.example"],
            ),
            (json!({ "name": "Wei Li" }), vec!["wei li"]),
            (json!({ "name": "Li Wei" }), vec!["li wei"]),
            (
                json!({ "emails": ["only@address.example"] }),
                vec!["only@address.example"],
            ),
        ] {
            let contact = app.data(&owner, "create_contact", given).await;
            for call in calls {
                let found = app
                    .data(&owner, "get_contact", json!({ "contact": call }))
                    .await;
                assert_eq!(found["id"], contact["id"], "{call}");
            }
        }
        let error = app
            .error(
                &owner,
                "get_contact",
                json!({ "contact": "Ludwig Beethoven" }),
            )
            .await;
        assert_eq!(error.code(), Code::NotFound);
        assert!(
            error.hint_text().unwrap().contains("Ludwig van Beethoven"),
            "{error:?}"
        );
        // One of the two goes: the other is meant again.
        let twin = json!({ "name": "Wei Li", "on_duplicate": "create" });
        let twin = app.data(&owner, "create_contact", twin).await;
        let get = json!({ "contact": "Wei Li" });
        assert_eq!(
            app.error(&owner, "get_contact", get.clone()).await.code(),
            Code::Validation
        );
        app.ok(&owner, "delete_contact", json!({ "contact": twin["id"] }))
            .await;
        app.ok(&owner, "get_contact", get).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_records_the_index_tells_which_are_called_nearly_so() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        app.data(&owner, "create_company", json!({ "name": "Zebra Brewing" }))
            .await;
        for number in 0..205 {
            let company =
                json!({ "name": format!("Company {number:03}"), "on_duplicate": "create" });
            app.data(&owner, "create_company", company).await;
        }
        let list = json!({ "query": "zebra" });
        assert_eq!(
            app.data(&owner, "search_companies", list).await[0]["name"],
            "Zebra Brewing"
        );
        let error = app
            .error(
                &owner,
                "create_deal",
                json!({ "name": "Sale", "company": "Zebra" }),
            )
            .await;
        let hint = error.hint_text().unwrap();
        assert!(
            hint.contains("\"Zebra Brewing\" (cmp_") && hint.contains("search_companies"),
            "{hint}"
        );
        // Who has no such tool is told nothing of it.
        let narrow = app.limited(&owner, &["create_deals", "read_companies"]);
        let narrow = narrow.narrow(Some(&["deals".into()]), false).unwrap();
        let error = app
            .error(
                &narrow,
                "create_deal",
                json!({ "name": "Sale", "company": "Nobody" }),
            )
            .await;
        assert!(
            error.hint_text().unwrap().contains("Give its id"),
            "{error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_any_record_may_be_meant_a_name_is_looked_for_in_all_that_the_caller_may_read() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = json!({ "name": "Acme" });
        let company = app.data(&owner, "create_company", company).await["id"].clone();
        let deal = app.data(&owner, "create_deal", json!({ "name": "ACME" }));
        let deal = deal.await["id"].clone();
        let product = json!({ "name": "Anvil", "sku": "AN-1", "unit_price": "1" });
        let product = app.data(&owner, "create_product", product).await["id"].clone();
        let note = |about: &str| json!({ "about": about, "text": "Pays late." });
        let noted = app.ok(&owner, "create_note", note("an-1")).await;
        assert_eq!(
            (&noted["data"]["about"]["id"], &noted["resolved"]["about"]),
            (&product, &json!({ "id": product, "name": "Anvil" }))
        );
        // Of several kinds one is called so: they are told apart by what they are.
        let error = app.error(&owner, "create_note", note("acme")).await;
        let found = (error.code(), error.field_name());
        assert_eq!(found, (Code::Validation, Some("about")), "{engine:?}");
        let (company_id, deal_id) = (company.as_str().unwrap(), deal.as_str().unwrap());
        for shown in [
            format!("company \"Acme\" ({company_id})"),
            format!("deal \"ACME\" ({deal_id})"),
        ] {
            assert!(error.message().contains(&shown), "{error:?}");
        }
        let candidates = error.detail_value("candidates").unwrap().as_array();
        let ids: BTreeSet<&str> = candidates
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, [company_id, deal_id].into());
        // For whoever may not read deals there is one.
        let narrow = app.limited(&owner, &["create_notes", "read_notes", "read_companies"]);
        let noted = app.ok(&narrow, "create_note", note("acme")).await;
        assert_eq!(noted["data"]["about"]["id"], company, "{engine:?}");
        let listed = json!({ "about": "acme" });
        let listed = app.data(&narrow, "list_notes", listed).await;
        assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
        let error = app.error(&narrow, "create_note", note("an-1")).await;
        assert_eq!(error.code(), Code::NotFound, "{error:?}");
    }
}

/// A call that asks a person, and its token.
async fn asked(app: &TestApp, caller: &Caller, tool: &str, arguments: &Value) -> String {
    let error = app.error(caller, tool, arguments.clone()).await;
    assert_eq!(error.code(), Code::ConfirmationRequired, "{error:?}");
    error
        .detail_value("confirm_token")
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_agreed_to_is_done_to_that_record_and_to_no_other_of_the_name() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = async |name: &str| {
            let new = json!({ "name": name, "on_duplicate": "create" });
            app.data(&owner, "create_company", new).await["id"].clone()
        };
        let rename = async |id: &Value, name: &str| {
            let change = json!({ "company": id, "name": name });
            app.ok(&owner, "update_company", change).await;
        };
        let (gone, heir, other) = (
            company("Old").await,
            company("Acme").await,
            company("Globex").await,
        );
        let deal = json!({ "name": "Sale", "company": gone });
        let deal = app.data(&owner, "create_deal", deal).await["id"].clone();
        let mut delete = json!({ "company": "Old", "reassign_to": "Acme" });
        let token = asked(&app, &owner, "delete_company", &delete).await;
        // What is deleted is the same; who takes over is another one by now.
        rename(&heir, "Acme of yore").await;
        rename(&other, "Acme").await;
        delete["confirm_token"] = token.into();
        let error = app.error(&owner, "delete_company", delete.clone()).await;
        assert_eq!(error.code(), Code::ConfirmationRequired, "{error:?}");
        assert!(error.message().contains("changed since"), "{error:?}");
        delete["confirm_token"] = error.detail_value("confirm_token").unwrap().clone();
        let answer = app.ok(&owner, "delete_company", delete).await;
        assert_eq!(answer["data"]["id"], gone);
        assert_eq!(answer["resolved"]["reassign_to"]["id"], other);
        let deal = app.data(&owner, "get_deal", json!({ "deal": deal })).await;
        assert_eq!(deal["company"]["id"], other);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_repeated_gets_its_first_answer_whoever_is_called_so_by_now() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let acme = app
            .data(&owner, "create_company", json!({ "name": "Acme" }))
            .await["id"]
            .clone();
        let new = json!({ "name": "Sale", "company": "Acme", "idempotency_key": "once" });
        let first = app.ok(&owner, "create_deal", new.clone()).await;
        assert_eq!(
            first["resolved"]["company"],
            json!({ "id": acme, "name": "Acme" })
        );
        let twin = json!({ "name": "Acme", "on_duplicate": "create" });
        app.data(&owner, "create_company", twin).await;
        assert_eq!(app.ok(&owner, "create_deal", new).await, first);
        // A name that nobody has is refused before a person is asked, and before anything waits for its turn.
        let call = Call {
            tool: "delete_company".into(),
            arguments: Map::from_iter([("company".to_owned(), json!("Nobody"))]),
            can_ask: true,
            ..Call::default()
        };
        match app.dispatcher.call(owner, call).await {
            Outcome::Failed(error) => assert_eq!(error.code(), Code::NotFound),
            other => panic!("{other:?}"),
        }
    }
}
