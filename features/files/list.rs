//! `list_files`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::FILES;
use crate::file::{File, demand_read, kind_prefix};
use crate::media::Media;

/// Which files to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListFiles {
    /// Id of any record
    about: Option<AnyId>,
    /// On such records: contact, deal, …
    kind: Option<ShortText<40>>,
    media: Option<Media>,
    /// Who attached it
    created_by: Option<Id<Member>>,
    #[serde(flatten)]
    listing: Listing<File>,
}

impl Listed for File {
    const QUERY: Option<&'static str> = Some("Words of the name or in the file");
    const SORT: &'static str = "Default newest first";
    const USUAL: &'static str = "-created_at";
    const BY_CREATION: bool = true;
}

impl Tool for ListFiles {
    const SPEC: Spec = Spec::reads("list_files", FILES.read)
        .title("List files")
        .about("List files of a record or of all, or find them by the words in them.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Which files are there on the Nexus deal?",
            before: &[
                Step {
                    tool: "create_deal",
                    arguments: r#"{"name": "Nexus"}"#,
                    keep: &[("nexus", "/data/id")],
                },
                Step {
                    tool: "attach_file",
                    arguments: r#"{"about": "{nexus}", "name": "terms.txt", "text": "A penalty of two percent for each week."}"#,
                    keep: &[("terms", "/data/id")],
                },
            ],
            arguments: r#"{"about": "{nexus}"}"#,
            expect: &[
                ("/data/0/id", r#""{terms}""#),
                ("/data/0/about/name", r#""Nexus""#),
                ("/data/0/bytes", "39"),
            ],
        },
        Example {
            title: "Find the terms that speak of a penalty",
            before: &[],
            arguments: r#"{"query": "penalty week", "media": "text"}"#,
            expect: &[("/data/0/id", r#""{terms}""#)],
        },
    ];
    type Output = Vec<Row<File>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<File>>> {
        let kind = self.kind.as_deref();
        let kind = kind.map(|kind| kind_prefix(cx, kind)).transpose()?;
        if let Some(about) = &self.about {
            demand_read(cx, about)?;
        }
        let readable = cx.readable_prefixes();
        let rows = self.listing.rows(cx, |list| {
            let media = self.media.map(|media| media.name().to_owned());
            list.same("about", self.about)
                .term("kind", kind)
                .term("media", media)
                .one_of_keys("kind", readable)
                .equal("created_by", self.created_by)
        });
        rows.await
    }
}
