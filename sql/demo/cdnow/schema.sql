-- The table of a shop that keeps purchases by day: integer ids, dates without time, no status.

\set ON_ERROR_STOP on

BEGIN;

CREATE TABLE purchase (
    purchase_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id  integer NOT NULL,
    purchased_on date NOT NULL,
    cds          integer NOT NULL,
    amount       numeric(10,2) NOT NULL
);
CREATE INDEX purchase_customer_id_idx ON purchase (customer_id);
COMMENT ON TABLE purchase IS 'A purchase in USD; a customer may have several on one day, and a few are of zero.';

COMMIT;
