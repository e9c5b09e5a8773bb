import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconShieldCheck } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Mark } from "../../parts/Mark";
import { Card, Failure, Loaded } from "../../parts/states";

/** The chain that proves that no consent was changed afterwards, and a button that checks every link of it. */
export function Ledger() {
  const { t } = useTranslation();
  const format = useFormat();
  const state = useQuery({ queryKey: ["consent-log"], queryFn: () => data(api.GET("/v1/consent-log")) });
  const verify = useMutation({ mutationFn: async () => (await data(api.GET("/v1/consent-log/verify"))).items });
  return (
    <Card title={t("privacy.ledger")} aside={<Button size="xs" variant="default" leftSection={<IconShieldCheck size={14} />} loading={verify.isPending} onClick={() => verify.mutate()}>{t("privacy.verify")}</Button>}>
      <Stack gap="xs">
        <Loaded query={state}>
          {(log) => (
            <dl className="facts">
              <dt>{t("privacy.entries")}</dt><dd>{format.number(log.entries)}</dd>
              <dt>{t("privacy.sealedEntries")}</dt><dd>{format.number(log.sealed)}</dd>
              <dt>{t("privacy.unsealed")}</dt><dd>{format.number(log.unsealed)} {log.oldest_unsealed_at && `(${format.since(log.oldest_unsealed_at)})`}</dd>
            </dl>
          )}
        </Loaded>
        <div aria-live="polite">
          {verify.isError && <Failure error={verify.error} />}
          {verify.data?.length === 0 && <Mark as="good">{t("privacy.intact")}</Mark>}
          {verify.data?.map((problem, n) => <Alert key={n} color="red" p="xs"><Text size="sm" c="var(--mantine-color-text)">{[problem.entry_id, problem.problem].filter(Boolean).join(": ")}</Text></Alert>)}
        </div>
      </Stack>
    </Card>
  );
}
