-- As Rails writes it: plural names, bigserial keys, an integer enum, money in cents, timestamp(6) that Rails keeps in UTC.
CREATE TABLE restaurants (id bigserial PRIMARY KEY, name character varying NOT NULL, time_zone character varying NOT NULL, created_at timestamp(6) without time zone NOT NULL DEFAULT now());
CREATE TABLE customers (id bigserial PRIMARY KEY, name character varying, email character varying, phone character varying, created_at timestamp(6) without time zone NOT NULL DEFAULT now());
CREATE TABLE orders (
    id bigserial PRIMARY KEY, restaurant_id bigint NOT NULL REFERENCES restaurants, customer_id bigint REFERENCES customers, status integer NOT NULL DEFAULT 0,
    total_cents integer NOT NULL DEFAULT 0, completed_at timestamp(6) without time zone
);
CREATE INDEX index_orders_on_customer_id ON orders (customer_id);
CREATE INDEX index_orders_on_restaurant_id_and_completed_at ON orders (restaurant_id, completed_at);
INSERT INTO restaurants (name, time_zone) VALUES ('Casa Uno', 'Europe/Madrid');
INSERT INTO customers (name, email) VALUES ('Ana', 'ana@example.org'), ('Ben', NULL);
INSERT INTO orders (restaurant_id, customer_id, status, total_cents, completed_at) VALUES
    (1, 1, 2, 2050, '2026-01-05 19:00'), (1, 1, 2, 1000, '2026-02-05 19:00'), (1, 2, 3, 9900, NULL), (1, NULL, 2, 500, '2026-02-06 19:00');
