import { Button, Modal, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, data } from "../../api/client";
import { Failure } from "../../parts/states";
import { useVenue } from "../../shell/venue";

/** Phone first: the guest who has that number is opened, or made where nobody has it. */
export function NewGuest({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useTranslation();
  const { venue } = useVenue();
  const go = useNavigate();
  const queries = useQueryClient();
  const [phone, setPhone] = useState("");
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const capture = useMutation({
    mutationFn: () => data(api.POST("/v1/customers/capture", { body: { phone, name: name || null, email: email || null, venue: venue!.venue_id } })),
    async onSuccess(guest) {
      close();
      await queries.invalidateQueries({ queryKey: ["guests"] });
      await go(`/guests/${guest.customer_id}`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    capture.mutate();
  };
  return (
    <Modal opened={opened} onClose={close} title={t("guests.add")}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput type="tel" required data-autofocus label={t("guest.phone")} description={t("guests.addHint")} value={phone} onChange={(event) => setPhone(event.currentTarget.value)} />
          <TextInput label={t("guest.name")} value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <TextInput type="email" label={t("guest.email")} value={email} onChange={(event) => setEmail(event.currentTarget.value)} />
          {capture.isError && <Failure error={capture.error} />}
          <Button type="submit" loading={capture.isPending} disabled={!venue}>{t("guests.addSave")}</Button>
        </Stack>
      </form>
    </Modal>
  );
}
