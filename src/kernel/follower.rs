//! What a module does with what was written, later: in steps of its own, so that no call waits for it, and none fails with it.
//!
//! A follower reads the sealed change log of each workspace from its beginning, in the order of the log, and keeps in the database how
//! far it has come. It is a [`Job`] whose one record is the workspace, which is due while the log goes on beyond that
//! place: so it is taken up by a lease, tried again later and later after an error, and seen by `bureau doctor`. A step
//! moves the place in the transaction in which it does its work: whoever is killed, what it writes is written once.
//! What it does outside of the database it may do again.

use std::future::Future;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::caller::Workspace;
use crate::error::Result;
use crate::job::Job;
use crate::record::Cx;
use crate::store::log::LogRow;
use crate::store::sql;
use crate::types::id::Entity as _;

/// Rows of the log that are taken in together.
const TOGETHER: usize = 500;

/// What a module does with what was written.
pub trait Follow: 'static {
    /// Its name, which stands in the change log where a call's tool does. No other follower or job of any module has it: by it
    /// the database knows how far it has come, so one of a new name begins anew.
    const NAME: &'static str;
    /// What it does, in one line.
    const ABOUT: &'static str;
    /// The tables of the records that it is about; what is done to others is passed over. Its own writes are too.
    const TABLES: &'static [&'static str];

    /// Takes in some rows, in the order in which they were written. The records may stand differently by now, or be gone. What it
    /// answers as an error is kept and shown to the owner, so it names no personal data; nothing is passed over because
    /// of it.
    ///
    /// # Errors
    /// Whatever keeps these rows from being taken in. They come again.
    fn take(cx: &mut Cx, rows: &[LogRow]) -> impl Future<Output = Result<()>> + Send;
}

/// The job by which the log is followed. A [`Module`](crate::registry::Module) lists `follower::<Scores>()` among its jobs.
#[must_use]
pub const fn follower<F: Follow>() -> Job {
    Job {
        name: F::NAME,
        about: F::ABOUT,
        table: Workspace::TABLE,
        due: due::<F>,
        run: run::<F>,
        follows_log: true,
    }
}

fn due<F: Follow>(cx: &mut Cx, _: usize) -> BoxFuture<'_, Result<Vec<i64>>> {
    async move {
        let workspace = cx.workspace().id;
        let goes_on = sql("SELECT 1 AS more FROM change_log WHERE workspace = ")
            .value(workspace)
            .sql(" AND position > ")
            .value(position(cx, F::NAME).await?)
            .sql(" LIMIT 1")
            .row(cx.tx())
            .await?;
        Ok(goes_on.map(|_| workspace.raw()).into_iter().collect())
    }
    .boxed()
}

fn run<F: Follow>(cx: &mut Cx, _: i64) -> BoxFuture<'_, Result<()>> {
    async move {
        let workspace = cx.workspace().id;
        let after = position(cx, F::NAME).await?;
        let rows = LogRow::sealed(cx.tx(), workspace.raw(), after, TOGETHER).await?;
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        sql("INSERT INTO follower (workspace, name, position) VALUES (")
            .value(workspace)
            .sql(", ")
            .value(F::NAME.to_owned())
            .sql(", ")
            .value(*last)
            .sql(") ON CONFLICT (workspace, name) DO UPDATE SET position = excluded.position")
            .run(cx.tx())
            .await?;
        let rows = rows.into_iter().map(|(_, row)| row);
        let rows: Vec<LogRow> = rows
            .filter(|row| F::TABLES.contains(&row.table()) && row.tool() != F::NAME)
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        F::take(cx, &rows).await
    }
    .boxed()
}

/// How far it has come.
async fn position(cx: &mut Cx, name: &'static str) -> Result<i64> {
    let row = sql("SELECT position FROM follower WHERE workspace = ")
        .value(cx.workspace().id)
        .sql(" AND name = ")
        .value(name.to_owned())
        .row(cx.tx())
        .await?;
    row.map_or(Ok(0), |row| row.get("position"))
}
