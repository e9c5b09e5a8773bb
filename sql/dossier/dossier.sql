CREATE OR REPLACE FUNCTION crm.dossier(customer text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  guest uuid := crm.survivor_id_of(org, crm.key(customer));
  sees uuid[] := crm.caller_venues();
  c crm.customer;
BEGIN
  PERFORM crm.log_access(org, 'dossier', crm.key(customer));
  SELECT p.* INTO c FROM crm.customer AS p WHERE p.org_id = org AND p.customer_id = guest;
  RETURN jsonb_build_object(
    'profile', jsonb_build_object(
      'customer_id', c.customer_id, 'ref', c.ref, 'name', c.name, 'phone', c.phone, 'phone_e164', c.phone_e164, 'email', c.email,
      'birthday', COALESCE(c.birth_date::text, '--' || c.birthday), 'anniversary', COALESCE(c.anniversary_date::text, '--' || c.anniversary),
      'gender', c.gender, 'language', c.language, 'document', CASE WHEN crm.may_manage() THEN c.document END, 'photo_url', c.photo_url,
      'preferred_channel', c.preferred_channel, 'preferred_venue', c.preferred_venue, 'kind', c.kind, 'status', c.status, 'blocked_reason', c.blocked_reason,
      'source', c.source, 'created_at', c.created_at, 'updated_at', c.updated_at,
      'merged_from', (SELECT COALESCE(jsonb_agg(m.customer_id ORDER BY m.customer_id), '[]') FROM crm.merged_customer AS m WHERE m.org_id = org AND m.survivor_id = guest)),
    'contacts', (SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('contact_id', k.contact_id, 'kind', k.kind, 'label', k.label, 'value', k.value,
                          'city', k.city, 'postal_code', k.postal_code, 'country', k.country, 'is_default', k.is_default)) ORDER BY k.kind, k.contact_id), '[]')
                 FROM crm.customer_contact AS k WHERE k.org_id = org AND k.customer_id = guest),
    'badges', crm.badges_of(org, guest, sees),
    'lifetime', (SELECT COALESCE(jsonb_agg(jsonb_build_object('currency', l.currency, 'venues', l.venues, 'total_orders', l.total_orders, 'total_visits', l.total_visits,
                          'total_spent', l.total_spent::text, 'highest_order', l.highest_order::text, 'first_order_at', l.first_order_at, 'last_order_at', l.last_order_at)), '[]')
                 FROM crm.lifetime(c.ref) AS l),
    'venues', crm.venues_of_guest(org, guest, sees),
    'tags', (SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('tag_id', t.tag_id, 'name', t.name, 'colour', t.colour, 'source', t.source,
                      'expires_at', t.expires_at)) ORDER BY t.name), '[]')
             FROM crm.guest_tag AS t WHERE t.org_id = org AND t.customer_id = guest),
    'notes', (SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('note_id', n.note_id, 'venue_id', n.venue_id, 'body', n.body, 'pinned', n.pinned,
                       'author', n.author, 'created_at', n.created_at, 'corrects', n.corrects, 'corrected_by', n.corrected_by)) ORDER BY n.pinned DESC, n.created_at DESC), '[]')
              FROM (SELECT n.*, (SELECT max(k.note_id) FROM crm.note AS k WHERE k.org_id = org AND k.corrects = n.note_id) AS corrected_by
                    FROM crm.note AS n WHERE n.org_id = org AND n.customer_id = guest AND (sees IS NULL OR n.venue_id = ANY (sees))
                    ORDER BY n.pinned DESC, n.created_at DESC LIMIT 50) AS n),
    'health_needs', (SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(to_jsonb(h))), '[]') FROM crm.health_needs_of(org, guest, sees) AS h),
    'preferences', (SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(to_jsonb(p))), '[]') FROM crm.preferences(c.ref) AS p),
    'consents', (SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(to_jsonb(k))), '[]') FROM crm.consents(c.ref) AS k),
    'do_not_contact', (SELECT b.reason FROM crm.contact_ban AS b WHERE b.org_id = org AND b.customer_id = guest ORDER BY b.banned_at DESC LIMIT 1),
    'segments', (SELECT COALESCE(jsonb_agg(jsonb_build_object('segment_id', s.segment_id, 'key', s.key, 'name', s.name, 'venue_id', s.venue_id) ORDER BY s.name), '[]')
                 FROM crm.segment_member AS m JOIN crm.segment AS s ON s.org_id = m.org_id AND s.segment_id = m.segment_id
                 WHERE m.org_id = org AND m.customer_id = guest AND NOT s.is_system AND (m.venue_id IS NULL OR sees IS NULL OR m.venue_id = ANY (sees))),
    'last_order', crm.last_order_of(org, c.ref, NULL, sees),
    'recent_orders', (SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('order_ref', o.order_ref, 'venue_id', o.venue_id, 'total', o.total::text,
                               'completed_at', o.completed_at, 'channel', o.channel, 'table', o.table_name)) ORDER BY o.completed_at DESC, o.order_ref DESC), '[]')
                      FROM (SELECT * FROM crm.orders_of(org, c.ref, NULL) AS o WHERE sees IS NULL OR o.venue_id = ANY (sees)
                            ORDER BY o.completed_at DESC, o.order_ref DESC LIMIT 10) AS o));
END
$$;
ALTER FUNCTION crm.dossier(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.dossier(text) IS 'Everything that is known of a guest (the CRM''s id or the platform''s; for one who was merged, his survivor) and the caller may see, in one JSON object: profile, contacts, badges with the sentence why, lifetime totals per currency, venues with label and totals, tags, allergens and diets, preferences, where he stands on consent and whether he is to be left alone (do_not_contact, the reason), the 50 notes that count most, segments, what he had last (last_order: order_ref, venue_id, completed_at, total, table, items of product and quantity), the ten latest orders. Money as decimal strings; the document for managers only. CR404 for an unknown guest. Noted in crm.access_log.';
GRANT EXECUTE ON FUNCTION crm.dossier(text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.venues_of_guest(org int, guest uuid, sees uuid[]) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
-- Keeps its plan, which takes longer to make than to run.
BEGIN
  RETURN (SELECT COALESCE(jsonb_agg(jsonb_build_object(
      'venue_id', v.venue_id, 'venue_name', v.name, 'currency', v.currency,
      'label', t.label, 'previous_label', t.previous_label, 'label_changed_at', t.label_changed_at, 'next_label_at', t.next_label_at,
      'recency_score', t.recency_score, 'frequency_score', t.frequency_score, 'monetary_score', t.monetary_score,
      'total_orders', t.total_orders, 'total_visits', t.total_visits, 'total_spent', t.total_spent::text, 'highest_order', t.highest_order::text,
      'first_order_at', t.first_order_at, 'last_order_at', t.last_order_at,
      'days_since_last_order', crm.open_days_between(s.rule, crm.local_day(t.last_order_at, s.timezone, s.day_starts_at),
                                                     crm.local_day(crm.now(), s.timezone, s.day_starts_at)))
    ORDER BY t.last_order_at DESC NULLS LAST, v.name), '[]')
  FROM crm.customer_venue_stats AS t
  JOIN crm.venue AS v ON v.org_id = t.org_id AND v.venue_id = t.venue_id
  JOIN crm.venue_scoring AS s ON s.org_id = t.org_id AND s.venue_id = t.venue_id
  WHERE t.org_id = org AND t.customer_id = guest AND (sees IS NULL OR t.venue_id = ANY (sees)));
END
$$;
COMMENT ON FUNCTION crm.venues_of_guest(int, uuid, uuid[]) IS 'Totals, scores and label of a guest at each of some venues (null for all), where he came last first';

CREATE OR REPLACE FUNCTION crm.badges_of(org int, guest uuid, sees uuid[]) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
-- Keeps its plan, which takes longer to make than to run.
BEGIN
  RETURN (SELECT COALESCE(jsonb_agg(jsonb_build_object('badge', b.badge, 'why', b.why) ORDER BY b.n, b.why), '[]') FROM (
    SELECT 1 AS n, 'BLOCKED' AS badge, c.blocked_reason AS why FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = guest AND c.status = 'blocked'
    UNION ALL
    SELECT 2, t.label, v.name || ': ' || CASE WHEN t.total_orders = 0 THEN 'no order' ELSE
             CASE WHEN t.total_visits >= v.regular_visits THEN 'regular, ' ELSE '' END
             || t.total_visits || CASE t.total_visits WHEN 1 THEN ' visit, last ' ELSE ' visits, last ' END
             || CASE d.days WHEN 0 THEN 'today' WHEN 1 THEN 'yesterday' ELSE d.days || ' days ago' END END
           || COALESCE('; was ' || t.previous_label, '')
    FROM crm.customer_venue_stats AS t
    JOIN crm.venue AS v ON v.org_id = t.org_id AND v.venue_id = t.venue_id
    JOIN crm.venue_scoring AS s ON s.org_id = t.org_id AND s.venue_id = t.venue_id
    CROSS JOIN LATERAL (SELECT crm.local_day(crm.now(), s.timezone, s.day_starts_at) - crm.local_day(t.last_order_at, s.timezone, s.day_starts_at) AS days) AS d
    WHERE t.org_id = org AND t.customer_id = guest AND t.label IS NOT NULL AND (sees IS NULL OR t.venue_id = ANY (sees))
    UNION ALL
    SELECT 3, 'BIRTHDAY', CASE d.days WHEN 0 THEN 'today' WHEN 1 THEN 'tomorrow' ELSE 'in ' || d.days || ' days' END
    FROM (SELECT crm.next_anniversary(crm.annual_day(c.birth_date, c.birthday), crm.now()::date) - crm.now()::date AS days
          FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = guest AND c.birthday IS NOT NULL) AS d WHERE d.days <= 14) AS b);
END
$$;
COMMENT ON FUNCTION crm.badges_of(int, uuid, uuid[]) IS 'What a host should know of a guest at one glance, each with the reason: blocked, label at each venue, a birthday within two weeks';
