# docker build -t pg_crm .                            PostgreSQL with pg_crm and pg_cron
# docker build -t pg_crm-service --target service .   the HTTP service

FROM node:22-bookworm-slim AS admin
WORKDIR /source/admin
COPY admin/package.json admin/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY admin .
COPY crm_api/openapi.json ../crm_api/openapi.json
RUN npm run build

FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
      postgresql-server-dev-15 libclang-dev && rm -rf /var/lib/apt/lists/*
RUN cargo install --locked --version 0.18.1 cargo-pgrx && cargo pgrx init --pg15 /usr/lib/postgresql/15/bin/pg_config
WORKDIR /source
COPY . .
COPY --from=admin /source/admin/dist admin/dist
RUN cargo pgrx package --package crm_ext --pg-config /usr/lib/postgresql/15/bin/pg_config && cargo build --release --package crm_api

FROM debian:bookworm-slim AS service
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* && \
    useradd --system crm && install -d -o crm -m 700 /var/lib/crm
COPY --from=build /source/target/release/crm_api /usr/local/bin/crm_api
USER crm
WORKDIR /var/lib/crm
ENV CRM_LISTEN=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["crm_api"]
CMD ["serve"]

FROM postgres:15-bookworm AS database
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-15-cron && rm -rf /var/lib/apt/lists/*
COPY --from=build /source/target/release/pg_crm-pg15/usr/ /usr/
RUN echo "shared_preload_libraries = 'pg_cron'" >> /usr/share/postgresql/postgresql.conf.sample
