CREATE OR REPLACE FUNCTION crm.derive_search_keys() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  NEW.phone_e164 := NULL;
  NEW.phone_digits := NULL;
  IF NEW.phone IS NOT NULL THEN
    NEW.phone_e164 := crm.phone_e164(NEW.phone, COALESCE(NEW.phone_region, (SELECT o.default_region FROM crm.organisation AS o WHERE o.org_id = NEW.org_id)));
    NEW.phone_digits := crm.phone_digits(COALESCE(NEW.phone_e164, NEW.phone));
  END IF;
  NEW.email_key := crm.email_key(NEW.email);
  IF TG_OP = 'INSERT' OR NEW.name IS DISTINCT FROM OLD.name THEN
    NEW.name_lexemes := CASE WHEN NEW.name IS NOT NULL THEN crm.name_lexemes(NEW.org_id, NEW.name) END;
  END IF;
  NEW.birthday := CASE
    WHEN NEW.birth_date IS NOT NULL THEN to_char(NEW.birth_date, 'MM-DD')
    WHEN TG_OP = 'INSERT' OR OLD.birth_date IS NULL OR NEW.birthday IS DISTINCT FROM OLD.birthday THEN NEW.birthday END;
  NEW.anniversary := CASE
    WHEN NEW.anniversary_date IS NOT NULL THEN to_char(NEW.anniversary_date, 'MM-DD')
    WHEN TG_OP = 'INSERT' OR OLD.anniversary_date IS NULL OR NEW.anniversary IS DISTINCT FROM OLD.anniversary THEN NEW.anniversary END;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.derive_search_keys() IS 'Fills what guests are found by, and the day of the year of their dates, whoever writes the row; trigger of crm.customer';

CREATE OR REPLACE FUNCTION crm.phone_digits(phone text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT NULLIF(left(regexp_replace(phone, '[^0-9]', '', 'g'), 40), '') $$;
COMMENT ON FUNCTION crm.phone_digits(text) IS 'The digits of a number, the first 40; null without any';

CREATE OR REPLACE FUNCTION crm.email_key(email text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT NULLIF(left(lower(btrim(email)), 320), '') $$;
COMMENT ON FUNCTION crm.email_key(text) IS 'A mail address in lower case, at most 320 characters as of RFC 3696; null for an empty one';

CREATE OR REPLACE FUNCTION crm.name_lexemes(org int, name text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT array_to_tsvector(ARRAY(SELECT org || ':' || w FROM unnest(crm.name_words(name)) AS w)) $$;
COMMENT ON FUNCTION crm.name_lexemes(int, text) IS 'The words of a name, each behind the number of the organisation, so that a search looks through one organisation';

COMMENT ON FUNCTION crm.known_region(text) IS 'Whether a code is a region of ISO 3166-1 alpha-2, in capitals, whose phone numbers are known';
COMMENT ON FUNCTION crm.phone_e164(text, text) IS 'A phone number in ITU-T E.164, read as dialled in a region (ISO 3166-1 alpha-2; null: only numbers with a country''s code are read); null where its length is impossible';
COMMENT ON FUNCTION crm.name_words(text) IS 'Words of a name in lower case Latin letters and digits, without accents, each once; at most 32 of 64 characters';
COMMENT ON FUNCTION crm.name_similarity(text, text) IS 'How alike two names are, 0 to 1, whatever the order of their words: Jaro and Winkler''s measure of their sorted words';

CREATE OR REPLACE FUNCTION crm.log_profile_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO crm.profile_change (org_id, customer_id, field, old_value, new_value, changed_by)
  SELECT NEW.org_id, NEW.customer_id, n.key, o.value, n.value, (SELECT c.principal_id FROM crm.caller() AS c)
  FROM jsonb_each_text(to_jsonb(OLD)) AS o JOIN jsonb_each_text(to_jsonb(NEW)) AS n ON n.key = o.key
  WHERE n.value IS DISTINCT FROM o.value
    AND n.key = ANY ('{name,phone,email,birth_date,birthday,anniversary_date,anniversary,gender,language,document,photo_url,preferred_channel,preferred_venue,kind,status,blocked_reason}')
  ORDER BY n.key;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.log_profile_change() IS 'Records each field of a profile that changed; trigger of crm.customer';
