import { ActionIcon, Button, ColorInput, Group, Paper, Stack, Text, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconTrash } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api } from "../../api/client";
import { useFormat } from "../../parts/format";
import { useTags } from "../../parts/lists";
import { Empty, Loaded } from "../../parts/states";
import { TagChip } from "../../parts/TagChip";
import { useToasts } from "../../parts/toasts";

const COLOURS = ["#c92a2a", "#d9480f", "#e67700", "#2b8a3e", "#0b7285", "#1864ab", "#5f3dc4", "#a61e4d"];

export function Tags() {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const toasts = useToasts();
  const tags = useTags();
  const [name, setName] = useState("");
  const [colour, setColour] = useState(COLOURS[5]!);
  const done = { onError: toasts.failed, onSettled: () => queries.invalidateQueries({ queryKey: ["tags"] }) };
  const save = useMutation({ mutationFn: () => api.PUT("/v1/tags/{tag}", { params: { path: { tag: name.trim() } }, body: { colour } }), onSuccess: () => setName(""), ...done });
  const remove = useMutation({ mutationFn: (tag: string) => api.DELETE("/v1/tags/{tag}", { params: { path: { tag } } }), ...done });
  const ask = (tag: string, guests: number) =>
    modals.openConfirmModal({
      title: t("settings.deleteTag", { name: tag }),
      children: <Text size="sm">{t("settings.deleteTagHint", { n: format.number(guests) })}</Text>,
      labels: { confirm: t("state.delete"), cancel: t("state.cancel") },
      confirmProps: { color: "red" },
      onConfirm: () => remove.mutate(tag),
    });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Stack maw={720}>
      <form onSubmit={submit}>
        <Group align="flex-end" gap="sm">
          <TextInput label={t("settings.tagName")} value={name} maxLength={60} onChange={(event) => setName(event.currentTarget.value)} />
          <ColorInput withEyeDropper={false} label={t("settings.colour")} swatches={COLOURS} swatchesPerRow={8} value={colour} onChange={setColour} w={150} />
          <Button type="submit" disabled={!name.trim()} loading={save.isPending}>{t("state.add")}</Button>
        </Group>
      </form>
      <Loaded query={tags}>
        {(all) => all.length === 0 ? <Paper><Empty title={t("settings.noTags")} /></Paper> : (
          <Paper>
            {all.map((tag) => (
              <Group key={tag.tag_id} justify="space-between" py={4}>
                <TagChip name={tag.name} colour={tag.colour} />
                <Group gap="sm">
                  <Text size="sm" className="tabular"><Link to={`/guests?tag=${encodeURIComponent(tag.name)}`}>{t("builder.guests", { count: tag.guests, n: format.number(tag.guests) })}</Link></Text>
                  <ActionIcon variant="subtle" color="red" aria-label={t("settings.deleteTag", { name: tag.name })} onClick={() => ask(tag.name, tag.guests)}><IconTrash size={16} /></ActionIcon>
                </Group>
              </Group>
            ))}
          </Paper>
        )}
      </Loaded>
    </Stack>
  );
}
