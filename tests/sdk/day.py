"""A day's work of a sales lead, over stdio and over HTTP with a key.

Every figure that Bureau answers is computed here a second time, from the inputs, with decimals.
"""

import asyncio
import csv
import sys
import unicodedata
from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal

from current import connect
from firm import Firm, over_http, pages
from scenario import Run, data, equal, refused, true

# --- the inputs -----------------------------------------------------------------------------------------------------

FIRST = ["Ada", "Béla", "Chloé", "Dana", "Emil", "Fatma", "Gita", "Hugo", "Ines", "Jörg", "Kofi", "Lena", "Milan"]
LAST = ["Abt", "Brandt", "Conti", "Dubois", "Eriksen", "Fuchs", "García", "Horák", "Iyer", "Jensen", "Kaya", "Lindqvist",
        "Müller", "Novak", "Okafor"]  # fmt: skip
FIRMS = ["Northwind", "Alpine Tools", "Kessler & Sohn", "Blue Harbour", "Tessera", "Quantum Press", "Orchard Foods",
         "Ørsted Lager", "Pine Street", "Redstone", "Silver Line", "Vega Optics"]  # fmt: skip
HEADER = ["First name", "Last name", "Company", "Email", "Phone", "City", "Owner"]
OPEN = {"Lead": 10, "Qualified": 25, "Proposal": 50, "Negotiation": 75}
STAGES = list(OPEN)
DIGITS = {"CHF": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3, "USD": 2}
# What counts today; of dollars there is an older rate and one that does not count yet. Nobody says what a franc is worth.
RATES = {"USD": "0.9204", "GBP": "1.1837", "JPY": "0.006123", "KWD": "2.9951"}
OTHER_DOLLARS = "7.77"
OLDER_SINCE = timedelta(days=30)
CURRENCIES = ["EUR", "USD", "JPY", "GBP", "CHF", "KWD"]


def person(number):
    """A row of the file: every seventh has no address, every third no telephone, none has neither."""
    first, last = FIRST[number % len(FIRST)], LAST[number // len(FIRST)]
    owner = {0: "Mia Vogel", 1: "Jonas Falk"}.get(number % 20, "")
    return {
        "First name": first,
        "Last name": last,
        "Company": FIRMS[number % len(FIRMS)],
        "Email": "" if number % 7 == 0 else f"p{number}@import.example",
        "Phone": "" if number % 3 == 0 and number % 7 else f"+1 415 {200 + number} {4000 + number}",
        "City": ["Bonn", "Graz", "Lyon"][number % 3],
        "Owner": owner,
    }


def row(**cells):
    return {name: "" for name in HEADER} | {"First name": "Second", **{name.replace("_", " "): cells[name] for name in cells}}


# Whom the firm knows before the file comes.
KNOWN = [
    {"first_name": "Olga", "last_name": "Petrov", "company": "Redstone", "emails": ["olga@known.example"]},
    {"first_name": "Nils", "last_name": "Berg", "emails": ["nils@known.example"]},
    {"first_name": "Aya", "last_name": "Sato", "emails": ["aya@known.example"], "phones": ["+1 415 700 5001"]},
    {"first_name": "Tom", "last_name": "Reed", "phones": ["+1 415 700 5002"]},
    {"first_name": "Eva", "last_name": "Stein", "phones": ["+1 (415) 700-5003"]},
    {"first_name": "José", "last_name": "Núñez", "company": "Vega Optics", "emails": ["jose@known.example"]},
    {"first_name": "Lara", "last_name": "Weiß", "company": "Kessler & Sohn"},
    {"first_name": "Uwe", "last_name": "Unique", "emails": ["uwe@known.example"]},
]

# After which row of the file a duplicate stands, and what it says: of whom the firm knows, then of rows before it.
DUPLICATES = [
    (3, row(Last_name="One", Email="OLGA@known.example")),
    (10, row(Last_name="Two", Email=" nils@KNOWN.example ")),
    (20, row(Last_name="Three", Email="aya@known.example", Phone="+1 415 700 6001")),
    (30, row(Last_name="Four", Phone="+1 (415) 700-5002")),
    (40, row(Last_name="Five", Phone="+1.415.700.5003")),
    (50, row(First_name="Jose", Last_name="NUNEZ", Company="vega  optics")),
    (60, row(First_name="LARA", Last_name="weiß", Company="KESSLER & SOHN")),
    (70, row(Last_name="Eight", Email="P1@Import.Example")),
    (80, row(Last_name="Nine", Email="p22@import.example")),
    (90, row(Last_name="Ten", Email="p74@import.example", City="Oslo")),
    (100, row(Last_name="Eleven", Phone="+1-415-207-4007")),
    (110, row(Last_name="Twelve", Phone="+14152084008")),
    (120, row(Last_name="Thirteen", Phone="+1 415 2104010")),
    (130, row(First_name="ADA", Last_name="abt", Company="NORTHWIND")),
    (184, row(First_name="Bela", Last_name="Brandt", Company="Kessler &  sohn")),
]


def rows():
    """The 200 rows of the file."""
    after = dict(DUPLICATES)
    for number in range(185):
        yield person(number)
        if number in after:
            yield after[number]


# --- the second computation -----------------------------------------------------------------------------------------


def folded(text):
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(bare.casefold().split())


def digits(phone):
    return "+" + "".join(c for c in phone if c.isdigit())


def marks(name, company, email, phone):
    """What tells that two contacts are one person."""
    found = set()
    if email.strip():
        found.add(("email", email.strip().lower()))
    if phone:
        found.add(("phone", digits(phone)))
    if company:
        found.add(("name", folded(name), folded(company)))
    return found


def imported():
    """The rows that make a contact, and how many do not."""
    seen = set()
    for known in KNOWN:
        name = f"{known['first_name']} {known['last_name']}"
        email, phone = known.get("emails", [""])[0], known.get("phones", [""])[0]
        seen |= marks(name, known.get("company", ""), email, phone)
    made, skipped = [], 0
    for cells in rows():
        own = marks(f"{cells['First name']} {cells['Last name']}", cells["Company"], cells["Email"], cells["Phone"])
        if own & seen:
            skipped += 1
        else:
            made.append(cells)
            seen |= own
    return made, skipped


def money(value, currency):
    return str(value.quantize(Decimal(1).scaleb(-DIGITS[currency]), ROUND_HALF_UP))


def rate(deal, today):
    """What the deal's currency is worth in euros on its day: the one on which it was closed, today while it is open."""
    currency, day = deal["currency"], deal["closed"] if deal["status"] != "open" else today
    if currency == "EUR":
        return Decimal(1)
    if day >= today:
        return Decimal(RATES.get(currency, 0))
    return Decimal(OTHER_DOLLARS if currency == "USD" and day >= today - OLDER_SINCE else 0)


def values(deals, today):
    """How many deals, and what they are worth: per currency, and in euros where a rate is known."""
    answer = {"count": len(deals)}
    base = {"amount": Decimal(0), "weighted": Decimal(0)}
    per = []
    for currency in sorted({deal["currency"] for deal in deals}):
        own = [deal for deal in deals if deal["currency"] == currency]
        amount = sum((deal["amount"] for deal in own), Decimal(0))
        weighted = sum((deal["amount"] * percent(deal) / 100 for deal in own), Decimal(0))
        per.append({"currency": currency, "count": len(own), "amount": money(amount, currency),
                    "weighted": money(weighted, currency)})  # fmt: skip
        base["amount"] += sum(deal["amount"] * rate(deal, today) for deal in own)
        base["weighted"] += sum(deal["amount"] * percent(deal) / 100 * rate(deal, today) for deal in own)
    if per:
        answer["values"] = per
    return answer | {f"base_{name}": money(value, "EUR") for name, value in base.items()}


def percent(deal):
    if deal["status"] != "open":
        return {"won": 100, "lost": 0}[deal["status"]]
    return OPEN[deal["stage"]] if deal["probability"] is None else deal["probability"]


# --- the day --------------------------------------------------------------------------------------------------------


class Day:
    """What the firm should hold by now, and the steps that bring it there."""

    def __init__(self, firm, check, client, actor):
        self.firm, self.check, self.client, self.actor = firm, check, client, actor
        self.owners = {}  # contact to member
        self.deals, self.activities = [], []
        self.written = Counter()  # records that calls of this client wrote, per tool

    async def write(self, tool, arguments, records=1):
        answer = await self.client.call(tool, arguments)
        data(answer)
        self.written[tool] += records
        return answer[1]

    async def read(self, tool, arguments=None):
        return data(await self.client.call(tool, arguments or {}))

    async def steps(self):
        await self.opens()
        await self.imports()
        await self.sells()
        await self.calls()
        await self.closes()
        await self.looks_at_figures()
        await self.hands_over()
        await self.audits()

    async def opens(self):
        with self.check("knows the firm, its day and its people"):
            workspace = await self.read("get_workspace")
            equal(workspace["today"], str(self.firm.today))
            equal(workspace["currency"], "EUR")
            self.me = workspace["me"]["member"]
            people = {row["name"]: row["id"] for row in await pages(self.client, "list_team_members", {})}
            equal(set(people), {"Owner", "Mia Vogel", "Jonas Falk"})
            self.mia, self.jonas = people["Mia Vogel"], people["Jonas Falk"]
        with self.check("has the stages of a fresh pipeline"):
            stages = (await self.read("list_pipeline_stages"))[0]["stages"]
            equal({stage["name"]: stage["probability"] for stage in stages if stage["kind"] == "open"}, OPEN)
        with self.check("creates companies and the first contacts"):
            self.companies = [(await self.write("create_company", {"name": name}))["data"]["id"] for name in FIRMS]
            for known in KNOWN:
                contact = (await self.write("create_contact", known))["data"]
                self.owners[contact["id"]] = None

    async def imports(self):
        made, skipped = imported()
        with self.check("imports 200 contacts while the server runs, 15 of them known"):
            equal((len(made), skipped), (185, 15))
            file = self.firm.folder / "contacts.csv"
            with open(file, "w", newline="") as out:
                writer = csv.DictWriter(out, HEADER)
                writer.writeheader()
                writer.writerows(rows())
            done = self.firm.json("import", "contacts", str(file), "--yes")
            equal({name: done[name] for name in ("created", "updated", "skipped", "rejected")},
                  {"created": len(made), "updated": 0, "skipped": skipped, "rejected": 0})  # fmt: skip
            self.imported = done["change"]
        with self.check("finds exactly those, each with its owner"):
            owners = {"": None, "Mia Vogel": self.mia, "Jonas Falk": self.jonas}
            expected = Counter(
                (f"{cells['First name']} {cells['Last name']}", cells["Company"], cells["Email"] or None,
                 digits(cells["Phone"]) if cells["Phone"] else None, cells["City"], owners[cells["Owner"]])
                for cells in made
            )  # fmt: skip
            found = await pages(self.client, "search_contacts", {"sort": "created_at"})
            fresh = [contact for contact in found if contact["id"] not in self.owners]
            shown = ("name", "company", "email", "phone", "city")
            owner_of = {contact["id"]: contact.get("owner", {}).get("id") for contact in fresh}
            fresh_ones = Counter((*map(contact.get, shown), owner_of[contact["id"]]) for contact in fresh)
            equal((fresh_ones - expected, expected - fresh_ones), (Counter(), Counter()))
            equal(len(found), len(KNOWN) + len(made))
            self.fresh = [contact["id"] for contact in fresh]
            self.owners |= owner_of
            self.northwind = next(contact["id"] for contact in fresh if contact["company"] == FIRMS[0])
            contact = await self.read("get_contact", {"contact": self.northwind})
            equal(contact["company_id"]["id"], self.companies[0])

    async def sells(self):
        with self.check("creates 24 deals in six currencies"):
            for number in range(24):
                currency = CURRENCIES[number % len(CURRENCIES)]
                amount = Decimal(1000 + 1370 * number) + Decimal(number * 177 % 1000) / 1000
                deal = {
                    "name": f"Deal {number}",
                    "amount": Decimal(money(amount, currency)),
                    "currency": currency,
                    "company": self.companies[number % len(self.companies)],
                    "owner": [self.mia, self.jonas, None][number % 3],
                    "probability": 35 if number % 8 == 5 else None,
                    "expected_close": self.firm.today + timedelta(days=number * 10 - 35),
                }
                given = {name: str(value) if name in ("amount", "expected_close") else value
                         for name, value in deal.items() if value is not None}  # fmt: skip
                made = (await self.write("create_deal", given))["data"]
                equal(made["amount"], money(deal["amount"], currency))
                equal(made["stage"]["name"], "Lead")
                self.deals.append(deal | {"id": made["id"], "status": "open", "stage": "Lead", "stages": ["Lead"]})
        with self.check("moves them through the stages, one by one"):
            for number, deal in enumerate(self.deals):
                for stage in STAGES[1 : 1 + number % 4]:
                    moved = (await self.write("update_deal", {"deal": deal["id"], "stage": stage}))["data"]
                    deal["stage"] = stage
                    deal["stages"].append(stage)
                    equal(moved["stage"]["name"], stage)
                    equal(moved["probability"], percent(deal))
        with self.check("lists them by what they are worth"):
            expected = sorted((deal for deal in self.deals if deal["amount"] >= 15000), key=lambda deal: -deal["amount"])
            found = await pages(self.client, "list_deals", {"min_amount": "15000", "sort": "amount", "descending": True})
            equal([deal["id"] for deal in found], [deal["id"] for deal in expected])
            found = await pages(self.client, "list_deals", {"owner": self.mia, "stage": "negotiation"})
            mine = {deal["id"] for deal in self.deals if (deal["owner"], deal["stage"]) == (self.mia, "Negotiation")}
            equal({deal["id"] for deal in found}, mine)

    def plans(self, id, due, assignee, done=None):
        """Notes an activity: when it is due and was done, as days from today, `None` for never."""
        self.activities.append({"id": id, "due": due, "assignee": assignee, "done": done})
        return self.activities[-1]

    def day(self, days):
        return str(self.firm.today + timedelta(days=days))

    async def calls(self):
        follow_ups = [-3, 0, 1, 2, 7, 8, 30, None]
        with self.check("plans calls, completes them and plans what follows"):
            for number, due in enumerate(follow_ups):
                deal = self.deals[number]
                assignee = [self.me, self.mia][number % 2]
                call = {"type": "call", "subject": f"Call {number}", "deal": deal["id"], "due_at": self.day(-1),
                        "assignee": assignee}  # fmt: skip
                call = self.plans((await self.write("create_activity", call))["data"]["id"], -1, assignee)
                given = {"activity": call["id"], "outcome": f"Wants offer {number}", "follow_up": f"Send offer {number}",
                         "follow_up_type": "task"}  # fmt: skip
                if due is not None:
                    given["follow_up_due"] = self.day(due)
                done = (await self.write("complete_activity", given, records=2))["data"]
                equal((done["status"], done["outcome"]), ("done", f"Wants offer {number}"))
                call["done"] = 0
                follow_up = done["follow_up"]
                equal(follow_up["status"], "overdue" if due == -3 else "pending")
                equal((follow_up["type"], follow_up["deal"]["id"]), ("task", deal["id"]))
                equal(follow_up["company"]["id"], deal["company"])
                self.plans(follow_up["id"], due, assignee)
        with self.check("logs calls that were made, today and long ago"):
            for then in (None, None, -70):
                call = {"type": "call", "subject": "Talked", "contact": self.northwind, "done": True,
                        "outcome": "Thinks it over"}  # fmt: skip
                if then:
                    call["due_at"] = self.day(then)
                made = (await self.write("create_activity", call))["data"]
                equal(made["company"]["id"], self.companies[0])
                self.plans(made["id"], then, self.me, done=then or 0)
            late = {"type": "task", "subject": "Long forgotten", "due_at": self.day(-100), "assignee": self.jonas}
            self.plans((await self.write("create_activity", late))["data"]["id"], -100, self.jonas)
        with self.check("lists what is overdue and what is pending"):
            order = lambda activity: 10**6 if activity["due"] is None else activity["due"]  # noqa: E731
            open_ones = sorted((one for one in self.activities if one["done"] is None), key=order)
            late = [one["id"] for one in open_ones if order(one) < 0]
            equal(len(late), 2)
            found = await pages(self.client, "list_activities", {"status": "overdue"})
            equal([one["id"] for one in found], late)
            found = await pages(self.client, "list_activities", {"status": "pending"})
            equal([one["id"] for one in found], [one["id"] for one in open_ones])
            found = await pages(self.client, "list_activities", {"status": "pending", "assignee": "me"})
            equal([one["id"] for one in found], [one["id"] for one in open_ones if one["assignee"] == self.me])

    async def closes(self):
        def close(deal, status, day):
            deal |= {"status": status, "closed": day}
            deal["stages"].append({"won": "Won", "lost": "Lost"}[status])

        with self.check("wins two, one of them last month"):
            first, second, third = self.deals[3], self.deals[7], self.deals[11]
            won = (await self.write("update_deal", {"deal": first["id"], "status": "won"}))["data"]
            equal((won["stage"]["name"], won["closed_on"], won["probability"]), ("Won", str(self.firm.today), 100))
            close(first, "won", self.firm.today)
            before = self.firm.today.replace(day=1) - timedelta(days=1)
            given = {"deal": second["id"], "stage": "Won", "closed_on": str(before)}
            won = (await self.write("update_deal", given))["data"]
            equal((won["status"], won["closed_on"]), ("won", str(before)))
            close(second, "won", before)
        with self.check("loses one, and has to say why"):
            answer = await self.client.call("update_deal", {"deal": third["id"], "status": "lost"})
            refused(answer, "VALIDATION_ERROR", 400)
            equal(answer[1]["error"]["field"], "lost_reason")
            given = {"deal": third["id"], "status": "lost", "lost_reason": "Too dear"}
            lost = (await self.write("update_deal", given))["data"]
            equal((lost["stage"]["name"], lost["lost_reason"]), ("Lost", "Too dear"))
            close(third, "lost", self.firm.today)
        with self.check("keeps every stage that a deal came to"):
            for deal in self.deals:
                stages = (await self.read("get_deal", {"deal": deal["id"]}))["stages"]
                equal([entry["stage"]["name"] for entry in stages], deal["stages"])

    # The figures.

    def of(self, owner):
        return [deal for deal in self.deals if owner in (None, deal["owner"])]

    def stages(self, owner):
        """The open deals by stage, and all together."""
        today = self.firm.today
        opened = [deal for deal in self.of(owner) if deal["status"] == "open"]
        stages = [
            {"stage": stage, "probability": OPEN[stage]} | values([deal for deal in opened if deal["stage"] == stage], today)
            for stage in STAGES
        ]
        return stages, values(opened, today)

    def figures(self, answer, owner):
        """Whether the part by stages is what it should be."""
        stages, total = self.stages(owner)
        found = [stage | {"stage": stage["stage"]["name"]} for stage in answer["stages"]]
        equal(found, stages)
        equal(answer["total"], total)

    async def summary_holds(self, owner=None):
        answer = await self.read("get_pipeline_summary", {"owner": owner} if owner else {})
        self.figures(answer, owner)
        equal((answer["as_of"], answer["base_currency"]), (str(self.firm.today), "EUR"))
        foreign = sorted({deal["currency"] for deal in self.of(owner) if deal["status"] == "open"} - {"EUR"})
        rates = {rate["currency"]: (rate["rate"], rate["source"]) for rate in answer.get("rates", [])}
        known = {currency: (RATES[currency], "the bank") for currency in foreign if currency in RATES}
        equal(rates, known)
        equal(answer.get("without_rate", []), [currency for currency in foreign if currency not in RATES])

    async def dashboard_holds(self, owner=None, since=None):
        arguments = {name: value for name, value in (("owner", owner), ("since", since and str(since))) if value}
        answer = await self.read("get_crm_dashboard", arguments)
        today = self.firm.today
        since = since or today.replace(day=1)
        equal((answer["since"], answer["base_currency"]), (str(since), "EUR"))
        contacts = sum(owner in (None, member) for member in self.owners.values())
        new = since <= today
        equal(answer["contacts"], {"total": contacts, "new": contacts * new})
        companies = 0 if owner else len(FIRMS)
        equal(answer["companies"], {"total": companies, "new": companies * new})
        closed = {
            status: [deal for deal in self.of(owner) if deal["status"] == status and deal["closed"] >= since]
            for status in ("won", "lost")
        }
        opened = [deal for deal in self.of(owner) if deal["status"] == "open"]
        expected = {name: values(deals, today) for name, deals in {"open": opened, **closed}.items()}
        decided = len(closed["won"]) + len(closed["lost"])
        if decided:
            won = Decimal(100 * len(closed["won"])) / decided
            expected["win_rate"] = str(won.quantize(Decimal("0.1"), ROUND_HALF_UP))
        expected["past_expected_close"] = sum(deal["expected_close"] < today for deal in opened)
        equal(answer["deals"], expected | {"rotting": 0})
        own = [one for one in self.activities if owner in (None, one["assignee"])]
        due = [one["due"] for one in own if one["done"] is None and one["due"] is not None]
        done = [one["done"] for one in own if one["done"] is not None]
        equal(answer["activities"], {
            "overdue": sum(day < 0 for day in due),
            "due_today": due.count(0),
            "due_next_7_days": sum(1 <= day <= 7 for day in due),
            "done": sum(today + timedelta(days=day) >= since for day in done),
        })  # fmt: skip
        self.figures(answer["pipelines"][0], owner)

    async def looks_at_figures(self):
        with self.check("the pipeline summary is right, for all and for each owner"):
            for owner in (None, self.mia, self.jonas, self.me):
                await self.summary_holds(owner)
        with self.check("the dashboard is right, for all and for each owner"):
            for owner in (None, self.mia, self.jonas, self.me):
                await self.dashboard_holds(owner)
        with self.check("the dashboard is right since other days"):
            for days in (-100, 0, 1):
                await self.dashboard_holds(since=self.firm.today + timedelta(days=days))
            await self.dashboard_holds(self.jonas, self.firm.today - timedelta(days=100))

    async def owners_are(self, what):
        with self.check(what):
            contacts = await pages(self.client, "search_contacts", {"sort": "created_at"})
            owners = {contact["id"]: contact["owner"]["id"] if "owner" in contact else None for contact in contacts}
            equal(owners, self.owners)
            deals = await pages(self.client, "list_deals", {})
            owners = {deal["id"]: deal["owner"]["id"] if "owner" in deal else None for deal in deals}
            equal(owners, {deal["id"]: deal["owner"] for deal in self.deals})
            for owner in (None, self.mia, self.jonas):
                await self.summary_holds(owner)
                await self.dashboard_holds(owner)

    async def hands_over(self):
        contacts, deals = self.fresh[:120], [deal for deal in self.deals if deal["owner"] != self.mia]
        before = dict(self.owners), {deal["id"]: deal["owner"] for deal in deals}
        with self.check("gives 120 contacts and two thirds of the deals to others in one call each"):
            unchanged = sum(self.owners[contact] == self.jonas for contact in contacts)
            true(unchanged > 0, "some are his already")
            given = {"contacts": contacts, "owner": self.jonas}
            bulk = await self.write("bulk_update_contacts", given, records=len(contacts) - unchanged)
            equal(bulk["data"], {"updated": len(contacts) - unchanged, "unchanged": unchanged})
            self.bulk = bulk["change"]
            self.changed = {contact for contact in contacts if self.owners[contact] != self.jonas}
            self.owners |= dict.fromkeys(contacts, self.jonas)
            given = {"deals": [deal["id"] for deal in deals], "owner": self.mia}
            bulk_deals = await self.write("bulk_update_deals", given, records=len(deals))
            equal(bulk_deals["data"], {"updated": len(deals), "unchanged": 0})
            for deal in deals:
                deal["owner"] = self.mia
        await self.owners_are("every figure follows the new owners")
        with self.check("takes both back"):
            for change, count in ((self.bulk, len(self.changed)), (bulk_deals["change"], len(deals))):
                undone = await self.write("undo_change", {"change": change}, records=count)
                equal(undone["data"]["undone"], [change])
                equal(len({record["id"] for record in undone["data"]["records"]}), count)
                if change == self.bulk:
                    self.undo = undone["change"]
            self.owners = before[0]
            for deal in deals:
                deal["owner"] = before[1][deal["id"]]
        await self.owners_are("every figure is as it was before")
        with self.check("is refused to take it back again"):
            refused(await self.client.call("undo_change", {"change": self.bulk}), "CONFLICT", 409)

    async def audits(self):
        log = lambda **arguments: pages(self.client, "get_audit_log", arguments)  # noqa: E731
        with self.check("finds the import in the audit log, a row for each contact"):
            entries = await log(tool="import_contacts")
            equal({(entry["id"], entry["action"], entry["record_type"]) for entry in entries},
                  {(self.imported, "create", "contact")})  # fmt: skip
            equal(sorted(entry["record"]["id"] for entry in entries), sorted(self.fresh))
            equal(len(await log(record=self.imported)), len(self.fresh))
        with self.check("finds the bulk change and what took it back"):
            entries = await log(tool="bulk_update_contacts", action="update", details=True)
            equal({entry["record"]["id"] for entry in entries}, self.changed)
            equal({(entry["id"], tuple(entry["fields"]), entry["after"]["owner"]["id"]) for entry in entries},
                  {(self.bulk, ("owner",), self.jonas)})  # fmt: skip
            equal({entry["record"]["id"]: (entry.get("before", {}).get("owner") or {}).get("id") for entry in entries},
                  {contact: self.owners[contact] for contact in self.changed})  # fmt: skip
            entries = [entry for entry in await log(tool="undo_change") if entry["undoes"] == self.bulk]
            equal({entry["record"]["id"] for entry in entries}, self.changed)
            equal({entry["id"] for entry in entries}, {self.undo})
        with self.check("finds all of the day by who did it"):
            entries = await log(actor=self.actor or self.me, **{"from": "today", "to": "today"})
            # The command line acts for the owner too, and a fresh firm is provisioned in the owner's name.
            by_tool = Counter(entry["tool"] for entry in entries if entry["tool"] not in ("bureau", "import_contacts"))
            equal(by_tool, self.written)
            names = {(entry["actor"]["member"]["id"], entry["actor"].get("key", {}).get("id")) for entry in entries if entry["tool"] in by_tool}
            equal(names, {(self.me, self.actor)})
            equal(await log(to="yesterday"), [])
            equal(await log(actor=self.mia), [])
        with self.check("finds the story of one deal"):
            deal = self.deals[3]
            entries = await log(record=deal["id"])
            # Deal 3 went through three stages and was won, and it was Mia's: the bulk change left it alone.
            equal([entry["tool"] for entry in entries], ["update_deal"] * 4 + ["create_deal"])
            equal([entry["version"] for entry in entries], [5, 4, 3, 2, 1])
        with self.check("a doctor finds nothing wrong"):
            equal(self.firm.json("doctor")["ok"], True)


def opened(binary, folder, name):
    """A firm where it is about noon, so that no midnight falls into the test, with its people and rates."""
    firm = Firm(binary, folder, name)
    now = datetime.now(timezone.utc)
    ahead = 12 - now.hour
    firm.today = (now + timedelta(hours=ahead)).date()
    firm.cli("workspace", "update", "--time-zone", f"Etc/GMT{-ahead:+d}" if ahead else "UTC", "--currency", "EUR")
    for person, address in (("Mia Vogel", "mia@firm.example"), ("Jonas Falk", "jonas@firm.example")):
        firm.json("member", "add", person, "--email", address)
    for currency, rate in RATES.items():
        firm.cli("workspace", "rate", "set", currency, rate, "--day", str(firm.today), "--source", "the bank")
    for day in (firm.today - OLDER_SINCE, firm.today + timedelta(days=1)):
        firm.cli("workspace", "rate", "set", "USD", OTHER_DOLLARS, "--day", str(day))
    return firm


async def main(binary, folder):
    held = True
    for transport in ("stdio", "http"):
        firm = opened(binary, folder, f"day-{transport}")
        with ExitStack() as stack:
            features = "--features=default,history"
            if transport == "stdio":
                target, actor = firm.stdio(features), None
            else:
                key, actor = firm.key("--name", "sales lead", "--preset", "full")
                target = over_http(stack.enter_context(firm.serving(features)), key)
            run = Run(f"a day of a sales lead over {transport}")
            held &= await run.holds(
                connect("modern", target, None),
                lambda check, client, firm=firm, actor=actor: Day(firm, check, client, actor).steps(),
            )
    return held


if __name__ == "__main__":
    sys.exit(not asyncio.run(main(sys.argv[1], sys.argv[2])))
