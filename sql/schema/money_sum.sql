CREATE OR REPLACE FUNCTION crm.money_sum(total numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT LEAST(GREATEST(COALESCE(total, 0), -999999999999.99), 999999999999.99)::numeric(14,2)
$$;
COMMENT ON FUNCTION crm.money_sum(numeric) IS 'A sum of money as it is stored: within what numeric(14,2) holds, zero for none';
