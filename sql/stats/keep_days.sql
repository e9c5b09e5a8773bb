CREATE OR REPLACE FUNCTION crm.keep_days(
  of_venue crm.venue_key, from_day date, cohort bytea, changes bigint[], days bigint[]
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  changed date[];
  of_days date[] := ARRAY(SELECT d.day FROM crm.day_totals_rows(days) AS d);
BEGIN
  WITH seen AS (
    DELETE FROM crm.changed_day AS c WHERE c.org_id = of_venue.org_id AND c.change_id = ANY (changes) RETURNING c.day
  ) SELECT array_agg(DISTINCT seen.day) INTO changed FROM seen;

  -- Days that have no orders any more.
  UPDATE crm.venue_day AS v SET guests = 0, new_guests = 0, orders = 0, revenue = 0
  WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id
    AND (v.day >= from_day OR v.day = ANY (changed)) AND v.orders <> 0 AND v.day <> ALL (of_days);

  INSERT INTO crm.venue_day AS v (org_id, venue_id, day, guests, new_guests, orders, revenue)
  SELECT of_venue.org_id, of_venue.venue_id, d.day, d.guests, n.guests, d.orders, crm.money_sum(d.hundredths / 100.0)
  FROM crm.day_totals_rows(days) AS d
  JOIN crm.venue_scoring AS s ON s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id
  JOIN LATERAL unnest(of_days, crm.cohort_first_days(cohort, s.timezone, s.day_starts_at, of_days)) AS n(day, guests) ON n.day = d.day
  ON CONFLICT (org_id, venue_id, day) DO UPDATE
    SET guests = excluded.guests, new_guests = excluded.new_guests, orders = excluded.orders, revenue = excluded.revenue
    WHERE (v.guests, v.new_guests, v.orders, v.revenue) IS DISTINCT FROM (excluded.guests, excluded.new_guests, excluded.orders, excluded.revenue);
END
$$;
COMMENT ON FUNCTION crm.keep_days(crm.venue_key, date, bytea, bigint[], bigint[]) IS 'Writes the totals (crm.day_totals) of a venue''s days from a day on, and of those that changed before it, and removes the changes seen; the new guests are those of the packed cohort';

CREATE OR REPLACE FUNCTION crm.keep_labels(of_venue crm.venue_key, on_day date, counts int[]) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO crm.venue_day (org_id, venue_id, day, champions, loyal, potential, new, at_risk, lost, inactive)
  VALUES (of_venue.org_id, of_venue.venue_id, on_day, counts[1], counts[2], counts[3], counts[4], counts[5], counts[6], counts[7])
  ON CONFLICT (org_id, venue_id, day) DO UPDATE
    SET champions = excluded.champions, loyal = excluded.loyal, potential = excluded.potential, new = excluded.new,
        at_risk = excluded.at_risk, lost = excluded.lost, inactive = excluded.inactive
$$;
COMMENT ON FUNCTION crm.keep_labels(crm.venue_key, date, int[]) IS 'Writes the guests of a venue per label on a day, in the order of crm.cohort_labels';
