//! The clients that Bureau can be installed in: where each keeps its configuration, and in which form.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

/// A program that starts MCP servers.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Client {
    /// Claude Desktop, for this person
    ClaudeDesktop,
    /// Claude Code, for this project (.mcp.json) or this person
    ClaudeCode,
    /// Cursor, for this person or this project
    Cursor,
    /// VS Code, for this project (.vscode/mcp.json) or this person
    Vscode,
    /// Windsurf, for this person
    Windsurf,
}

/// Whom an installation is for.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Scope {
    /// This person, in every project
    User,
    /// The project in this folder
    Project,
}

/// Which conventions for files hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    Linux,
    MacOs,
    Windows,
}

impl Platform {
    pub(super) fn here() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Linux
        }
    }
}

/// The folders that files are looked for in.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// The person's own folder.
    pub(super) home: Option<PathBuf>,
    /// Where the platform has programs keep their settings.
    pub(super) settings: Option<PathBuf>,
    /// The folder that the command runs in.
    pub(super) project: PathBuf,
}

impl Places {
    /// From what the environment says: `variable` gives the value of one of its variables.
    pub(super) fn new(
        platform: Platform,
        project: PathBuf,
        variable: impl Fn(&str) -> Option<PathBuf>,
    ) -> Self {
        let variable = |name| variable(name).filter(|path| !path.as_os_str().is_empty());
        let home = variable(match platform {
            Platform::Windows => "USERPROFILE",
            Platform::Linux | Platform::MacOs => "HOME",
        });
        let below = |path: &str| home.as_ref().map(|home| home.join(path));
        let settings = match platform {
            Platform::Linux => variable("XDG_CONFIG_HOME")
                .filter(|path| path.is_absolute())
                .or_else(|| below(".config")),
            Platform::MacOs => below("Library/Application Support"),
            Platform::Windows => variable("APPDATA").or_else(|| below("AppData/Roaming")),
        };
        Self {
            home,
            settings,
            project,
        }
    }
}

impl Client {
    /// The name of the object that holds the servers.
    pub(super) fn section(self) -> &'static str {
        match self {
            Self::Vscode => "servers",
            _ => "mcpServers",
        }
    }

    /// Whether an entry says that it is a program, and no address.
    pub(super) fn names_type(self) -> bool {
        matches!(self, Self::ClaudeCode | Self::Cursor | Self::Vscode)
    }

    /// Whom an installation is for when nothing is said.
    pub(super) fn default_scope(self) -> Scope {
        match self {
            Self::ClaudeCode | Self::Vscode => Scope::Project,
            Self::ClaudeDesktop | Self::Cursor | Self::Windsurf => Scope::User,
        }
    }

    /// The client's configuration file.
    ///
    /// # Errors
    ///
    /// What to do instead, where the client has no such file or the environment names no such folder.
    pub(super) fn file(self, scope: Scope, places: &Places) -> Result<PathBuf, String> {
        let home = || known(places.home.as_deref(), "home folder");
        let settings = || known(places.settings.as_deref(), "folder for settings");
        let project = &places.project;
        Ok(match (self, scope) {
            (Self::ClaudeDesktop, Scope::User) => settings()?
                .join("Claude")
                .join("claude_desktop_config.json"),
            (Self::ClaudeCode, Scope::User) => home()?.join(".claude.json"),
            (Self::ClaudeCode, Scope::Project) => project.join(".mcp.json"),
            (Self::Cursor, Scope::User) => home()?.join(".cursor").join("mcp.json"),
            (Self::Cursor, Scope::Project) => project.join(".cursor").join("mcp.json"),
            (Self::Vscode, Scope::User) => settings()?.join("Code").join("User").join("mcp.json"),
            (Self::Vscode, Scope::Project) => project.join(".vscode").join("mcp.json"),
            (Self::Windsurf, Scope::User) => home()?
                .join(".codeium")
                .join("windsurf")
                .join("mcp_config.json"),
            (Self::ClaudeDesktop | Self::Windsurf, Scope::Project) => {
                return Err(
                    "This client has no configuration of its own for a project. Leave --scope out."
                        .into(),
                );
            }
        })
    }
}

fn known<'a>(folder: Option<&'a Path>, what: &str) -> Result<&'a Path, String> {
    folder.ok_or_else(|| {
        format!("This account has no {what}. Name the client's file with --config-file.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(
        client: Client,
        scope: Scope,
        platform: Platform,
        variables: &[(&str, &str)],
    ) -> Result<String, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| PathBuf::from(value))
        };
        let places = Places::new(platform, "/project".into(), variable);
        client
            .file(scope, &places)
            .map(|path| path.display().to_string().replace('\\', "/"))
    }

    #[test]
    fn every_client_has_its_file_on_every_platform() {
        use Client::{ClaudeCode, ClaudeDesktop, Cursor, Vscode, Windsurf};
        use Platform::{Linux, MacOs, Windows};
        use Scope::{Project, User};
        let home = [("HOME", "/home/me")];
        let windows = [
            ("USERPROFILE", "C:/Users/me"),
            ("APPDATA", "C:/Users/me/AppData/Roaming"),
        ];
        for (client, scope, platform, path) in [
            (
                ClaudeDesktop,
                User,
                Linux,
                "/home/me/.config/Claude/claude_desktop_config.json",
            ),
            (
                ClaudeDesktop,
                User,
                MacOs,
                "/home/me/Library/Application Support/Claude/claude_desktop_config.json",
            ),
            (
                ClaudeDesktop,
                User,
                Windows,
                "C:/Users/me/AppData/Roaming/Claude/claude_desktop_config.json",
            ),
            (ClaudeCode, User, Linux, "/home/me/.claude.json"),
            (ClaudeCode, User, Windows, "C:/Users/me/.claude.json"),
            (ClaudeCode, Project, Linux, "/project/.mcp.json"),
            (Cursor, User, MacOs, "/home/me/.cursor/mcp.json"),
            (Cursor, Project, Linux, "/project/.cursor/mcp.json"),
            (Vscode, Project, Linux, "/project/.vscode/mcp.json"),
            (Vscode, User, Linux, "/home/me/.config/Code/User/mcp.json"),
            (
                Vscode,
                User,
                MacOs,
                "/home/me/Library/Application Support/Code/User/mcp.json",
            ),
            (
                Windsurf,
                User,
                Linux,
                "/home/me/.codeium/windsurf/mcp_config.json",
            ),
            (
                Windsurf,
                User,
                Windows,
                "C:/Users/me/.codeium/windsurf/mcp_config.json",
            ),
        ] {
            let variables: &[_] = if platform == Windows { &windows } else { &home };
            assert_eq!(
                file(client, scope, platform, variables).unwrap(),
                path,
                "{client:?} {scope:?} {platform:?}"
            );
        }
        let elsewhere = [("HOME", "/home/me"), ("XDG_CONFIG_HOME", "/cfg")];
        assert_eq!(
            file(Vscode, User, Linux, &elsewhere).unwrap(),
            "/cfg/Code/User/mcp.json"
        );
    }

    #[test]
    fn what_has_no_file_says_what_to_do() {
        for client in [Client::ClaudeDesktop, Client::Windsurf] {
            let error = file(client, Scope::Project, Platform::Linux, &[("HOME", "/h")]);
            assert!(error.unwrap_err().contains("--scope"), "{client:?}");
            let error = file(client, Scope::User, Platform::Linux, &[("HOME", "")]);
            assert!(error.unwrap_err().contains("--config-file"), "{client:?}");
        }
    }
}
