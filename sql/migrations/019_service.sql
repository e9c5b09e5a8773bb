-- What the HTTP service keeps: names of keys, sessions opened with them, answers to requests that may be sent twice.

ALTER TABLE crm.api_key
  ADD COLUMN key_id uuid NOT NULL DEFAULT gen_random_uuid(),
  ADD COLUMN name text,
  ADD COLUMN last_used_on date;
CREATE UNIQUE INDEX api_key_by_id ON crm.api_key (key_id);
COMMENT ON COLUMN crm.api_key.key_id IS 'Id by which the key is listed and revoked; it signs nobody in';
COMMENT ON COLUMN crm.api_key.name IS 'What it is used for';
COMMENT ON COLUMN crm.api_key.last_used_on IS 'Last day (UTC) on which it signed somebody in; null for never';

CREATE TABLE crm.session (
  org_id       int   NOT NULL,
  session_hash bytea NOT NULL CHECK (octet_length(session_hash) = 32),
  key_hash     bytea NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at   timestamptz NOT NULL,
  PRIMARY KEY (org_id, session_hash),
  FOREIGN KEY (org_id, key_hash) REFERENCES crm.api_key ON DELETE CASCADE
);
CREATE UNIQUE INDEX session_by_hash ON crm.session (session_hash);
CREATE INDEX session_by_key ON crm.session (org_id, key_hash);
CREATE INDEX session_by_expiry ON crm.session (expires_at);
COMMENT ON TABLE crm.session IS 'Sessions of browsers, opened with a key and ended with it; only their token''s SHA-256 is kept';
COMMENT ON COLUMN crm.session.org_id IS 'Organisation';
COMMENT ON COLUMN crm.session.session_hash IS 'SHA-256 of the token in the browser''s cookie';
COMMENT ON COLUMN crm.session.key_hash IS 'Key that opened it';
COMMENT ON COLUMN crm.session.created_at IS 'When it was opened';
COMMENT ON COLUMN crm.session.expires_at IS 'From when it is refused';

CREATE TABLE crm.kept_answer (
  org_id       int   NOT NULL,
  principal_id uuid  NOT NULL,
  key          text  NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
  answer       text  NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, principal_id, key),
  FOREIGN KEY (org_id, principal_id) REFERENCES crm.principal ON DELETE CASCADE
);
CREATE INDEX kept_answer_by_age ON crm.kept_answer (created_at);
COMMENT ON TABLE crm.kept_answer IS 'Answers to requests with an idempotency key, written in the transaction that did what was asked, and given again for a day';
COMMENT ON COLUMN crm.kept_answer.org_id IS 'Organisation';
COMMENT ON COLUMN crm.kept_answer.principal_id IS 'Whose request it was';
COMMENT ON COLUMN crm.kept_answer.key IS 'The caller''s name for the request';
COMMENT ON COLUMN crm.kept_answer.request_hash IS 'SHA-256 of method, path, query and body';
COMMENT ON COLUMN crm.kept_answer.answer IS 'What the statement returned: a JSON array of its rows';
COMMENT ON COLUMN crm.kept_answer.created_at IS 'When it was given first';

ALTER TABLE crm.principal ADD COLUMN subject text CHECK (length(subject) BETWEEN 1 AND 255);
CREATE UNIQUE INDEX principal_by_subject ON crm.principal (org_id, subject);
COMMENT ON COLUMN crm.principal.subject IS 'How the platform''s identity provider names him in its tokens; null for callers by key';
