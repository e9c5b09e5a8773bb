-- The tables behind crm.customer_list, kept beside the order path: see sql/migrations/007_customer_list.sql.
CREATE OR REPLACE FUNCTION crm.label_rank(label text) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT array_position('{CHAMPION,LOYAL,POTENTIAL,NEW,AT_RISK,LOST,INACTIVE}'::text[], label)::smallint
$$;
COMMENT ON FUNCTION crm.label_rank(text) IS 'Place of a label among the seven, 1 the best; null for none of them';
GRANT EXECUTE ON FUNCTION crm.label_rank(text) TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.search_text(name text, email text, phone text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  -- In front of every word a blank, before every field a line break, which no search holds: so a search meets one field
  -- only, and the first letters of a word can be asked for. The number once as written and once as digits alone.
  SELECT ' ' || lower(regexp_replace(btrim(COALESCE(name, '')), '\s+', ' ', 'g')) || E'\n ' || lower(COALESCE(email, ''))
      || E'\n ' || lower(COALESCE(phone, '')) || E'\n ' || regexp_replace(COALESCE(phone, ''), '[^0-9]', '', 'g')
$$;
COMMENT ON FUNCTION crm.search_text(text, text, text) IS 'Name, e-mail, phone and the digits of the phone in lower case, a line each: what a search looks through';

COMMENT ON FUNCTION crm.text_signature(text) IS 'A bit for each run of three characters of a text, 128 in two numbers: a text that holds another has all bits of the other''s';

CREATE OR REPLACE FUNCTION crm.unlist_guests(org int, guests uuid[]) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO crm.unlisted_guest (org_id, customer_id)
  SELECT DISTINCT org, g.customer_id FROM unnest(guests) AS g(customer_id)
$$;
COMMENT ON FUNCTION crm.unlist_guests(int, uuid[]) IS 'Has the list read guests anew, where their rows of totals do not say so themselves';

CREATE OR REPLACE FUNCTION crm.note_changed_text() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM crm.unlist_guests(NEW.org_id, ARRAY[NEW.customer_id]);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.note_changed_text() IS 'Has the list read anew a guest whose name, phone or e-mail has changed; trigger of crm.customer';

-- The only place that says what is listed. Guests null for all; one statement, so of one moment.
CREATE OR REPLACE FUNCTION crm.listable_rows(org int, guests uuid[]) RETURNS TABLE (
  customer_id uuid, scope_id uuid, label smallint, total_orders int, total_visits int, spent bigint, last_order_at timestamptz, last_venue_id uuid,
  unnamed boolean, name text, text_bits_a bigint, text_bits_b bigint
)
LANGUAGE sql STABLE
AS $$
  WITH at_venue AS MATERIALIZED (
    SELECT t.customer_id, t.venue_id, COALESCE(crm.label_rank(t.label), 8::smallint) AS label, t.total_orders, t.total_visits, crm.hundredths(t.total_spent) AS spent,
           COALESCE(t.last_order_at, '-infinity') AS last_order_at
    FROM crm.customer_venue_stats AS t WHERE t.org_id = org AND (guests IS NULL OR t.customer_id = ANY (guests))
  ), person AS MATERIALIZED (
    SELECT c.customer_id, c.name IS NULL AS unnamed, COALESCE(c.name, '') AS name,
           crm.text_signature(crm.search_text(c.name, c.email, c.phone)) AS bits
    FROM crm.customer AS c LEFT JOIN crm.merged_customer AS m ON m.org_id = c.org_id AND m.customer_id = c.customer_id
    WHERE c.org_id = org AND (guests IS NULL OR c.customer_id = ANY (guests)) AND m.customer_id IS NULL AND c.status <> 'erased'
  )
  SELECT p.customer_id, a.venue_id, a.label, a.total_orders, a.total_visits, a.spent, a.last_order_at, NULL::uuid, p.unnamed, p.name, p.bits[1], p.bits[2]
  FROM person AS p JOIN at_venue AS a ON a.customer_id = p.customer_id
  UNION ALL
  SELECT p.customer_id, '00000000-0000-0000-0000-000000000000', COALESCE(n.label, 8), COALESCE(n.total_orders, 0), COALESCE(n.total_visits, 0),
         COALESCE(n.spent, 0), COALESCE(n.last_order_at, '-infinity'), l.venue_id, p.unnamed, p.name, p.bits[1], p.bits[2]
  FROM person AS p
  LEFT JOIN (SELECT a.customer_id, min(a.label) AS label, sum(a.total_orders)::int AS total_orders, sum(a.total_visits)::int AS total_visits,
                    sum(a.spent)::bigint AS spent, max(a.last_order_at) AS last_order_at
             FROM at_venue AS a GROUP BY a.customer_id) AS n ON n.customer_id = p.customer_id
  LEFT JOIN (SELECT DISTINCT ON (a.customer_id) a.customer_id, a.venue_id
             FROM at_venue AS a ORDER BY a.customer_id, a.last_order_at DESC, a.venue_id) AS l ON l.customer_id = p.customer_id
$$;
COMMENT ON FUNCTION crm.listable_rows(int, uuid[]) IS 'What crm.listed_guest has to hold of some guests of an organisation, or (null) of all';

CREATE OR REPLACE FUNCTION crm.list_guests(most int DEFAULT 1000) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- The rows asked for are few, whatever the statistics say of a flag that changes all the time.
SET enable_seqscan = off
-- The tables grow under a plan that is kept.
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
  rows record;
  noted record;
  of_org record;
  marked int := 0;
BEGIN
  -- Two at once might each miss what the other has read of a guest of two venues.
  IF NOT pg_try_advisory_xact_lock(hashtextextended('crm.list_guests', 0)) THEN
    RETURN 0;
  END IF;
  -- No row is locked while the guests are read: a sale would wait for it.
  SELECT array_agg(l.org_id) AS orgs, array_agg(l.venue_id) AS venues, array_agg(l.customer_id) AS guests, array_agg(l.xmin) AS versions INTO rows FROM (
    SELECT t.org_id, t.venue_id, t.customer_id, t.xmin FROM crm.customer_venue_stats AS t WHERE NOT t.listed LIMIT most) AS l;
  SELECT array_agg(l.org_id) AS orgs, array_agg(l.note_id) AS notes, array_agg(l.customer_id) AS guests INTO noted FROM (
    SELECT n.* FROM crm.unlisted_guest AS n LIMIT most) AS l;

  -- Read in a new statement: what was committed before the rows and notes were read is seen. Who changes a guest later makes
  -- his row another version, unlisted, or has a note of his own.
  FOR of_org IN
    SELECT d.org_id, array_agg(DISTINCT d.customer_id) AS guests
    FROM unnest(rows.orgs || noted.orgs, rows.guests || noted.guests) AS d(org_id, customer_id) GROUP BY d.org_id
  LOOP
    WITH present AS MATERIALIZED (
      SELECT n.* FROM crm.listable_rows(of_org.org_id, of_org.guests) AS n
    ), gone AS (
      DELETE FROM crm.listed_guest AS l
      WHERE l.org_id = of_org.org_id AND l.customer_id = ANY (of_org.guests)
        AND NOT EXISTS (SELECT FROM present AS n WHERE n.customer_id = l.customer_id AND n.scope_id = l.scope_id)
    ), without_text AS (
      DELETE FROM crm.guest_text AS x
      WHERE x.org_id = of_org.org_id AND x.customer_id = ANY (of_org.guests)
        AND NOT EXISTS (SELECT FROM present AS n WHERE n.customer_id = x.customer_id)
    ), with_text AS (
      INSERT INTO crm.guest_text AS x (org_id, customer_id, venue_ids, search_text)
      SELECT of_org.org_id, c.customer_id, n.venue_ids, crm.search_text(c.name, c.email, c.phone)
      FROM (SELECT l.customer_id,
                   COALESCE(array_agg(l.scope_id ORDER BY l.scope_id) FILTER (WHERE l.scope_id <> '00000000-0000-0000-0000-000000000000'), '{}') AS venue_ids
            FROM present AS l GROUP BY l.customer_id) AS n
      JOIN crm.customer AS c ON c.org_id = of_org.org_id AND c.customer_id = n.customer_id
      ON CONFLICT (org_id, customer_id) DO UPDATE SET venue_ids = excluded.venue_ids, search_text = excluded.search_text
        WHERE (x.venue_ids, x.search_text) IS DISTINCT FROM (excluded.venue_ids, excluded.search_text)
    ), with_words AS (
      INSERT INTO crm.name_word (org_id, word)
      SELECT DISTINCT of_org.org_id, w FROM present AS n CROSS JOIN LATERAL unnest(crm.name_words(n.name)) AS w
      WHERE n.scope_id = '00000000-0000-0000-0000-000000000000' AND length(w) >= 3
      ON CONFLICT DO NOTHING
    )
    INSERT INTO crm.listed_guest AS l (org_id, customer_id, scope_id, label, total_orders, total_visits, spent, last_order_at, last_venue_id, unnamed, name, text_bits_a, text_bits_b)
    SELECT of_org.org_id, n.* FROM present AS n
    ON CONFLICT (org_id, customer_id, scope_id) DO UPDATE
      SET label = excluded.label, total_orders = excluded.total_orders, total_visits = excluded.total_visits, spent = excluded.spent,
          last_order_at = excluded.last_order_at, last_venue_id = excluded.last_venue_id, unnamed = excluded.unnamed, name = excluded.name,
          text_bits_a = excluded.text_bits_a, text_bits_b = excluded.text_bits_b
      WHERE l.* IS DISTINCT FROM excluded.*;
  END LOOP;

  -- Only versions that were read; a row that a sale holds is left to the next time.
  WITH held AS (
    SELECT t.org_id, t.venue_id, t.customer_id
    FROM unnest(rows.orgs, rows.venues, rows.guests, rows.versions) AS l(org_id, venue_id, customer_id, version)
    JOIN crm.customer_venue_stats AS t ON t.org_id = l.org_id AND t.venue_id = l.venue_id AND t.customer_id = l.customer_id
    WHERE t.xmin = l.version
    FOR NO KEY UPDATE OF t SKIP LOCKED
  )
  UPDATE crm.customer_venue_stats AS t SET listed = true FROM held AS h
  WHERE t.org_id = h.org_id AND t.venue_id = h.venue_id AND t.customer_id = h.customer_id;
  GET DIAGNOSTICS marked = ROW_COUNT;
  DELETE FROM crm.unlisted_guest AS n USING unnest(noted.orgs, noted.notes) AS l(org_id, note_id)
  WHERE n.org_id = l.org_id AND n.note_id = l.note_id;
  RETURN GREATEST(marked, COALESCE(cardinality(noted.guests), 0));
END
$$;
ALTER FUNCTION crm.list_guests(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.list_guests(int) IS 'Carries what changed into the tables behind the list of guests: at most so many rows of totals and as many guests noted, but none that a sale holds; returns how many, 0 when nothing is left to do or another session is at it';

CREATE OR REPLACE PROCEDURE crm.list_in_chunks(of_job text, INOUT failure text)
LANGUAGE plpgsql
AS $$
DECLARE
  listed int;
  chunks int := 0;
BEGIN
  LOOP
    PERFORM crm.begin_step(of_job);
    BEGIN
      -- The rows of a chunk are held while they are marked as listed, a few milliseconds.
      listed := crm.list_guests(250);
    EXCEPTION WHEN OTHERS THEN
      failure := SQLSTATE || ' ' || SQLERRM;
      listed := 0;
    END;
    COMMIT;
    -- Fewer are sales of this moment, which have no end.
    EXIT WHEN listed < 200;
    chunks := chunks + 1;
    IF chunks IN (8, 80, 800) THEN
      -- Of tables that fill up from nothing, nothing is known, and all of their rows would be read for each chunk.
      ANALYZE crm.listed_guest, crm.guest_text, crm.customer_venue_stats;
      COMMIT;
    END IF;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.list_in_chunks(text, text) IS 'Lists guests until none is left, with a commit after each 250; returns what went wrong';

CREATE OR REPLACE PROCEDURE crm.mark_in_chunks(of_job text, since xid8)
LANGUAGE plpgsql
AS $$
DECLARE
  marked int;
BEGIN
  LOOP
    PERFORM crm.begin_step(of_job);
    marked := crm.mark_filled(since, 250);
    COMMIT;
    EXIT WHEN marked = 0;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE crm.mark_in_chunks(text, xid8) IS 'Marks as listed what crm.fill_list() has read, with a commit after each 250';
