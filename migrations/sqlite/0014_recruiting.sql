-- The jobs for which people are sought.
CREATE TABLE vacancy (
    id             INTEGER PRIMARY KEY,
    workspace      INTEGER NOT NULL REFERENCES workspace (id),
    version        INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    created_by     INTEGER,
    updated_at     INTEGER NOT NULL,
    archived_at    INTEGER,
    attributes     TEXT NOT NULL,
    title          TEXT NOT NULL,
    sort_title     TEXT NOT NULL, -- folded
    status         TEXT NOT NULL CHECK (status IN ('draft', 'open', 'on_hold', 'closed')),
    department     TEXT,
    location       TEXT,
    employment     TEXT,
    hiring_manager INTEGER,
    recruiter      INTEGER,
    description    TEXT,
    CONSTRAINT vacancy_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, hiring_manager) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, recruiter) REFERENCES member (workspace, id)
) STRICT;
CREATE INDEX vacancy_by_title ON vacancy (workspace, sort_title, id, status) WHERE archived_at IS NULL;
CREATE INDEX vacancy_by_created ON vacancy (workspace, created_at, id, status) WHERE archived_at IS NULL;
CREATE INDEX vacancy_by_updated ON vacancy (workspace, updated_at, id, status) WHERE archived_at IS NULL;
CREATE INDEX vacancy_by_hiring_manager ON vacancy (workspace, hiring_manager) WHERE hiring_manager IS NOT NULL;
CREATE INDEX vacancy_by_recruiter ON vacancy (workspace, recruiter) WHERE recruiter IS NOT NULL;

-- The stages through which the applications for a job go.
CREATE TABLE job_stage (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    job         INTEGER NOT NULL,
    name        TEXT NOT NULL,
    position    INTEGER NOT NULL, -- from 1
    kind        TEXT NOT NULL CHECK (kind IN ('in_progress', 'offer', 'hired', 'rejected', 'withdrawn')),
    CONSTRAINT job_stage_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, job) REFERENCES vacancy (workspace, id)
) STRICT;
CREATE INDEX job_stage_by_job ON job_stage (workspace, job, position, id) WHERE archived_at IS NULL;

-- People who may work here one day.
CREATE TABLE candidate (
    id            INTEGER PRIMARY KEY,
    workspace     INTEGER NOT NULL REFERENCES workspace (id),
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    created_by    INTEGER,
    updated_at    INTEGER NOT NULL,
    archived_at   INTEGER,
    attributes    TEXT NOT NULL,
    name          TEXT NOT NULL,
    sort_name     TEXT NOT NULL, -- folded
    email         TEXT,
    phone         TEXT,
    title         TEXT,
    employer      TEXT,
    location      TEXT,
    links         TEXT NOT NULL, -- JSON
    source        TEXT,
    referrer      INTEGER,
    owner         INTEGER,
    tags          TEXT NOT NULL, -- JSON
    summary       TEXT,
    resume        TEXT,
    consent_on    TEXT,
    consent_until TEXT,
    consent_ends  TEXT NOT NULL, -- long ago where there is none
    legal_hold    TEXT,
    anonymized_on TEXT,
    merged_into   INTEGER,
    CONSTRAINT candidate_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, referrer) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, merged_into) REFERENCES candidate (workspace, id)
) STRICT;
CREATE INDEX candidate_by_name ON candidate (workspace, sort_name, id) WHERE archived_at IS NULL;
CREATE INDEX candidate_by_created ON candidate (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX candidate_by_updated ON candidate (workspace, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX candidate_by_referrer ON candidate (workspace, referrer) WHERE referrer IS NOT NULL;
CREATE INDEX candidate_by_owner ON candidate (workspace, owner) WHERE owner IS NOT NULL;
CREATE INDEX candidate_by_merged_into ON candidate (workspace, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX candidate_by_keeping ON candidate (workspace, created_at, id) WHERE anonymized_on IS NULL;

-- That candidates may get a job.
CREATE TABLE application (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    name        TEXT NOT NULL, -- the candidate's
    candidate   INTEGER NOT NULL,
    job         INTEGER NOT NULL,
    stage       INTEGER NOT NULL,
    stage_since INTEGER NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('in_progress', 'offer', 'hired', 'rejected', 'withdrawn')),
    applied_on  TEXT,
    source      TEXT,
    referrer    INTEGER,
    left_stage  INTEGER, -- where it ended without a hire
    reason      TEXT,
    note        TEXT,
    closed_on   TEXT,
    accepted_on TEXT,
    CONSTRAINT application_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, candidate) REFERENCES candidate (workspace, id),
    FOREIGN KEY (workspace, job) REFERENCES vacancy (workspace, id),
    FOREIGN KEY (workspace, stage) REFERENCES job_stage (workspace, id),
    FOREIGN KEY (workspace, left_stage) REFERENCES job_stage (workspace, id),
    FOREIGN KEY (workspace, referrer) REFERENCES member (workspace, id)
) STRICT;
CREATE INDEX application_by_created ON application (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX application_by_updated ON application (workspace, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX application_by_candidate ON application (workspace, candidate, job, stage, status, stage_since, archived_at);
CREATE INDEX application_by_job ON application (workspace, job, status, stage) WHERE archived_at IS NULL;
CREATE INDEX application_by_stage ON application (workspace, stage);
CREATE INDEX application_by_left_stage ON application (workspace, left_stage) WHERE left_stage IS NOT NULL;
CREATE INDEX application_by_referrer ON application (workspace, referrer) WHERE referrer IS NOT NULL;
CREATE INDEX application_by_applied ON application (workspace, applied_on, id) WHERE archived_at IS NULL;

-- The moves of applications from stage to stage.
CREATE TABLE application_move (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    application INTEGER NOT NULL,
    from_stage  INTEGER, -- none where it began
    stage       INTEGER NOT NULL,
    moved_on    TEXT NOT NULL,
    reason      TEXT,
    note        TEXT,
    CONSTRAINT application_move_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, application) REFERENCES application (workspace, id),
    FOREIGN KEY (workspace, from_stage) REFERENCES job_stage (workspace, id),
    FOREIGN KEY (workspace, stage) REFERENCES job_stage (workspace, id)
) STRICT;
CREATE INDEX application_move_by_application ON application_move (workspace, application, id, stage, moved_on, archived_at);
CREATE INDEX application_move_by_from_stage ON application_move (workspace, from_stage) WHERE from_stage IS NOT NULL;
CREATE INDEX application_move_by_stage ON application_move (workspace, stage);

-- The places that are to be filled.
CREATE TABLE opening (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    job         INTEGER NOT NULL,
    number      INTEGER NOT NULL, -- from 1
    status      TEXT NOT NULL CHECK (status IN ('open', 'filled', 'closed')),
    opened_on   TEXT NOT NULL,
    application INTEGER, -- who fills it
    filled_on   TEXT,
    closed_on   TEXT, -- without being filled
    reason      TEXT,
    CONSTRAINT opening_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, job) REFERENCES vacancy (workspace, id),
    FOREIGN KEY (workspace, application) REFERENCES application (workspace, id)
) STRICT;
CREATE INDEX opening_by_job ON opening (workspace, job, number, id, status) WHERE archived_at IS NULL;
CREATE INDEX opening_by_application ON opening (workspace, application) WHERE application IS NOT NULL;
CREATE INDEX opening_by_filled ON opening (workspace, filled_on) WHERE filled_on IS NOT NULL;

-- What candidates are offered.
CREATE TABLE offer (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    application INTEGER NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('draft', 'approved', 'sent', 'accepted', 'declined')),
    revision    INTEGER NOT NULL, -- from 1
    pay         INTEGER NOT NULL, -- units of 0.0001
    currency    TEXT NOT NULL, -- ISO 4217
    pay_per     TEXT NOT NULL,
    start_on    TEXT,
    expires_on  TEXT,
    terms       TEXT,
    sent_on     TEXT,
    decided_on  TEXT,
    decision    TEXT,
    earlier     TEXT NOT NULL, -- JSON
    CONSTRAINT offer_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, application) REFERENCES application (workspace, id)
) STRICT;
CREATE INDEX offer_by_created ON offer (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX offer_by_application ON offer (workspace, application, status, archived_at);
CREATE INDEX offer_by_decided ON offer (workspace, decided_on, status) WHERE decided_on IS NOT NULL;

-- Who talks with a candidate.
CREATE TABLE interview (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    application INTEGER NOT NULL,
    interviewer INTEGER NOT NULL,
    starts_at   INTEGER NOT NULL,
    CONSTRAINT interview_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, application) REFERENCES application (workspace, id),
    FOREIGN KEY (workspace, interviewer) REFERENCES member (workspace, id)
) STRICT;
CREATE INDEX interview_by_created ON interview (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX interview_by_application ON interview (workspace, application, archived_at);
CREATE INDEX interview_by_interviewer ON interview (workspace, interviewer);
-- What interviewers think of a candidate.
CREATE TABLE scorecard (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    application INTEGER NOT NULL,
    interview   INTEGER NOT NULL,
    author      INTEGER NOT NULL,
    overall     TEXT NOT NULL CHECK (overall IN ('strong_no', 'no', 'mixed', 'yes', 'strong_yes')),
    ratings     TEXT NOT NULL, -- JSON
    notes       TEXT,
    CONSTRAINT scorecard_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, application) REFERENCES application (workspace, id),
    FOREIGN KEY (workspace, interview) REFERENCES interview (workspace, id),
    FOREIGN KEY (workspace, author) REFERENCES member (workspace, id)
) STRICT;
CREATE INDEX scorecard_by_created ON scorecard (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX scorecard_by_application ON scorecard (workspace, application, archived_at);
CREATE UNIQUE INDEX scorecard_is_one_each ON scorecard (workspace, interview) WHERE archived_at IS NULL;
CREATE INDEX scorecard_by_author ON scorecard (workspace, author);

-- What a workspace arranges for recruiting.
CREATE TABLE recruiting_settings (
    id               INTEGER PRIMARY KEY,
    workspace        INTEGER NOT NULL REFERENCES workspace (id),
    version          INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    created_by       INTEGER,
    updated_at       INTEGER NOT NULL,
    archived_at      INTEGER,
    attributes       TEXT NOT NULL,
    retention_months INTEGER, -- after the end of the last procedure
    CONSTRAINT recruiting_settings_in_workspace UNIQUE (workspace, id)
) STRICT;
CREATE INDEX recruiting_settings_by_created ON recruiting_settings (workspace, created_at, id) WHERE archived_at IS NULL;
