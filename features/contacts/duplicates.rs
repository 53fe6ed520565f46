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
    let terms: Vec<(&'static str, String)> = contact
        .terms()
        .into_iter()
        .filter(|(field, _)| MATCHES.contains(field))
        .collect();
    // Two calls that create the same person at the same moment: the second waits and then finds the first.
    let workspace = cx.workspace().id;
    let names = terms
        .iter()
        .map(|(field, value)| format!("contact {workspace} {field} {value}"));
    cx.tx().serialize_each(&names.collect::<Vec<_>>()).await?;
    cx.first_with_terms(&MATCHES, &terms).await
}

/// How a match is called in messages.
pub(crate) fn in_words(field: &str) -> &'static str {
    match field {
        "email" => "e-mail address",
        "phone" => "telephone number",
        _ => "name and company",
    }
}
