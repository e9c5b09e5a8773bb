import { Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { LabelBadge } from "../../parts/LabelBadge";
import { useReasons } from "../../parts/reasons";
import { Card } from "../../parts/states";
import type { Dossier } from "./dossier";

export function LifetimeCard({ dossier }: { dossier: Dossier }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Card title={t("guest.lifetime")}>
      {dossier.lifetime.length === 0 && <Text size="sm" c="dimmed">{t("guest.noOrders")}</Text>}
      {dossier.lifetime.map((total) => (
        <Stack key={total.currency} gap="xs">
          <Text fz={28} fw={700} lh={1} className="tabular">{format.money(total.total_spent, total.currency)}</Text>
          <dl className="facts">
            <dt>{t("guests.visits")}</dt><dd>{format.number(total.total_visits)}</dd>
            <dt>{t("guests.orders")}</dt><dd>{format.number(total.total_orders)}</dd>
            <dt>{t("guest.highest")}</dt><dd>{format.money(total.highest_order, total.currency)}</dd>
            <dt>{t("guest.first")}</dt><dd>{format.dayOf(total.first_order_at)}</dd>
            <dt>{t("guest.lastVisit")}</dt><dd>{format.dayOf(total.last_order_at)}</dd>
          </dl>
        </Stack>
      ))}
    </Card>
  );
}

export const VenueCards = ({ dossier }: { dossier: Dossier }) => dossier.venues.map((at) => <AtVenue key={at.venue_id} id={dossier.profile.customer_id} at={at} />);

/** The guest at one venue: label, scores, and the sentence of the service that says why. */
function AtVenue({ id, at }: { id: string; at: Dossier["venues"][number] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const reasons = useReasons();
  const why = useQuery({
    queryKey: ["guest", id, "explanation", at.venue_id],
    queryFn: ({ signal }) => data(api.GET("/v1/customers/{id}/explanation", { params: { path: { id }, query: { venue: at.venue_id } }, signal })),
  }).data;
  return (
    <Card title={at.venue_name} aside={<LabelBadge label={at.label} why={why && reasons.label(why)} />}>
      <Stack gap="xs">
        {why && <Text size="sm">{reasons.label(why)}</Text>}
        <Group gap="xs" grow>
          <Score name={t("guest.recency")} score={at.recency_score} />
          <Score name={t("guest.frequency")} score={at.frequency_score} />
          <Score name={t("guest.monetary")} score={at.monetary_score} />
        </Group>
        <dl className="facts">
          <dt>{t("guests.visits")}</dt><dd>{format.number(at.total_visits)}</dd>
          <dt>{t("guests.spend")}</dt><dd>{format.money(at.total_spent, at.currency)}</dd>
          <dt>{t("guest.lastVisit")}</dt><dd>{format.daysAgo(at.days_since_last_order)}</dd>
          {why?.usual_gap_days != null && <><dt>{t("guest.usualGap")}</dt><dd>{t("guest.everyDays", { days: format.number(why.usual_gap_days) })}</dd></>}
          {why?.next_change_on && <><dt>{t("guest.nextChange")}</dt><dd>{format.day(why.next_change_on)}</dd></>}
        </dl>
      </Stack>
    </Card>
  );
}

function Score({ name, score }: { name: string; score: number | null | undefined }) {
  const { t } = useTranslation();
  return (
    <div role="img" aria-label={t("guest.score", { name, score: score ?? "–" })}>
      <Text size="xs" c="dimmed">{name} <b>{score ?? "–"}</b></Text>
      <Group gap={2} wrap="nowrap" aria-hidden>
        {[1, 2, 3, 4, 5].map((n) => (
          <span key={n} style={{ flex: 1, height: 5, borderRadius: 3, background: n <= (score ?? 0) ? "var(--mantine-primary-color-filled)" : "var(--mantine-color-default-border)" }} />
        ))}
      </Group>
    </div>
  );
}
