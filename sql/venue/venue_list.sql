CREATE OR REPLACE FUNCTION crm.venue_list()
RETURNS TABLE (venue_id uuid, ref text, name text, timezone text, currency text, crm_enabled boolean, loyalty_enabled boolean, guests bigint, labels jsonb)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT v.venue_id, v.ref, v.name, v.timezone, v.currency, o.crm_enabled AND v.crm_enabled, o.loyalty_enabled AND v.loyalty_enabled, COALESCE(t.guests, 0), COALESCE(t.labels, '{}')
  FROM crm.require_caller() AS caller
  JOIN crm.venue AS v ON v.org_id = caller.org_id AND (caller.venue_ids IS NULL OR v.venue_id = ANY (caller.venue_ids))
  JOIN crm.organisation AS o ON o.org_id = v.org_id
  LEFT JOIN (
    SELECT counted.org_id, counted.venue_id, sum(counted.guests)::bigint AS guests, jsonb_object_agg(counted.label, counted.guests) FILTER (WHERE counted.label IS NOT NULL) AS labels
    FROM (SELECT s.org_id, s.venue_id, s.label, count(*) AS guests
          FROM crm.customer_venue_stats AS s
          WHERE s.org_id = (SELECT c.org_id FROM crm.caller() AS c)
          GROUP BY s.org_id, s.venue_id, s.label) AS counted
    GROUP BY counted.org_id, counted.venue_id
  ) AS t ON t.org_id = v.org_id AND t.venue_id = v.venue_id
  ORDER BY v.name, v.venue_id
$$;
ALTER FUNCTION crm.venue_list() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.venue_list() IS 'The caller''s venues, whether the CRM and the loyalty programme are enabled there (by the venue and the organisation), with their number of guests, in all and per label; 42501 for a caller without an organisation';
GRANT EXECUTE ON FUNCTION crm.venue_list() TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.venue_entry(venue text)
RETURNS TABLE (venue_id uuid, ref text, name text, timezone text, currency text, crm_enabled boolean, loyalty_enabled boolean, guests bigint, labels jsonb)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT v.venue_id, v.ref, v.name, v.timezone, v.currency, o.crm_enabled AND v.crm_enabled, o.loyalty_enabled AND v.loyalty_enabled, COALESCE(sum(t.guests), 0)::bigint,
         COALESCE(jsonb_object_agg(t.label, t.guests) FILTER (WHERE t.label IS NOT NULL), '{}')
  FROM crm.visible_venue(venue_entry.venue) AS k
  JOIN crm.venue AS v ON v.org_id = k.org_id AND v.venue_id = k.venue_id
  JOIN crm.organisation AS o ON o.org_id = v.org_id
  LEFT JOIN LATERAL (SELECT s.label, count(*) AS guests FROM crm.customer_venue_stats AS s
                     WHERE s.org_id = k.org_id AND s.venue_id = k.venue_id GROUP BY s.label) AS t ON true
  GROUP BY o.org_id, v.org_id, v.venue_id
$$;
ALTER FUNCTION crm.venue_entry(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.venue_entry(text) IS 'One venue (the CRM''s id or the platform''s), as crm.venue_list shows it. CR404 for an unknown venue.';
GRANT EXECUTE ON FUNCTION crm.venue_entry(text) TO crm_reader, crm_staff;
