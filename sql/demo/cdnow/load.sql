-- Loads the CDNOW purchases from the CSV on standard input:
--   gzip -dc sql/demo/cdnow/cdnow.csv.gz | psql -X -f sql/demo/cdnow/load.sql
-- With -v today=YYYY-MM-DD all dates move by whole days so that the last one becomes that day.

\set ON_ERROR_STOP on
\set demo_quiet :QUIET
\set QUIET on
\if :{?today}
\else
    \set today ''
\endif

BEGIN;
SET LOCAL datestyle = 'ISO, YMD';

CREATE TEMP TABLE csv_line (
    file_order   bigint GENERATED ALWAYS AS IDENTITY,
    customer_id  integer NOT NULL,
    purchased_on date NOT NULL,
    cds          integer NOT NULL,
    amount       numeric NOT NULL
) ON COMMIT DROP;

\echo Reading the purchases
\copy csv_line (customer_id, purchased_on, cds, amount) FROM pstdin WITH (FORMAT csv, HEADER)

INSERT INTO purchase (customer_id, purchased_on, cds, amount)
SELECT customer_id,
       purchased_on + coalesce(nullif(:'today', '')::date - last.day, 0),
       cds,
       amount
  FROM csv_line
 CROSS JOIN (SELECT max(purchased_on) AS day FROM csv_line) AS last
 ORDER BY purchased_on, customer_id, file_order;

COMMIT;

ANALYZE purchase;
SELECT count(*) AS purchases, count(DISTINCT customer_id) AS customers, sum(amount) AS total FROM purchase
\gset demo_
\echo :demo_purchases purchases of :demo_customers customers, :demo_total USD
\set QUIET :demo_quiet
