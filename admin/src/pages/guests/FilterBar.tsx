import { ActionIcon, Badge, Button, Group, MultiSelect, NumberInput, Popover, Select, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { DateInput } from "@mantine/dates";
import "@mantine/dates/styles.css";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconAdjustmentsHorizontal, IconSearch, IconX } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { CHANNELS } from "../../parts/channels";
import { LABELS } from "../../parts/LabelBadge";
import { useSegments, useTags } from "../../parts/lists";
import { type Filter, useFilters } from "./filters";

export function FilterBar() {
  const { t } = useTranslation();
  const { filters, write, clear, count } = useFilters();
  const labels = LABELS.map((label) => ({ value: label, label: t(`label.${label}.name`) }));
  return (
    <Group gap="sm" align="flex-end" role="search">
      <SearchBox value={filters.search ?? ""} onChange={(search) => write({ search })} />
      <MultiSelect
        aria-label={t("guests.label")}
        placeholder={filters.label ? undefined : t("guests.anyLabel")}
        data={labels}
        value={filters.label?.split(",") ?? []}
        onChange={(chosen) => write({ label: chosen.join(",") })}
        clearable
        style={{ flex: "1 1 200px" }}
      />
      <Popover position="bottom-end" withArrow trapFocus width={340}>
        <Popover.Target>
          <Button variant="default" leftSection={<IconAdjustmentsHorizontal size={16} />} rightSection={count > 0 && <Badge size="sm" circle>{count}</Badge>}>
            {t("guests.filters")}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <Stack gap="xs">
            <Range from="spend_from" to="spend_to" name={t("guests.spend")} />
            <Range from="orders_from" to="orders_to" name={t("guests.orders")} whole />
            <Range from="visits_from" to="visits_to" name={t("guests.visits")} whole />
            <Days />
            <Chosen />
            <Button variant="subtle" size="xs" onClick={clear}>{t("guests.clear")}</Button>
          </Stack>
        </Popover.Dropdown>
      </Popover>
    </Group>
  );
}

function SearchBox({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const tell = useDebouncedCallback(onChange, 200);
  useEffect(() => setText(value), [value]);
  const write = (next: string) => {
    setText(next);
    tell(next.trim());
  };
  return (
    <TextInput
      aria-label={t("guests.search")}
      placeholder={t("guests.search")}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={text && <ActionIcon variant="subtle" color="gray" aria-label={t("guests.clearSearch")} onClick={() => write("")}><IconX size={16} /></ActionIcon>}
      value={text}
      maxLength={200}
      onChange={(event) => write(event.currentTarget.value)}
      style={{ flex: "2 1 240px" }}
    />
  );
}

function Range({ from, to, name, whole }: { from: Filter; to: Filter; name: string; whole?: boolean }) {
  const { t } = useTranslation();
  const { filters, write } = useFilters();
  const field = (filter: Filter, side: string) => (
    <NumberInput
      size="xs"
      label={`${name}, ${side}`}
      min={0}
      allowDecimal={!whole}
      decimalScale={whole ? 0 : 2}
      value={filters[filter] ?? ""}
      onChange={(value) => write({ [filter]: value === "" ? undefined : String(value) })}
    />
  );
  return <SimpleGrid cols={2} spacing="xs">{field(from, t("guests.from"))}{field(to, t("guests.to"))}</SimpleGrid>;
}

function Days() {
  const { t } = useTranslation();
  const { filters, write } = useFilters();
  const field = (filter: "last_visit_from" | "last_visit_to", side: string) => (
    <DateInput size="xs" clearable label={`${t("guests.lastVisit")}, ${side}`} value={filters[filter] ?? null} onChange={(day) => write({ [filter]: day ?? undefined })} popoverProps={{ withinPortal: false }} />
  );
  return <SimpleGrid cols={2} spacing="xs">{field("last_visit_from", t("guests.from"))}{field("last_visit_to", t("guests.to"))}</SimpleGrid>;
}

function Chosen() {
  const { t } = useTranslation();
  const { filters, write } = useFilters();
  const tags = useTags().data ?? [];
  const segments = useSegments().data ?? [];
  const inside = { withinPortal: false };
  return (
    <>
      <MultiSelect size="xs" label={t("guests.tags")} comboboxProps={inside} searchable data={tags.map((tag) => tag.name)} value={filters.tag?.split(",") ?? []} onChange={(chosen) => write({ tag: chosen.join(",") })} />
      <Select
        size="xs"
        label={t("guests.segment")}
        comboboxProps={inside}
        searchable
        clearable
        data={segments.map((segment) => ({ value: String(segment.segment_id), label: segment.name }))}
        value={filters.segment ?? null}
        onChange={(segment) => write({ segment: segment ?? undefined })}
      />
      <SimpleGrid cols={2} spacing="xs">
        <Select
          size="xs"
          label={t("guests.reachable")}
          comboboxProps={inside}
          clearable
          data={CHANNELS.map((channel) => ({ value: channel, label: t(`privacy.channel.${channel}`) }))}
          value={filters.reachable ?? null}
          onChange={(channel) => write({ reachable: channel ?? undefined })}
        />
        <Category value={filters.category ?? ""} onChange={(category) => write({ category: category || undefined })} />
      </SimpleGrid>
    </>
  );
}

function Category({ value, onChange }: { value: string; onChange: (category: string) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const tell = useDebouncedCallback(onChange, 400);
  useEffect(() => setText(value), [value]);
  return <TextInput size="xs" label={t("guests.category")} maxLength={200} value={text} onChange={({ currentTarget }) => { setText(currentTarget.value); tell(currentTarget.value.trim()); }} />;
}
