-- Files of guests, and what was made of each row, so that a file can be taken back; lists of guests that were handed out.

CREATE TABLE crm.import (
  org_id      int  NOT NULL REFERENCES crm.organisation,
  import_id   int  NOT NULL GENERATED ALWAYS AS IDENTITY,
  venue_id    uuid,
  file_name   text NOT NULL,
  state       text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'checked', 'queued', 'running', 'done', 'undoing', 'undone')),
  header      text[] NOT NULL DEFAULT '{}',
  fields      text[] NOT NULL DEFAULT '{}',
  options     jsonb NOT NULL DEFAULT '{}',
  day_first   boolean NOT NULL DEFAULT true,
  warnings    text[] NOT NULL DEFAULT '{}',
  rows        int NOT NULL DEFAULT 0,
  done_to     int NOT NULL DEFAULT 0,
  failure     text,
  created_by  uuid,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  started_at  timestamptz,
  finished_at timestamptz,
  PRIMARY KEY (org_id, import_id),
  FOREIGN KEY (org_id, venue_id) REFERENCES crm.venue
);
CREATE INDEX import_by_venue ON crm.import (org_id, venue_id);
CREATE INDEX import_at_work ON crm.import (import_id) WHERE state IN ('queued', 'running', 'undoing');
COMMENT ON TABLE crm.import IS 'Files of guests';
COMMENT ON COLUMN crm.import.org_id IS 'Organisation';
COMMENT ON COLUMN crm.import.import_id IS 'Number';
COMMENT ON COLUMN crm.import.venue_id IS 'Venue for which the file was read: its region dials the numbers, its people see the notes; null for the organisation';
COMMENT ON COLUMN crm.import.file_name IS 'Name of the file';
COMMENT ON COLUMN crm.import.state IS 'new; checked; queued to be loaded; running; done; undoing; undone';
COMMENT ON COLUMN crm.import.header IS 'Names of the columns';
COMMENT ON COLUMN crm.import.fields IS 'What each column holds: name of a field, or null for what is left out';
COMMENT ON COLUMN crm.import.options IS 'How the file is read: encoding, delimiter, header, day_first, overwrite, as given';
COMMENT ON COLUMN crm.import.day_first IS 'Whether days like 01/02/1990 are read as 1 February';
COMMENT ON COLUMN crm.import.warnings IS 'What whoever loads it should know';
COMMENT ON COLUMN crm.import.rows IS 'Rows of guests in the file';
COMMENT ON COLUMN crm.import.done_to IS 'Row up to which all were loaded; while undoing, row down to which all were taken back';
COMMENT ON COLUMN crm.import.failure IS 'SQLSTATE and message where the last run failed; the next one goes on';
COMMENT ON COLUMN crm.import.created_by IS 'Principal on whose behalf it is loaded; null for a database administrator';
COMMENT ON COLUMN crm.import.created_at IS 'When the file was read, by the real clock';
COMMENT ON COLUMN crm.import.started_at IS 'When it began to be loaded, then when it was asked to be taken back, by the real clock';
COMMENT ON COLUMN crm.import.finished_at IS 'When it was loaded, then when it was taken back, by the real clock';

-- Guests are named without a foreign key: a row tells what was done with one who may be gone.
CREATE TABLE crm.import_row (
  org_id      int  NOT NULL,
  import_id   int  NOT NULL,
  row_no      int  NOT NULL,
  line        int  NOT NULL,
  cells       text[] NOT NULL,
  readable    boolean NOT NULL DEFAULT true,
  outcome     text CHECK (outcome IN ('new', 'matched', 'unchanged', 'duplicate', 'rejected', 'created', 'filled', 'undone', 'left')),
  reason      text,
  guest       jsonb,
  same_as     int,
  customer_id uuid,
  written     jsonb,
  PRIMARY KEY (org_id, import_id, row_no),
  FOREIGN KEY (org_id, import_id) REFERENCES crm.import ON DELETE CASCADE
);
CREATE INDEX import_row_by_outcome ON crm.import_row (org_id, import_id, outcome, row_no) WHERE outcome IN ('rejected', 'left');
CREATE INDEX import_row_by_customer ON crm.import_row (org_id, customer_id) WHERE customer_id IS NOT NULL;
COMMENT ON TABLE crm.import_row IS 'Rows of files of guests, and what was made of each';
COMMENT ON COLUMN crm.import_row.org_id IS 'Organisation';
COMMENT ON COLUMN crm.import_row.import_id IS 'File';
COMMENT ON COLUMN crm.import_row.row_no IS 'Number of the row, from 1';
COMMENT ON COLUMN crm.import_row.line IS 'Line of the file in which it begins';
COMMENT ON COLUMN crm.import_row.cells IS 'Cells as written';
COMMENT ON COLUMN crm.import_row.readable IS 'Whether it has the columns of the file, none too long';
COMMENT ON COLUMN crm.import_row.outcome IS 'Found by the check: new, matched, unchanged, duplicate of a row before, or rejected; once loaded: created, filled (a matched guest was changed), unchanged or rejected; once taken back: undone, or left as it is';
COMMENT ON COLUMN crm.import_row.reason IS 'Why it was rejected, or left';
COMMENT ON COLUMN crm.import_row.guest IS 'The row as it was read: profile, ref, phone_e164, email_key, tags, note, address';
COMMENT ON COLUMN crm.import_row.same_as IS 'Row before, of the same guest';
COMMENT ON COLUMN crm.import_row.customer_id IS 'Guest it was matched with, or who was made of it';
COMMENT ON COLUMN crm.import_row.written IS 'What loading it wrote: fields with their former and new values, tags, note and contact';

CREATE TABLE crm.export_log (
  org_id      int    NOT NULL REFERENCES crm.organisation,
  export_id   bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  segment_id  int,
  filter      jsonb,
  format      text NOT NULL CHECK (format IN ('csv', 'json')),
  guests      int  NOT NULL,
  exported_by uuid,
  exported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, export_id)
);
COMMENT ON TABLE crm.export_log IS 'Lists of guests that were handed out; append-only';
COMMENT ON COLUMN crm.export_log.org_id IS 'Organisation';
COMMENT ON COLUMN crm.export_log.export_id IS 'Number';
COMMENT ON COLUMN crm.export_log.segment_id IS 'Segment whose members they were; null for a list';
COMMENT ON COLUMN crm.export_log.filter IS 'What the list was asked for';
COMMENT ON COLUMN crm.export_log.format IS 'csv or json';
COMMENT ON COLUMN crm.export_log.guests IS 'How many guests';
COMMENT ON COLUMN crm.export_log.exported_by IS 'Principal who asked; null for a database administrator';
COMMENT ON COLUMN crm.export_log.exported_at IS 'When, by the real clock';

GRANT SELECT ON crm.import, crm.import_row TO crm_manager;
CREATE POLICY own_venues ON crm.import FOR SELECT TO crm_manager
  USING (org_id = (SELECT crm.caller_org()) AND ((SELECT crm.caller_venues()) IS NULL OR venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));
CREATE POLICY own_venues ON crm.import_row FOR SELECT TO crm_manager
  USING (org_id = (SELECT crm.caller_org()) AND EXISTS (SELECT FROM crm.import AS i WHERE i.org_id = import_row.org_id AND i.import_id = import_row.import_id));
GRANT SELECT ON crm.export_log TO crm_admin;
CREATE POLICY own_organisation ON crm.export_log FOR SELECT TO crm_admin USING (org_id = (SELECT crm.caller_org()));
