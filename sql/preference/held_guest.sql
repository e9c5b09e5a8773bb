CREATE OR REPLACE FUNCTION crm.known_guest(customer text, venue text, OUT org_id int, OUT scope_id uuid, OUT customer_id uuid)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_venue crm.venue_key;
BEGIN
  IF venue IS NULL THEN
    org_id := crm.org_of_customer(customer, 'customer');
    scope_id := '00000000-0000-0000-0000-000000000000';
  ELSE
    of_venue := crm.visible_venue(venue);
    org_id := of_venue.org_id;
    scope_id := of_venue.venue_id;
  END IF;
  SELECT crm.survivor_id_of(c.org_id, c.customer_id) INTO known_guest.customer_id
  FROM crm.customer AS c WHERE c.org_id = known_guest.org_id AND c.customer_id = crm.key(customer);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown customer "%"', customer USING ERRCODE = 'CR404', COLUMN = 'customer';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.known_guest(text, text) IS 'A guest (the CRM''s id or the platform''s), or who he was merged into, and a venue that the caller may see (null for the organisation: the nil UUID); CR404 for an unknown guest or venue';

CREATE OR REPLACE FUNCTION crm.held_guest(customer text, venue text, OUT org_id int, OUT scope_id uuid, OUT customer_id uuid)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  asked CONSTANT uuid := crm.key(customer);
BEGIN
  SELECT k.org_id, k.scope_id INTO org_id, scope_id FROM crm.known_guest(customer, venue) AS k;
  -- A merge holds both guests: who is written for must not be merged meanwhile.
  PERFORM FROM crm.customer AS c WHERE c.org_id = held_guest.org_id AND c.customer_id = asked FOR NO KEY UPDATE;
  customer_id := crm.survivor_id_of(held_guest.org_id, asked);
  IF customer_id <> asked THEN
    PERFORM FROM crm.customer AS c WHERE c.org_id = held_guest.org_id AND c.customer_id = held_guest.customer_id FOR NO KEY UPDATE;
  END IF;
END
$$;
COMMENT ON FUNCTION crm.held_guest(text, text) IS 'As of crm.known_guest, and keeps merges and other writers of the guest out until the end of the transaction';
