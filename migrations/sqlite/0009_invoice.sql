-- Offers to customers.
CREATE TABLE quotation (
    id           INTEGER PRIMARY KEY,
    workspace    INTEGER NOT NULL REFERENCES workspace (id),
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   INTEGER,
    updated_at   INTEGER NOT NULL,
    archived_at  INTEGER,
    attributes   TEXT NOT NULL,
    name         TEXT NOT NULL, -- number and title
    title        TEXT NOT NULL,
    sort_title   TEXT NOT NULL, -- folded
    status       TEXT NOT NULL CHECK (status IN ('draft', 'sent', 'accepted', 'declined', 'expired')),
    number       TEXT,
    series       INTEGER,
    period       INTEGER,
    serial       INTEGER,
    revision     INTEGER NOT NULL,
    earlier      TEXT NOT NULL,
    company      INTEGER,
    contact      INTEGER,
    customer     TEXT,
    deal         INTEGER,
    owner        INTEGER,
    currency     TEXT NOT NULL, -- ISO 4217
    valid_until  TEXT,
    sort_valid   TEXT NOT NULL, -- of one that was sent or expired; the end of time for the others
    sent_on      TEXT,
    decided_at   INTEGER,
    decision     TEXT,
    converted_at INTEGER, -- to an invoice
    reference    TEXT,
    lines        TEXT NOT NULL,
    discount     TEXT,
    charge       INTEGER,
    charge_for    TEXT,
    language      TEXT,
    introduction TEXT,
    notes        TEXT,
    seller       TEXT NOT NULL,
    buyer        TEXT NOT NULL,
    net_total    INTEGER NOT NULL, -- units of 0.0001
    tax_total    INTEGER NOT NULL,
    gross_total  INTEGER NOT NULL,
    CONSTRAINT quotation_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, series) REFERENCES number_series (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, contact) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, deal) REFERENCES deal (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id)
) STRICT;
-- Numbers are counted from the documents that have them.
CREATE UNIQUE INDEX quotation_by_number ON quotation (workspace, series, period, serial) WHERE serial IS NOT NULL;
CREATE INDEX quotation_by_created ON quotation (workspace, created_at, id, status) WHERE archived_at IS NULL;
CREATE INDEX quotation_by_title ON quotation (workspace, sort_title, id, status) WHERE archived_at IS NULL;
CREATE INDEX quotation_by_valid ON quotation (workspace, sort_valid, id, status) WHERE archived_at IS NULL;
CREATE INDEX quotation_by_total ON quotation (workspace, gross_total, id, status) WHERE archived_at IS NULL;
CREATE INDEX quotation_by_sent ON quotation (workspace, sent_on) WHERE archived_at IS NULL AND sent_on IS NOT NULL;
CREATE INDEX quotation_by_status ON quotation (workspace, status, currency, sent_on, gross_total, net_total, decided_at) WHERE archived_at IS NULL;
CREATE INDEX quotation_by_company ON quotation (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX quotation_by_contact ON quotation (workspace, contact) WHERE contact IS NOT NULL;
CREATE INDEX quotation_by_deal ON quotation (workspace, deal) WHERE deal IS NOT NULL;
CREATE INDEX quotation_by_owner ON quotation (workspace, owner) WHERE owner IS NOT NULL;

-- Plans by which invoices are made again and again.
CREATE TABLE recurring_invoice (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    name        TEXT NOT NULL,
    sort_name   TEXT NOT NULL, -- folded
    status      TEXT NOT NULL CHECK (status IN ('active', 'paused', 'ended')),
    company     INTEGER,
    contact     INTEGER,
    deal        INTEGER,
    owner       INTEGER,
    interval    TEXT NOT NULL CHECK (interval IN ('week', 'month', 'quarter', 'year')),
    every       INTEGER NOT NULL,
    starts_on   TEXT NOT NULL,
    month_day   INTEGER, -- of the first start, which a later one in a shorter month does not lose
    ends_on     TEXT,
    next_on     TEXT,
    sort_next   TEXT NOT NULL, -- of an active one; the end of time for the others
    made        INTEGER NOT NULL,
    last_on     TEXT,
    auto_issue  INTEGER NOT NULL,
    currency    TEXT NOT NULL, -- ISO 4217
    terms       TEXT,
    reference   TEXT,
    lines       TEXT NOT NULL,
    discount    TEXT,
    charge      INTEGER,
    charge_for    TEXT,
    language      TEXT,
    notes       TEXT,
    net_total   INTEGER NOT NULL, -- units of 0.0001
    gross_total INTEGER NOT NULL,
    CONSTRAINT recurring_invoice_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, contact) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, deal) REFERENCES deal (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id)
) STRICT;
CREATE INDEX recurring_invoice_by_created ON recurring_invoice (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX recurring_invoice_by_name ON recurring_invoice (workspace, sort_name, id) WHERE archived_at IS NULL;
CREATE INDEX recurring_invoice_by_next ON recurring_invoice (workspace, sort_next, id) WHERE archived_at IS NULL;
CREATE INDEX recurring_invoice_by_company ON recurring_invoice (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX recurring_invoice_by_contact ON recurring_invoice (workspace, contact) WHERE contact IS NOT NULL;
CREATE INDEX recurring_invoice_by_deal ON recurring_invoice (workspace, deal) WHERE deal IS NOT NULL;
CREATE INDEX recurring_invoice_by_owner ON recurring_invoice (workspace, owner) WHERE owner IS NOT NULL;

-- Invoices and credit notes.
CREATE TABLE invoice (
    id            INTEGER PRIMARY KEY,
    workspace     INTEGER NOT NULL REFERENCES workspace (id),
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    created_by    INTEGER,
    updated_at    INTEGER NOT NULL,
    archived_at   INTEGER,
    attributes    TEXT NOT NULL,
    name          TEXT NOT NULL, -- number
    kind          TEXT NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    status        TEXT NOT NULL CHECK (status IN ('draft', 'issued', 'partly_paid', 'paid', 'written_off', 'credited')),
    number        TEXT,
    series        INTEGER,
    period        INTEGER, -- the year of a yearly series, or 0
    serial        INTEGER,
    company       INTEGER,
    contact       INTEGER,
    customer      TEXT,
    sort_customer TEXT NOT NULL, -- folded
    deal          INTEGER,
    owner         INTEGER,
    source        TEXT, -- identifier of what it was made from
    recurring     INTEGER,
    recurring_on  TEXT,
    credits       INTEGER,
    currency      TEXT NOT NULL, -- ISO 4217
    issue_date    TEXT,
    sort_issued   TEXT NOT NULL, -- the end of time where there is none
    due_date      TEXT,
    first_due     TEXT, -- on its page; the day above may be a later one
    sort_due      TEXT NOT NULL, -- of an open invoice; the end of time for the others
    sort_balance  INTEGER NOT NULL, -- of an open invoice; 0 for the others
    terms         TEXT,
    delivered_on  TEXT,
    service_from  TEXT,
    service_to    TEXT,
    reference     TEXT,
    lines         TEXT NOT NULL,
    discount      TEXT,
    charge        INTEGER,
    charge_for    TEXT,
    language      TEXT,
    shares        TEXT NOT NULL, -- of a credit note, by rate
    notes         TEXT,
    seller        TEXT NOT NULL,
    buyer         TEXT NOT NULL,
    net_total     INTEGER NOT NULL, -- units of 0.0001
    tax_total     INTEGER NOT NULL,
    gross_total   INTEGER NOT NULL,
    home          TEXT NOT NULL, -- the rate of the day of issue, where it is in another currency than the workspace's
    paid          INTEGER NOT NULL CHECK (paid >= 0),
    credited      INTEGER NOT NULL CHECK (credited >= 0),
    written_off   INTEGER NOT NULL CHECK (written_off >= 0),
    cancelled     INTEGER NOT NULL, -- credit notes took it back whole
    CONSTRAINT invoice_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, series) REFERENCES number_series (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, contact) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, deal) REFERENCES deal (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, recurring) REFERENCES recurring_invoice (workspace, id),
    FOREIGN KEY (workspace, credits) REFERENCES invoice (workspace, id)
) STRICT;
-- Numbers are counted from the documents that have them: this is what makes two issuers wait for each other.
CREATE UNIQUE INDEX invoice_by_number ON invoice (workspace, series, period, serial) WHERE serial IS NOT NULL;
-- A plan makes one invoice for each of its days.
CREATE UNIQUE INDEX invoice_by_plan ON invoice (workspace, recurring, recurring_on) WHERE recurring_on IS NOT NULL;
-- A quotation is converted once, unless what it became was taken back whole.
CREATE UNIQUE INDEX invoice_by_quotation ON invoice (workspace, source) WHERE substr(source, 1, 4) = 'quo_' AND archived_at IS NULL AND NOT cancelled;
CREATE INDEX invoice_by_created ON invoice (workspace, created_at, id, status, kind) WHERE archived_at IS NULL;
CREATE INDEX invoice_by_issued ON invoice (workspace, sort_issued, id, status, kind) WHERE archived_at IS NULL;
CREATE INDEX invoice_by_due ON invoice (workspace, sort_due, id, status, kind) WHERE archived_at IS NULL;
CREATE INDEX invoice_by_total ON invoice (workspace, gross_total, id, status, kind) WHERE archived_at IS NULL;
CREATE INDEX invoice_by_balance ON invoice (workspace, sort_balance, id, status, kind) WHERE archived_at IS NULL;
CREATE INDEX invoice_by_customer ON invoice (workspace, sort_customer, id, status, kind) WHERE archived_at IS NULL;
-- Figures are summed up from this alone: what stands in the condition has to be in it too.
CREATE INDEX invoice_by_status ON invoice (workspace, status, kind, currency, sort_due, issue_date, net_total, tax_total, gross_total, paid, credited, written_off, company, contact, home, archived_at) WHERE archived_at IS NULL;
CREATE INDEX invoice_by_company ON invoice (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX invoice_by_contact ON invoice (workspace, contact) WHERE contact IS NOT NULL;
CREATE INDEX invoice_by_deal ON invoice (workspace, deal) WHERE deal IS NOT NULL;
CREATE INDEX invoice_by_owner ON invoice (workspace, owner) WHERE owner IS NOT NULL;
CREATE INDEX invoice_by_source ON invoice (workspace, source) WHERE source IS NOT NULL;
CREATE INDEX invoice_by_credits ON invoice (workspace, credits) WHERE credits IS NOT NULL;

-- What customers paid, and what was paid back to them.
CREATE TABLE payment (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    direction   TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    amount      INTEGER NOT NULL CHECK (amount > 0), -- units of 0.0001
    currency    TEXT NOT NULL, -- ISO 4217
    allocations TEXT NOT NULL,
    paid_on     TEXT NOT NULL,
    method      TEXT,
    reference   TEXT,
    note        TEXT,
    reverses    INTEGER,
    CONSTRAINT payment_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, reverses) REFERENCES payment (workspace, id)
) STRICT;
CREATE UNIQUE INDEX payment_by_reversed ON payment (workspace, reverses) WHERE reverses IS NOT NULL;
CREATE INDEX payment_by_day ON payment (workspace, paid_on, id) WHERE archived_at IS NULL;
CREATE INDEX payment_by_amount ON payment (workspace, amount, id) WHERE archived_at IS NULL;
CREATE INDEX payment_by_created ON payment (workspace, created_at, id) WHERE archived_at IS NULL;

-- What the firm itself spent.
CREATE TABLE expense (
    id            INTEGER PRIMARY KEY,
    workspace     INTEGER NOT NULL REFERENCES workspace (id),
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    created_by    INTEGER,
    updated_at    INTEGER NOT NULL,
    archived_at   INTEGER,
    attributes    TEXT NOT NULL,
    description   TEXT NOT NULL,
    category      TEXT NOT NULL,
    sort_category TEXT NOT NULL, -- folded
    amount        INTEGER NOT NULL, -- units of 0.0001
    currency      TEXT NOT NULL, -- ISO 4217
    tax_amount    INTEGER,
    spent_on      TEXT NOT NULL,
    vendor        TEXT,
    company       INTEGER,
    owner         INTEGER,
    method        TEXT,
    reference     TEXT,
    status        TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected', 'paid')),
    billable      INTEGER NOT NULL,
    notes         TEXT,
    CONSTRAINT expense_in_workspace UNIQUE (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id)
) STRICT;
CREATE INDEX expense_by_created ON expense (workspace, created_at, id, status) WHERE archived_at IS NULL;
CREATE INDEX expense_by_day ON expense (workspace, spent_on, id, status) WHERE archived_at IS NULL;
CREATE INDEX expense_by_amount ON expense (workspace, amount, id, status) WHERE archived_at IS NULL;
CREATE INDEX expense_by_category ON expense (workspace, sort_category, id, status) WHERE archived_at IS NULL;
CREATE INDEX expense_by_company ON expense (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX expense_by_owner ON expense (workspace, owner) WHERE owner IS NOT NULL;
