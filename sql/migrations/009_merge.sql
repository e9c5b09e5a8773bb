-- Guests who turned out to be one person.

CREATE TABLE crm.merged_customer (
  org_id       int  NOT NULL,
  customer_id  uuid NOT NULL,
  ref          text NOT NULL,
  into_id      uuid NOT NULL,
  survivor_id  uuid NOT NULL,
  survivor_ref text NOT NULL,
  reason       text NOT NULL,
  merged_by    uuid,
  merged_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, customer_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES crm.customer,
  FOREIGN KEY (org_id, into_id) REFERENCES crm.customer,
  FOREIGN KEY (org_id, survivor_id) REFERENCES crm.customer,
  FOREIGN KEY (org_id, merged_by) REFERENCES crm.principal,
  CONSTRAINT merged_customer_is_another CHECK (customer_id <> into_id AND customer_id <> survivor_id)
);
CREATE UNIQUE INDEX merged_customer_by_ref ON crm.merged_customer (org_id, ref);
CREATE INDEX merged_customer_by_target ON crm.merged_customer (org_id, into_id);
CREATE INDEX merged_customer_by_survivor ON crm.merged_customer (org_id, survivor_id);
CREATE INDEX merged_customer_by_principal ON crm.merged_customer (org_id, merged_by);
COMMENT ON TABLE crm.merged_customer IS 'Guests merged into others: their orders, past and to come, count for the survivor at the end of the chain';
COMMENT ON COLUMN crm.merged_customer.org_id IS 'Organisation';
COMMENT ON COLUMN crm.merged_customer.customer_id IS 'The guest who was merged';
COMMENT ON COLUMN crm.merged_customer.ref IS 'The platform''s id of that guest, under which orders may still arrive';
COMMENT ON COLUMN crm.merged_customer.into_id IS 'The guest he was merged into';
COMMENT ON COLUMN crm.merged_customer.survivor_id IS 'The guest at the end of the chain';
COMMENT ON COLUMN crm.merged_customer.survivor_ref IS 'The platform''s id of the guest at the end of the chain';
COMMENT ON COLUMN crm.merged_customer.reason IS 'Why, as given';
COMMENT ON COLUMN crm.merged_customer.merged_by IS 'Principal who merged; null for a database administrator';
COMMENT ON COLUMN crm.merged_customer.merged_at IS 'When, by the real clock';

GRANT SELECT ON crm.merged_customer TO crm_staff;
CREATE POLICY own_organisation ON crm.merged_customer FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org()));

CREATE OR REPLACE VIEW crm.orders AS
  SELECT o.org_id, o.venue_id, COALESCE(m.survivor_id, crm.key(o.customer_ref)) AS customer_id, o.order_ref, o.total::numeric(14,2) AS total,
         o.completed_at, o.placed_at, o.channel, o.table_name, o.payment_method, o.promo_code, o.refunded
  FROM crm.bound_orders() AS o
  LEFT JOIN crm.merged_customer AS m ON m.org_id = o.org_id AND m.ref = o.customer_ref
  WHERE o.org_id IS NOT NULL AND o.customer_ref IS NOT NULL AND o.total IS NOT NULL AND o.completed_at IS NOT NULL;
