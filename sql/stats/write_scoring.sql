CREATE OR REPLACE FUNCTION crm.write_scoring(of_venue crm.venue_key, as_of timestamptz, cohort bytea) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  venue crm.venue;
  scoring crm.venue_scoring;
  money_cuts bigint[];
BEGIN
  SELECT * INTO STRICT venue FROM crm.venue AS v WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id;
  SELECT * INTO STRICT scoring FROM crm.venue_scoring AS s
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id FOR UPDATE;

  SELECT c.cohort_size, c.recency_cuts, c.frequency_cuts::int[], c.monetary_cuts, c.regulars, c.median_regular_visits, c.median_regular_spent / 100.0
  INTO scoring.cohort_size, scoring.recency_cuts, scoring.frequency_cuts, money_cuts, scoring.regulars,
       scoring.median_regular_visits, scoring.median_regular_spent
  FROM crm.cohort_summary(cohort, venue.regular_visits) AS c;
  scoring.monetary_cuts := (SELECT array_agg((c / 100.0)::numeric(14,2) ORDER BY n) FROM unnest(money_cuts) WITH ORDINALITY AS u(c, n));
  scoring.method := CASE WHEN scoring.cohort_size >= venue.min_cohort THEN 'quintile' ELSE 'fixed' END;
  IF scoring.method = 'fixed' THEN
    scoring.recency_cuts := NULL;
    scoring.frequency_cuts := NULL;
    scoring.monetary_cuts := NULL;
    -- Computed anew until it rests on 100 orders, then kept.
    IF scoring.median_bill_orders < 100 THEN
      SELECT count(*), crm.lower_median(array_agg(crm.hundredths(o.total))) / 100.0
      INTO scoring.median_bill_orders, scoring.median_bill
      FROM crm.counted_orders_at(scoring.ref) AS o;
    END IF;
  END IF;
  scoring.rule := crm.scoring_rule(scoring.method, scoring.recency_cuts, scoring.frequency_cuts, scoring.monetary_cuts,
    scoring.median_bill, venue.regular_visits, venue.at_risk_days, venue.lost_days, venue.new_days,
    scoring.regulars, scoring.median_regular_visits, scoring.median_regular_spent,
    crm.closures_of(of_venue.org_id, of_venue.venue_id));

  UPDATE crm.venue_scoring AS s
  SET method = scoring.method, cohort_size = scoring.cohort_size, recency_cuts = scoring.recency_cuts,
      frequency_cuts = scoring.frequency_cuts, monetary_cuts = scoring.monetary_cuts,
      median_bill = scoring.median_bill, median_bill_orders = scoring.median_bill_orders,
      regulars = scoring.regulars, median_regular_visits = scoring.median_regular_visits,
      median_regular_spent = scoring.median_regular_spent, rule = scoring.rule, computed_at = as_of
  WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id;
END
$$;
ALTER FUNCTION crm.write_scoring(crm.venue_key, timestamptz, bytea) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.write_scoring(crm.venue_key, timestamptz, bytea) IS 'Chooses the scoring method of a venue and computes its cut points and medians, with the settings as they are, from its packed cohort';
