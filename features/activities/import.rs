//! Activities from a table.

use bureau_kernel::import::{BoxFuture, Draft, Field, Import, Reads, declared};
use bureau_kernel::prelude::*;
use bureau_kernel::types::time::DayEdge;

use crate::activity::Activity;

impl Import for Activity {
    const NAME: &'static str = "activities";
    const TOOL: &'static str = "import_activities";

    fn import_fields() -> Vec<Field> {
        let fields = declared::<Self>().into_iter();
        let fields = fields.map(|field| match field.name {
            // A day or a moment, as a call takes it.
            "due_at" => field.read_as(Reads::Text),
            _ => field,
        });
        fields.collect()
    }

    fn complete<'a>(cx: &'a mut Cx, drafts: &'a mut [Draft]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for draft in drafts {
                let made = when_done(cx, draft);
                draft.note(made);
            }
            Ok(())
        })
    }
}

/// Notes when it was done, where the row says so.
fn when_done(cx: &Cx, draft: &mut Draft) -> Result<()> {
    let Some(when) = draft.said::<When>("done_at")? else {
        return Ok(());
    };
    let time = cx.local_time();
    let done_at = when.moment(time.now, time.zone, DayEdge::Start);
    let done_at = done_at
        .filter(|done_at| *done_at <= time.now)
        .ok_or_else(|| Error::invalid("done_at", "done_at has not come yet."))?;
    draft
        .kept
        .insert("done_at".into(), done_at.to_rfc3339().into());
    Ok(())
}
