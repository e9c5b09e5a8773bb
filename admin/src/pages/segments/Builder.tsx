import { ActionIcon, Alert, Badge, Button, Code, Group, Select, Stack, Text } from "@mantine/core";
import { IconPlus, IconTrash, IconX } from "@tabler/icons-react";
import { QueryBuilderMantine } from "@react-querybuilder/mantine";
import { createContext, useContext, useMemo } from "react";
import { useTranslation } from "react-i18next";
import {
  type ActionProps, type CombinatorSelectorProps, type FieldSelectorProps, type NotToggleProps, type OperatorSelectorProps, QueryBuilder, type RuleGroupType, type ValueEditorProps,
} from "react-querybuilder";
import { useFormat } from "../../parts/format";
import { useSegments, useTags } from "../../parts/lists";
import { type Field, firstValue, type Held, heldBy, type Leaf } from "./criteria";
import { useFieldName } from "./names";
import { DurationInput, ValueInput } from "./ValueInput";

interface Notes { fields: Field[]; counts: Map<string, number>; errors: Map<string, string[]> }
const Noted = createContext<Notes>({ fields: [], counts: new Map(), errors: new Map() });

/** Nested groups of conditions; beside each what the service says of it: how many guests it means, or what is wrong. */
export function Builder({ query, onChange, ...notes }: Notes & { query: RuleGroupType; onChange: (query: RuleGroupType) => void }) {
  const { t } = useTranslation();
  const { fields } = notes;
  const elements = useMemo(() => ({
    fieldSelector: FieldChoice, operatorSelector: OperatorChoice, valueEditor: Value, combinatorSelector: AllOrAny, notToggle: NotToggle,
    addRuleAction: AddRule, addGroupAction: AddGroup, removeRuleAction: Remove, removeGroupAction: Remove,
  }), []);
  const first = fields[0];
  if (!first) return null;
  return (
    <Noted.Provider value={notes}>
      <QueryBuilderMantine>
        <QueryBuilder
          query={query}
          onQueryChange={onChange}
          fields={fields.map(({ name, label }) => ({ name, label }))}
          combinators={[{ name: "all", label: t("builder.all") }, { name: "any", label: t("builder.any") }]}
          getOperators={(name) => (fields.find((field) => field.name === name)?.operators ?? []).map((operator) => ({ name: operator.name, label: operator.name }))}
          getDefaultValue={(rule) => firstValue(...known(fields, rule.field, rule.operator))}
          getDefaultOperator={(name) => fields.find((field) => field.name === name)?.operators[0]?.name ?? "eq"}
          resetOnFieldChange
          resetOnOperatorChange
          showNotToggle
          showCombinatorsBetweenRules={false}
          maxLevels={5}
          controlClassnames={{ queryBuilder: "builder" }}
          controlElements={elements}
        />
      </QueryBuilderMantine>
    </Noted.Provider>
  );
}

function known(fields: Field[], name: string, operator: string) {
  const field = fields.find((one) => one.name === name);
  return [field, field?.operators.find((one) => one.name === operator)?.takes] as const;
}

function FieldChoice({ value, handleOnChange }: FieldSelectorProps) {
  const { t, i18n } = useTranslation();
  const fieldName = useFieldName();
  const { fields } = useContext(Noted);
  const groups = [...new Set(fields.map((field) => field.group))];
  const named = (group: string) => (i18n.exists(`builder.group.${group}`) ? t(`builder.group.${group}` as "builder.group.stats") : group);
  return (
    <Select size="xs" w={190} searchable allowDeselect={false} aria-label={t("builder.field")} value={value ?? null} onChange={(next) => next && handleOnChange(next)}
      data={groups.map((group) => ({ group: named(group), items: fields.filter((field) => field.group === group).map((field) => ({ value: field.name, label: fieldName(field.name, field.label) })) }))} />
  );
}

function useOperatorName() {
  const { t, i18n } = useTranslation();
  return (name: string) => (i18n.exists(`builder.op.${name}`) ? t(`builder.op.${name}` as "builder.op.eq") : name);
}

function OperatorChoice({ value, handleOnChange, field }: OperatorSelectorProps) {
  const { t } = useTranslation();
  const named = useOperatorName();
  const { fields } = useContext(Noted);
  const operators = fields.find((one) => one.name === field)?.operators ?? [];
  return <Select size="xs" w={150} allowDeselect={false} aria-label={t("builder.operator")} value={value ?? null} onChange={(next) => next && handleOnChange(next)} data={operators.map(({ name }) => ({ value: name, label: named(name) }))} />;
}

/** What tags and segments there are. */
function useKnown(field: string) {
  const tags = useTags().data;
  const segments = useSegments().data;
  if (field === "tags") return tags?.map((tag) => tag.name);
  if (field === "in_segment") return segments?.map((segment) => segment.key);
  return undefined;
}

function Value({ rule, handleOnChange }: ValueEditorProps) {
  const { fields } = useContext(Noted);
  const [field, takes] = known(fields, rule.field, rule.operator);
  const proposed = useKnown(rule.field);
  const held = heldBy(rule);
  const change = (changes: Held) => handleOnChange({ ...held, ...changes });
  return (
    <Stack gap={4} className="grows">
      <Group gap={6}>
        {field && takes && <ValueInput field={field} takes={takes} value={held.value} known={proposed} onChange={(value) => change({ value })} />}
        {field?.type === "relation" && <Within held={held} change={change} />}
        <Beside id={rule.id} />
      </Group>
      {field?.type === "relation" && <Where relation={field} held={held} change={change} />}
      <Errors id={rule.id} />
    </Stack>
  );
}

/** Which rows of a relation count: those of the last days, or all. */
function Within({ held, change }: { held: Held; change: (changes: Held) => void }) {
  const { t } = useTranslation();
  const within = held.within as { last?: string } | undefined;
  if (within && within.last === undefined) return <Code>{JSON.stringify(within)}</Code>;
  return (
    <Group gap={4} wrap="nowrap">
      <Select size="xs" w={130} allowDeselect={false} aria-label={t("builder.within")} value={within ? "last" : "ever"}
        data={[{ value: "ever", label: t("builder.ever") }, { value: "last", label: t("builder.inTheLast") }]}
        onChange={(next) => change({ within: next === "last" ? { last: "90d" } : undefined })} />
      {within && <DurationInput label={t("builder.within")} value={within.last} onChange={(last) => change({ within: { last } })} />}
    </Group>
  );
}

/** Conditions on the rows of a relation, all of which must hold; anything richer is shown as JSON and edited there. */
function Where({ relation, held, change }: { relation: Field; held: Held; change: (changes: Held) => void }) {
  const { t } = useTranslation();
  const named = useOperatorName();
  const fieldName = useFieldName();
  const fields = relation.fields?.filter((field) => field.type !== "relation") ?? [];
  const where = held.where;
  const parts = !where ? [] : "all" in where ? where.all : [where];
  if (parts.some((part) => !("field" in part) || !fields.some((field) => field.name === part.field))) return <Code block>{JSON.stringify(where, null, 1)}</Code>;
  const leaves = parts as Leaf[];
  const write = (next: Leaf[]) => change({ where: next.length === 0 ? undefined : next.length === 1 ? next[0] : { all: next } });
  const make = (field: Field, operator = field.operators[0]): Leaf => ({ field: field.name, op: operator?.name ?? "eq", ...firstValue(field, operator?.takes) });
  return (
    <Stack gap={4} className="relation">
      {leaves.map((leaf, n) => {
        const field = fields.find((one) => one.name === leaf.field);
        const operator = field?.operators.find((one) => one.name === leaf.op);
        const put = (next: Leaf) => write(leaves.map((one, at) => (at === n ? next : one)));
        return (
          <Group key={n} gap={6}>
            <Text size="xs" c="dimmed">{t("builder.where")}</Text>
            <Select size="xs" w={150} allowDeselect={false} aria-label={t("builder.field")} value={leaf.field} data={fields.map((one) => ({ value: one.name, label: fieldName(one.name, one.label) }))} onChange={(name) => put(make(fields.find((one) => one.name === name)!))} />
            <Select size="xs" w={130} allowDeselect={false} aria-label={t("builder.operator")} value={leaf.op} data={(field?.operators ?? []).map(({ name }) => ({ value: name, label: named(name) }))} onChange={(name) => field && put(make(field, field.operators.find((one) => one.name === name)))} />
            {field && operator && <ValueInput field={field} takes={operator.takes} value={leaf.value} onChange={(value) => put({ ...leaf, value })} />}
            <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t("builder.remove")} onClick={() => write(leaves.filter((_, at) => at !== n))}><IconX size={14} /></ActionIcon>
          </Group>
        );
      })}
      <Button size="compact-xs" variant="subtle" w="fit-content" onClick={() => fields[0] && write([...leaves, make(fields[0])])}>{t("builder.addWhere")}</Button>
    </Stack>
  );
}

function Beside({ id }: { id: string | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const count = useContext(Noted).counts.get(id ?? "");
  return count === undefined ? null : <Badge variant="light" color="gray" className="tabular">{t("builder.guests", { count, n: format.number(count) })}</Badge>;
}

function Errors({ id }: { id: string | undefined }) {
  const errors = useContext(Noted).errors.get(id ?? "");
  return errors ? <Alert color="red" p="xs" role="alert">{errors.map((error) => <Text key={error} size="xs" c="var(--mantine-color-text)">{error}</Text>)}</Alert> : null;
}

function AllOrAny({ value, handleOnChange, ruleGroup }: CombinatorSelectorProps) {
  const { t } = useTranslation();
  const options = [["all", t("builder.all")], ["any", t("builder.any")]].map(([name, label]) => ({ value: name!, label: label! }));
  return (
    <>
      <Select size="xs" w={190} allowDeselect={false} aria-label={t("builder.combinator")} data={options} value={value ?? "all"} onChange={(next) => next && handleOnChange(next)} />
      <Beside id={ruleGroup.id} />
      <Errors id={ruleGroup.id} />
    </>
  );
}

function NotToggle({ checked, handleOnChange }: NotToggleProps) {
  const { t } = useTranslation();
  return <Button size="compact-xs" variant={checked ? "filled" : "default"} color="gray" aria-pressed={checked ?? false} onClick={() => handleOnChange(!checked)}>{t("builder.not")}</Button>;
}

function AddRule({ handleOnClick }: ActionProps) {
  const { t } = useTranslation();
  return <Button size="compact-xs" variant="light" leftSection={<IconPlus size={12} />} onClick={(event) => handleOnClick(event)}>{t("builder.addRule")}</Button>;
}

function AddGroup({ handleOnClick, level }: ActionProps) {
  const { t } = useTranslation();
  if (level >= 4) return null;
  return <Button size="compact-xs" variant="subtle" leftSection={<IconPlus size={12} />} onClick={(event) => handleOnClick(event)}>{t("builder.addGroup")}</Button>;
}

function Remove({ handleOnClick }: ActionProps) {
  const { t } = useTranslation();
  return <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t("builder.remove")} onClick={(event) => handleOnClick(event)}><IconTrash size={14} /></ActionIcon>;
}
