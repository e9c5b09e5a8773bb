import { AreaChart } from "@mantine/charts";
import "@mantine/charts/styles.css";
import { VisuallyHidden } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Card, Loaded } from "../../parts/states";
import { useVenue } from "../../shell/venue";

/** Visits a day: those of guests who had been before, and first visits. */
export default function Days({ from, to }: { from: string; to: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { venue } = useVenue();
  const days = useQuery({
    queryKey: ["days", venue?.venue_id, from, to],
    enabled: venue !== undefined,
    queryFn: async ({ signal }) => (await data(api.GET("/v1/venues/{venue}/days", { params: { path: { venue: venue!.venue_id }, query: { from, to } }, signal }))).items,
  });
  return (
    <Card title={t("today.days")}>
      <Loaded query={days}>
        {(rows) => {
          const points = rows.map((row) => ({ day: format.shortDay(row.day), returning: row.returning_guests, first: row.new_guests }));
          return (
            <>
              <div aria-hidden>
                <AreaChart h={190} areaChartProps={{ accessibilityLayer: false }} data={points} dataKey="day" type="stacked" withDots={false} withLegend curveType="monotone" gridAxis="none"
                  series={[{ name: "returning", label: t("today.returning"), color: "brand.6" }, { name: "first", label: t("today.first"), color: "cyan.6" }]} />
              </div>
              <VisuallyHidden>{points.map((point) => `${point.day}: ${point.returning} + ${point.first}`).join("; ")}</VisuallyHidden>
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}
