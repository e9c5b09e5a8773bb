import { Badge, Group, Stack, Text } from "@mantine/core";
import { IconAlertOctagon } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { today, useFormat } from "../../parts/format";
import { isLabel, LabelBadge } from "../../parts/LabelBadge";
import { useReasons } from "../../parts/reasons";
import { useVenue } from "../../shell/venue";
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
          <LabelBadge key={badge + why} label={badge} large={large} />
        ) : (
          <Badge key={badge + why} color={badge === "BLOCKED" ? "red" : "gray"} variant={badge === "BLOCKED" ? "filled" : "default"} size={large ? "lg" : "md"} title={badge === "BLOCKED" ? (why ?? undefined) : undefined}>
            {name(badge)}
          </Badge>
        ))}
    </Group>
  );
}

/** What the badges say, a line each, in the reader's language. */
export function BadgeLines({ dossier: { badges, venues, profile } }: { dossier: Dossier }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { venue } = useVenue();
  const reasons = useReasons();
  const days = badges.some(({ badge }) => badge === "BIRTHDAY") && profile.birthday ? daysUntil(profile.birthday, today(venue?.timezone)) : undefined;
  return (
    <Stack gap={2}>
      {profile.blocked_reason && <Text size="sm" fw={600} c="var(--label-lost)" className="breaks">{profile.blocked_reason}</Text>}
      {venues.map((at) => <Text key={at.venue_id} size="sm" className="breaks">{reasons.at(at)}</Text>)}
      {days !== undefined && <Text size="sm">{days === 0 ? t("guest.birthdayToday") : t("guest.birthdaySoon", { when: format.daysAgo(-days) })}</Text>}
    </Stack>
  );
}

/** From today to the next time a day of the year comes. */
function daysUntil(birthday: string, day: string) {
  const [year, monthDay] = [Number(day.slice(0, 4)), birthday.slice(-5)];
  const at = (of: number) => Date.parse(`${of}-${monthDay === "02-29" && new Date(Date.UTC(of, 1, 29)).getUTCMonth() !== 1 ? "02-28" : monthDay}T00:00:00Z`);
  const now = Date.parse(`${day}T00:00:00Z`);
  return Math.round(((at(year) < now ? at(year + 1) : at(year)) - now) / 86_400_000);
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
