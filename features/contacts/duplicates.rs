//! When two contacts are likely one person: a common e-mail address, a common telephone number, or the same name at the
//! same company.

use bureau_kernel::prelude::*;

use crate::contact::Contact;

/// The terms that tell duplicates, the surest first.
pub(crate) const MATCHES: [&str; 3] = ["email", "phone", "name_company"];

/// The oldest live contact that is likely the same person, and by what.
pub(crate) async fn find(
    cx: &mut Cx,
    contact: &Contact,
) -> Result<Option<(Id<Contact>, &'static str)>> {
    let mut terms: Vec<(&'static str, String)> = contact
        .terms()
        .into_iter()
        .filter(|(field, _)| MATCHES.contains(field))
        .collect();
    terms.sort();
    // Two calls that create the same person at the same moment: the second waits and then finds the first.
    let workspace = cx.workspace().id;
    for (field, value) in &terms {
        cx.tx()
            .serialize(&format!("contact {workspace} {field} {value}"))
            .await?;
    }
    for field in MATCHES {
        let values: Vec<String> = terms
            .iter()
            .filter(|(other, _)| *other == field)
            .map(|(_, value)| value.clone())
            .collect();
        if let Some(id) = cx.with_terms::<Contact>(field, &values).await?.first() {
            return Ok(Some((*id, field)));
        }
    }
    Ok(None)
}

/// How a match is called in messages.
pub(crate) fn in_words(field: &str) -> &'static str {
    match field {
        "email" => "e-mail address",
        "phone" => "telephone number",
        _ => "name and company",
    }
}
