CREATE OR REPLACE FUNCTION crm.import_status(import int) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.org_of_import(import);
  i crm.import;
BEGIN
  SELECT * INTO i FROM crm.import AS f WHERE f.org_id = org AND f.import_id = import;
  RETURN jsonb_build_object(
    'import_id', import, 'file_name', i.file_name, 'venue_id', i.venue_id, 'state', i.state, 'options', i.options, 'day_first', i.day_first, 'header', i.header,
    'mapping', (SELECT COALESCE(jsonb_object_agg(f.field, f.n), '{}') FROM unnest(i.fields) WITH ORDINALITY AS f(field, n) WHERE f.field IS NOT NULL),
    'left_out', (SELECT COALESCE(jsonb_agg(h.name ORDER BY h.n), '[]') FROM unnest(i.header, i.fields) WITH ORDINALITY AS h(name, field, n) WHERE h.field IS NULL),
    'sample', (SELECT COALESCE(jsonb_agg(s.cells ORDER BY s.row_no), '[]') FROM (
                 SELECT r.row_no, r.cells FROM crm.import_row AS r WHERE r.org_id = i.org_id AND r.import_id = import AND r.readable ORDER BY r.row_no LIMIT 5) AS s),
    'warnings', i.warnings, 'rows', i.rows, 'done', CASE WHEN i.state IN ('undoing', 'undone') THEN i.rows - i.done_to ELSE i.done_to END,
    'counts', (SELECT COALESCE(jsonb_object_agg(o.outcome, o.rows), '{}') FROM (
                 SELECT COALESCE(r.outcome, 'unread') AS outcome, count(*) AS rows FROM crm.import_row AS r
                 WHERE r.org_id = i.org_id AND r.import_id = import GROUP BY 1) AS o),
    'failure', i.failure, 'created_at', i.created_at, 'started_at', i.started_at, 'finished_at', i.finished_at);
END
$$;
ALTER FUNCTION crm.import_status(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_status(int) IS 'An import: its state, the columns of the file, what they hold (mapping, by number), which are left out, its first rows, warnings, how many of its rows are done, and how many of each outcome. CR404.';
GRANT EXECUTE ON FUNCTION crm.import_status(int) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.import_list() RETURNS TABLE (import_id int, venue_id uuid, file_name text, state text, rows int, done int, created_at timestamptz, created_by text, finished_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.acting_org();
  venues uuid[] := crm.caller_venues();
BEGIN
  RETURN QUERY
  SELECT i.import_id, i.venue_id, i.file_name, i.state, i.rows, i.done_to, i.created_at, p.name, i.finished_at
  FROM crm.import AS i LEFT JOIN crm.principal AS p ON p.org_id = i.org_id AND p.principal_id = i.created_by
  WHERE i.org_id = org AND (venues IS NULL OR i.venue_id = ANY (venues)) ORDER BY i.import_id DESC;
END
$$;
ALTER FUNCTION crm.import_list() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_list() IS 'Files of guests that the caller may see, the latest first';
GRANT EXECUTE ON FUNCTION crm.import_list() TO crm_manager;

CREATE OR REPLACE FUNCTION crm.import_rows(import int, wanted text DEFAULT NULL, after int DEFAULT 0, page_size int DEFAULT 50)
RETURNS TABLE (row_no int, line int, cells text[], outcome text, reason text, customer_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org int := crm.org_of_import(import);
BEGIN
  IF page_size IS NULL OR page_size NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION 'page_size must be from 1 to 10000' USING ERRCODE = '22023', COLUMN = 'page_size';
  ELSIF wanted <> ALL ('{new,matched,unchanged,duplicate,rejected,created,filled,undone,left}') THEN
    RAISE EXCEPTION 'unknown outcome "%"', left(wanted, 60) USING ERRCODE = '22023', COLUMN = 'wanted',
      HINT = 'new, matched, unchanged, duplicate, rejected, created, filled, undone or left.';
  END IF;
  RETURN QUERY
  SELECT r.row_no, r.line, r.cells, r.outcome, r.reason, r.customer_id FROM crm.import_row AS r
  WHERE r.org_id = org AND r.import_id = import AND r.row_no > COALESCE(after, 0) AND (wanted IS NULL OR r.outcome = wanted)
  ORDER BY r.row_no LIMIT page_size;
END
$$;
ALTER FUNCTION crm.import_rows(int, text, int, int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_rows(int, text, int, int) IS 'Rows of a file, a page at a time after a row''s number, of an outcome or all: rejected with their reasons, left with what was not taken back, and so on. CR404, 22023.';
GRANT EXECUTE ON FUNCTION crm.import_rows(int, text, int, int) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.import_rejects(import int, after int DEFAULT 0, page_size int DEFAULT 50)
RETURNS TABLE (row_no int, line int, cells text[], reason text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT r.row_no, r.line, r.cells, r.reason FROM crm.import_rows(import, 'rejected', after, page_size) AS r $$;
COMMENT ON FUNCTION crm.import_rejects(int, int, int) IS 'Rejected rows of a file with the line of each and the reason, a page at a time after a row''s number. CR404, 22023.';
GRANT EXECUTE ON FUNCTION crm.import_rejects(int, int, int) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.import_rejects_csv(import int) RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.org_of_import(import);
BEGIN
  RETURN NEXT crm.csv_line((SELECT i.header FROM crm.import AS i WHERE i.org_id = org AND i.import_id = import) || '{line,reason}');
  RETURN QUERY
  SELECT crm.csv_line(r.cells || r.line::text || r.reason) FROM crm.import_row AS r
  WHERE r.org_id = org AND r.import_id = import AND r.outcome = 'rejected' ORDER BY r.row_no;
END
$$;
ALTER FUNCTION crm.import_rejects_csv(int) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_rejects_csv(int) IS 'Rejected rows of a file as they were, with the line of each and the reason: lines of a CSV file, to be mended and imported again. CR404.';
GRANT EXECUTE ON FUNCTION crm.import_rejects_csv(int) TO crm_manager;
