-- What holds for a guest at a venue: read by criteria, cards and lists alike. Not pinned, so that the planner inlines them.
CREATE OR REPLACE FUNCTION crm.preferences_of(org int, venue uuid, customer uuid)
RETURNS TABLE (kind text, value text, name text, source text, strength numeric, orders int, of_orders int, first_seen timestamptz, last_seen timestamptz, scope_id uuid)
LANGUAGE sql STABLE
AS $$
  -- Of what a guest said of one thing, here or everywhere, the latest counts.
  SELECT * FROM (
    SELECT DISTINCT ON (s.kind IN ('favourite_product', 'disliked_product'), s.kind IN ('favourite_category', 'disliked_category'), s.value)
           s.kind, s.value, s.name, 'explicit', s.strength::numeric, s.times, NULL::int, s.first_at, s.last_at, s.scope_id
    FROM crm.stated_preference AS s
    WHERE s.org_id = $1 AND s.customer_id = $3 AND s.scope_id IN ($2, '00000000-0000-0000-0000-000000000000')
    ORDER BY s.kind IN ('favourite_product', 'disliked_product'), s.kind IN ('favourite_category', 'disliked_category'), s.value, s.last_at DESC, s.origin_id, s.scope_id DESC
  ) AS stated
  UNION ALL
  SELECT d.kind, d.value, d.name, 'derived', d.strength::numeric, d.orders, d.of_orders, d.first_seen, d.last_seen, d.venue_id
  FROM crm.derived_preference AS d
  WHERE d.org_id = $1 AND d.venue_id = $2 AND d.customer_id = $3
    AND NOT EXISTS (SELECT FROM crm.stated_preference AS s
                    WHERE s.org_id = $1 AND s.customer_id = $3 AND s.scope_id IN ($2, '00000000-0000-0000-0000-000000000000') AND s.value = d.value
                      AND d.kind IN ('favourite_product', 'disliked_product') AND s.kind IN ('favourite_product', 'disliked_product'))
$$;
COMMENT ON FUNCTION crm.preferences_of(int, uuid, uuid) IS 'What a guest likes, dislikes and is used to at a venue (nil UUID: what he stated for the whole organisation): what he said, and what is derived of things he said nothing of';

CREATE OR REPLACE FUNCTION crm.preference_facts(org int, venue uuid, customer uuid)
RETURNS TABLE (allergens text[], dietary text[], favourites text[], dislikes text[], preferred_category text, preferred_daypart text,
               preferred_table text, preferred_channel text, preferred_payment_method text, spend_trend text)
LANGUAGE sql STABLE
AS $$
  SELECT ARRAY(SELECT DISTINCT h.value FROM crm.health_need AS h
               WHERE h.org_id = $1 AND h.customer_id = $3 AND h.scope_id IN ($2, '00000000-0000-0000-0000-000000000000') AND h.kind = 'allergen'),
         ARRAY(SELECT DISTINCT h.value FROM crm.health_need AS h
               WHERE h.org_id = $1 AND h.customer_id = $3 AND h.scope_id IN ($2, '00000000-0000-0000-0000-000000000000') AND h.kind = 'diet'),
         ARRAY(SELECT DISTINCT COALESCE(p.name, p.value) FROM crm.preferences_of($1, $2, $3) AS p WHERE p.kind IN ('favourite_product', 'favourite_category')),
         ARRAY(SELECT DISTINCT COALESCE(p.name, p.value) FROM crm.preferences_of($1, $2, $3) AS p WHERE p.kind IN ('disliked_product', 'disliked_category')),
         (SELECT d.value FROM crm.derived_preference AS d WHERE d.org_id = $1 AND d.venue_id = $2 AND d.customer_id = $3 AND d.kind = 'category'),
         (SELECT d.value FROM crm.derived_preference AS d WHERE d.org_id = $1 AND d.venue_id = $2 AND d.customer_id = $3 AND d.kind = 'daypart'),
         (SELECT d.value FROM crm.derived_preference AS d WHERE d.org_id = $1 AND d.venue_id = $2 AND d.customer_id = $3 AND d.kind = 'table'),
         (SELECT d.value FROM crm.derived_preference AS d WHERE d.org_id = $1 AND d.venue_id = $2 AND d.customer_id = $3 AND d.kind = 'channel'),
         (SELECT d.value FROM crm.derived_preference AS d WHERE d.org_id = $1 AND d.venue_id = $2 AND d.customer_id = $3 AND d.kind = 'payment_method'),
         (SELECT b.spend_trend FROM crm.guest_habit AS b WHERE b.org_id = $1 AND b.venue_id = $2 AND b.customer_id = $3)
$$;
COMMENT ON FUNCTION crm.preference_facts(int, uuid, uuid) IS 'What criteria may ask of a guest''s needs and preferences at a venue, or (nil UUID) as told to the whole organisation; each is only read where it is asked for';
