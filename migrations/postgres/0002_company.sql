-- Organisations the firm deals with.
CREATE TABLE company (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    name        TEXT NOT NULL,
    sort_name   TEXT COLLATE "C" NOT NULL, -- folded
    legal_name  TEXT,
    domain      TEXT,
    website     TEXT,
    industry    TEXT,
    employees   BIGINT,
    types       JSONB NOT NULL,
    email       TEXT,
    phone       TEXT,
    street      TEXT,
    postal_code TEXT,
    city        TEXT,
    region      TEXT,
    country     TEXT,
    vat_id      TEXT,
    parent      BIGINT,
    owner       BIGINT,
    tags        JSONB NOT NULL,
    source      TEXT,
    summary     TEXT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, parent) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id)
);
CREATE INDEX company_by_name ON company (workspace, sort_name, id) WHERE archived_at IS NULL;
CREATE INDEX company_by_created ON company (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX company_by_updated ON company (workspace, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX company_by_parent ON company (workspace, parent) WHERE parent IS NOT NULL;
CREATE INDEX company_by_owner ON company (workspace, owner, created_at) WHERE archived_at IS NULL;

SELECT keep_in_workspace('company');
