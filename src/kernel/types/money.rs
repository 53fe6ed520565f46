//! Money: exact, never a float. Stored as whole units of 10⁻⁴ of the currency beside its ISO 4217 code, computed
//! as a decimal, sent as a decimal string with the currency's own number of digits.

use std::fmt;
use std::str::FromStr;

use iso_currency::Currency as IsoCurrency;
use rust_decimal::{Decimal, RoundingStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::string_schema;

/// Units of 10⁻⁴ in one whole unit of a currency.
const SCALE: u32 = 4;

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(IsoCurrency);

impl Currency {
    /// This one, or the other where none was said.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self == Self::default() { other } else { self }
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the decimal point (JPY 0, EUR 2, KWD 3); 2 where ISO 4217 defines none.
    #[must_use]
    pub fn digits(self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }
}

/// No currency (XXX), as ISO 4217 has it.
impl Default for Currency {
    fn default() -> Self {
        Self(IsoCurrency::XXX)
    }
}
impl FromStr for Currency {
    type Err = &'static str;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        IsoCurrency::from_code(&code.trim().to_ascii_uppercase())
            .map(Self)
            .ok_or("is not an ISO 4217 currency code such as EUR")
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        code.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for Currency {
    string_schema!("Currency");
}

/// A decimal number with at most four digits after the point, between ±900 billion: an amount, price or quantity
/// before its currency is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Amount(i64);

/// Why a text is not an amount.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AmountError {
    /// Not a number.
    #[error("is not a decimal number such as 1234.50")]
    NotANumber,
    /// More digits than can be kept.
    #[error("has more than four digits after the decimal point")]
    TooFine,
    /// Beyond the bounds.
    #[error("is beyond ±900,000,000,000")]
    TooLarge,
}

/// 900 billion in units of 10⁻⁴: sums of a thousand such amounts still fit 64 bits.
const LIMIT: i64 = 9_000_000_000_000_000;

impl Amount {
    /// Takes units of 10⁻⁴, as they stand in the database.
    #[must_use]
    pub const fn from_raw(units: i64) -> Self {
        Self(units)
    }

    /// Units of 10⁻⁴, as they stand in the database.
    #[must_use]
    pub const fn raw(self) -> i64 {
        self.0
    }

    /// The exact decimal.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.0, SCALE)
    }

    /// The amount for a decimal.
    ///
    /// # Errors
    /// [`AmountError`] when it has more than four digits after the point, or is too large.
    pub fn from_decimal(decimal: Decimal) -> Result<Self, AmountError> {
        let scaled = decimal
            .checked_mul(Decimal::from(10_000))
            .ok_or(AmountError::TooLarge)?;
        if !scaled.fract().is_zero() {
            return Err(AmountError::TooFine);
        }
        let units = i64::try_from(scaled).map_err(|_| AmountError::TooLarge)?;
        if units.abs() > LIMIT {
            Err(AmountError::TooLarge)
        } else {
            Ok(Self(units))
        }
    }

    /// Rounded half up (away from zero, as EN 16931 does) to the currency's digits.
    #[must_use]
    pub fn rounded(self, currency: Currency) -> Self {
        let rounded = self
            .decimal()
            .round_dp_with_strategy(currency.digits(), RoundingStrategy::MidpointAwayFromZero);
        Self::from_decimal(rounded).unwrap_or(self)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let text = text.trim();
        if text.len() > 40 {
            return Err(AmountError::NotANumber);
        }
        let decimal = if text.contains(['e', 'E']) {
            Decimal::from_scientific(text)
        } else {
            Decimal::from_str_exact(text)
        };
        Self::from_decimal(decimal.map_err(|_| AmountError::NotANumber)?)
    }
}
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.decimal().normalize())
    }
}
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for Amount {
    string_schema!("Amount");
}

/// An amount of a currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Money {
    /// How much.
    pub amount: Amount,
    /// Of what.
    pub currency: Currency,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.amount.decimal(), self.currency))
    }
}

/// On the wire a decimal string with the currency's digits; the currency stands beside it.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl JsonSchema for Money {
    string_schema!("Money");
}

/// A sum or product as it is shown: rounded half up to the currency's digits.
#[must_use]
pub fn shown(decimal: Decimal, currency: Currency) -> String {
    let digits = currency.digits();
    let mut rounded =
        decimal.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(digits);
    if rounded.is_zero() {
        // Nothing has no sign, though a decimal that was rounded or negated may have one.
        rounded.set_sign_positive(true);
    }
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: &str, currency: &str) -> String {
        Money {
            amount: amount.parse().unwrap(),
            currency: currency.parse().unwrap(),
        }
        .to_string()
    }

    #[test]
    fn an_amount_shows_its_currencys_digits() {
        assert_eq!(money("1234.5", "EUR"), "1234.50");
        assert_eq!(money("1234.5", "jpy"), "1235");
        assert_eq!(money("-0.0005", "KWD"), "-0.001");
    }

    #[test]
    fn nothing_has_no_sign() {
        let euro: Currency = "EUR".parse().unwrap();
        for nothing in ["-0", "-0.004", "0"] {
            assert_eq!(shown(nothing.parse().unwrap(), euro), "0.00", "{nothing}");
        }
        assert_eq!(shown(-Decimal::ZERO, euro), "0.00");
    }

    #[test]
    fn what_cannot_be_kept_exactly_is_refused() {
        assert_eq!("1.00001".parse::<Amount>(), Err(AmountError::TooFine));
        assert_eq!("1e18".parse::<Amount>(), Err(AmountError::TooLarge));
        for bad in ["", "NaN", "inf", "1,5", "0x10", "--1", "1e999999999"] {
            assert!(bad.parse::<Amount>().is_err(), "{bad}");
        }
        assert_eq!("1.2300".parse::<Amount>().unwrap().to_string(), "1.23");
    }

    proptest::proptest! {
        #[test]
        fn every_amount_reads_back_to_itself(units in -LIMIT..=LIMIT) {
            let amount = Amount::from_raw(units);
            proptest::prop_assert_eq!(amount.to_string().parse::<Amount>(), Ok(amount));
        }
    }
}
