-- Who may act for which organisation, and the policies of the tenant tables so far.

CREATE TABLE crm.principal (
  org_id       int  NOT NULL REFERENCES crm.organisation,
  principal_id uuid NOT NULL DEFAULT gen_random_uuid(),
  name         text NOT NULL,
  role         text NOT NULL CHECK (role IN ('reader', 'staff', 'manager', 'admin')),
  venue_ids    uuid[],
  db_user      text,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, principal_id),
  CONSTRAINT principal_has_a_venue CHECK (cardinality(venue_ids) > 0)
);
CREATE UNIQUE INDEX principal_by_id ON crm.principal (principal_id);
CREATE UNIQUE INDEX principal_by_db_user ON crm.principal (db_user);
COMMENT ON TABLE crm.principal IS 'People and services that may act for an organisation';
COMMENT ON COLUMN crm.principal.org_id IS 'Organisation';
COMMENT ON COLUMN crm.principal.principal_id IS 'Id that the service names as the caller of a transaction';
COMMENT ON COLUMN crm.principal.name IS 'Whom or what it stands for';
COMMENT ON COLUMN crm.principal.role IS 'What the principal may do: reader, staff, manager or admin';
COMMENT ON COLUMN crm.principal.venue_ids IS 'Venues the principal is limited to; null for all of the organisation';
COMMENT ON COLUMN crm.principal.db_user IS 'Database user that is this principal when it connects itself; null for callers of the service';
COMMENT ON COLUMN crm.principal.created_at IS 'When it was made';

CREATE TABLE crm.api_key (
  org_id       int   NOT NULL,
  key_hash     bytea NOT NULL CHECK (octet_length(key_hash) = 32),
  principal_id uuid  NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz,
  PRIMARY KEY (org_id, key_hash),
  FOREIGN KEY (org_id, principal_id) REFERENCES crm.principal ON DELETE CASCADE
);
CREATE UNIQUE INDEX api_key_by_hash ON crm.api_key (key_hash);
CREATE INDEX api_key_by_principal ON crm.api_key (org_id, principal_id);
COMMENT ON TABLE crm.api_key IS 'Bearer keys of the HTTP service; only their SHA-256 is kept';
COMMENT ON COLUMN crm.api_key.org_id IS 'Organisation';
COMMENT ON COLUMN crm.api_key.key_hash IS 'SHA-256 of the whole key text';
COMMENT ON COLUMN crm.api_key.principal_id IS 'Principal the key signs in';
COMMENT ON COLUMN crm.api_key.created_at IS 'When it was made';
COMMENT ON COLUMN crm.api_key.expires_at IS 'From when it is refused; null for never';

GRANT SELECT ON crm.organisation, crm.venue, crm.venue_closure, crm.venue_scoring TO crm_reader, crm_staff;

CREATE POLICY own_organisation ON crm.organisation FOR SELECT TO crm_reader, crm_staff
  USING (org_id = (SELECT crm.caller_org()));
CREATE POLICY own_venues ON crm.venue FOR SELECT TO crm_reader, crm_staff
  USING (org_id = (SELECT crm.caller_org()) AND ((SELECT crm.caller_venues()) IS NULL OR venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));
CREATE POLICY own_venues ON crm.venue_closure FOR SELECT TO crm_reader, crm_staff
  USING (org_id = (SELECT crm.caller_org()) AND ((SELECT crm.caller_venues()) IS NULL OR venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));
CREATE POLICY own_venues ON crm.venue_scoring FOR SELECT TO crm_reader, crm_staff
  USING (org_id = (SELECT crm.caller_org()) AND ((SELECT crm.caller_venues()) IS NULL OR venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));
