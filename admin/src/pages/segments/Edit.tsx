import { Alert, Button, Grid, Group, JsonInput, Skeleton, Stack, Tabs, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { RuleGroupType } from "react-querybuilder";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { api, data, type Schema } from "../../api/client";
import { Refusal } from "../../api/refusal";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Card, Failure, Lines } from "../../parts/states";
import { useToasts } from "../../parts/toasts";
import { useVenue } from "../../shell/venue";
import { Builder } from "./Builder";
import { type Criteria, type Field, fromBuilder, partAt, toBuilder } from "./criteria";
import { useSegment } from "./Segment";

const EVERYONE: Criteria = { v: 1, scope: "venue", where: { all: [] } };

/** Waits for what it edits: a saved segment, a template, or nothing. */
export default function Edit() {
  const { id } = useParams();
  const [address] = useSearchParams();
  const template = address.get("template");
  const segment = useSegment(id ? Number(id) : undefined);
  const templates = useQuery({ queryKey: ["templates"], enabled: template !== null, staleTime: Infinity, queryFn: async () => (await data(api.GET("/v1/segments/templates"))).items });
  const chosen = templates.data?.find((one) => one.key === template);
  if (segment.isError) return <Failure error={segment.error} retry={() => void segment.refetch()} />;
  if ((id && !segment.data) || (template && !templates.data)) return <Lines count={8} />;
  const criteria = segment.data?.criteria ?? chosen?.criteria;
  return <Editor key={id ?? template} segment={segment.data} name={segment.data?.name ?? chosen?.name ?? ""} start={read(criteria)} />;
}

const read = (criteria: unknown): Criteria => (typeof criteria === "string" ? (JSON.parse(criteria) as Criteria) : ((criteria as Criteria | undefined) ?? EVERYONE));

function useFields(scope: "venue" | "org") {
  const schema = useQuery({ queryKey: ["criteria-schema"], staleTime: Infinity, queryFn: () => data(api.GET("/v1/criteria/schema")) });
  return useMemo(() => {
    const catalogue = (schema.data as unknown as { $defs?: { catalogue?: { enum?: Field[] } } } | undefined)?.$defs?.catalogue?.enum;
    return catalogue?.filter((field) => scope === "venue" || !field.venue_only);
  }, [schema.data, scope]);
}

function Editor({ segment, name: named, start }: { segment: Schema["Segment"] | undefined; name: string; start: Criteria }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const queries = useQueryClient();
  const toasts = useToasts();
  const { venue } = useVenue();
  const scope = segment && segment.venue_id == null ? "org" : "venue";
  const at = scope === "org" ? null : (segment?.venue_id ?? venue?.venue_id ?? null);
  const fields = useFields(scope);
  const [name, setName] = useState(named);
  const [query, setQuery] = useState<RuleGroupType>(() => toBuilder(start));
  const { criteria, pointers } = useMemo(() => fromBuilder(query, scope), [query, scope]);
  const text = JSON.stringify(criteria);
  const [asked] = useDebouncedValue(text, 350);

  const problems = useQuery({
    queryKey: ["validate", asked],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await data(api.POST("/v1/criteria/validate", { body: { criteria: JSON.parse(asked) }, signal }))).items,
  });
  const wrong = problems.data?.filter((problem) => problem.severity === "error") ?? [];
  const preview = useQuery({
    queryKey: ["preview", asked, at, segment?.segment_id],
    enabled: problems.data !== undefined && !problems.isPlaceholderData && wrong.length === 0,
    placeholderData: keepPreviousData,
    retry: false,
    queryFn: ({ signal }) => data(api.POST("/v1/segments/preview", { body: { criteria: JSON.parse(asked), venue: at, segment: segment?.segment_id ?? null }, signal })),
  });
  const counts = useMemo(() => {
    const byPointer = new Map(preview.data?.nodes.map((node) => [node.pointer, node.members]));
    return new Map([...pointers].flatMap(([id, pointer]) => (byPointer.has(pointer) ? [[id, byPointer.get(pointer)!] as const] : [])));
  }, [preview.data, pointers]);
  const errors = useMemo(() => {
    const found = new Map<string, string[]>();
    for (const problem of problems.data ?? []) {
      const id = partAt(pointers, problem.pointer ?? "/where");
      const said = [problem.message, problem.suggestion].filter(Boolean).join(" ");
      if (id) found.set(id, [...(found.get(id) ?? []), said]);
    }
    return found;
  }, [problems.data, pointers]);

  const save = useMutation({
    mutationFn: async () => {
      if (segment) {
        await api.PATCH("/v1/segments/{segment}", { params: { path: { segment: segment.segment_id } }, body: { name, criteria: JSON.parse(text) } });
        return segment.segment_id;
      }
      const made = await data(api.POST("/v1/segments", { body: { venue: at, key: keyOf(name), name, criteria: JSON.parse(text) } }));
      return made.segment_id;
    },
    async onSuccess(id) {
      toasts.done(t("segments.saved", { name }));
      await Promise.all([queries.invalidateQueries({ queryKey: ["segments"] }), queries.invalidateQueries({ queryKey: ["segment"] })]);
      await go(`/segments/${id}`);
    },
  });
  return (
    <Page
      title={segment ? t("segments.edit", { name: segment.name }) : t("segments.make")}
      actions={
        <>
          <Button variant="subtle" onClick={() => void go(-1)}>{t("state.cancel")}</Button>
          <Button loading={save.isPending} disabled={!name.trim() || wrong.length > 0} onClick={() => save.mutate()}>{t("state.save")}</Button>
        </>
      }
    >
      {save.isError && <Failure error={save.error} />}
      <TextInput label={t("segments.name")} required maw={480} maxLength={120} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 8 }}>
          <Tabs defaultValue="builder" keepMounted={false}>
            <Tabs.List mb="sm">
              <Tabs.Tab value="builder">{t("segments.builder")}</Tabs.Tab>
              <Tabs.Tab value="json">JSON</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="builder">
              {fields ? <Builder query={query} onChange={setQuery} fields={fields} counts={counts} errors={errors} /> : <Skeleton h={160} />}
            </Tabs.Panel>
            <Tabs.Panel value="json"><Raw criteria={criteria} onChange={(next) => setQuery(toBuilder(next))} /></Tabs.Panel>
          </Tabs>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 4 }}><Preview preview={preview.data} error={wrong.length === 0 ? preview.error : null} isOld={preview.isFetching || asked !== text} saved={segment !== undefined} /></Grid.Col>
      </Grid>
    </Page>
  );
}

/** A key that criteria of other segments may name. */
const keyOf = (name: string) => name.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 60) || "segment";

function Raw({ criteria, onChange }: { criteria: Criteria; onChange: (criteria: Criteria) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(() => JSON.stringify(criteria, null, 2));
  const [error, setError] = useState<string>();
  useEffect(() => {
    try {
      const next = JSON.parse(text) as Criteria;
      if (typeof next?.where !== "object") throw new Error(t("segments.noWhere"));
      toBuilder(next);
      setError(undefined);
      if (JSON.stringify(next) !== JSON.stringify(criteria)) onChange(next);
    } catch (wrong) {
      setError(String(wrong instanceof Error ? wrong.message : wrong));
    }
    // Only what is written here counts: the builder is not seen beside it.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [text]);
  return <JsonInput aria-label="JSON" autosize minRows={14} maxRows={30} styles={{ input: { fontFamily: "ui-monospace, monospace", fontSize: 13 } }} value={text} onChange={setText} error={error} />;
}

function Preview({ preview, error, isOld, saved }: { preview: Schema["Preview"] | undefined; error: unknown; isOld: boolean; saved: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (error) return <Failure error={error instanceof Refusal ? error : String(error)} />;
  if (!preview) return <Card title={t("segments.preview")}><Lines count={4} /></Card>;
  return (
    <Card title={t("segments.preview")}>
      <Stack gap="sm" style={{ opacity: isOld ? 0.55 : 1 }} aria-busy={isOld}>
        <div aria-live="polite">
          <Group gap="xs" align="baseline">
            <Text fz={32} fw={700} lh={1} className="tabular">{preview.estimated ? "≈ " : ""}{format.number(preview.members)}</Text>
            <Text size="sm" c="dimmed">{t("segments.of", { base: format.number(preview.base), share: format.percent(preview.share) })}</Text>
          </Group>
        </div>
        {saved && preview.joining != null && (
          <Text size="sm"><b className="tabular">+{format.number(preview.joining)}</b> {t("segments.join")} · <b className="tabular">−{format.number(preview.leaving)}</b> {t("segments.leave")}</Text>
        )}
        <Alert p="xs" variant="light"><Text size="sm" c="var(--mantine-color-text)">{preview.sentence}</Text></Alert>
        {preview.samples.length > 0 && (
          <div>
            <Text size="xs" c="dimmed" mb={4}>{t("segments.samples")}</Text>
            <Stack gap={2}>{preview.samples.map((guest) => <Text key={guest.customer_id} size="sm" truncate><Link to={`/guests/${guest.customer_id}`}>{guest.name ?? guest.ref}</Link></Text>)}</Stack>
          </div>
        )}
      </Stack>
    </Card>
  );
}
