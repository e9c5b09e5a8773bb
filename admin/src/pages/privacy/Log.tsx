import { Button, Group, NativeSelect } from "@mantine/core";
import { DateInput } from "@mantine/dates";
import "@mantine/dates/styles.css";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data } from "../../api/client";
import { REFRESH_LOGGED_MS } from "../../api/queries";
import { CHANNELS } from "../../parts/channels";
import { addDays, endOfDay, useFormat } from "../../parts/format";
import { Mark } from "../../parts/Mark";
import { Card, Empty, Failure, Lines } from "../../parts/states";
import { useVenue } from "../../shell/venue";
import { markOf, useStateName } from "../guest/Privacy";

const ACTIONS = ["GRANTED", "REVOKED", "PENDING", "EXPIRED"] as const;

/** The ledger of the organisation, what was recorded last first; its filters ask the service. */
export function Log() {
  const { t } = useTranslation();
  const format = useFormat();
  const named = useStateName();
  const { venue: chosen, venues } = useVenue();
  const [channel, setChannel] = useState("");
  const [action, setAction] = useState("");
  const [venue, setVenue] = useState("");
  const [from, setFrom] = useState<string | null>(null);
  const [to, setTo] = useState<string | null>(null);
  const zone = (venues.find((one) => one.venue_id === venue) ?? chosen)?.timezone;
  const filter = {
    channel: channel || undefined, action: action || undefined, venue: venue || undefined,
    since: from ? endOfDay(addDays(from, -1), zone) : undefined, until: to ? endOfDay(to, zone) : undefined,
  };
  const query = useInfiniteQuery({
    queryKey: ["consent-log", "entries", filter],
    refetchInterval: REFRESH_LOGGED_MS,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => data(api.GET("/v1/consent-log/entries", { params: { query: { ...filter, cursor: pageParam, limit: 50 } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const entries = query.data?.pages.flatMap((page) => page.items);
  const select = (label: string, value: string, set: (value: string) => void, any: string, options: { value: string; label: string }[]) => (
    <NativeSelect size="xs" label={label} value={value} onChange={(event) => set(event.currentTarget.value)} data={[{ value: "", label: any }, ...options]} />
  );
  return (
    <Card title={t("privacy.log")}>
      <Group gap="sm" align="flex-end" mb="sm" role="search">
        {select(t("privacy.channelName"), channel, setChannel, t("privacy.anyChannel"), CHANNELS.map((value) => ({ value, label: t(`privacy.channel.${value}`) })))}
        {select(t("privacy.actionName"), action, setAction, t("privacy.anyAction"), ACTIONS.map((value) => ({ value, label: named(value) })))}
        {select(t("settings.venue"), venue, setVenue, t("privacy.anyVenue"), venues.map((one) => ({ value: one.venue_id, label: one.name })))}
        <DateInput size="xs" clearable w={130} label={`${t("privacy.said")}, ${t("guests.from")}`} value={from} onChange={setFrom} />
        <DateInput size="xs" clearable w={130} label={t("guests.to")} value={to} onChange={setTo} />
      </Group>
      {query.isError ? <Failure error={query.error} retry={() => void query.refetch()} /> : !entries ? <Lines /> : entries.length === 0 ? <Empty title={t("privacy.noEntries")} /> : (
        <div className="scrolls" tabIndex={0}>
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">{t("privacy.said")}</th><th scope="col">{t("guests.name")}</th><th scope="col">{t("privacy.actionName")}</th><th scope="col">{t("privacy.channelName")}</th>
                <th scope="col" className="wide">{t("settings.venue")}</th><th scope="col" className="wide">{t("privacy.by")}</th><th scope="col" className="number wide">{t("privacy.place")}</th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <tr key={entry.entry_id}>
                  <td style={{ whiteSpace: "nowrap" }}>{format.dayOf(entry.occurred_at)}</td>
                  <td><Link to={`/guests/${entry.customer_id}?tab=privacy`}>{entry.name ?? t("privacy.erasedGuest")}</Link></td>
                  <td><Mark as={markOf(entry.action)}>{named(entry.action)}</Mark></td>
                  <td>{t(`privacy.channel.${entry.channel}`)}</td>
                  <td className="wide">{entry.venue_id ? venues.find((one) => one.venue_id === entry.venue_id)?.name : t("segments.organisation")}</td>
                  <td className="wide">{[entry.source, entry.actor].filter(Boolean).join(", ")}</td>
                  <td className="number wide">{entry.sealed_position != null ? format.number(entry.sealed_position) : t("privacy.unsealed")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {query.hasNextPage && <Button mt="sm" size="xs" variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t("state.more")}</Button>}
    </Card>
  );
}
