-- Tickets, and what is arranged for them.

-- When the firm is there for its customers.
CREATE TABLE business_calendar (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    name        TEXT NOT NULL,
    time_zone   TEXT, -- the workspace's where there is none
    hours       JSONB NOT NULL,
    holidays    JSONB NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX business_calendar_by_created ON business_calendar (workspace, created_at, id) WHERE archived_at IS NULL;

SELECT keep_in_workspace('business_calendar');

-- What customers may expect.
CREATE TABLE sla_policy (
    id                     BIGINT NOT NULL,
    workspace              BIGINT NOT NULL REFERENCES workspace (id),
    version                BIGINT NOT NULL,
    created_at             TIMESTAMPTZ NOT NULL,
    created_by             BIGINT,
    updated_at             TIMESTAMPTZ NOT NULL,
    archived_at            TIMESTAMPTZ,
    attributes             JSONB NOT NULL,
    name                   TEXT NOT NULL,
    position               BIGINT NOT NULL, -- the least is tried first
    is_default             BOOLEAN NOT NULL,
    disabled               BOOLEAN NOT NULL,
    company                BIGINT,
    team                   BIGINT,
    priorities             JSONB NOT NULL,
    tags                   JSONB NOT NULL,
    categories             JSONB NOT NULL,
    channels               JSONB NOT NULL,
    calendar               BIGINT NOT NULL,
    first_response_minutes BIGINT, -- of working time
    next_response_minutes  BIGINT,
    resolution_minutes     BIGINT,
    warn_percent           BIGINT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, team) REFERENCES team (workspace, id),
    FOREIGN KEY (workspace, calendar) REFERENCES business_calendar (workspace, id)
);
CREATE INDEX sla_policy_by_created ON sla_policy (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX sla_policy_by_company ON sla_policy (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX sla_policy_by_team ON sla_policy (workspace, team) WHERE team IS NOT NULL;
CREATE INDEX sla_policy_by_calendar ON sla_policy (workspace, calendar);

SELECT keep_in_workspace('sla_policy');

-- The words of a workspace, one row for each.
CREATE TABLE ticket_settings (
    id           BIGINT NOT NULL,
    workspace    BIGINT NOT NULL REFERENCES workspace (id),
    version      BIGINT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    created_by   BIGINT,
    updated_at   TIMESTAMPTZ NOT NULL,
    archived_at  TIMESTAMPTZ,
    attributes   JSONB NOT NULL,
    categories   JSONB NOT NULL,
    products     JSONB NOT NULL,
    hold_reasons JSONB NOT NULL,
    pausing      JSONB NOT NULL, -- statuses that stop the clocks
    generation   BIGINT NOT NULL, -- counts the changes of policies and calendars
    PRIMARY KEY (workspace, id)
);
CREATE INDEX ticket_settings_by_created ON ticket_settings (workspace, created_at, id) WHERE archived_at IS NULL;

SELECT keep_in_workspace('ticket_settings');

-- What customers ask for.
CREATE TABLE ticket (
    id                       BIGINT NOT NULL,
    workspace                BIGINT NOT NULL REFERENCES workspace (id),
    version                  BIGINT NOT NULL,
    created_at               TIMESTAMPTZ NOT NULL,
    created_by               BIGINT,
    updated_at               TIMESTAMPTZ NOT NULL,
    archived_at              TIMESTAMPTZ,
    attributes               JSONB NOT NULL,
    name                     TEXT NOT NULL, -- number and subject
    number                   TEXT,
    series                   BIGINT,
    period                   BIGINT,
    serial                   BIGINT,
    subject                  TEXT NOT NULL,
    status                   TEXT NOT NULL CHECK (status IN ('new', 'open', 'pending', 'on_hold', 'solved', 'closed')),
    hold_reason              TEXT,
    priority                 TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    sort_priority            BIGINT NOT NULL, -- 0 is low
    requester                BIGINT,
    company                  BIGINT,
    assignee                 BIGINT,
    team                     BIGINT,
    category                 TEXT,
    product                  TEXT,
    channel                  TEXT CHECK (channel IN ('email', 'phone', 'chat', 'web', 'other')),
    tags                     JSONB NOT NULL,
    opened_at                TIMESTAMPTZ NOT NULL,
    next_breach              TIMESTAMPTZ, -- of the clocks that run
    sort_next_breach         TIMESTAMPTZ NOT NULL, -- the end of time where none runs
    next_warning             TIMESTAMPTZ,
    next_check               TIMESTAMPTZ, -- the least breach that is not recorded yet
    clocks_of                BIGINT NOT NULL, -- the state of policies and calendars by which the clocks were set
    policy                   BIGINT,
    breached                 BOOLEAN NOT NULL,
    first_response_breached  BOOLEAN NOT NULL,
    resolution_breached      BOOLEAN NOT NULL,
    waiting_since            TIMESTAMPTZ, -- for an answer
    first_response_at        TIMESTAMPTZ,
    first_response_minutes   BIGINT, -- of working time
    first_solved_at          TIMESTAMPTZ,
    first_resolution_minutes BIGINT,
    solved_at                TIMESTAMPTZ,
    resolution_minutes       BIGINT,
    closed_at                TIMESTAMPTZ,
    reopened                 BIGINT NOT NULL,
    history                  JSONB NOT NULL, -- every status, from which what was paused follows
    handovers                JSONB NOT NULL,
    merged_into              BIGINT,
    satisfaction             BIGINT CHECK (satisfaction BETWEEN 1 AND 5),
    satisfaction_comment     TEXT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, series) REFERENCES number_series (workspace, id),
    FOREIGN KEY (workspace, requester) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, assignee) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, team) REFERENCES team (workspace, id),
    FOREIGN KEY (workspace, policy) REFERENCES sla_policy (workspace, id),
    FOREIGN KEY (workspace, merged_into) REFERENCES ticket (workspace, id)
);
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

SELECT keep_in_workspace('ticket');

-- What was said in tickets.
CREATE TABLE ticket_message (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    ticket      BIGINT NOT NULL,
    type        TEXT NOT NULL CHECK (type IN ('customer', 'reply', 'draft', 'note', 'automatic')),
    body        TEXT NOT NULL,
    sent_at     TIMESTAMPTZ NOT NULL,
    member      BIGINT,
    contact     BIGINT,
    outside_id  TEXT,
    merged_from BIGINT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, ticket) REFERENCES ticket (workspace, id),
    FOREIGN KEY (workspace, member) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, contact) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, merged_from) REFERENCES ticket (workspace, id)
);
-- What comes from outside is brought in once.
CREATE UNIQUE INDEX ticket_message_by_outside ON ticket_message (workspace, outside_id) WHERE outside_id IS NOT NULL AND archived_at IS NULL;
-- Also what is deleted: it is erased with its ticket.
CREATE INDEX ticket_message_by_ticket ON ticket_message (workspace, ticket, sent_at, id);
CREATE INDEX ticket_message_by_sent ON ticket_message (workspace, sent_at, id) WHERE archived_at IS NULL;
CREATE INDEX ticket_message_by_member ON ticket_message (workspace, member) WHERE member IS NOT NULL;
CREATE INDEX ticket_message_by_contact ON ticket_message (workspace, contact) WHERE contact IS NOT NULL;
CREATE INDEX ticket_message_by_merged ON ticket_message (workspace, merged_from) WHERE merged_from IS NOT NULL;

SELECT keep_in_workspace('ticket_message');

-- That clocks of tickets came to their targets.
CREATE TABLE ticket_breach (
    id             BIGINT NOT NULL,
    workspace      BIGINT NOT NULL REFERENCES workspace (id),
    version        BIGINT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    created_by     BIGINT,
    updated_at     TIMESTAMPTZ NOT NULL,
    archived_at    TIMESTAMPTZ,
    attributes     JSONB NOT NULL,
    ticket         BIGINT NOT NULL,
    clock          TEXT NOT NULL CHECK (clock IN ('first_response', 'next_response', 'resolution')),
    message        BIGINT,
    target_minutes BIGINT NOT NULL,
    due_at         TIMESTAMPTZ NOT NULL,
    ended_at       TIMESTAMPTZ,
    minutes_taken  BIGINT, -- of working time
    minutes_over   BIGINT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, ticket) REFERENCES ticket (workspace, id),
    FOREIGN KEY (workspace, message) REFERENCES ticket_message (workspace, id)
);
-- Each once for a clock and message.
CREATE UNIQUE INDEX ticket_breach_once ON ticket_breach (workspace, ticket, clock) WHERE message IS NULL AND archived_at IS NULL;
CREATE UNIQUE INDEX ticket_breach_once_a_message ON ticket_breach (workspace, ticket, clock, message) WHERE message IS NOT NULL AND archived_at IS NULL;
CREATE INDEX ticket_breach_by_ticket ON ticket_breach (workspace, ticket, due_at, id);
CREATE INDEX ticket_breach_by_due ON ticket_breach (workspace, due_at, id) WHERE archived_at IS NULL;
CREATE INDEX ticket_breach_by_message ON ticket_breach (workspace, message) WHERE message IS NOT NULL;

SELECT keep_in_workspace('ticket_breach');
