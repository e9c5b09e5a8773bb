import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { useVenue } from "../../shell/venue";

const DAYS = 30;
const [WIDTH, HEIGHT] = [96, 26];

/** The sizes of all segments in one request, which their rows share. */
function useSizes() {
  const { venue } = useVenue();
  return useQuery({
    queryKey: ["segments", "sizes", venue?.venue_id],
    enabled: venue !== undefined,
    staleTime: 5 * 60_000,
    queryFn: async ({ signal }) => (await data(api.GET("/v1/segments/sizes", { params: { query: { days: DAYS } }, signal }))).items,
  });
}

/** How a segment grew and shrank in the last days: a line, and for who cannot see it a sentence. Two days make no line yet. */
export function Spark({ id, of }: { id: number; of: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const sizes = useSizes().data;
  const days = useMemo(() => sizes?.filter((size) => size.segment_id === id) ?? [], [sizes, id]);
  if (days.length < 3) return null;
  const members = days.map((day) => day.members);
  const [low, high] = [Math.min(...members), Math.max(...members)];
  const at = (value: number, n: number) => `${((n * (WIDTH - 4)) / (days.length - 1) + 2).toFixed(1)},${(high === low ? HEIGHT / 2 : HEIGHT - 3 - ((value - low) * (HEIGHT - 6)) / (high - low)).toFixed(1)}`;
  const sum = (of: "joined" | "left") => days.slice(1).reduce((all, day) => all + day[of], 0);
  const told = t("segments.joinedOn", { joined: format.number(sum("joined")), left: format.number(sum("left")), count: days.length - 1 });
  return (
    <div style={{ textAlign: "right", flex: "none" }}>
      <svg width={WIDTH} height={HEIGHT} role="img" aria-label={`${of}: ${t("segments.sizes", { count: days.length })}: ${format.number(members[0])} – ${format.number(members.at(-1))}`}>
        <polyline points={members.map(at).join(" ")} fill="none" stroke="var(--mantine-primary-color-filled)" strokeWidth={1.75} strokeLinejoin="round" />
      </svg>
      <Text size="xs" c="dimmed" className="tabular">{told}</Text>
    </div>
  );
}
