-- A small platform as an ORM would create it: mixed-case names, text ids, a status column.
CREATE TABLE public."Venue" (
    id text PRIMARY KEY,
    "orgId" text NOT NULL DEFAULT 'house',
    name text NOT NULL,
    tz text NOT NULL,
    currency text NOT NULL
);

CREATE TABLE public."Customer" (
    id text PRIMARY KEY,
    "orgId" text NOT NULL DEFAULT 'house',
    name text,
    phone text,
    email text,
    "dateOfBirth" date
);

CREATE TABLE public."Order" (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    "venueId" text,
    "customerId" text,
    status text NOT NULL DEFAULT 'PENDING',
    total numeric(14,2),
    "completedAt" timestamptz,
    note text
);

CREATE INDEX ON public."Order" ("customerId");

-- A completed order at a local time of its venue; the guest is created when new.
CREATE FUNCTION public.dine(guest text, venue text, local_time timestamp, total numeric) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO public."Customer" (id, "orgId", name)
    SELECT guest, v."orgId", initcap(guest) FROM public."Venue" v WHERE v.id = venue
    ON CONFLICT DO NOTHING;

    INSERT INTO public."Order" ("venueId", "customerId", status, total, "completedAt")
    SELECT venue, guest, 'COMPLETED', dine.total, dine.local_time AT TIME ZONE v.tz
      FROM public."Venue" v WHERE v.id = venue;
$$;
