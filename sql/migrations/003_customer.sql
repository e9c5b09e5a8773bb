-- Guests: the CRM's own identity, mirrored from the platform where it has a customers table.

ALTER TABLE crm.organisation ADD COLUMN default_region text CHECK (default_region ~ '^[A-Z]{2}$');
COMMENT ON COLUMN crm.organisation.default_region IS 'Region (ISO 3166-1 alpha-2) in which phone numbers without a country''s code are dialled; that of its first venue unless set. Null: such numbers are found by their digits only';
ALTER TABLE crm.venue ADD COLUMN region text CHECK (region ~ '^[A-Z]{2}$');
COMMENT ON COLUMN crm.venue.region IS 'Region (ISO 3166-1 alpha-2) in which numbers written down at the venue are dialled; null for that of the organisation';

CREATE TABLE crm.customer (
  org_id            int  NOT NULL REFERENCES crm.organisation,
  customer_id       uuid NOT NULL,
  ref               text NOT NULL,
  name              text,
  phone             text,
  phone_region      text,
  email             text,
  birth_date        date,
  birthday          text CHECK (birthday ~ '^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'),
  anniversary_date  date,
  anniversary       text CHECK (anniversary ~ '^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'),
  gender            text,
  language          text,
  document          text,
  photo_url         text,
  preferred_channel text CHECK (preferred_channel IN ('phone', 'sms', 'whatsapp', 'email')),
  preferred_venue   uuid,
  kind              text NOT NULL DEFAULT 'guest' CHECK (kind IN ('walk_in', 'guest', 'registered', 'anonymous', 'wholesale')),
  status            text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'merged', 'blocked', 'erased')),
  blocked_reason    text,
  source            text NOT NULL DEFAULT 'platform' CHECK (source IN ('platform', 'capture', 'admin', 'import')),
  phone_e164        text,
  phone_digits      text,
  email_key         text,
  name_lexemes      tsvector,
  created_at        timestamptz NOT NULL DEFAULT now(),
  created_by        uuid,
  updated_at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, customer_id)
);
CREATE INDEX customer_by_id ON crm.customer (customer_id);
-- Numbers are asked for by their last digits.
CREATE INDEX customer_by_phone ON crm.customer (org_id, reverse(phone_digits) text_pattern_ops) WHERE phone_digits IS NOT NULL;
CREATE INDEX customer_by_email ON crm.customer (org_id, email_key text_pattern_ops) WHERE email_key IS NOT NULL;
CREATE INDEX customer_by_document ON crm.customer (org_id, lower(document)) WHERE document IS NOT NULL;
-- Entries are made at once: a list of pending ones would be worked off by some guest's first order.
CREATE INDEX customer_by_name ON crm.customer USING gin (name_lexemes) WITH (fastupdate = off);
COMMENT ON TABLE crm.customer IS 'Guests of an organisation. A guest of two organisations has a row in each.';
COMMENT ON COLUMN crm.customer.org_id IS 'Organisation';
COMMENT ON COLUMN crm.customer.customer_id IS 'crm.key(ref)';
COMMENT ON COLUMN crm.customer.ref IS 'The platform''s own id of the customer; for a guest whom only the CRM knows, customer_id as text';
COMMENT ON COLUMN crm.customer.name IS 'Name; as the platform has it where that is bound';
COMMENT ON COLUMN crm.customer.phone IS 'Phone as it was written; as the platform has it where that is bound';
COMMENT ON COLUMN crm.customer.phone_region IS 'Region in which phone was written down (ISO 3166-1 alpha-2); null for the organisation''s';
COMMENT ON COLUMN crm.customer.email IS 'E-mail address; as the platform has it where that is bound';
COMMENT ON COLUMN crm.customer.birth_date IS 'Date of birth, where the year is known';
COMMENT ON COLUMN crm.customer.birthday IS 'Month and day of birth, MM-DD';
COMMENT ON COLUMN crm.customer.anniversary_date IS 'Date of the guest''s anniversary, where the year is known';
COMMENT ON COLUMN crm.customer.anniversary IS 'Month and day of the anniversary, MM-DD';
COMMENT ON COLUMN crm.customer.gender IS 'As the guest says, if he does';
COMMENT ON COLUMN crm.customer.language IS 'Language to address him in, BCP 47, such as pt-BR';
COMMENT ON COLUMN crm.customer.document IS 'Number of an identity or tax document';
COMMENT ON COLUMN crm.customer.photo_url IS 'Address of a photo';
COMMENT ON COLUMN crm.customer.preferred_channel IS 'How he wants to be contacted: phone, sms, whatsapp or email. No consent: see there';
COMMENT ON COLUMN crm.customer.preferred_venue IS 'Venue he calls his own';
COMMENT ON COLUMN crm.customer.kind IS 'guest; registered (has an account), anonymous, walk_in or wholesale';
COMMENT ON COLUMN crm.customer.status IS 'active; merged into another, blocked for a reason, or erased';
COMMENT ON COLUMN crm.customer.blocked_reason IS 'Why he is blocked';
COMMENT ON COLUMN crm.customer.source IS 'Where the row came from: platform, capture (at the door or the till), admin or import';
COMMENT ON COLUMN crm.customer.phone_e164 IS 'phone in ITU-T E.164; null where it cannot be one';
COMMENT ON COLUMN crm.customer.phone_digits IS 'Digits of phone_e164, else of phone: what numbers are found by';
COMMENT ON COLUMN crm.customer.email_key IS 'email in lower case without blanks around it: what addresses are found by';
COMMENT ON COLUMN crm.customer.name_lexemes IS 'Words of name without accents, each behind the number of the organisation: what names are found by';
COMMENT ON COLUMN crm.customer.created_at IS 'When the CRM first saw the guest';
COMMENT ON COLUMN crm.customer.created_by IS 'Principal who made the row; null for the platform and for database administrators';
COMMENT ON COLUMN crm.customer.updated_at IS 'When the row last changed';

CREATE TRIGGER derive_search_keys BEFORE INSERT OR UPDATE OF name, phone, phone_region, email, birth_date, birthday, anniversary_date, anniversary ON crm.customer
  FOR EACH ROW EXECUTE FUNCTION crm.derive_search_keys();
ALTER TABLE crm.customer ENABLE ALWAYS TRIGGER derive_search_keys;

GRANT SELECT ON crm.customer TO crm_staff;
CREATE POLICY own_organisation ON crm.customer FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org()));

-- Further numbers, addresses and mail boxes. Rows recorded under a guest follow him into whom he is merged: origin_id stays.
CREATE TABLE crm.customer_contact (
  org_id      int    NOT NULL,
  contact_id  bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  origin_id   uuid   NOT NULL,
  customer_id uuid   NOT NULL,
  kind        text   NOT NULL CHECK (kind IN ('phone', 'email', 'address')),
  label       text,
  value       text   NOT NULL,
  value_key   text   NOT NULL,
  city        text,
  postal_code text,
  country     text CHECK (country ~ '^[A-Z]{2}$'),
  is_default  boolean NOT NULL DEFAULT false,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  created_by  uuid,
  PRIMARY KEY (org_id, contact_id),
  FOREIGN KEY (org_id, origin_id) REFERENCES crm.customer,
  FOREIGN KEY (org_id, customer_id) REFERENCES crm.customer
);
CREATE INDEX customer_contact_by_origin ON crm.customer_contact (org_id, origin_id);
CREATE INDEX customer_contact_by_customer ON crm.customer_contact (org_id, customer_id, kind);
CREATE INDEX customer_contact_by_phone ON crm.customer_contact (org_id, reverse(value_key) text_pattern_ops) WHERE kind = 'phone';
CREATE INDEX customer_contact_by_email ON crm.customer_contact (org_id, value_key text_pattern_ops) WHERE kind = 'email';
COMMENT ON TABLE crm.customer_contact IS 'Numbers and mail addresses of a guest beside those of his profile, and his postal addresses';
COMMENT ON COLUMN crm.customer_contact.org_id IS 'Organisation';
COMMENT ON COLUMN crm.customer_contact.contact_id IS 'Number';
COMMENT ON COLUMN crm.customer_contact.origin_id IS 'Guest under whom it was recorded';
COMMENT ON COLUMN crm.customer_contact.customer_id IS 'Guest whose it is: origin_id, or whom he was merged into';
COMMENT ON COLUMN crm.customer_contact.kind IS 'phone, email or address';
COMMENT ON COLUMN crm.customer_contact.label IS 'Such as home or work';
COMMENT ON COLUMN crm.customer_contact.value IS 'Number or mail address as written; for an address, street and house';
COMMENT ON COLUMN crm.customer_contact.value_key IS 'What it is found by: digits of the number in E.164, mail address in lower case';
COMMENT ON COLUMN crm.customer_contact.city IS 'City of an address';
COMMENT ON COLUMN crm.customer_contact.postal_code IS 'Postal code of an address';
COMMENT ON COLUMN crm.customer_contact.country IS 'Country of an address, ISO 3166-1 alpha-2';
COMMENT ON COLUMN crm.customer_contact.is_default IS 'The one to use of its kind';
COMMENT ON COLUMN crm.customer_contact.created_at IS 'When it was recorded, by the real clock';
COMMENT ON COLUMN crm.customer_contact.created_by IS 'Principal who recorded it; null for a database administrator';
GRANT SELECT ON crm.customer_contact TO crm_staff;
CREATE POLICY own_organisation ON crm.customer_contact FOR SELECT TO crm_staff
  USING (org_id = (SELECT crm.caller_org()));

-- Appended to by whoever changes a profile: no foreign key to lock.
CREATE TABLE crm.profile_change (
  org_id      int    NOT NULL,
  change_id   bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  customer_id uuid   NOT NULL,
  field       text   NOT NULL,
  old_value   text,
  new_value   text,
  changed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  changed_by  uuid,
  PRIMARY KEY (org_id, change_id)
);
CREATE INDEX profile_change_by_customer ON crm.profile_change (org_id, customer_id);
COMMENT ON TABLE crm.profile_change IS 'Every change of a guest''s profile; append-only';
COMMENT ON COLUMN crm.profile_change.org_id IS 'Organisation';
COMMENT ON COLUMN crm.profile_change.change_id IS 'Number; for one guest in the order of the changes';
COMMENT ON COLUMN crm.profile_change.customer_id IS 'Guest';
COMMENT ON COLUMN crm.profile_change.field IS 'Column of crm.customer; contact.phone, contact.email or contact.address for one beside the profile';
COMMENT ON COLUMN crm.profile_change.old_value IS 'Value before; null for none';
COMMENT ON COLUMN crm.profile_change.new_value IS 'Value since; null for none';
COMMENT ON COLUMN crm.profile_change.changed_at IS 'When, by the real clock';
COMMENT ON COLUMN crm.profile_change.changed_by IS 'Principal who changed it; null for the platform and for database administrators';
GRANT SELECT ON crm.profile_change TO crm_manager;
CREATE POLICY own_organisation ON crm.profile_change FOR SELECT TO crm_manager
  USING (org_id = (SELECT crm.caller_org()));

CREATE TRIGGER log_profile_change AFTER UPDATE ON crm.customer
  FOR EACH ROW WHEN ((OLD.name, OLD.phone, OLD.email, OLD.birth_date, OLD.birthday, OLD.anniversary_date, OLD.anniversary, OLD.gender, OLD.language, OLD.document,
                      OLD.photo_url, OLD.preferred_channel, OLD.preferred_venue, OLD.kind, OLD.status, OLD.blocked_reason)
                     IS DISTINCT FROM
                     (NEW.name, NEW.phone, NEW.email, NEW.birth_date, NEW.birthday, NEW.anniversary_date, NEW.anniversary, NEW.gender, NEW.language, NEW.document,
                      NEW.photo_url, NEW.preferred_channel, NEW.preferred_venue, NEW.kind, NEW.status, NEW.blocked_reason))
  EXECUTE FUNCTION crm.log_profile_change();
ALTER TABLE crm.customer ENABLE ALWAYS TRIGGER log_profile_change;

-- Words that names have, so that a misspelt one finds its neighbours: few beside the guests. Kept by the sweep.
CREATE TABLE crm.name_word (
  org_id int  NOT NULL,
  word   text NOT NULL,
  PRIMARY KEY (org_id, word)
);
COMMENT ON TABLE crm.name_word IS 'Words of the names of listed guests, for searches with typing errors';
COMMENT ON COLUMN crm.name_word.org_id IS 'Organisation';
COMMENT ON COLUMN crm.name_word.word IS 'Word without accents, in lower case';
DO $$
BEGIN
  -- pg_trgm stands in whatever schema the administrator chose.
  EXECUTE format('CREATE INDEX name_word_by_trigram ON crm.name_word USING gin (word %I.gin_trgm_ops)',
                 (SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'));
END
$$;

-- Pairs that look like one person and are not.
CREATE TABLE crm.distinct_pair (
  org_id      int  NOT NULL,
  customer_id uuid NOT NULL,
  other_id    uuid NOT NULL,
  noted_by    uuid,
  noted_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, customer_id, other_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES crm.customer,
  FOREIGN KEY (org_id, other_id) REFERENCES crm.customer,
  CONSTRAINT distinct_pair_in_order CHECK (customer_id < other_id)
);
CREATE INDEX distinct_pair_by_other ON crm.distinct_pair (org_id, other_id);
COMMENT ON TABLE crm.distinct_pair IS 'Pairs of guests who were looked at and are two people: crm.duplicate_candidates leaves them out';
COMMENT ON COLUMN crm.distinct_pair.org_id IS 'Organisation';
COMMENT ON COLUMN crm.distinct_pair.customer_id IS 'Guest with the lower key';
COMMENT ON COLUMN crm.distinct_pair.other_id IS 'The other';
COMMENT ON COLUMN crm.distinct_pair.noted_by IS 'Principal who said so; null for a database administrator';
COMMENT ON COLUMN crm.distinct_pair.noted_at IS 'When, by the real clock';
