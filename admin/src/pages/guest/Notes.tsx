import { ActionIcon, Button, Group, Paper, Select, Stack, Text, Textarea } from "@mantine/core";
import { IconPin, IconPinnedOff } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Empty } from "../../parts/states";
import { useVenue } from "../../shell/venue";
import { type Dossier, useChange } from "./dossier";

/** Notes are kept for good: one that is wrong is corrected by another, which stands beside it. */
export function Notes({ dossier: { profile, notes } }: { dossier: Dossier }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { venue, venues } = useVenue();
  const id = profile.customer_id;
  const [body, setBody] = useState("");
  const [corrects, setCorrects] = useState<string | null>(null);
  const add = useChange(id, () => api.POST("/v1/customers/{id}/notes", {
    params: { path: { id } },
    body: { venue: venue!.venue_id, body: body.trim(), corrects: corrects ? Number(corrects) : null },
  }), t("guest.noteSaved"));
  const pin = useChange(id, ({ note, pinned }: { note: number; pinned: boolean }) => {
    const params = { path: { id, note } };
    return pinned ? api.PUT("/v1/customers/{id}/notes/{note}/pin", { params }) : api.DELETE("/v1/customers/{id}/notes/{note}/pin", { params });
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate(undefined, { onSuccess: () => { setBody(""); setCorrects(null); } });
  };
  return (
    <Stack>
      <form onSubmit={submit}>
        <Stack gap="xs">
          <Textarea label={t("guest.newNote", { venue: venue?.name })} autosize minRows={2} maxLength={4000} value={body} onChange={(event) => setBody(event.currentTarget.value)} />
          <Group gap="xs" align="flex-end" justify="space-between">
            <Select size="xs" clearable aria-label={t("guest.corrects")} placeholder={t("guest.corrects")} value={corrects} onChange={setCorrects}
              data={notes.map((note) => ({ value: String(note.note_id), label: note.body.slice(0, 60) }))} />
            <Button type="submit" size="xs" disabled={!body.trim() || !venue} loading={add.isPending}>{t("guest.saveNote")}</Button>
          </Group>
        </Stack>
      </form>
      {notes.length === 0 && <Empty title={t("guest.noNotes")} />}
      {notes.map((note) => (
        <Paper key={note.note_id} p="sm">
          <Group justify="space-between" wrap="nowrap" align="flex-start">
            <div className="grows">
              <Text size="sm" className="breaks" style={{ whiteSpace: "pre-wrap" }} td={note.corrected_by ? "line-through" : undefined}>{note.body}</Text>
              <Text size="xs" c="dimmed">
                {[note.author, format.moment(note.created_at), venues.length > 1 && venues.find((one) => one.venue_id === note.venue_id)?.name, note.corrected_by && t("guest.corrected")].filter(Boolean).join(" · ")}
              </Text>
            </div>
            <ActionIcon variant={note.pinned ? "light" : "subtle"} color={note.pinned ? "brand" : "gray"} aria-pressed={note.pinned} aria-label={t("guest.pin")}
              onClick={() => pin.mutate({ note: note.note_id, pinned: !note.pinned })}>
              {note.pinned ? <IconPinnedOff size={16} /> : <IconPin size={16} />}
            </ActionIcon>
          </Group>
        </Paper>
      ))}
    </Stack>
  );
}
