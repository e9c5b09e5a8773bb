import { Button, Checkbox, FileButton, Group, Paper, Stack, Text } from "@mantine/core";
import { IconFileTypeCsv, IconUpload } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type DragEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, data } from "../../api/client";
import { Refusal } from "../../api/refusal";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Card, Empty, Failure, Loaded } from "../../parts/states";
import { useVenue } from "../../shell/venue";
import { State } from "./Import";

export default function Imports() {
  const { t } = useTranslation();
  const format = useFormat();
  const imports = useQuery({ queryKey: ["imports"], queryFn: async () => (await data(api.GET("/v1/imports"))).items });
  return (
    <Page title={t("nav.imports")}>
      <Upload />
      <Card title={t("imports.former")}>
        <Loaded query={imports}>
          {(all) => all.length === 0 ? <Empty title={t("imports.none")} /> : (
            <Stack gap={0}>
              {all.map((one) => (
                <Link key={one.import_id} to={`/imports/${one.import_id}`} className="linked">
                  <Group justify="space-between" p="xs">
                    <Text size="sm" fw={600} className="grows" truncate>{one.file_name}</Text>
                    <Text size="sm" className="tabular">{t("imports.rows", { count: one.rows, n: format.number(one.rows) })}</Text>
                    <Text size="sm" c="dimmed">{format.moment(one.created_at)}</Text>
                    <State state={one.state} />
                  </Group>
                </Link>
              ))}
            </Stack>
          )}
        </Loaded>
      </Card>
    </Page>
  );
}

/** The file goes up as it is; what its columns hold is found by the service, and shown before anything is loaded. */
function Upload() {
  const { t } = useTranslation();
  const go = useNavigate();
  const { venue } = useVenue();
  const [overwrite, setOverwrite] = useState(false);
  const [over, setOver] = useState(false);
  const upload = useMutation({
    async mutationFn(file: File) {
      const query = new URLSearchParams({ file_name: file.name, ...(venue && { venue: venue.venue_id }), ...(overwrite && { overwrite: "true" }) });
      const response = await fetch(`/v1/imports?${query}`, { method: "POST", headers: { "content-type": "text/csv", "X-CRM-CSRF": "1" }, body: file });
      if (!response.ok) throw await Refusal.of(response);
      return (await response.json()) as { import_id: number };
    },
    onSuccess: ({ import_id }) => go(`/imports/${import_id}`),
  });
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) upload.mutate(file);
  };
  return (
    <Paper p="xl" onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}
      style={{ borderStyle: "dashed", borderWidth: 2, borderColor: over ? "var(--mantine-primary-color-filled)" : undefined }}>
      <Stack align="center" gap="sm" ta="center">
        <IconFileTypeCsv size={40} stroke={1.5} aria-hidden />
        <Text fw={600}>{t("imports.drop")}</Text>
        <Text size="sm" c="dimmed" maw={520}>{t("imports.dropHint")}</Text>
        <FileButton accept=".csv,.txt,text/csv" onChange={(file) => file && upload.mutate(file)}>
          {(props) => <Button {...props} leftSection={<IconUpload size={16} />} loading={upload.isPending}>{t("imports.choose")}</Button>}
        </FileButton>
        <Checkbox size="sm" label={t("imports.overwrite")} checked={overwrite} onChange={(event) => setOverwrite(event.currentTarget.checked)} />
        {upload.isError && <Failure error={upload.error} />}
      </Stack>
    </Paper>
  );
}
