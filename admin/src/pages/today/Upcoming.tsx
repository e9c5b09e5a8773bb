import { Button, SegmentedControl, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data, type Schema } from "../../api/client";
import { csv, saveAs } from "../../parts/download";
import { useFormat } from "../../parts/format";
import { LabelBadge } from "../../parts/LabelBadge";
import { useScrolledTo } from "../../parts/scrolled";
import { Card, Empty, Loaded } from "../../parts/states";
import { useVenue } from "../../shell/venue";

type Guest = Schema["UpcomingLabel"];
const SHOWN = 25;

/** Whom a call still reaches in time: those about to become AT_RISK, the most overdue first. */
export function Upcoming() {
  const { t } = useTranslation();
  const { venue } = useVenue();
  const [days, setDays] = useState("7");
  const place = useScrolledTo("#upcoming");
  const upcoming = useQuery({
    queryKey: ["upcoming", venue?.venue_id, days],
    enabled: venue !== undefined,
    queryFn: async ({ signal }) => (await data(api.GET("/v1/venues/{venue}/upcoming-labels", { params: { path: { venue: venue!.venue_id }, query: { days: Number(days) } }, signal }))).items,
  });
  const guests = upcoming.data?.filter((guest) => guest.next_label === "AT_RISK") ?? [];
  return (
    <div ref={place} id="upcoming">
      <Card
        title={t("today.upcoming")}
        aside={
          <>
            <SegmentedControl size="xs" aria-label={t("today.within")} value={days} onChange={setDays} data={["7", "14", "30"].map((value) => ({ value, label: t("today.days_other", { count: Number(value) }) }))} />
            <Button size="xs" variant="default" leftSection={<IconDownload size={14} />} disabled={guests.length === 0} onClick={() => saveAs(csv(FIELDS, guests), "call-list.csv")}>{t("today.callList")}</Button>
          </>
        }
      >
        <Loaded query={upcoming}>{() => (guests.length === 0 ? <Empty title={t("today.nobodyAtRisk")} /> : <Calls guests={guests} />)}</Loaded>
      </Card>
    </div>
  );
}

function Calls({ guests }: { guests: Guest[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [all, setAll] = useState(false);
  return (
    <div className="scrolls" tabIndex={0}>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">{t("guests.name")}</th><th scope="col">{t("guest.phone")}</th><th scope="col">{t("guests.label")}</th><th scope="col">{t("today.becomes")}</th>
            <th scope="col" className="number">{t("guest.usualGap")}</th><th scope="col" className="number">{t("guest.lastVisit")}</th><th scope="col" className="number">{t("guests.spend")}</th>
          </tr>
        </thead>
        <tbody>
          {guests.slice(0, all ? undefined : SHOWN).map((guest) => (
            <tr key={guest.customer_id}>
              <td><Link to={`/guests/${guest.customer_id}`}>{guest.name ?? t("guest.unnamed")}</Link></td>
              <td style={{ whiteSpace: "nowrap" }}>{guest.phone && <a href={`tel:${guest.phone}`}>{guest.phone}</a>}</td>
              <td><LabelBadge label={guest.label} /></td>
              <td style={{ whiteSpace: "nowrap" }}>{format.weekday(guest.changes_on)}</td>
              <td className="number">{guest.usual_gap_days != null && t("guest.everyDays", { days: format.number(Number(guest.usual_gap_days)) })}</td>
              <td className="number">{format.daysAgo(guest.days_since_last_order)}</td>
              <td className="number">{format.money(guest.total_spent)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {guests.length > SHOWN && !all && <Button mt="sm" size="xs" variant="default" onClick={() => setAll(true)}>{t("today.showAll", { count: guests.length })}</Button>}
      <Text size="xs" c="dimmed" mt="xs">{t("today.upcomingHint")}</Text>
    </div>
  );
}

const FIELDS = ["name", "phone", "label", "next_label", "changes_on", "days_since_last_order", "usual_gap_days", "total_visits", "total_spent"] as const;
