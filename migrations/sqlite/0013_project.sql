-- Work with an end, for a client or for the firm itself.
CREATE TABLE project (
    id           INTEGER PRIMARY KEY,
    workspace    INTEGER NOT NULL REFERENCES workspace (id),
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   INTEGER,
    updated_at   INTEGER NOT NULL,
    archived_at  INTEGER,
    attributes   TEXT NOT NULL,
    name         TEXT NOT NULL,
    sort_name    TEXT NOT NULL, -- folded
    number       TEXT,
    series       INTEGER,
    period       INTEGER,
    serial       INTEGER,
    status       TEXT NOT NULL CHECK (status IN ('planned', 'active', 'on_hold', 'completed', 'cancelled')),
    company      INTEGER,
    owner        INTEGER,
    start_on     TEXT,
    due_on       TEXT,
    sort_due     TEXT NOT NULL, -- the end of time where there is none
    completed_on TEXT,
    description  TEXT,
    tags         TEXT NOT NULL, -- JSON
    CONSTRAINT project_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, series) REFERENCES number_series (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id)
) STRICT;
-- A number is given once.
CREATE UNIQUE INDEX project_by_number ON project (workspace, series, period, serial) WHERE serial IS NOT NULL;
CREATE INDEX project_by_name ON project (workspace, sort_name, id, status, owner) WHERE archived_at IS NULL;
CREATE INDEX project_by_due ON project (workspace, sort_due, id, status, owner) WHERE archived_at IS NULL;
CREATE INDEX project_by_created ON project (workspace, created_at, id, status, owner) WHERE archived_at IS NULL;
CREATE INDEX project_by_updated ON project (workspace, updated_at, id, status, owner) WHERE archived_at IS NULL;
CREATE INDEX project_by_company ON project (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX project_by_owner ON project (workspace, owner, status) WHERE archived_at IS NULL;

-- The columns of their boards.
CREATE TABLE board_column (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    project     INTEGER NOT NULL,
    name        TEXT NOT NULL,
    position    INTEGER NOT NULL, -- from 1
    status      TEXT NOT NULL CHECK (status IN ('backlog', 'unstarted', 'started', 'completed', 'cancelled')),
    CONSTRAINT board_column_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, project) REFERENCES project (workspace, id)
) STRICT;
-- Also what is deleted: it is erased with its project.
CREATE INDEX board_column_by_project ON board_column (workspace, project, position, id);

-- What is to be done in them.
CREATE TABLE task (
    id            INTEGER PRIMARY KEY,
    workspace     INTEGER NOT NULL REFERENCES workspace (id),
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    created_by    INTEGER,
    updated_at    INTEGER NOT NULL,
    archived_at   INTEGER,
    attributes    TEXT NOT NULL,
    project       INTEGER NOT NULL,
    number        INTEGER NOT NULL, -- in the project, from 1
    code          TEXT,
    title         TEXT NOT NULL,
    sort_title    TEXT NOT NULL, -- folded
    description   TEXT,
    status        TEXT NOT NULL CHECK (status IN ('backlog', 'unstarted', 'started', 'completed', 'cancelled')),
    board_column  INTEGER NOT NULL,
    place         INTEGER NOT NULL, -- on the board
    priority      TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    sort_priority TEXT NOT NULL, -- 1 is urgent
    assignee      INTEGER,
    parent        INTEGER,
    estimate      INTEGER, -- hours, in units of 0.0001
    start_on      TEXT,
    due_on        TEXT,
    sort_due      TEXT NOT NULL, -- the end of time where there is none
    dates         TEXT NOT NULL CHECK (dates IN ('manual', 'automatic')),
    milestone     INTEGER NOT NULL,
    over          INTEGER, -- 1 where nothing is to be done any more
    completed_at  INTEGER,
    tags          TEXT NOT NULL, -- JSON
    CONSTRAINT task_in_workspace UNIQUE (workspace, id),
    CONSTRAINT task_number_is_taken UNIQUE (workspace, project, number),
    FOREIGN KEY (workspace, project) REFERENCES project (workspace, id),
    FOREIGN KEY (workspace, board_column) REFERENCES board_column (workspace, id),
    FOREIGN KEY (workspace, assignee) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, parent) REFERENCES task (workspace, id)
) STRICT;
-- Lists go along one of the orders and leave out what is not asked for by what stands in the index.
CREATE INDEX task_by_place ON task (workspace, place, id, status, assignee) WHERE archived_at IS NULL;
CREATE INDEX task_by_board ON task (workspace, project, place, id, status, assignee) WHERE archived_at IS NULL;
CREATE INDEX task_by_due ON task (workspace, sort_due, id, status, assignee) WHERE archived_at IS NULL;
CREATE INDEX task_by_open ON task (workspace, sort_due, id, project, status, assignee) WHERE archived_at IS NULL AND over IS NULL;
CREATE INDEX task_by_title ON task (workspace, sort_title, id, status, assignee) WHERE archived_at IS NULL;
CREATE INDEX task_by_priority ON task (workspace, sort_priority, id, status, assignee) WHERE archived_at IS NULL;
CREATE INDEX task_by_created ON task (workspace, created_at, id, status, assignee) WHERE archived_at IS NULL;
CREATE INDEX task_by_updated ON task (workspace, updated_at, id, status, assignee) WHERE archived_at IS NULL;
-- Where few have something in common, they are gathered by it; how far a project is, is summed up from the first of these.
CREATE INDEX task_by_status ON task (workspace, project, status, estimate, sort_due) WHERE archived_at IS NULL;
CREATE INDEX task_by_assignee ON task (workspace, assignee, status, sort_due) WHERE archived_at IS NULL;
CREATE INDEX task_by_column ON task (workspace, board_column, place, id);
CREATE INDEX task_by_parent ON task (workspace, parent, status) WHERE parent IS NOT NULL;

-- What they wait for.
CREATE TABLE task_dependency (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    project     INTEGER NOT NULL,
    task        INTEGER NOT NULL,
    predecessor INTEGER NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('finish_to_start', 'start_to_start', 'finish_to_finish')),
    lag_days    INTEGER NOT NULL, -- working days
    CONSTRAINT task_dependency_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, project) REFERENCES project (workspace, id),
    FOREIGN KEY (workspace, task) REFERENCES task (workspace, id),
    FOREIGN KEY (workspace, predecessor) REFERENCES task (workspace, id)
) STRICT;
CREATE INDEX task_dependency_by_project ON task_dependency (workspace, project, id);
CREATE INDEX task_dependency_by_task ON task_dependency (workspace, task, predecessor);
CREATE INDEX task_dependency_by_predecessor ON task_dependency (workspace, predecessor, task);
