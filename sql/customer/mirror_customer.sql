CREATE OR REPLACE FUNCTION crm.mirror_customer(
  customer_ref text, customer_name text, customer_phone text, customer_email text, customer_birth_date date, org_ref text
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  key uuid := crm.key(customer_ref);
  -- What the platform does not say is the CRM's own.
  bound text[] := crm.bound_customer_fields();
  unchanged boolean;
  changed int[];
  made_in int[];
BEGIN
  IF customer_ref IS NULL THEN
    RAISE EXCEPTION 'a customer without an id' USING ERRCODE = '22004';
  END IF;
  -- Who is known as he is given, wherever he is known: an import is ahead of the platform, and much that it changes is not mapped.
  SELECT bool_and(c.status <> 'erased' AND (crm.mirrored(bound, 'name', c.name, customer_name), crm.mirrored(bound, 'phone', c.phone, customer_phone),
           crm.mirrored(bound, 'email', c.email, customer_email), crm.mirrored(bound, 'birth_date', c.birth_date, customer_birth_date))
           IS NOT DISTINCT FROM (c.name, c.phone, c.email, c.birth_date))
         AND bool_or(org_ref IS NULL OR c.org_id IS NOT DISTINCT FROM (SELECT o.org_id FROM crm.organisation AS o WHERE o.ref = org_ref))
  INTO unchanged FROM crm.customer AS c WHERE c.customer_id = key;
  IF unchanged THEN
    RETURN;
  END IF;
  -- Of whom nothing is known (null) nothing is to be changed.
  IF NOT unchanged THEN
    WITH written AS (
      UPDATE crm.customer AS c
      SET name = crm.mirrored(bound, 'name', c.name, customer_name), phone = crm.mirrored(bound, 'phone', c.phone, customer_phone),
          phone_region = CASE WHEN crm.mirrored(bound, 'phone', c.phone, customer_phone) = c.phone THEN c.phone_region END,
          email = crm.mirrored(bound, 'email', c.email, customer_email), birth_date = crm.mirrored(bound, 'birth_date', c.birth_date, customer_birth_date), updated_at = clock_timestamp()
      WHERE c.customer_id = key AND c.status <> 'erased'
        AND (org_ref IS NULL OR c.org_id = (SELECT o.org_id FROM crm.organisation AS o WHERE o.ref = org_ref))
        AND (crm.mirrored(bound, 'name', c.name, customer_name), crm.mirrored(bound, 'phone', c.phone, customer_phone),
             crm.mirrored(bound, 'email', c.email, customer_email), crm.mirrored(bound, 'birth_date', c.birth_date, customer_birth_date))
            IS DISTINCT FROM (c.name, c.phone, c.email, c.birth_date)
      RETURNING c.org_id)
    SELECT array_agg(w.org_id ORDER BY w.org_id) INTO changed FROM written AS w;
    PERFORM crm.note_reappeared(key, org_ref, customer_name, customer_phone, customer_email, customer_birth_date);
  END IF;
  -- A customers table without organisations: the guest becomes known where he orders, or at once where there is only one.
  WITH made AS (
    INSERT INTO crm.customer (org_id, customer_id, ref, name, phone, email, birth_date)
    SELECT o.org_id, key, customer_ref, customer_name, customer_phone, customer_email, customer_birth_date
    FROM crm.organisation AS o
    WHERE CASE WHEN org_ref IS NOT NULL THEN o.ref = org_ref ELSE (SELECT count(*) FROM crm.organisation) = 1 END
    ON CONFLICT (org_id, customer_id) DO NOTHING
    RETURNING org_id)
  SELECT array_agg(m.org_id ORDER BY m.org_id) INTO made_in FROM made AS m;
  IF made_in IS NOT NULL THEN
    INSERT INTO crm.unlisted_guest (org_id, customer_id) SELECT o.org_id, key FROM unnest(made_in) AS o(org_id);
    PERFORM crm.follow_scope(o.org_id, '00000000-0000-0000-0000-000000000000', ARRAY[key], 'profile') FROM unnest(made_in) AS o(org_id);
  END IF;
  IF changed IS NOT NULL THEN
    PERFORM crm.follow_profile(o.org_id, key) FROM unnest(changed) AS o(org_id);
  END IF;
END
$$;
COMMENT ON FUNCTION crm.mirror_customer(text, text, text, text, date, text) IS 'Follows a customer of the platform in his organisation or, where the platform gives none, in every one that knows him';

CREATE OR REPLACE FUNCTION crm.mirrored(bound text[], field text, present anyelement, of_platform anyelement) RETURNS anyelement
LANGUAGE sql IMMUTABLE
AS $$ SELECT CASE WHEN field = ANY (bound) THEN of_platform ELSE present END $$;
COMMENT ON FUNCTION crm.mirrored(text[], text, anyelement, anyelement) IS 'What a field of a profile is after the platform''s: the platform''s where it is bound, else as it was';

CREATE OR REPLACE FUNCTION crm.customer_removed(customer_ref text, org_ref text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  bound text[] := crm.bound_customer_fields();
  changed int[];
BEGIN
  WITH written AS (
    UPDATE crm.customer AS c
    SET name = crm.mirrored(bound, 'name', c.name, NULL), phone = crm.mirrored(bound, 'phone', c.phone, NULL),
        email = crm.mirrored(bound, 'email', c.email, NULL), birth_date = crm.mirrored(bound, 'birth_date', c.birth_date, NULL), updated_at = clock_timestamp()
    WHERE c.customer_id = crm.key(customer_ref)
      AND (org_ref IS NULL OR c.org_id = (SELECT o.org_id FROM crm.organisation AS o WHERE o.ref = org_ref))
      AND (c.name IS NOT NULL AND 'name' = ANY (bound) OR c.phone IS NOT NULL AND 'phone' = ANY (bound)
           OR c.email IS NOT NULL AND 'email' = ANY (bound) OR c.birth_date IS NOT NULL AND 'birth_date' = ANY (bound))
    RETURNING c.org_id)
  SELECT array_agg(w.org_id ORDER BY w.org_id) INTO changed FROM written AS w;
  PERFORM crm.follow_profile(o.org_id, crm.key(customer_ref)) FROM unnest(changed) AS o(org_id);
END
$$;
COMMENT ON FUNCTION crm.customer_removed(text, text) IS 'Follows the deletion of a customer by the platform, in one organisation or, where it has none, in all: what was mirrored is gone, the key and the totals stay';
