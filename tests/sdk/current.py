"""The current major of the Python SDK, which speaks both eras: by default it asks `server/discover` first."""

import asyncio
import base64
import sys
from contextlib import asynccontextmanager

import httpx2
import mcp_types
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from scenario import main, parsed


class Connected:
    def __init__(self, client):
        self.client = client
        self.version = client.protocol_version

    async def tools(self):
        return [(tool.name, tool.input_schema) for tool in (await self.client.list_tools()).tools]

    async def call(self, name, arguments):
        result = await self.client.call_tool(name, arguments)
        return parsed(result.content, result.is_error)

    async def templates(self):
        listed = await self.client.list_resource_templates()
        return [template.uri_template for template in listed.resource_templates]

    async def read(self, uri):
        return (await self.client.read_resource(uri)).contents[0].text

    async def blob(self, uri):
        """The bytes of a resource, be it text or not."""
        contents = (await self.client.read_resource(uri)).contents[0]
        return contents.text.encode() if hasattr(contents, "text") else base64.b64decode(contents.blob)


@asynccontextmanager
async def connect(era, target, answer):
    async def elicit(_context, params):
        action, content = answer(params.message, params.model_dump(by_alias=True, mode="json")["requestedSchema"])
        return mcp_types.ElicitResult(action=action, content=content)

    options = {
        "mode": "auto" if era == "modern" else "legacy",
        "elicitation_callback": elicit if answer else None,
    }
    async with httpx2.AsyncClient(headers=target.headers, timeout=30) as http:
        if target.url:
            server = streamable_http_client(target.url, http_client=http)
        else:
            server = StdioServerParameters(command=target.command, args=target.args, env=target.env)
        async with Client(server, **options) as client:
            yield Connected(client)


if __name__ == "__main__":
    held = asyncio.run(main("current", connect, {"modern": "2026-07-28", "legacy": "2025-11-25"}, asks=["modern"]))
    sys.exit(not held)
