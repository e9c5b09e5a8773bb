CREATE OR REPLACE FUNCTION crm.known_product(org int, product text, OUT ref text, OUT name text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  found_products bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM crm.binding AS b WHERE b.entity = 'product') THEN
    known_product.ref := product;
    RETURN;
  END IF;
  -- The id before the name; where products belong to venues, those of the organisation alone.
  SELECT count(*), min(p.ref), min(p.name) INTO found_products, known_product.ref, known_product.name
  FROM (SELECT p.ref, p.name, p.ref <> product AS by_name, min((p.ref <> product)::int) OVER () AS best
        FROM crm.bound_products() AS p
        WHERE (p.ref = product OR lower(p.name) = lower(product))
          AND (p.venue_ref IS NULL OR p.venue_ref IN (SELECT v.ref FROM crm.venue AS v WHERE v.org_id = org))) AS p
  WHERE p.by_name::int = p.best;
  IF found_products = 0 THEN
    RAISE EXCEPTION 'unknown product "%"', product USING ERRCODE = 'CR404', COLUMN = 'value', HINT = 'Give the platform''s id of the product, or its name.';
  ELSIF found_products > 1 THEN
    RAISE EXCEPTION '% products are called "%"', found_products, product USING ERRCODE = '22023', COLUMN = 'value',
      HINT = 'Give the platform''s id of the product.';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.known_product(int, text) IS 'A product of the platform by its id or, where only one is called so, by its name without regard to case; what was given where no products are bound. CR404 for an unknown one, 22023 for a name that several have.';

CREATE OR REPLACE FUNCTION crm.require_preference_kind(kind text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF kind IS NULL OR kind NOT IN ('seating', 'favourite_product', 'disliked_product', 'favourite_category', 'disliked_category') THEN
    RAISE EXCEPTION 'unknown kind of preference "%"', kind USING ERRCODE = '22023', COLUMN = 'kind',
      HINT = 'One of seating, favourite_product, disliked_product, favourite_category, disliked_category; allergens and diets are recorded by crm.set_health_needs.';
  END IF;
END
$$;
COMMENT ON FUNCTION crm.require_preference_kind(text) IS 'Refuses what a guest cannot state: 22023';

CREATE OR REPLACE FUNCTION crm.opposite_preference(kind text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE kind WHEN 'favourite_product' THEN 'disliked_product' WHEN 'disliked_product' THEN 'favourite_product'
                   WHEN 'favourite_category' THEN 'disliked_category' WHEN 'disliked_category' THEN 'favourite_category' END
$$;
COMMENT ON FUNCTION crm.opposite_preference(text) IS 'The dislike of what is liked, and the other way round; null where there is none';

CREATE OR REPLACE FUNCTION crm.state_preference(customer text, kind text, value text, venue text DEFAULT NULL, strength numeric DEFAULT 1) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_guest record := crm.held_guest(customer, venue);
  stated text := btrim(value);
  product_name text;
BEGIN
  PERFORM crm.require_preference_kind(kind);
  IF COALESCE(stated, '') = '' OR length(stated) > 200 THEN
    RAISE EXCEPTION 'a preference needs a value of at most 200 characters' USING ERRCODE = '22023', COLUMN = 'value';
  END IF;
  IF strength IS NULL OR strength NOT BETWEEN 0 AND 1 THEN
    RAISE EXCEPTION 'strength must be from 0 to 1' USING ERRCODE = '22023', COLUMN = 'strength';
  END IF;
  IF kind LIKE '%\_product' THEN
    SELECT p.ref, p.name INTO stated, product_name FROM crm.known_product(of_guest.org_id, stated) AS p;
  END IF;
  DELETE FROM crm.stated_preference AS s
  WHERE s.org_id = of_guest.org_id AND s.customer_id = of_guest.customer_id AND s.scope_id = of_guest.scope_id
    AND s.kind = crm.opposite_preference(state_preference.kind) AND s.value = stated;
  INSERT INTO crm.stated_preference AS s (org_id, origin_id, scope_id, kind, value, name, strength, customer_id, recorded_by, first_at, last_at)
  VALUES (of_guest.org_id, of_guest.customer_id, of_guest.scope_id, state_preference.kind, stated, product_name, state_preference.strength,
          of_guest.customer_id, (SELECT c.principal_id FROM crm.caller() AS c), crm.now(), crm.now())
  ON CONFLICT (org_id, origin_id, scope_id, kind, value) DO UPDATE
    SET strength = excluded.strength, name = excluded.name, recorded_by = excluded.recorded_by, last_at = excluded.last_at, times = s.times + 1;
  PERFORM crm.follow_preferences(of_guest.org_id, of_guest.scope_id, of_guest.customer_id);
END
$$;
ALTER FUNCTION crm.state_preference(text, text, text, text, numeric) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.state_preference(text, text, text, text, numeric) IS 'Records what a guest (the CRM''s id or the platform''s) said: his seating, or that a product (the platform''s id, or a name that only one has) or a category is a favourite or disliked (the opposite, said before, is gone); at a venue or (null) all of the organisation, how strongly from 0 to 1. It wins over what is derived from his orders. CR404 for an unknown guest, venue or product, 22023 for what cannot be stated.';
GRANT EXECUTE ON FUNCTION crm.state_preference(text, text, text, text, numeric) TO crm_staff;

CREATE OR REPLACE FUNCTION crm.withdraw_preference(customer text, kind text, value text, venue text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  of_guest record := crm.held_guest(customer, venue);
BEGIN
  PERFORM crm.require_preference_kind(kind);
  DELETE FROM crm.stated_preference AS s
  WHERE s.org_id = of_guest.org_id AND s.customer_id = of_guest.customer_id AND s.scope_id = of_guest.scope_id
    AND s.kind = withdraw_preference.kind AND btrim(withdraw_preference.value) IN (s.value, s.name);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the guest never stated % "%" there', kind, value USING ERRCODE = 'CR404', COLUMN = 'value',
      HINT = 'crm.preferences(customer) lists what he stated, and where.';
  END IF;
  PERFORM crm.follow_preferences(of_guest.org_id, of_guest.scope_id, of_guest.customer_id);
END
$$;
ALTER FUNCTION crm.withdraw_preference(text, text, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.withdraw_preference(text, text, text, text) IS 'Takes back what was recorded by crm.state_preference for a guest, at the same venue or (null) for the whole organisation. CR404 where he stated no such thing there.';
GRANT EXECUTE ON FUNCTION crm.withdraw_preference(text, text, text, text) TO crm_staff;
