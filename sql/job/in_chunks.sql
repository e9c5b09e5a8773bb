-- The parts of the jobs that commit after each thousand rows. They cannot pin their search_path: crm.begin_step sets it anew
-- in each transaction. An error ends the part, not the job, which is told of it.
CREATE OR REPLACE PROCEDURE crm.repair_in_chunks(of_job text, INOUT repaired bigint)
LANGUAGE plpgsql
AS $$
DECLARE
  started timestamptz := pg_catalog.clock_timestamp();
  chunk record;
BEGIN
  repaired := 0;
  LOOP
    PERFORM crm.begin_step(of_job);
    SELECT * INTO chunk FROM crm.repair_some(1000, started);
    repaired := repaired + chunk.repaired;
    COMMIT;
    EXIT WHEN chunk.tried = 0;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.repair_in_chunks(text, bigint) IS 'Repairs what could not be followed at once; returns how many changes';

CREATE OR REPLACE PROCEDURE crm.recount_in_chunks(of_job text, of_venue crm.venue_key, INOUT recounted bigint, INOUT failure text)
LANGUAGE plpgsql
AS $$
DECLARE
  started timestamptz := pg_catalog.clock_timestamp();
  guests text[] := '{}';
  written bigint;
BEGIN
  recounted := 0;
  PERFORM crm.begin_step(of_job);
  BEGIN
    guests := crm.differing_guests(of_venue, true);
  EXCEPTION WHEN OTHERS THEN
    failure := SQLSTATE || ' ' || SQLERRM;
  END;
  COMMIT;
  FOR first_of IN 1 .. COALESCE(cardinality(guests), 0) BY 1000 LOOP
    PERFORM crm.begin_step(of_job);
    BEGIN
      written := crm.recount_guests(of_venue, guests[first_of : first_of + 999]);
      recounted := recounted + written;
      PERFORM crm.show_progress('night', of_venue.venue_id, written);
    EXCEPTION WHEN OTHERS THEN
      failure := SQLSTATE || ' ' || SQLERRM;
    END;
    COMMIT;
    EXIT WHEN failure IS NOT NULL;
  END LOOP;
  IF failure IS NULL THEN
    PERFORM crm.begin_step(of_job);
    -- Sales under way may still count by the former local time: the next sweep then recounts once more.
    UPDATE crm.venue_scoring AS s SET recounted_at = CASE WHEN crm.transactions_under_way() IS NULL THEN started END, closed_day = NULL
    WHERE s.org_id = of_venue.org_id AND s.venue_id = of_venue.venue_id;
    COMMIT;
  END IF;
END
$$;
COMMENT ON PROCEDURE crm.recount_in_chunks(text, crm.venue_key, bigint, text) IS 'Re-reads the guests of a venue whose totals differ from the orders, and has the next night count all its days; returns how many guests, and what went wrong';

CREATE OR REPLACE PROCEDURE crm.rescore_in_chunks(
  of_job text, of_venue crm.venue_key, as_of timestamptz, guests bytea, INOUT rescored bigint, INOUT busy bigint, INOUT failure text
)
LANGUAGE plpgsql
AS $$
DECLARE
  chunk record;
BEGIN
  rescored := 0;
  busy := 0;
  FOR first_of IN 1 .. COALESCE(crm.cohort_count(guests), 0) BY 1000 LOOP
    PERFORM crm.begin_step(of_job);
    BEGIN
      SELECT * INTO chunk FROM crm.rescore_guests(of_venue, as_of, crm.cohort_part(guests, first_of, 1000));
      rescored := rescored + chunk.changed;
      busy := busy + chunk.busy;
      IF chunk.relabelled IS NOT NULL THEN
        PERFORM crm.follow_recounted(of_venue, chunk.relabelled, 'night', false);
      END IF;
      PERFORM crm.show_progress('night', of_venue.venue_id, chunk.changed);
    EXCEPTION WHEN OTHERS THEN
      failure := SQLSTATE || ' ' || SQLERRM;
    END;
    COMMIT;
    EXIT WHEN failure IS NOT NULL;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.rescore_in_chunks(text, crm.venue_key, timestamptz, bytea, bigint, bigint, text) IS 'Rewrites the scores and labels of some guests of a venue where they differ, and has the segments of those follow who got another label; returns how many rows, how many guests a sale held, and what went wrong';
