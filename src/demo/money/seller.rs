//! What the firm puts on its documents.

use bureau_kernel::dispatch::Dispatcher;
use bureau_kernel::error::Result;

/// Notes it, as the owner does with `bureau workspace seller`.
#[cfg(feature = "billing")]
pub(in crate::demo) async fn note(dispatcher: &Dispatcher) -> Result<()> {
    use crate::demo::{FIRM, SLUG};
    use bureau_kernel::types::schema;
    use data_encoding::BASE64;
    use serde_json::json;

    let operator = dispatcher.operator(Some(SLUG)).await?;
    let batch = dispatcher.batch(&operator, "bureau").await?;
    let details = json!({
        "name": format!("{FIRM} GmbH"),
        "street": "Speicherstraße 12",
        "postal_code": "10115",
        "city": "Berlin",
        "country": "DE",
        "vat_id": "DE900000000",
        "registration": "HRB 900000 B, Berlin",
        "contact": "Sofia Lindgren",
        "email": "billing@harbour-vale.example",
        "phone": "+49 30 23125 000",
        "website": "https://www.harbour-vale.example",
        // The account of the documentation of IBAN: nobody's.
        "iban": "DE89370400440532013000",
        "bic": "HAVLDEB1XXX",
        "bank": "Bank am Beispielufer",
        "terms": "net 30",
        "language": "en",
        "footer": "Harbour & Vale is made up for demonstration. Managing director: Alex Morgan.",
        "logo": BASE64.encode(include_bytes!("logo.png")),
    });
    let details = schema::parse_at("", details)?;
    let note = async |cx: &mut _| bureau_billing::set_seller(cx, &details, &[]).await;
    dispatcher.app().run_in(&batch, note).await.map(drop)
}

/// Without invoices there is nothing to put it on.
#[cfg(not(feature = "billing"))]
#[allow(clippy::unused_async)]
pub(in crate::demo) async fn note(_: &Dispatcher) -> Result<()> {
    Ok(())
}
