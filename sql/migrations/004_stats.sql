-- What the orders of a guest at a venue add up to, and what follows from it.

-- No CHECK constraints here: PostgreSQL reads them anew for every statement that writes, and they tripled the cost of
-- the one that counts an order. Only the CRM's own functions may write, and crm.verify_stats proves more than a CHECK can.
CREATE TABLE crm.customer_venue_stats (
  org_id           int  NOT NULL,
  venue_id         uuid NOT NULL,
  customer_id      uuid NOT NULL,
  total_orders     int  NOT NULL,
  total_visits     int  NOT NULL,
  total_spent      numeric(14,2) NOT NULL,
  highest_order    numeric(14,2),
  first_order_at   timestamptz,
  last_order_at    timestamptz,
  recency_score    smallint,
  frequency_score  smallint,
  monetary_score   smallint,
  label            text NOT NULL,
  previous_label   text,
  label_changed_at timestamptz NOT NULL,
  next_label_at    timestamptz,
  recounted_in     xid8,
  PRIMARY KEY (org_id, venue_id, customer_id),
  FOREIGN KEY (org_id, venue_id) REFERENCES crm.venue,
  FOREIGN KEY (org_id, customer_id) REFERENCES crm.customer
-- Room in each page: the night changes a score of every tenth guest, and where the new version fits beside the old one no
-- index is written. Without, it took twice as long.
) WITH (fillfactor = 85);
CREATE INDEX customer_venue_stats_by_customer ON crm.customer_venue_stats (org_id, customer_id);
-- What the sweep reads: the rows whose label time alone changes next.
CREATE INDEX customer_venue_stats_due ON crm.customer_venue_stats (next_label_at) WHERE next_label_at IS NOT NULL;
COMMENT ON TABLE crm.customer_venue_stats IS 'One row per guest and venue: totals of the counted orders, RFM scores and label, exact at commit';
COMMENT ON COLUMN crm.customer_venue_stats.org_id IS 'Organisation';
COMMENT ON COLUMN crm.customer_venue_stats.venue_id IS 'Venue';
COMMENT ON COLUMN crm.customer_venue_stats.customer_id IS 'Guest';
COMMENT ON COLUMN crm.customer_venue_stats.total_orders IS 'Counted orders';
COMMENT ON COLUMN crm.customer_venue_stats.total_visits IS 'Distinct local days with a counted order';
COMMENT ON COLUMN crm.customer_venue_stats.total_spent IS 'Sum of the order totals, net of refunds, in the venue''s currency';
COMMENT ON COLUMN crm.customer_venue_stats.highest_order IS 'Highest order total; null without orders';
COMMENT ON COLUMN crm.customer_venue_stats.first_order_at IS 'Completion of the first counted order; null without orders';
COMMENT ON COLUMN crm.customer_venue_stats.last_order_at IS 'Completion of the last counted order; null without orders';
COMMENT ON COLUMN crm.customer_venue_stats.recency_score IS '1 (longest ago) to 5; null without orders';
COMMENT ON COLUMN crm.customer_venue_stats.frequency_score IS '1 (fewest visits) to 5; null without orders';
COMMENT ON COLUMN crm.customer_venue_stats.monetary_score IS '1 (least spent) to 5; null without orders';
COMMENT ON COLUMN crm.customer_venue_stats.label IS 'CHAMPION, LOYAL, POTENTIAL, NEW, AT_RISK, LOST or INACTIVE';
COMMENT ON COLUMN crm.customer_venue_stats.previous_label IS 'Label before the last change; null before the first';
COMMENT ON COLUMN crm.customer_venue_stats.label_changed_at IS 'When the label last changed';
COMMENT ON COLUMN crm.customer_venue_stats.next_label_at IS 'When the label or the recency score next changes with time alone; null for never';
COMMENT ON COLUMN crm.customer_venue_stats.recounted_in IS 'Transaction that last re-read this guest from the orders: its later changes re-read again instead of adding, as one re-read sees all rows of a statement';

GRANT SELECT ON crm.customer_venue_stats TO crm_reader, crm_staff;
CREATE POLICY own_venues ON crm.customer_venue_stats FOR SELECT TO crm_reader, crm_staff
  USING (org_id = (SELECT crm.caller_org())
         AND ((SELECT crm.caller_venues()) IS NULL OR venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));

-- No foreign key: the rows come from rows of the stats by a trigger, and the check of each, which locks the row that was just
-- written, cost more than writing it. The key begins with the guest, so that an order writes two entries and not three.
CREATE TABLE crm.label_change (
  org_id      int    NOT NULL,
  change_id   bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  venue_id    uuid   NOT NULL,
  customer_id uuid   NOT NULL,
  changed_at  timestamptz NOT NULL,
  from_label  text   NOT NULL,
  to_label    text   NOT NULL,
  labelled_at timestamptz,
  cause       text   NOT NULL,
  order_ref   text,
  PRIMARY KEY (org_id, venue_id, customer_id, change_id)
);
CREATE INDEX label_change_by_time ON crm.label_change (org_id, venue_id, changed_at);
COMMENT ON TABLE crm.label_change IS 'Every change of a guest''s label at a venue; append-only. The label a guest got first is none.';
COMMENT ON COLUMN crm.label_change.org_id IS 'Organisation';
COMMENT ON COLUMN crm.label_change.change_id IS 'Number, in order of recording';
COMMENT ON COLUMN crm.label_change.venue_id IS 'Venue';
COMMENT ON COLUMN crm.label_change.customer_id IS 'Guest';
COMMENT ON COLUMN crm.label_change.changed_at IS 'As of when the label changed';
COMMENT ON COLUMN crm.label_change.from_label IS 'Label before';
COMMENT ON COLUMN crm.label_change.to_label IS 'Label since';
COMMENT ON COLUMN crm.label_change.labelled_at IS 'Of a guest''s first change: as of when he had got the label before; null for later ones, as the change before says it';
COMMENT ON COLUMN crm.label_change.cause IS 'order, time, night (cut points, and whatever was missed), merge';
COMMENT ON COLUMN crm.label_change.order_ref IS 'The platform''s id of the order that caused it, where one did';

GRANT SELECT ON crm.label_change TO crm_reader, crm_staff;
CREATE POLICY own_venues ON crm.label_change FOR SELECT TO crm_reader, crm_staff
  USING (org_id = (SELECT crm.caller_org())
         AND ((SELECT crm.caller_venues()) IS NULL OR venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));

-- Scores and label follow from the totals, whoever writes them, a logical subscription included.
CREATE TRIGGER score_guest BEFORE INSERT OR UPDATE ON crm.customer_venue_stats
  FOR EACH ROW EXECUTE FUNCTION crm.score_guest();
ALTER TABLE crm.customer_venue_stats ENABLE ALWAYS TRIGGER score_guest;

CREATE TRIGGER forget_scoring AFTER INSERT OR UPDATE OR DELETE ON crm.venue_scoring
  FOR EACH ROW EXECUTE FUNCTION crm.forget_scoring();
ALTER TABLE crm.venue_scoring ENABLE ALWAYS TRIGGER forget_scoring;
