import { Alert, Code, Spoiler, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Mark } from "../../parts/Mark";
import { Card, Empty, Loaded } from "../../parts/states";

/** How the CRM reads the platform's tables, and what no longer fits. */
export function Bindings() {
  const { t } = useTranslation();
  const format = useFormat();
  const bindings = useQuery({ queryKey: ["bindings"], queryFn: async () => (await data(api.GET("/v1/bindings"))).items });
  const findings = useQuery({ queryKey: ["bindings", "check"], queryFn: async () => (await data(api.GET("/v1/bindings/check"))).items });
  return (
    <Stack>
      <Card title={t("settings.findings")}>
        <Loaded query={findings}>
          {(all) => all.length === 0 ? <Text size="sm">{t("settings.noFindings")}</Text> : (
            <Stack gap="xs">
              {all.map((finding, n) => (
                <Alert key={n} p="xs" color={finding.severity === "error" ? "red" : finding.severity === "warning" ? "orange" : "blue"} title={`${finding.entity}: ${finding.severity}`}>
                  <Text size="sm" c="var(--mantine-color-text)">{finding.message}</Text>
                  {finding.hint && <Text size="xs" c="var(--mantine-color-text)">{finding.hint}</Text>}
                </Alert>
              ))}
            </Stack>
          )}
        </Loaded>
      </Card>
      <Card title={t("settings.bindings")}>
        <Loaded query={bindings}>
          {(all) => all.length === 0 ? <Empty title={t("settings.noBindings")} /> : (
            <div className="scrolls" tabIndex={0}>
              <table className="plain">
                <thead><tr><th scope="col">{t("settings.entity")}</th><th scope="col">{t("settings.table")}</th><th scope="col">{t("settings.bound")}</th><th scope="col">{t("settings.drift")}</th><th scope="col">{t("settings.mapping")}</th></tr></thead>
                <tbody>
                  {all.map((binding) => (
                    <tr key={binding.entity}>
                      <td><b>{binding.entity}</b></td>
                      <td><Code>{binding.host_table}</Code></td>
                      <td style={{ whiteSpace: "nowrap" }}>{format.dayOf(binding.bound_at)}</td>
                      <td>{binding.drift ? <Mark as="bad">{binding.drift}</Mark> : <Mark as="good">{t("settings.matches")}</Mark>}</td>
                      <td><Spoiler maxHeight={44} showLabel={t("state.more")} hideLabel="–"><Code block>{JSON.stringify(binding.mapping, null, 1)}</Code></Spoiler></td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Loaded>
      </Card>
    </Stack>
  );
}
