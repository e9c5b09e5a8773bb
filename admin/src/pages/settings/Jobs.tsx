import { Button, Grid, Group, Progress, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, data, type Schema } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Mark } from "../../parts/Mark";
import { Card, Empty, Loaded } from "../../parts/states";
import { useToasts } from "../../parts/toasts";
import { useMay } from "../../shell/session";
import { useVenue } from "../../shell/venue";
import { Health } from "../today/Health";

/** What the database does by itself, how far it is, and how it went. */
export function Jobs() {
  const { t } = useTranslation();
  const jobs = useQuery({
    queryKey: ["jobs"],
    refetchInterval: 3_000,
    queryFn: async ({ signal }) => (await data(api.GET("/v1/jobs", { signal }))).items,
  });
  const runs = useQuery({
    queryKey: ["job-runs"],
    refetchInterval: 15_000,
    queryFn: async ({ signal }) => (await data(api.GET("/v1/jobs/runs", { params: { query: { limit: 50 } }, signal }))).items,
  });
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, md: 5 }}>
        <Stack>
          <Health />
          <Card title={t("settings.progress")} aside={<StartNight />}>
            <Loaded query={jobs}>
              {(all) => {
                const moving = all.filter((job) => !job.finished_at);
                return moving.length === 0 ? <Text size="sm" c="dimmed">{t("settings.noProgress")}</Text> : moving.map((job) => <Moving key={job.job} job={job} />);
              }}
            </Loaded>
          </Card>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 7 }}>
        <Card title={t("settings.runs")}><Loaded query={runs}>{(all) => (all.length === 0 ? <Empty title={t("settings.noRuns")} /> : <Runs runs={all} />)}</Loaded></Card>
      </Grid.Col>
    </Grid>
  );
}

/** The night out of turn; what it does cannot be taken back, so it asks first. */
function StartNight() {
  const { t } = useTranslation();
  const isAdmin = useMay("admin");
  const queries = useQueryClient();
  const toasts = useToasts();
  const start = useMutation({
    mutationFn: () => api.POST("/v1/jobs/night"),
    onSuccess: () => toasts.done(t("settings.nightStarted")),
    onError: toasts.failed,
    onSettled: () => Promise.all([["jobs"], ["job-runs"]].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
  if (!isAdmin) return null;
  const ask = () =>
    modals.openConfirmModal({
      title: t("settings.startNight"),
      children: <Text size="sm">{t("settings.startNightHint")}</Text>,
      labels: { confirm: t("settings.startNight"), cancel: t("state.cancel") },
      onConfirm: () => start.mutate(),
    });
  return <Button size="xs" variant="default" leftSection={<IconPlayerPlay size={14} />} loading={start.isPending} onClick={ask}>{t("settings.startNight")}</Button>;
}

function Moving({ job }: { job: Schema["Job"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const share = job.venues_total > 0 ? (100 * job.venues_done) / job.venues_total : 0;
  return (
    <div>
      <Group justify="space-between"><Text size="sm" fw={600}>{job.job}</Text><Text size="xs" c="dimmed">{t("settings.ofVenues", { done: format.number(job.venues_done), total: format.number(job.venues_total) })}</Text></Group>
      <Progress value={share} animated aria-label={job.job} />
    </div>
  );
}

function Runs({ runs }: { runs: Schema["JobRun"][] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { venues } = useVenue();
  return (
    <div className="scrolls" tabIndex={0}>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">{t("settings.job")}</th><th scope="col">{t("settings.venue")}</th><th scope="col">{t("settings.began")}</th>
            <th scope="col" className="number">{t("settings.rows")}</th><th scope="col" className="number">{t("settings.took")}</th><th scope="col">{t("settings.result")}</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.run_id}>
              <td>{run.job}</td>
              <td>{venues.find((venue) => venue.venue_id === run.venue_id)?.name}</td>
              <td style={{ whiteSpace: "nowrap" }}>{format.moment(run.started_at)}</td>
              <td className="number">{format.number(run.rows)}</td>
              <td className="number">{run.milliseconds != null && t("settings.ms", { n: format.number(Math.round(run.milliseconds)) })}</td>
              <td>
                {run.error ? <><Mark as="bad">{t("state.failed")}</Mark><Text size="xs" className="breaks">{run.error}</Text></>
                  : run.finished_at ? <Mark as="good">{t("settings.fine")}</Mark> : <Mark as="busy">{t("settings.running")}</Mark>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
