-- Commits between its steps, as do the other parts of the jobs: see sql/job/in_chunks.sql.
CREATE OR REPLACE PROCEDURE crm.resume_venues(of_job text, INOUT failure text)
LANGUAGE plpgsql
AS $$
DECLARE
  earlier text[];
  work record;
  run bigint;
  written bigint;
  scope uuid;
BEGIN
  PERFORM crm.begin_step(of_job);
  IF NOT EXISTS (SELECT FROM crm.venue_scoring AS s WHERE s.counting = 'resuming')
     OR NOT EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = 'order' AND b.backfilled_at IS NOT NULL) THEN
    COMMIT;
    RETURN;
  END IF;
  -- A sale that began before may have left its order out, or counted it: neither is seen before it ends.
  earlier := crm.transactions_under_way();
  CALL crm.await_transactions(earlier);
  PERFORM crm.begin_step(of_job);
  IF earlier && crm.transactions_under_way() THEN
    COMMIT;
    RETURN;
  END IF;
  FOR work IN SELECT s.org_id, s.venue_id FROM crm.venue_scoring AS s WHERE s.counting = 'resuming' ORDER BY s.org_id, s.venue_id LOOP
    PERFORM crm.begin_step(of_job);
    run := crm.start_run('backfill', ROW(work.org_id, work.venue_id)::crm.venue_key);
    BEGIN
      UPDATE crm.venue_scoring AS s SET counting = 'pending' WHERE s.org_id = work.org_id AND s.venue_id = work.venue_id AND s.counting = 'resuming';
      written := crm.backfill_venue(ROW(work.org_id, work.venue_id)::crm.venue_key, crm.now());
      PERFORM crm.end_run(run, written, NULL);
    EXCEPTION WHEN OTHERS THEN
      failure := SQLSTATE || ' ' || SQLERRM;
      PERFORM crm.end_run(run, 0, failure);
    END;
    COMMIT;
    FOREACH scope IN ARRAY ARRAY[work.venue_id, '00000000-0000-0000-0000-000000000000'] LOOP
      CALL crm.refresh_in_chunks(of_job, work.org_id, scope, crm.now(), 'night', written, failure);
    END LOOP;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.resume_venues(text, text) IS 'Counts the history of venues where the CRM is enabled again, once the sales that were under way have ended, and switches them live; what is still under way after ten seconds leaves them to the next sweep; returns what went wrong';
