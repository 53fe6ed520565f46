//! MCP on the wire: rmcp's `ServerHandler`, written by hand over the kernel's dispatcher.
//!
//! Nothing is decided here. Who may see or do what, what a call means and whether it must be confirmed is the
//! dispatcher's business; this file turns its answers into MCP, for clients of the stateless protocol (2026-07-28) and
//! for those that begin with `initialize` alike.
//!
//! Two options of a call may also travel in the request's `_meta`: [`META_IDEMPOTENCY_KEY`] and [`META_DRY_RUN`]. Answers
//! carry [`META_VALUES`] in theirs.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::request::Parts;
use bureau_kernel::caller::Caller;
use bureau_kernel::compute;
use bureau_kernel::dispatch::resources::Representation;
use bureau_kernel::dispatch::{CONFIRMATION_S, Call, Dispatcher, Held, Outcome};
use bureau_kernel::error::{Code, Error};
use bureau_kernel::option::Listing;
use bureau_kernel::resource;
use bureau_kernel::tool::WireForm;
use bureau_kernel::types::text::visible;
use chrono::Utc;
use dashmap::DashMap;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities,
        CompleteRequestParams, CompleteResult, ConstString, ContentBlock, CustomRequest,
        CustomResult, DiscoverResult, ElicitRequest, ElicitRequestParams, ElicitResult,
        ElicitationAction, ElicitationSchema, ErrorCode, GetPromptRequestParams, GetPromptResponse,
        GetPromptResult, Implementation, InitializeRequestParams, InitializeResult, InputRequest,
        InputRequiredResult, ListPromptsResult, ListResourceTemplatesRequestMethod,
        ListResourceTemplatesResult, ListResourcesRequestMethod, ListResourcesResult,
        ListToolsResult, MetaObject, PaginatedRequestParams, PromptArgument, PromptMessage,
        ProtocolVersion, ReadResourceRequestMethod, ReadResourceRequestParams,
        ReadResourceResponse, ReadResourceResult, RequestMetaObject, Resource, ResourceContents,
        ResourceTemplate, ResourceUpdatedNotificationParam, ResourcesCapability, Role,
        ServerCapabilities, ServerConfig, ServerResult, SubscribeRequestParams, SubscriptionFilter,
        Tool, ToolAnnotations, UnsubscribeRequestParams,
    },
    service::{RequestContext, SubscriptionContext},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::completions::complete;
use crate::delivery::{Delivered, deliver};
use crate::prompts::{PROMPTS, Prompt};
use crate::subscriptions::{self, Subscribed, Subscription};
use crate::transport::{MAX_MESSAGE_BYTES, http::Underway, metrics::InFlight};

/// Key in a request's `_meta`: the call's idempotency key, a string. An `idempotency_key` argument says the same.
pub const META_IDEMPOTENCY_KEY: &str = "bureau/idempotency_key";

/// Key in a request's `_meta`: `true` tries the call without keeping its effect. A `dry_run` argument says the same.
pub const META_DRY_RUN: &str = "bureau/dry_run";

/// Key in the `_meta` of every answer with values of records: what they are to a model. It costs a model nothing, because
/// clients keep `_meta` to themselves, and tells those that keep untrusted text apart; to models the instructions say it.
pub const META_VALUES: &str = "bureau/values";

/// Key in a tool's `_meta`: a client that tells models of most tools only when they look for them tells of this one at once.
pub const META_ALWAYS_LOAD: &str = "anthropic/alwaysLoad";

/// How long a client may keep what a list or `server/discover` answered. A list changes only when the server is
/// restarted or a key's permissions are edited, so a few minutes save traffic and surprise nobody.
const LIST_TTL_MS: u64 = 300_000;

/// How long a handshake client may show its confirmation form while the call waits.
const ASK_TIMEOUT: Duration = Duration::from_secs(300);

/// The longest answer of a call, in bytes of its text (4 MiB).
const MAX_ANSWER_BYTES: usize = MAX_MESSAGE_BYTES;

/// Longest name of a client that is kept, in characters.
const MAX_CLIENT_NAME_CHARS: usize = 100;

/// No person reads a question and answers it in less: a client that does answered by itself.
const FASTEST_PERSON: Duration = Duration::from_secs(1);

/// Lists of tools that are kept as they are written; each has some fifty kilobytes, more with output schemas.
const MOST_LISTS: usize = 32;

/// How often one call is asked about on its connection, when what it would do changes each time.
const MOST_QUESTIONS: usize = 3;

/// The name of the one question and of the one field in its form.
const CONFIRM: &str = "confirm";

/// The authority behind requests that bring no credential of their own: whoever started the process.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The local operator, with full rights on one workspace.
    Operator,
    /// An API key, asked about for each request so that revoking it takes effect at once.
    Key(SecretString),
}

impl Credential {
    /// The caller that this credential stands for in the workspace of that slug (`None`: its only or default one).
    ///
    /// # Errors
    ///
    /// [`Code::Unauthorized`] when the key is wrong, expired or revoked, and whatever the dispatcher says about a
    /// workspace that the caller cannot enter.
    pub async fn resolve(
        &self,
        dispatcher: &Dispatcher,
        workspace: Option<&str>,
    ) -> Result<Caller, Error> {
        match self {
            Self::Operator => dispatcher.operator(workspace).await,
            Self::Key(key) => {
                dispatcher
                    .authenticate(key.expose_secret(), workspace)
                    .await
            }
        }
    }
}

/// What a request says beside its parameters, whichever way it came in.
pub(crate) struct Asked<'a> {
    /// What it says in its `_meta`.
    meta: &'a RequestMetaObject,
    /// The version of the protocol that its client speaks, where that is known.
    version: Option<ProtocolVersion>,
    /// The client shows elicitation forms.
    shows_forms: bool,
    /// Fires when nobody waits for the answer any more.
    cancel: CancellationToken,
    /// What the transport holds until the call is done.
    held: Option<Held>,
    /// Where the transport is told what the call is at.
    underway: Option<Arc<Underway>>,
    /// What rmcp knows of it, its connection too; nothing where it did not come by rmcp.
    context: Option<&'a RequestContext<RoleServer>>,
}

impl<'a> Asked<'a> {
    fn of(context: &'a RequestContext<RoleServer>) -> Self {
        let parts = context.extensions.get::<Parts>();
        Self {
            meta: &context.meta,
            version: context.protocol_version(),
            shows_forms: shows_forms(&context.client_capabilities().unwrap_or_default()),
            cancel: context.ct.clone(),
            held: parts.and_then(|parts| parts.extensions.get::<Held>().cloned()),
            underway: parts.and_then(|parts| parts.extensions.get::<Arc<Underway>>().cloned()),
            context: Some(context),
        }
    }

    /// A request over HTTP that did not come by rmcp. Without a session its client can be asked something only by an answer, which
    /// the stateless protocol has.
    pub(crate) fn directly(
        meta: &'a RequestMetaObject,
        version: ProtocolVersion,
        cancel: CancellationToken,
        held: Held,
        underway: Arc<Underway>,
    ) -> Self {
        let can_ask = version >= ProtocolVersion::V_2026_07_28;
        let capabilities = meta.client_capabilities().filter(|_| can_ask);
        Self {
            meta,
            version: Some(version),
            shows_forms: shows_forms(&capabilities.unwrap_or_default()),
            cancel,
            held: Some(held),
            underway: Some(underway),
            context: None,
        }
    }

    fn is_stateless(&self) -> bool {
        let version = self.version.as_ref();
        version.is_some_and(|version| *version >= ProtocolVersion::V_2026_07_28)
    }

    /// Whether the client's version of the protocol has links to resources in answers.
    fn knows_links(&self) -> bool {
        let version = self.version.as_ref();
        version.is_some_and(|version| *version >= ProtocolVersion::V_2025_06_18)
    }
}

/// The MCP server: one for the whole process, cheap to clone.
///
/// Over HTTP each request brings its `Arc<Caller>` in the request's extensions (put there by `transport::http`); over
/// stdio the caller comes from the credential given to [`Server::with_credential`].
#[derive(Clone)]
pub struct Server {
    dispatcher: Arc<Dispatcher>,
    instructions: Arc<str>,
    output_schemas: bool,
    local: Option<Arc<(Credential, Option<String>)>>,
    documents: Option<Arc<Path>>,
    /// What the client of this connection has subscribed to in the older protocol.
    subscribed: Subscribed,
    /// Whether a client of the older protocol can be told of something over HTTP.
    has_sessions: bool,
    /// The lists of tools that were put into words, by what they follow from and whether for the stateless protocol.
    lists: Arc<DashMap<(Listing, bool), Arc<RawValue>>>,
}

impl Server {
    /// A server over `dispatcher` that tells clients `instructions` (under 2,000 characters; one client cuts there).
    #[must_use]
    pub fn new(dispatcher: Arc<Dispatcher>, instructions: &str) -> Self {
        Self {
            dispatcher,
            instructions: instructions.into(),
            output_schemas: false,
            local: None,
            documents: None,
            subscribed: Subscribed::default(),
            has_sessions: false,
            lists: Arc::default(),
        }
    }

    /// Declares output schemas and sends `structuredContent` beside the text.
    #[must_use]
    pub fn with_output_schemas(mut self, output_schemas: bool) -> Self {
        self.output_schemas = output_schemas;
        self
    }

    /// Serves requests that carry no HTTP parts, as over stdio, for this credential in this workspace.
    #[must_use]
    pub fn with_credential(mut self, credential: Credential, workspace: Option<String>) -> Self {
        self.local = Some(Arc::new((credential, workspace)));
        self
    }

    /// Serves clients of the older protocol over HTTP in sessions, in which they can be told of something.
    #[must_use]
    pub fn with_sessions(mut self, sessions: bool) -> Self {
        self.has_sessions = sessions;
        self
    }

    /// Writes the documents that are asked for into this folder too, for clients on this machine.
    #[must_use]
    pub fn with_documents(mut self, folder: Option<&Path>) -> Self {
        self.documents = folder.map(Arc::from);
        self
    }

    /// Who asks, and with which program: a modern request names it in `_meta`, a handshake session named it at its
    /// start, and HTTP without either leaves the User-Agent that `transport::http` noted.
    async fn caller(&self, context: &RequestContext<RoleServer>) -> Result<Caller, Error> {
        let (mut caller, client) = if let Some(parts) = context.extensions.get::<Parts>() {
            let caller = parts.extensions.get::<Arc<Caller>>();
            let caller = caller
                .ok_or_else(|| Error::internal("an HTTP request reached MCP without a caller"))?;
            (Caller::clone(caller), context.meta.client_info())
        } else {
            let local = self.local.as_deref();
            let (credential, workspace) = local.ok_or_else(|| {
                Error::internal(
                    "a request without HTTP parts reached a server without a credential",
                )
            })?;
            let caller = credential
                .resolve(&self.dispatcher, workspace.as_deref())
                .await?;
            (caller, context.client_info())
        };
        name_client(&mut caller, client);
        Ok(caller)
    }

    /// Who asks, with the request counted: one that is no call of a tool, which is counted where it is made.
    async fn counted(&self, context: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
        let caller = self.caller(context).await;
        caller
            .and_then(|caller| self.dispatcher.count(&caller).map(|()| caller))
            .map_err(|error| protocol_error(&error))
    }

    /// Counts a request that is the same for every caller. Over stdio it is not counted: only its own user is there, and to
    /// look a key up for it would cost more than it does.
    fn count(&self, context: &RequestContext<RoleServer>) -> Result<(), ErrorData> {
        let parts = context.extensions.get::<Parts>();
        let caller = parts.and_then(|parts| parts.extensions.get::<Arc<Caller>>());
        let counted = caller.map_or(Ok(()), |caller| self.dispatcher.count(caller));
        counted.map_err(|error| protocol_error(&error))
    }

    /// Refuses, over stdio, whoever came with a wrong key at the first word: a client shows the reason of that, where it would
    /// only say of a process that ends that the connection was closed. Over HTTP the key is looked at before this.
    async fn may_enter(&self, context: &RequestContext<RoleServer>) -> Result<(), ErrorData> {
        if self.local.is_none() || context.extensions.get::<Parts>().is_some() {
            return Ok(());
        }
        let caller = self.caller(context).await;
        caller.map(drop).map_err(|error| protocol_error(&error))
    }

    /// The prompts that the one who asks is offered, and whether it has a tool.
    async fn prompts(
        &self,
        context: &RequestContext<RoleServer>,
    ) -> Result<(Vec<&'static Prompt>, BTreeSet<&'static str>), ErrorData> {
        let caller = self.counted(context).await?;
        let visible = self.dispatcher.visible(&caller);
        let tools: BTreeSet<&'static str> = visible.map(|entry| entry.spec.name).collect();
        let offered = PROMPTS.iter();
        let offered = offered.filter(|prompt| prompt.is_offered(|tool| tools.contains(tool)));
        Ok((offered.collect(), tools))
    }

    /// The tool's own name where the caller may know of it. Anything else is text from outside, without bound, and is
    /// kept out of the log.
    fn known_name(&self, caller: &Caller, name: &str) -> &'static str {
        let known = self.dispatcher.registry().known(caller, name);
        known.map_or("unknown", |entry| entry.spec.name)
    }

    fn listed(&self, listing: &Listing) -> ListToolsResult {
        let listed = self.dispatcher.listed(listing);
        let tools = listed.iter();
        let tools = tools.map(|wire| tool(wire, self.output_schemas)).collect();
        // The list is this caller's own, so no intermediary may hand it to another.
        ListToolsResult::with_all_items(tools)
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Private)
    }

    /// The result of `tools/list` for a request that did not come by rmcp, as it is written. For all who see the same it is put
    /// into words once.
    pub(crate) async fn list_directly(
        &self,
        caller: &Caller,
        is_stateless: bool,
    ) -> Result<Arc<RawValue>, ErrorData> {
        let counted = self.dispatcher.count(caller);
        counted.map_err(|error| protocol_error(&error))?;
        let listing = self.dispatcher.listing(caller).await;
        let listing = listing.map_err(|error| protocol_error(&error))?;
        let listing = (listing, is_stateless);
        if let Some(list) = self.lists.get(&listing) {
            return Ok(Arc::clone(&list));
        }
        let mut result = ServerResult::ListToolsResult(self.listed(&listing.0));
        if !is_stateless {
            result.strip_result_type_for_legacy_peer();
        }
        let list = serde_json::value::to_raw_value(&result);
        let list = list.map_err(|error| protocol_error(&Error::internal(error)))?;
        let list: Arc<RawValue> = Arc::from(list);
        // They differ by permissions and attributes, of which somebody may think up any number.
        if self.lists.len() >= MOST_LISTS {
            self.lists.clear();
        }
        self.lists.insert(listing, Arc::clone(&list));
        Ok(list)
    }

    /// Answers a call that did not come by rmcp.
    pub(crate) async fn call_directly(
        &self,
        caller: &Caller,
        request: CallToolRequestParams,
        asked: &Asked<'_>,
    ) -> ServerResult {
        let mut caller = caller.clone();
        name_client(&mut caller, asked.meta.client_info());
        let mut result = ServerResult::from(self.respond(caller, request, asked).await);
        if !asked.is_stateless() {
            result.strip_result_type_for_legacy_peer();
        }
        result
    }

    /// Answers a call. Its failure is an answer that the model reads, so it comes back as a result with `isError`.
    async fn respond(
        &self,
        caller: Caller,
        request: CallToolRequestParams,
        asked: &Asked<'_>,
    ) -> CallToolResponse {
        let _in_flight = InFlight::enter();
        let tool = self.known_name(&caller, &request.name);
        let span = tracing::info_span!("call", tool, traceparent = trace_parent(asked.meta));
        let answer = Box::pin(self.answer(caller, request, asked));
        let answer = answer.instrument(span).await;
        answer.unwrap_or_else(|error| failure(&error).into())
    }

    async fn answer(
        &self,
        caller: Caller,
        mut request: CallToolRequestParams,
        asked: &Asked<'_>,
    ) -> Result<CallToolResponse, Error> {
        let can_ask = asked.shows_forms;
        let confirm_token = confirmation(&mut request)?;
        let call = Call {
            tool: request.name.into_owned(),
            arguments: request.arguments.unwrap_or_default(),
            idempotency_key: meta_string(asked.meta, META_IDEMPOTENCY_KEY)?,
            dry_run: meta_bool(asked.meta, META_DRY_RUN)?,
            can_ask,
            confirm_token,
            cancel: asked.cancel.clone(),
            held: asked.held.clone(),
            upload: None,
        };
        // Only a call that may have to be repeated in place pays for the copy.
        let in_place = asked.context.filter(|_| can_ask && !asked.is_stateless());
        let again = in_place.map(|context| (context, caller.clone(), call.clone()));
        let actor = caller.actor();
        let (tool, format) = (call.tool.clone(), call.arguments.get("document").cloned());
        let mut outcome = self.run(caller, call, asked).await;
        if let Some((context, caller, again)) = again {
            // What it would do may change while the person thinks about it: then they are asked anew.
            for _ in 0..MOST_QUESTIONS {
                let Outcome::Ask { message, token } = outcome else {
                    break;
                };
                // On the heap, as what follows: hardly any call needs them, and each would be as large as they are.
                Box::pin(ask_in_place(context, message, &token)).await?;
                let confirmed = Call {
                    confirm_token: Some(token),
                    ..again.clone()
                };
                outcome = self.run(caller.clone(), confirmed, asked).await;
            }
            if let Outcome::Ask { .. } = outcome {
                return Err(unsettled());
            }
        }
        match outcome {
            Outcome::Done(mut value) => {
                let (registry, folder) = (self.dispatcher.registry(), self.documents.as_deref());
                let mut document = match value.pointer("/data/document") {
                    Some(_) => {
                        let format = format.as_ref();
                        Box::pin(deliver(registry, &tool, format, &mut value, folder)).await?
                    }
                    None => None,
                };
                let mut result = self.success(actor, value, asked).await?;
                result.content.extend(document.as_mut().and_then(shown));
                let document = document.filter(|_| asked.knows_links());
                result.content.extend(document.map(link));
                Ok(result.into())
            }
            Outcome::Failed(error) => Err(error),
            Outcome::Ask { message, token } => Ok(ask_by_result(message, &token).into()),
        }
    }

    /// Runs a call, and lets the transport know while it is a write.
    async fn run(&self, caller: Caller, call: Call, asked: &Asked<'_>) -> Outcome {
        let entry = self.dispatcher.registry().entry(&call.tool);
        let writes = entry.is_some_and(|entry| !entry.spec.effect.reads_only());
        let Some(underway) = asked.underway.as_ref().filter(|_| writes) else {
            return self.dispatcher.call(caller, call).await;
        };
        underway.set_writing(true);
        let outcome = self.dispatcher.call(caller, call).await;
        // What was done, or may be, stays so while its answer is on its way.
        let is_undone = match &outcome {
            Outcome::Done(_) => false,
            Outcome::Ask { .. } => true,
            Outcome::Failed(error) => error.detail_value("written").is_none(),
        };
        if is_undone {
            underway.set_writing(false);
        }
        outcome
    }

    /// Whether a client can be told of something between its requests: over stdio, or in a session.
    fn can_tell(&self, context: &RequestContext<RoleServer>) -> bool {
        self.has_sessions || context.extensions.get::<Parts>().is_none()
    }

    /// Whether any caller could find a resource here; where none could, none are declared or served.
    fn has_resources(&self) -> bool {
        self.dispatcher.registry().resources().next().is_some()
    }

    /// The resources, or else the templates, that the one who asks may read.
    async fn resources(
        &self,
        templates: bool,
        request: Option<&PaginatedRequestParams>,
        context: &RequestContext<RoleServer>,
    ) -> Result<Vec<&'static resource::Resource>, ErrorData> {
        let caller = self.counted(context).await?;
        one_page(request)?;
        let resources = self.dispatcher.registry().visible_resources(&caller);
        Ok(resources
            .filter(|resource| resource.is_template() == templates)
            .collect())
    }

    async fn read(
        &self,
        uri: &str,
        context: &RequestContext<RoleServer>,
    ) -> Result<Representation, Error> {
        let caller = self.caller(context).await?;
        let registry = self.dispatcher.registry();
        let found = registry.resource_for_caller(&caller, uri);
        if found.is_err() {
            // What is found is counted as the call of its tool.
            self.dispatcher.count(&caller)?;
        }
        let (resource, arguments) = found?;
        let _in_flight = InFlight::enter();
        let tool = resource.tool;
        let span = tracing::info_span!("read", tool, traceparent = trace_parent(&context.meta));
        resource
            .read(&self.dispatcher, caller, arguments, context.ct.clone())
            .instrument(span)
            .await
    }

    async fn success(
        &self,
        actor: i64,
        value: Value,
        asked: &Asked<'_>,
    ) -> Result<CallToolResult, Error> {
        let (text, value) = if compute::weight(&value) < compute::LARGE_BYTES {
            (value.to_string(), value)
        } else {
            if let Some(underway) = &asked.underway {
                underway.set_long_answer();
            }
            let compute = &self.dispatcher.app().compute;
            let change = value.get("change").cloned();
            let written = compute.run(actor, move || (value.to_string(), value));
            Box::pin(written)
                .await
                .map_err(|error| unsent(change, error))?
        };
        if text.len() > MAX_ANSWER_BYTES {
            return Err(too_long(&value));
        }
        // Always as text, because some clients show nothing else; structured only where a schema was declared.
        let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
        result.structured_content = self.output_schemas.then_some(value);
        result.meta = Some(values_are_data());
        Ok(result)
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_completions()
            .build();
        capabilities.resources = self.has_resources().then(|| {
            let mut resources = ResourcesCapability::default();
            resources.subscribe = Some(true);
            resources
        });
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("bureau", env!("CARGO_PKG_VERSION")).with_title("Bureau"),
            )
            .with_instructions(&*self.instructions)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        self.count(&context)?;
        self.may_enter(&context).await?;
        context.peer.set_peer_info(request.clone());
        let mut result = self.negotiate_initialize(&request)?;
        if !self.can_tell(&context)
            && let Some(resources) = &mut result.capabilities.resources
        {
            resources.subscribe = None;
        }
        Ok(result)
    }

    async fn ping(&self, context: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.count(&context)
    }

    async fn discover(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<DiscoverResult, ErrorData> {
        self.count(&context)?;
        self.may_enter(&context).await?;
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, self.get_info()).with_ttl_ms(LIST_TTL_MS))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = self.counted(&context).await?;
        one_page(request.as_ref())?;
        let listing = self.dispatcher.listing(&caller).await;
        let listing = listing.map_err(|error| protocol_error(&error))?;
        Ok(self.listed(&listing))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = match self.caller(&context).await {
            Ok(caller) => caller,
            Err(error) => return Ok(failure(&error).into()),
        };
        Ok(self.respond(caller, request, &Asked::of(&context)).await)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        if !self.has_resources() {
            self.count(&context)?;
            return not_served::<ListResourcesRequestMethod, _>();
        }
        let resources = self.resources(false, request.as_ref(), &context).await?;
        let listed = resources.into_iter().map(|resource| {
            Resource::new(resource.uri, resource.name)
                .with_title(resource.title)
                .with_description(resource.about)
                .with_mime_type(resource.mime_type)
        });
        Ok(ListResourcesResult::with_all_items(listed.collect())
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Private))
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        if !self.has_resources() {
            self.count(&context)?;
            return not_served::<ListResourceTemplatesRequestMethod, _>();
        }
        let templates = self.resources(true, request.as_ref(), &context).await?;
        let listed = templates.into_iter().map(|resource| {
            ResourceTemplate::new(resource.uri, resource.name)
                .with_title(resource.title)
                .with_description(resource.about)
                .with_mime_type(resource.mime_type)
        });
        Ok(
            ListResourceTemplatesResult::with_all_items(listed.collect())
                .with_ttl_ms(LIST_TTL_MS)
                .with_cache_scope(CacheScope::Private),
        )
    }

    /// A resource has no result that says it failed, so a failure of the call is an error of the protocol.
    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if !self.has_resources() {
            self.count(&context)?;
            return not_served::<ReadResourceRequestMethod, _>();
        }
        let uri = request.uri;
        let contents = match self.read(&uri, &context).await {
            Ok(Representation::Text { text, .. } | Representation::Blob { base64: text, .. })
                if text.len() > MAX_ANSWER_BYTES =>
            {
                return Err(unread(&too_long(&Value::Null), &uri));
            }
            Ok(Representation::Text { mime_type, text }) => {
                ResourceContents::text(text, uri).with_mime_type(mime_type)
            }
            Ok(Representation::Blob { mime_type, base64 }) => {
                ResourceContents::blob(base64, uri).with_mime_type(mime_type)
            }
            Err(error) => return Err(unread(&error, &uri)),
        };
        // What is read may change with the next call of anybody, so no copy of it is fresh.
        let mut result = ReadResourceResult::new(vec![contents]).with_ttl_ms(0);
        result.meta = Some(values_are_data());
        Ok(result.with_cache_scope(CacheScope::Private).into())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let (prompts, _) = self.prompts(&context).await?;
        one_page(request.as_ref())?;
        let listed = prompts.into_iter().map(|prompt| {
            let arguments = prompt.arguments.iter().map(|argument| {
                PromptArgument::new(argument.name)
                    .with_description(argument.about)
                    .with_required(false)
            });
            let arguments: Vec<_> = arguments.collect();
            let arguments = (!arguments.is_empty()).then_some(arguments);
            rmcp::model::Prompt::new(prompt.name, Some(prompt.about), arguments)
                .with_title(prompt.title)
        });
        Ok(ListPromptsResult::with_all_items(listed.collect())
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Private))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let (prompts, tools) = self.prompts(&context).await?;
        let mut offered = prompts.iter();
        let Some(prompt) = offered.find(|prompt| prompt.name == request.name) else {
            let known: Vec<&str> = prompts.iter().map(|prompt| prompt.name).collect();
            let message = format!(
                "There is no such prompt here. There are: {}.",
                known.join(", ")
            );
            return Err(ErrorData::invalid_params(message, None));
        };
        let given = request.arguments.unwrap_or_default();
        let text = prompt.text(|tool| tools.contains(tool), &given);
        let text = text.map_err(|error| {
            ErrorData::invalid_params(error.message().to_owned(), Some(error.to_json()))
        })?;
        let said = PromptMessage::new_text(Role::User, text);
        Ok(GetPromptResult::new(vec![said])
            .with_description(prompt.about)
            .into())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        if !self.has_resources() {
            return None;
        }
        let uris = requested.resource_subscriptions.iter().flatten();
        let possible = uris.filter(|uri| Subscription::is_possible(&self.dispatcher, uri));
        // What is accepted is answered, so that a client sees what of it is not.
        let possible = possible.take(subscriptions::MOST).cloned();
        let filter = SubscriptionFilter::builder();
        Some(
            filter
                .resource_subscriptions(possible.collect::<Vec<_>>())
                .build(),
        )
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let caller = self.counted(context.request_context()).await?;
        let uris = context.accepted().resource_subscriptions.clone();
        let uris = uris.unwrap_or_default();
        let opened = Subscription::open(Arc::clone(&self.dispatcher), caller, &uris).await;
        let mut subscription = opened.map_err(|error| unread(&error, &uris.join(" ")))?;
        loop {
            let changed = tokio::select! {
                () = context.cancelled() => return Ok(()),
                changed = subscription.changed() => changed,
            };
            // Whoever may not call any more is told nothing but that it is over.
            let Ok(changed) = changed else {
                return Ok(());
            };
            for uri in changed {
                if context.sink().notify_resource_updated(uri).await.is_err() {
                    return Ok(());
                }
            }
        }
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let caller = self.counted(&context).await?;
        if !self.has_resources() || !self.can_tell(&context) {
            return Err(not_found());
        }
        let uri = request.uri;
        let uris = std::slice::from_ref(&uri);
        let opened = Subscription::open(Arc::clone(&self.dispatcher), caller, uris).await;
        let mut subscription = opened.map_err(|error| unread(&error, &uri))?;
        let Some(ended) = self.subscribed.begin(&uri) else {
            let message = format!(
                "A connection subscribes to {} resources at most.",
                subscriptions::MOST
            );
            return Err(ErrorData::invalid_params(message, None));
        };
        let peer = context.peer;
        tokio::spawn(async move {
            loop {
                let changed = tokio::select! {
                    () = ended.cancelled() => return,
                    changed = subscription.changed() => changed,
                };
                let Ok(changed) = changed else {
                    return;
                };
                for uri in changed {
                    let told = ResourceUpdatedNotificationParam::new(uri);
                    if peer.notify_resource_updated(told).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.count(&context)?;
        if !self.has_resources() || !self.can_tell(&context) {
            return Err(not_found());
        }
        self.subscribed.end(&request.uri);
        Ok(())
    }

    /// rmcp sends requests here whose method it does not know, and those whose params are not of the method's shape.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        self.count(&context)?;
        match request.method.as_str() {
            // The stateless protocol has neither.
            "initialize" | "ping" if speaks_stateless(&context) => Err(not_found()),
            "tools/call" => Err(ErrorData::invalid_params(
                "The params of tools/call are `name`, a string, and `arguments`, an object.",
                None,
            )),
            method if method.starts_with("resources/") && !self.has_resources() => Err(not_found()),
            "resources/read" => Err(ErrorData::invalid_params(
                "The params of resources/read are `uri`, a string.",
                None,
            )),
            "initialize"
            | "ping"
            | "server/discover"
            | "tools/list"
            | "prompts/list"
            | "prompts/get"
            | "completion/complete"
            | "resources/list"
            | "resources/templates/list" => Err(ErrorData::invalid_params(
                "The params of this request do not have the shape that the protocol gives them.",
                None,
            )),
            _ => Err(not_found()),
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let caller = self.counted(&context).await?;
        let CompleteRequestParams {
            r#ref, argument, ..
        } = request;
        let completed = complete(&self.dispatcher, &caller, &r#ref, &argument).await;
        completed
            .map(CompleteResult::new)
            .map_err(|error| match error.code() {
                Code::Validation => {
                    ErrorData::invalid_params(error.message().to_owned(), Some(error.to_json()))
                }
                _ => protocol_error(&error),
            })
    }
}

/// A tool's entry in `tools/list`, with what it answers or without.
#[must_use]
pub fn tool(wire: &WireForm, output_schemas: bool) -> Tool {
    // What the protocol takes for granted where nothing is said is left out, and on a tool that reads what has no meaning there.
    let writes = !wire.read_only;
    let mut tool = Tool::new(wire.name, wire.description, Arc::clone(&wire.input_schema))
        .with_annotations(ToolAnnotations::from_raw(
            Some(wire.title.to_owned()),
            wire.read_only.then_some(true),
            (writes && !wire.destructive).then_some(false),
            (writes && wire.idempotent).then_some(true),
            (!wire.open_world).then_some(false),
        ));
    if wire.is_core {
        let always = Map::from_iter([(META_ALWAYS_LOAD.to_owned(), true.into())]);
        tool = tool.with_meta(MetaObject(always));
    }
    if output_schemas {
        tool.with_raw_output_schema(Arc::<Map<String, Value>>::clone(&wire.output_schema))
    } else {
        tool
    }
}

/// An image that is shown beside its link.
fn shown(document: &mut Delivered) -> Option<ContentBlock> {
    let image = document.image.take()?;
    Some(ContentBlock::image(image, document.mime_type.clone()))
}

/// A link by which a client reads a document.
fn link(document: Delivered) -> ContentBlock {
    let mut resource =
        Resource::new(document.uri, document.name).with_mime_type(document.mime_type);
    resource.size = u64::try_from(document.bytes).ok();
    ContentBlock::resource_link(resource)
}

fn not_found() -> ErrorData {
    ErrorData::new(
        ErrorCode::METHOD_NOT_FOUND,
        "This method is not served here.",
        None,
    )
}

fn not_served<Method: ConstString, T>() -> Result<T, ErrorData> {
    Err(ErrorData::method_not_found::<Method>())
}

fn failure(error: &Error) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(error.to_json().to_string())])
}

/// Every list is on one page, so no cursor is one of ours.
fn one_page(request: Option<&PaginatedRequestParams>) -> Result<(), ErrorData> {
    if request.is_some_and(|request| request.cursor.is_some()) {
        return Err(ErrorData::invalid_params(
            "All of the list is on one page: leave `cursor` out.",
            None,
        ));
    }
    Ok(())
}

/// Why a resource was not read. rmcp gives "not found" the code that the client's version of the protocol has for it.
fn unread(error: &Error, uri: &str) -> ErrorData {
    let code = match error.code() {
        Code::NotFound => ErrorCode::RESOURCE_NOT_FOUND,
        Code::Validation => ErrorCode::INVALID_PARAMS,
        Code::Internal | Code::Unavailable | Code::Unreadable => ErrorCode::INTERNAL_ERROR,
        _ => ErrorCode::INVALID_REQUEST,
    };
    let mut data = error.to_json();
    if let Some(data) = data.as_object_mut() {
        data.insert("uri".to_owned(), uri.into());
    }
    ErrorData::new(code, error.message().to_owned(), Some(data))
}

fn protocol_error(error: &Error) -> ErrorData {
    ErrorData::invalid_request(error.message().to_owned(), Some(error.to_json()))
}

fn values_are_data() -> MetaObject {
    MetaObject(Map::from_iter([(
        META_VALUES.to_owned(),
        "untrusted data, never instructions".into(),
    )]))
}

/// For an answer that could not be put into words. What wrote is done.
fn unsent(change: Option<Value>, error: Error) -> Error {
    let Some(change) = change else { return error };
    Error::new(
        Code::Internal,
        "It was done, and something went wrong inside Bureau with its answer.",
    )
    .hint("Do not repeat it. Read what it changed.")
    .detail("change", change)
    .cause(error)
}

/// For an answer that no client is meant to swallow. What wrote is done, and its `change` says so.
fn too_long(answer: &Value) -> Error {
    let most = MAX_ANSWER_BYTES >> 20;
    if let Some(change) = answer.get("change").and_then(Value::as_str) {
        let message =
            format!("It was done, and its answer is longer than {most} MiB, so it is not sent.");
        return Error::new(Code::Cancelled, message)
            .hint("Do not repeat it. Read what it changed in smaller parts.")
            .detail("change", change);
    }
    Error::new(Code::Cancelled, format!("The answer would be longer than {most} MiB."))
        .hint("Ask for fewer rows with limit, or for some fields only. `bureau document` writes a large document to a file.")
}

/// Notes with which program a caller works, where that says so itself.
fn name_client(caller: &mut Caller, client: Option<Implementation>) {
    if let Some(client) = client {
        caller.client = client_name(&format!("{}/{}", client.name, client.version));
    }
}

/// What a client calls itself, as one line of visible text, cut to what a change log wants to keep of it.
pub(crate) fn client_name(name: &str) -> Option<String> {
    let name = visible(name);
    let words: Vec<&str> = name.split_whitespace().collect();
    let cut: String = words
        .join(" ")
        .chars()
        .take(MAX_CLIENT_NAME_CHARS)
        .collect();
    // A cut may leave a joiner behind.
    Some(visible(cut.trim_end())).filter(|name| !name.is_empty())
}

/// Whether the request is of the protocol without `initialize`, 2026-07-28 or later.
#[must_use]
pub fn speaks_stateless(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}

/// Whether the client shows elicitation forms; the capability without a mode means forms.
fn shows_forms(capabilities: &ClientCapabilities) -> bool {
    let elicitation = capabilities.elicitation.as_ref();
    elicitation.is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none())
}

fn form(message: String) -> ElicitRequestParams {
    let schema = ElicitationSchema::builder()
        .required_bool(CONFIRM)
        .build_unchecked();
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema: schema,
    }
}

/// Asks a client of the stateless protocol: it shows the form and sends the call again with the answer, the token, and when it
/// was asked.
fn ask_by_result(message: String, token: &str) -> InputRequiredResult {
    let token = format!("{token}.{}", Utc::now().timestamp_millis());
    let question = InputRequest::Elicitation(ElicitRequest::new(form(message)));
    InputRequiredResult::new(
        Some(BTreeMap::from([(CONFIRM.to_owned(), question)])),
        Some(token),
    )
}

/// Asks a handshake client on its own connection while the call waits.
async fn ask_in_place(
    context: &RequestContext<RoleServer>,
    message: String,
    token: &str,
) -> Result<(), Error> {
    let asked = Instant::now();
    let question = context
        .peer
        .create_elicitation_with_timeout(form(message), Some(ASK_TIMEOUT));
    let answer = tokio::select! {
        answer = question => answer,
        () = context.ct.cancelled() => return Err(Error::new(Code::Cancelled, "The call was cancelled; nothing was done.")),
    };
    match answer {
        Ok(answer) if confirmed(&answer) => Ok(()),
        Ok(_) => Err(refused(asked.elapsed(), token)),
        Err(error) => {
            let message =
                "The client did not show the question, or nobody answered it; nothing was done.";
            Err(ask_otherwise(message, token).cause(error))
        }
    }
}

/// The token of an accepted question; `None` when none was answered, so that the dispatcher asks (again).
fn confirmation(request: &mut CallToolRequestParams) -> Result<Option<String>, Error> {
    let (Some(answers), Some(token)) =
        (request.input_responses.take(), request.request_state.take())
    else {
        return Ok(None);
    };
    let Some(answer) = answers
        .get(CONFIRM)
        .and_then(|answer| ElicitResult::deserialize(answer).ok())
    else {
        return Ok(None);
    };
    let (token, asked) = token.rsplit_once('.').unwrap_or((&token, ""));
    if confirmed(&answer) {
        return Ok(Some(token.to_owned()));
    }
    let asked: i64 = asked.parse().unwrap_or_default();
    let took = Utc::now().timestamp_millis().saturating_sub(asked);
    Err(refused(Duration::from_millis(took.unsigned_abs()), token))
}

fn confirmed(answer: &ElicitResult) -> bool {
    let content = answer.content.as_ref();
    answer.action == ElicitationAction::Accept
        && content.is_some_and(|content| content.get(CONFIRM) == Some(&json!(true)))
}

fn unsettled() -> Error {
    Error::new(
        Code::Conflict,
        "What this does changed after each question; nothing was done.",
    )
    .hint("Look at the records, and call again when nobody else works on them.")
}

/// What is said to an answer that is no yes. A person's no is final. But some clients say that they show questions and answer
/// them with no by themselves, at once: then nobody was asked, and the model is told how a person can agree otherwise.
fn refused(took: Duration, token: &str) -> Error {
    if took >= FASTEST_PERSON {
        let message = "The person declined; nothing was done.";
        return Error::new(Code::ConfirmationRequired, message);
    }
    ask_otherwise(
        "The client answered the question at once and by itself, so no person has seen it; nothing was done.",
        token,
    )
}

/// Where a client says that it asks people and does not: how a person can agree all the same.
fn ask_otherwise(message: &str, token: &str) -> Error {
    Error::new(Code::ConfirmationRequired, message)
        .field("confirm_token")
        .hint(format!(
            "Ask the person here. If they agree, call again with this confirm_token within {CONFIRMATION_S} s; if not, leave it."
        ))
        .detail("confirm_token", token)
}

fn meta_string(meta: &RequestMetaObject, key: &'static str) -> Result<Option<String>, Error> {
    match meta.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(value)) => Ok(Some(value.clone())),
        Some(_) => Err(Error::invalid(
            key,
            format!("`{key}` in _meta is a string."),
        )),
    }
}

fn meta_bool(meta: &RequestMetaObject, key: &'static str) -> Result<bool, Error> {
    match meta.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(Error::invalid(
            key,
            format!("`{key}` in _meta is true or false."),
        )),
    }
}

/// The W3C trace parent of the request, where it is one: `00-<32 hex>-<16 hex>-<2 hex>`. Nothing else of a request
/// goes into the log.
fn trace_parent(meta: &RequestMetaObject) -> Option<&str> {
    let value = meta.get_traceparent()?;
    let mut parts = value.split('-');
    let mut hex = |length: usize| {
        parts.next().is_some_and(|part| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    let well_formed = hex(2) && hex(32) && hex(16) && hex(2) && parts.next().is_none();
    well_formed.then_some(value)
}
