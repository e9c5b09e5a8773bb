import { ActionIcon, Button, Group, Modal, Select, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { IconMail, IconMapPin, IconPhone, IconPlus, IconX } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, data, type Schema } from "../../api/client";
import { Card, Failure } from "../../parts/states";
import { useToasts } from "../../parts/toasts";
import { type Dossier, useChange } from "./dossier";

const KINDS = { phone: IconPhone, email: IconMail, address: IconMapPin } as const;
type Kind = keyof typeof KINDS;
const PLACE = ["city", "postal_code", "country"] as const;
const NONE = { kind: "phone" as Kind, value: "", label: "", city: "", postal_code: "", country: "" };

const place = (contact: Schema["Contact"]) => [contact.value, [contact.postal_code, contact.city].filter(Boolean).join(" "), contact.country].filter(Boolean).join(", ");
const bodyOf = (given: { [K in keyof typeof NONE]?: string } & { kind: Kind; value: string }) => {
  const details = Object.fromEntries(PLACE.flatMap((field) => (given[field]?.trim() ? [[field, given[field]!.trim()]] : [])));
  return { kind: given.kind, value: given.value.trim(), label: given.label?.trim() || null, ...(given.kind === "address" && { details }) };
};

/** Numbers, mail boxes and addresses beside those of the profile. */
export function Contacts({ dossier: { profile, contacts } }: { dossier: Dossier }) {
  const { t } = useTranslation();
  const toasts = useToasts();
  const id = profile.customer_id;
  const [opened, setOpened] = useState(false);
  const [given, setGiven] = useState(NONE);
  const add = useChange(id, (body: Schema["NewContact"]) => data(api.POST("/v1/customers/{id}/contacts", { params: { path: { id } }, body })), t("guest.contactAdded"));
  const remove = useChange(id, (contact: number) => api.DELETE("/v1/contacts/{contact}", { params: { path: { contact } } }));
  const take = (contact: Schema["Contact"]) =>
    remove.mutate(contact.contact_id, { onSuccess: () => toasts.done(t("guest.contactRemoved", { value: contact.value }), () => add.mutate(bodyOf(contact))) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate(bodyOf(given), { onSuccess: () => { setOpened(false); setGiven(NONE); } });
  };
  const field = (name: Exclude<keyof typeof NONE, "kind">, label: string, more?: object) => (
    <TextInput label={label} value={given[name]} onChange={(event) => setGiven({ ...given, [name]: event.currentTarget.value })} {...more} />
  );
  return (
    <Card title={t("guest.contacts")} aside={<ActionIcon variant="light" size="sm" aria-label={t("guest.addContact")} onClick={() => setOpened(true)}><IconPlus size={14} /></ActionIcon>}>
      {contacts.length === 0 && <Text size="sm" c="dimmed">{t("guest.noContacts")}</Text>}
      <Stack gap={4}>
        {contacts.map((contact) => {
          const Icon = KINDS[contact.kind];
          return (
            <Group key={contact.contact_id} gap="xs" wrap="nowrap" align="flex-start">
              <Icon size={16} aria-label={t(`guest.contactKind.${contact.kind}`)} style={{ flex: "none", marginTop: 2 }} />
              <Text size="sm" className="grows breaks">{place(contact)} {contact.label && <Text span size="xs" c="dimmed">{contact.label}</Text>}</Text>
              <ActionIcon size="xs" variant="subtle" color="gray" aria-label={t("guest.removeContact", { value: contact.value })} onClick={() => take(contact)}><IconX size={12} /></ActionIcon>
            </Group>
          );
        })}
      </Stack>
      <Modal opened={opened} onClose={() => setOpened(false)} title={t("guest.addContact")}>
        <form onSubmit={submit}>
          <Stack gap="sm">
            <Select label={t("guest.contacts")} allowDeselect={false} data={(Object.keys(KINDS) as Kind[]).map((kind) => ({ value: kind, label: t(`guest.contactKind.${kind}`) }))} value={given.kind} onChange={(kind) => kind && setGiven({ ...given, kind: kind as Kind })} />
            {field("value", t("guest.contactValue"), { required: true, "data-autofocus": true })}
            {field("label", t("guest.contactLabel"), { placeholder: t("guest.contactLabelHint") })}
            {given.kind === "address" && (
              <SimpleGrid cols={3} spacing="xs">{field("postal_code", t("guest.postalCode"))}{field("city", t("guest.city"))}{field("country", t("guest.country"), { maxLength: 2, placeholder: "DE" })}</SimpleGrid>
            )}
            {add.isError && <Failure error={add.error} />}
            <Button type="submit" disabled={!given.value.trim()} loading={add.isPending}>{t("state.add")}</Button>
          </Stack>
        </form>
      </Modal>
    </Card>
  );
}
