-- What is said of guests: tags and notes. Rows recorded under a guest follow him into whom he is merged: origin_id stays.

CREATE TABLE crm.tag (
  org_id     int  NOT NULL REFERENCES crm.organisation,
  tag_id     int  NOT NULL GENERATED ALWAYS AS IDENTITY,
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  name_key   text NOT NULL,
  colour     text CHECK (colour ~ '^#[0-9a-f]{6}$'),
  segment_id int,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  created_by uuid,
  PRIMARY KEY (org_id, tag_id),
  FOREIGN KEY (org_id, segment_id) REFERENCES crm.segment
);
CREATE UNIQUE INDEX tag_by_name ON crm.tag (org_id, name_key);
CREATE INDEX tag_by_segment ON crm.tag (org_id, segment_id);
COMMENT ON TABLE crm.tag IS 'Tags of an organisation, put on guests by hand, or by a rule: every member of a segment has it';
COMMENT ON COLUMN crm.tag.org_id IS 'Organisation';
COMMENT ON COLUMN crm.tag.tag_id IS 'Number, never used again';
COMMENT ON COLUMN crm.tag.name IS 'Name to show, as it was first written';
COMMENT ON COLUMN crm.tag.name_key IS 'Name in lower case: two tags never differ by case or blanks alone';
COMMENT ON COLUMN crm.tag.colour IS 'Colour to show, #rrggbb in lower case';
COMMENT ON COLUMN crm.tag.segment_id IS 'Segment whose members have the tag; null for one put on by hand';
COMMENT ON COLUMN crm.tag.created_at IS 'When it was made, by the real clock';
COMMENT ON COLUMN crm.tag.created_by IS 'Principal who made it; null for a database administrator';

CREATE TABLE crm.customer_tag (
  org_id      int  NOT NULL,
  origin_id   uuid NOT NULL,
  tag_id      int  NOT NULL,
  customer_id uuid NOT NULL,
  added_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  added_by    uuid,
  expires_at  timestamptz,
  PRIMARY KEY (org_id, origin_id, tag_id),
  FOREIGN KEY (org_id, tag_id) REFERENCES crm.tag ON DELETE CASCADE,
  FOREIGN KEY (org_id, origin_id) REFERENCES crm.customer,
  FOREIGN KEY (org_id, customer_id) REFERENCES crm.customer
);
CREATE INDEX customer_tag_by_tag ON crm.customer_tag (org_id, tag_id, customer_id);
CREATE INDEX customer_tag_by_customer ON crm.customer_tag (org_id, customer_id, tag_id);
CREATE INDEX customer_tag_by_expiry ON crm.customer_tag (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE crm.customer_tag IS 'Tags put on guests by hand';
COMMENT ON COLUMN crm.customer_tag.org_id IS 'Organisation';
COMMENT ON COLUMN crm.customer_tag.origin_id IS 'Guest who was given it';
COMMENT ON COLUMN crm.customer_tag.tag_id IS 'Tag';
COMMENT ON COLUMN crm.customer_tag.customer_id IS 'Guest who has it: origin_id, or whom he was merged into';
COMMENT ON COLUMN crm.customer_tag.added_at IS 'When, by the real clock';
COMMENT ON COLUMN crm.customer_tag.added_by IS 'Principal who put it on; null for a database administrator';
COMMENT ON COLUMN crm.customer_tag.expires_at IS 'From when he has it no more; null for never';

CREATE TABLE crm.note (
  org_id      int    NOT NULL,
  note_id     bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  venue_id    uuid   NOT NULL,
  origin_id   uuid   NOT NULL,
  customer_id uuid   NOT NULL,
  body        text   NOT NULL CHECK (length(body) BETWEEN 1 AND 4000),
  pinned      boolean NOT NULL DEFAULT false,
  corrects    bigint,
  author_id   uuid,
  author      text   NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, note_id),
  FOREIGN KEY (org_id, venue_id) REFERENCES crm.venue,
  FOREIGN KEY (org_id, origin_id) REFERENCES crm.customer,
  FOREIGN KEY (org_id, customer_id) REFERENCES crm.customer,
  FOREIGN KEY (org_id, corrects) REFERENCES crm.note
);
CREATE INDEX note_by_customer ON crm.note (org_id, customer_id, created_at);
CREATE INDEX note_by_origin ON crm.note (org_id, origin_id);
CREATE INDEX note_by_venue ON crm.note (org_id, venue_id);
CREATE INDEX note_by_corrected ON crm.note (org_id, corrects);
COMMENT ON TABLE crm.note IS 'Notes about guests, per venue; append-only: a correction is a note that names the one it corrects';
COMMENT ON COLUMN crm.note.org_id IS 'Organisation';
COMMENT ON COLUMN crm.note.note_id IS 'Number';
COMMENT ON COLUMN crm.note.venue_id IS 'Venue whose people see it';
COMMENT ON COLUMN crm.note.origin_id IS 'Guest it was written about';
COMMENT ON COLUMN crm.note.customer_id IS 'Guest it is about: origin_id, or whom he was merged into';
COMMENT ON COLUMN crm.note.body IS 'Text';
COMMENT ON COLUMN crm.note.pinned IS 'Shown before all others';
COMMENT ON COLUMN crm.note.corrects IS 'Note that this one corrects';
COMMENT ON COLUMN crm.note.author_id IS 'Principal who wrote it; null for a database administrator';
COMMENT ON COLUMN crm.note.author IS 'Name of the author at that time';
COMMENT ON COLUMN crm.note.created_at IS 'When, by the real clock';
CREATE TRIGGER keep_notes BEFORE UPDATE OR DELETE ON crm.note FOR EACH ROW EXECUTE FUNCTION crm.keep_notes();
ALTER TABLE crm.note ENABLE ALWAYS TRIGGER keep_notes;
CREATE TRIGGER keep_all_notes BEFORE TRUNCATE ON crm.note FOR EACH STATEMENT EXECUTE FUNCTION crm.keep_notes();
ALTER TABLE crm.note ENABLE ALWAYS TRIGGER keep_all_notes;

GRANT SELECT ON crm.tag, crm.customer_tag, crm.note TO crm_staff;
CREATE POLICY own_organisation ON crm.tag FOR SELECT TO crm_staff USING (org_id = (SELECT crm.caller_org()));
CREATE POLICY own_organisation ON crm.customer_tag FOR SELECT TO crm_staff USING (org_id = (SELECT crm.caller_org()));
CREATE POLICY own_venues ON crm.note FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org()) AND ((SELECT crm.caller_venues()) IS NULL OR venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));

CREATE VIEW crm.guest_tag WITH (security_invoker = true) AS
  SELECT t.org_id, t.customer_id, t.tag_id, g.name, g.colour, 'hand'::text AS source, min(t.added_at) AS added_at,
         CASE WHEN bool_or(t.expires_at IS NULL) THEN NULL ELSE max(t.expires_at) END AS expires_at
  FROM crm.customer_tag AS t JOIN crm.tag AS g ON g.org_id = t.org_id AND g.tag_id = t.tag_id
  WHERE t.expires_at IS NULL OR t.expires_at > crm.now()
  GROUP BY t.org_id, t.customer_id, t.tag_id, g.name, g.colour
  UNION ALL
  SELECT g.org_id, m.customer_id, g.tag_id, g.name, g.colour, 'rule', NULL, NULL
  FROM crm.tag AS g JOIN crm.segment_member AS m ON m.org_id = g.org_id AND m.segment_id = g.segment_id;
COMMENT ON VIEW crm.guest_tag IS 'Tags that guests have now: put on by hand and not expired, or by a rule';
COMMENT ON COLUMN crm.guest_tag.org_id IS 'Organisation';
COMMENT ON COLUMN crm.guest_tag.customer_id IS 'Guest';
COMMENT ON COLUMN crm.guest_tag.tag_id IS 'Tag';
COMMENT ON COLUMN crm.guest_tag.name IS 'Name of the tag';
COMMENT ON COLUMN crm.guest_tag.colour IS 'Its colour, #rrggbb';
COMMENT ON COLUMN crm.guest_tag.source IS 'hand, or rule: he is a member of its segment';
COMMENT ON COLUMN crm.guest_tag.added_at IS 'When it was put on; null for a rule';
COMMENT ON COLUMN crm.guest_tag.expires_at IS 'From when he has it no more; null for never';
GRANT SELECT ON crm.guest_tag TO crm_staff;
