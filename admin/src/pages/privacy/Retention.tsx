import { Button, Group, NumberInput, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Card, Failure, Loaded } from "../../parts/states";
import { useToasts } from "../../parts/toasts";

/** How long guests and events are kept, and whom it touches, before it is said and after. */
export function Retention() {
  const kept = useQuery({ queryKey: ["retention"], queryFn: () => data(api.GET("/v1/retention")) });
  return <Loaded query={kept}>{(policy) => <Policy key={policy.set_at} policy={policy} />}</Loaded>;
}

interface Kept { anonymise_after_months: number | null; drop_events_after_months: number | null; drop_accesses_after_months: number | null; set_at: string | null; set_by: string | null }

function Policy({ policy }: { policy: Kept }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const toasts = useToasts();
  const [guests, setGuests] = useState<number | string>(policy.anonymise_after_months ?? "");
  const [events, setEvents] = useState<number | string>(policy.drop_events_after_months ?? "");
  const [accesses, setAccesses] = useState<number | string>(policy.drop_accesses_after_months ?? "");
  const months = (value: number | string) => (value === "" ? null : Number(value));
  const body = { anonymise_after_months: months(guests), drop_events_after_months: months(events), drop_accesses_after_months: months(accesses) };
  const preview = useMutation({ mutationFn: async () => (await data(api.POST("/v1/retention/preview", { body }))).items });
  const save = useMutation({
    mutationFn: () => api.PUT("/v1/retention", { body }),
    onSuccess: () => toasts.done(t("privacy.policySaved")),
    onError: toasts.failed,
    onSettled: () => queries.invalidateQueries({ queryKey: ["retention"] }),
  });
  const touched = preview.data?.find((one) => one.touched === "guests")?.rows ?? 0;
  const ask = () =>
    modals.openConfirmModal({
      title: t("privacy.policyAsk"),
      children: <Text size="sm">{t("privacy.policyWarn", { n: format.number(body.anonymise_after_months === null ? 0 : touched) })}</Text>,
      labels: { confirm: t("privacy.policyAsk"), cancel: t("state.cancel") },
      confirmProps: { color: "red" },
      onConfirm: () => save.mutate(),
    });
  const write = (set: typeof setGuests) => (value: number | string) => {
    set(value);
    preview.reset();
  };
  const named = (of: string) => (i18n.exists(`privacy.touched.${of}`) ? t(`privacy.touched.${of}` as "privacy.touched.guests") : of);
  return (
    <Card title={t("privacy.retentionTitle")}>
      <Text size="sm" c="dimmed" mb="xs">{t("privacy.retentionHint")}</Text>
      <Text size="sm" mb="sm">{policy.set_at ? t("privacy.policySince", { day: format.dayOf(policy.set_at), who: policy.set_by ?? "–" }) : t("privacy.noPolicy")}</Text>
      <Group align="flex-end" gap="sm">
        <NumberInput size="xs" min={1} max={1200} label={t("privacy.anonymiseAfter")} value={guests} onChange={write(setGuests)} />
        <NumberInput size="xs" min={1} max={1200} label={t("privacy.dropAfter")} value={events} onChange={write(setEvents)} />
        <NumberInput size="xs" min={1} max={1200} label={t("privacy.dropAccessesAfter")} value={accesses} onChange={write(setAccesses)} />
        <Button size="xs" variant="default" loading={preview.isPending} onClick={() => preview.mutate()}>{t("privacy.preview")}</Button>
        {preview.data && <Button size="xs" color="red" loading={save.isPending} onClick={ask}>{t("privacy.policyAsk")}</Button>}
      </Group>
      <div aria-live="polite">
        {preview.isError && <Failure error={preview.error} />}
        {preview.data && <table className="plain"><tbody>{preview.data.map((one) => <tr key={one.touched}><td>{named(one.touched)}</td><td className="number">{format.number(one.rows)}</td></tr>)}</tbody></table>}
      </div>
    </Card>
  );
}
