//! Expenses from tables.

use bureau_kernel::import::{BoxFuture, Draft, Import};
use bureau_kernel::prelude::*;
use serde_json::json;

use crate::expense::Expense;

impl Import for Expense {
    const NAME: &'static str = "expenses";
    const TOOL: &'static str = "import_expenses";
    fn complete<'a>(cx: &'a mut Cx, drafts: &'a mut [Draft]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (today, member) = (cx.today(), cx.caller().member);
            for draft in drafts.iter_mut().filter(|draft| draft.wrong.is_none()) {
                let fields = &mut draft.fields;
                fields
                    .entry("spent_on")
                    .or_insert_with(|| json!(today.to_string()));
                fields.entry("owner").or_insert_with(|| json!(member));
                let made = draft
                    .yes_or_no("billable")
                    .and_then(|()| draft.record::<Self>(cx.local_time())?.check_day(today));
                draft.note(made);
            }
            Ok(())
        })
    }
}
