-- What is lent.
CREATE TABLE loan (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    item        TEXT NOT NULL,
    borrower    INTEGER,
    due_on      TEXT,
    sort_due    TEXT NOT NULL, -- the end of time where there is none
    returned_on TEXT,
    CONSTRAINT loan_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, borrower) REFERENCES contact (workspace, id)
) STRICT;
CREATE INDEX loan_by_due ON loan (workspace, sort_due, id) WHERE archived_at IS NULL;
CREATE INDEX loan_by_borrower ON loan (workspace, borrower) WHERE borrower IS NOT NULL;
