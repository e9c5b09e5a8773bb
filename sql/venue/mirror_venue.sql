CREATE OR REPLACE FUNCTION crm.organisation_of(org_ref text, org_name text) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted text := COALESCE(org_ref, '');
  found_org int;
BEGIN
  SELECT org_id INTO found_org FROM crm.organisation WHERE ref = wanted;
  IF NOT FOUND THEN
    INSERT INTO crm.organisation (ref, name) VALUES (wanted, COALESCE(org_name, NULLIF(wanted, ''), current_database()))
    ON CONFLICT (ref) DO UPDATE SET name = excluded.name
    RETURNING org_id INTO found_org;
  ELSIF org_name IS NOT NULL THEN
    UPDATE crm.organisation SET name = org_name WHERE org_id = found_org AND name <> org_name;
  END IF;
  RETURN found_org;
END
$$;
COMMENT ON FUNCTION crm.organisation_of(text, text) IS 'Number of the platform''s organisation, made on first sight; a null reference is the one of a platform without organisations';

CREATE OR REPLACE FUNCTION crm.mirror_venue(
  venue_ref text, venue_name text, venue_timezone text, venue_currency text, venue_region text, org_ref text, org_name text
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_org int;
  key uuid := crm.key(venue_ref);
  settled crm.venue;
BEGIN
  IF venue_ref IS NULL THEN
    RAISE EXCEPTION 'a venue without an id' USING ERRCODE = '22004';
  END IF;
  BEGIN
    PERFORM now() AT TIME ZONE venue_timezone;
  EXCEPTION WHEN invalid_parameter_value THEN
    RAISE EXCEPTION 'venue "%" has an unknown time zone "%"', venue_ref, venue_timezone
      USING ERRCODE = '22023', HINT = 'Use a name of pg_timezone_names, such as Europe/Berlin.';
  END;
  IF venue_timezone IS NULL THEN
    RAISE EXCEPTION 'venue "%" has no time zone', venue_ref USING ERRCODE = '22004', HINT = 'Use a name of pg_timezone_names, such as Europe/Berlin.';
  END IF;
  IF venue_currency IS NULL OR venue_currency !~ '^[A-Z]{3}$' THEN
    RAISE EXCEPTION 'venue "%" has no ISO 4217 currency: "%"', venue_ref, venue_currency USING ERRCODE = '22023', HINT = 'Three capital letters, such as EUR.';
  END IF;
  IF NOT crm.known_region(venue_region) THEN
    RAISE EXCEPTION 'venue "%" has an unknown region "%"', venue_ref, venue_region USING ERRCODE = '22023', HINT = 'Two capital letters of ISO 3166-1, such as DE.';
  END IF;
  of_org := crm.organisation_of(org_ref, org_name);
  IF EXISTS (SELECT FROM crm.venue AS v WHERE v.venue_id = key AND v.org_id <> of_org) THEN
    RAISE EXCEPTION 'venue "%" moved to another organisation', venue_ref
      USING ERRCODE = '0A000', HINT = 'Its guests stay with the organisation they ordered in: give the venue a new id instead.';
  END IF;
  INSERT INTO crm.venue AS v (org_id, venue_id, ref, name, timezone, currency, region)
  VALUES (of_org, key, venue_ref, COALESCE(venue_name, venue_ref), venue_timezone, venue_currency, venue_region)
  ON CONFLICT (org_id, venue_id) DO UPDATE
    SET name = excluded.name, timezone = excluded.timezone, currency = excluded.currency, region = COALESCE(excluded.region, v.region)
    WHERE (v.name, v.timezone, v.currency, v.region) IS DISTINCT FROM (excluded.name, excluded.timezone, excluded.currency, COALESCE(excluded.region, v.region));
  UPDATE crm.organisation AS o SET default_region = venue_region WHERE o.org_id = of_org AND o.default_region IS NULL AND venue_region IS NOT NULL;
  SELECT * INTO settled FROM crm.venue AS v WHERE v.org_id = of_org AND v.venue_id = key;
  -- A venue that opens after the backfill has no history to wait for, as a rule.
  INSERT INTO crm.venue_scoring (org_id, venue_id, ref, counting, timezone, day_starts_at, rule)
  VALUES (of_org, key, venue_ref,
    CASE WHEN NOT (SELECT o.crm_enabled FROM crm.organisation AS o WHERE o.org_id = of_org) THEN 'off'
         WHEN EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = 'order' AND b.backfilled_at IS NOT NULL)
              AND NOT EXISTS (SELECT FROM crm.counted_orders_at(venue_ref)) THEN 'live' ELSE 'pending' END,
    venue_timezone, settled.day_starts_at,
    crm.scoring_rule('fixed', NULL, NULL, NULL, NULL, settled.regular_visits, settled.at_risk_days, settled.lost_days,
                     settled.new_days, 0, NULL, NULL, '[]'))
  ON CONFLICT (org_id, venue_id) DO NOTHING;
  INSERT INTO crm.venue_spend (org_id, venue_id, cuts, computed_at) VALUES (of_org, key, '{}', crm.now()) ON CONFLICT (org_id, venue_id) DO NOTHING;
  IF NOT EXISTS (SELECT FROM crm.segment AS s WHERE s.org_id = of_org AND s.venue_id = settled.venue_id AND s.is_system) THEN
    PERFORM crm.seed_segments(of_org, key);
  END IF;
END
$$;
COMMENT ON FUNCTION crm.mirror_venue(text, text, text, text, text, text, text) IS 'Follows a venue of the platform: its row, its settings by default and a scoring rule to start with';

CREATE OR REPLACE FUNCTION crm.mirror_venues(only_ref text DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT crm.mirror_venue(v.ref, v.name, v.timezone, v.currency, v.region, v.org_ref, v.org_name)
  FROM crm.bound_venues() AS v WHERE only_ref IS NULL OR v.ref = only_ref
$$;
ALTER FUNCTION crm.mirror_venues(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.mirror_venues(text) IS 'Follows the platform''s venues, or one of them, as they are now';
