-- Two indexes of the list of guests that served badly where a venue has many.

-- Names within the label, as all other sorts: to page through the few of a label, all guests were walked.
DROP INDEX crm.listed_guest_by_name;
CREATE INDEX listed_guest_by_name ON crm.listed_guest (org_id, scope_id, label, unnamed, name, customer_id) INCLUDE (spent, total_orders, total_visits, last_order_at, text_bits_a, text_bits_b);

-- Of the text alone: stepping through all guests of a venue beside it took ten times as long as looking at the venues of those found.
DROP INDEX crm.guest_text_by_text;
DO $$
BEGIN
  -- pg_trgm stands in whatever schema the administrator chose.
  EXECUTE format('CREATE INDEX guest_text_by_text ON crm.guest_text USING gin (search_text %I.gin_trgm_ops)',
                 (SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'));
END
$$;
