-- What the firm knows: documents in Markdown. What they said before stands in the change log.
CREATE TABLE document (
    id            BIGINT NOT NULL,
    workspace     BIGINT NOT NULL REFERENCES workspace (id),
    version       BIGINT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    created_by    BIGINT,
    updated_at    TIMESTAMPTZ NOT NULL,
    archived_at   TIMESTAMPTZ,
    attributes    JSONB NOT NULL,
    title         TEXT NOT NULL,
    sort_title    TEXT NOT NULL, -- folded
    text          TEXT NOT NULL,
    folder        TEXT, -- names with slashes between them
    tags          JSONB NOT NULL,
    language      TEXT, -- ISO 639-1, where somebody said it
    owner         BIGINT,
    status        TEXT NOT NULL CHECK (status IN ('draft', 'published')),
    review_on     DATE,
    sort_review   DATE NOT NULL, -- the end of time where there is none
    visibility    TEXT NOT NULL CHECK (visibility IN ('public', 'internal', 'team')),
    team          BIGINT, -- whose members alone read it
    source        TEXT,
    former_titles JSONB NOT NULL,
    PRIMARY KEY (workspace, id),
    CHECK ((visibility = 'team') = (team IS NOT NULL)),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, team) REFERENCES team (workspace, id)
);
CREATE INDEX document_by_title ON document (workspace, sort_title, id) WHERE archived_at IS NULL;
CREATE INDEX document_by_review ON document (workspace, sort_review, id) WHERE archived_at IS NULL;
CREATE INDEX document_by_created ON document (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX document_by_updated ON document (workspace, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX document_by_owner ON document (workspace, owner) WHERE owner IS NOT NULL;
CREATE INDEX document_by_team ON document (workspace, team) WHERE team IS NOT NULL;

-- Who reads what lies in a folder, where something is arranged of it.
CREATE TABLE document_folder (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    path        TEXT NOT NULL,
    sort_path   TEXT NOT NULL, -- folded
    visibility  TEXT NOT NULL CHECK (visibility IN ('public', 'internal', 'team')),
    team        BIGINT,
    PRIMARY KEY (workspace, id),
    CHECK ((visibility = 'team') = (team IS NOT NULL)),
    FOREIGN KEY (workspace, team) REFERENCES team (workspace, id)
);
-- Of a folder something is arranged once.
CREATE UNIQUE INDEX document_folder_by_path ON document_folder (workspace, sort_path) WHERE archived_at IS NULL;
CREATE INDEX document_folder_by_created ON document_folder (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX document_folder_by_updated ON document_folder (workspace, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX document_folder_by_team ON document_folder (workspace, team) WHERE team IS NOT NULL;

SELECT keep_in_workspace('document');
SELECT keep_in_workspace('document_folder');
