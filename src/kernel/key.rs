//! API keys: `bureau_` and 39 characters of base 32, the last seven of them a CRC-32 of those before, so that a scanner
//! can tell a real key from a look-alike, and a typing mistake is caught without asking the database.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest as _, Sha256};

/// What every key starts with.
pub const PREFIX: &str = "bureau_";
/// Characters of the random part: 160 bits.
const RANDOM: usize = 32;
/// Characters of the checksum.
const CHECKSUM: usize = 7;

/// A new key. It is shown once and kept nowhere; the database has its [`hash`].
#[must_use]
pub fn generate() -> String {
    let random = BASE32_NOPAD
        .encode(&rand::random::<[u8; 20]>())
        .to_lowercase();
    let checksum = checksum(&random);
    format!("{PREFIX}{random}{checksum}")
}

fn checksum(random: &str) -> String {
    BASE32_NOPAD
        .encode(&crc32fast::hash(random.as_bytes()).to_be_bytes())
        .to_lowercase()
}

/// Whether the text has the form of a key, checksum included.
#[must_use]
pub fn is_well_formed(key: &str) -> bool {
    let Some(body) = key
        .strip_prefix(PREFIX)
        .filter(|body| body.len() == RANDOM + CHECKSUM)
    else {
        return false;
    };
    body.split_at_checked(RANDOM)
        .is_some_and(|(random, sum)| checksum(random) == sum)
}

/// SHA-256 of a key: what the database has. A key has 160 random bits, so nothing slower is needed.
#[must_use]
pub fn hash(key: &str) -> Vec<u8> {
    Sha256::digest(key).to_vec()
}

/// The first characters, to tell keys apart in a list.
#[must_use]
pub fn hint(key: &str) -> String {
    format!(
        "{}…",
        key.chars().take(PREFIX.len() + 4).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_is_recognised() {
        let key = generate();
        assert!(is_well_formed(&key), "{key}");
        assert_ne!(key, generate());
        let mut other = key.clone();
        let last = if other.ends_with('a') { 'b' } else { 'a' };
        other.pop();
        other.push(last);
        for bad in [
            &other,
            "",
            "bureau_",
            "sk_live_x",
            "bureau_é",
            &key.to_uppercase(),
        ] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }
}
