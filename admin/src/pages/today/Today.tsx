import { Grid, Paper, SimpleGrid, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { api, data, type Schema } from "../../api/client";
import { addDays, today, useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Stat } from "../../parts/Stat";
import { Card, Empty, Lines, Loaded } from "../../parts/states";
import { useMay } from "../../shell/session";
import { useVenue } from "../../shell/venue";
import { Birthdays } from "./Birthdays";
import { Health } from "./Health";
import { LabelShares, Movement } from "./Labels";
import { movement } from "./movement";
import { Upcoming } from "./Upcoming";

const Days = lazy(() => import("./Days"));

export default function Today() {
  const { t } = useTranslation();
  const format = useFormat();
  const { venue } = useVenue();
  const overview = useQuery({
    queryKey: ["overview", venue?.venue_id],
    enabled: venue !== undefined,
    queryFn: ({ signal }) => data(api.GET("/v1/venues/{venue}/overview", { params: { path: { venue: venue!.venue_id } }, signal })),
  });
  return (
    <Page title={venue ? t("today.title", { venue: venue.name }) : t("nav.today")} head={overview.data && <Text size="sm" c="dimmed">{format.moment(overview.data.as_of)}</Text>}>
      <Loaded query={overview} lines={8}>
        {(figures) => figures.cohort === 0 ? <Paper><Empty title={t("today.empty")}>{t("today.emptyHint")}</Empty></Paper> : <Figures figures={figures} />}
      </Loaded>
    </Page>
  );
}

function Figures({ figures }: { figures: Schema["Overview"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { venue } = useVenue();
  const week = figures.sales.last_7_days;
  const day = today(venue?.timezone);
  const serves = useMay("staff");
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 2, sm: 4, xl: 8 }} spacing="sm">
        <Stat name={t("today.guests")} value={format.number(figures.cohort)} to="/guests" note={t("today.ordersEver", { n: format.number(figures.orders) })} />
        <Stat name={t("today.repeatRate")} value={format.percent(figures.repeat_rate)} to="/guests?visits_from=2" note={t("today.lifetime")} />
        <Stat name={t("today.perGuest")} value={format.number(figures.visits_per_guest)} to="/guests?sort=-visits" note={t("today.visitsEver", { n: format.number(figures.visits) })} />
        <Stat name={t("today.newGuests")} value={format.number(week.new_guests)} to={serves ? movement(week.from_day, week.to_day) : undefined} note={t("today.lastWeek")} />
        <Stat name={t("today.visitsWeek")} value={format.number(week.visits)} to={`/guests?last_visit_from=${week.from_day}`} note={<Change by={week.change?.visits} />} />
        <Stat name={t("today.revenueWeek")} value={format.money(week.revenue, figures.currency, true)} to={`/guests?last_visit_from=${week.from_day}&sort=-spend`} note={<Change by={week.change?.revenue} />} />
        <Stat name={t("today.average")} value={format.money(figures.average_bill, figures.currency)} to="/guests?sort=-spend" note={t("today.today", { orders: format.number(figures.sales.today.orders) })} />
        <Stat name={t("today.atRiskSoon")} value={format.number(figures.at_risk_within_7_days.guests)} note={t("today.worth", { spent: format.money(figures.at_risk_within_7_days.spent, figures.currency, true) })} to="#upcoming" />
      </SimpleGrid>
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack gap="md">
            <LabelShares labels={figures.labels} currency={figures.currency} from={addDays(day, -30)} to={day} />
            <Suspense fallback={<Card><Lines count={6} height={24} /></Card>}><Days from={addDays(day, -30)} to={addDays(day, -1)} /></Suspense>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack gap="md"><Birthdays /><Movement from={addDays(day, -30)} to={day} /><Health /></Stack>
        </Grid.Col>
        <Grid.Col span={12}><Upcoming /></Grid.Col>
      </Grid>
    </Stack>
  );
}

function Change({ by }: { by: number | null | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (by == null) return null;
  return <span style={{ color: by < 0 ? "var(--label-lost)" : "var(--label-loyal)" }}>{t("today.change", { change: format.change(by) })}</span>;
}
