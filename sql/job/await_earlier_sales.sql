-- Commits while it waits, so it cannot pin its search_path; every name is qualified.
CREATE OR REPLACE PROCEDURE crm.await_earlier_sales()
LANGUAGE plpgsql
AS $$
DECLARE
  horizon xid8 := pg_catalog.pg_current_xact_id();
BEGIN
  COMMIT;
  FOR tick IN 1 .. 100 LOOP
    EXIT WHEN pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) OPERATOR(pg_catalog.>) horizon;
    PERFORM pg_catalog.pg_sleep(0.1);
    COMMIT;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.await_earlier_sales() IS 'Waits until every transaction that has written by now has ended, ten seconds at most. Commits; for the jobs.';
