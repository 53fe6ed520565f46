//! `bureau install`: what becomes of a client's own configuration file.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bureau");
const KEY: &str = "bur_0123456789abcdef";

/// Each client, with its file for the person or the project when nothing is said, and the object that holds its servers.
const CLIENTS: [(&str, &str, &str); 5] = [
    (
        "claude-desktop",
        "home/.config/Claude/claude_desktop_config.json",
        "mcpServers",
    ),
    ("claude-code", "project/.mcp.json", "mcpServers"),
    ("cursor", "home/.cursor/mcp.json", "mcpServers"),
    ("vscode", "project/.vscode/mcp.json", "servers"),
    (
        "windsurf",
        "home/.codeium/windsurf/mcp_config.json",
        "mcpServers",
    ),
];

/// A person's home and a project of theirs.
struct Desk(TempDir);

struct End {
    code: Option<i32>,
    out: String,
    err: String,
}

impl End {
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.done()).unwrap()
    }
}

impl Desk {
    fn new() -> Self {
        let desk = Self(TempDir::new().unwrap());
        for folder in ["home", "project"] {
            std::fs::create_dir(desk.path(folder)).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Names of all files, but not the folders.
    fn files(&self) -> Vec<String> {
        fn walk(folder: &Path, names: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                if entry.path().is_dir() {
                    walk(&entry.path(), names);
                } else {
                    names.push(entry.file_name().into_string().unwrap());
                }
            }
        }
        let mut names = Vec::new();
        walk(self.0.path(), &mut names);
        names.sort();
        names
    }

    fn run(&self, line: &str, key: Option<&str>) -> End {
        let mut command = Command::new(PROGRAM);
        command
            .args(line.split(' '))
            .env_clear()
            .env("HOME", self.path("home"))
            .env("USERPROFILE", self.path("home"))
            .current_dir(self.path("project"))
            .stdin(Stdio::null());
        if let Some(key) = key {
            command.env("BUREAU_API_KEY", key);
        }
        let output = command.output().unwrap();
        End {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn install(&self, line: &str) -> End {
        self.run(&format!("install {line}"), None)
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The groups of an entry where nobody names any.
fn groups() -> String {
    let installed = bureau::MODULES.iter().filter(|module| module.is_installed);
    let names = installed.map(|module| format!(",{}", module.name));
    let groups = format!("default{}", names.collect::<String>());
    assert!(groups.contains("exchange"), "{groups}");
    groups
}

#[test]
#[cfg(target_os = "linux")]
fn every_client_finds_bureau_in_its_own_file_and_once_only() {
    for (client, file, section) in CLIENTS {
        let desk = Desk::new();
        let said = desk.install(&format!("{client} --yes")).done();
        assert!(said.contains("+     \"bureau\": {"), "{client}: {said}");
        let text = desk.read(file);
        let entry = &parsed(&text)[section]["bureau"];
        assert_eq!(entry["command"], PROGRAM, "{client}");
        assert_eq!(
            entry["args"],
            json!(["stdio", "--features", groups()]),
            "{client}"
        );
        assert_eq!(entry.get("env"), None, "{client}");
        let again = desk.install(&format!("{client} --yes --json")).json();
        assert_eq!(again["changed"], false, "{client}");
        assert_eq!(
            again["path"].as_str().unwrap(),
            desk.path(file).to_str().unwrap()
        );
        assert_eq!(desk.read(file), text, "{client}");
        assert_eq!(desk.files().len(), 1, "{client}: {:?}", desk.files());
        desk.install(&format!("{client} --remove --yes")).done();
        assert_eq!(parsed(&desk.read(file)), json!({ section: {} }), "{client}");
        assert_eq!(
            desk.install(&format!("{client} --remove --yes --json"))
                .json()["changed"],
            false
        );
    }
}

#[test]
fn what_else_is_in_the_file_stays_as_it_is_and_the_old_file_is_kept() {
    for (client, _, section) in CLIENTS {
        let desk = Desk::new();
        let before = format!(
            "{{\n    \"zebra\": 1.10,\n    \"{section}\": {{\n        \"other\": {{ \"command\": \"x\", \"env\": {{ \"TOKEN\": \"other-secret\" }} }}\n    }},\n    \"apple\": [1,   2]\n}}\n"
        );
        let path = desk.write("project/c.json", &before);
        let file = format!("{client} --config-file c.json");
        let installed = desk.install(&format!("{file} --yes --json")).json();
        assert_eq!(
            (&installed["changed"], installed["path"].as_str().unwrap()),
            (&json!(true), path.to_str().unwrap())
        );
        let after = desk.read("project/c.json");
        let start = before.find("\n    },").unwrap();
        assert!(
            after.starts_with(&before[..start]) && after.ends_with(&before[start..]),
            "{client}: {after}"
        );
        assert_eq!(installed["entry"], parsed(&after)[section]["bureau"]);
        let backup = installed["backup"].as_str().unwrap();
        assert!(backup.starts_with(&format!("{}.backup-", path.display())));
        assert_eq!(std::fs::read_to_string(backup).unwrap(), before);
        // A second change within the same second takes no copy's place.
        desk.install(&format!("{file} --yes --read-only")).done();
        desk.install(&format!("{file} --remove --yes")).done();
        assert_eq!(desk.read("project/c.json"), before, "{client}");
        assert_eq!(
            desk.files()
                .iter()
                .filter(|name| name.contains(".backup-"))
                .count(),
            3
        );
    }
}

#[test]
fn a_key_is_in_the_environment_only_and_shown_nowhere() {
    for (client, _, section) in CLIENTS {
        let desk = Desk::new();
        let before = json!({ section: { "other": { "env": { "TOKEN": "other-secret" } } } });
        desk.write("project/c.json", &format!("{before:#}"));
        for more in ["--dry-run", "--dry-run --json", "--yes", "--yes --json"] {
            let line = format!("install {client} --config-file c.json {more}");
            let ended = desk.run(&line, Some(KEY));
            assert_eq!(ended.code, Some(0), "{line}: {}", ended.err);
            let said = ended.out + &ended.err;
            assert!(
                !said.contains(KEY) && !said.contains("other-secret"),
                "{line}: {said}"
            );
        }
        let entry = &parsed(&desk.read("project/c.json"))[section]["bureau"];
        assert_eq!(entry["env"], json!({ "BUREAU_API_KEY": KEY }));
        assert!(!entry["args"].to_string().contains(KEY));
        let replaced = desk.run(
            &format!("install {client} --config-file c.json --yes"),
            Some("bur_another_key"),
        );
        let said = replaced.done();
        assert!(
            !said.contains(KEY) && !said.contains("bur_another_key"),
            "{said}"
        );
    }
}

#[test]
#[cfg(unix)]
fn a_file_with_a_key_is_its_owners_alone_and_another_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let desk = Desk::new();
    let path = desk.write("project/c.json", "{}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let made = desk
        .install("cursor --config-file c.json --yes --json")
        .json();
    assert_eq!(mode(&path), 0o640);
    // Whatever else the file holds, its copy is nobody else's to read.
    assert_eq!(mode(Path::new(made["backup"].as_str().unwrap())), 0o600);
    let made = desk
        .run(
            "install cursor --config-file c.json --yes --json",
            Some(KEY),
        )
        .json();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(made["entry"]["env"]["BUREAU_API_KEY"], "(hidden)");
    desk.run("install cursor --config-file new.json --yes", Some(KEY))
        .done();
    assert_eq!(mode(&desk.path("project/new.json")), 0o600);
}

#[test]
#[cfg(unix)]
fn a_link_to_the_file_stays_a_link() {
    let desk = Desk::new();
    desk.write("home/dotfiles/mcp.json", "{}");
    std::os::unix::fs::symlink(
        desk.path("home/dotfiles/mcp.json"),
        desk.path("project/c.json"),
    )
    .unwrap();
    desk.install("cursor --config-file c.json --yes").done();
    assert!(desk.path("project/c.json").is_symlink());
    assert!(parsed(&desk.read("home/dotfiles/mcp.json"))["mcpServers"]["bureau"].is_object());
}

#[test]
#[cfg(unix)]
fn a_project_whose_files_lead_elsewhere_gets_nothing_of_what_is_there() {
    use std::os::unix::fs::symlink;
    let desk = Desk::new();
    let own = r#"{"oauth": "my-own-token", "mcpServers": {}}"#;
    desk.write("home/.claude.json", own);
    symlink("../home/.claude.json", desk.path("project/.mcp.json")).unwrap();
    // A folder that is a link leads away just as well.
    std::fs::create_dir(desk.path("home/editor")).unwrap();
    symlink(desk.path("home/editor"), desk.path("project/.vscode")).unwrap();
    for line in [
        "claude-code --yes",
        "claude-code --remove --yes",
        "vscode --yes",
    ] {
        let ended = desk.run(&format!("install {line}"), Some(KEY));
        assert_eq!(ended.code, Some(1), "{line}: {}", ended.out);
        assert!(
            ended.err.contains("leads out of this project")
                && ended.err.contains("--config-file")
                && !ended.err.contains("my-own-token"),
            "{line}: {}",
            ended.err
        );
    }
    assert_eq!(desk.read("home/.claude.json"), own);
    assert_eq!(desk.files(), [".claude.json", ".mcp.json"]);
    // Named by the person it is changed, and what was in it stays beside it, for its owner alone.
    let made = desk.install("claude-code --config-file .mcp.json --yes --json");
    let made = made.json();
    let backup = PathBuf::from(made["backup"].as_str().unwrap());
    assert_eq!(
        backup.parent().unwrap(),
        desk.path("home").canonicalize().unwrap()
    );
    assert_eq!(std::fs::read_to_string(&backup).unwrap(), own);
    assert!(parsed(&desk.read("home/.claude.json"))["mcpServers"]["bureau"].is_object());
}

#[test]
#[cfg(unix)]
fn what_is_no_regular_file_is_refused_and_not_waited_for() {
    let desk = Desk::new();
    let pipe = desk.path("project/.mcp.json");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    std::fs::create_dir(desk.path("project/folder")).unwrap();
    for line in [
        "claude-code --yes",
        "claude-code --remove --yes",
        "cursor --config-file folder --yes",
        "cursor --config-file /dev/zero --yes",
    ] {
        let ended = desk.install(line);
        assert_eq!(ended.code, Some(1), "{line}: {}", ended.out);
        assert!(
            ended.err.contains("no regular file"),
            "{line}: {}",
            ended.err
        );
    }
}

#[test]
fn nothing_is_written_without_a_yes() {
    let desk = Desk::new();
    let shown = desk.install("vscode --dry-run").done();
    assert!(
        shown.contains("+     \"bureau\": {") && !shown.contains('\u{1b}'),
        "{shown}"
    );
    let asked = desk.install("vscode");
    assert!(
        asked.code == Some(2) && asked.err.contains("--yes"),
        "{}",
        asked.err
    );
    let dry = desk.install("vscode --dry-run --json").json();
    assert_eq!(
        (&dry["changed"], &dry["dry_run"]),
        (&json!(true), &json!(true))
    );
    assert!(desk.files().is_empty(), "{:?}", desk.files());
}

#[test]
fn a_file_that_would_lose_something_is_left_alone_and_what_to_paste_is_said() {
    for text in ["{ \"servers\": {", "{ \"servers\": [] }", "[]"] {
        let desk = Desk::new();
        desk.write("project/.vscode/mcp.json", text);
        let ended = desk.run("install vscode --yes", Some(KEY));
        assert_eq!(ended.code, Some(1), "{text}");
        assert!(
            ended.err.contains("Nothing was written")
                && ended.err.contains("\"bureau\": {")
                && ended.err.contains("YOUR-KEY")
                && !ended.err.contains(KEY),
            "{text}: {}",
            ended.err
        );
        assert_eq!(desk.read("project/.vscode/mcp.json"), text);
        assert_eq!(desk.install("vscode --remove --yes").code, Some(1));
        assert_eq!(desk.files(), ["mcp.json"], "{text}");
    }
}

#[test]
fn comments_and_commas_at_the_end_stay_where_they_are() {
    let text = "{\n  // my servers\n  \"servers\": {\n    \"other\": { \"command\": \"other\" }, // mine\n  },\n}\n";
    let desk = Desk::new();
    desk.write("project/.vscode/mcp.json", text);
    assert_eq!(desk.run("install vscode --yes", Some(KEY)).code, Some(0));
    let written = desk.read("project/.vscode/mcp.json");
    for kept in ["// my servers", "// mine", "\"other\"", "\"bureau\": {"] {
        assert!(written.contains(kept), "{kept}: {written}");
    }
    assert_eq!(desk.install("vscode --remove --yes").code, Some(0));
    let left = desk.read("project/.vscode/mcp.json");
    assert!(
        left.contains("// my servers") && left.contains("// mine") && !left.contains("bureau"),
        "{left}"
    );
}

#[test]
fn the_entry_starts_what_was_said() {
    let desk = Desk::new();
    let entry = |line: &str, key: Option<&str>| {
        let ended = desk.run(&format!("install claude-code --dry-run --json {line}"), key);
        ended.json()["entry"].clone()
    };
    let database = desk.path("project/b.sqlite");
    let local = entry(
        "--database sqlite:b.sqlite --features contacts,history --read-only --workspace acme --confirm writes",
        None,
    );
    let expected = json!([
        "stdio",
        "--database",
        format!("sqlite:{}", database.display()),
        "--workspace",
        "acme",
        "--features",
        "contacts,history",
        "--confirm",
        "writes",
        "--read-only",
    ]);
    assert_eq!(
        (&local["type"], &local["args"]),
        (&json!("stdio"), &expected)
    );
    let remote = entry(
        "--url https://crm.example.com --features contacts --read-only --workspace acme",
        Some(KEY),
    );
    assert_eq!(
        remote["args"],
        json!([
            "connect",
            "https://crm.example.com",
            "--workspace",
            "acme",
            "--features",
            "contacts",
            "--read-only"
        ])
    );
    let postgres = entry("--database postgres://me:hunter2@db/x", None);
    assert_eq!(postgres["args"], json!(["stdio", "--features", groups()]));
    assert_eq!(
        postgres["env"],
        json!({ "BUREAU_DATABASE_URL": "(hidden)" })
    );
    let named = desk
        .install("cursor --name crm --yes --config-file n.json")
        .done();
    assert!(named.contains("\"crm\""), "{named}");
    for (line, says) in [
        ("--features=contact", "Did you mean contacts?"),
        ("--url http://crm.example.com --api-key=k", "--insecure"),
        (
            "--url https://crm.example.com --database sqlite:/x",
            "--url or --database",
        ),
        ("--url https://crm.example.com --tools=x", "--features"),
        ("--name a.b", "--name"),
        ("--insecure", "--url"),
    ] {
        let refused = desk.install(&format!("claude-code --yes {line}"));
        assert_eq!(refused.code, Some(2), "{line}: {}", refused.err);
        assert!(refused.err.contains(says), "{line}: {}", refused.err);
    }
    let refused = desk.install("windsurf --scope project --yes");
    assert!(
        refused.code == Some(2) && refused.err.contains("--scope"),
        "{}",
        refused.err
    );
    assert!(!desk.path("project/.mcp.json").exists());
}

#[test]
fn a_project_file_with_a_key_comes_with_a_warning() {
    let desk = Desk::new();
    let ended = desk.run("install vscode --yes", Some(KEY));
    assert!(ended.err.contains("version control"), "{}", ended.err);
    let ended = desk.run("install claude-code --scope user --yes", Some(KEY));
    assert!(ended.err.is_empty(), "{}", ended.err);
    assert!(parsed(&desk.read("home/.claude.json"))["mcpServers"]["bureau"].is_object());
}

#[test]
fn the_program_that_is_installed_answers_as_the_client_starts_it() {
    use std::io::{BufRead as _, Write as _};
    let desk = Desk::new();
    desk.install("claude-desktop --config-file c.json --yes --features contacts")
        .done();
    let entry = parsed(&desk.read("project/c.json"))["mcpServers"]["bureau"].clone();
    let words = entry["args"].as_array().unwrap().iter();
    let mut child = Command::new(entry["command"].as_str().unwrap())
        .args(words.map(|word| word.as_str().unwrap()))
        .env_clear()
        .env("HOME", desk.path("home"))
        .current_dir(desk.path("home"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let request =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": meta } });
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{request}").unwrap();
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(parsed(&line)["result"]["tools"].is_array(), "{line}");
}
