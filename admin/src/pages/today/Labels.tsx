import { Text } from "@mantine/core";
import { IconArrowRight } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data, type Schema } from "../../api/client";
import { useFormat } from "../../parts/format";
import { isLabel, LabelBadge, labelColour } from "../../parts/LabelBadge";
import { Card, Empty, Loaded } from "../../parts/states";
import { useVenue } from "../../shell/venue";

/** Changes of label in a period, which two cards read. */
function useFlow(from: string, to: string) {
  const { venue } = useVenue();
  return useQuery({
    queryKey: ["flow", venue?.venue_id, from, to],
    enabled: venue !== undefined,
    queryFn: async ({ signal }) => (await data(api.GET("/v1/venues/{venue}/label-flow", { params: { path: { venue: venue!.venue_id }, query: { from, to } }, signal }))).items,
  });
}

/** The guests of each label, and how many more or fewer they are than at the start of the period. */
export function LabelShares({ labels, currency, from, to }: { labels: Schema["Overview"]["labels"]; currency: string; from: string; to: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const flow = useFlow(from, to).data;
  const change = (label: string) => flow?.reduce((sum, row) => sum + (row.to_label === label ? row.net_guests : 0) - (row.from_label === label ? row.net_guests : 0), 0);
  return (
    <Card title={t("today.labels")}>
      <div className="meter" aria-hidden>
        {labels.map(({ label, guests }) => isLabel(label) && <span key={label} style={{ flexGrow: guests, background: labelColour(label) }} />)}
      </div>
      <div className="scrolls" tabIndex={0}>
        <table className="plain">
          <thead><tr><th scope="col">{t("guests.label")}</th><th scope="col" className="number">{t("nav.guests")}</th><th scope="col" className="number" title={t("today.movedHint")}>{t("today.moved")}</th><th scope="col" className="number">{t("guests.spend")}</th><th scope="col" className="number wide">{t("today.share")}</th></tr></thead>
          <tbody>
            {labels.map(({ label, guests, spent, share_of_revenue }) => (
              <tr key={label}>
                <td><Link to={`/guests?label=${label}`} className="linked"><LabelBadge label={label} /></Link></td>
                <td className="number"><Link to={`/guests?label=${label}`}>{format.number(guests)}</Link></td>
                <td className="number">{format.signed(change(label))}</td>
                <td className="number">{format.money(spent, currency, true)}</td>
                <td className="number wide">{format.percent(share_of_revenue)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

/** Who became what in the last thirty days. */
export function Movement({ from, to }: { from: string; to: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const flow = useFlow(from, to);
  return (
    <Card title={t("today.movement")}>
      <Loaded query={flow}>
        {(rows) => {
          const moved = rows.filter((row) => row.from_label && row.to_label && row.net_guests > 0).sort((a, b) => b.net_guests - a.net_guests).slice(0, 8);
          if (moved.length === 0) return <Empty title={t("today.noMovement")} />;
          return (
            <table className="plain">
              <tbody>
                {moved.map((row) => (
                  <tr key={`${row.from_label}${row.to_label}`}>
                    <td><LabelBadge label={row.from_label} /></td>
                    <td><IconArrowRight size={16} aria-label={t("today.became")} /></td>
                    <td><LabelBadge label={row.to_label} /></td>
                    <td className="number"><Text component="span" size="sm" fw={600}>{format.number(row.net_guests)}</Text></td>
                  </tr>
                ))}
              </tbody>
            </table>
          );
        }}
      </Loaded>
    </Card>
  );
}
