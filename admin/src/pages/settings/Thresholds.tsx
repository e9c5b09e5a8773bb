import { ActionIcon, Button, Grid, Group, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { DateInput } from "@mantine/dates";
import "@mantine/dates/styles.css";
import { useDebouncedValue } from "@mantine/hooks";
import { IconArrowRight, IconPlus, IconX } from "@tabler/icons-react";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, data, type Schema } from "../../api/client";
import { Refusal } from "../../api/refusal";
import { today, useFormat } from "../../parts/format";
import { LabelBadge } from "../../parts/LabelBadge";
import { Card, Empty, Failure, Loaded } from "../../parts/states";
import { useToasts } from "../../parts/toasts";
import { useMay } from "../../shell/session";
import { useVenue } from "../../shell/venue";

type Values = Schema["Settings"];
const NUMBERS = ["at_risk_days", "lost_days", "new_days", "regular_visits", "min_cohort"] as const;

export function Thresholds() {
  const { venue } = useVenue();
  const settings = useQuery({
    queryKey: ["settings", venue?.venue_id],
    enabled: venue !== undefined,
    queryFn: () => data(api.GET("/v1/venues/{venue}/settings", { params: { path: { venue: venue!.venue_id } } })),
  });
  return <Loaded query={settings}>{(saved) => <Form key={JSON.stringify(saved)} saved={saved} />}</Loaded>;
}

/** What a change would mean is shown before it is saved. */
function Form({ saved }: { saved: Values }) {
  const { t } = useTranslation();
  const { venue } = useVenue();
  const isAdmin = useMay("admin");
  const queries = useQueryClient();
  const toasts = useToasts();
  const [values, setValues] = useState(saved);
  const changes = Object.fromEntries(Object.entries(values).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(saved[name as keyof Values])));
  const changed = Object.keys(changes).length > 0;
  const path = { venue: venue!.venue_id };
  const save = useMutation({
    mutationFn: (asked: Partial<Values>) => api.PATCH("/v1/venues/{venue}/settings", { params: { path }, body: asked }),
    onSettled: () => queries.invalidateQueries(),
  });
  const keep = () => save.mutate(changes, { onSuccess: () => toasts.done(t("settings.saved"), () => save.mutate(saved)) });
  const refused = save.error instanceof Refusal ? save.error : undefined;
  const wrong = (name: string) => (refused?.pointer === `#/body/${name}` ? refused.detail : undefined);
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, md: 5 }}>
        <Card title={t("settings.thresholds", { venue: venue?.name })}>
          <Stack gap="sm">
            {NUMBERS.map((name) => (
              <NumberInput key={name} disabled={!isAdmin} label={t(`settings.${name}`)} description={t(`settings.${name}_hint`)} min={1} allowDecimal={false} error={wrong(name)}
                value={values[name]} onChange={(value) => value !== "" && setValues({ ...values, [name]: Number(value) })} />
            ))}
            <TextInput type="time" disabled={!isAdmin} label={t("settings.day_starts_at")} description={t("settings.day_starts_at_hint")} error={wrong("day_starts_at")}
              value={values.day_starts_at.slice(0, 5)} onChange={(event) => setValues({ ...values, day_starts_at: `${event.currentTarget.value}:00` })} />
            <Closures values={values} setValues={setValues} disabled={!isAdmin} />
            {save.isError && !NUMBERS.some(wrong) && <Failure error={save.error} />}
            {isAdmin ? (
              <Group>
                <Button disabled={!changed} loading={save.isPending} onClick={keep}>{t("state.save")}</Button>
                {changed && <Button variant="subtle" onClick={() => setValues(saved)}>{t("state.cancel")}</Button>}
              </Group>
            ) : (
              <Text size="xs" c="dimmed">{t("settings.adminOnly")}</Text>
            )}
          </Stack>
        </Card>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 7 }}><WhatIf changes={changes} changed={changed} /></Grid.Col>
    </Grid>
  );
}

function Closures({ values, setValues, disabled }: { values: Values; setValues: (values: Values) => void; disabled: boolean }) {
  const { t } = useTranslation();
  const { venue } = useVenue();
  const write = (closures: Values["closures"]) => setValues({ ...values, closures });
  const day = today(venue?.timezone);
  return (
    <div>
      <Text size="sm" fw={500}>{t("settings.closures")}</Text>
      <Text size="xs" c="dimmed" mb={4}>{t("settings.closures_hint")}</Text>
      <Stack gap={4}>
        {values.closures.map((closure, n) => (
          <Group key={n} gap={4} wrap="nowrap">
            <DateInput size="xs" disabled={disabled} aria-label={t("guests.from")} value={closure.from_day} onChange={(from) => from && write(values.closures.map((one, at) => (at === n ? { ...one, from_day: from } : one)))} />
            <DateInput size="xs" disabled={disabled} aria-label={t("guests.to")} value={closure.to_day} onChange={(to) => to && write(values.closures.map((one, at) => (at === n ? { ...one, to_day: to } : one)))} />
            <ActionIcon size="sm" disabled={disabled} variant="subtle" color="gray" aria-label={t("builder.remove")} onClick={() => write(values.closures.filter((_, at) => at !== n))}><IconX size={14} /></ActionIcon>
          </Group>
        ))}
        {!disabled && <Button size="compact-xs" w="fit-content" variant="subtle" leftSection={<IconPlus size={12} />} onClick={() => write([...values.closures, { from_day: day, to_day: day }])}>{t("state.add")}</Button>}
      </Stack>
    </div>
  );
}

function WhatIf({ changes, changed }: { changes: Partial<Values>; changed: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { venue } = useVenue();
  const text = JSON.stringify(changes);
  const [asked] = useDebouncedValue(text, 300);
  const effect = useQuery({
    queryKey: ["what-if", venue?.venue_id, asked],
    enabled: changed && asked !== "{}",
    placeholderData: keepPreviousData,
    retry: false,
    queryFn: async ({ signal }) => (await data(api.POST("/v1/venues/{venue}/settings-preview", { params: { path: { venue: venue!.venue_id } }, body: JSON.parse(asked), signal }))).items,
  });
  return (
    <Card title={t("settings.whatIf")}>
      {!changed ? (
        <Text size="sm" c="dimmed">{t("settings.whatIfHint")}</Text>
      ) : (
        <Loaded query={effect}>
          {(rows) => rows.length === 0 ? <Empty title={t("settings.noEffect")} /> : (
            <div aria-live="polite" className="scrolls" tabIndex={0} style={{ opacity: asked === text && !effect.isFetching ? 1 : 0.55 }}>
              <table className="plain">
                <tbody>
                  {rows.map((row) => (
                    <tr key={`${row.from_label}${row.to_label}`}>
                      <td><LabelBadge label={row.from_label} /></td>
                      <td><IconArrowRight size={16} aria-label={t("today.became")} /></td>
                      <td><LabelBadge label={row.to_label} /></td>
                      <td className="number"><b>{format.number(row.guests)}</b></td>
                      <td><Text size="xs" c="dimmed">{row.guests_anyway > 0 && t("settings.anyway", { n: format.number(row.guests_anyway) })} {row.sample.slice(0, 3).map((guest) => guest.name).join(", ")}…</Text></td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Loaded>
      )}
    </Card>
  );
}
