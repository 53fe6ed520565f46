"""Talks with a firm's back office: LangChain and Bureau.

    pip install langchain langchain-mcp-adapters "langchain[anthropic]"
    ANTHROPIC_API_KEY=… python agent.py

Bureau is started over stdio and works on the database of this machine; an empty line ends the conversation. What it wants to
delete it asks about here, not through the model.
"""

import asyncio

from langchain.agents import create_agent
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp.types import ElicitResult

BUREAU = {"transport": "stdio", "command": "bureau", "args": ["stdio", "--features=contacts,activities,history"]}


async def agreed(_context, asked, _request):
    """What the person says to a question of Bureau's."""
    if input(f"{asked.message} [y/N] ").lower() == "y":
        return ElicitResult(action="accept", content={"confirm": True})
    return ElicitResult(action="decline")


async def talk(model):
    client = MultiServerMCPClient({"bureau": BUREAU}, callbacks=Callbacks(on_elicitation=agreed))
    about = (await client.get_server_info(server_name="bureau"))["bureau"]
    # One session for all calls: otherwise each of them starts a server of its own.
    async with client.session("bureau") as session:
        tools = await load_mcp_tools(session, callbacks=client.callbacks, server_name="bureau")
        agent = create_agent(model, tools, system_prompt=about.instructions)
        messages = []
        while question := input("> "):
            answer = await agent.ainvoke({"messages": [*messages, {"role": "user", "content": question}]})
            messages = answer["messages"]
            print(messages[-1].text)


if __name__ == "__main__":
    asyncio.run(talk("anthropic:claude-sonnet-4-5"))
