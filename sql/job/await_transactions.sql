CREATE OR REPLACE FUNCTION crm.transactions_under_way() RETURNS text[]
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  -- Every transaction holds one of these locks from its start on, one that has yet to write and a prepared one too.
  SELECT array_agg(DISTINCT l.virtualtransaction) FROM pg_locks AS l
  WHERE l.locktype IN ('virtualxid', 'transactionid') AND l.pid IS DISTINCT FROM pg_backend_pid()
    AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = l.pid
                      AND (a.datname IS DISTINCT FROM current_database() OR a.backend_type = 'autovacuum worker'))
$$;
COMMENT ON FUNCTION crm.transactions_under_way() IS 'The other transactions of this database that have begun and not ended; null for none';

-- Commits while it waits, so it cannot pin its search_path; every name is qualified.
CREATE OR REPLACE PROCEDURE crm.await_transactions(earlier text[])
LANGUAGE plpgsql
AS $$
BEGIN
  COMMIT;
  FOR tick IN 1 .. 100 LOOP
    EXIT WHEN NOT COALESCE(earlier OPERATOR(pg_catalog.&&) crm.transactions_under_way(), false);
    PERFORM pg_catalog.pg_sleep(0.1);
    COMMIT;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.await_transactions(text[]) IS 'Waits until these transactions have ended, ten seconds at most. Commits; for the jobs.';
