//! `attach_file`

use bureau_kernel::content::MAX_BYTES;
use bureau_kernel::prelude::*;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FILES;
use crate::file::{File, demand_read, same_file};
use crate::taken::{Source, name_of, take};

/// A file and where it comes from.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AttachFile {
    /// Id of any record
    about: AnyId,
    /// With its ending; default: the file's own
    name: Option<ShortText<200>>,
    /// Of a file on the server's machine
    path: Option<ShortText<1000>>,
    /// Of a plain-text file
    text: Option<LongText<20_000>>,
}

/// The file, or where to send it.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Attached {
    /// It is attached.
    File(Box<View<File>>),
    /// It is not there yet.
    Link {
        /// Where to send it.
        upload: Link,
    },
}

/// An address that takes one file, once.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Link {
    /// The file is sent there with PUT; its name may follow after the last slash.
    url: String,
    /// How to do that from a command line.
    command: String,
    /// Until when.
    expires_at: Timestamp,
    /// Its greatest length.
    max_bytes: usize,
}

impl Tool for AttachFile {
    const SPEC: Spec = Spec::adds("attach_file", FILES.create)
        .title("Attach file")
        .about("Attach a file to a record: by path, as text, else answers an upload link.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Keep these minutes with Deckard's record",
        before: &[Step {
            tool: "create_contact",
            arguments: r#"{"name": "Rick Deckard"}"#,
            keep: &[("deckard", "/data/id")],
        }],
        arguments: r##"{"about": "{deckard}", "name": "minutes.md", "text": "# Minutes\n\nHe takes the job."}"##,
        expect: &[
            ("/data/about/name", r#""Rick Deckard""#),
            ("/data/name", r#""minutes.md""#),
            ("/data/media_type", r#""text/markdown""#),
            ("/data/searchable", r#""all""#),
        ],
    }];
    type Output = Attached;

    async fn call(self, cx: &mut Cx) -> Result<Attached> {
        demand_read(cx, &self.about)?;
        let upload = cx.upload().cloned();
        let text = self.text.as_deref();
        let (field, source) = match (&self.path, text, &upload) {
            (Some(_), Some(_), _) => {
                let message = "A file has a path or a text, not both.";
                return Err(Error::invalid("path", message).hint("Give one of them."));
            }
            (_, _, Some(upload)) => ("file", Source::Bytes(upload.bytes.clone())),
            (Some(path), ..) => ("path", Source::Path(path.to_string())),
            (_, Some(text), _) if self.name.is_some() => {
                ("text", Source::Bytes(text.as_bytes().into()))
            }
            (_, Some(_), _) => {
                return Err(Error::invalid("name", "name says what the text is called.")
                    .hint("Such as minutes.md."));
            }
            _ => return self.link(cx).await,
        };
        let given = self.name.as_ref().map(ToString::to_string);
        let intake = cx.intake();
        let called = given.clone();
        let taken = cx
            .prepared(move || take(&source, called.as_deref(), &intake))
            .await?;
        let taken = taken
            .as_ref()
            .as_ref()
            .map_err(|unfit| unfit.error(field))?;
        if let Some(same) = same_file(cx, &self.about, &taken.sha256).await? {
            let message = format!("This very file is attached there already, as {}.", same.id);
            return Err(Error::conflict(message)
                .field(field)
                .hint("get_file shows it. Nothing was attached."));
        }
        let mut file = File::empty();
        file.about = Parent(self.about.clone());
        file.name = name_of(taken, given.as_deref())?;
        file.media_type = Managed(ShortText::new(taken.media_type).map_err(Error::internal)?);
        file.bytes = Managed(taken.bytes.len() as i64);
        file.sha256 = Managed(ShortText::new(&taken.sha256).map_err(Error::internal)?);
        file.searchable = Managed(taken.searchable);
        let saved = cx.insert(file, Attributes::default()).await?;
        cx.keep_content(saved.id, &taken.bytes, taken.words.as_deref())
            .await?;
        if let Some(upload) = &upload {
            cx.use_link(upload).await?;
        }
        Ok(Attached::File(Box::new(cx.view(saved).await?)))
    }
}

impl AttachFile {
    /// Where to send the file, over HTTP.
    async fn link(self, cx: &mut Cx) -> Result<Attached> {
        let Some(origin) = cx.caller().origin.clone() else {
            let missing = match self.name {
                Some(_) => "text",
                None => "path",
            };
            return Err(Error::invalid(missing, "Nothing says what to attach.").hint(
                "Give the path of a file on this machine, or its name and text. Links to send a file to are made by a server over HTTP.",
            ));
        };
        cx.hold_any("about", &self.about).await?;
        let (token, expires_at) = cx.make_link(&self.about, self.name.as_deref()).await?;
        let url = format!("{origin}/files/{token}/");
        Ok(Attached::Link {
            upload: Link {
                command: format!("curl -T FILE {url}"),
                url,
                expires_at,
                max_bytes: MAX_BYTES,
            },
        })
    }
}
