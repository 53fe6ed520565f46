//! Files belong to records of any kind: how they come in, what is found of them, and that nothing of them is anywhere else.

use std::io::{Cursor, Write as _};
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use bureau::transport::http::Options;
use bureau_kernel::admin;
use bureau_kernel::caller::Caller;
use bureau_kernel::content::{Intake, MAX_BYTES};
use bureau_kernel::error::Code;
use bureau_kernel::store::clock::Clock;
use bureau_kernel::store::sql;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::types::id::decode;
use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, Stream, dictionary};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::Service as _;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::MODULES;
use crate::http::{router, server};
use crate::modules::contradictions;
use crate::stdio::{opening, server as stdio_server, session, text_of};

const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

/// An app that takes files out of a folder, and the folder.
async fn app_with_folder(engine: Engine) -> (TestApp, Caller, TempDir) {
    let app = TestApp::new(engine, MODULES).await;
    let owner = app.owner().await;
    let folder = tempfile::tempdir().unwrap();
    let intake = Intake {
        folders: vec![folder.path().to_owned()],
        reader: Some(env!("CARGO_BIN_EXE_bureau").into()),
    };
    app.dispatcher.app().intake.set(intake).unwrap();
    (app, owner, folder)
}

async fn contact(app: &TestApp, owner: &Caller, name: &str) -> Value {
    let new = json!({ "name": name, "on_duplicate": "create" });
    app.data(owner, "create_contact", new).await["id"].clone()
}

async fn text_file(app: &TestApp, owner: &Caller, about: &Value, text: &str) -> Value {
    let new = json!({ "about": about, "name": "note.txt", "text": text });
    app.ok(owner, "attach_file", new).await
}

/// Writes a file and attaches it by its path.
async fn attach(
    app: &TestApp,
    owner: &Caller,
    folder: &Path,
    about: &Value,
    name: &str,
    bytes: &[u8],
) -> Value {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    let new = json!({ "about": about, "path": path.to_str().unwrap() });
    app.data(owner, "attach_file", new).await
}

async fn names(app: &TestApp, owner: &Caller, asked: Value) -> Vec<String> {
    let rows = app.data(owner, "list_files", asked).await;
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn held(app: &TestApp) -> i64 {
    let rows = app.rows(sql("SELECT COUNT(*) AS held FROM content")).await;
    rows[0].get("held").unwrap()
}

fn pdf(text: &str) -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let pages = document.new_object_id();
    let font = document.add_object(
        dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Courier" },
    );
    let resources = document.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    let operations = vec![
        Operation::new("BT", vec![]),
        Operation::new("Tf", vec!["F1".into(), 12.into()]),
        Operation::new("Td", vec![50.into(), 500.into()]),
        Operation::new("Tj", vec![Object::string_literal(text)]),
        Operation::new("ET", vec![]),
    ];
    let content = Content { operations }.encode().unwrap();
    let content = document.add_object(Stream::new(dictionary! {}, content));
    let page = document
        .add_object(dictionary! { "Type" => "Page", "Parent" => pages, "Contents" => content });
    let tree = dictionary! {
        "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1, "Resources" => resources,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
    };
    document.objects.insert(pages, Object::Dictionary(tree));
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

fn docx(body: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let parts: [(&str, &[u8]); 3] = [
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", b"<Relationships/>"),
        ("word/document.xml", body),
    ];
    for (name, content) in parts {
        archive
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn xlsx(cell: &str) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().write(3, 2, cell).unwrap();
    book.save_to_buffer().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_found_by_the_words_in_it_and_so_is_what_it_is_of() {
    for engine in ENGINES {
        let (app, owner, folder) = app_with_folder(engine).await;
        let ada = contact(&app, &owner, "Ada Adams").await;
        let ben = contact(&app, &owner, "Ben Brown").await;
        let paragraph = br#"<w:document xmlns:w="w"><w:p><w:t>The penalty is quokka percent</w:t></w:p></w:document>"#;
        let files: [(&str, Vec<u8>, &str, &str); 5] = [
            ("contract.pdf", pdf("Payable in wombats"), "wombats", "pdf"),
            ("terms.docx", docx(paragraph), "quokka", "document"),
            ("prices.xlsx", xlsx("Numbat, grey"), "numbat", "spreadsheet"),
            (
                "old.txt",
                b"Gr\xfc\xdfe vom Bilby".to_vec(),
                "grüße bilby",
                "text",
            ),
            (
                "page.html",
                b"<html><script>alert(1)</script> bandicoot".to_vec(),
                "bandicoot",
                "text",
            ),
        ];
        for (name, bytes, words, media) in &files {
            let file = attach(&app, &owner, folder.path(), &ada, name, bytes).await;
            assert_eq!(file["name"], *name);
            assert_eq!(file["bytes"], bytes.len());
            assert_eq!(file["searchable"], "all", "{engine:?} {file}");
            assert_eq!(
                names(&app, &owner, json!({ "query": words })).await,
                [*name],
                "{engine:?}"
            );
            let of = json!({ "about": ada, "media": media, "query": words });
            assert_eq!(names(&app, &owner, of).await, [*name], "{engine:?}");
            let found = app
                .data(&owner, "search_contacts", json!({ "query": words }))
                .await;
            assert_eq!(found[0]["id"], ada, "{engine:?} {words}");
        }
        let photo = attach(&app, &owner, folder.path(), &ben, "photo.jpg", PNG).await;
        assert_eq!(
            (&photo["media_type"], &photo["searchable"]),
            (&json!("image/png"), &json!("name"))
        );
        assert_eq!(
            names(&app, &owner, json!({ "media": "image" })).await,
            ["photo.jpg"]
        );
        assert_eq!(
            names(&app, &owner, json!({ "about": ben })).await,
            ["photo.jpg"]
        );
        assert_eq!(
            names(&app, &owner, json!({ "kind": "deal" })).await,
            Vec::<String>::new()
        );
        let largest = json!({ "sort": "bytes", "descending": true, "limit": 1 });
        assert_eq!(names(&app, &owner, largest).await.len(), 1);
        // What a browser would run is given back as text.
        let page = names(&app, &owner, json!({ "query": "bandicoot" })).await;
        assert_eq!(page, ["page.html"]);
        let row = app
            .data(&owner, "list_files", json!({ "query": "bandicoot" }))
            .await;
        assert_eq!(row[0]["media_type"], "text/plain");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_files_in_open_folders_are_taken_and_only_of_known_kinds() {
    let (app, owner, folder) = app_with_folder(Engine::Sqlite).await;
    let ada = contact(&app, &owner, "Ada Adams").await;
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.txt");
    std::fs::write(&secret, "secret").unwrap();
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    std::os::unix::fs::symlink(&secret, folder.path().join("link.txt")).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("empty.txt", b"");
    write("setup.pdf", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff");
    write("large.txt", &vec![b'a'; MAX_BYTES + 1]);
    let there = folder.path().to_str().unwrap();
    let cases = [
        (secret.to_str().unwrap().to_owned(), "no such file"),
        (format!("{there}/link.txt"), "no such file"),
        (
            format!(
                "{there}/../{}/secret.txt",
                outside.path().file_name().unwrap().to_str().unwrap()
            ),
            "no such file",
        ),
        (format!("{there}/missing.txt"), "no such file"),
        ("../secret.txt".to_owned(), "no such file"),
        (format!("{there}/inside"), "folder"),
        (format!("{there}/empty.txt"), "empty"),
        (format!("{there}/setup.pdf"), "this kind"),
        (format!("{there}/large.txt"), "larger than"),
    ];
    for (path, why) in cases {
        let error = app
            .error(&owner, "attach_file", json!({ "about": ada, "path": path }))
            .await;
        assert_eq!(error.code(), Code::Validation, "{path}: {error}");
        assert_eq!(error.field_name(), Some("path"), "{path}: {error}");
        assert!(error.to_string().contains(why), "{path}: {error}");
    }
    let both = json!({ "about": ada, "path": "a.txt", "text": "a", "name": "a.txt" });
    assert_eq!(
        app.error(&owner, "attach_file", both).await.field_name(),
        Some("path")
    );
    let unnamed = json!({ "about": ada, "text": "a" });
    assert_eq!(
        app.error(&owner, "attach_file", unnamed).await.field_name(),
        Some("name")
    );
    let nothing = app
        .error(&owner, "attach_file", json!({ "about": ada }))
        .await;
    assert_eq!(
        nothing.field_name(),
        Some("path"),
        "beside the data there are no links"
    );
    assert_eq!(held(&app).await, 0);
    // Where no folder was opened, none is.
    let closed = TestApp::new(Engine::Sqlite, MODULES).await;
    let owner = closed.owner().await;
    let ada = contact(&closed, &owner, "Ada Adams").await;
    let error = closed.error(
        &owner,
        "attach_file",
        json!({ "about": ada, "path": secret.to_str().unwrap() }),
    );
    assert!(error.await.to_string().contains("takes no files"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_where_its_record_goes_and_what_it_held_goes_with_it() {
    for engine in ENGINES {
        let (app, owner, _folder) = app_with_folder(engine).await;
        let ada = contact(&app, &owner, "Ada Adams").await;
        let made = text_file(&app, &owner, &ada, "a kookaburra").await;
        let file = made["data"]["id"].clone();
        let again = json!({ "about": ada, "name": "other.txt", "text": "a kookaburra" });
        let same = app.error(&owner, "attach_file", again).await;
        assert_eq!(same.code(), Code::Conflict, "{same}");
        assert!(same.to_string().contains(file.as_str().unwrap()), "{same}");

        let content = |answer: Value| answer["document"]["content"].clone();
        let deleted = app
            .ok(&owner, "delete_contact", json!({ "contact": ada }))
            .await;
        let gone = app.error(&owner, "get_file", json!({ "file": file })).await;
        assert_eq!(gone.code(), Code::NotFound);
        app.ok(
            &owner,
            "undo_change",
            json!({ "change": deleted["change"] }),
        )
        .await;
        let back = app.data(&owner, "get_file", json!({ "file": file })).await;
        assert_eq!(content(back), "a kookaburra", "{engine:?}");

        // An undone attachment can come back too.
        let undone = app
            .ok(&owner, "undo_change", json!({ "change": made["change"] }))
            .await;
        assert_eq!(names(&app, &owner, json!({})).await, Vec::<String>::new());
        app.ok(&owner, "undo_change", json!({ "change": undone["change"] }))
            .await;
        let ben = contact(&app, &owner, "Ben Brown").await;
        app.ok(
            &owner,
            "merge_contacts",
            json!({ "keep": ben, "merge": [ada] }),
        )
        .await;
        assert_eq!(
            names(&app, &owner, json!({ "about": ben })).await,
            ["note.txt"]
        );

        let logged = app.rows(sql(
            "SELECT id FROM change_log WHERE after LIKE '%kookaburra%'",
        ));
        if engine == Engine::Sqlite {
            assert_eq!(
                logged.await.len(),
                0,
                "the log holds nothing of what files hold"
            );
        }
        assert_eq!(held(&app).await, 1);
        app.ok(
            &owner,
            "delete_contact",
            json!({ "contact": ben, "purge": true }),
        )
        .await;
        assert_eq!(held(&app).await, 0, "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_record_is_is_nobodys_to_see_by_its_files() {
    let (app, owner, _folder) = app_with_folder(Engine::Sqlite).await;
    let ada = contact(&app, &owner, "Ada Adams").await;
    let deal = app
        .data(&owner, "create_deal", json!({ "name": "Secret" }))
        .await["id"]
        .clone();
    let on_deal = text_file(&app, &owner, &deal, "the margin").await["data"]["id"].clone();
    text_file(&app, &owner, &ada, "the address").await;
    let clerk = app.limited(&owner, &["read_files", "create_files", "read_contacts"]);
    assert_eq!(names(&app, &clerk, json!({})).await, ["note.txt"]);
    assert_eq!(
        names(&app, &clerk, json!({ "query": "margin" })).await,
        Vec::<String>::new()
    );
    for (tool, arguments) in [
        ("list_files", json!({ "about": deal })),
        ("get_file", json!({ "file": on_deal })),
        (
            "attach_file",
            json!({ "about": deal, "name": "a.txt", "text": "a" }),
        ),
    ] {
        let error = app.error(&clerk, tool, arguments).await;
        assert_eq!(error.code(), Code::Forbidden, "{tool}: {error}");
        assert!(error.to_string().contains("read_deals"), "{tool}: {error}");
    }
    let other = app.tenant("other").await;
    assert_eq!(names(&app, &other, json!({})).await, Vec::<String>::new());
    let error = app
        .error(&other, "get_file", json!({ "file": on_deal }))
        .await;
    assert_eq!(error.code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_unpacks_without_end_or_is_damaged_has_no_words_and_harms_nobody() {
    let (app, owner, folder) = app_with_folder(Engine::Sqlite).await;
    let ada = contact(&app, &owner, "Ada Adams").await;
    let mut endless = b"<w:document><w:p><w:t>".to_vec();
    endless.resize(300 * 1024 * 1024, b' ');
    let packed = docx(&endless);
    assert!(packed.len() < 2 * 1024 * 1024);
    let file = attach(&app, &owner, folder.path(), &ada, "bomb.docx", &packed).await;
    assert_eq!(file["searchable"], "name", "{file}");
    let mut damaged = pdf("never read");
    damaged.truncate(200);
    let file = attach(&app, &owner, folder.path(), &ada, "damaged.pdf", &damaged).await;
    assert_eq!(file["searchable"], "name", "{file}");
    let long = "wallaby ".repeat(40_000);
    let file = attach(
        &app,
        &owner,
        folder.path(),
        &ada,
        "long.txt",
        long.as_bytes(),
    )
    .await;
    assert_eq!(file["searchable"], "beginning", "{file}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_shown_and_the_rest_is_a_link() {
    let (app, owner, folder) = app_with_folder(Engine::Sqlite).await;
    let ada = contact(&app, &owner, "Ada Adams").await;
    let photo = attach(&app, &owner, folder.path(), &ada, "photo.png", PNG).await["id"].clone();
    let terms = attach(
        &app,
        &owner,
        folder.path(),
        &ada,
        "terms.pdf",
        &pdf("terms"),
    )
    .await["id"]
        .clone();
    let get = |file: &Value| {
        (
            "tools/call",
            json!({ "name": "get_file", "arguments": { "file": file } }),
        )
    };
    let read = |file: &Value| {
        let uri = format!("bureau://files/{}", file.as_str().unwrap());
        ("resources/read", json!({ "uri": uri }))
    };
    let requests = [
        opening("2025-11-25"),
        get(&photo),
        read(&photo),
        get(&terms),
        read(&terms),
    ];
    let answers = session(stdio_server(&app), &requests).await;
    let kinds = |answer: &Value| {
        let content = answer["result"]["content"].as_array().unwrap().iter();
        content
            .map(|one| one["type"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        kinds(&answers[1]),
        ["text", "image", "resource_link"],
        "{}",
        answers[1]
    );
    assert_eq!(
        kinds(&answers[3]),
        ["text", "resource_link"],
        "{}",
        answers[3]
    );
    let bytes = |answer: &Value| {
        let blob = answer["result"]["contents"][0]["blob"].as_str().unwrap();
        data_encoding::BASE64.decode(blob.as_bytes()).unwrap()
    };
    assert_eq!(bytes(&answers[2]), PNG);
    assert_eq!(bytes(&answers[4]), pdf("terms"));
    let said = text_of(&answers[3]);
    assert_eq!(said["data"]["document"]["mime_type"], "application/pdf");
    assert_eq!(said["data"]["document"].get("content"), None, "{said}");
}

/// A server over HTTP, and a key.
struct Site {
    app: TestApp,
    router: Router,
    key: String,
    ada: Value,
}

impl Site {
    async fn new(engine: Engine, clock: &Clock) -> Self {
        let app = TestApp::timed(engine, MODULES, clock).await;
        let (key, _) = app.key(&["full"]).await;
        let owner = app.owner().await;
        let ada = contact(&app, &owner, "Ada Adams").await;
        let dispatcher = app.dispatcher.clone();
        let router = router(
            server(dispatcher.clone()),
            dispatcher,
            true,
            &Options::default(),
        )
        .unwrap();
        Self {
            app,
            router,
            key,
            ada,
        }
    }

    async fn send(&self, method: Method, path: &str, body: Body) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1:8787")
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        let response = self
            .router
            .clone()
            .call(request.body(body).unwrap())
            .await
            .unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        let params = json!({ "name": tool, "arguments": arguments });
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let (_, answer) = self
            .send(Method::POST, "/mcp", call.to_string().into())
            .await;
        text_of(&answer)
    }

    /// The path of a new link.
    async fn link(&self, name: Option<&str>) -> String {
        let answer = self
            .call("attach_file", json!({ "about": self.ada, "name": name }))
            .await;
        let url = answer["data"]["upload"]["url"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"));
        url.strip_prefix("http://127.0.0.1:8787")
            .unwrap()
            .to_owned()
    }

    async fn put(&self, path: &str, bytes: &[u8]) -> (StatusCode, Value) {
        self.send(Method::PUT, path, bytes.to_vec().into()).await
    }

    async fn files(&self) -> Vec<String> {
        names(&self.app, &self.app.owner().await, json!({})).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_takes_one_file_once() {
    for engine in ENGINES {
        let site = Site::new(engine, &Clock::at("2027-03-01T09:00:00Z".parse().unwrap())).await;
        let link = site.link(None).await;
        assert_eq!(
            site.files().await,
            Vec::<String>::new(),
            "nothing is there yet"
        );
        // What is refused does not use it up.
        for (bytes, code) in [
            (&b""[..], "VALIDATION_ERROR"),
            (b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff", "VALIDATION_ERROR"),
        ] {
            let (status, answer) = site.put(&link, bytes).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
            assert_eq!(answer["error"]["code"], code);
        }
        let broken = futures::stream::iter([Ok("a part"), Err(std::io::Error::other("gone"))]);
        let (status, _) = site
            .send(Method::PUT, &link, Body::from_stream(broken))
            .await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let (status, _) = site.put(&link, &vec![b'a'; MAX_BYTES + 1]).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        let (status, _) = site.send(Method::GET, &link, Body::empty()).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(held(&site.app).await, 0);

        let (status, answer) = site
            .put(&format!("{link}Gr%C3%BC%C3%9Fe.txt"), b"a platypus")
            .await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        assert_eq!(answer["data"]["name"], "Grüße.txt");
        assert_eq!(site.files().await, ["Grüße.txt"]);
        let (status, answer) = site.put(&link, b"another").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
        assert_eq!(site.files().await.len(), 1, "{engine:?}");
        // It was the call of the one who asked for the link, and is taken back like any other.
        let undone = site
            .call(
                "undo_change",
                json!({ "change": answer_change(&site).await, "confirm": true }),
            )
            .await;
        assert!(undone["data"].is_object(), "{undone}");
        assert_eq!(site.files().await, Vec::<String>::new());
    }
}

/// The newest change.
async fn answer_change(site: &Site) -> Value {
    let changes = site.call("list_changes", json!({ "limit": 1 })).await;
    changes["data"][0]["change"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_use_one_link_at_once_attach_one_file() {
    for engine in ENGINES {
        let site = Site::new(engine, &Clock::at("2027-03-01T09:00:00Z".parse().unwrap())).await;
        let link = site.link(Some("one.txt")).await;
        let sent = futures::future::join_all((0..6).map(|number| {
            let (site, link) = (&site, &link);
            async move { site.put(link, format!("file {number}").as_bytes()).await.0 }
        }));
        let sent = sent.await;
        let taken = sent.iter().filter(|status| **status == StatusCode::CREATED);
        assert_eq!(taken.count(), 1, "{engine:?} {sent:?}");
        assert_eq!(site.files().await, ["one.txt"]);
        assert_eq!(held(&site.app).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_with_its_time_its_key_and_its_record() {
    let clock = Clock::at("2027-03-01T09:00:00Z".parse().unwrap());
    let site = Site::new(Engine::Sqlite, &clock).await;
    let wrong = [
        "/files/x/",
        "/files/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/",
        "/files/%00/",
    ];
    for path in wrong {
        let (status, answer) = site.put(path, b"a file").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path} {answer}");
    }
    let late = site.link(None).await;
    clock.step(chrono::Duration::minutes(16));
    assert_eq!(site.put(&late, b"a file").await.0, StatusCode::NOT_FOUND);

    let orphaned = site.link(None).await;
    let deleted = site
        .call(
            "delete_contact",
            json!({ "contact": site.ada, "confirm": true }),
        )
        .await;
    let (status, answer) = site.put(&orphaned, b"a file").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
    site.call(
        "undo_change",
        json!({ "change": deleted["change"], "confirm": true }),
    )
    .await;
    assert_eq!(site.put(&orphaned, b"a file").await.0, StatusCode::CREATED);

    let revoked = site.link(None).await;
    let keys = admin::list_keys(site.app.store()).await.unwrap();
    let key = keys.first().unwrap().id.to_string();
    admin::revoke_key(site.app.store(), &key).await.unwrap();
    let (status, answer) = site.put(&revoked, b"another file").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{answer}");
    assert_eq!(site.files().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_file_in_the_database_is_found() {
    for engine in ENGINES {
        let (app, owner, _folder) = app_with_folder(engine).await;
        let ada = contact(&app, &owner, "Ada Adams").await;
        let changed = text_file(&app, &owner, &ada, "one").await["data"]["id"].clone();
        let lost = text_file(&app, &owner, &ada, "two").await["data"]["id"].clone();
        assert_eq!(contradictions(&app.dispatcher, &owner).await, []);
        let number = |id: &Value| decode(id.as_str().unwrap()).unwrap().1;
        let change = sql("UPDATE content SET bytes = ").value(b"ohn".to_vec());
        app.run(change.sql(" WHERE record = ").value(number(&changed)))
            .await;
        app.run(sql("DELETE FROM content WHERE record = ").value(number(&lost)))
            .await;
        let found = contradictions(&app.dispatcher, &owner).await;
        assert_eq!(found.len(), 2, "{engine:?} {found:?}");
        for file in [changed, lost] {
            let error = app.error(&owner, "get_file", json!({ "file": file })).await;
            assert_eq!(error.code(), Code::Unreadable, "{engine:?} {error}");
        }
    }
}
