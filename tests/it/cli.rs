//! The command line, as a person and a shell see it: the program itself, run.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bureau");

/// A person's home folder, with nothing of Bureau in it yet.
pub(crate) struct Home(TempDir);

/// How a command ended and what it said.
pub(crate) struct End {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl End {
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.done()).unwrap()
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name).display().to_string()
    }

    pub(crate) fn command<I: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = I>,
    ) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.0.path())
            .env("XDG_DATA_HOME", self.path("data"));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> End {
        end(&mut self.command(arguments))
    }

    /// Runs a line of words without spaces in them.
    pub(crate) fn say(&self, line: &str) -> End {
        self.run(line.split(' '))
    }

    pub(crate) fn call(&self, tool: &str, arguments: &Value, more: &[&str]) -> End {
        let arguments = arguments.to_string();
        self.run([&["call", tool, &arguments], more].concat())
    }
}

fn end(command: &mut Command) -> End {
    let output = command.output().unwrap();
    End {
        code: output.status.code().expect("ended by a signal"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Names of all files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            names.extend(files(&entry.path()));
        } else {
            names.push(entry.path().display().to_string());
        }
    }
    names.sort();
    names
}

#[test]
fn bad_input_is_one_line_that_says_what_to_do_and_damages_nothing() {
    let home = Home::new();
    let noise: Vec<u8> = (0..5000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let noise = home.file("noise.sqlite", &noise);
    let half = home.file("half.toml", "read-only = true\nfeatures = [\"cont");
    let unknown = home.file("unknown.toml", "\nfeature = [\"contacts\"]\n");
    let folder = home.path("data").display().to_string();
    std::fs::create_dir(&folder).unwrap();
    let before = (files(home.0.path()), std::fs::read(&noise).unwrap());
    let cases: &[(&str, i32, &str)] = &[
        (
            &format!("stdio --database sqlite:{noise}"),
            1,
            "restore a backup",
        ),
        (
            &format!("serve --listen 127.0.0.1:0 --database sqlite:{noise}"),
            1,
            "restore a backup",
        ),
        (
            &format!("key list --database sqlite:{noise}"),
            1,
            "restore a backup",
        ),
        (
            &format!("stdio --database sqlite:{folder}"),
            1,
            "Check that",
        ),
        ("stdio --database sqlite:/dev/null/x.sqlite", 1, "Check"),
        ("stdio --database bureau.sqlite", 2, "sqlite:/home"),
        (
            "stdio --database postgres://me:hunter2@127.0.0.1:1/x",
            1,
            "does not answer",
        ),
        ("stdio --read-only", 1, "without"),
        ("stdio --api-key=", 2, "Leave --api-key"),
        ("serve --listen nowhere", 2, "HOST:PORT"),
        ("serve --listen 127.0.0.1:99999", 2, "HOST:PORT"),
        (
            "serve --listen 0.0.0.0:0 --no-auth",
            2,
            "Leave --no-auth out",
        ),
        (
            "serve --listen 127.0.0.1:0 --demo --read-only",
            2,
            "--read-only",
        ),
        (&format!("tools --config {half}"), 2, "line 2"),
        (
            &format!("tools --config {unknown}"),
            2,
            "line 2: there is no option \"feature\". Did you mean features?",
        ),
        ("tools --config nowhere.toml", 2, "Correct --config"),
        ("tools --features=contact", 2, "Did you mean contacts?"),
        (
            "tools --tools=serch_contacts",
            2,
            "Did you mean search_contacts?",
        ),
        (
            "tools --exclude-tools=delete_contacts",
            2,
            "Did you mean delete_contact?",
        ),
    ];
    for (line, code, says) in cases {
        let ended = home.say(line);
        assert_eq!(ended.code, *code, "{line}: {}", ended.err);
        assert!(
            ended.err.starts_with("bureau: ") && ended.err.matches('\n').count() == 1,
            "{line}: {}",
            ended.err
        );
        assert!(ended.err.contains(says), "{line}: {}", ended.err);
        assert!(
            !ended.err.contains("hunter2") && ended.out.is_empty(),
            "{line}: {}{}",
            ended.err,
            ended.out
        );
    }
    assert_eq!(
        (files(home.0.path()), std::fs::read(&noise).unwrap()),
        before,
        "something was written"
    );
}

#[tokio::test]
async fn a_database_that_a_newer_bureau_made_is_left_as_it_is() {
    let home = Home::new();
    home.say("key list").done();
    let path = home.path("data/bureau/bureau.sqlite");
    let options = SqliteConnectOptions::new().filename(&path);
    let mut database = options.connect().await.unwrap();
    // What a later version leaves behind when it has migrated.
    sqlx::query(
        "INSERT INTO _sqlx_migrations SELECT 99990101000000, description, installed_on, success, checksum, execution_time
         FROM _sqlx_migrations LIMIT 1",
    )
    .execute(&mut database)
    .await
    .unwrap();
    database.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    for line in [
        "stdio",
        "serve --listen 127.0.0.1:0",
        "key list",
        "call search_contacts",
        "stdio --read-only",
    ] {
        let ended = home.say(line);
        assert!(
            ended.code == 1 && ended.err.contains("newer"),
            "{line}: {}",
            ended.err
        );
    }
    let report = home.say("doctor");
    assert!(
        report.code == 1 && report.out.contains("newer"),
        "{}",
        report.out
    );
    assert!(std::fs::read(&path).unwrap() == before, "it was changed");
}

#[test]
fn what_an_option_does_not_take_is_a_usage_error() {
    let home = Home::new();
    for line in [
        "bogus",
        "--confirm=sometimes tools",
        "--log=loud tools",
        "call",
        "key create",
        "--read-only=perhaps tools",
    ] {
        let ended = home.say(line);
        assert_eq!(ended.code, 2, "{line}: {}", ended.err);
        assert!(
            ended.err.starts_with("error: ") && ended.out.is_empty(),
            "{line}: {}",
            ended.err
        );
    }
    assert_eq!(
        home.say("--version").done(),
        format!("bureau {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_key_wrong_in_any_way_opens_nothing() {
    let home = Home::new();
    let key = home.say("key create --name x --json").json()["key"]
        .as_str()
        .unwrap()
        .to_owned();
    home.say(&format!("call search_contacts {{}} --api-key {key}"))
        .done();
    let mistyped = format!(
        "{}{}",
        &key[..key.len() - 1],
        if key.ends_with('a') { 'b' } else { 'a' }
    );
    for wrong in ["x", &mistyped, &key.to_uppercase(), &format!("{key}a")] {
        let ended = home.run(["stdio", "--api-key", wrong]);
        assert_eq!(ended.code, 1, "{wrong}");
        assert!(
            ended.err.contains("bureau key create") && !ended.err.contains(wrong),
            "{}",
            ended.err
        );
    }
}

#[test]
fn a_key_is_shown_once_limits_what_it_opens_and_ends_when_it_is_revoked() {
    let home = Home::new();
    let made = home
        .say("key create --name reader --preset read-only --expires +30d --json")
        .json();
    let key = made["key"].as_str().unwrap();
    assert!(
        made["expires_at"].is_string()
            && made["permissions"]
                .as_array()
                .unwrap()
                .contains(&json!("read_contacts"))
    );

    for listed in [
        home.say("key list").done(),
        home.say("key list --json").done(),
    ] {
        assert!(
            listed.contains("reader") && !listed.contains(key),
            "{listed}"
        );
    }
    for file in files(home.0.path()) {
        let content = std::fs::read(&file).unwrap();
        assert!(
            !content
                .windows(key.len())
                .any(|bytes| bytes == key.as_bytes()),
            "the key is in {file}"
        );
    }

    home.call("search_contacts", &json!({}), &["--api-key", key])
        .done();
    let refused = home.call(
        "create_contact",
        &json!({ "name": "Ada" }),
        &["--api-key", key],
    );
    assert_eq!(refused.code, 1);
    let error: Value = serde_json::from_str(&refused.err).unwrap();
    assert_eq!(
        error["error"]["code"], "RESOURCE_NOT_FOUND",
        "a tool that is not permitted does not exist"
    );

    let mut session = Session::new(&home, &["--api-key", key]);
    assert!(session.call("search_contacts", &json!({}))["data"].is_array());
    assert!(home.say("key revoke reader").done().contains("revoked"));
    assert_eq!(
        session.call("search_contacts", &json!({}))["error"]["code"],
        "UNAUTHORIZED",
        "a running session"
    );
    assert_eq!(
        home.call("search_contacts", &json!({}), &["--api-key", key])
            .code,
        1
    );
    assert!(home.say("key list").done().contains("revoked"));
    assert_eq!(
        home.say("key revoke reader").code,
        1,
        "no working key has this name any more"
    );
}

#[test]
fn a_key_without_a_preset_only_reads_and_its_own_limits_are_those_on_its_line() {
    let home = Home::new();
    let mut command = home.command([
        "key",
        "create",
        "--name",
        "one",
        "--calls-per-hour",
        "1",
        "--json",
    ]);
    // The server's policy is not the key's.
    let made = end(command.env("BUREAU_CONFIRM", "never")).json();
    let permissions: Vec<&str> = made["permissions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(
        !permissions.is_empty()
            && permissions
                .iter()
                .all(|name| name.starts_with("read_") || *name == "export_data"),
        "{permissions:?}"
    );
    let mut session = Session::new(&home, &["--api-key", made["key"].as_str().unwrap()]);
    assert!(session.call("search_contacts", &json!({}))["data"].is_array());
    let refused = session.call("search_contacts", &json!({}));
    assert_eq!(refused["error"]["code"], "RATE_LIMITED", "{refused}");
    for line in [
        "key create --name x --calls-per-hour 0",
        "key create --name x --expires yesterday",
        "key create --name x --permissions read_contact",
    ] {
        assert_eq!(home.say(line).code, 2, "{line}");
    }
}

#[test]
fn the_groups_that_are_named_are_offered_and_no_other() {
    let home = Home::new();
    let registry = crate::catalogue::registry();
    let of = |groups: &[&str]| -> Vec<String> {
        let entries = registry.entries();
        entries
            .filter(|entry| groups.contains(&entry.module))
            .map(|entry| entry.spec.name.to_owned())
            .collect()
    };
    let names = |tools: &Value| -> Vec<String> {
        let tools = tools.as_array().unwrap().iter();
        tools
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect()
    };
    for groups in [
        &["contacts", "deals"][..],
        &["deals"],
        &["companies", "history"],
    ] {
        let chosen = format!("--features={}", groups.join(","));
        let shown = home.say(&format!("tools {chosen} --json")).json();
        assert_eq!(names(&shown["tools"]), of(groups), "{chosen}");
        let mut session = Session::new(&home, &[&chosen]);
        let listed = session.ask("tools/list", &json!({}));
        assert_eq!(names(&listed["result"]["tools"]), of(groups), "{chosen}");
        // What is not offered is not there, though the modules that are use its records.
        let refused = session.call("list_activities", &json!({}));
        assert_eq!(refused["error"]["code"], "RESOURCE_NOT_FOUND", "{refused}");
    }
    assert_eq!(home.say("tools --features=contacts,delas").code, 2);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_server_starts_with_few_arenas_and_keeps_what_its_owner_said() {
    let home = Home::new();
    let arenas = |server: &Running| -> Option<String> {
        let all = std::fs::read(format!("/proc/{}/environ", server.child.id())).unwrap();
        let all = String::from_utf8(all).unwrap();
        let mut values = all.split('\0');
        let said = values.find_map(|one| one.strip_prefix("MALLOC_ARENA_MAX="));
        said.map(str::to_owned)
    };
    let server = Running::new(&home, &[]);
    let few: usize = arenas(&server).expect("it says how many").parse().unwrap();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    assert_eq!(few, 2 * cores, "two a core");
    drop(server);
    let own = home
        .command(["serve", "--listen", "127.0.0.1:0"])
        .env("MALLOC_ARENA_MAX", "7")
        .spawn()
        .unwrap();
    let server = Running::of(own);
    assert_eq!(arenas(&server).as_deref(), Some("7"));
}

#[test]
fn tools_shows_what_is_offered_and_what_it_costs() {
    let home = Home::new();
    let all = home.say("tools --features=all --json").json();
    let tools = all["tools"].as_array().unwrap();
    let sum: u64 = tools
        .iter()
        .map(|tool| tool["tokens"].as_u64().unwrap())
        .sum();
    assert_eq!(all["tokens"], sum);
    let groups: u64 = all["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["tokens"].as_u64().unwrap())
        .sum();
    assert_eq!(
        sum, groups,
        "with every group on, the groups are all there is"
    );

    let contacts = home.say("tools --features=contacts --json").json();
    assert!(
        contacts["tools"]
            .as_array()
            .unwrap()
            .iter()
            .all(|tool| tool["group"] == "contacts")
    );
    assert!(contacts["tokens"].as_u64().unwrap() < sum);
    let reading = home.say("tools --read-only --json").json();
    assert!(
        reading["tools"]
            .as_array()
            .unwrap()
            .iter()
            .all(|tool| tool["effect"] == "reads")
    );
    let one = home.say("tools --tools=get_contact --json").json();
    assert_eq!(one["tools"].as_array().unwrap().len(), 1);
    let whole = home.say("tools --output-schemas --json").json();
    assert!(whole["tokens"].as_u64() > contacts["tokens"].as_u64());
    for group in all["groups"].as_array().unwrap() {
        assert!(
            group["most_tokens"].as_u64() >= group["tokens"].as_u64(),
            "{group}"
        );
    }

    let table = home.say("tools").done();
    for tool in contacts["tools"].as_array().unwrap() {
        assert!(
            table.contains(tool["name"].as_str().unwrap())
                && table.contains(tool["description"].as_str().unwrap())
        );
    }
    assert!(
        files(home.0.path()).is_empty(),
        "listing tools needs no database"
    );
}

#[test]
fn the_line_wins_over_the_environment_and_the_environment_over_the_file() {
    let home = Home::new();
    let file = home.file("bureau.toml", "features = [\"history\"]\n");
    let groups = |command: &mut Command| -> Vec<String> {
        let listed = end(command).json();
        let mut groups: Vec<String> = listed["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["group"].as_str().unwrap().to_owned())
            .collect();
        groups.sort();
        groups.dedup();
        groups
    };
    let tools = ["tools", "--json"];
    let modules = crate::MODULES.iter();
    let mut usual: Vec<&str> = modules
        .filter(|module| module.on_by_default && !module.tools.is_empty())
        .map(|module| module.name)
        .collect();
    usual.sort_unstable();
    assert_eq!(groups(&mut home.command(tools)), usual, "the default");
    assert_eq!(
        groups(home.command(tools).env("BUREAU_CONFIG", &file)),
        ["history"],
        "the file"
    );
    let environment = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command
            .env("BUREAU_CONFIG", &file)
            .env("BUREAU_FEATURES", "contacts");
        command
    };
    assert_eq!(
        groups(&mut environment(&tools)),
        ["contacts"],
        "the environment"
    );
    assert_eq!(
        groups(&mut environment(&["tools", "--json", "--features=history"])),
        ["history"],
        "the line"
    );
}

#[test]
fn a_call_answers_on_stdout_and_refuses_on_stderr() {
    let home = Home::new();
    let made = home
        .call(
            "create_contact",
            &json!({ "first_name": "Ada", "last_name": "Lovelace" }),
            &[],
        )
        .json();
    assert_eq!(made["data"]["name"], "Ada Lovelace");

    let mut child = home
        .command(["call", "search_contacts", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(br#"{"query": "lovelace"}"#)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["data"][0]["id"], made["data"]["id"]);

    let id = &made["data"]["id"];
    for (tool, arguments, code) in [
        (
            "get_contact",
            json!({ "contact": "con_0000000000000" }),
            "RESOURCE_NOT_FOUND",
        ),
        (
            "get_contact",
            json!({ "contact": 5, "more": 1 }),
            "VALIDATION_ERROR",
        ),
        ("get_contacts", json!({}), "RESOURCE_NOT_FOUND"),
        (
            "delete_contact",
            json!({ "contact": id }),
            "CONFIRMATION_REQUIRED",
        ),
    ] {
        let refused = home.call(tool, &arguments, &[]);
        let error: Value = serde_json::from_str(&refused.err).unwrap();
        assert_eq!(
            (refused.code, refused.out.as_str(), &error["error"]["code"]),
            (1, "", &json!(code)),
            "{tool}"
        );
    }
    for text in ["{", "[]", "5", "null", ""] {
        let refused = home.run(["call", "search_contacts", text]);
        let error: Value = serde_json::from_str(&refused.err).unwrap();
        assert_eq!(
            (refused.code, &error["error"]["field"]),
            (1, &json!("arguments")),
            "{text:?}"
        );
    }
    let refused = home.call("create_contact", &json!({ "name": "x" }), &["--read-only"]);
    assert!(
        refused.code == 1 && refused.err.contains("READ_ONLY"),
        "{}",
        refused.err
    );
}

#[test]
fn undo_takes_a_call_back_and_refuses_what_was_changed_since() {
    let home = Home::new();
    let made = home
        .call("create_contact", &json!({ "name": "Ada" }), &[])
        .json();
    let (contact, change) = (&made["data"]["id"], made["change"].as_str().unwrap());
    home.call(
        "update_contact",
        &json!({ "contact": contact, "city": "London" }),
        &[],
    )
    .json();
    let refused = home.run(["undo", change]);
    assert_eq!(refused.code, 1);
    for said in [contact.as_str().unwrap(), "(Ada)", "--skip-conflicts"] {
        assert!(refused.err.contains(said), "{}", refused.err);
    }
    assert!(!refused.err.contains(".;"), "{}", refused.err);

    let updated = home
        .call(
            "update_contact",
            &json!({ "contact": contact, "city": "Paris" }),
            &[],
        )
        .json();
    let undone = home
        .run(["undo", updated["change"].as_str().unwrap()])
        .json();
    assert_eq!(undone["data"]["records"][0]["id"], *contact);
    assert_eq!(
        home.call("get_contact", &json!({ "contact": contact }), &[])
            .json()["data"]["city"],
        "London"
    );
    assert_eq!(home.say("undo chg_0000000000000").code, 1);
}

#[test]
fn undo_takes_several_calls_back_a_keyed_one_and_a_whole_piece_of_work() {
    let home = Home::new();
    let make = |name: &str, options: &[&str]| {
        let made = home.call("create_contact", &json!({ "name": name }), options);
        made.json()["change"].as_str().unwrap().to_owned()
    };
    let names = || {
        let found = home.call("search_contacts", &json!({}), &[]).json();
        let rows = found["data"].as_array().unwrap().iter();
        let mut names: Vec<_> = rows.map(|row| row["name"].clone()).collect();
        names.sort_by_key(ToString::to_string);
        names
    };
    let (ada, grace) = (make("Ada", &[]), make("Grace", &[]));
    let preview = home.run(["undo", &ada, &grace, "--preview"]).json();
    assert_eq!(preview["data"]["count"], 2, "{preview}");
    assert_eq!(names(), ["Ada", "Grace"], "a preview writes nothing");
    let undone = home.run(["undo", &ada, &grace]).json();
    assert_eq!(undone["data"]["undone"], json!([grace, ada]), "{undone}");
    assert!(names().is_empty());

    home.call(
        "create_contact",
        &json!({ "name": "Alan", "idempotency_key": "k-1" }),
        &[],
    )
    .json();
    home.run(["undo", "--key", "k-1"]).json();
    assert!(names().is_empty());

    let since = bureau_kernel::types::time::now().to_rfc3339();
    make("Mary", &[]);
    make("Katherine", &[]);
    let undone = home.run(["undo", "--since", &since]).json();
    assert_eq!(undone["data"]["count"], 2, "{undone}");
    assert!(names().is_empty());

    // Which of them has to be said, and in one way.
    for wrong in [vec!["undo"], vec!["undo", &ada, "--key", "k-1"]] {
        assert_eq!(home.run(wrong).code, 2);
    }
}

#[test]
fn workspaces_are_kept_apart_and_a_command_says_which_it_means() {
    let home = Home::new();
    home.run([
        "workspace",
        "create",
        "acme",
        "--name",
        "Acme GmbH",
        "--time-zone",
        "Europe/Berlin",
        "--country",
        "de",
    ])
    .done();
    home.say("workspace create other").done();
    let listed = home.say("workspace list --json").json();
    let slugs: Vec<&Value> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|workspace| &workspace["slug"])
        .collect();
    assert_eq!(
        slugs,
        ["acme", "other"],
        "the first that is made is the first there is"
    );
    assert_eq!(home.say("workspace create acme").code, 1, "taken");
    assert_eq!(home.say("workspace create Acme").code, 2);
    assert_eq!(home.say("workspace create x --time-zone Mars").code, 2);

    home.call(
        "create_contact",
        &json!({ "name": "Ada" }),
        &["--workspace", "other"],
    )
    .done();
    assert_eq!(
        home.call("search_contacts", &json!({}), &["--workspace", "acme"])
            .json()["data"],
        json!([])
    );

    let refused = home.say("key create --name x");
    assert!(
        refused.code == 2 && refused.err.contains("acme, other"),
        "{}",
        refused.err
    );
    let key = home
        .say("key create --name x --workspace acme --workspace other --json")
        .json();
    assert_eq!(key["workspaces"], json!(["acme", "other"]));
    assert_eq!(
        home.say("call search_contacts {} --workspace nowhere").code,
        1
    );

    home.say("workspace attribute define contact size --kind number --workspace other")
        .done();
    assert_eq!(
        home.say("workspace attribute list --json --workspace acme")
            .json(),
        json!([])
    );
    assert_eq!(
        home.say("workspace attribute list --json --workspace other")
            .json()[0]["name"],
        "size"
    );
    assert_eq!(home.say("workspace attribute define contract size").code, 2);
}

#[test]
fn every_command_that_a_script_reads_answers_in_json() {
    let home = Home::new();
    let made = home.say("workspace create acme --json").json();
    assert_eq!(
        (&made["slug"], &made["currency"]),
        (&json!("acme"), &json!("EUR"))
    );
    assert_eq!(home.say("workspace list --json").json(), json!([made]));
    let defined = home
        .say("workspace attribute define contact size --kind number --json")
        .json();
    assert_eq!(
        (&defined["workspace"], &defined["name"], &defined["kind"]),
        (&json!("acme"), &json!("size"), &json!("number"))
    );
    let attributes = home.say("workspace attribute list --json").json();
    assert_eq!(attributes[0]["name"], "size");
    let key = home.say("key create --name x --json").json();
    assert!(key["key"].is_string() && key["id"].is_string(), "{key}");
    assert_eq!(home.say("key list --json").json()[0]["id"], key["id"]);
    let revoked = home.say("key revoke x --json").json();
    assert_eq!(revoked["id"], key["id"]);
    assert!(
        revoked["revoked_at"].is_string() && revoked.get("key").is_none(),
        "{revoked}"
    );
    assert!(home.say("tools --json").json()["tools"].is_array());
    let made = home
        .call("create_contact", &json!({ "name": "Ada" }), &[])
        .json();
    let undone = home.run(["undo", made["change"].as_str().unwrap()]).json();
    assert_eq!(undone["data"]["records"][0]["id"], made["data"]["id"]);
    assert_eq!(home.say("doctor --json").json()["ok"], true);
}

#[test]
fn every_shell_gets_its_completions_whatever_the_configuration_is_like() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let mut command = home.command(["completions", shell]);
        let script = end(command
            .env("BUREAU_API_KEY", "")
            .env("BUREAU_CONFIG", "/nowhere"))
        .done();
        for word in ["serve", "connect", "install", "--read-only"] {
            // Fish writes a flag without its dashes.
            let word = if shell == "fish" {
                word.trim_start_matches('-')
            } else {
                word
            };
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    assert_eq!(home.say("completions tcsh").code, 2);
    assert!(files(home.0.path()).is_empty(), "it made a file");
}

#[test]
fn doctor_sees_how_far_the_index_is_that_a_running_server_keeps() {
    let home = Home::new();
    let mut server = Running::new(&home, &["--no-auth"]);
    let made = server.post(None, "create_contact", &json!({ "name": "Ada" }));
    assert!(made["data"]["id"].is_string(), "{made}");
    server.post(None, "search_contacts", &json!({ "query": "ada" }));
    let report = home.say("doctor").done();
    assert!(report.contains("up to date"), "{report}");
    server.stop();
}

#[test]
fn doctor_finds_a_whole_house_whole_and_changes_nothing() {
    let home = Home::new();
    let absent = home.say("doctor");
    assert!(
        absent.code == 1 && absent.out.contains("problem"),
        "{}",
        absent.out
    );
    assert!(files(home.0.path()).is_empty(), "it made a database");
    home.call("create_contact", &json!({ "name": "Ada" }), &[])
        .done();
    let report = home.say("doctor --json").json();
    assert_eq!(report["ok"], true, "{report:#}");
    assert!(
        home.say("doctor")
            .done()
            .contains("the chain of hashes is whole")
    );
}

#[test]
#[cfg(target_os = "linux")]
fn an_answer_that_cannot_be_written_is_an_error_and_one_that_nobody_reads_is_none() {
    let home = Home::new();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ended = end(home.command(["tools"]).stdout(full));
    assert!(
        ended.code == 1 && ended.err.contains("cannot be written"),
        "{}",
        ended.err
    );

    let mut child = home.command(["tools"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), b"".as_slice())
    );
}

#[test]
fn the_demo_firm_is_there_at_once_and_again_and_connects_as_printed() {
    let home = Home::new();
    for round in 0..2 {
        let mut server = Running::new(&home, &["--demo"]);
        let introduction = server.read_introduction();
        assert!(
            introduction.contains(&format!("--transport http bureau {}", server.url)),
            "{introduction}"
        );
        let configuration: Value =
            serde_json::Deserializer::from_str(&introduction[introduction.find('{').unwrap()..])
                .into_iter()
                .next()
                .unwrap()
                .unwrap();
        let entry = &configuration["mcpServers"]["bureau"];
        assert_eq!(entry["url"], server.url.as_str());
        let authorization = entry["headers"]["Authorization"].as_str().unwrap();

        let answer = server.post(
            Some(authorization),
            "search_contacts",
            &json!({ "city": "Berlin", "limit": 5 }),
        );
        assert_eq!(
            answer["data"].as_array().unwrap().len(),
            5,
            "round {round}: {answer}"
        );
        let made = server.post(
            Some(authorization),
            "create_contact",
            &json!({ "name": "Ada" }),
        );
        let change = json!({ "change": made["change"], "confirm": true });
        let undone = server.post(Some(authorization), "undo_change", &change);
        assert_eq!(
            undone["data"]["records"][0]["id"], made["data"]["id"],
            "{undone}"
        );
        let denied = server.post(None, "search_contacts", &json!({}));
        assert_eq!(denied["error"]["code"], "UNAUTHORIZED");
        server.stop();
    }
    let database = format!("sqlite:{}", home.path("data/bureau/demo.sqlite").display());
    let count = count_contacts(&home, &database);
    assert_eq!(count, bureau::demo::CONTACTS, "the second start added none");
    // Both keys were used, and stay; of those that nobody used the last one does.
    for _ in 0..2 {
        let mut server = Running::new(&home, &["--demo"]);
        server.read_introduction();
        server.stop();
    }
    let keys = home.run(["key", "list", "--json", "--database", &database]);
    let keys = keys.json();
    let revoked: Vec<bool> = keys
        .as_array()
        .unwrap()
        .iter()
        .map(|key| !key["revoked_at"].is_null())
        .collect();
    assert_eq!(revoked, [false, true, false, false], "{keys}");
    assert!(
        !home.path("data/bureau/bureau.sqlite").exists(),
        "the demo has a file of its own"
    );

    home.say("key list").done();
    let ours = format!(
        "sqlite:{}",
        home.path("data/bureau/bureau.sqlite").display()
    );
    let mixed = home.run([
        "serve",
        "--demo",
        "--listen",
        "127.0.0.1:0",
        "--database",
        &ours,
    ]);
    assert!(
        mixed.code == 1 && mixed.err.contains("not empty"),
        "{}",
        mixed.err
    );
}

fn count_contacts(home: &Home, database: &str) -> usize {
    let mut cursor = Value::Null;
    let mut count = 0;
    loop {
        let page = home
            .call(
                "search_contacts",
                &json!({ "limit": 100, "cursor": cursor }),
                &["--database", database],
            )
            .json();
        count += page["data"].as_array().unwrap().len();
        cursor = page["page"]["next"].clone();
        if cursor.is_null() {
            break;
        }
    }
    count
}

#[test]
fn a_server_says_where_it_is_and_who_else_has_the_address() {
    let home = Home::new();
    let mut server = Running::new(&home, &[]);
    let address = server
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/mcp")
        .to_owned();
    let second = home.run(["serve", "--listen", &address]);
    assert!(
        second.code == 1 && second.err.contains("in use"),
        "{}",
        second.err
    );
    assert_eq!(
        server.post(None, "search_contacts", &json!({}))["error"]["code"],
        "UNAUTHORIZED"
    );
    server.stop();
}

#[test]
fn no_auth_is_loud_and_opens_the_door() {
    let home = Home::new();
    let mut server = Running::new(&home, &["--no-auth"]);
    assert!(server.said.contains("WARNING"), "{}", server.said);
    assert!(server.post(None, "search_contacts", &json!({}))["data"].is_array());
    server.stop();
}

#[test]
fn logs_hold_no_key_and_nothing_of_a_person_at_any_level() {
    let home = Home::new();
    let key = home.say("key create --name x --preset full --json").json()["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut server = Running::new(&home, &["--log=trace"]);
    let arguments = json!({ "first_name": "Wilhelmina", "emails": ["canary@secret.example"] });
    let made = server.post(Some(&format!("Bearer {key}")), "create_contact", &arguments);
    assert_eq!(made["data"]["first_name"], "Wilhelmina");
    let log = server.stop();
    assert!(!log.is_empty(), "nothing was logged, so this shows nothing");
    for secret in [key.as_str(), "Wilhelmina", "canary"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

/// A session over stdio.
pub(crate) struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    id: u64,
}

impl Session {
    pub(crate) fn new(home: &Home, more: &[&str]) -> Self {
        let mut child = home
            .command(["stdio"])
            .args(more)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (
            child.stdin.take().unwrap(),
            BufReader::new(child.stdout.take().unwrap()),
        );
        let mut session = Self {
            child,
            input,
            output,
            id: 0,
        };
        let client = json!({ "name": "test", "version": "1" });
        session.ask(
            "initialize",
            &json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client }),
        );
        writeln!(
            session.input,
            "{}",
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
        )
        .unwrap();
        session
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.id += 1;
        let request =
            json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params });
        writeln!(self.input, "{request}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        answer_of(&self.ask(
            "tools/call",
            &json!({ "name": tool, "arguments": arguments }),
        ))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer_of(response: &Value) -> Value {
    let text = response["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("{response}"));
    serde_json::from_str(text).unwrap()
}

/// A server over HTTP.
pub(crate) struct Running {
    child: Child,
    url: String,
    /// What it said on stderr until it was up.
    said: String,
    errors: Option<BufReader<std::process::ChildStderr>>,
}

impl Running {
    pub(crate) fn new(home: &Home, more: &[&str]) -> Self {
        let mut serve = home.command(["serve", "--listen", "127.0.0.1:0"]);
        Self::of(serve.args(more).spawn().unwrap())
    }

    /// One that was just started.
    fn of(mut child: Child) -> Self {
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let url = loop {
            let start = said.len();
            assert_ne!(errors.read_line(&mut said).unwrap(), 0, "it ended: {said}");
            if let Some((_, url)) = said[start..].split_once("http://127.0.0.1:") {
                break format!("http://127.0.0.1:{}", url.trim());
            }
        };
        Self {
            child,
            url,
            said,
            errors: Some(errors),
        }
    }

    /// What a demo prints for the person, up to its last line.
    fn read_introduction(&mut self) -> String {
        let mut output = BufReader::new(self.child.stdout.take().unwrap());
        let mut text = String::new();
        while !text.contains("Ctrl-C") {
            assert_ne!(output.read_line(&mut text).unwrap(), 0, "{text}");
        }
        text
    }

    /// Calls a tool, and gives its answer or what the door says.
    pub(crate) fn post(&self, authorization: Option<&str>, tool: &str, arguments: &Value) -> Value {
        let address = self
            .url
            .trim_start_matches("http://")
            .trim_end_matches("/mcp");
        let call = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call })
            .to_string();
        let authorization = authorization
            .map(|text| format!("Authorization: {text}\r\n"))
            .unwrap_or_default();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "POST /mcp HTTP/1.1\r\nHost: {address}\r\n{authorization}Content-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (_, body) = response.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{response}"));
        if body.get("result").is_some() {
            answer_of(&body)
        } else {
            body
        }
    }

    /// Ends it as a service manager does, which it takes well, and gives the rest of what it said.
    fn stop(&mut self) -> String {
        let done = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(done.success());
        let mut rest = String::new();
        if let Some(mut errors) = self.errors.take() {
            errors.read_to_string(&mut rest).unwrap();
        }
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{rest}");
        format!("{}{rest}", self.said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
