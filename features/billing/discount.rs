//! A discount: a share in percent, or an amount.

use std::fmt;
use std::str::FromStr;

use bureau_kernel::types::money::{Amount, AmountError};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A discount as people write it: `10%`, or `25.00` in the document's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discount {
    /// From 0 to 100 percent.
    Percent(Amount),
    /// Zero or more.
    Amount(Amount),
}

impl Discount {
    /// What it comes to on this much, not rounded.
    #[must_use]
    pub fn on(self, whole: Decimal) -> Option<Decimal> {
        match self {
            Self::Percent(percent) => whole
                .checked_mul(percent.decimal())?
                .checked_div(Decimal::ONE_HUNDRED),
            Self::Amount(amount) => Some(amount.decimal()),
        }
    }

    /// The percentage, where it is one.
    #[must_use]
    pub fn percent(self) -> Option<Decimal> {
        match self {
            Self::Percent(percent) => Some(percent.decimal()),
            Self::Amount(_) => None,
        }
    }
}

impl Default for Discount {
    fn default() -> Self {
        Self::Amount(Amount::from_raw(0))
    }
}

impl FromStr for Discount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |error: AmountError| format!("{error}; write 10% or 25.00");
        let text = text.trim();
        let (number, is_percent) = match text.strip_suffix('%') {
            Some(number) => (number, true),
            None => (text, false),
        };
        let amount: Amount = number.parse().map_err(wrong)?;
        if amount.raw() < 0 || (is_percent && amount.decimal() > Decimal::ONE_HUNDRED) {
            return Err("must be from 0% to 100%, or an amount of zero or more".to_owned());
        }
        Ok(if is_percent {
            Self::Percent(amount)
        } else {
            Self::Amount(amount)
        })
    }
}
impl fmt::Display for Discount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Amount(amount) => write!(f, "{amount}"),
        }
    }
}
impl Serialize for Discount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Discount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for Discount {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Discount".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}
bureau_kernel::text_column!(Discount);

#[cfg(test)]
mod tests {
    use super::Discount;

    #[test]
    fn a_discount_is_a_share_or_an_amount_and_reads_back_to_itself() {
        for (text, shown) in [("10%", "10%"), (" 7.50 % ", "7.5%"), ("25.00", "25")] {
            let discount: Discount = text.parse().unwrap();
            assert_eq!(discount.to_string(), shown);
            assert_eq!(shown.parse(), Ok(discount));
        }
        for bad in ["", "%", "101%", "-1", "-5%", "10%%", "ten"] {
            assert!(bad.parse::<Discount>().is_err(), "{bad}");
        }
    }
}
