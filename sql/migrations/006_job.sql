-- What the jobs did, and changes of the platform that could not be followed at once.

CREATE TABLE crm.job_run (
  run_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job         text NOT NULL,
  venue_id    uuid,
  started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  rows        bigint NOT NULL DEFAULT 0,
  milliseconds numeric(12,1),
  error       text
);
CREATE INDEX job_run_by_start ON crm.job_run (started_at);
COMMENT ON TABLE crm.job_run IS 'Log of the jobs, one row per job and venue; a run without finished_at is under way or was cut off';
COMMENT ON COLUMN crm.job_run.run_id IS 'Number of the run';
COMMENT ON COLUMN crm.job_run.job IS 'backfill, night, sweep, repair, segments, preferences or list';
COMMENT ON COLUMN crm.job_run.venue_id IS 'Venue; null for a job over all';
COMMENT ON COLUMN crm.job_run.started_at IS 'Start by the real clock';
COMMENT ON COLUMN crm.job_run.finished_at IS 'End by the real clock';
COMMENT ON COLUMN crm.job_run.rows IS 'Rows written';
COMMENT ON COLUMN crm.job_run.milliseconds IS 'Duration';
COMMENT ON COLUMN crm.job_run.error IS 'SQLSTATE and message where it failed';

CREATE TABLE crm.failed_change (
  change_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entity       text NOT NULL CHECK (entity IN ('venue', 'customer', 'order')),
  venue_ref    text,
  customer_ref text,
  order_ref    text,
  sqlstate     text,
  message      text NOT NULL,
  occurred_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  attempts     int NOT NULL DEFAULT 0
);
COMMENT ON TABLE crm.failed_change IS 'Changes of the platform''s rows that could not be followed at once; crm.repair_failed() re-reads and removes them';
COMMENT ON COLUMN crm.failed_change.change_id IS 'Number of the change';
COMMENT ON COLUMN crm.failed_change.entity IS 'Bound entity that changed';
COMMENT ON COLUMN crm.failed_change.venue_ref IS 'The platform''s id of the venue, where known';
COMMENT ON COLUMN crm.failed_change.customer_ref IS 'The platform''s id of the customer, where known';
COMMENT ON COLUMN crm.failed_change.order_ref IS 'The platform''s id of the order, where known';
COMMENT ON COLUMN crm.failed_change.sqlstate IS 'SQLSTATE of the failure; null where the change only waits for the backfill';
COMMENT ON COLUMN crm.failed_change.message IS 'What went wrong';
COMMENT ON COLUMN crm.failed_change.occurred_at IS 'When, by the real clock';
COMMENT ON COLUMN crm.failed_change.attempts IS 'Repairs tried in vain';
