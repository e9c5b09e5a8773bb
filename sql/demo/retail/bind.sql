-- Points the CRM at the shop: one venue made of constants, guests made from the invoices' customer ids.

SELECT crm.bind('venue', NULL, '{
    "ref": {"constant": "online-retail"}, "name": {"constant": "Online Retail"},
    "timezone": {"constant": "Europe/London"}, "currency": {"constant": "GBP"}}');

SELECT crm.bind('order', 'public.invoice', '{
    "ref": "invoice_no", "venue": {"constant": "online-retail"}, "customer": "customer_id", "total": "total",
    "completed_at": {"column": "invoice_date", "zone": "Europe/London"},
    "completed":    {"column": "status", "in": ["COMPLETED"]},
    "channel":      {"constant": "WEB"}}');

SELECT crm.bind('product', 'public.stock_item', '{"ref": "stock_code", "name": "description"}');

SELECT crm.bind('order_item', 'public.invoice_line', '{
    "order": "invoice_no", "product": "stock_code", "quantity": "quantity", "amount": "line_total"}');
