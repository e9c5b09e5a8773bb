-- The mail by which a guest confirms that he asked for his own erasure.

ALTER TABLE crm.mail
  DROP CONSTRAINT mail_kind_check,
  ADD COLUMN erasure_id bigint,
  ADD CONSTRAINT mail_kind_check CHECK (kind IN ('confirm_opt_in', 'confirm_erasure')),
  ADD CONSTRAINT mail_has_its_request CHECK ((kind = 'confirm_erasure') = (erasure_id IS NOT NULL)),
  ADD CONSTRAINT mail_erasure_fkey FOREIGN KEY (org_id, erasure_id) REFERENCES crm.erasure_request;
CREATE INDEX mail_by_erasure ON crm.mail (org_id, erasure_id);
COMMENT ON COLUMN crm.mail.kind IS 'confirm_opt_in: please confirm that you want our mails; confirm_erasure: please confirm that we shall erase you';
COMMENT ON COLUMN crm.mail.request_id IS 'The request to opt in that is to be confirmed; null for other kinds';
COMMENT ON COLUMN crm.mail.erasure_id IS 'The erasure that is to be confirmed; null for other kinds';
COMMENT ON COLUMN crm.mail.state IS 'QUEUED; SENT; DEAD, refused for good or after eight failures; OBSOLETE, as there was nothing to send any more';
COMMENT ON COLUMN crm.mail.last_error IS 'What the mail server said last, without the address';
