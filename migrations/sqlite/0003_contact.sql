-- People the firm deals with.
CREATE TABLE contact (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    first_name  TEXT,
    last_name   TEXT,
    name        TEXT NOT NULL, -- as it is shown
    sort_name   TEXT NOT NULL, -- folded, family name first
    title       TEXT,
    company     TEXT,
    company_id  INTEGER,
    emails      TEXT NOT NULL, -- JSON
    phones      TEXT NOT NULL, -- JSON
    location    TEXT,
    city        TEXT,
    country     TEXT,
    links       TEXT NOT NULL, -- JSON
    types       TEXT NOT NULL, -- JSON
    state       TEXT,
    owner       INTEGER,
    reports_to  INTEGER,
    tags        TEXT NOT NULL, -- JSON
    source      TEXT,
    score       INTEGER NOT NULL,
    summary     TEXT,
    CONSTRAINT contact_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, company_id) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, reports_to) REFERENCES contact (workspace, id)
) STRICT;
CREATE INDEX contact_by_name ON contact (workspace, sort_name, id) WHERE archived_at IS NULL;
CREATE INDEX contact_by_created ON contact (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX contact_by_updated ON contact (workspace, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX contact_by_score ON contact (workspace, score, id) WHERE archived_at IS NULL;
CREATE INDEX contact_by_company ON contact (workspace, company_id) WHERE company_id IS NOT NULL;
CREATE INDEX contact_by_owner ON contact (workspace, owner, created_at) WHERE archived_at IS NULL;
CREATE INDEX contact_by_reports_to ON contact (workspace, reports_to) WHERE reports_to IS NOT NULL;
