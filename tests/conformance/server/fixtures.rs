//! The tools, resources and prompts that the official conformance suite calls, on Bureau's own server stack.
//!
//! [`WithFixtures`] wraps the real [`Server`]: what it does not know itself, it hands on.
#![expect(
    deprecated,
    reason = "the suite for 2025-11-25 tests sampling and logging, which 2026-07-28 deprecates"
)]

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, LazyLock},
    time::Duration,
};

use bureau::server::{Server, speaks_stateless};
use bureau::transport::http::Answers;
use dashmap::DashMap;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities,
        CompleteRequestParams, CompleteResult, ContentBlock, CreateMessageRequestParams,
        CustomRequest, CustomResult, DiscoverResult, ElicitRequestParams, GetPromptRequestParams,
        GetPromptResponse, GetPromptResult, InputRequest, InputRequiredResult, InputResponses,
        JsonObject, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
        ListToolsResult, LoggingLevel, LoggingMessageNotificationParam, PaginatedRequestParams,
        ProgressNotificationParam, Prompt, PromptArgument, PromptMessage,
        ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Resource,
        ResourceContents, ResourceTemplate, Role, ServerCapabilities, ServerConfig,
        SetLevelRequestMethod, SetLevelRequestParams, SubscribeRequestParams, Tool,
        UnsubscribeRequestParams,
    },
    service::RequestContext,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// One red pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

/// A sound of no length.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

/// Between two notifications of one call, so that the client receives them one by one.
const PAUSE: Duration = Duration::from_millis(50);

/// Name, what it does, and properties where it takes any.
static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(|| {
    let none = || json!({"type": "object", "properties": {}});
    let of = |properties: Value| json!({"type": "object", "properties": properties});
    let tools = [
        (
            "json_schema_2020_12_tool",
            "Declares a schema with all keywords.",
            full_schema(),
        ),
        ("test_audio_content", "Returns a sound.", none()),
        (
            "test_custom_header",
            "Takes a parameter that travels in a header too.",
            of(json!({"region": {"type": "string", "x-mcp-header": "Region"}})),
        ),
        (
            "test_elicitation",
            "Asks for a name and an address.",
            of(json!({"message": {"type": "string"}})),
        ),
        (
            "test_elicitation_sep1034_defaults",
            "Asks with defaults.",
            none(),
        ),
        (
            "test_elicitation_sep1330_enums",
            "Asks with every kind of choice.",
            none(),
        ),
        ("test_embedded_resource", "Returns a resource.", none()),
        ("test_error_handling", "Always fails.", none()),
        ("test_image_content", "Returns a picture.", none()),
        (
            "test_input_required_result_capabilities",
            "Asks only what the client can answer.",
            none(),
        ),
        (
            "test_input_required_result_elicitation",
            "Asks for a name.",
            none(),
        ),
        (
            "test_input_required_result_list_roots",
            "Asks for the roots.",
            none(),
        ),
        (
            "test_input_required_result_multi_round",
            "Asks twice.",
            none(),
        ),
        (
            "test_input_required_result_multiple_inputs",
            "Asks three things at once.",
            none(),
        ),
        (
            "test_input_required_result_request_state",
            "Asks and checks the state.",
            none(),
        ),
        (
            "test_input_required_result_sampling",
            "Asks the client's model.",
            none(),
        ),
        (
            "test_input_required_result_tampered_state",
            "Asks and refuses a foreign state.",
            none(),
        ),
        (
            "test_logging_tool",
            "Logs where the request allows it.",
            none(),
        ),
        (
            "test_missing_capability",
            "Needs a client with sampling.",
            none(),
        ),
        (
            "test_multiple_content_types",
            "Returns text, picture and resource.",
            none(),
        ),
        (
            "test_sampling",
            "Asks the client's model.",
            of(json!({"prompt": {"type": "string"}})),
        ),
        ("test_simple_text", "Returns text.", none()),
        (
            "test_streaming_elicitation",
            "Asks, without a request of its own on the stream.",
            none(),
        ),
        ("test_tool_with_logging", "Logs three lines.", none()),
        (
            "test_tool_with_progress",
            "Reports progress three times.",
            none(),
        ),
    ];
    let tool = |(name, about, schema): (&'static str, &'static str, Value)| {
        Tool::new(name, about, object(schema))
    };
    tools.into_iter().map(tool).collect()
});

/// Bureau's server with the suite's fixtures beside its own tools.
#[derive(Clone)]
pub(crate) struct WithFixtures {
    server: Server,
    /// The request states that were given out, and the round that each belongs to. A client that alters one names a
    /// state that is not here.
    states: Arc<DashMap<String, u8>>,
}

type Result<T> = std::result::Result<T, ErrorData>;

impl WithFixtures {
    /// Puts the fixtures beside the tools of `server`.
    pub(crate) fn new(server: Server) -> Self {
        Self {
            server,
            states: Arc::default(),
        }
    }

    fn ask(&self, round: u8, questions: &[(&str, Value)]) -> Result<InputRequiredResult> {
        let state = format!("{:016x}", RandomState::new().build_hasher().finish());
        self.states.insert(state.clone(), round);
        Ok(InputRequiredResult::new(
            Some(input_requests(questions)?),
            Some(state),
        ))
    }

    /// The round that the client answers: 0 for a call that brings no state.
    fn round(&self, state: Option<&String>) -> Result<u8> {
        let Some(state) = state else { return Ok(0) };
        let known = self.states.get(state).map(|round| *round);
        known.ok_or_else(|| ErrorData::invalid_params("This requestState was not made here.", None))
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse> {
        let answers = request.input_responses.unwrap_or_default();
        let round = self.round(request.request_state.as_ref())?;
        let can = context.client_capabilities().unwrap_or_default();
        let content = match &*request.name {
            "json_schema_2020_12_tool" | "test_custom_header" => vec![text("Accepted.")],
            "test_simple_text" => vec![text("This is a simple text response for testing.")],
            "test_image_content" => vec![ContentBlock::image(PNG, "image/png")],
            "test_audio_content" => vec![ContentBlock::audio(WAV, "audio/wav")],
            "test_embedded_resource" => vec![ContentBlock::resource(
                ResourceContents::text(
                    "This is an embedded resource content.",
                    "test://embedded-resource",
                )
                .with_mime_type("text/plain"),
            )],
            "test_multiple_content_types" => vec![
                text("Multiple content types test:"),
                ContentBlock::image(PNG, "image/png"),
                ContentBlock::resource(
                    ResourceContents::text(
                        r#"{"test":"data","value":123}"#,
                        "test://mixed-content-resource",
                    )
                    .with_mime_type("application/json"),
                ),
            ],
            "test_error_handling" => {
                let content = vec![text("This tool intentionally returns an error for testing")];
                return Ok(CallToolResult::error(content).into());
            }
            "test_tool_with_progress" => {
                report_progress(&context).await?;
                vec![text("Progress was reported.")]
            }
            "test_tool_with_logging" => {
                for line in [
                    "Tool execution started",
                    "Tool processing data",
                    "Tool execution completed",
                ] {
                    let line =
                        LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(line));
                    context
                        .peer
                        .notify_logging_message(line)
                        .await
                        .map_err(unreachable_client)?;
                    tokio::time::sleep(PAUSE).await;
                }
                vec![text("Three lines were logged.")]
            }
            "test_logging_tool" => {
                if context.meta.log_level().is_some() {
                    let line = LoggingMessageNotificationParam::new(
                        LoggingLevel::Info,
                        json!("Tool ran."),
                    );
                    context
                        .peer
                        .notify_logging_message(line)
                        .await
                        .map_err(unreachable_client)?;
                }
                vec![text("Done.")]
            }
            "test_missing_capability" => {
                if can.sampling.is_none() {
                    let needed = ClientCapabilities::builder().enable_sampling().build();
                    return Err(ErrorData::missing_required_client_capability(needed));
                }
                vec![text("The client declares sampling.")]
            }
            "test_sampling" => {
                let prompt = request
                    .arguments
                    .as_ref()
                    .and_then(|arguments| arguments.get("prompt"));
                let prompt = prompt.and_then(Value::as_str).unwrap_or_default();
                let params: CreateMessageRequestParams = typed(sampling_params(prompt, 100))?;
                let answer = context
                    .peer
                    .create_message(params)
                    .await
                    .map_err(unreachable_client)?;
                vec![text(format!("LLM response: {}", json!(answer)))]
            }
            "test_elicitation" => {
                let message = request
                    .arguments
                    .as_ref()
                    .and_then(|arguments| arguments.get("message"));
                let message = message.and_then(Value::as_str).unwrap_or("Who are you?");
                let properties = json!({
                    "username": {"type": "string", "description": "User's response"},
                    "email": {"type": "string", "description": "User's email address"},
                });
                let answer =
                    ask_in_place(&context, message, properties, &["username", "email"]).await?;
                vec![text(format!("User response: {answer}"))]
            }
            "test_elicitation_sep1034_defaults" => {
                let answer = ask_in_place(&context, "Check these values.", defaults(), &[]).await?;
                vec![text(format!("Elicitation completed: {answer}"))]
            }
            "test_elicitation_sep1330_enums" => {
                let answer = ask_in_place(&context, "Choose.", choices(), &[]).await?;
                vec![text(format!("Elicitation completed: {answer}"))]
            }
            "test_input_required_result_elicitation" => {
                match answered(&answers, "user_name", "name") {
                    Some(name) => vec![text(format!("Hello, {name}!"))],
                    None => {
                        return Ok(self
                            .ask(1, &[("user_name", question("What is your name?", "name"))])?
                            .into());
                    }
                }
            }
            "test_streaming_elicitation" if can.elicitation.is_some() => {
                return Ok(self
                    .ask(1, &[("user_name", question("What is your name?", "name"))])?
                    .into());
            }
            "test_streaming_elicitation" => vec![text("The client shows no forms.")],
            "test_input_required_result_sampling" => match answers.get("capital_question") {
                Some(answer) => vec![text(format!("The model says: {answer}"))],
                None => {
                    let question = sampling("What is the capital of France?", 100);
                    return Ok(self.ask(1, &[("capital_question", question)])?.into());
                }
            },
            "test_input_required_result_list_roots" => match answers.get("client_roots") {
                Some(answer) => vec![text(format!("The roots are: {answer}"))],
                None => return Ok(self.ask(1, &[("client_roots", roots())])?.into()),
            },
            "test_input_required_result_request_state"
            | "test_input_required_result_tampered_state" => {
                if round == 0 {
                    return Ok(self
                        .ask(1, &[("confirm", question("Please confirm", "ok"))])?
                        .into());
                }
                vec![text("state-ok")]
            }
            "test_input_required_result_multiple_inputs" => {
                let questions = [
                    ("user_name", question("What is your name?", "name")),
                    ("greeting", sampling("Generate a greeting", 50)),
                    ("client_roots", roots()),
                ];
                if !questions
                    .iter()
                    .all(|(name, _)| answers.contains_key(*name))
                {
                    return Ok(self.ask(1, &questions)?.into());
                }
                vec![text("All three were answered.")]
            }
            "test_input_required_result_multi_round" => match round {
                0 => {
                    return Ok(self
                        .ask(
                            1,
                            &[("step1", question("Step 1: What is your name?", "name"))],
                        )?
                        .into());
                }
                1 => {
                    let next = question("Step 2: What is your favorite color?", "color");
                    return Ok(self.ask(2, &[("step2", next)])?.into());
                }
                _ => vec![text("Both rounds were answered.")],
            },
            "test_input_required_result_capabilities" => {
                let mut questions = Vec::new();
                if can.elicitation.is_some() {
                    questions.push(("user_name", question("What is your name?", "name")));
                }
                if can.sampling.is_some() {
                    questions.push(("greeting", sampling("Generate a greeting", 50)));
                }
                if !questions.is_empty() && answers.is_empty() {
                    return Ok(self.ask(1, &questions)?.into());
                }
                vec![text("There is nothing to ask.")]
            }
            _ => return Err(ErrorData::invalid_params("There is no such fixture.", None)),
        };
        Ok(CallToolResult::success(content).into())
    }
}

impl Answers for WithFixtures {
    /// The fixtures are rmcp's, and so is the list with them.
    fn server(&self, tool: Option<&str>) -> Option<&Server> {
        let is_fixture = self.get_tool(tool?).is_some();
        (!is_fixture).then_some(&self.server)
    }
}

impl ServerHandler for WithFixtures {
    fn get_info(&self) -> ServerConfig {
        let mut info = self.server.get_info();
        info.capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_completions()
            .enable_logging()
            .build();
        info
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult> {
        let mut result = self.server.discover(context).await?;
        result.capabilities = self.get_info().capabilities;
        // The stateless protocol has no logging/setLevel.
        result.capabilities.logging = None;
        Ok(result)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult> {
        let mut result = self.server.list_tools(request, context).await?;
        result.tools.extend(TOOLS.iter().cloned());
        result
            .tools
            .sort_by(|left, right| left.name.cmp(&right.name));
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse> {
        if self.get_tool(&request.name).is_some() {
            self.call(request, context).await
        } else {
            self.server.call_tool(request, context).await
        }
    }

    /// Lets rmcp compare the header parameters of a fixture with its body.
    fn get_tool(&self, name: &str) -> Option<Tool> {
        TOOLS.iter().find(|tool| tool.name == name).cloned()
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult> {
        self.server.on_custom_request(request, context).await
    }

    async fn set_level(
        &self,
        _: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<()> {
        if speaks_stateless(&context) {
            return Err(ErrorData::method_not_found::<SetLevelRequestMethod>());
        }
        Ok(())
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult> {
        Ok(CompleteResult::default())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult> {
        let argument = |name: &str| {
            PromptArgument::new(name)
                .with_description("An argument.")
                .with_required(true)
        };
        let prompt = |name: &str, about: &str, arguments: Option<Vec<PromptArgument>>| {
            Prompt::new(name, Some(about.to_owned()), arguments)
        };
        let prompts = vec![
            prompt(
                "test_input_required_result_prompt",
                "Asks for its context.",
                None,
            ),
            prompt(
                "test_prompt_with_arguments",
                "Has arguments.",
                Some(vec![argument("arg1"), argument("arg2")]),
            ),
            prompt(
                "test_prompt_with_embedded_resource",
                "Has a resource.",
                Some(vec![argument("resourceUri")]),
            ),
            prompt("test_prompt_with_image", "Has a picture.", None),
            prompt("test_simple_prompt", "Has text.", None),
        ];
        Ok(ListPromptsResult::with_all_items(prompts).with_cache_scope(CacheScope::Private))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse> {
        let arguments = request.arguments.unwrap_or_default();
        let argument = |name: &str| {
            arguments
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let say = |words: &str| PromptMessage::new_text(Role::User, words);
        let messages = match request.name.as_str() {
            "test_simple_prompt" => vec![say("This is a simple prompt for testing.")],
            "test_prompt_with_arguments" => {
                let (arg1, arg2) = (argument("arg1"), argument("arg2"));
                vec![say(&format!(
                    "Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"
                ))]
            }
            "test_prompt_with_embedded_resource" => {
                let resource = ResourceContents::text(
                    "Embedded resource content for testing.",
                    argument("resourceUri"),
                );
                let resource = ContentBlock::resource(resource.with_mime_type("text/plain"));
                vec![
                    PromptMessage::new(Role::User, resource),
                    say("Please process the embedded resource above."),
                ]
            }
            "test_prompt_with_image" => {
                let picture = PromptMessage::new(Role::User, ContentBlock::image(PNG, "image/png"));
                vec![picture, say("Please analyze the image above.")]
            }
            "test_input_required_result_prompt" => {
                let answers = request.input_responses.unwrap_or_default();
                let Some(context) = answered(&answers, "user_context", "context") else {
                    let question = question("What context should the prompt use?", "context");
                    return Ok(self.ask(1, &[("user_context", question)])?.into());
                };
                vec![say(&format!("Context: {context}"))]
            }
            _ => return Err(ErrorData::invalid_params("There is no such prompt.", None)),
        };
        Ok(GetPromptResult::new(messages).into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult> {
        let mut result = self.server.list_resources(request, context).await?;
        let resource =
            |uri: &str, name: &str| Resource::new(uri, name).with_description("A fixture.");
        result.resources.extend([
            resource("test://static-binary", "binary").with_mime_type("image/png"),
            resource("test://static-text", "text").with_mime_type("text/plain"),
            resource("test://watched-resource", "watched").with_mime_type("text/plain"),
        ]);
        Ok(result)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult> {
        let mut result = self
            .server
            .list_resource_templates(request, context)
            .await?;
        let template = ResourceTemplate::new("test://template/{id}/data", "template")
            .with_description("A fixture.");
        result
            .resource_templates
            .push(template.with_mime_type("application/json"));
        Ok(result)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse> {
        let uri = request.uri.clone();
        let templated = uri
            .strip_prefix("test://template/")
            .and_then(|rest| rest.strip_suffix("/data"));
        let contents = match (uri.as_str(), templated) {
            ("test://static-text", _) => {
                ResourceContents::text("This is the content of the static text resource.", uri)
                    .with_mime_type("text/plain")
            }
            ("test://watched-resource", _) => {
                ResourceContents::text("Watched.", uri).with_mime_type("text/plain")
            }
            ("test://static-binary", _) => {
                ResourceContents::blob(PNG, uri).with_mime_type("image/png")
            }
            (_, Some(id)) => {
                let data =
                    json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
                ResourceContents::text(data.to_string(), uri.clone())
                    .with_mime_type("application/json")
            }
            _ => return self.server.read_resource(request, context).await,
        };
        Ok(ReadResourceResult::new(vec![contents]).into())
    }

    async fn subscribe(
        &self,
        _: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<()> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<()> {
        Ok(())
    }
}

async fn report_progress(context: &RequestContext<RoleServer>) -> Result<()> {
    for progress in [0.0, 50.0, 100.0] {
        if let Some(token) = context.meta.get_progress_token() {
            let report = ProgressNotificationParam::new(token, progress).with_total(100.0);
            context
                .peer
                .notify_progress(report)
                .await
                .map_err(unreachable_client)?;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Asks a handshake client while the call waits, and returns `action=…, content=…`.
async fn ask_in_place(
    context: &RequestContext<RoleServer>,
    message: &str,
    properties: Value,
    required: &[&str],
) -> Result<String> {
    let schema = json!({"type": "object", "properties": properties, "required": required});
    let params: ElicitRequestParams =
        typed(json!({"mode": "form", "message": message, "requestedSchema": schema}))?;
    let answer = context
        .peer
        .create_elicitation(params)
        .await
        .map_err(unreachable_client)?;
    Ok(format!(
        "action={}, content={}",
        json!(answer.action),
        json!(answer.content)
    ))
}

fn question(message: &str, field: &str) -> Value {
    let kind = if field == "ok" { "boolean" } else { "string" };
    let schema =
        json!({"type": "object", "properties": {field: {"type": kind}}, "required": [field]});
    json!({"method": "elicitation/create", "params": {"mode": "form", "message": message, "requestedSchema": schema}})
}

fn sampling(prompt: &str, max_tokens: u32) -> Value {
    json!({"method": "sampling/createMessage", "params": sampling_params(prompt, max_tokens)})
}

fn sampling_params(prompt: &str, max_tokens: u32) -> Value {
    let message = json!({"role": "user", "content": {"type": "text", "text": prompt}});
    json!({"messages": [message], "maxTokens": max_tokens})
}

fn roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}

fn input_requests(questions: &[(&str, Value)]) -> Result<BTreeMap<String, InputRequest>> {
    let typed = questions
        .iter()
        .map(|(name, question)| Ok(((*name).to_owned(), typed(question.clone())?)));
    typed.collect()
}

/// The text of `field` in the accepted form `name`.
fn answered<'a>(answers: &'a InputResponses, name: &str, field: &str) -> Option<&'a str> {
    let answer = answers.get(name)?;
    let accepted = answer.get("action")? == "accept";
    let text = answer.get("content")?.get(field)?.as_str();
    text.filter(|_| accepted)
}

fn defaults() -> Value {
    json!({
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": true},
    })
}

fn choices() -> Value {
    let titled = |names: [&str; 3]| {
        let values = ["value1", "value2", "value3"].into_iter().zip(names);
        values
            .map(|(value, name)| json!({"const": value, "title": name}))
            .collect::<Vec<_>>()
    };
    let plain = json!(["option1", "option2", "option3"]);
    json!({
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled(["First Option", "Second Option", "Third Option"])},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled(["First Choice", "Second Choice", "Third Choice"])}},
    })
}

fn full_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            },
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::default(),
    }
}

fn text(words: impl Into<String>) -> ContentBlock {
    ContentBlock::text(words)
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn unreachable_client(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(format!("The client cannot be asked: {error}"), None)
}
