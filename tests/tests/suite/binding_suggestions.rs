//! First drafts of bindings, for tables as the usual frameworks name them. The expected mappings are written by hand.

use crm_tests::TestDatabase;
use serde_json::{Value, json};

/// Tables as SQL, and for each entity its table, mapping and what is missing.
fn expect(purpose: &str, tables: &str, expected: &[(&str, &str, Value, &[&str])]) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    sql.run(tables);
    let found = sql.rows("SELECT row_to_json(s) FROM crm.suggest_binding() s");
    let found: Vec<Value> = found.iter().map(|row| serde_json::from_str(row).expect("JSON")).collect();
    assert_eq!(found.len(), expected.len(), "{purpose}: {found:#?}");
    let mut bindable = true;
    for (found, (entity, table, mapping, missing)) in found.iter().zip(expected) {
        assert_eq!(found["entity"], *entity, "{purpose}");
        assert_eq!(found["host_table"], *table, "{purpose}");
        assert_eq!(&found["mapping"], mapping, "{purpose} {entity}");
        assert_eq!(found["missing"], json!(missing), "{purpose} {entity}");
        // A draft that lacks nothing can be bound as it is, once the venues are.
        bindable = bindable && (*entity != "venue" || missing.is_empty());
        if bindable && missing.is_empty() {
            sql.run(&format!("SELECT crm.bind('{entity}', '{table}', '{mapping}')"));
        }
    }
}

#[test]
fn the_demos_tables_are_bound_as_by_hand() {
    expect(
        "suggest_prisma",
        &include_str!("../../../sql/demo/schema.sql").replace("\\set ON_ERROR_STOP on", ""),
        &[
            (
                "venue",
                r#"public."Venue""#,
                json!({"ref": "id", "name": "name", "timezone": "timezone", "currency": "currency", "org": "organizationId"}),
                &[],
            ),
            (
                "customer",
                r#"public."Customer""#,
                json!({"ref": "id", "name": "name", "phone": "phone", "email": "email", "birth_date": "dateOfBirth"}),
                &[],
            ),
            (
                "order",
                r#"public."Order""#,
                json!({"ref": "id", "venue": "venueId", "customer": "customerId", "total": "total", "refunded": "refundedAmount",
                       "placed_at": {"column": "placedAt", "zone": "UTC"}, "completed_at": {"column": "completedAt", "zone": "UTC"},
                       "completed": {"column": "status", "in": ["COMPLETED"]}, "channel": "channel", "table": "tableNumber",
                       "payment_method": "paymentMethod", "promo_code": "promoCode"}),
                &[],
            ),
            (
                "product",
                r#"public."Product""#,
                json!({"ref": "id", "venue": "venueId", "name": "name", "category": "category", "price": "price"}),
                &[],
            ),
            (
                "order_item",
                r#"public."OrderItem""#,
                json!({"order": "orderId", "product": "productId", "quantity": "quantity", "amount": "lineTotal"}),
                &[],
            ),
        ],
    );
}

#[test]
fn djangos_tables_carry_the_name_of_their_application() {
    expect(
        "suggest_django",
        r#"CREATE TABLE auth_user (id serial PRIMARY KEY, username varchar(150) NOT NULL, email varchar(254) NOT NULL, password varchar(128) NOT NULL);
           CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL);
           CREATE TABLE core_restaurant (id bigserial PRIMARY KEY, name varchar(100) NOT NULL, time_zone varchar(63) NOT NULL, currency varchar(3) NOT NULL, country varchar(2) NOT NULL);
           CREATE TABLE crm_app_guest (id bigserial PRIMARY KEY, full_name varchar(200) NOT NULL, phone_number varchar(32), email_address varchar(254), birthday date, vip boolean NOT NULL);
           CREATE TABLE shop_menuitem (id bigserial PRIMARY KEY, title varchar(200) NOT NULL, price numeric(10,2) NOT NULL, restaurant_id bigint NOT NULL REFERENCES core_restaurant);
           CREATE TABLE shop_order (id uuid PRIMARY KEY, restaurant_id bigint NOT NULL REFERENCES core_restaurant, booked_by_id bigint REFERENCES crm_app_guest,
             total_amount numeric(10,2) NOT NULL, state varchar(12) NOT NULL CHECK (state IN ('open', 'paid', 'void')), created_at timestamptz NOT NULL, closed_at timestamptz);
           CREATE TABLE shop_order_line (id bigserial PRIMARY KEY, order_id uuid NOT NULL REFERENCES shop_order, item_id bigint NOT NULL REFERENCES shop_menuitem,
             quantity integer NOT NULL, unit_price numeric(10,2) NOT NULL, line_total numeric(10,2) NOT NULL)"#,
        &[
            (
                "venue",
                "public.core_restaurant",
                json!({"ref": "id", "name": "name", "timezone": "time_zone", "currency": "currency", "region": "country"}),
                &[],
            ),
            (
                "customer",
                "public.crm_app_guest",
                json!({"ref": "id", "name": "full_name", "phone": "phone_number", "email": "email_address", "birth_date": "birthday"}),
                &[],
            ),
            (
                "order",
                "public.shop_order",
                json!({"ref": "id", "venue": "restaurant_id", "customer": "booked_by_id", "total": "total_amount", "completed_at": "closed_at",
                       "completed": {"column": "state", "in": ["paid"]}, "placed_at": "created_at"}),
                &[],
            ),
            (
                "product",
                "public.shop_menuitem",
                json!({"ref": "id", "name": "title", "price": "price", "venue": "restaurant_id"}),
                &[],
            ),
            (
                "order_item",
                "public.shop_order_line",
                json!({"order": "order_id", "product": "item_id", "quantity": "quantity", "amount": "line_total"}),
                &[],
            ),
        ],
    );
}

#[test]
fn railss_tables_are_plural_and_may_count_in_cents() {
    expect(
        "suggest_rails",
        r#"CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
           CREATE TABLE locations (id bigserial PRIMARY KEY, name varchar NOT NULL, created_at timestamp(6) NOT NULL);
           CREATE TABLE users (id bigserial PRIMARY KEY, name varchar, email varchar NOT NULL, mobile varchar, encrypted_password varchar NOT NULL);
           CREATE TABLE dishes (id bigserial PRIMARY KEY, name varchar NOT NULL, price_cents integer NOT NULL, category varchar);
           CREATE TABLE orders (id bigserial PRIMARY KEY, location_id bigint NOT NULL REFERENCES locations, user_id bigint REFERENCES users, total_cents integer NOT NULL,
             total integer, status integer NOT NULL DEFAULT 0, completed_at timestamp(6), created_at timestamp(6) NOT NULL);
           CREATE TABLE line_items (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, dish_id bigint NOT NULL REFERENCES dishes, quantity integer NOT NULL, total_cents integer NOT NULL)"#,
        &[
            ("venue", "public.locations", json!({"ref": "id", "name": "name"}), &["timezone", "currency"]),
            (
                "customer",
                "public.users",
                json!({"ref": "id", "name": "name", "phone": "mobile", "email": "email"}),
                &[],
            ),
            (
                "order",
                "public.orders",
                json!({"ref": "id", "venue": "location_id", "customer": "user_id", "total": {"column": "total_cents", "minor_units": 2},
                       "completed_at": {"column": "completed_at", "zone": "UTC"}, "completed": {"column": "completed_at", "not_null": true},
                       "placed_at": {"column": "created_at", "zone": "UTC"}}),
                &[],
            ),
            (
                "product",
                "public.dishes",
                json!({"ref": "id", "name": "name", "category": "category", "price": {"column": "price_cents", "minor_units": 2}}),
                &[],
            ),
            (
                "order_item",
                "public.line_items",
                json!({"order": "order_id", "product": "dish_id", "quantity": "quantity", "amount": {"column": "total_cents", "minor_units": 2}}),
                &[],
            ),
        ],
    );
}

#[test]
fn typeorms_tables_are_singular_with_columns_in_camel_case() {
    expect(
        "suggest_typeorm",
        r#"CREATE TYPE "order_status_enum" AS ENUM ('draft', 'Delivered', 'closed');
           CREATE TABLE "migrations" (id serial PRIMARY KEY, name varchar NOT NULL);
           CREATE TABLE "store" (id uuid PRIMARY KEY, "displayName" varchar NOT NULL, timezone varchar NOT NULL, "currencyCode" char(3) NOT NULL, "tenantId" uuid NOT NULL);
           CREATE TABLE "customer" (id uuid PRIMARY KEY, "firstName" varchar, "phoneNumber" varchar, email varchar, dob date, "tenantId" uuid NOT NULL);
           CREATE TABLE "order" (id uuid PRIMARY KEY, "storeId" uuid NOT NULL, "customerId" uuid, "grandTotal" numeric NOT NULL, "orderStatus" "order_status_enum" NOT NULL,
             "finishedAt" timestamptz, "orderType" varchar, "couponCode" varchar, "tableNumber" integer);
           CREATE TABLE "order_item" (id uuid PRIMARY KEY, "orderId" uuid NOT NULL, "productId" uuid NOT NULL, qty integer NOT NULL, subtotal numeric NOT NULL)"#,
        &[
            (
                "venue",
                "public.store",
                json!({"ref": "id", "name": "displayName", "timezone": "timezone", "currency": "currencyCode", "org": "tenantId"}),
                &[],
            ),
            (
                "customer",
                "public.customer",
                json!({"ref": "id", "name": "firstName", "phone": "phoneNumber", "email": "email", "birth_date": "dob", "org": "tenantId"}),
                &[],
            ),
            (
                "order",
                r#"public."order""#,
                json!({"ref": "id", "venue": "storeId", "customer": "customerId", "total": "grandTotal", "completed_at": "finishedAt",
                       "completed": {"column": "orderStatus", "in": ["Delivered", "closed"]}, "channel": "orderType", "promo_code": "couponCode", "table": "tableNumber"}),
                &[],
            ),
            (
                "order_item",
                "public.order_item",
                json!({"order": "orderId", "product": "productId", "quantity": "qty", "amount": "subtotal"}),
                &[],
            ),
        ],
    );
}
