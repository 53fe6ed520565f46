-- Tickets, and what is arranged for them.

-- When the firm is there for its customers.
CREATE TABLE business_calendar (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    name        TEXT NOT NULL,
    time_zone   TEXT, -- the workspace's where there is none
    hours       TEXT NOT NULL,
    holidays    TEXT NOT NULL,
    CONSTRAINT business_calendar_in_workspace UNIQUE (workspace, id)
) STRICT;
CREATE INDEX business_calendar_by_created ON business_calendar (workspace, created_at, id) WHERE archived_at IS NULL;

-- What customers may expect.
CREATE TABLE sla_policy (
    id                     INTEGER PRIMARY KEY,
    workspace              INTEGER NOT NULL REFERENCES workspace (id),
    version                INTEGER NOT NULL,
    created_at             INTEGER NOT NULL,
    created_by             INTEGER,
    updated_at             INTEGER NOT NULL,
    archived_at            INTEGER,
    attributes             TEXT NOT NULL,
    name                   TEXT NOT NULL,
    position               INTEGER NOT NULL, -- the least is tried first
    is_default             INTEGER NOT NULL,
    disabled               INTEGER NOT NULL,
    company                INTEGER,
    team                   INTEGER,
    priorities             TEXT NOT NULL,
    tags                   TEXT NOT NULL,
    categories             TEXT NOT NULL,
    channels               TEXT NOT NULL,
    calendar               INTEGER NOT NULL,
    first_response_minutes INTEGER, -- of working time
    next_response_minutes  INTEGER,
    resolution_minutes     INTEGER,
    warn_percent           INTEGER,
    CONSTRAINT sla_policy_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, team) REFERENCES team (workspace, id),
    FOREIGN KEY (workspace, calendar) REFERENCES business_calendar (workspace, id)
) STRICT;
CREATE INDEX sla_policy_by_created ON sla_policy (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX sla_policy_by_company ON sla_policy (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX sla_policy_by_team ON sla_policy (workspace, team) WHERE team IS NOT NULL;
CREATE INDEX sla_policy_by_calendar ON sla_policy (workspace, calendar);

-- The words of a workspace, one row for each.
CREATE TABLE ticket_settings (
    id           INTEGER PRIMARY KEY,
    workspace    INTEGER NOT NULL REFERENCES workspace (id),
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   INTEGER,
    updated_at   INTEGER NOT NULL,
    archived_at  INTEGER,
    attributes   TEXT NOT NULL,
    categories   TEXT NOT NULL,
    products     TEXT NOT NULL,
    hold_reasons TEXT NOT NULL,
    pausing      TEXT NOT NULL, -- statuses that stop the clocks
    generation   INTEGER NOT NULL, -- counts the changes of policies and calendars
    CONSTRAINT ticket_settings_in_workspace UNIQUE (workspace, id)
) STRICT;
CREATE INDEX ticket_settings_by_created ON ticket_settings (workspace, created_at, id) WHERE archived_at IS NULL;

-- What customers ask for.
CREATE TABLE ticket (
    id                       INTEGER PRIMARY KEY,
    workspace                INTEGER NOT NULL REFERENCES workspace (id),
    version                  INTEGER NOT NULL,
    created_at               INTEGER NOT NULL,
    created_by               INTEGER,
    updated_at               INTEGER NOT NULL,
    archived_at              INTEGER,
    attributes               TEXT NOT NULL,
    name                     TEXT NOT NULL, -- number and subject
    number                   TEXT,
    series                   INTEGER,
    period                   INTEGER,
    serial                   INTEGER,
    subject                  TEXT NOT NULL,
    status                   TEXT NOT NULL CHECK (status IN ('new', 'open', 'pending', 'on_hold', 'solved', 'closed')),
    hold_reason              TEXT,
    priority                 TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    sort_priority            INTEGER NOT NULL, -- 0 is low
    requester                INTEGER,
    company                  INTEGER,
    assignee                 INTEGER,
    team                     INTEGER,
    category                 TEXT,
    product                  TEXT,
    channel                  TEXT CHECK (channel IN ('email', 'phone', 'chat', 'web', 'other')),
    tags                     TEXT NOT NULL,
    opened_at                INTEGER NOT NULL,
    next_breach              INTEGER, -- of the clocks that run
    sort_next_breach         INTEGER NOT NULL, -- the end of time where none runs
    next_warning             INTEGER,
    next_check               INTEGER, -- the least breach that is not recorded yet
    clocks_of                INTEGER NOT NULL, -- the state of policies and calendars by which the clocks were set
    policy                   INTEGER,
    breached                 INTEGER NOT NULL,
    first_response_breached  INTEGER NOT NULL,
    resolution_breached      INTEGER NOT NULL,
    waiting_since            INTEGER, -- for an answer
    first_response_at        INTEGER,
    first_response_minutes   INTEGER, -- of working time
    first_solved_at          INTEGER,
    first_resolution_minutes INTEGER,
    solved_at                INTEGER,
    resolution_minutes       INTEGER,
    closed_at                INTEGER,
    reopened                 INTEGER NOT NULL,
    history                  TEXT NOT NULL, -- every status, from which what was paused follows
    handovers                TEXT NOT NULL,
    merged_into              INTEGER,
    satisfaction             INTEGER CHECK (satisfaction BETWEEN 1 AND 5),
    satisfaction_comment     TEXT,
    CONSTRAINT ticket_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, series) REFERENCES number_series (workspace, id),
    FOREIGN KEY (workspace, requester) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, assignee) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, team) REFERENCES team (workspace, id),
    FOREIGN KEY (workspace, policy) REFERENCES sla_policy (workspace, id),
    FOREIGN KEY (workspace, merged_into) REFERENCES ticket (workspace, id)
) STRICT;
-- Numbers are counted from the tickets that have them.
CREATE UNIQUE INDEX ticket_by_number ON ticket (workspace, series, period, serial) WHERE serial IS NOT NULL;
-- Lists go along one of the orders and leave out what is not asked for by what stands in the index.
CREATE INDEX ticket_by_next_breach ON ticket (workspace, sort_next_breach, id, status, assignee, breached) WHERE archived_at IS NULL;
CREATE INDEX ticket_by_opened ON ticket (workspace, opened_at, id, status, assignee, priority) WHERE archived_at IS NULL;
CREATE INDEX ticket_by_updated ON ticket (workspace, updated_at, id, status, assignee) WHERE archived_at IS NULL;
CREATE INDEX ticket_by_priority ON ticket (workspace, sort_priority, id, status, assignee) WHERE archived_at IS NULL;
CREATE INDEX ticket_by_solved ON ticket (workspace, solved_at) WHERE archived_at IS NULL AND solved_at IS NOT NULL;
CREATE INDEX ticket_by_closed ON ticket (workspace, closed_at) WHERE archived_at IS NULL AND closed_at IS NOT NULL;
CREATE INDEX ticket_by_first_response ON ticket (workspace, first_response_at) WHERE archived_at IS NULL AND first_response_at IS NOT NULL;
CREATE INDEX ticket_by_satisfaction ON ticket (workspace, satisfaction) WHERE archived_at IS NULL AND satisfaction IS NOT NULL;
CREATE INDEX ticket_by_warning ON ticket (workspace, next_warning) WHERE archived_at IS NULL AND next_warning IS NOT NULL;
CREATE INDEX ticket_by_check ON ticket (workspace, next_check, id) WHERE archived_at IS NULL AND next_check IS NOT NULL;
CREATE INDEX ticket_by_clocks ON ticket (workspace, clocks_of, id) WHERE archived_at IS NULL AND solved_at IS NULL;
CREATE INDEX ticket_by_status ON ticket (workspace, status, opened_at) WHERE archived_at IS NULL;
CREATE INDEX ticket_by_requester ON ticket (workspace, requester) WHERE requester IS NOT NULL;
CREATE INDEX ticket_by_company ON ticket (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX ticket_by_assignee ON ticket (workspace, assignee, status) WHERE assignee IS NOT NULL;
CREATE INDEX ticket_by_team ON ticket (workspace, team) WHERE team IS NOT NULL;
CREATE INDEX ticket_by_policy ON ticket (workspace, policy) WHERE policy IS NOT NULL;
CREATE INDEX ticket_by_merged ON ticket (workspace, merged_into) WHERE merged_into IS NOT NULL;

-- What was said in tickets.
CREATE TABLE ticket_message (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    ticket      INTEGER NOT NULL,
    type        TEXT NOT NULL CHECK (type IN ('customer', 'reply', 'draft', 'note', 'automatic')),
    body        TEXT NOT NULL,
    sent_at     INTEGER NOT NULL,
    member      INTEGER,
    contact     INTEGER,
    outside_id  TEXT,
    merged_from INTEGER,
    CONSTRAINT ticket_message_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, ticket) REFERENCES ticket (workspace, id),
    FOREIGN KEY (workspace, member) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, contact) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, merged_from) REFERENCES ticket (workspace, id)
) STRICT;
-- What comes from outside is brought in once.
CREATE UNIQUE INDEX ticket_message_by_outside ON ticket_message (workspace, outside_id) WHERE outside_id IS NOT NULL AND archived_at IS NULL;
-- Also what is deleted: it is erased with its ticket.
CREATE INDEX ticket_message_by_ticket ON ticket_message (workspace, ticket, sent_at, id);
CREATE INDEX ticket_message_by_sent ON ticket_message (workspace, sent_at, id) WHERE archived_at IS NULL;
CREATE INDEX ticket_message_by_member ON ticket_message (workspace, member) WHERE member IS NOT NULL;
CREATE INDEX ticket_message_by_contact ON ticket_message (workspace, contact) WHERE contact IS NOT NULL;
CREATE INDEX ticket_message_by_merged ON ticket_message (workspace, merged_from) WHERE merged_from IS NOT NULL;

-- That clocks of tickets came to their targets.
CREATE TABLE ticket_breach (
    id             INTEGER PRIMARY KEY,
    workspace      INTEGER NOT NULL REFERENCES workspace (id),
    version        INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    created_by     INTEGER,
    updated_at     INTEGER NOT NULL,
    archived_at    INTEGER,
    attributes     TEXT NOT NULL,
    ticket         INTEGER NOT NULL,
    clock          TEXT NOT NULL CHECK (clock IN ('first_response', 'next_response', 'resolution')),
    message        INTEGER,
    target_minutes INTEGER NOT NULL,
    due_at         INTEGER NOT NULL,
    ended_at       INTEGER,
    minutes_taken  INTEGER, -- of working time
    minutes_over   INTEGER,
    CONSTRAINT ticket_breach_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, ticket) REFERENCES ticket (workspace, id),
    FOREIGN KEY (workspace, message) REFERENCES ticket_message (workspace, id)
) STRICT;
-- Each once for a clock and message.
CREATE UNIQUE INDEX ticket_breach_once ON ticket_breach (workspace, ticket, clock) WHERE message IS NULL AND archived_at IS NULL;
CREATE UNIQUE INDEX ticket_breach_once_a_message ON ticket_breach (workspace, ticket, clock, message) WHERE message IS NOT NULL AND archived_at IS NULL;
CREATE INDEX ticket_breach_by_ticket ON ticket_breach (workspace, ticket, due_at, id);
CREATE INDEX ticket_breach_by_due ON ticket_breach (workspace, due_at, id) WHERE archived_at IS NULL;
CREATE INDEX ticket_breach_by_message ON ticket_breach (workspace, message) WHERE message IS NOT NULL;
