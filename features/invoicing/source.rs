//! What drafts of invoices are made from beside lines: records of modules that stand above this one, of which it knows nothing.

use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity;
use futures::future::BoxFuture;

use crate::invoice::Invoice;

/// A kind of record from which invoices are made. The module that it is of lists this among what it provides.
///
/// What has to be noted about the record once there is an invoice, or no more, is noted by a reaction of that module.
#[derive(Debug)]
pub struct DraftSource {
    /// The table of these records.
    pub table: &'static str,
    /// Makes a draft of everything that the record with this number says; the record is its `source`. It is not written yet.
    pub draft: MakeDraft,
}

/// Makes a draft of a record.
pub type MakeDraft = for<'a> fn(&'a mut Cx, i64) -> BoxFuture<'a, Result<Invoice>>;

/// A draft with everything that this record says. It is not written yet.
///
/// # Errors
/// [`Code::NotFound`] where no module makes invoices from such records; whatever its module says of it.
pub(crate) async fn draft_from<E: Entity>(cx: &mut Cx, id: Id<E>) -> Result<Invoice> {
    let source = cx
        .provided::<DraftSource>()
        .find(|source| source.table == E::TABLE);
    let unknown = || Error::not_found(E::NOUN, id).field(E::NOUN);
    (source.ok_or_else(unknown)?.draft)(cx, id.raw()).await
}

/// A quotation as it is named in what this module takes and answers. What one is, the module of quotations knows.
#[derive(Debug)]
pub(crate) struct Quotation;

impl Entity for Quotation {
    const PREFIX: &'static str = "quo";
    const NOUN: &'static str = "quotation";
    const TABLE: &'static str = "quotation";
}
