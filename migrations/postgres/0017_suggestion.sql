-- What was answered to suggestions. These are computed from the records and kept nowhere; an answer keeps one away until the facts
-- change that it stands on.
CREATE TABLE suggestion_answer (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    rule        TEXT NOT NULL,
    about       TEXT NOT NULL, -- an identifier as it is on the wire
    answer      TEXT NOT NULL,
    note        TEXT,
    facts       TEXT NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX suggestion_answer_by_created ON suggestion_answer (workspace, created_at, id) WHERE archived_at IS NULL;
-- Also what is deleted: it is erased with what it was about.
CREATE INDEX suggestion_answer_by_about ON suggestion_answer (workspace, about, id);

SELECT keep_in_workspace('suggestion_answer');
