//! Whether the log is what it was when anchors of it were noted.

use bureau_kernel::anchor::{self, Checked};
use bureau_kernel::error::Result;
use bureau_kernel::store::Store;

use crate::anchors;
use crate::config::Config;

pub(super) async fn anchors(config: &Config, store: &Store) -> Result<String, String> {
    let file = anchors::file(config);
    if !file.path().exists() {
        let broken = anchor::check_rows(store).await;
        return match broken.map_err(|error| error.to_string())? {
            None => Ok(
                "none outside of the database yet: a server notes one each hour and when it ends, and `bureau anchor` now"
                    .into(),
            ),
            Some(what) => Err(what),
        };
    }
    let checked = async {
        match anchors::key(config)? {
            Some(key) => file.check(store, &key).await.map(Some),
            None => Ok(None),
        }
    };
    let checked: Option<Checked> = checked.await.map_err(|error| error.to_string())?;
    let Some(checked) = checked else {
        return Err(format!(
            "{} is there, and the key that its lines are signed with is not: set BUREAU_ANCHOR_KEY or BUREAU_ANCHOR_KEY_FILE",
            file.path().display()
        ));
    };
    match checked.broken {
        None => Ok(format!(
            "the log is what it was at each of {} moments noted in {}",
            checked.whole,
            file.path().display()
        )),
        Some(what) => Err(what),
    }
}
