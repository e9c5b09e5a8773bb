CREATE OR REPLACE FUNCTION crm.table_habits() RETURNS TABLE (entity text, words text[])
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('venue', '{venue,restaurant,location,store,branch,outlet,site,shop}'::text[]),
    ('customer', '{customer,guest,client,diner,patron,member,user,account,contact,person}'),
    ('order', '{order,sale,sales_order,check,bill,purchase,ticket,invoice,transaction}'),
    ('product', '{product,menu_item,dish,article,meal,item}'),
    ('order_item', '{order_item,order_line,line_item,order_line_item,order_product,order_detail,sale_item,sale_line,check_item,ticket_item,invoice_line,order_position}')
$$;
COMMENT ON FUNCTION crm.table_habits() IS 'What platforms call the tables of an entity, the likeliest first; in the singular, in snake case';

CREATE OR REPLACE FUNCTION crm.column_habits() RETURNS TABLE (entity text, field text, words text[])
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('venue', 'name', '{name,display_name,title,venue_name,restaurant_name,store_name}'::text[]),
    ('venue', 'timezone', '{timezone,time_zone,tz,timezone_name,time_zone_name,iana_timezone}'),
    ('venue', 'currency', '{currency,currency_code,currency_iso,iso_currency}'),
    ('venue', 'region', '{country_code,country_iso,country,region}'),
    ('venue', 'org', '{organization_id,organisation_id,org_id,tenant_id,company_id,group_id,brand_id,merchant_id,owner_id}'),
    ('customer', 'name', '{name,full_name,display_name,customer_name,first_name,username}'),
    ('customer', 'phone', '{phone,phone_number,mobile,mobile_number,mobile_phone,telephone,cell_phone,phone_e164}'),
    ('customer', 'email', '{email,email_address,e_mail,mail}'),
    ('customer', 'birth_date', '{birth_date,date_of_birth,birthdate,birthday,dob,born_on}'),
    ('customer', 'org', '{organization_id,organisation_id,org_id,tenant_id,company_id,group_id,brand_id,merchant_id}'),
    ('order', 'venue', '{venue_id,restaurant_id,location_id,store_id,branch_id,outlet_id,site_id,shop_id}'),
    ('order', 'customer', '{customer_id,guest_id,client_id,diner_id,member_id,user_id,account_id}'),
    ('order', 'total', '{total,grand_total,total_amount,total_price,order_total,amount_total,amount,total_paid}'),
    ('order', 'refunded', '{refunded,refunded_amount,amount_refunded,refund_amount,refund_total,total_refunded}'),
    ('order', 'completed_at', '{completed_at,closed_at,finished_at,fulfilled_at,paid_at,served_at,delivered_at,order_date,ordered_at,placed_at,created_at,created_on,created}'),
    ('order', 'completed', '{status,state,order_status,order_state,is_completed,completed,is_paid,paid,is_closed,closed}'),
    ('order', 'placed_at', '{placed_at,ordered_at,opened_at,order_date,created_at,created_on,created,inserted_at}'),
    ('order', 'channel', '{channel,order_channel,order_type,source,service_type,type}'),
    ('order', 'table', '{table_number,table_no,table_name,table_label,table}'),
    ('order', 'payment_method', '{payment_method,payment_type,paid_with}'),
    ('order', 'promo_code', '{promo_code,promotion_code,coupon_code,discount_code,voucher_code,coupon}'),
    ('product', 'name', '{name,title,product_name,display_name}'),
    ('product', 'category', '{category,category_name,product_category,category_id,type}'),
    ('product', 'price', '{price,unit_price,list_price,base_price,amount}'),
    ('product', 'venue', '{venue_id,restaurant_id,location_id,store_id,branch_id,outlet_id,site_id,shop_id}'),
    ('order_item', 'order', '{order_id,sale_id,check_id,bill_id,purchase_id,ticket_id,invoice_id,transaction_id}'),
    ('order_item', 'product', '{product_id,menu_item_id,dish_id,article_id,meal_id,item_id}'),
    ('order_item', 'quantity', '{quantity,qty,count,units,number}'),
    ('order_item', 'amount', '{line_total,total,total_amount,total_price,line_amount,amount,subtotal}')
$$;
COMMENT ON FUNCTION crm.column_habits() IS 'What platforms call the columns of a field, the likeliest first; in snake case, money without the word cents';

CREATE OR REPLACE FUNCTION crm.snake_case(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT lower(regexp_replace(regexp_replace(name, '([a-z0-9])([A-Z])', '\1_\2', 'g'), '[^A-Za-z0-9]+', '_', 'g')) $$;
COMMENT ON FUNCTION crm.snake_case(text) IS 'A name such as completedAt as completed_at';

CREATE OR REPLACE FUNCTION crm.singular(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN name ~ 'ies$' THEN regexp_replace(name, 'ies$', 'y') WHEN name ~ '(ch|sh|x|ss)es$' THEN regexp_replace(name, 'es$', '')
              WHEN name = 'people' THEN 'person' WHEN name ~ '[^s]s$' THEN regexp_replace(name, 's$', '') ELSE name END
$$;
COMMENT ON FUNCTION crm.singular(text) IS 'An English name in the singular';

CREATE OR REPLACE FUNCTION crm.name_rank(name text, words text[]) RETURNS int
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  -- The whole name, or what follows the name of an application: shop_menu_item, shop_menuitem.
  SELECT min(w.n + CASE WHEN name = w.word THEN 0 ELSE 20 END)::int FROM unnest(words) WITH ORDINALITY AS w(word, n)
  WHERE name = w.word OR name LIKE '%\_' || w.word OR regexp_replace(name, '^.*_', '') = replace(w.word, '_', '')
$$;
COMMENT ON FUNCTION crm.name_rank(text, text[]) IS 'How likely a table of a name, in the singular and in snake case, is what the words stand for: 1 for the likeliest; null where it is not';
