-- What a merge fills in of the profile kept, and its taking back. Run inside pinned functions.
CREATE OR REPLACE FUNCTION crm.fill_profile(org int, kept uuid, gone uuid) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- What belongs together is filled in where the first of it is not known.
  belongings CONSTANT text[] := '{name,phone,email,birthday,anniversary,gender,language,document,photo_url,preferred_channel,preferred_venue}';
  has jsonb := (SELECT to_jsonb(c) FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = kept);
  other jsonb := (SELECT to_jsonb(c) FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = gone);
  fields jsonb;
  filled jsonb;
BEGIN
  SELECT jsonb_object_agg(f.field, other -> f.field) INTO fields
  FROM unnest(belongings) AS b(field)
  CROSS JOIN LATERAL unnest(CASE b.field WHEN 'phone' THEN '{phone,phone_region}'::text[] WHEN 'birthday' THEN '{birth_date,birthday}'
                            WHEN 'anniversary' THEN '{anniversary_date,anniversary}' ELSE ARRAY[b.field] END) AS f(field)
  WHERE has ->> b.field IS NULL AND other ->> b.field IS NOT NULL;
  PERFORM crm.write_profile_as_allowed(org, kept, fields);
  -- Who is not wanted under one name is not under the other.
  UPDATE crm.customer AS c SET status = 'blocked', blocked_reason = other ->> 'blocked_reason', updated_at = clock_timestamp()
  WHERE c.org_id = org AND c.customer_id = kept AND c.status = 'active' AND other ->> 'blocked_reason' IS NOT NULL;
  SELECT jsonb_object_agg(n.key, n.value) INTO filled
  FROM (SELECT to_jsonb(c) AS row FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = kept) AS now CROSS JOIN LATERAL jsonb_each(now.row) AS n
  WHERE has ->> n.key IS NULL AND n.value <> 'null' AND n.key = ANY (belongings || '{phone_region,birth_date,anniversary_date,blocked_reason}');
  RETURN COALESCE(filled, '{}');
END
$$;
COMMENT ON FUNCTION crm.fill_profile(int, uuid, uuid) IS 'Gives the guest who is kept what only the one merged into him is known by, and a block; returns what was given, by column of crm.customer';

CREATE OR REPLACE FUNCTION crm.write_profile_as_allowed(org int, guest uuid, fields jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM crm.write_profile(org, guest, fields);
EXCEPTION WHEN SQLSTATE 'CR409' OR SQLSTATE '55000' THEN
  -- The platform may want an address to be one customer's alone.
  PERFORM crm.write_own_profile(org, guest, fields - crm.bound_customer_fields());
END
$$;
COMMENT ON FUNCTION crm.write_profile_as_allowed(int, uuid, jsonb) IS 'Changes fields of a profile, but for those in the platform''s own table where it refuses one';

CREATE OR REPLACE FUNCTION crm.empty_profile(org int, into_id uuid, filled jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  owner uuid := into_id;
  given jsonb := filled;
  has jsonb;
  further record;
BEGIN
  -- Along the chain: who got it from him gave it on where he was merged himself.
  LOOP
    has := (SELECT to_jsonb(c) FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = owner);
    given := (SELECT jsonb_object_agg(g.key, g.value) FROM jsonb_each(given) AS g WHERE has -> g.key = g.value);
    EXIT WHEN given IS NULL;
    PERFORM crm.write_profile_as_allowed(org, owner, (SELECT jsonb_object_agg(g.key, NULL) FROM jsonb_each(given - 'blocked_reason') AS g));
    UPDATE crm.customer AS c SET status = CASE c.status WHEN 'blocked' THEN 'active' ELSE c.status END, blocked_reason = NULL, updated_at = clock_timestamp()
    WHERE c.org_id = org AND c.customer_id = owner AND given ? 'blocked_reason';
    SELECT m.into_id, m.filled INTO further FROM crm.merged_customer AS m WHERE m.org_id = org AND m.customer_id = owner FOR UPDATE;
    EXIT WHEN NOT FOUND;
    given := (SELECT jsonb_object_agg(g.key, g.value) FROM jsonb_each(given) AS g WHERE further.filled -> g.key = g.value);
    EXIT WHEN given IS NULL;
    UPDATE crm.merged_customer AS m SET filled = m.filled - ARRAY(SELECT jsonb_object_keys(given)) WHERE m.org_id = org AND m.customer_id = owner;
    owner := further.into_id;
  END LOOP;
END
$$;
COMMENT ON FUNCTION crm.empty_profile(int, uuid, jsonb) IS 'Takes back what a merge filled in, as far as it is still there';
