import { Alert, Badge, Button, Code, CopyButton, Group, Modal, MultiSelect, Select, Stack, Text, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconCopy, IconKey, IconPencil } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, data, type Schema } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Card, Empty, Loaded } from "../../parts/states";
import { useToasts } from "../../parts/toasts";
import { useVenue } from "../../shell/venue";
import { ChangePrincipal } from "./ChangePrincipal";
import { ROLES } from "./roles";

function useRefresh() {
  const queries = useQueryClient();
  const { failed } = useToasts();
  return { onError: failed, onSettled: () => Promise.all(["principals", "keys"].map((name) => queries.invalidateQueries({ queryKey: [name] }))) };
}

/** Who may sign in, and with which keys. A key is shown once, when it is made. */
export function Keys() {
  const { t } = useTranslation();
  const [shown, setShown] = useState<string>();
  return (
    <Stack>
      <Principals show={setShown} />
      <KeyList />
      <Modal opened={shown !== undefined} onClose={() => setShown(undefined)} title={t("settings.newKey")} closeOnClickOutside={false}>
        <Stack>
          <Alert color="orange" p="xs"><Text size="sm" c="var(--mantine-color-text)">{t("settings.keyShown")}</Text></Alert>
          <Code block className="breaks">{shown}</Code>
          <CopyButton value={shown ?? ""}>{({ copied, copy }) => <Button leftSection={<IconCopy size={16} />} onClick={copy}>{copied ? t("settings.copied") : t("settings.copy")}</Button>}</CopyButton>
        </Stack>
      </Modal>
    </Stack>
  );
}

function Principals({ show }: { show: (key: string) => void }) {
  const { t } = useTranslation();
  const { venues } = useVenue();
  const refresh = useRefresh();
  const [changing, setChanging] = useState<Schema["Principal"]>();
  const principals = useQuery({ queryKey: ["principals"], queryFn: async () => (await data(api.GET("/v1/principals"))).items });
  const make = useMutation({
    mutationFn: (principal: string) => data(api.POST("/v1/keys", { body: { principal, name: null, expires_at: null } })),
    onSuccess: ({ key }) => show(key),
    ...refresh,
  });
  return (
    <Card title={t("settings.principals")}>
      <Loaded query={principals}>
        {(all) => (
          <div className="scrolls" tabIndex={0}>
            <table className="plain">
              <thead><tr><th scope="col">{t("settings.person")}</th><th scope="col">{t("settings.role")}</th><th scope="col">{t("settings.venues")}</th><th scope="col" className="number">{t("settings.keys")}</th><th /></tr></thead>
              <tbody>
                {all.map((one) => (
                  <tr key={one.principal_id}>
                    <td>{one.name}</td>
                    <td><Badge variant="default">{t(`settings.roleName.${one.role}`)}</Badge></td>
                    <td>{one.venue_ids ? one.venue_ids.map((id) => venues.find((venue) => venue.venue_id === id)?.name ?? id).join(", ") : t("settings.allVenues")}</td>
                    <td className="number">{one.keys}</td>
                    <td className="number">
                      <Button size="compact-xs" variant="default" mr={6} leftSection={<IconPencil size={12} />} onClick={() => setChanging(one)} aria-label={`${t("segments.change")}: ${one.name}`}>{t("segments.change")}</Button>
                      <Button size="compact-xs" variant="default" leftSection={<IconKey size={12} />} onClick={() => make.mutate(one.principal_id)} aria-label={`${t("settings.newKey")}: ${one.name}`}>{t("settings.newKey")}</Button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
      {changing && <ChangePrincipal principal={changing} close={() => setChanging(undefined)} />}
      <AddPrincipal />
    </Card>
  );
}

function AddPrincipal() {
  const { t } = useTranslation();
  const { venues } = useVenue();
  const [name, setName] = useState("");
  const [role, setRole] = useState<(typeof ROLES)[number]>("staff");
  const [chosen, setChosen] = useState<string[]>([]);
  const refresh = useRefresh();
  const add = useMutation({
    mutationFn: () => api.POST("/v1/principals", { body: { name: name.trim(), role, venues: chosen.length > 0 ? chosen : null } }),
    onSuccess: () => setName(""),
    ...refresh,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="sm" mt="md">
        <TextInput size="sm" label={t("settings.person")} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <Select size="sm" label={t("settings.role")} allowDeselect={false} data={ROLES.map((one) => ({ value: one, label: t(`settings.roleName.${one}`) }))} value={role} onChange={(next) => next && setRole(next as typeof role)} />
        <MultiSelect size="sm" label={t("settings.venues")} placeholder={chosen.length ? undefined : t("settings.allVenues")} data={venues.map((venue) => ({ value: venue.venue_id, label: venue.name }))} value={chosen} onChange={setChosen} />
        <Button type="submit" size="sm" disabled={!name.trim()} loading={add.isPending}>{t("settings.addPrincipal")}</Button>
      </Group>
    </form>
  );
}

function KeyList() {
  const { t } = useTranslation();
  const format = useFormat();
  const refresh = useRefresh();
  const toasts = useToasts();
  const keys = useQuery({ queryKey: ["keys"], queryFn: async () => (await data(api.GET("/v1/keys"))).items });
  const revoke = useMutation({ mutationFn: (key: string) => api.DELETE("/v1/keys/{key}", { params: { path: { key } } }), onSuccess: () => toasts.done(t("settings.revoked")), ...refresh });
  const ask = (key: string) =>
    modals.openConfirmModal({
      title: t("settings.revoke"),
      children: <Text size="sm">{t("settings.revokeHint")}</Text>,
      labels: { confirm: t("settings.revoke"), cancel: t("state.cancel") },
      confirmProps: { color: "red" },
      onConfirm: () => revoke.mutate(key),
    });
  return (
    <Card title={t("settings.keys")}>
      <Loaded query={keys}>
        {(all) => all.length === 0 ? <Empty title={t("settings.noKeys")} /> : (
          <div className="scrolls" tabIndex={0}>
            <table className="plain">
              <thead><tr><th scope="col">{t("settings.person")}</th><th scope="col">{t("settings.began")}</th><th scope="col">{t("settings.expires")}</th><th scope="col">{t("settings.lastUsed")}</th><th /></tr></thead>
              <tbody>
                {all.map((key) => (
                  <tr key={key.key_id}>
                    <td>{[key.principal, key.name].filter(Boolean).join(" · ")}</td>
                    <td>{format.dayOf(key.created_at)}</td>
                    <td>{key.expires_at ? format.dayOf(key.expires_at) : t("settings.never")}</td>
                    <td>{key.last_used_on ? format.day(key.last_used_on) : "–"}</td>
                    <td className="number"><Button size="compact-xs" variant="subtle" color="red" onClick={() => ask(key.key_id)}>{t("settings.revoke")}</Button></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </Card>
  );
}
