import { Group, MultiSelect, NumberInput, Select, Switch, TagsInput, TextInput } from "@mantine/core";
import { DateInput } from "@mantine/dates";
import "@mantine/dates/styles.css";
import { useTranslation } from "react-i18next";
import { isLabel } from "../../parts/LabelBadge";
import type { Field, Operator } from "./criteria";
import { useFieldName } from "./names";

interface Input { field: Field; takes: Operator["takes"]; value: unknown; onChange: (value: unknown) => void; known?: string[] }

/** An editor for each kind of value. */
export function ValueInput({ field, takes, value, onChange, known }: Input) {
  const { t, i18n } = useTranslation();
  const named = (text: string) => {
    if (isLabel(text)) return t(`label.${text}.name`);
    for (const group of ["health", "value", "privacy.state"]) if (i18n.exists(`${group}.${text}`)) return t(`${group}.${text}` as "value.dinner");
    return text;
  };
  const choices = field.values?.map((text) => ({ value: text, label: named(text) }));
  const name = t("builder.value", { field: useFieldName()(field.name, field.label) });
  const one = (current: unknown, change: (next: unknown) => void, label = name) => {
    if (field.type === "boolean") return <Switch aria-label={label} checked={current === true} onChange={(event) => change(event.currentTarget.checked)} />;
    if (field.type === "timestamp" || field.type === "annual_date") return <Day label={label} value={current} onChange={change} />;
    if (choices) return <Select size="xs" aria-label={label} allowDeselect={false} data={choices} value={String(current ?? "")} onChange={(next) => next !== null && change(next)} />;
    if (field.type === "number") return <NumberInput size="xs" w={110} aria-label={label} value={(current as number) ?? ""} onChange={(next) => change(next === "" ? null : Number(next))} />;
    if (field.type === "money") return <NumberInput size="xs" w={120} aria-label={label} decimalScale={2} fixedDecimalScale value={String(current ?? "")} onChange={(next) => change(String(next))} />;
    if (known) return <TagsInputOne label={label} known={known} value={String(current ?? "")} onChange={change} />;
    return <TextInput size="xs" aria-label={label} value={String(current ?? "")} onChange={(event) => change(event.currentTarget.value)} />;
  };
  switch (takes) {
    case "nothing":
      return null;
    case "duration":
      return <DurationInput label={name} value={value} onChange={onChange} />;
    case "month":
      return <Select size="xs" aria-label={name} allowDeselect={false} data={months(i18n.language)} value={String(value ?? 1)} onChange={(next) => onChange(Number(next))} />;
    case "number":
      return <NumberInput size="xs" w={90} aria-label={name} value={(value as number) ?? ""} onChange={(next) => onChange(next === "" ? null : Number(next))} />;
    case "money":
      return <NumberInput size="xs" w={120} aria-label={name} decimalScale={2} value={String(value ?? "")} onChange={(next) => onChange(String(next))} />;
    case "range": {
      const [low, high] = Array.isArray(value) ? (value as unknown[]) : [];
      return (
        <Group gap={4}>
          {one(low, (next) => onChange([next, high]), `${name}, ${t("guests.from")}`)}
          <span>–</span>
          {one(high, (next) => onChange([low, next]), `${name}, ${t("guests.to")}`)}
        </Group>
      );
    }
    case "list": {
      const list = Array.isArray(value) ? (value as unknown[]).map(String) : [];
      const typed = (texts: string[]) => onChange(field.type === "number" ? texts.map(Number).filter(Number.isFinite) : texts);
      if (choices) return <MultiSelect size="xs" miw={160} aria-label={name} data={choices} value={list} onChange={onChange} />;
      return <TagsInput size="xs" miw={160} aria-label={name} data={known} value={list} onChange={typed} />;
    }
    default:
      return one(value, onChange);
  }
}

/** One text, with what is known proposed; anything else may be written too. */
function TagsInputOne({ label, known, value, onChange }: { label: string; known: string[]; value: string; onChange: (text: string) => void }) {
  return <TagsInput size="xs" miw={160} aria-label={label} data={known} value={value ? [value] : []} onChange={(texts) => onChange(texts.at(-1) ?? "")} />;
}

const UNITS = ["d", "w", "mo", "y"] as const;

/** "30d", "2w", "6mo", "1y" */
export function DurationInput({ label, value, onChange }: { label: string; value: unknown; onChange: (value: string) => void }) {
  const { t } = useTranslation();
  const [, number = "30", unit = "d"] = /^(\d+)(d|w|mo|y)$/.exec(String(value)) ?? [];
  return (
    <Group gap={4} wrap="nowrap">
      <NumberInput size="xs" w={70} min={1} max={9999} allowDecimal={false} aria-label={label} value={Number(number)} onChange={(next) => onChange(`${next || 1}${unit}`)} />
      <Select size="xs" w={110} allowDeselect={false} aria-label={t("builder.unit")} data={UNITS.map((one) => ({ value: one, label: t(`builder.unit_${one}`) }))} value={unit} onChange={(next) => onChange(`${number}${next}`)} />
    </Group>
  );
}

/** A calendar day, today, or a time ago or ahead. */
function Day({ label, value, onChange }: { label: string; value: unknown; onChange: (value: unknown) => void }) {
  const { t } = useTranslation();
  const relative = typeof value === "object" && value !== null ? (value as { ago?: string; ahead?: string }) : undefined;
  const kind = value === "today" ? "today" : relative?.ago !== undefined ? "ago" : relative?.ahead !== undefined ? "ahead" : "day";
  const change = (next: string | null) => {
    if (next === "today") onChange("today");
    else if (next === "ago" || next === "ahead") onChange({ [next]: "30d" });
    else onChange(new Date().toISOString().slice(0, 10));
  };
  return (
    <Group gap={4} wrap="nowrap">
      <Select size="xs" w={120} aria-label={label} allowDeselect={false} value={kind} onChange={change}
        data={(["day", "today", "ago", "ahead"] as const).map((one) => ({ value: one, label: t(`builder.day_${one}`) }))} />
      {kind === "day" && <DateInput size="xs" w={130} aria-label={label} value={String(value ?? "")} onChange={(next) => next && onChange(next)} />}
      {relative && <DurationInput label={label} value={relative.ago ?? relative.ahead} onChange={(next) => onChange({ [kind]: next })} />}
    </Group>
  );
}

const months = (language: string) =>
  Array.from({ length: 12 }, (_, n) => ({ value: String(n + 1), label: new Date(Date.UTC(2024, n, 1)).toLocaleString(language, { month: "long", timeZone: "UTC" }) }));
