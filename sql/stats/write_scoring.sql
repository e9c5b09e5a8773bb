CREATE OR REPLACE FUNCTION crm.write_scoring(of_venue crm.venue_key, as_of timestamptz, cohort bytea) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
  PERFORM FROM crm.venue_scoring AS s WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id FOR UPDATE;
  UPDATE crm.venue_scoring AS s
  SET method = c.method, cohort_size = c.cohort_size, recency_cuts = c.recency_cuts, frequency_cuts = c.frequency_cuts,
      monetary_cuts = c.monetary_cuts, median_bill = c.median_bill, median_bill_orders = c.median_bill_orders,
      regulars = c.regulars, median_regular_visits = c.median_regular_visits, median_regular_spent = c.median_regular_spent,
      rule = c.rule, computed_at = as_of
  FROM crm.computed_scoring(of_venue, crm.settings_of(of_venue), cohort) AS c
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id;
  PERFORM crm.keep_spend(of_venue, as_of, cohort);
END
$$;
ALTER FUNCTION crm.write_scoring(crm.venue_key, timestamptz, bytea) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.write_scoring(crm.venue_key, timestamptz, bytea) IS 'Computes the scoring of a venue, with the settings as they are, from its packed cohort and puts it in force; keeps how the cohort spends';

CREATE OR REPLACE FUNCTION crm.computed_scoring(
  of_venue crm.venue_key, settings jsonb, cohort bytea,
  OUT method text, OUT cohort_size int, OUT recency_cuts timestamptz[], OUT frequency_cuts int[], OUT monetary_cuts numeric(14,2)[],
  OUT median_bill numeric, OUT median_bill_orders int,
  OUT regulars int, OUT median_regular_visits int, OUT median_regular_spent numeric, OUT rule text
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
-- A plan of its own for each statement would take a copy of the cohort.
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  wanted record;
  venue_ref text;
  money_cuts bigint[];
BEGIN
  SELECT * INTO STRICT wanted
  FROM jsonb_to_record(settings) AS w(min_cohort int, regular_visits int, at_risk_days int, lost_days int, new_days int, closures jsonb);
  SELECT s.ref, s.median_bill, s.median_bill_orders INTO STRICT venue_ref, median_bill, median_bill_orders
  FROM crm.venue_scoring AS s WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id;

  SELECT c.cohort_size, c.recency_cuts, c.frequency_cuts::int[], c.monetary_cuts, c.regulars, c.median_regular_visits, c.median_regular_spent / 100.0
  INTO cohort_size, recency_cuts, frequency_cuts, money_cuts, regulars, median_regular_visits, median_regular_spent
  FROM crm.cohort_summary(cohort, wanted.regular_visits) AS c;
  IF cohort_size >= wanted.min_cohort THEN
    method := 'quintile';
    monetary_cuts := (SELECT array_agg((c / 100.0)::numeric(14,2) ORDER BY n) FROM unnest(money_cuts) WITH ORDINALITY AS u(c, n));
  ELSE
    method := 'fixed';
    recency_cuts := NULL;
    frequency_cuts := NULL;
    -- Computed anew until it rests on 100 orders, then kept.
    IF median_bill_orders < 100 THEN
      SELECT count(*), crm.lower_median(array_agg(crm.hundredths(o.total))) / 100.0 INTO median_bill_orders, median_bill
      FROM crm.counted_orders_at(venue_ref) AS o;
    END IF;
  END IF;
  rule := crm.scoring_rule(method, recency_cuts, frequency_cuts, monetary_cuts, median_bill,
    wanted.regular_visits, wanted.at_risk_days, wanted.lost_days, wanted.new_days,
    regulars, median_regular_visits, median_regular_spent, crm.closures_of(wanted.closures));
END
$$;
COMMENT ON FUNCTION crm.computed_scoring(crm.venue_key, jsonb, bytea) IS 'The scoring of a venue as it follows from some settings and from its packed cohort: method, cut points, medians and rule. Runs as crm_owner: a first median bill is read from the orders.';
