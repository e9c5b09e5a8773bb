CREATE OR REPLACE FUNCTION crm.repair_failed() RETURNS int
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT repaired FROM crm.repair_some(NULL, NULL)
$$;
COMMENT ON FUNCTION crm.repair_failed() IS 'Re-reads what could not be followed at once, from the platform as it is now, and removes what was repaired; returns how many changes. What still fails stays, with its error; while another session repairs, all stays. In one transaction; the jobs commit in between.';

CREATE OR REPLACE FUNCTION crm.repair_some(most int, tried_before timestamptz, OUT tried int, OUT repaired int)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- A sale that holds a guest keeps its change in the queue; the repair does not wait for it while it holds others.
SET lock_timeout = '50ms'
AS $$
DECLARE
  failed record;
  scoring record;
  error_code text;
  error_message text;
BEGIN
  tried := 0;
  repaired := 0;
  IF NOT pg_try_advisory_xact_lock(hashtextextended('crm.repair', 0)) THEN
    RAISE NOTICE 'pg_crm: another session repairs';
    RETURN;
  END IF;
  -- Venues first: customers and orders may wait for them.
  FOR failed IN
    SELECT c.entity, c.venue_ref, c.customer_ref, array_agg(c.change_id) AS changes
    FROM crm.failed_change AS c
    WHERE tried_before IS NULL OR c.tried_at IS NULL OR c.tried_at < tried_before
    GROUP BY c.entity, c.venue_ref, c.customer_ref
    ORDER BY array_position('{venue,customer,order}', c.entity), min(c.tried_at) NULLS FIRST, c.venue_ref, c.customer_ref
    LIMIT most
  LOOP
    tried := tried + 1;
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
            ELSIF scoring.counting <> 'off' THEN
              -- The backfill has yet to come.
              UPDATE crm.failed_change AS c SET tried_at = clock_timestamp() WHERE c.change_id = ANY (failed.changes);
              CONTINUE;
            END IF;  -- where the CRM is off, what resumes it counts all
          ELSE
            -- Nobody knows whose order it was: every row that differs is re-read, and every day.
            FOR scoring IN UPDATE crm.venue_scoring AS s SET recounted_at = NULL, closed_day = NULL
                           WHERE s.counting = 'live' AND (failed.venue_ref IS NULL OR s.ref = failed.venue_ref)
                           RETURNING s.org_id, s.venue_id LOOP
              IF most IS NULL THEN
                PERFORM crm.repair_stats_of(ROW(scoring.org_id, scoring.venue_id)::crm.venue_key);
              END IF;
            END LOOP;
          END IF;
      END CASE;
      DELETE FROM crm.failed_change AS c WHERE c.change_id = ANY (failed.changes);
      repaired := repaired + cardinality(failed.changes);
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT;
      UPDATE crm.failed_change AS c SET attempts = c.attempts + 1, tried_at = clock_timestamp(), sqlstate = error_code, message = error_message WHERE c.change_id = ANY (failed.changes);
    END;
  END LOOP;
END
$$;
ALTER FUNCTION crm.repair_some(int, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.repair_some(int, timestamptz) IS 'Repairs at most so many guests, customers or venues (null for all, with every venue whose orders may all have changed) of those not tried since an instant (null for all); returns how many it tried and how many changes it repaired. With a limit, a venue whose orders may all have changed is only marked for crm.recount_venue.';
