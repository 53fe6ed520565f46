//! What contacts ask for.

use bureau_kernel::prelude::*;
use bureau_kernel::suggestion::{Finding, SuggestedCall, SuggestionRule, Wanted, digest};
use futures::FutureExt as _;
use serde_json::json;

use crate::CONTACTS;
use crate::contact::Contact;
use crate::find_duplicates::groups;

/// The module's rules.
pub(crate) const RULES: &[SuggestionRule] = &[SuggestionRule {
    name: "duplicate_contacts",
    about: "Contacts have the same e-mail address or telephone number, or the same name and company",
    reads: &[CONTACTS.read],
    find: |cx, wanted| duplicates(cx, wanted).boxed(),
}];

/// Groups that are looked for: with more, an import went wrong, and they are merged by the list.
const MOST_GROUPS: usize = 50;

async fn duplicates(cx: &mut Cx, wanted: &Wanted) -> Result<Vec<Finding>> {
    let contact = match &wanted.subject {
        None => None,
        Some(subject) => match subject.of::<Contact>() {
            None => return Ok(Vec::new()),
            contact => contact,
        },
    };
    // A duplicate is in nobody's charge.
    if wanted.owner.is_some() {
        return Ok(Vec::new());
    }
    let groups = groups(cx, contact, MOST_GROUPS).await?;
    let findings = groups.into_iter().filter_map(|group| {
        let (first, others) = group.contacts.split_first()?;
        let others: Vec<Id<Contact>> = others.iter().map(|contact| contact.id).collect();
        let count = group.contacts.len();
        Some(Finding {
            subject: first.id.into(),
            owner: None,
            action: format!("Merge {count} contacts into {}", first.name),
            reason: format!(
                "They have the same {}: {}.",
                group.matched_by,
                group.value.replace('|', ", ")
            ),
            evidence: others.iter().map(|contact| (*contact).into()).collect(),
            impact: 30,
            urgency: 50,
            facts: digest(group.contacts.iter().map(|contact| contact.id.to_string())),
            call: SuggestedCall::of(
                "merge_contacts",
                json!({ "keep": first.id, "merge": others }),
            ),
        })
    });
    Ok(findings.collect())
}
