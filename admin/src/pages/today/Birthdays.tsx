import { Button, Group, SegmentedControl, Text } from "@mantine/core";
import { IconCake } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { LabelBadge } from "../../parts/LabelBadge";
import { Card, Empty, Loaded } from "../../parts/states";
import { useMay } from "../../shell/session";
import { useVenue } from "../../shell/venue";

const SHOWN = 8;

/** Whose birthday comes: the soonest first, of one day who spent most. */
export function Birthdays() {
  const { t } = useTranslation();
  const format = useFormat();
  const { venue } = useVenue();
  const serves = useMay("staff");
  const [days, setDays] = useState("7");
  const [all, setAll] = useState(false);
  const birthdays = useQuery({
    queryKey: ["birthdays", venue?.venue_id, days],
    enabled: venue !== undefined && serves,
    queryFn: async ({ signal }) => (await data(api.GET("/v1/venues/{venue}/birthdays", { params: { path: { venue: venue!.venue_id }, query: { days: Number(days) } }, signal }))).items,
  });
  if (!serves) return null;
  return (
    <Card
      title={t("today.birthdays")}
      aside={<SegmentedControl size="xs" aria-label={t("today.birthdays")} value={days} onChange={setDays} data={["7", "30"].map((value) => ({ value, label: t("today.days_other", { count: Number(value) }) }))} />}
    >
      <Loaded query={birthdays}>
        {(guests) => guests.length === 0 ? <Empty title={t("today.noBirthdays")} icon={<IconCake aria-hidden />} /> : (
          <>
            <div className="scrolls" tabIndex={0}>
              <table className="plain"><tbody>
                {guests.slice(0, all ? undefined : SHOWN).map((guest) => (
                  <tr key={guest.customer_id}>
                    <td style={{ whiteSpace: "nowrap" }}>{format.weekday(guest.falls_on)}</td>
                    <td>
                      <Link to={`/guests/${guest.customer_id}`}>{guest.name ?? t("guest.unnamed")}</Link>
                      <Text size="xs" c="dimmed">{guest.turns != null && t("today.turns", { age: guest.turns })} {guest.phone && <a href={`tel:${guest.phone}`}>{guest.phone}</a>}</Text>
                    </td>
                    <td className="number"><LabelBadge label={guest.label} /></td>
                  </tr>
                ))}
              </tbody></table>
            </div>
            {guests.length > SHOWN && !all && <Group mt="sm"><Button size="xs" variant="default" onClick={() => setAll(true)}>{t("today.showAll", { count: guests.length })}</Button></Group>}
          </>
        )}
      </Loaded>
    </Card>
  );
}
