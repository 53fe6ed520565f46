-- What every module stands on. Times are microseconds of the Unix epoch in UTC, JSON is text, booleans are 0 or 1.
--
-- The same statements hold as on PostgreSQL, where a record's primary key is its workspace and its `id`. Here `id` is also the
-- row's own number, by which SQLite finds it without an index beside the table; UNIQUE (workspace, id) is what others refer to.

-- Numbers that the database hands out, such as the node that a process puts into the identifiers that it makes.
CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

-- When somebody last lived here: one row. A clock that is far from it is not believed until a person says that it is right.
CREATE TABLE clock (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    seen_at     INTEGER NOT NULL, -- noted about once an hour
    accepted_at INTEGER           -- when a person last said that the clock is right
) STRICT;

CREATE TABLE workspace (
    id                INTEGER PRIMARY KEY,
    slug              TEXT NOT NULL CONSTRAINT workspace_slug_is_taken UNIQUE,
    name              TEXT NOT NULL,
    time_zone         TEXT NOT NULL, -- IANA name
    currency          TEXT NOT NULL, -- ISO 4217
    language          TEXT NOT NULL, -- BCP 47
    country           TEXT,          -- ISO 3166-1 alpha-2: the region of a phone number written nationally
    fiscal_year_start INTEGER NOT NULL CHECK (fiscal_year_start BETWEEN 1 AND 12), -- month
    provisioned         TEXT NOT NULL, -- the modules that have put into it what they need, by name
    version           INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;

CREATE TABLE member (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    name        TEXT NOT NULL,
    email       TEXT, -- in lower case
    title       TEXT, -- of their job
    role        TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    CONSTRAINT member_in_workspace UNIQUE (workspace, id)
) STRICT;
CREATE UNIQUE INDEX member_email_is_taken ON member (workspace, email) WHERE archived_at IS NULL;

CREATE TABLE team (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    name        TEXT NOT NULL,
    sort_name   TEXT NOT NULL, -- folded
    about       TEXT,
    lead        INTEGER,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    CONSTRAINT team_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, lead) REFERENCES member (workspace, id)
) STRICT;
CREATE UNIQUE INDEX team_name_is_taken ON team (workspace, sort_name) WHERE archived_at IS NULL;

CREATE TABLE team_member (
    workspace INTEGER NOT NULL,
    team      INTEGER NOT NULL,
    member    INTEGER NOT NULL,
    PRIMARY KEY (workspace, team, member),
    FOREIGN KEY (workspace, team) REFERENCES team (workspace, id),
    FOREIGN KEY (workspace, member) REFERENCES member (workspace, id)
) STRICT;
CREATE INDEX team_member_by_member ON team_member (workspace, member);

CREATE TABLE api_key (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL,
    hint           TEXT NOT NULL,        -- its first characters, to tell keys apart
    hash           BLOB NOT NULL UNIQUE, -- SHA-256; the key itself is nowhere
    permissions    TEXT NOT NULL,        -- JSON array of names; "*" is all
    confirm        TEXT CHECK (confirm IN ('never', 'destructive', 'writes')),
    calls_per_hour INTEGER CHECK (calls_per_hour > 0),
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER,
    revoked_at     INTEGER,
    last_used_at   INTEGER
) STRICT;

-- The workspaces that a key opens, and as which member.
CREATE TABLE api_key_grant (
    api_key   INTEGER NOT NULL REFERENCES api_key (id),
    workspace INTEGER NOT NULL,
    member    INTEGER NOT NULL,
    name      TEXT NOT NULL, -- the key's, where calls may read it
    PRIMARY KEY (workspace, api_key),
    FOREIGN KEY (workspace, member) REFERENCES member (workspace, id)
) STRICT;
CREATE INDEX api_key_grant_by_key ON api_key_grant (api_key, workspace);

CREATE TABLE attribute_definition (
    workspace  INTEGER NOT NULL REFERENCES workspace (id),
    entity     TEXT NOT NULL, -- the record's table
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('text', 'number', 'bool', 'date', 'list', 'object')),
    about      TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, entity, name)
) STRICT;

-- Every write to a record. The rows of a workspace are sealed in commit order: `position` is gapless, `hash` covers the row
-- and the hash before it, and the first one the workspace's identifier. `before` and `after` hold what changed (all of it for a new or erased record); purging a record, or
-- what it holds of a person, empties them and leaves `digest`, so the chain stays whole.
CREATE TABLE change_log (
    id        INTEGER PRIMARY KEY,
    call      INTEGER NOT NULL, -- one call, one change to the caller: chg_…
    workspace INTEGER NOT NULL REFERENCES workspace (id),
    at        INTEGER NOT NULL,
    member    INTEGER,          -- on whose behalf
    api_key   INTEGER,          -- with which key, if with one
    client    TEXT,             -- the program, as it named itself
    tool      TEXT NOT NULL,
    undoes    INTEGER,          -- the call that this one takes back
    entity    TEXT NOT NULL,    -- the record's table
    record    INTEGER NOT NULL,
    action    TEXT NOT NULL CHECK (action IN ('create', 'update', 'archive', 'restore', 'purge', 'redact')),
    version   INTEGER NOT NULL, -- the record's version afterwards
    before    TEXT,
    after     TEXT,
    digest    BLOB NOT NULL,    -- SHA-256 over before and after
    position  INTEGER,
    hash      BLOB,
    UNIQUE (workspace, position)
) STRICT;
CREATE INDEX change_log_call ON change_log (workspace, call, id);
-- What the audit log is asked for, newest first.
CREATE INDEX change_log_time ON change_log (workspace, at, id);
CREATE INDEX change_log_record ON change_log (workspace, record, at, id);
CREATE INDEX change_log_member ON change_log (workspace, member, at, id);
CREATE INDEX change_log_api_key ON change_log (workspace, api_key, at, id) WHERE api_key IS NOT NULL;
CREATE INDEX change_log_tool ON change_log (workspace, tool, at, id);
CREATE INDEX change_log_action ON change_log (workspace, action, at, id);
CREATE INDEX change_log_entity ON change_log (workspace, entity, at, id);
CREATE INDEX change_log_own_key ON change_log (workspace, api_key, position) WHERE api_key IS NOT NULL;
CREATE INDEX change_log_own_member ON change_log (workspace, member, position) WHERE api_key IS NULL;
CREATE INDEX change_log_undoes ON change_log (workspace, undoes) WHERE undoes IS NOT NULL;

-- Where the sealed log of each workspace ends, kept by whoever seals. What follows the logs asks it which of them went on. It
-- refers to no workspace: a backup keeps new workspaces waiting while the rest is sealed, and a log outlives what it is of.
CREATE TABLE log_head (
    workspace INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    at        INTEGER NOT NULL, -- of its newest row
    sealing   INTEGER NOT NULL, -- the number of the sealing that moved it last, counted over all workspaces
    PRIMARY KEY (workspace)
) STRICT;
CREATE INDEX log_head_by_sealing ON log_head (sealing);

-- Where all logs ended at some moments, in order: whoever takes away a log, or the end of one, has to write all anew that was
-- noted since. What is noted outside of the database says which of these rows there were.
CREATE TABLE log_anchor (
    number  INTEGER PRIMARY KEY, -- from 1, without a gap
    at      INTEGER NOT NULL,
    sealing INTEGER NOT NULL, -- the newest one then
    moved   TEXT NOT NULL, -- JSON: the heads that moved since the anchor before it, by workspace
    heads   TEXT NOT NULL, -- SHA-256 over all heads, in hexadecimal digits
    seal    BLOB NOT NULL -- SHA-256 over this row and the seal of the one before it
) STRICT;

-- The answer that a call with an idempotency key got, so that its repetition gets the same.
CREATE TABLE receipt (
    workspace  INTEGER NOT NULL REFERENCES workspace (id),
    actor      INTEGER NOT NULL, -- the key, or the member where there is none
    key        TEXT NOT NULL,
    request    BLOB NOT NULL,    -- SHA-256 of the tool and its arguments
    answer     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, actor, key)
) STRICT;
CREATE INDEX receipt_age ON receipt (workspace, created_at);

-- A call that waits for its confirmation. Taken out by the call that uses it, so it works once.
CREATE TABLE confirmation (
    workspace  INTEGER NOT NULL REFERENCES workspace (id),
    token      BLOB NOT NULL, -- SHA-256
    actor      INTEGER NOT NULL,
    request    BLOB NOT NULL,    -- SHA-256 of the tool and its arguments
    shown      BLOB NOT NULL,    -- SHA-256 of what the call did to which versions when it was tried
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, token)
) STRICT;
CREATE INDEX confirmation_age ON confirmation (workspace, expires_at);

-- Exact terms by which live records are found: addresses, numbers, tags, owners. Kept by the record layer.
CREATE TABLE record_key (
    workspace INTEGER NOT NULL,
    entity    TEXT NOT NULL,
    field     TEXT NOT NULL,
    value     TEXT NOT NULL,
    record    INTEGER NOT NULL,
    PRIMARY KEY (workspace, entity, field, value, record)
) STRICT, WITHOUT ROWID;

-- What one unit of a currency was worth in the workspace's own on a day.
CREATE TABLE exchange_rate (
    workspace  INTEGER NOT NULL REFERENCES workspace (id),
    currency   TEXT NOT NULL, -- ISO 4217
    day        TEXT NOT NULL,
    rate       TEXT NOT NULL, -- decimal
    source     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, currency, day)
) STRICT;
