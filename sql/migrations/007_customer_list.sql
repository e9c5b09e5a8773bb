-- What crm.customer_list reads. The orders of its guests, an index for each sort, stand in a table of their own: on
-- crm.customer_venue_stats they would cost every sale more than counting it does. The sweep carries over what changed; until it
-- has, the flag of the row says so, and the list reads that guest from the row itself.

ALTER TABLE crm.customer_venue_stats ADD COLUMN listed boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN crm.customer_venue_stats.listed IS 'crm.listed_guest knows these totals and this label; unset by the trigger that scores the row, set by crm.list_guests()';
CREATE INDEX customer_venue_stats_unlisted ON crm.customer_venue_stats (org_id, venue_id, customer_id) WHERE NOT listed;
-- A row is in this index or in that one, so that an order still writes three. The sweep lists a row before it looks what is due.
DROP INDEX crm.customer_venue_stats_due;
CREATE INDEX customer_venue_stats_due ON crm.customer_venue_stats (next_label_at) WHERE listed AND next_label_at IS NOT NULL;

-- No foreign keys: the rows come from others that have them, and checking each cost as much as writing it;
-- crm.verify_list() proves more.
CREATE TABLE crm.listed_guest (
  org_id        int  NOT NULL,
  customer_id   uuid NOT NULL,
  scope_id      uuid NOT NULL,
  label         smallint NOT NULL,
  total_orders  int  NOT NULL,
  total_visits  int  NOT NULL,
  spent         bigint NOT NULL,
  last_order_at timestamptz NOT NULL,
  last_venue_id uuid,
  unnamed       boolean NOT NULL,
  name          text COLLATE "und-x-icu" NOT NULL,
  text_bits_a   bigint NOT NULL,
  text_bits_b   bigint NOT NULL,
  PRIMARY KEY (org_id, customer_id, scope_id)
-- Pages are read from indexes alone while the visibility map says so: vacuum comes after a few thousand changes.
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 5000);
COMMENT ON TABLE crm.listed_guest IS 'What the list of guests sorts and filters by: a row per guest and venue and one per guest for the organisation, in the order of every sort. Derived from crm.customer_venue_stats by crm.list_guests() and true of rows that are listed there; crm.verify_list() proves it.';
COMMENT ON COLUMN crm.listed_guest.org_id IS 'Organisation';
COMMENT ON COLUMN crm.listed_guest.customer_id IS 'Guest; none who was merged into another';
COMMENT ON COLUMN crm.listed_guest.scope_id IS 'Venue; nil for the organisation, where every guest has a row';
COMMENT ON COLUMN crm.listed_guest.label IS 'Rank of the label: 1 CHAMPION, 2 LOYAL, 3 POTENTIAL, 4 NEW, 5 AT_RISK, 6 LOST, 7 INACTIVE; the best of his venues'' for the organisation, 8 without a row at any';
COMMENT ON COLUMN crm.listed_guest.total_orders IS 'Counted orders';
COMMENT ON COLUMN crm.listed_guest.total_visits IS 'Distinct local days with a counted order, at each venue';
COMMENT ON COLUMN crm.listed_guest.spent IS 'Sum of the order totals in hundredths; of no meaning, and not read, for an organisation of several currencies';
COMMENT ON COLUMN crm.listed_guest.last_order_at IS 'Completion of the last counted order; -infinity without orders';
COMMENT ON COLUMN crm.listed_guest.last_venue_id IS 'For the organisation: venue of that order, whose days it is of';
COMMENT ON COLUMN crm.listed_guest.unnamed IS 'The guest has no name; such guests come last';
COMMENT ON COLUMN crm.listed_guest.name IS 'Name as crm.customer has it, empty without; letters sort by the alphabet whatever the locale of the database';
COMMENT ON COLUMN crm.listed_guest.text_bits_a IS 'First half of crm.text_signature of the text that a search looks through: it has all bits of that of a text it contains';
COMMENT ON COLUMN crm.listed_guest.text_bits_b IS 'Second half of it';
-- Within the label, so that neither a label nor its absence means reading rows in vain. The columns included let filters be
-- tried without fetching the row, which takes six times as long.
CREATE INDEX listed_guest_by_last_visit ON crm.listed_guest (org_id, scope_id, label, last_order_at, customer_id) INCLUDE (spent, total_orders, total_visits, text_bits_a, text_bits_b);
CREATE INDEX listed_guest_by_spend ON crm.listed_guest (org_id, scope_id, label, spent, customer_id) INCLUDE (last_order_at, total_orders, total_visits, text_bits_a, text_bits_b);
CREATE INDEX listed_guest_by_orders ON crm.listed_guest (org_id, scope_id, label, total_orders, customer_id) INCLUDE (total_visits, spent, last_order_at, text_bits_a, text_bits_b);
CREATE INDEX listed_guest_by_visits ON crm.listed_guest (org_id, scope_id, label, total_visits, customer_id) INCLUDE (total_orders, spent, last_order_at, text_bits_a, text_bits_b);
CREATE INDEX listed_guest_by_name ON crm.listed_guest (org_id, scope_id, unnamed, name, customer_id) INCLUDE (label, spent, total_orders, total_visits, last_order_at, text_bits_a, text_bits_b);

-- Apart, as a text seldom changes and its index is dear to write.
CREATE TABLE crm.guest_text (
  org_id      int  NOT NULL,
  customer_id uuid NOT NULL,
  venue_ids   uuid[] NOT NULL,
  search_text text NOT NULL,
  PRIMARY KEY (org_id, customer_id)
);
COMMENT ON TABLE crm.guest_text IS 'What a search looks through, a row per listed guest. Derived from crm.customer by crm.list_guests().';
COMMENT ON COLUMN crm.guest_text.org_id IS 'Organisation';
COMMENT ON COLUMN crm.guest_text.customer_id IS 'Guest; none who was merged into another';
COMMENT ON COLUMN crm.guest_text.venue_ids IS 'Venues where the guest has a row, in the order of their keys';
COMMENT ON COLUMN crm.guest_text.search_text IS 'Name, e-mail, phone and the digits of the phone in lower case: crm.search_text';
DO $$
BEGIN
  -- pg_trgm stands in whatever schema the administrator chose.
  EXECUTE format('CREATE INDEX guest_text_by_text ON crm.guest_text USING gin (venue_ids, search_text %I.gin_trgm_ops)',
                 (SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'));
END
$$;

-- Appended to by whoever changes a guest, who must not wait for the sweep: no unique key but a number, no foreign key to lock.
CREATE TABLE crm.unlisted_guest (
  org_id      int    NOT NULL,
  customer_id uuid   NOT NULL,
  note_id     bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (org_id, note_id)
);
COMMENT ON TABLE crm.unlisted_guest IS 'Guests whom the tables behind the list do not know as they are now, where no row of totals tells: new without an order, renamed, merged, unmerged, or found wrong. Emptied by crm.list_guests().';
COMMENT ON COLUMN crm.unlisted_guest.org_id IS 'Organisation';
COMMENT ON COLUMN crm.unlisted_guest.customer_id IS 'Guest';
COMMENT ON COLUMN crm.unlisted_guest.note_id IS 'Number, in order of recording';

CREATE TRIGGER note_changed_text AFTER UPDATE OF name, phone, email ON crm.customer
  FOR EACH ROW WHEN ((OLD.name, OLD.phone, OLD.email) IS DISTINCT FROM (NEW.name, NEW.phone, NEW.email)) EXECUTE FUNCTION crm.note_changed_text();
ALTER TABLE crm.customer ENABLE ALWAYS TRIGGER note_changed_text;

-- Guests known before.
INSERT INTO crm.unlisted_guest (org_id, customer_id) SELECT c.org_id, c.customer_id FROM crm.customer AS c;
