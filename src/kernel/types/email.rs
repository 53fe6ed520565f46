//! E-mail addresses.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::string_schema;

/// An e-mail address in lower case (RFC 5321 lets the part before the @ differ by case; no mail host in use does,
/// and a person means the same mailbox). At most 254 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// None: what a column holds before one is given.
    pub(crate) const fn missing() -> Self {
        Self(String::new())
    }
}

impl FromStr for Email {
    type Err = &'static str;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        let options = email_address::Options::default()
            .with_required_tld()
            .without_display_text()
            .without_domain_literal();
        let text = super::text::visible(raw.trim()).to_lowercase();
        email_address::EmailAddress::parse_with_options(&text, options)
            .map(|_| Self(text))
            .map_err(|_| "is not an e-mail address such as ada@example.com")
    }
}

impl Deref for Email {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        raw.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for Email {
    string_schema!("Email");
}

#[cfg(test)]
mod tests {
    use super::Email;

    #[test]
    fn addresses_are_compared_without_case() {
        assert_eq!(
            " Ada@Example.COM ".parse::<Email>(),
            "ada@example.com".parse()
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "ada",
            "ada@",
            "@example.com",
            "ada@localhost",
            "a b@example.com",
            "Ada <ada@example.com>",
        ] {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
    }
}
