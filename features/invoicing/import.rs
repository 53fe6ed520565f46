//! Expenses from tables.

use bureau_kernel::import::{BoxFuture, Draft, Field, Import, Reads};
use bureau_kernel::prelude::*;
use serde_json::json;

use crate::expense::Expense;

impl Import for Expense {
    const NAME: &'static str = "expenses";
    const TOOL: &'static str = "import_expenses";
    fn import_fields() -> Vec<Field> {
        vec![
            Field::new(
                "description",
                Reads::Text,
                "expense, title, purpose, subject, what for",
            ),
            Field::new(
                "category",
                Reads::Text,
                "expense category, expense type, type, kind",
            ),
            Field::new(
                "amount",
                Reads::Amount,
                "total, gross, gross amount, total amount, sum",
            ),
            Field::new("currency", Reads::Text, "currency code"),
            Field::new(
                "tax_amount",
                Reads::Amount,
                "tax, vat, vat amount, input tax",
            ),
            Field::new(
                "spent_on",
                Reads::Day,
                "date, expense date, day, receipt date",
            ),
            Field::new("vendor", Reads::Text, "merchant, supplier, payee, paid to"),
            Field::new(
                "company",
                Reads::Record("company"),
                "vendor company, company name",
            ),
            Field::new(
                "owner",
                Reads::Record("member"),
                "employee, spent by, submitted by, member",
            ),
            Field::new("method", Reads::Text, "payment method, paid with, paid by"),
            Field::new(
                "reference",
                Reads::Text,
                "receipt, receipt number, receipt no, invoice number, document number",
            ),
            Field::new("status", Reads::Text, "expense status, state"),
            Field::new(
                "billable",
                Reads::Aside,
                "rebillable, is billable, chargeable",
            ),
            Field::new("notes", Reads::Text, "note, comment, comments"),
        ]
    }

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
