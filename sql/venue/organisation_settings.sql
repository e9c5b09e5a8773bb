CREATE OR REPLACE FUNCTION crm.organisation_settings() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object('crm_enabled', o.crm_enabled, 'loyalty_enabled', o.loyalty_enabled,
    'quiet_hours', crm.quiet_hours_of(o.quiet_from, o.quiet_to), 'default_region', o.default_region)
  FROM crm.organisation AS o WHERE o.org_id = crm.acting_org()
$$;
ALTER FUNCTION crm.organisation_settings() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.organisation_settings() IS 'Settings of the caller''s organisation as crm.update_organisation_settings takes them, and default_region, as of crm.set_region. JSON.';
GRANT EXECUTE ON FUNCTION crm.organisation_settings() TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.update_organisation_settings(settings jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  org int := crm.acting_org();
  setting record;
  quiet record;
BEGIN
  IF crm.caller_venues() IS NOT NULL THEN
    RAISE EXCEPTION 'the organisation''s settings belong to those who manage all its venues' USING ERRCODE = '42501';
  ELSIF settings IS NULL OR jsonb_typeof(settings) <> 'object' THEN
    RAISE EXCEPTION 'settings must be a JSON object' USING ERRCODE = '22023', COLUMN = 'settings', HINT = 'Such as {"loyalty_enabled": true}.';
  END IF;
  FOR setting IN SELECT s.key, s.value FROM jsonb_each(settings) AS s ORDER BY s.key LOOP
    IF setting.key IN ('crm_enabled', 'loyalty_enabled') THEN
      PERFORM crm.require_boolean(setting.key, setting.value);
    ELSIF setting.key = 'quiet_hours' THEN
      PERFORM crm.read_quiet_hours(setting.value);
    ELSE
      RAISE EXCEPTION 'unknown setting "%"', setting.key USING ERRCODE = '22023', COLUMN = setting.key,
        HINT = 'The settings are crm_enabled, loyalty_enabled and quiet_hours; crm.set_region sets the region.';
    END IF;
  END LOOP;
  quiet := crm.read_quiet_hours(COALESCE(settings -> 'quiet_hours', 'null'));
  UPDATE crm.organisation AS o
  SET crm_enabled = COALESCE((settings ->> 'crm_enabled')::boolean, o.crm_enabled), loyalty_enabled = COALESCE((settings ->> 'loyalty_enabled')::boolean, o.loyalty_enabled),
      quiet_from = CASE WHEN settings ? 'quiet_hours' THEN quiet.quiet_from ELSE o.quiet_from END,
      quiet_to = CASE WHEN settings ? 'quiet_hours' THEN quiet.quiet_to ELSE o.quiet_to END
  WHERE o.org_id = org;
  PERFORM crm.follow_enabled(org);
  RETURN crm.organisation_settings();
END
$$;
ALTER FUNCTION crm.update_organisation_settings(jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.update_organisation_settings(jsonb) IS 'Changes settings of the caller''s organisation: an object of any of crm_enabled (false: at none of its venues are orders counted or guests rated, until it is true again and the next sweep counts what changed), loyalty_enabled (read by the platform) and quiet_hours ({"from": "HH:MM", "to": "HH:MM"} by each venue''s clock, or null), which hold at venues without their own. Returns all settings as they are now. 42501 for who is limited to venues, 22023 for a setting that cannot be, with its name as the error''s COLUMN.';
GRANT EXECUTE ON FUNCTION crm.update_organisation_settings(jsonb) TO crm_admin;

CREATE OR REPLACE FUNCTION crm.require_boolean(setting text, value jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF jsonb_typeof(value) <> 'boolean' THEN
    RAISE EXCEPTION '% must be true or false, not %', setting, left(value::text, 50) USING ERRCODE = '22023', COLUMN = setting;
  END IF;
END
$$;
COMMENT ON FUNCTION crm.require_boolean(text, jsonb) IS '22023 for a setting that is neither true nor false, with its name as the error''s COLUMN';

CREATE OR REPLACE FUNCTION crm.follow_enabled(org int) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE crm.venue_scoring AS s SET counting = CASE WHEN o.crm_enabled AND v.crm_enabled THEN 'resuming' ELSE 'off' END
  FROM crm.organisation AS o JOIN crm.venue AS v ON v.org_id = o.org_id
  WHERE o.org_id = org AND s.org_id = v.org_id AND s.venue_id = v.venue_id AND (o.crm_enabled AND v.crm_enabled) = (s.counting = 'off')
$$;
COMMENT ON FUNCTION crm.follow_enabled(int) IS 'Stops counting at the venues of an organisation where the CRM is not enabled any more, and has the sweep resume it where it is again';
