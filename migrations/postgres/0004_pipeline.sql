-- The ways that deals take.
CREATE TABLE pipeline (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    name        TEXT NOT NULL,
    is_default  BOOLEAN NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX pipeline_is_the_only_default ON pipeline (workspace) WHERE is_default AND archived_at IS NULL;

SELECT keep_in_workspace('pipeline');

-- The stages of a pipeline.
CREATE TABLE stage (
    id           BIGINT NOT NULL,
    workspace    BIGINT NOT NULL REFERENCES workspace (id),
    version      BIGINT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    created_by   BIGINT,
    updated_at   TIMESTAMPTZ NOT NULL,
    archived_at  TIMESTAMPTZ,
    attributes   JSONB NOT NULL,
    pipeline     BIGINT NOT NULL,
    name         TEXT NOT NULL,
    position     BIGINT NOT NULL, -- from 1
    kind         TEXT NOT NULL CHECK (kind IN ('open', 'won', 'lost')),
    probability  BIGINT NOT NULL CHECK (probability BETWEEN 0 AND 100), -- percent
    rotting_days BIGINT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, pipeline) REFERENCES pipeline (workspace, id)
);
CREATE INDEX stage_by_pipeline ON stage (workspace, pipeline, position) WHERE archived_at IS NULL;

SELECT keep_in_workspace('stage');
