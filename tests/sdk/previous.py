"""The previous major of the Python SDK."""

import asyncio
import sys
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl

from scenario import main, parsed


class Connected:
    def __init__(self, session, version):
        self.session = session
        self.version = version

    async def tools(self):
        return [(tool.name, tool.inputSchema) for tool in (await self.session.list_tools()).tools]

    async def call(self, name, arguments):
        result = await self.session.call_tool(name, arguments)
        return parsed(result.content, result.isError)

    async def templates(self):
        listed = await self.session.list_resource_templates()
        return [template.uriTemplate for template in listed.resourceTemplates]

    async def read(self, uri):
        return (await self.session.read_resource(AnyUrl(uri))).contents[0].text


@asynccontextmanager
async def connect(_era, target, _answer):
    async with AsyncExitStack() as stack:
        if target.url:
            http = await stack.enter_async_context(httpx.AsyncClient(headers=target.headers, timeout=30))
            transport = streamable_http_client(target.url, http_client=http)
        else:
            transport = stdio_client(StdioServerParameters(command=target.command, args=target.args))
        read, write, *_ = await stack.enter_async_context(transport)
        session = await stack.enter_async_context(ClientSession(read, write))
        initialized = await session.initialize()
        yield Connected(session, initialized.protocolVersion)


held = asyncio.run(main("previous", connect, {"legacy": "2025-11-25"}, asks=[]))
sys.exit(not held)
