//! Nothing is whole that is not: what is changed past Bureau is found and named, on either engine.

use std::path::Path;
use std::time::Duration;

use bureau_kernel::admin::{self, MemberChange, NewMember};
use bureau_kernel::anchor::{self, AnchorFile, Key};
use bureau_kernel::backup;
use bureau_kernel::dispatch::Settings;
use bureau_kernel::replay::replay;
use bureau_kernel::store::log::verify;
use bureau_kernel::store::{Database, OpenOptions, Store, tables};
use bureau_kernel::testing::{ENGINES, Engine, TestApp, forge_chain};
use serde_json::json;

use crate::backup::{close, lived_in, one_bit, program, run, with_contacts, written};
use crate::campaign::{HANG, sealed, whole_registry};
use crate::cli::{Home, Running};
use crate::tamper::Raw;

/// What the log and the records do not have in common, each in a sentence.
async fn differences(store: &Store) -> Vec<String> {
    let found = replay(store, whole_registry().records().all(), &())
        .await
        .unwrap();
    let differences = found.differences.iter();
    differences.map(ToString::to_string).collect()
}

/// An app in which every module and every command of the owner has left something.
async fn app(engine: Engine) -> TestApp {
    let (app, _) = lived_in(engine).await;
    let store = &app.dispatcher.app().store;
    let owner = app.owner().await;
    let ada = NewMember {
        name: "Ada".into(),
        email: Some("ada@example.com".into()),
        ..NewMember::default()
    };
    admin::add_member(store, "main", ada).await.unwrap();
    let change = MemberChange {
        title: Some("Head of sales".into()),
        ..MemberChange::default()
    };
    admin::update_member(store, "main", "Ada", change)
        .await
        .unwrap();
    admin::put_member(store, "main", "Vertrieb Süd", "Ada")
        .await
        .unwrap();
    let gone = NewMember {
        name: "Gone".into(),
        ..NewMember::default()
    };
    admin::add_member(store, "main", gone).await.unwrap();
    admin::put_member(store, "main", "Vertrieb Süd", "Gone")
        .await
        .unwrap();
    admin::remove_member(app.dispatcher.app(), "main", "Gone", None)
        .await
        .unwrap();
    let revoked = admin::NewKey {
        name: "revoked".into(),
        grants: bureau_kernel::permission::Grants::Everything,
        workspaces: vec!["main".into(), "second".into()],
        member: None,
        expires_at: None,
        confirm: None,
        calls_per_hour: Some(5),
    };
    admin::create_key(store, revoked).await.unwrap();
    admin::revoke_key(store, "revoked").await.unwrap();
    let lonely = json!({ "name": "Lonely Loner", "summary": "lonely", "emails": ["lonely@example.com"], "tags": ["alone"] });
    app.ok(&owner, "create_contact", lonely).await;
    sealed(store).await;
    app
}

/// The contact to which nothing refers, an issued invoice with a payment, and that payment.
const CONTACT: &str = "(SELECT id FROM contact WHERE summary = 'lonely')";
const INVOICE: &str = "(SELECT MIN(id) FROM invoice WHERE number IS NOT NULL AND kind = 'invoice')";

/// What somebody does past the log, what puts it back, and what is said of it.
const CHANGES: &[(&str, &str, &str)] = &[
    (
        "UPDATE contact SET name = 'Somebody Else' WHERE id = CONTACT",
        "UPDATE contact SET name = 'Lonely Loner' WHERE id = CONTACT",
        ": name is not what the change log comes to",
    ),
    (
        "CREATE TABLE kept AS SELECT * FROM contact WHERE id = CONTACT; DELETE FROM contact WHERE id = CONTACT",
        "INSERT INTO contact SELECT * FROM kept; DROP TABLE kept",
        "the change log does not say that it was erased",
    ),
    (
        "INSERT INTO product SELECT id + 7 AS id, workspace, version, created_at, created_by, updated_at, archived_at, attributes,
            name, sort_name, NULL, NULL, description, type, unit, unit_price, currency, tax_rate, tax_category, billing_interval, active
         FROM product WHERE id = (SELECT MIN(id) FROM product)",
        "DELETE FROM product WHERE id = (SELECT MIN(id) + 7 FROM product)",
        "the change log knows nothing of it",
    ),
    (
        "UPDATE contact SET version = version + 1 WHERE id = CONTACT",
        "UPDATE contact SET version = version - 1 WHERE id = CONTACT",
        "version is not what the change log comes to",
    ),
    (
        "UPDATE contact SET archived_at = updated_at WHERE id = CONTACT",
        "UPDATE contact SET archived_at = NULL WHERE id = CONTACT",
        "archived_at is not what the change log comes to",
    ),
    (
        "UPDATE contact SET created_by = NULL WHERE id = CONTACT",
        "UPDATE contact SET created_by = (SELECT created_by FROM product LIMIT 1) WHERE id = CONTACT",
        "created_by is not what the change log comes to",
    ),
    (
        "UPDATE contact SET attributes = '{\"weight\": 7}' WHERE id = CONTACT",
        "UPDATE contact SET attributes = '{}' WHERE id = CONTACT",
        "attributes is not what the change log comes to",
    ),
    (
        "UPDATE contact SET sort_name = sort_name || 'z' WHERE id = CONTACT",
        "UPDATE contact SET sort_name = REPLACE(sort_name, 'z', '') WHERE id = CONTACT",
        "sort_name is not what follows from the other fields",
    ),
    (
        "UPDATE contact SET emails = '{\"no\": \"list\"}' WHERE id = CONTACT",
        "UPDATE contact SET emails = '[{\"email\": \"lonely@example.com\", \"type\": null}]' WHERE id = CONTACT",
        "emails cannot be read",
    ),
    (
        "DELETE FROM record_key WHERE value = 'lonely@example.com'",
        "INSERT INTO record_key SELECT workspace, 'contact', 'email', 'lonely@example.com', id FROM contact WHERE id = CONTACT",
        "is looked up by other keys",
    ),
    (
        "INSERT INTO record_key SELECT workspace, 'contact', 'tag', 'forged', id FROM contact WHERE id = CONTACT",
        "DELETE FROM record_key WHERE value = 'forged'",
        "is looked up by other keys",
    ),
    (
        "UPDATE invoice SET number = number || 'z' WHERE id = INVOICE",
        "UPDATE invoice SET number = REPLACE(number, 'z', '') WHERE id = INVOICE",
        "number is not what the change log comes to",
    ),
    (
        "UPDATE invoice SET notes = COALESCE(notes, '') || '~z' WHERE id = INVOICE",
        "UPDATE invoice SET notes = NULLIF(REPLACE(notes, '~z', ''), '') WHERE id = INVOICE",
        "notes is not what the change log comes to",
    ),
    (
        "CREATE TABLE kept AS SELECT * FROM invoice WHERE id = INVOICE; UPDATE invoice SET issue_date = '2001-01-01' WHERE id = INVOICE",
        "UPDATE invoice SET issue_date = (SELECT issue_date FROM kept) WHERE id = INVOICE; DROP TABLE kept",
        "issue_date is not what the change log comes to",
    ),
    (
        "CREATE TABLE kept AS SELECT * FROM payment WHERE id = (SELECT MIN(id) FROM payment WHERE reverses IS NULL
            AND id NOT IN (SELECT reverses FROM payment WHERE reverses IS NOT NULL));
         CREATE TABLE kept_invoice AS SELECT id, paid, status FROM invoice;
         DELETE FROM payment WHERE id = (SELECT id FROM kept); UPDATE invoice SET paid = 0, status = 'issued' WHERE paid > 0",
        "INSERT INTO payment SELECT * FROM kept; DROP TABLE kept;
         UPDATE invoice SET paid = (SELECT k.paid FROM kept_invoice k WHERE k.id = invoice.id),
            status = (SELECT k.status FROM kept_invoice k WHERE k.id = invoice.id); DROP TABLE kept_invoice",
        "pay_",
    ),
    (
        "UPDATE api_key SET permissions = '[\"*\"]' WHERE name = 'test'",
        "UPDATE api_key SET permissions = '[\"read_contacts\"]' WHERE name = 'test'",
        "permissions is not what the change log comes to",
    ),
    (
        "UPDATE api_key SET calls_per_hour = NULL WHERE name = 'revoked'",
        "UPDATE api_key SET calls_per_hour = 5 WHERE name = 'revoked'",
        "calls_per_hour is not what the change log comes to",
    ),
    (
        "CREATE TABLE kept AS SELECT hash FROM api_key WHERE name = 'test'; UPDATE api_key SET hash = ZEROS WHERE name = 'test'",
        "UPDATE api_key SET hash = (SELECT hash FROM kept) WHERE name = 'test'; DROP TABLE kept",
        "fingerprint is not what the change log comes to",
    ),
    (
        "CREATE TABLE kept AS SELECT revoked_at FROM api_key WHERE name = 'revoked';
         UPDATE api_key SET revoked_at = NULL WHERE name = 'revoked'",
        "UPDATE api_key SET revoked_at = (SELECT revoked_at FROM kept) WHERE name = 'revoked'; DROP TABLE kept",
        "revoked_at is not what the change log comes to",
    ),
    (
        "INSERT INTO api_key (id, name, hint, hash, permissions, created_at)
         SELECT id + 1, 'attacker', hint, ZEROS, '[\"*\"]', created_at FROM api_key WHERE name = 'test';
         INSERT INTO api_key_grant (api_key, workspace, member, name)
         SELECT api_key + 1, workspace, member, 'attacker' FROM api_key_grant WHERE name = 'test'",
        "DELETE FROM api_key_grant WHERE name = 'attacker'; DELETE FROM api_key WHERE name = 'attacker'",
        "the change log knows nothing of it",
    ),
    (
        "INSERT INTO api_key (id, name, hint, hash, permissions, created_at)
         SELECT id + 1, 'attacker', hint, ZEROS, '[\"*\"]', created_at FROM api_key WHERE name = 'test'",
        "DELETE FROM api_key WHERE name = 'attacker'",
        "the change log knows nothing of it",
    ),
    (
        "INSERT INTO api_key_grant (api_key, workspace, member, name)
         SELECT k.id, m.workspace, m.id, k.name FROM api_key k, member m JOIN workspace w ON w.id = m.workspace
         WHERE k.name = 'test' AND w.slug = 'second'",
        "DELETE FROM api_key_grant WHERE name = 'test' AND workspace = (SELECT id FROM workspace WHERE slug = 'second')",
        "key_",
    ),
    (
        "UPDATE member SET role = 'owner' WHERE name = 'Ada'",
        "UPDATE member SET role = 'member' WHERE name = 'Ada'",
        "role is not what the change log comes to",
    ),
    (
        "CREATE TABLE kept AS SELECT archived_at FROM member WHERE name = 'Gone'; UPDATE member SET archived_at = NULL WHERE name = 'Gone'",
        "UPDATE member SET archived_at = (SELECT archived_at FROM kept) WHERE name = 'Gone'; DROP TABLE kept",
        "archived_at is not what the change log comes to",
    ),
    (
        "DELETE FROM team_member WHERE member = (SELECT id FROM member WHERE name = 'Ada')",
        "INSERT INTO team_member SELECT t.workspace, t.id, m.id FROM team t JOIN member m ON m.workspace = t.workspace
         WHERE m.name = 'Ada'",
        "members is not what the change log comes to",
    ),
    (
        "UPDATE workspace SET currency = 'CHF' WHERE slug = 'main'",
        "UPDATE workspace SET currency = 'EUR' WHERE slug = 'main'",
        "currency is not what the change log comes to",
    ),
    (
        "UPDATE exchange_rate SET rate = '9.0'",
        "UPDATE exchange_rate SET rate = '0.920412345678'",
        "exchange rate USD 2024-02-29 in main: rate is not",
    ),
    (
        "UPDATE attribute_definition SET kind = 'text' WHERE name = 'weight'",
        "UPDATE attribute_definition SET kind = 'number' WHERE name = 'weight'",
        "attribute contact weight in main: kind is not",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_past_the_log_is_named() {
    for engine in ENGINES {
        let app = app(engine).await;
        let store = &app.dispatcher.app().store;
        assert_eq!(differences(store).await, [""; 0], "on {engine:?}");
        let mut raw = Raw::new(&app.database).await;
        let zeros = match engine {
            Engine::Sqlite => "zeroblob(32)",
            Engine::Postgres => "decode(repeat('00', 32), 'hex')",
        };
        let said = |text: &str| {
            let text = text.replace("CONTACT", CONTACT).replace("INVOICE", INVOICE);
            text.replace("ZEROS", zeros)
        };
        for (change, back, expected) in CHANGES {
            raw.run(&said(change)).await;
            let found = differences(store).await;
            assert!(
                found.iter().any(|found| found.contains(expected)),
                "on {engine:?}, after {change}: {found:#?}"
            );
            assert!(verify(store).await.unwrap().broken.is_none(), "{change}");
            raw.run(&said(back)).await;
            let left = differences(store).await;
            assert_eq!(left, [""; 0], "on {engine:?}, put right after {change}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_that_were_emptied_are_explained_by_no_forged_purge() {
    for engine in ENGINES {
        let app = app(engine).await;
        let store = &app.dispatcher.app().store;
        let mut raw = Raw::new(&app.database).await;
        let digest = match engine {
            Engine::Sqlite => format!("X'{}'", emptied()),
            Engine::Postgres => format!("decode('{}', 'hex')", emptied()),
        };
        raw.run(&format!(
            "UPDATE change_log SET before = NULL, after = NULL WHERE record = {CONTACT};
             INSERT INTO change_log (id, call, workspace, at, tool, entity, record, action, version, digest, position, hash)
             SELECT id + 1, call, workspace, at, tool, entity, record, 'purge', version, {digest},
                    (SELECT MAX(position) + 1 FROM change_log), hash FROM change_log WHERE record = {CONTACT}"
        ))
        .await;
        forge_chain(store).await.unwrap();
        // The chain alone says that all is well.
        assert_eq!(verify(store).await.unwrap().broken, None, "on {engine:?}");
        let found = differences(store).await;
        assert!(
            found.iter().any(|found| found.contains("con_")
                && found.contains("the change log says that it was erased")),
            "on {engine:?}: {found:#?}"
        );
    }
}

/// The digest of nothing before and nothing after: a zero and a length of zero for each.
fn emptied() -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest([0; 18])
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_backups_in_which_one_bit_flipped_every_one_is_refused() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "Marker", 20).await).await;
    let file = folder.path().join("all.backup");
    run(&source, folder.path(), &["backup", file.to_str().unwrap()]);
    let bytes = std::fs::read(&file).unwrap();
    let target = Database::Sqlite(folder.path().join("new").join("bureau.sqlite"));
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..60 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        // Every fourth one near the end, where the manifest is.
        let reach = if round % 4 == 0 {
            600
        } else {
            bytes.len() as u64
        };
        let place = bytes.len() - 1 - usize::try_from((random >> 16) % reach).unwrap();
        let bad = written(&file, "flipped", &one_bit(&bytes, place));
        let restore = ["restore", bad.to_str().unwrap(), "--yes"];
        run(&target, folder.path(), &restore).refused("");
        let Database::Sqlite(path) = &target else {
            unreachable!()
        };
        assert!(!path.exists(), "after byte {place}");
    }
    let restore = ["restore", file.to_str().unwrap(), "--yes", "--json"];
    run(&target, folder.path(), &restore).json();
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_differ_are_backed_up_and_restored_only_when_that_is_said() {
    for engine in ENGINES {
        let (source, folder) = close(with_contacts(engine, "Marker", 3).await).await;
        let mut raw = Raw::new(&source).await;
        raw.run("UPDATE contact SET summary = 'past the log'").await;
        let file = folder.path().join("all.backup");
        let file = file.to_str().unwrap();
        run(&source, folder.path(), &["backup", file]).refused("summary is not what");
        let backup = ["backup", file, "--accept-differences"];
        let done = program(&source, folder.path(), &backup).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        assert!(String::from_utf8_lossy(&done.stderr).contains("Accepted: "));
        let target = Database::Sqlite(folder.path().join("new").join("bureau.sqlite"));
        run(&target, folder.path(), &["restore", file]).refused("summary is not what");
        let restore = ["restore", file, "--accept-differences"];
        let done = program(&target, folder.path(), &restore).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_signed_with_another_key_is_refused() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "Marker", 2).await).await;
    let target = Database::Sqlite(folder.path().join("new").join("bureau.sqlite"));
    let file = folder.path().join("signed.backup");
    let say = |database: &Database, key: &str, arguments: &[&str]| {
        let mut command = program(database, folder.path(), arguments);
        command.env("BUREAU_ANCHOR_KEY", key).output().unwrap()
    };
    let backup = ["backup", file.to_str().unwrap()];
    assert!(
        say(&source, "the key of this firm", &backup)
            .status
            .success()
    );
    let restore = ["restore", file.to_str().unwrap(), "--yes"];
    let refused = say(&target, "the key of another", &restore);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("another key"), "{said}");
    let done = say(&target, "the key of this firm", &restore);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        done.status.success() && !said.contains("not signed"),
        "{said}"
    );

    // Whoever changes a backup takes its signature off.
    bureau_kernel::backup::forge(&file).unwrap();
    let refused = say(&target, "the key of this firm", &restore);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("not signed"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_nobody_signed_is_taken_where_there_is_a_key_only_when_that_is_said() {
    for engine in ENGINES {
        let (source, folder) = close(with_contacts(engine, "Marker", 2).await).await;
        let target = Database::Sqlite(folder.path().join("new").join("bureau.sqlite"));
        let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let with_key = |database: &Database, arguments: &[&str]| {
            let mut command = program(database, folder.path(), arguments);
            command.env("BUREAU_ANCHOR_KEY", "the key of this firm");
            command.output().unwrap()
        };
        let refused = |file: &str| {
            let output = with_key(&target, &["restore", file, "--yes"]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success(), "{said}");
            for words in ["is not signed", "Nothing was changed", "--accept-unsigned"] {
                assert!(said.contains(words), "{words}: {said}");
            }
        };
        // From before there was a key, and one whose signature somebody left out.
        let (old, stripped) = (file("old.backup"), file("stripped.backup"));
        run(&source, folder.path(), &["backup", &old, "--json"]).json();
        assert!(with_key(&source, &["backup", &stripped]).status.success());
        backup::forge(std::path::Path::new(&stripped)).unwrap();
        refused(&old);
        refused(&stripped);
        let Database::Sqlite(path) = &target else {
            unreachable!()
        };
        assert!(!path.exists());
        let accept = ["restore", &*old, "--yes", "--accept-unsigned"];
        assert!(with_key(&target, &accept).status.success());
        // What was replaced is kept with a signature, and can be restored like any other.
        let signed = file("signed.backup");
        assert!(with_key(&source, &["backup", &signed]).status.success());
        assert!(
            with_key(&target, &["restore", &signed, "--yes"])
                .status
                .success()
        );
        let kept = std::fs::read_dir(path.parent().unwrap()).unwrap();
        let kept = kept
            .map(|entry| entry.unwrap().path())
            .find(|path| path.to_string_lossy().contains(".before-restore-"));
        let kept = kept.unwrap().to_str().unwrap().to_owned();
        assert!(
            with_key(&target, &["restore", &kept, "--yes"])
                .status
                .success()
        );
    }
}

/// What somebody does to the tables, what puts it back, and what is named. `ENGINE` says where.
const TABLES: &[(Option<Engine>, &str, &str, &str)] = &[
    (
        None,
        "DROP INDEX contact_by_name",
        "CREATE INDEX contact_by_name ON contact (workspace, sort_name, id) WHERE archived_at IS NULL",
        "the index contact_by_name is missing",
    ),
    (
        None,
        "CREATE INDEX more ON contact (LOWER(name))",
        "DROP INDEX more",
        "somebody put the index more into it",
    ),
    (
        None,
        "ALTER TABLE contact ADD COLUMN more TEXT",
        "ALTER TABLE contact DROP COLUMN more",
        "contact",
    ),
    (
        Some(Engine::Sqlite),
        "CREATE TRIGGER more AFTER INSERT ON member BEGIN DELETE FROM contact; END",
        "DROP TRIGGER more",
        "trigger more",
    ),
    (
        Some(Engine::Postgres),
        "ALTER TABLE invoice DROP CONSTRAINT invoice_paid_check",
        "ALTER TABLE invoice ADD CONSTRAINT invoice_paid_check CHECK (paid >= 0)",
        "invoice.invoice_paid_check is missing",
    ),
    (
        Some(Engine::Postgres),
        "ALTER TABLE contact DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE contact ENABLE ROW LEVEL SECURITY",
        "the table contact is not as Bureau makes it",
    ),
    (
        Some(Engine::Postgres),
        "CREATE POLICY more ON contact USING (TRUE)",
        "DROP POLICY more ON contact",
        "policy contact.more",
    ),
    (
        Some(Engine::Postgres),
        "GRANT SELECT ON api_key TO bureau_app",
        "REVOKE SELECT ON api_key FROM bureau_app",
        "grant of api_key to bureau_app",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_not_as_the_migrations_make_them_are_named() {
    for engine in ENGINES {
        let app = TestApp::new(engine, crate::MODULES).await;
        let found = async || tables::findings(&app.database).await.unwrap();
        assert_eq!(found().await, [""; 0], "on {engine:?}");
        let mut raw = Raw::new(&app.database).await;
        for (only, change, back, expected) in TABLES {
            if only.is_some_and(|only| only != engine) {
                continue;
            }
            raw.run(change).await;
            let named = found().await;
            assert!(
                named.iter().any(|named| named.contains(expected)),
                "on {engine:?}, after {change}: {named:?}"
            );
            raw.run(back).await;
            // SQLite keeps a table's text as it was edited.
            if !change.contains("COLUMN") {
                assert_eq!(
                    found().await,
                    [""; 0],
                    "on {engine:?}, put right after {change}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anchors_find_a_history_that_was_rewritten_and_one_that_was_cut_off() {
    for engine in ENGINES {
        let app = app(engine).await;
        let store = &app.dispatcher.app().store;
        let key = Key::new("a key of this test").unwrap();
        let path = app.folder.path().join("anchors");
        let file = AnchorFile::new(&path);
        let note = async || {
            let now = chrono::Utc::now();
            let anchor = anchor::take(store, &key, now).await.unwrap().unwrap();
            file.append(&anchor).unwrap()
        };
        let checked = async || file.check(store, &key).await.unwrap();
        assert!(note().await);
        // The same end of the log is not noted twice.
        assert!(!note().await);
        let owner = app.owner().await;
        let more = json!({ "name": "Later", "on_duplicate": "create" });
        app.ok(&owner, "create_contact", more).await;
        sealed(store).await;
        assert!(note().await);
        let whole = checked().await;
        assert_eq!((whole.whole, &whole.broken), (2, &None), "on {engine:?}");

        let mut raw = Raw::new(&app.database).await;
        raw.run("CREATE TABLE kept AS SELECT * FROM change_log; CREATE TABLE kept_heads AS SELECT * FROM log_head")
            .await;
        let put_back = "DELETE FROM change_log; INSERT INTO change_log SELECT * FROM kept;
                        DELETE FROM log_head; INSERT INTO log_head SELECT * FROM kept_heads";
        raw.run("DELETE FROM change_log WHERE position = (SELECT MAX(position) FROM change_log)")
            .await;
        forge_chain(store).await.unwrap();
        assert_eq!(verify(store).await.unwrap().broken, None);
        let cut = checked().await.broken.unwrap();
        assert!(cut.contains("newest rows were lost or cut off"), "{cut}");
        raw.run(put_back).await;

        raw.run("UPDATE change_log SET tool = 'forged' WHERE position = 3")
            .await;
        forge_chain(store).await.unwrap();
        assert_eq!(verify(store).await.unwrap().broken, None);
        let rewritten = checked().await.broken.unwrap();
        assert!(rewritten.contains("history was rewritten"), "{rewritten}");
        raw.run(put_back).await;
        assert_eq!(checked().await, whole);

        // A line without the key is worth nothing, and half a line at the end is what a cut of the power leaves.
        let lines = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, lines.replacen(" 2", " 3", 1)).unwrap();
        assert!(checked().await.broken.unwrap().contains("Line 1"));
        std::fs::write(&path, &lines[..lines.len() - 40]).unwrap();
        let half = checked().await;
        assert_eq!((half.whole, half.unread, half.broken), (1, 1, None));
        assert!(note().await);
        let after = checked().await;
        assert_eq!((after.whole, after.unread, after.broken), (2, 1, None));
    }
}

/// What somebody does to the logs, what they write anew to hide it, and who finds it still: whoever follows the chains, the
/// anchors in the database, the lines outside of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_cut_off_or_taken_away_is_found() {
    let second = "(SELECT id FROM workspace WHERE slug = 'second')";
    let cut = "DELETE FROM change_log WHERE position > 2 AND position = (SELECT MAX(position) FROM change_log)";
    let rewritten = "UPDATE change_log SET tool = 'forged' WHERE position = 3";
    let log = &*format!(
        "DELETE FROM change_log WHERE workspace = {second}; DELETE FROM log_head WHERE workspace = {second}"
    );
    let workspace = &*format!(
        "{log}; DELETE FROM member WHERE workspace = {second}; DELETE FROM workspace WHERE slug = 'second'"
    );
    let (lost, other) = ("newest rows were lost or cut off", "history was rewritten");
    let gone = "the whole log";
    let anchors = "DELETE FROM log_anchor";
    let one_anchor = "DELETE FROM log_anchor WHERE number = 1";
    let edited = "UPDATE log_anchor SET heads = '00' WHERE number = 1";
    for (done, hides, chains, rows, lines) in [
        (cut, Hides::Nothing, "its newest rows are gone", lost, lost),
        (cut, Hides::Chains, "", lost, lost),
        (cut, Hides::All, "", "", lost),
        (rewritten, Hides::Chains, "", other, other),
        (rewritten, Hides::All, "", "", other),
        (log, Hides::Nothing, gone, lost, lost),
        (log, Hides::All, gone, "", lost),
        (workspace, Hides::Nothing, "", lost, lost),
        (workspace, Hides::All, "", "", lost),
        (anchors, Hides::Nothing, "", "", "taken out of the database"),
        (one_anchor, Hides::Nothing, "", "edited", "edited"),
        (edited, Hides::Nothing, "", "edited", "edited"),
    ] {
        for engine in ENGINES {
            let app = TestApp::new(engine, &[bureau_contacts::MODULE]).await;
            let store = &app.dispatcher.app().store;
            let owner = app.owner().await;
            app.tenant("second").await;
            let key = Key::new("a key of this test").unwrap();
            let file = AnchorFile::new(&app.folder.path().join("anchors"));
            let note = async || {
                sealed(store).await;
                let anchor = anchor::take(store, &key, chrono::Utc::now()).await;
                file.append(&anchor.unwrap().unwrap()).unwrap();
            };
            note().await;
            for name in ["Ada", "Bob"] {
                app.ok(&owner, "create_contact", json!({ "name": name }))
                    .await;
            }
            note().await;
            assert_eq!(anchor::check_rows(store).await.unwrap(), None);
            assert_eq!(file.check(store, &key).await.unwrap().whole, 2);

            let mut raw = Raw::new(&app.database).await;
            raw.run(done).await;
            if hides != Hides::Nothing {
                forge_chain(store).await.unwrap();
            }
            if hides == Hides::All {
                raw.run(anchors).await;
                anchor::take(store, &key, chrono::Utc::now()).await.unwrap();
            }
            let found = verify(store).await.unwrap().broken;
            for (found, expected) in [
                (found.map(|broken| broken.what.to_owned()), chains),
                (anchor::check_rows(store).await.unwrap(), rows),
                (file.check(store, &key).await.unwrap().broken, lines),
            ] {
                let is_found = found.as_ref().is_some_and(|found| found.contains(expected));
                assert!(
                    is_found || found.is_none() && expected.is_empty(),
                    "on {engine:?}, {hides:?}: {found:?} and not {expected:?}, after {done}"
                );
                assert_eq!(found.is_some(), !expected.is_empty(), "{found:?}");
            }
        }
    }
}

/// What somebody writes anew who changed a log.
#[derive(Debug, PartialEq, Eq)]
enum Hides {
    Nothing,
    /// The chains and where they end.
    Chains,
    /// The anchors in the database too.
    All,
}

#[test]
fn a_server_notes_an_anchor_when_it_ends_and_doctor_checks_it() {
    let home = Home::new();
    home.call("create_contact", &json!({ "name": "Ada" }), &[])
        .done();
    let line = home.say("anchor").done();
    assert!(line.starts_with("bureau-anchor 1 "), "{line}");
    let kept = home.file("elsewhere", &line);
    home.call("create_contact", &json!({ "name": "Bob" }), &[])
        .done();
    // A session of a desktop client that says nothing.
    home.say("stdio");
    let report = home.say("doctor").done();
    assert!(report.contains("2 moments"), "{report}");
    let checked = home.run(["anchor", "--check", &kept]).done();
    assert!(checked.contains("1 anchors hold"), "{checked}");

    let conn = rusty(
        &home,
        "DELETE FROM change_log WHERE position = (SELECT MAX(position) FROM change_log)",
    );
    assert!(conn, "a row was deleted");
    let report = home.say("doctor");
    assert!(
        report.code == 1
            && report.out.contains("cut off")
            && report.out.contains("knows nothing of it"),
        "{}",
        report.out
    );
    // What was noted before still holds.
    home.run(["anchor", "--check", &kept]).done();
}

/// Runs a statement on the default database past Bureau; whether it changed anything.
fn rusty(home: &Home, statement: &str) -> bool {
    let database = Database::Sqlite(home.path("data/bureau/bureau.sqlite"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { Raw::new(&database).await.run(statement).await }) > 0
}

/// How often these bytes are in the files of a folder, whatever they are.
pub(crate) fn occurrences(folder: &Path, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(occurrences(&path, word));
            continue;
        }
        // One that is gone by now holds nothing.
        let bytes = std::fs::read(&path).unwrap_or_default();
        let count = bytes
            .windows(word.len())
            .filter(|window| window.eq_ignore_ascii_case(word.as_bytes()))
            .count();
        if count > 0 {
            found.push(format!("{count} in {}", path.display()));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_in_no_file_soon_after() {
    let app = TestApp::new(Engine::Sqlite, crate::MODULES).await;
    let owner = app.owner().await;
    // Among others, and changed often, so that its pages are split and written again.
    let mut ids = Vec::new();
    for number in 0..120 {
        let contact = json!({
            "name": format!("Xylophantus Querbeet {number}"),
            "summary": "Quorzelbert ".repeat(30),
            "tags": ["wunderblix"],
            "emails": [format!("zwockel{number}@example.com")],
            "on_duplicate": "create",
        });
        let made = app.data(&owner, "create_contact", contact).await;
        let change = json!({ "contact": made["id"], "summary": "Quorzelbert changed ".repeat(40) });
        app.ok(&owner, "update_contact", change).await;
        ids.push(made["id"].clone());
        let other = json!({ "name": format!("Somebody {number}"), "on_duplicate": "create" });
        app.ok(&owner, "create_contact", other).await;
    }
    let folder = app.folder.path().to_owned();
    assert!(!occurrences(&folder, "quorzelbert").is_empty());
    for id in ids {
        let purge = json!({ "contact": id, "purge": true, "confirm": true });
        app.ok(&owner, "delete_contact", purge).await;
    }
    let words = ["xylophantus", "quorzelbert", "wunderblix", "zwockel"];
    let left = || -> Vec<String> {
        let of_word = |word| occurrences(&folder, word).into_iter();
        let all = words.into_iter().flat_map(of_word);
        // The index is cleaned when it merges; its own tests look at it.
        all.filter(|found| !found.contains("/index/")).collect()
    };
    let gone = async {
        while !left().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = tokio::time::timeout(HANG, gone).await;
    assert!(in_time.is_ok(), "{:#?}", left());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_erases_that_ends_at_once_is_gone_while_others_stay() {
    let app = TestApp::new(Engine::Sqlite, crate::MODULES).await;
    let owner = app.owner().await;
    let contact = json!({ "name": "Xylophantus", "summary": "Quorzelbert ".repeat(30) });
    let contact = app.data(&owner, "create_contact", contact).await;
    let folder = app.folder.path().to_owned();
    let left = || -> Vec<String> {
        let all = occurrences(&folder, "quorzelbert").into_iter();
        all.filter(|found| !found.contains("/index/")).collect()
    };
    assert!(!left().is_empty());
    let options = OpenOptions::new(app.database.clone());
    let (folder, settings) = (app.folder.clone(), Settings::default());
    let other = TestApp::open(options, folder, crate::MODULES, settings).await;
    let purge = json!({ "contact": contact["id"], "purge": true, "confirm": true });
    other.ok(&owner, "delete_contact", purge).await;
    other.dispatcher.app().close().await;
    assert!(left().is_empty(), "{:#?}", left());
}

#[test]
fn a_server_starts_and_reads_while_another_process_hangs_with_the_turn() {
    let home = Home::new();
    let name = json!({ "name": "Ada" });
    home.call("create_contact", &name, &[]).done();
    assert!(rusty(
        &home,
        "UPDATE clock SET seen_at = seen_at - 7200000000"
    ));
    let turns = std::fs::File::open(home.path("data/bureau/bureau.sqlite-turns")).unwrap();
    turns.lock().unwrap();
    let server = Running::new(&home, &["--no-auth"]);
    let found = server.post(None, "search_contacts", &json!({}));
    assert!(found.to_string().contains("Ada"), "{found}");
    turns.unlock().unwrap();
    server.post(None, "create_company", &name);
}

#[test]
fn a_database_whose_own_log_lost_its_end_is_reported_as_loss() {
    let home = Home::new();
    let server = Running::new(&home, &["--no-auth"]);
    for number in 0..60 {
        let contact = json!({ "name": format!("Person {number}"), "on_duplicate": "create" });
        server.post(None, "create_contact", &contact);
    }
    server.post(None, "search_contacts", &json!({ "query": "person" }));
    let report = home.say("doctor").done();
    assert!(report.contains("up to date"), "{report}");
    // It is killed, and the disk has lost the last tenth of what SQLite wrote.
    drop(server);
    let path = home.path("data/bureau/bureau.sqlite-wal");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 10 * 9]).unwrap();
    let report = home.say("doctor");
    assert!(
        report.code == 1
            && report
                .out
                .contains("writes that were acknowledged are lost"),
        "{}",
        report.out
    );
}
