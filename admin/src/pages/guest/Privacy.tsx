import { Alert, Anchor, Button, Code, Group, Stack, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, data, type Schema } from "../../api/client";
import { REFRESH_LOGGED_MS } from "../../api/queries";
import { CHANNELS } from "../../parts/channels";
import { saveAs } from "../../parts/download";
import { useFormat } from "../../parts/format";
import { Mark } from "../../parts/Mark";
import { Empty, Loaded } from "../../parts/states";
import { useMay } from "../../shell/session";
import { useVenue } from "../../shell/venue";
import { type Dossier, useChange } from "./dossier";
import { Reasoned } from "./Reasoned";
import { Wishes } from "./Wishes";

export const markOf = (state: string) => (state === "GRANTED" ? "good" : state === "REVOKED" ? "bad" : state === "PENDING" ? "busy" : "plain");

export function useStateName() {
  const { t, i18n } = useTranslation();
  return (state: string) => (i18n.exists(`privacy.state.${state}`) ? t(`privacy.state.${state}` as "privacy.state.GRANTED") : state);
}

/** What a guest allowed, with its proof; all that is held of him; and his wish to be forgotten. */
export function Privacy({ dossier }: { dossier: Dossier }) {
  const { t } = useTranslation();
  const id = dossier.profile.customer_id;
  const manages = useMay("manager");
  return (
    <Stack>
      <Consents id={id} />
      <History id={id} />
      {manages && <Wishes dossier={dossier} />}
      {manages && <Held id={id} />}
      {manages && <Erasure id={id} name={dossier.profile.name ?? t("guest.unnamed")} />}
    </Stack>
  );
}

function Consents({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const named = useStateName();
  const { venue, venues } = useVenue();
  const manages = useMay("manager");
  const query = useQuery({ queryKey: ["guest", id, "consents"], queryFn: async () => (await data(api.GET("/v1/customers/{id}/consents", { params: { path: { id } } }))).items });
  const record = useChange(id, ({ channel, action }: { channel: (typeof CHANNELS)[number]; action: "GRANTED" | "REVOKED" }) =>
    api.POST("/v1/customers/{id}/consents", { params: { path: { id } }, body: { channel, action, source: "admin", venue: venue!.venue_id } }), t("privacy.recorded"));
  const ask = useChange<void>(id, () => api.POST("/v1/customers/{id}/opt-in", { params: { path: { id } }, body: { venue: venue!.venue_id } }), t("privacy.askedByMail"));
  const place = (at: string | null | undefined) => (at ? (venues.find((one) => one.venue_id === at)?.name ?? at) : t("segments.organisation"));
  return (
    <Loaded query={query}>
      {(consents) => (
        <div className="scrolls" tabIndex={0}>
          <table className="plain" aria-label={t("privacy.consents")}>
            <tbody>
              {CHANNELS.map((channel) => {
                const said = consents.filter((one) => one.channel === channel);
                return (
                  <tr key={channel}>
                    <th scope="row">{t(`privacy.channel.${channel}`)}</th>
                    <td>
                      {said.filter((one) => one.state !== "NEVER").map((one) => (
                        <div key={one.venue_id ?? ""}><Mark as={markOf(one.state)}>{named(one.state)}</Mark> <Text span size="xs" c="dimmed">{[place(one.venue_id), format.dayOf(one.since), one.state === "GRANTED" && one.reachable === false && t("privacy.cannotReach")].filter(Boolean).join(", ")}</Text></div>
                      ))}
                      {said.every((one) => one.state === "NEVER") && <Text size="sm" c="dimmed">{named("NEVER")}</Text>}
                    </td>
                    <td className="number">
                      {manages && (
                        <Group gap={4} justify="flex-end" wrap="nowrap">
                          {channel === "EMAIL_MARKETING" && <Button size="compact-xs" variant="default" disabled={!venue} loading={ask.isPending} onClick={() => ask.mutate()}>{t("privacy.askByMail")}</Button>}
                          <Button size="compact-xs" variant="default" disabled={!venue} onClick={() => record.mutate({ channel, action: "GRANTED" })}>{t("privacy.grant")}</Button>
                          <Button size="compact-xs" variant="subtle" color="red" disabled={!venue} onClick={() => record.mutate({ channel, action: "REVOKED" })}>{t("privacy.revoke")}</Button>
                        </Group>
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </Loaded>
  );
}

/** Each entry of the ledger: who said what when, and where in the chain it is sealed. */
function History({ id }: { id: string }) {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["guest", id, "consent-history"], refetchInterval: REFRESH_LOGGED_MS, queryFn: async () => (await data(api.GET("/v1/customers/{id}/consents/history", { params: { path: { id } } }))).items });
  return (
    <div>
      <Text fw={650} mb={4}>{t("privacy.history")}</Text>
      <Loaded query={query}>
        {(entries) => entries.length === 0 ? <Empty title={t("privacy.noHistory")} /> : <ul className="moments">{entries.map((entry) => <Entry key={entry.entry_id} entry={entry} />)}</ul>}
      </Loaded>
    </div>
  );
}

function Entry({ entry }: { entry: Schema["HistoryEntry"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const named = useStateName();
  const [shown, setShown] = useState(false);
  const receipt = useQuery({ queryKey: ["receipt", entry.entry_id], enabled: shown, queryFn: () => data(api.GET("/v1/consents/{entry}/receipt", { params: { path: { entry: entry.entry_id } } })) });
  return (
    <li>
      <Text size="sm" c="dimmed" className="tabular">{format.moment(entry.occurred_at)}</Text>
      <div>
        <Mark as={markOf(entry.action)}>{named(entry.action)}</Mark> {t(`privacy.channel.${entry.channel}`)}
        <Text size="xs" c="dimmed" className="breaks">
          {[entry.source, entry.actor, entry.wording_key && `${entry.wording_key} ${entry.wording_version ?? ""}`, entry.sealed_position != null ? t("privacy.sealed", { n: format.number(entry.sealed_position) }) : t("privacy.unsealed")].filter(Boolean).join(" · ")}
        </Text>
        {(entry.ip || entry.user_agent || entry.detail) && <Text size="xs" className="breaks">{t("privacy.evidence", { from: [entry.ip, entry.user_agent, entry.detail].filter(Boolean).join(", ") })}</Text>}
        {entry.wording && <Text size="xs" className="breaks">“{entry.wording}”</Text>}
        <Anchor component="button" size="xs" onClick={() => setShown(!shown)} aria-expanded={shown}>{t("privacy.proof")}</Anchor>
        {shown && <Loaded query={receipt} lines={2}>{(proof) => <Proof entry={entry.entry_id} text={JSON.stringify(proof, null, 1)} />}</Loaded>}
      </div>
    </li>
  );
}

function Proof({ entry, text }: { entry: number; text: string }) {
  const { t } = useTranslation();
  return (
    <>
      <Code block className="breaks">{text}</Code>
      <Anchor component="button" size="xs" onClick={() => saveAs(new Blob([text], { type: "application/json" }), `consent-${entry}.json`)}><IconDownload size={12} aria-hidden /> {t("privacy.receipt")}</Anchor>
    </>
  );
}

function Held({ id }: { id: string }) {
  const { t } = useTranslation();
  return (
    <Group gap="lg">
      <Text fw={650}>{t("privacy.held")}</Text>
      {["export", "export.csv"].map((file) => (
        <Anchor key={file} size="sm" href={`/v1/customers/${id}/${file}`} download={file === "export" ? "guest.json" : "guest.csv"}><IconDownload size={14} aria-hidden /> {file === "export" ? "JSON" : "CSV"}</Anchor>
      ))}
    </Group>
  );
}

function Erasure({ id, name }: { id: string; name: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const isAdmin = useMay("admin");
  const params = { path: { id } };
  const open = useQuery({
    queryKey: ["guest", id, "erasure"],
    queryFn: async () => (await data(api.GET("/v1/erasures", { params: { query: { state: "REQUESTED", limit: 200 } } }))).items.find((one) => one.customer_id === id) ?? null,
  }).data;
  const ask = useChange(id, (reason: string) => api.POST("/v1/customers/{id}/erasure", { params, body: { reason } }), t("privacy.asked"));
  const cancel = useChange<void>(id, () => api.DELETE("/v1/customers/{id}/erasure", { params }), t("privacy.cancelled"));
  const execute = useChange(id, (reason: string) => api.POST("/v1/customers/{id}/erasure/execute", { params, body: { force: true, reason } }), t("privacy.erased"));
  const days = open?.due_at ? Math.max(0, Math.ceil((new Date(open.due_at).getTime() - Date.now()) / 86_400_000)) : 0;
  return (
    <div>
      <Text fw={650} mb={4}>{t("privacy.erasure")}</Text>
      {open && <Alert color="red" p="xs" mb="xs"><Text size="sm" c="var(--mantine-color-text)">{t("privacy.due", { count: days, day: format.dayOf(open.due_at) })}</Text></Alert>}
      <Group gap="xs">
        {open ? <Button size="xs" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate()}>{t("privacy.cancel")}</Button> : <Reasoned title={t("privacy.ask")} onConfirm={ask.mutate} />}
        {isAdmin && <Reasoned title={t("privacy.eraseNow")} hint={t("privacy.eraseNowHint", { name })} danger onConfirm={execute.mutate} />}
      </Group>
    </div>
  );
}
