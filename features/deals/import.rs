//! Deals from a table.

use bureau_kernel::import::{BoxFuture, Draft, Field, Import, Reads};
use bureau_kernel::prelude::*;
use bureau_kernel::schema::parse_at;
use bureau_kernel::store::enum_name;
use serde_json::{Value, json};

use crate::deal::Deal;
use crate::stage_change::StageChange;
use crate::stages::pipeline_named;

impl Import for Deal {
    const NAME: &'static str = "deals";
    const TOOL: &'static str = "import_deals";
    const FIELDS: &'static [Field] = &[
        Field::new(
            "name",
            Reads::Text,
            &[
                "deal",
                "deal name",
                "opportunity",
                "opportunity name",
                "title",
                "subject",
            ],
        ),
        Field::new(
            "pipeline",
            Reads::Aside,
            &["sales pipeline", "pipeline name"],
        ),
        Field::new(
            "stage",
            Reads::Aside,
            &["deal stage", "sales stage", "pipeline stage", "stage name"],
        ),
        Field::new("status", Reads::Text, &["deal status", "state"]),
        Field::new(
            "company",
            Reads::Record("company"),
            &[
                "company name",
                "account",
                "account name",
                "organization",
                "organisation",
                "customer",
                "associated company",
            ],
        ),
        Field::new(
            "contact",
            Reads::Record("contact"),
            &[
                "contact name",
                "person",
                "contact person",
                "primary contact",
                "contact email",
                "associated contact",
            ],
        ),
        Field::new(
            "owner",
            Reads::Record("member"),
            &[
                "deal owner",
                "opportunity owner",
                "assigned to",
                "sales representative",
            ],
        ),
        Field::new(
            "amount",
            Reads::Amount,
            &["value", "deal value", "deal amount", "sum", "betrag"],
        ),
        Field::new("currency", Reads::Text, &["currency code", "deal currency"]),
        Field::new(
            "probability",
            Reads::Number,
            &["win probability", "deal probability"],
        ),
        Field::new(
            "expected_close",
            Reads::Day,
            &[
                "close date",
                "expected close date",
                "closing date",
                "expected closing date",
            ],
        ),
        Field::new(
            "closed_on",
            Reads::Day,
            &[
                "closed date",
                "won date",
                "won time",
                "lost date",
                "closed at",
            ],
        ),
        Field::new(
            "lost_reason",
            Reads::Text,
            &["closed lost reason", "loss reason", "reason lost"],
        ),
        Field::new(
            "source",
            Reads::Text,
            &["lead source", "original source", "deal source"],
        ),
        Field::new(
            "tags",
            Reads::List,
            &["tag", "labels", "label", "categories", "category"],
        ),
        Field::new(
            "summary",
            Reads::Text,
            &[
                "notes",
                "note",
                "description",
                "comment",
                "comments",
                "deal description",
            ],
        ),
    ];

    fn complete<'a>(cx: &'a mut Cx, drafts: &'a mut [Draft]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for draft in drafts.iter_mut().filter(|draft| draft.wrong.is_none()) {
                if let Err(error) = place(cx, draft).await {
                    draft.wrong = Some(match error.hint_text() {
                        Some(hint) => format!("{} {hint}", error.message()),
                        None => error.message().to_owned(),
                    });
                }
            }
            Ok(())
        })
    }
}

/// Puts a deal into its stage, as a new one.
async fn place(cx: &mut Cx, draft: &mut Draft) -> Result<()> {
    let fields = Value::Object(draft.fields.clone());
    let given: Patch<Deal> = parse_at("", fields)?;
    let mut deal = given.record(cx.local_time())?;
    // Where a table has both, the name goes before the identifier, which may be of another workspace.
    let said = |name: &str| -> Result<Option<ShortText<100>>> {
        let text = draft.aside.get(name).and_then(|texts| texts.last());
        let line = text.map(|text| ShortText::new(text)).transpose();
        line.map_err(|error| Error::invalid(name, format!("{name} {error}.")))
    };
    let pipeline = match said("pipeline")? {
        Some(name) => Some(pipeline_named(cx, &name).await?),
        None => None,
    };
    let stage_change = StageChange {
        pipeline,
        stage: said("stage")?,
    };
    stage_change.take(cx, &mut deal, None, &given).await?;
    for (column, value) in [
        ("pipeline", json!(*deal.pipeline)),
        ("stage", json!(*deal.stage)),
        ("stage_since", json!(*deal.stage_since)),
    ] {
        draft.kept.insert(column.to_owned(), value);
    }
    draft
        .fields
        .insert("status".into(), enum_name(&deal.status).into());
    for (column, value) in [
        ("closed_on", json!(deal.closed_on)),
        ("probability", json!(deal.probability)),
    ] {
        if value.is_null() {
            draft.fields.shift_remove(column);
        } else {
            draft.fields.insert(column.to_owned(), value);
        }
    }
    Ok(())
}
