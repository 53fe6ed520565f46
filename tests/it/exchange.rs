//! Tables brought in and taken out by tools: the same rules as the command line's, on both engines.

use std::io::{Cursor, Write as _};

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Outcome, Settings};
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use data_encoding::BASE64;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::MODULES;
use crate::abuse::invoice;
use crate::stdio::{opening, server, session, text_of};

const PEOPLE: &str = "Name,E-Mail,Company\r\n\
                      Ada Lovelace,ada@people.example,Engines\r\n\
                      \"Grace\r\nHopper\",grace@people.example,Navy\r\n\
                      Alan Turing,no address,Park\r\n\
                      Mary Jackson,mary@people.example,Hampton\r\n";

/// Created, updated, skipped and rejected.
fn counts(data: &Value) -> (u64, u64, u64, u64) {
    let count = |name: &str| {
        data[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name}: {data}"))
    };
    (
        count("created"),
        count("updated"),
        count("skipped"),
        count("rejected"),
    )
}

async fn table(app: &TestApp, caller: &Caller, arguments: Value) -> (u64, String) {
    let data = app.data(caller, "export_data", arguments).await;
    assert_eq!(data["complete"], true, "{data}");
    let text = data["document"]["content"].as_str().unwrap().to_owned();
    (data["rows"].as_u64().unwrap(), text)
}

/// A table's rows by the names of their columns.
fn rows(text: &str) -> Vec<Map<String, Value>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        let cells = headers.iter().zip(&row);
        cells
            .map(|(name, cell)| (name.to_owned(), cell.into()))
            .collect()
    });
    rows.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_comes_in_as_text_and_as_rows_and_goes_back_with_one_undo() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let kinds = [
            (
                "companies",
                "name,city\nAcme,Berlin\n",
                json!({ "name": "Globex", "city": "Paris" }),
            ),
            (
                "contacts",
                "name;email\nAda;a@x.example\n",
                json!({ "name": "Grace", "email": ["g@x.example", "h@x.example"] }),
            ),
            (
                "candidates",
                "candidate,e-mail,skills\nAda,a@x.example,maths\n",
                json!({ "name": "Grace", "email": "g@x.example", "source": "Fair" }),
            ),
            (
                "deals",
                "name\tamount\nLicences\t1,234.50\n",
                json!({ "name": "Support", "amount": 99.5 }),
            ),
            (
                "activities",
                "subject,type\nCall back,call\n",
                json!({ "subject": "Write", "type": "email" }),
            ),
            (
                "products",
                "name,price\nHour,90\n",
                json!({ "name": "Day", "price": "720.00" }),
            ),
            (
                "expenses",
                "description,category,amount,date\nTrain,travel,49.90,2026-01-05\n",
                json!({ "description": "Hotel", "category": "travel", "amount": 120, "date": "2026-01-06" }),
            ),
            (
                "documents",
                "title,text,tags\nHandbook,Come in time.,rules\n",
                json!({ "title": "Leave", "text": "Ask before you go.", "folder": "HR" }),
            ),
        ];
        let known: Vec<&str> = app
            .dispatcher
            .registry()
            .imports()
            .map(bureau_kernel::import::AnyImport::name)
            .collect();
        for name in known {
            assert!(
                kinds.iter().any(|(kind, ..)| *kind == name),
                "{name} is not tried"
            );
        }
        for (kind, text, row) in kinds {
            for given in [json!({ "text": text }), json!({ "rows": [row] })] {
                let mut arguments = json!({ "kind": kind });
                arguments
                    .as_object_mut()
                    .unwrap()
                    .extend(given.as_object().unwrap().clone());
                let answer = app.ok(&owner, "import_data", arguments).await;
                let data = &answer["data"];
                assert_eq!(counts(data), (1, 0, 0, 0), "{kind} on {engine:?}: {data}");
                assert_eq!(data["records"][0]["became"], "created");
                assert!(data["records"][0]["record"]["name"].is_string(), "{data}");
                let log = json!({ "change": answer["change"] });
                let log = app.data(&owner, "list_changes", log).await;
                assert_eq!(log[0]["tool"], "import_data", "{log}");
                assert_eq!(table(&app, &owner, json!({ "kind": kind })).await.0, 1);
                let undo = json!({ "change": answer["change"] });
                app.ok(&owner, "undo_change", undo).await;
                assert_eq!(table(&app, &owner, json!({ "kind": kind })).await.0, 0);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_what_would_be_done_by_line_and_writes_nothing() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        app.ok(
            &owner,
            "create_contact",
            json!({ "name": "Mary Jackson", "email": "mary@people.example" }),
        )
        .await;
        for way in ["preview", "dry_run"] {
            let arguments = json!({ "kind": "contacts", "text": PEOPLE, (way): true });
            let answer = app.ok(&owner, "import_data", arguments).await;
            assert_eq!(answer["dry_run"], true, "{answer}");
            assert_eq!(answer.get("change"), None, "{answer}");
            let data = &answer["data"];
            assert_eq!(counts(data), (2, 0, 1, 1), "{way} on {engine:?}: {data}");
            let lines: Vec<_> = data["records"].as_array().unwrap().iter().collect();
            let lines: Vec<_> = lines
                .iter()
                .map(|one| {
                    (
                        one["line"].as_u64().unwrap(),
                        one["became"].as_str().unwrap(),
                    )
                })
                .collect();
            assert_eq!(lines, [(2, "created"), (3, "created"), (6, "skipped")]);
            assert_eq!(data["records"][2]["record"]["name"], "Mary Jackson");
            assert_eq!(data["rejects"][0]["line"], 5, "{data}");
            assert_eq!(data["rejects"][0]["field"], "emails", "{data}");
            assert_eq!(
                table(&app, &owner, json!({ "kind": "contacts" })).await.0,
                1
            );
        }
        let preview =
            json!({ "kind": "contacts", "text": PEOPLE, "preview": true, "mapping": ["Company="] });
        let data = app.data(&owner, "import_data", preview).await;
        assert_eq!(
            data["columns"][1],
            json!({ "header": "E-Mail", "field": "emails" })
        );
        assert_eq!(data["ignored"], json!(["Company"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doubles_are_skipped_updated_or_made_and_a_repeated_call_is_done_once() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let rows = json!([
            { "name": "Ada", "email": "ada@x.example" },
            { "name": "Ada L.", "email": "ada@x.example", "city": "London" },
            { "name": "Grace", "email": "grace@x.example", "owner": "Nobody" },
        ]);
        let first = json!({ "kind": "contacts", "rows": rows, "idempotency_key": "leads" });
        let answer = app.ok(&owner, "import_data", first.clone()).await;
        let data = &answer["data"];
        assert_eq!(counts(data), (2, 0, 1, 0), "{data}");
        assert_eq!(
            data["records"][0]["record"]["id"],
            data["records"][1]["record"]["id"]
        );
        assert_eq!(data["warnings"][0]["rows"], 1, "{data}");
        assert!(
            data["warnings"][0]["what"]
                .as_str()
                .unwrap()
                .contains("Nobody"),
            "{data}"
        );
        // Once.
        assert_eq!(app.ok(&owner, "import_data", first).await, answer);
        let again = |how: &str| json!({ "kind": "contacts", "rows": rows, "on_duplicate": how });
        let skipped = app.data(&owner, "import_data", again("skip")).await;
        assert_eq!(counts(&skipped), (0, 0, 3, 0), "{skipped}");
        let change = app.ok(&owner, "import_data", again("update")).await;
        assert_eq!(counts(&change["data"]), (0, 3, 0, 0), "{change}");
        let ada = json!({ "contact": "ada@x.example" });
        assert_eq!(
            app.data(&owner, "get_contact", ada.clone()).await["city"],
            "London"
        );
        app.ok(&owner, "undo_change", json!({ "change": change["change"] }))
            .await;
        assert_eq!(app.data(&owner, "get_contact", ada).await.get("city"), None);
        let more = app.data(&owner, "import_data", again("create")).await;
        assert_eq!(counts(&more), (3, 0, 0, 0), "{more}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_refer_to_rows_below_them_find_them() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let text = "name,reports to\nAda,Grace\nGrace,Mary\nMary,\nAlan,Nobody\n";
        let arguments = json!({ "kind": "contacts", "text": text });
        let data = app.data(&owner, "import_data", arguments).await;
        assert_eq!(counts(&data), (3, 0, 0, 1), "{data}");
        assert_eq!(data["rejects"][0]["line"], 5);
        assert_eq!(data["rejects"][0]["field"], "reports_to");
        let lines = data["records"].as_array().unwrap().iter();
        let lines: Vec<_> = lines.map(|one| one["line"].as_u64().unwrap()).collect();
        assert_eq!(lines, [2, 3, 4]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_become_people() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let text = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Lovelace;Ada;;;\r\nFN:Ada Lovelace\r\nORG:Engines\r\n\
                    EMAIL;type=WORK:ada@x.example\r\nTEL;type=CELL:+49 30 901820\r\nEND:VCARD\r\n\
                    BEGIN:VCARD\r\nFN:Grace\r\nEMAIL:nowhere\r\nEND:VCARD\r\n";
        let data = app
            .data(
                &owner,
                "import_data",
                json!({ "kind": "contacts", "text": text }),
            )
            .await;
        assert_eq!(counts(&data), (1, 0, 0, 1), "{data}");
        assert_eq!(data["rejects"][0]["line"], 9);
        let ada = app
            .data(&owner, "get_contact", json!({ "contact": "ada@x.example" }))
            .await;
        assert_eq!(ada["emails"][0]["type"], "work", "{ada}");
        assert_eq!(ada["phones"][0]["type"], "mobile", "{ada}");
        let error = app
            .error(
                &owner,
                "import_data",
                json!({ "kind": "companies", "text": text }),
            )
            .await;
        assert_eq!(error.field_name(), Some("kind"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_table_or_too_much_is_refused_by_field_and_nothing_is_written() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let owner = app.owner().await;
    let many: Vec<Value> = (0..501)
        .map(|number| json!({ "name": format!("P{number}") }))
        .collect();
    let lines: String = (0..2_001).map(|number| format!("P{number}\n")).collect();
    for (arguments, field, says) in [
        (json!({ "kind": "contacts" }), "rows", "text of a file"),
        (
            json!({ "kind": "contacts", "text": "name\nA\n", "rows": [{ "name": "A" }] }),
            "text",
            "not both",
        ),
        (
            json!({ "kind": "contact", "text": "name\nA\n" }),
            "kind",
            "Did you mean contacts?",
        ),
        (
            json!({ "kind": "invoices", "text": "name\nA\n" }),
            "kind",
            "There are:",
        ),
        (
            json!({ "kind": "contacts", "text": "PK\u{3}\u{4}rest" }),
            "text",
            "in Base64",
        ),
        (
            json!({ "kind": "contacts", "text": "UEsDBBQABgAIAAAAIQ" }),
            "text",
            "Excel workbook that cannot be read",
        ),
        (
            json!({ "kind": "contacts", "text": "UEsDB?" }),
            "text",
            "none to its end. Give the whole file in Base64.",
        ),
        (
            json!({ "kind": "contacts", "text": BASE64.encode(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") }),
            "text",
            "old Excel workbook",
        ),
        (
            json!({ "kind": "contacts", "text": BASE64.encode(&workbook(2_001)) }),
            "text",
            "2001 rows; at most 2000",
        ),
        (
            json!({ "kind": "contacts", "text": BASE64.encode(&bomb()) }),
            "text",
            "unpacks to more than 16 MiB",
        ),
        (
            json!({ "kind": "contacts", "text": "colour\nblue\n" }),
            "text",
            "Fields:",
        ),
        (
            json!({ "kind": "contacts", "text": "name\nA\n", "mapping": ["name"] }),
            "mapping[0]",
            "Header=field",
        ),
        (
            json!({ "kind": "contacts", "text": "name\nA\n", "mapping": ["nam=name"] }),
            "mapping",
            "names a column that is not there. Did you mean",
        ),
        (
            json!({ "kind": "contacts", "text": "name\nA\n", "mapping": ["name=nam"] }),
            "mapping",
            "names a field that is not there. Did you mean name?",
        ),
        (
            json!({ "kind": "contacts", "text": "name\nA\n", "mapping": ["name="] }),
            "mapping",
            "Fields:",
        ),
        (
            json!({ "kind": "companies", "text": "name;Straße;Anschrift\nA;B 1;C 2\n" }),
            "mapping",
            "Two columns are street. Leave one out",
        ),
        (
            json!({ "kind": "contacts", "rows": many }),
            "rows",
            "at most 500",
        ),
        (
            json!({ "kind": "contacts", "text": format!("name\n{lines}") }),
            "text",
            "at most 2000",
        ),
        (
            json!({ "kind": "contacts", "text": format!("name\n{}", "a".repeat(1 << 20)) }),
            "text",
            "at most 1024",
        ),
    ] {
        let error = app.error(&owner, "import_data", arguments).await;
        assert_eq!(error.code(), Code::Validation, "{error:?}");
        assert_eq!(error.field_name(), Some(field), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
    for (arguments, field) in [
        (json!({ "kind": "contakts" }), "kind"),
        (
            json!({ "kind": "contacts", "dated_after": "2026-01-01" }),
            "dated_after",
        ),
        (json!({ "kind": "companies", "status": ["open"] }), "status"),
        (
            json!({ "kind": "invoices", "status": ["unpayed"] }),
            "status",
        ),
        (
            json!({ "kind": "invoices", "dated_after": "2026-02-01", "dated_before": "2026-01-01" }),
            "dated_before",
        ),
    ] {
        let error = app.error(&owner, "export_data", arguments).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Validation, Some(field)),
            "{error:?}"
        );
    }
    assert_eq!(
        table(&app, &owner, json!({ "kind": "contacts" })).await.0,
        0
    );
    // Everything is rejected: nothing is there to take back.
    let answer = app
        .ok(
            &owner,
            "import_data",
            json!({ "kind": "contacts", "rows": [{ "email": "x" }] }),
        )
        .await;
    assert_eq!(counts(&answer["data"]), (0, 0, 0, 1));
    assert_eq!(answer.get("change"), None, "{answer}");
}

/// A workbook with so many people below the headers, and a sheet with a note.
fn workbook(people: u32) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("People").unwrap();
    sheet.write_string(0, 0, "Name").unwrap();
    sheet.write_string(0, 1, "Score").unwrap();
    sheet.write_string(0, 2, "E-Mail").unwrap();
    for row in 1..=people {
        sheet.write_string(row, 0, format!("Person {row}")).unwrap();
        sheet.write_number(row, 1, row).unwrap();
        let address = format!("person{row}@fair.example");
        sheet.write_string(row, 2, address).unwrap();
    }
    let note = book.add_worksheet().set_name("Note").unwrap();
    note.write_string(0, 0, "From the fair").unwrap();
    book.save_to_buffer().unwrap()
}

/// An archive of few bytes that unpacks to many.
fn bomb() -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let packed = SimpleFileOptions::default();
    archive.start_file("xl/sharedStrings.xml", packed).unwrap();
    archive.write_all(&vec![b' '; 17 << 20]).unwrap();
    archive.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_comes_in_as_base64_and_goes_out_as_a_link_or_a_file() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        // In lines, as some programs write it.
        let text = BASE64.encode(&workbook(3));
        let text: String = text
            .as_bytes()
            .chunks(76)
            .map(|line| format!("{}\r\n", str::from_utf8(line).unwrap()))
            .collect();
        let arguments = json!({ "kind": "contacts", "text": text, "decimal": "," });
        let data = app.data(&owner, "import_data", arguments).await;
        assert_eq!(counts(&data), (3, 0, 0, 0), "{data}");
        assert_eq!(data["sheet"], "People");
        assert_eq!(data["records"][0]["line"], 2);

        let folder = tempfile::tempdir().unwrap();
        let call =
            json!({ "name": "export_data", "arguments": { "kind": "contacts", "format": "xlsx" } });
        let requests = [opening("2025-11-25"), ("tools/call", call)];
        let mut files = Vec::new();
        for documents in [None, Some(folder.path())] {
            let server = server(&app).with_documents(documents);
            let answers = session(server, &requests).await;
            let data = text_of(&answers[1])["data"].clone();
            let document = &data["document"];
            assert_eq!(
                (&data["rows"], &data["complete"]),
                (&json!(3), &json!(true))
            );
            assert_eq!(document["name"], "contacts.xlsx");
            assert_eq!(document.get("content"), None);
            assert!(!answers[1].to_string().contains("UEsDB"), "{}", answers[1]);
            let link = &answers[1]["result"]["content"][1];
            assert_eq!(
                (&link["type"], &link["uri"]),
                (&json!("resource_link"), &document["uri"])
            );
            files.extend(document["file"].as_str().map(str::to_owned));
        }
        let uri = "bureau://exports/contacts/xlsx/-/-/-/-/-";
        let read = [
            opening("2025-11-25"),
            ("resources/read", json!({ "uri": uri })),
        ];
        let read = session(server(&app), &read).await;
        let blob = read[1]["result"]["contents"][0]["blob"]
            .as_str()
            .unwrap_or_else(|| panic!("{read:?}"));
        assert_eq!(files.len(), 1);
        assert_eq!(
            std::fs::read(&files[0]).unwrap(),
            BASE64.decode(blob.as_bytes()).unwrap()
        );
        // It comes in again, and everybody is there.
        let again = json!({ "kind": "contacts", "text": blob, "on_duplicate": "update" });
        let data = app.data(&owner, "import_data", again).await;
        assert_eq!(counts(&data), (0, 3, 0, 0), "{data}");
        assert_eq!(data["sheet"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_and_days_are_read_as_they_are_said_to_be_written() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let owner = app.owner().await;
    let arguments = json!({
        "kind": "deals", "text": "Name;Amount;Expected close\nA;1.234,50;31.01.2027\n", "decimal": ",", "date_format": "DD.MM.YYYY",
    });
    let data = app.data(&owner, "import_data", arguments).await;
    assert_eq!(counts(&data), (1, 0, 0, 0), "{data}");
    // A number of JSON is one, whatever the texts beside it are.
    let rows = json!([{ "name": "B", "amount": 7.25 }, { "name": "C", "amount": "8,25" }]);
    let data = app
        .data(
            &owner,
            "import_data",
            json!({ "kind": "deals", "rows": rows, "decimal": "," }),
        )
        .await;
    assert_eq!(counts(&data), (2, 0, 0, 0), "{data}");
    let (_, text) = table(&app, &owner, json!({ "kind": "deals" })).await;
    let amounts: Vec<_> = rows_of(&text, "amount");
    assert_eq!(amounts, ["1234.5", "7.25", "8.25"]);
    assert_eq!(rows_of(&text, "expected_close")[0], "2027-01-31");
}

fn rows_of(text: &str, column: &str) -> Vec<String> {
    let rows = rows(text).into_iter();
    rows.map(|row| row[column].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn days_and_moments_are_read_however_days_are_written() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, header) in ["Subject", "Type", "Due"].iter().enumerate() {
        sheet.write_string(0, column as u16, *header).unwrap();
    }
    let day = ExcelDateTime::from_ymd(2026, 2, 3).unwrap();
    let moment = day.clone().and_hms(14, 30, 0).unwrap();
    for (row, due) in [(1, &day), (2, &moment)] {
        let shown = Format::new().set_num_format("dd.mm.yyyy hh:mm");
        sheet.write_string(row, 0, "Write").unwrap();
        sheet.write_string(row, 1, "task").unwrap();
        sheet
            .write_datetime_with_format(row, 2, due, &shown)
            .unwrap();
    }
    let activities = BASE64.encode(&book.save_to_buffer().unwrap());
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_string(0, 0, "Name").unwrap();
    sheet.write_string(0, 1, "Expected close").unwrap();
    sheet.write_string(1, 0, "Roof").unwrap();
    let shown = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    sheet
        .write_datetime_with_format(1, 1, &moment, &shown)
        .unwrap();
    let deals = BASE64.encode(&book.save_to_buffer().unwrap());
    for format in ["YYYY-MM-DD", "DD.MM.YYYY", "MM/DD/YYYY", "YYYY-DD-MM"] {
        let app = TestApp::new(Engine::Sqlite, MODULES).await;
        let owner = app.owner().await;
        let import = async |kind: &str, text: &str| {
            let arguments = json!({ "kind": kind, "text": text, "date_format": format });
            let data = app.data(&owner, "import_data", arguments).await;
            assert_eq!(data["rejected"], 0, "{format}: {data}");
        };
        import("activities", &activities).await;
        import("deals", &deals).await;
        let day = match format {
            "DD.MM.YYYY" => "03.02.2026",
            "MM/DD/YYYY" => "02/03/2026",
            "YYYY-DD-MM" => "2026-03-02",
            _ => "2026-02-03",
        };
        let texts = format!("subject,type,due\nWrite,task,{day}\nWrite,task,{day} 14:30\n");
        import("activities", &texts).await;
        let (_, text) = table(&app, &owner, json!({ "kind": "activities" })).await;
        let mut due = rows_of(&text, "due_at");
        due.sort();
        // A day stands for its end.
        assert_eq!(due[..2], ["2026-02-03T14:30:00Z", "2026-02-03T14:30:00Z"]);
        assert_eq!(due[2], due[3], "{format}: {due:?}");
        let (_, text) = table(&app, &owner, json!({ "kind": "deals" })).await;
        assert_eq!(rows_of(&text, "expected_close"), ["2026-02-03"], "{format}");
    }
}

/// The question, the one call (its tool and arguments), and what its answer has at which places.
type Question = (
    &'static str,
    &'static str,
    Value,
    Vec<(&'static str, Value)>,
);

/// What an owner asks of the group, as docs/import.md has it.
fn questions(wrong: &Value) -> Vec<Question> {
    let import = |kind: &str, more: Value| {
        let mut arguments = json!({ "kind": kind });
        let more = more.as_object().unwrap().clone();
        arguments.as_object_mut().unwrap().extend(more);
        arguments
    };
    let (into, out, undo) = ("import_data", "export_data", "undo_change");
    let known = "Name;E-Mail;Phone\nAda Lovelace;ada@people.example;+44 20 7946 0001\nKatherine Johnson;kj@people.example;\n";
    let card = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Dorothy Vaughan\r\nEMAIL:dorothy@people.example\r\nEND:VCARD\r\n";
    let wrong_row = "Name,E-Mail\nMary Jackson,mary@people.example\nNobody,at nowhere\n";
    vec![
        (
            "Bring in these people.",
            into,
            import(
                "contacts",
                json!({ "text": "Name,E-Mail\nAda Lovelace,ada@people.example\nGrace Hopper,grace@people.example\n" }),
            ),
            vec![("/created", json!(2)), ("/rejected", json!(0))],
        ),
        (
            "What would become of this table? Only show me.",
            into,
            import("contacts", json!({ "text": known, "preview": true })),
            vec![
                ("/columns/1/field", json!("emails")),
                ("/created", json!(1)),
            ],
        ),
        (
            "Whom of this list do we know already?",
            into,
            import("contacts", json!({ "text": known, "preview": true })),
            vec![
                ("/records/0/became", json!("skipped")),
                ("/records/0/record/name", json!("Ada Lovelace")),
            ],
        ),
        (
            "Take the new telephone numbers from this list.",
            into,
            import(
                "contacts",
                json!({ "text": known, "on_duplicate": "update" }),
            ),
            vec![("/updated", json!(1)), ("/created", json!(1))],
        ),
        (
            "Add whoever is on this business card.",
            into,
            import("contacts", json!({ "text": card })),
            vec![
                ("/created", json!(1)),
                ("/records/0/record/name", json!("Dorothy Vaughan")),
            ],
        ),
        (
            "Here are our firms, copied from a spreadsheet.",
            into,
            import(
                "companies",
                json!({ "text": "Company name\tCity\nWayfarer\tBerlin\nTidewater\tParis\n" }),
            ),
            vec![("/created", json!(2))],
        ),
        (
            "This is our price list.",
            into,
            import(
                "products",
                json!({ "rows": [{ "name": "Hour", "price": 90 }, { "name": "Day", "price": 640 }] }),
            ),
            vec![("/created", json!(2))],
        ),
        (
            "Take over these deals; amounts are written 1.234,50 and days 31.01.2027.",
            into,
            import(
                "deals",
                json!({ "text": "Name;Amount;Close date\nRoof;1.234,50;31.01.2027\n", "decimal": ",", "date_format": "DD.MM.YYYY" }),
            ),
            vec![("/created", json!(1))],
        ),
        (
            "Leave the column Rank out, and take Place as the city.",
            into,
            import(
                "companies",
                json!({ "text": "Name,Rank,Place\nFairhaven,3,Oslo\n", "mapping": ["Rank=", "Place=city"] }),
            ),
            vec![("/created", json!(1)), ("/ignored/0", json!("Rank"))],
        ),
        (
            "Which rows were left out, and why?",
            into,
            import("contacts", json!({ "text": wrong_row })),
            vec![
                ("/created", json!(1)),
                ("/rejects/0/line", json!(3)),
                ("/rejects/0/field", json!("emails")),
            ],
        ),
        (
            "Note what the trip cost.",
            into,
            import(
                "expenses",
                json!({ "rows": [
                { "description": "Train", "category": "travel", "amount": "49.90", "date": "2026-01-05" },
                { "description": "Hotel", "category": "travel", "amount": 120, "date": "2026-01-06" },
                { "description": "Paper", "category": "office", "amount": 9, "date": "2026-02-01" }] }),
            ),
            vec![("/created", json!(3))],
        ),
        (
            "Note the calls that we made last week.",
            into,
            import(
                "activities",
                json!({ "text": "Subject,Type,Contact,Done at\nPrices,call,ada@people.example,2026-01-07 10:15\n" }),
            ),
            vec![("/created", json!(1))],
        ),
        (
            "That import was wrong: take it back.",
            undo,
            json!({ "change": wrong }),
            vec![("/count", json!(1))],
        ),
        (
            "Give me all our contacts as a table.",
            out,
            json!({ "kind": "contacts" }),
            vec![
                ("/rows", json!(5)),
                ("/complete", json!(true)),
                ("/document/name", json!("contacts.csv")),
            ],
        ),
        (
            "And as an Excel workbook.",
            out,
            json!({ "kind": "contacts", "format": "xlsx" }),
            vec![
                ("/rows", json!(5)),
                ("/document/name", json!("contacts.xlsx")),
            ],
        ),
        (
            "Which invoices are unpaid? A table for my accountant.",
            out,
            json!({ "kind": "invoices", "status": ["open"] }),
            vec![("/rows", json!(1)), ("/complete", json!(true))],
        ),
        (
            "I need every line of what we invoiced this year.",
            out,
            json!({ "kind": "invoice_lines", "dated_after": "start of year" }),
            vec![("/rows", json!(5))],
        ),
        (
            "What was paid to us today?",
            out,
            json!({ "kind": "payments", "dated_after": "today" }),
            vec![("/rows", json!(1))],
        ),
        (
            "What did we spend in January?",
            out,
            json!({ "kind": "expenses", "dated_after": "2026-01-01", "dated_before": "2026-01-31" }),
            vec![("/rows", json!(2))],
        ),
        (
            "Which contacts were changed since yesterday, deleted ones too?",
            out,
            json!({ "kind": "contacts", "changed_since": "yesterday", "include_archived": true }),
            vec![("/rows", json!(6))],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_questions_of_an_owner_are_answered_by_one_call_each() {
    let said = include_str!("../../docs/import.md");
    let said: Vec<&str> = said
        .lines()
        .filter_map(|line| {
            line.split_once(". ")
                .filter(|(number, _)| number.parse::<u8>().is_ok())
        })
        .map(|(_, question)| question)
        .collect();
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let paid = invoice(&app, &owner, 2).await;
        app.ok(&owner, "record_payment", json!({ "invoice": paid }))
            .await;
        let company = app.data(&owner, "get_invoice", json!({ "invoice": paid }));
        let company = company.await["company"]["id"].take();
        let line = json!({ "description": "Support", "unit_price": "80", "tax_rate": "20" });
        let open = json!({ "company": company, "lines": vec![line; 3] });
        let open = app.data(&owner, "create_invoice", open).await;
        let issue = json!({ "invoice": open["id"], "confirm": true });
        app.ok(&owner, "issue_invoice", issue).await;
        let gone = json!({ "name": "Gone", "email": "gone@people.example" });
        let gone = app.data(&owner, "create_contact", gone).await;
        let gone = json!({ "contact": gone["id"], "confirm": true });
        app.ok(&owner, "delete_contact", gone).await;
        let mut changes = Vec::new();
        let count = questions(&Value::Null).len();
        assert_eq!(count, 20);
        for place in 0..count {
            let wrong = changes.last().cloned().unwrap_or_default();
            let (question, tool, arguments, has) = questions(&wrong).swap_remove(place);
            assert_eq!(said.get(place), Some(&question), "docs/import.md");
            let answer = app.ok(&owner, tool, arguments).await;
            changes.extend(answer.get("change").cloned());
            for (at, what) in has {
                assert_eq!(
                    answer["data"].pointer(at),
                    Some(&what),
                    "{question} on {engine:?}: {answer}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_out_comes_in_elsewhere_as_it_was() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let ours = app.tenant("ours").await;
        let make = async |tool, arguments| app.data(&ours, tool, arguments).await;
        let acme = make("create_company", json!({ "name": "=Acme, \"the\" firm; no other", "tags": ["a, b", "c;d"], "phone": "+49 30 901820" })).await;
        let ada = make("create_contact", json!({
            "first_name": "+Ada", "last_name": "@L", "company_id": acme["id"], "links": ["https://x.example/?a=1,2;3"],
            "emails": [{ "email": "ada@round.example", "type": "work" }, "a2@round.example"], "phones": ["+49 30 901820"],
            "summary": "=HYPERLINK(\"x\")\nline, two; \"three\"\t.",
        })).await;
        make(
            "create_contact",
            json!({ "name": "'=quoted", "reports_to": ada["id"] }),
        )
        .await;
        make("create_deal", json!({ "name": "\tLicences", "company": acme["id"], "contact": ada["id"], "amount": "1234.5", "stage": "Proposal" })).await;
        make(
            "create_product",
            json!({ "name": "-Hour", "sku": "H-1", "unit_price": "90.5", "tax_rate": "19" }),
        )
        .await;
        make("create_expense", json!({ "description": "Train", "category": "travel", "amount": "49.9", "spent_on": "2026-01-05" })).await;
        for format in ["csv", "json"] {
            let theirs = app.tenant(&format!("in-{format}")).await;
            for kind in ["companies", "contacts", "deals", "products", "expenses"] {
                let out = app
                    .data(
                        &ours,
                        "export_data",
                        json!({ "kind": kind, "format": format }),
                    )
                    .await;
                let content = out["document"]["content"].as_str().unwrap();
                let given = match format {
                    "csv" => json!({ "kind": kind, "text": content }),
                    _ => {
                        json!({ "kind": kind, "rows": serde_json::from_str::<Value>(content).unwrap() })
                    }
                };
                let done = app.data(&theirs, "import_data", given).await;
                assert_eq!(
                    done["rejected"], 0,
                    "{kind} as {format} on {engine:?}: {done}"
                );
                assert_eq!(done["created"], out["rows"], "{done}");
                let again = json!({ "kind": kind, "format": "json" });
                let mut both = Vec::new();
                for caller in [&ours, &theirs] {
                    let (_, text) = table(&app, caller, again.clone()).await;
                    let mut records: Vec<Map<String, Value>> = serde_json::from_str(&text).unwrap();
                    for record in &mut records {
                        // Identifiers and times are each workspace's own.
                        record.retain(|name, value| {
                            let id = value.as_str().is_some_and(|text| {
                                bureau_kernel::types::id::decode(text).is_some()
                            });
                            !id && !["version", "created_at", "updated_at", "stage_since"]
                                .contains(&name.as_str())
                        });
                    }
                    both.push(records);
                }
                assert_eq!(both[0], both[1], "{kind} as {format} on {engine:?}");
                if format == "csv" {
                    let harmless = |cell: &str| {
                        cell.chars()
                            .all(|c| c.is_ascii_digit() || "+-. ()/".contains(c))
                    };
                    for cell in rows(content)
                        .iter()
                        .flat_map(Map::values)
                        .filter_map(Value::as_str)
                    {
                        assert!(
                            !cell.starts_with(['=', '+', '-', '@', '\t', '\r']) || harmless(cell),
                            "{cell}"
                        );
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_are_tables_that_a_person_reads() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let first = invoice(&app, &owner, 2).await;
        let paid = app
            .data(&owner, "get_invoice", json!({ "invoice": first }))
            .await;
        let line = json!({ "description": "Support", "unit_price": "80", "tax_rate": "20" });
        let draft = json!({ "company": paid["company"]["id"], "lines": [line] });
        let open = app.data(&owner, "create_invoice", draft.clone()).await["id"].clone();
        app.ok(
            &owner,
            "issue_invoice",
            json!({ "invoice": open, "confirm": true }),
        )
        .await;
        let amount = paid["gross_total"]["amount"].clone();
        app.ok(
            &owner,
            "record_payment",
            json!({ "invoice": first, "amount": amount }),
        )
        .await;
        app.ok(&owner, "create_invoice", draft).await;

        let (count, text) = table(&app, &owner, json!({ "kind": "invoices" })).await;
        assert_eq!(count, 3);
        let all = rows(&text);
        let it = all.iter().find(|row| json!(row["id"]) == first).unwrap();
        assert_eq!(it["number"], paid["number"]);
        assert_eq!(it["buyer_name"], paid["buyer"]["name"], "{it:?}");
        assert_eq!(it["seller_name"], "Test Works Ltd");
        assert_eq!(it["seller_vat_id"], "DE123456789");
        assert_eq!(
            (&it["status"], &it["balance"]),
            (&json!("paid"), &json!("0"))
        );
        for column in [
            "issue_date",
            "net_total",
            "tax_total",
            "gross_total",
            "currency",
            "paid",
            "customer",
        ] {
            assert_ne!(it[column], "", "{column}: {it:?}");
        }
        for column in ["lines", "seller", "buyer", "shares", "serial"] {
            assert!(!it.contains_key(column), "{column}: {it:?}");
        }
        // Only what is open, and only what is of a day.
        let (_, text) = table(
            &app,
            &owner,
            json!({ "kind": "invoices", "status": ["open"] }),
        )
        .await;
        assert_eq!(rows_of(&text, "id"), [open.as_str().unwrap()]);
        for (bounds, count) in [
            (
                json!({ "dated_after": "today", "dated_before": "today" }),
                2,
            ),
            (json!({ "dated_after": "tomorrow" }), 0),
            (json!({ "dated_before": "yesterday" }), 0),
        ] {
            let mut arguments = json!({ "kind": "invoices", "status": ["issued", "paid"] });
            arguments
                .as_object_mut()
                .unwrap()
                .extend(bounds.as_object().unwrap().clone());
            assert_eq!(table(&app, &owner, arguments).await.0, count, "{bounds}");
        }

        let (count, text) = table(
            &app,
            &owner,
            json!({ "kind": "invoice_lines", "status": ["open", "paid"] }),
        )
        .await;
        assert_eq!(count, 3);
        let lines = rows(&text);
        assert_eq!(
            lines
                .iter()
                .filter(|line| line["number"] == paid["number"])
                .count(),
            2
        );
        for column in [
            "description",
            "quantity",
            "unit_price",
            "tax_rate",
            "net_total",
            "customer",
        ] {
            assert_ne!(lines[0][column], "", "{column}: {:?}", lines[0]);
        }

        let (_, text) = table(
            &app,
            &owner,
            json!({ "kind": "payments", "dated_after": "today" }),
        )
        .await;
        let payments = rows(&text);
        let said = payments[0]["invoices"].as_str().unwrap();
        assert!(said.contains(paid["number"].as_str().unwrap()), "{said}");
        assert_ne!(payments[0]["customers"], "");
        assert!(!payments[0].contains_key("allocations"));
        for kind in [
            "products",
            "expenses",
            "quotations",
            "quotation_lines",
            "recurring_invoices",
        ] {
            let (count, text) = table(&app, &owner, json!({ "kind": kind })).await;
            assert!(text.starts_with("id,"), "{kind}: {text}");
            assert_eq!(count, rows(&text).len() as u64, "{kind}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_takes_its_permission_and_the_kinds_and_stays_in_its_workspace() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let text = json!({ "kind": "contacts", "text": "name,email\nAda,a@x.example\n" });
        for (permissions, imports) in [
            (&["import_data"][..], Some("create_contacts")),
            (&["import_data", "create_contacts", "read_contacts"], None),
        ] {
            let (_, caller) = app.key(permissions).await;
            match (
                app.outcome(&caller, "import_data", text.clone()).await,
                imports,
            ) {
                (Outcome::Done(answer), None) => assert_eq!(answer["data"]["created"], 1),
                (Outcome::Failed(error), Some(needed)) => {
                    assert_eq!(error.code(), Code::Forbidden);
                    assert!(error.to_string().contains(needed), "{error}");
                }
                (outcome, _) => panic!("{permissions:?}: {outcome:?}"),
            }
        }
        let (_, adds) = app.key(&["import_data", "create_contacts"]).await;
        let mut update = text.clone();
        update["on_duplicate"] = "update".into();
        let error = app.error(&adds, "import_data", update).await;
        assert!(error.to_string().contains("update_contacts"), "{error}");

        let (_, reads) = app.key(&["export_data", "read_contacts"]).await;
        assert_eq!(
            table(&app, &reads, json!({ "kind": "contacts" })).await.0,
            1
        );
        let error = app
            .error(&reads, "export_data", json!({ "kind": "companies" }))
            .await;
        assert_eq!(error.code(), Code::Forbidden);
        // Under its address stands no more than the tool tells the same caller.
        let data = app
            .data(&owner, "export_data", json!({ "kind": "companies" }))
            .await;
        let uri = data["document"]["uri"].as_str().unwrap();
        let registry = app.dispatcher.registry();
        assert!(registry.resource_for_caller(&owner, uri).is_ok());
        assert!(registry.resource_for_caller(&adds, uri).is_err());
        let (resource, arguments) = registry.resource_for_caller(&reads, uri).unwrap();
        let read = resource.read(
            &app.dispatcher,
            reads.clone(),
            arguments,
            CancellationToken::new(),
        );
        assert_eq!(read.await.unwrap_err().code(), Code::Forbidden);
        // What a caller has left out elsewhere is left out here.
        let narrow = owner
            .clone()
            .narrow(Some(&["exchange".into()]), false)
            .unwrap();
        let (_, full) = app.key(&["full"]).await;
        let narrow_key = full.narrow(Some(&["exchange".into()]), false).unwrap();
        for caller in [&narrow, &narrow_key] {
            let error = app
                .error(caller, "export_data", json!({ "kind": "contacts" }))
                .await;
            assert_eq!(error.code(), Code::Forbidden, "{error:?}");
            let error = app.error(caller, "import_data", text.clone()).await;
            assert_eq!(error.code(), Code::Forbidden, "{error:?}");
        }
        // Of another workspace nothing is seen, and nothing is a double of what is there.
        let theirs = app.tenant("theirs").await;
        assert_eq!(
            table(&app, &theirs, json!({ "kind": "contacts" })).await.0,
            0
        );
        let made = app.data(&theirs, "import_data", text.clone()).await;
        assert_eq!(counts(&made), (1, 0, 0, 0), "{made}");
        assert_eq!(
            table(&app, &owner, json!({ "kind": "contacts" })).await.0,
            1
        );
        // Where nothing may be written there is no import, and an export all the same.
        let settings = Settings {
            read_only: true,
            ..Settings::default()
        };
        let closed = TestApp::at(app.database.clone(), app.folder.clone(), MODULES, settings).await;
        let error = closed.error(&owner, "import_data", text.clone()).await;
        assert_eq!(error.code(), Code::ReadOnly);
        assert_eq!(
            table(&closed, &owner, json!({ "kind": "contacts" }))
                .await
                .0,
            1
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_table_stands_in_the_answer_and_a_long_one_is_a_link_or_a_file() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let folder = tempfile::tempdir().unwrap();
        for (count, is_short) in [(3_usize, true), (400, false)] {
            let people: Vec<Value> = (0..count)
                .map(|number| json!({ "name": format!("Person {count} {number}"), "city": "Köln" }))
                .collect();
            app.ok(
                &owner,
                "import_data",
                json!({ "kind": "contacts", "rows": people }),
            )
            .await;
            let arguments =
                json!({ "kind": "contacts", "changed_since": "-1d", "include_archived": true });
            let call = json!({ "name": "export_data", "arguments": arguments });
            let requests = [opening("2025-11-25"), ("tools/call", call.clone())];
            let plain = session(server(&app), &requests).await;
            let documents = server(&app).with_documents(Some(folder.path()));
            let written = session(documents, &requests).await;
            for (answers, has_file) in [(&plain, false), (&written, true)] {
                let answer = text_of(&answers[1]);
                let (data, link) = (&answer["data"], &answers[1]["result"]["content"][1]);
                let document = &data["document"];
                assert_eq!(
                    document.get("content").is_some(),
                    is_short,
                    "{engine:?}: {count}"
                );
                assert!(answers[1].to_string().len() < 50_000);
                assert_eq!(link["type"], "resource_link");
                assert_eq!(link["uri"], document["uri"]);
                let total = if is_short { 3 } else { 403 };
                assert_eq!(
                    (&data["rows"], &data["complete"]),
                    (&json!(total), &json!(true))
                );
                // Under the link stands all of it, and so it does in the file.
                let read = [
                    opening("2025-11-25"),
                    ("resources/read", json!({ "uri": link["uri"] })),
                ];
                let read = session(server(&app), &read).await;
                let whole = read[1]["result"]["contents"][0]["text"]
                    .as_str()
                    .unwrap_or_else(|| panic!("{read:?}"));
                assert_eq!(rows(whole).len(), total);
                assert_eq!(json!(whole.len()), document["bytes"]);
                if is_short {
                    assert_eq!(document["content"], whole);
                }
                assert_eq!(document.get("file").is_some(), has_file, "{document}");
                if has_file {
                    let file = std::fs::read_to_string(document["file"].as_str().unwrap()).unwrap();
                    assert_eq!(file, whole);
                }
            }
        }
        let json = app
            .data(
                &owner,
                "export_data",
                json!({ "kind": "contacts", "format": "json" }),
            )
            .await;
        let list: Vec<Value> =
            serde_json::from_str(json["document"]["content"].as_str().unwrap()).unwrap();
        assert_eq!(list.len(), 403);
    }
}
