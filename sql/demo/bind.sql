-- Points the CRM at the demo platform. A REFUNDED order is not listed as completed and so does not count;
-- a partly refunded one counts at its total less refundedAmount.

SELECT crm.bind('venue', 'public."Venue"', '{
    "ref": "id", "name": "name", "timezone": "timezone", "currency": "currency", "org": "organizationId"}');

SELECT crm.bind('customer', 'public."Customer"', '{
    "ref": "id", "name": "name", "phone": "phone", "email": "email", "birth_date": "dateOfBirth"}');

SELECT crm.bind('order', 'public."Order"', '{
    "ref": "id", "venue": "venueId", "customer": "customerId", "total": "total", "refunded": "refundedAmount",
    "placed_at":    {"column": "placedAt",    "zone": "UTC"},
    "completed_at": {"column": "completedAt", "zone": "UTC"},
    "completed":    {"column": "status", "in": ["COMPLETED"]},
    "channel": "channel", "table": "tableNumber", "payment_method": "paymentMethod", "promo_code": "promoCode"}');

SELECT crm.bind('product', 'public."Product"', '{
    "ref": "id", "venue": "venueId", "name": "name", "category": "category", "price": "price"}');

SELECT crm.bind('order_item', 'public."OrderItem"', '{
    "order": "orderId", "product": "productId", "quantity": "quantity", "amount": "lineTotal"}');
