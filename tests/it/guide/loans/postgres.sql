-- What is lent.
CREATE TABLE loan (
    id          BIGINT PRIMARY KEY,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    item        TEXT NOT NULL,
    borrower    BIGINT,
    due_on      DATE,
    sort_due    DATE NOT NULL, -- the end of time where there is none
    returned_on DATE,
    CONSTRAINT loan_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, borrower) REFERENCES contact (workspace, id)
);
CREATE INDEX loan_by_due ON loan (workspace, sort_due, id) WHERE archived_at IS NULL;
CREATE INDEX loan_by_borrower ON loan (workspace, borrower) WHERE borrower IS NOT NULL;

SELECT keep_in_workspace('loan');
