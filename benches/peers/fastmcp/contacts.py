"""Contacts in SQLite: cached statements, FTS5, and a commit on disk before a create is answered."""

import hashlib
import json
import re
import secrets
import sqlite3
import unicodedata
import uuid
from datetime import UTC, datetime
from pathlib import Path

COLUMNS = (
    "id", "version", "created_at", "created_by", "updated_at", "name", "first_name", "last_name", "title", "company", "emails",
    "phones", "city", "country", "types", "tags", "source", "score",
)  # fmt: skip
INSERT = f"INSERT INTO contact ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
ROW = ", ".join(
    f"contact.{column}"
    for column in ("id", "name", "title", "company", "city", "types", "tags", "emails", "phones", "score", "created_at")
)
USUAL_LIMIT = 25


class Refused(Exception):
    """What a caller did wrong, for the caller to read."""

    def __init__(self, code, message, **details):
        super().__init__(message)
        self.error = {"code": code, "message": message, **details}


class Contacts:
    def __init__(self, path):
        # The driver keeps the statements; transactions are begun and ended here.
        self.db = sqlite3.connect(path, isolation_level=None, cached_statements=256, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self.db.execute(f"PRAGMA {pragma}")

    def one(self, sql, *values):
        return self.db.execute(sql, values).fetchone()

    def member_of(self, key):
        """The member on whose behalf a key acts."""
        row = self.one("SELECT member FROM api_key WHERE hash = ? AND revoked_at IS NULL", sha256(key))
        return row and row["member"]

    def owner(self):
        """On whose behalf a program on this machine acts."""
        return self.one("SELECT id FROM member LIMIT 1")["id"]

    def get(self, id):
        row = self.one(
            """SELECT contact.*, member.name AS member_name FROM contact JOIN member ON member.id = contact.created_by
               WHERE contact.id = ?""",
            id,
        )
        if row is None:
            raise Refused("NOT_FOUND", "There is no such contact.", field="contact")
        return whole(row)

    def search(self, query=None, type=None, limit=USUAL_LIMIT, **equal):
        words = (query or "").split()
        wheres, values = [], []
        for column, value in equal.items():
            wheres.append(f"contact.{column} = ?")
            values.append(value)
        if type:
            wheres.append("EXISTS (SELECT 1 FROM json_each(types) WHERE value IN (SELECT value FROM json_each(?)))")
            values.append(dumps(type))
        rows = self.rows(words, wheres, values, limit + 1)
        data = [short(row) for row in rows[:limit]]
        return {"data": data, "more": True} if len(rows) > limit else {"data": data}

    def rows(self, words, wheres, values, limit):
        if not words:
            where = f"WHERE {' AND '.join(wheres)}" if wheres else ""
            sql = f"SELECT {ROW} FROM contact {where} ORDER BY number DESC LIMIT ?"
            return self.db.execute(sql, (*values, limit)).fetchall()
        others = "".join(f" AND {where}" for where in wheres)
        if len(words) == 1 and re.fullmatch(r"\+?\d{4,}", words[0]):
            end = digits(words[0])[::-1]
            sql = f"""SELECT {ROW} FROM contact_key JOIN contact ON number = contact_key.contact
                      WHERE field = 'phone' AND value >= ? AND value < ?{others} LIMIT ?"""
            return self.db.execute(sql, (end, f"{end}:", *values, limit)).fetchall()
        match = " ".join('"' + word.replace('"', '""') + '"*' for word in words)
        # Without a filter only those rows are looked up that are shown.
        if wheres:
            sql = f"""SELECT {ROW} FROM contact_text JOIN contact ON number = contact_text.rowid
                      WHERE contact_text MATCH ?{others} ORDER BY rank LIMIT ?"""
        else:
            sql = f"""SELECT {ROW} FROM (SELECT rowid FROM contact_text WHERE contact_text MATCH ? ORDER BY rank LIMIT ?) AS found
                      JOIN contact ON number = found.rowid"""
        return self.db.execute(sql, (match, *values, limit)).fetchall()

    def create(self, fields, member):
        """Writes a contact with its keys, its text and its entry in the log, in one transaction."""
        contact = prepared(fields)
        now = datetime.now(UTC).isoformat()
        contact |= {"id": f"con_{uuid.uuid4()}", "version": 1, "created_at": now, "created_by": member, "updated_at": now}
        self.db.execute("BEGIN IMMEDIATE")
        try:
            if fields.get("on_duplicate", "error") != "create":
                self.refuse_duplicate(contact)
            row, change = self.insert(contact, "create_contact")
            name = self.one("SELECT name FROM member WHERE id = ?", member)["name"]
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        return {"data": whole({**row, "member_name": name}), "change": f"chg_{change}"}

    def refuse_duplicate(self, contact):
        for field, value in keys(contact):
            if field == "phone":
                continue
            found = self.one(
                "SELECT id FROM contact_key JOIN contact ON number = contact_key.contact WHERE field = ? AND value = ? LIMIT 1",
                field,
                value,
            )
            if found:
                raise Refused("CONFLICT", "This contact is there already.", field=field, existing=found["id"])

    def insert(self, contact, tool):
        row = {column: dumps(value) if isinstance(value := contact[column], list) else value for column in COLUMNS}
        number = self.db.execute(INSERT, tuple(row.values())).lastrowid
        self.db.executemany(
            "INSERT OR IGNORE INTO contact_key (field, value, contact) VALUES (?, ?, ?)",
            [(field, value, number) for field, value in keys(contact)],
        )
        self.db.execute(
            "INSERT INTO contact_text (rowid, name, details) VALUES (?, ?, ?)", (number, contact["name"], details(contact))
        )
        change = self.db.execute(
            "INSERT INTO change_log (at, member, tool, contact, after) VALUES (?, ?, ?, ?, ?)",
            (contact["updated_at"], contact["created_by"], tool, number, dumps(contact)),
        ).lastrowid
        return row, change

    def fill(self, path):
        """Fills a new database with what `bureau export contacts --format=jsonl` wrote, and makes a key."""
        self.db.executescript(Path(__file__).with_name("..").joinpath("schema.sql").read_text())
        owner = None
        self.db.execute("BEGIN")
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                contact = json.loads(line)
                owner = owner or contact["created_by"]
                self.db.execute(
                    "INSERT OR IGNORE INTO member (id, name) VALUES (?, ?)", (contact["created_by"], contact["created_by_name"])
                )
                self.insert(contact, "import")
        key = f"peer_{secrets.token_urlsafe(24)}"
        self.db.execute("INSERT INTO api_key (hash, member) VALUES (?, ?)", (sha256(key), owner))
        self.db.execute("COMMIT")
        self.db.execute("INSERT INTO contact_text (contact_text) VALUES ('optimize')")
        self.db.execute("ANALYZE")
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return key


def dumps(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def sha256(text):
    return hashlib.sha256(text.encode()).digest()


def folded(text):
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(plain.lower().split())


def digits(text):
    return re.sub(r"\D", "", text)


def only(fields):
    """What is not there is left out of an answer."""
    return {name: value for name, value in fields.items() if value is not None and value != "" and value != []}


def prepared(fields):
    """A contact as it is written, from what a caller gave."""
    emails = [{**entry, "email": entry["email"].lower()} for entry in fields.get("emails", [])]
    names = [fields[name] for name in ("first_name", "last_name") if fields.get(name)]
    name = fields.get("name") or " ".join(names) or (emails[0]["email"] if emails else "")
    if not name:
        raise Refused("VALIDATION", "A contact needs a name or an e-mail address.", field="name")
    for index, entry in enumerate(emails):
        if not re.fullmatch(r"[^\s@]+@[^\s@]+", entry["email"]):
            raise Refused("VALIDATION", "This is no address.", field=f"emails[{index}].email")
    phones = [
        {**entry, "e164": f"+{digits(entry['phone'])}"} if entry["phone"].startswith("+") else entry
        for entry in fields.get("phones", [])
    ]
    plain = ("first_name", "last_name", "title", "company", "city", "country", "source")
    return {
        "name": name,
        **{column: fields.get(column) for column in plain},
        "emails": emails,
        "phones": phones,
        "types": fields.get("types", []),
        "tags": fields.get("tags", []),
        "score": fields.get("score", 0),
    }


def keys(contact):
    """By what a contact is found exactly."""
    return [
        *(("email", entry["email"]) for entry in contact["emails"]),
        ("name", f"{folded(contact['name'])}|{folded(contact['company'] or '')}"),
        *(("phone", digits(entry.get("e164") or entry["phone"])[::-1]) for entry in contact["phones"]),
    ]


def details(contact):
    """What is searched beside the name."""
    words = [contact[column] for column in ("title", "company", "city", "country")]
    words += [entry["email"] for entry in contact["emails"]] + contact["tags"]
    return " ".join(word for word in words if word)


def entries(text):
    return [only(entry) for entry in json.loads(text)]


def whole(row):
    """All of a contact, as the tools answer it."""
    return only({
        "id": row["id"],
        "name": row["name"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "title": row["title"],
        "company": row["company"],
        "emails": entries(row["emails"]),
        "phones": entries(row["phones"]),
        "city": row["city"],
        "country": row["country"],
        "types": json.loads(row["types"]),
        "tags": json.loads(row["tags"]),
        "source": row["source"],
        "score": row["score"],
        "version": row["version"],
        "created_at": second(row["created_at"]),
        "created_by": {"id": row["created_by"], "name": row["member_name"]},
        "updated_at": second(row["updated_at"]),
    })


def short(row):
    """A contact in a list."""
    emails, phones = json.loads(row["emails"]), json.loads(row["phones"])
    return only({
        "id": row["id"],
        "name": row["name"],
        "title": row["title"],
        "company": row["company"],
        "city": row["city"],
        "types": json.loads(row["types"]),
        "tags": json.loads(row["tags"]),
        "email": emails[0]["email"] if emails else None,
        "phone": (phones[0].get("e164") or phones[0]["phone"]) if phones else None,
        "score": row["score"] or None,
        "created_at": second(row["created_at"]),
    })


def second(time):
    """A time without its fraction."""
    return f"{time[:19]}Z"
