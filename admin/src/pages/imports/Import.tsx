import { Alert, Anchor, Badge, Button, NativeSelect, Progress, SimpleGrid, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconDownload, IconPlayerPlay, IconZoomCheck } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, data, type Schema } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Mark } from "../../parts/Mark";
import { Page } from "../../parts/Page";
import { Stat } from "../../parts/Stat";
import { Card, Failure, Lines } from "../../parts/states";
import { Rows } from "./Rows";
import { useToasts } from "../../parts/toasts";

type Status = Schema["Import"];
const MOVING = ["queued", "running", "undoing"];
const FIELDS = ["ref", "name", "first_name", "last_name", "phone", "email", "birthday", "language", "gender", "document", "city", "postal_code", "address", "tags", "note"] as const;

export function State({ state }: { state: string }) {
  const { t, i18n } = useTranslation();
  const as = state === "done" ? "good" : MOVING.includes(state) ? "busy" : "plain";
  return <Mark as={as}>{i18n.exists(`imports.state.${state}`) ? t(`imports.state.${state}` as "imports.state.done") : state}</Mark>;
}

export default function Import() {
  const { t } = useTranslation();
  const id = Number(useParams().id);
  const query = useQuery<Status>({
    queryKey: ["import", id],
    refetchInterval: ({ state }) => (state.data && MOVING.includes(state.data.state) ? 1_500 : false),
    queryFn: ({ signal }) => data(api.GET("/v1/imports/{import}", { params: { path: { import: id } }, signal })),
  });
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Lines count={8} />;
  return <Page title={query.data.file_name ?? t("nav.imports")} head={<State state={query.data.state} />} actions={<Actions status={query.data} />}><Known status={query.data} /></Page>;
}

function useStep(id: number, step: () => Promise<unknown>, said?: string) {
  const queries = useQueryClient();
  const toasts = useToasts();
  return useMutation({
    mutationFn: step,
    onSuccess: () => said && toasts.done(said),
    onError: toasts.failed,
    onSettled: () => Promise.all([queries.invalidateQueries({ queryKey: ["import", id] }), queries.invalidateQueries({ queryKey: ["imports"] })]),
  });
}

function Actions({ status }: { status: Status }) {
  const { t } = useTranslation();
  const format = useFormat();
  const id = status.import_id;
  const params = { path: { import: id } };
  const check = useStep(id, () => api.POST("/v1/imports/{import}/check", { params }));
  const start = useStep(id, () => api.POST("/v1/imports/{import}/start", { params }), t("imports.started"));
  const undo = useStep(id, () => api.POST("/v1/imports/{import}/undo", { params }), t("imports.undoing"));
  const ask = () =>
    modals.openConfirmModal({
      title: t("imports.undo"),
      children: <Text size="sm">{t("imports.undoHint")}</Text>,
      labels: { confirm: t("imports.undo"), cancel: t("state.cancel") },
      confirmProps: { color: "red" },
      onConfirm: () => undo.mutate(),
    });
  const open = !MOVING.includes(status.state) && !["done", "undone"].includes(status.state);
  return (
    <>
      {open && <Button variant="default" leftSection={<IconZoomCheck size={16} />} loading={check.isPending} onClick={() => check.mutate()}>{t("imports.check")}</Button>}
      {status.state === "checked" && <Button leftSection={<IconPlayerPlay size={16} />} loading={start.isPending} onClick={() => start.mutate()}>{t("imports.start", { count: status.rows, n: format.number(status.rows) })}</Button>}
      {status.state === "done" && <Button variant="default" color="red" loading={undo.isPending} onClick={ask}>{t("imports.undo")}</Button>}
    </>
  );
}

function Known({ status }: { status: Status }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const counts = Object.entries(status.counts).filter(([outcome]) => outcome !== "unread");
  const named = (outcome: string) => (i18n.exists(`imports.outcome.${outcome}`) ? t(`imports.outcome.${outcome}` as "imports.outcome.new") : outcome);
  return (
    <Stack>
      {status.failure && <Alert color="red" role="alert" title={t("state.failed")}>{status.failure}</Alert>}
      {(status.warnings ?? []).map((warning) => <Alert key={warning} color="orange" p="xs"><Text size="sm" c="var(--mantine-color-text)">{warning}</Text></Alert>)}
      {MOVING.includes(status.state) && (
        <Card title={t("imports.progress", { done: format.number(status.done), rows: format.number(status.rows) })}>
          <Progress value={status.rows ? (100 * status.done) / status.rows : 0} animated aria-label={t("imports.progress", { done: status.done, rows: status.rows })} />
        </Card>
      )}
      {counts.length > 0 && (
        <SimpleGrid cols={{ base: 2, sm: 4 }}>
          {counts.map(([outcome, rows]) => <Stat key={outcome} name={named(outcome)} value={format.number(rows)} />)}
        </SimpleGrid>
      )}
      {(status.counts.rejected ?? 0) > 0 && (
        <Anchor href={`/v1/imports/${status.import_id}/rejects`} download={`rejects-${status.import_id}.csv`} size="sm"><IconDownload size={14} aria-hidden /> {t("imports.rejects")}</Anchor>
      )}
      {status.state === "done" && <Alert p="xs" variant="light"><Text size="sm" c="var(--mantine-color-text)">{t("imports.duplicatesHint")} <Link to="/guests/duplicates">{t("imports.seeDuplicates")}</Link></Text></Alert>}
      <Mapping status={status} />
      {status.state !== "new" && !MOVING.includes(status.state) && <Rows status={status} outcomes={counts.map(([outcome]) => outcome)} named={named} />}
    </Stack>
  );
}

/** The first rows of the file under what each column is taken for. */
function Mapping({ status }: { status: Status }) {
  const { t } = useTranslation();
  const id = status.import_id;
  const of = new Map(Object.entries(status.mapping).map(([field, column]) => [column, field]));
  const queries = useQueryClient();
  const toasts = useToasts();
  const open = !MOVING.includes(status.state) && !["done", "undone"].includes(status.state);
  const change = async (column: number, field: string) => {
    const mapping = Object.fromEntries(Object.entries(status.mapping).filter(([name, at]) => at !== column && name !== field));
    if (field) mapping[field] = column;
    try {
      await api.PATCH("/v1/imports/{import}", { params: { path: { import: id } }, body: { mapping } });
    } catch (refused) {
      toasts.failed(refused);
    }
    await queries.invalidateQueries({ queryKey: ["import", id] });
  };
  return (
    <Card title={t("imports.mapping")}>
      <div className="scrolls" tabIndex={0}>
        <table className="plain">
          <thead>
            <tr>
              {status.header.map((name, n) => (
                <th key={n} scope="col">
                  <Text size="xs" fw={600} mb={4}>{name}</Text>
                  {open ? (
                    <NativeSelect size="xs" miw={120} aria-label={t("imports.column", { name })} value={of.get(n + 1) ?? ""} onChange={(event) => void change(n + 1, event.currentTarget.value)}
                      data={[{ value: "", label: t("imports.leaveOut") }, ...FIELDS.map((field) => ({ value: field, label: t(`imports.field.${field}`) }))]} />
                  ) : (
                    <Badge variant="default">{of.get(n + 1) ?? t("imports.leaveOut")}</Badge>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{status.sample.map((cells, row) => <tr key={row}>{cells.map((cell, n) => <td key={n}>{cell}</td>)}</tr>)}</tbody>
        </table>
      </div>
    </Card>
  );
}
