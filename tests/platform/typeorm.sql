-- As TypeORM writes it: lower-case tables, camelCase columns in quotes, uuid keys, an enum named after table and column, hashed names of constraints.
CREATE TYPE "public"."order_status_enum" AS ENUM ('open', 'closed', 'void');
CREATE TABLE "restaurant" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "name" character varying NOT NULL, "timeZone" character varying NOT NULL, CONSTRAINT "PK_649e250d8b8165cb406d99aa30f" PRIMARY KEY ("id"));
CREATE TABLE "guest" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "name" character varying, "email" character varying, "phone" character varying, CONSTRAINT "PK_57689d19445de01737dbc458857" PRIMARY KEY ("id"));
CREATE TABLE "order" (
    "id" uuid NOT NULL DEFAULT gen_random_uuid(), "status" "public"."order_status_enum" NOT NULL DEFAULT 'open', "total" numeric(12,2) NOT NULL, "closedAt" TIMESTAMP WITH TIME ZONE,
    "restaurantId" uuid, "guestId" uuid, CONSTRAINT "PK_1031171c13130102495201e3e20" PRIMARY KEY ("id"),
    CONSTRAINT "FK_c93f22720c77241d2476c07cabf" FOREIGN KEY ("restaurantId") REFERENCES "restaurant" ("id"), CONSTRAINT "FK_guest" FOREIGN KEY ("guestId") REFERENCES "guest" ("id")
);
CREATE INDEX "IDX_guest" ON "order" ("guestId");
CREATE INDEX "IDX_restaurant" ON "order" ("restaurantId", "closedAt");
INSERT INTO restaurant (id, name, "timeZone") VALUES ('11111111-1111-4111-8111-111111111111', 'Casa Uno', 'Europe/Madrid');
INSERT INTO guest (id, name, email) VALUES ('22222222-2222-4222-8222-222222222221', 'Ana', 'ana@example.org'), ('22222222-2222-4222-8222-222222222222', 'Ben', NULL);
INSERT INTO "order" (status, total, "closedAt", "restaurantId", "guestId") VALUES
    ('closed', 20.50, '2026-01-05 19:00+00', '11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222221'),
    ('closed', 10, '2026-02-05 19:00+00', '11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222221'),
    ('void', 99, NULL, '11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'),
    ('closed', 5, '2026-02-06 19:00+00', '11111111-1111-4111-8111-111111111111', NULL);
