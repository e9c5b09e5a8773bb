import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Card, Empty, Loaded } from "../../parts/states";

export function Accesses() {
  const { t, i18n } = useTranslation();
  const named = (what: string) => (i18n.exists(`privacy.access.${what}`) ? t(`privacy.access.${what}` as "privacy.access.export") : what);
  const format = useFormat();
  const query = useQuery({ queryKey: ["access-log"], queryFn: async () => (await data(api.GET("/v1/access-log", { params: { query: { limit: 20 } } }))).items });
  return (
    <Card title={t("privacy.accesses")}>
      <Loaded query={query}>
        {(accesses) => accesses.length === 0 ? <Empty title={t("privacy.noAccesses")} /> : (
          <ul className="moments">
            {accesses.map((one) => (
              <li key={one.access_id}>
                <Text size="sm" c="dimmed">{format.moment(one.accessed_at)}</Text>
                <Text size="sm" className="breaks">{one.principal ?? one.db_user}: {named(one.what)}{one.guests != null && ` (${t("builder.guests", { count: one.guests, n: format.number(one.guests) })})`}</Text>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}
