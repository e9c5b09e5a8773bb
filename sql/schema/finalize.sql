-- Nothing is executable by PUBLIC; each function's own file grants it to whom it is meant for.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA crm FROM PUBLIC;
REVOKE ALL ON ALL PROCEDURES IN SCHEMA crm FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA crm TO crm_owner;
GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA crm TO crm_owner;
