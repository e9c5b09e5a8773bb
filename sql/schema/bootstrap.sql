-- The schema is a member of the extension: DROP EXTENSION is refused as long as the CRM's tables exist,
-- and CREATE EXTENSION is refused where somebody else has made a schema of this name.
CREATE SCHEMA crm;
COMMENT ON SCHEMA crm IS 'pg_crm: customer relationship management over the platform''s own orders';

-- Roles belong to the whole cluster: another database may have made them already.
DO $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES
      ('crm_owner',   'NOLOGIN BYPASSRLS NOINHERIT', 'pg_crm: owns tables and definer functions; nobody logs in as it'),
      ('crm_reader',  'NOLOGIN INHERIT',   'pg_crm: reads statistics without personal data (BI)'),
      ('crm_staff',   'NOLOGIN INHERIT',   'pg_crm: guests of the own venues'),
      ('crm_manager', 'NOLOGIN INHERIT',   'pg_crm: what staff may, and the management of the own venues'),
      ('crm_admin',   'NOLOGIN INHERIT',   'pg_crm: the whole organisation'),
      ('crm_service', 'NOLOGIN NOINHERIT', 'pg_crm: the HTTP service; no rights but to assume the other roles')
    ) AS roles(name, attributes, description)
  LOOP
    IF pg_catalog.to_regrole(wanted.name) IS NULL THEN
      EXECUTE pg_catalog.format('CREATE ROLE %I %s', wanted.name, wanted.attributes);
      EXECUTE pg_catalog.format('COMMENT ON ROLE %I IS %L', wanted.name, wanted.description);
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles
             WHERE rolname OPERATOR(pg_catalog.=) 'crm_owner' AND (rolsuper OR rolcanlogin OR NOT rolbypassrls)) THEN
    RAISE EXCEPTION 'role crm_owner exists with other attributes than pg_crm needs'
      USING ERRCODE = '42710', HINT = 'ALTER ROLE crm_owner NOSUPERUSER NOLOGIN BYPASSRLS, or rename the role that is in the way.';
  END IF;
END
$$;

GRANT crm_staff TO crm_manager;
GRANT crm_reader, crm_manager TO crm_admin;
GRANT crm_reader, crm_staff, crm_manager, crm_admin TO crm_service;

GRANT USAGE, CREATE ON SCHEMA crm TO crm_owner;
-- The backfill counts in a temporary table.
DO $$
BEGIN
  EXECUTE pg_catalog.format('GRANT TEMPORARY ON DATABASE %I TO crm_owner', pg_catalog.current_database());
END
$$;
GRANT USAGE ON SCHEMA crm TO crm_reader, crm_staff, crm_service;
-- What dates and explains evidence only superusers may set, and the functions of the jobs. This too belongs to the whole cluster.
DO $$
DECLARE
  setting text;
BEGIN
  FOREACH setting IN ARRAY ARRAY['crm.as_of', 'crm.cause'] LOOP
    IF NOT pg_catalog.has_parameter_privilege('crm_owner', setting, 'SET') THEN
      EXECUTE pg_catalog.format('GRANT SET ON PARAMETER %s TO crm_owner', setting);
    END IF;
  END LOOP;
END
$$;

-- What BI reads, in a schema of its own.
CREATE SCHEMA crm_bi;
COMMENT ON SCHEMA crm_bi IS 'pg_crm: views without personal data, for BI tools';
GRANT USAGE, CREATE ON SCHEMA crm_bi TO crm_owner;
GRANT USAGE ON SCHEMA crm_bi TO crm_reader;

CREATE TYPE crm.venue_key AS (org_id int, venue_id uuid);
COMMENT ON TYPE crm.venue_key IS 'Key of a venue';

CREATE TYPE crm.derived_value AS (
  kind text, value text, name text, strength numeric, orders int, of_orders int, first_seen timestamptz, last_seen timestamptz
);
COMMENT ON TYPE crm.derived_value IS 'Something that the orders of a guest tell, as crm.derived_preference keeps it';

CREATE TYPE crm.known_segment AS (
  org_id int, scope_id uuid, venue_id uuid, key text, name text, criteria text, criteria_version text, is_system boolean, is_sensitive boolean, label text, archived_at timestamptz
);
COMMENT ON TYPE crm.known_segment IS 'A segment as functions hand it on; scope_id is its venue, or the nil UUID for the organisation';

CREATE TYPE crm.known_import AS (org_id int, import_id int, venue_id uuid, options jsonb, created_by uuid, started_at timestamptz, finished_at timestamptz);
COMMENT ON TYPE crm.known_import IS 'A file of guests at work: as crm.import has it';
CREATE TYPE crm.listed_customer AS (
  customer_id uuid, ref text, name text, phone text, email text,
  venues int, venue_id uuid, venue_name text, currency text,
  label text, previous_label text, label_changed_at timestamptz,
  recency_score smallint, frequency_score smallint, monetary_score smallint,
  total_orders int, total_visits int, total_spent numeric, highest_order numeric, spent_by_currency jsonb,
  first_order_at timestamptz, last_order_at timestamptz, days_since_last_order int, tags jsonb, cursor jsonb
);
COMMENT ON TYPE crm.listed_customer IS 'A guest as crm.customer_list returns him: at one venue, or over several';
