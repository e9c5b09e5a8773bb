import { Button, Popover, Stack, TagsInput } from "@mantine/core";
import { IconTag } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { useTags } from "../../parts/lists";
import { useToasts } from "../../parts/toasts";

/** Puts tags on many guests at once; the message afterwards takes them off again. */
export function TagGuests({ guests, done }: { guests: string[]; done: () => void }) {
  const { t } = useTranslation();
  const tags = useTags().data ?? [];
  const queries = useQueryClient();
  const toasts = useToasts();
  const [opened, setOpened] = useState(false);
  const [chosen, setChosen] = useState<string[]>([]);
  const refresh = () => Promise.all([queries.invalidateQueries({ queryKey: ["guests"] }), queries.invalidateQueries({ queryKey: ["tags"] })]);
  const change = useMutation({
    mutationFn: (asked: { tags: string[]; guests: string[]; take: boolean }) =>
      Promise.all(asked.tags.map((tag) =>
        api.POST(asked.take ? "/v1/tags/{tag}/customers/remove" : "/v1/tags/{tag}/customers", { params: { path: { tag } }, body: { customers: asked.guests } }))),
    onError: toasts.failed,
    onSettled: refresh,
  });
  const put = () =>
    change.mutate({ tags: chosen, guests, take: false }, {
      onSuccess() {
        toasts.done(t("guests.tagged", { count: guests.length }), () => change.mutate({ tags: chosen, guests, take: true }));
        setOpened(false);
        setChosen([]);
        done();
      },
    });
  return (
    <Popover opened={opened} onChange={setOpened} trapFocus withArrow width={280} position="bottom-end">
      <Popover.Target>
        <Button size="xs" leftSection={<IconTag size={14} />} onClick={() => setOpened(!opened)}>{t("guests.tag")}</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm">
          <TagsInput label={t("guests.tags")} data={tags.map((tag) => tag.name)} value={chosen} onChange={setChosen} comboboxProps={{ withinPortal: false, position: "top" }} />
          <Button size="xs" disabled={chosen.length === 0} loading={change.isPending} onClick={put}>{t("guests.tag")}</Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
