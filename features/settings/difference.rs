//! What a call changes of the settings, as the person reads it who is asked about it.

use std::collections::BTreeMap;

use serde_json::Value;

/// How many changes are said one by one.
const SAID: usize = 20;
/// How much of a text is said.
const LONGEST: usize = 80;

/// What differs, as the end of a sentence that begins with `Update workspace will`; nothing where all is the same.
pub(crate) fn describe(before: &Value, after: &Value) -> Option<String> {
    let (mut was, mut is) = (BTreeMap::new(), BTreeMap::new());
    leaves(before, "", &mut was);
    leaves(after, "", &mut is);
    let mut places: Vec<&String> = was.keys().chain(is.keys()).collect();
    places.sort();
    places.dedup();
    let differing: Vec<String> = places
        .into_iter()
        .filter_map(|place| match (was.get(place), is.get(place)) {
            (was, is) if was == is => None,
            (None, Some(is)) => Some(format!("set {place} to {is}")),
            (Some(was), None) => Some(format!("take away {place} ({was})")),
            (Some(was), Some(is)) => Some(format!("change {place} from {was} to {is}")),
            (None, None) => None,
        })
        .collect();
    let more = differing.len().saturating_sub(SAID);
    let mut text = differing
        .into_iter()
        .take(SAID)
        .collect::<Vec<_>>()
        .join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    (!text.is_empty()).then_some(text)
}

/// The texts, numbers and truth values in a value, by where they stand. What is in a list stands under its name.
fn leaves(value: &Value, place: &str, found: &mut BTreeMap<String, String>) {
    /// These follow from the others.
    const FOLLOWING: [&str; 2] = ["missing", "next"];
    let inside = |step: &str| match place {
        "" => step.to_owned(),
        _ => format!("{place}.{step}"),
    };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            let fields = fields.iter();
            for (name, value) in fields.filter(|(name, _)| !FOLLOWING.contains(&name.as_str())) {
                leaves(value, &inside(name), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let mut named = ["name", "numbers"].into_iter();
                let named = named.find_map(|key| Some((key, item.get(key)?.as_str()?)));
                let Some((key, name)) = named else {
                    leaves(item, &inside(&index.to_string()), found);
                    continue;
                };
                let mut rest = item.clone();
                if let Some(fields) = rest.as_object_mut() {
                    fields.retain(|field, _| field != key);
                }
                leaves(&rest, &inside(name), found);
            }
        }
        Value::String(text) => {
            let mut shown: String = text.chars().take(LONGEST).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            found.insert(place.to_owned(), shown);
        }
        other => {
            found.insert(place.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::describe;

    #[test]
    fn what_differs_is_said_with_what_it_was() {
        let before = json!({ "seller": { "iban": "DE1", "bank": "Old" }, "taxes": [{ "name": "standard", "percent": "19" }] });
        let after = json!({ "seller": { "iban": "DE2", "missing": ["city"] }, "taxes": [{ "name": "standard", "percent": "19", "is_default": true }] });
        assert_eq!(
            describe(&before, &after).unwrap(),
            "take away seller.bank (Old); change seller.iban from DE1 to DE2; set taxes.standard.is_default to true"
        );
        assert_eq!(describe(&after, &after), None);
    }
}
