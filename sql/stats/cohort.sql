-- All guests of a venue in one pass over their rows, packed so that cut points, checks and scores are found in memory.
CREATE OR REPLACE FUNCTION crm.cohort_add(
  internal, customer_id uuid, total_orders int, total_visits int, total_spent numeric, first_order_at timestamptz, last_order_at timestamptz,
  recency_score smallint, frequency_score smallint, monetary_score smallint, label text, next_label_at timestamptz
) RETURNS internal
LANGUAGE c IMMUTABLE
AS 'MODULE_PATHNAME', 'cohort_add_wrapper';
COMMENT ON FUNCTION crm.cohort_add(internal, uuid, int, int, numeric, timestamptz, timestamptz, smallint, smallint, smallint, text, timestamptz) IS 'Transition of the aggregate crm.cohort';

CREATE OR REPLACE FUNCTION crm.cohort_end(internal) RETURNS bytea
LANGUAGE c IMMUTABLE
AS 'MODULE_PATHNAME', 'cohort_end_wrapper';
COMMENT ON FUNCTION crm.cohort_end(internal) IS 'End of the aggregate crm.cohort';

CREATE OR REPLACE AGGREGATE crm.cohort(
  customer_id uuid, total_orders int, total_visits int, total_spent numeric, first_order_at timestamptz, last_order_at timestamptz,
  recency_score smallint, frequency_score smallint, monetary_score smallint, label text, next_label_at timestamptz
) (SFUNC = crm.cohort_add, STYPE = internal, FINALFUNC = crm.cohort_end);
COMMENT ON AGGREGATE crm.cohort(uuid, int, int, numeric, timestamptz, timestamptz, smallint, smallint, smallint, text, timestamptz) IS 'Packs the guests of a venue: totals, and scores and label as stored, - for the label of a guest who is not profiled; 60 bytes each, for the functions crm.cohort_…';

CREATE OR REPLACE FUNCTION crm.hundredths(amount numeric) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'hundredths_of_wrapper';
COMMENT ON FUNCTION crm.hundredths(numeric) IS 'An amount of money in hundredths; 22003 beyond what a bigint holds';

COMMENT ON FUNCTION crm.cohort_summary(bytea, int) IS 'Of a packed cohort: guests with orders, cut points (null for none), and of those with at least so many visits the number and the lower medians; money in hundredths';
COMMENT ON FUNCTION crm.cohort_spend(bytea) IS 'What the guests of a packed cohort spent: the ceil(k·N/100)-th smallest total for k = 1 to 99, in hundredths; none without guests';
COMMENT ON FUNCTION crm.cohort_totals(bytea) IS 'Counted orders and spend, in hundredths, of all guests of a packed cohort';
COMMENT ON FUNCTION crm.cohort_differing(bytea, text, text, time, timestamptz) IS 'The guests of a packed cohort, packed and in the order of their keys, whose stored scores, label or next change are not those under a rule as of an instant: rule, time zone, start of the day, instant';
COMMENT ON FUNCTION crm.cohort_ratings(bytea, text, text, time, timestamptz) IS 'The guests that crm.cohort_differing finds, with the scores, label and next change they should have';
COMMENT ON FUNCTION crm.cohort_keys(bytea) IS 'Keys of the guests of a packed cohort';
COMMENT ON FUNCTION crm.cohort_count(bytea) IS 'How many guests a packed cohort has';
COMMENT ON FUNCTION crm.cohort_part(bytea, int, int) IS 'Part of a packed cohort: so many guests from the given one on, the first being 1';
COMMENT ON FUNCTION crm.cohort_labels(bytea, text, text, time, date) IS 'Guests of a packed cohort per label under a rule on a local day and on the day before: CHAMPION, LOYAL, POTENTIAL, NEW, AT_RISK, LOST, INACTIVE';
COMMENT ON FUNCTION crm.cohort_first_days(bytea, text, time, date[]) IS 'How many guests of a packed cohort had their first order on each of some local days';
