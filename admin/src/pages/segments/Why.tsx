import { Text } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, data } from "../../api/client";
import { Loaded } from "../../parts/states";
import { useSegment } from "./Segment";
import { useSentences } from "./sentences";

const shown = (value: unknown) => (value == null ? "" : Array.isArray(value) ? value.join(", ") || "–" : typeof value === "object" ? JSON.stringify(value) : String(value));

/** Each part of a segment's criteria: whether it holds for one guest, and what he has there. */
export function Why({ segment, customer }: { segment: number; customer: string }) {
  const { t } = useTranslation();
  const sentences = useSentences();
  const criteria = useSegment(segment).data?.criteria;
  const query = useQuery({
    queryKey: ["guest", customer, "why", segment],
    queryFn: async ({ signal }) => (await data(api.GET("/v1/segments/{segment}/explanation", { params: { path: { segment }, query: { customer } }, signal }))).items,
  });
  return (
    <Loaded query={query}>
      {(nodes) => (
        <table className="plain" aria-label={t("segments.why")}>
          <tbody>
            {nodes.map((node, n) => (
              <tr key={n}>
                <td style={{ width: 28, color: node.verdict ? "var(--label-loyal)" : "var(--label-lost)" }}>
                  {node.verdict ? <IconCheck size={18} aria-label={t("segments.holds")} /> : <IconX size={18} aria-label={t("segments.holdsNot")} />}
                </td>
                <td style={{ paddingLeft: Math.max(0, (node.pointer ?? "").split("/").length - 2) * 8 }}><Text size="sm" className="breaks">{sentences.at(criteria, node.pointer, node.sentence)}</Text></td>
                <td className="number"><Text size="sm" c="dimmed" className="tabular">{shown(node.value)}</Text></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Loaded>
  );
}
