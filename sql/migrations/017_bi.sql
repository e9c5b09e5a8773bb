-- What BI reads: views without personal data, in a schema of their own.
--
-- They have their owner's rights, as the caller's would need the personal columns granted, and name organisation and venues
-- themselves, as row-level security is not for the owner. A barrier, so that no function of the caller's sees a row before that.

CREATE VIEW crm_bi.venues WITH (security_barrier = true) AS
  SELECT v.venue_id, v.name, v.currency, v.timezone, v.region
  FROM crm.venue AS v
  WHERE v.org_id = (SELECT crm.caller_org()) AND ((SELECT crm.caller_venues()) IS NULL OR v.venue_id = ANY ((SELECT crm.caller_venues())::uuid[]));
COMMENT ON VIEW crm_bi.venues IS 'Venues';
COMMENT ON COLUMN crm_bi.venues.venue_id IS 'Venue';
COMMENT ON COLUMN crm_bi.venues.name IS 'Name';
COMMENT ON COLUMN crm_bi.venues.currency IS 'ISO 4217 code of its money';
COMMENT ON COLUMN crm_bi.venues.timezone IS 'Its time zone';
COMMENT ON COLUMN crm_bi.venues.region IS 'ISO 3166 code of its country; null where unknown';

CREATE VIEW crm_bi.labels WITH (security_barrier = true) AS
  SELECT l.label, l.rank, l.meaning
  FROM (VALUES
    ('CHAMPION', 1, 'regular who came lately, comes often and spends much'),
    ('LOYAL', 2, 'regular who comes often and spends well'),
    ('POTENTIAL', 3, 'active, and none of the others'),
    ('NEW', 4, 'no regular yet, came for the first time lately'),
    ('AT_RISK', 5, 'regular who has not come for some time'),
    ('LOST', 6, 'regular who has not come for long'),
    ('INACTIVE', 7, 'no order, or no regular and has not come for long')
  ) AS l(label, rank, meaning);
COMMENT ON VIEW crm_bi.labels IS 'The seven labels, best first';
COMMENT ON COLUMN crm_bi.labels.label IS 'Label, as in the other views';
COMMENT ON COLUMN crm_bi.labels.rank IS '1 for the best';
COMMENT ON COLUMN crm_bi.labels.meaning IS 'What it says of a guest; the exact rule is in docs/scoring.md';

CREATE VIEW crm_bi.customers WITH (security_barrier = true) AS
  WITH home AS (
    SELECT DISTINCT ON (k.customer_id) k.customer_id, initcap(btrim(k.city)) AS city
    FROM crm.customer_contact AS k
    WHERE k.org_id = (SELECT crm.caller_org()) AND k.kind = 'address' AND btrim(k.city) <> ''
    ORDER BY k.customer_id, k.is_default DESC, k.contact_id DESC
  ), town AS (
    -- A city that few live in could tell who it is, or be no city.
    SELECT h.city FROM home AS h GROUP BY h.city HAVING count(*) >= 5
  )
  SELECT c.customer_id,
         (ARRAY['under 18', '18-24', '25-34', '35-44', '45-54', '55-64', '65 and over'])[
           1 + width_bucket(date_part('year', age((SELECT crm.now() AT TIME ZONE 'UTC'), c.birth_date::timestamp)), '{18,25,35,45,55,65}')] AS age_band,
         t.city, substring(c.language FROM '^[a-z]{2,3}') AS language, c.kind, c.source,
         date_trunc('month', c.created_at AT TIME ZONE 'UTC')::date AS known_since
  FROM crm.customer AS c
  LEFT JOIN home AS h ON h.customer_id = c.customer_id
  LEFT JOIN town AS t ON t.city = h.city
  WHERE c.org_id = (SELECT crm.caller_org()) AND c.status IN ('active', 'blocked')
    AND ((SELECT crm.caller_venues()) IS NULL
         OR EXISTS (SELECT FROM crm.customer_venue_stats AS s
                    WHERE s.org_id = c.org_id AND s.customer_id = c.customer_id AND s.venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));
COMMENT ON VIEW crm_bi.customers IS 'Guests without names or anything that reaches them: pseudonyms, not anonymous data';
COMMENT ON COLUMN crm_bi.customers.customer_id IS 'Guest';
COMMENT ON COLUMN crm_bi.customers.age_band IS 'Age in bands: under 18, 18-24, 25-34, 35-44, 45-54, 55-64, 65 and over; null where unknown';
COMMENT ON COLUMN crm_bi.customers.city IS 'City of the guest''s main address, where at least five guests have it; else null';
COMMENT ON COLUMN crm_bi.customers.language IS 'ISO 639 code of the language; null where unknown';
COMMENT ON COLUMN crm_bi.customers.kind IS 'walk_in, guest, registered, anonymous or wholesale';
COMMENT ON COLUMN crm_bi.customers.source IS 'How the guest became known: platform, capture, admin or import';
COMMENT ON COLUMN crm_bi.customers.known_since IS 'First day of the month since when the guest is known';

CREATE VIEW crm_bi.customer_stats WITH (security_barrier = true) AS
  SELECT s.customer_id, s.venue_id, s.label, s.previous_label, s.label_changed_at, s.recency_score, s.frequency_score, s.monetary_score,
         s.total_orders, s.total_visits, s.total_spent, s.highest_order, s.first_order_at, s.last_order_at
  FROM crm.customer_venue_stats AS s
  WHERE s.org_id = (SELECT crm.caller_org()) AND ((SELECT crm.caller_venues()) IS NULL OR s.venue_id = ANY ((SELECT crm.caller_venues())::uuid[]));
COMMENT ON VIEW crm_bi.customer_stats IS 'What each guest has ordered at each venue, with scores and label: a row per guest and venue';
COMMENT ON COLUMN crm_bi.customer_stats.customer_id IS 'Guest';
COMMENT ON COLUMN crm_bi.customer_stats.venue_id IS 'Venue';
COMMENT ON COLUMN crm_bi.customer_stats.label IS 'Label now';
COMMENT ON COLUMN crm_bi.customer_stats.previous_label IS 'Label before; null where there was none';
COMMENT ON COLUMN crm_bi.customer_stats.label_changed_at IS 'Since when the guest has the label';
COMMENT ON COLUMN crm_bi.customer_stats.recency_score IS '1 to 5: how lately the guest came';
COMMENT ON COLUMN crm_bi.customer_stats.frequency_score IS '1 to 5: how often';
COMMENT ON COLUMN crm_bi.customer_stats.monetary_score IS '1 to 5: for how much';
COMMENT ON COLUMN crm_bi.customer_stats.total_orders IS 'Completed orders';
COMMENT ON COLUMN crm_bi.customer_stats.total_visits IS 'Days with an order';
COMMENT ON COLUMN crm_bi.customer_stats.total_spent IS 'Sum of the bills, in the venue''s currency';
COMMENT ON COLUMN crm_bi.customer_stats.highest_order IS 'Highest bill';
COMMENT ON COLUMN crm_bi.customer_stats.first_order_at IS 'First order';
COMMENT ON COLUMN crm_bi.customer_stats.last_order_at IS 'Last order';

CREATE VIEW crm_bi.label_changes WITH (security_barrier = true) AS
  SELECT l.change_id, l.customer_id, l.venue_id, l.changed_at, l.from_label, l.to_label, l.cause
  FROM crm.label_change AS l
  WHERE l.org_id = (SELECT crm.caller_org()) AND ((SELECT crm.caller_venues()) IS NULL OR l.venue_id = ANY ((SELECT crm.caller_venues())::uuid[]));
COMMENT ON VIEW crm_bi.label_changes IS 'Every change of a guest''s label at a venue';
COMMENT ON COLUMN crm_bi.label_changes.change_id IS 'Number, in order of recording';
COMMENT ON COLUMN crm_bi.label_changes.customer_id IS 'Guest';
COMMENT ON COLUMN crm_bi.label_changes.venue_id IS 'Venue';
COMMENT ON COLUMN crm_bi.label_changes.changed_at IS 'As of when';
COMMENT ON COLUMN crm_bi.label_changes.from_label IS 'Label before';
COMMENT ON COLUMN crm_bi.label_changes.to_label IS 'Label after';
COMMENT ON COLUMN crm_bi.label_changes.cause IS 'What it came from, such as order, time or night';

CREATE VIEW crm_bi.segments WITH (security_barrier = true) AS
  SELECT s.segment_id, s.venue_id, s.key, s.name, s.label, s.is_system, s.archived_at, s.created_at
  FROM crm.segment AS s
  WHERE s.org_id = (SELECT crm.caller_org()) AND NOT s.is_sensitive
    AND ((SELECT crm.caller_venues()) IS NULL OR s.venue_id IS NULL OR s.venue_id = ANY ((SELECT crm.caller_venues())::uuid[]));
COMMENT ON VIEW crm_bi.segments IS 'Segments, but for those by health data';
COMMENT ON COLUMN crm_bi.segments.segment_id IS 'Segment';
COMMENT ON COLUMN crm_bi.segments.venue_id IS 'Venue whose guests are meant; null for the organisation''s';
COMMENT ON COLUMN crm_bi.segments.key IS 'Stable name within the venue or the organisation';
COMMENT ON COLUMN crm_bi.segments.name IS 'Name to show';
COMMENT ON COLUMN crm_bi.segments.label IS 'Label that the system''s segment stands for; null for all others';
COMMENT ON COLUMN crm_bi.segments.is_system IS 'Whether every venue has it';
COMMENT ON COLUMN crm_bi.segments.archived_at IS 'Since when it has no members; null while it lives';
COMMENT ON COLUMN crm_bi.segments.created_at IS 'When it was made';

CREATE VIEW crm_bi.segment_members WITH (security_barrier = true) AS
  SELECT m.segment_id, m.venue_id, m.customer_id
  FROM (
    SELECT s.org_id, s.segment_id, s.venue_id, g.customer_id
    FROM crm.segment AS s
    JOIN crm.guest_segments AS g ON g.org_id = s.org_id AND g.scope_id = s.scope_id AND s.segment_id = ANY (g.segments)
    WHERE s.label IS NULL AND NOT s.is_sensitive
    UNION ALL
    SELECT s.org_id, s.segment_id, s.venue_id, t.customer_id
    FROM crm.segment AS s
    JOIN crm.customer_venue_stats AS t ON t.org_id = s.org_id AND t.venue_id = s.venue_id AND t.label = s.label
  ) AS m
  WHERE m.org_id = (SELECT crm.caller_org())
    AND ((SELECT crm.caller_venues()) IS NULL OR m.venue_id = ANY ((SELECT crm.caller_venues())::uuid[])
         OR m.venue_id IS NULL AND EXISTS (SELECT FROM crm.customer_venue_stats AS t
                                           WHERE t.org_id = m.org_id AND t.customer_id = m.customer_id AND t.venue_id = ANY ((SELECT crm.caller_venues())::uuid[])));
COMMENT ON VIEW crm_bi.segment_members IS 'Members of segments now, but for those by health data';
COMMENT ON COLUMN crm_bi.segment_members.segment_id IS 'Segment';
COMMENT ON COLUMN crm_bi.segment_members.venue_id IS 'Venue of the segment; null for the organisation''s';
COMMENT ON COLUMN crm_bi.segment_members.customer_id IS 'Guest';

CREATE VIEW crm_bi.orders_by_day WITH (security_barrier = true) AS
  SELECT d.venue_id, d.day, d.orders, d.revenue, d.guests, d.new_guests, d.returning_guests,
         d.champions, d.loyal, d.potential, d.new, d.at_risk, d.lost, d.inactive
  FROM crm.venue_day AS d
  WHERE d.org_id = (SELECT crm.caller_org()) AND ((SELECT crm.caller_venues()) IS NULL OR d.venue_id = ANY ((SELECT crm.caller_venues())::uuid[]));
COMMENT ON VIEW crm_bi.orders_by_day IS 'Orders of a venue by local day';
COMMENT ON COLUMN crm_bi.orders_by_day.venue_id IS 'Venue';
COMMENT ON COLUMN crm_bi.orders_by_day.day IS 'Local day, from the hour at which the venue''s day starts';
COMMENT ON COLUMN crm_bi.orders_by_day.orders IS 'Completed orders';
COMMENT ON COLUMN crm_bi.orders_by_day.revenue IS 'Sum of the bills, in the venue''s currency';
COMMENT ON COLUMN crm_bi.orders_by_day.guests IS 'Known guests who ordered';
COMMENT ON COLUMN crm_bi.orders_by_day.new_guests IS 'Of these, who never had before';
COMMENT ON COLUMN crm_bi.orders_by_day.returning_guests IS 'Of these, who had';
COMMENT ON COLUMN crm_bi.orders_by_day.champions IS 'Guests with the label CHAMPION as the night found them; null for a day that no night saw';
COMMENT ON COLUMN crm_bi.orders_by_day.loyal IS 'The same for LOYAL';
COMMENT ON COLUMN crm_bi.orders_by_day.potential IS 'The same for POTENTIAL';
COMMENT ON COLUMN crm_bi.orders_by_day.new IS 'The same for NEW';
COMMENT ON COLUMN crm_bi.orders_by_day.at_risk IS 'The same for AT_RISK';
COMMENT ON COLUMN crm_bi.orders_by_day.lost IS 'The same for LOST';
COMMENT ON COLUMN crm_bi.orders_by_day.inactive IS 'The same for INACTIVE';

CREATE VIEW crm_bi.cohorts WITH (security_barrier = true) AS
  SELECT c.venue_id, c.cohort_month, c.months_since, c.guests, c.orders, c.revenue
  FROM crm.cohort_months() AS c;
COMMENT ON VIEW crm_bi.cohorts IS 'Guests by the month of their first order at a venue, and what they ordered in each month since; reads all orders';
COMMENT ON COLUMN crm_bi.cohorts.venue_id IS 'Venue';
COMMENT ON COLUMN crm_bi.cohorts.cohort_month IS 'First day of the month of the first order';
COMMENT ON COLUMN crm_bi.cohorts.months_since IS 'Months since: 0 for the month of the first order';
COMMENT ON COLUMN crm_bi.cohorts.guests IS 'Guests of the cohort who ordered in that month';
COMMENT ON COLUMN crm_bi.cohorts.orders IS 'Their orders';
COMMENT ON COLUMN crm_bi.cohorts.revenue IS 'Sum of their bills, in the venue''s currency';

GRANT SELECT ON ALL TABLES IN SCHEMA crm_bi TO crm_reader;
