CREATE OR REPLACE FUNCTION crm.save_wording(key text, locale text, body text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  org int := crm.acting_org();
  latest record;
  made int;
BEGIN
  IF key IS NULL OR key !~ '^[a-z0-9][a-z0-9_]{0,62}$' THEN
    RAISE EXCEPTION 'the key of a wording has 1 to 63 lower-case letters, digits and underscores' USING ERRCODE = '22023', COLUMN = 'key', HINT = 'Such as newsletter.';
  ELSIF locale IS NULL OR locale !~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' THEN
    RAISE EXCEPTION 'the locale of a wording is a language tag' USING ERRCODE = '22023', COLUMN = 'locale', HINT = 'Such as de or pt-BR.';
  ELSIF NULLIF(btrim(body), '') IS NULL OR length(body) > 20000 THEN
    RAISE EXCEPTION 'a wording has 1 to 20,000 characters' USING ERRCODE = '22023', COLUMN = 'body';
  END IF;
  -- Versions follow one after the other.
  PERFORM FROM crm.organisation AS o WHERE o.org_id = org FOR NO KEY UPDATE;
  SELECT w.wording_id, w.version, w.body INTO latest FROM crm.wording AS w
  WHERE w.org_id = org AND w.key = key AND w.locale = locale ORDER BY w.version DESC LIMIT 1;
  IF latest.body = body THEN
    RETURN latest.wording_id;
  END IF;
  INSERT INTO crm.wording (org_id, key, locale, version, body, body_hash, created_by)
  VALUES (org, key, locale, COALESCE(latest.version, 0) + 1, body, sha256(convert_to(body, 'UTF8')), (SELECT c.principal_id FROM crm.caller() AS c))
  RETURNING wording_id INTO made;
  RETURN made;
END
$$;
ALTER FUNCTION crm.save_wording(text, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.save_wording(text, text, text) IS 'Keeps a text that guests are asked to consent to, under a key (such as newsletter) and a language tag, as its next version; returns its number, that of the latest version where the text is the same. 22023 names the parameter at fault.';
GRANT EXECUTE ON FUNCTION crm.save_wording(text, text, text) TO crm_admin;
