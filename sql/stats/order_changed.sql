-- Runs inside the pinned trigger function of the platform's order table; every name is qualified.
CREATE OR REPLACE FUNCTION crm.order_changed(
  order_ref text,
  old_venue text, old_customer text, old_total numeric, old_completed_at timestamptz,
  new_venue text, new_customer text, new_total numeric, new_completed_at timestamptz
) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  -- A version of an order counts for a guest when it has all of these; the caller leaves the total out where
  -- the order is not completed or was refunded in full.
  old_counts boolean := old_customer IS NOT NULL AND old_total IS NOT NULL AND old_completed_at IS NOT NULL;
  new_counts boolean := new_customer IS NOT NULL AND new_total IS NOT NULL AND new_completed_at IS NOT NULL;
  same_guest boolean := old_venue IS NOT DISTINCT FROM new_venue AND old_customer IS NOT DISTINCT FROM new_customer;
  of_venue crm.venue_key;
BEGIN
  IF old_counts AND NOT (new_counts AND same_guest AND old_total = new_total AND old_completed_at = new_completed_at) THEN
    of_venue := crm.live_venue(old_venue, old_customer, order_ref);
    IF of_venue.venue_id IS NOT NULL THEN
      PERFORM crm.note_day(of_venue, old_completed_at);
      PERFORM crm.note_day(of_venue, new_completed_at) WHERE new_counts AND same_guest;
      PERFORM crm.recount_guest(of_venue, old_venue, old_customer);
    END IF;
  END IF;
  -- An order that was not completed before has been offered to crm.add_order by the trigger already.
  IF new_counts AND NOT (old_counts AND same_guest)
     AND (old_total IS NULL OR NOT crm.add_order(new_venue, new_customer, new_total, new_completed_at)) THEN
    of_venue := crm.live_venue(new_venue, new_customer, order_ref);
    IF of_venue.venue_id IS NOT NULL THEN
      PERFORM crm.note_day(of_venue, new_completed_at);
      PERFORM crm.count_order(of_venue, new_venue, new_customer, new_total, new_completed_at);
    END IF;
  END IF;
END
$$;
COMMENT ON FUNCTION crm.order_changed(text, text, text, numeric, timestamptz, text, text, numeric, timestamptz) IS 'Follows one change of an order: reference, then venue, customer, net total and completion of the old and of the new version, null where there is none';

CREATE OR REPLACE FUNCTION crm.live_venue(venue_ref text, customer_ref text, order_ref text) RETURNS crm.venue_key
LANGUAGE plpgsql
AS $$
DECLARE
  of_venue crm.venue_key;
  counting text;
BEGIN
  SELECT s.org_id, s.venue_id, s.counting INTO of_venue.org_id, of_venue.venue_id, counting
  FROM crm.venue_scoring AS s WHERE s.ref = venue_ref;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown venue "%"', venue_ref USING ERRCODE = 'CR404';
  END IF;
  IF counting = 'live' THEN
    RETURN of_venue;
  END IF;
  -- The backfill reads the history in one go; what changes meanwhile is re-read after it.
  INSERT INTO crm.failed_change (entity, venue_ref, customer_ref, order_ref, message)
  VALUES ('order', venue_ref, customer_ref, order_ref, 'waits for the backfill');
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.live_venue(text, text, text) IS 'Key of a venue whose orders are counted as they change; null, with the change put off, while its history is not counted yet; CR404 for an unknown one';
