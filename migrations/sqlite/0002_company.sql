-- Organisations the firm deals with.
CREATE TABLE company (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    name        TEXT NOT NULL,
    sort_name   TEXT NOT NULL, -- folded
    legal_name  TEXT,
    domain      TEXT,
    website     TEXT,
    industry    TEXT,
    employees   INTEGER,
    types       TEXT NOT NULL, -- JSON
    email       TEXT,
    phone       TEXT,
    street      TEXT,
    postal_code TEXT,
    city        TEXT,
    region      TEXT,
    country     TEXT,
    vat_id      TEXT,
    parent      INTEGER,
    owner       INTEGER,
    tags        TEXT NOT NULL, -- JSON
    source      TEXT,
    summary     TEXT,
    CONSTRAINT company_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, parent) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id)
) STRICT;
CREATE INDEX company_by_name ON company (workspace, sort_name, id) WHERE archived_at IS NULL;
CREATE INDEX company_by_created ON company (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX company_by_updated ON company (workspace, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX company_by_parent ON company (workspace, parent) WHERE parent IS NOT NULL;
CREATE INDEX company_by_owner ON company (workspace, owner, created_at) WHERE archived_at IS NULL;
