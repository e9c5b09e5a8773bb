CREATE OR REPLACE FUNCTION crm.binding_list() RETURNS TABLE (entity text, host_table text, mapping jsonb, bound_at timestamptz, backfilled_at timestamptz, drift text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM crm.require_admin();
  RETURN QUERY SELECT b.entity, CASE WHEN b.table_name IS NOT NULL THEN format('%I.%I', b.schema_name, b.table_name) END, b.mapping, b.bound_at, b.backfilled_at, b.drift
  FROM crm.binding AS b ORDER BY array_position('{venue,customer,order,product,order_item}', b.entity);
END
$$;
ALTER FUNCTION crm.binding_list() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.binding_list() IS 'What of the platform is bound, by which mapping; null where all is constant';
GRANT EXECUTE ON FUNCTION crm.binding_list() TO crm_admin;

CREATE OR REPLACE FUNCTION crm.binding_findings(of_entity text DEFAULT NULL) RETURNS TABLE (entity text, severity text, code text, message text, hint text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM crm.require_admin();
  RETURN QUERY SELECT c.entity, c.severity, c.code, c.message, c.hint FROM crm.check_binding(of_entity) AS c;
END
$$;
ALTER FUNCTION crm.binding_findings(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.binding_findings(text) IS 'As crm.check_binding, for an admin';
GRANT EXECUTE ON FUNCTION crm.binding_findings(text) TO crm_admin;
