//! Sessions of clients of the older protocol: each belongs to who opened it, and there are only so many.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bureau_kernel::caller::Caller;
use futures::Stream;
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_server::session::{
        ServerSseMessage, SessionId, SessionManager,
        local::{LocalSessionManager, LocalSessionManagerError},
    },
};
use tokio::{sync::Mutex, time::Instant};

/// The most sessions of one caller: with one more, the one that it has not used for the longest ends.
const MOST_OF_CALLER: usize = 32;

/// The most sessions in all: with one more, nobody gets another until one ends.
const MOST_OF_ALL: usize = 512;

/// Who speaks: a key, or the operator, in one workspace. What a request forgoes of its rights makes it nobody else: a
/// session has no rights of its own, and each request says anew what it forgoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner {
    actor: i64,
    workspace: i64,
}

/// The request that is being answered. rmcp asks for sessions by their ids only.
struct Speaker {
    owner: Owner,
    /// It asked for one session more than there may be.
    refused: AtomicBool,
}

tokio::task_local! {
    static SPEAKER: Arc<Speaker>;
}

/// All sessions with their owners. To everybody else they do not exist.
pub(super) struct Sessions {
    inner: LocalSessionManager,
    open: Mutex<HashMap<SessionId, Session>>,
}

struct Session {
    owner: Owner,
    used: Instant,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    /// There are too many.
    #[error("too many sessions are open")]
    TooMany,
    /// What rmcp says.
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

impl Sessions {
    /// Sessions that end when they are not used for so long.
    pub(super) fn new(idle: Duration) -> Self {
        let mut inner = LocalSessionManager::default();
        inner.session_config.keep_alive = Some(idle);
        Self {
            inner,
            open: Mutex::default(),
        }
    }

    /// Answers a request of this caller. The second part says whether it was refused a session.
    pub(super) async fn answering<T>(
        &self,
        caller: &Caller,
        answer: impl Future<Output = T>,
    ) -> (T, bool) {
        let speaker = Arc::new(Speaker {
            owner: Owner {
                actor: caller.actor(),
                workspace: caller.workspace.id.raw(),
            },
            refused: AtomicBool::new(false),
        });
        let answer = SPEAKER.scope(Arc::clone(&speaker), answer).await;
        (answer, speaker.refused.load(Ordering::Relaxed))
    }
}

fn speaker() -> Option<Arc<Speaker>> {
    SPEAKER.try_with(Arc::clone).ok()
}

impl SessionManager for Sessions {
    type Error = SessionError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionError> {
        let speaker = speaker().ok_or(SessionError::TooMany)?;
        let mut open = self.open.lock().await;
        let own = open
            .iter()
            .filter(|(_, session)| session.owner == speaker.owner);
        let (count, oldest) = own.fold((0, None), |(count, oldest), (id, session)| {
            let older = |(_, used): &(&SessionId, Instant)| *used <= session.used;
            let oldest = oldest.filter(older).or(Some((id, session.used)));
            (count + 1, oldest)
        });
        if count >= MOST_OF_CALLER
            && let Some((id, _)) = oldest
        {
            let id = id.clone();
            open.remove(&id);
            self.inner.close_session(&id).await?;
        } else if open.len() >= MOST_OF_ALL {
            speaker.refused.store(true, Ordering::Relaxed);
            return Err(SessionError::TooMany);
        }
        let (id, transport) = self.inner.create_session().await?;
        let session = Session {
            owner: speaker.owner,
            used: Instant::now(),
        };
        open.insert(id.clone(), session);
        Ok((id, transport))
    }

    /// Whether there is such a session of the one who speaks.
    async fn has_session(&self, id: &SessionId) -> Result<bool, SessionError> {
        let Some(speaker) = speaker() else {
            return Ok(false);
        };
        let mut open = self.open.lock().await;
        let Some(session) = open
            .get_mut(id)
            .filter(|session| session.owner == speaker.owner)
        else {
            return Ok(false);
        };
        session.used = Instant::now();
        Ok(self.inner.has_session(id).await?)
    }

    /// Ends a session, which its worker asks for as well as its owner.
    async fn close_session(&self, id: &SessionId) -> Result<(), SessionError> {
        self.open.lock().await.remove(id);
        Ok(self.inner.close_session(id).await?)
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionError> {
        Ok(self.inner.initialize_session(id, message).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        Ok(self.inner.create_stream(id, message).await?)
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), SessionError> {
        Ok(self.inner.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        Ok(self.inner.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        Ok(self.inner.resume(id, last_event_id).await?)
    }
}
