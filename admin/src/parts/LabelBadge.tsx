import { Tooltip } from "@mantine/core";
import { IconAlertTriangle, IconCrown, IconDoorExit, IconHeart, IconMoon, IconPlant2, IconSparkles } from "@tabler/icons-react";
import type { CSSProperties } from "react";
import { useTranslation } from "react-i18next";

const ICONS = {
  CHAMPION: IconCrown,
  LOYAL: IconHeart,
  POTENTIAL: IconPlant2,
  NEW: IconSparkles,
  AT_RISK: IconAlertTriangle,
  LOST: IconDoorExit,
  INACTIVE: IconMoon,
} as const;

export type Label = keyof typeof ICONS;
export const LABELS = Object.keys(ICONS) as Label[];
export const isLabel = (text: string | null | undefined): text is Label => !!text && text in ICONS;
export const labelColour = (label: Label) => `var(--label-${label.toLowerCase()})`;

/** What a guest is to a venue: icon, word and colour together, as colour alone is no sign. */
export function LabelBadge({ label, why, large, plain }: { label: string | null | undefined; why?: string; large?: boolean; plain?: boolean }) {
  const { t } = useTranslation();
  if (!isLabel(label)) return null;
  const Icon = ICONS[label];
  const name = label.toLowerCase();
  const style = { "--of-label": `var(--label-${name})`, "--of-label-tint": `var(--label-${name}-tint)` } as CSSProperties;
  const badge = (
    <span className="label" data-large={large || undefined} style={style}>
      <Icon aria-hidden />
      {t(`label.${label}.name`)}
    </span>
  );
  // In a long list a tooltip a row would be felt.
  return plain ? badge : <Tooltip label={why ?? t(`label.${label}.meaning`)}>{badge}</Tooltip>;
}
