CREATE OR REPLACE FUNCTION crm.set_segment_override(segment int, customer text, included boolean, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_segment crm.known_segment := crm.visible_segment(segment);
  guest uuid := crm.key(customer);
BEGIN
  IF of_segment.is_system THEN
    PERFORM crm.refuse_system_segment(of_segment);
  ELSIF of_segment.archived_at IS NOT NULL THEN
    RAISE EXCEPTION 'segment "%" is archived', of_segment.key USING ERRCODE = 'CR409', COLUMN = 'segment';
  END IF;
  IF included IS NOT NULL AND NULLIF(btrim(reason), '') IS NULL THEN
    RAISE EXCEPTION 'an exception by hand needs a reason' USING ERRCODE = '22023', COLUMN = 'reason';
  END IF;
  IF guest IS NULL OR (CASE WHEN of_segment.venue_id IS NULL
       THEN NOT EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = of_segment.org_id AND c.customer_id = guest)
       ELSE NOT EXISTS (SELECT FROM crm.customer_venue_stats AS t WHERE t.org_id = of_segment.org_id AND t.venue_id = of_segment.venue_id AND t.customer_id = guest) END) THEN
    RAISE EXCEPTION 'unknown customer "%"', customer USING ERRCODE = 'CR404', COLUMN = 'customer', HINT = 'A segment of a venue has that venue''s guests.';
  END IF;
  PERFORM crm.hold_guests(of_segment.org_id, of_segment.scope_id, ARRAY[guest], false);
  PERFORM crm.mark_changed(of_segment.org_id, of_segment.scope_id, ARRAY[guest]);
  IF included IS NULL THEN
    DELETE FROM crm.segment_override AS o WHERE o.org_id = of_segment.org_id AND o.segment_id = segment AND o.customer_id = guest;
  ELSE
    INSERT INTO crm.segment_override AS o (org_id, segment_id, customer_id, included, reason, set_by)
    VALUES (of_segment.org_id, segment, guest, included, btrim(reason), (SELECT c.principal_id FROM crm.caller() AS c))
    ON CONFLICT (org_id, segment_id, customer_id) DO UPDATE
      SET included = excluded.included, reason = excluded.reason, set_by = excluded.set_by, set_at = excluded.set_at;
    UPDATE crm.segment AS s SET has_overrides = true WHERE s.org_id = of_segment.org_id AND s.segment_id = segment AND NOT s.has_overrides;
  END IF;
  PERFORM crm.follow_scope(of_segment.org_id, of_segment.scope_id, ARRAY[guest], 'override');
END
$$;
ALTER FUNCTION crm.set_segment_override(int, text, boolean, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.set_segment_override(int, text, boolean, text) IS 'Puts a guest (the CRM''s id or the platform''s) into a segment (true) or keeps him out (false), with a reason, whatever the criteria say; null takes that back. CR404 for an unknown segment or guest, CR409 for the system''s and archived segments, 22023 without a reason.';

CREATE OR REPLACE FUNCTION crm.include_in_segment(segment int, customer text, reason text) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT crm.set_segment_override(segment, customer, true, reason) $$;
ALTER FUNCTION crm.include_in_segment(int, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.include_in_segment(int, text, text) IS 'Puts a guest into a segment by hand, with a reason; errors as of crm.set_segment_override';
GRANT EXECUTE ON FUNCTION crm.include_in_segment(int, text, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.exclude_from_segment(segment int, customer text, reason text) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT crm.set_segment_override(segment, customer, false, reason) $$;
ALTER FUNCTION crm.exclude_from_segment(int, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.exclude_from_segment(int, text, text) IS 'Keeps a guest out of a segment by hand, with a reason; errors as of crm.set_segment_override';
GRANT EXECUTE ON FUNCTION crm.exclude_from_segment(int, text, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.clear_segment_override(segment int, customer text) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT crm.set_segment_override(segment, customer, NULL, NULL) $$;
ALTER FUNCTION crm.clear_segment_override(int, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.clear_segment_override(int, text) IS 'Leaves a guest''s membership to the criteria again; errors as of crm.set_segment_override';
GRANT EXECUTE ON FUNCTION crm.clear_segment_override(int, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.set_inline_segments(inline boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_org int := crm.whole_organisation();
BEGIN
  IF inline IS NULL THEN
    RAISE EXCEPTION 'inline must be true or false' USING ERRCODE = '22023', COLUMN = 'inline';
  END IF;
  UPDATE crm.organisation AS o SET segments_inline = inline WHERE o.org_id = of_org;
END
$$;
ALTER FUNCTION crm.set_inline_segments(boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.set_inline_segments(boolean) IS 'Switches on or off that segments of the caller''s organisation follow orders and profiles in the same transaction; while it is off the guests concerned only become due, and the next sweep follows';
GRANT EXECUTE ON FUNCTION crm.set_inline_segments(boolean) TO crm_admin;
