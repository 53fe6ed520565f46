//! Deals from a table.

use bureau_kernel::import::{BoxFuture, Draft, Field, Import, Reads, declared};
use bureau_kernel::prelude::*;
use bureau_kernel::resolve::one_of;
use bureau_kernel::types::text::folded;

use crate::deal::Deal;
use crate::stage_change::StageChange;
use crate::stages::pipelines;

impl Import for Deal {
    const NAME: &'static str = "deals";
    const TOOL: &'static str = "import_deals";

    fn import_fields() -> Vec<Field> {
        let fields = declared::<Self>().into_iter();
        let fields = fields.map(|field| match field.name {
            "probability" => field.read_as(Reads::Percent),
            _ => field,
        });
        fields.collect()
    }

    fn translate(draft: &mut Draft) {
        // Stages that other programs have for what is over.
        let stage = draft.aside.get("stage").and_then(|texts| texts.last());
        let status = match stage.map(|stage| folded(stage)).as_deref() {
            Some("closed won" | "closedwon") => "won",
            Some("closed lost" | "closedlost") => "lost",
            _ => return,
        };
        draft.aside.remove("stage");
        draft.fields.entry("status").or_insert(status.into());
    }

    fn complete<'a>(cx: &'a mut Cx, drafts: &'a mut [Draft]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for draft in drafts {
                let made = place(cx, draft).await;
                draft.note(made);
            }
            Ok(())
        })
    }
}

/// Puts a deal into its stage, as a new one.
async fn place(cx: &mut Cx, draft: &mut Draft) -> Result<()> {
    let given: Patch<Deal> = draft.given()?;
    let before = given.record(cx.local_time())?;
    let pipeline = match draft.said::<ShortText<100>>("pipeline")? {
        Some(name) => Some(one_of(&pipelines(cx).await?, &name)?.id),
        None => None,
    };
    let stage_change = StageChange {
        pipeline,
        stage: draft.said("stage")?,
    };
    let mut deal = before.clone();
    stage_change.take(cx, &mut deal, None, &given).await?;
    draft.take_over(&before, &deal)
}
