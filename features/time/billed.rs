//! Time follows the line that bills it: it is free again when the draft is discarded, the line is removed, or credit notes take the
//! line or the invoice back whole; and a line of time does not come back without its time.

use std::collections::BTreeMap;

use bureau_invoicing::{Invoice, InvoiceStatus, standing_lines};
use bureau_kernel::prelude::*;
use bureau_kernel::store::log::Action;
use bureau_kernel::store::sql;

use crate::bill_time::entries_of;
use crate::entry::TimeEntry;
use crate::rules::Rule;

/// The lines of time of an invoice that stand: what each is called, and of how many entries it is.
///
/// # Errors
/// What the database says.
pub(crate) async fn lines_of_time(
    cx: &mut Cx,
    invoice: Id<Invoice>,
) -> Result<BTreeMap<String, i64>> {
    let lines = standing_lines(cx, invoice).await?.into_iter();
    let origins = lines.filter_map(|line| line.origin);
    let counted = origins.filter_map(|origin| Some((origin.to_string(), entries_of(&origin)?)));
    Ok(counted.collect())
}

fn bills_time(invoice: &Saved<Invoice>) -> bool {
    let mut origins = invoice
        .lines
        .iter()
        .filter_map(|line| line.origin.as_deref());
    origins.any(|origin| entries_of(origin).is_some())
}

/// Frees time whose line is gone, and refuses a line without its time.
pub(crate) struct Freed;

impl Reaction for Freed {
    type To = Invoice;
    const ON: &'static [Action] = &[
        Action::Create,
        Action::Update,
        Action::Archive,
        Action::Restore,
        Action::Purge,
    ];
    const COVERS: &'static [Covers] = &[Covers::read::<TimeEntry>(), Covers::update::<TimeEntry>()];

    async fn react(cx: &mut Cx, to: Transition<'_, Invoice>) -> Result<()> {
        let Some(written) = to.after.or(to.before) else {
            return Ok(());
        };
        let invoice = match *written.credits {
            // A draft of a credit note takes nothing back yet.
            Some(_) if *written.status == InvoiceStatus::Draft => return Ok(()),
            Some(credited) => credited,
            None if [to.before, to.after].into_iter().flatten().any(bills_time) => written.id,
            None => return Ok(()),
        };
        let lines = lines_of_time(cx, invoice).await?;
        let rows = sql("SELECT id, billed_line")
            .from_live::<TimeEntry>(cx)
            .sql(" AND invoice = ")
            .value(invoice)
            .sql(" ORDER BY id")
            .rows(cx.tx())
            .await?;
        let mut found: BTreeMap<String, i64> = BTreeMap::new();
        for row in rows {
            let line: Option<String> = row.get("billed_line")?;
            let line = line.unwrap_or_default();
            if lines.contains_key(&line) {
                *found.entry(line).or_default() += 1;
                continue;
            }
            let mut edit = cx.edit(row.get::<Id<TimeEntry>>("id")?).await?;
            edit.invoice = Managed(None);
            edit.billed_line = Managed(None);
            edit.save(cx).await?;
        }
        // While the draft is made its time is not on it yet.
        if to.action != Action::Create && found != lines {
            let message = "The time of this line is billed elsewhere by now, or was changed.";
            return Err(Rule::Billed
                .broken(Error::conflict(message).field("lines"))
                .hint("Leave that line out, and bill the time with bill_time."));
        }
        Ok(())
    }
}

/// Refuses an entry that would be free while its line stands, or billed by a line that does not: nothing but an undo that passes
/// over an invoice would write that.
pub(crate) struct InStep;

impl Reaction for InStep {
    type To = TimeEntry;
    const ON: &'static [Action] = &[Action::Create, Action::Update, Action::Restore];

    async fn react(cx: &mut Cx, to: Transition<'_, TimeEntry>) -> Result<()> {
        let place =
            |entry: &Saved<TimeEntry>| Some((*entry.invoice)?).zip(entry.billed_line.0.clone());
        let Some(written) = to.after else {
            return Ok(());
        };
        let before = to.before.and_then(place);
        if before == place(written) {
            return Ok(());
        }
        let current = cx.find(written.id).await?;
        let current = current.filter(|entry| entry.archived_at.is_none());
        let now = current.as_ref().and_then(place);
        if let Some((invoice, line)) = &now
            && !lines_of_time(cx, *invoice).await?.contains_key(&**line)
        {
            let message = format!("{invoice} has no line for this time any more.");
            return Err(Rule::Billed.broken(Error::conflict(message)));
        }
        if let Some((invoice, line)) = before.filter(|before| now.as_ref() != Some(before))
            && lines_of_time(cx, invoice).await?.contains_key(&*line)
        {
            let message = format!("This time is billed on {invoice}, which stands.");
            return Err(Rule::Billed.broken(Error::conflict(message)).hint(
                "Discard the draft with update_invoice, or take an issued one back with create_credit_note.",
            ));
        }
        Ok(())
    }
}
