import { ActionIcon, Button, CloseButton, Group, Popover, Stack, TagsInput } from "@mantine/core";
import { IconTag } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { useTags } from "../../parts/lists";
import { useToasts } from "../../parts/toasts";
import { type Dossier, useChange } from "./dossier";

export function GuestTags({ id, tags }: { id: string; tags: Dossier["tags"] }) {
  const { t } = useTranslation();
  const toasts = useToasts();
  const known = useTags().data ?? [];
  const [opened, setOpened] = useState(false);
  const [chosen, setChosen] = useState<string[]>([]);
  const change = useChange(id, ({ names, take }: { names: string[]; take: boolean }) =>
    Promise.all(names.map((tag) => {
      const params = { path: { id, tag } };
      return take ? api.DELETE("/v1/customers/{id}/tags/{tag}", { params }) : api.PUT("/v1/customers/{id}/tags/{tag}", { params, body: {} });
    })));
  const take = (name: string) =>
    change.mutate({ names: [name], take: true }, { onSuccess: () => toasts.done(t("guest.untagged", { name }), () => change.mutate({ names: [name], take: false })) });
  const put = () => change.mutate({ names: chosen, take: false }, { onSuccess: () => { setChosen([]); setOpened(false); } });
  return (
    <Group gap={6}>
      {tags.map((tag) => (
        <span key={tag.tag_id} className="tag">
          {tag.colour && <i style={{ background: tag.colour }} aria-hidden />}
          {tag.name}
          {tag.source !== "rule" && tag.source !== "segment" && <CloseButton size="xs" aria-label={t("guest.untag", { name: tag.name })} onClick={() => take(tag.name)} />}
        </span>
      ))}
      <Popover opened={opened} onChange={setOpened} trapFocus withArrow width={260}>
        <Popover.Target>
          <ActionIcon variant="light" size="sm" aria-label={t("guests.tag")} onClick={() => setOpened(!opened)}><IconTag size={14} /></ActionIcon>
        </Popover.Target>
        <Popover.Dropdown>
          <Stack gap="xs">
            <TagsInput label={t("guests.tags")} data={known.map((tag) => tag.name)} value={chosen} onChange={setChosen} comboboxProps={{ withinPortal: false, position: "top" }} />
            <Button size="xs" disabled={chosen.length === 0} loading={change.isPending} onClick={put}>{t("guests.tag")}</Button>
          </Stack>
        </Popover.Dropdown>
      </Popover>
    </Group>
  );
}
