//! How a document leaves in the answer of a tool: as a link to the resource that it is and, where the owner named a folder, as
//! a file in it. Its bytes never stand in the text, which a model would have to read and could do nothing with; a short table
//! does ([`Contents::Text`]).

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bureau_kernel::error::{Code, Error, Result};
use bureau_kernel::registry::Registry;
use bureau_kernel::resource::{Contents, Resource, is_text};
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

/// Where the document of an answer is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// Of the resource that it is.
    pub(crate) uri: String,
    pub(crate) name: String,
    pub(crate) mime_type: String,
    pub(crate) bytes: usize,
    /// Its bytes in Base64, of an image that is shown.
    pub(crate) image: Option<String>,
}

/// Bytes of a text that somebody attached, up to which it stands in the answer.
const SHORT_TEXT: usize = 16 * 1024;
/// Bytes of an image up to which it is shown: what clients take.
const SHOWN_IMAGE: usize = 4 * 1024 * 1024;
/// Images that clients show.
const IMAGES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// A document as tools answer it.
#[derive(Deserialize)]
struct Document {
    name: String,
    mime_type: String,
    content: String,
    /// Of one that says itself which resource it is.
    uri: Option<String>,
}

/// Takes the bytes of a document out of the answer of a call for this format of it, and says in their place where they are.
///
/// # Errors
/// [`Code::Unavailable`] when the folder takes no file.
pub(crate) async fn deliver(
    registry: &Registry,
    tool: &str,
    format: Option<&Value>,
    answer: &mut Value,
    folder: Option<&Path>,
) -> Result<Option<Delivered>> {
    let Some(data) = answer.get_mut("data").and_then(Value::as_object_mut) else {
        return Ok(None);
    };
    let document = data.get("document").cloned().map(Document::deserialize);
    let Some(Ok(document)) = document else {
        return Ok(None);
    };
    let id = data.get("id").and_then(Value::as_str);
    let mut resources = registry.resources().filter(|one| one.tool == tool);
    let found = match (&document.uri, id) {
        (Some(uri), _) => {
            let it = resources.find(|one| one.arguments_for(uri).is_some());
            it.map(|resource| (resource, uri.clone()))
        }
        (None, Some(id)) => {
            let format = format.and_then(Value::as_str);
            let is_it = |resource: &&Resource| {
                let mut named = resource.arguments.iter();
                resource.contents == Contents::Document
                    && named.any(|(name, value)| *name == "document" && Some(*value) == format)
            };
            let it = resources.find(is_it);
            it.map(|resource| (resource, resource.uri_of(id)))
        }
        (None, None) => None,
    };
    let Some((resource, uri)) = found else {
        return Ok(None);
    };
    let shown = match resource.contents {
        Contents::Text(most) if document.content.len() <= most => Some(document.content.clone()),
        Contents::File if is_text(&document.mime_type) && document.content.len() <= SHORT_TEXT => {
            Some(document.content.clone())
        }
        _ => None,
    };
    let content = match is_text(&document.mime_type) {
        true => document.content.as_bytes().to_vec(),
        false => BASE64
            .decode(document.content.as_bytes())
            .map_err(Error::internal)?,
    };
    let is_shown = resource.contents == Contents::File
        && IMAGES.contains(&document.mime_type.as_str())
        && content.len() <= SHOWN_IMAGE;
    let delivered = Delivered {
        uri,
        name: document.name,
        mime_type: document.mime_type,
        bytes: content.len(),
        image: is_shown.then_some(document.content),
    };
    let mut said = json!({
        "uri": delivered.uri,
        "name": delivered.name,
        "mime_type": delivered.mime_type,
        "bytes": delivered.bytes,
    });
    if let (Some(text), Some(said)) = (shown, said.as_object_mut()) {
        said.insert("content".into(), text.into());
    }
    if let Some(folder) = folder {
        let (folder, name) = (folder.to_owned(), delivered.name.clone());
        let shown = folder.display().to_string();
        let written = tokio::task::spawn_blocking(move || put(&folder, &name, &content)).await;
        let file = written.map_err(Error::internal)?.map_err(|error| {
            let message =
                format!("The document was made and cannot be written into {shown}: {error}.");
            Error::new(Code::Unavailable, message)
                .hint("Its owner corrects --documents-dir. Nothing was changed.")
        })?;
        if let Some(said) = said.as_object_mut() {
            said.insert("file".into(), file.display().to_string().into());
        }
    }
    data.insert("document".into(), said);
    Ok(Some(delivered))
}

/// Files that are tried before a document is given up that is never there as it is to be.
const MOST_TRIES: usize = 1_000;

/// Writes a document into a folder under its name. What is there already as it is to be stays, and nothing else is written over.
fn put(folder: &Path, name: &str, content: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let name = plain(name);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, "bin"));
    for number in 1..=MOST_TRIES {
        let name = match number {
            1 => format!("{stem}.{extension}"),
            more => format!("{stem} ({more}).{extension}"),
        };
        let path = folder.join(name);
        match File::create_new(&path) {
            Ok(mut file) => {
                let written = file.write_all(content).and_then(|()| file.sync_all());
                if let Err(error) = written {
                    drop(file);
                    // A part of a document is worse than none.
                    fs::remove_file(&path)?;
                    return Err(error);
                }
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read(&path).is_ok_and(|there| there == content) {
                    return Ok(path);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

/// A name that is no path and that every file system takes.
fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.() ".contains(c);
    let name: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '-' })
        .collect();
    let name = name.trim_matches(['.', ' ']);
    let name: String = name.chars().take(120).collect();
    if name.is_empty() {
        "document".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_written_once_and_over_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let within = folder.path().join("invoices");
        let first = put(&within, "INV-1.pdf", b"one").unwrap();
        assert_eq!(put(&within, "INV-1.pdf", b"one").unwrap(), first);
        let other = put(&within, "INV-1.pdf", b"two").unwrap();
        assert!(other.ends_with("INV-1 (2).pdf"), "{other:?}");
        assert_eq!(fs::read(&first).unwrap(), b"one");
        assert_eq!(fs::read_dir(&within).unwrap().count(), 2);
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "../../etc/passwd",
            "/etc/passwd",
            "..",
            "",
            "a\0b.pdf",
            "C:\\x.pdf",
        ] {
            let path = put(folder.path(), name, name.as_bytes()).unwrap();
            let parent = path.parent().unwrap();
            assert_eq!(parent, folder.path().canonicalize().unwrap(), "{name:?}");
        }
    }
}
