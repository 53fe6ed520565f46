-- Ways of taxing what a workspace sells.
CREATE TABLE tax_rate (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    name        TEXT NOT NULL,
    category    TEXT NOT NULL CHECK (category IN ('S', 'Z', 'E', 'AE', 'K', 'G', 'O')), -- UNCL 5305
    percent     INTEGER NOT NULL, -- units of 0.0001
    reason      TEXT,
    reason_code TEXT, -- VATEX
    is_default  INTEGER NOT NULL,
    CONSTRAINT tax_rate_in_workspace UNIQUE (workspace, id)
) STRICT;
CREATE INDEX tax_rate_by_created ON tax_rate (workspace, created_at, id) WHERE archived_at IS NULL;

-- A workspace's own firm, as its documents name it: one row each.
CREATE TABLE seller (
    id             INTEGER PRIMARY KEY,
    workspace      INTEGER NOT NULL REFERENCES workspace (id),
    version        INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    created_by     INTEGER,
    updated_at     INTEGER NOT NULL,
    archived_at    INTEGER,
    attributes     TEXT NOT NULL,
    name           TEXT, -- the workspace's where there is none
    street         TEXT,
    postal_code    TEXT,
    city           TEXT,
    region         TEXT,
    country        TEXT,
    vat_id         TEXT,
    tax_number     TEXT,
    registration   TEXT,
    contact        TEXT,
    email          TEXT,
    phone          TEXT,
    website        TEXT,
    account_holder TEXT,
    iban           TEXT,
    bic            TEXT,
    bank           TEXT,
    terms          TEXT,
    language       TEXT,
    closed_until   TEXT, -- the last day of the books that are closed
    footer         TEXT,
    logo           TEXT, -- a PNG or JPEG file in base64
    CONSTRAINT seller_in_workspace UNIQUE (workspace, id)
) STRICT;
CREATE INDEX seller_by_created ON seller (workspace, created_at, id) WHERE archived_at IS NULL;

-- How documents are numbered.
CREATE TABLE number_series (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    numbers     TEXT NOT NULL, -- such as credit_notes
    pattern     TEXT NOT NULL,
    yearly      INTEGER NOT NULL,
    first       INTEGER NOT NULL,
    CONSTRAINT number_series_in_workspace UNIQUE (workspace, id)
) STRICT;
CREATE UNIQUE INDEX number_series_of ON number_series (workspace, numbers) WHERE archived_at IS NULL;
CREATE INDEX number_series_by_created ON number_series (workspace, created_at, id) WHERE archived_at IS NULL;

-- Pictures that documents have, by their digests.
CREATE TABLE picture (
    id          INTEGER PRIMARY KEY,
    workspace   INTEGER NOT NULL REFERENCES workspace (id),
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  INTEGER,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    attributes  TEXT NOT NULL,
    digest      TEXT NOT NULL,
    content     TEXT NOT NULL, -- a PNG or JPEG file in base64
    CONSTRAINT picture_in_workspace UNIQUE (workspace, id)
) STRICT;
CREATE INDEX picture_by_digest ON picture (workspace, digest);
CREATE INDEX picture_by_created ON picture (workspace, created_at, id) WHERE archived_at IS NULL;

-- Products and services.
CREATE TABLE product (
    id               INTEGER PRIMARY KEY,
    workspace        INTEGER NOT NULL REFERENCES workspace (id),
    version          INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    created_by       INTEGER,
    updated_at       INTEGER NOT NULL,
    archived_at      INTEGER,
    attributes       TEXT NOT NULL,
    name             TEXT NOT NULL,
    sort_name        TEXT NOT NULL, -- folded
    sku              TEXT,
    sku_key          TEXT, -- folded
    description      TEXT,
    type             TEXT NOT NULL CHECK (type IN ('service', 'goods')),
    unit             TEXT,
    unit_price       INTEGER NOT NULL, -- units of 0.0001
    currency         TEXT NOT NULL, -- ISO 4217
    tax_rate         INTEGER, -- percent in units of 0.0001
    tax_category     TEXT,
    billing_interval TEXT,
    active           INTEGER NOT NULL,
    CONSTRAINT product_in_workspace UNIQUE (workspace, id)
) STRICT;
-- Whatever is undone or restored, two that are live have no article number in common.
CREATE UNIQUE INDEX product_by_sku ON product (workspace, sku_key) WHERE sku_key IS NOT NULL AND archived_at IS NULL;
CREATE INDEX product_by_name ON product (workspace, sort_name, id) WHERE archived_at IS NULL;
CREATE INDEX product_by_created ON product (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX product_by_price ON product (workspace, unit_price, id) WHERE archived_at IS NULL;
