-- What every module stands on. The same tables as for SQLite, in native types.
--
-- Whatever belongs to a workspace is found by it: a table with a column `workspace` has a primary key that begins with it, and
-- all that is unique in it contains it. So the rows of a workspace can lie together, wherever that is. What cannot contain one:
--   counter    its numbers are handed out to the processes of the whole database
--   clock      one row, of the machine and not of anybody
--   log_anchor is over the logs of all workspaces
--   workspace  is one; its slug is unique among all of them
--   api_key    is found by its hash before anybody knows which workspaces it opens (api_key_grant)

-- Numbers that the database hands out, such as the node that a process puts into the identifiers that it makes.
CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

-- When somebody last lived here: one row. A clock that is far from it is not believed until a person says that it is right.
CREATE TABLE clock (
    id          BIGINT PRIMARY KEY CHECK (id = 1),
    seen_at     TIMESTAMPTZ NOT NULL, -- noted about once an hour
    accepted_at TIMESTAMPTZ           -- when a person last said that the clock is right
);

CREATE TABLE workspace (
    id                BIGINT PRIMARY KEY,
    slug              TEXT NOT NULL CONSTRAINT workspace_slug_is_taken UNIQUE,
    name              TEXT NOT NULL,
    time_zone         TEXT NOT NULL, -- IANA name
    currency          TEXT NOT NULL, -- ISO 4217
    language          TEXT NOT NULL, -- BCP 47
    country           TEXT,          -- ISO 3166-1 alpha-2: the region of a phone number written nationally
    fiscal_year_start BIGINT NOT NULL CHECK (fiscal_year_start BETWEEN 1 AND 12), -- month
    provisioned         TEXT NOT NULL, -- the modules that have put into it what they need, by name
    version           BIGINT NOT NULL,
    created_at        TIMESTAMPTZ NOT NULL,
    updated_at        TIMESTAMPTZ NOT NULL
);

CREATE TABLE member (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    name        TEXT NOT NULL,
    email       TEXT, -- in lower case
    title       TEXT, -- of their job
    role        TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX member_email_is_taken ON member (workspace, email) WHERE archived_at IS NULL;

CREATE TABLE team (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    name        TEXT NOT NULL,
    sort_name   TEXT NOT NULL, -- folded
    about       TEXT,
    lead        BIGINT,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, lead) REFERENCES member (workspace, id)
);
CREATE UNIQUE INDEX team_name_is_taken ON team (workspace, sort_name) WHERE archived_at IS NULL;

CREATE TABLE team_member (
    workspace BIGINT NOT NULL,
    team      BIGINT NOT NULL,
    member    BIGINT NOT NULL,
    PRIMARY KEY (workspace, team, member),
    FOREIGN KEY (workspace, team) REFERENCES team (workspace, id),
    FOREIGN KEY (workspace, member) REFERENCES member (workspace, id)
);
CREATE INDEX team_member_by_member ON team_member (workspace, member);

CREATE TABLE api_key (
    id             BIGINT PRIMARY KEY,
    name           TEXT NOT NULL,
    hint           TEXT NOT NULL,        -- its first characters, to tell keys apart
    hash           BYTEA NOT NULL UNIQUE, -- SHA-256; the key itself is nowhere
    permissions    JSONB NOT NULL,        -- JSON array of names; "*" is all
    confirm        TEXT CHECK (confirm IN ('never', 'destructive', 'writes')),
    calls_per_hour BIGINT CHECK (calls_per_hour > 0),
    created_at     TIMESTAMPTZ NOT NULL,
    expires_at     TIMESTAMPTZ,
    revoked_at     TIMESTAMPTZ,
    last_used_at   TIMESTAMPTZ
);

-- The workspaces that a key opens, and as which member.
CREATE TABLE api_key_grant (
    api_key   BIGINT NOT NULL REFERENCES api_key (id),
    workspace BIGINT NOT NULL,
    member    BIGINT NOT NULL,
    name      TEXT NOT NULL, -- the key's, where calls may read it
    PRIMARY KEY (workspace, api_key),
    FOREIGN KEY (workspace, member) REFERENCES member (workspace, id)
);
CREATE INDEX api_key_grant_by_key ON api_key_grant (api_key, workspace);

CREATE TABLE attribute_definition (
    workspace  BIGINT NOT NULL REFERENCES workspace (id),
    entity     TEXT NOT NULL, -- the record's table
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('text', 'number', 'bool', 'date', 'list', 'object')),
    about      TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace, entity, name)
);

-- Every write to a record. The rows of a workspace are sealed in commit order: `position` is gapless, `hash` covers the row
-- and the hash before it, and the first one the workspace's identifier. `before` and `after` hold what changed (all of it for a new or erased record); purging a record, or
-- what it holds of a person, empties them and leaves `digest`, so the chain stays whole. They are TEXT, not JSONB: the digest is over the very
-- bytes, and JSONB does not keep them.
CREATE TABLE change_log (
    id        BIGINT NOT NULL,
    call      BIGINT NOT NULL, -- one call, one change to the caller: chg_…
    workspace BIGINT NOT NULL REFERENCES workspace (id),
    at        TIMESTAMPTZ NOT NULL,
    member    BIGINT,          -- on whose behalf
    api_key   BIGINT,          -- with which key, if with one
    client    TEXT,             -- the program, as it named itself
    tool      TEXT NOT NULL,
    undoes    BIGINT,          -- the call that this one takes back
    entity    TEXT NOT NULL,    -- the record's table
    record    BIGINT NOT NULL,
    action    TEXT NOT NULL CHECK (action IN ('create', 'update', 'archive', 'restore', 'purge', 'redact')),
    version   BIGINT NOT NULL, -- the record's version afterwards
    before    TEXT,
    after     TEXT,
    digest    BYTEA NOT NULL,    -- SHA-256 over before and after
    position  BIGINT,
    hash      BYTEA,
    UNIQUE (workspace, position),
    PRIMARY KEY (workspace, id)
);
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
    workspace BIGINT NOT NULL,
    position  BIGINT NOT NULL,
    hash      BYTEA NOT NULL,
    at        TIMESTAMPTZ NOT NULL, -- of its newest row
    sealing   BIGINT NOT NULL, -- the number of the sealing that moved it last, counted over all workspaces
    PRIMARY KEY (workspace)
);
CREATE INDEX log_head_by_sealing ON log_head (sealing);

-- Where all logs ended at some moments, in order: whoever takes away a log, or the end of one, has to write all anew that was
-- noted since. What is noted outside of the database says which of these rows there were.
CREATE TABLE log_anchor (
    number  BIGINT PRIMARY KEY, -- from 1, without a gap
    at      TIMESTAMPTZ NOT NULL,
    sealing BIGINT NOT NULL, -- the newest one then
    moved   TEXT NOT NULL, -- JSON: the heads that moved since the anchor before it, by workspace
    heads   TEXT NOT NULL, -- SHA-256 over all heads, in hexadecimal digits
    seal    BYTEA NOT NULL -- SHA-256 over this row and the seal of the one before it
);

-- The answer that a call with an idempotency key got, so that its repetition gets the same.
CREATE TABLE receipt (
    workspace  BIGINT NOT NULL REFERENCES workspace (id),
    actor      BIGINT NOT NULL, -- the key, or the member where there is none
    key        TEXT NOT NULL,
    request    BYTEA NOT NULL,    -- SHA-256 of the tool and its arguments
    answer     TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace, actor, key)
);
CREATE INDEX receipt_age ON receipt (workspace, created_at);

-- A call that waits for its confirmation. Taken out by the call that uses it, so it works once.
CREATE TABLE confirmation (
    workspace  BIGINT NOT NULL REFERENCES workspace (id),
    token      BYTEA NOT NULL, -- SHA-256
    actor      BIGINT NOT NULL,
    request    BYTEA NOT NULL,    -- SHA-256 of the tool and its arguments
    shown      BYTEA NOT NULL,    -- SHA-256 of what the call did to which versions when it was tried
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace, token)
);
CREATE INDEX confirmation_age ON confirmation (workspace, expires_at);

-- Exact terms by which live records are found: addresses, numbers, tags, owners. Kept by the record layer.
CREATE TABLE record_key (
    workspace BIGINT NOT NULL,
    entity    TEXT NOT NULL,
    field     TEXT NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    record    BIGINT NOT NULL,
    PRIMARY KEY (workspace, entity, field, value, record)
);

-- What one unit of a currency was worth in the workspace's own on a day.
CREATE TABLE exchange_rate (
    workspace  BIGINT NOT NULL REFERENCES workspace (id),
    currency   TEXT NOT NULL, -- ISO 4217
    day        DATE NOT NULL,
    rate       TEXT NOT NULL, -- decimal
    source     TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace, currency, day)
);

-- What is committed and not yet sealed.
CREATE INDEX change_log_unsealed ON change_log (workspace, id) WHERE position IS NULL;

-- The second wall between workspaces. Calls run as a role that owns nothing and sees one workspace only; the role
-- that connects owns the tables, migrates, seals the log and checks keys.
DO $$
BEGIN
    CREATE ROLE bureau_app NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- Roles belong to the server: another database of it has made this one.
END
$$;
DO $$
BEGIN
    EXECUTE format('GRANT bureau_app TO %I', current_user);
EXCEPTION WHEN unique_violation OR internal_error THEN
    NULL; -- Granted at the same moment for another database of this server.
END
$$;

-- The workspace of the transaction; nothing where none is set. A policy compares with it as with any value, without a query in
-- between: so it is a condition of the index that a statement goes along.
CREATE FUNCTION current_workspace() RETURNS BIGINT
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT NULLIF(current_setting('bureau.workspace', TRUE), '')::BIGINT $$;

-- Hides the rows of other workspaces from whoever acts for one. Every table with a column `workspace` is given to this or the next.
-- Where the rows lie on several machines (Citus), those of a table that a later migration makes go where the log's are. What such
-- a table refers to is told after this: it can be reached only then.
CREATE FUNCTION keep_apart(name REGCLASS) RETURNS VOID
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own_workspace ON %s TO bureau_app
                    USING (workspace = current_workspace()) WITH CHECK (workspace = current_workspace())', name);
    IF to_regclass('pg_dist_partition') IS NOT NULL THEN
        EXECUTE format('SELECT create_distributed_table(%L, %L, colocate_with => %L) FROM pg_dist_partition
                        WHERE logicalrelid = %L::REGCLASS', name, 'workspace', 'change_log', 'change_log');
    END IF;
END
$$;

-- The same for a table of records, which tools read and write. A migration that makes one ends with this.
CREATE FUNCTION keep_in_workspace(name REGCLASS) RETURNS VOID
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO bureau_app', name);
    PERFORM keep_apart(name);
END
$$;

-- A module notes that it has provisioned the workspace.
GRANT UPDATE (provisioned) ON workspace TO bureau_app;
-- What whoever may arrange the workspace does with tools. A call that refers to a member also holds their row, which takes the
-- right to change some column of it. Members go by being archived, and their keys are no matter of calls.
GRANT UPDATE (name, time_zone, currency, country, version, updated_at) ON workspace TO bureau_app;
GRANT INSERT, UPDATE (name, email, title, role, updated_at, archived_at) ON member TO bureau_app;
GRANT UPDATE (name, sort_name, about, lead, updated_at) ON team TO bureau_app;
GRANT INSERT, DELETE ON team_member TO bureau_app;
GRANT INSERT, DELETE, UPDATE (about) ON attribute_definition TO bureau_app;
-- Rates into another currency than the workspace's own mean nothing.
GRANT DELETE ON exchange_rate TO bureau_app;
-- It is a time and nothing of any workspace: the only table without one that calls may read.
GRANT SELECT ON clock TO bureau_app;
GRANT SELECT ON workspace, member, team, team_member, attribute_definition, api_key_grant, exchange_rate TO bureau_app;
GRANT SELECT, INSERT ON change_log TO bureau_app;
-- Purging a record empties what the log holds of it.
GRANT UPDATE (before, after) ON change_log TO bureau_app;
GRANT SELECT, INSERT, DELETE ON receipt, confirmation, record_key TO bureau_app;

ALTER TABLE workspace ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON workspace TO bureau_app USING (id = current_workspace());
SELECT keep_apart(name::REGCLASS) FROM unnest(ARRAY['member', 'team', 'team_member', 'api_key_grant', 'attribute_definition',
    'exchange_rate', 'change_log', 'log_head', 'receipt', 'confirmation', 'record_key']) AS tables (name);
