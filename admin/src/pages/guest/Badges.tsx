import { Badge, Group, Text } from "@mantine/core";
import { IconAlertOctagon } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { isLabel, LabelBadge } from "../../parts/LabelBadge";
import type { Dossier } from "./dossier";

/** The labels of a guest at his venues, and what else a host must see. */
export function Badges({ badges, large }: { badges: Dossier["badges"]; large?: boolean }) {
  const { t, i18n } = useTranslation();
  const name = (badge: string) => {
    const key = `badge.${badge}`;
    return i18n.exists(key) ? t(key as "badge.BLOCKED") : badge;
  };
  return (
    <Group gap={6}>
      {badges.map(({ badge, why }) =>
        isLabel(badge) ? (
          <LabelBadge key={badge + why} label={badge} why={why ?? undefined} large={large} />
        ) : (
          <Badge key={badge + why} color={badge === "BLOCKED" ? "red" : "gray"} variant={badge === "BLOCKED" ? "filled" : "default"} size={large ? "lg" : "md"} title={why ?? undefined}>
            {name(badge)}
          </Badge>
        ))}
    </Group>
  );
}

/** Allergens cannot be missed: framed, with a sign, in capitals, before all else. */
export function Allergens({ needs }: { needs: Dossier["health_needs"] }) {
  const { t, i18n } = useTranslation();
  const named = (value: string) => (i18n.exists(`health.${value}`) ? t(`health.${value}` as "health.milk") : value);
  const values = (kind: string) => [...new Set(needs.filter((need) => need.kind === kind).map((need) => named(need.value)))];
  const allergens = values("allergen");
  const diets = values("diet");
  return (
    <>
      {allergens.length > 0 && (
        <div className="allergens" role="note" aria-label={t("guest.allergens")}>
          <Group gap="sm" wrap="nowrap">
            <IconAlertOctagon aria-hidden />
            <div><Text size="xs" fw={600}>{t("guest.allergens")}</Text><strong>{allergens.join(", ")}</strong></div>
          </Group>
        </div>
      )}
      {diets.length > 0 && <Text size="sm"><b>{t("guest.diets")}:</b> {diets.join(", ")}</Text>}
    </>
  );
}
