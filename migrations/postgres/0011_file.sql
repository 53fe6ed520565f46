-- Files on records of any kind. What a file is of, no foreign key can keep: that is checked and held where it is written, and
-- whatever it is of takes it along.
CREATE TABLE file (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    about       TEXT NOT NULL, -- an identifier as it is on the wire
    name        TEXT NOT NULL,
    sort_name   TEXT NOT NULL, -- folded
    media_type  TEXT NOT NULL,
    bytes       BIGINT NOT NULL,
    sha256      TEXT NOT NULL, -- in hexadecimal digits
    searchable  TEXT NOT NULL CHECK (searchable IN ('all', 'beginning', 'name')),
    PRIMARY KEY (workspace, id)
);
CREATE INDEX file_by_created ON file (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX file_by_updated ON file (workspace, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX file_by_name ON file (workspace, sort_name, id) WHERE archived_at IS NULL;
CREATE INDEX file_by_bytes ON file (workspace, bytes, id) WHERE archived_at IS NULL;
-- Also what is deleted: it is erased with what it was of.
CREATE INDEX file_by_about ON file (workspace, about, id);

-- What records hold beside their columns. It is in no log: a record that is erased takes it along.
CREATE TABLE content (
    workspace BIGINT NOT NULL REFERENCES workspace (id),
    record    BIGINT NOT NULL,
    bytes     BYTEA NOT NULL,
    words     TEXT, -- by which it is found
    PRIMARY KEY (workspace, record)
);

-- Where one file can be sent to. Taken out by the call that uses it, so it works once.
CREATE TABLE file_link (
    workspace  BIGINT NOT NULL REFERENCES workspace (id),
    token      BYTEA NOT NULL, -- SHA-256
    api_key    BIGINT, -- with which it was made, if with one
    member     BIGINT NOT NULL,
    about      TEXT NOT NULL,
    name       TEXT,
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace, token)
);
CREATE INDEX file_link_age ON file_link (workspace, expires_at);

SELECT keep_in_workspace(name::REGCLASS) FROM unnest(ARRAY['file', 'content', 'file_link']) AS tables (name);
