-- Guests: the CRM's own identity, mirrored from the platform where it has a customers table.

CREATE TABLE crm.customer (
  org_id      int  NOT NULL REFERENCES crm.organisation,
  customer_id uuid NOT NULL,
  ref         text,
  name        text,
  phone       text,
  email       text,
  birth_date  date,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, customer_id)
);
CREATE INDEX customer_by_id ON crm.customer (customer_id);
COMMENT ON TABLE crm.customer IS 'Guests of an organisation. A guest of two organisations has a row in each.';
COMMENT ON COLUMN crm.customer.org_id IS 'Organisation';
COMMENT ON COLUMN crm.customer.customer_id IS 'crm.key(ref)';
COMMENT ON COLUMN crm.customer.ref IS 'The platform''s own id of the customer';
COMMENT ON COLUMN crm.customer.name IS 'Name as the platform has it';
COMMENT ON COLUMN crm.customer.phone IS 'Phone as the platform has it';
COMMENT ON COLUMN crm.customer.email IS 'E-mail address as the platform has it';
COMMENT ON COLUMN crm.customer.birth_date IS 'Date of birth';
COMMENT ON COLUMN crm.customer.created_at IS 'When the CRM first saw the guest';
COMMENT ON COLUMN crm.customer.updated_at IS 'When the row last changed';

GRANT SELECT ON crm.customer TO crm_staff;
CREATE POLICY own_organisation ON crm.customer FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org()));
