import { ActionIcon, Button, Divider, Group, MultiSelect, Progress, Select, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { useToasts } from "../../parts/toasts";
import { useVenue } from "../../shell/venue";
import { type Dossier, useChange } from "./dossier";
import { KitchenCard } from "./KitchenCard";

const ALLERGENS = ["gluten", "crustaceans", "eggs", "fish", "peanuts", "soybeans", "milk", "nuts", "celery", "mustard", "sesame", "sulphites", "lupin", "molluscs"] as const;
const DIETS = ["vegetarian", "vegan", "pescatarian", "halal", "kosher", "no_pork", "no_beef", "no_alcohol", "diabetic", "low_sodium", "low_sugar", "low_fat", "low_carb", "low_fodmap"] as const;
const STATED = ["favourite_product", "disliked_product", "favourite_category", "disliked_category", "seating"] as const;

export function Preferences({ dossier }: { dossier: Dossier }) {
  const { t, i18n } = useTranslation();
  const kinds = [...new Set(dossier.preferences.map((one) => one.kind))];
  const named = (kind: string) => (i18n.exists(`preference.${kind}`) ? t(`preference.${kind}` as "preference.seating") : kind);
  return (
    <Stack>
      <KitchenCard id={dossier.profile.customer_id} />
      <Needs dossier={dossier} />
      <Divider />
      <State id={dossier.profile.customer_id} named={named} />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        {kinds.map((kind) => (
          <div key={kind}>
            <Text size="sm" fw={650} mb={4}>{named(kind)}</Text>
            <Stack gap={6}>{dossier.preferences.filter((one) => one.kind === kind).map((one) => <One key={`${one.value}${one.venue_id}`} id={dossier.profile.customer_id} one={one} />)}</Stack>
          </div>
        ))}
      </SimpleGrid>
      {kinds.length === 0 && <Text size="sm" c="dimmed">{t("guest.noPreferences")}</Text>}
    </Stack>
  );
}

function One({ id, one }: { id: string; one: Dossier["preferences"][number] }) {
  const { t } = useTranslation();
  const toasts = useToasts();
  const name = one.name ?? one.value;
  const stated = one.source === "explicit";
  const state = useChange(id, () => api.POST("/v1/customers/{id}/preferences", { params: { path: { id } }, body: { kind: one.kind, value: one.value, venue: one.venue_id ?? null, strength: String(one.strength) } }));
  const withdraw = useChange(id, () => api.DELETE("/v1/customers/{id}/preferences", { params: { path: { id }, query: { kind: one.kind, value: one.value, venue: one.venue_id ?? undefined } } }));
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="sm" truncate>{name}</Text>
        <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
          {stated ? t("guest.stated") : one.of_orders ? t("guest.ofOrders", { orders: one.orders, of: one.of_orders }) : ""}
          {stated && <ActionIcon size="xs" variant="subtle" color="gray" aria-label={t("guest.withdraw", { name })}
            onClick={() => withdraw.mutate(undefined, { onSuccess: () => toasts.done(t("guest.withdrawn", { name }), () => state.mutate(undefined)) })}><IconX size={12} /></ActionIcon>}
        </Text>
      </Group>
      <Progress size={4} value={Number(one.strength) * 100} color={stated ? "teal" : "brand"} aria-label={t("guest.strength", { name })} />
    </div>
  );
}

function Needs({ dossier: { profile, health_needs } }: { dossier: Dossier }) {
  const { t } = useTranslation();
  const { venue } = useVenue();
  const of = (kind: string) => health_needs.filter((need) => need.kind === kind && (need.venue_id ?? venue?.venue_id) === venue?.venue_id).map((need) => need.value);
  const [open, setOpen] = useState(false);
  const [allergens, setAllergens] = useState<string[]>([]);
  const [diets, setDiets] = useState<string[]>([]);
  const id = profile.customer_id;
  const save = useChange(id, () => api.PUT("/v1/customers/{id}/health-needs", { params: { path: { id } }, body: { allergens, diets, venue: venue!.venue_id } }), t("guest.needsSaved"));
  const start = () => {
    setAllergens(of("allergen"));
    setDiets(of("diet"));
    setOpen(true);
  };
  if (!open) return <Group><Button size="xs" variant="default" onClick={start}>{t("guest.editNeeds")}</Button></Group>;
  return (
    <Stack gap="xs">
      <MultiSelect label={t("guest.allergens")} searchable data={ALLERGENS.map((value) => ({ value, label: t(`health.${value}`) }))} value={allergens} onChange={setAllergens} />
      <MultiSelect label={t("guest.diets")} searchable data={DIETS.map((value) => ({ value, label: t(`health.${value}`) }))} value={diets} onChange={setDiets} />
      <Text size="xs" c="dimmed">{t("guest.needsHint")}</Text>
      <Group gap="xs">
        <Button size="xs" loading={save.isPending} disabled={!venue} onClick={() => save.mutate(undefined, { onSuccess: () => setOpen(false) })}>{t("state.save")}</Button>
        <Button size="xs" variant="subtle" onClick={() => setOpen(false)}>{t("state.cancel")}</Button>
      </Group>
    </Stack>
  );
}

function State({ id, named }: { id: string; named: (kind: string) => string }) {
  const { t } = useTranslation();
  const { venue } = useVenue();
  const [kind, setKind] = useState<string>("favourite_category");
  const [value, setValue] = useState("");
  const state = useChange(id, () => api.POST("/v1/customers/{id}/preferences", { params: { path: { id } }, body: { kind, value: value.trim(), venue: venue!.venue_id, strength: "1" } }), t("guest.preferenceSaved"));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    state.mutate(undefined, { onSuccess: () => setValue("") });
  };
  return (
    <form onSubmit={submit}>
      <Group gap="xs" align="flex-end">
        <Select size="xs" label={t("guest.said")} allowDeselect={false} data={STATED.map((one) => ({ value: one, label: named(one) }))} value={kind} onChange={(next) => next && setKind(next)} />
        <TextInput size="xs" aria-label={t("guest.saidWhat")} placeholder={t("guest.saidWhat")} value={value} onChange={(event) => setValue(event.currentTarget.value)} className="grows" />
        <Button size="xs" type="submit" loading={state.isPending} disabled={!value.trim() || !venue}>{t("state.add")}</Button>
      </Group>
    </form>
  );
}
