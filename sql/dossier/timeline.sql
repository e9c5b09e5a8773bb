CREATE OR REPLACE FUNCTION crm.timeline(customer text, after jsonb DEFAULT NULL, page_size int DEFAULT 50)
RETURNS TABLE (at timestamptz, kind text, venue_id uuid, summary text, details jsonb, cursor jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.org_of_customer(customer, 'customer');
  guest uuid := crm.key(customer);
  guest_ref text := (SELECT c.ref FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = guest);
  sees uuid[] := crm.caller_venues();
  manages boolean := crm.may_manage();
  -- For the indexes of the ledgers, which lead with the venue: those the caller sees, and the organisation.
  scopes uuid[] := COALESCE(sees, ARRAY(SELECT v.venue_id FROM crm.venue AS v WHERE v.org_id = org)) || '00000000-0000-0000-0000-000000000000'::uuid;
  before_at timestamptz := 'infinity';
  before_kind text := '';
  before_id text := '';
BEGIN
  IF page_size IS NULL OR page_size NOT BETWEEN 1 AND 200 THEN
    RAISE EXCEPTION 'a page has 1 to 200 rows' USING ERRCODE = '22023', COLUMN = 'page_size';
  END IF;
  IF after IS NOT NULL THEN
    BEGIN
      before_at := (after ->> 'at')::timestamptz;
      before_kind := after ->> 'kind';
      before_id := after ->> 'id';
      IF before_at IS NULL OR before_kind IS NULL OR before_id IS NULL THEN
        RAISE invalid_parameter_value;
      END IF;
    EXCEPTION WHEN data_exception THEN
      RAISE EXCEPTION 'this is no cursor of a timeline' USING ERRCODE = '22023', COLUMN = 'after', HINT = 'Give back the cursor of the last row.';
    END;
  END IF;
  PERFORM crm.log_access(org, 'timeline', guest);
  RETURN QUERY
  WITH event AS (
    (SELECT o.completed_at AS at, 'order' AS kind, o.order_ref AS id, o.venue_id,
            o.total::text || ' ' || v.currency || COALESCE(', table ' || o.table_name, '') || COALESCE(', ' || o.channel, '') AS summary,
            jsonb_strip_nulls(jsonb_build_object('order_ref', o.order_ref, 'total', o.total::text, 'currency', v.currency, 'channel', o.channel, 'table', o.table_name,
                                                 'payment_method', o.payment_method, 'promo_code', o.promo_code)) AS details
     FROM (SELECT * FROM crm.orders_of(org, guest_ref, NULL) AS o
           WHERE (o.completed_at, 'order', o.order_ref) < (before_at, before_kind, before_id) AND (sees IS NULL OR o.venue_id = ANY (sees))
           ORDER BY o.completed_at DESC, o.order_ref DESC LIMIT page_size) AS o
     JOIN crm.venue AS v ON v.org_id = org AND v.venue_id = o.venue_id)
    UNION ALL
    (SELECT n.created_at, 'note', lpad(n.note_id::text, 20, '0'), n.venue_id, left(n.body, 200),
            jsonb_strip_nulls(jsonb_build_object('note_id', n.note_id, 'author', n.author, 'body', n.body, 'pinned', n.pinned, 'corrects', n.corrects))
     FROM crm.note AS n
     WHERE n.org_id = org AND n.customer_id = guest AND (n.created_at, 'note', lpad(n.note_id::text, 20, '0')) < (before_at, before_kind, before_id)
       AND (sees IS NULL OR n.venue_id = ANY (sees))
     ORDER BY n.created_at DESC, n.note_id DESC LIMIT page_size)
    UNION ALL
    (SELECT l.changed_at, 'label', lpad(l.change_id::text, 20, '0'), l.venue_id, COALESCE(l.from_label || ' to ', '') || l.to_label,
            jsonb_strip_nulls(jsonb_build_object('from', l.from_label, 'to', l.to_label))
     FROM crm.label_change AS l
     WHERE l.org_id = org AND l.customer_id = guest AND l.venue_id = ANY (scopes) AND (l.changed_at, 'label', lpad(l.change_id::text, 20, '0')) < (before_at, before_kind, before_id)
     ORDER BY l.changed_at DESC, l.change_id DESC LIMIT page_size)
    UNION ALL
    (SELECT e.occurred_at, 'segment', lpad(e.change_id::text, 20, '0') || ' ' || lpad(e.segment_id::text, 10, '0'), s.venue_id, e.event || ' ' || s.name,
            jsonb_strip_nulls(jsonb_build_object('segment_id', e.segment_id, 'event', e.event, 'cause', e.cause, 'order_ref', e.order_ref))
     FROM (SELECT c.change_id, c.occurred_at, c.cause, c.order_ref, n.segment_id, n.event
           FROM crm.segment_change AS c CROSS JOIN LATERAL (SELECT unnest(c.entered), 'entered' UNION ALL SELECT unnest(c.exited), 'left') AS n(segment_id, event)
           WHERE c.org_id = org AND c.customer_id = guest AND c.scope_id = ANY (scopes)) AS e
     JOIN crm.segment AS s ON s.org_id = org AND s.segment_id = e.segment_id
     WHERE NOT s.is_system
       AND (e.occurred_at, 'segment', lpad(e.change_id::text, 20, '0') || ' ' || lpad(e.segment_id::text, 10, '0')) < (before_at, before_kind, before_id)
     ORDER BY 1 DESC, 3 DESC LIMIT page_size)
    UNION ALL
    (SELECT p.changed_at, 'profile', lpad(p.change_id::text, 20, '0'), NULL, p.field,
            CASE WHEN manages THEN jsonb_strip_nulls(jsonb_build_object('field', p.field, 'from', p.old_value, 'to', p.new_value)) ELSE jsonb_build_object('field', p.field) END
     FROM crm.profile_change AS p
     WHERE p.org_id = org AND p.customer_id = guest AND (p.changed_at, 'profile', lpad(p.change_id::text, 20, '0')) < (before_at, before_kind, before_id)
     ORDER BY p.changed_at DESC, p.change_id DESC LIMIT page_size)
    UNION ALL
    (SELECT e.recorded_at, 'consent', lpad(e.entry_id::text, 20, '0'), NULLIF(e.scope_id, '00000000-0000-0000-0000-000000000000'), e.action || ' ' || e.channel,
            jsonb_build_object('entry_id', e.entry_id, 'channel', e.channel, 'action', e.action, 'source', e.source, 'occurred_at', e.occurred_at)
     FROM crm.consent_entry AS e
     WHERE e.org_id = org AND e.customer_id = ANY (guest || ARRAY(SELECT m.customer_id FROM crm.merged_customer AS m WHERE m.org_id = org AND m.survivor_id = guest))
       AND e.scope_id = ANY (scopes) AND (e.recorded_at, 'consent', lpad(e.entry_id::text, 20, '0')) < (before_at, before_kind, before_id)
     ORDER BY 1 DESC, 3 DESC LIMIT page_size)
    UNION ALL
    (SELECT m.merged_at, 'merge', m.customer_id::text, NULL,
            CASE WHEN m.customer_id = guest THEN 'merged into ' || m.survivor_ref ELSE m.ref || ' merged into this guest' END || ': ' || m.reason,
            jsonb_build_object('customer_id', m.customer_id, 'into_id', m.into_id, 'reason', m.reason)
     FROM crm.merged_customer AS m
     WHERE m.org_id = org AND (m.customer_id = guest OR m.survivor_id = guest) AND (m.merged_at, 'merge', m.customer_id::text) < (before_at, before_kind, before_id)
     ORDER BY 1 DESC, 3 DESC LIMIT page_size)
  )
  SELECT e.at, e.kind, e.venue_id, e.summary, e.details, jsonb_build_object('at', e.at::text, 'kind', e.kind, 'id', e.id)
  FROM event AS e ORDER BY e.at DESC, e.kind DESC, e.id DESC LIMIT page_size;
END
$$;
ALTER FUNCTION crm.timeline(text, jsonb, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.timeline(text, jsonb, int) IS 'What happened to a guest (the CRM''s id or the platform''s), latest first, as far as the caller may see it: orders, notes, changes of label, segments entered and left (not those of the labels), changes of the profile (values for managers only), consent and merges; a page after the cursor of the last row of the page before. CR404 for an unknown guest, 22023 names the parameter at fault. Noted in crm.access_log.';
GRANT EXECUTE ON FUNCTION crm.timeline(text, jsonb, int) TO crm_staff;
