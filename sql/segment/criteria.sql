COMMENT ON FUNCTION crm.validate_criteria(text) IS 'All errors of criteria, or for valid ones what is doubtful (severity warning): JSON pointer to the value, stable code, message, what was found, what is allowed, what was probably meant. No rows for good ones.';
GRANT EXECUTE ON FUNCTION crm.validate_criteria(text) TO crm_reader, crm_staff;
COMMENT ON FUNCTION crm.canonical_criteria(text) IS 'The one form that all spellings of these criteria share; its SHA-256 is the criteria version. 22023 with all problems for invalid ones.';
GRANT EXECUTE ON FUNCTION crm.canonical_criteria(text) TO crm_reader, crm_staff;
COMMENT ON FUNCTION crm.describe_criteria(text) IS 'Criteria as an English sentence. 22023 with all problems for invalid ones.';
GRANT EXECUTE ON FUNCTION crm.describe_criteria(text) TO crm_reader, crm_staff;
COMMENT ON FUNCTION crm.criteria_schema() IS 'JSON Schema (draft 2020-12) of criteria; $defs.catalogue lists the fields with labels, types, operators and values';
GRANT EXECUTE ON FUNCTION crm.criteria_schema() TO crm_reader, crm_staff;
COMMENT ON FUNCTION crm.criteria_to_query_builder(text) IS 'Criteria as a rule group of react-querybuilder (JSON). 22023 naming the nodes that a rule group cannot say.';
GRANT EXECUTE ON FUNCTION crm.criteria_to_query_builder(text) TO crm_reader, crm_staff;
COMMENT ON FUNCTION crm.criteria_from_query_builder(text, boolean) IS 'Canonical criteria of a rule group of react-querybuilder, about a venue''s guests or the organisation''s. 22023 naming the rules that cannot be read.';
GRANT EXECUTE ON FUNCTION crm.criteria_from_query_builder(text, boolean) TO crm_reader, crm_staff;
COMMENT ON FUNCTION crm.segment_templates() IS 'Segments to start from: those every venue has (system), and those offered';
GRANT EXECUTE ON FUNCTION crm.segment_templates() TO crm_reader, crm_staff;

CREATE OR REPLACE FUNCTION crm.validate_criteria(criteria jsonb)
RETURNS TABLE (severity text, pointer text, code text, message text, got text, allowed text[], suggestion text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT * FROM crm.validate_criteria(criteria::text)
$$;
COMMENT ON FUNCTION crm.validate_criteria(jsonb) IS 'As of crm.validate_criteria(text), which also finds what jsonb has already dropped or refused: doubled keys, NaN, broken escapes';
GRANT EXECUTE ON FUNCTION crm.validate_criteria(jsonb) TO crm_reader, crm_staff;
