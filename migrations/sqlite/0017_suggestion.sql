-- What was answered to suggestions. These are computed from the records and kept nowhere; an answer keeps one away until the facts
-- change that it stands on.
CREATE TABLE suggestion_answer (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    rule        TEXT NOT NULL,
    about       TEXT NOT NULL, -- an identifier as it is on the wire
    answer      TEXT NOT NULL,
    note        TEXT,
    facts       TEXT NOT NULL,
    CONSTRAINT suggestion_answer_in_workspace UNIQUE (workspace, id)
) STRICT;
CREATE INDEX suggestion_answer_by_created ON suggestion_answer (workspace, created_at, id) WHERE archived_at IS NULL;
-- Also what is deleted: it is erased with what it was about.
CREATE INDEX suggestion_answer_by_about ON suggestion_answer (workspace, about, id);
