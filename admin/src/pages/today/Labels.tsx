import { Button, Text } from "@mantine/core";
import { IconArrowRight } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data, type Schema } from "../../api/client";
import { useFormat } from "../../parts/format";
import { isLabel, LabelBadge, labelColour } from "../../parts/LabelBadge";
import { Card, Empty, Loaded } from "../../parts/states";
import { useScrolledTo } from "../../parts/scrolled";
import { useMay } from "../../shell/session";
import { useVenue } from "../../shell/venue";
import { movement } from "./movement";

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
                <td className="number"><Link to="#movement" aria-label={`${t(`label.${label}.name`)}: ${format.signed(change(label))}, ${t("today.movedHint")}`}>{format.signed(change(label))}</Link></td>
                <td className="number"><Link to={`/guests?label=${label}&sort=-spend`}>{format.money(spent, currency, true)}</Link></td>
                <td className="number wide"><Link to={`/guests?label=${label}&sort=-spend`}>{format.percent(share_of_revenue)}</Link></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

const SHOWN = 8;

/** Who became what in the last thirty days, and who came first; each row leads to its guests. */
export function Movement({ from, to }: { from: string; to: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const serves = useMay("staff");
  const flow = useFlow(from, to);
  const [all, setAll] = useState(false);
  const place = useScrolledTo("#movement");
  return (
    <div ref={place} id="movement">
      <Card title={t("today.movement")}>
        <Loaded query={flow}>
          {(rows) => {
            const moved = rows.filter((row) => row.to_label && row.net_guests > 0).sort((a, b) => Number(!a.from_label) - Number(!b.from_label) || b.net_guests - a.net_guests);
            if (moved.length === 0) return <Empty title={t("today.noMovement")} />;
            return (
              <>
                <table className="plain">
                  <tbody>
                    {moved.slice(0, all ? undefined : SHOWN).map((row) => {
                      const guests = format.number(row.net_guests);
                      const named = `${row.from_label ? t(`label.${row.from_label}.name`) : t("today.firstVisit")} ${t("today.became")} ${t(`label.${row.to_label!}.name`)}: ${guests}`;
                      return (
                        <tr key={`${row.from_label}${row.to_label}`}>
                          <td>{row.from_label ? <LabelBadge label={row.from_label} /> : <Text component="span" size="xs" c="dimmed">{t("today.firstVisit")}</Text>}</td>
                          <td><IconArrowRight size={16} aria-label={t("today.became")} /></td>
                          <td><LabelBadge label={row.to_label} /></td>
                          <td className="number"><b>{serves ? <Link to={movement(from, to, row.from_label ?? undefined, row.to_label ?? undefined)} aria-label={named}>{guests}</Link> : guests}</b></td>
                        </tr>
                      );
                    })}
                  </tbody>
                </table>
                {moved.length > SHOWN && !all && <Button mt="sm" size="xs" variant="default" onClick={() => setAll(true)}>{t("today.showAll", { count: moved.length })}</Button>}
              </>
            );
          }}
        </Loaded>
      </Card>
    </div>
  );
}
