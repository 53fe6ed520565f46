"""The three configurations of the README, each with a client of the SDK: what is shown, what works, what is refused."""

import asyncio
import json
import sqlite3
import sys
from contextlib import closing

from current import connect
from firm import Firm, over_http
from scenario import Person, Run, Target, data, equal, refused, true

READS = ["find_duplicate_contacts", "get_activity", "get_ai_suggestions", "get_audit_log", "get_candidate",
         "get_company", "get_contact", "get_crm_dashboard", "get_deal", "get_document", "get_expense",
         "get_expense_summary", "get_invoice", "get_invoice_aging", "get_invoice_stats", "get_job",
         "get_pipeline_analytics", "get_pipeline_summary", "get_product", "get_project", "get_quotation",
         "get_quotation_stats", "get_recruiting_metrics", "get_recurring_invoice", "get_revenue_metrics",
         "get_sales_forecast", "get_support_metrics", "get_task", "get_tax_summary", "get_ticket", "get_user",
         "get_workspace", "list_activities", "list_applications", "list_candidates", "list_changes", "list_deals",
         "list_expenses", "list_invoices", "list_jobs", "list_knowledge_base", "list_payments",
         "list_pipeline_stages", "list_products", "list_projects", "list_quotations", "list_recurring_invoices",
         "list_tasks", "list_team_members", "list_teams", "list_tickets", "search_all", "search_companies",
         "search_contacts", "search_knowledge_base"]  # fmt: skip
WRITES = ["acknowledge_suggestion", "anonymize_candidate", "bulk_update_activities", "bulk_update_contacts",
          "bulk_update_deals", "complete_activity", "convert_quotation", "create_activity", "create_application",
          "create_candidate", "create_company", "create_contact", "create_credit_note", "create_deal",
          "create_document", "create_expense", "create_interview", "create_invoice", "create_job", "create_offer",
          "create_pipeline", "create_product", "create_project", "create_quotation", "create_recurring_invoice",
          "create_scorecard", "create_task", "create_ticket", "create_ticket_message", "delete_activity",
          "delete_company", "delete_contact", "delete_deal", "delete_document", "delete_expense", "delete_project",
          "delete_task", "issue_invoice", "merge_candidates", "merge_companies", "merge_contacts", "merge_tickets",
          "record_payment", "send_quotation", "undo_change", "update_activity", "update_application_status",
          "update_candidate", "update_company", "update_contact", "update_deal", "update_document", "update_expense",
          "update_folder", "update_invoice", "update_job", "update_offer", "update_pipeline", "update_product",
          "update_project", "update_quotation", "update_quotation_status", "update_recurring_invoice", "update_task",
          "update_ticket"]  # fmt: skip
# What `bureau install` turns on beside the groups that are on by default.
INSTALLED = ["define_attribute", "export_data", "import_data", "update_member", "update_recruiting_settings",
             "update_ticket_settings", "update_time_settings",
             "update_workspace"]  # fmt: skip
NARROW = ["create_deal", "find_duplicate_contacts", "get_contact", "get_deal", "get_pipeline_summary", "list_deals",
          "search_contacts", "update_deal"]  # fmt: skip


async def names(client):
    return sorted(name for name, _ in await client.tools())


def content(firm, whole):
    """All that the database holds; or without what a server notes of its own: when a key was used, and its own number."""
    with closing(sqlite3.connect(f"file:{firm.file}?mode=ro", uri=True)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        held = {}
        for table in tables:
            if table == "counter" and not whole:
                continue
            columns = [column[1] for column in database.execute(f'PRAGMA table_info("{table}")')]
            kept = ", ".join(f'"{column}"' for column in columns if whole or column != "last_used_at")
            held[table] = sorted(database.execute(f'SELECT {kept} FROM "{table}"'), key=repr)
        return held


def furnished(binary, folder, name):
    """A firm that has a contact and a deal."""
    firm = Firm(binary, folder, name)
    ada = json.loads(firm.cli("call", "create_contact", '{"name": "Ada King", "emails": ["ada@engine.example"]}'))
    deal = json.loads(firm.cli("call", "create_deal", '{"name": "Engine", "amount": "1200.50", "currency": "EUR"}'))
    return firm, ada["data"]["id"], deal["data"]["id"]


# --- an agent developer ---------------------------------------------------------------------------------------------


def developer(ada, deal):
    async def steps(check, client):
        with check("shows exactly the tools of the groups that the key permits"):
            equal(await names(client), NARROW)
        with check("reads what it may read"):
            equal(data(await client.call("get_contact", {"contact": ada}))["name"], "Ada King")
            equal(data(await client.call("get_pipeline_summary", {}))["total"]["base_amount"], "1200.50")
        with check("writes what it may write"):
            made = data(await client.call("create_deal", {"name": "Second engine", "contact": ada}))
            data(await client.call("update_deal", {"deal": deal, "stage": "Proposal"}))
            found = data(await client.call("list_deals", {"stage": "Lead"}))
            equal([row["id"] for row in found], [made["id"]])
        with check("does not know what it may not, in its groups and outside of them"):
            for tool, arguments in (
                ("create_contact", {"name": "Nobody"}),
                ("delete_deal", {"deal": deal, "confirm": True}),
                ("list_activities", {}),
                ("get_audit_log", {}),
            ):
                refused(await client.call(tool, arguments), "RESOURCE_NOT_FOUND", 404)

    return steps


# --- an autonomous agent --------------------------------------------------------------------------------------------


def autonomous(firm, ada, deal, whole):
    async def steps(check, client):
        before = content(firm, whole)
        true(before["contact"] and before["change_log"], "there is something to leave alone")
        with check("shows every tool that reads, and none that writes"):
            equal(await names(client), READS)
        with check("reads"):
            equal(data(await client.call("search_contacts", {"query": "ada"}))[0]["id"], ada)
            equal(data(await client.call("get_deal", {"deal": deal}))["amount"], "1200.50")
            equal(data(await client.call("get_crm_dashboard", {}))["deals"]["open"]["base_amount"], "1200.50")
            true(data(await client.call("get_audit_log", {})), "the log is not empty")
        with check("is refused every tool that writes"):
            for tool in WRITES:
                failed, body = await client.call(tool, {"name": "Nobody", "contact": ada, "deal": deal, "confirm": True})
                true(failed, f"{tool} was not refused: {body}")
                true(body["error"]["code"] in ("READ_ONLY", "RESOURCE_NOT_FOUND"), f"{tool}: {body}")
        with check("leaves the database as it was"):
            after = content(firm, whole)
            equal({table for table in before if after[table] != before[table]}, set())

    return steps


# --- the owner ------------------------------------------------------------------------------------------------------


def confirmed(someone):
    """With a client that can ask its person, the person is asked; otherwise the second call brings the token."""

    async def steps(check, client):
        with check("shows every tool of the default groups"):
            equal(await names(client), sorted(READS + WRITES + INSTALLED))
        with check("keeps a contact"):
            ada = data(await client.call("create_contact", {"name": "Ada King"}))["id"]
            equal(data(await client.call("search_contacts", {"query": "ada"}))[0]["id"], ada)
        with check("asks before it deletes"):
            if someone:
                someone.reply = ("decline", None)
                failed, body = await client.call("delete_contact", {"contact": ada})
                true(failed, f"not refused: {body}")
                someone.reply = ("accept", {"confirm": True})
                data(await client.call("delete_contact", {"contact": ada}))
                equal(len(someone.asked), 2)
            else:
                answer = await client.call("delete_contact", {"contact": ada})
                refused(answer, "CONFIRMATION_REQUIRED", 400)
                equal(data(await client.call("get_contact", {"contact": ada}))["id"], ada)
                token = answer[1]["error"]["confirm_token"]
                data(await client.call("delete_contact", {"contact": ada, "confirm_token": token}))
        with check("and has deleted then"):
            refused(await client.call("get_contact", {"contact": ada}), "RESOURCE_NOT_FOUND", 404)

    return steps


def installed(firm, *options):
    """What the desktop client will start: the entry in its file, and nothing else."""
    file = firm.folder / "claude_desktop_config.json"
    file.write_text('{ "theme": "dark" }\n')
    firm.cli("install", "claude-desktop", "--config-file", str(file), "--yes", *options)
    configuration = json.loads(file.read_text())
    equal(configuration["theme"], "dark")
    equal(list(configuration["mcpServers"]), ["bureau"])
    entry = configuration["mcpServers"]["bureau"]
    return Target(command=entry["command"], args=entry.get("args", []), env=entry.get("env", {}))


async def main(binary, folder):
    held = True

    firm, ada, deal = furnished(binary, folder, "developer")
    key, _ = firm.key("--name", "sales agent", "--permissions=contacts:read,deals:read,deals:write")
    target = firm.stdio("--features=contacts,deals", BUREAU_API_KEY=key)
    held &= await Run("an agent developer's configuration").holds(connect("modern", target, None), developer(ada, deal))

    firm, ada, deal = furnished(binary, folder, "autonomous")
    key, _ = firm.key("--name", "night watch", "--preset", "read-only")
    for name, target in (("", firm.stdio("--read-only")), (" with a key", firm.stdio("--read-only", BUREAU_API_KEY=key))):
        run = Run(f"an autonomous agent's configuration{name}")
        held &= await run.holds(connect("modern", target, None), autonomous(firm, ada, deal, whole=True))
    with firm.serving() as url:
        run = Run("an autonomous agent's configuration over http")
        target = over_http(url, key)
        held &= await run.holds(connect("modern", target, None), autonomous(firm, ada, deal, whole=False))

    firm = Firm(binary, folder, "owner")
    target = installed(firm)
    for name, someone in (("", None), (" with elicitation", Person())):
        connection = connect("modern", target, someone and someone.answer)
        held &= await Run(f"an owner's configuration{name}").holds(connection, confirmed(someone))
    return held


if __name__ == "__main__":
    sys.exit(not asyncio.run(main(sys.argv[1], sys.argv[2])))
