import { BarChart } from "@mantine/charts";
import "@mantine/charts/styles.css";
import { VisuallyHidden } from "@mantine/core";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { today, useFormat } from "../../parts/format";
import { Card, Lines } from "../../parts/states";
import { useVenue } from "../../shell/venue";
import { useTimeline } from "./Timeline";

const MONTHS = 18;

/** Orders a month: whether a guest comes more often or less. */
export function Rhythm({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { venue } = useVenue();
  const { data: timeline, hasNextPage, isFetchingNextPage, fetchNextPage } = useTimeline(id);
  const months = lastMonths(today(venue?.timezone));
  // Who comes daily has more in these months than a page of the timeline.
  const oldest = timeline?.pages.at(-1)?.items.at(-1)?.at;
  const more = hasNextPage && !isFetchingNextPage && oldest !== undefined && oldest.slice(0, 7) >= months[0]!;
  useEffect(() => {
    if (more) void fetchNextPage();
  }, [more, fetchNextPage]);
  const counts = new Map(months.map((month) => [month, 0]));
  const inZone = new Intl.DateTimeFormat("sv-SE", { timeZone: venue?.timezone });
  for (const moment of timeline?.pages.flatMap((page) => page.items) ?? []) {
    const month = inZone.format(new Date(moment.at)).slice(0, 7);
    if (moment.kind === "order" && counts.has(month)) counts.set(month, counts.get(month)! + 1);
  }
  const data = months.map((month) => ({ month: format.month(month), orders: counts.get(month) ?? 0 }));
  return (
    <Card title={t("guest.rhythm")}>
      {timeline ? (
        <>
          <div aria-hidden>
            <BarChart h={130} barChartProps={{ accessibilityLayer: false }} data={data} dataKey="month" series={[{ name: "orders", label: t("guests.orders"), color: "brand.6" }]} withYAxis={false} gridAxis="none" tickLine="none" maxBarWidth={26} />
          </div>
          <VisuallyHidden>{data.map(({ month, orders }) => `${month}: ${orders}`).join(", ")}</VisuallyHidden>
        </>
      ) : (
        <Lines count={4} height={24} />
      )}
    </Card>
  );
}

function lastMonths(day: string) {
  const [year = 0, month = 0] = day.split("-").map(Number);
  return Array.from({ length: MONTHS }, (_, n) => new Date(Date.UTC(year, month - MONTHS + n, 1)).toISOString().slice(0, 7));
}
