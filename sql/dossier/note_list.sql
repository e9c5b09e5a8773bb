CREATE OR REPLACE FUNCTION crm.note_list(customer text, after bigint DEFAULT NULL, page_size int DEFAULT 50)
RETURNS TABLE (note_id bigint, venue_id uuid, body text, pinned boolean, author text, created_at timestamptz, corrects bigint, corrected_by bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_guest record;
  sees uuid[] := crm.caller_venues();
BEGIN
  IF page_size IS NULL OR page_size NOT BETWEEN 1 AND 200 THEN
    RAISE EXCEPTION 'a page has 1 to 200 rows' USING ERRCODE = '22023', COLUMN = 'page_size';
  END IF;
  of_guest := crm.known_guest(customer, NULL);
  RETURN QUERY
  SELECT n.note_id, n.venue_id, n.body, n.pinned, n.author, n.created_at, n.corrects,
         (SELECT max(k.note_id) FROM crm.note AS k WHERE k.org_id = n.org_id AND k.corrects = n.note_id)
  FROM crm.note AS n
  WHERE n.org_id = of_guest.org_id AND n.customer_id = of_guest.customer_id AND (after IS NULL OR n.note_id < after) AND (sees IS NULL OR n.venue_id = ANY (sees))
  ORDER BY n.note_id DESC LIMIT page_size;
END
$$;
ALTER FUNCTION crm.note_list(text, bigint, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.note_list(text, bigint, int) IS 'Notes about a guest (the CRM''s id or the platform''s) at the caller''s venues, latest first, a page before a note''s number. CR404 for an unknown guest, 22023 for the size of the page.';
GRANT EXECUTE ON FUNCTION crm.note_list(text, bigint, int) TO crm_staff;
