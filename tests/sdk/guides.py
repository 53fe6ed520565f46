"""The pages hold: what they link to is there, and the configurations of docs/clients.md start a Bureau that answers.

    python guides.py BINARY FOLDER URL
"""

import asyncio
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from current import connect
from examples import home
from scenario import Run, Target, data, equal, true

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "ARCHITECTURE.md", "SECURITY.md", "llms.txt", *(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
SECTIONS = ("mcpServers", "servers", "mcp_servers", "context_servers")


def anchors(page):
    """The names by which the headings of a page are linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links():
    """What the pages link to in this repository: the page, the file, and where in it."""
    for page in PAGES:
        text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.S)
        for link in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text):
            if not re.match(r"[a-z]+:", link):
                file, _, anchor = link.partition("#")
                yield page, (ROOT / page).parent / file if file else ROOT / page, anchor


def pages(check):
    with check("link to nothing that is not there"):
        found = list(links())
        true(len(found) > 60, f"{len(found)} links")
        missing = [f"{page}: {file}" for page, file, _ in found if not file.exists()]
        equal(missing, [])
        gone = [f"{page}: {file.name}#{anchor}" for page, file, anchor in found if anchor and anchor not in anchors(file)]
        equal(gone, [])
    with check("stand in llms.txt, each of them"):
        named = {file.resolve() for page, file, _ in links() if page == "llms.txt"}
        left = [page for page in PAGES if (ROOT / page).resolve() not in named and page != "llms.txt"]
        equal(left, [])


def without_groups(entry):
    """An entry apart from the groups of tools, which are a matter of taste and not of the client."""
    args = entry["args"]
    at = args.index("--features") if "--features" in args else len(args)
    return entry | {"command": "bureau", "args": args[:at] + args[at + 2 :]}


def entries():
    """The entries of docs/clients.md: under which heading, in which section, and what they say."""
    text = (ROOT / "docs" / "clients.md").read_text()
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        heading = part.splitlines()[0]
        for language, block in re.findall(r"```(json|toml)\n(.*?)```", part, re.S):
            whole = json.loads(block) if language == "json" else tomllib.loads(block)
            equal(len(whole), 1)
            (section, servers), *_ = whole.items()
            true(section in SECTIONS, section)
            yield heading, section, servers["bureau"]


async def main(binary, folder):
    held = True
    run = Run("the pages")
    try:
        pages(run.check)
    except AssertionError as error:
        held = False
        print(f"FAIL {run.name}: {run.current}: {error}", flush=True)

    own = home(folder, "guides", binary)
    # What several clients start alike is started once.
    starts = {}
    for heading, _, entry in entries():
        if "url" in entry:
            equal(entry["headers"]["Authorization"].split()[0], "Bearer")
        else:
            starts.setdefault((entry["command"], *entry["args"]), []).append(heading)
    for (command, *args), headings in starts.items():
        target = Target(command=command, args=[str(own / arg) if arg == "Bureau" else arg for arg in args])

        async def answers(check, client, headings=headings):
            with check(f"the entry for {', '.join(headings)} starts a Bureau that answers"):
                equal(data(await client.call("get_workspace", {}))["name"], "My firm")

        held &= await Run("docs/clients.md").holds(connect("modern", target, None), answers)
    with run.check("show a configuration of each client that they name"):
        equal(len({heading for headings in starts.values() for heading in headings}), 8)
    with run.check("show what bureau install writes for its clients"):
        written = {}
        for client in ("claude-desktop", "claude-code", "cursor", "vscode", "windsurf"):
            file = own / f"{client}.json"
            subprocess.run(["bureau", "install", client, "--config-file", str(file), "--yes"], check=True, capture_output=True)
            (section, servers), *_ = json.loads(file.read_text()).items()
            written[client.replace("vscode", "vs-code")] = section, without_groups(servers["bureau"])
        shown = {heading.lower().replace(" ", "-"): (section, without_groups(entry))
                 for heading, section, entry in entries() if "url" not in entry}  # fmt: skip
        equal({client: shown[client] for client in written}, written)
    return held


if __name__ == "__main__":
    sys.exit(not asyncio.run(main(*sys.argv[1:3])))
