CREATE OR REPLACE FUNCTION crm.day_totals_add(
  internal, customer_ref text, total numeric, completed_at timestamptz, timezone text, day_starts_at time
) RETURNS internal
LANGUAGE c IMMUTABLE
AS 'MODULE_PATHNAME', 'day_totals_add_wrapper';
COMMENT ON FUNCTION crm.day_totals_add(internal, text, numeric, timestamptz, text, time) IS 'Transition of the aggregate crm.day_totals';

CREATE OR REPLACE FUNCTION crm.day_totals_end(internal) RETURNS bigint[]
LANGUAGE c IMMUTABLE
AS 'MODULE_PATHNAME', 'day_totals_end_wrapper';
COMMENT ON FUNCTION crm.day_totals_end(internal) IS 'End of the aggregate crm.day_totals';

CREATE OR REPLACE AGGREGATE crm.day_totals(customer_ref text, total numeric, completed_at timestamptz, timezone text, day_starts_at time)
  (SFUNC = crm.day_totals_add, STYPE = internal, FINALFUNC = crm.day_totals_end);
COMMENT ON AGGREGATE crm.day_totals(text, numeric, timestamptz, text, time) IS 'What orders (customer, total, completion) add up to per local day of a venue (time zone and start of the day, the same for all), for crm.day_totals_rows';
COMMENT ON FUNCTION crm.day_totals_rows(bigint[]) IS 'Local day, distinct guests, orders and the sum of their totals in hundredths, from crm.day_totals';
