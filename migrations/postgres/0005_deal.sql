-- Sales that may come about.
CREATE TABLE deal (
    id             BIGINT NOT NULL,
    workspace      BIGINT NOT NULL REFERENCES workspace (id),
    version        BIGINT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    created_by     BIGINT,
    updated_at     TIMESTAMPTZ NOT NULL,
    archived_at    TIMESTAMPTZ,
    attributes     JSONB NOT NULL,
    name           TEXT NOT NULL,
    sort_name      TEXT COLLATE "C" NOT NULL, -- folded
    pipeline       BIGINT NOT NULL,
    stage          BIGINT NOT NULL,
    stage_since    TIMESTAMPTZ NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('open', 'won', 'lost', 'unqualified')),
    company        BIGINT,
    contact        BIGINT,
    owner          BIGINT,
    amount         BIGINT, -- units of 0.0001
    sort_amount    BIGINT NOT NULL, -- the least there is where there is none
    currency       TEXT NOT NULL, -- ISO 4217
    probability    BIGINT, -- percent, where it is not the stage's
    expected_close DATE,
    sort_close     DATE NOT NULL, -- the end of time where there is none
    closed_on      DATE,
    lost_reason    TEXT,
    source         TEXT,
    tags           JSONB NOT NULL,
    summary        TEXT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, pipeline) REFERENCES pipeline (workspace, id),
    FOREIGN KEY (workspace, stage) REFERENCES stage (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, contact) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id)
);
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

SELECT keep_in_workspace('deal');
