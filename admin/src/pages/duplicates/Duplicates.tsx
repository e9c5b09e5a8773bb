import { Badge, Button, Group, Modal, Paper, Progress, Radio, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconCopyCheck } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data, type Schema } from "../../api/client";
import { useFormat } from "../../parts/format";
import { LabelBadge } from "../../parts/LabelBadge";
import { Page } from "../../parts/Page";
import { Empty, Lines, Loaded } from "../../parts/states";
import { useToasts } from "../../parts/toasts";

type Pair = Schema["Pair"];

/** Pairs of guests who may be one person, with the reasons, side by side. */
export default function Duplicates() {
  const { t } = useTranslation();
  const pairs = useQuery({ queryKey: ["duplicates"], queryFn: async ({ signal }) => (await data(api.GET("/v1/duplicates", { params: { query: { limit: 30 } }, signal }))).items });
  return (
    <Page title={t("duplicates.title")}>
      <Text size="sm" c="dimmed" maw={720}>{t("duplicates.hint")}</Text>
      <Loaded query={pairs}>
        {(all) => all.length === 0 ? (
          <Paper><Empty title={t("duplicates.none")} icon={<IconCopyCheck aria-hidden />}>{t("duplicates.noneHint")}</Empty></Paper>
        ) : (
          <Stack>{all.map((pair) => <OnePair key={pair.customer_id + pair.other_id} pair={pair} />)}</Stack>
        )}
      </Loaded>
    </Page>
  );
}

function useReasonName() {
  const { t, i18n } = useTranslation();
  return (reason: string) => {
    const key = `duplicates.reason.${reason.replace("e-mail", "email").replaceAll(" ", "_")}`;
    return i18n.exists(key) ? t(key as "duplicates.reason.same_phone") : reason;
  };
}

function useSettle() {
  const queries = useQueryClient();
  const toasts = useToasts();
  return { onError: toasts.failed, onSettled: () => Promise.all([["duplicates"], ["guests"], ["guest"], ["search"]].map((queryKey) => queries.invalidateQueries({ queryKey }))) };
}

function OnePair({ pair }: { pair: Pair }) {
  const { t } = useTranslation();
  const format = useFormat();
  const named = useReasonName();
  const toasts = useToasts();
  const [kept, setKept] = useState(pair.customer_id);
  const settle = useSettle();
  const names = new Map([[pair.customer_id, pair.name ?? t("guest.unnamed")], [pair.other_id, pair.other_name ?? t("guest.unnamed")]]);
  const apart = useMutation({ mutationFn: () => api.POST("/v1/duplicates/keep-apart", { body: { customer: pair.customer_id, other: pair.other_id } }), onSuccess: () => toasts.done(t("duplicates.kept")), ...settle });
  const ask = () =>
    modals.openConfirmModal({
      title: t("duplicates.apart"),
      children: <Text size="sm">{t("duplicates.apartHint", { one: names.get(pair.customer_id), other: names.get(pair.other_id) })}</Text>,
      labels: { confirm: t("duplicates.apart"), cancel: t("state.cancel") },
      onConfirm: () => apart.mutate(),
    });
  return (
    <Paper component="section" aria-label={[...names.values()].join(", ")}>
      <Stack gap="sm">
        <Group gap="xs">
          <Text size="sm" fw={650} className="tabular">{t("duplicates.sure", { share: format.percent(pair.score) })}</Text>
          <Progress w={90} value={100 * pair.score} aria-label={t("duplicates.sure", { share: format.percent(pair.score) })} />
          {pair.reasons.map((reason) => <Badge key={reason} variant="default">{named(reason)}</Badge>)}
        </Group>
        <Radio.Group value={kept} onChange={setKept} aria-label={t("duplicates.merge")}>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            {[pair.customer_id, pair.other_id].map((id) => <Side key={id} id={id} name={names.get(id)!} />)}
          </SimpleGrid>
        </Radio.Group>
        <Group gap="xs">
          <Merge kept={kept} dropped={kept === pair.customer_id ? pair.other_id : pair.customer_id} names={names} reason={pair.reasons.map(named).join(", ")} />
          <Button size="xs" variant="default" loading={apart.isPending} onClick={ask}>{t("duplicates.apart")}</Button>
        </Group>
      </Stack>
    </Paper>
  );
}

function Side({ id, name }: { id: string; name: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const profile = useQuery({ queryKey: ["guest", id, "profile"], queryFn: ({ signal }) => data(api.GET("/v1/customers/{id}", { params: { path: { id } }, signal })) });
  const known = profile.data;
  return (
    <Paper p="sm">
      <Group justify="space-between" wrap="nowrap" mb={6}>
        <Radio value={id} label={t("duplicates.keepThis", { name })} />
        {known && <Group gap={4}>{known.venues.map((at) => <LabelBadge key={at.venue_id} label={at.label} />)}</Group>}
      </Group>
      {!known ? <Lines count={3} /> : (
        <dl className="facts">
          <dt>{t("guests.name")}</dt><dd><Link to={`/guests/${id}`}>{name}</Link></dd>
          <dt>{t("guest.phone")}</dt><dd>{known.phone ?? "–"}</dd>
          <dt>{t("guest.email")}</dt><dd>{known.email ?? "–"}</dd>
          <dt>{t("guest.birthday")}</dt><dd>{known.birth_date ? format.day(known.birth_date) : "–"}</dd>
          <dt>{t("guests.visits")}</dt><dd>{format.number(known.venues.reduce((sum, at) => sum + at.total_visits, 0))}</dd>
          <dt>{t("guest.knownSince")}</dt><dd>{format.dayOf(known.created_at)}</dd>
        </dl>
      )}
    </Paper>
  );
}

/** Says what happens before it does, and why it did is kept. */
function Merge({ kept, dropped, names, reason: proposed }: { kept: string; dropped: string; names: Map<string, string>; reason: string }) {
  const { t } = useTranslation();
  const toasts = useToasts();
  const settle = useSettle();
  const [opened, setOpened] = useState(false);
  const [reason, setReason] = useState(proposed);
  const said = { kept: names.get(kept), dropped: names.get(dropped) };
  const undo = useMutation({ mutationFn: (id: string) => api.POST("/v1/customers/{id}/unmerge", { params: { path: { id } } }), onSuccess: () => toasts.done(t("duplicates.separated")), ...settle });
  const merge = useMutation({
    mutationFn: () => api.POST("/v1/customers/{id}/merge", { params: { path: { id: kept } }, body: { dropped, reason: reason.trim() } }),
    onSuccess: () => toasts.done(t("duplicates.merged", said), () => undo.mutate(dropped)),
    ...settle,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setOpened(false);
    merge.mutate();
  };
  return (
    <>
      <Button size="xs" loading={merge.isPending} onClick={() => setOpened(true)}>{t("duplicates.merge")}</Button>
      <Modal opened={opened} onClose={() => setOpened(false)} title={t("duplicates.merge")}>
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm">{t("duplicates.mergeHint", said)}</Text>
            <TextInput required data-autofocus label={t("duplicates.reasonLabel")} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
            <Button type="submit" disabled={!reason.trim()}>{t("duplicates.merge")}</Button>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
