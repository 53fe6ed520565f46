"""What frameworks make of Bureau's tools for the models that they speak to, and a call through each.

    python adapters.py BINARY FOLDER URL

Which ones are tried is what stands in the environment that runs it: adapters of the current major of the Python SDK, or of the
previous one. No provider is asked: a request is built as it would go out, and the answer of a model is made up.
"""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from importlib.metadata import version

from firm import Firm
from scenario import Run, equal, true

os.environ.update(
    MCP_USE_ANONYMIZED_TELEMETRY="false", OPENAI_AGENTS_DISABLE_TRACING="1", OPENAI_API_KEY="none", LANGSMITH_TRACING="false"
)


def properties(schema, path=""):
    """The paths of all parameters that a schema names, and what of them is a choice of which values."""
    found = {}
    for name, inner in (schema.get("properties") or {}).items():
        here = f"{path}/{name}"
        found[here] = sorted(inner.get("enum") or [])
        found |= properties(inner, here)
        found |= properties(inner.get("items") or {}, f"{here}[]")
    return found


def open_objects(schema, path=""):
    """Where something is an object of which nothing is known: strict modes and Gemini refuse it."""
    found = []
    for name, inner in (schema.get("properties") or {}).items():
        for where, one in ((name, inner), (f"{name}[]", inner.get("items") or {})):
            if str(one.get("type")).lower() == "object" and not one.get("properties"):
                found.append(f"{path}/{where}")
            found += open_objects(one, f"{path}/{where}")
    return found


def same(tools, converted):
    """Nothing that a tool says is lost: `converted` has the schema of each by its name."""
    equal(sorted(converted), sorted(tools))
    for name, schema in tools.items():
        equal(properties(converted[name]), properties(schema))
        equal(open_objects(converted[name]), [])


def nothing(schema, given):
    """The arguments that a model sends which has to fill in all of them."""
    kinds = {"string": "", "array": [], "object": {}, "boolean": False, "integer": 0}
    filled = {name: None if "enum" in one else kinds.get(one.get("type")) for name, one in schema["properties"].items()}
    return filled | given


TRIED = {"name": "Dryrun Probe", "dry_run": True}


async def tried(check, call, text=lambda answer: answer):
    """A trial that comes through as one, and an answer that comes back."""
    with check("passes on that a call is only tried"):
        answer = json.loads(text(await call("create_contact", TRIED)))
        equal((answer["data"]["name"], answer.get("dry_run")), ("Dryrun Probe", True))
        found = json.loads(text(await call("search_contacts", {"query": "Dryrun Probe"})))
        equal(found["data"], [])


# --- adapters on the current major of the SDK -----------------------------------------------------------------------


@asynccontextmanager
async def session_of(target):
    from mcp import ClientSession, StdioServerParameters, stdio_client

    server = StdioServerParameters(command=target.command, args=target.args, env=target.env)
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        yield session


def schema_of(tool):
    """Both majors have it, by two names."""
    return getattr(tool, "input_schema", None) or tool.inputSchema


def by_name(tools):
    return {tool.name: schema_of(tool) for tool in tools}


@asynccontextmanager
async def agents_server(target):
    from agents.mcp import MCPServerStdio

    params = {"command": target.command, "args": target.args, "env": target.env}
    async with MCPServerStdio(params=params, client_session_timeout_seconds=60) as server:
        yield server


async def openai_agents(check, server):
    from agents.mcp.util import MCPUtil
    from agents.models.openai_responses import Converter
    from agents.run_context import RunContextWrapper

    tools = {tool.name: tool for tool in await server.list_tools()}
    with check("leaves every tool as it is"):
        plain = [MCPUtil.to_function_tool(tool, server, False) for tool in tools.values()]
        same(by_name(tools.values()), {tool.name: tool.params_json_schema for tool in plain})
    with check("makes every tool strict, and requests of the Responses API of them"):
        strict = [MCPUtil.to_function_tool(tool, server, True) for tool in tools.values()]
        equal([tool.name for tool in strict if not tool.strict_json_schema], [])
        same(by_name(tools.values()), {tool.name: tool.params_json_schema for tool in strict})
        requests = Converter.convert_tools(strict, []).tools
        equal({(tool["type"], tool["strict"]) for tool in requests}, {("function", True)})

    async def call(name, arguments):
        answer = await MCPUtil.invoke_mcp_tool(server, tools[name], RunContextWrapper(None), json.dumps(arguments))
        return answer["text"] if isinstance(answer, dict) else answer

    await tried(check, call)
    with check("is understood where a model fills in every parameter"):
        given = nothing(schema_of(tools["create_contact"]), TRIED)
        equal(json.loads(await call("create_contact", given))["data"]["name"], "Dryrun Probe")
        given = nothing(schema_of(tools["list_deals"]), {})
        equal(json.loads(await call("list_deals", given))["data"], [])


async def google_genai(check, session):
    from google.genai._mcp_utils import mcp_to_gemini_tools

    tools = (await session.list_tools()).tools
    with check("makes a declaration of every tool"):
        declared = [one for tool in mcp_to_gemini_tools(tools) for one in tool.function_declarations]
        declared = {one.name: one.parameters.model_dump(mode="json", exclude_none=True) for one in declared}
        same(by_name(tools), declared)

    async def call(name, arguments):
        return (await session.call_tool(name, arguments)).content[0].text

    await tried(check, call)


async def anthropic(check, session):
    from anthropic.lib.tools.mcp import async_mcp_tool

    tools = (await session.list_tools()).tools
    made = {tool.name: async_mcp_tool(tool, session) for tool in tools}
    with check("makes a tool of the Messages API of every tool"):
        same(by_name(tools), {name: tool.to_dict()["input_schema"] for name, tool in made.items()})
    with_text = lambda answer: answer if isinstance(answer, str) else answer[0]["text"]  # noqa: E731
    await tried(check, lambda name, arguments: made[name].call(arguments), with_text)


@asynccontextmanager
async def mistral_client(target):
    from mcp import StdioServerParameters
    from mistralai.extra.mcp.stdio import MCPClientSTDIO

    client = MCPClientSTDIO(StdioServerParameters(command=target.command, args=target.args, env=target.env))
    await client.initialize()
    try:
        yield client
    finally:
        await client.aclose()


async def mistral(check, client):
    tools = (await client._session.list_tools()).tools
    with check("makes a function of every tool"):
        made = {tool.function.name: tool.function.parameters for tool in await client.get_tools()}
        same(by_name(tools), made)
    await tried(check, client.execute_tool, lambda answer: answer[0]["text"])


@asynccontextmanager
async def pydantic_toolset(target):
    from fastmcp.client.transports import StdioTransport
    from pydantic_ai.mcp import MCPToolset

    toolset = MCPToolset(StdioTransport(target.command, target.args, env=target.env))
    async with toolset:
        yield toolset


async def pydantic_ai(check, toolset):
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel
    from pydantic_ai.profiles.openai import OpenAIJsonSchemaTransformer

    seen = {}

    def say(calls):
        """A model that makes these calls one after the other, and says what came of the last."""
        steps = iter(calls)

        def answer(messages, info):
            seen.update({tool.name: tool.parameters_json_schema for tool in info.function_tools})
            step = next(steps, None)
            if step:
                return ModelResponse(parts=[ToolCallPart(*step)])
            said = messages[-1].parts[-1].content
            return ModelResponse(parts=[TextPart(said if isinstance(said, str) else json.dumps(said))])

        return FunctionModel(answer)

    async def call(name, arguments):
        return (await Agent(say([(name, arguments)]), toolsets=[toolset]).run("go")).output

    await tried(check, call)
    with check("makes every tool strict"):
        true(len(seen) > 60, f"{len(seen)} tools")
        strict = {name: OpenAIJsonSchemaTransformer(schema, strict=True).walk() for name, schema in seen.items()}
        same(seen, strict)


# --- adapters on the previous major ---------------------------------------------------------------------------------


async def langchain(check, session):
    from langchain_core.utils.function_calling import convert_to_openai_tool
    from langchain_mcp_adapters.tools import load_mcp_tools

    tools = (await session.list_tools()).tools
    made = {tool.name: tool for tool in await load_mcp_tools(session)}
    for strict in (False, True):
        with check("makes a function of every tool" + (", strict" if strict else "")):
            functions = [convert_to_openai_tool(tool, strict=strict)["function"] for tool in made.values()]
            same(by_name(tools), {function["name"]: function["parameters"] for function in functions})
    text = lambda answer: answer if isinstance(answer, str) else answer[0]["text"]  # noqa: E731
    await tried(check, lambda name, arguments: made[name].ainvoke(arguments), text)


@asynccontextmanager
async def mcp_use_tools(target):
    from mcp_use import MCPClient
    from mcp_use.agents.adapters.langchain_adapter import LangChainAdapter

    server = {"command": target.command, "args": target.args, "env": target.env}
    client = MCPClient.from_dict({"mcpServers": {"bureau": server}})
    try:
        await client.create_all_sessions()
        yield {tool.name: tool for tool in await LangChainAdapter().create_tools(client)}
    finally:
        await client.close_all_sessions()


async def mcp_use(check, tools):
    with check("makes a tool of every tool"):
        true(len(tools) > 60, f"{len(tools)} tools")
        taken = tools["create_contact"].args_schema.model_json_schema()["properties"]
        true({"name", "emails", "dry_run", "idempotency_key"} <= set(taken), f"{sorted(taken)}")
    text = lambda answer: answer if isinstance(answer, str) else answer[0]["text"]  # noqa: E731
    await tried(check, lambda name, arguments: tools[name].ainvoke(arguments), text)


ADAPTERS = {
    "openai-agents": (agents_server, openai_agents),
    "google-genai": (session_of, google_genai),
    "anthropic": (session_of, anthropic),
    "mistralai": (mistral_client, mistral),
    "pydantic-ai-slim": (pydantic_toolset, pydantic_ai),
    "langchain-mcp-adapters": (session_of, langchain),
    "mcp-use": (mcp_use_tools, mcp_use),
}
MAJORS = {"2": list(ADAPTERS)[:5], "1": list(ADAPTERS)[5:]}


async def main(binary, folder):
    major = version("mcp").split(".")[0]
    firm = Firm(binary, folder, f"adapters-{major}")
    for kind in ("contact", "deal", "invoice", "product"):
        firm.cli("workspace", "attribute", "define", kind, "budget", "--kind", "number")
    held = True
    for name in MAJORS[major]:
        connect, steps = ADAPTERS[name]
        target = firm.stdio("stdio")
        held &= await Run(f"{name} {version(name)}").holds(connect(target), steps)
    return held


if __name__ == "__main__":
    sys.exit(not asyncio.run(main(*sys.argv[1:3])))
