//! `get_file`

use bureau_kernel::prelude::*;
use data_encoding::BASE64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::FILES;
use crate::file::{File, demand_read};
use crate::media::text_of;

/// Which file to get.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetFile {
    /// File id
    file: Id<File>,
}

/// A file and what it holds.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Got {
    #[serde(flatten)]
    file: View<File>,
    document: Document,
}

/// What it holds: read under `uri`. An image is shown as well, and short text stands in `content`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Document {
    name: String,
    mime_type: String,
    uri: String,
    content: String,
}

impl Tool for GetFile {
    const SPEC: Spec = Spec::reads("get_file", FILES.read)
        .title("Get file")
        .about("Get a file: as a link, an image as an image, short text as text.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What does the briefing on Rachael say?",
        before: &[
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Rachael Tyrell"}"#,
                keep: &[("rachael", "/data/id")],
            },
            Step {
                tool: "attach_file",
                arguments: r#"{"about": "{rachael}", "name": "briefing.md", "text": "Likes owls."}"#,
                keep: &[("briefing", "/data/id")],
            },
        ],
        arguments: r#"{"file": "{briefing}"}"#,
        expect: &[
            ("/data/about/name", r#""Rachael Tyrell""#),
            ("/data/document/mime_type", r#""text/markdown""#),
            ("/data/document/content", r#""Likes owls.""#),
        ],
    }];
    type Output = Got;

    async fn call(self, cx: &mut Cx) -> Result<Got> {
        let file = cx.get(self.file).await?;
        demand_read(cx, &file.about)?;
        let (id, name) = (file.id, file.name.to_string());
        let (media_type, sha256) = (file.media_type.to_string(), file.sha256.to_string());
        let bytes = cx.content(id).await?;
        let file = cx.view(file).await?;
        let lost = || {
            Error::new(Code::Unreadable, "What this file holds is lost or damaged.")
                .hint("Restore it from a backup, or attach it again.")
        };
        let bytes = bytes.ok_or_else(lost)?;
        let mime_type = media_type.clone();
        let content = cx.compute(move || {
            if hex::encode(Sha256::digest(&bytes)) != sha256 {
                return None;
            }
            Some(text_of(&media_type, &bytes).unwrap_or_else(|| BASE64.encode(&bytes)))
        });
        let content = content.await?.ok_or_else(lost)?;
        Ok(Got {
            file,
            document: Document {
                name,
                mime_type,
                uri: format!("bureau://files/{id}"),
                content,
            },
        })
    }
}
