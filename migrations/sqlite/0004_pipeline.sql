-- The ways that deals take.
CREATE TABLE pipeline (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    name        TEXT NOT NULL,
    is_default  INTEGER NOT NULL,
    CONSTRAINT pipeline_in_workspace UNIQUE (workspace, id)
) STRICT;
CREATE UNIQUE INDEX pipeline_is_the_only_default ON pipeline (workspace) WHERE is_default AND archived_at IS NULL;

-- The stages of a pipeline.
CREATE TABLE stage (
    id           INTEGER PRIMARY KEY,
    workspace    INTEGER NOT NULL REFERENCES workspace (id),
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   INTEGER,
    updated_at   INTEGER NOT NULL,
    archived_at  INTEGER,
    attributes   TEXT NOT NULL,
    pipeline     INTEGER NOT NULL,
    name         TEXT NOT NULL,
    position     INTEGER NOT NULL, -- from 1
    kind         TEXT NOT NULL CHECK (kind IN ('open', 'won', 'lost')),
    probability  INTEGER NOT NULL CHECK (probability BETWEEN 0 AND 100), -- percent
    rotting_days INTEGER,
    CONSTRAINT stage_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, pipeline) REFERENCES pipeline (workspace, id)
) STRICT;
CREATE INDEX stage_by_pipeline ON stage (workspace, pipeline, position) WHERE archived_at IS NULL;
