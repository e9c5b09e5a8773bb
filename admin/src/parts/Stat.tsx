import { Paper, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";

/** One figure, what it counts, and the list behind it. */
export function Stat({ name, value, note, to }: { name: string; value: ReactNode; note?: ReactNode; to?: string }) {
  const inside = (
    <Paper p="sm" h="100%">
      <Text size="xs" c="dimmed">{name}</Text>
      <Text fz={24} fw={650} lh={1.25} className="tabular">{value}</Text>
      {note && <Text component="div" size="xs" c="dimmed" className="tabular">{note}</Text>}
    </Paper>
  );
  return to ? <Link to={to} className="linked">{inside}</Link> : inside;
}
