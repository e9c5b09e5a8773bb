-- What data protection asks for: erasure, the map of personal data in the platform's own tables, objections, retention.

CREATE TABLE crm.erasure_request (
  org_id           int    NOT NULL REFERENCES crm.organisation,
  request_id       bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  customer_id      uuid   NOT NULL,
  state            text   NOT NULL CHECK (state IN ('UNCONFIRMED', 'REQUESTED', 'CANCELLED', 'EXECUTED')),
  origin           text   NOT NULL CHECK (origin IN ('guest', 'staff', 'retention', 'replay')),
  reason           text   NOT NULL,
  token_hash       bytea  CHECK (octet_length(token_hash) = 32),
  requested_by     uuid,
  requested_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  due_at           timestamptz,
  cancelled_by     uuid,
  cancelled_at     timestamptz,
  executed_by      uuid,
  executed_at      timestamptz,
  execution_reason text,
  report           jsonb,
  residue          int,
  reappeared_at    timestamptz,
  PRIMARY KEY (org_id, request_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES crm.customer,
  CONSTRAINT erasure_request_is_due CHECK (state = 'UNCONFIRMED' OR due_at IS NOT NULL),
  CONSTRAINT erasure_request_has_a_report CHECK ((state = 'EXECUTED') = (executed_at IS NOT NULL AND report IS NOT NULL AND residue IS NOT NULL))
);
CREATE UNIQUE INDEX erasure_request_open ON crm.erasure_request (org_id, customer_id) WHERE state IN ('UNCONFIRMED', 'REQUESTED');
CREATE INDEX erasure_request_by_customer ON crm.erasure_request (org_id, customer_id);
CREATE INDEX erasure_request_due ON crm.erasure_request (due_at) WHERE state = 'REQUESTED';
CREATE UNIQUE INDEX erasure_request_by_token ON crm.erasure_request (token_hash) WHERE token_hash IS NOT NULL;
COMMENT ON TABLE crm.erasure_request IS 'Requests to erase a guest (GDPR art. 17) and what became of them; nothing personal: the guest is named by his key';
COMMENT ON COLUMN crm.erasure_request.org_id IS 'Organisation';
COMMENT ON COLUMN crm.erasure_request.request_id IS 'Number';
COMMENT ON COLUMN crm.erasure_request.customer_id IS 'Guest';
COMMENT ON COLUMN crm.erasure_request.state IS 'UNCONFIRMED: the guest has yet to follow the link he was mailed; REQUESTED; CANCELLED; EXECUTED';
COMMENT ON COLUMN crm.erasure_request.origin IS 'guest; staff, on his behalf; retention, of the organisation''s own rule; replay, after a backup was restored';
COMMENT ON COLUMN crm.erasure_request.reason IS 'Why, as given';
COMMENT ON COLUMN crm.erasure_request.token_hash IS 'SHA-256 of the token that was mailed to the guest; null once it was used, and where none was';
COMMENT ON COLUMN crm.erasure_request.requested_by IS 'Principal; null for a database administrator and for the night';
COMMENT ON COLUMN crm.erasure_request.requested_at IS 'When, by the real clock';
COMMENT ON COLUMN crm.erasure_request.due_at IS 'From when the night executes it; null until the guest has confirmed';
COMMENT ON COLUMN crm.erasure_request.cancelled_by IS 'Principal who cancelled it';
COMMENT ON COLUMN crm.erasure_request.cancelled_at IS 'When, by the real clock';
COMMENT ON COLUMN crm.erasure_request.executed_by IS 'Principal who executed it; null for the night and for a database administrator';
COMMENT ON COLUMN crm.erasure_request.executed_at IS 'When, by the real clock';
COMMENT ON COLUMN crm.erasure_request.execution_reason IS 'Why it was executed before it was due, as given';
COMMENT ON COLUMN crm.erasure_request.report IS 'What was done: rows per table, guests, and what the search afterwards found; nothing personal';
COMMENT ON COLUMN crm.erasure_request.residue IS 'Rows in which that search found something of the guest: 0 is the proof';
COMMENT ON COLUMN crm.erasure_request.reappeared_at IS 'When the platform last sent personal data of the guest again, which were not taken in; null for never';

-- Guests who were erased: the mirror, the list and the search leave them out.
CREATE INDEX customer_erased ON crm.customer (org_id, customer_id) WHERE status = 'erased';

CREATE TABLE crm.bound_pii (
  schema_name     text NOT NULL,
  table_name      text NOT NULL,
  customer_column text NOT NULL,
  treatments      jsonb NOT NULL,
  fields          jsonb NOT NULL,
  granted         text[] NOT NULL DEFAULT '{}',
  bound_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (schema_name, table_name)
);
COMMENT ON TABLE crm.bound_pii IS 'Columns of the platform''s tables that hold personal data of guests beside those that are bound: erased and handed out with the rest';
COMMENT ON COLUMN crm.bound_pii.schema_name IS 'Schema of the platform''s table';
COMMENT ON COLUMN crm.bound_pii.table_name IS 'The platform''s table';
COMMENT ON COLUMN crm.bound_pii.customer_column IS 'Its column that holds the platform''s id of the customer';
COMMENT ON COLUMN crm.bound_pii.treatments IS 'What becomes of each column at erasure: null, constant:… or token';
COMMENT ON COLUMN crm.bound_pii.fields IS 'The columns as they were read: declared and base type';
COMMENT ON COLUMN crm.bound_pii.granted IS 'Columns that crm_owner was granted to read and to write, as SELECT or UPDATE and the column, and USAGE of the schema: what unbinding takes back';
COMMENT ON COLUMN crm.bound_pii.bound_at IS 'When it was bound, by the real clock';

CREATE VIEW crm.pii_map AS SELECT m.* FROM crm.pii_map() AS m;
COMMENT ON VIEW crm.pii_map IS 'Every column of the CRM and every bound column of the platform: what it holds of guests, and what becomes of it when one is erased';
COMMENT ON COLUMN crm.pii_map.place IS 'crm or platform';
COMMENT ON COLUMN crm.pii_map.relation IS 'Table, with its schema';
COMMENT ON COLUMN crm.pii_map.column_name IS 'Column';
COMMENT ON COLUMN crm.pii_map.class IS 'personal; health; derived (inferred from orders); key (names a guest and nothing else of him); kept (nothing of guests)';
COMMENT ON COLUMN crm.pii_map.treatment IS 'What becomes of it: delete (with its row), keep, null, token, constant:…; mention:… where it holds what was known of the guest, name:… where a word of it; words, of names that nobody else has';
COMMENT ON COLUMN crm.pii_map.rows IS 'What becomes of the guest''s rows: delete, redact, keep; mentions: rows of no guest, whose text may name one';
COMMENT ON COLUMN crm.pii_map.guest_columns IS 'Columns that say whose a row is';

-- Guests who object to profiling (GDPR art. 21), and those who were erased.
CREATE TABLE crm.profiling_objection (
  org_id      int  NOT NULL,
  customer_id uuid NOT NULL,
  set_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, customer_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES crm.customer
);
COMMENT ON TABLE crm.profiling_objection IS 'Guests who object to profiling, each under whom he objected: who is merged with such a guest is not profiled either';
COMMENT ON COLUMN crm.profiling_objection.org_id IS 'Organisation';
COMMENT ON COLUMN crm.profiling_objection.customer_id IS 'Guest';
COMMENT ON COLUMN crm.profiling_objection.set_at IS 'Since when, by the real clock';

CREATE TABLE crm.profiling_change (
  org_id      int    NOT NULL,
  change_id   bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  customer_id uuid   NOT NULL,
  allowed     boolean NOT NULL,
  reason      text   NOT NULL CHECK (btrim(reason) <> ''),
  set_by      uuid,
  set_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, change_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES crm.customer
);
CREATE INDEX profiling_change_by_customer ON crm.profiling_change (org_id, customer_id);
COMMENT ON TABLE crm.profiling_change IS 'Who objected to profiling or took that back, and why; append-only';
COMMENT ON COLUMN crm.profiling_change.org_id IS 'Organisation';
COMMENT ON COLUMN crm.profiling_change.change_id IS 'Number';
COMMENT ON COLUMN crm.profiling_change.customer_id IS 'Guest';
COMMENT ON COLUMN crm.profiling_change.allowed IS 'Whether he may be profiled from then on';
COMMENT ON COLUMN crm.profiling_change.reason IS 'Why, as given';
COMMENT ON COLUMN crm.profiling_change.set_by IS 'Principal; null for a database administrator';
COMMENT ON COLUMN crm.profiling_change.set_at IS 'When, by the real clock';
GRANT SELECT ON crm.profiling_change TO crm_staff;
CREATE POLICY own_organisation ON crm.profiling_change FOR SELECT TO crm_staff USING (org_id = (SELECT crm.caller_org()));

CREATE VIEW crm.unprofiled_guest AS
  SELECT o.org_id, o.customer_id FROM crm.profiling_objection AS o
  UNION ALL
  SELECT m.org_id, m.survivor_id FROM crm.profiling_objection AS o JOIN crm.merged_customer AS m ON m.org_id = o.org_id AND m.customer_id = o.customer_id;
COMMENT ON VIEW crm.unprofiled_guest IS 'Guests who have neither scores nor a label and are in no segment: they, or one merged into them, object to profiling. For the CRM''s own functions: it knows no caller.';
COMMENT ON COLUMN crm.unprofiled_guest.org_id IS 'Organisation';
COMMENT ON COLUMN crm.unprofiled_guest.customer_id IS 'Guest';

ALTER TABLE crm.customer_venue_stats ADD COLUMN profiled boolean NOT NULL DEFAULT true;
ALTER TABLE crm.customer_venue_stats ALTER COLUMN label DROP NOT NULL;
COMMENT ON COLUMN crm.customer_venue_stats.profiled IS 'Whether the guest has scores and a label: false for one who objects to profiling, as crm.unprofiled_guest says';
COMMENT ON COLUMN crm.customer_venue_stats.label IS 'CHAMPION, LOYAL, POTENTIAL, NEW, AT_RISK, LOST or INACTIVE; null for a guest who is not profiled';
COMMENT ON COLUMN crm.customer_venue_stats.recency_score IS '1 (longest ago) to 5; null without orders, and for a guest who is not profiled';
COMMENT ON COLUMN crm.customer_venue_stats.frequency_score IS '1 (fewest visits) to 5; null without orders, and for a guest who is not profiled';
COMMENT ON COLUMN crm.customer_venue_stats.monetary_score IS '1 (least spent) to 5; null without orders, and for a guest who is not profiled';
ALTER TABLE crm.label_change ALTER COLUMN to_label DROP NOT NULL;
COMMENT ON COLUMN crm.label_change.to_label IS 'Label since; null where the guest is not profiled any more';
COMMENT ON COLUMN crm.label_change.cause IS 'order, time, night (cut points, and whatever was missed), merge, objection (to profiling, its taking back, or erasure)';
COMMENT ON COLUMN crm.segment_change.cause IS 'order, profile, time, night (cut points, and whatever was missed), criteria (edited or archived), override, merge, tag, preference (stated, withdrawn or derived), consent, objection (to profiling, its taking back, or erasure)';
COMMENT ON COLUMN crm.label_change.labelled_at IS 'Of a guest''s first change, or his first since he is profiled again: as of when he had got the label before; null for later ones, as the change before says it';
COMMENT ON COLUMN crm.listed_guest.label IS 'Rank of the label: 1 CHAMPION, 2 LOYAL, 3 POTENTIAL, 4 NEW, 5 AT_RISK, 6 LOST, 7 INACTIVE; the best of his venues'' for the organisation, 8 without one';

CREATE TABLE crm.retention_policy (
  org_id                 int  NOT NULL REFERENCES crm.organisation,
  anonymise_after_months int  CHECK (anonymise_after_months BETWEEN 1 AND 1200),
  drop_events_after_months int CHECK (drop_events_after_months BETWEEN 1 AND 1200),
  set_by                 uuid,
  set_at                 timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id)
);
COMMENT ON TABLE crm.retention_policy IS 'How long an organisation keeps what it knows; without a row, for ever';
COMMENT ON COLUMN crm.retention_policy.org_id IS 'Organisation';
COMMENT ON COLUMN crm.retention_policy.anonymise_after_months IS 'A guest without a visit for so many months is erased by the night; null for never';
COMMENT ON COLUMN crm.retention_policy.drop_events_after_months IS 'Events older than so many months are dropped by the night; null for never';
COMMENT ON COLUMN crm.retention_policy.set_by IS 'Principal; null for a database administrator';
COMMENT ON COLUMN crm.retention_policy.set_at IS 'When, by the real clock';
COMMENT ON COLUMN crm.job_run.job IS 'backfill, night, sweep, repair, segments, preferences, list, erasure or retention';
