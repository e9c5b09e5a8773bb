COMMENT ON FUNCTION crm.read_guest_file(bytea, text, text, boolean) IS 'Rows of a file of guests (encoding, delimiter and whether its first row names the columns found where null), with the line each begins in and why it cannot be read; row 0 has the names of the columns, and the delimiter as problem. One row of number -1 for a file that cannot be read: the reason as problem, the parameter at fault and a hint as cells';
COMMENT ON FUNCTION crm.guess_columns(text[], text[]) IS 'What each column holds, by its name in six languages, else by the cells of some rows, one row after the other; null for what is not known';
COMMENT ON FUNCTION crm.is_consent_column(text) IS 'Whether a column tells of a consent, by its name';
COMMENT ON FUNCTION crm.day_order(text[]) IS 'day_first or month_first, as most cells of a column of days tell; ambiguous where there are days that could be meant either way; else null';
COMMENT ON FUNCTION crm.read_guest_row(text[], text[], boolean, text, date) IS 'A row of a file as a guest, given what each column holds, whether the day is before the month, the region that dials the numbers, and today: profile (columns of crm.customer), ref, phone_e164, email_key, tags, note, address; or problem, all that is wrong with it';
COMMENT ON FUNCTION crm.csv_line(text[]) IS 'A line of a CSV file (RFC 4180) without line break; a cell that a spreadsheet would compute has an apostrophe in front';

CREATE OR REPLACE FUNCTION crm.create_import(file_name text, content bytea, venue text DEFAULT NULL, options jsonb DEFAULT '{}') RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  of_venue crm.venue_key;
  org int;
  made int;
  head record;
BEGIN
  IF venue IS NOT NULL THEN
    of_venue := crm.visible_venue(venue);
    org := of_venue.org_id;
  ELSE
    org := crm.acting_org();
    IF crm.caller_venues() IS NOT NULL THEN
      RAISE EXCEPTION 'name the venue to import for' USING ERRCODE = '42501', COLUMN = 'venue', HINT = 'Files of the organisation belong to those who manage all its venues.';
    END IF;
  END IF;
  PERFORM crm.check_import_options(options, '{encoding,delimiter,header,day_first,overwrite}');
  IF NULLIF(btrim(file_name), '') IS NULL OR length(file_name) > 255 THEN
    RAISE EXCEPTION 'a file has a name of 1 to 255 characters' USING ERRCODE = '22023', COLUMN = 'file_name';
  ELSIF content IS NULL THEN
    RAISE EXCEPTION 'there is no file' USING ERRCODE = '22023', COLUMN = 'content';
  END IF;
  INSERT INTO crm.import (org_id, venue_id, file_name, options, created_by)
  VALUES (org, of_venue.venue_id, btrim(file_name), options, (SELECT c.principal_id FROM crm.caller() AS c)) RETURNING import_id INTO made;
  INSERT INTO crm.import_row (org_id, import_id, row_no, line, cells, readable, outcome, reason)
  SELECT org, made, f.row_no, f.line, f.cells, f.problem IS NULL, CASE WHEN f.problem IS NOT NULL THEN 'rejected' END, f.problem
  FROM crm.read_guest_file(content, options ->> 'encoding', options ->> 'delimiter', (options ->> 'header')::boolean) AS f;
  DELETE FROM crm.import_row AS r WHERE r.org_id = org AND r.import_id = made AND r.row_no <= 0 RETURNING r.row_no, r.cells, r.reason INTO head;
  IF head.row_no < 0 THEN
    RAISE EXCEPTION '%', head.reason USING ERRCODE = '22023', COLUMN = head.cells[1], HINT = head.cells[2];
  END IF;
  UPDATE crm.import AS i
  SET header = head.cells, options = jsonb_build_object('delimiter', head.reason) || options,
      rows = (SELECT max(r.row_no) FROM crm.import_row AS r WHERE r.org_id = org AND r.import_id = made),
      fields = crm.guess_columns(head.cells, ARRAY(
        SELECT c.cell FROM crm.import_row AS r CROSS JOIN LATERAL unnest(r.cells) WITH ORDINALITY AS c(cell, n)
        WHERE r.org_id = org AND r.import_id = made AND r.readable AND r.row_no <= 200 ORDER BY r.row_no, c.n))
  WHERE i.org_id = org AND i.import_id = made;
  PERFORM crm.settle_columns(org, made);
  RETURN made;
END
$$;
ALTER FUNCTION crm.create_import(text, bytea, text, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.create_import(text, bytea, text, jsonb) IS 'Reads a CSV file of guests, for a venue (the CRM''s id or the platform''s) or the organisation, and guesses what its columns hold; returns the number of the import. Nothing is loaded yet. Options: encoding (utf-8 unless a byte order mark tells), delimiter ("," ";" "|" or a tab), header (whether the first row names the columns), day_first, overwrite; what is not given is found. At most 50 MiB, 1,000,000 rows, 200 columns. 22023 for a file that cannot be read, with the line; CR404 for an unknown venue.';
GRANT EXECUTE ON FUNCTION crm.create_import(text, bytea, text, jsonb) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.check_import_options(options jsonb, known text[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given record;
BEGIN
  IF jsonb_typeof(options) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'options must be a JSON object' USING ERRCODE = '22023', COLUMN = 'options';
  END IF;
  FOR given IN SELECT o.key, jsonb_typeof(o.value) AS type, o.value #>> '{}' AS text FROM jsonb_each(options) AS o LOOP
    IF given.key <> ALL (known) THEN
      RAISE EXCEPTION 'unknown option "%"', left(given.key, 60) USING ERRCODE = '22023', COLUMN = 'options', HINT = array_to_string(known, ', ');
    ELSIF given.key IN ('header', 'day_first', 'overwrite') AND given.type <> 'boolean' OR given.key IN ('encoding', 'delimiter') AND given.type <> 'string' THEN
      RAISE EXCEPTION 'option "%" cannot be %', given.key, left(given.text, 60) USING ERRCODE = '22023', COLUMN = 'options',
        HINT = 'header, day_first and overwrite are true or false, encoding and delimiter texts.';
    ELSIF given.key = 'delimiter' AND given.text NOT IN (',', ';', '|', E'\t') THEN
      RAISE EXCEPTION '"%" is no delimiter', left(given.text, 60) USING ERRCODE = '22023', COLUMN = 'options', HINT = 'A comma, a semicolon, a vertical bar or a tab.';
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION crm.check_import_options(jsonb, text[]) IS '22023 for options of an import that are not known, or cannot be';

CREATE OR REPLACE FUNCTION crm.org_of_import(import int, states text[] DEFAULT NULL) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  caller record;
  found_import record;
BEGIN
  PERFORM crm.require_schema();
  SELECT * INTO caller FROM crm.caller();
  IF NOT FOUND AND NOT crm.is_administrator() THEN
    PERFORM crm.require_caller();
  END IF;
  SELECT i.org_id, i.state INTO found_import FROM crm.import AS i
  WHERE i.import_id = import AND (caller.org_id IS NULL OR i.org_id = caller.org_id) AND (caller.venue_ids IS NULL OR i.venue_id = ANY (caller.venue_ids));
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown import %', COALESCE(import::text, 'null') USING ERRCODE = 'CR404', COLUMN = 'import', HINT = 'crm.import_list lists them.';
  END IF;
  IF states IS NOT NULL THEN
    SELECT i.org_id, i.state INTO found_import FROM crm.import AS i WHERE i.org_id = found_import.org_id AND i.import_id = import FOR UPDATE;
    IF found_import.state <> ALL (states) THEN
      RAISE EXCEPTION 'import % is %', import, found_import.state USING ERRCODE = 'CR409', COLUMN = 'import',
        HINT = format('This is for one that is %s.', array_to_string(states, ' or '));
    END IF;
  END IF;
  RETURN found_import.org_id;
END
$$;
COMMENT ON FUNCTION crm.org_of_import(int, text[]) IS 'The organisation of an import that the caller may see, which is locked where states are given, one of which it must have; CR404 for any other, CR409 for another state';
