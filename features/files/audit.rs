//! Does every file hold what was attached?

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::types::schema::parse_at;
use sha2::{Digest as _, Sha256};

use crate::file::File;

/// Files whose bytes are lost, or are not those that were attached. What they hold is read one file after the other.
///
/// # Errors
/// What the database says.
pub(crate) async fn audit(cx: &mut Cx) -> Result<Vec<Contradiction>> {
    let mut found = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = cx
            .list::<File>()
            .page(Order::CREATED, false, Limit::of(100), cursor.as_ref())
            .await?;
        for file in page.rows {
            let bytes = cx.content(file.id).await?;
            let what = match bytes {
                None => "what it holds is lost",
                Some(bytes) if hex::encode(Sha256::digest(&bytes)) != **file.sha256 => {
                    "what it holds is not what was attached"
                }
                Some(_) => continue,
            };
            found.push(Contradiction {
                record: file.id.to_string(),
                what: what.to_owned(),
            });
        }
        match page.next {
            Some(next) => cursor = Some(parse_at("cursor", next.into())?),
            None => return Ok(found),
        }
    }
}
