CREATE OR REPLACE FUNCTION crm.read_profile(org int, profile jsonb, region text) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given record;
  wanted text;
  read jsonb := '{}';
BEGIN
  IF profile IS NULL OR jsonb_typeof(profile) <> 'object' THEN
    RAISE EXCEPTION 'a profile is a JSON object' USING ERRCODE = '22023', COLUMN = 'profile', HINT = 'Such as {"name": "Ana Silva", "phone": "+55 11 98765-4321"}.';
  END IF;
  FOR given IN SELECT p.key, jsonb_typeof(p.value) AS type, p.value #>> '{}' AS text FROM jsonb_each(profile) AS p ORDER BY p.key LOOP
    IF given.type NOT IN ('string', 'null') THEN
      PERFORM crm.refuse_profile(given.key, format('%s must be a text or null', given.key), NULL);
    END IF;
    -- Blanks of any kind, line breaks and other control characters among them, are one blank.
    wanted := NULLIF(btrim(regexp_replace(given.text, '[\s[:cntrl:]]+', ' ', 'g')), '');
    CASE given.key
      WHEN 'name', 'gender', 'document' THEN
        IF length(wanted) > (CASE given.key WHEN 'name' THEN 300 ELSE 100 END) THEN
          PERFORM crm.refuse_profile(given.key, format('%s is longer than %s characters', given.key, CASE given.key WHEN 'name' THEN 300 ELSE 100 END), NULL);
        END IF;
        read := read || jsonb_build_object(given.key, wanted);
      WHEN 'phone' THEN
        IF wanted IS NOT NULL AND crm.phone_e164(wanted, region) IS NULL THEN
          PERFORM crm.refuse_profile('phone', format('"%s" is no possible phone number%s', left(wanted, 60), COALESCE(' in ' || region, '')),
            CASE WHEN region IS NULL THEN 'Write it with its country''s code, such as +49 171 2345678, or set the default_region of the organisation.'
                 ELSE 'Write it as dialled there, or with its country''s code, such as +49 171 2345678.' END);
        END IF;
        read := read || jsonb_build_object('phone', wanted, 'phone_region', CASE WHEN wanted IS NOT NULL THEN region END);
      WHEN 'email' THEN
        IF length(wanted) > 254 OR wanted !~ '^[^\s@<>"]+@[^\s@<>".]+(\.[^\s@<>".]+)+$' THEN
          PERFORM crm.refuse_profile('email', format('"%s" is no e-mail address', left(wanted, 60)), 'Such as ana@example.com.');
        END IF;
        read := read || jsonb_build_object('email', wanted);
      WHEN 'birthday', 'anniversary' THEN
        read := read || crm.read_annual_day(given.key, CASE given.key WHEN 'birthday' THEN 'birth_date' ELSE 'anniversary_date' END, wanted);
      WHEN 'language' THEN
        IF wanted !~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$' THEN
          PERFORM crm.refuse_profile('language', format('"%s" is no language tag', left(wanted, 60)), 'As of BCP 47, such as pt-BR or en.');
        END IF;
        read := read || jsonb_build_object('language', wanted);
      WHEN 'photo_url' THEN
        IF length(wanted) > 2000 OR wanted !~ '^https?://[^\s<>"]+$' THEN
          PERFORM crm.refuse_profile('photo_url', 'photo_url must be an http or https address of at most 2000 characters', NULL);
        END IF;
        read := read || jsonb_build_object('photo_url', wanted);
      WHEN 'preferred_channel' THEN
        IF wanted NOT IN ('phone', 'sms', 'whatsapp', 'email') THEN
          PERFORM crm.refuse_profile('preferred_channel', format('"%s" is no channel', left(wanted, 60)), 'phone, sms, whatsapp or email.');
        END IF;
        read := read || jsonb_build_object('preferred_channel', wanted);
      WHEN 'preferred_venue' THEN
        IF wanted IS NOT NULL AND NOT EXISTS (SELECT FROM crm.venue AS v WHERE v.org_id = org AND v.venue_id = crm.key(wanted)) THEN
          RAISE EXCEPTION 'unknown venue "%"', left(wanted, 100) USING ERRCODE = 'CR404', COLUMN = 'preferred_venue';
        END IF;
        read := read || jsonb_build_object('preferred_venue', crm.key(wanted));
      WHEN 'kind' THEN
        IF wanted IS NULL OR wanted NOT IN ('walk_in', 'guest', 'registered', 'anonymous', 'wholesale') THEN
          PERFORM crm.refuse_profile('kind', format('"%s" is no kind of guest', left(wanted, 60)), 'guest, registered, anonymous, walk_in or wholesale.');
        END IF;
        read := read || jsonb_build_object('kind', wanted);
      ELSE
        PERFORM crm.refuse_profile('profile', format('unknown field "%s"', left(given.key, 60)),
          'The fields are name, phone, email, birthday, anniversary, gender, language, document, photo_url, preferred_channel, preferred_venue and kind.');
    END CASE;
  END LOOP;
  RETURN read;
END
$$;
COMMENT ON FUNCTION crm.read_profile(int, jsonb, text) IS 'Fields of a profile as given, checked, by column of crm.customer; phones are read as dialled in the region. 22023 for what cannot be, with the field as the error''s COLUMN';

CREATE OR REPLACE FUNCTION crm.refuse_profile(field text, message text, hint text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION '%', message USING ERRCODE = '22023', COLUMN = field, HINT = COALESCE(hint, '');
END
$$;
COMMENT ON FUNCTION crm.refuse_profile(text, text, text) IS 'Raises 22023 for a field of a profile';

CREATE OR REPLACE FUNCTION crm.read_annual_day(field text, dated text, given text) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  day date;
BEGIN
  IF given IS NULL THEN
    RETURN jsonb_build_object(dated, NULL, field, NULL);
  END IF;
  BEGIN
    -- A day without a year may be 29 February, which 2000 has.
    IF given ~ '^--[0-9]{2}-[0-9]{2}$' THEN
      day := make_date(2000, substr(given, 3, 2)::int, substr(given, 6, 2)::int);
      RETURN jsonb_build_object(dated, NULL, field, to_char(day, 'MM-DD'));
    ELSIF given ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN
      day := make_date(left(given, 4)::int, substr(given, 6, 2)::int, substr(given, 9, 2)::int);
      IF day BETWEEN '1850-01-01' AND current_date THEN
        RETURN jsonb_build_object(dated, day, field, to_char(day, 'MM-DD'));
      END IF;
    END IF;
  EXCEPTION WHEN datetime_field_overflow THEN
    NULL;  -- no day of the calendar
  END;
  PERFORM crm.refuse_profile(field, format('%s cannot be "%s"', field, left(given, 60)),
    'A day of the past as YYYY-MM-DD, or --MM-DD where the year is not known.');
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.read_annual_day(text, text, text) IS 'A birthday or anniversary as YYYY-MM-DD or, as ISO 8601:2000 writes a day of any year, --MM-DD: its date, where the year is known, and its day of the year';
