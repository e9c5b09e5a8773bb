CREATE OR REPLACE FUNCTION crm.settings_of(of_venue crm.venue_key) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object(
    'min_cohort', v.min_cohort, 'regular_visits', v.regular_visits, 'at_risk_days', v.at_risk_days, 'lost_days', v.lost_days,
    'new_days', v.new_days, 'day_starts_at', v.day_starts_at, 'require_double_opt_in', v.require_double_opt_in,
    'crm_enabled', v.crm_enabled, 'loyalty_enabled', v.loyalty_enabled, 'quiet_hours', crm.quiet_hours_of(v.quiet_from, v.quiet_to),
    'closures', (SELECT COALESCE(jsonb_agg(jsonb_build_object('from_day', c.from_day, 'to_day', c.to_day) ORDER BY c.from_day), '[]')
                 FROM crm.venue_closure AS c WHERE c.org_id = v.org_id AND c.venue_id = v.venue_id))
  FROM crm.venue AS v WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id
$$;
COMMENT ON FUNCTION crm.settings_of(crm.venue_key) IS 'Settings of a venue as JSON, as of crm.venue_settings';

CREATE OR REPLACE FUNCTION crm.venue_settings(venue text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT crm.settings_of(crm.visible_venue(venue)) $$;
ALTER FUNCTION crm.venue_settings(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.venue_settings(text) IS 'Settings of a venue (the CRM''s id or the platform''s) as crm.update_venue_settings takes them. JSON. CR404 for an unknown venue.';
GRANT EXECUTE ON FUNCTION crm.venue_settings(text) TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.update_venue_settings(venue text, settings jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_venue crm.venue_key := crm.visible_venue(venue);
  wanted jsonb;
BEGIN
  PERFORM FROM crm.venue AS v WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id FOR NO KEY UPDATE;
  wanted := crm.read_settings(crm.settings_of(of_venue), settings);
  UPDATE crm.venue AS v
  SET min_cohort = w.min_cohort, regular_visits = w.regular_visits, at_risk_days = w.at_risk_days,
      lost_days = w.lost_days, new_days = w.new_days, day_starts_at = w.day_starts_at,
      require_double_opt_in = w.require_double_opt_in, crm_enabled = w.crm_enabled, loyalty_enabled = w.loyalty_enabled,
      quiet_from = (w.quiet_hours ->> 'from')::time, quiet_to = (w.quiet_hours ->> 'to')::time
  FROM jsonb_to_record(wanted) AS w(min_cohort int, regular_visits int, at_risk_days int, lost_days int, new_days int, day_starts_at time,
                                    require_double_opt_in boolean, crm_enabled boolean, loyalty_enabled boolean, quiet_hours jsonb)
  WHERE v.org_id = of_venue.org_id AND v.venue_id = of_venue.venue_id;
  DELETE FROM crm.venue_closure AS c WHERE c.org_id = of_venue.org_id AND c.venue_id = of_venue.venue_id;
  INSERT INTO crm.venue_closure (org_id, venue_id, from_day, to_day)
  SELECT of_venue.org_id, of_venue.venue_id, c.from_day, c.to_day
  FROM jsonb_to_recordset(wanted -> 'closures') AS c(from_day date, to_day date);
  PERFORM crm.follow_enabled(of_venue.org_id);
  RETURN crm.settings_of(of_venue);
END
$$;
ALTER FUNCTION crm.update_venue_settings(text, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.update_venue_settings(text, jsonb) IS 'Changes settings of a venue (the CRM''s id or the platform''s): an object of any of min_cohort, regular_visits, at_risk_days, lost_days, new_days, day_starts_at ("HH:MM"), require_double_opt_in (true: consent to e-mail given there is confirmed from the mail box; at once), crm_enabled (false: its orders are not counted, nor its guests rated, until it is true again and the next sweep counts what changed), loyalty_enabled (read by the platform), quiet_hours ({"from": "HH:MM", "to": "HH:MM"} local, or null for the organisation''s) and closures ([{"from_day": "YYYY-MM-DD", "to_day": …}], which replaces all closures). Those of the scores take effect at the next recompute. Returns all settings as they are now. CR404 for an unknown venue, 22023 for a setting that cannot be, with its name as the error''s COLUMN.';
GRANT EXECUTE ON FUNCTION crm.update_venue_settings(text, jsonb) TO crm_admin;
