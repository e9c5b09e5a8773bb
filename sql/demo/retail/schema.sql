-- Tables of a shop that invoices: no customers table, integer customer ids, local timestamps, one venue.

\set ON_ERROR_STOP on

BEGIN;

CREATE TABLE stock_item (
    stock_code  text PRIMARY KEY,
    description text
);
COMMENT ON TABLE stock_item IS 'An article, under the description most used on invoices.';

CREATE TABLE invoice (
    invoice_no   text PRIMARY KEY,
    customer_id  integer,
    invoice_date timestamp NOT NULL,
    country      text NOT NULL,
    status       text NOT NULL CHECK (status IN ('COMPLETED', 'CANCELLED')),
    total        numeric(12,2) NOT NULL
);
CREATE INDEX invoice_customer_id_idx ON invoice (customer_id);
CREATE INDEX invoice_date_idx ON invoice (invoice_date);
COMMENT ON TABLE invoice IS 'A sale or a cancellation; customer_id is null for a walk-in, invoice_date is London local time, total is in GBP.';

CREATE TABLE invoice_line (
    invoice_no text NOT NULL REFERENCES invoice ON DELETE CASCADE,
    line_no    integer NOT NULL,
    stock_code text NOT NULL REFERENCES stock_item,
    quantity   integer NOT NULL,
    unit_price numeric(10,3) NOT NULL,
    line_total numeric(12,2) NOT NULL,
    PRIMARY KEY (invoice_no, line_no)
);
COMMENT ON TABLE invoice_line IS 'A line of an invoice in the order of the source; equal lines are kept.';

COMMIT;
