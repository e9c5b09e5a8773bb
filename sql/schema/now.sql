COMMENT ON FUNCTION crm.now() IS 'The clock of everything that depends on dates: the setting crm.as_of where it is set (superusers only), else the start of the transaction. Evidence uses the real clock.';
GRANT EXECUTE ON FUNCTION crm.now() TO crm_reader, crm_staff;
