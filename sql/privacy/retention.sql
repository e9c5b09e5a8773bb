CREATE OR REPLACE FUNCTION crm.set_retention(anonymise_after_months int, drop_events_after_months int, drop_accesses_after_months int DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.acting_org();
BEGIN
  IF anonymise_after_months NOT BETWEEN 1 AND 1200 THEN
    RAISE EXCEPTION 'guests are kept for 1 to 1200 months, or (null) for ever' USING ERRCODE = '22023', COLUMN = 'anonymise_after_months';
  ELSIF drop_events_after_months NOT BETWEEN 1 AND 1200 THEN
    RAISE EXCEPTION 'events are kept for 1 to 1200 months, or (null) for ever' USING ERRCODE = '22023', COLUMN = 'drop_events_after_months';
  ELSIF drop_accesses_after_months NOT BETWEEN 1 AND 1200 THEN
    RAISE EXCEPTION 'the log of accesses is kept for 1 to 1200 months, or (null) for ever' USING ERRCODE = '22023', COLUMN = 'drop_accesses_after_months';
  END IF;
  INSERT INTO crm.retention_policy AS p (org_id, anonymise_after_months, drop_events_after_months, drop_accesses_after_months, set_by)
  VALUES (org, anonymise_after_months, drop_events_after_months, drop_accesses_after_months, (SELECT c.principal_id FROM crm.caller() AS c))
  ON CONFLICT (org_id) DO UPDATE SET anonymise_after_months = excluded.anonymise_after_months, drop_events_after_months = excluded.drop_events_after_months,
    drop_accesses_after_months = excluded.drop_accesses_after_months, set_by = excluded.set_by, set_at = clock_timestamp();
END
$$;
ALTER FUNCTION crm.set_retention(int, int, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.set_retention(int, int, int) IS 'Has the night erase the guests of the caller''s organisation who were not there for so many months, drop events older than so many, and entries of crm.access_log older than so many; null for never. crm.retention_preview() shows whom it would touch. 22023 for other numbers than 1 to 1200.';
GRANT EXECUTE ON FUNCTION crm.set_retention(int, int, int) TO crm_admin;

CREATE OR REPLACE FUNCTION crm.retention() RETURNS TABLE (anonymise_after_months int, drop_events_after_months int, drop_accesses_after_months int, set_at timestamptz, set_by text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.acting_org();
BEGIN
  RETURN QUERY
  SELECT p.anonymise_after_months, p.drop_events_after_months, p.drop_accesses_after_months, p.set_at, c.name
  FROM (VALUES (org)) AS o(org_id)
  LEFT JOIN crm.retention_policy AS p ON p.org_id = o.org_id
  LEFT JOIN crm.principal AS c ON c.org_id = p.org_id AND c.principal_id = p.set_by;
END
$$;
ALTER FUNCTION crm.retention() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.retention() IS 'How long the caller''s organisation keeps its guests, events and log of accesses, in months (null: for ever), since when and who said so';
GRANT EXECUTE ON FUNCTION crm.retention() TO crm_admin;

CREATE OR REPLACE FUNCTION crm.retention_preview(anonymise_after_months int DEFAULT NULL, drop_events_after_months int DEFAULT NULL, drop_accesses_after_months int DEFAULT NULL)
RETURNS TABLE (touched text, rows bigint, guests uuid[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.acting_org();
  policy crm.retention_policy;
  erased_before timestamptz;
  dropped_before timestamptz;
  forgotten_before timestamptz;
BEGIN
  SELECT p.* INTO policy FROM crm.retention_policy AS p WHERE p.org_id = org;
  erased_before := clock_timestamp() - make_interval(months => COALESCE(retention_preview.anonymise_after_months, policy.anonymise_after_months));
  dropped_before := clock_timestamp() - make_interval(months => COALESCE(retention_preview.drop_events_after_months, policy.drop_events_after_months));
  forgotten_before := clock_timestamp() - make_interval(months => COALESCE(retention_preview.drop_accesses_after_months, policy.drop_accesses_after_months));
  RETURN QUERY
  SELECT 'guests', count(*), (array_agg(g.customer_id ORDER BY g.seen_at, g.customer_id))[1:100] FROM crm.guests_unseen(org, erased_before) AS g;
  RETURN QUERY
  SELECT 'crm.' || e.relation, e.rows, NULL::uuid[] FROM crm.events_before(org, dropped_before, forgotten_before) AS e;
END
$$;
ALTER FUNCTION crm.retention_preview(int, int, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.retention_preview(int, int, int) IS 'What the next night would do under the retention of the caller''s organisation, or were it these months: guests to be erased (how many, and the hundred unseen longest), and rows of events to be dropped per table. Writes nothing.';
GRANT EXECUTE ON FUNCTION crm.retention_preview(int, int, int) TO crm_admin;

CREATE OR REPLACE FUNCTION crm.dropped() RETURNS TABLE (relation text, rows int, older_than timestamptz, dropped_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'crm.' || d.relation, d.rows, d.older_than, d.dropped_at FROM crm.dropped_events AS d WHERE d.org_id = crm.acting_org() ORDER BY d.drop_id DESC
$$;
ALTER FUNCTION crm.dropped() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.dropped() IS 'What the retention of the caller''s organisation dropped, the latest first: from which table, how many rows, older than when';
GRANT EXECUTE ON FUNCTION crm.dropped() TO crm_admin;

CREATE OR REPLACE FUNCTION crm.guests_unseen(org int, before timestamptz) RETURNS TABLE (customer_id uuid, seen_at timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT c.customer_id, COALESCE(max(t.last_order_at), c.created_at)
  FROM crm.customer AS c LEFT JOIN crm.customer_venue_stats AS t ON t.org_id = c.org_id AND t.customer_id = c.customer_id
  WHERE c.org_id = org AND c.status IN ('active', 'blocked') AND before IS NOT NULL
  GROUP BY c.customer_id, c.created_at
  HAVING COALESCE(max(t.last_order_at), c.created_at) < before AND NOT crm.came_uncounted(org, c.customer_id, before)
$$;
COMMENT ON FUNCTION crm.guests_unseen(int, timestamptz) IS 'Guests whose last visit, or who without one were first seen, before an instant; none for null';

CREATE OR REPLACE FUNCTION crm.came_uncounted(org int, guest uuid, since timestamptz) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (
    SELECT FROM crm.venue_scoring AS s JOIN crm.customer AS c ON c.org_id = s.org_id AND c.customer_id = guest
    CROSS JOIN LATERAL crm.refs_of(s.org_id, c.ref) AS r(ref)
    CROSS JOIN LATERAL crm.counted_orders_of(r.ref, s.ref) AS o
    WHERE s.org_id = org AND s.counting <> 'live' AND o.completed_at >= since)
$$;
COMMENT ON FUNCTION crm.came_uncounted(int, uuid, timestamptz) IS 'Whether a guest ordered since an instant at a venue whose orders are not counted as they change. Reads the platform''s orders: runs inside functions of crm_owner';

CREATE OR REPLACE FUNCTION crm.event_rows(relation text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  -- Of the ledgers the last entry before that instant stays: it says what held then.
  SELECT CASE relation
    WHEN 'outbox' THEN 't.org_id = $1 AND t.occurred_at < $2'
    WHEN 'access_log' THEN 't.org_id = $1 AND t.accessed_at < $2'
    WHEN 'profile_change' THEN 't.org_id = $1 AND t.changed_at < $2'
    WHEN 'label_change' THEN 't.org_id = $1 AND t.changed_at < $2 AND EXISTS (SELECT FROM crm.label_change AS l
      WHERE l.org_id = t.org_id AND l.venue_id = t.venue_id AND l.customer_id = t.customer_id AND l.change_id > t.change_id AND l.changed_at < $2)'
    WHEN 'segment_change' THEN 't.org_id = $1 AND t.occurred_at < $2 AND NOT EXISTS (SELECT FROM unnest(t.entered || t.exited) AS s(id)
      WHERE NOT EXISTS (SELECT FROM crm.segment_change AS l WHERE l.org_id = t.org_id AND l.scope_id = t.scope_id AND l.customer_id = t.customer_id
                        AND l.change_id > t.change_id AND l.occurred_at < $2 AND s.id = ANY (l.entered || l.exited)))' END
$$;
COMMENT ON FUNCTION crm.event_rows(text) IS 'Condition that a row t of a table of events, of an organisation ($1), is older than an instant ($2) and can go; null for any other table';

CREATE OR REPLACE FUNCTION crm.event_tables() RETURNS text[]
LANGUAGE sql IMMUTABLE
AS $$ SELECT '{outbox,profile_change,label_change,segment_change,access_log}'::text[] $$;
COMMENT ON FUNCTION crm.event_tables() IS 'Tables of events that retention drops';

CREATE OR REPLACE FUNCTION crm.events_before(org int, before timestamptz, accesses_before timestamptz) RETURNS TABLE (relation text, rows bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  FOREACH relation IN ARRAY crm.event_tables() LOOP
    EXECUTE format('SELECT count(*) FROM crm.%I AS t WHERE %s', relation, crm.event_rows(relation)) INTO rows
    USING org, CASE relation WHEN 'access_log' THEN accesses_before ELSE before END;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION crm.events_before(int, timestamptz, timestamptz) IS 'Rows of events per table that are older than an instant, of the log of accesses than another, and can go; none for null';

CREATE OR REPLACE FUNCTION crm.drop_events(org int, of_relation text, before timestamptz, most int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  dropped int;
BEGIN
  EXECUTE format('DELETE FROM crm.%1$I AS d USING (SELECT t.ctid FROM crm.%1$I AS t WHERE %2$s LIMIT $3) AS o WHERE d.ctid = o.ctid', of_relation, crm.event_rows(of_relation))
  USING org, before, most;
  GET DIAGNOSTICS dropped = ROW_COUNT;
  INSERT INTO crm.dropped_events (org_id, relation, rows, older_than) SELECT org, of_relation, dropped, before WHERE dropped > 0;
  RETURN dropped;
END
$$;
ALTER FUNCTION crm.drop_events(int, text, timestamptz, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.drop_events(int, text, timestamptz, int) IS 'Drops so many events of a table that are older than an instant, notes it in crm.dropped_events, and returns how many';

CREATE OR REPLACE FUNCTION crm.retire_guest(org int, guest uuid, before timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = guest FOR NO KEY UPDATE;
  -- He may have come while the others were erased.
  IF NOT EXISTS (SELECT FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = guest AND c.status IN ('active', 'blocked'))
     OR EXISTS (SELECT FROM crm.customer_venue_stats AS t WHERE t.org_id = org AND t.customer_id = guest AND t.last_order_at >= before)
     OR crm.came_uncounted(org, guest, before) THEN
    RETURN false;
  END IF;
  PERFORM crm.run_erasure(org, crm.open_erasure(org, guest, 'retention', 'not there for longer than guests are kept'));
  RETURN true;
END
$$;
ALTER FUNCTION crm.retire_guest(int, uuid, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.retire_guest(int, uuid, timestamptz) IS 'Erases a guest who was not there since an instant; false where he was';

-- Commits after each guest and each thousand events.
CREATE OR REPLACE PROCEDURE crm.run_retention(of_job text)
LANGUAGE plpgsql
AS $$
DECLARE
  policy record;
  unseen uuid[];
  run bigint;
  failure text;
  events text;
  written bigint;
BEGIN
  PERFORM crm.begin_step(of_job);
  FOR policy IN SELECT p.org_id, clock_timestamp() - make_interval(months => p.anonymise_after_months) AS erased_before,
                       clock_timestamp() - make_interval(months => p.drop_events_after_months) AS dropped_before,
                       clock_timestamp() - make_interval(months => p.drop_accesses_after_months) AS forgotten_before
                FROM crm.retention_policy AS p ORDER BY p.org_id LOOP
    PERFORM crm.begin_step(of_job);
    run := crm.start_run('retention', NULL);
    failure := NULL;
    written := 0;
    unseen := ARRAY(SELECT g.customer_id FROM crm.guests_unseen(policy.org_id, policy.erased_before) AS g ORDER BY g.customer_id);
    COMMIT;
    FOR n IN 1 .. cardinality(unseen) LOOP
      PERFORM crm.begin_step(of_job);
      BEGIN
        written := written + crm.retire_guest(policy.org_id, unseen[n], policy.erased_before)::int;
      EXCEPTION WHEN OTHERS THEN
        -- What went wrong may quote the guest; the others are not his concern.
        failure := SQLSTATE || ' guest ' || unseen[n];
      END;
      COMMIT;
    END LOOP;
    FOREACH events IN ARRAY crm.event_tables() LOOP
      CALL crm.drop_events_in_chunks(of_job, policy.org_id, events, CASE events WHEN 'access_log' THEN policy.forgotten_before ELSE policy.dropped_before END, written);
    END LOOP;
    PERFORM crm.begin_step(of_job);
    PERFORM crm.end_run(run, written, failure);
    COMMIT;
  END LOOP;
  COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.run_retention(text) IS 'Erases the guests that organisations no longer keep, one a transaction, and drops their old events; one guest who fails is logged in crm.job_run and left to the next night';

CREATE OR REPLACE PROCEDURE crm.drop_events_in_chunks(of_job text, org int, of_relation text, before timestamptz, INOUT written bigint)
LANGUAGE plpgsql
AS $$
DECLARE
  dropped int;
BEGIN
  LOOP
    EXIT WHEN before IS NULL;
    PERFORM crm.begin_step(of_job);
    dropped := crm.drop_events(org, of_relation, before, 1000);
    written := written + dropped;
    COMMIT;
    EXIT WHEN dropped < 1000;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.drop_events_in_chunks(text, int, text, timestamptz, bigint) IS 'Drops the events of a table that are older than an instant, a thousand a transaction; adds how many';
