import { Badge, Button, Group, Paper, Stack, Tabs, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconArchive, IconCopy, IconDownload, IconPencil, IconRefresh } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { api, data, type Schema } from "../../api/client";
import { useExport } from "../../parts/download";
import { useFormat } from "../../parts/format";
import { LabelBadge } from "../../parts/LabelBadge";
import { Page } from "../../parts/Page";
import { Empty, Failure, Lines, Loaded } from "../../parts/states";
import { useToasts } from "../../parts/toasts";
import { AsOf } from "./AsOf";
import { ByHand } from "./ByHand";
import { useSentences } from "./sentences";
import { Spark } from "./Spark";
import { Why } from "./Why";

export const useSegment = (segment: number | undefined) =>
  useQuery({
    queryKey: ["segment", segment],
    enabled: segment !== undefined,
    refetchInterval: 30_000,
    queryFn: ({ signal }) => data(api.GET("/v1/segments/{segment}", { params: { path: { segment: segment! } }, signal })),
  });

export default function Segment() {
  const { t } = useTranslation();
  const id = Number(useParams().id);
  const segment = useSegment(id);
  return <Loaded query={segment} lines={8}>{(known) => <Known segment={known} empty={t("segments.nobody")} />}</Loaded>;
}

function Known({ segment, empty }: { segment: Schema["Segment"]; empty: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const sentences = useSentences();
  return (
    <Page title={segment.name} head={<Badge size="lg" variant="light" className="tabular">{format.number(segment.members)}</Badge>} actions={<Actions segment={segment} />}>
      <Paper>
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Text>{sentences.of(segment.criteria, segment.sentence)}</Text>
          <Spark id={segment.segment_id} of={segment.name} />
        </Group>
        <Text size="xs" c="dimmed">{segment.key} · {segment.computed_at ? t("segments.computed", { since: format.since(segment.computed_at) }) : t("segments.pending")}</Text>
      </Paper>
      <Paper p={0}>
        <Tabs defaultValue="members" keepMounted={false}>
          <Tabs.List style={{ flexWrap: "nowrap", overflowX: "auto" }}>
            {(["members", "events", "asOf"] as const).map((name) => <Tabs.Tab key={name} value={name}>{t(`segments.${name}`)}</Tabs.Tab>)}
            {!segment.is_system && <Tabs.Tab value="byHand">{t("segments.byHand")}</Tabs.Tab>}
          </Tabs.List>
          <Tabs.Panel value="members" p="md"><Members id={segment.segment_id} empty={empty} /></Tabs.Panel>
          <Tabs.Panel value="events" p="md"><Events id={segment.segment_id} /></Tabs.Panel>
          <Tabs.Panel value="asOf" p="md"><AsOf id={segment.segment_id} /></Tabs.Panel>
          <Tabs.Panel value="byHand" p="md"><ByHand id={segment.segment_id} /></Tabs.Panel>
        </Tabs>
      </Paper>
    </Page>
  );
}

function Actions({ segment }: { segment: Schema["Segment"] }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const queries = useQueryClient();
  const toasts = useToasts();
  const exporting = useExport();
  const path = { segment: segment.segment_id };
  const refreshed = () => Promise.all([queries.invalidateQueries({ queryKey: ["segment", segment.segment_id] }), queries.invalidateQueries({ queryKey: ["segments"] })]);
  const refresh = useMutation({ mutationFn: () => api.POST("/v1/segments/{segment}/refresh", { params: { path } }), onSuccess: () => toasts.done(t("segments.refreshed")), onError: toasts.failed, onSettled: refreshed });
  const archive = useMutation({ mutationFn: () => api.DELETE("/v1/segments/{segment}", { params: { path } }), onSuccess: () => go("/segments"), onError: toasts.failed, onSettled: refreshed });
  const ask = () =>
    modals.openConfirmModal({
      title: t("segments.archive"),
      children: <Text size="sm">{t("segments.archiveHint", { name: segment.name })}</Text>,
      labels: { confirm: t("segments.archive"), cancel: t("state.cancel") },
      confirmProps: { color: "red" },
      onConfirm: () => archive.mutate(),
    });
  return (
    <>
      <Button variant="default" leftSection={<IconDownload size={16} />} onClick={() => exporting.mutate({ segment: String(segment.segment_id) })} loading={exporting.isPending}>{t("guests.export")}</Button>
      {!segment.is_system && (
        <>
          <Button variant="default" leftSection={<IconRefresh size={16} />} loading={refresh.isPending} onClick={() => refresh.mutate()}>{t("segments.refresh")}</Button>
          <Button variant="default" color="red" leftSection={<IconArchive size={16} />} onClick={ask}>{t("segments.archive")}</Button>
          <Button leftSection={<IconPencil size={16} />} onClick={() => void go(`/segments/${segment.segment_id}/edit`)}>{t("segments.change")}</Button>
        </>
      )}
      {segment.is_system && <Duplicate segment={segment} />}
    </>
  );
}

function Duplicate({ segment }: { segment: Schema["Segment"] }) {
  const { t } = useTranslation();
  const go = useNavigate();
  return <Button variant="default" leftSection={<IconCopy size={16} />} onClick={() => void go(`/segments/new?template=${segment.key}`)}>{t("segments.duplicate")}</Button>;
}

function Members({ id, empty }: { id: number; empty: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [open, setOpen] = useState<string>();
  const query = useInfiniteQuery({
    queryKey: ["segment", id, "members"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => data(api.GET("/v1/segments/{segment}/members", { params: { path: { segment: id }, query: { cursor: pageParam, limit: 50 } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Lines />;
  const members = query.data.pages.flatMap((page) => page.items);
  if (members.length === 0) return <Empty title={empty} />;
  return (
    <Stack gap={0}>
      {members.map((member) => (
        <div key={member.customer_id} style={{ borderBottom: "1px solid var(--mantine-color-default-border)" }}>
          <Group justify="space-between" py={6}>
            <Text size="sm" fw={600} className="grows" truncate><Link to={`/guests/${member.customer_id}`}>{member.name ?? t("guest.unnamed")}</Link></Text>
            <LabelBadge label={member.label} />
            <Text size="sm" visibleFrom="sm" w={90} ta="right" className="tabular">{format.money(member.total_spent)}</Text>
            <Text size="sm" c="dimmed" visibleFrom="sm" w={110} ta="right" className="tabular">{format.dayOf(member.last_order_at)}</Text>
            <Button size="compact-xs" variant="subtle" aria-expanded={open === member.customer_id} onClick={() => setOpen(open === member.customer_id ? undefined : member.customer_id)}>{t("guest.why")}</Button>
          </Group>
          {open === member.customer_id && <Why segment={id} customer={member.customer_id} />}
        </div>
      ))}
      {query.hasNextPage && <Button mt="sm" w="fit-content" variant="default" size="xs" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t("state.more")}</Button>}
    </Stack>
  );
}

function Events({ id }: { id: number }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const query = useInfiniteQuery({
    queryKey: ["segment", id, "events"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => data(api.GET("/v1/segments/{segment}/events", { params: { path: { segment: id }, query: { cursor: pageParam, limit: 50 } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Lines />;
  const events = query.data.pages.flatMap((page) => page.items);
  if (events.length === 0) return <Empty title={t("segments.noEvents")} />;
  const named = (word: string) => (i18n.exists(`segments.event.${word}`) ? t(`segments.event.${word}` as "segments.event.entered") : word);
  return (
    <>
      <ul className="moments">
        {events.map((event, n) => (
          <li key={n}>
            <Text size="sm" c="dimmed" className="tabular">{format.moment(event.occurred_at)}</Text>
            <Text size="sm"><b>{named(event.event)}</b> <Link to={`/guests/${event.customer_id}`}>{event.name ?? t("guest.unnamed")}</Link> <Text span size="xs" c="dimmed">{event.cause && (i18n.exists(`segments.cause.${event.cause}`) ? t(`segments.cause.${event.cause}` as "segments.cause.order") : event.cause)}</Text></Text>
          </li>
        ))}
      </ul>
      {query.hasNextPage && <Button mt="sm" variant="default" size="xs" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t("state.more")}</Button>}
    </>
  );
}
