CREATE OR REPLACE FUNCTION crm.add_note(customer text, venue text, body text, pinned boolean DEFAULT false, corrects bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  of_venue crm.venue_key := crm.visible_venue(venue);
  org int := crm.org_of_customer(customer, 'customer');
  guest uuid;
  made bigint;
BEGIN
  IF of_venue.org_id <> org THEN
    PERFORM crm.refuse_venue(venue);
  END IF;
  guest := crm.hold_customer(org, customer);
  IF NULLIF(btrim(body, E' \t\r\n'), '') IS NULL OR length(body) > 4000 THEN
    RAISE EXCEPTION 'a note has 1 to 4000 characters' USING ERRCODE = '22023', COLUMN = 'body';
  END IF;
  IF corrects IS NOT NULL AND NOT EXISTS (SELECT FROM crm.note AS n WHERE n.org_id = org AND n.note_id = corrects AND n.venue_id = of_venue.venue_id
                                          AND n.customer_id = guest) THEN
    RAISE EXCEPTION 'unknown note % of this guest at this venue', corrects USING ERRCODE = 'CR404', COLUMN = 'corrects';
  END IF;
  INSERT INTO crm.note (org_id, venue_id, origin_id, customer_id, body, pinned, corrects, author_id, author)
  SELECT org, of_venue.venue_id, guest, guest, btrim(body, E' \t\r\n'), COALESCE(pinned, false), corrects, p.principal_id,
         COALESCE(p.name, 'database administrator')
  FROM (SELECT 1) AS one LEFT JOIN crm.principal AS p ON p.org_id = org AND p.principal_id = (SELECT c.principal_id FROM crm.caller() AS c)
  RETURNING note_id INTO made;
  RETURN made;
END
$$;
ALTER FUNCTION crm.add_note(text, text, text, boolean, bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.add_note(text, text, text, boolean, bigint) IS 'Writes a note about a guest at a venue (each the CRM''s id or the platform''s), pinned or not, or one that corrects another; returns its number. It is kept for good, with its author. 22023 for an empty or too long one; CR404 for an unknown guest, venue or note; CR409 for a guest who was merged or erased.';
GRANT EXECUTE ON FUNCTION crm.add_note(text, text, text, boolean, bigint) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.pin_note(note bigint, pinned boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.acting_org();
BEGIN
  UPDATE crm.note AS n SET pinned = COALESCE(pinned, true)
  WHERE n.org_id = org AND n.note_id = note AND COALESCE((SELECT c.venue_ids IS NULL OR n.venue_id = ANY (c.venue_ids) FROM crm.caller() AS c), true);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown note %', note USING ERRCODE = 'CR404', COLUMN = 'note';
  END IF;
END
$$;
ALTER FUNCTION crm.pin_note(bigint, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.pin_note(bigint, boolean) IS 'Pins a note of one of the caller''s venues, or takes the pin off. CR404 for an unknown one.';
GRANT EXECUTE ON FUNCTION crm.pin_note(bigint, boolean) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.keep_notes() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- A pin may come and go, and a merge may change whose note it is.
  IF TG_OP = 'UPDATE' THEN
    IF to_jsonb(NEW) - '{pinned,customer_id}'::text[] = to_jsonb(OLD) - '{pinned,customer_id}'::text[] THEN
      RETURN NEW;
    END IF;
  END IF;
  -- A guest who is erased leaves his notes without their text.
  IF TG_OP = 'UPDATE' THEN
    IF NEW.body = 'erased' AND to_jsonb(NEW) - 'body' = to_jsonb(OLD) - 'body'
       AND EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = OLD.org_id AND c.customer_id = OLD.origin_id AND c.status = 'erased') THEN
      RETURN NEW;
    END IF;
  END IF;
  -- One may go that came with a file that is being taken back.
  IF TG_OP = 'DELETE' AND EXISTS (
    SELECT FROM crm.import_row AS r JOIN crm.import AS i ON i.org_id = r.org_id AND i.import_id = r.import_id
    WHERE r.org_id = OLD.org_id AND r.customer_id = OLD.origin_id AND r.written ->> 'note' = OLD.note_id::text AND i.state = 'undoing') THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'notes are kept as they were written' USING ERRCODE = '55000', HINT = 'Add a note that corrects it.';
END
$$;
COMMENT ON FUNCTION crm.keep_notes() IS 'Refuses to change or remove a note, whoever asks, but for one that came with a file which is being taken back, and the text of those about a guest who is erased; trigger of crm.note';
