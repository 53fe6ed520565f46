"""Talks with a firm's back office: Pydantic AI and Bureau.

    pip install "pydantic-ai-slim[anthropic,mcp]"
    ANTHROPIC_API_KEY=… python agent.py

Bureau is started over stdio and works on the database of this machine; an empty line ends the conversation. What it wants to
delete it asks about here, not through the model.
"""

import asyncio

from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset


async def agreed(message, form, _params, _context):
    """What the person says to a question of Bureau's."""
    if input(f"{message} [y/N] ").lower() == "y":
        return form(confirm=True)
    return ElicitResult(action="decline")


def bureau():
    transport = StdioTransport("bureau", ["stdio", "--features=contacts,activities,history"])
    return MCPToolset(transport, include_instructions=True, elicitation_handler=agreed)


async def talk(model):
    async with Agent(model, toolsets=[bureau()]) as agent:
        messages = []
        while question := input("> "):
            answer = await agent.run(question, message_history=messages)
            messages = answer.all_messages()
            print(answer.output)


if __name__ == "__main__":
    asyncio.run(talk("anthropic:claude-sonnet-4-5"))
