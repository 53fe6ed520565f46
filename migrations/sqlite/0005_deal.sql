-- Sales that may come about.
CREATE TABLE deal (
    id             INTEGER PRIMARY KEY,
    workspace      INTEGER NOT NULL REFERENCES workspace (id),
    version        INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    created_by     INTEGER,
    updated_at     INTEGER NOT NULL,
    archived_at    INTEGER,
    attributes     TEXT NOT NULL,
    name           TEXT NOT NULL,
    sort_name      TEXT NOT NULL, -- folded
    pipeline       INTEGER NOT NULL,
    stage          INTEGER NOT NULL,
    stage_since    INTEGER NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('open', 'won', 'lost', 'unqualified')),
    company        INTEGER,
    contact        INTEGER,
    owner          INTEGER,
    amount         INTEGER, -- units of 0.0001
    sort_amount    INTEGER NOT NULL, -- the least there is where there is none
    currency       TEXT NOT NULL, -- ISO 4217
    probability    INTEGER, -- percent, where it is not the stage's
    expected_close TEXT,
    sort_close     TEXT NOT NULL, -- the end of time where there is none
    closed_on      TEXT,
    lost_reason    TEXT,
    source         TEXT,
    tags           TEXT NOT NULL, -- JSON
    summary        TEXT,
    CONSTRAINT deal_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, pipeline) REFERENCES pipeline (workspace, id),
    FOREIGN KEY (workspace, stage) REFERENCES stage (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, contact) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id)
) STRICT;
-- Lists go along one of the orders and leave out what is not asked for by what stands in the index.
CREATE INDEX deal_by_name ON deal (workspace, sort_name, id, status, stage, owner) WHERE archived_at IS NULL;
CREATE INDEX deal_by_created ON deal (workspace, created_at, id, status, stage, owner) WHERE archived_at IS NULL;
CREATE INDEX deal_by_updated ON deal (workspace, updated_at, id, status, stage, owner) WHERE archived_at IS NULL;
CREATE INDEX deal_by_amount ON deal (workspace, sort_amount, id, status, stage, owner) WHERE archived_at IS NULL;
CREATE INDEX deal_by_close ON deal (workspace, sort_close, id, status, stage, owner) WHERE archived_at IS NULL;
CREATE INDEX deal_by_status_close ON deal (workspace, status, sort_close, id, stage, owner) WHERE archived_at IS NULL;
-- Where few deals have something in common, they are gathered by it.
CREATE INDEX deal_by_owner ON deal (workspace, owner, stage, status) WHERE archived_at IS NULL;
CREATE INDEX deal_by_company ON deal (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX deal_by_contact ON deal (workspace, contact) WHERE contact IS NOT NULL;
-- Figures are summed up from these alone.
CREATE INDEX deal_by_stage ON deal (workspace, pipeline, status, stage, currency, probability, amount, owner) WHERE archived_at IS NULL;
CREATE INDEX deal_by_rotting ON deal (workspace, stage, status, stage_since, owner) WHERE archived_at IS NULL;
CREATE INDEX deal_by_closed ON deal (workspace, status, closed_on, currency, amount, owner) WHERE archived_at IS NULL;
