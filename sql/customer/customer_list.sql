CREATE OR REPLACE FUNCTION crm.customer_list(
  venue text DEFAULT NULL, labels text[] DEFAULT NULL, search text DEFAULT NULL, sort text DEFAULT '-last_visit',
  after jsonb DEFAULT NULL, page_size int DEFAULT 50,
  spend_from numeric DEFAULT NULL, spend_to numeric DEFAULT NULL, orders_from int DEFAULT NULL, orders_to int DEFAULT NULL,
  visits_from int DEFAULT NULL, visits_to int DEFAULT NULL, last_visit_from date DEFAULT NULL, last_visit_to date DEFAULT NULL,
  tags text[] DEFAULT NULL, segment int DEFAULT NULL, category text DEFAULT NULL, reachable text DEFAULT NULL
) RETURNS SETOF crm.listed_customer
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
-- For the plans that crm.list_page keeps: what the planner knows of the tables changes, the way to read a page does not. It
-- takes less than compiling it or starting a worker would.
SET jit = off
SET max_parallel_workers_per_gather = 0
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_sort = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
DECLARE
  caller record;
  place record;
  days record;
  patterns text[] := crm.search_patterns(search);
  ranks smallint[] := crm.read_list_labels(labels);
  field text;
  of_scope record;
  only_guests uuid[];
  guests uuid[];
BEGIN
  SELECT * INTO caller FROM crm.require_caller();
  place := crm.read_list_order(sort, after, page_size);
  field := ltrim(sort, '-');
  PERFORM crm.check_list_range('spend', spend_from, spend_to), crm.check_list_range('orders', orders_from, orders_to),
          crm.check_list_range('visits', visits_from, visits_to);
  of_scope := crm.list_scope(caller.org_id, caller.venue_ids, venue, field = 'spend' OR spend_from IS NOT NULL OR spend_to IS NOT NULL);
  days := crm.read_list_days(caller.org_id, of_scope.venues, last_visit_from, last_visit_to);
  IF tags IS NOT NULL OR segment IS NOT NULL OR category IS NOT NULL OR reachable IS NOT NULL THEN
    only_guests := crm.list_members(caller.org_id, caller.venue_ids, of_scope.scope_id, tags, segment, category, reachable);
  END IF;
  IF cardinality(of_scope.venues) > 0 OR caller.venue_ids IS NULL THEN
    guests := crm.list_page(
      caller.org_id, of_scope.scope_id, of_scope.venues, field, sort LIKE '-%', page_size, ranks,
      crm.list_amount(ceil(spend_from * 100)), crm.list_amount(floor(spend_to * 100)), orders_from, orders_to, visits_from, visits_to,
      days.seen_from, days.seen_to, days.surely_from, days.surely_to, days.day_from, days.day_to,
      patterns[1], patterns[2], place.after_number, place.after_time, place.after_name, place.after_guest, only_guests);
  END IF;
  IF of_scope.scope_id = of_scope.venues[1] THEN
    RETURN QUERY SELECT * FROM crm.list_rows_at(caller.org_id, of_scope.scope_id, sort, guests);
  ELSE
    RETURN QUERY SELECT * FROM crm.list_rows_over(caller.org_id, of_scope.venues, sort, guests);
  END IF;
END
$$;
ALTER FUNCTION crm.customer_list(text, text[], text, text, jsonb, int, numeric, numeric, int, int, int, int, date, date, text[], int, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.customer_list(text, text[], text, text, jsonb, int, numeric, numeric, int, int, int, int, date, date, text[], int, text, text) IS 'Guests, a page at a time. With a venue, its guests; without, one row per guest with his totals over the venues the caller may see, the best of his labels and the venue that gives it, and, for a caller of all venues, also those without a row at any. Money of several currencies is never added: total_spent is null where a guest has more than one, spent_by_currency has each; to sort or filter by spend then takes a venue. Ranges include their ends; last_visit_from and _to are local days of the venue. The column tags has name and colour of those that the guest has now. The parameter tags are names of tags that the guests have all of, segment one that they are members of; category one that they favour, by what they said or by most of their orders, reachable a channel (such as EMAIL_MARKETING) on which they may be written to by the venue or, without one, the organisation; a page of any of these reads all their guests. A search looks for a part of the name, e-mail or phone, in any notation of the phone; one or two characters for the beginning of a word. Sorted by last_visit, spend, orders, visits or name, a leading - for descending; after the cursor of the last row of the page before. A caller limited to some of several venues had better name one: over his venues all rows are added up for each page. 22023 names the parameter at fault, CR404 an unknown venue.';
GRANT EXECUTE ON FUNCTION crm.customer_list(text, text[], text, text, jsonb, int, numeric, numeric, int, int, int, int, date, date, text[], int, text, text) TO crm_staff;
