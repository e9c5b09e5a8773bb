CREATE OR REPLACE FUNCTION crm.map_import(import int, mapping jsonb DEFAULT NULL, options jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.org_of_import(import, '{new,checked}');
BEGIN
  PERFORM crm.check_import_options(options, '{day_first,overwrite}');
  UPDATE crm.import AS i
  SET fields = CASE WHEN mapping IS NULL THEN i.fields ELSE crm.read_columns(i.header, mapping, i.venue_id IS NOT NULL) END, options = i.options || options, state = 'new'
  WHERE i.org_id = org AND i.import_id = import;
  PERFORM crm.settle_columns(org, import);
  RETURN crm.import_status(import);
END
$$;
ALTER FUNCTION crm.map_import(int, jsonb, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.map_import(int, jsonb, jsonb) IS 'Says what the columns of a file hold: an object of any of ref, name, first_name, last_name, phone, email, birthday, language, gender, document, city, postal_code, address, tags, note, email_consent, sms_consent, whatsapp_consent, consent_date and consent_source, each with the name or the number of its column (null for the mapping as it is); and options: day_first for days like 01/02/1990, overwrite for other values than those known (else only what is not known is filled in). Returns crm.import_status. 22023 for a mapping that cannot be; CR404; CR409 once it is queued.';
GRANT EXECUTE ON FUNCTION crm.map_import(int, jsonb, jsonb) TO crm_manager;

CREATE OR REPLACE FUNCTION crm.read_columns(header text[], mapping jsonb, at_venue boolean) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given record;
  at int;
  fields text[] := array_fill(NULL::text, ARRAY[cardinality(header)]);
BEGIN
  IF jsonb_typeof(mapping) <> 'object' THEN
    RAISE EXCEPTION 'a mapping is a JSON object' USING ERRCODE = '22023', COLUMN = 'mapping', HINT = 'Such as {"name": "Nome", "phone": 3}.';
  END IF;
  FOR given IN SELECT m.key, m.value #>> '{}' AS wanted, jsonb_typeof(m.value) AS type FROM jsonb_each(mapping) AS m WHERE m.value <> 'null' LOOP
    IF given.key <> ALL ('{ref,name,first_name,last_name,phone,email,birthday,language,gender,document,city,postal_code,address,tags,note,email_consent,sms_consent,whatsapp_consent,consent_date,consent_source}') THEN
      RAISE EXCEPTION 'unknown field "%"', left(given.key, 60) USING ERRCODE = '22023', COLUMN = 'mapping',
        HINT = 'ref, name, first_name, last_name, phone, email, birthday, language, gender, document, city, postal_code, address, tags, note, email_consent, sms_consent, whatsapp_consent, consent_date or consent_source.';
    END IF;
    at := CASE WHEN given.type = 'number' AND given.wanted ~ '^[0-9]{1,3}$' THEN given.wanted::int WHEN given.type = 'string' THEN array_position(header, given.wanted) END;
    IF at IS NULL OR at NOT BETWEEN 1 AND cardinality(header) THEN
      RAISE EXCEPTION 'the file has no column "%"', left(given.wanted, 60) USING ERRCODE = '22023', COLUMN = 'mapping', HINT = 'Its columns are ' || left(array_to_string(header, ', ', ''), 500) || '.';
    ELSIF fields[at] IS NOT NULL THEN
      RAISE EXCEPTION 'column % is both % and %', at, fields[at], given.key USING ERRCODE = '22023', COLUMN = 'mapping';
    ELSIF given.key = 'note' AND NOT at_venue THEN
      RAISE EXCEPTION 'notes belong to a venue' USING ERRCODE = '22023', COLUMN = 'mapping', HINT = 'Import the file for one.';
    END IF;
    fields[at] := given.key;
  END LOOP;
  RETURN fields;
END
$$;
COMMENT ON FUNCTION crm.read_columns(text[], jsonb, boolean) IS 'What each column of a file holds, of a mapping as crm.map_import takes it; 22023 for one that cannot be';

CREATE OR REPLACE FUNCTION crm.settle_columns(org int, import int) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  of_import crm.import;
  day_column int;
  told text;
  told_by_region boolean;
  warnings text[];
BEGIN
  SELECT * INTO of_import FROM crm.import AS i WHERE i.org_id = org AND i.import_id = import;
  SELECT array_agg(format('Column "%s" tells of a consent and is left out: map it as email_consent, sms_consent or whatsapp_consent, with consent_date and consent_source.', h.name) ORDER BY h.n) INTO warnings
  FROM unnest(of_import.header, of_import.fields) WITH ORDINALITY AS h(name, field, n) WHERE h.field IS NULL AND crm.is_consent_column(h.name);
  IF of_import.venue_id IS NULL AND 'note' = ANY (of_import.fields) THEN
    of_import.fields := array_replace(of_import.fields, 'note', NULL);
    warnings := warnings || 'Notes belong to a venue and are left out: import the file for one.'::text;
  END IF;
  IF of_import.fields && '{email_consent,sms_consent,whatsapp_consent}' AND NOT of_import.fields @> '{consent_date,consent_source}' THEN
    warnings := warnings || 'Consent without its date and its source is none: map consent_date and consent_source, else only refusals are recorded.'::text;
  END IF;
  IF NOT of_import.fields && '{ref,phone,email}' THEN
    warnings := warnings || 'No column has a reference, a phone or an e-mail address: nothing to know a guest by.'::text;
  END IF;
  IF 'ref' = ANY (of_import.fields) AND EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = 'customer') THEN
    warnings := warnings || 'References are the platform''s ids of its customers: it gives new guests ids of its own.'::text;
  END IF;
  day_column := array_position(of_import.fields, 'birthday');
  IF day_column IS NOT NULL THEN
    told := crm.day_order(ARRAY(SELECT r.cells[day_column] FROM crm.import_row AS r WHERE r.org_id = org AND r.import_id = import AND r.readable));
    -- Only there is the month written first.
    told_by_region := crm.import_region(org, of_import.venue_id) IS DISTINCT FROM 'US';
    IF told = 'ambiguous' AND NOT of_import.options ? 'day_first' THEN
      warnings := warnings || format('Days in column "%s" can be meant either way; 01/02/1990 is read as %s. Say which with the option day_first.',
        of_import.header[day_column], CASE WHEN told_by_region THEN '1 February' ELSE 'January 2' END);
    END IF;
  END IF;
  UPDATE crm.import AS i
  SET fields = of_import.fields, warnings = COALESCE(warnings, '{}'),
      day_first = COALESCE((i.options ->> 'day_first')::boolean, CASE told WHEN 'day_first' THEN true WHEN 'month_first' THEN false END, told_by_region, true)
  WHERE i.org_id = org AND i.import_id = import;
END
$$;
COMMENT ON FUNCTION crm.settle_columns(int, int) IS 'Finds how the days of a file are written, and notes what whoever loads it should know';

CREATE OR REPLACE FUNCTION crm.import_region(org int, venue uuid) RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT COALESCE((SELECT v.region FROM crm.venue AS v WHERE v.org_id = org AND v.venue_id = venue), (SELECT o.default_region FROM crm.organisation AS o WHERE o.org_id = org))
$$;
COMMENT ON FUNCTION crm.import_region(int, uuid) IS 'Region in which the numbers of a file are dialled';
