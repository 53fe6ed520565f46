//! What a message may hold, counted on its bytes before anything is made of them: a few bytes of JSON become a few hundred
//! in memory, so 4 MiB of brackets would become a gigabyte.

/// The most that one message may hold: values, and names in objects. The largest call that is meant, an invoice of 1,000
/// lines with every field given, holds 18,000.
pub const MAX_VALUES: usize = 50_000;

/// The deepest that one message may be nested.
pub const MAX_DEPTH: usize = 64;

/// What one value takes in memory at most, in bytes, while a call with it is under way.
pub(super) const BYTES_EACH: usize = 300;

/// Why a message is not even parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Over {
    /// Too much in it.
    #[error("The message holds more than {MAX_VALUES} values. Send less at once.")]
    Values,
    /// Too much in each other.
    #[error("The message is nested deeper than {MAX_DEPTH} levels. Send it flatter.")]
    Depth,
}

/// How many values and names the text holds at most, if it is JSON. What is not JSON is counted somehow, and refused by the
/// parser.
pub(super) fn count(text: &[u8]) -> Result<usize, Over> {
    let (mut values, mut depth) = (1_usize, 0_usize);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => pass_string(&mut bytes),
            b'[' | b'{' => {
                values += 1;
                depth += 1;
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' | b':' => values += 1,
            _ => {}
        }
        if values > MAX_VALUES {
            return Err(Over::Values);
        }
        if depth > MAX_DEPTH {
            return Err(Over::Depth);
        }
    }
    Ok(values)
}

/// Goes on behind the quote that ends a string.
fn pass_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Values and names, counted where they are.
    fn held(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(held).sum::<usize>(),
            Value::Object(fields) => {
                1 + fields.values().map(|value| 1 + held(value)).sum::<usize>()
            }
            _ => 1,
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "[\\PC\"\\\\\\[{,:]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec(("[\\PC\"\\\\\\[]{0,6}", inner), 0..8)
                    .prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_value_is_missed_and_few_are_counted_twice(value in any_json()) {
            let counted = count(value.to_string().as_bytes()).unwrap();
            prop_assert!(held(&value) <= counted);
            prop_assert!(counted <= 2 * held(&value));
        }

        #[test]
        fn bytes_that_are_no_json_are_counted_without_harm(bytes: Vec<u8>) {
            let _ = count(&bytes);
        }
    }

    #[test]
    fn bombs_are_refused() {
        let most = super::super::MAX_MESSAGE_BYTES;
        let numbers = format!("[{}1]", "1,".repeat(most / 2 - 2));
        let objects = format!("[{}0]", r#"{"a":0},"#.repeat(most / 8 - 1));
        for bomb in ["[[[[]]]],".repeat(most / 9), numbers, objects] {
            assert_eq!(count(bomb.as_bytes()), Err(Over::Values), "{}", &bomb[..20]);
        }
        assert_eq!(count(&b"[".repeat(MAX_DEPTH + 1)), Err(Over::Depth));
        assert_eq!(
            count("{\"a\":".repeat(MAX_DEPTH + 1).as_bytes()),
            Err(Over::Depth)
        );
    }

    #[test]
    fn the_largest_calls_that_are_meant_pass_with_room() {
        let line = json!({
            "product": "prd_1", "description": "Support, \"all\" of it", "quantity": "2.5", "unit": "hour",
            "unit_price": "80", "discount": "10%", "tax_rate": "20", "tax_category": "standard",
        });
        let invoice = json!({ "lines": vec![line; 1_000] });
        assert!(count(invoice.to_string().as_bytes()).unwrap() < MAX_VALUES / 2);
        let address = json!({"email": "ada@king.example", "label": "work", "primary": true});
        let contact = json!({
            "name": "Ada", "emails": vec![&address; 5], "phones": vec![&address; 5], "tags": ["a", "b", "c"],
            "attributes": {"a": 1, "b": [1, 2, 3], "c": {"d": "e"}}, "summary": "x", "score": 1, "owner": "me",
        });
        let bulk = json!({ "records": vec![contact; 100] });
        assert!(count(bulk.to_string().as_bytes()).unwrap() < MAX_VALUES / 2);
        let text = json!({ "text": "[".repeat(1_000_000) });
        assert!(count(text.to_string().as_bytes()).unwrap() < 10);
    }
}
