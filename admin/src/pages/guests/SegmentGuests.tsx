import { Button, Modal, SegmentedControl, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconFilterHeart } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { useSegments } from "../../parts/lists";
import { useToasts } from "../../parts/toasts";

const AT_ONCE = 6;

/** A request a guest, a few at a time. */
async function forEach(guests: string[], act: (guest: string) => Promise<unknown>) {
  const waiting = [...guests];
  const work = async () => {
    for (let guest = waiting.pop(); guest !== undefined; guest = waiting.pop()) await act(guest);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** Puts guests into a segment, or keeps them out of it, by hand; the message afterwards leaves them to the criteria again. */
export function SegmentGuests({ guests, done }: { guests: string[]; done: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const toasts = useToasts();
  const segments = (useSegments().data ?? []).filter((segment) => !segment.is_system);
  const [opened, setOpened] = useState(false);
  const [chosen, setChosen] = useState<string | null>(null);
  const [included, setIncluded] = useState("in");
  const [reason, setReason] = useState("");
  const change = useMutation({
    mutationFn: ({ segment, undo, ...asked }: { segment: number; guests: string[]; included: boolean; reason: string; undo?: boolean }) =>
      forEach(asked.guests, (id) => {
        const params = { path: { segment, id } };
        return undo ? api.DELETE("/v1/segments/{segment}/overrides/{id}", { params }) : api.PUT("/v1/segments/{segment}/overrides/{id}", { params, body: { included: asked.included, reason: asked.reason } });
      }),
    onError: toasts.failed,
    onSettled: () => Promise.all([["segments"], ["segment"], ["guests"]].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const asked = { segment: Number(chosen), guests, included: included === "in", reason: reason.trim() };
    const name = segments.find((segment) => segment.segment_id === asked.segment)?.name;
    change.mutate(asked, {
      onSuccess() {
        toasts.done(t(asked.included ? "guests.putInDone" : "guests.keptOutDone", { count: guests.length, name }), () => change.mutate({ ...asked, undo: true }));
        setOpened(false);
        done();
      },
    });
  };
  return (
    <>
      <Button size="xs" variant="default" leftSection={<IconFilterHeart size={14} />} onClick={() => setOpened(true)}>{t("guests.toSegment")}</Button>
      <Modal opened={opened} onClose={() => setOpened(false)} title={t("guests.toSegment")}>
        <form onSubmit={submit}>
          <Stack gap="sm">
            <SegmentedControl aria-label={t("guests.toSegment")} value={included} onChange={setIncluded} data={[{ value: "in", label: t("guests.putIn") }, { value: "out", label: t("guests.keepOut") }]} />
            <Text size="sm" c="dimmed">{t("guests.overrideHint")}</Text>
            <Select required searchable label={t("guests.segment")} data={segments.map((segment) => ({ value: String(segment.segment_id), label: segment.name }))} value={chosen} onChange={setChosen} />
            <TextInput required label={t("guests.reason")} maxLength={200} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
            <Button type="submit" disabled={!chosen || !reason.trim()} loading={change.isPending}>{t(included === "in" ? "guests.putIn" : "guests.keepOut")}</Button>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
