-- What was done, and what is to be done.
CREATE TABLE activity (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    type        TEXT NOT NULL CHECK (type IN ('call', 'email', 'meeting', 'task', 'note')),
    subject     TEXT NOT NULL,
    body        TEXT,
    due_at      TIMESTAMPTZ,
    sort_due    TIMESTAMPTZ NOT NULL, -- the end of time where there is none
    minutes     BIGINT, -- how long it takes
    done_at     TIMESTAMPTZ,
    outcome     TEXT,
    assignee    BIGINT,
    contact     BIGINT,
    company     BIGINT,
    deal        BIGINT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, assignee) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, contact) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, deal) REFERENCES deal (workspace, id)
);
-- Lists go along one of the orders and leave out what is not asked for by what stands in the index.
CREATE INDEX activity_by_created ON activity (workspace, created_at, id, done_at, sort_due, assignee, type) WHERE archived_at IS NULL;
CREATE INDEX activity_by_updated ON activity (workspace, updated_at, id, done_at, sort_due, assignee, type) WHERE archived_at IS NULL;
CREATE INDEX activity_by_due ON activity (workspace, sort_due, id, assignee, type, done_at) WHERE archived_at IS NULL;
CREATE INDEX activity_by_pending ON activity (workspace, sort_due, id, assignee, type) WHERE archived_at IS NULL AND done_at IS NULL;
CREATE INDEX activity_by_done ON activity (workspace, done_at, id, assignee, type) WHERE archived_at IS NULL AND done_at IS NOT NULL;
-- Where few have something in common, they are gathered by it.
CREATE INDEX activity_by_assignee ON activity (workspace, assignee, done_at, type) WHERE archived_at IS NULL;
CREATE INDEX activity_by_contact ON activity (workspace, contact, done_at) WHERE contact IS NOT NULL;
CREATE INDEX activity_by_company ON activity (workspace, company, done_at) WHERE company IS NOT NULL;
CREATE INDEX activity_by_deal ON activity (workspace, deal) WHERE deal IS NOT NULL;

SELECT keep_in_workspace('activity');
