-- What is arranged for the time that is worked on projects.
CREATE TABLE time_settings (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    close_after_days BIGINT,
    rounding         TEXT CHECK (rounding IN ('up', 'down', 'nearest')),
    rounding_minutes BIGINT,
    PRIMARY KEY (workspace, id)
);

-- What an hour is billed at.
CREATE TABLE time_rate (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    task        BIGINT,
    project     BIGINT,
    company     BIGINT,
    member      BIGINT,
    hourly_rate BIGINT NOT NULL, -- units of 0.0001
    currency    TEXT NOT NULL,
    valid_from  DATE,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, task) REFERENCES task (workspace, id),
    FOREIGN KEY (workspace, project) REFERENCES project (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, member) REFERENCES member (workspace, id)
);
CREATE INDEX time_rate_by_task ON time_rate (workspace, task) WHERE task IS NOT NULL;
CREATE INDEX time_rate_by_project ON time_rate (workspace, project) WHERE project IS NOT NULL;
CREATE INDEX time_rate_by_company ON time_rate (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX time_rate_by_member ON time_rate (workspace, member) WHERE member IS NOT NULL;

-- What an hour of somebody costs the firm itself.
CREATE TABLE cost_rate (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    member      BIGINT,
    hourly_cost BIGINT NOT NULL, -- units of 0.0001
    currency    TEXT NOT NULL,
    valid_from  DATE,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, member) REFERENCES member (workspace, id)
);
CREATE INDEX cost_rate_by_member ON cost_rate (workspace, member) WHERE member IS NOT NULL;

-- How much of a project is worked and billed at the most.
CREATE TABLE project_budget (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    project     BIGINT NOT NULL,
    hours       BIGINT, -- units of 0.0001
    amount      BIGINT, -- units of 0.0001
    currency    TEXT NOT NULL,
    per         TEXT NOT NULL CHECK (per IN ('project', 'month')),
    warn_percent BIGINT,
    cap         BOOLEAN NOT NULL,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, project) REFERENCES project (workspace, id)
);
CREATE INDEX project_budget_by_project ON project_budget (workspace, project);

-- The time that was worked on projects.
CREATE TABLE time_entry (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    project     BIGINT NOT NULL,
    task        BIGINT,
    member      BIGINT NOT NULL,
    worked_on   DATE NOT NULL,
    started_at  TIMESTAMPTZ,
    ended_at    TIMESTAMPTZ,
    running     BOOLEAN NOT NULL,
    seconds     BIGINT NOT NULL,
    billable    BOOLEAN NOT NULL,
    billable_seconds BIGINT NOT NULL, -- rounded as it is billed
    note        TEXT,
    currency    TEXT NOT NULL,
    hourly_rate BIGINT, -- units of 0.0001
    invoice     BIGINT,
    billed_line TEXT, -- which of its lines
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, project) REFERENCES project (workspace, id),
    FOREIGN KEY (workspace, task) REFERENCES task (workspace, id),
    FOREIGN KEY (workspace, member) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, invoice) REFERENCES invoice (workspace, id)
);
CREATE INDEX time_entry_by_day ON time_entry (workspace, worked_on, id, member) WHERE archived_at IS NULL;
CREATE INDEX time_entry_by_created ON time_entry (workspace, created_at, id, member) WHERE archived_at IS NULL;
CREATE INDEX time_entry_by_updated ON time_entry (workspace, updated_at, id, member) WHERE archived_at IS NULL;
-- What overlaps is looked for by its beginning.
CREATE INDEX time_entry_by_member ON time_entry (workspace, member, started_at);
-- How much of a budget is used is summed up from this one.
CREATE INDEX time_entry_by_project ON time_entry (workspace, project, worked_on);
CREATE INDEX time_entry_by_task ON time_entry (workspace, task) WHERE task IS NOT NULL;
CREATE INDEX time_entry_by_invoice ON time_entry (workspace, invoice) WHERE invoice IS NOT NULL;

SELECT keep_in_workspace('time_settings');
SELECT keep_in_workspace('time_rate');
SELECT keep_in_workspace('cost_rate');
SELECT keep_in_workspace('project_budget');
SELECT keep_in_workspace('time_entry');
