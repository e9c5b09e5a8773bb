CREATE OR REPLACE FUNCTION crm.repair_failed() RETURNS int
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- A sale that holds a guest keeps its change in the queue; the repair does not wait for it while it holds others.
SET lock_timeout = '50ms'
AS $$
DECLARE
  failed record;
  of_venue crm.venue_key;
  scoring record;
  repaired int := 0;
  error_code text;
  error_message text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('crm.repair', 0));
  -- Venues first: customers and orders may wait for them.
  FOR failed IN
    SELECT c.entity, c.venue_ref, c.customer_ref, array_agg(c.change_id) AS changes
    FROM crm.failed_change AS c
    GROUP BY c.entity, c.venue_ref, c.customer_ref
    ORDER BY array_position('{venue,customer,order}', c.entity), c.venue_ref, c.customer_ref
  LOOP
    BEGIN
      CASE failed.entity
        WHEN 'venue' THEN
          PERFORM crm.mirror_venues(failed.venue_ref);
        WHEN 'customer' THEN
          IF failed.customer_ref IS NULL THEN
            PERFORM crm.backfill_customers();
          ELSE
            PERFORM crm.customer_removed(failed.customer_ref, o.ref)
            FROM crm.organisation AS o
            WHERE NOT EXISTS (SELECT FROM crm.bound_customer(failed.customer_ref) AS b WHERE b.org_ref IS NULL OR b.org_ref = o.ref);
            PERFORM crm.mirror_customer(b.ref, b.name, b.phone, b.email, b.birth_date, b.org_ref)
            FROM crm.bound_customer(failed.customer_ref) AS b;
          END IF;
        WHEN 'order' THEN
          IF failed.venue_ref IS NOT NULL AND failed.customer_ref IS NOT NULL THEN
            SELECT s.org_id, s.venue_id, s.counting INTO scoring FROM crm.venue_scoring AS s WHERE s.ref = failed.venue_ref;
            IF NOT FOUND THEN
              RAISE EXCEPTION 'unknown venue "%"', failed.venue_ref USING ERRCODE = 'CR404';
            ELSIF scoring.counting = 'live' THEN
              PERFORM crm.recount_guest(ROW(scoring.org_id, scoring.venue_id)::crm.venue_key, failed.venue_ref, failed.customer_ref);
            ELSE
              CONTINUE;  -- the backfill has yet to come
            END IF;
          ELSE
            -- Nobody knows whose order it was: every row that differs is re-read.
            FOR scoring IN SELECT s.org_id, s.venue_id FROM crm.venue_scoring AS s
                           WHERE s.counting = 'live' AND (failed.venue_ref IS NULL OR s.ref = failed.venue_ref) LOOP
              of_venue := ROW(scoring.org_id, scoring.venue_id);
              PERFORM crm.repair_stats_of(of_venue);
            END LOOP;
          END IF;
      END CASE;
      DELETE FROM crm.failed_change AS c WHERE c.change_id = ANY (failed.changes);
      repaired := repaired + cardinality(failed.changes);
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT;
      UPDATE crm.failed_change AS c SET attempts = c.attempts + 1, sqlstate = error_code, message = error_message WHERE c.change_id = ANY (failed.changes);
    END;
  END LOOP;
  RETURN repaired;
END
$$;
ALTER FUNCTION crm.repair_failed() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.repair_failed() IS 'Re-reads what could not be followed at once, from the platform as it is now, and removes what was repaired; returns how many changes. What still fails stays, with its error.';
