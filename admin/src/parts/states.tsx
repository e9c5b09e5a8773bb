import { Alert, Button, Code, Group, Paper, Skeleton, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconCloudOff, IconExclamationCircle, IconMoodEmpty } from "@tabler/icons-react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Refusal } from "../api/refusal";

/** Why there is nothing to see, what to do about it, and a way to try again. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const refusal = error instanceof Refusal ? error : undefined;
  const offline = refusal?.status === 0;
  return (
    <Alert role="alert" color="red" variant="light" title={offline ? t("state.offline") : t("state.failed")} icon={offline ? <IconCloudOff /> : <IconExclamationCircle />}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm" c="var(--mantine-color-text)" className="breaks">{offline ? t("state.offlineHint") : (refusal?.detail ?? String(error))}</Text>
        {refusal?.hint && <Text size="sm" c="var(--mantine-color-text)">{refusal.hint}</Text>}
        <Group gap="sm">
          {retry && <Button size="xs" variant="default" onClick={retry}>{t("state.retry")}</Button>}
          {refusal?.requestId && refusal.status >= 500 && <Code>{refusal.requestId}</Code>}
        </Group>
      </Stack>
    </Alert>
  );
}

export function Empty({ title, children, icon }: { title: string; children?: ReactNode; icon?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py="xl" ta="center">
      <ThemeIcon size={48} radius="xl" variant="light" color="gray">{icon ?? <IconMoodEmpty aria-hidden />}</ThemeIcon>
      <Text fw={600}>{title}</Text>
      {children && <Text component="div" size="sm" c="dimmed" maw={420}>{children}</Text>}
    </Stack>
  );
}

export function Lines({ count = 4, height = 18 }: { count?: number; height?: number }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm" aria-busy="true" aria-label={t("state.loading")} role="status">
      {Array.from({ length: count }, (_, line) => <Skeleton key={line} height={height} width={`${100 - (line % 3) * 12}%`} />)}
    </Stack>
  );
}

/** A query's data, or the same skeleton and the same failure as everywhere. */
export function Loaded<T>({ query, lines, children }: { query: UseQueryResult<T>; lines?: number; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return <Lines count={lines} />;
}

export function Card({ title, aside, children }: { title?: ReactNode; aside?: ReactNode; children: ReactNode }) {
  return (
    <Paper component="section">
      {title && (
        <Group justify="space-between" mb="sm" gap="xs">
          <Text component="h2" fw={650} fz="md" m={0}>{title}</Text>
          {aside}
        </Group>
      )}
      {children}
    </Paper>
  );
}
