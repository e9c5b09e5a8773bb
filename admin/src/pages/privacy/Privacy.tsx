import { Alert, Button, Grid, Group, NumberInput, SegmentedControl, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconShieldCheck } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Mark } from "../../parts/Mark";
import { Page } from "../../parts/Page";
import { Stat } from "../../parts/Stat";
import { Card, Empty, Failure, Loaded } from "../../parts/states";
import { useMay } from "../../shell/session";
import { useVenue } from "../../shell/venue";
import { useStateName } from "../guest/Privacy";

export default function Privacy() {
  const { t } = useTranslation();
  const isAdmin = useMay("admin");
  return (
    <Page title={t("nav.privacy")}>
      <Reachable />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 6 }}><Stack><Ledger />{isAdmin && <Map />}{isAdmin && <Retention />}</Stack></Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}><Stack><Erasures />{isAdmin && <Accesses />}</Stack></Grid.Col>
      </Grid>
    </Page>
  );
}

function Reachable() {
  const { t } = useTranslation();
  const format = useFormat();
  const { venue } = useVenue();
  const query = useQuery({
    queryKey: ["reachable", venue?.venue_id],
    enabled: venue !== undefined,
    queryFn: async () => (await data(api.GET("/v1/reachable", { params: { query: { venue: venue!.venue_id } } }))).items,
  });
  return (
    <Loaded query={query} lines={2}>
      {(channels) => (
        <SimpleGrid cols={{ base: 2, sm: 4 }}>
          {channels.map(({ channel, guests }) => <Stat key={channel} name={t(`privacy.channel.${channel}`)} value={format.number(guests)} note={t("privacy.reachable")} />)}
        </SimpleGrid>
      )}
    </Loaded>
  );
}

/** The chain that proves that no consent was changed afterwards, and a button that checks every link of it. */
function Ledger() {
  const { t } = useTranslation();
  const format = useFormat();
  const state = useQuery({ queryKey: ["consent-log"], queryFn: () => data(api.GET("/v1/consent-log")) });
  const verify = useMutation({ mutationFn: async () => (await data(api.GET("/v1/consent-log/verify"))).items });
  return (
    <Card title={t("privacy.ledger")} aside={<Button size="xs" variant="default" leftSection={<IconShieldCheck size={14} />} loading={verify.isPending} onClick={() => verify.mutate()}>{t("privacy.verify")}</Button>}>
      <Stack gap="xs">
        <Loaded query={state}>
          {(log) => (
            <dl className="facts">
              <dt>{t("privacy.entries")}</dt><dd>{format.number(log.entries)}</dd>
              <dt>{t("privacy.sealedEntries")}</dt><dd>{format.number(log.sealed)}</dd>
              <dt>{t("privacy.unsealed")}</dt><dd>{format.number(log.unsealed)} {log.oldest_unsealed_at && `(${format.since(log.oldest_unsealed_at)})`}</dd>
            </dl>
          )}
        </Loaded>
        <div aria-live="polite">
          {verify.isError && <Failure error={verify.error} />}
          {verify.data?.length === 0 && <Mark as="good">{t("privacy.intact")}</Mark>}
          {verify.data?.map((problem, n) => <Alert key={n} color="red" p="xs"><Text size="sm" c="var(--mantine-color-text)">{[problem.entry_id, problem.problem].filter(Boolean).join(": ")}</Text></Alert>)}
        </div>
      </Stack>
    </Card>
  );
}

const STATES = ["REQUESTED", "EXECUTED", "CANCELLED"] as const;

function Erasures() {
  const { t } = useTranslation();
  const format = useFormat();
  const named = useStateName();
  const [state, setState] = useState<string>("REQUESTED");
  const query = useQuery({ queryKey: ["erasures", state], queryFn: async () => (await data(api.GET("/v1/erasures", { params: { query: { state, limit: 100 } } }))).items });
  return (
    <Card title={t("privacy.erasures")} aside={<SegmentedControl size="xs" aria-label={t("privacy.erasures")} value={state} onChange={setState} data={STATES.map((value) => ({ value, label: named(value) }))} />}>
      <Loaded query={query}>
        {(requests) => requests.length === 0 ? <Empty title={t("privacy.noErasures")} /> : (
          <ul className="moments">
            {requests.map((one) => (
              <li key={one.request_id}>
                <Text size="sm" c="dimmed">{format.dayOf(one.executed_at ?? one.cancelled_at ?? one.requested_at)}</Text>
                <div>
                  <Text size="sm"><Link to={`/guests/${one.customer_id}?tab=privacy`}>{t("privacy.request", { n: one.request_id })}</Link> {one.reason}</Text>
                  {state === "REQUESTED" && <Text size="xs" c="dimmed">{t("privacy.dueOn", { day: format.dayOf(one.due_at) })}</Text>}
                  {one.residue != null && <Mark as={one.residue === 0 ? "good" : "bad"}>{t("privacy.residue", { n: format.number(one.residue) })}</Mark>}
                </div>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}

/** Every column that can hold something personal must say what becomes of it. */
function Map() {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["pii-map"], queryFn: async () => (await data(api.GET("/v1/pii-map/check"))).items });
  return (
    <Card title={t("privacy.map")}>
      <Loaded query={query}>
        {(problems) => problems.length === 0 ? <Mark as="good">{t("privacy.mapComplete")}</Mark> : (
          <Stack gap={4}>{problems.map((one, n) => <Text key={n} size="sm" className="breaks"><b>{[one.relation, one.column_name].filter(Boolean).join(".")}</b>: {one.problem}</Text>)}</Stack>
        )}
      </Loaded>
    </Card>
  );
}

/** What a period of retention would touch; nothing is changed here. */
function Retention() {
  const { t } = useTranslation();
  const format = useFormat();
  const [guests, setGuests] = useState<number | string>(36);
  const [events, setEvents] = useState<number | string>(24);
  const months = (value: number | string) => (value === "" ? null : Number(value));
  const preview = useMutation({ mutationFn: async () => (await data(api.POST("/v1/retention/preview", { body: { anonymise_after_months: months(guests), drop_events_after_months: months(events) } }))).items });
  return (
    <Card title={t("privacy.retention")}>
      <Group align="flex-end" gap="sm">
        <NumberInput size="xs" min={1} label={t("privacy.anonymiseAfter")} value={guests} onChange={setGuests} />
        <NumberInput size="xs" min={1} label={t("privacy.dropAfter")} value={events} onChange={setEvents} />
        <Button size="xs" variant="default" loading={preview.isPending} onClick={() => preview.mutate()}>{t("privacy.preview")}</Button>
      </Group>
      <div aria-live="polite">
        {preview.isError && <Failure error={preview.error} />}
        {preview.data && <table className="plain"><tbody>{preview.data.map((one) => <tr key={one.touched}><td>{one.touched}</td><td className="number">{format.number(one.rows)}</td></tr>)}</tbody></table>}
      </div>
    </Card>
  );
}

function Accesses() {
  const { t } = useTranslation();
  const format = useFormat();
  const query = useQuery({ queryKey: ["access-log"], queryFn: async () => (await data(api.GET("/v1/access-log", { params: { query: { limit: 20 } } }))).items });
  return (
    <Card title={t("privacy.accesses")}>
      <Loaded query={query}>
        {(accesses) => accesses.length === 0 ? <Empty title={t("privacy.noAccesses")} /> : (
          <ul className="moments">
            {accesses.map((one) => (
              <li key={one.access_id}>
                <Text size="sm" c="dimmed">{format.moment(one.accessed_at)}</Text>
                <Text size="sm" className="breaks">{one.principal ?? one.db_user}: {one.what}{one.guests != null && ` (${t("builder.guests", { count: one.guests, n: format.number(one.guests) })})`}</Text>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}
