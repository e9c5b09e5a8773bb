CREATE OR REPLACE FUNCTION crm.health_values(kind text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE kind
    -- Regulation (EU) No 1169/2011, Annex II, in its order.
    WHEN 'allergen' THEN '{gluten,crustaceans,eggs,fish,peanuts,soybeans,milk,nuts,celery,mustard,sesame,sulphites,lupin,molluscs}'::text[]
    WHEN 'diet' THEN '{vegetarian,vegan,pescatarian,halal,kosher,no_pork,no_beef,no_alcohol,diabetic,low_sodium,low_sugar,low_fat,low_carb,low_fodmap}'::text[]
  END
$$;
COMMENT ON FUNCTION crm.health_values(text) IS 'What can be recorded as an allergen (the 14 of Regulation (EU) 1169/2011, Annex II) or a diet; null for another kind';
GRANT EXECUTE ON FUNCTION crm.health_values(text) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.require_health_values(kind text, given text[], parameter text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  unknown text;
BEGIN
  SELECT COALESCE(v, 'null') INTO unknown FROM unnest(given) AS v WHERE (v = ANY (crm.health_values(kind))) IS NOT TRUE LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'unknown % "%"', kind, unknown USING ERRCODE = '22023', COLUMN = parameter,
      HINT = 'One of ' || array_to_string(crm.health_values(kind), ', ') || '.';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.require_health_values(text, text[], text) IS 'Refuses what is no allergen or diet: 22023, naming the parameter';

CREATE OR REPLACE FUNCTION crm.severity_rank(severity text) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT COALESCE(array_position('{anaphylaxis,allergy,intolerance}'::text[], severity), 4) $$;
COMMENT ON FUNCTION crm.severity_rank(text) IS 'Place of a severity, the gravest first';

CREATE OR REPLACE FUNCTION crm.require_severities(severities jsonb, allergens text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given record;
BEGIN
  IF severities IS NULL THEN
    RETURN;
  ELSIF jsonb_typeof(severities) <> 'object' THEN
    RAISE EXCEPTION 'severities must be a JSON object' USING ERRCODE = '22023', COLUMN = 'severities', HINT = 'Such as {"nuts": "anaphylaxis"}.';
  END IF;
  FOR given IN SELECT s.key, s.value, s.value #>> '{}' AS text FROM jsonb_each(severities) AS s LOOP
    IF (given.key = ANY (allergens)) IS NOT TRUE THEN
      RAISE EXCEPTION 'severity of "%", which is none of the allergens given', left(given.key, 60) USING ERRCODE = '22023', COLUMN = 'severities',
        HINT = 'Give the allergens too.';
    ELSIF given.value <> 'null' AND (jsonb_typeof(given.value) <> 'string' OR crm.severity_rank(given.text) = 4) THEN
      RAISE EXCEPTION 'unknown severity "%"', left(given.text, 60) USING ERRCODE = '22023', COLUMN = 'severities', HINT = 'intolerance, allergy, anaphylaxis or null.';
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION crm.require_severities(jsonb, text[]) IS 'Refuses what is no severity, or of no allergen given: 22023';

CREATE OR REPLACE FUNCTION crm.set_health_needs(
  customer text, allergens text[] DEFAULT NULL, diets text[] DEFAULT NULL, venue text DEFAULT NULL, severities jsonb DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  of_guest record := crm.held_guest(customer, venue);
  caller uuid := (SELECT c.principal_id FROM crm.caller() AS c);
  needs record;
  changed boolean := false;
BEGIN
  PERFORM crm.require_health_values('allergen', allergens, 'allergens');
  PERFORM crm.require_health_values('diet', diets, 'diets');
  PERFORM crm.require_severities(severities, allergens);
  FOR needs IN SELECT * FROM (VALUES ('allergen', allergens), ('diet', diets)) AS n(kind, wanted) WHERE n.wanted IS NOT NULL LOOP
    WITH gone AS (
      DELETE FROM crm.health_need AS h
      WHERE h.org_id = of_guest.org_id AND h.customer_id = of_guest.customer_id AND h.scope_id = of_guest.scope_id
        AND h.kind = needs.kind AND h.value <> ALL (needs.wanted)
      RETURNING h.origin_id, h.value, h.severity
    ), graded AS (
      UPDATE crm.health_need AS h SET severity = severities ->> h.value, recorded_by = caller, recorded_at = clock_timestamp()
      WHERE h.org_id = of_guest.org_id AND h.customer_id = of_guest.customer_id AND h.scope_id = of_guest.scope_id
        AND h.kind = needs.kind AND h.value = ANY (needs.wanted) AND severities ? h.value AND h.severity IS DISTINCT FROM severities ->> h.value
      RETURNING h.origin_id, h.value, h.severity
    ), come AS (
      INSERT INTO crm.health_need (org_id, origin_id, scope_id, kind, value, customer_id, recorded_by, severity)
      SELECT of_guest.org_id, of_guest.customer_id, of_guest.scope_id, needs.kind, w.value, of_guest.customer_id, caller, severities ->> w.value
      FROM (SELECT DISTINCT v AS value FROM unnest(needs.wanted) AS v) AS w
      WHERE NOT EXISTS (SELECT FROM crm.health_need AS h
                        WHERE h.org_id = of_guest.org_id AND h.customer_id = of_guest.customer_id AND h.scope_id = of_guest.scope_id
                          AND h.kind = needs.kind AND h.value = w.value)
      RETURNING origin_id, value, severity
    )
    INSERT INTO crm.health_change (org_id, origin_id, scope_id, kind, value, severity, action, changed_by)
    SELECT of_guest.org_id, g.origin_id, of_guest.scope_id, needs.kind, g.value, g.severity, 'removed', caller FROM gone AS g
    UNION ALL
    SELECT of_guest.org_id, c.origin_id, of_guest.scope_id, needs.kind, c.value, c.severity, 'recorded', caller
    FROM (SELECT * FROM come UNION ALL SELECT * FROM graded) AS c
    ORDER BY 5;
    changed := changed OR FOUND;
  END LOOP;
  IF changed THEN
    PERFORM crm.follow_preferences(of_guest.org_id, of_guest.scope_id, of_guest.customer_id);
  END IF;
END
$$;
ALTER FUNCTION crm.set_health_needs(text, text[], text[], text, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.set_health_needs(text, text[], text[], text, jsonb) IS 'Sets the allergens and the diets of a guest (the CRM''s id or the platform''s; null leaves them, an empty array removes all), as known to the staff of a venue or (null) of the whole organisation; severities says of allergens given how grave they are ({"nuts": "anaphylaxis"}: intolerance, allergy or anaphylaxis, null for not said); of those it leaves out the severity stays. crm.health_change keeps who changed what. Only for what the guest himself asked to be kept. CR404 for an unknown guest or venue, 22023 for a value that crm.health_values does not have.';
GRANT EXECUTE ON FUNCTION crm.set_health_needs(text, text[], text[], text, jsonb) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.health_needs_of(org int, guest uuid, sees uuid[])
RETURNS TABLE (kind text, value text, severity text, venue_id uuid, recorded_by uuid, recorded_at timestamptz)
LANGUAGE sql STABLE
AS $$
  SELECT DISTINCT ON (h.kind, h.value, h.scope_id)
         h.kind, h.value, h.severity, NULLIF(h.scope_id, '00000000-0000-0000-0000-000000000000'), h.recorded_by, h.recorded_at
  FROM crm.health_need AS h
  WHERE h.org_id = org AND h.customer_id = guest
    AND (sees IS NULL OR h.scope_id = '00000000-0000-0000-0000-000000000000' OR h.scope_id = ANY (sees))
  -- Of merged guests the gravest counts.
  ORDER BY h.kind, h.value, h.scope_id, crm.severity_rank(h.severity), h.recorded_at
$$;
COMMENT ON FUNCTION crm.health_needs_of(int, uuid, uuid[]) IS 'Allergens and diets of a guest that the staff of some venues (null for all) may know';

CREATE OR REPLACE FUNCTION crm.health_needs(customer text)
RETURNS TABLE (kind text, value text, severity text, venue_id uuid, recorded_by uuid, recorded_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_guest record := crm.known_guest(health_needs.customer, NULL);
BEGIN
  PERFORM crm.log_access(of_guest.org_id, 'health_needs', of_guest.customer_id);
  RETURN QUERY SELECT h.* FROM crm.health_needs_of(of_guest.org_id, of_guest.customer_id, crm.caller_venues()) AS h;
END
$$;
ALTER FUNCTION crm.health_needs(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.health_needs(text) IS 'Allergens, with how grave they are where he said so, and diets of a guest (the CRM''s id or the platform''s) that the caller may know: those of his venues, and those of the whole organisation (venue null). CR404 for an unknown guest. Noted in crm.access_log.';
GRANT EXECUTE ON FUNCTION crm.health_needs(text) TO crm_staff;
