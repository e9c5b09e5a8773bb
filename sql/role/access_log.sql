CREATE OR REPLACE FUNCTION crm.log_access(org int, what text, guest uuid, guests int DEFAULT 1, venue uuid DEFAULT NULL, details jsonb DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  caller record;
BEGIN
  SELECT c.principal_id, c.role, p.name INTO caller
  FROM crm.caller() AS c JOIN crm.principal AS p ON p.org_id = c.org_id AND p.principal_id = c.principal_id;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- Where nothing can be written, on a standby or in a transaction that only reads, the server's own log tells.
  IF current_setting('transaction_read_only')::boolean THEN
    RAISE LOG 'crm access: % by principal % of organisation %, guest %, % guests', what, caller.principal_id, org, COALESCE(guest::text, 'none'), guests;
    RETURN;
  END IF;
  INSERT INTO crm.access_log (org_id, principal_id, principal, role, db_user, what, customer_id, guests, venue_id, details)
  VALUES (org, caller.principal_id, caller.name, caller.role, session_user, what, guest, guests, venue, details);
END
$$;
COMMENT ON FUNCTION crm.log_access(int, text, uuid, int, uuid, jsonb) IS 'Notes in crm.access_log that the caller, if he is a principal, read something (a word of small letters and _) of a guest (null for a list) or so many guests, at a venue (null for all), with what was asked for. Where the transaction is read-only, the server''s log has it instead.';

CREATE OR REPLACE FUNCTION crm.keep_access_log() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- What was asked for may have named somebody who is erased.
  IF TG_OP = 'UPDATE' THEN
    IF NEW.details = '{}' AND to_jsonb(NEW) - 'details' = to_jsonb(OLD) - 'details' THEN
      RETURN NEW;
    END IF;
  ELSIF TG_OP = 'DELETE' THEN
    IF OLD.accessed_at < (SELECT clock_timestamp() - make_interval(months => p.drop_accesses_after_months) FROM crm.retention_policy AS p WHERE p.org_id = OLD.org_id) THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION 'the log of accesses is kept as it was written' USING ERRCODE = '55000';
END
$$;
COMMENT ON FUNCTION crm.keep_access_log() IS 'Refuses to change or remove what crm.access_log has, whoever asks, but for details that named a guest who is erased, and for what the organisation''s retention no longer keeps; trigger';

CREATE OR REPLACE FUNCTION crm.access_list(customer text DEFAULT NULL, after bigint DEFAULT NULL, page_size int DEFAULT 50)
RETURNS TABLE (access_id bigint, accessed_at timestamptz, principal_id uuid, principal text, role text, db_user text, what text,
               customer_id uuid, guests int, venue_id uuid, details jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.acting_org();
  asked uuid[];
BEGIN
  IF crm.caller_venues() IS NOT NULL THEN
    RAISE EXCEPTION 'the log of accesses belongs to those who manage all venues of the organisation' USING ERRCODE = '42501';
  ELSIF page_size IS NULL OR page_size NOT BETWEEN 1 AND 200 THEN
    RAISE EXCEPTION 'a page has 1 to 200 rows' USING ERRCODE = '22023', COLUMN = 'page_size';
  END IF;
  IF customer IS NULL THEN
    RETURN QUERY
    SELECT l.access_id, l.accessed_at, l.principal_id, l.principal, l.role, l.db_user, l.what, l.customer_id, l.guests, l.venue_id, l.details
    FROM crm.access_log AS l WHERE l.org_id = org AND l.access_id < COALESCE(after, 9223372036854775807)
    ORDER BY l.access_id DESC LIMIT page_size;
    RETURN;
  END IF;
  PERFORM crm.org_of_customer(customer, 'customer');
  -- With those who were merged into him.
  asked := ARRAY(SELECT crm.key(customer) UNION SELECT m.customer_id FROM crm.merged_customer AS m WHERE m.org_id = org AND m.survivor_id = crm.key(customer));
  RETURN QUERY
  SELECT l.access_id, l.accessed_at, l.principal_id, l.principal, l.role, l.db_user, l.what, l.customer_id, l.guests, l.venue_id, l.details
  FROM crm.access_log AS l WHERE l.org_id = org AND l.customer_id = ANY (asked) AND l.access_id < COALESCE(after, 9223372036854775807)
  ORDER BY l.access_id DESC LIMIT page_size;
END
$$;
ALTER FUNCTION crm.access_list(text, bigint, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.access_list(text, bigint, int) IS 'Who read what is sensitive, latest first: of a guest (the CRM''s id or the platform''s, with whom was merged into him; lists that had him are not among them) or of all; a page after the access_id of the last row of the page before. For admins of the whole organisation. CR404 for an unknown guest, 22023 names the parameter at fault.';
GRANT EXECUTE ON FUNCTION crm.access_list(text, bigint, int) TO crm_admin;
