import { Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, data } from "../../api/client";
import { Mark } from "../../parts/Mark";
import { Card, Loaded } from "../../parts/states";

/** Every column that can hold something personal must say what becomes of it. */
export function PersonalDataMap() {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["pii-map"], queryFn: async () => (await data(api.GET("/v1/pii-map/check"))).items });
  return (
    <Card title={t("privacy.map")}>
      <Loaded query={query}>
        {(problems) => problems.length === 0 ? <Mark as="good">{t("privacy.mapComplete")}</Mark> : (
          <Stack gap={4}>{problems.map((one, n) => <Text key={n} size="sm" className="breaks"><b>{[one.relation, one.column_name].filter(Boolean).join(".")}</b>: {one.problem}</Text>)}</Stack>
        )}
      </Loaded>
    </Card>
  );
}
