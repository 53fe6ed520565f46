//! Is billed time on the lines that bill it?

use std::collections::BTreeMap;

use bureau_billing::Findings;
use bureau_invoicing::Invoice;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;

use crate::billed::lines_of_time;
use crate::entry::TimeEntry;

/// What contradicts the rules: time on a line that does not stand, and a line of time that has not all of its entries.
///
/// # Errors
/// What the database says.
pub(crate) async fn audit(cx: &mut Cx) -> Result<Vec<Contradiction>> {
    let mut found = Findings::default();
    let rows = sql("SELECT invoice, billed_line, COUNT(*) AS count")
        .from_live::<TimeEntry>(cx)
        .sql(" AND invoice IS NOT NULL GROUP BY invoice, billed_line")
        .rows(cx.tx())
        .await?;
    let mut billed: BTreeMap<i64, BTreeMap<String, i64>> = BTreeMap::new();
    for row in rows {
        let line: Option<String> = row.get("billed_line")?;
        let lines = billed.entry(row.get("invoice")?).or_default();
        lines.insert(line.unwrap_or_default(), row.get("count")?);
    }
    for (invoice, lines) in billed {
        let invoice: Id<Invoice> = Id::from_raw(invoice);
        if lines_of_time(cx, invoice).await? != lines {
            found.say(
                invoice,
                "its lines of time and the time on them do not agree",
            );
        }
    }
    Ok(found.into_vec())
}
