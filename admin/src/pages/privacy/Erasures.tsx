import { SegmentedControl, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Mark } from "../../parts/Mark";
import { Card, Empty, Loaded } from "../../parts/states";
import { useStateName } from "../guest/Privacy";

const STATES = ["REQUESTED", "EXECUTED", "CANCELLED"] as const;

export function Erasures() {
  const { t } = useTranslation();
  const format = useFormat();
  const named = useStateName();
  const [state, setState] = useState<string>("REQUESTED");
  const query = useQuery({ queryKey: ["erasures", state], queryFn: async () => (await data(api.GET("/v1/erasures", { params: { query: { state, limit: 100 } } }))).items });
  return (
    <Card title={t("privacy.erasures")} aside={<SegmentedControl size="xs" aria-label={t("privacy.erasures")} value={state} onChange={setState} data={STATES.map((value) => ({ value, label: named(value) }))} />}>
      <Loaded query={query}>
        {(requests) => requests.length === 0 ? <Empty title={t("privacy.noErasures")} /> : (
          <ul className="moments">
            {requests.map((one) => (
              <li key={one.request_id}>
                <Text size="sm" c="dimmed">{format.dayOf(one.executed_at ?? one.cancelled_at ?? one.requested_at)}</Text>
                <div>
                  <Text size="sm"><Link to={`/guests/${one.customer_id}?tab=privacy`}>{t("privacy.request", { n: one.request_id })}</Link> {one.reason}</Text>
                  {state === "REQUESTED" && <Text size="xs" c="dimmed">{t("privacy.dueOn", { day: format.dayOf(one.due_at) })}, {t("privacy.inDays", { count: Math.max(0, Math.ceil((Date.parse(one.due_at ?? "") - Date.now()) / 86_400_000)) })}</Text>}
                  {one.residue != null && <Mark as={one.residue === 0 ? "good" : "bad"}>{t("privacy.residue", { n: format.number(one.residue) })}</Mark>}
                </div>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}
