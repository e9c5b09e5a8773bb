import { Alert, Button, Grid, Group, JsonInput, SimpleGrid, Skeleton, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { RuleGroupType } from "react-querybuilder";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { api, data, type Schema } from "../../api/client";
import { KEPT } from "../../api/queries";
import { Refusal } from "../../api/refusal";
import { CHANNELS } from "../../parts/channels";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Card, Failure, Lines } from "../../parts/states";
import { useToasts } from "../../parts/toasts";
import { useVenue } from "../../shell/venue";
import { Builder } from "./Builder";
import { type Criteria, type Field, fromBuilder, partAt, toBuilder } from "./criteria";
import { useSegment } from "./Segment";
import { useSentences } from "./sentences";

const EVERYONE: Criteria = { v: 1, scope: "venue", where: { all: [] } };

/** Waits for what it edits: a saved segment, a template, or nothing. */
export default function Edit() {
  const { id } = useParams();
  const [address] = useSearchParams();
  const template = address.get("template");
  const segment = useSegment(id ? Number(id) : undefined);
  const templates = useQuery({ queryKey: ["templates"], enabled: template !== null, ...KEPT, queryFn: async () => (await data(api.GET("/v1/segments/templates"))).items });
  const chosen = templates.data?.find((one) => one.key === template);
  if (segment.isError) return <Failure error={segment.error} retry={() => void segment.refetch()} />;
  if ((id && !segment.data) || (template && !templates.data)) return <Lines count={8} />;
  const criteria = segment.data?.criteria ?? chosen?.criteria;
  return <Editor key={id ?? template} segment={segment.data} name={segment.data?.name ?? chosen?.name ?? ""} start={read(criteria)} />;
}

const read = (criteria: unknown): Criteria => (typeof criteria === "string" ? (JSON.parse(criteria) as Criteria) : ((criteria as Criteria | undefined) ?? EVERYONE));

function useFields(scope: "venue" | "org") {
  const schema = useQuery({ queryKey: ["criteria-schema"], ...KEPT, queryFn: () => data(api.GET("/v1/criteria/schema")) });
  const fields = useMemo(() => {
    const catalogue = (schema.data as unknown as { $defs?: { catalogue?: { enum?: Field[] } } } | undefined)?.$defs?.catalogue?.enum;
    return catalogue?.filter((field) => scope === "venue" || !field.venue_only);
  }, [schema.data, scope]);
  return { fields, schema };
}

function Editor({ segment, name: named, start }: { segment: Schema["Segment"] | undefined; name: string; start: Criteria }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const queries = useQueryClient();
  const toasts = useToasts();
  const { venue } = useVenue();
  const scope = segment && segment.venue_id == null ? "org" : "venue";
  const at = scope === "org" ? null : (segment?.venue_id ?? venue?.venue_id ?? null);
  // Until the venues have been read, nobody knows whose guests are meant.
  const placed = scope === "org" || at !== null;
  const { fields, schema } = useFields(scope);
  const [name, setName] = useState(named);
  const [json, setJson] = useState(false);
  const [query, setQuery] = useState<RuleGroupType>(() => toBuilder(start));
  const sentences = useSentences();
  const { criteria, pointers } = useMemo(() => fromBuilder(query, scope), [query, scope]);
  const text = JSON.stringify(criteria);
  const [asked] = useDebouncedValue(text, 350);

  const problems = useQuery({
    queryKey: ["validate", asked],
    refetchInterval: false,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await data(api.POST("/v1/criteria/validate", { body: { criteria: JSON.parse(asked) }, signal }))).items,
  });
  const wrong = problems.data?.filter((problem) => problem.severity === "error") ?? [];
  const preview = useQuery({
    queryKey: ["preview", asked, at, segment?.segment_id],
    enabled: placed && problems.data !== undefined && !problems.isPlaceholderData && wrong.length === 0,
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
          <Button loading={save.isPending} disabled={!name.trim() || wrong.length > 0 || !placed} onClick={() => save.mutate()}>{t("state.save")}</Button>
        </>
      }
    >
      {save.isError && <Failure error={save.error} />}
      <TextInput label={t("segments.name")} required maw={480} maxLength={120} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 8 }}>
          <Group justify="flex-end" mb="xs"><Switch size="sm" label={t("segments.showJson")} checked={json} onChange={(event) => setJson(event.currentTarget.checked)} /></Group>
          <SimpleGrid cols={{ base: 1, md: json ? 2 : 1 }}>
            {fields ? <Builder query={query} onChange={setQuery} fields={fields} counts={counts} errors={errors} /> : schema.isError ? <Failure error={schema.error} retry={() => void schema.refetch()} /> : <Skeleton h={160} />}
            {json && <Raw criteria={criteria} onChange={(next) => setQuery(toBuilder(next))} />}
          </SimpleGrid>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 4 }}><Preview preview={preview.data} sentence={sentences.of(criteria, preview.data?.sentence)} error={problems.error ?? (wrong.length === 0 ? preview.error : null)} isOld={preview.isFetching || asked !== text} saved={segment !== undefined} /></Grid.Col>
      </Grid>
    </Page>
  );
}

/** A key that criteria of other segments may name. */
const keyOf = (name: string) => name.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 60) || "segment";

/** The document beside the builder: what is changed there is written here, and what is written here is shown there once it can be read. */
function Raw({ criteria, onChange }: { criteria: Criteria; onChange: (criteria: Criteria) => void }) {
  const { t } = useTranslation();
  const current = JSON.stringify(criteria);
  const [text, setText] = useState(() => JSON.stringify(criteria, null, 2));
  const [error, setError] = useState<string>();
  const written = useRef(current);
  useEffect(() => {
    if (current === written.current) return;
    written.current = current;
    setText(JSON.stringify(JSON.parse(current), null, 2));
    setError(undefined);
  }, [current]);
  const write = (next: string) => {
    setText(next);
    try {
      const read = JSON.parse(next) as Criteria;
      if (typeof read?.where !== "object") throw new Error(t("segments.noWhere"));
      const { criteria: shown } = fromBuilder(toBuilder(read), read.scope ?? criteria.scope ?? "venue");
      setError(undefined);
      written.current = JSON.stringify(shown);
      onChange(read);
    } catch (wrong) {
      setError(String(wrong instanceof Error ? wrong.message : wrong));
    }
  };
  return <JsonInput aria-label="JSON" autosize minRows={14} maxRows={30} styles={{ input: { fontFamily: "ui-monospace, monospace", fontSize: 13 } }} value={text} onChange={write} error={error} />;
}

function Preview({ preview, sentence, error, isOld, saved }: { preview: Schema["Preview"] | undefined; sentence: string; error: unknown; isOld: boolean; saved: boolean }) {
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
        <Alert p="xs" variant="light"><Text size="sm" c="var(--mantine-color-text)">{sentence}</Text></Alert>
        <div>
          <Text size="xs" c="dimmed" mb={4}>{t("segments.reachableOf")}</Text>
          <dl className="facts">{CHANNELS.map((channel) => <div key={channel} style={{ display: "contents" }}><dt>{t(`privacy.channel.${channel}`)}</dt><dd>{format.number(preview.reachable[channel])}</dd></div>)}</dl>
        </div>
        <Guests title={t("segments.samples")} guests={preview.samples} />
        <Guests title={t("segments.joining")} guests={preview.joining_samples ?? []} />
        <Guests title={t("segments.leaving")} guests={preview.leaving_samples ?? []} />
      </Stack>
    </Card>
  );
}

function Guests({ title, guests }: { title: string; guests: Schema["Preview"]["samples"] }) {
  if (guests.length === 0) return null;
  return (
    <div>
      <Text size="xs" c="dimmed" mb={4}>{title}</Text>
      <Stack gap={2}>{guests.map((guest) => <Text key={guest.customer_id} size="sm" truncate><Link to={`/guests/${guest.customer_id}`}>{guest.name ?? guest.ref}</Link></Text>)}</Stack>
    </div>
  );
}
