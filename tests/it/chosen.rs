//! Which of many values a test tries that visits every field of every tool: all of them in the first field of its like, and in any
//! other some that a seed picks anew in each run.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::seed::{from_environment, seed};

/// What a test has tried, and what it tries next.
pub(crate) struct Chosen {
    seed: u64,
    /// How many values of each kind somebody wants tried in every field.
    pub(crate) each: Option<usize>,
    met: BTreeSet<String>,
}

impl Chosen {
    pub(crate) fn new() -> Self {
        let seed = seed("BUREAU_INPUT_SEED");
        println!("BUREAU_INPUT_SEED={seed} chooses the same values again");
        Self {
            seed,
            each: from_environment("BUREAU_INPUT_EACH").and_then(|each| each.try_into().ok()),
            met: BTreeSet::new(),
        }
    }

    /// Whether a field is to be given all values.
    pub(crate) fn wholly(&mut self, like: String) -> bool {
        self.met.insert(like) || self.each.is_some()
    }

    /// Some of all values, in their order; for one place always the same.
    pub(crate) fn pick<T>(&self, place: &str, count: usize, all: Vec<T>) -> Vec<T> {
        let mut hasher = DefaultHasher::new();
        (self.seed, place).hash(&mut hasher);
        let mut random = StdRng::seed_from_u64(hasher.finish());
        let mut left = all.len();
        let mut wanted = count.min(left);
        let mut picked = Vec::new();
        for value in all {
            if random.random_range(0..left) < wanted {
                picked.push(value);
                wanted -= 1;
            }
            left -= 1;
        }
        picked
    }
}

/// A schema without what it says to a reader: fields of one name with the same are read alike.
pub(crate) fn bare(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, value)| *name != "description" || !value.is_string())
            .map(|(name, value)| (name.clone(), bare(value)))
            .collect(),
        Value::Array(items) => items.iter().map(bare).collect(),
        other => other.clone(),
    }
}

#[test]
fn what_is_picked_is_as_many_as_wanted_and_everything_over_time() {
    let mut chosen = Chosen::new();
    let mut met = BTreeSet::new();
    for seed in 0..200 {
        chosen.seed = seed;
        let picked = chosen.pick("here", 3, (0..20).collect());
        assert_eq!(picked, chosen.pick("here", 3, (0..20).collect()));
        assert_eq!(picked.len(), 3);
        assert!(picked.is_sorted());
        met.extend(picked);
    }
    assert_eq!(met.len(), 20);
    assert_eq!(chosen.pick("here", 3, vec![1, 2]), [1, 2]);
}
