-- What somebody wrote down about a record of any kind. What it is about, no foreign key can keep: that is checked and held
-- where it is written, and whatever it is about takes it along.
CREATE TABLE note (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    about       TEXT NOT NULL, -- an identifier as it is on the wire
    text        TEXT NOT NULL,
    pinned      BOOLEAN NOT NULL,
    sort_pinned BIGINT NOT NULL, -- 1 where it is pinned
    PRIMARY KEY (workspace, id)
);
CREATE INDEX note_by_pinned ON note (workspace, sort_pinned, id) WHERE archived_at IS NULL;
CREATE INDEX note_by_created ON note (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX note_by_updated ON note (workspace, updated_at, id) WHERE archived_at IS NULL;
-- Also what is deleted: it is erased with what it was about.
CREATE INDEX note_by_about ON note (workspace, about, sort_pinned, id);

SELECT keep_in_workspace('note');
