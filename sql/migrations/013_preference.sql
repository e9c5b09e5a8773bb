-- What guests need, like and do: told by them, or derived from their orders.

CREATE TABLE crm.health_need (
  org_id      int  NOT NULL,
  origin_id   uuid NOT NULL,
  scope_id    uuid NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('allergen', 'diet')),
  value       text NOT NULL,
  customer_id uuid NOT NULL,
  recorded_by uuid,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, origin_id, scope_id, kind, value),
  FOREIGN KEY (org_id, origin_id) REFERENCES crm.customer,
  FOREIGN KEY (org_id, customer_id) REFERENCES crm.customer,
  CONSTRAINT health_need_is_known CHECK (value = ANY (crm.health_values(kind)))
);
CREATE INDEX health_need_by_customer ON crm.health_need (org_id, customer_id, scope_id);
COMMENT ON TABLE crm.health_need IS 'What a guest must or will not eat. Health data (GDPR art. 9): kept to serve him safely, for the staff and the kitchen of the venue, for nothing else.';
COMMENT ON COLUMN crm.health_need.org_id IS 'Organisation';
COMMENT ON COLUMN crm.health_need.origin_id IS 'Guest under whom it was recorded, for good';
COMMENT ON COLUMN crm.health_need.scope_id IS 'Venue whose staff may know; the nil UUID where the guest told all of the organisation';
COMMENT ON COLUMN crm.health_need.kind IS 'allergen (Regulation (EU) 1169/2011, Annex II) or diet';
COMMENT ON COLUMN crm.health_need.value IS 'One of crm.health_values(kind)';
COMMENT ON COLUMN crm.health_need.customer_id IS 'Who that guest is now: the survivor where he was merged into another';
COMMENT ON COLUMN crm.health_need.recorded_by IS 'Principal; null for a database administrator';
COMMENT ON COLUMN crm.health_need.recorded_at IS 'When, by the real clock';

CREATE TABLE crm.health_change (
  org_id     int    NOT NULL,
  change_id  bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  origin_id  uuid   NOT NULL,
  scope_id   uuid   NOT NULL,
  kind       text   NOT NULL,
  value      text   NOT NULL,
  action     text   NOT NULL CHECK (action IN ('recorded', 'removed')),
  changed_by uuid,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, change_id),
  FOREIGN KEY (org_id, origin_id) REFERENCES crm.customer
);
CREATE INDEX health_change_by_origin ON crm.health_change (org_id, origin_id);
COMMENT ON TABLE crm.health_change IS 'Who recorded and removed what of crm.health_need, and when; append-only';
COMMENT ON COLUMN crm.health_change.org_id IS 'Organisation';
COMMENT ON COLUMN crm.health_change.change_id IS 'Number';
COMMENT ON COLUMN crm.health_change.origin_id IS 'Guest under whom it was recorded';
COMMENT ON COLUMN crm.health_change.scope_id IS 'Venue, or the nil UUID for all of the organisation';
COMMENT ON COLUMN crm.health_change.kind IS 'allergen or diet';
COMMENT ON COLUMN crm.health_change.value IS 'What';
COMMENT ON COLUMN crm.health_change.action IS 'recorded or removed';
COMMENT ON COLUMN crm.health_change.changed_by IS 'Principal; null for a database administrator';
COMMENT ON COLUMN crm.health_change.changed_at IS 'When, by the real clock';

CREATE TABLE crm.stated_preference (
  org_id      int  NOT NULL,
  origin_id   uuid NOT NULL,
  scope_id    uuid NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('seating', 'favourite_product', 'disliked_product', 'favourite_category', 'disliked_category')),
  value       text NOT NULL CHECK (btrim(value) <> '' AND length(value) <= 200),
  name        text,
  strength    numeric(4,3) NOT NULL CHECK (strength BETWEEN 0 AND 1),
  times       int  NOT NULL DEFAULT 1,
  customer_id uuid NOT NULL,
  recorded_by uuid,
  first_at    timestamptz NOT NULL,
  last_at     timestamptz NOT NULL,
  PRIMARY KEY (org_id, origin_id, scope_id, kind, value),
  FOREIGN KEY (org_id, origin_id) REFERENCES crm.customer,
  FOREIGN KEY (org_id, customer_id) REFERENCES crm.customer
);
CREATE INDEX stated_preference_by_customer ON crm.stated_preference (org_id, customer_id, scope_id);
COMMENT ON TABLE crm.stated_preference IS 'What a guest said he likes and dislikes, and where he likes to sit';
COMMENT ON COLUMN crm.stated_preference.org_id IS 'Organisation';
COMMENT ON COLUMN crm.stated_preference.origin_id IS 'Guest under whom it was recorded, for good';
COMMENT ON COLUMN crm.stated_preference.scope_id IS 'Venue where it holds; the nil UUID for all of the organisation';
COMMENT ON COLUMN crm.stated_preference.kind IS 'seating, favourite_product, disliked_product, favourite_category or disliked_category';
COMMENT ON COLUMN crm.stated_preference.value IS 'The platform''s id of a product, the name of a category, the seating in words';
COMMENT ON COLUMN crm.stated_preference.name IS 'Name of the product; null where the platform gives none, and for the other kinds';
COMMENT ON COLUMN crm.stated_preference.strength IS 'How strongly, 0 to 1';
COMMENT ON COLUMN crm.stated_preference.times IS 'How often he said so';
COMMENT ON COLUMN crm.stated_preference.customer_id IS 'Who that guest is now: the survivor where he was merged into another';
COMMENT ON COLUMN crm.stated_preference.recorded_by IS 'Principal who recorded it last; null for a database administrator';
COMMENT ON COLUMN crm.stated_preference.first_at IS 'When he first said so';
COMMENT ON COLUMN crm.stated_preference.last_at IS 'When he last said so';

-- What is derived has no foreign keys: only crm.derive_guests writes it, for guests whom it has just read.
CREATE TABLE crm.derived_preference (
  org_id      int  NOT NULL,
  venue_id    uuid NOT NULL,
  customer_id uuid NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('favourite_product', 'disliked_product', 'category', 'daypart', 'table', 'channel', 'payment_method')),
  value       text NOT NULL,
  name        text,
  strength    numeric(4,3) NOT NULL,
  orders      int  NOT NULL,
  of_orders   int  NOT NULL,
  first_seen  timestamptz NOT NULL,
  last_seen   timestamptz NOT NULL,
  PRIMARY KEY (org_id, venue_id, customer_id, kind, value)
);
COMMENT ON TABLE crm.derived_preference IS 'What the orders of a guest at a venue tell of his likes, dislikes and habits, as the night found it';
COMMENT ON COLUMN crm.derived_preference.org_id IS 'Organisation';
COMMENT ON COLUMN crm.derived_preference.venue_id IS 'Venue';
COMMENT ON COLUMN crm.derived_preference.customer_id IS 'Guest';
COMMENT ON COLUMN crm.derived_preference.kind IS 'favourite_product: one of the three he ordered most often, at least three times; disliked_product: ordered once, then not in five or more orders while it was on sale; category: in most of his orders, at least three; daypart, table, channel, payment_method: of at least 60 % of his last ten visits, where he came five times';
COMMENT ON COLUMN crm.derived_preference.value IS 'The platform''s id of a product, else what it is';
COMMENT ON COLUMN crm.derived_preference.name IS 'Name of the product; null where the platform gives none, and for the other kinds';
COMMENT ON COLUMN crm.derived_preference.strength IS '0 to 1. Favourite product, category: lower bound of the share of his orders (Wilson, 95 %); disliked product: n/(n+5) after n orders without it; else the share of the visits';
COMMENT ON COLUMN crm.derived_preference.orders IS 'Orders with it; for daypart, table, channel and payment_method visits';
COMMENT ON COLUMN crm.derived_preference.of_orders IS 'Of so many orders or visits; for a disliked product the orders from the one with it on, as long as it was on sale';
COMMENT ON COLUMN crm.derived_preference.first_seen IS 'The first of them';
COMMENT ON COLUMN crm.derived_preference.last_seen IS 'The last of them';

CREATE TABLE crm.guest_habit (
  org_id        int  NOT NULL,
  venue_id      uuid NOT NULL,
  customer_id   uuid NOT NULL,
  spend_trend   text CHECK (spend_trend IN ('up', 'down', 'steady')),
  top_products  jsonb NOT NULL,
  seen_orders   int  NOT NULL,
  seen_spent    numeric(14,2) NOT NULL,
  seen_first_at timestamptz NOT NULL,
  seen_last_at  timestamptz NOT NULL,
  PRIMARY KEY (org_id, venue_id, customer_id)
);
COMMENT ON TABLE crm.guest_habit IS 'A row for each guest of a venue from whose orders something may be derived (three or more), and what the orders were when it was';
COMMENT ON COLUMN crm.guest_habit.org_id IS 'Organisation';
COMMENT ON COLUMN crm.guest_habit.venue_id IS 'Venue';
COMMENT ON COLUMN crm.guest_habit.customer_id IS 'Guest';
COMMENT ON COLUMN crm.guest_habit.spend_trend IS 'His last five orders against the five before: up or down where they add up to more than 10 % more or less, else steady; null before the tenth';
COMMENT ON COLUMN crm.guest_habit.top_products IS 'The ten products that he ordered most often: [{product, name, orders}]';
COMMENT ON COLUMN crm.guest_habit.seen_orders IS 'Orders it was derived from';
COMMENT ON COLUMN crm.guest_habit.seen_spent IS 'What they add up to';
COMMENT ON COLUMN crm.guest_habit.seen_first_at IS 'Completion of the first of them';
COMMENT ON COLUMN crm.guest_habit.seen_last_at IS 'Completion of the last of them';

CREATE TABLE crm.product_sale (
  org_id       int  NOT NULL,
  venue_id     uuid NOT NULL,
  product_ref  text NOT NULL,
  last_sold_at timestamptz NOT NULL,
  PRIMARY KEY (org_id, venue_id, product_ref),
  FOREIGN KEY (org_id, venue_id) REFERENCES crm.venue ON DELETE CASCADE
);
COMMENT ON TABLE crm.product_sale IS 'Until when a product was on sale at a venue: who did not order it later cannot have disliked it';
COMMENT ON COLUMN crm.product_sale.org_id IS 'Organisation';
COMMENT ON COLUMN crm.product_sale.venue_id IS 'Venue';
COMMENT ON COLUMN crm.product_sale.product_ref IS 'The platform''s id of the product';
COMMENT ON COLUMN crm.product_sale.last_sold_at IS 'Completion of the last order with it, whoever ordered';

CREATE TABLE crm.derivation (
  org_id     int  NOT NULL,
  venue_id   uuid NOT NULL,
  derived_at timestamptz NOT NULL,
  whole_at   timestamptz NOT NULL,
  PRIMARY KEY (org_id, venue_id),
  FOREIGN KEY (org_id, venue_id) REFERENCES crm.venue ON DELETE CASCADE
);
COMMENT ON TABLE crm.derivation IS 'When preferences were last derived at a venue';
COMMENT ON COLUMN crm.derivation.org_id IS 'Organisation';
COMMENT ON COLUMN crm.derivation.venue_id IS 'Venue';
COMMENT ON COLUMN crm.derivation.derived_at IS 'As of when the sales of products are known';
COMMENT ON COLUMN crm.derivation.whole_at IS 'When it was last derived for all guests, by the real clock';

GRANT SELECT ON crm.health_need, crm.health_change, crm.stated_preference, crm.derived_preference, crm.guest_habit TO crm_staff;
CREATE POLICY own_venues ON crm.health_need FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org())
         AND (scope_id = '00000000-0000-0000-0000-000000000000' OR (SELECT crm.caller_venues()) IS NULL OR scope_id = ANY ((SELECT crm.caller_venues())::uuid[])));
CREATE POLICY own_venues ON crm.health_change FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org())
         AND (scope_id = '00000000-0000-0000-0000-000000000000' OR (SELECT crm.caller_venues()) IS NULL OR scope_id = ANY ((SELECT crm.caller_venues())::uuid[])));
CREATE POLICY own_venues ON crm.stated_preference FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org())
         AND (scope_id = '00000000-0000-0000-0000-000000000000' OR (SELECT crm.caller_venues()) IS NULL OR scope_id = ANY ((SELECT crm.caller_venues())::uuid[])));
CREATE POLICY own_venues ON crm.derived_preference FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org())
         AND ((SELECT crm.caller_venues()) IS NULL OR venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));
CREATE POLICY own_venues ON crm.guest_habit FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org())
         AND ((SELECT crm.caller_venues()) IS NULL OR venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));
