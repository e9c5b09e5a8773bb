import { Button, Group, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { Card } from "../../parts/states";
import { useMay } from "../../shell/session";
import { type Dossier, useChange } from "./dossier";

/** Who was merged into this guest, each of whom can be separated again. */
export function MergedFrom({ dossier: { profile } }: { dossier: Dossier }) {
  const { t } = useTranslation();
  const manages = useMay("manager");
  const separate = useChange(profile.customer_id, (id: string) => api.POST("/v1/customers/{id}/unmerge", { params: { path: { id } } }), t("duplicates.separated"));
  if (profile.merged_from.length === 0) return null;
  const ask = (id: string) =>
    modals.openConfirmModal({
      title: t("duplicates.separate"),
      children: <Text size="sm">{t("duplicates.separateHint")}</Text>,
      labels: { confirm: t("duplicates.separate"), cancel: t("state.cancel") },
      onConfirm: () => separate.mutate(id),
    });
  return (
    <Card title={t("duplicates.mergedFrom")}>
      <Stack gap="xs">
        {profile.merged_from.map((id) => (
          <Group key={id} justify="space-between" wrap="nowrap">
            <Text size="xs" c="dimmed" className="grows breaks">{id}</Text>
            {manages && <Button size="compact-xs" variant="default" loading={separate.isPending} onClick={() => ask(id)}>{t("duplicates.separate")}</Button>}
          </Group>
        ))}
      </Stack>
    </Card>
  );
}
