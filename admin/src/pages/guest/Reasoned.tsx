import { Button, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";

/** A step that asks for its reason, and says first what cannot be undone. */
export function Reasoned({ title, hint, danger, onConfirm }: { title: string; hint?: string; danger?: boolean; onConfirm: (reason: string) => void }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onConfirm(reason.trim());
    setOpen(false);
    setReason("");
  };
  return (
    <>
      <Button size="xs" variant="default" c={danger ? "var(--label-lost)" : undefined} onClick={() => setOpen(true)}>{title}</Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={title}>
        <form onSubmit={submit}>
          <Stack>
            {hint && <Text size="sm">{hint}</Text>}
            <TextInput data-autofocus required label={t("privacy.reason")} description={t("privacy.reasonHint")} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
            <Button type="submit" color={danger ? "red" : undefined} disabled={!reason.trim()}>{title}</Button>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
