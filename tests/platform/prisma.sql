-- As `prisma migrate` writes it: quoted names in the models' own case, cuid keys, timestamp(3) that Prisma keeps in UTC, an enum.
CREATE TYPE "OrderStatus" AS ENUM ('PENDING', 'PREPARING', 'COMPLETED', 'CANCELLED');
CREATE TABLE "Restaurant" (
    "id" TEXT NOT NULL, "name" TEXT NOT NULL, "timezone" TEXT NOT NULL DEFAULT 'Europe/Madrid', "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Restaurant_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "User" (
    "id" TEXT NOT NULL, "fullName" TEXT, "email" TEXT, "phone" TEXT, "birthDate" DATE, "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "User_email_key" ON "User" ("email");
CREATE TABLE "Order" (
    "id" TEXT NOT NULL, "restaurantId" TEXT NOT NULL, "userId" TEXT, "status" "OrderStatus" NOT NULL DEFAULT 'PENDING', "total" DECIMAL(65,30) NOT NULL,
    "completedAt" TIMESTAMP(3), "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Order_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "Order_restaurantId_fkey" FOREIGN KEY ("restaurantId") REFERENCES "Restaurant" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Order_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE INDEX "Order_userId_idx" ON "Order" ("userId");
CREATE INDEX "Order_restaurantId_completedAt_idx" ON "Order" ("restaurantId", "completedAt");
INSERT INTO "Restaurant" ("id", "name") VALUES ('clr1', 'Casa Uno');
INSERT INTO "User" ("id", "fullName", "email") VALUES ('clu1', 'Ana', 'ana@example.org'), ('clu2', 'Ben', NULL);
INSERT INTO "Order" ("id", "restaurantId", "userId", "status", "total", "completedAt") VALUES
    ('clo1', 'clr1', 'clu1', 'COMPLETED', 20.5, '2026-01-05 19:00:00.000'), ('clo2', 'clr1', 'clu1', 'COMPLETED', 10, '2026-02-05 19:00:00.000'),
    ('clo3', 'clr1', 'clu2', 'CANCELLED', 99, NULL), ('clo4', 'clr1', NULL, 'COMPLETED', 5, '2026-02-06 19:00:00.000');
