import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { type FormEvent, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { Refusal } from "../../api/refusal";
import { Failure } from "../../parts/states";
import { useMay } from "../../shell/session";
import { type Dossier, useChange } from "./dossier";

const FIELDS = ["name", "phone", "email", "birthday", "language"] as const;
type Field = (typeof FIELDS)[number];

/** Only what was changed is sent; what the service refuses is shown at its field. */
export function EditGuest({ dossier: { profile }, opened, close }: { dossier: Dossier; opened: boolean; close: () => void }) {
  const { t } = useTranslation();
  const id = profile.customer_id;
  const [text, setText] = useState<Record<Field, string>>(() => texts(profile));
  useEffect(() => {
    if (opened) setText(texts(profile));
  }, [opened, profile]);
  const former = texts(profile);
  const changes = Object.fromEntries(FIELDS.filter((field) => text[field] !== former[field]).map((field) => [field, text[field].trim() || null]));
  const save = useChange(id, () => api.PATCH("/v1/customers/{id}", { params: { path: { id } }, body: changes }), t("guest.saved"));
  const refused = save.error instanceof Refusal ? save.error : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(undefined, { onSuccess: close });
  };
  return (
    <Modal opened={opened} onClose={close} title={t("guest.edit")}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          {FIELDS.map((field) => (
            <TextInput
              key={field}
              label={t(`guest.${field}`)}
              description={field === "birthday" ? t("guest.birthdayHint") : undefined}
              type={field === "email" ? "email" : field === "phone" ? "tel" : "text"}
              value={text[field]}
              error={refused?.pointer === `#/body/${field}` ? refused.detail : undefined}
              onChange={(event) => setText({ ...text, [field]: event.currentTarget.value })}
            />
          ))}
          {refused && !FIELDS.some((field) => refused.pointer === `#/body/${field}`) && <Failure error={refused} />}
          <Group justify="space-between">
            <Block dossier={profile} close={close} />
            <Button type="submit" loading={save.isPending} disabled={Object.keys(changes).length === 0}>{t("state.save")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

const texts = (profile: Dossier["profile"]): Record<Field, string> => ({
  name: profile.name ?? "",
  phone: profile.phone ?? "",
  email: profile.email ?? "",
  birthday: profile.birthday ?? "",
  language: profile.language ?? "",
});

function Block({ dossier: profile, close }: { dossier: Dossier["profile"]; close: () => void }) {
  const { t } = useTranslation();
  const manages = useMay("manager");
  const id = profile.customer_id;
  const params = { path: { id } };
  const block = useChange(id, (reason: string | null) => (reason === null ? api.DELETE("/v1/customers/{id}/block", { params }) : api.PUT("/v1/customers/{id}/block", { params, body: { reason } })));
  if (!manages) return <span />;
  if (profile.status === "blocked") return <Button variant="subtle" color="gray" onClick={() => block.mutate(null, { onSuccess: close })}>{t("guest.unblock")}</Button>;
  const ask = () => {
    let reason = "";
    close();
    modals.openConfirmModal({
      title: t("guest.block"),
      children: <TextInput data-autofocus label={t("guest.blockWhy")} onChange={(event) => { reason = event.currentTarget.value; }} />,
      labels: { confirm: t("guest.block"), cancel: t("state.cancel") },
      confirmProps: { color: "red" },
      onConfirm: () => block.mutate(reason),
    });
  };
  return <Button variant="subtle" color="red" onClick={ask}>{t("guest.block")}</Button>;
}
