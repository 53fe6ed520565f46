-- What both peers keep: contacts as Bureau's tools know them, what they are found by, keys, and who changed what.
CREATE TABLE api_key (
    hash       BLOB PRIMARY KEY, -- SHA-256; the key itself is nowhere
    member     TEXT NOT NULL,
    revoked_at TEXT
) WITHOUT ROWID;
CREATE TABLE member (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE contact (
    number     INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    version    INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES member (id),
    updated_at TEXT NOT NULL,
    name       TEXT NOT NULL,
    first_name TEXT,
    last_name  TEXT,
    title      TEXT,
    company    TEXT,
    emails     TEXT NOT NULL, -- JSON
    phones     TEXT NOT NULL, -- JSON
    city       TEXT,
    country    TEXT,
    types      TEXT NOT NULL, -- JSON
    tags       TEXT NOT NULL, -- JSON
    source     TEXT,
    score      INTEGER NOT NULL
);
-- By what one is found exactly: address, name with employer, and number, this one backwards, since people look for its end.
CREATE TABLE contact_key (
    field   TEXT NOT NULL,
    value   TEXT NOT NULL,
    contact INTEGER NOT NULL REFERENCES contact (number),
    PRIMARY KEY (field, value, contact)
) WITHOUT ROWID;
-- The text itself stands in contact already.
CREATE VIRTUAL TABLE contact_text USING fts5 (
    name, details, content = '', prefix = '2 3', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TABLE change_log (
    id      INTEGER PRIMARY KEY,
    at      TEXT NOT NULL,
    member  TEXT NOT NULL,
    tool    TEXT NOT NULL,
    contact INTEGER NOT NULL,
    after   TEXT NOT NULL -- JSON
);
CREATE INDEX change_log_contact ON change_log (contact, id);
