-- The night: days of a venue, what it still has to look at, and how far a job is.

ALTER TABLE crm.venue_scoring ADD COLUMN closed_day date;
ALTER TABLE crm.venue_scoring ADD COLUMN recounted_at timestamptz;
COMMENT ON COLUMN crm.venue_scoring.closed_day IS 'Last local day whose row in crm.venue_day is kept: an order of it or before that changes is noted in crm.changed_day; later days are counted anew by every night. Null before the first night.';
COMMENT ON COLUMN crm.venue_scoring.recounted_at IS 'When all guests and days of the venue were last counted from the orders, by the real clock; null for never';

CREATE TABLE crm.venue_day (
  org_id           int  NOT NULL,
  venue_id         uuid NOT NULL,
  day              date NOT NULL,
  guests           int  NOT NULL DEFAULT 0,
  new_guests       int  NOT NULL DEFAULT 0,
  returning_guests int  NOT NULL GENERATED ALWAYS AS (guests - new_guests) STORED,
  orders           int  NOT NULL DEFAULT 0,
  revenue          numeric(14,2) NOT NULL DEFAULT 0,
  champions        int,
  loyal            int,
  potential        int,
  new              int,
  at_risk          int,
  lost             int,
  inactive         int,
  PRIMARY KEY (org_id, venue_id, day),
  FOREIGN KEY (org_id, venue_id) REFERENCES crm.venue ON DELETE CASCADE
);
COMMENT ON TABLE crm.venue_day IS 'One row per venue and local day with counted orders, and for every day that had a night; kept by the night. Days since the night before last are as the last night found them.';
COMMENT ON COLUMN crm.venue_day.org_id IS 'Organisation';
COMMENT ON COLUMN crm.venue_day.venue_id IS 'Venue';
COMMENT ON COLUMN crm.venue_day.day IS 'Local (business) day of the venue';
COMMENT ON COLUMN crm.venue_day.guests IS 'Guests with a counted order on the day';
COMMENT ON COLUMN crm.venue_day.new_guests IS 'Guests whose first counted order at the venue was on the day';
COMMENT ON COLUMN crm.venue_day.returning_guests IS 'Guests who had a counted order on a day before: guests − new_guests';
COMMENT ON COLUMN crm.venue_day.orders IS 'Counted orders; walk-ins are not counted';
COMMENT ON COLUMN crm.venue_day.revenue IS 'Sum of the counted orders'' totals, net of refunds, in the venue''s currency';
COMMENT ON COLUMN crm.venue_day.champions IS 'Guests of the venue labelled CHAMPION at the close of the day, as the first night after it found them (until then as the last night did); null for days before the CRM kept them and days without a night';
COMMENT ON COLUMN crm.venue_day.loyal IS 'The same of LOYAL';
COMMENT ON COLUMN crm.venue_day.potential IS 'The same of POTENTIAL';
COMMENT ON COLUMN crm.venue_day.new IS 'The same of NEW';
COMMENT ON COLUMN crm.venue_day.at_risk IS 'The same of AT_RISK';
COMMENT ON COLUMN crm.venue_day.lost IS 'The same of LOST';
COMMENT ON COLUMN crm.venue_day.inactive IS 'The same of INACTIVE';
GRANT SELECT ON crm.venue_day TO crm_reader, crm_staff;
CREATE POLICY own_venues ON crm.venue_day FOR SELECT TO crm_reader, crm_staff
  USING (org_id = (SELECT crm.caller_org())
         AND ((SELECT crm.caller_venues()) IS NULL OR venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));

-- Appended to by sales, which must never wait here: no unique key but a number, no foreign key to lock.
CREATE TABLE crm.changed_day (
  org_id    int    NOT NULL,
  change_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  venue_id  uuid   NOT NULL,
  day       date   NOT NULL,
  PRIMARY KEY (org_id, change_id)
);
CREATE INDEX changed_day_by_venue ON crm.changed_day (org_id, venue_id, day);
COMMENT ON TABLE crm.changed_day IS 'Closed days whose orders changed since; the night counts them anew and removes them';
COMMENT ON COLUMN crm.changed_day.org_id IS 'Organisation';
COMMENT ON COLUMN crm.changed_day.change_id IS 'Number, in order of recording';
COMMENT ON COLUMN crm.changed_day.venue_id IS 'Venue';
COMMENT ON COLUMN crm.changed_day.day IS 'Local day';

CREATE TABLE crm.job_progress (
  job          text PRIMARY KEY,
  as_of        timestamptz,
  recount      boolean NOT NULL DEFAULT false,
  venues_done  int NOT NULL DEFAULT 0,
  venues_total int NOT NULL DEFAULT 0,
  venue_id     uuid,
  rows         bigint NOT NULL DEFAULT 0,
  pid          int NOT NULL,
  started_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at  timestamptz
);
COMMENT ON TABLE crm.job_progress IS 'How far each job is, or was when it last ended';
COMMENT ON COLUMN crm.job_progress.job IS 'night or backfill';
COMMENT ON COLUMN crm.job_progress.as_of IS 'As of when it works';
COMMENT ON COLUMN crm.job_progress.recount IS 'Whether it was asked to count everything anew';
COMMENT ON COLUMN crm.job_progress.venues_done IS 'Venues done';
COMMENT ON COLUMN crm.job_progress.venues_total IS 'Venues to do';
COMMENT ON COLUMN crm.job_progress.venue_id IS 'Venue at work; null between venues';
COMMENT ON COLUMN crm.job_progress.rows IS 'Rows written so far';
COMMENT ON COLUMN crm.job_progress.pid IS 'Server process that does it';
COMMENT ON COLUMN crm.job_progress.started_at IS 'Start by the real clock';
COMMENT ON COLUMN crm.job_progress.updated_at IS 'Last sign of life by the real clock';
COMMENT ON COLUMN crm.job_progress.finished_at IS 'End by the real clock; null while it runs, or where it was cut off';

ALTER TABLE crm.failed_change ADD COLUMN tried_at timestamptz;
COMMENT ON COLUMN crm.failed_change.tried_at IS 'Last repair in vain, by the real clock';
