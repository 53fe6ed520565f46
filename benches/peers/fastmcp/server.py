"""Contacts behind Python's FastMCP: what Bureau is measured beside.

    python server.py fill DATABASE CONTACTS    fills a new database with an export of Bureau's, and prints its key
    python server.py stdio DATABASE TOOLS      serves MCP over stdio
    python server.py serve DATABASE TOOLS      serves MCP over HTTP on a free port, and says where on stderr

TOOLS is a result of tools/list: all tools are listed, those of contacts that the bench calls are there.
"""

import json
import os
import socket
import sys
from typing import Any, ClassVar, Literal

# What costs time at every call and is of no use here.
os.environ.setdefault("FASTMCP_TELEMETRY_MODE", "off")
os.environ.setdefault("FASTMCP_LOG_LEVEL", "WARNING")
os.environ.setdefault("FASTMCP_CHECK_FOR_UPDATES", "off")

from contacts import Contacts, Refused, dumps

command, database, path = sys.argv[1:]
contacts = Contacts(database)
if command == "fill":
    print(contacts.fill(path))
    sys.exit()

from fastmcp import FastMCP
from fastmcp.server.auth import AccessToken, TokenVerifier
from fastmcp.server.dependencies import get_access_token
from fastmcp.tools import Tool
from fastmcp.tools.base import ToolResult
from mcp_types import TextContent
from pydantic import BaseModel, ConfigDict, ValidationError

Kind = Literal["lead", "prospect", "customer", "partner", "supplier", "other"]


class Given(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class GetContact(Given):
    contact: str


class SearchContacts(Given):
    query: str | None = None
    type: list[Kind] | None = None
    city: str | None = None
    country: str | None = None
    source: str | None = None
    limit: int | None = None


class Email(Given):
    email: str
    type: str | None = None


class Phone(Given):
    phone: str
    type: str | None = None


class CreateContact(Given):
    on_duplicate: Literal["error", "return", "update", "create"] | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    company: str | None = None
    emails: list[Email] | None = None
    phones: list[Phone] | None = None
    city: str | None = None
    country: str | None = None
    types: list[Kind] | None = None
    tags: list[str] | None = None
    source: str | None = None
    score: int | None = None


def get_contact(fields):
    return {"data": contacts.get(fields["contact"])}


def search_contacts(fields):
    return contacts.search(**fields)


def create_contact(fields):
    token = get_access_token()
    return contacts.create(fields, token.client_id if token else contacts.owner())


IMPLEMENTATIONS = {
    "get_contact": (GetContact, get_contact),
    "search_contacts": (SearchContacts, search_contacts),
    "create_contact": (CreateContact, create_contact),
}


class Listed(Tool):
    """A tool with the schema that Bureau has for it; FastMCP would make one of a function's parameters."""

    KEY_PREFIX: ClassVar[str] = "tool"

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        try:
            if self.name not in IMPLEMENTATIONS:
                raise Refused("UNSUPPORTED", "This tool is not part of this bench.")
            given, function = IMPLEMENTATIONS[self.name]
            # SQLite answers faster than a thread would be found to ask it.
            answer = function(given.model_validate(arguments).model_dump(exclude_none=True))
        except ValidationError as error:
            fields = [".".join(map(str, wrong["loc"])) for wrong in error.errors(include_url=False, include_input=False)]
            return result({"error": {"code": "VALIDATION", "message": f"Not as the schema says: {', '.join(fields)}."}}, True)
        except Refused as error:
            return result({"error": error.error}, True)
        return result(answer, False)


def result(answer, is_error):
    return ToolResult(content=[TextContent(type="text", text=dumps(answer))], is_error=is_error)


class Keys(TokenVerifier):
    async def verify_token(self, token: str) -> AccessToken | None:
        member = contacts.member_of(token)
        return member and AccessToken(token=token, client_id=member, scopes=[])


with open(path, encoding="utf-8") as file:
    tools = json.load(file)["tools"]
# The schemas refer to nothing, so there is nothing to resolve at each list.
server = FastMCP("peer", auth=Keys() if command == "serve" else None, dereference_schemas=False)
# Without this the SDK below makes the whole list of tools at every call, to see the schema of one.
server._mcp_server.get_tool_input_schema = {tool["name"]: tool["inputSchema"] for tool in tools}.get
for tool in tools:
    server.add_tool(Listed(
        name=tool["name"],
        description=tool["description"],
        parameters=tool["inputSchema"],
        annotations=tool.get("annotations"),
        meta=tool.get("_meta"),
    ))

if command == "stdio":
    server.run(show_banner=False)
else:
    import uvloop

    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", file=sys.stderr, flush=True)
    uvloop.run(server.run_http_async(
        show_banner=False,
        json_response=True,
        stateless_http=True,
        host_origin_protection=True,
        sockets=[listener],
        uvicorn_config={"http": "httptools", "access_log": False, "log_level": "warning"},
    ))
