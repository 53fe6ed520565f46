-- What is arranged for the time that is worked on projects.
CREATE TABLE time_settings (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    close_after_days INTEGER,
    rounding         TEXT CHECK (rounding IN ('up', 'down', 'nearest')),
    rounding_minutes INTEGER,
    CONSTRAINT time_settings_in_workspace UNIQUE (workspace, id)
) STRICT;

-- What an hour is billed at.
CREATE TABLE time_rate (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    task        INTEGER,
    project     INTEGER,
    company     INTEGER,
    member      INTEGER,
    hourly_rate INTEGER NOT NULL, -- units of 0.0001
    currency    TEXT NOT NULL,
    valid_from  TEXT,
    CONSTRAINT time_rate_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, task) REFERENCES task (workspace, id),
    FOREIGN KEY (workspace, project) REFERENCES project (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, member) REFERENCES member (workspace, id)
) STRICT;
CREATE INDEX time_rate_by_task ON time_rate (workspace, task) WHERE task IS NOT NULL;
CREATE INDEX time_rate_by_project ON time_rate (workspace, project) WHERE project IS NOT NULL;
CREATE INDEX time_rate_by_company ON time_rate (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX time_rate_by_member ON time_rate (workspace, member) WHERE member IS NOT NULL;

-- What an hour of somebody costs the firm itself.
CREATE TABLE cost_rate (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    member      INTEGER,
    hourly_cost INTEGER NOT NULL, -- units of 0.0001
    currency    TEXT NOT NULL,
    valid_from  TEXT,
    CONSTRAINT cost_rate_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, member) REFERENCES member (workspace, id)
) STRICT;
CREATE INDEX cost_rate_by_member ON cost_rate (workspace, member) WHERE member IS NOT NULL;

-- How much of a project is worked and billed at the most.
CREATE TABLE project_budget (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    project     INTEGER NOT NULL,
    hours       INTEGER, -- units of 0.0001
    amount      INTEGER, -- units of 0.0001
    currency    TEXT NOT NULL,
    per         TEXT NOT NULL CHECK (per IN ('project', 'month')),
    warn_percent INTEGER,
    cap         INTEGER NOT NULL,
    CONSTRAINT project_budget_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, project) REFERENCES project (workspace, id)
) STRICT;
CREATE INDEX project_budget_by_project ON project_budget (workspace, project);

-- The time that was worked on projects.
CREATE TABLE time_entry (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    project     INTEGER NOT NULL,
    task        INTEGER,
    member      INTEGER NOT NULL,
    worked_on   TEXT NOT NULL,
    started_at  INTEGER,
    ended_at    INTEGER,
    running     INTEGER NOT NULL,
    seconds     INTEGER NOT NULL,
    billable    INTEGER NOT NULL,
    billable_seconds INTEGER NOT NULL, -- rounded as it is billed
    note        TEXT,
    currency    TEXT NOT NULL,
    hourly_rate INTEGER, -- units of 0.0001
    invoice     INTEGER,
    billed_line TEXT, -- which of its lines
    CONSTRAINT time_entry_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, project) REFERENCES project (workspace, id),
    FOREIGN KEY (workspace, task) REFERENCES task (workspace, id),
    FOREIGN KEY (workspace, member) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, invoice) REFERENCES invoice (workspace, id)
) STRICT;
CREATE INDEX time_entry_by_day ON time_entry (workspace, worked_on, id, member) WHERE archived_at IS NULL;
CREATE INDEX time_entry_by_created ON time_entry (workspace, created_at, id, member) WHERE archived_at IS NULL;
CREATE INDEX time_entry_by_updated ON time_entry (workspace, updated_at, id, member) WHERE archived_at IS NULL;
-- What overlaps is looked for by its beginning.
CREATE INDEX time_entry_by_member ON time_entry (workspace, member, started_at);
-- How much of a budget is used is summed up from this one.
CREATE INDEX time_entry_by_project ON time_entry (workspace, project, worked_on);
CREATE INDEX time_entry_by_task ON time_entry (workspace, task) WHERE task IS NOT NULL;
CREATE INDEX time_entry_by_invoice ON time_entry (workspace, invoice) WHERE invoice IS NOT NULL;
