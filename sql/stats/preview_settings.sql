CREATE OR REPLACE FUNCTION crm.preview_settings(venue text, settings jsonb)
RETURNS TABLE (from_label text, to_label text, guests bigint, guests_anyway bigint, sample jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  of_venue crm.venue_key := crm.visible_venue(preview_settings.venue);
  v crm.venue;
  s crm.venue_scoring;
  wanted jsonb;
  cohort bytea;
  rule_then text;
  rule_anyway text;
BEGIN
  SELECT * INTO STRICT v FROM crm.venue AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id;
  SELECT * INTO STRICT s FROM crm.venue_scoring AS x WHERE x.org_id = of_venue.org_id AND x.venue_id = of_venue.venue_id;
  wanted := crm.read_settings(crm.settings_of(of_venue), preview_settings.settings);
  PERFORM crm.find_counted_venue(preview_settings.venue);
  IF preview_settings.settings ? 'day_starts_at' AND (wanted ->> 'day_starts_at')::time <> s.day_starts_at THEN
    RAISE EXCEPTION 'day_starts_at cannot be previewed: visits would have to be recounted from the orders' USING ERRCODE = '22023',
      COLUMN = 'day_starts_at', HINT = 'Leave it out; crm.update_venue_settings sets it, and the next recompute counts the visits anew.';
  ELSIF (v.timezone, (wanted ->> 'day_starts_at')::time) <> (s.timezone, s.day_starts_at) THEN
    RAISE EXCEPTION 'time zone or start of the day of venue "%" changed, and its visits are not recounted yet', preview_settings.venue
      USING ERRCODE = '55000', HINT = format('SELECT crm.recompute_venue(%L); or wait for the night.', preview_settings.venue);
  END IF;

  SELECT crm.cohort(t.customer_id, t.total_orders, t.total_visits, t.total_spent, t.first_order_at, t.last_order_at,
                    t.recency_score, t.frequency_score, t.monetary_score, COALESCE(t.label, '-'), t.next_label_at) INTO cohort
  FROM crm.customer_venue_stats AS t WHERE t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id;
  rule_then := (crm.computed_scoring(of_venue, wanted, cohort)).rule;
  rule_anyway := (crm.computed_scoring(of_venue, crm.settings_of(of_venue), cohort)).rule;

  RETURN QUERY
  SELECT moved.label, moved.label_then, moved.guests, moved.guests_anyway,
         (SELECT jsonb_agg(jsonb_build_object('customer_id', c.customer_id, 'ref', c.ref, 'name', c.name) ORDER BY best.n)
          FROM unnest(moved.best) WITH ORDINALITY AS best(customer_id, n)
          JOIN crm.customer AS c ON c.org_id = of_venue.org_id AND c.customer_id = best.customer_id)
  FROM (
    SELECT t.label, r.label AS label_then, count(*) AS guests, count(*) FILTER (WHERE COALESCE(a.label, t.label) = r.label) AS guests_anyway,
           (array_agg(t.customer_id ORDER BY t.total_spent DESC, t.customer_id))[1:10] AS best
    FROM crm.cohort_ratings(cohort, rule_then, s.timezone, s.day_starts_at, crm.now()) AS r
    JOIN crm.customer_venue_stats AS t ON t.org_id = of_venue.org_id AND t.venue_id = of_venue.venue_id AND t.customer_id = r.customer_id
    LEFT JOIN crm.cohort_ratings(cohort, rule_anyway, s.timezone, s.day_starts_at, crm.now()) AS a ON a.customer_id = r.customer_id
    WHERE r.label <> t.label
    GROUP BY t.label, r.label) AS moved
  ORDER BY moved.guests DESC, moved.label, moved.label_then;
END
$$;
ALTER FUNCTION crm.preview_settings(text, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.preview_settings(text, jsonb) IS 'Which labels a recompute of a venue (the CRM''s id or the platform''s) would change now, were these its settings (an object as of crm.update_venue_settings; {} for those it has), with fresh cut points, writing nothing: label as stored, label then, the number of guests, how many of them the next recompute moves so anyway, and the ten with the highest spend. CR404 for an unknown venue, 22023 for a setting that cannot be, with its name as the error''s COLUMN (day_starts_at too: it would recount visits), 55000 where visits have yet to be counted.';
GRANT EXECUTE ON FUNCTION crm.preview_settings(text, jsonb) TO crm_manager;
