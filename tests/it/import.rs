//! Bringing data in and taking it out: jobs, many records at once, files.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use bureau_contacts::Contact;
use bureau_kernel::dispatch::Settings;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::record::Cx;
use bureau_kernel::record::{Attributes, Columns as _};
use bureau_kernel::store::log::verify;
use bureau_kernel::store::{OpenOptions, Scope, Store, sql};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::testing_postgres::fresh_database;
use bureau_kernel::types::text::ShortText;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::MODULES;

fn contact(name: &str) -> Contact {
    Contact {
        name: ShortText::new(name).unwrap(),
        ..Contact::empty()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_a_job_are_one_change_at_its_moment_and_one_undo() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let then = "2025-03-01T12:00:00Z".parse().unwrap();
        let batch = app
            .dispatcher
            .batch(&owner, "import_contacts")
            .await
            .unwrap();
        let batch = batch.at(then);
        for name in ["Ada", "Grace"] {
            let part = async |cx: &mut Cx| cx.insert(contact(name), Attributes::new()).await;
            app.dispatcher.app().run_in(&batch, part).await.unwrap();
        }
        let changes = app.ok(&owner, "list_changes", json!({})).await;
        let of_job: Vec<_> = changes["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["change"] == json!(batch.change()))
            .collect();
        assert_eq!(of_job.len(), 2, "{changes}");
        assert_eq!(of_job[0]["tool"], "import_contacts");
        assert_eq!(of_job[0]["at"], json!(then));
        let undone = app
            .ok(&owner, "undo_change", json!({ "change": batch.change() }))
            .await;
        assert_eq!(undone["data"]["records"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_fails_leaves_nothing_and_what_is_read_only_does_no_work() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let batch = app
            .dispatcher
            .batch(&owner, "import_contacts")
            .await
            .unwrap();
        let failed = app
            .dispatcher
            .app()
            .run_in(&batch, async |cx: &mut Cx| {
                cx.insert(contact("Ada"), Attributes::new()).await?;
                Err::<(), _>(Error::conflict("No."))
            })
            .await;
        assert_eq!(failed.unwrap_err().code(), Code::Conflict);
        let found = app.ok(&owner, "search_contacts", json!({})).await;
        assert_eq!(found["data"], json!([]), "{engine:?}");
        let settings = Settings {
            read_only: true,
            ..Settings::default()
        };
        let closed = TestApp::at(app.database.clone(), app.folder.clone(), MODULES, settings).await;
        let refused = closed.dispatcher.batch(&owner, "import_contacts").await;
        assert_eq!(refused.unwrap_err().code(), Code::ReadOnly);
    }
}

/// Every row of a table of the workspace that tells what the record layer keeps, without times.
async fn kept(app: &TestApp, of: &str) -> Vec<String> {
    let rows = app
        .rows(
            sql("SELECT entity, field, value FROM record_key WHERE entity = ")
                .value(of.to_owned())
                .sql(" ORDER BY entity, field, value, record"),
        )
        .await;
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
            TestApp::new(engine, MODULES).await,
            TestApp::new(engine, MODULES).await,
        );
        let people: Vec<Contact> = (0..203).map(person).collect();
        let batch = one
            .dispatcher
            .batch(&one.owner().await, "test")
            .await
            .unwrap();
        let each = async |cx: &mut Cx| {
            let mut ids = Vec::new();
            for person in people.clone() {
                ids.push(cx.insert(person, Attributes::new()).await?.id);
            }
            for id in &ids {
                let mut edit = cx.edit(*id).await?;
                edit.city = Some(ShortText::new("Berlin").unwrap());
                edit.tags.0.clear();
                edit.save(cx).await?;
            }
            Ok(())
        };
        one.dispatcher.app().run_in(&batch, each).await.unwrap();
        let batch = many
            .dispatcher
            .batch(&many.owner().await, "test")
            .await
            .unwrap();
        let at_once = async |cx: &mut Cx| {
            let all = people.iter().map(|p| (p.clone(), Attributes::new()));
            let saved = cx.insert_all(all.collect()).await?;
            let ids: Vec<_> = saved.iter().map(|saved| saved.id).collect();
            assert_eq!(cx.get_all(&ids).await?, saved);
            let mut edits = cx.edit_all(&ids).await?;
            for edit in &mut edits {
                edit.city = Some(ShortText::new("Berlin").unwrap());
                edit.tags.0.clear();
            }
            let saved = cx.save_all(edits).await?;
            assert_eq!(cx.get_all(&ids).await?, saved);
            Ok(())
        };
        many.dispatcher.app().run_in(&batch, at_once).await.unwrap();
        assert_eq!(kept(&one, "contact").await, kept(&many, "contact").await);
        assert_eq!(logged(&one).await, logged(&many).await, "{engine:?}");
        let audit = verify(&many.dispatcher.app().store).await.unwrap();
        assert_eq!(audit.broken, None);
        let page = json!({ "query": "person 17", "city": "berlin", "limit": 1 });
        let found = many.ok(&many.owner().await, "search_contacts", page).await;
        assert_eq!(found["data"][0]["name"], "Person 17", "{engine:?}");
    }
}

/// What the change log says, without identifiers and times.
async fn logged(app: &TestApp) -> Vec<String> {
    let owner = app.owner().await;
    app.ok(&owner, "list_changes", json!({ "limit": 1 })).await;
    let mut tx = app
        .dispatcher
        .app()
        .store
        .read(Scope::System)
        .await
        .unwrap();
    let rows =
        sql("SELECT entity, action, tool, version, before, after FROM change_log WHERE tool = 'test' ORDER BY id")
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
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let batch = app.dispatcher.batch(&owner, "test").await.unwrap();
        let made = async |cx: &mut Cx| {
            let all = (0..700).map(|number| (person(number), Attributes::new()));
            cx.insert_all(all.collect()).await
        };
        let saved = app.dispatcher.app().run_in(&batch, made).await.unwrap();
        let id = |number: usize| saved[number].id.to_string();
        // One is changed since, another one is depended on by one that is not of this change.
        let change = json!({ "contact": id(3), "city": "Rome" });
        app.ok(&owner, "update_contact", change).await;
        let other = json!({ "name": "Other", "reports_to": id(650) });
        app.ok(&owner, "create_contact", other).await;
        let change = json!({ "change": batch.change() });
        let refused = app.error(&owner, "undo_change", change).await;
        let conflicts = refused.detail_value("conflicts").unwrap();
        let of = |number| json!(id(number));
        assert_eq!(
            (&conflicts[0]["record"]["id"], &conflicts[1]["record"]["id"]),
            (&of(650), &of(3)),
            "{conflicts}"
        );
        let skipping = json!({ "change": batch.change(), "skip_conflicts": true });
        let undone = app.ok(&owner, "undo_change", skipping).await;
        assert_eq!(undone["data"]["count"], 698);
        assert_eq!(undone["data"]["records"].as_array().unwrap().len(), 500);
        let left = app
            .ok(&owner, "search_contacts", json!({ "limit": 10 }))
            .await;
        assert_eq!(left["data"].as_array().unwrap().len(), 3, "{left}");
        // The undo is a change like any other.
        let again = json!({ "change": undone["change"] });
        app.ok(&owner, "undo_change", again).await;
        assert_eq!(
            kept(&app, "contact")
                .await
                .iter()
                .filter(|term| term.contains(" email "))
                .count(),
            700
        );
        assert_eq!(
            verify(&app.dispatcher.app().store).await.unwrap().broken,
            None
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_refers_to_each_other_in_one_change_goes_with_it() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let batch = app.dispatcher.batch(&owner, "test").await.unwrap();
        let made = async |cx: &mut Cx| {
            let head = cx.insert_all(vec![(person(0), Attributes::new())]).await?;
            let staff = (1..20).map(|number| {
                let mut person = person(number);
                person.reports_to = Some(head[0].id);
                (person, Attributes::new())
            });
            cx.insert_all(staff.collect()).await
        };
        let staff = app.dispatcher.app().run_in(&batch, made).await.unwrap();
        let change = json!({ "contact": staff[4].id, "city": "Rome" });
        app.ok(&owner, "update_contact", change).await;
        let skipping = json!({ "change": batch.change(), "skip_conflicts": true });
        let undone = app.ok(&owner, "undo_change", skipping).await;
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

/// A folder with files, and the program over a database of its own.
struct Desk {
    folder: TempDir,
    database: String,
}

struct End {
    code: i32,
    out: String,
    err: String,
}

impl End {
    #[track_caller]
    fn json(self) -> Value {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        serde_json::from_str(&self.out).unwrap()
    }

    #[track_caller]
    fn fails(self, says: &str) {
        assert_ne!(self.code, 0, "{}", self.out);
        assert!(self.err.contains(says), "{}", self.err);
    }
}

impl Desk {
    async fn new(engine: Engine) -> Self {
        let folder = TempDir::new().unwrap();
        let database = match engine {
            Engine::Sqlite => format!("sqlite:{}", folder.path().join("bureau.sqlite").display()),
            Engine::Postgres => fresh_database().await,
        };
        Self { folder, database }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bureau"));
        command
            .args(words)
            .args(["--database", &self.database])
            .env_clear()
            .env("HOME", self.folder.path())
            .env("XDG_DATA_HOME", self.folder.path().join("data"));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str]) -> End {
        let output = self.command(words).output().unwrap();
        End {
            code: output.status.code().expect("ended by a signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn import(&self, what: &str, file: &str, more: &[&str]) -> End {
        self.run(&[&["import", what, file, "--json"], more].concat())
    }

    #[expect(clippy::needless_pass_by_value, reason = "calls are written in place")]
    fn call(&self, tool: &str, arguments: Value) -> Value {
        self.run(&["call", tool, &arguments.to_string()]).json()["data"].clone()
    }

    /// The names of all contacts, in order.
    fn names(&self) -> Vec<String> {
        let all = self.call("search_contacts", json!({ "limit": 100 }));
        let names = all.as_array().unwrap().iter();
        names
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

const PEOPLE: &str = "Given Name,Last-Name,E-Mail Address,Mobile,Company,Favourite colour,Tags\r\n\
                      Ada,Lovelace,Ada@people.example,+49 30 901820,Engines,blue,\"vip, first\"\r\n\
                      Grace,Hopper,\"work: grace@people.example; home@people.example\",,Navy,red,\r\n\
                      Alan,Turing,alan@people.example,,Park,,\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_known_by_many_names_and_the_rest_is_said() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let file = desk.file("people.csv", PEOPLE);
        let preview = desk.import("contacts", &file, &["--preview"]).json();
        let fields: Vec<&Value> = preview["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| &c["field"])
            .collect();
        let known = [
            "first_name",
            "last_name",
            "emails",
            "mobile_phone",
            "company",
        ];
        assert_eq!(
            fields[..5],
            known.map(Value::from).iter().collect::<Vec<_>>()[..]
        );
        assert_eq!((fields[5], fields[6]), (&Value::Null, &json!("tags")));
        assert_eq!(
            (&preview["created"], &preview["rejected"]),
            (&json!(3), &json!(0))
        );
        let first = &preview["first_records"][0];
        assert_eq!(first["name"], "Ada Lovelace");
        assert_eq!(
            first["phones"][0],
            json!({ "phone": "+49 30 901820", "type": "mobile", "e164": "+4930901820" })
        );
        assert_eq!(first["tags"], json!(["vip", "first"]));
        assert_eq!(desk.names(), [""; 0], "a preview writes nothing");

        // What the workspace defines is taken, what somebody says goes first.
        let colour = [
            "workspace",
            "attribute",
            "define",
            "contact",
            "favourite_colour",
        ];
        assert_eq!(desk.run(&colour).code, 0);
        let said = ["--map", "Company=source", "--map", "tags=", "--yes"];
        desk.import("contacts", &file, &said).json();
        let ada = desk.call("search_contacts", json!({ "query": "ada" }))[0]["id"].clone();
        let ada = desk.call("get_contact", json!({ "contact": ada }));
        assert_eq!(ada["attributes"], json!({ "favourite_colour": "blue" }));
        assert_eq!(
            (&ada["source"], &ada["company"], &ada["tags"]),
            (&json!("Engines"), &Value::Null, &Value::Null)
        );

        for (words, says) in [
            (
                &["--map", "Compny=company", "--yes"][..],
                "Did you mean \"Company\"?",
            ),
            (
                &["--map", "Company=compny", "--yes"],
                "Did you mean company?",
            ),
            (
                &[
                    "--map",
                    "Company=first_name",
                    "--map",
                    "Given name=first name",
                    "--yes",
                ],
                "Two columns are first_name",
            ),
            (&["--map", "Company", "--yes"], "Header=field"),
            (&[], "say --yes"),
        ] {
            desk.import("contacts", &file, words).fails(says);
        }
        desk.import("contact", &file, &["--yes"])
            .fails("Did you mean contacts?");
        let strange = desk.file("strange.csv", "a;b\n1;2\n");
        desk.import("contacts", &strange, &["--yes"])
            .fails("--map \"Header=field\"");
        desk.import("contacts", &desk.path("nowhere.csv"), &["--yes"])
            .fails("cannot be read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_other_programs_are_read_as_they_are() {
    let desk = Desk::new(Engine::Sqlite).await;
    let with_mark = desk.file(
        "mark.csv",
        "\u{feff}name;city\r\nJosé;Köln\r\n\"two\nlines\";\"a;b\"\r\n;\r\n",
    );
    desk.import("contacts", &with_mark, &["--yes"]).json();
    // Windows-1252: é is 0xe9, € is 0x80.
    let windows = desk.file("windows.csv", b"name\tcity\n\xc9milie\tM\xfcnchen \x80\n");
    desk.import("contacts", &windows, &["--yes"]).json();
    let sep = desk.file("sep.csv", "sep=|\nname|city\nMaría|León, x; y\n");
    desk.import("contacts", &sep, &["--yes"]).json();
    let cities = desk.call("search_contacts", json!({ "limit": 10 }));
    let cities: Vec<_> = cities
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["name"].as_str().unwrap(), c["city"].as_str().unwrap()))
        .collect();
    assert_eq!(
        cities,
        [
            ("Émilie", "München €"),
            ("José", "Köln"),
            ("María", "León, x; y"),
            ("two lines", "a;b")
        ]
    );
    // Where somebody says that it is UTF-8, what is not is refused with its line.
    let mixed = desk.file("mixed.csv", b"name,city\nAnn,Rome\nBob,M\xfcnchen\n");
    let done = desk
        .import("contacts", &mixed, &["--yes", "--encoding", "utf-8"])
        .json();
    assert_eq!(
        (&done["created"], &done["rejected"]),
        (&json!(1), &json!(1))
    );
    assert!(
        desk.read("mixed.rejected.csv")
            .contains(",3,\"\"\"city\"\" is not UTF-8")
    );
    let utf16 = desk.file("utf16.csv", b"\xff\xfen\0a\0m\0e\0");
    desk.import("contacts", &utf16, &["--yes"]).fails("UTF-16");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_fail_are_kept_with_their_lines_and_reasons() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let long = "x".repeat(1 << 20);
        let content = format!(
            "Name,Email,Type,Score,Owner,Notes\n\
             Ada,ada@rows.example,lead,7,Owner,\"one\ntwo\"\n\
             Grace,not an address,,,,\n\
             Alan,,leed,,,\n\
             Edsger,,,many,,\n\
             Barbara,,,,Nobody,\n\
             Donald,,,,\n\
             Tony,,,,,{long}\n\
             ,,,,,\n\
             ,,lead,,,\n\
             =1+1,,,,,\n"
        );
        let file = desk.file("rows.csv", content);
        let done = desk.import("contacts", &file, &["--yes"]).json();
        assert_eq!(
            (&done["created"], &done["rejected"]),
            (&json!(3), &json!(6)),
            "{done}"
        );
        assert_eq!(done["rejects_file"], desk.path("rows.rejected.csv"));
        let rejects = desk.read("rows.rejected.csv").replace(&long, "LONG");
        let lines: Vec<&str> = rejects.lines().collect();
        assert_eq!(lines[0], "Name,Email,Type,Score,Owner,Notes,line,reason");
        for (line, starts, says) in [
            (1, "Grace,not an address,,,,,4,", "is not an e-mail address"),
            (2, "Alan,,leed,,,,5,", "Did you mean lead?"),
            (3, "Edsger,,,many,,,6,", "is not a number"),
            (4, "Donald,,,,,,8,", "5 cells and the header has 6"),
            (5, "Tony,,,,,LONG,9,", "more than 100000 characters"),
            (6, ",,lead,,,,11,", "needs a name or an e-mail address"),
        ] {
            assert!(
                lines[line].starts_with(starts) && lines[line].contains(says),
                "{}",
                lines[line]
            );
        }
        // It can be corrected and imported itself, and is not overwritten unseen.
        desk.import("contacts", &file, &["--yes"]).fails("--force");
        assert_eq!(
            desk.import("contacts", &file, &["--yes", "--force"]).json()["rejected"],
            6
        );
        let corrected = desk.read("rows.rejected.csv").replace("leed", "lead");
        let again = desk.file("again.csv", corrected);
        // The row that was too short has all its cells now.
        let done = desk.import("contacts", &again, &["--yes"]).json();
        assert_eq!(done["created"], 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_imported_once_unless_that_is_meant() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let ada = json!({ "name": "Ada", "emails": ["ada@twice.example"], "tags": ["old"], "city": "London" });
        desk.call("create_contact", ada);
        let content = "name,email,phone,company,tags,city\n\
                       A. L.,ADA@twice.example,,,new,\n\
                       Grace,,+1 415 555 2671,Navy,one,Rome\n\
                       G. H.,,(415) 555-2671,,two,\n\
                       grace,,,NAVY,three,Paris\n\
                       Alan,,,Navy,,\n";
        let file = desk.file("twice.csv", content);
        desk.run(&["workspace", "list"]);
        // A national number is read where the row or the workspace is; here it is not known, so the row is another person.
        let preview = desk.import("contacts", &file, &["--preview"]).json();
        let counted = |done: &Value| {
            ["created", "updated", "skipped", "rejected"].map(|name| done[name].as_u64().unwrap())
        };
        assert_eq!(counted(&preview), [3, 0, 2, 0]);
        let done = desk.import("contacts", &file, &["--yes"]).json();
        assert_eq!(counted(&done), [3, 0, 2, 0]);
        let again = desk.import("contacts", &file, &["--yes"]).json();
        assert_eq!(counted(&again), [0, 0, 5, 0]);
        assert_eq!(again["change"], Value::Null);
        // Taken back, they are all new once more; with update, duplicates of the file are one.
        desk.run(&["undo", done["change"].as_str().unwrap()]).json();
        let done = desk
            .import("contacts", &file, &["--yes", "--on-duplicate", "update"])
            .json();
        assert_eq!(counted(&done), [3, 2, 0, 0]);
        let found = desk.call("search_contacts", json!({ "query": "grace" }));
        let grace = desk.call("get_contact", json!({ "contact": found[0]["id"] }));
        assert_eq!(
            (&grace["city"], &grace["tags"]),
            (&json!("Paris"), &json!(["three", "one"])),
            "{grace}"
        );
        let found = desk.call("search_contacts", json!({ "query": "ada@twice.example" }));
        let ada = desk.call("get_contact", json!({ "contact": found[0]["id"] }));
        assert_eq!(
            (&ada["name"], &ada["city"], &ada["tags"], &ada["version"]),
            (
                &json!("A. L."),
                &json!("London"),
                &json!(["new", "old"]),
                &json!(2)
            )
        );
        // Updates and new records are one change.
        let undone = desk.run(&["undo", done["change"].as_str().unwrap()]).json();
        assert_eq!(undone["data"]["count"], 4);
        assert_eq!(desk.names(), ["Ada"]);
        let done = desk
            .import("contacts", &file, &["--yes", "--on-duplicate", "create"])
            .json();
        assert_eq!(counted(&done), [5, 0, 0, 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_rows_imports_nothing() {
    let desk = Desk::new(Engine::Sqlite).await;
    let empty = desk.file("empty.csv", "");
    desk.import("contacts", &empty, &["--yes"])
        .fails("is empty");
    for (name, content) in [("head.csv", "name,city"), ("blank.csv", "name,city\n\n,\n")] {
        let done = desk
            .import("contacts", &desk.file(name, content), &["--yes"])
            .json();
        assert_eq!(
            (&done["created"], &done["change"]),
            (&json!(0), &Value::Null)
        );
    }
    let endless = desk.file(
        "endless.csv",
        format!("name\nAda\n\"{}", "x\n".repeat(9 << 20)),
    );
    desk.import("contacts", &endless, &["--yes"])
        .fails("quotation mark is not closed");
    assert_eq!(desk.names(), [""; 0]);
}

fn many(count: usize) -> String {
    let rows =
        (0..count).map(|n| format!("Person {n},p{n}@many.example,Firm {},\"a, b\"\n", n % 50));
    "name,email,company,tags\n".to_owned() + &rows.collect::<String>()
}

/// How many live contacts there are.
async fn count(desk: &Desk) -> i64 {
    let options = OpenOptions {
        read_only: true,
        ..OpenOptions::new(desk.database.parse().unwrap())
    };
    let store = Store::open(&options).await.unwrap();
    let mut tx = store.read(Scope::System).await.unwrap();
    let count = sql("SELECT COUNT(*) AS count FROM contact WHERE archived_at IS NULL")
        .one("count", &mut tx)
        .await;
    tx.rollback().await;
    store.close().await;
    count.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_killed_goes_on_where_it_was_and_is_taken_back() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        assert_eq!(desk.run(&["workspace", "list"]).code, 0);
        const ROWS: i64 = 8_000;
        let file = desk.file("many.csv", many(ROWS as usize));
        let mut child = desk
            .command(&["import", "contacts", &file, "--yes"])
            .spawn()
            .unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        err.read_line(&mut line).unwrap();
        let change = line
            .trim()
            .strip_prefix("Importing as ")
            .unwrap()
            .trim_end_matches('.')
            .to_owned();
        while count(&desk).await == 0 {
            assert!(
                child.try_wait().unwrap().is_none(),
                "it was done before it could be killed"
            );
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let there = count(&desk).await;
        assert!(
            there > 0 && there < ROWS && there % 1000 == 0,
            "{there}: whole parts of it"
        );
        let done = desk.import("contacts", &file, &["--yes"]).json();
        assert_eq!(
            (done["created"].as_i64(), done["skipped"].as_i64()),
            (Some(ROWS - there), Some(there))
        );
        assert_eq!(count(&desk).await, ROWS);
        let undone = desk.run(&["undo", &change]).json();
        assert_eq!(undone["data"]["count"], there);
        desk.run(&["undo", done["change"].as_str().unwrap()]).json();
        assert_eq!(count(&desk).await, 0);
        let store = Store::open(&OpenOptions::new(desk.database.parse().unwrap()))
            .await
            .unwrap();
        store.close().await;
        let store = Store::open(&OpenOptions::new(desk.database.parse().unwrap()))
            .await
            .unwrap();
        assert_eq!(verify(&store).await.unwrap().broken, None);
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_imported_as_it_was() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        for (workspace, entity) in [
            ("main", "contact"),
            ("main", "deal"),
            ("other", "contact"),
            ("other", "deal"),
            ("third", "contact"),
            ("third", "deal"),
        ] {
            if workspace != "main" && entity == "contact" {
                assert_eq!(desk.run(&["workspace", "create", workspace]).code, 0);
            }
            for (name, kind) in [
                ("size", "number"),
                ("vip", "bool"),
                ("since", "date"),
                ("colours", "list"),
            ] {
                let define = [
                    "workspace",
                    "attribute",
                    "define",
                    entity,
                    name,
                    "--kind",
                    kind,
                    "--workspace",
                    workspace,
                ];
                assert_eq!(desk.run(&define).code, 0);
            }
        }
        let acme = desk.call("create_company", json!({
            "name": "=Acme, \"the\" firm; no other", "website": "https://acme.example/a,b;c", "employees": 70, "types": ["customer", "partner"],
            "phone": "+49 30 901820", "vat_id": "DE 123", "tags": ["a, b", "c;d", "e"],
        }));
        let globex = desk.call(
            "create_company",
            json!({ "name": "Globex", "parent": acme["id"] }),
        );
        let ada = desk.call("create_contact", json!({
            "first_name": "+Ada", "last_name": "@L", "company_id": acme["id"],
            "emails": [{ "email": "ada@round.example", "type": "work" }, "a2@round.example"],
            "phones": [{ "phone": "+49 30 901820", "type": "mobile" }, "+1 415 555 2671 ext 4", "030 123"],
            "links": ["https://x.example/?a=1,2;3", "https://y.example"], "types": ["lead", "partner"], "score": 12,
            "tags": ["Berlin, north"], "summary": "=HYPERLINK(\"x\")\nline, two; \"three\"\t.", "owner": acme["created_by"]["id"],
            "attributes": { "size": -5.25, "vip": true, "since": "2024-02-29", "colours": ["a", "b, c"] },
        }));
        desk.call("create_contact", json!({ "name": "'=quoted", "reports_to": ada["id"], "country": "DE", "phones": ["030 901821"] }));
        desk.call("create_deal", json!({
            "name": "\tLicences", "company": globex["id"], "contact": ada["id"], "amount": "1234.5", "currency": "USD",
            "stage": "Proposal", "expected_close": "2027-01-31", "attributes": { "size": 1 },
        }));
        desk.call("create_deal", json!({ "name": "Lost one", "status": "lost", "lost_reason": "-price", "closed_on": "2025-05-01" }));
        desk.call("create_deal", json!({ "name": "Won one", "status": "won", "closed_on": "2025-05-02", "amount": "10" }));
        let ways = [("csv", "other"), ("xlsx", "third")];
        let all = ["companies", "contacts", "deals"];
        for (what, (format, other)) in all.map(|what| ways.map(|way| (what, way))).concat() {
            let file = desk.path(&format!("{what}.{format}"));
            let done = desk
                .run(&["export", what, &file, "--json", "--workspace", "main"])
                .json();
            assert_eq!(done["file"], json!(file));
            // Who is referred to by a row of the same file is there when the rows above are.
            let into = ["--yes", "--workspace", other];
            let done = desk.import(what, &file, &into).json();
            assert_eq!(
                done["rejected"],
                0,
                "{what} on {engine:?}: {}",
                std::fs::read_to_string(desk.path(&format!("{what}.rejected.csv")))
                    .unwrap_or_default()
            );
            let records = |workspace: &str| {
                let lines = desk.run(&[
                    "export",
                    what,
                    "--format",
                    "jsonl",
                    "--workspace",
                    workspace,
                ]);
                assert_eq!(lines.code, 0, "{}", lines.err);
                let records = lines.out.lines().map(|line| {
                    let mut record: Value = serde_json::from_str(line).unwrap();
                    let fields = record.as_object_mut().unwrap();
                    // Identifiers and times are each workspace's own; what they stand for has to be the same.
                    let own = |name: &str, value: &Value| {
                        let id = value
                            .as_str()
                            .is_some_and(|text| bureau_kernel::types::id::decode(text).is_some());
                        id || ["version", "created_at", "updated_at", "stage_since"].contains(&name)
                    };
                    fields.retain(|name, value| !own(name, value));
                    record
                });
                records.collect::<Vec<_>>()
            };
            assert_eq!(
                records("main"),
                records(other),
                "{what} by {format} on {engine:?}"
            );
        }
        // In a spreadsheet nothing of it is a formula.
        for what in ["companies", "contacts", "deals"] {
            let text = desk.read(&format!("{what}.csv"));
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(text.as_bytes());
            for cell in reader
                .records()
                .flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
            {
                let harmless = |cell: &str| {
                    cell.chars()
                        .all(|c| c.is_ascii_digit() || "+-. ()/".contains(c))
                };
                assert!(
                    !cell.starts_with(['=', '+', '-', '@', '\t', '\r']) || harmless(&cell),
                    "{cell}"
                );
            }
        }
        assert!(
            desk.read("contacts.csv").contains(",-5.25,"),
            "a number stays one"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_takes_what_is_asked_and_replaces_a_file_whole() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let old = desk.call("create_contact", json!({ "name": "Old" }));
        desk.call("create_contact", json!({ "name": "New" }));
        desk.call(
            "delete_contact",
            json!({ "contact": old["id"], "confirm": true }),
        );
        let rows = |words: &[&str]| {
            let end = desk.run(&[&["export", "contacts"], words].concat());
            assert_eq!(end.code, 0, "{}", end.err);
            end.out.lines().count() - 1
        };
        assert_eq!((rows(&[]), rows(&["--include-archived"])), (1, 2));
        assert_eq!(
            (rows(&["--since", "-1d"]), rows(&["--since", "tomorrow"])),
            (1, 0)
        );
        let file = desk.file("out.csv", "what was there");
        assert!(desk.run(&["export", "contacts", &file, "--json"]).json()["records"] == 1);
        assert!(desk.read("out.csv").starts_with("id,name,first_name"));
        let left: Vec<_> = std::fs::read_dir(desk.folder.path())
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        assert!(
            !left
                .iter()
                .any(|name| name.to_string_lossy().ends_with(".part")),
            "{left:?}"
        );
        desk.run(&["export", "contakts"])
            .fails("Did you mean contacts?");
        for name in ["contact", "Recurring_Invoices", "products"] {
            assert!(desk.run(&["export", name]).out.starts_with("id,"));
        }
        desk.run(&["export", "contacts", "--since", "soon"])
            .fails("--since is no date");
        desk.run(&["export", "contacts", &desk.path("no/where.csv")])
            .fails("cannot be written");
        // What a key may not see it does not take out, and what it may not write it does not bring in.
        let end = desk.run(&[
            "key",
            "create",
            "--name",
            "x",
            "--permissions",
            "read_contacts",
            "--json",
        ]);
        let key = end.json()["key"].as_str().unwrap().to_owned();
        let with_key = |words: &[&str]| {
            let output = desk
                .command(words)
                .env("BUREAU_API_KEY", &key)
                .output()
                .unwrap();
            (
                output.status.code(),
                String::from_utf8(output.stderr).unwrap(),
            )
        };
        assert_eq!(with_key(&["export", "contacts"]).0, Some(0));
        assert!(
            with_key(&["export", "companies"])
                .1
                .contains("read_companies")
        );
        let people = desk.file("people.csv", PEOPLE);
        assert!(
            with_key(&["import", "contacts", &people, "--yes"])
                .1
                .contains("create_contacts")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deals_find_their_stage_company_and_contact_by_name() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        desk.call(
            "create_company",
            json!({ "name": "Müller GmbH", "domain": "mueller.example" }),
        );
        desk.call("create_contact", json!({ "first_name": "Ada", "last_name": "van Lovelace", "emails": ["ada@deal.example"] }));
        let content = "Deal name;Stage;Company;Contact;Amount;Currency;Close date;Owner;Employees\n\
                       One;proposal;muller gmbh;Ada van Lovelace;\"1.234.567,89\";EUR;31.12.2026;Owner;\n\
                       Two;;mueller.example;ada@deal.example;\"1,5\";;;;\n\
                       Three;Nowhere;;;;;;;\n\
                       Four;;Nobody Ltd;;;;;;\n\
                       Five;;;;1.5;;;;\n\
                       Six;;;;;;2026-12-31;;\n";
        let file = desk.file("deals.csv", content);
        let more = ["--yes", "--decimal", ",", "--date-format", "DD.MM.YYYY"];
        let done = desk.import("deals", &file, &more).json();
        let rejects = std::fs::read_to_string(desk.path("deals.rejected.csv")).unwrap_or_default();
        assert_eq!(
            (&done["created"], &done["rejected"]),
            (&json!(2), &json!(4)),
            "{rejects}"
        );
        for says in [
            "There is no such stage here.",
            "no company \"\"Nobody Ltd\"\"",
            "is not a number such as 1.234,50",
            "is not a date as DD.MM.YYYY",
        ] {
            assert!(rejects.contains(says), "{says} is not in {rejects}");
        }
        let deals = desk.call("list_deals", json!({ "sort": "name" }));
        assert_eq!(
            (
                &deals[0]["amount"],
                &deals[0]["stage"]["name"],
                &deals[0]["company"]["name"],
                &deals[0]["contact"]["name"],
                &deals[0]["expected_close"]
            ),
            (
                &json!("1234567.89"),
                &json!("Proposal"),
                &json!("Müller GmbH"),
                &json!("Ada van Lovelace"),
                &json!("2026-12-31")
            ),
            "{deals}"
        );
        assert_eq!(deals[1]["amount"], "1.50");
        desk.run(&["undo", done["change"].as_str().unwrap()]).json();
        assert_eq!(desk.call("list_deals", json!({})), json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_stays_in_its_workspace() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        assert_eq!(desk.run(&["workspace", "list"]).code, 0);
        assert_eq!(desk.run(&["workspace", "create", "other"]).code, 0);
        let file = desk.file("people.csv", PEOPLE);
        let main = desk
            .import("contacts", &file, &["--yes", "--workspace", "main"])
            .json();
        let other = desk
            .import("contacts", &file, &["--yes", "--workspace", "other"])
            .json();
        assert_eq!(
            (&main["created"], &other["created"]),
            (&json!(3), &json!(3)),
            "{engine:?}"
        );
        let change = main["change"].as_str().unwrap();
        desk.run(&["undo", change, "--workspace", "other"])
            .fails("No change");
        desk.run(&["undo", change, "--workspace", "main"]).json();
        let left = |workspace: &str| {
            desk.run(&["export", "contacts", "--workspace", workspace])
                .out
                .lines()
                .count()
                - 1
        };
        assert_eq!((left("main"), left("other")), (0, 3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn products_are_known_by_their_sku_and_taxed_as_the_workspace_has_it() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        desk.call(
            "create_product",
            json!({ "name": "Screw", "sku": "S-1", "unit_price": "1", "currency": "EUR", "tax_rate": "19" }),
        );
        let content = "Item name;Article no.;Price;Currency;Type;VAT;Tax code;For sale\n\
                       Screw M3;s-1;0.0125;EUR;goods;;exempt;\n\
                       Consulting;C-1;1,200.50;EUR;service;20;;yes\n\
                       Old thing;;5;EUR;;;;no\n\
                       Odd;O-1;5;EUR;;20;exempt;\n\
                       Unknown;O-2;5;EUR;;;exemt;\n\
                       No price;O-3;;EUR;;;;\n\
                       Perhaps;O-4;5;EUR;;;;perhaps\n\
                       Consultancy;c-1;1300;EUR;;;;\n";
        let file = desk.file("products.csv", content);
        let more = ["--yes", "--on-duplicate", "update"];
        let done = desk.import("products", &file, &more).json();
        let rejects = desk.read("products.rejected.csv");
        assert_eq!(
            (&done["created"], &done["updated"], &done["rejected"]),
            (&json!(2), &json!(2), &json!(4)),
            "{rejects} on {engine:?}"
        );
        for says in [
            "is taxed at 0%",
            "Did you mean",
            "unit_price is required.",
            "active is neither yes nor no.",
        ] {
            assert!(rejects.contains(says), "{says} is not in {rejects}");
        }
        let list = desk.call("list_products", json!({ "sort": "price" }));
        let row = |row: &Value| {
            json!([
                row["name"],
                row["unit_price"],
                row["tax_rate"],
                row["tax_category"]
            ])
        };
        let rows: Vec<Value> = list.as_array().unwrap().iter().map(row).collect();
        let expected = json!([
            ["Screw M3", "0.0125", null, "exempt"],
            ["Consultancy", "1300.00", "20", null]
        ]);
        assert_eq!(json!(rows), expected, "on {engine:?}");
        let old = desk.call("list_products", json!({ "active": false }));
        assert_eq!(old[0]["name"], "Old thing");
        desk.run(&["undo", done["change"].as_str().unwrap()]).json();
        let list = desk.call("list_products", json!({}));
        assert_eq!(
            list.as_array().unwrap().iter().map(row).collect::<Vec<_>>(),
            [json!(["Screw", "1.00", "19", null])],
            "on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expenses_are_read_with_their_day_vendor_and_who_spent_them() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        desk.call("create_company", json!({ "name": "Rail Ltd" }));
        let content = "Date,Purpose,Expense type,Total,VAT,Currency,Merchant,Vendor company,Submitted by,Billable,Receipt no\n\
                       2026-03-10,Train,Travel,88.00,5.76,EUR,Rail,rail ltd,Owner,x,R-1\n\
                       ,Pens,Office,3,,,,,,,\n\
                       2099-01-01,Later,Office,3,,EUR,,,,,\n\
                       2026-03-10,Half a yen,Office,1.5,,JPY,,,,,\n\
                       2026-03-10,Too much tax,Office,1,2,EUR,,,,,\n\
                       2026-03-10,,Office,1,,EUR,,,,,\n";
        let file = desk.file("expenses.csv", content);
        let done = desk.import("expenses", &file, &["--yes"]).json();
        let rejects = desk.read("expenses.rejected.csv");
        assert_eq!(
            (&done["created"], &done["rejected"]),
            (&json!(2), &json!(4)),
            "{rejects} on {engine:?}"
        );
        for says in [
            "2099-01-01 is still to come.",
            "JPY has 0 digits",
            "tax_amount is from zero",
            "description is required.",
        ] {
            assert!(rejects.contains(says), "{says} is not in {rejects}");
        }
        let today = desk.call("get_workspace", json!({}))["today"].clone();
        let list = desk.call("list_expenses", json!({}));
        assert_eq!(
            (&list[0]["description"], &list[0]["spent_on"]),
            (&json!("Pens"), &today)
        );
        let train = &list[1];
        assert_eq!(
            (
                &train["amount"],
                &train["tax_amount"],
                &train["company"]["name"],
                &train["owner"]["name"],
                &train["billable"],
                &train["reference"],
            ),
            (
                &json!("88.00"),
                &json!("5.76"),
                &json!("Rail Ltd"),
                &json!("Owner"),
                &json!(true),
                &json!("R-1"),
            ),
            "{train} on {engine:?}"
        );
        desk.run(&["undo", done["change"].as_str().unwrap()]).json();
        assert_eq!(desk.call("list_expenses", json!({})), json!([]));
    }
}

/// The cells of a table as texts in a sheet.
fn workbook_of(text: &str) -> Vec<u8> {
    let header = text.lines().next().unwrap_or_default();
    let delimiter = if header.contains(';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    workbook(|sheet| {
        for (row, record) in (0..).zip(reader.records()) {
            for (column, cell) in (0..).zip(&record.unwrap()) {
                sheet.write_string(row, column, cell).unwrap();
            }
        }
    })
}

fn workbook(fill: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(book.add_worksheet());
    book.save_to_buffer().unwrap()
}

/// What a preview says of a file's rows: the counts, the first records, and why rows are rejected.
struct Look(Value);

impl Look {
    fn at(desk: &Desk, what: &str, name: &str, content: impl AsRef<[u8]>) -> Self {
        let file = desk.file(name, &content);
        let mut look = Self(desk.import(what, &file, &["--preview"]).json());
        if let (true, Ok(text)) = (name.ends_with(".csv"), str::from_utf8(content.as_ref())) {
            // A workbook with these cells is read as the table is, but for where its rows stand.
            let book = desk.file("same.xlsx", workbook_of(text));
            let mut same = desk.import(what, &book, &["--preview"]).json();
            let fields = same.as_object_mut().unwrap();
            assert_eq!(fields.remove("sheet"), Some(json!("Sheet1")));
            assert_eq!(fields.remove("other_sheets"), Some(json!([])));
            let rejected = look.0["first_rejected"].as_array_mut().unwrap();
            let others = same["first_rejected"].as_array_mut().unwrap();
            for (one, other) in rejected.iter().zip(others) {
                other["line"] = one["line"].clone();
            }
            // The moment of a look is its own.
            let records = look.0["first_records"].as_array().unwrap();
            let others = same["first_records"].as_array_mut().unwrap();
            for (one, other) in records.iter().zip(others) {
                if let Some(since) = one.get("stage_since") {
                    other["stage_since"] = since.clone();
                }
            }
            assert_eq!(same, look.0, "{name}");
        }
        look
    }

    fn counts(&self) -> (u64, u64) {
        let count = |name: &str| self.0[name].as_u64().unwrap();
        (count("created"), count("rejected"))
    }

    fn record(&self, place: usize) -> &Value {
        &self.0["first_records"][place]
    }

    fn reason(&self, place: usize) -> &str {
        self.0["first_rejected"][place]["reason"]
            .as_str()
            .unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_of_address_books_are_read_as_they_come() {
    let desk = Desk::new(Engine::Sqlite).await;
    let look = Look::at(
        &desk,
        "contacts",
        "outlook.csv",
        "\u{feff}Title,First Name,Middle Name,Last Name,Company,Job Title,Business Street,Business City,Business Country/Region,\
         Business Phone,Mobile Phone,E-mail Address,E-mail Type,E-mail 2 Address,Categories,Notes,Web Page\r\n\
         Mrs.,Ada,,Lovelace,Engines,Analyst,1 Mill Rd,London,United Kingdom,+44 20 79460958,+44 7400 123456,\
         ada@engines.example,SMTP,ada@home.example,vip;math,\"First\r\nprogrammer\",https://engines.example\r\n\
         Mr.,Alan,,Turing,Park,Reader,,,,,,/o=ExchangeLabs/ou=Group/cn=Recipients/cn=alan,EX,,,,\r\n",
    );
    assert_eq!(look.counts(), (2, 0), "{}", look.0);
    let ada = look.record(0);
    assert_eq!(
        (&ada["title"], &ada["country"]),
        (&json!("Analyst"), &json!("GB"))
    );
    assert_eq!(ada["phones"].as_array().unwrap().len(), 2, "{ada}");
    assert_eq!(ada["emails"].as_array().unwrap().len(), 2, "{ada}");
    assert_eq!(look.record(1)["emails"], Value::Null);
    let warnings = look.0["warnings"].as_object().unwrap();
    assert!(
        warnings.keys().any(|warning| warning.contains("Exchange")),
        "{warnings:?}"
    );

    let look = Look::at(
        &desk,
        "contacts",
        "outlook-de.csv",
        "Anrede;Vorname;Nachname;Firma;Position;Straße geschäftlich;Ort geschäftlich;Land/Region geschäftlich;\
         Telefon geschäftlich;Mobiltelefon;Telefon privat;E-Mail-Adresse;Notizen;Kategorien;Webseite\r\n\
         Herr;Jürgen;Keller;Brandt;Einkauf;Hafenstr. 1;Köln;Deutschland;0221 123456;0171 1234567;0221 99999;\
         j.keller@brandt.example;Spielt Schach;Kunde;brandt.example\r\n",
    );
    let keller = look.record(0);
    assert_eq!(look.counts(), (1, 0), "{}", look.0);
    assert_eq!(
        (
            &keller["title"],
            &keller["city"],
            &keller["country"],
            &keller["summary"]
        ),
        (
            &json!("Einkauf"),
            &json!("Köln"),
            &json!("DE"),
            &json!("Spielt Schach")
        )
    );
    let kinds: Vec<&Value> = keller["phones"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["type"])
        .collect();
    assert_eq!(kinds, ["work", "mobile", "personal"]);
    assert_eq!(keller["emails"][0]["email"], "j.keller@brandt.example");

    let look = Look::at(
        &desk,
        "contacts",
        "google.csv",
        "First Name,Middle Name,Last Name,Organization Name,Organization Title,Labels,E-mail 1 - Label,E-mail 1 - Value,\
         Phone 1 - Label,Phone 1 - Value,Address 1 - City,Address 1 - Country,Website 1 - Value,Notes\n\
         Grace,,Hopper,Navy,Admiral,Friends ::: * myContacts,* Work,grace@navy.example ::: hopper@navy.example,Mobile,\
         +1 212 555 0101 ::: +1 212 555 0102,New York,USA,,COBOL\n\
         ,,,Globex,,* myContacts,,,Work,+1 212 555 0199,,,,\n",
    );
    assert_eq!(look.counts(), (2, 0), "{}", look.0);
    let grace = look.record(0);
    assert_eq!(
        grace["emails"][1],
        json!({ "email": "hopper@navy.example", "type": "work" })
    );
    assert_eq!(grace["phones"][1]["type"], "mobile", "{grace}");
    assert_eq!(
        (&grace["tags"], &grace["city"], &grace["country"]),
        (&json!(["Friends"]), &json!("New York"), &json!("US"))
    );
    assert_eq!(look.record(1)["name"], "Globex");

    let look = Look::at(
        &desk,
        "contacts",
        "linkedin.csv",
        "Notes:\n\"When exporting your connection data, you may notice that some addresses are missing.\"\n\n\
         First Name,Last Name,URL,Email Address,Company,Position,Connected On\n\
         Ada,Lovelace,https://linkedin.example/in/ada,ada@engines.example,Engines,Analyst,01 Mar 2024\n\
         Alan,Turing,https://linkedin.example/in/alan,no address,Park,Reader,02 Mar 2024\n",
    );
    assert_eq!(look.counts(), (1, 1), "{}", look.0);
    assert_eq!(look.record(0)["title"], "Analyst");
    assert_eq!(look.0["first_rejected"][0]["line"], 6);

    let look = Look::at(
        &desk,
        "contacts",
        "excel.csv",
        "Name;Ort;Umsatz\r\nAda;Köln;1,5\r\n;;\r\nTotal Energies;Paris;\r\nSumme;;1,5\r\n",
    );
    assert_eq!(look.counts(), (2, 1), "{}", look.0);
    assert!(look.reason(0).contains("sum below a table"), "{}", look.0);

    for (name, content, says) in [
        ("book.xlsx", &b"PK\x03\x04rest"[..], "it is damaged"),
        (
            "old.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1",
            "Save it as .xlsx, or as CSV",
        ),
        (
            "locked.xlsx",
            b"\xd0\xcf\x11\xe0E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0",
            "take the password away",
        ),
    ] {
        let file = desk.file(name, content);
        desk.import("contacts", &file, &["--preview"]).fails(says);
    }
    desk.run(&["import", "contacts", &desk.path("nowhere.csv")])
        .fails("cannot be read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_is_read_by_its_types_and_the_rows_of_its_sheet() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let define = ["workspace", "attribute", "define", "deal", "margin"];
        let defined = desk.run(&[&define[..], &["--kind", "number"]].concat());
        assert_eq!(defined.code, 0, "{}", defined.err);
        let mut book = Workbook::new();
        book.add_worksheet().set_name("Cover").unwrap();
        let sheet = book.add_worksheet().set_name("Deals").unwrap();
        let format = |code: &str| Format::new().set_num_format(code);
        let title = Format::new();
        sheet
            .merge_range(0, 0, 0, 4, "Our deals, as of today", &title)
            .unwrap();
        for (column, header) in (0..).zip(["Name", "Amount", "Probability", "Close date", "Margin"])
        {
            sheet.write_string(3, column, header).unwrap();
        }
        let day = ExcelDateTime::from_ymd(2027, 1, 31).unwrap();
        let mut deal = |row: u32, name: &str, amount: f64, share: f64| {
            sheet.write_string(row, 0, name).unwrap();
            let amount = Formula::new("=SUM(X1:X9)").set_result(amount.to_string());
            sheet.write_formula(row, 1, amount).unwrap();
            let percent = format("0%");
            sheet
                .write_number_with_format(row, 2, share, &percent)
                .unwrap();
            let shown = format("d. mmm yyyy");
            sheet
                .write_datetime_with_format(row, 3, &day, &shown)
                .unwrap();
        };
        deal(4, "Roof", 1.0, 1.0);
        deal(6, "Wall", 900.0, 0.07);
        deal(9, "Door", 1.0, 7.0);
        let share = format("0.0%");
        sheet
            .write_number_with_format(4, 4, 0.1 + 0.2, &share)
            .unwrap();
        let missing = Formula::new("=VLOOKUP(1,A1:B2,2)").set_result("#N/A");
        sheet.write_formula(4, 1, missing).unwrap();
        sheet.write_string(11, 0, "Total").unwrap();
        sheet.write_number(11, 1, 901).unwrap();
        let people = book.add_worksheet().set_name("People").unwrap();
        people.write_string(0, 0, "Name").unwrap();
        people.write_string(1, 0, "Ada").unwrap();
        let file = desk.file("book.xlsx", book.save_to_buffer().unwrap());

        // However days and numbers are written as text, a workbook knows which ones are meant.
        let said = ["--decimal", ",", "--date-format", "DD.MM.YYYY"];
        let done = desk
            .import("deals", &file, &[&["--yes"], &said[..]].concat())
            .json();
        assert_eq!(
            (&done["created"], &done["rejected"], &done["sheet"]),
            (&json!(2), &json!(2), &json!("Deals")),
            "{done}"
        );
        assert_eq!(done["other_sheets"], json!(["People"]));
        let warning = "\"Amount\" is #N/A, the error of a formula; it stays empty.";
        assert_eq!(done["warnings"], json!({ warning: 1 }));
        let rejects = desk.read("book.rejected.csv");
        let mut lines = rejects.lines();
        assert_eq!(
            lines.next(),
            Some("Name,Amount,Probability,Close date,Margin,line,reason")
        );
        let door = lines.next().unwrap();
        assert!(door.starts_with("Door,1,700%,31.01.2027,,10,"), "{door}");
        assert!(lines.next().unwrap().starts_with("Total,901,,,,12,"));
        let all = desk.run(&["export", "deals"]).out;
        let mut reader = csv::Reader::from_reader(all.as_bytes());
        let headers = reader.headers().unwrap().clone();
        let told = [
            "name",
            "amount",
            "probability",
            "expected_close",
            "attributes.margin",
        ];
        let deals: Vec<Vec<String>> = reader
            .records()
            .map(|record| {
                let record = record.unwrap();
                let place = |name: &str| headers.iter().position(|header| header == name);
                told.map(|name| record[place(name).unwrap()].to_owned())
                    .to_vec()
            })
            .collect();
        assert_eq!(
            deals,
            [
                ["Roof", "", "100", "2027-01-31", "0.3"],
                ["Wall", "900", "7", "2027-01-31", ""],
            ]
        );

        let done = desk
            .import(
                "contacts",
                &file,
                &["--sheet", "people", "--yes", "--force"],
            )
            .json();
        assert_eq!(done["created"], 1);
        assert_eq!(desk.names(), ["Ada"]);
        let shown = desk.run(&[
            "import",
            "contacts",
            &file,
            "--sheet",
            "People",
            "--preview",
        ]);
        for says in ["1 rows.", "sheet \"People\"", "--sheet", "\"Deals\""] {
            assert!(shown.out.contains(says), "{}", shown.out);
        }
        desk.import("contacts", &file, &["--sheet", "Leads", "--preview"])
            .fails("It has: \"Cover\", \"Deals\", \"People\".");
        desk.import("contacts", &file, &["--sheet", "Cover", "--preview"])
            .fails("is empty");
        let table = desk.file("people.csv", PEOPLE);
        desk.import("contacts", &table, &["--sheet", "People", "--preview"])
            .fails("no sheets");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_a_workbook_where_its_file_is_one() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        desk.call(
            "create_contact",
            json!({ "name": "=Ada", "phones": ["030 901821"] }),
        );
        let named = desk.path("people.xlsx");
        let said = desk.path("people.data");
        desk.run(&["export", "contacts", &named, "--json"]).json();
        desk.run(&["export", "contacts", &said, "--format", "xlsx", "--json"])
            .json();
        let content = std::fs::read(&named).unwrap();
        assert!(content.starts_with(b"PK"));
        assert_eq!(content, std::fs::read(&said).unwrap());
        desk.run(&["export", "contacts", "--format", "xlsx"])
            .fails("into a file");
        desk.run(&["export", "contacts", &named, "--format", "csv", "--json"])
            .json();
        assert!(desk.read("people.xlsx").starts_with("id,name"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_of_other_sales_programs_are_read_as_they_come() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let look = Look::at(
            &desk,
            "contacts",
            "hubspot.csv",
            "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Contact owner,Lifecycle Stage,\
             Associated Company,Lead Status,Country/Region\r\n\
             1,Ada,Lovelace,ada@engines.example,,+44 7400 123456,Bob Elsewhere,Opportunity,Cyberdyne,Open,Germany\r\n\
             2,Alan,Turing,alan@park.example,,,Bob Elsewhere,Marketing Qualified Lead,Park,,\r\n",
        );
        assert_eq!(look.counts(), (2, 0), "{}", look.0);
        let ada = look.record(0);
        assert_eq!(
            (&ada["types"], &ada["company"]),
            (&json!(["prospect"]), &json!("Cyberdyne"))
        );
        assert_eq!(ada["phones"][0]["type"], "mobile");
        assert_eq!(look.record(1)["types"], json!(["lead"]));
        let warnings = look.0["warnings"].as_object().unwrap();
        let unknown = "owner: there is no member \"Bob Elsewhere\"; it stays empty.";
        assert_eq!(warnings.get(unknown), Some(&json!(2)), "{warnings:?}");
        // A person is told as well, and what is written says the same.
        let file = desk.path("hubspot.csv");
        let shown = desk.run(&["import", "contacts", &file, "--yes"]);
        assert!(
            shown.out.contains(&format!("2 rows: {unknown}")),
            "{}",
            shown.out
        );

        desk.call("create_company", json!({ "name": "Cyberdyne" }));
        let look = Look::at(
            &desk,
            "deals",
            "hubspot-deals.csv",
            "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Deal probability,Associated Company,Pipeline\r\n\
             1,Roof,Lead,2027-01-31,Bob Elsewhere,1200.50,0.2,Cyberdyne,Sales\r\n\
             2,Wall,Closed Won,2026-01-31,,900,1.0,Cyberdyne,Sales\r\n\
             3,Door,Lead,2027-01-31,,900,0.2,Nobody Inc,Sales Pipeline\r\n",
        );
        assert_eq!(look.counts(), (2, 1), "{}", look.0);
        assert_eq!(look.record(0)["probability"], 20, "{}", look.0);
        assert_eq!(look.record(1)["status"], "won", "{}", look.0);
        let reason = look.reason(0);
        let says_all =
            reason.contains("there is no company \"Nobody Inc\"") && reason.contains("pipeline");
        assert!(says_all, "{reason}");

        let look = Look::at(
            &desk,
            "contacts",
            "pipedrive.csv",
            "Person - Name,Person - Organization,Person - Email - Work,Person - Phone - Mobile,Person - Label\n\
             Grace Hopper,Navy,grace@navy.example,+1 212 555 0101,Hot\n",
        );
        assert_eq!(look.counts(), (1, 0), "{}", look.0);
        let grace = look.record(0);
        assert_eq!(
            (&grace["company"], &grace["tags"]),
            (&json!("Navy"), &json!(["Hot"]))
        );
        assert_eq!(grace["emails"][0]["type"], "work");
        let look = Look::at(
            &desk,
            "companies",
            "pipedrive-organisations.csv",
            "Organization - Name,Organization - Address,Organization - Label\nNavy,1 Pier,Key\n",
        );
        assert_eq!(
            (look.counts(), &look.record(0)["street"]),
            ((1, 0), &json!("1 Pier")),
            "{}",
            look.0
        );
        let look = Look::at(
            &desk,
            "deals",
            "pipedrive-deals.csv",
            "Deal - Title,Deal - Value,Deal - Currency of Value,Deal - Organization,Deal - Status\nRoof,900,USD,Cyberdyne,Open\n",
        );
        assert_eq!(look.counts(), (1, 0), "{}", look.0);
        assert_eq!(look.record(0)["currency"], "USD");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_on_the_line_on_which_an_editor_shows_it() {
    let desk = Desk::new(Engine::Sqlite).await;
    for end in ["\r\n", "\n"] {
        let rows = [
            "Name,Email",
            "A,a@x.example",
            "B,bad",
            "",
            "\"C",
            "c\",bad",
            "D,bad",
        ];
        let look = Look::at(&desk, "contacts", "lines.csv", rows.join(end));
        let rejected = look.0["first_rejected"].as_array().unwrap();
        let lines: Vec<&Value> = rejected.iter().map(|one| &one["line"]).collect();
        assert_eq!(lines, [3, 5, 7], "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_one_name_and_members_of_elsewhere_come_back_from_an_export() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let member = [
            "member",
            "add",
            "Priya Nair",
            "--email",
            "priya@firm.example",
        ];
        let added = desk.run(&member);
        assert_eq!(added.code, 0, "{}", added.err);
        assert_eq!(desk.run(&["workspace", "create", "other"]).code, 0);
        let company = desk.call(
            "create_company",
            json!({ "name": "Siemens", "owner": "Priya Nair" }),
        );
        for number in 0..2 {
            let person = json!({ "name": "Anna Schmidt", "company_id": company["id"], "owner": "Priya Nair",
                "emails": [format!("anna{number}@siemens.example")], "phones": [format!("+49 30 90182{number}")] });
            let person = desk.call("create_contact", person);
            let deal = json!({ "name": format!("Deal {number}"), "contact": person["id"], "owner": "Priya Nair" });
            desk.call("create_deal", deal);
            let call = json!({ "type": "call", "subject": format!("Call {number}"), "contact": person["id"], "done": true,
                "due_at": "2026-01-10T10:00", "outcome": "Wants it", "deal": format!("Deal {number}") });
            desk.call("create_activity", call);
        }
        for (what, count) in [
            ("companies", 1),
            ("contacts", 2),
            ("deals", 2),
            ("activities", 2),
        ] {
            let file = desk.path(&format!("{what}.csv"));
            desk.run(&["export", what, &file, "--json", "--workspace", "main"])
                .json();
            let done = desk
                .import(what, &file, &["--yes", "--workspace", "other"])
                .json();
            let counts = (&done["created"], &done["skipped"], &done["rejected"]);
            assert_eq!(
                counts,
                (&json!(count), &json!(0), &json!(0)),
                "{what} on {engine:?}: {done}"
            );
            if what == "activities" {
                continue;
            }
            assert_eq!(
                done["warnings"].as_object().unwrap().len(),
                1,
                "{what}: the owner is told of"
            );
        }
        let records = |workspace: &str, what: &str| {
            let words = [
                "export",
                what,
                "--format",
                "jsonl",
                "--workspace",
                workspace,
            ];
            let end = desk.run(&words);
            let lines = end.out.lines();
            let told = lines.map(|line| {
                let record: Value = serde_json::from_str(line).unwrap();
                [
                    "contact_email",
                    "company_name",
                    "deal_name",
                    "done_at",
                    "outcome",
                ]
                .map(|name| record[name].as_str().unwrap_or_default().to_owned())
                .join("|")
            });
            told.collect::<Vec<_>>()
        };
        for what in ["deals", "activities"] {
            let told = records("main", what);
            assert_eq!(told, records("other", what), "{what} on {engine:?}");
            assert!(told[1].starts_with("anna1@siemens.example|"), "{told:?}");
        }
        let told = records("other", "activities");
        assert!(told[0].contains("|Deal 0|2026-01-10T10:00:00"), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn namesakes_of_one_firm_are_all_imported() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let content = "name,company,email,phone\n\
                       Anna Schmidt,Siemens AG,a1@siemens.example,+49 30 901821\n\
                       Anna Schmidt,Siemens,a2@siemens.example,+49 30 901822\n\
                       Anna Schmidt,Siemens,a3@siemens.example,\n\
                       Anna Schmidt,Siemens,,\n\
                       Anna Schmidt,Siemens,a2@siemens.example,\n";
        let file = desk.file("namesakes.csv", content);
        let counted = |done: &Value| {
            ["created", "skipped", "rejected"].map(|name| done[name].as_u64().unwrap())
        };
        let preview = desk.import("contacts", &file, &["--preview"]).json();
        assert_eq!(counted(&preview), [3, 2, 0], "{engine:?}");
        let done = desk.import("contacts", &file, &["--yes"]).json();
        assert_eq!(counted(&done), [3, 2, 0], "{engine:?}");
        let again = desk.import("contacts", &file, &["--yes"]).json();
        assert_eq!(counted(&again), [0, 5, 0], "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_are_read_and_exports_are_bounded_by_status_and_day() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let cards = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg\r\nTEL;CELL:030 901821\r\nEND:VCARD\r\n\
                     BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ada\r\nEMAIL:ada@cards.example\r\nEND:VCARD\r\n\
                     BEGIN:VCARD\r\nFN:Cut off\r\n";
        let file = desk.file("cards.vcf", cards);
        let done = desk.import("contacts", &file, &["--yes"]).json();
        assert_eq!(
            (&done["created"], &done["rejected"]),
            (&json!(2), &json!(1))
        );
        assert_eq!(desk.names(), ["Ada", "Jörg Müller"]);
        let rejected = desk.read("cards.rejected.csv");
        assert!(rejected.contains(",11,The card is cut off"), "{rejected}");
        desk.import("companies", &file, &["--yes", "--force"])
            .fails("vCards are people");

        let list = desk.run(&["export", "contacts", "--format", "json"]).json();
        assert_eq!(list.as_array().unwrap().len(), 2);
        let none = desk.run(&["export", "deals", "--format", "json"]).json();
        assert_eq!(none, json!([]));
        desk.call("create_deal", json!({ "name": "Open" }));
        desk.call(
            "create_deal",
            json!({ "name": "Lost", "status": "lost", "lost_reason": "price" }),
        );
        let rows = |words: &[&str]| {
            let end = desk.run(&[&["export"], words].concat());
            assert_eq!(end.code, 0, "{}", end.err);
            end.out.lines().count() - 1
        };
        assert_eq!(rows(&["deals", "--status", "lost"]), 1);
        assert_eq!(rows(&["deals", "--status", "open,lost"]), 2);
        let bounds = [
            "--dated-after",
            "2026-10-01",
            "--dated-before",
            "2026-10-31",
        ];
        for kind in [
            "invoices",
            "invoice-lines",
            "payments",
            "expenses",
            "quotations",
        ] {
            assert_eq!(rows(&[&[kind][..], &bounds].concat()), 0, "{kind}");
        }
        for (words, says) in [
            (
                &["contacts", "--dated-after", "2026-10-01"][..],
                "no day of their own",
            ),
            (
                &["invoices", "--dated-after", "soon"],
                "--dated-after is no date",
            ),
            (&["invoices", "--status", "unpayed"], "partly_paid"),
            (&["companies", "--status", "open"], "have no status"),
            (&["invoice_line"], "Did you mean invoice_lines?"),
        ] {
            desk.run(&[&["export"], words].concat()).fails(says);
        }
    }
}
