-- The jobs for which people are sought.
CREATE TABLE vacancy (
    id             BIGINT NOT NULL,
    workspace      BIGINT NOT NULL REFERENCES workspace (id),
    version        BIGINT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    created_by     BIGINT,
    updated_at     TIMESTAMPTZ NOT NULL,
    archived_at    TIMESTAMPTZ,
    attributes     JSONB NOT NULL,
    title          TEXT NOT NULL,
    sort_title     TEXT COLLATE "C" NOT NULL, -- folded
    status         TEXT NOT NULL CHECK (status IN ('draft', 'open', 'on_hold', 'closed')),
    department     TEXT,
    location       TEXT,
    employment     TEXT,
    hiring_manager BIGINT,
    recruiter      BIGINT,
    description    TEXT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, hiring_manager) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, recruiter) REFERENCES member (workspace, id)
);
CREATE INDEX vacancy_by_title ON vacancy (workspace, sort_title, id, status) WHERE archived_at IS NULL;
CREATE INDEX vacancy_by_created ON vacancy (workspace, created_at, id, status) WHERE archived_at IS NULL;
CREATE INDEX vacancy_by_updated ON vacancy (workspace, updated_at, id, status) WHERE archived_at IS NULL;
CREATE INDEX vacancy_by_hiring_manager ON vacancy (workspace, hiring_manager) WHERE hiring_manager IS NOT NULL;
CREATE INDEX vacancy_by_recruiter ON vacancy (workspace, recruiter) WHERE recruiter IS NOT NULL;

SELECT keep_in_workspace('vacancy');

-- The stages through which the applications for a job go.
CREATE TABLE job_stage (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    job         BIGINT NOT NULL,
    name        TEXT NOT NULL,
    position    BIGINT NOT NULL, -- from 1
    kind        TEXT NOT NULL CHECK (kind IN ('in_progress', 'offer', 'hired', 'rejected', 'withdrawn')),
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, job) REFERENCES vacancy (workspace, id)
);
CREATE INDEX job_stage_by_job ON job_stage (workspace, job, position, id) WHERE archived_at IS NULL;

SELECT keep_in_workspace('job_stage');

-- People who may work here one day.
CREATE TABLE candidate (
    id            BIGINT NOT NULL,
    workspace     BIGINT NOT NULL REFERENCES workspace (id),
    version       BIGINT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    created_by    BIGINT,
    updated_at    TIMESTAMPTZ NOT NULL,
    archived_at   TIMESTAMPTZ,
    attributes    JSONB NOT NULL,
    name          TEXT NOT NULL,
    sort_name     TEXT COLLATE "C" NOT NULL, -- folded
    email         TEXT,
    phone         TEXT,
    title         TEXT,
    employer      TEXT,
    location      TEXT,
    links         JSONB NOT NULL, -- JSON
    source        TEXT,
    referrer      BIGINT,
    owner         BIGINT,
    tags          JSONB NOT NULL, -- JSON
    summary       TEXT,
    resume        TEXT,
    consent_on    DATE,
    consent_until DATE,
    consent_ends  DATE NOT NULL, -- long ago where there is none
    legal_hold    TEXT,
    anonymized_on DATE,
    merged_into   BIGINT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, referrer) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, merged_into) REFERENCES candidate (workspace, id)
);
CREATE INDEX candidate_by_name ON candidate (workspace, sort_name, id) WHERE archived_at IS NULL;
CREATE INDEX candidate_by_created ON candidate (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX candidate_by_updated ON candidate (workspace, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX candidate_by_referrer ON candidate (workspace, referrer) WHERE referrer IS NOT NULL;
CREATE INDEX candidate_by_owner ON candidate (workspace, owner) WHERE owner IS NOT NULL;
CREATE INDEX candidate_by_merged_into ON candidate (workspace, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX candidate_by_keeping ON candidate (workspace, created_at, id) WHERE anonymized_on IS NULL;

SELECT keep_in_workspace('candidate');

-- That candidates may get a job.
CREATE TABLE application (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    name        TEXT NOT NULL, -- the candidate's
    candidate   BIGINT NOT NULL,
    job         BIGINT NOT NULL,
    stage       BIGINT NOT NULL,
    stage_since TIMESTAMPTZ NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('in_progress', 'offer', 'hired', 'rejected', 'withdrawn')),
    applied_on  DATE,
    source      TEXT,
    referrer    BIGINT,
    left_stage  BIGINT, -- where it ended without a hire
    reason      TEXT,
    note        TEXT,
    closed_on   DATE,
    accepted_on DATE,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, candidate) REFERENCES candidate (workspace, id),
    FOREIGN KEY (workspace, job) REFERENCES vacancy (workspace, id),
    FOREIGN KEY (workspace, stage) REFERENCES job_stage (workspace, id),
    FOREIGN KEY (workspace, left_stage) REFERENCES job_stage (workspace, id),
    FOREIGN KEY (workspace, referrer) REFERENCES member (workspace, id)
);
CREATE INDEX application_by_created ON application (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX application_by_updated ON application (workspace, updated_at, id) WHERE archived_at IS NULL;
CREATE INDEX application_by_candidate ON application (workspace, candidate, job, stage, status, stage_since, archived_at);
CREATE INDEX application_by_job ON application (workspace, job, status, stage) WHERE archived_at IS NULL;
CREATE INDEX application_by_stage ON application (workspace, stage);
CREATE INDEX application_by_left_stage ON application (workspace, left_stage) WHERE left_stage IS NOT NULL;
CREATE INDEX application_by_referrer ON application (workspace, referrer) WHERE referrer IS NOT NULL;
CREATE INDEX application_by_applied ON application (workspace, applied_on, id) WHERE archived_at IS NULL;

SELECT keep_in_workspace('application');

-- The moves of applications from stage to stage.
CREATE TABLE application_move (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    application BIGINT NOT NULL,
    from_stage  BIGINT, -- none where it began
    stage       BIGINT NOT NULL,
    moved_on    DATE NOT NULL,
    reason      TEXT,
    note        TEXT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, application) REFERENCES application (workspace, id),
    FOREIGN KEY (workspace, from_stage) REFERENCES job_stage (workspace, id),
    FOREIGN KEY (workspace, stage) REFERENCES job_stage (workspace, id)
);
CREATE INDEX application_move_by_application ON application_move (workspace, application, id, stage, moved_on, archived_at);
CREATE INDEX application_move_by_from_stage ON application_move (workspace, from_stage) WHERE from_stage IS NOT NULL;
CREATE INDEX application_move_by_stage ON application_move (workspace, stage);

SELECT keep_in_workspace('application_move');

-- The places that are to be filled.
CREATE TABLE opening (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    job         BIGINT NOT NULL,
    number      BIGINT NOT NULL, -- from 1
    status      TEXT NOT NULL CHECK (status IN ('open', 'filled', 'closed')),
    opened_on   DATE NOT NULL,
    application BIGINT, -- who fills it
    filled_on   DATE,
    closed_on   DATE, -- without being filled
    reason      TEXT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, job) REFERENCES vacancy (workspace, id),
    FOREIGN KEY (workspace, application) REFERENCES application (workspace, id)
);
CREATE INDEX opening_by_job ON opening (workspace, job, number, id, status) WHERE archived_at IS NULL;
CREATE INDEX opening_by_application ON opening (workspace, application) WHERE application IS NOT NULL;
CREATE INDEX opening_by_filled ON opening (workspace, filled_on) WHERE filled_on IS NOT NULL;

SELECT keep_in_workspace('opening');

-- What candidates are offered.
CREATE TABLE offer (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    application BIGINT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('draft', 'approved', 'sent', 'accepted', 'declined')),
    revision    BIGINT NOT NULL, -- from 1
    pay         BIGINT NOT NULL, -- units of 0.0001
    currency    TEXT NOT NULL, -- ISO 4217
    pay_per     TEXT NOT NULL,
    start_on    DATE,
    expires_on  DATE,
    terms       TEXT,
    sent_on     DATE,
    decided_on  DATE,
    decision    TEXT,
    earlier     JSONB NOT NULL, -- JSON
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, application) REFERENCES application (workspace, id)
);
CREATE INDEX offer_by_created ON offer (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX offer_by_application ON offer (workspace, application, status, archived_at);
CREATE INDEX offer_by_decided ON offer (workspace, decided_on, status) WHERE decided_on IS NOT NULL;

SELECT keep_in_workspace('offer');

-- Who talks with a candidate.
CREATE TABLE interview (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    application BIGINT NOT NULL,
    interviewer BIGINT NOT NULL,
    starts_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, application) REFERENCES application (workspace, id),
    FOREIGN KEY (workspace, interviewer) REFERENCES member (workspace, id)
);
CREATE INDEX interview_by_created ON interview (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX interview_by_application ON interview (workspace, application, archived_at);
CREATE INDEX interview_by_interviewer ON interview (workspace, interviewer);

SELECT keep_in_workspace('interview');
-- What interviewers think of a candidate.
CREATE TABLE scorecard (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    application BIGINT NOT NULL,
    interview   BIGINT NOT NULL,
    author      BIGINT NOT NULL,
    overall     TEXT NOT NULL CHECK (overall IN ('strong_no', 'no', 'mixed', 'yes', 'strong_yes')),
    ratings     JSONB NOT NULL, -- JSON
    notes       TEXT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, application) REFERENCES application (workspace, id),
    FOREIGN KEY (workspace, interview) REFERENCES interview (workspace, id),
    FOREIGN KEY (workspace, author) REFERENCES member (workspace, id)
);
CREATE INDEX scorecard_by_created ON scorecard (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX scorecard_by_application ON scorecard (workspace, application, archived_at);
CREATE UNIQUE INDEX scorecard_is_one_each ON scorecard (workspace, interview) WHERE archived_at IS NULL;
CREATE INDEX scorecard_by_author ON scorecard (workspace, author);

SELECT keep_in_workspace('scorecard');

-- What a workspace arranges for recruiting.
CREATE TABLE recruiting_settings (
    id               BIGINT NOT NULL,
    workspace        BIGINT NOT NULL REFERENCES workspace (id),
    version          BIGINT NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL,
    created_by       BIGINT,
    updated_at       TIMESTAMPTZ NOT NULL,
    archived_at      TIMESTAMPTZ,
    attributes       JSONB NOT NULL,
    retention_months BIGINT, -- after the end of the last procedure
    PRIMARY KEY (workspace, id)
);
CREATE INDEX recruiting_settings_by_created ON recruiting_settings (workspace, created_at, id) WHERE archived_at IS NULL;

SELECT keep_in_workspace('recruiting_settings');
