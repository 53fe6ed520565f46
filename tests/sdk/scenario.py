"""What every client must be able to do with Bureau, whichever SDK speaks for it.

`connect(era, target, answer)` is an async context manager over a client of the era `modern` or `legacy`, with `version`,
`tools()`, `call(name, arguments)`, `templates()` and `read(uri)`: `tools` gives the listed names and input schemas, `call` a pair
of whether the call failed and the parsed JSON of the answer's text, `templates` the URIs of the listed resource templates, and
`read` the text of a resource. With `answer` the client declares that it can ask its person, and
`answer(message, schema)` is what the person says: an action and the form's content.
"""

import json
import os
import sys
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TOOLS = [
    "create_contact",
    "delete_contact",
    "find_duplicate_contacts",
    "get_contact",
    "merge_contacts",
    "search_contacts",
    "update_contact",
]


@dataclass
class Target:
    """Where Bureau is: a URL with headers, or a command to start, with variables beside those that any process gets."""

    url: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    command: str | None = None
    args: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)


def parsed(content, failed):
    """The answer of a call, from the content blocks of its result."""
    return failed, json.loads(content[0].text)


async def main(name, connect, versions, asks):
    """Runs the checks of one client in its eras on both transports, a line for each; true when all held."""
    key = os.environ.get("SDK_TEST_KEY")
    if len(sys.argv) != 4 or not key:
        sys.exit(f"usage: SDK_TEST_KEY=… python {name}.py BINARY FOLDER URL")
    binary, folder, url = sys.argv[1:]
    held = True
    for era, version in versions.items():
        for transport in ("stdio", "http"):
            run = f"python-{name}-{era}-{transport}"
            own = Path(folder) / run
            if transport == "http":
                target = Target(url=url, headers={"Authorization": f"Bearer {key}"})
            else:
                args = ["--database", f"sqlite:{own}.sqlite", "--data-dir", f"{own}.data", "--features=contacts"]
                target = Target(command=binary, args=args)
            held &= await Run(run).holds(connect(era, target, None), life(version, contact_of(run)))
            if era in asks:
                someone = Person()
                steps = confirmations(someone, contact_of(f"{run}-asked"))
                held &= await Run(f"{run} with elicitation").holds(connect(era, target, someone.answer), steps)
    return held


def contact_of(run):
    """A contact that no other run knows or takes for a duplicate: all HTTP runs share one database."""
    return {
        "first_name": "Eleonora",
        "last_name": "Vandersteen",
        "title": "Buyer",
        "company": f"Northwind {run}",
        "emails": [{"email": f"{run}@example.com", "type": "work"}],
        "tags": ["sdk"],
    }


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")


def true(holds, message):
    if not holds:
        raise AssertionError(message)


def data(answer):
    failed, body = answer
    true(not failed, f"the call failed: {body}")
    true("data" in body, f"no data in {body}")
    return body["data"]


def refused(answer, code, status):
    failed, body = answer
    true(failed, f"not refused: {body}")
    equal(body["error"]["code"], code)
    equal(body["error"]["status"], status)
    true(body["error"]["message"], "a refusal says what to do")


class Run:
    """One client on one transport; a check that fails ends it, as the next ones build on it."""

    def __init__(self, name):
        self.name = name
        self.current = ""

    @contextmanager
    def check(self, what):
        self.current = what
        yield
        print(f"ok   {self.name}: {what}", flush=True)

    async def holds(self, connection, steps):
        """Connects and takes the steps; false, with a line that says why, when one did not hold."""
        try:
            async with AsyncExitStack() as stack:
                with self.check("connects"):
                    client = await stack.enter_async_context(connection)
                await steps(self.check, client)
        except Exception as error:
            cause = first(error)
            text = " ".join(f"{type(cause).__name__}: {cause}".split())
            print(f"FAIL {self.name}: {self.current}: {text}", flush=True)
            return False
        return True


def first(error):
    """The error itself, out of the groups that task groups wrap it in."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def life(version, fields):
    """The steps of a client that has no person to ask."""

    async def steps(check, client):
        with check(f"speaks {version}"):
            equal(client.version, version)
        with check("lists the contacts tools and no others"):
            tools = await client.tools()
            equal([name for name, _ in tools], TOOLS)
            for _, schema in tools:
                equal(schema["type"], "object")
        with check("creates a contact"):
            answer = await client.call("create_contact", fields)
            contact = data(answer)["id"]
            true(contact.startswith("con_"), f"{contact!r} is no id of a contact")
            true(answer[1]["change"].startswith("chg_"), f"{answer[1]} names no change")
        with check("finds it by a misspelt name"):
            rows = data(await client.call("search_contacts", {"query": "Elenora Vanderstein", "limit": 100}))
            true(contact in [row["id"] for row in rows], f"{contact} is not among {len(rows)} rows")
        with check("reads it"):
            record = data(await client.call("get_contact", {"contact": contact}))
            for name in ("first_name", "last_name", "title"):
                equal(record[name], fields[name])
            equal(record["id"], contact)
        with check("reads it as a resource"):
            equal(await client.templates(), ["bureau://contacts/{contact}"])
            record = json.loads(await client.read(f"bureau://contacts/{contact}"))
            equal((record["id"], record["last_name"]), (contact, fields["last_name"]))
        with check("updates it"):
            data(await client.call("update_contact", {"contact": contact, "title": "Head of purchasing"}))
            equal(data(await client.call("get_contact", {"contact": contact}))["title"], "Head of purchasing")
        with check("is refused a deletion without confirmation"):
            refused(await client.call("delete_contact", {"contact": contact}), "CONFIRMATION_REQUIRED", 400)
            equal(data(await client.call("get_contact", {"contact": contact}))["id"], contact)
        with check("deletes it with confirmation"):
            data(await client.call("delete_contact", {"contact": contact, "confirm": True}))
        with check("does not find it afterwards"):
            refused(await client.call("get_contact", {"contact": contact}), "RESOURCE_NOT_FOUND", 404)

    return steps


class Person:
    """Who is asked: counts the questions and gives the reply that was set last."""

    def __init__(self):
        self.asked = []
        self.reply = None

    def answer(self, message, schema):
        self.asked.append((message, schema))
        return self.reply


def confirmations(someone, fields):
    """The steps of a client that asks its person."""

    async def steps(check, client):
        with check("creates a contact"):
            contact = data(await client.call("create_contact", fields))["id"]
        with check("a declined deletion deletes nothing"):
            someone.reply = ("decline", None)
            failed, body = await client.call("delete_contact", {"contact": contact})
            true(failed, f"not refused: {body}")
            equal(len(someone.asked), 1)
            message, schema = someone.asked[0]
            true(message, "the question says what it is about")
            equal(schema["properties"]["confirm"]["type"], "boolean")
            equal(data(await client.call("get_contact", {"contact": contact}))["id"], contact)
        with check("a deletion that is accepted but not confirmed deletes nothing"):
            someone.reply = ("accept", {"confirm": False})
            failed, body = await client.call("delete_contact", {"contact": contact})
            true(failed, f"not refused: {body}")
            equal(data(await client.call("get_contact", {"contact": contact}))["id"], contact)
        with check("a confirmed deletion deletes"):
            someone.reply = ("accept", {"confirm": True})
            data(await client.call("delete_contact", {"contact": contact}))
            equal(len(someone.asked), 3)
            refused(await client.call("get_contact", {"contact": contact}), "RESOURCE_NOT_FOUND", 404)

    return steps
