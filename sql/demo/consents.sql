-- What some of the demo's guests said about being written to, as they paid: who came at least three times, at the venue of his last visit.
SELECT count(r.entry_id)
FROM (SELECT DISTINCT ON (t.org_id, t.customer_id) c.ref, v.ref AS venue, t.last_order_at, crm.random_bucket(t.customer_id) AS bucket
      FROM crm.customer_venue_stats AS t
      JOIN crm.customer AS c ON c.org_id = t.org_id AND c.customer_id = t.customer_id
      JOIN crm.venue AS v ON v.org_id = t.org_id AND v.venue_id = t.venue_id
      WHERE t.total_visits >= 3 AND t.last_order_at < now() ORDER BY t.org_id, t.customer_id, t.last_order_at DESC) AS g
JOIN (VALUES ('EMAIL_MARKETING', 0, 20), ('SMS_MARKETING', 14, 20), ('REVIEW_REQUEST', 16, 30)) AS s(channel, first, last) ON g.bucket BETWEEN s.first AND s.last
CROSS JOIN LATERAL crm.record_consent(g.ref, s.channel, 'GRANTED', 'checkout', g.venue, occurred_at => g.last_order_at, detail => 'till') AS r;
-- Some thought better of it.
SELECT count(r.entry_id)
FROM crm.consent AS s
JOIN crm.customer AS c ON c.org_id = s.org_id AND c.customer_id = s.customer_id
JOIN crm.venue AS v ON v.org_id = s.org_id AND v.venue_id = s.scope_id
CROSS JOIN LATERAL crm.record_consent(c.ref, 'EMAIL_MARKETING', 'REVOKED', 'preference_centre', v.ref) AS r
WHERE s.channel = 'EMAIL_MARKETING' AND crm.random_bucket(s.customer_id) = 7;
-- Two are asked at the till whether they want e-mails: each finds a mail to confirm.
SELECT count(r.entry_id)
FROM (SELECT DISTINCT ON (t.org_id) c.ref, v.ref AS venue
      FROM crm.customer_venue_stats AS t
      JOIN crm.customer AS c ON c.org_id = t.org_id AND c.customer_id = t.customer_id
      JOIN crm.venue AS v ON v.org_id = t.org_id AND v.venue_id = t.venue_id
      WHERE c.email IS NOT NULL AND NOT EXISTS (SELECT FROM crm.consent AS s WHERE s.org_id = t.org_id AND s.customer_id = t.customer_id)
      ORDER BY t.org_id, t.total_visits DESC, c.ref) AS g
CROSS JOIN LATERAL crm.request_opt_in(g.ref, g.venue, 'checkout') AS r;
