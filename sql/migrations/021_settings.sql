-- What is switched on, and when guests are left in peace: for an organisation, and for each of its venues. How severe an
-- allergy is; what a merge filled in; for how long it is kept who looked at what.

ALTER TABLE crm.organisation
  ADD COLUMN crm_enabled boolean NOT NULL DEFAULT true,
  ADD COLUMN loyalty_enabled boolean NOT NULL DEFAULT false,
  ADD COLUMN quiet_from time,
  ADD COLUMN quiet_to time,
  ADD CONSTRAINT organisation_quiet_hours CHECK ((quiet_from IS NULL) = (quiet_to IS NULL) AND quiet_from <> quiet_to AND quiet_from < '24:00' AND quiet_to < '24:00');
COMMENT ON COLUMN crm.organisation.crm_enabled IS 'Whether orders are counted and guests are rated, at the venues where that is enabled too';
COMMENT ON COLUMN crm.organisation.loyalty_enabled IS 'Whether the platform runs its loyalty programme, at the venues where that is enabled too; the platform reads it, nothing here depends on it';
COMMENT ON COLUMN crm.organisation.quiet_from IS 'Local time from which on guests are not written to, at venues without quiet hours of their own; null for never';
COMMENT ON COLUMN crm.organisation.quiet_to IS 'Local time until which they are not; before quiet_from where the hours pass midnight';

ALTER TABLE crm.venue
  ADD COLUMN crm_enabled boolean NOT NULL DEFAULT true,
  ADD COLUMN loyalty_enabled boolean NOT NULL DEFAULT true,
  ADD COLUMN quiet_from time,
  ADD COLUMN quiet_to time,
  ADD CONSTRAINT venue_quiet_hours CHECK ((quiet_from IS NULL) = (quiet_to IS NULL) AND quiet_from <> quiet_to AND quiet_from < '24:00' AND quiet_to < '24:00');
COMMENT ON COLUMN crm.venue.crm_enabled IS 'Whether orders are counted and guests are rated, where the organisation has it enabled; what changed meanwhile is counted once it is again';
COMMENT ON COLUMN crm.venue.loyalty_enabled IS 'Whether the platform runs its loyalty programme here, where the organisation has it enabled; the platform reads it, nothing here depends on it';
COMMENT ON COLUMN crm.venue.quiet_from IS 'Local time from which on guests are not written to; null for the organisation''s quiet hours';
COMMENT ON COLUMN crm.venue.quiet_to IS 'Local time until which they are not; before quiet_from where the hours pass midnight';

ALTER TABLE crm.venue_scoring DROP CONSTRAINT venue_scoring_counting_check;
ALTER TABLE crm.venue_scoring ADD CONSTRAINT venue_scoring_counting_check CHECK (counting IN ('pending', 'live', 'off', 'resuming'));
COMMENT ON COLUMN crm.venue_scoring.counting IS 'live: orders are counted as they change; pending: the backfill has yet to count the venue''s history; off: the CRM is not enabled here; resuming: it is again, and the next sweep counts what changed meanwhile';

ALTER TABLE crm.health_need ADD COLUMN severity text CHECK (severity IN ('intolerance', 'allergy', 'anaphylaxis')),
  ADD CONSTRAINT health_need_severity CHECK (severity IS NULL OR kind = 'allergen');
COMMENT ON COLUMN crm.health_need.severity IS 'Of an allergen, as the guest says: intolerance, allergy or anaphylaxis; null where he did not say';
ALTER TABLE crm.health_change ADD COLUMN severity text;
COMMENT ON COLUMN crm.health_change.severity IS 'Severity that was recorded with it, or that it had when it was removed';

ALTER TABLE crm.merged_customer ADD COLUMN filled jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN crm.merged_customer.filled IS 'What the profile kept did not have and got from the one merged, and a block that was carried over, by column of crm.customer: taken back with the merge';

ALTER TABLE crm.retention_policy ADD COLUMN drop_accesses_after_months int CHECK (drop_accesses_after_months BETWEEN 1 AND 1200);
COMMENT ON COLUMN crm.retention_policy.drop_accesses_after_months IS 'Entries of crm.access_log older than so many months are dropped by the night; null for never';

CREATE TABLE crm.dropped_events (
  org_id     int    NOT NULL REFERENCES crm.organisation,
  drop_id    bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  relation   text   NOT NULL,
  rows       int    NOT NULL,
  older_than timestamptz NOT NULL,
  dropped_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, drop_id)
);
COMMENT ON TABLE crm.dropped_events IS 'What retention dropped: proof that rows are missing by rule; append-only';
COMMENT ON COLUMN crm.dropped_events.org_id IS 'Organisation';
COMMENT ON COLUMN crm.dropped_events.drop_id IS 'Number, in order of dropping';
COMMENT ON COLUMN crm.dropped_events.relation IS 'Table of crm they were in';
COMMENT ON COLUMN crm.dropped_events.rows IS 'How many';
COMMENT ON COLUMN crm.dropped_events.older_than IS 'All of them were older than this instant';
COMMENT ON COLUMN crm.dropped_events.dropped_at IS 'When, by the real clock';
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON crm.dropped_events FOR EACH ROW EXECUTE FUNCTION crm.keep_evidence();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON crm.dropped_events FOR EACH STATEMENT EXECUTE FUNCTION crm.keep_evidence();
ALTER TABLE crm.dropped_events ENABLE ALWAYS TRIGGER keep;
ALTER TABLE crm.dropped_events ENABLE ALWAYS TRIGGER keep_all;
