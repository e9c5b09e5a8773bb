import { Button, Group, Modal, MultiSelect, Select, Stack } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schema } from "../../api/client";
import { Failure } from "../../parts/states";
import { useToasts } from "../../parts/toasts";
import { useVenue } from "../../shell/venue";
import { ROLES } from "./roles";

type Principal = Schema["Principal"];
type Reach = Pick<Principal, "role" | "venue_ids">;

/** Another role and other venues for somebody, from his next request on; it can be taken back. */
export function ChangePrincipal({ principal, close }: { principal: Principal; close: () => void }) {
  const { t } = useTranslation();
  const { venues } = useVenue();
  const queries = useQueryClient();
  const toasts = useToasts();
  const [role, setRole] = useState(principal.role);
  const [chosen, setChosen] = useState<string[]>(principal.venue_ids ?? []);
  const change = useMutation({
    mutationFn: (reach: Reach) => api.PUT("/v1/principals/{principal}/reach", { params: { path: { principal: principal.principal_id } }, body: { role: reach.role, venues: reach.venue_ids } }),
    // His own role may be another now.
    onSettled: () => Promise.all(["principals", "keys", "session", "venues"].map((name) => queries.invalidateQueries({ queryKey: [name] }))),
  });
  const undo = () => change.mutate(principal, { onError: toasts.failed });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ role, venue_ids: chosen.length > 0 ? chosen : null }, {
      onSuccess() {
        toasts.done(t("settings.reachSaved", { name: principal.name }), undo);
        close();
      },
    });
  };
  return (
    <Modal opened onClose={close} title={t("settings.changeReach", { name: principal.name })}>
      <form onSubmit={submit}>
        <Stack>
          {change.isError && <Failure error={change.error} />}
          <Select label={t("settings.role")} allowDeselect={false} data={ROLES.map((one) => ({ value: one, label: t(`settings.roleName.${one}`) }))} value={role} onChange={(next) => next && setRole(next as typeof role)} />
          <MultiSelect label={t("settings.venues")} description={t("settings.venuesHint")} placeholder={chosen.length ? undefined : t("settings.allVenues")} data={venues.map((venue) => ({ value: venue.venue_id, label: venue.name }))} value={chosen} onChange={setChosen} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>{t("state.cancel")}</Button>
            <Button type="submit" loading={change.isPending}>{t("state.save")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
