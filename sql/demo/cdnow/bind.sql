-- Points the CRM at the purchases: one venue made of constants, a purchase is complete when it has a day.

SELECT crm.bind('venue', NULL, '{
    "ref": {"constant": "cdnow"}, "name": {"constant": "CDNOW"},
    "timezone": {"constant": "America/New_York"}, "currency": {"constant": "USD"}}');

SELECT crm.bind('order', 'public.purchase', '{
    "ref": "purchase_id", "venue": {"constant": "cdnow"}, "customer": "customer_id", "total": "amount",
    "completed_at": "purchased_on",
    "completed":    {"column": "purchased_on", "not_null": true},
    "channel":      {"constant": "WEB"}}');
