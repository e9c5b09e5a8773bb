-- Facts of a profile, put into the statements that ask for them: they have no settings.
CREATE OR REPLACE FUNCTION crm.annual_day(dated date, day_of_year text) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  -- 2000 has every day of the year.
  SELECT COALESCE(dated, make_date(2000, left(day_of_year, 2)::int, right(day_of_year, 2)::int))
$$;
COMMENT ON FUNCTION crm.annual_day(date, text) IS 'A date that comes round every year: as it was, or (MM-DD) of the year 2000 where the year is not known';

CREATE OR REPLACE FUNCTION crm.city_of(org int, customer uuid) RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT c.city FROM crm.customer_contact AS c
  WHERE c.org_id = org AND c.customer_id = customer AND c.kind = 'address' AND c.city IS NOT NULL ORDER BY c.is_default DESC, c.contact_id DESC LIMIT 1
$$;
COMMENT ON FUNCTION crm.city_of(int, uuid) IS 'City of the address to use of a guest, else of the latest';

CREATE OR REPLACE FUNCTION crm.tags_of(org int, customer uuid) RETURNS text[]
LANGUAGE sql STABLE
AS $$
  SELECT ARRAY(SELECT DISTINCT g.name FROM crm.customer_tag AS t JOIN crm.tag AS g ON g.org_id = t.org_id AND g.tag_id = t.tag_id
               WHERE t.org_id = org AND t.customer_id = customer AND (t.expires_at IS NULL OR t.expires_at > crm.now()) ORDER BY g.name)
$$;
COMMENT ON FUNCTION crm.tags_of(int, uuid) IS 'Names of the tags put on a guest by hand that have not expired';

CREATE OR REPLACE FUNCTION crm.consent_states(org int, scope uuid, customer uuid) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
  SELECT jsonb_object_agg(l.channel, l.state)
  FROM (SELECT DISTINCT ON (c.channel) c.channel, c.state FROM crm.consent AS c
        WHERE c.org_id = org AND c.customer_id = customer AND c.scope_id IN (scope, '00000000-0000-0000-0000-000000000000')
        ORDER BY c.channel, c.since DESC, c.entry_id DESC) AS l
$$;
COMMENT ON FUNCTION crm.consent_states(int, uuid, uuid) IS 'Where a guest stands on each channel, by the latest he said at a venue or to the organisation (nil UUID: to the organisation); null where he said nothing';

CREATE OR REPLACE FUNCTION crm.reachable_on(org int, scope uuid, customer uuid) RETURNS text[]
LANGUAGE sql STABLE
AS $$
  SELECT ARRAY(SELECT DISTINCT r.channel FROM crm.reachable_guest AS r
               WHERE r.org_id = org AND r.customer_id = customer
                 AND (r.scope_id = scope OR r.scope_id = '00000000-0000-0000-0000-000000000000' AND scope <> ALL (r.not_at)) ORDER BY r.channel)
$$;
COMMENT ON FUNCTION crm.reachable_on(int, uuid, uuid) IS 'Channels on which a guest may be written to, by a venue or (nil UUID) the organisation';
