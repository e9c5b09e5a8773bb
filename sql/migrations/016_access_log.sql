-- Who looked at what is sensitive.

-- Appended to by who reads: no foreign key to lock.
CREATE TABLE crm.access_log (
  org_id       int    NOT NULL,
  access_id    bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  accessed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  principal_id uuid   NOT NULL,
  principal    text   NOT NULL,
  role         text   NOT NULL,
  db_user      text   NOT NULL,
  what         text   NOT NULL CHECK (what ~ '^[a-z_]+$'),
  customer_id  uuid,
  guests       int    NOT NULL,
  venue_id     uuid,
  details      jsonb,
  PRIMARY KEY (org_id, access_id)
);
CREATE INDEX access_log_by_customer ON crm.access_log (org_id, customer_id, access_id) WHERE customer_id IS NOT NULL;
COMMENT ON TABLE crm.access_log IS 'Reads of sensitive data by people and keys; append-only';
COMMENT ON COLUMN crm.access_log.org_id IS 'Organisation';
COMMENT ON COLUMN crm.access_log.access_id IS 'Number, in order of reading';
COMMENT ON COLUMN crm.access_log.accessed_at IS 'When, by the real clock';
COMMENT ON COLUMN crm.access_log.principal_id IS 'Principal who read';
COMMENT ON COLUMN crm.access_log.principal IS 'His name at that time';
COMMENT ON COLUMN crm.access_log.role IS 'His role at that time';
COMMENT ON COLUMN crm.access_log.db_user IS 'Database user of the session: crm_service''s for callers of the service';
COMMENT ON COLUMN crm.access_log.what IS 'What was read: dossier, timeline, health_needs, export and so on';
COMMENT ON COLUMN crm.access_log.customer_id IS 'Guest of whom, as he was asked for; null for a list';
COMMENT ON COLUMN crm.access_log.guests IS 'Of how many guests';
COMMENT ON COLUMN crm.access_log.venue_id IS 'Venue that it was asked for; null for all that the principal may see';
COMMENT ON COLUMN crm.access_log.details IS 'What was asked for, such as the segment or the filter of a list';
CREATE TRIGGER keep_access_log BEFORE UPDATE OR DELETE ON crm.access_log FOR EACH ROW EXECUTE FUNCTION crm.keep_access_log();
ALTER TABLE crm.access_log ENABLE ALWAYS TRIGGER keep_access_log;
CREATE TRIGGER keep_whole_access_log BEFORE TRUNCATE ON crm.access_log FOR EACH STATEMENT EXECUTE FUNCTION crm.keep_access_log();
ALTER TABLE crm.access_log ENABLE ALWAYS TRIGGER keep_whole_access_log;

-- Who is limited to venues sees of what was handed out what he asked for himself.
DROP POLICY own_organisation ON crm.export_log;
CREATE POLICY own_exports ON crm.export_log FOR SELECT TO crm_admin
  USING (org_id = (SELECT crm.caller_org())
         AND ((SELECT crm.caller_venues()) IS NULL OR exported_by = (SELECT c.principal_id FROM crm.caller() AS c)));
