"""The programs in examples/, each talked to by a person and answered by a model that is made up.

    python examples.py BINARY FOLDER URL

Which ones run is what stands in the environment, as with the adapters. The model is one of those that a framework has for tests or
lets one write: it makes the calls that a model would make, and what comes of them is looked up in the file of the database.
"""

import asyncio
import builtins
import json
import os
import sqlite3
import sys
from contextlib import closing, contextmanager
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from scenario import Run, equal, true

os.environ.update(OPENAI_AGENTS_DISABLE_TRACING="1", OPENAI_API_KEY="none", LANGSMITH_TRACING="false")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def script(asks):
    """What a model says, one after the other: a tool with its arguments, or a text. It is sent what it is told then.

    Where the program asks its person by itself (`asks`), the model need not.
    """
    said = yield "create_contact", {"name": "Ada King", "emails": ["ada@engine.example"]}
    ada = json.loads(said)["data"]["id"]
    yield None, "Ada King is in your contacts."
    while True:
        said = yield "delete_contact", {"contact": ada}
        if not asks:
            error = json.loads(said)["error"]
            answer = yield None, error["summary"]
            if answer == "y":
                said = yield "delete_contact", {"contact": ada, "confirm_token": error["confirm_token"]}
        yield None, "It is done." if "error" not in json.loads(said) else "I left it."


class Model:
    """Goes through the script, and notes what it was told to do and with which tools."""

    def __init__(self, asks):
        self.asks, self.script, self.begun = asks, script(asks), False
        self.instructions, self.tools = "", set()

    def next(self, said, instructions, tools):
        self.instructions, self.tools = instructions or self.instructions, set(tools)
        step = self.script.send(said) if self.begun else next(self.script)
        self.begun = True
        return step


# --- a model for each framework -------------------------------------------------------------------------------------


def openai_agents(model):
    from agents import Model as Base
    from agents import ModelResponse, Usage
    from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

    class Made(Base):
        calls = 0

        async def get_response(self, system_instructions, input, model_settings, tools, *_, **__):
            last = input[-1]
            said = last.get("output") or last.get("content")
            said = said if isinstance(said, str) else said[0]["text"] if isinstance(said, list) else said["text"]
            tool, what = model.next(said, system_instructions, [tool.name for tool in tools])
            self.calls += 1
            id = f"call_{self.calls}"
            if tool:
                item = ResponseFunctionToolCall(type="function_call", call_id=id, name=tool, arguments=json.dumps(what))
            else:
                text = ResponseOutputText(type="output_text", text=what, annotations=[])
                item = ResponseOutputMessage(id=id, type="message", role="assistant", status="completed", content=[text])
            return ModelResponse(output=[item], usage=Usage(), response_id=None)

        def stream_response(self, *_, **__):
            raise NotImplementedError

    return Made()


def pydantic_ai(model):
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel

    def answer(messages, info):
        said = messages[-1].parts[-1].content
        said = said if isinstance(said, str) else json.dumps(said)
        tool, what = model.next(said, info.instructions, [tool.name for tool in info.function_tools])
        return ModelResponse(parts=[ToolCallPart(tool, what) if tool else TextPart(what)])

    return FunctionModel(answer)


def langchain(model):
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatResult

    offered = []

    class Made(GenericFakeChatModel):
        def bind_tools(self, tools, **_):
            offered[:] = [tool.name for tool in tools]
            return self

        def _generate(self, messages, *_, **__):
            tool, what = model.next(messages[-1].text, messages[0].text, offered)
            if tool:
                made = AIMessage(content="", tool_calls=[{"name": tool, "args": what, "id": f"call_{len(messages)}"}])
            else:
                made = AIMessage(content=what)
            return ChatResult(generations=[ChatGeneration(message=made)])

    return Made(messages=iter(()))


# Whether the program asks its person by itself.
PROGRAMS = {
    "openai-agents": ("openai-agents", openai_agents, False),
    "pydantic-ai": ("pydantic-ai-slim", pydantic_ai, True),
    "langchain": ("langchain", langchain, True),
}
MAJORS = {"2": list(PROGRAMS)[:2], "1": list(PROGRAMS)[2:]}


# --- the conversation -----------------------------------------------------------------------------------------------


@contextmanager
def person(lines):
    """Who types these lines, some of which only come to mind then, and what is shown to them."""
    shown, lines = [], iter(lines)
    typed, printed = builtins.input, builtins.print

    def answer(prompt=""):
        shown.append(prompt)
        line = next(lines)
        return line() if callable(line) else line

    builtins.input, builtins.print = answer, lambda *said, **_: shown.append(" ".join(map(str, said)))
    try:
        yield shown
    finally:
        builtins.input, builtins.print = typed, printed


def home(folder, name, binary):
    """A home folder in which `bureau` is a program and has no database yet."""
    own = Path(folder) / name
    (own / "bin").mkdir(parents=True)
    (own / "bin" / "bureau").symlink_to(Path(binary).resolve())
    os.environ.update(HOME=str(own), PATH=f"{own / 'bin'}{os.pathsep}{os.environ['PATH']}")
    os.environ.pop("XDG_DATA_HOME", None)
    return own


def kept(own):
    """The contacts that are not deleted."""
    file = next(own.rglob("bureau.sqlite"))
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return [name for (name,) in database.execute("SELECT name FROM contact WHERE archived_at IS NULL")]


def program(name):
    spec = spec_from_file_location(f"example_{name.replace('-', '_')}", EXAMPLES / name / "agent.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def talks(run, name, binary, folder, make, asks):
    own, model = home(folder, f"example-{name}", binary), Model(asks)

    def again():
        equal(kept(own), ["Ada King"])
        return "Delete her"

    with run.check("keeps a contact, and deletes it with a yes and not without"):
        with person(["Add Ada King", "Delete her", "n", again, "y", ""]) as shown:
            await asyncio.wait_for(program(name).talk(make(model)), 120)
        equal(kept(own), [])
        asked = [line for line in shown if "Ada King" in line and "delete" in line.lower()]
        equal(len(asked), 2)
    with run.check("tells the model the rules, and gives it the tools of the named groups"):
        true("confirm_token" in model.instructions and "never make one up" in model.instructions, model.instructions)
        true({"create_contact", "create_activity", "undo_change"} <= model.tools, f"{sorted(model.tools)}")
        true("create_invoice" not in model.tools, f"{sorted(model.tools)}")


async def main(binary, folder):
    held = True
    for name in MAJORS[version("mcp").split(".")[0]]:
        package, make, asks = PROGRAMS[name]
        run = Run(f"examples/{name} on {package} {version(package)}")
        try:
            await talks(run, name, binary, folder, make, asks)
        except Exception as error:
            held = False
            text = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"FAIL {run.name}: {run.current}: {text[:2000]}", flush=True)
    return held


if __name__ == "__main__":
    sys.exit(not asyncio.run(main(*sys.argv[1:3])))
