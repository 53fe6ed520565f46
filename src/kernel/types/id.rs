//! Identifiers: 64-bit, ordered by time, typed in the code and on the wire.
//!
//! Layout of the 63 bits used: 41 bits of milliseconds since 2025-01-01 UTC (69 years), 10 bits of node, 12 bits
//! of sequence. The node is the end of a number that the database hands out to each process with its first write, so that
//! two processes on one database never make the same identifier. A process takes a new number when 512 others were handed
//! out since its own, long before its node comes round after 1,024: on SQLite it looks with every transaction, on PostgreSQL
//! every few seconds. So nodes meet only where 512 processes begin to write in one millisecond on SQLite, or in five seconds on
//! PostgreSQL.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::time::Timestamp;
use crate::types::schema::{ANY_RECORD, RECORD};

/// A kind of thing that has identifiers.
pub trait Entity: Send + Sync + 'static {
    /// What its identifiers start with on the wire: 2 to 4 letters, unique in Bureau.
    const PREFIX: &'static str;
    /// What it is called in messages, singular.
    const NOUN: &'static str;
    /// The table that it stands in.
    const TABLE: &'static str;
}

/// An identifier of an `E`. On the wire `con_0k3x9v7m2qz4t`: the prefix and 13 Crockford base-32 digits.
pub struct Id<E> {
    value: i64,
    entity: PhantomData<fn() -> E>,
}

impl<E> Id<E> {
    /// Takes the number as it stands in the database.
    #[must_use]
    pub const fn from_raw(value: i64) -> Self {
        Self {
            value,
            entity: PhantomData,
        }
    }

    /// The number as it stands in the database.
    #[must_use]
    pub const fn raw(self) -> i64 {
        self.value
    }
}

impl<E> Clone for Id<E> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<E> Copy for Id<E> {}
impl<E> PartialEq for Id<E> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<E> Eq for Id<E> {}
impl<E> std::hash::Hash for Id<E> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}
impl<E> PartialOrd for Id<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> Ord for Id<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.value.cmp(&other.value)
    }
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 13;

/// The wire form of a raw identifier.
#[must_use]
pub fn encode(prefix: &str, value: i64) -> String {
    let mut text = String::with_capacity(prefix.len() + 1 + DIGITS);
    text.push_str(prefix);
    text.push('_');
    for place in (0..DIGITS).rev() {
        let digit = usize::try_from((value >> (5 * place)) & 31).unwrap_or(0);
        text.push(ALPHABET.get(digit).copied().unwrap_or(b'0') as char);
    }
    text
}

/// Splits a wire form into its prefix and number; `None` when it is not one. Reads upper case, and the letters
/// that Crockford's alphabet leaves out (i, l, o) as the digits they are mistaken for.
#[must_use]
pub fn decode(text: &str) -> Option<(&str, i64)> {
    let (prefix, digits) = text.split_once('_')?;
    if digits.len() != DIGITS || prefix.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for byte in digits.bytes() {
        let digit = match byte.to_ascii_lowercase() {
            b'i' | b'l' => 1,
            b'o' => 0,
            other => ALPHABET.iter().position(|known| *known == other)?,
        };
        value = value
            .checked_mul(32)?
            .checked_add(i64::try_from(digit).ok()?)?;
    }
    Some((prefix, value))
}

/// Why a text is not an identifier of the wanted kind.
#[derive(Debug, thiserror::Error)]
pub enum IdError {
    /// An identifier, but of something else.
    #[error(
        "expected a {wanted} id ({prefix}_…), but this one belongs to another kind ({found}_…)"
    )]
    OtherKind {
        /// What was wanted.
        wanted: &'static str,
        /// The prefix that it would have.
        prefix: &'static str,
        /// The prefix that was found.
        found: String,
    },
    /// Not an identifier.
    #[error(
        "expected a {wanted} id: {prefix}_ and 13 letters and digits, as other tools return it"
    )]
    Malformed {
        /// What was wanted.
        wanted: &'static str,
        /// The prefix that it would have.
        prefix: &'static str,
    },
}

impl<E: Entity> FromStr for Id<E> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match decode(text.trim()) {
            Some((prefix, value)) if prefix.eq_ignore_ascii_case(E::PREFIX) => {
                Ok(Self::from_raw(value))
            }
            Some((prefix, _)) if prefix.len() <= 8 => Err(IdError::OtherKind {
                wanted: E::NOUN,
                prefix: E::PREFIX,
                found: prefix.to_owned(),
            }),
            _ => Err(IdError::Malformed {
                wanted: E::NOUN,
                prefix: E::PREFIX,
            }),
        }
    }
}

impl<E: Entity> fmt::Display for Id<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(E::PREFIX, self.value))
    }
}
impl<E: Entity> fmt::Debug for Id<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl<E: Entity> Serialize for Id<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de, E: Entity> Deserialize<'de> for Id<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
impl<E: Entity> JsonSchema for Id<E> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Id_{}", E::TABLE).into()
    }
    /// Says which record it means, so that whoever reads arguments by it can take what people call that one.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", RECORD: E::TABLE })
    }
}

/// An identifier of a record of any kind. Which kind it is, its prefix says.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnyId {
    prefix: String,
    value: i64,
}

impl AnyId {
    /// The identifier of no record, for a field that nothing was said about.
    pub(crate) const fn missing() -> Self {
        Self {
            prefix: String::new(),
            value: 0,
        }
    }

    /// What it starts with on the wire.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The number as it stands in the database.
    #[must_use]
    pub const fn raw(&self) -> i64 {
        self.value
    }

    /// The identifier as one of an `E`, where it is.
    #[must_use]
    pub fn of<E: Entity>(&self) -> Option<Id<E>> {
        (self.prefix == E::PREFIX).then(|| Id::from_raw(self.value))
    }
}

impl<E: Entity> From<Id<E>> for AnyId {
    fn from(id: Id<E>) -> Self {
        Self {
            prefix: E::PREFIX.to_owned(),
            value: id.raw(),
        }
    }
}

impl FromStr for AnyId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = decode(text.trim()).filter(|(prefix, _)| (2..=4).contains(&prefix.len()));
        let (prefix, value) =
            known.ok_or("is no id of a record; it takes one that other tools returned, whatever record it is of")?;
        Ok(Self {
            prefix: prefix.to_ascii_lowercase(),
            value,
        })
    }
}

impl fmt::Display for AnyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.prefix, self.value))
    }
}
impl fmt::Debug for AnyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl Serialize for AnyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for AnyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for AnyId {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "AnyId".into()
    }
    /// Says that it means a record, of whichever kind.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", RECORD: ANY_RECORD })
    }
}

/// Makes identifiers for one process.
#[derive(Debug)]
pub struct IdGenerator(Mutex<Generator>);

#[derive(Debug)]
struct Generator {
    /// The number that the database handed out; only its low 10 bits count.
    number: i64,
    /// Milliseconds and sequence of the last identifier.
    last: i64,
}

/// 2025-01-01T00:00:00Z in milliseconds of the Unix epoch.
const EPOCH_MS: i64 = 1_735_689_600_000;
const MS_BITS: u32 = 41;
const SEQUENCE_BITS: u32 = 12;
const NODE_BITS: u32 = 10;

impl IdGenerator {
    /// A generator for the process that the database gave this number; only its low 10 bits count.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(Mutex::new(Generator { number, last: 0 }))
    }

    fn generator(&self) -> MutexGuard<'_, Generator> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its number stays this process's alone for a while, when the database has handed out numbers up to this one.
    pub(crate) fn is_own(&self, newest: i64) -> bool {
        newest - self.generator().number < 1 << (NODE_BITS - 1)
    }

    /// Goes on with another number, and with larger identifiers than before.
    pub(crate) fn renew(&self, number: i64) {
        let mut generator = self.generator();
        if generator.last > 0 && generator.number != number {
            // The node stands before the sequence, so the rest of this millisecond is left out.
            generator.last |= (1 << SEQUENCE_BITS) - 1;
        }
        generator.number = number;
    }

    /// The next identifier at this moment: larger than every one before it from this generator. More than 4096 in one
    /// millisecond borrow from the next ones.
    ///
    /// A clock that is set back is not followed: the generator goes on from its last identifier, one by one, until the clock
    /// is there again or the process ends. So a jump forward is kept for as long as the process lives and no longer: the
    /// next process has another node and starts from the clock as it is then, and no two identifiers are ever the same. A
    /// clock that shows a year which 41 bits do not reach (before 2025, or after 2094) is not followed either; `None` where
    /// there is no identifier yet to go on from.
    pub fn next(&self, now: Timestamp) -> Option<i64> {
        let now_ms = now.timestamp_millis().saturating_sub(EPOCH_MS);
        let is_usable = (0..1 << MS_BITS).contains(&now_ms);
        let mut generator = self.generator();
        if !is_usable && generator.last == 0 {
            return None;
        }
        let floor = if is_usable {
            now_ms << SEQUENCE_BITS
        } else {
            0
        };
        generator.last = floor.max(generator.last + 1);
        let (ms, sequence) = (
            generator.last >> SEQUENCE_BITS,
            generator.last & ((1 << SEQUENCE_BITS) - 1),
        );
        let node = generator.number & ((1 << NODE_BITS) - 1);
        Some((ms << (SEQUENCE_BITS + NODE_BITS)) | (node << SEQUENCE_BITS) | sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::types::time::now;

    struct Thing;
    impl Entity for Thing {
        const PREFIX: &'static str = "thg";
        const NOUN: &'static str = "thing";
        const TABLE: &'static str = "thing";
    }

    #[test]
    fn wire_form_reads_back_to_the_same_number() {
        for value in [0, 1, 31, 32, 4_611_686_018_427_387_904, i64::MAX] {
            let id = Id::<Thing>::from_raw(value);
            assert_eq!(id.to_string().parse::<Id<Thing>>().unwrap(), id);
            assert_eq!(id.to_string().len(), 17);
        }
    }

    #[test]
    fn another_kinds_identifier_is_refused_by_name() {
        let other = encode("con", 7);
        let error = other.parse::<Id<Thing>>().unwrap_err().to_string();
        assert!(error.contains("thing") && error.contains("con_"), "{error}");
        for bad in [
            "",
            "7",
            "thg_",
            "thg_0",
            "thg_zzzzzzzzzzzzz",
            "thg_00000000000u0",
            "thg_é000000000000",
        ] {
            assert!(bad.parse::<Id<Thing>>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_identifier_of_any_kind_keeps_its_kind() {
        let any = AnyId::from(Id::<Thing>::from_raw(7));
        let text = any.to_string();
        assert_eq!(text.to_ascii_uppercase().parse(), Ok(any.clone()));
        assert_eq!(any.of::<Thing>(), Some(Id::from_raw(7)));
        assert_eq!(
            encode("con", 7).parse::<AnyId>().unwrap().of::<Thing>(),
            None
        );
        for bad in ["", "7", "thg_7", "_0000000000007", "thing_0000000000007"] {
            assert!(bad.parse::<AnyId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn identifiers_of_one_process_rise_and_of_two_never_meet() {
        let (one, two) = (IdGenerator::new(1), IdGenerator::new(2));
        let mut seen = std::collections::HashSet::new();
        let mut last = 0;
        for _ in 0..20_000 {
            let id = one.next(now()).unwrap();
            assert!(id > last);
            last = id;
            assert!(seen.insert(id) && seen.insert(two.next(now()).unwrap()));
        }
    }

    #[test]
    fn a_new_number_goes_on_with_larger_identifiers_and_is_due_when_the_old_one_comes_round() {
        let moment = now();
        let ids = IdGenerator::new(1_023);
        let mut last = 0;
        for number in [1_023, 1_024, 5_000, 4_999] {
            ids.renew(number);
            for _ in 0..5_000 {
                let id = ids.next(moment).unwrap();
                assert!(id > last, "{number}");
                last = id;
            }
        }
        let ids = IdGenerator::new(7);
        assert!(ids.is_own(7) && ids.is_own(518));
        assert!(
            !ids.is_own(519),
            "half of the way to 1031, which has the same node"
        );
    }

    #[test]
    fn a_clock_that_jumps_makes_no_identifier_twice_and_none_that_is_smaller() {
        let year =
            |id: i64| 2025 + (id >> (SEQUENCE_BITS + NODE_BITS)) / (1000 * 60 * 60 * 24 * 365);
        let ids = IdGenerator::new(7);
        let mut last = 0;
        for day in [
            "2026-11-21",
            "2029-11-21",
            "2026-11-21",
            "1970-01-01",
            "2150-01-01",
            "2026-11-22",
        ] {
            let moment = format!("{day}T12:00:00Z").parse().unwrap();
            for _ in 0..10_000 {
                let id = ids.next(moment).unwrap();
                assert!(id > last, "{day}");
                last = id;
            }
        }
        assert_eq!(
            year(last),
            2029,
            "this process keeps the jump, and goes no further"
        );
        let next = IdGenerator::new(8).next("2026-11-22T12:00:00Z".parse().unwrap());
        assert_eq!(year(next.unwrap()), 2026, "the next one does not");
        for never in ["1970-01-01T00:00:00Z", "2150-01-01T00:00:00Z"] {
            assert_eq!(IdGenerator::new(9).next(never.parse().unwrap()), None);
        }
    }
}
