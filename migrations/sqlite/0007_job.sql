-- Work that is done by itself when a record is due for it. What is due is said by the records; a row stands here while a
-- server does the work, and after it failed.
CREATE TABLE job (
    workspace    INTEGER NOT NULL REFERENCES workspace (id),
    name         TEXT NOT NULL,    -- what is done
    record       INTEGER NOT NULL, -- to which record
    enqueued_at  INTEGER NOT NULL, -- when it was first taken up
    run_after    INTEGER NOT NULL, -- nobody takes it up again before; never before the lease ends
    leased_until INTEGER,          -- its holder is at it until then; nothing once it gave up
    holder       INTEGER,          -- the process that does it, a random number
    attempts     INTEGER NOT NULL, -- how often it was taken up
    last_error   TEXT,             -- why it was not done
    PRIMARY KEY (workspace, name, record)
) STRICT;

-- How far followers have come with the sealed log of a workspace: what they have taken in, up to this position.
CREATE TABLE follower (
    workspace INTEGER NOT NULL REFERENCES workspace (id),
    name      TEXT NOT NULL,
    position  INTEGER NOT NULL,
    PRIMARY KEY (workspace, name)
) STRICT;
