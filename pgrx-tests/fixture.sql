-- What the isolation specs share: a platform of one table (their blocks cannot hold braces).

CREATE FUNCTION public.make_platform() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  CREATE SCHEMA host;
  CREATE TABLE host.orders (id text PRIMARY KEY, guest text, total numeric, done timestamptz);
  CREATE INDEX ON host.orders (guest);
  INSERT INTO host.orders VALUES
    ('a', 'ana', 10, '2025-03-01 12:00+00'), ('b', 'ana', 20, NULL), ('c', 'ana', 30, NULL), ('d', 'ben', 40, NULL);
  PERFORM crm.bind('venue', NULL, '{"ref":{"constant":"v"},"name":{"constant":"V"},"timezone":{"constant":"UTC"},"currency":{"constant":"EUR"}}');
  PERFORM crm.bind('order', 'host.orders', '{"ref":"id","venue":{"constant":"v"},"customer":"guest","total":"total",
    "completed_at":"done","completed":{"column":"done","not_null":true}}');
END
$$;

CREATE FUNCTION public.drop_platform() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM crm.unbind('order'), crm.unbind('venue');
  DROP SCHEMA host CASCADE;
  -- Notes, of which there are none, refuse to be truncated.
  ALTER TABLE crm.note DISABLE TRIGGER keep_all_notes;
  TRUNCATE crm.venue, crm.customer, crm.failed_change CASCADE;
  ALTER TABLE crm.note ENABLE ALWAYS TRIGGER keep_all_notes;
END
$$;
