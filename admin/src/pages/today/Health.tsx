import { Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconExclamationCircle, IconInfoCircle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "react-router";
import { api, data } from "../../api/client";
import { Card, Loaded } from "../../parts/states";
import { useMay } from "../../shell/session";

const SIGNS = {
  error: [IconExclamationCircle, "var(--label-lost)"],
  warning: [IconAlertTriangle, "var(--label-at_risk)"],
  info: [IconInfoCircle, "var(--label-potential)"],
} as const;

/** What the database says of itself: jobs, bindings, changes put off; each with what to do about it. */
export function Health() {
  const { t } = useTranslation();
  const manages = useMay("manager");
  const { pathname } = useLocation();
  const health = useQuery({
    queryKey: ["health"],
    enabled: manages,
    queryFn: async ({ signal }) => (await data(api.GET("/v1/health", { signal }))).items,
  });
  if (!manages) return null;
  return (
    <Card title={t("today.health")} aside={pathname === "/" && <Text size="sm"><Link to="/settings/jobs">{t("settings.jobs")}</Link></Text>}>
      <Loaded query={health}>
        {(findings) => findings.length === 0 ? (
          <Group gap="xs" c="var(--label-loyal)"><IconCircleCheck aria-hidden /><Text size="sm" fw={600}>{t("today.healthy")}</Text></Group>
        ) : (
          <Stack gap="sm">
            {findings.map((finding, n) => {
              const [Sign, colour] = SIGNS[finding.severity as keyof typeof SIGNS] ?? SIGNS.info;
              return (
                <Group key={n} gap="sm" wrap="nowrap" align="flex-start">
                  <Sign size={20} color={colour} aria-label={t(`state.severity.${finding.severity as keyof typeof SIGNS}`)} style={{ flex: "none" }} />
                  <div className="grows breaks">
                    <Text size="sm"><b>{finding.subject}</b>: {finding.problem}</Text>
                    {finding.remedy && <Text size="xs" c="dimmed">{finding.remedy}</Text>}
                  </div>
                </Group>
              );
            })}
          </Stack>
        )}
      </Loaded>
    </Card>
  );
}
