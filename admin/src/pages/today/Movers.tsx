import { Button, Paper, Text } from "@mantine/core";
import { IconDownload, IconUsers } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { api, data, type Schema } from "../../api/client";
import { csv, saveAs } from "../../parts/download";
import { addDays, today, useFormat } from "../../parts/format";
import { isLabel, LabelBadge } from "../../parts/LabelBadge";
import { Page } from "../../parts/Page";
import { Empty, Loaded } from "../../parts/states";
import { useVenue } from "../../shell/venue";

const STEP = 50;
const isDay = (text: string | null): text is string => /^\d{4}-\d\d-\d\d$/.test(text ?? "");

/** The guests behind a number of the movement of labels, and of new guests; who spent most comes first. */
export default function Movers() {
  const { t } = useTranslation();
  const format = useFormat();
  const { venue } = useVenue();
  const [address] = useSearchParams();
  const [was, became] = [address.get("was"), address.get("became")].map((label) => (isLabel(label) ? label : undefined));
  const day = today(venue?.timezone);
  const [from, to] = [address.get("from"), address.get("to")].map((given, n) => (isDay(given) ? given : addDays(day, -30 * (1 - n))));
  const query = useQuery({
    queryKey: ["movers", venue?.venue_id, from, to, was, became],
    enabled: venue !== undefined,
    queryFn: async ({ signal }) => (await data(api.GET("/v1/venues/{venue}/label-movers", { params: { path: { venue: venue!.venue_id }, query: { from: from!, to: to!, from_label: was, to_label: became } }, signal }))).items,
  });
  const guests = query.data ?? [];
  const title = was ? t("today.whoWas", { was: t(`label.${was}.name`) }) : t("today.whoCame");
  return (
    <Page
      title={became ? t("today.whoBecame", { who: title, became: t(`label.${became}.name`) }) : title}
      head={<Text size="sm" c="dimmed">{format.day(from)} – {format.day(to)}</Text>}
      actions={<Button variant="default" leftSection={<IconDownload size={16} />} disabled={guests.length === 0} onClick={() => saveAs(csv(FIELDS, guests), "guests.csv")}>{t("today.callList")}</Button>}
    >
      <Loaded query={query} lines={10}>
        {() => <Paper>{guests.length === 0 ? <Empty title={t("today.nobodyMoved")} icon={<IconUsers aria-hidden />}><Link to="/">{t("nav.today")}</Link></Empty> : <Moved guests={guests} />}</Paper>}
      </Loaded>
    </Page>
  );
}

const FIELDS = ["name", "phone", "from_label", "to_label", "label", "total_visits", "total_spent", "last_order_at", "days_since_last_order"] as const;

function Moved({ guests }: { guests: Schema["LabelMover"][] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [shown, setShown] = useState(STEP);
  return (
    <>
      <Text size="sm" fw={600} mb="xs" role="status">{t("builder.guests", { count: guests.length, n: format.number(guests.length) })}</Text>
      <div className="scrolls" tabIndex={0}>
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">{t("guests.name")}</th><th scope="col">{t("guest.phone")}</th><th scope="col">{t("today.now")}</th>
              <th scope="col" className="number">{t("guests.visits")}</th><th scope="col" className="number">{t("guests.spend")}</th><th scope="col" className="number">{t("guest.lastVisit")}</th>
            </tr>
          </thead>
          <tbody>
            {guests.slice(0, shown).map((guest) => (
              <tr key={guest.customer_id}>
                <td><Link to={`/guests/${guest.customer_id}`}>{guest.name ?? t("guest.unnamed")}</Link></td>
                <td style={{ whiteSpace: "nowrap" }}>{guest.phone && <a href={`tel:${guest.phone}`}>{guest.phone}</a>}</td>
                <td><LabelBadge label={guest.label} /></td>
                <td className="number">{format.number(guest.total_visits)}</td>
                <td className="number">{format.money(guest.total_spent)}</td>
                <td className="number">{format.daysAgo(guest.days_since_last_order)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {guests.length > shown && <Button mt="sm" size="xs" variant="default" onClick={() => setShown(shown + 4 * STEP)}>{t("state.more")}</Button>}
    </>
  );
}
