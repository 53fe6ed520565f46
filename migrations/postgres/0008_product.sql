-- Ways of taxing what a workspace sells.
CREATE TABLE tax_rate (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    name        TEXT NOT NULL,
    category    TEXT NOT NULL CHECK (category IN ('S', 'Z', 'E', 'AE', 'K', 'G', 'O')), -- UNCL 5305
    percent     BIGINT NOT NULL, -- units of 0.0001
    reason      TEXT,
    reason_code TEXT, -- VATEX
    is_default  BOOLEAN NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX tax_rate_by_created ON tax_rate (workspace, created_at, id) WHERE archived_at IS NULL;

SELECT keep_in_workspace('tax_rate');

-- A workspace's own firm, as its documents name it: one row each.
CREATE TABLE seller (
    id             BIGINT NOT NULL,
    workspace      BIGINT NOT NULL REFERENCES workspace (id),
    version        BIGINT NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    created_by     BIGINT,
    updated_at     TIMESTAMPTZ NOT NULL,
    archived_at    TIMESTAMPTZ,
    attributes     JSONB NOT NULL,
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
    closed_until   DATE, -- the last day of the books that are closed
    footer         TEXT,
    logo           TEXT, -- a PNG or JPEG file in base64
    PRIMARY KEY (workspace, id)
);
CREATE INDEX seller_by_created ON seller (workspace, created_at, id) WHERE archived_at IS NULL;

SELECT keep_in_workspace('seller');

-- How documents are numbered.
CREATE TABLE number_series (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    numbers     TEXT NOT NULL, -- such as credit_notes
    pattern     TEXT NOT NULL,
    yearly      BOOLEAN NOT NULL,
    first       BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX number_series_of ON number_series (workspace, numbers) WHERE archived_at IS NULL;
CREATE INDEX number_series_by_created ON number_series (workspace, created_at, id) WHERE archived_at IS NULL;

SELECT keep_in_workspace('number_series');

-- Pictures that documents have, by their digests.
CREATE TABLE picture (
    id          BIGINT NOT NULL,
    workspace   BIGINT NOT NULL REFERENCES workspace (id),
    version     BIGINT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  BIGINT,
    updated_at  TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ,
    attributes  JSONB NOT NULL,
    digest      TEXT NOT NULL,
    content     TEXT NOT NULL, -- a PNG or JPEG file in base64
    PRIMARY KEY (workspace, id)
);
CREATE INDEX picture_by_digest ON picture (workspace, digest);
CREATE INDEX picture_by_created ON picture (workspace, created_at, id) WHERE archived_at IS NULL;

SELECT keep_in_workspace('picture');

-- Products and services.
CREATE TABLE product (
    id               BIGINT NOT NULL,
    workspace        BIGINT NOT NULL REFERENCES workspace (id),
    version          BIGINT NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL,
    created_by       BIGINT,
    updated_at       TIMESTAMPTZ NOT NULL,
    archived_at      TIMESTAMPTZ,
    attributes       JSONB NOT NULL,
    name             TEXT NOT NULL,
    sort_name        TEXT COLLATE "C" NOT NULL, -- folded
    sku              TEXT,
    sku_key          TEXT, -- folded
    description      TEXT,
    type             TEXT NOT NULL CHECK (type IN ('service', 'goods')),
    unit             TEXT,
    unit_price       BIGINT NOT NULL, -- units of 0.0001
    currency         TEXT NOT NULL, -- ISO 4217
    tax_rate         BIGINT, -- percent in units of 0.0001
    tax_category     TEXT,
    billing_interval TEXT,
    active           BOOLEAN NOT NULL,
    PRIMARY KEY (workspace, id)
);
-- Whatever is undone or restored, two that are live have no article number in common.
CREATE UNIQUE INDEX product_by_sku ON product (workspace, sku_key) WHERE sku_key IS NOT NULL AND archived_at IS NULL;
CREATE INDEX product_by_name ON product (workspace, sort_name, id) WHERE archived_at IS NULL;
CREATE INDEX product_by_created ON product (workspace, created_at, id) WHERE archived_at IS NULL;
CREATE INDEX product_by_price ON product (workspace, unit_price, id) WHERE archived_at IS NULL;

SELECT keep_in_workspace('product');
