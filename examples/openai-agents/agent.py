"""Talks with a firm's back office: the OpenAI Agents SDK and Bureau.

    pip install openai-agents
    OPENAI_API_KEY=… python agent.py

Bureau is started over stdio and works on the database of this machine; an empty line ends the conversation.
"""

import asyncio

from agents import Agent, Runner
from agents.mcp import MCPServerStdio

# The SDK does not hand on what a server says of itself, and has no form in which a server could ask a person. So the rules
# that a model cannot guess from the tools stand here.
INSTRUCTIONS = """You keep the contacts and the diary of a firm with the tools of Bureau.
Ids come from answers; never make one up. A list gives 25 rows; for the rest pass its page.next as cursor.
A tool that deletes answers CONFIRMATION_REQUIRED first: show the person its summary and ask. Only when they agree, call it
again with the same arguments and its confirm_token. Every write answers a change; undo_change takes it back."""

BUREAU = {"command": "bureau", "args": ["stdio", "--features=contacts,activities,history"]}


async def talk(model=None):
    async with MCPServerStdio(params=BUREAU, cache_tools_list=True, client_session_timeout_seconds=60) as server:
        agent = Agent(
            name="Office",
            instructions=INSTRUCTIONS,
            model=model,
            mcp_servers=[server],
            mcp_config={"convert_schemas_to_strict": True},
        )
        history = []
        while question := input("> "):
            result = await Runner.run(agent, [*history, {"role": "user", "content": question}])
            history = result.to_input_list()
            print(result.final_output)


if __name__ == "__main__":
    asyncio.run(talk())
