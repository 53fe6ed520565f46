//! Connections that only read a SQLite file, shared by those who ask.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::in_place::{Connection, Use};
use super::value::{Row, Value};

/// How long somebody waits for a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// At most so many connections to one file, opened as they are needed.
pub(super) struct Readers(Arc<Shared>);

struct Shared {
    path: PathBuf,
    most: u32,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that somebody has. Its first statement begins a transaction, whose snapshot all the others see; it ends before
/// anybody else has the connection.
pub(crate) struct Reader {
    conn: Option<Connection>,
    begun: bool,
    shared: Arc<Shared>,
    place: Option<OwnedSemaphorePermit>,
}

impl Readers {
    pub(super) fn new(path: &Path, most: u32, first: Option<Connection>) -> Self {
        Self(Arc::new(Shared {
            path: path.to_owned(),
            most,
            places: Arc::new(Semaphore::new(most as usize)),
            idle: Mutex::new(first.into_iter().collect()),
        }))
    }

    pub(super) fn most(&self) -> u32 {
        self.0.most
    }

    /// A connection; the one that was given back last, which knows most of what will be read.
    pub(super) async fn take(&self) -> sqlx::Result<Reader> {
        let place = Arc::clone(&self.0.places).acquire_owned();
        let place = tokio::time::timeout(PATIENCE, place).await;
        let place = place.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.0.idle().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => Connection::open(&self.0.path, Use::Read).await?,
        };
        Ok(Reader {
            conn: Some(conn),
            begun: false,
            shared: Arc::clone(&self.0),
            place: Some(place),
        })
    }

    /// Waits for those who have one, and closes all.
    pub(super) async fn close(&self) {
        let all = self.0.places.acquire_many(self.0.most).await;
        self.0.places.close();
        self.0.idle().clear();
        drop(all);
    }
}

impl Reader {
    /// The rows of a statement.
    pub(super) async fn fetch(&mut self, text: &str, values: &[Value]) -> sqlx::Result<Vec<Row>> {
        let conn = self.conn.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        if !self.begun {
            conn.execute("BEGIN", &[]).await?;
            self.begun = true;
        }
        let rows = conn.fetch(text, values).await?;
        Ok(rows.into_iter().map(Row::Sqlite).collect())
    }

    /// The rows of one statement, which is a transaction by itself.
    pub(super) async fn look(mut self, text: &str, values: &[Value]) -> sqlx::Result<Vec<Row>> {
        let conn = self.conn.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        let rows = conn.fetch(text, values).await?;
        Ok(rows.into_iter().map(Row::Sqlite).collect())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else {
            return;
        };
        let (shared, begun, place) = (Arc::clone(&self.shared), self.begun, self.place.take());
        if !conn.is_away() {
            give_back(&shared, conn, begun);
            return;
        }
        // Nobody waits for what it still does.
        conn.stop();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if conn.come_back().await.is_ok() {
                    give_back(&shared, conn, begun);
                }
                drop(place);
            });
        }
    }
}

/// Puts a connection where the next one finds it; one whose transaction does not end is closed.
fn give_back(shared: &Shared, mut conn: Connection, begun: bool) {
    if !begun || conn.end_reading() {
        shared.idle().push(conn);
    }
}
