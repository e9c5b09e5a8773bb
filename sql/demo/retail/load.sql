-- Loads "Online Retail" from the CSV on standard input:
--   gzip -dc sql/demo/retail/online_retail.csv.gz | psql -X -f sql/demo/retail/load.sql
-- With -v today=YYYY-MM-DD all dates move by whole days so that the last one becomes that day.

\set ON_ERROR_STOP on
\set demo_quiet :QUIET
\set QUIET on
\if :{?today}
\else
    \set today ''
\endif

BEGIN;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL jit = off;

CREATE TEMP TABLE csv_line (
    file_order   bigint GENERATED ALWAYS AS IDENTITY,
    invoice_no   text NOT NULL,
    stock_code   text NOT NULL,
    description  text,
    quantity     integer NOT NULL,
    invoice_date timestamp NOT NULL,
    unit_price   numeric NOT NULL,
    customer_id  numeric,
    country      text NOT NULL
) ON COMMIT DROP;

\echo Reading the lines
\copy csv_line (invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country) FROM pstdin WITH (FORMAT csv, HEADER)

-- A sale's lines without quantity or price are corrections of stock, not sales; a cancellation keeps all of its lines.
CREATE TEMP TABLE valid_line ON COMMIT DROP AS
SELECT csv_line.*,
       invoice_no LIKE 'C%' AS cancelled,
       round(quantity * unit_price, 2) AS line_total
  FROM csv_line
 WHERE invoice_no LIKE 'C%' OR (quantity > 0 AND unit_price > 0);
ANALYZE valid_line;

\echo Writing articles, invoices and their lines
INSERT INTO stock_item (stock_code, description)
SELECT stock_code, mode() WITHIN GROUP (ORDER BY btrim(description) COLLATE "C")
  FROM valid_line
 GROUP BY stock_code
 ORDER BY stock_code COLLATE "C";

-- A few invoices span two minutes; the first is taken.
INSERT INTO invoice (invoice_no, customer_id, invoice_date, country, status, total)
SELECT invoice_no,
       max(customer_id)::integer,
       min(invoice_date) + make_interval(days => coalesce(nullif(:'today', '')::date - max(last.day), 0)),
       min(country COLLATE "C"),
       CASE WHEN bool_or(cancelled) THEN 'CANCELLED' ELSE 'COMPLETED' END,
       sum(line_total)
  FROM valid_line
 CROSS JOIN (SELECT max(invoice_date)::date AS day FROM csv_line) AS last
 GROUP BY invoice_no
 ORDER BY min(file_order);

INSERT INTO invoice_line (invoice_no, line_no, stock_code, quantity, unit_price, line_total)
SELECT invoice_no, row_number() OVER (PARTITION BY invoice_no ORDER BY file_order), stock_code, quantity, unit_price, line_total
  FROM valid_line
 ORDER BY file_order;

COMMIT;

ANALYZE stock_item, invoice, invoice_line;
SELECT count(*) AS invoices, count(DISTINCT customer_id) AS customers, sum(total) AS total
  FROM invoice
 WHERE status = 'COMPLETED' AND customer_id IS NOT NULL
\gset demo_
\echo :demo_invoices completed invoices of :demo_customers customers, :demo_total GBP
\set QUIET :demo_quiet
