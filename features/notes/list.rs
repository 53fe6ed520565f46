//! `list_notes`

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::Kind;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::NOTES;
use crate::note::{Note, kind_prefix};
use crate::view::{NoteView, rows};

/// Which notes to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListNotes {
    /// Id of any record
    about: Option<AnyId>,
    /// On such records: contact, deal, …
    kind: Option<ShortText<40>>,
    pinned: Option<bool>,
    /// Who wrote it
    created_by: Option<Id<Member>>,
    created_after: Option<When>,
    created_before: Option<When>,
    /// Default pinned first, then newest
    sort: Option<Sort>,
    descending: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// Orders that notes are listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::enum_variant_names, reason = "they are the fields' names")]
enum Sort {
    CreatedAt,
    UpdatedAt,
}

impl Sort {
    const fn order(self) -> Order {
        match self {
            Self::CreatedAt => Order::CREATED,
            Self::UpdatedAt => Order::UPDATED,
        }
    }
}

/// Those that are pinned, then the others; of each the newest first, since identifiers rise with time.
const PINNED_FIRST: Order = Order::new("pinned", "sort_pinned", Kind::Int).within("about");

impl Tool for ListNotes {
    const SPEC: Spec = Spec::reads("list_notes", NOTES.read)
        .title("List notes")
        .about("List notes of a record or of all, pinned first, then newest.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What should I know before I call Miles?",
        before: &[
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Miles Dyson"}"#,
                keep: &[("miles", "/data/id")],
            },
            Step {
                tool: "create_note",
                arguments: r#"{"about": "{miles}", "text": "Never before ten.", "pinned": true}"#,
                keep: &[("ten", "/data/id")],
            },
            Step {
                tool: "create_note",
                arguments: r#"{"about": "{miles}", "text": "Has two children."}"#,
                keep: &[("children", "/data/id")],
            },
        ],
        arguments: r#"{"about": "{miles}"}"#,
        expect: &[
            ("/data/0/id", r#""{ten}""#),
            ("/data/1/id", r#""{children}""#),
            ("/data/1/about/name", r#""Miles Dyson""#),
        ],
    }];
    type Output = Vec<NoteView>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<NoteView>> {
        let (after, before) = cx.moments(
            ("created_after", self.created_after.as_ref()),
            ("created_before", self.created_before.as_ref()),
        )?;
        let kind = self.kind.as_deref();
        let kind = kind.map(|kind| kind_prefix(cx, kind)).transpose()?;
        let list = cx
            .list::<Note>()
            .same("about", self.about)
            .term("kind", kind)
            .equal("pinned", self.pinned)
            .equal("created_by", self.created_by)
            .from("created_at", after)
            .to("created_at", before);
        let order = self.sort.map_or(PINNED_FIRST, Sort::order);
        let page = list
            .page(
                order,
                self.descending.unwrap_or(true),
                self.limit.unwrap_or_default(),
                self.cursor.as_ref(),
            )
            .await?;
        rows(cx, page).await
    }
}
