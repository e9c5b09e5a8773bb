-- A restaurant-ordering platform as an ORM would create it: quoted camel-case names, text ids, enum status,
-- timestamps without time zone that hold UTC. It knows nothing of the CRM.

\set ON_ERROR_STOP on

BEGIN;

CREATE TYPE public."OrderStatus" AS ENUM ('PENDING', 'COMPLETED', 'CANCELLED', 'REFUNDED');

CREATE TABLE public."Organization" (
    id          text NOT NULL,
    name        text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    CONSTRAINT "Organization_pkey" PRIMARY KEY (id)
);
COMMENT ON TABLE public."Organization" IS 'A restaurant group: the tenant of the platform.';

CREATE TABLE public."Venue" (
    id               text NOT NULL,
    "organizationId" text NOT NULL,
    name             text NOT NULL,
    city             text NOT NULL,
    timezone         text NOT NULL,
    currency         text NOT NULL,
    "openedOn"       date NOT NULL,
    "createdAt"      timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    CONSTRAINT "Venue_pkey" PRIMARY KEY (id),
    CONSTRAINT "Venue_organizationId_fkey" FOREIGN KEY ("organizationId")
        REFERENCES public."Organization" (id) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX "Venue_organizationId_idx" ON public."Venue" ("organizationId");
COMMENT ON TABLE public."Venue" IS 'A restaurant, with its IANA time zone and ISO 4217 currency.';

CREATE TABLE public."Customer" (
    id            text NOT NULL,
    name          text NOT NULL,
    phone         text,
    email         text,
    "dateOfBirth" date,
    city          text,
    "createdAt"   timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    CONSTRAINT "Customer_pkey" PRIMARY KEY (id)
);
CREATE INDEX "Customer_phone_idx" ON public."Customer" (phone);
COMMENT ON TABLE public."Customer" IS 'A guest with an account; the same account orders at any venue of any group.';

CREATE TABLE public."Product" (
    id          text NOT NULL,
    "venueId"   text NOT NULL,
    name        text NOT NULL,
    category    text NOT NULL,
    price       numeric(10,2) NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    CONSTRAINT "Product_pkey" PRIMARY KEY (id),
    CONSTRAINT "Product_venueId_fkey" FOREIGN KEY ("venueId")
        REFERENCES public."Venue" (id) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX "Product_venueId_idx" ON public."Product" ("venueId");
COMMENT ON TABLE public."Product" IS 'An item of a venue''s menu at its current price.';

CREATE TABLE public."Order" (
    id               text NOT NULL,
    "venueId"        text NOT NULL,
    "customerId"     text,
    status           public."OrderStatus" NOT NULL DEFAULT 'PENDING',
    total            numeric(10,2) NOT NULL,
    "refundedAmount" numeric(10,2) NOT NULL DEFAULT 0,
    channel          text NOT NULL,
    "tableNumber"    text,
    "paymentMethod"  text,
    "promoCode"      text,
    "placedAt"       timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    "completedAt"    timestamp(3),
    CONSTRAINT "Order_pkey" PRIMARY KEY (id),
    CONSTRAINT "Order_venueId_fkey" FOREIGN KEY ("venueId")
        REFERENCES public."Venue" (id) ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Order_customerId_fkey" FOREIGN KEY ("customerId")
        REFERENCES public."Customer" (id) ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE INDEX "Order_customerId_idx" ON public."Order" ("customerId");
CREATE INDEX "Order_venueId_completedAt_idx" ON public."Order" ("venueId", "completedAt");
COMMENT ON TABLE public."Order" IS 'An order; customerId is null for a walk-in, completedAt is null until it is paid, times are UTC.';

CREATE TABLE public."OrderItem" (
    id          text NOT NULL,
    "orderId"   text NOT NULL,
    "productId" text NOT NULL,
    quantity    integer NOT NULL,
    "lineTotal" numeric(10,2) NOT NULL,
    CONSTRAINT "OrderItem_pkey" PRIMARY KEY (id),
    CONSTRAINT "OrderItem_orderId_fkey" FOREIGN KEY ("orderId")
        REFERENCES public."Order" (id) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "OrderItem_productId_fkey" FOREIGN KEY ("productId")
        REFERENCES public."Product" (id) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX "OrderItem_orderId_idx" ON public."OrderItem" ("orderId");
COMMENT ON TABLE public."OrderItem" IS 'A line of an order, after discount; the lines of an order sum to its total.';

COMMIT;
