"""A firm of a test's own: a database, the program's command line on it, and a server when one is needed."""

import json
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from scenario import Target


class Firm:
    def __init__(self, binary, folder, name):
        self.binary = binary
        self.folder = Path(folder) / name
        self.folder.mkdir()
        self.opens(self.folder / "bureau.sqlite")

    def opens(self, file):
        """Takes a database, which is made where it is not there."""
        self.file = file
        self.where = ["--database", f"sqlite:{file}", "--data-dir", str(self.folder / "data")]

    def cli(self, *arguments):
        """What a command prints."""
        done = subprocess.run(
            [self.binary, *arguments, *self.where], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120
        )
        if done.returncode:
            raise AssertionError(f"bureau {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.cli(*arguments, "--json"))

    def key(self, *arguments):
        """A new key: its secret and its id."""
        made = self.json("key", "create", *arguments)
        return made["key"], made["id"]

    def stdio(self, *arguments, **env):
        return Target(command=self.binary, args=[*arguments, *self.where], env=env)

    @contextmanager
    def serving(self, *arguments):
        """The address of a server that runs meanwhile."""
        log = self.folder / "server.log"
        command = [self.binary, "serve", "--listen", "127.0.0.1:0", *arguments, *self.where]
        with open(log, "w") as said:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        try:
            yield listening(server, log)
        finally:
            server.terminate()
            server.wait(30)


def listening(server, log):
    for _ in range(600):
        url = re.search(r"http://127\.0\.0\.1:\d+/mcp", log.read_text())
        if url:
            return url[0]
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"the server did not say where it listens: {log.read_text()}")


def over_http(url, key):
    return Target(url=url, headers={"Authorization": f"Bearer {key}"})


async def pages(client, tool, arguments):
    """All rows of a list, however many pages it takes."""
    rows, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        failed, body = await client.call(tool, {**arguments, "limit": 100, **more})
        if failed:
            raise AssertionError(f"{tool}: {body}")
        rows += body["data"]
        cursor = body.get("page", {}).get("next")
        if not cursor:
            return rows
