-- Fires under whoever writes the stats, the CRM's own functions only; every name is qualified.
CREATE OR REPLACE FUNCTION crm.record_label_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO crm.label_change (org_id, venue_id, customer_id, changed_at, from_label, to_label)
  VALUES (NEW.org_id, NEW.venue_id, NEW.customer_id, NEW.label_changed_at, OLD.label, NEW.label);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.record_label_change() IS 'Records a change of label; trigger of crm.customer_venue_stats';
