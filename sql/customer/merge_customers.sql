CREATE OR REPLACE FUNCTION crm.merge_customers(keep text, dropped text, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  of_org int := crm.org_of_customer(keep, 'keep');
  kept crm.customer;
  gone crm.customer;
BEGIN
  IF NULLIF(btrim(reason), '') IS NULL THEN
    RAISE EXCEPTION 'a merge needs a reason' USING ERRCODE = '22023', COLUMN = 'reason';
  END IF;
  IF crm.key(keep) = crm.key(dropped) THEN
    RAISE EXCEPTION 'a guest cannot be merged with himself' USING ERRCODE = '22023', COLUMN = 'dropped';
  END IF;
  -- Both in the order of their keys, as every merge does.
  PERFORM FROM crm.customer AS c WHERE c.org_id = of_org AND c.customer_id IN (crm.key(keep), crm.key(dropped)) ORDER BY c.customer_id FOR UPDATE;
  SELECT * INTO STRICT kept FROM crm.customer AS c WHERE c.org_id = of_org AND c.customer_id = crm.key(keep);
  SELECT * INTO gone FROM crm.customer AS c WHERE c.org_id = of_org AND c.customer_id = crm.key(dropped);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown customer "%"', dropped USING ERRCODE = 'CR404', COLUMN = 'dropped';
  END IF;
  IF EXISTS (SELECT FROM crm.merged_customer AS m WHERE m.org_id = of_org AND m.customer_id = gone.customer_id) THEN
    RAISE EXCEPTION 'customer "%" is merged already', dropped USING ERRCODE = 'CR409', COLUMN = 'dropped',
      HINT = 'SELECT crm.unmerge_customer(…) takes a merge back.';
  END IF;
  IF EXISTS (SELECT FROM crm.merged_customer AS m WHERE m.org_id = of_org AND m.customer_id = kept.customer_id) THEN
    RAISE EXCEPTION 'customer "%" is merged himself', keep USING ERRCODE = 'CR409', COLUMN = 'keep',
      HINT = 'Merge with the guest he was merged into; crm.merged_customer names him.';
  END IF;
  IF 'erased' IN (kept.status, gone.status) THEN
    RAISE EXCEPTION 'a guest who was erased cannot be merged' USING ERRCODE = 'CR409', COLUMN = CASE kept.status WHEN 'erased' THEN 'keep' ELSE 'dropped' END;
  END IF;
  INSERT INTO crm.merged_customer (org_id, customer_id, ref, into_id, survivor_id, survivor_ref, reason, merged_by)
  VALUES (of_org, gone.customer_id, gone.ref, kept.customer_id, kept.customer_id, kept.ref, btrim(reason), (SELECT c.principal_id FROM crm.caller() AS c));
  PERFORM crm.touch_customers(of_org, ARRAY[kept.customer_id, gone.customer_id]);
  UPDATE crm.customer AS c SET status = 'merged' WHERE c.org_id = of_org AND c.customer_id = gone.customer_id;
  UPDATE crm.merged_customer AS m SET filled = crm.fill_profile(of_org, kept.customer_id, gone.customer_id)
  WHERE m.org_id = of_org AND m.customer_id = gone.customer_id;
  PERFORM crm.follow_merges(of_org, gone.customer_id);
  PERFORM crm.move_dossier(of_org, ARRAY(SELECT m.customer_id FROM crm.merged_customer AS m WHERE m.org_id = of_org AND m.survivor_id = kept.customer_id));
  PERFORM crm.unlist_guests(of_org, ARRAY[kept.customer_id, gone.customer_id]);
  PERFORM crm.follow_objections(of_org, ARRAY[kept.customer_id, gone.customer_id]);
  PERFORM crm.recount_merged(of_org, gone.customer_id, ARRAY[kept.customer_id, gone.customer_id]);
  PERFORM crm.follow_consents(of_org, ARRAY[kept.customer_id, gone.customer_id], 'merge');
END
$$;
ALTER FUNCTION crm.merge_customers(text, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_customers(text, text, text) IS 'Merges a guest into another of the organisation (each the CRM''s id or the platform''s), with a reason: the orders of both, past and to come, count for the one kept, whose profile is filled in where it lacks something, also in the platform''s own table where that takes it; a block is carried over. CR404 for an unknown guest, CR409 for one who is merged already, 22023 for a guest with himself or without a reason.';
GRANT EXECUTE ON FUNCTION crm.merge_customers(text, text, text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.unmerge_customer(customer text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  of_org int := crm.org_of_customer(customer, 'customer');
  taken_back crm.merged_customer;
BEGIN
  IF (SELECT c.status = 'erased' FROM crm.customer AS c WHERE c.org_id = of_org AND c.customer_id = crm.key(customer) FOR UPDATE) THEN
    RAISE EXCEPTION 'a guest who was erased stays merged' USING ERRCODE = 'CR409', COLUMN = 'customer';
  END IF;
  DELETE FROM crm.merged_customer AS m WHERE m.org_id = of_org AND m.customer_id = crm.key(customer) RETURNING * INTO taken_back;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'customer "%" is not merged', customer USING ERRCODE = 'CR409', COLUMN = 'customer';
  END IF;
  PERFORM crm.touch_customers(of_org, ARRAY[taken_back.survivor_id, taken_back.customer_id]);
  UPDATE crm.customer AS c SET status = CASE WHEN c.blocked_reason IS NULL THEN 'active' ELSE 'blocked' END WHERE c.org_id = of_org AND c.customer_id = taken_back.customer_id;
  PERFORM crm.empty_profile(of_org, taken_back.into_id, taken_back.filled);
  PERFORM crm.follow_merges(of_org, taken_back.customer_id);
  PERFORM crm.move_dossier(of_org, taken_back.customer_id || ARRAY(
    SELECT m.customer_id FROM crm.merged_customer AS m WHERE m.org_id = of_org AND m.survivor_id = taken_back.customer_id));
  PERFORM crm.unlist_guests(of_org, ARRAY[taken_back.survivor_id, taken_back.customer_id]);
  PERFORM crm.follow_objections(of_org, ARRAY[taken_back.survivor_id, taken_back.customer_id]);
  PERFORM crm.recount_merged(of_org, taken_back.survivor_id, ARRAY[taken_back.survivor_id, taken_back.customer_id]);
  PERFORM crm.follow_consents(of_org, ARRAY[taken_back.survivor_id, taken_back.customer_id], 'merge');
END
$$;
ALTER FUNCTION crm.unmerge_customer(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.unmerge_customer(text) IS 'Takes back the merge of a guest (the CRM''s id or the platform''s): his orders, and those of whoever was merged into him, count for him again, and what his profile gave the other is taken back where it is still so. CR404 for an unknown guest, CR409 for one who is not merged.';
GRANT EXECUTE ON FUNCTION crm.unmerge_customer(text) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.org_of_customer(customer text, parameter text) RETURNS int
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  caller_org int;
  of_org int;
  found_in bigint;
BEGIN
  PERFORM crm.require_schema();
  IF NOT crm.is_administrator() THEN
    SELECT c.org_id INTO caller_org FROM crm.require_caller() AS c;
  END IF;
  SELECT count(*), min(c.org_id) INTO found_in, of_org FROM crm.customer AS c
  WHERE c.customer_id = crm.key(customer) AND (caller_org IS NULL OR c.org_id = caller_org);
  IF found_in = 0 THEN
    RAISE EXCEPTION 'unknown customer "%"', customer USING ERRCODE = 'CR404', COLUMN = parameter;
  ELSIF found_in > 1 THEN
    RAISE EXCEPTION 'customer "%" is a guest of several organisations', customer USING ERRCODE = '22023', COLUMN = parameter,
      HINT = 'Call as a principal of one of them.';
  END IF;
  RETURN of_org;
END
$$;
COMMENT ON FUNCTION crm.org_of_customer(text, text) IS 'The caller''s organisation, where the customer (the CRM''s id or the platform''s) is one of its guests; a superuser acting as himself, the only one whose guest he is. CR404 for any other; the parameter is named in the error.';

-- Run inside pinned functions; every name is qualified.
CREATE OR REPLACE FUNCTION crm.touch_customers(org int, customers uuid[]) RETURNS void
LANGUAGE sql
AS $$
  UPDATE crm.customer AS c SET updated_at = clock_timestamp() WHERE c.org_id = org AND c.customer_id = ANY (customers)
$$;
COMMENT ON FUNCTION crm.touch_customers(int, uuid[]) IS 'Has a REPEATABLE READ sale that does not see a merge yet fail, and be repaired, where it gives one of these guests a first row: its foreign key meets a newer version';

CREATE OR REPLACE FUNCTION crm.move_dossier(org int, origins uuid[]) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  recorded text;
BEGIN
  -- What was recorded under a guest is his survivor's, and his own again when the merge is taken back.
  -- A query, no FOREACH: plpgsql_check 2.8 takes a constant array for the name of one table.
  FOR recorded IN SELECT unnest('{customer_contact,customer_tag,note,contact_ban}'::text[]) LOOP
    EXECUTE format('UPDATE crm.%I AS r SET customer_id = o.owner
      FROM (SELECT o.origin_id, COALESCE(m.survivor_id, o.origin_id) AS owner FROM unnest($2) AS o(origin_id)
            LEFT JOIN crm.merged_customer AS m ON m.org_id = $1 AND m.customer_id = o.origin_id) AS o
      WHERE r.org_id = $1 AND r.origin_id = o.origin_id AND r.customer_id <> o.owner', recorded)
    USING org, origins;
  END LOOP;
  PERFORM crm.move_preferences(org, origins);
END
$$;
COMMENT ON FUNCTION crm.move_dossier(int, uuid[]) IS 'Gives what was recorded under some guests to whoever they are now: the survivor, or themselves';

CREATE OR REPLACE FUNCTION crm.follow_merges(org int, customer uuid) RETURNS void
LANGUAGE sql
AS $$
  WITH RECURSIVE behind AS (
    SELECT m.customer_id, COALESCE(s.survivor_id, m.into_id) AS survivor_id
    FROM crm.merged_customer AS m
    LEFT JOIN crm.merged_customer AS s ON s.org_id = m.org_id AND s.customer_id = customer
    WHERE m.org_id = org AND m.into_id = customer
    UNION ALL
    SELECT m.customer_id, b.survivor_id FROM behind AS b JOIN crm.merged_customer AS m ON m.org_id = org AND m.into_id = b.customer_id
  )
  UPDATE crm.merged_customer AS m SET survivor_id = b.survivor_id, survivor_ref = c.ref
  FROM behind AS b JOIN crm.customer AS c ON c.org_id = org AND c.customer_id = b.survivor_id
  WHERE m.org_id = org AND m.customer_id = b.customer_id
$$;
COMMENT ON FUNCTION crm.follow_merges(int, uuid) IS 'Names the survivor anew for everybody merged into a guest, directly or not';

CREATE OR REPLACE FUNCTION crm.recount_merged(org int, at_venues_of uuid, guests uuid[]) RETURNS void
LANGUAGE plpgsql
SET crm.cause = 'merge'
AS $$
DECLARE
  at record;
BEGIN
  -- A backfill under way may have read their orders under the former names, and its rows do not show yet. Before the
  -- rows are looked for, so that a venue that goes live meanwhile is seen one way or the other.
  INSERT INTO crm.failed_change (entity, venue_ref, customer_ref, sqlstate, message)
  SELECT 'order', s.ref, c.ref, '55000', 'merged, or taken back, before the venue was counted'
  FROM crm.venue_scoring AS s CROSS JOIN crm.customer AS c
  WHERE s.org_id = org AND s.counting = 'pending' AND c.org_id = org AND c.customer_id = ANY (guests);
  FOR at IN SELECT DISTINCT s.venue_id, s.ref FROM crm.customer_venue_stats AS t
            JOIN crm.venue_scoring AS s ON s.org_id = t.org_id AND s.venue_id = t.venue_id
            WHERE t.org_id = org AND t.customer_id = at_venues_of ORDER BY s.venue_id LOOP
    PERFORM crm.recount_guests(ROW(org, at.venue_id)::crm.venue_key, at.ref,
      ARRAY(SELECT c.ref FROM crm.customer AS c WHERE c.org_id = org AND c.customer_id = ANY (guests)), false, 'merge');
    -- On a day with orders of both there is one guest less, or one more.
    PERFORM crm.note_days(ROW(org, at.venue_id)::crm.venue_key, ARRAY(
      SELECT o.completed_at FROM crm.customer AS c CROSS JOIN LATERAL crm.counted_orders_of(c.ref, at.ref) AS o
      WHERE c.org_id = org AND c.customer_id = ANY (guests)));
    PERFORM crm.follow_guests(org, at.venue_id, guests, 'merge');
  END LOOP;
END
$$;
COMMENT ON FUNCTION crm.recount_merged(int, uuid, uuid[]) IS 'Re-reads guests after a merge or its taking back, at every venue where the one named first has a row';

CREATE OR REPLACE FUNCTION crm.survivor_id_of(org int, customer uuid) RETURNS uuid
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
-- Keeps its plan, which takes longer to make than to run.
BEGIN
  RETURN COALESCE((SELECT m.survivor_id FROM crm.merged_customer AS m WHERE m.org_id = org AND m.customer_id = customer), customer);
END
$$;
COMMENT ON FUNCTION crm.survivor_id_of(int, uuid) IS 'Who a guest is now: the one at the end of his merges, or himself';

CREATE OR REPLACE FUNCTION crm.survivor_of(org int, customer_ref text) RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT COALESCE((SELECT m.survivor_ref FROM crm.merged_customer AS m WHERE m.org_id = org AND m.ref = customer_ref), customer_ref)
$$;
COMMENT ON FUNCTION crm.survivor_of(int, text) IS 'The platform''s id of the guest for whom orders under an id count';

CREATE OR REPLACE FUNCTION crm.refs_of(org int, customer_ref text) RETURNS SETOF text
LANGUAGE sql STABLE
AS $$
  SELECT customer_ref
  UNION ALL
  SELECT m.ref FROM crm.merged_customer AS m WHERE m.org_id = org AND m.survivor_id = crm.key(customer_ref)
$$;
COMMENT ON FUNCTION crm.refs_of(int, text) IS 'The platform''s ids under which a guest''s orders are: his own and those of guests merged into him';
