//! Where the change logs of all workspaces end, taken together: what an anchor, a backup and the search index say of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Where the sealed log of a workspace ends, or stood at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The position of its last row.
    pub position: i64,
    /// The hash of that row, in hexadecimal digits.
    pub hash: String,
}

/// The heads of several workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Heads(BTreeMap<i64, Head>);

impl Heads {
    /// That of a workspace.
    #[must_use]
    pub fn get(&self, workspace: i64) -> Option<&Head> {
        self.0.get(&workspace)
    }

    /// The position of a workspace's; 0 where there is none.
    #[must_use]
    pub fn position(&self, workspace: i64) -> i64 {
        self.get(workspace).map_or(0, |head| head.position)
    }

    /// Puts that of a workspace in place of what is known of it.
    pub fn insert(&mut self, workspace: i64, head: Head) {
        self.0.insert(workspace, head);
    }

    /// All of them, in the order of the workspaces.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Head)> {
        self.0.iter().map(|(workspace, head)| (*workspace, head))
    }

    /// How many workspaces there are.
    #[must_use]
    pub fn workspaces(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rows of all logs together.
    #[must_use]
    pub fn rows(&self) -> i64 {
        self.0.values().map(|head| head.position).sum()
    }

    /// SHA-256 over all of them, in hexadecimal digits: another one when any log is longer, shorter, other, or gone.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for (workspace, head) in &self.0 {
            hash.update(workspace.to_be_bytes());
            hash.update(head.position.to_be_bytes());
            hash.update((head.hash.len() as u64).to_be_bytes());
            hash.update(&head.hash);
        }
        hex::encode(hash.finalize())
    }
}

impl FromIterator<(i64, Head)> for Heads {
    fn from_iter<I: IntoIterator<Item = (i64, Head)>>(heads: I) -> Self {
        Self(heads.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_other_in_any_log_makes_another_hash() {
        let head = |position, hash: &str| Head {
            position,
            hash: hash.to_owned(),
        };
        let heads = |list: &[(i64, Head)]| list.iter().cloned().collect::<Heads>();
        let all = heads(&[(1, head(3, "aa")), (2, head(1, "bb"))]);
        assert_eq!(
            all.hash(),
            heads(&[(2, head(1, "bb")), (1, head(3, "aa"))]).hash()
        );
        assert_eq!((all.rows(), all.workspaces()), (4, 2));
        for other in [
            heads(&[]),
            heads(&[(1, head(3, "aa"))]),
            heads(&[(1, head(3, "aa")), (3, head(1, "bb"))]),
            heads(&[(1, head(2, "aa")), (2, head(1, "bb"))]),
            heads(&[(1, head(3, "bb")), (2, head(1, "aa"))]),
            heads(&[(1, head(3, "aab")), (2, head(1, "b"))]),
        ] {
            assert_ne!(other.hash(), all.hash(), "{other:?}");
        }
        let kept = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Heads>(&kept).unwrap(), all);
    }
}
