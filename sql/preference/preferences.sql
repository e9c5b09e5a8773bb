CREATE OR REPLACE FUNCTION crm.preferences(customer text, venue text DEFAULT NULL)
RETURNS TABLE (kind text, value text, name text, source text, strength numeric, orders int, of_orders int, first_seen timestamptz, last_seen timestamptz, venue_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_guest record := crm.known_guest(preferences.customer, venue);
  venues uuid[] := crm.caller_venues();
BEGIN
  RETURN QUERY
  SELECT DISTINCT p.kind, p.value, p.name, p.source, p.strength, p.orders, p.of_orders, p.first_seen, p.last_seen,
         NULLIF(p.scope_id, '00000000-0000-0000-0000-000000000000') AS venue_id
  FROM (SELECT of_guest.scope_id AS id WHERE venue IS NOT NULL
        UNION
        SELECT v.venue_id FROM crm.venue AS v WHERE venue IS NULL AND v.org_id = of_guest.org_id AND (venues IS NULL OR v.venue_id = ANY (venues))) AS at
  CROSS JOIN LATERAL crm.preferences_of(of_guest.org_id, at.id, of_guest.customer_id) AS p
  ORDER BY venue_id NULLS FIRST, p.kind, p.strength DESC, p.value;
END
$$;
ALTER FUNCTION crm.preferences(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.preferences(text, text) IS 'What a guest (the CRM''s id or the platform''s) likes, dislikes and is used to, at a venue or (null) at each of the caller''s: explicit where he said so (venue null: for the whole organisation), derived where his orders tell, each with its strength from 0 to 1. Allergens and diets are in crm.health_needs. CR404 for an unknown guest or venue.';
GRANT EXECUTE ON FUNCTION crm.preferences(text, text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.kitchen_card(customer text, venue text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_guest record;
  card jsonb;
BEGIN
  IF venue IS NULL THEN
    RAISE EXCEPTION 'a card is for a venue' USING ERRCODE = '22023', COLUMN = 'venue';
  END IF;
  of_guest := crm.known_guest(customer, venue);
  SELECT jsonb_build_object('customer_id', c.customer_id, 'name', c.name, 'allergens', to_jsonb(f.allergens), 'severities', COALESCE(n.severities, '{}'), 'diets', to_jsonb(f.dietary),
           'dislikes', COALESCE(p.dislikes, '[]'), 'favourites', COALESCE(p.favourites, '[]'), 'seating', COALESCE(p.seating, '[]'), 'usual_table', p.usual_table,
           'last_order', crm.last_order_of(of_guest.org_id, c.ref, (SELECT v.ref FROM crm.venue AS v WHERE v.org_id = of_guest.org_id AND v.venue_id = of_guest.scope_id)))
  INTO card
  FROM crm.customer AS c
  CROSS JOIN LATERAL crm.preference_facts(of_guest.org_id, of_guest.scope_id, of_guest.customer_id) AS f
  CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(h.value, h.severity ORDER BY crm.severity_rank(h.severity) DESC) AS severities FROM crm.health_need AS h
    WHERE h.org_id = of_guest.org_id AND h.customer_id = of_guest.customer_id AND h.scope_id IN (of_guest.scope_id, '00000000-0000-0000-0000-000000000000')
      AND h.severity IS NOT NULL) AS n
  CROSS JOIN LATERAL (
    SELECT jsonb_agg(COALESCE(o.name, o.value) ORDER BY o.source DESC, o.strength DESC, o.value) FILTER (WHERE o.kind IN ('disliked_product', 'disliked_category')) AS dislikes,
           jsonb_agg(COALESCE(o.name, o.value) ORDER BY o.source DESC, o.strength DESC, o.value) FILTER (WHERE o.kind IN ('favourite_product', 'favourite_category')) AS favourites,
           jsonb_agg(o.value ORDER BY o.last_seen DESC, o.value) FILTER (WHERE o.kind = 'seating') AS seating,
           min(o.value) FILTER (WHERE o.kind = 'table') AS usual_table
    FROM (SELECT o.*, row_number() OVER (PARTITION BY o.kind, o.source ORDER BY o.strength DESC, o.value) AS place
          FROM crm.preferences_of(of_guest.org_id, of_guest.scope_id, of_guest.customer_id) AS o) AS o
    -- Of what was never ordered again the strongest are enough; of what he said, nothing is left out.
    WHERE o.source = 'explicit' OR o.place <= 5) AS p
  WHERE c.org_id = of_guest.org_id AND c.customer_id = of_guest.customer_id;
  RETURN card;
END
$$;
ALTER FUNCTION crm.kitchen_card(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.kitchen_card(text, text) IS 'What order taking and the kitchen ticket need of a guest (the CRM''s id or the platform''s) at a venue: name, allergens, how grave they are where he said so (severities, the gravest of what he told the venue and the organisation), diets, dislikes (all that he stated, and the five strongest derived), favourites, seating, usual table, and what he had last (last_order, as of crm.dossier). CR404 for an unknown guest or venue.';
GRANT EXECUTE ON FUNCTION crm.kitchen_card(text, text) TO crm_staff;
