import { Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { useReasons } from "../../parts/reasons";
import { type Dossier, useChange } from "./dossier";
import { Reasoned } from "./Reasoned";

/** What a guest does not want: to be contacted at all, or to be scored. */
export function Wishes({ dossier }: { dossier: Dossier }) {
  const { t } = useTranslation();
  const reasons = useReasons();
  const id = dossier.profile.customer_id;
  const params = { path: { id } };
  const banned = dossier.do_not_contact !== null;
  const objects = dossier.venues.length > 0 && dossier.venues.every((at) => at.label == null && at.total_orders > 0);
  const ban = useChange(id, (reason: string) => api.PUT("/v1/customers/{id}/do-not-contact", { params, body: { banned: !banned, reason } }), t(banned ? "privacy.unbanned" : "privacy.banned"));
  const object = useChange(id, (reason: string) => api.PUT("/v1/customers/{id}/profiling", { params, body: { allowed: objects, reason } }), t(objects ? "privacy.objectionLifted" : "privacy.objectionSaved"));
  return (
    <div>
      {banned && <Text size="sm" mb={4}><b>{t("privacy.banned")}:</b> {dossier.do_not_contact}</Text>}
      {objects && <Text size="sm" mb={4}>{dossier.venues[0] && reasons.at(dossier.venues[0])}: {t("why.objects")}</Text>}
      <Group gap="xs">
        <Reasoned title={t(banned ? "privacy.unbanned" : "privacy.doNotContact")} hint={banned ? undefined : t("privacy.doNotContactHint")} onConfirm={ban.mutate} />
        <Reasoned title={t(objects ? "privacy.objectionLifted" : "privacy.profiling")} hint={objects ? undefined : t("privacy.profilingHint")} onConfirm={object.mutate} />
      </Group>
    </div>
  );
}
