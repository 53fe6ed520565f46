-- Offers to customers.
CREATE TABLE quotation (
    id           BIGINT NOT NULL,
    workspace    BIGINT NOT NULL REFERENCES workspace (id),
    version      BIGINT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    created_by   BIGINT,
    updated_at   TIMESTAMPTZ NOT NULL,
    archived_at  TIMESTAMPTZ,
    attributes   JSONB NOT NULL,
    name         TEXT NOT NULL, -- number and title
    title        TEXT NOT NULL,
    sort_title   TEXT COLLATE "C" NOT NULL, -- folded
    status       TEXT NOT NULL CHECK (status IN ('draft', 'sent', 'accepted', 'declined', 'expired')),
    number       TEXT,
    series       BIGINT,
    period       BIGINT,
    serial       BIGINT,
    revision     BIGINT NOT NULL,
    earlier      JSONB NOT NULL,
    company      BIGINT,
    contact      BIGINT,
    customer     TEXT,
    deal         BIGINT,
    owner        BIGINT,
    currency     TEXT NOT NULL, -- ISO 4217
    valid_until  DATE,
    sort_valid   DATE NOT NULL, -- of one that was sent or expired; the end of time for the others
    sent_on      DATE,
    decided_at   TIMESTAMPTZ,
    decision     TEXT,
    converted_at TIMESTAMPTZ, -- to an invoice
    reference    TEXT,
    lines        JSONB NOT NULL,
    discount     TEXT,
    charge       BIGINT,
    charge_for    TEXT,
    language      TEXT,
    introduction TEXT,
    notes        TEXT,
    seller       JSONB NOT NULL,
    buyer        JSONB NOT NULL,
    net_total    BIGINT NOT NULL, -- units of 0.0001
    tax_total    BIGINT NOT NULL,
    gross_total  BIGINT NOT NULL,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, series) REFERENCES number_series (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, contact) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, deal) REFERENCES deal (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id)
);
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

SELECT keep_in_workspace('quotation');

-- Plans by which invoices are made again and again.
CREATE TABLE recurring_invoice (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    name        TEXT NOT NULL,
    sort_name   TEXT COLLATE "C" NOT NULL, -- folded
    status      TEXT NOT NULL CHECK (status IN ('active', 'paused', 'ended')),
    company     BIGINT,
    contact     BIGINT,
    deal        BIGINT,
    owner       BIGINT,
    interval    TEXT NOT NULL CHECK (interval IN ('week', 'month', 'quarter', 'year')),
    every       BIGINT NOT NULL,
    starts_on   DATE NOT NULL,
    month_day   BIGINT, -- of the first start, which a later one in a shorter month does not lose
    ends_on     DATE,
    next_on     DATE,
    sort_next   DATE NOT NULL, -- of an active one; the end of time for the others
    made        BIGINT NOT NULL,
    last_on     DATE,
    auto_issue  BOOLEAN NOT NULL,
    currency    TEXT NOT NULL, -- ISO 4217
    terms       TEXT,
    reference   TEXT,
    lines       JSONB NOT NULL,
    discount    TEXT,
    charge      BIGINT,
    charge_for    TEXT,
    language      TEXT,
    notes       TEXT,
    net_total   BIGINT NOT NULL, -- units of 0.0001
    gross_total BIGINT NOT NULL,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, contact) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, deal) REFERENCES deal (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id)
);
CREATE INDEX recurring_invoice_by_created ON recurring_invoice (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX recurring_invoice_by_name ON recurring_invoice (workspace, sort_name, id) WHERE archived_at IS NULL;
CREATE INDEX recurring_invoice_by_next ON recurring_invoice (workspace, sort_next, id) WHERE archived_at IS NULL;
CREATE INDEX recurring_invoice_by_company ON recurring_invoice (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX recurring_invoice_by_contact ON recurring_invoice (workspace, contact) WHERE contact IS NOT NULL;
CREATE INDEX recurring_invoice_by_deal ON recurring_invoice (workspace, deal) WHERE deal IS NOT NULL;
CREATE INDEX recurring_invoice_by_owner ON recurring_invoice (workspace, owner) WHERE owner IS NOT NULL;

SELECT keep_in_workspace('recurring_invoice');

-- Invoices and credit notes.
CREATE TABLE invoice (
    id            BIGINT NOT NULL,
    workspace     BIGINT NOT NULL REFERENCES workspace (id),
    version       BIGINT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    created_by    BIGINT,
    updated_at    TIMESTAMPTZ NOT NULL,
    archived_at   TIMESTAMPTZ,
    attributes    JSONB NOT NULL,
    name          TEXT NOT NULL, -- number
    kind          TEXT NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    status        TEXT NOT NULL CHECK (status IN ('draft', 'issued', 'partly_paid', 'paid', 'written_off', 'credited')),
    number        TEXT,
    series        BIGINT,
    period        BIGINT, -- the year of a yearly series, or 0
    serial        BIGINT,
    company       BIGINT,
    contact       BIGINT,
    customer      TEXT,
    sort_customer TEXT COLLATE "C" NOT NULL, -- folded
    deal          BIGINT,
    owner         BIGINT,
    source        TEXT, -- identifier of what it was made from
    recurring     BIGINT,
    recurring_on  DATE,
    credits       BIGINT,
    currency      TEXT NOT NULL, -- ISO 4217
    issue_date    DATE,
    sort_issued   DATE NOT NULL, -- the end of time where there is none
    due_date      DATE,
    first_due     DATE, -- on its page; the day above may be a later one
    sort_due      DATE NOT NULL, -- of an open invoice; the end of time for the others
    sort_balance  BIGINT NOT NULL, -- of an open invoice; 0 for the others
    terms         TEXT,
    delivered_on  DATE,
    service_from  DATE,
    service_to    DATE,
    reference     TEXT,
    lines         JSONB NOT NULL,
    discount      TEXT,
    charge        BIGINT,
    charge_for    TEXT,
    language      TEXT,
    shares        JSONB NOT NULL, -- of a credit note, by rate
    notes         TEXT,
    seller        JSONB NOT NULL,
    buyer         JSONB NOT NULL,
    net_total     BIGINT NOT NULL, -- units of 0.0001
    tax_total     BIGINT NOT NULL,
    gross_total   BIGINT NOT NULL,
    home          JSONB NOT NULL, -- the rate of the day of issue, where it is in another currency than the workspace's
    paid          BIGINT NOT NULL CHECK (paid >= 0),
    credited      BIGINT NOT NULL CHECK (credited >= 0),
    written_off   BIGINT NOT NULL CHECK (written_off >= 0),
    cancelled     BOOLEAN NOT NULL, -- credit notes took it back whole
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, series) REFERENCES number_series (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, contact) REFERENCES contact (workspace, id),
    FOREIGN KEY (workspace, deal) REFERENCES deal (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id),
    FOREIGN KEY (workspace, recurring) REFERENCES recurring_invoice (workspace, id),
    FOREIGN KEY (workspace, credits) REFERENCES invoice (workspace, id)
);
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

SELECT keep_in_workspace('invoice');

-- What customers paid, and what was paid back to them.
CREATE TABLE payment (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    direction   TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    amount      BIGINT NOT NULL CHECK (amount > 0), -- units of 0.0001
    currency    TEXT NOT NULL, -- ISO 4217
    allocations JSONB NOT NULL,
    paid_on     DATE NOT NULL,
    method      TEXT,
    reference   TEXT,
    note        TEXT,
    reverses    BIGINT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, reverses) REFERENCES payment (workspace, id)
);
CREATE UNIQUE INDEX payment_by_reversed ON payment (workspace, reverses) WHERE reverses IS NOT NULL;
CREATE INDEX payment_by_day ON payment (workspace, paid_on, id) WHERE archived_at IS NULL;
CREATE INDEX payment_by_amount ON payment (workspace, amount, id) WHERE archived_at IS NULL;
CREATE INDEX payment_by_created ON payment (workspace, created_at, id) WHERE archived_at IS NULL;

SELECT keep_in_workspace('payment');

-- What the firm itself spent.
CREATE TABLE expense (
    id            BIGINT NOT NULL,
    workspace     BIGINT NOT NULL REFERENCES workspace (id),
    version       BIGINT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    created_by    BIGINT,
    updated_at    TIMESTAMPTZ NOT NULL,
    archived_at   TIMESTAMPTZ,
    attributes    JSONB NOT NULL,
    description   TEXT NOT NULL,
    category      TEXT NOT NULL,
    sort_category TEXT COLLATE "C" NOT NULL, -- folded
    amount        BIGINT NOT NULL, -- units of 0.0001
    currency      TEXT NOT NULL, -- ISO 4217
    tax_amount    BIGINT,
    spent_on      DATE NOT NULL,
    vendor        TEXT,
    company       BIGINT,
    owner         BIGINT,
    method        TEXT,
    reference     TEXT,
    status        TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected', 'paid')),
    billable      BOOLEAN NOT NULL,
    notes         TEXT,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, company) REFERENCES company (workspace, id),
    FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id)
);
CREATE INDEX expense_by_created ON expense (workspace, created_at, id, status) WHERE archived_at IS NULL;
CREATE INDEX expense_by_day ON expense (workspace, spent_on, id, status) WHERE archived_at IS NULL;
CREATE INDEX expense_by_amount ON expense (workspace, amount, id, status) WHERE archived_at IS NULL;
CREATE INDEX expense_by_category ON expense (workspace, sort_category, id, status) WHERE archived_at IS NULL;
CREATE INDEX expense_by_company ON expense (workspace, company) WHERE company IS NOT NULL;
CREATE INDEX expense_by_owner ON expense (workspace, owner) WHERE owner IS NOT NULL;

SELECT keep_in_workspace('expense');
