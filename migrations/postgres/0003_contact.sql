-- People the firm deals with.
CREATE TABLE contact (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    first_name  TEXT,
    last_name   TEXT,
    name        TEXT NOT NULL, -- as it is shown
    sort_name   TEXT COLLATE "C" NOT NULL, -- folded, family name first
    title       TEXT,
    company     TEXT,
    company_id  BIGINT,
    emails      JSONB NOT NULL,
    phones      JSONB NOT NULL,
    location    TEXT,
    city        TEXT,
    country     TEXT,
    links       JSONB NOT NULL,
    types       JSONB NOT NULL,
    state       TEXT,
    owner       BIGINT,
    reports_to  BIGINT,
    tags        JSONB NOT NULL,
    source      TEXT,
    score       BIGINT NOT NULL,
    summary     TEXT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, company_id) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, reports_to) REFERENCES contact (workspace, id)
);
CREATE INDEX contact_by_name ON contact (workspace, sort_name, id) WHERE archived_at IS NULL;
CREATE INDEX contact_by_created ON contact (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX contact_by_updated ON contact (workspace, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX contact_by_score ON contact (workspace, score, id) WHERE archived_at IS NULL;
CREATE INDEX contact_by_company ON contact (workspace, company_id) WHERE company_id IS NOT NULL;
CREATE INDEX contact_by_owner ON contact (workspace, owner, created_at) WHERE archived_at IS NULL;
CREATE INDEX contact_by_reports_to ON contact (workspace, reports_to) WHERE reports_to IS NOT NULL;

SELECT keep_in_workspace('contact');
