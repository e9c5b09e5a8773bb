import { Button, Group, Stack, Text } from "@mantine/core";
import { DateInput } from "@mantine/dates";
import "@mantine/dates/styles.css";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data } from "../../api/client";
import { addDays, endOfDay, today, useFormat } from "../../parts/format";
import { Loaded } from "../../parts/states";
import { useVenue } from "../../shell/venue";

const PAGE = 25;

/** Who was in a segment at the end of a day of the venue, since when and why. */
export function AsOf({ id }: { id: number }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const { venue } = useVenue();
  const [day, setDay] = useState(() => addDays(today(venue?.timezone), -1));
  const [shown, setShown] = useState(PAGE);
  const at = endOfDay(day, venue?.timezone);
  const query = useQuery({
    queryKey: ["segment", id, "as-of", at],
    queryFn: async ({ signal }) => (await data(api.GET("/v1/segments/{segment}/as-of", { params: { path: { segment: id }, query: { at } }, signal }))).items,
  });
  const cause = (name: string | null | undefined) => (name && i18n.exists(`segments.cause.${name}`) ? t(`segments.cause.${name}` as "segments.cause.order") : (name ?? ""));
  return (
    <Stack gap="sm">
      <Group align="flex-end" gap="sm">
        <DateInput label={t("segments.asOfDay")} value={day} maxDate={today(venue?.timezone)} onChange={(next) => { if (next) { setDay(next); setShown(PAGE); } }} />
        <Text size="sm" c="dimmed">{t("segments.asOfHint")}</Text>
      </Group>
      <Loaded query={query}>
        {(guests) => (
          <>
            <Text fw={650} role="status">{t("segments.asOfCount", { count: guests.length, n: format.number(guests.length) })}</Text>
            <ul className="moments">
              {guests.slice(0, shown).map((guest) => (
                <li key={guest.customer_id}>
                  <Text size="sm" c="dimmed" className="tabular">{format.dayOf(guest.since)}</Text>
                  <Text size="sm" className="breaks"><Name id={guest.customer_id} /> <Text span size="xs" c="dimmed">{cause(guest.cause)}</Text></Text>
                </li>
              ))}
            </ul>
            {guests.length > shown && <Button size="xs" w="fit-content" variant="default" onClick={() => setShown(shown + PAGE)}>{t("state.more")}</Button>}
          </>
        )}
      </Loaded>
    </Stack>
  );
}

/** The ledger names guests by their ids; those on the page are asked for. */
function Name({ id }: { id: string }) {
  const { t } = useTranslation();
  const profile = useQuery({ queryKey: ["guest", id, "profile"], staleTime: 5 * 60_000, refetchInterval: false, queryFn: ({ signal }) => data(api.GET("/v1/customers/{id}", { params: { path: { id } }, signal })) });
  return <Link to={`/guests/${id}`}>{profile.data ? (profile.data.name ?? t("guest.unnamed")) : "…"}</Link>;
}
