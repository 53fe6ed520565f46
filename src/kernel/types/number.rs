//! Whole numbers within bounds.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

/// A whole number from `MIN` to `MAX`, which begins at `MIN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BoundedInt<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> BoundedInt<MIN, MAX> {
    /// Takes a number.
    ///
    /// # Errors
    /// A sentence with the bounds when it lies beyond them.
    pub fn new(number: i64) -> Result<Self, String> {
        if (MIN..=MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(format!("must be between {MIN} and {MAX}"))
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl<const MIN: i64, const MAX: i64> Default for BoundedInt<MIN, MAX> {
    fn default() -> Self {
        Self(MIN)
    }
}
impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for BoundedInt<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(i64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
impl<const MIN: i64, const MAX: i64> JsonSchema for BoundedInt<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BoundedInt".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer" })
    }
}

#[cfg(test)]
mod tests {
    use super::BoundedInt;

    #[test]
    fn what_lies_beyond_the_bounds_is_refused_with_them() {
        let parse = |text| serde_json::from_str::<BoundedInt<0, 1000>>(text);
        assert_eq!(parse("1000").unwrap().get(), 1000);
        for bad in ["-1", "1001", "1000000000000000000"] {
            assert!(
                parse(bad).unwrap_err().to_string().contains("0 and 1000"),
                "{bad}"
            );
        }
    }
}
