-- Segments: which guests a venue or an organisation means, who they are, and how they came and went.

ALTER TABLE crm.venue
  ADD COLUMN breakfast_from time NOT NULL DEFAULT '05:00',
  ADD COLUMN lunch_from     time NOT NULL DEFAULT '11:00',
  ADD COLUMN afternoon_from time NOT NULL DEFAULT '15:00',
  ADD COLUMN dinner_from    time NOT NULL DEFAULT '17:00',
  ADD COLUMN late_from      time NOT NULL DEFAULT '22:00',
  ADD CONSTRAINT venue_dayparts_in_order CHECK (
    breakfast_from < lunch_from AND lunch_from < afternoon_from AND afternoon_from < dinner_from AND dinner_from < late_from AND late_from < '24:00');
COMMENT ON COLUMN crm.venue.breakfast_from IS 'Local time from which an order is breakfast; before, it is late';
COMMENT ON COLUMN crm.venue.lunch_from IS 'Local time from which an order is lunch';
COMMENT ON COLUMN crm.venue.afternoon_from IS 'Local time from which an order is afternoon';
COMMENT ON COLUMN crm.venue.dinner_from IS 'Local time from which an order is dinner';
COMMENT ON COLUMN crm.venue.late_from IS 'Local time from which an order is late';

ALTER TABLE crm.organisation ADD COLUMN segments_inline boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN crm.organisation.segments_inline IS 'Whether membership follows a change in its own transaction; else the guest becomes due and the next sweep follows';

CREATE TABLE crm.venue_spend (
  org_id      int  NOT NULL,
  venue_id    uuid NOT NULL,
  cuts        numeric(14,2)[] NOT NULL,
  computed_at timestamptz NOT NULL,
  PRIMARY KEY (org_id, venue_id),
  FOREIGN KEY (org_id, venue_id) REFERENCES crm.venue ON DELETE CASCADE
);
COMMENT ON TABLE crm.venue_spend IS 'How the cohort of a venue spends, as the last night found it: what spend_percentile compares with';
COMMENT ON COLUMN crm.venue_spend.org_id IS 'Organisation';
COMMENT ON COLUMN crm.venue_spend.venue_id IS 'Venue';
COMMENT ON COLUMN crm.venue_spend.cuts IS 'The ceil(k·N/100)-th smallest total_spent of the cohort for k = 1 to 99; a guest''s percentile is the number of them strictly below his';
COMMENT ON COLUMN crm.venue_spend.computed_at IS 'As of when';

CREATE TABLE crm.segment (
  org_id           int  NOT NULL REFERENCES crm.organisation,
  segment_id       int  NOT NULL GENERATED ALWAYS AS IDENTITY,
  venue_id         uuid,
  -- A primary key holds no nulls.
  scope_id         uuid NOT NULL GENERATED ALWAYS AS (COALESCE(venue_id, '00000000-0000-0000-0000-000000000000')) STORED,
  key              text NOT NULL,
  name             text NOT NULL,
  criteria         text NOT NULL,
  criteria_version text NOT NULL,
  is_system        boolean NOT NULL DEFAULT false,
  is_sensitive     boolean NOT NULL DEFAULT false,
  label            text GENERATED ALWAYS AS (CASE WHEN is_system THEN criteria::jsonb #>> '{where,value}' END) STORED,
  has_overrides    boolean NOT NULL DEFAULT false,
  archived_at      timestamptz,
  computed_at      timestamptz,
  created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, segment_id),
  FOREIGN KEY (org_id, venue_id) REFERENCES crm.venue,
  CONSTRAINT segment_key_form CHECK (key ~ '^[a-z0-9][a-z0-9_]{0,62}$'),
  CONSTRAINT segment_has_a_name CHECK (btrim(name) <> '' AND length(name) <= 200),
  CONSTRAINT segment_of_the_system_is_a_label CHECK (NOT is_system OR (venue_id IS NOT NULL AND label IS NOT NULL AND NOT has_overrides AND archived_at IS NULL))
);
CREATE UNIQUE INDEX segment_by_id ON crm.segment (segment_id);
CREATE UNIQUE INDEX segment_by_key ON crm.segment (org_id, scope_id, key);
CREATE INDEX segment_by_venue ON crm.segment (org_id, venue_id);
CREATE UNIQUE INDEX segment_by_label ON crm.segment (org_id, venue_id, label) WHERE label IS NOT NULL;
COMMENT ON TABLE crm.segment IS 'Saved criteria whose members are kept up to date';
COMMENT ON COLUMN crm.segment.org_id IS 'Organisation';
COMMENT ON COLUMN crm.segment.segment_id IS 'Number, never used again';
COMMENT ON COLUMN crm.segment.venue_id IS 'Venue whose guests are meant; null for the organisation''s';
COMMENT ON COLUMN crm.segment.scope_id IS 'Venue, or the nil UUID for the organisation';
COMMENT ON COLUMN crm.segment.key IS 'Stable name in criteria, within the venue or the organisation; kept by an archived segment';
COMMENT ON COLUMN crm.segment.name IS 'Name to show';
COMMENT ON COLUMN crm.segment.criteria IS 'Criteria in their canonical form';
COMMENT ON COLUMN crm.segment.criteria_version IS 'SHA-256 of the canonical form, hexadecimal';
COMMENT ON COLUMN crm.segment.is_system IS 'Whether every venue has it: it stands for a label and cannot be edited or archived';
COMMENT ON COLUMN crm.segment.is_sensitive IS 'Whether its criteria ask for health data, or name a segment that does: its members are not told to consumers';
COMMENT ON COLUMN crm.segment.label IS 'The label that the system''s segment stands for: who has it is a member, and crm.label_change is its ledger; null for all others';
COMMENT ON COLUMN crm.segment.has_overrides IS 'Whether guests were put in or kept out by hand';
COMMENT ON COLUMN crm.segment.archived_at IS 'Since when it has no members and is evaluated no more; null while it lives';
COMMENT ON COLUMN crm.segment.computed_at IS 'As of when all its guests were looked at last, null where the next sweep is to; of a label''s, which is never behind, when it was made';
COMMENT ON COLUMN crm.segment.created_at IS 'When it was made, by the real clock';
COMMENT ON COLUMN crm.segment.updated_at IS 'When it was last edited, by the real clock';

CREATE TABLE crm.segment_version (
  org_id           int  NOT NULL,
  segment_id       int  NOT NULL,
  from_at          timestamptz NOT NULL,
  criteria         text NOT NULL,
  criteria_version text NOT NULL,
  edited_by        uuid,
  PRIMARY KEY (org_id, segment_id, from_at),
  FOREIGN KEY (org_id, segment_id) REFERENCES crm.segment ON DELETE CASCADE
);
COMMENT ON TABLE crm.segment_version IS 'Every form that a segment''s criteria have had';
COMMENT ON COLUMN crm.segment_version.org_id IS 'Organisation';
COMMENT ON COLUMN crm.segment_version.segment_id IS 'Segment';
COMMENT ON COLUMN crm.segment_version.from_at IS 'Since when they were in force';
COMMENT ON COLUMN crm.segment_version.criteria IS 'Canonical form';
COMMENT ON COLUMN crm.segment_version.criteria_version IS 'Its SHA-256, hexadecimal';
COMMENT ON COLUMN crm.segment_version.edited_by IS 'Principal who wrote them; null for the system or a database administrator';

-- A row a guest and scope, not a row a membership: the order path reads and writes one row whatever the number of segments.
CREATE TABLE crm.guest_segments (
  org_id      int  NOT NULL,
  scope_id    uuid NOT NULL,
  customer_id uuid NOT NULL,
  segments    int[] NOT NULL DEFAULT '{}',
  due_at      timestamptz,
  PRIMARY KEY (org_id, scope_id, customer_id)
) WITH (fillfactor = 85);
CREATE INDEX guest_segments_due ON crm.guest_segments (due_at) WHERE due_at IS NOT NULL;
COMMENT ON TABLE crm.guest_segments IS 'The segments that a guest is a member of, at a venue or in the organisation, but for those of labels; crm.segment_member shows all of them one by one';
COMMENT ON COLUMN crm.guest_segments.org_id IS 'Organisation';
COMMENT ON COLUMN crm.guest_segments.scope_id IS 'Venue, or the nil UUID for the organisation';
COMMENT ON COLUMN crm.guest_segments.customer_id IS 'Guest';
COMMENT ON COLUMN crm.guest_segments.segments IS 'Segments, ascending';
COMMENT ON COLUMN crm.guest_segments.due_at IS 'When the guest must be looked at again, as time alone may have changed his membership: never too late, often too early; null for never';

CREATE TABLE crm.segment_override (
  org_id      int  NOT NULL,
  segment_id  int  NOT NULL,
  customer_id uuid NOT NULL,
  included    boolean NOT NULL,
  reason      text NOT NULL CHECK (btrim(reason) <> ''),
  set_by      uuid,
  set_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, segment_id, customer_id),
  FOREIGN KEY (org_id, segment_id) REFERENCES crm.segment ON DELETE CASCADE,
  FOREIGN KEY (org_id, customer_id) REFERENCES crm.customer
);
CREATE INDEX segment_override_by_customer ON crm.segment_override (org_id, customer_id);
COMMENT ON TABLE crm.segment_override IS 'Guests put into a segment or kept out of it by hand, whatever the criteria say';
COMMENT ON COLUMN crm.segment_override.org_id IS 'Organisation';
COMMENT ON COLUMN crm.segment_override.segment_id IS 'Segment';
COMMENT ON COLUMN crm.segment_override.customer_id IS 'Guest';
COMMENT ON COLUMN crm.segment_override.included IS 'True for a member, false for none';
COMMENT ON COLUMN crm.segment_override.reason IS 'Why, as given';
COMMENT ON COLUMN crm.segment_override.set_by IS 'Principal; null for a database administrator';
COMMENT ON COLUMN crm.segment_override.set_at IS 'When, by the real clock';

-- No CHECK constraint and one index, as for crm.label_change: an order that counts may write here.
CREATE TABLE crm.segment_change (
  org_id      int    NOT NULL,
  change_id   bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  scope_id    uuid   NOT NULL,
  customer_id uuid   NOT NULL,
  occurred_at timestamptz NOT NULL,
  entered     int[]  NOT NULL,
  exited      int[]  NOT NULL,
  cause       text   NOT NULL,
  order_ref   text,
  PRIMARY KEY (org_id, scope_id, customer_id, change_id)
);
COMMENT ON TABLE crm.segment_change IS 'Every change of a guest''s segments but those of labels, for which there is crm.label_change; append-only. crm.segment_event shows all of them one by one.';
COMMENT ON COLUMN crm.segment_change.org_id IS 'Organisation';
COMMENT ON COLUMN crm.segment_change.change_id IS 'Number; for one guest in the order of the changes';
COMMENT ON COLUMN crm.segment_change.scope_id IS 'Venue, or the nil UUID for the organisation';
COMMENT ON COLUMN crm.segment_change.customer_id IS 'Guest';
COMMENT ON COLUMN crm.segment_change.occurred_at IS 'As of when';
COMMENT ON COLUMN crm.segment_change.entered IS 'Segments he became a member of';
COMMENT ON COLUMN crm.segment_change.exited IS 'Segments he left';
COMMENT ON COLUMN crm.segment_change.cause IS 'order, profile, time, night (cut points, and whatever was missed), criteria (edited or archived), override, merge, tag, preference (stated, withdrawn or derived)';
COMMENT ON COLUMN crm.segment_change.order_ref IS 'The platform''s id of the order that caused it, where one did';

CREATE TABLE crm.segment_tally (
  org_id     int    NOT NULL,
  segment_id int    NOT NULL,
  tally_id   bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  delta      bigint NOT NULL,
  PRIMARY KEY (org_id, segment_id, tally_id)
);
COMMENT ON TABLE crm.segment_tally IS 'Changes of the number of members, which add up to it: sales that counted in one row would wait for each other. The sweep sums them up. No foreign key: segments are archived, never deleted, and a sale writes here.';
COMMENT ON COLUMN crm.segment_tally.org_id IS 'Organisation';
COMMENT ON COLUMN crm.segment_tally.segment_id IS 'Segment';
COMMENT ON COLUMN crm.segment_tally.tally_id IS 'Number';
COMMENT ON COLUMN crm.segment_tally.delta IS 'Members more, or less';

CREATE TABLE crm.outbox (
  org_id      int    NOT NULL,
  event_id    bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  topic       text   NOT NULL,
  payload     jsonb  NOT NULL,
  occurred_at timestamptz NOT NULL,
  PRIMARY KEY (org_id, event_id)
);
COMMENT ON TABLE crm.outbox IS 'What happened, for consumers: written in the transaction in which it happened. Transactions commit in another order than that of their numbers: a consumer skips none that is still to come.';
COMMENT ON COLUMN crm.outbox.org_id IS 'Organisation';
COMMENT ON COLUMN crm.outbox.event_id IS 'Number';
COMMENT ON COLUMN crm.outbox.topic IS 'customer.label: payload {venue_id, cause, changes: [{customer_id, from, to, order_ref}]}, which are the memberships of the segments of labels; from is null for a guest who is new at the venue, and those whom a backfill finds are not announced. segment.membership, for all other segments: {venue_id, cause, changes: [{customer_id, entered, exited, order_ref}]}, venue_id null for the organisation''s. Sensitive segments are left out. At most 500 guests each';
COMMENT ON COLUMN crm.outbox.payload IS 'What, as the topic says';
COMMENT ON COLUMN crm.outbox.occurred_at IS 'As of when';

CREATE TRIGGER forget_segments AFTER INSERT OR DELETE OR UPDATE OF criteria, has_overrides, is_sensitive, archived_at ON crm.segment
  FOR EACH ROW EXECUTE FUNCTION crm.forget_segments();
ALTER TABLE crm.segment ENABLE ALWAYS TRIGGER forget_segments;
CREATE TRIGGER forget_segments AFTER UPDATE OF segments_inline ON crm.organisation
  FOR EACH ROW EXECUTE FUNCTION crm.forget_segments();
ALTER TABLE crm.organisation ENABLE ALWAYS TRIGGER forget_segments;

CREATE VIEW crm.segment_member WITH (security_invoker = true) AS
  SELECT s.org_id, s.segment_id, s.venue_id, g.customer_id
  FROM crm.segment AS s
  JOIN crm.guest_segments AS g ON g.org_id = s.org_id AND g.scope_id = s.scope_id AND s.segment_id = ANY (g.segments)
  UNION ALL
  SELECT s.org_id, s.segment_id, s.venue_id, t.customer_id
  FROM crm.segment AS s
  JOIN crm.customer_venue_stats AS t ON t.org_id = s.org_id AND t.venue_id = s.venue_id AND t.label = s.label;
COMMENT ON VIEW crm.segment_member IS 'Members of segments';
COMMENT ON COLUMN crm.segment_member.org_id IS 'Organisation';
COMMENT ON COLUMN crm.segment_member.segment_id IS 'Segment';
COMMENT ON COLUMN crm.segment_member.venue_id IS 'Venue of the segment; null for the organisation''s';
COMMENT ON COLUMN crm.segment_member.customer_id IS 'Guest';

CREATE VIEW crm.segment_event WITH (security_invoker = true) AS
  SELECT c.org_id, c.change_id, e.segment_id, s.venue_id, c.customer_id, e.event, c.occurred_at, c.cause, c.order_ref,
         (SELECT v.criteria_version FROM crm.segment_version AS v
          WHERE v.org_id = c.org_id AND v.segment_id = e.segment_id AND v.from_at <= c.occurred_at
          ORDER BY v.from_at DESC LIMIT 1) AS criteria_version
  FROM crm.segment_change AS c
  CROSS JOIN LATERAL (SELECT unnest(c.entered), 'entered' UNION ALL SELECT unnest(c.exited), 'exited') AS e(segment_id, event)
  JOIN crm.segment AS s ON s.org_id = c.org_id AND s.segment_id = e.segment_id
  UNION ALL
  SELECT c.org_id, e.change_id, s.segment_id, s.venue_id, c.customer_id, e.event, e.occurred_at, e.cause, e.order_ref, s.criteria_version
  FROM crm.label_change AS c
  CROSS JOIN LATERAL (
    VALUES (c.change_id, c.from_label, 'exited', c.changed_at, c.cause, c.order_ref), (c.change_id, c.to_label, 'entered', c.changed_at, c.cause, c.order_ref),
           (NULL, CASE WHEN c.labelled_at IS NOT NULL THEN c.from_label END, 'entered', c.labelled_at, 'order', NULL)
  ) AS e(change_id, label, event, occurred_at, cause, order_ref)
  JOIN crm.segment AS s ON s.org_id = c.org_id AND s.venue_id = c.venue_id AND s.label = e.label
  UNION ALL
  -- Who has the label he got first.
  SELECT t.org_id, NULL, s.segment_id, s.venue_id, t.customer_id, 'entered', t.label_changed_at, 'order', NULL, s.criteria_version
  FROM crm.customer_venue_stats AS t
  JOIN crm.segment AS s ON s.org_id = t.org_id AND s.venue_id = t.venue_id AND s.label = t.label
  WHERE t.previous_label IS NULL;
COMMENT ON VIEW crm.segment_event IS 'Every entry of a guest into a segment and every exit';
COMMENT ON COLUMN crm.segment_event.org_id IS 'Organisation';
COMMENT ON COLUMN crm.segment_event.change_id IS 'Number of the change that it is part of, in crm.label_change for the segment of a label, else in crm.segment_change; null for the label that a guest got first, with the orders that made him known';
COMMENT ON COLUMN crm.segment_event.segment_id IS 'Segment';
COMMENT ON COLUMN crm.segment_event.venue_id IS 'Venue of the segment; null for the organisation''s';
COMMENT ON COLUMN crm.segment_event.customer_id IS 'Guest';
COMMENT ON COLUMN crm.segment_event.event IS 'entered or exited';
COMMENT ON COLUMN crm.segment_event.occurred_at IS 'As of when';
COMMENT ON COLUMN crm.segment_event.cause IS 'As of crm.segment_change';
COMMENT ON COLUMN crm.segment_event.order_ref IS 'The platform''s id of the order that caused it, where one did';
COMMENT ON COLUMN crm.segment_event.criteria_version IS 'Version of the criteria then in force';

GRANT SELECT ON crm.segment, crm.segment_version, crm.guest_segments, crm.segment_override, crm.segment_change, crm.segment_member, crm.segment_event TO crm_staff;
CREATE POLICY own_venues ON crm.segment FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org())
         AND (venue_id IS NULL OR (SELECT crm.caller_venues()) IS NULL OR venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));
CREATE POLICY own_venues ON crm.guest_segments FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org())
         AND (scope_id = '00000000-0000-0000-0000-000000000000' OR (SELECT crm.caller_venues()) IS NULL OR scope_id = ANY ((SELECT crm.caller_venues())::uuid[])));
CREATE POLICY own_venues ON crm.segment_change FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org())
         AND (scope_id = '00000000-0000-0000-0000-000000000000' OR (SELECT crm.caller_venues()) IS NULL OR scope_id = ANY ((SELECT crm.caller_venues())::uuid[])));
CREATE POLICY own_venues ON crm.segment_version FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org()) AND segment_id IN (SELECT s.segment_id FROM crm.segment AS s));
CREATE POLICY own_venues ON crm.segment_override FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org()) AND segment_id IN (SELECT s.segment_id FROM crm.segment AS s));
