"""A day of the owner of a small firm: from the offer to the last payment, over stdio and over HTTP with a key.

Every amount that Bureau answers is computed here a second time, from the inputs, with decimals.
"""

import asyncio
import sys
from contextlib import ExitStack
from datetime import datetime, timezone
from decimal import ROUND_HALF_UP, Decimal

from current import connect
from firm import Firm, over_http, pages
from scenario import Run, data, equal, refused, true

CENT = Decimal("0.01")
SELLER = ["--name", "Hafen Werke GmbH", "--street", "Kai 12", "--postal-code", "20457", "--city", "Hamburg", "--country", "DE",
          "--vat-id", "DE123456789", "--iban", "DE89370400440532013000", "--email", "billing@hafen.example",
          "--terms", "net 14"]  # fmt: skip
# Description, quantity, price, discount in percent, tax in percent.
LINES = [("Survey", "2.5", "119.95", "0", "19"), ("Handbook", "7", "24.99", "5", "7"), ("Licence", "3", "333.335", "0", "19")]


def rounded(value):
    return value.quantize(CENT, ROUND_HALF_UP)


def spread(whole, parts):
    """What each part bears of a whole, to the cent: the cents that are left over go to those that are owed most of one."""
    total = sum(parts.values())
    shares = {name: (whole * part / total).quantize(CENT, "ROUND_DOWN") for name, part in parts.items()}
    rest = {name: whole * part / total - shares[name] for name, part in parts.items()}
    for name in sorted(rest, key=rest.get, reverse=True)[: int((whole - sum(shares.values())) / CENT)]:
        shares[name] += CENT
    return shares


def computed(lines, discount="0"):
    """Nets of the lines, tax by rate, and the totals, as EN 16931 has them."""
    nets, taxes = [], {}
    for _, quantity, price, off, rate in lines:
        whole = Decimal(quantity) * Decimal(price)
        net = rounded(whole) - rounded(whole * Decimal(off) / 100)
        nets.append(net)
        taxes[rate] = taxes.get(rate, Decimal(0)) + net
    shares = spread(rounded(sum(nets) * Decimal(discount) / 100), taxes)
    taxed = {rate: net - shares[rate] for rate, net in taxes.items()}
    tax = {rate: rounded(net * Decimal(rate) / 100) for rate, net in taxed.items()}
    net = sum(taxed.values())
    return {"nets": nets, "taxed": taxed, "tax": tax, "net": net, "gross": net + sum(tax.values())}


def given(lines):
    return [
        {"description": what, "quantity": quantity, "unit_price": price, "tax_rate": rate}
        | ({"discount": f"{off}%"} if off != "0" else {})
        for what, quantity, price, off, rate in lines
    ]


class Day:
    def __init__(self, check, client):
        self.check = check
        self.client = client

    async def call(self, tool, arguments):
        return data(await self.client.call(tool, arguments))

    def totals(self, answer, expected):
        equal([line["net_total"] for line in answer["lines"]], [str(net) for net in expected["nets"]])
        summary = {row["rate"]: (row["taxable"], row["tax"]) for row in answer["tax_summary"]}
        equal(summary, {rate: (str(net), str(expected["tax"][rate])) for rate, net in expected["taxed"].items()})
        equal(answer["net_total"], str(expected["net"]))
        equal(answer["gross_total"], str(expected["gross"]))

    async def steps(self):
        today = str(datetime.now(timezone.utc).date())
        expected = computed(LINES, "2.5")
        with self.check("offers, with every amount as computed here"):
            firm = {"name": "Vögel & Cie", "street": "Rue 1", "postal_code": "75001", "city": "Paris", "country": "France"}
            company = (await self.call("create_company", firm))["id"]
            offer = {"title": "Survey of the harbour", "company": company, "lines": given(LINES), "discount": "2.5%"}
            quotation = await self.call("create_quotation", offer)
            self.totals(quotation, expected)
            quotation = quotation["id"]
        with self.check("sends the offer only when that is confirmed, and notes the customer's word"):
            refused(await self.client.call("send_quotation", {"quotation": quotation}), "CONFIRMATION_REQUIRED", 400)
            sent = await self.call("send_quotation", {"quotation": quotation, "confirm": True})
            equal(sent["status"], "sent")
            page = await self.client.blob(f"bureau://quotations/{quotation}/pdf")
            true(page.startswith(b"%PDF"), "the offer is a PDF")
            await self.call("update_quotation_status", {"quotation": quotation, "status": "accepted"})
        with self.check("makes the invoice of it, once, and line by line the same"):
            invoice = await self.call("convert_quotation", {"quotation": quotation})
            self.totals(invoice, expected)
            refused(await self.client.call("convert_quotation", {"quotation": quotation}), "CONFLICT", 409)
        with self.check("issues it when the question is answered with its token"):
            answer = await self.client.call("issue_invoice", {"invoice": invoice["id"]})
            refused(answer, "CONFIRMATION_REQUIRED", 400)
            error = answer[1]["error"]
            true(str(expected["gross"]) in error["summary"], f"the question names the amount: {error['summary']}")
            token = {"invoice": invoice["id"], "confirm_token": error["confirm_token"]}
            issued = await self.call("issue_invoice", token)
            equal((issued["status"], issued["issue_date"]), ("issued", today))
            equal(issued["balance_due"], str(expected["gross"]))
            answer = await self.client.call("update_invoice", {"invoice": invoice["id"], "notes": "Too late"})
            refused(answer, "CONFLICT", 409)
        with self.check("reads the page and the e-invoices as resources"):
            for form, start in (("pdf", b"%PDF"), ("facturx", b"%PDF"), ("ubl", b"<?xml"), ("cii", b"<?xml")):
                document = await self.client.blob(f"bureau://invoices/{invoice['id']}/{form}")
                true(document.startswith(start), f"{form} begins with {document[:8]}")
                if form in ("ubl", "cii"):
                    true(f">{expected['gross']}<".encode() in document, f"{form} names the total")
        with self.check("takes a part payment, refuses more than is open, and credits a line"):
            paid = Decimal("500.00")
            await self.call("record_payment", {"invoice": invoice["id"], "amount": str(paid), "method": "bank_transfer"})
            left = expected["gross"] - paid
            answer = await self.client.call("record_payment", {"invoice": invoice["id"], "amount": str(left + CENT)})
            refused(answer, "VALIDATION_ERROR", 400)
            equal(answer[1]["error"]["balance_due"], str(left))
            note = await self.call("create_credit_note", {"invoice": invoice["id"], "lines": [{"line": 2, "quantity": "7"}]})
            issued = await self.call("issue_invoice", {"invoice": note["id"], "confirm": True})
            # All of that rate is taken back, so exactly what it came to.
            credited = expected["taxed"]["7"] + expected["tax"]["7"]
            equal(issued["gross_total"], str(credited))
            left -= credited
            now = await self.call("get_invoice", {"invoice": invoice["number"] if "number" in invoice else invoice["id"]})
            equal((now["status"], now["balance_due"]), ("partly_paid", str(left)))
        with self.check("the figures add up"):
            stats = await self.call("get_invoice_stats", {})
            total = stats["totals"]["values"][0]
            equal(total["outstanding"], str(left))
            equal(total["paid"], str(paid))
            equal(total["gross"], str(expected["gross"] - credited))
            offers = await self.call("get_quotation_stats", {})
            equal(offers["acceptance"]["rate"], "100.0")
        with self.check("pays the rest, and what is final is not undone"):
            answer = await self.client.call("record_payment", {"invoice": invoice["id"]})
            equal(data(answer)["invoices"][0]["status"], "paid")
            refused(await self.client.call("undo_change", {"change": answer[1]["change"]}), "CONFLICT", 409)
            rows = await pages(self.client, "list_invoices", {"kind": "invoice"})
            equal([(row["status"], row["balance_due"]) for row in rows], [("paid", "0.00")])
        with self.check("notes what the day cost"):
            spent = {"description": "Train to Paris", "category": "travel", "amount": "189.90", "tax_amount": "12.42"}
            expense = await self.call("create_expense", spent)
            rows = await pages(self.client, "list_expenses", {"category": "Travel"})
            equal([row["id"] for row in rows], [expense["id"]])


async def main(binary, folder):
    held = True
    for transport in ("stdio", "http"):
        firm = Firm(binary, folder, f"money-{transport}")
        firm.cli("workspace", "seller", *SELLER)
        with ExitStack() as stack:
            features = "--features=default,history"
            if transport == "stdio":
                target = firm.stdio(features)
            else:
                key, _ = firm.key("--name", "owner", "--preset", "full")
                target = over_http(stack.enter_context(firm.serving(features)), key)
            run = Run(f"money over {transport}")
            held &= await run.holds(connect("modern", target, None), lambda check, client: Day(check, client).steps())
            with run.check("doctor finds the accounts in order"):
                firm.cli("doctor")
    return held


if __name__ == "__main__":
    sys.exit(not asyncio.run(main(sys.argv[1], sys.argv[2])))
