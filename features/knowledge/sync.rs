//! Keeping documents in step with a folder of files: what is new there comes in, what changed is updated, what moved moves, and what is
//! gone is deleted restorably. Whoever reads the files gives their text; here is what becomes of it.

use std::collections::{BTreeMap, HashMap};

use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;

use crate::document::{Document, Status};
use crate::folder::plain_path;
use crate::visibility::settle;

/// A file as it was read.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Its path within the folder, with slashes.
    pub path: String,
    /// What it says, in Markdown, with front matter where it has some.
    pub text: String,
}

/// What a document is to be.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    source: ShortText<500>,
    title: ShortText<200>,
    text: LongText<90_000>,
    folder: Option<ShortText<200>>,
    tags: Vec<ShortText<50>>,
    language: Option<ShortText<40>>,
    status: Status,
}

/// What is to be done with one document.
#[derive(Debug, Clone)]
pub struct Step {
    /// What it is.
    pub action: Action,
    /// The file, or the one that is gone.
    pub path: String,
    document: Option<Id<Document>>,
    wanted: Option<Wanted>,
}

/// What becomes of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A new one.
    Create,
    /// Its file says something else.
    Update,
    /// Its file lies elsewhere.
    Move,
    /// Its file is gone.
    Remove,
}

/// What is to be done, and what is not.
#[derive(Debug, Default)]
pub struct Plan {
    /// In the order of the paths, removals last.
    pub steps: Vec<Step>,
    /// Files whose documents say the same already.
    pub unchanged: usize,
    /// Files that become no document, and why.
    pub refused: Vec<(String, String)>,
}

/// What stands between the name of the folder and the path in it.
const JOINT: &str = ": ";

/// What is to be done so that the documents of this folder are what the files are. `name` tells its documents from those of other
/// folders.
///
/// # Errors
/// What the database says.
pub async fn plan(cx: &mut Cx, name: &str, files: &[Incoming]) -> Result<Plan> {
    cx.demand::<Document>(Operation::Read)?;
    let mut known: BTreeMap<String, Saved<Document>> = BTreeMap::new();
    let rows = sql("SELECT id, source")
        .from_live::<Document>(cx)
        .sql(" AND source IS NOT NULL");
    let rows = rows.rows(cx.tx()).await?;
    let prefix = format!("{name}{JOINT}");
    let mut ids: Vec<Id<Document>> = Vec::new();
    for row in &rows {
        let source: String = row.get("source")?;
        if source.starts_with(&prefix) {
            ids.push(row.get("id")?);
        }
    }
    for saved in cx.find_all(&ids).await?.into_values() {
        if let Some(source) = saved.source.0.as_deref() {
            known.insert(source.to_owned(), saved);
        }
    }
    let mut plan = Plan::default();
    let mut new = Vec::new();
    for file in files {
        match wanted(&prefix, file) {
            Err(why) => {
                // What cannot be read now is not gone.
                known.remove(&format!("{prefix}{}", file.path));
                plan.refused.push((file.path.clone(), why));
            }
            Ok(wanted) => match known.remove(&*wanted.source) {
                Some(saved) if is_same(&saved, &wanted) => plan.unchanged += 1,
                Some(saved) => plan.steps.push(Step {
                    action: Action::Update,
                    path: file.path.clone(),
                    document: Some(saved.id),
                    wanted: Some(wanted),
                }),
                None => new.push((file.path.clone(), wanted)),
            },
        }
    }
    // What says the same as one that is gone was moved.
    let mut gone: HashMap<String, Vec<Saved<Document>>> = HashMap::new();
    for saved in known.into_values() {
        gone.entry(saved.text.to_string()).or_default().push(saved);
    }
    for (path, wanted) in new {
        let moved = gone.get_mut(&*wanted.text).and_then(Vec::pop);
        plan.steps.push(Step {
            action: if moved.is_some() {
                Action::Move
            } else {
                Action::Create
            },
            path,
            document: moved.map(|saved| saved.id),
            wanted: Some(wanted),
        });
    }
    plan.steps.sort_by(|one, other| one.path.cmp(&other.path));
    let mut removed: Vec<Step> = gone
        .into_values()
        .flatten()
        .map(|saved| Step {
            action: Action::Remove,
            path: saved
                .source
                .0
                .as_deref()
                .unwrap_or_default()
                .replacen(&prefix, "", 1),
            document: Some(saved.id),
            wanted: None,
        })
        .collect();
    removed.sort_by(|one, other| one.path.cmp(&other.path));
    plan.steps.append(&mut removed);
    Ok(plan)
}

/// Does some steps of a plan.
///
/// # Errors
/// What stands in the way of one of them, naming its path.
pub async fn carry_out(cx: &mut Cx, steps: &[Step]) -> Result<()> {
    for step in steps {
        let done = carry_out_one(cx, step).await;
        done.map_err(|error| {
            let message = format!("{}: {}", step.path, error.message());
            Error::new(error.code(), message)
        })?;
    }
    Ok(())
}

async fn carry_out_one(cx: &mut Cx, step: &Step) -> Result<()> {
    match (&step.wanted, step.document) {
        (Some(wanted), Some(id)) => {
            let mut edit = cx.edit(id).await?;
            let before = edit.before().title.clone();
            wanted.apply_to(&mut edit);
            edit.remember(&before);
            settle(cx, &mut edit, None).await?;
            edit.save(cx).await?;
        }
        (Some(wanted), None) => {
            let mut document = Document::empty();
            document.owner = Some(cx.caller().member);
            wanted.apply_to(&mut document);
            settle(cx, &mut document, None).await?;
            cx.insert(document, Attributes::new()).await?;
        }
        (None, Some(id)) => {
            cx.archive(id).await?;
        }
        (None, None) => {}
    }
    Ok(())
}

impl Wanted {
    fn apply_to(&self, document: &mut Document) {
        document.source = Managed(Some(self.source.clone()));
        document.title = self.title.clone();
        document.text = self.text.clone();
        document.folder = self.folder.clone();
        document.tags = Json(self.tags.clone());
        document.language = self.language.clone();
        document.status = self.status;
    }
}

fn is_same(saved: &Saved<Document>, wanted: &Wanted) -> bool {
    let mut now = saved.record.clone();
    wanted.apply_to(&mut now);
    now == saved.record
}

/// What a file is to become; in words, why it becomes nothing.
fn wanted(prefix: &str, file: &Incoming) -> std::result::Result<Wanted, String> {
    let (front, text) = front_matter(&file.text);
    let text = text.trim();
    let (folder, name) = match file.path.rsplit_once('/') {
        Some((folder, name)) => (Some(folder), name),
        None => (None, &*file.path),
    };
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let heading = || {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix("# ").map(|title| title.trim().to_owned()))
    };
    let title = front
        .title
        .or_else(heading)
        .filter(|title| !title.is_empty());
    let title = title.unwrap_or_else(|| stem.to_owned());
    let folder = match folder {
        Some(folder) => plain_path("folder", folder).map_err(|error| error.message().to_owned())?,
        None => None,
    };
    let tags = front.tags.iter().map(|tag| ShortText::new(tag));
    let mut wanted = Document::empty();
    wanted.tags = Json(
        tags.collect::<std::result::Result<_, _>>()
            .map_err(|wrong| format!("a tag {wrong}"))?,
    );
    let language = front
        .language
        .as_deref()
        .and_then(bureau_kernel::search::passages::code_of);
    Ok(Wanted {
        source: ShortText::new(&format!("{prefix}{}", file.path))
            .map_err(|wrong| format!("its path {wrong}"))?,
        title: ShortText::new(&title).map_err(|wrong| format!("its title {wrong}"))?,
        text: LongText::new(text).map_err(|wrong| format!("its text {wrong}"))?,
        folder,
        tags: wanted.tags.0,
        language: language.and_then(|code| ShortText::new(code).ok()),
        status: if front.draft {
            Status::Draft
        } else {
            Status::Published
        },
    })
}

/// What stands above the text of a file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Front {
    title: Option<String>,
    tags: Vec<String>,
    language: Option<String>,
    draft: bool,
}

/// The front matter of a file, as far as it is understood: names with a value each, and lists of tags; and the text below it.
fn front_matter(text: &str) -> (Front, &str) {
    let text = text.trim_start_matches('\u{feff}');
    let mut front = Front::default();
    let Some(rest) = text
        .strip_prefix("---\n")
        .or_else(|| text.strip_prefix("---\r\n"))
    else {
        return (front, text);
    };
    let mut end = 0;
    let mut in_tags = false;
    for line in rest.split_inclusive('\n') {
        end += line.len();
        let line = line.trim_end();
        if line == "---" || line == "..." {
            return (front, rest.get(end..).unwrap_or_default());
        }
        if let Some(item) = line.trim_start().strip_prefix("- ").filter(|_| in_tags) {
            front.tags.extend(unquoted(item));
            continue;
        }
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        in_tags = false;
        match name.trim() {
            "title" => front.title = unquoted(value),
            "lang" | "language" => front.language = unquoted(value),
            "tags" => {
                in_tags = value.trim().is_empty();
                let list = value.trim().trim_start_matches('[').trim_end_matches(']');
                front.tags.extend(list.split(',').filter_map(unquoted));
            }
            "draft" => front.draft = value.trim() == "true",
            "status" => front.draft |= value.trim() == "draft",
            _ => {}
        }
    }
    // Nothing ends it: it is no front matter.
    (Front::default(), text)
}

/// A value without quotes; none where nothing is left.
fn unquoted(value: &str) -> Option<String> {
    let value = value.trim().trim_matches(['"', '\'']).trim();
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_read_and_stays_out_of_the_text() {
        let (front, text) = front_matter(
            "---\ntitle: \"Sick leave\"\ntags: [hr, 'absence']\nlang: de\ndraft: true\nother: x\n---\n\n# Leave\n",
        );
        assert_eq!(front.title.as_deref(), Some("Sick leave"));
        assert_eq!(front.tags, ["hr", "absence"]);
        assert_eq!(front.language.as_deref(), Some("de"));
        assert!(front.draft);
        assert_eq!(text.trim(), "# Leave");
        let (front, _) = front_matter("---\ntags:\n  - one\n  - two\ntitle: T\n---\nx");
        assert_eq!(front.tags, ["one", "two"]);
        assert_eq!(front.title.as_deref(), Some("T"));
        for plain in ["no front", "---\ntitle: never ends\n", "--- \nx"] {
            assert_eq!(front_matter(plain), (Front::default(), plain));
        }
    }

    #[test]
    fn a_file_is_called_by_its_front_matter_its_heading_or_its_name() {
        let title = |text: &str| {
            let file = Incoming {
                path: "HR/sick-leave.md".into(),
                text: text.into(),
            };
            wanted("x: ", &file).map(|wanted| wanted.title.to_string())
        };
        assert_eq!(title("---\ntitle: A\n---\n# B\ntext").as_deref(), Ok("A"));
        assert_eq!(title("text\n# B\n").as_deref(), Ok("B"));
        assert_eq!(title("text").as_deref(), Ok("sick-leave"));
        assert!(title("   ").is_err(), "there is nothing in it");
    }
}
